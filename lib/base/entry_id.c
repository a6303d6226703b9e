#include "sv/entry_id.h"

#include <stdlib.h>

int sv_entry_id_compare(const char *a, const char *b)
{
    char *rest_a, *rest_b;
    unsigned long long one = strtoull(a, &rest_a, 10), other = strtoull(b, &rest_b, 10);

    if (one != other)
        return one < other ? -1 : 1;
    one = *rest_a == '-' ? strtoull(rest_a + 1, NULL, 10) : 0;
    other = *rest_b == '-' ? strtoull(rest_b + 1, NULL, 10) : 0;
    return one < other ? -1 : one > other;
}
