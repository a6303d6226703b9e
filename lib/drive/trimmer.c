/* The outbox keeps events for a time (options.events_keep_ms), and longer where a consumer group
 * has not read them. The worker that serves a shard trims it now and then, a little at a time; two
 * of them would do no harm. */
#include "inside.h"

#include <stdio.h>
#include <string.h>

enum { ENTRIES_MAX = 100, SOON_MS = 20, PAUSES_PER_LIFE = 4 };
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS (10 * SV_MINUTE)

/* Workers trim at different moments: the phase is random. */
static void plan(struct shard *shard)
{
    struct sv_drive *drive = shard->drive;
    sv_ms pause_ms = drive->options.events_keep_ms / PAUSES_PER_LIFE;

    if (pause_ms > PAUSE_MAX_MS)
        pause_ms = PAUSE_MAX_MS;
    if (pause_ms < PAUSE_MIN_MS)
        pause_ms = PAUSE_MIN_MS;
    pause_ms = pause_ms / 2 + (sv_ms)sv_rand_below(drive->options.rand, (uint64_t)pause_ms);
    alarm_set(drive, &shard->trim_at, pause_ms);
}

/* Once for each group that stands still, and again when it was another meanwhile. */
static void tell_holder(struct shard *shard, const char *group)
{
    if (group[0] != '\0' && strcmp(group, shard->held_by) != 0)
        sv_log_line(shard->drive->options.log, SV_LOG_WARN, "events_held",
                    "a consumer group has not acknowledged events older than events.retention: "
                    "they are kept, and the stream grows",
                    SV_LOG_STR("group", group), SV_LOG_INT("shard", shard->index));
    (void)snprintf(shard->held_by, sizeof(shard->held_by), "%s", group);
}

static void on_trimmed(struct errand *errand, enum sv_err err)
{
    struct shard *shard = errand->owner;
    struct sv_drive *drive = shard->drive;
    const struct sv_store_trim *trim = &errand->call.u.trim;

    if (err == SV_ECANCELED || drive->phase != DRIVE_WORKING)
        return;
    if (err != SV_OK) {
        sv_log_failure(drive->options.log, SV_LOG_ERROR, "trim_failed", NULL, &errand->call.info);
        plan(shard);
        return;
    }
    if (trim->trimmed > 0)
        sv_log_line(drive->options.log, SV_LOG_DEBUG, "events_trimmed", "old events were deleted",
                    SV_LOG_INT("shard", shard->index), SV_LOG_INT("count", trim->trimmed));
    if (trim->more) {
        alarm_set(drive, &shard->trim_at, SOON_MS);
        return;
    }
    tell_holder(shard, trim->held_by);
    plan(shard);
}

static void on_trim_at(struct alarm *alarm)
{
    struct shard *shard = alarm->owner;

    if (!shard->served) {
        plan(shard);
        return;
    }
    shard->trim.call.op = SV_STORE_TRIM;
    shard->trim.call.shard = shard->index;
    shard->trim.call.u.trim = (struct sv_store_trim){
        .keep_ms = shard->drive->options.events_keep_ms, .entries_max = ENTRIES_MAX};
    errand_run(shard->drive, &shard->trim, on_trimmed, shard);
}

void trimmer_start(struct shard *shard)
{
    alarm_init(&shard->trim_at, on_trim_at, shard);
    if (shard->drive->options.events_keep_ms > 0)
        plan(shard);
}

void trimmer_stop(struct shard *shard)
{
    errand_cancel(&shard->trim);
    if (shard->trim_at.owner != NULL)
        alarm_stop(shard->drive, &shard->trim_at);
}
