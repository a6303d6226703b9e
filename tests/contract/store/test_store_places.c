/* One domain and everywhere its name stands, at one instant; on both stores. */
#include "kit.h"

struct seen {
    struct sv_store_places places;
    char receipt[64], status[32];
};

static void look_places(struct sv_store_call *call, void *context)
{
    const struct sv_store_places *places = &call->u.places;
    struct seen *seen = context;

    *seen = (struct seen){.places = *places};
    if (places->receipt != NULL)
        (void)snprintf(seen->receipt, sizeof(seen->receipt), "%s", places->receipt);
    for (size_t i = 0; i < places->fields_count; i++) {
        if (strcmp(places->fields[i].name, "st") == 0)
            (void)snprintf(seen->status, sizeof(seen->status), "%s", places->fields[i].value);
    }
}

static struct seen look(struct kit *kit, const char *uid, const char *client_id)
{
    struct sv_store_call call = {.op = SV_STORE_PLACES,
                                 .u.places = {.uid = uid, .client_id = client_id}};
    struct seen seen;

    assert_int_equal(kit_do_look(kit, &call, look_places, &seen), SV_OK);
    assert_false(seen.places.damaged || seen.places.moving);
    assert_true(seen.places.now > 0);
    return seen;
}

static void require_nowhere(const struct seen *seen)
{
    assert_int_equal(seen->places.due_hi, SV_STORE_NOWHERE);
    assert_int_equal(seen->places.due_lo, SV_STORE_NOWHERE);
    assert_int_equal(seen->places.lease, SV_STORE_NOWHERE);
}

static void test_a_domain_from_place_to_place(void **state)
{
    struct sv_store_call call;
    struct kit_held held;
    struct seen seen;
    struct kit kit;

    kit_open_as(&kit, state);
    seen = look(&kit, KIT_UID, NULL);
    assert_false(seen.places.found);
    require_nowhere(&seen);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    seen = look(&kit, KIT_UID, NULL);
    assert_true(seen.places.found && seen.places.counted && seen.places.domains == 1);
    assert_string_equal(seen.status, "new");
    assert_true(seen.places.due_hi > 0 && seen.places.due_lo == SV_STORE_NOWHERE);
    assert_int_equal(seen.places.ring, seen.places.due_hi);
    assert_int_equal(seen.places.ring_hi, seen.places.due_hi);
    assert_int_equal(seen.places.first_hi, seen.places.due_hi);
    assert_int_equal(seen.places.first_lo, SV_STORE_NOWHERE);
    assert_string_equal(seen.receipt, "open:" KIT_UID);
    assert_int_equal(seen.places.receipt_ttl_ms, -1);
    assert_true(kit_claim_one(&kit, &held));
    seen = look(&kit, KIT_UID, NULL);
    assert_true(seen.places.lease > seen.places.now && seen.places.due_hi == SV_STORE_NOWHERE);
    assert_int_equal(seen.places.ring, SV_STORE_NOWHERE);
    call = kit_commit(&held, "verified");
    call.u.commit.wait_ms = SV_DAY;
    call.u.commit.detail = "why";
    assert_int_equal(kit_do(&kit, &call), SV_OK);
    seen = look(&kit, KIT_UID, NULL);
    assert_string_equal(seen.status, "verified");
    assert_true(seen.places.due_lo > seen.places.now && seen.places.lease == SV_STORE_NOWHERE);
    assert_int_equal(seen.places.ring, seen.places.first_lo);
    assert_int_equal(seen.places.ring_hi, SV_STORE_NOWHERE);
    assert_int_equal(seen.places.detail_bytes, 3);
    assert_null(seen.places.receipt);
    kit_close(&kit);
}

static void test_clients_and_queues_that_are_another_s(void **state)
{
    struct seen seen;
    struct kit kit;

    kit_open_as(&kit, state);
    assert_int_equal(kit_job(&kit, "register"), SV_STORE_OPENED);
    seen = look(&kit, KIT_UID, "somebody else");
    assert_true(seen.places.found);
    require_nowhere(&seen);
    assert_true(!seen.places.counted && seen.places.domains == 0);
    assert_int_equal(seen.places.ring, SV_STORE_NOWHERE);
    seen = look(&kit, "", KIT_CLIENT);
    assert_false(seen.places.found);
    require_nowhere(&seen);
    assert_true(seen.places.domains == 1 && seen.places.ring > 0 &&
                seen.places.ring == seen.places.first_hi);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_BOTH(test_a_domain_from_place_to_place),
        KIT_BOTH(test_clients_and_queues_that_are_another_s),
    };
    int failed;

    kit_server_start();
    failed = cmocka_run_group_tests_name("store_places", tests, NULL, NULL);
    kit_server_stop();
    return failed;
}
