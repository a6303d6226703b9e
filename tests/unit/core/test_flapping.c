#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/flapping.h"

enum { STEPS_MAX = 16 };

#define GOOD SV_FLAPPING_GOOD
#define RISK SV_FLAPPING_AT_RISK
#define FAIL SV_FLAPPING_FAILED
#define TELL SV_FLAPPING_TELL
#define SUM  SV_FLAPPING_SUMMARIZE
#define HOLD SV_FLAPPING_HOLD

struct step {
    int at, now; /* minutes */
    enum sv_flapping_level level;
    enum sv_flapping_verdict verdict;
    int detail; /* SUM: changes; HOLD: until, in minutes */
};

/* Each is one domain's story; a step with `at` 0 ends it. */
static const struct {
    const char *name;
    struct step steps[STEPS_MAX];
} stories[] = {
    {"slow changes are all told",
     {{10, 10, GOOD, TELL, 0},
      {30, 30, RISK, TELL, 0},
      {50, 50, GOOD, TELL, 0},
      {70, 70, RISK, TELL, 0},
      {90, 90, GOOD, TELL, 0},
      {110, 110, RISK, TELL, 0},
      {130, 130, GOOD, TELL, 0},
      {150, 150, RISK, TELL, 0}}},
    {"a way down is no flapping",
     {{1, 1, GOOD, TELL, 0},
      {2, 2, RISK, TELL, 0},
      {3, 3, FAIL, TELL, 0},
      {4, 4, RISK, TELL, 0},
      {5, 5, FAIL, TELL, 0},
      {6, 6, RISK, TELL, 0},
      {7, 7, FAIL, TELL, 0},
      {8, 8, GOOD, TELL, 0}}},
    {"a summary, then silence, then what it came to",
     {{1, 1, GOOD, TELL, 0},
      {2, 2, RISK, TELL, 0},
      {3, 3, GOOD, TELL, 0},
      {4, 4, RISK, TELL, 0},
      {5, 5, GOOD, TELL, 0},
      {6, 6, RISK, SUM, 5},
      {7, 7, GOOD, HOLD, 37},
      {8, 8, RISK, HOLD, 38},
      {9, 9, GOOD, HOLD, 39},
      {9, 38, GOOD, HOLD, 39},
      {9, 39, GOOD, TELL, 0},
      {50, 50, RISK, TELL, 0}}},
    {"the first thing heard of it is no change",
     {{1, 1, RISK, TELL, 0},
      {2, 2, GOOD, TELL, 0},
      {3, 3, RISK, TELL, 0},
      {4, 4, GOOD, TELL, 0},
      {5, 5, RISK, TELL, 0},
      {6, 6, GOOD, TELL, 0},
      {7, 7, RISK, SUM, 6},
      {8, 8, GOOD, HOLD, 38}}},
    {"what is worse than all that was told is told",
     {{1, 1, GOOD, TELL, 0},
      {2, 2, RISK, TELL, 0},
      {3, 3, GOOD, TELL, 0},
      {4, 4, RISK, TELL, 0},
      {5, 5, GOOD, TELL, 0},
      {6, 6, RISK, SUM, 5},
      {7, 7, FAIL, TELL, 0},
      {8, 8, GOOD, HOLD, 38},
      {9, 9, FAIL, HOLD, 39},
      {10, 10, GOOD, HOLD, 40}}},
    {"a summary of failures has told the worst",
     {{1, 1, GOOD, TELL, 0},
      {2, 2, FAIL, TELL, 0},
      {3, 3, GOOD, TELL, 0},
      {4, 4, FAIL, TELL, 0},
      {5, 5, GOOD, TELL, 0},
      {6, 6, FAIL, SUM, 5},
      {7, 7, GOOD, HOLD, 37},
      {8, 8, FAIL, HOLD, 38}}},
    {"asking again about the same event changes nothing",
     {{1, 1, GOOD, TELL, 0},
      {2, 2, RISK, TELL, 0},
      {2, 3, RISK, TELL, 0},
      {2, 4, RISK, TELL, 0},
      {3, 5, GOOD, TELL, 0},
      {3, 6, GOOD, TELL, 0},
      {4, 7, RISK, TELL, 0},
      {5, 8, GOOD, TELL, 0},
      {6, 9, RISK, SUM, 5}}},
    {"what comes late, out of an outage, is told at once",
     {{1, 600, GOOD, TELL, 0},
      {2, 600, RISK, TELL, 0},
      {3, 600, GOOD, TELL, 0},
      {4, 600, RISK, TELL, 0},
      {5, 600, GOOD, TELL, 0},
      {6, 600, RISK, SUM, 5},
      {7, 600, GOOD, TELL, 0}}},
    {"what is told while it flaps is told until it arrives",
     {{1, 1, GOOD, TELL, 0},
      {2, 2, RISK, TELL, 0},
      {3, 3, GOOD, TELL, 0},
      {4, 4, RISK, TELL, 0},
      {5, 5, GOOD, TELL, 0},
      {6, 6, RISK, SUM, 5},
      {6, 8, RISK, SUM, 5},
      {6, 30, RISK, SUM, 5},
      {7, 31, FAIL, TELL, 0},
      {7, 32, FAIL, TELL, 0},
      {8, 33, GOOD, HOLD, 38}}},
    {"an old event again is no change",
     {{1, 1, GOOD, TELL, 0},
      {10, 10, RISK, TELL, 0},
      {5, 11, GOOD, TELL, 0},
      {10, 12, RISK, TELL, 0},
      {5, 13, GOOD, TELL, 0},
      {10, 14, RISK, TELL, 0},
      {5, 15, GOOD, TELL, 0},
      {20, 20, GOOD, TELL, 0}}},
};

static void story(struct sv_flapping *flapping, uint64_t key, const struct step *steps,
                  const char *name)
{
    for (size_t i = 0; i < STEPS_MAX && steps[i].at > 0; i++) {
        const struct step *step = &steps[i];
        struct sv_flapping_answer answer = sv_flapping_note(
            flapping, key, step->level, step->at * SV_MINUTE, step->now * SV_MINUTE);

        if (answer.verdict != step->verdict)
            fail_msg("%s, step %zu: %d", name, i, (int)answer.verdict);
        if (step->verdict == SUM)
            assert_int_equal(answer.changes, step->detail);
        if (step->verdict == HOLD)
            assert_int_equal(answer.until, step->detail * SV_MINUTE);
    }
}

static void stories_of_one_domain(void **state)
{
    struct sv_flapping *flapping = sv_alloc(1, sizeof *flapping);

    (void)state;
    flapping->policy = sv_flapping_policy_default();
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++)
        story(flapping, i + 1, stories[i].steps, stories[i].name); /* beside each other */
    free(flapping);
}

/* A million others: whoever flaps among the last thousand is still known, and nothing grows. */
static void the_one_that_is_quiet_for_longest_makes_room(void **state)
{
    struct sv_flapping *flapping = sv_alloc(1, sizeof *flapping);

    (void)state;
    flapping->policy = sv_flapping_policy_default();
    for (int at = 1; at <= 6; at++)
        (void)sv_flapping_note(flapping, 1, at % 2 == 1 ? GOOD : RISK, at * SV_MINUTE,
                               at * SV_MINUTE);
    for (uint64_t key = 2; key <= SV_FLAPPING_DOMAINS_MAX; key++)
        (void)sv_flapping_note(flapping, key, GOOD, 7 * SV_MINUTE, 7 * SV_MINUTE);
    assert_int_equal(sv_flapping_note(flapping, 1, GOOD, 8 * SV_MINUTE, 8 * SV_MINUTE).verdict,
                     HOLD);
    for (uint64_t key = 2; key <= 20000; key++) {
        struct sv_flapping_answer answer =
            sv_flapping_note(flapping, key * 7919, RISK, 9 * SV_MINUTE, 9 * SV_MINUTE);

        assert_int_equal(answer.verdict, TELL);
    }
    assert_int_equal(sv_flapping_note(flapping, 1, RISK, 10 * SV_MINUTE, 10 * SV_MINUTE).verdict,
                     HOLD);
    free(flapping);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stories_of_one_domain),
        cmocka_unit_test(the_one_that_is_quiet_for_longest_makes_room)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
