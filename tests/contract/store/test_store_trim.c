/* Old events are deleted, a few at a time; on both stores. What consumer groups hold back is in
 * tests/integration/store/test_trim.py. */
#include "kit.h"

static struct sv_store_trim trim(struct kit *kit, sv_ms keep_ms, size_t entries_max)
{
    struct sv_store_call call = {.op = SV_STORE_TRIM,
                                 .u.trim = {.keep_ms = keep_ms, .entries_max = entries_max}};

    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.trim;
}

/* Rejected at the door: one event each. */
static void tell(struct kit *kit, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(kit_job(kit, "recheck"), SV_STORE_REJECTED_NOT_REGISTERED);
}

static void test_an_empty_outbox(void **state)
{
    struct kit kit;
    struct sv_store_trim out;

    kit_open_as(&kit, state);
    out = trim(&kit, 0, 10);
    assert_int_equal(out.trimmed, 0);
    assert_false(out.more);
    assert_string_equal(out.held_by, "");
    kit_close(&kit);
}

static void test_old_events_go_a_few_at_a_time(void **state)
{
    struct kit kit;
    struct sv_store_trim out;

    kit_open_as(&kit, state);
    tell(&kit, 5);
    assert_int_equal(trim(&kit, SV_DAY, 10).trimmed, 0);
    assert_int_equal(kit_events(&kit), 5);
    uv_sleep(2); /* the last one is older than now */
    out = trim(&kit, 0, 2);
    assert_int_equal(out.trimmed, 2);
    assert_true(out.more);
    assert_int_equal(kit_events(&kit), 3);
    out = trim(&kit, 0, 3);
    assert_int_equal(out.trimmed, 3);
    assert_false(out.more);
    assert_int_equal(trim(&kit, 0, 3).trimmed, 0); /* sent twice */
    assert_int_equal(kit_events(&kit), 0);
    assert_int_equal(kit_counter(&kit, "trimmed"), 5);
    tell(&kit, 1); /* it goes on */
    assert_int_equal(kit_events(&kit), 1);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_BOTH(test_an_empty_outbox),
        KIT_BOTH(test_old_events_go_a_few_at_a_time),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_trim", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
