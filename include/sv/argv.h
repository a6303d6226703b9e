/* Splits a command line into words as AWS's tools do for credential_process: by the rules of a
 * POSIX shell for blanks, quotes and backslashes (Python's shlex), and nothing else of a shell. */
#ifndef SV_AWS_ARGV_H
#define SV_AWS_ARGV_H

#include "sv/err.h"

enum { SV_ARGV_WORDS_MAX = 64, SV_ARGV_BYTES = 2048 };

struct sv_argv {
    char *words[SV_ARGV_WORDS_MAX + 1]; /* into `bytes`; NULL behind the last */
    char bytes[SV_ARGV_BYTES];
};

/* SV_EMALFORMED: a quote that is not closed, a backslash at the end, or no word at all; SV_ETOOBIG.
 * The text never shows the command: it may hold a secret. *out must not be moved or copied. */
enum sv_err sv_argv_split(const char *command, struct sv_argv *out, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

#endif
