/* The scripts inside Redis against the mirrors in C (core's admission rules, the fake): the same
 * random history on both, every answer, every record and every counter compared. The seed is
 * printed; SV_SEED repeats it. */
#include "kit.h"

#include <time.h>
#include <unistd.h>

enum { STEPS = 1000, STEPS_MAX = 4 * STEPS, CLIENTS = 3, DOMAINS = 5, HELD_MAX = 64, PAUSE_MS = 4 };
enum { LATE = 40 };

struct side {
    struct kit kit;
    struct kit_claims claims;
};

struct held { /* the same domain on both sides */
    struct kit_held side[2];
};

struct job { /* the same on both sides but for its entries */
    struct sv_store_admit in;
    struct sv_field field;
    char uid[24], id[24], client[8], note[8];
    char entries[2][SV_STORE_ENTRY_ID_BYTES]; /* empty: none */
};

struct pair {
    struct side side[2];
    struct sv_rand rand;
    unsigned serial, step;
    struct held held[HELD_MAX];
    size_t held_count;
    struct job late[LATE]; /* read, and not let in yet */
    unsigned outcomes[SV_STORE_DUPLICATE + 1], verdicts[SV_STORE_CONFLICT + 1], reaped, hurried;
    size_t dead;            /* jobs whose domain ended too many workers */
    size_t trimmed, halted; /* events that went; trims that left more of them */
};

static unsigned below(struct pair *pair, unsigned limit)
{
    return (unsigned)sv_rand_below(&pair->rand, limit);
}

static bool chance(struct pair *pair, unsigned percent)
{
    return below(pair, 100) < percent;
}

static const char *uid_of(unsigned client, unsigned domain, char out[24])
{
    (void)snprintf(out, 24, "%08x%08x", client, domain);
    return out;
}

/* --- comparing --- */

struct record {
    char text[8192];
};

/* Times, entry ids and names of claims differ by nature. */
static bool is_comparable(const char *name)
{
    return strcmp(name, "la") != 0 && strcmp(name, "nx") != 0 && strcmp(name, "own") != 0 &&
           strcmp(name, "cb") != 0 && strcmp(name, "job") != 0;
}

static int by_name(const void *a, const void *b)
{
    const struct sv_field *one = a, *two = b;

    return strcmp(one->name, two->name);
}

static void look_record(struct sv_store_call *call, void *context)
{
    const struct sv_store_read *read = &call->u.read;
    struct sv_field fields[SV_STORE_FIELDS_MAX];
    struct record *out = context;
    size_t len = 0, count = 0;

    out->text[0] = '\0';
    if (!read->found)
        return;
    for (size_t i = 0; i < read->fields_count; i++) {
        if (is_comparable(read->fields[i].name))
            fields[count++] = read->fields[i];
        if (strcmp(read->fields[i].name, "lw") == 0)
            fields[count - 1].value = "an entry";
    }
    qsort(fields, count, sizeof(fields[0]), by_name);
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(out->text + len, sizeof(out->text) - len, "%s=%s ", fields[i].name,
                                fields[i].value);
    (void)snprintf(out->text + len, sizeof(out->text) - len, "email=%s detail=%s %s %s",
                   read->contact_email, read->detail != NULL ? read->detail : "-",
                   read->running ? "runs" : "rests", read->due_at > 0 ? "waits" : "");
}

static void compare_records(struct pair *pair)
{
    char uid[24];

    for (unsigned i = 0; i < CLIENTS * DOMAINS; i++) {
        struct record record[2];

        for (unsigned s = 0; s < 2; s++) {
            struct sv_store_call call = {.op = SV_STORE_READ};

            call.u.read.uid = uid_of(i / DOMAINS, i % DOMAINS, uid);
            assert_int_equal(kit_do_look(&pair->side[s].kit, &call, look_record, &record[s]),
                             SV_OK);
        }
        if (strcmp(record[0].text, record[1].text) != 0)
            fail_msg("step %u, domain %s:\n  redis %s\n  fake  %s", pair->step, uid, record[0].text,
                     record[1].text);
    }
}

static void compare_counters(struct pair *pair)
{
    static const char *const names[] = {
        "accepted",      "done",
        "coalesced",     "rejected",
        "dead",          "duplicate",
        "open",          "stale",
        "conflict",      "reaped",
        "crash_loop",    "waiting",
        "running",       "inbox",
        "pending",       "events",
        "trimmed",       "dead_letters",
        "status_new",    "status_removed",
        "status_failed", "status_pending_verification",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int64_t real = kit_counter(&pair->side[0].kit, names[i]);
        int64_t fake = kit_counter(&pair->side[1].kit, names[i]);

        if (real != fake)
            fail_msg("step %u, %s: redis %lld, fake %lld", pair->step, names[i], (long long)real,
                     (long long)fake);
    }
}

/* --- actions --- */

static void do_both(struct pair *pair, struct sv_store_call calls[2])
{
    for (unsigned s = 0; s < 2; s++)
        assert_int_equal(kit_do(&pair->side[s].kit, &calls[s]), SV_OK);
}

static void fill(struct pair *pair, struct job *job, unsigned client, unsigned domain)
{
    static const char *const types[] = {"register", "register", "recheck", "recheck",
                                        "recheck",  "recheck",  "remove",  "adopt"};

    job->in = (struct sv_store_admit){.client_id = job->client,
                                      .uid = uid_of(client, domain, job->uid),
                                      .job_id = job->id,
                                      .type = types[below(pair, 8)],
                                      .refusal = chance(pair, 3) ? "restricted_domain" : NULL,
                                      .todo = 1u << below(pair, 6),
                                      .withdrawn = chance(pair, 30) ? below(pair, 64) : 0,
                                      .contact_email = chance(pair, 50) ? "a@b.example" : NULL,
                                      .domains_max = 3,
                                      .attempts_max = 2,
                                      .cooldown_ms = chance(pair, 70) ? 100 * SV_DAY : 0,
                                      .fields = &job->field,
                                      .fields_count = 1,
                                      .event_head = "{",
                                      .event_tail = "}"};
    job->field = (struct sv_field){.name = "note", .value = job->note};
    (void)snprintf(job->client, sizeof(job->client), "c%u", client);
    (void)snprintf(job->note, sizeof(job->note), "n%u", pair->serial % 1000);
    (void)snprintf(job->id, sizeof(job->id), "j%u",
                   chance(pair, 5) ? pair->serial / 2 : pair->serial);
    pair->serial++;
    for (unsigned s = 0; s < 2; s++)
        kit_push(&pair->side[s].kit, job->entries[s]);
}

static void admit(struct pair *pair, const struct job *job)
{
    struct sv_store_call calls[2];
    unsigned repeat = chance(pair, 10) ? 2 : 1;

    for (unsigned s = 0; s < 2; s++) {
        calls[s] = (struct sv_store_call){.op = SV_STORE_ADMIT, .u.admit = job->in};
        calls[s].u.admit.entry_id = job->entries[s];
    }
    for (; repeat > 0; repeat--) {
        do_both(pair, calls);
        assert_int_equal(calls[0].u.admit.outcome, calls[1].u.admit.outcome);
        assert_int_equal(calls[0].u.admit.retry_at > 0, calls[1].u.admit.retry_at > 0);
        pair->outcomes[calls[0].u.admit.outcome]++;
    }
}

static void admit_late(struct pair *pair, struct job *late)
{
    admit(pair, late);
    late->entries[0][0] = '\0';
}

/* Now and then a worker has read a job when it stands still, and lets it in long after those that
 * follow it. */
static void push(struct pair *pair)
{
    struct job job, *late = &pair->late[below(pair, LATE)];
    unsigned client = below(pair, CLIENTS), domain = below(pair, DOMAINS);

    if (late->entries[0][0] != '\0' && chance(pair, 20)) {
        admit_late(pair, late);
        return;
    }
    if (late->entries[0][0] == '\0' && chance(pair, 50))
        fill(pair, late, client, domain);
    fill(pair, &job, client, domain);
    admit(pair, &job);
}

static int by_uid(const void *a, const void *b)
{
    const struct kit_held *one = a, *two = b;

    return strcmp(one->uid, two->uid);
}

/* Everything that is due, so that the order in which the two go round does not matter. */
static void claim(struct pair *pair)
{
    struct sv_store_call calls[2];
    sv_ms lease_ms = chance(pair, 40) ? 1 : 10 * SV_DAY;

    for (unsigned s = 0; s < 2; s++) {
        struct kit_claims *claims = &pair->side[s].claims;

        calls[s] = (struct sv_store_call){
            .op = SV_STORE_CLAIM,
            .u.claim = {
                .count_max = 64, .per_client_max = 64, .lease_ms = lease_ms, .worker = "w"}};
        assert_int_equal(kit_do_look(&pair->side[s].kit, &calls[s], kit_copy_claims, claims),
                         SV_OK);
        qsort(claims->held, claims->count, sizeof(claims->held[0]), by_uid);
    }
    if (pair->side[0].claims.count != pair->side[1].claims.count)
        fail_msg("step %u: redis gives %zu domains, the fake %zu", pair->step,
                 pair->side[0].claims.count, pair->side[1].claims.count);
    for (size_t i = 0; i < pair->side[0].claims.count; i++) {
        size_t at = pair->held_count < HELD_MAX ? pair->held_count++ : below(pair, HELD_MAX);

        for (unsigned s = 0; s < 2; s++)
            pair->held[at].side[s] = pair->side[s].claims.held[i];
        assert_string_equal(pair->held[at].side[0].uid, pair->held[at].side[1].uid);
        assert_int_equal(pair->held[at].side[0].fence, pair->held[at].side[1].fence);
    }
    /* Leases of a millisecond are over on both sides from here on. */
    (void)usleep(PAUSE_MS * 1000);
}

/* Findings and changes of many lengths, so that every limit is met. */
static const char *any_text(struct pair *pair, char *out, size_t bytes_max)
{
    size_t len = bytes_max / 2 + below(pair, (unsigned)bytes_max / 2 + 1);

    if (chance(pair, 4))
        return "";
    (void)memset(out, 'a' + (int)below(pair, 26), len);
    out[len] = '\0';
    return out;
}

static struct sv_store_commit any_commit(struct pair *pair, const struct kit_held *held)
{
    static const char *const to[] = {"pending_verification", "failed", "removed"};
    const char *next = to[below(pair, 6) == 0 ? 2 : below(pair, 2)];
    bool removed = strcmp(next, "removed") == 0;

    (void)held;
    return (struct sv_store_commit){.to = next,
                                    .wait_ms = removed ? -1 : (chance(pair, 60) ? 0 : 10 * SV_DAY),
                                    .urgent = chance(pair, 30),
                                    .job_outcome = removed || chance(pair, 80) ? "done" : NULL,
                                    .job_event = "{}",
                                    .event = chance(pair, 80) ? "{\"n\":1}" : NULL,
                                    .give_back = chance(pair, 20),
                                    .reset_attempts = chance(pair, 10),
                                    .forget_client = removed};
}

static void admit_after_removal(struct pair *pair, const char *uid)
{
    for (size_t i = 0; i < LATE; i++) {
        if (pair->late[i].entries[0][0] != '\0' && strcmp(pair->late[i].uid, uid) == 0)
            admit_late(pair, &pair->late[i]);
    }
}

static void commit(struct pair *pair)
{
    struct sv_field fields[] = {{"note", NULL}, {"todo", "2"}};
    size_t at = below(pair, (unsigned)pair->held_count);
    struct held *held = &pair->held[at];
    struct sv_store_commit in = any_commit(pair, &held->side[0]);
    struct sv_store_call calls[2];
    char detail[SV_STORE_DETAIL_BYTES_MAX + 1], change[SV_STORE_CHANGE_BYTES_MAX + 1];
    bool other = chance(pair, 5); /* who was given the same fence by a Redis that lost writes */

    in.fields = fields;
    in.fields_count = chance(pair, 50) ? 2 : 0;
    in.detail = chance(pair, 30)
                    ? any_text(pair, detail, chance(pair, 50) ? 20 : SV_STORE_DETAIL_BYTES_MAX)
                    : NULL;
    in.change = chance(pair, 90)
                    ? any_text(pair, change, chance(pair, 10) ? 20 : SV_STORE_CHANGE_BYTES_MAX)
                    : NULL;
    for (unsigned s = 0; s < 2; s++) {
        const struct kit_held *mine = &held->side[s];
        bool finishes = mine->job_id[0] != '\0' && in.job_outcome != NULL;

        calls[s] = (struct sv_store_call){.op = SV_STORE_COMMIT, .u.commit = in};
        calls[s].u.commit.uid = mine->uid;
        calls[s].u.commit.client_id = mine->client;
        calls[s].u.commit.own = other ? "another" : mine->own;
        calls[s].u.commit.fence = mine->fence;
        calls[s].u.commit.sequence = mine->sequence;
        calls[s].u.commit.from = mine->status;
        calls[s].u.commit.job_id = finishes ? mine->job_id : NULL;
    }
    if (chance(pair, 8))
        calls[0].u.commit.from = calls[1].u.commit.from = "verified";
    do_both(pair, calls);
    assert_int_equal(calls[0].u.commit.verdict, calls[1].u.commit.verdict);
    assert_int_equal(calls[0].u.commit.again, calls[1].u.commit.again);
    pair->verdicts[calls[0].u.commit.verdict]++;
    if (in.forget_client && calls[0].u.commit.verdict == SV_STORE_COMMITTED)
        admit_after_removal(pair, held->side[0].uid);
    if (chance(pair, 60))
        pair->held[at] = pair->held[--pair->held_count];
}

static void let_go(struct pair *pair)
{
    const struct held *held = &pair->held[below(pair, (unsigned)pair->held_count)];
    enum sv_store_op op = chance(pair, 70) ? SV_STORE_RELEASE : SV_STORE_RENEW;
    sv_ms wait_ms = chance(pair, 70) ? 0 : 10 * SV_DAY;
    bool other = chance(pair, 10);
    struct sv_store_call calls[2];

    for (unsigned s = 0; s < 2; s++) {
        calls[s] = (struct sv_store_call){.op = op,
                                          .u.hold = {.uid = held->side[s].uid,
                                                     .client_id = held->side[s].client,
                                                     .own = other ? "another" : held->side[s].own,
                                                     .fence = held->side[s].fence,
                                                     .wait_ms = wait_ms,
                                                     .lease_ms = 10 * SV_DAY}};
    }
    do_both(pair, calls);
    assert_int_equal(calls[0].u.hold.held, calls[1].u.hold.held);
}

/* Nobody has to wait after it: a second reap asks for some seconds, which on a busy machine may be
 * over on one side only. */
static void reap(struct pair *pair)
{
    struct sv_store_call calls[2];

    for (unsigned s = 0; s < 2; s++)
        calls[s] = (struct sv_store_call){.op = SV_STORE_REAP,
                                          .u.reap = {.count_max = 100, .reclaims_max = 3}};
    do_both(pair, calls);
    assert_int_equal(calls[0].u.reap.reaped, calls[1].u.reap.reaped);
    assert_int_equal(calls[0].u.reap.dead, calls[1].u.reap.dead);
    pair->dead += calls[0].u.reap.dead;
    pair->reaped += (unsigned)calls[0].u.reap.reaped;
}

static void hurry(struct pair *pair)
{
    unsigned client = below(pair, CLIENTS);
    struct sv_store_call calls[2];
    char uid[24], name[8];

    /* Sometimes it is not this client's domain at all. */
    (void)snprintf(name, sizeof(name), "c%u", chance(pair, 90) ? client : below(pair, CLIENTS));
    (void)uid_of(client, below(pair, DOMAINS), uid);
    for (unsigned s = 0; s < 2; s++)
        calls[s] = (struct sv_store_call){.op = SV_STORE_HURRY,
                                          .u.hurry = {.uid = uid, .client_id = name}};
    do_both(pair, calls);
    assert_int_equal(calls[0].u.hurry.hurried, calls[1].u.hurry.hurried);
    pair->hurried += calls[0].u.hurry.hurried;
}

/* What is told now is a few milliseconds old on both sides when it is asked about. */
static void trim(struct pair *pair)
{
    struct sv_store_trim in = {.keep_ms = chance(pair, 80) ? 0 : SV_DAY,
                               .entries_max = 1 + below(pair, 100)};
    struct sv_store_call calls[2];

    (void)usleep(PAUSE_MS * 1000);
    for (unsigned s = 0; s < 2; s++)
        calls[s] = (struct sv_store_call){.op = SV_STORE_TRIM, .u.trim = in};
    do_both(pair, calls);
    assert_int_equal(calls[0].u.trim.trimmed, calls[1].u.trim.trimmed);
    assert_int_equal(calls[0].u.trim.more, calls[1].u.trim.more);
    assert_string_equal(calls[0].u.trim.held_by, calls[1].u.trim.held_by);
    pair->trimmed += calls[0].u.trim.trimmed;
    pair->halted += calls[0].u.trim.more;
}

static void step(struct pair *pair)
{
    unsigned choice = below(pair, 100);

    if (choice < 5)
        hurry(pair);
    else if (choice < 7)
        trim(pair);
    else if (choice < 45)
        push(pair);
    else if (choice < 60)
        claim(pair);
    else if (choice < 65)
        reap(pair);
    else if (pair->held_count > 0 && choice < 92)
        commit(pair);
    else if (pair->held_count > 0)
        let_go(pair);
}

/* A history proves little before everything has happened in it at least once. */
static bool has_seen_everything(const struct pair *pair)
{
    for (unsigned i = 0; i <= SV_STORE_DUPLICATE; i++) {
        if (pair->outcomes[i] == 0)
            return false;
    }
    for (unsigned i = 0; i <= SV_STORE_CONFLICT; i++) {
        if (pair->verdicts[i] == 0)
            return false;
    }
    return pair->reaped > 0 && pair->hurried > 0 && pair->trimmed > 0 && pair->halted > 0;
}

static void test_same_history_same_answers(void **state)
{
    const char *given = getenv("SV_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    struct pair *pair = calloc(1, sizeof(*pair));

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    sv_rand_seeded_init(&pair->rand, seed);
    kit_open(&pair->side[0].kit, KIT_REAL);
    kit_open(&pair->side[1].kit, KIT_FAKE);
    for (pair->step = 0;
         pair->step < STEPS || (!has_seen_everything(pair) && pair->step < STEPS_MAX);
         pair->step++) {
        step(pair);
        compare_records(pair);
        compare_counters(pair);
    }
    for (unsigned i = 0; i <= SV_STORE_DUPLICATE; i++)
        print_message("%u: %u times; ", i, pair->outcomes[i]);
    print_message("%u steps\n", pair->step);
    assert_true(has_seen_everything(pair));
    kit_close(&pair->side[0].kit);
    kit_close(&pair->side[1].kit);
    free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_history_same_answers)};
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_differential", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
