#include "sv/flapping.h"

#include <string.h>

#include "sv/require.h"

struct sv_flapping_policy sv_flapping_policy_default(void)
{
    return (struct sv_flapping_policy){
        .changes = 4, .window_ms = SV_HOUR, .quiet_ms = 30 * SV_MINUTE};
}

static sv_ms last_change(const struct sv_flapping_domain *domain)
{
    return domain->changes > 0 ? domain->changes_at[domain->changes - 1] : 0;
}

static struct sv_flapping_domain *find(struct sv_flapping *flapping, uint64_t key)
{
    struct sv_flapping_domain *place = &flapping->domains[0];

    for (size_t i = 0; i < SV_FLAPPING_DOMAINS_MAX; i++) {
        struct sv_flapping_domain *domain = &flapping->domains[i];

        if (domain->key == key)
            return domain;
        if (place->key != 0 && (domain->key == 0 || last_change(domain) < last_change(place)))
            place = domain;
    }
    *place = (struct sv_flapping_domain){.key = key};
    return place;
}

static void forget_first(struct sv_flapping_domain *domain)
{
    domain->changes--;
    memmove(domain->changes_at, domain->changes_at + 1,
            domain->changes * sizeof domain->changes_at[0]);
}

/* Only to and fro counts: from at risk to failed is on the way down. The first thing that is heard
 * of a domain is no change, and neither is what was heard before. */
static void note_change(struct sv_flapping *flapping, struct sv_flapping_domain *domain,
                        enum sv_flapping_level level, sv_ms at)
{
    bool turns =
        domain->is_known && (domain->level == SV_FLAPPING_GOOD) != (level == SV_FLAPPING_GOOD);

    if (at <= last_change(domain))
        return;
    domain->is_known = true;
    domain->level = level;
    if (!turns)
        return;
    if (domain->changes == SV_FLAPPING_CHANGES_MAX)
        forget_first(domain);
    domain->changes_at[domain->changes++] = at;
    while (domain->changes_at[0] <= at - flapping->policy.window_ms)
        forget_first(domain);
}

static struct sv_flapping_answer tell(struct sv_flapping_domain *domain,
                                      enum sv_flapping_verdict verdict, sv_ms at)
{
    if (domain->told < domain->level)
        domain->told = domain->level;
    domain->told_at = at;
    domain->told_how = (struct sv_flapping_answer){.verdict = verdict, .changes = domain->changes};
    return domain->told_how;
}

/* It flaps, so far as it was heard of until now. */
static struct sv_flapping_answer note_more(const struct sv_flapping *flapping,
                                           struct sv_flapping_domain *domain, sv_ms at, sv_ms now)
{
    sv_ms quiet_at = last_change(domain) + flapping->policy.quiet_ms;

    if (at == domain->told_at)
        return domain->told_how;
    if (now >= quiet_at) { /* over: this is what it came to */
        domain->is_flapping = false;
        domain->changes = 0;
        return (struct sv_flapping_answer){.verdict = SV_FLAPPING_TELL};
    }
    if (domain->level > domain->told)
        return tell(domain, SV_FLAPPING_TELL, at);
    return (struct sv_flapping_answer){.verdict = SV_FLAPPING_HOLD, .until = quiet_at};
}

struct sv_flapping_answer sv_flapping_note(struct sv_flapping *flapping, uint64_t key,
                                           enum sv_flapping_level level, sv_ms at, sv_ms now)
{
    struct sv_flapping_domain *domain = find(flapping, key);

    SV_REQUIRE(key != 0 && flapping->policy.changes >= 1 &&
               flapping->policy.changes < SV_FLAPPING_CHANGES_MAX);
    note_change(flapping, domain, level, at);
    if (domain->is_flapping)
        return note_more(flapping, domain, at, now);
    /* A summary opens an alarm, so it is told by what is bad: if nothing follows, that is true. */
    if (domain->changes <= flapping->policy.changes || domain->level == SV_FLAPPING_GOOD)
        return (struct sv_flapping_answer){.verdict = SV_FLAPPING_TELL};
    domain->is_flapping = true;
    domain->told = SV_FLAPPING_AT_RISK;
    return tell(domain, SV_FLAPPING_SUMMARIZE, at);
}
