/* Questions to recursive servers.
 *
 * The happy path: a lookup starts a flight for its question, or joins the one under way; the flight
 * asks the servers, beginning with another one each time; its answer goes to all its lookups.
 *
 * - Too many flights for sv_dns: the flight waits in line and starts when another one lands, or
 *   when the timer finds room (sv_dns has other users).
 * - No socket to be had: the answer is SV_DNS_UNKNOWN with SV_DNS_NETWORK, in the next turn.
 * - cancel: the lookup leaves its flight and gets SV_ECANCELED in the next turn; a flight that
 *   nobody waits for any more is canceled, and nobody joins it.
 * - close: all lookups are canceled; the owner is called after the last of them and after the last
 *   flight has come back from sv_dns, which is borrowed and stays open. */
#include "sv/dns_resolver.h"

#include <stdlib.h>
#include <string.h>

#include "flights.h"
#include "sv/alloc.h"
#include "sv/require.h"

enum { LOOKUPS_MAX = 16384, ROOM_MS = 20 /* between looks for room when sv_dns is full */ };

struct resolver {
    struct sv_resolver base; /* first */
    struct sv_dns *dns;
    struct sv_dns_server servers[SV_DNS_SERVERS_MAX];
    size_t servers_count, rotation;
    unsigned lookups_max, lookups_count;
    struct sv_flights flights;
    size_t asked;                               /* flights that sv_dns has */
    struct sv_flight *waiting, *waiting_last;   /* for room, oldest first */
    struct sv_flight *failed, *failed_last;     /* to be told in the next turn, oldest first */
    struct sv_flight *landing;                  /* being told */
    struct sv_lookup *canceled, *canceled_last; /* to be told in the next turn, oldest first */
    uv_idle_t turn;                             /* active while somebody is to be told */
    uv_timer_t room;
    unsigned handles;
    bool closing, shut;
    sv_resolver_closed_fn *closed;
    void *closed_context;
};

static void on_answer(struct sv_dns_query *query, enum sv_err err,
                      const struct sv_dns_answer *answer);
static void on_turn(uv_idle_t *turn);
static void on_room(uv_timer_t *timer);

static struct resolver *of(struct sv_resolver *base)
{
    return (struct resolver *)base;
}

static void wake(struct resolver *r)
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

/* The last word to a lookup; its memory is its owner's again. */
static void tell(struct resolver *r, struct sv_lookup *lookup, enum sv_err err,
                 const struct sv_dns_answer *answer)
{
    struct sv_dns_views views = sv_dns_views_of(&answer);

    r->lookups_count--;
    lookup->flight = NULL; /* from here on cancel does nothing */
    lookup->done(lookup, err, answer != NULL ? &views : NULL);
}

static void wait_for_room(struct resolver *r, struct sv_flight *flight)
{
    flight->state = SV_FLIGHT_WAITING;
    flight->next = NULL;
    flight->previous = r->waiting_last;
    if (r->waiting_last != NULL)
        r->waiting_last->next = flight;
    else
        r->waiting = flight;
    r->waiting_last = flight;
}

static void leave_line(struct resolver *r, struct sv_flight *flight)
{
    if (flight->previous != NULL)
        flight->previous->next = flight->next;
    else
        r->waiting = flight->next;
    if (flight->next != NULL)
        flight->next->previous = flight->previous;
    else
        r->waiting_last = flight->previous;
}

/* Hands the flight to sv_dns. SV_EBUSY: it must wait in line. */
static enum sv_err ask(struct resolver *r, struct sv_flight *flight, struct sv_errinfo *info)
{
    struct sv_dns_server turned[SV_DNS_SERVERS_MAX];
    struct sv_dns_ask ask = {.question = &flight->question,
                             .servers = turned,
                             .servers_count = r->servers_count,
                             .recursion = true};
    enum sv_err err;

    for (size_t i = 0, from = r->rotation; i < r->servers_count; i++) {
        turned[i] = r->servers[from];
        from = from + 1 < r->servers_count ? from + 1 : 0;
    }
    flight->query.owner = flight;
    err = sv_dns_start(r->dns, &flight->query, &ask, on_answer, info);
    if (err != SV_OK)
        return err;
    r->rotation = r->rotation + 1 < r->servers_count ? r->rotation + 1 : 0;
    flight->state = SV_FLIGHT_ASKED;
    r->asked++;
    return SV_OK;
}

/* Its lookups learn in the next turn that nothing could be found out. */
static void fail(struct resolver *r, struct sv_flight *flight)
{
    sv_flights_remove(&r->flights, flight);
    flight->state = SV_FLIGHT_FAILED;
    flight->next = NULL;
    if (r->failed_last != NULL)
        r->failed_last->next = flight;
    else
        r->failed = flight;
    r->failed_last = flight;
    wake(r);
}

/* Lets go what there is room for now. */
static void ask_waiting(struct resolver *r)
{
    while (r->waiting != NULL && !r->closing) {
        struct sv_flight *flight = r->waiting;
        enum sv_err err = ask(r, flight, NULL);
        if (err == SV_EBUSY)
            break;
        leave_line(r, flight);
        if (err != SV_OK)
            fail(r, flight);
    }
    /* Our own flights bring us here when they land; without any, somebody else has the room. */
    if (r->waiting != NULL && r->asked == 0 && !r->closing)
        (void)uv_timer_start(&r->room, on_room, ROOM_MS, 0);
}

static void on_room(uv_timer_t *timer)
{
    ask_waiting(timer->data);
}

static void to_lower(const struct sv_dns_question *from, struct sv_dns_question *to)
{
    *to = *from;
    to->name[SV_NAME_BYTES - 1] = 0;
    for (char *at = to->name; *at != 0; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at + ('a' - 'A'));
}

/* Starts a flight, or lines it up. A question that sv_dns refuses is refused at once. */
static enum sv_err take_off(struct resolver *r, const struct sv_dns_question *question,
                            struct sv_flight **out, struct sv_errinfo *info)
{
    struct sv_flight *flight = sv_alloc(1, sizeof(*flight));
    uint8_t packet[512];
    enum sv_err err;

    flight->question = *question;
    flight->resolver = r;
    err = r->waiting != NULL ? SV_EBUSY : ask(r, flight, info); /* nobody jumps the line */
    if (err == SV_EBUSY && sv_dns_packet_write(packet, 0, question, true, true) == 0)
        err = sv_err_set(info, SV_EINVALID, "resolver", 0, "not a name that can be asked: %.100s",
                         question->name);
    if (err == SV_EINVALID || err == SV_ECANCELED) {
        free(flight);
        return err;
    }
    sv_flights_add(&r->flights, flight);
    if (err == SV_EBUSY) {
        wait_for_room(r, flight);
        if (r->asked == 0)
            (void)uv_timer_start(&r->room, on_room, ROOM_MS, 0);
    } else if (err != SV_OK) {
        fail(r, flight);
    }
    *out = flight;
    return SV_OK;
}

static enum sv_err start(struct sv_resolver *base, struct sv_lookup *lookup,
                         sv_lookup_done_fn *done, struct sv_errinfo *info)
{
    struct resolver *r = of(base);
    struct sv_dns_question question;
    struct sv_flight *flight;
    enum sv_err err;

    if (r->closing)
        return sv_err_set(info, SV_ECANCELED, "resolver", 0, "closing");
    if (r->lookups_count >= r->lookups_max)
        return sv_err_set(info, SV_EBUSY, "resolver", 0, "%u lookups are under way",
                          r->lookups_count);
    to_lower(&lookup->question, &question);
    flight = sv_flights_find(&r->flights, &question);
    if (flight == NULL) {
        err = take_off(r, &question, &flight, info);
        if (err != SV_OK)
            return err;
    }
    lookup->done = done;
    lookup->resolver = base;
    lookup->flight = flight;
    r->lookups_count++;
    push(&flight->lookups, &flight->lookups_last, lookup);
    return SV_OK;
}

/* Oldest first. A callback may start, cancel or close; those canceled leave the list. */
static void land(struct resolver *r, struct sv_flight *flight, enum sv_err err,
                 const struct sv_dns_answer *answer)
{
    sv_flights_remove(&r->flights, flight);
    flight->state = SV_FLIGHT_LANDING;
    r->landing = flight;
    while (flight->lookups != NULL) {
        struct sv_lookup *lookup = flight->lookups;
        pull(&flight->lookups, &flight->lookups_last, lookup);
        tell(r, lookup, err, answer);
    }
    r->landing = NULL;
    free(flight);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct resolver *r = handle->data;
    sv_resolver_closed_fn *closed = r->closed;
    void *context = r->closed_context;

    if (--r->handles > 0)
        return;
    free(r);
    closed(context);
}

static void shut_when_done(struct resolver *r)
{
    if (!r->closing || r->shut || r->asked > 0 || r->failed != NULL || r->canceled != NULL)
        return;
    r->shut = true;
    uv_close((uv_handle_t *)&r->turn, on_handle_closed);
    uv_close((uv_handle_t *)&r->room, on_handle_closed);
}

/* SV_ECANCELED comes when nobody waits any more, or when the owner of sv_dns closed it under us:
 * then the lookups are canceled with it. */
static void on_answer(struct sv_dns_query *query, enum sv_err err,
                      const struct sv_dns_answer *answer)
{
    struct sv_flight *flight = query->owner;
    struct resolver *r = flight->resolver;

    r->asked--;
    land(r, flight, err, answer);
    ask_waiting(r);
    shut_when_done(r);
}

static void land_first_failed(struct resolver *r)
{
    struct sv_dns_answer answer = {.outcome = SV_DNS_UNKNOWN, .trouble = SV_DNS_NETWORK};
    struct sv_flight *flight = r->failed;

    r->failed = flight->next;
    if (r->failed == NULL)
        r->failed_last = NULL;
    memcpy(answer.final_name, flight->question.name, sizeof(answer.final_name));
    land(r, flight, SV_OK, &answer);
}

static void tell_first_canceled(struct resolver *r)
{
    struct sv_lookup *lookup = r->canceled;

    pull(&r->canceled, &r->canceled_last, lookup);
    tell(r, lookup, SV_ECANCELED, NULL);
}

/* Tells those present now; what their callbacks add is for the next turn. */
static void on_turn(uv_idle_t *turn)
{
    struct resolver *r = turn->data;
    const struct sv_flight *last_failed = r->failed_last;
    const struct sv_lookup *last_canceled = r->canceled_last;

    for (bool more = last_failed != NULL; more;) {
        more = r->failed != last_failed;
        land_first_failed(r);
    }
    for (bool more = last_canceled != NULL; more;) {
        more = r->canceled != last_canceled;
        tell_first_canceled(r);
    }
    if (r->failed == NULL && r->canceled == NULL)
        (void)uv_idle_stop(&r->turn);
    shut_when_done(r);
}

/* A flight that nobody waits for is not worth its place. */
static void call_off(struct resolver *r, struct sv_flight *flight)
{
    switch (flight->state) {
    case SV_FLIGHT_ASKED:
        sv_flights_remove(&r->flights, flight);
        sv_dns_cancel(&flight->query); /* comes back through on_answer */
        break;
    case SV_FLIGHT_WAITING:
        sv_flights_remove(&r->flights, flight);
        leave_line(r, flight);
        free(flight);
        break;
    case SV_FLIGHT_NEW:
    case SV_FLIGHT_FAILED:
    case SV_FLIGHT_LANDING:
        break; /* whoever has it in hand frees it */
    }
}

static void cancel(struct sv_lookup *lookup)
{
    struct resolver *r = of(lookup->resolver);
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

/* Cancels all lookups of a flight; with the last one the flight may be gone. */
static void cancel_all(struct sv_flight *flight)
{
    struct sv_lookup *lookup = flight->lookups;

    while (lookup != NULL) {
        struct sv_lookup *next = lookup->next;
        cancel(lookup);
        lookup = next;
    }
}

static void close_resolver(struct sv_resolver *base, sv_resolver_closed_fn *closed, void *context)
{
    struct resolver *r = of(base);

    SV_REQUIRE(!r->closing && closed != NULL);
    r->closing = true;
    r->closed = closed;
    r->closed_context = context;
    for (size_t i = 0; i < SV_FLIGHT_BUCKETS; i++)
        while (r->flights.buckets[i] != NULL)
            cancel_all(r->flights.buckets[i]);
    for (struct sv_flight *flight = r->failed; flight != NULL; flight = flight->next)
        cancel_all(flight);
    if (r->landing != NULL)
        cancel_all(r->landing);
    wake(r);
}

struct sv_resolver *sv_dns_resolver_new(uv_loop_t *loop,
                                        const struct sv_dns_resolver_options *options)
{
    static const struct sv_resolver_ops ops = {
        .start = start, .cancel = cancel, .close = close_resolver};
    struct resolver *r = sv_alloc(1, sizeof(*r));
    struct sv_rand rand;

    SV_REQUIRE(options->servers_count >= 1 && options->servers_count <= SV_DNS_SERVERS_MAX);
    r->base.ops = &ops;
    r->dns = options->dns;
    r->servers_count = options->servers_count;
    memcpy(r->servers, options->servers, options->servers_count * sizeof(r->servers[0]));
    r->lookups_max = options->lookups_max > 0 ? options->lookups_max : LOOKUPS_MAX;
    sv_rand_system_init(&rand);
    r->flights.seed = sv_rand_u64(&rand);
    SV_REQUIRE(uv_idle_init(loop, &r->turn) == 0 && uv_timer_init(loop, &r->room) == 0);
    r->turn.data = r;
    r->room.data = r;
    r->handles = 2;
    return &r->base;
}
