#include "sv/reputation.h"

#include "inner.h"

/* Parts of a million. */
struct limits {
    uint32_t bounce_ppm, complaint_ppm;
};

/* Amazon SES, "Reputation metrics messages": best under 2 % and 0.1 %, under review from 5 % and
 * 0.1 %, sending may be paused from 10 % and 0.5 %. */
static const struct limits limits[SV_REPUTATION_COUNT] = {
    [SV_REPUTATION_WARNING] = {20000, 1000},
    [SV_REPUTATION_REVIEW] = {50000, 1000},
    [SV_REPUTATION_PAUSE_POSSIBLE] = {100000, 5000},
};

const char *sv_reputation_name(enum sv_reputation reputation)
{
    static const char *const names[SV_REPUTATION_COUNT] = {
        [SV_REPUTATION_UNKNOWN] = "unknown",
        [SV_REPUTATION_HEALTHY] = "healthy",
        [SV_REPUTATION_WARNING] = "warning",
        [SV_REPUTATION_REVIEW] = "review",
        [SV_REPUTATION_PAUSE_POSSIBLE] = "pause_possible",
    };

    return (unsigned)reputation < SV_REPUTATION_COUNT ? names[reputation] : "invalid";
}

/* True when `part` of `whole` is at least `percent` of the limit. */
static bool reaches(uint32_t part, uint32_t whole, uint32_t limit_ppm, uint64_t percent)
{
    return (uint64_t)part * 1000000 * 100 >= (uint64_t)whole * limit_ppm * percent;
}

/* The worst level whose limits, scaled by `percent`, the mail reaches. */
static enum sv_reputation level(const struct sv_mail *mail, unsigned percent)
{
    bool bounces = mail->sent >= SV_REPUTATION_SENT_MIN;
    bool complaints = mail->tracked >= SV_REPUTATION_TRACKED_MIN &&
                      mail->complaints >= SV_REPUTATION_COMPLAINTS_MIN;

    for (int i = SV_REPUTATION_PAUSE_POSSIBLE; i >= SV_REPUTATION_WARNING; i--) {
        if ((bounces &&
             reaches(mail->permanent_bounces, mail->sent, limits[i].bounce_ppm, percent)) ||
            (complaints &&
             reaches(mail->complaints, mail->tracked, limits[i].complaint_ppm, percent)))
            return (enum sv_reputation)i;
    }
    return (mail->advice & SV_ADVICE_HIGH) != 0 ? SV_REPUTATION_WARNING : SV_REPUTATION_HEALTHY;
}

enum sv_reputation sv_reputation_judge(enum sv_reputation before, const struct sv_mail *mail)
{
    bool enough =
        mail->sent >= SV_REPUTATION_SENT_MIN || mail->tracked >= SV_REPUTATION_TRACKED_MIN;
    enum sv_reputation reached = level(mail, 100);
    enum sv_reputation left = level(mail, SV_REPUTATION_LEAVE_PERCENT);

    if (reached > before && (enough || reached > SV_REPUTATION_HEALTHY))
        return reached;
    return enough && left < before ? left : before;
}

void sv_reputation_take(struct sv_domain *domain, const struct sv_mail_seen *seen, sv_ms now)
{
    struct sv_mail mail = seen->mail;

    if (!seen->asked)
        return;
    domain->reputation_at = now;
    if (!seen->known)
        return;
    if (!seen->advice_known)
        mail.advice = domain->mail.advice;
    domain->mail = mail;
    domain->mail_at = now;
    domain->reputation = sv_reputation_judge(domain->reputation, &mail);
}

void sv_reputation_forget(struct sv_domain *domain)
{
    domain->reputation = SV_REPUTATION_UNKNOWN;
    domain->mail = (struct sv_mail){0};
    domain->mail_at = 0;
    domain->reputation_at = 0;
}

bool sv_reputation_is_news(const struct sv_domain *before, const struct sv_domain *after)
{
    bool was_well = before->reputation <= SV_REPUTATION_HEALTHY;
    bool is_well = after->reputation <= SV_REPUTATION_HEALTHY;

    return after->reputation != SV_REPUTATION_UNKNOWN && before->reputation != after->reputation &&
           !(was_well && is_well);
}

sv_ms sv_reputation_due_at(const struct sv_domain *domain, sv_ms every_ms)
{
    sv_ms since = domain->reputation_at != 0 ? domain->reputation_at : domain->status_since;

    if (every_ms == 0 || !sv_status_is_sending(domain->status))
        return 0;
    return since + every_ms;
}
