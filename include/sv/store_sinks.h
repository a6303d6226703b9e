/* The calls of sv/store.h that deliver events to sinks: SINK, PARCELS, SETTLE, SINK_DEAD, REPLAY.
 * Each sink has a place of its own in the outbox of each shard, and one worker serves it there. */
#ifndef SV_STORE_SINKS_H
#define SV_STORE_SINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/time.h"

enum {
    SV_STORE_PARCELS_MAX = 64,      /* of one read */
    SV_STORE_SINK_OPEN_MAX = 2048,  /* read and not settled; then nothing new is read */
    SV_STORE_SINK_DEAD_MAX = 10000, /* dead letters of a sink in one shard; the oldest go first */
    SV_STORE_SINK_WHY_BYTES = 241,  /* of a reason, with its end */
    SV_STORE_SINK_ENTRY_BYTES = 44, /* as SV_STORE_ENTRY_ID_BYTES */
    SV_STORE_REPLAY_MAX = 100,      /* dead letters put back by one call */
};

enum sv_store_sink_verb {
    SV_STORE_SINK_LOOK,   /* only tells */
    SV_STORE_SINK_PLACE,  /* gives it a place where it has none, the first time ever behind the
                             events  that are there already; takes no turn */
    SV_STORE_SINK_SERVE,  /* takes the turn, or keeps it; gives it a place as PLACE does */
    SV_STORE_SINK_LEAVE,  /* gives the turn back */
    SV_STORE_SINK_ENABLE, /* after SETTLE disabled it: all that waits is due at once */
};

/* SINK: whose turn it is to serve a sink in a shard, and how the sink stands there. A place that
 * somebody deleted is made again at the start of the outbox: better twice than never. */
struct sv_store_sink {
    enum sv_store_sink_verb verb;
    const char *sink;
    const char *worker; /* SERVE, LEAVE */
    sv_ms lease_ms;     /* SERVE */
    /* out */
    bool held;         /* the turn is `worker`'s */
    sv_ms wait_ms;     /* until another worker's turn ends; 0 = nobody else has it */
    uint64_t turn;     /* another number: what waits was put anew and has to be read again */
    sv_ms disabled_at; /* 0 = it is not */
    char why[SV_STORE_SINK_WHY_BYTES]; /* it was disabled */
    uint64_t open, unread, dead; /* read and not settled; not read (1001 = or more); given up */
    sv_ms now;                   /* the store's clock */
};

struct sv_store_parcel {
    const char *entry_id;
    const char *event; /* "" = it is gone from the outbox */
    size_t event_bytes;
    unsigned attempts; /* that failed */
    sv_ms wait_ms;     /* until the next one is due; 0 = now */
};

/* PARCELS: reads events for the worker whose turn it is, and prolongs the turn. Where there are
 * replicas, one has them before this is answered, or `confirmed` is false: then nothing may be
 * delivered yet, or a fail-over could make events untrue that somebody has seen. */
struct sv_store_parcels {
    const char *sink, *worker;
    sv_ms lease_ms;
    const char *after; /* NULL = what nobody has read; else what was read and not settled, behind
                          this entry id ("0" = from the start) */
    size_t count_max;  /* 1 .. SV_STORE_PARCELS_MAX */
    /* out; borrowed until done returns */
    bool held;    /* false: the turn is another's, or the sink is disabled; nothing was read */
    bool is_full; /* SV_STORE_SINK_OPEN_MAX are open: nothing new was read */
    bool confirmed;
    size_t count;
    const struct sv_store_parcel *parcels;
};

enum sv_store_settle_verb {
    SV_STORE_SETTLE_DONE,
    SV_STORE_SETTLE_WAIT,    /* again after wait_ms */
    SV_STORE_SETTLE_DEAD,    /* to the dead letters of the sink */
    SV_STORE_SETTLE_DISABLE, /* the sink wants nothing any more; the event stays open */
};

/* SETTLE: what came of an attempt. DONE is taken from everybody; the others only from the worker
 * whose turn it is. */
struct sv_store_settle {
    enum sv_store_settle_verb verb;
    const char *sink, *worker, *entry_id;
    unsigned attempts;                     /* that failed, this one included */
    sv_ms wait_ms;                         /* WAIT */
    const char *error;                     /* not DONE: why, without secrets */
    const char *event_id, *type, *subject; /* DEAD: of the event, for people */
    bool settled; /* out: false = it was settled before, or the turn is another's */
};

struct sv_store_sink_letter {
    const char *id; /* of the letter */
    const char *entry_id, *event_id, *type, *subject, *error;
    unsigned attempts;
    sv_ms at;
};

/* SINK_DEAD: dead letters of a sink, the oldest first, behind `after` ("0" = from the start).
 * Borrowed until done returns. */
struct sv_store_sink_dead {
    const char *sink, *after;
    size_t count_max; /* 1 .. 100 */
    size_t count;
    const struct sv_store_sink_letter *letters;
};

/* REPLAY: events go to the sink once more. With `from`, all of the outbox behind that entry id;
 * otherwise the dead letters behind `after` ("0" = from the start), at most SV_STORE_REPLAY_MAX:
 * those whose event is not in the outbox any more stay. Sent twice, it does no more. */
struct sv_store_replay {
    const char *sink;
    const char *from;  /* NULL = the dead letters */
    const char *after; /* dead letters */
    /* out */
    bool found; /* false: no worker has ever served this sink here */
    size_t replayed, missing;
    char next[SV_STORE_SINK_ENTRY_BYTES]; /* dead letters: "" = that was all, else the next after */
};

#endif
