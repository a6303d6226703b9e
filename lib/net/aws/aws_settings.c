/* Settings of AWS that are not keys. */
#include "sv/aws_settings.h"

#include <string.h>
#include <strings.h>

#include "places.h"

/* One setting, wherever it was found. */
struct setting {
    const char *name; /* for the error text */
    const char *value;
};

static struct setting find(const struct sv_places *places, const char *variable, const char *key,
                           const char *in_profile)
{
    const char *value = sv_places_variable(places, variable);

    if (value != NULL)
        return (struct setting){.name = variable, .value = value};
    return (struct setting){.name = key, .value = in_profile};
}

static enum sv_err read_flag(struct setting setting, bool *out, struct sv_errinfo *info)
{
    *out = strcasecmp(setting.value, "true") == 0;
    if (*out || setting.value[0] == '\0' || strcasecmp(setting.value, "false") == 0)
        return SV_OK;
    return sv_err_set(info, SV_EINVALID, "aws", 0, "%s is neither true nor false: %.40s",
                      setting.name, setting.value);
}

static enum sv_err read_attempts(struct setting setting, unsigned *out, struct sv_errinfo *info)
{
    size_t digits = strspn(setting.value, "0123456789");

    *out = 0;
    if (setting.value[0] == '\0')
        return SV_OK;
    for (size_t i = 0; i < digits && *out <= SV_AWS_ATTEMPTS_MAX; i++)
        *out = *out * 10 + (unsigned)(setting.value[i] - '0');
    if (setting.value[digits] == '\0' && *out >= 1 && *out <= SV_AWS_ATTEMPTS_MAX)
        return SV_OK;
    *out = 0;
    return sv_err_set(info, SV_EINVALID, "aws", 0, "%s is not a number from 1 to %d: %.40s",
                      setting.name, (int)SV_AWS_ATTEMPTS_MAX, setting.value);
}

static enum sv_err read_all(const struct sv_places *places,
                            const struct sv_shared_settings *profile, struct sv_aws_settings *out)
{
    struct setting fips =
        find(places, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", profile->use_fips_endpoint);
    struct setting dual_stack = find(places, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint",
                                     profile->use_dualstack_endpoint);
    struct setting attempts =
        find(places, "AWS_MAX_ATTEMPTS", "max_attempts", profile->max_attempts);
    enum sv_err err = read_flag(fips, &out->use_fips, places->info);

    if (err == SV_OK)
        err = read_flag(dual_stack, &out->use_dual_stack, places->info);
    if (err == SV_OK)
        err = read_attempts(attempts, &out->attempts_max, places->info);
    return err;
}

enum sv_err sv_aws_settings_load(const char *profile, sv_env_fn *env, void *context,
                                 struct sv_aws_settings *out, struct sv_errinfo *info)
{
    struct sv_places places = {.env = env, .context = context, .info = info};
    struct sv_shared_profile shared;
    enum sv_err err;

    *out = (struct sv_aws_settings){.use_fips = false};
    places.profile =
        profile != NULL && profile[0] != '\0' ? profile : sv_places_usual_profile(&places);
    places.info = NULL;
    if (sv_places_profile(&places, &shared) != SV_OK)
        shared.settings = (struct sv_shared_settings){.role_arn = ""};
    places.info = info;
    err = read_all(&places, &shared.settings, out);
    sv_credentials_wipe(&shared.keys);
    return err;
}
