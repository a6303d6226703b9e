#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_walk.h"
#include "exit.h"
#include "sv/alloc.h"
#include "sv/entry_id.h"

/* The outbox, from its oldest entry to the one that was the last when the reading began. */

enum { PAGE = 200, OUTCOMES = 4 };

static const char *const outcomes[OUTCOMES] = {"done", "coalesced", "rejected", "dead"};

struct answer {
    uint64_t hash; /* of the event's id */
    char entry[SV_STORE_ENTRY_ID_BYTES];
};

struct history {
    struct sv_doctor_walk *walk;
    char after[SV_STORE_ENTRY_ID_BYTES];
    char last[SV_STORE_ENTRY_ID_BYTES]; /* "" = there is none */
    long long length, added;
    bool at_the_end;
    size_t page;
    long long counts[OUTCOMES];
    size_t answers_count, answers_cap;
    struct answer *answers;
};

static void on_stream(void *context, const struct sv_store_call *call)
{
    const struct sv_store_look *look = &call->u.look;
    struct history *history = context;

    for (size_t i = 0; i < look->count; i++) {
        const struct sv_store_look_item *item = &look->items[i];

        if (strcmp(item->name, "length") == 0)
            history->length = strtoll(item->value, NULL, 10);
        else if (strcmp(item->name, "entries-added") == 0)
            history->added = strtoll(item->value, NULL, 10);
        else if (strcmp(item->name, "last-generated-id") == 0)
            (void)snprintf(history->last, sizeof(history->last), "%s", item->value);
    }
}

/* The id of an answer follows from shard and entry; its hash stands for it. */
static void note_answer(struct history *history, const struct sv_store_entry *entry,
                        const char *outcome)
{
    struct answer *answer;
    const char *id = strstr(entry->payload, "\"id\":\"job.");

    for (size_t i = 0; i < OUTCOMES; i++)
        history->counts[i] += strcmp(outcome, outcomes[i]) == 0;
    if (id == NULL || strchr(id + 6, '"') == NULL)
        return;
    if (history->answers_count == history->answers_cap) {
        history->answers_cap = history->answers_cap == 0 ? PAGE : 2 * history->answers_cap;
        history->answers =
            sv_realloc(history->answers, history->answers_cap * sizeof(*history->answers));
    }
    answer = &history->answers[history->answers_count++];
    answer->hash = sv_fnv1a(SV_FNV_START, id + 6, (size_t)(strchr(id + 6, '"') - (id + 6)));
    (void)snprintf(answer->entry, sizeof(answer->entry), "%s", entry->id);
}

static void on_events(void *context, const struct sv_store_call *call)
{
    const struct sv_store_events *events = &call->u.events;
    struct history *history = context;

    history->page = events->count;
    for (size_t i = 0; i < events->count && !history->at_the_end; i++) {
        const struct sv_store_entry *entry = &events->entries[i];
        const char *outcome;

        if (sv_entry_id_compare(entry->id, history->last) > 0) {
            history->at_the_end = true;
            return;
        }
        outcome = sv_doctor_event(history->walk->doctor, entry);
        if (outcome != NULL)
            note_answer(history, entry, outcome);
        (void)snprintf(history->after, sizeof(history->after), "%s", entry->id);
    }
}

static int read_all(struct history *history)
{
    (void)snprintf(history->after, sizeof(history->after), "0");
    do {
        struct sv_store_call call = {.op = SV_STORE_EVENTS, .shard = history->walk->shard};
        char after[sizeof(history->after)];
        int code;

        memcpy(after, history->after, sizeof(after));
        call.u.events.after = after;
        call.u.events.entries_max = PAGE;
        code = sv_client_call(history->walk->client, &call, on_events, history);
        if (code != SV_EXIT_OK)
            return code;
    } while (history->page > 0 && !history->at_the_end);
    return SV_EXIT_OK;
}

/* --- what can be said after the last one --- */

static int compare_answers(const void *a, const void *b)
{
    const struct answer *left = a, *right = b;

    return left->hash < right->hash ? -1 : left->hash > right->hash;
}

static void check_answers(struct history *history, const struct sv_doctor_counters *counters)
{
    struct sv_doctor *doctor = history->walk->doctor;

    if (history->answers_count > 1)
        qsort(history->answers, history->answers_count, sizeof(*history->answers), compare_answers);
    for (size_t i = 1; i < history->answers_count; i++) {
        if (history->answers[i].hash == history->answers[i - 1].hash)
            sv_doctor_find(doctor, SV_ILL_ANSWERED_TWICE, history->answers[i].entry,
                           "it answers the same job as entry %s", history->answers[i - 1].entry);
    }
    for (size_t i = 0; counters != NULL && !doctor->trimmed && i < OUTCOMES; i++) {
        long long kept = sv_doctor_counter(counters, outcomes[i]);

        if (kept != history->counts[i])
            sv_doctor_find(doctor, SV_ILL_ANSWERS_MISCOUNTED, outcomes[i],
                           "%lld answers say so, the counter %lld", history->counts[i], kept);
    }
}

struct second_look {
    bool found;
    uint64_t sequence;
};

static void on_second_look(void *context, const struct sv_store_call *call)
{
    const struct sv_store_places *places = &call->u.places;
    struct second_look *look = context;

    look->found = places->found || places->damaged || places->moving;
    for (size_t i = 0; i < places->fields_count; i++) {
        if (strcmp(places->fields[i].name, "seq") == 0)
            look->sequence = strtoull(places->fields[i].value, NULL, 10);
    }
}

static int look_at_strangers(struct sv_doctor_walk *walk)
{
    struct sv_doctor *doctor = walk->doctor;
    int code = SV_EXIT_OK;

    for (size_t i = 0; code == SV_EXIT_OK && i < doctor->strangers_count; i++) {
        struct second_look look = {.found = false};

        code = sv_doctor_places(walk, doctor->strangers[i].uid, NULL, on_second_look, &look);
        if (code == SV_EXIT_OK && !look.found)
            sv_doctor_find(doctor, SV_ILL_EVENT_WITHOUT_RECORD, doctor->strangers[i].uid,
                           "entry %s is of a domain that is not kept", doctor->strangers[i].entry);
    }
    doctor->strangers_count = 0;
    return code;
}

/* Events that the record had not when it was read: it must have them now. */
static int look_at_later_ones(struct sv_doctor_walk *walk)
{
    struct sv_doctor *doctor = walk->doctor;
    int code = SV_EXIT_OK;

    for (size_t i = 0; code == SV_EXIT_OK && i < doctor->rows_count; i++) {
        const struct sv_doctor_row *row = &doctor->rows[i];
        struct second_look look = {.found = false};

        if (!row->seen || row->heard <= row->sequence)
            continue;
        code = sv_doctor_places(walk, row->uid, NULL, on_second_look, &look);
        if (code == SV_EXIT_OK && look.sequence < row->heard)
            sv_doctor_find(doctor, SV_ILL_EVENTS_DIFFER, row->uid,
                           "its record says %llu events, the last one is %llu",
                           (unsigned long long)look.sequence, (unsigned long long)row->heard);
    }
    return code;
}

static int read_history(struct history *history)
{
    struct sv_doctor_walk *walk = history->walk;
    struct sv_doctor_counters before, after;
    bool still;
    int code = sv_doctor_read_counters(walk, &before);

    if (code == SV_EXIT_OK)
        code = sv_doctor_pages(walk, SV_STORE_LOOK_STREAM, "events", on_stream, history);
    walk->doctor->trimmed = history->added > history->length;
    if (code == SV_EXIT_OK && history->last[0] != '\0')
        code = read_all(history);
    sv_doctor_events_end(walk->doctor);
    if (code == SV_EXIT_OK)
        code = look_at_strangers(walk);
    if (code == SV_EXIT_OK)
        code = look_at_later_ones(walk);
    if (code == SV_EXIT_OK)
        code = sv_doctor_read_counters(walk, &after);
    still = code == SV_EXIT_OK && sv_doctor_counters_equal(&before, &after);
    walk->doctor->undecided[1] |= !still;
    check_answers(history, still ? &after : NULL);
    return code;
}

int sv_doctor_read_events(struct sv_doctor_walk *walk)
{
    struct history history = {.walk = walk};
    int code = read_history(&history);

    free(history.answers);
    return code;
}
