/* Batched reads of one account: many domains, one call per attribute.
 *
 * Happy path: checks that want to know what SES says wait at the planner. As soon as a permit for
 * the identity read is there, it names up to 100 of them, who become a round; the round reads
 * identity, DKIM and MAIL FROM, each call behind its own gate, and when all are answered every
 * check of the round gets its part. The next round gathers meanwhile. When one of the calls fails,
 * or its gate lets nobody through, the whole round knows nothing: half a picture is no observation.
 * A check that ends early (fenced, handed back) leaves its place in the round empty. */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/digest.h"
#include "sv/require.h"

enum { LINGER_MS = 25, GUARD_LINGER_MS = 5000, READS = 3 };

static const enum sv_ses_op ops[READS] = {SV_SES_READ_IDENTITIES, SV_SES_READ_DKIM,
                                          SV_SES_READ_MAIL_FROM};

/* One call of a round and the checks it speaks of. */
struct batch {
    struct ticket ticket;
    size_t count;
    size_t members[SV_SES_BATCH_MAX]; /* indices into the round's checks */
    const char *domains[SV_SES_BATCH_MAX];
    struct sv_ses_identity *results;
};

struct round {
    struct reader *reader;
    size_t count;
    struct check *checks[SV_SES_BATCH_MAX]; /* NULL = left early */
    char (*names)[SV_NAME_BYTES];           /* outlive checks that leave */
    struct batch batches[READS];
    unsigned open; /* calls not yet answered */
    bool failed;
};

static void gather(struct reader *reader);

static void free_round(struct round *round)
{
    for (int i = 0; i < READS; i++)
        free(round->batches[i].results);
    free(round->names);
    free(round);
}

static void take_result(struct check *check, enum sv_ses_op op,
                        const struct sv_ses_identity *result)
{
    struct sv_observation *seen = &check->seen;

    check_tell(check, op, result);
    if (op == SV_SES_READ_IDENTITIES)
        seen->identity = result->listed ? result->identity : SV_AXIS_GONE;
    if (op == SV_SES_READ_DKIM && result->listed) {
        seen->dkim = result->dkim;
        seen->signing = result->signing_enabled;
    }
    if (op == SV_SES_READ_MAIL_FROM)
        seen->mail_from = result->listed ? result->mail_from : SV_AXIS_NONE;
}

static void end_round(struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        struct check *check = round->checks[i];

        if (check == NULL)
            continue;
        check->round = NULL;
        check->round_waiting = false;
        check->seen.ses_known = !round->failed;
        if (round->failed) {
            check->seen.identity = check->seen.dkim = check->seen.mail_from = SV_AXIS_UNKNOWN;
            check->seen.signing = SV_TRI_UNKNOWN;
        } else if (!check->before.domain.mail_from_wanted) {
            check->seen.mail_from =
                SV_AXIS_NONE; /* provisioning left none: no call is spent on it */
        }
        check_post(check);
    }
    free_round(round);
}

static void prepare_batch(struct round *round, int index)
{
    struct batch *batch = &round->batches[index];

    batch->count = 0;
    for (size_t i = 0; i < round->count; i++) {
        if (ops[index] == SV_SES_READ_MAIL_FROM && round->checks[i] != NULL &&
            !round->checks[i]->before.domain.mail_from_wanted)
            continue;
        batch->members[batch->count] = i;
        batch->domains[batch->count++] = round->names[i];
    }
    if (batch->count == 0)
        return;
    batch->results = sv_alloc(batch->count, sizeof *batch->results);
    batch->ticket.call.domains = batch->domains;
    batch->ticket.call.domains_count = batch->count;
    batch->ticket.call.results = batch->results;
}

static void learn_pace(struct reader *reader)
{
    struct sv_pace pace = gate_pace(&reader->teller->gates[ops[0]]), *known = &reader->planner.pace;

    if (pace.workers == known->workers && pace.interval_ms == known->interval_ms)
        return;
    sv_planner_set_pace(&reader->planner, pace);
    plan_trace_pace(reader);
}

static void note_wait(struct reader *reader, const struct sv_ask *ask)
{
    struct sv_drive_stats *stats = &reader->drive->stats;
    sv_ms waited_ms = drive_monotonic(reader->drive) - ask->asked_at;

    if (waited_ms > stats->ses_wait_worst_ms[ask->kind])
        stats->ses_wait_worst_ms[ask->kind] = waited_ms;
    stats->ses_waits_over_bound +=
        sv_planner_overstayed(&reader->planner, ask, ask->asked_at + waited_ms);
}

static void join(struct round *round, struct check *check)
{
    check->round = round;
    (void)snprintf(round->names[round->count], SV_NAME_BYTES, "%s",
                   check->before.registration.domain);
    round->checks[round->count++] = check;
}

/* The planner says who is in the round; false = everybody has left. */
static bool take_members(struct round *round)
{
    struct reader *reader = round->reader;
    struct sv_ask *asks[SV_SES_BATCH_MAX];
    size_t count = sv_planner_take(&reader->planner, asks);

    plan_trace_take(reader, asks, count);
    if (count == 0)
        return false;
    round->names = sv_alloc(count, SV_NAME_BYTES);
    for (size_t i = 0; i < count; i++) {
        note_wait(reader, asks[i]);
        join(round, asks[i]->owner);
    }
    return true;
}

static void on_batch(struct ticket *ticket, enum sv_err err)
{
    struct round *round = ticket->owner;
    struct reader *reader = round->reader;
    enum sv_ses_op op = ticket->gate->op;
    bool is_unfilled = reader->gathering == round;

    if (err != SV_OK)
        round->failed = true;
    for (size_t i = 0; !round->failed && i < ticket->call.domains_count; i++) {
        for (int b = 0; b < READS; b++) {
            struct batch *batch = &round->batches[b];
            struct check *check =
                &batch->ticket == ticket ? round->checks[batch->members[i]] : NULL;

            if (check != NULL)
                take_result(check, op, &batch->results[i]);
        }
    }
    SV_REQUIRE(round->open > 0);
    if (is_unfilled)
        reader->gathering = NULL;
    /* SES is left alone for a while: nobody is kept waiting for it. */
    if (is_unfilled && err != SV_ECANCELED)
        (void)take_members(round);
    if (--round->open == 0)
        end_round(round);
    if (is_unfilled && err != SV_ECANCELED)
        gather(reader);
}

/* The permit is there. */
static bool fill_round(struct ticket *ticket)
{
    struct round *round = ticket->owner;
    struct reader *reader = round->reader;

    learn_pace(reader);
    reader->gathering = NULL;
    if (!take_members(round))
        return false;
    for (int i = 0; i < READS; i++) {
        prepare_batch(round, i);
        if (i == 0 || round->batches[i].count == 0)
            continue;
        round->open++;
        round->batches[i].ticket.owner = round;
        round->batches[i].ticket.done = on_batch;
        gate_queue(&reader->teller->gates[ops[i]], &round->batches[i].ticket);
    }
    gather(reader);
    return true;
}

/* Nobody waits for the look at a healthy domain: it may stay a moment for company, since a call for
 * one costs as much as a call for a hundred. A ten-thousandth of the pace: 5 s of a day. */
static sv_ms guard_linger_ms(const struct sv_policy *policy)
{
    sv_ms linger_ms = policy->verified_every_ms / 10000;

    return linger_ms < LINGER_MS         ? LINGER_MS
           : linger_ms > GUARD_LINGER_MS ? GUARD_LINGER_MS
                                         : linger_ms;
}

static void start_round(struct reader *reader)
{
    struct round *round = sv_alloc(1, sizeof *round);

    alarm_stop(reader->drive, &reader->linger);
    round->reader = reader;
    round->open = 1;
    reader->gathering = round;
    round->batches[0].ticket =
        (struct ticket){.fill = fill_round, .done = on_batch, .owner = round};
    gate_queue(&reader->teller->gates[ops[0]], &round->batches[0].ticket);
}

static void gather(struct reader *reader)
{
    const struct sv_drive *drive = reader->drive;
    bool crowded = drive->inflight * 2 > drive->options.inflight_max;
    sv_ms now = drive_monotonic(drive), wait_ms;

    if (reader->gathering != NULL)
        return;
    wait_ms = sv_planner_wait_ms(&reader->planner, now, crowded);
    plan_trace_wait(reader, now, crowded, wait_ms);
    if (wait_ms < 0)
        return;
    if (wait_ms == 0)
        start_round(reader);
    else
        alarm_set(reader->drive, &reader->linger, wait_ms);
}

static void on_linger(struct alarm *alarm)
{
    gather(alarm->owner);
}

void reader_init(struct reader *reader, struct sv_drive *drive, struct teller *teller)
{
    *reader = (struct reader){.drive = drive, .teller = teller};
    sv_planner_init(&reader->planner, SV_SES_BATCH_MAX);
    for (int kind = 0; kind < SV_ASK_KINDS; kind++)
        reader->planner.linger_ms[kind] = LINGER_MS;
    reader->planner.linger_ms[SV_ASK_GUARD] = guard_linger_ms(&drive->options.policy);
    alarm_init(&reader->linger, on_linger, reader);
    plan_trace_open(reader);
}

void reader_queue(struct reader *reader, struct check *check)
{
    bool hurry = check->before.job.entry_id[0] != '\0';

    check->round_waiting = true;
    check->ask = (struct sv_ask){
        .owner = check,
        .kind = sv_ask_kind_of(&check->before.domain, hurry),
        .client = sv_fnv1a(SV_FNV_START, check->client_id, strlen(check->client_id)),
        .asked_at = drive_monotonic(reader->drive),
    };
    learn_pace(reader);
    sv_planner_add(&reader->planner, &check->ask);
    plan_trace_add(reader, check);
    gather(reader);
}

bool reader_begin_detail(struct reader *reader, struct check *check)
{
    check->detailing = sv_planner_begin_detail(&reader->planner);
    plan_trace_detail(reader, check->detailing);
    return check->detailing;
}

void reader_end_detail(struct reader *reader, struct check *check)
{
    if (!check->detailing)
        return;
    check->detailing = false;
    sv_planner_end_detail(&reader->planner);
    plan_trace_detail_end(reader);
}

void reader_forget(struct reader *reader, struct check *check)
{
    reader_end_detail(reader, check);
    if (!check->round_waiting)
        return;
    check->round_waiting = false;
    if (check->round == NULL) {
        sv_planner_remove(&reader->planner, &check->ask);
        plan_trace_remove(reader, check);
        return;
    }
    for (size_t i = 0; i < check->round->count; i++) {
        if (check->round->checks[i] == check)
            check->round->checks[i] = NULL;
    }
    check->round = NULL;
}

void reader_stop(struct reader *reader)
{
    alarm_stop(reader->drive, &reader->linger);
}
