/* What a domain's recipients think of its mail, judged by the limits at which Amazon SES reviews an
 * account (developer guide, "Reputation metrics messages"): a health verdict of its own, which
 * changes no status. Pure. */
#ifndef SV_REPUTATION_H
#define SV_REPUTATION_H

#include <stdbool.h>
#include <stdint.h>

#include "sv/mail.h"

/* From good to bad. */
enum sv_reputation {
    SV_REPUTATION_UNKNOWN, /* never judged: not asked, or never enough mail */
    SV_REPUTATION_HEALTHY,
    SV_REPUTATION_WARNING,        /* bounces from 2 %, or SES recommends to act with high impact */
    SV_REPUTATION_REVIEW,         /* bounces from 5 %, complaints from 0.1 % */
    SV_REPUTATION_PAUSE_POSSIBLE, /* bounces from 10 %, complaints from 0.5 % */
    SV_REPUTATION_COUNT
};

/* "unknown", "healthy", "warning", "review", "pause_possible"; public, as in events. */
const char *sv_reputation_name(enum sv_reputation reputation);

/* Less mail than this says nothing: one bounce of two mails is no rate of 50 %. */
enum {
    SV_REPUTATION_SENT_MIN = 500,     /* for the bounce rate */
    SV_REPUTATION_TRACKED_MIN = 1000, /* for the complaint rate */
    SV_REPUTATION_COMPLAINTS_MIN = 3, /* fewer people than that cross no limit */
    SV_REPUTATION_LEAVE_PERCENT = 80, /* of a limit, below which it counts as left again */
    SV_REPUTATION_DAYS = 7,           /* of mail that are summed up */
};

/* The verdict after `mail`, given the one before. A limit counts as crossed from the limit on and
 * as left below SV_REPUTATION_LEAVE_PERCENT of it. Too little mail leaves the verdict as it is. */
enum sv_reputation sv_reputation_judge(enum sv_reputation before, const struct sv_mail *mail);

/* What one look found out of the mail. */
struct sv_mail_seen {
    bool asked;        /* whatever came of it */
    bool known;        /* every metric that is judged was told */
    bool advice_known; /* mail.advice is the complete list */
    struct sv_mail mail;
};

#endif
