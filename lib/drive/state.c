/* The short field names are the schema of the domain hash. Those that the scripts of the store read
 * or write themselves (cl st seq f cf own att la again job jid jt todo nx rc ver wd lw) are only
 * read here, but for st and todo, which a commit hands over like any other field.
 *
 * Version 2 packs what every waiting domain has into `s` (states, verdicts, times), `g` (digests),
 * `ka` and `kb` (DKIM tokens). Version 1 had a field for each; it is still read, and a commit of
 * this program replaces it. What only few domains have is a field of its own in both. */
#include "sv/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state_pack.h"
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

/* Bits of the last state, version 1's field `b`. */
enum {
    BIT_MAIL_FROM_WANTED = 1,
    BIT_ADOPTED = 2,
    BIT_WAS_VERIFIED = 4,
    BIT_DNS_WRONG = 8,
    BITS_MAX_V1 = 15,
    BIT_USUAL_ZONE = 16, /* SES's hosted zone is USUAL_ZONE, and `z` is not there */
    BITS_MAX = 31,
};

#define USUAL_ZONE "dkim.amazonses.com"

/* The states, one digit each, in this order; version 1 had a field for each. */
enum state {
    STATE_IDENTITY,
    STATE_DKIM,
    STATE_MAIL_FROM,
    STATE_SIGNING,
    STATE_SPF,
    STATE_DMARC,
    STATE_BULK,
    STATE_CONCLUSION,
    STATE_BITS,
    STATE_COUNT
};

static const struct {
    const char *v1;
    int max;
} states[STATE_COUNT] = {
    [STATE_IDENTITY] = {"i", SV_AXIS_COUNT - 1},
    [STATE_DKIM] = {"dk", SV_AXIS_COUNT - 1},
    [STATE_MAIL_FROM] = {"mf", SV_AXIS_COUNT - 1},
    [STATE_SIGNING] = {"sg", SV_TRI_YES},
    [STATE_SPF] = {"sp", SV_TRI_YES},
    [STATE_DMARC] = {"dm", SV_TRI_YES},
    [STATE_BULK] = {"bu", SV_TRI_YES},
    [STATE_CONCLUSION] = {"co", SV_CONCLUSION_COUNT - 1},
    [STATE_BITS] = {"b", BITS_MAX_V1},
};

/* The other fields of version 1 that version 2 has packed. */
static const char *const digests_v1[] = {"rd", "g0", "g1", "g2", "g3", "g4", "g5"};
static const char *const numbers_v1[] = {"tr", "rg", "ss", "ls", "sa", "rv"};
static const char *const tokens_v1[SV_SES_TOKENS_MAX] = {"k1", "k2", "k3"};

enum { DIGESTS = 1 + SV_GROUP_COUNT };
_Static_assert(sizeof(digests_v1) / sizeof(digests_v1[0]) == DIGESTS, "one name for each");

/* Six numbers of ten digits at most: fewer than 64 bytes. */
static void read_mail(struct source *source, struct sv_mail *mail)
{
    uint32_t *const parts[] = {&mail->sent,    &mail->permanent_bounces, &mail->transient_bounces,
                               &mail->tracked, &mail->complaints,        &mail->advice};
    const char *text = find(source->fields, source->count, "rq"), *at = text;

    for (size_t i = 0; text != NULL && i < sizeof(parts) / sizeof(parts[0]); i++) {
        char *end;
        unsigned long long value = strtoull(at, &end, 10);

        if (*at < '0' || *at > '9' || value > UINT32_MAX || *end != (i < 5 ? ',' : '\0')) {
            fault(source, "rq", text);
            return;
        }
        *parts[i] = (uint32_t)value;
        at = end + 1;
    }
}

static void set_states(const int values[STATE_COUNT], struct sv_record_sheet *out)
{
    struct sv_domain *domain = &out->domain;
    int bits = values[STATE_BITS];

    domain->identity = (enum sv_axis)values[STATE_IDENTITY];
    domain->dkim = (enum sv_axis)values[STATE_DKIM];
    domain->mail_from = (enum sv_axis)values[STATE_MAIL_FROM];
    domain->signing = (enum sv_tri)values[STATE_SIGNING];
    domain->spf = (enum sv_tri)values[STATE_SPF];
    domain->dmarc = (enum sv_tri)values[STATE_DMARC];
    domain->bulk = (enum sv_tri)values[STATE_BULK];
    domain->conclusion = (enum sv_conclusion)values[STATE_CONCLUSION];
    domain->mail_from_wanted = (bits & BIT_MAIL_FROM_WANTED) != 0;
    domain->adopted = (bits & BIT_ADOPTED) != 0;
    domain->was_verified = (bits & BIT_WAS_VERIFIED) != 0;
    domain->dns_wrong = (bits & BIT_DNS_WRONG) != 0;
    if ((bits & BIT_USUAL_ZONE) != 0)
        (void)snprintf(out->registration.zone, sizeof out->registration.zone, "%s", USUAL_ZONE);
}

static void read_version_1(struct source *source, struct sv_record_sheet *out)
{
    struct sv_domain *domain = &out->domain;
    struct sv_registration *registration = &out->registration;
    int values[STATE_COUNT];

    for (int i = 0; i < STATE_COUNT; i++)
        values[i] = (int)number(source, states[i].v1, 0, states[i].max);
    set_states(values, out);
    domain->records = number32(source, digests_v1[0]);
    for (int group = 0; group < SV_GROUP_COUNT; group++)
        domain->findings[group] = number32(source, digests_v1[1 + group]);
    domain->tries = number32(source, "tr");
    registration->registered_at = instant(source, "rg");
    domain->status_since = instant(source, "ss");
    domain->looking_since = instant(source, "ls");
    domain->ses_asked_at = instant(source, "sa");
    text(source, "rv", registration->verdicts, sizeof registration->verdicts);
}

/* "<states>,<verdicts>,<tries>,<registered>,<status since>,<looking since>,<SES asked>"; a time "="
 * is the same as the one before it. False: it cannot be. */
static bool read_states(const char *text, struct sv_record_sheet *out)
{
    struct sv_registration *registration = &out->registration;
    sv_ms *const times[] = {&registration->registered_at, &out->domain.status_since,
                            &out->domain.looking_since, &out->domain.ses_asked_at};
    int values[STATE_COUNT];
    uint64_t value = 0;
    size_t letters;

    for (int i = 0; i < STATE_COUNT; i++) {
        values[i] = sv_pack_digit_value(*text);
        if (values[i] < 0 || values[i] > (i == STATE_BITS ? BITS_MAX : states[i].max))
            return false;
        text++;
    }
    set_states(values, out);
    letters = strcspn(text += *text == ',', ",");
    if (letters >= sizeof registration->verdicts)
        return false;
    (void)snprintf(registration->verdicts, sizeof registration->verdicts, "%.*s", (int)letters,
                   text);
    text += letters;
    text += *text == ',';
    if (!sv_pack_number_read(&text, UINT32_MAX, &value))
        return false;
    out->domain.tries = (uint32_t)value;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        bool is_same = i > 0 && *text == '=';

        text += is_same;
        value = 0;
        if (!sv_pack_number_read(&text, is_same ? 0 : INT64_MAX, &value))
            return false;
        *times[i] = is_same ? *times[i - 1] : (sv_ms)value;
    }
    return *text == '\0';
}

static bool read_digests(const char *text, struct sv_domain *domain)
{
    for (int i = 0; i < DIGESTS; i++) {
        uint64_t value;

        if (!sv_pack_number_read(&text, UINT32_MAX, &value))
            return false;
        *(i == 0 ? &domain->records : &domain->findings[i - 1]) = (uint32_t)value;
    }
    return *text == '\0';
}

static void read_packed(struct source *source, struct sv_record_sheet *out)
{
    const char *packed = find(source->fields, source->count, "s");
    const char *digests = find(source->fields, source->count, "g");

    if (packed != NULL && !read_states(packed, out))
        fault(source, "s", packed);
    if (digests != NULL && !read_digests(digests, &out->domain))
        fault(source, "g", digests);
}

static void read_tokens(struct source *source, struct sv_registration *registration)
{
    const char *first = find(source->fields, source->count, "ka");
    const char *second = find(source->fields, source->count, "kb");

    if (first != NULL &&
        !sv_pack_tokens_read(first, second != NULL ? second : "", registration->tokens))
        fault(source, "ka", first);
    for (size_t i = 0; i < SV_SES_TOKENS_MAX; i++) {
        text(source, tokens_v1[i], registration->tokens[i], sizeof registration->tokens[i]);
        if (registration->tokens[i][0] != '\0')
            registration->tokens_count = i + 1;
    }
}

static void read_domain(struct source *source, struct sv_domain *domain)
{
    const char *status = find(source->fields, source->count, "st");

    domain->status = status == NULL ? SV_STATUS_NEW : sv_status_parse(status);
    if (domain->status == SV_STATUS_COUNT) {
        fault(source, "st", status);
        domain->status = SV_STATUS_NEW;
    }
    domain->drift = number32(source, "dr");
    domain->restores = number32(source, "dn");
    domain->todo = number32(source, "todo");
    domain->sequence = (uint64_t)number(source, "seq", 0, INT64_MAX);
    domain->faults = number32(source, "fa");
    domain->restarts = number32(source, "rs");
    domain->wrong_at = instant(source, "wa");
    domain->wrong_ttl_s = number32(source, "wt");
    domain->caches_until = instant(source, "cu");
    domain->temporary_at = instant(source, "ta");
    domain->bad_at = instant(source, "ba");
    domain->restarted_at = instant(source, "ra");
    domain->restarts_from = instant(source, "rf");
    domain->next_check_at = instant(source, "nx");
    domain->reputation = (enum sv_reputation)choice(source, "rp", SV_REPUTATION_COUNT);
    domain->reputation_at = instant(source, "rt");
    domain->mail_at = instant(source, "ma");
    read_mail(source, &domain->mail);
    domain->detailed_at = instant(source, "da");
    domain->ses_reason = (enum sv_ses_reason)choice(source, "sr", SV_SES_REASON_COUNT);
    domain->ses_checked_at = instant(source, "sc");
}

/* "bounce." stands for bounce.<domain>: a name never ends in a dot. */
static void read_mail_from(struct source *source, struct sv_registration *registration)
{
    const char *value = find(source->fields, source->count, "mfd");
    size_t len = value != NULL ? strlen(value) : 0;

    if (len == 0)
        return;
    if (value[len - 1] != '.')
        text(source, "mfd", registration->mail_from, sizeof registration->mail_from);
    else if (len + strlen(registration->domain) >= sizeof registration->mail_from)
        fault(source, "mfd", value);
    else {
        memcpy(registration->mail_from, value, len);
        memcpy(registration->mail_from + len, registration->domain,
               strlen(registration->domain) + 1);
    }
}

static void read_registration(struct source *source, struct sv_registration *registration)
{
    text(source, "acct", registration->account, sizeof registration->account);
    if (registration->account[0] == '\0') /* the usual one is not written down */
        (void)snprintf(registration->account, sizeof registration->account, "%s",
                       SV_ACCOUNT_DEFAULT);
    text(source, "dom", registration->domain, sizeof registration->domain);
    read_mail_from(source, registration);
    text(source, "tp", registration->traceparent, sizeof registration->traceparent);
    text(source, "z", registration->zone, sizeof registration->zone);
    text(source, "ot", registration->ownership_token, sizeof registration->ownership_token);
    registration->reject_on_mx_failure = number(source, "bx", 0, 1) != 0;
    registration->legacy_txt = number(source, "lt", 0, 1) != 0;
    registration->adopt = number(source, "ad", 0, 1) != 0;
    registration->own_key = number32(source, "kp");
    registration->dkim = (enum sv_dkim_method)choice(source, "km", SV_DKIM_METHOD_COUNT);
    if (registration->dkim == SV_DKIM_UNKNOWN) /* the usual one is not written down */
        registration->dkim = SV_DKIM_EASY;
    read_tokens(source, registration);
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
    out->version = number32(&source, "ver");
    if (out->version > SV_STATE_VERSION)
        return sv_err_set(info, SV_EREFUSED, "state", 0,
                          "the record has version %" PRIu32
                          ", and this program knows %d: it is for a newer sesverify",
                          out->version, SV_STATE_VERSION);
    read_domain(&source, &out->domain);
    if (find(fields, count, "s") == NULL && find(fields, count, "g") == NULL) {
        read_version_1(&source, out);
        out->version = 1; /* whatever was admitted to it since */
    } else {
        read_packed(&source, out);
    }
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

/* Without the commas at its end; nothing at all when it is `empty`. */
static void put_trimmed(struct sv_state_fields *out, const char *name, const char *packed,
                        const char *end, bool empty)
{
    while (end > packed && end[-1] == ',')
        end--;
    if (empty)
        put_text(out, name, "");
    else
        put(out, name, "%.*s", (int)(end - packed), packed);
}

static void put_number(struct sv_state_fields *out, const char *name, int64_t value)
{
    if (value == 0)
        put_text(out, name, "");
    else
        put(out, name, "%" PRId64, value);
}

static void put_mail(struct sv_state_fields *out, const struct sv_mail *mail)
{
    static const struct sv_mail nothing;

    if (memcmp(mail, &nothing, sizeof nothing) == 0)
        put_text(out, "rq", "");
    else
        put(out, "rq", "%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32,
            mail->sent, mail->permanent_bounces, mail->transient_bounces, mail->tracked,
            mail->complaints, mail->advice);
}

static unsigned bits_of(const struct sv_record_sheet *sheet)
{
    const struct sv_domain *domain = &sheet->domain;

    return (domain->mail_from_wanted ? (unsigned)BIT_MAIL_FROM_WANTED : 0u) |
           (domain->adopted ? (unsigned)BIT_ADOPTED : 0u) |
           (domain->was_verified ? (unsigned)BIT_WAS_VERIFIED : 0u) |
           (domain->dns_wrong ? (unsigned)BIT_DNS_WRONG : 0u) |
           (strcmp(sheet->registration.zone, USUAL_ZONE) == 0 ? (unsigned)BIT_USUAL_ZONE : 0u);
}

/* Packed, or "" when everything is zero. */
static void put_states(struct sv_state_fields *out, const struct sv_record_sheet *sheet)
{
    const struct sv_domain *domain = &sheet->domain;
    const struct sv_registration *registration = &sheet->registration;
    const unsigned values[STATE_COUNT] = {
        domain->identity, domain->dkim, domain->mail_from,  domain->signing, domain->spf,
        domain->dmarc,    domain->bulk, domain->conclusion, bits_of(sheet),
    };
    const sv_ms times[] = {registration->registered_at, domain->status_since, domain->looking_since,
                           domain->ses_asked_at};
    char packed[STATE_COUNT + sizeof registration->verdicts + (size_t)5 * SV_PACK_NUMBER_BYTES + 8];
    char *end = packed;

    for (int i = 0; i < STATE_COUNT; i++)
        *end++ = sv_pack_digit(values[i]);
    end += sprintf(end, ",%s,", registration->verdicts);
    end = sv_pack_number(end, domain->tries);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        *end++ = ',';
        if (i > 0 && times[i] != 0 && times[i] == times[i - 1])
            *end++ = '=';
        else
            end = sv_pack_number(end, (uint64_t)times[i]);
    }
    put_trimmed(out, "s", packed, end, strspn(packed, "0,") == (size_t)(end - packed));
}

static void put_digests(struct sv_state_fields *out, const struct sv_domain *domain)
{
    char packed[DIGESTS * SV_PACK_NUMBER_BYTES];
    char *end = sv_pack_number(packed, domain->records);

    for (int group = 0; group < SV_GROUP_COUNT; group++) {
        *end++ = ',';
        end = sv_pack_number(end, domain->findings[group]);
    }
    put_trimmed(out, "g", packed, end, strspn(packed, ",") == (size_t)(end - packed));
}

static void put_tokens(struct sv_state_fields *out, const struct sv_registration *registration)
{
    char tokens[SV_SES_TOKENS_MAX][SV_SES_TOKEN_BYTES];
    char first[SV_PACK_TOKENS_BYTES] = "", second[SV_PACK_TOKENS_BYTES] = "";
    bool packed;

    memcpy(tokens, registration->tokens, sizeof tokens);
    packed = sv_pack_tokens(tokens, first, second);
    put_text(out, "ka", packed ? first : "");
    put_text(out, "kb", packed ? second : "");
    for (size_t i = 0; i < SV_SES_TOKENS_MAX; i++)
        put_text(out, tokens_v1[i], packed ? "" : registration->tokens[i]);
}

/* What a commit of version 1 left, and version 2 keeps elsewhere. */
static void drop_version_1(struct sv_state_fields *out)
{
    for (int i = 0; i < STATE_COUNT; i++)
        put_text(out, states[i].v1, "");
    for (int i = 0; i < DIGESTS; i++)
        put_text(out, digests_v1[i], "");
    for (size_t i = 0; i < sizeof numbers_v1 / sizeof numbers_v1[0]; i++)
        put_text(out, numbers_v1[i], "");
}

static void write_domain(const struct sv_domain *domain, struct sv_state_fields *out)
{
    put_text(out, "st", sv_status_name(domain->status));
    put_number(out, "dr", domain->drift);
    put_number(out, "dn", domain->restores);
    put_number(out, "todo", domain->todo);
    put_number(out, "fa", domain->faults);
    put_number(out, "rs", domain->restarts);
    put_number(out, "wa", domain->wrong_at);
    put_number(out, "wt", domain->wrong_ttl_s);
    put_number(out, "cu", domain->caches_until);
    put_number(out, "ta", domain->temporary_at);
    put_number(out, "ba", domain->bad_at);
    put_number(out, "ra", domain->restarted_at);
    put_number(out, "rf", domain->restarts_from);
    put_number(out, "rp", domain->reputation);
    put_number(out, "rt", domain->reputation_at);
    put_number(out, "ma", domain->mail_at);
    put_mail(out, &domain->mail);
    put_number(out, "da", domain->detailed_at);
    put_number(out, "sr", domain->ses_reason);
    put_number(out, "sc", domain->ses_checked_at);
}

void sv_state_write(const struct sv_record_sheet *sheet, struct sv_state_fields *out)
{
    const struct sv_registration *registration = &sheet->registration;

    out->count = 0;
    out->text_bytes = 0;
    put_states(out, sheet);
    put_digests(out, &sheet->domain);
    put_tokens(out, registration);
    write_domain(&sheet->domain, out);
    put_number(out, "km", registration->dkim == SV_DKIM_EASY ? 0 : registration->dkim);
    put_number(out, "kp", registration->own_key);
    put_text(out, "z", strcmp(registration->zone, USUAL_ZONE) == 0 ? "" : registration->zone);
    put_text(out, "ot", registration->ownership_token);
    put_number(out, "hu", 0); /* the look that a sweep asked for is made */
    if (sheet->version < 2)
        drop_version_1(out);
}

/* "bounce." for bounce.<domain>; anything else as it is. */
static void put_mail_from(const struct sv_job *job, struct sv_state_fields *out)
{
    size_t len = strlen(job->mail_from), below = strlen(job->domain);

    if (len > below + 1 && strcmp(job->mail_from + len - below, job->domain) == 0 &&
        job->mail_from[len - below - 1] == '.')
        put(out, "mfd", "%.*s", (int)(len - below), job->mail_from);
    else
        put_text(out, "mfd", job->mail_from);
}

void sv_state_write_job(const struct sv_job *job, struct sv_state_fields *out)
{
    out->count = 0;
    out->text_bytes = 0;
    put_text(out, "tp", job->traceparent);
    if (job->type != SV_JOB_REGISTER && job->type != SV_JOB_ADOPT)
        return;
    put_text(out, "acct", strcmp(job->account, SV_ACCOUNT_DEFAULT) == 0 ? "" : job->account);
    put_text(out, "dom", job->domain);
    put_mail_from(job, out);
    put_number(out, "bx", job->reject_on_mx_failure);
    put_number(out, "lt", job->legacy_txt);
    put_number(out, "ad", job->type == SV_JOB_ADOPT);
}
