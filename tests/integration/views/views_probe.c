/* Asks questions through sv_dns_resolver and prints the reports as one JSON object:
 *   views_probe --resolver ADDR [--root ADDR] [--allow-private] [--port N] [--total-ms N]
 *               [--try-ms N] HOW:TYPE:NAME ... [then HOW:TYPE:NAME ...]
 * HOW is plain, owned or seen (owned, and seen before). Questions on one side of a "then" are asked
 * at once, those behind it when the ones before have ended. --cancel-after N cancels every second
 * lookup after N turns of the loop, --close-after N closes the resolver; who got SV_ECANCELED has
 * no report then. {"reports": [...], "queries": [packets
 * over UDP of each wave], "log": what was written goes to stderr}. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/dns_resolver.h"

enum { WAVES_MAX = 8, LOOKUPS_MAX = 32 };

struct probe;

struct asking {
    struct probe *probe;
    struct sv_lookup lookup;
    unsigned wave;
    json_t *report;
};

struct probe {
    uv_loop_t loop;
    struct sv_rand rand;
    struct sv_dns *dns;
    struct sv_resolver *resolver;
    struct sv_dns_server resolvers[SV_DNS_SERVERS_MAX], roots[SV_DNS_SERVERS_MAX];
    struct sv_dns_options dns_options;
    struct sv_dns_resolver_options options;
    struct asking askings[LOOKUPS_MAX];
    size_t count, open;
    unsigned wave, waves;
    long cancel_after, close_after; /* turns; -1 = never */
    bool closing;
    json_t *queries;
    uint64_t queries_before;
};

static json_t *record_json(const struct sv_rr *rr)
{
    json_t *json = json_pack("{s:s, s:s, s:I}", "owner", rr->owner, "type",
                             sv_rr_type_name(rr->type), "ttl", (json_int_t)rr->ttl_s);

    if (rr->target != NULL)
        json_object_set_new(json, "target", json_string(rr->target));
    if (rr->text != NULL)
        json_object_set_new(json, "text", json_stringn((const char *)rr->text, rr->text_bytes));
    return json;
}

static json_t *answer_json(const struct sv_dns_answer *answer)
{
    json_t *records = json_array();

    for (size_t i = 0; i < answer->records_count; i++)
        json_array_append_new(records, record_json(&answer->records[i]));
    return json_pack("{s:s, s:s, s:i, s:b, s:i, s:s, s:s, s:I, s:s, s:o}", "outcome",
                     sv_dns_outcome_name(answer->outcome), "trouble",
                     sv_dns_trouble_name(answer->trouble), "rcode", answer->rcode, "aa", answer->aa,
                     "ede", (int)answer->ede - 1, "server", answer->server, "final_name",
                     answer->final_name, "ttl", (json_int_t)answer->ttl_s, "zone", answer->zone,
                     "records", records);
}

static json_t *cut_json(const struct sv_cut *cut)
{
    static const char *const states[] = {"unknown", "found", "nxdomain", "silent"};
    json_t *hosts;

    if (cut == NULL)
        return json_null();
    hosts = json_object();
    for (size_t i = 0; i < cut->hosts_count; i++) {
        const struct sv_cut_host *host = &cut->hosts[i];
        json_object_set_new(hosts, host->host,
                            json_pack("{s:b, s:b, s:b, s:b}", "at_parent", host->at_parent,
                                      "at_child", host->at_child, "without_address",
                                      host->without_address, "private", host->private_address));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:o}", "state", states[cut->state], "zone",
                     cut->zone, "parent", cut->parent, "missing", cut->missing, "child_listed",
                     cut->child_listed, "signed", cut->signed_at_parent, "hosts", hosts);
}

static json_t *views_json(const struct sv_dns_views *views)
{
    json_t *resolvers = json_array(), *servers = json_array();

    for (size_t i = 0; i < views->resolvers_count; i++)
        json_array_append_new(resolvers, answer_json(views->resolvers[i]));
    for (size_t i = 0; i < views->servers_count; i++) {
        const struct sv_server_view *server = &views->servers[i];
        json_array_append_new(servers, json_pack("{s:s, s:I, s:b, s:o}", "host", server->host,
                                                 "serial", (json_int_t)server->serial,
                                                 "without_tcp", server->answered_without_tcp,
                                                 "answer", answer_json(server->answer)));
    }
    return json_pack("{s:o, s:o, s:o, s:b, s:b}", "resolvers", resolvers, "servers", servers, "cut",
                     cut_json(views->cut), "closed", views->closed, "withheld", views->withheld);
}

static void on_closed(void *context)
{
    (void)context;
}

static void start_wave(struct probe *probe);

static void close_resolver(struct probe *probe)
{
    if (!probe->closing)
        sv_resolver_close(probe->resolver, on_closed, NULL);
    probe->closing = true;
}

static void end_wave(struct probe *probe)
{
    struct sv_dns_stats stats;

    sv_dns_stats(probe->dns, &stats);
    json_array_append_new(probe->queries,
                          json_integer((json_int_t)(stats.queries - probe->queries_before)));
    probe->queries_before = stats.queries;
    if (++probe->wave < probe->waves && !probe->closing)
        start_wave(probe);
    else
        close_resolver(probe);
}

static void on_done(struct sv_lookup *lookup, enum sv_err err, const struct sv_dns_views *views)
{
    struct asking *asking = lookup->owner;

    if (err != SV_OK && asking->probe->cancel_after < 0 && asking->probe->close_after < 0)
        abort();
    if (err == SV_OK)
        asking->report = views_json(views);
    if (--asking->probe->open == 0)
        end_wave(asking->probe);
}

static void start_wave(struct probe *probe)
{
    for (size_t i = 0; i < probe->count; i++) {
        struct asking *asking = &probe->askings[i];
        if (asking->wave != probe->wave)
            continue;
        probe->open++;
        if (sv_lookup_start(probe->resolver, &asking->lookup, on_done, NULL) != SV_OK)
            abort();
    }
}

static bool parse_question(struct probe *probe, const char *word)
{
    static const enum sv_rr_type types[] = {SV_RR_A,   SV_RR_NS,   SV_RR_CNAME, SV_RR_MX,
                                            SV_RR_TXT, SV_RR_AAAA, SV_RR_DS,    SV_RR_SOA};
    struct asking *asking = &probe->askings[probe->count];
    struct sv_dns_question *question = &asking->lookup.question;
    char how[8], type[8];

    if (probe->count == LOOKUPS_MAX ||
        sscanf(word, "%7[^:]:%7[^:]:%253s", how, type, question->name) != 3)
        return false;
    if (strcmp(how, "plain") != 0)
        question->how = SV_ASK_OWNED | (strcmp(how, "seen") == 0 ? SV_ASK_SEEN_BEFORE : 0);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(type, sv_rr_type_name(types[i])) == 0)
            question->type = types[i];
    asking->probe = probe;
    asking->lookup.owner = asking;
    asking->wave = probe->waves - 1;
    probe->count++;
    return question->type != SV_RR_NONE;
}

static bool parse_option(struct probe *probe, const char *name, const char *value)
{
    struct sv_dns_resolver_options *options = &probe->options;

    if (strcmp(name, "--resolver") == 0)
        return sv_dns_server_parse(value, &probe->resolvers[options->servers_count++], NULL) ==
               SV_OK;
    if (strcmp(name, "--root") == 0) {
        options->authority = true;
        return sv_dns_server_parse(value, &probe->roots[options->roots_count++], NULL) == SV_OK;
    }
    if (strcmp(name, "--port") == 0)
        options->authority_port = (uint16_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--total-ms") == 0)
        options->total_ms = strtol(value, NULL, 10);
    else if (strcmp(name, "--try-ms") == 0)
        options->try_ms = strtol(value, NULL, 10);
    else if (strcmp(name, "--cancel-after") == 0)
        probe->cancel_after = strtol(value, NULL, 10);
    else if (strcmp(name, "--close-after") == 0)
        probe->close_after = strtol(value, NULL, 10);
    else
        return false;
    return true;
}

static bool parse(struct probe *probe, int argc, char **argv)
{
    probe->waves = 1;
    probe->cancel_after = probe->close_after = -1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--allow-private") == 0)
            probe->options.allow_private = true;
        else if (strcmp(argv[i], "then") == 0)
            probe->waves++;
        else if (strncmp(argv[i], "--", 2) != 0
                     ? !parse_question(probe, argv[i])
                     : i + 1 == argc || !parse_option(probe, argv[i], argv[i + 1]))
            return false;
        else
            i += strncmp(argv[i], "--", 2) == 0;
    }
    return probe->options.servers_count > 0 && probe->count > 0;
}

static void open_all(struct probe *probe)
{
    (void)signal(SIGPIPE, SIG_IGN);
    sv_rand_system_init(&probe->rand);
    if (uv_loop_init(&probe->loop) != 0)
        abort();
    probe->dns_options.rand = &probe->rand;
    probe->dns_options.clock = sv_clock_system();
    probe->dns_options.total_ms = probe->options.total_ms;
    probe->dns_options.try_ms = probe->options.try_ms;
    probe->dns = sv_dns_new(&probe->loop, &probe->dns_options);
    probe->options.dns = probe->dns;
    probe->options.servers = probe->resolvers;
    probe->options.roots = probe->roots;
    probe->options.log = sv_log_new(2, SV_LOG_JSON, SV_LOG_INFO, sv_clock_system());
    probe->resolver = sv_dns_resolver_new(&probe->loop, &probe->options);
    probe->queries = json_array();
}

static void run(struct probe *probe)
{
    for (long turn = 0;; turn++) {
        if (turn == probe->cancel_after)
            for (size_t i = 0; i < probe->count; i += 2)
                if (probe->askings[i].lookup.resolver != NULL)
                    sv_lookup_cancel(&probe->askings[i].lookup);
        if (turn == probe->close_after)
            close_resolver(probe);
        if (uv_run(&probe->loop, UV_RUN_ONCE) == 0)
            return;
    }
}

int main(int argc, char **argv)
{
    static struct probe probe;
    json_t *reports = json_array(), *all;

    if (!parse(&probe, argc, argv)) {
        (void)fprintf(stderr, "views_probe: the words are not understood\n");
        return 64;
    }
    open_all(&probe);
    start_wave(&probe);
    run(&probe);
    sv_dns_close(probe.dns, on_closed, NULL);
    uv_run(&probe.loop, UV_RUN_DEFAULT);
    for (size_t i = 0; i < probe.count; i++)
        json_array_append_new(reports, probe.askings[i].report != NULL ? probe.askings[i].report
                                                                       : json_null());
    all = json_pack("{s:o, s:o}", "reports", reports, "queries", probe.queries);
    json_dumpf(all, stdout, JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    json_decref(all);
    sv_log_free((struct sv_log *)probe.options.log);
    return uv_loop_close(&probe.loop) == 0 ? 0 : 70;
}
