#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sv/dns.h"

static const struct {
    const char *text;
    const char *shown; /* NULL: refused */
} servers[] = {
    {"192.0.2.1", "192.0.2.1 53"},
    {"192.0.2.1:5353", "192.0.2.1 5353"},
    {"192.0.2.1:65535", "192.0.2.1 65535"},
    {"2001:db8::1", "2001:db8::1 53"},
    {"[2001:db8::1]", "2001:db8::1 53"},
    {"[2001:db8::1]:5353", "2001:db8::1 5353"},
    {"::1", "::1 53"},
    {"", NULL},
    {"example.com", NULL},
    {"192.0.2", NULL},
    {"192.0.2.256", NULL},
    {"192.0.2.1:", NULL},
    {"192.0.2.1:0", NULL},
    {"192.0.2.1:65536", NULL},
    {"192.0.2.1:53x", NULL},
    {"192.0.2.1:-1", NULL},
    {"192.0.2.1:000053", NULL},
    {"[192.0.2.1]:53", NULL},
    {"[2001:db8::1", NULL},
    {"[2001:db8::1]53", NULL},
    {"[2001:db8::1]:", NULL},
    {"[]:53", NULL},
    {":53", NULL},
    {" 192.0.2.1", NULL},
    {"192.0.2.1 ", NULL},
    {"fe80::1%eth0", NULL},
    {"0000000000000000000000000000000000000000000000000000000000000000000000", NULL},
};

static void show(const struct sv_dns_server *server, char out[96])
{
    char host[INET6_ADDRSTRLEN];

    if (server->address.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&server->address;
        (void)inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
        (void)snprintf(out, 96, "%s %u", host, ntohs(v4->sin_port));
        return;
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&server->address;
    (void)inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
    (void)snprintf(out, 96, "%s %u", host, ntohs(v6->sin6_port));
}

static void test_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        struct sv_dns_server server;
        struct sv_errinfo info = {0};
        char shown[96];
        enum sv_err err = sv_dns_server_parse(servers[i].text, &server, &info);
        print_message("\"%s\" %s\n", servers[i].text, info.text);
        assert_int_equal(err, servers[i].shown != NULL ? SV_OK : SV_EINVALID);
        if (err != SV_OK)
            continue;
        show(&server, shown);
        assert_string_equal(shown, servers[i].shown);
    }
}

/* Writes a file, reads its servers with a maximum of 3, and shows them in one line. */
static void system_shows(const char *content, enum sv_err wanted, const char *shown)
{
    char path[] = "/tmp/sv-resolv-XXXXXX";
    struct sv_dns_server found[3];
    struct sv_errinfo info = {0};
    char line[300] = "";
    size_t count;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    (void)close(fd);
    enum sv_err err = sv_dns_servers_of_system(path, found, 3, &count, &info);
    (void)unlink(path);
    assert_int_equal(err, wanted);
    for (size_t i = 0; i < count; i++) {
        char one[96];
        show(&found[i], one);
        strncat(line, one, sizeof(line) - strlen(line) - 2);
        strncat(line, ";", 2);
    }
    assert_string_equal(line, shown);
}

static void test_resolv_conf(void **state)
{
    (void)state;
    system_shows("nameserver 192.0.2.1\n", SV_OK, "192.0.2.1 53;");
    system_shows("# nameserver 192.0.2.9\nsearch example.com\nnameserver\t 192.0.2.1  # home\n"
                 "nameserver ::1\noptions edns0",
                 SV_OK, "192.0.2.1 53;::1 53;");
    system_shows("nameserver fe80::1%eth0\nnameserver nonsense\nnameserver 192.0.2.2", SV_OK,
                 "192.0.2.2 53;");
    system_shows("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n"
                 "nameserver 192.0.2.4\n",
                 SV_OK, "192.0.2.1 53;192.0.2.2 53;192.0.2.3 53;");
    system_shows("", SV_ENOTFOUND, "");
    system_shows("nameservers 192.0.2.1\nnameserver\n", SV_ENOTFOUND, "");
}

static void test_no_file(void **state)
{
    struct sv_dns_server found[3];
    struct sv_errinfo info = {0};
    size_t count;

    (void)state;
    assert_int_equal(sv_dns_servers_of_system("/nonexistent/resolv.conf", found, 3, &count, &info),
                     SV_ENOTFOUND);
    assert_non_null(strstr(info.text, "/nonexistent/resolv.conf"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_resolv_conf),
        cmocka_unit_test(test_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
