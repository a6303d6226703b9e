/* What the metrics show of this driver: counted where it happens, and measured when somebody asks.
 * Figures of the shards come from the store; a scrape shows those of the measurement before it, so
 * that no page ever waits for Redis. */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/drive_view.h"
#include "sv/metrics.h"

enum { MEASURE_EVERY_MS = 5000, QUEUE_BYTES = 12 };

static int64_t counter(const struct sv_store_counters *counters, const char *name)
{
    for (size_t i = 0; i < counters->count; i++) {
        if (strcmp(counters->items[i].name, name) == 0)
            return counters->items[i].value;
    }
    return 0;
}

/* Invariant 1: every accepted job is in exactly one place. */
static bool is_balanced(const struct sv_store_counters *counters)
{
    return counter(counters, "accepted") ==
           counter(counters, "done") + counter(counters, "rejected") +
               counter(counters, "coalesced") + counter(counters, "dead") +
               counter(counters, "open");
}

static void keep_queue(struct shard *shard, const struct sv_store_counters *counters)
{
    int64_t inbox = counter(counters, "inbox"), pending = counter(counters, "pending");
    struct sv_drive_queue *out = &shard->measured;
    char name[40];

    *out = (struct sv_drive_queue){
        .measured_at = drive_now(shard->drive),
        .unread = inbox > pending ? inbox - pending : 0,
        .pending = pending,
        .clients_due = counter(counters, "clients_due"),
        .events = counter(counters, "events"),
        .dead_letters = counter(counters, "dead_letters"),
        .oldest_job_ms = counter(counters, "oldest_job_ms"),
        .oldest_due_ms = counter(counters, "oldest_due_ms"),
    };
    for (int status = 0; status < SV_STATUS_COUNT; status++) {
        (void)snprintf(name, sizeof name, "status_%s", sv_status_name((enum sv_status)status));
        out->domains[status] = counter(counters, name);
    }
}

static void set_queue(const struct shard *shard)
{
    const struct sv_drive_queue *measured = &shard->measured;
    char number[QUEUE_BYTES];
    const char *const queue[] = {number};
    const struct {
        enum sv_metric metric;
        double value;
    } gauges[] = {
        {SV_METRIC_QUEUE_LAG, (double)measured->unread},
        {SV_METRIC_QUEUE_PENDING, (double)measured->pending},
        {SV_METRIC_QUEUE_OLDEST, (double)measured->oldest_job_ms / 1000},
        {SV_METRIC_DELAYED_DUE, (double)measured->clients_due},
        {SV_METRIC_DELAYED_DUE_OLDEST, (double)measured->oldest_due_ms / 1000},
        {SV_METRIC_MEASURED_AT, (double)measured->measured_at / 1000},
    };

    (void)snprintf(number, sizeof number, "%u", shard->index);
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        sv_metrics_set(shard->drive->options.metrics, gauges[i].metric, gauges[i].value, queue);
}

/* The fleet is the sum over the shards, as far as they have been measured. */
static void set_fleet(struct sv_drive *drive)
{
    struct sv_metrics *metrics = drive->options.metrics;
    double events = 0;

    for (int status = 0; status < SV_STATUS_COUNT; status++) {
        double count = 0;

        for (unsigned i = 0; i < drive->options.shards; i++)
            count += (double)drive->shards[i].measured.domains[status];
        sv_metrics_set(metrics, SV_METRIC_DOMAINS, count,
                       SV_LABELS(sv_status_name((enum sv_status)status)));
    }
    for (unsigned i = 0; i < drive->options.shards; i++)
        events += (double)drive->shards[i].measured.events;
    sv_metrics_set(metrics, SV_METRIC_EVENTS_BACKLOG, events, SV_LABELS("outbox"));
}

static void on_counters(struct errand *errand, enum sv_err err)
{
    struct shard *shard = errand->owner;
    const struct sv_store_counters *counters = &errand->call.u.counters;

    if (err != SV_OK)
        return; /* the figures stay what they were, and say how old they are */
    keep_queue(shard, counters);
    if (!is_balanced(counters)) {
        sv_metrics_add(shard->drive->options.metrics, SV_METRIC_BALANCE_VIOLATIONS, 1, SV_LABELS());
        sv_log_line(shard->drive->options.log, SV_LOG_ERROR, "balance_violated",
                    "the counters of a shard do not add up: a job was lost or counted twice",
                    SV_LOG_INT("shard", shard->index));
    }
    set_queue(shard);
    set_fleet(shard->drive);
}

static void ask_store(struct sv_drive *drive)
{
    sv_ms now = drive_monotonic(drive);

    if (drive->phase != DRIVE_WORKING ||
        (drive->measured_mono != 0 && now - drive->measured_mono < MEASURE_EVERY_MS))
        return;
    drive->measured_mono = now;
    for (unsigned i = 0; i < drive->options.shards; i++) {
        struct errand *errand = &drive->shards[i].measure;

        if (!errand_is_idle(errand))
            continue;
        errand->call.op = SV_STORE_COUNTERS;
        errand->call.shard = i;
        errand_run(drive, errand, on_counters, &drive->shards[i]);
        errand_give_up(errand); /* the next scrape asks anew */
    }
}

static void set_dependencies(struct sv_drive *drive)
{
    struct sv_metrics *metrics = drive->options.metrics;
    unsigned worst = 0;
    bool is_pausing = false;

    for (size_t i = 0; i < drive->options.accounts_count; i++) {
        const struct teller *teller = &drive->tellers[i];
        unsigned state = view_circuit(drive, teller);

        worst = state > worst ? state : worst;
        for (int op = 0; op < SV_SES_OP_COUNT; op++)
            is_pausing = is_pausing || teller->gates[op].waiting != NULL;
    }
    sv_metrics_set(metrics, SV_METRIC_CIRCUIT_STATE, worst, SV_LABELS("ses"));
    sv_metrics_set(metrics, SV_METRIC_BACKOFF_ACTIVE, worst > 0 || is_pausing, SV_LABELS("ses"));
    sv_metrics_set(metrics, SV_METRIC_BACKOFF_ACTIVE, !sv_store_is_ready(drive->options.store),
                   SV_LABELS("redis"));
}

static void set_sinks(const struct sv_drive *drive)
{
    struct sv_metrics *metrics = drive->options.metrics;
    struct sv_drive_sink sink;

    for (size_t i = 0; sv_drive_view_sink(drive, i, &sink); i++) {
        sv_metrics_set(metrics, SV_METRIC_SINK_LAG, (double)sink.oldest_ms / 1000,
                       SV_LABELS(sink.name));
        sv_metrics_set(metrics, SV_METRIC_SINK_DISABLED, sink.disabled ? 1 : 0,
                       SV_LABELS(sink.name));
        sv_metrics_set(metrics, SV_METRIC_SINK_DEAD, (double)sink.dead, SV_LABELS(sink.name));
    }
}

void sv_drive_measure(struct sv_drive *drive)
{
    struct sv_metrics *metrics = drive->options.metrics;
    unsigned entries = 0;

    if (metrics == NULL)
        return;
    for (unsigned i = 0; i < drive->options.shards; i++)
        entries += drive->shards[i].entries;
    sv_metrics_set(metrics, SV_METRIC_INFLIGHT, drive->inflight, SV_LABELS("check"));
    sv_metrics_set(metrics, SV_METRIC_INFLIGHT_LIMIT,
                   sv_brake_room(&drive->brake, drive->options.inflight_max), SV_LABELS("check"));
    sv_metrics_set(metrics, SV_METRIC_INFLIGHT, entries, SV_LABELS("job"));
    sv_metrics_set(metrics, SV_METRIC_LAST_PROGRESS, (double)drive->stats.last_progress_at / 1000,
                   SV_LABELS());
    set_dependencies(drive);
    set_sinks(drive);
    ask_store(drive);
}

/* ---- counted where it happens ---- */

void measure_job(const struct shard *shard, const char *outcome)
{
    char queue[QUEUE_BYTES];

    (void)snprintf(queue, sizeof queue, "%u", shard->index);
    sv_metrics_add(shard->drive->options.metrics, SV_METRIC_JOBS_FINISHED, 1,
                   SV_LABELS(queue, outcome));
}

void measure_taken(const struct shard *shard)
{
    char queue[QUEUE_BYTES];

    (void)snprintf(queue, sizeof queue, "%u", shard->index);
    sv_metrics_add(shard->drive->options.metrics, SV_METRIC_JOBS_TAKEN, 1, SV_LABELS(queue));
}

void measure_dead(const struct shard *shard, const char *reason)
{
    measure_job(shard, "dead");
    sv_metrics_add(shard->drive->options.metrics, SV_METRIC_DEAD_JOBS, 1, SV_LABELS(reason));
}

/* A job's age begins with its entry: stream ids start with the milliseconds of their making. */
static void measure_end_of_job(const struct check *check, const char *outcome)
{
    const struct sv_open_job *job = &check->before.job;
    struct sv_metrics *metrics = check->drive->options.metrics;
    const char *kind = sv_job_type_name(job->type);
    sv_ms pushed_at = strtoll(job->entry_id, NULL, 10);

    if (strcmp(outcome, "dead") == 0)
        measure_dead(check->shard, check->job_reason == NULL ? "other" : check->job_reason);
    else
        measure_job(check->shard, outcome);
    sv_metrics_observe(metrics, SV_METRIC_JOB_DURATION,
                       (double)(drive_monotonic(check->drive) - check->claimed_mono) / 1000,
                       SV_LABELS(kind));
    sv_metrics_observe(metrics, SV_METRIC_JOB_AGE,
                       (double)(drive_now(check->drive) - pushed_at) / 1000, SV_LABELS(kind));
}

void measure_commit(const struct check *check)
{
    const struct sv_store_commit *commit = &check->errand.call.u.commit;
    struct sv_metrics *metrics = check->drive->options.metrics;

    if (metrics == NULL)
        return;
    if (strcmp(commit->from, commit->to) != 0)
        sv_metrics_add(metrics, SV_METRIC_STATE_CHANGES, 1, SV_LABELS(commit->from, commit->to));
    if (commit->event != NULL)
        sv_metrics_add(metrics, SV_METRIC_EVENTS_EMITTED, 1, SV_LABELS("outbox", "written"));
    if (commit->job_outcome != NULL)
        measure_end_of_job(check, commit->job_outcome);
}

void measure_ses(const struct ticket *ticket, enum sv_err err)
{
    struct sv_metrics *metrics = ticket->gate->drive->options.metrics;
    const char *operation = sv_ses_op_name(ticket->gate->op);
    sv_ms took_ms = drive_monotonic(ticket->gate->drive) - ticket->called_mono;

    if (err == SV_ECANCELED)
        return;
    sv_metrics_add(metrics, SV_METRIC_SES_REQUESTS, 1, SV_LABELS(operation, sv_err_name(err)));
    sv_metrics_observe(metrics, SV_METRIC_SES_DURATION, (double)took_ms / 1000,
                       SV_LABELS(operation));
    if (err == SV_ETHROTTLED)
        sv_metrics_add(metrics, SV_METRIC_SES_THROTTLED, 1, SV_LABELS(operation));
}

void measure_retry(const struct sv_drive *drive, enum sv_err err)
{
    sv_metrics_add(drive->options.metrics, SV_METRIC_RETRIES, 1, SV_LABELS(sv_err_name(err)));
}

/* What waits on purpose tells nothing about Redis. */
void measure_store(const struct errand *errand, enum sv_err err)
{
    const struct sv_drive *drive = errand->drive;
    sv_ms took_ms = drive_monotonic(drive) - errand->called_mono;

    if (err == SV_ECANCELED)
        return;
    if (err != SV_OK)
        sv_metrics_add(drive->options.metrics, SV_METRIC_REDIS_ERRORS, 1,
                       SV_LABELS(sv_err_name(err)));
    else if (errand->call.op != SV_STORE_TAKE)
        sv_metrics_observe(drive->options.metrics, SV_METRIC_REDIS_RTT, (double)took_ms / 1000,
                           SV_LABELS());
}
