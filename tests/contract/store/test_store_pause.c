/* What is paused: noted once, told, taken away; and paused clients are not claimed. On both stores.
 */
#include "kit.h"

static struct sv_store_pause pause_it(struct kit *kit, enum sv_store_pause_scope scope,
                                      const char *name, bool resume)
{
    struct sv_store_call call = {
        .op = SV_STORE_PAUSE,
        .u.pause = {.resume = resume, .scope = scope, .name = name, .by = "op", .why = "a b"}};

    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.pause;
}

struct seen {
    size_t count;
    enum sv_store_pause_scope scope;
    char name[64], by[64], why[64];
    sv_ms since;
};

static void look_pauses(struct sv_store_call *call, void *context)
{
    const struct sv_store_pauses *pauses = &call->u.pauses;
    struct seen *seen = context;

    *seen = (struct seen){.count = pauses->count};
    if (pauses->count == 0)
        return;
    seen->scope = pauses->items[0].scope;
    seen->since = pauses->items[0].since;
    (void)snprintf(seen->name, sizeof(seen->name), "%s", pauses->items[0].name);
    (void)snprintf(seen->by, sizeof(seen->by), "%s", pauses->items[0].by);
    (void)snprintf(seen->why, sizeof(seen->why), "%s", pauses->items[0].why);
}

static struct seen look(struct kit *kit)
{
    struct sv_store_call call = {.op = SV_STORE_PAUSES};
    struct seen seen;

    assert_int_equal(kit_do_look(kit, &call, look_pauses, &seen), SV_OK);
    return seen;
}

static void test_notes_come_and_go(void **state)
{
    static const enum sv_store_pause_scope scopes[] = {SV_STORE_PAUSE_ALL, SV_STORE_PAUSE_ACCOUNT,
                                                       SV_STORE_PAUSE_CLIENT};
    struct seen seen;
    struct kit kit;

    kit_open_as(&kit, state);
    assert_int_equal(look(&kit).count, 0);
    for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
        const char *name = scopes[i] == SV_STORE_PAUSE_ALL ? "" : "client all";

        assert_false(pause_it(&kit, scopes[i], name, true).changed);
        assert_true(pause_it(&kit, scopes[i], name, false).changed);
        assert_false(pause_it(&kit, scopes[i], name, false).changed); /* sent twice */
        seen = look(&kit);
        assert_int_equal(seen.count, 1);
        assert_int_equal(seen.scope, scopes[i]);
        assert_string_equal(seen.name, name);
        assert_string_equal(seen.by, "op");
        assert_string_equal(seen.why, "a b");
        assert_true(seen.since > 0);
        assert_true(pause_it(&kit, scopes[i], name, true).changed);
        assert_int_equal(look(&kit).count, 0);
    }
    kit_close(&kit);
}

static void test_too_many(void **state)
{
    char name[16];
    struct kit kit;

    kit_open_as(&kit, state);
    for (int i = 0; i < SV_STORE_PAUSES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "c%d", i);
        assert_true(pause_it(&kit, SV_STORE_PAUSE_CLIENT, name, false).changed);
    }
    assert_true(pause_it(&kit, SV_STORE_PAUSE_CLIENT, "more", false).full);
    assert_int_equal(look(&kit).count, SV_STORE_PAUSES_MAX);
    for (int i = 0; i < SV_STORE_PAUSES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "c%d", i);
        assert_true(pause_it(&kit, SV_STORE_PAUSE_CLIENT, name, true).changed);
    }
    kit_close(&kit);
}

static void claim(struct kit *kit, const char *paused, struct sv_store_claim *out)
{
    char names[2][SV_STORE_CLIENT_BYTES] = {"", ""};
    struct sv_store_call call = {
        .op = SV_STORE_CLAIM,
        .u.claim = {.count_max = 8, .per_client_max = 8, .lease_ms = SV_HOUR, .worker = "w"}};

    (void)snprintf(names[1], sizeof(names[1]), "%s", paused);
    call.u.claim.paused = (const char(*)[SV_STORE_CLIENT_BYTES])names;
    call.u.claim.paused_count = 2;
    assert_int_equal(kit_do(kit, &call), SV_OK);
    *out = call.u.claim;
}

static void test_paused_clients_are_not_claimed(void **state)
{
    struct sv_store_claim claimed;
    struct kit kit;

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    for (int i = 0; i < 3; i++) {
        claim(&kit, KIT_CLIENT, &claimed);
        assert_int_equal(claimed.count, 0);
        assert_int_equal(claimed.next_due_ms, -1); /* nothing to be hurried by */
    }
    claim(&kit, "somebody else", &claimed);
    assert_int_equal(claimed.count, 1);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_BOTH(test_notes_come_and_go),
        KIT_BOTH(test_too_many),
        KIT_BOTH(test_paused_clients_are_not_claimed),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_pause", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
