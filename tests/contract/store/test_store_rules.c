/* The five rules of asynchronous code, for every operation, on both stores. */
#include "kit.h"

static const struct sv_store_call samples[SV_STORE_OP_COUNT] = {
    [SV_STORE_PREPARE] = {.op = SV_STORE_PREPARE},
    [SV_STORE_TAKE] = {.op = SV_STORE_TAKE, .u.take = {.entries_max = 8, .block_ms = 5000}},
    [SV_STORE_TAKE_PENDING] = {.op = SV_STORE_TAKE_PENDING, .u.take = {.entries_max = 8}},
    [SV_STORE_ADMIT] = {.op = SV_STORE_ADMIT,
                        .u.admit = {.entry_id = "1-1",
                                    .client_id = KIT_CLIENT,
                                    .uid = KIT_UID,
                                    .job_id = "j",
                                    .type = "register",
                                    .event_head = "{",
                                    .event_tail = "}"}},
    [SV_STORE_BURY] = {.op = SV_STORE_BURY,
                       .u.bury = {.entry_id = "1-1",
                                  .reason = "r",
                                  .error = "e",
                                  .payload = "p",
                                  .payload_bytes = 1,
                                  .event = "{}"}},
    [SV_STORE_OWN] = {.op = SV_STORE_OWN,
                      .u.own = {.registrable = "a.example",
                                .domain = "a.example",
                                .account = "default",
                                .client_id = KIT_CLIENT,
                                .uid = KIT_UID}},
    [SV_STORE_CLAIM] =
        {.op = SV_STORE_CLAIM,
         .u.claim = {.count_max = 8, .per_client_max = 8, .lease_ms = 1000, .worker = "w"}},
    [SV_STORE_RENEW] =
        {.op = SV_STORE_RENEW,
         .u.hold = {.uid = KIT_UID, .client_id = KIT_CLIENT, .own = "w/1", .fence = 1}},
    [SV_STORE_COMMIT] = {.op = SV_STORE_COMMIT,
                         .u.commit = {.uid = KIT_UID,
                                      .client_id = KIT_CLIENT,
                                      .own = "w/1",
                                      .fence = 1,
                                      .from = "new",
                                      .to = "new"}},
    [SV_STORE_RELEASE] =
        {.op = SV_STORE_RELEASE,
         .u.hold = {.uid = KIT_UID, .client_id = KIT_CLIENT, .own = "w/1", .fence = 1}},
    [SV_STORE_REAP] = {.op = SV_STORE_REAP, .u.reap = {.count_max = 10, .reclaims_max = 5}},
    [SV_STORE_PERMIT] = {.op = SV_STORE_PERMIT,
                         .u.permit = {.account = "a",
                                      .region = "r",
                                      .action = "x",
                                      .worker = "w",
                                      .interval_us = 1}},
    [SV_STORE_READ] = {.op = SV_STORE_READ, .u.read = {.uid = KIT_UID}},
    [SV_STORE_LIST] = {.op = SV_STORE_LIST, .u.list = {.cursor = "0", .count_hint = 10}},
    [SV_STORE_ENQUEUE] = {.op = SV_STORE_ENQUEUE, .u.enqueue = {.job = "{}", .job_bytes = 2}},
    [SV_STORE_EVENTS] = {.op = SV_STORE_EVENTS,
                         .u.events = {.after = "0", .block_ms = 10000, .entries_max = 10}},
    [SV_STORE_COUNTERS] = {.op = SV_STORE_COUNTERS},
    [SV_STORE_OWNERS] = {.op = SV_STORE_OWNERS,
                         .u.owners = {.registrable = "a.example", .domain = "a.example"}},
    [SV_STORE_HURRY] = {.op = SV_STORE_HURRY, .u.hurry = {.uid = KIT_UID, .client_id = KIT_CLIENT}},
    [SV_STORE_SWEEP] = {.op = SV_STORE_SWEEP,
                        .u.sweep = {.verb = SV_STORE_SWEEP_BEGIN,
                                    .account = "a",
                                    .region = "r",
                                    .worker = "w",
                                    .lease_ms = 1000}},
    [SV_STORE_TRIM] = {.op = SV_STORE_TRIM, .u.trim = {.keep_ms = 1, .entries_max = 10}},
    [SV_STORE_LETTERS] = {.op = SV_STORE_LETTERS, .u.letters = {.count_max = 10}},
    [SV_STORE_LETTER_END] = {.op = SV_STORE_LETTER_END,
                             .u.letter_end = {.verb = SV_STORE_LETTER_DROP, .entry_id = "1-1"}},
    [SV_STORE_BEAT] = {.op = SV_STORE_BEAT, .u.beat = {.worker = "w", .expiry_ms = 1000}},
    [SV_STORE_RETIRE] = {.op = SV_STORE_RETIRE, .u.retire = {.idle_ms = 1000}},
    [SV_STORE_LOOK] = {.op = SV_STORE_LOOK, .u.look = {.what = SV_STORE_LOOK_KEYS, .cursor = "0"}},
    [SV_STORE_PAUSE] = {.op = SV_STORE_PAUSE,
                        .u.pause = {.scope = SV_STORE_PAUSE_CLIENT, .name = KIT_CLIENT}},
    [SV_STORE_PAUSES] = {.op = SV_STORE_PAUSES},
    [SV_STORE_SINK] =
        {.op = SV_STORE_SINK,
         .u.sink = {.verb = SV_STORE_SINK_SERVE, .sink = "a", .worker = "w", .lease_ms = 1000}},
    [SV_STORE_PARCELS] =
        {.op = SV_STORE_PARCELS,
         .u.parcels = {.sink = "a", .worker = "w", .lease_ms = 1000, .count_max = 10}},
    [SV_STORE_SETTLE] = {.op = SV_STORE_SETTLE,
                         .u.settle = {.sink = "a", .worker = "w", .entry_id = "1-1"}},
    [SV_STORE_SINK_DEAD] = {.op = SV_STORE_SINK_DEAD,
                            .u.sink_dead = {.sink = "a", .after = "0", .count_max = 10}},
    [SV_STORE_REPLAY] = {.op = SV_STORE_REPLAY, .u.replay = {.sink = "a"}},
    [SV_STORE_PLACES] = {.op = SV_STORE_PLACES, .u.places = {.uid = KIT_UID}},
    [SV_STORE_MOVE] = {.op = SV_STORE_MOVE,
                       .u.move = {.what = SV_STORE_MOVE_KEYS, .shards_to = 1, .cursor = "0"}},
    [SV_STORE_STRAYS] = {.op = SV_STORE_STRAYS, .u.strays = {.cursor = "0"}},
};

struct started {
    struct sv_store_call call;
    struct kit_end end;
    bool is_started;
};

static void start(struct kit *kit, enum sv_store_op op, struct started *out)
{
    *out = (struct started){.call = samples[op]};
    out->call.owner = &out->end;
    out->is_started = sv_store_start(kit->store, &out->call, kit_on_end, NULL) == SV_OK;
    assert_int_equal(out->end.ends, 0); /* rule 2: never before start returned */
}

static void start_all(struct kit *kit, struct started list[SV_STORE_OP_COUNT])
{
    for (int op = 0; op < SV_STORE_OP_COUNT; op++) {
        start(kit, (enum sv_store_op)op, &list[op]);
        assert_true(list[op].is_started);
    }
}

static void test_every_call_ends_once(void **state)
{
    struct kit kit;
    struct started list[SV_STORE_OP_COUNT];

    kit_open_as(&kit, state);
    start_all(&kit, list);
    for (int op = 0; op < SV_STORE_OP_COUNT; op++) {
        if (list[op].end.ends == 0 && op == SV_STORE_EVENTS)
            sv_store_cancel(&list[op].call);
        if (list[op].end.ends == 0)
            kit_wait(&kit, &list[op].end);
    }
    for (int op = 0; op < SV_STORE_OP_COUNT; op++) {
        assert_int_equal(list[op].end.ends, 1);
        assert_int_equal(list[op].end.err, op == SV_STORE_EVENTS ? SV_ECANCELED : SV_OK);
    }
    kit_close(&kit);
}

static void test_a_start_that_fails_never_calls(void **state)
{
    struct kit kit;
    struct started bad = {.is_started = false};

    kit_open_as(&kit, state);
    bad.call = samples[SV_STORE_READ];
    bad.call.owner = &bad.end;
    bad.call.shard = 7;
    assert_int_equal(sv_store_start(kit.store, &bad.call, kit_on_end, NULL), SV_EINVALID);
    bad.call = samples[SV_STORE_CLAIM];
    bad.call.owner = &bad.end;
    bad.call.u.claim.count_max = SV_STORE_CLAIM_MAX + 1;
    assert_int_equal(sv_store_start(kit.store, &bad.call, kit_on_end, NULL), SV_EINVALID);
    kit_close(&kit);
    assert_int_equal(bad.end.ends, 0);
}

static void test_a_canceled_call_ends_later(void **state)
{
    struct kit kit;

    kit_open_as(&kit, state);
    for (int op = 0; op < SV_STORE_OP_COUNT; op++) {
        struct started one;

        start(&kit, (enum sv_store_op)op, &one);
        sv_store_cancel(&one.call);
        sv_store_cancel(&one.call); /* twice is once */
        assert_int_equal(one.end.ends, 0);
        kit_wait(&kit, &one.end);
        assert_int_equal(one.end.ends, 1);
        assert_int_equal(one.end.err, SV_ECANCELED);
    }
    kit_close(&kit);
}

static void test_canceled_after_some_turns(void **state)
{
    for (int turns = 0; turns < 6; turns++) {
        struct kit kit;
        struct started list[SV_STORE_OP_COUNT];

        kit_open_as(&kit, state);
        start_all(&kit, list);
        for (int i = 0; i < turns; i++)
            (void)uv_run(&kit.loop, UV_RUN_NOWAIT);
        for (int op = 0; op < SV_STORE_OP_COUNT; op++) {
            if (list[op].end.ends == 0)
                sv_store_cancel(&list[op].call);
        }
        for (int op = 0; op < SV_STORE_OP_COUNT; op++) {
            if (list[op].end.ends == 0)
                kit_wait(&kit, &list[op].end);
            assert_int_equal(list[op].end.ends, 1);
        }
        kit_close(&kit);
    }
}

/* Rule 5: close cancels everything, then calls once, and nothing is left on the loop. */
static void test_closed_after_every_turn(void **state)
{
    for (int turns = 0; turns < 12; turns++) {
        struct kit kit;
        struct started list[SV_STORE_OP_COUNT], late;

        kit_open_as(&kit, state);
        start_all(&kit, list);
        for (int i = 0; i < turns; i++)
            (void)uv_run(&kit.loop, UV_RUN_NOWAIT);
        kit_close_start(&kit);
        assert_false(kit.is_closed);
        start(&kit, SV_STORE_READ, &late);
        assert_false(late.is_started);
        kit_close(&kit);
        for (int op = 0; op < SV_STORE_OP_COUNT; op++) {
            assert_int_equal(list[op].end.ends, 1);
            assert_true(list[op].end.err == SV_OK || list[op].end.err == SV_ECANCELED);
        }
        assert_int_equal(late.end.ends, 0);
    }
}

/* Rule 4: the callback may free the call, and start the next one. */
struct chain {
    struct sv_store_call call;
    struct kit *kit;
    unsigned *left;
};

static void on_link(struct sv_store_call *call, enum sv_err err)
{
    struct chain *chain = call->owner, *next;

    assert_int_equal(err, SV_OK);
    if (*chain->left > 0) {
        --*chain->left;
        next = calloc(1, sizeof(*next));
        *next =
            (struct chain){.call = samples[SV_STORE_READ], .kit = chain->kit, .left = chain->left};
        next->call.owner = next;
        assert_int_equal(sv_store_start(chain->kit->store, &next->call, on_link, NULL), SV_OK);
    } else {
        uv_stop(&chain->kit->loop);
    }
    free(chain);
}

static void test_the_callback_frees_and_starts(void **state)
{
    struct kit kit;
    unsigned left = 20;
    struct chain *first = calloc(1, sizeof(*first));

    kit_open_as(&kit, state);
    *first = (struct chain){.call = samples[SV_STORE_READ], .kit = &kit, .left = &left};
    first->call.owner = first;
    assert_int_equal(sv_store_start(kit.store, &first->call, on_link, NULL), SV_OK);
    (void)uv_run(&kit.loop, UV_RUN_DEFAULT);
    assert_int_equal(left, 0);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_BOTH(test_every_call_ends_once),       KIT_BOTH(test_a_start_that_fails_never_calls),
        KIT_BOTH(test_a_canceled_call_ends_later), KIT_BOTH(test_canceled_after_some_turns),
        KIT_BOTH(test_closed_after_every_turn),    KIT_BOTH(test_the_callback_frees_and_starts),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_rules", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
