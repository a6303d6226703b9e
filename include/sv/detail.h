/* What is kept beside a domain, for `explain` and `status`: the findings of its last complete look
 * and its last changes. Compact in the store, whole in JSON. */
#ifndef SV_DETAIL_H
#define SV_DETAIL_H

#include "sv/cloudevent.h"

/* The findings (array of sv_json_finding; NULL or empty = none), and whether resolvers alone could
 * be asked: one line of at most SV_DETAIL_FINDINGS_BYTES_MAX, so that changes have room as well.
 * What does not fit are first the witnesses, then the last findings. "" when there is nothing to
 * say. The caller frees it. */
char *sv_detail_write(const json_t *findings, bool authority_closed, sv_ms now);

enum { SV_DETAIL_FINDINGS_BYTES_MAX = 2560 };

/* One line about what this commit changes, at most SV_STORE_CHANGE_BYTES_MAX; NULL when nothing
 * changed, or nothing that the domain's record does not tell anyway (registered). `complete`: the
 * look missed no finding that is known, so that its codes may be compared with others. The caller
 * frees it. */
char *sv_change_write(const struct sv_event_facts *facts, bool complete);

/* Both again, from what the store keeps: {"observed_at", "findings": [sv_json_finding],
 * "findings_omitted", "authority_closed" (null where nothing is kept), "changes": [the newest
 * first: at, kind, from, to, reason, conclusion, came, went, set, records]}. `came` and `went` are
 * codes, null where it is not known. Lines that cannot be read are left out. Never NULL; a new
 * reference. `text` may be NULL. */
json_t *sv_detail_read(const char *text, const char *domain);

#endif
