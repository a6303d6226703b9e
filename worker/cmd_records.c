/* `sesverify records DOMAIN --client ID`: what the client has to publish. */
#include <string.h>

#include "commands.h"
#include "exit.h"
#include "kept.h"
#include "setup.h"
#include "sv/cloudevent.h"
#include "sv/json.h"
#include "text.h"

static void print_json(const struct sv_kept *kept, json_t *records)
{
    json_t *object = sv_json_object();

    sv_json_set_str(object, "schema", "sesverify.records.v1");
    sv_json_set_str(object, "domain_id", kept->uid);
    sv_json_set_str(object, "client_id", kept->client_id);
    sv_json_set_str(object, "account", kept->sheet.registration.account);
    sv_json_set_str(object, "domain", kept->sheet.registration.domain);
    sv_json_set(object, "observed_at", json_incref(json_object_get(kept->detail, "observed_at")));
    sv_json_set(object, "dns_records", json_incref(records));
    sv_text_print_json(object);
}

static int show(const struct sv_args *args, const struct sv_config *config,
                const struct sv_kept *kept)
{
    sv_ms now = sv_clock_system()->wall(sv_clock_system()->context);
    json_t *records;

    if (!kept->found || kept->sheet.domain.status == SV_STATUS_REMOVED) {
        sv_setup_complain(args, "%s is not registered for client %s", args->operands[0],
                          sv_args_value(args, "client", ""));
        return SV_EXIT_WRONG;
    }
    if (kept->damaged) {
        sv_setup_complain(args, "what Redis keeps cannot be read: %s", kept->trouble.text);
        return SV_EXIT_SOFTWARE;
    }
    records = sv_kept_records_json(kept, config, now);
    if (sv_args_has(args, "json"))
        print_json(kept, records);
    else
        sv_text_print_records(records, now, sv_term_wants_colour(stdout, args->environment));
    json_decref(records);
    if (kept->sheet.registration.tokens_count == 0)
        (void)fprintf(stderr, "SES has not answered yet: its DKIM records follow\n");
    return SV_EXIT_OK;
}

static int run(const struct sv_args *args)
{
    const char *client_id = sv_args_value(args, "client", NULL);
    char domain[SV_NAME_BYTES];
    char uid[SV_UID_BYTES];
    struct sv_config *config = NULL;
    struct sv_client client;
    struct sv_kept kept = {.found = false};
    int code;

    if (client_id == NULL) {
        sv_setup_complain(args, "--client is missing");
        return SV_EXIT_USAGE;
    }
    code = sv_setup_domain(args, args->operands[0], domain);
    if (code == SV_EXIT_OK)
        code = sv_setup_config(args, &config, NULL);
    if (code == SV_EXIT_OK)
        code = sv_client_open(&client, args, config);
    if (code == SV_EXIT_OK) {
        sv_uid(sv_args_value(args, "account", "default"), client_id, domain, uid);
        code = sv_kept_read(&client, sv_setup_shard(config, client_id), uid, &kept);
        sv_client_close(&client);
        if (code == SV_EXIT_OK)
            code = show(args, config, &kept);
        sv_kept_fini(&kept);
    }
    sv_config_free(config);
    return code;
}

static const struct sv_option options[] = {
    {"client", "ID", false, "whose domain it is (required)"},
    {"account", "NAME", false, "SES account (default: default)"},
    {.name = NULL},
};

const struct sv_command sv_command_records = {
    .name = "records",
    .operands = "DOMAIN",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "the DNS records a domain has to publish",
    .details =
        "HOST is what to type into a panel that adds the zone by itself. STATUS is what the\n"
        "worker saw last: ok, wrong, waiting (right, not yet everywhere) or unknown; with since\n"
        "when, and until when caches may hold something else, where that is known.\n"
        "Exit code 1 when the client has no such domain.",
    .options = options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify records example.com --client acme",
                 "sesverify records example.com --client acme --account eu --json"},
    .run = run,
};
