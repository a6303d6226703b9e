#include "tally.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/json.h"

enum { FILE_BYTES_MAX = 4 << 20, DEPTH_MAX = 10 };

void tally_refuse(const struct tally *tally, const char *why, const char *what)
{
    (void)fprintf(stderr, "%s: %s: %s: %s\n", tally->file, tally->name, why, what);
    exit(2);
}

void tally_keys(const struct tally *tally, const json_t *object, const char *const *known)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        tally_refuse(tally, "not an object", "a part of the case");
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        size_t i = 0;
        while (known[i] != NULL && strcmp(key, known[i] + (known[i][0] == '!')) != 0)
            i++;
        if (known[i] == NULL)
            tally_refuse(tally, "unknown key", key);
    }
    for (size_t i = 0; known[i] != NULL; i++) {
        if (known[i][0] == '!' && json_object_get(object, known[i] + 1) == NULL)
            tally_refuse(tally, "missing key", known[i] + 1);
    }
}

void tally_compare(struct tally *tally, const char *what, const char *got, const char *wanted)
{
    tally->compared++;
    if (strcmp(got, wanted) == 0)
        return;
    printf("%s: %s: %s is %s, expected %s\n", tally->file, tally->name, what, got, wanted);
    tally->bad = true;
}

static json_t *load(const struct tally *tally)
{
    char *text = sv_alloc(1, FILE_BYTES_MAX);
    FILE *file = fopen(tally->file, "re");
    struct sv_errinfo why = {0};
    json_t *table;

    if (file == NULL)
        tally_refuse(tally, "cannot be opened", tally->file);
    table = sv_json_parse(text, fread(text, 1, FILE_BYTES_MAX, file), FILE_BYTES_MAX - 1, DEPTH_MAX,
                          &why);
    (void)fclose(file);
    free(text);
    if (table == NULL)
        tally_refuse(tally, "is no JSON", why.text);
    return table;
}

static void run_case(struct tally *tally, json_t *test, tally_run_fn *run)
{
    const char *name = sv_json_str(test, "name");

    if (name == NULL || sv_json_str(test, "cite") == NULL)
        tally_refuse(tally, "a case without name or cite after", tally->name);
    tally->name = name;
    tally->bad = false;
    tally->compared = 0;
    run(tally, test);
    *(tally->bad ? &tally->failed : &tally->passed) += 1;
}

static void run_file(struct tally *tally, tally_run_fn *run)
{
    static const char *const known[] = {"!cases", "about", NULL};
    json_t *table, *test;
    size_t i;

    tally->name = "the whole file";
    table = load(tally);
    tally_keys(tally, table, known);
    if (json_array_size(json_object_get(table, "cases")) == 0)
        tally_refuse(tally, "holds no", "cases");
    json_array_foreach(json_object_get(table, "cases"), i, test) run_case(tally, test, run);
    json_decref(table);
}

int tally_main(int argc, char **argv, tally_run_fn *run)
{
    struct tally tally = {.passed = 0};

    for (int i = 1; i < argc; i++) {
        tally.file = argv[i];
        run_file(&tally, run);
    }
    printf("%u passed, %u failed\n", tally.passed, tally.failed);
    return tally.failed == 0 && tally.passed > 0 ? 0 : 1;
}
