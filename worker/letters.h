/* Dead letters for the commands `dead ...`: which are meant, and what can be told of one. */
#ifndef SV_WORKER_LETTERS_H
#define SV_WORKER_LETTERS_H

#include <jansson.h>

#include "client.h"

enum { SV_LETTER_WORD_BYTES = 320 };

/* Which letters are meant; NULL and -1 = all. */
struct sv_letter_filter {
    const char *reason, *client_id;
    long shard;
};

/* One letter, told apart: what the job said of itself, as far as it can be read. */
struct sv_letter_view {
    unsigned shard;
    const struct sv_store_letter *letter; /* borrowed for the call */
    char client_id[SV_LETTER_WORD_BYTES], domain[SV_LETTER_WORD_BYTES];
    char type[SV_LETTER_WORD_BYTES], job_id[SV_LETTER_WORD_BYTES];
};

/* Reads --reason, --client and --shard. SV_EXIT_OK, or SV_EXIT_USAGE after a message. */
int sv_letter_filter_read(const struct sv_args *args, const struct sv_config *config,
                          struct sv_letter_filter *out);

enum sv_letter_walk { SV_LETTER_NEXT, SV_LETTER_STOP };
typedef enum sv_letter_walk sv_letter_fn(void *context, const struct sv_letter_view *view);

/* Calls for every letter that is meant, the oldest of each shard first; those laid down after the
 * walk began may be left out. An exit code, as sv_client_call. */
int sv_letters_each(struct sv_client *client, const struct sv_letter_filter *filter,
                    sv_letter_fn *call, void *context);

/* The letter of one entry of the inbox, in the filter's shard or wherever it is; the callback runs
 * at most once. SV_EXIT_OK with *found; SV_EXIT_USAGE after a message when several shards have it.
 */
int sv_letters_one(struct sv_client *client, const struct sv_letter_filter *filter,
                   const char *entry_id, sv_letter_fn *call, void *context, bool *found);

/* docs/schemas/dead-letter.schema.json; with `whole` the payload too. A new reference. */
json_t *sv_letter_json(const struct sv_letter_view *view, bool whole);

#endif
