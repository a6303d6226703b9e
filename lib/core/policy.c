#include "sv/policy.h"

struct sv_policy sv_policy_default(void)
{
    return (struct sv_policy){
        .first_look_ms = 15 * SV_SECOND,    /* the client has to type the records first */
        .floor_ms = 30 * SV_SECOND,         /* SES advises minutes; nobody waits for less */
        .cap_ms = 30 * SV_MINUTE,           /* while SES looks, news is worth half an hour */
        .verified_every_ms = 24 * SV_HOUR,  /* mail that stops is noticed within a day */
        .confirm_after_ms = 5 * SV_MINUTE,  /* longer than a hiccup of SES's own stores */
        .ses_floor_ms = 6 * SV_HOUR,        /* SES cannot find what nobody has published */
        .restart_cooldown_ms = 6 * SV_HOUR, /* a restarted look needs time to find the records */
        .patience_ms = 72 * SV_HOUR,        /* SES gives up then */
        .daily_ms = SV_DAY,                 /* who did not finish in three days may be away */
        .daily_for_ms = 14 * SV_DAY,        /* a holiday */
        .weekly_ms = 7 * SV_DAY,            /* cheap enough for ever: nothing is given up */
        .unverified_ms = 30 * SV_DAY,       /* whoever wants the name may have it then */
        .fault_first_ms = 10 * SV_SECOND,   /* a throttled call usually passes by then */
        .fault_cap_ms = 10 * SV_MINUTE,     /* an outage that ends is noticed soon */
        .restarts_per_day = 3,              /* restarting faster than SES looks helps nobody */
        .grow_permille = 1600,              /* nine looks from floor to cap */
        .jitter_permille = 200,             /* a crowd registered at once spreads out */
    };
}

struct sv_limits sv_limits_default(void)
{
    return (struct sv_limits){
        .domains_max = 10, .attempts_max = 5, .cooldown_ms = 3600 * SV_SECOND};
}
