/* One SES account for a command: one call after the other, each with a permit of the limiter that
 * the workers share, so that a command beside a running worker keeps the account's rate too. */
#ifndef SV_WORKER_CALLER_H
#define SV_WORKER_CALLER_H

#include "client.h"
#include "sv/ses.h"
#include "wire.h"

struct sv_caller {
    const struct sv_account *account;
    uint64_t calls[SV_SES_OP_COUNT]; /* sent, repetitions included */
    /* private from here on */
    struct sv_client *client;
    struct sv_wire wire;
    struct sv_rand rand;
    struct sv_log *log;
    uv_timer_t timer;
    bool rang, throttled, let_go; /* let_go: the last permit came too late (sv/gcra.h) */
};

/* Finds the account's keys. `client` is open and outlives the caller. SV_EXIT_OK, or the exit code
 * after a message; then there is nothing to close. The caller must stay put. */
int sv_caller_open(struct sv_caller *caller, struct sv_client *client, const char *account);

/* One call, repeated a few times while the error is a passing one. SV_EXIT_OK: *answer is SV_OK, or
 * SV_ENOTFOUND, which is an answer too. Otherwise a message was printed and this is the exit code.
 */
int sv_caller_call(struct sv_caller *caller, struct sv_ses_call *call, enum sv_err *answer);

void sv_caller_close(struct sv_caller *caller);

#endif
