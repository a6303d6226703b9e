#include "problems.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/err.h"

void sv_problems_init(struct sv_problems *problems)
{
    *problems = (struct sv_problems){0};
}

void sv_problems_fini(struct sv_problems *problems)
{
    free(problems->items);
    sv_problems_init(problems);
}

/* sv_err_set cleans foreign bytes; what it holds is shorter than a problem's text on purpose. */
static void put_clean(char *out, size_t bytes, const char *text)
{
    struct sv_errinfo clean;

    (void)sv_err_set(&clean, SV_EINVALID, "config", 0, "%s", text);
    (void)snprintf(out, bytes, "%s", clean.text);
}

void sv_problems_add(struct sv_problems *problems, bool warning, const char *where,
                     const char *format, ...)
{
    char text[SV_PROBLEM_TEXT_BYTES];
    struct sv_problem *problem;
    va_list args;

    if (!warning)
        problems->errors++;
    if (problems->count == SV_PROBLEMS_MAX)
        return;
    if (problems->items == NULL)
        problems->items = sv_alloc(SV_PROBLEMS_MAX, sizeof(*problems->items));
    problem = &problems->items[problems->count++];
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    problem->warning = warning;
    put_clean(problem->where, sizeof(problem->where), where);
    put_clean(problem->text, sizeof(problem->text), text);
}

void sv_problems_print(const struct sv_problems *problems, FILE *out)
{
    size_t shown = 0;

    for (size_t i = 0; i < problems->count; i++) {
        const struct sv_problem *problem = &problems->items[i];

        (void)fprintf(out, "%s: %s: %s\n", problem->where, problem->warning ? "warning" : "error",
                      problem->text);
        shown += problem->warning ? 0 : 1;
    }
    if (problems->errors > shown)
        (void)fprintf(out, "... and %zu more errors\n", problems->errors - shown);
}
