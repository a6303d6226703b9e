/* Who is asked about next at SES. One planner per account: it holds every domain that waits for a
 * batched read, and says, when the limiter has granted a call, whom that call is for. Pure: no I/O,
 * no clock, no allocation; the nodes are embedded in their owners, so it is as large as what the
 * owners let in.
 *
 * Three classes: a job asks (RECHECK), a domain that is looked for (SEARCH: pending, failed, at
 * risk, a bad read to be confirmed), a healthy one (GUARD). Of the places of a batch,
 * SV_PLANNER_AGED_PERMILLE of each class go to those of that class that have waited longest; the
 * rest by class, RECHECK first, and within a class one after the other round the clients, so that
 * one client with 5,000 waiting does not hold up others with 10.
 *
 * The bound on waiting. With `older` asks of the same class that wait already and `share` places by
 * age per batch, an ask is in batch number
 *     batches = older / share + 1 (rounded down)
 * at the latest, whatever comes after it: every batch takes the `share` oldest. Permits go round
 * the workers in turn (sv_gcra), so a worker that waits for one gets it within one turn:
 *     turn = workers * interval + SV_PLANNER_SLACK_MS
 *     bound = linger + batches * turn
 * from the ask to the start of its read. It holds while the interval and the number of workers stay
 * what they were; SES's throttles and new workers stretch it. tests/unit/core/test_planner.c holds
 * it against random arrivals; the driver counts every ask that waited longer.
 *
 * What a page of SES's list means, and when one is asked for, is in sv/sweep.h. */
#ifndef SV_PLANNER_H
#define SV_PLANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/domain.h"

enum sv_ask_kind { SV_ASK_RECHECK, SV_ASK_SEARCH, SV_ASK_GUARD, SV_ASK_KINDS };

const char *sv_ask_kind_name(enum sv_ask_kind kind); /* "recheck", "search", "guard" */

/* `hurry`: a job asks for this look. */
enum sv_ask_kind sv_ask_kind_of(const struct sv_domain *domain, bool hurry);

enum {
    SV_PLANNER_AGED_PERMILLE = 150, /* of a batch, for each class: less than half in all */
    SV_PLANNER_SLACK_MS = 50,       /* per turn: timers, the way to the limiter and back */
    SV_PLANNER_BUCKETS = 128,       /* of the table of clients that wait */
    SV_PLANNER_DETAILS_MAX = 8,     /* v2 Gets that may wait at once, a second each */
};

struct sv_ask { /* embed it; fill the first part, then sv_planner_add */
    void *owner;
    enum sv_ask_kind kind;
    uint64_t client; /* any digest of the client: equal digests share one turn */
    sv_ms asked_at;  /* any clock that does not go back */
    /* private to the planner from here on, but for bound_ms, which may be read */
    sv_ms bound_ms; /* as it was told when the ask was added */
    size_t batches; /* the formula's, then */
    sv_ms turn_ms;  /* likewise */
    bool waiting;
    struct sv_ask *older, *newer;         /* of the class, by age */
    struct sv_ask *mate_before, *mate;    /* of the same client, by age */
    struct sv_ask *turn_before, *turn;    /* the first asks of their clients, in turn */
    struct sv_ask *last_mate, *neighbour; /* of a first ask: its client's last; in its bucket */
};

struct sv_ask_line { /* one class */
    struct sv_ask *oldest, *newest;
    struct sv_ask *first_turn, *last_turn;
    struct sv_ask *buckets[SV_PLANNER_BUCKETS];
    size_t count;
};

/* The pace of calls, as the limiter last told. */
struct sv_pace {
    sv_ms interval_ms; /* between two calls of all workers, 0 = not limited */
    unsigned workers;  /* that share them, 0 counts as 1 */
};

struct sv_planner {
    size_t batch_max;              /* domains per read: SES takes 100 */
    bool starving, unfair;         /* no places by age, no turns: for tests that must then fail */
    sv_ms linger_ms[SV_ASK_KINDS]; /* how long an ask of this class waits for company */
    struct sv_pace pace;
    struct sv_ask_line lines[SV_ASK_KINDS];
    size_t count;
    unsigned details; /* Gets that wait or are under way */
};

void sv_planner_init(struct sv_planner *planner, size_t batch_max);

/* What follows holds for asks that are added from now on. */
void sv_planner_set_pace(struct sv_planner *planner, struct sv_pace pace);

/* The ask's memory is the planner's until it is taken or removed. Sets `bound_ms`. */
void sv_planner_add(struct sv_planner *planner, struct sv_ask *ask);
void sv_planner_remove(struct sv_planner *planner, struct sv_ask *ask); /* fine when not waiting */

/* How long until a read should be asked for: 0 = now (a batch is full, or somebody lingered long
 * enough), -1 = nobody waits. A call for one domain costs as much as a call for a hundred, so
 * asks wait for company; not when the worker is `crowded`, because then others wait for theirs. */
sv_ms sv_planner_wait_ms(const struct sv_planner *planner, sv_ms now, bool crowded);

/* A permit is there: the asks of this batch, at most batch_max (room in `out`), which do not wait
 * any more. 0 = nobody waits. */
size_t sv_planner_take(struct sv_planner *planner, struct sv_ask **out);

/* What an ask of this class would be told now. */
sv_ms sv_planner_bound_ms(const struct sv_planner *planner, enum sv_ask_kind kind);

/* True when this ask, which has just been taken, waited longer than its batches take at the slower
 * of the pace it was told and the pace now: that should never be. */
bool sv_planner_overstayed(const struct sv_planner *planner, const struct sv_ask *ask, sv_ms now);

/* A long wait, moved on to the next instant that all domains of the account share, so that they are
 * due together and one read serves them: up to a quarter later, never sooner. Waits below 20
 * minutes, and -1, stay. `spread`: any digest of the account, so that accounts do not share. */
sv_ms sv_planner_meet_ms(sv_ms now, sv_ms wait_ms, uint64_t spread);

/* A v2 Get costs a call for one domain, and the check waits for it: only so many at once, the
 * others go without. True = begun, to be ended. */
bool sv_planner_begin_detail(struct sv_planner *planner);
void sv_planner_end_detail(struct sv_planner *planner);

#endif
