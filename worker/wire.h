/* Makes every part of the worker and joins them: the only place that names all adapters. */
#ifndef SV_WORKER_WIRE_H
#define SV_WORKER_WIRE_H

#include <stdio.h>
#include <uv.h>

#include "account_setup.h"
#include "config.h"
#include "redis_access.h"
#include "sv/credentials.h"
#include "sv/dns.h"
#include "sv/drive.h"
#include "sv/http.h"
#include "sv/keeper.h"
#include "sv/principal.h"
#include "sv/sink_format.h"

enum { SV_WIRE_WORKER_BYTES = 160 };

struct sv_wire_options {
    uv_loop_t *loop;                /* borrowed */
    const struct sv_config *config; /* borrowed: must outlive the wire */
    char *const *environment;       /* borrowed */
    struct sv_log *log;             /* borrowed */
    struct sv_metrics *metrics;     /* borrowed; may be NULL */
    struct sv_rand *rand;           /* borrowed */
    const struct sv_clock *clock;   /* borrowed */
    sv_redis_state_fn *on_redis;    /* told of every change of Redis's connection */
    void *context;
    /* Not NULL: only this account, with its HTTP and its keys; no DNS, no store, no driver. For
     * commands that talk to SES. */
    const char *only_account;
};

typedef void sv_wire_closed_fn(void *context);

struct sv_wire {
    struct sv_drive *drive;
    struct sv_store *store;
    char redis_address[320];           /* for messages */
    char worker[SV_WIRE_WORKER_BYTES]; /* unique name of this process */
    struct sv_dns *dns;
    /* private from here on */
    struct sv_wire_options options;
    struct sv_http *http;
    struct sv_resolver *resolver;
    struct sv_redis_access redis_access;
    struct sv_wire_keys {
        struct sv_wire *wire;
        const struct sv_config_account *account;
        struct sv_keeper *keeper;
        enum sv_err err; /* of the first search */
        struct sv_errinfo info;
        struct sv_principal principal;
    } keys[SV_ACCOUNTS_MAX]; /* of each account that is wanted */
    size_t keys_count, keys_awaited, keys_closed;
    struct sv_account accounts[SV_ACCOUNTS_MAX];
    size_t accounts_count; /* with an open ses */
    struct sv_account_setup setups[SV_ACCOUNTS_MAX];
    size_t ses_closed;
    struct sv_sink *sinks[SV_SINKS_MAX]; /* beside config->sinks */
    size_t sinks_count, sinks_gone;
    struct sv_route routes[SV_SINKS_MAX]; /* beside sinks */
    struct sv_wire_messages {
        char *routing_key; /* PagerDuty: SV_ROUTING_KEY_BYTES in the vault; others: NULL */
        struct sv_sink_message_facts facts;
        struct sv_sink_recipe recipe; /* all zero = events go as they are */
    } messages[SV_SINKS_MAX];         /* beside sinks */
    FILE *plan_trace;                 /* NULL = none */
    char consumer[SV_WIRE_WORKER_BYTES];
    sv_wire_closed_fn *closed, *sinks_closed;
    void *closed_context;
};

/* True when this configuration makes the worker start programs of the operator's, as variables and
 * files stand now. */
bool sv_wire_needs_programs(const struct sv_wire_options *options);

/* Finds credentials (the loop runs until every account has an answer) and resolvers, then makes
 * everything that was asked for; the driver is not started. SV_EXIT_OK, or the exit code after a
 * line in the log. In both cases sv_wire_close has to follow. The wire must stay put until then. */
int sv_wire_open(struct sv_wire *wire, const struct sv_wire_options *options);

/* Asks who each account is and logs it; the drive's messages say it, too, from then on. Nothing
 * waits for it. */
void sv_wire_ask_principals(struct sv_wire *wire);

/* Searches the credentials of every account again; until that succeeds the old ones stay. */
void sv_wire_renew_credentials(struct sv_wire *wire);

/* Closes in the order of need: driver, sinks, SES, store, resolver, DNS, keys, HTTP; then calls
 * `closed`.
 */
void sv_wire_close(struct sv_wire *wire, sv_wire_closed_fn *closed, void *context);

#endif
