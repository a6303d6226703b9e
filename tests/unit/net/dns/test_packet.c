/* Queries as written, and which replies fit them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reply.h"
#include "sv/dns.h"

static void test_query_octets(void **state)
{
    static const uint8_t plain[] = "\x12\x34\x01\x20\0\1\0\0\0\0\0\0\1a\7eXample\0\0\20\0\1";
    static const uint8_t opt[] = "\0\0\x29\x04\xd0\0\0\0\0\0";
    struct sv_dns_question question = {.name = "a.eXample", .type = SV_RR_TXT};
    uint8_t out[512];

    (void)state;
    assert_int_equal(sv_dns_packet_write(out, 0x1234, &question, true, false), sizeof(plain) - 1);
    assert_memory_equal(out, plain, sizeof(plain) - 1);
    assert_int_equal(sv_dns_packet_write(out, 0x1234, &question, false, true),
                     sizeof(plain) - 1 + 11);
    assert_int_equal(out[2], 0);
    assert_int_equal(out[3], 0);
    assert_int_equal(out[11], 1);
    assert_memory_equal(out + sizeof(plain) - 1, opt, 11);
}

/* DO is the top bit of the last two octets of the OPT TTL (RFC 3225), CD is 0x0010 of the flags. */
static void test_how_it_is_asked(void **state)
{
    static const struct {
        unsigned how, flags, opt;
    } hows[] = {
        {0, 0x0120, 0},
        {SV_ASK_OWNED | SV_ASK_SEEN_BEFORE, 0x0120, 0},
        {SV_ASK_DNSSEC, 0x0120, 0x8000},
        {SV_ASK_UNCHECKED, 0x0130, 0},
        {SV_ASK_DNSSEC | SV_ASK_UNCHECKED, 0x0130, 0x8000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
        struct sv_dns_question question = {
            .name = "a.example", .type = SV_RR_TXT, .how = hows[i].how};
        uint8_t out[512];
        size_t bytes = sv_dns_packet_write(out, 1, &question, true, true);
        assert_int_equal(reply_get_u16(out + 2), hows[i].flags);
        assert_int_equal(reply_get_u16(out + bytes - 4), hows[i].opt);
    }
}

static void test_names_that_cannot_be_sent(void **state)
{
    static const char *const names[] = {
        ".a",       "a..b",
        "a\\",      "a\\25",
        "a\\256.b", "0123456789012345678901234567890123456789012345678901234567890123.example",
    };
    struct sv_dns_question question = {.type = SV_RR_TXT};
    uint8_t out[512];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        strncpy(question.name, names[i], sizeof(question.name) - 1);
        assert_int_equal(sv_dns_packet_write(out, 1, &question, true, true), 0);
    }
}

enum change {
    NO_CHANGE,
    OTHER_ID,
    NOT_A_REPLY,
    OTHER_OPCODE,
    NO_QUESTION,
    TWO_QUESTIONS,
    OTHER_NAME,
    LONGER_NAME,
    OTHER_TYPE,
    OTHER_CLASS,
    OTHER_CASE,
    CUT,
};

static const struct {
    enum change change;
    enum sv_dns_fit fit;
} fits[] = {
    {NO_CHANGE, SV_DNS_FIT_EXACT},     {OTHER_ID, SV_DNS_FIT_NONE},
    {NOT_A_REPLY, SV_DNS_FIT_NONE},    {OTHER_OPCODE, SV_DNS_FIT_NONE},
    {NO_QUESTION, SV_DNS_FIT_NONE},    {TWO_QUESTIONS, SV_DNS_FIT_NONE},
    {OTHER_NAME, SV_DNS_FIT_NONE},     {LONGER_NAME, SV_DNS_FIT_NONE},
    {OTHER_TYPE, SV_DNS_FIT_NONE},     {OTHER_CLASS, SV_DNS_FIT_NONE},
    {OTHER_CASE, SV_DNS_FIT_BUT_CASE}, {CUT, SV_DNS_FIT_NONE},
};

static void test_fits(void **state)
{
    struct sv_dns_question question = {.name = "a.eXample", .type = SV_RR_TXT};
    uint8_t query[512];
    static struct reply r;

    (void)state;
    assert_true(sv_dns_packet_write(query, 0x1234, &question, true, true) > 0);
    for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
        enum change change = fits[i].change;
        reply_begin(&r, change == OTHER_ID ? 0x1235 : 0x1234,
                    (change == NOT_A_REPLY ? 0u : REPLY_QR) |
                        (change == OTHER_OPCODE ? 0x0800u : 0u));
        reply_question(&r,
                       change == OTHER_NAME    ? "b.eXample"
                       : change == LONGER_NAME ? "a.eXample.b"
                       : change == OTHER_CASE  ? "A.example"
                                               : "a.eXample",
                       change == OTHER_TYPE ? SV_RR_A : SV_RR_TXT);
        if (change == OTHER_CLASS)
            reply_set_u16(&r, r.len - 2, 3);
        if (change == NO_QUESTION)
            reply_set_u16(&r, 4, 0);
        if (change == TWO_QUESTIONS)
            reply_question(&r, "a.eXample", SV_RR_TXT);
        if (change == CUT)
            r.len--;
        assert_int_equal(sv_dns_packet_fits(r.bytes, r.len, query), fits[i].fit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query_octets),
        cmocka_unit_test(test_how_it_is_asked),
        cmocka_unit_test(test_names_that_cannot_be_sent),
        cmocka_unit_test(test_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
