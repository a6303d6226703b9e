/* The order of the credential chain as the AWS SDKs and Tools Reference Guide lists it. Nothing is
 * asked here: what only an answer can tell is the fetch's to find out. */
#include "plan.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sso_token.h"
#include "sv/alloc.h"
#include "sv/require.h"

struct maker {
    struct sv_places places;
    const struct sv_plan_wish *wish;
    struct sv_plan *out;
    bool named; /* the account names its profile */
    char chain[SV_PLAN_ROLES_MAX][129];
    size_t depth;
};

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static const char *variable(const struct maker *maker, const char *name)
{
    return sv_places_variable(&maker->places, name);
}

static bool is_true(const struct maker *maker, const char *name)
{
    const char *value = variable(maker, name);

    return value != NULL && strcasecmp(value, "true") == 0;
}

static enum sv_err fail(const struct maker *maker, enum sv_err err, const char *what,
                        const char *why)
{
    return sv_err_set(maker->places.info, err, "credentials", 0, "%.100s: %.130s", what, why);
}

static enum sv_err in_profile(const struct maker *maker, const char *why)
{
    return sv_err_set(maker->places.info, SV_EINVALID, "credentials", 0, "profile %.60s: %.150s",
                      maker->places.profile, why);
}

static bool copy(char *out, size_t bytes, const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;

    if (len >= bytes)
        return false;
    memcpy(out, text != NULL ? text : "", len);
    out[len] = '\0';
    return true;
}

static void name_source(const struct maker *maker, const char *source)
{
    (void)snprintf(maker->out->source, sizeof maker->out->source, "%s", source);
}

/* Roles. */

static enum sv_err fill_role(const struct maker *maker, const char *arn, const char *external_id,
                             const char *session, const char *duration, struct sv_plan_role *role)
{
    char *end = NULL;
    unsigned long seconds = is_set(duration) ? strtoul(duration, &end, 10) : 0;

    if (!copy(role->arn, sizeof role->arn, arn) ||
        !copy(role->external_id, sizeof role->external_id, external_id) ||
        !copy(role->session_name, sizeof role->session_name, session))
        return fail(maker, SV_ETOOBIG, "a role",
                    "its ARN, external id or session name is too long");
    if (strncmp(role->arn, "arn:", 4) != 0)
        return fail(maker, SV_EINVALID, role->arn, "is no ARN of a role");
    if (end != NULL && (*end != '\0' || seconds < 900 || seconds > 43200))
        return in_profile(maker, "duration_seconds is not between 900 and 43200");
    role->duration_s = (unsigned)seconds;
    return SV_OK;
}

static enum sv_err push_role(struct maker *maker, const char *arn, const char *external_id,
                             const char *session, const char *duration)
{
    struct sv_plan *plan = maker->out;

    if (plan->roles_count == SV_PLAN_ROLES_MAX)
        return fail(maker, SV_ETOOBIG, "the chain of roles", "more than 5 roles");
    return fill_role(maker, arn, external_id, session, duration, &plan->roles[plan->roles_count++]);
}

static enum sv_err use_token_file(struct maker *maker, const char *path, const char *source)
{
    maker->out->base = SV_PLAN_WEB_IDENTITY;
    name_source(maker, source);
    if (!copy(maker->out->token_file, sizeof maker->out->token_file, path))
        return fail(maker, SV_ETOOBIG, source, "the path of the token file is too long");
    return SV_OK;
}

/* Containers and instances. */

bool sv_plan_is_container_host(const char *url)
{
    static const char *const hosts[] = {"localhost", "169.254.170.2", "169.254.170.23",
                                        "[fd00:ec2::23]", "[::1]"};
    const char *host = url + strlen("http://");
    size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
    unsigned a, b, c, d;
    char text[16], rest;

    if (strncmp(url, "http://", 7) != 0 || len > strlen(host))
        return false;
    if (memchr(host, '@', strcspn(host, "/?#")) != NULL)
        return false;
    if (host[len] != '\0' && strchr(":/?#", host[len]) == NULL)
        return false;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        if (strlen(hosts[i]) == len && strncasecmp(host, hosts[i], len) == 0)
            return true;
    }
    if (len >= sizeof text)
        return false;
    memcpy(text, host, len);
    text[len] = '\0';
    return sscanf(text, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) == 4 && a == 127 && b < 256 &&
           c < 256 && d < 256;
}

static enum sv_err use_container(struct maker *maker)
{
    const char *relative = variable(maker, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = variable(maker, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *file = variable(maker, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = variable(maker, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    struct sv_plan *plan = maker->out;
    int len;

    if (relative == NULL && full == NULL)
        return SV_ENOTFOUND;
    plan->base = SV_PLAN_CONTAINER;
    name_source(maker, "container");
    if (relative != NULL && relative[0] != '/')
        return fail(maker, SV_EINVALID, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                    "does not begin with /");
    len = snprintf(plan->url, sizeof plan->url, "%s%s",
                   relative != NULL ? "http://169.254.170.2" : "",
                   relative != NULL ? relative : full);
    if (len < 0 || (size_t)len >= sizeof plan->url)
        return fail(maker, SV_ETOOBIG, "the container's URI", "is too long");
    if (strncmp(plan->url, "https://", 8) != 0 && !sv_plan_is_container_host(plan->url))
        return fail(maker, SV_EINVALID, "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                    "is neither https nor loopback nor an address of ECS or EKS");
    if (!copy(plan->token_file, sizeof plan->token_file, file) ||
        !copy(plan->token, sizeof plan->token, file == NULL ? token : NULL))
        return fail(maker, SV_ETOOBIG, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "is too long");
    if (strpbrk(plan->token, "\r\n") != NULL)
        return fail(maker, SV_EMALFORMED, "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                    "holds the end of a line");
    return SV_OK;
}

static long number_of(const struct maker *maker, const char *name, long usual, long most)
{
    const char *text = variable(maker, name);
    char *end = NULL;
    long value = text != NULL ? strtol(text, &end, 10) : usual;

    return text != NULL && (*end != '\0' || value < 1 || value > most) ? usual : value;
}

static void drop_slashes(char *url)
{
    for (size_t len = strlen(url); len > 0 && url[len - 1] == '/'; len--)
        url[len - 1] = '\0';
}

static enum sv_err use_imds(struct maker *maker)
{
    const char *mode = variable(maker, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    const char *url = variable(maker, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    struct sv_plan *plan = maker->out;

    if (is_true(maker, "AWS_EC2_METADATA_DISABLED"))
        return SV_ENOTFOUND;
    if (url == NULL)
        url = mode != NULL && strcasecmp(mode, "ipv6") == 0 ? "http://[fd00:ec2::254]"
                                                            : "http://169.254.169.254";
    plan->base = SV_PLAN_IMDS;
    name_source(maker, "instance metadata");
    plan->no_imds_v1 = is_true(maker, "AWS_EC2_METADATA_V1_DISABLED");
    plan->timeout_ms = SV_SECOND * number_of(maker, "AWS_METADATA_SERVICE_TIMEOUT", 1, 60);
    plan->attempts = (unsigned)number_of(maker, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", 1, 10);
    if (!copy(plan->url, sizeof plan->url - 256, url))
        return fail(maker, SV_ETOOBIG, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "is too long");
    drop_slashes(plan->url);
    return SV_OK;
}

/* Endpoints. */

static const char *suffix_of(const char *region, bool dual)
{
    if (strncmp(region, "cn-", 3) == 0)
        return dual ? "api.amazonwebservices.com.cn" : "amazonaws.com.cn";
    if (strncmp(region, "eusc-", 5) == 0)
        return dual ? "api.amazonwebservices.eu" : "amazonaws.eu";
    return dual ? "api.aws" : "amazonaws.com";
}

/* What somebody set for a service, or for all; NULL = nothing. */
static const char *endpoint_of(const struct maker *maker, const char *name)
{
    const char *url;

    if (is_true(maker, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))
        return NULL;
    url = variable(maker, name);
    return url != NULL ? url : variable(maker, "AWS_ENDPOINT_URL");
}

static enum sv_err find_sts(struct maker *maker)
{
    struct sv_plan *plan = maker->out;
    const char *url = endpoint_of(maker, "AWS_ENDPOINT_URL_STS");
    const char *region = is_set(maker->wish->region) ? maker->wish->region : "";
    bool fips = is_true(maker, "AWS_USE_FIPS_ENDPOINT");
    bool dual = is_true(maker, "AWS_USE_DUALSTACK_ENDPOINT");
    int len;

    if (!copy(plan->region, sizeof plan->region, region))
        return fail(maker, SV_ETOOBIG, region, "is no region");
    plan->sts_plain = url != NULL;
    if (url != NULL)
        len = snprintf(plan->sts_url, sizeof plan->sts_url, "%s", url);
    else /* both GovCloud regions are FIPS under their ordinary name */
        len = snprintf(plan->sts_url, sizeof plan->sts_url, "https://sts%s.%s.%s",
                       fips && (dual || strncmp(region, "us-gov-", 7) != 0) ? "-fips" : "", region,
                       suffix_of(region, dual));
    if (len < 0 || (size_t)len >= sizeof plan->sts_url)
        return fail(maker, SV_ETOOBIG, "AWS_ENDPOINT_URL_STS", "is too long");
    return SV_OK;
}

/* IAM Identity Center. */

static enum sv_err judge_sso(const struct maker *maker, const struct sv_shared_settings *set)
{
    static const char region[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

    if (!is_set(set->sso_start_url) || !is_set(set->sso_region) || !is_set(set->sso_account_id) ||
        !is_set(set->sso_role_name))
        return in_profile(maker, "SSO needs sso_start_url and sso_region (here or in its "
                                 "sso-session), sso_account_id and sso_role_name");
    if (strlen(set->sso_account_id) != 12 || strspn(set->sso_account_id, "0123456789") != 12)
        return in_profile(maker, "sso_account_id is not 12 digits");
    if (strspn(set->sso_region, region) != strlen(set->sso_region))
        return in_profile(maker, "sso_region is no region");
    return SV_OK;
}

static enum sv_err use_sso(struct maker *maker, const struct sv_shared_settings *set)
{
    const char *url = endpoint_of(maker, "AWS_ENDPOINT_URL_SSO");
    const char *home = variable(maker, "HOME");
    struct sv_plan *plan = maker->out;
    enum sv_err err = judge_sso(maker, set);
    char file[46];
    int len;

    if (err != SV_OK)
        return err;
    plan->base = SV_PLAN_SSO;
    (void)snprintf(plan->source, sizeof plan->source, "SSO, profile %.40s", maker->places.profile);
    SV_REQUIRE(copy(plan->sso_role, sizeof plan->sso_role, set->sso_role_name) &&
               copy(plan->sso_account, sizeof plan->sso_account, set->sso_account_id));
    sv_sso_token_file_name(is_set(set->sso_session) ? set->sso_session : set->sso_start_url, file);
    len = snprintf(plan->token_file, sizeof plan->token_file, "%s/.aws/sso/cache/%s",
                   home != NULL ? home : "", file);
    if (home == NULL || len < 0 || (size_t)len >= sizeof plan->token_file)
        return in_profile(maker, "HOME, where the SSO cache lies, is not set or too long");
    plan->url_plain = url != NULL;
    if (url != NULL)
        len = snprintf(plan->url, sizeof plan->url, "%s", url);
    else
        len = snprintf(plan->url, sizeof plan->url, "https://portal.sso.%s.%s", set->sso_region,
                       suffix_of(set->sso_region, false));
    if (len < 0 || (size_t)len >= sizeof plan->url - 256)
        return fail(maker, SV_ETOOBIG, "AWS_ENDPOINT_URL_SSO", "is too long");
    drop_slashes(plan->url);
    return SV_OK;
}

/* Profiles. */

static enum sv_err use_profile(struct maker *maker, const char *name);
static enum sv_err use_own(struct maker *maker, const struct sv_shared_profile *shared,
                           bool must_have);

static enum sv_err use_credential_source(struct maker *maker, const char *source)
{
    enum sv_err err;

    if (strcmp(source, "Environment") == 0) {
        maker->out->base = SV_PLAN_KEYS;
        name_source(maker, "environment");
        err = sv_places_environment(&maker->places, &maker->out->keys);
    } else if (strcmp(source, "EcsContainer") == 0) {
        err = use_container(maker);
    } else if (strcmp(source, "Ec2InstanceMetadata") == 0) {
        err = use_imds(maker);
    } else {
        return in_profile(maker, "credential_source is none of Environment, EcsContainer and "
                                 "Ec2InstanceMetadata");
    }
    if (err != SV_ENOTFOUND)
        return err;
    return in_profile(maker, "the place that credential_source names has nothing set");
}

static enum sv_err use_keys(struct maker *maker, const struct sv_shared_profile *shared)
{
    struct sv_plan *plan = maker->out;

    plan->base = SV_PLAN_KEYS;
    plan->keys = shared->keys;
    (void)snprintf(plan->source, sizeof plan->source, "shared file, profile %.40s",
                   maker->places.profile);
    return SV_OK;
}

static enum sv_err use_process(struct maker *maker, const char *command)
{
    struct sv_plan *plan = maker->out;

    plan->base = SV_PLAN_PROCESS;
    SV_REQUIRE(copy(plan->command, sizeof plan->command, command));
    (void)snprintf(plan->source, sizeof plan->source, "credential_process, profile %.30s",
                   maker->places.profile);
    return SV_OK;
}

/* A role with what it stands on: a token, another profile, or a place. */
static enum sv_err use_role(struct maker *maker, const struct sv_shared_profile *shared)
{
    const struct sv_shared_settings *set = &shared->settings;
    enum sv_err err;

    if (is_set(set->mfa_serial))
        return in_profile(maker, "mfa_serial asks for a person's code; a worker has none");
    if (is_set(set->web_identity_token_file)) {
        err = fill_role(maker, set->role_arn, "", set->role_session_name, set->duration_seconds,
                        &maker->out->web_role);
        return err != SV_OK
                   ? err
                   : use_token_file(maker, set->web_identity_token_file, "web identity, profile");
    }
    if (is_set(set->source_profile) == is_set(set->credential_source))
        return in_profile(maker,
                          "role_arn needs either source_profile or credential_source, not both");
    err = push_role(maker, set->role_arn, set->external_id, set->role_session_name,
                    set->duration_seconds);
    if (err != SV_OK)
        return err;
    if (is_set(set->credential_source))
        return use_credential_source(maker, set->credential_source);
    if (strcmp(set->source_profile, maker->places.profile) != 0)
        return use_profile(maker, set->source_profile);
    return use_own(maker, shared, true);
}

static enum sv_err enter_profile(struct maker *maker, const char *name)
{
    for (size_t i = 0; i < maker->depth; i++) {
        if (strcmp(maker->chain[i], name) == 0)
            return fail(maker, SV_EINVALID, name, "source_profile leads in a circle");
    }
    if (maker->depth == SV_PLAN_ROLES_MAX ||
        !copy(maker->chain[maker->depth], sizeof maker->chain[0], name))
        return fail(maker, SV_ETOOBIG, name, "more than 5 profiles, or a name over 128 bytes");
    maker->places.profile = maker->chain[maker->depth++];
    return SV_OK;
}

static enum sv_err env_token(struct maker *maker)
{
    const char *file = variable(maker, "AWS_WEB_IDENTITY_TOKEN_FILE");
    enum sv_err err;

    if (file == NULL)
        return SV_ENOTFOUND;
    if (variable(maker, "AWS_ROLE_ARN") == NULL)
        return fail(maker, SV_EINVALID, "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN is not set");
    err = fill_role(maker, variable(maker, "AWS_ROLE_ARN"), "",
                    variable(maker, "AWS_ROLE_SESSION_NAME"), "", &maker->out->web_role);
    return err == SV_OK ? use_token_file(maker, file, "web identity") : err;
}

/* What a profile has of its own: a sign-in, keys, a program. */
static enum sv_err use_own(struct maker *maker, const struct sv_shared_profile *shared,
                           bool must_have)
{
    const struct sv_shared_settings *set = &shared->settings;
    bool has_keys = shared->has_access_key || shared->has_secret_key;
    enum sv_err err;

    if (is_set(set->sso_session) || is_set(set->sso_start_url))
        return use_sso(maker, set);
    if (!has_keys && is_set(set->credential_process))
        return use_process(maker, set->credential_process);
    if (!has_keys && shared->unsupported[0] == '\0' && !must_have)
        return SV_ENOTFOUND;
    err = sv_places_judge_keys(&maker->places, shared);
    if (err == SV_OK)
        return use_keys(maker, shared);
    return err == SV_ENOTFOUND ? SV_EINVALID : err; /* told already; the chain ends here */
}

/* SV_ENOTFOUND without a text: the profile is not there, or says nothing about keys. */
static enum sv_err use_profile(struct maker *maker, const char *name)
{
    struct sv_shared_profile shared;
    enum sv_err err = enter_profile(maker, name);
    bool first = maker->depth == 1;

    if (err == SV_OK)
        err = sv_places_profile(&maker->places, &shared);
    if (err != SV_OK)
        return err;
    if (is_set(shared.settings.role_arn))
        err = use_role(maker, &shared);
    else if (first && !maker->named && variable(maker, "AWS_WEB_IDENTITY_TOKEN_FILE") != NULL)
        err = env_token(maker);
    else
        err = use_own(maker, &shared, maker->named || !first);
    sv_credentials_wipe(&shared.keys);
    OPENSSL_cleanse(shared.settings.credential_process, sizeof shared.settings.credential_process);
    return err;
}

/* The chain. */

static enum sv_err nothing_found(const struct maker *maker)
{
    return sv_err_set(maker->places.info, SV_ENOTFOUND, "credentials", 0,
                      "nothing found; tried: AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE, "
                      "profile %.40s, AWS_CONTAINER_CREDENTIALS_*, instance metadata (disabled)",
                      maker->chain[0]);
}

static enum sv_err find_base(struct maker *maker)
{
    enum sv_err err;

    if (!maker->named) {
        err = sv_places_environment(&maker->places, &maker->out->keys);
        if (err != SV_ENOTFOUND) {
            maker->out->base = SV_PLAN_KEYS;
            name_source(maker, "environment");
            return err;
        }
    }
    err = use_profile(maker, maker->named ? maker->wish->profile
                                          : sv_places_usual_profile(&maker->places));
    if (err == SV_ENOTFOUND)
        err = use_container(maker);
    if (err == SV_ENOTFOUND) {
        err = use_imds(maker);
        maker->out->last_resort = variable(maker, "AWS_EC2_METADATA_SERVICE_ENDPOINT") == NULL;
    }
    return err == SV_ENOTFOUND ? nothing_found(maker) : err;
}

enum sv_err sv_plan_make(const struct sv_plan_wish *wish, sv_env_fn *env, void *context,
                         struct sv_plan *out, struct sv_errinfo *info)
{
    struct maker maker = {.places = {.env = env, .context = context, .info = info},
                          .wish = wish,
                          .out = out,
                          .named = is_set(wish->profile)};
    enum sv_err err = SV_OK;

    *out = (struct sv_plan){.base = SV_PLAN_NOTHING};
    if (is_set(wish->role_arn))
        err = push_role(&maker, wish->role_arn, wish->external_id, wish->role_session_name, NULL);
    if (err == SV_OK)
        err = find_sts(&maker);
    if (err == SV_OK)
        err = find_base(&maker);
    if (err != SV_OK)
        sv_plan_wipe(out);
    return err;
}

enum sv_err sv_plan_sts(const char *region, sv_env_fn *env, void *context,
                        char url[SV_PLAN_URL_BYTES], bool *is_plain, struct sv_errinfo *info)
{
    struct sv_plan_wish wish = {.region = region};
    struct sv_plan *plan = sv_alloc(1, sizeof *plan);
    struct maker maker = {
        .places = {.env = env, .context = context, .info = info}, .wish = &wish, .out = plan};
    enum sv_err err = find_sts(&maker);

    memcpy(url, plan->sts_url, SV_PLAN_URL_BYTES);
    *is_plain = plan->sts_plain;
    free(plan);
    return err;
}

void sv_plan_wipe(struct sv_plan *plan)
{
    OPENSSL_cleanse(plan, sizeof *plan);
}
