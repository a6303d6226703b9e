#include "sv/records.h"

#include <string.h>

#include "sv/require.h"

#include "records_parts.h"
#include "txt.h"

static const char default_dmarc[] = "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@{domain}";

/* Regions whose DKIM keys have a zone of their own, for the case that SES's reply names none (AWS:
 * "SES DKIM domains" of the General Reference, 2025). */
static const char *const own_zone_regions[] = {
    "af-south-1",     "ap-northeast-3", "ap-south-2",    "ap-southeast-3",
    "ap-southeast-5", "ca-west-1",      "eu-central-2",  "eu-south-1",
    "il-central-1",   "me-central-1",   "us-gov-east-1",
};

const char *sv_record_status_name(enum sv_record_status status)
{
    switch (status) {
    case SV_RECORD_UNKNOWN:
        return "unknown";
    case SV_RECORD_OK:
        return "ok";
    case SV_RECORD_WRONG:
        return "wrong";
    case SV_RECORD_WAITING:
        return "waiting";
    }
    return "unknown";
}

bool sv_dkim_zone(const struct sv_expect *expect, char out[SV_NAME_BYTES])
{
    if (expect->dkim_zone != NULL)
        return sv_name_build(out, expect->dkim_zone, NULL, NULL);
    for (size_t i = 0; i < sizeof(own_zone_regions) / sizeof(*own_zone_regions); i++) {
        if (expect->region != NULL && strcmp(expect->region, own_zone_regions[i]) == 0)
            return sv_name_build(out, "dkim.", expect->region, ".amazonses.com");
    }
    return sv_name_build(out, "dkim.amazonses.com", NULL, NULL);
}

bool sv_dkim_owner(const struct sv_expect *expect, size_t token, char out[SV_NAME_BYTES])
{
    return sv_name_build(out, expect->dkim_tokens[token], "._domainkey.", expect->domain);
}

bool sv_dkim_target(const struct sv_expect *expect, size_t token, char out[SV_NAME_BYTES])
{
    char zone[SV_NAME_BYTES];

    return sv_dkim_zone(expect, zone) && sv_name_build(out, expect->dkim_tokens[token], ".", zone);
}

bool sv_byodkim_owner(const struct sv_expect *expect, char out[SV_NAME_BYTES])
{
    out[0] = '\0';
    return expect->byodkim_selector != NULL && expect->byodkim_key != NULL &&
           sv_name_build(out, expect->byodkim_selector, "._domainkey.", expect->domain);
}

bool sv_byodkim_value(const struct sv_expect *expect, char out[SV_RECORD_VALUE_BYTES])
{
    struct sv_line line;

    sv_line_init(&line, out, SV_RECORD_VALUE_BYTES);
    sv_line_add(&line, "v=DKIM1; k=rsa; p=");
    sv_line_add(&line, expect->byodkim_key != NULL ? expect->byodkim_key : "");
    return expect->byodkim_key != NULL && !line.cut;
}

bool sv_feedback_host(const struct sv_expect *expect, char out[SV_NAME_BYTES])
{
    return sv_name_build(out, "feedback-smtp.", expect->region, ".amazonses.com");
}

bool sv_feedback_region(struct sv_span host, struct sv_span *region)
{
    static const char front[] = "feedback-smtp.";
    static const char back[] = ".amazonses.com";
    size_t hyphens = 0;

    if (host.len > 0 && host.text[host.len - 1] == '.')
        host.len--;
    if (host.len <= strlen(front) + strlen(back) || !sv_span_starts(host, front))
        return false;
    *region = (struct sv_span){.text = host.text + strlen(front),
                               .len = host.len - strlen(front) - strlen(back)};
    for (size_t i = 0; i < region->len; i++) {
        if (region->text[i] == '.')
            return false;
        hyphens += region->text[i] == '-' ? 1 : 0;
    }
    return hyphens >= 2 &&
           sv_span_equals((struct sv_span){region->text + region->len, strlen(back)}, back);
}

/* Replaces every {domain}; false when that does not fit. */
static bool fill_policy(const char *policy, const char *domain, char out[SV_RECORD_VALUE_BYTES])
{
    static const char place[] = "{domain}";
    struct sv_line line;

    sv_line_init(&line, out, SV_RECORD_VALUE_BYTES);
    while (*policy != '\0') {
        if (strncmp(policy, place, strlen(place)) == 0) {
            sv_line_add(&line, domain);
            policy += strlen(place);
        } else {
            size_t plain = 1 + strcspn(policy + 1, "{");
            sv_line_add_bytes(&line, policy, plain);
            policy += plain;
        }
    }
    return !line.cut;
}

/* What the list is being made of. */
struct making {
    const struct sv_expect *expect;
    const char *zone;
    struct sv_record *out;
    size_t count;
};

/* The next free place with its owner filled in, or NULL when no DNS could hold such a name. */
static struct sv_record *start(struct making *making, enum sv_record_kind kind,
                               enum sv_rr_type type, const char *owner)
{
    struct sv_record *record = &making->out[making->count];

    SV_REQUIRE(making->count < SV_RECORDS_MAX);
    *record = (struct sv_record){.kind = kind, .type = type, .ttl_s = SV_RECORD_TTL_S};
    if (!sv_name_build(record->name, owner, NULL, NULL))
        return NULL;
    sv_name_relative(record->name, making->zone, record->host);
    making->count++;
    return record;
}

static void set_value(struct sv_record *record, const char *a, const char *b)
{
    struct sv_line line;

    sv_line_init(&line, record->value, sizeof(record->value));
    sv_line_add(&line, a);
    sv_line_add(&line, b);
}

static void add_ownership(struct making *making)
{
    const struct sv_expect *expect = making->expect;
    char owner[SV_NAME_BYTES];
    struct sv_record *record;

    if (expect->ownership_token == NULL || !sv_name_build(owner, "_amazonses.", expect->domain, ""))
        return;
    record = start(making, SV_RECORD_OWNERSHIP, SV_RR_TXT, owner);
    if (record == NULL)
        return;
    set_value(record, expect->ownership_token, "");
    record->high_priority = true;
    record->required = expect->dkim_tokens_count == 0 && expect->byodkim_selector == NULL;
    record->purpose = "Domain ownership";
    record->description = "Proves to Amazon SES that the domain is yours";
}

static void add_dkim(struct making *making, size_t token)
{
    const struct sv_expect *expect = making->expect;
    char owner[SV_NAME_BYTES];
    char target[SV_NAME_BYTES];
    struct sv_record *record;

    if (!sv_dkim_owner(expect, token, owner) || !sv_dkim_target(expect, token, target))
        return;
    record = start(making, SV_RECORD_DKIM, SV_RR_CNAME, owner);
    if (record == NULL)
        return;
    set_value(record, target, "");
    record->high_priority = true;
    record->required = true;
    record->purpose = "DKIM signature";
    record->description = "Lets receivers check the signature of your mail; all three are needed";
}

static void add_byodkim(struct making *making)
{
    char owner[SV_NAME_BYTES];
    char value[SV_RECORD_VALUE_BYTES];
    struct sv_record *record;

    if (!sv_byodkim_owner(making->expect, owner) || !sv_byodkim_value(making->expect, value))
        return;
    record = start(making, SV_RECORD_DKIM, SV_RR_TXT, owner);
    if (record == NULL)
        return;
    set_value(record, value, "");
    record->high_priority = true;
    record->required = true;
    record->purpose = "DKIM key";
    record->description = "Lets receivers check the signature of your mail with your own key";
}

static void add_mail_from(struct making *making)
{
    const struct sv_expect *expect = making->expect;
    char host[SV_NAME_BYTES];
    struct sv_record *mx;
    struct sv_record *spf;

    if (!sv_feedback_host(expect, host))
        return;
    mx = start(making, SV_RECORD_MAIL_FROM_MX, SV_RR_MX, expect->mail_from);
    if (mx == NULL)
        return;
    set_value(mx, "10 ", host);
    mx->purpose = "Bounces and complaints";
    mx->description = "Brings bounces and complaints back to Amazon SES; it must be the only MX";
    spf = start(making, SV_RECORD_MAIL_FROM_SPF, SV_RR_TXT, expect->mail_from);
    SV_REQUIRE(spf != NULL);
    set_value(spf, SV_SPF_EXPECTED, "");
    spf->high_priority = true;
    spf->purpose = "SPF of the MAIL FROM domain";
    spf->description = "Allows Amazon SES to send for the MAIL FROM domain";
}

static void add_spf(struct making *making)
{
    struct sv_record *record = start(making, SV_RECORD_SPF, SV_RR_TXT, making->expect->domain);

    if (record == NULL)
        return;
    set_value(record, SV_SPF_EXPECTED, "");
    record->high_priority = true;
    record->purpose = "SPF of the domain";
    record->description = "Allows Amazon SES to send for the domain";
}

static void add_dmarc(struct making *making)
{
    const struct sv_expect *expect = making->expect;
    const char *policy = expect->dmarc_policy != NULL ? expect->dmarc_policy : default_dmarc;
    char owner[SV_NAME_BYTES];
    struct sv_record *record;

    if (!sv_name_build(owner, "_dmarc.", expect->domain, ""))
        return;
    record = start(making, SV_RECORD_DMARC, SV_RR_TXT, owner);
    if (record == NULL)
        return;
    /* A policy that outgrows its record would be cut into a wrong one; ours always fits. */
    if (!fill_policy(policy, expect->domain, record->value))
        SV_REQUIRE(fill_policy(default_dmarc, expect->domain, record->value));
    record->purpose = "DMARC policy";
    record->description = "Tells receivers what to do with mail that only pretends to be yours";
}

size_t sv_records_list(const struct sv_expect *expect, const char *zone,
                       struct sv_record out[SV_RECORDS_MAX])
{
    struct making making = {.expect = expect, .zone = zone, .out = out};

    SV_REQUIRE(expect->domain != NULL && expect->dkim_tokens_count <= SV_DKIM_TOKENS_MAX);
    SV_REQUIRE(expect->mail_from == NULL || expect->region != NULL);
    if (zone == NULL)
        making.zone = expect->domain;
    add_ownership(&making);
    for (size_t i = 0; i < expect->dkim_tokens_count; i++)
        add_dkim(&making, i);
    add_byodkim(&making);
    if (expect->mail_from != NULL)
        add_mail_from(&making);
    else
        add_spf(&making);
    add_dmarc(&making);
    return making.count;
}
