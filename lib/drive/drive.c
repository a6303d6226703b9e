#include "sv/drive.h"

#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "sv/alloc.h"
#include "sv/require.h"

/* ---- time ---- */

sv_ms drive_monotonic(const struct sv_drive *drive)
{
    const struct sv_clock *clock = drive->options.clock;

    return clock->monotonic(clock->context);
}

sv_ms drive_now(const struct sv_drive *drive)
{
    const struct sv_clock *clock = drive->options.clock;

    if (drive->store_ahead_ms == 0) /* the store has not told its time yet */
        return clock->wall(clock->context);
    return drive_monotonic(drive) + drive->store_ahead_ms;
}

void drive_learn_now(struct sv_drive *drive, sv_ms store_now)
{
    if (store_now > 0)
        drive->store_ahead_ms = store_now - drive_monotonic(drive);
}

/* ---- alarms ---- */

static void plan_timer(struct sv_drive *drive);

static void on_timer(uv_timer_t *timer)
{
    struct sv_drive *drive = timer->data;
    sv_ms now = drive_monotonic(drive);
    struct sv_heap_node *first;

    while ((first = sv_heap_first(&drive->alarms)) != NULL && first->at <= now) {
        struct alarm *alarm = first->owner;

        sv_heap_remove(&drive->alarms, first);
        alarm->ring(alarm);
    }
    plan_timer(drive);
}

static void plan_timer(struct sv_drive *drive)
{
    const struct sv_heap_node *first = sv_heap_first(&drive->alarms);
    sv_ms wait_ms;

    if (drive->phase == DRIVE_CLOSING && drive->handles == 0)
        return;
    if (first == NULL) {
        (void)uv_timer_stop(&drive->timer);
        return;
    }
    wait_ms = first->at - drive_monotonic(drive);
    (void)uv_timer_start(&drive->timer, on_timer, wait_ms < 0 ? 0 : (uint64_t)wait_ms, 0);
}

void alarm_init(struct alarm *alarm, void (*ring)(struct alarm *alarm), void *owner)
{
    alarm->ring = ring;
    alarm->owner = owner;
    alarm->node.owner = alarm;
}

void alarm_set(struct sv_drive *drive, struct alarm *alarm, sv_ms wait_ms)
{
    sv_heap_set(&drive->alarms, &alarm->node, drive_monotonic(drive) + wait_ms);
    if (sv_heap_first(&drive->alarms) == &alarm->node)
        plan_timer(drive);
}

void alarm_stop(struct sv_drive *drive, struct alarm *alarm)
{
    sv_heap_remove(&drive->alarms, &alarm->node);
}

/* ---- the turn ---- */

/* Steps the letters that are there at its start; what they post is the next turn's. */
static void run_turn(uv_idle_t *idle)
{
    struct sv_drive *drive = idle->data;
    struct letter *letter = drive->inbox;

    drive->inbox = NULL;
    drive->inbox_tail = &drive->inbox;
    while (letter != NULL) {
        struct letter *next = letter->next;

        letter->posted = false;
        letter->step(letter->owner); /* may free the letter */
        letter = next;
    }
    if (drive->inbox == NULL)
        (void)uv_idle_stop(&drive->turn);
    drive_settle(drive);
}

void post(struct sv_drive *drive, struct letter *letter)
{
    if (letter->posted)
        return;
    letter->posted = true;
    letter->next = NULL;
    *drive->inbox_tail = letter;
    drive->inbox_tail = &letter->next;
    (void)uv_idle_start(&drive->turn, run_turn);
}

/* ---- life ---- */

struct teller *drive_teller(struct sv_drive *drive, const char *account)
{
    for (size_t i = 0; i < drive->options.accounts_count; i++) {
        if (strcmp(drive->tellers[i].account.name, account) == 0)
            return &drive->tellers[i];
    }
    return NULL;
}

static void fill_defaults(struct sv_drive_options *options)
{
    if (options->inflight_max == 0)
        options->inflight_max = 400;
    if (options->lease_ms == 0)
        options->lease_ms = SV_MINUTE;
    if (options->poll_ms == 0)
        options->poll_ms = SV_SECOND;
    if (options->reclaim_ms == 0)
        options->reclaim_ms = SV_MINUTE;
    if (options->deaths_max == 0)
        options->deaths_max = 5;
    if (options->crash_wait_ms == 0)
        options->crash_wait_ms = SV_HOUR;
    if (options->heartbeat_ms == 0)
        options->heartbeat_ms = 10 * SV_SECOND;
    if (options->dns_ms == 0)
        options->dns_ms = 20 * SV_SECOND;
}

static void open_tellers(struct sv_drive *drive)
{
    drive->tellers = sv_alloc(drive->options.accounts_count, sizeof *drive->tellers);
    for (size_t i = 0; i < drive->options.accounts_count; i++) {
        struct teller *teller = &drive->tellers[i];

        teller->account = drive->options.accounts[i];
        SV_REQUIRE(teller->account.rate_millihertz > 0);
        for (int op = 0; op < SV_SES_OP_COUNT; op++)
            gate_init(&teller->gates[op], drive, teller, (enum sv_ses_op)op);
        reader_init(&teller->reader, drive, teller);
    }
    drive->options.accounts = NULL; /* the caller's copy is not needed any more */
}

struct sv_drive *sv_drive_new(const struct sv_drive_options *options)
{
    struct sv_drive *drive = sv_alloc(1, sizeof *drive);

    SV_REQUIRE(options->shards >= 1 && options->shards <= SV_SHARDS_MAX);
    SV_REQUIRE(options->accounts_count >= 1 && options->accounts_count <= SV_ACCOUNTS_MAX);
    SV_REQUIRE(options->inflight_max <= SV_INFLIGHT_MAX);
    SV_REQUIRE(options->heartbeat_ms <= SV_STORE_BEAT_MS_MAX);
    drive->options = *options;
    fill_defaults(&drive->options);
    sv_heap_init(&drive->alarms);
    drive->inbox_tail = &drive->inbox;
    SV_REQUIRE(uv_timer_init(options->loop, &drive->timer) == 0);
    SV_REQUIRE(uv_idle_init(options->loop, &drive->turn) == 0);
    drive->timer.data = drive;
    drive->turn.data = drive;
    drive->handles = 2;
    open_tellers(drive);
    couriers_new(drive);
    for (unsigned i = 0; i < drive->options.shards; i++) {
        drive->shards[i].drive = drive;
        drive->shards[i].index = i;
    }
    return drive;
}

/* ---- leases ---- */

/* A third of the lease is the latest that a living check prolongs it. */
static void on_renew_at(struct alarm *alarm)
{
    struct sv_drive *drive = alarm->owner;
    sv_ms old = drive_monotonic(drive) - drive->options.lease_ms / 3;
    struct check *next;

    for (struct check *check = drive->checks; check != NULL; check = next) {
        next = check->next;
        if (check->renewed_mono <= old)
            check_renew(check);
    }
    alarm_set(drive, alarm, drive->options.lease_ms / 12 + 1);
}

/* ---- start ---- */

static void start_work(struct sv_drive *drive)
{
    drive->phase = DRIVE_WORKING;
    drive->stats.last_progress_at = drive_now(drive);
    pause_start(drive);
    for (unsigned i = 0; i < drive->options.shards; i++) {
        intake_start(&drive->shards[i]);
        queue_start(&drive->shards[i]);
    }
    fleet_start(drive);
    couriers_start(drive);
    for (size_t i = 0; i < drive->options.accounts_count; i++) {
        sweeper_start(drive, &drive->tellers[i]);
        rater_start(drive, &drive->tellers[i]);
        if (drive->options.greets)
            greet(&drive->tellers[i]);
    }
    alarm_init(&drive->renew_at, on_renew_at, drive);
    alarm_set(drive, &drive->renew_at, drive->options.lease_ms / 12 + 1);
    drive->on_prepared(drive->prepared_context, SV_OK, NULL);
}

static void on_shard_prepared(struct errand *errand, enum sv_err err)
{
    struct shard *shard = errand->owner;
    struct sv_drive *drive = shard->drive;

    if (drive->phase != DRIVE_PREPARING)
        return;
    if (err != SV_OK) {
        drive->phase = DRIVE_IDLE;
        drive->on_prepared(drive->prepared_context, err, &errand->call.info);
        return;
    }
    if (++drive->prepared == drive->options.shards)
        couriers_place(drive, start_work);
}

void sv_drive_start(struct sv_drive *drive, sv_drive_prepared_fn *prepared, void *context)
{
    SV_REQUIRE(drive->phase == DRIVE_IDLE);
    drive->phase = DRIVE_PREPARING;
    drive->on_prepared = prepared;
    drive->prepared_context = context;
    for (unsigned i = 0; i < drive->options.shards; i++) {
        struct errand *errand = &drive->shards[i].prepare;

        errand->call.op = SV_STORE_PREPARE;
        errand->call.shard = i;
        errand_run(drive, errand, on_shard_prepared, &drive->shards[i]);
    }
}

/* ---- drain ---- */

static void stop_taking(struct sv_drive *drive)
{
    pause_stop(drive);
    for (unsigned i = 0; i < drive->options.shards; i++) {
        errand_cancel(&drive->shards[i].prepare);
        intake_stop(&drive->shards[i]);
        queue_stop(&drive->shards[i]);
    }
    fleet_stop(drive);
    couriers_stop(drive);
    for (size_t i = 0; i < drive->options.accounts_count; i++) {
        sweeper_stop(&drive->tellers[i]);
        rater_stop(&drive->tellers[i]);
    }
}

static bool is_claiming(const struct sv_drive *drive)
{
    for (unsigned i = 0; i < drive->options.shards; i++) {
        if (!errand_is_idle(&drive->shards[i].claim))
            return true;
    }
    return false;
}

static void hand_back(struct sv_drive *drive)
{
    struct check *next;

    for (struct check *check = drive->checks; check != NULL; check = next) {
        next = check->next;
        check_release(check);
    }
}

static unsigned entries_open(const struct sv_drive *drive)
{
    unsigned open = 0;

    for (unsigned i = 0; i < drive->options.shards; i++)
        open += drive->shards[i].entries;
    return open;
}

static void end_drain(struct sv_drive *drive)
{
    drive->phase = DRIVE_DRAINED;
    alarm_stop(drive, &drive->drain_deadline);
    alarm_stop(drive, &drive->renew_at);
    drive->on_drained(drive->drained_context, drive->inflight);
}

/* First the deadline hands everything back; then a grace for the hand-over itself ends the drain
 * whatever is left. */
static void on_drain_deadline(struct alarm *alarm)
{
    struct sv_drive *drive = alarm->owner;

    if (drive->handed_back) {
        end_drain(drive);
        return;
    }
    drive->handed_back = true;
    hand_back(drive);
    couriers_hand_back(drive);
    alarm_set(drive, alarm, SV_SECOND * 3 / 2);
}

void sv_drive_drain(struct sv_drive *drive, sv_ms drain_ms, sv_drive_drained_fn *drained,
                    void *context)
{
    drive->on_drained = drained;
    drive->drained_context = context;
    if (drive->phase == DRIVE_DRAINED || drive->phase == DRIVE_CLOSING)
        return;
    if (drive->phase != DRIVE_DRAINING) {
        drive->phase = DRIVE_DRAINING;
        alarm_init(&drive->drain_deadline, on_drain_deadline, drive);
        stop_taking(drive);
        fleet_say_bye(drive);
    }
    if (!drive->handed_back) /* otherwise the grace of the hand-over runs already */
        alarm_set(drive, &drive->drain_deadline, drain_ms);
    drive_settle(drive); /* there may be nothing to wait for */
}

/* ---- end ---- */

static void free_drive(struct sv_drive *drive)
{
    sv_drive_closed_fn *closed = drive->on_closed;
    void *context = drive->closed_context;

    pause_free(drive);
    couriers_free(drive);
    for (unsigned i = 0; i < drive->options.shards; i++)
        free(drive->shards[i].claim_paused);

    SV_REQUIRE(drive->checks == NULL);
    for (size_t i = 0; i < drive->options.accounts_count; i++) {
        sweeper_free(&drive->tellers[i]);
        rater_free(&drive->tellers[i]);
    }
    sv_heap_fini(&drive->alarms);
    free(drive->tellers);
    free(drive);
    closed(context);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct sv_drive *drive = handle->data;

    if (--drive->handles == 0)
        free_drive(drive);
}

void drive_settle(struct sv_drive *drive)
{
    if (drive->phase == DRIVE_DRAINING && drive->checks == NULL && !is_claiming(drive) &&
        entries_open(drive) == 0 && couriers_have_left(drive) && fleet_has_left(drive)) {
        drive->handed_back = true;
        alarm_set(drive, &drive->drain_deadline, 0);
        return;
    }
    if (drive->phase != DRIVE_CLOSING || drive->pending_calls > 0 || drive->checks != NULL ||
        drive->inbox != NULL || uv_is_closing((uv_handle_t *)&drive->timer))
        return;
    uv_close((uv_handle_t *)&drive->timer, on_handle_closed);
    uv_close((uv_handle_t *)&drive->turn, on_handle_closed);
}

void sv_drive_close(struct sv_drive *drive, sv_drive_closed_fn *closed, void *context)
{
    struct errand *next_errand;
    struct check *next_check;

    SV_REQUIRE(drive->phase != DRIVE_CLOSING);
    drive->phase = DRIVE_CLOSING;
    drive->on_closed = closed;
    drive->closed_context = context;
    stop_taking(drive); /* no alarm may start anything new */
    couriers_close(drive);
    alarm_stop(drive, &drive->renew_at);
    alarm_stop(drive, &drive->drain_deadline);
    for (size_t i = 0; i < drive->options.accounts_count; i++) {
        for (int op = 0; op < SV_SES_OP_COUNT; op++)
            gate_stop(&drive->tellers[i].gates[op]);
        reader_stop(&drive->tellers[i].reader);
    }
    for (struct check *check = drive->checks; check != NULL; check = next_check) {
        next_check = check->next;
        check_look_stop(check);
        check_cancel_ses(check);
        check_post(check);
    }
    for (struct errand *errand = drive->errands; errand != NULL; errand = next_errand) {
        next_errand = errand->next;
        errand_cancel(errand);
    }
    /* Everything ends from a turn of the loop, never from inside this call. */
    (void)uv_idle_start(&drive->turn, run_turn);
}

void sv_drive_get_stats(const struct sv_drive *drive, struct sv_drive_stats *out)
{
    *out = drive->stats;
    out->inflight = drive->inflight;
    out->inflight_room = sv_brake_room(&drive->brake, drive->options.inflight_max);
    out->workers = (unsigned)drive->fleet.workers;
    out->shards_served = drive->fleet.served;
    for (size_t i = 0; i < drive->options.accounts_count; i++) {
        const struct sv_planner *planner = &drive->tellers[i].reader.planner;

        out->ses_waiting += planner->count;
        for (int kind = 0; kind < SV_ASK_KINDS; kind++) {
            sv_ms bound_ms = sv_planner_bound_ms(planner, (enum sv_ask_kind)kind);

            if (bound_ms > out->ses_wait_bound_ms[kind])
                out->ses_wait_bound_ms[kind] = bound_ms;
        }
    }
}
