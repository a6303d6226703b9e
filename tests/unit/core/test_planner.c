#include "cmocka_all.h"

#include <string.h>

#include "sv/gcra.h"
#include "sv/planner.h"
#include "sv/rand.h"

enum { SEED = 20261129, BATCH = 100, INTERVAL_MS = 1000 };

/* ---- small cases ---- */

static struct sv_ask ask_of(enum sv_ask_kind kind, uint64_t client, sv_ms asked_at)
{
    return (struct sv_ask){.kind = kind, .client = client, .asked_at = asked_at};
}

static void nobody_waits_at_first(void **state)
{
    struct sv_planner planner;
    struct sv_ask *out[BATCH];

    (void)state;
    sv_planner_init(&planner, BATCH);
    assert_int_equal(sv_planner_wait_ms(&planner, 1, false), -1);
    assert_int_equal(sv_planner_take(&planner, out), 0);
    assert_int_equal(sv_planner_wait_ms(&planner, 1, true), -1);
    assert_int_equal(sv_planner_bound_ms(&planner, SV_ASK_GUARD), 50);
    sv_planner_set_pace(&planner, (struct sv_pace){.interval_ms = 1010}); /* nobody but us */
    assert_int_equal(sv_planner_bound_ms(&planner, SV_ASK_GUARD), 1060);
}

/* The slower pace of the two counts: that of now, and that which the ask was told. */
static void a_pace_that_changes_makes_nobody_overstay(void **state)
{
    static const unsigned workers[][2] = {{1, 3}, {3, 1}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct sv_ask ask = ask_of(SV_ASK_GUARD, 1, 1000);
        struct sv_planner planner;

        sv_planner_init(&planner, BATCH);
        sv_planner_set_pace(&planner,
                            (struct sv_pace){.interval_ms = 1010, .workers = workers[i][0]});
        sv_planner_add(&planner, &ask);
        sv_planner_set_pace(&planner,
                            (struct sv_pace){.interval_ms = 1010, .workers = workers[i][1]});
        assert_false(sv_planner_overstayed(&planner, &ask, 1000 + 3 * 1010 + 50));
        assert_true(sv_planner_overstayed(&planner, &ask, 1000 + 3 * 1010 + 51));
    }
}

/* Guarding can wait; a doubt cannot. */
static void a_doubt_makes_a_search_of_it(void **state)
{
    struct sv_domain domains[] = {{.status = SV_STATUS_VERIFIED, .bad_at = 1},
                                  {.status = SV_STATUS_VERIFIED, .temporary_at = 1},
                                  {.status = SV_STATUS_VERIFIED, .wrong_at = 1},
                                  {.status = SV_STATUS_AT_RISK},
                                  {.status = SV_STATUS_VERIFIED}};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(sv_ask_kind_of(&domains[i], false), i < 4 ? SV_ASK_SEARCH : SV_ASK_GUARD);
        assert_int_equal(sv_ask_kind_of(&domains[i], true), SV_ASK_RECHECK);
    }
}

static void a_small_batch_waits_for_company_a_full_one_does_not(void **state)
{
    struct sv_planner planner;
    struct sv_ask guard = ask_of(SV_ASK_GUARD, 1, 1000), recheck = ask_of(SV_ASK_RECHECK, 2, 1500);
    struct sv_ask more[3];

    (void)state;
    sv_planner_init(&planner, 5);
    planner.linger_ms[SV_ASK_GUARD] = 2000;
    planner.linger_ms[SV_ASK_RECHECK] = 100;
    sv_planner_add(&planner, &guard);
    assert_int_equal(sv_planner_wait_ms(&planner, 1200, false), 1800);
    sv_planner_add(&planner, &recheck);
    assert_int_equal(sv_planner_wait_ms(&planner, 1550, false), 50);
    assert_int_equal(sv_planner_wait_ms(&planner, 1700, false), 0);
    sv_planner_remove(&planner, &recheck);
    assert_int_equal(sv_planner_wait_ms(&planner, 1700, false), 1300);
    assert_int_equal(sv_planner_wait_ms(&planner, 1700, true), 0);
    for (int i = 0; i < 3; i++) {
        more[i] = ask_of(SV_ASK_GUARD, 3, 1700);
        sv_planner_add(&planner, &more[i]);
    }
    assert_int_equal(sv_planner_wait_ms(&planner, 1700, false), 1300);
    sv_planner_add(&planner, &recheck);
    assert_int_equal(sv_planner_wait_ms(&planner, 1500, false), 0);
}

/* 150 of each class: by age 15 of each, then the rechecks. */
static void rechecks_come_first_but_every_class_has_its_share(void **state)
{
    static struct sv_ask asks[450];
    struct sv_planner planner;
    struct sv_ask *out[BATCH];
    int counts[SV_ASK_KINDS] = {0};

    (void)state;
    sv_planner_init(&planner, BATCH);
    for (int i = 0; i < 450; i++) {
        asks[i] = ask_of((enum sv_ask_kind)(i % SV_ASK_KINDS), (uint64_t)i, 1);
        sv_planner_add(&planner, &asks[i]);
    }
    assert_int_equal(sv_planner_take(&planner, out), BATCH);
    for (int i = 0; i < BATCH; i++) {
        assert_false(out[i]->waiting);
        counts[out[i]->kind]++;
    }
    assert_int_equal(counts[SV_ASK_RECHECK], 70);
    assert_int_equal(counts[SV_ASK_SEARCH], 15);
    assert_int_equal(counts[SV_ASK_GUARD], 15);
    assert_int_equal(planner.count, 350);
}

/* The formula of the header, by hand: 15 places by age in a batch of 100. */
static void the_bound_is_what_the_header_says(void **state)
{
    static struct sv_ask asks[31];
    struct sv_planner planner;

    (void)state;
    sv_planner_init(&planner, BATCH);
    planner.linger_ms[SV_ASK_GUARD] = 5000;
    sv_planner_set_pace(&planner, (struct sv_pace){.interval_ms = 1010, .workers = 3});
    for (int i = 0; i < 31; i++) {
        asks[i] = ask_of(SV_ASK_GUARD, 1, 1);
        sv_planner_add(&planner, &asks[i]);
    }
    assert_int_equal(asks[0].bound_ms, 5000 + 1 * (3 * 1010 + 50));
    assert_int_equal(asks[14].bound_ms, 5000 + 1 * (3 * 1010 + 50));
    assert_int_equal(asks[15].bound_ms, 5000 + 2 * (3 * 1010 + 50));
    assert_int_equal(asks[30].bound_ms, 5000 + 3 * (3 * 1010 + 50));
    assert_int_equal(sv_planner_bound_ms(&planner, SV_ASK_GUARD), 5000 + 3 * (3 * 1010 + 50));
    assert_int_equal(sv_planner_bound_ms(&planner, SV_ASK_RECHECK), 3 * 1010 + 50);
}

static void only_so_many_details_at_once(void **state)
{
    struct sv_planner planner;

    (void)state;
    sv_planner_init(&planner, BATCH);
    for (int i = 0; i < SV_PLANNER_DETAILS_MAX; i++)
        assert_true(sv_planner_begin_detail(&planner));
    assert_false(sv_planner_begin_detail(&planner));
    sv_planner_end_detail(&planner);
    assert_true(sv_planner_begin_detail(&planner));
}

static const struct {
    sv_ms now, wait_ms;
    uint64_t spread;
    sv_ms met_ms;
} meetings[] = {
    {1000000, -1, 0, -1},
    {1000000, 0, 0, 0},
    {1000001, 1199999, 0, 1199999}, /* below 20 minutes nobody waits for others */
    {0, 1200000, 0, 1200000},
    {1, 1200000, 0, 1499999}, /* every five minutes */
    {1, 1200000, 1, 1499998},
    {1, 1200000, 300001, 1499998}, /* the spread counts within the grid */
    {299999, 1200001, 0, 1200001},
    {1, 7199999, 0, 7199999},
    {1, 7200000, 0, 7799999}, /* every ten */
    {1, 86400000, 0, 86999999},
};

static void long_waits_end_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(meetings) / sizeof(meetings[0]); i++)
        assert_int_equal(
            sv_planner_meet_ms(meetings[i].now, meetings[i].wait_ms, meetings[i].spread),
            meetings[i].met_ms);
}

/* Never sooner than the core wants, never more than a quarter later. */
static void a_meeting_is_never_sooner(void **state)
{
    struct sv_rand source;

    (void)state;
    sv_rand_seeded_init(&source, SEED);
    for (int i = 0; i < 10000; i++) {
        sv_ms now = (sv_ms)sv_rand_below(&source, 1000) * 1795900000 + i;
        sv_ms wait_ms = (sv_ms)sv_rand_below(&source, 7 * SV_DAY);
        sv_ms met_ms = sv_planner_meet_ms(now, wait_ms, sv_rand_u64(&source));

        assert_true(met_ms >= wait_ms && met_ms <= wait_ms + wait_ms / 4);
    }
}

/* ---- the same rules, written down naively ---- */

enum { MODEL_ASKS = 600, MODEL_CLIENTS = 40, MODEL_STEPS = 40000 };

struct model {
    const struct sv_ask *waiting[SV_ASK_KINDS][MODEL_ASKS]; /* by age */
    size_t waiting_count[SV_ASK_KINDS];
    uint64_t ring[SV_ASK_KINDS][MODEL_CLIENTS];
    size_t ring_count[SV_ASK_KINDS];
};

static size_t find_client(const struct model *model, int kind, uint64_t client)
{
    size_t place = 0;

    while (place < model->ring_count[kind] && model->ring[kind][place] != client)
        place++;
    return place;
}

static void model_add(struct model *model, const struct sv_ask *ask)
{
    int kind = (int)ask->kind;

    model->waiting[kind][model->waiting_count[kind]++] = ask;
    if (find_client(model, kind, ask->client) == model->ring_count[kind])
        model->ring[kind][model->ring_count[kind]++] = ask->client;
}

static const struct sv_ask *oldest_of(const struct model *model, int kind, uint64_t client)
{
    for (size_t i = 0; i < model->waiting_count[kind]; i++) {
        if (model->waiting[kind][i]->client == client)
            return model->waiting[kind][i];
    }
    return NULL;
}

static void model_remove(struct model *model, const struct sv_ask *ask, bool had_turn)
{
    int kind = (int)ask->kind;
    size_t i = 0, place = find_client(model, kind, ask->client);

    while (model->waiting[kind][i] != ask)
        i++;
    model->waiting_count[kind]--;
    (void)memmove(&model->waiting[kind][i], &model->waiting[kind][i + 1],
                  (model->waiting_count[kind] - i) * sizeof(struct sv_ask *));
    if (!had_turn && oldest_of(model, kind, ask->client) != NULL)
        return;
    model->ring_count[kind]--;
    (void)memmove(&model->ring[kind][place], &model->ring[kind][place + 1],
                  (model->ring_count[kind] - place) * sizeof(uint64_t));
    if (oldest_of(model, kind, ask->client) != NULL)
        model->ring[kind][model->ring_count[kind]++] = ask->client;
}

static size_t model_take(struct model *model, size_t batch_max, const struct sv_ask **out)
{
    size_t count = 0;

    for (int kind = 0; kind < SV_ASK_KINDS; kind++) {
        for (size_t i = 0; i < batch_max * 150 / 1000 && model->waiting_count[kind] > 0; i++) {
            out[count++] = model->waiting[kind][0];
            model_remove(model, model->waiting[kind][0], true);
        }
    }
    for (int kind = 0; kind < SV_ASK_KINDS; kind++) {
        while (count < batch_max && model->waiting_count[kind] > 0) {
            out[count] = oldest_of(model, kind, model->ring[kind][0]);
            model_remove(model, out[count++], true);
        }
    }
    return count;
}

/* Asks come, go away and are taken at random: both name the same ones in the same order. */
static void the_planner_is_the_naive_model(void **state)
{
    static struct sv_ask asks[MODEL_ASKS];
    static struct model model;
    struct sv_planner planner;
    struct sv_rand source;
    size_t taken = 0;

    (void)state;
    print_message("seed %d\n", SEED);
    sv_rand_seeded_init(&source, SEED);
    sv_planner_init(&planner, 20);
    for (int step = 0; step < MODEL_STEPS; step++) {
        struct sv_ask *ask = &asks[sv_rand_below(&source, MODEL_ASKS)];
        uint64_t what = sv_rand_below(&source, 100);

        if (what >= 97) {
            const struct sv_ask *expected[20];
            struct sv_ask *out[20];
            size_t count = model_take(&model, 20, expected);

            assert_int_equal(sv_planner_take(&planner, out), count);
            for (size_t i = 0; i < count; i++)
                assert_ptr_equal(out[i], expected[i]);
            taken += count;
        } else if (ask->waiting && what < 30) {
            model_remove(&model, ask, false);
            sv_planner_remove(&planner, ask);
        } else if (!ask->waiting) {
            /* Clients 0 and 128 meet in one bucket. */
            *ask = ask_of(
                (enum sv_ask_kind)sv_rand_below(&source, SV_ASK_KINDS),
                sv_rand_below(&source, MODEL_CLIENTS / 2) + 128 * sv_rand_below(&source, 2), step);
            model_add(&model, ask);
            sv_planner_add(&planner, ask);
        }
    }
    assert_true(taken > 10000);
}

/* ---- the bound, under random arrivals ---- */

enum { WORKERS = 3, ASKS = 20000, LAST_S = 3600 };

struct crowd { /* three workers, one limiter */
    struct sv_planner planners[WORKERS];
    sv_ms wanted_at[WORKERS]; /* when to ask the limiter next; 0 = no permit is wanted */
    struct sv_gcra limit;
    size_t served, over; /* waited longer than they were told */
    sv_ms worst_ms, worst_bound_ms;
};

static void serve(struct crowd *crowd, int worker, sv_ms now)
{
    struct sv_ask *out[BATCH];
    size_t count = sv_planner_take(&crowd->planners[worker], out);

    for (size_t i = 0; i < count; i++) {
        sv_ms waited_ms = now - out[i]->asked_at;

        crowd->served++;
        crowd->over += waited_ms > out[i]->bound_ms;
        assert_true(!sv_planner_overstayed(&crowd->planners[worker], out[i], now) ||
                    waited_ms > out[i]->bound_ms); /* the same, while the pace stays */
        crowd->worst_ms = waited_ms > crowd->worst_ms ? waited_ms : crowd->worst_ms;
        crowd->worst_bound_ms =
            out[i]->bound_ms > crowd->worst_bound_ms ? out[i]->bound_ms : crowd->worst_bound_ms;
    }
}

static void run_worker(struct crowd *crowd, int worker, sv_ms now)
{
    struct sv_gcra_ask ask = {.worker = (uint64_t)worker + 1,
                              .now_us = now * 1000,
                              .interval_us = (int64_t)INTERVAL_MS * 1000};

    if (sv_planner_wait_ms(&crowd->planners[worker], now, false) != 0 ||
        crowd->wanted_at[worker] > now)
        return;
    sv_gcra_take(&crowd->limit, &ask);
    crowd->wanted_at[worker] = now + (ask.wait_us + 999) / 1000;
    if (ask.wait_us == 0)
        serve(crowd, worker, now);
}

/* Arrivals in bursts: a thousand at once now and then, one client of thirty sends most of them. */
static void arrive(struct crowd *crowd, struct sv_ask *asks, size_t *count, struct sv_rand *source,
                   sv_ms now)
{
    uint64_t burst = sv_rand_below(source, 4000) == 0 ? sv_rand_below(source, 1000) : 0;
    enum sv_ask_kind kind = (enum sv_ask_kind)sv_rand_below(source, SV_ASK_KINDS);

    if (sv_rand_below(source, 40) == 0)
        burst++;
    for (; burst > 0 && *count < ASKS; burst--) {
        struct sv_ask *ask = &asks[(*count)++];
        uint64_t client = sv_rand_below(source, 2) == 0 ? 0 : sv_rand_below(source, 30);

        *ask = ask_of(kind, client, now);
        sv_planner_add(&crowd->planners[sv_rand_below(source, WORKERS)], ask);
    }
}

static void run_crowd(struct crowd *crowd, uint64_t seed, bool starving)
{
    static struct sv_ask asks[ASKS];
    struct sv_rand source;
    size_t count = 0;

    *crowd = (struct crowd){0};
    sv_rand_seeded_init(&source, seed);
    for (int i = 0; i < WORKERS; i++) {
        sv_planner_init(&crowd->planners[i], BATCH);
        crowd->planners[i].starving = starving;
        crowd->planners[i].linger_ms[SV_ASK_GUARD] = 3000;
        sv_planner_set_pace(&crowd->planners[i],
                            (struct sv_pace){.interval_ms = INTERVAL_MS, .workers = WORKERS});
    }
    for (sv_ms now = 1; crowd->served < count || now < LAST_S * SV_SECOND; now++) {
        int first = (int)sv_rand_below(&source, WORKERS);

        if (now < LAST_S * SV_SECOND)
            arrive(crowd, asks, &count, &source, now);
        for (int i = 0; i < WORKERS; i++)
            run_worker(crowd, (first + i) % WORKERS, now);
        assert_true(now < 100 * LAST_S * SV_SECOND);
    }
    assert_int_equal(crowd->served, count);
    assert_true(count > ASKS / 2);
}

static void no_ask_waits_longer_than_it_was_told(void **state)
{
    static struct crowd crowd;

    (void)state;
    for (uint64_t seed = SEED; seed < SEED + 5; seed++) {
        run_crowd(&crowd, seed, false);
        print_message("seed %d: %zu asks, worst wait %d ms, largest bound %d ms\n", (int)seed,
                      crowd.served, (int)crowd.worst_ms, (int)crowd.worst_bound_ms);
        assert_int_equal(crowd.over, 0);
        assert_true(crowd.worst_ms > 20 * INTERVAL_MS); /* there was a queue at all */
    }
}

static void without_places_by_age_somebody_does(void **state)
{
    static struct crowd crowd;

    (void)state;
    run_crowd(&crowd, SEED, true);
    print_message("seed %d: %zu of %zu over their bound\n", SEED, crowd.over, crowd.served);
    assert_true(crowd.over > 0);
}

/* ---- fairness ---- */

enum { BIG = 5000, SMALLS = 20, SMALL = 10, CROWDED = BIG + SMALLS * SMALL };

/* One client has 5,000 waiting before twenty others come with 10 each: the batch in which the last
 * of those is served. In turns a round takes 21 places, and each of the others is through after ten
 * rounds: 210 of the 85 places by turn per batch, so three batches. */
static size_t batches_of_the_small(bool unfair)
{
    static struct sv_ask asks[CROWDED];
    struct sv_planner planner;
    struct sv_ask *out[BATCH];
    size_t left = SMALLS * SMALL, batches = 0;

    sv_planner_init(&planner, BATCH);
    planner.unfair = unfair;
    for (size_t i = 0; i < CROWDED; i++) {
        asks[i] = ask_of(SV_ASK_GUARD, i < BIG ? 0 : 1 + (i - BIG) / SMALL, 1);
        sv_planner_add(&planner, &asks[i]);
    }
    while (left > 0) {
        size_t count = sv_planner_take(&planner, out);

        assert_int_equal(count, BATCH);
        batches++;
        for (size_t i = 0; i < count; i++)
            left -= out[i]->client != 0;
    }
    return batches;
}

static void one_client_with_5000_does_not_hold_up_clients_with_10(void **state)
{
    (void)state;
    assert_in_range(batches_of_the_small(false), 1, 3);
}

static void without_turns_it_does(void **state)
{
    (void)state;
    assert_true(batches_of_the_small(true) > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_at_first),
        cmocka_unit_test(a_pace_that_changes_makes_nobody_overstay),
        cmocka_unit_test(a_doubt_makes_a_search_of_it),
        cmocka_unit_test(a_small_batch_waits_for_company_a_full_one_does_not),
        cmocka_unit_test(rechecks_come_first_but_every_class_has_its_share),
        cmocka_unit_test(the_bound_is_what_the_header_says),
        cmocka_unit_test(only_so_many_details_at_once),
        cmocka_unit_test(long_waits_end_together),
        cmocka_unit_test(a_meeting_is_never_sooner),
        cmocka_unit_test(the_planner_is_the_naive_model),
        cmocka_unit_test(no_ask_waits_longer_than_it_was_told),
        cmocka_unit_test(without_places_by_age_somebody_does),
        cmocka_unit_test(one_client_with_5000_does_not_hold_up_clients_with_10),
        cmocka_unit_test(without_turns_it_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
