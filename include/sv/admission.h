/* What a job is answered at the door: the mirror in C of what the admission script decides inside
 * Redis. The fake store uses it, and a differential test holds the two against each other. Pure. */
#ifndef SV_ADMISSION_H
#define SV_ADMISSION_H

#include <stdbool.h>

#include "sv/domain.h"

enum sv_job_type {
    SV_JOB_REGISTER,
    SV_JOB_RECHECK,
    SV_JOB_REMOVE,
    SV_JOB_ADOPT,
    SV_JOB_TYPE_COUNT
};

const char *sv_job_type_name(enum sv_job_type type); /* "register" ... */

enum sv_admission {
    SV_ADMISSION_OPENED,    /* becomes the domain's open job; due now */
    SV_ADMISSION_COALESCED, /* a job is open already, or one more check follows the running one */
    SV_ADMISSION_COOLDOWN,
    SV_ADMISSION_DOMAIN_LIMIT,
    SV_ADMISSION_NOT_REGISTERED,
    SV_ADMISSION_SUPERSEDED, /* a later word about the domain was let in before */
};

/* What is known of the domain and its client at the door. */
struct sv_admission_view {
    bool known;              /* a hash exists and its status is not removed */
    bool running;            /* claimed */
    bool again;              /* one more check is promised already */
    bool open;               /* a job is open */
    bool superseded;         /* the job stands before the last register, adopt or remove of the
                              * domain that was let in, in the stream of both */
    unsigned attempts;       /* used in this round */
    sv_ms attempted_at;      /* the last one; 0 = none */
    unsigned client_domains; /* of this client, not removed */
};

struct sv_admission_result {
    enum sv_admission outcome;
    sv_ms retry_at;    /* COOLDOWN: when a recheck is taken again */
    bool due_now;      /* the domain moves to the front (waiting ones only) */
    bool again;        /* one more check after the running one */
    unsigned attempts; /* new values */
    sv_ms attempted_at;
};

/* The rules (design section 3.3):
 * - register, adopt, remove: SUPERSEDED, whatever else is so. They say what the domain is to be,
 * and of these the last one that was sent counts, whichever is settled last; one that was itself
 * refused was no word.
 * - register, adopt: unknown domain: DOMAIN_LIMIT when client_domains >= domains_max, else OPENED.
 * Known: OPENED when no job is open and it is not running; else COALESCED with `again` when
 * running, or due_now when waiting.
 * - recheck: unknown: NOT_REGISTERED. An attempt is counted only when a look follows that would not
 * have followed anyway: not when a job is open and waiting (COALESCED, due_now), nor when `again`
 * is promised (COALESCED). Otherwise COOLDOWN when attempts >= attempts_max and now < attempted_at
 * + cooldown_ms (retry_at); after the cooldown the count starts anew. Running: COALESCED and
 * `again`, attempts + 1. Waiting: OPENED, due_now, attempts + 1.
 * - remove: unknown: NOT_REGISTERED. Waiting without an open job: OPENED, due_now. Otherwise
 * COALESCED (the todo bit is set all the same), `again` when running. */
void sv_admission_decide(const struct sv_admission_view *view, enum sv_job_type type,
                         const struct sv_limits *limits, sv_ms now,
                         struct sv_admission_result *result);

#endif
