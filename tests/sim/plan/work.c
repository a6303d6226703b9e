/* From claim to decision: what the store's claim script, lib/drive/queue.c and check.c do, as far
 * as it matters for who waits how long. */
#include <stdlib.h>

#include "sv/alloc.h"
#include "sv/require.h"

#include "plan.h"

enum { CLAIM_MAX = 256, LATE_MS = 300, DNS_FIRST_MS = 30, DNS_SPREAD_MS = 400, TTL_S = 300 };

/* ---- the due sets: per client, clients in rings by their earliest ---- */

static void update_ring(struct sv_heap *ring, struct sv_heap_node *node, const struct sv_heap *due)
{
    const struct sv_heap_node *first = sv_heap_first(due);

    if (first == NULL)
        sv_heap_remove(ring, node);
    else
        sv_heap_set(ring, node, first->at);
}

void work_wake(struct plan *plan)
{
    const struct sv_heap_node *urgent = sv_heap_first(&plan->urgent_ring);
    const struct sv_heap_node *first = sv_heap_first(&plan->ring);
    sv_ms at = plan->end;

    if (first != NULL && first->at < at)
        at = first->at;
    if (urgent != NULL && urgent->at < at)
        at = urgent->at;
    /* What another worker made due may not be noticed at once. */
    plan_at(plan, &plan->claim, at <= plan->now ? plan->now + 1 : at + LATE_MS);
}

void work_due(struct plan *plan, struct ident *ident, sv_ms at, bool urgent)
{
    struct client *client = ident->client;

    sv_heap_remove(ident->urgent ? &client->urgent : &client->due, &ident->due);
    ident->urgent = urgent;
    sv_heap_set(urgent ? &client->urgent : &client->due, &ident->due, at);
    update_ring(&plan->urgent_ring, &client->in_urgent, &client->urgent);
    update_ring(&plan->ring, &client->in_due, &client->due);
    if (!sv_heap_has(&plan->claim.node) || plan->claim.node.at > at + LATE_MS)
        work_wake(plan);
}

/* ---- claim ---- */

static void start(struct plan *plan, struct worker *worker, struct ident *ident, sv_ms due_at)
{
    struct check *check = plan->free_checks;

    SV_REQUIRE(check != NULL);
    plan->free_checks = check->next_free;
    *check = (struct check){.ident = ident, .worker = worker, .due_at = due_at};
    check->dns.owner = check;
    check->dns.ring = work_looked_at_dns;
    check->dns.node.owner = &check->dns;
    ident->check = check;
    worker->inflight++;
    if ((ident->domain.todo & SV_TODO_PROVISION) != 0)
        calls_single(check, CALL_CREATE);
    else if ((ident->domain.todo & (SV_TODO_RESTART_DKIM | SV_TODO_RESTART_MAIL_FROM)) != 0)
        calls_single(check, CALL_RESTART);
    else
        plan_at(plan, &check->dns,
                plan->now + DNS_FIRST_MS + (sv_ms)sv_rand_below(&plan->rand, DNS_SPREAD_MS));
}

/* Round the ring of clients, at most `each` of one; what is left waits for the next claim. */
static unsigned claim_from(struct plan *plan, struct worker *worker, bool urgent, unsigned room)
{
    struct sv_heap *ring = urgent ? &plan->urgent_ring : &plan->ring;
    struct sv_heap_node *node, *later[CLAIM_MAX];
    unsigned each = room / 4 + 1, taken = 0, later_count = 0;

    while (taken < room && (node = sv_heap_first(ring)) != NULL && node->at <= plan->now) {
        struct client *client = node->owner;
        struct sv_heap *due = urgent ? &client->urgent : &client->due;
        struct sv_heap_node *first;

        for (unsigned i = 0; i < each && taken < room && (first = sv_heap_first(due)) != NULL &&
                             first->at <= plan->now;
             i++, taken++) {
            sv_heap_remove(due, first);
            start(plan, worker, first->owner, first->at);
        }
        sv_heap_remove(ring, node);
        later[later_count++] = node;
    }
    for (unsigned i = 0; i < later_count; i++) {
        struct client *client = later[i]->owner;

        update_ring(ring, later[i], urgent ? &client->urgent : &client->due);
    }
    return taken;
}

static void on_claim(struct event *event)
{
    struct plan *plan = event->owner;
    unsigned first = (unsigned)sv_rand_below(&plan->rand, plan->options.workers);
    bool full = true;

    for (unsigned i = 0; i < plan->options.workers; i++) {
        struct worker *worker = &plan->workers[(first + i) % plan->options.workers];
        unsigned room = plan->options.inflight_max - worker->inflight, taken;

        room = room > CLAIM_MAX ? CLAIM_MAX : room;
        taken = claim_from(plan, worker, true, room);
        (void)claim_from(plan, worker, false, room - taken);
        full = full && worker->inflight == plan->options.inflight_max;
    }
    if (!full) /* otherwise the end of a check wakes the queue */
        work_wake(plan);
}

/* ---- looking and deciding ---- */

static struct sv_observation observe(const struct ident *ident, bool asked_ses)
{
    struct sv_observation seen = {.ses_known = asked_ses, .ses_skipped = !asked_ses};

    seen.required = ident->records ? SV_SEEN_RIGHT : SV_SEEN_WRONG;
    seen.required_absent = !ident->records;
    seen.required_ttl_s = TTL_S;
    seen.mail_from_records = ident->wants_mail_from ? seen.required : SV_SEEN_UNKNOWN;
    for (int group = 0; group < SV_GROUP_COUNT; group++)
        seen.group_known[group] = true;
    seen.group_digest[SV_GROUP_DKIM] = ident->records ? 0 : 1;
    if (!asked_ses)
        return seen;
    seen.identity = ident->axis;
    seen.mail_from = SV_AXIS_NONE;
    if (ident->axis != SV_AXIS_GONE) {
        seen.dkim = ident->axis;
        seen.signing = SV_TRI_YES;
        seen.mail_from = ident->wants_mail_from ? SV_AXIS_SUCCESS : SV_AXIS_NONE;
    }
    return seen;
}

void work_looked_at_dns(struct event *event)
{
    struct check *check = event->owner;
    struct ident *ident = check->ident;
    struct plan *plan = check->worker->plan;
    struct sv_observation seen;

    truth_advance(ident, plan->now);
    seen = observe(ident, false);
    check->asks_ses = ident->hurried_at != 0 ||
                      sv_domain_wants_ses(&ident->domain, &plan->policy, plan->now, &seen);
    if (check->asks_ses) {
        calls_read(check);
        return;
    }
    plan->skipped++;
    work_decide(check, SV_INPUT_LOOKED, &seen);
}

static void note_detection(struct plan *plan, struct ident *ident)
{
    if (ident->changed_at == 0)
        return;
    histogram_add(&plan->detections[ident->change], plan->now - ident->changed_at);
    ident->changed_at = 0;
}

static void finish(struct check *check)
{
    struct worker *worker = check->worker;
    struct plan *plan = worker->plan;

    check->ident->check = NULL;
    worker->inflight--;
    check->next_free = plan->free_checks;
    plan->free_checks = check;
    work_wake(plan);
}

static void count_look(struct plan *plan, struct ident *ident, const struct check *check)
{
    uint64_t all = (uint64_t)plan->options.accounts * plan->options.identities;

    plan->looks++;
    if (!ident->looked && ++plan->first_looks == all) {
        plan->storm_over_at = plan->now;
        plan->storm_looks = plan->looks;
        plan->storm_reads = plan_reads(plan);
    }
    ident->looked = true;
    if (check->asks_ses)
        histogram_add(&plan->turnarounds[check->ask.kind][ident->client->big],
                      plan->now - check->due_at);
}

/* `seen` NULL: SES has just been read. */
void work_decide(struct check *check, enum sv_input_kind kind, const struct sv_observation *seen)
{
    struct ident *ident = check->ident;
    struct plan *plan = check->worker->plan;
    struct sv_input input = {.kind = kind,
                             .now = plan->now,
                             .random = sv_rand_u64(&plan->rand),
                             .hurry = ident->asked,
                             .mail_from_wanted = ident->wants_mail_from};
    struct sv_effects effects;

    if (kind == SV_INPUT_LOOKED && seen == NULL) {
        truth_advance(ident, plan->now);
        note_detection(plan, ident);
        input.seen = observe(ident, true);
        plan->unhurried += ident->hurried_at != 0 && ident->axis == ident->domain.identity;
        ident->hurried_at = 0;
    } else if (seen != NULL) {
        input.seen = *seen;
    }
    if (kind == SV_INPUT_LOOKED)
        count_look(plan, ident, check);
    if (kind != SV_INPUT_LOOKED)
        truth_restart(ident, plan->now);
    else
        ident->asked = false;
    sv_domain_step(&ident->domain, &plan->policy, &input, &effects);
    SV_REQUIRE(effects.wait_ms >= 0);
    effects.wait_ms = sv_planner_meet_ms(plan->now, effects.wait_ms,
                                         ident->client->account * 7919u * (uint64_t)SV_SECOND);
    ident->domain.next_check_at = plan->now + effects.wait_ms;
    finish(check);
    work_due(plan, ident, plan->now + effects.wait_ms, false);
}

/* ---- jobs ---- */

static void recheck(struct plan *plan, struct ident *ident)
{
    if (ident->check != NULL || ident->asked)
        return; /* coalesced */
    plan->rechecks++;
    ident->asked = true;
    work_due(plan, ident, plan->now, true);
}

/* Somebody presses the button: every 20 seconds over all accounts. */
static void on_job(struct event *event)
{
    struct plan *plan = event->owner;
    struct account *account = &plan->accounts[sv_rand_below(&plan->rand, plan->options.accounts)];

    recheck(plan, &account->idents[sv_rand_below(&plan->rand, plan->options.identities)]);
    plan_at(plan, event, plan->now + (sv_ms)sv_rand_below(&plan->rand, 40 * SV_SECOND));
}

/* Twice a day a large client has everything rechecked at once. */
static void on_burst(struct event *event)
{
    struct plan *plan = event->owner;
    struct account *account = &plan->accounts[sv_rand_below(&plan->rand, plan->options.accounts)];

    for (unsigned i = 0; i < plan->options.big; i++)
        recheck(plan, &account->idents[i]);
    plan_at(plan, event, plan->now + (sv_ms)sv_rand_below(&plan->rand, SV_DAY));
}

static void set_event(struct plan *plan, struct event *event, void (*ring)(struct event *))
{
    event->ring = ring;
    event->owner = plan;
    event->node.owner = event;
}

void work_open(struct plan *plan)
{
    size_t checks = (size_t)plan->options.workers * plan->options.inflight_max;

    for (size_t i = 0; i < checks; i++) {
        struct check *check = sv_alloc(1, sizeof *check);

        check->next_free = plan->free_checks;
        plan->free_checks = check;
    }
    set_event(plan, &plan->claim, on_claim);
    set_event(plan, &plan->jobs, on_job);
    set_event(plan, &plan->burst, on_burst);
    plan_at(plan, &plan->jobs, plan->start + SV_MINUTE);
    plan_at(plan, &plan->burst, plan->start + 12 * SV_HOUR);
    work_wake(plan);
}
