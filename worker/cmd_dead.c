/* `sesverify dead list` and `dead show`: what jobs ended in the dead letters, and why. */
#include <string.h>

#include "commands.h"
#include "exit.h"
#include "letters.h"
#include "numbers.h"
#include "setup.h"
#include "table.h"
#include "text.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 99999, SKIP_MAX = 999999999 };

struct listing {
    bool json, colour, cut;
    size_t limit, skip, count;
    sv_ms now;
    struct sv_table table;
};

static void shorten(const char *text, char *out, size_t bytes)
{
    int len = snprintf(out, bytes, "%s", text);

    if (len >= (int)bytes)
        memcpy(out + bytes - 4, "...", 4);
}

static void add_row(struct listing *listing, const struct sv_letter_view *view)
{
    char when[SV_TEXT_WHEN_BYTES], shard[16], error[64];

    (void)snprintf(shard, sizeof(shard), "%u", view->shard);
    shorten(view->letter->error, error, sizeof(error));
    sv_table_row(&listing->table);
    sv_table_set(&listing->table, 0, SV_PLAIN, shard);
    sv_table_set(&listing->table, 1, SV_PLAIN, view->letter->entry_id);
    sv_table_set(&listing->table, 2, SV_PLAIN,
                 view->letter->at == 0 ? "" : sv_text_when(view->letter->at, listing->now, when));
    sv_table_set(&listing->table, 3, SV_RED, view->letter->reason);
    sv_table_set(&listing->table, 4, SV_PLAIN, view->type);
    sv_table_set(&listing->table, 5, SV_PLAIN, view->client_id);
    sv_table_set(&listing->table, 6, SV_PLAIN, view->domain);
    sv_table_set(&listing->table, 7, SV_PLAIN, error);
}

static enum sv_letter_walk on_listed(void *context, const struct sv_letter_view *view)
{
    struct listing *listing = context;

    if (listing->skip > 0) {
        listing->skip--;
        return SV_LETTER_NEXT;
    }
    if (listing->count == listing->limit) {
        listing->cut = true;
        return SV_LETTER_STOP;
    }
    listing->count++;
    if (listing->json)
        sv_text_print_json(sv_letter_json(view, false));
    else
        add_row(listing, view);
    return SV_LETTER_NEXT;
}

static int list(struct sv_client *client, void *context)
{
    static const char *const heads[] = {"SHARD", "ENTRY",  "AT",     "REASON",
                                        "TYPE",  "CLIENT", "DOMAIN", "ERROR"};
    struct listing *listing = context;
    struct sv_letter_filter filter;
    int code = sv_letter_filter_read(client->args, client->config, &filter);

    if (code != SV_EXIT_OK)
        return code;
    sv_table_init(&listing->table, sizeof(heads) / sizeof(heads[0]), heads);
    code = sv_letters_each(client, &filter, on_listed, listing);
    if (!listing->json && code == SV_EXIT_OK)
        sv_table_print(&listing->table, listing->colour, stdout);
    sv_table_fini(&listing->table);
    if (listing->cut)
        (void)fprintf(stderr, "there are more; go on with --skip\n");
    return code;
}

static int run_list(const struct sv_args *args)
{
    struct listing listing = {
        .json = sv_args_has(args, "json"),
        .colour = sv_term_wants_colour(stdout, args->environment),
        .now = sv_clock_system()->wall(sv_clock_system()->context),
    };

    if (sv_number_option(args, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &listing.limit) !=
            SV_EXIT_OK ||
        sv_number_option(args, "skip", 0, SKIP_MAX, 0, &listing.skip) != SV_EXIT_OK)
        return SV_EXIT_USAGE;
    return sv_client_run(args, list, &listing);
}

/* --- show --- */

struct shown {
    bool json, colour;
    sv_ms now;
};

static enum sv_letter_walk on_shown(void *context, const struct sv_letter_view *view)
{
    const struct sv_store_letter *letter = view->letter;
    const struct shown *shown = context;
    char when[SV_TEXT_WHEN_BYTES], shard[16], bytes[32];
    const char *facts[][2] = {
        {"entry", letter->entry_id},
        {"shard", shard},
        {"at", letter->at == 0 ? "" : sv_text_when(letter->at, shown->now, when)},
        {"reason", letter->reason},
        {"error", letter->error},
        {"type", view->type},
        {"client", view->client_id},
        {"domain", view->domain},
        {"domain_id", letter->domain_id},
        {"job id", view->job_id},
        {"bytes", bytes},
    };
    struct sv_table table;

    if (shown->json) {
        sv_text_print_json(sv_letter_json(view, true));
        return SV_LETTER_STOP;
    }
    (void)snprintf(shard, sizeof(shard), "%u", view->shard);
    (void)snprintf(bytes, sizeof(bytes), "%zu", letter->payload_bytes);
    sv_table_init(&table, 2, NULL);
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        if (*facts[i][1] == '\0')
            continue;
        sv_table_row(&table);
        sv_table_set(&table, 0, SV_DIM, facts[i][0]);
        sv_table_set(&table, 1, i == 3 ? SV_RED : SV_PLAIN, facts[i][1]);
    }
    if (letter->payload_bytes > 0) {
        sv_table_row(&table);
        sv_table_set(&table, 0, SV_DIM, "payload");
        sv_table_set(&table, 1, SV_PLAIN,
                     letter->payload != NULL ? letter->payload : "(too long to be shown)");
    }
    sv_table_print(&table, shown->colour, stdout);
    sv_table_fini(&table);
    return SV_LETTER_STOP;
}

static int show(struct sv_client *client, void *context)
{
    const struct sv_args *args = client->args;
    struct sv_letter_filter filter;
    bool found = false;
    int code = sv_letter_filter_read(args, client->config, &filter);

    if (code == SV_EXIT_OK)
        code = sv_letters_one(client, &filter, args->operands[0], on_shown, context, &found);
    if (code == SV_EXIT_OK && !found) {
        sv_setup_complain(args, "there is no dead letter %.60s", args->operands[0]);
        code = SV_EXIT_WRONG;
    }
    return code;
}

static int run_show(const struct sv_args *args)
{
    struct shown shown = {
        .json = sv_args_has(args, "json"),
        .colour = sv_term_wants_colour(stdout, args->environment),
        .now = sv_clock_system()->wall(sv_clock_system()->context),
    };

    return sv_client_run(args, show, &shown);
}

static const struct sv_option list_options[] = {
    {"reason", "WORD", false, "only letters with this reason"},
    {"client", "ID", false, "only letters of this client, as far as the payload tells"},
    {"shard", "N", false, "only this shard's letters"},
    {"limit", "N", false, "show at most N letters (default 100)"},
    {"skip", "N", false, "leave out the first N letters"},
    {.name = NULL},
};

static const struct sv_option show_options[] = {
    {"shard", "N", false, "where to look, if several shards have this entry"},
    {.name = NULL},
};

const struct sv_command sv_command_dead_list = {
    .name = "dead list",
    .operands = "",
    .summary = "the jobs that ended in the dead letters, the oldest first",
    .details = "With --json one object per line.",
    .options = list_options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify dead list --reason malformed_json",
                 "sesverify dead list --client acme --limit 20 --skip 20 --json"},
    .run = run_list,
};

const struct sv_command sv_command_dead_show = {
    .name = "dead show",
    .operands = "ENTRY",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "one dead letter, whole, with its payload",
    .details = "ENTRY is the job's entry in the inbox, as `dead list` shows it. Exit code 1 when\n"
               "there is no such letter.",
    .options = show_options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify dead show 1764400000000-0",
                 "sesverify dead show 1764400000000-0 --json | jq -r .payload"},
    .run = run_show,
};
