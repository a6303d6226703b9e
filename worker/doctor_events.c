#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "sv/json.h"

/* The story: events are read in the order of the outbox, after the domains were. Each is held
 * against the one before it of the same domain, and the one that the record had reached against the
 * record; later ones tell what happened since. */

enum { EVENT_DEPTH_MAX = 16, DIGITS = 10, EPOCH_DIGITS = 13 };

static const char *const outcomes[] = {"done", "coalesced", "rejected", "dead"};

struct told {
    const char *uid, *kind; /* "verified", of the type; kind is not ended by a 0 byte */
    size_t kind_len;
    uint64_t sequence, epoch;
    bool has_from;
    enum sv_status from, to;
};

static bool is_digits(const char *text, size_t len)
{
    return text != NULL && strlen(text) == len && strspn(text, "0123456789") == len;
}

/* "io.sesverify.domain.verified.v1" */
static bool read_kind(const char *type, struct told *out)
{
    static const char head[] = "io.sesverify.domain.";
    const char *end;

    if (strncmp(type, head, sizeof(head) - 1) != 0)
        return false;
    out->kind = type + sizeof(head) - 1;
    end = strchr(out->kind, '.');
    out->kind_len = end != NULL ? (size_t)(end - out->kind) : 0;
    return out->kind_len > 0 && strcmp(end, ".v1") == 0;
}

static bool read_status(const json_t *data, const char *key, enum sv_status *out)
{
    const char *word = sv_json_str(data, key);

    *out = word != NULL ? sv_status_parse(word) : SV_STATUS_COUNT;
    return *out != SV_STATUS_COUNT;
}

static bool read_told(const json_t *event, const char *type, struct told *out)
{
    const json_t *data = json_object_get(event, "data");
    const char *source = sv_json_str(event, "source"), *sequence = sv_json_str(event, "sequence");
    const char *epoch = sv_json_str(event, "epoch");

    *out = (struct told){.from = SV_STATUS_NEW};
    if (!read_kind(type, out) || source == NULL || strrchr(source, '/') == NULL ||
        !is_digits(sequence, DIGITS) || !read_status(data, "to", &out->to))
        return false;
    out->uid = strrchr(source, '/') + 1;
    if (json_object_get(event, "epoch") != NULL && !is_digits(epoch, EPOCH_DIGITS))
        return false;
    out->sequence = strtoull(sequence, NULL, 10);
    out->epoch = epoch != NULL ? strtoull(epoch, NULL, 10) : 0;
    out->has_from = !json_is_null(json_object_get(data, "from"));
    return !out->has_from || read_status(data, "from", &out->from);
}

static void check_from(struct sv_doctor *doctor, const struct sv_doctor_row *row,
                       const struct told *told, const char *entry)
{
    enum sv_status before =
        row->told == SV_STATUS_REMOVED && !told->has_from ? SV_STATUS_NEW : row->told;
    bool updated = told->kind_len == 7 && strncmp(told->kind, "updated", 7) == 0;

    if ((row->met || told->sequence == 1) && told->from != before)
        sv_doctor_find(doctor, SV_ILL_EVENT_FROM_WRONG, row->uid,
                       "event %llu (entry %.40s) comes from %s, the one before went to %s",
                       (unsigned long long)told->sequence, entry, sv_status_name(told->from),
                       sv_status_name(before));
    if ((told->from == told->to) != updated)
        sv_doctor_find(doctor, SV_ILL_EVENT_KIND_WRONG, row->uid,
                       "event %llu (entry %.40s) is %.*s, from %s to %s",
                       (unsigned long long)told->sequence, entry, (int)told->kind_len, told->kind,
                       sv_status_name(told->from), sv_status_name(told->to));
}

/* Nobody heard of a domain that is new; nobody hears when it is given up before it was registered,
 * or that it was registered anew. */
static bool unheard(enum sv_status status)
{
    return status == SV_STATUS_NEW || status == SV_STATUS_REMOVED;
}

static void check_record(struct sv_doctor *doctor, const struct sv_doctor_row *row,
                         enum sv_status told)
{
    if (row->status != told && !(unheard(row->status) && unheard(told)))
        sv_doctor_find(doctor, SV_ILL_STATUS_DIFFERS, row->uid, "it is %s, its events say %s",
                       row->status == SV_STATUS_COUNT ? "unknown" : sv_status_name(row->status),
                       sv_status_name(told));
}

/* Who reads the records looks for it once more. */
static void meet_stranger(struct sv_doctor *doctor, const struct told *told, const char *entry)
{
    struct sv_doctor_stranger *stranger;

    for (size_t i = 0; i < doctor->strangers_count; i++) {
        if (strcmp(doctor->strangers[i].uid, told->uid) == 0)
            return;
    }
    if (doctor->strangers_count == SV_DOCTOR_STRANGERS_MAX) {
        doctor->undecided[sv_ill_invariant(SV_ILL_EVENT_WITHOUT_RECORD)] = true;
        return;
    }
    stranger = &doctor->strangers[doctor->strangers_count++];
    (void)snprintf(stranger->uid, sizeof(stranger->uid), "%.16s", told->uid);
    (void)snprintf(stranger->entry, sizeof(stranger->entry), "%s", entry);
}

/* Whoever consumes events tells by it which of two histories counts. */
static void check_epoch(struct sv_doctor *doctor, struct sv_doctor_row *row,
                        const struct told *told, const char *entry)
{
    if (told->epoch < row->epoch)
        sv_doctor_find(doctor, SV_ILL_EPOCH_FELL, row->uid,
                       "event %llu (entry %.40s) has epoch %llu, the one before has %llu",
                       (unsigned long long)told->sequence, entry, (unsigned long long)told->epoch,
                       (unsigned long long)row->epoch);
    row->epoch = told->epoch;
}

static void follow(struct sv_doctor *doctor, const struct told *told, const char *entry)
{
    struct sv_doctor_row *row = sv_doctor_rows_find(doctor, told->uid);
    uint64_t wanted;

    if (row == NULL) {
        meet_stranger(doctor, told, entry);
        return;
    }
    check_epoch(doctor, row, told, entry);
    wanted = row->heard + 1;
    if (told->sequence != wanted && (row->met || !doctor->trimmed))
        sv_doctor_find(doctor, SV_ILL_EVENT_GAP, row->uid, "event %llu (entry %.40s) follows %llu",
                       (unsigned long long)told->sequence, entry, (unsigned long long)row->heard);
    else
        check_from(doctor, row, told, entry);
    if (row->seen && told->sequence == row->sequence)
        check_record(doctor, row, told->to);
    row->met = true;
    row->heard = told->sequence;
    row->told = told->to;
}

/* The outcome of a job.finished, or NULL. */
static const char *outcome_of(const json_t *event)
{
    const char *word = sv_json_str(json_object_get(event, "data"), "outcome");

    for (size_t i = 0; word != NULL && i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        if (strcmp(word, outcomes[i]) == 0)
            return outcomes[i];
    }
    return NULL;
}

const char *sv_doctor_event(struct sv_doctor *doctor, const struct sv_store_entry *entry)
{
    json_t *event = sv_json_parse(entry->payload, entry->payload_bytes, SV_STORE_EVENT_BYTES_MAX,
                                  EVENT_DEPTH_MAX, NULL);
    const char *type = event != NULL ? sv_json_str(event, "type") : NULL;
    const char *outcome = NULL;
    struct told told;

    doctor->events++;
    if (type != NULL && strcmp(type, "io.sesverify.job.finished.v1") == 0)
        outcome = outcome_of(event);
    else if (type != NULL && read_told(event, type, &told))
        follow(doctor, &told, entry->id);
    else
        type = NULL;
    if (type == NULL || (outcome == NULL && strstr(type, ".job.finished.") != NULL))
        sv_doctor_find(doctor, SV_ILL_EVENT_UNREADABLE, entry->id, "it is none of our events");
    json_decref(event);
    return outcome;
}

void sv_doctor_events_end(struct sv_doctor *doctor)
{
    for (size_t i = 0; i < doctor->rows_count; i++) {
        const struct sv_doctor_row *row = &doctor->rows[i];

        if (!row->seen)
            continue;
        if (row->heard < row->sequence && (row->met || !doctor->trimmed))
            sv_doctor_find(doctor, SV_ILL_EVENTS_DIFFER, row->uid,
                           "its record says %llu events, the last one is %llu",
                           (unsigned long long)row->sequence, (unsigned long long)row->heard);
        else if (!row->met && row->sequence == 0)
            check_record(doctor, row, SV_STATUS_NEW);
    }
}
