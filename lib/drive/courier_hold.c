/* Messages about domains that go to and fro are held back until these are quiet (sv/flapping.h).
 *
 * An event that is held back stays open in the store, so nothing is lost with this process: whoever
 * has the turn next tells it when its time comes. Only the newest of a domain is kept so; an older
 * one is settled as soon as there is a newer one, since nobody wants to be told of it any more. */
#include <stdlib.h>
#include <string.h>

#include "courier.h"
#include "sv/alloc.h"
#include "sv/json.h"

static const struct level {
    const char *type;
    enum sv_flapping_level level;
    bool is_last; /* there is nothing to hold back behind it */
} levels[] = {
    {"io.sesverify.domain.verified.v1", SV_FLAPPING_GOOD, false},
    {"io.sesverify.domain.restored.v1", SV_FLAPPING_GOOD, false},
    {"io.sesverify.domain.at_risk.v1", SV_FLAPPING_AT_RISK, false},
    {"io.sesverify.domain.failed.v1", SV_FLAPPING_FAILED, false},
    {"io.sesverify.domain.removed.v1", SV_FLAPPING_GOOD, true},
};

/* NULL = the event is not about good or bad. */
static const struct level *level_of(const json_t *event)
{
    const char *type = sv_json_str(event, "type");

    for (size_t i = 0; type != NULL && i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(levels[i].type, type) == 0)
            return &levels[i];
    }
    return NULL;
}

void hold_open(struct sv_drive *drive)
{
    for (size_t i = 0; i < drive->options.routes_count; i++) {
        const struct sv_route *route = &drive->options.routes[i];
        struct sv_flapping *flapping;

        if (route->flapping.changes == 0 || route->recipe == NULL ||
            route->recipe->summarize == NULL)
            continue;
        flapping = sv_alloc(1, sizeof(*flapping));
        flapping->policy = route->flapping;
        drive->couriers->flappings[i] = flapping;
    }
}

void hold_free(struct couriers *all)
{
    for (size_t i = 0; i < SV_SINKS_MAX; i++)
        free(all->flappings[i]);
}

struct sv_flapping_answer hold_ask(const struct courier *courier, const json_t *event,
                                   uint64_t group)
{
    const struct level *level = level_of(event);
    const char *time = sv_json_str(event, "time");
    sv_ms at;

    if (courier->flapping == NULL || level == NULL || level->is_last || group == 0 ||
        time == NULL || sv_time_parse(time, strlen(time), &at) != SV_OK)
        return (struct sv_flapping_answer){.verdict = SV_FLAPPING_TELL};
    return sv_flapping_note(courier->flapping, group, level->level, at, drive_now(courier->drive));
}

void hold_note(struct courier *courier, struct slot *slot, const char *event, size_t bytes)
{
    json_t *tree;

    if (courier->flapping == NULL)
        return;
    tree = sv_json_parse(event, bytes, SV_SINK_EVENT_BYTES_MAX, 16, NULL);
    slot->counts = tree != NULL && level_of(tree) != NULL && flight_is_wanted(courier, tree);
    json_decref(tree);
    for (struct slot *other = slot->previous; slot->counts && other != NULL;
         other = other->previous) {
        if (other->group == slot->group && other->is_held)
            other->due_mono = drive_monotonic(courier->drive);
    }
}

bool hold_is_outdated(const struct slot *slot)
{
    for (const struct slot *other = slot->next; other != NULL; other = other->next) {
        if (other->group == slot->group && other->counts)
            return true;
    }
    return false;
}
