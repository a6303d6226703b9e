/* The datagrams to systemd: over a path, over an abstract name, and to nobody. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "notify.h"

enum { VARIABLE_BYTES = 160 };

/* Listens on `name` ('@' = abstract) and makes the variable that tells it. */
static int listen_on(const char *name, char variable[VARIABLE_BYTES])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && len < sizeof(address.sun_path));
    memcpy(address.sun_path, name, len);
    if (*name == '@')
        address.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                     0);
    (void)snprintf(variable, VARIABLE_BYTES, "NOTIFY_SOCKET=%s", name);
    return fd;
}

static void expect(int fd, const char *text)
{
    char got[512] = "";

    assert_int_equal(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), (ssize_t)strlen(text));
    assert_string_equal(got, text);
}

static void talk(const char *name)
{
    char socket_variable[VARIABLE_BYTES];
    char interval[] = "WATCHDOG_USEC=30000000";
    char *environment[] = {socket_variable, interval, NULL};
    struct sv_notify notify;
    int fd = listen_on(name, socket_variable);

    sv_notify_init(&notify, environment);
    assert_int_equal(notify.watchdog_ms, 30000);
    sv_notify_send(&notify, "READY=1\nSTATUS=%d in flight", 3);
    expect(fd, "READY=1\nSTATUS=3 in flight");
    (void)close(fd);
    sv_notify_send(&notify, "STOPPING=1"); /* nobody there: no signal, no wait */
    sv_notify_fini(&notify);
}

static void test_path(void **state)
{
    char folder[] = "/tmp/sv-notify-XXXXXX";
    char path[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/socket", folder);
    talk(path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void test_abstract(void **state)
{
    char name[64];

    (void)state;
    (void)snprintf(name, sizeof(name), "@sv-notify-%ld", (long)getpid());
    talk(name);
}

static void test_nobody(void **state)
{
    static const char *const sockets[] = {"NOTIFY_SOCKET=", "NOTIFY_SOCKET=x", "NOTIFY_SOCKET=/",
                                          "OTHER=1"};

    (void)state;
    for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
        char variable[VARIABLE_BYTES];
        char *environment[] = {variable, NULL};
        struct sv_notify notify;

        (void)snprintf(variable, sizeof(variable), "%s", sockets[i]);
        sv_notify_init(&notify, environment);
        assert_int_equal(notify.fd, -1);
        sv_notify_send(&notify, "READY=1");
        sv_notify_fini(&notify);
    }
}

static void test_watchdog_of_another_process(void **state)
{
    char socket_variable[VARIABLE_BYTES] = "NOTIFY_SOCKET=@sv-nobody";
    char interval[] = "WATCHDOG_USEC=30000000";
    char pid[] = "WATCHDOG_PID=1";
    char *environment[] = {socket_variable, interval, pid, NULL};
    struct sv_notify notify;

    (void)state;
    sv_notify_init(&notify, environment);
    assert_int_equal(notify.watchdog_ms, 0);
    sv_notify_fini(&notify);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_abstract),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_watchdog_of_another_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
