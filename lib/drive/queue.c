/* One shard's schedule: claims what is due while there is room, and returns what a dead worker left
 * behind.
 *
 * Claiming stops by itself when nothing is due or everything is busy; it starts again when a check
 * ends, when a job was admitted, when the next due time comes, and at the latest after poll_ms,
 * which is how long another worker's due domain may go unnoticed. That holds for the shards this
 * worker serves; those of others are visited now and then, so that what is stuck there comes loose.
 */
#include "inside.h"

#include <stdlib.h>

#include "sv/require.h"

/* What waits in the store is taken client by client; what waits in our own line for DNS, as it
 * came. So the line is kept short, and filled again when half of it is gone. */
enum { REAP_MAX = 100, REAPS_PER_LEASE = 4, EMPTY_WAIT_MS = 20, DNS_LINE_MAX = 32 };
#define FAILED_WAIT_MS (5 * SV_SECOND)

static void claim(struct shard *shard);

/* Only from shards that are ours, or that we look at for a while. */
static bool may_claim(const struct shard *shard)
{
    return shard->drive->phase == DRIVE_WORKING && (shard->served || shard->helping);
}

/* The shards that are served share the room: a claim under way has reserved its part, and one shard
 * leaves the others theirs. */
static size_t room(const struct sv_drive *drive)
{
    unsigned max = sv_brake_room(&drive->brake, drive->options.inflight_max);
    unsigned taken = drive->inflight + drive->reserved;
    unsigned line = drive->asking_line + drive->reserved;
    size_t left = taken >= max ? 0 : max - taken;
    unsigned served = drive->fleet.served > 0 ? drive->fleet.served : 1;

    if (line > DNS_LINE_MAX / 2)
        return 0;
    if (left > DNS_LINE_MAX - line)
        left = DNS_LINE_MAX - line;
    return (left + served - 1) / served;
}

/* A claim that got nothing though something is due (others were faster) is not repeated at once. */
static sv_ms next_claim_ms(const struct sv_drive *drive, const struct sv_store_claim *claimed)
{
    sv_ms wait_ms = claimed->next_due_ms;

    if (claimed->count == 0 && wait_ms >= 0 && wait_ms < EMPTY_WAIT_MS)
        wait_ms = EMPTY_WAIT_MS;
    return wait_ms < 0 || wait_ms > drive->options.poll_ms ? drive->options.poll_ms : wait_ms;
}

static void go_hungry(struct shard *shard)
{
    shard->hungry = true;
    if (shard->hungry_number == 0)
        shard->hungry_number = ++shard->drive->hungry_count;
}

/* The shard that has waited longest for room, if there is any now; NULL = none does. It keeps its
 * place until it really claims. */
static struct shard *wake_hungry(struct sv_drive *drive)
{
    struct shard *longest = NULL;

    for (unsigned i = 0; i < drive->options.shards && room(drive) > 0; i++) {
        struct shard *shard = &drive->shards[i];

        if (shard->hungry && (longest == NULL || shard->hungry_number < longest->hungry_number))
            longest = shard;
    }
    if (longest == NULL)
        return NULL;
    longest->hungry = false;
    queue_wake(longest);
    return longest;
}

/* Whoever had the room waits its turn behind those that had none. */
void queue_room(struct shard *shard)
{
    const struct shard *woken = wake_hungry(shard->drive);

    if (woken == NULL)
        queue_wake(shard);
    else if (woken != shard)
        go_hungry(shard);
}

void queue_line(struct sv_drive *drive)
{
    (void)wake_hungry(drive);
}

/* A claim that was under way when the drain began is handed back like the others. */
static void start_checks(struct shard *shard, const struct sv_store_claim *claimed)
{
    struct sv_drive *drive = shard->drive;

    drive_learn_now(drive, claimed->now);
    drive->stats.last_progress_at = drive_now(drive);
    for (size_t i = 0; i < claimed->count; i++)
        check_start(shard, &claimed->claimed[i], drive->phase != DRIVE_WORKING);
}

static void on_claimed(struct errand *errand, enum sv_err err)
{
    struct shard *shard = errand->owner;
    struct sv_drive *drive = shard->drive;
    const struct sv_store_claim *claimed = &errand->call.u.claim;

    drive->reserved -= (unsigned)claimed->count_max;
    if (err == SV_OK && !drive_is_closing(drive)) {
        replan_notice(shard, claimed->now);
        start_checks(shard, claimed);
    }
    if (drive->phase != DRIVE_WORKING)
        return;
    (void)wake_hungry(drive);
    if (err != SV_OK)
        sv_log_failure(drive->options.log, SV_LOG_ERROR, "claim_failed", NULL, &errand->call.info);
    if (!shard->served) {
        shard->helping = shard->helping && err == SV_OK && claimed->count == claimed->count_max;
        claim(shard);
        return;
    }
    if (err != SV_OK) {
        alarm_set(drive, &shard->claim_at, FAILED_WAIT_MS);
        return;
    }
    if (shard->claim_again || claimed->count == claimed->count_max) {
        claim(shard);
        return;
    }
    alarm_set(drive, &shard->claim_at, next_claim_ms(drive, claimed));
}

static void claim(struct shard *shard)
{
    struct sv_drive *drive = shard->drive;
    size_t count_max = room(drive);

    shard->claim_again = false;
    if (!may_claim(shard) || !drive->pauses.known || drive->pauses.all)
        return; /* what is learnt of pauses wakes the queue */
    if (count_max == 0) {
        shard->helping = false;
        if (shard->served)
            go_hungry(shard);
        return; /* the end of a check, or of another shard's claim, wakes the queue */
    }
    shard->hungry = false;
    shard->hungry_number = 0;
    drive->reserved += (unsigned)count_max;
    alarm_stop(drive, &shard->claim_at);
    shard->claimed_mono = drive_monotonic(drive);
    free(shard->claim_paused);
    shard->claim_paused = pause_copy_clients(drive);
    shard->claim.call.op = SV_STORE_CLAIM;
    shard->claim.call.shard = shard->index;
    shard->claim.call.u.claim = (struct sv_store_claim){
        .count_max = count_max,
        .per_client_max = count_max / 4 + 1, /* one client never takes all the room of a turn */
        .lease_ms = drive->options.lease_ms,
        .worker = drive->options.worker,
        .paused = (const char(*)[SV_STORE_CLIENT_BYTES])shard->claim_paused,
        .paused_count = shard->claim_paused != NULL ? drive->pauses.clients_count : 0,
    };
    errand_run(drive, &shard->claim, on_claimed, shard);
}

void queue_wake(struct shard *shard)
{
    if (!may_claim(shard))
        return;
    if (!errand_is_idle(&shard->claim)) {
        shard->claim_again = true;
        return;
    }
    /* Next turn, not now: many checks end in one turn, and one claim serves them all. */
    alarm_set(shard->drive, &shard->claim_at, 0);
}

static void on_claim_at(struct alarm *alarm)
{
    struct shard *shard = alarm->owner;

    if (errand_is_idle(&shard->claim))
        claim(shard);
}

/* Workers reap at different moments: the phase is random. */
static void plan_reap(struct shard *shard)
{
    struct sv_drive *drive = shard->drive;
    sv_ms pause_ms = drive->options.lease_ms / REAPS_PER_LEASE;

    pause_ms += (sv_ms)sv_rand_below(drive->options.rand, (uint64_t)pause_ms + 1);
    alarm_set(drive, &shard->reap_at, pause_ms);
}

static void on_reaped(struct errand *errand, enum sv_err err)
{
    struct shard *shard = errand->owner;

    if (err == SV_ECANCELED)
        return;
    if (err != SV_OK)
        sv_log_failure(shard->drive->options.log, SV_LOG_ERROR, "reap_failed", NULL,
                       &errand->call.info);
    for (size_t i = 0; err == SV_OK && i < errand->call.u.reap.dead; i++)
        measure_dead(shard, "crash_loop");
    if (err == SV_OK && errand->call.u.reap.reaped > 0) {
        sv_log_line(shard->drive->options.log, SV_LOG_WARN, "leases_reaped",
                    "domains of a worker that died or stalled are due again",
                    SV_LOG_INT("shard", shard->index),
                    SV_LOG_INT("count", errand->call.u.reap.reaped));
        queue_wake(shard);
    }
    if (shard->drive->phase == DRIVE_WORKING && shard->served)
        plan_reap(shard);
}

static void reap(struct shard *shard)
{
    if (!errand_is_idle(&shard->reap))
        return;
    shard->reap.call.op = SV_STORE_REAP;
    shard->reap.call.shard = shard->index;
    shard->reap.call.u.reap =
        (struct sv_store_reap){.count_max = REAP_MAX,
                               .reclaims_max = shard->drive->options.deaths_max,
                               .crash_wait_ms = shard->drive->options.crash_wait_ms};
    errand_run(shard->drive, &shard->reap, on_reaped, shard);
}

static void on_reap_at(struct alarm *alarm)
{
    reap(alarm->owner);
}

void queue_start(struct shard *shard)
{
    alarm_init(&shard->claim_at, on_claim_at, shard);
    alarm_init(&shard->reap_at, on_reap_at, shard);
    trimmer_start(shard);
    strays_start(shard);
}

void queue_change(struct shard *shard)
{
    shard->helping = false;
    if (shard->served) {
        queue_wake(shard);
        plan_reap(shard);
        return;
    }
    shard->claim_again = shard->hungry = false;
    shard->hungry_number = 0;
    alarm_stop(shard->drive, &shard->claim_at);
    alarm_stop(shard->drive, &shard->reap_at);
}

/* Leases that nobody reaped, and what is due: whoever serves the shard may be stuck, or full. */
void queue_visit(struct shard *shard)
{
    reap(shard);
    shard->helping = true;
    if (errand_is_idle(&shard->claim))
        claim(shard);
}

/* A claim that reached the store may have taken domains: they are handed back when its answer
 * comes. */
void queue_stop(struct shard *shard)
{
    errand_give_up(&shard->claim);
    errand_cancel(&shard->reap);
    trimmer_stop(shard);
    strays_stop(shard);
    replan_stop(shard);
    if (shard->claim_at.owner != NULL) {
        alarm_stop(shard->drive, &shard->claim_at);
        alarm_stop(shard->drive, &shard->reap_at);
    }
}
