/* One DNS exchange with named servers on the loop: UDP with unpredictable ports and ids, TCP after
 * truncation, every reply matched in all fields before ldns sees it. Knows nothing of zones or of
 * what answers mean. */
#ifndef SV_DNS_H
#define SV_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <uv.h>

#include "sv/err.h"
#include "sv/rand.h"
#include "sv/rr.h"
#include "sv/time.h"

enum {
    SV_DNS_SERVERS_MAX = 16,
    SV_DNS_INFLIGHT_MAX = 512, /* queries in flight over the whole program */
    SV_DNS_IN_LINE_MAX = 1536, /* queries that wait until their server may be asked again */
    SV_DNS_PER_SERVER_MAX = 4, /* of those without recursion: in flight to one address */
    SV_DNS_PER_SERVER_S = 20,  /* and sent to it in any second (dns-auth section 2.3) */
    SV_DNS_MISMATCHES_MAX = 8, /* unfit replies to one query before it goes to TCP (D3) */
    SV_DNS_PACKET_BYTES_MAX = 65535,
    SV_DNS_EDNS_BYTES = 1232,
};

struct sv_dns_server {
    struct sockaddr_storage address; /* with its port */
};

/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53". SV_EINVALID otherwise. */
enum sv_err sv_dns_server_parse(const char *text, struct sv_dns_server *out,
                                struct sv_errinfo *info) __attribute__((warn_unused_result));

/* The nameservers of a resolv.conf file (NULL = /etc/resolv.conf), at most `max`. SV_ENOTFOUND when
 * there is none. */
enum sv_err sv_dns_servers_of_system(const char *path, struct sv_dns_server *out, size_t max,
                                     size_t *count, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

struct sv_dns;
struct sv_dns_query;
struct sv_metrics;

struct sv_dns_options {
    struct sv_rand *rand;         /* borrowed: ids, order, jitter */
    const struct sv_clock *clock; /* borrowed */
    struct sv_metrics *metrics;   /* borrowed; may be NULL */
    sv_ms try_ms;                 /* one UDP try; 0 = 1500 ms */
    sv_ms total_ms;               /* one query with all its tries; 0 = 6 s */
    unsigned tries_max;           /* 0 = 3 */
    unsigned per_server_max;      /* without recursion; 0 = SV_DNS_PER_SERVER_MAX */
    unsigned per_server_s;        /* without recursion; 0 = SV_DNS_PER_SERVER_S; at most 1000 */
};

struct sv_dns_ask {
    const struct sv_dns_question *question; /* copied */
    const struct sv_dns_server
        *servers;         /* tried in this order, then from the front again; copied */
    size_t servers_count; /* 1 .. SV_DNS_SERVERS_MAX */
    /* RD. Without it the servers are somebody's own, and asked politely: a query waits in line
     * until its server has few enough in flight and enough time has passed. Its deadline goes on;
     * when that passes in line, the answer is SV_DNS_TIMEOUT with server "": nobody was asked. */
    bool recursion;
    sv_ms total_ms; /* this query with all its tries; 0 = that of the options */
};

/* Always a complete answer object: what could not be found out is SV_DNS_UNKNOWN with its trouble
 * (a timeout is an answer, not an error). err is SV_OK, or SV_ECANCELED with answer NULL. The
 * answer is borrowed for the call. */
typedef void sv_dns_done_fn(struct sv_dns_query *query, enum sv_err err,
                            const struct sv_dns_answer *answer);
typedef void sv_dns_closed_fn(void *context);

struct sv_dns_query { /* embed it in your own struct */
    void *owner;      /* yours, untouched */
    /* private to sv_dns from here on */
    sv_dns_done_fn *done;
    struct sv_dns *dns;
    struct sv_dns_exchange *exchange;
};

/* Counters since the start, for metrics. */
struct sv_dns_stats {
    uint64_t queries;         /* over UDP, repeated ones included */
    uint64_t tcp_queries;     /* over TCP, repeated ones included */
    uint64_t tcp_connections; /* begun */
    uint64_t timeouts;        /* tries that ended in silence */
    uint64_t mismatches;      /* datagrams and messages dropped because they fit no query */
    uint64_t malformed;       /* replies that fit, and were broken */
    uint64_t waits;           /* queries that stood in line for their server */
    uint64_t sockets_opened, sockets_open;
};

/* Borrows the loop. The process must ignore SIGPIPE, which libuv leaves to it: a server may end a
 * TCP connection that is being written to. */
struct sv_dns *sv_dns_new(uv_loop_t *loop, const struct sv_dns_options *options);

/* Errors: SV_EINVALID (name not sendable, no servers), SV_EBUSY (in-flight limit, or that of those
 * in line), SV_ESYSTEM (no
 * socket). */
enum sv_err sv_dns_start(struct sv_dns *dns, struct sv_dns_query *query,
                         const struct sv_dns_ask *ask, sv_dns_done_fn *done,
                         struct sv_errinfo *info) __attribute__((warn_unused_result));
void sv_dns_cancel(struct sv_dns_query *query);
void sv_dns_stats(const struct sv_dns *dns, struct sv_dns_stats *out);
void sv_dns_close(struct sv_dns *dns, sv_dns_closed_fn *closed, void *context);

/* The pure part, fuzzed by itself. Checks `packet` as hostile bytes before and after ldns (D4-D6),
 * follows the alias chain from the question, and fills `out` with an answer whose memory the caller
 * frees by sv_dns_answer_free. SV_EMALFORMED tells what is wrong. Id, addresses and the question
 * are the caller's to match (sv_dns_packet_fits). */
enum sv_err sv_dns_packet_read(const uint8_t *packet, size_t bytes,
                               const struct sv_dns_question *question, struct sv_dns_answer **out,
                               struct sv_errinfo *info) __attribute__((warn_unused_result));

/* Writes a query packet; returns its size, 0 when the name cannot be sent. `edns` adds an OPT
 * record of 1232 bytes. */
size_t sv_dns_packet_write(uint8_t out[512], uint16_t id, const struct sv_dns_question *question,
                           bool recursion, bool edns);

enum sv_dns_fit {
    SV_DNS_FIT_NONE,
    SV_DNS_FIT_BUT_CASE, /* everything but the case of letters in the name (0x20) */
    SV_DNS_FIT_EXACT,
};

/* Whether `packet` replies to `query`, a packet of sv_dns_packet_write, as far as its octets tell:
 * id, QR, opcode, exactly one question, its name, type and class (RFC 5452 section 9.1). The
 * addresses are the caller's to compare. */
enum sv_dns_fit sv_dns_packet_fits(const uint8_t *packet, size_t bytes, const uint8_t *query);

#endif
