/* Connections for what UDP cannot carry: replies that it cuts, and queries under forgery. The
 * queries to one address share one connection (RFC 7766 section 6.2), each message with its length
 * in two octets before it.
 *
 * The happy path: connect, write every query that waits, match each message by its id and question
 * in whatever order they come, and stay open for a few seconds in case there are more.
 *
 * - The server ends the connection after some replies: the rest is asked again over a new one, a
 *   few times. One that does so after the first of several replies gets a connection for each
 *   query from then on.
 * - It ends, refuses or resets before any reply, or sends what nobody can have asked for: it has
 *   failed over TCP, for all that wait there.
 * - A query ends early: its reply may still come, and is passed over.
 * - Slow: the timer of the exchange ends it. If nothing at all has come meanwhile, nobody joins
 *   that connection any more.
 * - All SV_DNS_TCP_MAX connections are in use: an idle one gives way, otherwise the query waits in
 *   line; its deadline goes on. */
#include "dns_internal.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"

enum {
    READ_BYTES = 4096,
    LENGTH_BYTES = 2,
    AGAIN_MAX = 3,  /* connections that may end under one query */
    IDLE_MS = 3000, /* "on the order of a few seconds" (RFC 7766 section 6.2.3) */
};

struct sent_query {
    uv_write_t write;
    uint8_t bytes[LENGTH_BYTES + SV_DNS_QUERY_BYTES];
};

static void shut(struct sv_dns_tcp *tcp);

static void append(struct sv_dns_exchange *exchange)
{
    struct sv_dns *dns = exchange->dns;

    exchange->stage = SV_DNS_BEFORE_TCP;
    exchange->stage_next = NULL;
    exchange->stage_previous = dns->tcp_last;
    if (dns->tcp_last != NULL)
        dns->tcp_last->stage_next = exchange;
    else
        dns->tcp_first = exchange;
    dns->tcp_last = exchange;
}

static void unlink_waiting(struct sv_dns_exchange *exchange)
{
    struct sv_dns *dns = exchange->dns;

    if (exchange->stage_previous != NULL)
        exchange->stage_previous->stage_next = exchange->stage_next;
    else
        dns->tcp_first = exchange->stage_next;
    if (exchange->stage_next != NULL)
        exchange->stage_next->stage_previous = exchange->stage_previous;
    else
        dns->tcp_last = exchange->stage_previous;
    exchange->stage = SV_DNS_ON_NOTHING;
}

static struct sv_dns_exchange **chain_of(struct sv_dns_tcp *tcp, const uint8_t *packet)
{
    return &tcp->by_id[packet[1] % SV_DNS_TCP_CHAINS];
}

static bool has_id(struct sv_dns_tcp *tcp, const uint8_t *packet)
{
    const struct sv_dns_exchange *exchange = *chain_of(tcp, packet);

    while (exchange != NULL && memcmp(exchange->packet, packet, 2) != 0)
        exchange = exchange->stage_next;
    return exchange != NULL;
}

/* A new id for a new way, unique on this connection. */
static void link_exchange(struct sv_dns_tcp *tcp, struct sv_dns_exchange *exchange)
{
    struct sv_dns_exchange **chain;

    do {
        uint64_t dice = sv_rand_u64(exchange->dns->options.rand);
        exchange->packet[0] = (uint8_t)(dice >> 8);
        exchange->packet[1] = (uint8_t)dice;
    } while (has_id(tcp, exchange->packet));
    chain = chain_of(tcp, exchange->packet);
    exchange->stage_previous = NULL;
    exchange->stage_next = *chain;
    if (*chain != NULL)
        (*chain)->stage_previous = exchange;
    *chain = exchange;
    exchange->tcp = tcp;
    exchange->stage = SV_DNS_ON_TCP;
    tcp->waiting++;
}

static void unlink_exchange(struct sv_dns_tcp *tcp, struct sv_dns_exchange *exchange)
{
    if (exchange->stage_previous != NULL)
        exchange->stage_previous->stage_next = exchange->stage_next;
    else
        *chain_of(tcp, exchange->packet) = exchange->stage_next;
    if (exchange->stage_next != NULL)
        exchange->stage_next->stage_previous = exchange->stage_previous;
    exchange->tcp = NULL;
    exchange->stage = SV_DNS_ON_NOTHING;
    tcp->waiting--;
}

static void stop_sharing(struct sv_dns_tcp *tcp)
{
    tcp->shared = false;
    if (tcp->peer->tcp == tcp)
        tcp->peer->tcp = NULL;
}

static bool may_share(const struct sv_dns_exchange *exchange)
{
    return !(sv_dns_peer_habits(exchange->dns, exchange->peer) & SV_DNS_ONE_EACH);
}

/* Whether there is a connection for it, or room for one. */
static bool may_go(const struct sv_dns_exchange *exchange)
{
    return exchange->dns->tcp_open < SV_DNS_TCP_MAX ||
           (exchange->peer->tcp != NULL && may_share(exchange));
}

/* Those in line move up, as far as there is room. */
static void serve_line(struct sv_dns *dns)
{
    while (dns->tcp_first != NULL && !dns->closing) {
        struct sv_dns_exchange *next = dns->tcp_first;
        if (!may_go(next))
            return;
        unlink_waiting(next);
        sv_heap_remove(&dns->due, &next->due);
        sv_dns_tcp_ask(next);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct sv_dns_tcp *tcp = handle->data;
    struct sv_dns *dns = tcp->dns;

    if (--tcp->handles == 0) {
        sv_buf_fini(&tcp->in);
        free(tcp);
        dns->tcp_open--;
        serve_line(dns);
    }
    sv_dns_handle_gone(dns);
}

static void shut(struct sv_dns_tcp *tcp)
{
    struct sv_dns *dns = tcp->dns;

    tcp->closing = true;
    stop_sharing(tcp);
    tcp->peer->users--;
    if (tcp->previous != NULL)
        tcp->previous->next = tcp->next;
    else
        dns->tcp_all = tcp->next;
    if (tcp->next != NULL)
        tcp->next->previous = tcp->previous;
    uv_close((uv_handle_t *)&tcp->handle, on_closed);
    uv_close((uv_handle_t *)&tcp->idle, on_closed);
}

void sv_dns_tcp_close(struct sv_dns *dns)
{
    while (dns->tcp_all != NULL)
        shut(dns->tcp_all);
}

static void on_idle(uv_timer_t *timer)
{
    shut(timer->data);
}

/* Nobody waits here any more. */
static void rest(struct sv_dns_tcp *tcp)
{
    if (!tcp->shared || tcp->strays > 0 || tcp->dns->tcp_first != NULL) {
        shut(tcp);
        return;
    }
    (void)uv_timer_start(&tcp->idle, on_idle, IDLE_MS, 0);
}

void sv_dns_tcp_leave(struct sv_dns_exchange *exchange)
{
    struct sv_dns_tcp *tcp = exchange->tcp;

    if (exchange->stage == SV_DNS_BEFORE_TCP) {
        unlink_waiting(exchange);
        return;
    }
    unlink_exchange(tcp, exchange);
    if (tcp->replied != exchange)
        tcp->strays++;
    if (tcp->waiting == 0 && !tcp->closing)
        rest(tcp);
}

void sv_dns_tcp_on_silence(struct sv_dns_exchange *exchange)
{
    if (exchange->stage == SV_DNS_ON_TCP && exchange->tcp->heard_at < exchange->sent_at)
        stop_sharing(exchange->tcp);
}

/* The connection is of no use any more. Whoever waits there may go on over a new one if this one
 * was good for something. */
static void fail(struct sv_dns_tcp *tcp)
{
    bool useful = tcp->answered > 0;

    if (tcp->closing)
        return;
    if (tcp->answered == 1 && tcp->waiting > 0 && tcp->asked > 1)
        sv_dns_peer_learn(tcp->dns, tcp->peer, SV_DNS_ONE_EACH);
    shut(tcp);
    for (size_t i = 0; i < SV_DNS_TCP_CHAINS; i++) {
        while (tcp->by_id[i] != NULL) {
            struct sv_dns_exchange *exchange = tcp->by_id[i];
            if (!useful || exchange->tcp_again >= AGAIN_MAX) {
                sv_dns_exchange_on_failure(exchange, SV_DNS_TCP_FAILED);
                continue;
            }
            exchange->tcp_again++;
            sv_dns_exchange_stop(exchange);
            sv_dns_tcp_ask(exchange);
        }
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct sv_dns_tcp *tcp = handle->data;

    (void)suggested;
    *buf = uv_buf_init((char *)tcp->dns->in, READ_BYTES);
}

/* A whole message: the reply to one that waits, or to one that no longer does. */
static void on_message(struct sv_dns_tcp *tcp, uint8_t *packet, size_t bytes)
{
    struct sv_dns_exchange *exchange = bytes < 2 ? NULL : *chain_of(tcp, packet);

    while (exchange != NULL &&
           sv_dns_packet_fits(packet, bytes, exchange->packet) == SV_DNS_FIT_NONE)
        exchange = exchange->stage_next;
    if (exchange != NULL) {
        tcp->answered++;
        tcp->replied = exchange;
        sv_dns_exchange_on_reply(exchange, packet, bytes);
        tcp->replied = NULL;
        return;
    }
    tcp->dns->stats.mismatches++;
    if (tcp->strays == 0)
        fail(tcp);
    else
        tcp->strays--;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct sv_dns_tcp *tcp = stream->data;

    if (n == 0)
        return;
    if (n < 0 || !sv_buf_add(&tcp->in, buf->base, (size_t)n)) {
        fail(tcp);
        return;
    }
    tcp->heard_at = sv_dns_now(tcp->dns);
    while (!tcp->closing && tcp->in.len >= LENGTH_BYTES) {
        uint8_t *bytes = (uint8_t *)tcp->in.data;
        size_t len = (size_t)(bytes[0] << 8 | bytes[1]);
        if (tcp->in.len < LENGTH_BYTES + len)
            return;
        tcp->reading = true;
        on_message(tcp, bytes + LENGTH_BYTES, len);
        tcp->reading = false;
        sv_buf_consume(&tcp->in, LENGTH_BYTES + len);
    }
    if (tcp->in.len == 0)
        sv_buf_fini(&tcp->in); /* up to 64 KiB, and it may be idle for long */
}

static void on_written(uv_write_t *write, int status)
{
    struct sv_dns_tcp *tcp = write->handle->data;

    free(write->data);
    if (status < 0)
        fail(tcp);
}

static void write_query(struct sv_dns_tcp *tcp, const struct sv_dns_exchange *exchange)
{
    struct sent_query *sent = sv_alloc(1, sizeof(*sent));
    uv_buf_t out =
        uv_buf_init((char *)sent->bytes, (unsigned)(LENGTH_BYTES + exchange->packet_bytes));

    sent->write.data = sent;
    sent->bytes[0] = (uint8_t)(exchange->packet_bytes >> 8);
    sent->bytes[1] = (uint8_t)exchange->packet_bytes;
    memcpy(sent->bytes + LENGTH_BYTES, exchange->packet, exchange->packet_bytes);
    if (uv_write(&sent->write, (uv_stream_t *)&tcp->handle, &out, 1, on_written) != 0)
        free(sent); /* the connection is going: reading will say so, or the timer */
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct sv_dns_tcp *tcp = connect->handle->data;

    if (tcp->closing)
        return;
    if (status < 0 || uv_read_start((uv_stream_t *)&tcp->handle, on_alloc, on_read) != 0) {
        fail(tcp);
        return;
    }
    tcp->connected = true;
    for (size_t i = 0; i < SV_DNS_TCP_CHAINS; i++)
        for (const struct sv_dns_exchange *exchange = tcp->by_id[i]; exchange != NULL;
             exchange = exchange->stage_next)
            write_query(tcp, exchange);
}

/* The deadline is longer than over UDP: there may be a handshake before. */
static void join(struct sv_dns_tcp *tcp, struct sv_dns_exchange *exchange)
{
    struct sv_dns *dns = tcp->dns;
    sv_ms now = sv_dns_now(dns);
    sv_ms until = now + 2 * dns->options.try_ms;

    (void)uv_timer_stop(&tcp->idle);
    link_exchange(tcp, exchange);
    sv_dns_line_pay(exchange);
    tcp->asked++;
    dns->stats.tcp_queries++;
    exchange->sent_at = now;
    sv_dns_wait(exchange, until < exchange->ends_at ? until : exchange->ends_at);
    if (tcp->connected)
        write_query(tcp, exchange);
}

/* Opens a connection to the server that the exchange asks, for it and, if shared, for others. */
static void connect_to(struct sv_dns_exchange *exchange, bool shared)
{
    struct sv_dns *dns = exchange->dns;
    struct sv_dns_tcp *tcp = sv_alloc(1, sizeof(*tcp));

    tcp->dns = dns;
    tcp->peer = exchange->peer;
    tcp->peer->users++;
    tcp->shared = shared;
    if (shared)
        tcp->peer->tcp = tcp;
    sv_buf_init(&tcp->in, LENGTH_BYTES + SV_DNS_PACKET_BYTES_MAX + READ_BYTES);
    (void)uv_tcp_init(dns->loop, &tcp->handle); /* without a socket yet, it cannot fail */
    (void)uv_timer_init(dns->loop, &tcp->idle);
    uv_unref((uv_handle_t *)&tcp->handle); /* who waits here keeps the loop alive */
    uv_unref((uv_handle_t *)&tcp->idle);
    tcp->handle.data = tcp;
    tcp->idle.data = tcp;
    tcp->handles = 2;
    dns->handles += 2;
    tcp->next = dns->tcp_all;
    if (tcp->next != NULL)
        tcp->next->previous = tcp;
    dns->tcp_all = tcp;
    dns->tcp_open++;
    dns->stats.tcp_connections++;
    join(tcp, exchange);
    if (uv_tcp_connect(&tcp->connect, &tcp->handle, &tcp->peer->address.any, on_connected) != 0)
        fail(tcp);
}

/* An idle connection, so that somebody in line can have its place. */
static void make_room(struct sv_dns *dns)
{
    struct sv_dns_tcp *tcp = dns->tcp_all;

    while (tcp != NULL && (tcp->waiting > 0 || tcp->reading))
        tcp = tcp->next;
    if (tcp != NULL)
        shut(tcp);
}

void sv_dns_tcp_ask(struct sv_dns_exchange *exchange)
{
    struct sv_dns *dns = exchange->dns;
    bool shared = may_share(exchange);

    if (!may_go(exchange)) {
        append(exchange);
        sv_dns_wait(exchange, exchange->ends_at);
        make_room(dns);
        return;
    }
    if (shared && exchange->peer->tcp != NULL)
        join(exchange->peer->tcp, exchange);
    else
        connect_to(exchange, shared);
}
