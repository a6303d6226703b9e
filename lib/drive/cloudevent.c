#include "sv/cloudevent.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/json.h"
#include "sv/require.h"

json_t *sv_json_time(sv_ms at)
{
    char text[SV_TIME_TEXT_BYTES];

    return at == 0 ? json_null() : json_string(sv_time_format(at, text));
}

json_t *sv_json_tri(enum sv_tri value)
{
    return value == SV_TRI_UNKNOWN ? json_null() : json_boolean(value == SV_TRI_YES);
}

/* NEW is what nobody outside has heard of yet. */
static json_t *json_status(enum sv_status status)
{
    return status == SV_STATUS_NEW ? json_null() : json_string(sv_status_name(status));
}

/* Where a change came from. What was given back and is registered again begins anew. */
static json_t *json_from(enum sv_status status)
{
    return json_status(status == SV_STATUS_REMOVED ? SV_STATUS_NEW : status);
}

enum { FLAGS = 9, AXES = 3 };

struct shown_flag {
    const char *name;
    enum sv_tri value;
};

static void list_flags(const struct sv_flags *flags, struct shown_flag out[FLAGS])
{
    const struct shown_flag list[FLAGS] = {
        {"domain_verified", flags->domain_verified},
        {"dkim_enabled", flags->dkim_enabled},
        {"dkim_verified", flags->dkim_verified},
        {"mail_from_configured", flags->mail_from_configured},
        {"mail_from_verified", flags->mail_from_verified},
        {"spf_configured", flags->spf_configured},
        {"dmarc_configured", flags->dmarc_configured},
        {"sending_enabled", flags->sending_enabled},
        {"meets_bulk_sender_requirements", flags->meets_bulk_sender_requirements},
    };

    memcpy(out, list, sizeof list);
}

struct shown_axis {
    const char *name;
    enum sv_axis value;
};

static void list_axes(const struct sv_domain *domain, struct shown_axis out[AXES])
{
    const struct shown_axis list[AXES] = {
        {"identity", domain->identity},
        {"dkim", domain->dkim},
        {"mail_from", domain->mail_from},
    };

    memcpy(out, list, sizeof list);
}

static void add_flags(json_t *out, const struct sv_flags *flags)
{
    struct shown_flag list[FLAGS];

    list_flags(flags, list);
    for (size_t i = 0; i < FLAGS; i++)
        sv_json_set(out, list[i].name, sv_json_tri(list[i].value));
}

json_t *sv_json_flags(const struct sv_flags *flags)
{
    json_t *out = sv_json_object();

    add_flags(out, flags);
    return out;
}

json_t *sv_json_axes(const struct sv_domain *domain)
{
    json_t *out = sv_json_object();
    struct shown_axis list[AXES];

    list_axes(domain, list);
    for (size_t i = 0; i < AXES; i++)
        sv_json_set_str(out, list[i].name, sv_axis_name(list[i].value));
    return out;
}

json_t *sv_json_drift(uint32_t drift)
{
    json_t *out = sv_json_array();

    for (unsigned i = 0; i < SV_DRIFT_COUNT; i++) {
        if ((drift & 1u << i) != 0)
            sv_json_append(out, json_string(sv_drift_name(i)));
    }
    return out;
}

static json_t *json_advice(uint32_t advice)
{
    static const struct {
        uint32_t bit;
        const char *word;
    } words[] = {
        {SV_ADVICE_DKIM, "DKIM"},
        {SV_ADVICE_DMARC, "DMARC"},
        {SV_ADVICE_SPF, "SPF"},
        {SV_ADVICE_BIMI, "BIMI"},
        {SV_ADVICE_COMPLAINT, "COMPLAINT"},
        {SV_ADVICE_BOUNCE, "BOUNCE"},
        {SV_ADVICE_FEEDBACK, "FEEDBACK_3P"},
        {SV_ADVICE_LISTING, "IP_LISTING"},
        {SV_ADVICE_OTHER, "OTHER"},
    };
    json_t *out = sv_json_array();

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if ((advice & words[i].bit) != 0)
            sv_json_append(out, json_string(words[i].word));
    }
    return out;
}

static json_t *json_rate(uint32_t part, uint32_t whole)
{
    return whole == 0 ? json_null() : json_real((double)part / whole);
}

json_t *sv_json_mail(const struct sv_domain *domain)
{
    const struct sv_mail *mail = &domain->mail;
    json_t *out;

    if (domain->mail_at == 0)
        return json_null();
    out = sv_json_object();
    sv_json_set_int(out, "days", SV_REPUTATION_DAYS);
    sv_json_set_int(out, "sent", mail->sent);
    sv_json_set_int(out, "permanent_bounces", mail->permanent_bounces);
    sv_json_set_int(out, "transient_bounces", mail->transient_bounces);
    sv_json_set(out, "bounce_rate", json_rate(mail->permanent_bounces, mail->sent));
    sv_json_set_int(out, "complaints_tracked", mail->tracked);
    sv_json_set_int(out, "complaints", mail->complaints);
    sv_json_set(out, "complaint_rate", json_rate(mail->complaints, mail->tracked));
    sv_json_set(out, "recommendations", json_advice(mail->advice));
    sv_json_set(out, "told_at", sv_json_time(domain->mail_at));
    return out;
}

json_t *sv_json_record(const struct sv_record *record, enum sv_record_status status)
{
    json_t *out = sv_json_object();

    sv_json_set_str(out, "type", sv_rr_type_name(record->type));
    sv_json_set_str(out, "name", record->name);
    sv_json_set_str(out, "host", record->host);
    sv_json_set_str(out, "value", record->value);
    sv_json_set_int(out, "ttl", record->ttl_s);
    sv_json_set_str(out, "priority", record->high_priority ? "HIGH" : "MEDIUM");
    sv_json_set_str(out, "purpose", record->purpose);
    sv_json_set_str(out, "description", record->description);
    sv_json_set_str(out, "status", sv_record_status_name(status));
    return out;
}

json_t *sv_json_evidence(const struct sv_evidence *evidence)
{
    json_t *out;

    if (evidence->server[0] == '\0')
        return json_null();
    out = sv_json_object();
    sv_json_set_str(out, "server", evidence->server);
    sv_json_set_str(out, "outcome", sv_dns_outcome_name(evidence->outcome));
    sv_json_set_str(out, "trouble",
                    evidence->trouble != SV_DNS_NO_TROUBLE ? sv_dns_trouble_name(evidence->trouble)
                                                           : NULL);
    sv_json_set_int(out, "rcode", evidence->rcode);
    sv_json_set_bool(out, "aa", evidence->aa);
    sv_json_set_bool(out, "ad", evidence->ad);
    sv_json_set_bool(out, "tc", evidence->tc);
    sv_json_set_bool(out, "tcp", evidence->tcp);
    sv_json_set(out, "ede", evidence->ede != 0 ? json_integer(evidence->ede - 1) : json_null());
    sv_json_set_int(out, "ttl", evidence->ttl_s);
    sv_json_set(out, "at", sv_json_time(evidence->at));
    return out;
}

json_t *sv_json_finding(const struct sv_finding *finding, const char *domain)
{
    json_t *out = sv_json_object(), *witnesses = sv_json_array();
    struct sv_buf advice;

    sv_buf_init(&advice, 1024);
    if (!sv_finding_advice(finding, domain, &advice))
        sv_buf_clear(&advice);
    sv_json_set_str(out, "code", sv_finding_name(finding->code));
    sv_json_set_str(out, "severity", sv_severity_name(finding->severity));
    sv_json_set_str(out, "owner", finding->owner);
    sv_json_set_str(out, "expected", finding->expected);
    sv_json_set_str(out, "found", finding->found);
    sv_json_set_str(out, "other", finding->other[0] != '\0' ? finding->other : NULL);
    sv_json_set(out, "number", finding->number != 0 ? json_integer(finding->number) : json_null());
    sv_json_set(out, "until", sv_json_time(finding->until));
    sv_json_set(out, "evidence", sv_json_evidence(&finding->evidence));
    for (size_t i = 0; i < finding->witnesses_count && i < SV_WITNESSES_MAX; i++)
        sv_json_append(witnesses, sv_json_evidence(&finding->witnesses[i]));
    sv_json_set(out, "witnesses", witnesses);
    sv_json_set_str(out, "advice", sv_buf_str(&advice));
    sv_buf_fini(&advice);
    return out;
}

/* Compact text, or NULL when it would be longer than `bytes_max`. */
static char *dump(json_t *tree, size_t bytes_max)
{
    struct sv_buf out;

    sv_buf_init(&out, bytes_max);
    if (!sv_json_write(tree, &out)) {
        sv_buf_fini(&out);
        return NULL;
    }
    return out.data;
}

static json_t *envelope(const char *type, const char *source, const char *id, const char *subject,
                        sv_ms now)
{
    json_t *out = sv_json_object();

    sv_json_set_str(out, "specversion", "1.0");
    sv_json_set_str(out, "type", type);
    sv_json_set_str(out, "source", source);
    sv_json_set_str(out, "id", id);
    if (subject[0] != '\0')
        sv_json_set_str(out, "subject", subject);
    sv_json_set(out, "time", sv_json_time(now));
    return out;
}

/* Takes `old` and `new`, which differ. */
static void add_pair(json_t *changed, const char *name, json_t *old, json_t *new)
{
    json_t *pair = sv_json_object();

    sv_json_set(pair, "old", old);
    sv_json_set(pair, "new", new);
    sv_json_set(changed, name, pair);
}

static void add_change(json_t *changed, const char *name, json_t *old, json_t *new)
{
    if (!json_equal(old, new))
        add_pair(changed, name, json_incref(old), json_incref(new));
    json_decref(old);
    json_decref(new);
}

/* Most fields are as they were, so they are compared before they become JSON. */
void sv_json_add_changes(json_t *changed, const struct sv_domain *before,
                         const struct sv_domain *after)
{
    struct shown_axis old_axes[AXES], new_axes[AXES];
    struct shown_flag old_flags[FLAGS], new_flags[FLAGS];
    struct sv_flags flags;

    list_axes(before, old_axes);
    list_axes(after, new_axes);
    for (size_t i = 0; i < AXES; i++) {
        if (old_axes[i].value != new_axes[i].value)
            add_pair(changed, new_axes[i].name, json_string(sv_axis_name(old_axes[i].value)),
                     json_string(sv_axis_name(new_axes[i].value)));
    }
    sv_domain_flags(before, &flags);
    list_flags(&flags, old_flags);
    sv_domain_flags(after, &flags);
    list_flags(&flags, new_flags);
    for (size_t i = 0; i < FLAGS; i++) {
        if (old_flags[i].value != new_flags[i].value)
            add_pair(changed, new_flags[i].name, sv_json_tri(old_flags[i].value),
                     sv_json_tri(new_flags[i].value));
    }
}

static json_t *json_conclusion(enum sv_conclusion conclusion)
{
    return json_string(sv_conclusion_name(conclusion));
}

json_t *sv_json_findings(const struct sv_finding *findings, size_t count, const char *domain)
{
    json_t *list = sv_json_array();

    for (size_t i = 0; i < count; i++)
        sv_json_append(list, sv_json_finding(&findings[i], domain));
    return list;
}

static bool holds(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), value))
            return true;
    }
    return false;
}

json_t *sv_json_codes(const json_t *findings)
{
    json_t *codes = sv_json_array();

    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        const char *severity = sv_json_str(finding, "severity");
        json_t *code = json_object_get(finding, "code");

        if (severity != NULL && strcmp(severity, "temporary") != 0 && code != NULL &&
            !holds(codes, code))
            sv_json_append(codes, json_incref(code));
    }
    return codes;
}

/* Of the findings before only a digest is kept: it tells that there were none, not which. */
static json_t *codes_before(const struct sv_domain *before)
{
    static const uint32_t nothing[SV_GROUP_COUNT];
    bool none = memcmp(before->findings, nothing, sizeof nothing) == 0;

    return none ? sv_json_array() : json_null();
}

/* Those before are not kept; of those of now, their names. */
static json_t *record_names(const struct sv_event_facts *facts)
{
    json_t *names = sv_json_array();

    for (size_t i = 0; i < facts->records_count; i++)
        sv_json_append(names, json_string(facts->records[i].name));
    return names;
}

static json_t *json_changed(const struct sv_event_facts *facts)
{
    const struct sv_domain *before = &facts->before->domain, *after = &facts->after->domain;
    json_t *changed = sv_json_object();

    add_change(changed, "status", json_from(before->status), json_status(after->status));
    sv_json_add_changes(changed, before, after);
    if (before->conclusion != after->conclusion)
        add_pair(changed, "conclusion", json_conclusion(before->conclusion),
                 json_conclusion(after->conclusion));
    if (before->reputation != after->reputation)
        add_pair(changed, "reputation", json_string(sv_reputation_name(before->reputation)),
                 json_string(sv_reputation_name(after->reputation)));
    if (before->drift != after->drift)
        add_change(changed, "drift", sv_json_drift(before->drift), sv_json_drift(after->drift));
    if (sv_change_is_records(before, after))
        add_change(changed, "dns_records", json_null(), record_names(facts));
    if (memcmp(before->findings, after->findings, sizeof before->findings) != 0)
        add_change(changed, "findings", codes_before(before), sv_json_codes(facts->findings));
    return changed;
}

static void add_findings(json_t *data, const struct sv_event_facts *facts)
{
    json_t *list = sv_json_array();
    size_t count = json_array_size(facts->findings);
    size_t shown = count < SV_EVENT_FINDINGS_MAX ? count : SV_EVENT_FINDINGS_MAX;
    size_t omitted = count - shown + facts->findings_omitted;

    for (size_t i = 0; i < shown; i++)
        sv_json_append(list, json_incref(json_array_get(facts->findings, i)));
    sv_json_set(data, "findings", list);
    if (omitted > 0)
        sv_json_set_int(data, "findings_omitted", (long long)omitted);
}

static void add_records(json_t *data, const struct sv_event_facts *facts)
{
    json_t *list = sv_json_array();
    const char *token = facts->after->registration.ownership_token;

    for (size_t i = 0; i < facts->records_count; i++)
        sv_json_append(list, sv_json_record(&facts->records[i], SV_RECORD_UNKNOWN));
    sv_json_set(data, "dns_records", list);
    sv_json_set_str(data, "estimated_propagation", "minutes to 48 hours");
    if (token[0] != '\0')
        sv_json_set_str(data, "verification_token", token);
}

static void add_state(json_t *data, const struct sv_event_facts *facts)
{
    const struct sv_domain *after = &facts->after->domain;
    struct sv_flags flags;

    sv_domain_flags(after, &flags);
    add_flags(data, &flags);
    sv_json_set(data, "axes", sv_json_axes(after));
    sv_json_set(data, "drift", sv_json_drift(after->drift));
    sv_json_set(data, "changed", json_changed(facts));
    add_findings(data, facts);
    sv_json_set_str(data, "reputation", sv_reputation_name(after->reputation));
    sv_json_set(data, "mail", sv_json_mail(after));
    sv_json_set(data, "conclusion", json_conclusion(facts->effects->shown));
    if (facts->effects->untold != SV_UNTOLD_NONE)
        sv_json_set_str(data, "cannot_tell_because", sv_untold_name(facts->effects->untold));
    sv_json_set(data, "dns_expected_by", sv_json_time(sv_domain_dns_expected_by(after)));
    sv_json_set(data, "restart_due_at",
                sv_json_time(sv_domain_restart_due_at(after, facts->policy)));
    sv_json_set(data, "stops_sending_at",
                sv_json_time(sv_domain_stops_sending_at(after, facts->policy)));
    sv_json_set(data, "ses_looks_until",
                sv_json_time(sv_domain_ses_looks_until(after, facts->policy)));
    sv_json_set(
        data, "next_check_at",
        sv_json_time(facts->effects->wait_ms < 0 ? 0 : facts->now + facts->effects->wait_ms));
}

static json_t *domain_data(const struct sv_event_facts *facts)
{
    const struct sv_registration *registration = &facts->after->registration;
    const struct sv_effects *effects = facts->effects;
    json_t *data = sv_json_object();
    bool registered = effects->news == SV_NEWS_REGISTERED;

    sv_json_set_str(data, "domain_id", facts->uid);
    sv_json_set_str(data, "client_id", facts->client_id);
    sv_json_set_str(data, "account", registration->account);
    sv_json_set_str(data, "domain", registration->domain);
    sv_json_set_str(data, "contact_email",
                    facts->contact_email[0] == '\0' ? NULL : facts->contact_email);
    sv_json_set(data, "from", json_from(effects->from));
    sv_json_set(data, "to", json_status(effects->to));
    sv_json_set_str(data, "reason", sv_reason_name(effects->reason));
    add_state(data, facts);
    if (registered)
        sv_json_set_bool(data, "identity_existed", facts->identity_existed);
    if (facts->records_count > 0)
        add_records(data, facts);
    if (facts->job_id != NULL)
        sv_json_set_str(data, "job_id", facts->job_id);
    sv_json_set(data, "observed_at", sv_json_time(facts->now));
    return data;
}

static void drop_witnesses(json_t *data)
{
    json_t *list = sv_json_array();
    const json_t *findings = json_object_get(data, "findings");

    for (size_t i = 0; i < json_array_size(findings); i++) {
        json_t *finding = json_copy(json_array_get(findings, i)); /* the original is shared */

        sv_json_set(finding, "witnesses", sv_json_array());
        sv_json_append(list, finding);
    }
    sv_json_set(data, "findings", list);
}

/* The least important ones stand last. */
static bool drop_last_finding(json_t *data)
{
    json_t *findings = json_object_get(data, "findings");
    json_int_t omitted = json_integer_value(json_object_get(data, "findings_omitted"));

    if (json_array_size(findings) == 0)
        return false;
    (void)json_array_remove(findings, json_array_size(findings) - 1);
    sv_json_set_int(data, "findings_omitted", omitted + 1);
    return true;
}

char *sv_cloudevent_domain(const struct sv_event_facts *facts)
{
    const struct sv_registration *registration = &facts->after->registration;
    char type[64], source[128], id[96], sequence[24], *text;
    const char *kind = sv_news_name(facts->effects->news);
    json_t *event;

    SV_REQUIRE(facts->effects->news != SV_NEWS_NONE);
    (void)snprintf(sequence, sizeof sequence, "%010" PRIu64, facts->after->domain.sequence);
    (void)snprintf(type, sizeof type, "io.sesverify.domain.%s.v1", kind);
    (void)snprintf(source, sizeof source, "/sesverify/%s/%s", registration->account, facts->uid);
    (void)snprintf(id, sizeof id, "%s.%s.%s", facts->uid, sequence, kind);
    event = envelope(type, source, id, registration->domain, facts->now);
    sv_json_set_str(event, "sequence", sequence);
    sv_json_set_str(event, "datacontenttype", "application/json");
    if (registration->traceparent[0] != '\0')
        sv_json_set_str(event, "traceparent", registration->traceparent);
    sv_json_set(event, "data", domain_data(facts));
    text = dump(event, SV_STORE_DOMAIN_EVENT_BYTES_MAX);
    if (text == NULL) { /* long foreign values: they can be read elsewhere */
        drop_witnesses(json_object_get(event, "data"));
        text = dump(event, SV_STORE_DOMAIN_EVENT_BYTES_MAX);
    }
    while (text == NULL && drop_last_finding(json_object_get(event, "data")))
        text = dump(event, SV_STORE_DOMAIN_EVENT_BYTES_MAX);
    SV_REQUIRE(text != NULL); /* every other value has a limit far below */
    json_decref(event);
    return text;
}

static void set_known(json_t *object, const char *key, const char *text)
{
    if (text[0] != '\0')
        sv_json_set_str(object, key, text);
}

static json_t *job_event(const struct sv_job_facts *facts)
{
    const struct sv_job *job = facts->job;
    json_t *event, *data = sv_json_object();
    char source[64], id[96];

    (void)snprintf(source, sizeof source, "/sesverify/jobs/%u", facts->shard);
    (void)snprintf(id, sizeof id, "job.%u.%s", facts->shard, facts->entry_id);
    event = envelope("io.sesverify.job.finished.v1", source, id, job->domain, facts->now);
    sv_json_set_str(event, "datacontenttype", "application/json");
    if (job->traceparent[0] != '\0')
        sv_json_set_str(event, "traceparent", job->traceparent);
    sv_json_set_str(data, "job_id", job->id);
    sv_json_set_str(data, "entry_id", facts->entry_id);
    if (job->type != SV_JOB_TYPE_COUNT)
        sv_json_set_str(data, "type", sv_job_type_name(job->type));
    set_known(data, "client_id", job->client_id);
    set_known(data, "account", job->account);
    set_known(data, "domain", job->domain);
    set_known(data, "domain_id", facts->uid);
    set_known(data, "contact_email", job->contact_email);
    sv_json_set(data, "finished_at", sv_json_time(facts->now));
    sv_json_set(event, "data", data);
    return event;
}

struct sv_job_event sv_cloudevent_job(const struct sv_job_facts *facts)
{
    struct sv_job_event out;
    json_t *event = job_event(facts);
    size_t len;

    out.head = dump(event, SV_STORE_EVENT_BYTES_MAX);
    SV_REQUIRE(out.head != NULL);
    json_decref(event);
    len = strlen(out.head);
    SV_REQUIRE(len > 2 && strcmp(out.head + len - 2, "}}") == 0); /* data is the last member */
    out.head[len - 2] = ',';
    out.head[len - 1] = '\0';
    out.tail = sv_strdup("}}");
    return out;
}

void sv_job_event_free(struct sv_job_event *event)
{
    free(event->head);
    free(event->tail);
    *event = (struct sv_job_event){0};
}

char *sv_cloudevent_job_finished(const struct sv_job_facts *facts, const char *outcome,
                                 const char *reason, enum sv_tri definitive)
{
    json_t *event = job_event(facts);
    json_t *data = json_object_get(event, "data");
    char *text;

    sv_json_set_str(data, "outcome", outcome);
    if (reason != NULL)
        sv_json_set_str(data, "reason", reason);
    if (definitive != SV_TRI_UNKNOWN)
        sv_json_set_bool(data, "definitive", definitive == SV_TRI_YES);
    if (facts->identity_existed != SV_TRI_UNKNOWN)
        sv_json_set_bool(data, "identity_existed", facts->identity_existed == SV_TRI_YES);
    text = dump(event, SV_STORE_EVENT_BYTES_MAX);
    SV_REQUIRE(text != NULL);
    json_decref(event);
    return text;
}
