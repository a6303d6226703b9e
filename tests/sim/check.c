/* The invariants, checked after every commit. They know the inputs and the outcome, and nothing of
 * how the core came to it. */
#include <stdio.h>
#include <string.h>

#include "sim.h"

#define NEVER_LATER   (7 * SV_DAY * 12 / 10) /* weekly, with its jitter */
#define NOTICED_AFTER (20 * SV_DAY)
#define HEALED_AFTER  (40 * SV_DAY) /* some weekly looks, of which a few found nothing out */

void sim_violate(struct sim *sim, size_t index, const char *what)
{
    if (sim->violation != NULL)
        return;
    sim->violation = what;
    sim->violator = index;
}

/* Written once more, so that a wrong entry in the core's own table is noticed. */
static bool edge_exists(enum sv_status from, enum sv_status to)
{
    static const char *const edges[SV_STATUS_COUNT] = {
        /* to:               NPVARX */
        [SV_STATUS_NEW] = "-p---x",      [SV_STATUS_PENDING] = "-pv-fx",
        [SV_STATUS_VERIFIED] = "--vafx", [SV_STATUS_AT_RISK] = "--vafx",
        [SV_STATUS_FAILED] = "--v-fx",   [SV_STATUS_REMOVED] = "-p----",
    };

    return edges[from][to] != '-';
}

static bool outward_differs(const struct sv_domain *a, const struct sv_domain *b)
{
    struct sv_flags was, is;

    memset(&was, 0, sizeof(was)); /* compared as bytes */
    memset(&is, 0, sizeof(is));
    sv_domain_flags(a, &was);
    sv_domain_flags(b, &is);
    return a->drift != b->drift || (a->records != 0 && a->records != b->records) ||
           a->status != b->status || a->identity != b->identity || a->dkim != b->dkim ||
           a->mail_from != b->mail_from || a->conclusion != b->conclusion ||
           memcmp(a->findings, b->findings, sizeof(a->findings)) != 0 ||
           memcmp(&was, &is, sizeof(was)) != 0;
}

static void check_event(struct sim *sim, struct sim_oracle *oracle, const struct sim_commit *commit,
                        bool event)
{
    const struct sv_effects *effects = &commit->effects;
    /* Nobody outside has heard of it yet, so nobody is told that it is gone. */
    bool untold =
        commit->before.status == SV_STATUS_NEW && commit->after.status == SV_STATUS_REMOVED;

    if (event != (!untold && outward_differs(&commit->before, &commit->after)))
        sim_violate(sim, commit->index,
                    event ? "an event, but nothing changed" : "something changed without an event");
    if (commit->after.sequence != oracle->sequence + (event ? 1 : 0))
        sim_violate(sim, commit->index, "a gap or a repeat in the sequence");
    if (event && effects->from != oracle->last_to)
        sim_violate(sim, commit->index, "an event does not go on where the last one ended");
    if (effects->to != commit->after.status)
        sim_violate(sim, commit->index, "an event does not tell the status");
    if (event && !edge_exists(effects->from, effects->to))
        sim_violate(sim, commit->index, "a move that is not in the table");
    if (event || untold)
        oracle->last_to = effects->to;
    oracle->sequence = commit->after.sequence;
}

static bool is_read(const struct sv_observation *seen)
{
    return seen->ses_known && seen->identity != SV_AXIS_UNKNOWN && seen->dkim != SV_AXIS_UNKNOWN &&
           (seen->dkim != SV_AXIS_GONE || seen->identity == SV_AXIS_GONE);
}

static bool is_bad(const struct sv_observation *seen)
{
    return seen->ses_known && (seen->identity == SV_AXIS_FAILED || seen->dkim == SV_AXIS_FAILED ||
                               seen->identity == SV_AXIS_GONE);
}

static bool is_temporary(const struct sv_observation *seen)
{
    return seen->ses_known &&
           (seen->identity == SV_AXIS_TEMPORARY_FAILURE || seen->dkim == SV_AXIS_TEMPORARY_FAILURE);
}

static void check_unknown(struct sim *sim, const struct sim_commit *commit)
{
    const struct sv_domain *was = &commit->before, *is = &commit->after;
    const struct sv_observation *seen = &commit->input.seen;
    bool looked = commit->input.kind == SV_INPUT_LOOKED;
    bool nothing = !looked || (!seen->ses_known && !seen->ses_skipped && seen->required == 0);

    if (commit->input.kind == SV_INPUT_FAULT ||
        (looked && nothing && !seen->group_known[SV_GROUP_DKIM])) {
        if (outward_differs(was, is))
            sim_violate(sim, commit->index, "unknown moved something");
    }
    if (looked && !seen->ses_known &&
        (was->identity != is->identity || was->dkim != is->dkim ||
         was->mail_from != is->mail_from || was->signing != is->signing))
        sim_violate(sim, commit->index, "an unknown answer of SES moved something");
    if (looked && !seen->ses_known && was->status != is->status && is->status != SV_STATUS_AT_RISK)
        sim_violate(sim, commit->index, "an unknown answer of SES moved the status");
    if (looked && seen->required == SV_SEEN_UNKNOWN && was->status == is->status &&
        was->dns_wrong != is->dns_wrong)
        sim_violate(sim, commit->index, "an unknown answer of DNS moved something");
}

static void check_verified(struct sim *sim, const struct sim_commit *commit)
{
    const struct sv_observation *seen = &commit->input.seen;

    if (commit->after.status != SV_STATUS_VERIFIED || commit->before.status == SV_STATUS_VERIFIED)
        return;
    if (commit->input.kind != SV_INPUT_LOOKED || !seen->ses_known ||
        seen->identity != SV_AXIS_SUCCESS || seen->dkim != SV_AXIS_SUCCESS)
        sim_violate(sim, commit->index, "verified without SES's word for identity and DKIM");
    if (seen->signing == SV_TRI_NO)
        sim_violate(sim, commit->index, "verified while signing is off");
}

static void check_failed(struct sim *sim, struct sim_oracle *oracle,
                         const struct sim_commit *commit)
{
    const struct sv_observation *seen = &commit->input.seen;
    sv_ms now = commit->input.now;
    bool counts = commit->before.status == SV_STATUS_PENDING ||
                  commit->before.status == SV_STATUS_VERIFIED ||
                  commit->before.status == SV_STATUS_AT_RISK;

    if (commit->after.status == SV_STATUS_FAILED && commit->before.status != SV_STATUS_FAILED &&
        (!is_bad(seen) || oracle->bad_at == 0 ||
         now - oracle->bad_at < sim->policy.confirm_after_ms))
        sim_violate(sim, commit->index, "failed without two bad reads far enough apart");
    if (commit->input.kind == SV_INPUT_LOOKED && counts) {
        if (is_bad(seen) && oracle->bad_at == 0)
            oracle->bad_at = now;
        else if (!is_bad(seen) && is_read(seen))
            oracle->bad_at = 0;
    }
    if (!counts ||
        (commit->input.kind == SV_INPUT_RESTARTED && commit->before.status == SV_STATUS_PENDING) ||
        (commit->after.status != commit->before.status &&
         commit->after.status != SV_STATUS_AT_RISK))
        oracle->bad_at = 0;
}

static uint32_t ttl_of(const struct sv_observation *seen)
{
    return seen->required_ttl_s < 86400 ? seen->required_ttl_s : 86400;
}

/* The first wrong look, and the longest TTL since. */
static void watch_wrong(struct sim_oracle *oracle, const struct sv_observation *seen, sv_ms now)
{
    if (seen->required == SV_SEEN_UNKNOWN)
        return;
    if (seen->required != SV_SEEN_WRONG) {
        oracle->wrong_at = 0;
        oracle->wrong_ttl_s = 0;
        return;
    }
    if (oracle->wrong_at == 0)
        oracle->wrong_at = now;
    if (ttl_of(seen) > oracle->wrong_ttl_s)
        oracle->wrong_ttl_s = ttl_of(seen);
}

static void check_at_risk(struct sim *sim, struct sim_oracle *oracle,
                          const struct sim_commit *commit)
{
    const struct sv_observation *seen = &commit->input.seen;
    sv_ms now = commit->input.now;
    bool sends =
        commit->after.status == SV_STATUS_VERIFIED || commit->after.status == SV_STATUS_AT_RISK;
    bool entered =
        commit->after.status == SV_STATUS_AT_RISK && commit->before.status != SV_STATUS_AT_RISK;

    if (commit->input.kind == SV_INPUT_LOOKED && sends)
        watch_wrong(oracle, seen, now);
    if (entered && commit->effects.reason == SV_REASON_RECORDS_WRONG &&
        (seen->required != SV_SEEN_WRONG || seen->required_disputed ||
         now - oracle->wrong_at <= (sv_ms)oracle->wrong_ttl_s * SV_SECOND))
        sim_violate(sim, commit->index,
                    "at risk without two wrong looks a TTL apart, the second undisputed");
    if (entered && commit->effects.reason == SV_REASON_SES_TEMPORARY &&
        (!is_temporary(seen) || !oracle->temporary))
        sim_violate(sim, commit->index, "at risk without two reads of TemporaryFailure");
    if (entered && commit->effects.reason == SV_REASON_SIGNING_DISABLED &&
        seen->signing != SV_TRI_NO)
        sim_violate(sim, commit->index, "at risk though signing is on");
    if (commit->input.kind == SV_INPUT_LOOKED && is_temporary(seen))
        oracle->temporary = true;
    else if (commit->input.kind == SV_INPUT_LOOKED && is_read(seen) &&
             seen->identity != SV_AXIS_GONE)
        oracle->temporary = false;
    if (!sends) {
        oracle->temporary = false;
        oracle->wrong_at = 0;
        oracle->wrong_ttl_s = 0;
    }
}

/* Restarts are checked where they become owed, and counted where they are made. */
static void check_restarts(struct sim *sim, struct sim_oracle *oracle,
                           const struct sim_commit *commit)
{
    const uint32_t restarts =
        SV_TODO_RESTART_DKIM | SV_TODO_RESTART_MAIL_FROM | SV_TODO_RESTORE_SET;
    uint32_t owed = commit->after.todo & ~commit->before.todo;
    sv_ms now = commit->input.now;
    bool day_over = oracle->restarts_from == 0 || now - oracle->restarts_from >= SV_DAY;
    bool made =
        (commit->input.kind == SV_INPUT_RESTARTED && (commit->before.todo & restarts) != 0) ||
        (commit->input.kind == SV_INPUT_PROVISIONED && commit->before.identity == SV_AXIS_GONE);

    if (commit->input.kind == SV_INPUT_LOOKED && owed != 0 &&
        ((oracle->restarted_at != 0 &&
          now - oracle->restarted_at < sim->policy.restart_cooldown_ms) ||
         (!day_over && oracle->restarts >= sim->policy.restarts_per_day)))
        sim_violate(sim, commit->index, "a restart is owed beyond the budget");
    if (!made)
        return;
    if (day_over) {
        oracle->restarts_from = now;
        oracle->restarts = 0;
    }
    oracle->restarts++;
    oracle->restarted_at = now;
}

/* Settings are what SES told last, and put back a few times only. */
static void check_drift(struct sim *sim, struct sim_oracle *oracle, const struct sim_commit *commit)
{
    const struct sv_observation *seen = &commit->input.seen;
    bool begun =
        commit->before.status != SV_STATUS_NEW && commit->before.status != SV_STATUS_REMOVED;

    if (commit->input.kind == SV_INPUT_LOOKED && begun &&
        ((commit->after.drift ^ seen->drift) & seen->drift_told) != 0)
        sim_violate(sim, commit->index, "the settings are not what SES said of them");
    if (commit->input.kind == SV_INPUT_PROVISIONED)
        oracle->put_backs = 0;
    if (commit->input.kind == SV_INPUT_RESTARTED &&
        (commit->before.drift & ~commit->after.drift) != 0 && ++oracle->put_backs > SV_RESTORES_MAX)
        sim_violate(sim, commit->index, "a setting is put back more often than allowed");
}

static void check_wait(struct sim *sim, const struct sim_commit *commit)
{
    sv_ms wait_ms = commit->effects.wait_ms;
    bool over = commit->after.status == SV_STATUS_REMOVED && commit->after.todo == 0;
    bool again =
        commit->input.kind == SV_INPUT_REMOVED; /* with a registration that came meanwhile */
    bool quick = commit->input.kind == SV_INPUT_PROVISIONED || again || commit->after.faults > 0 ||
                 (commit->after.todo & ~commit->before.todo) != 0;

    if (over != (wait_ms < 0))
        sim_violate(sim, commit->index, "only a removed domain is never looked at again");
    if (wait_ms > NEVER_LATER)
        sim_violate(sim, commit->index, "a wait longer than a week and its jitter");
    if (!over && !quick && wait_ms < sim->policy.floor_ms)
        sim_violate(sim, commit->index, "a look sooner than the floor");
    if (!over && commit->after.next_check_at != commit->input.now + wait_ms &&
        sim->broken != SIM_BREAK_PACE)
        sim_violate(sim, commit->index, "the time told is not the time meant");
}

/* Nothing stays wrong for ever: what the client repaired heals, what SES gave up is noticed. */
static void check_healing(struct sim *sim, struct sim_row *row, const struct sim_commit *commit)
{
    const struct sim_world *world = &row->world;
    struct sim_oracle *oracle = &row->oracle;
    bool gave_up = world->identity == SV_AXIS_FAILED || world->dkim == SV_AXIS_FAILED;
    bool good =
        world->exists && world->identity == SV_AXIS_SUCCESS && world->dkim == SV_AXIS_SUCCESS;

    if (commit->input.kind == SV_INPUT_PROVISIONED)
        oracle->unnoticed_since = 0;
    if (commit->input.kind != SV_INPUT_LOOKED)
        return;
    if (sim->now - world->repaired_at > HEALED_AFTER && world->right && !good &&
        world->signing_off_until == 0)
        sim_violate(sim, commit->index, "the records have long been right, and it did not heal");
    if (!world->exists || !gave_up || commit->after.status == SV_STATUS_FAILED)
        oracle->unnoticed_since = 0;
    else if (oracle->unnoticed_since < world->settled_at)
        oracle->unnoticed_since = sim->now; /* an old answer of SES may revive it for a moment */
    else if (sim->now - oracle->unnoticed_since > NOTICED_AFTER)
        sim_violate(sim, commit->index, "SES gave up long ago, and nobody noticed");
}

static sv_ms not_ahead(sv_ms instant, sv_ms now)
{
    return instant < now ? instant : now;
}

/* A clock that went back: the oracle, too, takes what lies ahead for now. */
static void settle(struct sim_oracle *oracle, sv_ms now)
{
    oracle->bad_at = not_ahead(oracle->bad_at, now);
    oracle->wrong_at = not_ahead(oracle->wrong_at, now);
    oracle->restarted_at = not_ahead(oracle->restarted_at, now);
    oracle->restarts_from = not_ahead(oracle->restarts_from, now);
}

static void trace(struct sim *sim, const struct sim_commit *commit)
{
    static const char *const kinds[SV_INPUT_COUNT] = {"provisioned", "restarted", "looked",
                                                      "removed", "fault"};
    static const char *const seen_names[] = {"unknown", "right", "wrong", "waiting"};
    const struct sv_observation *seen = &commit->input.seen;

    (void)snprintf(
        sim->trail[sim->trail_count++ % SIM_TRAIL_MAX], SIM_TRAIL_BYTES,
        "%lld.%03llds fence %llu %s dns %s ses %s %s/%s -> %s, %s #%llu, %s, wait %lld s",
        (long long)((commit->input.now - SIM_EPOCH) / 1000),
        (long long)((commit->input.now - SIM_EPOCH) % 1000 + 1000) % 1000,
        (unsigned long long)commit->fence, kinds[commit->input.kind], seen_names[seen->required],
        seen->ses_known     ? "known"
        : seen->ses_skipped ? "skipped"
                            : "unknown",
        sv_axis_name(seen->identity), sv_axis_name(seen->dkim),
        sv_status_name(commit->after.status), sv_news_name(commit->effects.news),
        (unsigned long long)commit->after.sequence, sv_conclusion_name(commit->effects.shown),
        (long long)(commit->effects.wait_ms / 1000));
}

void sim_check_commit(struct sim *sim, struct sim_row *row, const struct sim_commit *commit,
                      bool event)
{
    struct sim_oracle *oracle = &row->oracle;

    if (sim->traced && commit->index == sim->violator)
        trace(sim, commit);
    settle(oracle, commit->input.now);
    if (commit->fence != row->fence || commit->fence <= oracle->fence)
        sim_violate(sim, commit->index, "a commit under a fence that was lost or used");
    oracle->fence = commit->fence;
    check_unknown(sim, commit);
    check_verified(sim, commit);
    check_failed(sim, oracle, commit);
    check_at_risk(sim, oracle, commit);
    check_restarts(sim, oracle, commit);
    check_drift(sim, oracle, commit);
    check_wait(sim, commit);
    check_healing(sim, row, commit);
    check_event(sim, oracle, commit, event);
    oracle->committed_at = sim->now;
    if (!sv_domain_is_sane(&row->state))
        sim_violate(sim, commit->index, "the state is not sane");
}

static bool is_registered(const struct sim_row *row)
{
    return row->state.status != SV_STATUS_NEW && row->state.status != SV_STATUS_REMOVED;
}

void sim_check_jobs(struct sim *sim, const struct sim_row *row)
{
    size_t index = (size_t)(row - sim->rows);
    size_t first = index - index % SIM_PER_CLIENT;
    unsigned count = 0;

    if (row->attempts > sim->limits.attempts_max)
        sim_violate(sim, index, "more rechecks than are allowed");
    for (size_t i = first; i < first + SIM_PER_CLIENT && i < sim->domains; i++)
        count += is_registered(&sim->rows[i]);
    if (count > sim->limits.domains_max)
        sim_violate(sim, index, "a client holds more domains than are allowed");
}

void sim_check_end(struct sim *sim)
{
    for (size_t i = 0; i < sim->domains; i++) {
        const struct sim_row *row = &sim->rows[i];

        if (!is_registered(row))
            continue;
        if (!row->waiting && !row->running)
            sim_violate(sim, i, "a domain is forgotten: neither waiting nor claimed");
        if (sim->now - row->oracle.committed_at > NEVER_LATER + 5 * SV_DAY)
            sim_violate(sim, i, "a domain was not looked at for more than a week");
    }
}
