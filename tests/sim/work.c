/* What the driver does between claim and commit: owed work first, then a look. */
#include "sim.h"

/* The rule that is switched off, where it lies in the core: the input is falsified before the step,
 * or its result afterwards. */
static void spoil_before(struct sim *sim, struct sv_domain *domain, struct sv_policy *policy,
                         struct sv_input *input)
{
    struct sv_observation *seen = &input->seen;
    bool looked = input->kind == SV_INPUT_LOOKED;
    bool bad = seen->ses_known && (seen->identity == SV_AXIS_GONE || seen->dkim == SV_AXIS_FAILED);

    if (sim->broken == SIM_BREAK_CONFIRM && looked && bad && domain->status == SV_STATUS_VERIFIED) {
        policy->confirm_after_ms = 0;
        domain->bad_at = input->now;
    }
    if (sim->broken == SIM_BREAK_TTL && looked) {
        seen->required_ttl_s = 0;
        domain->wrong_ttl_s = 0;
    }
    if (sim->broken == SIM_BREAK_VERIFY && looked && seen->required == SV_SEEN_RIGHT) {
        seen->ses_known = true;
        seen->identity = seen->dkim = SV_AXIS_SUCCESS;
        seen->signing = SV_TRI_YES;
    }
    if (sim->broken == SIM_BREAK_BUDGET)
        domain->restarted_at = domain->restarts_from = 0;
    if (sim->broken == SIM_BREAK_RESTORE)
        domain->restores = 0;
}

static void spoil_after(struct sim *sim, struct sim_commit *commit)
{
    struct sv_domain *domain = &commit->after;
    struct sv_effects *effects = &commit->effects;
    bool looked = commit->input.kind == SV_INPUT_LOOKED && domain->status == SV_STATUS_VERIFIED;

    if (sim->broken == SIM_BREAK_UNKNOWN && looked && !commit->input.seen.ses_known)
        domain->dkim = SV_AXIS_UNKNOWN;
    if (sim->broken == SIM_BREAK_SEQUENCE && effects->news == SV_NEWS_UPDATED)
        domain->sequence++;
    if (sim->broken == SIM_BREAK_NOISE && looked && effects->news == SV_NEWS_NONE &&
        sim_one_in(&sim->dice, 100)) {
        effects->news = SV_NEWS_UPDATED;
        effects->reason = SV_REASON_CHANGED;
        domain->sequence++;
    }
    if (sim->broken == SIM_BREAK_FROM && effects->news == SV_NEWS_AT_RISK)
        effects->from = SV_STATUS_PENDING;
    if (sim->broken == SIM_BREAK_EDGE && effects->news == SV_NEWS_RESTORED) {
        effects->to = domain->status = SV_STATUS_PENDING;
        domain->was_verified = false;
    }
    if (sim->broken == SIM_BREAK_PACE && looked)
        effects->wait_ms = SV_SECOND;
}

static void step(struct sim *sim, struct sim_commit *commit)
{
    struct sv_policy policy = sim->policy;
    struct sv_input input = commit->input;

    commit->after = commit->before;
    if (sim->broken != SIM_BREAK_NONE)
        spoil_before(sim, &commit->after, &policy, &input);
    sv_domain_step(&commit->after, &policy, &input, &commit->effects);
    if (sim->broken != SIM_BREAK_NONE)
        spoil_after(sim, commit);
    sim->counts.steps++;
}

/* Other tokens than those DNS was asked for: what it answered says nothing of them. */
static void see_records(const struct sim_world *world, struct sim_commit *commit)
{
    struct sv_observation *seen = &commit->input.seen;
    uint32_t records = sim_world_records(world);

    if (!seen->ses_known || seen->identity == SV_AXIS_GONE || records == commit->before.records)
        return;
    commit->input.records = records;
    seen->required = SV_SEEN_UNKNOWN;
    seen->required_absent = seen->required_disputed = false;
    seen->required_ttl_s = 0;
    seen->caches_until = 0;
    seen->bulk = SV_TRI_UNKNOWN;
    seen->group_known[SV_GROUP_DKIM] = seen->group_known[SV_GROUP_DNS] = false;
}

static void look(struct sim *sim, struct sim_row *row, struct sim_commit *commit)
{
    struct sv_observation *seen = &commit->input.seen;

    commit->input.kind = SV_INPUT_LOOKED;
    commit->input.hurry = row->open && row->job == SV_JOB_RECHECK;
    sim_world_look_dns(&row->world, sim->now < sim->dns_down_until, seen);
    if (sv_domain_wants_ses(&commit->before, &sim->policy, commit->input.now, seen)) {
        (void)sim_world_look_ses(&row->world, sim->now < sim->ses_down_until, seen);
        see_records(&row->world, commit);
    } else {
        seen->ses_skipped = true;
        sim->counts.gated++;
    }
    sim->counts.looks++;
}

/* A call that SES must answer; nothing of it is done when it cannot. */
static bool is_reached(struct sim *sim, struct sim_commit *commit)
{
    if (sim->now >= sim->ses_down_until && !sim_one_in(&sim->dice, 30))
        return true;
    commit->input.kind = SV_INPUT_FAULT;
    sim->counts.faults++;
    return false;
}

static bool is_done(enum sv_job_type job, enum sv_input_kind kind)
{
    switch (job) {
    case SV_JOB_REGISTER:
    case SV_JOB_ADOPT:
        return kind == SV_INPUT_PROVISIONED || kind == SV_INPUT_REMOVED;
    case SV_JOB_RECHECK:
        return kind == SV_INPUT_LOOKED || kind == SV_INPUT_REMOVED;
    case SV_JOB_REMOVE:
        return kind == SV_INPUT_REMOVED;
    case SV_JOB_TYPE_COUNT:
        break;
    }
    return false;
}

void sim_work(struct sim *sim, struct sim_row *row, struct sim_commit *commit)
{
    const struct sv_domain *domain = &row->state;
    const uint32_t restarts =
        SV_TODO_RESTART_DKIM | SV_TODO_RESTART_MAIL_FROM | SV_TODO_RESTORE_SET;

    sim_world_advance(&row->world, sim->now);
    *commit = (struct sim_commit){.index = (size_t)(row - sim->rows),
                                  .fence = row->fence,
                                  .before = *domain,
                                  .input = {.now = sim_store_now(sim)}};
    commit->input.random = sv_rand_u64(&sim->dice);
    if ((domain->todo & SV_TODO_REMOVE) != 0) {
        if (is_reached(sim, commit)) {
            commit->input.kind = SV_INPUT_REMOVED;
            if (sim_one_in(&sim->dice, 2))
                sim_world_remove(&row->world);
        }
    } else if ((domain->todo & SV_TODO_PROVISION) != 0) {
        if (is_reached(sim, commit)) {
            commit->input.kind = SV_INPUT_PROVISIONED;
            commit->input.adopted = row->job_adopts;
            commit->input.mail_from_wanted = row->job_mail_from;
            sim_world_provision(&row->world, row->job_mail_from);
            commit->input.records = sim_world_records(&row->world);
            commit->input.seen.drift_told = SV_DRIFT_ALL;
            sim->counts.provisions++;
        }
    } else if ((domain->todo & restarts) != 0) {
        if (is_reached(sim, commit)) {
            commit->input.kind = SV_INPUT_RESTARTED;
            if (sim->broken != SIM_BREAK_HEAL)
                sim_world_restart(&row->world, domain->todo);
            commit->input.records = sim_world_records(&row->world);
            sim->counts.restarts++;
        }
    } else {
        look(sim, row, commit);
    }
    step(sim, commit);
    commit->finishes = row->open && is_done(row->job, commit->input.kind);
    commit->give_back =
        commit->finishes && commit->input.kind == SV_INPUT_LOOKED && !commit->effects.definitive;
}
