/* Base64 as DKIM writes it: with blanks and folded lines anywhere, the final "=" optional (RFC 6376
 * section 2.10, RFC 4648 section 4). Private to lib/auth. */
#ifndef SV_AUTH_BASE64_H
#define SV_AUTH_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "txt.h"

enum sv_base64 {
    SV_BASE64_OK,
    SV_BASE64_ODD, /* an octet that does not belong there */
    SV_BASE64_CUT, /* the last group holds one character: something is missing */
};

/* Decodes into `out`, which holds 3/4 of the text at least; `count` is how many octets came out,
 * `odd` (ODD) where the first octet stands that does not belong there. */
enum sv_base64 sv_base64_decode(struct sv_span text, uint8_t *out, size_t *count, size_t *odd);

#endif
