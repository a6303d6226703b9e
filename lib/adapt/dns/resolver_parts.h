/* What the files of this folder share.
 *
 *   dns_resolver.c  lookups, and the flights they wait for
 *   flights.c       questions under way, found by what they ask
 *   plain.c         a question to resolvers, one after the other, through the memory of answers
 *   ask.c           a question to resolvers, and why they fail
 *   owned.c         a question to the zone's own servers and to all resolvers
 *   owned_former.c  servers named as those the zone had before
 *   owned_resolvers.c  whether and what resolvers are asked for it
 *   report.c        the report of an owned question, from what was answered
 *   nodes.c         the tree of names walked down, node_step.c one step of it
 *   answers.c       the memory of answers
 *   line.c          the way to sv_dns
 *   address.c       addresses of servers
 *   system.c        the system's list of resolvers, when it changes */
#ifndef SV_RESOLVER_PARTS_H
#define SV_RESOLVER_PARTS_H

#include "answers.h"
#include "flights.h"
#include "line.h"
#include "nodes.h"
#include "sv/dns_resolver.h"
#include "sv/heap.h"

struct sv_views_resolver {
    struct sv_resolver base; /* first */
    uv_loop_t *loop;
    const struct sv_clock *clock; /* NULL: the loop's */
    struct sv_log *log;
    struct sv_rand rand;
    struct sv_dns_server servers[SV_DNS_SERVERS_MAX]; /* the resolvers */
    size_t servers_count, rotation;
    struct sv_dns_server former[SV_VIEWS_FORMER_MAX];
    size_t former_count;
    sv_ms former_silent_until[SV_VIEWS_FORMER_MAX]; /* of the loop's clock */
    unsigned lookups_max, lookups_count;
    struct sv_dns_line line;
    struct sv_flights flights;
    struct sv_flight *ready, *ready_last;       /* to land in the next turn, oldest first */
    struct sv_lookup *canceled, *canceled_last; /* to be told in the next turn, oldest first */
    struct sv_flight *flights_all;              /* not freed yet */
    uv_idle_t turn;                             /* active while somebody is to be told */

    struct sv_answers answers;
    bool authority, allow_private;
    uint16_t authority_port;
    struct sv_nodes nodes;
    sv_ms heard_until;  /* an authority was heard, so port 53 is open */
    sv_ms closed_until; /* port 53 is closed; when to try again */
    bool closed;
    sv_ms total_ms, try_ms;
    struct sv_heap due; /* deadlines of owned questions */
    uv_timer_t timer;
    struct sv_system_list *system; /* NULL: the list never changes */

    unsigned handles;
    bool closing, shut;
    sv_resolver_closed_fn *closed_fn;
    void *closed_context;
};

static inline sv_ms sv_resolver_now(const struct sv_views_resolver *r)
{
    return r->clock != NULL ? r->clock->monotonic(r->clock->context) : (sv_ms)uv_now(r->loop);
}

/* dns_resolver.c */

/* Its answer or report is complete; it lands in the next turn. */
void sv_flight_ready(struct sv_flight *flight);
/* Frees a flight that was called off, once nothing of it is under way any more. */
void sv_flight_free_if_idle(struct sv_flight *flight);
/* Starts a lookup for this folder's own use. `from` is the flight that follows an alias with it and
 * outlives it; such lookups share no flight. Else NULL. */
enum sv_err sv_lookup_start_inside(struct sv_views_resolver *r, struct sv_lookup *lookup,
                                   struct sv_flight *from, sv_lookup_done_fn *done);
void sv_resolver_arm(struct sv_views_resolver *r);
/* An authority was asked: was it heard? */
void sv_resolver_hear(struct sv_views_resolver *r, const struct sv_dns_answer *answer);

/* ask.c */

struct sv_ask;

/* err is SV_OK with ask->answer, which is its owner's, or SV_ECANCELED without. */
typedef void sv_ask_done_fn(struct sv_ask *ask, enum sv_err err);

struct sv_ask { /* one question to resolvers; zeroed before its first use */
    void *owner;
    struct sv_errand errand; /* `servers`, `count` and `from` are its owner's to set */
    struct sv_dns_answer *answer;
    /* private from here on */
    struct sv_views_resolver *resolver;
    sv_ask_done_fn *done;
    struct sv_dns_server server; /* the one asked again */
    bool stopped;
};

void sv_ask_start(struct sv_views_resolver *r, struct sv_ask *ask,
                  const struct sv_dns_question *question, sv_ask_done_fn *done);
/* Ends soon, with what is known by then. */
void sv_ask_cancel(struct sv_ask *ask);

/* plain.c */

struct sv_plain {
    struct sv_ask ask;
};

/* Finds an answer in memory, or asks. */
void sv_plain_start(struct sv_flight *flight);
void sv_plain_stop(struct sv_flight *flight);
bool sv_plain_is_idle(const struct sv_flight *flight);
void sv_plain_free(struct sv_flight *flight);

/* owned.c */

struct sv_owned_server {
    struct sv_owned *owned;
    struct sv_errand errand;
    size_t at; /* among the addresses of the node */
    struct sv_dns_answer *answer;
    uint32_t serial;
};

struct sv_owned_former {
    struct sv_owned *owned;
    size_t at;
    struct sv_errand errand;
    struct sv_dns_answer *answer;
};

struct sv_owned_resolver {
    struct sv_owned *owned;
    struct sv_ask ask;
    struct sv_dns_server server; /* as asked; the list may change meanwhile */
};

enum {
    SV_OWNED_RESOLVERS_MAX = 3,
    /* Queries of one owned question to zones' own servers, and look-ups of the addresses of servers
     * it was referred to; aliases included. Zones choose how many servers, referrals and aliases
     * there are and where they point, so this is what bounds the harm done with us. */
    SV_OWNED_ASKS_MAX = 64,
};

enum sv_owned_stage {
    SV_OWNED_WALK,    /* looks for the zone */
    SV_OWNED_SERVERS, /* its servers are being asked */
    SV_OWNED_ALIAS,   /* what the alias they told points to */
    SV_OWNED_SERIALS, /* they differ: how old is what each has? */
    SV_OWNED_DETAILS, /* what both sides say of the delegation */
    SV_OWNED_TOLD,    /* the authoritative side has no more to say */
};

struct sv_owned {
    struct sv_flight *flight;
    struct sv_views_resolver *resolver;
    enum sv_owned_stage stage;
    sv_ms began_at, authority_ends_at, ends_at; /* of the loop's clock */
    struct sv_heap_node due;
    struct sv_node *node; /* pinned; NULL: the authoritative side is not asked */
    struct sv_node_waiter waiter;
    unsigned moves;                      /* referrals followed */
    unsigned asks_left_here, *asks_left; /* the latter: of the question it all began with */
    size_t servers_count, servers_open;
    struct sv_owned_server *servers;
    struct sv_lookup alias;
    bool alias_open;
    bool authority_stopped, resolvers_stopped; /* their time was up */
    bool closed, withheld, resolvers_asked;
    size_t resolvers_count, resolvers_open;
    struct sv_owned_resolver *resolvers; /* NULL until they are asked */
    size_t former_count, former_open;
    bool former_stopped;
    struct sv_owned_former *former; /* NULL where none was named */
    struct sv_views_report *report;
};

void sv_owned_start(struct sv_flight *flight);
void sv_owned_stop(struct sv_flight *flight);
bool sv_owned_is_idle(const struct sv_flight *flight);
void sv_owned_on_deadline(struct sv_owned *owned);
void sv_owned_step(struct sv_owned *owned);
void sv_owned_set_due(struct sv_owned *owned);
/* True when nobody waits for it any more; then it may be gone. */
bool sv_owned_is_called_off(struct sv_owned *owned);

static inline bool sv_answer_is_usable(const struct sv_dns_answer *answer)
{
    return answer != NULL && answer->outcome != SV_DNS_UNKNOWN;
}

/* owned_former.c */

void sv_owned_ask_former(struct sv_owned *owned);
void sv_owned_stop_former(struct sv_owned *owned);
void sv_owned_forget_former(struct sv_owned *owned);

/* owned_resolvers.c */

/* Asks the resolvers as soon as that does no harm, or withholds the question from them. */
void sv_owned_consider_resolvers(struct sv_owned *owned);
void sv_owned_free(struct sv_flight *flight);

/* report.c */

/* Built once the question is answered; lives as long as `owned`. */
const struct sv_dns_views *sv_views_report_make(struct sv_owned *owned);
void sv_views_report_free(struct sv_views_report *report);
/* Whether two usable answers tell different things. */
bool sv_answers_differ(const struct sv_dns_answer *a, const struct sv_dns_answer *b);
/* The answer that ends in an alias, continued by what the alias points to; owned by the caller. */
struct sv_dns_answer *sv_answers_join(const struct sv_dns_answer *alias,
                                      const struct sv_dns_answer *target);
/* An answer in place of one that did not come; `server` is who is to blame, NULL for nobody. */
struct sv_dns_answer *sv_answer_of_trouble(const struct sv_dns_question *question,
                                           enum sv_dns_trouble trouble,
                                           const struct sv_dns_server *server);

/* system.c */
struct sv_system_list *sv_system_list_new(struct sv_views_resolver *r, const char *path,
                                          sv_ms every_ms);
void sv_system_list_close(struct sv_system_list *list, uv_close_cb closed);

#endif
