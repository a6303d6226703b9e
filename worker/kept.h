/* Domains as they are kept in Redis, for the commands that show them. */
#ifndef SV_WORKER_KEPT_H
#define SV_WORKER_KEPT_H

#include <jansson.h>

#include "client.h"
#include "sv/digest.h"
#include "sv/records.h"
#include "sv/state.h"

enum { SV_KEPT_DOMAINS_MAX = 1000000 };

struct sv_kept {
    bool found;
    bool damaged; /* what is kept cannot be read; `trouble` says why */
    char uid[SV_UID_BYTES];
    char client_id[SV_CLIENT_BYTES];
    char contact_email[SV_EMAIL_BYTES];
    struct sv_record_sheet sheet;
    json_t *detail; /* sv_detail_read; never NULL where found. Owned */
    bool running;
    sv_ms due_at;
    struct sv_errinfo trouble;
};

void sv_kept_fini(struct sv_kept *kept);

/* What a READ told, into `out`, which is zeroed; what is not found has a uid alone. */
void sv_kept_fill(struct sv_kept *out, const struct sv_store_read *read);

/* Reads one domain; an exit code, as sv_client_call. */
int sv_kept_read(struct sv_client *client, unsigned shard, const char *uid, struct sv_kept *out);

/* Borrowed for the call; false stops the walk. */
typedef bool sv_kept_fn(void *context, const struct sv_kept *kept);

/* Calls for every domain of every shard, each once; removed ones are included. */
int sv_kept_each(struct sv_client *client, sv_kept_fn *call, void *context);

/* What the domain has to publish, with the last known verdict on each. Returns how many. */
size_t sv_kept_records(const struct sv_kept *kept, const struct sv_config *config,
                       struct sv_record out[SV_RECORDS_MAX],
                       enum sv_record_status statuses[SV_RECORDS_MAX]);

/* The same as JSON: sv_json_record with `since` (known to be so since then, by the history) and
 * `until` (till then caches may hold something else); null where it is not known. A new reference.
 */
json_t *sv_kept_records_json(const struct sv_kept *kept, const struct sv_config *config, sv_ms now);

#endif
