/* Events for sinks: who serves, what is read, what becomes of it; on both stores. */
#include "kit.h"

enum { LEASE_MS = 60000 };

/* Rejected at the door: one event each. */
static void tell(struct kit *kit, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(kit_job(kit, "recheck"), SV_STORE_REJECTED_NOT_REGISTERED);
}

static struct sv_store_sink sink_call(struct kit *kit, enum sv_store_sink_verb verb,
                                      const char *worker, sv_ms lease_ms)
{
    struct sv_store_call call = {
        .op = SV_STORE_SINK,
        .u.sink = {.verb = verb, .sink = "hook", .worker = worker, .lease_ms = lease_ms}};

    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.sink;
}

static struct sv_store_sink serve(struct kit *kit, const char *worker)
{
    return sink_call(kit, SV_STORE_SINK_SERVE, worker, LEASE_MS);
}

static struct sv_store_sink look(struct kit *kit)
{
    return sink_call(kit, SV_STORE_SINK_LOOK, NULL, 0);
}

struct page { /* a copy of what was read */
    bool held, is_full, confirmed;
    size_t count;
    struct {
        char entry[SV_STORE_ENTRY_ID_BYTES];
        size_t event_bytes;
        unsigned attempts;
        sv_ms wait_ms;
    } parcels[SV_STORE_PARCELS_MAX];
};

static void copy_page(struct sv_store_call *call, void *context)
{
    const struct sv_store_parcels *got = &call->u.parcels;
    struct page *out = context;

    *out = (struct page){.held = got->held,
                         .is_full = got->is_full,
                         .confirmed = got->confirmed,
                         .count = got->count};
    for (size_t i = 0; i < got->count; i++) {
        (void)snprintf(out->parcels[i].entry, sizeof(out->parcels[i].entry), "%s",
                       got->parcels[i].entry_id);
        out->parcels[i].event_bytes = got->parcels[i].event_bytes;
        assert_int_equal(strlen(got->parcels[i].event), got->parcels[i].event_bytes);
        out->parcels[i].attempts = got->parcels[i].attempts;
        out->parcels[i].wait_ms = got->parcels[i].wait_ms;
    }
}

static struct page read_page(struct kit *kit, const char *worker, const char *after, size_t count)
{
    struct page page;
    struct sv_store_call call = {.op = SV_STORE_PARCELS,
                                 .u.parcels = {.sink = "hook",
                                               .worker = worker,
                                               .lease_ms = LEASE_MS,
                                               .after = after,
                                               .count_max = count}};

    assert_int_equal(kit_do_look(kit, &call, copy_page, &page), SV_OK);
    return page;
}

static bool settle(struct kit *kit, const char *worker, const char *entry,
                   enum sv_store_settle_verb verb, unsigned attempts)
{
    struct sv_store_call call = {.op = SV_STORE_SETTLE,
                                 .u.settle = {.verb = verb,
                                              .sink = "hook",
                                              .worker = worker,
                                              .entry_id = entry,
                                              .attempts = attempts,
                                              .wait_ms = 30000,
                                              .error = "it said 500",
                                              .event_id = "an.event",
                                              .type = "a.type",
                                              .subject = "a.example"}};

    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.settle.settled;
}

static struct sv_store_replay replay(struct kit *kit, const char *from)
{
    struct sv_store_call call = {.op = SV_STORE_REPLAY, .u.replay = {.sink = "hook", .from = from}};

    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.replay;
}

static void test_one_worker_at_a_time(void **state)
{
    struct kit kit;
    struct sv_store_sink got;

    kit_open_as(&kit, state);
    tell(&kit, 1); /* before the sink was there */
    got = look(&kit);
    assert_false(got.held);
    assert_int_equal(got.open + got.unread + got.dead, 0);
    assert_true(serve(&kit, "one").held);
    got = serve(&kit, "two");
    assert_false(got.held);
    assert_in_range(got.wait_ms, 1, LEASE_MS);
    assert_true(serve(&kit, "one").held);
    assert_false(read_page(&kit, "two", NULL, 10).held);
    (void)sink_call(&kit, SV_STORE_SINK_LEAVE, "two", 0); /* it has nothing to leave */
    assert_false(serve(&kit, "two").held);
    assert_true(serve(&kit, "one").held);
    (void)sink_call(&kit, SV_STORE_SINK_LEAVE, "one", 0);
    assert_true(serve(&kit, "two").held);
    assert_int_equal(read_page(&kit, "two", NULL, 10).count, 0);
    tell(&kit, 3);
    assert_int_equal(look(&kit).unread, 3);
    assert_int_equal(read_page(&kit, "two", NULL, 10).count, 3);
    kit_close(&kit);
}

static void test_a_place_before_anybody_serves(void **state)
{
    struct kit kit;
    struct sv_store_sink got;

    kit_open_as(&kit, state);
    tell(&kit, 1); /* before the sink was there */
    for (unsigned i = 0; i < 2; i++) {
        got = sink_call(&kit, SV_STORE_SINK_PLACE, NULL, 0);
        assert_false(got.held);
        assert_int_equal(got.wait_ms, 0); /* nobody has the turn */
        assert_int_equal(got.unread, i);
        tell(&kit, 1);
    }
    assert_true(serve(&kit, "one").held);
    got = sink_call(&kit, SV_STORE_SINK_PLACE, NULL, 0); /* another worker starts */
    assert_false(got.held);
    assert_in_range(got.wait_ms, 1, LEASE_MS);
    assert_int_equal(read_page(&kit, "one", NULL, 10).count, 2);
    kit_close(&kit);
}

static void test_a_lease_ends_by_itself(void **state)
{
    struct kit kit;

    kit_open_as(&kit, state);
    assert_true(sink_call(&kit, SV_STORE_SINK_SERVE, "one", 20).held);
    uv_sleep(30);
    assert_true(sink_call(&kit, SV_STORE_SINK_SERVE, "two", 20).held);
    assert_false(read_page(&kit, "one", NULL, 10).held);
    assert_true(read_page(&kit, "two", NULL, 10).held); /* whoever reads keeps it */
    uv_sleep(30);
    assert_false(serve(&kit, "one").held);
    kit_close(&kit);
}

static void test_what_is_read_stays_until_it_is_settled(void **state)
{
    struct kit kit;
    struct page page, again;

    kit_open_as(&kit, state);
    (void)serve(&kit, "w");
    tell(&kit, 5);
    page = read_page(&kit, "w", NULL, 3);
    assert_true(page.held && page.confirmed && !page.is_full);
    assert_int_equal(page.count, 3);
    assert_true(page.parcels[0].event_bytes > 2);
    assert_int_equal(look(&kit).open, 3);
    assert_int_equal(look(&kit).unread, 2);
    again = read_page(&kit, "w", "0", 10);
    assert_int_equal(again.count, 3);
    assert_string_equal(again.parcels[0].entry, page.parcels[0].entry);
    assert_true(settle(&kit, "w", page.parcels[1].entry, SV_STORE_SETTLE_DONE, 0));
    assert_false(settle(&kit, "w", page.parcels[1].entry, SV_STORE_SETTLE_DONE, 0));
    again = read_page(&kit, "w", page.parcels[0].entry, 10);
    assert_int_equal(again.count, 1);
    assert_string_equal(again.parcels[0].entry, page.parcels[2].entry);
    assert_int_equal(read_page(&kit, "w", NULL, 10).count, 2);
    kit_close(&kit);
}

static void test_attempts_outlive_their_worker(void **state)
{
    struct kit kit;
    struct page page;
    char entry[SV_STORE_ENTRY_ID_BYTES];

    kit_open_as(&kit, state);
    (void)serve(&kit, "one");
    tell(&kit, 1);
    page = read_page(&kit, "one", NULL, 1);
    (void)snprintf(entry, sizeof(entry), "%s", page.parcels[0].entry);
    assert_int_equal(page.parcels[0].attempts, 0);
    assert_int_equal(page.parcels[0].wait_ms, 0);
    assert_true(settle(&kit, "one", entry, SV_STORE_SETTLE_WAIT, 4));
    (void)sink_call(&kit, SV_STORE_SINK_LEAVE, "one", 0);
    (void)serve(&kit, "two");
    assert_false(settle(&kit, "one", entry, SV_STORE_SETTLE_WAIT, 9)); /* not its turn any more */
    page = read_page(&kit, "two", "0", 10);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.parcels[0].attempts, 4);
    assert_in_range(page.parcels[0].wait_ms, 25000, 30000);
    assert_true(settle(&kit, "one", entry, SV_STORE_SETTLE_DONE, 0)); /* it was delivered */
    assert_int_equal(look(&kit).open, 0);
    kit_close(&kit);
}

static void test_disabled_until_somebody_enables_it(void **state)
{
    struct kit kit;
    struct page page;
    struct sv_store_sink got;

    kit_open_as(&kit, state);
    (void)serve(&kit, "w");
    tell(&kit, 2);
    page = read_page(&kit, "w", NULL, 10);
    assert_true(settle(&kit, "w", page.parcels[0].entry, SV_STORE_SETTLE_WAIT, 2));
    assert_true(settle(&kit, "w", page.parcels[1].entry, SV_STORE_SETTLE_DISABLE, 1));
    got = serve(&kit, "w");
    assert_true(got.held && got.disabled_at > 0);
    assert_string_equal(got.why, "it said 500");
    assert_int_equal(got.open, 2);
    assert_false(read_page(&kit, "w", NULL, 10).held);
    got = sink_call(&kit, SV_STORE_SINK_ENABLE, NULL, 0);
    assert_int_equal(got.disabled_at, 0);
    assert_string_equal(got.why, "");
    assert_int_equal(got.turn, 1);
    assert_int_equal(sink_call(&kit, SV_STORE_SINK_ENABLE, NULL, 0).turn, 1); /* it is enabled */
    page = read_page(&kit, "w", "0", 10);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.parcels[0].attempts, 0);
    assert_int_equal(page.parcels[0].wait_ms, 0);
    kit_close(&kit);
}

static void copy_letter(struct sv_store_call *call, void *context)
{
    const struct sv_store_sink_dead *got = &call->u.sink_dead;
    char *out = context;

    if (got->count == 0)
        return;
    (void)snprintf(out, 256, "%s %s %s %s %u", got->letters[0].event_id, got->letters[0].type,
                   got->letters[0].subject, got->letters[0].error, got->letters[0].attempts);
    assert_true(got->letters[0].at > 0);
}

static void test_dead_letters_and_again(void **state)
{
    struct kit kit;
    struct page page;
    struct sv_store_replay got;
    struct sv_store_call dead = {.op = SV_STORE_SINK_DEAD,
                                 .u.sink_dead = {.sink = "hook", .after = "0", .count_max = 10}};
    char text[256] = "";

    kit_open_as(&kit, state);
    assert_false(replay(&kit, NULL).found);
    (void)serve(&kit, "w");
    tell(&kit, 2);
    page = read_page(&kit, "w", NULL, 10);
    assert_true(settle(&kit, "w", page.parcels[0].entry, SV_STORE_SETTLE_DEAD, 10));
    assert_false(settle(&kit, "w", page.parcels[0].entry, SV_STORE_SETTLE_DEAD, 10));
    assert_true(settle(&kit, "w", page.parcels[1].entry, SV_STORE_SETTLE_DONE, 0));
    assert_int_equal(look(&kit).dead, 1);
    assert_int_equal(kit_do_look(&kit, &dead, copy_letter, text), SV_OK);
    assert_string_equal(text, "an.event a.type a.example it said 500 10");
    got = replay(&kit, NULL);
    assert_true(got.found);
    assert_int_equal(got.replayed, 1);
    assert_int_equal(got.missing, 0);
    assert_string_equal(got.next, "");
    assert_int_equal(replay(&kit, NULL).replayed, 0); /* sent twice */
    assert_int_equal(look(&kit).dead, 0);
    assert_int_equal(serve(&kit, "w").turn, 1);
    page = read_page(&kit, "w", "0", 10);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.parcels[0].attempts, 0);
    assert_true(page.parcels[0].event_bytes > 2);
    kit_close(&kit);
}

/* All of the outbox first: what waits there begins anew with its letter. */
static void test_a_letter_whose_event_is_open(void **state)
{
    struct kit kit;
    struct page page;

    kit_open_as(&kit, state);
    (void)serve(&kit, "w");
    tell(&kit, 1);
    page = read_page(&kit, "w", NULL, 10);
    assert_true(settle(&kit, "w", page.parcels[0].entry, SV_STORE_SETTLE_DEAD, 10));
    assert_true(replay(&kit, "0").found);
    page = read_page(&kit, "w", NULL, 10);
    assert_int_equal(page.count, 1);
    assert_true(settle(&kit, "w", page.parcels[0].entry, SV_STORE_SETTLE_WAIT, 4));
    assert_int_equal(replay(&kit, NULL).replayed, 1);
    page = read_page(&kit, "w", "0", 10);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.parcels[0].attempts, 0);
    assert_int_equal(page.parcels[0].wait_ms, 0);
    kit_close(&kit);
}

/* Real only: the letter stays, so that somebody can read what was lost. */
static void test_a_letter_whose_event_is_gone(void **state)
{
    struct kit kit;
    struct page page;
    struct sv_store_replay got;

    kit_open_as(&kit, state);
    (void)serve(&kit, "w");
    tell(&kit, 1);
    page = read_page(&kit, "w", NULL, 10);
    assert_true(settle(&kit, "w", page.parcels[0].entry, SV_STORE_SETTLE_DEAD, 10));
    freeReplyObject(kit_redis(&kit, "XDEL sv:{0}:events %s", page.parcels[0].entry));
    got = replay(&kit, NULL);
    assert_true(got.found);
    assert_int_equal(got.replayed, 0);
    assert_int_equal(got.missing, 1);
    assert_int_equal(look(&kit).dead, 1);
    assert_int_equal(look(&kit).turn, 0);
    kit_close(&kit);
}

/* Real only: the fake puts all back at once. */
static void test_many_letters_come_back_page_by_page(void **state)
{
    struct kit kit;
    struct page page;
    struct sv_store_call call = {.op = SV_STORE_REPLAY, .u.replay = {.sink = "hook"}};

    kit_open_as(&kit, state);
    (void)serve(&kit, "w");
    tell(&kit, SV_STORE_REPLAY_MAX + 1);
    do {
        page = read_page(&kit, "w", NULL, SV_STORE_PARCELS_MAX);
        for (size_t i = 0; i < page.count; i++)
            assert_true(settle(&kit, "w", page.parcels[i].entry, SV_STORE_SETTLE_DEAD, 1));
    } while (page.count > 0);
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.replay.replayed, SV_STORE_REPLAY_MAX);
    assert_string_not_equal(call.u.replay.next, "");
    call.u.replay.after = call.u.replay.next;
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.replay.replayed, 1);
    assert_string_equal(call.u.replay.next, "");
    kit_close(&kit);
}

static void test_all_of_the_outbox_again(void **state)
{
    struct kit kit;
    struct page page;
    char first[SV_STORE_ENTRY_ID_BYTES], second[SV_STORE_ENTRY_ID_BYTES];

    kit_open_as(&kit, state);
    (void)serve(&kit, "w");
    tell(&kit, 3);
    page = read_page(&kit, "w", NULL, 10);
    (void)snprintf(first, sizeof(first), "%s", page.parcels[0].entry);
    (void)snprintf(second, sizeof(second), "%s", page.parcels[1].entry);
    assert_true(settle(&kit, "w", first, SV_STORE_SETTLE_DONE, 0));
    assert_true(settle(&kit, "w", second, SV_STORE_SETTLE_DONE, 0));
    assert_true(replay(&kit, second).found);
    assert_int_equal(look(&kit).unread, 1); /* counted: from the middle Redis does not know it */
    assert_true(replay(&kit, first).found); /* the third is open: it is read again, and open once */
    assert_int_equal(look(&kit).unread, 2);
    assert_int_equal(read_page(&kit, "w", NULL, 10).count, 2);
    assert_int_equal(look(&kit).open, 2);
    assert_true(replay(&kit, "0").found);
    assert_int_equal(look(&kit).unread, 3);
    assert_int_equal(look(&kit).turn, 3);
    kit_close(&kit);
}

static void test_old_events_stay_while_a_sink_needs_them(void **state)
{
    struct kit kit;
    struct page page;
    struct sv_store_call trim = {.op = SV_STORE_TRIM, .u.trim = {.keep_ms = 0, .entries_max = 10}};

    kit_open_as(&kit, state);
    (void)serve(&kit, "w");
    tell(&kit, 3);
    page = read_page(&kit, "w", NULL, 10);
    uv_sleep(2);
    assert_true(settle(&kit, "w", page.parcels[0].entry, SV_STORE_SETTLE_DONE, 0));
    assert_int_equal(kit_do(&kit, &trim), SV_OK);
    assert_int_equal(trim.u.trim.trimmed, 1);
    assert_string_equal(trim.u.trim.held_by, "sink:hook");
    assert_int_equal(kit_events(&kit), 2);
    kit_close(&kit);
}

static void test_too_many_are_open(void **state)
{
    struct kit kit;
    size_t open = 0;

    kit_open_as(&kit, state);
    (void)serve(&kit, "w");
    tell(&kit, SV_STORE_SINK_OPEN_MAX + 10);
    for (struct page page = {.held = true}; !page.is_full; open += page.count)
        page = read_page(&kit, "w", NULL, SV_STORE_PARCELS_MAX);
    assert_int_equal(open, SV_STORE_SINK_OPEN_MAX);
    assert_int_equal(look(&kit).unread, 10);
    assert_int_equal(read_page(&kit, "w", "0", 1).count, 1); /* the open ones can be read */
    kit_close(&kit);
}

/* Real only: data that others deleted. */
static void test_deleted_entry_and_deleted_group(void **state)
{
    struct kit kit;
    struct page page;

    kit_open_as(&kit, state);
    (void)serve(&kit, "w");
    tell(&kit, 2);
    page = read_page(&kit, "w", NULL, 1);
    freeReplyObject(kit_redis(&kit, "XDEL sv:{0}:events %s", page.parcels[0].entry));
    page = read_page(&kit, "w", "0", 10);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.parcels[0].event_bytes, 0); /* gone, and told so */
    assert_true(settle(&kit, "w", page.parcels[0].entry, SV_STORE_SETTLE_DONE, 0));
    freeReplyObject(kit_redis(&kit, "XGROUP DESTROY sv:{0}:events sink:hook"));
    assert_false(read_page(&kit, "w", NULL, 10).held);
    assert_false(replay(&kit, "0").found);
    assert_true(serve(&kit, "w").held); /* from the start: twice is better than never */
    assert_int_equal(read_page(&kit, "w", NULL, 10).count, 1);
    kit_close(&kit);
}

/* Real only: what others wrote into the outbox is settled like what is gone. */
static void test_what_is_no_event_of_ours(void **state)
{
    static char big[SV_STORE_EVENT_BYTES_MAX + 2];
    struct kit kit;
    struct page page;

    kit_open_as(&kit, state);
    (void)serve(&kit, "w");
    memset(big, 'x', sizeof(big) - 1);
    freeReplyObject(kit_redis(&kit, "XADD sv:{0}:events * event %s", big));
    freeReplyObject(kit_redis(&kit, "XADD sv:{0}:events * event %s", big + 1));
    freeReplyObject(kit_redis(&kit, "XADD sv:{0}:events * other x"));
    page = read_page(&kit, "w", NULL, 10);
    assert_int_equal(page.count, 3);
    assert_int_equal(page.parcels[0].event_bytes, 0);
    assert_int_equal(page.parcels[1].event_bytes, SV_STORE_EVENT_BYTES_MAX);
    assert_int_equal(page.parcels[2].event_bytes, 0);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_BOTH(test_one_worker_at_a_time),
        KIT_BOTH(test_a_place_before_anybody_serves),
        KIT_BOTH(test_a_lease_ends_by_itself),
        KIT_BOTH(test_what_is_read_stays_until_it_is_settled),
        KIT_BOTH(test_attempts_outlive_their_worker),
        KIT_BOTH(test_disabled_until_somebody_enables_it),
        KIT_BOTH(test_dead_letters_and_again),
        KIT_BOTH(test_a_letter_whose_event_is_open),
        KIT_ON(KIT_REAL, test_a_letter_whose_event_is_gone),
        KIT_ON(KIT_REAL, test_many_letters_come_back_page_by_page),
        KIT_BOTH(test_all_of_the_outbox_again),
        KIT_BOTH(test_old_events_stay_while_a_sink_needs_them),
        KIT_BOTH(test_too_many_are_open),
        KIT_ON(KIT_REAL, test_deleted_entry_and_deleted_group),
        KIT_ON(KIT_REAL, test_what_is_no_event_of_ours),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_sinks", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
