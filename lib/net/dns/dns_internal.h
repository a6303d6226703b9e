/* What the files of this folder share: the query under way and the sockets it uses.
 *
 *   dns.c       the handle: start, cancel, close, the timer, delivery
 *   exchange.c  the way of one query over its servers: tries, replies, verdicts
 *   sockets.c   the pool of UDP sockets
 *   tcp.c       the connections for what UDP cannot carry
 *   peers.c     what is known of each server address
 *   line.c      the lines before servers that are asked politely
 *   address.c   addresses: compared, hashed, written */
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
    SV_DNS_TCP_CHAINS = 64,
    SV_DNS_UDP_BYTES = 4096, /* larger than any datagram we invite */
    SV_DNS_QUERY_BYTES = 512,
    SV_DNS_PEERS_MAX = 4096, /* addresses remembered; more than there can be queries */
    SV_DNS_PEER_CHAINS = 2048,
    SV_DNS_KEY_BYTES = 18, /* a port and an address */
    SV_DNS_CLIENT_COOKIE_BYTES = 8,
    SV_DNS_COOKIE_BYTES_MAX = 40, /* RFC 7873 section 4 */
};

/* Smaller than sockaddr_storage, because every query holds up to 16 of them. */
union sv_dns_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* What a server was found to break on; bits. */
enum sv_dns_habit {
    SV_DNS_NO_EDNS = 1u << 0,
    SV_DNS_NO_MIXING = 1u << 1,
    SV_DNS_NO_COOKIE = 1u << 2,
    SV_DNS_ONE_EACH = 1u << 3, /* it ends a connection after one reply */
};

/* What is known of one server address. */
struct sv_dns_peer {
    union sv_dns_address address;
    struct sv_dns_peer *chain;         /* of the same hash */
    struct sv_dns_peer *newer, *older; /* by last use */
    unsigned users;                    /* exchanges and connections: it keeps its place */
    struct sv_dns_tcp *tcp;            /* that others may join; or NULL */
    unsigned in_flight;                /* without recursion */
    sv_ms free_at; /* when all that was sent has been paid for; monotonic, without recursion */
    bool serving;
    struct sv_dns_exchange *line_first, *line_last; /* oldest first */
    unsigned line_count;
    bool measured;
    uint32_t mean;    /* of its answering time, in eighths of a millisecond */
    sv_ms edns_until; /* monotonic; until then it is known to answer queries with EDNS */
    uint8_t cookie_bytes, edns_doubts;
    uint8_t cookie[SV_DNS_COOKIE_BYTES_MAX]; /* ours, then the server's */
    unsigned habits;                         /* enum sv_dns_habit */
    sv_ms habits_until;                      /* monotonic */
};

struct sv_dns_peers {
    uint8_t secret[32];
    uint64_t hash_start;
    size_t count;
    struct sv_dns_peer *newest, *oldest;
    struct sv_dns_peer *chains[SV_DNS_PEER_CHAINS];
};

enum sv_dns_stage {
    SV_DNS_ON_NOTHING,
    SV_DNS_IN_LINE, /* until its server may be asked again */
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
    size_t servers_count, server; /* `server` is the one being asked */
    uint32_t spent;               /* bit per server: it answered, and not usably */
    uint32_t silent;              /* bit per server: it did not answer a query with EDNS */

    struct sv_dns_peer *peer; /* of the server being asked; NULL while there is none */
    bool counted;             /* in the peer's in_flight */

    bool edns, mixed, cookie; /* of the query being sent */
    bool never_mixed;         /* a reply came that had only the case of letters wrong */
    bool truncated;           /* a reply had TC */
    bool bad_cookie;          /* this server has refused our cookie once */
    bool cookie_missing;      /* a reply was dropped for want of the cookie that used to come */
    unsigned tries, mismatches, tcp_again;
    sv_ms started_at, sent_at, ends_at; /* monotonic */
    struct sv_heap_node due;
    struct sv_dns_socket *socket;
    struct sv_dns_tcp *tcp;
    size_t packet_bytes;
    uint8_t packet[SV_DNS_QUERY_BYTES]; /* the query as sent */

    enum sv_err status;
    struct sv_dns_answer *answer;  /* NULL: `failure` is the answer */
    struct sv_dns_answer *failure; /* the most telling one so far; NULL = there was none */
    union sv_dns_address *servers; /* `servers_count`, in the same block as this */
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

/* One connection to one address. */
struct sv_dns_tcp {
    uv_tcp_t handle;
    uv_connect_t connect;
    uv_timer_t idle;
    unsigned handles; /* not yet closed */
    struct sv_dns *dns;
    struct sv_dns_peer *peer;
    struct sv_dns_tcp *next, *previous;
    struct sv_dns_exchange *by_id[SV_DNS_TCP_CHAINS]; /* those who wait for a reply */
    const struct sv_dns_exchange *replied;            /* the one whose reply is being looked at */
    size_t waiting, asked, answered;
    size_t strays; /* asked here, left without a reply: it may still come */
    sv_ms heard_at;
    bool connected, closing, reading;
    bool shared; /* others may join */
    struct sv_buf in;
};

struct sv_dns {
    uv_loop_t *loop;
    struct sv_dns_options options;
    uv_timer_t timer;
    uv_idle_t turn; /* active while answers wait for delivery */
    sv_ms timer_at; /* 0: not running */
    struct sv_heap due;

    struct sv_dns_exchange *all;
    size_t in_flight; /* those in line included */
    size_t in_line;
    struct sv_dns_exchange *finished_first, *finished_last;
    struct sv_dns_exchange *tcp_first, *tcp_last; /* before TCP, oldest first */
    struct sv_dns_tcp *tcp_all;                   /* but those that are closing */
    size_t tcp_open;
    size_t handles; /* not yet closed */

    struct sv_dns_pool v4, v6;
    struct sv_dns_peers peers;
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

/* Counts a query that has ended. */
void sv_dns_measure(const struct sv_dns_exchange *exchange);

/* exchange.c; each may finish the exchange, never deliver it */
enum sv_err sv_dns_exchange_begin(struct sv_dns_exchange *exchange, struct sv_errinfo *info);
void sv_dns_exchange_on_timer(struct sv_dns_exchange *exchange);
void sv_dns_exchange_on_reply(struct sv_dns_exchange *exchange, uint8_t *packet, size_t bytes);
void sv_dns_exchange_on_case(struct sv_dns_exchange *exchange);
void sv_dns_exchange_on_mismatch(struct sv_dns_exchange *exchange);
void sv_dns_exchange_on_failure(struct sv_dns_exchange *exchange, enum sv_dns_trouble trouble);
void sv_dns_exchange_stop(struct sv_dns_exchange *exchange); /* leaves socket, connection, timer */
const union sv_dns_address *sv_dns_exchange_server(const struct sv_dns_exchange *exchange);

void sv_dns_exchange_on_turn(struct sv_dns_exchange *exchange); /* its server may be asked */

/* line.c */
bool sv_dns_line_pass(struct sv_dns_exchange *exchange); /* or else it stands in line now */
sv_ms sv_dns_line_ends_at(const struct sv_dns_exchange *exchange); /* then it is too late to ask */
void sv_dns_line_leave(struct sv_dns_exchange *exchange);
void sv_dns_line_serve(struct sv_dns *dns, struct sv_dns_peer *peer);
void sv_dns_line_pay(struct sv_dns_exchange *exchange); /* for one packet that was sent */

/* sockets.c */
enum sv_dns_sent { SV_DNS_SENT, SV_DNS_NOT_SENT, SV_DNS_NO_SOCKET };
void sv_dns_sockets_init(struct sv_dns *dns);
void sv_dns_sockets_close(struct sv_dns *dns);
enum sv_dns_sent sv_dns_sockets_send(struct sv_dns_exchange *exchange);
void sv_dns_sockets_leave(struct sv_dns_exchange *exchange);

/* tcp.c */
void sv_dns_tcp_ask(struct sv_dns_exchange *exchange);
void sv_dns_tcp_leave(struct sv_dns_exchange *exchange);
void sv_dns_tcp_on_silence(struct sv_dns_exchange *exchange); /* its deadline has passed */
void sv_dns_tcp_close(struct sv_dns *dns);

/* address.c */
bool sv_dns_address_equal(const union sv_dns_address *a, const union sv_dns_address *b);
socklen_t sv_dns_address_bytes(const union sv_dns_address *address);
size_t sv_dns_address_key(const union sv_dns_address *address, uint8_t out[SV_DNS_KEY_BYTES]);
void sv_dns_address_text(const union sv_dns_address *address, char out[SV_DNS_SERVER_BYTES]);

/* peers.c */
enum sv_dns_cookie_fit {
    SV_DNS_COOKIE_FITS,
    SV_DNS_COOKIE_WRONG,
    SV_DNS_COOKIE_MISSING, /* it used to come; over UDP that smells of somebody else */
};
void sv_dns_peers_init(struct sv_dns *dns);
void sv_dns_peers_fini(struct sv_dns *dns);
void sv_dns_peer_join(struct sv_dns_exchange *exchange); /* the one of the server picked */
void sv_dns_peer_leave(struct sv_dns_exchange *exchange);
unsigned sv_dns_peer_habits(const struct sv_dns *dns, const struct sv_dns_peer *peer);
void sv_dns_peer_learn(const struct sv_dns *dns, struct sv_dns_peer *peer, unsigned habit);
void sv_dns_peer_on_edns(const struct sv_dns *dns, struct sv_dns_peer *peer, bool edns);
bool sv_dns_peer_knows_edns(const struct sv_dns *dns, const struct sv_dns_peer *peer);
sv_ms sv_dns_peer_try_ms(const struct sv_dns *dns, const struct sv_dns_peer *peer);
void sv_dns_peer_on_rtt(struct sv_dns_peer *peer, uint32_t rtt_ms);
void sv_dns_peer_on_silence(const struct sv_dns *dns, struct sv_dns_peer *peer);
bool sv_dns_peer_has_cookie(const struct sv_dns_peer *peer); /* one of the server's */
/* `bytes` is 0 when the reply had none. Keeps what the server gave. */
enum sv_dns_cookie_fit sv_dns_peer_on_cookie(struct sv_dns_peer *peer, const uint8_t *cookie,
                                             size_t bytes, bool over_tcp);

/* packet.c: adds the option to a query that ends in its OPT record; returns the new size. */
size_t sv_dns_packet_add_cookie(uint8_t *packet, size_t packet_bytes, const uint8_t *cookie,
                                size_t bytes);

#endif
