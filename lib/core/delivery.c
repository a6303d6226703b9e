/* The schedule of deliveries, and who gets what. */
#include "sv/delivery.h"

#include <string.h>

#include "sv/require.h"

struct sv_delivery_plan sv_delivery_plan_default(void)
{
    return (struct sv_delivery_plan){
        .attempts = 10,
        .waits_ms = {0, 5 * SV_SECOND, 5 * SV_MINUTE, 30 * SV_MINUTE, 2 * SV_HOUR, 5 * SV_HOUR,
                     10 * SV_HOUR, 14 * SV_HOUR, 20 * SV_HOUR, 24 * SV_HOUR},
    };
}

static struct sv_delivery_next wait_or_die(const struct sv_delivery_plan *plan, size_t attempt,
                                           sv_ms asked_ms, uint32_t dice)
{
    sv_ms wait_ms;

    if (attempt >= plan->attempts)
        return (struct sv_delivery_next){.step = SV_DELIVERY_DEAD};
    wait_ms = plan->waits_ms[attempt];
    if (asked_ms > SV_DELIVERY_ASKED_MS_MAX)
        asked_ms = SV_DELIVERY_ASKED_MS_MAX;
    if (wait_ms < asked_ms)
        wait_ms = asked_ms;
    return (struct sv_delivery_next){
        .step = SV_DELIVERY_WAIT,
        .wait_ms = wait_ms + (sv_ms)(dice % (uint32_t)(wait_ms / 10 + 1)),
    };
}

struct sv_delivery_next sv_delivery_judge(const struct sv_delivery_plan *plan, size_t attempt,
                                          enum sv_sink_outcome outcome, sv_ms asked_ms,
                                          uint32_t dice)
{
    SV_REQUIRE(attempt >= 1 && plan->attempts >= 1 && plan->attempts <= SV_DELIVERY_ATTEMPTS_MAX);
    switch (outcome) {
    case SV_SINK_DELIVERED:
        break;
    case SV_SINK_LATER:
        return wait_or_die(plan, attempt, asked_ms, dice);
    case SV_SINK_REFUSED:
        return (struct sv_delivery_next){.step = SV_DELIVERY_DEAD};
    case SV_SINK_GONE:
        return (struct sv_delivery_next){.step = SV_DELIVERY_DISABLE};
    }
    return (struct sv_delivery_next){.step = SV_DELIVERY_DONE};
}

sv_ms sv_delivery_total_ms(const struct sv_delivery_plan *plan)
{
    sv_ms total_ms = 0;

    for (size_t i = 0; i < plan->attempts; i++)
        total_ms += plan->waits_ms[i];
    return total_ms;
}

sv_ms sv_delivery_pause_ms(const struct sv_delivery_plan *plan, unsigned streak)
{
    sv_ms pause_ms = plan->attempts > 1 ? plan->waits_ms[1] / 5 : SV_SECOND;
    sv_ms cap_ms = plan->attempts > 2 ? plan->waits_ms[2] / 10 : pause_ms;

    if (streak < SV_DELIVERY_STREAK)
        return 0;
    for (; streak > SV_DELIVERY_STREAK && pause_ms < cap_ms; streak--)
        pause_ms *= 2;
    return pause_ms < cap_ms ? pause_ms : cap_ms;
}

sv_ms sv_delivery_quiet_ms(const struct sv_delivery_plan *plan, unsigned streak, sv_ms asked_ms)
{
    sv_ms pause_ms = sv_delivery_pause_ms(plan, streak);

    if (asked_ms > SV_DELIVERY_QUIET_MS_MAX)
        asked_ms = SV_DELIVERY_QUIET_MS_MAX;
    return asked_ms > pause_ms ? asked_ms : pause_ms;
}

static bool is_listed(const char *const *list, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], word) == 0)
            return true;
    }
    return count == 0;
}

static bool closes_trouble(const char *kind)
{
    return strcmp(kind, "verified") == 0 || strcmp(kind, "restored") == 0 ||
           strcmp(kind, "removed") == 0;
}

static bool is_bad_enough(enum sv_delivery_severity least, const struct sv_delivery_facts *facts)
{
    enum sv_delivery_severity worst = facts->worst;

    if (strcmp(facts->kind, "failed") == 0)
        worst = SV_DELIVERY_ERROR;
    else if (strcmp(facts->kind, "at_risk") == 0 && worst < SV_DELIVERY_WARNING)
        worst = SV_DELIVERY_WARNING;
    return worst >= least || closes_trouble(facts->kind);
}

bool sv_delivery_wants(const struct sv_delivery_filter *filter,
                       const struct sv_delivery_facts *facts)
{
    return is_listed(filter->kinds, filter->kinds_count, facts->kind) &&
           is_listed(filter->clients, filter->clients_count, facts->client) &&
           is_listed(filter->accounts, filter->accounts_count, facts->account) &&
           is_bad_enough(filter->least, facts);
}
