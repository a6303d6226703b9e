/* Runs tables of DKIM key records through the judge of keys. Usage: dkim_key_vectors FILE.json ...
 * The format of the tables is told in README.md. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/buf.h"
#include "sv/finding.h"

#include "dkim_key.h"
#include "tally.h"

enum { RECORDS_MAX = 16, WORDS_BYTES = 1024 };

static const char *text_of(const struct tally *tally, const json_t *test, const char *key)
{
    const json_t *value = json_object_get(test, key);

    if (value != NULL && !json_is_string(value))
        tally_refuse(tally, "must be a string", key);
    return json_string_value(value);
}

/* A record is a string, or the list of strings that it is made of. */
static void read_record(const struct tally *tally, const json_t *record, struct sv_buf *out)
{
    size_t i;
    const json_t *string;

    if (json_is_string(record)) {
        if (!sv_buf_add(out, json_string_value(record), json_string_length(record)))
            tally_refuse(tally, "too long", "records");
        return;
    }
    if (!json_is_array(record))
        tally_refuse(tally, "holds neither a string nor a list of strings", "records");
    json_array_foreach(record, i, string)
    {
        if (!json_is_string(string) ||
            !sv_buf_add(out, json_string_value(string), json_string_length(string)))
            tally_refuse(tally, "holds what is no string, or too long", "records");
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "a b c", sorted: codes are a set. */
static void join(const char **words, size_t count, char out[WORDS_BYTES])
{
    size_t len = 0;

    qsort(words, count, sizeof(*words), by_name);
    out[0] = '\0';
    for (size_t i = 0; i < count && len < WORDS_BYTES; i++)
        len += (size_t)snprintf(out + len, WORDS_BYTES - len, "%s%s", i > 0 ? " " : "", words[i]);
}

static void compare_codes(struct tally *tally, const json_t *test, const struct sv_dkim_key *key)
{
    const json_t *codes = json_object_get(test, "codes");
    const char *wanted[SV_F_COUNT];
    const char *got[SV_DKIM_KEY_FAULTS_MAX];
    char wanted_text[WORDS_BYTES];
    char got_text[WORDS_BYTES];
    size_t count = json_array_size(codes);

    if (!json_is_array(codes) || count >= SV_F_COUNT)
        tally_refuse(tally, "must be a list", "codes");
    for (size_t i = 0; i < count; i++) {
        wanted[i] = json_string_value(json_array_get(codes, i));
        if (wanted[i] == NULL || sv_finding_parse(wanted[i]) == SV_F_NONE)
            tally_refuse(tally, "unknown code", wanted[i] != NULL ? wanted[i] : "no string");
    }
    for (size_t i = 0; i < key->faults_count; i++)
        got[i] = sv_finding_name(key->faults[i].code);
    join(wanted, count, wanted_text);
    join(got, key->faults_count, got_text);
    tally_compare(tally, "codes", got_text, wanted_text);
}

static void compare_flag(struct tally *tally, const json_t *test, const char *name, bool got)
{
    const json_t *wanted = json_object_get(test, name);

    if (wanted == NULL)
        return;
    if (!json_is_boolean(wanted))
        tally_refuse(tally, "must be true or false", name);
    tally_compare(tally, name, got ? "true" : "false", json_is_true(wanted) ? "true" : "false");
}

static void compare_number(struct tally *tally, const json_t *test, const char *name, size_t got)
{
    const json_t *wanted = json_object_get(test, name);
    char wanted_text[32];
    char got_text[32];

    if (wanted == NULL)
        return;
    if (!json_is_integer(wanted))
        tally_refuse(tally, "must be a number", name);
    (void)snprintf(wanted_text, sizeof(wanted_text), "%lld", (long long)json_integer_value(wanted));
    (void)snprintf(got_text, sizeof(got_text), "%zu", got);
    tally_compare(tally, name, got_text, wanted_text);
}

static void compare(struct tally *tally, const json_t *test, const struct sv_span *records,
                    const struct sv_dkim_key *key)
{
    const char *type = text_of(tally, test, "type");

    compare_codes(tally, test, key);
    if (type != NULL)
        tally_compare(tally, "type", sv_dkim_key_type_name(key->type), type);
    compare_number(tally, test, "bits", key->bits);
    compare_flag(tally, test, "testing", key->testing);
    compare_flag(tally, test, "strict", key->strict);
    compare_flag(tally, test, "usable", key->usable);
    if (json_object_get(test, "position") != NULL && key->faults_count == 0)
        tally_compare(tally, "position", "nowhere, since nothing is wrong", "told");
    if (key->faults_count > 0 && key->faults[0].at.text != NULL)
        compare_number(tally, test, "position", (size_t)(key->faults[0].at.text - records[0].text));
}

static void run(struct tally *tally, json_t *test)
{
    static const char *const known[] = {"!name",  "!cite",  "!records", "wanted",
                                        "!codes", "type",   "bits",     "testing",
                                        "strict", "usable", "position", NULL};
    const json_t *list = json_object_get(test, "records");
    struct sv_buf texts[RECORDS_MAX];
    struct sv_span records[RECORDS_MAX] = {{0}};
    struct sv_dkim_key key;
    const char *wanted;
    size_t count = json_array_size(list);

    tally_keys(tally, test, known);
    if (!json_is_array(list) || count > RECORDS_MAX)
        tally_refuse(tally, "must be a list of at most 16", "records");
    for (size_t i = 0; i < count; i++) {
        sv_buf_init(&texts[i], SV_DKIM_KEY_TEXT_MAX * 2);
        read_record(tally, json_array_get(list, i), &texts[i]);
        records[i] = sv_span_of(sv_buf_str(&texts[i]));
    }
    wanted = text_of(tally, test, "wanted");
    sv_dkim_key_read_all(records, count, sv_span_of(wanted != NULL ? wanted : ""), &key);
    compare(tally, test, records, &key);
    for (size_t i = 0; i < count; i++)
        sv_buf_fini(&texts[i]);
}

int main(int argc, char **argv)
{
    return tally_main(argc, argv, run);
}
