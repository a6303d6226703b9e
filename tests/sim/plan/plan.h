/* The planner's simulator: accounts full of identities, workers that claim what is due, gates
 * behind the shared limiter, SES and DNS as the clients make them. Virtual time, one seed, integers
 * only: the same numbers on every machine. What the worker links, it links too: sv_planner,
 * sv_gcra, sv_sweep and the status machine with its schedule. */
#ifndef TEST_SIM_PLAN_H
#define TEST_SIM_PLAN_H

#include <stdio.h>

#include "sv/gcra.h"
#include "sv/heap.h"
#include "sv/planner.h"
#include "sv/policy.h"
#include "sv/rand.h"
#include "sv/sweep.h"

/* What the calls are for, each with a limiter of its own. */
enum plan_call {
    CALL_IDENTITIES,
    CALL_DKIM,
    CALL_MAIL_FROM,
    CALL_RESTART,
    CALL_CREATE,
    CALL_LIST,
    CALL_COUNT
};

struct plan_options {
    uint64_t seed;
    unsigned accounts, identities, workers, days, inflight_max;
    unsigned big; /* identities of each account's one large client */
    sv_ms interval_ms, sweep_every_ms;
};

/* ---- histograms ---- */

enum { HISTOGRAM_BUCKETS = 4096 };

struct histogram {
    sv_ms unit_ms;
    uint64_t buckets[HISTOGRAM_BUCKETS]; /* the last one holds everything above */
    uint64_t count;
    sv_ms worst_ms;
};

void histogram_add(struct histogram *histogram, sv_ms value_ms);
/* The upper end of the bucket in which this share of the values ends. */
sv_ms histogram_at(const struct histogram *histogram, unsigned permille);

/* ---- one identity: the truth at SES and in DNS, and what we know ---- */

/* What became of an identity at SES, for detection times. */
enum plan_change {
    CHANGE_SUCCESS, /* SES found the records */
    CHANGE_LOSS,    /* a verified one does not succeed any more */
    CHANGE_GONE,    /* deleted behind our back */
    CHANGE_GAVE_UP, /* SES stopped looking */
    CHANGE_COUNT
};

struct client;
struct check;

struct ident {
    struct sv_domain domain; /* what we know */
    struct client *client;
    struct check *check; /* under way; NULL = waits */
    bool urgent;         /* which of its client's heaps it waits in */
    bool looked;         /* at least once */
    bool asked;          /* a job wants it looked at */
    bool wants_mail_from;
    struct sv_heap_node due;
    sv_ms hurried_at; /* a sweep brought it forward; 0 = not */
    /* the truth */
    enum sv_axis axis;
    bool records, flaps;
    uint64_t dice;
    sv_ms flips_at, ses_at, deleted_at; /* what happens next, 0 = nothing */
    sv_ms changed_at;                   /* a change nobody has seen yet; 0 = none */
    enum plan_change change;
};

struct client { /* of one account */
    unsigned account;
    uint64_t digest;
    bool big;
    struct sv_heap urgent, due;            /* of its identities */
    struct sv_heap_node in_urgent, in_due; /* in the rings */
};

void truth_init(struct ident *ident, unsigned percent, sv_ms start, sv_ms end);
void truth_advance(struct ident *ident, sv_ms now); /* everything that happened until now */
void truth_restart(struct ident *ident, sv_ms now); /* SES is asked to look again, or to begin */

/* ---- the house ---- */

struct event {
    struct sv_heap_node node;
    void (*ring)(struct event *event);
    void *owner;
};

struct ticket {          /* one call that waits at a gate, or is under way */
    struct round *round; /* NULL: a page of the list */
    struct account *account;
    struct event answer;
    struct ticket *next;
};

struct round {         /* a batch in three calls, or one call for one domain */
    struct gate *gate; /* of its first call */
    size_t count;
    unsigned open; /* calls not yet answered */
    struct check *checks[100];
    struct ticket tickets[3];
    struct round *next_free, *next_made;
};

struct gate { /* one worker, account and call */
    struct plan *plan;
    struct worker *worker;
    unsigned account;
    enum plan_call call;
    struct ticket *head, *tail;
    struct event ask;
    struct sv_pace pace;
    sv_ms workers_seen_at;
};

struct reader {
    struct sv_planner planner;
    struct round *gathering;
    struct event linger;
};

struct worker {
    struct plan *plan;
    unsigned number, inflight;
    struct reader *readers; /* one per account */
    struct gate (*gates)[CALL_COUNT];
};

struct check {
    struct ident *ident;
    struct worker *worker;
    struct sv_ask ask;
    struct event dns;
    bool asks_ses;
    sv_ms due_at;
    struct check *next_free;
};

struct account {
    struct sv_gcra limits[CALL_COUNT];
    sv_ms granted_at[CALL_COUNT];
    struct sv_sweep sweep;
    struct event sweep_at;
    struct ticket page;
    sv_ms page_asked_at;
    struct ident *idents;
    struct client *clients;
    size_t clients_count;
    uint64_t calls[CALL_COUNT];
};

struct plan {
    struct plan_options options;
    struct sv_policy policy;
    struct sv_rand rand;
    struct sv_heap events;
    sv_ms start, now, end;
    struct account *accounts;
    struct worker *workers;
    struct sv_heap urgent_ring, ring;
    struct event claim, jobs, burst;
    struct check *free_checks;
    struct round *free_rounds, *made_rounds;
    /* figures */
    uint64_t looks, skipped, rechecks, hurried, unhurried, over_bound, over_told, asks, too_soon;
    struct histogram waits[SV_ASK_KINDS];          /* at the planner */
    struct histogram turnarounds[SV_ASK_KINDS][2]; /* due to decided; [1] = of the large clients */
    struct histogram detections[CHANGE_COUNT];
    sv_ms worst_bound_ms[SV_ASK_KINDS];
    sv_ms storm_over_at; /* when everything due at the start had been looked at */
    uint64_t first_looks, storm_looks, storm_reads;
};

struct plan *plan_new(const struct plan_options *options);
void plan_run(struct plan *plan);
void plan_report(const struct plan *plan, FILE *out);
uint64_t plan_reads(const struct plan *plan); /* calls that read attributes, so far */
/* What may never be: asks beyond their bound, calls too soon. Prints it; true = none. */
bool plan_judge(const struct plan *plan, FILE *out);
void plan_free(struct plan *plan);

void plan_at(struct plan *plan, struct event *event, sv_ms at);

/* work.c: claim to decision. */
void work_open(struct plan *plan);
void work_wake(struct plan *plan); /* something may be due now */
void work_due(struct plan *plan, struct ident *ident, sv_ms at, bool urgent);
void work_looked_at_dns(struct event *event);
void work_decide(struct check *check, enum sv_input_kind kind, const struct sv_observation *seen);

/* calls.c: gates, readers, rounds, sweeps. */
void calls_open(struct plan *plan);
void calls_close(struct plan *plan);
void calls_read(struct check *check);                        /* joins the account's next read */
void calls_single(struct check *check, enum plan_call call); /* a call for this one domain */

/* Reads a trace the worker wrote and has the planner decide again: the exit code. */
int plan_replay(const char *path);

#endif
