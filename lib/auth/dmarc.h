/* The text of DMARC records (RFC 9989 section 4.8). Private to lib/auth. */
#ifndef SV_AUTH_DMARC_H
#define SV_AUTH_DMARC_H

#include <stdbool.h>

#include "txt.h"

/* Begins with v=DMARC1: "v" in any case, the value in this very one, blanks around "=" allowed. */
bool sv_dmarc_is_record(struct sv_span text);

/* Was meant to be a DMARC record, but is none. */
bool sv_dmarc_is_malformed(struct sv_span text);

/* The value of the first tag of this name, without blanks around it; false when it is not there. */
bool sv_dmarc_tag(struct sv_span record, const char *name, struct sv_span *value);

#endif
