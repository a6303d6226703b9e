/* Our own mistakes stop the process in every build; input from outside never does. */
#ifndef SV_REQUIRE_H
#define SV_REQUIRE_H

/* Prints file, line and the broken condition to stderr, then aborts. */
_Noreturn void sv_require_failed(const char *file, int line, const char *condition);

#define SV_REQUIRE(condition)                                                                      \
    ((condition) ? (void)0 : sv_require_failed(__FILE__, __LINE__, #condition))

#endif
