#include "control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/json.h"
#include "sv/require.h"

void sb_control_refuse(struct sb_control *control, unsigned status, const char *text)
{
    control->status = status;
    json_decref(control->output);
    control->output = sv_json_object();
    sv_json_set_str(control->output, "error", text);
}

const char *sb_control_account(const struct sb_control *control)
{
    const char *account = sb_form_get(&control->form, "account");

    if (account == NULL || strlen(account) >= SB_KEY_ID_BYTES)
        return control->sandbox->options.keys.list[0].id;
    return account;
}

struct sb_store *sb_control_store(const struct sb_control *control)
{
    const char *account = sb_control_account(control);
    const char *region = sb_form_get(&control->form, "region");
    struct sandbox *sandbox = control->sandbox;

    if (region == NULL || strlen(region) >= SB_REGION_BYTES)
        region = sandbox->options.region;
    return sb_stores_get(&sandbox->stores, account, region);
}

void sb_sandbox_drop(struct sandbox *sandbox, struct sb_identity *identity)
{
    sb_looker_forget(sandbox->looker, identity);
    sb_identity_free(identity);
}

enum sv_err sb_sandbox_reload(struct sandbox *sandbox, struct sv_errinfo *info)
{
    if (sandbox->options.zone_file == NULL)
        return SV_OK;
    return sb_zone_load(&sandbox->zone, sandbox->options.zone_file, info);
}

/* The constant of that ErrorType; NULL for an unknown one. */
static const char *error_type_of(const char *text)
{
    static const char *const types[] = {
        "SERVICE_ERROR",
        "DNS_SERVER_ERROR",
        "HOST_NOT_FOUND",
        "TYPE_NOT_FOUND",
        "INVALID_VALUE",
        "REPLICATION_ACCESS_DENIED",
        "REPLICATION_PRIMARY_NOT_FOUND",
        "REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED",
        "REPLICATION_REPLICA_AS_PRIMARY_NOT_SUPPORTED",
        "REPLICATION_PRIMARY_INVALID_REGION",
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(text, types[i]) == 0)
            return types[i];
    }
    return NULL;
}

/* What happens to a DKIM key without anybody's call. */
static void change_key(struct sandbox *sandbox, struct sb_identity *identity, const json_t *set)
{
    sv_ms now = sb_clock_virtual(&sandbox->clock);

    if (json_is_true(json_object_get(set, "rotate_key")))
        sb_identity_rotate_key(identity, now);
    if (json_is_true(json_object_get(set, "renew_tokens"))) {
        sb_identity_change_tokens(identity, now);
        sb_axis_start(&identity->dkim, now);
    }
}

enum sv_err sb_sandbox_force(struct sandbox *sandbox, struct sb_identity *identity, json_t *set,
                             struct sv_errinfo *info)
{
    static const char *const names[] = {"identity", "dkim", "mail_from"};
    struct sb_axis *axes[] = {&identity->identity, &identity->dkim, &identity->mail_from};
    const char *texts[3] = {NULL}, *error_type = NULL;
    enum sb_status statuses[3] = {SB_NOT_STARTED};
    int signing = -1, pin = -1;
    json_error_t error;

    if (json_unpack_ex(set, &error, 0, "{s?s, s?s, s?s, s?b, s?b, s?s}", names[0], &texts[0],
                       names[1], &texts[1], names[2], &texts[2], "signing", &signing, "pin", &pin,
                       "error_type", &error_type) != 0)
        return sv_err_set(info, SV_EINVALID, "control", 0, "%s", error.text);
    if (error_type != NULL && error_type_of(error_type) == NULL)
        return sv_err_set(info, SV_EINVALID, "control", 0, "unknown error_type '%.40s'",
                          error_type);
    for (size_t i = 0; i < 3; i++) {
        if (texts[i] != NULL && !sb_status_parse(texts[i], &statuses[i]))
            return sv_err_set(info, SV_EINVALID, "control", 0, "unknown status '%.40s'", texts[i]);
    }
    change_key(sandbox, identity, set);
    for (size_t i = 0; i < 3; i++) {
        if (pin >= 0 && (texts[i] != NULL || pin == 0))
            axes[i]->pinned = pin == 1;
        if (texts[i] != NULL)
            *axes[i] = (struct sb_axis){.status = statuses[i],
                                        .since = sb_clock_virtual(&sandbox->clock),
                                        .pinned = axes[i]->pinned};
    }
    if (signing >= 0)
        identity->signing_enabled = signing == 1;
    sb_looker_wake(sandbox->looker, identity);
    if (error_type != NULL)
        identity->error_type = error_type_of(error_type);
    return SV_OK;
}

/* What POST does to one identity; false after a refusal. */
static bool post_one(struct sb_control *control, const char *name)
{
    struct sb_store *store = sb_control_store(control);
    struct sb_identity *identity;
    struct sv_errinfo info = {0};

    if (name == NULL || !sb_identity_is_valid(name)) {
        sb_control_refuse(control, 400, "not the name of a domain or address");
        return false;
    }
    identity = sb_identity_find(store, name);
    if (identity == NULL && json_is_true(json_object_get(control->input, "create")))
        identity = sb_identity_add(store, name);
    if (identity == NULL) {
        sb_control_refuse(control, 404,
                          "no such identity in that account and region, or no room for it");
        return false;
    }
    if (json_is_true(json_object_get(control->input, "delete"))) {
        sb_sandbox_drop(control->sandbox, identity);
        return true;
    }
    if (sb_sandbox_force(control->sandbox, identity, control->input, &info) != SV_OK) {
        sb_control_refuse(control, 400, info.text);
        return false;
    }
    return true;
}

/* /identities/D, or /identities with {"names": [...]} */
static void identities_post(struct sb_control *control)
{
    const json_t *names = json_object_get(control->input, "names");
    const struct sb_identity *identity;

    if (control->name == NULL && json_is_array(names)) {
        for (size_t i = 0; i < json_array_size(names); i++) {
            if (!post_one(control, json_string_value(json_array_get(names, i))))
                return;
        }
        return;
    }
    if (!post_one(control, control->name))
        return;
    identity = sb_identity_find(sb_control_store(control), control->name);
    if (identity != NULL)
        control->output = sb_control_identity_json(identity);
}

static void identities_get(struct sb_control *control)
{
    const struct sb_identity *identity =
        control->name == NULL ? NULL : sb_identity_find(sb_control_store(control), control->name);

    if (identity == NULL)
        sb_control_refuse(control, 404, "no such identity in that account and region");
    else
        control->output = sb_control_identity_json(identity);
}

static void identities_delete(struct sb_control *control)
{
    struct sb_identity *identity =
        control->name == NULL ? NULL : sb_identity_find(sb_control_store(control), control->name);

    if (identity == NULL)
        sb_control_refuse(control, 404, "no such identity in that account and region");
    else
        sb_sandbox_drop(control->sandbox, identity);
}

static void clock_get(struct sb_control *control)
{
    const struct sb_clock *clock = &control->sandbox->clock;
    char text[SV_TIME_TEXT_BYTES];

    control->output = sv_json_object();
    sv_json_set_str(control->output, "virtual_now", sv_time_format(sb_clock_virtual(clock), text));
    sv_json_set_int(control->output, "virtual_now_ms", sb_clock_virtual(clock));
    sv_json_set_int(control->output, "monotonic_ms", sb_clock_mono(clock));
    sv_json_set(control->output, "speed", json_real(clock->speed));
    sv_json_set_int(control->output, "skew_ms", clock->skew_ms);
}

static void clock_post(struct sb_control *control)
{
    struct sb_clock *clock = &control->sandbox->clock;
    double speed = clock->speed;
    json_int_t advance_ms = 0, skew_ms = clock->skew_ms;
    json_error_t error;

    if (json_unpack_ex(control->input, &error, 0, "{s?I, s?F, s?I}", "advance_ms", &advance_ms,
                       "speed", &speed, "skew_ms", &skew_ms) != 0) {
        sb_control_refuse(control, 400, error.text);
        return;
    }
    if (advance_ms < 0 || advance_ms > 36500 * SV_DAY || !(speed >= 0) || speed > SB_SPEED_MAX ||
        skew_ms > 36500 * SV_DAY || skew_ms < -36500 * SV_DAY) {
        sb_control_refuse(control, 400, "advance_ms, speed or skew_ms is out of range");
        return;
    }
    sb_clock_set_speed(clock, speed);
    sb_clock_advance(clock, advance_ms);
    clock->skew_ms = skew_ms;
    sb_looker_rearm(control->sandbox->looker);
    clock_get(control);
}

static void faults_get(struct sb_control *control)
{
    control->output = sb_faults_json(&control->sandbox->faults);
}

static void faults_post(struct sb_control *control)
{
    struct sv_errinfo info = {0};

    if (sb_faults_add(&control->sandbox->faults, control->input, &info) != SV_OK)
        sb_control_refuse(control, 400, info.text);
    else
        faults_get(control);
}

static void faults_delete(struct sb_control *control)
{
    sb_faults_clear(&control->sandbox->faults);
}

static void dns_faults_get(struct sb_control *control)
{
    control->output = sb_dns_faults_json(&control->sandbox->dns_faults);
}

static void dns_faults_post(struct sb_control *control)
{
    struct sv_errinfo info = {0};

    if (sb_dns_faults_add(&control->sandbox->dns_faults, control->input, &info) != SV_OK)
        sb_control_refuse(control, 400, info.text);
    else
        dns_faults_get(control);
}

static void dns_faults_delete(struct sb_control *control)
{
    sb_dns_faults_clear(&control->sandbox->dns_faults);
}

static void dns_queries_get(struct sb_control *control)
{
    if (control->sandbox->dns == NULL)
        sb_control_refuse(control, 404, "the sandbox serves no DNS");
    else
        control->output = sb_dns_server_log(control->sandbox->dns);
}

static void calls_get(struct sb_control *control)
{
    control->output =
        sb_journal_calls(control->sandbox->journal,
                         sb_form_get(&control->form, "entries") == NULL ? 0 : SB_CALLS_MAX);
}

static void calls_delete(struct sb_control *control)
{
    sb_journal_clear(control->sandbox->journal);
}

static void requests_get(struct sb_control *control)
{
    control->output = sb_journal_requests(control->sandbox->journal);
}

static void rate_post(struct sb_control *control)
{
    const char *action = NULL;
    double rate = 0, burst = 1;
    json_error_t error;

    if (json_unpack_ex(control->input, &error, JSON_STRICT, "{s:F, s?F, s?s}", "rate", &rate,
                       "burst", &burst, "action", &action) != 0)
        sb_control_refuse(control, 400, error.text);
    else if (!(rate >= 0) || !(burst >= 1))
        sb_control_refuse(control, 400, "rate must be 0 or more, burst 1 or more");
    else
        sb_journal_set_rate(control->sandbox->journal, action, rate, burst);
}

static void reset_post(struct sb_control *control)
{
    struct sandbox *sandbox = control->sandbox;
    struct sv_errinfo info = {0};

    for (size_t i = 0; i < sandbox->stores.map.count; i++) {
        struct sb_store *store = sandbox->stores.map.entries[i].value;

        while (store->identities.count > 0)
            sb_sandbox_drop(sandbox, store->identities.entries[0].value);
        sb_store_reset(store);
    }
    json_object_clear(sandbox->permissions.keys);
    sb_faults_clear(&sandbox->faults);
    sb_dns_faults_clear(&sandbox->dns_faults);
    sb_journal_clear(sandbox->journal);
    sb_journal_clear_rates(sandbox->journal);
    sb_journal_set_rate(sandbox->journal, NULL, sandbox->options.rate, sandbox->options.burst);
    if (sandbox->dns != NULL)
        sb_dns_server_log_clear(sandbox->dns);
    sb_clock_init(&sandbox->clock, sandbox->options.speed);
    if (sandbox->options.zone_file == NULL)
        sb_zone_fini(&sandbox->zone);
    else if (sb_sandbox_reload(sandbox, &info) != SV_OK)
        sb_control_refuse(control, 500, info.text);
}

static const struct resource {
    const char *method, *name;
    void (*serve)(struct sb_control *control);
} resources[] = {
    {"GET", "state", sb_control_state},
    {"GET", "identities", identities_get},
    {"POST", "identities", identities_post},
    {"DELETE", "identities", identities_delete},
    {"GET", "records", sb_control_records},
    {"GET", "account", sb_control_account_get},
    {"POST", "account", sb_control_account_post},
    {"GET", "configuration-sets", sb_control_sets_get},
    {"POST", "configuration-sets", sb_control_sets_post},
    {"DELETE", "configuration-sets", sb_control_sets_delete},
    {"GET", "permissions", sb_control_permissions_get},
    {"POST", "permissions", sb_control_permissions_post},
    {"DELETE", "permissions", sb_control_permissions_delete},
    {"POST", "givers", sb_control_givers_post},
    {"GET", "metrics", sb_control_metrics_get},
    {"POST", "metrics", sb_control_metrics_post},
    {"DELETE", "metrics", sb_control_metrics_delete},
    {"GET", "recommendations", sb_control_recommendations_get},
    {"POST", "recommendations", sb_control_recommendations_post},
    {"GET", "clock", clock_get},
    {"POST", "clock", clock_post},
    {"GET", "calls", calls_get},
    {"DELETE", "calls", calls_delete},
    {"GET", "requests", requests_get},
    {"POST", "rate", rate_post},
    {"GET", "faults", faults_get},
    {"POST", "faults", faults_post},
    {"DELETE", "faults", faults_delete},
    {"GET", "zone", sb_control_zone_get},
    {"POST", "zone", sb_control_zone_post},
    {"GET", "dns-faults", dns_faults_get},
    {"POST", "dns-faults", dns_faults_post},
    {"DELETE", "dns-faults", dns_faults_delete},
    {"GET", "dns-queries", dns_queries_get},
    {"POST", "reset", reset_post},
};

static const struct resource *find_resource(const char *method, const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
        if (strcmp(resources[i].method, method) == 0 && strlen(resources[i].name) == len &&
            memcmp(resources[i].name, name, len) == 0)
            return &resources[i];
    }
    return NULL;
}

static void dispatch(struct sb_control *control)
{
    const struct sb_request *request = control->request;
    const char *name = request->path + 1;
    size_t len = strcspn(name, "/");
    const struct resource *resource = find_resource(request->method, name, len);
    struct sv_errinfo info = {0};
    char why[96];

    if (resource == NULL) {
        sb_control_refuse(control, 404, "no such resource, or not with that method");
        return;
    }
    if (request->query != NULL &&
        !sb_form_parse(&control->form, request->query, strlen(request->query), why)) {
        sb_control_refuse(control, 400, why);
        return;
    }
    if (request->body.len > 0) {
        control->input =
            sv_json_parse(request->body.data, request->body.len, SB_CONTROL_BYTES_MAX, 16, &info);
        if (control->input == NULL) {
            sb_control_refuse(control, 400, info.text);
            return;
        }
    } else if (strcmp(request->method, "POST") == 0) {
        control->input = sv_json_object();
    }
    resource->serve(control);
}

void sb_control_handle(void *owner, const struct sb_request *request, struct sb_answer *answer)
{
    struct sb_control control = {.sandbox = owner, .request = request};
    const char *slash = strchr(request->path + (request->path[0] == '/'), '/');
    char *name =
        slash == NULL || slash[1] == 0 ? NULL : sb_percent_decode(slash + 1, strlen(slash + 1));

    control.name = name;
    if (request->path[0] == '/')
        dispatch(&control);
    else
        sb_control_refuse(&control, 404, "no such resource");
    if (control.output == NULL)
        control.output = sv_json_object();
    if (control.status != 0)
        answer->status = control.status;
    sb_answer_header(answer, "Content-Type", "application/json");
    if (!sv_json_write(control.output, &answer->body))
        answer->status = 500;
    sb_form_fini(&control.form);
    json_decref(control.input);
    json_decref(control.output);
    free(name);
}
