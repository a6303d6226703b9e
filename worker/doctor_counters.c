#include <stdlib.h>
#include <string.h>

#include "doctor.h"

static const struct sv_doctor_counter *find(const struct sv_doctor_counters *counters,
                                            const char *name)
{
    for (size_t i = 0; i < counters->count; i++) {
        if (strcmp(counters->items[i].name, name) == 0)
            return &counters->items[i];
    }
    return NULL;
}

static bool is_number(const char *text)
{
    return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

long long sv_doctor_counter(const struct sv_doctor_counters *counters, const char *name)
{
    const struct sv_doctor_counter *counter = find(counters, name);

    return counter != NULL && is_number(counter->value) ? strtoll(counter->value, NULL, 10) : 0;
}

bool sv_doctor_counters_equal(const struct sv_doctor_counters *a,
                              const struct sv_doctor_counters *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct sv_doctor_counter *other = find(b, a->items[i].name);

        if (other == NULL || strcmp(other->value, a->items[i].value) != 0)
            return false;
    }
    return true;
}

void sv_doctor_counters_check(struct sv_doctor *doctor, const struct sv_doctor_counters *counters)
{
    long long accepted = sv_doctor_counter(counters, "accepted");
    long long ended = 0, open = sv_doctor_counter(counters, "open");
    bool sound = true;

    for (size_t i = 0; i < counters->count; i++) {
        const struct sv_doctor_counter *counter = &counters->items[i];

        if (!is_number(counter->value)) {
            sound = false;
            sv_doctor_find(doctor, SV_ILL_COUNTER_IMPOSSIBLE, counter->name, "the counter is %s",
                           counter->value);
        }
    }
    ended += sv_doctor_counter(counters, "done") + sv_doctor_counter(counters, "rejected");
    ended += sv_doctor_counter(counters, "coalesced") + sv_doctor_counter(counters, "dead");
    if (sound && accepted != ended + open)
        sv_doctor_find(doctor, SV_ILL_BALANCE_BROKEN, "jobs",
                       "%lld were accepted, but %lld ended and %lld are open", accepted, ended,
                       open);
    if (sv_doctor_counter(counters, "conflict") > 0)
        sv_doctor_find(doctor, SV_ILL_COMMIT_CONFLICT, "conflict",
                       "%lld commits met a state that their claim did not return",
                       sv_doctor_counter(counters, "conflict"));
}

static void check_statuses(struct sv_doctor *doctor, const struct sv_doctor_counters *counters)
{
    long long real[SV_STATUS_COUNT + 1] = {0};
    char name[48];

    for (size_t i = 0; i < doctor->rows_count; i++) {
        if (doctor->rows[i].seen)
            real[doctor->rows[i].status]++;
    }
    for (int status = 0; status < SV_STATUS_COUNT; status++) {
        const char *word = sv_status_name((enum sv_status)status);
        long long kept;

        (void)snprintf(name, sizeof(name), "status_%s", word);
        kept = sv_doctor_counter(counters, name);
        if (kept != real[status])
            sv_doctor_find(doctor, SV_ILL_STATUS_MISCOUNTED, name,
                           "%lld domains are %s, the counter says %lld", real[status], word, kept);
    }
}

void sv_doctor_sums(struct sv_doctor *doctor, const struct sv_doctor_counters *counters)
{
    long long open = 0, kept = sv_doctor_counter(counters, "open");

    for (size_t i = 0; i < doctor->rows_count; i++) {
        if (doctor->rows[i].unread) {
            doctor->undecided[1] = doctor->undecided[5] = true;
            return;
        }
    }
    for (size_t i = 0; i < doctor->rows_count; i++)
        open += doctor->rows[i].seen && doctor->rows[i].open;
    if (open != kept)
        sv_doctor_find(doctor, SV_ILL_OPEN_MISCOUNTED, "open",
                       "%lld domains have an open job, the counter says %lld", open, kept);
    check_statuses(doctor, counters);
}
