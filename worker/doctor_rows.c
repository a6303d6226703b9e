#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "sv/alloc.h"

enum { CAP_FIRST = 1024 };

bool sv_doctor_rows_add(struct sv_doctor *doctor, const char *uid)
{
    struct sv_doctor_row *row;

    if (strlen(uid) >= sizeof(row->uid))
        return false;
    if (doctor->rows_count == doctor->rows_cap) {
        doctor->rows_cap = doctor->rows_cap == 0 ? CAP_FIRST : 2 * doctor->rows_cap;
        doctor->rows = sv_realloc(doctor->rows, doctor->rows_cap * sizeof(*doctor->rows));
    }
    row = &doctor->rows[doctor->rows_count++];
    *row = (struct sv_doctor_row){.seen = false};
    (void)snprintf(row->uid, sizeof(row->uid), "%s", uid);
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct sv_doctor_row *left = a, *right = b;

    return strcmp(left->uid, right->uid);
}

/* SCAN may show a key twice. */
void sv_doctor_rows_sort(struct sv_doctor *doctor)
{
    size_t kept = 0;

    if (doctor->rows_count > 1)
        qsort(doctor->rows, doctor->rows_count, sizeof(*doctor->rows), compare);
    for (size_t i = 0; i < doctor->rows_count; i++) {
        if (kept == 0 || strcmp(doctor->rows[kept - 1].uid, doctor->rows[i].uid) != 0)
            doctor->rows[kept++] = doctor->rows[i];
    }
    doctor->rows_count = kept;
}

struct sv_doctor_row *sv_doctor_rows_find(const struct sv_doctor *doctor, const char *uid)
{
    size_t from = 0, to = doctor->rows_count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(uid, doctor->rows[middle].uid);

        if (order == 0)
            return &doctor->rows[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

void sv_doctor_rows_clear(struct sv_doctor *doctor)
{
    doctor->rows_count = 0;
}
