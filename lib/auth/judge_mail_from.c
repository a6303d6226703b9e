/* The custom MAIL FROM domain: exactly one MX, towards SES's feedback host, and no alias. Its SPF
 * record is judged in judge_spf.c. */
#include <string.h>

#include "dmarc_parts.h"
#include "near.h"
#include "records_parts.h"

/* One MAIL FROM domain may serve several regions by one MX towards any of them. */
static bool is_feedback_host(const struct sv_judge *judge, struct sv_span host)
{
    char name[SV_NAME_BYTES];
    struct sv_line line;

    if (sv_feedback_host(&judge->expect, name) && sv_span_equals(host, name))
        return true;
    sv_line_init(&line, name, sizeof(name));
    for (size_t i = 0; i < host.len; i++) {
        char c = sv_char_lower(host.text[i]);
        sv_line_add_bytes(&line, &c, 1);
    }
    return !line.cut && judge->expect.is_feedback_host != NULL &&
           judge->expect.is_feedback_host(name);
}

static bool ends(struct sv_span host, const char *suffix)
{
    size_t len = strlen(suffix);

    return host.len >= len &&
           sv_span_equals((struct sv_span){host.text + host.len - len, len}, suffix);
}

/* The panel appended a name of the client's to SES's host. */
static bool is_suffixed(const struct sv_judge *judge, struct sv_span host)
{
    const char *const names[] = {judge->expect.domain, judge->zone, judge->expect.mail_from};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct sv_span front = host;
        size_t len = strlen(names[i]);
        if (!ends(host, names[i]) || host.len < len + 1)
            continue;
        front.len = host.len - len - 1;
        if (host.text[front.len] == '.' && ends(front, ".amazonses.com"))
            return true;
    }
    return false;
}

/* "10 feedback-smtp..." or "10feedback-smtp..." typed into the field of the host. */
static bool has_priority(struct sv_span host)
{
    bool digits = host.len > 0 && host.text[0] >= '0' && host.text[0] <= '9';

    return sv_span_holds(host, "\\032") || (digits && sv_span_holds(host, "feedback-smtp"));
}

static bool is_near(const struct sv_judge *judge, struct sv_span host)
{
    char wanted[SV_NAME_BYTES];

    return sv_feedback_host(&judge->expect, wanted) &&
           sv_near(sv_span_trim(host), sv_span_of(wanted));
}

static enum sv_finding_code host_fault(const struct sv_judge *judge, struct sv_span host)
{
    struct sv_span region;

    if (is_feedback_host(judge, host))
        return SV_F_NONE;
    if (host.len == 0)
        return SV_F_MAILFROM_NULL_MX;
    if (has_priority(host))
        return SV_F_MAILFROM_MX_PRIORITY_IN_NAME;
    if (is_suffixed(judge, host))
        return SV_F_MAILFROM_MX_TARGET_SUFFIXED;
    if (sv_span_starts(host, "inbound-smtp."))
        return SV_F_MAILFROM_MX_INBOUND_HOST;
    if (sv_feedback_region(host, &region))
        return SV_F_MAILFROM_MX_WRONG_REGION;
    if (is_near(judge, host))
        return SV_F_MAILFROM_MX_TARGET_TYPO;
    return SV_F_MAILFROM_MX_NOT_SES;
}

static bool holds_feedback_host(const struct sv_judge *judge, const struct sv_fact *fact,
                                size_t nth)
{
    (void)nth;
    for (size_t i = 0; i < fact->values_count; i++) {
        if (is_feedback_host(judge, sv_mx_host(fact->values[i])))
            return true;
    }
    return false;
}

/* The fact of a wrong place that holds SES's MX, or NULL. At {d} it costs no probe: whether {d}
 * receives mail is asked in any case. */
static const struct sv_fact *find_elsewhere(struct sv_judge *judge)
{
    const struct sv_expect *expect = &judge->expect;
    const struct sv_fact *fact;
    char doubled[SV_NAME_BYTES];

    if (sv_name_build(doubled, expect->mail_from, ".", judge->zone)) {
        fact = sv_judge_probe(judge, doubled, SV_RR_MX, SV_PROBES_NOT_DKIM_MAX);
        if (sv_judge_is_placed(judge, fact, 0, holds_feedback_host) == SV_TRI_YES)
            return fact;
    }
    fact = sv_judge_look(judge, expect->domain, SV_RR_MX, &judge->dmarc_looks, SV_DMARC_LOOKS_MAX);
    return sv_judge_is_placed(judge, fact, 0, holds_feedback_host) == SV_TRI_YES ? fact : NULL;
}

static void judge_absent(struct sv_judge *judge, const struct sv_fact *fact, const char *expected)
{
    const struct sv_fact *elsewhere = find_elsewhere(judge);
    struct sv_naming naming = {.owner = judge->expect.mail_from, .expected = expected};

    if (elsewhere != NULL)
        naming.found = elsewhere->name;
    sv_judge_find(judge,
                  elsewhere != NULL ? SV_F_MAILFROM_MX_WRONG_OWNER : SV_F_MAILFROM_MX_MISSING,
                  elsewhere != NULL ? elsewhere : fact, SV_SEVERITY_NONE, &naming);
}

enum sv_tri sv_mail_from_is_right_mx(const struct sv_judge *judge, const struct sv_fact *answer)
{
    if (answer->values_seen != 1)
        return SV_TRI_NO;
    if (answer->values_count != 1)
        return SV_TRI_UNKNOWN; /* there was no room to keep it */
    return is_feedback_host(judge, sv_mx_host(answer->values[0])) ? SV_TRI_YES : SV_TRI_NO;
}

/* Judges the MX records that are there. */
static enum sv_record_status judge_present(struct sv_judge *judge, const struct sv_fact *fact,
                                           const char *expected)
{
    char found[SV_FINDING_VALUE_BYTES];
    struct sv_naming naming = {
        .owner = judge->expect.mail_from, .expected = expected, .found = found};
    enum sv_finding_code code = SV_F_MAILFROM_MX_MULTIPLE;

    sv_fact_show(fact, found);
    if (fact->values_seen == 1 && fact->values_count == 1)
        code = host_fault(judge, sv_mx_host(fact->values[0]));
    else if (fact->values_seen == 1)
        return SV_RECORD_UNKNOWN; /* there was no room to keep it */
    if (code == SV_F_NONE)
        return SV_RECORD_OK;
    sv_judge_find(judge, code, fact, SV_SEVERITY_NONE, &naming);
    return SV_RECORD_WRONG;
}

static void expected_mx(const struct sv_judge *judge, char out[SV_NAME_BYTES + 4])
{
    char host[SV_NAME_BYTES];
    struct sv_line line;

    (void)sv_feedback_host(&judge->expect, host);
    sv_line_init(&line, out, SV_NAME_BYTES + 4);
    sv_line_add(&line, "10 ");
    sv_line_add(&line, host);
}

static void judge_mx(struct sv_judge *judge, const struct sv_fact *fact, size_t record)
{
    char expected[SV_NAME_BYTES + 4];
    char seen[SV_FINDING_VALUE_BYTES];

    if (!sv_fact_known(fact))
        return;
    expected_mx(judge, expected);
    sv_fact_show(fact, seen);
    sv_judge_seen(judge, record, sv_span_of(seen));
    if (sv_fact_absent(fact)) {
        judge_absent(judge, fact, expected);
        sv_judge_mark(judge, record, SV_RECORD_WRONG);
    } else {
        sv_judge_mark(judge, record, judge_present(judge, fact, expected));
    }
}

/* Did a wildcard make the alias (RFC 4592)? Then nobody entered it at this name. */
static bool is_wildcard(struct sv_judge *judge, const struct sv_fact *fact)
{
    const struct sv_fact *sibling = sv_judge_sibling(judge, fact->name, fact->type);

    return sibling->alias != NULL && sv_name_equal(sibling->alias, fact->alias);
}

/* A wildcard ends to apply where exact records are, so both of them are just missing. Where there
 * is data behind the alias, the part that judges DNS itself tells of the wildcard. */
static void report_wildcard(struct sv_judge *judge, const struct sv_fact *fact)
{
    char expected[SV_NAME_BYTES + 4];
    struct sv_naming mx = {.owner = fact->name, .expected = expected};
    struct sv_naming spf = {.owner = fact->name, .expected = SV_SPF_EXPECTED};
    struct sv_naming wildcard = {.owner = fact->name, .expected = expected, .found = fact->alias};

    expected_mx(judge, expected);
    if (sv_fact_absent(fact))
        sv_judge_find(judge, SV_F_DNS_WILDCARD_ANSWER, fact, SV_SEVERITY_NONE, &wildcard);
    sv_judge_find(judge, SV_F_MAILFROM_MX_MISSING, fact, SV_SEVERITY_NONE, &mx);
    sv_judge_find(judge, SV_F_MAILFROM_SPF_MISSING, fact, SV_SEVERITY_NONE, &spf);
}

static void mark_both(struct sv_judge *judge, enum sv_record_status status, const char *seen)
{
    size_t record;

    (void)sv_judge_asked(judge, SV_RECORD_MAIL_FROM_MX, 0, &record);
    sv_judge_mark(judge, record, status);
    sv_judge_seen(judge, record, sv_span_of(seen));
    (void)sv_judge_asked(judge, SV_RECORD_MAIL_FROM_SPF, 0, &record);
    sv_judge_mark(judge, record, status);
    sv_judge_seen(judge, record, sv_span_of(seen));
}

/* SES takes only a name below the domain, so whatever is published at another one is wrong. Only an
 * adopted identity or `check` leads here; jobs are refused earlier. */
static bool judge_place(struct sv_judge *judge, const struct sv_fact *fact)
{
    char proposal[SV_NAME_BYTES];
    struct sv_naming naming = {
        .owner = judge->expect.mail_from, .expected = proposal, .found = judge->expect.mail_from};

    if (sv_name_is_below(judge->expect.mail_from, judge->expect.domain))
        return true;
    if (!sv_name_build(proposal, "mail.", judge->expect.domain, ""))
        proposal[0] = '\0';
    sv_judge_find(judge, SV_F_MAILFROM_NOT_SUBDOMAIN, fact, SV_SEVERITY_NONE, &naming);
    mark_both(judge, SV_RECORD_WRONG, "");
    return false;
}

/* An alias at the name stands in for both records and explains whatever else is wrong there, also
 * why nothing could be found out behind it. */
static bool judge_alias(struct sv_judge *judge, const struct sv_fact *fact)
{
    char expected[SV_NAME_BYTES + 4];
    struct sv_naming naming = {
        .owner = judge->expect.mail_from, .expected = expected, .found = fact->alias};

    if (fact->alias == NULL)
        return false;
    expected_mx(judge, expected);
    mark_both(judge, SV_RECORD_WRONG, fact->alias);
    if (is_wildcard(judge, fact))
        report_wildcard(judge, fact);
    else
        sv_judge_find(judge, SV_F_MAILFROM_IS_CNAME, fact, SV_SEVERITY_NONE, &naming);
    return true;
}

void sv_judge_mail_from(struct sv_judge *judge)
{
    size_t mx_record;
    size_t spf_record;
    const struct sv_fact *mx = sv_judge_asked(judge, SV_RECORD_MAIL_FROM_MX, 0, &mx_record);
    const struct sv_fact *spf = sv_judge_asked(judge, SV_RECORD_MAIL_FROM_SPF, 0, &spf_record);

    judge->subject = SV_RECORD_MAIL_FROM_MX;
    if (!judge_place(judge, mx))
        return;
    if (judge_alias(judge, mx) || judge_alias(judge, spf))
        return;
    judge_mx(judge, mx, mx_record);
    sv_judge_spf(judge, SV_RECORD_MAIL_FROM_SPF, judge->expect.mail_from);
}
