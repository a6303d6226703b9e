/* The schedule of deliveries, and who gets what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sv/delivery.h"

static void test_the_published_schedule(void **state)
{
    static const sv_ms waits_s[] = {5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400};
    struct sv_delivery_plan plan = sv_delivery_plan_default();

    (void)state;
    for (size_t i = 0; i < 9; i++) {
        sv_ms least = waits_s[i] * SV_SECOND;

        for (uint32_t dice = 0; dice < 100000; dice += 777) {
            struct sv_delivery_next next =
                sv_delivery_judge(&plan, i + 1, SV_SINK_LATER, 0, dice * 40503u);

            assert_int_equal(next.step, SV_DELIVERY_WAIT);
            assert_in_range(next.wait_ms, least, least + least / 10);
        }
    }
    assert_int_equal(sv_delivery_judge(&plan, 10, SV_SINK_LATER, 0, 0).step, SV_DELIVERY_DEAD);
    assert_int_equal(sv_delivery_judge(&plan, 11, SV_SINK_LATER, 0, 0).step, SV_DELIVERY_DEAD);
    assert_int_equal(sv_delivery_total_ms(&plan), 272105 * SV_SECOND);
}

static void test_what_each_outcome_leads_to(void **state)
{
    struct sv_delivery_plan plan = sv_delivery_plan_default();

    (void)state;
    assert_int_equal(sv_delivery_judge(&plan, 1, SV_SINK_DELIVERED, 0, 0).step, SV_DELIVERY_DONE);
    assert_int_equal(sv_delivery_judge(&plan, 1, SV_SINK_REFUSED, 0, 0).step, SV_DELIVERY_DEAD);
    assert_int_equal(sv_delivery_judge(&plan, 1, SV_SINK_GONE, 0, 0).step, SV_DELIVERY_DISABLE);
    assert_int_equal(sv_delivery_judge(&plan, 10, SV_SINK_GONE, 0, 0).step, SV_DELIVERY_DISABLE);
}

static void test_the_target_asks_for_time(void **state)
{
    struct sv_delivery_plan plan = sv_delivery_plan_default();

    (void)state;
    assert_int_equal(sv_delivery_judge(&plan, 1, SV_SINK_LATER, SV_MINUTE, 0).wait_ms, SV_MINUTE);
    assert_int_equal(sv_delivery_judge(&plan, 1, SV_SINK_LATER, SV_SECOND, 0).wait_ms,
                     5 * SV_SECOND);
    assert_int_equal(sv_delivery_judge(&plan, 1, SV_SINK_LATER, 365 * SV_DAY, 0).wait_ms, SV_DAY);
}

static void test_a_target_that_is_down_is_spared(void **state)
{
    static const sv_ms wanted[] = {0, 0, 0, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
    struct sv_delivery_plan plan = sv_delivery_plan_default();
    struct sv_delivery_plan one = {.attempts = 1};

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(sv_delivery_pause_ms(&plan, i), wanted[i]);
    assert_int_equal(sv_delivery_pause_ms(&plan, UINT32_MAX), 30000);
    assert_int_equal(sv_delivery_pause_ms(&one, 9), 1000);
}

static void test_one_answer_does_not_silence_a_sink_for_long(void **state)
{
    struct sv_delivery_plan plan = sv_delivery_plan_default();

    (void)state;
    assert_int_equal(sv_delivery_quiet_ms(&plan, 1, 0), 0);
    assert_int_equal(sv_delivery_quiet_ms(&plan, 1, 7 * SV_SECOND), 7 * SV_SECOND);
    assert_int_equal(sv_delivery_quiet_ms(&plan, 1, 24 * SV_HOUR), 30 * SV_SECOND);
    assert_int_equal(sv_delivery_quiet_ms(&plan, 5, SV_SECOND), 4 * SV_SECOND); /* the pause */
    assert_int_equal(sv_delivery_quiet_ms(&plan, 5, 0), 4 * SV_SECOND);
}

static void test_filters(void **state)
{
    static const char *const kinds[] = {"failed", "updated"};
    static const char *const clients[] = {"acme", "zeta"};
    static const char *const accounts[] = {"eu"};
    struct sv_delivery_filter all = {.kinds_count = 0};
    struct sv_delivery_filter some = {.kinds = kinds,
                                      .kinds_count = 2,
                                      .clients = clients,
                                      .clients_count = 2,
                                      .accounts = accounts,
                                      .accounts_count = 1};
    struct sv_delivery_facts facts = {.kind = "updated", .client = "acme", .account = "eu"};

    (void)state;
    assert_true(sv_delivery_wants(&all, &facts));
    assert_true(sv_delivery_wants(&some, &facts));
    facts.kind = "verified";
    assert_false(sv_delivery_wants(&some, &facts));
    facts = (struct sv_delivery_facts){.kind = "failed", .client = "other", .account = "eu"};
    assert_false(sv_delivery_wants(&some, &facts));
    facts = (struct sv_delivery_facts){.kind = "failed", .client = "zeta", .account = "us"};
    assert_false(sv_delivery_wants(&some, &facts));
    facts.account = "eu";
    assert_true(sv_delivery_wants(&some, &facts));
}

static void test_severities(void **state)
{
    static const struct {
        const char *kind;
        enum sv_delivery_severity worst, most; /* the highest floor that it passes */
    } rows[] = {
        {"updated", SV_DELIVERY_ANY, SV_DELIVERY_ANY},
        {"updated", SV_DELIVERY_INFO, SV_DELIVERY_INFO},
        {"updated", SV_DELIVERY_ERROR, SV_DELIVERY_ERROR},
        {"registered", SV_DELIVERY_ANY, SV_DELIVERY_ANY},
        {"job_finished", SV_DELIVERY_ANY, SV_DELIVERY_ANY},
        {"at_risk", SV_DELIVERY_ANY, SV_DELIVERY_WARNING},
        {"at_risk", SV_DELIVERY_ERROR, SV_DELIVERY_ERROR},
        {"failed", SV_DELIVERY_ANY, SV_DELIVERY_ERROR},
        {"verified", SV_DELIVERY_ANY, SV_DELIVERY_ERROR},
        {"restored", SV_DELIVERY_INFO, SV_DELIVERY_ERROR},
        {"removed", SV_DELIVERY_ANY, SV_DELIVERY_ERROR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sv_delivery_facts facts = {
            .kind = rows[i].kind, .client = "", .account = "", .worst = rows[i].worst};

        for (int least = SV_DELIVERY_ANY; least <= SV_DELIVERY_ERROR; least++) {
            struct sv_delivery_filter filter = {.least = (enum sv_delivery_severity)least};

            assert_int_equal(sv_delivery_wants(&filter, &facts), least <= (int)rows[i].most);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_published_schedule),
        cmocka_unit_test(test_what_each_outcome_leads_to),
        cmocka_unit_test(test_the_target_asks_for_time),
        cmocka_unit_test(test_a_target_that_is_down_is_spared),
        cmocka_unit_test(test_one_answer_does_not_silence_a_sink_for_long),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_severities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
