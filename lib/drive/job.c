#include "sv/job.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "sv/json.h"
#include "sv/records.h"
#include "sv/store.h"

enum { JOB_DEPTH_MAX = 8 };

/* What a text field may hold. */
enum charset { PRINTABLE, IDENTIFIER };

struct reader {
    const json_t *object;
    const char **reason;
    struct sv_errinfo *info;
};

/* "field \"type\" is missing", with the value where one was given. */
static bool fail(const struct reader *reader, const char *reason, const char *field,
                 const char *what, const char *value)
{
    *reader->reason = reason;
    if (value == NULL)
        (void)sv_err_set(reader->info, SV_EMALFORMED, "job", 0, "field \"%s\" %s", field, what);
    else
        (void)sv_err_set(reader->info, SV_EMALFORMED, "job", 0, "field \"%s\" %s: \"%.60s\"", field,
                         what, value);
    return false;
}

/* Printable means no control byte; the JSON reader has checked that it is UTF-8. */
static bool is_allowed(const char *text, enum charset charset)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c == 0x7f)
            return false;
        if (charset == IDENTIFIER && (c >= 0x80 || isspace(c)))
            return false;
    }
    return true;
}

/* Copies a text field. An absent one (or JSON null) leaves `out` as it is; false only when it is
 * not acceptable. */
static bool read_text(const struct reader *reader, const char *field, char *out, size_t bytes,
                      enum charset charset)
{
    const json_t *value = json_object_get(reader->object, field);
    const char *text;

    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return fail(reader, "invalid_field", field, "must be a string", NULL);
    text = json_string_value(value);
    if (json_string_length(value) >= bytes)
        return fail(reader, "invalid_field", field, "is too long", NULL);
    if (strlen(text) != json_string_length(value) || !is_allowed(text, charset))
        return fail(reader, "invalid_field", field, "holds characters that are not allowed", NULL);
    (void)snprintf(out, bytes, "%s", text);
    return true;
}

static bool read_bool(const struct reader *reader, const char *field, bool *out)
{
    const json_t *value = json_object_get(reader->object, field);

    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_boolean(value))
        return fail(reader, "invalid_field", field, "must be true or false", NULL);
    *out = json_is_true(value);
    return true;
}

static bool read_type(const struct reader *reader, struct sv_job *out)
{
    char type[32] = "";

    if (!read_text(reader, "type", type, sizeof type, IDENTIFIER))
        return false;
    if (type[0] == '\0')
        return fail(reader, "missing_field", "type", "is missing", NULL);
    for (int i = 0; i < SV_JOB_TYPE_COUNT; i++) {
        if (strcmp(type, sv_job_type_name((enum sv_job_type)i)) == 0) {
            out->type = (enum sv_job_type)i;
            return true;
        }
    }
    return fail(reader, "unknown_type", "type", "is not register, recheck, remove or adopt", type);
}

static bool read_who(const struct reader *reader, struct sv_job *out)
{
    if (!read_text(reader, "client_id", out->client_id, sizeof out->client_id, PRINTABLE) ||
        !read_text(reader, "id", out->id, sizeof out->id, PRINTABLE) ||
        !read_text(reader, "account", out->account, sizeof out->account, IDENTIFIER) ||
        !read_text(reader, "contact_email", out->contact_email, sizeof out->contact_email,
                   PRINTABLE))
        return false;
    if (out->account[0] == '\0')
        (void)snprintf(out->account, sizeof out->account, "%s", SV_ACCOUNT_DEFAULT);
    if (out->client_id[0] == '\0')
        return fail(reader, "missing_field", "client_id", "is missing", NULL);
    return true;
}

static bool read_settings(const struct reader *reader, struct sv_job *out)
{
    char behavior[32] = "use_default_value";
    char trace[SV_TRACEPARENT_BYTES] = "";
    const json_t *traceparent = json_object_get(reader->object, "traceparent");

    if (!read_text(reader, "behavior_on_mx_failure", behavior, sizeof behavior, IDENTIFIER) ||
        !read_bool(reader, "legacy_txt", &out->legacy_txt) ||
        !read_bool(reader, "delete_identity", &out->delete_identity))
        return false;
    out->reject_on_mx_failure = strcmp(behavior, "reject_message") == 0;
    if (!out->reject_on_mx_failure && strcmp(behavior, "use_default_value") != 0)
        return fail(reader, "invalid_field", "behavior_on_mx_failure",
                    "is not use_default_value or reject_message", behavior);
    /* A broken trace context is the tracer's problem, never a reason to refuse the job. */
    if (json_is_string(traceparent))
        (void)snprintf(trace, sizeof trace, "%s", json_string_value(traceparent));
    if (sv_traceparent_is_valid(trace))
        (void)memcpy(out->traceparent, trace, sizeof trace);
    return true;
}

/* The domain and what hangs on it: these faults are the client's, so the job is rejected, not dead.
 */
static enum sv_job_fault read_domain(const struct reader *reader, const struct sv_name_rules *rules,
                                     struct sv_job *out)
{
    char domain[1024] = "", mail_from[1024] = "";
    const char *refusal;

    if (!read_text(reader, "domain", domain, sizeof domain, PRINTABLE) ||
        !read_text(reader, "mail_from", mail_from, sizeof mail_from, PRINTABLE))
        return SV_JOB_DEAD;
    if (domain[0] == '\0') {
        (void)fail(reader, "missing_field", "domain", "is missing", NULL);
        return SV_JOB_DEAD;
    }
    if (sv_name_normalize(domain, strlen(domain), out->domain, reader->info) != SV_OK) {
        *reader->reason = "invalid_domain";
        return SV_JOB_REJECTED;
    }
    refusal = sv_name_refusal(out->domain, rules);
    if (refusal != NULL) {
        bool not_a_domain =
            strcmp(refusal, "ip_literal") == 0 || strcmp(refusal, "single_label") == 0;

        *reader->reason = not_a_domain ? "invalid_domain" : "restricted_domain";
        (void)sv_err_set(reader->info, SV_EINVALID, "job", 0,
                         "the domain %.150s may not be used: %s", out->domain, refusal);
        return SV_JOB_REJECTED;
    }
    if (mail_from[0] != '\0' &&
        sv_mail_from_name(out->domain, mail_from, out->mail_from, reader->info) != SV_OK) {
        *reader->reason = "invalid_mail_from";
        return SV_JOB_DEAD;
    }
    return SV_JOB_FINE;
}

enum sv_job_fault sv_job_parse(const struct sv_job_text *text, const struct sv_name_rules *rules,
                               struct sv_job *out, const char **reason, struct sv_errinfo *info)
{
    enum sv_job_fault fault = SV_JOB_DEAD;
    struct reader reader = {.reason = reason, .info = info};
    json_t *tree;

    *out = (struct sv_job){.type = SV_JOB_TYPE_COUNT};
    (void)snprintf(out->id, sizeof out->id, "%s", text->entry_id);
    *reason = "malformed_json";
    tree = sv_json_parse(text->payload, text->payload_bytes, SV_STORE_JOB_BYTES_MAX, JOB_DEPTH_MAX,
                         info);
    if (tree == NULL)
        return SV_JOB_DEAD;
    if (!json_is_object(tree)) {
        (void)sv_err_set(info, SV_EMALFORMED, "job", 0, "the job is not a JSON object");
        goto out;
    }
    reader.object = tree;
    if (!read_type(&reader, out) || !read_who(&reader, out) || !read_settings(&reader, out))
        goto out;
    if (out->id[0] == '\0')
        (void)snprintf(out->id, sizeof out->id, "%s", text->entry_id);
    fault = read_domain(&reader, rules, out);
    if (fault == SV_JOB_FINE)
        *reason = NULL;
out:
    json_decref(tree);
    return fault;
}

static bool is_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]) && (text[i] < 'a' || text[i] > 'f'))
            return false;
    }
    return true;
}

static bool is_zero(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '0')
            return false;
    }
    return true;
}

bool sv_traceparent_is_valid(const char *text)
{
    enum { TRACE = 3, SPAN = 36, FLAGS = 53 };

    if (strlen(text) != SV_TRACEPARENT_BYTES - 1 || strncmp(text, "00-", 3) != 0)
        return false;
    return text[SPAN - 1] == '-' && text[FLAGS - 1] == '-' && is_hex(text + TRACE, 32) &&
           is_hex(text + SPAN, 16) && is_hex(text + FLAGS, 2) && !is_zero(text + TRACE, 32) &&
           !is_zero(text + SPAN, 16);
}
