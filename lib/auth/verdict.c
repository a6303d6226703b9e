/* Writing the report: marks, findings in the order of causes, and what follows from them. */
#include <string.h>

#include "sv/alloc.h"

#include "judge_parts.h"

void sv_judge_begin(struct sv_judge *judge)
{
    struct sv_report *out = judge->out;

    memset(judge->combined, 0, sizeof(judge->combined));
    memset(judge->explained, 0, sizeof(judge->explained));
    memset(judge->disputed, 0, sizeof(judge->disputed));
    memset(judge->caches_until, 0, sizeof(judge->caches_until));
    out->records_count = sv_records_list(&judge->expect, judge->zone, out->records);
    for (size_t i = 0; i < out->records_count; i++) {
        if (judge->asked[i] != NULL && judge->asked[i]->answered)
            out->seen_by[i] = judge->asked[i]->evidence;
    }
}

void sv_judge_mark(struct sv_judge *judge, size_t record, enum sv_record_status status)
{
    if (judge->out != NULL && record < judge->out->records_count)
        judge->out->statuses[record] = status;
}

enum sv_record_status sv_judge_status(const struct sv_judge *judge, size_t record)
{
    if (judge->out == NULL || record >= judge->out->records_count)
        return SV_RECORD_UNKNOWN;
    return judge->out->statuses[record];
}

void sv_judge_seen(struct sv_judge *judge, size_t record, struct sv_span seen)
{
    struct sv_line line;

    if (judge->out == NULL || record >= judge->out->records_count)
        return;
    sv_line_init(&line, judge->out->seen[record], sizeof(judge->out->seen[record]));
    sv_line_add_shown(&line, seen);
}

static void set_text(char *out, size_t bytes, const char *text)
{
    struct sv_line line;

    sv_line_init(&line, out, bytes);
    if (text != NULL)
        sv_line_add_shown(&line, sv_span_of(text));
}

/* The empty place for a finding of this code, the later ones moved back; NULL when it would be
 * beyond the end. The findings of one code stay in the order in which they were made. */
static struct sv_finding *make_room(struct sv_report *out, enum sv_finding_code code)
{
    enum { ROOM_STEP = 4 }; /* most domains have fewer */
    size_t at = out->findings_count;

    while (at > 0 && out->findings[at - 1].code > code)
        at--;
    if (out->findings_count == SV_FINDINGS_MAX)
        out->findings_omitted++;
    else
        out->findings_count++;
    if (at == SV_FINDINGS_MAX)
        return NULL;
    if (out->findings_count > out->findings_room) {
        out->findings_room += ROOM_STEP;
        out->findings = sv_realloc(out->findings, out->findings_room * sizeof(*out->findings));
    }
    memmove(&out->findings[at + 1], &out->findings[at],
            (out->findings_count - at - 1) * sizeof(*out->findings));
    memset(&out->findings[at], 0, sizeof(*out->findings));
    return &out->findings[at];
}

/* A hostile record can have the same fault in dozens of places; a few of them say it, and the room
 * is for what else is wrong. */
static bool is_said_enough(const struct sv_report *out, enum sv_finding_code code,
                           const char *owner)
{
    enum { ALIKE_MAX = 3 };
    unsigned alike = 0;

    for (size_t i = 0; i < out->findings_count; i++)
        alike +=
            out->findings[i].code == code && sv_name_equal(out->findings[i].owner, owner) ? 1 : 0;
    return alike >= ALIKE_MAX;
}

void sv_judge_find(struct sv_judge *judge, enum sv_finding_code code, const struct sv_fact *fact,
                   enum sv_severity severity, const struct sv_naming *naming)
{
    struct sv_finding *finding;

    if (judge->out == NULL)
        return;
    if (is_said_enough(judge->out, code, naming->owner)) {
        judge->out->findings_omitted++;
        return;
    }
    finding = make_room(judge->out, code);
    if (finding == NULL)
        return;
    finding->code = code;
    finding->severity = severity != SV_SEVERITY_NONE ? severity : sv_finding_severity(code);
    set_text(finding->owner, sizeof(finding->owner), naming->owner);
    set_text(finding->expected, sizeof(finding->expected), naming->expected);
    set_text(finding->found, sizeof(finding->found), naming->found);
    set_text(finding->other, sizeof(finding->other), naming->other);
    finding->number = naming->number;
    finding->until = naming->until;
    finding->witnesses_count = fact->said.witnesses_count;
    for (size_t i = 0; i < fact->said.witnesses_count; i++)
        finding->witnesses[i] = *fact->said.witnesses[i];
    finding->evidence = fact->evidence;
}

enum sv_tri sv_tri_of_status(enum sv_record_status status)
{
    switch (status) {
    case SV_RECORD_OK:
        return SV_TRI_YES;
    case SV_RECORD_WRONG:
        return SV_TRI_NO;
    case SV_RECORD_WAITING:
    case SV_RECORD_UNKNOWN:
        return SV_TRI_UNKNOWN;
    }
    return SV_TRI_UNKNOWN;
}

enum sv_tri sv_tri_both(enum sv_tri a, enum sv_tri b)
{
    if (a == SV_TRI_NO || b == SV_TRI_NO)
        return SV_TRI_NO;
    return a == SV_TRI_YES && b == SV_TRI_YES ? SV_TRI_YES : SV_TRI_UNKNOWN;
}

static enum sv_record_status status_of_tri(enum sv_tri tri)
{
    switch (tri) {
    case SV_TRI_YES:
        return SV_RECORD_OK;
    case SV_TRI_NO:
        return SV_RECORD_WRONG;
    case SV_TRI_UNKNOWN:
        return SV_RECORD_UNKNOWN;
    }
    return SV_RECORD_UNKNOWN;
}

static enum sv_tri status_of(const struct sv_judge *judge, enum sv_record_kind kind)
{
    size_t record;

    (void)sv_judge_asked(judge, kind, 0, &record);
    return sv_tri_of_status(sv_judge_status(judge, record));
}

/* The longest that anybody may keep what was said about this record. */
static uint32_t longest_ttl(const struct sv_fact *fact)
{
    uint32_t ttl_s = fact->evidence.ttl_s;

    for (const struct sv_fact *it = fact; it != NULL; it = it->otherwise) {
        if (it->said.cached_s > ttl_s)
            ttl_s = it->said.cached_s;
    }
    return ttl_s;
}

static enum sv_untold why_untold(const struct sv_fact *fact)
{
    const struct sv_heard *heard = fact != NULL ? fact->heard : NULL;

    if (heard == NULL)
        return SV_UNTOLD_NOT_ASKED;
    if (heard->authority && heard->servers_usable == 0)
        return heard->servers_lame > 0 ? SV_UNTOLD_SERVERS_LAME : SV_UNTOLD_SERVERS_SILENT;
    if (heard->resolvers_bogus > 0)
        return SV_UNTOLD_DISAGREE;
    if (heard->resolvers_failed > 0)
        return SV_UNTOLD_SERVFAIL;
    if (heard->resolvers_told > 0)
        return heard->resolvers_asked > 2 ? SV_UNTOLD_NO_QUORUM : SV_UNTOLD_DISAGREE;
    return SV_UNTOLD_RESOLVERS_SILENT;
}

/* What the status machine wants to know of the DKIM aliases together: the worst of them counts, and
 * unknown is worse than waiting. */
static void conclude_required(struct sv_judge *judge)
{
    static const enum sv_record_status order[] = {SV_RECORD_WRONG, SV_RECORD_UNKNOWN,
                                                  SV_RECORD_WAITING, SV_RECORD_OK};
    struct sv_report *out = judge->out;
    size_t counts[SV_RECORD_WAITING + 1] = {0};
    size_t count = 0;
    size_t worst = 0;
    sv_ms until = 0;

    for (size_t i = 0; i < out->records_count; i++) {
        if (judge->kinds[i] == SV_RECORD_DKIM)
            counts[out->statuses[i]]++;
        count += judge->kinds[i] == SV_RECORD_DKIM ? 1 : 0;
    }
    if (count == 0 || count < judge->expect.dkim_tokens_count)
        counts[SV_RECORD_UNKNOWN]++;
    while (counts[order[worst]] == 0)
        worst++;
    out->required = order[worst];
    out->required_ttl_s = 0;
    out->required_disputed = out->required == SV_RECORD_WRONG;
    for (size_t i = 0; i < out->records_count; i++) {
        uint32_t ttl_s;
        if (judge->kinds[i] != SV_RECORD_DKIM || out->statuses[i] != out->required ||
            out->required == SV_RECORD_UNKNOWN)
            continue;
        ttl_s = longest_ttl(judge->asked[i]);
        if (ttl_s > out->required_ttl_s)
            out->required_ttl_s = ttl_s;
        if (judge->caches_until[i] > until)
            until = judge->caches_until[i];
        out->required_disputed = out->required_disputed && judge->disputed[i];
    }
    if (out->required == SV_RECORD_WAITING)
        out->required_seen_everywhere_at = until;
    if (out->required_disputed)
        out->required_cached_until = until;
    for (size_t i = 0; i < judge->records_count && out->required == SV_RECORD_UNKNOWN; i++) {
        if (judge->kinds[i] == SV_RECORD_DKIM && out->statuses[i] == SV_RECORD_UNKNOWN &&
            out->untold <= SV_UNTOLD_NOT_ASKED)
            out->untold = why_untold(judge->asked[i]);
    }
    if (count == 0)
        out->untold = SV_UNTOLD_NOT_ASKED;
    out->required_absent = out->required_absent && out->required == SV_RECORD_WRONG;
}

void sv_judge_conclude(struct sv_judge *judge)
{
    struct sv_report *out = judge->out;
    bool custom = judge->expect.mail_from != NULL;

    for (size_t i = 0; i < judge->records_count; i++) {
        if (judge->asked[i] != NULL && !judge->combined[i])
            (void)sv_judge_combine(judge, i, judge->asked[i], out->statuses[i], sv_judge_is_right);
        if (judge->asked[i] != NULL && judge->asked[i]->heard != NULL)
            out->authority_closed = out->authority_closed || judge->asked[i]->heard->closed;
    }
    conclude_required(judge);
    for (size_t i = 0; i < judge->records_count; i++) {
        if (judge->asked[i] != NULL && out->statuses[i] == SV_RECORD_UNKNOWN)
            sv_judge_trouble(judge, judge->asked[i]);
    }
    out->spf_configured = status_of(judge, custom ? SV_RECORD_MAIL_FROM_SPF : SV_RECORD_SPF);
    if (custom)
        out->mail_from = status_of_tri(
            sv_tri_both(status_of(judge, SV_RECORD_MAIL_FROM_MX), out->spf_configured));
    out->dmarc_configured = status_of(judge, SV_RECORD_DMARC);
    sv_judge_bulk(judge);
    sv_judge_find_cause(judge);
    out->digest = sv_findings_digest(out->findings, out->findings_count);
}
