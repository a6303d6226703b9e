#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "sv/metrics.h"

static struct sv_metrics *metrics;
static struct sv_buf text;

static int open_registry(void **state)
{
    (void)state;
    metrics = sv_metrics_new();
    sv_buf_init(&text, SV_METRICS_TEXT_BYTES_MAX);
    return 0;
}

static int close_registry(void **state)
{
    (void)state;
    sv_metrics_free(metrics);
    sv_buf_fini(&text);
    return 0;
}

static void assert_has(const char *line)
{
    sv_buf_clear(&text);
    assert_true(sv_metrics_render(metrics, &text));
    if (strstr(sv_buf_str(&text), line) == NULL)
        fail_msg("no \"%s\" in:\n%s", line, sv_buf_str(&text));
}

static void adds_up_by_labels(void **state)
{
    (void)state;
    sv_metrics_add(metrics, SV_METRIC_STATE_CHANGES, 1, SV_LABELS("failed", "verified"));
    sv_metrics_add(metrics, SV_METRIC_STATE_CHANGES, 2, SV_LABELS("failed", "verified"));
    sv_metrics_add(metrics, SV_METRIC_STATE_CHANGES, 4, SV_LABELS("verified", "failed"));
    assert_has("# TYPE sesverify_state_changes_total counter\n"
               "sesverify_state_changes_total{from=\"failed\",to=\"verified\"} 3\n"
               "sesverify_state_changes_total{from=\"verified\",to=\"failed\"} 4\n");
    assert_true(sv_metrics_sum(metrics, SV_METRIC_STATE_CHANGES) == 7);
}

/* A counter without labels stands as 0 before its first event, so that a rate can be built on it;
 * a gauge that nobody has measured is not shown as 0. */
static void shows_zero_only_where_it_is_true(void **state)
{
    (void)state;
    assert_has("# TYPE sesverify_redis_reconnects_total counter\n"
               "sesverify_redis_reconnects_total 0\n");
    assert_has("# TYPE process_open_fds gauge\n# HELP");
    sv_metrics_set(metrics, SV_METRIC_PROCESS_FDS, 0, SV_LABELS());
    assert_has("process_open_fds 0\n");
}

static void buckets_are_cumulative(void **state)
{
    (void)state;
    sv_metrics_observe(metrics, SV_METRIC_SES_DURATION, 0.001, SV_LABELS("get"));
    sv_metrics_observe(metrics, SV_METRIC_SES_DURATION, 0.2, SV_LABELS("get"));
    sv_metrics_observe(metrics, SV_METRIC_SES_DURATION, 100, SV_LABELS("get"));
    sv_metrics_observe(metrics, SV_METRIC_SES_DURATION, -5, SV_LABELS("get"));
    assert_has("_bucket{operation=\"get\",le=\"0.001\"} 2\n");
    assert_has("_bucket{operation=\"get\",le=\"0.1\"} 2\n");
    assert_has("_bucket{operation=\"get\",le=\"0.25\"} 3\n");
    assert_has("_bucket{operation=\"get\",le=\"10\"} 3\n");
    assert_has("_bucket{operation=\"get\",le=\"+Inf\"} 4\n"
               "sesverify_ses_request_duration_seconds_sum{operation=\"get\"} 100.201\n"
               "sesverify_ses_request_duration_seconds_count{operation=\"get\"} 4\n");
    sv_metrics_observe(metrics, SV_METRIC_LOOP_LAG, 0.02, SV_LABELS());
    assert_has("sesverify_loop_lag_seconds_bucket{le=\"0.025\"} 1\n");
    assert_has("sesverify_loop_lag_seconds_sum 0.02\nsesverify_loop_lag_seconds_count 1\n");
}

static void escapes_values(void **state)
{
    (void)state;
    sv_metrics_add(metrics, SV_METRIC_DEAD_JOBS, 1, SV_LABELS("a\"b\\c\nd"));
    assert_has("sesverify_dead_jobs_total{reason=\"a\\\"b\\\\c\\nd\"} 1\n");
}

static void is_bounded_and_keeps_the_total(void **state)
{
    char word[16];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(word, sizeof word, "%d", i);
        sv_metrics_add(metrics, SV_METRIC_RETRIES, 1, SV_LABELS(word));
    }
    assert_has("sesverify_retries_total{reason=\"254\"} 1\n"
               "sesverify_retries_total{reason=\"other\"} 745\n# HELP");
    sv_metrics_add(metrics, SV_METRIC_RETRIES, 1, SV_LABELS("7"));
    assert_has("sesverify_retries_total{reason=\"7\"} 2\n");
}

static void forgets_what_is_not_measured(void **state)
{
    (void)state;
    sv_metrics_set(metrics, SV_METRIC_QUEUE_LAG, 3.5, SV_LABELS("0"));
    assert_has("sesverify_queue_lag{queue=\"0\"} 3.5\n");
    sv_metrics_clear(metrics, SV_METRIC_QUEUE_LAG);
    assert_has("# TYPE sesverify_queue_lag gauge\n# HELP");
}

static void takes_no_registry_and_a_full_buffer(void **state)
{
    struct sv_buf small;

    (void)state;
    sv_metrics_add(NULL, SV_METRIC_RETRIES, 1, SV_LABELS("x"));
    sv_metrics_set(NULL, SV_METRIC_PROCESS_FDS, 1, SV_LABELS());
    sv_metrics_observe(NULL, SV_METRIC_LOOP_LAG, 1, SV_LABELS());
    sv_metrics_clear(NULL, SV_METRIC_RETRIES);
    sv_metrics_free(NULL);
    for (size_t bytes = 0; bytes < 2000; bytes += 7) {
        sv_buf_init(&small, bytes);
        assert_false(sv_metrics_render(metrics, &small));
        sv_buf_fini(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(adds_up_by_labels, open_registry, close_registry),
        cmocka_unit_test_setup_teardown(shows_zero_only_where_it_is_true, open_registry,
                                        close_registry),
        cmocka_unit_test_setup_teardown(buckets_are_cumulative, open_registry, close_registry),
        cmocka_unit_test_setup_teardown(escapes_values, open_registry, close_registry),
        cmocka_unit_test_setup_teardown(is_bounded_and_keeps_the_total, open_registry,
                                        close_registry),
        cmocka_unit_test_setup_teardown(forgets_what_is_not_measured, open_registry,
                                        close_registry),
        cmocka_unit_test_setup_teardown(takes_no_registry_and_a_full_buffer, open_registry,
                                        close_registry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
