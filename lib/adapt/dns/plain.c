/* A question to resolvers, one at a time: the first that gives a usable answer decides, and its
 * answer is kept for its TTL. One that says SERVFAIL is asked again with checking disabled, and
 * when that brings an answer, once more with checking: SERVFAIL again means that DNSSEC validation
 * is what fails (dns-auth section 2.6); anything else, that the first one was a passing failure. */
#include <stdlib.h>
#include <string.h>

#include "resolver_parts.h"
#include "sv/alloc.h"

enum { HOW_OF_RESOLVERS = SV_ASK_DNSSEC | SV_ASK_UNCHECKED };

bool sv_unchecked_start(struct sv_views_resolver *r, struct sv_errand *errand,
                        struct sv_dns_server *server, const struct sv_dns_answer *failed,
                        sv_errand_done_fn *done)
{
    if (failed->trouble != SV_DNS_SERVFAIL || errand->question.how & SV_ASK_UNCHECKED ||
        r->closing || sv_dns_server_parse(failed->server, server, NULL) != SV_OK)
        return false;
    errand->question.how |= SV_ASK_UNCHECKED;
    errand->addresses = NULL;
    errand->servers = server;
    errand->count = 1;
    errand->from = 0;
    sv_errand_start(&r->line, errand, done);
    return true;
}

bool sv_checked_start(struct sv_views_resolver *r, struct sv_errand *errand,
                      const struct sv_dns_answer *unchecked, sv_errand_done_fn *done)
{
    if (unchecked == NULL || unchecked->outcome == SV_DNS_UNKNOWN || r->closing)
        return false;
    errand->question.how &= ~(unsigned)SV_ASK_UNCHECKED;
    errand->from = 0;
    sv_errand_start(&r->line, errand, done);
    return true;
}

void sv_checked_end(struct sv_dns_answer **failed, const struct sv_dns_answer *checked)
{
    if (checked == NULL)
        return;
    if (checked->trouble == SV_DNS_SERVFAIL) {
        (*failed)->trouble = SV_DNS_BOGUS;
        return;
    }
    sv_dns_answer_free(*failed);
    *failed = sv_dns_answer_copy(checked);
}

static void end(struct sv_flight *flight)
{
    struct sv_views_resolver *r = flight->resolver;

    if (flight->err == SV_OK)
        sv_answers_keep(&r->answers, &flight->question, flight->plain->answer, sv_resolver_now(r));
    sv_flight_ready(flight);
}

static void on_checked(struct sv_errand *errand, enum sv_err err,
                       const struct sv_dns_answer *answer)
{
    struct sv_flight *flight = errand->owner;

    if (flight->state == SV_FLIGHT_CALLED_OFF) {
        sv_flight_free_if_idle(flight);
        return;
    }
    sv_checked_end(&flight->plain->answer, err == SV_OK ? answer : NULL);
    end(flight);
}

static void on_unchecked(struct sv_errand *errand, enum sv_err err,
                         const struct sv_dns_answer *answer)
{
    struct sv_flight *flight = errand->owner;

    if (flight->state == SV_FLIGHT_CALLED_OFF) {
        sv_flight_free_if_idle(flight);
        return;
    }
    if (!sv_checked_start(flight->resolver, errand, err == SV_OK ? answer : NULL, on_checked))
        end(flight);
}

static void on_answer(struct sv_errand *errand, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct sv_flight *flight = errand->owner;
    struct sv_plain *plain = flight->plain;

    if (flight->state == SV_FLIGHT_CALLED_OFF) {
        sv_flight_free_if_idle(flight);
        return;
    }
    flight->err = err;
    if (err == SV_OK) {
        plain->answer = sv_dns_answer_copy(answer);
        if (sv_unchecked_start(flight->resolver, errand, &plain->server, answer, on_unchecked))
            return;
    }
    end(flight);
}

void sv_plain_start(struct sv_flight *flight)
{
    struct sv_views_resolver *r = flight->resolver;
    struct sv_plain *plain = sv_alloc(1, sizeof(*plain));
    const struct sv_dns_answer *kept =
        sv_answers_find(&r->answers, &flight->question, sv_resolver_now(r));

    flight->plain = plain;
    if (kept != NULL) {
        plain->answer = sv_dns_answer_copy(kept);
        sv_flight_ready(flight);
        return;
    }
    plain->errand = (struct sv_errand){.owner = flight,
                                       .question = flight->question,
                                       .recursion = true,
                                       .servers = r->servers,
                                       .count = r->servers_count,
                                       .from = r->rotation++ % r->servers_count};
    plain->errand.question.how &= HOW_OF_RESOLVERS;
    sv_errand_start(&r->line, &plain->errand, on_answer);
}

void sv_plain_stop(struct sv_flight *flight)
{
    sv_errand_cancel(&flight->plain->errand);
}

bool sv_plain_is_idle(const struct sv_flight *flight)
{
    return !sv_errand_is_open(&flight->plain->errand);
}

void sv_plain_free(struct sv_flight *flight)
{
    sv_dns_answer_free(flight->plain->answer);
    free(flight->plain);
}
