/* What every sink needs to keep the rules of sv/sink.h: it counts what is under way, gives answers
 * that are known at once a turn later, and lets the sink go when nothing is owed any more. */
#ifndef SV_SINK_DESK_H
#define SV_SINK_DESK_H

#include <stdbool.h>
#include <uv.h>

#include "sv/sink.h"

struct sv_sink_desk {
    struct sv_sink *sink;
    void (*release)(struct sv_sink *sink); /* frees the sink; called when all else is over */
    uv_idle_t turn;
    struct sv_sink_parcel *first, *last; /* whose answer is known; linked by `transfer` */
    unsigned live;                       /* parcels under way, and holds */
    bool closing;
    sv_sink_closed_fn *closed;
    void *closed_context;
};

void sv_sink_desk_init(struct sv_sink_desk *desk, uv_loop_t *loop, struct sv_sink *sink,
                       void (*release)(struct sv_sink *sink));

/* A parcel comes in: from here on exactly one answer is owed. */
void sv_sink_desk_take(struct sv_sink_desk *desk, struct sv_sink_parcel *parcel,
                       sv_sink_done_fn *done);

/* The answer, from within a callback of ours; the sink may be gone behind it. */
void sv_sink_desk_answer(struct sv_sink_desk *desk, struct sv_sink_parcel *parcel,
                         enum sv_sink_outcome outcome);
/* The same in the next turn: from within `deliver`. */
void sv_sink_desk_answer_later(struct sv_sink_desk *desk, struct sv_sink_parcel *parcel,
                               enum sv_sink_outcome outcome);
/* LATER, since the sink closes; in the next turn. */
void sv_sink_desk_cancel(struct sv_sink_desk *desk, struct sv_sink_parcel *parcel);

/* Something else keeps the sink alive: a connection, a program. */
void sv_sink_desk_hold(struct sv_sink_desk *desk);
void sv_sink_desk_let_go(struct sv_sink_desk *desk);

/* Begins the end: when nothing is under way or held, the sink is released, then `closed` called. */
void sv_sink_desk_close(struct sv_sink_desk *desk, sv_sink_closed_fn *closed, void *context);

#endif
