#include "fuzz_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const enum sv_ses_op ops[] = {SV_SES_CREATE, SV_SES_GET, SV_SES_PUT_MAIL_FROM,
                                         SV_SES_DELETE, SV_SES_LIST};
    static const enum sv_ses_op own[] = {SV_SES_PUT_SIGNING, SV_SES_ACCOUNT};

    /* Replies of shapes of their own. */
    if (len > 0 && bytes[0] == '!')
        fuzz_reply(bytes, len, &own[1], 1);
    else
        fuzz_reply(bytes, len, ops, sizeof ops / sizeof ops[0]);
    fuzz_reply(bytes, len, own, 1);
    return 0;
}
