/* A memory of answers that resolvers gave, for as long as their TTLs say, bounded in number and
 * bytes. What is oldest in use goes first. */
#ifndef SV_DNS_ANSWERS_H
#define SV_DNS_ANSWERS_H

#include "sv/rr.h"

enum {
    SV_ANSWERS_MAX = 8192,
    SV_ANSWERS_BYTES_MAX = 16 << 20,
    SV_ANSWERS_BUCKETS = 4096,
    SV_ANSWERS_TTL_MAX_S = 86400,
    SV_ANSWERS_NEGATIVE_TTL_MAX_S = 10800, /* RFC 2308 section 5 advises 1 to 3 hours */
    SV_ANSWERS_FAILED_MS = 5000,           /* RFC 2308 section 7.1 allows 5 minutes */
};

struct sv_kept_answer;

struct sv_answers {
    uint64_t seed; /* so that nobody can choose names that meet in one bucket */
    size_t count, bytes;
    struct sv_kept_answer *buckets[SV_ANSWERS_BUCKETS];
    struct sv_kept_answer *newest, *oldest; /* in use */
};

/* The answer to exactly this question (name in lower case, type, how), or NULL; borrowed until the
 * next call. `now` is of a monotonic clock. */
const struct sv_dns_answer *sv_answers_find(struct sv_answers *answers,
                                            const struct sv_dns_question *question, sv_ms now);

/* Keeps a copy for its TTL; a SERVFAIL or a bogus answer for SV_ANSWERS_FAILED_MS. Silence and
 * other trouble are not worth keeping, nor is a TTL of 0. */
void sv_answers_keep(struct sv_answers *answers, const struct sv_dns_question *question,
                     const struct sv_dns_answer *answer, sv_ms now);

void sv_answers_fini(struct sv_answers *answers);

#endif
