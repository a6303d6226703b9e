/* Any bytes as a reply of SES: what may come out of it, whatever goes in. */
#ifndef FUZZ_REPLY_H
#define FUZZ_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "sv/ses.h"

/* The first byte chooses one of the operations and success or failure, the rest is the body. */
void fuzz_reply(const uint8_t *bytes, size_t len, const enum sv_ses_op *ops, size_t ops_count);

#endif
