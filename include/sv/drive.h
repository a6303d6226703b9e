/* The driver: takes jobs in, claims due domains, asks DNS and SES about them, lets the core decide,
 * commits. One per process. Callbacks post, one place steps; save, then act. */
#ifndef SV_DRIVE_H
#define SV_DRIVE_H

#include <uv.h>

#include "sv/delivery.h"
#include "sv/flapping.h"
#include "sv/log.h"
#include "sv/metrics.h"
#include "sv/name.h"
#include "sv/planner.h"
#include "sv/policy.h"
#include "sv/rand.h"
#include "sv/resolver.h"
#include "sv/ses.h"
#include "sv/sink.h"
#include "sv/store.h"

enum { SV_ACCOUNTS_MAX = 32, SV_SHARDS_MAX = 64, SV_INFLIGHT_MAX = 4096 };

/* One SES account and region. All borrowed. */
struct sv_account {
    const char *name;
    const char *region;
    struct sv_ses *ses;
    const struct sv_ses_setup *setup; /* NULL = Easy DKIM and nothing else */
    unsigned rate_millihertz;         /* calls per 1000 s and action; 1000 = one a second */
    const char *principal; /* who we are at AWS, for messages; NULL or "" = not known (yet) */
    unsigned attempts_max; /* of one call, the first included; 0 = SV_RETRY_ATTEMPTS */
    /* Looks for other keys in the background, because these were refused; NULL = there are none. */
    void (*renew_keys)(void *context);
    void *renew_context;
    sv_ms reputation_every_ms; /* how often the mail of a sending domain is judged; 0 = never */
};

/* One sink, and what goes to it. Borrowed, all but the sink: the drive closes it with itself. */
struct sv_route {
    struct sv_sink *sink;
    struct sv_delivery_plan plan;
    struct sv_delivery_filter filter;
    const struct sv_sink_recipe *recipe; /* NULL = events as they are */
    struct sv_flapping_policy flapping;  /* changes 0 = no message is held back */
    unsigned parallel;                   /* attempts under way at once, for each shard; 1 .. 64 */
};

struct sv_drive_options {
    uv_loop_t *loop;
    struct sv_store *store;
    struct sv_resolver *resolver;
    const struct sv_account *accounts; /* copied; the first is not special */
    size_t accounts_count;
    struct sv_policy policy;
    struct sv_limits limits;
    struct sv_name_rules rules;
    bool allow_overlap;
    const char *dmarc_policy; /* borrowed; NULL = the built-in one */
    bool (*is_feedback_host)(const char *host);
    const char *worker; /* borrowed: unique name of this process */
    unsigned shards;
    unsigned inflight_max; /* domains being checked at once; 0 = 400 */
    sv_ms lease_ms;        /* 0 = 60 s */
    sv_ms poll_ms;         /* how long a due domain of another worker may stay unnoticed; 0 = 1 s */
    unsigned deaths_max;   /* workers in a row that may end over one domain, or one entry of the
                              inbox, before its job is dead; 0 = 5 */
    sv_ms crash_wait_ms;   /* longest wait of a domain over which workers end; 0 = 1 h */
    sv_ms reclaim_ms;      /* take over job entries idle for longer than this; 0 = 60 s */
    sv_ms heartbeat_ms;    /* how long a worker that is gone keeps its shards; 0 = 10 s, at most
                              SV_STORE_BEAT_MS_MAX */
    const struct sv_route *routes; /* at most SV_SINKS_MAX */
    size_t routes_count;
    sv_ms events_keep_ms; /* events that everybody has read are deleted after this; 0 = never */
    bool greets;          /* asks each account at start what it may do, and tells it */
    sv_ms dns_ms;         /* deadline for all DNS questions of one check; 0 = 20 s */
    struct sv_log *log;   /* borrowed; may be NULL */
    struct sv_metrics *metrics;   /* borrowed; may be NULL */
    struct sv_rand *rand;         /* borrowed */
    const struct sv_clock *clock; /* borrowed */
    sv_ms sweep_every_ms;     /* list sweeps of large accounts (sv/sweep.h), and walks through names
                               * that are claimed only, times `shards`; 0 = none */
    size_t sweep_domains_min; /* an account with less is swept once a day; 0 = 200 */
    /* Every input and decision of the planners as lines of text, for sv_plan_sim; NULL = none. */
    void (*plan_trace)(void *context, const char *line);
    void *plan_trace_context;
};

struct sv_drive;

/* For the status port, the state dump and tests. */
struct sv_drive_stats {
    uint64_t jobs_taken, jobs_opened, jobs_coalesced, jobs_rejected, jobs_dead, jobs_duplicate;
    uint64_t checks_started, checks_committed, checks_fenced, checks_released, commits_repeated;
    uint64_t events[8]; /* by enum sv_news */
    uint64_t ses_calls[SV_SES_OP_COUNT], ses_failures[SV_SES_OP_COUNT];
    uint64_t dns_questions;
    uint64_t sweeps, sweeps_hurried;       /* walks that ended, looks brought forward by them */
    uint64_t ses_waits_over_bound;         /* asks that waited longer than they were told */
    sv_ms ses_wait_worst_ms[SV_ASK_KINDS]; /* at the planner, since the start */
    sv_ms ses_wait_bound_ms[SV_ASK_KINDS]; /* what an ask would be told now: worst account */
    uint64_t ses_waiting;                  /* at the planners now */
    unsigned inflight;
    unsigned inflight_room; /* at most now: less than inflight_max while the store is slow */
    unsigned workers;       /* that beat, this one included; 0 = not known yet */
    unsigned shards_served; /* by this worker, alone or with others */
    sv_ms last_progress_at; /* wall clock */
};

/* `prepared` is called once: SV_OK when every shard is ready and work begins, otherwise why not
 * (then close). */
typedef void sv_drive_prepared_fn(void *context, enum sv_err err, const struct sv_errinfo *info);
typedef void sv_drive_drained_fn(void *context, unsigned left); /* left = domains not handed back */
typedef void sv_drive_closed_fn(void *context);

struct sv_drive *sv_drive_new(const struct sv_drive_options *options);

/* Prepares every shard, retrying while the store is away, then starts the work. A drain or close
 * before that is done ends it, and `prepared` is not called any more. */
void sv_drive_start(struct sv_drive *drive, sv_drive_prepared_fn *prepared, void *context);

/* E6: takes nothing new from now on, gives checks under way `drain_ms`, hands the rest back, then
 * calls `drained`. A second call with 0 hands everything back now; one
 * that comes after the end of the drain is not answered. */
void sv_drive_drain(struct sv_drive *drive, sv_ms drain_ms, sv_drive_drained_fn *drained,
                    void *context);

/* Before the registry is rendered: sets the gauges that are known at once, and asks the store for
 * the figures of the shards unless that was done in the last five seconds. */
void sv_drive_measure(struct sv_drive *drive);

void sv_drive_get_stats(const struct sv_drive *drive, struct sv_drive_stats *out);

/* Cancels everything, closes the sinks, frees `drive`, then calls `closed` as the very last thing.
 * The store, the accounts' SES and the resolver stay open: their owner closes them afterwards. */
void sv_drive_close(struct sv_drive *drive, sv_drive_closed_fn *closed, void *context);

#endif
