#include "cmocka_all.h"

#include "sv/brake.h"

enum { FULL = 400 };

static void all_the_room_at_first(void **state)
{
    struct sv_brake brake = {0};

    (void)state;
    assert_int_equal(sv_brake_room(&brake, FULL), FULL);
    sv_brake_note(&brake, FULL, SV_BRAKE_SLOW_MS - 1, 5000);
    sv_brake_note(&brake, FULL, 0, 5001);
    assert_int_equal(sv_brake_room(&brake, FULL), FULL);
    assert_int_equal(brake.changed_at, 0);
}

static void slow_answers_halve_it_down_to_a_part(void **state)
{
    static const unsigned rooms[] = {200, 100, 50, 25, 25, 25};
    struct sv_brake brake = {0};
    sv_ms now = 10000;

    (void)state;
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        sv_brake_note(&brake, FULL, SV_BRAKE_SLOW_MS, now);
        assert_int_equal(sv_brake_room(&brake, FULL), rooms[i]);
        now += SV_BRAKE_SLOW_MS;
    }
}

/* What began before the room changed was slow for the reason that is known already; and what was
 * quick then does not say that it is quick now. */
static void calls_from_before_count_once(void **state)
{
    struct sv_brake brake = {0};

    (void)state;
    for (int i = 0; i < 10; i++)
        sv_brake_note(&brake, FULL, 2000, 10000 + i);
    assert_int_equal(sv_brake_room(&brake, FULL), FULL / 2);
    sv_brake_note(&brake, FULL, 2000, 12000);
    assert_int_equal(sv_brake_room(&brake, FULL), FULL / 4);
    sv_brake_note(&brake, FULL, 100, 12099);
    assert_int_equal(sv_brake_room(&brake, FULL), FULL / 4);
}

/* The same when the change was the last step back to all of the room. */
static void calls_from_before_the_end_do_not_count(void **state)
{
    struct sv_brake brake = {.room = 0, .changed_at = 5000};

    (void)state;
    sv_brake_note(&brake, FULL, 2000, 6999);
    assert_int_equal(sv_brake_room(&brake, FULL), FULL);
    sv_brake_note(&brake, FULL, 2000, 7000);
    assert_int_equal(sv_brake_room(&brake, FULL), FULL / 2);
}

static void quick_answers_give_it_back_step_by_step(void **state)
{
    struct sv_brake brake = {.room = 25, .changed_at = 1000};
    unsigned last = 25;
    sv_ms now;

    (void)state;
    for (now = 1000; sv_brake_room(&brake, FULL) < FULL; now += 10) {
        unsigned room = sv_brake_room(&brake, FULL);

        assert_true(room == last || room == last * 2);
        last = room;
        sv_brake_note(&brake, FULL, SV_BRAKE_QUICK_MS, now + SV_BRAKE_QUICK_MS);
    }
    assert_true(now >= 1000 + 4 * SV_BRAKE_STEP_MS - SV_BRAKE_QUICK_MS);
    assert_true(now <= 1000 + 5 * SV_BRAKE_STEP_MS);
    assert_int_equal(brake.room, 0);
}

static void in_between_nothing_changes(void **state)
{
    struct sv_brake brake = {.room = 100, .changed_at = 0};

    (void)state;
    for (sv_ms now = 10000; now < 60000; now += 1000) {
        sv_brake_note(&brake, FULL, SV_BRAKE_QUICK_MS + 1, now);
        sv_brake_note(&brake, FULL, SV_BRAKE_SLOW_MS - 1, now);
    }
    assert_int_equal(sv_brake_room(&brake, FULL), 100);
}

static void one_domain_is_always_looked_at(void **state)
{
    (void)state;
    for (unsigned full = 1; full < 40; full++) {
        struct sv_brake brake = {0};
        sv_ms now = 0;

        for (int i = 0; i < 20; i++)
            sv_brake_note(&brake, full, 5000, now += 5000);
        assert_true(sv_brake_room(&brake, full) >= 1);
        assert_true(sv_brake_room(&brake, full) <= (full < 16 ? 1 : full / 16));
        for (int i = 0; i < 20; i++)
            sv_brake_note(&brake, full, 0, now += 1000);
        assert_int_equal(sv_brake_room(&brake, full), full);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_the_room_at_first),
        cmocka_unit_test(slow_answers_halve_it_down_to_a_part),
        cmocka_unit_test(calls_from_before_count_once),
        cmocka_unit_test(calls_from_before_the_end_do_not_count),
        cmocka_unit_test(quick_answers_give_it_back_step_by_step),
        cmocka_unit_test(in_between_nothing_changes),
        cmocka_unit_test(one_domain_is_always_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
