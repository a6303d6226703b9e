/* Root cause first (dns-auth section 11): what follows from a fault that is shown is left out and
 * counted, and one fault at several DKIM owners is said once. */
#include <string.h>

#include "judge_parts.h"

/* The sections of sv/finding_codes.h, each by its last code. */
enum section {
    SECTION_DELEGATION,
    SECTION_DNSSEC,
    SECTION_REACH,
    SECTION_SPREAD,
    SECTION_OWNER,
    SECTION_TYPE,
    SECTION_CONFLICT,
    SECTION_ABSENT,
    SECTION_VALUE,
    SECTION_KEY,
    SECTION_POLICY,
    SECTION_ADVICE,
    SECTION_COUNT
};

static const enum sv_finding_code last_of[SECTION_COUNT] = {
    [SECTION_DELEGATION] = SV_F_DNS_PRIVATE_ANSWER,
    [SECTION_DNSSEC] = SV_F_DNS_DNSSEC_UNSUPPORTED,
    [SECTION_REACH] = SV_F_DNS_CNAME_CHAIN_TOO_LONG,
    [SECTION_SPREAD] = SV_F_DNS_RECORD_REMOVED,
    [SECTION_OWNER] = SV_F_DMARC_WRONG_OWNER,
    [SECTION_TYPE] = SV_F_SPF_TYPE99,
    [SECTION_CONFLICT] = SV_F_DNS_WILDCARD_ANSWER,
    [SECTION_ABSENT] = SV_F_DMARC_MISSING,
    [SECTION_VALUE] = SV_F_DMARC_TAG_SYNTAX,
    [SECTION_KEY] = SV_F_DKIM_KEY_STRICT_FLAG,
    [SECTION_POLICY] = SV_F_FROM_DOMAIN_CANNOT_RECEIVE,
    [SECTION_ADVICE] = SV_F_COUNT,
};

static enum section section_of(enum sv_finding_code code)
{
    enum section section = SECTION_DELEGATION;

    while (code > last_of[section])
        section++;
    return section;
}

#define BIT(section)  (1u << (section))
#define FROM(section) (BIT(SECTION_COUNT) - BIT(section))

/* A cause hides these sections of findings about its owner and every name below. A zone that cannot
 * be read makes its records look absent; one whose servers are somebody else's makes everything in
 * it meaningless. */
static const struct {
    enum sv_finding_code cause;
    unsigned hides; /* BIT(section) */
} rules[] = {
    {SV_F_DNS_DOMAIN_NXDOMAIN, FROM(SECTION_DELEGATION)},
    {SV_F_DNS_NOT_DELEGATED, FROM(SECTION_DNSSEC)},
    {SV_F_DNS_DOMAIN_PARKED, FROM(SECTION_DNSSEC)},
    {SV_F_DNS_LAME_DELEGATION, BIT(SECTION_DNSSEC) | BIT(SECTION_REACH) | BIT(SECTION_SPREAD)},
    {SV_F_DNS_PRIVATE_ANSWER, BIT(SECTION_REACH)},
    {SV_F_DNS_DNSSEC_DS_MISMATCH, BIT(SECTION_REACH) | BIT(SECTION_SPREAD) | BIT(SECTION_ABSENT)},
    {SV_F_DNS_DNSSEC_EXPIRED, BIT(SECTION_REACH) | BIT(SECTION_SPREAD) | BIT(SECTION_ABSENT)},
    {SV_F_DNS_DNSSEC_NOT_YET_VALID, BIT(SECTION_REACH) | BIT(SECTION_SPREAD) | BIT(SECTION_ABSENT)},
    {SV_F_DNS_DNSSEC_BOGUS, BIT(SECTION_REACH) | BIT(SECTION_SPREAD) | BIT(SECTION_ABSENT)},
    {SV_F_DNS_UNREACHABLE, BIT(SECTION_SPREAD)},
    {SV_F_DNS_TCP_UNAVAILABLE, BIT(SECTION_REACH) | BIT(SECTION_SPREAD)},
};

/* These stand beside any cause: the way a server mishandles EDNS explains nothing and follows from
 * nothing. */
static bool stands_alone(enum sv_finding_code code)
{
    return code == SV_F_DNS_EDNS_BROKEN || code == SV_F_DNS_TCP_UNAVAILABLE ||
           code == SV_F_DNS_ANSWER_FILTERED;
}

static bool is_hidden_by(const struct sv_finding *finding, const struct sv_finding *cause)
{
    bool below = sv_name_equal(finding->owner, cause->owner) ||
                 sv_name_is_below(finding->owner, cause->owner);

    if (finding == cause || !below || finding->code == cause->code || stands_alone(finding->code))
        return false;
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        if (rules[i].cause == cause->code && (rules[i].hides & BIT(section_of(finding->code))) != 0)
            return true;
    }
    return false;
}

static bool starts(enum sv_finding_code code, const char *prefix)
{
    return strncmp(sv_finding_name(code), prefix, strlen(prefix)) == 0;
}

/* The kind of record that a finding is about; false for those of no record. */
static bool kind_of(const struct sv_judge *judge, const struct sv_finding *finding,
                    enum sv_record_kind *kind)
{
    const char *mail_from = judge->expect.mail_from;

    if (starts(finding->code, "dkim_"))
        *kind = SV_RECORD_DKIM;
    else if (starts(finding->code, "ownership_"))
        *kind = SV_RECORD_OWNERSHIP;
    else if (starts(finding->code, "dmarc_"))
        *kind = SV_RECORD_DMARC;
    else if (starts(finding->code, "mailfrom_spf_"))
        *kind = SV_RECORD_MAIL_FROM_SPF;
    else if (starts(finding->code, "mailfrom_"))
        *kind = SV_RECORD_MAIL_FROM_MX;
    else if (starts(finding->code, "spf_"))
        *kind = mail_from != NULL && sv_name_equal(finding->owner, mail_from)
                    ? SV_RECORD_MAIL_FROM_SPF
                    : SV_RECORD_SPF;
    else
        return false;
    return true;
}

/* Each record of the kind that is not right has its cause shown already: caches, servers that
 * disagree, a wildcard. */
static bool is_explained(const struct sv_judge *judge, const struct sv_finding *finding)
{
    unsigned hides = BIT(SECTION_ABSENT) | BIT(SECTION_VALUE);
    enum sv_record_kind kind;
    size_t explained = 0;

    /* A key of the client's own is the value of its record; that behind an alias is SES's. */
    if (judge->expect.byodkim_selector != NULL && finding->severity == SV_ERROR)
        hides |= BIT(SECTION_KEY);
    if ((hides & BIT(section_of(finding->code))) == 0 || !kind_of(judge, finding, &kind))
        return false;
    for (size_t i = 0; i < judge->records_count; i++) {
        if (judge->kinds[i] != kind || judge->out->statuses[i] == SV_RECORD_OK)
            continue;
        if (!judge->explained[i])
            return false;
        explained++;
    }
    return explained > 0;
}

static bool is_dkim_owner(const struct sv_judge *judge, const char *owner)
{
    for (size_t i = 0; i < judge->records_count; i++) {
        if (judge->kinds[i] == SV_RECORD_DKIM && judge->asked[i] != NULL &&
            sv_name_equal(judge->asked[i]->name, owner))
            return true;
    }
    return false;
}

/* Those that are found once for each owner; the DKIM part joins its own. */
static bool is_per_owner(enum sv_finding_code code)
{
    return section_of(code) == SECTION_SPREAD || code == SV_F_DNS_WILDCARD_ANSWER ||
           code == SV_F_DNS_NAME_NOT_ASCII || code == SV_F_DNS_EDITED_AT_OLD_PROVIDER ||
           code == SV_F_DNS_ANSWER_FILTERED;
}

/* Does what `found` says name records, so that another owner can be added to it? */
static bool lists_owners(enum sv_finding_code code)
{
    return code == SV_F_DNS_NEGATIVE_CACHED || code == SV_F_DNS_RECORD_REMOVED;
}

static void append(char out[SV_FINDING_VALUE_BYTES], const char *text)
{
    struct sv_line line = {.text = out, .bytes = SV_FINDING_VALUE_BYTES, .len = strlen(out)};

    if (line.len > 0)
        sv_line_add_shown(&line, sv_span_of(", "));
    if (!line.cut)
        sv_line_add_shown(&line, sv_span_of(text));
}

/* Joins `finding` to the one before it that says the same of another DKIM owner. */
static bool is_joined(const struct sv_judge *judge, struct sv_finding *finding)
{
    struct sv_report *out = judge->out;

    if (!is_per_owner(finding->code) || !is_dkim_owner(judge, finding->owner))
        return false;
    for (struct sv_finding *first = out->findings; first < finding; first++) {
        if (first->code != finding->code || !is_dkim_owner(judge, first->owner))
            continue;
        if (lists_owners(first->code) && first->found[0] == '\0')
            append(first->found, first->owner);
        if (lists_owners(first->code))
            append(first->found, finding->owner);
        if (finding->until > first->until)
            first->until = finding->until;
        return true;
    }
    return false;
}

void sv_judge_find_cause(struct sv_judge *judge)
{
    struct sv_report *out = judge->out;
    bool hidden[SV_FINDINGS_MAX] = {false};
    size_t kept = 0;

    for (size_t i = 0; i < out->findings_count; i++) {
        hidden[i] = is_explained(judge, &out->findings[i]);
        for (size_t j = 0; j < out->findings_count && !hidden[i]; j++)
            hidden[i] = is_hidden_by(&out->findings[i], &out->findings[j]);
        out->findings_hidden += hidden[i] ? 1 : 0;
    }
    for (size_t i = 0; i < out->findings_count; i++) {
        if (hidden[i])
            continue;
        if (kept != i)
            out->findings[kept] = out->findings[i];
        kept += is_joined(judge, &out->findings[kept]) ? 0 : 1;
    }
    out->findings_count = kept;
}
