/* Runs test cases in the YAML format of the OpenSPF test suite (spf/README.md) through our
 * evaluator. Usage: spf_suite FILE... (.yml or .yml.gz). Ends with "N passed, N failed"; exit 0
 * only if none failed and at least one ran. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "sv/buf.h"

#include "spf_zone.h"

enum { FILE_BYTES_MAX = 16 << 20, CHUNK_BYTES = 65536 };

struct tally {
    unsigned passed, failed;
};

struct test {
    yaml_document_t *document;
    const char *name;
    yaml_node_t *node;
};

static const char *field(const struct test *test, const char *key)
{
    return spf_yaml_text(spf_yaml_get(test->document, test->node, key));
}

/* The sender as RFC 7208 section 4.3 has it: postmaster where there is no local part, the HELO name
 * where there is no sender at all. */
static void read_sender(const struct test *test, struct sv_spf_check *check)
{
    const char *sender = field(test, "mailfrom");
    const char *at = strrchr(sender, '@');

    check->helo = field(test, "helo");
    check->domain = check->helo;
    if (*sender == '\0')
        return;
    check->domain = at != NULL ? at + 1 : sender;
    if (at != NULL)
        check->local = (struct sv_span){.text = sender, .len = (size_t)(at - sender)};
}

/* `wanted` may be one word or a list of words, any of which is right. */
static bool is_one_of(const struct test *test, yaml_node_t *wanted, const char *got)
{
    if (wanted == NULL)
        return false;
    if (wanted->type == YAML_SCALAR_NODE)
        return strcmp(spf_yaml_text(wanted), got) == 0;
    for (yaml_node_item_t *item = wanted->data.sequence.items.start;
         wanted->type == YAML_SEQUENCE_NODE && item < wanted->data.sequence.items.top; item++) {
        if (is_one_of(test, yaml_document_get_node(test->document, *item), got))
            return true;
    }
    return false;
}

static bool explanation_fits(const struct test *test, const struct sv_spf_verdict *verdict)
{
    yaml_node_t *wanted = spf_yaml_get(test->document, test->node, "explanation");
    const char *got = verdict->explanation[0] != '\0' ? verdict->explanation : "DEFAULT";

    return wanted == NULL || strcmp(spf_yaml_text(wanted), got) == 0;
}

static void run(const struct test *test, yaml_node_t *zonedata, struct tally *tally)
{
    struct spf_answers answers = {.zone = {.document = test->document, .names = zonedata}};
    struct sv_spf_check check = {.source = {.ask = spf_zone_ask, .context = &answers},
                                 .receiver = field(test, "receiver"),
                                 .explain = true};
    struct sv_spf_verdict verdict;
    struct sv_ip ip;

    read_sender(test, &check);
    check.ip = &ip;
    if (*check.receiver == '\0')
        check.receiver = NULL;
    if (!sv_ip_parse(sv_span_of(field(test, "host")), &ip)) {
        tally->failed++;
        printf("%s: host \"%s\" is no address\n", test->name, field(test, "host"));
        return;
    }
    sv_spf_check(&check, &verdict);
    if (is_one_of(test, spf_yaml_get(test->document, test->node, "result"),
                  sv_spf_result_name(verdict.result)) &&
        explanation_fits(test, &verdict)) {
        tally->passed++;
    } else {
        tally->failed++;
        printf("%s: got %s [%s], wanted %s [%s] (section %s)\n  %s\n", test->name,
               sv_spf_result_name(verdict.result), verdict.explanation, field(test, "result"),
               field(test, "explanation"), field(test, "spec"), field(test, "description"));
    }
    spf_answers_free(&answers);
}

static void run_document(yaml_document_t *document, struct tally *tally)
{
    yaml_node_t *root = yaml_document_get_root_node(document);
    yaml_node_t *tests = spf_yaml_get(document, root, "tests");
    yaml_node_t *zonedata = spf_yaml_get(document, root, "zonedata");

    if (tests == NULL || tests->type != YAML_MAPPING_NODE) {
        printf("a document without tests\n");
        tally->failed++;
        return;
    }
    for (yaml_node_pair_t *pair = tests->data.mapping.pairs.start;
         pair < tests->data.mapping.pairs.top; pair++) {
        struct test test = {
            .document = document,
            .name = spf_yaml_text(yaml_document_get_node(document, pair->key)),
            .node = yaml_document_get_node(document, pair->value),
        };
        run(&test, zonedata, tally);
    }
}

/* The whole file, unpacked where it is packed. */
static bool read_file(const char *path, struct sv_buf *out)
{
    gzFile file = gzopen(path, "rb");
    char chunk[CHUNK_BYTES];
    int len = -1;
    bool fits = true;

    if (file == NULL)
        return false;
    while (fits && (len = gzread(file, chunk, sizeof(chunk))) > 0)
        fits = sv_buf_add(out, chunk, (size_t)len);
    (void)gzclose(file);
    return len == 0 && fits;
}

static void run_file(const char *path, struct tally *tally)
{
    struct sv_buf text;
    yaml_parser_t parser;
    yaml_document_t document;
    bool more = true;

    sv_buf_init(&text, FILE_BYTES_MAX);
    if (!read_file(path, &text)) {
        printf("%s: cannot be read\n", path);
        tally->failed++;
        sv_buf_fini(&text);
        return;
    }
    (void)yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)sv_buf_str(&text), text.len);
    while (more) {
        if (yaml_parser_load(&parser, &document) == 0) {
            printf("%s:%zu: %s\n", path, parser.problem_mark.line + 1, parser.problem);
            tally->failed++;
            break;
        }
        more = yaml_document_get_root_node(&document) != NULL;
        if (more)
            run_document(&document, tally);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    sv_buf_fini(&text);
}

int main(int argc, char **argv)
{
    struct tally tally = {0};

    for (int i = 1; i < argc; i++)
        run_file(argv[i], &tally);
    printf("%u passed, %u failed\n", tally.passed, tally.failed);
    return tally.failed == 0 && tally.passed > 0 ? 0 : 1;
}
