/* A group behind scripted Sentinels: whom it believes (F10, F11). Servers 0 .. 2 are Sentinels, 3
 * and 4 are Redis. */
#include "group_kit.h"

enum { SENTINELS = 3, OLD = 3, NEW = 4, SILENT = 100, UNKNOWN = 101 };

static struct scene scene;
static unsigned named[SENTINELS]; /* the server each Sentinel names, or SILENT, UNKNOWN */
static bool is_replica[SCENE_SERVERS];
static const char *wanted_password;
static bool is_let_in[SENTINELS];

static const char *answer_primary(unsigned sentinel)
{
    static char text[64];
    char port[8];

    if (named[sentinel] == SILENT)
        return NULL;
    if (named[sentinel] == UNKNOWN)
        return "*-1\r\n";
    (void)snprintf(port, sizeof(port), "%u", scene.servers[named[sentinel]].port);
    (void)snprintf(text, sizeof(text), "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n", strlen(port),
                   port);
    return text;
}

static const char *answer_sentinel(struct server *server, const char *argv0,
                                   const redisReply *command)
{
    unsigned number = scene_number(&scene, server);

    if (strcmp(argv0, "AUTH") == 0)
        is_let_in[number] =
            wanted_password != NULL && strcmp(command->element[1]->str, wanted_password) == 0;
    else if (wanted_password != NULL && !is_let_in[number])
        return "-NOAUTH Authentication required.\r\n";
    if (strcmp(argv0, "SENTINEL") == 0)
        return answer_primary(number);
    return answer_politely(server, argv0, command);
}

static const char *answer_redis(struct server *server, const char *argv0, const redisReply *command)
{
    static char text[16];

    if (strcmp(argv0, "ROLE") == 0 && is_replica[scene_number(&scene, server)])
        return "*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:1\r\n$9\r\nconnected\r\n:0\r\n";
    if (strcmp(argv0, "GET") != 0)
        return answer_politely(server, argv0, command);
    (void)snprintf(text, sizeof(text), "+redis%u\r\n", scene_number(&scene, server));
    return text;
}

static void set(unsigned hosts)
{
    scene_set(&scene, SV_REDIS_SENTINEL, hosts);
    memset(is_replica, 0, sizeof(is_replica));
    memset(is_let_in, 0, sizeof(is_let_in));
    wanted_password = NULL;
    for (unsigned i = 0; i < SCENE_SERVERS; i++)
        scene.servers[i].answer = i < SENTINELS ? answer_sentinel : answer_redis;
    for (unsigned i = 0; i < SENTINELS; i++)
        named[i] = OLD;
}

static void open_ready(void)
{
    scene_open(&scene);
    scene_run_until(&scene, scene_is_ready);
}

static void expect(const char *reply)
{
    assert_int_equal(scene_do(&scene, 0, "GET x"), SV_OK);
    assert_string_equal(scene.calls[0].reply, reply);
}

/* Turns the loop until each Sentinel was asked so often. */
static void run_questions(unsigned times)
{
    for (unsigned i = 0; i < scene.options.place.hosts_count; i++) {
        while (!scene.servers[i].is_closed && scene_count(&scene, i, "SENTINEL GET") < times)
            (void)uv_run(&scene.loop, UV_RUN_ONCE);
    }
}

static void the_primary_they_name_is_used(void **state)
{
    (void)state;
    set(SENTINELS);
    scene.options.redis.address.database = 2; /* Sentinels have none */
    (void)snprintf(scene.options.redis.address.password,
                   sizeof(scene.options.redis.address.password), "secret");
    open_ready();
    expect("redis3");
    assert_int_equal(scene_count(&scene, 0, "SENTINEL GET-MASTER-ADDR-BY-NAME main|"), 1);
    assert_int_equal(scene_count(&scene, 0, "AUTH"), 0); /* the password is not for them */
    assert_int_equal(scene_count(&scene, OLD, "AUTH secret|"), 1);
    assert_int_equal(scene_count(&scene, 0, "SELECT"), 0);
    assert_int_equal(scene_count(&scene, OLD, "SELECT 2|"), 1);
    scene_finish(&scene);
}

static void one_that_lies_is_outvoted(void **state)
{
    (void)state;
    for (unsigned liar = 0; liar < SENTINELS; liar++) {
        set(SENTINELS);
        named[liar] = NEW;
        open_ready();
        expect("redis3");
        run_questions(2);
        expect("redis3");
        assert_int_equal(scene.servers[NEW].peers_count, 0);
        scene_finish(&scene);
    }
}

static void the_dead_do_not_vote(void **state)
{
    (void)state;
    set(SENTINELS);
    named[1] = SILENT;
    open_ready();
    expect("redis3");
    scene_finish(&scene);
}

/* One truth against one lie: nobody can tell. */
static void a_draw_decides_nothing(void **state)
{
    (void)state;
    set(SENTINELS);
    named[0] = NEW;
    server_stop(&scene.servers[2]);
    scene_open(&scene);
    scene_run_until(&scene, scene_is_down);
    while (strstr(scene.why.text, "same primary") == NULL)
        (void)uv_run(&scene.loop, UV_RUN_ONCE);
    assert_int_equal(scene.why.code, SV_EUNAVAILABLE);
    assert_int_equal(scene_start(&scene, 0, "GET x", NULL), SV_EUNAVAILABLE);
    named[0] = OLD;
    scene_run_until(&scene, scene_is_ready);
    expect("redis3");
    scene_finish(&scene);
}

static void a_draw_keeps_the_present_primary(void **state)
{
    (void)state;
    set(2);
    open_ready();
    named[0] = NEW;
    run_questions(4);
    expect("redis3");
    scene_finish(&scene);
}

static void one_of_three_is_not_believed(void **state)
{
    (void)state;
    set(SENTINELS);
    server_stop(&scene.servers[0]);
    server_stop(&scene.servers[1]);
    scene_open(&scene);
    run_questions(3);
    assert_false(sv_redis_group_is_ready(scene.group));
    assert_int_equal(scene.servers[OLD].peers_count, 0);
    scene_finish(&scene);
}

/* The same when it is the one that is cut off: what stands, stands. */
static void the_present_primary_stays_without_a_majority(void **state)
{
    (void)state;
    set(SENTINELS);
    open_ready();
    server_stop(&scene.servers[0]);
    server_stop(&scene.servers[1]);
    named[2] = NEW;
    run_questions(3);
    expect("redis3");
    scene_finish(&scene);
}

static void a_single_sentinel_is_enough_where_one_is_listed(void **state)
{
    (void)state;
    set(1);
    open_ready();
    expect("redis3");
    scene_finish(&scene);
}

static void a_failover_is_followed(void **state)
{
    struct sv_redis_follower *follower;
    struct sv_redis_target target;

    (void)state;
    set(SENTINELS);
    open_ready();
    follower = sv_redis_follower_new(scene.group, "x", "blocks", 1 << 20);
    target = (struct sv_redis_target){.follower = follower};
    while (!sv_redis_follower_is_ready(follower))
        (void)uv_run(&scene.loop, UV_RUN_ONCE);
    assert_int_equal(scene_start(&scene, 0, "HOLD x", NULL), SV_OK);
    assert_int_equal(scene_start(&scene, 1, "HOLD x", &target), SV_OK);
    named[0] = named[1] = NEW;
    scene_run_until(&scene, scene_all_ended);
    assert_int_equal(scene.calls[0].err, SV_ECONNECT);
    assert_int_equal(scene.calls[1].err, SV_ECONNECT);
    scene_run_until(&scene, scene_is_ready);
    expect("redis4");
    while (!sv_redis_follower_is_ready(follower))
        (void)uv_run(&scene.loop, UV_RUN_ONCE);
    assert_int_equal(scene_start(&scene, 0, "GET x", &target), SV_OK);
    scene_run_until(&scene, scene_all_ended);
    assert_string_equal(scene.calls[0].reply, "redis4");
    scene_finish(&scene);
}

/* All of them name a server that knows itself to be a replica: it is not used. */
static void role_is_checked(void **state)
{
    (void)state;
    set(SENTINELS);
    is_replica[OLD] = true;
    scene_open(&scene);
    scene_run_until(&scene, scene_is_down);
    assert_int_equal(scene.why.code, SV_EUNAVAILABLE);
    assert_non_null(strstr(scene.why.text, "not master"));
    assert_int_equal(scene_start(&scene, 0, "GET x", NULL), SV_ECONNECT);
    is_replica[OLD] = false;
    scene_run_until(&scene, scene_is_ready);
    expect("redis3");
    scene_finish(&scene);
}

static void an_unknown_name_is_told(void **state)
{
    (void)state;
    set(SENTINELS);
    named[0] = named[1] = named[2] = UNKNOWN;
    scene_open(&scene);
    scene_run_until(&scene, scene_is_down);
    assert_int_equal(scene.why.code, SV_EUNAVAILABLE);
    assert_non_null(strstr(scene.why.text, "\"main\""));
    scene_finish(&scene);
}

static void nobody_there_is_told(void **state)
{
    (void)state;
    set(SENTINELS);
    for (unsigned i = 0; i < SENTINELS; i++)
        server_stop(&scene.servers[i]);
    scene_open(&scene);
    scene_run_until(&scene, scene_is_down);
    assert_int_equal(scene.why.code, SV_ECONNECT);
    assert_non_null(strstr(scene.why.text, "no Sentinel answers"));
    scene_finish(&scene);
}

/* A Sentinel without a password would answer AUTH with an error, so it comes second. */
static void a_sentinel_that_wants_a_password_gets_it(void **state)
{
    (void)state;
    set(SENTINELS);
    wanted_password = "secret";
    (void)snprintf(scene.options.redis.address.password,
                   sizeof(scene.options.redis.address.password), "secret");
    open_ready();
    expect("redis3");
    scene_finish(&scene);
    set(SENTINELS);
    wanted_password = "other";
    (void)snprintf(scene.options.redis.address.password,
                   sizeof(scene.options.redis.address.password), "secret");
    scene_open(&scene);
    scene_run_until(&scene, scene_is_down);
    assert_int_equal(scene.why.code, SV_EDENIED);
    scene_finish(&scene);
}

static void closing_at_any_moment(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 40; turns++) {
        set(SENTINELS);
        scene_open(&scene);
        for (unsigned i = 0; i < turns; i++)
            (void)uv_run(&scene.loop, UV_RUN_NOWAIT);
        if (sv_redis_group_is_ready(scene.group))
            assert_int_equal(scene_start(&scene, 0, "HOLD x", NULL), SV_OK);
        scene_finish(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_primary_they_name_is_used),
        cmocka_unit_test(one_that_lies_is_outvoted),
        cmocka_unit_test(the_dead_do_not_vote),
        cmocka_unit_test(a_draw_decides_nothing),
        cmocka_unit_test(a_draw_keeps_the_present_primary),
        cmocka_unit_test(one_of_three_is_not_believed),
        cmocka_unit_test(the_present_primary_stays_without_a_majority),
        cmocka_unit_test(a_single_sentinel_is_enough_where_one_is_listed),
        cmocka_unit_test(a_failover_is_followed),
        cmocka_unit_test(role_is_checked),
        cmocka_unit_test(an_unknown_name_is_told),
        cmocka_unit_test(nobody_there_is_told),
        cmocka_unit_test(a_sentinel_that_wants_a_password_gets_it),
        cmocka_unit_test(closing_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
