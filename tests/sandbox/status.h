/* How the status of one thing SES verifies moves when SES has looked for it (SES Developer Guide:
 * pending for 72 hours; a lost record gives a grace period of 72 hours). */
#ifndef SB_STATUS_H
#define SB_STATUS_H

#include <stdbool.h>

#include "sv/time.h"

#define SB_PATIENCE_MS (72 * SV_HOUR)
#define SB_LINK_MS     (24 * SV_HOUR) /* the link in the mail to a new address is good so long */

enum {
    SB_LOST_LOOKS = 2, /* so many looks in a row must find nothing before a success is doubted */
};

enum sb_status {
    SB_NOT_STARTED,
    SB_PENDING,
    SB_SUCCESS,
    SB_TEMPORARY_FAILURE,
    SB_FAILED,
};

enum sb_seen {
    SB_SEEN_UNKNOWN, /* DNS did not answer: moves nothing, except that patience runs out */
    SB_SEEN_GOOD,
    SB_SEEN_ABSENT, /* surely not there, or surely something else */
};

struct sb_axis {
    enum sb_status status;
    sv_ms since; /* virtual: when it became pending or a temporary failure */
    unsigned lost;
    bool pinned; /* set through the control port; looks do not move it */
};

/* "Pending" and "PENDING"; never NULL. */
const char *sb_status_v1(enum sb_status status);
const char *sb_status_v2(enum sb_status status);

/* Reads either spelling; false for anything else. */
bool sb_status_parse(const char *text, enum sb_status *out);

/* True while SES keeps looking: not before it was asked to and not after it gave up. */
bool sb_axis_is_watched(const struct sb_axis *axis);

/* Starts or restarts a verification; leaves one that is running or succeeded alone. */
void sb_axis_start(struct sb_axis *axis, sv_ms now);

/* Takes one look into account. */
void sb_axis_see(struct sb_axis *axis, enum sb_seen seen, sv_ms now);

/* When patience with the present status runs out; INT64_MAX when it does not. */
sv_ms sb_axis_deadline(const struct sb_axis *axis);

#endif
