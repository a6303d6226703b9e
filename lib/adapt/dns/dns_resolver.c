/* Lookups, and the flights they wait for.
 *
 * The happy path: a lookup starts a flight for its question, or joins the one under way; the flight
 * asks (plain.c, owned.c); when it is ready, its report goes to all its lookups, in the next turn.
 *
 * - Too much for sv_dns: what has no room waits in line (line.c).
 * - No socket to be had: SV_DNS_UNKNOWN with SV_DNS_NETWORK.
 * - cancel: the lookup leaves its flight and gets SV_ECANCELED in the next turn; a flight that
 *   nobody waits for any more is called off, and nobody joins it.
 * - close: all lookups are canceled; the owner is called after the last of them and after the last
 *   query has come back from sv_dns, which is borrowed and stays open. */
#include "sv/dns_resolver.h"

#include <stdlib.h>
#include <string.h>

#include "resolver_parts.h"
#include "sv/alloc.h"
#include "sv/require.h"

enum { LOOKUPS_MAX = 16384, TOTAL_MS = 6000, TRY_MS = 1500, HEARD_FOR_MS = 60 * 60 * 1000 };

static void on_turn(uv_idle_t *turn);
static void on_timer(uv_timer_t *timer);

static struct sv_views_resolver *of(struct sv_resolver *base)
{
    return (struct sv_views_resolver *)base;
}

static void wake(struct sv_views_resolver *r)
{
    (void)uv_idle_start(&r->turn, on_turn);
}

static void push(struct sv_lookup **first, struct sv_lookup **last, struct sv_lookup *lookup)
{
    lookup->next = NULL;
    lookup->previous = *last;
    if (*last != NULL)
        (*last)->next = lookup;
    else
        *first = lookup;
    *last = lookup;
}

static void pull(struct sv_lookup **first, struct sv_lookup **last, struct sv_lookup *lookup)
{
    if (lookup->previous != NULL)
        lookup->previous->next = lookup->next;
    else
        *first = lookup->next;
    if (lookup->next != NULL)
        lookup->next->previous = lookup->previous;
    else
        *last = lookup->previous;
}

/* Deadlines. */

void sv_resolver_arm(struct sv_views_resolver *r)
{
    const struct sv_heap_node *first = sv_heap_first(&r->due);
    sv_ms wait_ms;

    if (first == NULL) {
        (void)uv_timer_stop(&r->timer);
        return;
    }
    wait_ms = first->at - sv_resolver_now(r);
    (void)uv_timer_start(&r->timer, on_timer, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct sv_views_resolver *r = timer->data;
    struct sv_heap_node *first;

    while ((first = sv_heap_first(&r->due)) != NULL && first->at <= sv_resolver_now(r)) {
        sv_heap_remove(&r->due, first);
        sv_owned_on_deadline(first->owner);
    }
    sv_resolver_arm(r);
}

void sv_resolver_hear(struct sv_views_resolver *r, const struct sv_dns_answer *answer)
{
    if (answer->trouble == SV_DNS_TIMEOUT || answer->trouble == SV_DNS_NETWORK)
        return;
    r->heard_until = sv_resolver_now(r) + HEARD_FOR_MS;
    if (!r->closed)
        return;
    r->closed = false;
    sv_log_line(r->log, SV_LOG_INFO, "dns_authority_open", "zones' own servers answer again",
                SV_LOG_STR("server", answer->server));
}

/* Flights. */

void sv_flight_ready(struct sv_flight *flight)
{
    struct sv_views_resolver *r = flight->resolver;

    flight->state = SV_FLIGHT_READY;
    flight->next = NULL;
    if (r->ready_last != NULL)
        r->ready_last->next = flight;
    else
        r->ready = flight;
    r->ready_last = flight;
    wake(r);
}

static void flight_free(struct sv_flight *flight)
{
    struct sv_views_resolver *r = flight->resolver;

    sv_flights_remove(&r->flights, flight);
    if (flight->all_previous != NULL)
        flight->all_previous->all_next = flight->all_next;
    else
        r->flights_all = flight->all_next;
    if (flight->all_next != NULL)
        flight->all_next->all_previous = flight->all_previous;
    if (flight->owned != NULL)
        sv_owned_free(flight);
    else
        sv_plain_free(flight);
    free(flight);
}

void sv_flight_free_if_idle(struct sv_flight *flight)
{
    SV_REQUIRE(flight->state == SV_FLIGHT_CALLED_OFF);
    if (flight->owned != NULL ? sv_owned_is_idle(flight) : sv_plain_is_idle(flight))
        flight_free(flight);
}

static struct sv_flight *take_off(struct sv_views_resolver *r,
                                  const struct sv_dns_question *question, struct sv_flight *from)
{
    struct sv_flight *flight = sv_alloc(1, sizeof(*flight));

    flight->question = *question;
    flight->resolver = r;
    flight->from = from;
    flight->depth = from != NULL ? from->depth + 1 : 0;
    flight->state = SV_FLIGHT_FLYING;
    flight->all_next = r->flights_all;
    if (r->flights_all != NULL)
        r->flights_all->all_previous = flight;
    r->flights_all = flight;
    if (from == NULL)
        sv_flights_add(&r->flights, flight);
    if (question->how & SV_ASK_OWNED)
        sv_owned_start(flight);
    else
        sv_plain_start(flight);
    return flight;
}

/* The last word to a lookup; its memory is its owner's again. */
static void tell(struct sv_views_resolver *r, struct sv_lookup *lookup, enum sv_err err,
                 const struct sv_dns_views *views)
{
    r->lookups_count--;
    lookup->flight = NULL; /* from here on cancel does nothing */
    lookup->done(lookup, err, err == SV_OK ? views : NULL);
}

/* Oldest first. A callback may start, cancel or close; those canceled leave the list. */
static void land(struct sv_views_resolver *r, struct sv_flight *flight)
{
    const struct sv_dns_answer *answer = flight->plain != NULL ? flight->plain->ask.answer : NULL;
    struct sv_dns_views one = sv_dns_views_of(&answer);
    const struct sv_dns_views *views = &one;

    sv_flights_remove(&r->flights, flight);
    flight->state = SV_FLIGHT_LANDING;
    if (flight->owned != NULL)
        views = sv_views_report_make(flight->owned);
    while (flight->lookups != NULL) {
        struct sv_lookup *lookup = flight->lookups;
        pull(&flight->lookups, &flight->lookups_last, lookup);
        tell(r, lookup, flight->err, views);
    }
    flight_free(flight);
}

static void to_lower(const struct sv_dns_question *from, struct sv_dns_question *to)
{
    *to = *from;
    to->name[SV_NAME_BYTES - 1] = 0;
    for (char *at = to->name; *at != 0; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at + ('a' - 'A'));
}

static enum sv_err start_at(struct sv_views_resolver *r, struct sv_lookup *lookup,
                            struct sv_flight *from, sv_lookup_done_fn *done,
                            struct sv_errinfo *info)
{
    struct sv_dns_question question;
    struct sv_flight *flight;
    uint8_t packet[512];

    if (r->closing)
        return sv_err_set(info, SV_ECANCELED, "resolver", 0, "closing");
    if (r->lookups_count >= r->lookups_max)
        return sv_err_set(info, SV_EBUSY, "resolver", 0, "%u lookups are under way",
                          r->lookups_count);
    to_lower(&lookup->question, &question);
    if (sv_dns_packet_write(packet, 0, &question, true, true) == 0)
        return sv_err_set(info, SV_EINVALID, "resolver", 0, "not a name that can be asked: %.100s",
                          question.name);
    flight = from == NULL ? sv_flights_find(&r->flights, &question) : NULL;
    if (flight == NULL)
        flight = take_off(r, &question, from);
    lookup->done = done;
    lookup->resolver = &r->base;
    lookup->flight = flight;
    r->lookups_count++;
    push(&flight->lookups, &flight->lookups_last, lookup);
    return SV_OK;
}

static enum sv_err start(struct sv_resolver *base, struct sv_lookup *lookup,
                         sv_lookup_done_fn *done, struct sv_errinfo *info)
{
    return start_at(of(base), lookup, NULL, done, info);
}

enum sv_err sv_lookup_start_inside(struct sv_views_resolver *r, struct sv_lookup *lookup,
                                   struct sv_flight *from, sv_lookup_done_fn *done)
{
    return start_at(r, lookup, from, done, NULL);
}

/* Ends. */

static void on_handle_closed(uv_handle_t *handle)
{
    struct sv_views_resolver *r = handle->data;
    sv_resolver_closed_fn *closed = r->closed_fn;
    void *context = r->closed_context;

    if (--r->handles > 0)
        return;
    sv_heap_fini(&r->due);
    free(r);
    closed(context);
}

static void shut_when_done(struct sv_views_resolver *r)
{
    if (!r->closing || r->shut || r->flights_all != NULL || r->canceled != NULL || r->line.open > 0)
        return;
    r->shut = true;
    sv_nodes_fini(&r->nodes);
    sv_answers_fini(&r->answers);
    uv_close((uv_handle_t *)&r->turn, on_handle_closed);
    uv_close((uv_handle_t *)&r->timer, on_handle_closed);
    sv_dns_line_close(&r->line, on_handle_closed);
    if (r->system != NULL)
        sv_system_list_close(r->system, on_handle_closed);
}

static void on_quiet(void *context)
{
    shut_when_done(context);
}

static void land_first(struct sv_views_resolver *r)
{
    struct sv_flight *flight = r->ready;

    r->ready = flight->next;
    if (r->ready == NULL)
        r->ready_last = NULL;
    land(r, flight);
}

static void tell_first_canceled(struct sv_views_resolver *r)
{
    struct sv_lookup *lookup = r->canceled;

    pull(&r->canceled, &r->canceled_last, lookup);
    tell(r, lookup, SV_ECANCELED, NULL);
}

/* Tells those present now; what their callbacks add is for the next turn. */
static void on_turn(uv_idle_t *turn)
{
    struct sv_views_resolver *r = turn->data;
    const struct sv_flight *last_ready = r->ready_last;
    const struct sv_lookup *last_canceled = r->canceled_last;

    for (bool more = last_ready != NULL; more;) {
        more = r->ready != last_ready;
        land_first(r);
    }
    for (bool more = last_canceled != NULL; more;) {
        more = r->canceled != last_canceled;
        tell_first_canceled(r);
    }
    if (r->ready == NULL && r->canceled == NULL)
        (void)uv_idle_stop(&r->turn);
    shut_when_done(r);
}

/* A flight that nobody waits for is not worth its place. */
static void call_off(struct sv_views_resolver *r, struct sv_flight *flight)
{
    switch (flight->state) {
    case SV_FLIGHT_FLYING:
        sv_flights_remove(&r->flights, flight);
        flight->state = SV_FLIGHT_CALLED_OFF;
        if (flight->owned != NULL)
            sv_owned_stop(flight);
        else
            sv_plain_stop(flight);
        sv_flight_free_if_idle(flight);
        break;
    case SV_FLIGHT_NEW:
    case SV_FLIGHT_READY:
    case SV_FLIGHT_LANDING:
    case SV_FLIGHT_CALLED_OFF:
        break; /* whoever has it in hand frees it */
    }
}

static void cancel(struct sv_lookup *lookup)
{
    struct sv_views_resolver *r = of(lookup->resolver);
    struct sv_flight *flight = lookup->flight;

    if (flight == NULL)
        return; /* done, or canceled already */
    pull(&flight->lookups, &flight->lookups_last, lookup);
    lookup->flight = NULL;
    push(&r->canceled, &r->canceled_last, lookup);
    wake(r);
    if (flight->lookups == NULL)
        call_off(r, flight);
}

/* The first lookup that is not canceled yet. Those of this folder come with those they serve, so
 * the list is looked at anew each time. */
static struct sv_lookup *first_lookup(const struct sv_views_resolver *r)
{
    for (struct sv_flight *flight = r->flights_all; flight != NULL; flight = flight->all_next)
        if (flight->lookups != NULL)
            return flight->lookups;
    return NULL;
}

static void close_resolver(struct sv_resolver *base, sv_resolver_closed_fn *closed, void *context)
{
    struct sv_views_resolver *r = of(base);
    struct sv_lookup *lookup;

    SV_REQUIRE(!r->closing && closed != NULL);
    r->closing = true;
    r->closed_fn = closed;
    r->closed_context = context;
    sv_nodes_stop(&r->nodes);
    while ((lookup = first_lookup(r)) != NULL)
        cancel(lookup);
    wake(r);
}

static void set_roots(struct sv_views_resolver *r, const struct sv_dns_resolver_options *options)
{
    struct sv_address roots[SV_ROOT_HINTS_MAX];
    size_t count = options->roots_count;

    SV_REQUIRE(count <= SV_DNS_SERVERS_MAX);
    for (size_t i = 0; i < count; i++)
        roots[i] = sv_address_of_server(&options->roots[i]);
    if (count == 0)
        count = sv_root_hints(roots);
    sv_nodes_init(r, roots, count);
}

static void open_handles(struct sv_views_resolver *r, uv_loop_t *loop, struct sv_dns *dns)
{
    r->line.context = r;
    r->line.on_quiet = on_quiet;
    sv_dns_line_init(&r->line, loop, dns);
    SV_REQUIRE(uv_idle_init(loop, &r->turn) == 0 && uv_timer_init(loop, &r->timer) == 0);
    r->turn.data = r;
    r->timer.data = r;
    r->handles = 4; /* two are the line's */
}

struct sv_resolver *sv_dns_resolver_new(uv_loop_t *loop,
                                        const struct sv_dns_resolver_options *options)
{
    static const struct sv_resolver_ops ops = {
        .start = start, .cancel = cancel, .close = close_resolver};
    struct sv_views_resolver *r = sv_alloc(1, sizeof(*r));

    SV_REQUIRE(options->servers_count >= 1 && options->servers_count <= SV_DNS_SERVERS_MAX);
    r->base.ops = &ops;
    r->loop = loop;
    r->clock = options->clock;
    r->log = options->log;
    r->servers_count = options->servers_count;
    memcpy(r->servers, options->servers, options->servers_count * sizeof(r->servers[0]));
    SV_REQUIRE(options->former_count <= SV_VIEWS_FORMER_MAX);
    r->former_count = options->former_count;
    for (size_t i = 0; i < options->former_count; i++)
        r->former[i] = options->former[i];
    r->lookups_max = options->lookups_max > 0 ? options->lookups_max : LOOKUPS_MAX;
    r->total_ms = options->total_ms > 0 ? options->total_ms : TOTAL_MS;
    r->try_ms = options->try_ms > 0 ? options->try_ms : TRY_MS;
    r->authority = options->authority;
    r->authority_port = options->authority_port > 0 ? options->authority_port : 53;
    r->allow_private = options->allow_private;
    sv_rand_system_init(&r->rand);
    r->flights.seed = sv_rand_u64(&r->rand);
    r->answers.seed = sv_rand_u64(&r->rand);
    sv_heap_init(&r->due);
    set_roots(r, options);
    open_handles(r, loop, options->dns);
    if (options->system_path != NULL) {
        r->system = sv_system_list_new(r, options->system_path, options->system_every_ms);
        r->handles++;
    }
    return &r->base;
}
