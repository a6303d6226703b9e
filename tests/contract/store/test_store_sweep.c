/* Looks brought forward, whose turn it is to walk an account's list, and names that are claimed
 * only; on both stores. */
#include "kit.h"

/* --- looks brought forward --- */

static bool hurry(struct kit *kit, const char *uid, const char *client)
{
    struct sv_store_call call = {.op = SV_STORE_HURRY,
                                 .u.hurry = {.uid = uid, .client_id = client}};

    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.hurry.hurried;
}

static void test_hurry(void **state)
{
    struct kit kit;
    struct kit_held held;
    struct kit_claims claims;
    struct sv_store_call call;

    kit_open_as(&kit, state);
    assert_false(hurry(&kit, KIT_UID, KIT_CLIENT)); /* nobody knows it */
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_false(hurry(&kit, KIT_UID, KIT_CLIENT)); /* due anyway */
    assert_true(kit_claim_one(&kit, &held));
    assert_false(hurry(&kit, KIT_UID, KIT_CLIENT)); /* looked at right now */
    call = kit_commit(&held, "verified");
    call.u.commit.wait_ms = SV_DAY;
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    kit_claim(&kit, 8, 8, &claims);
    assert_int_equal(claims.count, 0);
    assert_false(hurry(&kit, KIT_UID, "somebody else"));
    assert_true(hurry(&kit, KIT_UID, KIT_CLIENT));
    assert_false(hurry(&kit, KIT_UID, KIT_CLIENT)); /* sent twice */
    assert_int_equal(kit_events(&kit), 2);          /* nothing was told */
    assert_true(kit_claim_one(&kit, &held));
    assert_string_equal(held.status, "verified");
    assert_true(held.hurried);
    kit_close(&kit);
}

/* --- sweeps --- */

static struct sv_store_sweep sweep(struct kit *kit, enum sv_store_sweep_verb verb,
                                   const char *worker, const struct sv_store_sweep *seen)
{
    struct sv_store_call call = {.op = SV_STORE_SWEEP};

    call.u.sweep = (struct sv_store_sweep){.verb = verb,
                                           .account = "a",
                                           .region = "r",
                                           .worker = worker,
                                           .lease_ms = SV_HOUR,
                                           .pages = seen != NULL ? seen->pages : 0,
                                           .domains = seen != NULL ? seen->domains : 0,
                                           .started_at = seen != NULL ? seen->started_at : 0};
    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.sweep;
}

static void test_sweep_is_one_worker_s(void **state)
{
    struct kit kit;
    struct sv_store_sweep never, first, other, last;

    kit_open_as(&kit, state);
    never = sweep(&kit, SV_STORE_SWEEP_LOOK, "one", NULL);
    assert_false(never.held);
    assert_int_equal(never.started_at, 0);
    assert_true(never.now > 0);
    first = sweep(&kit, SV_STORE_SWEEP_BEGIN, "one", &never);
    assert_true(first.held && first.started_at > 0 && first.finished_at == 0);
    assert_true(sweep(&kit, SV_STORE_SWEEP_BEGIN, "one", &never).held); /* sent twice */
    other = sweep(&kit, SV_STORE_SWEEP_BEGIN, "two", &never);
    assert_false(other.held);
    assert_in_range(other.wait_ms, SV_HOUR - SV_MINUTE, SV_HOUR);
    assert_false(sweep(&kit, SV_STORE_SWEEP_BEGIN, "two", &first).held); /* it knows of this one */
    assert_false(sweep(&kit, SV_STORE_SWEEP_PAGE, "two", NULL).held);
    assert_false(sweep(&kit, SV_STORE_SWEEP_FINISH, "two", NULL).held);
    first.pages = 7;
    assert_true(sweep(&kit, SV_STORE_SWEEP_PAGE, "one", &first).held);
    assert_int_equal(sweep(&kit, SV_STORE_SWEEP_LOOK, "two", NULL).pages, 7);
    first.domains = 6543;
    last = sweep(&kit, SV_STORE_SWEEP_FINISH, "one", &first);
    assert_true(last.held && last.finished_at >= last.started_at);
    assert_int_equal(last.domains, 6543);
    assert_int_equal(last.wait_ms, 0);
    /* Who looked before this sweep began does not begin another one behind it. */
    assert_false(sweep(&kit, SV_STORE_SWEEP_BEGIN, "two", &never).held);
    assert_true(sweep(&kit, SV_STORE_SWEEP_BEGIN, "two", &last).held);
    assert_int_equal(sweep(&kit, SV_STORE_SWEEP_LOOK, "one", NULL).domains, 6543);
    kit_close(&kit);
}

static void test_sweep_of_a_worker_that_is_gone(void **state)
{
    struct kit kit;
    struct sv_store_sweep look;
    struct sv_store_call call = {.op = SV_STORE_SWEEP,
                                 .u.sweep = {.verb = SV_STORE_SWEEP_BEGIN,
                                             .account = "a",
                                             .region = "r",
                                             .worker = "gone",
                                             .lease_ms = 1}};

    kit_open_as(&kit, state);
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_true(call.u.sweep.held);
    do {
        look = sweep(&kit, SV_STORE_SWEEP_LOOK, "next", NULL);
    } while (look.wait_ms > 0);
    assert_int_equal(look.finished_at, 0);
    assert_true(sweep(&kit, SV_STORE_SWEEP_BEGIN, "next", &look).held);
    assert_false(sweep(&kit, SV_STORE_SWEEP_PAGE, "gone", NULL).held);
    kit_close(&kit);
}

/* --- names that are claimed only --- */

static bool own(struct kit *kit, enum sv_store_own_verb verb, const char *domain,
                const char *client)
{
    struct sv_store_call call = kit_own(verb, domain, client);

    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.own.granted;
}

static bool drop(struct kit *kit, const char *domain, const char *client, sv_ms claimed_at,
                 sv_ms idle_ms)
{
    struct sv_store_call call = kit_own(SV_STORE_OWN_DROP, domain, client);

    call.u.own.claimed_at = claimed_at;
    call.u.own.idle_ms = idle_ms;
    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.own.granted;
}

struct told {
    size_t count;
    sv_ms claimed_at;
    char registrable[64], domain[64], account[64], client[64], uid[SV_UID_BYTES];
    char next_cursor[SV_STORE_STRAYS_CURSOR_BYTES];
};

static void on_strays(struct sv_store_call *call, void *context)
{
    const struct sv_store_strays *strays = &call->u.strays;
    struct told *told = context;

    for (size_t i = 0; i < strays->count; i++) {
        told->count++;
        told->claimed_at = strays->strays[i].claimed_at;
        (void)snprintf(told->registrable, sizeof told->registrable, "%s",
                       strays->strays[i].registrable);
        (void)snprintf(told->domain, sizeof told->domain, "%s", strays->strays[i].domain);
        (void)snprintf(told->account, sizeof told->account, "%s", strays->strays[i].account);
        (void)snprintf(told->client, sizeof told->client, "%s", strays->strays[i].client_id);
        (void)snprintf(told->uid, sizeof told->uid, "%s", strays->strays[i].uid);
    }
    (void)snprintf(told->next_cursor, sizeof told->next_cursor, "%s", strays->next_cursor);
}

static struct told strays(struct kit *kit)
{
    struct told told = {.next_cursor = "0"};
    char cursor[SV_STORE_STRAYS_CURSOR_BYTES];

    do {
        struct sv_store_call call = {.op = SV_STORE_STRAYS, .u.strays = {.cursor = cursor}};

        (void)snprintf(cursor, sizeof cursor, "%s", told.next_cursor);
        assert_int_equal(kit_do_look(kit, &call, on_strays, &told), SV_OK);
    } while (strcmp(told.next_cursor, "0") != 0);
    return told;
}

static void test_strays_are_what_is_claimed_only(void **state)
{
    struct kit kit;
    struct told told;

    kit_open_as(&kit, state);
    assert_int_equal(strays(&kit).count, 0);
    assert_true(own(&kit, SV_STORE_OWN_CONFIRM, "h.example.com", "a"));
    assert_int_equal(strays(&kit).count, 0); /* held */
    assert_true(own(&kit, SV_STORE_OWN_CLAIM, "c.example.com", "a | b c"));
    told = strays(&kit);
    assert_int_equal(told.count, 1);
    assert_string_equal(told.registrable, "example.com");
    assert_string_equal(told.domain, "c.example.com");
    assert_string_equal(told.account, "default");
    assert_string_equal(told.client, "a | b c");
    assert_string_equal(told.uid, KIT_UID);
    assert_true(told.claimed_at > 0);
    assert_true(own(&kit, SV_STORE_OWN_LOOSEN, "h.example.com", "a"));
    assert_int_equal(strays(&kit).count, 2);
    assert_true(own(&kit, SV_STORE_OWN_CONFIRM, "c.example.com", "a | b c"));
    assert_string_equal(strays(&kit).domain, "h.example.com");
    kit_close(&kit);
}

/* Until the clock, which counts milliseconds, is past that of the claim. */
static void drop_idle(struct kit *kit, const struct told *seen)
{
    while (!drop(kit, seen->domain, seen->client, seen->claimed_at, 0))
        assert_int_equal(strays(kit).count, 1);
}

static void test_only_the_claim_that_was_seen_is_dropped(void **state)
{
    struct kit kit;
    struct told seen, anew;

    kit_open_as(&kit, state);
    assert_false(drop(&kit, "c.example.com", "a", 1, 0)); /* there is none */
    assert_true(own(&kit, SV_STORE_OWN_CLAIM, "c.example.com", "a"));
    seen = strays(&kit);
    assert_false(drop(&kit, "c.example.com", "a", seen.claimed_at, SV_MINUTE)); /* young */
    do { /* the client asks for it again: that is another claim */
        assert_true(own(&kit, SV_STORE_OWN_CLAIM, "c.example.com", "a"));
        anew = strays(&kit);
    } while (anew.claimed_at == seen.claimed_at);
    assert_false(drop(&kit, "c.example.com", "a", seen.claimed_at, -SV_HOUR));
    assert_false(drop(&kit, "c.example.com", "b", anew.claimed_at, -SV_HOUR));
    assert_false(own(&kit, SV_STORE_OWN_CLAIM, "c.example.com", "b"));
    drop_idle(&kit, &anew);
    assert_int_equal(strays(&kit).count, 0);
    assert_false(drop(&kit, "c.example.com", "a", anew.claimed_at, 0)); /* again */
    assert_true(own(&kit, SV_STORE_OWN_CONFIRM, "c.example.com", "b"));
    for (sv_ms at = anew.claimed_at; at < anew.claimed_at + SV_SECOND;
         at++) /* held since one of them */
        assert_false(drop(&kit, "c.example.com", "b", at, -SV_HOUR));
    assert_false(own(&kit, SV_STORE_OWN_CLAIM, "c.example.com", "a"));
    kit_close(&kit);
}

/* What somebody else wrote there, and a key of another type, stop no page. */
static void test_strays_beside_what_is_none(void **state)
{
    struct kit kit;

    kit_open_as(&kit, state);
    freeReplyObject(kit_redis(&kit, "SET sv:{o:string.example} claiming"));
    freeReplyObject(kit_redis(&kit, "HSET sv:{o:odd.example} odd.example claiming"));
    freeReplyObject(kit_redis(&kit, "HSET sv:{o:odd.example} %s %s", "a default", "claiming u"));
    freeReplyObject(
        kit_redis(&kit, "HSET sv:{o:odd.example} %s %s", "b default", "claiming u x c"));
    freeReplyObject(kit_redis(&kit, "HSET sv:{o:odd.example} %s %s", "c", "claiming u 1 c"));
    assert_int_equal(strays(&kit).count, 0);
    for (int i = 0; i < 1200; i++) /* more than one page */
        freeReplyObject(kit_redis(&kit, "HSET sv:{o:%d.example} %s %s", i, "d default",
                                  i % 2 == 0 ? "claiming u 1 c" : "held u 1 c"));
    assert_true(strays(&kit).count >= 600);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_BOTH(test_hurry),
        KIT_BOTH(test_sweep_is_one_worker_s),
        KIT_BOTH(test_sweep_of_a_worker_that_is_gone),
        KIT_BOTH(test_strays_are_what_is_claimed_only),
        KIT_BOTH(test_only_the_claim_that_was_seen_is_dropped),
        KIT_ON(KIT_REAL, test_strays_beside_what_is_none),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_sweep", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
