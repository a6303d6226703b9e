/* An HTTP server on the test's own loop that does what a script says, right or wrong. */
#ifndef TEST_PEER_H
#define TEST_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum peer_end {
    PEER_KEEP,  /* leave the connection open for the next request */
    PEER_CLOSE, /* orderly end */
    PEER_RESET, /* RST */
    PEER_HANG,  /* say nothing more, keep the connection */
};

/* What to do when a request for `path` is complete. */
struct peer_script {
    const char *path;
    const char *head;  /* sent first, as it is */
    const char *piece; /* then this, `repeat` times, `wait_ms` apart */
    size_t repeat;
    unsigned wait_ms;
    enum peer_end end;
};

enum { PEER_REQUEST_BYTES_MAX = 64 * 1024 };

struct peer;

/* `scripts` ends with a NULL path and must stay. Listens on a free port of 127.0.0.1. */
struct peer *peer_new(uv_loop_t *loop, const struct peer_script *scripts);
unsigned peer_port(const struct peer *peer);
unsigned peer_connections(const struct peer *peer); /* accepted so far */
unsigned peer_requests(const struct peer *peer);    /* complete ones so far */
/* The bytes of the last complete request, followed by a 0. */
const char *peer_last_request(const struct peer *peer);

/* Ends the connections that rest between two requests, as a server does after its idle time; how
 * many. One whose answer is over for the client may be a turn away from rest here. */
unsigned peer_end_idle(struct peer *peer);

/* Closes everything; the memory is gone when the loop has run. */
void peer_close(struct peer *peer);

#endif
