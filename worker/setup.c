#include "setup.h"

#include <stdarg.h>
#include <string.h>

#include "account_setup.h"
#include "exit.h"
#include "sv/digest.h"

enum { SETS_MAX = 256 };

void sv_setup_complain(const struct sv_args *args, const char *format, ...)
{
    char text[512];
    struct sv_errinfo clean;
    va_list list;

    va_start(list, format);
    (void)vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    (void)sv_err_set(&clean, SV_EINVALID, "command", 0, "%s", text);
    (void)fprintf(stderr, "sesverify %s: %s\n", args->command->name, clean.text);
}

int sv_setup_config(const struct sv_args *args, struct sv_config **out,
                    struct sv_problems *problems)
{
    const char *sets[SETS_MAX];
    struct sv_problems own;
    struct sv_config_sources sources = {
        .file = sv_args_value(args, "config", NULL),
        .sets = sets,
        .sets_count = sv_args_values(args, "set", sets, SETS_MAX),
        .environment = args->environment,
    };
    int code;

    sv_problems_init(&own);
    code = sv_config_load(&sources, out, problems != NULL ? problems : &own);
    if (problems == NULL && code != SV_EXIT_OK)
        sv_problems_print(&own, stderr);
    if (code == SV_EXIT_OK)
        sv_account_keys_read_public(*out);
    sv_problems_fini(&own);
    return code;
}

int sv_setup_exit_of(enum sv_err err)
{
    if (err == SV_OK)
        return SV_EXIT_OK;
    if (err == SV_EDENIED)
        return SV_EXIT_DENIED;
    if (err == SV_EINVALID)
        return SV_EXIT_CONFIG;
    if (err == SV_ESYSTEM)
        return SV_EXIT_OS;
    return sv_err_is_temporary(err) ? SV_EXIT_UNAVAILABLE : SV_EXIT_SOFTWARE;
}

int sv_setup_domain(const struct sv_args *args, const char *given, char out[SV_NAME_BYTES])
{
    struct sv_errinfo info;

    if (sv_name_normalize(given, strlen(given), out, &info) == SV_OK)
        return SV_EXIT_OK;
    sv_setup_complain(args, "'%.100s' is no domain name: %s", given, info.text);
    return SV_EXIT_DATA;
}

unsigned sv_setup_shard(const struct sv_config *config, const char *client_id)
{
    return sv_crc32(client_id, strlen(client_id)) % config->redis.shards;
}
