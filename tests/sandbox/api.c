#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "sv/json.h"
#include "sv/rand.h"

/* The way of a call: read what it wants, check who signed it, throttle, let a scripted fault speak,
 * perform, answer, write it down. A wrong signature is reported before anything else that may be
 * wrong, as AWS does. */

void sb_call_refuse(struct sb_call *call, unsigned status, const char *code, const char *format,
                    ...)
{
    va_list args;

    va_start(args, format);
    call->status = status;
    (void)snprintf(call->code, sizeof call->code, "%s", code);
    (void)vsnprintf(call->text, sizeof call->text, format, args);
    va_end(args);
}

static void make_request_id(char out[37])
{
    struct sv_rand source;
    char hex[33];

    sv_rand_system_init(&source);
    sv_rand_hex(&source, hex, 16);
    (void)snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
}

static void refuse_caller(struct sb_call *call, enum sb_auth verdict, const char *why)
{
    static const struct {
        unsigned query_status, rest_status;
        const char *query_code, *rest_code;
    } words[] = {
        [SB_AUTH_MISSING] = {403, 403, "MissingAuthenticationToken",
                             "MissingAuthenticationTokenException"},
        [SB_AUTH_INCOMPLETE] = {400, 400, "IncompleteSignature", "IncompleteSignatureException"},
        [SB_AUTH_UNKNOWN_KEY] = {403, 403, "InvalidClientTokenId", "UnrecognizedClientException"},
        [SB_AUTH_EXPIRED_TOKEN] = {403, 403, "ExpiredToken", "ExpiredTokenException"},
        [SB_AUTH_EXPIRED] = {400, 403, "RequestExpired", "InvalidSignatureException"},
        [SB_AUTH_MISMATCH] = {403, 403, "SignatureDoesNotMatch", "SignatureDoesNotMatch"},
    };

    if (call->api == SB_API_V2)
        sb_call_refuse(call, words[verdict].rest_status, words[verdict].rest_code, "%s", why);
    else
        sb_call_refuse(call, words[verdict].query_status, words[verdict].query_code, "%s", why);
}

static void refuse_throttled(struct sb_call *call)
{
    if (call->api == SB_API_V2)
        sb_call_refuse(call, 429, "TooManyRequestsException", "Rate exceeded");
    else
        sb_call_refuse(call, 400, "Throttling", "Rate exceeded");
}

/* AWS's words, so that what reads them for a missing permission can be tested. */
static void refuse_forbidden(struct sb_call *call, const char *action, enum sb_permit permit)
{
    char who[SB_ARN_BYTES], what[SB_ARN_BYTES], because[160];
    const char *code = call->api == SB_API_V2 ? "AccessDeniedException" : "AccessDenied";

    sb_caller_arn(call->caller.account, who);
    sb_identity_arn(call->caller.account, call->caller.region, call->name, what);
    if (permit == SB_PERMIT_DENIED)
        (void)snprintf(because, sizeof because,
                       "with an explicit deny in an identity-based policy");
    else
        (void)snprintf(because, sizeof because,
                       "because no identity-based policy allows the %.80s action", action);
    if (call->api == SB_API_V2)
        sb_call_refuse(call, 403, code,
                       "User: %s is not authorized to perform: %s on resource: %s %s", who, action,
                       what, because);
    else
        sb_call_refuse(call, 403, code, "User: %s is not authorized to perform: %s %s", who, action,
                       because);
}

/* False after a refusal by IAM. Everybody may ask who he is. */
static bool may(struct sb_call *call)
{
    char action[SB_ACTION_BYTES + 8];
    enum sb_permit permit;

    if (call->perform == NULL || call->anonymous || strcmp(call->action, "GetCallerIdentity") == 0)
        return true;
    (void)snprintf(action, sizeof action, "%s:%s", call->api == SB_API_STS ? "sts" : "ses",
                   call->action);
    permit = sb_permissions_check(&call->sandbox->permissions, call->caller.key_id, action);
    if (permit != SB_PERMIT_GRANTED)
        refuse_forbidden(call, action, permit);
    return permit == SB_PERMIT_GRANTED;
}

static const char *usual_code(const struct sb_call *call, unsigned status)
{
    bool rest = call->api == SB_API_V2;

    if (status == 429)
        return rest ? "TooManyRequestsException" : "Throttling";
    if (status == 403)
        return rest ? "AccessDeniedException" : "AccessDenied";
    if (status == 404)
        return rest ? "NotFoundException" : "InvalidAction";
    if (status == 503)
        return "ServiceUnavailable";
    if (status >= 500)
        return rest ? "InternalServiceErrorException" : "InternalFailure";
    return rest ? "BadRequestException" : "InvalidParameterValue";
}

static void fill(struct sb_answer *answer, const char *type, const char *body)
{
    sv_buf_clear(&answer->body);
    if (type != NULL)
        sb_answer_header(answer, "Content-Type", type);
    if (!sv_buf_add_str(&answer->body, body))
        answer->status = 500;
}

static void render(struct sb_call *call, struct sb_answer *answer)
{
    if (call->api == SB_API_V2)
        sb_rest_render(call, answer);
    else if (call->api == SB_API_GIVER)
        sb_givers_render(call, answer);
    else
        sb_query_render(call, answer);
}

static void perform(struct sb_call *call)
{
    call->store = sb_stores_get(&call->sandbox->stores, call->caller.account, call->caller.region);
    call->perform(call);
}

static void force_status(struct sb_call *call, const struct sb_fault *fault)
{
    struct sb_store *store =
        sb_stores_get(&call->sandbox->stores, call->caller.account, call->caller.region);
    bool any = strcmp(fault->identity, "*") == 0;
    const char *name = any ? call->name : fault->identity;
    struct sv_errinfo info = {0};
    struct sb_identity *identity;

    if (name == NULL)
        name = sb_call_member(call, 0);
    identity = name == NULL ? NULL : sb_identity_find(store, name);
    if (identity != NULL && sb_sandbox_force(call->sandbox, identity, fault->set, &info) !=
                                SV_OK) /* the script is wrong */
        sb_call_refuse(call, 500, "InternalFailure", "%s", info.text);
}

/* Answers instead of the service where the fault says so; true when it did. */
static bool speak_fault(struct sb_call *call, const struct sb_fault *fault,
                        struct sb_answer *answer)
{
    const char *code = fault->code[0] != 0 ? fault->code : usual_code(call, fault->status);

    if (fault->retry_after[0] != 0)
        sb_answer_header(answer, "Retry-After", fault->retry_after);
    switch (fault->what) {
    case SB_DO_STATUS:
        sb_call_refuse(call, fault->status, code, "%s",
                       fault->message[0] != 0 ? fault->message : "scripted fault");
        render(call, answer);
        return true;
    case SB_DO_HTML:
        answer->status = fault->status;
        fill(answer, "text/html",
             "<html><head><title>Service Unavailable</title></head><body><h1>Http/1.1 Service "
             "Unavailable</h1></body></html>\r\n");
        return true;
    case SB_DO_GARBAGE:
        fill(answer, call->api == SB_API_V2 ? "application/json" : "text/xml",
             "\x7f\x01{<]]>&nonsense;\xff\xfe\"\\u12");
        return true;
    case SB_DO_BODY:
        answer->status = fault->status;
        fill(answer, call->api == SB_API_V2 ? "application/json" : "text/xml",
             json_string_value(fault->set));
        return true;
    case SB_DO_EMPTY:
        fill(answer, NULL, "");
        return true;
    case SB_DO_CLOSE:
        answer->delivery = SB_DELIVER_CLOSE;
        return true;
    case SB_DO_SET_STATUS:
    case SB_DO_CUT:
    case SB_DO_SLOW:
    case SB_DO_HANG:
    case SB_DO_SKEWED_DATE:
    case SB_DO_NOTHING:
        break;
    }
    return false;
}

static void spoil_delivery(const struct sb_fault *fault, struct sb_answer *answer)
{
    answer->delay_ms = fault->ms;
    if (fault->what == SB_DO_CUT)
        answer->delivery = SB_DELIVER_CUT;
    else if (fault->what == SB_DO_SLOW)
        answer->delivery = SB_DELIVER_SLOW;
    else if (fault->what == SB_DO_HANG)
        answer->delivery = SB_DELIVER_LATE;
}

/* A call that may be performed; true when a fault spoke instead. */
static bool serve(struct sb_call *call, struct sb_fault *fault, struct sb_answer *answer)
{
    if (fault == NULL) {
        perform(call);
        render(call, answer);
        return false;
    }
    sb_fault_use(fault);
    if (fault->what == SB_DO_SET_STATUS)
        force_status(call, fault);
    if (fault->performs && call->status == 0)
        perform(call);
    if (speak_fault(call, fault, answer))
        return true;
    render(call, answer);
    spoil_delivery(fault, answer);
    return answer->delivery != SB_DELIVER_WHOLE;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7). */
static void format_date(sv_ms instant, char out[32])
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char text[SV_TIME_TEXT_BYTES];
    unsigned month;

    (void)sv_time_format(instant, text);
    month = (unsigned)(text[5] - '0') * 10 + (unsigned)(text[6] - '0');
    (void)snprintf(out, 32, "%s, %.2s %s %.4s %.8s GMT", days[instant / SV_DAY % 7], text + 8,
                   months[(month - 1) % 12], text, text + 11);
}

static void write_down(const struct sb_call *call, struct sb_entry *entry, unsigned status)
{
    const char *first = call->name != NULL ? call->name : sb_call_member(call, 0);
    static const char *const apis[] = {
        [SB_API_V1] = "v1", [SB_API_V2] = "v2", [SB_API_STS] = "sts", [SB_API_GIVER] = "giver"};

    entry->api = apis[call->api];
    entry->status = status;
    (void)snprintf(entry->code, sizeof entry->code, "%s", call->code);
    (void)snprintf(entry->identity, sizeof entry->identity, "%s", first == NULL ? "" : first);
    while (entry->identities < SB_FORM_PAIRS_MAX && sb_call_member(call, entry->identities) != NULL)
        entry->identities++;
    if (entry->identities == 0)
        entry->identities = first != NULL;
    sb_journal_add(call->sandbox->journal, entry, call->request);
}

/* Who asks without a signature asks for the first key's account. */
static enum sb_auth check_caller(struct sb_call *call, sv_ms now, char why[SB_WHY_BYTES])
{
    const struct sb_options *options = &call->sandbox->options;
    const struct sb_key *first = &options->keys.list[0];

    if (!call->anonymous)
        return sb_auth_check(call->request, call->api == SB_API_STS ? "sts" : "ses", &options->keys,
                             now, &call->caller, why);
    (void)snprintf(call->caller.account, sizeof call->caller.account, "%s",
                   first->account != NULL ? first->account : first->id);
    (void)snprintf(call->caller.region, sizeof call->caller.region, "%s", options->region);
    return SB_AUTH_OK;
}

static void answer_call(struct sb_call *call, struct sb_entry *entry, struct sb_answer *answer)
{
    struct sandbox *sandbox = call->sandbox;
    sv_ms now = sb_clock_wall(&sandbox->clock);
    char why[SB_WHY_BYTES], date[32];
    const char *service = call->api == SB_API_STS ? "sts" : "ses";
    const struct sb_keys *keys = &sandbox->options.keys;
    enum sb_auth verdict = check_caller(call, now, why);
    struct sb_fault *fault =
        sb_faults_find(&sandbox->faults, call->action, call->caller.region, sb_call_names, call);

    if (fault != NULL && fault->what == SB_DO_SKEWED_DATE) {
        now += fault->ms;
        verdict = check_caller(call, now, why);
    }
    if (!call->anonymous)
        sb_record_add(&sandbox->record, call->request, service, verdict,
                      sb_keys_find(keys, call->caller.key_id));
    (void)snprintf(entry->account, sizeof entry->account, "%s", call->caller.account);
    (void)snprintf(entry->region, sizeof entry->region, "%s", call->caller.region);
    if (verdict != SB_AUTH_OK) {
        if (fault != NULL && fault->what == SB_DO_SKEWED_DATE)
            sb_fault_use(fault);
        refuse_caller(call, verdict, why);
    } else if (may(call) && call->status == 0 && !call->anonymous &&
               !sb_journal_permit(sandbox->journal, entry)) {
        refuse_throttled(call);
        entry->outcome = SB_OUTCOME_THROTTLED;
    }
    format_date(now, date);
    sb_answer_header(answer, "Date", date);
    sb_answer_header(answer, "x-amzn-RequestId", call->request_id);
    if (call->status != 0)
        render(call, answer);
    else if (serve(call, fault, answer))
        entry->outcome = SB_OUTCOME_FAULTED;
    if (call->status != 0 && entry->outcome == SB_OUTCOME_OK)
        entry->outcome = SB_OUTCOME_REFUSED;
}

void sb_api_handle(void *owner, const struct sb_request *request, struct sb_answer *answer)
{
    struct sandbox *sandbox = owner;
    struct sb_call call = {.sandbox = sandbox, .request = request, .action = "Unknown"};
    struct sb_entry entry = {.at_ms = sb_clock_mono(&sandbox->clock)};

    make_request_id(call.request_id);
    sv_buf_init(&call.xml, SB_REPLY_BYTES_MAX);
    if (strcmp(request->path, "/") == 0)
        sb_query_read(&call);
    else if (!sb_givers_read(&call))
        sb_rest_read(&call);
    (void)snprintf(entry.action, sizeof entry.action, "%s", call.action);
    answer_call(&call, &entry, answer);
    write_down(&call, &entry, answer->status);
    sb_form_fini(&call.form);
    json_decref(call.input);
    json_decref(call.output);
    free(call.name);
    sv_buf_fini(&call.xml);
}
