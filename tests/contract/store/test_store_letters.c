/* Dead letters: read in pages, made jobs again, thrown away; on both stores. */
#include "kit.h"

static void bury(struct kit *kit, const char *payload, size_t bytes,
                 char entry[SV_STORE_ENTRY_ID_BYTES])
{
    struct sv_store_call call = {.op = SV_STORE_BURY};

    kit_push(kit, entry);
    call.u.bury = (struct sv_store_bury){.entry_id = entry,
                                         .reason = "malformed_json",
                                         .error = "it is none",
                                         .payload = payload,
                                         .payload_bytes = bytes,
                                         .event = "{}"};
    assert_int_equal(kit_do(kit, &call), SV_OK);
}

struct seen {
    size_t count, total, payload_bytes;
    char entry[SV_STORE_ENTRY_ID_BYTES], reason[32], error[64], client[64], type[16], payload[16];
    bool has_payload, has_time;
};

static void look_letters(struct sv_store_call *call, void *context)
{
    const struct sv_store_letters *letters = &call->u.letters;
    const struct sv_store_letter *first = letters->letters;
    struct seen *seen = context;

    *seen = (struct seen){.count = letters->count, .total = letters->total};
    if (letters->count == 0)
        return;
    (void)snprintf(seen->entry, sizeof(seen->entry), "%s", first->entry_id);
    (void)snprintf(seen->reason, sizeof(seen->reason), "%s", first->reason);
    (void)snprintf(seen->error, sizeof(seen->error), "%s", first->error);
    (void)snprintf(seen->client, sizeof(seen->client), "%s", first->client_id);
    (void)snprintf(seen->type, sizeof(seen->type), "%s", first->type);
    seen->has_time = first->at > 0;
    seen->has_payload = first->payload != NULL;
    seen->payload_bytes = first->payload_bytes;
    if (seen->has_payload && first->payload_bytes < sizeof(seen->payload))
        memcpy(seen->payload, first->payload, first->payload_bytes);
}

static struct seen page(struct kit *kit, size_t skip, size_t count_max)
{
    struct sv_store_call call = {.op = SV_STORE_LETTERS,
                                 .u.letters = {.skip = skip, .count_max = count_max}};
    struct seen seen;

    assert_int_equal(kit_do_look(kit, &call, look_letters, &seen), SV_OK);
    return seen;
}

static struct sv_store_letter_end end(struct kit *kit, enum sv_store_letter_verb verb,
                                      const char *entry, const char *job)
{
    struct sv_store_call call = {.op = SV_STORE_LETTER_END,
                                 .u.letter_end = {.verb = verb,
                                                  .entry_id = entry,
                                                  .job = job,
                                                  .job_bytes = job != NULL ? strlen(job) : 0}};

    assert_int_equal(kit_do(kit, &call), SV_OK);
    return call.u.letter_end;
}

static void test_pages_and_one(void **state)
{
    char first[SV_STORE_ENTRY_ID_BYTES], second[SV_STORE_ENTRY_ID_BYTES];
    struct sv_store_call one = {.op = SV_STORE_LETTERS};
    struct seen seen;
    struct kit kit;

    kit_open_as(&kit, state);
    assert_int_equal(page(&kit, 0, 10).count, 0);
    bury(&kit, "a\0b", 3, first);
    bury(&kit, "c", 1, second);
    seen = page(&kit, 0, 10);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.total, 2);
    assert_string_equal(seen.entry, first);
    assert_string_equal(seen.reason, "malformed_json");
    assert_string_equal(seen.error, "it is none");
    assert_string_equal(seen.client, "");
    assert_true(seen.has_time && seen.payload_bytes == 3);
    assert_memory_equal(seen.payload, "a\0b", 3);
    seen = page(&kit, 1, 1);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.entry, second);
    assert_int_equal(page(&kit, 2, 10).count, 0);
    one.u.letters.entry_id = second;
    assert_int_equal(kit_do_look(&kit, &one, look_letters, &seen), SV_OK);
    assert_true(seen.count == 1 && strcmp(seen.entry, second) == 0);
    one.u.letters.entry_id = "7-7";
    assert_int_equal(kit_do_look(&kit, &one, look_letters, &seen), SV_OK);
    assert_int_equal(seen.count, 0);
    kit_close(&kit);
}

static void test_retry(void **state)
{
    char entry[SV_STORE_ENTRY_ID_BYTES];
    struct sv_store_letter_end told;
    struct kit kit;

    kit_open_as(&kit, state);
    bury(&kit, "payload", 7, entry);
    told = end(&kit, SV_STORE_LETTER_RETRY, entry, NULL);
    assert_int_equal(told.verdict, SV_STORE_LETTER_ENDED);
    assert_true(told.new_entry_id[0] != '\0');
    assert_int_equal(kit_counter(&kit, "inbox"), 1);
    assert_int_equal(kit_counter(&kit, "dead_letters"), 0);
    told = end(&kit, SV_STORE_LETTER_RETRY, entry, NULL); /* sent twice */
    assert_int_equal(told.verdict, SV_STORE_LETTER_GONE);
    assert_string_equal(told.new_entry_id, "");
    assert_int_equal(kit_counter(&kit, "inbox"), 1);
    assert_int_equal(kit_counter(&kit, "dead"), 1); /* that job did end dead */
    kit_close(&kit);
}

static void test_drop(void **state)
{
    char entry[SV_STORE_ENTRY_ID_BYTES];
    struct kit kit;

    kit_open_as(&kit, state);
    bury(&kit, "payload", 7, entry);
    assert_int_equal(end(&kit, SV_STORE_LETTER_DROP, "7-7", NULL).verdict, SV_STORE_LETTER_GONE);
    assert_int_equal(page(&kit, 0, 10).total, 1);
    assert_int_equal(end(&kit, SV_STORE_LETTER_DROP, entry, NULL).verdict, SV_STORE_LETTER_ENDED);
    assert_int_equal(end(&kit, SV_STORE_LETTER_DROP, entry, NULL).verdict, SV_STORE_LETTER_GONE);
    assert_int_equal(kit_counter(&kit, "inbox"), 0);
    assert_int_equal(kit_counter(&kit, "dead_letters"), 0);
    kit_close(&kit);
}

static void test_what_cannot_be_retried(void **state)
{
    size_t bytes = SV_STORE_JOB_BYTES_MAX + 1;
    char entry[SV_STORE_ENTRY_ID_BYTES];
    char *big = malloc(bytes);
    struct seen seen;
    struct kit kit;

    assert_non_null(big);
    memset(big, 'x', bytes);
    kit_open_as(&kit, state);
    bury(&kit, big, bytes, entry);
    seen = page(&kit, 0, 10);
    assert_true(!seen.has_payload && seen.payload_bytes == bytes);
    assert_int_equal(end(&kit, SV_STORE_LETTER_RETRY, entry, NULL).verdict,
                     SV_STORE_LETTER_TOO_BIG);
    bury(&kit, "", 0, entry);
    assert_int_equal(end(&kit, SV_STORE_LETTER_RETRY, entry, NULL).verdict, SV_STORE_LETTER_EMPTY);
    assert_int_equal(kit_counter(&kit, "inbox"), 0);
    assert_int_equal(page(&kit, 0, 10).total, 2);
    /* Another job in its place goes. */
    assert_int_equal(end(&kit, SV_STORE_LETTER_RETRY, entry, "{}").verdict, SV_STORE_LETTER_ENDED);
    assert_int_equal(kit_counter(&kit, "inbox"), 1);
    assert_int_equal(page(&kit, 0, 10).total, 1);
    free(big);
    kit_close(&kit);
}

static void test_a_crash_loop_names_its_domain(void **state)
{
    struct sv_store_call reap = {
        .op = SV_STORE_REAP,
        .u.reap = {.count_max = 10, .reclaims_max = 1, .crash_wait_ms = SV_HOUR}};
    struct sv_store_call claim = {
        .op = SV_STORE_CLAIM,
        .u.claim = {.count_max = 8, .per_client_max = 8, .lease_ms = 1, .worker = "w"}};
    struct seen seen;
    struct kit kit;

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    assert_int_equal(kit_do(&kit, &claim), SV_OK);
    while (reap.u.reap.reaped == 0)
        assert_int_equal(kit_do(&kit, &reap), SV_OK);
    seen = page(&kit, 0, 10);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.reason, "crash_loop");
    assert_string_equal(seen.client, KIT_CLIENT);
    assert_string_equal(seen.type, "register");
    assert_true(seen.has_payload && seen.payload_bytes == 0);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_BOTH(test_pages_and_one),
        KIT_BOTH(test_retry),
        KIT_BOTH(test_drop),
        KIT_BOTH(test_what_cannot_be_retried),
        KIT_BOTH(test_a_crash_loop_names_its_domain),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_letters", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
