#include <stdio.h>
#include <string.h>

#include "http.h"

socklen_t sb_address_bytes(const struct sockaddr *address)
{
    return address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

void sb_address_format(const struct sockaddr *address, char out[SB_ADDRESS_BYTES])
{
    char host[48] = "?";

    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const void *)address;

        (void)uv_ip6_name(six, host, sizeof host);
        (void)snprintf(out, SB_ADDRESS_BYTES, "[%s]:%u", host, (unsigned)ntohs(six->sin6_port));
    } else {
        const struct sockaddr_in *four = (const void *)address;

        (void)uv_ip4_name(four, host, sizeof host);
        (void)snprintf(out, SB_ADDRESS_BYTES, "%s:%u", host, (unsigned)ntohs(four->sin_port));
    }
}

/* 0 .. 65535, or -1. */
static int port_of(const char *text)
{
    int port = 0;

    if (*text == 0)
        return -1;
    for (; *text != 0; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        port = 10 * port + (*text - '0');
        if (port > 65535)
            return -1;
    }
    return port;
}

enum sv_err sb_address_parse(const char *text, struct sockaddr_storage *out,
                             struct sv_errinfo *info)
{
    const char *colon = strrchr(text, ':');
    const char *start = text;
    char host[48];
    size_t len;
    int port;

    if (colon == NULL)
        return sv_err_set(info, SV_EINVALID, "address", 0, "not ADDR:PORT: %.60s", text);
    len = (size_t)(colon - text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        start++;
        len -= 2;
    }
    port = port_of(colon + 1);
    if (port < 0 || len >= sizeof host)
        return sv_err_set(info, SV_EINVALID, "address", 0, "not ADDR:PORT: %.60s", text);
    memcpy(host, start, len);
    host[len] = 0;
    memset(out, 0, sizeof *out);
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)out) == 0 ||
        uv_ip6_addr(host, port, (struct sockaddr_in6 *)out) == 0)
        return SV_OK;
    return sv_err_set(info, SV_EINVALID, "address", 0, "not an IP address: %.60s", text);
}
