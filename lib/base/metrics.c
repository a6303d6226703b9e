#include "sv/metrics.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

struct definition {
    enum sv_metric_kind kind;
    const char *name, *labels, *help;
};

static const struct definition definitions[] = {
#define X(id, kind, name, labels, help) {SV_METRIC_##kind, name, labels, help},
    SV_METRIC_MAP(X)
#undef X
};

enum { BOUNDS = 13 };

static const double swift_bounds[BOUNDS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                            0.25,  0.5,    1,     2.5,  5,     10};
static const double slow_bounds[BOUNDS] = {0.1, 0.5,  1,    5,     10,    30,   60,
                                           300, 1800, 3600, 10800, 43200, 86400};

struct series {
    char *values[SV_METRIC_LABELS_MAX];
    double value;      /* of a histogram: the sum */
    uint64_t *buckets; /* not cumulative; one more than bounds. NULL = no histogram */
};

struct family {
    struct series *series;
    size_t count;
};

struct sv_metrics {
    struct family families[SV_METRIC_COUNT];
};

static const double *bounds_of(enum sv_metric metric)
{
    return definitions[metric].kind == SV_METRIC_SWIFT ? swift_bounds : slow_bounds;
}

static bool is_histogram(enum sv_metric metric)
{
    return definitions[metric].kind == SV_METRIC_SWIFT ||
           definitions[metric].kind == SV_METRIC_SLOW;
}

static size_t labels_of(enum sv_metric metric)
{
    const char *at = definitions[metric].labels;
    size_t count = *at != '\0';

    for (; (at = strchr(at, ',')) != NULL; at++)
        count++;
    return count;
}

struct sv_metrics *sv_metrics_new(void)
{
    return sv_alloc(1, sizeof(struct sv_metrics));
}

void sv_metrics_clear(struct sv_metrics *metrics, enum sv_metric metric)
{
    struct family *family;

    if (metrics == NULL)
        return;
    family = &metrics->families[metric];
    for (size_t i = 0; i < family->count; i++) {
        for (size_t label = 0; label < SV_METRIC_LABELS_MAX; label++)
            free(family->series[i].values[label]);
        free(family->series[i].buckets);
    }
    free(family->series);
    *family = (struct family){0};
}

void sv_metrics_free(struct sv_metrics *metrics)
{
    for (int metric = 0; metrics != NULL && metric < SV_METRIC_COUNT; metric++)
        sv_metrics_clear(metrics, (enum sv_metric)metric);
    free(metrics);
}

static bool is_series(const struct series *series, const char *const values[], size_t labels)
{
    for (size_t i = 0; i < labels; i++) {
        if (strcmp(series->values[i], values[i]) != 0)
            return false;
    }
    return true;
}

static struct series *add_series(struct family *family, enum sv_metric metric,
                                 const char *const values[], size_t labels)
{
    struct series *series;

    family->series = sv_realloc(family->series, (family->count + 1) * sizeof *family->series);
    series = &family->series[family->count++];
    *series = (struct series){0};
    for (size_t i = 0; i < labels; i++)
        series->values[i] = sv_strdup(values[i]);
    if (is_histogram(metric))
        series->buckets = sv_alloc(BOUNDS + 1, sizeof *series->buckets);
    return series;
}

/* A metric that has all the series it may have adds up what is new under "other": the total stays
 * right. The last place is kept for that. */
static struct series *find(struct sv_metrics *metrics, enum sv_metric metric,
                           const char *const values[])
{
    static const char *const others[SV_METRIC_LABELS_MAX] = {"other", "other", "other"};
    struct family *family = &metrics->families[metric];
    size_t labels = labels_of(metric);

    for (size_t i = 0; i < labels; i++)
        SV_REQUIRE(values[i] != NULL);
    for (size_t i = 0; i < family->count; i++) {
        if (is_series(&family->series[i], values, labels))
            return &family->series[i];
    }
    if (values != others && family->count >= SV_METRIC_SERIES_MAX - 1)
        return find(metrics, metric, others);
    return add_series(family, metric, values, labels);
}

void sv_metrics_add(struct sv_metrics *metrics, enum sv_metric metric, double by,
                    const char *const values[])
{
    if (metrics == NULL)
        return;
    SV_REQUIRE(definitions[metric].kind == SV_METRIC_COUNTER && by >= 0);
    find(metrics, metric, values)->value += by;
}

void sv_metrics_set(struct sv_metrics *metrics, enum sv_metric metric, double value,
                    const char *const values[])
{
    if (metrics == NULL)
        return;
    SV_REQUIRE(!is_histogram(metric));
    find(metrics, metric, values)->value = value;
}

void sv_metrics_observe(struct sv_metrics *metrics, enum sv_metric metric, double seconds,
                        const char *const values[])
{
    const double *bounds = bounds_of(metric);
    size_t bucket = 0;
    struct series *series;

    if (metrics == NULL)
        return;
    SV_REQUIRE(is_histogram(metric));
    seconds = seconds > 0 ? seconds : 0;
    while (bucket < BOUNDS && seconds > bounds[bucket])
        bucket++;
    series = find(metrics, metric, values);
    series->buckets[bucket]++;
    series->value += seconds;
}

double sv_metrics_sum(const struct sv_metrics *metrics, enum sv_metric metric)
{
    double sum = 0;

    for (size_t i = 0; metrics != NULL && i < metrics->families[metric].count; i++)
        sum += metrics->families[metric].series[i].value;
    return sum;
}

/* ---- text ---- */

/* Backslash, quote and line end are escaped, nothing else (exposition format 0.0.4). */
static bool add_value(struct sv_buf *out, const char *value)
{
    SV_REQUIRE(value != NULL);
    for (; *value != '\0'; value++) {
        const char *escaped = *value == '\\' ? "\\\\" : *value == '"' ? "\\\"" : "\\n";
        bool is_plain = strchr("\\\"\n", *value) == NULL;

        if (!(is_plain ? sv_buf_add(out, value, 1) : sv_buf_add_str(out, escaped)))
            return false;
    }
    return true;
}

/* `{a="1",b="2"}`, with `le` behind them unless it is NULL; nothing when there are none. */
static bool add_labels(struct sv_buf *out, enum sv_metric metric, const struct series *series,
                       const char *le)
{
    const char *name = definitions[metric].labels;
    size_t labels = labels_of(metric);
    bool fits = true;

    if (labels == 0 && le == NULL)
        return true;
    for (size_t i = 0; fits && i < labels; i++) {
        size_t len = strcspn(name, ",");

        fits = sv_buf_printf(out, "%s%.*s=\"", i == 0 ? "{" : ",", (int)len, name) &&
               add_value(out, series->values[i]) && sv_buf_add_str(out, "\"");
        name += len + (name[len] == ',');
    }
    if (fits && le != NULL)
        fits = sv_buf_printf(out, "%sle=\"%s\"", labels == 0 ? "{" : ",", le);
    return fits && sv_buf_add_str(out, "}");
}

/* Whole numbers as such, as far as a double holds them exactly. */
static bool add_number(struct sv_buf *out, double value)
{
    static const double exact_max = 9007199254740992.0; /* 2^53 */
    bool is_whole = value > -exact_max && value < exact_max && (double)(int64_t)value >= value &&
                    (double)(int64_t)value <= value;

    return is_whole ? sv_buf_printf(out, " %" PRId64 "\n", (int64_t)value)
                    : sv_buf_printf(out, " %.9g\n", value);
}

static bool add_line(struct sv_buf *out, enum sv_metric metric, const char *suffix,
                     const struct series *series, const char *le, double value)
{
    return sv_buf_add_str(out, definitions[metric].name) && sv_buf_add_str(out, suffix) &&
           add_labels(out, metric, series, le) && add_number(out, value);
}

static bool add_histogram(struct sv_buf *out, enum sv_metric metric, const struct series *series)
{
    const double *bounds = bounds_of(metric);
    uint64_t seen = 0;
    bool fits = true;

    for (size_t i = 0; fits && i <= BOUNDS; i++) {
        char le[32] = "+Inf";

        if (i < BOUNDS)
            (void)snprintf(le, sizeof le, "%g", bounds[i]);
        seen += series->buckets[i];
        fits = add_line(out, metric, "_bucket", series, le, (double)seen);
    }
    return fits && add_line(out, metric, "_sum", series, NULL, series->value) &&
           add_line(out, metric, "_count", series, NULL, (double)seen);
}

static bool add_family(const struct sv_metrics *metrics, enum sv_metric metric, struct sv_buf *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram", "histogram"};
    const struct definition *definition = &definitions[metric];
    const struct family *family = &metrics->families[metric];
    bool fits = sv_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", definition->name,
                              definition->help, definition->name, types[definition->kind]);

    if (fits && family->count == 0 && definition->kind == SV_METRIC_COUNTER &&
        labels_of(metric) == 0)
        return add_line(out, metric, "", &(struct series){0}, NULL, 0);
    for (size_t i = 0; fits && i < family->count; i++) {
        const struct series *series = &family->series[i];

        fits = is_histogram(metric) ? add_histogram(out, metric, series)
                                    : add_line(out, metric, "", series, NULL, series->value);
    }
    return fits;
}

bool sv_metrics_render(const struct sv_metrics *metrics, struct sv_buf *out)
{
    for (int metric = 0; metrics != NULL && metric < SV_METRIC_COUNT; metric++) {
        if (!add_family(metrics, (enum sv_metric)metric, out))
            return false;
    }
    return true;
}
