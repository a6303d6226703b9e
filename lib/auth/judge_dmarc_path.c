/* What follows from the DMARC records for the mail that SES sends: which names are aligned, which
 * name is the organization, and whether old and new receivers agree. */
#include <string.h>

#include "dmarc_parts.h"

static void put(char *out, size_t bytes, const char *before, const char *text)
{
    struct sv_line line;

    sv_line_init(&line, out, bytes);
    if (text == NULL)
        return;
    sv_line_add(&line, before);
    sv_line_add(&line, text);
}

static void fill_verdict(struct sv_dmarc_verdict *out, const struct sv_dmarc_applied *applied)
{
    put(out->organizational_domain, sizeof(out->organizational_domain), "",
        applied->organizational);
    put(out->record_at, sizeof(out->record_at), "_dmarc.", applied->at);
    out->policy = applied->policy;
}

static void fill_path(const struct sv_dmarc_view *view, struct sv_dmarc_path *out)
{
    for (size_t i = 0; i < view->walk.count; i++) {
        struct sv_dmarc_step *step = &out->steps[out->steps_count++];
        const struct sv_dmarc_reply *reply = &view->walk.replies[i];
        put(step->name, sizeof(step->name), "_dmarc.", view->walk.names[i]);
        step->found = reply->found;
        if (reply->found == SV_DMARC_FOUND_RECORD)
            step->psd = reply->record.psd;
    }
    fill_verdict(&out->now, &view->now);
    fill_verdict(&out->before, &view->before);
    out->test_mode = view->now.at != NULL && view->now.record.test_mode;
}

/* Easy DKIM and BYODKIM sign with d={d}, which is always aligned with From {d}. Without tokens and
 * with an ownership record, SES does not sign; with neither we were not told. */
static enum sv_tri dkim_aligned(const struct sv_judge *judge)
{
    if (judge->expect.dkim_tokens_count > 0 || judge->expect.byodkim_selector != NULL)
        return SV_TRI_YES;
    return judge->expect.ownership_token != NULL ? SV_TRI_NO : SV_TRI_UNKNOWN;
}

/* Without a custom MAIL FROM the envelope has a name of SES. */
static enum sv_tri spf_aligned(const struct sv_dmarc_view *view)
{
    const struct sv_expect *expect = &view->judge->expect;
    enum sv_tri relaxed;

    if (expect->mail_from == NULL)
        return SV_TRI_NO;
    relaxed = sv_dmarc_aligned(&view->source, expect->domain, expect->mail_from, false);
    if (view->now.policy == SV_DMARC_POLICY_UNKNOWN && relaxed == SV_TRI_YES)
        return SV_TRI_UNKNOWN; /* the record that could say aspf=s is not known */
    if (view->now.at != NULL && view->now.record.aspf_strict)
        return SV_TRI_NO;
    return relaxed;
}

static bool spf_aligned_before(const struct sv_dmarc_view *view)
{
    const struct sv_expect *expect = &view->judge->expect;

    return expect->mail_from != NULL &&
           sv_dmarc_aligned_before(expect->domain, expect->mail_from,
                                   view->before.at != NULL && view->before.record.aspf_strict);
}

static void judge_alignment(struct sv_dmarc_view *view)
{
    struct sv_judge *judge = view->judge;
    struct sv_report *out = judge->out;
    struct sv_naming naming = {
        .owner = judge->expect.domain,
        .found = judge->expect.mail_from != NULL
                     ? "the custom MAIL FROM domain is not aligned, and no DKIM signature is"
                     : "there is no DKIM signature, and without a custom MAIL FROM domain SPF "
                       "passes for a domain of Amazon SES",
    };
    bool has_dkim = out->dmarc.dkim_aligned != SV_TRI_NO;

    if (view->now.policy <= SV_DMARC_POLICY_ABSENT || out->dmarc.spf_aligned != SV_TRI_NO)
        return;
    if (has_dkim && out->required == SV_RECORD_WRONG)
        out->findings_hidden++; /* it follows from what is said about DKIM */
    if (!has_dkim)
        sv_judge_find(judge, SV_F_DMARC_NO_ALIGNED_IDENTIFIER, view->own, SV_SEVERITY_NONE,
                      &naming);
}

/* psd=y is for registries; the public suffix list knows which names are such. */
static bool judge_psd(struct sv_dmarc_view *view)
{
    char name[SV_NAME_BYTES];
    bool is_wrong = false;

    for (size_t i = 0; i < view->walk.count; i++) {
        const struct sv_dmarc_reply *reply = &view->walk.replies[i];
        if (reply->found == SV_DMARC_FOUND_RECORD && reply->record.psd == 'y' &&
            sv_name_registrable(view->walk.names[i], name) == SV_OK) {
            sv_dmarc_find(view->judge, SV_F_DMARC_PSD_FLAG,
                          sv_dmarc_fact(view->judge, view->walk.names[i]), "", sv_span_of("psd=y"));
            is_wrong = true;
        }
    }
    view->is_explained |= is_wrong;
    return is_wrong;
}

static const struct sv_dmarc_reply *reply_at(const struct sv_dmarc_walk *walk, const char *name)
{
    for (size_t i = 0; i < walk->count; i++) {
        if (walk->names[i] == name && walk->replies[i].found == SV_DMARC_FOUND_RECORD)
            return &walk->replies[i];
    }
    return NULL;
}

/* `walk` ended at a record below the name that people take for the organization. What is to be
 * published: a record at the parent, or this one without psd=n. */
static void find_split(struct sv_dmarc_view *view, const struct sv_dmarc_walk *walk,
                       const char *parent)
{
    const struct sv_dmarc_reply *reply = reply_at(walk, walk->organizational);
    const struct sv_fact *fact = sv_dmarc_fact(view->judge, walk->organizational);
    char owner[SV_NAME_BYTES];
    char expected[SV_FINDING_VALUE_BYTES];
    struct sv_naming naming = {
        .owner = owner, .expected = view->expected, .found = walk->organizational};
    struct sv_dmarc_record record;
    struct sv_line line;

    if (reply == NULL || fact == NULL)
        return;
    record = reply->record;
    record.psd = 'u';
    sv_line_init(&line, expected, sizeof(expected));
    if (sv_dmarc_print(&record, &line))
        naming.expected = expected;
    put(owner, sizeof(owner), "_dmarc.", reply->record.psd == 'n' ? walk->organizational : parent);
    sv_judge_find(view->judge, SV_F_DMARC_ORG_DOMAIN_SPLIT, fact, SV_SEVERITY_NONE, &naming);
    view->is_explained = true;
}

static bool ends_in_flag(const struct sv_dmarc_walk *walk)
{
    const struct sv_dmarc_reply *last = &walk->replies[walk->count - 1];

    return last->found == SV_DMARC_FOUND_RECORD && last->record.psd == 'n';
}

static void judge_split(struct sv_dmarc_view *view)
{
    const struct sv_expect *expect = &view->judge->expect;
    struct sv_dmarc_walk walk;

    /* A record of its own at a subdomain alone is no mistake of {d}; cutting itself off is. */
    if (view->walk.organizational != NULL && ends_in_flag(&view->walk) &&
        sv_name_is_below(view->walk.organizational, view->before.organizational))
        find_split(view, &view->walk, view->before.organizational);
    if (expect->mail_from == NULL)
        return;
    sv_dmarc_walk(&view->source, expect->mail_from, &walk);
    if (walk.organizational != NULL && sv_name_is_below(walk.organizational, expect->domain))
        find_split(view, &walk, expect->domain);
}

/* What a receiver of the old standard does to a share of the messages only (pct). */
static bool has_share(const struct sv_dmarc_applied *before)
{
    return before->at != NULL && before->policy > SV_DMARC_NONE && before->record.percent < 100;
}

/* pct=0 and t=y together mean the same to both: one step weaker. */
static bool is_same_test(const struct sv_dmarc_view *view)
{
    return view->before.record.percent == 0 && view->now.at != NULL && view->now.record.test_mode;
}

static void tell_policies(struct sv_line *line, const struct sv_dmarc_view *view,
                          const struct sv_dmarc_applied *before)
{
    sv_line_add(line, "by RFC 9989 the policy is ");
    sv_line_add(line, sv_dmarc_policy_name(view->now.policy));
    if (view->now.at != NULL) {
        sv_line_add(line, " from _dmarc.");
        sv_line_add(line, view->now.at);
    }
    sv_line_add(line, ", by RFC 7489 ");
    sv_line_add(line, sv_dmarc_policy_name(before->policy));
    if (before->at != NULL) {
        sv_line_add(line, " from _dmarc.");
        sv_line_add(line, before->at);
    }
}

/* Says what differs; false when nothing does, as far as both are known. */
static bool tell_difference(struct sv_line *line, const struct sv_dmarc_view *view)
{
    const struct sv_dmarc_applied *before = &view->before_lenient;
    enum sv_tri aligned = view->judge->out->dmarc.spf_aligned;

    if (view->now.policy == SV_DMARC_POLICY_UNKNOWN || before->policy == SV_DMARC_POLICY_UNKNOWN)
        return false;
    if (view->now.policy != before->policy) {
        tell_policies(line, view, before);
    } else if (has_share(before) && !is_same_test(view)) {
        sv_line_add(line, "by RFC 9989 ");
        sv_line_add(line, sv_dmarc_policy_name(view->now.policy));
        sv_line_add(line, " applies to all messages, by RFC 7489 to ");
        sv_line_add_number(line, before->record.percent);
        sv_line_add(line, " % of them");
    } else if (view->now.policy > SV_DMARC_POLICY_ABSENT && aligned != SV_TRI_UNKNOWN &&
               (aligned == SV_TRI_YES) != spf_aligned_before(view)) {
        sv_line_add(line, "SPF of ");
        sv_line_add(line, view->judge->expect.mail_from);
        sv_line_add(line, aligned == SV_TRI_YES ? " is aligned by RFC 9989 only"
                                                : " is aligned by RFC 7489 only");
    }
    return line->len > 0;
}

/* A record for {d} itself by which both come to what RFC 9989 makes of the present ones; where that
 * is nothing, to what RFC 7489 makes of them. */
static bool print_explicit(struct sv_line *line, const struct sv_dmarc_view *view)
{
    const struct sv_dmarc_applied *model =
        view->now.at != NULL ? &view->now : &view->before_lenient;
    struct sv_dmarc_record record = model->record;

    if (model->at == NULL)
        return false;
    record.p = model->policy == SV_DMARC_REJECT       ? SV_DMARC_WORD_REJECT
               : model->policy == SV_DMARC_QUARANTINE ? SV_DMARC_WORD_QUARANTINE
                                                      : SV_DMARC_WORD_NONE;
    record.psd = 'u';
    if (!sv_name_equal(model->at, view->judge->expect.domain)) {
        record.sp = SV_DMARC_WORD_ABSENT;
        record.np = SV_DMARC_WORD_ABSENT;
    }
    return sv_dmarc_print(&record, line);
}

static void judge_difference(struct sv_dmarc_view *view)
{
    char expected[SV_FINDING_VALUE_BYTES];
    char found[SV_FINDING_VALUE_BYTES];
    struct sv_naming naming = {
        .owner = view->own->name, .expected = view->expected, .found = found};
    struct sv_line line;

    sv_line_init(&line, found, sizeof(found));
    if (!tell_difference(&line, view))
        return;
    if (view->is_explained) {
        view->judge->out->findings_hidden++;
        return;
    }
    sv_line_init(&line, expected, sizeof(expected));
    if (print_explicit(&line, view))
        naming.expected = expected;
    sv_judge_find(view->judge, SV_F_DMARC_RECEIVERS_DIFFER, view->own, SV_SEVERITY_NONE, &naming);
}

void sv_dmarc_judge_path(struct sv_dmarc_view *view)
{
    enum sv_tri aligned = spf_aligned(view); /* may ask */
    struct sv_report *out = view->judge->out;

    if (!judge_psd(view)) /* otherwise a split follows from it */
        judge_split(view);
    if (out == NULL)
        return;
    fill_path(view, &out->dmarc);
    out->dmarc.dkim_aligned = dkim_aligned(view->judge);
    out->dmarc.spf_aligned = aligned;
    judge_alignment(view);
    judge_difference(view);
}
