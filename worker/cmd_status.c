/* `sesverify status [DOMAIN]`: every domain in one line, or one domain whole. */
#include <string.h>

#include "commands.h"
#include "exit.h"
#include "kept.h"
#include "mail.h"
#include "setup.h"
#include "show.h"
#include "sv/cloudevent.h"
#include "sv/json.h"
#include "table.h"
#include "text.h"

enum { LIMIT_DEFAULT = 1000, LIMIT_DIGITS_MAX = 5 };

struct listing {
    const struct sv_args *args;
    const struct sv_config *config;
    const char *domain;    /* NULL = all */
    const char *client_id; /* NULL = all */
    const char *account;   /* NULL = all */
    bool json, colour;
    size_t limit, count, damaged;
    bool cut;
    sv_ms now;
    struct sv_table table;
};

static json_t *domain_json(const struct listing *listing, const struct sv_kept *kept)
{
    const struct sv_registration *r = &kept->sheet.registration;
    const struct sv_domain *d = &kept->sheet.domain;
    struct sv_flags flags;
    json_t *object = sv_json_object();

    sv_domain_flags(d, &flags);
    sv_json_set_str(object, "schema", "sesverify.domain.v1");
    sv_json_set_str(object, "domain_id", kept->uid);
    sv_json_set_str(object, "client_id", kept->client_id);
    sv_json_set_str(object, "account", r->account);
    sv_json_set_str(object, "domain", r->domain);
    sv_json_set_str(object, "contact_email",
                    kept->contact_email[0] == '\0' ? NULL : kept->contact_email);
    sv_json_set_str(object, "status", sv_status_name(d->status));
    sv_json_set(object, "axes", sv_json_axes(d));
    sv_json_set(object, "drift", sv_json_drift(d->drift));
    sv_json_set(object, "flags", sv_json_flags(&flags));
    sv_json_set_str(object, "conclusion", sv_conclusion_name(d->conclusion));
    sv_json_set_str(object, "reputation", sv_reputation_name(d->reputation));
    sv_json_set(object, "mail", sv_json_mail(d));
    sv_json_set_int(object, "sequence", (long long)d->sequence);
    sv_json_set(object, "status_since", sv_json_time(d->status_since));
    sv_json_set(object, "registered_at", sv_json_time(r->registered_at));
    sv_json_set_bool(object, "checking", kept->running);
    sv_json_set(object, "next_check_at", sv_json_time(kept->due_at));
    sv_json_set(object, "dns_records", sv_kept_records_json(kept, listing->config, listing->now));
    sv_json_set(object, "findings", json_incref(json_object_get(kept->detail, "findings")));
    return object;
}

static const char *next_look(const struct listing *listing, const struct sv_kept *kept,
                             char out[SV_TEXT_WHEN_BYTES])
{
    if (kept->running)
        return "now";
    if (kept->due_at != 0 && kept->due_at <= listing->now)
        return "due";
    return sv_text_when(kept->due_at, listing->now, out);
}

static void add_row(struct listing *listing, const struct sv_kept *kept)
{
    const struct sv_domain *d = &kept->sheet.domain;
    char when[SV_TEXT_WHEN_BYTES];

    sv_table_row(&listing->table);
    sv_table_set(&listing->table, 0, SV_PLAIN, kept->client_id);
    sv_table_set(&listing->table, 1, SV_PLAIN, kept->sheet.registration.domain);
    sv_table_set(&listing->table, 2, sv_text_colour_of_status(d->status),
                 sv_status_name(d->status));
    sv_table_set(&listing->table, 3, sv_text_colour_of_axis(d->identity),
                 sv_axis_name(d->identity));
    sv_table_set(&listing->table, 4, sv_text_colour_of_axis(d->dkim), sv_axis_name(d->dkim));
    sv_table_set(&listing->table, 5, sv_text_colour_of_axis(d->mail_from),
                 sv_axis_name(d->mail_from));
    sv_table_set(&listing->table, 6, SV_PLAIN, sv_conclusion_name(d->conclusion));
    sv_table_set(&listing->table, 7, SV_PLAIN, next_look(listing, kept, when));
}

static void print_whole(const struct listing *listing, const struct sv_kept *kept)
{
    const struct sv_registration *r = &kept->sheet.registration;
    const struct sv_domain *d = &kept->sheet.domain;
    json_t *records = sv_kept_records_json(kept, listing->config, listing->now);
    char shown[4 * SV_NAME_BYTES];
    char when[SV_TEXT_WHEN_BYTES];
    char since[SV_TEXT_WHEN_BYTES];
    char mail[SV_MAIL_LINE_BYTES];
    const char *facts[][2] = {
        {"domain", r->domain},
        {"shown as", shown},
        {"client", kept->client_id},
        {"account", r->account},
        {"domain_id", kept->uid},
        {"contact", kept->contact_email},
        {"status", sv_status_name(d->status)},
        {"since", sv_text_when(d->status_since, listing->now, since)},
        {"identity", sv_axis_name(d->identity)},
        {"dkim", sv_axis_name(d->dkim)},
        {"mail_from", sv_axis_name(d->mail_from)},
        {"conclusion", sv_conclusion_name(d->conclusion)},
        {"mail", sv_mail_line(d, mail)},
        {"next look", next_look(listing, kept, when)},
    };
    struct sv_table table;
    const struct sv_show show = {.out = stdout, .colour = listing->colour, .now = listing->now};
    const struct sv_show_more more = {.right = d->conclusion == SV_CONCLUSION_ALL_GOOD};

    sv_name_display(r->domain, shown);
    sv_table_init(&table, 2, NULL);
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        if (*facts[i][1] == '\0' || (i == 1 && strcmp(shown, r->domain) == 0))
            continue;
        sv_table_row(&table);
        sv_table_set(&table, 0, SV_DIM, facts[i][0]);
        sv_table_set(&table, 1, i == 6 ? sv_text_colour_of_status(d->status) : SV_PLAIN,
                     facts[i][1]);
    }
    sv_table_print(&table, listing->colour, stdout);
    sv_table_fini(&table);
    if (d->status != SV_STATUS_REMOVED) { /* nothing is to be published any more */
        (void)printf("\n");
        sv_text_print_records(records, listing->now, listing->colour);
    }
    sv_show_findings(&show, json_object_get(kept->detail, "findings"), records, &more);
    json_decref(records);
}

static bool on_kept(void *context, const struct sv_kept *kept)
{
    struct listing *listing = context;
    const struct sv_registration *r = &kept->sheet.registration;

    if (listing->client_id != NULL && strcmp(listing->client_id, kept->client_id) != 0)
        return true;
    if (kept->damaged) {
        sv_setup_complain(listing->args, "domain %s of client %s cannot be read: %s", kept->uid,
                          kept->client_id, kept->trouble.text);
        listing->damaged++;
        return true;
    }
    if ((listing->domain != NULL && strcmp(listing->domain, r->domain) != 0) ||
        (listing->account != NULL && strcmp(listing->account, r->account) != 0))
        return true;
    if (listing->count == listing->limit) {
        listing->cut = true;
        return false;
    }
    listing->count++;
    if (listing->json)
        sv_text_print_json(domain_json(listing, kept));
    else if (listing->domain != NULL)
        print_whole(listing, kept);
    else
        add_row(listing, kept);
    return true;
}

static void on_pauses(void *context, const struct sv_store_call *call)
{
    (void)context;
    if (call->u.pauses.count > 0)
        (void)fprintf(stderr, "%zu of clients, accounts or all are paused: see sesverify pause\n",
                      call->u.pauses.count);
}

/* Whoever wonders why nothing moves is told. */
static int tell_pauses(struct sv_client *client, const struct listing *listing)
{
    struct sv_store_call call = {.op = SV_STORE_PAUSES};

    return listing->json ? SV_EXIT_OK : sv_client_call(client, &call, on_pauses, NULL);
}

static int read_all(struct sv_client *client, struct listing *listing)
{
    static const char *const heads[] = {"CLIENT", "DOMAIN",    "STATUS",     "IDENTITY",
                                        "DKIM",   "MAIL FROM", "CONCLUSION", "NEXT LOOK"};
    bool table = !listing->json && listing->domain == NULL;
    int code;

    if (table)
        sv_table_init(&listing->table, sizeof(heads) / sizeof(heads[0]), heads);
    code = sv_kept_each(client, on_kept, listing);
    if (table) {
        if (code == SV_EXIT_OK)
            sv_table_sort(&listing->table);
        sv_table_print(&listing->table, listing->colour, stdout);
        sv_table_fini(&listing->table);
    }
    if (code != SV_EXIT_OK)
        return code;
    code = tell_pauses(client, listing);
    if (code != SV_EXIT_OK)
        return code;
    if (listing->cut)
        (void)fprintf(stderr, "only the first %zu are shown (--limit)\n", listing->limit);
    if (listing->domain != NULL && listing->count == 0) {
        sv_setup_complain(listing->args, "%s is not registered", listing->domain);
        return SV_EXIT_WRONG;
    }
    return listing->damaged > 0 ? SV_EXIT_SOFTWARE : SV_EXIT_OK;
}

static bool read_limit(const struct sv_args *args, size_t *out)
{
    const char *text = sv_args_value(args, "limit", NULL);
    size_t limit = 0;

    *out = LIMIT_DEFAULT;
    if (text == NULL)
        return true;
    if (*text == '\0' || strspn(text, "0123456789") != strlen(text) ||
        strlen(text) > LIMIT_DIGITS_MAX)
        return false;
    for (; *text != '\0'; text++)
        limit = limit * 10 + (size_t)(*text - '0');
    *out = limit;
    return limit > 0;
}

static int run(const struct sv_args *args)
{
    struct listing listing = {
        .args = args,
        .client_id = sv_args_value(args, "client", NULL),
        .account = sv_args_value(args, "account", NULL),
        .json = sv_args_has(args, "json"),
        .colour = sv_term_wants_colour(stdout, args->environment),
        .now = sv_clock_system()->wall(sv_clock_system()->context),
    };
    char domain[SV_NAME_BYTES];
    struct sv_config *config = NULL;
    struct sv_client client;
    int code = SV_EXIT_OK;

    if (!read_limit(args, &listing.limit)) {
        sv_setup_complain(args, "--limit is a number from 1 to 99999");
        return SV_EXIT_USAGE;
    }
    if (args->operands_count == 1) {
        code = sv_setup_domain(args, args->operands[0], domain);
        listing.domain = domain;
    }
    if (code == SV_EXIT_OK)
        code = sv_setup_config(args, &config, NULL);
    listing.config = config;
    if (code == SV_EXIT_OK)
        code = sv_client_open(&client, args, config);
    if (code == SV_EXIT_OK) {
        code = read_all(&client, &listing);
        sv_client_close(&client);
    }
    sv_config_free(config);
    return code;
}

static const struct sv_option options[] = {
    {"client", "ID", false, "only this client's domains"},
    {"account", "NAME", false, "only this SES account's domains"},
    {"limit", "N", false, "show at most N domains (default 1000)"},
    {.name = NULL},
};

const struct sv_command sv_command_status = {
    .name = "status",
    .operands = "[DOMAIN]",
    .operands_max = 1,
    .summary = "what every domain is, or one domain whole",
    .details = "With --json one object per line. Exit code 1 when DOMAIN is not registered.",
    .options = options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify status --client acme", "sesverify status example.com --json"},
    .run = run,
};
