#include "show.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/finding.h"
#include "sv/json.h"
#include "sv/require.h"
#include "text.h"

enum { LINE_BYTES_MAX = 4096, TXT_STRING_BYTES = 255, EVIDENCE_BYTES = 200 };

void sv_show_text(const struct sv_show *show, enum sv_colour colour, const char *text)
{
    bool painted = show->colour && colour != SV_PLAIN;
    char *safe = sv_strdup(text);

    sv_term_make_safe(safe);
    (void)fprintf(show->out, "%s%s%s", painted ? sv_term_start(colour) : "", safe,
                  painted ? sv_term_reset : "");
    free(safe);
}

void sv_show_head(const struct sv_show *show, const char *title)
{
    (void)fputc('\n', show->out);
    sv_show_text(show, SV_BOLD, title);
    (void)fputc('\n', show->out);
}

static void start(const struct sv_show *show, unsigned indent, const char *label)
{
    (void)fprintf(show->out, "%*s%-*s", (int)indent, "", SV_SHOW_LABEL, label);
}

void sv_show_line(const struct sv_show *show, unsigned indent, const char *label,
                  enum sv_colour colour, const char *text)
{
    start(show, indent, label);
    sv_show_text(show, colour, text);
    (void)fputc('\n', show->out);
}

void sv_show_linef(const struct sv_show *show, unsigned indent, const char *label,
                   const char *format, ...)
{
    char text[LINE_BYTES_MAX];
    va_list values;

    va_start(values, format);
    (void)vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    sv_show_line(show, indent, label, SV_PLAIN, text);
}

/* The words of `text` from column `left` on, which is where the line stands. */
static void wrap(const struct sv_show *show, size_t left, const char *text)
{
    size_t column = left;
    char *safe = sv_strdup(text), *word = safe;

    sv_term_make_safe(safe);
    while (*word != '\0') {
        size_t len = strcspn(word, " ");
        bool last = word[len] == '\0';
        size_t columns;

        word[len] = '\0';
        columns = sv_term_columns(word);
        if (column > left && column + 1 + columns > SV_SHOW_COLUMNS) {
            (void)fprintf(show->out, "\n%*s", (int)left, "");
            column = left;
        }
        (void)fprintf(show->out, "%s%s", column > left ? " " : "", word);
        column += columns + (column > left ? 1 : 0);
        word += len + (last ? 0 : 1);
    }
    (void)fputc('\n', show->out);
    free(safe);
}

void sv_show_prose(const struct sv_show *show, unsigned indent, const char *label, const char *text)
{
    start(show, indent, label);
    wrap(show, indent + SV_SHOW_LABEL, text);
}

void sv_show_at(const struct sv_show *show, sv_ms at, const char *text)
{
    char when[SV_SHOW_TIME_BYTES];
    int left = fprintf(show->out, "  %-32s  ", sv_show_time(show, at, when));

    wrap(show, left > 0 ? (size_t)left : 0, text);
}

const char *sv_show_time(const struct sv_show *show, sv_ms at, char out[SV_SHOW_TIME_BYTES])
{
    char instant[SV_TIME_TEXT_BYTES], today[SV_TIME_TEXT_BYTES], rough[SV_DURATION_TEXT_BYTES];
    bool past = at <= show->now, other_day;

    if (at == 0) {
        (void)snprintf(out, SV_SHOW_TIME_BYTES, "unknown");
        return out;
    }
    (void)sv_time_format(at, instant);
    (void)sv_time_format(show->now, today);
    (void)sv_duration_human(past ? show->now - at : at - show->now, rough);
    other_day = strncmp(instant, today, 10) != 0;
    (void)snprintf(out, SV_SHOW_TIME_BYTES, "%.*s%s%.5s UTC (%s%s%s)", other_day ? 10 : 0, instant,
                   other_day ? " " : "", instant + 11, past ? "" : "in ",
                   at == show->now ? "now" : rough, past && at != show->now ? " ago" : "");
    return out;
}

sv_ms sv_show_instant(const json_t *object, const char *key)
{
    const char *text = sv_json_str(object, key);
    sv_ms at = 0;

    if (text == NULL || sv_time_parse(text, strlen(text), &at) != SV_OK)
        return 0;
    return at;
}

/* "192.0.2.1:53: nxdomain, authoritative, TTL 900 s". Returns `out`. */
static const char *evidence_text(const json_t *evidence, char out[EVIDENCE_BYTES])
{
    const char *trouble = sv_json_str(evidence, "trouble");
    const json_t *ede = json_object_get(evidence, "ede");
    long long ttl = json_integer_value(json_object_get(evidence, "ttl"));
    char error[32] = "", seconds[32] = "";

    if (json_is_integer(ede))
        (void)snprintf(error, sizeof(error), ", EDE %lld", json_integer_value(ede));
    if (ttl > 0)
        (void)snprintf(seconds, sizeof(seconds), ", TTL %lld s", ttl);
    (void)snprintf(out, EVIDENCE_BYTES, "%s: %s%s%s%s%s%s", sv_text_of(evidence, "server"),
                   trouble != NULL ? trouble : sv_text_of(evidence, "outcome"),
                   json_is_true(json_object_get(evidence, "aa")) ? ", authoritative" : "",
                   json_is_true(json_object_get(evidence, "ad")) ? ", DNSSEC validated" : "",
                   json_is_true(json_object_get(evidence, "tcp")) ? ", over TCP" : "", seconds,
                   error);
    return out;
}

/* ---- findings ---- */

int sv_show_primary(const json_t *findings)
{
    int first = -1;

    for (size_t i = 0; i < json_array_size(findings); i++) {
        const char *severity = sv_text_of(json_array_get(findings, i), "severity");

        if (strcmp(severity, "error") == 0)
            return (int)i;
        if (first < 0 && strcmp(severity, "info") != 0)
            first = (int)i;
    }
    return first;
}

static enum sv_colour colour_of(const char *severity)
{
    if (strcmp(severity, "error") == 0)
        return SV_RED;
    return strcmp(severity, "info") == 0 ? SV_DIM : SV_YELLOW;
}

/* The record that is meant: of that name and not right; where there are several, that value. */
static const json_t *record_of(const json_t *records, const json_t *finding)
{
    const json_t *only = NULL;
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(records); i++) {
        const json_t *record = json_array_get(records, i);

        if (!sv_name_equal(sv_text_of(record, "name"), sv_text_of(finding, "owner")) ||
            strcmp(sv_text_of(record, "status"), "ok") == 0)
            continue;
        if (strcmp(sv_text_of(record, "value"), sv_text_of(finding, "expected")) == 0)
            return record;
        only = record;
        count++;
    }
    return count == 1 ? only : NULL;
}

static bool starts_with(const char *text, const char *front)
{
    return strncmp(text, front, strlen(front)) == 0;
}

/* What may be pasted; NULL = nothing. SPF and DMARC records hold what is the client's own, other
 * senders above all: only the whole record that the finding proposes may replace one. */
static const char *value_to_paste(const json_t *record, const json_t *finding)
{
    static const char *const versions[] = {"v=spf1", "v=DMARC1"};
    const char *value = sv_text_of(record, "value"), *proposed = sv_text_of(finding, "expected");

    if (strcmp(value, proposed) == 0)
        return value;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        bool whole = strlen(proposed) < SV_FINDING_VALUE_BYTES - 1; /* not cut */

        if (starts_with(value, versions[i]))
            return whole && starts_with(proposed, versions[i]) ? proposed : NULL;
    }
    return value;
}

/* Strings of at most 255 octets, as zone files want them. */
static void add_strings(struct sv_buf *line, const char *value)
{
    for (size_t i = 0; value[i] != '\0'; i++) {
        bool special = value[i] == '"' || value[i] == '\\';

        (void)!sv_buf_printf(line, "%s%s%c",
                             i % TXT_STRING_BYTES != 0 ? ""
                             : i == 0                  ? "\""
                                                       : "\" \"",
                             special ? "\\" : "", value[i]);
    }
    (void)!sv_buf_add_str(line, "\"");
}

void sv_show_publish(const struct sv_show *show, const json_t *finding, const json_t *records)
{
    const json_t *record = record_of(records, finding);
    const char *value = record != NULL ? value_to_paste(record, finding) : NULL;
    struct sv_buf line;

    if (value == NULL || strcmp(sv_text_of(finding, "severity"), "temporary") == 0)
        return;
    /* A line of a zone file: without its last dot a name would get the zone's appended. */
    sv_buf_init(&line, LINE_BYTES_MAX);
    (void)!sv_buf_printf(&line, "%s. %lld IN %s ", sv_text_of(record, "name"),
                         json_integer_value(json_object_get(record, "ttl")),
                         sv_text_of(record, "type"));
    if (strcmp(sv_text_of(record, "type"), "TXT") == 0)
        add_strings(&line, value);
    else
        (void)!sv_buf_printf(&line, "%s.", value);
    sv_show_line(show, 4, "publish", SV_PLAIN, sv_buf_str(&line));
    sv_buf_fini(&line);
    sv_show_linef(show, 4, "as host", "%s (where the panel adds the domain)",
                  sv_text_of(record, "host"));
}

/* Lists are broken between their items; a record's value never is. */
static void show_value(const struct sv_show *show, const char *label, const char *text)
{
    if (strstr(text, ", ") != NULL)
        sv_show_prose(show, 4, label, text);
    else if (*text != '\0')
        sv_show_line(show, 4, label, SV_PLAIN, text);
}

static void show_finding(const struct sv_show *show, const json_t *finding, bool primary,
                         const json_t *records)
{
    const char *severity = sv_text_of(finding, "severity");
    const json_t *evidence = json_object_get(finding, "evidence");
    const json_t *witnesses = json_object_get(finding, "witnesses");
    char shown[EVIDENCE_BYTES], when[SV_SHOW_TIME_BYTES];

    (void)fprintf(show->out, "  ");
    sv_show_text(show, colour_of(severity), severity);
    (void)fputc(' ', show->out);
    sv_show_text(show, SV_PLAIN, sv_text_of(finding, "code"));
    if (primary)
        sv_show_text(show, SV_BOLD,
                     strcmp(severity, "temporary") == 0
                         ? "  <- the cause, as far as can be told now"
                         : "  <- repair this first");
    (void)fputc('\n', show->out);
    sv_show_line(show, 4, "about", SV_PLAIN, sv_text_of(finding, "owner"));
    show_value(show, "expected", sv_text_of(finding, "expected"));
    show_value(show, "found", sv_text_of(finding, "found"));
    if (json_is_object(evidence))
        sv_show_line(show, 4, "said by", SV_DIM, evidence_text(evidence, shown));
    for (size_t i = 0; i < json_array_size(witnesses); i++)
        sv_show_line(show, 4, "", SV_DIM, evidence_text(json_array_get(witnesses, i), shown));
    if (sv_json_str(finding, "until") != NULL)
        sv_show_line(show, 4, sv_show_instant(finding, "until") > show->now ? "until" : "ended",
                     SV_PLAIN, sv_show_time(show, sv_show_instant(finding, "until"), when));
    if (*sv_text_of(finding, "advice") != '\0')
        sv_show_prose(show, 4, "do", sv_text_of(finding, "advice"));
    sv_show_publish(show, finding, records);
}

void sv_show_findings(const struct sv_show *show, const json_t *findings, const json_t *records,
                      const struct sv_show_more *more)
{
    int primary = sv_show_primary(findings);

    if (json_array_size(findings) == 0)
        return;
    if (more->right && primary >= 0 &&
        strcmp(sv_text_of(json_array_get(findings, (size_t)primary), "severity"), "temporary") == 0)
        primary = -1; /* the cause of nothing */
    sv_show_head(show, "Findings");
    if (primary > 0)
        show_finding(show, json_array_get(findings, (size_t)primary), true, records);
    for (size_t i = 0; i < json_array_size(findings); i++) {
        if (primary <= 0 || i != (size_t)primary)
            show_finding(show, json_array_get(findings, i), (int)i == primary, records);
    }
    if (more->hidden > 0)
        (void)fprintf(show->out, "  %zu more follow from these and are not shown\n", more->hidden);
    if (more->omitted > 0)
        (void)fprintf(show->out, "  %zu more did not fit\n", more->omitted);
}

/* ---- records ---- */

void sv_show_record(const struct sv_show *show, const json_t *record)
{
    const json_t *evidence = json_object_get(record, "evidence");
    const char *status = sv_text_of(record, "status"), *view = sv_json_str(record, "view");
    const char *seen = sv_text_of(record, "seen");
    char shown[EVIDENCE_BYTES], when[SV_SHOW_TIME_BYTES];

    (void)fprintf(show->out, "  ");
    sv_show_text(show, sv_text_colour_of_record(status), status);
    (void)fprintf(show->out, "%*s %-5s ", (int)(8 - strlen(status)), "",
                  sv_text_of(record, "type"));
    sv_show_text(show, SV_PLAIN, sv_text_of(record, "name"));
    (void)fputc('\n', show->out);
    sv_show_line(show, 11, "expected", SV_PLAIN, sv_text_of(record, "value"));
    if (json_is_object(evidence)) {
        const char *outcome = sv_text_of(evidence, "outcome");
        const char *nothing = strcmp(outcome, "unknown") == 0 ? "nobody could tell" : "nothing";

        sv_show_line(show, 11, "seen", SV_PLAIN, *seen != '\0' ? seen : nothing);
        sv_show_linef(show, 11, "by", "%s %s",
                      view != NULL && strcmp(view, "resolver") == 0 ? "resolver" : "zone's server",
                      evidence_text(evidence, shown));
    }
    if (sv_json_str(record, "since") != NULL)
        sv_show_line(show, 11, "since", SV_PLAIN,
                     sv_show_time(show, sv_show_instant(record, "since"), when));
    if (sv_json_str(record, "until") != NULL)
        sv_show_line(show, 11, "until", SV_PLAIN,
                     sv_show_time(show, sv_show_instant(record, "until"), when));
}

/* ---- forecast ---- */

void sv_show_foresee(json_t *forecast, sv_ms now, sv_ms at, const char *what, const char *text)
{
    char instant[SV_TIME_TEXT_BYTES];
    json_t *item;
    size_t place = 0;

    if (at < now)
        return;
    for (; place < json_array_size(forecast); place++) {
        const json_t *other = json_array_get(forecast, place);

        if (sv_show_instant(other, "at") == at && strcmp(sv_text_of(other, "what"), what) == 0)
            return;
        if (sv_show_instant(other, "at") > at)
            break;
    }
    item = sv_json_object();
    sv_json_set_str(item, "at", sv_time_format(at, instant));
    sv_json_set_str(item, "what", what);
    sv_json_set_str(item, "text", text);
    SV_REQUIRE(json_array_insert_new(forecast, place, item) == 0);
}

/* What a finding's {until} means; the others are times of the past. */
static const char *text_of_until(const char *code)
{
    static const struct {
        enum sv_finding_code code;
        const char *text;
    } texts[] = {
        {SV_F_DNS_NEGATIVE_CACHED, "until then resolvers may remember the missing record"},
        {SV_F_DNS_STALE_CACHE, "until then resolvers may remember the old value"},
        {SV_F_DNS_RECORD_REMOVED, "until then resolvers may remember the removed record"},
        {SV_F_DNS_SECONDARY_LAGGING, "until then the slower servers may give the old zone"},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        if (sv_finding_parse(code) == texts[i].code)
            return texts[i].text;
    }
    return "until then this may last";
}

void sv_show_foresee_findings(json_t *forecast, const json_t *findings, sv_ms now)
{
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        sv_ms until = sv_show_instant(finding, "until");

        sv_show_foresee(forecast, now, until, sv_text_of(finding, "code"),
                        text_of_until(sv_text_of(finding, "code")));
    }
}

void sv_show_forecast(const struct sv_show *show, const json_t *forecast)
{
    if (json_array_size(forecast) == 0)
        return;
    sv_show_head(show, "What happens next");
    for (size_t i = 0; i < json_array_size(forecast); i++) {
        const json_t *item = json_array_get(forecast, i);

        sv_show_at(show, sv_show_instant(item, "at"), sv_text_of(item, "text"));
    }
}
