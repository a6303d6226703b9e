/* Which shards this worker serves.
 *
 * Happy path: it beats, the store names all who do, and everybody computes the same shares
 * (sv/ownership.h). A shard that became ours is read and claimed from at once; one that went to
 * others is let go gently: what was read or claimed is finished here. A worker that leaves says so;
 * one that died is missed when its last beat expires. Now and then a shard of others is visited, so
 * that overdue leases and due domains there wait for nobody's beat.
 *
 * While the store is away everything stays as it was. A store that refuses beats (an ACL of older
 * days, a foreign key) is told once, and then every shard is served: fences decide anyway. */
#include "inside.h"

#include "sv/ownership.h"
#include "sv/require.h"

enum { BEATS_PER_EXPIRY = 5, VISITS_PER_LEASE = 12, RETIRES_PER_IDLE = 6, IDLE_RECLAIMS = 60 };

/* Workers that started together do not act together for ever. */
static sv_ms spread(const struct sv_drive *drive, sv_ms about_ms)
{
    return about_ms * 3 / 4 + (sv_ms)sv_rand_below(drive->options.rand, (uint64_t)about_ms / 2 + 1);
}

/* --- shares --- */

static void serve(struct sv_drive *drive, uint64_t shares)
{
    for (unsigned i = 0; i < drive->options.shards; i++) {
        struct shard *shard = &drive->shards[i];
        bool served = (shares >> i & 1) != 0;

        if (shard->served == served)
            continue;
        shard->served = served;
        drive->fleet.served += served ? 1 : -1u;
        if (served)
            intake_begin(shard);
        queue_change(shard);
    }
}

static void tell(struct sv_drive *drive, size_t workers)
{
    struct fleet *fleet = &drive->fleet;

    if (fleet->workers == workers && fleet->told_served == fleet->served)
        return;
    fleet->workers = workers;
    fleet->told_served = fleet->served;
    sv_log_line(drive->options.log, SV_LOG_INFO, "shards_shared",
                "the workers that are there have shared the shards",
                SV_LOG_INT("workers", (long long)workers), SV_LOG_INT("served", fleet->served),
                SV_LOG_INT("shards", drive->options.shards));
}

/* --- beats --- */

static void on_beat(struct errand *errand, enum sv_err err)
{
    struct sv_drive *drive = errand->owner;
    struct fleet *fleet = &drive->fleet;
    const struct sv_store_beat *beat = &errand->call.u.beat;

    if (drive->phase != DRIVE_WORKING)
        return;
    if (err == SV_OK) {
        size_t named = beat->count > SV_STORE_WORKERS_MAX ? 0 : beat->count;

        fleet->refused = false;
        serve(drive, sv_ownership_shards(beat->workers, named, drive->options.worker,
                                         drive->options.shards));
        tell(drive, beat->count);
    } else if (!fleet->refused) {
        fleet->refused = true;
        sv_log_failure(drive->options.log, SV_LOG_ERROR, "beat_failed", NULL, &errand->call.info);
        serve(drive, UINT64_MAX);
    }
    alarm_set(drive, &fleet->beat_at,
              spread(drive, drive->options.heartbeat_ms / BEATS_PER_EXPIRY));
}

static void beat(struct sv_drive *drive)
{
    struct errand *errand = &drive->fleet.beat;

    errand->call.op = SV_STORE_BEAT;
    errand->call.u.beat = (struct sv_store_beat){.worker = drive->options.worker,
                                                 .expiry_ms = drive->options.heartbeat_ms};
    errand_run(drive, errand, on_beat, drive);
}

static void on_beat_at(struct alarm *alarm)
{
    beat(alarm->owner);
}

/* --- visits --- */

/* The next shard whose being served is `served`; NULL = there is none. */
static struct shard *next_shard(struct sv_drive *drive, unsigned *turn, bool served)
{
    for (unsigned i = 0; i < drive->options.shards; i++) {
        struct shard *shard = &drive->shards[++*turn % drive->options.shards];

        if (shard->served == served)
            return shard;
    }
    return NULL;
}

static void plan_visit(struct sv_drive *drive)
{
    alarm_set(drive, &drive->fleet.visit_at,
              spread(drive, drive->options.lease_ms / VISITS_PER_LEASE) + 1);
}

static void on_visit_at(struct alarm *alarm)
{
    struct sv_drive *drive = alarm->owner;
    struct shard *shard = next_shard(drive, &drive->fleet.visit_turn, false);

    if (shard != NULL)
        queue_visit(shard);
    plan_visit(drive);
}

/* --- readers that are gone --- */

static void on_retired(struct errand *errand, enum sv_err err)
{
    struct sv_drive *drive = errand->owner;

    if (err != SV_OK && err != SV_ECANCELED && !sv_err_is_temporary(err))
        sv_log_failure(drive->options.log, SV_LOG_ERROR, "retire_failed", NULL, &errand->call.info);
}

static void retire(struct sv_drive *drive, struct shard *shard, bool own)
{
    struct errand *errand = &shard->retire;

    if (!errand_is_idle(errand))
        return;
    errand->call.op = SV_STORE_RETIRE;
    errand->call.shard = shard->index;
    errand->call.u.retire =
        (struct sv_store_retire){.own = own, .idle_ms = IDLE_RECLAIMS * drive->options.reclaim_ms};
    errand_run(drive, errand, on_retired, drive);
}

static void plan_retire(struct sv_drive *drive)
{
    sv_ms about_ms = drive->options.reclaim_ms * (IDLE_RECLAIMS / RETIRES_PER_IDLE);
    sv_ms served = drive->fleet.served > 0 ? (sv_ms)drive->fleet.served : 1;

    alarm_set(drive, &drive->fleet.retire_at, spread(drive, about_ms / served + 1));
}

static void on_retire_at(struct alarm *alarm)
{
    struct sv_drive *drive = alarm->owner;
    struct shard *shard = next_shard(drive, &drive->fleet.retire_turn, true);

    if (shard != NULL)
        retire(drive, shard, false);
    plan_retire(drive);
}

/* --- life --- */

void fleet_start(struct sv_drive *drive)
{
    struct fleet *fleet = &drive->fleet;

    alarm_init(&fleet->beat_at, on_beat_at, drive);
    alarm_init(&fleet->visit_at, on_visit_at, drive);
    alarm_init(&fleet->retire_at, on_retire_at, drive);
    fleet->visit_turn = (unsigned)sv_rand_below(drive->options.rand, drive->options.shards);
    beat(drive);
    plan_visit(drive);
    plan_retire(drive);
}

void fleet_stop(struct sv_drive *drive)
{
    struct fleet *fleet = &drive->fleet;

    if (fleet->beat_at.owner == NULL)
        return; /* never started */
    alarm_stop(drive, &fleet->beat_at);
    alarm_stop(drive, &fleet->visit_at);
    alarm_stop(drive, &fleet->retire_at);
    errand_cancel(&fleet->beat);
    for (unsigned i = 0; i < drive->options.shards; i++)
        errand_cancel(&drive->shards[i].retire);
}

/* --- leaving --- */

static void on_said(struct errand *errand, enum sv_err err)
{
    (void)errand; /* whoever did not hear of it waits for the last beat to expire */
    (void)err;
}

void fleet_say_bye(struct sv_drive *drive)
{
    struct errand *errand = &drive->fleet.bye;

    if (drive->fleet.beat_at.owner == NULL || !errand_is_idle(errand))
        return;
    errand->call.op = SV_STORE_BEAT;
    errand->call.u.beat = (struct sv_store_beat){.worker = drive->options.worker};
    errand_run(drive, errand, on_said, drive);
    errand_give_up(errand); /* with the store away there is nobody to tell */
}

bool fleet_has_left(struct sv_drive *drive)
{
    bool left = drive->fleet.bye.drive == NULL || errand_is_idle(&drive->fleet.bye);

    for (unsigned i = 0; i < drive->options.shards; i++) {
        struct shard *shard = &drive->shards[i];

        if (shard->was_read && errand_is_idle(&shard->retire)) {
            shard->was_read = false;
            retire(drive, shard, true);
            errand_give_up(&shard->retire);
        }
        left = left && errand_is_idle(&shard->retire);
    }
    return left;
}
