#include "sv/sweep.h"

#include "sv/require.h"

enum { SPREAD_PART = 10 };

/* A listing that keeps saying "not sending" though everything else is well (the account is paused,
 * for instance) is looked into once in a while, not with every sweep. */
#define NOT_SENDING_EVERY_MS (6 * SV_HOUR)

/* SES turns "not started" into "pending" by itself: no contradiction. */
static enum sv_axis plain(enum sv_axis axis)
{
    return axis == SV_AXIS_NOT_STARTED ? SV_AXIS_PENDING : axis;
}

static bool contradicts(const struct sv_domain *known, const struct sv_listed *listed)
{
    enum sv_axis told = plain(listed->identity), kept = plain(known->identity);

    if (listed->missing)
        return kept != SV_AXIS_GONE;
    if (kept == SV_AXIS_GONE)
        return true; /* it came back */
    if (told != SV_AXIS_UNKNOWN && told != kept)
        return kept != SV_AXIS_UNKNOWN || told != SV_AXIS_PENDING;
    return known->status == SV_STATUS_VERIFIED && listed->sending == SV_TRI_NO &&
           listed->asked_at - known->ses_asked_at >= NOT_SENDING_EVERY_MS;
}

enum sv_sweep_advice sv_sweep_judge(const struct sv_domain *known, const struct sv_listed *listed)
{
    switch (known->status) {
    case SV_STATUS_PENDING:
    case SV_STATUS_VERIFIED:
    case SV_STATUS_AT_RISK:
    case SV_STATUS_FAILED:
        break;
    case SV_STATUS_NEW:
    case SV_STATUS_REMOVED:
    case SV_STATUS_COUNT:
        return SV_SWEEP_LEAVE;
    }
    if (known->todo != 0 || known->ses_asked_at >= listed->asked_at)
        return SV_SWEEP_LEAVE;
    return contradicts(known, listed) ? SV_SWEEP_HURRY : SV_SWEEP_LEAVE;
}

sv_ms sv_sweep_wait_ms(const struct sv_sweep *sweep, const struct sv_sweep_plan *plan, sv_ms since,
                       sv_ms now)
{
    size_t least = plan->domains_min == 0 ? SV_SWEEP_DOMAINS_MIN : plan->domains_min;
    sv_ms begin_at = sweep->started_at + plan->every_ms;

    SV_REQUIRE(plan->every_ms >= 0);
    if (plan->every_ms == 0 || plan->domains < least)
        return -1;
    if (sweep->started_at != 0 && sweep->finished_at == 0 && sweep->pages < SV_SWEEP_PAGES_MAX)
        return 0;
    if (sweep->started_at > now) /* the clock went back */
        begin_at = now + plan->every_ms;
    if (sweep->started_at == 0)
        begin_at = since + (sv_ms)(plan->spread % ((uint64_t)plan->every_ms / SPREAD_PART + 1));
    return begin_at > now ? begin_at - now : 0;
}
