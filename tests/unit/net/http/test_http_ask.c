/* What start refuses: a request that could mean something else on the wire than its caller meant.
 */
#include "cmocka_all.h"

#include <string.h>

#include "sv/http.h"

static char long_url[9000];

static const struct sv_http_header split[] = {{"X-A", "b\r\nX-C: d"}};
static const struct sv_http_header newline[] = {{"X-A", "b\n"}};
static const struct sv_http_header control[] = {{"X-A", "b\x01"}};
static const struct sv_http_header no_name[] = {{"", "b"}};
static const struct sv_http_header bad_name[] = {{"X A", "b"}};
static const struct sv_http_header colon_name[] = {{"X:A", "b"}};
static const struct sv_http_header many[SV_HTTP_HEADERS_MAX + 1];

static const struct {
    struct sv_http_ask ask;
    const char *text; /* a part of what is told */
} bad[] = {
    {{.method = "GET", .url = "http://127.0.0.1/"}, "plain http is not allowed"},
    {{.method = "GET", .url = "HTTP://127.0.0.1/"}, "plain http is not allowed"},
    {{.method = "GET", .url = "ftp://127.0.0.1/", .allow_plain = true}, "scheme ftp"},
    {{.method = "GET", .url = "file:///etc/passwd", .allow_plain = true}, "not a URL"},
    {{.method = "GET", .url = "127.0.0.1/", .allow_plain = true}, "not a URL"},
    {{.method = "GET", .url = "", .allow_plain = true}, "not a URL"},
    {{.method = "GET", .url = "https://", .allow_plain = true}, "not a URL"},
    {{.method = "GET", .url = "https:///x"}, "not a URL"},
    {{.method = "GET", .url = "https:/a.example/"}, "not a URL"},
    {{.method = "GET", .url = "https:a.example/?://"}, "not a URL"},
    {{.method = "GET", .url = "//a.example/"}, "not a URL"},
    {{.method = "GET", .url = "https://user:pass@a.example/"}, "not a URL"},
    {{.method = "GET", .url = "https://a.example:99999/"}, "not a URL"},
    {{.method = "GET", .url = "https://a.example/a b"}, "byte 0x20"},
    {{.method = "GET", .url = "https://a.example/\r\nX: y"}, "byte 0x0d"},
    {{.method = "GET", .url = "https://a.example/\xc3\xa9"}, "byte 0xc3"},
    {{.method = "GET", .url = "https://a.example/#f"}, "byte 0x23"},
    {{.method = "GET", .url = long_url}, "longer than"},
    {{.method = "HEAD", .url = "https://a.example/"}, "method HEAD"},
    {{.method = "get", .url = "https://a.example/"}, "method get"},
    {{.method = "GET /x HTTP/1.1\r\n", .url = "https://a.example/"}, "method"},
    {{.method = "", .url = "https://a.example/"}, "method"},
    {{.method = "GET", .url = "https://a.example/", .body = "x", .body_bytes = 1}, "no body"},
    {{.method = "GET", .url = "https://a.example/", .headers = split, .headers_count = 1}, "X-A"},
    {{.method = "GET", .url = "https://a.example/", .headers = newline, .headers_count = 1}, "X-A"},
    {{.method = "GET", .url = "https://a.example/", .headers = control, .headers_count = 1}, "X-A"},
    {{.method = "GET", .url = "https://a.example/", .headers = no_name, .headers_count = 1},
     "illegal name"},
    {{.method = "GET", .url = "https://a.example/", .headers = bad_name, .headers_count = 1},
     "illegal name"},
    {{.method = "GET", .url = "https://a.example/", .headers = colon_name, .headers_count = 1},
     "illegal name"},
    {{.method = "GET",
      .url = "https://a.example/",
      .headers = many,
      .headers_count = SV_HTTP_HEADERS_MAX + 1},
     "headers, at most"},
};

static void on_done(struct sv_http_request *request, enum sv_err err,
                    const struct sv_http_answer *answer)
{
    (void)request, (void)err, (void)answer;
    fail();
}

static void on_closed(void *context)
{
    unsigned *closed = context;

    (*closed)++;
}

static void bad_asks_are_refused_with_a_reason(void **state)
{
    struct sv_http_options options = {.requests_max = 1};
    struct sv_http *http;
    unsigned closed = 0;
    uv_loop_t loop;

    (void)state;
    memset(long_url, 'a', sizeof long_url - 1);
    memcpy(long_url, "https://a/", 10);
    assert_int_equal(uv_loop_init(&loop), 0);
    http = sv_http_new(&loop, &options);
    assert_ptr_equal(sv_http_loop(http), &loop);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sv_http_request request;
        struct sv_errinfo info = {.text = ""};
        enum sv_err err = sv_http_start(http, &request, &bad[i].ask, on_done, &info);

        if (err != SV_EINVALID || strstr(info.text, bad[i].text) == NULL)
            print_error("case %zu: %s\n", i, info.text);
        assert_int_equal(err, SV_EINVALID);
        assert_non_null(strstr(info.text, bad[i].text));
        assert_int_equal(sv_http_start(http, &request, &bad[i].ask, on_done, NULL), SV_EINVALID);
    }
    sv_http_close(http, on_closed, &closed);
    assert_int_equal(closed, 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(closed, 1);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bad_asks_are_refused_with_a_reason)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
