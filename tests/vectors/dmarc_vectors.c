/* Runs tables of DMARC cases: what a record says, and how receivers find the policy of a name by
 * RFC 9989 and by RFC 7489. Usage: dmarc_vectors FILE.json ... The format of the tables is told in
 * README.md. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/buf.h"
#include "sv/err.h"
#include "sv/json.h"

#include "dmarc_zone.h"
#include "tally.h"

enum { LINE_BYTES = 512, LIST_BYTES_MAX = 1 << 20 };

/* A value as the text it is compared by: null, true and false by these words. */
static const char *text_of(const struct tally *tally, const json_t *value, const char *key,
                           char room[LINE_BYTES])
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_null(value))
        return "null";
    if (json_is_boolean(value))
        return json_is_true(value) ? "true" : "false";
    if (!json_is_integer(value))
        tally_refuse(tally, "neither a word nor a number nor null", key);
    (void)snprintf(room, LINE_BYTES, "%lld", (long long)json_integer_value(value));
    return room;
}

/* Compares one member, if the table speaks of it. */
static void expect(struct tally *tally, const json_t *object, const char *where, const char *key,
                   const char *got)
{
    const json_t *value = json_object_get(object, key);
    char what[LINE_BYTES];
    char room[LINE_BYTES];

    if (value == NULL)
        return;
    (void)snprintf(what, sizeof(what), "%s%s%s", where, where[0] != '\0' ? "." : "", key);
    tally_compare(tally, what, got, text_of(tally, value, key, room));
}

static const char *tri_name(enum sv_tri tri)
{
    return tri == SV_TRI_YES ? "yes" : tri == SV_TRI_NO ? "no" : "unknown";
}

/* A list of strings against what was found, both as one line. */
static void expect_list(struct tally *tally, json_t *list, const char *what, const char *got)
{
    struct sv_buf wanted;
    size_t i;
    json_t *item;

    if (list == NULL)
        return;
    if (!json_is_array(list))
        tally_refuse(tally, "not a list", what);
    sv_buf_init(&wanted, LIST_BYTES_MAX);
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item) || !sv_buf_add_str(&wanted, i > 0 ? " | " : "") ||
            !sv_buf_add_str(&wanted, json_string_value(item)))
            tally_refuse(tally, "holds what is no string", what);
    }
    tally_compare(tally, what, got, sv_buf_str(&wanted));
    sv_buf_fini(&wanted);
}

static void add(struct sv_buf *line, const char *between, struct sv_span text)
{
    if ((line->len > 0 && !sv_buf_add_str(line, between)) || !sv_buf_add(line, text.text, text.len))
        exit(2);
}

/* What the record says. */

static const char *word_name(enum sv_dmarc_word word)
{
    if (word == SV_DMARC_WORD_ABSENT)
        return "absent";
    return word == SV_DMARC_WORD_BAD ? "bad" : sv_dmarc_word_name(word);
}

static void expect_addresses(struct tally *tally, json_t *list, struct sv_span rest)
{
    struct sv_dmarc_uri uri;
    struct sv_buf line;

    sv_buf_init(&line, LIST_BYTES_MAX);
    while (sv_dmarc_uri_next(&rest, &uri)) {
        if (uri.kind == SV_DMARC_URI_MAILTO)
            add(&line, " | ", sv_span_of(uri.domain));
        else
            add(&line, " | ", sv_span_of(uri.kind == SV_DMARC_URI_BAD ? "bad" : "other"));
    }
    expect_list(tally, list, "rua", sv_buf_str(&line));
    sv_buf_fini(&line);
}

static void expect_faults(struct tally *tally, json_t *list, struct sv_span text)
{
    struct sv_dmarc_reader reader = {.rest = text};
    struct sv_dmarc_tag tag;
    struct sv_buf line;

    sv_buf_init(&line, LIST_BYTES_MAX);
    while (sv_dmarc_next(&reader, &tag)) {
        if (tag.fault != SV_DMARC_FAULT_NONE)
            add(&line, " | ", tag.text);
    }
    expect_list(tally, list, "faults", sv_buf_str(&line));
    sv_buf_fini(&line);
}

static void run_record(struct tally *tally, json_t *test)
{
    static const char *const known[] = {"!name",    "!cite",     "!record",  "is_record", "p",
                                        "sp",       "np",        "adkim",    "aspf",      "t",
                                        "psd",      "pct",       "p_second", "repeated",  "rua",
                                        "rua_some", "malformed", "faults",   NULL};
    json_t *written = json_object_get(test, "record");
    struct sv_span text = {json_string_value(written), json_string_length(written)};
    struct sv_dmarc_record record = {0};
    char number[LINE_BYTES];

    tally_keys(tally, test, known);
    if (text.text == NULL)
        tally_refuse(tally, "not a string", "record");
    expect(tally, test, "", "is_record", sv_dmarc_is_record(text) ? "true" : "false");
    expect(tally, test, "", "malformed", sv_dmarc_is_malformed(text) ? "true" : "false");
    if (!sv_dmarc_is_record(text))
        return;
    sv_dmarc_parse(text, &record);
    (void)snprintf(number, sizeof(number), "%u", record.percent);
    expect(tally, test, "", "p", word_name(record.p));
    expect(tally, test, "", "sp", word_name(record.sp));
    expect(tally, test, "", "np", word_name(record.np));
    expect(tally, test, "", "adkim", record.adkim_strict ? "s" : "r");
    expect(tally, test, "", "aspf", record.aspf_strict ? "s" : "r");
    expect(tally, test, "", "t", record.test_mode ? "y" : "n");
    expect(tally, test, "", "psd", (const char[]){record.psd, '\0'});
    expect(tally, test, "", "pct", number);
    expect(tally, test, "", "p_second", record.has_order_of_before ? "true" : "false");
    expect(tally, test, "", "repeated", record.has_repeated ? "true" : "false");
    expect(tally, test, "", "rua_some", record.has_report_uri ? "true" : "false");
    expect_addresses(tally, json_object_get(test, "rua"), record.rua);
    expect_faults(tally, json_object_get(test, "faults"), text);
}

/* How the policy is found. */

static void expect_steps(struct tally *tally, json_t *list, const struct sv_dmarc_walk *walk)
{
    struct sv_buf line;

    sv_buf_init(&line, LIST_BYTES_MAX);
    for (size_t i = 0; i < walk->count; i++) {
        const struct sv_dmarc_reply *reply = &walk->replies[i];
        add(&line, " | ", sv_span_of("_dmarc."));
        add(&line, "", sv_span_of(walk->names[i]));
        add(&line, " ", sv_span_of(sv_dmarc_found_name(reply->found)));
        if (reply->found == SV_DMARC_FOUND_RECORD)
            add(&line, " ", (struct sv_span){&reply->record.psd, 1});
    }
    expect_list(tally, list, "steps", sv_buf_str(&line));
    sv_buf_fini(&line);
}

static void expect_verdict(struct tally *tally, const json_t *test, const char *which,
                           const struct sv_dmarc_applied *applied, bool is_now)
{
    static const char *const known[] = {"organizational_domain", "record_at", "policy", "applied",
                                        NULL};
    json_t *wanted = json_object_get(test, which);
    char at[LINE_BYTES] = "null";
    enum sv_dmarc_policy weaker = applied->policy;

    if (wanted == NULL)
        return;
    tally_keys(tally, wanted, known);
    if (applied->at != NULL)
        (void)snprintf(at, sizeof(at), "_dmarc.%s", applied->at);
    if (applied->at != NULL && (is_now ? applied->record.test_mode : applied->record.percent == 0))
        weaker = sv_dmarc_weaken(weaker);
    expect(tally, wanted, which, "organizational_domain",
           applied->organizational != NULL ? applied->organizational : "null");
    expect(tally, wanted, which, "record_at", at);
    expect(tally, wanted, which, "policy", sv_dmarc_policy_name(applied->policy));
    expect(tally, wanted, which, "applied", sv_dmarc_policy_name(weaker));
}

static void expect_alignment(struct tally *tally, json_t *one, const struct sv_dmarc_source *source,
                             const char *start)
{
    static const char *const known[] = {"!identifier", "!mode", "now", "before", NULL};
    const char *identifier;
    const char *mode;
    bool strict;

    tally_keys(tally, one, known);
    identifier = json_string_value(json_object_get(one, "identifier"));
    mode = json_string_value(json_object_get(one, "mode"));
    if (identifier == NULL || mode == NULL || strlen(identifier) > SV_NAME_MAX)
        tally_refuse(tally, "not a name and a mode", "alignment");
    strict = strcmp(mode, "strict") == 0;
    if (!strict && strcmp(mode, "relaxed") != 0)
        tally_refuse(tally, "neither relaxed nor strict", mode);
    expect(tally, one, identifier, "now",
           tri_name(sv_dmarc_aligned(source, start, identifier, strict)));
    expect(tally, one, identifier, "before",
           sv_dmarc_aligned_before(start, identifier, strict) ? "yes" : "no");
}

static void run_walk(struct tally *tally, json_t *test)
{
    static const char *const known[] = {"!name", "!cite",  "!zone",     "!start", "steps",
                                        "now",   "before", "alignment", NULL};
    json_t *zone = json_object_get(test, "zone");
    const char *start = json_string_value(json_object_get(test, "start"));
    struct sv_dmarc_source source = dmarc_zone_source(zone);
    struct sv_dmarc_walk walk;
    struct sv_dmarc_applied now;
    struct sv_dmarc_applied before;
    size_t i;
    json_t *one;

    tally_keys(tally, test, known);
    if (start == NULL || *start == '\0' || strlen(start) > SV_NAME_MAX)
        tally_refuse(tally, "not a name", "start");
    if (dmarc_zone_check(zone) != NULL)
        tally_refuse(tally, "cannot be understood in the zone", dmarc_zone_check(zone));
    sv_dmarc_walk(&source, start, &walk);
    sv_dmarc_apply(&source, &walk, &now);
    sv_dmarc_apply_before(&source, start, false, &before);
    expect_steps(tally, json_object_get(test, "steps"), &walk);
    expect_verdict(tally, test, "now", &now, true);
    expect_verdict(tally, test, "before", &before, false);
    if (json_object_get(test, "alignment") != NULL &&
        !json_is_array(json_object_get(test, "alignment")))
        tally_refuse(tally, "not a list", "alignment");
    json_array_foreach(json_object_get(test, "alignment"), i, one)
        expect_alignment(tally, one, &source, start);
}

static void run_case(struct tally *tally, json_t *test)
{
    if (json_object_get(test, "record") != NULL)
        run_record(tally, test);
    else
        run_walk(tally, test);
    if (tally->compared == 0)
        tally_refuse(tally, "nothing is expected of", "it");
}

int main(int argc, char **argv)
{
    return tally_main(argc, argv, run_case);
}
