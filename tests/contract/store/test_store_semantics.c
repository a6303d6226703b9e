/* What every store must do, the one on Redis and the fake alike. */
#include "kit.h"

/* --- the way of a job --- */

static void test_a_job_becomes_an_event(void **state)
{
    struct kit kit;
    struct kit_held held;
    struct sv_store_call call;

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_true(kit_claim_one(&kit, &held));
    assert_string_equal(held.uid, KIT_UID);
    assert_string_equal(held.client, KIT_CLIENT);
    assert_string_equal(held.status, "new");
    assert_int_equal(held.sequence, 0);
    assert_int_equal(held.fence, 1);
    call = kit_commit(&held, "pending_verification");
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.commit.verdict, SV_STORE_COMMITTED);
    assert_false(call.u.commit.again);
    assert_int_equal(kit_events(&kit), 2);
    assert_int_equal(kit_counter(&kit, "accepted"), 1);
    assert_int_equal(kit_counter(&kit, "done"), 1);
    assert_int_equal(kit_counter(&kit, "open"), 0);
    assert_int_equal(kit_counter(&kit, "status_pending_verification"), 1);
    assert_int_equal(kit_counter(&kit, "status_new"), 0);
    assert_int_equal(kit_counter(&kit, "waiting"), 1);
    assert_int_equal(kit_counter(&kit, "running"), 0);
    assert_int_equal(kit_counter(&kit, "inbox"), 0);
    assert_int_equal(kit_counter(&kit, "pending"), 0);
    assert_false(kit_claim_one(&kit, &held)); /* due in an hour */
    kit_close(&kit);
}

static void test_admit_twice(void **state)
{
    struct kit kit;
    char entry[SV_STORE_ENTRY_ID_BYTES];
    struct sv_store_call call;

    kit_open_as(&kit, state);
    kit_push(&kit, entry);
    call = kit_admit(entry, "j", "register");
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.admit.outcome, SV_STORE_OPENED);
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.admit.outcome, SV_STORE_DUPLICATE);
    kit_push(&kit, entry);
    call = kit_admit(entry, "j", "register");
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.admit.outcome, SV_STORE_DUPLICATE);
    assert_int_equal(kit_counter(&kit, "accepted"), 1);
    assert_int_equal(kit_counter(&kit, "duplicate"), 1);
    kit_close(&kit);
}

static void test_rejections(void **state)
{
    struct kit kit;
    char entry[SV_STORE_ENTRY_ID_BYTES];
    struct sv_store_call call;

    kit_open_as(&kit, state);
    kit_push(&kit, entry);
    call = kit_admit(entry, entry, "register");
    call.u.admit.refusal = "restricted_domain";
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.admit.outcome, SV_STORE_REFUSED);
    assert_int_equal(kit_job(&kit, "recheck"), SV_STORE_REJECTED_NOT_REGISTERED);
    kit_push(&kit, entry);
    call = kit_admit(entry, entry, "register");
    call.u.admit.domains_max = 0;
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.admit.outcome, SV_STORE_REJECTED_DOMAIN_LIMIT);
    assert_int_equal(kit_counter(&kit, "rejected"), 3);
    assert_int_equal(kit_events(&kit), 3);
    kit_close(&kit);
}

static void test_cooldown(void **state)
{
    struct kit kit;
    struct kit_held held;
    char entry[SV_STORE_ENTRY_ID_BYTES];
    struct sv_store_call call;

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_true(kit_claim_one(&kit, &held));
    call = kit_commit(&held, "pending_verification");
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(kit_job(&kit, "recheck"), SV_STORE_OPENED);
        assert_true(kit_claim_one(&kit, &held));
        call = kit_commit(&held, "pending_verification");
        assert_int_equal(kit_do(&kit, &call), SV_OK);
    }
    kit_push(&kit, entry);
    call = kit_admit(entry, entry, "recheck");
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.admit.outcome, SV_STORE_REJECTED_COOLDOWN);
    assert_true(call.u.admit.retry_at > SV_HOUR);
    kit_close(&kit);
}

/* --- commits --- */

static void test_commit_verdicts(void **state)
{
    struct kit kit;
    struct kit_held held, late;
    struct sv_store_call call;

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_true(kit_claim_one(&kit, &held));
    call = kit_commit(&held, "pending_verification");
    call.u.commit.sequence = 7;
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.commit.verdict, SV_STORE_CONFLICT);
    call.u.commit.sequence = 0;
    call.u.commit.from = "verified";
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.commit.verdict, SV_STORE_CONFLICT);
    call = kit_commit(&held, "pending_verification");
    call.u.commit.wait_ms = 0;
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.commit.verdict, SV_STORE_COMMITTED);
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.commit.verdict, SV_STORE_ALREADY);
    late = held;
    assert_true(kit_claim_one(&kit, &held));
    assert_int_equal(held.fence, late.fence + 1);
    assert_int_equal(held.sequence, 1);
    late.fence = 17;
    call = kit_commit(&late, "verified");
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.commit.verdict, SV_STORE_FENCED);
    assert_int_equal(kit_counter(&kit, "stale"), 1);
    assert_int_equal(kit_counter(&kit, "conflict"), 2);
    assert_int_equal(kit_events(&kit), 2);
    kit_close(&kit);
}

static void test_fields_detail_and_todo(void **state)
{
    const struct sv_field set[] = {{"note", "hello"}, {"gone", "x"}, {"todo", "4"}, {"f", "99"}};
    const struct sv_field drop[] = {{"gone", NULL}, {"todo", NULL}};
    struct kit kit;
    struct kit_held held;
    struct sv_store_call call;

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_true(kit_claim_one(&kit, &held));
    call = kit_commit(&held, "pending_verification");
    call.u.commit.fields = set;
    call.u.commit.fields_count = 4;
    call.u.commit.wait_ms = 0;
    call.u.commit.detail = "why";
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_true(kit_claim_one(&kit, &held));
    assert_string_equal(held.note, "hello");
    assert_string_equal(held.todo, "4");
    assert_int_equal(held.fence, 2);
    call = kit_commit(&held, "pending_verification");
    call.u.commit.fields = drop;
    call.u.commit.fields_count = 2;
    call.u.commit.wait_ms = 0;
    call.u.commit.detail = "";
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_true(kit_claim_one(&kit, &held));
    assert_string_equal(held.note, "hello");
    assert_string_equal(held.todo, "");
    kit_close(&kit);
}

static void test_one_more_check(void **state)
{
    struct kit kit;
    struct kit_held held;
    char entry[SV_STORE_ENTRY_ID_BYTES];
    struct sv_store_call call;

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_true(kit_claim_one(&kit, &held));
    kit_push(&kit, entry);
    call = kit_admit(entry, entry, "register");
    call.u.admit.todo = 2;
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.admit.outcome, SV_STORE_COALESCED);
    call = kit_commit(&held, "pending_verification");
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_true(call.u.commit.again);
    assert_true(kit_claim_one(&kit, &held));
    assert_string_equal(held.todo, "2");
    kit_close(&kit);
}

static void test_removed_and_registered_anew(void **state)
{
    struct kit kit;
    struct kit_held held;
    struct sv_store_call call;

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_true(kit_claim_one(&kit, &held));
    call = kit_commit(&held, "removed");
    call.u.commit.wait_ms = -1;
    call.u.commit.forget_client = true;
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(kit_job(&kit, "recheck"), SV_STORE_REJECTED_NOT_REGISTERED);
    assert_int_equal(kit_counter(&kit, "status_removed"), 1);
    assert_int_equal(kit_counter(&kit, "waiting"), 0);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_true(kit_claim_one(&kit, &held));
    assert_int_equal(held.sequence, 1);
    assert_int_equal(held.fence, 2);
    assert_string_equal(held.status, "new");
    kit_close(&kit);
}

/* --- names and permits --- */

static bool own(struct kit *kit, enum sv_store_own_verb verb, const char *domain,
                const char *client, bool overlap)
{
    struct sv_store_call call = kit_own(verb, domain, client);

    call.u.own.allow_overlap = overlap;
    assert_int_equal(kit_do(kit, &call), SV_OK);
    assert_int_equal(call.u.own.granted, call.u.own.held_by_domain[0] == '\0');
    return call.u.own.granted;
}

static void test_own(void **state)
{
    struct kit kit;

    kit_open_as(&kit, state);
    assert_true(own(&kit, SV_STORE_OWN_CLAIM, "m.example.com", "a", false));
    assert_true(own(&kit, SV_STORE_OWN_CLAIM, "m.example.com", "a", false));
    assert_false(own(&kit, SV_STORE_OWN_CLAIM, "m.example.com", "b", false));
    assert_false(own(&kit, SV_STORE_OWN_CLAIM, "m.example.com", "b", true));
    assert_false(own(&kit, SV_STORE_OWN_CLAIM, "example.com", "b", false));
    assert_false(own(&kit, SV_STORE_OWN_CLAIM, "x.m.example.com", "b", false));
    assert_true(own(&kit, SV_STORE_OWN_CLAIM, "xm.example.com", "b", false));
    assert_true(own(&kit, SV_STORE_OWN_CLAIM, "example.com", "b", true));
    assert_true(own(&kit, SV_STORE_OWN_CONFIRM, "m.example.com", "a", true));
    assert_false(own(&kit, SV_STORE_OWN_CONFIRM, "m.example.com", "a", false));
    assert_true(own(&kit, SV_STORE_OWN_LOOSEN, "m.example.com", "a", false)); /* an hour is left */
    assert_false(own(&kit, SV_STORE_OWN_RELEASE, "m.example.com", "b", false));
    assert_true(own(&kit, SV_STORE_OWN_RELEASE, "m.example.com", "a", false));
    assert_true(own(&kit, SV_STORE_OWN_CLAIM, "m.example.com", "b", false));
    kit_close(&kit);
}

static void look_owners(struct sv_store_call *call, void *context)
{
    const struct sv_store_owners *owners = &call->u.owners;
    char *out = context;

    out[0] = '\0';
    for (size_t i = 0; i < owners->count; i++)
        (void)sprintf(out + strlen(out), "%s/%s;", owners->owners[i].account,
                      owners->owners[i].client_id);
}

static void test_owners(void **state)
{
    struct sv_store_call call = {
        .op = SV_STORE_OWNERS,
        .u.owners = {.registrable = "example.com", .domain = "m.example.com"}};
    struct kit kit;
    char told[512];

    kit_open_as(&kit, state);
    assert_int_equal(kit_do_look(&kit, &call, look_owners, told), SV_OK);
    assert_string_equal(told, "");
    assert_true(own(&kit, SV_STORE_OWN_CLAIM, "m.example.com", "a client | with blanks", false));
    assert_true(own(&kit, SV_STORE_OWN_CLAIM, "m.example.co", "b", false));
    assert_true(own(&kit, SV_STORE_OWN_CLAIM, "xm.example.com", "c", false));
    assert_int_equal(kit_do_look(&kit, &call, look_owners, told), SV_OK);
    assert_string_equal(told, "default/a client | with blanks;");
    assert_true(own(&kit, SV_STORE_OWN_CONFIRM, "m.example.com", "a client | with blanks", false));
    assert_int_equal(kit_do_look(&kit, &call, look_owners, told), SV_OK);
    assert_string_equal(told, "default/a client | with blanks;");
    kit_close(&kit);
}

static void test_permit(void **state)
{
    struct kit kit;
    struct sv_store_call call = {.op = SV_STORE_PERMIT,
                                 .u.permit = {.account = "a",
                                              .region = "r",
                                              .action = "Get",
                                              .worker = "w1",
                                              .interval_us = 3600000000}};

    kit_open_as(&kit, state);
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.permit.wait_ms, 0);
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_in_range(call.u.permit.wait_ms, 3590000, 3600000);
    assert_int_equal(call.u.permit.interval_ms, 3600000);
    assert_int_equal(call.u.permit.workers, 1);
    assert_true(call.u.permit.now_us > 0);
    call.u.permit.worker = "w2";
    call.u.permit.throttled = true;
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.permit.wait_ms, 7200000);
    assert_int_equal(call.u.permit.interval_ms, 7200000);
    assert_int_equal(call.u.permit.workers, 2);
    call.u.permit.region = "other";
    call.u.permit.throttled = false;
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.permit.wait_ms, 0);
    kit_close(&kit);
}

/* --- going round --- */

static void register_domains(struct kit *kit, const char *client, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char entry[SV_STORE_ENTRY_ID_BYTES], uid[33];
        struct sv_store_call call;

        kit_push(kit, entry);
        (void)snprintf(uid, sizeof(uid), "%s%04u", client, i);
        call = kit_admit(entry, entry, "register");
        call.u.admit.client_id = client;
        call.u.admit.uid = uid;
        call.u.admit.domains_max = 1000;
        assert_int_equal(kit_do(kit, &call), SV_OK);
        assert_int_equal(call.u.admit.outcome, SV_STORE_OPENED);
    }
}

static size_t of_client(const struct kit_claims *claims, const char *client)
{
    size_t count = 0;

    for (size_t i = 0; i < claims->count; i++)
        count += strcmp(claims->held[i].client, client) == 0;
    return count;
}

/* One client with many domains gets its share, the others theirs, in the same calls. */
static void test_claim_is_fair(void **state)
{
    struct kit kit;
    struct kit_claims *claims = calloc(1, sizeof(*claims));
    size_t big = 0, small = 0;

    kit_open_as(&kit, state);
    register_domains(&kit, "big", 40);
    register_domains(&kit, "s1", 1);
    register_domains(&kit, "s2", 2);
    register_domains(&kit, "s3", 1);
    kit_claim(&kit, 4, 2, claims);
    assert_int_equal(claims->count, 4);
    assert_int_equal(claims->next_due_ms, 0);
    assert_int_equal(of_client(claims, "big"), 2);
    for (unsigned i = 0; i < 2; i++) {
        big += of_client(claims, "big");
        small += claims->count - of_client(claims, "big");
        kit_claim(&kit, 4, 2, claims);
        assert_true(of_client(claims, "big") <= 2);
    }
    big += of_client(claims, "big");
    small += claims->count - of_client(claims, "big");
    assert_int_equal(small, 4);
    while (claims->count > 0) {
        kit_claim(&kit, 10, 10, claims);
        big += claims->count;
    }
    assert_int_equal(big, 40);
    assert_int_equal(claims->next_due_ms, -1);
    assert_int_equal(kit_counter(&kit, "running"), 44);
    free(claims);
    kit_close(&kit);
}

/* A client with a backlog that could fill every call does not get every call. */
static void test_backlog_holds_up_nobody(void **state)
{
    struct kit kit;
    struct kit_claims *claims = calloc(1, sizeof(*claims));
    size_t small = 0;

    kit_open_as(&kit, state);
    register_domains(&kit, "big", 40);
    register_domains(&kit, "s1", 2);
    register_domains(&kit, "s2", 2);
    for (unsigned i = 0; i < 6; i++) {
        kit_claim(&kit, 2, 2, claims);
        assert_int_equal(claims->count, 2);
        small += claims->count - of_client(claims, "big");
    }
    assert_int_equal(small, 4);
    free(claims);
    kit_close(&kit);
}

/* Somebody waits for an urgent look: it overtakes other clients' scheduled ones. The fake does not
 * care. */
static void test_urgent_overtakes(void **state)
{
    struct kit kit;
    struct kit_claims *claims = calloc(1, sizeof(*claims));
    unsigned urgent = 0;

    kit_open_as(&kit, state);
    register_domains(&kit, "big", 30);
    kit_claim(&kit, 30, 30, claims);
    for (size_t i = 0; i < 30; i++) {
        struct sv_store_call call = kit_commit(&claims->held[i], "pending_verification");

        call.u.commit.wait_ms = 0;
        assert_int_equal(kit_do(&kit, &call), SV_OK);
    }
    register_domains(&kit, "small", 8);
    for (unsigned i = 0; i < 10; i++) {
        kit_claim(&kit, 1, 1, claims);
        urgent += of_client(claims, "small") == 1;
    }
    assert_int_equal(urgent, 8); /* and still, scheduled ones get every fifth turn */
    free(claims);
    kit_close(&kit);
}

/* --- going through all of them --- */

static void look_list(struct sv_store_call *call, void *context)
{
    size_t *count = context;

    for (size_t i = 0; i < call->u.list.count; i++)
        assert_memory_equal(call->u.list.uids[i], "acme", 4);
    *count += call->u.list.count;
}

static void test_list(void **state)
{
    struct kit kit;
    size_t count = 0;
    struct sv_store_call call = {.op = SV_STORE_LIST, .u.list = {.count_hint = 7}};
    char cursor[24] = "0";

    kit_open_as(&kit, state);
    register_domains(&kit, "acme", 30);
    do {
        call.u.list.cursor = cursor;
        assert_int_equal(kit_do_look(&kit, &call, look_list, &count), SV_OK);
        (void)snprintf(cursor, sizeof(cursor), "%s", call.u.list.next_cursor);
    } while (strcmp(cursor, "0") != 0);
    assert_true(count >= 30);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_BOTH(test_a_job_becomes_an_event),
        KIT_BOTH(test_admit_twice),
        KIT_BOTH(test_rejections),
        KIT_BOTH(test_cooldown),
        KIT_BOTH(test_commit_verdicts),
        KIT_BOTH(test_fields_detail_and_todo),
        KIT_BOTH(test_one_more_check),
        KIT_BOTH(test_removed_and_registered_anew),
        KIT_BOTH(test_own),
        KIT_BOTH(test_owners),
        KIT_BOTH(test_permit),
        KIT_BOTH(test_claim_is_fair),
        KIT_BOTH(test_backlog_holds_up_nobody),
        KIT_ON(KIT_REAL, test_urgent_overtakes),
        KIT_BOTH(test_list),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_semantics", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
