#include "sink_play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"

static void note(struct play *play, const struct sv_sink_parcel *parcel)
{
    struct play_got *got = &play->got[play->got_count++];
    const char *dot = strchr(parcel->id, '.');

    assert_true(play->got_count < PLAY_GOT_MAX);
    (void)snprintf(got->group, sizeof(got->group), "%s", parcel->group);
    got->sequence = dot != NULL ? strtoll(dot + 1, NULL, 10) : 0;
    got->at = (sv_ms)world_now_ms();
    got->outcome = parcel->outcome;
    play->delivered += parcel->outcome == SV_SINK_DELIVERED;
}

static void on_timer(uv_timer_t *timer)
{
    struct play *play = timer->data;

    for (size_t i = 0; i < play->waiting_count;) {
        struct play_waiting due = play->waiting[i];

        bool is_over = play->is_stopped || play->closed != NULL;

        if (due.at_ms > world_now_ms() && !is_over) {
            i++;
            continue;
        }
        play->waiting[i] = play->waiting[--play->waiting_count];
        due.parcel->outcome = is_over ? SV_SINK_LATER : play->say(play, due.parcel);
        if (is_over)
            due.parcel->info.code = SV_ECANCELED;
        else if (due.parcel->outcome != SV_SINK_DELIVERED)
            (void)sv_err_set(&due.parcel->info, SV_EUNAVAILABLE, "play", 0, "as the test says");
        if (!is_over)
            note(play, due.parcel);
        due.done(due.parcel);
    }
}

static void deliver(struct sv_sink *sink, struct sv_sink_parcel *parcel, sv_sink_done_fn *done)
{
    struct play *play = (struct play *)sink;

    for (size_t i = 0; i < play->waiting_count; i++)
        assert_string_not_equal(play->waiting[i].parcel->group, parcel->group);
    assert_true(play->waiting_count < PLAY_PARCELS_MAX);
    play->waiting[play->waiting_count++] = (struct play_waiting){
        .parcel = parcel, .done = done, .at_ms = world_now_ms() + (uint64_t)play->slow_ms};
    if (play->waiting_count > play->waiting_most)
        play->waiting_most = play->waiting_count;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct play *play = handle->data;

    play->closed(play->closed_context);
}

static void close_play(struct sv_sink *sink, sv_sink_closed_fn *closed, void *context)
{
    struct play *play = (struct play *)sink;

    play->closed = closed;
    play->closed_context = context;
    on_timer(&play->timer);
    uv_close((uv_handle_t *)&play->timer, on_timer_closed);
}

static void stop_play(struct sv_sink *sink)
{
    ((struct play *)sink)->is_stopped = true; /* the timer tells */
}

static const struct sv_sink_kind play_kind = {
    .name = "play", .deliver = deliver, .stop = stop_play, .close = close_play};

/* The published schedule, a thousand times as fast. */
static struct sv_delivery_plan quick_plan(void)
{
    struct sv_delivery_plan plan = sv_delivery_plan_default();

    for (size_t i = 0; i < plan.attempts; i++)
        plan.waits_ms[i] /= 1000;
    return plan;
}

struct play *play_new(struct world *world, play_fn *say)
{
    struct play *play = sv_alloc(1, sizeof(*play));

    play->base = (struct sv_sink){.kind = &play_kind, .name = "play"};
    play->say = say;
    assert_int_equal(uv_timer_init(&world->loop, &play->timer), 0);
    play->timer.data = play;
    assert_int_equal(uv_timer_start(&play->timer, on_timer, 1, 1), 0);
    play->route = (struct sv_route){.sink = &play->base, .plan = quick_plan(), .parallel = 8};
    world->options.routes = &play->route;
    world->options.routes_count = 1;
    world->options.heartbeat_ms = 300;
    return play;
}

struct play *play_of(struct world *world)
{
    return (struct play *)world->options.routes[0].sink;
}

void play_until_delivered(struct world *world, size_t count)
{
    uint64_t until = world_now_ms() + WORLD_PATIENCE_MS;

    while (play_of(world)->delivered < count) {
        if (world_now_ms() > until)
            fail_msg("only %zu of %zu delivered", play_of(world)->delivered, count);
        world_turn(world, true);
    }
}

void play_start(struct world *world)
{
    world_start(world);
    world_until_prepared(world);
}

void play_assert_in_order(const struct play *play)
{
    for (size_t i = 0; i < play->got_count; i++) {
        long long last = 0;

        if (play->got[i].outcome != SV_SINK_DELIVERED)
            continue;
        for (size_t j = 0; j < i; j++) {
            if (play->got[j].outcome == SV_SINK_DELIVERED &&
                strcmp(play->got[j].group, play->got[i].group) == 0)
                last = play->got[j].sequence;
        }
        if (play->got[i].sequence != last + 1)
            fail_msg("%s: %lld after %lld", play->got[i].group, play->got[i].sequence, last);
    }
}

void play_end(struct world *world)
{
    struct play *play = play_of(world);

    world_close_drive(world); /* closes the sink */
    free(play);
}
