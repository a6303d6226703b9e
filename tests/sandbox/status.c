#include "status.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *v1, *v2;
} names[] = {
    [SB_NOT_STARTED] = {"NotStarted", "NOT_STARTED"},
    [SB_PENDING] = {"Pending", "PENDING"},
    [SB_SUCCESS] = {"Success", "SUCCESS"},
    [SB_TEMPORARY_FAILURE] = {"TemporaryFailure", "TEMPORARY_FAILURE"},
    [SB_FAILED] = {"Failed", "FAILED"},
};

const char *sb_status_v1(enum sb_status status)
{
    return names[status].v1;
}

const char *sb_status_v2(enum sb_status status)
{
    return names[status].v2;
}

bool sb_status_parse(const char *text, enum sb_status *out)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i].v1) == 0 || strcmp(text, names[i].v2) == 0) {
            *out = (enum sb_status)i;
            return true;
        }
    }
    return false;
}

bool sb_axis_is_watched(const struct sb_axis *axis)
{
    return !axis->pinned && axis->status != SB_NOT_STARTED && axis->status != SB_FAILED;
}

static void move(struct sb_axis *axis, enum sb_status status, sv_ms now)
{
    axis->status = status;
    axis->since = now;
    axis->lost = 0;
}

void sb_axis_start(struct sb_axis *axis, sv_ms now)
{
    if (axis->status == SB_NOT_STARTED || axis->status == SB_FAILED)
        move(axis, SB_PENDING, now);
}

static void see_success(struct sb_axis *axis, enum sb_seen seen, sv_ms now)
{
    if (seen == SB_SEEN_GOOD)
        axis->lost = 0;
    else if (seen == SB_SEEN_ABSENT && ++axis->lost >= SB_LOST_LOOKS)
        move(axis, SB_TEMPORARY_FAILURE, now);
}

void sb_axis_see(struct sb_axis *axis, enum sb_seen seen, sv_ms now)
{
    bool impatient = now >= sb_axis_deadline(axis);

    if (!sb_axis_is_watched(axis))
        return;
    switch (axis->status) {
    case SB_PENDING:
        if (seen == SB_SEEN_GOOD)
            move(axis, SB_SUCCESS, now);
        else if (impatient)
            move(axis, SB_FAILED, now);
        break;
    case SB_SUCCESS:
        see_success(axis, seen, now);
        break;
    case SB_TEMPORARY_FAILURE:
        if (seen == SB_SEEN_GOOD)
            move(axis, SB_SUCCESS, now);
        else if (seen == SB_SEEN_ABSENT && impatient)
            move(axis, SB_FAILED, now);
        break;
    case SB_NOT_STARTED:
    case SB_FAILED:
        break;
    }
}

sv_ms sb_axis_deadline(const struct sb_axis *axis)
{
    if (axis->status == SB_PENDING || axis->status == SB_TEMPORARY_FAILURE)
        return axis->since + SB_PATIENCE_MS;
    return INT64_MAX;
}
