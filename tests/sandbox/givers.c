#include "givers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "sv/alloc.h"
#include "sv/json.h"
#include "sv/rand.h"
#include "sv/require.h"

void sb_givers_init(struct sb_givers *givers)
{
    *givers = (struct sb_givers){.settings = sv_json_object()};
}

void sb_givers_fini(struct sb_givers *givers)
{
    json_decref(givers->settings);
    givers->settings = NULL;
}

enum sv_err sb_givers_set(struct sb_givers *givers, json_t *settings, struct sv_errinfo *info)
{
    const char *text, *token, *account, *role;
    long long number;
    json_t *object;
    json_error_t error;

    if (json_unpack_ex(settings, &error, JSON_STRICT,
                       "{s?I, s?o, s?s, s?s, s?{s:s, s:s, s:s}, s?s, s?I}", "lives_ms", &number,
                       "roles", &object, "web_token", &text, "container_token", &text, "sso",
                       "token", &token, "account_id", &account, "role_name", &role, "imds_role",
                       &text, "imds_token_status", &number) != 0)
        return sv_err_set(info, SV_EINVALID, "givers", 0, "%s", error.text);
    SV_REQUIRE(json_object_update(givers->settings, settings) == 0);
    return SV_OK;
}

const char *sb_givers_text(const struct sb_call *call, const char *name)
{
    return json_string_value(sv_json_path(call->sandbox->givers.settings, name));
}

static void drop_key(struct sb_keys *keys, size_t i)
{
    free(keys->list[i].id);
    free(keys->list[i].secret);
    free(keys->list[i].session_token);
    free(keys->list[i].account);
    memmove(&keys->list[i], &keys->list[i + 1], (--keys->count - i) * sizeof keys->list[0]);
}

/* The oldest of those that were given makes room. */
static void make_room(struct sb_keys *keys)
{
    for (size_t i = 0; i < keys->count && keys->count == SB_KEYS_MAX; i++) {
        if (keys->list[i].expires_at != 0)
            drop_key(keys, i);
    }
    SV_REQUIRE(keys->count < SB_KEYS_MAX);
}

void sb_givers_make(struct sb_call *call, struct sb_fresh *out)
{
    struct sandbox *sandbox = call->sandbox;
    const json_t *lives = json_object_get(sandbox->givers.settings, "lives_ms");
    sv_ms lives_ms = json_is_integer(lives) ? json_integer_value(lives) : SV_HOUR;
    struct sb_keys *keys = &sandbox->options.keys;
    struct sv_rand source;
    char hex[41];

    sv_rand_system_init(&source);
    sv_rand_hex(&source, hex, 20);
    sandbox->givers.given++;
    (void)snprintf(out->id, sizeof out->id, "ASIASANDBOX%09llu", sandbox->givers.given);
    (void)snprintf(out->secret, sizeof out->secret, "given-secret-%s", hex);
    (void)snprintf(out->token, sizeof out->token, "given-token-%s/+==", hex);
    /* Whole seconds, as AWS tells them. */
    out->expires_at = (sb_clock_wall(&sandbox->clock) + lives_ms) / SV_SECOND * SV_SECOND;
    (void)sv_time_format(out->expires_at, out->until);
    memcpy(out->until + 19, "Z", 2);
    make_room(keys);
    keys->list[keys->count++] = (struct sb_key){.id = sv_strdup(out->id),
                                                .secret = sv_strdup(out->secret),
                                                .session_token = sv_strdup(out->token),
                                                .account = sv_strdup(call->caller.account),
                                                .expires_at = out->expires_at};
}

json_t *sb_givers_json(const struct sb_fresh *fresh)
{
    json_t *keys = sv_json_object();

    sv_json_set_str(keys, "AccessKeyId", fresh->id);
    sv_json_set_str(keys, "SecretAccessKey", fresh->secret);
    sv_json_set_str(keys, "Token", fresh->token);
    sv_json_set_str(keys, "Expiration", fresh->until);
    return keys;
}

static const struct {
    const char *method, *path, *action;
    void (*perform)(struct sb_call *call);
} routes[] = {
    {"PUT", "/latest/api/token", "ImdsToken", sb_imds_perform},
    {"GET", "/latest/meta-data/iam/security-credentials/", "ImdsRole", sb_imds_perform},
    {"GET", "/latest/meta-data/iam/security-credentials/*", "ImdsKeys", sb_imds_perform},
    {"GET", "/v2/credentials/*", "ContainerKeys", sb_container_perform}, /* ECS's form */
    {"GET", "/v1/credentials", "ContainerKeys", sb_container_perform},   /* that of EKS */
    {"GET", "/federation/credentials", "GetRoleCredentials", sb_sso_perform},
};

static bool matches(const char *pattern, const char *path)
{
    size_t len = strlen(pattern);

    if (pattern[len - 1] != '*')
        return strcmp(pattern, path) == 0;
    return strncmp(pattern, path, len - 1) == 0 && path[len - 1] != '\0' &&
           strchr(path + len - 1, '/') == NULL;
}

bool sb_givers_read(struct sb_call *call)
{
    const struct sb_request *request = call->request;
    const char *query = request->query != NULL ? request->query : "";
    char why[96];

    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(routes[i].method, request->method) != 0 ||
            !matches(routes[i].path, request->path))
            continue;
        call->api = SB_API_GIVER;
        call->anonymous = true;
        call->action = routes[i].action;
        call->perform = routes[i].perform;
        if (!sb_form_parse(&call->form, query, strlen(query), why))
            sb_call_refuse(call, 400, "BadRequest", "%s", why);
        return true;
    }
    return false;
}

void sb_givers_render(struct sb_call *call, struct sb_answer *answer)
{
    json_t *error;

    if (call->status != 0) {
        answer->status = call->status;
        sb_answer_header(answer, "x-amzn-ErrorType", call->code);
        error = sv_json_object();
        sv_json_set_str(error, "message", call->text);
        json_decref(call->output);
        call->output = error;
    }
    sb_answer_header(answer, "Content-Type",
                     call->output != NULL ? "application/json" : "text/plain");
    if (call->output != NULL)
        SV_REQUIRE(sv_json_write(call->output, &answer->body));
    else
        SV_REQUIRE(sv_buf_add(&answer->body, sv_buf_str(&call->xml), call->xml.len));
}
