/* What SES tells of the mail itself: v2 BatchGetMetricData about one identity, and the open ones of
 * ListRecommendations. One call asks all metrics of one domain: SES allows ten queries a call and
 * sixteen calls a second, so that ten thousand domains take ten minutes. A query that SES fails is
 * in `Errors`, not in `Results`; the others of the call hold all the same. */
#include <string.h>

#include "ses_private.h"
#include "sv/json.h"

enum { VALUES_MAX = 400 /* a day each: more than a year is not asked for */ };

/* The Id of a query is its metric's name. */
static const struct metric {
    const char *name;
    size_t offset; /* in struct sv_mail */
    bool is_judged;
} metrics[] = {
    {"SEND", offsetof(struct sv_mail, sent), true},
    {"PERMANENT_BOUNCE", offsetof(struct sv_mail, permanent_bounces), true},
    {"TRANSIENT_BOUNCE", offsetof(struct sv_mail, transient_bounces), false},
    {"DELIVERY_COMPLAINT", offsetof(struct sv_mail, tracked), true},
    {"COMPLAINT", offsetof(struct sv_mail, complaints), true},
};

enum { METRICS = sizeof metrics / sizeof metrics[0] };

static json_t *metrics_body(const struct sv_ses_call *call)
{
    json_t *body = sv_json_object(), *queries = sv_json_array();

    for (size_t i = 0; i < METRICS; i++) {
        json_t *query = sv_json_object(), *dimensions = sv_json_object();

        sv_json_set_str(dimensions, "EMAIL_IDENTITY", call->domains[0]);
        sv_json_set_str(query, "Id", metrics[i].name);
        sv_json_set_str(query, "Namespace", "VDM");
        sv_json_set_str(query, "Metric", metrics[i].name);
        sv_json_set(query, "Dimensions", dimensions);
        sv_json_set_int(query, "StartDate", call->since / SV_SECOND);
        sv_json_set_int(query, "EndDate", (call->until + SV_SECOND - 1) / SV_SECOND);
        sv_json_append(queries, query);
    }
    sv_json_set(body, "Queries", queries);
    return body;
}

static json_t *recommendations_body(const struct sv_ses_call *call)
{
    json_t *body = sv_json_object(), *filter = sv_json_object();

    sv_json_set_str(filter, "STATUS", "OPEN");
    sv_json_set(body, "Filter", filter);
    if (call->page_token != NULL && call->page_token[0] != '\0')
        sv_json_set_str(body, "NextToken", call->page_token);
    sv_json_set_int(body, "PageSize", SV_SES_ADVICE_PAGE_MAX);
    return body;
}

json_t *sv_ses_reputation_body(const struct sv_ses_call *call)
{
    return call->op == SV_SES_METRICS ? metrics_body(call) : recommendations_body(call);
}

static const struct metric *find_metric(const json_t *result)
{
    const char *id = sv_json_str(result, "Id");

    for (size_t i = 0; id != NULL && i < METRICS; i++) {
        if (strcmp(id, metrics[i].name) == 0)
            return &metrics[i];
    }
    return NULL;
}

/* The sum of the days, at most what fits; false for anything that is no list of counts. */
static bool sum(const json_t *values, uint32_t *out)
{
    uint64_t total = 0;

    if (!json_is_array(values) || json_array_size(values) > VALUES_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *value = json_array_get(values, i);
        double count = json_is_number(value) ? json_number_value(value) : -1;

        if (!(count >= 0) || count > UINT32_MAX)
            return false;
        total += (uint64_t)count;
    }
    *out = total < UINT32_MAX ? (uint32_t)total : UINT32_MAX;
    return true;
}

static const char *read_metrics(const json_t *reply, struct sv_ses_metrics *out)
{
    const json_t *results = json_object_get(reply, "Results");
    bool told[METRICS] = {false};

    if (!json_is_array(results))
        return "no list of results";
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *result = json_array_get(results, i);
        const struct metric *metric = find_metric(result);
        uint32_t total;

        if (metric == NULL || told[metric - metrics])
            return "a result that was not asked for";
        if (!sum(json_object_get(result, "Values"), &total))
            return "values that are no counts";
        memcpy((char *)&out->mail + metric->offset, &total, sizeof total);
        told[metric - metrics] = true;
    }
    out->told = true;
    for (size_t i = 0; i < METRICS; i++)
        out->told = out->told && (told[i] || !metrics[i].is_judged);
    return NULL;
}

static uint32_t read_type(const json_t *line)
{
    static const struct {
        const char *word;
        uint32_t bit;
    } types[] = {
        {"DKIM", SV_ADVICE_DKIM},
        {"DMARC", SV_ADVICE_DMARC},
        {"SPF", SV_ADVICE_SPF},
        {"BIMI", SV_ADVICE_BIMI},
        {"COMPLAINT", SV_ADVICE_COMPLAINT},
        {"BOUNCE", SV_ADVICE_BOUNCE},
        {"FEEDBACK_3P", SV_ADVICE_FEEDBACK},
        {"IP_LISTING", SV_ADVICE_LISTING},
    };
    const uint32_t of_mail =
        SV_ADVICE_COMPLAINT | SV_ADVICE_BOUNCE | SV_ADVICE_FEEDBACK | SV_ADVICE_LISTING;
    const char *type = sv_json_str(line, "Type"), *impact = sv_json_str(line, "Impact");
    uint32_t bit = SV_ADVICE_OTHER;

    for (size_t i = 0; type != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(type, types[i].word) == 0)
            bit = types[i].bit;
    }
    if ((bit & of_mail) != 0 && impact != NULL && strcmp(impact, "HIGH") == 0)
        bit |= SV_ADVICE_HIGH;
    return bit;
}

/* "arn:aws:ses:eu-west-1:123456789012:identity/client.example"; one that is about something else,
 * or is open no more, stays a line without a name. */
static void read_advice(const json_t *line, struct sv_ses_advice *out)
{
    static const char mark[] = ":identity/";
    const char *arn = sv_json_str(line, "ResourceArn"), *status = sv_json_str(line, "Status");
    const char *name = arn != NULL ? strstr(arn, mark) : NULL;

    *out = (struct sv_ses_advice){.name = ""};
    if (name == NULL || status == NULL || strcmp(status, "OPEN") != 0)
        return;
    name += sizeof mark - 1;
    if (sv_aws_copy_word(out->name, sizeof out->name, name, strlen(name)))
        out->advice = read_type(line);
}

static const char *read_recommendations(const json_t *reply, struct sv_ses_advice_page *page)
{
    const json_t *lines = json_object_get(reply, "Recommendations");

    page->count = 0;
    if (!json_is_array(lines))
        return "no list of recommendations";
    if (json_array_size(lines) > SV_SES_ADVICE_PAGE_MAX)
        return "more recommendations than were asked for";
    if (!sv_ses_list_token(reply, page->next_token))
        return "a NextToken that cannot be one";
    for (size_t i = 0; i < json_array_size(lines); i++) {
        if (!json_is_object(json_array_get(lines, i)))
            return "a recommendation that is no object";
        read_advice(json_array_get(lines, i), &page->lines[i]);
    }
    page->count = json_array_size(lines);
    return NULL;
}

const char *sv_ses_reputation_read(const struct sv_ses_call *call, const json_t *reply)
{
    return call->op == SV_SES_METRICS ? read_metrics(reply, call->metrics)
                                      : read_recommendations(reply, call->advice_page);
}
