/* The rules of the status port that no page of today shows: answers that come later, clients and
 * ports that are gone by then. */
#include "cmocka_all.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sv/status_port.h"

enum { DEADLINE_TURNS = 20000 };

static struct {
    uv_loop_t loop;
    struct sv_status_port *port;
    struct sv_status_request *asked; /* not answered yet */
    unsigned count;
    bool closed;
} bed;

static void on_ask(void *context, struct sv_status_request *request)
{
    assert_ptr_equal(context, &bed);
    bed.asked = request;
    bed.count++;
}

static void on_closed(void *context)
{
    (void)context;
    bed.closed = true;
}

static int open_port(void **state)
{
    struct sv_status_port_options options = {.loop = &bed.loop,
                                             .listen = "127.0.0.1:0",
                                             .on_ask = on_ask,
                                             .context = &bed,
                                             .connection_ms = 60 * SV_SECOND};
    struct sv_errinfo info;

    (void)state;
    memset(&bed, 0, sizeof bed);
    assert_int_equal(uv_loop_init(&bed.loop), 0);
    assert_int_equal(sv_status_port_new(&options, &bed.port, &info), SV_OK);
    return 0;
}

static void run_a_turn(void)
{
    (void)uv_run(&bed.loop, UV_RUN_NOWAIT);
    (void)usleep(500);
}

static int close_port(void **state)
{
    (void)state;
    for (int turn = 0; !bed.closed && turn < DEADLINE_TURNS; turn++)
        run_a_turn();
    assert_true(bed.closed);
    assert_int_equal(uv_loop_close(&bed.loop), 0);
    return 0;
}

static int connect_and_send(const char *text)
{
    const char *colon = strrchr(sv_status_port_address(bed.port), ':');
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
    return fd;
}

static void wait_for_question(unsigned count)
{
    for (int turn = 0; bed.count < count && turn < DEADLINE_TURNS; turn++)
        run_a_turn();
    assert_int_equal(bed.count, count);
}

/* What comes until the connection ends. */
static void read_all(int fd, char *out, size_t bytes)
{
    size_t len = 0;

    for (int turn = 0; turn < DEADLINE_TURNS; turn++) {
        ssize_t got = recv(fd, out + len, bytes - 1 - len, MSG_DONTWAIT);

        if (got == 0)
            break;
        len += got > 0 ? (size_t)got : 0;
        run_a_turn();
    }
    out[len] = '\0';
    (void)close(fd);
}

static void answer(const char *text)
{
    struct sv_buf body;

    sv_buf_init(&body, 1024);
    assert_true(sv_buf_add_str(&body, text));
    sv_status_answer(bed.asked, 200, "text/plain", &body);
    bed.asked = NULL;
    sv_buf_fini(&body);
}

static void an_answer_may_come_later(void **state)
{
    char got[2048];
    int fd = connect_and_send("GET /story?domain=a.example&x=%20y HTTP/1.1\r\nHost: h\r\n\r\n");

    (void)state;
    wait_for_question(1);
    assert_string_equal(sv_status_request_path(bed.asked), "/story");
    assert_string_equal(sv_status_request_query(bed.asked, "domain"), "a.example");
    assert_string_equal(sv_status_request_query(bed.asked, "x"), " y");
    assert_null(sv_status_request_query(bed.asked, "nothing"));
    for (int turn = 0; turn < 100; turn++)
        run_a_turn();
    assert_int_equal(recv(fd, got, sizeof got, MSG_DONTWAIT), -1);
    answer("late");
    read_all(fd, got, sizeof got);
    assert_non_null(strstr(got, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(got, "\r\n\r\nlate"));
    assert_int_equal(bed.count, 1);
    sv_status_port_close(bed.port, on_closed, NULL);
}

/* Others are served while one waits. */
static void one_that_waits_holds_up_nobody(void **state)
{
    struct sv_status_request *first;
    char got[2048];
    int slow = connect_and_send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"), quick;

    (void)state;
    wait_for_question(1);
    first = bed.asked;
    quick = connect_and_send("GET /quick HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for_question(2);
    answer("quick");
    read_all(quick, got, sizeof got);
    assert_non_null(strstr(got, "\r\n\r\nquick"));
    bed.asked = first;
    answer("slow");
    read_all(slow, got, sizeof got);
    assert_non_null(strstr(got, "\r\n\r\nslow"));
    sv_status_port_close(bed.port, on_closed, NULL);
}

static void a_client_that_is_gone_is_no_error(void **state)
{
    int fd = connect_and_send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");

    (void)state;
    wait_for_question(1);
    (void)close(fd);
    for (int turn = 0; turn < 100; turn++)
        run_a_turn();
    answer("nobody reads this");
    sv_status_port_close(bed.port, on_closed, NULL);
}

/* The port's memory stays until the question is answered: closed comes last. */
static void a_port_that_closes_waits_for_answers(void **state)
{
    int fd = connect_and_send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");

    (void)state;
    wait_for_question(1);
    sv_status_port_close(bed.port, on_closed, NULL);
    for (int turn = 0; turn < 200; turn++)
        run_a_turn();
    assert_false(bed.closed);
    assert_null(sv_status_request_query(bed.asked, "x"));
    answer("too late");
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_may_come_later, open_port, close_port),
        cmocka_unit_test_setup_teardown(one_that_waits_holds_up_nobody, open_port, close_port),
        cmocka_unit_test_setup_teardown(a_client_that_is_gone_is_no_error, open_port, close_port),
        cmocka_unit_test_setup_teardown(a_port_that_closes_waits_for_answers, open_port,
                                        close_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
