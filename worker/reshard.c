#include "reshard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "confirm.h"
#include "exit.h"
#include "setup.h"

/* The story: nobody may work meanwhile, so that whoever beats stops this, and it beats itself, lest
 * another one begin. Everything is looked at and counted; then every shard is locked, and from then
 * on there is only the way forward. Round by round each shard is gone through, and what belongs
 * elsewhere goes there (sv/store_move.h), until a round finds nothing to move. Shards that will not
 * be are cleared, the rest is unlocked with its new number, shard 0 as the last: it says what the
 * installation has. Broken off anywhere, the same is done again, and finds less to do. */

enum {
    BEAT_MS = 5000,
    BEAT_EVERY_NS = 1000 * 1000 * 1000,
    ROUNDS_MAX = 20, /* jobs may keep arriving in the wrong shards; nothing else does */
};

const char *const sv_reshard_kinds[SV_STORE_MOVED_COUNT] = {
    [SV_STORE_MOVED_DOMAINS] = "domains",      [SV_STORE_MOVED_RECEIPTS] = "receipts",
    [SV_STORE_MOVED_EVENTS] = "events",        [SV_STORE_MOVED_JOBS] = "jobs",
    [SV_STORE_MOVED_LETTERS] = "dead_letters",
};

/* What there is, over all shards. */
struct sums {
    long long domains, accepted, events, letters;
};

static unsigned most(const struct sv_reshard *reshard)
{
    return reshard->from > reshard->to ? reshard->from : reshard->to;
}

/* --- nobody else is here --- */

static void on_beat(void *context, const struct sv_store_call *call)
{
    const struct sv_store_beat *beat = &call->u.beat;
    struct sv_reshard *reshard = context;
    size_t named = beat->count > SV_STORE_WORKERS_MAX ? 0 : beat->count;

    reshard->other[0] = '\0';
    if (beat->count > named)
        (void)snprintf(reshard->other, sizeof(reshard->other), "%zu workers", beat->count);
    for (size_t i = 0; i < named; i++) {
        if (strcmp(beat->workers[i], reshard->name) != 0)
            (void)snprintf(reshard->other, sizeof(reshard->other), "%s", beat->workers[i]);
    }
}

static int beat(struct sv_reshard *reshard, sv_ms expiry_ms)
{
    struct sv_store_call call = {.op = SV_STORE_BEAT};
    int code;

    call.u.beat = (struct sv_store_beat){.worker = reshard->name, .expiry_ms = expiry_ms};
    code = sv_client_call(&reshard->client, &call, on_beat, reshard);
    reshard->beaten_ns = uv_hrtime();
    if (code != SV_EXIT_OK || expiry_ms == 0 || reshard->other[0] == '\0')
        return code;
    sv_setup_complain(reshard->args,
                      "%.100s is at work: stop all workers first. One that was killed counts as "
                      "alive for worker.heartbeat, an earlier reshard for 5 s",
                      reshard->other);
    return SV_EXIT_TEMPORARY;
}

/* --- one call --- */

static void on_moved(void *context, const struct sv_store_call *call)
{
    const struct sv_store_move *move = &call->u.move;
    struct sv_reshard *reshard = context;

    for (int kind = 0; kind < SV_STORE_MOVED_COUNT; kind++) {
        if (reshard->counting)
            reshard->seen[kind] += move->seen[kind];
        reshard->moved[kind] += move->moved[kind];
    }
    memcpy(reshard->cursor, move->next_cursor, sizeof(reshard->cursor));
    if (move->strange != NULL)
        (void)snprintf(reshard->strange, sizeof(reshard->strange), "%s", move->strange);
    if (move->owed != NULL)
        (void)snprintf(reshard->owed, sizeof(reshard->owed), "%s", move->owed);
    for (size_t i = 0; i < move->found_count; i++) {
        sv_names_add(&reshard->readers, move->found[i].name);
        if (move->found[i].behind)
            (void)snprintf(reshard->behind, sizeof(reshard->behind), "%s", move->found[i].name);
        reshard->is_behind |= move->found[i].behind;
    }
}

static int move(struct sv_reshard *reshard, const struct sv_store_move *in)
{
    struct sv_store_call call = {.op = SV_STORE_MOVE, .shard = reshard->shard};
    int code = SV_EXIT_OK;

    if (uv_hrtime() - reshard->beaten_ns > BEAT_EVERY_NS)
        code = beat(reshard, BEAT_MS);
    call.u.move = *in;
    call.u.move.shards_to = reshard->to;
    if (code == SV_EXIT_OK)
        code = sv_client_call(&reshard->client, &call, on_moved, reshard);
    return code;
}

/* --- a round --- */

static void show_progress(const struct sv_reshard *reshard)
{
    if (isatty(STDERR_FILENO) == 1)
        (void)fprintf(stderr, "\r\033[Kshard %u of %u: %zu domains, %zu events%s", reshard->shard,
                      most(reshard), reshard->moved[SV_STORE_MOVED_DOMAINS],
                      reshard->moved[SV_STORE_MOVED_EVENTS],
                      reshard->counting ? " to be moved" : " moved");
}

static int go_through(struct sv_reshard *reshard, enum sv_store_move_what what)
{
    char cursor[SV_STORE_MOVE_CURSOR_BYTES];
    int code;

    (void)snprintf(reshard->cursor, sizeof(reshard->cursor), "0");
    do {
        const struct sv_store_move in = {
            .what = what, .dry_run = reshard->counting, .cursor = cursor};

        memcpy(cursor, reshard->cursor, sizeof(cursor));
        code = move(reshard, &in);
        show_progress(reshard);
    } while (code == SV_EXIT_OK && strcmp(reshard->cursor, "0") != 0);
    return code;
}

static int go_round(struct sv_reshard *reshard)
{
    static const enum sv_store_move_what all[] = {SV_STORE_MOVE_KEYS, SV_STORE_MOVE_EVENTS,
                                                  SV_STORE_MOVE_JOBS, SV_STORE_MOVE_LETTERS};
    int code = SV_EXIT_OK;

    for (reshard->shard = 0; code == SV_EXIT_OK && reshard->shard < most(reshard);
         reshard->shard++) {
        for (size_t i = 0; code == SV_EXIT_OK && i < sizeof(all) / sizeof(all[0]); i++)
            code = go_through(reshard, all[i]);
    }
    if (isatty(STDERR_FILENO) == 1)
        (void)fprintf(stderr, "\r\033[K");
    return code;
}

static size_t moved_in_all(const struct sv_reshard *reshard)
{
    size_t count = 0;

    for (int kind = 0; kind < SV_STORE_MOVED_COUNT; kind++)
        count += reshard->moved[kind];
    return count;
}

static int go_rounds(struct sv_reshard *reshard)
{
    size_t before;
    int code, rounds = 0;

    do {
        before = moved_in_all(reshard);
        code = go_round(reshard);
    } while (code == SV_EXIT_OK && moved_in_all(reshard) > before && ++rounds < ROUNDS_MAX);
    return code;
}

/* For every shard below `shards`, the highest first. */
static int for_each(struct sv_reshard *reshard, unsigned from, unsigned shards,
                    const struct sv_store_move *in)
{
    int code = SV_EXIT_OK;

    for (unsigned i = shards; code == SV_EXIT_OK && i > from; i--) {
        reshard->shard = i - 1;
        code = move(reshard, in);
    }
    return code;
}

/* --- sums and doctor --- */

static void on_counters(void *context, const struct sv_store_call *call)
{
    const struct sv_store_counters *counters = &call->u.counters;
    struct sums *sums = context;

    for (size_t i = 0; i < counters->count; i++) {
        const struct sv_store_counter *counter = &counters->items[i];

        if (strncmp(counter->name, "status_", 7) == 0)
            sums->domains += counter->value;
        else if (strcmp(counter->name, "accepted") == 0)
            sums->accepted += counter->value;
        else if (strcmp(counter->name, "events") == 0)
            sums->events += counter->value;
        else if (strcmp(counter->name, "dead_letters") == 0)
            sums->letters += counter->value;
    }
}

static int read_sums(struct sv_reshard *reshard, struct sums *sums)
{
    int code = SV_EXIT_OK;

    *sums = (struct sums){.domains = 0};
    for (unsigned shard = 0; code == SV_EXIT_OK && shard < most(reshard); shard++) {
        struct sv_store_call call = {.op = SV_STORE_COUNTERS, .shard = shard};

        code = sv_client_call(&reshard->client, &call, on_counters, sums);
    }
    return code;
}

static int ask_doctor(struct sv_reshard *reshard, unsigned shards)
{
    struct sv_doctor *doctor = sv_doctor_new();
    unsigned opened = reshard->config.redis.shards;
    int code;

    doctor->shards = reshard->config.redis.shards = shards;
    doctor->domains_max = reshard->config.limits.domains_max;
    doctor->attempts_max = reshard->config.limits.attempts_max;
    code = sv_doctor_walk_all(&reshard->client, doctor, -1);
    reshard->config.redis.shards = opened;
    reshard->faults = sv_doctor_faults(doctor);
    for (size_t i = 0; i < doctor->findings_count && i < 10; i++) {
        const struct sv_doctor_finding *finding = &doctor->findings[i];

        if (sv_ill_is_fault(finding->ill))
            sv_setup_complain(reshard->args, "doctor: %s %s: %s", sv_ill_name(finding->ill),
                              finding->subject, finding->text);
    }
    sv_doctor_free(doctor);
    return code;
}

/* --- before --- */

static int look_at_all(struct sv_reshard *reshard)
{
    static const struct sv_store_move ask_readers = {.what = SV_STORE_MOVE_READERS};
    int code;

    reshard->counting = true;
    code = go_round(reshard);
    reshard->counting = false;
    if (code == SV_EXIT_OK)
        code = for_each(reshard, 0, most(reshard), &ask_readers);
    return code;
}

static int refuse(const struct sv_reshard *reshard)
{
    if (reshard->strange[0] != '\0') {
        sv_setup_complain(reshard->args,
                          "nobody knows what the key %.90s is, and where it would belong: is this "
                          "program older than the worker? `sesverify doctor` names such keys",
                          reshard->strange);
        return SV_EXIT_DATA;
    }
    if (reshard->faults > 0) {
        sv_setup_complain(reshard->args, "what is wrong is not moved: see `sesverify doctor`");
        return SV_EXIT_WRONG;
    }
    if (reshard->owed[0] != '\0') {
        sv_setup_complain(reshard->args,
                          "%.90s: a sink has events that it has not settled, or given up: "
                          "`sesverify sinks` lists and replays them",
                          reshard->owed);
        return SV_EXIT_TEMPORARY;
    }
    if (reshard->is_behind) {
        sv_setup_complain(
            reshard->args,
            "the consumer group %.90s has not read and acknowledged all events: let it "
            "catch up, or delete it",
            reshard->behind);
        return SV_EXIT_TEMPORARY;
    }
    return SV_EXIT_OK;
}

static int begin(struct sv_reshard *reshard)
{
    char question[96];
    struct sums sums;
    int code = ask_doctor(reshard, reshard->from);

    if (code == SV_EXIT_OK)
        code = look_at_all(reshard);
    if (code == SV_EXIT_OK)
        code = refuse(reshard);
    if (code != SV_EXIT_OK || reshard->dry_run)
        return code;
    (void)snprintf(question, sizeof(question), "Change %u shards to %u?", reshard->from,
                   reshard->to);
    code = sv_confirm(reshard->args, question);
    if (code == SV_EXIT_OK)
        code = read_sums(reshard, &sums);
    if (code != SV_EXIT_OK)
        return code;
    (void)snprintf(reshard->note, sizeof(reshard->note), "%u %u %lld %lld %lld %lld", reshard->from,
                   reshard->to, sums.domains, sums.accepted, sums.events, sums.letters);
    memset(reshard->moved, 0, sizeof(reshard->moved));
    return SV_EXIT_OK;
}

/* --- the way forward --- */

/* Shard 0 first: it is asked. Whoever came between the first look and the lock beats by then. */
static int lock_all(struct sv_reshard *reshard)
{
    const struct sv_store_move lock = {.what = SV_STORE_MOVE_LOCK, .note = reshard->note};
    int code = for_each(reshard, 0, 1, &lock);

    if (code == SV_EXIT_OK)
        code = for_each(reshard, 1, most(reshard), &lock);
    return code == SV_EXIT_OK ? beat(reshard, BEAT_MS) : code;
}

/* All groups read all shards from now on. What is there they have read: it was asked before. */
static int regroup(struct sv_reshard *reshard)
{
    struct sv_store_reader readers[SV_STORE_MOVE_READERS_MAX];
    struct sv_store_move in = {.what = SV_STORE_MOVE_REGROUP, .readers = readers};
    int code;

    sv_names_fini(&reshard->readers);
    code =
        for_each(reshard, 0, most(reshard), &(struct sv_store_move){.what = SV_STORE_MOVE_READERS});
    sv_names_sort(&reshard->readers);
    if (code != SV_EXIT_OK || reshard->readers.count == 0)
        return code;
    if (reshard->readers.count > SV_STORE_MOVE_READERS_MAX) {
        sv_setup_complain(reshard->args, "there are more than %d consumer groups",
                          SV_STORE_MOVE_READERS_MAX);
        return SV_EXIT_DATA;
    }
    for (size_t i = 0; i < reshard->readers.count; i++)
        readers[in.readers_count++] = (struct sv_store_reader){.name = reshard->readers.items[i]};
    return for_each(reshard, 0, reshard->to, &in);
}

static int check_sums(struct sv_reshard *reshard)
{
    struct sums before = {.domains = -1}, now;
    int code = read_sums(reshard, &now);

    if (code != SV_EXIT_OK)
        return code;
    reshard->sums_differ = sscanf(reshard->note, "%*u %*u %lld %lld %lld %lld", &before.domains,
                                  &before.accepted, &before.events, &before.letters) != 4 ||
                           before.domains != now.domains || before.accepted != now.accepted ||
                           before.events != now.events || before.letters != now.letters;
    if (reshard->sums_differ)
        sv_setup_complain(
            reshard->args,
            "domains, accepted jobs, events, dead letters were %lld, %lld, %lld, %lld "
            "and are %lld, %lld, %lld, %lld: did somebody delete some meanwhile?",
            before.domains, before.accepted, before.events, before.letters, now.domains,
            now.accepted, now.events, now.letters);
    return SV_EXIT_OK;
}

static int go_forward(struct sv_reshard *reshard)
{
    static const struct sv_store_move clear = {.what = SV_STORE_MOVE_CLEAR};
    static const struct sv_store_move unlock = {.what = SV_STORE_MOVE_UNLOCK};
    int code = lock_all(reshard);

    if (code == SV_EXIT_OK)
        code = go_rounds(reshard);
    if (code == SV_EXIT_OK)
        code = regroup(reshard);
    if (code == SV_EXIT_OK)
        code = for_each(reshard, reshard->to, most(reshard), &clear);
    if (code == SV_EXIT_OK)
        code = check_sums(reshard);
    if (code == SV_EXIT_OK)
        code = for_each(reshard, 0, reshard->to, &unlock);
    if (code == SV_EXIT_OK)
        code = ask_doctor(reshard, reshard->to);
    return code;
}

/* --- what there is --- */

static void on_meta(void *context, const struct sv_store_call *call)
{
    const struct sv_store_look *look = &call->u.look;
    struct sv_reshard *reshard = context;

    for (size_t i = 0; i < look->count; i++) {
        if (strcmp(look->items[i].name, "shards") == 0)
            reshard->from = (unsigned)strtoul(look->items[i].value, NULL, 10);
        if (strcmp(look->items[i].name, "reshard") == 0)
            (void)snprintf(reshard->note, sizeof(reshard->note), "%s", look->items[i].value);
    }
}

static int read_meta(struct sv_reshard *reshard)
{
    struct sv_store_call call = {.op = SV_STORE_LOOK};
    unsigned to = 0;
    int code;

    call.u.look =
        (struct sv_store_look){.what = SV_STORE_LOOK_FIELDS, .key = "meta", .cursor = "0"};
    code = sv_client_call(&reshard->client, &call, on_meta, reshard);
    if (code != SV_EXIT_OK)
        return code;
    reshard->continued = reshard->note[0] != '\0';
    if (reshard->continued && sscanf(reshard->note, "%u %u", &reshard->from, &to) == 2 &&
        to != reshard->to) {
        sv_setup_complain(
            reshard->args,
            "an earlier one from %u to %u is half done: `sesverify reshard %u` ends it",
            reshard->from, to, to);
        return SV_EXIT_DATA;
    }
    if (reshard->from < 1 || reshard->from > SV_SHARDS_MAX) {
        sv_setup_complain(reshard->args, "there is no installation with this redis.prefix");
        return SV_EXIT_DATA;
    }
    reshard->nothing = !reshard->continued && reshard->from == reshard->to;
    return SV_EXIT_OK;
}

/* A connection for as many shards as there are. */
static int open_for(struct sv_reshard *reshard, unsigned shards)
{
    reshard->config.redis.shards = shards;
    return sv_client_open(&reshard->client, reshard->args, &reshard->config);
}

static int work(struct sv_reshard *reshard)
{
    int code = beat(reshard, BEAT_MS), left;

    if (code == SV_EXIT_OK && !reshard->continued)
        code = begin(reshard);
    if (code == SV_EXIT_OK && !reshard->dry_run)
        code = go_forward(reshard);
    left = beat(reshard, 0);
    return code != SV_EXIT_OK ? code : left;
}

static void name_it(struct sv_reshard *reshard)
{
    char host[64] = "";

    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    (void)snprintf(reshard->name, sizeof(reshard->name), "reshard/%s/%ld", host, (long)getpid());
}

int sv_reshard_run(struct sv_reshard *reshard, const struct sv_config *config)
{
    int code;

    name_it(reshard);
    reshard->config = *config;
    code = open_for(reshard, 1);
    if (code != SV_EXIT_OK)
        return code;
    code = read_meta(reshard);
    sv_client_close(&reshard->client);
    if (code != SV_EXIT_OK || reshard->nothing)
        return code;
    code = open_for(reshard, most(reshard));
    if (code == SV_EXIT_OK) {
        code = work(reshard);
        sv_client_close(&reshard->client);
    }
    sv_names_fini(&reshard->readers);
    return code;
}
