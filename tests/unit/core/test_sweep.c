#include "cmocka_all.h"

#include "states.h"
#include "sv/sweep.h"

#define HOUR_MS ((sv_ms)3600000)

/* The list names the identity with this status; what we know is a state of the core. */
static const struct {
    enum test_state known;
    struct sv_listed listed;
    enum sv_sweep_advice advice;
} entries[] = {
    {S_VERIFIED, {.identity = SV_AXIS_SUCCESS, .sending = SV_TRI_YES}, SV_SWEEP_LEAVE},
    {S_VERIFIED, {.identity = SV_AXIS_SUCCESS}, SV_SWEEP_LEAVE},
    {S_VERIFIED, {.identity = SV_AXIS_FAILED, .sending = SV_TRI_NO}, SV_SWEEP_HURRY},
    {S_VERIFIED, {.identity = SV_AXIS_PENDING, .sending = SV_TRI_NO}, SV_SWEEP_HURRY},
    {S_VERIFIED, {.identity = SV_AXIS_NOT_STARTED}, SV_SWEEP_HURRY},
    {S_VERIFIED, {.identity = SV_AXIS_TEMPORARY_FAILURE}, SV_SWEEP_HURRY},
    {S_VERIFIED, {.identity = SV_AXIS_UNKNOWN}, SV_SWEEP_LEAVE}, /* a word of tomorrow */
    {S_VERIFIED, {.missing = true}, SV_SWEEP_HURRY},
    {S_PENDING, {.identity = SV_AXIS_PENDING}, SV_SWEEP_LEAVE},
    {S_PENDING, {.identity = SV_AXIS_NOT_STARTED}, SV_SWEEP_LEAVE},
    {S_PENDING, {.identity = SV_AXIS_UNKNOWN}, SV_SWEEP_LEAVE},
    {S_PENDING, {.identity = SV_AXIS_PENDING, .sending = SV_TRI_NO}, SV_SWEEP_LEAVE},
    {S_PENDING, {.identity = SV_AXIS_SUCCESS, .sending = SV_TRI_YES}, SV_SWEEP_HURRY},
    {S_PENDING, {.identity = SV_AXIS_FAILED}, SV_SWEEP_HURRY},
    {S_PENDING, {.missing = true}, SV_SWEEP_HURRY},
    {S_RISK_TEMPORARY, {.identity = SV_AXIS_SUCCESS}, SV_SWEEP_LEAVE}, /* the trouble is DKIM's */
    {S_RISK_TEMPORARY, {.identity = SV_AXIS_TEMPORARY_FAILURE}, SV_SWEEP_HURRY},
    {S_RISK_TEMPORARY, {.identity = SV_AXIS_FAILED}, SV_SWEEP_HURRY},
    {S_RISK_UNSIGNED, {.identity = SV_AXIS_SUCCESS, .sending = SV_TRI_NO}, SV_SWEEP_LEAVE},
    {S_FAILED, {.identity = SV_AXIS_FAILED}, SV_SWEEP_LEAVE},
    {S_FAILED, {.identity = SV_AXIS_SUCCESS}, SV_SWEEP_HURRY},
    {S_FAILED, {.missing = true}, SV_SWEEP_HURRY},
    {S_FAILED_GONE, {.missing = true}, SV_SWEEP_LEAVE},
    {S_FAILED_GONE, {.identity = SV_AXIS_PENDING}, SV_SWEEP_HURRY}, /* somebody made it again */
    {S_FAILED_GONE, {.identity = SV_AXIS_UNKNOWN}, SV_SWEEP_HURRY},
    {S_NEW, {.identity = SV_AXIS_SUCCESS}, SV_SWEEP_LEAVE},
    {S_NEW, {.missing = true}, SV_SWEEP_LEAVE},
    {S_REMOVED, {.identity = SV_AXIS_SUCCESS}, SV_SWEEP_LEAVE},
    {S_REMOVED, {.missing = true}, SV_SWEEP_LEAVE},
};

static void an_entry_that_contradicts_hurries_the_domain(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        struct sv_domain known = test_domain(entries[i].known);
        struct sv_listed listed = entries[i].listed;

        known.ses_asked_at = TEST_NOW - HOUR_MS;
        listed.asked_at = TEST_NOW;
        known.todo = 0;
        if (sv_sweep_judge(&known, &listed) != entries[i].advice)
            fail_msg("entry %zu: %s", i, test_state_names[entries[i].known]);
        /* What we know is newer than the page, or work is owed anyway: always left. */
        known.ses_asked_at = TEST_NOW;
        assert_int_equal(sv_sweep_judge(&known, &listed), SV_SWEEP_LEAVE);
        known.ses_asked_at = TEST_NOW - HOUR_MS;
        known.todo = SV_TODO_RESTART_DKIM;
        assert_int_equal(sv_sweep_judge(&known, &listed), SV_SWEEP_LEAVE);
    }
}

/* A paused account lists everything as not sending, sweep after sweep. */
static void not_sending_alone_is_looked_into_every_six_hours(void **state)
{
    struct sv_domain known = test_domain(S_VERIFIED);
    struct sv_listed listed = {
        .identity = SV_AXIS_SUCCESS, .sending = SV_TRI_NO, .asked_at = TEST_NOW};

    (void)state;
    known.ses_asked_at = TEST_NOW - 6 * HOUR_MS + 1;
    assert_int_equal(sv_sweep_judge(&known, &listed), SV_SWEEP_LEAVE);
    known.ses_asked_at = TEST_NOW - 6 * HOUR_MS;
    assert_int_equal(sv_sweep_judge(&known, &listed), SV_SWEEP_HURRY);
}

static const struct {
    const char *what;
    struct sv_sweep sweep; /* times in ms after TEST_NOW */
    struct sv_sweep_plan plan;
    sv_ms now, wait_ms;
} plans[] = {
    {"off", {0}, {.every_ms = 0, .domains = 10000}, 0, -1},
    {"too few domains", {0}, {.every_ms = HOUR_MS, .domains = 199}, 0, -1},
    {"enough domains", {0}, {.every_ms = HOUR_MS, .domains = 200}, 0, 0},
    {"another least", {0}, {.every_ms = HOUR_MS, .domains = 5, .domains_min = 5}, 0, 0},
    {"never swept, spread",
     {0},
     {.every_ms = HOUR_MS, .domains = 900, .spread = 100000},
     0,
     100000},
    {"spread stays within a tenth",
     {0},
     {.every_ms = HOUR_MS, .domains = 900, .spread = 360001 + 7},
     0,
     7},
    {"under way", {.started_at = 1, .pages = 3}, {.every_ms = HOUR_MS, .domains = 900}, 9999, 0},
    {"under way without end",
     {.started_at = 1, .pages = SV_SWEEP_PAGES_MAX},
     {.every_ms = HOUR_MS, .domains = 900},
     1001,
     HOUR_MS - 1000},
    {"finished",
     {.started_at = 1000, .finished_at = 21000, .pages = 10},
     {.every_ms = HOUR_MS, .domains = 900},
     31000,
     HOUR_MS - 30000},
    {"due again",
     {.started_at = 1000, .finished_at = 21000, .pages = 10},
     {.every_ms = HOUR_MS, .domains = 900},
     HOUR_MS + 1000,
     0},
    {"overdue",
     {.started_at = 1000, .finished_at = 21000, .pages = 10},
     {.every_ms = HOUR_MS, .domains = 900},
     9 * HOUR_MS,
     0},
    {"the clock went back",
     {.started_at = 9 * HOUR_MS, .finished_at = 9 * HOUR_MS + 5},
     {.every_ms = HOUR_MS, .domains = 900},
     0,
     HOUR_MS},
};

static void a_page_is_asked_for_in_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        struct sv_sweep sweep = plans[i].sweep;
        sv_ms wait_ms;

        sweep.started_at += sweep.started_at != 0 ? TEST_NOW : 0;
        sweep.finished_at += sweep.finished_at != 0 ? TEST_NOW : 0;
        wait_ms = sv_sweep_wait_ms(&sweep, &plans[i].plan, TEST_NOW, TEST_NOW + plans[i].now);
        if (wait_ms != plans[i].wait_ms)
            fail_msg("%s: %lld", plans[i].what, (long long)wait_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_that_contradicts_hurries_the_domain),
        cmocka_unit_test(not_sending_alone_is_looked_into_every_six_hours),
        cmocka_unit_test(a_page_is_asked_for_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
