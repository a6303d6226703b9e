/* One question to resolvers, and why when the answer is SERVFAIL.
 *
 * A resolver that says SERVFAIL is asked again with checking disabled (dns-auth section 2.6). When
 * it has an answer then, it is asked a third time with checking: a resolver that only stumbled
 * answers now, and its answer counts; SERVFAIL once more means that validation is what fails. What
 * the first reply said (its extended error) is kept. */
#include "resolver_parts.h"

enum { HOW_OF_RESOLVERS = SV_ASK_DNSSEC | SV_ASK_UNCHECKED };

static void on_first(struct sv_errand *errand, enum sv_err err, const struct sv_dns_answer *answer);

/* Asks only the one that said SERVFAIL; false when that leads nowhere. */
static bool ask_again(struct sv_ask *ask, sv_errand_done_fn *done)
{
    if (ask->stopped || ask->resolver->closing)
        return false;
    ask->errand.servers = &ask->server;
    ask->errand.count = 1;
    ask->errand.from = 0;
    ask->errand.question.how ^= SV_ASK_UNCHECKED;
    sv_errand_start(&ask->resolver->line, &ask->errand, done);
    return true;
}

static void on_third(struct sv_errand *errand, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct sv_ask *ask = errand->owner;

    if (err == SV_OK && sv_answer_is_usable(answer)) {
        sv_dns_answer_free(ask->answer);
        ask->answer = sv_dns_answer_copy(answer);
    } else if (err == SV_OK && answer->trouble == SV_DNS_SERVFAIL) {
        ask->answer->trouble = SV_DNS_BOGUS;
    }
    ask->done(ask, SV_OK);
}

static void on_second(struct sv_errand *errand, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct sv_ask *ask = errand->owner;

    if (err == SV_OK && sv_answer_is_usable(answer) && ask_again(ask, on_third))
        return;
    ask->done(ask, SV_OK);
}

static void on_first(struct sv_errand *errand, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct sv_ask *ask = errand->owner;

    if (err != SV_OK) {
        ask->done(ask, err);
        return;
    }
    ask->answer = sv_dns_answer_copy(answer);
    if (answer->trouble == SV_DNS_SERVFAIL && !(errand->question.how & SV_ASK_UNCHECKED) &&
        sv_dns_server_parse(answer->server, &ask->server, NULL) == SV_OK &&
        ask_again(ask, on_second))
        return;
    ask->done(ask, SV_OK);
}

void sv_ask_start(struct sv_views_resolver *r, struct sv_ask *ask,
                  const struct sv_dns_question *question, sv_ask_done_fn *done)
{
    ask->resolver = r;
    ask->done = done;
    ask->errand.owner = ask;
    ask->errand.recursion = true;
    ask->errand.question = *question;
    ask->errand.question.how &= HOW_OF_RESOLVERS;
    sv_errand_start(&r->line, &ask->errand, on_first);
}

void sv_ask_cancel(struct sv_ask *ask)
{
    ask->stopped = true;
    sv_errand_cancel(&ask->errand);
}
