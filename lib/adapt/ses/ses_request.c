/* Turns a call into bytes: v1 is a form (Amazon SES API Reference, "Query requests"), v2 a path and
 * a JSON body (Amazon SES API v2 Reference). */
#include <string.h>

#include "ses_private.h"
#include "sv/json.h"

/* Of the query: a page token may need three bytes for each of its own. */
enum { BODY_BYTES_MAX = 128 * 1024, PATH_BYTES_MAX = 1024, QUERY_BYTES_MAX = 8 * 1024 };

static const char type_form[] = "application/x-www-form-urlencoded; charset=utf-8";
static const char type_json[] = "application/json";

bool sv_ses_op_is_v1(enum sv_ses_op op)
{
    switch (op) {
    case SV_SES_VERIFY_DOMAIN:
    case SV_SES_VERIFY_DKIM:
    case SV_SES_READ_IDENTITIES:
    case SV_SES_READ_DKIM:
    case SV_SES_READ_MAIL_FROM:
        return true;
    case SV_SES_CREATE:
    case SV_SES_GET:
    case SV_SES_PUT_SIGNING:
    case SV_SES_PUT_CONFIGURATION_SET:
    case SV_SES_PUT_MAIL_FROM:
    case SV_SES_DELETE:
    case SV_SES_ACCOUNT:
    case SV_SES_LIST:
    case SV_SES_OP_COUNT:
        break;
    }
    return false;
}

static bool is_batch(enum sv_ses_op op)
{
    return op == SV_SES_READ_IDENTITIES || op == SV_SES_READ_DKIM || op == SV_SES_READ_MAIL_FROM;
}

/* A domain in normal form needs no escape; one that is not must still not become another request.
 */
static bool add_encoded(struct sv_buf *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

    for (; *text != '\0'; text++) {
        bool fits = strchr(plain, *text) != NULL
                        ? sv_buf_add(out, text, 1)
                        : sv_buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);

        if (!fits)
            return false;
    }
    return true;
}

static bool build_form(const struct sv_ses_call *call, struct sv_ses_ask *out)
{
    struct sv_buf *body = &out->body;

    out->method = "POST";
    out->content_type = type_form;
    if (!sv_buf_add_str(&out->path, "/") ||
        !sv_buf_printf(body, "Action=%s&Version=2010-12-01", sv_ses_op_name(call->op)))
        return false;
    if (!is_batch(call->op))
        return sv_buf_add_str(body, "&Domain=") && add_encoded(body, call->domains[0]);
    for (size_t i = 0; i < call->domains_count; i++) {
        if (!sv_buf_printf(body, "&Identities.member.%zu=", i + 1) ||
            !add_encoded(body, call->domains[i]))
            return false;
    }
    return true;
}

static bool has_mail_from(const struct sv_ses_call *call)
{
    return call->mail_from != NULL && call->mail_from[0] != '\0';
}

/* Without a domain the custom MAIL FROM is switched off, and the behavior with it. */
static json_t *mail_from_body(const struct sv_ses_call *call)
{
    json_t *body = sv_json_object();

    if (has_mail_from(call)) {
        sv_json_set_str(body, "MailFromDomain", call->mail_from);
        sv_json_set_str(body, "BehaviorOnMxFailure",
                        call->reject_on_mx_failure ? "REJECT_MESSAGE" : "USE_DEFAULT_VALUE");
    }
    return body;
}

static bool add_identity_path(const struct sv_ses_call *call, const char *tail, struct sv_buf *path)
{
    return sv_buf_add_str(path, "/v2/email/identities/") && add_encoded(path, call->domains[0]) &&
           sv_buf_add_str(path, tail);
}

static bool has_token(const struct sv_ses_call *call)
{
    return call->page_token != NULL && call->page_token[0] != '\0';
}

static bool build_list(const struct sv_ses_call *call, struct sv_ses_ask *out)
{
    out->method = "GET";
    if (has_token(call) &&
        (!sv_buf_add_str(&out->query, "NextToken=") ||
         !add_encoded(&out->query, call->page_token) || !sv_buf_add_str(&out->query, "&")))
        return false;
    return sv_buf_add_str(&out->path, "/v2/email/identities") &&
           sv_buf_printf(&out->query, "PageSize=%d", SV_SES_PAGE_MAX);
}

static bool build_rest(const struct sv_ses_call *call, struct sv_ses_ask *out)
{
    json_t *body = NULL;
    bool fits;

    if (call->op == SV_SES_LIST)
        return build_list(call, out);
    if (call->op == SV_SES_ACCOUNT) {
        out->method = "GET";
        fits = sv_buf_add_str(&out->path, "/v2/email/account");
    } else if (call->op == SV_SES_CREATE) {
        out->method = "POST";
        body = sv_ses_create_body(call);
        fits = sv_buf_add_str(&out->path, "/v2/email/identities");
    } else if (call->op == SV_SES_PUT_MAIL_FROM) {
        out->method = "PUT";
        body = mail_from_body(call);
        fits = add_identity_path(call, "/mail-from", &out->path);
    } else if (call->op == SV_SES_PUT_SIGNING) {
        out->method = "PUT";
        body = sv_ses_signing_body(call);
        fits = sv_buf_add_str(&out->path, "/v1/email/identities/") && /* so says the model */
               add_encoded(&out->path, call->domains[0]) &&
               sv_buf_add_str(&out->path, "/dkim/signing");
    } else if (call->op == SV_SES_PUT_CONFIGURATION_SET) {
        out->method = "PUT";
        body = sv_ses_set_body(call);
        fits = add_identity_path(call, "/configuration-set", &out->path);
    } else {
        out->method = call->op == SV_SES_GET ? "GET" : "DELETE";
        fits = add_identity_path(call, "", &out->path);
    }
    if (body != NULL) {
        out->content_type = type_json;
        fits = sv_json_write(body, &out->body) && fits;
        json_decref(body);
    }
    return fits;
}

static enum sv_err check_list(const struct sv_ses_call *call, struct sv_errinfo *info)
{
    if (call->domains_count != 0 || call->page == NULL)
        return sv_err_set(info, SV_EINVALID, "ses", 0, "a list takes no domains and needs a page");
    if (has_token(call) && strlen(call->page_token) >= SV_SES_PAGE_TOKEN_BYTES)
        return sv_err_set(info, SV_EINVALID, "ses", 0, "the page's token is too long");
    return SV_OK;
}

static enum sv_err check(const struct sv_ses_call *call, struct sv_errinfo *info)
{
    size_t most = is_batch(call->op) ? SV_SES_BATCH_MAX : 1;

    if ((unsigned)call->op >= SV_SES_OP_COUNT)
        return sv_err_set(info, SV_EINVALID, "ses", 0, "operation %d is unknown", (int)call->op);
    if (call->op == SV_SES_LIST)
        return check_list(call, info);
    if (call->op == SV_SES_ACCOUNT && (call->domains_count != 0 || call->account == NULL))
        return sv_err_set(info, SV_EINVALID, "ses", 0, "GetAccount takes no domain");
    if ((call->domains_count == 0 && call->op != SV_SES_ACCOUNT) || call->domains_count > most)
        return sv_err_set(info, SV_EINVALID, "ses", 0, "%s takes 1 to %zu domains, not %zu",
                          sv_ses_op_name(call->op), most, call->domains_count);
    for (size_t i = 0; i < call->domains_count; i++) {
        size_t len = strlen(call->domains[i]);

        if (len == 0 || len > SV_NAME_MAX)
            return sv_err_set(info, SV_EINVALID, "ses", 0, "domain %zu has %zu characters", i, len);
    }
    if (has_mail_from(call) && strlen(call->mail_from) > SV_NAME_MAX)
        return sv_err_set(info, SV_EINVALID, "ses", 0, "the MAIL FROM domain is too long");
    return sv_ses_setup_check(call, info);
}

enum sv_err sv_ses_ask_build(const struct sv_ses_call *call, struct sv_ses_ask *out,
                             struct sv_errinfo *info)
{
    enum sv_err err = check(call, info);
    bool fits;

    *out = (struct sv_ses_ask){.method = NULL};
    sv_buf_init(&out->path, PATH_BYTES_MAX);
    sv_buf_init(&out->query, QUERY_BYTES_MAX);
    sv_buf_init(&out->body, BODY_BYTES_MAX);
    if (err != SV_OK)
        return err;
    out->is_v1 = sv_ses_op_is_v1(call->op);
    fits = out->is_v1 ? build_form(call, out) : build_rest(call, out);
    if (!fits)
        return sv_err_set(info, SV_EINVALID, "ses", 0, "the request is over its limit");
    return SV_OK;
}

void sv_ses_ask_fini(struct sv_ses_ask *ask)
{
    sv_buf_fini(&ask->path);
    if (ask->body.data != NULL)
        explicit_bzero(ask->body.data, ask->body.len); /* a private key may be in it */
    sv_buf_fini(&ask->query);
    sv_buf_fini(&ask->body);
}
