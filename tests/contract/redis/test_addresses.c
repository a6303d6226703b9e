/* A name with several addresses. The resolver is ours here: uv_getaddrinfo of this program replaces
 * that of libuv, so that a test says which addresses there are, ports included. */
#include "kit.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ADDRESSES = 20 };

static struct {
    struct addrinfo list[ADDRESSES];
    struct sockaddr_in address[ADDRESSES];
    unsigned count;
    int status;
    unsigned asked;
    uv_getaddrinfo_t *request;
    uv_getaddrinfo_cb done;
    bool is_held; /* answers when told to */
} dns;

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void on_dns_timer(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, free_handle);
    dns.done(dns.request, dns.status, dns.status != 0 || dns.count == 0 ? NULL : dns.list);
}

/* As the real one: later, never from inside. */
static void answer(uv_loop_t *loop)
{
    uv_timer_t *timer = calloc(1, sizeof(*timer));

    assert_non_null(timer);
    assert_int_equal(uv_timer_init(loop, timer), 0);
    assert_int_equal(uv_timer_start(timer, on_dns_timer, 5, 0), 0);
}

int uv_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *req, uv_getaddrinfo_cb getaddrinfo_cb,
                   const char *node, const char *service, const struct addrinfo *hints)
{
    assert_string_equal(node, "redis.example.net");
    assert_non_null(service);
    assert_int_equal(hints->ai_socktype, SOCK_STREAM);
    dns.asked++;
    dns.request = req;
    dns.done = getaddrinfo_cb;
    if (!dns.is_held)
        answer(loop);
    return 0;
}

void uv_freeaddrinfo(struct addrinfo *ai)
{
    (void)ai;
}

static void add_address(unsigned port)
{
    unsigned i = dns.count++;

    assert_int_equal(uv_ip4_addr("127.0.0.1", (int)port, &dns.address[i]), 0);
    dns.list[i] = (struct addrinfo){.ai_family = AF_INET,
                                    .ai_addr = (struct sockaddr *)&dns.address[i],
                                    .ai_addrlen = sizeof(dns.address[i])};
    if (i > 0)
        dns.list[i - 1].ai_next = &dns.list[i];
}

struct scene {
    struct server server;
    struct client client;
    uv_loop_t loop;
};

static struct scene scene;

static void set_scene(void)
{
    memset(&scene, 0, sizeof(scene));
    memset(&dns, 0, sizeof(dns));
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    server_start(&scene.server, &scene.loop, NULL);
    client_init(&scene.client, &scene.server);
    (void)snprintf(scene.client.options.address.host, SV_REDIS_HOST_BYTES, "redis.example.net");
}

static void the_next_address_is_tried_at_once(void **state)
{
    (void)state;
    for (unsigned refused = 0; refused < 8; refused++) {
        set_scene();
        for (unsigned i = 0; i < refused; i++)
            add_address(scene.server.refusing_port);
        add_address(scene.server.port);
        client_open(&scene.client);
        run_until(&scene.client, is_ready);
        assert_int_equal(scene.client.down_count, 0);
        assert_int_equal(dns.asked, 1);
        finish(&scene.client, &scene.server);
    }
}

static void eight_are_enough(void **state)
{
    (void)state;
    set_scene();
    for (unsigned i = 0; i < ADDRESSES - 1; i++)
        add_address(scene.server.refusing_port);
    add_address(scene.server.port);
    client_open(&scene.client);
    run_until(&scene.client, is_down);
    assert_int_equal(scene.client.why.code, SV_ECONNECT);
    assert_non_null(strstr(scene.client.why.text, "refused"));
    finish(&scene.client, &scene.server);
}

static void a_name_without_addresses(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        set_scene();
        dns.status = i == 0 ? 0 : UV_EAI_AGAIN;
        client_open(&scene.client);
        run_until(&scene.client, is_down);
        assert_int_equal(scene.client.why.code, SV_ECONNECT);
        assert_non_null(
            strstr(scene.client.why.text, i == 0 ? "no address" : "resolving the host"));
        dns.status = 0;
        add_address(scene.server.port);
        run_until(&scene.client, is_ready); /* asked again, and now there is one */
        finish(&scene.client, &scene.server);
    }
}

/* The black hole takes all the time of the first attempt; the second begins with the other one. */
static void one_black_hole_does_not_stop_every_attempt(void **state)
{
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int fillers[4];

    (void)state;
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 0), 0); /* a full queue answers nothing */
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    for (size_t i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, len);
    }
    set_scene();
    add_address(ntohs(address.sin_port));
    add_address(scene.server.port);
    scene.client.options.connect_ms = 100;
    client_open(&scene.client);
    run_until(&scene.client, is_ready);
    assert_true(scene.client.down_count > 0);
    assert_int_equal(scene.client.why.code, SV_ETIMEOUT);
    finish(&scene.client, &scene.server);
    for (size_t i = 0; i < 4; i++)
        (void)close(fillers[i]);
    (void)close(listener);
}

static bool is_asked(const struct client *client)
{
    (void)client;
    return dns.asked > 0;
}

/* A resolver cannot always be stopped: close waits for it, and the answer goes nowhere. */
static void close_while_resolving(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        set_scene();
        add_address(scene.server.port);
        dns.status = i == 0 ? 0 : UV_ECANCELED;
        dns.is_held = true;
        client_open(&scene.client);
        run_until(&scene.client, is_asked);
        client_close(&scene.client);
        for (unsigned turn = 0; turn < 10; turn++)
            (void)uv_run(&scene.loop, UV_RUN_NOWAIT);
        assert_false(scene.client.is_closed); /* the request's memory is still the resolver's */
        answer(&scene.loop);
        finish(&scene.client, &scene.server);
        assert_int_equal(scene.client.ready_count, 0);
        assert_int_equal(scene.server.peers_count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_address_is_tried_at_once),
        cmocka_unit_test(eight_are_enough),
        cmocka_unit_test(a_name_without_addresses),
        cmocka_unit_test(one_black_hole_does_not_stop_every_attempt),
        cmocka_unit_test(close_while_resolving),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
