#include "nearest.h"

#include <stdint.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment over three rows: `before` and `last` are the two rows above. */
size_t sv_nearest_distance(const char *a, const char *b)
{
    enum { WIDTH = SV_NEAREST_BYTES_MAX + 1 };
    size_t rows[3][WIDTH];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);

    if (a_len > SV_NEAREST_BYTES_MAX || b_len > SV_NEAREST_BYTES_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *last = rows[(i - 1) % 3];
        const size_t *before = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            row[j] =
                least(least(last[j] + 1, row[j - 1] + 1), last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

void sv_nearest_init(struct sv_nearest *nearest, const char *word)
{
    *nearest = (struct sv_nearest){.word = word, .distance = SIZE_MAX};
}

/* Most candidates are too long or too short to be near, which is cheaper to see than their
 * distance. */
void sv_nearest_offer(struct sv_nearest *nearest, const char *candidate)
{
    size_t len = strlen(nearest->word);
    size_t candidate_len = strlen(candidate);
    size_t allowed = (len + 2) / 3;
    size_t distance = len > candidate_len ? len - candidate_len : candidate_len - len;

    if (distance > allowed || distance >= nearest->distance)
        return;
    distance = sv_nearest_distance(nearest->word, candidate);
    if (distance < nearest->distance && distance <= allowed) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}
