/* What is wrong or odd in the text of one DMARC record, tag by tag. */
#include "dmarc_parts.h"

/* Findings that name several tags of one record. */
struct lists {
    char unknown[SV_FINDING_VALUE_BYTES], deprecated[SV_FINDING_VALUE_BYTES];
    struct sv_line unknown_line, deprecated_line;
};

static void add(struct sv_line *line, struct sv_span text)
{
    if (line->len > 0)
        sv_line_add_shown(line, sv_span_of(", "));
    sv_line_add_shown(line, text);
}

static void find_syntax(struct sv_dmarc_view *view, const struct sv_fact *fact,
                        const struct sv_dmarc_tag *tag, struct sv_span text)
{
    char shown[SV_FINDING_VALUE_BYTES];
    struct sv_naming naming = {
        .owner = fact->name,
        .expected = view->expected,
        .found = shown,
        .number = (uint32_t)(tag->text.text - text.text + 1),
    };
    struct sv_line line;

    sv_line_init(&line, shown, sizeof(shown));
    sv_line_add_shown(&line, tag->text);
    sv_judge_find(view->judge, SV_F_DMARC_TAG_SYNTAX, fact, SV_SEVERITY_NONE, &naming);
    view->is_explained = true;
}

static void judge_addresses(struct sv_dmarc_view *view, const struct sv_fact *fact,
                            const struct sv_dmarc_tag *tag, struct lists *lists)
{
    struct sv_span rest = tag->value;
    struct sv_dmarc_uri uri;
    unsigned bad = 0;

    if (rest.len == 0)
        sv_dmarc_find(view->judge, SV_F_DMARC_RUA_INVALID, fact, view->expected, tag->text);
    while (sv_dmarc_uri_next(&rest, &uri)) {
        if (uri.size.len > 0)
            add(&lists->deprecated_line, uri.size);
        if (uri.kind != SV_DMARC_URI_MAILTO && bad++ < SV_DMARC_TARGETS_MAX)
            sv_dmarc_find(view->judge, SV_F_DMARC_RUA_INVALID, fact, view->expected, uri.text);
    }
}

static bool is_policy(enum sv_dmarc_key key)
{
    return key == SV_DMARC_KEY_P || key == SV_DMARC_KEY_SP || key == SV_DMARC_KEY_NP;
}

static void judge_tag(struct sv_dmarc_view *view, const struct sv_fact *fact,
                      const struct sv_dmarc_tag *tag, struct lists *lists)
{
    if (tag->key == SV_DMARC_KEY_RUA || tag->key == SV_DMARC_KEY_RUF)
        judge_addresses(view, fact, tag, lists);
    if (tag->key == SV_DMARC_KEY_OTHER)
        add(&lists->unknown_line, tag->name);
    if (tag->key == SV_DMARC_KEY_PCT || tag->key == SV_DMARC_KEY_RF || tag->key == SV_DMARC_KEY_RI)
        add(&lists->deprecated_line, tag->name);
    if (is_policy(tag->key) && sv_dmarc_word_of(tag->value) == SV_DMARC_WORD_BAD) {
        sv_dmarc_find(view->judge, SV_F_DMARC_POLICY_INVALID, fact, "none, quarantine or reject",
                      tag->key == SV_DMARC_KEY_P ? tag->value : tag->text);
        view->is_explained = true;
    }
}

/* sp and np say what happens below; without them p does. */
static void judge_weaker(struct sv_dmarc_view *view, const struct sv_fact *fact,
                         const struct sv_dmarc_record *record)
{
    char found[SV_FINDING_VALUE_BYTES];
    struct sv_line line;

    sv_line_init(&line, found, sizeof(found));
    if (record->sp > SV_DMARC_WORD_BAD && record->sp < record->p) {
        sv_line_add(&line, "sp=");
        sv_line_add(&line, sv_dmarc_word_name(record->sp));
    }
    if (record->np > SV_DMARC_WORD_BAD && record->np < record->p) {
        sv_line_add(&line, line.len > 0 ? ", np=" : "np=");
        sv_line_add(&line, sv_dmarc_word_name(record->np));
    }
    if (line.len > 0)
        sv_dmarc_find(view->judge, SV_F_DMARC_SP_WEAKER, fact, sv_dmarc_word_name(record->p),
                      sv_span_of(found));
}

/* Strict modes and what they keep from passing (dns-auth section 8.4). */
static void judge_strict(struct sv_dmarc_view *view, const struct sv_fact *fact,
                         const struct sv_dmarc_record *record)
{
    const struct sv_expect *expect = &view->judge->expect;

    if (record->aspf_strict && expect->mail_from != NULL)
        sv_dmarc_find(view->judge, SV_F_DMARC_STRICT_SPF, fact, "aspf=r",
                      sv_span_of(expect->mail_from));
    if (record->adkim_strict)
        sv_dmarc_find(view->judge, SV_F_DMARC_STRICT_DKIM, fact, "adkim=r",
                      sv_span_of(expect->domain));
}

/* The record as it should read: p after v, a policy, and reports to the address that we propose
 * where it asks for none. What cannot be told is what we ask for in general. */
static const char *repaired(const struct sv_dmarc_view *view, const struct sv_dmarc_record *record,
                            char out[SV_FINDING_VALUE_BYTES])
{
    struct sv_dmarc_record better = *record;
    struct sv_dmarc_record proposed;
    struct sv_line line;

    sv_dmarc_parse(sv_span_of(view->expected), &proposed);
    if (better.rua.text == NULL)
        better.rua = proposed.rua;
    if (better.p == SV_DMARC_WORD_ABSENT)
        better.p = SV_DMARC_WORD_NONE;
    sv_line_init(&line, out, SV_FINDING_VALUE_BYTES);
    return better.p != SV_DMARC_WORD_BAD && sv_dmarc_print(&better, &line) ? out : view->expected;
}

/* What the record as a whole says. In a damaged one, what seems to be missing may be there. */
static void judge_meaning(struct sv_dmarc_view *view, const struct sv_fact *fact,
                          struct sv_span text, bool is_damaged)
{
    struct sv_judge *judge = view->judge;
    struct sv_dmarc_record record;
    char room[SV_FINDING_VALUE_BYTES];
    const char *expected;

    sv_dmarc_parse(text, &record);
    if (record.has_repeated)
        return;
    expected = repaired(view, &record, room);
    if (record.p == SV_DMARC_WORD_ABSENT && !is_damaged) {
        sv_dmarc_find(judge, SV_F_DMARC_POLICY_MISSING, fact, expected, text);
        view->is_explained = true;
    } else if (record.p != SV_DMARC_WORD_ABSENT && !record.has_order_of_before) {
        sv_dmarc_find(judge, SV_F_DMARC_ORDER_LEGACY, fact, expected, text);
    }
    if (record.p == SV_DMARC_WORD_NONE)
        sv_dmarc_find(judge, SV_F_DMARC_POLICY_NONE, fact, "", sv_span_of("none"));
    if (record.test_mode)
        sv_dmarc_find(judge, SV_F_DMARC_TEST_MODE, fact, "", sv_span_of("t=y"));
    if (record.rua.text == NULL && !is_damaged)
        sv_dmarc_find(judge, SV_F_DMARC_RUA_MISSING, fact, expected, text);
    judge_weaker(view, fact, &record);
    judge_strict(view, fact, &record);
}

void sv_dmarc_judge_record(struct sv_dmarc_view *view, const struct sv_fact *fact,
                           struct sv_span text)
{
    struct sv_dmarc_reader reader = {.rest = text};
    struct sv_dmarc_tag tag;
    struct lists lists;
    bool is_damaged = false;

    if (view->judge->out == NULL)
        return; /* nothing is asked here */
    sv_line_init(&lists.unknown_line, lists.unknown, sizeof(lists.unknown));
    sv_line_init(&lists.deprecated_line, lists.deprecated, sizeof(lists.deprecated));
    while (sv_dmarc_next(&reader, &tag)) {
        if (tag.fault == SV_DMARC_FAULT_NONE)
            judge_tag(view, fact, &tag, &lists);
        else if (!is_damaged) /* the first place is where to begin */
            find_syntax(view, fact, &tag, text);
        is_damaged |= tag.fault != SV_DMARC_FAULT_NONE;
    }
    if (lists.unknown_line.len > 0)
        sv_dmarc_find(view->judge, SV_F_DMARC_UNKNOWN_TAG, fact, "", sv_span_of(lists.unknown));
    if (lists.deprecated_line.len > 0)
        sv_dmarc_find(view->judge, SV_F_DMARC_DEPRECATED_TAG, fact, "",
                      sv_span_of(lists.deprecated));
    judge_meaning(view, fact, text, is_damaged);
}
