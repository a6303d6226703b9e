#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reconnect.h"

static void the_reach_doubles_up_to_the_cap(void **state)
{
    static const sv_ms reach[] = {100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000, 10000};
    enum { RUNS = 2000 };
    struct sv_rand rand;

    (void)state;
    sv_rand_seeded_init(&rand, 1);
    for (size_t i = 0; i < sizeof(reach) / sizeof(reach[0]); i++) {
        sv_ms low = INT64_MAX;
        sv_ms high = 0;

        for (unsigned run = 0; run < RUNS; run++) {
            struct sv_redis_backoff backoff = {.first_ms = 100, .cap_ms = 10000};
            sv_ms wait_ms = 0;

            for (size_t n = 0; n <= i; n++)
                wait_ms = sv_redis_backoff_next(&backoff, &rand);
            low = wait_ms < low ? wait_ms : low;
            high = wait_ms > high ? wait_ms : high;
        }
        assert_true(low <= reach[i] / 20); /* full jitter reaches down to 0 */
        assert_true(high <= reach[i] && high >= reach[i] - reach[i] / 20);
    }
}

static void only_a_steady_connection_starts_anew(void **state)
{
    struct sv_redis_backoff backoff = {.first_ms = 100, .cap_ms = INT64_MAX / 4};
    struct sv_rand rand;

    (void)state;
    sv_rand_seeded_init(&rand, 2);
    for (unsigned i = 0; i < 1000; i++)
        assert_true(sv_redis_backoff_next(&backoff, &rand) >= 0);
    sv_redis_backoff_held(&backoff, 4999);
    assert_true(backoff.attempt > 50); /* and nothing overflowed on the way */
    sv_redis_backoff_held(&backoff, 5000);
    assert_true(sv_redis_backoff_next(&backoff, &rand) <= 100);
}

static void the_slow_one_is_near_the_cap(void **state)
{
    struct sv_redis_backoff backoff = {.first_ms = 100, .cap_ms = 10000};
    struct sv_rand rand;

    (void)state;
    sv_rand_seeded_init(&rand, 3);
    for (unsigned i = 0; i < 1000; i++)
        assert_in_range(sv_redis_backoff_slow(&backoff, &rand), 5000, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reach_doubles_up_to_the_cap),
        cmocka_unit_test(only_a_steady_connection_starts_anew),
        cmocka_unit_test(the_slow_one_is_near_the_cap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
