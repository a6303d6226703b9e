/* The table of extended errors (dns-auth section 2.5), whole. */
#include "judge_parts.h"

#include "cmocka_all.h"

static const struct {
    unsigned from, to;
    enum sv_finding_code code;
} table[] = {
    {0, 0, SV_F_NONE},
    {1, 2, SV_F_DNS_DNSSEC_UNSUPPORTED},
    {3, 3, SV_F_DNS_STALE_CACHE},
    {4, 4, SV_F_DNS_ANSWER_FILTERED},
    {5, 6, SV_F_DNS_DNSSEC_BOGUS},
    {7, 7, SV_F_DNS_DNSSEC_EXPIRED},
    {8, 8, SV_F_DNS_DNSSEC_NOT_YET_VALID},
    {9, 9, SV_F_DNS_DNSSEC_DS_MISMATCH},
    {10, 12, SV_F_DNS_DNSSEC_BOGUS},
    {13, 14, SV_F_DNS_SERVFAIL},
    {15, 18, SV_F_DNS_ANSWER_FILTERED},
    {19, 19, SV_F_DNS_STALE_CACHE},
    {20, 20, SV_F_DNS_LAME_DELEGATION},
    {21, 21, SV_F_NONE},
    {22, 22, SV_F_DNS_UNREACHABLE},
    {23, 23, SV_F_DNS_NETWORK_ERROR},
    {24, 24, SV_F_DNS_MALFORMED_REPLY},
    {25, 65534, SV_F_NONE},
};

static void extended_errors_name_their_cause(void **state)
{
    (void)state;
    assert_int_equal(sv_ede_code(0), SV_F_NONE); /* none was sent */
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        for (unsigned code = table[i].from; code <= table[i].to; code++)
            assert_int_equal(sv_ede_code((uint16_t)(code + 1)), table[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extended_errors_name_their_cause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
