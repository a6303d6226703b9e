/* Walks an account's list of identities now and then, and brings forward the look at every domain
 * of ours that the list contradicts (sv/sweep.h). It changes no state and writes no event.
 *
 * Happy path: the store gives this worker the turn; page by page the list is asked for behind its
 * gate; each listed domain is looked up by its owners (OWNERS), its state is read (READ) and, where
 * the core advises so, its due time lowered (HURRY). A domain of ours that our own last complete
 * walk had seen and this one has not is judged as missing. Then the turn is given back, with the
 * number of identities, by which the store's readers know how large the account is.
 *
 * What can fail: SES or the store, then the walk is given up and the next one begins a while later,
 * from the first page, which costs a call for a thousand identities. Somebody else walks: we come
 * back when his turn is over. */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"
#include "sv/sweep.h"

enum {
    GLANCES = 8,       /* domains looked up at once */
    SEEN_MAX = 100000, /* ten times SES's quota; beyond it nothing is judged as missing */
};

static const sv_ms lease_ms = 5 * SV_MINUTE; /* for a page, its place in the gate's line included */
static const sv_ms again_ms = 5 * SV_MINUTE; /* after a walk that was given up */
static const sv_ms count_every_ms = SV_DAY;  /* small accounts: only to learn whether they grew */
static const sv_ms first_ms = SV_SECOND;

enum glance_step { GLANCE_IDLE, GLANCE_OWNERS, GLANCE_READ, GLANCE_HURRY };

/* One domain being looked up. */
struct glance {
    struct sweeper *sweeper;
    struct letter letter;
    struct errand errand;
    enum glance_step step;
    enum sv_err result;
    char domain[SV_NAME_BYTES], registrable[SV_NAME_BYTES];
    char uid[SV_UID_BYTES], client_id[SV_CLIENT_BYTES];
    unsigned shard;
    struct sv_listed listed;
    bool is_ours, hurry;
};

/* A domain of ours in the list. Small, because a walk remembers all of them. */
struct seen {
    uint64_t number; /* the uid's 16 digits */
    unsigned shard;
};

struct seen_list {
    struct seen *items;
    size_t count, room;
    bool whole; /* of a complete walk */
};

enum phase {
    SWEEP_RESTING, /* an alarm will ring */
    SWEEP_LOOKING,
    SWEEP_BEGINNING,
    SWEEP_LISTING,
    SWEEP_GLANCING,
    SWEEP_TURNING, /* between two pages */
    SWEEP_MISSING,
    SWEEP_FINISHING,
};

struct sweeper {
    struct sv_drive *drive;
    struct teller *teller;
    enum phase phase;
    struct letter letter;
    struct alarm at;
    struct errand errand;
    struct ticket ticket;
    enum sv_err result;       /* of the errand or the ticket */
    struct sv_ses_page *page; /* while walking */
    char token[SV_SES_PAGE_TOKEN_BYTES];
    struct glance glances[GLANCES];
    unsigned glancing;
    size_t next; /* of the page, or of what the last walk saw */
    struct seen_list seen, before;
    sv_ms since, began_at, asked_at; /* the store's clock */
    size_t pages, identities, ours, hurried;
    bool failed; /* a glance could not be ended */
};

static void step(void *owner);

/* ---- resting ---- */

static void rest(struct sweeper *sweeper, sv_ms wait_ms)
{
    struct sv_drive *drive = sweeper->drive;

    sweeper->phase = SWEEP_RESTING;
    free(sweeper->page);
    sweeper->page = NULL;
    if (drive->phase == DRIVE_WORKING) /* workers that rest alike do not come back together */
        alarm_set(drive, &sweeper->at,
                  wait_ms + (sv_ms)sv_rand_below(drive->options.rand, (uint64_t)wait_ms / 16 + 1));
}

static void give_up(struct sweeper *sweeper, const char *what, const struct sv_errinfo *info)
{
    sv_ms every_ms = sweeper->drive->options.sweep_every_ms;

    if (sweeper->drive->phase == DRIVE_WORKING)
        sv_log_line(sweeper->drive->options.log, SV_LOG_WARN, "sweep_given_up", what,
                    SV_LOG_STR("account", sweeper->teller->account.name),
                    SV_LOG_INT("pages", sweeper->pages),
                    SV_LOG_STR("error", info != NULL ? info->text : NULL));
    rest(sweeper, every_ms < again_ms ? every_ms : again_ms);
}

/* ---- the turn ---- */

static void on_turn(struct errand *errand, enum sv_err err)
{
    struct sweeper *sweeper = errand->owner;

    sweeper->result = err;
    if (err == SV_OK)
        drive_learn_now(sweeper->drive, errand->call.u.sweep.now);
    post(sweeper->drive, &sweeper->letter);
}

static void ask_turn(struct sweeper *sweeper, enum sv_store_sweep_verb verb, enum phase phase)
{
    struct sv_store_call *call = &sweeper->errand.call;
    sv_ms started_at = call->u.sweep.started_at; /* as it was told last */

    sweeper->phase = phase;
    call->op = SV_STORE_SWEEP;
    call->shard = 0;
    call->u.sweep = (struct sv_store_sweep){
        .verb = verb,
        .account = sweeper->teller->account.name,
        .region = sweeper->teller->account.region,
        .worker = sweeper->drive->options.worker,
        .lease_ms = lease_ms,
        .pages = sweeper->pages,
        .domains = sweeper->identities,
        .started_at = started_at,
    };
    errand_run(sweeper->drive, &sweeper->errand, on_turn, sweeper);
}

/* The account's name, so that accounts of one worker begin at different moments. */
static uint64_t spread_of(const struct sweeper *sweeper)
{
    const char *name = sweeper->teller->account.name;

    return sv_fnv1a(SV_FNV_START, name, strlen(name));
}

/* How long until a walk begins. An account of which nobody knows how large it is, is walked once;
 * one that is too small for sweeps to pay, once a day, since it may grow. */
static sv_ms wait_of(const struct sweeper *sweeper, const struct sv_store_sweep *turn)
{
    const struct sv_drive_options *options = &sweeper->drive->options;
    size_t least = options->sweep_domains_min;
    struct sv_sweep state = {.started_at = turn->started_at,
                             .finished_at = turn->finished_at,
                             .pages = (unsigned)turn->pages};
    struct sv_sweep_plan plan = {.every_ms = options->sweep_every_ms,
                                 .domains = turn->domains == 0 ? SV_SWEEP_DOMAINS_MIN + least
                                                               : turn->domains,
                                 .domains_min = least,
                                 .spread = spread_of(sweeper)};
    sv_ms wait_ms = sv_sweep_wait_ms(&state, &plan, sweeper->since, turn->now);

    if (wait_ms >= 0)
        return wait_ms;
    wait_ms = turn->started_at + count_every_ms - turn->now;
    return wait_ms > 0 ? wait_ms : 0;
}

static void look(struct sweeper *sweeper)
{
    const struct sv_store_sweep *turn = &sweeper->errand.call.u.sweep;
    sv_ms wait_ms;

    if (sweeper->since == 0)
        sweeper->since = turn->now;
    wait_ms = turn->wait_ms > 0 ? turn->wait_ms : wait_of(sweeper, turn);
    if (wait_ms > 0)
        rest(sweeper, wait_ms);
    else
        ask_turn(sweeper, SV_STORE_SWEEP_BEGIN, SWEEP_BEGINNING);
}

/* ---- pages ---- */

static bool on_permitted(struct ticket *ticket)
{
    struct sweeper *sweeper = ticket->owner;

    sweeper->asked_at = drive_now(sweeper->drive);
    return true;
}

static void on_listed(struct ticket *ticket, enum sv_err err)
{
    struct sweeper *sweeper = ticket->owner;

    sweeper->result = err;
    post(sweeper->drive, &sweeper->letter);
}

static void ask_page(struct sweeper *sweeper)
{
    sweeper->phase = SWEEP_LISTING;
    sweeper->ticket = (struct ticket){.fill = on_permitted, .done = on_listed, .owner = sweeper};
    sweeper->ticket.call.page = sweeper->page;
    sweeper->ticket.call.page_token = sweeper->token;
    gate_queue(&sweeper->teller->gates[SV_SES_LIST], &sweeper->ticket);
}

static void begin(struct sweeper *sweeper)
{
    const struct sv_store_sweep *turn = &sweeper->errand.call.u.sweep;

    if (!turn->held) { /* somebody was quicker */
        rest(sweeper, turn->wait_ms > first_ms ? turn->wait_ms : first_ms);
        return;
    }
    sweeper->began_at = turn->started_at;
    sweeper->pages = sweeper->identities = sweeper->ours = sweeper->hurried = 0;
    sweeper->seen.count = 0;
    sweeper->seen.whole = true;
    sweeper->token[0] = '\0';
    sweeper->page = sv_alloc(1, sizeof *sweeper->page);
    ask_page(sweeper);
}

/* ---- what was seen ---- */

static void remember(struct sweeper *sweeper, const struct glance *glance)
{
    struct seen_list *list = &sweeper->seen;

    sweeper->ours++;
    if (list->count == SEEN_MAX) {
        list->whole = false;
        return;
    }
    if (list->count == list->room) {
        list->room = list->room == 0 ? 256 : 2 * list->room;
        list->items = sv_realloc(list->items, list->room * sizeof *list->items);
    }
    list->items[list->count++] =
        (struct seen){.number = strtoull(glance->uid, NULL, 16), .shard = glance->shard};
}

static int by_number(const void *a, const void *b)
{
    const struct seen *one = a, *two = b;

    return one->number < two->number ? -1 : one->number > two->number;
}

static bool is_seen(const struct seen_list *list, const struct seen *wanted)
{
    return list->count > 0 &&
           bsearch(wanted, list->items, list->count, sizeof *list->items, by_number) != NULL;
}

/* ---- glances ---- */

static void on_owners(struct glance *glance, const struct sv_store_owners *owners)
{
    const char *account = glance->sweeper->teller->account.name;

    for (size_t i = 0; i < owners->count && !glance->is_ours; i++) {
        const struct sv_store_owner *owner = &owners->owners[i];

        if (strcmp(owner->account, account) != 0)
            continue;
        glance->is_ours = true;
        (void)snprintf(glance->client_id, sizeof glance->client_id, "%s", owner->client_id);
        sv_uid(account, owner->client_id, glance->domain, glance->uid);
        glance->shard = sv_crc32(owner->client_id, strlen(owner->client_id)) %
                        glance->sweeper->drive->options.shards;
    }
}

static void on_state(struct glance *glance, const struct sv_store_read *read)
{
    struct sv_record_sheet sheet;
    struct sv_errinfo info;

    if (!read->found || sv_state_read(read->fields, read->fields_count, &sheet, &info) != SV_OK ||
        strcmp(sheet.registration.account, glance->sweeper->teller->account.name) != 0)
        return;
    (void)snprintf(glance->client_id, sizeof glance->client_id, "%s", read->client_id);
    glance->hurry = sv_sweep_judge(&sheet.domain, &glance->listed) == SV_SWEEP_HURRY;
}

static void on_glance(struct errand *errand, enum sv_err err)
{
    struct glance *glance = errand->owner;

    glance->result = err;
    if (err == SV_OK && glance->step == GLANCE_OWNERS)
        on_owners(glance, &errand->call.u.owners);
    if (err == SV_OK && glance->step == GLANCE_READ)
        on_state(glance, &errand->call.u.read);
    if (err == SV_OK && glance->step == GLANCE_HURRY && errand->call.u.hurry.hurried)
        glance->sweeper->hurried++;
    post(glance->sweeper->drive, &glance->letter);
}

static void ask_store(struct glance *glance, enum glance_step next)
{
    struct sv_store_call *call = &glance->errand.call;

    glance->step = next;
    *call = (struct sv_store_call){.op = SV_STORE_OWNERS, .shard = 0};
    if (next == GLANCE_OWNERS) {
        call->u.owners.registrable = glance->registrable;
        call->u.owners.domain = glance->domain;
    } else if (next == GLANCE_READ) {
        call->op = SV_STORE_READ;
        call->shard = glance->shard;
        call->u.read.uid = glance->uid;
    } else {
        call->op = SV_STORE_HURRY;
        call->shard = glance->shard;
        call->u.hurry = (struct sv_store_hurry){.uid = glance->uid, .client_id = glance->client_id};
    }
    errand_run(glance->sweeper->drive, &glance->errand, on_glance, glance);
}

static void end_glance(struct glance *glance)
{
    struct sweeper *sweeper = glance->sweeper;

    if (glance->result != SV_OK)
        sweeper->failed = true;
    glance->step = GLANCE_IDLE;
    sweeper->glancing--;
    post(sweeper->drive, &sweeper->letter);
}

static void step_glance(void *owner)
{
    struct glance *glance = owner;
    bool goes_on = glance->result == SV_OK && glance->sweeper->drive->phase == DRIVE_WORKING;

    if (goes_on && glance->step == GLANCE_OWNERS && glance->is_ours) {
        remember(glance->sweeper, glance);
        ask_store(glance, GLANCE_READ);
    } else if (goes_on && glance->step == GLANCE_READ && glance->hurry) {
        ask_store(glance, GLANCE_HURRY);
    } else {
        end_glance(glance);
    }
}

/* The next line of the page that names a domain; false at its end. */
static bool take_listed(struct sweeper *sweeper, struct glance *glance)
{
    while (sweeper->next < sweeper->page->count) {
        const struct sv_ses_listed *line = &sweeper->page->listed[sweeper->next++];

        if (!line->is_domain ||
            sv_name_normalize(line->name, strlen(line->name), glance->domain, NULL) != SV_OK ||
            sv_name_registrable(glance->domain, glance->registrable) != SV_OK)
            continue;
        glance->listed = (struct sv_listed){.identity = line->identity,
                                            .sending = line->sending_enabled,
                                            .asked_at = sweeper->asked_at};
        return true;
    }
    return false;
}

/* The next domain that the last walk had seen and this one has not; false at the end. */
static bool take_missing(struct sweeper *sweeper, struct glance *glance)
{
    while (sweeper->next < sweeper->before.count) {
        const struct seen *seen = &sweeper->before.items[sweeper->next++];

        if (is_seen(&sweeper->seen, seen))
            continue;
        (void)snprintf(glance->uid, sizeof glance->uid, "%016llx",
                       (unsigned long long)seen->number);
        glance->shard = seen->shard;
        glance->listed = (struct sv_listed){.missing = true, .asked_at = sweeper->began_at};
        return true;
    }
    return false;
}

/* Keeps as many glances going as may be; true when there is nothing left to look up. */
static bool glance_around(struct sweeper *sweeper)
{
    for (size_t i = 0; i < GLANCES; i++) {
        struct glance *glance = &sweeper->glances[i];

        if (glance->step != GLANCE_IDLE || sweeper->failed)
            continue;
        glance->is_ours = glance->hurry = false;
        if (sweeper->phase == SWEEP_GLANCING) {
            if (!take_listed(sweeper, glance))
                break;
            sweeper->glancing++;
            ask_store(glance, GLANCE_OWNERS);
        } else {
            if (!take_missing(sweeper, glance))
                break;
            sweeper->glancing++;
            ask_store(glance, GLANCE_READ);
        }
    }
    return sweeper->glancing == 0;
}

/* ---- from step to step ---- */

static void read_page(struct sweeper *sweeper)
{
    if (sweeper->result != SV_OK) {
        give_up(sweeper, "SES's list could not be read", &sweeper->ticket.call.info);
        return;
    }
    sweeper->pages++;
    sweeper->identities += sweeper->page->count;
    sweeper->next = 0;
    sweeper->failed = false;
    sweeper->phase = SWEEP_GLANCING;
    post(sweeper->drive, &sweeper->letter);
}

/* SES's position of the next page is opaque; one that does not move would be walked for ever. */
static void turn_page(struct sweeper *sweeper)
{
    struct seen_list *seen = &sweeper->seen;
    bool moves = strcmp(sweeper->page->next_token, sweeper->token) != 0;

    if (!sweeper->errand.call.u.sweep.held) {
        give_up(sweeper, "the turn was lost to another worker", NULL);
        return;
    }
    (void)snprintf(sweeper->token, sizeof sweeper->token, "%s", sweeper->page->next_token);
    if (sweeper->token[0] != '\0' && moves && sweeper->pages < SV_SWEEP_PAGES_MAX) {
        ask_page(sweeper);
        return;
    }
    if (sweeper->token[0] != '\0')
        seen->whole = false;
    if (seen->count > 1)
        qsort(seen->items, seen->count, sizeof *seen->items, by_number);
    sweeper->next = seen->whole ? 0 : sweeper->before.count;
    sweeper->phase = SWEEP_MISSING;
    post(sweeper->drive, &sweeper->letter);
}

static void finish(struct sweeper *sweeper)
{
    const struct sv_store_sweep *turn = &sweeper->errand.call.u.sweep;
    struct seen_list last = sweeper->before;

    if (sweeper->seen.whole) {
        sweeper->before = sweeper->seen;
        sweeper->seen = last;
    }
    sweeper->drive->stats.sweeps++;
    sweeper->drive->stats.sweeps_hurried += sweeper->hurried;
    sv_log_line(sweeper->drive->options.log, SV_LOG_INFO, "sweep_done",
                "the account's list was walked",
                SV_LOG_STR("account", sweeper->teller->account.name),
                SV_LOG_INT("pages", sweeper->pages), SV_LOG_INT("identities", sweeper->identities),
                SV_LOG_INT("ours", sweeper->ours), SV_LOG_INT("hurried", sweeper->hurried),
                SV_LOG_INT("duration_ms", turn->finished_at - turn->started_at));
    rest(sweeper, wait_of(sweeper, turn));
}

static void step(void *owner)
{
    struct sweeper *sweeper = owner;
    bool asks_store = sweeper->phase == SWEEP_LOOKING || sweeper->phase == SWEEP_BEGINNING ||
                      sweeper->phase == SWEEP_TURNING || sweeper->phase == SWEEP_FINISHING;

    if (sweeper->drive->phase != DRIVE_WORKING || (asks_store && sweeper->result != SV_OK)) {
        if (sweeper->phase != SWEEP_RESTING && sweeper->glancing == 0)
            give_up(sweeper, "the store does not give the turn", &sweeper->errand.call.info);
        return;
    }
    switch (sweeper->phase) {
    case SWEEP_RESTING:
        break;
    case SWEEP_LOOKING:
        look(sweeper);
        break;
    case SWEEP_BEGINNING:
        begin(sweeper);
        break;
    case SWEEP_LISTING:
        read_page(sweeper);
        break;
    case SWEEP_TURNING:
        turn_page(sweeper);
        break;
    case SWEEP_GLANCING:
    case SWEEP_MISSING:
        if (!glance_around(sweeper))
            break;
        if (sweeper->failed)
            give_up(sweeper, "a domain could not be looked up", NULL);
        else if (sweeper->phase == SWEEP_GLANCING)
            ask_turn(sweeper, SV_STORE_SWEEP_PAGE, SWEEP_TURNING);
        else
            ask_turn(sweeper, SV_STORE_SWEEP_FINISH, SWEEP_FINISHING);
        break;
    case SWEEP_FINISHING:
        finish(sweeper);
        break;
    }
}

/* ---- life ---- */

static void on_alarm(struct alarm *alarm)
{
    ask_turn(alarm->owner, SV_STORE_SWEEP_LOOK, SWEEP_LOOKING);
}

void sweeper_start(struct sv_drive *drive, struct teller *teller)
{
    struct sweeper *sweeper;

    if (drive->options.sweep_every_ms == 0)
        return;
    sweeper = teller->sweeper = sv_alloc(1, sizeof *sweeper);
    sweeper->drive = drive;
    sweeper->teller = teller;
    sweeper->letter = (struct letter){.step = step, .owner = sweeper};
    alarm_init(&sweeper->at, on_alarm, sweeper);
    for (size_t i = 0; i < GLANCES; i++) {
        sweeper->glances[i].sweeper = sweeper;
        sweeper->glances[i].letter =
            (struct letter){.step = step_glance, .owner = &sweeper->glances[i]};
    }
    rest(sweeper, first_ms);
}

void sweeper_stop(struct teller *teller)
{
    struct sweeper *sweeper = teller->sweeper;

    if (sweeper == NULL)
        return;
    alarm_stop(sweeper->drive, &sweeper->at);
    ticket_cancel(&sweeper->ticket);
    errand_cancel(&sweeper->errand);
    for (size_t i = 0; i < GLANCES; i++)
        errand_cancel(&sweeper->glances[i].errand);
}

void sweeper_free(struct teller *teller)
{
    struct sweeper *sweeper = teller->sweeper;

    if (sweeper == NULL)
        return;
    free(sweeper->page);
    free(sweeper->seen.items);
    free(sweeper->before.items);
    free(sweeper);
    teller->sweeper = NULL;
}
