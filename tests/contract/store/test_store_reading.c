/* What every store must tell those who look: one domain, the outbox. */
#include "kit.h"

struct seen {
    char client[129], email[64], detail[SV_STORE_DETAIL_BYTES_MAX + 1], note[16];
    bool found, running;
    sv_ms due_at;
};

static void look_read(struct sv_store_call *call, void *context)
{
    const struct sv_store_read *read = &call->u.read;
    struct seen *seen = context;

    *seen = (struct seen){.found = read->found, .running = read->running, .due_at = read->due_at};
    if (!read->found)
        return;
    (void)snprintf(seen->client, sizeof(seen->client), "%s", read->client_id);
    (void)snprintf(seen->email, sizeof(seen->email), "%s", read->contact_email);
    (void)snprintf(seen->detail, sizeof(seen->detail), "%s",
                   read->detail != NULL ? read->detail : "(none)");
    for (size_t i = 0; i < read->fields_count; i++) {
        if (strcmp(read->fields[i].name, "note") == 0)
            (void)snprintf(seen->note, sizeof(seen->note), "%s", read->fields[i].value);
    }
}

static void test_read(void **state)
{
    const struct sv_field fields[] = {{"note", "n1"}};
    struct kit kit;
    char entry[SV_STORE_ENTRY_ID_BYTES];
    struct kit_held held;
    struct seen seen;
    struct sv_store_call call, read = {.op = SV_STORE_READ, .u.read = {.uid = KIT_UID}};

    kit_open_as(&kit, state);
    assert_int_equal(kit_do_look(&kit, &read, look_read, &seen), SV_OK);
    assert_false(seen.found);
    kit_push(&kit, entry);
    call = kit_admit(entry, entry, "adopt");
    call.u.admit.contact_email = "a@b.example";
    call.u.admit.fields = fields;
    call.u.admit.fields_count = 1;
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(kit_do_look(&kit, &read, look_read, &seen), SV_OK);
    assert_true(seen.found && !seen.running && seen.due_at > 0);
    assert_string_equal(seen.client, KIT_CLIENT);
    assert_string_equal(seen.email, "a@b.example");
    assert_string_equal(seen.note, "n1");
    assert_string_equal(seen.detail, "(none)");
    assert_true(kit_claim_one(&kit, &held));
    assert_string_equal(held.email, "a@b.example");
    assert_int_equal(kit_do_look(&kit, &read, look_read, &seen), SV_OK);
    assert_true(seen.running && seen.due_at == 0);
    call = kit_commit(&held, "verified");
    call.u.commit.detail = "why";
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(kit_do_look(&kit, &read, look_read, &seen), SV_OK);
    assert_string_equal(seen.detail, "why");
    kit_close(&kit);
}

/* Whoever reads while another worker claims sees it waiting or running: it is always somewhere. */
static void test_a_domain_that_is_claimed_meanwhile_is_somewhere(void **state)
{
    enum { TURNS = 8 }; /* far enough for the read to be under way, then done */
    struct kit kit, other;
    struct kit_held held;

    (void)state;
    kit_open(&kit, KIT_REAL);
    kit_open_more(&other, "c2");
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    for (unsigned turns = 0; turns < TURNS; turns++) {
        struct seen seen = {0};
        struct kit_end end = {.look = look_read, .context = &seen};
        struct sv_store_call read = {.op = SV_STORE_READ, .owner = &end, .u.read.uid = KIT_UID};
        struct sv_store_call call;

        assert_int_equal(sv_store_start(kit.store, &read, kit_on_end, NULL), SV_OK);
        for (unsigned i = 0; i < turns; i++)
            (void)uv_run(&kit.loop, UV_RUN_NOWAIT);
        assert_true(kit_claim_one(&other, &held));
        if (end.ends == 0)
            kit_wait(&kit, &end);
        assert_true(seen.found);
        assert_int_equal(seen.running, seen.due_at == 0);
        call = kit_commit(&held, "pending_verification");
        call.u.commit.wait_ms = 0;
        assert_int_equal(kit_do(&other, &call), SV_OK);
    }
    kit_close(&other);
    kit_close(&kit);
}

static const char *commit_kept(struct kit *kit, struct seen *seen, const char *detail,
                               const char *change)
{
    struct sv_store_call read = {.op = SV_STORE_READ, .u.read = {.uid = KIT_UID}};
    struct sv_store_call call;
    struct kit_held held;

    assert_true(kit_claim_one(kit, &held));
    call = kit_commit(&held, "pending_verification");
    call.u.commit.wait_ms = 0;
    call.u.commit.detail = detail;
    call.u.commit.change = change;
    assert_int_equal(kit_do(kit, &call), SV_OK);
    assert_int_equal(kit_do_look(kit, &read, look_read, seen), SV_OK);
    return seen->detail;
}

static void test_changes_stand_below_the_findings_newest_first(void **state)
{
    char long_change[SV_STORE_CHANGE_BYTES_MAX + 1];
    struct seen seen;
    struct kit kit;
    size_t lines = 0;

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_string_equal(commit_kept(&kit, &seen, NULL, "one"), "\none");
    assert_string_equal(commit_kept(&kit, &seen, "why", NULL), "why\none");
    assert_string_equal(commit_kept(&kit, &seen, NULL, "two"), "why\ntwo\none");
    assert_string_equal(commit_kept(&kit, &seen, "", NULL), "\ntwo\none");
    assert_string_equal(commit_kept(&kit, &seen, "why", ""), "why");
    assert_string_equal(commit_kept(&kit, &seen, "", NULL), "(none)");
    for (int i = 0; i < 25; i++)
        (void)commit_kept(&kit, &seen, "f", "c");
    assert_int_equal(strlen(seen.detail), 1 + 2 * SV_STORE_CHANGES_MAX);
    memset(long_change, 'l', sizeof(long_change) - 1);
    long_change[sizeof(long_change) - 1] = '\0';
    for (int i = 0; i < 10; i++)
        (void)commit_kept(&kit, &seen, NULL, long_change);
    for (const char *c = seen.detail; *c != '\0'; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 7); /* 1 + 7 * 513 = 3592; one more would be 4105 */
    kit_close(&kit);
}

/* A repeated commit, whose first answer was lost, and one without the fence add no line. */
static void test_a_change_is_kept_once(void **state)
{
    struct sv_store_call read = {.op = SV_STORE_READ, .u.read = {.uid = KIT_UID}};
    struct sv_store_call call;
    struct kit_held held;
    struct seen seen;
    struct kit kit;

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_true(kit_claim_one(&kit, &held));
    for (int i = 0; i < 2; i++) {
        call = kit_commit(&held, "pending_verification");
        call.u.commit.detail = i == 0 ? "why" : "other";
        call.u.commit.change = i == 0 ? "one" : "two";
        assert_int_equal(kit_do(&kit, &call), SV_OK);
        assert_int_equal(call.u.commit.verdict, i == 0 ? SV_STORE_COMMITTED : SV_STORE_ALREADY);
        assert_int_equal(kit_do_look(&kit, &read, look_read, &seen), SV_OK);
        assert_string_equal(seen.detail, "why\none");
    }
    held.fence++;
    call = kit_commit(&held, "pending_verification");
    call.u.commit.detail = "other";
    call.u.commit.change = "two";
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.commit.verdict, SV_STORE_FENCED);
    assert_int_equal(kit_do_look(&kit, &read, look_read, &seen), SV_OK);
    assert_string_equal(seen.detail, "why\none");
    kit_close(&kit);
}

struct read_events {
    size_t count;
    char last[SV_STORE_ENTRY_ID_BYTES], payload[64];
};

static void look_events(struct sv_store_call *call, void *context)
{
    struct read_events *out = context;

    out->count = call->u.events.count;
    for (size_t i = 0; i < out->count; i++) {
        (void)snprintf(out->last, sizeof(out->last), "%s", call->u.events.entries[i].id);
        (void)snprintf(out->payload, sizeof(out->payload), "%s", call->u.events.entries[i].payload);
    }
}

static void test_events(void **state)
{
    struct kit kit;
    struct read_events seen = {.count = 99};
    struct sv_store_call call = {.op = SV_STORE_EVENTS,
                                 .u.events = {.after = "0", .entries_max = 1}};

    kit_open_as(&kit, state);
    assert_int_equal(kit_do_look(&kit, &call, look_events, &seen), SV_OK);
    assert_int_equal(seen.count, 0);
    assert_int_equal(kit_job(&kit, "recheck"), SV_STORE_REJECTED_NOT_REGISTERED);
    assert_int_equal(kit_job(&kit, "recheck"), SV_STORE_REJECTED_NOT_REGISTERED);
    assert_int_equal(kit_do_look(&kit, &call, look_events, &seen), SV_OK);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.payload,
                        "{\"data\":{\"outcome\":\"rejected\",\"reason\":\"not_registered\"}}");
    call.u.events.after = seen.last;
    call.u.events.entries_max = 10;
    assert_int_equal(kit_do_look(&kit, &call, look_events, &seen), SV_OK);
    assert_int_equal(seen.count, 1);
    call.u.events.block_ms = 20;
    assert_int_equal(kit_do_look(&kit, &call, look_events, &seen), SV_OK);
    assert_int_equal(seen.count, 0);
    kit_close(&kit);
}

/* The newest first, and no more than asked for; whoever asks so is not held up by an empty outbox.
 */
static void test_events_newest(void **state)
{
    static const char refused[] = "\"reason\":\"not_registered\"";
    char first[SV_STORE_ENTRY_ID_BYTES], last[SV_STORE_ENTRY_ID_BYTES];
    struct read_events seen = {.count = 99};
    struct sv_store_call all = {.op = SV_STORE_EVENTS,
                                .u.events = {.after = "0", .entries_max = 9}};
    struct sv_store_call call = {
        .op = SV_STORE_EVENTS,
        .u.events = {.after = "0", .newest = true, .entries_max = 9, .block_ms = 60000}};
    struct kit kit;

    kit_open_as(&kit, state);
    assert_int_equal(kit_do_look(&kit, &call, look_events, &seen), SV_OK);
    assert_int_equal(seen.count, 0);
    assert_int_equal(kit_job(&kit, "recheck"), SV_STORE_REJECTED_NOT_REGISTERED);
    assert_int_equal(kit_do_look(&kit, &all, look_events, &seen), SV_OK);
    (void)snprintf(first, sizeof(first), "%s", seen.last);
    assert_int_equal(kit_job(&kit, "recheck"), SV_STORE_REJECTED_NOT_REGISTERED);
    assert_int_equal(kit_do_look(&kit, &all, look_events, &seen), SV_OK);
    (void)snprintf(last, sizeof(last), "%s", seen.last);
    assert_int_equal(kit_do_look(&kit, &call, look_events, &seen), SV_OK);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.last, first);
    call.u.events.entries_max = 1;
    assert_int_equal(kit_do_look(&kit, &call, look_events, &seen), SV_OK);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.last, last);
    assert_non_null(strstr(seen.payload, refused));
    kit_close(&kit);
}

/* Somebody who waits is told what comes meanwhile. */
static void test_events_wait(void **state)
{
    struct kit kit;
    struct read_events seen = {.count = 0};
    struct kit_end end = {.look = look_events, .context = &seen};
    struct sv_store_call call = {.op = SV_STORE_EVENTS,
                                 .owner = &end,
                                 .u.events = {.after = "$", .entries_max = 5, .block_ms = 10000}};

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "recheck"), SV_STORE_REJECTED_NOT_REGISTERED);
    assert_int_equal(sv_store_start(kit.store, &call, kit_on_end, NULL), SV_OK);
    assert_int_equal(kit_counter(&kit, "events"), 1);
    assert_int_equal(kit_job(&kit, "remove"), SV_STORE_REJECTED_NOT_REGISTERED);
    kit_wait(&kit, &end);
    assert_int_equal(seen.count, 1);
    kit_close(&kit);
}

static void wait_for_more(struct kit *kit, const char *name)
{
    int64_t before = kit_counter(kit, name);

    for (int turns = 0; turns < 10000; turns++) {
        if (kit_counter(kit, name) > before)
            return;
    }
    fail_msg("%s does not grow", name);
}

/* How far behind a shard is: the oldest job, the most overdue look, whose looks are due. */
static void test_lag(void **state)
{
    struct sv_store_call call;
    struct kit_held held;
    struct kit kit;
    char entry[SV_STORE_ENTRY_ID_BYTES];

    kit_open_as(&kit, state);
    assert_int_equal(kit_counter(&kit, "oldest_job_ms"), 0);
    assert_int_equal(kit_counter(&kit, "oldest_due_ms"), 0);
    assert_int_equal(kit_counter(&kit, "clients_due"), 0);
    kit_push(&kit, entry);
    wait_for_more(&kit, "oldest_job_ms");
    call = kit_admit(entry, "j", "register");
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(kit_counter(&kit, "oldest_job_ms"), 0);
    assert_int_equal(kit_counter(&kit, "clients_due"), 1);
    wait_for_more(&kit, "oldest_due_ms");
    assert_true(kit_claim_one(&kit, &held));
    assert_int_equal(kit_counter(&kit, "oldest_due_ms"), 0);
    call = kit_commit(&held, "pending_verification"); /* due in an hour */
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(kit_counter(&kit, "oldest_due_ms"), 0);
    assert_int_equal(kit_counter(&kit, "clients_due"), 0);
    kit_push(&kit, entry);
    uv_sleep(30);
    kit_push(&kit, entry); /* the oldest of several counts */
    assert_true(kit_counter(&kit, "oldest_job_ms") >= 20);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_BOTH(test_read),
        cmocka_unit_test(test_a_domain_that_is_claimed_meanwhile_is_somewhere),
        KIT_BOTH(test_changes_stand_below_the_findings_newest_first),
        KIT_BOTH(test_a_change_is_kept_once),
        KIT_BOTH(test_events),
        KIT_BOTH(test_events_wait),
        KIT_BOTH(test_events_newest),
        KIT_BOTH(test_lag),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_reading", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
