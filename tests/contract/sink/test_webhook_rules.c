/* The rules of asynchronous code for webhooks: one answer for each attempt, never from inside, and
 * a close that ends what is under way. The peer never finishes the handshake of TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "peer.h"
#include "sv/http.h"
#include "sv/webhook.h"

enum { ATTEMPTS = 5 };

static const struct peer_script silent[] = {{.path = NULL}};

struct stage {
    uv_loop_t loop;
    struct peer *peer;
    struct sv_sink *sink;
    struct sv_sink_parcel parcels[ATTEMPTS];
    unsigned ended;
    bool inside, closed;
};

static void open_stage(struct stage *stage, bool is_allowed, sv_ms timeout_ms)
{
    struct sv_webhook_options options = {
        .loop = &stage->loop,
        .clock = sv_clock_system(),
        .name = "hook",
        .timeout_ms = timeout_ms,
        .parallel = 3, /* the fourth and fifth find no place */
        .keys_count = 1,
    };
    struct sv_errinfo info = {0};
    char url[64];

    *stage = (struct stage){.ended = 0};
    assert_int_equal(uv_loop_init(&stage->loop), 0);
    stage->peer = peer_new(&stage->loop, silent);
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", peer_port(stage->peer));
    options.url = url;
    options.ports[options.ports_count++] = (uint16_t)peer_port(stage->peer);
    options.keys[0].count = SV_WEBHOOK_KEY_BYTES_MIN;
    if (is_allowed)
        assert_true(sv_network_parse("127.0.0.1", &options.allowed[options.allowed_count++]));
    assert_int_equal(sv_webhook_new(&options, &stage->sink, &info), SV_OK);
    assert_string_equal(stage->sink->name, "hook");
}

static void on_done(struct sv_sink_parcel *parcel)
{
    struct stage *stage = parcel->owner;

    assert_false(stage->inside);
    assert_false(stage->closed);
    assert_int_equal(parcel->outcome, SV_SINK_LATER);
    assert_true(parcel->info.text[0] != '\0');
    parcel->owner = NULL; /* a second answer would end here */
    stage->ended++;
}

static void deliver(struct stage *stage, size_t i, const char *id)
{
    stage->parcels[i] = (struct sv_sink_parcel){.id = id,
                                                .type = "t",
                                                .group = "g",
                                                .body = "{}",
                                                .body_bytes = 2,
                                                .content_type = "application/json",
                                                .owner = stage};
    stage->inside = true;
    stage->sink->kind->deliver(stage->sink, &stage->parcels[i], on_done);
    stage->inside = false;
}

static void on_closed(void *context)
{
    struct stage *stage = context;

    stage->closed = true;
}

static void close_stage(struct stage *stage)
{
    stage->sink->kind->close(stage->sink, on_closed, stage);
    peer_close(stage->peer);
    (void)uv_run(&stage->loop, UV_RUN_DEFAULT);
    assert_true(stage->closed);
    assert_int_equal(uv_loop_close(&stage->loop), 0);
}

static void test_each_attempt_ends_once(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage, true, 200);
    for (size_t i = 0; i < ATTEMPTS; i++)
        deliver(&stage, i, "an.id");
    while (stage.ended < ATTEMPTS)
        (void)uv_run(&stage.loop, UV_RUN_ONCE);
    assert_int_equal(stage.parcels[0].info.code, SV_ETIMEOUT);
    assert_int_equal(stage.parcels[4].info.code, SV_EBUSY);
    close_stage(&stage);
    assert_int_equal(stage.ended, ATTEMPTS);
}

/* After the first, second, third ... turn of the loop. */
static void test_close_at_any_time(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 12; turns++) {
        struct stage stage;

        open_stage(&stage, true, SV_MINUTE);
        for (size_t i = 0; i < ATTEMPTS; i++)
            deliver(&stage, i, "an.id");
        for (unsigned turn = 0; turn < turns; turn++)
            (void)uv_run(&stage.loop, UV_RUN_NOWAIT);
        close_stage(&stage);
        assert_int_equal(stage.ended, ATTEMPTS);
        if (turns == 0) /* later it may have ended by itself, where the machine is busy */
            assert_int_equal(stage.parcels[0].info.code, SV_ECANCELED);
    }
}

static void test_loopback_is_not_connected_to(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage, false, SV_MINUTE);
    deliver(&stage, 0, "an.id");
    while (stage.ended < 1)
        (void)uv_run(&stage.loop, UV_RUN_ONCE);
    assert_int_equal(stage.parcels[0].info.code, SV_EDENIED);
    assert_int_equal(peer_connections(stage.peer), 0);
    close_stage(&stage);
}

static void on_refused(struct sv_sink_parcel *parcel)
{
    struct stage *stage = parcel->owner;

    assert_false(stage->inside);
    assert_int_equal(parcel->outcome, SV_SINK_REFUSED);
    stage->ended++;
}

static void test_an_id_that_fits_no_header(void **state)
{
    struct stage stage;

    (void)state;
    open_stage(&stage, true, SV_MINUTE);
    stage.parcels[0] = (struct sv_sink_parcel){.id = "an\r\nid: x",
                                               .type = "t",
                                               .group = "g",
                                               .body = "{}",
                                               .body_bytes = 2,
                                               .content_type = "application/json",
                                               .owner = &stage};
    stage.inside = true;
    stage.sink->kind->deliver(stage.sink, &stage.parcels[0], on_refused);
    stage.inside = false;
    while (stage.ended < 1)
        (void)uv_run(&stage.loop, UV_RUN_ONCE);
    close_stage(&stage);
}

static void on_nothing(struct sv_http_request *request, enum sv_err err,
                       const struct sv_http_answer *answer)
{
    (void)answer;
    assert_non_null(request);
    assert_int_equal(err, SV_ECANCELED);
}

static void on_http_closed(void *context)
{
    assert_null(context);
}

/* What is fine can be asked for: no event is to pay for a url that leads nowhere. */
static void test_which_urls_are_fine(void **state)
{
    static const char *const fine[] = {
        "https://a.example/",           "https://a.example",
        "https://a.example?x",          "https://a-b_c.example:443/x?y=z",
        "https://a.example:8443",       "https://a.example:/",
        "https://a.example/%20@x:1/[]", "https://[2001:db8::1]/",
        "https://[2001:db8::1]:8443/x", "https://192.0.2.1/",
    };
    static const char *const wrong[] = {
        "",
        "http://a.example/",
        "HTTPS//a.example/",
        "https:/a.example/",
        "https://",
        "https:///x",
        "https://:443/",
        "https://?x",
        "https://user@a.example/",
        "https://user:443@a.example/",
        "https://a%2eexample/",
        "https://a.example(1)/",
        "https://a.example /",
        "https://a.example/a b",
        "https://a.example/#w",
        "https://\xc3\xa4.example/",
        "https://a.example/\x01",
        "https://a.example\\@b.example/",
        "https://a.example:80/",
        "https://a.example:+443/",
        "https://a.example:443x/",
        "https://a.example:443:443/",
        "https://a.example:4294967739/",
        "https://[2001:db8::1/",
        "https://[2001:db8::1]x/",
        "https://[2001:db8::g]/",
        "https://[]/",
    };
    static const uint16_t ports[] = {443, 8443};
    char longest[8 + 256 + 1] = "https://";
    uv_loop_t loop;
    struct sv_http *http;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    http = sv_http_new(&loop, &(struct sv_http_options){.requests_max = 64});
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        struct sv_http_ask ask = {.method = "POST", .url = fine[i], .body = ""};
        struct sv_http_request request = {.owner = NULL};
        struct sv_errinfo info = {0};

        if (!sv_webhook_url_is_fine(fine[i], ports, 2))
            fail_msg("not fine: %s", fine[i]);
        if (sv_http_start(http, &request, &ask, on_nothing, &info) != SV_OK)
            fail_msg("not for libcurl: %s: %s", fine[i], info.text);
        sv_http_cancel(&request);
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    sv_http_close(http, on_http_closed, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (sv_webhook_url_is_fine(wrong[i], ports, 2))
            fail_msg("fine: %s", wrong[i]);
    }
    memset(longest + 8, 'a', 255);
    assert_true(sv_webhook_url_is_fine(longest, ports, 2));
    memset(longest + 8, 'a', 256);
    assert_false(sv_webhook_url_is_fine(longest, ports, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_urls_are_fine),
        cmocka_unit_test(test_each_attempt_ends_once),
        cmocka_unit_test(test_close_at_any_time),
        cmocka_unit_test(test_loopback_is_not_connected_to),
        cmocka_unit_test(test_an_id_that_fits_no_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
