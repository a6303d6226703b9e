/* Manners towards servers that are not ours to load: of the queries without recursion few are in
 * flight to one address, and few are sent to it in a second. The others stand in line before it.
 *
 * The rate is a leaky bucket that holds a small burst: with `burst` at once and then one each
 * `gap`, no second of any kind sees more than it may (burst + what the gaps let through).
 *
 * - A query that ends, or goes to its next server, makes room for the first in line.
 * - The first in line waits for its time through the timer of its exchange.
 * - One whose turn cannot come before its deadline does not wait for either: so the line before
 *   one address is bounded, and none can take all places of the program.
 * - One that is canceled, or whose deadline passes, just leaves. */
#include "dns_internal.h"

#include "sv/require.h"

enum {
    LEAST_MS = 250,   /* with less time for its reply a server would be blamed for our line */
    FULL_WAIT_MS = 5, /* all queries of the program are in flight: look again */
    SECOND_MS = 1000,
};

static unsigned burst_of(const struct sv_dns *dns)
{
    unsigned fifth = dns->options.per_server_s / 5;
    unsigned most = dns->options.per_server_max < fifth ? dns->options.per_server_max : fifth;

    return most > 0 ? most : 1;
}

/* Rounded up, so that burst and gaps together stay within the second. */
static sv_ms gap_ms(const struct sv_dns *dns)
{
    unsigned burst = burst_of(dns);
    unsigned rest = dns->options.per_server_s > burst ? dns->options.per_server_s - burst : 1;

    return (SECOND_MS + (sv_ms)rest - 1) / (sv_ms)rest;
}

/* When the next packet may go out, as far as the rate is concerned. */
static sv_ms may_send_at(const struct sv_dns *dns, const struct sv_dns_peer *peer)
{
    return peer->free_at - (sv_ms)(burst_of(dns) - 1) * gap_ms(dns);
}

void sv_dns_line_pay(struct sv_dns_exchange *exchange)
{
    sv_ms now = sv_dns_now(exchange->dns);
    struct sv_dns_peer *peer = exchange->peer;

    if (exchange->recursion)
        return;
    if (peer->free_at < now)
        peer->free_at = now;
    peer->free_at += gap_ms(exchange->dns);
}

sv_ms sv_dns_line_ends_at(const struct sv_dns_exchange *exchange)
{
    sv_ms quarter = exchange->dns->options.total_ms / 4;

    return exchange->ends_at - (quarter < LEAST_MS ? quarter : LEAST_MS);
}

static bool has_room(const struct sv_dns *dns, const struct sv_dns_peer *peer)
{
    return peer->in_flight < dns->options.per_server_max;
}

static void count(struct sv_dns_exchange *exchange)
{
    exchange->counted = true;
    exchange->peer->in_flight++;
}

static void append(struct sv_dns_exchange *exchange)
{
    struct sv_dns_peer *peer = exchange->peer;

    exchange->stage = SV_DNS_IN_LINE;
    exchange->stage_next = NULL;
    exchange->stage_previous = peer->line_last;
    if (peer->line_last != NULL)
        peer->line_last->stage_next = exchange;
    else
        peer->line_first = exchange;
    peer->line_last = exchange;
    peer->line_count++;
    exchange->dns->in_line++;
}

static void unlink_exchange(struct sv_dns_exchange *exchange)
{
    struct sv_dns_peer *peer = exchange->peer;

    if (exchange->stage_previous != NULL)
        exchange->stage_previous->stage_next = exchange->stage_next;
    else
        peer->line_first = exchange->stage_next;
    if (exchange->stage_next != NULL)
        exchange->stage_next->stage_previous = exchange->stage_previous;
    else
        peer->line_last = exchange->stage_previous;
    exchange->stage = SV_DNS_ON_NOTHING;
    peer->line_count--;
    exchange->dns->in_line--;
}

/* The first in line waits for its time or for room; the others for their deadline. */
static void wait_first(struct sv_dns *dns, const struct sv_dns_peer *peer)
{
    struct sv_dns_exchange *first = peer->line_first;
    sv_ms at = may_send_at(dns, peer);
    sv_ms again = sv_dns_now(dns) + FULL_WAIT_MS;

    if (first == NULL)
        return;
    if (!has_room(dns, peer))
        at = sv_dns_line_ends_at(first); /* whoever makes room will see to it */
    else if (dns->in_flight - dns->in_line >= SV_DNS_INFLIGHT_MAX && at < again)
        at = again;
    if (at > sv_dns_line_ends_at(first))
        at = sv_dns_line_ends_at(first);
    sv_dns_wait(first, at);
}

/* Those before it take longer than it may wait, even if they are answered at once. */
static bool is_hopeless(const struct sv_dns_exchange *exchange)
{
    const struct sv_dns *dns = exchange->dns;
    const struct sv_dns_peer *peer = exchange->peer;

    return may_send_at(dns, peer) + (sv_ms)peer->line_count * gap_ms(dns) >
           sv_dns_line_ends_at(exchange);
}

/* A query that is on the wire already goes on there, in another manner or over TCP, without
 * standing in line again; it is paid for, so that others wait the longer. */
bool sv_dns_line_pass(struct sv_dns_exchange *exchange)
{
    struct sv_dns *dns = exchange->dns;
    struct sv_dns_peer *peer = exchange->peer;

    if (exchange->recursion || exchange->counted) /* the latter: it is its turn */
        return true;
    if (peer->line_first == NULL && has_room(dns, peer) &&
        may_send_at(dns, peer) <= sv_dns_now(dns)) {
        count(exchange);
        return true;
    }
    if (is_hopeless(exchange))
        exchange->ends_at = sv_dns_now(dns); /* so it leaves in the next turn */
    append(exchange);
    dns->stats.waits++;
    sv_dns_wait(exchange, sv_dns_line_ends_at(exchange));
    if (peer->line_first == exchange)
        wait_first(dns, peer);
    return false;
}

void sv_dns_line_leave(struct sv_dns_exchange *exchange)
{
    struct sv_dns_peer *peer = exchange->peer;
    bool first = peer->line_first == exchange;

    unlink_exchange(exchange);
    if (first)
        wait_first(exchange->dns, peer);
}

/* Sending may fail and bring the exchange to another server, and so back here: once is enough. */
void sv_dns_line_serve(struct sv_dns *dns, struct sv_dns_peer *peer)
{
    if (peer->serving)
        return;
    peer->serving = true;
    while (peer->line_first != NULL && has_room(dns, peer) && !dns->closing &&
           dns->in_flight - dns->in_line < SV_DNS_INFLIGHT_MAX &&
           may_send_at(dns, peer) <= sv_dns_now(dns)) {
        struct sv_dns_exchange *first = peer->line_first;
        if (sv_dns_line_ends_at(first) <= sv_dns_now(dns)) {
            sv_dns_exchange_on_timer(first); /* just too late */
            continue;
        }
        unlink_exchange(first);
        sv_heap_remove(&dns->due, &first->due);
        count(first);
        sv_dns_exchange_on_turn(first);
    }
    peer->serving = false;
    wait_first(dns, peer);
}
