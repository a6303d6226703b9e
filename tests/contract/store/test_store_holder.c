/* Who holds a domain. A Redis that lost its last writes gives the same fence out again: only its
 * second holder has the domain then. On both stores. */
#include "kit.h"

static const char first[] = "gone/1"; /* as the fence's first holder called itself */

static void claim(struct kit *kit, void **state, struct kit_held *held)
{
    kit_open(kit, *(const enum kit_kind *)*state);
    assert_int_equal(kit_job(kit, "register"), SV_STORE_OPENED);
    assert_true(kit_claim_one(kit, held));
    assert_true(held->own[0] != '\0');
}

static bool is_held(struct kit *kit, enum sv_store_op op, const struct kit_held *held,
                    const char *own)
{
    struct sv_store_call call = {.op = op,
                                 .u.hold = {.uid = held->uid,
                                            .client_id = held->client,
                                            .own = own,
                                            .fence = held->fence,
                                            .lease_ms = SV_HOUR}};

    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.hold.held;
}

static enum sv_store_verdict commit(struct kit *kit, const struct kit_held *held, const char *own)
{
    struct sv_store_call call = kit_commit(held, "pending_verification");

    call.u.commit.own = own;
    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.commit.verdict;
}

static void test_the_first_holder_is_fenced(void **state)
{
    struct kit kit;
    struct kit_held held;

    claim(&kit, state, &held);
    assert_false(is_held(&kit, SV_STORE_RENEW, &held, first));
    assert_false(is_held(&kit, SV_STORE_RELEASE, &held, first));
    assert_int_equal(commit(&kit, &held, first), SV_STORE_FENCED);
    assert_true(is_held(&kit, SV_STORE_RENEW, &held, held.own));
    assert_int_equal(commit(&kit, &held, held.own), SV_STORE_COMMITTED);
    assert_int_equal(kit_events(&kit), 2);
    kit_close(&kit);
}

/* Its commit is not the one that was written, so that it must not believe so. */
static void test_also_after_the_second_ones_commit(void **state)
{
    struct kit kit;
    struct kit_held held;

    claim(&kit, state, &held);
    assert_int_equal(commit(&kit, &held, held.own), SV_STORE_COMMITTED);
    assert_int_equal(commit(&kit, &held, first), SV_STORE_FENCED);
    assert_int_equal(commit(&kit, &held, held.own), SV_STORE_ALREADY);
    assert_false(is_held(&kit, SV_STORE_RENEW, &held, first));
    assert_false(is_held(&kit, SV_STORE_RELEASE, &held, first));
    assert_int_equal(kit_counter(&kit, "stale"), 1);
    assert_int_equal(kit_counter(&kit, "conflict"), 0);
    assert_int_equal(kit_events(&kit), 2);
    kit_close(&kit);
}

static void test_claims_have_owners_of_their_own(void **state)
{
    struct kit kit;
    struct kit_held held, next;

    claim(&kit, state, &held);
    assert_true(is_held(&kit, SV_STORE_RELEASE, &held, held.own));
    assert_true(kit_claim_one(&kit, &next));
    assert_string_not_equal(next.own, held.own);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_BOTH(test_the_first_holder_is_fenced),
        KIT_BOTH(test_also_after_the_second_ones_commit),
        KIT_BOTH(test_claims_have_owners_of_their_own),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_holder", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
