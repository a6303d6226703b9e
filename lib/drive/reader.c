/* Batched reads of one account: many domains, one call per attribute.
 *
 * Happy path: checks that want to know what SES says gather in a list. As soon as a permit for the
 * identity read is there, up to 100 of them become a round; the round reads identity, DKIM and MAIL
 * FROM, each call behind its own gate, and when all are answered every check of the round gets its
 * part. The next round gathers meanwhile. When one of the calls fails, the whole round knows
 * nothing: half a picture is no observation. A check that ends early (fenced, handed back) leaves
 * its place in the round empty. */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "sv/alloc.h"
#include "sv/require.h"

enum { LINGER_MS = 25, READS = 3 };

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

static void on_batch(struct ticket *ticket, enum sv_err err)
{
    struct round *round = ticket->owner;
    enum sv_ses_op op = ticket->gate->op;

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
    if (round->reader->gathering == round)
        round->reader->gathering = NULL; /* canceled before it was filled */
    if (--round->open == 0)
        end_round(round);
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

static struct check *pop_waiting(struct reader *reader)
{
    struct check *check = reader->waiting_head;

    reader->waiting_head = check->next_waiting;
    if (reader->waiting_head == NULL)
        reader->waiting_tail = NULL;
    reader->waiting_count--;
    check->next_waiting = NULL;
    return check;
}

/* The permit is there: whoever waits now is in the round. */
static bool fill_round(struct ticket *ticket)
{
    struct round *round = ticket->owner;
    struct reader *reader = round->reader;

    reader->gathering = NULL;
    if (reader->waiting_head == NULL)
        return false; /* everybody has left */
    round->names = sv_alloc(SV_SES_BATCH_MAX, SV_NAME_BYTES);
    while (round->count < SV_SES_BATCH_MAX && reader->waiting_head != NULL) {
        struct check *check = pop_waiting(reader);

        check->round = round;
        (void)snprintf(round->names[round->count], SV_NAME_BYTES, "%s",
                       check->before.registration.domain);
        round->checks[round->count++] = check;
    }
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

/* A full batch asks for its permit at once; a smaller one waits a moment for company, since a call
 * for one domain costs as much as a call for a hundred. */
static void gather(struct reader *reader)
{
    if (reader->waiting_head == NULL || reader->gathering != NULL)
        return;
    if (reader->waiting_count >= SV_SES_BATCH_MAX)
        start_round(reader);
    else if (!sv_heap_has(&reader->linger.node))
        alarm_set(reader->drive, &reader->linger, LINGER_MS);
}

static void on_linger(struct alarm *alarm)
{
    struct reader *reader = alarm->owner;

    if (reader->waiting_head != NULL && reader->gathering == NULL)
        start_round(reader);
}

void reader_init(struct reader *reader, struct sv_drive *drive, struct teller *teller)
{
    *reader = (struct reader){.drive = drive, .teller = teller};
    alarm_init(&reader->linger, on_linger, reader);
}

void reader_queue(struct reader *reader, struct check *check)
{
    check->round_waiting = true;
    check->next_waiting = NULL;
    if (reader->waiting_tail == NULL)
        reader->waiting_head = check;
    else
        reader->waiting_tail->next_waiting = check;
    reader->waiting_tail = check;
    reader->waiting_count++;
    gather(reader);
}

static void leave_list(struct reader *reader, struct check *check)
{
    struct check **link = &reader->waiting_head, *last = NULL;

    while (*link != NULL && *link != check) {
        last = *link;
        link = &last->next_waiting;
    }
    if (*link == NULL)
        return;
    *link = check->next_waiting;
    if (reader->waiting_tail == check)
        reader->waiting_tail = last;
    reader->waiting_count--;
}

void reader_forget(struct reader *reader, struct check *check)
{
    if (!check->round_waiting)
        return;
    check->round_waiting = false;
    if (check->round == NULL) {
        leave_list(reader, check);
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
