#include "sv/require.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void sv_require_failed(const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    abort();
}
