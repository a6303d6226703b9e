/* A DNS server on loopback that misbehaves by script: one step for each UDP query it gets, the last
 * step for all that follow. It lives on the loop of the test. */
#ifndef SV_TEST_SCRIPT_H
#define SV_TEST_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "reply.h"
#include "sv/dns.h"

enum step {
    STEP_END, /* of a script: the step before is repeated */
    STEP_ANSWER,
    STEP_SILENT,
    STEP_LATE,      /* silent, until the next query comes: then the answer goes out first */
    STEP_DUPLICATE, /* the answer twice */
    STEP_WRONG_ID,
    STEP_WRONG_PORT, /* the right answer from another port */
    STEP_WRONG_NAME,
    STEP_WRONG_TYPE,
    STEP_WRONG_OPCODE,
    STEP_ECHO, /* the query itself */
    STEP_TWO_QUESTIONS,
    STEP_LOWER_CASE,  /* right but for the case of letters */
    STEP_SEVEN_WRONG, /* seven with wrong ids, then the right one */
    STEP_NINE_WRONG,  /* nine with wrong ids, then nothing */
    STEP_NXDOMAIN,
    STEP_NODATA,
    STEP_ALIAS, /* to "target.example", with its text */
    STEP_SERVFAIL,
    STEP_REFUSED,
    STEP_REFERRAL,
    STEP_NO_AUTHORITY,    /* the answer without AA */
    STEP_FORMERR,         /* always */
    STEP_FORMERR_TO_EDNS, /* an answer to queries without */
    STEP_NOTIMP_TO_EDNS,
    STEP_BADVERS_TO_EDNS,
    STEP_SILENT_TO_EDNS,
    STEP_COOKIE,         /* the answer with a server cookie */
    STEP_WRONG_COOKIE,   /* the answer with somebody else's client cookie */
    STEP_BADCOOKIE,      /* unless the server cookie is right */
    STEP_BADCOOKIE_EVER, /* whatever comes */
    STEP_FORMERR_TO_COOKIE,
    STEP_TRUNCATED,
    STEP_GARBAGE,
    STEP_EMPTY,
    STEP_MALFORMED, /* fits the question, breaks in the records */
    STEP_HUGE,      /* larger than anybody asked for */
};

enum over_tcp {
    OVER_TCP_ANSWER, /* in pieces of one octet */
    OVER_TCP_REFUSE, /* nobody listens */
    OVER_TCP_SLOW,   /* one octet, then nothing */
    OVER_TCP_CUT,    /* half of it, then the end */
    OVER_TCP_CLOSE,  /* nothing, then the end */
    OVER_TCP_WRONG_ID,
    OVER_TCP_TRUNCATED,
    OVER_TCP_SERVFAIL,
    OVER_TCP_PLAIN,     /* the answer in one piece */
    OVER_TCP_300,       /* 300 TXT records */
    OVER_TCP_BACKWARDS, /* those of eight queries, the last one first */
    OVER_TCP_ONE,       /* the answer to the first query, then the end */
};

enum { SCRIPT_STEPS_MAX = 8, SCRIPT_CLIENTS_MAX = 512, SCRIPT_BACKWARDS = 8 };

struct script_client {
    uv_tcp_t tcp; /* first */
    size_t len, queries;
    uint8_t in[2048];   /* a part of a query, if any */
    struct reply *held; /* for OVER_TCP_BACKWARDS */
};

struct script {
    enum step steps[SCRIPT_STEPS_MAX];
    enum over_tcp tcp;
    const char *text;                               /* of its TXT record */
    bool v6;                                        /* on ::1 */
    void (*mangle)(struct reply *r, void *context); /* what is done to UDP replies at last */
    void *mangle_context;
    /* what it saw */
    size_t asked, asked_with_edns, asked_with_cookie, tcp_asked;
    uint8_t last_cookie[40];
    size_t last_cookie_bytes;
    size_t tcp_open, tcp_open_most;
    char last_name[SV_NAME_BYTES]; /* as it came */
    unsigned last_port, last_id;
    /* private */
    uv_udp_t udp, other;
    uv_tcp_t listener;
    struct script_client *clients[SCRIPT_CLIENTS_MAX];
    size_t clients_count;
    bool listening;
    uint8_t in[1024];
    size_t in_bytes;
    struct reply late;
    struct sockaddr_storage late_to;
    struct sv_dns_server server; /* its address, for the one who asks */
};

/* Opens it on a free port; `script` has its steps set and lives until the loop has closed it. */
void script_open(struct script *script, uv_loop_t *loop);
void script_close(struct script *script);

/* Ends the connections it has, as a server does with idle ones. */
void script_end_clients(struct script *script);

#endif
