/* The order of delivery, held against a model of a few lines: of each domain 1, 2, 3 ... one at a
 * time, the next one only when the one before was taken or given up, and in the end every one was.
 * Random outboxes, a sink that fails in every way, calls of the store that are lost before and
 * after they were done, workers that go without a word and others that take over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drive_world.h"
#include "sv/alloc.h"

enum {
    DOMAINS = 10,
    EVENTS_MAX = 12,
    HISTORIES = 6,
    ATTEMPTS = 4,
    WAITING_MAX = 64,
    LEASE_MS = 40
};

/* One domain as the model has it. */
struct line {
    unsigned told;     /* events in the outbox */
    unsigned at;       /* the number of the last one that was tried */
    unsigned failures; /* of it */
    bool is_over;      /* it was taken or given up */
    bool is_under_way;
};

/* What became of all of them; it outlives the workers. */
struct model {
    struct sv_rand rand;
    struct line lines[DOMAINS];
    unsigned attempts, taken, again, refused, given_up, restarts;
    unsigned trouble; /* of 100 attempts so many fail */
    bool is_blamed;   /* the target as a whole, too */
    struct sv_delivery_plan plan;
};

struct waiting {
    struct sv_sink_parcel *parcel;
    sv_sink_done_fn *done;
    uint64_t at_ms;
};

/* The sink of one worker. */
struct target {
    struct sv_sink base; /* first */
    struct model *model;
    uv_timer_t timer;
    struct waiting waiting[WAITING_MAX];
    size_t waiting_count;
    sv_sink_closed_fn *closed;
    void *closed_context;
    struct sv_route route;
};

static unsigned below(struct model *model, unsigned count)
{
    return (unsigned)sv_rand_below(&model->rand, count);
}

/* --- the model --- */

static struct line *line_of(struct model *model, const struct sv_sink_parcel *parcel,
                            unsigned *number)
{
    unsigned domain, sequence;

    assert_int_equal(sscanf(parcel->id, "%16x.%10u", &domain, &sequence), 2);
    assert_true(domain < DOMAINS);
    *number = sequence;
    return &model->lines[domain];
}

static void expect_attempt(struct model *model, const struct sv_sink_parcel *parcel)
{
    unsigned number;
    struct line *line = line_of(model, parcel, &number);

    model->attempts++;
    assert_false(line->is_under_way);
    assert_in_range(number, 1, line->told);
    if (number != line->at) {
        if (number != line->at + 1 || (!line->is_over && line->at > 0))
            fail_msg("%s is tried, and the one before is %u: %s", parcel->id, line->at,
                     line->is_over ? "over" : "open");
        line->at = number;
        line->failures = 0;
        line->is_over = false;
    } else if (line->is_over) {
        model->again++; /* its worker went before that was noted */
    }
    line->is_under_way = true;
}

static enum sv_sink_outcome draw(struct model *model, struct sv_sink_parcel *parcel)
{
    if (below(model, 100) >= model->trouble)
        return SV_SINK_DELIVERED;
    if (below(model, 10) == 0)
        return SV_SINK_REFUSED;
    parcel->blame = model->is_blamed ? (enum sv_sink_blame)below(model, 3) : SV_SINK_BLAME_EVENT;
    parcel->retry_after_ms = below(model, 3) == 0 ? (sv_ms)below(model, 4) : 0;
    return SV_SINK_LATER;
}

static void note_answer(struct model *model, const struct sv_sink_parcel *parcel)
{
    unsigned number;
    struct line *line = line_of(model, parcel, &number);

    line->is_under_way = false;
    line->failures += parcel->outcome == SV_SINK_LATER;
    model->given_up += parcel->outcome == SV_SINK_LATER && line->failures >= model->plan.attempts;
    model->taken += parcel->outcome == SV_SINK_DELIVERED && !line->is_over;
    model->refused += parcel->outcome == SV_SINK_REFUSED;
    /* A failure whose worker went before it was noted counts here, and not there. */
    line->is_over =
        line->is_over || parcel->outcome != SV_SINK_LATER || line->failures >= model->plan.attempts;
}

/* --- the sink --- */

static void answer_what_is_due(uv_timer_t *timer)
{
    struct target *target = timer->data;
    bool is_end = target->closed != NULL;

    for (size_t i = 0; i < target->waiting_count;) {
        struct waiting due = target->waiting[i];

        if (due.at_ms > world_now_ms() && !is_end) {
            i++;
            continue;
        }
        target->waiting[i] = target->waiting[--target->waiting_count];
        /* A worker that goes does not hear what the target made of it. */
        due.parcel->outcome = draw(target->model, due.parcel);
        note_answer(target->model, due.parcel);
        if (is_end)
            due.parcel->outcome = SV_SINK_LATER;
        if (due.parcel->outcome != SV_SINK_DELIVERED)
            (void)sv_err_set(&due.parcel->info, is_end ? SV_ECANCELED : SV_EUNAVAILABLE, "target",
                             0, "as it was drawn");
        due.done(due.parcel);
    }
}

static void deliver(struct sv_sink *sink, struct sv_sink_parcel *parcel, sv_sink_done_fn *done)
{
    struct target *target = (struct target *)sink;

    expect_attempt(target->model, parcel);
    assert_true(target->waiting_count < WAITING_MAX);
    target->waiting[target->waiting_count++] =
        (struct waiting){parcel, done, world_now_ms() + below(target->model, 4)};
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct target *target = handle->data;

    target->closed(target->closed_context);
    free(target);
}

static void close_target(struct sv_sink *sink, sv_sink_closed_fn *closed, void *context)
{
    struct target *target = (struct target *)sink;

    target->closed = closed;
    target->closed_context = context;
    answer_what_is_due(&target->timer);
    uv_close((uv_handle_t *)&target->timer, on_timer_closed);
}

/* --- the workers --- */

static void start_worker(struct world *world, struct model *model, const char *name)
{
    static const struct sv_sink_kind kind = {
        .name = "target", .deliver = deliver, .close = close_target};
    struct target *target = sv_alloc(1, sizeof(*target));

    target->base = (struct sv_sink){.kind = &kind, .name = "target"};
    target->model = model;
    assert_int_equal(uv_timer_init(&world->loop, &target->timer), 0);
    target->timer.data = target;
    assert_int_equal(uv_timer_start(&target->timer, answer_what_is_due, 1, 1), 0);
    target->route = (struct sv_route){
        .sink = &target->base,
        .plan = model->plan,
        .parallel = 1 + below(model, 8),
    };
    world->options.routes = &target->route;
    world->options.routes_count = 1;
    world->options.heartbeat_ms = LEASE_MS;
    world->options.worker = name;
    world_start(world);
}

static void tell(struct world *world, struct model *model)
{
    unsigned domain = below(model, DOMAINS);
    struct line *line = &model->lines[domain];

    if (line->told < EVENTS_MAX)
        world_tell_event(world, domain, ++line->told);
}

static void lose_a_call(struct world *world, struct model *model)
{
    static const enum sv_store_op ops[] = {SV_STORE_SINK, SV_STORE_PARCELS, SV_STORE_SETTLE};

    sv_fake_store_fail(world->store, &(struct sv_fake_fault){
                                         .op = ops[below(model, 3)],
                                         .pass = below(model, 3),
                                         .fail = 1 + below(model, 2),
                                         .applied = below(model, 2) == 1,
                                         .err = SV_ECONNECT,
                                     });
}

/* In half of them most attempts fail, and events are given up, one by one. In the others the target
 * is overloaded or down now and then: what is older than its whole plan would be given up without
 * an attempt, so that plan ends far away, and so few fail that none comes that far. */
static void draw_plan(struct model *model, unsigned history)
{
    model->is_blamed = history % 2 == 1;
    model->trouble = below(model, model->is_blamed ? 30 : 90);
    model->plan = (struct sv_delivery_plan){.attempts = 4, .waits_ms = {0, 1, 2, 4}};
    if (!model->is_blamed)
        return;
    model->plan.attempts = SV_DELIVERY_ATTEMPTS_MAX;
    for (size_t i = 1; i < model->plan.attempts; i++)
        model->plan.waits_ms[i] = 1;
    model->plan.waits_ms[model->plan.attempts - 1] = SV_HOUR;
}

static bool is_all_over(const struct model *model)
{
    for (unsigned i = 0; i < DOMAINS; i++) {
        const struct line *line = &model->lines[i];

        if (line->told > 0 && (line->at < line->told || !line->is_over || line->is_under_way))
            return false;
    }
    return true;
}

static void until_all_over(struct world *world, const struct model *model)
{
    uint64_t until = world_now_ms() + WORLD_PATIENCE_MS;

    while (!is_all_over(model)) {
        if (world_now_ms() > until)
            fail_msg("not all is taken or given up");
        world_turn(world, true);
    }
}

static void live(struct world *world, struct model *model)
{
    static const char *const names[] = {"one", "two", "three"};
    uint64_t until;

    start_worker(world, model, names[0]);
    world_until_prepared(world); /* what is told before is not its */
    for (unsigned step = 0; step < 60; step++) {
        for (unsigned i = below(model, 4); i > 0; i--)
            tell(world, model);
        if (below(model, 8) == 0)
            lose_a_call(world, model);
        if (below(model, 15) == 0) {
            world_close_drive(world);
            model->restarts++;
            start_worker(world, model, names[below(model, 3)]);
        }
        for (unsigned i = below(model, 6); i > 0; i--)
            world_turn(world, true);
    }
    sv_fake_store_fail(world->store, &(struct sv_fake_fault){.fail = 0});
    model->trouble = model->trouble < 50 ? model->trouble : 50; /* all comes to an end */
    until_all_over(world, model);
    until = world_now_ms() + WORLD_PATIENCE_MS;
    while (world_sink(world, "target", SV_STORE_SINK_LOOK).open > 0) {
        if (world_now_ms() > until)
            fail_msg("something is open, and all was taken or given up");
    }
    assert_true(world_sink(world, "target", SV_STORE_SINK_LOOK).dead <=
                model->refused + model->given_up);
    world_close_drive(world);
}

/* The store reads for us, and we do not hear of it: such events are open, and come first. */
static void a_read_whose_answer_is_lost(void **state)
{
    struct world *world = *state;
    struct model model = {.attempts = 0};

    sv_rand_seeded_init(&model.rand, 1);
    draw_plan(&model, 0);
    model.trouble = 0;
    start_worker(world, &model, "one");
    world_until_prepared(world);
    for (unsigned lost = 0; lost <= 3; lost++) {
        sv_fake_store_fail(world->store, &(struct sv_fake_fault){.op = SV_STORE_PARCELS,
                                                                 .fail = lost,
                                                                 .err = SV_ECONNECT,
                                                                 .applied = true});
        for (unsigned domain = 0; domain < DOMAINS; domain++)
            world_tell_event(world, domain, ++model.lines[domain].told);
        until_all_over(world, &model);
    }
    assert_int_equal(model.taken, 4 * DOMAINS);
    assert_int_equal(model.again, 0);
    world_close_drive(world);
}

static void random_histories_keep_the_rules(void **state)
{
    unsigned seed = getenv("SV_SEED") != NULL ? (unsigned)strtoul(getenv("SV_SEED"), NULL, 10)
                                              : (unsigned)time(NULL);
    struct model sum = {.attempts = 0};

    (void)state;
    print_message("seed %u (SV_SEED repeats it)\n", seed);
    for (unsigned history = 0; history < HISTORIES; history++) {
        struct world *world = sv_alloc(1, sizeof(*world));
        struct model model = {.attempts = 0};

        sv_rand_seeded_init(&model.rand, seed + history);
        draw_plan(&model, history);
        world_new(world);
        live(world, &model);
        world_end(world);
        free(world);
        sum.attempts += model.attempts;
        sum.taken += model.taken;
        sum.again += model.again;
        sum.refused += model.refused;
        sum.given_up += model.given_up;
        sum.restarts += model.restarts;
    }
    print_message("%d histories: %u attempts, %u events taken, %u refused, %u given up, %u "
                  "tried again, %u restarts\n",
                  HISTORIES, sum.attempts, sum.taken, sum.refused, sum.given_up, sum.again,
                  sum.restarts);
    assert_true(sum.taken > 0 && sum.restarts > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_read_whose_answer_is_lost),
        cmocka_unit_test(random_histories_keep_the_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
