#include "sv/domain.h"

#include "sv/require.h"

#include "inner.h"

/* The story of one domain. It is registered (PROVISIONED), looked at again and again (LOOKED), and
 * given back (REMOVED). What a look tells goes into the state first; then at most one move follows:
 *   1. SES said failed or gone twice                 -> failed
 *   2. SES says Success for identity and DKIM now    -> verified
 *   3. it may send, but a record is gone, SES has trouble, or signing is off -> at risk
 * Then the conclusion is drawn, restarts are owed, and the next look gets its time. Whatever could
 * not be found out leaves the state as it is. */

static const uint8_t allowed[SV_STATUS_COUNT] = {
    [SV_STATUS_NEW] = 1u << SV_STATUS_PENDING | 1u << SV_STATUS_REMOVED,
    [SV_STATUS_PENDING] =
        1u << SV_STATUS_VERIFIED | 1u << SV_STATUS_FAILED | 1u << SV_STATUS_REMOVED,
    [SV_STATUS_VERIFIED] =
        1u << SV_STATUS_AT_RISK | 1u << SV_STATUS_FAILED | 1u << SV_STATUS_REMOVED,
    [SV_STATUS_AT_RISK] =
        1u << SV_STATUS_VERIFIED | 1u << SV_STATUS_FAILED | 1u << SV_STATUS_REMOVED,
    [SV_STATUS_FAILED] = 1u << SV_STATUS_VERIFIED | 1u << SV_STATUS_REMOVED,
    [SV_STATUS_REMOVED] = 1u << SV_STATUS_PENDING,
};

static enum sv_news news_of(enum sv_status to, bool was_verified)
{
    switch (to) {
    case SV_STATUS_PENDING:
        return SV_NEWS_REGISTERED;
    case SV_STATUS_VERIFIED:
        return was_verified ? SV_NEWS_RESTORED : SV_NEWS_VERIFIED;
    case SV_STATUS_AT_RISK:
        return SV_NEWS_AT_RISK;
    case SV_STATUS_FAILED:
        return SV_NEWS_FAILED;
    case SV_STATUS_REMOVED:
        return SV_NEWS_REMOVED;
    case SV_STATUS_NEW:
    case SV_STATUS_COUNT:
        break;
    }
    return SV_NEWS_NONE;
}

/* Forgets what only meant something in the status that ends. */
static void forget_doubts(struct sv_domain *domain)
{
    domain->dns_wrong = false;
    domain->wrong_at = 0;
    domain->wrong_ttl_s = 0;
    domain->caches_until = 0;
    domain->temporary_at = 0;
    domain->bad_at = 0;
}

/* Only what outlives a registration: the number of events, and the budget of restarts, so that
 * removing and registering in turns does not get around it. */
static void start_over(struct sv_domain *domain)
{
    *domain = (struct sv_domain){.status = domain->status,
                                 .sequence = domain->sequence,
                                 .restarts = domain->restarts,
                                 .restarted_at = domain->restarted_at,
                                 .restarts_from = domain->restarts_from};
}

static void start_looking(struct sv_domain *domain, sv_ms now)
{
    domain->looking_since = now;
    domain->tries = 0;
}

static void enter(struct sv_domain *domain, enum sv_status from, sv_ms now)
{
    switch (domain->status) {
    case SV_STATUS_PENDING:
        start_looking(domain, now);
        break;
    case SV_STATUS_VERIFIED: /* a first wrong look at the records stays a doubt */
        domain->temporary_at = 0;
        domain->bad_at = 0;
        domain->was_verified = true;
        domain->tries = 0;
        domain->todo &= ~(uint32_t)SV_TODO_RESTART_DKIM;
        break;
    case SV_STATUS_AT_RISK:
        start_looking(domain, now);
        break;
    case SV_STATUS_FAILED:
        forget_doubts(domain);
        domain->todo &= ~(uint32_t)SV_TODO_RESTART_MAIL_FROM;
        if (sv_status_is_sending(from)) /* mail just stopped: look out for the repair quickly */
            start_looking(domain, now);
        break;
    case SV_STATUS_REMOVED:
        start_over(domain);
        break;
    case SV_STATUS_NEW:
    case SV_STATUS_COUNT:
        break;
    }
}

/* The only place that changes a status. What was never told of is taken back in silence. */
static void move(struct sv_domain *domain, enum sv_status to, enum sv_reason reason, sv_ms now,
                 struct sv_effects *effects)
{
    enum sv_status from = domain->status;
    bool is_untold = from == SV_STATUS_NEW && to == SV_STATUS_REMOVED;

    SV_REQUIRE((allowed[from] & 1u << to) != 0);
    effects->news = is_untold ? SV_NEWS_NONE : news_of(to, domain->was_verified);
    effects->reason = is_untold ? SV_REASON_NONE : reason;
    domain->status = to;
    enter(domain, from, now);
    domain->status_since = now;
}

/* Taking in what a look told. */

static void take_axis(enum sv_axis *axis, enum sv_axis seen)
{
    if (seen != SV_AXIS_UNKNOWN && seen != SV_AXIS_GONE)
        *axis = seen;
}

static void take_tri(enum sv_tri *tri, enum sv_tri seen)
{
    if (seen != SV_TRI_UNKNOWN)
        *tri = seen;
}

/* What SES says of the past is an instant of it, give or take its clock and ours. */
static bool is_past(sv_ms at, sv_ms now)
{
    return at > 0 && at <= now + SV_DAY;
}

/* What SES said stays told until it succeeds; when it was asked, until it may be asked again. */
static void take_detail(struct sv_domain *domain, const struct sv_policy *policy,
                        const struct sv_observation *seen, sv_ms now)
{
    if (seen->detailed) {
        domain->detailed_at = now;
        domain->ses_reason = seen->ses_reason;
        domain->ses_checked_at = is_past(seen->ses_checked_at, now) ? seen->ses_checked_at : 0;
    } else if (seen->ses_known && sv_domain_has_succeeded(domain)) {
        domain->ses_reason = SV_SES_REASON_NONE;
        domain->ses_checked_at = 0;
    }
    if (!seen->detailed && now - domain->detailed_at >= policy->ses_floor_ms)
        domain->detailed_at = 0;
}

static void take_drift(struct sv_domain *domain, const struct sv_observation *seen)
{
    domain->drift = (domain->drift & ~seen->drift_told) | (seen->drift & seen->drift_told);
}

static void take_in(struct sv_domain *domain, const struct sv_observation *seen, sv_ms now)
{
    take_drift(domain, seen);
    if (seen->ses_known) {
        domain->ses_asked_at = now;
        take_axis(&domain->identity, seen->identity);
        take_axis(&domain->dkim, seen->dkim);
        take_axis(&domain->mail_from, seen->mail_from);
        take_tri(&domain->signing, seen->signing);
    }
    take_tri(&domain->spf, seen->spf);
    take_tri(&domain->dmarc, seen->dmarc);
}

/* A record of a sending domain seen wrong through resolvers alone, and not yet twice: an odd answer
 * of theirs would be news at every look. It is shown, but told when it is confirmed. */
static bool is_hearsay(const struct sv_domain *domain, const struct sv_observation *seen)
{
    return seen->required == SV_SEEN_WRONG && seen->authority_closed && !domain->dns_wrong &&
           sv_status_is_sending(domain->status) && sv_domain_has_succeeded(domain);
}

/* After the records were watched: what they are about depends on whether they count as wrong. */
static void take_findings(struct sv_domain *domain, const struct sv_observation *seen)
{
    bool hearsay = is_hearsay(domain, seen);

    if (!hearsay)
        take_tri(&domain->bulk, seen->bulk);
    for (int group = 0; group < SV_GROUP_COUNT; group++) {
        if (hearsay && (group == SV_GROUP_DKIM || group == SV_GROUP_DNS))
            continue;
        if (seen->group_known[group])
            domain->findings[group] = seen->group_digest[group];
    }
}

static bool reads(const struct sv_observation *seen, enum sv_axis axis)
{
    return seen->ses_known && (seen->identity == axis || seen->dkim == axis);
}

/* SES's complete word on identity and DKIM, whichever it is. */
static bool is_read(const struct sv_observation *seen)
{
    return seen->ses_known && sv_observation_is_told(seen);
}

/* True when `bad` was read twice, far enough apart. A complete read in between that is not bad
 * forgets the first. */
static bool is_confirmed(struct sv_domain *domain, const struct sv_policy *policy,
                         const struct sv_observation *seen, bool bad, sv_ms now)
{
    if (!bad) {
        if (is_read(seen))
            domain->bad_at = 0;
        return false;
    }
    if (domain->bad_at == 0) {
        domain->bad_at = now;
        return false;
    }
    return now - domain->bad_at >= policy->confirm_after_ms;
}

/* True when the read before said so, too. */
static bool has_trouble(struct sv_domain *domain, const struct sv_observation *seen, sv_ms now)
{
    if (!reads(seen, SV_AXIS_TEMPORARY_FAILURE)) {
        if (is_read(seen) && seen->identity != SV_AXIS_GONE)
            domain->temporary_at = 0;
        return false;
    }
    if (domain->temporary_at == 0) {
        domain->temporary_at = now;
        return false;
    }
    return true;
}

/* Two looks more than the longest TTL apart, both definitely wrong and none better in between, make
 * a record wrong; only a look that sees it right makes it right again. */
static void watch_records(struct sv_domain *domain, const struct sv_observation *seen, sv_ms now)
{
    uint32_t ttl_s = seen->required_ttl_s < SV_TTL_MAX_S ? seen->required_ttl_s : SV_TTL_MAX_S;

    switch (seen->required) {
    case SV_SEEN_UNKNOWN:
        return;
    case SV_SEEN_RIGHT:
        domain->dns_wrong = false;
        break;
    case SV_SEEN_WAITING:
        break;
    case SV_SEEN_WRONG:
        if (domain->dns_wrong)
            return;
        if (ttl_s > domain->wrong_ttl_s)
            domain->wrong_ttl_s = ttl_s;
        if (domain->wrong_at == 0)
            domain->wrong_at = now;
        if (seen->required_disputed || /* one view alone confirms nothing */
            now - domain->wrong_at <= (sv_ms)domain->wrong_ttl_s * SV_SECOND)
            return;
        domain->dns_wrong = true;
        break;
    }
    domain->wrong_at = 0;
    domain->wrong_ttl_s = 0;
}

/* Remembers how long caches hold what the zone does not say any more. Of a record that is gone, the
 * first look counts: SES loses sight of it then, however often it is looked at. */
static void watch_caches(struct sv_domain *domain, const struct sv_observation *seen, sv_ms now)
{
    sv_ms last = now + SV_TTL_MAX_S * SV_SECOND;
    sv_ms until = seen->caches_until < last ? seen->caches_until : last;

    switch (seen->required) {
    case SV_SEEN_UNKNOWN:
        return;
    case SV_SEEN_RIGHT:
        domain->caches_until = 0;
        return;
    case SV_SEEN_WAITING:
        domain->caches_until = until;
        return;
    case SV_SEEN_WRONG:
        if (!sv_status_is_sending(domain->status))
            domain->caches_until = 0;
        else if (domain->wrong_at == now) /* the first look that is wrong */
            domain->caches_until = until > now ? until : now;
        else if (seen->required_disputed && until > domain->caches_until)
            domain->caches_until = until;
        return;
    }
}

/* The moves of a look. */

/* With the identity went everything that hung on it. */
static void lose_identity(struct sv_domain *domain, const struct sv_observation *seen)
{
    domain->identity = SV_AXIS_GONE;
    domain->dkim = SV_AXIS_GONE;
    domain->signing = SV_TRI_UNKNOWN;
    domain->bad_at = 0;
    if (seen->mail_from == SV_AXIS_GONE)
        domain->mail_from = SV_AXIS_GONE;
}

/* SES failed the domain twice. It counts as gone only when the first bad read said so, too: a first
 * one that said failed is in the axes. */
static void fail(struct sv_domain *domain, const struct sv_observation *seen, sv_ms now,
                 struct sv_effects *effects)
{
    bool gone = seen->identity == SV_AXIS_GONE;
    bool had_failed = domain->identity == SV_AXIS_FAILED || domain->dkim == SV_AXIS_FAILED;

    if (gone && !had_failed) {
        move(domain, SV_STATUS_FAILED, SV_REASON_IDENTITY_GONE, now, effects);
        lose_identity(domain, seen);
        return;
    }
    move(domain, SV_STATUS_FAILED, SV_REASON_SES_FAILED, now, effects);
    if (gone)
        domain->bad_at = now;
}

static bool succeeds(const struct sv_domain *domain, const struct sv_observation *seen)
{
    return seen->ses_known && seen->identity == SV_AXIS_SUCCESS && seen->dkim == SV_AXIS_SUCCESS &&
           domain->signing != SV_TRI_NO;
}

static void verify(struct sv_domain *domain, const struct sv_observation *seen, sv_ms now,
                   struct sv_effects *effects)
{
    enum sv_reason reason = domain->was_verified ? SV_REASON_HEALED : SV_REASON_SES_VERIFIED;

    move(domain, SV_STATUS_VERIFIED, reason, now, effects);
    watch_records(domain, seen, now);
}

static void look_while_waiting(struct sv_domain *domain, const struct sv_policy *policy,
                               const struct sv_input *input, struct sv_effects *effects)
{
    const struct sv_observation *seen = &input->seen;
    bool gone = seen->ses_known && seen->identity == SV_AXIS_GONE;

    if (domain->status == SV_STATUS_PENDING &&
        is_confirmed(domain, policy, seen, gone || reads(seen, SV_AXIS_FAILED), input->now)) {
        fail(domain, seen, input->now, effects);
    } else if (succeeds(domain, seen)) {
        verify(domain, seen, input->now, effects);
    } else if (domain->status == SV_STATUS_FAILED &&
               is_confirmed(domain, policy, seen, gone && domain->identity != SV_AXIS_GONE,
                            input->now)) {
        lose_identity(domain, seen);
    }
}

static void look_while_sending(struct sv_domain *domain, const struct sv_policy *policy,
                               const struct sv_input *input, struct sv_effects *effects)
{
    const struct sv_observation *seen = &input->seen;
    bool gone = seen->ses_known && seen->identity == SV_AXIS_GONE;
    bool bad = gone || reads(seen, SV_AXIS_FAILED);
    bool failed = is_confirmed(domain, policy, seen, bad, input->now);
    bool trouble = has_trouble(domain, seen, input->now);
    bool unsigned_now = seen->ses_known && seen->signing == SV_TRI_NO;
    enum sv_reason risk = SV_REASON_NONE;

    watch_records(domain, seen, input->now);
    if (domain->dns_wrong)
        risk = SV_REASON_RECORDS_WRONG;
    else if (trouble)
        risk = SV_REASON_SES_TEMPORARY;
    else if (unsigned_now)
        risk = SV_REASON_SIGNING_DISABLED;

    if (failed)
        fail(domain, seen, input->now, effects);
    else if (domain->status == SV_STATUS_VERIFIED && risk != SV_REASON_NONE)
        move(domain, SV_STATUS_AT_RISK, risk, input->now, effects);
    else if (domain->status == SV_STATUS_AT_RISK && risk == SV_REASON_NONE &&
             succeeds(domain, seen))
        verify(domain, seen, input->now, effects);
}

/* What SES and the zone's own servers find right stays good while caches elsewhere catch up. */
static bool is_no_news(const struct sv_domain *domain, const struct sv_observation *seen,
                       enum sv_conclusion shown)
{
    if (shown == SV_CONCLUSION_DNS_SPREADING)
        return domain->conclusion == SV_CONCLUSION_ALL_GOOD && sv_domain_has_succeeded(domain);
    return shown == SV_CONCLUSION_CANNOT_TELL ||
           (shown == SV_CONCLUSION_RECORD_GONE && is_hearsay(domain, seen));
}

/* What is no news is not stored, but a conclusion drawn in another status would be a lie. */
static void conclude(struct sv_domain *domain, const struct sv_observation *seen,
                     struct sv_effects *effects)
{
    effects->shown = sv_conclusion_draw(domain, seen);
    if (!is_no_news(domain, seen, effects->shown))
        domain->conclusion = effects->shown;
    else if (effects->news != SV_NEWS_NONE)
        domain->conclusion = SV_CONCLUSION_NONE;
    if (effects->shown == SV_CONCLUSION_CANNOT_TELL)
        effects->untold = sv_conclusion_untold(seen);
}

static bool is_begun(const struct sv_domain *domain)
{
    return domain->status != SV_STATUS_NEW && domain->status != SV_STATUS_REMOVED;
}

static void count_up(uint32_t *count)
{
    if (*count < UINT32_MAX)
        (*count)++;
}

static void on_looked(struct sv_domain *domain, const struct sv_policy *policy,
                      const struct sv_input *input, struct sv_effects *effects)
{
    const struct sv_observation *seen = &input->seen;

    if (!is_begun(domain))
        return; /* a look that came too late */
    if (sv_observation_is_empty(seen)) {
        count_up(&domain->faults);
    } else {
        domain->faults = 0;
        if (input->hurry)
            domain->tries = 0;
    }
    effects->definitive = seen->required != SV_SEEN_UNKNOWN && sv_observation_is_told(seen);
    take_in(domain, seen, input->now);
    take_detail(domain, policy, seen, input->now);
    if (sv_status_is_sending(domain->status))
        look_while_sending(domain, policy, input, effects);
    else
        look_while_waiting(domain, policy, input, effects);
    watch_caches(domain, seen, input->now);
    take_findings(domain, seen);
    conclude(domain, seen, effects);
    sv_heal_owe(domain, policy, seen, input->now);
    if (input->reputation_every_ms == 0)
        sv_reputation_forget(domain);
    else
        sv_reputation_take(domain, &seen->mail, input->now);
}

static void on_provisioned(struct sv_domain *domain, const struct sv_input *input,
                           struct sv_effects *effects)
{
    uint32_t todo = domain->todo & ~(uint32_t)(SV_TODO_PROVISION | SV_TODO_RESTARTS);

    if (!is_begun(domain)) {
        start_over(domain);
        domain->adopted = input->adopted;
        domain->todo = todo;
        move(domain, SV_STATUS_PENDING, SV_REASON_REGISTERED, input->now, effects);
    }
    domain->todo &= ~(uint32_t)SV_TODO_PROVISION;
    domain->adopted = domain->adopted || input->adopted;
    domain->mail_from_wanted = input->mail_from_wanted;
    domain->restores = 0;
    take_drift(domain, &input->seen);
    domain->faults = 0;
    domain->tries = 0;
    if (domain->identity == SV_AXIS_GONE) { /* it was created again: a restart like another */
        sv_heal_count(domain, input->now);
        start_looking(domain, input->now);
    }
}

static void on_restarted(struct sv_domain *domain, const struct sv_input *input)
{
    uint32_t done = input->restarted != 0 ? input->restarted : SV_TODO_RESTARTS;

    if ((domain->todo & done) == 0)
        return; /* said twice */
    sv_heal_done(domain, done);
    domain->faults = 0;
    if (!sv_status_is_sending(domain->status))
        domain->bad_at = 0; /* what failed was the look that ended */
    sv_heal_count(domain, input->now);
    start_looking(domain, input->now);
}

static void on_removed(struct sv_domain *domain, const struct sv_input *input,
                       struct sv_effects *effects)
{
    /* A registration that came after the removal is still owed; without a removal owed it is
     * provisioning that was given up, and nothing is. */
    bool asked = (domain->todo & SV_TODO_REMOVE) != 0;
    uint32_t todo = asked ? domain->todo & SV_TODO_PROVISION : 0;

    if (domain->status != SV_STATUS_REMOVED)
        move(domain, SV_STATUS_REMOVED,
             input->never_verified ? SV_REASON_NEVER_VERIFIED : SV_REASON_REMOVED, input->now,
             effects);
    domain->todo = todo;
    effects->shown = domain->conclusion;
}

static void on_fault(struct sv_domain *domain, struct sv_effects *effects)
{
    count_up(&domain->faults);
    effects->shown = SV_CONCLUSION_CANNOT_TELL;
}

static enum sv_reason why_updated(const struct sv_domain *before, const struct sv_domain *after)
{
    if (sv_change_is_records(before, after))
        return SV_REASON_RECORDS_CHANGED;
    if ((after->drift & ~before->drift) != 0)
        return SV_REASON_DRIFTED;
    return before->drift != after->drift ? SV_REASON_DRIFT_ENDED : SV_REASON_CHANGED;
}

/* A clock that went back: what seems to lie ahead counts as now, so that no wait grows by the
 * jump. */
static void settle_times(struct sv_domain *domain, sv_ms now)
{
    sv_ms *const times[] = {&domain->status_since,  &domain->looking_since, &domain->wrong_at,
                            &domain->temporary_at,  &domain->bad_at,        &domain->ses_asked_at,
                            &domain->restarted_at,  &domain->restarts_from, &domain->detailed_at,
                            &domain->reputation_at, &domain->mail_at};

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        if (*times[i] > now)
            *times[i] = now;
    }
}

/* The wait depends on how many looks there were before this one; then this one counts. A healthy
 * verified domain starts from the floor whenever something happens to it. */
static void schedule(struct sv_domain *domain, const struct sv_policy *policy,
                     const struct sv_input *input, uint32_t todo_before, struct sv_effects *effects)
{
    bool healthy = domain->status == SV_STATUS_VERIFIED && effects->definitive &&
                   domain->temporary_at == 0 && domain->wrong_at == 0 && domain->bad_at == 0;

    effects->wait_ms = sv_schedule_wait(domain, policy, input, todo_before);
    domain->next_check_at = effects->wait_ms < 0 ? 0 : input->now + effects->wait_ms;
    if (healthy)
        domain->tries = 0;
    else if (is_begun(domain) && (input->kind == SV_INPUT_LOOKED || input->kind == SV_INPUT_FAULT))
        count_up(&domain->tries);
}

void sv_domain_step(struct sv_domain *domain, const struct sv_policy *policy,
                    const struct sv_input *input, struct sv_effects *effects)
{
    const struct sv_domain before = *domain;

    SV_REQUIRE(sv_domain_is_sane(domain));
    SV_REQUIRE(input->now > 0 && input->now < SV_INSTANT_MAX / 2);
    *effects = (struct sv_effects){.from = before.status, .shown = before.conclusion};
    settle_times(domain, input->now);
    switch (input->kind) {
    case SV_INPUT_PROVISIONED:
        on_provisioned(domain, input, effects);
        break;
    case SV_INPUT_RESTARTED:
        on_restarted(domain, input);
        break;
    case SV_INPUT_LOOKED:
        on_looked(domain, policy, input, effects);
        break;
    case SV_INPUT_REMOVED:
        on_removed(domain, input, effects);
        break;
    case SV_INPUT_FAULT:
        on_fault(domain, effects);
        break;
    case SV_INPUT_COUNT:
        SV_REQUIRE(false);
    }
    if (is_begun(domain) && input->records != 0)
        domain->records = input->records;
    effects->to = domain->status;
    if (effects->news == SV_NEWS_NONE && is_begun(domain) && sv_change_is_any(&before, domain)) {
        effects->news = SV_NEWS_UPDATED;
        effects->reason = why_updated(&before, domain);
    }
    if (effects->news != SV_NEWS_NONE)
        domain->sequence++;
    schedule(domain, policy, input, before.todo, effects);
    SV_REQUIRE(sv_domain_is_sane(domain));
}
