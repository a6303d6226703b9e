/* Questions under way, found by what they ask: a table of lists. */
#ifndef SV_FLIGHTS_H
#define SV_FLIGHTS_H

#include <stdbool.h>

#include "sv/resolver.h"

enum { SV_FLIGHT_BUCKETS = 1024 };

enum sv_flight_state {
    SV_FLIGHT_NEW,
    SV_FLIGHT_FLYING,
    SV_FLIGHT_READY,      /* its lookups are told in the next turn */
    SV_FLIGHT_LANDING,    /* its lookups are being told */
    SV_FLIGHT_CALLED_OFF, /* nobody waits for it; freed when nothing of it is under way */
};

/* One question, asked once for all the lookups that want its answer. */
struct sv_flight {
    struct sv_dns_question question; /* in lower case */
    struct sv_lookup *lookups;       /* who wants the answer, oldest first */
    struct sv_lookup *lookups_last;
    void *resolver;
    enum sv_flight_state state;
    bool found; /* in the table */
    struct sv_flight *bucket_next;
    struct sv_flight *next; /* of those ready */
    struct sv_flight *all_next, *all_previous;
    struct sv_plain *plain; /* one of the two, by what is asked */
    struct sv_owned *owned;
    enum sv_err err;        /* SV_ECANCELED: sv_dns was closed under us */
    struct sv_flight *from; /* the one that follows an alias with this, or NULL */
    unsigned depth;         /* aliases followed to come here */
};

struct sv_flights {
    uint64_t seed; /* so that nobody can choose names that meet in one bucket */
    struct sv_flight *buckets[SV_FLIGHT_BUCKETS];
};

struct sv_flight *sv_flights_find(const struct sv_flights *flights,
                                  const struct sv_dns_question *question);
void sv_flights_add(struct sv_flights *flights, struct sv_flight *flight);

/* Fine when it is not inside. */
void sv_flights_remove(struct sv_flights *flights, struct sv_flight *flight);

#endif
