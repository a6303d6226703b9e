/* The handle: queries in, answers out.
 *
 * A query becomes an exchange (exchange.c), which ends in the list of the finished and is delivered
 * in the next turn of the loop, so no callback ever runs inside start, cancel, or a receive
 * callback. One timer serves all deadlines through a heap.
 *
 * - cancel: the exchange stops at once and is delivered in the next turn with SV_ECANCELED.
 * - close: the same for all; after the last delivery every handle is closed, after the last handle
 *   the owner is called. */
#include "dns_internal.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"
#include "wire_name.h"

enum { TRY_MS = 1500, TOTAL_MS = 6000, TRIES = 3 };

static void on_timer(uv_timer_t *timer);
static void on_turn(uv_idle_t *turn);

sv_ms sv_dns_now(const struct sv_dns *dns)
{
    return dns->options.clock->monotonic(dns->options.clock->context);
}

struct sv_dns *sv_dns_new(uv_loop_t *loop, const struct sv_dns_options *options)
{
    struct sv_dns *dns = sv_alloc(1, sizeof(*dns));

    SV_REQUIRE(options->rand != NULL && options->clock != NULL);
    dns->loop = loop;
    dns->options = *options;
    if (options->try_ms == 0)
        dns->options.try_ms = TRY_MS;
    if (options->total_ms == 0)
        dns->options.total_ms = TOTAL_MS;
    if (options->tries_max == 0)
        dns->options.tries_max = TRIES;
    if (options->per_server_max == 0)
        dns->options.per_server_max = SV_DNS_PER_SERVER_MAX;
    if (options->per_server_s == 0)
        dns->options.per_server_s = SV_DNS_PER_SERVER_S;
    sv_heap_init(&dns->due);
    sv_dns_sockets_init(dns);
    sv_dns_peers_init(dns);
    SV_REQUIRE(uv_timer_init(loop, &dns->timer) == 0 && uv_idle_init(loop, &dns->turn) == 0);
    dns->timer.data = dns;
    dns->turn.data = dns;
    dns->handles = 2;
    return dns;
}

/* Sets the timer to the earliest deadline, when that is earlier than what it stands at. Deadlines
 * mostly end by a reply, so a timer that fires too early is cheaper than one that is always
 * right. */
static void arm(struct sv_dns *dns)
{
    const struct sv_heap_node *first = sv_heap_first(&dns->due);
    sv_ms wait_ms;

    if (first == NULL || (dns->timer_at != 0 && dns->timer_at <= first->at))
        return;
    wait_ms = first->at - sv_dns_now(dns);
    dns->timer_at = first->at;
    (void)uv_timer_start(&dns->timer, on_timer, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}

static void disarm(struct sv_dns *dns)
{
    dns->timer_at = 0;
    (void)uv_timer_stop(&dns->timer);
}

static void on_timer(uv_timer_t *timer)
{
    struct sv_dns *dns = timer->data;
    sv_ms now = sv_dns_now(dns);
    struct sv_heap_node *first;

    dns->timer_at = 0;
    while ((first = sv_heap_first(&dns->due)) != NULL && first->at <= now)
        sv_dns_exchange_on_timer(first->owner);
    arm(dns);
}

void sv_dns_wait(struct sv_dns_exchange *exchange, sv_ms until)
{
    sv_heap_set(&exchange->dns->due, &exchange->due, until);
    arm(exchange->dns);
}

void sv_dns_deliver(struct sv_dns_exchange *exchange)
{
    struct sv_dns *dns = exchange->dns;

    SV_REQUIRE(exchange->stage == SV_DNS_ON_NOTHING);
    sv_dns_measure(exchange);
    sv_dns_peer_leave(exchange);
    exchange->stage = SV_DNS_FINISHED;
    exchange->finished_next = NULL;
    if (dns->finished_last != NULL)
        dns->finished_last->finished_next = exchange;
    else
        dns->finished_first = exchange;
    dns->finished_last = exchange;
    (void)uv_idle_start(&dns->turn, on_turn); /* keeps the loop from sleeping before the turn */
}

/* Copies what will be needed when the caller's ask is gone. */
static struct sv_dns_exchange *exchange_new(struct sv_dns *dns, struct sv_dns_query *query,
                                            const struct sv_dns_ask *ask)
{
    struct sv_dns_exchange *exchange =
        sv_alloc(1, sizeof(*exchange) + ask->servers_count * sizeof(exchange->servers[0]));

    exchange->servers = (union sv_dns_address *)(exchange + 1);
    exchange->dns = dns;
    exchange->query = query;
    exchange->due.owner = exchange;
    exchange->question = *ask->question;
    exchange->recursion = ask->recursion;
    exchange->servers_count = ask->servers_count;
    for (size_t i = 0; i < ask->servers_count; i++)
        memcpy(&exchange->servers[i], &ask->servers[i].address, sizeof(exchange->servers[i]));
    exchange->started_at = sv_dns_now(dns);
    exchange->ends_at =
        exchange->started_at + (ask->total_ms > 0 ? ask->total_ms : dns->options.total_ms);
    exchange->next = dns->all;
    if (dns->all != NULL)
        dns->all->previous = exchange;
    dns->all = exchange;
    dns->in_flight++;
    return exchange;
}

static void exchange_free(struct sv_dns_exchange *exchange)
{
    struct sv_dns *dns = exchange->dns;

    sv_dns_peer_leave(exchange);
    if (exchange->previous != NULL)
        exchange->previous->next = exchange->next;
    else
        dns->all = exchange->next;
    if (exchange->next != NULL)
        exchange->next->previous = exchange->previous;
    dns->in_flight--;
    free(exchange->failure);
    free(exchange);
}

static bool servers_are_sane(const struct sv_dns_ask *ask)
{
    if (ask->servers_count < 1 || ask->servers_count > SV_DNS_SERVERS_MAX)
        return false;
    for (size_t i = 0; i < ask->servers_count; i++)
        if (ask->servers[i].address.ss_family != AF_INET &&
            ask->servers[i].address.ss_family != AF_INET6)
            return false;
    return true;
}

static enum sv_err check_ask(const struct sv_dns *dns, const struct sv_dns_ask *ask,
                             struct sv_errinfo *info)
{
    uint8_t name[SV_DNS_WIRE_MAX];

    if (dns->closing)
        return sv_err_set(info, SV_ECANCELED, "dns", 0, "closing");
    if (!servers_are_sane(ask))
        return sv_err_set(info, SV_EINVALID, "dns", 0, "%zu servers, or one without an address",
                          ask->servers_count);
    if (sv_dns_wire_from_text(ask->question->name, name) == 0)
        return sv_err_set(info, SV_EINVALID, "dns", 0, "not a name that can be asked: \"%.100s\"",
                          ask->question->name);
    if (!ask->recursion && dns->in_line >= SV_DNS_IN_LINE_MAX)
        return sv_err_set(info, SV_EBUSY, "dns", 0, "%d queries are in line", SV_DNS_IN_LINE_MAX);
    if (dns->in_flight - dns->in_line >= SV_DNS_INFLIGHT_MAX)
        return sv_err_set(info, SV_EBUSY, "dns", 0, "%d queries are in flight",
                          SV_DNS_INFLIGHT_MAX);
    return SV_OK;
}

enum sv_err sv_dns_start(struct sv_dns *dns, struct sv_dns_query *query,
                         const struct sv_dns_ask *ask, sv_dns_done_fn *done,
                         struct sv_errinfo *info)
{
    enum sv_err err = check_ask(dns, ask, info);
    struct sv_dns_exchange *exchange;

    if (err != SV_OK)
        return err;
    exchange = exchange_new(dns, query, ask);
    err = sv_dns_exchange_begin(exchange, info);
    if (err != SV_OK) {
        exchange_free(exchange);
        return err;
    }
    query->done = done;
    query->dns = dns;
    query->exchange = exchange;
    return SV_OK;
}

/* Calls the owner, who may free the query, start another, cancel others, or close. */
static void finish(struct sv_dns_exchange *exchange)
{
    struct sv_dns_query *query = exchange->query;
    static const struct sv_dns_answer nothing = {.outcome = SV_DNS_UNKNOWN};
    struct sv_dns_answer *answer = exchange->answer, *failure = exchange->failure;
    const struct sv_dns_answer *told = answer != NULL ? answer : failure;
    enum sv_err status = exchange->status;

    query->exchange = NULL;
    exchange->failure = NULL;
    exchange_free(exchange); /* before the callback, which may want the place */
    if (told == NULL)
        told = &nothing;
    query->done(query, status, status == SV_OK ? told : NULL);
    sv_dns_answer_free(answer);
    free(failure);
}

static void shut_down(struct sv_dns *dns)
{
    sv_dns_sockets_close(dns);
    sv_dns_tcp_close(dns);
    disarm(dns);
    uv_close((uv_handle_t *)&dns->timer, sv_dns_on_closed);
    uv_close((uv_handle_t *)&dns->turn, sv_dns_on_closed);
}

/* Delivers those present now; what their callbacks add is for the next turn. */
static void on_turn(uv_idle_t *turn)
{
    struct sv_dns *dns = turn->data;
    const struct sv_dns_exchange *last = dns->finished_last;
    bool more = true;

    while (more && dns->finished_first != NULL) {
        struct sv_dns_exchange *exchange = dns->finished_first;
        more = exchange != last;
        dns->finished_first = exchange->finished_next;
        if (dns->finished_first == NULL)
            dns->finished_last = NULL;
        finish(exchange);
    }
    if (dns->finished_first != NULL)
        return;
    (void)uv_idle_stop(&dns->turn);
    if (sv_heap_first(&dns->due) == NULL)
        disarm(dns); /* an early timer must not keep the loop alive */
    if (dns->closing)
        shut_down(dns);
}

static void cancel(struct sv_dns_exchange *exchange)
{
    exchange->status = SV_ECANCELED;
    if (exchange->stage == SV_DNS_FINISHED)
        return;
    sv_dns_exchange_stop(exchange);
    sv_dns_deliver(exchange);
}

void sv_dns_cancel(struct sv_dns_query *query)
{
    if (query->exchange != NULL)
        cancel(query->exchange);
}

void sv_dns_stats(const struct sv_dns *dns, struct sv_dns_stats *out)
{
    *out = dns->stats;
    out->sockets_open = dns->v4.open + dns->v6.open;
}

void sv_dns_handle_gone(struct sv_dns *dns)
{
    sv_dns_closed_fn *closed = dns->closed;
    void *context = dns->closed_context;

    if (--dns->handles > 0)
        return;
    SV_REQUIRE(dns->all == NULL);
    sv_heap_fini(&dns->due);
    sv_dns_peers_fini(dns);
    free(dns);
    closed(context);
}

void sv_dns_on_closed(uv_handle_t *handle)
{
    sv_dns_handle_gone(handle->data);
}

void sv_dns_close(struct sv_dns *dns, sv_dns_closed_fn *closed, void *context)
{
    SV_REQUIRE(!dns->closing && closed != NULL);
    dns->closing = true;
    dns->closed = closed;
    dns->closed_context = context;
    for (struct sv_dns_exchange *exchange = dns->all; exchange != NULL; exchange = exchange->next)
        cancel(exchange);
    (void)uv_idle_start(&dns->turn, on_turn); /* the last turn shuts down, even an empty one */
}
