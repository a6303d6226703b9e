#include "metrics.h"

#include <string.h>

#include "call.h"
#include "ses_v2.h"
#include "sv/json.h"

/* Metrics are whole days from 00:00 UTC, as Virtual Deliverability Manager keeps them. */

enum { QUERIES_MAX = 10, DIMENSIONS_MAX = 3, ID_BYTES_MAX = 255, DAYS_MAX = 366 };

static const char namespaces[] = "VDM ";
static const char names[] = "SEND COMPLAINT PERMANENT_BOUNCE TRANSIENT_BOUNCE OPEN CLICK DELIVERY "
                            "DELIVERY_OPEN DELIVERY_CLICK DELIVERY_COMPLAINT ";
static const char dimensions[] = "EMAIL_IDENTITY CONFIGURATION_SET ISP ";
static const char errors[] = "INTERNAL_FAILURE ACCESS_DENIED ";

static bool is_word(const char *words, const char *text)
{
    return text != NULL && sb_words_have(words, text, strlen(text));
}

enum sv_err sb_metrics_set(struct sb_account *about, json_t *set, struct sv_errinfo *info)
{
    const char *identity = NULL, *error_code = NULL, *name;
    json_t *daily = NULL, *value, *kept;
    json_error_t error;

    if (json_unpack_ex(set, &error, JSON_STRICT, "{s:s, s?o, s?s}", "identity", &identity, "daily",
                       &daily, "error", &error_code) != 0)
        return sv_err_set(info, SV_EINVALID, "metrics", 0, "%s", error.text);
    if (!sb_identity_is_valid(identity) || (daily != NULL && !json_is_object(daily)) ||
        (error_code != NULL && !is_word(errors, error_code)))
        return sv_err_set(info, SV_EINVALID, "metrics", 0, "not an identity, object or error code");
    json_object_foreach(daily, name, value)
    {
        if (!is_word(names, name) || !json_is_integer(value))
            return sv_err_set(info, SV_EINVALID, "metrics", 0, "no metric with a number: %.40s",
                              name);
    }
    kept = sv_json_object();
    if (daily != NULL)
        sv_json_set(kept, "daily", json_deep_copy(daily));
    if (error_code != NULL)
        sv_json_set_str(kept, "error", error_code);
    sv_json_set(about->metrics, identity, kept);
    return SV_OK;
}

static bool refuse(struct sb_call *call, const char *text)
{
    sb_call_refuse(call, 400, "BadRequestException", "%s", text);
    return false;
}

static bool dimensions_are_valid(struct sb_call *call, const json_t *query)
{
    json_t *given = json_object_get(query, "Dimensions");
    const char *name;
    json_t *value;

    if (given == NULL)
        return true;
    if (!json_is_object(given) || json_object_size(given) < 1 ||
        json_object_size(given) > DIMENSIONS_MAX)
        return refuse(call, "Dimensions must have 1 to 3 members.");
    json_object_foreach((json_t *)given, name, value)
    {
        if (!is_word(dimensions, name) || !json_is_string(value))
            return refuse(call, "Dimensions are EMAIL_IDENTITY, CONFIGURATION_SET and ISP.");
    }
    return true;
}

static bool span_is_valid(struct sb_call *call, const json_t *query)
{
    const json_t *start = json_object_get(query, "StartDate");
    const json_t *end = json_object_get(query, "EndDate");

    if (!json_is_number(start) || !json_is_number(end))
        return refuse(call, "StartDate and EndDate must be timestamps.");
    if (!(json_number_value(start) >= 0) || !(json_number_value(start) < json_number_value(end)) ||
        json_number_value(end) - json_number_value(start) > DAYS_MAX * 86400.0)
        return refuse(call, "StartDate must be before EndDate, by a year at most.");
    return true;
}

static bool query_is_valid(struct sb_call *call, const json_t *queries, size_t i)
{
    const json_t *query = json_array_get(queries, i);
    const char *id = sv_json_str(query, "Id");

    if (id == NULL || id[0] == 0 || strlen(id) > ID_BYTES_MAX)
        return refuse(call, "A query has an Id of 1 to 255 characters.");
    for (size_t j = 0; j < i; j++) {
        if (strcmp(sv_json_str(json_array_get(queries, j), "Id"), id) == 0)
            return refuse(call, "Two queries have the same Id.");
    }
    if (!is_word(namespaces, sv_json_str(query, "Namespace")))
        return refuse(call, "The Namespace must be VDM.");
    if (!is_word(names, sv_json_str(query, "Metric")))
        return refuse(call, "There is no such Metric.");
    return dimensions_are_valid(call, query) && span_is_valid(call, query);
}

/* What the query sums up each day; nothing where we know nothing (`*known` stays false). */
static json_int_t daily_value(const struct sb_account *about, const json_t *query, bool *known)
{
    const json_t *given = json_object_get(query, "Dimensions");
    const char *wanted = sv_json_str(given, "EMAIL_IDENTITY"), *name;
    json_int_t sum = 0;
    json_t *one;

    if (json_object_size(given) > (wanted == NULL ? 0 : 1))
        return 0; /* by provider or configuration set: nobody has told us */
    json_object_foreach(about->metrics, name, one)
    {
        const json_t *value =
            json_object_get(json_object_get(one, "daily"), sv_json_str(query, "Metric"));

        if ((wanted != NULL && strcmp(wanted, name) != 0) || !json_is_integer(value))
            continue;
        *known = true;
        sum += json_integer_value(value);
    }
    return sum;
}

static json_t *result_json(const struct sb_account *about, const json_t *query)
{
    json_t *result = sv_json_object(), *timestamps = sv_json_array(), *values = sv_json_array();
    double end = json_number_value(json_object_get(query, "EndDate"));
    long long day = (long long)json_number_value(json_object_get(query, "StartDate")) / 86400;
    bool known = false;
    json_int_t value = daily_value(about, query, &known);

    for (; known && (double)day * 86400 < end; day++) {
        sv_json_append(timestamps, json_integer(day * 86400));
        sv_json_append(values, json_integer(value));
    }
    sv_json_set_str(result, "Id", sv_json_str(query, "Id"));
    sv_json_set(result, "Timestamps", timestamps);
    sv_json_set(result, "Values", values);
    return result;
}

static void answer_query(const struct sb_account *about, const json_t *query, json_t *results,
                         json_t *failures)
{
    const char *name = sv_json_str(json_object_get(query, "Dimensions"), "EMAIL_IDENTITY");
    const json_t *known = name == NULL ? NULL : json_object_get(about->metrics, name);
    const char *code = sv_json_str(known, "error");
    json_t *failure;

    if (code == NULL) {
        sv_json_append(results, result_json(about, query));
        return;
    }
    failure = sv_json_object();
    sv_json_set_str(failure, "Id", sv_json_str(query, "Id"));
    sv_json_set_str(failure, "Code", code);
    sv_json_set_str(failure, "Message", "scripted");
    sv_json_append(failures, failure);
}

void sb_v2_metrics(struct sb_call *call)
{
    const json_t *queries = json_object_get(call->input, "Queries");
    json_t *results = sv_json_array(), *failures = sv_json_array();

    sv_json_set(call->output, "Results", results);
    sv_json_set(call->output, "Errors", failures);
    if (!json_is_array(queries) || json_array_size(queries) < 1 ||
        json_array_size(queries) > QUERIES_MAX) {
        (void)refuse(call, "Queries must have 1 to 10 members.");
        return;
    }
    for (size_t i = 0; i < json_array_size(queries); i++) {
        if (!query_is_valid(call, queries, i))
            return;
    }
    if (!call->store->about.has_vdm) {
        (void)refuse(call, "Virtual Deliverability Manager is not enabled for this account.");
        return;
    }
    for (size_t i = 0; i < json_array_size(queries); i++)
        answer_query(&call->store->about, json_array_get(queries, i), results, failures);
}
