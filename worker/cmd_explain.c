/* `sesverify explain DOMAIN`: why a domain is what it is, from what the worker has kept. */
#include <string.h>

#include "commands.h"
#include "exit.h"
#include "explain.h"
#include "setup.h"
#include "text.h"

struct telling {
    const struct sv_args *args;
    const struct sv_config *config;
    const char *account;   /* NULL = all */
    const char *client_id; /* NULL = all */
    sv_ms removed_at;      /* 0 = nothing is known of a removal */
    char domain[SV_NAME_BYTES];
    sv_ms now;
    size_t count;
    int code; /* of the worst that was told */
};

/* Wrong is worse than undecidable, and that is worse than right. */
static int worse(int a, int b)
{
    if (a == SV_EXIT_WRONG || b == SV_EXIT_WRONG)
        return SV_EXIT_WRONG;
    return a != SV_EXIT_OK ? a : b;
}

static void print(struct telling *telling, const struct sv_kept *kept)
{
    struct sv_show show = {.out = stdout,
                           .colour = sv_term_wants_colour(stdout, telling->args->environment),
                           .now = telling->now};
    json_t *told;
    int code;

    if (kept->sheet.domain.status == SV_STATUS_REMOVED) {
        telling->removed_at = kept->sheet.domain.status_since;
        return;
    }
    told = sv_explain(kept, telling->config, telling->now, &code);
    telling->code = worse(telling->code, code);
    if (sv_args_has(telling->args, "json")) {
        sv_text_print_json(told);
    } else {
        (void)printf("%s", telling->count > 0 ? "\n----\n\n" : "");
        sv_explain_print(&show, told, code);
        json_decref(told);
    }
    telling->count++;
}

static int read_one(struct sv_client *client, struct telling *telling, const char *account,
                    const char *client_id)
{
    char uid[SV_UID_BYTES];
    struct sv_kept kept;
    int code;

    sv_uid(account, client_id, telling->domain, uid);
    code = sv_kept_read(client, sv_setup_shard(telling->config, client_id), uid, &kept);
    if (code == SV_EXIT_OK && kept.found && kept.damaged) {
        sv_setup_complain(telling->args, "what Redis keeps cannot be read: %s", kept.trouble.text);
        code = SV_EXIT_SOFTWARE;
    } else if (code == SV_EXIT_OK && kept.found) {
        print(telling, &kept);
    }
    sv_kept_fini(&kept);
    return code;
}

/* Copies of what the store lends. */
struct owners {
    size_t count;
    struct {
        char account[SV_ACCOUNT_BYTES], client_id[SV_CLIENT_BYTES];
    } items[SV_STORE_OWNERS_MAX];
};

static void on_owners(void *context, const struct sv_store_call *call)
{
    const struct sv_store_owners *from = &call->u.owners;
    struct owners *to = context;

    for (size_t i = 0; i < from->count && i < SV_STORE_OWNERS_MAX; i++) {
        (void)snprintf(to->items[i].account, SV_ACCOUNT_BYTES, "%s", from->owners[i].account);
        (void)snprintf(to->items[i].client_id, SV_CLIENT_BYTES, "%s", from->owners[i].client_id);
        to->count++;
    }
}

static bool is_wanted(const struct telling *telling, const char *account, const char *client_id)
{
    return (telling->account == NULL || strcmp(telling->account, account) == 0) &&
           (telling->client_id == NULL || strcmp(telling->client_id, client_id) == 0);
}

/* One look at who has claimed the name, instead of one at every domain there is. */
static int read_owners(struct sv_client *client, struct telling *telling)
{
    struct sv_store_call call = {.op = SV_STORE_OWNERS};
    struct owners owners = {.count = 0};
    char registrable[SV_NAME_BYTES];
    int code;

    if (sv_name_registrable(telling->domain, registrable) != SV_OK)
        return SV_EXIT_OK; /* nobody can register it */
    call.u.owners.registrable = registrable;
    call.u.owners.domain = telling->domain;
    code = sv_client_call(client, &call, on_owners, &owners);
    for (size_t i = 0; code == SV_EXIT_OK && i < owners.count; i++) {
        if (is_wanted(telling, owners.items[i].account, owners.items[i].client_id))
            code = read_one(client, telling, owners.items[i].account, owners.items[i].client_id);
    }
    return code;
}

static void complain(const struct telling *telling)
{
    const struct sv_show show = {.now = telling->now};
    char when[SV_SHOW_TIME_BYTES];

    sv_setup_complain(telling->args, "%s is not registered%s%s%s%s", telling->domain,
                      telling->client_id != NULL ? " for client " : "",
                      telling->client_id != NULL ? telling->client_id : "",
                      telling->removed_at != 0 ? ": it was removed at " : "",
                      telling->removed_at != 0 ? sv_show_time(&show, telling->removed_at, when)
                                               : "");
}

static int tell(struct sv_client *client, struct telling *telling)
{
    int code = read_owners(client, telling);

    /* What was given back is nobody's: only its client and account lead to it. */
    if (code == SV_EXIT_OK && telling->count == 0 && telling->client_id != NULL)
        code = read_one(client, telling, telling->account != NULL ? telling->account : "default",
                        telling->client_id);
    if (code != SV_EXIT_OK)
        return code;
    if (telling->count > 0)
        return telling->code;
    complain(telling);
    return SV_EXIT_WRONG;
}

static int run(const struct sv_args *args)
{
    struct telling telling = {
        .args = args,
        .account = sv_args_value(args, "account", NULL),
        .client_id = sv_args_value(args, "client", NULL),
        .now = sv_clock_system()->wall(sv_clock_system()->context),
        .code = SV_EXIT_OK,
    };
    struct sv_config *config = NULL;
    struct sv_client client;
    int code = sv_setup_domain(args, args->operands[0], telling.domain);

    if (code == SV_EXIT_OK)
        code = sv_setup_config(args, &config, NULL);
    telling.config = config;
    if (code == SV_EXIT_OK)
        code = sv_client_open(&client, args, config);
    if (code == SV_EXIT_OK) {
        code = tell(&client, &telling);
        sv_client_close(&client);
    }
    sv_config_free(config);
    return code;
}

static const struct sv_option options[] = {
    {"client", "ID", false, "whose domain it is (default: search all clients)"},
    {"account", "NAME", false, "SES account (default: all)"},
    {.name = NULL},
};

const struct sv_command sv_command_explain = {
    .name = "explain",
    .operands = "DOMAIN",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "why a domain is what it is, and what happens next",
    .details =
        "Tells from what the worker has kept; nothing is asked of DNS or SES. With --json one\n"
        "object per line. Exit code 0 when the domain is healthy, 1 when something is wrong\n"
        "or nobody has registered it, 75 when it cannot be decided yet.",
    .options = options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify explain example.com",
                 "sesverify explain example.com --client acme --json"},
    .run = run,
};
