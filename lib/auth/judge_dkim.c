/* The Easy DKIM aliases: all of them must be right, since SES rotates among them. What is at the
 * owners is judged here; what is at wrong places instead, in probe.c. */
#include <string.h>

#include "dkim_parts.h"
#include "near.h"
#include "records_parts.h"

/* A target without the final dot, since names are compared without it. */
static struct sv_span bare(struct sv_span name)
{
    if (name.len > 0 && name.text[name.len - 1] == '.')
        name.len--;
    return name;
}

size_t sv_dkim_token_at(const struct sv_judge *judge, const char *owner)
{
    char name[SV_NAME_BYTES];
    size_t token = 0;

    while (token < judge->expect.dkim_tokens_count &&
           (!sv_dkim_owner(&judge->expect, token, name) || !sv_name_equal(name, owner)))
        token++;
    return token;
}

bool sv_dkim_is_target(const struct sv_judge *judge, size_t token, struct sv_span name)
{
    char wanted[SV_NAME_BYTES];

    name = bare(name);
    if (sv_dkim_target(&judge->expect, token, wanted) && sv_span_equals(name, wanted))
        return true;
    /* Where SES's zone was not told, its common one may be as right as the region's own. */
    return judge->expect.dkim_zone == NULL &&
           sv_name_build(wanted, judge->expect.dkim_tokens[token], ".", "dkim.amazonses.com") &&
           sv_span_equals(name, wanted);
}

static bool is_region_like(struct sv_span label)
{
    size_t hyphens = 0;

    for (size_t i = 0; i < label.len; i++)
        hyphens += label.text[i] == '-' ? 1 : 0;
    return hyphens >= 2 && label.text[label.len - 1] >= '0' && label.text[label.len - 1] <= '9';
}

/* dkim.amazonses.com or dkim.<region>.amazonses.com. */
static bool is_ses_zone(struct sv_span zone)
{
    static const char front[] = "dkim.";
    static const char back[] = ".amazonses.com";
    struct sv_span region = zone;

    if (sv_span_equals(zone, "dkim.amazonses.com"))
        return true;
    if (!sv_span_starts(zone, front) || zone.len < strlen(front) + strlen(back) + 1)
        return false;
    region.text += strlen(front);
    region.len -= strlen(front) + strlen(back);
    return is_region_like(region) &&
           sv_span_equals((struct sv_span){region.text + region.len, strlen(back)}, back);
}

/* What SES's tokens look like: 32 letters and digits today, some slack for tomorrow. */
static bool is_token_like(struct sv_span label)
{
    if (label.len < 16)
        return false;
    for (size_t i = 0; i < label.len; i++) {
        char c = sv_char_lower(label.text[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return false;
    }
    return true;
}

static bool strip(struct sv_span name, const char *suffix, struct sv_span *out)
{
    size_t len = strlen(suffix);

    if (name.len <= len + 1 || name.text[name.len - len - 1] != '.')
        return false;
    *out = (struct sv_span){.text = name.text, .len = name.len - len - 1};
    return sv_span_equals((struct sv_span){name.text + name.len - len, len}, suffix);
}

/* The panel appended the domain, or the zone that holds it, to a right target. */
static bool is_suffixed(const struct sv_judge *judge, struct sv_span target)
{
    struct sv_span front;

    for (size_t i = 0; i < judge->expect.dkim_tokens_count; i++) {
        if (strip(target, judge->expect.domain, &front) && sv_dkim_is_target(judge, i, front))
            return true;
        if (strip(target, judge->zone, &front) && sv_dkim_is_target(judge, i, front))
            return true;
    }
    return false;
}

/* Nothing of this can be in a host name; \032, \009 and \034 are a blank, a tab and a quote. */
static bool is_no_host(struct sv_span target)
{
    static const char *const odd[] = {"/",     "\"",    "'",     " ",     "\\032",
                                      "\\009", "\\034", "http:", "https:"};

    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
        if (sv_span_holds(target, odd[i]))
            return true;
    }
    return false;
}

static bool is_near_target(const struct sv_judge *judge, size_t token, struct sv_span target)
{
    char wanted[SV_NAME_BYTES];

    return sv_dkim_target(&judge->expect, token, wanted) &&
           sv_near(bare(sv_span_trim(target)), sv_span_of(wanted));
}

enum sv_finding_code sv_dkim_target_fault(const struct sv_judge *judge, size_t token,
                                          struct sv_span target)
{
    struct sv_span label;
    struct sv_span zone;

    target = bare(target);
    if (sv_dkim_is_target(judge, token, target))
        return SV_F_NONE;
    for (size_t i = 0; i < judge->expect.dkim_tokens_count; i++) {
        if (sv_dkim_is_target(judge, i, target))
            return SV_F_DKIM_CNAME_SWAPPED_TOKENS;
    }
    if (is_suffixed(judge, target))
        return SV_F_DKIM_CNAME_TARGET_SUFFIXED;
    if (is_no_host(target))
        return SV_F_DKIM_CNAME_TARGET_SCHEME;
    label = (struct sv_span){.text = target.text};
    while (label.len < target.len && label.text[label.len] != '.')
        label.len++;
    zone = (struct sv_span){label.text + label.len, target.len - label.len};
    if (zone.len > 0) {
        zone.text++;
        zone.len--;
    }
    if (is_ses_zone(zone) && sv_span_equals(label, judge->expect.dkim_tokens[token]))
        return SV_F_DKIM_CNAME_WRONG_ZONE;
    if (is_near_target(judge, token, target))
        return SV_F_DKIM_CNAME_TARGET_TYPO;
    if (is_ses_zone(zone) && is_token_like(label))
        return SV_F_DKIM_CNAME_STALE_TOKEN;
    return SV_F_DKIM_CNAME_TARGET_OTHER;
}

bool sv_dkim_is_ours(const struct sv_judge *judge, size_t token, struct sv_span target)
{
    enum sv_finding_code fault = sv_dkim_target_fault(judge, token, sv_span_trim(target));

    return fault == SV_F_NONE || fault == SV_F_DKIM_CNAME_SWAPPED_TOKENS ||
           fault == SV_F_DKIM_CNAME_TARGET_SUFFIXED || fault == SV_F_DKIM_CNAME_TARGET_TYPO ||
           fault == SV_F_DKIM_CNAME_WRONG_ZONE;
}

/* The place of a token's record among the DKIM records: those before it that no name can hold are
 * not in the list. */
static size_t nth_record(const struct sv_judge *judge, size_t token)
{
    char name[SV_NAME_BYTES];
    size_t nth = 0;

    for (size_t i = 0; i <= token; i++) {
        bool fits =
            sv_dkim_owner(&judge->expect, i, name) && sv_dkim_target(&judge->expect, i, name);
        if (i == token)
            return fits ? nth : SV_RECORDS_MAX;
        nth += fits ? 1 : 0;
    }
    return SV_RECORDS_MAX;
}

/* Judges the alias of one token. */
static void judge_owner(struct sv_judge *judge, struct sv_dkim_view *view, size_t token)
{
    struct sv_dkim_token *it = &view->tokens[token];

    it->fact = sv_judge_asked(judge, SV_RECORD_DKIM, nth_record(judge, token), NULL);
    it->evidence_of = it->fact;
    it->status = SV_RECORD_UNKNOWN;
    it->fault = SV_F_NONE;
    if (!sv_fact_known(it->fact))
        return;
    if (sv_fact_absent(it->fact)) {
        it->status = SV_RECORD_WRONG;
        it->absent = true;
    } else if (it->fact->aliases > 1) {
        it->status = SV_RECORD_WRONG;
        it->fault = SV_F_DNS_CNAME_MULTIPLE;
        sv_fact_show(it->fact, it->found);
    } else if (it->fact->alias != NULL) {
        struct sv_span target = sv_span_of(it->fact->alias);
        struct sv_line line;
        it->fault = sv_dkim_target_fault(judge, token, target);
        it->status = it->fault == SV_F_NONE ? SV_RECORD_OK : SV_RECORD_WRONG;
        sv_line_init(&line, it->found, sizeof(it->found));
        sv_line_add_shown(&line, target);
    }
}

/* The marks come last: what is found beside an alias may still make it wrong. */
static void mark(struct sv_judge *judge, const struct sv_dkim_view *view, size_t token)
{
    const struct sv_dkim_token *it = &view->tokens[token];
    char seen[SV_FINDING_VALUE_BYTES];
    size_t record;

    (void)sv_judge_asked(judge, SV_RECORD_DKIM, nth_record(judge, token), &record);
    sv_judge_mark(judge, record, it->status);
    if (!sv_fact_known(it->fact))
        return;
    sv_fact_show(it->fact, seen);
    sv_judge_seen(judge, record, sv_span_of(seen));
}

/* One finding for all tokens with this fault: it is about the first, and lists what was found. */
static void report_fault(struct sv_judge *judge, const struct sv_dkim_view *view,
                         enum sv_finding_code fault)
{
    char found[SV_FINDING_VALUE_BYTES];
    char owner[SV_NAME_BYTES];
    char expected[SV_NAME_BYTES];
    const struct sv_dkim_token *first = NULL;
    struct sv_line line;

    sv_line_init(&line, found, sizeof(found));
    for (size_t i = 0; i < view->count; i++) {
        const struct sv_dkim_token *it = &view->tokens[i];
        if (it->fault != fault)
            continue;
        if (first == NULL) {
            first = it;
            (void)sv_dkim_owner(&judge->expect, i, owner);
            (void)sv_dkim_target(&judge->expect, i, expected);
        } else if (strcmp(it->found, first->found) == 0) {
            continue; /* the same for all is told once */
        } else if (it->found[0] != '\0') {
            sv_line_add_shown(&line, sv_span_of(", "));
        }
        if (!line.cut)
            sv_line_add_shown(&line, sv_span_of(it->found));
    }
    if (first != NULL) {
        struct sv_naming naming = {.owner = owner, .expected = expected, .found = found};
        if (fault == SV_F_DNS_NAME_NOT_ASCII) /* it is the name that has to be written otherwise */
            naming.expected = owner;
        sv_judge_find(judge, fault, first->evidence_of, SV_SEVERITY_NONE, &naming);
    }
}

static bool is_first_of_fault(const struct sv_dkim_view *view, size_t token)
{
    for (size_t i = 0; i < token; i++) {
        if (view->tokens[i].fault == view->tokens[token].fault)
            return false;
    }
    return view->tokens[token].fault != SV_F_NONE;
}

/* Absent tokens that no probe explained: missing, or a part of a set that is right otherwise. */
static void name_absent(const struct sv_judge *judge, struct sv_dkim_view *view)
{
    enum sv_finding_code code = SV_F_DKIM_CNAME_MISSING;

    for (size_t i = 0; i < view->count; i++) {
        if (view->tokens[i].status == SV_RECORD_OK)
            code = SV_F_DKIM_CNAME_PARTIAL;
    }
    for (size_t i = 0; i < view->count; i++) {
        struct sv_dkim_token *it = &view->tokens[i];
        if (!it->absent || it->fault != SV_F_NONE)
            continue;
        it->fault = code;
        if (code == SV_F_DKIM_CNAME_PARTIAL)
            (void)sv_dkim_owner(&judge->expect, i, it->found);
    }
}

/* The records SES needs: the aliases, or the client's own key. */
static size_t required_count(const struct sv_dkim_view *view)
{
    return view->count + (view->has_own ? 1 : 0);
}

static const struct sv_dkim_token *required_at(const struct sv_dkim_view *view, size_t i)
{
    return i < view->count ? &view->tokens[i] : &view->own;
}

static uint32_t longest_ttl(const struct sv_dkim_view *view, enum sv_record_status status)
{
    uint32_t ttl_s = 0;

    for (size_t i = 0; i < required_count(view); i++) {
        const struct sv_dkim_token *it = required_at(view, i);
        if (it->status == status && it->fact->evidence.ttl_s > ttl_s)
            ttl_s = it->fact->evidence.ttl_s;
    }
    return ttl_s;
}

/* What the status machine and the schedule want to know of these records together. */
static void conclude(struct sv_judge *judge, const struct sv_dkim_view *view)
{
    struct sv_report *out = judge->out;
    size_t count = required_count(view);
    size_t right = 0;
    size_t wrong = 0;
    size_t absent = 0;

    for (size_t i = 0; i < count; i++) {
        right += required_at(view, i)->status == SV_RECORD_OK ? 1 : 0;
        wrong += required_at(view, i)->status == SV_RECORD_WRONG ? 1 : 0;
        absent += required_at(view, i)->absent ? 1 : 0;
    }
    out->required = SV_RECORD_UNKNOWN;
    if (wrong > 0)
        out->required = SV_RECORD_WRONG;
    else if (count > 0 && right == count)
        out->required = SV_RECORD_OK;
    out->required_absent = count > 0 && absent == count && view->owners_empty;
    if (out->required != SV_RECORD_UNKNOWN)
        out->required_ttl_s = longest_ttl(view, out->required);
}

void sv_judge_dkim(struct sv_judge *judge)
{
    struct sv_dkim_view view = {.count = judge->expect.dkim_tokens_count};

    judge->subject = SV_RECORD_DKIM;
    judge->dkim_sum = (struct sv_dkim_sum){0};
    for (size_t i = 0; i < view.count; i++)
        judge_owner(judge, &view, i);
    sv_dkim_keys(judge, &view);
    sv_dkim_own_key(judge, &view);
    sv_dkim_probe(judge, &view);
    if (judge->out == NULL)
        return;
    for (size_t i = 0; i < view.count; i++)
        mark(judge, &view, i);
    name_absent(judge, &view);
    for (size_t i = 0; i < view.count; i++) {
        if (is_first_of_fault(&view, i))
            report_fault(judge, &view, view.tokens[i].fault);
    }
    conclude(judge, &view);
}
