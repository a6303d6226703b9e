/* Why something could not be found out, as far as DNS told. */
#include <string.h>

#include "judge_parts.h"

/* dns-auth section 2.5. "Other error" (0) and "not supported" (21) name no cause. */
enum sv_finding_code sv_ede_code(uint16_t ede)
{
    static const enum sv_finding_code codes[] = {
        [1] = SV_F_DNS_DNSSEC_UNSUPPORTED, [2] = SV_F_DNS_DNSSEC_UNSUPPORTED,
        [3] = SV_F_DNS_STALE_CACHE,        [4] = SV_F_DNS_ANSWER_FILTERED,
        [5] = SV_F_DNS_DNSSEC_BOGUS,       [6] = SV_F_DNS_DNSSEC_BOGUS,
        [7] = SV_F_DNS_DNSSEC_EXPIRED,     [8] = SV_F_DNS_DNSSEC_NOT_YET_VALID,
        [9] = SV_F_DNS_DNSSEC_DS_MISMATCH, [10] = SV_F_DNS_DNSSEC_BOGUS,
        [11] = SV_F_DNS_DNSSEC_BOGUS,      [12] = SV_F_DNS_DNSSEC_BOGUS,
        [13] = SV_F_DNS_SERVFAIL,          [14] = SV_F_DNS_SERVFAIL,
        [15] = SV_F_DNS_ANSWER_FILTERED,   [16] = SV_F_DNS_ANSWER_FILTERED,
        [17] = SV_F_DNS_ANSWER_FILTERED,   [18] = SV_F_DNS_ANSWER_FILTERED,
        [19] = SV_F_DNS_STALE_CACHE,       [20] = SV_F_DNS_LAME_DELEGATION,
        [22] = SV_F_DNS_UNREACHABLE,       [23] = SV_F_DNS_NETWORK_ERROR,
        [24] = SV_F_DNS_MALFORMED_REPLY,
    };

    if (ede == 0 || ede > sizeof(codes) / sizeof(*codes))
        return SV_F_NONE;
    return codes[ede - 1];
}

/* SERVFAIL names its cause by an extended error where there is one. */
static enum sv_finding_code servfail_code(const struct sv_fact *fact)
{
    enum sv_finding_code code = sv_ede_code(fact->evidence.ede);

    return code != SV_F_NONE ? code : SV_F_DNS_SERVFAIL;
}

static enum sv_finding_code trouble_code(const struct sv_fact *fact)
{
    switch (fact->trouble) {
    case SV_DNS_TIMEOUT:
    case SV_DNS_TCP_FAILED:
        return SV_F_DNS_UNREACHABLE;
    case SV_DNS_NETWORK:
        return SV_F_DNS_NETWORK_ERROR;
    case SV_DNS_SERVFAIL:
        return servfail_code(fact);
    case SV_DNS_REFUSED:
    case SV_DNS_LAME:
    case SV_DNS_ALIAS_ELSEWHERE:
    case SV_DNS_REFERRED:
    case SV_DNS_OTHER_RCODE:
        return SV_F_DNS_SERVFAIL;
    case SV_DNS_MALFORMED:
        return SV_F_DNS_MALFORMED_REPLY;
    case SV_DNS_ALIAS_LOOP:
        return SV_F_DNS_CNAME_LOOP;
    case SV_DNS_ALIAS_TOO_LONG:
        return SV_F_DNS_CNAME_CHAIN_TOO_LONG;
    case SV_DNS_BOGUS: /* dnssec.c */
    case SV_DNS_NO_TROUBLE:
        return SV_F_NONE;
    }
    return SV_F_NONE;
}

/* The questions for MX and TXT of one name follow each other. */
static bool is_listed_last(const char *list, const char *name)
{
    size_t len = strlen(list);
    size_t name_len = strlen(name);

    return len >= name_len && strcmp(list + len - name_len, name) == 0 &&
           (len == name_len || list[len - name_len - 1] == ' ');
}

void sv_judge_find_shared(struct sv_judge *judge, enum sv_finding_code code,
                          const struct sv_fact *fact, const struct sv_naming *naming)
{
    struct sv_report *out = judge->out;

    for (size_t i = 0; out != NULL && i < out->findings_count; i++) {
        struct sv_finding *other = &out->findings[i];
        struct sv_line line = {.text = other->found, .bytes = sizeof(other->found)};
        if (other->code != code)
            continue;
        if (is_listed_last(other->found, naming->found))
            return;
        line.len = strlen(other->found);
        sv_line_add_shown(&line, sv_span_of(", "));
        if (!line.cut)
            sv_line_add_shown(&line, sv_span_of(naming->found));
        return;
    }
    sv_judge_find(judge, code, fact, SV_SEVERITY_NONE, naming);
}

/* The zone's own servers were asked for this in vain: what is wrong with them says it all. */
static bool is_told_of_servers(const struct sv_fact *fact)
{
    return fact->heard != NULL && fact->heard->authority && fact->heard->servers_usable == 0 &&
           fact->evidence.server[0] != '\0';
}

static bool has_zone_fault(const struct sv_judge *judge)
{
    for (size_t i = 0; i < judge->out->findings_count; i++) {
        if (judge->out->findings[i].code <= SV_F_DNS_MALFORMED_REPLY)
            return true;
    }
    return false;
}

void sv_judge_trouble(struct sv_judge *judge, const struct sv_fact *fact)
{
    enum sv_finding_code code = trouble_code(fact);
    struct sv_naming naming = {.owner = fact->name, .found = fact->name};

    if (judge->out == NULL || !fact->answered || fact->outcome != SV_DNS_UNKNOWN ||
        code == SV_F_NONE)
        return;
    if (is_told_of_servers(fact) && has_zone_fault(judge))
        return;
    sv_judge_find_shared(judge, code, fact, &naming);
}
