/* What holds a domain: lease, renewal, handing back, and what becomes of the dead's. */
#include "kit.h"

static void test_release_and_renew(void **state)
{
    struct kit kit;
    struct kit_held held;
    struct sv_store_call call = {.op = SV_STORE_RENEW};

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_true(kit_claim_one(&kit, &held));
    call.u.hold = (struct sv_store_hold){.uid = KIT_UID,
                                         .client_id = KIT_CLIENT,
                                         .own = held.own,
                                         .fence = held.fence,
                                         .lease_ms = SV_HOUR};
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_true(call.u.hold.held);
    call.u.hold.fence++;
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_false(call.u.hold.held);
    call.op = SV_STORE_RELEASE;
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_false(call.u.hold.held);
    call.u.hold.fence--;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(kit_do(&kit, &call), SV_OK);
        assert_true(call.u.hold.held);
    }
    assert_true(kit_claim_one(&kit, &held));
    assert_int_equal(held.fence, 2);
    assert_true(held.job_id[0] != '\0');
    kit_close(&kit);
}

static struct sv_store_call reap_call(unsigned reclaims_max)
{
    return (struct sv_store_call){
        .op = SV_STORE_REAP,
        .u.reap = {.count_max = 10, .reclaims_max = reclaims_max, .crash_wait_ms = SV_HOUR}};
}

static void lose(struct kit *kit, unsigned reclaims_max)
{
    struct sv_store_call claim = {
        .op = SV_STORE_CLAIM,
        .u.claim = {.count_max = 1, .per_client_max = 1, .lease_ms = 1, .worker = "w"}};
    struct sv_store_call reap = reap_call(reclaims_max);

    assert_int_equal(kit_do(kit, &claim), SV_OK);
    assert_int_equal(claim.u.claim.count, 1);
    while (reap.u.reap.reaped == 0)
        assert_int_equal(kit_do(kit, &reap), SV_OK);
    assert_int_equal(reap.u.reap.reaped, 1);
    assert_int_equal(reap.u.reap.dead, reclaims_max == 1 ? 1 : 0);
}

static void test_reap(void **state)
{
    struct kit kit;
    struct kit_held held;
    struct sv_store_call call;

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    lose(&kit, 5);
    assert_true(kit_claim_one(&kit, &held));
    assert_int_equal(held.fence, 3); /* claim, reap, claim */
    call = reap_call(5);
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.reap.reaped, 0); /* a good lease */
    kit_close(&kit);
}

/* As the lease of a dead worker looks when the clock went back. */
static void test_reap_by_a_clock_that_was_ahead(void **state)
{
    struct kit kit;
    struct kit_held held;
    struct sv_store_call call = {
        .op = SV_STORE_CLAIM,
        .u.claim = {.count_max = 1, .per_client_max = 1, .lease_ms = 2 * SV_DAY, .worker = "w"}};

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.claim.count, 1);
    call = reap_call(5);
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.reap.reaped, 1);
    assert_true(kit_claim_one(&kit, &held));
    assert_int_equal(held.fence, 3);
    kit_close(&kit);
}

static void test_crash_loop(void **state)
{
    struct kit kit;
    struct kit_held held;

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    lose(&kit, 1);
    assert_false(kit_claim_one(&kit, &held)); /* waits for an hour */
    assert_int_equal(kit_counter(&kit, "dead"), 1);
    assert_int_equal(kit_counter(&kit, "open"), 0);
    assert_int_equal(kit_counter(&kit, "crash_loop"), 1);
    assert_int_equal(kit_counter(&kit, "dead_letters"), 1);
    assert_int_equal(kit_events(&kit), 1);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_BOTH(test_release_and_renew),
        KIT_BOTH(test_reap),
        KIT_BOTH(test_reap_by_a_clock_that_was_ahead),
        KIT_BOTH(test_crash_loop),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_holds", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
