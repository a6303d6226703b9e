/* `sesverify enqueue TYPE`: pushes a job as the platform does, and may wait for its answer. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "exit.h"
#include "setup.h"
#include "sv/job.h"
#include "sv/json.h"
#include "text.h"

enum { EVENT_DEPTH_MAX = 16, PAGE = 100, ID_TEXT_BYTES = 96 };

struct order {
    const struct sv_args *args;
    struct sv_client *client;
    unsigned shard;
    char entry_id[SV_STORE_ENTRY_ID_BYTES];
    char wanted[ID_TEXT_BYTES]; /* id of the event that answers */
    char after[SV_STORE_ENTRY_ID_BYTES];
    json_t *finished; /* owned; NULL = not yet */
};

static bool read_type(const char *text)
{
    for (int type = 0; type < SV_JOB_TYPE_COUNT; type++) {
        if (strcmp(text, sv_job_type_name((enum sv_job_type)type)) == 0)
            return true;
    }
    return false;
}

static void copy_text(const struct sv_args *args, json_t *job, const char *option, const char *key)
{
    const char *value = sv_args_value(args, option, NULL);

    if (value != NULL)
        sv_json_set_str(job, key, value);
}

static void copy_flag(const struct sv_args *args, json_t *job, const char *option, const char *key)
{
    if (sv_args_has(args, option))
        sv_json_set_bool(job, key, true);
}

static void render(const struct sv_args *args, struct sv_buf *out)
{
    json_t *job = sv_json_object();
    bool fits;

    sv_json_set_str(job, "type", args->operands[0]);
    copy_text(args, job, "client", "client_id");
    copy_text(args, job, "domain", "domain");
    copy_text(args, job, "id", "id");
    copy_text(args, job, "account", "account");
    copy_text(args, job, "mail-from", "mail_from");
    copy_text(args, job, "email", "contact_email");
    copy_text(args, job, "traceparent", "traceparent");
    copy_flag(args, job, "legacy-txt", "legacy_txt");
    copy_flag(args, job, "delete-identity", "delete_identity");
    if (sv_args_has(args, "reject-on-mx-failure"))
        sv_json_set_str(job, "behavior_on_mx_failure", "reject_message");
    fits = sv_json_write(job, out);
    json_decref(job);
    if (!fits)
        sv_buf_clear(out);
}

/* What the worker would bury or refuse as no domain is refused here, with the sentence. */
static int check_job(const struct sv_args *args, const struct sv_config *config,
                     const struct sv_buf *text)
{
    struct sv_name_rules rules = {.allow_special_use = config->domains.allow_special_use};
    struct sv_job job;
    struct sv_errinfo info = {0};
    const char *reason = "";
    enum sv_job_fault fault;

    if (text->len == 0) {
        sv_setup_complain(args, "the job is larger than 64 KiB");
        return SV_EXIT_DATA;
    }
    fault = sv_job_parse(&(struct sv_job_text){text->data, text->len, "0-0"}, &rules, &job, &reason,
                         &info);
    if (fault == SV_JOB_FINE || strcmp(reason, "restricted_domain") == 0)
        return SV_EXIT_OK;
    sv_setup_complain(args, "%s: %s", reason, info.text);
    return SV_EXIT_DATA;
}

static void on_enqueued(void *context, const struct sv_store_call *call)
{
    struct order *order = context;

    (void)snprintf(order->entry_id, sizeof(order->entry_id), "%s", call->u.enqueue.entry_id);
}

static int push(struct order *order, const struct sv_buf *job)
{
    struct sv_store_call call = {.op = SV_STORE_ENQUEUE, .shard = order->shard};

    call.u.enqueue.job = job->data;
    call.u.enqueue.job_bytes = job->len;
    return sv_client_call(order->client, &call, on_enqueued, order);
}

static void on_events(void *context, const struct sv_store_call *call)
{
    const struct sv_store_events *events = &call->u.events;
    struct order *order = context;

    for (size_t i = 0; i < events->count && order->finished == NULL; i++) {
        const struct sv_store_entry *entry = &events->entries[i];
        json_t *event = sv_json_parse(entry->payload, entry->payload_bytes,
                                      SV_STORE_EVENT_BYTES_MAX, EVENT_DEPTH_MAX, NULL);
        const char *id = event != NULL ? sv_json_str(event, "id") : NULL;

        (void)snprintf(order->after, sizeof(order->after), "%s", entry->id);
        if (id != NULL && strcmp(id, order->wanted) == 0)
            order->finished = json_incref(event);
        json_decref(event);
    }
}

/* Ids of both streams begin with the same server's milliseconds, so the answer stands behind the
 * moment just before the job. */
static int wait_for_answer(struct order *order, sv_ms patience_ms)
{
    const struct sv_clock *clock = sv_clock_system();
    sv_ms end = clock->monotonic(clock->context) + patience_ms;
    unsigned long long pushed_at = strtoull(order->entry_id, NULL, 10);

    (void)snprintf(order->wanted, sizeof(order->wanted), "job.%u.%s", order->shard,
                   order->entry_id);
    (void)snprintf(order->after, sizeof(order->after), "%llu", pushed_at > 0 ? pushed_at - 1 : 0);
    while (order->finished == NULL) {
        sv_ms left = end - clock->monotonic(clock->context);
        struct sv_store_call call = {.op = SV_STORE_EVENTS, .shard = order->shard};
        char after[SV_STORE_ENTRY_ID_BYTES];
        int code;

        if (left <= 0) {
            sv_setup_complain(order->args, "job %s has no answer yet", order->entry_id);
            return SV_EXIT_TEMPORARY;
        }
        memcpy(after, order->after, sizeof(after));
        call.u.events.after = after;
        call.u.events.block_ms = left < SV_SECOND ? left : SV_SECOND;
        call.u.events.entries_max = PAGE;
        code = sv_client_call(order->client, &call, on_events, order);
        if (code != SV_EXIT_OK)
            return code;
    }
    return SV_EXIT_OK;
}

static int tell(struct order *order)
{
    const json_t *data = json_object_get(order->finished, "data");
    const char *outcome = sv_json_str(data, "outcome");
    const char *reason = sv_json_str(data, "reason");
    bool good =
        outcome != NULL && (strcmp(outcome, "done") == 0 || strcmp(outcome, "coalesced") == 0);

    if (sv_args_has(order->args, "json")) {
        json_t *object = sv_json_object();

        sv_json_set_str(object, "schema", "sesverify.enqueue.v1");
        sv_json_set_str(object, "entry_id", order->entry_id);
        sv_json_set_int(object, "shard", (long long)order->shard);
        sv_json_set(object, "finished",
                    order->finished != NULL ? json_incref(order->finished) : json_null());
        sv_text_print_json(object);
    } else if (order->finished == NULL) {
        (void)printf("%s\n", order->entry_id);
    } else {
        (void)printf("%s  %s%s%s%s\n", order->entry_id, outcome != NULL ? outcome : "?",
                     reason != NULL ? " (" : "", reason != NULL ? reason : "",
                     reason != NULL ? ")" : "");
    }
    return order->finished == NULL || good ? SV_EXIT_OK : SV_EXIT_WRONG;
}

static int send_job(struct order *order, const struct sv_config *config, const struct sv_buf *job,
                    sv_ms patience_ms)
{
    struct sv_client client;
    int code = sv_client_open(&client, order->args, config);

    if (code != SV_EXIT_OK)
        return code;
    order->client = &client;
    code = push(order, job);
    if (code == SV_EXIT_OK && sv_args_has(order->args, "wait")) {
        code = wait_for_answer(order, patience_ms);
        if (code == SV_EXIT_TEMPORARY)
            (void)tell(order);
    }
    if (code == SV_EXIT_OK)
        code = tell(order);
    sv_client_close(&client);
    json_decref(order->finished);
    return code;
}

static int check_usage(const struct sv_args *args, sv_ms *patience_ms)
{
    const char *patience = sv_args_value(args, "timeout", "60s");

    if (!read_type(args->operands[0])) {
        sv_setup_complain(args, "'%s' is no job type: register, recheck, remove or adopt",
                          args->operands[0]);
        return SV_EXIT_USAGE;
    }
    if (!sv_args_has(args, "client") || !sv_args_has(args, "domain")) {
        sv_setup_complain(args, "--client and --domain are both needed");
        return SV_EXIT_USAGE;
    }
    if (sv_duration_parse(patience, strlen(patience), patience_ms) != SV_OK) {
        sv_setup_complain(args, "--timeout is a duration with its unit, such as 60s");
        return SV_EXIT_USAGE;
    }
    return SV_EXIT_OK;
}

static int run(const struct sv_args *args)
{
    struct order order = {.args = args};
    struct sv_config *config = NULL;
    struct sv_buf job;
    sv_ms patience_ms = 0;
    int code = check_usage(args, &patience_ms);

    sv_buf_init(&job, SV_STORE_JOB_BYTES_MAX);
    if (code == SV_EXIT_OK)
        code = sv_setup_config(args, &config, NULL);
    if (code == SV_EXIT_OK) {
        render(args, &job);
        code = check_job(args, config, &job);
    }
    if (code == SV_EXIT_OK) {
        order.shard = sv_setup_shard(config, sv_args_value(args, "client", ""));
        code = send_job(&order, config, &job, patience_ms);
    }
    sv_buf_fini(&job);
    sv_config_free(config);
    return code;
}

static const struct sv_option options[] = {
    {"client", "ID", false, "the platform's client (required)"},
    {"domain", "DOMAIN", false, "the client's domain (required)"},
    {"account", "NAME", false, "SES account (default: default)"},
    {"mail-from", "NAME", false, "custom MAIL FROM: full name or bare label"},
    {"email", "ADDRESS", false, "contact, carried into events"},
    {"id", "ID", false, "your own job id: the same id twice is done once"},
    {"traceparent", "TRACE", false, "W3C trace context, carried through"},
    {"legacy-txt", NULL, false, "also ask SES for the _amazonses token"},
    {"reject-on-mx-failure", NULL, false, "SES rejects mail while the MAIL FROM MX is missing"},
    {"delete-identity", NULL, false, "remove: delete it at SES too"},
    {"wait", NULL, false, "wait for the job's answer"},
    {"timeout", "DURATION", false, "how long --wait waits (default 60s)"},
    {.name = NULL},
};

const struct sv_command sv_command_enqueue = {
    .name = "enqueue",
    .operands = "TYPE",
    .operand_choices = "register recheck remove adopt",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "push a job: register, recheck, remove or adopt",
    .details = "Prints the id of the entry. With --wait exit code 0 when the job was done or\n"
               "coalesced, 1 when it was rejected or is dead, 75 when there was no answer in time.",
    .options = options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify enqueue register --client acme --domain example.com --mail-from bounce",
                 "sesverify enqueue recheck --client acme --domain example.com --wait --json"},
    .run = run,
};
