/* The planner's inputs and decisions as text, for `sv_plan_sim --replay`: a line that begins with +
 * is what the planner was given, one with = what it said. Asks go by their domain's uid, accounts
 * by their number in the configuration. */
#include "inside.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { LINE_BYTES = 256, BATCH_LINE_BYTES = SV_SES_BATCH_MAX * SV_UID_BYTES + 64 };

static bool is_on(const struct reader *reader)
{
    return reader->drive->options.plan_trace != NULL;
}

static void write_line(const struct reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void write_line(const struct reader *reader, const char *format, ...)
{
    const struct sv_drive_options *options = &reader->drive->options;
    char line[LINE_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    options->plan_trace(options->plan_trace_context, line);
}

static int number(const struct reader *reader)
{
    return (int)(reader->teller - reader->drive->tellers);
}

void plan_trace_open(const struct reader *reader)
{
    const struct sv_planner *planner = &reader->planner;

    if (is_on(reader))
        write_line(reader, "+ %d open %zu %" PRId64 " %" PRId64 " %" PRId64, number(reader),
                   planner->batch_max, planner->linger_ms[SV_ASK_RECHECK],
                   planner->linger_ms[SV_ASK_SEARCH], planner->linger_ms[SV_ASK_GUARD]);
}

void plan_trace_pace(const struct reader *reader)
{
    const struct sv_pace *pace = &reader->planner.pace;

    if (is_on(reader))
        write_line(reader, "+ %d pace %" PRId64 " %u", number(reader), pace->interval_ms,
                   pace->workers);
}

void plan_trace_add(const struct reader *reader, const struct check *check)
{
    const struct sv_ask *ask = &check->ask;

    if (!is_on(reader))
        return;
    write_line(reader, "+ %d add %s %s %016" PRIx64 " %" PRId64, number(reader), check->uid,
               sv_ask_kind_name(ask->kind), ask->client, ask->asked_at);
    write_line(reader, "= told %" PRId64, ask->bound_ms);
}

void plan_trace_remove(const struct reader *reader, const struct check *check)
{
    if (is_on(reader))
        write_line(reader, "+ %d remove %s", number(reader), check->uid);
}

void plan_trace_wait(const struct reader *reader, sv_ms now, bool crowded, sv_ms wait_ms)
{
    if (!is_on(reader))
        return;
    write_line(reader, "+ %d when %" PRId64 " %d", number(reader), now, crowded);
    write_line(reader, "= wait %" PRId64, wait_ms);
}

void plan_trace_take(const struct reader *reader, struct sv_ask *const *asks, size_t count)
{
    const struct sv_drive_options *options = &reader->drive->options;
    char line[BATCH_LINE_BYTES];
    size_t used;

    if (!is_on(reader))
        return;
    write_line(reader, "+ %d take", number(reader));
    used = (size_t)snprintf(line, sizeof line, "= batch %zu", count);
    for (size_t i = 0; i < count; i++) {
        const struct check *check = asks[i]->owner;

        used += (size_t)snprintf(line + used, sizeof line - used, " %s", check->uid);
    }
    options->plan_trace(options->plan_trace_context, line);
}

void plan_trace_detail(const struct reader *reader, bool granted)
{
    if (!is_on(reader))
        return;
    write_line(reader, "+ %d detail", number(reader));
    write_line(reader, "= detail %s", granted ? "yes" : "no");
}

void plan_trace_detail_end(const struct reader *reader)
{
    if (is_on(reader))
        write_line(reader, "+ %d detail_end", number(reader));
}
