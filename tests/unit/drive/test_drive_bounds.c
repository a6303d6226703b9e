#include <stdio.h>
#include <string.h>

#include "drive_world.h"

/* How much is under way at once, how little is done when there is nothing to do, and what becomes
 * of a domain that another worker took over. */

enum { DOMAINS = 40, CLIENTS = 5 };

static void push_many(struct world *world)
{
    world->options.limits.domains_max = DOMAINS;
    for (int i = 0; i < DOMAINS; i++) {
        char job[200];

        (void)snprintf(job, sizeof job,
                       "{'type':'register','client_id':'c%d','domain':'d%d.example','id':'j%d'}",
                       i % CLIENTS, i, i);
        world_push(world, job);
    }
}

static bool are_answered(struct world *world)
{
    for (int i = 0; i < DOMAINS; i++) {
        char id[8];

        (void)snprintf(id, sizeof id, "j%d", i);
        if (world_answer(world, id) == NULL)
            return false;
    }
    return true;
}

static bool is_answered_within_bounds(struct world *world)
{
    assert_true(world_stats(world).inflight <= world->options.inflight_max);
    return are_answered(world);
}

/* All shards together stay within the bound, and none of them starves. */
static void no_more_than_agreed_is_under_way(void **state)
{
    struct world *world = *state;

    for (unsigned max = 1; max <= 5; max += 2) {
        world->options.inflight_max = max;
        world->options.shards = 4;
        world->options.policy.first_look_ms = 5;
        push_many(world);
        world_start(world);
        world_until(world, is_answered_within_bounds, "every job is answered");
        world_end(world);
        world_new(world);
    }
}

static void one_busy_shard_leaves_room_for_others(void **state)
{
    struct world *world = *state;

    /* All domains of the first client's shard are always due, and there is room for one. */
    world->options.shards = 2;
    world->options.inflight_max = 1;
    world->options.policy.first_look_ms = world->options.policy.floor_ms = 1;
    world->options.policy.cap_ms = 1;
    world_start(world);
    for (int i = 0; i < 8; i++) {
        char job[200];

        (void)snprintf(job, sizeof job,
                       "{'type':'register','client_id':'c0','domain':'d%d.example','id':'j%d'}", i,
                       i);
        world_push(world, job);
    }
    for (int i = 0; i < 8; i++) {
        char id[8];

        (void)snprintf(id, sizeof id, "j%d", i);
        world_expect_answer(world, id, "done", "");
    }
    world_push(world, "{'type':'register','client_id':'other','domain':'e.example','id':'k'}");
    assert_int_not_equal(world->pushes[0].shard, world->pushes[8].shard);
    world_expect_answer(world, "k", "done", "");
}

static void an_idle_driver_is_quiet(void **state)
{
    struct world *world = *state;
    uint64_t before[SV_STORE_OP_COUNT], calls = 0;

    world->options.poll_ms = 100;
    world->options.lease_ms = 60000;
    world->options.reclaim_ms = 60000;
    world_start(world);
    world_until_prepared(world);
    world_linger(world, 100);
    for (int op = 0; op < SV_STORE_OP_COUNT; op++)
        before[op] = sv_fake_store_calls(world->store, (enum sv_store_op)op);
    world_linger(world, 1000);
    for (int op = 0; op < SV_STORE_OP_COUNT; op++)
        calls += sv_fake_store_calls(world->store, (enum sv_store_op)op) - before[op];
    assert_in_range(calls, 1, 14);
}

/* What the store refuses again and again is not asked ten times a second. */
static void a_refused_entry_does_not_spin(void **state)
{
    struct world *world = *state;
    struct sv_fake_fault fault = {
        .op = SV_STORE_ADMIT, .fail = 100000, .err = SV_EREFUSED, .applied = false};

    world->options.reclaim_ms = 1000;
    sv_fake_store_fail(world->store, &fault);
    world_start(world);
    world_push(world, "{'type':'register','client_id':'c','domain':'a.example','id':'j1'}");
    world_linger(world, 2000);
    assert_in_range(sv_fake_store_calls(world->store, SV_STORE_ADMIT), 1, 6);
    fault.fail = 0;
    sv_fake_store_fail(world->store, &fault);
    world_expect_answer(world, "j1", "done", "");
}

static bool is_fenced(struct world *world)
{
    return world_stats(world).checks_fenced > 0;
}

/* The lease runs out under a check that waits for DNS: it is done again, and whoever comes late,
 * by a renewal or by a commit, changes nothing. */
static void a_lost_lease_changes_nothing(void **state)
{
    for (int by_renewal = 0; by_renewal < 2; by_renewal++) {
        struct world *world = *state;
        struct sv_fake_fault fault = {.op = SV_STORE_RENEW, .fail = 100000, .err = SV_EREFUSED};

        world->options.lease_ms = 60;
        world->options.dns_ms = 60000;
        sv_fake_resolver_hold(world->resolver, true);
        sv_fake_store_fail(world->store, &fault);
        world_start(world);
        world_push(world, "{'type':'register','client_id':'c','domain':'a.example','id':'j1'}");
        world_expect_answer(world, "j1", "done", "");
        while (world_stats(world).inflight < 2) /* itself twice: the first one without a lease */
            world_turn(world, true);
        if (by_renewal) {
            fault.fail = 0;
            sv_fake_store_fail(world->store, &fault);
            world_until(world, is_fenced, "a renewal tells that the lease was lost");
        }
        sv_fake_resolver_hold(world->resolver, false);
        world_until(world, is_fenced, "the first check is fenced");
        world_heal(world, "a.example");
        while (world_count(world, "a.example", "verified") == 0)
            world_turn(world, true);
        world_end(world);
        world_new(world);
    }
}

static size_t count_creates(const struct world *world, const char *domain)
{
    size_t creates = 0;

    for (size_t i = 0; i < fake_ses_seen_count(world->ses); i++) {
        const struct fake_ses_seen *seen = fake_ses_seen(world->ses, i);

        creates += seen->op == SV_SES_CREATE && strcmp(seen->domain, domain) == 0;
    }
    return creates;
}

/* The lease of a check that waits for its permit runs out, and no renewal is answered: the domain
 * may be another's by now. SES is left alone until that is known, and asked once in all. */
static void who_may_have_lost_the_lease_leaves_ses_alone(void **state)
{
    struct world *world = *state;
    struct sv_fake_fault fault = {.op = SV_STORE_RENEW, .fail = 100000, .err = SV_ECONNECT};

    world->options.lease_ms = 200;
    world->account.rate_millihertz = 1000; /* the second permit comes a second later */
    sv_fake_store_fail(world->store, &fault);
    world_start(world);
    world_push(world, "{'type':'register','client_id':'c','domain':'a.example','id':'j1'}");
    world_push(world, "{'type':'register','client_id':'c','domain':'b.example','id':'j2'}");
    while (sv_fake_store_calls(world->store, SV_STORE_CLAIM) == 0 ||
           count_creates(world, "a.example") + count_creates(world, "b.example") == 0)
        world_turn(world, true);
    world_linger(world, 2500);
    assert_int_equal(count_creates(world, "a.example") + count_creates(world, "b.example"), 1);
    fault.fail = 0;
    sv_fake_store_fail(world->store, &fault);
    world_expect_answer(world, "j1", "done", "");
    world_expect_answer(world, "j2", "done", "");
    assert_int_equal(count_creates(world, "a.example"), 1);
    assert_int_equal(count_creates(world, "b.example"), 1);
}

/* More than half of the interval of a permit: of the first one, and of one at half the pace. */
enum { FIRST_LATE_MS = 700, SECOND_LATE_MS = 1200, INTERVAL_MS = 1010 };

static bool asks_for_permit(struct world *world)
{
    return sv_fake_store_waits(world->store, SV_STORE_PERMIT);
}

/* The next question for a permit is answered `late_ms` after it was asked; one that follows at once
 * is answered, too. */
static void answer_late(struct world *world, sv_ms late_ms)
{
    sv_fake_store_hold(world->store, SV_STORE_PERMIT, true);
    world_until(world, asks_for_permit, "a permit is asked for");
    world_linger(world, late_ms);
    sv_fake_store_hold(world->store, SV_STORE_PERMIT, false);
    while (asks_for_permit(world))
        world_turn(world, true);
}

static bool is_created(struct world *world)
{
    return count_creates(world, "a.example") > 0;
}

/* While a worker is held up its permit grows old, and others get theirs. It lets it go, and the
 * pace is halved, which makes the next one good for longer. Where that is late too, it is used. */
static void a_late_permit_is_let_go_but_never_two_in_a_row(void **state)
{
    struct world *world = *state;
    uint64_t asked, began, took_ms;

    world->account.rate_millihertz = 1000;
    world_start(world);
    world_push(world, "{'type':'register','client_id':'c','domain':'a.example','id':'j1'}");
    began = uv_hrtime();
    answer_late(world, FIRST_LATE_MS);
    assert_false(is_created(world));
    answer_late(world, SECOND_LATE_MS);
    took_ms = (uv_hrtime() - began) / 1000000;
    assert_true(took_ms > FIRST_LATE_MS + 3 * INTERVAL_MS / 2 + SECOND_LATE_MS);
    asked = sv_fake_store_calls(world->store, SV_STORE_PERMIT);
    world_until(world, is_created, "the late permit is used");
    assert_int_equal(sv_fake_store_calls(world->store, SV_STORE_PERMIT), asked);
}

enum { ASKING_DOMAINS = 100, MANY_DOMAINS = 250, ASKING_AT_ONCE = 64, LONGEST_LINE = 32 };
enum { SLOW_MS = 250 };

static unsigned count_asked(const struct world *world, int domains)
{
    unsigned count = 0;

    for (int i = 0; i < domains; i++) {
        char owner[40];

        (void)snprintf(owner, sizeof owner, "_dmarc.d%d.example", i);
        count += sv_fake_resolver_asked(world->resolver, owner, SV_RR_TXT) > 0;
    }
    return count;
}

/* The driver counts in whole milliseconds, so its wait may end up to two earlier than ours. */
static uint64_t passed_ms(uint64_t since)
{
    return (uv_hrtime() - since) / 1000000 + 2;
}

static void push_of_one_client(struct world *world, int domains)
{
    for (int i = 0; i < domains; i++) {
        char job[200];

        (void)snprintf(job, sizeof job,
                       "{'type':'register','client_id':'c','domain':'d%d.example','id':'j%d'}", i,
                       i);
        world_push(world, job);
    }
}

/* 64 ask at once. Silent ones give their places to others long before their deadline, and not
 * earlier. */
static void silent_servers_hold_up_nobody_for_long(void **state)
{
    struct world *world = *state;
    uint64_t began = 0;
    unsigned asked = 0;

    world->options.dns_ms = world->options.lease_ms = 60000;
    world->options.limits.domains_max = ASKING_DOMAINS;
    sv_fake_resolver_hold(world->resolver, true);
    world_start(world);
    push_of_one_client(world, ASKING_DOMAINS);
    while (asked < ASKING_DOMAINS) {
        uint64_t before = uv_hrtime();

        world_turn(world, true);
        asked = count_asked(world, ASKING_DOMAINS);
        began = asked > 0 && began == 0 ? before : began;
        if (asked > 0)
            assert_true(asked <= ASKING_AT_ONCE * (1 + passed_ms(began) / SLOW_MS));
        assert_true(began == 0 || uv_hrtime() - began < (uint64_t)WORLD_PATIENCE_MS * 1000000);
    }
    sv_fake_resolver_hold(world->resolver, false);
    while (world_stats(world).checks_committed < 2 * ASKING_DOMAINS) /* registered, looked at */
        world_turn(world, true);
}

/* What cannot ask yet stays in the store, where clients take turns: our own line is short. */
static void a_full_line_claims_nothing(void **state)
{
    struct world *world = *state;
    unsigned asked = 0;

    world->options.dns_ms = world->options.lease_ms = 60000;
    world->options.limits.domains_max = MANY_DOMAINS;
    world->options.policy.first_look_ms = 1000; /* by then all are registered */
    sv_fake_resolver_hold(world->resolver, true);
    world_start(world);
    push_of_one_client(world, MANY_DOMAINS);
    while (world_stats(world).checks_committed < MANY_DOMAINS)
        world_turn(world, true);
    while (asked < MANY_DOMAINS) {
        world_turn(world, true);
        asked = count_asked(world, MANY_DOMAINS);
        assert_in_range(world_stats(world).inflight, 0, asked + LONGEST_LINE);
    }
    sv_fake_resolver_hold(world->resolver, false);
    while (world_stats(world).checks_committed < 2 * MANY_DOMAINS)
        world_turn(world, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(no_more_than_agreed_is_under_way),
        WORLD_TEST(one_busy_shard_leaves_room_for_others),
        WORLD_TEST(an_idle_driver_is_quiet),
        WORLD_TEST(a_refused_entry_does_not_spin),
        WORLD_TEST(a_lost_lease_changes_nothing),
        WORLD_TEST(who_may_have_lost_the_lease_leaves_ses_alone),
        WORLD_TEST(a_late_permit_is_let_go_but_never_two_in_a_row),
        WORLD_TEST(silent_servers_hold_up_nobody_for_long),
        WORLD_TEST(a_full_line_claims_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
