/* Runs tables of whole domains (README.md): what each server and resolver answers and what SES says
 * go to the judge and to the status machine, as the driver hands them over; what comes out is
 * compared. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/json.h"
#include "sv/observe.h"

#include "scenario.h"
#include "tally.h"

enum { TEXT_BYTES = 16384 };

#define START ((sv_ms)1764288000000) /* 2025-11-28 00:00 UTC */

/* One case: what stays the same over its looks. */
struct story {
    struct tally *tally;
    const json_t *test;
    struct sv_domain domain;
    struct sv_policy policy;
};

static void compare(struct tally *tally, const char *what, const char *wanted, const char *got)
{
    if (strcmp(wanted, got) == 0)
        return;
    printf("%s: %s, look %zu: %s\n  wanted %s\n  got    %s\n", tally->file, tally->name,
           tally->look, what, wanted, got);
    tally->bad = true;
}

static bool flag_of(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* Lines of DNS as one text; the words of `places` stand for several lines. */
static void read_lines(const struct tally *tally, const json_t *list, struct sv_buf *out)
{
    static const char *const places[][2] = {
        {"@dkim", DKIM_RIGHT},   {"@spf", SPF_RIGHT}, {"@dmarc", DMARC_RIGHT}, {"@mx", MX_RIGHT},
        {"@mail_spf", MAIL_SPF}, {"@all", ALL_RIGHT}, {"@mail", MAIL_RIGHT},
    };
    const json_t *line;
    size_t i;

    if (list != NULL && !json_is_array(list))
        tally_refuse(tally, "must be a list of lines", "dns");
    json_array_foreach(list, i, line)
    {
        const char *text = json_string_value(line);
        size_t place = 0;
        if (text == NULL)
            tally_refuse(tally, "must hold lines of text", "dns");
        while (place < sizeof(places) / sizeof(*places) && strcmp(places[place][0], text) != 0)
            place++;
        if (place == sizeof(places) / sizeof(*places) && text[0] == '@')
            tally_refuse(tally, "stands for nothing", text);
        if (!sv_buf_add_str(out,
                            place < sizeof(places) / sizeof(*places) ? places[place][1] : text) ||
            !sv_buf_add_str(out, "\n"))
            tally_refuse(tally, "is too long", "dns");
    }
}

static void read_cut(const struct tally *tally, const json_t *object, struct sv_cut *cut,
                     struct sv_cut_host hosts[SV_CUT_HOSTS_MAX])
{
    static const char *const keys[] = {"state", "zone",         "parent", "missing",
                                       "hosts", "child_listed", NULL};
    static const char *const host_keys[] = {"host",    "at_parent", "at_child", "without_address",
                                            "private", NULL};
    static const char *const states[] = {"unknown", "found", "nxdomain", "silent"};
    const char *state = sv_json_str(object, "state");
    const json_t *host;
    size_t i;

    tally_keys(tally, object, keys);
    for (i = 0; i < 4 && (state == NULL || strcmp(states[i], state) != 0); i++)
        ;
    if (i == 4)
        tally_refuse(tally, "must be unknown, found, nxdomain or silent", "state");
    cut->state = (enum sv_cut_state)i;
    if (sv_json_str(object, "zone") != NULL)
        (void)snprintf(cut->zone, sizeof(cut->zone), "%s", sv_json_str(object, "zone"));
    if (sv_json_str(object, "parent") != NULL)
        (void)snprintf(cut->parent, sizeof(cut->parent), "%s", sv_json_str(object, "parent"));
    if (sv_json_str(object, "missing") != NULL)
        (void)snprintf(cut->missing, sizeof(cut->missing), "%s", sv_json_str(object, "missing"));
    cut->child_listed = flag_of(object, "child_listed");
    cut->hosts = hosts;
    json_array_foreach(json_object_get(object, "hosts"), i, host)
    {
        tally_keys(tally, host, host_keys);
        if (i == SV_CUT_HOSTS_MAX || sv_json_str(host, "host") == NULL)
            tally_refuse(tally, "must be at most 16, each with its name", "hosts");
        hosts[cut->hosts_count++] =
            (struct sv_cut_host){.host = sv_json_str(host, "host"),
                                 .at_parent = flag_of(host, "at_parent"),
                                 .at_child = flag_of(host, "at_child"),
                                 .without_address = flag_of(host, "without_address"),
                                 .private_address = flag_of(host, "private")};
    }
}

/* Who is asked in this look; `texts` holds what each says of its own. */
static size_t read_voices(const struct tally *tally, const json_t *list, sv_ms now,
                          struct voice voices[VOICES_MAX], struct sv_buf texts[VOICES_MAX])
{
    static const char *const keys[] = {"server", "resolver", "dns",     "serial", "ttl",
                                       "ede",    "lame",     "no_edns", "no_tcp", NULL};
    const json_t *item;
    size_t i;

    if (json_array_size(list) == 0 || json_array_size(list) > VOICES_MAX)
        tally_refuse(tally, "must be 1 to 12", "asked");
    json_array_foreach(list, i, item)
    {
        const char *server = sv_json_str(item, "server");
        tally_keys(tally, item, keys);
        if ((server == NULL) == (sv_json_str(item, "resolver") == NULL))
            tally_refuse(tally, "must be a server or a resolver", "asked");
        read_lines(tally, json_object_get(item, "dns"), &texts[i]);
        voices[i] = (struct voice){
            .who = server != NULL ? server : sv_json_str(item, "resolver"),
            .dns = sv_buf_str(&texts[i]),
            .serial = (uint32_t)number_of(item, "serial"),
            .ttl_s = (uint32_t)number_of(item, "ttl"),
            .at = now,
            .ede =
                json_object_get(item, "ede") != NULL ? (uint16_t)(number_of(item, "ede") + 1) : 0,
            .lame = flag_of(item, "lame"),
            .no_edns = flag_of(item, "no_edns"),
            .no_tcp = flag_of(item, "no_tcp"),
        };
    }
    return i;
}

static struct sv_judge *judge_of(const struct story *story)
{
    const json_t *test = story->test;
    struct scenario scenario = {.domain = sv_json_str(test, "domain"),
                                .zone = sv_json_str(test, "registrable")};

    scenario.told = (flag_of(test, "mail_from") ? TOLD_MAIL_FROM : 0u) |
                    (flag_of(test, "ownership") ? TOLD_OWNERSHIP : 0u);
    return scenario_judge(&scenario);
}

/* "success", "identity/dkim/mail_from", "unknown". */
static void read_ses(const struct tally *tally, const char *text, struct sv_observation *seen)
{
    enum sv_axis axes[3] = {SV_AXIS_UNKNOWN, SV_AXIS_UNKNOWN, SV_AXIS_NONE};
    size_t count = 0;

    if (text == NULL)
        tally_refuse(tally, "must be said", "ses");
    if (strcmp(text, "unknown") == 0)
        return;
    for (const char *at = text; count < 3; count++) {
        size_t len = strcspn(at, "/");
        axes[count] = sv_axis_parse(at, len);
        if (axes[count] == SV_AXIS_UNKNOWN)
            tally_refuse(tally, "is no word of SES's axes", text);
        at += len;
        if (*at++ == '\0')
            break;
    }
    seen->ses_known = true;
    seen->identity = axes[0];
    seen->dkim = count > 0 ? axes[1] : axes[0];
    seen->mail_from = axes[2];
    seen->signing = seen->identity == SV_AXIS_GONE ? SV_TRI_UNKNOWN : SV_TRI_YES;
}

static void compare_records(struct tally *tally, const json_t *look, const struct sv_report *report)
{
    static const char letters[] = {'?', 'o', 'w', 'W'};
    char got[SV_RECORDS_MAX + 1] = "";

    for (size_t i = 0; i < report->records_count; i++)
        got[i] = letters[report->statuses[i]];
    if (sv_json_str(look, "records") != NULL)
        compare(tally, "records", sv_json_str(look, "records"), got);
    if (sv_json_str(look, "required") != NULL)
        compare(tally, "required", sv_json_str(look, "required"),
                sv_record_status_name(report->required));
}

static void compare_findings(struct tally *tally, const json_t *look,
                             const struct sv_report *report)
{
    const json_t *wanted = json_object_get(look, "findings");
    const json_t *code;
    char number[24];
    size_t i;

    for (i = 0; i < report->findings_count || i < json_array_size(wanted); i++) {
        const char *line = json_string_value(json_array_get(wanted, i));
        char *expanded = zone_expand(line != NULL ? line : "nothing");
        char got[1024] = "nothing";
        if (i < report->findings_count)
            (void)snprintf(got, sizeof(got), "%s %s %s",
                           sv_severity_name(report->findings[i].severity),
                           sv_finding_name(report->findings[i].code), report->findings[i].owner);
        compare(tally, "a finding", expanded, got);
        free(expanded);
    }
    if (sv_json_str(look, "primary") != NULL)
        compare(tally, "primary", sv_json_str(look, "primary"),
                report->findings_count > 0 ? sv_finding_name(report->findings[0].code) : "none");
    json_array_foreach(json_object_get(look, "not_shown"), i, code)
    {
        const char *name = json_string_value(code);
        if (name == NULL || sv_finding_parse(name) == SV_F_NONE)
            tally_refuse(tally, "holds no code", "not_shown");
        for (size_t j = 0; j < report->findings_count; j++)
            if (strcmp(sv_finding_name(report->findings[j].code), name) == 0)
                compare(tally, "not_shown", "hidden", name);
    }
    (void)snprintf(number, sizeof(number), "%zu", report->findings_hidden);
    if (json_object_get(look, "hidden") != NULL) {
        char hidden[24];
        (void)snprintf(hidden, sizeof(hidden), "%lld", number_of(look, "hidden"));
        compare(tally, "hidden", hidden, number);
    }
}

/* Instants are seconds from the first look; null = not known. */
static void compare_instant(struct tally *tally, const json_t *look, const char *key, sv_ms got)
{
    const json_t *wanted = json_object_get(look, key);
    char a[24] = "null";
    char b[24] = "null";

    if (wanted == NULL)
        return;
    if (json_is_integer(wanted))
        (void)snprintf(a, sizeof(a), "%lld", (long long)json_integer_value(wanted));
    if (got != 0)
        (void)snprintf(b, sizeof(b), "%" PRId64, (int64_t)((got - START) / SV_SECOND));
    compare(tally, key, a, b);
}

static void compare_domain(struct story *story, const json_t *look,
                           const struct sv_effects *effects)
{
    struct tally *tally = story->tally;
    const struct sv_domain *domain = &story->domain;

    if (sv_json_str(look, "status") != NULL)
        compare(tally, "status", sv_json_str(look, "status"), sv_status_name(domain->status));
    if (sv_json_str(look, "conclusion") != NULL)
        compare(tally, "conclusion", sv_json_str(look, "conclusion"),
                sv_conclusion_name(effects->shown));
    if (sv_json_str(look, "because") != NULL)
        compare(tally, "because", sv_json_str(look, "because"), sv_untold_name(effects->untold));
    if (sv_json_str(look, "event") != NULL)
        compare(tally, "event", sv_json_str(look, "event"), sv_news_name(effects->news));
    if (json_object_get(look, "restarts_mail_from") != NULL)
        compare(tally, "restarts_mail_from", flag_of(look, "restarts_mail_from") ? "yes" : "no",
                (domain->todo & SV_TODO_RESTART_MAIL_FROM) != 0 ? "yes" : "no");
    compare_instant(tally, look, "dns_expected_by", sv_domain_dns_expected_by(domain));
    compare_instant(tally, look, "stops_sending_at",
                    sv_domain_stops_sending_at(domain, &story->policy));
    compare_instant(tally, look, "ses_looks_until",
                    sv_domain_ses_looks_until(domain, &story->policy));
    compare_instant(tally, look, "restart_due_at",
                    sv_domain_restart_due_at(domain, &story->policy));
    compare_instant(tally, look, "next_look_at", domain->next_check_at);
}

static void listen(const struct story *story, const json_t *look, sv_ms now, struct sv_judge *judge)
{
    const json_t *cut_of = json_object_get(look, "cut");
    struct sv_cut_host hosts[SV_CUT_HOSTS_MAX];
    struct sv_buf texts[VOICES_MAX];
    struct voice list[VOICES_MAX];
    struct sv_cut cut = {.state = SV_CUT_UNKNOWN};
    struct sv_dns_question question;
    struct voices *voices;
    struct sv_buf all;
    size_t count;

    sv_buf_init(&all, TEXT_BYTES);
    for (size_t i = 0; i < VOICES_MAX; i++)
        sv_buf_init(&texts[i], TEXT_BYTES);
    read_lines(story->tally, json_object_get(look, "dns"), &all);
    if (cut_of == NULL)
        cut_of = json_object_get(story->test, "cut");
    if (cut_of != NULL)
        read_cut(story->tally, cut_of, &cut, hosts);
    count = read_voices(story->tally, json_object_get(look, "asked"), now, list, texts);
    voices = voices_new(sv_buf_str(&all), list, count, cut_of != NULL ? &cut : NULL);
    voices_close(voices, flag_of(look, "closed"), flag_of(look, "withheld"));
    while (sv_judge_next(judge, &question))
        sv_judge_views(judge, &question, voices_ask(voices, &question));
    voices_free(voices);
    sv_buf_fini(&all);
    for (size_t i = 0; i < VOICES_MAX; i++)
        sv_buf_fini(&texts[i]);
}

static void step(struct story *story, struct sv_input *input, struct sv_effects *effects)
{
    input->random = SV_JITTER_STEPS; /* no jitter */
    sv_domain_step(&story->domain, &story->policy, input, effects);
}

static void run_look(struct story *story, const json_t *look)
{
    static const char *const keys[] = {"at",
                                       "dns",
                                       "asked",
                                       "cut",
                                       "closed",
                                       "withheld",
                                       "ses",
                                       "records",
                                       "required",
                                       "findings",
                                       "primary",
                                       "hidden",
                                       "not_shown",
                                       "status",
                                       "conclusion",
                                       "because",
                                       "event",
                                       "dns_expected_by",
                                       "stops_sending_at",
                                       "ses_looks_until",
                                       "restart_due_at",
                                       "next_look_at",
                                       "restarts_mail_from",
                                       NULL};
    struct sv_judge *judge = judge_of(story);
    struct sv_input input = {.kind = SV_INPUT_LOOKED,
                             .now = START + number_of(look, "at") * SV_SECOND};
    const struct sv_report *report;
    struct sv_effects effects;

    tally_keys(story->tally, look, keys);
    listen(story, look, input.now, judge);
    report = sv_judge_report(judge);
    compare_records(story->tally, look, report);
    if (json_object_get(look, "findings") != NULL)
        compare_findings(story->tally, look, report);
    sv_observe_dns(report, flag_of(story->test, "mail_from") ? "mail.client.com" : "", &input.seen);
    read_ses(story->tally, sv_json_str(look, "ses"), &input.seen);
    step(story, &input, &effects);
    compare_domain(story, look, &effects);
    sv_judge_free(judge);
}

/* The domain before the first look: registered, and verified where the case begins so. */
static void begin(struct story *story)
{
    const char *from = sv_json_str(story->test, "from");
    struct sv_input input = {.kind = SV_INPUT_PROVISIONED, .now = START - SV_HOUR};
    struct sv_effects effects;

    story->domain = (struct sv_domain){.todo = SV_TODO_PROVISION};
    input.mail_from_wanted = flag_of(story->test, "mail_from");
    step(story, &input, &effects);
    if (from == NULL || strcmp(from, "pending_verification") == 0)
        return;
    if (strcmp(from, "verified") != 0)
        tally_refuse(story->tally, "must be pending_verification or verified", "from");
    input = (struct sv_input){.kind = SV_INPUT_LOOKED,
                              .now = START - SV_MINUTE,
                              .mail_from_wanted = input.mail_from_wanted};
    input.seen.required = SV_SEEN_RIGHT;
    read_ses(story->tally, input.mail_from_wanted ? "success/success/success" : "success/success",
             &input.seen);
    step(story, &input, &effects);
}

static void run(struct tally *tally, json_t *test)
{
    static const char *const keys[] = {"name",      "cite", "domain", "registrable", "mail_from",
                                       "ownership", "from", "cut",    "looks",       NULL};
    struct story story = {.tally = tally, .test = test, .policy = sv_policy_default()};
    const json_t *look;
    size_t i;

    tally_keys(tally, test, keys);
    if (json_array_size(json_object_get(test, "looks")) == 0)
        tally_refuse(tally, "must be a list", "looks");
    begin(&story);
    json_array_foreach(json_object_get(test, "looks"), i, look)
    {
        tally->look = i + 1;
        run_look(&story, look);
    }
}

int main(int argc, char **argv)
{
    return tally_main(argc, argv, run);
}
