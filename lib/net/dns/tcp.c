/* One connection for one query: for replies that UDP cuts, and for queries under forgery. Every
 * message has its length in two octets before it (RFC 7766 section 8).
 *
 * The happy path: connect, write, read until one whole message has come, close.
 *
 * - All SV_DNS_TCP_MAX connections are in use: the query waits in line; its deadline goes on.
 * - Refused, reset, ended early, or a message that does not fit the query: this server has failed
 *   over TCP.
 * - Slow: the timer of the exchange ends it. */
#include "dns_internal.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"

enum { READ_BYTES = 4096, LENGTH_BYTES = 2 };

static void connect_to(struct sv_dns_exchange *exchange);

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

static void on_closed(uv_handle_t *handle)
{
    struct sv_dns_tcp *tcp = handle->data;
    struct sv_dns *dns = tcp->dns;

    sv_buf_fini(&tcp->in);
    free(tcp);
    dns->tcp_open--;
    if (dns->tcp_first != NULL && !dns->closing) {
        struct sv_dns_exchange *next = dns->tcp_first;
        unlink_waiting(next);
        sv_heap_remove(&dns->due, &next->due);
        connect_to(next);
    }
    sv_dns_handle_gone(dns);
}

void sv_dns_tcp_leave(struct sv_dns_exchange *exchange)
{
    struct sv_dns_tcp *tcp = exchange->tcp;

    if (exchange->stage == SV_DNS_BEFORE_TCP) {
        unlink_waiting(exchange);
        return;
    }
    exchange->tcp = NULL;
    exchange->stage = SV_DNS_ON_NOTHING;
    tcp->exchange = NULL;
    uv_close((uv_handle_t *)&tcp->handle, on_closed);
}

static void fail(struct sv_dns_tcp *tcp)
{
    if (tcp->exchange != NULL)
        sv_dns_exchange_on_failure(tcp->exchange, SV_DNS_TCP_FAILED);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct sv_dns_tcp *tcp = handle->data;

    (void)suggested;
    *buf = uv_buf_init((char *)tcp->dns->in, READ_BYTES);
}

/* Looks whether a whole message is there. */
static void on_bytes(struct sv_dns_tcp *tcp)
{
    uint8_t *bytes = (uint8_t *)tcp->in.data;
    size_t len;

    if (tcp->in.len < LENGTH_BYTES)
        return;
    len = (size_t)(bytes[0] << 8 | bytes[1]);
    if (tcp->in.len < LENGTH_BYTES + len)
        return;
    if (sv_dns_packet_fits(bytes + LENGTH_BYTES, len, tcp->exchange->packet) == SV_DNS_FIT_NONE) {
        tcp->dns->stats.mismatches++;
        fail(tcp);
        return;
    }
    sv_dns_exchange_on_reply(tcp->exchange, bytes + LENGTH_BYTES, len);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct sv_dns_tcp *tcp = stream->data;

    if (tcp->exchange == NULL || n == 0)
        return;
    if (n < 0 || !sv_buf_add(&tcp->in, buf->base, (size_t)n))
        fail(tcp);
    else
        on_bytes(tcp);
}

static void on_written(uv_write_t *write, int status)
{
    if (status < 0)
        fail(write->handle->data);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct sv_dns_tcp *tcp = connect->handle->data;
    struct sv_dns_exchange *exchange = tcp->exchange;
    uv_buf_t out;

    if (exchange == NULL)
        return;
    tcp->out[0] = (uint8_t)(exchange->packet_bytes >> 8);
    tcp->out[1] = (uint8_t)exchange->packet_bytes;
    memcpy(tcp->out + LENGTH_BYTES, exchange->packet, exchange->packet_bytes);
    out = uv_buf_init((char *)tcp->out, (unsigned)(LENGTH_BYTES + exchange->packet_bytes));
    if (status < 0 ||
        uv_write(&tcp->write, (uv_stream_t *)&tcp->handle, &out, 1, on_written) != 0 ||
        uv_read_start((uv_stream_t *)&tcp->handle, on_alloc, on_read) != 0)
        fail(tcp);
}

/* A new id for a new way. The deadline is longer than over UDP: there is a handshake before. */
static void connect_to(struct sv_dns_exchange *exchange)
{
    struct sv_dns *dns = exchange->dns;
    struct sv_dns_tcp *tcp = sv_alloc(1, sizeof(*tcp));
    uint64_t dice = sv_rand_u64(dns->options.rand);
    sv_ms now = sv_dns_now(dns);
    sv_ms until = now + 2 * dns->options.try_ms;

    tcp->dns = dns;
    tcp->exchange = exchange;
    sv_buf_init(&tcp->in, LENGTH_BYTES + SV_DNS_PACKET_BYTES_MAX);
    (void)uv_tcp_init(dns->loop, &tcp->handle); /* without a socket yet, it cannot fail */
    tcp->handle.data = tcp;
    dns->handles++;
    dns->tcp_open++;
    dns->stats.tcp_queries++;
    exchange->tcp = tcp;
    exchange->stage = SV_DNS_ON_TCP;
    exchange->sent_at = now;
    exchange->packet[0] = (uint8_t)(dice >> 8);
    exchange->packet[1] = (uint8_t)dice;
    sv_dns_wait(exchange, until < exchange->ends_at ? until : exchange->ends_at);
    if (uv_tcp_connect(&tcp->connect, &tcp->handle, &sv_dns_exchange_server(exchange)->any,
                       on_connected) != 0)
        fail(tcp);
}

void sv_dns_tcp_ask(struct sv_dns_exchange *exchange)
{
    if (exchange->dns->tcp_open < SV_DNS_TCP_MAX) {
        connect_to(exchange);
        return;
    }
    append(exchange);
    sv_dns_wait(exchange, exchange->ends_at);
}
