#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inner.h"

/* What INFO tells of a server before we trust it with work. CONFIG may be forbidden, and is not
 * known at all where the server is rented; INFO is. */

enum { REDIS_MAJOR_MIN = 7 };

static const struct {
    unsigned doubt;
    bool is_unsafe; /* the server may lose work just because it is set so */
    const char *event, *msg;
} doubts[] = {
    {SV_SERVER_MAY_EVICT, true, "redis_may_evict",
     "maxmemory-policy is not noeviction: work may get lost"},
    {SV_SERVER_NOT_DURABLE, true, "redis_not_durable",
     "appendonly is off: a crash of Redis loses what it held"},
    {SV_SERVER_AOF_FAILS, false, "redis_aof_fails",
     "Redis could not write its append-only file: a crash loses what is newer"},
    {SV_SERVER_REPLICAS_IDLE, false, "redis_replicas_not_waited_for",
     "there are replicas, but min-replicas-to-write is 0: a primary that is cut off takes work "
     "that "
     "its successor will not know"},
    {SV_SERVER_NO_REPLICA, false, "redis_no_replica",
     "no replica is connected: there is nothing to fail over to"},
};

/* The value behind "name:" at the start of a line; "" when it is not told. */
static void info_value(const char *text, const char *name, char *out, size_t bytes)
{
    size_t len = strlen(name);

    out[0] = '\0';
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            size_t value = strcspn(line + len + 1, "\r\n");

            (void)snprintf(out, bytes, "%.*s", (int)(value < bytes ? value : bytes - 1),
                           line + len + 1);
            return;
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
}

/* Told, and something else than `usual`. */
static bool is_other(const char *text, const char *name, const char *usual)
{
    char value[64];

    info_value(text, name, value, sizeof(value));
    return value[0] != '\0' && strcmp(value, usual) != 0;
}

static bool is_told_as(const char *text, const char *name, const char *wanted)
{
    char value[64];

    info_value(text, name, value, sizeof(value));
    return strcmp(value, wanted) == 0;
}

enum sv_err sv_store_server_read(const char *text, enum sv_redis_kind kind, unsigned *out,
                                 struct sv_errinfo *info)
{
    char value[64];
    bool is_node = is_told_as(text, "cluster_enabled", "1");
    bool is_alone = is_told_as(text, "connected_slaves", "0");

    *out = 0;
    info_value(text, "redis_version", value, sizeof(value));
    if (strtol(value, NULL, 10) < REDIS_MAJOR_MIN)
        return sv_err_set(info, SV_EINVALID, "store", 0, "redis_version is \"%s\", 7.0 is needed",
                          value);
    if (is_node && kind != SV_REDIS_CLUSTER)
        return sv_err_set(info, SV_EINVALID, "store", 0,
                          "this server is a node of a cluster: redis.url must begin with "
                          "redis+cluster:// or rediss+cluster://");
    if (!is_node && kind == SV_REDIS_CLUSTER)
        return sv_err_set(info, SV_EINVALID, "store", 0,
                          "this server is no node of a cluster, as redis.url says it is");
    if (is_other(text, "maxmemory_policy", "noeviction"))
        *out |= SV_SERVER_MAY_EVICT;
    if (is_told_as(text, "aof_enabled", "0"))
        *out |= SV_SERVER_NOT_DURABLE;
    if (is_told_as(text, "aof_enabled", "1") && is_other(text, "aof_last_write_status", "ok"))
        *out |= SV_SERVER_AOF_FAILS;
    if (is_alone && kind != SV_REDIS_ONE)
        *out |= SV_SERVER_NO_REPLICA;
    /* Told only where replicas are waited for. */
    info_value(text, "min_slaves_good_slaves", value, sizeof(value));
    if (!is_alone && is_other(text, "connected_slaves", "0") && value[0] == '\0')
        *out |= SV_SERVER_REPLICAS_IDLE;
    return SV_OK;
}

enum sv_err sv_store_server_judge(unsigned found, bool is_strict, struct sv_log *log,
                                  struct sv_errinfo *info)
{
    enum sv_err err = SV_OK;

    for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
        if ((found & doubts[i].doubt) == 0)
            continue;
        sv_log_line(log, SV_LOG_WARN, doubts[i].event, doubts[i].msg);
        if (err == SV_OK && is_strict && doubts[i].is_unsafe)
            err = sv_err_set(info, SV_EINVALID, "store", 0, "%s (redis.unsafe_server is refuse)",
                             doubts[i].msg);
    }
    return err;
}

bool sv_store_server_has_replicas(const char *text)
{
    char value[16];

    info_value(text, "connected_slaves", value, sizeof(value));
    return value[0] != '\0' && strcmp(value, "0") != 0;
}
