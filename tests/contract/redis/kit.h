/* What the contract tests of the Redis connection share: a scripted server and a client on the same
 * loop, so that a test decides what happens in which turn. */
#ifndef SV_TESTS_CONTRACT_REDIS_KIT_H
#define SV_TESTS_CONTRACT_REDIS_KIT_H

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

#include "codec.h"
#include "kit_tls.h"
#include "sv/buf.h"
#include "sv/redis.h"

enum { PEERS_MAX = 64, CALLS_MAX = 64, WATCHDOG_MS = 60000 };

struct server;

/* What to send back for one command, 0-terminated; NULL = nothing. `argv0` is its first word. */
typedef const char *answer_fn(struct server *server, const char *argv0, const redisReply *command);

struct peer { /* one accepted connection */
    union {
        uv_handle_t any;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } handle;
    struct server *server;
    bool is_open;
    struct sv_redis_codec codec; /* commands are RESP as well */
    struct sv_buf out;
    SSL *ssl;           /* NULL = plain */
    struct sv_buf wire; /* what becomes of `out` over TLS */
    size_t sent;
};

struct server {
    uv_loop_t *loop;
    union {
        uv_handle_t any;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } listener;
    uv_tcp_t refusing; /* bound, but does not listen: whoever connects is refused */
    bool is_unix;
    unsigned port;
    unsigned refusing_port;
    uv_idle_t pump; /* sends `step` bytes a turn */
    struct peer peers[PEERS_MAX];
    unsigned peers_count;
    bool is_closed;
    /* the script */
    answer_fn *answer;      /* NULL = answer_politely */
    size_t step;            /* bytes a turn; 0 = all at once */
    size_t cut_at;          /* close a connection after so many bytes; 0 = never */
    unsigned cut_count;     /* connections still to be cut */
    const char *last_words; /* said instead of reading, then closed, */
    unsigned rude_count;    /* to so many connections */
    const char *replies;    /* a script's own notes */
    unsigned number;
    /* what was seen */
    struct sv_buf seen; /* "AUTH u p|ROLE|", bytes of all connections */
    unsigned reads;
};

/* Listens on 127.0.0.1, port 0; or at `path`. */
void server_start(struct server *server, uv_loop_t *loop, const char *path);
void server_stop(struct server *server);

/* The handshake of a healthy master; ECHO gives its word back, HOLD nothing, everything else +OK.
 */
const char *answer_politely(struct server *server, const char *argv0, const redisReply *command);

struct call { /* one command of the test */
    struct sv_redis_command command;
    struct client *client;
    unsigned starts;
    unsigned ends;
    bool in_start;
    enum sv_err err;
    struct sv_errinfo info;
    char reply[64];
};

struct client {
    uv_loop_t *loop;
    struct sv_redis *redis;
    struct sv_redis_options options;
    struct sv_rand rand;
    unsigned ready_count;
    unsigned down_count;
    struct sv_errinfo why; /* of the last "not ready" */
    bool is_closing;
    bool is_closed;
    bool close_on_state;
    struct call calls[CALLS_MAX];
    void (*on_ready)(struct client *client);
    void (*on_end)(struct call *call);
};

/* Options for the server: short waits, seeded jitter. Change client->options before client_open. */
void client_init(struct client *client, const struct server *server);
void client_open(struct client *client);
void client_close(struct client *client);

/* Starts `line` (words separated by blanks) as call number i. */
enum sv_err client_start(struct client *client, size_t i, const char *line, sv_ms deadline_ms);

/* Turns the loop until the condition holds and no further; fails the test when that takes too long.
 */
typedef bool holds_fn(const struct client *client);
void run_until(struct client *client, holds_fn *holds);
bool is_ready(const struct client *client);
bool is_not_ready(const struct client *client);
bool is_down(const struct client *client); /* told so at least once since client->down_count = 0 */
bool all_ended(const struct client *client); /* every started call */
bool is_closed(const struct client *client);

/* Closes whatever is open and requires a loop without handles. */
void finish(struct client *client, struct server *server);

#endif
