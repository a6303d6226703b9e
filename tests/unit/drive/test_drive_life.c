#include <stdlib.h>
#include <string.h>

#include "drive_world.h"

static void a_life_is_told_whole(void **state)
{
    struct world *world = *state;
    static const char *const jobs[] = {"j1", "j2", "j3", "j4"};

    world_start(world);
    world_until(world, world_live, "the life is over");
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++)
        world_expect_answer(world, jobs[i], "done", "");
    assert_int_equal(world_count(world, "a.example", "failed"), 0);
    assert_int_equal(world_stats(world).checks_fenced, 0);
    assert_int_equal(world_stats(world).jobs_dead, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_life_is_told_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
