/* `sesverify check DOMAIN`: one look at DNS; needs neither Redis nor an account. */
#include <string.h>

#include "commands.h"
#include "exit.h"
#include "look.h"
#include "setup.h"
#include "show.h"
#include "sv/aws_ses.h"
#include "sv/cloudevent.h"
#include "sv/json.h"
#include "text.h"

/* 392 characters are a key of 2048 bits, the longest that SES takes. */
enum { TOKEN_BYTES_MAX = 64, PUBLIC_KEY_BYTES_MAX = 480 };

/* What was asked for, checked. */
struct request {
    const struct sv_args *args;
    char domain[SV_NAME_BYTES], registrable[SV_NAME_BYTES];
    char mail_from[SV_NAME_BYTES], zone[SV_NAME_BYTES];
    bool has_registrable;
    struct sv_expect expect;
    const char *entered[SV_SEEN_NAMES_MAX];
    struct sv_dns_server servers[SV_DNS_SERVERS_MAX];
    size_t servers_count;
    struct sv_dns_server former[SV_VIEWS_FORMER_MAX];
    size_t former_count;
    const char *not_checked[4];
    size_t not_checked_count;
    sv_ms now;
};

static bool is_word(const char *text, const char *allowed, size_t bytes_max)
{
    size_t len = strlen(text);

    return len > 0 && len <= bytes_max && strspn(text, allowed) == len;
}

static int usage(const struct sv_args *args, const char *text)
{
    sv_setup_complain(args, "%s", text);
    return SV_EXIT_USAGE;
}

static int read_tokens(struct request *request)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const char *tokens[SV_DKIM_TOKENS_MAX + 1];
    size_t count =
        sv_args_values(request->args, "token", tokens, sizeof(tokens) / sizeof(tokens[0]));

    if (count > SV_DKIM_TOKENS_MAX)
        return usage(request->args, "SES gives three DKIM tokens, not more");
    for (size_t i = 0; i < count; i++) {
        if (!is_word(tokens[i], letters, TOKEN_BYTES_MAX)) {
            sv_setup_complain(request->args, "'%.80s' is no DKIM token", tokens[i]);
            return SV_EXIT_DATA;
        }
        request->expect.dkim_tokens[i] = tokens[i];
    }
    request->expect.dkim_tokens_count = count;
    return SV_EXIT_OK;
}

/* SES's DKIM zone and feedback host depend on the region. */
static int read_region(struct request *request)
{
    const struct sv_args *args = request->args;
    struct sv_expect *expect = &request->expect;
    const char *zone = sv_args_value(args, "zone", NULL);
    const char *region = sv_args_value(args, "region", NULL);
    struct sv_errinfo info;

    if (region == NULL)
        region = sv_environment_find(args->environment, "AWS_REGION");
    if (region == NULL)
        region = sv_environment_find(args->environment, "AWS_DEFAULT_REGION");
    if (region != NULL && !is_word(region, "abcdefghijklmnopqrstuvwxyz0123456789-", 40))
        return usage(args, "--region is an AWS region such as eu-west-1");
    expect->region = region != NULL ? region : "";
    if (zone != NULL) {
        if (sv_name_normalize(zone, strlen(zone), request->zone, &info) != SV_OK) {
            sv_setup_complain(args, "--zone: %s", info.text);
            return SV_EXIT_DATA;
        }
        expect->dkim_zone = request->zone;
    } else if (region != NULL) {
        expect->dkim_zone = sv_aws_ses_dkim_zone(region);
    }
    if (expect->dkim_tokens_count > 0 && expect->dkim_zone == NULL)
        return usage(args, "with --token SES's DKIM zone is needed: a known --region, or --zone");
    return SV_EXIT_OK;
}

static int read_mail_from(struct request *request)
{
    const char *given = sv_args_value(request->args, "mail-from", NULL);
    struct sv_errinfo info;

    if (given == NULL)
        return SV_EXIT_OK;
    if (*request->expect.region == '\0')
        return usage(request->args, "with --mail-from the --region is needed");
    /* A name outside the domain is judged, not refused: somebody may have entered it at SES. */
    if (sv_mail_from_name(request->domain, given, request->mail_from, &info) != SV_OK &&
        sv_name_normalize(given, strlen(given), request->mail_from, NULL) != SV_OK) {
        sv_setup_complain(request->args, "--mail-from: %s", info.text);
        return SV_EXIT_DATA;
    }
    request->expect.mail_from = request->mail_from;
    return SV_EXIT_OK;
}

static int read_servers(struct request *request, const struct sv_config *config)
{
    const char *given[SV_DNS_SERVERS_MAX];
    size_t count = sv_args_values(request->args, "server", given, SV_DNS_SERVERS_MAX);
    struct sv_errinfo info;

    for (size_t i = 0; i < count; i++) {
        if (sv_dns_server_parse(given[i], &request->servers[i], &info) != SV_OK) {
            sv_setup_complain(request->args, "--server: %s", info.text);
            return SV_EXIT_USAGE;
        }
    }
    for (size_t i = 0; count == 0 && i < config->dns.servers.count; i++) {
        if (sv_dns_server_parse(config->dns.servers.items[i], &request->servers[i], &info) != SV_OK)
            return SV_EXIT_CONFIG; /* cannot be: the configuration was checked */
    }
    request->servers_count = count > 0 ? count : config->dns.servers.count;
    if (request->servers_count == 0 &&
        sv_dns_servers_of_system(NULL, request->servers, SV_DNS_SERVERS_MAX,
                                 &request->servers_count, &info) != SV_OK) {
        sv_setup_complain(request->args, "no resolver: %s (use --server)", info.text);
        return SV_EXIT_UNAVAILABLE;
    }
    return SV_EXIT_OK;
}

static int read_ownership(struct request *request)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=-_";
    const char *token = sv_args_value(request->args, "ownership", NULL);

    if (token != NULL && !is_word(token, letters, 128)) {
        sv_setup_complain(request->args, "'%.80s' is no ownership token", token);
        return SV_EXIT_DATA;
    }
    request->expect.ownership_token = token;
    return SV_EXIT_OK;
}

/* BYODKIM: the client's own key instead of SES's three. */
static int read_own_key(struct request *request)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=";
    const struct sv_args *args = request->args;
    const char *selector = sv_args_value(args, "selector", NULL);
    const char *key = sv_args_value(args, "public-key", NULL);

    if (selector == NULL && key == NULL)
        return SV_EXIT_OK;
    if (selector == NULL || key == NULL)
        return usage(args, "--selector and --public-key go together");
    if (request->expect.dkim_tokens_count > 0)
        return usage(args, "--token is for SES's own keys, --selector for the client's: not both");
    if (!is_word(selector, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", 63) ||
        selector[0] == '-' || selector[strlen(selector) - 1] == '-') {
        sv_setup_complain(args, "'%.80s' is no selector", selector);
        return SV_EXIT_DATA;
    }
    if (!is_word(key, letters, PUBLIC_KEY_BYTES_MAX)) {
        sv_setup_complain(args,
                          "--public-key is base64 in one line, of a key of 1024 to 2048 bits");
        return SV_EXIT_DATA;
    }
    request->expect.byodkim_selector = selector;
    request->expect.byodkim_key = key;
    return SV_EXIT_OK;
}

static void note_not_checked(struct request *request)
{
    const struct sv_expect *expect = &request->expect;

    if (expect->dkim_tokens_count < SV_DKIM_TOKENS_MAX && expect->byodkim_selector == NULL)
        request->not_checked[request->not_checked_count++] = "dkim";
    if (expect->mail_from == NULL)
        request->not_checked[request->not_checked_count++] = "mail_from";
    if (expect->ownership_token == NULL)
        request->not_checked[request->not_checked_count++] = "ownership";
}

/* Whether there is something to discover: a record of SES's that nobody told us to expect. */
static bool is_left_open(const struct request *request)
{
    for (size_t i = 0; i < request->not_checked_count; i++) {
        if (strcmp(request->not_checked[i], "ownership") != 0)
            return true;
    }
    return false;
}

/* Names as they stand in the client's panel: full ones. */
static int read_entered(struct request *request)
{
    size_t count = sv_args_values(request->args, "entered", request->entered, SV_SEEN_NAMES_MAX);

    for (size_t i = 0; i < count; i++) {
        if (strlen(request->entered[i]) >= SV_NAME_BYTES) {
            sv_setup_complain(request->args, "--entered: a name has at most 253 characters");
            return SV_EXIT_DATA;
        }
    }
    request->expect.seen_names = request->entered;
    request->expect.seen_names_count = count;
    return SV_EXIT_OK;
}

/* Where the domain was served before: the client may still enter records there. */
static int read_former(struct request *request)
{
    const char *words[SV_VIEWS_FORMER_MAX + 1];
    size_t count =
        sv_args_values(request->args, "former-server", words, sizeof(words) / sizeof(words[0]));
    struct sv_errinfo info;

    if (count > SV_VIEWS_FORMER_MAX)
        return usage(request->args, "--former-server: at most four");
    for (size_t i = 0; i < count; i++) {
        if (sv_dns_server_parse(words[i], &request->former[i], &info) != SV_OK) {
            sv_setup_complain(request->args, "--former-server: %s", info.text);
            return SV_EXIT_USAGE;
        }
    }
    request->former_count = count;
    return SV_EXIT_OK;
}

static int read_request(struct request *request, const struct sv_config *config)
{
    const struct sv_args *args = request->args;
    int code = sv_setup_domain(args, args->operands[0], request->domain);

    if (code == SV_EXIT_OK)
        code = read_tokens(request);
    if (code == SV_EXIT_OK)
        code = read_own_key(request);
    if (code == SV_EXIT_OK)
        code = read_region(request);
    if (code == SV_EXIT_OK)
        code = read_mail_from(request);
    if (code == SV_EXIT_OK)
        code = read_ownership(request);
    if (code == SV_EXIT_OK)
        code = read_entered(request);
    if (code == SV_EXIT_OK)
        code = read_servers(request, config);
    if (code == SV_EXIT_OK)
        code = read_former(request);
    if (code != SV_EXIT_OK)
        return code;
    request->expect.domain = request->domain;
    request->expect.seen_before = sv_args_has(args, "seen");
    request->expect.dmarc_policy = config->records.dmarc;
    request->expect.is_feedback_host = sv_aws_ses_is_feedback_host;
    request->has_registrable = sv_name_registrable(request->domain, request->registrable) == SV_OK;
    note_not_checked(request);
    request->expect.discover = is_left_open(request);
    request->now = sv_clock_system()->wall(sv_clock_system()->context);
    return SV_EXIT_OK;
}

/* Wrong wins over undecidable: what is wrong is wrong whatever else is to be found out. */
static int judge_exit(const struct sv_report *report)
{
    int code = SV_EXIT_OK;

    for (size_t i = 0; i < report->findings_count; i++) {
        if (report->findings[i].severity == SV_ERROR)
            return SV_EXIT_WRONG;
    }
    for (size_t i = 0; i < report->records_count; i++) {
        if (report->statuses[i] == SV_RECORD_WRONG)
            return SV_EXIT_WRONG;
        if (report->statuses[i] != SV_RECORD_OK)
            code = SV_EXIT_TEMPORARY;
    }
    return code;
}

static bool is_only_waiting(const struct sv_report *report)
{
    for (size_t i = 0; i < report->records_count; i++) {
        if (report->statuses[i] != SV_RECORD_OK && report->statuses[i] != SV_RECORD_WAITING)
            return false;
    }
    return true;
}

static const char *view_of(const struct request *request, const struct sv_evidence *by)
{
    struct sv_dns_server server;

    if (sv_dns_server_parse(by->server, &server, NULL) != SV_OK)
        return "resolver";
    for (size_t i = 0; i < request->servers_count; i++) {
        if (memcmp(&server, &request->servers[i], sizeof(server)) == 0)
            return "resolver";
    }
    return "authoritative";
}

static json_t *record_json(const struct request *request, const struct sv_report *report, size_t i)
{
    const struct sv_evidence *by = &report->seen_by[i];
    bool asked = by->server[0] != '\0';
    json_t *out = sv_json_record(&report->records[i], report->statuses[i]);

    sv_json_set_str(out, "seen", report->seen[i]);
    sv_json_set_str(out, "seen_by", asked ? by->server : NULL);
    sv_json_set_str(out, "view", asked ? view_of(request, by) : NULL);
    sv_json_set(out, "evidence", sv_json_evidence(by));
    return out;
}

/* When the last resolver that was asked has forgotten what is wrong now; 0 = none holds any of it.
 */
static sv_ms wrong_cached_until(const struct request *request, const struct sv_report *report)
{
    sv_ms until = 0;

    for (size_t i = 0; i < report->records_count; i++) {
        const struct sv_evidence *by = &report->seen_by[i];
        sv_ms end = by->at + by->ttl_s * SV_SECOND;

        if (report->statuses[i] == SV_RECORD_WRONG && by->server[0] != '\0' && by->ttl_s > 0 &&
            strcmp(view_of(request, by), "resolver") == 0 && end > until)
            until = end;
    }
    return until;
}

static json_t *forecast_json(const struct request *request, const struct sv_report *report,
                             const json_t *findings)
{
    json_t *out = sv_json_array();
    sv_ms now = request->now;

    sv_show_foresee_findings(out, findings, now);
    sv_show_foresee(out, now, wrong_cached_until(request, report), "wrong_cached",
                    "until then resolvers may remember what is wrong now");
    sv_show_foresee(out, now, report->required_seen_everywhere_at, "dkim_seen_everywhere",
                    "by then every resolver sees the DKIM records");
    sv_show_foresee(out, now, report->required_cached_until, "dkim_cached",
                    "until then resolvers may remember the DKIM records that are gone");
    return out;
}

/* Why it cannot be decided, where the judge knows; NULL otherwise. */
static const char *untold_of(const struct sv_report *report, int code)
{
    bool told = code != SV_EXIT_TEMPORARY || report->untold == SV_UNTOLD_NONE;

    return told ? NULL : sv_untold_name(report->untold);
}

/* Everything that is told, for people and programs alike; sesverify.check.v1. */
static json_t *tell(const struct request *request, const struct sv_report *report, int code)
{
    json_t *object = sv_json_object(), *records = sv_json_array(), *not_checked = sv_json_array();
    json_t *findings = sv_json_findings(report->findings, report->findings_count, request->domain);
    int primary = sv_show_primary(findings);

    for (size_t i = 0; i < report->records_count; i++)
        sv_json_append(records, record_json(request, report, i));
    for (size_t i = 0; i < request->not_checked_count; i++)
        sv_json_append(not_checked, json_string(request->not_checked[i]));
    sv_json_set_str(object, "schema", "sesverify.check.v1");
    sv_json_set_str(object, "domain", request->domain);
    sv_json_set(object, "checked_at", sv_json_time(request->now));
    sv_json_set_str(object, "verdict", sv_text_verdict(code));
    sv_json_set(object, "records", records);
    sv_json_set(object, "not_checked", not_checked);
    sv_json_set_str(object, "primary",
                    primary < 0 ? NULL : sv_finding_name(report->findings[primary].code));
    sv_json_set(object, "forecast", forecast_json(request, report, findings));
    sv_json_set(object, "findings", findings);
    sv_json_set_int(object, "findings_omitted", (long long)report->findings_omitted);
    sv_json_set_int(object, "findings_hidden", (long long)report->findings_hidden);
    sv_json_set(object, "spf_configured", sv_json_tri(report->spf_configured));
    sv_json_set(object, "dmarc_configured", sv_json_tri(report->dmarc_configured));
    sv_json_set(object, "meets_bulk_sender_requirements",
                sv_json_tri(report->meets_bulk_sender_requirements));
    sv_json_set(object, "spf", sv_show_spf_json(&report->spf));
    sv_json_set(object, "dmarc", sv_show_dmarc_json(&report->dmarc));
    sv_json_set(object, "bulk", sv_show_bulk_json(&report->bulk));
    sv_json_set_bool(object, "authority_closed", report->authority_closed);
    sv_json_set_str(object, "untold", untold_of(report, code));
    sv_json_set(object, "discovered",
                request->expect.discover ? sv_show_discovery_json(&report->discovery)
                                         : json_null());
    return object;
}

static void print_not_checked(const struct request *request)
{
    static const struct {
        const char *key, *name, *hint;
    } hints[] = {
        {"dkim", "DKIM", "give SES's three tokens: --token T"},
        {"mail_from", "MAIL FROM", "give --mail-from when there is a custom one"},
        {"ownership", "ownership", "give --ownership TOKEN where SES's legacy TXT is used"},
    };

    for (size_t i = 0; i < request->not_checked_count; i++) {
        for (size_t h = 0; h < sizeof(hints) / sizeof(hints[0]); h++) {
            if (strcmp(hints[h].key, request->not_checked[i]) == 0)
                (void)printf("  not checked: %s (%s)\n", hints[h].name, hints[h].hint);
        }
    }
}

/* The answer, and what it is owed to. */
static void print_verdict(const struct sv_show *show, const struct request *request,
                          const struct sv_report *report, const json_t *told, int code)
{
    const char *why = sv_json_str(told, "primary");

    if (code == SV_EXIT_OK)
        why = NULL;
    else if (code == SV_EXIT_TEMPORARY && is_only_waiting(report))
        why = "right at the source, not yet seen everywhere";
    else if (untold_of(report, code) != NULL)
        why = untold_of(report, code);
    sv_show_text(show, SV_BOLD, request->domain);
    (void)printf(": ");
    sv_show_text(show, sv_text_colour_of_verdict(code), sv_text_verdict(code));
    (void)printf("%s%s%s\n", why != NULL ? " (" : "", why != NULL ? why : "",
                 why != NULL ? ")" : "");
}

static void print_text(const struct request *request, const struct sv_report *report,
                       const json_t *told, int code)
{
    const json_t *records = json_object_get(told, "records");
    struct sv_show show = {.out = stdout,
                           .colour = sv_term_wants_colour(stdout, request->args->environment),
                           .now = request->now};
    const struct sv_show_more more = {.omitted = report->findings_omitted,
                                      .hidden = report->findings_hidden,
                                      .right = code == SV_EXIT_OK};
    char when[SV_TIME_TEXT_BYTES];

    print_verdict(&show, request, report, told, code);
    (void)sv_time_format(request->now, when);
    (void)printf("DNS as it was on %.10s at %.8s UTC\n", when, when + 11);
    if (report->authority_closed)
        (void)printf("Port 53 to the outside is closed here: only resolvers could be asked, "
                     "and they may be late.\n");
    sv_show_head(&show, "Records");
    for (size_t i = 0; i < json_array_size(records); i++)
        sv_show_record(&show, json_array_get(records, i));
    print_not_checked(request);
    if (request->expect.discover)
        sv_show_discovery(&show, &report->discovery);
    sv_show_findings(&show, json_object_get(told, "findings"), records, &more);
    sv_show_spf(&show, &report->spf);
    sv_show_dmarc(&show, &report->dmarc);
    sv_show_bulk(&show, &report->bulk);
    sv_show_forecast(&show, json_object_get(told, "forecast"));
}

static int look(const struct request *request, const struct sv_config *config, sv_ms patience_ms)
{
    struct sv_judge *judge =
        sv_judge_new(&request->expect, request->has_registrable ? request->registrable : NULL);
    struct sv_look_options options = {
        .config = config,
        .servers = request->servers,
        .servers_count = request->servers_count,
        .former = request->former,
        .former_count = request->former_count,
        .patience_ms = patience_ms,
    };
    struct sv_errinfo info;
    int code;

    if (sv_look(judge, &options, &info) == SV_OK) {
        const struct sv_report *report = sv_judge_report(judge);

        json_t *told;

        code = judge_exit(report);
        told = tell(request, report, code);
        if (sv_args_has(request->args, "json"))
            sv_text_print_json(json_incref(told));
        else
            print_text(request, report, told, code);
        json_decref(told);
    } else {
        sv_setup_complain(request->args, "%s", info.text);
        code = SV_EXIT_OS;
    }
    sv_judge_free(judge);
    return code;
}

static int run(const struct sv_args *args)
{
    const char *patience = sv_args_value(args, "timeout", "20s");
    struct request request = {.args = args};
    struct sv_config *config = NULL;
    sv_ms patience_ms = 0;
    int code;

    if (sv_duration_parse(patience, strlen(patience), &patience_ms) != SV_OK)
        return usage(args, "--timeout is a duration with its unit, such as 20s");
    code = sv_setup_config(args, &config, NULL);
    if (code == SV_EXIT_OK)
        code = read_request(&request, config);
    if (code == SV_EXIT_OK)
        code = look(&request, config, patience_ms);
    sv_config_free(config);
    return code;
}

static const struct sv_option options[] = {
    {"token", "TOKEN", true, "one of SES's three DKIM tokens"},
    {"zone", "NAME", false, "SES's DKIM zone (default: that of the region)"},
    {"region", "REGION", false, "AWS region (default: AWS_REGION)"},
    {"mail-from", "NAME", false, "custom MAIL FROM: full name or bare label"},
    {"selector", "NAME", false, "selector of the client's own DKIM key (BYODKIM)"},
    {"public-key", "BASE64", false, "that key, in one line"},
    {"entered", "NAME", true, "a full name as the client's panel has it, to find typing errors"},
    {"seen", NULL, false, "its records were right before: ask resolvers too for what is absent"},
    {"ownership", "TOKEN", false, "SES's legacy _amazonses token"},
    {"server", "ADDR[:PORT]", true, "resolver to ask (default: dns.servers, then the system's)"},
    {"former-server", "ADDR[:PORT]", true,
     "name server the domain had before: are its records there?"},
    {"timeout", "DURATION", false, "for all questions together (default 20s)"},
    {.name = NULL},
};

const struct sv_command sv_command_check = {
    .name = "check",
    .operands = "DOMAIN",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "look at a domain's DNS once; no Redis, no account",
    .details =
        "Tells each record as expected, as seen and by whom, what is wrong and how to repair it,\n"
        "the SPF tree, the way to the DMARC policy, and until when caches remember.\n"
        "Exit code 0 when everything that was checked is right, 1 when something is wrong,\n"
        "75 when it cannot be decided now, 65 for a name that is none.",
    .options = options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify check example.com --region eu-west-1 --mail-from bounce",
                 "sesverify check example.com --server 9.9.9.9 --json"},
    .run = run,
};
