/* Questions under way, found by what they ask: a table of lists. */
#ifndef SV_FLIGHTS_H
#define SV_FLIGHTS_H

#include <stdbool.h>

#include "sv/dns.h"
#include "sv/resolver.h"

enum { SV_FLIGHT_BUCKETS = 1024 };

enum sv_flight_state {
    SV_FLIGHT_NEW,
    SV_FLIGHT_WAITING, /* for room in sv_dns */
    SV_FLIGHT_ASKED,   /* sv_dns has it */
    SV_FLIGHT_FAILED,  /* its lookups are told in the next turn */
    SV_FLIGHT_LANDING, /* its lookups are being told */
};

/* One question, asked once for all the lookups that want its answer. */
struct sv_flight {
    struct sv_dns_query query;
    struct sv_dns_question question; /* in lower case */
    struct sv_lookup *lookups;       /* who wants the answer, oldest first */
    struct sv_lookup *lookups_last;
    void *resolver;
    enum sv_flight_state state;
    bool found; /* in the table */
    struct sv_flight *bucket_next;
    struct sv_flight *next, *previous; /* those waiting, or those failed */
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
