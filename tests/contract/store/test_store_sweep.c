/* Looks brought forward, and whose turn it is to walk an account's list; on both stores. */
#include "kit.h"

static void open_kit(struct kit *kit, void **state)
{
    kit_open(kit, *(const enum kit_kind *)*state);
}

/* --- looks brought forward --- */

static bool hurry(struct kit *kit, const char *uid, const char *client)
{
    struct sv_store_call call = {.op = SV_STORE_HURRY,
                                 .u.hurry = {.uid = uid, .client_id = client}};

    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.hurry.hurried;
}

static void test_hurry(void **state)
{
    struct kit kit;
    struct kit_held held;
    struct kit_claims claims;
    struct sv_store_call call;

    open_kit(&kit, state);
    assert_false(hurry(&kit, KIT_UID, KIT_CLIENT)); /* nobody knows it */
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_false(hurry(&kit, KIT_UID, KIT_CLIENT)); /* due anyway */
    assert_true(kit_claim_one(&kit, &held));
    assert_false(hurry(&kit, KIT_UID, KIT_CLIENT)); /* looked at right now */
    call = kit_commit(&held, "verified");
    call.u.commit.wait_ms = SV_DAY;
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    kit_claim(&kit, 8, 8, &claims);
    assert_int_equal(claims.count, 0);
    assert_false(hurry(&kit, KIT_UID, "somebody else"));
    assert_true(hurry(&kit, KIT_UID, KIT_CLIENT));
    assert_false(hurry(&kit, KIT_UID, KIT_CLIENT)); /* sent twice */
    assert_int_equal(kit_events(&kit), 2);          /* nothing was told */
    assert_true(kit_claim_one(&kit, &held));
    assert_string_equal(held.status, "verified");
    assert_true(held.hurried);
    kit_close(&kit);
}

/* --- sweeps --- */

static struct sv_store_sweep sweep(struct kit *kit, enum sv_store_sweep_verb verb,
                                   const char *worker, const struct sv_store_sweep *seen)
{
    struct sv_store_call call = {.op = SV_STORE_SWEEP};

    call.u.sweep = (struct sv_store_sweep){.verb = verb,
                                           .account = "a",
                                           .region = "r",
                                           .worker = worker,
                                           .lease_ms = SV_HOUR,
                                           .pages = seen != NULL ? seen->pages : 0,
                                           .domains = seen != NULL ? seen->domains : 0,
                                           .started_at = seen != NULL ? seen->started_at : 0};
    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.sweep;
}

static void test_sweep_is_one_worker_s(void **state)
{
    struct kit kit;
    struct sv_store_sweep never, first, other, last;

    open_kit(&kit, state);
    never = sweep(&kit, SV_STORE_SWEEP_LOOK, "one", NULL);
    assert_false(never.held);
    assert_int_equal(never.started_at, 0);
    assert_true(never.now > 0);
    first = sweep(&kit, SV_STORE_SWEEP_BEGIN, "one", &never);
    assert_true(first.held && first.started_at > 0 && first.finished_at == 0);
    assert_true(sweep(&kit, SV_STORE_SWEEP_BEGIN, "one", &never).held); /* sent twice */
    other = sweep(&kit, SV_STORE_SWEEP_BEGIN, "two", &never);
    assert_false(other.held);
    assert_in_range(other.wait_ms, SV_HOUR - SV_MINUTE, SV_HOUR);
    assert_false(sweep(&kit, SV_STORE_SWEEP_PAGE, "two", NULL).held);
    assert_false(sweep(&kit, SV_STORE_SWEEP_FINISH, "two", NULL).held);
    first.pages = 7;
    assert_true(sweep(&kit, SV_STORE_SWEEP_PAGE, "one", &first).held);
    assert_int_equal(sweep(&kit, SV_STORE_SWEEP_LOOK, "two", NULL).pages, 7);
    first.domains = 6543;
    last = sweep(&kit, SV_STORE_SWEEP_FINISH, "one", &first);
    assert_true(last.held && last.finished_at >= last.started_at);
    assert_int_equal(last.domains, 6543);
    assert_int_equal(last.wait_ms, 0);
    /* Who looked before this sweep began does not begin another one behind it. */
    assert_false(sweep(&kit, SV_STORE_SWEEP_BEGIN, "two", &never).held);
    assert_true(sweep(&kit, SV_STORE_SWEEP_BEGIN, "two", &last).held);
    assert_int_equal(sweep(&kit, SV_STORE_SWEEP_LOOK, "one", NULL).domains, 6543);
    kit_close(&kit);
}

static void test_sweep_of_a_worker_that_is_gone(void **state)
{
    struct kit kit;
    struct sv_store_sweep look;
    struct sv_store_call call = {.op = SV_STORE_SWEEP,
                                 .u.sweep = {.verb = SV_STORE_SWEEP_BEGIN,
                                             .account = "a",
                                             .region = "r",
                                             .worker = "gone",
                                             .lease_ms = 1}};

    open_kit(&kit, state);
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_true(call.u.sweep.held);
    do {
        look = sweep(&kit, SV_STORE_SWEEP_LOOK, "next", NULL);
    } while (look.wait_ms > 0);
    assert_int_equal(look.finished_at, 0);
    assert_true(sweep(&kit, SV_STORE_SWEEP_BEGIN, "next", &look).held);
    assert_false(sweep(&kit, SV_STORE_SWEEP_PAGE, "gone", NULL).held);
    kit_close(&kit);
}

#define BOTH(test)                                                                                 \
    cmocka_unit_test_prestate(test, &kinds[KIT_REAL]),                                             \
        cmocka_unit_test_prestate(test, &kinds[KIT_FAKE])

int main(void)
{
    static enum kit_kind kinds[] = {KIT_REAL, KIT_FAKE};
    const struct CMUnitTest tests[] = {
        BOTH(test_hurry),
        BOTH(test_sweep_is_one_worker_s),
        BOTH(test_sweep_of_a_worker_that_is_gone),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_sweep", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
