/* Findings and changes as they are kept: short keys, no advice (the catalogue has it), nothing that
 * is zero. A finding and a change take about 200 and 120 bytes instead of 900 and 400. */
#include "sv/detail.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/json.h"

enum { DEPTH_MAX = 6, TEXT_KEYS = 5 };

/* The keys of a finding: in JSON, kept. The first TEXT_KEYS are always there. */
static const struct {
    const char *name, *kept;
} keys[] = {{"code", "c"},  {"severity", "s"}, {"owner", "o"}, {"expected", "e"},
            {"found", "f"}, {"other", "x"},    {"number", "n"}};

static const char *const evidence_flags[] = {"aa", "ad", "tc", "tcp"};

static sv_ms time_of(const json_t *object, const char *key)
{
    const char *text = sv_json_str(object, key);
    sv_ms at = 0;

    if (text == NULL || sv_time_parse(text, strlen(text), &at) != SV_OK)
        return 0;
    return at;
}

static void copy(json_t *out, const char *key, const json_t *value)
{
    bool empty = value == NULL || json_is_null(value) ||
                 (json_is_string(value) && json_string_length(value) == 0);

    if (!empty)
        sv_json_set(out, key, json_incref((json_t *)(uintptr_t)value));
}

static json_t *outcome_of(const json_t *evidence)
{
    const json_t *trouble = json_object_get(evidence, "trouble");
    const char *key = json_is_string(trouble) ? "trouble" : "outcome";
    json_t *word = json_object_get(evidence, key);

    return word != NULL ? json_incref(word) : json_string("unknown");
}

/* [server, outcome or trouble, rcode, flags as bits, EDE + 1, TTL, time] */
static json_t *shorten_evidence(const json_t *evidence)
{
    json_t *out = sv_json_array();
    const json_t *ede = json_object_get(evidence, "ede");
    json_int_t flags = 0;

    for (size_t i = 0; i < sizeof(evidence_flags) / sizeof(*evidence_flags); i++) {
        if (json_is_true(json_object_get(evidence, evidence_flags[i])))
            flags |= 1 << i;
    }
    sv_json_append(out, json_string(sv_json_str(evidence, "server")));
    sv_json_append(out, outcome_of(evidence));
    sv_json_append(out, json_integer(json_integer_value(json_object_get(evidence, "rcode"))));
    sv_json_append(out, json_integer(flags));
    sv_json_append(out, json_integer(json_is_integer(ede) ? json_integer_value(ede) + 1 : 0));
    sv_json_append(out, json_integer(json_integer_value(json_object_get(evidence, "ttl"))));
    sv_json_append(out, json_integer(time_of(evidence, "at")));
    return out;
}

static json_t *shorten(const json_t *finding, bool with_witnesses)
{
    const json_t *evidence = json_object_get(finding, "evidence");
    const json_t *witnesses = with_witnesses ? json_object_get(finding, "witnesses") : NULL;
    sv_ms until = time_of(finding, "until");
    json_t *out = sv_json_object();
    json_t *by = sv_json_array();

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        copy(out, keys[i].kept, json_object_get(finding, keys[i].name));
    if (until != 0)
        sv_json_set_int(out, "u", until);
    if (json_is_object(evidence)) {
        sv_json_append(by, shorten_evidence(evidence));
        for (size_t i = 0; i < json_array_size(witnesses); i++)
            sv_json_append(by, shorten_evidence(json_array_get(witnesses, i)));
        sv_json_set(out, "by", json_incref(by));
    }
    json_decref(by);
    return out;
}

/* What there is to keep of one look. */
struct look {
    const json_t *findings;
    bool authority_closed;
    sv_ms now;
};

/* The first `count` findings in one line, or NULL where that is too long. */
static char *write_line(const struct look *look, size_t count, bool with_witnesses)
{
    const json_t *findings = look->findings;
    size_t omitted = json_array_size(findings) - count;
    json_t *line = sv_json_object();
    json_t *list = sv_json_array();
    struct sv_buf text;

    for (size_t i = 0; i < count; i++)
        sv_json_append(list, shorten(json_array_get(findings, i), with_witnesses));
    sv_json_set_int(line, "at", look->now);
    if (look->authority_closed)
        sv_json_set_bool(line, "closed", true);
    if (omitted > 0)
        sv_json_set_int(line, "omitted", (long long)omitted);
    sv_json_set(line, "findings", list);
    sv_buf_init(&text, SV_DETAIL_FINDINGS_BYTES_MAX);
    if (!sv_json_write(line, &text))
        sv_buf_fini(&text);
    json_decref(line);
    return text.data;
}

char *sv_detail_write(const json_t *findings, bool authority_closed, sv_ms now)
{
    struct look look = {.findings = findings, .authority_closed = authority_closed, .now = now};
    size_t count = json_array_size(findings);
    char *text;

    if (count == 0 && !authority_closed)
        return sv_strdup("");
    text = write_line(&look, count, true);
    for (; text == NULL && count > 0; count--)
        text = write_line(&look, count, false); /* the last ones matter least */
    return text != NULL ? text : sv_strdup("");
}

/* ---- changes ---- */

/* What is new in what SES says, and of the flags in those that say more than that. */
static json_t *set_of(const struct sv_event_facts *facts)
{
    static const char *const shown[] = {"identity",         "dkim",
                                        "mail_from",        "spf_configured",
                                        "dmarc_configured", "meets_bulk_sender_requirements"};
    const struct sv_domain *before = &facts->before->domain, *after = &facts->after->domain;
    json_t *changed = sv_json_object();
    json_t *set = sv_json_object();

    sv_json_add_changes(changed, before, after);
    for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
        const json_t *pair = json_object_get(changed, shown[i]);

        if (pair != NULL)
            sv_json_set(set, shown[i], json_incref(json_object_get(pair, "new")));
    }
    json_decref(changed);
    if (before->reputation != after->reputation)
        sv_json_set_str(set, "reputation", sv_reputation_name(after->reputation));
    return set;
}

static void add_codes(json_t *line, const struct sv_event_facts *facts)
{
    static const uint32_t nothing[SV_GROUP_COUNT];
    const uint32_t *before = facts->before->domain.findings;
    const uint32_t *after = facts->after->domain.findings;

    if (memcmp(before, after, sizeof(nothing)) == 0)
        return;
    sv_json_set(line, "n", sv_json_codes(facts->findings));
    if (memcmp(before, nothing, sizeof(nothing)) == 0)
        sv_json_set_bool(line, "first", true); /* there were none before */
}

char *sv_change_write(const struct sv_event_facts *facts, bool complete)
{
    static const char *const least[] = {"n", "s", "v"}; /* dropped in this order for room */
    const struct sv_effects *effects = facts->effects;
    json_t *line, *set;
    struct sv_buf text;
    bool fits;

    if (effects->news == SV_NEWS_NONE || effects->news == SV_NEWS_REGISTERED ||
        effects->news == SV_NEWS_REMOVED)
        return NULL;
    line = sv_json_object();
    set = set_of(facts);
    sv_json_set_int(line, "at", facts->now);
    sv_json_set_str(line, "k", sv_news_name(effects->news));
    if (effects->from != effects->to)
        sv_json_set_str(line, "f", sv_status_name(effects->from));
    sv_json_set_str(line, "t", sv_status_name(effects->to));
    if (effects->reason != SV_REASON_CHANGED)
        sv_json_set_str(line, "r", sv_reason_name(effects->reason));
    sv_json_set_str(line, "c", sv_conclusion_name(effects->shown));
    if (facts->after->registration.verdicts[0] != '\0')
        sv_json_set_str(line, "v", facts->after->registration.verdicts);
    if (complete)
        add_codes(line, facts);
    if (json_object_size(set) > 0)
        sv_json_set(line, "s", json_incref(set));
    json_decref(set);
    sv_buf_init(&text, SV_STORE_CHANGE_BYTES_MAX);
    fits = sv_json_write(line, &text);
    for (size_t i = 0; !fits && i < sizeof(least) / sizeof(*least); i++) {
        (void)json_object_del(line, least[i]);
        sv_buf_clear(&text);
        fits = sv_json_write(line, &text);
    }
    json_decref(line);
    return text.data;
}

/* ---- and back ---- */

static void read_text(const json_t *object, const char *key, char *out, size_t bytes)
{
    const char *text = sv_json_str(object, key);

    (void)snprintf(out, bytes, "%s", text != NULL ? text : "");
}

static enum sv_severity severity_of(const char *word, enum sv_finding_code code)
{
    for (int severity = SV_TEMPORARY; word != NULL && severity <= SV_ERROR; severity++) {
        if (strcmp(sv_severity_name((enum sv_severity)severity), word) == 0)
            return (enum sv_severity)severity;
    }
    return sv_finding_severity(code);
}

static void read_outcome(const char *word, struct sv_evidence *out)
{
    for (int i = SV_DNS_UNKNOWN; word != NULL && i <= SV_DNS_NXDOMAIN; i++) {
        if (strcmp(sv_dns_outcome_name((enum sv_dns_outcome)i), word) == 0)
            out->outcome = (enum sv_dns_outcome)i;
    }
    for (int i = SV_DNS_NO_TROUBLE + 1; word != NULL && i <= SV_DNS_OTHER_RCODE; i++) {
        if (strcmp(sv_dns_trouble_name((enum sv_dns_trouble)i), word) == 0)
            out->trouble = (enum sv_dns_trouble)i;
    }
}

static void read_evidence(const json_t *list, struct sv_evidence *out)
{
    const char *server = json_string_value(json_array_get(list, 0));
    unsigned flags = (unsigned)json_integer_value(json_array_get(list, 3));

    *out = (struct sv_evidence){
        .rcode = (uint8_t)json_integer_value(json_array_get(list, 2)),
        .aa = flags & 1u,
        .ad = flags & 2u,
        .tc = flags & 4u,
        .tcp = flags & 8u,
        .ede = (uint16_t)json_integer_value(json_array_get(list, 4)),
        .ttl_s = (uint32_t)json_integer_value(json_array_get(list, 5)),
        .at = json_integer_value(json_array_get(list, 6)),
    };
    (void)snprintf(out->server, sizeof(out->server), "%s", server != NULL ? server : "");
    read_outcome(json_string_value(json_array_get(list, 1)), out);
}

/* A code of a newer version is shown as it is kept, without advice. */
static json_t *read_unknown(const json_t *kept, const char *code)
{
    json_t *out = sv_json_object();

    sv_json_set_str(out, "code", code);
    for (size_t i = 1; i < TEXT_KEYS; i++) {
        const char *text = sv_json_str(kept, keys[i].kept);

        sv_json_set_str(out, keys[i].name, text != NULL ? text : "");
    }
    sv_json_set_str(out, "other", sv_json_str(kept, "x"));
    sv_json_set(out, "number", json_null());
    sv_json_set(out, "until", json_null());
    sv_json_set(out, "evidence", json_null());
    sv_json_set(out, "witnesses", sv_json_array());
    sv_json_set_str(out, "advice", "");
    return out;
}

static json_t *read_finding(const json_t *kept, const char *domain)
{
    const char *code = sv_json_str(kept, "c");
    const json_t *by = json_object_get(kept, "by");
    struct sv_finding finding = {.code = code != NULL ? sv_finding_parse(code) : SV_F_NONE};

    if (finding.code == SV_F_NONE)
        return code != NULL ? read_unknown(kept, code) : NULL;
    finding.severity = severity_of(sv_json_str(kept, "s"), finding.code);
    read_text(kept, "o", finding.owner, sizeof(finding.owner));
    read_text(kept, "e", finding.expected, sizeof(finding.expected));
    read_text(kept, "f", finding.found, sizeof(finding.found));
    read_text(kept, "x", finding.other, sizeof(finding.other));
    finding.number = (uint32_t)json_integer_value(json_object_get(kept, "n"));
    finding.until = json_integer_value(json_object_get(kept, "u"));
    read_evidence(json_array_get(by, 0), &finding.evidence);
    for (size_t i = 1; i < json_array_size(by) && i <= SV_WITNESSES_MAX; i++)
        read_evidence(json_array_get(by, i), &finding.witnesses[finding.witnesses_count++]);
    return sv_json_finding(&finding, domain);
}

static json_t *parse(const char *text, size_t len)
{
    return len == 0 ? NULL : sv_json_parse(text, len, SV_STORE_DETAIL_BYTES_MAX, DEPTH_MAX, NULL);
}

static void read_findings(json_t *out, const char *text, size_t len, const char *domain)
{
    json_t *line = parse(text, len);
    const json_t *list = json_object_get(line, "findings");
    json_t *findings = sv_json_array();

    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *finding = read_finding(json_array_get(list, i), domain);

        if (finding != NULL)
            sv_json_append(findings, finding);
    }
    sv_json_set(out, "observed_at", sv_json_time(json_integer_value(json_object_get(line, "at"))));
    sv_json_set(out, "findings", findings);
    sv_json_set_int(out, "findings_omitted", json_integer_value(json_object_get(line, "omitted")));
    sv_json_set(out, "authority_closed",
                json_is_object(line) ? json_boolean(json_is_true(json_object_get(line, "closed")))
                                     : json_null());
    json_decref(line);
}

static json_t *words_of(const char *letters)
{
    json_t *words = sv_json_array();

    for (size_t i = 0; letters != NULL && letters[i] != '\0' && i < SV_RECORDS_MAX; i++)
        sv_json_append(words, json_string(sv_record_status_name(sv_verdict_read(letters[i]))));
    return words;
}

static json_t *nullable(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static json_t *read_change(const json_t *line)
{
    const char *from = sv_json_str(line, "f"), *to = sv_json_str(line, "t");
    const char *reason = sv_json_str(line, "r");
    const json_t *set = json_object_get(line, "s");
    json_t *out = sv_json_object();

    sv_json_set(out, "at", sv_json_time(json_integer_value(json_object_get(line, "at"))));
    sv_json_set(out, "kind", nullable(sv_json_str(line, "k")));
    sv_json_set(out, "from", nullable(from != NULL ? from : to));
    sv_json_set(out, "to", nullable(to));
    sv_json_set_str(out, "reason", reason != NULL ? reason : sv_reason_name(SV_REASON_CHANGED));
    sv_json_set(out, "conclusion", nullable(sv_json_str(line, "c")));
    sv_json_set(out, "came", json_null());
    sv_json_set(out, "went", json_null());
    sv_json_set(out, "set",
                json_is_object(set) ? json_incref((json_t *)(uintptr_t)set) : sv_json_object());
    sv_json_set(out, "records", words_of(sv_json_str(line, "v")));
    return out;
}

static bool holds(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), value))
            return true;
    }
    return false;
}

static json_t *less(const json_t *codes, const json_t *others)
{
    json_t *out = sv_json_array();

    for (size_t i = 0; i < json_array_size(codes); i++) {
        json_t *code = json_array_get(codes, i);

        if (!holds(others, code))
            sv_json_append(out, json_incref(code));
    }
    return out;
}

/* The codes before a change are those of the next older change that has any. */
static void compare_codes(json_t *changes, json_t *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *change = json_array_get(changes, i);
        const json_t *codes = json_object_get(lines[i], "n"), *before = NULL;

        for (size_t j = i + 1; codes != NULL && before == NULL && j < count; j++)
            before = json_object_get(lines[j], "n");
        if (codes == NULL || (before == NULL && !json_object_get(lines[i], "first")))
            continue;
        sv_json_set(change, "came", less(codes, before));
        sv_json_set(change, "went", less(before, codes));
    }
}

json_t *sv_detail_read(const char *text, const char *domain)
{
    json_t *out = sv_json_object(), *changes = sv_json_array();
    json_t *lines[SV_STORE_CHANGES_MAX];
    size_t count = 0;
    const char *at = text != NULL ? text : "";
    size_t len = strcspn(at, "\n");

    read_findings(out, at, len, domain);
    for (at += len; *at == '\n' && count < SV_STORE_CHANGES_MAX; at += 1 + len) {
        len = strcspn(at + 1, "\n");
        lines[count] = parse(at + 1, len);
        if (!json_is_object(lines[count])) {
            json_decref(lines[count]);
            continue;
        }
        sv_json_append(changes, read_change(lines[count]));
        count++;
    }
    compare_codes(changes, lines, count);
    for (size_t i = 0; i < count; i++)
        json_decref(lines[i]);
    sv_json_set(out, "changes", changes);
    return out;
}
