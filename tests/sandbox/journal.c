#include "journal.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/json.h"

enum { CAPTURED_BODY_MAX = 64 * 1024, COUNTERS_MAX = 4096 };

/* One account, region and action. */
struct counter {
    char account[SB_KEY_ID_BYTES], region[SB_REGION_BYTES], action[SB_ACTION_BYTES];
    uint64_t count, outcomes[SB_OUTCOME_FAULTED + 1], identities;
    bool used;
    double tokens; /* of the throttle; full at first */
    sv_ms tokens_at_ms;
};

struct capture {
    sv_ms at_ms;
    char *method, *path, *query;
    json_t *headers;
    unsigned char *body; /* base64 */
    bool truncated;
    unsigned status;
};

struct limit {
    double rate, burst;
};

struct sb_journal {
    const struct sb_clock *clock;
    struct limit limit;
    struct sb_map limits; /* by action, those that differ */
    struct sb_map counters;
    uint64_t calls, captures_count;
    struct sb_entry entries[SB_CALLS_MAX];
    struct capture captures[SB_CAPTURES_MAX];
};

struct sb_journal *sb_journal_new(const struct sb_clock *clock, double rate, double burst)
{
    struct sb_journal *journal = sv_alloc(1, sizeof *journal);

    journal->clock = clock;
    sb_journal_set_rate(journal, NULL, rate, burst);
    return journal;
}

void sb_journal_set_rate(struct sb_journal *journal, const char *action, double rate, double burst)
{
    struct limit *limit = action == NULL ? &journal->limit : sb_map_get(&journal->limits, action);

    if (limit == NULL) {
        limit = sv_alloc(1, sizeof *limit);
        sb_map_put(&journal->limits, action, limit);
    }
    *limit = (struct limit){.rate = rate, .burst = burst};
}

void sb_journal_clear_rates(struct sb_journal *journal)
{
    sb_map_fini(&journal->limits, free);
}

static void capture_fini(struct capture *capture)
{
    free(capture->method);
    free(capture->path);
    free(capture->query);
    free(capture->body);
    json_decref(capture->headers);
    *capture = (struct capture){0};
}

void sb_journal_clear(struct sb_journal *journal)
{
    sb_map_fini(&journal->counters, free);
    for (size_t i = 0; i < SB_CAPTURES_MAX; i++)
        capture_fini(&journal->captures[i]);
    journal->calls = journal->captures_count = 0;
}

void sb_journal_free(struct sb_journal *journal)
{
    if (journal == NULL)
        return;
    sb_journal_clear(journal);
    sb_journal_clear_rates(journal);
    free(journal);
}

static struct counter *counter_of(struct sb_journal *journal, const struct sb_entry *entry)
{
    char key[SB_KEY_ID_BYTES + SB_REGION_BYTES + SB_ACTION_BYTES];
    struct counter *counter;

    (void)snprintf(key, sizeof key, "%s/%s/%s", entry->account, entry->region, entry->action);
    counter = sb_map_get(&journal->counters, key);
    if (counter != NULL || journal->counters.count >= COUNTERS_MAX)
        return counter;
    counter = sv_alloc(1, sizeof *counter);
    (void)snprintf(counter->account, sizeof counter->account, "%s", entry->account);
    (void)snprintf(counter->region, sizeof counter->region, "%s", entry->region);
    (void)snprintf(counter->action, sizeof counter->action, "%s", entry->action);
    sb_map_put(&journal->counters, key, counter);
    return counter;
}

bool sb_journal_permit(struct sb_journal *journal, const struct sb_entry *entry)
{
    struct counter *counter = counter_of(journal, entry);
    const struct limit *limit = sb_map_get(&journal->limits, entry->action);
    sv_ms now = sb_clock_mono(journal->clock);

    if (limit == NULL)
        limit = &journal->limit;
    if (limit->rate <= 0 || counter == NULL)
        return true;
    if (!counter->used)
        counter->tokens = limit->burst;
    else
        counter->tokens += (double)(now - counter->tokens_at_ms) * limit->rate / 1000;
    counter->used = true;
    counter->tokens_at_ms = now;
    if (counter->tokens > limit->burst)
        counter->tokens = limit->burst;
    if (counter->tokens < 1)
        return false;
    counter->tokens -= 1;
    return true;
}

static void take_capture(struct sb_journal *journal, const struct sb_entry *entry,
                         const struct sb_request *request)
{
    struct capture *capture = &journal->captures[journal->captures_count++ % SB_CAPTURES_MAX];
    size_t len = request->body.len > CAPTURED_BODY_MAX ? CAPTURED_BODY_MAX : request->body.len;

    capture_fini(capture);
    capture->at_ms = entry->at_ms;
    capture->status = entry->status;
    capture->method = sv_strdup(request->method);
    capture->path = sv_strdup(request->path);
    capture->query = request->query == NULL ? NULL : sv_strdup(request->query);
    capture->truncated = len < request->body.len;
    capture->body = sv_alloc(4 * (len / 3 + 1) + 1, 1);
    (void)EVP_EncodeBlock(capture->body, (const unsigned char *)sv_buf_str(&request->body),
                          (int)len);
    capture->headers = sv_json_array();
    for (size_t i = 0; i < request->headers_count; i++)
        sv_json_append(capture->headers,
                       json_pack("[s, s]", request->headers[i].name, request->headers[i].value));
}

void sb_journal_add(struct sb_journal *journal, const struct sb_entry *entry,
                    const struct sb_request *request)
{
    struct counter *counter = counter_of(journal, entry);

    journal->entries[journal->calls++ % SB_CALLS_MAX] = *entry;
    if (counter != NULL) {
        counter->count++;
        counter->outcomes[entry->outcome]++;
        counter->identities += entry->identities;
    }
    take_capture(journal, entry, request);
}

static const char *outcome_name(enum sb_outcome outcome)
{
    switch (outcome) {
    case SB_OUTCOME_OK:
        return "ok";
    case SB_OUTCOME_REFUSED:
        return "refused";
    case SB_OUTCOME_THROTTLED:
        return "throttled";
    case SB_OUTCOME_FAULTED:
        return "faulted";
    }
    return "";
}

static void add_to(json_t *object, const char *key, uint64_t number)
{
    long long before = json_integer_value(json_object_get(object, key));

    sv_json_set_int(object, key, before + (long long)number);
}

static void count_into(json_t *object, const struct counter *counter)
{
    add_to(object, "count", counter->count);
    for (size_t i = 0; i <= SB_OUTCOME_FAULTED; i++)
        add_to(object, outcome_name((enum sb_outcome)i), counter->outcomes[i]);
    add_to(object, "identities", counter->identities);
}

/* The object under `key`, made when it is not there yet. Borrowed. */
static json_t *member(json_t *object, const char *key)
{
    json_t *found = json_object_get(object, key);

    if (found == NULL) {
        found = sv_json_object();
        sv_json_set(found, "arrivals_ms", sv_json_array());
        sv_json_set(object, key, found);
    }
    return found;
}

static json_t *entry_json(const struct sb_entry *entry)
{
    json_t *one = sv_json_object();

    sv_json_set_int(one, "at_ms", entry->at_ms);
    sv_json_set_str(one, "api", entry->api);
    sv_json_set_str(one, "action", entry->action);
    sv_json_set_str(one, "account", entry->account);
    sv_json_set_str(one, "region", entry->region);
    sv_json_set_str(one, "identity", entry->identity[0] == 0 ? NULL : entry->identity);
    sv_json_set_int(one, "identities", (long long)entry->identities);
    sv_json_set_int(one, "status", entry->status);
    sv_json_set_str(one, "code", entry->code[0] == 0 ? NULL : entry->code);
    sv_json_set_str(one, "outcome", outcome_name(entry->outcome));
    return one;
}

json_t *sb_journal_calls(const struct sb_journal *journal, size_t entries_max)
{
    uint64_t first = journal->calls > SB_CALLS_MAX ? journal->calls - SB_CALLS_MAX : 0;
    json_t *out = sv_json_object(), *actions = sv_json_object(), *keys = sv_json_array();
    json_t *entries = sv_json_array();

    for (size_t i = 0; i < journal->counters.count; i++) {
        const struct counter *counter = journal->counters.entries[i].value;
        json_t *one;

        if (counter->count == 0)
            continue;
        one = sv_json_object();
        sv_json_set_str(one, "account", counter->account);
        sv_json_set_str(one, "region", counter->region);
        sv_json_set_str(one, "action", counter->action);
        count_into(one, counter);
        sv_json_append(keys, one);
        count_into(member(actions, counter->action), counter);
    }
    for (uint64_t i = first; i < journal->calls; i++) {
        const struct sb_entry *entry = &journal->entries[i % SB_CALLS_MAX];

        sv_json_append(json_object_get(member(actions, entry->action), "arrivals_ms"),
                       json_integer(entry->at_ms));
        if (journal->calls - i <= entries_max)
            sv_json_append(entries, entry_json(entry));
    }
    sv_json_set_int(out, "total", (long long)journal->calls);
    sv_json_set_int(out, "now_ms", sb_clock_mono(journal->clock));
    sv_json_set(out, "actions", actions);
    sv_json_set(out, "keys", keys);
    sv_json_set(out, "entries", entries);
    return out;
}

json_t *sb_journal_requests(const struct sb_journal *journal)
{
    uint64_t count = journal->captures_count;
    uint64_t first = count > SB_CAPTURES_MAX ? count - SB_CAPTURES_MAX : 0;
    json_t *list = sv_json_array();

    for (uint64_t i = first; i < count; i++) {
        const struct capture *capture = &journal->captures[i % SB_CAPTURES_MAX];
        json_t *one = sv_json_object();

        sv_json_set_int(one, "at_ms", capture->at_ms);
        sv_json_set_str(one, "method", capture->method);
        sv_json_set_str(one, "path", capture->path);
        sv_json_set_str(one, "query", capture->query);
        sv_json_set(one, "headers", json_incref(capture->headers));
        sv_json_set_str(one, "body", (const char *)capture->body);
        sv_json_set_bool(one, "truncated", capture->truncated);
        sv_json_set_int(one, "status", capture->status);
        sv_json_append(list, one);
    }
    return list;
}
