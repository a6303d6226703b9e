/* `sesverify config check | show | defaults`. */
#include <stdlib.h>
#include <string.h>

#include "account_setup.h"
#include "commands.h"
#include "config_named.h"
#include "exit.h"
#include "setup.h"
#include "sv/alloc.h"
#include "sv/json.h"
#include "sv/require.h"
#include "table.h"
#include "text.h"

enum { TEXT_BYTES_MAX = 2 << 20, ORIGIN_BYTES = 1100 };

static const char masked[] = "********";

static json_t *problem_json(const struct sv_problem *problem)
{
    json_t *object = sv_json_object();

    sv_json_set_str(object, "severity", problem->warning ? "warning" : "error");
    sv_json_set_str(object, "where", problem->where);
    sv_json_set_str(object, "text", problem->text);
    return object;
}

static int check(const struct sv_args *args)
{
    struct sv_problems problems;
    struct sv_config *config = NULL;
    int code;

    sv_problems_init(&problems);
    code = sv_setup_config(args, &config, &problems);
    if (config != NULL) {
        sv_config_check_run(config, &problems, true);
        sv_account_keys_read(config, &problems, true);
    }
    if (sv_args_has(args, "json")) {
        json_t *list = sv_json_array();
        json_t *object = sv_json_object();

        for (size_t i = 0; i < problems.count; i++)
            sv_json_append(list, problem_json(&problems.items[i]));
        sv_json_set_str(object, "schema", "sesverify.config_check.v1");
        sv_json_set_bool(object, "valid", code == SV_EXIT_OK);
        sv_json_set_str(object, "file", config != NULL ? config->file : NULL);
        sv_json_set(object, "problems", list);
        sv_text_print_json(object);
    } else {
        sv_problems_print(&problems, code == SV_EXIT_OK ? stdout : stderr);
        if (code == SV_EXIT_OK && config != NULL)
            (void)printf("configuration is valid (%s)\n",
                         config->file != NULL ? config->file : "no file");
    }
    sv_problems_fini(&problems);
    sv_config_free(config);
    return code;
}

/* Walks all values: calls back with section ("redis", "account main"), setting, place, origin. */
typedef void value_fn(void *context, const char *section, const struct sv_setting *setting,
                      const char *value, const char *origin);

/* A URL may bring a password along: scheme://user:password@host, which may hold an '@' itself. */
static void mask_password(struct sv_buf *value)
{
    char *text = sv_strdup(sv_buf_str(value));
    char *begin = strstr(text, "://");
    char *at = begin != NULL ? strrchr(begin, '@') : NULL;
    char *colon = at != NULL ? memchr(begin + 3, ':', (size_t)(at - begin) - 3) : NULL;

    if (colon != NULL) {
        colon[1] = '\0';
        sv_buf_clear(value);
        SV_REQUIRE(sv_buf_printf(value, "%s%s%s", text, masked, at));
    }
    free(text);
}

static void tell(const struct sv_config *config, const struct sv_setting *setting, const void *base,
                 const struct sv_origin *origin, char *text, struct sv_buf *value)
{
    sv_buf_clear(value);
    sv_setting_write(setting, base, value);
    if (setting->type == SV_SETTING_SECRET && value->len > 0) {
        sv_buf_clear(value);
        SV_REQUIRE(sv_buf_add_str(value, masked));
    } else {
        mask_password(value);
    }
    sv_origin_write(config, origin, text, ORIGIN_BYTES);
}

static void for_each_value(struct sv_config *config, value_fn *call, void *context)
{
    char section[SV_PROBLEM_WHERE_BYTES];
    char origin[ORIGIN_BYTES];
    struct sv_buf value;

    sv_buf_init(&value, TEXT_BYTES_MAX);
    for (size_t i = 0; sv_settings[i].section != NULL; i++) {
        tell(config, &sv_settings[i], config, &config->origins[i], origin, &value);
        call(context, sv_settings[i].section, &sv_settings[i], sv_buf_str(&value), origin);
    }
    for (const struct sv_named_kind *kind = sv_named_kinds; kind->word != NULL; kind++) {
        struct sv_named named;

        for (size_t n = 0; sv_named_at(config, kind, n, &named); n++) {
            (void)snprintf(section, sizeof(section), "%s %s", kind->word, named.name);
            for (size_t i = 0; kind->settings[i].section != NULL; i++) {
                tell(config, &kind->settings[i], named.base, &named.origins[i], origin, &value);
                call(context, section, &kind->settings[i], sv_buf_str(&value), origin);
            }
        }
    }
    sv_buf_fini(&value);
}

static void add_json(void *context, const char *section, const struct sv_setting *setting,
                     const char *value, const char *origin)
{
    json_t *object = sv_json_object();

    sv_json_set_str(object, "section", section);
    sv_json_set_str(object, "key", setting->key);
    sv_json_set_str(object, "value", value);
    sv_json_set_str(object, "origin", origin);
    sv_json_append(context, object);
}

struct listing {
    struct sv_table table;
    bool origins;
};

static void add_row(void *context, const char *section, const struct sv_setting *setting,
                    const char *value, const char *origin)
{
    struct listing *listing = context;
    char name[128];

    (void)snprintf(name, sizeof(name), "%.80s.%s", section, setting->key);
    sv_table_row(&listing->table);
    sv_table_set(&listing->table, 0, SV_PLAIN, name);
    sv_table_set(&listing->table, 1, SV_PLAIN, value);
    if (listing->origins)
        sv_table_set(&listing->table, 2, SV_DIM, origin);
}

static int show(const struct sv_args *args)
{
    static const char *const heads[] = {"SETTING", "VALUE", "ORIGIN"};
    struct listing listing = {.origins = sv_args_has(args, "origin")};
    struct sv_config *config;
    int code = sv_setup_config(args, &config, NULL);

    if (code != SV_EXIT_OK)
        return code;
    if (sv_args_has(args, "json")) {
        json_t *object = sv_json_object();
        json_t *list = sv_json_array();

        for_each_value(config, add_json, list);
        sv_json_set_str(object, "schema", "sesverify.config.v1");
        sv_json_set_str(object, "file", config->file);
        sv_json_set(object, "settings", list);
        sv_text_print_json(object);
    } else {
        sv_table_init(&listing.table, listing.origins ? 3 : 2, heads);
        for_each_value(config, add_row, &listing);
        sv_table_print(&listing.table, sv_term_wants_colour(stdout, args->environment), stdout);
        sv_table_fini(&listing.table);
    }
    sv_config_free(config);
    return SV_EXIT_OK;
}

static int defaults(const struct sv_args *args)
{
    struct sv_buf text;

    (void)args;
    sv_buf_init(&text, TEXT_BYTES_MAX);
    sv_config_write_defaults(&text);
    (void)fputs(sv_buf_str(&text), stdout);
    sv_buf_fini(&text);
    return SV_EXIT_OK;
}

const struct sv_command sv_command_config_check = {
    .name = "config check",
    .operands = "",
    .summary = "find every mistake of the configuration",
    .details = "Exit code 0 when it is valid, 78 when it is not, 66 when the file cannot be read.",
    .configured = true,
    .facts = true,
    .examples = {"sesverify config check", "sesverify config check --config ./new.conf --json"},
    .run = check,
};

static const struct sv_option show_options[] = {
    {"origin", NULL, false, "also where each value comes from"}, {.name = NULL}};

const struct sv_command sv_command_config_show = {
    .name = "config show",
    .operands = "",
    .summary = "show the values in force, secrets masked",
    .options = show_options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify config show --origin",
                 "sesverify config show --set redis.url=unix:///run/redis/redis.sock --json"},
    .run = show,
};

const struct sv_command sv_command_config_defaults = {
    .name = "config defaults",
    .operands = "",
    .summary = "print a complete, commented configuration file",
    .examples = {"sesverify config defaults > sesverify.conf",
                 "sesverify config defaults | grep -A3 '^.*cooldown'"},
    .run = defaults,
};
