/* The adapter as a whole, against a scripted peer: what goes out, what comes back, clocks. */
#include "cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "peer.h"
#include "sv/aws_ses.h"

#define NOW 1440938160000 /* 2015-08-30T12:36:00Z */

static const struct peer_script scripts[] = {
    {"/ses/v2/email/identities/skewed.example",
     "HTTP/1.1 403 Forbidden\r\nx-amzn-ErrorType: InvalidSignatureException\r\n"
     "Date: Sun, 30 Aug 2015 12:46:00 GMT\r\nx-amzn-RequestId: r-7\r\nContent-Length: 2\r\n\r\n{}",
     NULL, 0, 0, PEER_KEEP},
    {"/ses/v2/email/identities/close.example",
     "HTTP/1.1 403 Forbidden\r\nx-amzn-ErrorType: InvalidSignatureException\r\n"
     "Date: Sun, 30 Aug 2015 12:39:59 GMT\r\nContent-Length: 2\r\n\r\n{}",
     NULL, 0, 0, PEER_KEEP},
    {"/ses/v2/email/identities/dateless.example",
     "HTTP/1.1 400 No\r\nx-amzn-ErrorType: RequestExpired\r\nContent-Length: 2\r\n\r\n{}", NULL, 0,
     0, PEER_KEEP},
    {"/ses/v2/email/identities/denied.example",
     "HTTP/1.1 403 Forbidden\r\nx-amzn-ErrorType: AccessDeniedException\r\n"
     "Date: Sun, 30 Aug 2020 12:46:00 GMT\r\nContent-Length: 2\r\n\r\n{}",
     NULL, 0, 0, PEER_KEEP},
    {"/ses/v2/email/identities/flood.example", "HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n",
     NULL, 0, 0, PEER_HANG},
    {"/ses/v2/email/identities/good.example",
     "HTTP/1.1 200 OK\r\nx-amzn-RequestId: r-1\r\nContent-Length: 32\r\n\r\n"
     "{\"VerificationStatus\":\"SUCCESS\"}",
     NULL, 0, 0, PEER_KEEP},
    {"/ses/v2/email/identities/moved.example",
     "HTTP/1.1 301 Moved\r\nLocation: /ses/v2/email/identities/good.example\r\n"
     "Content-Length: 0\r\n\r\n",
     NULL, 0, 0, PEER_KEEP},
    {"/ses/",
     "HTTP/1.1 200 OK\r\n\r\n"
     "<VerifyDomainDkimResponse><VerifyDomainDkimResult><DkimTokens><member>aa</member>"
     "<member>bb</member><member>cc</member></DkimTokens></VerifyDomainDkimResult>"
     "<RequestId>xml-1</RequestId></VerifyDomainDkimResponse>",
     NULL, 0, 0, PEER_CLOSE},
    {NULL, NULL, NULL, 0, 0, PEER_KEEP},
};

struct world {
    uv_loop_t loop;
    uv_timer_t tick;
    struct peer *peer;
    struct sv_http *http;
    struct sv_ses *ses;
    struct sv_clock clock;
    struct sv_credentials keys;
    sv_ms now;
    unsigned closed;
};

struct outcome {
    struct sv_ses_call call;
    struct sv_ses_identity result;
    unsigned calls;
    enum sv_err err;
};

static sv_ms wall(void *context)
{
    const struct world *world = context;

    return world->now;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void begin(struct world *world)
{
    struct sv_http_options http = {.connections_max = 2};
    struct sv_aws_ses_options options = {.region = "eu-west-1"};
    char url[64];

    memset(world, 0, sizeof *world);
    world->now = NOW;
    world->clock = (struct sv_clock){.wall = wall, .monotonic = wall, .context = world};
    memcpy(world->keys.access_key_id, "AKIDEXAMPLE", 12);
    memcpy(world->keys.secret_access_key, "secret", 7);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    assert_int_equal(uv_timer_init(&world->loop, &world->tick), 0);
    assert_int_equal(uv_timer_start(&world->tick, on_tick, 1, 1), 0);
    world->peer = peer_new(&world->loop, scripts);
    world->http = sv_http_new(&world->loop, &http);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/ses/", peer_port(world->peer));
    options.http = world->http;
    options.clock = &world->clock;
    options.credentials = &world->keys;
    options.endpoint_v1 = options.endpoint_v2 = url;
    assert_int_equal(sv_aws_ses_new(&options, &world->ses, NULL), SV_OK);
}

static void on_closed(void *context)
{
    unsigned *closed = context;

    (*closed)++;
}

static void end(struct world *world)
{
    sv_ses_close(world->ses, on_closed, &world->closed);
    while (world->closed < 1)
        (void)uv_run(&world->loop, UV_RUN_ONCE);
    sv_http_close(world->http, on_closed, &world->closed);
    while (world->closed < 2)
        (void)uv_run(&world->loop, UV_RUN_ONCE);
    peer_close(world->peer);
    uv_close((uv_handle_t *)&world->tick, NULL);
    assert_int_equal(uv_run(&world->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&world->loop), 0);
}

static void on_done(struct sv_ses_call *call, enum sv_err err)
{
    struct outcome *outcome = call->owner;

    outcome->calls++;
    outcome->err = err;
}

static struct outcome ask(struct world *world, enum sv_ses_op op, const char *domain)
{
    struct outcome outcome = {.calls = 0};

    outcome.call = (struct sv_ses_call){.owner = &outcome,
                                        .op = op,
                                        .domains = &domain,
                                        .domains_count = 1,
                                        .results = &outcome.result};
    assert_int_equal(sv_ses_start(world->ses, &outcome.call, on_done, NULL), SV_OK);
    while (outcome.calls == 0)
        (void)uv_run(&world->loop, UV_RUN_ONCE);
    return outcome;
}

static void a_call_goes_out_signed_and_comes_back_read(void **state)
{
    struct world world;
    struct outcome outcome;
    const char *sent;

    (void)state;
    begin(&world);
    outcome = ask(&world, SV_SES_VERIFY_DKIM, "a.example");
    assert_int_equal(outcome.err, SV_OK);
    assert_int_equal(outcome.result.tokens_count, 3);
    assert_string_equal(outcome.result.hosted_zone, "dkim.amazonses.com");
    assert_string_equal(outcome.call.request_id, "xml-1"); /* the header had none */
    sent = peer_last_request(world.peer);
    assert_ptr_equal(strstr(sent, "POST /ses/ HTTP/1.1\r\n"), sent);
    assert_non_null(strstr(sent, "\r\nX-Amz-Date: 20150830T123600Z\r\n"));
    assert_non_null(strstr(sent, "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"
                                 "20150830/eu-west-1/ses/aws4_request, SignedHeaders="
                                 "content-type;host;x-amz-date, Signature="));
    assert_null(strstr(sent, "Security-Token"));
    /* The owner renews the keys in place; the next call must use them. */
    memcpy(world.keys.session_token, "tok/en+==", 10);
    outcome = ask(&world, SV_SES_GET, "good.example");
    assert_int_equal(outcome.err, SV_OK);
    assert_int_equal(outcome.result.identity, SV_AXIS_SUCCESS);
    assert_string_equal(outcome.call.request_id, "r-1");
    sent = peer_last_request(world.peer);
    assert_non_null(strstr(sent, "\r\nX-Amz-Security-Token: tok/en+==\r\n"));
    assert_non_null(strstr(sent, "SignedHeaders=host;x-amz-date;x-amz-security-token, "));
    end(&world);
}

static void a_wrong_clock_is_learned(void **state)
{
    struct world world;
    struct outcome outcome;

    (void)state;
    begin(&world);
    outcome = ask(&world, SV_SES_GET, "skewed.example");
    assert_int_equal(outcome.err, SV_ECLOCK);
    assert_int_equal(outcome.call.info.code, SV_ECLOCK);
    assert_int_equal(outcome.call.info.native, 403);
    assert_int_equal(peer_requests(world.peer), 1); /* no hidden second attempt */
    /* Ten minutes ahead from now on; the same Date is no difference any more. */
    outcome = ask(&world, SV_SES_GET, "skewed.example");
    assert_non_null(strstr(peer_last_request(world.peer), "\r\nX-Amz-Date: 20150830T124600Z\r\n"));
    assert_int_equal(outcome.err, SV_EDENIED);
    /* Our clock is set right by somebody: the correction is wrong now, and corrected in turn. */
    world.now += 600000;
    outcome = ask(&world, SV_SES_GET, "skewed.example");
    assert_int_equal(outcome.err, SV_ECLOCK);
    outcome = ask(&world, SV_SES_GET, "good.example");
    assert_int_equal(outcome.err, SV_OK);
    assert_non_null(strstr(peer_last_request(world.peer), "\r\nX-Amz-Date: 20150830T124600Z\r\n"));
    end(&world);
}

static void other_refusals_do_not_touch_the_clock(void **state)
{
    static const struct {
        const char *domain;
        enum sv_err err;
    } cases[] = {
        {"close.example", SV_EDENIED},    /* 3 min 59 s */
        {"dateless.example", SV_EDENIED}, /* nothing to learn from */
        {"denied.example", SV_EDENIED},   /* not a matter of signatures */
        {"moved.example", SV_EMALFORMED}, /* not followed */
        {"flood.example", SV_EMALFORMED}, /* larger than any reply may be */
    };
    struct world world;

    (void)state;
    begin(&world);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct outcome outcome = ask(&world, SV_SES_GET, cases[i].domain);

        assert_int_equal(outcome.err, cases[i].err);
        assert_int_equal(outcome.call.info.code, cases[i].err);
        assert_int_equal(peer_requests(world.peer), i + 1);
    }
    (void)ask(&world, SV_SES_GET, "good.example");
    assert_non_null(strstr(peer_last_request(world.peer), "\r\nX-Amz-Date: 20150830T123600Z\r\n"));
    end(&world);
}

static void a_bad_endpoint_is_refused(void **state)
{
    struct world world;
    struct sv_aws_ses_options options;
    struct sv_ses *ses = NULL;
    struct sv_errinfo info;

    (void)state;
    begin(&world);
    options = (struct sv_aws_ses_options){.http = world.http,
                                          .clock = &world.clock,
                                          .credentials = &world.keys,
                                          .region = "us-east-1",
                                          .endpoint_v2 = "ses.example"};
    assert_int_equal(sv_aws_ses_new(&options, &ses, &info), SV_EINVALID);
    assert_non_null(strstr(info.text, "ses.example"));
    options.endpoint_v2 = NULL;
    options.region = "nowhere!";
    assert_int_equal(sv_aws_ses_new(&options, &ses, &info), SV_EINVALID);
    assert_null(ses);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_goes_out_signed_and_comes_back_read),
        cmocka_unit_test(a_wrong_clock_is_learned),
        cmocka_unit_test(other_refusals_do_not_touch_the_clock),
        cmocka_unit_test(a_bad_endpoint_is_refused),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
