/* How one attempt of a sink (sv/sink.h) went. */
#ifndef SV_SINK_OUTCOME_H
#define SV_SINK_OUTCOME_H

enum sv_sink_outcome {
    SV_SINK_DELIVERED,
    SV_SINK_LATER,   /* not now: try again, no sooner than `retry_after_ms` */
    SV_SINK_REFUSED, /* this event will never be taken; others may be */
    SV_SINK_GONE,    /* the target wants nothing any more (410): the sink is to be disabled */
};

#endif
