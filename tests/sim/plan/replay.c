/* The worker's trace (worker.plan_trace, written by lib/drive/plan_trace.c) read back: every input
 * goes to a planner, every decision has to be the one the worker's planner made. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/drive.h"

#include "plan.h"

#define HASH_FUNCTION(key, len, value) ((value) = (unsigned)sv_fnv1a(SV_FNV_START, (key), (len)))
#include "sv/digest.h"
#include <uthash.h>

enum { LINE_BYTES = 4096, WORD_BYTES = 64 };

struct known { /* a domain that waits */
    char uid[SV_UID_BYTES];
    struct sv_ask ask;
    UT_hash_handle hh;
};

struct replay {
    struct sv_planner planners[SV_ACCOUNTS_MAX];
    struct known *waiting[SV_ACCOUNTS_MAX];
    char said[LINE_BYTES]; /* our planner's decision; "" = none is due */
    uint64_t inputs, decisions, asks;
};

static enum sv_ask_kind kind_named(const char *word)
{
    int kind = 0;

    while (kind < SV_ASK_KINDS && strcmp(sv_ask_kind_name((enum sv_ask_kind)kind), word) != 0)
        kind++;
    return (enum sv_ask_kind)kind;
}

static bool add(struct replay *replay, int account, const char *rest)
{
    struct known *known = sv_alloc(1, sizeof *known);
    char kind[WORD_BYTES];

    if (sscanf(rest, "%16s %63s %" SCNx64 " %" SCNd64, known->uid, kind, &known->ask.client,
               &known->ask.asked_at) != 4 ||
        kind_named(kind) == SV_ASK_KINDS) {
        free(known);
        return false;
    }
    known->ask.kind = kind_named(kind);
    known->ask.owner = known;
    sv_planner_add(&replay->planners[account], &known->ask);
    HASH_ADD_STR(replay->waiting[account], uid, known);
    (void)snprintf(replay->said, sizeof replay->said, "= told %" PRId64, known->ask.bound_ms);
    replay->asks++;
    return true;
}

static bool forget(struct replay *replay, int account, const char *uid)
{
    struct known *known;

    HASH_FIND_STR(replay->waiting[account], uid, known);
    if (known == NULL)
        return false;
    sv_planner_remove(&replay->planners[account], &known->ask);
    HASH_DEL(replay->waiting[account], known);
    free(known);
    return true;
}

static void take(struct replay *replay, int account)
{
    struct sv_ask *asks[SV_SES_BATCH_MAX];
    size_t count = sv_planner_take(&replay->planners[account], asks);
    size_t used = (size_t)snprintf(replay->said, sizeof replay->said, "= batch %zu", count);

    for (size_t i = 0; i < count; i++) {
        struct known *known = asks[i]->owner;

        used +=
            (size_t)snprintf(replay->said + used, sizeof replay->said - used, " %s", known->uid);
        HASH_DEL(replay->waiting[account], known);
        free(known);
    }
}

static bool open_planner(struct sv_planner *planner, const char *rest)
{
    size_t batch_max;
    sv_ms linger_ms[SV_ASK_KINDS];

    if (sscanf(rest, "%zu %" SCNd64 " %" SCNd64 " %" SCNd64, &batch_max, &linger_ms[0],
               &linger_ms[1], &linger_ms[2]) != 4 ||
        batch_max < SV_ASK_KINDS || batch_max > SV_SES_BATCH_MAX)
        return false;
    sv_planner_init(planner, batch_max);
    (void)memcpy(planner->linger_ms, linger_ms, sizeof linger_ms);
    return true;
}

/* One input. False = it cannot be read. */
static bool give(struct replay *replay, int account, const char *word, const char *rest)
{
    struct sv_planner *planner = &replay->planners[account];
    struct sv_pace pace;
    sv_ms now;
    int crowded;

    replay->inputs++;
    if (strcmp(word, "open") == 0)
        return open_planner(planner, rest);
    if (planner->batch_max == 0)
        return false;
    if (strcmp(word, "pace") == 0) {
        if (sscanf(rest, "%" SCNd64 " %u", &pace.interval_ms, &pace.workers) != 2)
            return false;
        sv_planner_set_pace(planner, pace);
    } else if (strcmp(word, "add") == 0) {
        return add(replay, account, rest);
    } else if (strcmp(word, "remove") == 0) {
        return forget(replay, account, rest);
    } else if (strcmp(word, "when") == 0) {
        if (sscanf(rest, "%" SCNd64 " %d", &now, &crowded) != 2)
            return false;
        (void)snprintf(replay->said, sizeof replay->said, "= wait %" PRId64,
                       sv_planner_wait_ms(planner, now, crowded != 0));
    } else if (strcmp(word, "take") == 0) {
        take(replay, account);
    } else if (strcmp(word, "detail") == 0) {
        (void)snprintf(replay->said, sizeof replay->said, "= detail %s",
                       sv_planner_begin_detail(planner) ? "yes" : "no");
    } else if (strcmp(word, "detail_end") == 0) {
        sv_planner_end_detail(planner);
    } else {
        return false;
    }
    return true;
}

static bool read_line(struct replay *replay, char *line)
{
    char word[WORD_BYTES];
    int account, used = 0;

    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '=') {
        bool same = strcmp(line, replay->said) == 0;

        if (!same)
            (void)printf("the worker's planner said: %s\nthis one says:             %s\n", line,
                         replay->said);
        replay->said[0] = '\0';
        replay->decisions++;
        return same;
    }
    if (replay->said[0] != '\0') {
        (void)printf("the worker's planner said nothing, this one: %s\n", replay->said);
        return false;
    }
    if (sscanf(line, "+ %d %63s%n", &account, word, &used) != 2 || account < 0 ||
        account >= SV_ACCOUNTS_MAX ||
        !give(replay, account, word, line[used] == ' ' ? line + used + 1 : "")) {
        (void)printf("cannot be read: %s\n", line);
        return false;
    }
    return true;
}

static void free_waiting(struct replay *replay)
{
    for (int account = 0; account < SV_ACCOUNTS_MAX; account++) {
        struct known *known, *next;

        HASH_ITER(hh, replay->waiting[account], known, next)
        {
            HASH_DEL(replay->waiting[account], known);
            free(known);
        }
    }
}

int plan_replay(const char *path)
{
    struct replay *replay = sv_alloc(1, sizeof *replay);
    FILE *file = fopen(path, "re");
    char line[LINE_BYTES];
    uint64_t lines = 0;
    bool good = file != NULL;

    if (file == NULL)
        perror(path);
    while (good && fgets(line, sizeof line, file) != NULL) {
        lines++;
        good = read_line(replay, line);
    }
    if (!good)
        (void)printf("BROKEN at line %" PRIu64 " of %s\n", lines, path);
    else
        (void)printf("%" PRIu64 " inputs with %" PRIu64 " asks, %" PRIu64
                     " decisions: all the same\n",
                     replay->inputs, replay->asks, replay->decisions);
    if (file != NULL)
        (void)fclose(file);
    free_waiting(replay);
    free(replay);
    return good ? 0 : 1;
}
