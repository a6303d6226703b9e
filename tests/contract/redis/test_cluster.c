/* A group on a Cluster of scripted nodes: where commands go, and that no answer, however often it
 * is given, keeps one for longer than a command may take (F08, F12). */
#include "group_kit.h"
#include "slots.h"

/* Keys by the node that serves them: slots 0 .. 8191 are node 0's, the others node 1's. */
#define LOW  "b" /* slot 3300 */
#define HIGH "a" /* slot 15495 */

static struct scene scene;
static unsigned split; /* the first slot of node 1 */
static bool is_map_odd;

static const char *answer_map(const struct server *server)
{
    static char map[512];

    if (is_map_odd && scene_number(&scene, server) == 0)
        return "*1\r\n*2\r\n:0\r\n:1\r\n";
    (void)snprintf(map, sizeof(map),
                   "*2\r\n*3\r\n:0\r\n:%u\r\n*2\r\n$9\r\n127.0.0.1\r\n:%u\r\n"
                   "*3\r\n:%u\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%u\r\n",
                   split - 1, scene.servers[0].port, split, scene.servers[1].port);
    return map;
}

static const char *answer_well(struct server *server, const char *argv0, const redisReply *command)
{
    if (strcmp(argv0, "CLUSTER") == 0)
        return answer_map(server);
    if (strcmp(argv0, "GET") == 0) {
        static char text[16];

        (void)snprintf(text, sizeof(text), "+node%u\r\n", scene_number(&scene, server));
        return text;
    }
    return answer_politely(server, argv0, command);
}

static void set(unsigned hosts)
{
    scene_set(&scene, SV_REDIS_CLUSTER, hosts);
    split = 8192;
    is_map_odd = false;
    for (unsigned i = 0; i < SCENE_SERVERS; i++)
        scene.servers[i].answer = answer_well;
}

static void open_ready(void)
{
    set(1);
    scene_open(&scene);
    scene_run_until(&scene, scene_is_ready);
}

static void expect(const char *line, const char *reply)
{
    assert_int_equal(scene_do(&scene, 0, line), SV_OK);
    assert_string_equal(scene.calls[0].reply, reply);
}

static void commands_go_where_their_key_is(void **state)
{
    (void)state;
    assert_true(sv_redis_slot_of(LOW, 1) < 8192 && sv_redis_slot_of(HIGH, 1) >= 8192);
    open_ready();
    expect("GET " LOW, "node0");
    expect("GET " HIGH, "node1");
    expect("GET x{" HIGH "}y", "node1");
    assert_int_equal(scene_start(&scene, 0, "ECHO x", &(struct sv_redis_target){.key = HIGH}),
                     SV_OK);
    scene_run_until(&scene, scene_all_ended);
    assert_int_equal(scene_count(&scene, 1, "ECHO x|"), 1);
    assert_int_equal(scene_count(&scene, 0, "CLUSTER SLOTS|"), 1);
    scene_finish(&scene);
}

/* Three servers, the first of which has slots behind the others' as well. */
static const char *answer_three(struct server *server, const char *argv0, const redisReply *command)
{
    static const struct {
        unsigned first, last, node;
    } ranges[] = {{0, 99, 0}, {100, 199, 1}, {200, 299, 0}, {300, 16383, 2}};
    static char map[512];
    int at = snprintf(map, sizeof(map), "*4\r\n");

    if (strcmp(argv0, "CLUSTER") != 0)
        return answer_politely(server, argv0, command);
    for (unsigned i = 0; i < 4; i++)
        at += snprintf(map + at, sizeof(map) - (size_t)at,
                       "*3\r\n:%u\r\n:%u\r\n*2\r\n$9\r\n127.0.0.1\r\n:%u\r\n", ranges[i].first,
                       ranges[i].last, scene.servers[ranges[i].node].port);
    return map;
}

static void every_server_is_asked_once(void **state)
{
    unsigned slot = 0, asked = 0;

    (void)state;
    set(1);
    for (unsigned i = 0; i < SCENE_SERVERS; i++)
        scene.servers[i].answer = answer_three;
    scene_open(&scene);
    scene_run_until(&scene, scene_is_ready);
    do {
        const struct sv_redis_target target = {.by_slot = true, .slot = slot};

        assert_int_equal(scene_start(&scene, asked++, "ECHO x", &target), SV_OK);
    } while (sv_redis_group_next(scene.group, &slot));
    assert_int_equal(asked, 3);
    assert_int_equal(slot, 300);
    scene_run_until(&scene, scene_all_ended);
    for (unsigned i = 0; i < asked; i++)
        assert_int_equal(scene_count(&scene, i, "ECHO x|"), 1);
    scene_finish(&scene);
}

/* --- MOVED --- */

static unsigned moved_port;

static const char *answer_moved(struct server *server, const char *argv0, const redisReply *command)
{
    static char text[64];

    if (strcmp(argv0, "GET") != 0)
        return answer_well(server, argv0, command);
    (void)snprintf(text, sizeof(text), "-MOVED %u 127.0.0.1:%u\r\n",
                   sv_redis_slot_of(command->element[1]->str, (size_t)command->element[1]->len),
                   moved_port);
    return text;
}

static void moved_is_followed_and_the_map_asked_for_once(void **state)
{
    (void)state;
    open_ready();
    scene.servers[0].answer = answer_moved;
    moved_port = scene.servers[1].port;
    split = 1;
    for (size_t i = 0; i < SCENE_CALLS; i++)
        assert_int_equal(scene_start(&scene, i, "GET " LOW, NULL), SV_OK);
    scene_run_until(&scene, scene_all_ended);
    for (size_t i = 0; i < SCENE_CALLS; i++)
        assert_string_equal(scene.calls[i].reply, "node1");
    expect("GET " LOW, "node1"); /* known now */
    assert_int_equal(scene_count(&scene, 0, "GET " LOW "|"), SCENE_CALLS);
    assert_true(
        scene_count(&scene, 0, "CLUSTER SLOTS|") + scene_count(&scene, 1, "CLUSTER SLOTS|") <= 2);
    scene_finish(&scene);
}

static void moved_to_a_node_nobody_knew(void **state)
{
    (void)state;
    open_ready();
    scene.servers[0].answer = answer_moved;
    moved_port = scene.servers[2].port;
    expect("GET " LOW, "node2");
    scene_finish(&scene);
}

/* The first server has all slots by now. */
static const char *answer_alone(struct server *server, const char *argv0, const redisReply *command)
{
    static char map[64];

    if (strcmp(argv0, "CLUSTER") != 0)
        return answer_well(server, argv0, command);
    (void)snprintf(map, sizeof(map), "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%u\r\n",
                   scene.servers[0].port);
    return map;
}

static const char *answer_moved_once(struct server *server, const char *argv0,
                                     const redisReply *command)
{
    if (strcmp(argv0, "GET") != 0)
        return answer_alone(server, argv0, command);
    server->answer = answer_alone;
    return answer_moved(server, argv0, command);
}

/* While another call is held up. */
static const char *ask_beside(const char *line)
{
    assert_int_equal(scene_start(&scene, 0, line, NULL), SV_OK);
    while (scene.calls[0].ends < scene.calls[0].starts)
        (void)uv_run(&scene.loop, UV_RUN_ONCE);
    assert_int_equal(scene.calls[0].err, SV_OK);
    return scene.calls[0].reply;
}

/* It serves nothing any more, but somebody waits for its answer. */
static void a_server_that_lost_its_slots_may_still_answer(void **state)
{
    const struct sv_redis_target high = {.key = HIGH};

    (void)state;
    open_ready();
    assert_int_equal(scene_start(&scene, 1, "HOLD x", &high), SV_OK);
    while (scene_count(&scene, 1, "HOLD x|") == 0)
        (void)uv_run(&scene.loop, UV_RUN_ONCE);
    scene.servers[0].answer = answer_moved_once;
    scene.servers[1].answer = scene.servers[2].answer = answer_alone;
    moved_port = scene.servers[2].port;
    assert_string_equal(ask_beside("GET " LOW), "node2");
    while (strcmp(ask_beside("GET " LOW), "node0") != 0) /* until the new map is in force */
        continue;
    assert_int_equal(scene.calls[1].ends, 0);
    scene_finish(&scene);
}

static const char *answer_no_slots(struct server *server, const char *argv0,
                                   const redisReply *command)
{
    if (strcmp(argv0, "CLUSTER") == 0)
        return "*0\r\n";
    return answer_politely(server, argv0, command);
}

static void a_cluster_without_slots_is_told(void **state)
{
    (void)state;
    set(1);
    scene.servers[0].answer = answer_no_slots;
    scene_open(&scene);
    scene_run_until(&scene, scene_is_down);
    assert_int_equal(scene.why.code, SV_EUNAVAILABLE);
    assert_non_null(strstr(scene.why.text, "serves no slots"));
    scene_finish(&scene);
}

static void moved_in_a_circle_ends(void **state)
{
    (void)state;
    set(1);
    scene.options.redis.command_ms = 300;
    scene.servers[0].answer = scene.servers[1].answer = answer_moved;
    scene_open(&scene);
    scene_run_until(&scene, scene_is_ready);
    moved_port = scene.servers[0].port;
    assert_int_equal(scene_do(&scene, 0, "GET " LOW), SV_EUNAVAILABLE);
    assert_non_null(strstr(scene.calls[0].info.text, "MOVED"));
    assert_true(scene_count(&scene, 0, "GET " LOW "|") < 40);
    scene_finish(&scene);
}

static bool map_was_asked_again(const struct scene *of)
{
    return scene_count(of, 0, "CLUSTER SLOTS|") + scene_count(of, 1, "CLUSTER SLOTS|") > 1;
}

/* --- ASK --- */

static const char *answer_ask(struct server *server, const char *argv0, const redisReply *command)
{
    static char text[64];

    if (strcmp(argv0, "GET") != 0)
        return answer_well(server, argv0, command);
    (void)snprintf(text, sizeof(text), "-ASK %u 127.0.0.1:%u\r\n",
                   sv_redis_slot_of(command->element[1]->str, (size_t)command->element[1]->len),
                   scene.servers[2].port);
    return text;
}

static void ask_is_true_of_one_command(void **state)
{
    (void)state;
    open_ready();
    scene.servers[0].answer = answer_ask;
    for (int i = 0; i < 3; i++)
        expect("GET " LOW, "node2");
    assert_int_equal(scene_count(&scene, 0, "GET " LOW "|"), 3);
    assert_int_equal(scene_count(&scene, 2, "ASKING|GET " LOW "|"), 3);
    assert_int_equal(scene_count(&scene, 0, "CLUSTER SLOTS|"), 1);
    scene_finish(&scene);
}

static const char *answer_ask_once(struct server *server, const char *argv0,
                                   const redisReply *command)
{
    if (strcmp(argv0, "GET") == 0 && server->number > 0) {
        server->number--;
        return answer_ask(server, argv0, command);
    }
    return answer_well(server, argv0, command);
}

static void ask_is_over_when_the_move_is_given_up(void **state)
{
    (void)state;
    open_ready();
    scene.servers[0].answer = answer_ask_once;
    scene.servers[0].number = 1;
    scene.servers[2].answer = answer_moved;
    moved_port = scene.servers[0].port;
    expect("GET " LOW, "node0");
    assert_int_equal(scene_count(&scene, 2, "ASKING|GET " LOW "|"), 1);
    scene_finish(&scene);
}

static const char *answer_noscript(struct server *server, const char *argv0,
                                   const redisReply *command)
{
    if (strcmp(argv0, "GET") == 0)
        return "-NOSCRIPT No matching script.\r\n";
    return answer_well(server, argv0, command);
}

static void load_beside(struct routed_call *call)
{
    struct sv_redis_target target = {.beside = &call->routed};

    if (call == &call->scene->calls[0])
        assert_int_equal(scene_start(call->scene, 1, "SCRIPT LOAD x", &target), SV_OK);
}

static void beside_is_where_the_other_was_answered(void **state)
{
    (void)state;
    open_ready();
    scene.servers[0].answer = answer_ask;
    scene.servers[2].answer = answer_noscript;
    scene.on_end = load_beside;
    assert_int_equal(scene_do(&scene, 0, "GET " LOW), SV_ENOTFOUND);
    assert_int_equal(scene_count(&scene, 2, "SCRIPT LOAD x|"), 1);
    assert_int_equal(scene_count(&scene, 0, "SCRIPT LOAD x|"), 0);
    scene_finish(&scene);
}

/* --- TRYAGAIN and CLUSTERDOWN --- */

static const char *answer_later(struct server *server, const char *argv0, const redisReply *command)
{
    if (strcmp(argv0, "GET") == 0 && server->number > 0) {
        server->number--;
        return server->replies;
    }
    return answer_well(server, argv0, command);
}

static void what_passes_is_waited_for(void **state)
{
    static const char *const words[] = {
        "-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
        "-CLUSTERDOWN The cluster is down\r\n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        open_ready();
        scene.servers[0].answer = answer_later;
        scene.servers[0].replies = words[i];
        scene.servers[0].number = 4;
        expect("GET " LOW, "node0");
        assert_int_equal(scene_count(&scene, 0, "GET " LOW "|"), 5);
        scene_finish(&scene);
    }
}

static void what_does_not_pass_is_given_back(void **state)
{
    (void)state;
    set(1);
    scene.options.redis.command_ms = 300;
    scene.servers[0].answer = answer_later;
    scene.servers[0].replies = "-CLUSTERDOWN Hash slot not served\r\n";
    scene.servers[0].number = UINT_MAX;
    scene_open(&scene);
    scene_run_until(&scene, scene_is_ready);
    assert_int_equal(scene_do(&scene, 0, "GET " LOW), SV_EUNAVAILABLE);
    assert_non_null(strstr(scene.calls[0].info.text, "CLUSTERDOWN"));
    assert_true(scene_count(&scene, 0, "GET " LOW "|") < 30);
    scene_run_until(&scene, map_was_asked_again);
    scene_finish(&scene);
}

static void a_waiting_command_can_be_canceled(void **state)
{
    (void)state;
    open_ready();
    scene.servers[0].answer = answer_later;
    scene.servers[0].replies = "-TRYAGAIN later\r\n";
    scene.servers[0].number = UINT_MAX;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(scene_start(&scene, i, "GET " LOW, NULL), SV_OK);
    while (scene_count(&scene, 0, "GET " LOW "|") < 12)
        (void)uv_run(&scene.loop, UV_RUN_ONCE);
    sv_redis_group_cancel(&scene.calls[1].routed);
    assert_int_equal(scene.calls[1].ends, 0);
    while (scene.calls[1].ends == 0)
        (void)uv_run(&scene.loop, UV_RUN_ONCE);
    assert_int_equal(scene.calls[1].err, SV_ECANCELED);
    assert_int_equal(scene.calls[0].ends + scene.calls[2].ends + scene.calls[3].ends, 0);
    scene_finish(&scene);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(scene.calls[i].err, SV_ECANCELED);
}

/* --- nodes come and go --- */

static void a_host_without_a_map_is_passed_over(void **state)
{
    (void)state;
    set(3);
    is_map_odd = true;
    scene.options.place.hosts[1].port = scene.servers[1].refusing_port;
    scene_open(&scene);
    scene_run_until(&scene, scene_is_ready);
    assert_int_equal(scene.down_count, 0);
    expect("GET " HIGH, "node1");
    scene_finish(&scene);
}

static void nobody_has_a_map(void **state)
{
    (void)state;
    set(2);
    is_map_odd = true;
    scene.options.place.hosts[1].port = scene.servers[1].refusing_port;
    scene_open(&scene);
    scene_run_until(&scene, scene_is_down);
    assert_int_equal(scene_start(&scene, 0, "GET " LOW, NULL), SV_EUNAVAILABLE);
    is_map_odd = false;
    scene_run_until(&scene, scene_is_ready);
    scene_finish(&scene);
}

static void a_lost_node_is_replaced_by_the_next_map(void **state)
{
    (void)state;
    open_ready();
    scene.servers[1].answer = answer_politely; /* HOLD is answered by nothing */
    assert_int_equal(scene_start(&scene, 0, "HOLD " HIGH, NULL), SV_OK);
    while (scene_count(&scene, 1, "HOLD") == 0)
        (void)uv_run(&scene.loop, UV_RUN_ONCE);
    split = 16383; /* node 0 has taken over all but the last slot */
    scene.down_count = 0;
    server_stop(&scene.servers[1]);
    scene_run_until(&scene, scene_all_ended);
    assert_int_equal(scene.calls[0].err, SV_ECONNECT);
    scene_run_until(&scene, scene_is_down);
    assert_false(sv_redis_group_is_ready(scene.group));
    while (scene_do(&scene, 0, "GET " HIGH) != SV_OK)
        (void)uv_run(&scene.loop, UV_RUN_ONCE);
    assert_string_equal(scene.calls[0].reply, "node0");
    scene_finish(&scene);
}

/* --- followers --- */

static struct sv_redis_follower *follower;

static bool follower_is_ready(const struct scene *of)
{
    (void)of;
    return sv_redis_follower_is_ready(follower);
}

/* A Cluster and a connection of its own for what blocks on LOW; where commands are sent by it. */
static struct sv_redis_target open_followed(void)
{
    set(1);
    scene_open(&scene);
    follower = sv_redis_follower_new(scene.group, LOW, "blocks", 1 << 20);
    return (struct sv_redis_target){.follower = follower};
}

static void a_follower_moves_with_its_key(void **state)
{
    struct sv_redis_target target = open_followed();

    (void)state;
    assert_int_equal(scene_start(&scene, 0, "GET " LOW, &target), SV_EUNAVAILABLE);
    scene_run_until(&scene, follower_is_ready);
    assert_int_equal(scene_count(&scene, 0, "CLIENT SETNAME blocks|"), 1);
    scene.servers[0].answer = answer_moved;
    moved_port = scene.servers[1].port;
    split = 1;
    assert_int_equal(scene_start(&scene, 0, "GET " LOW, &target), SV_OK);
    scene_run_until(&scene, scene_all_ended);
    assert_string_equal(scene.calls[0].reply, "node1");
    assert_int_equal(scene_count(&scene, 1, "CLIENT SETNAME blocks|"), 1);
    scene_finish(&scene);
}

static void a_follower_asks_for_as_long_as_the_slot_moves(void **state)
{
    struct sv_redis_target target = open_followed();

    (void)state;
    scene_run_until(&scene, follower_is_ready);
    scene.servers[0].answer = answer_ask;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(scene_start(&scene, 0, "GET " LOW, &target), SV_OK);
        scene_run_until(&scene, scene_all_ended);
        assert_string_equal(scene.calls[0].reply, "node2");
    }
    assert_int_equal(scene_count(&scene, 0, "GET " LOW "|"), 1);
    assert_int_equal(scene_count(&scene, 2, "ASKING|GET " LOW "|"), 3);
    scene.servers[2].answer = answer_moved; /* the move was given up */
    moved_port = scene.servers[0].port;
    scene.servers[0].answer = answer_well;
    assert_int_equal(scene_start(&scene, 0, "GET " LOW, &target), SV_OK);
    scene_run_until(&scene, scene_all_ended);
    assert_string_equal(scene.calls[0].reply, "node0");
    scene_finish(&scene);
}

static void what_blocks_ends_when_its_key_is_elsewhere(void **state)
{
    struct sv_redis_target target = open_followed();

    (void)state;
    scene_run_until(&scene, scene_is_ready);
    scene_run_until(&scene, follower_is_ready);
    scene.servers[0].answer = answer_moved;
    moved_port = scene.servers[1].port;
    split = 1;
    assert_int_equal(scene_start(&scene, 0, "HOLD " LOW, &target), SV_OK);
    assert_int_equal(scene_start(&scene, 1, "GET " LOW, NULL), SV_OK); /* finds the slot moved */
    scene_run_until(&scene, scene_all_ended);
    assert_int_equal(scene.calls[0].err, SV_ECONNECT);
    assert_string_equal(scene.calls[1].reply, "node1");
    scene_finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_go_where_their_key_is),
        cmocka_unit_test(every_server_is_asked_once),
        cmocka_unit_test(moved_is_followed_and_the_map_asked_for_once),
        cmocka_unit_test(moved_to_a_node_nobody_knew),
        cmocka_unit_test(a_server_that_lost_its_slots_may_still_answer),
        cmocka_unit_test(a_cluster_without_slots_is_told),
        cmocka_unit_test(moved_in_a_circle_ends),
        cmocka_unit_test(ask_is_true_of_one_command),
        cmocka_unit_test(ask_is_over_when_the_move_is_given_up),
        cmocka_unit_test(beside_is_where_the_other_was_answered),
        cmocka_unit_test(what_passes_is_waited_for),
        cmocka_unit_test(what_does_not_pass_is_given_back),
        cmocka_unit_test(a_waiting_command_can_be_canceled),
        cmocka_unit_test(a_host_without_a_map_is_passed_over),
        cmocka_unit_test(nobody_has_a_map),
        cmocka_unit_test(a_lost_node_is_replaced_by_the_next_map),
        cmocka_unit_test(a_follower_moves_with_its_key),
        cmocka_unit_test(a_follower_asks_for_as_long_as_the_slot_moves),
        cmocka_unit_test(what_blocks_ends_when_its_key_is_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
