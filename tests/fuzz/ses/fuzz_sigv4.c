/* Any path, query, header and body, one per line: what is signed must not depend on how a query was
 * spelled, and the canonical form must be its own canonical form. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/aws/canonical.h"
#include "sv/alloc.h"
#include "sv/require.h"

enum { LINES = 4, BYTES_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Cuts a copy of the input into C strings at its line ends; a 0 byte ends a string early. */
static char *cut(const uint8_t *bytes, size_t len, const char *lines[LINES])
{
    char *copy = sv_strndup((const char *)bytes, len), *at = copy;

    for (size_t i = 0; i < LINES; i++) {
        char *end = strchr(at, '\n');

        lines[i] = at;
        at += strlen(at);
        if (end != NULL) {
            *end = '\0';
            at = end + 1;
        }
    }
    return copy;
}

static void check_query(const char *query)
{
    struct sv_buf once, twice;

    sv_buf_init(&once, BYTES_MAX);
    sv_buf_init(&twice, BYTES_MAX);
    if (sv_canonical_query(&once, query, NULL) == SV_OK) {
        SV_REQUIRE(sv_canonical_query(&twice, sv_buf_str(&once), NULL) == SV_OK);
        SV_REQUIRE(strcmp(sv_buf_str(&once), sv_buf_str(&twice)) == 0);
    }
    sv_buf_fini(&once);
    sv_buf_fini(&twice);
}

static void check_path(const char *path)
{
    struct sv_buf out;

    sv_buf_init(&out, BYTES_MAX);
    if (sv_canonical_path(&out, path)) {
        SV_REQUIRE(sv_buf_str(&out)[0] == '/');
        SV_REQUIRE(strstr(sv_buf_str(&out), "//") == NULL);
        SV_REQUIRE(strstr(sv_buf_str(&out), "/../") == NULL);
    }
    sv_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *lines[LINES];
    char *copy = cut(bytes, len, lines);
    struct sv_http_header headers[] = {{"Host", "a.example"}, {"X-Fuzz", lines[2]}};
    struct sv_sigv4_request request = {.method = "GET",
                                       .path = lines[0],
                                       .query = lines[1],
                                       .headers = headers,
                                       .headers_count = 2,
                                       .body = lines[3],
                                       .body_bytes = strlen(lines[3]),
                                       .region = "us-east-1",
                                       .service = "ses"};
    static const struct sv_credentials keys = {.access_key_id = "AKID",
                                               .secret_access_key = "secret"};
    struct sv_sigv4_signature signature;
    enum sv_err err = sv_sigv4_sign(&request, &keys, &signature, NULL);

    SV_REQUIRE(err == SV_OK || err == SV_ETOOBIG);
    SV_REQUIRE(err != SV_OK || strlen(signature.authorization) < sizeof signature.authorization);
    check_path(lines[0]);
    check_query(lines[1]);
    free(copy);
    return 0;
}
