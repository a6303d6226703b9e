/* How receivers find the DMARC policy of a name: the tree walk of RFC 9989 section 4.10, and the
 * way of RFC 7489 with the public suffix list. Pure functions over a source of answers, which may
 * be incomplete. Private to lib/auth. */
#ifndef SV_AUTH_DMARC_WALK_H
#define SV_AUTH_DMARC_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/axis.h"
#include "sv/dmarc_path.h"
#include "sv/name.h"

#include "dmarc.h"

/* What is known of the DMARC records at one name. */
struct sv_dmarc_reply {
    enum sv_dmarc_found found;
    struct sv_dmarc_record record; /* RECORD only; its spans must outlive the walk */
};

struct sv_dmarc_source {
    void *context;
    /* The records at _dmarc.`name`; UNKNOWN where nobody answered, or not yet. All names of a walk
     * are asked for even then, so that one round of questions is enough. */
    void (*records)(void *context, const char *name, struct sv_dmarc_reply *out);
    /* Whether `name` exists: anything but NXDOMAIN (RFC 9989 appendix A.4). */
    enum sv_tri (*exists)(void *context, const char *name);
    /* The registrable domain of the name that is started from, where it is known already; otherwise
     * NULL. Looking it up is not cheap. */
    const char *registrable;
};

/* The names that are asked, from the longest on; all point into `start`. */
struct sv_dmarc_walk {
    const char *start;
    size_t count;
    const char *names[SV_DMARC_STEPS_MAX];
    struct sv_dmarc_reply replies[SV_DMARC_STEPS_MAX]; /* beside `names` */
    const char *organizational; /* the Organizational Domain; NULL = unknown, since an answer is */
};

/* `start` is in normal form; borrowed as long as `out` is used. */
void sv_dmarc_walk(const struct sv_dmarc_source *source, const char *start,
                   struct sv_dmarc_walk *out);

/* The policy that applies to a name, and the record it comes from. */
struct sv_dmarc_applied {
    enum sv_dmarc_policy policy;   /* before t=y and pct */
    const char *at;                /* the name of the record, without _dmarc; NULL = none */
    struct sv_dmarc_record record; /* where `at` is not NULL */
    const char *organizational;    /* NULL = unknown; in `start` or in `room` */
    char room[SV_NAME_BYTES];
};

/* The policy of a record at the very name it is asked for. */
enum sv_dmarc_policy sv_dmarc_policy_of(const struct sv_dmarc_record *record);

/* By RFC 9989 section 4.10.1. `at` points into the walk's start. */
void sv_dmarc_apply(const struct sv_dmarc_source *source, const struct sv_dmarc_walk *walk,
                    struct sv_dmarc_applied *out);

/* By RFC 7489 section 6.6.3. `lenient` lets p stand at any place, as most receivers do. Asks the
 * start and, where that has no record, its registrable domain. `at` points into `start` or `out`,
 * which therefore must not be copied. */
void sv_dmarc_apply_before(const struct sv_dmarc_source *source, const char *start, bool lenient,
                           struct sv_dmarc_applied *out);

/* Whether the domain of an identifier is aligned with the From domain (RFC 9989 section 4.4). */
enum sv_tri sv_dmarc_aligned(const struct sv_dmarc_source *source, const char *from,
                             const char *identifier, bool strict);

/* The same by RFC 7489 section 3.1. */
bool sv_dmarc_aligned_before(const char *from, const char *identifier, bool strict);

/* One step weaker: what t=y makes of a policy (RFC 9989 section 4.7). */
enum sv_dmarc_policy sv_dmarc_weaken(enum sv_dmarc_policy policy);

#endif
