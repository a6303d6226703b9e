/* Asks one question through sv_dns and prints the answer as JSON:
 *   dns_probe NAME TYPE --server ADDR:PORT [--no-recursion] [--dnssec] [--try-ms N] [--total-ms N]
 * TYPE is a name that sv_rr_type_name knows, or a number. Exit code 0 when an answer came, whatever
 * it says. */
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

#include "sv/dns.h"
#include "sv/rand.h"
#include "sv/rr.h"
#include "sv/time.h"

struct probe {
    struct sv_dns_question question;
    struct sv_dns_server servers[SV_DNS_SERVERS_MAX];
    size_t servers_count;
    bool recursion;
    struct sv_dns_options options;
    struct sv_rand rand;
    struct sv_dns *dns;
    struct sv_dns_query query;
};

static enum sv_rr_type type_of(const char *text)
{
    static const enum sv_rr_type types[] = {
        SV_RR_A,    SV_RR_NS, SV_RR_CNAME, SV_RR_SOA,  SV_RR_MX,     SV_RR_TXT,
        SV_RR_AAAA, SV_RR_DS, SV_RR_RRSIG, SV_RR_NSEC, SV_RR_DNSKEY, SV_RR_SPF,
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcasecmp(text, sv_rr_type_name(types[i])) == 0)
            return types[i];
    return (enum sv_rr_type)strtoul(text, NULL, 10);
}

/* Octets as a string of Latin-1 letters: JSON holds no bytes. */
static json_t *text_json(const uint8_t *text, size_t len)
{
    char *utf8 = malloc(2 * len + 1);
    size_t at = 0;
    json_t *json;

    if (utf8 == NULL)
        abort();
    for (size_t i = 0; i < len; i++) {
        if (text[i] < 0x80) {
            utf8[at++] = (char)text[i];
            continue;
        }
        utf8[at++] = (char)(0xc0 | text[i] >> 6);
        utf8[at++] = (char)(0x80 | (text[i] & 0x3f));
    }
    json = json_stringn(utf8, at);
    free(utf8);
    return json;
}

static json_t *record_json(const struct sv_rr *rr)
{
    json_t *json = json_pack("{s:s, s:i, s:I}", "owner", rr->owner, "type", (int)rr->type, "ttl",
                             (json_int_t)rr->ttl_s);
    char address[64];

    if (rr->type == SV_RR_MX)
        json_object_set_new(json, "preference", json_integer(rr->preference));
    if (rr->rdata != NULL)
        json_object_set_new(json, "rdata_bytes", json_integer((json_int_t)rr->rdata_bytes));
    if (rr->target != NULL)
        json_object_set_new(json, "target", json_string(rr->target));
    if (rr->text != NULL)
        json_object_set_new(json, "text", text_json(rr->text, rr->text_bytes));
    if (rr->type == SV_RR_A && uv_inet_ntop(AF_INET, rr->address, address, sizeof(address)) == 0)
        json_object_set_new(json, "address", json_string(address));
    if (rr->type == SV_RR_AAAA &&
        uv_inet_ntop(AF_INET6, rr->address, address, sizeof(address)) == 0)
        json_object_set_new(json, "address", json_string(address));
    return json;
}

static json_t *records_json(const struct sv_rr *records, size_t count)
{
    json_t *json = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(json, record_json(&records[i]));
    return json;
}

static void on_closed(void *context)
{
    (void)context;
}

static void on_done(struct sv_dns_query *query, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct probe *probe = query->owner;
    struct sv_dns_stats stats;
    json_t *records = records_json(answer->records, answer->records_count);
    json_t *json;

    if (err != SV_OK)
        abort();
    sv_dns_stats(probe->dns, &stats);
    json = json_pack(
        "{s:s, s:s, s:i, s:b, s:b, s:b, s:b, s:i, s:s, s:I, s:s, s:o, s:I, s:I, s:I, s:I}",
        "outcome", sv_dns_outcome_name(answer->outcome), "trouble",
        sv_dns_trouble_name(answer->trouble), "rcode", answer->rcode, "aa", answer->aa, "ad",
        answer->ad, "tc", answer->tc, "tcp", answer->tcp, "ede", answer->ede, "server",
        answer->server, "ttl", (json_int_t)answer->ttl_s, "final_name", answer->final_name,
        "records", records, "mismatches", (json_int_t)stats.mismatches, "queries",
        (json_int_t)stats.queries, "tcp_queries", (json_int_t)stats.tcp_queries, "timeouts",
        (json_int_t)stats.timeouts);
    if (json == NULL)
        abort();
    json_object_set_new(json, "zone", json_string(answer->zone));
    json_object_set_new(json, "serial", json_integer(answer->serial));
    json_object_set_new(json, "referral", records_json(answer->referral, answer->referral_count));
    json_dumpf(json, stdout, JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    (void)putchar('\n');
    json_decref(json);
    sv_dns_close(probe->dns, on_closed, NULL);
}

static int usage(const char *why)
{
    (void)fprintf(stderr, "dns_probe: %s\n", why);
    return 64;
}

static int parse(struct probe *probe, int argc, char **argv)
{
    struct sv_errinfo info;

    if (argc < 3 || strlen(argv[1]) >= sizeof(probe->question.name))
        return usage("wants NAME TYPE --server ADDR:PORT");
    (void)snprintf(probe->question.name, sizeof(probe->question.name), "%s", argv[1]);
    probe->question.type = type_of(argv[2]);
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--no-recursion") == 0) {
            probe->recursion = false;
            continue;
        }
        if (strcmp(argv[i], "--dnssec") == 0) {
            probe->question.how |= SV_ASK_DNSSEC;
            continue;
        }
        if (i + 1 == argc)
            return usage("an option wants a value");
        if (strcmp(argv[i], "--try-ms") == 0) {
            probe->options.try_ms = strtol(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--total-ms") == 0) {
            probe->options.total_ms = strtol(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--server") == 0 && probe->servers_count < SV_DNS_SERVERS_MAX) {
            if (sv_dns_server_parse(argv[++i], &probe->servers[probe->servers_count++], &info) !=
                SV_OK)
                return usage(info.text);
        } else {
            return usage("unknown option");
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct probe probe = {.recursion = true};
    struct sv_dns_ask ask = {.question = &probe.question, .servers = probe.servers};
    struct sv_errinfo info;
    uv_loop_t loop;
    int refused = parse(&probe, argc, argv);

    if (refused != 0)
        return refused;
    (void)signal(SIGPIPE, SIG_IGN);
    sv_rand_system_init(&probe.rand);
    probe.options.rand = &probe.rand;
    probe.options.clock = sv_clock_system();
    ask.servers_count = probe.servers_count;
    ask.recursion = probe.recursion;
    if (uv_loop_init(&loop) != 0)
        abort();
    probe.dns = sv_dns_new(&loop, &probe.options);
    probe.query.owner = &probe;
    if (sv_dns_start(probe.dns, &probe.query, &ask, on_done, &info) != SV_OK) {
        sv_dns_close(probe.dns, on_closed, NULL);
        (void)usage(info.text);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 ? 0 : 70;
}
