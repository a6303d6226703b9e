#include "group_kit.h"

void scene_set(struct scene *scene, enum sv_redis_kind kind, unsigned hosts)
{
    memset(scene, 0, sizeof(*scene));
    assert_int_equal(uv_loop_init(&scene->loop), 0);
    sv_rand_seeded_init(&scene->rand, 7);
    for (unsigned i = 0; i < SCENE_SERVERS; i++)
        server_start(&scene->servers[i], &scene->loop, NULL);
    scene->options = (struct sv_redis_group_options){
        .redis = {.address = {.host = "127.0.0.1", .port = scene->servers[0].port},
                  .command_ms = 10000,
                  .connect_ms = 2000,
                  .reconnect_first_ms = 1,
                  .reconnect_cap_ms = 20,
                  .rand = &scene->rand},
        .place = {.kind = kind, .primary = "main", .hosts_count = hosts},
    };
    for (unsigned i = 0; i < hosts; i++) {
        (void)snprintf(scene->options.place.hosts[i].host, SV_REDIS_HOST_BYTES, "127.0.0.1");
        scene->options.place.hosts[i].port = scene->servers[i].port;
    }
}

static void on_state(void *context, bool ready, const struct sv_errinfo *why)
{
    struct scene *scene = context;

    assert_false(scene->is_closing);
    if (ready) {
        assert_true(sv_redis_group_is_ready(scene->group));
        scene->ready_count++;
    } else {
        assert_int_not_equal(why->code, SV_OK);
        scene->down_count++;
        scene->why = *why;
    }
}

void scene_open(struct scene *scene)
{
    scene->group = sv_redis_group_new(&scene->loop, &scene->options, on_state, scene);
    assert_false(sv_redis_group_is_ready(scene->group));
    assert_int_equal(scene->ready_count + scene->down_count, 0);
}

static void on_closed(void *context)
{
    struct scene *scene = context;

    assert_false(scene->is_closed);
    assert_true(scene_all_ended(scene)); /* closed is the very last thing */
    scene->is_closed = true;
}

void scene_close(struct scene *scene)
{
    scene->is_closing = true;
    sv_redis_group_close(scene->group, on_closed, scene);
    assert_false(scene->is_closed);
}

static void on_done(struct sv_redis_routed *routed, enum sv_err err, const redisReply *reply)
{
    struct routed_call *call = routed->owner;

    assert_false(call->in_start);
    assert_int_equal(routed->info.code, err);
    assert_true(reply != NULL || err != SV_OK);
    assert_int_equal(++call->ends, call->starts);
    call->err = err;
    call->info = routed->info;
    if (reply != NULL && reply->str != NULL)
        (void)snprintf(call->reply, sizeof(call->reply), "%s", reply->str);
    if (call->scene->on_end != NULL)
        call->scene->on_end(call);
    else
        memset(routed, 0xa5, sizeof(*routed)); /* ours again: whoever reads it now goes astray */
}

enum sv_err scene_start(struct scene *scene, size_t i, const char *line,
                        const struct sv_redis_target *target)
{
    struct routed_call *call = &scene->calls[i];
    struct sv_redis_words words = {.argv = call->argv};
    struct sv_errinfo info = {.code = SV_OK};
    char *rest = call->copy;
    enum sv_err err;

    assert_true(i < SCENE_CALLS && snprintf(call->copy, sizeof(call->copy), "%s", line) < 256);
    for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " "))
        call->argv[words.count++] = word;
    assert_int_equal(call->ends, call->starts);
    call->scene = scene;
    call->routed.owner = call;
    call->reply[0] = '\0';
    call->in_start = true;
    err = sv_redis_group_start(scene->group, &call->routed, &words,
                               target != NULL ? target : &(struct sv_redis_target){.key = NULL},
                               on_done, &info);
    call->in_start = false;
    assert_int_equal(info.code, err);
    if (err == SV_OK)
        call->starts++;
    return err;
}

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("what was waited for did not happen within %d ms", WATCHDOG_MS);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

void scene_run_until(struct scene *scene, scene_holds_fn *holds)
{
    uv_timer_t *watchdog = calloc(1, sizeof(*watchdog)); /* closes whenever the loop turns again */

    assert_non_null(watchdog);
    assert_int_equal(uv_timer_init(&scene->loop, watchdog), 0);
    assert_int_equal(uv_timer_start(watchdog, on_watchdog, WATCHDOG_MS, 0), 0);
    while (!holds(scene))
        (void)uv_run(&scene->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)watchdog, free_handle);
}

bool scene_is_ready(const struct scene *scene)
{
    return sv_redis_group_is_ready(scene->group) && scene->ready_count > 0;
}

bool scene_is_down(const struct scene *scene)
{
    return scene->down_count > 0;
}

bool scene_all_ended(const struct scene *scene)
{
    for (size_t i = 0; i < SCENE_CALLS; i++) {
        if (scene->calls[i].ends != scene->calls[i].starts)
            return false;
    }
    return true;
}

static bool has_closed(const struct scene *scene)
{
    return scene->is_closed;
}

enum sv_err scene_do(struct scene *scene, size_t i, const char *line)
{
    enum sv_err err = scene_start(scene, i, line, NULL);

    if (err != SV_OK)
        return err;
    scene_run_until(scene, scene_all_ended);
    return scene->calls[i].err;
}

unsigned scene_count(const struct scene *scene, unsigned i, const char *words)
{
    const char *at = sv_buf_str(&scene->servers[i].seen);
    unsigned count = 0;

    while ((at = strstr(at, words)) != NULL) {
        count++;
        at += strlen(words);
    }
    return count;
}

unsigned scene_number(const struct scene *scene, const struct server *server)
{
    return (unsigned)(server - scene->servers);
}

void scene_finish(struct scene *scene)
{
    if (!scene->is_closing)
        scene_close(scene);
    scene_run_until(scene, has_closed);
    for (unsigned i = 0; i < SCENE_SERVERS; i++)
        server_stop(&scene->servers[i]);
    assert_int_equal(uv_run(&scene->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
}
