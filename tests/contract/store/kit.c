#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_store.h"

/* Its own, a plain one, or with SV_TEST_REDIS=KIND one that redis_variant.py starts around the
 * program: then SV_TEST_REDIS_URL is where the store goes, SV_TEST_REDIS_SOCKET where the test
 * looks past it, SV_TEST_REDIS_CA what TLS trusts. */
static struct {
    pid_t pid; /* 0 = not ours */
    char folder[64], socket[96];
    const char *url;
    struct sv_redis_tls *tls;
} server;

/* --- the server --- */

static void run_server(void)
{
    int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)dup2(quiet, 1);
    (void)execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", server.socket,
                 "--dir", server.folder, "--save", "", "--appendonly", "no", (char *)NULL);
    _exit(127);
}

static redisContext *connect_directly(void)
{
    for (unsigned i = 0; i < 10 * KIT_WATCHDOG_MS; i++) {
        redisContext *direct = redisConnectUnix(server.socket);

        if (direct != NULL && direct->err == 0)
            return direct;
        redisFree(direct);
        (void)usleep(100);
    }
    fail_msg("redis-server does not listen");
    return NULL;
}

/* This program once more, inside of a server of that kind. */
static void run_on_kind(const char *kind)
{
    (void)execl("/usr/bin/python3", "python3", "-B",
                SV_SOURCE_DIR "/tests/integration/lib/redis_variant.py", "run", kind, "--",
                program_invocation_name, (char *)NULL);
    fail_msg("cannot start a Redis of the kind %s", kind);
}

void kit_server_start(void)
{
    const char *kind = getenv("SV_TEST_REDIS");

    (void)signal(SIGPIPE, SIG_IGN);
    server.url = getenv("SV_TEST_REDIS_URL");
    if (server.url != NULL) {
        const struct sv_redis_tls_settings trust = {.ca_file = getenv("SV_TEST_REDIS_CA")};

        (void)snprintf(server.socket, sizeof(server.socket), "%s", getenv("SV_TEST_REDIS_SOCKET"));
        server.tls = sv_redis_tls_new(&trust);
        return;
    }
    if (kind != NULL && strcmp(kind, "plain") != 0)
        run_on_kind(kind);
    (void)snprintf(server.folder, sizeof(server.folder), "/tmp/sv-store-XXXXXX");
    assert_non_null(mkdtemp(server.folder));
    (void)snprintf(server.socket, sizeof(server.socket), "%s/redis.sock", server.folder);
    server.pid = fork();
    assert_true(server.pid >= 0);
    if (server.pid == 0)
        run_server();
    redisFree(connect_directly());
}

void kit_server_stop(void)
{
    sv_redis_tls_free(server.tls);
    if (server.pid == 0)
        return;
    (void)kill(server.pid, SIGKILL);
    (void)waitpid(server.pid, NULL, 0);
    (void)unlink(server.socket);
    (void)rmdir(server.folder);
}

redisReply *kit_redis(struct kit *kit, const char *format, ...)
{
    redisReply *reply;
    va_list args;

    va_start(args, format);
    reply = redisvCommand(kit->direct, format, args);
    va_end(args);
    assert_non_null(reply);
    return reply;
}

/* --- open and close --- */

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("the loop waits for something that does not come");
}

static void open_real(struct kit *kit)
{
    struct sv_redis_store_options options = {
        .shards = kit->shards, .consumer = kit->consumer, .has_sinks = true};

    if (server.url != NULL) {
        assert_int_equal(
            sv_redis_place_parse(server.url, &options.redis.address, &options.place, NULL), SV_OK);
        options.redis.tls = server.tls;
    } else {
        options.redis.address.is_unix = true;
        (void)snprintf(options.redis.address.host, sizeof(options.redis.address.host), "%s",
                       server.socket);
    }
    options.redis.rand = &kit->rand;
    options.redis.reconnect_first_ms = 1;
    options.redis.reconnect_cap_ms = 10;
    kit->direct = connect_directly();
    kit->store = sv_redis_store_new(&kit->loop, &options, NULL, NULL);
}

void kit_run_until_ready(struct kit *kit)
{
    (void)uv_timer_start(&kit->watchdog, on_watchdog, KIT_WATCHDOG_MS, 0);
    while (!sv_store_is_ready(kit->store))
        (void)uv_run(&kit->loop, UV_RUN_ONCE);
    (void)uv_timer_stop(&kit->watchdog);
}

static void prepare(struct kit *kit)
{
    for (unsigned shard = 0; shard < kit->shards; shard++) {
        struct sv_store_call call = {.op = SV_STORE_PREPARE, .shard = shard};

        assert_int_equal(kit_do(kit, &call), SV_OK);
    }
}

static void open_loop(struct kit *kit)
{
    assert_int_equal(uv_loop_init(&kit->loop), 0);
    assert_int_equal(uv_timer_init(&kit->loop, &kit->watchdog), 0);
    sv_rand_seeded_init(&kit->rand, 7);
}

void kit_open(struct kit *kit, enum kit_kind kind)
{
    *kit = (struct kit){.kind = kind, .shards = 1, .consumer = "c1"};
    open_loop(kit);
    if (kind == KIT_REAL) {
        open_real(kit);
        freeReplyObject(kit_redis(kit, "FLUSHALL"));
    } else {
        kit->store = sv_fake_store_new(&kit->loop, kit->shards);
    }
    kit_run_until_ready(kit);
    prepare(kit);
}

void kit_open_as(struct kit *kit, void **state)
{
    kit_open(kit, *(const enum kit_kind *)*state);
}

void kit_open_more(struct kit *kit, const char *consumer)
{
    *kit = (struct kit){.kind = KIT_REAL, .shards = 1, .consumer = consumer};
    open_loop(kit);
    open_real(kit);
    kit_run_until_ready(kit);
    prepare(kit);
}

static void on_closed(void *context)
{
    struct kit *kit = context;

    assert_false(kit->is_closed);
    kit->is_closed = true;
}

void kit_close_start(struct kit *kit)
{
    kit->is_closing = true;
    sv_store_close(kit->store, on_closed, kit);
}

void kit_close(struct kit *kit)
{
    if (!kit->is_closing)
        kit_close_start(kit);
    uv_close((uv_handle_t *)&kit->watchdog, NULL);
    assert_int_equal(uv_run(&kit->loop, UV_RUN_DEFAULT), 0);
    assert_true(kit->is_closed);
    assert_int_equal(uv_loop_close(&kit->loop), 0);
    if (kit->direct != NULL)
        redisFree(kit->direct);
}

/* --- calls --- */

void kit_on_end(struct sv_store_call *call, enum sv_err err)
{
    struct kit_end *end = call->owner;

    end->ends++;
    end->err = err;
    assert_int_equal(call->info.code, err);
    if (err == SV_OK && end->look != NULL)
        end->look(call, end->context);
    if (end->loop != NULL)
        uv_stop(end->loop);
}

/* Not one turn after the other: a turn that has run timers sleeps before it returns. */
void kit_wait(struct kit *kit, struct kit_end *end)
{
    (void)uv_timer_start(&kit->watchdog, on_watchdog, KIT_WATCHDOG_MS, 0);
    end->loop = &kit->loop;
    while (end->ends == 0)
        (void)uv_run(&kit->loop, UV_RUN_DEFAULT);
    (void)uv_timer_stop(&kit->watchdog);
}

enum sv_err kit_do_look(struct kit *kit, struct sv_store_call *call, kit_look_fn *look,
                        void *context)
{
    struct kit_end end = {.look = look, .context = context};
    enum sv_err err;

    call->owner = &end;
    err = sv_store_start(kit->store, call, kit_on_end, &call->info);
    if (err != SV_OK)
        return err;
    assert_int_equal(end.ends, 0);
    kit_wait(kit, &end);
    assert_int_equal(end.ends, 1);
    return end.err;
}

enum sv_err kit_do(struct kit *kit, struct sv_store_call *call)
{
    return kit_do_look(kit, call, NULL, NULL);
}

struct sv_store_call kit_admit(const char *entry, const char *job_id, const char *type)
{
    return (struct sv_store_call){.op = SV_STORE_ADMIT,
                                  .u.admit = {.entry_id = entry,
                                              .client_id = KIT_CLIENT,
                                              .uid = KIT_UID,
                                              .job_id = job_id,
                                              .type = type,
                                              .domains_max = 10,
                                              .attempts_max = 5,
                                              .cooldown_ms = SV_HOUR,
                                              .event_head = "{\"data\":{",
                                              .event_tail = "}}"}};
}

struct sv_store_call kit_own(enum sv_store_own_verb verb, const char *domain, const char *client)
{
    return (struct sv_store_call){.op = SV_STORE_OWN,
                                  .u.own = {.verb = verb,
                                            .registrable = "example.com",
                                            .domain = domain,
                                            .account = "default",
                                            .client_id = client,
                                            .uid = KIT_UID}};
}

static void look_taken(struct sv_store_call *call, void *context)
{
    assert_int_equal(call->u.take.count, 1);
    assert_string_equal(call->u.take.entries[0].id, context);
    assert_string_equal(call->u.take.entries[0].payload, "{}");
    assert_null(call->u.take.entries[0].buried);
    assert_false(call->u.take.entries[0].no_job_field);
}

void kit_push(struct kit *kit, char entry[SV_STORE_ENTRY_ID_BYTES])
{
    struct sv_store_call push = {.op = SV_STORE_ENQUEUE,
                                 .u.enqueue = {.job = "{}", .job_bytes = 2}};
    struct sv_store_call take = {.op = SV_STORE_TAKE,
                                 .u.take = {.entries_max = 64, .block_ms = 1000}};

    assert_int_equal(kit_do(kit, &push), SV_OK);
    (void)snprintf(entry, SV_STORE_ENTRY_ID_BYTES, "%s", push.u.enqueue.entry_id);
    assert_int_equal(kit_do_look(kit, &take, look_taken, entry), SV_OK);
}

enum sv_store_admitted kit_job(struct kit *kit, const char *type)
{
    char entry[SV_STORE_ENTRY_ID_BYTES];
    struct sv_store_call call;

    kit_push(kit, entry);
    call = kit_admit(entry, entry, type);
    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.admit.outcome;
}

static const char *field(const struct sv_store_claimed *claimed, const char *name)
{
    for (size_t i = 0; i < claimed->fields_count; i++) {
        if (strcmp(claimed->fields[i].name, name) == 0)
            return claimed->fields[i].value;
    }
    return "";
}

static void hold(const struct sv_store_claimed *claimed, struct kit_held *held)
{
    *held = (struct kit_held){.fence = claimed->fence,
                              .sequence = strtoull(field(claimed, "seq"), NULL, 10)};
    (void)snprintf(held->uid, sizeof(held->uid), "%s", claimed->uid);
    (void)snprintf(held->client, sizeof(held->client), "%s", claimed->client_id);
    (void)snprintf(held->own, sizeof(held->own), "%s", claimed->own);
    (void)snprintf(held->email, sizeof(held->email), "%s", claimed->contact_email);
    (void)snprintf(held->status, sizeof(held->status), "%s", field(claimed, "st"));
    (void)snprintf(held->entry, sizeof(held->entry), "%s", field(claimed, "job"));
    (void)snprintf(held->job_id, sizeof(held->job_id), "%s", field(claimed, "jid"));
    (void)snprintf(held->todo, sizeof(held->todo), "%s", field(claimed, "todo"));
    (void)snprintf(held->note, sizeof(held->note), "%s", field(claimed, "note"));
    held->hurried = strcmp(field(claimed, "hu"), "1") == 0;
}

void kit_copy_claims(struct sv_store_call *call, void *context)
{
    struct kit_claims *out = context;

    out->count = call->u.claim.count;
    out->now = call->u.claim.now;
    out->next_due_ms = call->u.claim.next_due_ms;
    for (size_t i = 0; i < out->count; i++)
        hold(&call->u.claim.claimed[i], &out->held[i]);
}

void kit_claim(struct kit *kit, size_t count_max, size_t per_client_max, struct kit_claims *out)
{
    struct sv_store_call call = {.op = SV_STORE_CLAIM,
                                 .u.claim = {.count_max = count_max,
                                             .per_client_max = per_client_max,
                                             .lease_ms = SV_MINUTE,
                                             .worker = "w"}};

    assert_int_equal(kit_do_look(kit, &call, kit_copy_claims, out), SV_OK);
}

bool kit_claim_one(struct kit *kit, struct kit_held *held)
{
    struct kit_claims *claims = calloc(1, sizeof(*claims));
    bool found;

    kit_claim(kit, 10, 10, claims);
    assert_true(claims->count <= 1);
    found = claims->count == 1;
    if (found)
        *held = claims->held[0];
    free(claims);
    return found;
}

struct sv_store_call kit_commit(const struct kit_held *held, const char *to)
{
    bool has_job = held->job_id[0] != '\0';

    return (struct sv_store_call){
        .op = SV_STORE_COMMIT,
        .u.commit = {.uid = held->uid,
                     .client_id = held->client,
                     .own = held->own,
                     .fence = held->fence,
                     .sequence = held->sequence,
                     .from = held->status,
                     .to = to,
                     .wait_ms = SV_HOUR,
                     .event = strcmp(held->status, to) != 0 ? "{\"event\":1}" : NULL,
                     .job_id = has_job ? held->job_id : NULL,
                     .job_outcome = "done",
                     .job_event = "{\"job\":1}"}};
}

/* --- looking from outside --- */

struct wanted {
    const char *name;
    int64_t value;
};

static void look_counter(struct sv_store_call *call, void *context)
{
    struct wanted *wanted = context;

    for (size_t i = 0; i < call->u.counters.count; i++) {
        if (strcmp(call->u.counters.items[i].name, wanted->name) == 0)
            wanted->value = call->u.counters.items[i].value;
    }
}

int64_t kit_counter(struct kit *kit, const char *name)
{
    struct sv_store_call call = {.op = SV_STORE_COUNTERS};
    struct wanted wanted = {.name = name};

    assert_int_equal(kit_do_look(kit, &call, look_counter, &wanted), SV_OK);
    return wanted.value;
}

size_t kit_events(struct kit *kit)
{
    return (size_t)kit_counter(kit, "events");
}
