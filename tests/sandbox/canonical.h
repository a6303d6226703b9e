/* The canonical request of AWS Signature Version 4 (AWS General Reference, "Create a canonical
 * request"). */
#ifndef SB_CANONICAL_H
#define SB_CANONICAL_H

#include "http.h"

enum { SB_CANONICAL_BYTES_MAX = 256 * 1024, SB_QUERY_PAIRS_MAX = 64, SB_SEGMENTS_MAX = 64 };

/* True when `name` (any case) is one of a list such as "host;x-amz-date". */
bool sb_list_has(const char *list, const char *name);

/* Appends the canonical text of `request`. False when `signed_headers` is not a sorted list of
 * lower-case names that were all sent, when x-amz-content-sha256 contradicts the body, or when a
 * limit is hit. */
bool sb_canonical_request(struct sv_buf *out, const struct sb_request *request,
                          const char *signed_headers);

#endif
