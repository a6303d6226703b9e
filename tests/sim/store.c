/* The store as the Redis scripts keep it: fences, leases, due times, jobs. It decides no status. */
#include "sv/digest.h"

#include "sim.h"

static size_t index_of(const struct sim *sim, const struct sim_row *row)
{
    return (size_t)(row - sim->rows);
}

static void wait_until(struct sim *sim, struct sim_row *row, sv_ms at)
{
    row->waiting = true;
    sv_heap_set(&sim->due, &row->node, at);
}

static bool is_known(const struct sim_row *row)
{
    bool fresh = row->state.status == SV_STATUS_NEW || row->state.status == SV_STATUS_REMOVED;

    return !fresh || (row->state.todo & SV_TODO_PROVISION) != 0 || row->running;
}

static unsigned count_client(const struct sim *sim, size_t index)
{
    size_t first = index - index % SIM_PER_CLIENT;
    unsigned count = 0;

    for (size_t i = first; i < first + SIM_PER_CLIENT && i < sim->domains; i++)
        count += is_known(&sim->rows[i]);
    return count;
}

static uint32_t todo_of(enum sv_job_type type)
{
    switch (type) {
    case SV_JOB_REGISTER:
    case SV_JOB_ADOPT:
        return SV_TODO_PROVISION;
    case SV_JOB_REMOVE:
        return SV_TODO_REMOVE;
    case SV_JOB_RECHECK:
    case SV_JOB_TYPE_COUNT:
        break;
    }
    return 0;
}

void sim_store_admit(struct sim *sim, struct sim_row *row, enum sv_job_type type)
{
    struct sv_limits limits = sim->limits;
    struct sv_admission_view view = {.known = is_known(row),
                                     .running = row->running,
                                     .again = row->again,
                                     .open = row->open,
                                     .attempts = row->attempts,
                                     .attempted_at = row->attempted_at,
                                     .client_domains = count_client(sim, index_of(sim, row))};
    struct sv_admission_result result;

    if (sim->broken == SIM_BREAK_ATTEMPTS)
        limits.attempts_max = 1000;
    if (sim->broken == SIM_BREAK_LIMIT)
        limits.domains_max = 1000;
    sv_admission_decide(&view, type, &limits, sim_store_now(sim), &result);
    sim->counts.jobs++;
    row->attempts = result.attempts;
    row->attempted_at = result.attempted_at;
    row->again = result.again;
    if (result.outcome != SV_ADMISSION_OPENED && result.outcome != SV_ADMISSION_COALESCED) {
        sim->counts.rejected++;
        return;
    }
    if (row->running)
        row->todo_since |= todo_of(type);
    row->state.todo |= todo_of(type);
    if (type == SV_JOB_REGISTER || type == SV_JOB_ADOPT)
        row->job_adopts = type == SV_JOB_ADOPT;
    if (result.outcome == SV_ADMISSION_OPENED) {
        row->open = true;
        row->job = type;
    }
    if (result.due_now)
        wait_until(sim, row, sim_store_now(sim));
    sim_check_jobs(sim, row);
}

bool sim_store_claim(struct sim *sim, struct sim_row **out)
{
    struct sv_heap_node *first = sv_heap_first(&sim->due);
    struct sim_row *row;

    if (first == NULL || first->at > sim_store_now(sim))
        return false;
    row = first->owner;
    sv_heap_remove(&sim->due, &row->node);
    row->waiting = false;
    row->running = true;
    row->fence++;
    row->todo_since = 0;
    sv_heap_set(&sim->leases, &row->node, sim_store_now(sim) + SIM_LEASE);
    *out = row;
    return true;
}

static void stop_running(struct sim *sim, struct sim_row *row)
{
    if (row->running)
        sv_heap_remove(&sim->leases, &row->node);
    row->running = false;
}

void sim_store_release(struct sim *sim, size_t index, uint64_t fence)
{
    struct sim_row *row = &sim->rows[index];

    if (row->fence != fence || !row->running)
        return;
    stop_running(sim, row);
    sim->counts.released++;
    wait_until(sim, row, sim_store_now(sim) + SV_SECOND);
}

void sim_store_reap(struct sim *sim)
{
    struct sv_heap_node *first;

    while ((first = sv_heap_first(&sim->leases)) != NULL && first->at <= sim_store_now(sim)) {
        struct sim_row *row = first->owner;

        stop_running(sim, row);
        row->fence++;
        sim->counts.reaped++;
        wait_until(sim, row, sim_store_now(sim) + SV_SECOND);
    }
}

static void write_event(struct sim *sim, const struct sim_commit *commit)
{
    const struct sv_effects *effects = &commit->effects;
    const uint64_t words[] = {commit->index,
                              commit->after.sequence,
                              (uint64_t)effects->news,
                              (uint64_t)effects->from,
                              (uint64_t)effects->to,
                              (uint64_t)effects->reason,
                              (uint64_t)effects->shown,
                              (uint64_t)commit->input.now};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        uint8_t bytes[8]; /* in one order on every machine */

        for (unsigned b = 0; b < 8; b++)
            bytes[b] = (uint8_t)(words[i] >> (8 * b));
        sim->hash = sv_fnv1a(sim->hash, bytes, sizeof(bytes));
    }
    sim->counts.events++;
    sim->counts.news[effects->news]++;
    sim->counts.moves[effects->from][effects->to]++;
}

static void settle_job(struct sim_row *row, const struct sim_commit *commit)
{
    if (commit->effects.news == SV_NEWS_VERIFIED || commit->effects.news == SV_NEWS_RESTORED ||
        commit->effects.news == SV_NEWS_REMOVED)
        row->attempts = 0;
    else if (commit->give_back && row->attempts > 0)
        row->attempts--;
    if (commit->finishes)
        row->open = false;
}

/* After the commit the domain waits, at once where a job or new work asks for it. */
static void wait_again(struct sim *sim, struct sim_row *row, const struct sim_commit *commit)
{
    bool at_once = row->again || (row->todo_since & ~commit->before.todo) != 0;

    row->again = false;
    row->todo_since = 0;
    if (commit->effects.wait_ms < 0 && !at_once)
        return;
    if (sim->broken == SIM_BREAK_FORGET && sim_one_in(&sim->dice, 50))
        return;
    wait_until(sim, row, sim_store_now(sim) + (at_once ? 0 : commit->effects.wait_ms));
}

static bool is_refused(struct sim *sim, const struct sim_row *row, const struct sim_commit *commit)
{
    if (row->committed_fence == commit->fence) {
        sim->counts.already++;
        return true;
    }
    if (row->fence != commit->fence || !row->running) {
        sim->counts.stale++;
        return sim->broken != SIM_BREAK_FENCE;
    }
    if (row->state.sequence != commit->before.sequence)
        sim_violate(sim, commit->index, "the sequence is not what the claim returned");
    return false;
}

void sim_store_commit(struct sim *sim, const struct sim_commit *commit)
{
    struct sim_row *row = &sim->rows[commit->index];
    bool event = commit->effects.news != SV_NEWS_NONE;

    if (is_refused(sim, row, commit))
        return;
    if (row->waiting)
        sv_heap_remove(&sim->due, &row->node); /* only with a broken fence */
    row->waiting = false;
    stop_running(sim, row);
    row->committed_fence = commit->fence;
    row->state = commit->after;
    if (commit->after.status != SV_STATUS_REMOVED)
        row->state.todo |= row->todo_since;
    else
        row->state.todo |= row->todo_since & (uint32_t)SV_TODO_PROVISION;
    row->todo_since &= row->state.todo;
    sim->counts.commits++;
    if (sim->broken == SIM_BREAK_SILENT && commit->effects.news == SV_NEWS_UPDATED)
        event = false;
    if (event)
        write_event(sim, commit);
    sim_check_commit(sim, row, commit, event);
    settle_job(row, commit);
    wait_again(sim, row, commit);
    if (row->state.status != SV_STATUS_REMOVED && !row->waiting)
        sim_violate(sim, commit->index, "a domain that is not removed has no due time");
}
