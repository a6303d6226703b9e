/* Each class keeps its asks by age, and per client: the first ask of each client stands in a ring
 * of turns and in a table, where the next ask of that client finds it. The oldest ask of a class is
 * always the first of its client, so that taking by age and taking by turn are one operation. */
#include "sv/planner.h"

#include "sv/require.h"

enum { PERMILLE = 1000 };

const char *sv_ask_kind_name(enum sv_ask_kind kind)
{
    switch (kind) {
    case SV_ASK_RECHECK:
        return "recheck";
    case SV_ASK_SEARCH:
        return "search";
    case SV_ASK_GUARD:
        return "guard";
    case SV_ASK_KINDS:
        break;
    }
    return "unknown";
}

enum sv_ask_kind sv_ask_kind_of(const struct sv_domain *domain, bool hurry)
{
    bool healthy = domain->status == SV_STATUS_VERIFIED && domain->bad_at == 0 &&
                   domain->temporary_at == 0 && domain->wrong_at == 0;

    if (hurry)
        return SV_ASK_RECHECK;
    return healthy ? SV_ASK_GUARD : SV_ASK_SEARCH;
}

/* ---- clients ---- */

static struct sv_ask **bucket_of(struct sv_ask_line *line, uint64_t client)
{
    return &line->buckets[(client ^ client >> 32) % SV_PLANNER_BUCKETS];
}

static struct sv_ask *first_of(struct sv_ask_line *line, uint64_t client)
{
    struct sv_ask *first = *bucket_of(line, client);

    while (first != NULL && first->client != client)
        first = first->neighbour;
    return first;
}

static void enter_bucket(struct sv_ask_line *line, struct sv_ask *first)
{
    struct sv_ask **bucket = bucket_of(line, first->client);

    first->neighbour = *bucket;
    *bucket = first;
}

static void leave_bucket(struct sv_ask_line *line, struct sv_ask *first)
{
    struct sv_ask **link = bucket_of(line, first->client);

    while (*link != first)
        link = &(*link)->neighbour;
    *link = first->neighbour;
}

/* ---- turns ---- */

static void enter_turn(struct sv_ask_line *line, struct sv_ask *first, struct sv_ask *before)
{
    first->turn_before = before;
    first->turn = before == NULL ? line->first_turn : before->turn;
    if (first->turn_before != NULL)
        first->turn_before->turn = first;
    else
        line->first_turn = first;
    if (first->turn != NULL)
        first->turn->turn_before = first;
    else
        line->last_turn = first;
}

static void leave_turn(struct sv_ask_line *line, struct sv_ask *first)
{
    if (first->turn_before != NULL)
        first->turn_before->turn = first->turn;
    else
        line->first_turn = first->turn;
    if (first->turn != NULL)
        first->turn->turn_before = first->turn_before;
    else
        line->last_turn = first->turn_before;
}

/* ---- age ---- */

static void enter_age(struct sv_ask_line *line, struct sv_ask *ask)
{
    ask->newer = NULL;
    ask->older = line->newest;
    if (line->newest != NULL)
        line->newest->newer = ask;
    else
        line->oldest = ask;
    line->newest = ask;
}

static void leave_age(struct sv_ask_line *line, struct sv_ask *ask)
{
    if (ask->older != NULL)
        ask->older->newer = ask->newer;
    else
        line->oldest = ask->newer;
    if (ask->newer != NULL)
        ask->newer->older = ask->older;
    else
        line->newest = ask->older;
}

/* ---- the line of a class ---- */

static void enter(struct sv_ask_line *line, struct sv_ask *ask)
{
    struct sv_ask *first = first_of(line, ask->client);

    enter_age(line, ask);
    ask->mate = NULL;
    ask->last_mate = ask;
    if (first == NULL) {
        ask->mate_before = NULL;
        enter_turn(line, ask, line->last_turn);
        enter_bucket(line, ask);
    } else {
        ask->mate_before = first->last_mate;
        first->last_mate->mate = ask;
        first->last_mate = ask;
    }
    line->count++;
}

/* The client's next ask stands in for its first one: at the end of the ring after a turn, in its
 * place when the first one only went away. */
static void hand_over(struct sv_ask_line *line, struct sv_ask *first, bool had_turn)
{
    struct sv_ask *heir = first->mate, *before = first->turn_before;

    leave_turn(line, first);
    leave_bucket(line, first);
    if (heir == NULL)
        return;
    heir->mate_before = NULL;
    heir->last_mate = first->last_mate;
    enter_turn(line, heir, had_turn ? line->last_turn : before);
    enter_bucket(line, heir);
}

static void leave(struct sv_ask_line *line, struct sv_ask *ask, bool had_turn)
{
    leave_age(line, ask);
    line->count--;
    if (ask->mate_before == NULL) {
        hand_over(line, ask, had_turn);
        return;
    }
    ask->mate_before->mate = ask->mate;
    if (ask->mate != NULL)
        ask->mate->mate_before = ask->mate_before;
    else
        first_of(line, ask->client)->last_mate = ask->mate_before;
}

/* ---- the planner ---- */

static size_t aged_places(const struct sv_planner *planner)
{
    size_t places = planner->batch_max * SV_PLANNER_AGED_PERMILLE / PERMILLE;

    return places > 0 ? places : 1;
}

void sv_planner_init(struct sv_planner *planner, size_t batch_max)
{
    SV_REQUIRE(batch_max >= SV_ASK_KINDS);
    *planner = (struct sv_planner){.batch_max = batch_max};
}

void sv_planner_set_pace(struct sv_planner *planner, struct sv_pace pace)
{
    planner->pace = pace;
}

static size_t batches(const struct sv_planner *planner, enum sv_ask_kind kind)
{
    return planner->lines[kind].count / aged_places(planner) + 1;
}

static sv_ms turn_ms(const struct sv_planner *planner)
{
    unsigned workers = planner->pace.workers > 0 ? planner->pace.workers : 1;

    return (sv_ms)workers * planner->pace.interval_ms + SV_PLANNER_SLACK_MS;
}

sv_ms sv_planner_bound_ms(const struct sv_planner *planner, enum sv_ask_kind kind)
{
    return planner->linger_ms[kind] + (sv_ms)batches(planner, kind) * turn_ms(planner);
}

bool sv_planner_overstayed(const struct sv_planner *planner, const struct sv_ask *ask, sv_ms now)
{
    sv_ms turn = turn_ms(planner) > ask->turn_ms ? turn_ms(planner) : ask->turn_ms;

    return now - ask->asked_at > planner->linger_ms[ask->kind] + (sv_ms)ask->batches * turn;
}

void sv_planner_add(struct sv_planner *planner, struct sv_ask *ask)
{
    SV_REQUIRE(!ask->waiting && ask->kind < SV_ASK_KINDS);
    ask->bound_ms = sv_planner_bound_ms(planner, ask->kind);
    ask->batches = batches(planner, ask->kind);
    ask->turn_ms = turn_ms(planner);
    ask->waiting = true;
    enter(&planner->lines[ask->kind], ask);
    planner->count++;
}

static void take_out(struct sv_planner *planner, struct sv_ask *ask, bool had_turn)
{
    leave(&planner->lines[ask->kind], ask, had_turn);
    ask->waiting = false;
    planner->count--;
}

void sv_planner_remove(struct sv_planner *planner, struct sv_ask *ask)
{
    if (ask->waiting)
        take_out(planner, ask, false);
}

sv_ms sv_planner_wait_ms(const struct sv_planner *planner, sv_ms now, bool crowded)
{
    sv_ms least = -1;

    if (planner->count >= planner->batch_max || (crowded && planner->count > 0))
        return 0;
    for (int kind = 0; kind < SV_ASK_KINDS; kind++) {
        const struct sv_ask *oldest = planner->lines[kind].oldest;
        sv_ms left;

        if (oldest == NULL)
            continue;
        left = oldest->asked_at + planner->linger_ms[kind] - now;
        left = left < 0 ? 0 : left;
        least = least < 0 || left < least ? left : least;
    }
    return least;
}

size_t sv_planner_take(struct sv_planner *planner, struct sv_ask **out)
{
    size_t places = planner->starving ? 0 : aged_places(planner), count = 0;

    for (int kind = 0; kind < SV_ASK_KINDS; kind++) {
        struct sv_ask_line *line = &planner->lines[kind];

        for (size_t aged = 0; aged < places && line->count > 0; aged++) {
            out[count++] = line->oldest;
            take_out(planner, line->oldest, true);
        }
    }
    for (int kind = 0; kind < SV_ASK_KINDS; kind++) {
        struct sv_ask_line *line = &planner->lines[kind];

        while (count < planner->batch_max && line->count > 0) {
            out[count] = planner->unfair ? line->oldest : line->first_turn;
            take_out(planner, out[count++], true);
        }
    }
    return count;
}

sv_ms sv_planner_meet_ms(sv_ms now, sv_ms wait_ms, uint64_t spread)
{
    sv_ms grid_ms = wait_ms < 2 * SV_HOUR ? 5 * SV_MINUTE : 10 * SV_MINUTE, late_ms;

    if (wait_ms < 20 * SV_MINUTE)
        return wait_ms;
    late_ms = (now + wait_ms + (sv_ms)(spread % (uint64_t)grid_ms)) % grid_ms;
    return late_ms == 0 ? wait_ms : wait_ms + grid_ms - late_ms;
}

bool sv_planner_begin_detail(struct sv_planner *planner)
{
    if (planner->details >= SV_PLANNER_DETAILS_MAX)
        return false;
    planner->details++;
    return true;
}

void sv_planner_end_detail(struct sv_planner *planner)
{
    SV_REQUIRE(planner->details > 0);
    planner->details--;
}
