/* What a reply means: RFC 2308 section 2, RFC 6604, and only what the question leads to counts. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "a_example.h"
#include "packet_reading.h"

static struct reply r;

/* A chain of `links` aliases a -> n1 -> n2 ..., shuffled so that order does not matter, then TXT
 * at its end. */
static void make_chain(unsigned links)
{
    char from[32], to[32];

    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_TXT);
    (void)snprintf(from, sizeof(from), links == 0 ? "a.example" : "N%u.example", links);
    reply_txt(&r, from, "end");
    for (unsigned i = links; i > 0; i--) {
        (void)snprintf(from, sizeof(from), i == 1 ? "A.example" : "n%u.example", i - 1);
        (void)snprintf(to, sizeof(to), "n%u.EXAMPLE", i);
        reply_cname(&r, from, to);
    }
}

static void test_chains(void **state)
{
    (void)state;
    for (unsigned links = 0; links <= SV_DNS_ALIASES_MAX; links++) {
        char last[32];
        make_chain(links);
        struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
        assert_int_equal(answer->outcome, SV_DNS_DATA);
        assert_int_equal(answer->records_count, links + 1);
        for (unsigned i = 0; i < links; i++)
            assert_int_equal(answer->records[i].type, SV_RR_CNAME);
        assert_int_equal(answer->records[links].type, SV_RR_TXT);
        (void)snprintf(last, sizeof(last), links == 0 ? "a.example" : "n%u.EXAMPLE", links);
        assert_string_equal(answer->final_name, last);
        sv_dns_answer_free(answer);
    }
}

static void test_chain_of_nine_is_too_long(void **state)
{
    (void)state;
    make_chain(9);
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_int_equal(answer->outcome, SV_DNS_UNKNOWN);
    assert_int_equal(answer->trouble, SV_DNS_ALIAS_TOO_LONG);
    assert_int_equal(answer->records_count, 8);
    sv_dns_answer_free(answer);
}

static void test_loops(void **state)
{
    (void)state;
    for (unsigned links = 1; links <= 4; links++) {
        reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_TXT);
        for (unsigned i = 0; i < links; i++) {
            char from[32], to[32];
            (void)snprintf(from, sizeof(from), i == 0 ? "a.example" : "n%u.example", i);
            (void)snprintf(to, sizeof(to), i + 1 == links ? "A.Example" : "N%u.example", i + 1);
            reply_cname(&r, from, to);
        }
        struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
        assert_int_equal(answer->outcome, SV_DNS_UNKNOWN);
        assert_int_equal(answer->trouble, SV_DNS_ALIAS_LOOP);
        assert_int_equal(answer->records_count, links);
        sv_dns_answer_free(answer);
    }
}

static const struct absence {
    const char *name;
    unsigned flags, rcode;
    bool alias;
    const char *soa, *ns; /* owners, or NULL */
    uint32_t soa_ttl_s, soa_minimum_s;
    enum sv_dns_outcome outcome;
    enum sv_dns_trouble trouble;
    uint32_t ttl_s;
} absences[] = {
    {"nodata", A_EXAMPLE_RECURSIVE, 0, false, "example", NULL, 100, 60, SV_DNS_NODATA, 0, 60},
    {"nodata, SOA TTL lower", A_EXAMPLE_RECURSIVE, 0, false, "example", NULL, 30, 60, SV_DNS_NODATA,
     0, 30},
    {"nodata, SOA at the name", A_EXAMPLE_RECURSIVE, 0, false, "A.example", NULL, 30, 60,
     SV_DNS_NODATA, 0, 30},
    {"nodata, SOA with NS", REPLY_AA, 0, false, "example", "example", 30, 60, SV_DNS_NODATA, 0, 30},
    {"nodata without SOA", A_EXAMPLE_RECURSIVE, 0, false, NULL, NULL, 0, 0, SV_DNS_NODATA, 0, 0},
    {"nodata, SOA of somebody else", A_EXAMPLE_RECURSIVE, 0, false, "other", NULL, 30, 60,
     SV_DNS_NODATA, 0, 0},
    {"top bit of a TTL", A_EXAMPLE_RECURSIVE, 0, false, "example", NULL, 0x80000001, 60,
     SV_DNS_NODATA, 0, 0},
    {"nxdomain", A_EXAMPLE_RECURSIVE, 3, false, "example", NULL, 100, 60, SV_DNS_NXDOMAIN, 0, 60},
    {"nxdomain without SOA", A_EXAMPLE_RECURSIVE, 3, false, NULL, NULL, 0, 0, SV_DNS_NXDOMAIN, 0,
     0},
    {"nxdomain behind alias", A_EXAMPLE_RECURSIVE, 3, true, "other", NULL, 100, 60, SV_DNS_NXDOMAIN,
     0, 60},
    {"nxdomain, alias TTL lower", A_EXAMPLE_RECURSIVE, 3, true, "other", NULL, 900, 800,
     SV_DNS_NXDOMAIN, 0, 300},
    {"nodata behind alias", A_EXAMPLE_RECURSIVE, 0, true, "other", NULL, 100, 60, SV_DNS_NODATA, 0,
     60},
    {"nodata behind alias, no SOA", A_EXAMPLE_RECURSIVE, 0, true, NULL, NULL, 0, 0, SV_DNS_NODATA,
     0, 0},
    {"alias leads elsewhere", REPLY_AA, 0, true, NULL, NULL, 0, 0, SV_DNS_UNKNOWN,
     SV_DNS_ALIAS_ELSEWHERE, 300},
    {"alias elsewhere, SOA of the alias", REPLY_AA, 0, true, "example", NULL, 9, 9, SV_DNS_UNKNOWN,
     SV_DNS_ALIAS_ELSEWHERE, 300},
    {"referral", 0, 0, false, NULL, "example", 0, 0, SV_DNS_UNKNOWN, SV_DNS_REFERRED, 0},
    {"referral to the root", 0, 0, false, NULL, "", 0, 0, SV_DNS_UNKNOWN, SV_DNS_REFERRED, 0},
    {"referral aside", 0, 0, false, NULL, "other", 0, 0, SV_DNS_UNKNOWN, SV_DNS_LAME, 0},
    {"referral further down", 0, 0, false, NULL, "b.a.example", 0, 0, SV_DNS_UNKNOWN, SV_DNS_LAME,
     0},
    {"authority without SOA", REPLY_AA, 0, false, NULL, "example", 0, 0, SV_DNS_NODATA, 0, 0},
    {"servfail", A_EXAMPLE_RECURSIVE, 2, false, NULL, NULL, 0, 0, SV_DNS_UNKNOWN, SV_DNS_SERVFAIL,
     0},
    {"servfail with SOA", A_EXAMPLE_RECURSIVE, 2, false, "example", NULL, 9, 9, SV_DNS_UNKNOWN,
     SV_DNS_SERVFAIL, 0},
    {"refused", A_EXAMPLE_RECURSIVE, 5, false, NULL, NULL, 0, 0, SV_DNS_UNKNOWN, SV_DNS_REFUSED, 0},
    {"notauth", 0, 9, false, NULL, NULL, 0, 0, SV_DNS_UNKNOWN, SV_DNS_LAME, 0},
    {"formerr", 0, 1, false, NULL, NULL, 0, 0, SV_DNS_UNKNOWN, SV_DNS_OTHER_RCODE, 0},
    {"notimp", 0, 4, false, NULL, NULL, 0, 0, SV_DNS_UNKNOWN, SV_DNS_OTHER_RCODE, 0},
    {"yxdomain", 0, 6, true, NULL, NULL, 0, 0, SV_DNS_UNKNOWN, SV_DNS_OTHER_RCODE, 0},
};

static void test_absences(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(absences) / sizeof(absences[0]); i++) {
        const struct absence *c = &absences[i];
        print_message("%s\n", c->name);
        reply_to_a_example(&r, c->flags, c->rcode, SV_RR_TXT);
        if (c->alias)
            reply_cname(&r, "@12", "target.other");
        if (c->soa != NULL)
            reply_soa(&r, c->soa, c->soa_ttl_s, c->soa_minimum_s);
        if (c->ns != NULL)
            reply_ns(&r, c->ns, "ns1.example");
        struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
        assert_int_equal(answer->outcome, c->outcome);
        assert_int_equal(answer->trouble, c->trouble);
        assert_int_equal(answer->ttl_s, c->ttl_s);
        assert_int_equal(answer->rcode, c->rcode);
        if (answer->outcome != SV_DNS_UNKNOWN)
            assert_string_equal(answer->final_name, c->alias ? "target.other" : "a.example");
        sv_dns_answer_free(answer);
    }
}

static void test_only_what_the_question_leads_to(void **state)
{
    (void)state;
    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_TXT);
    reply_txt(&r, "b.example", "not asked");
    reply_txt(&r, "@12", "asked");
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_A, 1, "\1\2\3\4", 4);
    reply_rr(&r, REPLY_ADDITIONAL, "@12", SV_RR_TXT, 1, "\5extra", 6);
    reply_rr(&r, REPLY_AUTHORITY, "@12", SV_RR_TXT, 1, "\5extra", 6);
    size_t other_class = r.len;
    (void)other_class;
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_int_equal(answer->records_count, 1);
    assert_string_equal((const char *)answer->records[0].text, "asked");
    assert_int_equal(answer->ttl_s, 300);
    sv_dns_answer_free(answer);
}

static void test_other_class_does_not_count(void **state)
{
    (void)state;
    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_TXT);
    size_t record = r.len;
    reply_txt(&r, "@12", "chaos");
    reply_set_u16(&r, record + 4, 3);
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_int_equal(answer->outcome, SV_DNS_NODATA);
    sv_dns_answer_free(answer);
}

static void test_txt_strings_are_joined(void **state)
{
    (void)state;
    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_TXT);
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_TXT, 9,
             "\3a\0b\0\2\xff"
             "d",
             8);
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_int_equal(answer->records[0].text_bytes, 5);
    assert_memory_equal(answer->records[0].text,
                        "a\0b\xff"
                        "d",
                        6);
    sv_dns_answer_free(answer);
}

static void test_txt_of_64_kib(void **state)
{
    static char text[65000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_TXT);
    reply_txt(&r, "@12", text);
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_int_equal(answer->records[0].text_bytes, sizeof(text) - 1);
    sv_dns_answer_free(answer);
}

static void test_300_txt_records(void **state)
{
    (void)state;
    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_TXT);
    for (unsigned i = 0; i < 300; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "text %u", i);
        reply_txt(&r, "@12", text);
    }
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_int_equal(answer->outcome, SV_DNS_DATA);
    assert_int_equal(answer->records_count, SV_DNS_RECORDS_MAX);
    assert_string_equal((const char *)answer->records[255].text, "text 255");
    sv_dns_answer_free(answer);
}

/* Every alias counts against the records as well. */
static void test_300_txt_records_behind_aliases(void **state)
{
    (void)state;
    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_TXT);
    reply_cname(&r, "@12", "b.example");
    for (unsigned i = 0; i < 300; i++)
        reply_txt(&r, "b.example", "t");
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_int_equal(answer->records_count, SV_DNS_RECORDS_MAX);
    sv_dns_answer_free(answer);
}

static void test_records_of_each_type(void **state)
{
    size_t mark;

    (void)state;
    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_MX);
    mark = reply_rr_begin(&r, REPLY_ANSWER, "@12", SV_RR_MX, 10);
    reply_u16(&r, 25);
    reply_name(&r, "mx.@14");
    reply_rr_end(&r, mark);
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_MX);
    assert_int_equal(answer->records[0].preference, 25);
    assert_string_equal(answer->records[0].target, "mx.example");
    assert_null(answer->records[0].text);
    sv_dns_answer_free(answer);

    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_AAAA);
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_AAAA, 10, "0123456789abcdef", 16);
    answer = read_of_a_example(&r, SV_RR_AAAA);
    assert_memory_equal(answer->records[0].address, "0123456789abcdef", 16);
    sv_dns_answer_free(answer);

    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_MX);
    mark = reply_rr_begin(&r, REPLY_ANSWER, "@12", SV_RR_MX, 10);
    reply_u16(&r, 0);
    reply_name(&r, "");
    reply_rr_end(&r, mark);
    answer = read_of_a_example(&r, SV_RR_MX);
    assert_string_equal(answer->records[0].target, ""); /* null MX (RFC 7505) */
    sv_dns_answer_free(answer);
}

static void test_soa_and_odd_names(void **state)
{
    size_t mark;

    (void)state;
    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_CNAME);
    mark = reply_rr_begin(&r, REPLY_ANSWER, "@12", SV_RR_CNAME, 10);
    reply_bytes(&r, "\5a.b\\\x01\2\xc3\xa9\0", 10);
    reply_rr_end(&r, mark);
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_CNAME);
    assert_string_equal(answer->records[0].target, "a\\.b\\\\\\001.\\195\\169");
    assert_string_equal(answer->final_name, "a.example"); /* the alias itself was asked for */
    sv_dns_answer_free(answer);
}

static void test_alias_asked_for_is_data(void **state)
{
    (void)state;
    for (unsigned rcode = 0; rcode <= 3; rcode += 3) { /* some servers look behind it */
        reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, rcode, SV_RR_CNAME);
        reply_cname(&r, "@12", "b.example");
        struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_CNAME);
        assert_int_equal(answer->outcome, SV_DNS_DATA);
        assert_string_equal(answer->records[0].target, "b.example");
        sv_dns_answer_free(answer);
    }
}

static void refuse(const char *why)
{
    struct sv_dns_question question = {.name = "a.example", .type = SV_RR_TXT};
    struct sv_dns_answer *answer;
    struct sv_errinfo info = {0};

    assert_int_equal(sv_dns_packet_read(r.bytes, r.len, &question, &answer, &info), SV_EMALFORMED);
    assert_null(answer);
    if (strstr(info.text, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", info.text, why);
}

static void test_refused(void **state)
{
    (void)state;
    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_TXT);
    reply_cname(&r, "@12", "b.example");
    reply_cname(&r, "@12", "c.example");
    refuse("two different aliases");

    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 3, SV_RR_TXT);
    reply_txt(&r, "@12", "x");
    refuse("NXDOMAIN together with data");

    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_TXT);
    size_t mark = reply_rr_begin(&r, REPLY_ANSWER, "@12", SV_RR_CNAME, 1);
    reply_u8(&r, 63);
    for (unsigned i = 0; i < 63; i++)
        reply_u8(&r, 1);
    reply_u8(&r, 10);
    for (unsigned i = 0; i < 10; i++)
        reply_u8(&r, 1);
    reply_u8(&r, 0);
    reply_rr_end(&r, mark);
    refuse("too long to write");

    reply_begin(&r, 7, A_EXAMPLE_RECURSIVE);
    reply_question(&r, "a.example", SV_RR_TXT);
    refuse("a query");
}

static void test_same_alias_twice_is_one(void **state)
{
    (void)state;
    reply_to_a_example(&r, A_EXAMPLE_RECURSIVE, 0, SV_RR_TXT);
    reply_cname(&r, "@12", "b.example");
    reply_cname(&r, "@12", "B.example");
    reply_txt(&r, "b.example", "x");
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_int_equal(answer->outcome, SV_DNS_DATA);
    assert_int_equal(answer->records_count, 2);
    sv_dns_answer_free(answer);
}

static void test_truncated_is_unknown(void **state)
{
    (void)state;
    reply_to_a_example(&r, REPLY_TC | A_EXAMPLE_RECURSIVE, 0, SV_RR_TXT);
    reply_txt(&r, "@12", "part");
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_int_equal(answer->outcome, SV_DNS_UNKNOWN);
    assert_int_equal(answer->trouble, SV_DNS_TCP_FAILED);
    assert_int_equal(answer->records_count, 0);
    assert_true(answer->tc);
    sv_dns_answer_free(answer);
}

static void test_flags_ede_and_badvers(void **state)
{
    (void)state;
    reply_to_a_example(&r, REPLY_AA | 0x0020, 2, SV_RR_TXT);
    reply_opt(&r, 0, "\0\17\0\6\0\26text", 10);
    struct sv_dns_answer *answer = read_of_a_example(&r, SV_RR_TXT);
    assert_true(answer->aa && answer->ad);
    assert_int_equal(answer->ede, 23); /* 22 + 1 */
    sv_dns_answer_free(answer);

    reply_to_a_example(&r, 0, 0, SV_RR_TXT);
    reply_opt(&r, 1, NULL, 0);
    answer = read_of_a_example(&r, SV_RR_TXT);
    assert_int_equal(answer->rcode, 16);
    assert_int_equal(answer->trouble, SV_DNS_OTHER_RCODE);
    sv_dns_answer_free(answer);
}

static void test_question_that_cannot_be_asked(void **state)
{
    struct sv_dns_question question = {.name = "a..example", .type = SV_RR_TXT};
    struct sv_dns_answer *answer;

    (void)state;
    reply_to_a_example(&r, 0, 0, SV_RR_TXT);
    assert_int_equal(sv_dns_packet_read(r.bytes, r.len, &question, &answer, NULL), SV_EINVALID);
}

static void add_txt_of_single_octets(void)
{
    uint8_t strings[257];

    memset(strings, 0, sizeof(strings));
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_TXT, 1, strings, sizeof(strings));
}

static void add_txt_of_full_strings(void)
{
    size_t mark = reply_rr_begin(&r, REPLY_ANSWER, "@12", SV_RR_TXT, 1);
    uint8_t string[256];

    memset(string, 255, sizeof(string));
    for (unsigned i = 0; i < 250; i++)
        reply_bytes(&r, string, sizeof(string));
    reply_rr_end(&r, mark);
}

static void add_address(void)
{
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_A, 1, "\1\2\3\4", 4);
}

static void add_soa(void)
{
    size_t mark = reply_rr_begin(&r, REPLY_ANSWER, "@12", SV_RR_SOA, 1);

    reply_name(&r, "@12");
    reply_name(&r, "@12");
    for (unsigned i = 0; i < 5; i++)
        reply_u32(&r, i);
    reply_rr_end(&r, mark);
}

static void add_host_identity(void) /* with servers, each a pointer to a long name */
{
    size_t mark = reply_rr_begin(&r, REPLY_ANSWER, "@12", 55, 1);

    reply_bytes(&r, "\1\2\0\1\1\1", 6);
    for (unsigned i = 0; i < 100; i++)
        reply_name(&r, "@12");
    reply_rr_end(&r, mark);
}

/* ldns crashes where its memory ends: what is reserved for it has to be enough. */
static void test_what_ldns_needs_is_known(void **state)
{
    static const struct {
        void (*add)(void);
        unsigned times;
    } cases[] = {{add_txt_of_single_octets, 1},
                 {add_txt_of_full_strings, 1},
                 {add_address, 1},
                 {add_address, 4000},
                 {add_soa, 1},
                 {add_soa, 1700},
                 {add_host_identity, 200}};
    char name[4 * 64];

    (void)state;
    memset(name, 'a', sizeof(name));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sv_dns_walk walk;
        ldns_pkt *decoded = NULL;
        size_t before, used;

        name[63] = name[127] = name[191] = '.';
        name[253] = '\0';
        reply_begin(&r, 7, REPLY_QR);
        reply_question(&r, name, SV_RR_TXT);
        for (unsigned j = 0; j < cases[i].times; j++)
            cases[i].add();
        assert_true(r.len <= SV_DNS_PACKET_BYTES_MAX);
        assert_int_equal(sv_dns_packet_walk(r.bytes, r.len, &walk, NULL), SV_OK);
        before = mallinfo2().uordblks;
        assert_int_equal(ldns_wire2pkt(&decoded, r.bytes, r.len), LDNS_STATUS_OK);
        used = mallinfo2().uordblks - before; /* nothing, with an allocator of a sanitizer */
        print_message("%zu octets: ldns took %zu of %zu\n", r.len, used,
                      sv_dns_decoded_bytes_max(&walk, r.len));
        assert_true(used <= sv_dns_decoded_bytes_max(&walk, r.len));
        ldns_pkt_free(decoded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_chain_of_nine_is_too_long),
        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_absences),
        cmocka_unit_test(test_only_what_the_question_leads_to),
        cmocka_unit_test(test_other_class_does_not_count),
        cmocka_unit_test(test_txt_strings_are_joined),
        cmocka_unit_test(test_txt_of_64_kib),
        cmocka_unit_test(test_300_txt_records),
        cmocka_unit_test(test_300_txt_records_behind_aliases),
        cmocka_unit_test(test_records_of_each_type),
        cmocka_unit_test(test_soa_and_odd_names),
        cmocka_unit_test(test_alias_asked_for_is_data),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_same_alias_twice_is_one),
        cmocka_unit_test(test_truncated_is_unknown),
        cmocka_unit_test(test_flags_ede_and_badvers),
        cmocka_unit_test(test_question_that_cannot_be_asked),
        cmocka_unit_test(test_what_ldns_needs_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
