#include "ask.h"

#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "sv/alloc.h"
#include "sv/rand.h"
#include "sv/require.h"

/* Send over UDP and wait one second; once more with a new socket; then give up. A reply with TC set
 * is thrown away and asked for over TCP within the same second. Replies are taken only from the
 * server asked, with the id and the question sent. */

enum { MESSAGE_BYTES_MAX = 65535 };

/* The requests live and die with their handle: a canceled connect reports after the next one has
 * begun. */
struct stream {
    uv_tcp_t tcp; /* first: freed through its handle */
    uv_connect_t connect;
    uv_write_t write;
};

struct sb_ask {
    uv_loop_t *loop;
    struct sockaddr_storage server;
    sb_ask_done_fn *done;
    void *owner;
    unsigned which;
    unsigned tries;
    uint16_t id;
    uint8_t *query; /* two bytes of length, then the message */
    size_t query_len;
    bool finished;
    unsigned handles;
    uv_timer_t timer;
    uv_udp_t *udp;
    struct stream *tcp;
    size_t used;
    uint8_t buffer[MESSAGE_BYTES_MAX + 2];
};

static void attempt(struct sb_ask *ask);

static void ask_free(struct sb_ask *ask)
{
    free(ask->query);
    free(ask);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct sb_ask *ask = handle->data;

    if (--ask->handles == 0)
        ask_free(ask);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct sb_ask *ask = handle->data;

    free(handle);
    if (--ask->handles == 0)
        ask_free(ask);
}

static void close_sockets(struct sb_ask *ask)
{
    if (ask->udp != NULL)
        uv_close((uv_handle_t *)ask->udp, on_socket_closed);
    if (ask->tcp != NULL)
        uv_close((uv_handle_t *)&ask->tcp->tcp, on_socket_closed);
    ask->udp = NULL;
    ask->tcp = NULL;
}

void sb_ask_cancel(struct sb_ask *ask)
{
    if (ask->finished)
        return;
    ask->finished = true;
    close_sockets(ask);
    uv_close((uv_handle_t *)&ask->timer, on_timer_closed);
}

static void finish(struct sb_ask *ask, const ldns_pkt *reply)
{
    sb_ask_done_fn *done = ask->done;
    void *owner = ask->owner;
    unsigned which = ask->which;

    sb_ask_cancel(ask);
    done(owner, which, reply);
}

static void on_timeout(uv_timer_t *timer)
{
    struct sb_ask *ask = timer->data;

    close_sockets(ask);
    if (ask->tries < SB_ASK_TRIES)
        attempt(ask);
    else
        finish(ask, NULL);
}

/* True when the reply belongs to our question. */
static bool is_ours(const struct sb_ask *ask, const ldns_pkt *reply)
{
    const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(reply), 0);
    ldns_pkt *query = NULL;
    bool same;

    if (!ldns_pkt_qr(reply) || ldns_pkt_id(reply) != ask->id || question == NULL)
        return false;
    if (ldns_wire2pkt(&query, ask->query + 2, ask->query_len) != LDNS_STATUS_OK)
        return false;
    same = ldns_rr_compare(question, ldns_rr_list_rr(ldns_pkt_question(query), 0)) == 0;
    ldns_pkt_free(query);
    return same;
}

static void go_tcp(struct sb_ask *ask);

/* True when the message ended the question or moved it to TCP. */
static bool take_message(struct sb_ask *ask, const uint8_t *bytes, size_t len, bool udp)
{
    ldns_pkt *reply = NULL;
    bool ours = ldns_wire2pkt(&reply, bytes, len) == LDNS_STATUS_OK && is_ours(ask, reply);

    if (ours && udp && ldns_pkt_tc(reply))
        go_tcp(ask);
    else if (ours)
        finish(ask, reply);
    ldns_pkt_free(reply);
    return ours;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct sb_ask *ask = handle->data;

    (void)suggested;
    *buffer =
        uv_buf_init((char *)ask->buffer + ask->used, (unsigned)(sizeof ask->buffer - ask->used));
}

static bool from_server(const struct sb_ask *ask, const struct sockaddr *peer)
{
    char want[SB_ADDRESS_BYTES], got[SB_ADDRESS_BYTES];

    sb_address_format((const struct sockaddr *)&ask->server, want);
    sb_address_format(peer, got);
    return strcmp(want, got) == 0;
}

static void on_udp(uv_udp_t *udp, ssize_t len, const uv_buf_t *buffer, const struct sockaddr *peer,
                   unsigned flags)
{
    struct sb_ask *ask = udp->data;

    (void)flags;
    if (len > 0 && peer != NULL && !ask->finished && from_server(ask, peer))
        (void)take_message(ask, (const uint8_t *)buffer->base, (size_t)len, true);
}

static void on_tcp_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    struct sb_ask *ask = stream->data;
    size_t want;

    (void)buffer;
    if (ask->finished || len == 0)
        return;
    if (len < 0) {
        (void)uv_read_stop(stream); /* the timer goes on from here */
        return;
    }
    ask->used += (size_t)len;
    want = ask->used < 2 ? SIZE_MAX : ((size_t)ask->buffer[0] << 8 | ask->buffer[1]) + 2;
    if (ask->used >= want)
        (void)take_message(ask, ask->buffer + 2, want - 2, false);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct sb_ask *ask = request->data;
    uv_buf_t buffer = uv_buf_init((char *)ask->query, (unsigned)ask->query_len + 2);

    if (status != 0 || ask->tcp == NULL || request != &ask->tcp->connect)
        return;
    (void)uv_write(&ask->tcp->write, request->handle, &buffer, 1, NULL);
    (void)uv_read_start(request->handle, on_alloc, on_tcp_read);
}

static void go_tcp(struct sb_ask *ask)
{
    close_sockets(ask);
    ask->used = 0;
    ask->tcp = sv_alloc(1, sizeof *ask->tcp);
    SV_REQUIRE(uv_tcp_init(ask->loop, &ask->tcp->tcp) == 0);
    ask->handles++;
    ask->tcp->tcp.data = ask;
    ask->tcp->connect.data = ask;
    (void)uv_tcp_connect(&ask->tcp->connect, &ask->tcp->tcp, (struct sockaddr *)&ask->server,
                         on_connected);
}

static void attempt(struct sb_ask *ask)
{
    uv_buf_t buffer = uv_buf_init((char *)ask->query + 2, (unsigned)ask->query_len);

    ask->tries++;
    ask->used = 0;
    ask->udp = sv_alloc(1, sizeof *ask->udp);
    SV_REQUIRE(uv_udp_init(ask->loop, ask->udp) == 0);
    ask->handles++;
    ask->udp->data = ask;
    (void)uv_timer_start(&ask->timer, on_timeout, SB_ASK_TIMEOUT_MS, 0);
    if (uv_udp_try_send(ask->udp, &buffer, 1, (struct sockaddr *)&ask->server) > 0)
        (void)uv_udp_recv_start(ask->udp, on_alloc, on_udp);
}

/* The message behind two bytes of length. */
static void encode(struct sb_ask *ask, const char *name, ldns_rr_type type)
{
    struct sv_rand source;
    ldns_pkt *query = NULL;
    uint8_t *wire = NULL;
    size_t len = 0;

    sv_rand_system_init(&source);
    ask->id = (uint16_t)sv_rand_below(&source, 65536);
    SV_REQUIRE(ldns_pkt_query_new_frm_str(&query, name, type, LDNS_RR_CLASS_IN, LDNS_RD) ==
               LDNS_STATUS_OK);
    ldns_pkt_set_id(query, ask->id);
    ldns_pkt_set_edns_udp_size(query, 1232);
    SV_REQUIRE(ldns_pkt2wire(&wire, query, &len) == LDNS_STATUS_OK && len <= MESSAGE_BYTES_MAX);
    ask->query = sv_alloc(len + 2, 1);
    ask->query[0] = (uint8_t)(len >> 8);
    ask->query[1] = (uint8_t)(len & 0xff);
    memcpy(ask->query + 2, wire, len);
    ask->query_len = len;
    free(wire);
    ldns_pkt_free(query);
}

struct sb_ask *sb_ask_start(uv_loop_t *loop, const struct sockaddr *server, const char *name,
                            ldns_rr_type type, sb_ask_done_fn *done, void *owner, unsigned which)
{
    struct sb_ask *ask = sv_alloc(1, sizeof *ask);

    ask->loop = loop;
    memcpy(&ask->server, server, sb_address_bytes(server));
    ask->done = done;
    ask->owner = owner;
    ask->which = which;
    encode(ask, name, type);
    SV_REQUIRE(uv_timer_init(loop, &ask->timer) == 0);
    ask->timer.data = ask;
    ask->handles = 1;
    attempt(ask);
    return ask;
}
