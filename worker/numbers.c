#include "numbers.h"

#include <string.h>

#include "exit.h"
#include "setup.h"

enum { DIGITS_MAX = 15 };

int sv_number_option(const struct sv_args *args, const char *name, size_t min, size_t max,
                     size_t fallback, size_t *out)
{
    const char *text = sv_args_value(args, name, NULL);
    size_t number = 0, len = text != NULL ? strlen(text) : 0;

    *out = fallback;
    if (text == NULL)
        return SV_EXIT_OK;
    for (size_t i = 0; i < len && len <= DIGITS_MAX; i++)
        number = number * 10 + (size_t)(text[i] - '0');
    if (len > 0 && len <= DIGITS_MAX && strspn(text, "0123456789") == len && number >= min &&
        number <= max) {
        *out = number;
        return SV_EXIT_OK;
    }
    sv_setup_complain(args, "--%s is a number from %zu to %zu", name, min, max);
    return SV_EXIT_USAGE;
}
