#include "dmarc_walk.h"

#include <string.h>

enum { LABELS_AFTER_CUT = 7 }; /* RFC 9989 section 4.10: x >= 8 labels are cut to the last 7 */

const char *sv_dmarc_found_name(enum sv_dmarc_found found)
{
    switch (found) {
    case SV_DMARC_FOUND_UNKNOWN:
        return "unknown";
    case SV_DMARC_FOUND_NONE:
        return "none";
    case SV_DMARC_FOUND_RECORD:
        return "record";
    case SV_DMARC_FOUND_SEVERAL:
        return "several";
    case SV_DMARC_FOUND_INVALID:
        return "invalid";
    }
    return "unknown";
}

const char *sv_dmarc_policy_name(enum sv_dmarc_policy policy)
{
    switch (policy) {
    case SV_DMARC_POLICY_UNKNOWN:
        return "unknown";
    case SV_DMARC_POLICY_ABSENT:
        return "absent";
    case SV_DMARC_NONE:
        return "none";
    case SV_DMARC_QUARANTINE:
        return "quarantine";
    case SV_DMARC_REJECT:
        return "reject";
    }
    return "unknown";
}

static size_t labels_of(const char *name)
{
    size_t count = *name != '\0' ? 1 : 0;

    for (; *name != '\0'; name++)
        count += *name == '.' ? 1 : 0;
    return count;
}

/* The name without its first label; NULL for a single label. */
static const char *parent_of(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot != NULL ? dot + 1 : NULL;
}

/* The next name of the walk that began at `start` and has asked `name`. */
static const char *next_of(const char *start, const char *name)
{
    size_t labels = labels_of(name);

    if (name != start || labels <= LABELS_AFTER_CUT)
        return parent_of(name);
    for (; labels > LABELS_AFTER_CUT; labels--)
        name = parent_of(name);
    return name;
}

/* The name one label below `parent` on the way to `start`: taken from the start, though it may
 * never have been asked (section 4.10.2). */
static const char *child_on_way(const char *start, const char *parent)
{
    const char *name = start;

    while (parent_of(name) != parent)
        name = parent_of(name);
    return name;
}

/* Section 4.10.2, over the records that were kept, from the longest name to the shortest. */
static const char *organizational_of(const struct sv_dmarc_walk *walk)
{
    const char *shortest = walk->start; /* nothing kept: the start itself */

    for (size_t i = 0; i < walk->count; i++) {
        const struct sv_dmarc_reply *reply = &walk->replies[i];
        if (reply->found == SV_DMARC_FOUND_UNKNOWN)
            return NULL;
        if (reply->found != SV_DMARC_FOUND_RECORD)
            continue;
        if (reply->record.psd == 'n')
            return walk->names[i];
        if (reply->record.psd == 'y' && walk->names[i] != walk->start)
            return child_on_way(walk->start, walk->names[i]);
        shortest = walk->names[i];
    }
    return shortest;
}

void sv_dmarc_walk(const struct sv_dmarc_source *source, const char *start,
                   struct sv_dmarc_walk *out)
{
    const char *name = start;

    *out = (struct sv_dmarc_walk){.start = start};
    while (name != NULL && out->count < SV_DMARC_STEPS_MAX) {
        struct sv_dmarc_reply *reply = &out->replies[out->count];
        source->records(source->context, name, reply);
        out->names[out->count++] = name;
        if (reply->found == SV_DMARC_FOUND_RECORD && reply->record.psd != 'u')
            break;
        name = next_of(start, name);
    }
    out->organizational = organizational_of(out);
}

static enum sv_dmarc_policy policy_of(enum sv_dmarc_word word)
{
    switch (word) {
    case SV_DMARC_WORD_NONE:
        return SV_DMARC_NONE;
    case SV_DMARC_WORD_QUARANTINE:
        return SV_DMARC_QUARANTINE;
    case SV_DMARC_WORD_REJECT:
        return SV_DMARC_REJECT;
    case SV_DMARC_WORD_ABSENT:
    case SV_DMARC_WORD_BAD:
        break;
    }
    return SV_DMARC_POLICY_ABSENT;
}

/* A record without a valid policy counts as p=none where it asks for reports, otherwise DMARC does
 * not apply (RFC 9989 section 4.10.1, RFC 7489 section 6.6.3). */
static enum sv_dmarc_policy fallback(const struct sv_dmarc_record *record)
{
    return record->has_report_uri ? SV_DMARC_NONE : SV_DMARC_POLICY_ABSENT;
}

static bool is_policy_valid(const struct sv_dmarc_record *record)
{
    return record->p != SV_DMARC_WORD_ABSENT && !sv_dmarc_has_bad_policy(record);
}

enum sv_dmarc_policy sv_dmarc_policy_of(const struct sv_dmarc_record *record)
{
    return is_policy_valid(record) ? policy_of(record->p) : fallback(record);
}

static enum sv_dmarc_policy policy_below(const struct sv_dmarc_record *record, enum sv_tri exists)
{
    enum sv_dmarc_word sp = record->sp != SV_DMARC_WORD_ABSENT ? record->sp : record->p;
    enum sv_dmarc_word np = record->np != SV_DMARC_WORD_ABSENT ? record->np : sp;

    if (!is_policy_valid(record))
        return fallback(record);
    if (sp == np || exists == SV_TRI_YES)
        return policy_of(sp);
    return exists == SV_TRI_NO ? policy_of(np) : SV_DMARC_POLICY_UNKNOWN;
}

static const struct sv_dmarc_record *record_at(const struct sv_dmarc_walk *walk, const char *name)
{
    for (size_t i = 0; i < walk->count; i++) {
        if (walk->names[i] == name && walk->replies[i].found == SV_DMARC_FOUND_RECORD)
            return &walk->replies[i].record;
    }
    return NULL;
}

void sv_dmarc_apply(const struct sv_dmarc_source *source, const struct sv_dmarc_walk *walk,
                    struct sv_dmarc_applied *out)
{
    const struct sv_dmarc_reply *own = &walk->replies[0];
    const struct sv_dmarc_record *record;
    const char *at = walk->organizational;

    memset(out, 0, sizeof(*out));
    out->organizational = walk->organizational;
    if (own->found == SV_DMARC_FOUND_RECORD) {
        out->at = walk->start;
        out->record = own->record;
        out->policy = sv_dmarc_policy_of(&own->record);
        return;
    }
    if (at == NULL) /* an answer is missing, perhaps the own one */
        return;
    record = record_at(walk, at);
    if (record == NULL && parent_of(at) != NULL) { /* the registry's, one label above */
        at = parent_of(at);
        record = record_at(walk, at);
    }
    out->policy = SV_DMARC_POLICY_ABSENT;
    if (record == NULL)
        return;
    out->at = at;
    out->record = *record;
    out->policy = policy_below(record, source->exists(source->context, walk->start));
}

/* RFC 7489 wants p right after v, knows no np, and does not mind what it does not know. */
static enum sv_dmarc_policy policy_before(const struct sv_dmarc_record *record, bool is_own,
                                          bool lenient)
{
    bool has_policy = record->p > SV_DMARC_WORD_BAD && (lenient || record->has_order_of_before);

    if (!has_policy || record->sp == SV_DMARC_WORD_BAD)
        return fallback(record);
    return policy_of(is_own || record->sp == SV_DMARC_WORD_ABSENT ? record->p : record->sp);
}

void sv_dmarc_apply_before(const struct sv_dmarc_source *source, const char *start, bool lenient,
                           struct sv_dmarc_applied *out)
{
    struct sv_dmarc_reply reply = {0};
    const char *at = start;

    memset(out, 0, sizeof(*out));
    out->organizational = source->registrable;
    if (out->organizational == NULL)
        out->organizational = sv_name_registrable(start, out->room) == SV_OK ? out->room : start;
    source->records(source->context, start, &reply);
    if ((reply.found == SV_DMARC_FOUND_NONE || reply.found == SV_DMARC_FOUND_INVALID) &&
        !sv_name_equal(start, out->organizational)) {
        at = out->organizational;
        source->records(source->context, at, &reply);
    }
    if (reply.found == SV_DMARC_FOUND_UNKNOWN)
        return;
    out->policy = SV_DMARC_POLICY_ABSENT;
    if (reply.found != SV_DMARC_FOUND_RECORD)
        return;
    out->at = at;
    out->record = reply.record;
    out->policy = policy_before(&reply.record, at == start, lenient);
}

enum sv_tri sv_dmarc_aligned(const struct sv_dmarc_source *source, const char *from,
                             const char *identifier, bool strict)
{
    struct sv_dmarc_walk walks[2];

    if (sv_name_equal(from, identifier))
        return SV_TRI_YES;
    if (strict)
        return SV_TRI_NO;
    sv_dmarc_walk(source, from, &walks[0]);
    sv_dmarc_walk(source, identifier, &walks[1]);
    if (walks[0].organizational == NULL || walks[1].organizational == NULL)
        return SV_TRI_UNKNOWN;
    return sv_name_equal(walks[0].organizational, walks[1].organizational) ? SV_TRI_YES : SV_TRI_NO;
}

bool sv_dmarc_aligned_before(const char *from, const char *identifier, bool strict)
{
    char organizational[2][SV_NAME_BYTES];

    if (sv_name_equal(from, identifier))
        return true;
    return !strict && sv_name_registrable(from, organizational[0]) == SV_OK &&
           sv_name_registrable(identifier, organizational[1]) == SV_OK &&
           sv_name_equal(organizational[0], organizational[1]);
}

enum sv_dmarc_policy sv_dmarc_weaken(enum sv_dmarc_policy policy)
{
    switch (policy) {
    case SV_DMARC_REJECT:
        return SV_DMARC_QUARANTINE;
    case SV_DMARC_QUARANTINE:
    case SV_DMARC_NONE:
        return SV_DMARC_NONE;
    case SV_DMARC_POLICY_UNKNOWN:
    case SV_DMARC_POLICY_ABSENT:
        break;
    }
    return policy;
}
