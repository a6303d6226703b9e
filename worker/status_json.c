#include "status_json.h"

#include "commands.h"
#include "sv/cloudevent.h"
#include "sv/drive_view.h"
#include "sv/json.h"

enum { BUSY_MAX = 10 };

static json_t *work_json(const struct sv_drive_stats *stats)
{
    json_t *out = sv_json_object();

    sv_json_set_int(out, "inflight", stats->inflight);
    sv_json_set_int(out, "inflight_limit", stats->inflight_room);
    sv_json_set_int(out, "jobs_taken", (long long)stats->jobs_taken);
    sv_json_set_int(out, "checks_started", (long long)stats->checks_started);
    sv_json_set_int(out, "checks_committed", (long long)stats->checks_committed);
    sv_json_set_int(out, "checks_released", (long long)stats->checks_released);
    sv_json_set_int(out, "checks_fenced", (long long)stats->checks_fenced);
    sv_json_set_int(out, "ses_waiting", (long long)stats->ses_waiting);
    sv_json_set_int(out, "dns_questions", (long long)stats->dns_questions);
    sv_json_set_int(out, "shards_served", stats->shards_served);
    sv_json_set(out, "last_progress_at", sv_json_time(stats->last_progress_at));
    return out;
}

/* The whole installation's: the sum over the shards as far as they were measured. */
static json_t *fleet_json(const struct sv_drive *drive, const struct sv_drive_stats *stats)
{
    json_t *out = sv_json_object(), *domains = sv_json_object();
    int64_t counts[SV_STATUS_COUNT] = {0};
    struct sv_drive_queue queue;
    sv_ms measured_at = 0;

    for (size_t i = 0; sv_drive_view_queue(drive, i, &queue); i++) {
        for (int status = 0; status < SV_STATUS_COUNT; status++)
            counts[status] += queue.domains[status];
        if (i == 0 || queue.measured_at < measured_at)
            measured_at = queue.measured_at;
    }
    for (int status = 0; status < SV_STATUS_COUNT; status++)
        sv_json_set_int(domains, sv_status_name((enum sv_status)status), counts[status]);
    sv_json_set_int(out, "workers", stats->workers);
    sv_json_set(out, "measured_at", sv_json_time(measured_at));
    sv_json_set(out, "domains", domains);
    return out;
}

static json_t *queues_json(const struct sv_drive *drive)
{
    json_t *list = sv_json_array();
    struct sv_drive_queue queue;

    for (size_t i = 0; sv_drive_view_queue(drive, i, &queue); i++) {
        json_t *out = sv_json_object();

        sv_json_set_int(out, "shard", (long long)i);
        sv_json_set_int(out, "unread", queue.unread);
        sv_json_set_int(out, "pending", queue.pending);
        sv_json_set_int(out, "oldest_job_ms", queue.oldest_job_ms);
        sv_json_set_int(out, "clients_due", queue.clients_due);
        sv_json_set_int(out, "oldest_due_ms", queue.oldest_due_ms);
        sv_json_set_int(out, "events", queue.events);
        sv_json_set_int(out, "dead_letters", queue.dead_letters);
        sv_json_append(list, out);
    }
    return list;
}

static json_t *asks_json(const struct sv_drive_account *account)
{
    json_t *out = sv_json_object();

    for (int kind = 0; kind < SV_ASK_KINDS; kind++) {
        json_t *ask = sv_json_object();

        sv_json_set_int(ask, "waiting", (long long)account->waiting[kind]);
        sv_json_set_int(ask, "longest_ms", account->waited_ms[kind]);
        sv_json_set_int(ask, "bound_ms", account->bound_ms[kind]);
        sv_json_set(out, sv_ask_kind_name((enum sv_ask_kind)kind), ask);
    }
    return out;
}

static json_t *accounts_json(const struct sv_drive *drive)
{
    static const char *const circuits[] = {"closed", "half_open", "open"};
    json_t *list = sv_json_array();
    struct sv_drive_account account;

    for (size_t i = 0; sv_drive_view_account(drive, i, &account); i++) {
        json_t *out = sv_json_object();

        sv_json_set_str(out, "account", account.name);
        sv_json_set_str(out, "region", account.region);
        sv_json_set_int(out, "interval_ms", account.interval_ms);
        sv_json_set_int(out, "workers", account.workers);
        sv_json_set(out, "asks", asks_json(&account));
        sv_json_set_int(out, "calls", (long long)account.calls);
        sv_json_set_int(out, "failures", (long long)account.failures);
        sv_json_set_int(out, "line", (long long)account.line);
        sv_json_set_bool(out, "paused", account.paused);
        sv_json_set_str(out, "circuit", circuits[account.circuit]);
        sv_json_set_str(out, "trouble", account.trouble);
        sv_json_append(list, out);
    }
    return list;
}

static json_t *slowest_json(const struct sv_drive *drive)
{
    struct sv_drive_busy busy[BUSY_MAX];
    size_t count = sv_drive_view_busy(drive, busy, BUSY_MAX);
    json_t *list = sv_json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *out = sv_json_object();

        sv_json_set_str(out, "domain", busy[i].domain);
        sv_json_set_str(out, "client_id", busy[i].client_id);
        sv_json_set_str(out, "account", busy[i].account);
        sv_json_set_str(out, "step", busy[i].step);
        sv_json_set_int(out, "age_ms", busy[i].age_ms);
        sv_json_append(list, out);
    }
    return list;
}

/* Counted since the start of this worker. */
static json_t *errors_json(const struct sv_status_source *source)
{
    static const struct {
        const char *name;
        enum sv_metric metric;
    } sums[] = {
        {"ses_throttled", SV_METRIC_SES_THROTTLED},
        {"redis", SV_METRIC_REDIS_ERRORS},
        {"retries", SV_METRIC_RETRIES},
        {"dead_jobs", SV_METRIC_DEAD_JOBS},
        {"log_dropped", SV_METRIC_LOG_DROPPED},
        {"balance", SV_METRIC_BALANCE_VIOLATIONS},
    };
    struct sv_dns_stats dns = {0};
    struct sv_drive_account account;
    json_t *out = sv_json_object();
    uint64_t failures = 0;

    for (size_t i = 0; sv_drive_view_account(source->wire->drive, i, &account); i++)
        failures += account.failures;
    sv_json_set_int(out, "ses", (long long)failures);
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        sv_json_set_int(out, sums[i].name,
                        (long long)sv_metrics_sum(source->metrics, sums[i].metric));
    if (source->wire->dns != NULL)
        sv_dns_stats(source->wire->dns, &dns);
    sv_json_set_int(out, "dns_timeouts", (long long)dns.timeouts);
    sv_json_set_int(out, "dns_rejected", (long long)dns.mismatches + (long long)dns.malformed);
    return out;
}

static json_t *held_json(const struct sv_drive *drive)
{
    struct sv_drive_held held;
    json_t *out = sv_json_object();

    sv_drive_view_held(drive, &held);
    sv_json_set_bool(out, "all", held.all);
    sv_json_set_int(out, "accounts", (long long)held.accounts);
    sv_json_set_int(out, "clients", (long long)held.clients);
    return out;
}

/* Where this worker delivers. What a target answers may name a domain. */
static json_t *sinks_json(const struct sv_drive *drive, bool names)
{
    json_t *list = sv_json_array();
    struct sv_drive_sink sink;

    for (size_t i = 0; sv_drive_view_sink(drive, i, &sink); i++) {
        json_t *out = sv_json_object();

        sv_json_set_str(out, "sink", sink.name);
        sv_json_set_int(out, "shards_served", sink.shards_served);
        sv_json_set_int(out, "waiting", (long long)sink.waiting);
        sv_json_set_int(out, "oldest_ms", sink.oldest_ms);
        sv_json_set_int(out, "dead", (long long)sink.dead);
        sv_json_set_bool(out, "disabled", sink.disabled);
        sv_json_set(out, "failed_at", sv_json_time(sink.failed_at));
        if (names)
            sv_json_set_str(out, "error", sink.failed_at > 0 ? sink.error : NULL);
        sv_json_append(list, out);
    }
    return list;
}

json_t *sv_status_json(const struct sv_status_source *source)
{
    const struct sv_drive *drive = source->wire->drive;
    struct sv_drive_stats stats;
    json_t *out = sv_json_object();

    sv_json_set_str(out, "schema", "sesverify.worker.v1");
    sv_json_set(out, "time", sv_json_time(source->now));
    sv_json_set_str(out, "version", SV_VERSION);
    sv_json_set_str(out, "commit", sv_commit);
    sv_json_set_str(out, "worker", source->wire->worker);
    sv_json_set_str(out, "phase", source->phase);
    sv_json_set(out, "started_at", sv_json_time(source->started_at));
    sv_json_set_str(out, "redis", source->wire->redis_address);
    sv_json_set_bool(out, "redis_ready", source->redis_ready);
    sv_json_set_int(out, "shards", source->config->redis.shards);
    if (drive == NULL)
        return out;
    sv_drive_get_stats(drive, &stats);
    sv_json_set(out, "work", work_json(&stats));
    sv_json_set(out, "fleet", fleet_json(drive, &stats));
    sv_json_set(out, "queues", queues_json(drive));
    sv_json_set(out, "accounts", accounts_json(drive));
    sv_json_set(out, "paused", held_json(drive));
    sv_json_set(out, "sinks", sinks_json(drive, source->names));
    sv_json_set(out, "errors", errors_json(source));
    if (source->names)
        sv_json_set(out, "slowest", slowest_json(drive));
    return out;
}
