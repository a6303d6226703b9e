/* Cookies (RFC 7873, RFC 9018): what goes out, what is kept, and what is not believed without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bed.h"

static struct bed *begin(enum step first, enum step second, enum step third)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));

    bed->servers_count = 1;
    bed->servers[0].steps[0] = first;
    bed->servers[0].steps[1] = second;
    bed->servers[0].steps[2] = third;
    bed_open(bed);
    return bed;
}

static void end(struct bed *bed)
{
    sv_dns_answer_free(bed->answer);
    bed_close(bed);
    test_free(bed);
}

static void expect_data(const struct bed *bed, size_t asked, size_t cookie_bytes)
{
    assert_int_equal(bed->answer->outcome, SV_DNS_DATA);
    assert_int_equal(bed->servers[0].asked, asked);
    assert_int_equal(bed->servers[0].last_cookie_bytes, cookie_bytes);
}

static void test_server_cookie_is_kept(void **state)
{
    struct bed *bed = begin(STEP_COOKIE, STEP_END, STEP_END);
    uint8_t first[8];

    (void)state;
    bed_ask(bed, true, SV_RR_TXT);
    expect_data(bed, 1, 8);
    memcpy(first, bed->servers[0].last_cookie, sizeof(first));
    bed_ask(bed, true, SV_RR_TXT);
    expect_data(bed, 2, 16);
    assert_memory_equal(bed->servers[0].last_cookie, first, sizeof(first));
    assert_memory_equal(bed->servers[0].last_cookie + 8, "biscuits", 8);
    end(bed);
}

/* One server must not be able to tell another what it has of us. */
static void test_each_address_has_its_own(void **state)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));
    static const uint8_t zeros[8];

    (void)state;
    bed->servers_count = 2;
    bed->servers[0].steps[0] = STEP_SERVFAIL;
    bed_open(bed);
    bed_ask(bed, true, SV_RR_TXT);
    assert_int_equal(bed->servers[1].last_cookie_bytes, 8);
    assert_memory_not_equal(bed->servers[0].last_cookie, bed->servers[1].last_cookie, 8);
    assert_memory_not_equal(bed->servers[0].last_cookie, zeros, 8);
    end(bed);
}

static void test_badcookie_is_asked_again(void **state)
{
    struct bed *bed = begin(STEP_BADCOOKIE, STEP_END, STEP_END);

    (void)state;
    bed_ask(bed, true, SV_RR_TXT);
    expect_data(bed, 2, 16);
    assert_false(bed->answer->tcp);
    bed_ask(bed, true, SV_RR_TXT);
    expect_data(bed, 3, 16);
    end(bed);
}

static void test_badcookie_twice_goes_to_tcp(void **state)
{
    struct bed *bed = begin(STEP_BADCOOKIE_EVER, STEP_END, STEP_END);

    (void)state;
    bed_ask(bed, true, SV_RR_TXT);
    expect_data(bed, 2, 16);
    assert_true(bed->answer->tcp);
    assert_int_equal(bed->stats.mismatches, 0);
    end(bed);
}

static void test_wrong_cookie_is_a_forgery(void **state)
{
    struct bed *bed = begin(STEP_COOKIE, STEP_WRONG_COOKIE, STEP_END);

    (void)state;
    bed_ask(bed, true, SV_RR_TXT);
    bed_ask(bed, true, SV_RR_TXT);
    assert_int_equal(bed->answer->outcome, SV_DNS_UNKNOWN);
    assert_int_equal(bed->answer->trouble, SV_DNS_TIMEOUT);
    assert_int_equal(bed->servers[0].asked, 4);
    assert_int_equal(bed->servers[0].asked_with_cookie, 4); /* not given up after silence */
    assert_int_equal(bed->stats.mismatches, 3);
    end(bed);
}

static void test_missing_cookie_is_settled_over_tcp(void **state)
{
    struct bed *bed = begin(STEP_COOKIE, STEP_ANSWER, STEP_END);

    (void)state;
    bed_ask(bed, true, SV_RR_TXT);
    bed_ask(bed, true, SV_RR_TXT);
    expect_data(bed, 2, 16);
    assert_true(bed->answer->tcp);
    assert_int_equal(bed->stats.mismatches, 1);
    bed_ask(bed, true, SV_RR_TXT); /* over TCP it gave none either: it has stopped */
    expect_data(bed, 3, 8);
    assert_false(bed->answer->tcp);
    end(bed);
}

static void test_malformed_without_cookie_is_a_forgery(void **state)
{
    struct bed *bed = begin(STEP_COOKIE, STEP_MALFORMED, STEP_COOKIE);

    (void)state;
    bed_ask(bed, true, SV_RR_TXT);
    bed_ask(bed, true, SV_RR_TXT);
    expect_data(bed, 3, 16);
    assert_int_equal(bed->stats.mismatches, 1);
    assert_int_equal(bed->stats.malformed, 0);
    end(bed);
}

/* EDNS is not to blame for what only the option brought about. */
static void test_formerr_to_the_option(void **state)
{
    struct bed *bed = begin(STEP_FORMERR_TO_COOKIE, STEP_END, STEP_END);

    (void)state;
    bed_ask(bed, true, SV_RR_TXT);
    expect_data(bed, 2, 0);
    assert_false(bed->answer->no_edns);
    bed_ask(bed, true, SV_RR_TXT);
    expect_data(bed, 3, 0);
    assert_int_equal(bed->servers[0].asked_with_edns, 3);
    assert_int_equal(bed->servers[0].asked_with_cookie, 1);
    end(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_cookie_is_kept),
        cmocka_unit_test(test_each_address_has_its_own),
        cmocka_unit_test(test_badcookie_is_asked_again),
        cmocka_unit_test(test_badcookie_twice_goes_to_tcp),
        cmocka_unit_test(test_wrong_cookie_is_a_forgery),
        cmocka_unit_test(test_missing_cookie_is_settled_over_tcp),
        cmocka_unit_test(test_malformed_without_cookie_is_a_forgery),
        cmocka_unit_test(test_formerr_to_the_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
