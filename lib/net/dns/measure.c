/* What the metrics show of DNS: every query once, by how it ended. */
#include "dns_internal.h"

#include "sv/metrics.h"

static const char *word_of_rcode(unsigned rcode)
{
    static const char *const words[] = {"noerror",  "formerr", "servfail",
                                        "nxdomain", "notimp",  "refused"};

    return rcode < sizeof words / sizeof *words ? words[rcode] : "other";
}

static const char *word_of_end(const struct sv_dns_answer *answer)
{
    if (answer == NULL)
        return "error";
    switch (answer->trouble) {
    case SV_DNS_TIMEOUT:
        return "timeout";
    case SV_DNS_NETWORK:
    case SV_DNS_TCP_FAILED:
    case SV_DNS_MALFORMED:
        return "error";
    case SV_DNS_NO_TROUBLE:
    case SV_DNS_SERVFAIL:
    case SV_DNS_REFUSED:
    case SV_DNS_OTHER_RCODE:
    case SV_DNS_LAME:
    case SV_DNS_ALIAS_TOO_LONG:
    case SV_DNS_ALIAS_LOOP:
    case SV_DNS_ALIAS_ELSEWHERE:
    case SV_DNS_REFERRED:
    case SV_DNS_BOGUS:
        break;
    }
    return word_of_rcode(answer->rcode);
}

void sv_dns_measure(const struct sv_dns_exchange *exchange)
{
    struct sv_metrics *metrics = exchange->dns->options.metrics;
    const struct sv_dns_answer *answer =
        exchange->answer != NULL ? exchange->answer : exchange->failure;
    const char *transport = answer != NULL && answer->tcp ? "tcp" : "udp";
    sv_ms took_ms = sv_dns_now(exchange->dns) - exchange->started_at;

    sv_metrics_add(
        metrics, SV_METRIC_DNS_QUERIES, 1,
        SV_LABELS(sv_rr_type_name(exchange->question.type), word_of_end(answer), transport));
    sv_metrics_observe(metrics, SV_METRIC_DNS_DURATION, (double)took_ms / 1000,
                       SV_LABELS(transport));
}
