/* A sink: one place where the events of the outbox go (webhook, queue, topic, stream, program). The
 * courier (lib/drive) decides which event goes next and when it is tried again; a sink makes one
 * attempt and says how it went. Implementations: lib/adapt/sink/. */
#ifndef SV_SINK_H
#define SV_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/buf.h"
#include "sv/err.h"
#include "sv/sink_outcome.h"
#include "sv/time.h"

enum {
    SV_SINK_NAME_BYTES = 33, /* of a sink: a-z, 0-9, '-' and '_' */
    SV_SINKS_MAX = 16,
    SV_SINK_EVENT_BYTES_MAX = 64 * 1024,
};

/* Whose trouble a LATER is, as far as the sink can tell. */
enum sv_sink_blame {
    SV_SINK_BLAME_UNKNOWN,
    SV_SINK_BLAME_TARGET, /* it is overloaded, or down as a whole: other events have to wait, too */
    SV_SINK_BLAME_EVENT,  /* this one alone: others go on */
};

/* One attempt for one event; embed it in your own struct. Texts are borrowed until `done`. */
struct sv_sink_parcel {
    const char *id;        /* of the event: the same in every attempt */
    const char *type;      /* "io.sesverify.domain.verified.v1" */
    const char *client_id; /* whose event it is; NULL or "" = not told */
    const char *group; /* what must stay in order: the domain's uid, or the id of a job's answer */
    const char *body;  /* what is sent: the CloudEvent, or what a recipe made of it */
    size_t body_bytes; /* <= SV_SINK_EVENT_BYTES_MAX */
    const char *content_type;
    void *owner; /* yours, untouched */
    /* out, set before `done` */
    enum sv_sink_outcome outcome;
    sv_ms retry_after_ms;     /* LATER: what the target asked for; 0 = it said nothing */
    enum sv_sink_blame blame; /* LATER */
    struct sv_errinfo info;   /* unless DELIVERED: what was answered, without secrets */
    /* private to the sink from here on */
    void (*done)(struct sv_sink_parcel *parcel);
    void *transfer;
};

/* Called exactly once for each deliver, never from inside it. */
typedef void sv_sink_done_fn(struct sv_sink_parcel *parcel);
typedef void sv_sink_closed_fn(void *context);

struct sv_sink;

struct sv_sink_kind {
    const char *name; /* "webhook", "sns", "sqs", "eventbridge", "redis", "exec", "stdout" */
    /* Begins one attempt. Many may be under way at once, one per `group`. */
    void (*deliver)(struct sv_sink *sink, struct sv_sink_parcel *parcel, sv_sink_done_fn *done);
    /* The time for attempts under way is over: they end within a second, LATER (SV_ECANCELED)
     * unless the target had answered, and nothing is delivered afterwards. NULL = `close` ends them
     * at once. */
    void (*stop)(struct sv_sink *sink);
    /* Attempts under way end as LATER (SV_ECANCELED); then frees the sink and calls `closed` as the
     * very last thing. */
    void (*close)(struct sv_sink *sink, sv_sink_closed_fn *closed, void *context);
};

/* Makes of an event the message that other services take (PagerDuty, Slack ...). */
struct sv_sink_recipe {
    const char *content_type;
    /* `event` is the CloudEvent as it is kept. Writes the body; false when this event needs no
     * message, which then counts as delivered. */
    bool (*render)(const void *context, const char *event, size_t event_bytes, struct sv_buf *body);
    /* The same for a domain that goes to and fro (sv/flapping.h): so many changes in `window_ms`,
     * and those that follow are held back. NULL = nothing is ever held back. */
    bool (*summarize)(const void *context, unsigned changes, sv_ms window_ms, const char *event,
                      size_t event_bytes, struct sv_buf *body);
    const void *context; /* borrowed */
};

/* The first member of every implementation's own struct. */
struct sv_sink {
    const struct sv_sink_kind *kind;
    char name[SV_SINK_NAME_BYTES];
};

#endif
