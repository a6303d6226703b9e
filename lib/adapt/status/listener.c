#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { HOST_BYTES = 64 };

static enum sv_err refuse(const char *text, struct sv_errinfo *info)
{
    return sv_err_set(info, SV_EINVALID, "status", 0,
                      "\"%.80s\" is neither ADDR:PORT nor [ADDR]:PORT", text);
}

/* Names are not resolved: which interface is opened to whom must be plain from the setting. */
static enum sv_err parse(const char *text, struct sockaddr_storage *out, struct sv_errinfo *info)
{
    const char *colon = strrchr(text, ':');
    bool is_bracketed = colon != NULL && text[0] == '[' && colon > text && colon[-1] == ']';
    size_t len = colon == NULL ? 0 : (size_t)(colon - text) - (is_bracketed ? 2 : 0);
    char host[HOST_BYTES];
    char *end;
    long port;

    if (colon == NULL || len == 0 || len >= sizeof host || colon[1] < '0' || colon[1] > '9')
        return refuse(text, info);
    (void)memcpy(host, text + (is_bracketed ? 1 : 0), len);
    host[len] = '\0';
    port = strtol(colon + 1, &end, 10);
    if (*end != '\0' || port > 65535 || (strchr(host, ':') != NULL && !is_bracketed))
        return refuse(text, info);
    if (uv_ip4_addr(host, (int)port, (struct sockaddr_in *)out) != 0 &&
        uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)out) != 0)
        return refuse(text, info);
    return SV_OK;
}

static void describe(const struct sockaddr *address, socklen_t address_bytes, char *out,
                     size_t bytes)
{
    char host[HOST_BYTES] = "", port[8] = "";

    (void)getnameinfo(address, address_bytes, host, sizeof host, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV);
    (void)snprintf(out, bytes, strchr(host, ':') == NULL ? "%s:%s" : "[%s]:%s", host, port);
}

enum sv_err sv_listener_open(const char *text, int backlog, int *fd, char *name, size_t name_bytes,
                             struct sv_errinfo *info)
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = sizeof address;
    int on = 1;
    enum sv_err err = parse(text, &address, info);

    if (err != SV_OK)
        return err;
    *fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd >= 0 && setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(*fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        listen(*fd, backlog) == 0 && getsockname(*fd, (struct sockaddr *)&address, &bytes) == 0) {
        describe((const struct sockaddr *)&address, bytes, name, name_bytes);
        return SV_OK;
    }
    err = sv_err_set(info, SV_ESYSTEM, "status", errno, "cannot listen on %.80s: %s", text,
                     strerror(errno));
    if (*fd >= 0)
        (void)close(*fd);
    return err;
}
