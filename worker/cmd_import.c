/* `sesverify import`: every domain identity that an SES account holds becomes a client's domain
 * here, by one adopt job for each.
 *
 * Happy path: pages of the account's list are walked; each domain is mapped to its client (all to
 * one, by a file, or by a tag of the identity), what is here already is passed over, and for the
 * rest a job is pushed. Nothing is written at SES. Run again after a break, it passes over what the
 * workers have taken in meanwhile; what they have not is pushed once more under the same job id,
 * which is done once. */
#include <string.h>

#include "caller.h"
#include "commands.h"
#include "exit.h"
#include "import.h"
#include "kept.h"
#include "setup.h"

/* SES holds 10,000 identities; a list that does not end is not walked for ever. */
enum { PAGES_MAX = 1000 };

static void on_owners(void *context, const struct sv_store_call *call)
{
    const struct sv_store_owners *owners = &call->u.owners;
    struct sv_import *import = context;

    import->held = import->held_by_other = owners->count > 0;
    for (size_t i = 0; i < owners->count; i++) {
        const struct sv_store_owner *owner = &owners->owners[i];
        const char *mapped = import->line.client_id;

        (void)snprintf(import->holder, sizeof import->holder, "client %.100s", owner->client_id);
        if (strcmp(owner->account, import->account) == 0 &&
            (mapped == NULL || strcmp(owner->client_id, mapped) == 0))
            import->held_by_other = false;
    }
}

static int ask_owners(struct sv_import *import, const char *domain)
{
    struct sv_store_call call = {.op = SV_STORE_OWNERS};
    char registrable[SV_NAME_BYTES];

    if (sv_name_registrable(domain, registrable) != SV_OK)
        (void)snprintf(registrable, sizeof registrable, "%s", domain);
    call.u.owners.registrable = registrable;
    call.u.owners.domain = domain;
    return sv_client_call(import->client, &call, on_owners, import);
}

/* The identity may be gone since it was listed: then it has no tag. */
static int ask_tag(struct sv_import *import, const char *domain)
{
    struct sv_ses_identity identity;
    struct sv_ses_call call = {.op = SV_SES_GET,
                               .domains = &domain,
                               .domains_count = 1,
                               .results = &identity,
                               .tag_key = import->tag_key,
                               .tag_value = import->tag_value};
    enum sv_err answer = SV_OK;
    int code = sv_caller_call(import->caller, &call, &answer);

    import->line.client_id = import->tag_value;
    return code;
}

static int push(struct sv_import *import, const struct sv_buf *job)
{
    struct sv_store_call call = {.op = SV_STORE_ENQUEUE};

    call.shard = sv_setup_shard(import->client->config, import->line.client_id);
    call.u.enqueue.job = job->data;
    call.u.enqueue.job_bytes = job->len;
    return sv_client_call(import->client, &call, NULL, NULL);
}

/* The client is known now, and the domain may be his. */
static int adopt(struct sv_import *import, const char *domain)
{
    struct sv_errinfo info = {.text = ""};
    enum sv_import_skip skip;
    struct sv_buf job;
    int code = SV_EXIT_OK;

    sv_buf_init(&job, SV_STORE_JOB_BYTES_MAX);
    skip = sv_import_job(import, domain, &job, &info);
    if (skip != SV_IMPORT_TAKEN)
        sv_import_skip(import, skip, domain, info.text);
    else if (!import->dry_run)
        code = push(import, &job);
    if (skip == SV_IMPORT_TAKEN && code == SV_EXIT_OK)
        sv_import_take(import);
    sv_buf_fini(&job);
    return code;
}

static int consider(struct sv_import *import, const struct sv_ses_listed *listed)
{
    char domain[SV_NAME_BYTES];
    struct sv_errinfo info = {.text = ""};
    enum sv_import_skip skip = sv_import_name(import, listed, domain, &info);
    int code;

    if (skip != SV_IMPORT_TAKEN) {
        sv_import_skip(import, skip, listed->name, info.text);
        return SV_EXIT_OK;
    }
    sv_import_map_client(import, domain);
    code = ask_owners(import, domain);
    if (code == SV_EXIT_OK && !import->held && import->tag_key != NULL)
        code = ask_tag(import, domain);
    if (code != SV_EXIT_OK)
        return code;
    if (import->held && !import->held_by_other) {
        import->ours++;
        return SV_EXIT_OK;
    }
    if (import->held) {
        sv_import_skip(import, SV_IMPORT_HELD, domain, import->holder);
        return SV_EXIT_OK;
    }
    if (import->line.client_id == NULL || *import->line.client_id == '\0') {
        sv_import_skip(import, SV_IMPORT_UNMAPPED, domain, "");
        return SV_EXIT_OK;
    }
    return adopt(import, domain);
}

static int walk_page(struct sv_import *import)
{
    for (size_t i = 0; i < import->page.count; i++) {
        int code = consider(import, &import->page.listed[i]);

        if (code != SV_EXIT_OK)
            return code;
        sv_import_show_progress(import);
    }
    return SV_EXIT_OK;
}

/* The list's positions live at SES only, and not for ever. */
static int walk(struct sv_import *import)
{
    char token[SV_SES_PAGE_TOKEN_BYTES] = "";

    for (int pages = 0; pages < PAGES_MAX; pages++) {
        struct sv_ses_call call = {.op = SV_SES_LIST, .page = &import->page, .page_token = token};
        enum sv_err answer = SV_OK;
        int code = sv_caller_call(import->caller, &call, &answer);

        if (code == SV_EXIT_OK && answer != SV_OK) {
            sv_setup_complain(import->client->args,
                              "SES does not know the list's position any more; run import again: "
                              "what was pushed is not done twice");
            code = SV_EXIT_TEMPORARY;
        }
        if (code == SV_EXIT_OK)
            code = walk_page(import);
        if (code != SV_EXIT_OK)
            return code;
        if (import->page.next_token[0] == '\0')
            return SV_EXIT_OK;
        if (strcmp(import->page.next_token, token) == 0)
            break;
        (void)snprintf(token, sizeof token, "%s", import->page.next_token);
    }
    sv_setup_complain(import->client->args, "SES's list of identities does not end");
    return SV_EXIT_SOFTWARE;
}

static bool on_kept(void *context, const struct sv_kept *kept)
{
    struct sv_import *import = context;

    if (!kept->damaged && kept->sheet.domain.status != SV_STATUS_REMOVED)
        sv_import_count(import, kept->client_id);
    return true;
}

static int run_open(struct sv_import *import, struct sv_client *client)
{
    struct sv_caller caller;
    int code = sv_caller_open(&caller, client, import->account);

    if (code != SV_EXIT_OK)
        return code;
    import->client = client;
    import->caller = &caller;
    code = sv_kept_each(client, on_kept, import);
    if (code == SV_EXIT_OK)
        code = walk(import);
    sv_import_end_progress(import);
    /* What was pushed before a failure is told, too. */
    sv_import_report(import, code == SV_EXIT_OK);
    if (code == SV_EXIT_OK && sv_import_has_left(import))
        code = SV_EXIT_WRONG;
    sv_caller_close(&caller);
    return code;
}

static int check_usage(const struct sv_args *args)
{
    int ways =
        sv_args_has(args, "client") + sv_args_has(args, "map") + sv_args_has(args, "client-tag");

    if (ways == 1)
        return SV_EXIT_OK;
    sv_setup_complain(args, "say whose the domains are: one of --client, --map and --client-tag");
    return SV_EXIT_USAGE;
}

static int read_map(const struct sv_args *args, struct sv_import *import)
{
    const char *path = sv_args_value(args, "map", NULL);
    struct sv_errinfo info;
    enum sv_err err;

    if (path == NULL)
        return SV_EXIT_OK;
    err = sv_import_map_read(path, &import->map, &info);
    if (err == SV_OK)
        return SV_EXIT_OK;
    sv_setup_complain(args, "%.200s: %s", path, info.text);
    return err == SV_EMALFORMED || err == SV_ETOOBIG ? SV_EXIT_DATA : SV_EXIT_NO_INPUT;
}

static int run(const struct sv_args *args)
{
    struct sv_import *import = sv_import_new(args);
    struct sv_config *config = NULL;
    struct sv_client client;
    int code = check_usage(args);

    if (code == SV_EXIT_OK)
        code = read_map(args, import);
    if (code == SV_EXIT_OK)
        code = sv_setup_config(args, &config, NULL);
    if (code == SV_EXIT_OK)
        code = sv_client_open(&client, args, config);
    if (code == SV_EXIT_OK) {
        code = run_open(import, &client);
        sv_client_close(&client);
    }
    sv_config_free(config);
    sv_import_free(import);
    return code;
}

static const struct sv_option options[] = {
    {"account", "NAME", false, "SES account to walk (default: default)"},
    {"client", "ID", false, "every domain belongs to this client"},
    {"map", "FILE", false, "lines of domain,client_id[,contact_email] say whose it is"},
    {"client-tag", "KEY", false, "a tag of each identity says whose it is"},
    {"dry-run", NULL, false, "push nothing, tell what would be done"},
    {.name = NULL},
};

const struct sv_command sv_command_import = {
    .name = "import",
    .operands = "",
    .summary = "adopt every domain identity that an SES account holds",
    .details =
        "Pushes one adopt job for each domain; a worker does the rest. Nothing is changed at\n"
        "SES, and the account's rate is kept together with the workers that run. Run it again\n"
        "after a break: nothing is done twice. With --client-tag every identity costs a call of\n"
        "its own: 1,000 take 17 minutes at one call a second; the others cost one call for 1,000.\n"
        "Exit code 0 when every domain is here or on its way, 1 when some were left out: the\n"
        "report says which and why.",
    .options = options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify import --map clients.csv --dry-run",
                 "sesverify import --account eu --client-tag client_id --json"},
    .run = run,
};
