/* The canonical request of Signature Version 4, piece by piece. */
#ifndef SV_AWS_CANONICAL_H
#define SV_AWS_CANONICAL_H

#include "sv/sigv4.h"

/* One header of the canonical form: name in lower case, value trimmed, repeated ones joined. */
struct sv_canonical_header {
    char *name;
    char *value;
    size_t order; /* as given: repeated headers are joined in that order */
};

enum { SV_CANONICAL_HEADERS_MAX = SV_HTTP_HEADERS_MAX + 2 }; /* x-amz-date and the token */

struct sv_canonical_headers {
    struct sv_canonical_header list[SV_CANONICAL_HEADERS_MAX];
    size_t count;
};

/* Percent-encodes everything but the unreserved characters of RFC 3986, upper-case hex. `keep`
 * holds further bytes to leave alone. False when the buffer's limit is hit. */
bool sv_canonical_encode(struct sv_buf *out, const char *bytes, size_t len, const char *keep)
    __attribute__((warn_unused_result));

/* Dot segments and empty segments collapsed, then each segment encoded once more. */
bool sv_canonical_path(struct sv_buf *out, const char *path) __attribute__((warn_unused_result));

/* Each name and value decoded and encoded again, sorted, "name=" where there is no value. */
enum sv_err sv_canonical_query(struct sv_buf *out, const char *query, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* Takes copies; sorted and joined by sv_canonical_headers_sort. False when there are too many. */
bool sv_canonical_headers_add(struct sv_canonical_headers *headers, const char *name,
                              const char *value) __attribute__((warn_unused_result));
void sv_canonical_headers_sort(struct sv_canonical_headers *headers);
bool sv_canonical_headers_have(const struct sv_canonical_headers *headers, const char *name);
/* Wipes and frees: the session token is one of the values. */
void sv_canonical_headers_fini(struct sv_canonical_headers *headers);

#endif
