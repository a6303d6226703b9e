/* What is told of a domain: nothing that is over, nothing that is not the client's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "exit.h"
#include "explain.h"
#include "sv/detail.h"
#include "sv/json.h"

static const sv_ms now = 1700000000000;

struct scene {
    struct sv_kept kept;
    struct sv_config config;
};

/* A domain at risk for two days, whose next look is in a minute. */
static void set_scene(struct scene *scene)
{
    struct sv_registration *registration = &scene->kept.sheet.registration;

    *scene = (struct scene){
        .kept = {.found = true,
                 .due_at = now + SV_MINUTE,
                 .sheet = {.domain = {.status = SV_STATUS_AT_RISK,
                                      .identity = SV_AXIS_TEMPORARY_FAILURE,
                                      .dkim = SV_AXIS_TEMPORARY_FAILURE,
                                      .conclusion = SV_CONCLUSION_DNS_WRONG,
                                      .temporary_at = now - 48 * SV_HOUR}}},
        .config = {.policy = sv_policy_default()},
    };
    (void)snprintf(registration->account, sizeof(registration->account), "default");
    (void)snprintf(registration->domain, sizeof(registration->domain), "a.com");
    scene->kept.detail = sv_detail_read(NULL, "a.com");
}

static json_t *explain(struct scene *scene, int *code)
{
    json_t *told = sv_explain(&scene->kept, &scene->config, now, code);

    sv_kept_fini(&scene->kept);
    return told;
}

/* The text of the forecast's item, or "nothing". */
static const char *foretold(const json_t *told, const char *what)
{
    const json_t *forecast = json_object_get(told, "forecast");

    for (size_t i = 0; i < json_array_size(forecast); i++) {
        const json_t *item = json_array_get(forecast, i);

        assert_true(sv_show_instant(item, "at") >= now);
        if (strcmp(sv_json_str(item, "what"), what) == 0)
            return sv_json_str(item, "text");
    }
    return "nothing";
}

static void what_is_overdue_may_happen_now(void **state)
{
    struct scene scene;
    json_t *told;
    int code;

    (void)state;
    set_scene(&scene);
    told = explain(&scene, &code);
    assert_int_equal(code, SV_EXIT_WRONG);
    assert_string_equal(foretold(told, "next_look"), "the next look at the domain");
    assert_string_equal(foretold(told, "stops_sending"),
                        "sending stops then, unless it is repaired");
    json_decref(told);
    set_scene(&scene);
    scene.kept.due_at = now - 1;
    scene.kept.sheet.domain.temporary_at = now - 80 * SV_HOUR;
    told = explain(&scene, &code);
    assert_string_equal(foretold(told, "next_look"), "the next look at the domain is due");
    assert_string_equal(foretold(told, "stops_sending"),
                        "sending may stop at any time, unless it is repaired");
    assert_non_null(strstr(foretold(told, "ses_gives_up"), "may give up at any time"));
    json_decref(told);
    set_scene(&scene);
    scene.kept.running = true;
    scene.kept.due_at = 0; /* as the store tells it */
    told = explain(&scene, &code);
    assert_string_equal(foretold(told, "next_look"), "the domain is being looked at");
    json_decref(told);
}

static void set_finding(struct scene *scene, const char *line)
{
    json_decref(scene->kept.detail);
    scene->kept.detail = sv_detail_read(line, "a.com");
}

static bool is_told_to_client(enum sv_conclusion conclusion, const char *line)
{
    struct scene scene;
    json_t *told, *finding;
    bool found;
    int code;

    set_scene(&scene);
    scene.kept.sheet.domain.conclusion = conclusion;
    set_finding(&scene, line);
    told = explain(&scene, &code);
    finding = json_array_get(json_object_get(told, "findings"), 0);
    found = strstr(sv_json_str(told, "tell_client"), sv_json_str(finding, "advice")) != NULL;
    json_decref(told);
    return found;
}

static void the_client_is_told_what_is_the_clients(void **state)
{
    static const char error[] =
        "{\"at\":1,\"findings\":[{\"c\":\"dkim_cname_missing\",\"s\":\"error\",\"o\":\"a.com\"}]}";
    static const char warning[] =
        "{\"at\":1,\"findings\":[{\"c\":\"dmarc_missing\",\"s\":\"warning\",\"o\":\"a.com\"}]}";
    static const char silence[] =
        "{\"at\":1,\"findings\":[{\"c\":\"dns_servfail\",\"s\":\"temporary\",\"o\":\"a.com\"}]}";

    (void)state;
    assert_true(is_told_to_client(SV_CONCLUSION_DNS_WRONG, error));
    assert_true(is_told_to_client(SV_CONCLUSION_DNS_WRONG, warning));
    assert_true(is_told_to_client(SV_CONCLUSION_IDENTITY_GONE, error));
    assert_false(is_told_to_client(SV_CONCLUSION_IDENTITY_GONE, warning)); /* ours to repair */
    assert_false(is_told_to_client(SV_CONCLUSION_SIGNING_DISABLED, warning));
    assert_false(is_told_to_client(SV_CONCLUSION_DNS_WRONG, silence)); /* nobody's */
}

/* What resolvers alone say may be late, and the reader must know. */
static void a_closed_port_is_told(void **state)
{
    static const char *const kept[] = {"{\"at\":1,\"findings\":[]}",
                                       "{\"at\":1,\"closed\":true,\"findings\":[]}"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct sv_show show = {.now = now};
        struct scene scene;
        json_t *told;
        char *text = NULL;
        size_t len;
        int code;

        set_scene(&scene);
        json_decref(scene.kept.detail);
        scene.kept.detail = sv_detail_read(kept[i], "a.com");
        told = explain(&scene, &code);
        assert_int_equal(json_is_true(json_object_get(told, "authority_closed")), i == 1);
        show.out = open_memstream(&text, &len);
        assert_non_null(show.out);
        sv_explain_print(&show, told, code);
        assert_int_equal(fclose(show.out), 0);
        assert_int_equal(strstr(text, "only resolvers could be asked") != NULL, i == 1);
        free(text);
        json_decref(told);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_overdue_may_happen_now),
        cmocka_unit_test(the_client_is_told_what_is_the_clients),
        cmocka_unit_test(a_closed_port_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
