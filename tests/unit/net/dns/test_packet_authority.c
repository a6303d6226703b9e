/* What replies say besides data: whose absence it is, where the server points, what is signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "a_example.h"
#include "sv/dns.h"

static struct reply r;

static void test_absence_names_its_zone(void **state)
{
    (void)state;
    for (unsigned rcode = 0; rcode <= 3; rcode += 3) {
        reply_to_a_example(&r, REPLY_AA, rcode, SV_RR_TXT);
        reply_soa(&r, "Example", 60, 60);
        struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
        assert_string_equal(answer->zone, "Example");
        assert_int_equal(answer->serial, 1);
        sv_dns_answer_free(answer);
    }
    reply_to_a_example(&r, REPLY_AA, 0, SV_RR_TXT);
    reply_soa(&r, "other", 60, 60); /* speaks for somebody else */
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_string_equal(answer->zone, "");
    sv_dns_answer_free(answer);
}

/* Hosts, then the addresses of exactly those hosts. */
static void test_referral_with_glue(void **state)
{
    static const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8};

    (void)state;
    reply_to_a_example(&r, 0, 0, SV_RR_TXT);
    reply_ns(&r, "EXAMPLE", "ns1.example");
    reply_ns(&r, "example", "ns2.other");
    reply_rr(&r, REPLY_ADDITIONAL, "NS1.example", SV_RR_A, 60, "\xc0\0\2\1", 4);
    reply_rr(&r, REPLY_ADDITIONAL, "a.example", SV_RR_A, 60, "\xc0\0\2\2", 4);
    reply_rr(&r, REPLY_ADDITIONAL, "ns1.example", SV_RR_AAAA, 60, v6, 16);
    reply_rr(&r, REPLY_ADDITIONAL, "ns1.example", SV_RR_TXT, 60, "\1x", 2);
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_int_equal(answer->trouble, SV_DNS_REFERRED);
    assert_string_equal(answer->zone, "EXAMPLE");
    assert_int_equal(answer->records_count, 0);
    assert_int_equal(answer->referral_count, 4);
    assert_string_equal(answer->referral[0].target, "ns1.example");
    assert_int_equal(answer->referral[0].ttl_s, 300);
    assert_string_equal(answer->referral[1].target, "ns2.other");
    assert_string_equal(answer->referral[2].owner, "NS1.example");
    assert_memory_equal(answer->referral[2].address, "\xc0\0\2\1", 4);
    assert_memory_equal(answer->referral[3].address, v6, 16);
    sv_dns_answer_free(answer);
}

static void test_referral_to_two_zones_is_lame(void **state)
{
    (void)state;
    reply_to_a_example(&r, 0, 0, SV_RR_TXT);
    reply_ns(&r, "example", "ns1.example");
    reply_ns(&r, "", "ns1.example");
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_int_equal(answer->trouble, SV_DNS_LAME);
    assert_int_equal(answer->referral_count, 0);
    sv_dns_answer_free(answer);
}

/* 16 hosts and 64 records at most. */
static void test_referral_is_bounded(void **state)
{
    (void)state;
    reply_to_a_example(&r, 0, 0, SV_RR_TXT);
    for (unsigned i = 0; i < 300; i++) {
        char host[32];
        (void)snprintf(host, sizeof(host), "ns%u.example", i);
        reply_ns(&r, "example", host);
    }
    for (unsigned i = 0; i < 300; i++)
        reply_rr(&r, REPLY_ADDITIONAL, i % 2 ? "ns15.example" : "ns16.example", SV_RR_A, 60, "abcd",
                 4);
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_int_equal(answer->referral_count, 64);
    assert_string_equal(answer->referral[15].target, "ns15.example");
    for (size_t i = 16; i < 64; i++)
        assert_string_equal(answer->referral[i].owner, "ns15.example");
    sv_dns_answer_free(answer);
}

static void add_ns_answer(unsigned flags)
{
    size_t mark;

    reply_to_a_example(&r, flags, 0, SV_RR_NS);
    mark = reply_rr_begin(&r, REPLY_ANSWER, "@12", SV_RR_NS, 300);
    reply_name(&r, "ns.a.example");
    reply_rr_end(&r, mark);
    reply_rr(&r, REPLY_ADDITIONAL, "ns.a.example", SV_RR_A, 60, "abcd", 4);
}

/* Some parents tell a delegation in the answer section when its NS records are asked for. */
static void test_ns_in_the_answer(void **state)
{
    static const unsigned data[] = {REPLY_AA, A_EXAMPLE_RECURSIVE};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        add_ns_answer(data[i]);
        struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_NS);
        assert_int_equal(answer->outcome, SV_DNS_DATA);
        assert_int_equal(answer->records_count, 1);
        assert_string_equal(answer->records[0].target, "ns.a.example");
        assert_int_equal(answer->referral_count, 0);
        sv_dns_answer_free(answer);
    }
    add_ns_answer(0);
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_NS);
    assert_int_equal(answer->trouble, SV_DNS_REFERRED);
    assert_int_equal(answer->records_count, 0);
    assert_int_equal(answer->referral_count, 2);
    assert_string_equal(answer->zone, "a.example");
    sv_dns_answer_free(answer);
}

/* An NSEC record at `owner`, whose bitmap has RRSIG, NSEC and, in a last octet unless that is 0,
 * types from 128 on; 128 itself is its top bit. */
static void add_nsec(const char *owner, unsigned from_128)
{
    size_t mark = reply_rr_begin(&r, REPLY_AUTHORITY, owner, SV_RR_NSEC, 60);

    reply_bytes(&r, "\1\0\1a\7example\0", 13);
    reply_bytes(&r, "\0", 1);
    reply_u8(&r, from_128 != 0 ? 17 : 6);
    reply_bytes(&r, "\0\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0", from_128 != 0 ? 16 : 6);
    if (from_128 != 0)
        reply_u8(&r, from_128);
    reply_rr_end(&r, mark);
}

/* RFC 9824: a name that does not exist, told as NODATA. */
static void test_compact_denial(void **state)
{
    static const struct {
        const char *owner;
        unsigned from_128;
        enum sv_dns_outcome outcome;
    } denials[] = {
        {"A.example", 0x80, SV_DNS_NXDOMAIN}, {"a.example", 0xc0, SV_DNS_NXDOMAIN},
        {"a.example", 0x7f, SV_DNS_NODATA},   {"a.example", 0, SV_DNS_NODATA},
        {"example", 0x80, SV_DNS_NODATA}, /* says it of another name */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(denials) / sizeof(denials[0]); i++) {
        reply_to_a_example(&r, REPLY_AA, 0, SV_RR_TXT);
        reply_soa(&r, "example", 60, 60);
        add_nsec(denials[i].owner, denials[i].from_128);
        struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
        assert_int_equal(answer->outcome, denials[i].outcome);
        assert_int_equal(answer->compact, denials[i].outcome == SV_DNS_NXDOMAIN);
        assert_int_equal(answer->rcode, 0);
        assert_int_equal(answer->ttl_s, 60);
        sv_dns_answer_free(answer);
    }
}

static void add_rrsig(unsigned section, const char *owner, enum sv_rr_type covered)
{
    size_t mark = reply_rr_begin(&r, section, owner, SV_RR_RRSIG, 60);

    reply_u16(&r, covered);
    reply_bytes(&r, "\15\2\0\0\1\54\1\2\3\4\5\6\7\10\20\40", 16);
    reply_name(&r, "example");
    reply_bytes(&r, "signature", 9);
    reply_rr_end(&r, mark);
}

static struct sv_dns_answer *read_with_dnssec(enum sv_rr_type type)
{
    struct sv_dns_question question = {.name = "a.example", .type = type, .how = SV_ASK_DNSSEC};
    struct sv_dns_answer *answer;

    assert_int_equal(sv_dns_packet_read(r.bytes, r.len, &question, &answer, NULL), SV_OK);
    return answer;
}

/* Those over the alias and over the data, and no others; only when they were asked for. */
static void test_signatures_over_data(void **state)
{
    (void)state;
    reply_to_a_example(&r, REPLY_AA, 0, SV_RR_TXT);
    add_rrsig(REPLY_ANSWER, "@12", SV_RR_CNAME);
    reply_cname(&r, "@12", "b.example");
    reply_txt(&r, "b.example", "x");
    add_rrsig(REPLY_ANSWER, "b.example", SV_RR_TXT);
    add_rrsig(REPLY_ANSWER, "b.example", SV_RR_MX);
    add_rrsig(REPLY_ANSWER, "a.example", SV_RR_TXT);
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_int_equal(answer->records_count, 2);
    sv_dns_answer_free(answer);
    answer = read_with_dnssec(SV_RR_TXT);
    assert_int_equal(answer->records_count, 4);
    assert_int_equal(answer->ttl_s, 300);
    assert_int_equal(answer->records[1].type, SV_RR_TXT);
    for (size_t i = 2; i < 4; i++) {
        assert_int_equal(answer->records[i].type, SV_RR_RRSIG);
        assert_string_equal(answer->records[i].owner, i == 2 ? "a.example" : "b.example");
        assert_int_equal(answer->records[i].rdata_bytes, 18 + 9 + 9);
        assert_int_equal(answer->records[i].rdata[1], i == 2 ? SV_RR_CNAME : SV_RR_TXT);
        assert_memory_equal(answer->records[i].rdata + 18, "\7example\0signature", 18);
    }
    sv_dns_answer_free(answer);
}

static void test_proof_of_absence(void **state)
{
    (void)state;
    reply_to_a_example(&r, REPLY_AA, 3, SV_RR_TXT);
    reply_soa(&r, "example", 60, 60);
    add_rrsig(REPLY_AUTHORITY, "example", SV_RR_SOA);
    add_nsec("0.example", 0);
    add_rrsig(REPLY_AUTHORITY, "0.example", SV_RR_NSEC);
    add_rrsig(REPLY_AUTHORITY, "0.example", SV_RR_TXT);
    add_nsec("elsewhere", 0);
    struct sv_dns_answer *answer = read_with_dnssec(SV_RR_TXT);
    assert_int_equal(answer->outcome, SV_DNS_NXDOMAIN);
    assert_int_equal(answer->records_count, 3);
    assert_int_equal(answer->records[0].rdata[1], SV_RR_SOA);
    assert_int_equal(answer->records[1].type, SV_RR_NSEC);
    assert_memory_equal(answer->records[1].rdata, "\1\0\1a\7example\0\0\6\0\0\0\0\0\3", 20);
    assert_int_equal(answer->records[2].rdata[1], SV_RR_NSEC);
    sv_dns_answer_free(answer);
}

static void test_octets_of_dnssec_types(void **state)
{
    static const struct {
        enum sv_rr_type type;
        const char *octets;
        size_t bytes;
    } kinds[] = {
        {SV_RR_DS, "\x30\x39\15\2digest", 10},
        {SV_RR_DNSKEY, "\1\1\3\15key", 7},
        {SV_RR_NSEC3, "\1\0\0\0\2sa\4hash\0\1\x40", 15},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        reply_to_a_example(&r, REPLY_AA, 0, kinds[i].type);
        reply_rr(&r, REPLY_ANSWER, "@12", kinds[i].type, 60, kinds[i].octets, kinds[i].bytes);
        struct sv_dns_answer *answer = read_with_dnssec(kinds[i].type);
        assert_int_equal(answer->records_count, 1);
        assert_int_equal(answer->records[0].rdata_bytes, kinds[i].bytes);
        assert_memory_equal(answer->records[0].rdata, kinds[i].octets, kinds[i].bytes);
        sv_dns_answer_free(answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absence_names_its_zone),
        cmocka_unit_test(test_referral_with_glue),
        cmocka_unit_test(test_referral_to_two_zones_is_lame),
        cmocka_unit_test(test_referral_is_bounded),
        cmocka_unit_test(test_ns_in_the_answer),
        cmocka_unit_test(test_compact_denial),
        cmocka_unit_test(test_signatures_over_data),
        cmocka_unit_test(test_proof_of_absence),
        cmocka_unit_test(test_octets_of_dnssec_types),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
