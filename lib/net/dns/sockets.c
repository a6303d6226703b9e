/* UDP sockets that an attacker cannot guess.
 *
 * Each query goes out through one of SV_DNS_SOCKETS_MAX places chosen at random. A place that is
 * empty, or whose socket has served SV_DNS_SOCKET_USES_MAX queries, gets a new socket on a port
 * the kernel draws at random (RFC 6056). So a forger must hit one socket out of 1,024 and one id
 * out of 65,536 within the life of a query: 26 bits, at the price of two system calls a query
 * instead of the seven that a socket per query needs. The sockets are not connected; the address of
 * a reply is compared with the address asked (RFC 5452 section 9.1).
 *
 * - No descriptor left: an idle socket is closed to make one, so ports get fresher, not fewer.
 * - A server that refuses (ICMP): reported through the socket's error queue with the address that
 *   was asked, and that query alone goes on to its next server.
 * - A datagram that fits nobody: dropped, counted against every query on that socket. */
#include "dns_internal.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sv/alloc.h"

enum { ERRORS_PER_TURN_MAX = 16 };

void sv_dns_sockets_init(struct sv_dns *dns)
{
    dns->v4.family = AF_INET;
    dns->v6.family = AF_INET6;
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct sv_dns_socket *socket = handle->data;
    struct sv_dns *dns = socket->dns;

    free(socket);
    sv_dns_handle_gone(dns);
}

/* Takes the socket out of its place. Its memory goes when the loop has let go of it, so this may
 * happen inside its own receive callback. */
static void shut(struct sv_dns_pool *pool, size_t place)
{
    struct sv_dns_socket *socket = pool->sockets[place];

    pool->sockets[place] = NULL;
    pool->open--;
    uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
    (void)close(socket->fd);
    socket->fd = -1; /* whoever is in a loop over this socket gets EBADF */
}

void sv_dns_sockets_close(struct sv_dns *dns)
{
    for (size_t i = 0; i < SV_DNS_SOCKETS_MAX; i++) {
        if (dns->v4.sockets[i] != NULL)
            shut(&dns->v4, i);
        if (dns->v6.sockets[i] != NULL)
            shut(&dns->v6, i);
    }
}

static void join(struct sv_dns_socket *socket, struct sv_dns_exchange *exchange)
{
    exchange->socket = socket;
    exchange->stage = SV_DNS_ON_UDP;
    exchange->stage_previous = NULL;
    exchange->stage_next = socket->waiting;
    if (socket->waiting != NULL)
        socket->waiting->stage_previous = exchange;
    socket->waiting = exchange;
}

void sv_dns_sockets_leave(struct sv_dns_exchange *exchange)
{
    if (exchange->stage_previous != NULL)
        exchange->stage_previous->stage_next = exchange->stage_next;
    else
        exchange->socket->waiting = exchange->stage_next;
    if (exchange->stage_next != NULL)
        exchange->stage_next->stage_previous = exchange->stage_previous;
    exchange->socket = NULL;
    exchange->stage = SV_DNS_ON_NOTHING;
}

/* A datagram goes to the query it fits. One that fits nobody is held against all that wait here,
 * since it may have been meant for any of them (D3). */
static void on_datagram(struct sv_dns_socket *socket, const union sv_dns_address *from,
                        uint8_t *packet, size_t bytes)
{
    struct sv_dns_exchange *but_case = NULL;
    struct sv_dns_exchange *exchange, *next;

    for (exchange = socket->waiting; exchange != NULL; exchange = exchange->stage_next) {
        if (!sv_dns_address_equal(from, sv_dns_exchange_server(exchange)))
            continue;
        enum sv_dns_fit fit = sv_dns_packet_fits(packet, bytes, exchange->packet);
        if (fit == SV_DNS_FIT_EXACT || (fit == SV_DNS_FIT_BUT_CASE && !exchange->mixed)) {
            sv_dns_exchange_on_reply(exchange, packet, bytes);
            return;
        }
        if (fit == SV_DNS_FIT_BUT_CASE)
            but_case = exchange;
    }
    socket->dns->stats.mismatches++;
    if (but_case != NULL) {
        sv_dns_exchange_on_case(but_case);
        return;
    }
    for (exchange = socket->waiting; exchange != NULL; exchange = next) {
        next = exchange->stage_next; /* this one may leave the list now */
        sv_dns_exchange_on_mismatch(exchange);
    }
}

/* An ICMP error names the address that was asked, and carries the query back if the router was
 * generous (then its id must be right). */
static void on_icmp(struct sv_dns_socket *socket, const union sv_dns_address *asked,
                    const uint8_t *query, size_t bytes)
{
    struct sv_dns_exchange *exchange = socket->waiting;

    for (; exchange != NULL; exchange = exchange->stage_next) {
        if (!sv_dns_address_equal(asked, sv_dns_exchange_server(exchange)))
            continue;
        if (bytes >= 2 && memcmp(query, exchange->packet, 2) != 0)
            continue;
        sv_dns_exchange_on_failure(exchange, SV_DNS_NETWORK);
        return;
    }
}

static void drain_errors(struct sv_dns_socket *socket)
{
    uint8_t query[64];
    char control[512];

    for (unsigned i = 0; i < ERRORS_PER_TURN_MAX; i++) {
        union sv_dns_address asked = {0};
        struct iovec data = {.iov_base = query, .iov_len = sizeof(query)};
        struct msghdr message = {.msg_name = &asked,
                                 .msg_namelen = sizeof(asked),
                                 .msg_iov = &data,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof(control)};
        ssize_t n = recvmsg(socket->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
        if (n < 0)
            return;
        on_icmp(socket, &asked, query, (size_t)n);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct sv_dns_socket *socket = poll->data;
    struct sv_dns *dns = socket->dns;
    union sv_dns_address from = {0};
    socklen_t from_bytes = sizeof(from);
    ssize_t n;

    (void)events;
    if (status < 0) { /* libuv stops polling when the kernel has an error queued */
        (void)uv_poll_start(poll, UV_READABLE, on_readable);
        drain_errors(socket);
        return;
    }
    n = recvfrom(socket->fd, dns->in, sizeof(dns->in), MSG_DONTWAIT | MSG_TRUNC, &from.any,
                 &from_bytes);
    if (n < 0 && errno != EAGAIN)
        drain_errors(socket);
    if (n < 0)
        return;
    if ((size_t)n > sizeof(dns->in))
        dns->stats.mismatches++; /* larger than anything we said we could take */
    else
        on_datagram(socket, &from, dns->in, (size_t)n);
}

/* A new socket on a random port, or -1. */
static int open_port(int family)
{
    union sv_dns_address any = {.any = {.sa_family = (sa_family_t)family}};
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    int refused;

    if (fd < 0)
        return -1;
    if (family == AF_INET)
        refused = setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
    else
        refused = setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on)) |
                  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (refused == 0 && bind(fd, &any.any, sv_dns_address_bytes(&any)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* Closes an idle socket so that its descriptor can be had again. */
static bool make_room(struct sv_dns_pool *pool)
{
    for (size_t i = 0; i < SV_DNS_SOCKETS_MAX; i++) {
        if (pool->sockets[i] == NULL || pool->sockets[i]->waiting != NULL)
            continue;
        shut(pool, i);
        return true;
    }
    return false;
}

static struct sv_dns_socket *open_socket(struct sv_dns *dns, struct sv_dns_pool *pool)
{
    struct sv_dns_socket *socket;
    int fd = open_port(pool->family);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE) && make_room(pool))
        fd = open_port(pool->family);
    if (fd < 0)
        return NULL;
    socket = sv_alloc(1, sizeof(*socket));
    if (uv_poll_init(dns->loop, &socket->poll, fd) != 0) {
        (void)close(fd);
        free(socket);
        return NULL;
    }
    socket->dns = dns;
    socket->fd = fd;
    socket->poll.data = socket;
    dns->handles++;
    (void)uv_poll_start(&socket->poll, UV_READABLE, on_readable);
    uv_unref((uv_handle_t *)&socket->poll); /* the timer keeps the loop alive, a socket does not */
    pool->open++;
    dns->stats.sockets_opened++;
    return socket;
}

/* A random place whose socket is not worn out. One with fewer than its uses exists or can be made,
 * because there are fewer queries in flight than places. */
static struct sv_dns_socket *take(struct sv_dns *dns, struct sv_dns_pool *pool)
{
    size_t place = (size_t)sv_rand_below(dns->options.rand, SV_DNS_SOCKETS_MAX);

    for (size_t i = 0; i < SV_DNS_SOCKETS_MAX; i++) {
        struct sv_dns_socket *socket = pool->sockets[place];
        if (socket != NULL && socket->uses < SV_DNS_SOCKET_USES_MAX)
            return socket;
        if (socket == NULL || socket->waiting == NULL)
            break;
        place = (place + 1) % SV_DNS_SOCKETS_MAX;
    }
    if (pool->sockets[place] != NULL)
        shut(pool, place);
    pool->sockets[place] = open_socket(dns, pool);
    return pool->sockets[place];
}

/* Sends; an error that an earlier query left on the socket is not this one's. */
static bool send_packet(struct sv_dns_socket *socket, const struct sv_dns_exchange *exchange)
{
    const union sv_dns_address *to = sv_dns_exchange_server(exchange);

    for (unsigned i = 0; i < 2; i++) {
        ssize_t n = sendto(socket->fd, exchange->packet, exchange->packet_bytes,
                           MSG_DONTWAIT | MSG_NOSIGNAL, &to->any, sv_dns_address_bytes(to));
        if (n == (ssize_t)exchange->packet_bytes)
            return true;
        if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
            return true; /* as good as lost on the way: the timer sees to it */
    }
    return false;
}

/* An id that no other query on this socket has. */
static void set_id(struct sv_dns_socket *socket, struct sv_dns_exchange *exchange)
{
    const struct sv_dns_exchange *other;

    do {
        uint64_t dice = sv_rand_u64(exchange->dns->options.rand);
        exchange->packet[0] = (uint8_t)(dice >> 8);
        exchange->packet[1] = (uint8_t)dice;
        for (other = socket->waiting; other != NULL; other = other->stage_next)
            if (memcmp(other->packet, exchange->packet, 2) == 0)
                break;
    } while (other != NULL);
}

enum sv_dns_sent sv_dns_sockets_send(struct sv_dns_exchange *exchange)
{
    struct sv_dns *dns = exchange->dns;
    int family = sv_dns_exchange_server(exchange)->any.sa_family;
    struct sv_dns_socket *socket = take(dns, family == AF_INET ? &dns->v4 : &dns->v6);

    if (socket == NULL)
        return SV_DNS_NO_SOCKET;
    set_id(socket, exchange);
    socket->uses++;
    if (!send_packet(socket, exchange))
        return SV_DNS_NOT_SENT;
    join(socket, exchange);
    dns->stats.queries++;
    return SV_DNS_SENT;
}
