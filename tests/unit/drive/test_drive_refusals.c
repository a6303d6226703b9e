#include <string.h>

#include "drive_world.h"

/* What SES or the store says no to for good, step by step. */

#define REGISTER "{'type':'register','client_id':'c','domain':'a.example',"
#define REMOVE   "{'type':'remove','client_id':'c','domain':'a.example','delete_identity':true,"
#define RECHECK  "{'type':'recheck','client_id':'c','domain':'a.example',"

enum { OFTEN = 1000 };

static const char *const name = "a.example";

static size_t domain_events(const struct world *world)
{
    size_t count = 0;

    for (size_t i = 0; i < world->told_count; i++)
        count += strcmp(world->told[i].kind, "job") != 0;
    return count;
}

static void start_registered(struct world *world)
{
    world_start(world);
    world_push(world, REGISTER "'id':'j1'}");
    world_expect_answer(world, "j1", "done", "");
}

static bool is_verified(struct world *world)
{
    return world_count(world, name, "verified") > 0;
}

static void start_verified(struct world *world)
{
    start_registered(world);
    world_heal(world, name);
    world_until(world, is_verified, "it is verified");
}

/* Goes on until SES was read `times` more times. */
static void look_more(struct world *world, size_t times)
{
    size_t from = fake_ses_count(world->ses, SV_SES_READ_IDENTITIES);

    while (fake_ses_count(world->ses, SV_SES_READ_IDENTITIES) < from + times)
        world_turn(world, true);
}

static void nobody_hears_of_what_was_never_registered(void **state)
{
    struct world *world = *state;

    fake_ses_script(world->ses, SV_SES_CREATE, 0, 1, SV_EREFUSED);
    world_start(world);
    world_push(world, REGISTER "'id':'j1'}");
    world_expect_answer(world, "j1", "dead", "ses_refused");
    world_linger(world, 50);
    assert_int_equal(domain_events(world), 0);
    assert_int_equal(world_counter(world, 0, "waiting"), 0);
    world_push(world, RECHECK "'id':'j2'}");
    world_expect_answer(world, "j2", "rejected", "not_registered");
    world_push(world, REGISTER "'id':'j3'}");
    world_expect_answer(world, "j3", "done", "");
    assert_int_equal(domain_events(world), 1);
}

static void a_tombstone_stays_when_it_may_not_come_back(void **state)
{
    struct world *world = *state;

    start_registered(world);
    world_push(world, REMOVE "'id':'j2'}");
    world_expect_answer(world, "j2", "done", "");
    fake_ses_script(world->ses, SV_SES_CREATE, 0, 1, SV_EREFUSED);
    world_push(world, REGISTER "'id':'j3'}");
    world_expect_answer(world, "j3", "dead", "ses_refused");
    world_linger(world, 50);
    assert_int_equal(domain_events(world), 2);
    assert_int_equal(world_counter(world, 0, "waiting"), 0);
    world_push(world, REGISTER "'id':'j4'}");
    world_expect_answer(world, "j4", "done", "");
    assert_int_equal(domain_events(world), 3);
}

/* Neither twice in a row nor while the removal is under way is a registration lost. */
static void removing_and_registering_take_turns(void **state)
{
    struct world *world = *state;

    start_registered(world);
    for (int i = 0; i < 5; i++) {
        char job[200], id[8];

        (void)snprintf(id, sizeof id, "d%d", i);
        (void)snprintf(job, sizeof job, REMOVE "'id':'%s'}", id);
        world_push(world, job);
        while (world_count(world, name, "removed") < (size_t)i + 1)
            world_turn(world, true);
        (void)snprintf(id, sizeof id, "r%d", i);
        (void)snprintf(job, sizeof job, REGISTER "'id':'%s'}", id);
        world_push(world, job);
        while (world_answer(world, id) == NULL ||
               world_count(world, name, "registered") < (size_t)i + 2)
            world_turn(world, true);
    }
    assert_int_equal(world_stats(world).jobs_dead, 0);
}

/* Jobs that were pushed while nobody worked, so that one read takes them all. */
static void push_together(struct world *world, const char *first, const char *second)
{
    world_close_drive(world);
    world_push(world, first);
    world_push(world, second);
    world_until(world, world_pushed, "the jobs are in the store");
    world_start(world);
}

static void the_last_word_counts(void **state)
{
    struct world *world = *state;

    start_registered(world);
    push_together(world, REMOVE "'id':'j2'}", REGISTER "'id':'j3'}");
    while (world_count(world, name, "registered") < 2)
        world_turn(world, true);
    assert_int_equal(world_count(world, name, "removed"), 1);
    push_together(world, REGISTER "'id':'j4'}", REMOVE "'id':'j5'}");
    while (world_count(world, name, "removed") < 2)
        world_turn(world, true);
    world_linger(world, 50);
    assert_int_equal(world_count(world, name, "registered"), 2);
    push_together(world, REGISTER "'id':'j6'}", REMOVE "'id':'j7'}"); /* of a name that is free */
    while (world_answer(world, "j6") == NULL || world_answer(world, "j7") == NULL)
        world_turn(world, true); /* registered in between, or never */
    world_linger(world, 50);
    assert_int_equal(world_count(world, name, "registered"), world_count(world, name, "removed"));
    assert_int_equal(world_counter(world, 0, "waiting"), 0);
    assert_int_equal(world_counter(world, 0, "open"), 0);
}

/* The same while the domain is being looked at. */
static void the_last_word_counts_behind_a_look(void **state)
{
    struct world *world = *state;

    for (int registers = 0; registers < 2; registers++) {
        uint64_t asked;

        start_registered(world);
        sv_fake_resolver_hold(world->resolver, true);
        asked = world_stats(world).dns_questions;
        while (world_stats(world).dns_questions == asked)
            world_turn(world, true);
        world_push(world, registers ? REMOVE "'id':'j2'}" : REGISTER "'id':'j2'}");
        world_expect_answer(world, "j2", "coalesced", "");
        world_push(world, registers ? REGISTER "'id':'j3'}" : REMOVE "'id':'j3'}");
        world_expect_answer(world, "j3", "coalesced", "");
        sv_fake_resolver_hold(world->resolver, false);
        while (world_count(world, name, "removed") == 0)
            world_turn(world, true);
        world_linger(world, 100);
        assert_int_equal(world_count(world, name, "registered"), registers ? 2 : 1);
        world_end(world);
        world_new(world);
    }
}

static void an_account_without_permission_mends_later(void **state)
{
    static const enum sv_ses_op ops[] = {SV_SES_CREATE, SV_SES_PUT_MAIL_FROM, SV_SES_VERIFY_DOMAIN};

    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        struct world *world = *state;

        fake_ses_script(world->ses, ops[i], 0, OFTEN, SV_EDENIED);
        world_start(world);
        world_push(world, REGISTER "'id':'j1','mail_from':'bounce','legacy_txt':true}");
        while (fake_ses_count(world->ses, ops[i]) < 4)
            world_turn(world, true);
        assert_null(world_answer(world, "j1"));
        fake_ses_script(world->ses, ops[i], 0, 0, SV_OK);
        world_expect_answer(world, "j1", "done", "");
        world_end(world);
        world_new(world);
    }
}

static void a_known_domain_survives_what_ses_refuses_it(void **state)
{
    struct world *world = *state;

    start_verified(world);
    fake_ses_script(world->ses, SV_SES_PUT_MAIL_FROM, 0, 1, SV_EREFUSED);
    world_push(world, REGISTER "'id':'j2','mail_from':'bounce'}");
    while (world_answer(world, "j2") == NULL)
        world_turn(world, true);
    if (strcmp(world_answer(world, "j2")->outcome, "coalesced") != 0)
        world_expect_answer(world, "j2", "dead", "ses_refused");
    look_more(world, 3);
    assert_int_equal(world_count(world, name, "removed"), 0);
}

static void a_refused_deletion_is_answered(void **state)
{
    struct world *world = *state;

    world->options.policy.verified_every_ms = 60000; /* so that the job meets no look */
    start_verified(world);
    world_linger(world, 20);
    fake_ses_script(world->ses, SV_SES_DELETE, 0, OFTEN, SV_EREFUSED);
    world_push(world, REMOVE "'id':'j2'}");
    world_expect_answer(world, "j2", "dead", "ses_refused");
    assert_int_equal(world_count(world, name, "removed"), 0);
    fake_ses_script(world->ses, SV_SES_DELETE, 0, 0, SV_OK);
    world_push(world, REMOVE "'id':'j3'}");
    world_expect_answer(world, "j3", "done", "");
    assert_int_equal(world_count(world, name, "removed"), 1);
}

static bool is_failed(struct world *world)
{
    return world_count(world, name, "failed") > 0;
}

/* SES gave up and will not start again: we go on looking all the same. */
static void a_refused_restart_does_not_blind_us(void **state)
{
    struct world *world = *state;
    struct sv_ses_identity *identity;

    start_registered(world);
    world_heal(world, name);
    identity = fake_ses_find(world->ses, name);
    identity->identity = identity->dkim = SV_AXIS_FAILED;
    fake_ses_script(world->ses, SV_SES_VERIFY_DKIM, 0, OFTEN, SV_EREFUSED);
    world_until(world, is_failed, "it has failed");
    while (fake_ses_count(world->ses, SV_SES_VERIFY_DKIM) < 2)
        world_turn(world, true);
    look_more(world, 3);
    identity = fake_ses_find(world->ses, name);
    identity->identity = identity->dkim = SV_AXIS_SUCCESS;
    world_until(world, is_verified, "it is verified");
}

static void a_name_belongs_to_one_client(void **state)
{
    struct world *world = *state;

    start_registered(world);
    world_push(world, "{'type':'register','client_id':'d','domain':'a.example','id':'j2'}");
    world_expect_answer(world, "j2", "rejected", "claimed_by_another_client");
    world_push(world, "{'type':'register','client_id':'d','domain':'x.a.example','id':'j3'}");
    world_expect_answer(world, "j3", "rejected", "claimed_by_another_client");
    world_push(world, REMOVE "'id':'j4'}");
    while (world_count(world, name, "removed") == 0)
        world_turn(world, true);
    world_linger(world, 50); /* the name is given free behind the commit */
    world_push(world, "{'type':'register','client_id':'d','domain':'a.example','id':'j5'}");
    world_expect_answer(world, "j5", "done", "");
}

static void an_account_may_be_unknown_for_a_while(void **state)
{
    struct world *world = *state;

    start_registered(world);
    world_close_drive(world);
    world->account.name = "other";
    world_start(world);
    world_linger(world, 50);
    world_close_drive(world);
    world->account.name = "default";
    world_start(world);
    world_push(world, RECHECK "'id':'j2'}");
    while (world_answer(world, "j2") == NULL)
        world_turn(world, true);
    assert_int_equal(world_count(world, name, "registered"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(nobody_hears_of_what_was_never_registered),
        WORLD_TEST(a_tombstone_stays_when_it_may_not_come_back),
        WORLD_TEST(removing_and_registering_take_turns),
        WORLD_TEST(the_last_word_counts),
        WORLD_TEST(the_last_word_counts_behind_a_look),
        WORLD_TEST(an_account_without_permission_mends_later),
        WORLD_TEST(a_known_domain_survives_what_ses_refuses_it),
        WORLD_TEST(a_refused_deletion_is_answered),
        WORLD_TEST(a_refused_restart_does_not_blind_us),
        WORLD_TEST(a_name_belongs_to_one_client),
        WORLD_TEST(an_account_may_be_unknown_for_a_while),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
