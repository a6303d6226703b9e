#include "fuzz_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const enum sv_ses_op ops[] = {SV_SES_READ_IDENTITIES, SV_SES_READ_DKIM,
                                         SV_SES_READ_MAIL_FROM, SV_SES_VERIFY_DOMAIN,
                                         SV_SES_VERIFY_DKIM};

    fuzz_reply(bytes, len, ops, sizeof ops / sizeof ops[0]);
    return 0;
}
