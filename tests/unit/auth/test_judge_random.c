/* Random DNS: whatever the answers, their order and their absence, the promises of sv/judge.h hold.
 * What a name holds depends on the seed and the name alone, so two runs see the same world. */
#include "sv/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sv/digest.h"

#include "cmocka_all.h"
#include "scenario.h"

enum { WORLDS = 1500, RECORDS = 8 };

static const char *const texts[] = {
    "v=spf1 include:amazonses.com ~all",
    "v=spf1 include:a.client.com include:b.client.com ?all",
    "v=spf1 -include:c.client.com include:amazonses.com -all",
    "v=spf1 redirect=a.client.com",
    "v=spf1 include:client.com include:a.client.com +include:b.client.com exists:%{i}.x.net",
    "v=spf1 include:d.e include:f.g include:h.i include:j.k include:l.m include:n.o include:p.q "
    "include:r.s include:t.u include:v.w include:x.y include:z.a include:b.c include:c.d ~all",
    "v=spf1 mx +all",
    "v=spf1 ~all include:amazonses.com",
    "v=spf1include:amazonses.com",
    "v=DMARC1; p=none",
    "v=DMARC1; p=reject; rua=mailto:a@client.com",
    "v=DMARC1",
    "p=none; v=dmarc1",
    TOKEN_1 "." DKIM_ZONE,
    "ownershipTOKEN=",
    "\xc2\xa0\"v=spf1\"",
    "",
    "%",
    "\\",
};

static const char *const hosts[] = {
    TOKEN_1 "." DKIM_ZONE,
    TOKEN_2 "." DKIM_ZONE,
    TOKEN_3 "." DKIM_ZONE,
    TOKEN_2 ".dkim.amazonses.co",
    TOKEN_1 "." DKIM_ZONE ".client.com",
    TOKEN_3 ".dkim.eu-south-1.amazonses.com",
    "feedback-smtp.eu-west-1.amazonses.com",
    "feedback-smtp.xx-west-1.amazonses.com",
    "feedback-smtp.eu-west-1.amazonses.com.client.com",
    "10\\032feedback-smtp.eu-west-1.amazonses.com",
    "mx.example.net",
    "https://example.net/",
    "",
    ".",
};

struct world {
    unsigned seed;
    unsigned missing_per_cent; /* of the questions get no answer at all */
    struct sv_dns_answer answer;
    struct sv_rr records[RECORDS];
};

static unsigned dice(const struct world *world, const char *name, unsigned salt)
{
    uint64_t hash = sv_fnv1a(SV_FNV_START, &world->seed, sizeof(world->seed));

    hash = sv_fnv1a(hash, name, strlen(name));
    hash = sv_fnv1a(hash, &salt, sizeof(salt));
    hash ^= hash >> 29;
    hash *= 0xbf58476d1ce4e5b9ull;
    return (unsigned)(hash >> 33);
}

static void add(struct world *world, const struct sv_dns_question *question, enum sv_rr_type type,
                unsigned salt)
{
    struct sv_rr *rr = &world->records[world->answer.records_count++];
    const char *host = hosts[dice(world, question->name, salt) % (sizeof(hosts) / sizeof(*hosts))];
    const char *text =
        texts[dice(world, question->name, salt + 1) % (sizeof(texts) / sizeof(*texts))];

    *rr = (struct sv_rr){.owner = question->name, .type = type, .ttl_s = 60};
    if (type == SV_RR_TXT) {
        rr->text = (const uint8_t *)text;
        rr->text_bytes = strlen(text);
    } else if (type != SV_RR_A) {
        rr->target = host;
    }
}

/* Whether a name is an alias depends on the name alone; then everything there is. */
static const struct sv_dns_answer *look(struct world *world, const struct sv_dns_question *question)
{
    unsigned type_salt = 100u * (unsigned)question->type;
    unsigned kind = dice(world, question->name, type_salt) % 100;
    bool is_alias = dice(world, question->name, 1) % 100 < 40;

    world->answer = (struct sv_dns_answer){.records = world->records, .server = "192.0.2.53"};
    world->answer.ttl_s = dice(world, question->name, 2) % 1000;
    if (dice(world, question->name, type_salt + 3) % 100 < world->missing_per_cent)
        return NULL;
    if (kind < 10) {
        world->answer.trouble = (enum sv_dns_trouble)(dice(world, question->name, 4) % 11);
        return &world->answer;
    }
    if (is_alias)
        add(world, question, SV_RR_CNAME, 5);
    if (question->type == SV_RR_CNAME || kind < 40) {
        world->answer.outcome = kind % 2 == 0 ? SV_DNS_NODATA : SV_DNS_NXDOMAIN;
        if (is_alias && question->type == SV_RR_CNAME)
            world->answer.outcome = SV_DNS_DATA;
        return &world->answer;
    }
    world->answer.outcome = SV_DNS_DATA;
    for (unsigned i = 0; i <= kind % 3; i++)
        add(world, question, question->type, type_salt + 10 + 2 * i);
    return &world->answer;
}

static struct scenario random_scenario(const struct world *world)
{
    bool below = dice(world, "zone", 0) % 2 == 0;

    return (struct scenario){
        .told = dice(world, "told", 0) % 64,
        .was_right = dice(world, "right", 0) % 2 == 0,
        .domain = below ? "news.client.com" : "client.com",
        .zone = below ? "client.com" : NULL,
    };
}

/* The domain of a custom MAIL FROM must be below client.com, so scenarios with one stay there. */
static struct sv_judge *random_judge(const struct world *world)
{
    struct scenario scenario = random_scenario(world);

    if ((scenario.told & TOLD_MAIL_FROM) != 0)
        scenario.domain = NULL;
    return scenario_judge(&scenario);
}

/* An alias that was right is wrong once other records are found beside it. */
static bool has_company(const struct sv_report *report, size_t record)
{
    for (size_t i = 0; i < report->findings_count; i++) {
        if (report->findings[i].code == SV_F_DKIM_CNAME_CONFLICT &&
            report->records[record].kind == SV_RECORD_DKIM)
            return report->statuses[record] == SV_RECORD_WRONG;
    }
    return false;
}

/* Asks to the end: in order, or a random one of the open questions first. Checks on the way that no
 * question comes twice and that what was known stays so. */
static size_t run(struct world *world, struct sv_judge *judge, bool shuffled)
{
    struct sv_dns_question open[SV_JUDGE_QUESTIONS_MAX];
    char asked[SV_JUDGE_QUESTIONS_MAX][SV_NAME_BYTES + 8];
    enum sv_record_status known[SV_RECORDS_MAX] = {SV_RECORD_UNKNOWN};
    size_t open_count = 0;
    size_t count = 0;

    for (;;) {
        const struct sv_report *report;
        size_t pick;
        while (sv_judge_next(judge, &open[open_count])) {
            assert_true(count < SV_JUDGE_QUESTIONS_MAX);
            (void)snprintf(asked[count], sizeof(asked[count]), "%d %s", (int)open[open_count].type,
                           open[open_count].name);
            for (size_t i = 0; i < count; i++)
                assert_string_not_equal(asked[i], asked[count]);
            count++;
            open_count++;
        }
        assert_int_equal(sv_judge_done(judge), open_count == 0);
        if (open_count == 0)
            return count;
        pick = shuffled ? (size_t)random() % open_count : 0;
        sv_judge_answer(judge, &open[pick], look(world, &open[pick]));
        memmove(&open[pick], &open[pick + 1], (open_count - pick - 1) * sizeof(*open));
        open_count--;
        report = sv_judge_report(judge);
        for (size_t i = 0; i < report->records_count; i++) {
            /* A tree of includes may grow past the steps that a walk takes: then it is unknown. */
            bool may_grow = report->records[i].kind == SV_RECORD_SPF ||
                            report->records[i].kind == SV_RECORD_MAIL_FROM_SPF;
            if (has_company(report, i))
                known[i] = SV_RECORD_WRONG;
            if (known[i] != SV_RECORD_UNKNOWN &&
                !(may_grow && report->statuses[i] == SV_RECORD_UNKNOWN))
                assert_int_equal(report->statuses[i], known[i]);
            known[i] = report->statuses[i];
        }
    }
}

static void assert_same(const struct sv_report *a, const struct sv_report *b)
{
    assert_memory_equal(a, b, offsetof(struct sv_report, spf));
    assert_memory_equal(&a->spf, &b->spf, offsetof(struct sv_spf_tree, nodes));
    assert_memory_equal(a->spf.nodes, b->spf.nodes, a->spf.nodes_count * sizeof(*a->spf.nodes));
    assert_int_equal(a->findings_count, b->findings_count);
    for (size_t i = 0; i < a->findings_count; i++)
        assert_memory_equal(&a->findings[i], &b->findings[i], sizeof(*a->findings));
}

static void check_required(const struct sv_report *report)
{
    size_t count = 0;
    size_t right = 0;
    size_t wrong = 0;

    for (size_t i = 0; i < report->records_count; i++) {
        if (report->records[i].kind != SV_RECORD_DKIM)
            continue;
        count++;
        right += report->statuses[i] == SV_RECORD_OK ? 1 : 0;
        wrong += report->statuses[i] == SV_RECORD_WRONG ? 1 : 0;
    }
    assert_int_equal(report->required, wrong > 0                     ? SV_RECORD_WRONG
                                       : count > 0 && right == count ? SV_RECORD_OK
                                                                     : SV_RECORD_UNKNOWN);
    assert_true(!report->required_absent || (wrong == count && count > 0));
}

/* The beginnings of the codes that speak of a kind of record. */
static const char *const about[][2] = {
    [SV_RECORD_OWNERSHIP] = {"ownership_", "-"},
    [SV_RECORD_DKIM] = {"dkim_", "dns_cname_multiple"},
    [SV_RECORD_MAIL_FROM_MX] = {"mailfrom_mx", "mailfrom_null_mx"},
    [SV_RECORD_MAIL_FROM_SPF] = {"mailfrom_spf", "spf_"},
    [SV_RECORD_SPF] = {"spf_", "-"},
    [SV_RECORD_DMARC] = {"dmarc_", "-"},
};

static bool is_about(const struct sv_finding *finding, const struct sv_record *record)
{
    const char *code = sv_finding_name(finding->code);

    if (strncmp(code, "dkim_key_", strlen("dkim_key_")) == 0) /* a key is no part of an alias */
        return record->kind == SV_RECORD_DKIM && record->type == SV_RR_TXT;
    return strncmp(code, about[record->kind][0], strlen(about[record->kind][0])) == 0 ||
           strncmp(code, about[record->kind][1], strlen(about[record->kind][1])) == 0;
}

static void fail_unexplained(const struct sv_report *report, const struct sv_record *record,
                             const char *seen)
{
    for (size_t i = 0; i < report->findings_count; i++)
        print_message("%s %s %s [%s]\n", sv_severity_name(report->findings[i].severity),
                      sv_finding_name(report->findings[i].code), report->findings[i].owner,
                      report->findings[i].found);
    fail_msg("%s is wrong, and no finding says why; seen: %s; hidden: %zu", record->name, seen,
             report->findings_hidden);
}

/* A wrong record is explained, and nothing blocking is told of one that is right or unknown. */
static void check_explained(const struct sv_report *report)
{
    for (size_t i = 0; i < report->records_count; i++) {
        const struct sv_record *record = &report->records[i];
        bool explained = false;
        for (size_t j = 0; j < report->findings_count; j++) {
            const struct sv_finding *finding = &report->findings[j];
            bool fits = is_about(finding, record);
            explained = explained || (fits && finding->severity != SV_TEMPORARY) ||
                        finding->code == SV_F_MAILFROM_IS_CNAME ||
                        finding->code == SV_F_DNS_WILDCARD_ANSWER;
            if (report->statuses[i] != SV_RECORD_WRONG && fits)
                assert_false(finding->severity == SV_ERROR &&
                             sv_name_equal(finding->owner, record->name));
        }
        if (!explained && report->statuses[i] == SV_RECORD_WRONG && report->findings_omitted == 0)
            fail_unexplained(report, record, report->seen[i]);
    }
}

static void promises_hold(void **state)
{
    unsigned seed = getenv("SV_SEED") != NULL ? (unsigned)strtoul(getenv("SV_SEED"), NULL, 10)
                                              : (unsigned)time(NULL);
    size_t most = 0;

    (void)state;
    print_message("seed %u (SV_SEED repeats it)\n", seed);
    srandom(seed);
    for (unsigned turn = 0; turn < WORLDS; turn++) {
        struct world world = {.seed = seed + turn};
        struct world gaps = {.seed = seed + turn, .missing_per_cent = 30};
        struct sv_judge *straight = random_judge(&world);
        struct sv_judge *shuffled = random_judge(&world);
        struct sv_judge *missing = random_judge(&world);
        const struct sv_report *a;
        const struct sv_report *b;
        size_t count = run(&world, straight, false);
        most = count > most ? count : most;
        assert_int_equal(run(&world, shuffled, true), count);
        (void)run(&gaps, missing, true);
        a = sv_judge_report(straight);
        b = sv_judge_report(shuffled);
        check_required(a);
        check_explained(a);
        assert_same(a, b); /* the order of answers means nothing */
        b = sv_judge_report(missing);
        check_required(b);
        for (size_t i = 0; i < b->records_count; i++) /* nor does silence make anything wrong */
            if (b->statuses[i] != a->statuses[i] && b->statuses[i] != SV_RECORD_UNKNOWN &&
                a->statuses[i] != SV_RECORD_UNKNOWN &&
                !has_company(a, i)) /* a limit: with gaps, others come in */
                fail_msg("world %u: %s (%s) is %s, and %s with gaps", seed + turn,
                         a->records[i].name, a->seen[i], sv_record_status_name(a->statuses[i]),
                         sv_record_status_name(b->statuses[i]));
        sv_judge_free(straight);
        sv_judge_free(shuffled);
        sv_judge_free(missing);
    }
    print_message("at most %zu questions\n", most);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(promises_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
