/* What a record is when those who were asked do not say the same: the table of dns-auth section
 * 2.1. */
#include <string.h>

#include "dkim_parts.h"
#include "dmarc_parts.h"
#include "judge_parts.h"
#include "records_parts.h"
#include "spf.h"

/* How many say right, how many something else. */
struct tally {
    unsigned servers_right, servers_wrong;
    unsigned resolvers_right, resolvers_wrong;
    unsigned unsure;
    const struct sv_fact *right, *wrong_server, *right_resolver, *wrong_resolver;
};

/* Another answer is not evaluated; one valid record that plainly includes SES is as good as right.
 */
static enum sv_tri is_right_spf(const struct sv_fact *answer)
{
    struct sv_span record;
    size_t count = sv_spf_select(answer->values, answer->values_count, &record);

    if (count > 1)
        return SV_TRI_NO;
    if (answer->incomplete)
        return SV_TRI_UNKNOWN; /* the record, or another one, may be what did not fit */
    return count == 1 ? sv_spf_includes_ses(record) : SV_TRI_NO;
}

static enum sv_tri is_right_alias(const struct sv_judge *judge, const struct sv_fact *answer)
{
    size_t token;

    if (answer->type == SV_RR_TXT)
        return sv_dkim_is_own_key(judge, answer);
    if (answer->alias == NULL || answer->aliases != 1)
        return SV_TRI_NO;
    token = sv_dkim_token_at(judge, answer->name);
    if (token == judge->expect.dkim_tokens_count)
        return SV_TRI_UNKNOWN;
    return sv_dkim_is_target(judge, token, sv_span_of(answer->alias)) ? SV_TRI_YES : SV_TRI_NO;
}

enum sv_tri sv_judge_is_right(const struct sv_judge *judge, size_t record,
                              const struct sv_fact *answer)
{
    if (record >= judge->records_count || !sv_fact_known(answer))
        return SV_TRI_UNKNOWN;
    switch (judge->kinds[record]) {
    case SV_RECORD_DKIM:
        return is_right_alias(judge, answer);
    case SV_RECORD_OWNERSHIP:
        return answer->has_token ? SV_TRI_YES : SV_TRI_NO;
    case SV_RECORD_MAIL_FROM_MX:
        return sv_mail_from_is_right_mx(judge, answer);
    case SV_RECORD_MAIL_FROM_SPF:
    case SV_RECORD_SPF:
        return is_right_spf(answer);
    case SV_RECORD_DMARC:
        return sv_dmarc_is_right(judge, record, answer);
    }
    return SV_TRI_UNKNOWN;
}

static void keep_first(const struct sv_fact **place, const struct sv_fact *answer)
{
    if (*place == NULL)
        *place = answer;
}

static void count(struct tally *tally, const struct sv_fact *answer, enum sv_tri right)
{
    if (answer->said.servers + answer->said.resolvers == 0)
        return; /* outsiders */
    if (right == SV_TRI_UNKNOWN) {
        tally->unsure += answer->said.servers + answer->said.resolvers;
        return;
    }
    if (right == SV_TRI_YES) {
        tally->servers_right += answer->said.servers;
        tally->resolvers_right += answer->said.resolvers;
        keep_first(&tally->right, answer);
        if (answer->said.resolvers > 0)
            keep_first(&tally->right_resolver, answer);
        return;
    }
    tally->servers_wrong += answer->said.servers;
    tally->resolvers_wrong += answer->said.resolvers;
    if (answer->said.servers > 0)
        keep_first(&tally->wrong_server, answer);
    if (answer->said.resolvers > 0)
        keep_first(&tally->wrong_resolver, answer);
}

/* The servers of the zone do not have the same data. A lower serial says who is late. */
static void find_split(struct sv_judge *judge, const struct sv_fact *fact,
                       const struct tally *tally, const struct sv_fact *one)
{
    const struct sv_fact *two = tally->wrong_server;
    bool serials = one->said.serial != 0 && two->said.serial != 0;
    const struct sv_fact *late = two;
    char found[SV_FINDING_VALUE_BYTES];
    struct sv_naming naming = {.owner = fact->name, .found = found};
    struct sv_line line;

    if (serials && (int32_t)(one->said.serial - two->said.serial) < 0) /* RFC 1982 */
        late = one;
    sv_line_init(&line, found, sizeof(found));
    if (serials && one->said.serial != two->said.serial) {
        sv_line_add(&line, late->said.host != NULL ? late->said.host : late->evidence.server);
        naming.number = late->said.serial;
        sv_judge_find(judge, SV_F_DNS_SECONDARY_LAGGING, late, SV_SEVERITY_NONE, &naming);
        return;
    }
    sv_line_add(&line, one->said.host != NULL ? one->said.host : one->evidence.server);
    sv_line_add(&line, ", ");
    sv_line_add(&line, two->said.host != NULL ? two->said.host : two->evidence.server);
    sv_judge_find(judge, SV_F_DNS_NS_INCONSISTENT, two, SV_SEVERITY_NONE, &naming);
}

/* Caches that have not heard of it yet, until the last of them forgets. A resolver that repeats
 * what one of the zone's own servers says is no stale cache (find_split). */
static sv_ms find_caches(struct sv_judge *judge, size_t record, const struct sv_fact *fact,
                         sv_right_fn *right)
{
    sv_ms last = 0;

    for (const struct sv_fact *it = fact->otherwise; it != NULL; it = it->otherwise) {
        char found[SV_FINDING_VALUE_BYTES];
        struct sv_naming naming = {
            .owner = fact->name, .found = found, .until = it->said.cached_until};
        bool absent = sv_fact_absent(it);
        if (it->said.resolvers == 0 || right(judge, record, it) == SV_TRI_YES)
            continue;
        if (it->said.cached_until > last)
            last = it->said.cached_until;
        sv_fact_show(it, found);
        naming.number = it->said.cached_s;
        if (it->said.servers > 0)
            continue;
        sv_judge_find(judge, absent ? SV_F_DNS_NEGATIVE_CACHED : SV_F_DNS_STALE_CACHE, it,
                      SV_SEVERITY_NONE, &naming);
    }
    return last;
}

/* The servers that everybody is sent to. */
static void list_delegated(const struct sv_judge *judge, const struct sv_fact *fact,
                           char out[SV_NAME_BYTES])
{
    const struct sv_zone *zone = NULL;
    struct sv_line line;

    for (size_t i = 0; i < judge->zones_count; i++) {
        const char *name = judge->zones[i]->cut.zone;
        if (judge->zones[i]->cut.state == SV_CUT_FOUND &&
            (sv_name_equal(fact->name, name) || sv_name_is_below(fact->name, name)) &&
            (zone == NULL || sv_name_is_below(name, zone->cut.zone)))
            zone = judge->zones[i];
    }
    sv_line_init(&line, out, SV_NAME_BYTES);
    for (size_t i = 0; zone != NULL && i < zone->hosts_count; i++) {
        if (!zone->hosts[i].at_parent)
            continue;
        if (line.len > 0)
            sv_line_add(&line, ", ");
        sv_line_add(&line, zone->hosts[i].host);
    }
    if (line.len == 0 && fact->said.host != NULL)
        sv_line_add(&line, fact->said.host);
}

/* The record was entered where the domain was served before: only servers that nobody is sent to
 * have it. */
static void find_elsewhere(struct sv_judge *judge, size_t record, const struct sv_fact *fact,
                           sv_right_fn *right)
{
    char other[SV_NAME_BYTES];

    if (fact->said.servers == 0)
        return;
    list_delegated(judge, fact, other);
    for (const struct sv_fact *it = fact->otherwise; it != NULL; it = it->otherwise) {
        struct sv_naming naming = {.owner = fact->name,
                                   .found = it->said.host,
                                   .other = other,
                                   .expected =
                                       judge->out != NULL ? judge->out->records[record].value : ""};
        if (it->said.outsiders > 0 && it->said.servers == 0 &&
            right(judge, record, it) == SV_TRI_YES) {
            judge->explained[record] = true;
            sv_judge_find(judge, SV_F_DNS_EDITED_AT_OLD_PROVIDER, it, SV_SEVERITY_NONE, &naming);
            return;
        }
    }
}

static void find_removed(struct sv_judge *judge, size_t record, const struct sv_fact *fact,
                         const struct sv_fact *cached)
{
    struct sv_naming naming = {.owner = fact->name,
                               .expected =
                                   judge->out != NULL ? judge->out->records[record].value : "",
                               .until = cached->said.cached_until,
                               .number = cached->said.cached_s};
    char found[SV_FINDING_VALUE_BYTES];

    sv_fact_show(fact, found);
    naming.found = found;
    sv_judge_find(judge, SV_F_DNS_RECORD_REMOVED, fact, SV_SEVERITY_NONE, &naming);
}

/* Somebody lacks it. Where most of three resolvers have it, receivers do, too. */
static enum sv_record_status spreading(const struct tally *tally)
{
    unsigned told = tally->resolvers_right + tally->resolvers_wrong;

    if (tally->resolvers_wrong == 0 || (told >= 3 && tally->resolvers_right >= 2))
        return SV_RECORD_OK;
    return SV_RECORD_WAITING;
}

/* Signatures that do not fit hide the record from everybody who validates. One resolver of several
 * is not enough to say so. */
static enum sv_record_status with_bogus(const struct sv_heard *heard, enum sv_record_status status)
{
    if (heard->resolvers_bogus == 0 || (heard->authority && heard->servers_usable == 0))
        return status;
    if (heard->resolvers_bogus >= 2 || (heard->resolvers_asked < 3 && heard->resolvers_told == 0))
        return SV_RECORD_WRONG;
    return status == SV_RECORD_OK ? SV_RECORD_UNKNOWN : status;
}

static enum sv_record_status decide(const struct sv_heard *heard, const struct tally *tally,
                                    enum sv_record_status status)
{
    unsigned right = tally->servers_right;

    if (tally->unsure > 0)
        return SV_RECORD_UNKNOWN;
    if (right > 0 && tally->servers_wrong > 0)
        return SV_RECORD_WAITING;
    if (right > 0 && tally->resolvers_right + tally->resolvers_wrong == 0 &&
        heard->resolvers_failed > 0)
        return SV_RECORD_UNKNOWN; /* published, but no resolver can read it */
    if (right > 0)
        return spreading(tally);
    if (tally->servers_wrong > 0)
        return SV_RECORD_WRONG;
    if (tally->resolvers_right > 0)
        return spreading(tally);
    return status;
}

enum sv_record_status sv_judge_combine(struct sv_judge *judge, size_t record,
                                       const struct sv_fact *fact, enum sv_record_status status,
                                       sv_right_fn *right)
{
    struct tally tally = {0};

    if (fact->heard == NULL || record >= judge->records_count)
        return status;
    if (sv_fact_known(fact) && status != SV_RECORD_UNKNOWN) {
        count(&tally, fact, sv_tri_of_status(status));
        for (const struct sv_fact *it = fact->otherwise; it != NULL; it = it->otherwise) {
            enum sv_tri is = right(judge, record, it);
            /* Beside a right answer, another one that cannot be judged is an older one. */
            count(&tally, it, is == SV_TRI_UNKNOWN && tally.right != NULL ? SV_TRI_NO : is);
        }
        status = decide(fact->heard, &tally, status);
        judge->explained[record] = judge->explained[record] || status == SV_RECORD_WAITING;
        if (tally.servers_right > 0 && tally.servers_wrong > 0)
            find_split(judge, fact, &tally, tally.right);
        if (tally.right != NULL && tally.resolvers_wrong > 0 && status != SV_RECORD_WRONG)
            judge->caches_until[record] = find_caches(judge, record, fact, right);
        if (status == SV_RECORD_WRONG)
            find_elsewhere(judge, record, fact, right);
        if (status == SV_RECORD_WRONG && tally.resolvers_right > 0) {
            judge->disputed[record] = true;
            judge->caches_until[record] = tally.right_resolver->said.cached_until;
            judge->explained[record] = true;
            if (fact->aliases <= 1) /* of several aliases each resolver takes one */
                find_removed(judge, record, fact, tally.right_resolver);
        }
    }
    status = with_bogus(fact->heard, status);
    sv_judge_mark(judge, record, status);
    judge->combined[record] = true;
    return status;
}
