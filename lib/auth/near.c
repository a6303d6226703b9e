#include "near.h"

#include <string.h>

/* Only the diagonal band of the table that can hold a distance <= SV_NEAR_EDITS_MAX is kept: cell
 * (i, j) is at [j - i + BAND]. Values above the limit are all "far". */
enum { BAND = SV_NEAR_EDITS_MAX, WIDTH = 2 * BAND + 1, FAR = SV_NEAR_EDITS_MAX + 1 };

struct rows {
    unsigned before[WIDTH]; /* row i - 2 */
    unsigned above[WIDTH];  /* row i - 1 */
    unsigned now[WIDTH];    /* row i */
};

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool same(struct sv_span a, size_t i, struct sv_span b, size_t j)
{
    return sv_char_lower(a.text[i]) == sv_char_lower(b.text[j]);
}

/* The cell for the first i octets of `a` and the first j of `b`. */
static unsigned cell(const struct rows *rows, struct sv_span a, size_t i, struct sv_span b,
                     size_t j)
{
    size_t k = j + BAND - i;
    unsigned best = FAR;

    if (i == 0)
        return (unsigned)least((unsigned)j, FAR);
    if (j == 0)
        return (unsigned)least((unsigned)i, FAR);
    best = least(best, rows->above[k] + (same(a, i - 1, b, j - 1) ? 0 : 1));
    if (k + 1 < WIDTH)
        best = least(best, rows->above[k + 1] + 1);
    if (k > 0)
        best = least(best, rows->now[k - 1] + 1);
    if (i > 1 && j > 1 && same(a, i - 1, b, j - 2) && same(a, i - 2, b, j - 1))
        best = least(best, rows->before[k] + 1);
    return best;
}

bool sv_near(struct sv_span found, struct sv_span wanted)
{
    struct rows rows;
    size_t gap = found.len > wanted.len ? found.len - wanted.len : wanted.len - found.len;

    if (gap > SV_NEAR_EDITS_MAX)
        return false;
    for (size_t i = 0; i <= found.len; i++) {
        memcpy(rows.before, rows.above, i > 1 ? sizeof(rows.before) : 0);
        memcpy(rows.above, rows.now, i > 0 ? sizeof(rows.above) : 0);
        for (size_t k = 0; k < WIDTH; k++) {
            bool inside = i + k >= BAND && i + k - BAND <= wanted.len;
            rows.now[k] = inside ? cell(&rows, found, i, wanted, i + k - BAND) : FAR;
        }
    }
    return rows.now[wanted.len + BAND - found.len] <= SV_NEAR_EDITS_MAX;
}
