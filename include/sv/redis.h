/* One connection to a Redis server on the loop: hiredis as codec, everything else ours (deadlines,
 * pipelining, reconnect with jitter). RESP2 only. Knows nothing of keys or scripts. */
#ifndef SV_REDIS_H
#define SV_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "sv/err.h"
#include "sv/log.h"
#include "sv/rand.h"
#include "sv/redis_tls.h"
#include "sv/time.h"

enum {
    SV_REDIS_ARGS_MAX = 128,
    SV_REDIS_HOST_BYTES = 256,
    SV_REDIS_INFLIGHT_MAX = 4096,        /* commands written or queued on one connection */
    SV_REDIS_WRITE_BYTES_MAX = 16 << 20, /* bytes waiting to be written */
};

/* Where and as whom. Plain value made from a URL: redis://[user[:password]@]host[:port][/db] with
 * port 6379 and database 0 unless told, rediss:// with TLS, unix://[user[:password]@]/path[?db=N].
 * User, password and path may be percent-encoded, an IPv6 address stands in brackets. */
struct sv_redis_address {
    bool tls;
    bool is_unix;
    char host[SV_REDIS_HOST_BYTES]; /* or the socket's path */
    unsigned port;
    unsigned database;
    char user[128];
    char password[512]; /* never logged */
};

/* SV_EINVALID names what is wrong with the URL, without repeating a password. */
enum sv_err sv_redis_address_parse(const char *url, struct sv_redis_address *out,
                                   struct sv_errinfo *info) __attribute__((warn_unused_result));

/* Who we are to the server. */
struct sv_redis_login {
    char user[128];     /* "" = the default user */
    char password[512]; /* never logged */
};

/* Fills `out` anew for each connection, so that a changed secret counts from the next one on; `out`
 * comes with what the address says. An error ends the attempt, with its reason. Must not block. */
typedef enum sv_err sv_redis_login_fn(void *context, struct sv_redis_login *out,
                                      struct sv_errinfo *info);

struct sv_redis_options {
    struct sv_redis_address address;
    struct sv_redis_tls *tls; /* borrowed until closed; what address.tls needs */
    sv_redis_login_fn *login; /* NULL = as the address says */
    void *login_context;
    char client_name[64];     /* CLIENT SETNAME; "" = none */
    sv_ms connect_ms;         /* 0 = 5 s */
    sv_ms command_ms;         /* deadline of one command without its own; 0 = 5 s */
    sv_ms reconnect_first_ms; /* 0 = 100 ms; doubles with full jitter up to */
    sv_ms reconnect_cap_ms;   /* 0 = 10 s */
    size_t reply_bytes_max;   /* one reply, its bytes plus 96 for every element; 0 = 32 MiB.
                               * Nesting deeper than 7 is refused too (F07) */
    bool any_role;            /* not only a master: a Sentinel, a node asked about others */
    struct sv_log *log;       /* borrowed; may be NULL */
    struct sv_rand *rand;     /* borrowed: jitter */
};

struct sv_redis;
struct sv_redis_command;

/* `reply` is borrowed for the call; NULL unless err is SV_OK or the server answered with an error.
 * Server errors are translated: LOADING, BUSY, TRYAGAIN, CLUSTERDOWN, MASTERDOWN, NOREPLICAS ->
 * SV_EUNAVAILABLE; OOM, MISCONF -> SV_EFULL; READONLY, UNBLOCKED -> SV_ECONNECT (and the connection
 * is closed and made anew); NOAUTH, WRONGPASS, NOPERM -> SV_EDENIED; NOSCRIPT, NOGROUP ->
 * SV_ENOTFOUND; everything else -> SV_EREFUSED. The raw words are in command->info.text. A deadline
 * or a lost connection ends in SV_ETIMEOUT or SV_ECONNECT: the command may or may not have run. */
typedef void sv_redis_done_fn(struct sv_redis_command *command, enum sv_err err,
                              const redisReply *reply);
typedef void sv_redis_closed_fn(void *context);
/* Told at every change, and with `ready` false after every attempt to connect that failed, so that
 * a refused password is seen at once; false comes with the reason: SV_EDENIED (credentials, ours or
 * the server's), SV_EUNAVAILABLE (not a master, LOADING), SV_ECONNECT, SV_ETIMEOUT, SV_EMALFORMED
 * or SV_ETOOBIG (the peer does not speak sane TLS or RESP2), SV_EINVALID (files for TLS), and
 * whatever login said. Never called from inside another function of this header, nor after close.
 */
typedef void sv_redis_state_fn(void *context, bool ready, const struct sv_errinfo *why);

struct sv_redis_command { /* embed it in your own struct */
    void *owner;          /* yours, untouched */
    struct sv_errinfo info;
    /* private to the connection from here on */
    sv_redis_done_fn *done;
    struct sv_redis *redis; /* NULL while no callback is owed */
    struct sv_redis_command *next;
    uint64_t ticket; /* its place in the order of replies */
    enum sv_err status;
};

/* Starts connecting at once and keeps itself connected until closed: resolve, connect, AUTH, CLIENT
 * SETNAME, SELECT, ROLE (only a master is accepted), PING (waits while the server is LOADING). The
 * options are copied, `loop` is borrowed until the closed callback, `on_state` may be NULL. The
 * program must ignore SIGPIPE. */
struct sv_redis *sv_redis_new(uv_loop_t *loop, const struct sv_redis_options *options,
                              sv_redis_state_fn *on_state, void *context);

bool sv_redis_is_ready(const struct sv_redis *redis);

/* What to send: a binary-safe argument vector. */
struct sv_redis_words {
    size_t count; /* <= SV_REDIS_ARGS_MAX */
    const char *const *argv;
    const size_t *argv_bytes; /* NULL = they are strings */
    sv_ms deadline_ms;        /* 0 = the option's; blocking reads bring BLOCK + 2 s */
};

/* Queues one command. While not connected: SV_ECONNECT at once (nothing is queued offline). A
 * command whose deadline passes closes the whole connection, since the stream cannot be
 * resynchronised. The words are copied. Errors: SV_ECONNECT, SV_EBUSY (a limit above), SV_ECANCELED
 * (closing), SV_EINVALID (no words or more than SV_REDIS_ARGS_MAX), SV_ETOOBIG (larger than the
 * write buffer could ever take). */
enum sv_err sv_redis_start(struct sv_redis *redis, struct sv_redis_command *command,
                           const struct sv_redis_words *words, sv_redis_done_fn *done,
                           struct sv_errinfo *info) __attribute__((warn_unused_result));

/* The callback comes within the next turn of the loop. The command may still run at the server; its
 * reply is thrown away, but keeps its place (and its deadline) in the order of the connection. A
 * command whose callback has run already is left alone. */
void sv_redis_cancel(struct sv_redis_command *command);

/* Closes the connection and makes a new one (a former primary answered, for instance). What is in
 * flight ends in SV_ECONNECT with `why` in its text. */
void sv_redis_reconnect(struct sv_redis *redis, const char *why);

/* Cancels everything, frees `redis`, then calls `closed` as the very last thing. */
void sv_redis_close(struct sv_redis *redis, sv_redis_closed_fn *closed, void *context);

#endif
