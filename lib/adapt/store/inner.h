/* What the files of the Redis store share: one call under way, its steps, its requests. */
#ifndef SV_STORE_INNER_H
#define SV_STORE_INNER_H

#include <uv.h>

#include "arena.h"
#include "sv/redis_store.h"

enum {
    SV_STORE_SHARDS_MAX = 64,
    SV_STORE_PREFIX_BYTES = 33,
    SV_STORE_CONSUMER_BYTES = 129,
    SV_STORE_UID_BYTES = 33, /* 16 hex digits; room for what others may have put in */
    SV_STORE_SCHEMA = 1,     /* of the keys */
    SV_STORE_RECEIPT_MS = 7 * 24 * 3600 * 1000, /* kept this long after the job finished */
};

#define SV_STORE_GROUP "verify"

/* X(id, file in lua/). A script is named here and in CMakeLists.txt. */
#define SV_SCRIPT_MAP(X)                                                                           \
    X(ADMIT, "admit")                                                                              \
    X(BEAT, "beat")                                                                                \
    X(BURY, "bury")                                                                                \
    X(CLAIM, "claim")                                                                              \
    X(CLEAR, "clear")                                                                              \
    X(COMMIT, "commit")                                                                            \
    X(CUT, "cut")                                                                                  \
    X(DRAIN, "drain")                                                                              \
    X(DROP, "drop")                                                                                \
    X(FETCH, "fetch")                                                                              \
    X(GCRA, "gcra")                                                                                \
    X(GRAFT, "graft")                                                                              \
    X(HURRY, "hurry")                                                                              \
    X(LAG, "lag")                                                                                  \
    X(LAY, "lay")                                                                                  \
    X(LIFT, "lift")                                                                                \
    X(LOOK, "look")                                                                                \
    X(MERGE, "merge")                                                                              \
    X(NEEDS, "needs")                                                                              \
    X(OWN, "own")                                                                                  \
    X(PARCELS, "parcels")                                                                          \
    X(PAUSE, "pause")                                                                              \
    X(PEEL, "peel")                                                                                \
    X(POUR, "pour")                                                                                \
    X(READERS, "readers")                                                                          \
    X(REAP, "reap")                                                                                \
    X(REGROUP, "regroup")                                                                          \
    X(RELEASE, "release")                                                                          \
    X(RENEW, "renew")                                                                              \
    X(REPLAY, "replay")                                                                            \
    X(RETIRE, "retire")                                                                            \
    X(RETRY, "retry")                                                                              \
    X(SETTLE, "settle")                                                                            \
    X(SINK, "sink")                                                                                \
    X(SWEEP, "sweep")                                                                              \
    X(TRIM, "trim")

enum sv_script {
    SV_SCRIPT_NONE,
#define X(id, name) SV_SCRIPT_##id,
    SV_SCRIPT_MAP(X)
#undef X
        SV_SCRIPT_COUNT
};

struct sv_store_work;
struct sv_store_request;
typedef void sv_store_step_fn(struct sv_store_work *work);
/* Takes one good reply; keeps only copies of it. */
typedef void sv_store_reply_fn(struct sv_store_request *request, const redisReply *reply);

/* One command of a call. Lives in the call's arena, keeps its words for a repetition. */
struct sv_store_request {
    struct sv_redis_routed routed;
    struct sv_store_work *work;
    struct sv_redis_target target; /* where it goes; by its first key unless told */
    struct sv_redis_words words;
    const char **argv;
    size_t *argv_bytes;
    size_t cap;
    enum sv_script script;
    unsigned heals; /* times a lost script or group was put back for it */
    bool in_flight;
    bool may_fail; /* an error of the server's is told to on_reply instead of ending the call */
    size_t index;  /* on_reply's own */
    sv_store_reply_fn *on_reply;
    struct sv_store_request *next;
};

struct sv_store_work {
    struct sv_store_call *call;
    struct sv_redis_store *store;
    struct sv_store_arena arena;
    struct sv_store_request *requests; /* all that are in flight, and older ones */
    size_t outstanding;
    sv_store_step_fn *step;   /* what follows when nothing is outstanding; NULL = the end */
    bool waiting;             /* in the list that the timer looks after */
    uint64_t wake_at, end_at; /* loop time: next look, and when the waiting is over */
    bool canceled;
    enum sv_err err; /* the first failure; the rest is waited for and forgotten */
    struct sv_errinfo info;
    void *state; /* of the operation; in the arena */
    struct sv_store_work *next, *previous;
};

/* Where the last call stopped on its way round a ring. */
struct sv_store_cursor {
    bool under_way;
    sv_ms from;      /* score of the last client looked at */
    size_t skip;     /* clients looked at that have exactly this score */
    sv_ms until;     /* when this round began: later ones are for the next round */
    bool at_the_end; /* during a call: nothing is behind what was fetched */
};

/* A claim whose answer was lost: asked again by the same name, it is given again. */
struct sv_store_doubt {
    char uid[SV_STORE_UID_BYTES];
    char client[SV_STORE_CLIENT_BYTES];
    char own[SV_STORE_OWN_BYTES];
};

struct sv_store_shard {
    struct sv_redis_follower *blocking;  /* NULL when read-only */
    struct sv_redis_follower *courier;   /* reads events for sinks; NULL without sinks */
    bool has_replicas;                   /* as last looked at while a sink is served */
    bool reads_in_doubt;                 /* a read was lost: entries may be ours unknown */
    struct sv_store_cursor urgent, wide; /* round ring:hi and ring */
    struct sv_store_doubt *doubts;       /* SV_STORE_CLAIM_MAX of them, once needed */
    size_t doubts_count;
};

struct sv_redis_store {
    struct sv_store base; /* first */
    uv_loop_t *loop;
    struct sv_log *log;
    char prefix[SV_STORE_PREFIX_BYTES];
    char consumer[SV_STORE_CONSUMER_BYTES];
    bool read_only;
    unsigned shards_count;
    struct sv_redis_group *group;
    struct sv_store_shard shards[SV_STORE_SHARDS_MAX];
    char shas[SV_SCRIPT_COUNT][41]; /* "" = not loaded yet */
    enum sv_redis_kind kind;        /* of the place */
    bool refuse_unsafe;
    uint64_t claims; /* numbers the claims of this process */
    unsigned picks;  /* turns of urgent and scheduled */
    struct sv_store_work *works;
    uv_timer_t timer; /* for waiting calls */
    bool group_closed;
    bool timer_closing;
    sv_store_closed_fn *closed;
    void *closed_context;
};

/* --- keys.c: names are made in the arena of the call --- */

const char *sv_store_key(struct sv_store_work *work, const char *name);
const char *sv_store_key_of(struct sv_store_work *work, const char *name, const char *id);
const char *sv_store_key_receipt(struct sv_store_work *work, const char *client, const char *job);
const char *sv_store_key_owner(struct sv_store_work *work, const char *registrable);
const char *sv_store_key_limiter(struct sv_store_work *work, const char *account,
                                 const char *region, const char *action);
const char *sv_store_key_pauses(struct sv_store_work *work);
const char *sv_store_key_sweep(struct sv_store_work *work, const char *account, const char *region);
/* Who lives; the same for all shards. */
const char *sv_store_key_beats(struct sv_store_work *work);
/* The line of workers that wait at that limiter. */
const char *sv_store_key_line(struct sv_store_work *work, const char *limiter);
/* As the first two, of any shard. */
const char *sv_store_key_at(struct sv_store_work *work, unsigned shard, const char *name);
const char *sv_store_key_of_at(struct sv_store_work *work, unsigned shard, const char *name,
                               const char *id);
/* For SCAN: keys of one kind; every key of the shard, or every one that holds owners. */
const char *sv_store_key_pattern(struct sv_store_work *work, const char *name);
const char *sv_store_key_pattern_all(struct sv_store_work *work);
const char *sv_store_key_pattern_owners(struct sv_store_work *work);

/* --- request.c --- */

/* A command or a script with room for `words_max` words; words are borrowed until the call ends. */
struct sv_store_request *sv_store_request_new(struct sv_store_work *work, size_t words_max,
                                              sv_store_reply_fn *on_reply);
struct sv_store_request *sv_store_request_script(struct sv_store_work *work, enum sv_script script,
                                                 size_t keys, size_t args,
                                                 sv_store_reply_fn *on_reply);
void sv_store_request_add(struct sv_store_request *request, const char *text);
void sv_store_request_add_bytes(struct sv_store_request *request, const void *bytes, size_t len);
void sv_store_request_add_number(struct sv_store_request *request, int64_t number);
/* due:hi, due:lo, ring, ring:hi, run: the order in which every script has them. */
void sv_store_request_add_queues(struct sv_store_request *request, const char *client);
/* Sends it to the server of its first key, of its shard when it has none, unless request->target
 * says otherwise. A failure ends the call when everything else that is outstanding has come back.
 */
void sv_store_request_send(struct sv_store_request *request);
/* Sends SCAN: a page of the keys that match, from `cursor` on, of about `count` looked at. */
void sv_store_request_scan(struct sv_store_work *work, const char *cursor, const char *pattern,
                           size_t count, sv_store_reply_fn *on_reply);
/* The same for the keys that hold owners, which may be on any server: the servers are asked one
 * after the other, and a cursor is "<slot of the server>:<the server's cursor>". */
void sv_store_request_scan_owners(struct sv_store_work *work, const char *cursor, size_t count,
                                  sv_store_reply_fn *on_reply);
/* The cursor behind the page that a request of either was answered with; NULL = it is no page. */
const char *sv_store_request_cursor(struct sv_store_request *request, const redisReply *reply);
/* For a command whose reply tells nothing; an error reply ends the call all the same. */
void sv_store_reply_ignore(struct sv_store_request *request, const redisReply *reply);
struct sv_store_request *sv_store_request_load(struct sv_store_work *work, enum sv_script script);
struct sv_store_request *sv_store_request_group(struct sv_store_work *work);

/* --- work.c: the one engine under all operations --- */

void sv_store_work_fail(struct sv_store_work *work, enum sv_err err, const struct sv_errinfo *info);
/* Data in Redis that cannot be: SV_EMALFORMED. */
void sv_store_work_malformed(struct sv_store_work *work, const char *what);
/* Goes on as far as it can without waiting; may end the call and free `work`. */
void sv_store_work_run(struct sv_store_work *work);
/* Lets the timer run the next step after wait_ms. */
void sv_store_work_sleep(struct sv_store_work *work, sv_ms wait_ms);
struct sv_store_shard *sv_store_work_shard(struct sv_store_work *work);
enum sv_err sv_store_work_start(struct sv_redis_store *store, struct sv_store_call *call,
                                sv_store_step_fn *step, struct sv_errinfo *info);
void sv_store_work_cancel(struct sv_store_work *work);
/* Closes what is left when nothing is under way any more. */
void sv_store_check_closed(struct sv_redis_store *store);

/* --- reply.c: what a reply should be; false = it is not --- */

bool sv_reply_is_array(const redisReply *reply, size_t elements_min);
bool sv_reply_number(const redisReply *reply, int64_t *out); /* integer or digits */
/* A copy in the arena; NULL unless it is a string. */
char *sv_reply_text(struct sv_store_work *work, const redisReply *reply);
bool sv_reply_is(const redisReply *reply, const char *word);
/* A flat list of names and values. NULL when it is none or has more than SV_STORE_FIELDS_MAX. */
struct sv_field *sv_reply_fields(struct sv_store_work *work, const redisReply *reply,
                                 size_t *count);
/* A reply of TIME, as milliseconds. */
bool sv_reply_time(const redisReply *reply, sv_ms *out);

/* --- store_*.c: the first step of each operation --- */

sv_store_step_fn sv_store_prepare, sv_store_take, sv_store_take_pending, sv_store_admit,
    sv_store_bury, sv_store_own, sv_store_claim, sv_store_renew, sv_store_commit, sv_store_release,
    sv_store_reap, sv_store_permit, sv_store_read, sv_store_list, sv_store_enqueue, sv_store_events,
    sv_store_counters, sv_store_owners, sv_store_hurry, sv_store_sweep, sv_store_letters,
    sv_store_letter_end, sv_store_beat, sv_store_retire, sv_store_look, sv_store_places,
    sv_store_trim, sv_store_pause, sv_store_pauses, sv_store_sink, sv_store_parcels,
    sv_store_settle, sv_store_sink_dead, sv_store_replay, sv_store_move, sv_store_strays;

/* --- store_server.c: what INFO tells of a server --- */

enum sv_server_doubt { /* bits */
                       SV_SERVER_MAY_EVICT = 1,
                       SV_SERVER_NOT_DURABLE = 2, /* no append-only file */
                       SV_SERVER_AOF_FAILS = 4,
                       SV_SERVER_REPLICAS_IDLE = 8, /* there are some, and no write needs them */
                       SV_SERVER_NO_REPLICA = 16, /* where Sentinels or a cluster would need one */
};

/* Fills `out` with doubts. SV_EINVALID: too old, or a node of a cluster where `kind` knows
 * of none, or the reverse. */
enum sv_err sv_store_server_read(const char *text, enum sv_redis_kind kind, unsigned *out,
                                 struct sv_errinfo *info);

/* Logs every doubt (`log` may be NULL). SV_EINVALID where `is_strict` and one of them says that the
 * server may lose work by its settings alone. */
enum sv_err sv_store_server_judge(unsigned found, bool is_strict, struct sv_log *log,
                                  struct sv_errinfo *info);

/* Whether a replica is connected to the server that told this by INFO. */
bool sv_store_server_has_replicas(const char *text);

/* Remembers the claims of a call that failed, so that the next one asks for them again. */
void sv_store_claim_doubt(struct sv_store_work *work);

/* Fields as one word: name 0 value 0 ..., or the names of those whose value is NULL. */
void sv_store_add_fields(struct sv_store_request *request, const struct sv_field *fields,
                         size_t count, bool deleted);

#endif
