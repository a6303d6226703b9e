/* Several servers and resolvers with different views of one domain's DNS, for tests: what each of
 * them says is what all say, changed by lines of its own (see zone_text.h). */
#ifndef TEST_VOICES_H
#define TEST_VOICES_H

#include "sv/views.h"

#include "zone_text.h"

enum { VOICES_MAX = 12 };

struct voice {
    const char *who; /* a server by its host name, "ns1.client.com"; a resolver by an address */
    const char *dns; /* lines added to what all say; NULL = none */
    uint32_t serial; /* servers: of the zone; 0 = not asked */
    uint32_t ttl_s;  /* of everything it says; 0 = the zone's own TTLs */
    sv_ms at;        /* when it answers; 0 = as zone_text says */
    uint16_t ede;    /* info code + 1 of everything it says; 0 = none */
    bool lame;       /* answers without authority */
    bool no_edns, no_tcp;
    bool former; /* a server named as one that the zone had before */
};

struct voices;

/* `cut` may be NULL. All strings are borrowed until voices_free. */
struct voices *voices_new(const char *all, const struct voice *list, size_t count,
                          const struct sv_cut *cut);
void voices_free(struct voices *voices);

/* What they say to this question; borrowed until the next one. NULL when nobody answers at all. */
const struct sv_dns_views *voices_ask(struct voices *voices,
                                      const struct sv_dns_question *question);

/* They keep their silence from now on, or port 53 is closed, or resolvers are not asked. */
void voices_close(struct voices *voices, bool closed, bool withheld);

#endif
