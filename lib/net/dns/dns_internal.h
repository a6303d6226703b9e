/* What the files of this folder share: the query under way and the sockets it uses.
 *
 *   dns.c       the handle: start, cancel, close, the timer, delivery
 *   exchange.c  the way of one query over its servers: tries, replies, verdicts
 *   sockets.c   the pool of UDP sockets
 *   tcp.c       the connections for what UDP cannot carry
 *   memory.c    what the servers were found to break on */
#ifndef SV_DNS_INTERNAL_H
#define SV_DNS_INTERNAL_H

#include <netinet/in.h>
#include <uv.h>

#include "sv/buf.h"
#include "sv/dns.h"
#include "sv/heap.h"

enum {
    SV_DNS_SOCKETS_MAX = 1024,    /* a power of two: 10 bits of port, 16 bits of id */
    SV_DNS_SOCKET_USES_MAX = 256, /* queries before a socket is replaced */
    SV_DNS_TCP_MAX = 64,          /* connections at a time; each may hold a reply of 64 KiB */
    SV_DNS_UDP_BYTES = 4096,      /* larger than any datagram we invite */
    SV_DNS_QUERY_BYTES = 512,
    SV_DNS_MEMORY_PLACES = 64,
};

/* Smaller than sockaddr_storage, because every query holds up to 16 of them. */
union sv_dns_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

enum sv_dns_stage {
    SV_DNS_ON_NOTHING,
    SV_DNS_ON_UDP,
    SV_DNS_BEFORE_TCP, /* waits for a free connection */
    SV_DNS_ON_TCP,
    SV_DNS_FINISHED,
};

struct sv_dns_exchange {
    struct sv_dns *dns;
    struct sv_dns_query *query;
    struct sv_dns_exchange *next, *previous;             /* all of them */
    struct sv_dns_exchange *stage_next, *stage_previous; /* on the socket, or before TCP */
    struct sv_dns_exchange *finished_next;
    enum sv_dns_stage stage;

    struct sv_dns_question question;
    bool recursion;
    union sv_dns_address servers[SV_DNS_SERVERS_MAX];
    size_t servers_count, server; /* `server` is the one being asked */
    uint32_t spent;               /* bit per server: it answered, and not usably */
    uint32_t silent;              /* bit per server: it did not answer a query with EDNS */

    bool edns, mixed; /* of the query being sent */
    bool never_mixed; /* a reply came that had only the case of letters wrong */
    bool truncated;   /* a reply had TC */
    unsigned tries, mismatches;
    sv_ms started_at, sent_at, ends_at; /* monotonic */
    struct sv_heap_node due;
    struct sv_dns_socket *socket;
    struct sv_dns_tcp *tcp;
    size_t packet_bytes;
    uint8_t packet[SV_DNS_QUERY_BYTES]; /* the query as sent */

    enum sv_err status;
    struct sv_dns_answer *answer; /* NULL: `failure` is the answer */
    struct sv_dns_answer failure; /* the most telling one so far */
};

struct sv_dns_socket {
    uv_poll_t poll;
    struct sv_dns *dns;
    struct sv_dns_exchange *waiting;
    int fd;
    unsigned uses;
};

struct sv_dns_pool {
    int family;
    size_t open;
    struct sv_dns_socket *sockets[SV_DNS_SOCKETS_MAX];
};

/* One connection for one query. */
struct sv_dns_tcp {
    uv_tcp_t handle;
    uv_connect_t connect;
    uv_write_t write;
    struct sv_dns *dns;
    struct sv_dns_exchange *exchange; /* NULL once it is closing */
    struct sv_buf in;
    uint8_t out[2 + SV_DNS_QUERY_BYTES];
};

/* What a server was found to break on, for a while. */
struct sv_dns_habit {
    union sv_dns_address address;
    sv_ms until; /* monotonic */
    bool no_edns, no_mixing;
};

struct sv_dns {
    uv_loop_t *loop;
    struct sv_dns_options options;
    uv_timer_t timer;
    uv_idle_t turn; /* active while answers wait for delivery */
    sv_ms timer_at; /* 0: not running */
    struct sv_heap due;

    struct sv_dns_exchange *all;
    size_t in_flight;
    struct sv_dns_exchange *finished_first, *finished_last;
    struct sv_dns_exchange *tcp_first, *tcp_last; /* before TCP, oldest first */
    size_t tcp_open;
    size_t handles; /* not yet closed */

    struct sv_dns_pool v4, v6;
    size_t habits_count;
    struct sv_dns_habit habits[SV_DNS_MEMORY_PLACES];
    struct sv_dns_stats stats;

    bool closing;
    sv_dns_closed_fn *closed;
    void *closed_context;
    uint8_t in[SV_DNS_UDP_BYTES]; /* the datagram being looked at */
};

/* dns.c */
sv_ms sv_dns_now(const struct sv_dns *dns);
void sv_dns_wait(struct sv_dns_exchange *exchange, sv_ms until); /* for a reply, or the timer */
void sv_dns_deliver(struct sv_dns_exchange *exchange);           /* in the next turn */
void sv_dns_on_closed(uv_handle_t *handle); /* close callback of a handle whose data is the dns */
void sv_dns_handle_gone(struct sv_dns *dns);

/* exchange.c; each may finish the exchange, never deliver it */
enum sv_err sv_dns_exchange_begin(struct sv_dns_exchange *exchange, struct sv_errinfo *info);
void sv_dns_exchange_on_timer(struct sv_dns_exchange *exchange);
void sv_dns_exchange_on_reply(struct sv_dns_exchange *exchange, uint8_t *packet, size_t bytes);
void sv_dns_exchange_on_case(struct sv_dns_exchange *exchange);
void sv_dns_exchange_on_mismatch(struct sv_dns_exchange *exchange);
void sv_dns_exchange_on_failure(struct sv_dns_exchange *exchange, enum sv_dns_trouble trouble);
void sv_dns_exchange_stop(struct sv_dns_exchange *exchange); /* leaves socket, connection, timer */
const union sv_dns_address *sv_dns_exchange_server(const struct sv_dns_exchange *exchange);

/* sockets.c */
enum sv_dns_sent { SV_DNS_SENT, SV_DNS_NOT_SENT, SV_DNS_NO_SOCKET };
void sv_dns_sockets_init(struct sv_dns *dns);
void sv_dns_sockets_close(struct sv_dns *dns);
enum sv_dns_sent sv_dns_sockets_send(struct sv_dns_exchange *exchange);
void sv_dns_sockets_leave(struct sv_dns_exchange *exchange);

/* tcp.c */
void sv_dns_tcp_ask(struct sv_dns_exchange *exchange);
void sv_dns_tcp_leave(struct sv_dns_exchange *exchange);

/* memory.c */
bool sv_dns_address_equal(const union sv_dns_address *a, const union sv_dns_address *b);
socklen_t sv_dns_address_bytes(const union sv_dns_address *address);
void sv_dns_address_text(const union sv_dns_address *address, char out[SV_DNS_SERVER_BYTES]);
const struct sv_dns_habit *sv_dns_habit_find(const struct sv_dns *dns,
                                             const union sv_dns_address *address);
struct sv_dns_habit *sv_dns_habit_learn(struct sv_dns *dns, const union sv_dns_address *address);

#endif
