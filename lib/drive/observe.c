#include "sv/observe.h"

#include <string.h>

static enum sv_seen seen_of(enum sv_record_status status)
{
    switch (status) {
    case SV_RECORD_UNKNOWN:
        return SV_SEEN_UNKNOWN;
    case SV_RECORD_OK:
        return SV_SEEN_RIGHT;
    case SV_RECORD_WRONG:
        return SV_SEEN_WRONG;
    case SV_RECORD_WAITING:
        return SV_SEEN_WAITING;
    }
    return SV_SEEN_UNKNOWN;
}

static enum sv_group group_of_record(enum sv_record_kind kind)
{
    switch (kind) {
    case SV_RECORD_OWNERSHIP:
        return SV_GROUP_OWNERSHIP;
    case SV_RECORD_DKIM:
        return SV_GROUP_DKIM;
    case SV_RECORD_MAIL_FROM_MX:
    case SV_RECORD_MAIL_FROM_SPF:
        return SV_GROUP_MAIL_FROM;
    case SV_RECORD_SPF:
        return SV_GROUP_SPF;
    case SV_RECORD_DMARC:
        return SV_GROUP_DMARC;
    }
    return SV_GROUP_DNS;
}

/* The first word of a code names its group: codes are stable, so this is too. */
static enum sv_group group_of_finding(const struct sv_finding *finding, const char *mail_from)
{
    static const struct {
        const char *prefix;
        enum sv_group group;
    } prefixes[] = {{"dkim_", SV_GROUP_DKIM},
                    {"ownership_", SV_GROUP_OWNERSHIP},
                    {"mailfrom_", SV_GROUP_MAIL_FROM},
                    {"spf_", SV_GROUP_SPF},
                    {"dmarc_", SV_GROUP_DMARC}};
    const char *code = sv_finding_name(finding->code);

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncmp(code, prefixes[i].prefix, strlen(prefixes[i].prefix)) != 0)
            continue;
        if (prefixes[i].group == SV_GROUP_SPF && sv_name_equal(finding->owner, mail_from))
            return SV_GROUP_MAIL_FROM;
        return prefixes[i].group;
    }
    return SV_GROUP_DNS;
}

/* A group is known when every record of it is, and every question about it was answered: one
 * silent server must look neither like a repair nor like another fault. What belongs to no record
 * may be about any of them. */
static void observe_groups(const struct sv_report *report, const char *mail_from,
                           struct sv_observation *seen)
{
    for (int group = 0; group < SV_GROUP_COUNT; group++)
        seen->group_known[group] = true;
    for (size_t i = 0; i < report->records_count; i++) {
        if (report->statuses[i] != SV_RECORD_UNKNOWN && !report->unsettled[i])
            continue;
        seen->group_known[group_of_record(report->records[i].kind)] = false;
        seen->group_known[SV_GROUP_DNS] = false;
    }
    for (int group = 0; group < SV_GROUP_COUNT; group++) {
        uint64_t digest = 0;

        for (size_t i = 0; i < report->findings_count; i++) {
            const struct sv_finding *finding = &report->findings[i];

            if (group_of_finding(finding, mail_from) == (enum sv_group)group)
                digest += sv_findings_digest(finding, 1);
        }
        seen->group_digest[group] = (uint32_t)(digest ^ digest >> 32);
    }
}

/* Not from findings: those of a record whose cause is elsewhere are hidden. */
static enum sv_seen mail_from_seen(const struct sv_report *report)
{
    static const enum sv_record_status order[] = {SV_RECORD_WRONG, SV_RECORD_UNKNOWN,
                                                  SV_RECORD_WAITING, SV_RECORD_OK};
    bool any[SV_RECORD_WAITING + 1] = {false};

    for (size_t i = 0; i < report->records_count; i++) {
        if (group_of_record(report->records[i].kind) == SV_GROUP_MAIL_FROM)
            any[report->statuses[i]] = true;
    }
    for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
        if (any[order[i]])
            return seen_of(order[i]);
    }
    return SV_SEEN_UNKNOWN;
}

void sv_observe_dns(const struct sv_report *report, const char *mail_from,
                    struct sv_observation *seen)
{
    seen->required = seen_of(report->required);
    seen->required_absent = report->required_absent;
    seen->required_disputed = report->required_disputed;
    seen->required_ttl_s = report->required_ttl_s;
    seen->caches_until = report->required == SV_RECORD_WAITING ? report->required_seen_everywhere_at
                                                               : report->required_cached_until;
    seen->authority_closed = report->authority_closed;
    seen->untold = report->untold;
    seen->mail_from_records = mail_from_seen(report);
    seen->spf = report->spf_configured;
    seen->dmarc = report->dmarc_configured;
    seen->bulk = report->meets_bulk_sender_requirements;
    observe_groups(report, mail_from, seen);
}
