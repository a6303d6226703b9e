/* Memory that is there or the process ends, with exit code SV_ALLOC_EXIT: state is in Redis, the
 * supervisor restarts us. */
#ifndef SV_ALLOC_H
#define SV_ALLOC_H

#include <stddef.h>

enum { SV_ALLOC_EXIT = 71 }; /* BSD's EX_OSERR, as worker/exit.h has it */

/* Zeroed memory for `count` things of `bytes` each; never NULL. The product must not overflow. The
 * caller frees it with free(). Nothing from outside may decide the size without a named limit. */
void *sv_alloc(size_t count, size_t bytes) __attribute__((malloc, returns_nonnull));

/* Grows or shrinks `old` (NULL is fine) to `bytes`; never NULL. New bytes are not zeroed. */
void *sv_realloc(void *old, size_t bytes) __attribute__((returns_nonnull));

/* A copy of `len` bytes with a 0 behind them; never NULL. */
char *sv_strndup(const char *text, size_t len) __attribute__((returns_nonnull));

/* A copy of a string; never NULL. */
char *sv_strdup(const char *text) __attribute__((returns_nonnull));

/* Makes sure that `bytes` can be had in all by what runs next: for libraries that follow the null
 * pointers they get. */
void sv_alloc_reserve(size_t bytes);

/* Ends the process because a library (jansson, libcurl, hiredis) reported that memory is gone. */
_Noreturn void sv_out_of_memory(const char *what);

#endif
