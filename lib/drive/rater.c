/* What SES tells of an account's mail: the metrics of one domain with a look at it, and the
 * recommendations of the whole account with a walk of their own.
 *
 * Happy path: a look at a sending domain whose mail is due asks for its metrics behind their gate
 * and gives them to the core. Independently, every reputation_every_ms, the account's open
 * recommendations are walked page by page and remembered by name; a look takes what stands there.
 *
 * What can fail: a call, then this look knows nothing of the mail and the next one has its regular
 * time. SES refuses the account (Virtual Deliverability Manager is off, a permission is missing):
 * that is told once, asked again rarely by whichever look comes first, and never an alarm. A walk
 * that is given up leaves what the last one found. */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

enum {
    PAGES_MAX = 100,  /* of the recommendations; more are not believed */
    SHUT_LOOKS = 4,   /* an account that refused is asked again after so many regular times */
    FORGET_WALKS = 3, /* recommendations are no longer known after so many walks that failed */
};

static const sv_ms first_ms = SV_SECOND;

/* The recommendations about one identity. */
struct advised {
    char *name; /* normal form */
    uint32_t advice;
};

struct advised_list {
    struct advised *items;
    size_t count;
};

struct rater {
    struct sv_drive *drive;
    struct teller *teller;
    struct letter letter;
    struct alarm at;
    struct ticket ticket;
    enum sv_err result;
    bool walking;
    struct sv_ses_advice_page *page; /* while walking */
    char token[SV_SES_PAGE_TOKEN_BYTES];
    size_t pages;
    struct advised_list growing, known;
    unsigned failed_walks; /* since `known`; FORGET_WALKS = there is none */
    bool is_told;          /* that SES refuses */
    sv_ms shut_until_mono; /* 0 = SES answers */
};

/* ---- accounts that SES refuses ---- */

static bool is_refusal(enum sv_err err)
{
    return err == SV_EREFUSED || err == SV_EDENIED;
}

static bool is_shut(const struct rater *rater)
{
    return drive_monotonic(rater->drive) < rater->shut_until_mono;
}

sv_ms rater_every_ms(const struct teller *teller)
{
    sv_ms every_ms = teller->account.reputation_every_ms;

    return teller->rater != NULL && is_shut(teller->rater) ? SHUT_LOOKS * every_ms : every_ms;
}

static void tell_refusal(struct rater *rater, const struct sv_errinfo *info)
{
    if (rater->is_told)
        return;
    rater->is_told = true;
    sv_log_line(
        rater->drive->options.log, SV_LOG_WARN, "reputation_unavailable",
        "SES tells nothing of this account's mail: is Virtual Deliverability Manager on, and "
        "is it allowed to ask?",
        SV_LOG_STR("account", rater->teller->account.name), SV_LOG_STR("why", info->text));
}

static void tell_answer(struct rater *rater)
{
    rater->shut_until_mono = 0;
    if (!rater->is_told)
        return;
    rater->is_told = false;
    sv_log_line(rater->drive->options.log, SV_LOG_INFO, "reputation_available",
                "SES tells of this account's mail again",
                SV_LOG_STR("account", rater->teller->account.name));
}

/* ---- the metrics of one domain ---- */

static bool is_due(const struct check *check)
{
    sv_ms due_at;

    if (check->teller->rater == NULL || !check->seen.ses_known)
        return false; /* while SES is away, nothing is asked on top */
    due_at = sv_reputation_due_at(&check->before.domain, rater_every_ms(check->teller));
    return due_at != 0 && due_at <= drive_now(check->drive);
}

/* The permit is there; somebody else may have been refused meanwhile. */
static bool on_permitted(struct ticket *ticket)
{
    const struct check *check = ticket->owner;

    return !is_shut(check->teller->rater);
}

static void on_metrics(struct ticket *ticket, enum sv_err err)
{
    struct check *check = ticket->owner;

    check->result = err;
    check_post(check);
}

/* Whole days, as SES keeps them, the one that is not over included. */
static void ask_metrics(struct check *check)
{
    sv_ms now = drive_now(check->drive);
    struct own_call *ses = check->ses;
    struct ticket *ticket;

    if (ses == NULL)
        ses = check->ses = sv_alloc(1, sizeof *ses);
    check->waiting = true;
    check->seen.mail.asked = true;
    ses->domain_name = check->before.registration.domain;
    ticket = &ses->ticket;
    ticket->owner = check;
    ticket->fill = on_permitted;
    ticket->may_call = NULL; /* asking changes nothing */
    ticket->done = on_metrics;
    ticket->call.domains = &ses->domain_name;
    ticket->call.domains_count = 1;
    ticket->call.results = &ses->identity;
    ticket->call.metrics = &ses->metrics;
    ticket->call.since = now - now % SV_DAY - (SV_REPUTATION_DAYS - 1) * SV_DAY;
    ticket->call.until = now;
    gate_queue(&check->teller->gates[SV_SES_METRICS], ticket);
}

static int by_name(const void *a, const void *b)
{
    const struct advised *one = a, *two = b;

    return strcmp(one->name, two->name);
}

static void take_metrics(struct check *check)
{
    struct rater *rater = check->teller->rater;
    struct sv_mail_seen *seen = &check->seen.mail;
    struct advised wanted = {.name = check->before.registration.domain};
    const struct advised *found = NULL;

    if (is_refusal(check->result)) {
        rater->shut_until_mono =
            drive_monotonic(check->drive) + SHUT_LOOKS * check->teller->account.reputation_every_ms;
        tell_refusal(rater, &check->ses->ticket.call.info);
    }
    if (check->result != SV_OK)
        return;
    tell_answer(rater);
    seen->known = check->ses->metrics.told;
    seen->mail = check->ses->metrics.mail;
    seen->advice_known = rater->failed_walks < FORGET_WALKS;
    if (rater->known.count > 0)
        found = bsearch(&wanted, rater->known.items, rater->known.count, sizeof *rater->known.items,
                        by_name);
    seen->mail.advice = found != NULL ? found->advice : 0;
}

bool check_mail_step(struct check *check)
{
    SV_REQUIRE(check->step == CHECK_MAIL);
    if (!check->waiting && is_due(check)) {
        ask_metrics(check);
        return false;
    }
    if (check->waiting) {
        check->waiting = false;
        take_metrics(check);
    }
    check->step = CHECK_DECIDE;
    return true;
}

/* ---- the account's recommendations ---- */

static void free_list(struct advised_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
    free(list->items);
    *list = (struct advised_list){.count = 0};
}

static void rest(struct rater *rater, sv_ms wait_ms)
{
    free(rater->page);
    rater->page = NULL;
    rater->walking = false;
    free_list(&rater->growing);
    if (rater->drive->phase == DRIVE_WORKING)
        alarm_set(rater->drive, &rater->at, wait_ms);
}

static void give_up(struct rater *rater, const char *why)
{
    const char *detail = rater->result != SV_OK ? rater->ticket.call.info.text : NULL;

    if (rater->failed_walks < FORGET_WALKS)
        rater->failed_walks++;
    if (is_refusal(rater->result))
        tell_refusal(rater, &rater->ticket.call.info);
    else if (rater->result != SV_ECANCELED)
        sv_log_line(rater->drive->options.log, SV_LOG_INFO, "recommendations_given_up", why,
                    SV_LOG_STR("account", rater->teller->account.name), SV_LOG_STR("why", detail));
    rest(rater, rater->teller->account.reputation_every_ms);
}

static void on_page(struct ticket *ticket, enum sv_err err)
{
    struct rater *rater = ticket->owner;

    rater->result = err;
    post(rater->drive, &rater->letter);
}

static void ask_page(struct rater *rater)
{
    rater->ticket = (struct ticket){.done = on_page, .owner = rater};
    rater->ticket.call.advice_page = rater->page;
    rater->ticket.call.page_token = rater->token;
    gate_queue(&rater->teller->gates[SV_SES_RECOMMENDATIONS], &rater->ticket);
}

static void begin(struct alarm *alarm)
{
    struct rater *rater = alarm->owner;

    rater->walking = true;
    rater->pages = 0;
    rater->token[0] = '\0';
    rater->page = sv_alloc(1, sizeof *rater->page);
    ask_page(rater);
}

static void keep_page(struct rater *rater)
{
    struct advised_list *list = &rater->growing;

    list->items =
        sv_realloc(list->items, (list->count + rater->page->count + 1) * sizeof *list->items);
    for (size_t i = 0; i < rater->page->count; i++) {
        const struct sv_ses_advice *line = &rater->page->lines[i];
        char name[SV_NAME_BYTES];

        if (sv_name_normalize(line->name, strlen(line->name), name, NULL) == SV_OK)
            list->items[list->count++] =
                (struct advised){.name = sv_strdup(name), .advice = line->advice};
    }
}

/* Sorted by name, one line for each. */
static void settle(struct advised_list *list)
{
    size_t kept = 0;

    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, by_name);
    for (size_t i = 0; i < list->count; i++) {
        struct advised *item = &list->items[i];

        if (kept > 0 && strcmp(list->items[kept - 1].name, item->name) == 0) {
            list->items[kept - 1].advice |= item->advice;
            free(item->name);
        } else {
            list->items[kept++] = *item;
        }
    }
    list->count = kept;
}

static void end_walk(struct rater *rater)
{
    free_list(&rater->known);
    settle(&rater->growing);
    rater->known = rater->growing;
    rater->growing = (struct advised_list){.count = 0};
    rater->failed_walks = 0;
    rest(rater, rater->teller->account.reputation_every_ms);
}

/* SES's position of the next page is opaque; one that does not move would be walked for ever. */
static void step(void *owner)
{
    struct rater *rater = owner;
    bool moves;

    if (!rater->walking)
        return;
    if (rater->result != SV_OK || rater->drive->phase != DRIVE_WORKING) {
        give_up(rater, "SES's recommendations could not be read");
        return;
    }
    keep_page(rater);
    moves = strcmp(rater->page->next_token, rater->token) != 0;
    memcpy(rater->token, rater->page->next_token, sizeof rater->token);
    if (rater->token[0] == '\0')
        end_walk(rater);
    else if (moves && ++rater->pages < PAGES_MAX)
        ask_page(rater);
    else
        give_up(rater, "SES's recommendations have no end");
}

/* ---- life ---- */

void rater_start(struct sv_drive *drive, struct teller *teller)
{
    struct rater *rater;

    if (teller->account.reputation_every_ms == 0)
        return;
    rater = teller->rater = sv_alloc(1, sizeof *rater);
    rater->drive = drive;
    rater->teller = teller;
    rater->failed_walks = FORGET_WALKS;
    rater->letter = (struct letter){.step = step, .owner = rater};
    alarm_init(&rater->at, begin, rater);
    rest(rater, teller->account.reputation_every_ms < first_ms ? teller->account.reputation_every_ms
                                                               : first_ms);
}

void rater_stop(struct teller *teller)
{
    if (teller->rater == NULL)
        return;
    alarm_stop(teller->rater->drive, &teller->rater->at);
    ticket_cancel(&teller->rater->ticket);
}

void rater_free(struct teller *teller)
{
    struct rater *rater = teller->rater;

    if (rater == NULL)
        return;
    free(rater->page);
    free_list(&rater->growing);
    free_list(&rater->known);
    free(rater);
    teller->rater = NULL;
}
