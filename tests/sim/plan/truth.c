/* What clients and SES do to one identity, told by three instants: when its records appear or
 * vanish, when SES acts next, when somebody deletes it. Each identity throws its own dice, so that
 * its story does not depend on when it is looked at. */
#include "plan.h"

static uint64_t roll(struct ident *ident)
{
    uint64_t z = ident->dice += 0x9e3779b97f4a7c15ull; /* splitmix64 */

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static sv_ms between(struct ident *ident, sv_ms from, sv_ms to)
{
    return from + (sv_ms)(roll(ident) % (uint64_t)(to - from + 1));
}

/* SES finds records that are there within minutes or hours, and looks for 72 h. */
static void look_from(struct ident *ident, sv_ms now)
{
    ident->ses_at =
        ident->records ? now + between(ident, 5 * SV_MINUTE, 6 * SV_HOUR) : now + 72 * SV_HOUR;
}

static void change(struct ident *ident, enum sv_axis axis, sv_ms at)
{
    bool was_good = ident->axis == SV_AXIS_SUCCESS;

    ident->axis = axis;
    ident->changed_at = at;
    if (axis == SV_AXIS_SUCCESS)
        ident->change = CHANGE_SUCCESS;
    else if (axis == SV_AXIS_GONE)
        ident->change = CHANGE_GONE;
    else
        ident->change = was_good ? CHANGE_LOSS : CHANGE_GAVE_UP;
}

static void flip(struct ident *ident)
{
    sv_ms at = ident->flips_at;

    ident->flips_at = 0;
    ident->records = !ident->records;
    if (ident->axis == SV_AXIS_SUCCESS) { /* SES notices within a day; the client in ten */
        ident->ses_at = at + between(ident, 0, SV_DAY);
        ident->flips_at = at + between(ident, 2 * SV_DAY, 10 * SV_DAY);
    } else if (ident->axis == SV_AXIS_PENDING || ident->axis == SV_AXIS_TEMPORARY_FAILURE) {
        look_from(ident, at);
    }
}

static void act(struct ident *ident)
{
    sv_ms at = ident->ses_at;

    ident->ses_at = 0;
    switch (ident->axis) {
    case SV_AXIS_SUCCESS:
        if (ident->records && !ident->flaps)
            return;
        change(ident, SV_AXIS_TEMPORARY_FAILURE, at);
        ident->ses_at =
            ident->records ? at + between(ident, SV_HOUR, 12 * SV_HOUR) : at + 72 * SV_HOUR;
        return;
    case SV_AXIS_PENDING:
    case SV_AXIS_TEMPORARY_FAILURE:
        change(ident, ident->records ? SV_AXIS_SUCCESS : SV_AXIS_FAILED, at);
        if (ident->flaps && ident->records)
            ident->ses_at = at + between(ident, 6 * SV_HOUR, 3 * SV_DAY);
        return;
    case SV_AXIS_UNKNOWN:
    case SV_AXIS_NONE:
    case SV_AXIS_NOT_STARTED:
    case SV_AXIS_FAILED:
    case SV_AXIS_GONE:
    case SV_AXIS_COUNT:
        return;
    }
}

static bool is_next(sv_ms at, sv_ms now, sv_ms other, sv_ms another)
{
    return at != 0 && at <= now && (other == 0 || at <= other) && (another == 0 || at <= another);
}

void truth_advance(struct ident *ident, sv_ms now)
{
    for (;;) {
        if (is_next(ident->flips_at, now, ident->ses_at, ident->deleted_at)) {
            flip(ident);
        } else if (is_next(ident->ses_at, now, ident->flips_at, ident->deleted_at)) {
            act(ident);
        } else if (is_next(ident->deleted_at, now, ident->flips_at, ident->ses_at)) {
            change(ident, SV_AXIS_GONE, ident->deleted_at);
            ident->deleted_at = ident->ses_at = 0;
        } else {
            return;
        }
    }
}

void truth_restart(struct ident *ident, sv_ms now)
{
    truth_advance(ident, now);
    if (ident->axis == SV_AXIS_SUCCESS)
        return;
    ident->axis = SV_AXIS_PENDING; /* we made it so: nothing to detect */
    ident->changed_at = 0;
    look_from(ident, now);
}

/* Of 100: 80 verified and well, 3 flapping, 4 lose their records some day, 1 is deleted, 2 pending
 * with their records there, 4 whose records come within five days, 6 whose never do. */
void truth_init(struct ident *ident, unsigned percent, sv_ms start, sv_ms end)
{
    bool pending = percent >= 88;

    ident->axis = pending ? SV_AXIS_PENDING : SV_AXIS_SUCCESS;
    ident->records = percent < 90;
    ident->flaps = percent >= 80 && percent < 83;
    if (ident->flaps)
        ident->ses_at = start + between(ident, 0, 3 * SV_DAY);
    else if (percent >= 83 && percent < 87)
        ident->flips_at = between(ident, start + SV_DAY, end);
    else if (percent == 87)
        ident->deleted_at = between(ident, start + SV_DAY, end);
    else if (percent >= 90 && percent < 94)
        ident->flips_at = start + between(ident, SV_HOUR, 5 * SV_DAY);
    if (pending)
        look_from(ident, start);
}
