#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sv/aws_settings.h"

struct variable {
    const char *name, *value;
};

static char config_path[] = "/tmp/sv-settings-XXXXXX";

static const char *look_up(void *context, const char *name)
{
    if (strcmp(name, "AWS_CONFIG_FILE") == 0)
        return config_path;
    if (strcmp(name, "AWS_SHARED_CREDENTIALS_FILE") == 0)
        return "/nonexistent/credentials";
    for (const struct variable *at = context; at->name != NULL; at++) {
        if (strcmp(at->name, name) == 0)
            return at->value;
    }
    return NULL;
}

static const char config[] =
    "[default]\nuse_fips_endpoint = true\nmax_attempts = 7\n"
    "[profile mail]\nuse_dualstack_endpoint = TRUE\nuse_fips_endpoint=false\n"
    "[profile odd]\nmax_attempts = many\n";

static int write_config(void **state)
{
    int fd = mkstemp(config_path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, config, sizeof config - 1), sizeof config - 1);
    return close(fd);
}

static int remove_config(void **state)
{
    (void)state;
    return unlink(config_path);
}

static void what_is_set_where(void **state)
{
    static const struct {
        const char *profile;
        struct variable variables[4];
        bool use_fips, use_dual_stack;
        unsigned attempts_max;
    } rows[] = {
        {"none", {{NULL, NULL}}, false, false, 0},
        {NULL, {{NULL, NULL}}, true, false, 7},
        {"", {{"AWS_PROFILE", "mail"}}, false, true, 0},
        {"mail", {{NULL, NULL}}, false, true, 0},
        {"mail", {{"AWS_USE_FIPS_ENDPOINT", "True"}}, true, true, 0},
        {NULL, {{"AWS_USE_FIPS_ENDPOINT", "false"}, {"AWS_MAX_ATTEMPTS", "1"}}, false, false, 1},
        {NULL,
         {{"AWS_USE_DUALSTACK_ENDPOINT", "true"}, {"AWS_MAX_ATTEMPTS", "100"}},
         true,
         true,
         100},
        {NULL, {{"AWS_USE_FIPS_ENDPOINT", ""}}, true, false, 7},
        {"odd", {{"AWS_MAX_ATTEMPTS", "5"}}, false, false, 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct variable variables[4];
        struct sv_aws_settings out;
        struct sv_errinfo info = {.text = ""};

        memcpy(variables, rows[i].variables, sizeof variables);
        if (sv_aws_settings_load(rows[i].profile, look_up, variables, &out, &info) != SV_OK)
            fail_msg("row %zu: %s", i, info.text);
        if (out.use_fips != rows[i].use_fips || out.use_dual_stack != rows[i].use_dual_stack ||
            out.attempts_max != rows[i].attempts_max)
            fail_msg("row %zu: %d %d %u", i, out.use_fips, out.use_dual_stack, out.attempts_max);
    }
}

static void what_cannot_be_understood_is_named(void **state)
{
    static const struct {
        const char *profile, *name, *value, *told;
    } rows[] = {
        {"none", "AWS_USE_FIPS_ENDPOINT", "yes", "AWS_USE_FIPS_ENDPOINT"},
        {"none", "AWS_USE_DUALSTACK_ENDPOINT", "1", "AWS_USE_DUALSTACK_ENDPOINT"},
        {"none", "AWS_MAX_ATTEMPTS", "0", "AWS_MAX_ATTEMPTS"},
        {"none", "AWS_MAX_ATTEMPTS", "101", "AWS_MAX_ATTEMPTS"},
        {"none", "AWS_MAX_ATTEMPTS", "-3", "AWS_MAX_ATTEMPTS"},
        {"none", "AWS_MAX_ATTEMPTS", "3x", "AWS_MAX_ATTEMPTS"},
        {"none", "AWS_MAX_ATTEMPTS", "99999999999999999999", "AWS_MAX_ATTEMPTS"},
        {"odd", "AWS_PROFILE", "default", "max_attempts"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct variable variables[2] = {{rows[i].name, rows[i].value}, {NULL, NULL}};
        struct sv_aws_settings out;
        struct sv_errinfo info = {.text = ""};

        assert_int_equal(sv_aws_settings_load(rows[i].profile, look_up, variables, &out, &info),
                         SV_EINVALID);
        assert_non_null(strstr(info.text, rows[i].told));
        assert_int_equal(out.attempts_max, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_set_where),
        cmocka_unit_test(what_cannot_be_understood_is_named),
    };

    return cmocka_run_group_tests(tests, write_config, remove_config);
}
