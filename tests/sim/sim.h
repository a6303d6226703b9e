/* The simulator: a model of the world (DNS, SES, clients, clocks) and of the store around the real
 * core, driven through virtual years from one seed. Integer arithmetic only: the same seed gives
 * the same events on every machine and with every compiler. */
#ifndef TEST_SIM_H
#define TEST_SIM_H

#include "sv/admission.h"
#include "sv/domain.h"
#include "sv/heap.h"
#include "sv/rand.h"

enum {
    SIM_DOMAINS_MAX = 10000,
    SIM_WORKERS = 3,
    SIM_PER_CLIENT = 4, /* domains of one client's names, of which sim_limits allow fewer */
    SIM_LETTERS_MAX = 64,
    SIM_TRAIL_MAX = 16, /* steps told about a broken invariant */
    SIM_TRAIL_BYTES = 240,
};

#define SIM_EPOCH ((sv_ms)1767225600000)
#define SIM_LEASE (60 * SV_SECOND)

/* One rule switched off each, to show that the invariants would notice. */
enum sim_break {
    SIM_BREAK_NONE,
    SIM_BREAK_FENCE,    /* the store takes commits of workers that lost the domain */
    SIM_BREAK_UNKNOWN,  /* an unknown answer overwrites what was known */
    SIM_BREAK_CONFIRM,  /* one bad read is enough to fail */
    SIM_BREAK_TTL,      /* one look longer than the TTL is not waited for */
    SIM_BREAK_VERIFY,   /* right records are taken for SES's word */
    SIM_BREAK_EDGE,     /* a move that is not in the table */
    SIM_BREAK_SEQUENCE, /* a number is left out */
    SIM_BREAK_SILENT,   /* a change without an event */
    SIM_BREAK_NOISE,    /* an event without a change */
    SIM_BREAK_FROM,     /* an event that does not go on where the last one ended */
    SIM_BREAK_FORGET,   /* a domain gets no due time */
    SIM_BREAK_PACE,     /* a look sooner than the floor */
    SIM_BREAK_BUDGET,   /* restarts without limit */
    SIM_BREAK_HEAL,     /* a restart that is owed is never made */
    SIM_BREAK_ATTEMPTS, /* rechecks without limit */
    SIM_BREAK_LIMIT,    /* domains without limit */
    SIM_BREAK_RESTORE,  /* settings are put back without limit */
    SIM_BREAK_COUNT
};

const char *sim_break_name(enum sim_break rule);

/* The truth about one domain, in true time. */
struct sim_world {
    struct sv_rand *dice;
    sv_ms now; /* everything up to here has happened */
    /* what the client published */
    bool right, absent;
    uint32_t ttl_s;
    sv_ms published_at, next_publish_at;
    bool mail_from_right;
    sv_ms next_mail_from_at;
    uint32_t advice; /* digest of the findings that are advice */
    sv_ms next_advice_at;
    /* what SES believes */
    bool exists, signing, mail_from_set;
    bool mail_from_wanted; /* we set one up, so that an absent one was switched off */
    bool set_right;        /* the configuration set is ours */
    uint32_t tokens;       /* which generation of DKIM tokens it has */
    unsigned stubborn;     /* how often somebody will change the settings back again */
    enum sv_axis identity, dkim, mail_from;
    sv_ms patient_since, mail_from_since; /* start of its own 72 h */
    sv_ms lost_since;                     /* record lost after Success; 0 = not lost */
    sv_ms next_ses_at;
    sv_ms next_meddling_at;    /* somebody deletes the identity or switches signing off */
    sv_ms signing_off_until;   /* 0 = nobody switched it off */
    sv_ms settled_at;          /* the last change of what SES says */
    sv_ms repaired_at;         /* the last change that SES or we have to react to */
    struct sv_observation old; /* an earlier answer of SES, for replies that come late */
};

void sim_world_init(struct sim_world *world, struct sv_rand *dice, sv_ms now);
void sim_world_advance(struct sim_world *world, sv_ms now);
void sim_world_provision(struct sim_world *world, bool mail_from);
void sim_world_restart(struct sim_world *world, uint32_t todo);
void sim_world_remove(struct sim_world *world);

/* Digest of the records that SES asks for now. */
uint32_t sim_world_records(const struct sim_world *world);

/* What a look sees. `ses_silent`, `dns_silent`: an outage of all of it. Returns false when SES's
 * answer is not the truth of this moment. */
void sim_world_look_dns(struct sim_world *world, bool silent, struct sv_observation *seen);
bool sim_world_look_ses(struct sim_world *world, bool silent, struct sv_observation *seen);

/* What the invariants know of a domain, from the inputs alone. */
struct sim_oracle {
    sv_ms bad_at, wrong_at, restarted_at, restarts_from;
    uint32_t wrong_ttl_s;
    unsigned restarts, put_backs;
    bool temporary;
    uint64_t sequence;      /* of the last event */
    enum sv_status last_to; /* of the last event */
    uint64_t fence;         /* of the last accepted commit */
    sv_ms committed_at;     /* true time */
    sv_ms unnoticed_since;  /* true time: SES gave up, and the status does not say so */
};

/* One domain as the store keeps it. */
struct sim_row {
    struct sv_domain state;
    struct sv_heap_node node; /* in `due` while waiting, in `leases` while claimed */
    bool waiting, running;
    uint64_t fence, committed_fence;
    uint32_t todo_since; /* bits that jobs set since the claim */
    bool open, again;
    enum sv_job_type job;
    bool job_adopts, job_mail_from;
    unsigned attempts;
    sv_ms attempted_at;
    sv_ms next_job_at; /* true time: the client does something */
    unsigned presses;  /* rechecks the client is about to ask for */
    struct sim_world world;
    struct sim_oracle oracle;
};

/* What a worker does with the domain it claimed; a letter is a commit under way. */
struct sim_commit {
    size_t index; /* of the row */
    uint64_t fence;
    struct sv_domain before, after;
    struct sv_input input; /* what really was seen */
    struct sv_effects effects;
    bool finishes;  /* the open job */
    bool give_back; /* an attempt */
};

enum sim_fate { SIM_FINE, SIM_KILLED, SIM_FROZEN, SIM_REPLY_LOST, SIM_TWICE, SIM_RELEASED };

struct sim_worker {
    bool busy;
    sv_ms act_at; /* true time: busy = commits then, else = may claim from then on */
    enum sim_fate fate;
    struct sim_commit commit;
};

struct sim_letter { /* a commit that arrives again, or late */
    sv_ms at;       /* true time; 0 = empty */
    struct sim_commit commit;
};

struct sim_counts {
    uint64_t steps, looks, commits, stale, already, reaped, killed, events, jobs, rejected;
    uint64_t jumps, restarts, provisions, faults, gated, released;
    uint64_t moves[SV_STATUS_COUNT][SV_STATUS_COUNT];
    uint64_t news[SV_NEWS_COUNT];
};

struct sim {
    struct sv_rand dice;
    uint64_t seed;
    enum sim_break broken;
    struct sv_policy policy;
    struct sv_limits limits;
    size_t domains;
    sv_ms now, end; /* true time, from 0 */
    sv_ms skew;     /* the store's clock minus true time and epoch */
    sv_ms next_jump_at, next_outage_at, ses_down_until, dns_down_until;
    struct sim_row *rows;
    struct sv_heap due, leases; /* in the store's time */
    struct sv_heap jobs;        /* in true time */
    struct sv_heap_node *job_nodes;
    struct sim_worker workers[SIM_WORKERS];
    struct sim_letter letters[SIM_LETTERS_MAX];
    sv_ms next_letter_at; /* the earliest of them */
    struct sim_counts counts;
    uint64_t hash; /* over all events */
    const char *violation;
    size_t violator;
    bool traced; /* second run of a seed that broke: the steps of `violator` are kept */
    char trail[SIM_TRAIL_MAX][SIM_TRAIL_BYTES];
    uint64_t trail_count;
};

static inline sv_ms sim_store_now(const struct sim *sim)
{
    return SIM_EPOCH + sim->now + sim->skew;
}

/* One in `n`. */
bool sim_one_in(struct sv_rand *dice, uint64_t n);
sv_ms sim_between(struct sv_rand *dice, sv_ms low, sv_ms high);

/* The store. */
void sim_store_admit(struct sim *sim, struct sim_row *row, enum sv_job_type type);
bool sim_store_claim(struct sim *sim, struct sim_row **out);
void sim_store_commit(struct sim *sim, const struct sim_commit *commit);
void sim_store_release(struct sim *sim, size_t index, uint64_t fence);
void sim_store_reap(struct sim *sim);

/* Everything a worker does between claim and commit. */
void sim_work(struct sim *sim, struct sim_row *row, struct sim_commit *commit);

/* The invariants. The first that is broken is kept in `violation`. */
void sim_violate(struct sim *sim, size_t index, const char *what);
void sim_check_commit(struct sim *sim, struct sim_row *row, const struct sim_commit *commit,
                      bool event);
void sim_check_jobs(struct sim *sim, const struct sim_row *row);
void sim_check_end(struct sim *sim);

void sim_init(struct sim *sim, uint64_t seed, size_t domains, sv_ms span_ms);
void sim_run(struct sim *sim); /* until the end, or the first broken invariant */
void sim_fini(struct sim *sim);

#endif
