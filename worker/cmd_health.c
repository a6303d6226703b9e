/* `sesverify health`: is the worker ready, as its status port says. For the health checks of
 * containers, so it is quick and needs nothing but the port. */
#include <string.h>

#include "commands.h"
#include "exit.h"
#include "setup.h"
#include "sv/json.h"
#include "table.h"
#include "text.h"
#include "visit.h"

/* A line of /readyz: "[+] started". */
static void add_check(json_t *checks, const char *line, size_t len)
{
    json_t *check;
    char name[160];

    if (len < 5 || line[0] != '[')
        return;
    (void)snprintf(name, sizeof(name), "%.*s", (int)len - 4, line + 4);
    check = sv_json_object();
    sv_json_set_str(check, "check", name);
    sv_json_set_bool(check, "passed", line[1] == '+');
    sv_json_append(checks, check);
}

static json_t *read_checks(const char *text)
{
    json_t *checks = sv_json_array();

    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        add_check(checks, text, len);
        text += len + (text[len] == '\n');
    }
    return checks;
}

static void print_json(const char *url, bool ready, json_t *checks)
{
    json_t *out = sv_json_object();

    sv_json_set_str(out, "schema", "sesverify.health.v1");
    sv_json_set_str(out, "url", url);
    sv_json_set_bool(out, "ready", ready);
    sv_json_set(out, "checks", json_incref(checks));
    sv_text_print_json(out);
}

static void print_text(const struct sv_args *args, json_t *checks)
{
    struct sv_table table;

    sv_table_init(&table, 2, NULL);
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);
        bool passed = json_is_true(json_object_get(check, "passed"));

        sv_table_row(&table);
        sv_table_set(&table, 0, passed ? SV_GREEN : SV_RED, passed ? "yes" : "no");
        sv_table_set(&table, 1, SV_PLAIN, sv_text_of(check, "check"));
    }
    sv_table_print(&table, sv_term_wants_colour(stdout, args->environment), stdout);
    sv_table_fini(&table);
}

static int ask(const struct sv_args *args, const char *url)
{
    json_t *checks;
    struct sv_errinfo info;
    struct sv_buf body;
    long status = 0;
    enum sv_err err = sv_visit(url, &status, &body, &info);
    int code = status == 200 ? SV_EXIT_OK : SV_EXIT_TEMPORARY;

    if (err != SV_OK) {
        sv_setup_complain(args, "%s: %s", url,
                          info.text[0] != '\0' ? info.text : sv_err_text(info.code));
        code = SV_EXIT_UNAVAILABLE;
    } else if (status != 200 && status != 503) {
        sv_setup_complain(args, "%s answers with status %ld: it is no worker's port", url, status);
        code = SV_EXIT_UNAVAILABLE;
    } else {
        checks = read_checks(sv_buf_str(&body));
        if (sv_args_has(args, "json"))
            print_json(url, status == 200, checks);
        else
            print_text(args, checks);
        json_decref(checks);
    }
    sv_buf_fini(&body);
    return code;
}

static int run(const struct sv_args *args)
{
    struct sv_config *config = NULL;
    char url[SV_VISIT_URL_BYTES];
    int code = sv_setup_config(args, &config, NULL);

    if (code == SV_EXIT_OK)
        code = sv_visit_url(args, config, "/readyz", url);
    if (code == SV_EXIT_OK)
        code = ask(args, url);
    sv_config_free(config);
    return code;
}

static const struct sv_option options[] = {
    SV_VISIT_OPTION,
    {.name = NULL},
};

const struct sv_command sv_command_health = {
    .name = "health",
    .operands = "",
    .summary = "whether the worker is ready; for health checks",
    .details =
        "Asks /readyz of the worker's status port. Exit code 0 when it is ready, 75 when it\n"
        "answers that it is not (it starts, it drains, or Redis is away), 69 when nobody\n"
        "answers within three seconds.",
    .options = options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify health", "sesverify health --port 10.0.0.7:9425 --json"},
    .run = run,
};
