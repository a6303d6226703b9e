#include "notify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

static sv_ms watchdog_of(char *const *environment)
{
    const char *interval_us = sv_environment_find(environment, "WATCHDOG_USEC");
    const char *pid = sv_environment_find(environment, "WATCHDOG_PID");

    if (interval_us == NULL || (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid()))
        return 0;
    return strtoll(interval_us, NULL, 10) / 1000;
}

void sv_notify_init(struct sv_notify *notify, char *const *environment)
{
    const char *path = sv_environment_find(environment, "NOTIFY_SOCKET");
    size_t len = path != NULL ? strlen(path) : 0;

    *notify = (struct sv_notify){.fd = -1};
    if (len < 2 || len >= sizeof(notify->address.sun_path) || (*path != '/' && *path != '@'))
        return;
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, path, len);
    if (*path == '@')
        notify->address.sun_path[0] = '\0'; /* abstract: the length ends the name */
    notify->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (notify->fd >= 0)
        notify->watchdog_ms = watchdog_of(environment);
}

void sv_notify_send(const struct sv_notify *notify, const char *format, ...)
{
    char text[512];
    va_list args;

    if (notify->fd < 0)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
                 (const struct sockaddr *)&notify->address, notify->address_len);
}

void sv_notify_fini(struct sv_notify *notify)
{
    if (notify->fd >= 0)
        (void)close(notify->fd);
    notify->fd = -1;
}
