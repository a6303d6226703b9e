/* What every store must do with the stream of jobs: hand out, hand out again, bury. */
#include "kit.h"

static void look_pending(struct sv_store_call *call, void *context)
{
    *(size_t *)context = call->u.take.count;
}

static void test_take_waits_and_pending_comes_back(void **state)
{
    struct kit kit;
    char entry[SV_STORE_ENTRY_ID_BYTES];
    size_t count = 99;
    struct sv_store_call take = {.op = SV_STORE_TAKE, .u.take = {.entries_max = 8, .block_ms = 1}};
    struct sv_store_call pending = {.op = SV_STORE_TAKE_PENDING,
                                    .u.take = {.entries_max = 8, .idle_ms = SV_HOUR}};
    struct sv_store_call admit;

    kit_open_as(&kit, state);
    assert_int_equal(kit_do_look(&kit, &take, look_pending, &count), SV_OK);
    assert_int_equal(count, 0);
    kit_push(&kit, entry);
    assert_int_equal(kit_counter(&kit, "pending"), 1);
    assert_int_equal(kit_do_look(&kit, &pending, look_pending, &count), SV_OK);
    assert_int_equal(count, 1);
    admit = kit_admit(entry, entry, "register");
    assert_int_equal(kit_do(&kit, &admit), SV_OK);
    assert_int_equal(kit_do_look(&kit, &pending, look_pending, &count), SV_OK);
    assert_int_equal(count, 0);
    kit_close(&kit);
}

static void test_bury(void **state)
{
    struct kit kit;
    char entry[SV_STORE_ENTRY_ID_BYTES];
    struct sv_store_call call = {.op = SV_STORE_BURY};

    kit_open_as(&kit, state);
    kit_push(&kit, entry);
    call.u.bury = (struct sv_store_bury){.entry_id = entry,
                                         .reason = "malformed_json",
                                         .error = "it is none",
                                         .payload = "\0x",
                                         .payload_bytes = 2,
                                         .event = "{}"};
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(kit_counter(&kit, "accepted"), 1);
    assert_int_equal(kit_counter(&kit, "dead"), 1);
    assert_int_equal(kit_counter(&kit, "dead_letters"), 1);
    assert_int_equal(kit_counter(&kit, "inbox"), 0);
    assert_int_equal(kit_events(&kit), 1);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_BOTH(test_take_waits_and_pending_comes_back),
        KIT_BOTH(test_bury),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_inbox", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
