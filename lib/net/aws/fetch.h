/* One way to fresh keys: what a plan says, asked for over HTTP or printed by a program. */
#ifndef SV_AWS_FETCH_H
#define SV_AWS_FETCH_H

#include <uv.h>

#include "plan.h"
#include "process.h"
#include "sv/buf.h"
#include "sv/http.h"
#include "sv/rand.h"

struct sv_fetch;

/* On SV_OK fetch->keys holds the keys; the caller copies and wipes them. Otherwise fetch->info
 * names the source and what is wrong with it. */
typedef void sv_fetch_done_fn(struct sv_fetch *fetch, enum sv_err err);

/* Embed it; the rules are those of every request of the house. Only one fetch at a time. */
struct sv_fetch {
    void *owner; /* yours, untouched */
    struct sv_errinfo info;
    struct sv_credentials keys;
    sv_ms skew_ms; /* to add to our clock, as STS taught; kept from fetch to fetch */
    /* private from here on */
    struct sv_http *http;
    const struct sv_clock *clock;
    struct sv_rand *rand;
    const struct sv_plan *plan;
    sv_fetch_done_fn *done;
    struct sv_http_request request;
    sv_http_done_fn *answered;
    struct sv_process process;
    uv_timer_t timer;
    unsigned step, attempt;
    size_t roles_left;
    bool busy, asking, running, canceled, renewed_token;
    char imds_token[1024], imds_role[256]; /* token "" = version 1 */
};

void sv_fetch_init(struct sv_fetch *fetch, struct sv_http *http, const struct sv_clock *clock,
                   struct sv_rand *rand);

/* `plan` is borrowed until `done`. */
void sv_fetch_start(struct sv_fetch *fetch, const struct sv_plan *plan, sv_fetch_done_fn *done);
void sv_fetch_cancel(struct sv_fetch *fetch); /* nothing when it is idle */

/* Only when idle; `closed` as for uv_close, with handle->data == fetch. */
void sv_fetch_close(struct sv_fetch *fetch, uv_close_cb closed);

#endif
