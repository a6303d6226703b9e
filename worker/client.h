/* A private loop for one-shot commands that talk to Redis: open, call, close, all in order. */
#ifndef SV_WORKER_CLIENT_H
#define SV_WORKER_CLIENT_H

#include <uv.h>

#include "config.h"
#include "options.h"
#include "redis_access.h"
#include "sv/redis.h"
#include "sv/store.h"

struct sv_client {
    uv_loop_t loop;
    struct sv_store *store;
    const struct sv_config *config; /* borrowed */
    const struct sv_args *args;     /* borrowed */
    /* private from here on */
    uv_timer_t timer;
    struct sv_rand rand;
    struct sv_redis_access access;
    char address[320];
    bool ready, late;
    struct sv_errinfo trouble;
};

/* Connects. SV_EXIT_OK, or the code to leave with after a message that names the address; then
 * there is nothing to close. The client must stay put. */
int sv_client_open(struct sv_client *client, const struct sv_args *args,
                   const struct sv_config *config);

/* Lends the call while its outputs are valid. */
typedef void sv_client_use_fn(void *context, const struct sv_store_call *call);

/* One call, start to end. SV_EXIT_OK after `use` (NULL is fine) has run; otherwise a message was
 * printed and this is the exit code. */
int sv_client_call(struct sv_client *client, struct sv_store_call *call, sv_client_use_fn *use,
                   void *context);

/* Tells why a call failed; returns the exit code. */
int sv_client_complain(const struct sv_client *client, const struct sv_errinfo *info);

void sv_client_close(struct sv_client *client);

/* What a command does once configuration and connection are there. Returns the exit code. */
typedef int sv_client_body_fn(struct sv_client *client, void *context);

/* Reads the configuration, connects, runs `body`, closes. Returns the exit code. */
int sv_client_run(const struct sv_args *args, sv_client_body_fn *body, void *context);

#endif
