/* Gates, readers, rounds and sweeps: what lib/drive/gate.c, reader.c and a sweep do. A gate asks
 * the limiter that all workers share, waits as told, and calls; SES answers a little later. */
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

#include "plan.h"

enum { ANSWER_FIRST_MS = 40, ANSWER_SPREAD_MS = 120, STORE_MS = 1, BATCH = 100 };
#define LINGER_MS             ((sv_ms)25)
#define GUARD_LINGER_MS       (5 * SV_SECOND)
#define WORKERS_REMEMBERED_MS SV_DAY

static void gather(struct worker *worker, unsigned account);

/* ---- gates ---- */

static void queue(struct gate *gate, struct ticket *ticket)
{
    ticket->next = NULL;
    if (gate->tail == NULL)
        gate->head = ticket;
    else
        gate->tail->next = ticket;
    gate->tail = ticket;
    if (!sv_heap_has(&gate->ask.node))
        plan_at(gate->plan, &gate->ask, gate->plan->now + STORE_MS);
}

static struct ticket *pop(struct gate *gate)
{
    struct ticket *ticket = gate->head;

    gate->head = ticket->next;
    if (gate->head == NULL)
        gate->tail = NULL;
    return ticket;
}

/* ---- rounds ---- */

static void on_answer(struct event *event);

static struct round *new_round(struct gate *gate)
{
    struct plan *plan = gate->plan;
    struct round *round = plan->free_rounds;

    if (round == NULL) {
        round = sv_alloc(1, sizeof *round);
        round->next_made = plan->made_rounds;
        plan->made_rounds = round;
    } else {
        plan->free_rounds = round->next_free;
    }
    round->gate = gate;
    round->count = 0;
    round->open = 0;
    return round;
}

static void add_call(struct round *round, int place, struct gate *gate)
{
    struct ticket *ticket = &round->tickets[place];

    *ticket = (struct ticket){.round = round};
    ticket->answer =
        (struct event){.ring = on_answer, .owner = ticket, .node = {.owner = &ticket->answer}};
    round->open++;
    queue(gate, ticket);
}

static void end_round(struct round *round)
{
    struct plan *plan = round->gate->plan;
    enum plan_call call = round->gate->call;
    enum sv_input_kind kind = call == CALL_RESTART  ? SV_INPUT_RESTARTED
                              : call == CALL_CREATE ? SV_INPUT_PROVISIONED
                                                    : SV_INPUT_LOOKED;

    for (size_t i = 0; i < round->count; i++)
        work_decide(round->checks[i], kind, NULL);
    round->next_free = plan->free_rounds;
    plan->free_rounds = round;
}

static void on_answer(struct event *event)
{
    struct ticket *ticket = event->owner;

    if (--ticket->round->open == 0)
        end_round(ticket->round);
}

void calls_single(struct check *check, enum plan_call call)
{
    struct gate *gate = &check->worker->gates[check->ident->client->account][call];
    struct round *round = new_round(gate);

    round->checks[round->count++] = check;
    add_call(round, 0, gate);
}

/* ---- readers ---- */

static void note_wait(struct plan *plan, const struct sv_planner *planner, const struct sv_ask *ask)
{
    sv_ms waited_ms = plan->now - ask->asked_at;

    histogram_add(&plan->waits[ask->kind], waited_ms);
    plan->asks++;
    plan->over_told += waited_ms > ask->bound_ms;
    plan->over_bound += sv_planner_overstayed(planner, ask, plan->now);
    if (ask->bound_ms > plan->worst_bound_ms[ask->kind])
        plan->worst_bound_ms[ask->kind] = ask->bound_ms;
}

static void fill(struct round *round)
{
    struct gate *gate = round->gate;
    struct worker *worker = gate->worker;
    struct reader *reader = &worker->readers[gate->account];
    struct sv_ask *asks[BATCH];
    bool mail_from = false;

    sv_planner_set_pace(&reader->planner, gate->pace);
    reader->gathering = NULL;
    round->count = sv_planner_take(&reader->planner, asks);
    SV_REQUIRE(round->count > 0);
    for (size_t i = 0; i < round->count; i++) {
        note_wait(gate->plan, &reader->planner, asks[i]);
        round->checks[i] = asks[i]->owner;
        mail_from = mail_from || round->checks[i]->ident->wants_mail_from;
    }
    add_call(round, 1, &worker->gates[gate->account][CALL_DKIM]);
    if (mail_from)
        add_call(round, 2, &worker->gates[gate->account][CALL_MAIL_FROM]);
    gather(worker, gate->account);
}

static void gather(struct worker *worker, unsigned account)
{
    struct reader *reader = &worker->readers[account];
    sv_ms wait_ms;

    if (reader->gathering != NULL)
        return;
    wait_ms = sv_planner_wait_ms(&reader->planner, worker->plan->now,
                                 worker->inflight * 2 > worker->plan->options.inflight_max);
    if (wait_ms == 0) {
        sv_heap_remove(&worker->plan->events, &reader->linger.node);
        reader->gathering = new_round(&worker->gates[account][CALL_IDENTITIES]);
        add_call(reader->gathering, 0, reader->gathering->gate);
    } else if (wait_ms > 0) {
        plan_at(worker->plan, &reader->linger, worker->plan->now + wait_ms);
    }
}

static void on_linger(struct event *event)
{
    struct gate *gate = event->owner;

    gather(gate->worker, gate->account);
}

void calls_read(struct check *check)
{
    struct worker *worker = check->worker;
    const struct client *client = check->ident->client;
    struct reader *reader = &worker->readers[client->account];

    check->ask = (struct sv_ask){
        .owner = check,
        .kind = sv_ask_kind_of(&check->ident->domain, check->ident->asked),
        .client = client->digest,
        .asked_at = worker->plan->now,
    };
    sv_planner_set_pace(&reader->planner, worker->gates[client->account][CALL_IDENTITIES].pace);
    sv_planner_add(&reader->planner, &check->ask);
    gather(worker, client->account);
}

/* ---- the call itself ---- */

static void call(struct gate *gate, struct ticket *ticket)
{
    struct plan *plan = gate->plan;
    struct account *account = &plan->accounts[gate->account];

    plan->too_soon += account->calls[gate->call] > 0 &&
                      plan->now - account->granted_at[gate->call] < plan->options.interval_ms;
    account->granted_at[gate->call] = plan->now;
    account->calls[gate->call]++;
    if (ticket->round != NULL && gate->call == CALL_IDENTITIES)
        fill(ticket->round);
    plan_at(plan, &ticket->answer,
            plan->now + ANSWER_FIRST_MS + (sv_ms)sv_rand_below(&plan->rand, ANSWER_SPREAD_MS));
}

/* As lib/drive/gate.c learns it. */
static void learn_pace(struct gate *gate, const struct sv_gcra_ask *told)
{
    sv_ms now = gate->plan->now;

    gate->pace.interval_ms = (told->adapted_us + 999) / 1000;
    if (told->workers < gate->pace.workers && now - gate->workers_seen_at < WORKERS_REMEMBERED_MS)
        return;
    gate->pace.workers = told->workers;
    gate->workers_seen_at = now;
}

static void on_ask(struct event *event)
{
    struct gate *gate = event->owner;
    struct plan *plan = gate->plan;
    struct sv_gcra_ask ask = {.worker = gate->worker->number + 1,
                              .now_us = plan->now * 1000,
                              .interval_us = plan->options.interval_ms * 1000};

    sv_gcra_take(&plan->accounts[gate->account].limits[gate->call], &ask);
    learn_pace(gate, &ask);
    if (ask.wait_us > 0) {
        plan_at(plan, event, plan->now + (ask.wait_us + 999) / 1000);
        return;
    }
    call(gate, pop(gate));
    if (gate->head != NULL)
        plan_at(plan, event, plan->now + STORE_MS);
}

/* ---- sweeps ---- */

/* The page of the list, a thousand identities in a fixed order, against what we know of them. */
static void read_page(struct plan *plan, struct account *account)
{
    unsigned first = account->sweep.pages * SV_SWEEP_PAGE_MAX;

    for (unsigned i = first; i < first + SV_SWEEP_PAGE_MAX && i < plan->options.identities; i++) {
        struct ident *ident = &account->idents[i];
        struct sv_listed listed = {.asked_at = account->page_asked_at};

        truth_advance(ident, plan->now);
        listed.missing = ident->axis == SV_AXIS_GONE;
        listed.identity = ident->axis;
        listed.sending = ident->axis == SV_AXIS_SUCCESS ? SV_TRI_YES : SV_TRI_UNKNOWN;
        if (ident->check != NULL || sv_sweep_judge(&ident->domain, &listed) != SV_SWEEP_HURRY)
            continue;
        plan->hurried++;
        ident->hurried_at = plan->now;
        if (ident->due.at > plan->now)
            work_due(plan, ident, plan->now, ident->asked);
    }
    account->sweep.pages++;
    if (first + SV_SWEEP_PAGE_MAX >= plan->options.identities)
        account->sweep.finished_at = plan->now;
}

static void on_page(struct event *event)
{
    struct ticket *ticket = event->owner;
    struct account *account = ticket->account;
    struct plan *plan = account->sweep_at.owner;

    read_page(plan, account);
    account->sweep_at.ring(&account->sweep_at);
}

/* One worker has the turn, as the store's lease decides. */
static void on_sweep(struct event *event)
{
    struct plan *plan = event->owner;
    struct account *account =
        (struct account *)((char *)event - offsetof(struct account, sweep_at));
    unsigned number = (unsigned)(account - plan->accounts);
    struct sv_sweep_plan rule = {.every_ms = plan->options.sweep_every_ms,
                                 .domains = plan->options.identities,
                                 .spread = number * 1000003u};
    sv_ms wait_ms = sv_sweep_wait_ms(&account->sweep, &rule, plan->start, plan->now);

    if (wait_ms > 0)
        plan_at(plan, event, plan->now + wait_ms);
    if (wait_ms != 0)
        return;
    if (account->sweep.started_at == 0 || account->sweep.finished_at != 0)
        account->sweep = (struct sv_sweep){.started_at = plan->now};
    account->page = (struct ticket){.account = account};
    account->page.answer = (struct event){
        .ring = on_page, .owner = &account->page, .node = {.owner = &account->page.answer}};
    account->page_asked_at = plan->now;
    queue(
        &plan->workers[sv_rand_below(&plan->rand, plan->options.workers)].gates[number][CALL_LIST],
        &account->page);
}

/* ---- opening ---- */

static void open_worker(struct plan *plan, struct worker *worker, unsigned number)
{
    worker->plan = plan;
    worker->number = number;
    worker->readers = sv_alloc(plan->options.accounts, sizeof *worker->readers);
    worker->gates = sv_alloc(plan->options.accounts, sizeof *worker->gates);
    for (unsigned i = 0; i < plan->options.accounts; i++) {
        struct reader *reader = &worker->readers[i];

        for (int kind = 0; kind < CALL_COUNT; kind++) {
            struct gate *gate = &worker->gates[i][kind];

            *gate = (struct gate){.plan = plan,
                                  .worker = worker,
                                  .account = i,
                                  .call = (enum plan_call)kind,
                                  .pace = {.interval_ms = plan->options.interval_ms, .workers = 1}};
            gate->ask =
                (struct event){.ring = on_ask, .owner = gate, .node = {.owner = &gate->ask}};
        }
        sv_planner_init(&reader->planner, BATCH);
        reader->planner.linger_ms[SV_ASK_RECHECK] = LINGER_MS;
        reader->planner.linger_ms[SV_ASK_SEARCH] = LINGER_MS;
        reader->planner.linger_ms[SV_ASK_GUARD] = GUARD_LINGER_MS;
        reader->linger = (struct event){.ring = on_linger,
                                        .owner = &worker->gates[i][CALL_IDENTITIES],
                                        .node = {.owner = &reader->linger}};
    }
}

void calls_open(struct plan *plan)
{
    plan->workers = sv_alloc(plan->options.workers, sizeof *plan->workers);
    for (unsigned i = 0; i < plan->options.workers; i++)
        open_worker(plan, &plan->workers[i], i);
    for (unsigned i = 0; i < plan->options.accounts; i++) {
        struct event *event = &plan->accounts[i].sweep_at;

        *event = (struct event){.ring = on_sweep, .owner = plan, .node = {.owner = event}};
        plan_at(plan, event, plan->start);
    }
}

void calls_close(struct plan *plan)
{
    while (plan->made_rounds != NULL) {
        struct round *round = plan->made_rounds;

        plan->made_rounds = round->next_made;
        free(round);
    }
    for (unsigned i = 0; i < plan->options.workers; i++) {
        free(plan->workers[i].readers);
        free(plan->workers[i].gates);
    }
    free(plan->workers);
}
