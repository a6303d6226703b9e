/* Performs calls through sv_aws_ses, one after the other, and prints one JSON object per call:
 *
 *   ses_probe [--region R] [--v1 URL] [--v2 URL] [--total-ms N] [--ca-file F] OP:ARG[,ARG...]...
 *
 * OP is the AWS operation; ARGs are domains (PutEmailIdentityMailFromAttributes: domain, MAIL FROM
 * domain or nothing, "reject" or nothing). Keys come from where the worker takes them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/aws_ses.h"
#include "sv/json.h"

struct probe {
    uv_loop_t loop;
    struct sv_http *http;
    struct sv_ses *ses;
    struct sv_credentials keys;
    bool done;
    enum sv_err err;
};

static const char *variable(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

static void die(const char *what, const struct sv_errinfo *info)
{
    (void)fprintf(stderr, "ses_probe: %s: %s: %s\n", what, sv_err_name(info->code), info->text);
    exit(2);
}

static void on_closed(void *context)
{
    struct probe *probe = context;

    probe->done = true;
}

static void on_done(struct sv_ses_call *call, enum sv_err err)
{
    struct probe *probe = call->owner;

    probe->err = err;
    probe->done = true;
}

static void wait_for(struct probe *probe)
{
    while (!probe->done)
        (void)uv_run(&probe->loop, UV_RUN_ONCE);
    probe->done = false;
}

static json_t *tri(enum sv_tri tri)
{
    return tri == SV_TRI_UNKNOWN ? json_null() : json_boolean(tri == SV_TRI_YES);
}

static json_t *show_identity(const char *domain, const struct sv_ses_identity *identity)
{
    json_t *out = sv_json_object(), *tokens = sv_json_array();

    for (size_t i = 0; i < identity->tokens_count; i++)
        sv_json_append(tokens, json_string(identity->tokens[i]));
    sv_json_set_str(out, "domain", domain);
    sv_json_set_bool(out, "listed", identity->listed);
    sv_json_set_str(out, "identity", sv_axis_name(identity->identity));
    sv_json_set_str(out, "dkim", sv_axis_name(identity->dkim));
    sv_json_set_str(out, "mail_from", sv_axis_name(identity->mail_from));
    sv_json_set(out, "signing_enabled", tri(identity->signing_enabled));
    sv_json_set(out, "tokens", tokens);
    sv_json_set_str(out, "hosted_zone", identity->hosted_zone);
    sv_json_set_str(out, "mail_from_domain", identity->mail_from_domain);
    sv_json_set_str(out, "verification_token", identity->verification_token);
    sv_json_set_int(out, "reason", identity->reason);
    sv_json_set_int(out, "last_checked_at", identity->last_checked_at);
    sv_json_set_int(out, "last_success_at", identity->last_success_at);
    return out;
}

static void show_page(const struct sv_ses_page *page, json_t *out)
{
    json_t *lines = sv_json_array();

    for (size_t i = 0; i < page->count; i++) {
        json_t *line = sv_json_object();

        sv_json_set_str(line, "name", page->listed[i].name);
        sv_json_set_bool(line, "is_domain", page->listed[i].is_domain);
        sv_json_set_str(line, "identity", sv_axis_name(page->listed[i].identity));
        sv_json_set_int(line, "sending_enabled", page->listed[i].sending_enabled);
        sv_json_append(lines, line);
    }
    sv_json_set(out, "listed", lines);
    sv_json_set_str(out, "next_token", page->next_token);
}

static void print_call(const struct sv_ses_call *call, enum sv_err err)
{
    json_t *out = sv_json_object(), *results = sv_json_array();
    struct sv_buf text;

    sv_json_set_str(out, "op", sv_ses_op_name(call->op));
    sv_json_set_str(out, "err", sv_err_name(err));
    sv_json_set_int(out, "native", call->info.native);
    sv_json_set_str(out, "text", call->info.text);
    sv_json_set_str(out, "request_id", call->request_id);
    for (size_t i = 0; i < call->domains_count; i++)
        sv_json_append(results, show_identity(call->domains[i], &call->results[i]));
    sv_json_set(out, "results", results);
    if (call->op == SV_SES_LIST)
        show_page(call->page, out);
    sv_buf_init(&text, 1024 * 1024);
    if (!sv_json_write(out, &text))
        exit(2);
    (void)printf("%s\n", sv_buf_str(&text));
    sv_buf_fini(&text);
    json_decref(out);
}

static enum sv_ses_op find_op(const char *name, size_t len)
{
    for (int op = 0; op < SV_SES_OP_COUNT; op++) {
        const char *known = sv_ses_op_name((enum sv_ses_op)op);

        if (strlen(known) == len && memcmp(known, name, len) == 0)
            return (enum sv_ses_op)op;
    }
    (void)fprintf(stderr, "ses_probe: unknown operation: %s\n", name);
    exit(2);
}

/* Cuts `text` at its commas, in place. */
static size_t split(char *text, const char **out, size_t max)
{
    size_t count = 0;

    while (count < max) {
        char *comma = strchr(text, ',');

        out[count++] = text;
        if (comma == NULL)
            break;
        *comma = '\0';
        text = comma + 1;
    }
    return count;
}

static void perform(struct probe *probe, char *word)
{
    static struct sv_ses_identity results[SV_SES_BATCH_MAX + 1];
    const char *words[SV_SES_BATCH_MAX + 1];
    static struct sv_ses_page page;
    struct sv_ses_call call = {.owner = probe, .domains = words, .results = results, .page = &page};
    size_t name_len = strcspn(word, ":");
    struct sv_errinfo info;

    call.op = find_op(word, name_len);
    call.domains_count =
        split(word + name_len + (word[name_len] == ':'), words, SV_SES_BATCH_MAX + 1);
    if (call.op == SV_SES_PUT_MAIL_FROM) {
        call.mail_from = call.domains_count > 1 ? words[1] : NULL;
        call.reject_on_mx_failure = call.domains_count > 2 && strcmp(words[2], "reject") == 0;
        call.domains_count = 1;
    }
    if (call.op == SV_SES_LIST) {
        call.page_token = words[0];
        call.domains_count = 0;
    }
    if (sv_ses_start(probe->ses, &call, on_done, &info) != SV_OK)
        die(sv_ses_op_name(call.op), &info);
    wait_for(probe);
    print_call(&call, probe->err);
}

struct arguments {
    const char *ca_file;
    struct sv_aws_ses_options ses;
    int first; /* of the operations */
};

static struct arguments read_arguments(int argc, char **argv)
{
    struct arguments out = {.ses.region = "eu-west-1", .first = 1};

    while (out.first + 1 < argc && strncmp(argv[out.first], "--", 2) == 0) {
        const char *name = argv[out.first], *value = argv[out.first + 1];

        if (strcmp(name, "--region") == 0)
            out.ses.region = value;
        else if (strcmp(name, "--v1") == 0)
            out.ses.endpoint_v1 = value;
        else if (strcmp(name, "--v2") == 0)
            out.ses.endpoint_v2 = value;
        else if (strcmp(name, "--total-ms") == 0)
            out.ses.total_ms = (sv_ms)strtoll(value, NULL, 10);
        else if (strcmp(name, "--ca-file") == 0)
            out.ca_file = value;
        else
            break;
        out.first += 2;
    }
    return out;
}

int main(int argc, char **argv)
{
    struct arguments arguments = read_arguments(argc, argv);
    struct sv_http_options http = {.ca_file = arguments.ca_file};
    struct probe probe = {.done = false};
    struct sv_log *log = sv_log_new(2, SV_LOG_LOGFMT, SV_LOG_DEBUG, sv_clock_system());
    struct sv_errinfo info;

    (void)signal(SIGPIPE, SIG_IGN);
    if (sv_credentials_load(NULL, variable, NULL, &probe.keys, &info) != SV_OK)
        die("credentials", &info);
    if (uv_loop_init(&probe.loop) != 0)
        return 2;
    probe.http = sv_http_new(&probe.loop, &http);
    arguments.ses.http = probe.http;
    arguments.ses.clock = sv_clock_system();
    arguments.ses.log = log;
    arguments.ses.credentials = &probe.keys;
    if (sv_aws_ses_new(&arguments.ses, &probe.ses, &info) != SV_OK)
        die("SES", &info);
    for (int i = arguments.first; i < argc; i++)
        perform(&probe, argv[i]);
    sv_ses_close(probe.ses, on_closed, &probe);
    wait_for(&probe);
    sv_http_close(probe.http, on_closed, &probe);
    wait_for(&probe);
    sv_credentials_wipe(&probe.keys);
    sv_log_free(log);
    return uv_run(&probe.loop, UV_RUN_DEFAULT) == 0 && uv_loop_close(&probe.loop) == 0 ? 0 : 3;
}
