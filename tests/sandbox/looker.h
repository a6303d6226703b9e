/* SES's own eyes: looks identities up in DNS on the virtual clock and moves their status by what it
 * sees. */
#ifndef SB_LOOKER_H
#define SB_LOOKER_H

#include <sys/socket.h>
#include <uv.h>

#include "clock.h"
#include "identity.h"
#include "permission.h"

enum {
    SB_LOOKS_MAX = 64, /* identities looked at at the same time */
    SB_LOOK_PAUSE_MIN_MS =
        20, /* real time between two looks at one identity, however fast the clock runs */
};

struct sb_looker;

/* Asks `server` (copied); borrows the rest. `permissions` say who may share DKIM keys between
 * regions. A watched identity is looked at every `every_ms` virtual milliseconds. */
struct sb_looker *sb_looker_new(uv_loop_t *loop, const struct sb_clock *clock,
                                struct sb_stores *stores, const struct sb_permissions *permissions,
                                const struct sockaddr *server, sv_ms every_ms);

/* Looks at the identity in the next turn of the loop: it is new, or something about it changed. A
 * look in progress is dropped, since it may have asked for the old values. */
void sb_looker_wake(struct sb_looker *looker, struct sb_identity *identity);

/* Forgets the identity: it is about to be freed. */
void sb_looker_forget(struct sb_looker *looker, struct sb_identity *identity);

/* To be called when the clock was moved. */
void sb_looker_rearm(struct sb_looker *looker);

/* Drops every look; frees the looker when the loop has closed its timer. NULL is fine. */
void sb_looker_close(struct sb_looker *looker);

#endif
