#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "sv/state.h"

/* What must be so of one domain, one client, one receipt, at the instant it was read. */

enum {
    REAP_GRACE_MS = 60 * 1000,   /* workers look every few seconds */
    OVERDUE_MS = 10 * 60 * 1000, /* the largest accounts wait minutes, when all are due */
    CLIENT_BYTES_MAX = 128,
};

/* Every field that this version writes: by the scripts, by the driver. */
static const char known_fields[] =
    " cl st seq f cf cb own s g ka kb att la again job jid jt todo nx rc ver wd lw "
    "hu acct ad b ba bu bx co cu da dk "
    "dm dn dom dr fa g0 g1 g2 g3 g4 g5 g6 g7 g8 g9 i k1 k2 k3 km kp "
    "ls lt ma mf mfd ot ra rd rf rg rp "
    "rq rs rt rv sa sc sg sp sr ss ta tp tr wa wt z ";

static const char *field(const struct sv_store_places *places, const char *name)
{
    for (size_t i = 0; i < places->fields_count; i++) {
        if (strcmp(places->fields[i].name, name) == 0)
            return places->fields[i].value;
    }
    return NULL;
}

static uint64_t number(const char *text)
{
    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static bool is_known(const char *name)
{
    char word[16];
    int len = snprintf(word, sizeof(word), " %s ", name);

    return len > 2 && len < (int)sizeof(word) && strchr(name, ' ') == NULL &&
           strstr(known_fields, word) != NULL;
}

/* --- one domain --- */

/* What the fields say by themselves. */
static void check_fields(struct sv_doctor *doctor, const struct sv_store_places *places)
{
    struct sv_record_sheet sheet;
    struct sv_errinfo info = {0};
    const char *client = field(places, "cl"), *version = field(places, "ver");
    char uid[SV_UID_BYTES];

    if (client == NULL || *client == '\0' || strlen(client) > CLIENT_BYTES_MAX) {
        sv_doctor_find(doctor, SV_ILL_RECORD_UNREADABLE, places->uid, "it names no client");
        return;
    }
    if (number(version) > SV_STATE_VERSION)
        return; /* of a newer program, which knows better */
    if (sv_state_read(places->fields, places->fields_count, &sheet, &info) != SV_OK) {
        sv_doctor_find(doctor, SV_ILL_RECORD_UNREADABLE, places->uid, "%s", info.text);
        return;
    }
    for (size_t i = 0; i < places->fields_count; i++) {
        if (!is_known(places->fields[i].name))
            sv_doctor_find(doctor, SV_ILL_UNKNOWN_FIELD, places->uid, "nobody knows field %.40s",
                           places->fields[i].name);
    }
    sv_uid(sheet.registration.account, client, sheet.registration.domain, uid);
    if (strcmp(uid, places->uid) != 0)
        sv_doctor_find(doctor, SV_ILL_WRONG_UID, places->uid,
                       "%.100s of this client and account is %s", sheet.registration.domain, uid);
    if (sv_crc32(client, strlen(client)) % doctor->shards != (uint32_t)doctor->shard)
        sv_doctor_find(
            doctor, SV_ILL_WRONG_SHARD, places->uid, "its client belongs into shard %u of %u",
            (unsigned)(sv_crc32(client, strlen(client)) % doctor->shards), doctor->shards);
    if (sheet.domain.status != SV_STATUS_REMOVED &&
        number(field(places, "att")) > doctor->attempts_max)
        sv_doctor_find(doctor, SV_ILL_LIMIT_EXCEEDED, places->uid,
                       "%s rechecks count, limits.max_verification_attempts is %u",
                       field(places, "att"), doctor->attempts_max);
}

static size_t count_places(const struct sv_store_places *places)
{
    return (size_t)(places->due_hi != SV_STORE_NOWHERE) +
           (size_t)(places->due_lo != SV_STORE_NOWHERE) +
           (size_t)(places->lease != SV_STORE_NOWHERE);
}

static void check_due_time(struct sv_doctor *doctor, const struct sv_store_places *places)
{
    const char *next = field(places, "nx");
    sv_ms due = places->due_hi != SV_STORE_NOWHERE ? places->due_hi : places->due_lo;

    if (due != SV_STORE_NOWHERE && (next == NULL || number(next) != (uint64_t)due))
        sv_doctor_find(doctor, SV_ILL_DUE_TIME_DIFFERS, places->uid,
                       "it waits until %lld, its record says %s", (long long)due,
                       next != NULL ? next : "nothing");
    else if (count_places(places) == 0 && next != NULL)
        sv_doctor_find(doctor, SV_ILL_DUE_TIME_DIFFERS, places->uid,
                       "its record says it waits until %s, but it waits nowhere", next);
}

static void check_places(struct sv_doctor *doctor, const struct sv_store_places *places,
                         bool removed)
{
    size_t count = count_places(places);
    bool open = field(places, "jid") != NULL, held = field(places, "own") != NULL;

    if (count > 1)
        sv_doctor_find(doctor, SV_ILL_IN_TWO_PLACES, places->uid,
                       "urgent queue %lld, queue %lld, lease %lld (-1: not there)",
                       (long long)places->due_hi, (long long)places->due_lo,
                       (long long)places->lease);
    else if (count == 0 && open)
        sv_doctor_find(doctor, SV_ILL_OPEN_JOB_FORGOTTEN, places->uid,
                       "job %.64s is open, but nobody will look at the domain",
                       field(places, "jid"));
    else if (count == 0 && !removed)
        sv_doctor_find(doctor, SV_ILL_DOMAIN_FORGOTTEN, places->uid,
                       "it is %s, and nobody will look at it",
                       field(places, "st") != NULL ? field(places, "st") : "nothing");
    else
        check_due_time(doctor, places);
    if (held != (places->lease != SV_STORE_NOWHERE) && count > 0)
        sv_doctor_find(doctor, SV_ILL_HOLDER_DIFFERS, places->uid, "%s",
                       held ? "a worker holds it, but it is not among the running"
                            : "it is among the running, but nobody holds it");
    else if (field(places, "again") != NULL && places->lease == SV_STORE_NOWHERE)
        sv_doctor_find(doctor, SV_ILL_PROMISE_LOST, places->uid,
                       "one more look was promised, but it does not run");
    if (places->lease != SV_STORE_NOWHERE && places->lease + REAP_GRACE_MS < places->now)
        sv_doctor_find(doctor, SV_ILL_LEASE_NOT_REAPED, places->uid,
                       "its lease ended %lld s ago: does a worker run?",
                       (long long)((places->now - places->lease) / 1000));
}

static void check_job(struct sv_doctor *doctor, const struct sv_store_places *places)
{
    static const char *const parts[] = {"job", "jid", "jt"};
    char wanted[SV_UID_BYTES + 8];
    size_t count = 0;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        count += field(places, parts[i]) != NULL;
    if (count > 0 && count < sizeof(parts) / sizeof(parts[0])) {
        sv_doctor_find(doctor, SV_ILL_HALF_A_JOB, places->uid,
                       "of job, jid and jt only %zu are there", count);
        return;
    }
    (void)snprintf(wanted, sizeof(wanted), "open:%s", places->uid);
    if (count > 0 && (places->receipt == NULL || strcmp(places->receipt, wanted) != 0))
        sv_doctor_find(doctor, SV_ILL_RECEIPT_MISSING, places->uid,
                       "job %.64s is open, its receipt says %.40s", field(places, "jid"),
                       places->receipt != NULL ? places->receipt : "nothing");
}

static void check_numbers(struct sv_doctor *doctor, const struct sv_store_places *places,
                          bool removed)
{
    uint64_t fence = number(field(places, "f")), committed = number(field(places, "cf"));

    if (committed > fence)
        sv_doctor_find(doctor, SV_ILL_FENCE_BEHIND, places->uid,
                       "fence %llu, but %llu was committed", (unsigned long long)fence,
                       (unsigned long long)committed);
    if (!removed && !places->counted)
        sv_doctor_find(doctor, SV_ILL_NOT_COUNTED, places->uid, "it does not count for its client");
    if (removed && places->counted && count_places(places) == 0)
        sv_doctor_find(doctor, SV_ILL_COUNTED_WRONGLY, places->uid,
                       "it is removed, and counts for its client");
}

void sv_doctor_domain(struct sv_doctor *doctor, const struct sv_store_places *places,
                      struct sv_doctor_row *row)
{
    const char *status = field(places, "st"), *client = field(places, "cl");
    bool removed;

    row->unread = places->damaged || places->moving;
    if (!places->found || row->unread)
        return;
    row->seen = true;
    row->status = status != NULL ? sv_status_parse(status) : SV_STATUS_COUNT;
    row->sequence = number(field(places, "seq"));
    row->open = field(places, "jid") != NULL;
    if (row->open)
        row->job_hash = sv_fnv1a(SV_FNV_START, field(places, "jid"), strlen(field(places, "jid")));
    if (client != NULL)
        row->client_hash = sv_fnv1a(SV_FNV_START, client, strlen(client));
    check_fields(doctor, places);
    if (client == NULL)
        return; /* its queues cannot be known */
    removed = row->status == SV_STATUS_REMOVED;
    check_places(doctor, places, removed);
    check_job(doctor, places);
    check_numbers(doctor, places, removed);
}

/* --- what names a domain --- */

void sv_doctor_stray(struct sv_doctor *doctor, const char *client_id,
                     const struct sv_store_places *places)
{
    const char *owner = field(places, "cl");
    bool waits = places->due_hi != SV_STORE_NOWHERE || places->due_lo != SV_STORE_NOWHERE;

    if (places->damaged || places->moving)
        return;
    if (!places->found && (waits || places->lease != SV_STORE_NOWHERE))
        sv_doctor_find(doctor, SV_ILL_PLACE_WITHOUT_RECORD, places->uid, "it %s without a record",
                       waits ? "waits" : "runs");
    else if (places->found && waits && owner != NULL && strcmp(owner, client_id) != 0)
        sv_doctor_find(doctor, SV_ILL_OF_ANOTHER_CLIENT, places->uid,
                       "it waits for client %.60s, but is of %.60s", client_id, owner);
    if (places->counted && (owner == NULL || strcmp(owner, client_id) != 0))
        sv_doctor_find(doctor, SV_ILL_COUNTED_WRONGLY, places->uid,
                       "it counts for client %.60s, but is of %.60s", client_id,
                       owner != NULL ? owner : "nobody");
}

/* --- one client --- */

void sv_doctor_client(struct sv_doctor *doctor, const char *client_id,
                      const struct sv_store_places *places)
{
    sv_ms first = places->first_hi;

    if (places->damaged)
        return;
    doctor->clients++;
    if (first == SV_STORE_NOWHERE || (places->first_lo >= 0 && places->first_lo < first))
        first = places->first_lo;
    if (places->ring != first)
        sv_doctor_find(doctor, SV_ILL_RING_DIFFERS, client_id,
                       "the ring says %lld, its earliest is %lld (-1: none)",
                       (long long)places->ring, (long long)first);
    if (places->ring_hi != places->first_hi)
        sv_doctor_find(doctor, SV_ILL_RING_DIFFERS, client_id,
                       "ring:hi says %lld, its earliest urgent one is %lld (-1: none)",
                       (long long)places->ring_hi, (long long)places->first_hi);
    if (places->domains > doctor->domains_max)
        sv_doctor_find(doctor, SV_ILL_LIMIT_EXCEEDED, client_id,
                       "it has %zu domains, limits.max_domains_per_client is %u", places->domains,
                       doctor->domains_max);
    if (first >= 0 && first + OVERDUE_MS < places->now)
        sv_doctor_find(
            doctor, SV_ILL_OVERDUE, client_id,
            "its earliest domain has been due for %lld s: does a worker run? Is it paused?",
            (long long)((places->now - first) / 1000));
}

/* --- one receipt --- */

static const char open_word[] = "open:";

static bool is_open(const char *value)
{
    return strncmp(value, open_word, sizeof(open_word) - 1) == 0;
}

/* Whether the domain that an open receipt names has that job open. */
static bool receipt_fits(const struct sv_doctor *doctor, const char *job, const char *value)
{
    const struct sv_doctor_row *row;
    const char *id = strchr(job, ':'); /* the client's own colons are escaped */

    if (id == NULL)
        return false;
    row = sv_doctor_rows_find(doctor, value + sizeof(open_word) - 1);
    return row != NULL && row->seen && row->open &&
           row->job_hash == sv_fnv1a(SV_FNV_START, id + 1, strlen(id + 1));
}

void sv_doctor_receipt(struct sv_doctor *doctor, const char *job, const char *value, sv_ms ttl_ms)
{
    if (is_open(value) != (ttl_ms < 0))
        sv_doctor_find(doctor, SV_ILL_RECEIPT_LIFETIME, job, "%s, with %lld ms to live (-1: stays)",
                       is_open(value) ? "the job is open" : "the job is settled",
                       (long long)ttl_ms);
    if (is_open(value) && !receipt_fits(doctor, job, value))
        sv_doctor_find(doctor, SV_ILL_RECEIPT_ORPHANED, job,
                       "it says %.40s, where this job is not open", value);
}
