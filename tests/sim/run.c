/* The loop: jumps from one instant at which something happens to the next. */
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/digest.h"

#include "sim.h"

const char *sim_break_name(enum sim_break rule)
{
    static const char *const names[SIM_BREAK_COUNT] = {
        "none", "fence",    "unknown", "confirm",  "ttl",   "verify",
        "edge", "sequence", "silent",  "noise",    "from",  "forget",
        "pace", "budget",   "heal",    "attempts", "limit", "restore"};

    return names[rule];
}

static sv_ms earliest(sv_ms a, sv_ms b)
{
    return a < b ? a : b;
}

static sv_ms latest(sv_ms a, sv_ms b)
{
    return a > b ? a : b;
}

void sim_init(struct sim *sim, uint64_t seed, size_t domains, sv_ms span_ms)
{
    memset(sim, 0, sizeof(*sim));
    sv_rand_seeded_init(&sim->dice, seed);
    sim->seed = seed;
    sim->policy = sv_policy_default();
    sim->limits = sv_limits_default();
    sim->limits.domains_max = SIM_PER_CLIENT - 1;
    sim->domains = domains;
    sim->end = span_ms;
    sim->hash = SV_FNV_START;
    sim->next_letter_at = INT64_MAX;
    sim->rows = sv_alloc(domains, sizeof(*sim->rows));
    sim->job_nodes = sv_alloc(domains, sizeof(*sim->job_nodes));
    sv_heap_init(&sim->due);
    sv_heap_init(&sim->leases);
    sv_heap_init(&sim->jobs);
    sim->next_jump_at = sim_between(&sim->dice, SV_DAY, 90 * SV_DAY);
    sim->next_outage_at = sim_between(&sim->dice, SV_DAY, 60 * SV_DAY);
    for (size_t i = 0; i < domains; i++) {
        sim->rows[i].node.owner = &sim->rows[i];
        sim->job_nodes[i].owner = &sim->rows[i];
        sim_world_init(&sim->rows[i].world, &sim->dice, 0);
        sv_heap_set(&sim->jobs, &sim->job_nodes[i], sim_between(&sim->dice, 0, 20 * SV_DAY));
    }
}

void sim_fini(struct sim *sim)
{
    sv_heap_fini(&sim->due);
    sv_heap_fini(&sim->leases);
    sv_heap_fini(&sim->jobs);
    free(sim->rows);
    free(sim->job_nodes);
}

/* The clients. */

static sv_ms register_some(struct sim *sim, struct sim_row *row)
{
    enum sv_job_type type = sim_one_in(&sim->dice, 8) ? SV_JOB_ADOPT : SV_JOB_REGISTER;

    sim_world_advance(&row->world, sim->now);
    row->job_mail_from = sim_one_in(&sim->dice, 2);
    if (type == SV_JOB_ADOPT)
        sim_world_provision(&row->world, row->job_mail_from);
    sim_store_admit(sim, row, type);
    if (sim_one_in(&sim->dice, 10))
        sim_store_admit(sim, row, type); /* sent twice */
    return sim_between(&sim->dice, SV_MINUTE, 10 * SV_DAY);
}

/* Most clients ask for a look after they changed something; some ask and ask. */
static sv_ms press(struct sim *sim, struct sim_row *row)
{
    sv_ms published_at = row->world.next_publish_at;

    sim_store_admit(sim, row, SV_JOB_RECHECK);
    if (row->presses > 0) {
        row->presses--;
        return sim_between(&sim->dice, SV_SECOND, 10 * SV_MINUTE);
    }
    row->presses = (unsigned)sv_rand_below(&sim->dice, 12);
    if (published_at > sim->now && sim_one_in(&sim->dice, 2))
        return published_at - sim->now + sim_between(&sim->dice, SV_SECOND, SV_HOUR);
    return sim_between(&sim->dice, 10 * SV_DAY, 200 * SV_DAY);
}

static void run_job(struct sim *sim, struct sv_heap_node *node)
{
    struct sim_row *row = node->owner;
    bool fresh = row->state.status == SV_STATUS_NEW || row->state.status == SV_STATUS_REMOVED;
    uint64_t mood = sv_rand_below(&sim->dice, 40);
    sv_ms next;

    if ((fresh && !row->open) || mood == 1 || mood == 2) {
        next = register_some(sim, row); /* maybe what is registered already */
    } else if (mood == 0) {
        sim_store_admit(sim, row, SV_JOB_REMOVE);
        next = sim_between(&sim->dice, SV_SECOND, 60 * SV_DAY);
    } else {
        next = press(sim, row);
    }
    sv_heap_set(&sim->jobs, node, sim->now + next);
}

/* Clocks and outages. */

static void jump(struct sim *sim)
{
    sv_ms width = sim_one_in(&sim->dice, 10) ? 2 * SV_DAY : SV_HOUR;
    sv_ms skew = sim->skew + sim_between(&sim->dice, -width, width);

    sim->skew = latest(earliest(skew, 3 * SV_DAY), -3 * SV_DAY);
    sim->next_jump_at = sim->now + sim_between(&sim->dice, SV_DAY, 90 * SV_DAY);
    sim->counts.jumps++;
}

static void go_dark(struct sim *sim)
{
    sv_ms until = sim->now + sim_between(&sim->dice, SV_MINUTE, SV_DAY);

    if (!sim_one_in(&sim->dice, 3))
        sim->ses_down_until = until;
    if (sim_one_in(&sim->dice, 2))
        sim->dns_down_until = until;
    sim->next_outage_at = sim->now + sim_between(&sim->dice, SV_DAY, 60 * SV_DAY);
}

/* The workers. */

static void post_letter(struct sim *sim, const struct sim_commit *commit, sv_ms at)
{
    for (size_t i = 0; i < SIM_LETTERS_MAX; i++) {
        if (sim->letters[i].at == 0) {
            sim->letters[i].at = at;
            sim->letters[i].commit = *commit;
            sim->next_letter_at = earliest(sim->next_letter_at, at);
            return;
        }
    }
}

static enum sim_fate draw_fate(struct sv_rand *dice)
{
    uint64_t luck = sv_rand_below(dice, 1000);

    if (luck < 10)
        return SIM_KILLED;
    if (luck < 20)
        return SIM_FROZEN;
    if (luck < 25)
        return SIM_REPLY_LOST;
    if (luck < 30)
        return SIM_TWICE;
    return luck < 35 ? SIM_RELEASED : SIM_FINE;
}

static void start_check(struct sim *sim, struct sim_worker *worker, struct sim_row *row)
{
    worker->fate = draw_fate(&sim->dice);
    worker->busy = true;
    worker->act_at = sim->now + sim_between(&sim->dice, 100, 3 * SV_SECOND);
    sim_work(sim, row, &worker->commit);
    if (worker->fate == SIM_FROZEN)
        worker->act_at = sim->now + sim_between(&sim->dice, 10 * SV_SECOND, 10 * SV_MINUTE);
}

static void end_check(struct sim *sim, struct sim_worker *worker)
{
    const struct sim_commit *commit = &worker->commit;

    worker->busy = false;
    switch (worker->fate) {
    case SIM_KILLED: /* comes back after a while; what it sent may still arrive */
        worker->act_at = sim->now + sim_between(&sim->dice, SV_SECOND, 5 * SV_MINUTE);
        sim->counts.killed++;
        if (sim_one_in(&sim->dice, 2))
            post_letter(sim, commit, sim->now + sim_between(&sim->dice, 1, 3 * SV_MINUTE));
        return;
    case SIM_RELEASED:
        sim_store_release(sim, commit->index, commit->fence);
        return;
    case SIM_REPLY_LOST:
        post_letter(sim, commit, sim->now + SV_SECOND);
        break;
    case SIM_TWICE:
        post_letter(sim, commit, sim->now + sim_between(&sim->dice, 1, 3 * SV_HOUR));
        break;
    case SIM_FINE:
    case SIM_FROZEN:
        break;
    }
    sim_store_commit(sim, commit);
}

/* The next instant at which anything happens, in true time. */
static sv_ms next_instant(const struct sim *sim)
{
    const struct sv_heap_node *due = sv_heap_first(&sim->due);
    const struct sv_heap_node *lease = sv_heap_first(&sim->leases);
    const struct sv_heap_node *job = sv_heap_first(&sim->jobs);
    sv_ms offset = SIM_EPOCH + sim->skew;
    sv_ms next = earliest(sim->next_jump_at, sim->next_outage_at);

    if (job != NULL)
        next = earliest(next, job->at);
    if (lease != NULL)
        next = earliest(next, lease->at - offset);
    for (size_t i = 0; i < SIM_WORKERS; i++) {
        const struct sim_worker *worker = &sim->workers[i];

        if (worker->busy)
            next = earliest(next, worker->act_at);
        else if (due != NULL)
            next = earliest(next, latest(worker->act_at, due->at - offset));
    }
    return latest(earliest(next, sim->next_letter_at), sim->now);
}

static void run_workers(struct sim *sim)
{
    for (size_t i = 0; i < SIM_WORKERS; i++) {
        struct sim_worker *worker = &sim->workers[i];
        struct sim_row *row;

        if (worker->busy && worker->act_at <= sim->now)
            end_check(sim, worker);
        if (!worker->busy && worker->act_at <= sim->now && sim_store_claim(sim, &row))
            start_check(sim, worker, row);
    }
}

static void run_letters(struct sim *sim)
{
    if (sim->next_letter_at > sim->now)
        return;
    sim->next_letter_at = INT64_MAX;
    for (size_t i = 0; i < SIM_LETTERS_MAX; i++) {
        struct sim_letter *letter = &sim->letters[i];

        if (letter->at == 0)
            continue;
        if (letter->at > sim->now) {
            sim->next_letter_at = earliest(sim->next_letter_at, letter->at);
            continue;
        }
        letter->at = 0;
        sim_store_commit(sim, &letter->commit);
    }
}

void sim_run(struct sim *sim)
{
    while (sim->violation == NULL) {
        struct sv_heap_node *job;

        sim->now = next_instant(sim);
        if (sim->now >= sim->end)
            break;
        if (sim->next_jump_at <= sim->now)
            jump(sim);
        if (sim->next_outage_at <= sim->now)
            go_dark(sim);
        sim_store_reap(sim);
        run_letters(sim);
        run_workers(sim);
        job = sv_heap_first(&sim->jobs);
        if (job != NULL && job->at <= sim->now)
            run_job(sim, job);
    }
    if (sim->violation == NULL)
        sim_check_end(sim);
}
