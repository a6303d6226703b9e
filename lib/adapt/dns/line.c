#include "line.h"

#include <string.h>

#include "sv/require.h"

enum { ROOM_MS = 20 /* between looks for room when sv_dns is full */ };

static void on_room(uv_timer_t *timer);
static void on_turn(uv_idle_t *turn);

static void push(struct sv_errand_list *list, struct sv_errand *errand)
{
    errand->next = NULL;
    errand->previous = list->last;
    if (list->last != NULL)
        list->last->next = errand;
    else
        list->first = errand;
    list->last = errand;
}

static void pull(struct sv_errand_list *list, struct sv_errand *errand)
{
    if (errand->previous != NULL)
        errand->previous->next = errand->next;
    else
        list->first = errand->next;
    if (errand->next != NULL)
        errand->next->previous = errand->previous;
    else
        list->last = errand->previous;
}

void sv_dns_line_init(struct sv_dns_line *line, uv_loop_t *loop, struct sv_dns *dns)
{
    line->dns = dns;
    SV_REQUIRE(uv_idle_init(loop, &line->turn) == 0 && uv_timer_init(loop, &line->room) == 0);
    line->turn.data = line;
    line->room.data = line;
}

void sv_dns_line_close(struct sv_dns_line *line, uv_close_cb closed)
{
    SV_REQUIRE(line->open == 0);
    line->turn.data = line->context;
    line->room.data = line->context;
    uv_close((uv_handle_t *)&line->turn, closed);
    uv_close((uv_handle_t *)&line->room, closed);
}

/* The last word to an errand; its memory is its owner's again. */
static void tell(struct sv_dns_line *line, struct sv_errand *errand, enum sv_err err,
                 const struct sv_dns_answer *answer)
{
    errand->state = SV_ERRAND_IDLE;
    line->open--;
    errand->done(errand, err, answer);
}

/* Errands are told between these two, so that the line is quiet only when it has moved up. */
static void enter(struct sv_dns_line *line)
{
    line->open++;
}

static void leave(struct sv_dns_line *line)
{
    if (--line->open == 0 && line->on_quiet != NULL)
        line->on_quiet(line->context);
}

static void end_later(struct sv_dns_line *line, struct sv_errand *errand, bool canceled)
{
    errand->state = SV_ERRAND_ENDED;
    errand->canceled = canceled;
    push(&line->ended, errand);
    (void)uv_idle_start(&line->turn, on_turn);
}

static void ask_waiting(struct sv_dns_line *line);

/* SV_ECANCELED comes after sv_errand_cancel, or when the owner of sv_dns closed it under us. */
static void on_answer(struct sv_dns_query *query, enum sv_err err,
                      const struct sv_dns_answer *answer)
{
    struct sv_errand *errand = query->owner;
    struct sv_dns_line *line = errand->line;

    line->asked--;
    enter(line);
    tell(line, errand, err, answer);
    ask_waiting(line);
    leave(line);
}

/* SV_EBUSY: it must wait. */
static enum sv_err ask(struct sv_dns_line *line, struct sv_errand *errand)
{
    struct sv_dns_server turned[SV_DNS_SERVERS_MAX];
    struct sv_dns_ask ask = {.question = &errand->question,
                             .servers = turned,
                             .servers_count = errand->count,
                             .recursion = errand->recursion,
                             .total_ms = errand->total_ms};
    enum sv_err err;

    SV_REQUIRE(errand->count >= 1 && errand->count <= SV_DNS_SERVERS_MAX);
    for (size_t i = 0; i < errand->count; i++) {
        size_t at = (errand->from + i) % errand->count;
        turned[i] = errand->addresses != NULL
                        ? sv_address_server(&errand->addresses[at], errand->port)
                        : errand->servers[at];
    }
    errand->query.owner = errand;
    err = sv_dns_start(line->dns, &errand->query, &ask, on_answer, NULL);
    if (err != SV_OK)
        return err;
    errand->state = SV_ERRAND_ASKED;
    errand->asked = true;
    line->asked++;
    return SV_OK;
}

static bool anybody_waits(const struct sv_dns_line *line)
{
    return line->waiting[0].first != NULL || line->waiting[1].first != NULL;
}

/* What of ours lands looks for room; without any, somebody else has it, and a timer does. */
static void look_again(struct sv_dns_line *line)
{
    if (anybody_waits(line) && line->asked == 0)
        (void)uv_timer_start(&line->room, on_room, ROOM_MS, 0);
}

static void ask_list(struct sv_dns_line *line, struct sv_errand_list *list)
{
    while (list->first != NULL) {
        struct sv_errand *errand = list->first;
        enum sv_err err = ask(line, errand);
        if (err == SV_EBUSY)
            return;
        pull(list, errand);
        if (err != SV_OK)
            end_later(line, errand, err == SV_ECANCELED);
    }
}

/* Lets go what there is room for now. Mostly there is room for one, so the kinds take turns. */
static void ask_waiting(struct sv_dns_line *line)
{
    line->turn_of = !line->turn_of;
    ask_list(line, &line->waiting[line->turn_of]);
    ask_list(line, &line->waiting[!line->turn_of]);
    look_again(line);
}

static void on_room(uv_timer_t *timer)
{
    ask_waiting(timer->data);
}

void sv_errand_start(struct sv_dns_line *line, struct sv_errand *errand, sv_errand_done_fn *done)
{
    struct sv_errand_list *waiting = &line->waiting[errand->recursion];
    enum sv_err err;

    SV_REQUIRE(errand->state == SV_ERRAND_IDLE && done != NULL);
    errand->line = line;
    errand->done = done;
    errand->canceled = false;
    errand->asked = false;
    line->open++;
    err = waiting->first != NULL ? SV_EBUSY : ask(line, errand); /* nobody jumps the line */
    if (err == SV_EBUSY) {
        errand->state = SV_ERRAND_WAITING;
        push(waiting, errand);
        look_again(line);
    } else if (err != SV_OK) {
        end_later(line, errand, err == SV_ECANCELED);
    }
}

static void tell_first_ended(struct sv_dns_line *line)
{
    struct sv_dns_answer answer = {.outcome = SV_DNS_UNKNOWN, .trouble = SV_DNS_NETWORK};
    struct sv_errand *errand = line->ended.first;

    pull(&line->ended, errand);
    memcpy(answer.final_name, errand->question.name, sizeof(answer.final_name));
    if (errand->canceled)
        tell(line, errand, SV_ECANCELED, NULL);
    else
        tell(line, errand, SV_OK, &answer);
}

/* Tells those present now; what their callbacks add is for the next turn. */
static void on_turn(uv_idle_t *turn)
{
    struct sv_dns_line *line = turn->data;
    size_t present = 0;

    for (const struct sv_errand *e = line->ended.first; e != NULL; e = e->next)
        present++;
    enter(line);
    while (present-- > 0)
        tell_first_ended(line);
    if (line->ended.first == NULL)
        (void)uv_idle_stop(&line->turn);
    leave(line);
}

void sv_errand_cancel(struct sv_errand *errand)
{
    switch (errand->state) {
    case SV_ERRAND_ASKED:
        sv_dns_cancel(&errand->query); /* comes back through on_answer */
        break;
    case SV_ERRAND_WAITING:
        pull(&errand->line->waiting[errand->recursion], errand);
        end_later(errand->line, errand, true);
        break;
    case SV_ERRAND_ENDED:
        errand->canceled = true;
        break;
    case SV_ERRAND_IDLE:
        break;
    }
}
