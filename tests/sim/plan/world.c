/* The accounts and their identities, the loop of virtual time. */
#include <stdlib.h>

#include "sv/alloc.h"
#include "sv/require.h"

#include "plan.h"

enum { SMALL = 10 };
#define START ((sv_ms)1767225600000) /* 2026-01-01T00:00:00Z */

void plan_at(struct plan *plan, struct event *event, sv_ms at)
{
    sv_heap_set(&plan->events, &event->node, at);
}

/* Known as it would be after years of looking: verified ones are verified. */
static void begin(struct plan *plan, struct ident *ident)
{
    struct sv_input input = {.kind = SV_INPUT_PROVISIONED,
                             .now = plan->start - SV_MINUTE,
                             .random = SV_JITTER_STEPS,
                             .mail_from_wanted = ident->wants_mail_from};
    struct sv_effects effects;

    ident->domain.todo = SV_TODO_PROVISION;
    sv_domain_step(&ident->domain, &plan->policy, &input, &effects);
    if (ident->axis != SV_AXIS_SUCCESS)
        return;
    input.kind = SV_INPUT_LOOKED;
    input.seen = (struct sv_observation){.ses_known = true,
                                         .identity = SV_AXIS_SUCCESS,
                                         .dkim = SV_AXIS_SUCCESS,
                                         .mail_from = ident->wants_mail_from ? SV_AXIS_SUCCESS
                                                                             : SV_AXIS_NONE,
                                         .signing = SV_TRI_YES,
                                         .required = SV_SEEN_RIGHT};
    sv_domain_step(&ident->domain, &plan->policy, &input, &effects);
}

/* Clients are groups of neighbours: the large one first, then those with ten. */
static void open_account(struct plan *plan, unsigned number)
{
    const struct plan_options *options = &plan->options;
    struct account *account = &plan->accounts[number];
    unsigned small = (options->identities - options->big + SMALL - 1) / SMALL;

    account->clients_count = small + 1;
    account->clients = sv_alloc(account->clients_count, sizeof *account->clients);
    account->idents = sv_alloc(options->identities, sizeof *account->idents);
    for (size_t i = 0; i < account->clients_count; i++) {
        struct client *client = &account->clients[i];

        *client =
            (struct client){.account = number, .digest = (uint64_t)number << 32 | i, .big = i == 0};
        sv_heap_init(&client->urgent);
        sv_heap_init(&client->due);
        client->in_urgent.owner = client->in_due.owner = client;
    }
    for (unsigned i = 0; i < options->identities; i++) {
        struct ident *ident = &account->idents[i];

        ident->client = &account->clients[i < options->big ? 0 : 1 + (i - options->big) / SMALL];
        ident->due.owner = ident;
        ident->wants_mail_from = sv_rand_below(&plan->rand, 10) < 3;
        ident->dice = sv_rand_u64(&plan->rand);
        truth_init(ident, (unsigned)sv_rand_below(&plan->rand, 100), plan->start, plan->end);
        begin(plan, ident);
        work_due(plan, ident, plan->start, false); /* everything at once, as after an outage */
    }
}

struct plan *plan_new(const struct plan_options *options)
{
    struct plan *plan = sv_alloc(1, sizeof *plan);

    plan->options = *options;
    plan->policy = sv_policy_default();
    plan->start = plan->now = START;
    plan->end = START + options->days * SV_DAY;
    sv_rand_seeded_init(&plan->rand, options->seed);
    sv_heap_init(&plan->events);
    sv_heap_init(&plan->urgent_ring);
    sv_heap_init(&plan->ring);
    for (int kind = 0; kind < SV_ASK_KINDS; kind++) {
        plan->waits[kind].unit_ms = SV_SECOND / 10;
        plan->turnarounds[kind][0].unit_ms = plan->turnarounds[kind][1].unit_ms = SV_SECOND;
    }
    for (int change = 0; change < CHANGE_COUNT; change++)
        plan->detections[change].unit_ms = SV_MINUTE;
    plan->accounts = sv_alloc(options->accounts, sizeof *plan->accounts);
    work_open(plan);
    for (unsigned i = 0; i < options->accounts; i++)
        open_account(plan, i);
    calls_open(plan);
    return plan;
}

void plan_run(struct plan *plan)
{
    struct sv_heap_node *first;

    while ((first = sv_heap_first(&plan->events)) != NULL && first->at < plan->end) {
        struct event *event = first->owner;

        SV_REQUIRE(first->at >= plan->now);
        plan->now = first->at;
        sv_heap_remove(&plan->events, first);
        event->ring(event);
    }
}

static void free_account(struct plan *plan, struct account *account)
{
    for (size_t i = 0; i < account->clients_count; i++) {
        sv_heap_fini(&account->clients[i].urgent);
        sv_heap_fini(&account->clients[i].due);
    }
    for (unsigned i = 0; i < plan->options.identities; i++)
        free(account->idents[i].check);
    free(account->clients);
    free(account->idents);
}

void plan_free(struct plan *plan)
{
    sv_heap_fini(&plan->events);
    sv_heap_fini(&plan->urgent_ring);
    sv_heap_fini(&plan->ring);
    while (plan->free_checks != NULL) {
        struct check *check = plan->free_checks;

        plan->free_checks = check->next_free;
        free(check);
    }
    calls_close(plan);
    for (unsigned i = 0; i < plan->options.accounts; i++)
        free_account(plan, &plan->accounts[i]);
    free(plan->accounts);
    free(plan);
}
