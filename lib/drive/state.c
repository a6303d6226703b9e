/* The short field names are the schema of the domain hash (version 1). Those that the scripts of
 * the store read or write themselves (cl st seq f cf own att la again job jid jt todo nx rc ver wd)
 * are only read here, but for st and todo, which a commit hands over like any other field. */
#include "sv/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/digest.h"
#include "sv/require.h"

static const char *find(const struct sv_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].value;
    }
    return NULL;
}

struct source {
    const struct sv_field *fields;
    size_t count;
    struct sv_errinfo *info;
    enum sv_err err; /* the first fault; later reads do nothing more */
};

static void fault(struct source *source, const char *name, const char *value)
{
    if (source->err == SV_OK)
        source->err = sv_err_set(source->info, SV_EMALFORMED, "state", 0,
                                 "field %s of the domain hash cannot be \"%.40s\"", name, value);
}

static int64_t number(struct source *source, const char *name, int64_t min, int64_t max)
{
    const char *text = find(source->fields, source->count, name);
    char *end;
    long long value;

    if (text == NULL || *text == '\0')
        return 0;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < min || value > max) {
        fault(source, name, text);
        return 0;
    }
    return value;
}

static uint32_t number32(struct source *source, const char *name)
{
    return (uint32_t)number(source, name, 0, UINT32_MAX);
}

static sv_ms instant(struct source *source, const char *name)
{
    return number(source, name, 0, INT64_MAX);
}

static int choice(struct source *source, const char *name, int count)
{
    return (int)number(source, name, 0, count - 1);
}

static void text(struct source *source, const char *name, char *out, size_t bytes)
{
    const char *value = find(source->fields, source->count, name);

    if (value == NULL)
        return;
    if (strlen(value) >= bytes)
        fault(source, name, value);
    else
        (void)snprintf(out, bytes, "%s", value);
}

/* Bits of the field `b`. */
enum {
    BIT_MAIL_FROM_WANTED = 1,
    BIT_ADOPTED = 2,
    BIT_WAS_VERIFIED = 4,
    BIT_DNS_WRONG = 8,
    BITS_MAX = 15,
};

static void read_domain(struct source *source, struct sv_domain *domain)
{
    const char *status = find(source->fields, source->count, "st");
    int64_t bits = number(source, "b", 0, BITS_MAX);
    char name[] = "g0";

    domain->status = status == NULL ? SV_STATUS_NEW : sv_status_parse(status);
    if (domain->status == SV_STATUS_COUNT) {
        fault(source, "st", status);
        domain->status = SV_STATUS_NEW;
    }
    domain->identity = (enum sv_axis)choice(source, "i", SV_AXIS_COUNT);
    domain->dkim = (enum sv_axis)choice(source, "dk", SV_AXIS_COUNT);
    domain->mail_from = (enum sv_axis)choice(source, "mf", SV_AXIS_COUNT);
    domain->signing = (enum sv_tri)choice(source, "sg", 3);
    domain->spf = (enum sv_tri)choice(source, "sp", 3);
    domain->dmarc = (enum sv_tri)choice(source, "dm", 3);
    domain->bulk = (enum sv_tri)choice(source, "bu", 3);
    domain->conclusion = (enum sv_conclusion)choice(source, "co", SV_CONCLUSION_COUNT);
    domain->mail_from_wanted = (bits & BIT_MAIL_FROM_WANTED) != 0;
    domain->adopted = (bits & BIT_ADOPTED) != 0;
    domain->was_verified = (bits & BIT_WAS_VERIFIED) != 0;
    domain->dns_wrong = (bits & BIT_DNS_WRONG) != 0;
    for (int group = 0; group < SV_GROUP_COUNT; group++) {
        name[1] = (char)('0' + group);
        domain->findings[group] = number32(source, name);
    }
    domain->records = number32(source, "rd");
    domain->drift = number32(source, "dr");
    domain->restores = number32(source, "dn");
    domain->todo = number32(source, "todo");
    domain->sequence = (uint64_t)number(source, "seq", 0, INT64_MAX);
    domain->tries = number32(source, "tr");
    domain->faults = number32(source, "fa");
    domain->restarts = number32(source, "rs");
    domain->status_since = instant(source, "ss");
    domain->looking_since = instant(source, "ls");
    domain->wrong_at = instant(source, "wa");
    domain->wrong_ttl_s = number32(source, "wt");
    domain->caches_until = instant(source, "cu");
    domain->temporary_at = instant(source, "ta");
    domain->bad_at = instant(source, "ba");
    domain->ses_asked_at = instant(source, "sa");
    domain->restarted_at = instant(source, "ra");
    domain->restarts_from = instant(source, "rf");
    domain->next_check_at = instant(source, "nx");
    domain->detailed_at = instant(source, "da");
    domain->ses_reason = (enum sv_ses_reason)choice(source, "sr", SV_SES_REASON_COUNT);
    domain->ses_checked_at = instant(source, "sc");
}

static void read_registration(struct source *source, struct sv_registration *registration)
{
    static const char *const tokens[SV_SES_TOKENS_MAX] = {"k1", "k2", "k3"};

    text(source, "acct", registration->account, sizeof registration->account);
    text(source, "dom", registration->domain, sizeof registration->domain);
    text(source, "mfd", registration->mail_from, sizeof registration->mail_from);
    text(source, "tp", registration->traceparent, sizeof registration->traceparent);
    text(source, "z", registration->zone, sizeof registration->zone);
    text(source, "ot", registration->ownership_token, sizeof registration->ownership_token);
    text(source, "rv", registration->verdicts, sizeof registration->verdicts);
    registration->reject_on_mx_failure = number(source, "bx", 0, 1) != 0;
    registration->legacy_txt = number(source, "lt", 0, 1) != 0;
    registration->adopt = number(source, "ad", 0, 1) != 0;
    registration->registered_at = instant(source, "rg");
    registration->own_key = number32(source, "kp");
    registration->dkim = (enum sv_dkim_method)choice(source, "km", SV_DKIM_METHOD_COUNT);
    if (registration->dkim == SV_DKIM_UNKNOWN) /* the usual one is not written down */
        registration->dkim = SV_DKIM_EASY;
    for (size_t i = 0; i < SV_SES_TOKENS_MAX; i++) {
        text(source, tokens[i], registration->tokens[i], sizeof registration->tokens[i]);
        if (registration->tokens[i][0] != '\0')
            registration->tokens_count = i + 1;
    }
}

static void read_job(struct source *source, struct sv_open_job *job)
{
    const char *type = find(source->fields, source->count, "jt");

    job->type = SV_JOB_TYPE_COUNT;
    text(source, "job", job->entry_id, sizeof job->entry_id);
    text(source, "jid", job->id, sizeof job->id);
    for (int i = 0; type != NULL && i < SV_JOB_TYPE_COUNT; i++) {
        if (strcmp(type, sv_job_type_name((enum sv_job_type)i)) == 0)
            job->type = (enum sv_job_type)i;
    }
    if (job->entry_id[0] != '\0' && job->type == SV_JOB_TYPE_COUNT)
        fault(source, "jt", type == NULL ? "" : type);
}

enum sv_err sv_state_read(const struct sv_field *fields, size_t count, struct sv_record_sheet *out,
                          struct sv_errinfo *info)
{
    struct source source = {.fields = fields, .count = count, .info = info};

    *out = (struct sv_record_sheet){0};
    read_domain(&source, &out->domain);
    read_registration(&source, &out->registration);
    read_job(&source, &out->job);
    out->hurried = number(&source, "hu", 0, 1) != 0;
    if (source.err == SV_OK && out->registration.domain[0] == '\0')
        fault(&source, "dom", "");
    if (source.err == SV_OK && !sv_domain_is_sane(&out->domain))
        source.err =
            sv_err_set(info, SV_EMALFORMED, "state", 0,
                       "the fields of %.100s contradict each other", out->registration.domain);
    return source.err;
}

static void put(struct sv_state_fields *out, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void put(struct sv_state_fields *out, const char *name, const char *format, ...)
{
    struct sv_field *field = &out->fields[out->count++];
    size_t room = sizeof out->text - out->text_bytes;
    va_list args;
    int len;

    SV_REQUIRE(out->count < SV_STORE_FIELDS_MAX);
    field->name = name;
    field->value = out->text + out->text_bytes;
    va_start(args, format);
    len = vsnprintf(out->text + out->text_bytes, room, format, args);
    va_end(args);
    SV_REQUIRE(len >= 0 && (size_t)len < room);
    out->text_bytes += (size_t)len + 1;
}

static void put_text(struct sv_state_fields *out, const char *name, const char *value)
{
    if (value[0] != '\0') {
        put(out, name, "%s", value);
        return;
    }
    SV_REQUIRE(out->count + 1 < SV_STORE_FIELDS_MAX);
    out->fields[out->count++] = (struct sv_field){.name = name, .value = NULL};
}

static void put_number(struct sv_state_fields *out, const char *name, int64_t value)
{
    if (value == 0)
        put_text(out, name, "");
    else
        put(out, name, "%" PRId64, value);
}

static void write_domain(const struct sv_domain *domain, struct sv_state_fields *out)
{
    static const char *const groups[SV_GROUP_COUNT] = {"g0", "g1", "g2", "g3", "g4", "g5"};

    put_text(out, "st", sv_status_name(domain->status));
    put_number(out, "i", domain->identity);
    put_number(out, "dk", domain->dkim);
    put_number(out, "mf", domain->mail_from);
    put_number(out, "sg", domain->signing);
    put_number(out, "sp", domain->spf);
    put_number(out, "dm", domain->dmarc);
    put_number(out, "bu", domain->bulk);
    put_number(out, "co", domain->conclusion);
    put_number(out, "b",
               (domain->mail_from_wanted ? BIT_MAIL_FROM_WANTED : 0) |
                   (domain->adopted ? BIT_ADOPTED : 0) |
                   (domain->was_verified ? BIT_WAS_VERIFIED : 0) |
                   (domain->dns_wrong ? BIT_DNS_WRONG : 0));
    for (int group = 0; group < SV_GROUP_COUNT; group++)
        put_number(out, groups[group], domain->findings[group]);
    put_number(out, "rd", domain->records);
    put_number(out, "dr", domain->drift);
    put_number(out, "dn", domain->restores);
    put_number(out, "todo", domain->todo);
    put_number(out, "tr", domain->tries);
    put_number(out, "fa", domain->faults);
    put_number(out, "rs", domain->restarts);
    put_number(out, "ss", domain->status_since);
    put_number(out, "ls", domain->looking_since);
    put_number(out, "wa", domain->wrong_at);
    put_number(out, "wt", domain->wrong_ttl_s);
    put_number(out, "cu", domain->caches_until);
    put_number(out, "ta", domain->temporary_at);
    put_number(out, "ba", domain->bad_at);
    put_number(out, "sa", domain->ses_asked_at);
    put_number(out, "ra", domain->restarted_at);
    put_number(out, "rf", domain->restarts_from);
    put_number(out, "da", domain->detailed_at);
    put_number(out, "sr", domain->ses_reason);
    put_number(out, "sc", domain->ses_checked_at);
}

void sv_state_write(const struct sv_record_sheet *sheet, struct sv_state_fields *out)
{
    static const char *const tokens[SV_SES_TOKENS_MAX] = {"k1", "k2", "k3"};
    const struct sv_registration *registration = &sheet->registration;

    out->count = 0;
    out->text_bytes = 0;
    write_domain(&sheet->domain, out);
    for (size_t i = 0; i < SV_SES_TOKENS_MAX; i++)
        put_text(out, tokens[i], registration->tokens[i]);
    put_number(out, "km", registration->dkim == SV_DKIM_EASY ? 0 : registration->dkim);
    put_number(out, "kp", registration->own_key);
    put_text(out, "z", registration->zone);
    put_text(out, "ot", registration->ownership_token);
    put_text(out, "rv", registration->verdicts);
    put_number(out, "rg", registration->registered_at);
    put_number(out, "hu", 0); /* the look that a sweep asked for is made */
}

void sv_state_write_job(const struct sv_job *job, struct sv_state_fields *out)
{
    out->count = 0;
    out->text_bytes = 0;
    put_text(out, "tp", job->traceparent);
    if (job->type != SV_JOB_REGISTER && job->type != SV_JOB_ADOPT)
        return;
    put_text(out, "acct", job->account);
    put_text(out, "dom", job->domain);
    put_text(out, "mfd", job->mail_from);
    put_number(out, "bx", job->reject_on_mx_failure);
    put_number(out, "lt", job->legacy_txt);
    put_number(out, "ad", job->type == SV_JOB_ADOPT);
}

void sv_state_expect_dkim(const struct sv_registration *registration,
                          const struct sv_ses_setup *setup, struct sv_expect *expect)
{
    const char *selector = registration->tokens[0];

    if (registration->dkim != SV_DKIM_BYODKIM) {
        expect->dkim_tokens_count = registration->tokens_count;
        for (size_t i = 0; i < registration->tokens_count; i++)
            expect->dkim_tokens[i] = registration->tokens[i];
        expect->dkim_zone = registration->zone[0] != '\0' ? registration->zone : NULL;
        return;
    }
    expect->byodkim_selector = selector;
    if (setup != NULL && registration->own_key != 0 &&
        registration->own_key == sv_state_key_digest(setup->public_key))
        expect->byodkim_key = setup->public_key;
}

uint32_t sv_state_key_digest(const char *public_key)
{
    uint32_t digest = public_key != NULL ? sv_crc32(public_key, strlen(public_key)) : 0;

    return digest == 0 && public_key != NULL ? 1 : digest;
}

enum sv_record_status sv_verdict_read(char letter)
{
    if (letter == 'o')
        return SV_RECORD_OK;
    if (letter == 'w')
        return SV_RECORD_WRONG;
    return letter == 'W' ? SV_RECORD_WAITING : SV_RECORD_UNKNOWN;
}
