/* What the contract tests of the store share: a loop with either the store on a private
 * redis-server or the fake, and helpers that run one call to its end. */
#ifndef SV_TESTS_CONTRACT_STORE_KIT_H
#define SV_TESTS_CONTRACT_STORE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "sv/redis_store.h"

enum { KIT_WATCHDOG_MS = 60000 };

enum kit_kind { KIT_REAL, KIT_FAKE };

/* Rows of a table of tests, for kit_open_as. */
#define KIT_ON(kind, test) cmocka_unit_test_prestate(test, &(enum kit_kind){kind})
#define KIT_BOTH(test)     KIT_ON(KIT_REAL, test), KIT_ON(KIT_FAKE, test)

struct kit {
    enum kit_kind kind;
    uv_loop_t loop;
    uv_timer_t watchdog;
    struct sv_store *store;
    struct sv_rand rand;
    redisContext *direct; /* REAL: past the store */
    bool is_closing, is_closed;
    unsigned shards;
    const char *consumer;
};

/* A server for the whole program; ends with it, whatever happens. */
void kit_server_start(void);
void kit_server_stop(void);

/* Opens a store over no data; waits until it is ready. */
void kit_open(struct kit *kit, enum kit_kind kind);
/* Of the kind that a test's initial state points to. */
void kit_open_as(struct kit *kit, void **state);
/* A second store over the same data (REAL). */
void kit_open_more(struct kit *kit, const char *consumer);
/* Begins to close. */
void kit_close_start(struct kit *kit);
/* Closes and requires a loop without handles. */
void kit_close(struct kit *kit);
void kit_run_until_ready(struct kit *kit);

/* Called inside done, while the outputs are still there. */
typedef void kit_look_fn(struct sv_store_call *call, void *context);

struct kit_end { /* call->owner */
    unsigned ends;
    enum sv_err err;
    kit_look_fn *look; /* may be NULL; only called when the call went well */
    void *context;
    uv_loop_t *loop; /* set by kit_wait: stopped at the end */
};
sv_store_done_fn kit_on_end;

/* Turns the loop until the call ended. */
void kit_wait(struct kit *kit, struct kit_end *end);

/* Starts `call` and turns the loop until it ends. */
enum sv_err kit_do(struct kit *kit, struct sv_store_call *call);
enum sv_err kit_do_look(struct kit *kit, struct sv_store_call *call, kit_look_fn *look,
                        void *context);

/* A command past the store (REAL); the caller frees the reply. */
redisReply *kit_redis(struct kit *kit, const char *format, ...);

/* The usual inputs, so that a test says only what it is about. */
struct sv_store_call kit_admit(const char *entry, const char *job_id, const char *type);
/* `domain` is example.com or a name under it. */
struct sv_store_call kit_own(enum sv_store_own_verb verb, const char *domain, const char *client);

/* Pushes one job, takes it, copies its entry id. */
void kit_push(struct kit *kit, char entry[SV_STORE_ENTRY_ID_BYTES]);
/* Push, take, admit (job id = entry id). */
enum sv_store_admitted kit_job(struct kit *kit, const char *type);

struct kit_held { /* a copy of what was claimed */
    char uid[33], client[129], own[SV_STORE_OWN_BYTES], email[64], job_id[65], status[24],
        entry[44], todo[16], note[32];
    uint64_t fence, sequence;
    bool hurried;
};

struct kit_claims {
    size_t count;
    struct kit_held held[SV_STORE_CLAIM_MAX];
    sv_ms now, next_due_ms;
};

/* For kit_do_look: copies what was claimed into struct kit_claims. */
kit_look_fn kit_copy_claims;

/* Claims up to count_max; the worker's name is "w". */
void kit_claim(struct kit *kit, size_t count_max, size_t per_client_max, struct kit_claims *out);
/* Claims the one domain that is due; false when there is none. */
bool kit_claim_one(struct kit *kit, struct kit_held *held);
/* As a worker that finishes the open job, with the events it takes. */
struct sv_store_call kit_commit(const struct kit_held *held, const char *to);

int64_t kit_counter(struct kit *kit, const char *name);
/* The number of events in the outbox. */
size_t kit_events(struct kit *kit);

#define KIT_CLIENT "acme"
#define KIT_UID    "0123456789abcdef"

#endif
