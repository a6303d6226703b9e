/* A sink that does what a test says, as the one route of a driver. The schedule of attempts is the
 * published one, a thousand times as fast: an hour is 3.6 seconds. */
#ifndef SV_TESTS_DRIVE_SINK_PLAY_H
#define SV_TESTS_DRIVE_SINK_PLAY_H

#include "drive_world.h"

enum { PLAY_GOT_MAX = 4096, PLAY_PARCELS_MAX = 64, PLAY_HOUR_MS = 3600 };

struct play_waiting { /* an attempt under way */
    struct sv_sink_parcel *parcel;
    sv_sink_done_fn *done;
    uint64_t at_ms;
};

struct play_got { /* one attempt */
    char group[24];
    long long sequence;
    sv_ms at;
    enum sv_sink_outcome outcome;
};

struct play;
typedef enum sv_sink_outcome play_fn(struct play *play, struct sv_sink_parcel *parcel);

struct play {
    struct sv_sink base; /* first */
    uv_timer_t timer;
    struct play_waiting waiting[PLAY_PARCELS_MAX];
    size_t waiting_count, waiting_most;
    struct play_got got[PLAY_GOT_MAX];
    size_t got_count, delivered;
    play_fn *say;
    sv_ms slow_ms;
    uint64_t down_until;
    enum sv_sink_blame blame;
    bool is_stopped;
    sv_sink_closed_fn *closed;
    void *closed_context;
    struct sv_route route;
};

/* To be changed before play_start; `say` is asked for what becomes of each attempt. */
struct play *play_new(struct world *world, play_fn *say);
/* The one of world's route. */
struct play *play_of(struct world *world);
/* Starts the driver: ready, and no more. What is told from now on arrives, whoever served the sink
 * when. */
void play_start(struct world *world);
void play_until_delivered(struct world *world, size_t count);
/* What was delivered of each domain came as 1, 2, 3 ..., and each once. */
void play_assert_in_order(const struct play *play);
/* Closes the driver, and frees the sink with it. */
void play_end(struct world *world);

#endif
