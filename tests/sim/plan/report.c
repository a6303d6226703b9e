/* What a run showed, as tables for people (docs/planning.md), and what may never be. */
#include <inttypes.h>

#include "plan.h"

void histogram_add(struct histogram *histogram, sv_ms value_ms)
{
    sv_ms bucket = value_ms / histogram->unit_ms;

    histogram->buckets[bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1]++;
    histogram->count++;
    if (value_ms > histogram->worst_ms)
        histogram->worst_ms = value_ms;
}

sv_ms histogram_at(const struct histogram *histogram, unsigned permille)
{
    uint64_t wanted = (histogram->count * permille + 999) / 1000, seen = 0;

    for (sv_ms bucket = 0; bucket < HISTOGRAM_BUCKETS - 1; bucket++) {
        sv_ms end = (bucket + 1) * histogram->unit_ms;

        seen += histogram->buckets[bucket];
        if (seen >= wanted)
            return end < histogram->worst_ms ? end : histogram->worst_ms;
    }
    return histogram->worst_ms;
}

/* "3.1 s", "12 min", "5.2 h". */
static const char *text_of(sv_ms ms, char *out, size_t bytes)
{
    if (ms < 2 * SV_MINUTE)
        (void)snprintf(out, bytes, "%" PRId64 ".%" PRId64 " s", ms / 1000, ms % 1000 / 100);
    else if (ms < 2 * SV_HOUR)
        (void)snprintf(out, bytes, "%" PRId64 " min", ms / SV_MINUTE);
    else
        (void)snprintf(out, bytes, "%" PRId64 ".%" PRId64 " h", ms / SV_HOUR,
                       ms % SV_HOUR * 10 / SV_HOUR);
    return out;
}

static void row(FILE *out, const char *what, const struct histogram *histogram)
{
    char half[32], most[32], worst[32];

    (void)fprintf(out, "| %s | %" PRIu64 " | %s | %s | %s |\n", what, histogram->count,
                  text_of(histogram_at(histogram, 500), half, sizeof half),
                  text_of(histogram_at(histogram, 990), most, sizeof most),
                  text_of(histogram->worst_ms, worst, sizeof worst));
}

static uint64_t calls_of(const struct plan *plan, enum plan_call first, enum plan_call last)
{
    uint64_t calls = 0;

    for (unsigned i = 0; i < plan->options.accounts; i++) {
        for (int call = (int)first; call <= (int)last; call++)
            calls += plan->accounts[i].calls[call];
    }
    return calls;
}

uint64_t plan_reads(const struct plan *plan)
{
    return calls_of(plan, CALL_IDENTITIES, CALL_MAIL_FROM);
}

/* "0.043" */
static const char *ratio_of(uint64_t part, uint64_t whole, char *out, size_t bytes)
{
    uint64_t permille = whole == 0 ? 0 : part * 1000 / whole;

    (void)snprintf(out, bytes, "%" PRIu64 ".%03" PRIu64, permille / 1000, permille % 1000);
    return out;
}

static void report_calls(const struct plan *plan, FILE *out)
{
    uint64_t reads = plan_reads(plan);
    uint64_t pages = calls_of(plan, CALL_LIST, CALL_LIST);
    uint64_t capacity =
        (uint64_t)((plan->end - plan->start) / plan->options.interval_ms) * plan->options.accounts;
    char text[32], ratio[32];

    (void)fprintf(out, "| what | value |\n|---|---|\n");
    (void)fprintf(out, "| looks at a domain | %" PRIu64 " |\n", plan->looks);
    (void)fprintf(out, "| of them, SES was not asked: records provably absent | %" PRIu64 " |\n",
                  plan->skipped);
    (void)fprintf(out, "| reads of attributes, pages of the list | %" PRIu64 ", %" PRIu64 " |\n",
                  reads, pages);
    (void)fprintf(out, "| calls per domain looked at, all in all | %s |\n",
                  ratio_of(reads + pages, plan->looks, ratio, sizeof ratio));
    (void)fprintf(
        out, "| of the quota of GetIdentityVerificationAttributes | %" PRIu64 ".%" PRIu64 " %% |\n",
        calls_of(plan, CALL_IDENTITIES, CALL_IDENTITIES) * 100 / capacity,
        calls_of(plan, CALL_IDENTITIES, CALL_IDENTITIES) * 1000 / capacity % 10);
    (void)fprintf(out, "| restarts and identities made again | %" PRIu64 " |\n",
                  calls_of(plan, CALL_RESTART, CALL_CREATE));
    (void)fprintf(out, "| rechecks asked for by jobs | %" PRIu64 " |\n", plan->rechecks);
    (void)fprintf(
        out, "| looks brought forward by sweeps, of them in vain | %" PRIu64 ", %" PRIu64 " |\n",
        plan->hurried, plan->unhurried);
    if (plan->storm_over_at != 0)
        (void)fprintf(out,
                      "| everything due at once at the start: all looked at after | %s |\n"
                      "| reads per domain looked at until then | %s |\n",
                      text_of(plan->storm_over_at - plan->start, text, sizeof text),
                      ratio_of(plan->storm_reads, plan->storm_looks, ratio, sizeof ratio));
    (void)fprintf(out,
                  "| asks that waited longer than told, the pace having slowed | %" PRIu64 " |\n",
                  plan->over_told);
}

static void report_waits(const struct plan *plan, FILE *out)
{
    char bound[32];

    (void)fprintf(out,
                  "\n| wait for a place in a read | asks | half within | 99 %% within | worst | "
                  "largest bound told |\n|---|---|---|---|---|---|\n");
    for (int kind = 0; kind < SV_ASK_KINDS; kind++) {
        const struct histogram *waits = &plan->waits[kind];
        char half[32], most[32], worst[32];

        (void)fprintf(out, "| %s | %" PRIu64 " | %s | %s | %s | %s |\n",
                      sv_ask_kind_name((enum sv_ask_kind)kind), waits->count,
                      text_of(histogram_at(waits, 500), half, sizeof half),
                      text_of(histogram_at(waits, 990), most, sizeof most),
                      text_of(waits->worst_ms, worst, sizeof worst),
                      text_of(plan->worst_bound_ms[kind], bound, sizeof bound));
    }
}

static void report_fairness(const struct plan *plan, FILE *out)
{
    (void)fprintf(out, "\n| from due to decided | looks | half within | 99 %% within | worst |\n"
                       "|---|---|---|---|---|\n");
    for (int kind = 0; kind < SV_ASK_KINDS; kind++) {
        char what[64];

        (void)snprintf(what, sizeof what, "%s, clients with 10",
                       sv_ask_kind_name((enum sv_ask_kind)kind));
        row(out, what, &plan->turnarounds[kind][0]);
        (void)snprintf(what, sizeof what, "%s, clients with %u",
                       sv_ask_kind_name((enum sv_ask_kind)kind), plan->options.big);
        row(out, what, &plan->turnarounds[kind][1]);
    }
}

static void report_detection(const struct plan *plan, FILE *out)
{
    static const char *const names[CHANGE_COUNT] = {
        [CHANGE_SUCCESS] = "SES succeeded",
        [CHANGE_LOSS] = "a verified domain lost its success",
        [CHANGE_GONE] = "an identity was deleted",
        [CHANGE_GAVE_UP] = "SES gave up",
    };

    (void)fprintf(out,
                  "\n| from SES's change to our read of it | seen | half within | 99 %% within "
                  "| worst |\n|---|---|---|---|---|\n");
    for (int change = 0; change < CHANGE_COUNT; change++)
        row(out, names[change], &plan->detections[change]);
}

void plan_report(const struct plan *plan, FILE *out)
{
    const struct plan_options *options = &plan->options;

    (void)fprintf(out,
                  "%u account-regions of %u identities (one client with %u, the others with 10 "
                  "each), %u workers, a call every %" PRId64
                  " ms of each action, %u days, seed %" PRIu64 ", sweeps %s:\n\n",
                  options->accounts, options->identities, options->big, options->workers,
                  options->interval_ms, options->days, options->seed,
                  options->sweep_every_ms == 0 ? "off" : "every hour");
    report_calls(plan, out);
    report_waits(plan, out);
    report_fairness(plan, out);
    report_detection(plan, out);
}

bool plan_judge(const struct plan *plan, FILE *out)
{
    bool good = plan->over_bound == 0 && plan->too_soon == 0;

    if (plan->over_bound > 0)
        (void)fprintf(out, "BROKEN: %" PRIu64 " of %" PRIu64 " asks waited longer than told\n",
                      plan->over_bound, plan->asks);
    if (plan->too_soon > 0)
        (void)fprintf(out, "BROKEN: %" PRIu64 " calls came too soon after another\n",
                      plan->too_soon);
    return good;
}
