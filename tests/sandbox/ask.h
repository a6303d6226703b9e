/* One plain DNS question, as SES's own resolver would ask it: UDP with RD=1, TCP when the answer is
 * cut. */
#ifndef SB_ASK_H
#define SB_ASK_H

#include <ldns/ldns.h>
#include <sys/socket.h>
#include <uv.h>

enum { SB_ASK_TRIES = 2, SB_ASK_TIMEOUT_MS = 1000 };

/* `reply` is borrowed; NULL when nobody answered. Runs exactly once, never before sb_ask_start
 * returned. */
typedef void sb_ask_done_fn(void *owner, unsigned which, const ldns_pkt *reply);

struct sb_ask;

/* Asks `server` for `name` (absolute) and `type`. `which` is handed back to `done`. Returns the
 * question; it frees itself after `done`, or after sb_ask_cancel. */
struct sb_ask *sb_ask_start(uv_loop_t *loop, const struct sockaddr *server, const char *name,
                            ldns_rr_type type, sb_ask_done_fn *done, void *owner, unsigned which);

/* Drops the question: `done` will not run. */
void sb_ask_cancel(struct sb_ask *ask);

#endif
