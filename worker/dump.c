#include "dump.h"

#include <stdio.h>

#include "sv/domain.h"

enum { FIELDS_MAX = 64, KEY_BYTES = 64 };

struct dump {
    size_t count;
    struct sv_log_field fields[FIELDS_MAX];
    char keys[FIELDS_MAX][KEY_BYTES];
};

/* Room for one more and the end of the list is kept; what has no room is left out. */
static void add(struct dump *dump, const char *prefix, const char *name, uint64_t value)
{
    char *key;

    if (dump->count + 1 == FIELDS_MAX)
        return;
    key = dump->keys[dump->count];
    (void)snprintf(key, KEY_BYTES, "%s%s", prefix, name);
    dump->fields[dump->count++] = SV_LOG_INT(key, value);
}

void sv_dump_state(struct sv_log *log, const struct sv_drive_stats *stats)
{
    struct dump dump = {.count = 0};

    add(&dump, "", "inflight", stats->inflight);
    add(&dump, "", "inflight_room", stats->inflight_room);
    add(&dump, "", "workers", stats->workers);
    add(&dump, "", "shards_served", stats->shards_served);
    add(&dump, "jobs_", "taken", stats->jobs_taken);
    add(&dump, "jobs_", "opened", stats->jobs_opened);
    add(&dump, "jobs_", "coalesced", stats->jobs_coalesced);
    add(&dump, "jobs_", "rejected", stats->jobs_rejected);
    add(&dump, "jobs_", "dead", stats->jobs_dead);
    add(&dump, "jobs_", "duplicate", stats->jobs_duplicate);
    add(&dump, "checks_", "started", stats->checks_started);
    add(&dump, "checks_", "committed", stats->checks_committed);
    add(&dump, "checks_", "fenced", stats->checks_fenced);
    add(&dump, "checks_", "released", stats->checks_released);
    add(&dump, "commits_", "repeated", stats->commits_repeated);
    add(&dump, "dns_", "questions", stats->dns_questions);
    add(&dump, "sweeps", "", stats->sweeps);
    add(&dump, "sweeps_", "hurried", stats->sweeps_hurried);
    for (int i = SV_NEWS_NONE + 1; i < SV_NEWS_COUNT; i++)
        add(&dump, "events_", sv_news_name((enum sv_news)i), stats->events[i]);
    for (int i = 0; i < SV_SES_OP_COUNT; i++) {
        add(&dump, "ses_calls_", sv_ses_op_name((enum sv_ses_op)i), stats->ses_calls[i]);
        if (stats->ses_failures[i] > 0)
            add(&dump, "ses_failures_", sv_ses_op_name((enum sv_ses_op)i), stats->ses_failures[i]);
    }
    add(&dump, "ses_", "waiting", stats->ses_waiting);
    add(&dump, "ses_", "waits_over_bound", stats->ses_waits_over_bound);
    for (int i = 0; i < SV_ASK_KINDS; i++) {
        const char *kind = sv_ask_kind_name((enum sv_ask_kind)i);

        add(&dump, "ses_wait_worst_ms_", kind, (uint64_t)stats->ses_wait_worst_ms[i]);
        add(&dump, "ses_wait_bound_ms_", kind, (uint64_t)stats->ses_wait_bound_ms[i]);
    }
    add(&dump, "", "last_progress_at", (uint64_t)stats->last_progress_at);
    sv_log_write(log, SV_LOG_INFO, "state", "state of the driver", dump.fields);
}
