/* The registry of what the process counts and measures, and its Prometheus text (operations.md
 * section 5). Labels come from closed sets: never a domain, a client or a job id. Not thread-safe:
 * one loop owns it. Every function takes a NULL registry and then does nothing. */
#ifndef SV_METRICS_H
#define SV_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/buf.h"

enum {
    SV_METRIC_LABELS_MAX = 3,
    SV_METRIC_SERIES_MAX = 256, /* label combinations of one metric; more go to "other" */
    SV_METRICS_TEXT_BYTES_MAX = 4 << 20,
};

/* Counters only grow. Of the two kinds of histogram, swift ones have buckets from 1 ms to 10 s,
 * slow ones from 100 ms to a day. */
enum sv_metric_kind {
    SV_METRIC_COUNTER,
    SV_METRIC_GAUGE,
    SV_METRIC_SWIFT,
    SV_METRIC_SLOW,
};

/* X(id, kind, name, labels in their order, help). The names are public: add, never rename. */
#define SV_METRIC_MAP(X)                                                                           \
    X(BUILD_INFO, GAUGE, "sesverify_build_info", "version,commit", "Always 1; what is running.")   \
    X(JOBS_TAKEN, COUNTER, "sesverify_jobs_taken_total", "queue",                                  \
      "Jobs read from the inbox of a shard.")                                                      \
    X(JOBS_FINISHED, COUNTER, "sesverify_jobs_finished_total", "queue,outcome",                    \
      "Jobs that this worker ended: done, coalesced, rejected or dead.")                           \
    X(JOB_DURATION, SLOW, "sesverify_job_duration_seconds", "kind",                                \
      "From the claim of a domain to the commit that ended its job.")                              \
    X(JOB_AGE, SLOW, "sesverify_job_age_seconds", "kind",                                          \
      "From the moment a job was pushed to the commit that ended it.")                             \
    X(STATE_CHANGES, COUNTER, "sesverify_state_changes_total", "from,to",                          \
      "Committed changes of a domain's status.")                                                   \
    X(DOMAINS, GAUGE, "sesverify_domains", "state",                                                \
      "Domains by status in all shards, as last measured.")                                        \
    X(QUEUE_LAG, GAUGE, "sesverify_queue_lag", "queue",                                            \
      "Jobs in the inbox that nobody has read yet, as last measured.")                             \
    X(QUEUE_PENDING, GAUGE, "sesverify_queue_pending", "queue",                                    \
      "Jobs that were read and are not settled yet, as last measured.")                            \
    X(QUEUE_OLDEST, GAUGE, "sesverify_queue_oldest_seconds", "queue",                              \
      "Age of the oldest job in the inbox; 0 when it is empty, as last measured.")                 \
    X(DELAYED_DUE, GAUGE, "sesverify_delayed_due", "queue",                                        \
      "Clients with a domain whose look is due and not yet begun, as last measured.")              \
    X(DELAYED_DUE_OLDEST, GAUGE, "sesverify_delayed_due_oldest_seconds", "queue",                  \
      "How long the look that is most overdue has been due, as last measured.")                    \
    X(MEASURED_AT, GAUGE, "sesverify_measured_timestamp_seconds", "queue",                         \
      "When the figures of a shard were last measured.")                                           \
    X(BALANCE_VIOLATIONS, COUNTER, "sesverify_balance_violations_total", "",                       \
      "Measurements in which the counters of a shard did not add up. Must stay 0.")                \
    X(INFLIGHT, GAUGE, "sesverify_inflight", "kind", "What is under way now.")                     \
    X(INFLIGHT_LIMIT, GAUGE, "sesverify_inflight_limit", "kind", "How much may be under way.")     \
    X(RETRIES, COUNTER, "sesverify_retries_total", "reason",                                       \
      "Calls that were made again, by what made it necessary.")                                    \
    X(DEAD_JOBS, COUNTER, "sesverify_dead_jobs_total", "reason",                                   \
      "Jobs that this worker moved to the dead letters.")                                          \
    X(SES_REQUESTS, COUNTER, "sesverify_ses_requests_total", "operation,code",                     \
      "Calls answered by SES, by how they ended.")                                                 \
    X(SES_DURATION, SWIFT, "sesverify_ses_request_duration_seconds", "operation",                  \
      "From the permit to the answer of a call at SES.")                                           \
    X(SES_THROTTLED, COUNTER, "sesverify_ses_throttled_total", "operation",                        \
      "Calls that SES throttled.")                                                                 \
    X(BACKOFF_ACTIVE, GAUGE, "sesverify_backoff_active", "dependency",                             \
      "1 while a dependency is left alone for a while after failures.")                            \
    X(CIRCUIT_STATE, GAUGE, "sesverify_circuit_state", "dependency",                               \
      "0 closed, 1 half open, 2 open: the worst circuit of a dependency.")                         \
    X(DNS_QUERIES, COUNTER, "sesverify_dns_queries_total", "type,rcode,transport",                 \
      "DNS queries by their end; rcode timeout or error when no usable reply came.")               \
    X(DNS_DURATION, SWIFT, "sesverify_dns_duration_seconds", "transport",                          \
      "From the first packet of a DNS query to its end.")                                          \
    X(DNS_REJECTED, COUNTER, "sesverify_dns_rejected_total", "reason",                             \
      "DNS packets that were not believed.")                                                       \
    X(EVENTS_EMITTED, COUNTER, "sesverify_events_emitted_total", "sink,result",                    \
      "Events written to the outbox, or delivered by a sink.")                                     \
    X(EVENTS_BACKLOG, GAUGE, "sesverify_events_backlog", "sink",                                   \
      "Events in the outbox, or not yet delivered by a sink, as last measured.")                   \
    X(EVENT_DELIVERY, SLOW, "sesverify_event_delivery_seconds", "sink",                            \
      "From the commit of an event to its delivery by a sink.")                                    \
    X(SINK_LAG, GAUGE, "sesverify_sink_lag_seconds", "sink",                                       \
      "Age of the oldest event that a sink was not given yet, of all that were read for it.")      \
    X(SINK_DISABLED, GAUGE, "sesverify_sink_disabled", "sink",                                     \
      "1 where a sink's target said that it wants nothing any more.")                              \
    X(SINK_DEAD, GAUGE, "sesverify_sink_dead_events", "sink",                                      \
      "Events that a sink did not take after all attempts, kept as its dead letters.")             \
    X(REDIS_RECONNECTS, COUNTER, "sesverify_redis_reconnects_total", "",                           \
      "Connections to Redis that were made anew.")                                                 \
    X(REDIS_ERRORS, COUNTER, "sesverify_redis_errors_total", "class",                              \
      "Calls of the store that failed, by the class of the error.")                                \
    X(REDIS_RTT, SWIFT, "sesverify_redis_rtt_seconds", "",                                         \
      "From sending a script to its answer; reads that wait on purpose apart.")                    \
    X(LOOP_LAG, SWIFT, "sesverify_loop_lag_seconds", "", "How late a timer of the loop rang.")     \
    X(LAST_PROGRESS, GAUGE, "sesverify_last_progress_timestamp_seconds", "",                       \
      "When the worker last settled or committed something.")                                      \
    X(LOG_DROPPED, COUNTER, "sesverify_log_lines_dropped_total", "",                               \
      "Log lines lost because nobody took them.")                                                  \
    X(PROCESS_CPU, COUNTER, "process_cpu_seconds_total", "", "User and system CPU time.")          \
    X(PROCESS_MEMORY, GAUGE, "process_resident_memory_bytes", "", "Resident memory.")              \
    X(PROCESS_FDS, GAUGE, "process_open_fds", "", "Open file descriptors.")                        \
    X(PROCESS_FDS_MAX, GAUGE, "process_max_fds", "", "Limit of open file descriptors.")            \
    X(PROCESS_START, GAUGE, "process_start_time_seconds", "", "When the process began.")

enum sv_metric {
#define X(id, kind, name, labels, help) SV_METRIC_##id,
    SV_METRIC_MAP(X)
#undef X
        SV_METRIC_COUNT
};

struct sv_metrics;

struct sv_metrics *sv_metrics_new(void);
void sv_metrics_free(struct sv_metrics *metrics); /* NULL is fine */

/* Adds to the series of these label values; `values` are copied and as many as the metric has
 * labels. sv_metrics_add: counters. sv_metrics_set: gauges, and counters whose total another part
 * keeps. sv_metrics_observe: histograms, in seconds. */
void sv_metrics_add(struct sv_metrics *metrics, enum sv_metric metric, double by,
                    const char *const values[]);
void sv_metrics_set(struct sv_metrics *metrics, enum sv_metric metric, double value,
                    const char *const values[]);
void sv_metrics_observe(struct sv_metrics *metrics, enum sv_metric metric, double seconds,
                        const char *const values[]);

/* Label values in the order of the metric's labels; none for a metric without. */
#define SV_LABELS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

/* Forgets every series of a gauge, so that what is not measured any more is not shown. */
void sv_metrics_clear(struct sv_metrics *metrics, enum sv_metric metric);

/* The sum of a counter or gauge over all its series; 0 when there is none. */
double sv_metrics_sum(const struct sv_metrics *metrics, enum sv_metric metric);

/* Appends the Prometheus text format 0.0.4: HELP and TYPE of every metric, its series in the order
 * they were first seen; a metric without labels that was never touched stands as 0 when it is a
 * counter. False when `out` is full. */
bool sv_metrics_render(const struct sv_metrics *metrics, struct sv_buf *out)
    __attribute__((warn_unused_result));

#endif
