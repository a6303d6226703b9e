#include "drive_world.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/digest.h"
#include "sv/json.h"

enum { WATCH_MS = 2 };

static const struct sv_policy quick = {
    .first_look_ms = 10,
    .floor_ms = 10,
    .cap_ms = 40,
    .verified_every_ms = 50,
    .confirm_after_ms = 20,
    .ses_floor_ms = 10,
    .restart_cooldown_ms = 50,
    .patience_ms = 60000,
    .daily_ms = 100,
    .daily_for_ms = 1000,
    .weekly_ms = 100,
    .fault_first_ms = 5,
    .fault_cap_ms = 20,
    .restarts_per_day = 3,
    .grow_permille = 1200,
    .jitter_permille = 200,
};

/* ---- birth and death ---- */

static void on_watch(uv_timer_t *timer)
{
    (void)timer;
}

void world_new(struct world *world)
{
    *world = (struct world){0};
    assert_int_equal(uv_loop_init(&world->loop), 0);
    assert_int_equal(uv_timer_init(&world->loop, &world->watch), 0);
    assert_int_equal(uv_timer_start(&world->watch, on_watch, WATCH_MS, WATCH_MS), 0);
    sv_rand_seeded_init(&world->rand, 7);
    world->store = sv_fake_store_new(&world->loop, 4);
    world->ses = fake_ses_new(&world->loop, sv_clock_system());
    world->resolver = sv_fake_resolver_new(&world->loop, sv_clock_system());
    world->account = (struct sv_account){.name = "default",
                                         .region = "eu-west-1",
                                         .ses = fake_ses_interface(world->ses),
                                         .rate_millihertz = 1000 * 1000};
    world->options = (struct sv_drive_options){
        .loop = &world->loop,
        .store = world->store,
        .resolver = world->resolver,
        .accounts = &world->account,
        .accounts_count = 1,
        .policy = quick,
        .limits = sv_limits_default(),
        .rules = {.allow_special_use = true},
        .worker = "test",
        .shards = 1,
        .lease_ms = 500,
        .poll_ms = 20,
        .reclaim_ms = 40,
        .dns_ms = 2000,
        .rand = &world->rand,
        .clock = sv_clock_system(),
    };
}

static void on_prepared(void *context, enum sv_err err, const struct sv_errinfo *info)
{
    struct world *world = context;

    (void)info;
    assert_false(world->prepared);
    world->prepared = true;
    world->prepared_err = err;
}

void world_start(struct world *world)
{
    world->drive = sv_drive_new(&world->options);
    sv_drive_start(world->drive, on_prepared, world);
}

static void on_closed(void *context)
{
    struct world *world = context;

    assert_false(world->closed);
    world->closed = true;
    world->drive = NULL;
}

static void on_drained(void *context, unsigned left)
{
    struct world *world = context;

    assert_false(world->drained);
    world->drained = true;
    world->left = left;
}

void world_drain(struct world *world, sv_ms drain_ms)
{
    sv_drive_drain(world->drive, drain_ms, on_drained, world);
}

bool world_is_drained(struct world *world)
{
    return world->drained;
}

static void on_other_closed(void *context)
{
    struct world *world = context;

    world->others_open--;
}

static bool is_closed(struct world *world)
{
    return world->closed;
}

static bool others_are_closed(struct world *world)
{
    return world->others_open == 0;
}

void world_close_drive(struct world *world)
{
    sv_drive_close(world->drive, on_closed, world);
    assert_false(world->closed); /* never from inside */
    world_until(world, is_closed, "the driver is closed");
    world->closed = world->prepared = world->drained = false;
}

void world_end(struct world *world)
{
    if (world->drive != NULL)
        world_close_drive(world);
    world->closed = true;
    world->others_open = 3;
    sv_ses_close(fake_ses_interface(world->ses), on_other_closed, world);
    sv_resolver_close(world->resolver, on_other_closed, world);
    sv_store_close(world->store, on_other_closed, world);
    world_until(world, others_are_closed, "the fakes are closed");
    uv_close((uv_handle_t *)&world->watch, NULL);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
}

int world_set_up(void **state)
{
    struct world *world = sv_alloc(1, sizeof *world);

    world_new(world);
    *state = world;
    return 0;
}

int world_tear_down(void **state)
{
    world_end(*state);
    free(*state);
    return 0;
}

/* ---- what is told ---- */

static void copy(const json_t *event, const char *path, char *out, size_t bytes)
{
    const json_t *value = sv_json_path(event, path);

    (void)snprintf(out, bytes, "%s", json_is_string(value) ? json_string_value(value) : "");
}

static void check(const struct world *world, const struct world_told *now)
{
    long long last = 0;

    for (size_t i = 0; i < world->told_count; i++) {
        const struct world_told *told = &world->told[i];

        if (strcmp(told->id, now->id) == 0)
            fail_msg("told twice: %s", now->text);
        if (strcmp(now->kind, "job") == 0 && strcmp(told->kind, "job") == 0 &&
            strcmp(told->job_id, now->job_id) == 0)
            fail_msg("answered twice: %s", now->text);
        if (strcmp(told->kind, "job") != 0 && strcmp(told->uid, now->uid) == 0)
            last = told->sequence;
    }
    if (strcmp(now->kind, "job") != 0 && now->sequence != last + 1)
        fail_msg("number %lld after %lld: %s", now->sequence, last, now->text);
}

static void take_in(struct world *world, const char *text)
{
    struct world_told *told = &world->told[world->told_count];
    char type[80], sequence[24];
    struct sv_errinfo info;
    json_t *event = sv_json_parse(text, strlen(text), SV_STORE_EVENT_BYTES_MAX, 16, &info);

    if (event == NULL)
        fail_msg("no event: %s", text);
    assert_true(world->told_count < WORLD_TOLD_MAX);
    *told = (struct world_told){.text = text};
    copy(event, "type", type, sizeof type);
    copy(event, "id", told->id, sizeof told->id);
    copy(event, "subject", told->domain, sizeof told->domain);
    copy(event, "data.domain_id", told->uid, sizeof told->uid);
    copy(event, "data.job_id", told->job_id, sizeof told->job_id);
    copy(event, "data.outcome", told->outcome, sizeof told->outcome);
    copy(event, "data.reason", told->reason, sizeof told->reason);
    copy(event, "sequence", sequence, sizeof sequence);
    told->sequence = strtoll(sequence, NULL, 10);
    if (strcmp(type, "io.sesverify.job.finished.v1") == 0)
        (void)snprintf(told->kind, sizeof told->kind, "job");
    else
        assert_int_equal(sscanf(type, "io.sesverify.domain.%23[a-z_].v1", told->kind), 1);
    json_decref(event);
    check(world, told);
    world->told_count++;
}

static void absorb(struct world *world)
{
    for (unsigned shard = 0; shard < 4; shard++) {
        const char *text;

        while ((text = sv_fake_store_event(world->store, shard, world->read[shard])) != NULL) {
            world->read[shard]++;
            take_in(world, text);
        }
    }
}

size_t world_count(const struct world *world, const char *domain, const char *kind)
{
    size_t count = 0;

    for (size_t i = 0; i < world->told_count; i++)
        count +=
            strcmp(world->told[i].kind, kind) == 0 && strcmp(world->told[i].domain, domain) == 0;
    return count;
}

const struct world_told *world_answer(const struct world *world, const char *job_id)
{
    for (size_t i = 0; i < world->told_count; i++) {
        if (strcmp(world->told[i].kind, "job") == 0 && strcmp(world->told[i].job_id, job_id) == 0)
            return &world->told[i];
    }
    return NULL;
}

sv_ms world_own_ms(void)
{
    FILE *file = fopen("/proc/self/schedstat", "re");
    unsigned long long ran_ns = 0, waited_ns = 0;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%llu %llu", &ran_ns, &waited_ns), 2);
    (void)fclose(file);
    return (sv_ms)((uv_hrtime() - waited_ns) / 1000000);
}

void world_expect_answer(struct world *world, const char *job_id, const char *outcome,
                         const char *reason)
{
    uint64_t until = world_now_ms() + WORLD_PATIENCE_MS;
    const struct world_told *answer;

    while ((answer = world_answer(world, job_id)) == NULL) {
        if (world_now_ms() > until)
            fail_msg("no answer to the job %s", job_id);
        world_turn(world, true);
    }
    if (strcmp(answer->outcome, outcome) != 0 || strcmp(answer->reason, reason) != 0)
        fail_msg("%s: not %s (%s) but %s", job_id, outcome, reason, answer->text);
}

static void on_counters(struct sv_store_call *call, enum sv_err err)
{
    const struct sv_store_counters *counters = &call->u.counters;
    struct world *world = call->owner;

    assert_int_equal(err, SV_OK);
    world->counting = false;
    world->counted = 0;
    for (size_t i = 0; i < counters->count; i++) {
        if (strcmp(counters->items[i].name, world->counter) == 0)
            world->counted = counters->items[i].value;
    }
}

int64_t world_counter(struct world *world, unsigned shard, const char *name)
{
    world->counter = name;
    world->counters.owner = world;
    world->counters.op = SV_STORE_COUNTERS;
    world->counters.shard = shard;
    world->counting = true;
    assert_int_equal(sv_store_start(world->store, &world->counters, on_counters, NULL), SV_OK);
    while (world->counting)
        world_turn(world, true);
    return world->counted;
}

struct sv_drive_stats world_stats(const struct world *world)
{
    struct sv_drive_stats stats;

    sv_drive_get_stats(world->drive, &stats);
    return stats;
}

/* ---- jobs ---- */

static void on_pushed(struct sv_store_call *call, enum sv_err err)
{
    struct world_push *push = call->owner;

    push->under_way = false;
    push->is_in = push->is_in || err == SV_OK;
}

static void push_on(struct world *world)
{
    for (size_t i = 0; i < world->pushes_count; i++) {
        struct world_push *push = &world->pushes[i];

        if (push->is_in || push->under_way)
            continue;
        push->call.owner = push;
        push->call.op = SV_STORE_ENQUEUE;
        push->call.shard = push->shard;
        push->call.u.enqueue =
            (struct sv_store_enqueue){.job = push->job, .job_bytes = strlen(push->job)};
        if (sv_store_start(world->store, &push->call, on_pushed, NULL) != SV_OK)
            return;
        push->under_way = true;
        return; /* one after the other keeps their order */
    }
}

static unsigned shard_of(const struct world *world, const char *job)
{
    char client[SV_STORE_CLIENT_BYTES];
    struct sv_errinfo info;
    json_t *tree = sv_json_parse(job, strlen(job), SV_STORE_JOB_BYTES_MAX, 8, &info);

    if (tree == NULL)
        return 0;
    copy(tree, "client_id", client, sizeof client);
    json_decref(tree);
    return sv_crc32(client, strlen(client)) % world->options.shards;
}

void world_push(struct world *world, const char *job)
{
    struct world_push *push = &world->pushes[world->pushes_count];

    assert_true(world->pushes_count++ < WORLD_PUSHES_MAX);
    *push = (struct world_push){.world = world};
    (void)snprintf(push->job, sizeof push->job, "%s", job);
    for (char *c = push->job; *c != '\0'; c++) {
        if (*c == '\'')
            *c = '"';
    }
    push->shard = shard_of(world, push->job);
}

bool world_pushed(struct world *world)
{
    for (size_t i = 0; i < world->pushes_count; i++) {
        if (!world->pushes[i].is_in)
            return false;
    }
    return true;
}

/* ---- time ---- */

void world_turn(struct world *world, bool wait)
{
    world->turns++;
    if (!world->closed && world->others_open == 0)
        push_on(world);
    (void)uv_run(&world->loop, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    if (!world->closed)
        absorb(world);
}

uint64_t world_now_ms(void)
{
    return uv_hrtime() / 1000000;
}

void world_until(struct world *world, bool (*is_so)(struct world *world), const char *what)
{
    uint64_t until = world_now_ms() + WORLD_PATIENCE_MS;

    while (!is_so(world)) {
        if (world_now_ms() > until)
            fail_msg("waited in vain until %s", what);
        world_turn(world, true);
    }
}

static bool is_prepared(struct world *world)
{
    return world->prepared;
}

void world_until_prepared(struct world *world)
{
    world_until(world, is_prepared, "the worker is ready");
}

void world_linger(struct world *world, sv_ms time_ms)
{
    uint64_t until = world_now_ms() + (uint64_t)time_ms;

    while (world_now_ms() < until)
        world_turn(world, true);
}

/* ---- a life ---- */

static const char *const name = "a.example";

void world_heal(struct world *world, const char *domain)
{
    struct sv_ses_identity *identity = fake_ses_find(world->ses, domain);

    assert_non_null(identity);
    identity->identity = identity->dkim = SV_AXIS_SUCCESS;
    identity->signing_enabled = SV_TRI_YES;
    for (size_t i = 0; i < identity->tokens_count; i++) {
        char owner[SV_NAME_BYTES], target[SV_NAME_BYTES];

        (void)snprintf(owner, sizeof owner, "%.60s._domainkey.%.150s", identity->tokens[i], domain);
        (void)snprintf(target, sizeof target, "%.60s.dkim.amazonses.com", identity->tokens[i]);
        sv_fake_resolver_add_cname(world->resolver, owner, target);
        sv_fake_resolver_add_txt(world->resolver, target, "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCB");
    }
}

static void stop_signing(struct world *world)
{
    fake_ses_find(world->ses, name)->signing_enabled = SV_TRI_NO;
}

static void sign_again(struct world *world)
{
    fake_ses_find(world->ses, name)->signing_enabled = SV_TRI_YES;
}

static void heal(struct world *world)
{
    world_heal(world, name);
}

bool world_live(struct world *world)
{
    static const struct {
        const char *job, *job_id;
        void (*act)(struct world *world);
        const char *kind;
        size_t count;
    } stages[] = {
        {"{'type':'register','client_id':'c','domain':'a.example','id':'j1',"
         "'mail_from':'bounce','legacy_txt':true}",
         "j1", NULL, "registered", 1},
        {NULL, NULL, heal, "verified", 1},
        {NULL, NULL, stop_signing, "at_risk", 1},
        {NULL, NULL, sign_again, "restored", 1},
        {"{'type':'recheck','client_id':'c','domain':'a.example','id':'j2'}", "j2", NULL,
         "restored", 1},
        {"{'type':'remove','client_id':'c','domain':'a.example','id':'j3',"
         "'delete_identity':true}",
         "j3", NULL, "removed", 1},
        {"{'type':'register','client_id':'c','domain':'a.example','id':'j4'}", "j4", NULL,
         "registered", 2},
    };
    enum { COUNT = sizeof stages / sizeof stages[0] };

    if (world->stage > 0) {
        size_t now = world->stage - 1;

        if (world_count(world, name, stages[now].kind) < stages[now].count ||
            (stages[now].job_id != NULL && world_answer(world, stages[now].job_id) == NULL))
            return false;
        if (world->stage == COUNT)
            return true;
    }
    if (stages[world->stage].job != NULL)
        world_push(world, stages[world->stage].job);
    if (stages[world->stage].act != NULL)
        stages[world->stage].act(world);
    world->stage++;
    return false;
}

/* ---- sinks ---- */

void world_tell_event(struct world *world, unsigned domain, unsigned sequence)
{
    char text[512];

    (void)snprintf(text, sizeof(text),
                   "{\"type\":\"io.sesverify.domain.updated.v1\",\"source\":\"/sesverify/default/"
                   "%016x\",\"id\":\"%016x.%010u.updated\",\"subject\":\"d%u.example\","
                   "\"sequence\":\"%010u\",\"data\":{\"domain_id\":\"%016x\",\"client_id\":\"c%u\","
                   "\"account\":\"default\"}}",
                   domain, domain, sequence, domain, sequence, domain, domain);
    sv_fake_store_add_event(world->store, 0, text);
}

static void on_asked(struct sv_store_call *call, enum sv_err err)
{
    bool *is_over = call->owner;

    assert_int_equal(err, SV_OK);
    *is_over = true;
}

void world_ask_store(struct world *world, struct sv_store_call *call)
{
    bool is_over = false;

    call->owner = &is_over;
    assert_int_equal(sv_store_start(world->store, call, on_asked, NULL), SV_OK);
    while (!is_over)
        world_turn(world, true);
}

struct sv_store_sink world_sink(struct world *world, const char *sink, enum sv_store_sink_verb verb)
{
    struct sv_store_call call = {.op = SV_STORE_SINK, .u.sink = {.verb = verb, .sink = sink}};

    world_ask_store(world, &call);
    return call.u.sink;
}
