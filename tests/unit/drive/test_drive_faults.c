#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive_world.h"

/* Many lives at once, each with one fault at another place: their waits pass together. */

enum { LIVES = 20, PLACES_MAX = 40 };

struct trial {
    const char *name;
    bool at_ses;
    enum sv_store_op store_op;
    enum sv_ses_op ses_op;
    enum sv_err err;
    unsigned fail;
    bool applied; /* the store did it, and the answer was lost */
};

static void set_fault(struct world *world, const struct trial *trial, unsigned pass)
{
    struct sv_fake_fault fault = {.op = trial->store_op,
                                  .pass = pass,
                                  .fail = trial->fail,
                                  .err = trial->err,
                                  .applied = trial->applied};

    if (trial->at_ses)
        fake_ses_script(world->ses, trial->ses_op, pass, trial->fail, trial->err);
    else
        sv_fake_store_fail(world->store, &fault);
}

static bool was_hit(const struct world *world, const struct trial *trial)
{
    if (!trial->at_ses)
        return sv_fake_store_faults(world->store) > 0;
    for (size_t i = 0; i < fake_ses_seen_count(world->ses); i++) {
        if (fake_ses_seen(world->ses, i)->err == trial->err)
            return true;
    }
    return false;
}

static void live_all(struct world *worlds, size_t count, const struct trial *trial)
{
    uint64_t until = world_now_ms() + 2 * WORLD_PATIENCE_MS;
    bool over[LIVES] = {false};
    size_t left = count;

    while (left > 0) {
        left = 0;
        for (size_t i = 0; i < count; i++) {
            if (over[i])
                continue;
            world_turn(&worlds[i], false);
            over[i] = world_live(&worlds[i]);
            left += !over[i];
            if (world_now_ms() > until)
                fail_msg("%s: with %zu passed, the life stopped at stage %zu", trial->name, i,
                         worlds[i].stage);
        }
        uv_sleep(1); /* a turn of all: nothing here waits for it */
    }
}

static void expect_answers(const struct world *world, const struct trial *trial)
{
    static const char *const jobs[] = {"j1", "j2", "j3", "j4"};

    for (size_t j = 0; j < 4; j++) {
        const struct world_told *told = world_answer(world, jobs[j]);
        bool may_meet_a_look = j == 1 || j == 2;

        if (strcmp(told->outcome, "done") != 0 &&
            (!may_meet_a_look || strcmp(told->outcome, "coalesced") != 0))
            fail_msg("%s: %s", trial->name, told->text);
    }
}

/* Lives whose faults come after `first`, `first` + 1 ... calls; returns how many met it. */
static size_t try_places(const struct trial *trial, size_t first)
{
    static struct world worlds[LIVES];
    size_t hits = 0;

    for (size_t i = 0; i < LIVES; i++) {
        world_new(&worlds[i]);
        set_fault(&worlds[i], trial, (unsigned)(first + i));
        world_start(&worlds[i]);
    }
    live_all(worlds, LIVES, trial);
    for (size_t i = 0; i < LIVES; i++) {
        hits += was_hit(&worlds[i], trial);
        expect_answers(&worlds[i], trial);
        world_end(&worlds[i]);
    }
    return hits;
}

/* From the first possible place on, until lives pass without meeting the fault; calls that are
 * made again and again are tried in their first places only. */
static void try_everywhere(const struct trial *trial)
{
    size_t hits = 0, more = LIVES;

    for (size_t first = 0; more == LIVES && first < PLACES_MAX; first += LIVES) {
        more = try_places(trial, first);
        hits += more;
    }
    if (hits == 0)
        fail_msg("%s: no life was touched", trial->name);
    print_message("%s: %zu places\n", trial->name, hits);
}

struct place {
    enum sv_store_op op;
    bool may_be_lost; /* the test world cannot lose its answer without waiting for a lease */
};

static const struct place places[] = {
    {SV_STORE_PREPARE, true}, {SV_STORE_TAKE, false},  {SV_STORE_TAKE_PENDING, true},
    {SV_STORE_ADMIT, true},   {SV_STORE_OWN, true},    {SV_STORE_CLAIM, true},
    {SV_STORE_COMMIT, true},  {SV_STORE_PERMIT, true}, {SV_STORE_REAP, true},
};

static void the_store_fails_for_a_while(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct trial trial = {.name = sv_store_op_name(places[i].op),
                              .store_op = places[i].op,
                              .err = SV_ECONNECT,
                              .fail = 2};

        try_everywhere(&trial);
    }
}

static void the_stores_answers_are_lost(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct trial trial = {.name = sv_store_op_name(places[i].op),
                              .store_op = places[i].op,
                              .err = SV_ETIMEOUT,
                              .fail = 1,
                              .applied = true};

        if (places[i].may_be_lost)
            try_everywhere(&trial);
    }
}

/* Errors that no repetition mends: nothing spins, and what they hit is done again later. */
static void the_store_refuses_once(void **state)
{
    static const enum sv_err errs[] = {SV_EREFUSED, SV_EDENIED, SV_EMALFORMED};

    (void)state;
    for (size_t i = 1; i < sizeof places / sizeof places[0]; i++) {
        struct trial trial = {.name = sv_store_op_name(places[i].op),
                              .store_op = places[i].op,
                              .err = errs[i % 3],
                              .fail = 1};

        try_everywhere(&trial);
    }
}

static void ses_fails_once(void **state)
{
    static const enum sv_err errs[] = {SV_ETHROTTLED, SV_EUNAVAILABLE, SV_ETIMEOUT,
                                       SV_ECONFLICT,  SV_EDENIED,      SV_EMALFORMED};

    (void)state;
    for (size_t i = 0; i < sizeof errs / sizeof errs[0]; i++) {
        struct trial trial = {.name = sv_err_name(errs[i]),
                              .at_ses = true,
                              .ses_op = SV_SES_OP_COUNT,
                              .err = errs[i],
                              .fail = 1};

        try_everywhere(&trial);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_store_fails_for_a_while),
        cmocka_unit_test(the_stores_answers_are_lost),
        cmocka_unit_test(the_store_refuses_once),
        cmocka_unit_test(ses_fails_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
