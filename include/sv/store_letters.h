/* The calls of sv/store.h that care for dead letters: LETTERS, LETTER_END. */
#ifndef SV_STORE_LETTERS_H
#define SV_STORE_LETTERS_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/time.h"

enum {
    SV_STORE_LETTERS_MAX = 100,              /* of one page */
    SV_STORE_LETTER_PAYLOAD_MAX = 64 * 1024, /* a longer one is not brought along */
};

struct sv_store_letter {
    const char *entry_id; /* of the job in the inbox */
    sv_ms at;             /* when it was laid down; 0 = not known */
    /* "" where there is none; a letter that is there by half has no reason. */
    const char *reason, *error;
    const char *client_id, *domain_id, *job_id, *type; /* crash_loop only */
    const char *payload;                               /* NULL: too long to be brought along */
    size_t payload_bytes;
};

/* LETTERS: the oldest first, behind `skip` of them; or the one with `entry_id`. Borrowed until done
 * returns. */
struct sv_store_letters {
    const char *entry_id;   /* NULL = a page */
    size_t skip, count_max; /* a page: 1 .. SV_STORE_LETTERS_MAX letters */
    size_t total;           /* out: letters in the shard */
    size_t count;
    const struct sv_store_letter *letters;
};

enum sv_store_letter_verb {
    SV_STORE_LETTER_RETRY, /* its payload is a new job, and the letter is gone: one step */
    SV_STORE_LETTER_DROP,  /* the letter is gone */
};

enum sv_store_letter_verdict {
    SV_STORE_LETTER_GONE, /* no such letter: retried or dropped before, for instance by a call whose
                             answer was lost */
    SV_STORE_LETTER_ENDED,
    SV_STORE_LETTER_EMPTY,   /* RETRY: there is no payload that could be pushed */
    SV_STORE_LETTER_TOO_BIG, /* RETRY: it would be buried again */
};

/* LETTER_END. */
struct sv_store_letter_end {
    enum sv_store_letter_verb verb;
    const char *entry_id;
    const char *job; /* RETRY: pushed instead of the payload; NULL = the payload */
    size_t job_bytes;
    /* out */
    enum sv_store_letter_verdict verdict;
    char new_entry_id[44]; /* RETRY, ENDED: the job's entry in the inbox */
};

#endif
