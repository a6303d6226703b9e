/* A driver with everything around it in memory: store, SES, DNS, one real loop. Times are real and
 * short; nothing sleeps for luck: the loop runs until something is so, or the test fails. Every
 * event is checked as it appears: numbers without a gap, no event and no answer twice. */
#ifndef SV_TESTS_DRIVE_WORLD_H
#define SV_TESTS_DRIVE_WORLD_H

#include <stdbool.h>
#include <uv.h>

#include "cmocka_all.h"
#include "fake_resolver.h"
#include "fake_ses.h"
#include "fake_store.h"
#include "sv/drive.h"
#include "sv/name.h"

enum { WORLD_TOLD_MAX = 1024, WORLD_PUSHES_MAX = 256, WORLD_PATIENCE_MS = 40000 };

struct world_told { /* one event */
    char kind[24];  /* "registered" ..., "job" */
    char id[96];
    char domain[64], uid[SV_UID_BYTES], job_id[64], outcome[16], reason[40];
    long long sequence;
    const char *text;
};

struct world;

struct world_push { /* a job on its way into the store, repeated until it is there */
    struct world *world;
    struct sv_store_call call;
    char job[512];
    unsigned shard;
    bool under_way, is_in;
};

struct world {
    uv_loop_t loop;
    uv_timer_t watch; /* so that no turn blocks for long */
    struct sv_rand rand;
    struct sv_store *store;
    struct fake_ses *ses;
    struct sv_resolver *resolver;
    struct sv_account account;
    struct sv_drive_options options; /* to be changed between new and start */
    struct sv_drive *drive;
    bool prepared, drained, closed;
    enum sv_err prepared_err;
    unsigned left; /* as the drain told */
    unsigned others_open;
    struct world_push pushes[WORLD_PUSHES_MAX];
    size_t pushes_count;
    struct world_told told[WORLD_TOLD_MAX];
    size_t told_count;
    size_t read[4]; /* events read so far, per shard */
    size_t stage;   /* of the life */
    struct sv_store_call counters;
    bool counting;
    const char *counter; /* the one that is looked for */
    int64_t counted;
    uint64_t turns;
};

/* A test whose *state is a world, made before and ended after. */
int world_set_up(void **state);
int world_tear_down(void **state);
#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

/* Fakes and options; no driver yet. */
void world_new(struct world *world);
/* The driver, started. Does not wait. */
void world_start(struct world *world);
/* Turns until it is ready. */
void world_until_prepared(struct world *world);
/* One turn of the loop; takes in what was told. With `wait` false it never blocks. */
void world_turn(struct world *world, bool wait);
/* A clock of what went by for this process: the time that a busy machine kept it waiting for a
 * processor is left out (proc(5), schedstat), since no promise covers that. */
sv_ms world_own_ms(void);

/* Of the monotonic clock. */
uint64_t world_now_ms(void);

/* Turns until `is_so`; fails the test after WORLD_PATIENCE_MS, saying `what`. */
void world_until(struct world *world, bool (*is_so)(struct world *world), const char *what);
/* Turns for about that long, whatever happens. */
void world_linger(struct world *world, sv_ms time_ms);
/* Closes the driver, then everything else: nothing may be left on the loop. */
void world_end(struct world *world);

/* sv_drive_drain, and its callback in `drained` and `left`. */
void world_drain(struct world *world, sv_ms drain_ms);
bool world_is_drained(struct world *world);
/* The driver alone; another may be started on what it left. */
void world_close_drive(struct world *world);

/* {"type":...}: `format` is the JSON text of the job, with ' for ". */
void world_push(struct world *world, const char *job);
bool world_pushed(struct world *world); /* every job is in the store */

size_t world_count(const struct world *world, const char *domain, const char *kind);
/* How the job ended, NULL = it has not. */
const struct world_told *world_answer(const struct world *world, const char *job_id);
void world_expect_answer(struct world *world, const char *job_id, const char *outcome,
                         const char *reason);
/* A counter of a shard, 0 where there is none. */
int64_t world_counter(struct world *world, unsigned shard, const char *name);
struct sv_drive_stats world_stats(const struct world *world);

/* Puts an event of a domain into the outbox, without a domain; the first has number 1. */
void world_tell_event(struct world *world, unsigned domain, unsigned sequence);
/* One call of the store, until it is answered; it must go well. */
void world_ask_store(struct world *world, struct sv_store_call *call);
/* How a sink stands in shard 0, or what else an operator asks of it. */
struct sv_store_sink world_sink(struct world *world, const char *sink,
                                enum sv_store_sink_verb verb);

/* A domain's records as SES wants them, and SES content with them. */
void world_heal(struct world *world, const char *domain);

/* The whole life of a.example: registered, verified, at risk, restored, looked at again, removed
 * and registered once more. Call it every turn; true = it is over. */
bool world_live(struct world *world);

#endif
