#include "desk.h"

#include "sv/require.h"

static void on_turn(uv_idle_t *handle);

void sv_sink_desk_init(struct sv_sink_desk *desk, uv_loop_t *loop, struct sv_sink *sink,
                       void (*release)(struct sv_sink *sink))
{
    *desk = (struct sv_sink_desk){.sink = sink, .release = release};
    SV_REQUIRE(uv_idle_init(loop, &desk->turn) == 0);
    desk->turn.data = desk;
}

void sv_sink_desk_take(struct sv_sink_desk *desk, struct sv_sink_parcel *parcel,
                       sv_sink_done_fn *done)
{
    SV_REQUIRE(parcel->body_bytes <= SV_SINK_EVENT_BYTES_MAX);
    parcel->done = done;
    parcel->transfer = NULL;
    parcel->retry_after_ms = 0;
    parcel->blame = SV_SINK_BLAME_UNKNOWN;
    parcel->info = (struct sv_errinfo){.code = SV_OK};
    desk->live++;
}

static void on_closed(uv_handle_t *handle)
{
    struct sv_sink_desk *desk = handle->data;
    sv_sink_closed_fn *closed = desk->closed;
    void *context = desk->closed_context;

    desk->release(desk->sink); /* the desk is a part of it */
    closed(context);
}

static void close_if_idle(struct sv_sink_desk *desk)
{
    if (desk->closing && desk->live == 0 && !uv_is_closing((uv_handle_t *)&desk->turn))
        uv_close((uv_handle_t *)&desk->turn, on_closed);
}

void sv_sink_desk_answer(struct sv_sink_desk *desk, struct sv_sink_parcel *parcel,
                         enum sv_sink_outcome outcome)
{
    parcel->outcome = outcome;
    parcel->transfer = NULL;
    parcel->done(parcel); /* may deliver the next one, or close */
    sv_sink_desk_let_go(desk);
}

void sv_sink_desk_answer_later(struct sv_sink_desk *desk, struct sv_sink_parcel *parcel,
                               enum sv_sink_outcome outcome)
{
    parcel->outcome = outcome;
    parcel->transfer = NULL;
    if (desk->last != NULL)
        desk->last->transfer = parcel;
    else
        desk->first = parcel;
    desk->last = parcel;
    SV_REQUIRE(uv_idle_start(&desk->turn, on_turn) == 0);
}

void sv_sink_desk_cancel(struct sv_sink_desk *desk, struct sv_sink_parcel *parcel)
{
    (void)sv_err_set(&parcel->info, SV_ECANCELED, "sink", 0, "the sink closes");
    sv_sink_desk_answer_later(desk, parcel, SV_SINK_LATER);
}

/* Only those that are there now: what is delivered meanwhile waits for its own turn. */
static void on_turn(uv_idle_t *handle)
{
    struct sv_sink_desk *desk = handle->data;
    struct sv_sink_parcel *parcel = desk->first;

    (void)uv_idle_stop(&desk->turn);
    desk->first = desk->last = NULL;
    desk->live++; /* the desk outlives this turn */
    while (parcel != NULL) {
        struct sv_sink_parcel *next = parcel->transfer;

        sv_sink_desk_answer(desk, parcel, parcel->outcome);
        parcel = next;
    }
    sv_sink_desk_let_go(desk);
}

void sv_sink_desk_hold(struct sv_sink_desk *desk)
{
    desk->live++;
}

void sv_sink_desk_let_go(struct sv_sink_desk *desk)
{
    SV_REQUIRE(desk->live > 0);
    desk->live--;
    close_if_idle(desk);
}

void sv_sink_desk_close(struct sv_sink_desk *desk, sv_sink_closed_fn *closed, void *context)
{
    SV_REQUIRE(!desk->closing);
    desk->closing = true;
    desk->closed = closed;
    desk->closed_context = context;
    close_if_idle(desk);
}
