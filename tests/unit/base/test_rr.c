#include "cmocka_all.h"

#include <string.h>

#include "sv/alloc.h"
#include "sv/rr.h"

static void words_are_stable(void **state)
{
    static const struct {
        unsigned type;
        const char *name;
    } types[] = {
        {SV_RR_NONE, "OTHER"},  {SV_RR_A, "A"},       {SV_RR_NS, "NS"},
        {SV_RR_CNAME, "CNAME"}, {SV_RR_SOA, "SOA"},   {SV_RR_MX, "MX"},
        {SV_RR_TXT, "TXT"},     {SV_RR_AAAA, "AAAA"}, {SV_RR_DS, "DS"},
        {SV_RR_RRSIG, "RRSIG"}, {SV_RR_NSEC, "NSEC"}, {SV_RR_DNSKEY, "DNSKEY"},
        {SV_RR_SPF, "SPF"},     {33, "OTHER"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_string_equal(sv_rr_type_name((enum sv_rr_type)types[i].type), types[i].name);
    assert_string_equal(sv_dns_outcome_name(SV_DNS_UNKNOWN), "unknown");
    assert_string_equal(sv_dns_outcome_name(SV_DNS_NXDOMAIN), "nxdomain");
    assert_string_equal(sv_dns_trouble_name(SV_DNS_NO_TROUBLE), "none");
    assert_string_equal(sv_dns_trouble_name(SV_DNS_ALIAS_TOO_LONG), "alias_too_long");
    for (unsigned i = SV_DNS_TIMEOUT; i <= SV_DNS_OTHER_RCODE; i++)
        assert_string_not_equal(sv_dns_trouble_name((enum sv_dns_trouble)i), "none");
}

static void a_copy_needs_nothing_of_the_original(void **state)
{
    char owner[] = "a.example.com";
    char target[] = "mx.example.com";
    uint8_t text[] = {'v', 0, 0xff};
    struct sv_rr records[] = {
        {.owner = owner, .type = SV_RR_MX, .ttl_s = 300, .preference = 10, .target = target},
        {.owner = owner, .type = SV_RR_TXT, .text = text, .text_bytes = sizeof(text)},
        {.owner = "", .type = SV_RR_TXT, .text = text, .text_bytes = 0},
        {.owner = owner, .type = SV_RR_A, .address = {127, 0, 0, 1}},
    };
    struct sv_dns_answer answer = {
        .outcome = SV_DNS_DATA,
        .server = "[2001:db8::1]:53",
        .final_name = "a.example.com",
        .records = records,
        .records_count = 4,
    };
    struct sv_dns_answer *copy = sv_dns_answer_copy(&answer);

    (void)state;
    memset(owner, 'x', sizeof(owner) - 1);
    memset(target, 'x', sizeof(target) - 1);
    memset(text, 'x', sizeof(text));
    memset(records, 0, sizeof(records));
    assert_int_equal(copy->outcome, SV_DNS_DATA);
    assert_string_equal(copy->server, "[2001:db8::1]:53");
    assert_int_equal(copy->records_count, 4);
    assert_string_equal(copy->records[0].owner, "a.example.com");
    assert_string_equal(copy->records[0].target, "mx.example.com");
    assert_null(copy->records[0].text);
    assert_int_equal(copy->records[0].preference, 10);
    assert_int_equal(copy->records[0].ttl_s, 300);
    assert_int_equal(copy->records[1].text_bytes, 3);
    assert_memory_equal(copy->records[1].text, "v\0\xff", 3);
    assert_null(copy->records[1].target);
    assert_non_null(copy->records[2].text);
    assert_int_equal(copy->records[2].text_bytes, 0);
    assert_string_equal(copy->records[2].owner, "");
    assert_memory_equal(copy->records[3].address, "\x7f\0\0\1", 4);
    sv_dns_answer_free(copy);
}

static void an_answer_may_be_empty(void **state)
{
    struct sv_dns_answer answer = {.trouble = SV_DNS_TIMEOUT};
    struct sv_dns_answer *copy = sv_dns_answer_copy(&answer);

    (void)state;
    assert_int_equal(copy->trouble, SV_DNS_TIMEOUT);
    assert_null(copy->records);
    sv_dns_answer_free(copy);
    sv_dns_answer_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_stable),
        cmocka_unit_test(a_copy_needs_nothing_of_the_original),
        cmocka_unit_test(an_answer_may_be_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
