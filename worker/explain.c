#include "explain.h"

#include <string.h>

#include "exit.h"
#include "sv/cloudevent.h"
#include "sv/json.h"
#include "sv/require.h"
#include "text.h"

enum { LIST_BYTES_MAX = 2048 };

/* ---- words ---- */

struct words {
    const char *meaning; /* the conclusion in a sentence */
    const char *client;  /* what the client should be told */
};

static const struct words conclusions[SV_CONCLUSION_COUNT] = {
    [SV_CONCLUSION_NONE] = {"Nothing is known yet: no look could tell anything.",
                            "We have registered the domain and are about to look at it. Please "
                            "publish the DNS records we showed you."},
    [SV_CONCLUSION_ALL_GOOD] = {"All is good: Amazon SES has verified the domain, and its DNS "
                                "records are right.",
                                "Your domain is verified and can send. Please leave its DNS "
                                "records in place."},
    [SV_CONCLUSION_DNS_RIGHT_SES_WAITING] =
        {"DNS is right. Amazon SES has not looked at it yet; it looks on its own schedule, which "
         "may take up to 72 hours.",
         "Your DNS records are right, there is nothing left for you to do. Amazon looks on its "
         "own schedule; we tell you as soon as it has."},
    [SV_CONCLUSION_DNS_SPREADING] =
        {"DNS is right at its source, but not yet seen everywhere: caches still hold what was "
         "there before.",
         "Your DNS records are right at your provider. Other servers still remember the old "
         "state for a while; please do not change anything now."},
    [SV_CONCLUSION_DNS_WRONG] = {"DNS is wrong: Amazon SES cannot verify the domain before the "
                                 "records are repaired.",
                                 "Your DNS records are not right yet, so Amazon cannot verify "
                                 "your domain. Please repair the record shown."},
    [SV_CONCLUSION_RECORD_GONE] =
        {"Amazon SES still says success, but a record it needs is wrong or gone: sending stops "
         "when SES notices.",
         "Your domain still sends, but a DNS record it needs is wrong or was removed. Please "
         "repair the record shown before Amazon notices."},
    [SV_CONCLUSION_SES_TROUBLE] =
        {"Amazon SES reports a temporary failure: it did not find the records when it looked. If "
         "that lasts, it withdraws the verification.",
         "Your domain still sends, but Amazon had trouble finding its DNS records."},
    [SV_CONCLUSION_SES_GAVE_UP] =
        {"Amazon SES gave up because it did not find the records, and DNS is still wrong.",
         "Amazon gave up because it did not find your DNS records. Please repair the record "
         "shown; we then ask Amazon to look again."},
    [SV_CONCLUSION_RESTART_DUE] =
        {"Amazon SES gave up, but DNS is right now: the worker asks SES to look again.",
         "Your DNS records are right now. Amazon had given up; we ask it to look again, there is "
         "nothing left for you to do."},
    [SV_CONCLUSION_IDENTITY_GONE] =
        {"The identity is gone at Amazon SES: somebody deleted it there.",
         "Your domain is not set up at Amazon any more; this is ours to repair."},
    [SV_CONCLUSION_SIGNING_DISABLED] =
        {"DKIM signing is switched off at Amazon SES: mail goes out unsigned.",
         "Your domain is verified, but signing is switched off on our side; this is ours to "
         "repair."},
    [SV_CONCLUSION_OPERATOR_NEEDED] =
        {"Amazon SES gave up, and DNS is right now, but the worker cannot restart it: the domain "
         "shares its keys with another region (DEED), or signs with a key that the worker does "
         "not hold.",
         "Your DNS records are right. Amazon had given up; this is ours to repair."},
    [SV_CONCLUSION_CANNOT_TELL] = {"It cannot be told now.",
                                   "We could not find out the state of your domain just now and "
                                   "look again soon."},
};

/* The same conclusion of a domain that still sends. */
static const struct words dns_wrong_at_risk = {
    "DNS is wrong, and Amazon SES has noticed: sending stops unless it is repaired in time.",
    "Your domain still sends, but Amazon cannot find its DNS records any more and will stop it. "
    "Please repair the record shown."};

static const struct words *words_of(const struct sv_domain *domain)
{
    if (domain->status == SV_STATUS_AT_RISK && domain->conclusion == SV_CONCLUSION_DNS_WRONG)
        return &dns_wrong_at_risk;
    return &conclusions[domain->conclusion];
}

/* ---- what drifted ---- */

static const struct {
    const char *put_back, *left; /* put_back NULL = never */
} drifts[SV_DRIFT_COUNT] = {
    {"the custom MAIL FROM at Amazon SES is another one or switched off; it is put back once its "
     "records are right",
     "the custom MAIL FROM at Amazon SES is another one or switched off; it was put back before, "
     "and is left alone until the domain is registered anew"},
    {"Amazon SES has another configuration set for it; it is put back",
     "Amazon SES has another configuration set for it; it was put back before, and is left alone "
     "until the domain is registered anew"},
    {NULL, "it signs by another method or key than its account's settings say; that is left alone, "
           "since changing it would leave mail unsigned until the new records are seen"},
};

static const char *drift_meaning(const struct sv_domain *domain, unsigned index)
{
    bool is_left = domain->restores >= SV_RESTORES_MAX || drifts[index].put_back == NULL;

    return is_left ? drifts[index].left : drifts[index].put_back;
}

static json_t *drift_json(const struct sv_domain *domain)
{
    json_t *out = sv_json_array();

    for (unsigned i = 0; i < SV_DRIFT_COUNT; i++) {
        json_t *one;

        if ((domain->drift & 1u << i) == 0)
            continue;
        one = sv_json_object();
        sv_json_set_str(one, "setting", sv_drift_name(i));
        sv_json_set_str(one, "meaning", drift_meaning(domain, i));
        sv_json_append(out, one);
    }
    return out;
}

static void print_drift(const struct sv_show *show, const json_t *told)
{
    const json_t *list = json_object_get(told, "drift");

    for (size_t i = 0; i < json_array_size(list); i++)
        sv_show_prose(show, 0, i == 0 ? "drift" : "",
                      sv_text_of(json_array_get(list, i), "meaning"));
}

/* ---- DNS's side ---- */

/* ok when all records of the kind are, wrong when one is, otherwise what the first other is. */
static json_t *verdict_on(const struct sv_record *records, const enum sv_record_status *statuses,
                          size_t count, enum sv_record_kind kind)
{
    enum sv_record_status out = SV_RECORD_UNKNOWN;
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        if (records[i].kind != kind)
            continue;
        if (!any || out == SV_RECORD_OK || statuses[i] == SV_RECORD_WRONG)
            out = statuses[i];
        any = true;
    }
    return any ? json_string(sv_record_status_name(out)) : json_null();
}

static json_t *dns_json(const struct sv_kept *kept, const struct sv_config *config)
{
    struct sv_record records[SV_RECORDS_MAX];
    enum sv_record_status statuses[SV_RECORDS_MAX];
    size_t count = sv_kept_records(kept, config, records, statuses);
    static const struct {
        const char *name;
        enum sv_record_kind kind;
    } kinds[] = {{"ownership", SV_RECORD_OWNERSHIP},
                 {"dkim", SV_RECORD_DKIM},
                 {"mail_from_mx", SV_RECORD_MAIL_FROM_MX},
                 {"mail_from_spf", SV_RECORD_MAIL_FROM_SPF},
                 {"spf", SV_RECORD_SPF},
                 {"dmarc", SV_RECORD_DMARC}};
    json_t *out = sv_json_object();

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        sv_json_set(out, kinds[i].name, verdict_on(records, statuses, count, kinds[i].kind));
    return out;
}

/* ---- the verdict ---- */

static bool is_wrong(const struct sv_domain *domain, const json_t *told)
{
    const json_t *findings = json_object_get(told, "findings");
    const json_t *records = json_object_get(told, "dns_records");

    if (domain->status == SV_STATUS_AT_RISK || domain->status == SV_STATUS_FAILED)
        return true;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        if (strcmp(sv_text_of(json_array_get(findings, i), "severity"), "error") == 0)
            return true;
    }
    for (size_t i = 0; i < json_array_size(records); i++) {
        if (strcmp(sv_text_of(json_array_get(records, i), "status"), "wrong") == 0)
            return true;
    }
    return false;
}

static int code_of(const struct sv_domain *domain, const json_t *told)
{
    if (is_wrong(domain, told))
        return SV_EXIT_WRONG;
    if (domain->status == SV_STATUS_VERIFIED && domain->conclusion == SV_CONCLUSION_ALL_GOOD)
        return SV_EXIT_OK;
    return SV_EXIT_TEMPORARY;
}

/* ---- what comes next ---- */

/* What should have happened by `at` is told as what may happen now. */
static void foresee(json_t *out, sv_ms now, sv_ms at, const char *what, const char *text,
                    const char *overdue)
{
    if (at > now)
        sv_show_foresee(out, now, at, what, text);
    else if (at != 0)
        sv_show_foresee(out, now, now, what, overdue);
}

static json_t *forecast_json(const struct sv_kept *kept, const struct sv_config *config, sv_ms now)
{
    const struct sv_domain *domain = &kept->sheet.domain;
    json_t *out = sv_json_array();

    if (kept->running)
        sv_show_foresee(out, now, now, "next_look", "the domain is being looked at");
    else
        foresee(out, now, kept->due_at, "next_look", "the next look at the domain",
                "the next look at the domain is due");
    foresee(out, now, sv_domain_ses_looks_until(domain, &config->policy), "ses_gives_up",
            "until then Amazon SES keeps looking by itself, then it gives up",
            "Amazon SES has looked for as long as it does, and may give up at any time");
    foresee(out, now, sv_domain_stops_sending_at(domain, &config->policy), "stops_sending",
            "sending stops then, unless it is repaired",
            "sending may stop at any time, unless it is repaired");
    foresee(out, now, sv_domain_restart_due_at(domain, &config->policy), "restart",
            "the worker asks Amazon SES to look again, if DNS is right then",
            "the worker asks Amazon SES to look again with its next look, if DNS is right then");
    sv_show_foresee(out, now, sv_domain_dns_expected_by(domain), "dns_seen_everywhere",
                    "by then every resolver sees the records that are right at their source");
    sv_show_foresee_findings(out, json_object_get(kept->detail, "findings"), now);
    return out;
}

/* ---- the whole ---- */

static const json_t *primary_of(const json_t *told)
{
    const json_t *findings = json_object_get(told, "findings");
    int primary = sv_show_primary(findings);

    return primary >= 0 ? json_array_get(findings, (size_t)primary) : NULL;
}

/* Whether the client is to do what the finding advises. */
static bool is_for_client(const struct sv_domain *domain, const json_t *finding)
{
    const char *severity = finding != NULL ? sv_text_of(finding, "severity") : "";
    bool ours = domain->conclusion == SV_CONCLUSION_IDENTITY_GONE ||
                domain->conclusion == SV_CONCLUSION_OPERATOR_NEEDED ||
                domain->conclusion == SV_CONCLUSION_SIGNING_DISABLED;

    return strcmp(severity, "error") == 0 || (strcmp(severity, "warning") == 0 && !ours);
}

static void tell_client(json_t *out, const struct sv_domain *domain, int code)
{
    const json_t *primary = primary_of(out);
    struct sv_buf text;

    sv_buf_init(&text, LIST_BYTES_MAX);
    SV_REQUIRE(sv_buf_add_str(&text, words_of(domain)->client));
    if (code == SV_EXIT_WRONG && is_for_client(domain, primary))
        (void)!sv_buf_printf(&text, " %s", sv_text_of(primary, "advice"));
    sv_json_set_str(out, "tell_client", sv_buf_str(&text));
    sv_json_set_str(out, "primary", primary != NULL ? sv_text_of(primary, "code") : NULL);
    sv_buf_fini(&text);
}

static json_t *state_json(const struct sv_kept *kept)
{
    const struct sv_registration *registration = &kept->sheet.registration;
    const struct sv_domain *domain = &kept->sheet.domain;
    json_t *out = sv_json_object();

    sv_json_set_str(out, "schema", "sesverify.explain.v1");
    sv_json_set_str(out, "domain_id", kept->uid);
    sv_json_set_str(out, "client_id", kept->client_id);
    sv_json_set_str(out, "account", registration->account);
    sv_json_set_str(out, "domain", registration->domain);
    sv_json_set_str(out, "contact_email",
                    kept->contact_email[0] == '\0' ? NULL : kept->contact_email);
    sv_json_set_str(out, "status", sv_status_name(domain->status));
    sv_json_set(out, "status_since", sv_json_time(domain->status_since));
    sv_json_set(out, "registered_at", sv_json_time(registration->registered_at));
    sv_json_set_str(out, "conclusion", sv_conclusion_name(domain->conclusion));
    sv_json_set_str(out, "meaning", words_of(domain)->meaning);
    sv_json_set(out, "ses", sv_json_axes(domain));
    sv_json_set(out, "ses_asked_at", sv_json_time(domain->ses_asked_at));
    sv_json_set_str(out, "ses_reason", sv_ses_reason_name(domain->ses_reason));
    sv_json_set(out, "ses_checked_at", sv_json_time(domain->ses_checked_at));
    sv_json_set(out, "drift", drift_json(domain));
    sv_json_set(out, "restarted_at", sv_json_time(domain->restarted_at));
    return out;
}

json_t *sv_explain(const struct sv_kept *kept, const struct sv_config *config, sv_ms now, int *code)
{
    const struct sv_domain *domain = &kept->sheet.domain;
    json_t *out = state_json(kept);
    struct sv_flags flags;

    sv_domain_flags(domain, &flags);
    sv_json_set(out, "dns", dns_json(kept, config));
    sv_json_set(out, "flags", sv_json_flags(&flags));
    sv_json_set(out, "dns_records", sv_kept_records_json(kept, config, now));
    (void)json_object_update(out, kept->detail); /* findings, what was omitted, changes, when */
    *code = code_of(domain, out);
    sv_json_set_str(out, "verdict", sv_text_verdict(*code));
    sv_json_set_int(out, "blind_looks", domain->faults);
    tell_client(out, domain, *code);
    sv_json_set(out, "forecast", forecast_json(kept, config, now));
    sv_json_set_bool(out, "checking", kept->running);
    sv_json_set(out, "next_check_at", sv_json_time(kept->due_at));
    return out;
}

/* ---- as text ---- */

/* The answer, and what it is owed to. */
static void print_verdict(const struct sv_show *show, const json_t *told, int code)
{
    const char *primary = code != SV_EXIT_OK ? sv_text_of(told, "primary") : "";
    char why[LIST_BYTES_MAX] = "";

    if (*primary != '\0')
        (void)snprintf(why, sizeof(why), " (%s)", primary);
    sv_show_text(show, SV_BOLD, sv_text_of(told, "domain"));
    (void)fprintf(show->out, ": %s, ", sv_text_of(told, "status"));
    sv_show_text(show, sv_text_colour_of_verdict(code), sv_text_verdict(code));
    sv_show_text(show, SV_PLAIN, why);
    (void)fputc('\n', show->out);
}

static void print_title(const struct sv_show *show, const json_t *told)
{
    long long blind = json_integer_value(json_object_get(told, "blind_looks"));
    char when[SV_SHOW_TIME_BYTES];

    sv_show_prose(show, 0, "meaning", sv_text_of(told, "meaning"));
    if (blind == 1)
        sv_show_line(show, 0, "", SV_PLAIN,
                     "The last look found nothing out: what follows is older.");
    else if (blind > 1)
        sv_show_linef(show, 0, "", "The last %lld looks found nothing out: what follows is older.",
                      blind);
    sv_show_linef(show, 0, "client", "%s, account %s", sv_text_of(told, "client_id"),
                  sv_text_of(told, "account"));
    sv_show_linef(show, 0, "status", "%s since %s", sv_text_of(told, "status"),
                  sv_show_time(show, sv_show_instant(told, "status_since"), when));
    if (sv_show_instant(told, "restarted_at") != 0)
        sv_show_linef(show, 0, "restarted", "SES was last asked to look again %s",
                      sv_show_time(show, sv_show_instant(told, "restarted_at"), when));
    print_drift(show, told);
}

static void print_reason(const struct sv_show *show, const json_t *told)
{
    const char *reason = sv_json_str(told, "ses_reason");
    char when[SV_SHOW_TIME_BYTES];

    if (reason != NULL)
        sv_show_linef(show, 2, "SES's reason", "%s, when it looked %s", reason,
                      sv_show_time(show, sv_show_instant(told, "ses_checked_at"), when));
}

/* SES's words beside DNS's. */
static void print_verdicts(const struct sv_show *show, const json_t *told)
{
    static const struct {
        const char *name, *ses, *dns, *also;
    } rows[] = {
        {"identity", "identity", "ownership", NULL},
        {"DKIM", "dkim", "dkim", NULL},
        {"MAIL FROM", "mail_from", "mail_from_mx", "mail_from_spf"},
        {"SPF", NULL, "spf", NULL},
        {"DMARC", NULL, "dmarc", NULL},
    };
    const json_t *ses = json_object_get(told, "ses"), *dns = json_object_get(told, "dns");

    sv_show_head(show, "Both verdicts");
    sv_show_linef(show, 2, "", "%-20s %s", "Amazon SES", "DNS");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *says = rows[i].ses != NULL ? sv_text_of(ses, rows[i].ses) : "-";
        const char *first = sv_json_str(dns, rows[i].dns);
        const char *second = rows[i].also != NULL ? sv_json_str(dns, rows[i].also) : NULL;

        if (rows[i].ses == NULL && first == NULL)
            continue;
        if (second != NULL)
            sv_show_linef(show, 2, rows[i].name, "%-20s MX %s, SPF %s", says,
                          first != NULL ? first : "-", second);
        else
            sv_show_linef(show, 2, rows[i].name, "%-20s %s", says, first != NULL ? first : "-");
    }
    print_reason(show, told);
}

static void print_list(const struct sv_show *show, const char *label, const struct sv_buf *text)
{
    if (text->len > 0)
        sv_show_prose(show, 4, label, sv_buf_str(text));
}

static void add_word(struct sv_buf *text, const char *first, const char *second)
{
    /* Too long for the buffer is too long for anybody: the rest is in the JSON. */
    (void)!sv_buf_printf(text, "%s%s%s%s", text->len > 0 ? ", " : "", first,
                         *second != '\0' ? " " : "", second);
}

static void print_codes(const struct sv_show *show, const json_t *change, const char *key)
{
    const json_t *codes = json_object_get(change, key);
    struct sv_buf text;

    sv_buf_init(&text, LIST_BYTES_MAX);
    for (size_t i = 0; i < json_array_size(codes); i++)
        add_word(&text, json_string_value(json_array_get(codes, i)), "");
    print_list(show, key, &text);
    sv_buf_fini(&text);
}

static const char *word_of(const json_t *value)
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    return "unknown";
}

/* Axes are words, flags are not. */
static void print_set(const struct sv_show *show, const json_t *change, bool axes)
{
    json_t *set = json_object_get(change, "set"), *value;
    struct sv_buf text;
    const char *key;

    sv_buf_init(&text, LIST_BYTES_MAX);
    json_object_foreach(set, key, value)
    {
        if (json_is_string(value) == axes)
            add_word(&text, key, word_of(value));
    }
    print_list(show, axes ? "SES says" : "now", &text);
    sv_buf_fini(&text);
}

static void print_change(const struct sv_show *show, const json_t *change)
{
    const char *from = sv_text_of(change, "from"), *to = sv_text_of(change, "to");
    bool moved = strcmp(from, to) != 0;
    char line[LIST_BYTES_MAX];

    (void)snprintf(line, sizeof(line), "%s%s%s%s%s: %s", moved ? from : sv_text_of(change, "kind"),
                   moved ? " -> " : "", moved ? to : "", moved ? ", because " : "",
                   moved ? sv_text_of(change, "reason") : "", sv_text_of(change, "conclusion"));
    sv_show_at(show, sv_show_instant(change, "at"), line);
    print_codes(show, change, "came");
    print_codes(show, change, "went");
    print_set(show, change, true);
    print_set(show, change, false);
}

static void print_changes(const struct sv_show *show, const json_t *told)
{
    const json_t *changes = json_object_get(told, "changes");

    sv_show_head(show, "What changed");
    for (size_t i = 0; i < json_array_size(changes); i++)
        print_change(show, json_array_get(changes, i));
    sv_show_at(show, sv_show_instant(told, "registered_at"), "registered");
}

void sv_explain_print(const struct sv_show *show, const json_t *told, int code)
{
    const json_t *records = json_object_get(told, "dns_records");
    const struct sv_show_more more = {
        .omitted = (size_t)json_integer_value(json_object_get(told, "findings_omitted")),
        .right = code == SV_EXIT_OK};
    char when[SV_SHOW_TIME_BYTES];

    print_verdict(show, told, code);
    print_title(show, told);
    print_verdicts(show, told);
    sv_show_findings(show, json_object_get(told, "findings"), records, &more);
    if (sv_json_str(told, "observed_at") != NULL)
        (void)fprintf(show->out, "  as of %s\n",
                      sv_show_time(show, sv_show_instant(told, "observed_at"), when));
    if (json_is_true(json_object_get(told, "authority_closed")))
        (void)fprintf(show->out, "  port 53 to the outside was closed: only resolvers could be "
                                 "asked, and they may be late\n");
    sv_show_head(show, "Records");
    for (size_t i = 0; i < json_array_size(records); i++)
        sv_show_record(show, json_array_get(records, i));
    print_changes(show, told);
    sv_show_forecast(show, json_object_get(told, "forecast"));
    sv_show_head(show, "Tell the client");
    sv_show_prose(show, 4, "", sv_text_of(told, "tell_client"));
    if (code == SV_EXIT_WRONG && primary_of(told) != NULL)
        sv_show_publish(show, primary_of(told), records);
}
