/* The text of the advice, before its places are filled in. Private to lib/auth. */
#ifndef SV_AUTH_ADVICE_H
#define SV_AUTH_ADVICE_H

#include "sv/finding.h"

/* Never NULL; "" for what is no code. */
const char *sv_advice(enum sv_finding_code code);

#endif
