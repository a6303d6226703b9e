/* The numbers that decide when a domain is looked at and how patient we are. One constant value per
 * program. */
#ifndef SV_POLICY_H
#define SV_POLICY_H

#include "sv/time.h"

struct sv_policy {
    sv_ms first_look_ms;     /* after registering; 15 s: the client has to type the records first */
    sv_ms floor_ms;          /* never sooner than this between two looks of one domain; 30 s */
    sv_ms cap_ms;            /* slowest look while SES itself is looking; 30 min */
    sv_ms verified_every_ms; /* a healthy domain; 24 h, spread by 20 % */
    sv_ms confirm_after_ms;  /* between two reads that both say failed or gone; 5 min */
    sv_ms ses_floor_ms; /* between SES reads of a pending domain whose records are provably absent;
                           6 h */
    sv_ms restart_cooldown_ms; /* between two restarts of SES's own verification; 6 h */
    sv_ms patience_ms;         /* how long SES looks by itself; 72 h */
    sv_ms daily_ms;            /* pace after patience; 1 d */
    sv_ms daily_for_ms;        /* how long that pace holds; 14 d */
    sv_ms weekly_ms;           /* pace after that, for ever; 7 d */
    sv_ms unverified_ms;  /* a claim that never verified is released after this; 30 d; 0 = never */
    sv_ms fault_first_ms; /* backoff after a look that found nothing out: doubles from here; 10 s */
    sv_ms fault_cap_ms;   /* up to here; 10 min */
    unsigned restarts_per_day; /* per domain; 3 */
    unsigned grow_permille;    /* of the pace from look to look; 1600 */
    unsigned jitter_permille;  /* both ways; 200 */
};

/* The defaults above. */
struct sv_policy sv_policy_default(void);

/* Limits that a job meets at admission (design section 3.3). */
struct sv_limits {
    unsigned domains_max;  /* per client, every domain not removed; 10 */
    unsigned attempts_max; /* rechecks before the cooldown; 5 */
    sv_ms cooldown_ms;     /* after the last attempt; 3,600 s */
};

struct sv_limits sv_limits_default(void);

#endif
