#include "inner.h"

enum { PERMILLE = 1000, CONFIRM_LATE_PERMILLE = 100, GROWTHS_MAX = 64 };

static sv_ms least(sv_ms a, sv_ms b)
{
    return a < b ? a : b;
}

static sv_ms most(sv_ms a, sv_ms b)
{
    return a > b ? a : b;
}

/* Where the dice fall: -SV_JITTER_STEPS .. SV_JITTER_STEPS. */
static sv_ms dice(uint64_t random)
{
    return (sv_ms)(random % (2 * SV_JITTER_STEPS + 1)) - SV_JITTER_STEPS;
}

static sv_ms spread(sv_ms base, const struct sv_policy *policy, uint64_t random)
{
    sv_ms width = base / PERMILLE * policy->jitter_permille;

    return base + width * dice(random) / SV_JITTER_STEPS;
}

/* floor * grow^tries, at most `limit`. */
static sv_ms grown(const struct sv_policy *policy, uint32_t tries, sv_ms limit)
{
    sv_ms wait = policy->floor_ms;

    for (uint32_t i = 0; i < tries && i < GROWTHS_MAX && wait < limit; i++)
        wait = wait * policy->grow_permille / PERMILLE;
    return least(wait, limit);
}

static sv_ms pace(const struct sv_domain *domain, const struct sv_policy *policy, uint64_t random,
                  sv_ms limit)
{
    sv_ms wait = spread(grown(policy, domain->tries, limit), policy, random);

    return most(least(wait, limit), policy->floor_ms);
}

/* The quick part of a round: while SES looks by itself, and while the pace grows after somebody
 * asked for a look, however long ago the round began. */
static bool is_quick(const struct sv_domain *domain, const struct sv_policy *policy, sv_ms now)
{
    return now - domain->looking_since < policy->patience_ms ||
           grown(policy, domain->tries, policy->cap_ms) < policy->cap_ms;
}

/* Caches hold the old answer for that long: looking at them sooner changes nothing. SES is asked
 * in the same look, so the cap holds all the same. */
static sv_ms not_before_caches(sv_ms wait, const struct sv_policy *policy,
                               const struct sv_input *input)
{
    const struct sv_observation *seen = &input->seen;
    bool cached = seen->required == SV_SEEN_WRONG || seen->required == SV_SEEN_WAITING;
    sv_ms left = ((sv_ms)seen->required_ttl_s + 1) * SV_SECOND;

    if (input->kind != SV_INPUT_LOOKED || !cached)
        return wait;
    if (seen->caches_until > input->now) /* measured */
        left = seen->caches_until - input->now + SV_SECOND;
    else if (seen->required_ttl_s == 0)
        return wait;
    return most(wait, least(left, policy->cap_ms));
}

/* SES itself could not be asked: an outage passes, and no domain should wait a week for it. */
static sv_ms not_after_outage(sv_ms wait, const struct sv_policy *policy,
                              const struct sv_input *input)
{
    if (input->kind != SV_INPUT_LOOKED || sv_observation_is_told(&input->seen))
        return wait;
    return least(wait, spread(policy->cap_ms, policy, input->random));
}

static sv_ms while_searching(const struct sv_domain *domain, const struct sv_policy *policy,
                             const struct sv_input *input)
{
    sv_ms over = policy->patience_ms + policy->daily_for_ms;
    sv_ms since = input->now - domain->looking_since;
    sv_ms rare = since < over ? policy->daily_ms : policy->weekly_ms;

    if (is_quick(domain, policy, input->now))
        return not_before_caches(pace(domain, policy, input->random, policy->cap_ms), policy,
                                 input);
    return not_after_outage(spread(rare, policy, input->random), policy, input);
}

static sv_ms while_at_risk(const struct sv_domain *domain, const struct sv_policy *policy,
                           const struct sv_input *input)
{
    if (is_quick(domain, policy, input->now))
        return not_before_caches(pace(domain, policy, input->random, policy->cap_ms), policy,
                                 input);
    return not_after_outage(spread(policy->verified_every_ms, policy, input->random), policy,
                            input);
}

static sv_ms while_verified(const struct sv_domain *domain, const struct sv_policy *policy,
                            const struct sv_input *input)
{
    const struct sv_observation *seen = &input->seen;
    bool looked = input->kind == SV_INPUT_LOOKED;
    bool settling = domain->mail_from_wanted && domain->mail_from == SV_AXIS_PENDING &&
                    input->now - domain->looking_since < policy->patience_ms;

    sv_ms expired_at = domain->wrong_at + ((sv_ms)domain->wrong_ttl_s + 1) * SV_SECOND;
    sv_ms forgotten_in = domain->caches_until + SV_SECOND - input->now;

    if (domain->temporary_at != 0)
        return pace(domain, policy, input->random, policy->cap_ms);
    if (domain->wrong_at != 0 && expired_at > input->now)
        return most(expired_at - input->now, policy->floor_ms);
    if (domain->caches_until > input->now) /* then it is seen everywhere, or nowhere any more */
        return most(least(forgotten_in, policy->verified_every_ms), policy->floor_ms);
    if (!looked || !sv_observation_is_told(seen))
        return pace(domain, policy, input->random, policy->cap_ms);
    if (seen->required == SV_SEEN_UNKNOWN) /* SES's word is what counts; DNS may stay silent long */
        return pace(domain, policy, input->random, policy->verified_every_ms);
    if (settling) /* SES still looks for the MAIL FROM records: no hurry, but not a day either */
        return spread(least(2 * policy->cap_ms, policy->verified_every_ms), policy, input->random);
    return spread(policy->verified_every_ms, policy, input->random);
}

static sv_ms by_status(const struct sv_domain *domain, const struct sv_policy *policy,
                       const struct sv_input *input)
{
    switch (domain->status) {
    case SV_STATUS_PENDING:
    case SV_STATUS_FAILED:
        return while_searching(domain, policy, input);
    case SV_STATUS_VERIFIED:
        return while_verified(domain, policy, input);
    case SV_STATUS_AT_RISK:
        return while_at_risk(domain, policy, input);
    case SV_STATUS_NEW:
    case SV_STATUS_REMOVED: /* to be registered anew */
    case SV_STATUS_COUNT:
        break;
    }
    return policy->floor_ms;
}

/* A first bad read is confirmed or forgotten soon, whatever the pace. Never sooner than agreed, so
 * this jitter goes up only. */
static sv_ms not_after_confirm(sv_ms wait, const struct sv_domain *domain,
                               const struct sv_policy *policy, const struct sv_input *input)
{
    sv_ms up = policy->confirm_after_ms / PERMILLE * CONFIRM_LATE_PERMILLE;
    sv_ms steps = dice(input->random);
    sv_ms confirm_at = domain->bad_at + policy->confirm_after_ms +
                       up * (steps < 0 ? -steps : steps) / SV_JITTER_STEPS;

    if (domain->bad_at == 0 || confirm_at <= input->now)
        return wait;
    return least(wait, most(confirm_at - input->now, policy->floor_ms));
}

static sv_ms after_fault(const struct sv_domain *domain, const struct sv_policy *policy,
                         uint64_t random)
{
    sv_ms wait = policy->fault_first_ms;

    for (uint32_t i = 1; i < domain->faults && i < GROWTHS_MAX && wait < policy->fault_cap_ms; i++)
        wait *= 2;
    wait = least(wait, policy->fault_cap_ms);
    return most(least(spread(wait, policy, random), policy->fault_cap_ms), 1);
}

sv_ms sv_schedule_wait(const struct sv_domain *domain, const struct sv_policy *policy,
                       const struct sv_input *input, uint32_t todo_before)
{
    bool begun = sv_status_is_sending(domain->status) || domain->status == SV_STATUS_PENDING ||
                 domain->status == SV_STATUS_FAILED;
    sv_ms wait;

    if (domain->status == SV_STATUS_REMOVED && domain->todo == 0)
        return -1;
    if (input->kind == SV_INPUT_REMOVED)
        return 0; /* registered again meanwhile */
    if (input->kind == SV_INPUT_PROVISIONED)
        return input->adopted ? 0 : policy->first_look_ms;
    if ((domain->todo & ~todo_before) != 0)
        return 0; /* newly owed work is done at once; work that could not be done comes as a fault
                   */
    wait = not_after_confirm(by_status(domain, policy, input), domain, policy, input);
    if (domain->faults == 0)
        return wait;
    return begun ? least(wait, after_fault(domain, policy, input->random))
                 : after_fault(domain, policy, input->random);
}

bool sv_domain_wants_ses(const struct sv_domain *domain, const struct sv_policy *policy, sv_ms now,
                         const struct sv_observation *dns)
{
    bool waits = domain->status == SV_STATUS_PENDING || domain->status == SV_STATUS_FAILED;

    if (!waits || domain->adopted || domain->bad_at != 0)
        return true;
    if (dns->required != SV_SEEN_WRONG || !dns->required_absent)
        return true;
    return domain->ses_asked_at == 0 || now - domain->ses_asked_at >= policy->ses_floor_ms;
}

/* A success needs no reason, what was never one has none yet. */
static bool needs_reason(enum sv_axis before, enum sv_axis seen)
{
    bool lost =
        before == SV_AXIS_SUCCESS && (seen == SV_AXIS_PENDING || seen == SV_AXIS_NOT_STARTED);

    return lost || seen == SV_AXIS_FAILED || seen == SV_AXIS_TEMPORARY_FAILURE;
}

bool sv_domain_wants_detail(const struct sv_domain *domain, const struct sv_policy *policy,
                            sv_ms now, const struct sv_observation *seen)
{
    bool recent = domain->detailed_at != 0 && now - domain->detailed_at < policy->ses_floor_ms;

    if (!seen->ses_known || recent)
        return false;
    return needs_reason(domain->identity, seen->identity) || needs_reason(domain->dkim, seen->dkim);
}
