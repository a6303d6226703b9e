#include "drive_world.h"

/* The v2 Get after a read that failed, and the read that a sweep asked for. */

static const char *const name = "a.example";

static bool is_verified(struct world *world)
{
    return world_count(world, name, "verified") > 0;
}

static void start_verified(struct world *world)
{
    world_start(world);
    world_push(world, "{'type':'register','client_id':'c','domain':'a.example','id':'j1'}");
    world_expect_answer(world, "j1", "done", "");
    world_heal(world, name);
    world_until(world, is_verified, "it is verified");
}

static void commit_more(struct world *world, uint64_t times)
{
    uint64_t from = world_stats(world).checks_committed;

    while (world_stats(world).checks_committed < from + times)
        world_turn(world, true);
}

static void a_failing_read_is_followed_by_one_get(void **state)
{
    struct world *world = *state;
    struct sv_ses_identity *identity;

    world->options.policy.ses_floor_ms = SV_HOUR;
    start_verified(world);
    commit_more(world, 4);
    assert_int_equal(fake_ses_count(world->ses, SV_SES_GET), 0);
    identity = fake_ses_find(world->ses, name);
    identity->dkim = SV_AXIS_TEMPORARY_FAILURE;
    identity->reason = SV_SES_TYPE_NOT_FOUND;
    commit_more(world, 6);
    assert_int_equal(fake_ses_count(world->ses, SV_SES_GET), 1);
    assert_int_equal(world_count(world, name, "at_risk"), 1);
}

/* The reads say what there is to decide: a Get that fails takes nothing away. */
static void a_get_that_fails_is_no_fault_of_the_look(void **state)
{
    struct world *world = *state;

    world->options.policy.ses_floor_ms = SV_HOUR;
    start_verified(world);
    fake_ses_script(world->ses, SV_SES_GET, 0, 1000, SV_EDENIED);
    fake_ses_find(world->ses, name)->dkim = SV_AXIS_TEMPORARY_FAILURE;
    commit_more(world, 6);
    assert_int_equal(world_count(world, name, "at_risk"), 1);
    assert_true(fake_ses_count(world->ses, SV_SES_GET) > 0);
}

static void on_hurried(struct sv_store_call *call, enum sv_err err)
{
    (void)call;
    assert_int_equal(err, SV_OK);
}

/* Its records are provably absent and SES was asked a moment ago: DNS alone calls for no read. */
static void a_hurried_look_asks_ses_whatever_dns_says(void **state)
{
    struct world *world = *state;
    struct sv_store_call hurry = {.op = SV_STORE_HURRY, .u.hurry = {.client_id = "c"}};
    size_t reads;

    world->options.policy.ses_floor_ms = SV_HOUR;
    world_start(world);
    world_push(world, "{'type':'register','client_id':'c','domain':'a.example','id':'j1'}");
    world_expect_answer(world, "j1", "done", "");
    commit_more(world, 3);
    reads = fake_ses_count(world->ses, SV_SES_READ_IDENTITIES);
    assert_int_equal(reads, 1);
    hurry.u.hurry.uid = world->told[0].uid;
    while (!hurry.u.hurry.hurried) { /* until it is caught waiting */
        assert_int_equal(sv_store_start(world->store, &hurry, on_hurried, &hurry.info), SV_OK);
        commit_more(world, 1);
    }
    commit_more(world, 3);
    assert_int_equal(fake_ses_count(world->ses, SV_SES_READ_IDENTITIES), 2); /* and only once */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_failing_read_is_followed_by_one_get),
        WORLD_TEST(a_get_that_fails_is_no_fault_of_the_look),
        WORLD_TEST(a_hurried_look_asks_ses_whatever_dns_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
