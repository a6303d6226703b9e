/* `sesverify pause` and `resume`: an operator holds work up, and lets it go on. */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "exit.h"
#include "setup.h"
#include "sv/cloudevent.h"
#include "sv/json.h"
#include "sv/store.h"
#include "table.h"
#include "text.h"

struct order {
    const struct sv_args *args;
    bool resume, json, colour;
    bool asked; /* nothing is named: what is paused is shown */
    struct sv_store_pause pause;
    char by[SV_STORE_PAUSE_WORD_BYTES];
    sv_ms now;
    size_t count;
    struct sv_table table;
};

static const char *scope_word(enum sv_store_pause_scope scope)
{
    switch (scope) {
    case SV_STORE_PAUSE_ALL:
        return "all";
    case SV_STORE_PAUSE_ACCOUNT:
        return "account";
    case SV_STORE_PAUSE_CLIENT:
        return "client";
    }
    return "all";
}

/* --- showing --- */

static json_t *paused_json(const struct sv_store_paused *paused)
{
    json_t *object = sv_json_object();

    sv_json_set_str(object, "schema", "sesverify.paused.v1");
    sv_json_set_str(object, "scope", scope_word(paused->scope));
    sv_json_set_str(object, "name", paused->name[0] != '\0' ? paused->name : NULL);
    sv_json_set(object, "since", sv_json_time(paused->since));
    sv_json_set_str(object, "by", paused->by);
    sv_json_set_str(object, "why", paused->why[0] != '\0' ? paused->why : NULL);
    return object;
}

static void on_pauses(void *context, const struct sv_store_call *call)
{
    const struct sv_store_pauses *pauses = &call->u.pauses;
    struct order *order = context;

    order->count = pauses->count;
    for (size_t i = 0; i < pauses->count; i++) {
        const struct sv_store_paused *paused = &pauses->items[i];
        char when[SV_TEXT_WHEN_BYTES];

        if (order->json) {
            sv_text_print_json(paused_json(paused));
            continue;
        }
        sv_table_row(&order->table);
        sv_table_set(&order->table, 0, SV_PLAIN, scope_word(paused->scope));
        sv_table_set(&order->table, 1, SV_PLAIN, paused->name);
        sv_table_set(&order->table, 2, SV_PLAIN, sv_text_when(paused->since, order->now, when));
        sv_table_set(&order->table, 3, SV_PLAIN, paused->by);
        sv_table_set(&order->table, 4, SV_PLAIN, paused->why);
    }
}

static int show(struct sv_client *client, struct order *order)
{
    static const char *const heads[] = {"PAUSED", "NAME", "SINCE", "BY", "WHY"};
    struct sv_store_call call = {.op = SV_STORE_PAUSES};
    int code;

    sv_table_init(&order->table, sizeof(heads) / sizeof(heads[0]), heads);
    code = sv_client_call(client, &call, on_pauses, order);
    if (code == SV_EXIT_OK && !order->json && order->count > 0) {
        sv_table_sort(&order->table);
        sv_table_print(&order->table, order->colour, stdout);
    } else if (code == SV_EXIT_OK && !order->json) {
        (void)printf("nothing is paused\n");
    }
    sv_table_fini(&order->table);
    return code;
}

/* --- doing --- */

static void on_done(void *context, const struct sv_store_call *call)
{
    struct order *order = context;

    order->pause.changed = call->u.pause.changed;
    order->pause.full = call->u.pause.full;
}

static int tell(const struct order *order)
{
    const struct sv_store_pause *pause = &order->pause;
    const char *verb = order->resume ? "resume" : "pause";
    json_t *object;

    if (pause->full) {
        sv_setup_complain(order->args, "%d things are paused already: pause an account, or --all",
                          SV_STORE_PAUSES_MAX);
        return SV_EXIT_WRONG;
    }
    if (!order->json) {
        (void)printf("%s%s%s: %s\n", scope_word(pause->scope), *pause->name != '\0' ? " " : "",
                     pause->name,
                     !pause->changed ? "it was so already"
                     : order->resume ? "resumed"
                                     : "paused");
        return SV_EXIT_OK;
    }
    object = sv_json_object();
    sv_json_set_str(object, "schema", "sesverify.pause_action.v1");
    sv_json_set_str(object, "action", verb);
    sv_json_set_str(object, "scope", scope_word(pause->scope));
    sv_json_set_str(object, "name", *pause->name != '\0' ? pause->name : NULL);
    sv_json_set_bool(object, "changed", pause->changed);
    sv_text_print_json(object);
    return SV_EXIT_OK;
}

static int work(struct sv_client *client, void *context)
{
    struct order *order = context;
    struct sv_store_call call = {.op = SV_STORE_PAUSE};
    int code;

    if (order->asked)
        return show(client, order);
    if (order->pause.scope == SV_STORE_PAUSE_ACCOUNT && !order->resume &&
        sv_config_account_find(client->config, order->pause.name) == NULL) {
        sv_setup_complain(order->args, "no account %.64s is configured", order->pause.name);
        return SV_EXIT_DATA;
    }
    call.u.pause = order->pause;
    code = sv_client_call(client, &call, on_done, order);
    return code == SV_EXIT_OK ? tell(order) : code;
}

/* --- reading the command line --- */

static void copy_word(char *out, size_t bytes, const char *text)
{
    (void)snprintf(out, bytes, "%s", text);
    sv_term_make_safe(out);
}

/* From the file alone: where memory ends glibc's look-up of users crashes. Without a name there, as
 * of somebody from a directory, the number. */
static void name_user(char out[65])
{
    FILE *users = fopen("/etc/passwd", "re");
    struct passwd entry, *user = NULL;
    char line[1024];

    while (users != NULL && fgetpwent_r(users, &entry, line, sizeof(line), &user) == 0 &&
           user->pw_uid != getuid())
        user = NULL;
    if (user != NULL)
        (void)snprintf(out, 65, "%s", user->pw_name);
    else
        (void)snprintf(out, 65, "%u", getuid());
    if (users != NULL)
        (void)fclose(users);
}

/* Who is at the keyboard, for whoever finds the note. */
static void name_caller(struct order *order)
{
    const char *given = sv_args_value(order->args, "by", NULL);
    char host[64] = "", user[65], name[SV_STORE_PAUSE_WORD_BYTES];

    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    name_user(user);
    (void)snprintf(name, sizeof(name), "%s@%s", user, host);
    copy_word(order->by, sizeof(order->by), given != NULL ? given : name);
    order->pause.by = order->by;
}

static int read_usage(const struct sv_args *args, struct order *order)
{
    const char *client = sv_args_value(args, "client", NULL);
    const char *account = sv_args_value(args, "account", NULL);
    bool all = sv_args_has(args, "all");
    int named = (client != NULL) + (account != NULL) + all;

    order->asked = named == 0 && !order->resume;
    order->pause.resume = order->resume;
    order->pause.name = client != NULL ? client : account != NULL ? account : "";
    order->pause.scope = client != NULL    ? SV_STORE_PAUSE_CLIENT
                         : account != NULL ? SV_STORE_PAUSE_ACCOUNT
                                           : SV_STORE_PAUSE_ALL;
    if (named > 1 || (named == 0 && order->resume)) {
        sv_setup_complain(args, "name one of --client, --account and --all");
        return SV_EXIT_USAGE;
    }
    if (!all && !order->asked &&
        (*order->pause.name == '\0' || strlen(order->pause.name) >= SV_STORE_CLIENT_BYTES)) {
        sv_setup_complain(args, "a name has 1 to %d bytes", SV_STORE_CLIENT_BYTES - 1);
        return SV_EXIT_USAGE;
    }
    return SV_EXIT_OK;
}

static int run(const struct sv_args *args, bool resume)
{
    struct order order = {
        .args = args,
        .resume = resume,
        .json = sv_args_has(args, "json"),
        .colour = sv_term_wants_colour(stdout, args->environment),
        .now = sv_clock_system()->wall(sv_clock_system()->context),
    };
    char why[SV_STORE_PAUSE_WORD_BYTES];
    int code = read_usage(args, &order);

    if (code != SV_EXIT_OK)
        return code;
    copy_word(why, sizeof(why), sv_args_value(args, "why", ""));
    order.pause.why = why;
    name_caller(&order);
    return sv_client_run(args, work, &order);
}

static int run_pause(const struct sv_args *args)
{
    return run(args, false);
}

static int run_resume(const struct sv_args *args)
{
    return run(args, true);
}

static const struct sv_option pause_options[] = {
    {"client", "ID", false, "this client's domains"},
    {"account", "NAME", false, "this SES account's domains"},
    {"all", NULL, false, "everything"},
    {"why", "TEXT", false, "kept with the pause, and shown"},
    {"by", "TEXT", false, "who pauses (default: user and host)"},
    {.name = NULL},
};

static const struct sv_option resume_options[] = {
    {"client", "ID", false, "this client's domains"},
    {"account", "NAME", false, "this SES account's domains"},
    {"all", NULL, false, "what `pause --all` held up; clients and accounts stay as they are"},
    {.name = NULL},
};

const struct sv_command sv_command_pause = {
    .name = "pause",
    .operands = "",
    .summary = "hold up a client, an account or everything; alone: what is paused",
    .details =
        "All workers heed it within a few seconds, and those that start later too: no domain of "
        "it\n"
        "is looked at, no call of it is made at SES. Jobs are taken in all the same and wait; "
        "nothing\n"
        "is lost, no status moves. It stays until `resume`. With --json one object per line.",
    .options = pause_options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify pause --account eu --why 'quota raised on Monday'", "sesverify pause"},
    .run = run_pause,
};

const struct sv_command sv_command_resume = {
    .name = "resume",
    .operands = "",
    .summary = "let go on what was paused",
    .details = "Clients go on within seconds, an account's domains within a minute.",
    .options = resume_options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify resume --account eu", "sesverify resume --client acme --json"},
    .run = run_resume,
};
