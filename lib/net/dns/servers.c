/* Server addresses: from text, and from the system's resolv.conf(5). */
#include "sv/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_BYTES = 64, PORT = 53, LINE_BYTES = 1024 };

/* One of "a.b.c.d", "x:y::z", each without a port. */
static bool set_address(const char *text, unsigned port, struct sv_dns_server *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        memcpy(&out->address, &v4, sizeof(v4));
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        memcpy(&out->address, &v6, sizeof(v6));
    else
        return false;
    return true;
}

/* 1 .. 65535, digits only. */
static bool read_port(const char *text, unsigned *port)
{
    unsigned value = 0;
    size_t i = 0;

    for (; text[i] >= '0' && text[i] <= '9' && i < 5; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    *port = value;
    return i > 0 && text[i] == 0 && value >= 1 && value <= UINT16_MAX;
}

/* Parts "[v6]:port", "[v6]", "v4:port" and bare addresses. NULL when there is no port. */
static const char *split_port(char *text, char **address)
{
    char *colon = strchr(text, ':');
    char *bracket;

    *address = text;
    if (text[0] != '[') {
        if (colon == NULL || strchr(colon + 1, ':') != NULL)
            return NULL; /* more than one colon is an IPv6 address */
        *colon = 0;
        return colon + 1;
    }
    bracket = strchr(text, ']');
    if (bracket == NULL)
        return NULL; /* still begins with '[', which no address does */
    *address = text + 1;
    *bracket = 0;
    if (bracket[1] == 0)
        return NULL;
    return bracket[1] == ':' ? bracket + 2 : ""; /* "" is not a port, so it is refused */
}

enum sv_err sv_dns_server_parse(const char *text, struct sv_dns_server *out,
                                struct sv_errinfo *info)
{
    char copy[ADDRESS_BYTES];
    char *address;
    const char *port_text;
    unsigned port = PORT;
    int len = snprintf(copy, sizeof(copy), "%s", text);

    if (len <= 0 || (size_t)len >= sizeof(copy))
        return sv_err_set(info, SV_EINVALID, "dns", 0, "not a server address: \"%.60s\"", text);
    port_text = split_port(copy, &address);
    if (port_text != NULL && !read_port(port_text, &port))
        return sv_err_set(info, SV_EINVALID, "dns", 0, "not a port (1-65535) in server \"%.60s\"",
                          text);
    if (!set_address(address, port, out) || (copy[0] == '[' && out->address.ss_family != AF_INET6))
        return sv_err_set(info, SV_EINVALID, "dns", 0,
                          "not an IPv4 or IPv6 address with an optional port: \"%.60s\"", text);
    return SV_OK;
}

/* The address of a "nameserver" line, or NULL. A scope ("%eth0") cannot be used here. */
static char *nameserver_of(char *line)
{
    static const char keyword[] = "nameserver";
    char *at = line;

    if (strncmp(at, keyword, sizeof(keyword) - 1) != 0)
        return NULL;
    at += sizeof(keyword) - 1;
    if (*at != ' ' && *at != '\t')
        return NULL;
    at += strspn(at, " \t");
    at[strcspn(at, " \t\r\n#;")] = 0;
    return at;
}

enum sv_err sv_dns_servers_of_system(const char *path, struct sv_dns_server *out, size_t max,
                                     size_t *count, struct sv_errinfo *info)
{
    char line[LINE_BYTES];
    FILE *file;

    *count = 0;
    if (path == NULL)
        path = "/etc/resolv.conf";
    file = fopen(path, "re");
    if (file == NULL)
        return sv_err_set(info, errno == ENOENT ? SV_ENOTFOUND : SV_ESYSTEM, "dns", errno,
                          "cannot read %.120s: %s", path, strerror(errno));
    while (*count < max && fgets(line, sizeof(line), file) != NULL) {
        char *text = nameserver_of(line);
        if (text != NULL && set_address(text, PORT, &out[*count]))
            (*count)++;
    }
    (void)fclose(file);
    if (*count == 0)
        return sv_err_set(info, SV_ENOTFOUND, "dns", 0, "%.120s names no server", path);
    return SV_OK;
}
