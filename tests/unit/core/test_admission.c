#include "cmocka_all.h"

#include "sv/admission.h"

#define NOW ((sv_ms)1767225600000)

struct row {
    const char *what;
    enum sv_job_type type;
    struct sv_admission_view view;
    enum sv_admission outcome;
    bool due_now, again;
    unsigned attempts;
};

#define KNOWN   .known = true, .client_domains = 1
#define RUNNING KNOWN, .running = true
#define OPEN    KNOWN, .open = true
#define LATE    .superseded = true

static const struct row rows[] = {
    {"register, unknown",
     SV_JOB_REGISTER,
     {.client_domains = 9},
     SV_ADMISSION_OPENED,
     true,
     false,
     0},
    {"register, full",
     SV_JOB_REGISTER,
     {.client_domains = 10},
     SV_ADMISSION_DOMAIN_LIMIT,
     false,
     false,
     0},
    {"register, over full",
     SV_JOB_REGISTER,
     {.client_domains = 11},
     SV_ADMISSION_DOMAIN_LIMIT,
     false,
     false,
     0},
    {"register, known", SV_JOB_REGISTER, {KNOWN}, SV_ADMISSION_OPENED, true, false, 0},
    {"register, known of a full client",
     SV_JOB_REGISTER,
     {.known = true, .client_domains = 10},
     SV_ADMISSION_OPENED,
     true,
     false,
     0},
    {"register, open", SV_JOB_REGISTER, {OPEN}, SV_ADMISSION_COALESCED, true, false, 0},
    {"register, running", SV_JOB_REGISTER, {RUNNING}, SV_ADMISSION_COALESCED, false, true, 0},
    {"register, running and open",
     SV_JOB_REGISTER,
     {RUNNING, .open = true},
     SV_ADMISSION_COALESCED,
     false,
     true,
     0},
    {"adopt, unknown", SV_JOB_ADOPT, {.client_domains = 0}, SV_ADMISSION_OPENED, true, false, 0},
    {"adopt, full",
     SV_JOB_ADOPT,
     {.client_domains = 10},
     SV_ADMISSION_DOMAIN_LIMIT,
     false,
     false,
     0},
    {"adopt, running", SV_JOB_ADOPT, {RUNNING}, SV_ADMISSION_COALESCED, false, true, 0},
    {"recheck, unknown",
     SV_JOB_RECHECK,
     {.client_domains = 1},
     SV_ADMISSION_NOT_REGISTERED,
     false,
     false,
     0},
    {"recheck, waiting",
     SV_JOB_RECHECK,
     {KNOWN, .attempts = 4, .attempted_at = NOW - 1},
     SV_ADMISSION_OPENED,
     true,
     false,
     5},
    {"recheck, open: free",
     SV_JOB_RECHECK,
     {OPEN, .attempts = 5, .attempted_at = NOW - 1},
     SV_ADMISSION_COALESCED,
     true,
     false,
     5},
    {"recheck, running",
     SV_JOB_RECHECK,
     {RUNNING, .attempts = 1},
     SV_ADMISSION_COALESCED,
     false,
     true,
     2},
    {"recheck, promised: free",
     SV_JOB_RECHECK,
     {RUNNING, .again = true, .attempts = 5},
     SV_ADMISSION_COALESCED,
     false,
     true,
     5},
    {"recheck, used up",
     SV_JOB_RECHECK,
     {KNOWN, .attempts = 5, .attempted_at = NOW - 3599999},
     SV_ADMISSION_COOLDOWN,
     false,
     false,
     5},
    {"recheck, used up and running",
     SV_JOB_RECHECK,
     {RUNNING, .attempts = 5, .attempted_at = NOW - 1},
     SV_ADMISSION_COOLDOWN,
     false,
     false,
     5},
    {"recheck, cooled down",
     SV_JOB_RECHECK,
     {KNOWN, .attempts = 5, .attempted_at = NOW - 3600000},
     SV_ADMISSION_OPENED,
     true,
     false,
     1},
    {"remove, unknown",
     SV_JOB_REMOVE,
     {.client_domains = 1},
     SV_ADMISSION_NOT_REGISTERED,
     false,
     false,
     0},
    {"remove, waiting",
     SV_JOB_REMOVE,
     {KNOWN, .attempts = 5, .attempted_at = NOW},
     SV_ADMISSION_OPENED,
     true,
     false,
     5},
    {"remove, open", SV_JOB_REMOVE, {OPEN}, SV_ADMISSION_COALESCED, false, false, 0},
    {"remove, running", SV_JOB_REMOVE, {RUNNING}, SV_ADMISSION_COALESCED, false, true, 0},
    {"register, too late",
     SV_JOB_REGISTER,
     {LATE, KNOWN},
     SV_ADMISSION_SUPERSEDED,
     false,
     false,
     0},
    {"register, too late and removed",
     SV_JOB_REGISTER,
     {LATE, .client_domains = 10},
     SV_ADMISSION_SUPERSEDED,
     false,
     false,
     0},
    {"adopt, too late", SV_JOB_ADOPT, {LATE, OPEN}, SV_ADMISSION_SUPERSEDED, false, false, 0},
    {"remove, too late", SV_JOB_REMOVE, {LATE, KNOWN}, SV_ADMISSION_SUPERSEDED, false, false, 0},
    {"remove, too late, running",
     SV_JOB_REMOVE,
     {LATE, RUNNING, .again = true},
     SV_ADMISSION_SUPERSEDED,
     false,
     true,
     0},
    {"remove, too late and removed",
     SV_JOB_REMOVE,
     {LATE},
     SV_ADMISSION_SUPERSEDED,
     false,
     false,
     0},
    {"recheck is no word", SV_JOB_RECHECK, {LATE, KNOWN}, SV_ADMISSION_OPENED, true, false, 1},
};

static void jobs_are_answered_as_written(void **state)
{
    struct sv_limits limits = sv_limits_default();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sv_admission_result result;

        sv_admission_decide(&rows[i].view, rows[i].type, &limits, NOW, &result);
        if (result.outcome != rows[i].outcome || result.due_now != rows[i].due_now ||
            result.again != rows[i].again || result.attempts != rows[i].attempts)
            fail_msg("%s: outcome %d, due_now %d, again %d, attempts %u", rows[i].what,
                     (int)result.outcome, result.due_now, result.again, result.attempts);
        if (result.outcome == SV_ADMISSION_COOLDOWN)
            assert_int_equal(result.retry_at, rows[i].view.attempted_at + 3600000);
        else
            assert_int_equal(result.retry_at, 0);
        if (result.attempts != rows[i].view.attempts && rows[i].view.known)
            assert_int_equal(result.attempted_at, NOW);
        else if (rows[i].view.known)
            assert_int_equal(result.attempted_at, rows[i].view.attempted_at);
    }
}

/* However the jobs fall, at most attempts_max looks are caused until a whole cooldown has passed.
 */
static void attempts_stay_within_the_limit(void **state)
{
    struct sv_limits limits = sv_limits_default();
    struct sv_admission_view view = {.known = true};
    unsigned granted = 0, refused = 0;

    (void)state;
    for (sv_ms now = NOW; now < NOW + SV_HOUR; now += SV_MINUTE) {
        struct sv_admission_result result;

        sv_admission_decide(&view, SV_JOB_RECHECK, &limits, now, &result);
        granted += result.outcome == SV_ADMISSION_OPENED;
        refused += result.outcome == SV_ADMISSION_COOLDOWN;
        view.attempts = result.attempts;
        view.attempted_at = result.attempted_at;
        assert_true(view.attempts <= limits.attempts_max);
    }
    assert_int_equal(granted, 5);
    assert_int_equal(refused, 55);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_are_answered_as_written),
        cmocka_unit_test(attempts_stay_within_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
