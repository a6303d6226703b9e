/* Tells systemd how we are (M2): one datagram per message, no library. */
#ifndef SV_WORKER_NOTIFY_H
#define SV_WORKER_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "sv/time.h"

struct sv_notify {
    int fd; /* -1 = nobody listens */
    struct sockaddr_un address;
    socklen_t address_len;
    sv_ms watchdog_ms; /* WATCHDOG_USEC; 0 = no watchdog */
};

/* Reads NOTIFY_SOCKET (a path, or '@' and an abstract name), WATCHDOG_USEC and WATCHDOG_PID. A
 * socket that cannot be used is the same as none: the worker runs without systemd too. */
void sv_notify_init(struct sv_notify *notify, char *const *environment);

/* Sends, never blocks; "READY=1\nSTATUS=..." and the like. */
void sv_notify_send(const struct sv_notify *notify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void sv_notify_fini(struct sv_notify *notify);

#endif
