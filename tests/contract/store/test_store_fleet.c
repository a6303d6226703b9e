/* How workers know of each other: who beats, on both stores, and which readers are gone. */
#include "kit.h"

enum { NAMES_MAX = 8 };

struct living { /* a copy of what BEAT told, in one line */
    size_t count;
    char names[256];
};

/* --- beat --- */

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void copy_living(struct sv_store_call *call, void *context)
{
    struct living *living = context;
    const char *names[NAMES_MAX];

    living->count = call->u.beat.count;
    living->names[0] = '\0';
    if (living->count > NAMES_MAX)
        return;
    for (size_t i = 0; i < living->count; i++)
        names[i] = call->u.beat.workers[i];
    qsort(names, living->count, sizeof(names[0]), compare);
    for (size_t i = 0, len = 0; i < living->count; i++)
        len += (size_t)snprintf(living->names + len, sizeof(living->names) - len, "%s ", names[i]);
}

static struct living beat(struct kit *kit, const char *worker, sv_ms expiry_ms)
{
    struct living living;
    struct sv_store_call call = {.op = SV_STORE_BEAT,
                                 .u.beat = {.worker = worker, .expiry_ms = expiry_ms}};

    assert_int_equal(kit_do_look(kit, &call, copy_living, &living), SV_OK);
    return living;
}

static void test_beats_name_who_lives(void **state)
{
    struct kit kit;

    kit_open_as(&kit, state);
    assert_string_equal(beat(&kit, "one", 60000).names, "one ");
    assert_string_equal(beat(&kit, "two", 60000).names, "one two ");
    assert_string_equal(beat(&kit, "two", 60000).names, "one two "); /* sent twice */
    assert_string_equal(beat(&kit, "one", 60000).names, "one two ");
    assert_string_equal(beat(&kit, "two", 0).names, "one "); /* leaves */
    assert_string_equal(beat(&kit, "two", 0).names, "one ");
    assert_string_equal(beat(&kit, "one", 60000).names, "one ");
    kit_close(&kit);
}

static void test_a_beat_expires(void **state)
{
    struct kit kit;
    struct living living;

    kit_open_as(&kit, state);
    assert_string_equal(beat(&kit, "mayfly", 1).names, "mayfly ");
    do {
        living = beat(&kit, "one", 60000);
    } while (living.count > 1);
    assert_string_equal(living.names, "one ");
    kit_close(&kit);
}

static void test_beats_that_cannot_be(void **state)
{
    struct kit kit;
    struct sv_store_call call = {.op = SV_STORE_BEAT, .u.beat = {.worker = "w", .expiry_ms = -1}};

    kit_open(&kit, KIT_REAL);
    (void)state;
    assert_int_equal(sv_store_start(kit.store, &call, kit_on_end, NULL), SV_EINVALID);
    call.u.beat.expiry_ms = SV_STORE_BEAT_MS_MAX + 1;
    assert_int_equal(sv_store_start(kit.store, &call, kit_on_end, NULL), SV_EINVALID);
    kit_close(&kit);
}

/* A primary whose clock was ahead has left beats that would count for an hour. */
static void test_beats_of_a_clock_that_was_ahead(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, KIT_REAL);
    freeReplyObject(kit_redis(&kit, "ZADD sv:{w}:hb 99999999999999 dead"));
    assert_string_equal(beat(&kit, "one", 60000).names, "one ");
    kit_close(&kit);
}

/* So large a fleet is only counted. */
static void test_beats_of_very_many(void **state)
{
    struct kit kit;
    struct living living = {.count = 0};
    redisReply *time;
    long long soon;

    (void)state;
    kit_open(&kit, KIT_REAL);
    time = kit_redis(&kit, "TIME");
    soon = (strtoll(time->element[0]->str, NULL, 10) + 30) * 1000;
    freeReplyObject(time);
    for (int i = 1; i <= SV_STORE_WORKERS_MAX; i++)
        freeReplyObject(kit_redis(&kit, "ZADD sv:{w}:hb %lld w%d", soon, i));
    living = beat(&kit, "w1", 60000);
    assert_int_equal(living.count, SV_STORE_WORKERS_MAX);
    living = beat(&kit, "one more", 60000);
    assert_int_equal(living.count, SV_STORE_WORKERS_MAX + 1);
    for (int i = 1; i <= 100; i++) /* among those that are looked at, and expired */
        freeReplyObject(kit_redis(&kit, "ZADD sv:{w}:hb 1 gone%d", i));
    living = beat(&kit, "one more", 60000);
    assert_int_equal(living.count, SV_STORE_WORKERS_MAX + 1);
    kit_close(&kit);
}

/* F13: a full server still knows who lives; a key of a foreign type is refused untouched. */
static void test_beats_on_a_server_that_is_ill(void **state)
{
    struct kit kit;
    struct sv_store_call call = {.op = SV_STORE_BEAT, .u.beat = {.worker = "w", .expiry_ms = 1000}};

    (void)state;
    kit_open(&kit, KIT_REAL);
    freeReplyObject(kit_redis(&kit, "CONFIG SET maxmemory 1"));
    assert_string_equal(beat(&kit, "one", 60000).names, "one ");
    freeReplyObject(kit_redis(&kit, "CONFIG SET maxmemory 0"));
    freeReplyObject(kit_redis(&kit, "DEL sv:{w}:hb"));
    freeReplyObject(kit_redis(&kit, "SET sv:{w}:hb foreign"));
    assert_int_not_equal(kit_do(&kit, &call), SV_OK);
    freeReplyObject(kit_redis(&kit, "DEL sv:{w}:hb"));
    kit_close(&kit);
}

/* --- retire --- */

static void read_as(struct kit *kit, const char *consumer)
{
    freeReplyObject(kit_redis(kit, "XGROUP CREATECONSUMER sv:{0}:jobs verify %s", consumer));
    freeReplyObject(
        kit_redis(kit, "XREADGROUP GROUP verify %s COUNT 1 STREAMS sv:{0}:jobs >", consumer));
}

static size_t consumers(struct kit *kit)
{
    redisReply *reply = kit_redis(kit, "XINFO CONSUMERS sv:{0}:jobs verify");
    size_t count = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;

    freeReplyObject(reply);
    return count;
}

static size_t retire(struct kit *kit, bool own, sv_ms idle_ms)
{
    struct sv_store_call call = {.op = SV_STORE_RETIRE,
                                 .u.retire = {.own = own, .idle_ms = idle_ms}};

    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.retire.retired;
}

/* Deleting a consumer discards what is pending for it: one with entries is never deleted. */
static void test_readers_that_are_gone(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, KIT_REAL);
    assert_int_equal(retire(&kit, false, 0), 0); /* nobody has read yet */
    read_as(&kit, "gone");
    read_as(&kit, "gone too");
    read_as(&kit, kit.consumer);
    freeReplyObject(kit_redis(&kit, "XADD sv:{0}:jobs * job {}"));
    read_as(&kit, "busy");
    assert_int_equal(retire(&kit, false, SV_HOUR), 0); /* all were there a moment ago */
    assert_int_equal(consumers(&kit), 4);
    assert_int_equal(retire(&kit, false, 0), 2); /* not us, not the busy one */
    assert_int_equal(consumers(&kit), 2);
    assert_int_equal(retire(&kit, true, 0), 1);
    assert_int_equal(consumers(&kit), 1);
    assert_int_equal(retire(&kit, true, 0), 0); /* sent twice */
    kit_close(&kit);
}

static void test_a_reader_with_entries_stays(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, KIT_REAL);
    freeReplyObject(kit_redis(&kit, "XADD sv:{0}:jobs * job {}"));
    read_as(&kit, kit.consumer);
    assert_int_equal(retire(&kit, true, 0), 0);
    assert_int_equal(consumers(&kit), 1);
    freeReplyObject(kit_redis(&kit, "XGROUP DESTROY sv:{0}:jobs verify"));
    assert_int_equal(retire(&kit, true, 0), 0); /* the group was lost */
    freeReplyObject(kit_redis(&kit, "DEL sv:{0}:jobs"));
    assert_int_equal(retire(&kit, true, 0), 0); /* no inbox at all */
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_BOTH(test_beats_name_who_lives),
        KIT_BOTH(test_a_beat_expires),
        cmocka_unit_test(test_beats_that_cannot_be),
        cmocka_unit_test(test_beats_of_a_clock_that_was_ahead),
        cmocka_unit_test(test_beats_of_very_many),
        cmocka_unit_test(test_beats_on_a_server_that_is_ill),
        cmocka_unit_test(test_readers_that_are_gone),
        cmocka_unit_test(test_a_reader_with_entries_stays),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_fleet", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
