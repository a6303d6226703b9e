#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sv/alloc.h"

struct ill {
    unsigned invariant;
    bool is_fault;
    const char *name;
};

#define ROW(id, number, fault, word)                                                               \
    [SV_ILL_##id] = {.invariant = (number), .is_fault = (fault), .name = (word)},
static const struct ill ills[SV_ILL_COUNT] = {SV_DOCTOR_ILLS(ROW)};
#undef ROW

const char *sv_ill_name(enum sv_ill ill)
{
    return ills[ill].name;
}

unsigned sv_ill_invariant(enum sv_ill ill)
{
    return ills[ill].invariant;
}

bool sv_ill_is_fault(enum sv_ill ill)
{
    return ills[ill].is_fault;
}

struct sv_doctor *sv_doctor_new(void)
{
    return sv_alloc(1, sizeof(struct sv_doctor));
}

void sv_doctor_free(struct sv_doctor *doctor)
{
    if (doctor != NULL)
        free(doctor->rows);
    free(doctor);
}

void sv_doctor_find(struct sv_doctor *doctor, enum sv_ill ill, const char *subject,
                    const char *format, ...)
{
    struct sv_doctor_finding *finding;
    va_list args;

    doctor->ills[ill]++;
    if (doctor->findings_count == SV_DOCTOR_FINDINGS_MAX)
        return;
    finding = &doctor->findings[doctor->findings_count++];
    finding->ill = ill;
    finding->shard = doctor->shard;
    (void)snprintf(finding->subject, sizeof(finding->subject), "%s", subject);
    va_start(args, format);
    (void)vsnprintf(finding->text, sizeof(finding->text), format, args);
    va_end(args);
}

size_t sv_doctor_faults(const struct sv_doctor *doctor)
{
    size_t faults = 0;

    for (int ill = 0; ill < SV_ILL_COUNT; ill++)
        faults += ills[ill].is_fault ? doctor->ills[ill] : 0;
    return faults;
}
