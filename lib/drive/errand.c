/* A store call that is repeated until it is settled.
 *
 * Happy path: start the call, its callback ends the errand. When the store is away, or answers that
 * it cannot serve now, the same call is made again after a growing pause: every store call may be
 * repeated. A cancel ends the errand by its callback with SV_ECANCELED, from the store or from the
 * next turn of the loop. */
#include "inside.h"

#include "sv/require.h"

enum { PAUSE_FIRST_MS = 50, PAUSE_CAP_MS = 2000, AWAY_MS = 200 };

static void call_store(struct errand *errand);

static void link_errand(struct errand *errand)
{
    struct sv_drive *drive = errand->drive;

    errand->previous = NULL;
    errand->next = drive->errands;
    if (drive->errands != NULL)
        drive->errands->previous = errand;
    drive->errands = errand;
    drive->pending_calls++;
}

static void finish(struct errand *errand, enum sv_err err)
{
    struct sv_drive *drive = errand->drive;

    alarm_stop(drive, &errand->again);
    errand->state = ERRAND_IDLE;
    if (errand->previous != NULL)
        errand->previous->next = errand->next;
    else
        drive->errands = errand->next;
    if (errand->next != NULL)
        errand->next->previous = errand->previous;
    drive->pending_calls--;
    errand->done(errand, errand->canceled ? SV_ECANCELED : err); /* may free the errand */
    drive_settle(drive);
}

/* A server that refuses is spared by growing pauses. Whether there is a connection again is a look
 * at our own memory: that costs nothing, and however long the store was away, work goes on soon
 * after it is back. */
static void pause_and_repeat(struct errand *errand)
{
    struct sv_drive *drive = errand->drive;
    bool is_away = !sv_store_is_ready(drive->options.store);
    sv_ms wait_ms = is_away ? AWAY_MS : errand->wait_ms;

    errand->state = ERRAND_WAITING;
    if (!is_away)
        errand->wait_ms = wait_ms * 2 > PAUSE_CAP_MS ? PAUSE_CAP_MS : wait_ms * 2;
    wait_ms += (sv_ms)sv_rand_below(drive->options.rand, (uint64_t)wait_ms);
    alarm_set(drive, &errand->again, wait_ms);
}

/* Only what tells how quick the store is: a TAKE waits for jobs, and a call that never left, or
 * that was refused at once, says nothing. */
static void note_pace(struct errand *errand, enum sv_err err)
{
    struct sv_drive *drive = errand->drive;
    unsigned full = drive->options.inflight_max, before = sv_brake_room(&drive->brake, full), room;
    sv_ms now = drive_monotonic(drive), took_ms = now - errand->called_mono;

    if (errand->call.op == SV_STORE_TAKE || (err != SV_OK && err != SV_ETIMEOUT))
        return;
    sv_brake_note(&drive->brake, full, took_ms, now);
    room = sv_brake_room(&drive->brake, full);
    if (before == full && room < full)
        sv_log_line(drive->options.log, SV_LOG_WARN, "store_slow",
                    "redis answers slowly: fewer domains are looked at at once",
                    SV_LOG_STR("call", sv_store_op_name(errand->call.op)),
                    SV_LOG_INT("duration_ms", took_ms));
    else if (before < full && room == full)
        sv_log_line(drive->options.log, SV_LOG_INFO, "store_quick",
                    "redis is quick again: as many domains as before");
}

/* A permission may come back (an ACL that was written wrong and is mended); whoever starts without
 * it is told at once. Nothing was done meanwhile: the store refuses before it writes. */
static bool is_worth_repeating(const struct errand *errand, enum sv_err err)
{
    if (errand->canceled || errand->once)
        return false;
    return sv_err_is_temporary(err) || (err == SV_EDENIED && errand->call.op != SV_STORE_PREPARE);
}

static void on_store(struct sv_store_call *call, enum sv_err err)
{
    struct errand *errand = call->owner;

    note_pace(errand, err);
    measure_store(errand, err);
    if (is_worth_repeating(errand, err)) {
        if (err == SV_EDENIED)
            sv_log_failure(errand->drive->options.log, SV_LOG_ERROR, "store_call_denied", NULL,
                           &call->info);
        else
            sv_log_failure(errand->drive->options.log, SV_LOG_WARN, "store_call_repeated", NULL,
                           &call->info);
        errand->was_repeated = true;
        pause_and_repeat(errand);
        return;
    }
    finish(errand, err);
}

static void call_store(struct errand *errand)
{
    struct sv_drive *drive = errand->drive;
    enum sv_err err;

    errand->state = ERRAND_CALLING;
    errand->called_mono = drive_monotonic(drive);
    errand->call.owner = errand;
    err = sv_store_start(drive->options.store, &errand->call, on_store, &errand->call.info);
    if (err == SV_OK)
        return;
    SV_REQUIRE(err != SV_EINVALID); /* the driver makes only valid calls */
    if (sv_err_is_temporary(err)) {
        pause_and_repeat(errand);
        return;
    }
    errand->refusal = err;
    errand->state = ERRAND_WAITING;
    alarm_set(drive, &errand->again, 0);
}

static void on_again(struct alarm *alarm)
{
    struct errand *errand = alarm->owner;

    if (errand->canceled || errand->refusal != SV_OK)
        finish(errand, errand->refusal);
    else
        call_store(errand);
}

void errand_run(struct sv_drive *drive, struct errand *errand,
                void (*done)(struct errand *errand, enum sv_err err), void *owner)
{
    SV_REQUIRE(errand->state == ERRAND_IDLE);
    errand->drive = drive;
    errand->done = done;
    errand->owner = owner;
    errand->wait_ms = PAUSE_FIRST_MS;
    errand->refusal = SV_OK;
    errand->canceled = errand->once = errand->was_repeated = false;
    alarm_init(&errand->again, on_again, errand);
    link_errand(errand);
    call_store(errand);
}

void errand_cancel(struct errand *errand)
{
    if (errand->state == ERRAND_IDLE || errand->canceled)
        return;
    errand->canceled = true;
    if (errand->state == ERRAND_CALLING)
        sv_store_cancel(&errand->call);
    else
        alarm_set(errand->drive, &errand->again, 0);
}

void errand_give_up(struct errand *errand)
{
    if (errand->state == ERRAND_WAITING)
        errand_cancel(errand);
    else if (errand->state == ERRAND_CALLING)
        errand->once = true;
}

bool errand_is_idle(const struct errand *errand)
{
    return errand->state == ERRAND_IDLE;
}
