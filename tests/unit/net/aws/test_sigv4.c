/* The signer against botocore, over the behaviours of the vectors AWS publishes (aws-c-auth's
 * aws-signing-test-suite); the table comes from sigv4_vectors.py. */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "sv/sigv4.h"

enum { VECTOR_HEADERS_MAX = 4 };

struct vector {
    const char *name, *method, *path, *query;
    struct sv_http_header headers[VECTOR_HEADERS_MAX];
    const char *body, *token, *region, *service;
    const char *canonical, *authorization;
};

#include "sigv4_vectors.inc"

static const char access_key[] = "AKIDEXAMPLE";
static const char secret_key[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

static struct sv_credentials keys(const char *token)
{
    struct sv_credentials out = {.expires_at = 0};

    (void)snprintf(out.access_key_id, sizeof out.access_key_id, "%s", access_key);
    (void)snprintf(out.secret_access_key, sizeof out.secret_access_key, "%s", secret_key);
    (void)snprintf(out.session_token, sizeof out.session_token, "%s", token);
    return out;
}

static struct sv_sigv4_request request_of(const struct vector *vector)
{
    size_t count = 0;

    while (count < VECTOR_HEADERS_MAX && vector->headers[count].name != NULL)
        count++;
    return (struct sv_sigv4_request){.method = vector->method,
                                     .path = vector->path,
                                     .query = vector->query,
                                     .headers = vector->headers,
                                     .headers_count = count,
                                     .body = vector->body,
                                     .body_bytes = strlen(vector->body),
                                     .region = vector->region,
                                     .service = vector->service,
                                     .now = VECTORS_NOW_MS};
}

static void every_vector_is_signed_as_botocore_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct sv_credentials credentials = keys(vectors[i].token);
        struct sv_sigv4_request request = request_of(&vectors[i]);
        struct sv_sigv4_signature signature;
        struct sv_errinfo info = {.text = ""};
        struct sv_buf canonical;

        sv_buf_init(&canonical, 65536);
        assert_int_equal(sv_sigv4_canonical(&request, &credentials, &canonical, &info), SV_OK);
        if (strcmp(sv_buf_str(&canonical), vectors[i].canonical) != 0)
            print_error("%s\n", vectors[i].name);
        assert_string_equal(sv_buf_str(&canonical), vectors[i].canonical);
        sv_buf_fini(&canonical);
        assert_int_equal(sv_sigv4_sign(&request, &credentials, &signature, &info), SV_OK);
        assert_string_equal(signature.authorization, vectors[i].authorization);
        assert_string_equal(signature.date, "20150830T123600Z");
    }
}

/* The one value everybody can look up: get-vanilla of the published suite. */
static void the_published_vanilla_signature(void **state)
{
    (void)state;
    assert_non_null(
        strstr(vectors[0].authorization,
               "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"));
}

static enum sv_err sign(struct sv_sigv4_request *request, struct sv_errinfo *info)
{
    struct sv_credentials credentials = keys("");
    struct sv_sigv4_signature signature;

    return sv_sigv4_sign(request, &credentials, &signature, info);
}

static void what_cannot_be_signed_is_refused(void **state)
{
    static char long_query[512], long_path[70000], long_region[300];
    struct sv_http_header many[SV_HTTP_HEADERS_MAX + 3];
    struct sv_sigv4_request good = request_of(&vectors[0]), bad;
    struct sv_http_header twice[] = {{"Host", "a"}, {"X-Amz-Date", "20150830T123600Z"}};
    struct sv_errinfo info;

    (void)state;
    bad = good;
    bad.headers_count = 0;
    assert_int_equal(sign(&bad, &info), SV_EINVALID);
    assert_non_null(strstr(info.text, "host"));
    bad = good;
    bad.headers = twice;
    bad.headers_count = 2;
    assert_int_equal(sign(&bad, &info), SV_EINVALID);
    bad = good;
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++)
        many[i] = (struct sv_http_header){"Host", "a"};
    bad.headers = many;
    bad.headers_count = sizeof many / sizeof many[0];
    assert_int_equal(sign(&bad, &info), SV_ETOOBIG);
    bad = good;
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[0] = '/';
    bad.path = long_path;
    assert_int_equal(sign(&bad, &info), SV_ETOOBIG);
    bad = good;
    for (size_t i = 0; i < 100; i++)
        memcpy(long_query + 4 * i, "a=b&", 4);
    bad.query = long_query;
    assert_int_equal(sign(&bad, &info), SV_ETOOBIG);
    bad = good;
    memset(long_region, 'r', sizeof long_region - 1);
    bad.region = long_region;
    assert_int_equal(sign(&bad, &info), SV_ETOOBIG);
}

/* One changed bit of what is signed changes the signature. */
static void everything_counts(void **state)
{
    struct sv_credentials credentials = keys("");
    struct sv_sigv4_request request = request_of(&vectors[0]), other[7];
    struct sv_sigv4_signature first, second;

    (void)state;
    assert_int_equal(sv_sigv4_sign(&request, &credentials, &first, NULL), SV_OK);
    for (size_t i = 0; i < 7; i++)
        other[i] = request;
    other[0].method = "PUT";
    other[1].path = "/a";
    other[2].query = "a";
    other[3].body = "x";
    other[3].body_bytes = 1;
    other[4].region = "us-east-2";
    other[5].service = "sts";
    other[6].now += 1000;
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(sv_sigv4_sign(&other[i], &credentials, &second, NULL), SV_OK);
        assert_string_not_equal(strstr(first.authorization, "Signature="),
                                strstr(second.authorization, "Signature="));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_signed_as_botocore_does),
        cmocka_unit_test(the_published_vanilla_signature),
        cmocka_unit_test(what_cannot_be_signed_is_refused),
        cmocka_unit_test(everything_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
