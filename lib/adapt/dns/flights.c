#include "flights.h"

#include <string.h>

/* FNV-1a from a secret start. */
static size_t bucket_of(const struct sv_flights *flights, const struct sv_dns_question *question)
{
    uint64_t hash = flights->seed ^ (uint64_t)question->type ^ (uint64_t)question->how << 32;

    for (const char *at = question->name; *at != 0; at++)
        hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
    return (size_t)((hash ^ hash >> 32) % SV_FLIGHT_BUCKETS);
}

struct sv_flight *sv_flights_find(const struct sv_flights *flights,
                                  const struct sv_dns_question *question)
{
    struct sv_flight *flight = flights->buckets[bucket_of(flights, question)];

    while (flight != NULL &&
           (flight->question.type != question->type || flight->question.how != question->how ||
            strcmp(flight->question.name, question->name) != 0))
        flight = flight->bucket_next;
    return flight;
}

void sv_flights_add(struct sv_flights *flights, struct sv_flight *flight)
{
    struct sv_flight **bucket = &flights->buckets[bucket_of(flights, &flight->question)];

    flight->bucket_next = *bucket;
    flight->found = true;
    *bucket = flight;
}

void sv_flights_remove(struct sv_flights *flights, struct sv_flight *flight)
{
    struct sv_flight **at;

    if (!flight->found)
        return;
    at = &flights->buckets[bucket_of(flights, &flight->question)];
    while (*at != flight)
        at = &(*at)->bucket_next;
    *at = flight->bucket_next;
    flight->found = false;
}
