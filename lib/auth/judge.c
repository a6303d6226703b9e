#include "sv/judge.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

#include "judge_parts.h"

/* Stands for what could not be asked: unknown, and never answered. */
static const struct sv_fact never = {.name = ""};

static const char *keep_text(struct sv_judge *judge, const char *text)
{
    const char *kept = NULL;

    if (text == NULL)
        return NULL;
    kept = sv_judge_keep(judge, text, strlen(text));
    SV_REQUIRE(kept != NULL); /* what one domain expects is far smaller than the limit */
    return kept;
}

static void copy_seen_names(struct sv_judge *judge, const struct sv_expect *expect)
{
    size_t count = expect->seen_names_count;
    const char **names =
        sv_keep_take(&judge->keep, (count > 0 ? count : 1) * sizeof(*names), SV_KEEP_BYTES);

    SV_REQUIRE(names != NULL && count <= SV_SEEN_NAMES_MAX);
    for (size_t i = 0; i < count; i++) /* what no name can be is near to none */
        names[i] = strlen(expect->seen_names[i]) <= SV_NAME_MAX
                       ? keep_text(judge, expect->seen_names[i])
                       : "";
    judge->expect.seen_names = names;
}

static void copy_expect(struct sv_judge *judge, const struct sv_expect *expect, const char *zone)
{
    struct sv_expect *copy = &judge->expect;

    *copy = *expect;
    copy->domain = keep_text(judge, expect->domain);
    copy->region = keep_text(judge, expect->region);
    for (size_t i = 0; i < expect->dkim_tokens_count; i++)
        copy->dkim_tokens[i] = keep_text(judge, expect->dkim_tokens[i]);
    copy->dkim_zone = keep_text(judge, expect->dkim_zone);
    copy->byodkim_selector = keep_text(judge, expect->byodkim_selector);
    copy->byodkim_key = keep_text(judge, expect->byodkim_key);
    copy->mail_from = keep_text(judge, expect->mail_from);
    copy->ownership_token = keep_text(judge, expect->ownership_token);
    /* A longer one cannot become a record; sv_records_list takes the default for it. */
    if (expect->dmarc_policy != NULL && strlen(expect->dmarc_policy) >= SV_RECORD_VALUE_BYTES)
        copy->dmarc_policy = NULL;
    copy->dmarc_policy = keep_text(judge, copy->dmarc_policy);
    copy_seen_names(judge, expect);
    judge->zone = zone != NULL ? keep_text(judge, zone) : copy->domain;
}

/* With and without checking, one question has two answers. */
static struct sv_fact *find_asked(struct sv_judge *judge, const char *name, enum sv_rr_type type,
                                  unsigned how)
{
    for (size_t i = 0; i < judge->facts_count; i++) {
        struct sv_fact *fact = judge->facts[i];
        if (fact->type == type && ((fact->how ^ how) & SV_ASK_UNCHECKED) == 0 &&
            sv_name_equal(fact->name, name))
            return fact;
    }
    return NULL;
}

static struct sv_fact *find_fact(struct sv_judge *judge, const char *name, enum sv_rr_type type)
{
    return find_asked(judge, name, type, 0);
}

/* The client's own names are asked of the client's own servers. */
static unsigned how_of(const struct sv_judge *judge, const char *name)
{
    const char *domain = judge->expect.domain;

    if (!sv_name_equal(name, domain) && !sv_name_is_below(name, domain))
        return 0;
    return judge->expect.seen_before ? SV_ASK_OWNED | SV_ASK_SEEN_BEFORE : SV_ASK_OWNED;
}

/* A key whose answer has been here for longer than anybody wanted it; NULL = none. */
static struct sv_fact *unpark(struct sv_judge *judge, const char *name, enum sv_rr_type type)
{
    for (size_t i = 0; i < judge->parked_count; i++) {
        struct sv_fact *fact = judge->parked[i];
        if (fact->type != type || !sv_name_equal(fact->name, name))
            continue;
        judge->parked[i] = judge->parked[--judge->parked_count];
        judge->facts[judge->facts_count++] = fact;
        return fact;
    }
    return NULL;
}

static struct sv_fact *want(struct sv_judge *judge, const char *name, enum sv_rr_type type)
{
    struct sv_fact *fact;
    const char *kept;

    if (judge->facts_count == SV_FACTS_MAX)
        return NULL;
    fact = unpark(judge, name, type);
    if (fact != NULL)
        return fact;
    kept = sv_judge_keep(judge, name, strlen(name));
    fact = sv_keep_take(&judge->keep, sizeof(*fact), SV_KEEP_BYTES);
    if (kept == NULL || fact == NULL)
        return NULL;
    judge->facts[judge->facts_count++] = fact;
    *fact = (struct sv_fact){.name = kept, .type = type, .how = how_of(judge, kept)};
    judge->unanswered++;
    return fact;
}

/* A DKIM alias that was right is asked for with the key behind it, and by itself only where that
 * leaves something open (judge_dkim_alias.c). */
static struct sv_fact *want_alias(struct sv_judge *judge, const char *name)
{
    bool is_asked = find_fact(judge, name, SV_RR_TXT) != NULL;
    struct sv_fact *alias = want(judge, name, SV_RR_CNAME);
    struct sv_fact *key = is_asked || alias == NULL ? NULL : want(judge, name, SV_RR_TXT);

    if (key == NULL)
        return alias;
    key->alias_fact = alias;
    alias->handed = true; /* for now */
    judge->unanswered--;
    return alias;
}

struct sv_judge *sv_judge_new(const struct sv_expect *expect, const char *zone)
{
    struct sv_judge *judge = sv_alloc(1, sizeof(*judge));
    struct sv_record records[SV_RECORDS_MAX];

    copy_expect(judge, expect, zone);
    judge->records_count = sv_records_list(&judge->expect, judge->zone, records);
    for (size_t i = 0; i < judge->records_count; i++) {
        judge->kinds[i] = records[i].kind;
        judge->asked[i] = find_fact(judge, records[i].name, records[i].type);
        if (judge->asked[i] == NULL && records[i].type == SV_RR_CNAME &&
            (expect->was_right & 1u << i) != 0)
            judge->asked[i] = want_alias(judge, records[i].name);
        else if (judge->asked[i] == NULL)
            judge->asked[i] = want(judge, records[i].name, records[i].type);
    }
    return judge;
}

void sv_judge_free(struct sv_judge *judge)
{
    if (judge == NULL)
        return;
    sv_keep_fini(&judge->keep);
    if (judge->report != NULL)
        free(judge->report->findings);
    free(judge->report);
    free(judge);
}

const struct sv_fact *sv_judge_asked(const struct sv_judge *judge, enum sv_record_kind kind,
                                     size_t nth, size_t *record)
{
    for (size_t i = 0; i < judge->records_count; i++) {
        if (judge->kinds[i] != kind || nth-- > 0)
            continue;
        if (record != NULL)
            *record = i;
        return judge->asked[i] != NULL ? judge->asked[i] : &never;
    }
    if (record != NULL)
        *record = SV_RECORDS_MAX;
    return &never;
}

/* What is said about these records rests on something that nobody answered. */
static void unsettle(struct sv_judge *judge)
{
    for (size_t i = 0; judge->out != NULL && i < judge->records_count; i++) {
        if (judge->kinds[i] == judge->subject)
            judge->out->unsettled[i] = true;
    }
}

const struct sv_fact *sv_judge_look(struct sv_judge *judge, const char *name, enum sv_rr_type type,
                                    unsigned *spent, unsigned spent_max)
{
    struct sv_fact *fact = find_fact(judge, name, type);

    if (fact != NULL && !sv_fact_known(fact))
        unsettle(judge);
    if (fact != NULL)
        return fact;
    if (*spent >= spent_max) /* that is settled: the limit will be the same the next time */
        return &never;
    if (judge->out == NULL) /* a report only reads the table */
        fact = want(judge, name, type);
    if (fact == NULL) {
        unsettle(judge);
        return &never;
    }
    ++*spent;
    return fact;
}

const struct sv_fact *sv_judge_look_unchecked(struct sv_judge *judge, const char *name,
                                              enum sv_rr_type type)
{
    const unsigned how = SV_ASK_UNCHECKED | SV_ASK_DNSSEC;
    struct sv_fact *fact = find_asked(judge, name, type, how);

    if (fact != NULL)
        return fact;
    if (judge->out != NULL || judge->dns_looks == SV_DNS_LOOKS_MAX)
        return &never;
    fact = want(judge, name, type);
    if (fact == NULL)
        return &never;
    fact->how = how;
    judge->dns_looks++;
    return fact;
}

const struct sv_fact *sv_judge_probe(struct sv_judge *judge, const char *name, enum sv_rr_type type,
                                     unsigned spent_max)
{
    return sv_judge_look(judge, name, type, &judge->probes, spent_max);
}

const struct sv_fact *sv_judge_sibling(struct sv_judge *judge, const char *name,
                                       enum sv_rr_type type)
{
    const char *dot = strchr(name, '.');
    char sibling[SV_NAME_BYTES];

    if (dot == NULL || !sv_name_build(sibling, SV_NO_SUCH_LABEL, dot, ""))
        return &never;
    return sv_judge_look(judge, sibling, type, &judge->dns_looks, SV_DNS_LOOKS_MAX);
}

static bool is_waited_for(const struct sv_fact *fact)
{
    return fact != &never && !fact->answered;
}

enum sv_tri sv_judge_is_placed(struct sv_judge *judge, const struct sv_fact *fact, size_t nth,
                               sv_holds_fn *holds)
{
    const struct sv_fact *sibling;

    if (is_waited_for(fact))
        return SV_TRI_UNKNOWN;
    if (!sv_fact_known(fact) || !holds(judge, fact, nth))
        return SV_TRI_NO;
    if (sv_name_equal(fact->name, judge->expect.domain))
        return SV_TRI_YES; /* a wildcard above would have given it to the expected owner, too */
    sibling = sv_judge_sibling(judge, fact->name, fact->type);
    if (is_waited_for(sibling))
        return SV_TRI_UNKNOWN;
    return sv_fact_known(sibling) && !holds(judge, sibling, nth) ? SV_TRI_YES : SV_TRI_NO;
}

static void compute(struct sv_judge *judge)
{
    sv_judge_dkim(judge);
    sv_judge_ownership(judge);
    if (judge->expect.mail_from != NULL)
        sv_judge_mail_from(judge);
    else
        sv_judge_spf(judge, SV_RECORD_SPF, judge->expect.domain);
    sv_judge_dmarc(judge);
    sv_judge_conflicts(judge);
    sv_judge_discover(judge);
    sv_judge_dns(judge);
}

bool sv_judge_next(struct sv_judge *judge, struct sv_dns_question *out)
{
    for (size_t i = 0; i < judge->facts_count; i++) {
        struct sv_fact *fact = judge->facts[i];
        if (fact->handed)
            continue;
        fact->handed = true;
        memset(out, 0, sizeof(*out));
        memcpy(out->name, fact->name, strlen(fact->name) + 1);
        out->type = fact->type;
        out->how = fact->how;
        return true;
    }
    return false;
}

void sv_fact_answer(struct sv_judge *judge, struct sv_fact *fact, const struct sv_dns_views *views)
{
    fact->answered = true;
    if (views == NULL)
        return;
    sv_zone_take(judge, fact, views);
    sv_fact_take_views(judge, fact, views);
}

/* Takes the fact out of the table, as if it had not been asked for. */
static void park(struct sv_judge *judge, struct sv_fact *fact)
{
    size_t at = 0;

    while (judge->facts[at] != fact)
        at++;
    judge->facts_count--;
    for (; at < judge->facts_count; at++)
        judge->facts[at] = judge->facts[at + 1];
    judge->parked[judge->parked_count++] = fact;
}

/* The answer for a key, and what it says of the alias before it. Where that is not both of them, it
 * is as if the key had not been asked for yet. */
static void take_key(struct sv_judge *judge, struct sv_fact *key, const struct sv_dns_views *views)
{
    struct sv_fact *alias = key->alias_fact;

    if (views != NULL && sv_dkim_alias_take(judge, alias, views) && !sv_fact_absent(alias)) {
        sv_fact_answer(judge, key, views);
        return;
    }
    if (!alias->answered) {
        alias->handed = false;
        judge->unanswered++;
    }
    key->answered = true;
    if (views != NULL)
        sv_fact_take_views(judge, key, views);
    park(judge, key);
}

void sv_judge_views(struct sv_judge *judge, const struct sv_dns_question *question,
                    const struct sv_dns_views *views)
{
    struct sv_fact *fact = find_asked(judge, question->name, question->type, question->how);

    if (fact == NULL || !fact->handed || fact->answered)
        return;
    if (fact->alias_fact != NULL)
        take_key(judge, fact, views);
    else
        sv_fact_answer(judge, fact, views);
    judge->report_fresh = false;
    if (--judge->unanswered == 0)
        compute(judge); /* the round is complete: are there new questions? */
}

void sv_judge_answer(struct sv_judge *judge, const struct sv_dns_question *question,
                     const struct sv_dns_answer *answer)
{
    struct sv_dns_views views = sv_dns_views_of(&answer);

    sv_judge_views(judge, question, answer != NULL ? &views : NULL);
}

bool sv_judge_done(const struct sv_judge *judge)
{
    return judge->unanswered == 0;
}

/* All but the nodes of the SPF tree, which are most of it, and the room for findings. */
static void empty(struct sv_report *report)
{
    memset(report, 0, offsetof(struct sv_report, spf));
    memset(&report->spf, 0, offsetof(struct sv_spf_tree, nodes));
    report->findings_count = 0;
}

const struct sv_report *sv_judge_report(struct sv_judge *judge)
{
    if (judge->report_fresh)
        return judge->report;
    if (judge->report == NULL) {
        judge->report = sv_realloc(NULL, sizeof(*judge->report));
        judge->report->findings = NULL;
        judge->report->findings_room = 0;
    }
    empty(judge->report);
    judge->out = judge->report;
    sv_judge_begin(judge);
    compute(judge);
    sv_judge_conclude(judge);
    judge->out = NULL;
    judge->report_fresh = true;
    return judge->report;
}
