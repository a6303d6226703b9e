#include "kept.h"

#include <stdlib.h>
#include <string.h>

#include "account_setup.h"
#include "exit.h"
#include "setup.h"
#include "sv/alloc.h"
#include "sv/aws_ses.h"
#include "sv/detail.h"
#include "sv/json.h"

enum { PAGE = 500 };

void sv_kept_fini(struct sv_kept *kept)
{
    json_decref(kept->detail);
    kept->detail = NULL;
}

void sv_kept_fill(struct sv_kept *out, const struct sv_store_read *read)
{
    (void)snprintf(out->uid, sizeof(out->uid), "%s", read->uid);
    out->found = read->found;
    if (!read->found)
        return;
    out->running = read->running;
    out->due_at = read->due_at;
    (void)snprintf(out->client_id, sizeof(out->client_id), "%s", read->client_id);
    (void)snprintf(out->contact_email, sizeof(out->contact_email), "%s",
                   read->contact_email != NULL ? read->contact_email : "");
    out->damaged =
        sv_state_read(read->fields, read->fields_count, &out->sheet, &out->trouble) != SV_OK;
    out->detail = sv_detail_read(read->detail, out->sheet.registration.domain);
}

static void on_read(void *context, const struct sv_store_call *call)
{
    sv_kept_fill(context, &call->u.read);
}

int sv_kept_read(struct sv_client *client, unsigned shard, const char *uid, struct sv_kept *out)
{
    struct sv_store_call call = {.op = SV_STORE_READ, .shard = shard, .u.read.uid = uid};

    *out = (struct sv_kept){.found = false};
    return sv_client_call(client, &call, on_read, out);
}

/* The uids of one shard, sorted, so that those that SCAN gave twice stand side by side. */
struct uids {
    size_t count, cap;
    char (*items)[SV_UID_BYTES];
    char cursor[24];
};

static void on_page(void *context, const struct sv_store_call *call)
{
    const struct sv_store_list *list = &call->u.list;
    struct uids *uids = context;

    (void)snprintf(uids->cursor, sizeof(uids->cursor), "%s", list->next_cursor);
    for (size_t i = 0; i < list->count && uids->count < SV_KEPT_DOMAINS_MAX; i++) {
        if (strlen(list->uids[i]) >= SV_UID_BYTES)
            continue;
        if (uids->count == uids->cap) {
            uids->cap = uids->cap == 0 ? PAGE : 2 * uids->cap;
            uids->items = sv_realloc(uids->items, uids->cap * sizeof(*uids->items));
        }
        (void)snprintf(uids->items[uids->count++], SV_UID_BYTES, "%s", list->uids[i]);
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int list_shard(struct sv_client *client, unsigned shard, struct uids *uids)
{
    *uids = (struct uids){.cursor = "0"};
    do {
        struct sv_store_call call = {.op = SV_STORE_LIST, .shard = shard};
        char cursor[sizeof(uids->cursor)];
        int code;

        memcpy(cursor, uids->cursor, sizeof(cursor));
        call.u.list.cursor = cursor;
        call.u.list.count_hint = PAGE;
        code = sv_client_call(client, &call, on_page, uids);
        if (code != SV_EXIT_OK)
            return code;
    } while (strcmp(uids->cursor, "0") != 0);
    if (uids->count > 1)
        qsort(uids->items, uids->count, sizeof(*uids->items), compare);
    return SV_EXIT_OK;
}

static int walk_shard(struct sv_client *client, unsigned shard, sv_kept_fn *call, void *context,
                      bool *more)
{
    struct uids uids;
    int code = list_shard(client, shard, &uids);

    for (size_t i = 0; code == SV_EXIT_OK && *more && i < uids.count; i++) {
        struct sv_kept kept;

        if (i > 0 && strcmp(uids.items[i], uids.items[i - 1]) == 0)
            continue;
        code = sv_kept_read(client, shard, uids.items[i], &kept);
        if (code == SV_EXIT_OK && kept.found)
            *more = call(context, &kept);
        sv_kept_fini(&kept);
    }
    free(uids.items);
    return code;
}

int sv_kept_each(struct sv_client *client, sv_kept_fn *call, void *context)
{
    bool more = true;
    int code = SV_EXIT_OK;

    for (unsigned s = 0; code == SV_EXIT_OK && more && s < client->config->redis.shards; s++)
        code = walk_shard(client, s, call, context, &more);
    return code;
}

size_t sv_kept_records(const struct sv_kept *kept, const struct sv_config *config,
                       struct sv_record out[SV_RECORDS_MAX],
                       enum sv_record_status statuses[SV_RECORDS_MAX])
{
    const struct sv_registration *r = &kept->sheet.registration;
    const struct sv_config_account *account = sv_config_account_find(config, r->account);
    struct sv_account_setup setup = {.tags = NULL};
    struct sv_expect expect = {
        .domain = r->domain,
        .region = account != NULL ? account->region : "",
        .mail_from = r->mail_from[0] != '\0' ? r->mail_from : NULL,
        .ownership_token = r->ownership_token[0] != '\0' ? r->ownership_token : NULL,
        .dmarc_policy = config->records.dmarc,
        .is_feedback_host = sv_aws_ses_is_feedback_host,
    };
    char registrable[SV_NAME_BYTES];
    bool known = sv_name_registrable(r->domain, registrable) == SV_OK;
    size_t verdicts = strlen(r->verdicts);
    size_t count;

    if (account != NULL)
        sv_account_setup_init(&setup, account);
    sv_state_expect_dkim(r, &setup.setup, &expect);
    count = sv_records_list(&expect, known ? registrable : NULL, out);
    for (size_t i = 0; i < count; i++)
        statuses[i] = i < verdicts ? sv_verdict_read(r->verdicts[i]) : SV_RECORD_UNKNOWN;
    sv_account_setup_fini(&setup);
    return count;
}

static const char *word_at(const json_t *change, size_t record)
{
    return json_string_value(json_array_get(json_object_get(change, "records"), record));
}

/* The oldest change since which the history knows no other verdict on the record. */
static json_t *since_of(const struct sv_kept *kept, size_t record, enum sv_record_status status)
{
    const json_t *changes = json_object_get(kept->detail, "changes");
    json_t *at = NULL;

    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *change = json_array_get(changes, i);
        const char *word = word_at(change, record);

        if (word == NULL || strcmp(word, sv_record_status_name(status)) != 0)
            break;
        at = json_object_get(change, "at");
    }
    return at != NULL && status != SV_RECORD_UNKNOWN ? json_incref(at) : json_null();
}

static json_t *until_of(const struct sv_kept *kept, const char *name, sv_ms now)
{
    const json_t *findings = json_object_get(kept->detail, "findings");

    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        const char *owner = sv_json_str(finding, "owner"), *until = sv_json_str(finding, "until");
        sv_ms at = 0;

        if (owner != NULL && until != NULL && sv_name_equal(owner, name) &&
            sv_time_parse(until, strlen(until), &at) == SV_OK && at > now)
            return json_string(until);
    }
    return json_null();
}

json_t *sv_kept_records_json(const struct sv_kept *kept, const struct sv_config *config, sv_ms now)
{
    struct sv_record records[SV_RECORDS_MAX];
    enum sv_record_status statuses[SV_RECORDS_MAX];
    size_t count = sv_kept_records(kept, config, records, statuses);
    json_t *list = sv_json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *record = sv_json_record(&records[i], statuses[i]);

        sv_json_set(record, "since", since_of(kept, i, statuses[i]));
        sv_json_set(record, "until", until_of(kept, records[i].name, now));
        sv_json_append(list, record);
    }
    return list;
}
