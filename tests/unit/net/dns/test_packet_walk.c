/* Every malformation is refused before ldns sees the packet, with a reason that names it (D5,
 * F34). */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "packet_walk.h"
#include "reply.h"
#include "sv/dns.h"

static struct reply r;

static void begin(void)
{
    reply_begin(&r, 7, REPLY_QR | REPLY_RD | REPLY_RA);
    reply_question(&r, "a.example", SV_RR_TXT);
}

static void good_empty(void)
{
    begin();
}

static void good_compressed(void)
{
    begin();
    reply_txt(&r, "@12", "hello");
    reply_txt(&r, "www.@14", "hello");
}

static void good_pointer_to_pointer(void)
{
    begin();
    size_t owner = r.len;
    reply_txt(&r, "x.@12", "hello");
    reply_txt(&r, "y.@35", "hello"); /* 27 + 8: behind the label "x" */
    assert_int_equal(owner, 27);
}

static void good_unknown_type(void)
{
    begin();
    reply_rr(&r, REPLY_ANSWER, "@12", 65280, 1, "\1\2\3", 3);
}

static void good_truncated_anywhere(void)
{
    reply_begin(&r, 7, REPLY_QR | REPLY_TC);
    reply_question(&r, "a.example", SV_RR_TXT);
    reply_txt(&r, "@12", "hello");
    r.len -= 3;
}

static void good_sig_that_signs_a_type(void)
{
    begin();
    reply_rr(&r, REPLY_ANSWER, "@12", 24, 1, "\0\1\5\1\0\0\0\1\0\0\0\1\0\0\0\1\0\1\0\0\1", 21);
}

static void no_header(void)
{
    begin();
    r.len = 11;
}

static void no_question(void)
{
    reply_begin(&r, 7, REPLY_QR);
}

static void two_questions(void)
{
    begin();
    reply_question(&r, "b.example", SV_RR_TXT);
}

static void question_cut(void)
{
    begin();
    r.len -= 1;
}

static void count_too_high(void)
{
    good_compressed();
    reply_set_u16(&r, 6, 3);
}

static void count_too_low(void)
{
    good_compressed();
    reply_set_u16(&r, 6, 1);
}

static void additional_missing(void)
{
    good_compressed();
    reply_set_u16(&r, 10, 1);
}

static void trailing(void)
{
    good_compressed();
    reply_u8(&r, 0);
}

static void loop_on_itself(void)
{
    begin();
    reply_txt(&r, "@27", "x");
}

static void loop_of_two(void)
{
    begin();
    reply_txt(&r, "a.@29", "x"); /* to its own end, which leads to its own end */
}

static void pointer_forwards(void)
{
    begin();
    reply_txt(&r, "@40", "a long enough text to be pointed into");
}

static void pointer_to_header(void)
{
    begin();
    reply_txt(&r, "@4", "x");
}

static void pointer_cut(void)
{
    begin();
    reply_set_u16(&r, 6, 1);
    reply_u8(&r, 0xc0);
}

static void label_reserved(void)
{
    begin();
    reply_set_u16(&r, 6, 1);
    reply_u8(&r, 0x41);
    reply_bytes(&r, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                70);
}

static void name_of_256(void)
{
    char name[260];

    begin();
    memset(name, 'a', sizeof(name));
    name[63] = name[127] = name[191] = '.';
    name[254] = 0; /* 63 + 63 + 63 + 62, four lengths and the root: 256 octets */
    reply_txt(&r, name, "x");
}

static void good_name_of_255(void)
{
    char name[260];

    begin();
    memset(name, 'a', sizeof(name));
    name[63] = name[127] = name[191] = '.';
    name[253] = 0;
    reply_txt(&r, name, "x");
}

static void name_grown_by_pointer(void)
{
    char name[260];

    good_name_of_255();
    memset(name, 'b', sizeof(name));
    memcpy(name, "b.@27", 6);
    reply_txt(&r, name, "x");
}

static void pointer_chain(void)
{
    char name[16];
    size_t first;

    begin();
    size_t mark = reply_rr_begin(&r, REPLY_ANSWER, "@12", 65280, 1);
    first = r.len;
    reply_u16(&r, 0xc00c);
    for (size_t i = 1; i < 200; i++)
        reply_u16(&r, 0xc000u | (unsigned)(first + 2 * (i - 1)));
    reply_rr_end(&r, mark);
    name[0] = '@';
    name[1] = (char)('0' + (first + 398) / 100);
    name[2] = (char)('0' + (first + 398) / 10 % 10);
    name[3] = (char)('0' + (first + 398) % 10);
    name[4] = 0;
    reply_txt(&r, name, "x");
}

static void rdlength_past_end(void)
{
    begin();
    reply_txt(&r, "@12", "hello");
    reply_set_u16(&r, r.len - 8, 200);
}

static void a_of_5(void)
{
    begin();
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_A, 1, "\1\2\3\4\5", 5);
}

static void aaaa_of_4(void)
{
    begin();
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_AAAA, 1, "\1\2\3\4", 4);
}

static void cname_empty(void)
{
    begin();
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_CNAME, 1, "", 0);
}

static void cname_too_long(void)
{
    begin();
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_CNAME, 1, "\1a\0\0", 4);
}

static void cname_past_rdata(void)
{
    begin();
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_CNAME, 1, "\3a", 2);
    reply_txt(&r, "@12", "x");
}

static void mx_without_host(void)
{
    begin();
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_MX, 1, "\0\1", 2);
}

static void mx_of_one(void)
{
    begin();
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_MX, 1, "\0", 1);
}

static void soa_short(void)
{
    begin();
    reply_rr(&r, REPLY_AUTHORITY, "@12", SV_RR_SOA, 1, "\0\0abcdefghijklmnopqrs", 21);
}

static void txt_empty(void)
{
    begin();
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_TXT, 1, "", 0);
}

static void txt_of_too_many_strings(void) /* ldns would take 65 KB for these, and 4 GB for 65,000 */
{
    uint8_t strings[258] = {0};

    begin();
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_TXT, 1, strings, sizeof(strings));
}

static void txt_string_past_rdata(void)
{
    begin();
    reply_rr(&r, REPLY_ANSWER, "@12", SV_RR_TXT, 1, "\5abc", 4);
}

static void tsig_twice(void)
{
    begin();
    for (unsigned i = 0; i < 2; i++)
        reply_rr(&r, REPLY_ADDITIONAL, "k", 250, 0, "\3md5\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0",
                 22);
}

static void sig0(void)
{
    begin();
    reply_rr(&r, REPLY_ADDITIONAL, "", 24, 0, "\0\0\5\0\0\0\0\0\0\0\0\1\0\0\0\1\0\1\0\0", 20);
}

static void opt_twice(void)
{
    begin();
    reply_opt(&r, 0, NULL, 0);
    reply_opt(&r, 0, NULL, 0);
}

static void opt_in_answer(void)
{
    begin();
    reply_rr(&r, REPLY_ANSWER, "", 41, 0, "", 0);
}

static void opt_below_root(void)
{
    begin();
    reply_rr(&r, REPLY_ADDITIONAL, "@12", 41, 0, "", 0);
}

static void opt_option_cut(void)
{
    begin();
    reply_opt(&r, 0, "\0\17\0\4\0\1", 6);
}

static void opt_option_head_cut(void)
{
    begin();
    reply_opt(&r, 0, "\0\17\0", 3);
}

static void ede_of_one_octet(void)
{
    begin();
    reply_opt(&r, 0, "\0\17\0\1\0", 5);
}

static void cookie_of_9(void)
{
    begin();
    reply_opt(&r, 0, "\0\12\0\11123456789", 13);
}

static void cookie_of_41(void)
{
    begin();
    reply_opt(&r, 0, "\0\12\0\05112345678901234567890123456789012345678901", 45);
}

static const struct {
    const char *name;
    void (*make)(void);
    const char *wrong; /* NULL: sound */
} cases[] = {
    {"good_empty", good_empty, NULL},
    {"good_compressed", good_compressed, NULL},
    {"good_pointer_to_pointer", good_pointer_to_pointer, NULL},
    {"good_unknown_type", good_unknown_type, NULL},
    {"good_truncated_anywhere", good_truncated_anywhere, NULL},
    {"good_sig_that_signs_a_type", good_sig_that_signs_a_type, NULL},
    {"good_name_of_255", good_name_of_255, NULL},
    {"no_header", no_header, "a packet of 11 bytes"},
    {"no_question", no_question, "exactly one question"},
    {"two_questions", two_questions, "exactly one question"},
    {"question_cut", question_cut, "ends inside"},
    {"count_too_high", count_too_high, "past the end"},
    {"count_too_low", count_too_low, "behind the last record"},
    {"additional_missing", additional_missing, "past the end"},
    {"trailing", trailing, "behind the last record"},
    {"loop_on_itself", loop_on_itself, "backwards"},
    {"loop_of_two", loop_of_two, "backwards"},
    {"pointer_forwards", pointer_forwards, "backwards"},
    {"pointer_to_header", pointer_to_header, "backwards"},
    {"pointer_chain", pointer_chain, "backwards"},
    {"pointer_cut", pointer_cut, "cut off"},
    {"label_reserved", label_reserved, "reserved"},
    {"name_of_256", name_of_256, "255"},
    {"name_grown_by_pointer", name_grown_by_pointer, "255"},
    {"rdlength_past_end", rdlength_past_end, "ends inside"},
    {"a_of_5", a_of_5, "A record"},
    {"aaaa_of_4", aaaa_of_4, "AAAA record"},
    {"cname_empty", cname_empty, "name in the data"},
    {"cname_too_long", cname_too_long, "fill its RDLENGTH"},
    {"cname_past_rdata", cname_past_rdata, "RDLENGTH"},
    {"mx_without_host", mx_without_host, "name in the data"},
    {"mx_of_one", mx_of_one, "name in the data"},
    {"soa_short", soa_short, "fill its RDLENGTH"},
    {"txt_empty", txt_empty, "no string"},
    {"txt_of_too_many_strings", txt_of_too_many_strings, "too many strings"},
    {"txt_string_past_rdata", txt_string_past_rdata, "past its RDLENGTH"},
    {"tsig_twice", tsig_twice, "TSIG"},
    {"sig0", sig0, "SIG(0)"},
    {"opt_twice", opt_twice, "not alone"},
    {"opt_in_answer", opt_in_answer, "outside"},
    {"opt_below_root", opt_below_root, "root"},
    {"opt_option_cut", opt_option_cut, "option is broken"},
    {"opt_option_head_cut", opt_option_head_cut, "option is cut"},
    {"cookie_of_9", cookie_of_9, "option is broken"},
    {"cookie_of_41", cookie_of_41, "option is broken"},
    {"ede_of_one_octet", ede_of_one_octet, "option is broken"},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sv_dns_walk walk;
        struct sv_errinfo info = {0};
        cases[i].make();
        enum sv_err err = sv_dns_packet_walk(r.bytes, r.len, &walk, &info);
        print_message("%s: %s\n", cases[i].name, err == SV_OK ? "sound" : info.text);
        assert_int_equal(err, cases[i].wrong == NULL ? SV_OK : SV_EMALFORMED);
        if (cases[i].wrong != NULL)
            assert_non_null(strstr(info.text, cases[i].wrong));
    }
}

/* RDATA of the types that DNSSEC adds (RFC 4034, RFC 5155). */
static const struct {
    const char *name;
    enum sv_rr_type type;
    const char *octets;
    size_t bytes;
    const char *wrong; /* NULL: sound */
} signed_data[] = {
    {"ds", SV_RR_DS, "\1\2\15\2d", 5, NULL},
    {"ds without digest", SV_RR_DS, "\1\2\15\2", 4, "cut off"},
    {"dnskey", SV_RR_DNSKEY, "\1\1\3\15k", 5, NULL},
    {"dnskey empty", SV_RR_DNSKEY, "", 0, "cut off"},
    {"rrsig", SV_RR_RRSIG, "\0\20\15\2\0\0\1\54abcdefgh\0\1\0s", 20, NULL},
    {"rrsig without signature", SV_RR_RRSIG, "\0\20\15\2\0\0\1\54abcdefgh\0\1\0", 19,
     "RRSIG record is cut off"},
    {"rrsig without signer", SV_RR_RRSIG, "\0\20\15\2\0\0\1\54abcdefgh\0\1", 18,
     "RRSIG record is cut off"},
    {"nsec", SV_RR_NSEC, "\0\0\1\x40\1\1\x80", 7, NULL},
    {"nsec empty", SV_RR_NSEC, "", 0, "name in the data"},
    {"nsec window twice", SV_RR_NSEC, "\0\0\1\x40\0\1\x80", 7, "bitmap is broken"},
    {"nsec window empty", SV_RR_NSEC, "\0\0\0", 3, "bitmap is broken"},
    {"nsec window of 33", SV_RR_NSEC, "\0\0\41abcdefghijklmnopqrstuvwxyzabcdefg", 36,
     "bitmap is broken"},
    {"nsec window past end", SV_RR_NSEC, "\0\0\2\x40", 4, "bitmap is broken"},
    {"nsec window cut", SV_RR_NSEC, "\0\0\1\x40\1", 5, "bitmap is cut off"},
    {"nsec3", SV_RR_NSEC3, "\1\0\0\0\1s\2hh\0\1\x40", 12, NULL},
    {"nsec3 without salt", SV_RR_NSEC3, "\1\0\0\0", 4, "NSEC3"},
    {"nsec3 salt past end", SV_RR_NSEC3, "\1\0\0\0\3s", 6, "NSEC3"},
    {"nsec3 without hash", SV_RR_NSEC3, "\1\0\0\0\1s", 6, "NSEC3"},
};

static void test_signed_data(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(signed_data) / sizeof(signed_data[0]); i++) {
        struct sv_dns_walk walk;
        struct sv_errinfo info = {0};
        begin();
        reply_rr(&r, REPLY_ANSWER, "@12", signed_data[i].type, 1, signed_data[i].octets,
                 signed_data[i].bytes);
        enum sv_err err = sv_dns_packet_walk(r.bytes, r.len, &walk, &info);
        print_message("%s: %s\n", signed_data[i].name, err == SV_OK ? "sound" : info.text);
        assert_int_equal(err, signed_data[i].wrong == NULL ? SV_OK : SV_EMALFORMED);
        if (signed_data[i].wrong != NULL)
            assert_non_null(strstr(info.text, signed_data[i].wrong));
    }
}

/* Of several causes the first that says something (RFC 8914): 0 says "other", 4711 is nobody's. */
static void test_first_known_ede(void **state)
{
    static const struct {
        const char *options;
        size_t bytes;
        unsigned ede;
    } edes[] = {
        {"\0\17\0\2\0\0", 6, 1},
        {"\0\17\0\2\0\0\0\17\0\2\0\6\0\17\0\2\0\7", 18, 7},
        {"\0\17\0\2\x12\x67\0\17\0\2\0\26", 12, 23},
        {"\0\17\0\2\x12\x67\0\17\0\2\0\0", 12, 4712},
        {"\0\17\0\2\xff\xff", 6, 65535},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(edes) / sizeof(edes[0]); i++) {
        struct sv_dns_walk walk;
        begin();
        reply_opt(&r, 0, edes[i].options, edes[i].bytes);
        assert_int_equal(sv_dns_packet_walk(r.bytes, r.len, &walk, NULL), SV_OK);
        assert_int_equal(walk.ede, edes[i].ede);
    }
}

static void test_every_prefix_is_refused(void **state)
{
    struct sv_dns_walk walk;

    (void)state;
    begin();
    reply_cname(&r, "@12", "b.@14");
    reply_txt(&r, "b.@14", "hello");
    reply_soa(&r, "@14", 5, 6);
    reply_opt(&r, 0, "\0\17\0\2\0\1", 6);
    assert_int_equal(sv_dns_packet_walk(r.bytes, r.len, &walk, NULL), SV_OK);
    for (size_t len = 0; len < r.len; len++)
        assert_int_equal(sv_dns_packet_walk(r.bytes, len, &walk, NULL), SV_EMALFORMED);
}

static void test_extended_rcode_and_ede(void **state)
{
    struct sv_dns_walk walk;

    (void)state;
    begin();
    reply_opt(&r, 1, "\0\3\0\0\0\17\0\4\0\6hi\0\17\0\2\0\7", 18);
    assert_int_equal(sv_dns_packet_walk(r.bytes, r.len, &walk, NULL), SV_OK);
    assert_int_equal(walk.rcode, 16);
    assert_int_equal(walk.ede, 7); /* 6 + 1, the first of the two */
    assert_true(walk.edns);
}

/* F34: ldns 1.8.3 leaks 128 bytes for a packet with two TSIG records; it must not get to see one.
 */
static void test_refused_packets_leave_nothing_behind(void **state)
{
    enum { ROUNDS = 5000 };
    struct sv_dns_question question = {.name = "a.example", .type = SV_RR_TXT};
    struct sv_dns_answer *answer;
    size_t before = mallinfo2().uordblks;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cases[i].make();
        for (unsigned round = 0; round < ROUNDS; round++) {
            enum sv_err err = sv_dns_packet_read(r.bytes, r.len, &question, &answer, NULL);
            assert_int_equal(err != SV_OK, answer == NULL);
            sv_dns_answer_free(answer);
        }
    }
    assert_in_range(mallinfo2().uordblks, 0, before + 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_signed_data),
        cmocka_unit_test(test_first_known_ede),
        cmocka_unit_test(test_every_prefix_is_refused),
        cmocka_unit_test(test_extended_rcode_and_ede),
        cmocka_unit_test(test_refused_packets_leave_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
