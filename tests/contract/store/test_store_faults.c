/* What the store on Redis does when the server forgets, breaks off, or holds what cannot be. */
#include "kit.h"

#include <hiredis/hiredis.h>

static void direct(struct kit *kit, const char *command)
{
    redisReply *reply = kit_redis(kit, command);

    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
}

static int64_t direct_number(struct kit *kit, const char *command)
{
    redisReply *reply = kit_redis(kit, command);
    int64_t number = reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1;

    freeReplyObject(reply);
    return number;
}

/* The server lost its scripts: every script is put back and the call goes on. */
static void test_scripts_flushed(void **state)
{
    struct kit kit;
    struct kit_held held;
    struct sv_store_call call;

    (void)state;
    kit_open(&kit, KIT_REAL);
    direct(&kit, "SCRIPT FLUSH");
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    direct(&kit, "SCRIPT FLUSH");
    assert_true(kit_claim_one(&kit, &held));
    direct(&kit, "SCRIPT FLUSH");
    call = kit_commit(&held, "pending_verification");
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.commit.verdict, SV_STORE_COMMITTED);
    direct(&kit, "SCRIPT FLUSH");
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.commit.verdict, SV_STORE_ALREADY);
    kit_close(&kit);
}

/* The group is gone: it is made again from the beginning, and nothing that was pushed is lost. */
static void test_group_destroyed(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, KIT_REAL);
    direct(&kit, "XGROUP DESTROY sv:{0}:jobs verify");
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    direct(&kit, "XGROUP DESTROY sv:{0}:jobs verify");
    assert_int_equal(kit_job(&kit, "recheck"), SV_STORE_COALESCED);
    direct(&kit, "FLUSHALL");
    assert_int_equal(kit_job(&kit, "recheck"), SV_STORE_REJECTED_NOT_REGISTERED);
    kit_close(&kit);
}

/* --- entries nobody should read --- */

struct taken {
    size_t count, big, odd;
    char payload[64];
};

static void look(struct sv_store_call *call, void *context)
{
    struct taken *taken = context;

    for (size_t i = 0; i < call->u.take.count; i++) {
        const struct sv_store_entry *entry = &call->u.take.entries[i];

        taken->count++;
        taken->big += entry->buried != NULL;
        taken->odd += entry->no_job_field;
        if (entry->payload != NULL && entry->payload_bytes < sizeof(taken->payload))
            (void)snprintf(taken->payload, sizeof(taken->payload), "%s", entry->payload);
        assert_true((entry->buried != NULL) == (entry->payload == NULL));
    }
}

static void push_bytes(struct kit *kit, size_t bytes)
{
    char *big = calloc(1, bytes);
    const char *argv[] = {"XADD", "sv:{0}:jobs", "*", "job", big};
    const size_t sizes[] = {4, 11, 1, 3, bytes};
    redisReply *reply;

    memset(big, 'x', bytes);
    reply = redisCommandArgv(kit->direct, 5, argv, sizes);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    freeReplyObject(reply);
    free(big);
}

static struct sv_store_call take_call(void)
{
    return (struct sv_store_call){.op = SV_STORE_TAKE,
                                  .u.take = {.entries_max = 64, .block_ms = 1000}};
}

/* F18: larger than the transport takes. The read is lost with its connection; the next one finds
 * the entry among those that are pending and has it buried without reading it. */
static void test_F18_ten_megabytes(void **state)
{
    struct kit kit;
    struct taken taken = {.count = 0};
    struct sv_store_call take;

    (void)state;
    kit_open(&kit, KIT_REAL);
    push_bytes(&kit, 10 << 20);
    push_bytes(&kit, 5);
    take = take_call();
    assert_int_equal(kit_do_look(&kit, &take, look, &taken), SV_ECONNECT);
    kit_run_until_ready(&kit);
    assert_int_equal(kit_do_look(&kit, &take, look, &taken), SV_OK);
    assert_int_equal(taken.count, 2);
    assert_int_equal(taken.big, 1);
    assert_string_equal(taken.payload, "xxxxx");
    assert_int_equal(kit_counter(&kit, "dead"), 1);
    assert_int_equal(kit_counter(&kit, "dead_letters"), 1);
    assert_int_equal(kit_counter(&kit, "inbox"), 1);
    assert_int_equal(kit_events(&kit), 1);
    kit_close(&kit);
}

/* Small enough for the transport, but not for us. */
static void test_F18_just_too_big(void **state)
{
    struct kit kit;
    struct taken taken = {.count = 0};
    struct sv_store_call take;

    (void)state;
    kit_open(&kit, KIT_REAL);
    push_bytes(&kit, SV_STORE_JOB_BYTES_MAX + 1);
    take = take_call();
    assert_int_equal(kit_do_look(&kit, &take, look, &taken), SV_OK);
    assert_int_equal(taken.count, 1);
    assert_int_equal(taken.big, 1);
    assert_int_equal(kit_counter(&kit, "inbox"), 0);
    kit_close(&kit);
}

static void test_entry_without_a_job(void **state)
{
    struct kit kit;
    struct taken taken = {.count = 0};
    struct sv_store_call take;

    (void)state;
    kit_open(&kit, KIT_REAL);
    direct(&kit, "XADD sv:{0}:jobs * a 1 b 2");
    take = take_call();
    assert_int_equal(kit_do_look(&kit, &take, look, &taken), SV_OK);
    assert_int_equal(taken.odd, 1);
    assert_string_equal(taken.payload, "a=1\nb=2\n");
    kit_close(&kit);
}

/* Another worker died with a job in its hands. */
static void test_entries_of_a_dead_consumer(void **state)
{
    struct kit kit, other;
    struct taken taken = {.count = 0};
    struct sv_store_call take,
        pending = {.op = SV_STORE_TAKE_PENDING, .u.take = {.entries_max = 8, .idle_ms = SV_HOUR}};

    (void)state;
    kit_open(&kit, KIT_REAL);
    push_bytes(&kit, 5);
    kit_open_more(&other, "c2");
    take = take_call();
    assert_int_equal(kit_do_look(&other, &take, look, &taken), SV_OK);
    assert_int_equal(taken.count, 1);
    kit_close(&other);
    taken.count = 0;
    assert_int_equal(kit_do_look(&kit, &pending, look, &taken), SV_OK);
    assert_int_equal(taken.count, 0); /* not idle for so long */
    pending.u.take.idle_ms = 0;
    assert_int_equal(kit_do_look(&kit, &pending, look, &taken), SV_OK);
    assert_int_equal(taken.count, 1);
    kit_close(&kit);
}

/* --- lost connections --- */

/* True once the server holds back a script of ours because writes are paused. */
static bool is_held_back(struct kit *kit)
{
    redisReply *list = kit_redis(kit, "CLIENT LIST");
    bool found = false;

    for (const char *line = list->str; line != NULL && *line != '\0';) {
        const char *end = strchrnul(line, '\n');
        const char *flags = strstr(line, "flags=b"), *cmd = strstr(line, "cmd=evalsha");

        found = found || (flags != NULL && flags < end && cmd != NULL && cmd < end);
        line = *end == '\n' ? end + 1 : end;
    }
    freeReplyObject(list);
    return found;
}

/* Claims whose answers were lost are asked for again by the same name, and given again. */
static void test_lost_claim_is_given_again(void **state)
{
    struct kit kit;
    struct kit_held held;
    struct kit_end end = {.ends = 0};
    struct sv_store_call claim = {
        .op = SV_STORE_CLAIM,
        .owner = &end,
        .u.claim = {.count_max = 5, .per_client_max = 5, .lease_ms = SV_HOUR, .worker = "w"}};

    (void)state;
    kit_open(&kit, KIT_REAL);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    direct(&kit, "CLIENT PAUSE 60000 WRITE");
    assert_int_equal(sv_store_start(kit.store, &claim, kit_on_end, NULL), SV_OK);
    while (!is_held_back(&kit))
        (void)uv_run(&kit.loop, UV_RUN_NOWAIT);
    sv_store_cancel(&claim); /* the script will run, but nobody will learn the fence */
    kit_wait(&kit, &end);
    assert_int_equal(end.err, SV_ECANCELED);
    direct(&kit, "CLIENT UNPAUSE");
    while (direct_number(&kit, "ZCARD sv:{0}:run") == 0)
        (void)uv_run(&kit.loop, UV_RUN_NOWAIT);
    assert_true(kit_claim_one(&kit, &held));
    assert_int_equal(held.fence, 1);
    assert_false(kit_claim_one(&kit, &held));
    kit_close(&kit);
}

static void test_killed_connection(void **state)
{
    struct kit kit;
    struct sv_store_call call = {.op = SV_STORE_COUNTERS};

    (void)state;
    kit_open(&kit, KIT_REAL);
    for (unsigned i = 0; i < 20; i++) {
        struct kit_end end = {.ends = 0};

        call.owner = &end;
        assert_int_equal(sv_store_start(kit.store, &call, kit_on_end, NULL), SV_OK);
        direct(&kit, "CLIENT KILL TYPE normal SKIPME yes");
        kit_wait(&kit, &end);
        assert_true(end.err == SV_ECONNECT || end.err == SV_OK);
        while (sv_store_is_ready(kit.store))
            (void)uv_run(&kit.loop, UV_RUN_ONCE);
        assert_int_equal(sv_store_start(kit.store, &call, kit_on_end, NULL), SV_ECONNECT);
        kit_run_until_ready(&kit);
    }
    kit_close(&kit);
}

/* --- what cannot be --- */

static void test_foreign_types(void **state)
{
    static const char *const keys[] = {"d:" KIT_UID,         "run",           "n",     "ring",
                                       "due:hi:" KIT_CLIENT, "c:" KIT_CLIENT, "events"};
    struct kit kit;
    struct kit_held held;
    struct sv_store_call call;

    (void)state;
    kit_open(&kit, KIT_REAL);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_true(kit_claim_one(&kit, &held));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char command[128];

        (void)snprintf(command, sizeof(command), "RENAME sv:{0}:%s kept{0}", keys[i]);
        freeReplyObject(kit_redis(&kit, command));
        (void)snprintf(command, sizeof(command), "SET sv:{0}:%s foreign", keys[i]);
        direct(&kit, command);
        call = kit_commit(&held, "pending_verification");
        assert_int_equal(kit_do(&kit, &call), SV_EREFUSED);
        assert_non_null(strstr(call.info.text, "WRONGTYPE"));
        (void)snprintf(command, sizeof(command), "DEL sv:{0}:%s", keys[i]);
        direct(&kit, command);
        (void)snprintf(command, sizeof(command), "RENAME kept{0} sv:{0}:%s", keys[i]);
        freeReplyObject(kit_redis(&kit, command));
    }
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    assert_int_equal(call.u.commit.verdict, SV_STORE_COMMITTED);
    kit_close(&kit);
}

/* A broken record keeps nobody else's domain from being claimed, and causes no hot loop. */
static void test_broken_record_is_skipped(void **state)
{
    struct kit kit;
    struct kit_claims *claims = calloc(1, sizeof(*claims));

    (void)state;
    kit_open(&kit, KIT_REAL);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    direct(&kit, "ZADD sv:{0}:due:lo:other 1 feedfacefeedface");
    direct(&kit, "ZADD sv:{0}:ring 1 other");
    direct(&kit, "SET sv:{0}:d:feedfacefeedface foreign");
    kit_claim(&kit, 10, 10, claims);
    assert_int_equal(claims->count, 1);
    kit_claim(&kit, 10, 10, claims);
    assert_int_equal(claims->count, 0);
    assert_true(claims->next_due_ms >= 1000);
    direct(&kit, "DEL sv:{0}:d:feedfacefeedface");
    kit_claim(&kit, 10, 10, claims); /* an orphan now: taken out */
    assert_int_equal(direct_number(&kit, "ZCARD sv:{0}:ring"), 0);
    free(claims);
    kit_close(&kit);
}

static void test_another_number_of_shards(void **state)
{
    struct kit kit;
    struct sv_store_call call = {.op = SV_STORE_PREPARE};

    (void)state;
    kit_open(&kit, KIT_REAL);
    direct(&kit, "HSET sv:{0}:meta shards 4");
    assert_int_equal(kit_do(&kit, &call), SV_EINVALID);
    assert_non_null(strstr(call.info.text, "redis.shards"));
    direct(&kit, "HSET sv:{0}:meta shards 1 schema 2");
    assert_int_equal(kit_do(&kit, &call), SV_EINVALID);
    assert_non_null(strstr(call.info.text, "schema"));
    kit_close(&kit);
}

static void test_full_server(void **state)
{
    struct kit kit;
    struct kit_held held;
    char entry[SV_STORE_ENTRY_ID_BYTES];
    struct sv_store_call call,
        claim = {
            .op = SV_STORE_CLAIM,
            .u.claim = {.count_max = 1, .per_client_max = 1, .lease_ms = SV_HOUR, .worker = "w"}};

    (void)state;
    kit_open(&kit, KIT_REAL);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_true(kit_claim_one(&kit, &held));
    kit_push(&kit, entry);
    direct(&kit, "CONFIG SET maxmemory 1");
    call = kit_admit(entry, entry, "register");
    assert_int_equal(kit_do(&kit, &call), SV_EFULL);
    call = kit_commit(&held, "pending_verification");
    call.u.commit.wait_ms = 0;
    assert_int_equal(kit_do(&kit, &call), SV_OK); /* finishing work frees room */
    assert_int_equal(kit_do(&kit, &claim), SV_EFULL);
    direct(&kit, "CONFIG SET maxmemory 0");
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts_flushed),
        cmocka_unit_test(test_group_destroyed),
        cmocka_unit_test(test_F18_ten_megabytes),
        cmocka_unit_test(test_F18_just_too_big),
        cmocka_unit_test(test_entry_without_a_job),
        cmocka_unit_test(test_entries_of_a_dead_consumer),
        cmocka_unit_test(test_lost_claim_is_given_again),
        cmocka_unit_test(test_killed_connection),
        cmocka_unit_test(test_foreign_types),
        cmocka_unit_test(test_broken_record_is_skipped),
        cmocka_unit_test(test_another_number_of_shards),
        cmocka_unit_test(test_full_server),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_faults", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
