/* Any octets as DMARC records, alone and along a walk. The first octet chooses the names and who
 * does not answer; the rest is cut at newlines into records, which the names take by their length.
 * What is printed reads as it was, and whatever comes, a walk ends within its steps at names that
 * belong to its start. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sv/require.h"

#include "dmarc_walk.h"

enum { RECORDS_MAX = 16, LINE_BYTES = 8192, TEXT_BYTES_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct world {
    size_t count;
    struct sv_span records[RECORDS_MAX];
    unsigned told;
};

static bool is_same(struct sv_span a, struct sv_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.text, b.text, a.len) == 0);
}

static bool is_same_word(enum sv_dmarc_word written, enum sv_dmarc_word read)
{
    return written == SV_DMARC_WORD_BAD ? read == SV_DMARC_WORD_ABSENT : written == read;
}

/* parse(print(x)) = x, but for what has no valid value and so is not printed. */
static void check_round_trip(const struct sv_dmarc_record *record)
{
    char text[LINE_BYTES];
    struct sv_dmarc_record again;
    struct sv_line line;

    sv_line_init(&line, text, sizeof(text));
    SV_REQUIRE(sv_dmarc_print(record, &line));
    SV_REQUIRE(sv_dmarc_is_record((struct sv_span){line.text, line.len}));
    sv_dmarc_parse((struct sv_span){line.text, line.len}, &again);
    SV_REQUIRE(!again.has_repeated && again.percent == 100);
    SV_REQUIRE(is_same_word(record->p, again.p) && is_same_word(record->sp, again.sp) &&
               is_same_word(record->np, again.np));
    SV_REQUIRE(record->adkim_strict == again.adkim_strict &&
               record->aspf_strict == again.aspf_strict && record->test_mode == again.test_mode &&
               record->psd == again.psd && record->has_report_uri == again.has_report_uri);
    SV_REQUIRE(is_same(record->rua, again.rua) && is_same(record->ruf, again.ruf) &&
               is_same(record->fo, again.fo));
}

static void check_addresses(struct sv_span list)
{
    struct sv_dmarc_uri uri;
    char again[SV_NAME_BYTES];

    while (sv_dmarc_uri_next(&list, &uri)) {
        SV_REQUIRE((uri.kind == SV_DMARC_URI_MAILTO) == (uri.domain[0] != '\0'));
        if (uri.domain[0] == '\0')
            continue;
        SV_REQUIRE(sv_name_normalize(uri.domain, strlen(uri.domain), again, NULL) == SV_OK);
        SV_REQUIRE(strcmp(uri.domain, again) == 0);
    }
}

static void check_record(struct sv_span text)
{
    struct sv_dmarc_reader reader = {.rest = text};
    struct sv_dmarc_record record;
    struct sv_dmarc_tag tag;
    size_t octets = 0;

    SV_REQUIRE(!(sv_dmarc_is_record(text) && sv_dmarc_is_malformed(text)));
    while (sv_dmarc_next(&reader, &tag)) {
        octets += tag.text.len;
        SV_REQUIRE(tag.text.text >= text.text && octets <= text.len);
        SV_REQUIRE(tag.name.len + tag.value.len <= tag.text.len);
    }
    if (!sv_dmarc_is_record(text))
        return;
    sv_dmarc_parse(text, &record);
    check_addresses(record.rua);
    check_addresses(record.ruf);
    check_round_trip(&record);
}

/* The same name always gets the same answer. */
static void records(void *context, const char *name, struct sv_dmarc_reply *out)
{
    const struct world *world = context;
    size_t len = strlen(name);
    struct sv_span text = world->records[len % world->count];

    memset(out, 0, sizeof(*out));
    if ((world->told & 0x40) != 0 && len % 5 == 0)
        return;
    out->found = SV_DMARC_FOUND_NONE;
    if (!sv_dmarc_is_record(text))
        return;
    sv_dmarc_parse(text, &out->record);
    out->found = out->record.has_repeated ? SV_DMARC_FOUND_INVALID : SV_DMARC_FOUND_RECORD;
    if ((world->told & 0x80) != 0 && len % 7 == 0)
        out->found = SV_DMARC_FOUND_SEVERAL;
}

static enum sv_tri name_exists(void *context, const char *name)
{
    const struct world *world = context;

    return (enum sv_tri)((world->told + strlen(name)) % 3);
}

static bool is_on_way(const char *start, const char *name)
{
    return sv_name_equal(start, name) || sv_name_is_below(start, name);
}

static void check_walk(struct world *world, const char *start)
{
    struct sv_dmarc_source source = {.context = world, .records = records, .exists = name_exists};
    struct sv_dmarc_walk walk;
    struct sv_dmarc_applied applied;
    const char *parent = strchr(start, '.');

    sv_dmarc_walk(&source, start, &walk);
    SV_REQUIRE(walk.count >= 1 && walk.count <= SV_DMARC_STEPS_MAX && walk.names[0] == start);
    for (size_t i = 1; i < walk.count; i++)
        SV_REQUIRE(sv_name_is_below(walk.names[i - 1], walk.names[i]));
    SV_REQUIRE(walk.organizational == NULL || is_on_way(start, walk.organizational));
    sv_dmarc_apply(&source, &walk, &applied);
    SV_REQUIRE(applied.at == NULL || is_on_way(start, applied.at));
    SV_REQUIRE(applied.at != NULL || applied.policy <= SV_DMARC_POLICY_ABSENT);
    sv_dmarc_apply_before(&source, start, (world->told & 0x20) != 0, &applied);
    SV_REQUIRE(applied.at == NULL || is_on_way(start, applied.at));
    if (parent != NULL)
        SV_REQUIRE(sv_dmarc_aligned(&source, start, parent + 1, false) ==
                   sv_dmarc_aligned(&source, parent + 1, start, false));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const starts[] = {"com",
                                         "example.com",
                                         "mail.example.co.uk",
                                         "a.b.c.d.mail.example.com",
                                         "a.b.c.d.e.f.mail.example.com",
                                         "a.b.c.d.e.f.g.h.i.j.mail.example.com"};
    struct world world = {.told = len > 0 ? bytes[0] : 0};
    struct sv_span rest = {(const char *)bytes + 1, len > 0 ? len - 1 : 0};

    if (len == 0 || len > TEXT_BYTES_MAX)
        return 0;
    while (world.count < RECORDS_MAX) {
        const char *end = rest.len > 0 ? memchr(rest.text, '\n', rest.len) : NULL;
        struct sv_span text = {rest.text, end != NULL ? (size_t)(end - rest.text) : rest.len};
        check_record(text);
        world.records[world.count++] = text;
        if (end == NULL)
            break;
        rest.text += text.len + 1;
        rest.len -= text.len + 1;
    }
    check_walk(&world, starts[world.told % 8 < 6 ? world.told % 8 : 5]);
    return 0;
}
