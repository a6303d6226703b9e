/* What the files of MOVE share: where things belong, and how they are counted. */
#ifndef SV_STORE_MOVE_PARTS_H
#define SV_STORE_MOVE_PARTS_H

#include "inner.h"

enum { SV_MOVE_PAGE_BYTES_MAX = 4 << 20 }; /* of payloads that travel at once */

/* A copy in the arena of what may hold 0 bytes; it ends in one more. */
struct sv_move_bytes {
    const char *at; /* NULL = there is none */
    size_t len;
};

struct sv_move_bytes sv_move_copy(struct sv_store_work *work, const redisReply *reply);
bool sv_move_equal(struct sv_move_bytes a, struct sv_move_bytes b);
void sv_move_add(struct sv_store_request *request, struct sv_move_bytes bytes);

/* The shard where the client's things belong; NULL or "" = it is not known whose they are. */
unsigned sv_move_home(const struct sv_store_work *work, const char *client);

/* Counts one that was looked at, and whether it has to go; the latter is returned. */
bool sv_move_count(struct sv_store_work *work, enum sv_store_move_kind kind, unsigned home);

void sv_move_set_cursor(struct sv_store_work *work, const char *cursor);

/* The client that a JSON text names under `path`, which may lead through objects by dots; NULL =
 * none. A copy. */
const char *sv_move_client_of(struct sv_store_work *work, const char *text, size_t len,
                              const char *path);

/* The first step of each. */
sv_store_step_fn sv_move_keys, sv_move_streams, sv_move_letters;

#endif
