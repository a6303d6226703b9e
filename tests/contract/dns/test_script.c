/* sv_dns against servers that misbehave in every known way: what is found out, and how often which
 * server was asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bed.h"

enum { SERVERS = BED_SERVERS_MAX };

static const struct {
    const char *name;
    enum step steps[SERVERS][SCRIPT_STEPS_MAX]; /* no first step: no such server */
    enum over_tcp tcp;
    enum sv_dns_outcome outcome;
    enum sv_dns_trouble trouble;
    size_t asked[SERVERS], tcp_asked;
    unsigned mismatches;
} cases[] = {
    {"answer", {{STEP_ANSWER}}, 0, SV_DNS_DATA, 0, {1}, 0, 0},
    {"alias", {{STEP_ALIAS}}, 0, SV_DNS_DATA, 0, {1}, 0, 0},
    {"nxdomain", {{STEP_NXDOMAIN}}, 0, SV_DNS_NXDOMAIN, 0, {1}, 0, 0},
    {"nodata", {{STEP_NODATA}}, 0, SV_DNS_NODATA, 0, {1}, 0, 0},
    {"silent", {{STEP_SILENT}}, 0, SV_DNS_UNKNOWN, SV_DNS_TIMEOUT, {3}, 0, 0},
    {"silent once", {{STEP_SILENT, STEP_ANSWER}}, 0, SV_DNS_DATA, 0, {2}, 0, 0},
    {"all silent", {{STEP_SILENT}, {STEP_SILENT}}, 0, SV_DNS_UNKNOWN, SV_DNS_TIMEOUT, {2, 1}, 0, 0},
    {"first silent", {{STEP_SILENT}, {STEP_ANSWER}}, 0, SV_DNS_DATA, 0, {1, 1}, 0, 0},
    {"late", {{STEP_LATE, STEP_ANSWER}}, 0, SV_DNS_DATA, 0, {2}, 0, 1},
    {"duplicate", {{STEP_DUPLICATE}}, 0, SV_DNS_DATA, 0, {1}, 0, 1},
    {"wrong id", {{STEP_WRONG_ID}}, 0, SV_DNS_UNKNOWN, SV_DNS_TIMEOUT, {3}, 0, 3},
    {"wrong id, then right", {{STEP_WRONG_ID}, {STEP_ANSWER}}, 0, SV_DNS_DATA, 0, {1, 1}, 0, 1},
    {"wrong port", {{STEP_WRONG_PORT}}, 0, SV_DNS_UNKNOWN, SV_DNS_TIMEOUT, {3}, 0, 3},
    {"wrong name", {{STEP_WRONG_NAME}}, 0, SV_DNS_UNKNOWN, SV_DNS_TIMEOUT, {3}, 0, 3},
    {"wrong type", {{STEP_WRONG_TYPE}}, 0, SV_DNS_UNKNOWN, SV_DNS_TIMEOUT, {3}, 0, 3},
    {"wrong opcode", {{STEP_WRONG_OPCODE}}, 0, SV_DNS_UNKNOWN, SV_DNS_TIMEOUT, {3}, 0, 3},
    {"echo", {{STEP_ECHO}}, 0, SV_DNS_UNKNOWN, SV_DNS_TIMEOUT, {3}, 0, 3},
    {"two questions", {{STEP_TWO_QUESTIONS}}, 0, SV_DNS_UNKNOWN, SV_DNS_TIMEOUT, {3}, 0, 3},
    {"garbage", {{STEP_GARBAGE}}, 0, SV_DNS_UNKNOWN, SV_DNS_TIMEOUT, {3}, 0, 3},
    {"empty", {{STEP_EMPTY}}, 0, SV_DNS_UNKNOWN, SV_DNS_TIMEOUT, {3}, 0, 3},
    {"huge", {{STEP_HUGE}}, 0, SV_DNS_UNKNOWN, SV_DNS_TIMEOUT, {3}, 0, 3},
    {"seven forged, then right", {{STEP_SEVEN_WRONG}}, 0, SV_DNS_DATA, 0, {1}, 0, 7},
    {"nine forged: TCP", {{STEP_NINE_WRONG}}, OVER_TCP_ANSWER, SV_DNS_DATA, 0, {1}, 1, 9},
    {"nine forged, no TCP",
     {{STEP_NINE_WRONG}},
     OVER_TCP_REFUSE,
     SV_DNS_UNKNOWN,
     SV_DNS_TCP_FAILED,
     {1},
     0,
     9},
    {"lower case", {{STEP_LOWER_CASE}}, 0, SV_DNS_DATA, 0, {2}, 0, 1},
    {"servfail", {{STEP_SERVFAIL}}, 0, SV_DNS_UNKNOWN, SV_DNS_SERVFAIL, {1}, 0, 0},
    {"servfail, next", {{STEP_SERVFAIL}, {STEP_ANSWER}}, 0, SV_DNS_DATA, 0, {1, 1}, 0, 0},
    {"refused", {{STEP_REFUSED}}, 0, SV_DNS_UNKNOWN, SV_DNS_REFUSED, {1}, 0, 0},
    {"refused, next", {{STEP_REFUSED}, {STEP_ANSWER}}, 0, SV_DNS_DATA, 0, {1, 1}, 0, 0},
    {"formerr to all", {{STEP_FORMERR}}, 0, SV_DNS_UNKNOWN, SV_DNS_OTHER_RCODE, {3}, 0, 0},
    {"from a cache", {{STEP_NO_AUTHORITY}}, 0, SV_DNS_DATA, 0, {1}, 0, 0},
    {"referral", {{STEP_REFERRAL}}, 0, SV_DNS_UNKNOWN, SV_DNS_LAME, {1}, 0, 0},
    {"servfail tells more than silence",
     {{STEP_SERVFAIL}, {STEP_SILENT}, {STEP_REFUSED}},
     0,
     SV_DNS_UNKNOWN,
     SV_DNS_SERVFAIL,
     {1, 1, 1},
     0,
     0},
    {"malformed", {{STEP_MALFORMED}}, 0, SV_DNS_UNKNOWN, SV_DNS_MALFORMED, {1}, 0, 0},
    {"malformed, next", {{STEP_MALFORMED}, {STEP_ANSWER}}, 0, SV_DNS_DATA, 0, {1, 1}, 0, 0},
    {"formerr to EDNS", {{STEP_FORMERR_TO_EDNS}}, 0, SV_DNS_DATA, 0, {3}, 0, 0},
    {"notimp to EDNS", {{STEP_NOTIMP_TO_EDNS}}, 0, SV_DNS_DATA, 0, {2}, 0, 0},
    {"badvers to EDNS", {{STEP_BADVERS_TO_EDNS}}, 0, SV_DNS_DATA, 0, {2}, 0, 0},
    {"silent to EDNS", {{STEP_SILENT_TO_EDNS}}, 0, SV_DNS_DATA, 0, {2}, 0, 0},
    {"truncated", {{STEP_TRUNCATED}}, OVER_TCP_ANSWER, SV_DNS_DATA, 0, {1}, 1, 0},
    {"truncated, 300 records", {{STEP_TRUNCATED}}, OVER_TCP_300, SV_DNS_DATA, 0, {1}, 1, 0},
    {"truncated, refused",
     {{STEP_TRUNCATED}},
     OVER_TCP_REFUSE,
     SV_DNS_UNKNOWN,
     SV_DNS_TCP_FAILED,
     {1},
     0,
     0},
    {"truncated, slow",
     {{STEP_TRUNCATED}},
     OVER_TCP_SLOW,
     SV_DNS_UNKNOWN,
     SV_DNS_TCP_FAILED,
     {1},
     1,
     0},
    {"truncated, cut",
     {{STEP_TRUNCATED}},
     OVER_TCP_CUT,
     SV_DNS_UNKNOWN,
     SV_DNS_TCP_FAILED,
     {1},
     1,
     0},
    {"truncated, closed",
     {{STEP_TRUNCATED}},
     OVER_TCP_CLOSE,
     SV_DNS_UNKNOWN,
     SV_DNS_TCP_FAILED,
     {1},
     1,
     0},
    {"truncated, forged",
     {{STEP_TRUNCATED}},
     OVER_TCP_WRONG_ID,
     SV_DNS_UNKNOWN,
     SV_DNS_TCP_FAILED,
     {1},
     1,
     1},
    {"truncated twice",
     {{STEP_TRUNCATED}},
     OVER_TCP_TRUNCATED,
     SV_DNS_UNKNOWN,
     SV_DNS_TCP_FAILED,
     {1},
     1,
     0},
    {"truncated, servfail",
     {{STEP_TRUNCATED}},
     OVER_TCP_SERVFAIL,
     SV_DNS_UNKNOWN,
     SV_DNS_SERVFAIL,
     {1},
     1,
     0},
    {"truncated, refused, next",
     {{STEP_TRUNCATED}, {STEP_ANSWER}},
     OVER_TCP_REFUSE,
     SV_DNS_DATA,
     0,
     {1, 1},
     0,
     0},
};

static void run_case(size_t i)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));

    print_message("%s\n", cases[i].name);
    while (bed->servers_count < SERVERS && cases[i].steps[bed->servers_count][0] != STEP_END) {
        struct script *script = &bed->servers[bed->servers_count];
        memcpy(script->steps, cases[i].steps[bed->servers_count], sizeof(script->steps));
        script->tcp = cases[i].tcp;
        bed->servers_count++;
    }
    bed_open(bed);
    bed_ask(bed, true, SV_RR_TXT);
    assert_int_equal(bed->answer->outcome, cases[i].outcome);
    assert_int_equal(bed->answer->trouble, cases[i].trouble);
    assert_int_equal(bed->stats.mismatches, cases[i].mismatches);
    for (size_t s = 0; s < bed->servers_count; s++)
        assert_int_equal(bed->servers[s].asked, cases[i].asked[s]);
    assert_int_equal(bed->servers[0].tcp_asked, cases[i].tcp_asked);
    assert_true(bed->answer->server[0] != 0);
    assert_true(bed->answer->at > 0);
    if (bed->answer->outcome == SV_DNS_DATA && bed->answer->records[0].type == SV_RR_TXT) {
        assert_string_equal(bed->answer->records[0].owner, "Client.example"); /* not our 0x20 */
        assert_int_equal(bed->answer->tcp, cases[i].tcp_asked > 0);
    }
    sv_dns_answer_free(bed->answer);
    bed_close(bed);
    test_free(bed);
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        run_case(i);
}

/* The second query to a server profits from what the first one learned. */
static void test_habits_are_remembered(void **state)
{
    static const struct {
        enum step step;
        size_t asked_first, edns_first, edns_second;
    } habits[] = {
        {STEP_FORMERR_TO_EDNS, 3, 2, 2},
        {STEP_LOWER_CASE, 2, 2, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++) {
        struct bed *bed = test_calloc(1, sizeof(*bed));
        bed->servers_count = 1;
        bed->servers[0].steps[0] = habits[i].step;
        bed_open(bed);
        bed_ask(bed, true, SV_RR_TXT);
        assert_int_equal(bed->servers[0].asked, habits[i].asked_first);
        assert_int_equal(bed->servers[0].asked_with_edns, habits[i].edns_first);
        bed_ask(bed, true, SV_RR_TXT);
        assert_int_equal(bed->servers[0].asked, habits[i].asked_first + 1);
        assert_int_equal(bed->servers[0].asked_with_edns, habits[i].edns_second);
        assert_int_equal(bed->answer->no_edns, habits[i].step == STEP_FORMERR_TO_EDNS);
        assert_int_equal(bed->answer->outcome, SV_DNS_DATA);
        sv_dns_answer_free(bed->answer);
        bed_close(bed);
        test_free(bed);
    }
}

/* Whoever answered EDNS a moment ago is busy, or the packet was lost: EDNS stays until the last
 * try. */
static void test_silence_after_edns_is_not_held_against_edns(void **state)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));
    struct script *server = &bed->servers[0];
    static const enum step steps[] = {STEP_ANSWER, STEP_SILENT, STEP_ANSWER,
                                      STEP_SILENT, STEP_SILENT, STEP_ANSWER};

    (void)state;
    bed->servers_count = 1;
    memcpy(server->steps, steps, sizeof(steps));
    bed_open(bed);
    bed_ask(bed, true, SV_RR_TXT);
    bed_ask(bed, true, SV_RR_TXT);
    assert_int_equal(bed->answer->outcome, SV_DNS_DATA);
    assert_int_equal(server->asked_with_edns, 3);
    bed_ask(bed, true, SV_RR_TXT);
    assert_int_equal(bed->answer->outcome, SV_DNS_DATA);
    assert_int_equal(server->asked, 6);
    assert_int_equal(server->asked_with_edns, 5);
    bed_ask(bed, true, SV_RR_TXT); /* that was no habit */
    assert_int_equal(server->asked_with_edns, 6);
    assert_false(bed->answer->no_edns);
    sv_dns_answer_free(bed->answer);
    bed_close(bed);
    test_free(bed);
}

/* A server that nobody runs is noticed by its ICMP error, not by silence. */
static void test_nobody_listens(void **state)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));
    uv_udp_t *gone = &bed->servers[0].udp;

    (void)state;
    bed->servers_count = 2;
    bed->servers[0].tcp = OVER_TCP_REFUSE;
    bed_open(bed);
    uv_close((uv_handle_t *)gone, NULL);
    (void)uv_run(&bed->loop, UV_RUN_NOWAIT);
    bed_ask(bed, true, SV_RR_TXT);
    assert_int_equal(bed->answer->outcome, SV_DNS_DATA);
    assert_int_equal(bed->stats.timeouts, 0);
    assert_int_equal(bed->servers[1].asked, 1);
    sv_dns_answer_free(bed->answer);
    memset(gone, 0, sizeof(*gone));
    assert_int_equal(uv_udp_init(&bed->loop, gone), 0);
    bed_close(bed);
    test_free(bed);
}

/* Sockets, addresses and ICMP of the other family are other code in part. */
static void test_over_ipv6(void **state)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));
    struct sockaddr_in6 address;
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    bool there = uv_ip6_addr("::1", 0, &address) == 0 && fd >= 0 &&
                 bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;

    (void)state;
    (void)close(fd);
    bed->servers_count = 3;
    bed->servers[0].v6 = bed->servers[2].v6 = there;
    bed->servers[0].steps[0] = STEP_WRONG_PORT;
    bed->servers[0].steps[1] = STEP_TRUNCATED;
    bed->servers[1].steps[0] = STEP_SERVFAIL;
    bed->servers[2].steps[0] = STEP_ANSWER;
    bed_open(bed);
    bed_ask(bed, true, SV_RR_TXT); /* wrong port, SERVFAIL, and the third answers */
    assert_int_equal(bed->answer->outcome, SV_DNS_DATA);
    assert_int_equal(bed->stats.mismatches, 1);
    assert_int_equal(strncmp(bed->answer->server, there ? "[::1]:" : "127.0.0.1:", 6), 0);
    bed_ask(bed, true, SV_RR_TXT); /* truncated */
    assert_true(bed->answer->tcp);
    uv_close((uv_handle_t *)&bed->servers[0].udp, NULL);
    (void)uv_run(&bed->loop, UV_RUN_NOWAIT);
    bed_ask(bed, true, SV_RR_TXT); /* nobody listens */
    assert_int_equal(bed->answer->outcome, SV_DNS_DATA);
    assert_int_equal(bed->stats.timeouts, 1);
    memset(&bed->servers[0].udp, 0, sizeof(bed->servers[0].udp));
    assert_int_equal(uv_udp_init(&bed->loop, &bed->servers[0].udp), 0);
    sv_dns_answer_free(bed->answer);
    bed_close(bed);
    test_free(bed);
}

static void test_lame_without_authority(void **state)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));

    (void)state;
    bed->servers_count = 1;
    bed->servers[0].steps[0] = STEP_ANSWER;
    bed_open(bed);
    bed_ask(bed, false, SV_RR_TXT);
    assert_int_equal(bed->answer->outcome, SV_DNS_DATA); /* AA is set */
    bed->servers[0].steps[0] = STEP_NO_AUTHORITY;
    bed_ask(bed, false, SV_RR_TXT);
    assert_int_equal(bed->answer->outcome, SV_DNS_UNKNOWN);
    assert_int_equal(bed->answer->trouble, SV_DNS_LAME);
    assert_int_equal(bed->answer->records_count, 0);
    bed_close(bed);
    sv_dns_answer_free(bed->answer);
    test_free(bed);
}

/* A server may point to others when nobody asked it to look everywhere. */
static void test_referrals(void **state)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));

    (void)state;
    bed->servers_count = 2;
    bed->servers[0].steps[0] = STEP_REFERRAL;
    bed_open(bed);
    bed_ask(bed, false, SV_RR_TXT);
    assert_int_equal(bed->answer->trouble, SV_DNS_REFERRED);
    assert_string_equal(bed->answer->zone, "example");
    assert_int_equal(bed->answer->referral_count, 1);
    assert_int_equal(bed->servers[1].asked, 0);
    bed_ask(bed, true, SV_RR_TXT); /* of a resolver it is no answer */
    assert_int_equal(bed->answer->outcome, SV_DNS_DATA);
    assert_int_equal(bed->servers[1].asked, 1);
    bed->servers[1].steps[0] = STEP_REFERRAL;
    bed_ask(bed, true, SV_RR_TXT);
    assert_int_equal(bed->answer->trouble, SV_DNS_LAME);
    assert_int_equal(bed->answer->referral_count, 0);
    assert_string_equal(bed->answer->zone, "");
    bed_close(bed);
    sv_dns_answer_free(bed->answer);
    test_free(bed);
}

/* Names go out in mixed case, and not always the same one. */
static void test_case_is_mixed(void **state)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));
    char first[SV_NAME_BYTES] = "";
    unsigned different = 0;

    (void)state;
    bed->servers_count = 1;
    bed_open(bed);
    for (unsigned i = 0; i < 40; i++) {
        bed_ask(bed, true, SV_RR_TXT);
        assert_true(sv_name_equal(bed->servers[0].last_name, "client.example"));
        if (i == 0)
            memcpy(first, bed->servers[0].last_name, sizeof(first));
        different += strcmp(first, bed->servers[0].last_name) != 0;
    }
    assert_true(different > 30); /* 13 letters: equal once in 8,192 */
    sv_dns_answer_free(bed->answer);
    bed_close(bed);
    test_free(bed);
}

static void test_refused_at_start(void **state)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));
    struct sv_dns_question question = {.name = "a..b", .type = SV_RR_TXT};
    struct sv_dns_server server = {0};
    struct sv_dns_ask ask = {.question = &question, .servers = &server, .servers_count = 1};
    struct sv_dns_query query = {.owner = bed};

    (void)state;
    bed_open(bed);
    assert_int_equal(sv_dns_server_parse("127.0.0.1:9", &server, NULL), SV_OK);
    assert_int_equal(sv_dns_start(bed->dns, &query, &ask, bed_on_done, NULL), SV_EINVALID);
    memcpy(question.name, "a.b", 4);
    ask.servers_count = 0;
    assert_int_equal(sv_dns_start(bed->dns, &query, &ask, bed_on_done, NULL), SV_EINVALID);
    ask.servers_count = 1;
    server.address.ss_family = AF_UNIX;
    assert_int_equal(sv_dns_start(bed->dns, &query, &ask, bed_on_done, NULL), SV_EINVALID);
    bed_close(bed);
    assert_null(bed->answer);
    test_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_habits_are_remembered),
        cmocka_unit_test(test_silence_after_edns_is_not_held_against_edns),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_over_ipv6),
        cmocka_unit_test(test_lame_without_authority),
        cmocka_unit_test(test_referrals),
        cmocka_unit_test(test_case_is_mixed),
        cmocka_unit_test(test_refused_at_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
