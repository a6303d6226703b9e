/* What the client makes of a peer that answers, fails, cheats or floods. */
#include "cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "peer.h"
#include "sv/alloc.h"
#include "sv/http.h"

enum { LONG_LINE = 4000 };

static char flood[LONG_LINE + 64];     /* "X-Flood: aaaa...\r\n" */
static char half_line[LONG_LINE + 64]; /* a header line that never ends */
static char block[LONG_LINE + 64];     /* body bytes */

static const struct peer_script scripts[] = {
    {"/plain",
     "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nx-amzn-RequestId:  abc-1 \r\n"
     "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 5\r\n\r\nhello",
     NULL, 0, 0, PEER_KEEP},
    /* a type of 64 bytes, an id of 96: one more than there is room for */
    {"/long-head",
     "HTTP/1.1 200 OK\r\nx-amzn-RequestId: "
     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
     "0123456789abcdef\r\n"
     "Content-Type: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n"
     "Content-Length: 0\r\n\r\n",
     NULL, 0, 0, PEER_KEEP},
    {"/a/./b//../%2e%2E/plain", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL, 0, 0,
     PEER_KEEP},
    {"/empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL, 0, 0, PEER_KEEP},
    {"/error",
     "HTTP/1.1 429 Slow\r\nX-Amzn-ErrorType: TooManyRequestsException:http://x/\r\n"
     "Retry-After: 7\r\nContent-Length: 2\r\n\r\n{}",
     NULL, 0, 0, PEER_KEEP},
    {"/redirect", "HTTP/1.1 302 Found\r\nLocation: /plain\r\nContent-Length: 0\r\n\r\n", NULL, 0, 0,
     PEER_KEEP},
    {"/continue",
     "HTTP/1.1 100 Continue\r\nx-amzn-RequestId: wrong\r\nDate: x\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
     NULL, 0, 0, PEER_KEEP},
    {"/trailer",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nx-amzn-RequestId: head\r\n\r\n"
     "2\r\nok\r\n0\r\nx-amzn-RequestId: trailer\r\n\r\n",
     NULL, 0, 0, PEER_KEEP},
    {"/chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
     "4\r\ndefg\r\n0\r\n\r\n", 1, 1, PEER_KEEP},
    {"/bytes", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "b", 10, 1, PEER_KEEP},
    {"/until-close", "HTTP/1.1 200 OK\r\n\r\n", "x", 3, 0, PEER_CLOSE},
    {"/gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08z",
     NULL, 0, 0, PEER_KEEP},
    {"/cut-head", "HTTP/1.1 200 OK\r\nContent-Le", NULL, 0, 0, PEER_CLOSE},
    {"/cut-continue", "HTTP/1.1 100 Continue\r\n\r\n", NULL, 0, 0, PEER_CLOSE},
    {"/cut-body", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", NULL, 0, 0, PEER_CLOSE},
    {"/cut-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhalf", NULL, 0, 0,
     PEER_CLOSE},
    {"/bad-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n", NULL, 0,
     0, PEER_HANG},
    {"/no-answer", "", NULL, 0, 0, PEER_CLOSE},
    {"/reset", "", NULL, 0, 0, PEER_RESET},
    {"/hang", "", NULL, 0, 0, PEER_HANG},
    {"/hang-head", "HTTP/1.1 200 OK\r\n", NULL, 0, 0, PEER_HANG},
    {"/hang-body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", NULL, 0, 0, PEER_HANG},
    {"/drip", "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", "d", 9999, 20, PEER_HANG},
    {"/garbage", "\x01\x02\xff\xfe nonsense\r\n\r\n", NULL, 0, 0, PEER_CLOSE},
    {"/smtp", "220 mail.example ESMTP\r\n", NULL, 0, 0, PEER_HANG},
    {"/status-000", "HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n", NULL, 0, 0, PEER_CLOSE},
    {"/status-999", "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", NULL, 0, 0, PEER_CLOSE},
    {"/bad-length", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", NULL, 0, 0, PEER_CLOSE},
    {"/told-too-big", "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", NULL, 0, 0, PEER_HANG},
    {"/body-flood", "HTTP/1.1 200 OK\r\n\r\n", block, 100000, 0, PEER_HANG},
    {"/header-flood", "HTTP/1.1 200 OK\r\n", flood, 100000, 0, PEER_HANG},
    {"/header-line", "HTTP/1.1 200 OK\r\nX-Long: ", half_line, 100000, 0, PEER_HANG},
    {"/continue-flood", "HTTP/1.1 100 Continue\r\n\r\n",
     "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 100000, 0, PEER_HANG},
    {NULL, NULL, NULL, 0, 0, PEER_KEEP},
};

struct fixture {
    uv_loop_t loop;
    uv_timer_t tick; /* so that one turn of the loop never waits for long */
    struct peer *peer;
    struct sv_http *http;
    bool closed;
};

struct asked {
    struct sv_http_request request;
    unsigned calls;
    enum sv_err err;
    long status;
    char body[64];
    char content_type[64], error_type[96], request_id[96], date[40], retry_after[40];
    struct sv_errinfo info;
};

static void on_done(struct sv_http_request *request, enum sv_err err,
                    const struct sv_http_answer *answer)
{
    struct asked *asked = (struct asked *)request;

    asked->calls++;
    asked->err = err;
    asked->status = answer->status;
    asked->info = request->info;
    (void)snprintf(asked->body, sizeof asked->body, "%s", sv_buf_str(&answer->body));
    memcpy(asked->content_type, answer->content_type, sizeof asked->content_type);
    memcpy(asked->error_type, answer->error_type, sizeof asked->error_type);
    memcpy(asked->request_id, answer->request_id, sizeof asked->request_id);
    memcpy(asked->date, answer->date, sizeof asked->date);
    memcpy(asked->retry_after, answer->retry_after, sizeof asked->retry_after);
}

static void on_closed(void *context)
{
    struct fixture *fixture = context;

    fixture->closed = true;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void set_up(struct fixture *fixture, unsigned connections_max)
{
    struct sv_http_options options = {.connections_max = connections_max};

    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->peer = peer_new(&fixture->loop, scripts);
    fixture->http = sv_http_new(&fixture->loop, &options);
    fixture->closed = false;
    assert_int_equal(uv_timer_init(&fixture->loop, &fixture->tick), 0);
    assert_int_equal(uv_timer_start(&fixture->tick, on_tick, 5, 5), 0);
    uv_unref((uv_handle_t *)&fixture->tick);
}

static void tear_down(struct fixture *fixture)
{
    sv_http_close(fixture->http, on_closed, fixture);
    while (!fixture->closed)
        (void)uv_run(&fixture->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&fixture->tick, NULL);
    peer_close(fixture->peer);
    assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
}

static void start(struct fixture *fixture, struct asked *asked, const char *path, sv_ms total_ms)
{
    char url[256];
    struct sv_http_ask ask = {
        .method = "GET", .url = url, .total_ms = total_ms, .allow_plain = true};

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", peer_port(fixture->peer), path);
    assert_int_equal(sv_http_start(fixture->http, &asked->request, &ask, on_done, NULL), SV_OK);
    assert_int_equal(asked->calls, 0);
}

static void wait_for(struct fixture *fixture, const struct asked *asked)
{
    while (asked->calls == 0)
        (void)uv_run(&fixture->loop, UV_RUN_ONCE);
}

static struct asked ask_once(struct fixture *fixture, const char *path, sv_ms total_ms)
{
    struct asked asked = {.calls = 0};

    start(fixture, &asked, path, total_ms);
    wait_for(fixture, &asked);
    return asked;
}

static const struct expectation {
    const char *path;
    sv_ms total_ms;
    enum sv_err err;
    long status;
    const char *body;
} expectations[] = {
    {"/plain", 0, SV_OK, 200, "hello"},
    {"/empty", 0, SV_OK, 200, ""},
    {"/error", 0, SV_OK, 429, "{}"},
    {"/redirect", 0, SV_OK, 302, ""}, /* shown, not followed */
    {"/continue", 0, SV_OK, 200, "ok"},
    {"/trailer", 0, SV_OK, 200, "ok"},
    {"/chunks", 0, SV_OK, 200, "abcdefg"},
    {"/bytes", 0, SV_OK, 200, "bbbbbbbbbb"},
    {"/until-close", 0, SV_OK, 200, "xxx"},
    {"/gzip", 0, SV_OK, 200, "\x1f\x8b\x08z"}, /* never unpacked */
    {"/cut-head", 0, SV_ECONNECT, 0, ""},
    {"/cut-continue", 0, SV_ECONNECT, 0, ""},
    {"/cut-body", 0, SV_ECONNECT, 0, ""},
    {"/cut-chunk", 0, SV_ECONNECT, 0, ""},
    {"/bad-chunk", 0, SV_ECONNECT, 0, ""},
    {"/no-answer", 0, SV_ECONNECT, 0, ""},
    {"/reset", 0, SV_ECONNECT, 0, ""},
    {"/hang", 150, SV_ETIMEOUT, 0, ""},
    {"/hang-head", 150, SV_ETIMEOUT, 0, ""},
    {"/hang-body", 150, SV_ETIMEOUT, 0, ""},
    {"/drip", 150, SV_ETIMEOUT, 0, ""},
    {"/garbage", 0, SV_EMALFORMED, 0, ""},
    {"/smtp", 0, SV_EMALFORMED, 0, ""},
    {"/status-000", 0, SV_EMALFORMED, 0, ""},
    {"/status-999", 0, SV_EMALFORMED, 0, ""},
    {"/bad-length", 0, SV_EMALFORMED, 0, ""},
    {"/told-too-big", 0, SV_ETOOBIG, 0, ""},
    {"/body-flood", 0, SV_ETOOBIG, 0, ""},
    {"/header-flood", 0, SV_ETOOBIG, 0, ""},
    {"/header-line", 0, SV_ETOOBIG, 0, ""},
    {"/continue-flood", 0, SV_ETOOBIG, 0, ""},
};

static void every_answer_has_its_meaning(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, 0);
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        const struct expectation *expected = &expectations[i];
        struct asked asked = ask_once(&fixture, expected->path, expected->total_ms);

        if (asked.err != expected->err)
            print_error("%s: %s (%s)\n", expected->path, sv_err_name(asked.err), asked.info.text);
        assert_int_equal(asked.err, expected->err);
        assert_int_equal(asked.info.code, expected->err);
        assert_true(asked.err == SV_OK || asked.info.text[0] != '\0');
        assert_int_equal(asked.status, expected->status);
        assert_string_equal(asked.body, expected->body);
    }
    tear_down(&fixture);
}

/* Each failure must leave the client fit for the next request. */
static void a_failure_does_not_spoil_the_next_request(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, 1);
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        (void)ask_once(&fixture, expectations[i].path, expectations[i].total_ms);
        assert_int_equal(ask_once(&fixture, "/plain", 0).err, SV_OK);
    }
    tear_down(&fixture);
}

static void headers_are_those_of_the_last_head(void **state)
{
    struct fixture fixture;
    struct asked asked;

    (void)state;
    set_up(&fixture, 0);
    asked = ask_once(&fixture, "/plain", 0);
    assert_string_equal(asked.content_type, "text/xml");
    assert_string_equal(asked.request_id, "abc-1");
    assert_string_equal(asked.date, "Sun, 06 Nov 1994 08:49:37 GMT");
    asked = ask_once(&fixture, "/error", 0);
    assert_string_equal(asked.error_type, "TooManyRequestsException:http://x/");
    assert_string_equal(asked.retry_after, "7");
    assert_string_equal(asked.date, "");
    asked = ask_once(&fixture, "/continue", 0);
    assert_string_equal(asked.request_id, "");
    assert_string_equal(asked.date, "");
    asked = ask_once(&fixture, "/trailer", 0);
    assert_string_equal(asked.request_id, "head");
    asked = ask_once(&fixture, "/long-head", 0);
    assert_int_equal(strlen(asked.content_type), sizeof asked.content_type - 1);
    assert_int_equal(strlen(asked.request_id), sizeof asked.request_id - 1);
    tear_down(&fixture);
}

static void connections_are_kept(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask_once(&fixture, "/plain", 0).err, SV_OK);
    assert_int_equal(peer_connections(fixture.peer), 1);
    tear_down(&fixture);
}

/* libcurl by itself would quietly send the request again. */
static void a_dead_kept_connection_costs_at_most_one_attempt(void **state)
{
    struct fixture fixture;
    struct asked asked = {.calls = 0};

    (void)state;
    set_up(&fixture, 0);
    assert_int_equal(ask_once(&fixture, "/plain", 0).err, SV_OK);
    asked = ask_once(&fixture, "/no-answer", 0);
    assert_int_equal(asked.err, SV_ECONNECT);
    assert_int_equal(peer_requests(fixture.peer), 2);
    assert_int_equal(ask_once(&fixture, "/plain", 0).err, SV_OK);
    asked = ask_once(&fixture, "/reset", 0);
    assert_int_equal(asked.err, SV_ECONNECT);
    assert_int_equal(peer_requests(fixture.peer), 4);
    /* One that the peer ended while it rested is noticed before it is used. */
    assert_int_equal(ask_once(&fixture, "/plain", 0).err, SV_OK);
    while (peer_end_idle(fixture.peer) == 0) /* until its answer is over for the peer, too */
        (void)uv_run(&fixture.loop, UV_RUN_ONCE);
    (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    assert_int_equal(ask_once(&fixture, "/plain", 0).err, SV_OK);
    assert_int_equal(peer_requests(fixture.peer), 6);
    tear_down(&fixture);
}

static void a_request_waiting_for_a_connection_has_its_time_too(void **state)
{
    struct fixture fixture;
    struct asked first = {.calls = 0}, second = {.calls = 0};

    (void)state;
    set_up(&fixture, 1);
    start(&fixture, &first, "/hang", 60000);
    start(&fixture, &second, "/plain", 100);
    wait_for(&fixture, &second);
    assert_int_equal(second.err, SV_ETIMEOUT);
    assert_int_equal(first.calls, 0);
    sv_http_cancel(&first.request);
    wait_for(&fixture, &first);
    assert_int_equal(first.err, SV_ECANCELED);
    tear_down(&fixture);
}

static void the_request_is_sent_as_it_was_given(void **state)
{
    static const char path[] = "/a/./b//../%2e%2E/plain?b=%2f&a=%7E&a=+&%41=&c//../d=./x";
    static const struct sv_http_header headers[] = {
        {"Host", "email.example"}, {"Content-Type", "a/b"}, {"X-Empty", ""}, {"X-Blank", "a  b"}};
    struct fixture fixture;
    struct asked asked = {.calls = 0};
    char url[256];
    struct sv_http_ask ask = {.method = "PUT",
                              .url = url,
                              .headers = headers,
                              .headers_count = 4,
                              .body = "{\"a\":0}",
                              .body_bytes = 7,
                              .allow_plain = true};
    const char *sent;

    (void)state;
    set_up(&fixture, 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", peer_port(fixture.peer), path);
    assert_int_equal(sv_http_start(fixture.http, &asked.request, &ask, on_done, NULL), SV_OK);
    memset(url, 'x', sizeof url); /* start has copied */
    wait_for(&fixture, &asked);
    assert_int_equal(asked.err, SV_OK);
    sent = peer_last_request(fixture.peer);
    assert_non_null(
        strstr(sent, "PUT /a/./b//../%2e%2E/plain?b=%2f&a=%7E&a=+&%41=&c//../d=./x HTTP/1.1\r\n"));
    assert_non_null(strstr(sent, "\r\nHost: email.example\r\n"));
    assert_null(strstr(sent, "127.0.0.1"));
    assert_non_null(strstr(sent, "\r\nContent-Type: a/b\r\n"));
    assert_non_null(strstr(sent, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(sent, "\r\nX-Blank: a  b\r\n"));
    assert_non_null(strstr(sent, "\r\nUser-Agent: sesverify/"));
    assert_non_null(strstr(sent, "\r\nContent-Length: 7\r\n"));
    assert_non_null(strstr(sent, "\r\n\r\n{\"a\":0}"));
    assert_null(strcasestr(sent, "\r\nExpect"));
    assert_null(strcasestr(sent, "\r\nAccept-Encoding"));
    tear_down(&fixture);
}

static void methods_and_bodies(void **state)
{
    static const struct {
        const char *method, *body, *line, *length;
    } cases[] = {
        {"GET", NULL, "GET /empty HTTP/1.1\r\n", NULL},
        {"DELETE", NULL, "DELETE /empty HTTP/1.1\r\n", NULL},
        {"DELETE", "x", "DELETE /empty HTTP/1.1\r\n", "\r\nContent-Length: 1\r\n"},
        {"POST", NULL, "POST /empty HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n"},
        {"PUT", NULL, "PUT /empty HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n"},
        {"POST", "a=b", "POST /empty HTTP/1.1\r\n", "\r\nContent-Length: 3\r\n"},
    };
    struct fixture fixture;

    (void)state;
    set_up(&fixture, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct asked asked = {.calls = 0};
        char url[128];
        struct sv_http_ask ask = {.method = cases[i].method,
                                  .url = url,
                                  .body = cases[i].body,
                                  .body_bytes = cases[i].body != NULL ? strlen(cases[i].body) : 0,
                                  .allow_plain = true};
        const char *sent;

        (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/empty", peer_port(fixture.peer));
        assert_int_equal(sv_http_start(fixture.http, &asked.request, &ask, on_done, NULL), SV_OK);
        wait_for(&fixture, &asked);
        assert_int_equal(asked.err, SV_OK);
        sent = peer_last_request(fixture.peer);
        assert_ptr_equal(strstr(sent, cases[i].line), sent);
        assert_int_equal(strstr(sent, "Content-Length") != NULL, cases[i].length != NULL);
        assert_true(cases[i].length == NULL || strstr(sent, cases[i].length) != NULL);
    }
    tear_down(&fixture);
}

static bool no_loopback(void *context, const struct sockaddr *address)
{
    unsigned *asked = context;

    (*asked)++;
    return address->sa_family != AF_INET;
}

static void an_address_can_be_refused(void **state)
{
    struct fixture fixture;
    struct asked asked = {.calls = 0};
    unsigned judged = 0;
    char url[128];
    struct sv_http_ask ask = {.method = "GET",
                              .url = url,
                              .allow_plain = true,
                              .address_allowed = no_loopback,
                              .address_context = &judged};

    (void)state;
    set_up(&fixture, 0);
    /* A connection that is open already must not be a way around the judge. */
    assert_int_equal(ask_once(&fixture, "/plain", 0).err, SV_OK);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/plain", peer_port(fixture.peer));
    assert_int_equal(sv_http_start(fixture.http, &asked.request, &ask, on_done, NULL), SV_OK);
    wait_for(&fixture, &asked);
    assert_int_equal(asked.err, SV_EDENIED);
    assert_int_equal(judged, 1);
    assert_int_equal(peer_requests(fixture.peer), 1);
    tear_down(&fixture);
}

static void nobody_listens(void **state)
{
    struct fixture fixture;
    struct asked asked = {.calls = 0};
    struct sv_http_ask ask = {.method = "GET", .url = "http://127.0.0.1:1/", .allow_plain = true};

    (void)state;
    set_up(&fixture, 0);
    assert_int_equal(sv_http_start(fixture.http, &asked.request, &ask, on_done, NULL), SV_OK);
    wait_for(&fixture, &asked);
    assert_int_equal(asked.err, SV_ECONNECT);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_has_its_meaning),
        cmocka_unit_test(a_failure_does_not_spoil_the_next_request),
        cmocka_unit_test(headers_are_those_of_the_last_head),
        cmocka_unit_test(connections_are_kept),
        cmocka_unit_test(a_dead_kept_connection_costs_at_most_one_attempt),
        cmocka_unit_test(a_request_waiting_for_a_connection_has_its_time_too),
        cmocka_unit_test(the_request_is_sent_as_it_was_given),
        cmocka_unit_test(methods_and_bodies),
        cmocka_unit_test(an_address_can_be_refused),
        cmocka_unit_test(nobody_listens),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(flood, sizeof flood, "X-Flood: %0*d\r\n", LONG_LINE, 0);
    (void)snprintf(half_line, sizeof half_line, "%0*d", LONG_LINE, 0);
    memcpy(block, half_line, sizeof block);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
