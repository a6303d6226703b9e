/* A row of failures that a test has written down: some calls go well, then some fail. */
#ifndef FAKE_SES_SCRIPT_H
#define FAKE_SES_SCRIPT_H

#include "sv/err.h"

struct script {
    unsigned pass, fail;
    enum sv_err err;
};

/* What the next call meets: SV_OK, or the failure that is due. */
static inline enum sv_err script_play(struct script *script)
{
    if (script->fail == 0)
        return SV_OK;
    if (script->pass > 0) {
        script->pass--;
        return SV_OK;
    }
    script->fail--;
    return script->err;
}

#endif
