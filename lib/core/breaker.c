/* Closed, open, half open. */
#include "sv/breaker.h"

#include "sv/require.h"

enum sv_breaker_answer sv_breaker_ask(const struct sv_breaker *breaker, sv_ms now)
{
    if (breaker->wait_ms == 0)
        return SV_BREAKER_CLOSED;
    if (breaker->trying)
        return SV_BREAKER_WAIT;
    return now < breaker->until ? SV_BREAKER_REFUSE : SV_BREAKER_TRY;
}

void sv_breaker_try(struct sv_breaker *breaker)
{
    SV_REQUIRE(breaker->wait_ms > 0 && !breaker->trying);
    breaker->trying = true;
}

void sv_breaker_fail(struct sv_breaker *breaker, const struct sv_breaker_rule *rule, bool is_trial,
                     sv_ms now)
{
    sv_ms longer = breaker->wait_ms * 2;

    if (breaker->wait_ms > 0 && !is_trial)
        return;
    if (breaker->wait_ms == 0 && breaker->failures < rule->failures_max) {
        breaker->failures++;
        return;
    }
    if (breaker->wait_ms == 0)
        breaker->wait_ms = rule->first_ms;
    else
        breaker->wait_ms = longer < rule->cap_ms ? longer : rule->cap_ms;
    breaker->until = now + breaker->wait_ms;
    breaker->trying = false;
}

void sv_breaker_succeed(struct sv_breaker *breaker)
{
    *breaker = (struct sv_breaker){.failures = 0};
}

void sv_breaker_forget_trial(struct sv_breaker *breaker)
{
    breaker->trying = false;
}
