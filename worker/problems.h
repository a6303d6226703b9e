/* Everything that is wrong with a configuration, collected, so that one run tells it all (E3). */
#ifndef SV_WORKER_PROBLEMS_H
#define SV_WORKER_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { SV_PROBLEMS_MAX = 100, SV_PROBLEM_WHERE_BYTES = 240, SV_PROBLEM_TEXT_BYTES = 240 };

struct sv_problem {
    bool warning;                       /* does not keep the worker from starting */
    char where[SV_PROBLEM_WHERE_BYTES]; /* "/etc/x.conf:12", "environment SESVERIFY_X" */
    char text[SV_PROBLEM_TEXT_BYTES];
};

struct sv_problems {
    size_t errors; /* all of them, also those beyond the limit */
    size_t count;  /* entries of `items` */
    struct sv_problem *items;
};

void sv_problems_init(struct sv_problems *problems);
void sv_problems_fini(struct sv_problems *problems);

/* Texts are made safe for a terminal and cut where they do not fit. */
void sv_problems_add(struct sv_problems *problems, bool warning, const char *where,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* One line each: "WHERE: error: TEXT". */
void sv_problems_print(const struct sv_problems *problems, FILE *out);

#endif
