/* sv_dns and the scripted servers that it asks, on a loop of their own. */
#ifndef TEST_BED_H
#define TEST_BED_H

#include "script.h"
#include "slow_clock.h"
#include "sv/dns.h"

enum { BED_SERVERS_MAX = 3 };

struct bed {
    uv_loop_t loop;
    struct slow_clock clock;
    struct sv_rand rand;
    struct sv_dns *dns;
    struct script servers[BED_SERVERS_MAX];
    size_t servers_count;
    struct sv_dns_answer *answer;
    struct sv_dns_stats stats;
    unsigned closed;
};

/* Opens sv_dns and the first `servers_count` servers; they may be scripted before. */
void bed_open(struct bed *bed);

/* Everything must be closed and given back. */
void bed_close(struct bed *bed);

/* Asks one question of all servers, in their order, and waits for its answer. */
void bed_ask(struct bed *bed, bool recursion, enum sv_rr_type type);

/* Keeps the answer in the bed that owns the query. */
void bed_on_done(struct sv_dns_query *query, enum sv_err err, const struct sv_dns_answer *answer);

#endif
