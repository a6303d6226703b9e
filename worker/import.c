#include "import.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "setup.h"
#include "sv/alloc.h"
#include "sv/digest.h"
#include "sv/json.h"
#include "table.h"
#include "text.h"

enum { EXAMPLES_MAX = 3, PROGRESS_EVERY_MS = 200, JOB_ID_BYTES = 64 };

struct sv_import_client {
    char client_id[SV_CLIENT_BYTES];
    size_t domains;
};

struct sv_import_left {
    enum sv_import_skip skip;
    char *name, *detail; /* owned */
};

static const char *skip_name(enum sv_import_skip skip)
{
    switch (skip) {
    case SV_IMPORT_TAKEN:
        return "taken";
    case SV_IMPORT_EMAIL:
        return "email_address";
    case SV_IMPORT_UNMAPPED:
        return "unmapped";
    case SV_IMPORT_HELD:
        return "claimed_by_another_client";
    case SV_IMPORT_LIMIT:
        return "domain_limit";
    case SV_IMPORT_RESTRICTED:
        return "restricted_domain";
    case SV_IMPORT_INVALID:
        return "invalid_domain";
    case SV_IMPORT_SKIP_COUNT:
        break;
    }
    return "unknown";
}

static const char *explain(enum sv_import_skip skip)
{
    switch (skip) {
    case SV_IMPORT_EMAIL:
        return "e-mail addresses, which are not domains";
    case SV_IMPORT_UNMAPPED:
        return "nobody said whose they are";
    case SV_IMPORT_HELD:
        return "another client or account has them here";
    case SV_IMPORT_LIMIT:
        return "their client would be over limits.max_domains_per_client";
    case SV_IMPORT_RESTRICTED:
        return "public suffixes and restricted names";
    case SV_IMPORT_INVALID:
        return "no domain name, or no client id";
    case SV_IMPORT_TAKEN:
    case SV_IMPORT_SKIP_COUNT:
        break;
    }
    return "";
}

struct sv_import *sv_import_new(const struct sv_args *args)
{
    struct sv_import *import = sv_alloc(1, sizeof *import);

    import->args = args;
    import->account = sv_args_value(args, "account", "default");
    import->tag_key = sv_args_value(args, "client-tag", NULL);
    import->dry_run = sv_args_has(args, "dry-run");
    import->json = sv_args_has(args, "json");
    import->on_terminal = isatty(STDERR_FILENO) == 1;
    return import;
}

void sv_import_free(struct sv_import *import)
{
    for (size_t i = 0; i < import->clients_count; i++)
        free(import->clients[i]);
    free(import->clients);
    for (size_t i = 0; i < import->left_count; i++) {
        free(import->left[i].name);
        free(import->left[i].detail);
    }
    free(import->left);
    sv_import_map_free(import->map);
    free(import);
}

/* --- one identity --- */

enum sv_import_skip sv_import_name(struct sv_import *import, const struct sv_ses_listed *listed,
                                   char domain[SV_NAME_BYTES], struct sv_errinfo *info)
{
    const struct sv_config *config = import->client->config;
    struct sv_name_rules rules = {.allow_special_use = config->domains.allow_special_use,
                                  .restricted =
                                      (const char *const *)config->domains.restricted.items};
    const char *refusal;

    import->listed++;
    if (!listed->is_domain && strchr(listed->name, '@') != NULL)
        return SV_IMPORT_EMAIL;
    if (!listed->is_domain) {
        (void)sv_err_set(info, SV_EMALFORMED, "import", 0, "an identity of an unknown kind");
        return SV_IMPORT_INVALID;
    }
    if (sv_name_normalize(listed->name, strlen(listed->name), domain, info) != SV_OK)
        return SV_IMPORT_INVALID;
    refusal = sv_name_refusal(domain, &rules);
    if (refusal == NULL)
        return SV_IMPORT_TAKEN;
    (void)sv_err_set(info, SV_EINVALID, "import", 0, "%s", refusal);
    return SV_IMPORT_RESTRICTED;
}

void sv_import_map_client(struct sv_import *import, const char *domain)
{
    import->line = (struct sv_import_line){.client_id = sv_args_value(import->args, "client", NULL),
                                           .contact_email = ""};
    if (import->map != NULL && !sv_import_map_find(import->map, domain, &import->line))
        import->line.client_id = NULL;
}

/* Where the client stands among those that are counted, or where it belongs. */
static size_t place_of(const struct sv_import *import, const char *client_id)
{
    size_t low = 0, high = import->clients_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(import->clients[middle]->client_id, client_id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct sv_import *import, size_t place, const char *client_id)
{
    return place < import->clients_count &&
           strcmp(import->clients[place]->client_id, client_id) == 0;
}

void sv_import_count(struct sv_import *import, const char *client_id)
{
    size_t place = place_of(import, client_id);
    struct sv_import_client *client;

    if (!is_at(import, place, client_id)) {
        if (import->clients_count == import->clients_room) {
            import->clients_room = import->clients_room == 0 ? 64 : 2 * import->clients_room;
            import->clients = sv_realloc(import->clients,
                                         import->clients_room * sizeof(struct sv_import_client *));
        }
        client = sv_alloc(1, sizeof *client);
        (void)snprintf(client->client_id, sizeof client->client_id, "%s", client_id);
        memmove(import->clients + place + 1, import->clients + place,
                (import->clients_count - place) * sizeof(struct sv_import_client *));
        import->clients[place] = client;
        import->clients_count++;
    }
    import->clients[place]->domains++;
}

/* The same domain on the same day is the same job, so that a second run does nothing twice; on
 * another day it may be wanted again, because the client gave the domain back meanwhile. */
static void name_job(const struct sv_import *import, const char *domain, char out[JOB_ID_BYTES])
{
    const struct sv_clock *clock = sv_clock_system();
    char day[SV_TIME_TEXT_BYTES];
    char uid[SV_UID_BYTES];

    sv_uid(import->account, import->line.client_id, domain, uid);
    sv_time_format(clock->wall(clock->context), day);
    (void)snprintf(out, JOB_ID_BYTES, "import-%s-%.10s", uid, day);
}

static bool render(const struct sv_import *import, const char *domain, struct sv_buf *out)
{
    json_t *job = sv_json_object();
    char id[JOB_ID_BYTES];
    bool fits;

    name_job(import, domain, id);
    sv_json_set_str(job, "type", "adopt");
    sv_json_set_str(job, "client_id", import->line.client_id);
    sv_json_set_str(job, "domain", domain);
    sv_json_set_str(job, "account", import->account);
    sv_json_set_str(job, "id", id);
    if (*import->line.contact_email != '\0')
        sv_json_set_str(job, "contact_email", import->line.contact_email);
    fits = sv_json_write(job, out);
    json_decref(job);
    return fits;
}

enum sv_import_skip sv_import_job(const struct sv_import *import, const char *domain,
                                  struct sv_buf *job, struct sv_errinfo *info)
{
    const struct sv_config *config = import->client->config;
    struct sv_name_rules rules = {.allow_special_use = config->domains.allow_special_use};
    size_t domains, place;
    const char *reason = "";
    struct sv_job parsed;

    if (!render(import, domain, job) ||
        sv_job_parse(&(struct sv_job_text){job->data, job->len, "0-0"}, &rules, &parsed, &reason,
                     info) != SV_JOB_FINE)
        return SV_IMPORT_INVALID;
    place = place_of(import, import->line.client_id);
    domains = is_at(import, place, import->line.client_id) ? import->clients[place]->domains : 0;
    if (domains < config->limits.domains_max)
        return SV_IMPORT_TAKEN;
    (void)sv_err_set(info, SV_EFULL, "import", 0, "client %.100s has %zu of %u",
                     import->line.client_id, domains, config->limits.domains_max);
    return SV_IMPORT_LIMIT;
}

void sv_import_take(struct sv_import *import)
{
    import->taken++;
    sv_import_count(import, import->line.client_id);
}

void sv_import_skip(struct sv_import *import, enum sv_import_skip skip, const char *name,
                    const char *detail)
{
    import->skipped[skip]++;
    if (import->left_count == import->left_room) {
        import->left_room = import->left_room == 0 ? 64 : 2 * import->left_room;
        import->left = sv_realloc(import->left, import->left_room * sizeof *import->left);
    }
    import->left[import->left_count++] =
        (struct sv_import_left){.skip = skip, .name = sv_strdup(name), .detail = sv_strdup(detail)};
}

bool sv_import_has_left(const struct sv_import *import)
{
    return import->left_count > import->skipped[SV_IMPORT_EMAIL];
}

/* --- what is shown --- */

void sv_import_show_progress(struct sv_import *import)
{
    const struct sv_clock *clock = sv_clock_system();
    sv_ms now = clock->monotonic(clock->context);

    if (!import->on_terminal || now - import->shown_at < PROGRESS_EVERY_MS)
        return;
    import->shown_at = now;
    (void)fprintf(stderr, "\r\033[K%zu identities seen, %zu %s, %zu here already, %zu left out",
                  import->listed, import->taken, import->dry_run ? "to adopt" : "pushed",
                  import->ours, import->left_count);
}

void sv_import_end_progress(struct sv_import *import)
{
    if (import->on_terminal && import->shown_at != 0)
        (void)fprintf(stderr, "\r\033[K");
}

static json_t *calls_json(const struct sv_caller *caller)
{
    json_t *calls = sv_json_object();

    sv_json_set_int(calls, sv_ses_op_name(SV_SES_LIST), (long long)caller->calls[SV_SES_LIST]);
    sv_json_set_int(calls, sv_ses_op_name(SV_SES_GET), (long long)caller->calls[SV_SES_GET]);
    return calls;
}

static json_t *left_json(const struct sv_import *import)
{
    json_t *list = sv_json_array();

    for (size_t i = 0; i < import->left_count; i++) {
        const struct sv_import_left *left = &import->left[i];
        json_t *one = sv_json_object();

        sv_json_set_str(one, "identity", left->name);
        sv_json_set_str(one, "reason", skip_name(left->skip));
        sv_json_set_str(one, "detail", *left->detail == '\0' ? NULL : left->detail);
        sv_json_append(list, one);
    }
    return list;
}

static void report_json(const struct sv_import *import, bool complete)
{
    json_t *object = sv_json_object();

    sv_json_set_str(object, "schema", "sesverify.import.v1");
    sv_json_set_str(object, "account", import->account);
    sv_json_set_str(object, "region", import->caller->account->region);
    sv_json_set_bool(object, "dry_run", import->dry_run);
    sv_json_set_bool(object, "complete", complete);
    sv_json_set_int(object, "listed", (long long)import->listed);
    sv_json_set_int(object, "adopted", (long long)import->taken);
    sv_json_set_int(object, "already_here", (long long)import->ours);
    sv_json_set(object, "left_out", left_json(import));
    sv_json_set_int(object, "map_lines_unused",
                    import->map != NULL ? (long long)sv_import_map_unused(import->map) : 0);
    sv_json_set(object, "calls", calls_json(import->caller));
    sv_text_print_json(object);
}

/* "a.example, b.example and 12 more" */
static void name_some(const struct sv_import *import, enum sv_import_skip skip, struct sv_buf *out)
{
    size_t named = 0, count = import->skipped[skip];

    for (size_t i = 0; i < import->left_count && named < EXAMPLES_MAX; i++) {
        const struct sv_import_left *left = &import->left[i];

        if (left->skip != skip)
            continue;
        if (!sv_buf_printf(out, "%s%.100s%s%.120s%s", named > 0 ? ", " : "", left->name,
                           *left->detail != '\0' ? " (" : "", left->detail,
                           *left->detail != '\0' ? ")" : ""))
            return;
        named++;
    }
    if (count > named && !sv_buf_printf(out, " and %zu more", count - named))
        return;
}

static void add_row(struct sv_table *table, enum sv_colour colour, size_t number, const char *what,
                    const char *which)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%zu", number);
    sv_table_row(table);
    sv_table_set(table, 0, colour, text);
    sv_table_set(table, 1, colour, what);
    sv_table_set(table, 2, SV_DIM, which);
}

static void add_left(const struct sv_import *import, struct sv_table *table)
{
    for (int skip = SV_IMPORT_EMAIL; skip < SV_IMPORT_SKIP_COUNT; skip++) {
        bool fine = skip == SV_IMPORT_EMAIL;
        struct sv_buf which;

        if (import->skipped[skip] == 0)
            continue;
        sv_buf_init(&which, 2048);
        name_some(import, (enum sv_import_skip)skip, &which);
        add_row(table, fine ? SV_DIM : SV_YELLOW, import->skipped[skip],
                explain((enum sv_import_skip)skip), sv_buf_str(&which));
        sv_buf_fini(&which);
    }
}

static void report_text(const struct sv_import *import)
{
    const struct sv_caller *caller = import->caller;
    size_t unused = import->map != NULL ? sv_import_map_unused(import->map) : 0;
    struct sv_table table;

    (void)printf("account %s, %s: %zu identities (%llu list calls, %llu single reads)\n",
                 import->account, caller->account->region, import->listed,
                 (unsigned long long)caller->calls[SV_SES_LIST],
                 (unsigned long long)caller->calls[SV_SES_GET]);
    sv_table_init(&table, 3, NULL);
    add_row(&table, SV_GREEN, import->taken,
            import->dry_run ? "would be adopted (dry run)" : "pushed as adopt jobs", "");
    add_row(&table, SV_PLAIN, import->ours, "here already", "");
    add_left(import, &table);
    if (unused > 0)
        add_row(&table, SV_YELLOW, unused, "lines of the map that SES does not hold", "");
    sv_table_print(&table, sv_term_wants_colour(stdout, import->args->environment), stdout);
    sv_table_fini(&table);
}

void sv_import_report(const struct sv_import *import, bool complete)
{
    if (import->json)
        report_json(import, complete);
    else
        report_text(import);
}
