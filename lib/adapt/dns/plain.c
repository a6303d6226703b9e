/* A question to resolvers, one at a time: the first that gives a usable answer decides, and its
 * answer is kept for its TTL. */
#include <stdlib.h>

#include "resolver_parts.h"
#include "sv/alloc.h"

static void on_done(struct sv_ask *ask, enum sv_err err)
{
    struct sv_flight *flight = ask->owner;
    struct sv_views_resolver *r = flight->resolver;

    if (flight->state == SV_FLIGHT_CALLED_OFF) {
        sv_flight_free_if_idle(flight);
        return;
    }
    flight->err = err;
    if (err == SV_OK)
        sv_answers_keep(&r->answers, &flight->question, ask->answer, sv_resolver_now(r));
    sv_flight_ready(flight);
}

void sv_plain_start(struct sv_flight *flight)
{
    struct sv_views_resolver *r = flight->resolver;
    struct sv_plain *plain = sv_alloc(1, sizeof(*plain));
    const struct sv_dns_answer *kept =
        sv_answers_find(&r->answers, &flight->question, sv_resolver_now(r));

    flight->plain = plain;
    if (kept != NULL) {
        plain->ask.answer = sv_dns_answer_copy(kept);
        sv_flight_ready(flight);
        return;
    }
    plain->ask.owner = flight;
    plain->ask.errand.servers = r->servers;
    plain->ask.errand.count = r->servers_count;
    plain->ask.errand.from = r->rotation++ % r->servers_count;
    sv_ask_start(r, &plain->ask, &flight->question, on_done);
}

void sv_plain_stop(struct sv_flight *flight)
{
    sv_ask_cancel(&flight->plain->ask);
}

bool sv_plain_is_idle(const struct sv_flight *flight)
{
    return !sv_errand_is_open(&flight->plain->ask.errand);
}

void sv_plain_free(struct sv_flight *flight)
{
    sv_dns_answer_free(flight->plain->ask.answer);
    free(flight->plain);
}
