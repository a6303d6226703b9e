#include "sv/digits.h"

size_t sv_digits_count(size_t number)
{
    size_t count = 1;

    for (; number >= 10; number /= 10)
        count++;
    return count;
}

char *sv_digits_write(char *out, size_t number, size_t count)
{
    for (size_t i = count; i-- > 0; number /= 10)
        out[i] = (char)('0' + number % 10);
    return out + count;
}
