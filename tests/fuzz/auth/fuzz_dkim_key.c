/* One DKIM key record, and whatever the reader makes of it: it stays within the record, and a
 * record written from what was read is read the same. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sv/buf.h"
#include "sv/require.h"

#include "dkim_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool is_inside(struct sv_span part, struct sv_span record)
{
    return part.len == 0 || (part.text >= record.text && part.len <= record.len &&
                             part.text + part.len <= record.text + record.len);
}

/* Folded lines and runs of blanks become one blank. */
static void print_value(struct sv_span value, struct sv_buf *out)
{
    bool in_blank = false;

    for (size_t i = 0; i < value.len; i++) {
        bool is_blank = value.text[i] == ' ' || value.text[i] == '\t' || value.text[i] == '\r' ||
                        value.text[i] == '\n';
        if (!is_blank || !in_blank)
            SV_REQUIRE(sv_buf_add(out, is_blank ? " " : value.text + i, 1));
        in_blank = is_blank;
    }
}

static void print(const struct sv_dkim_tags *tags, struct sv_buf *out)
{
    for (size_t i = 0; i < tags->count; i++) {
        /* The blank keeps a backslash from escaping the semicolon. */
        SV_REQUIRE(sv_buf_add_str(out, i > 0 ? " ;" : ""));
        SV_REQUIRE(sv_buf_add(out, tags->tags[i].name.text, tags->tags[i].name.len));
        SV_REQUIRE(sv_buf_add_str(out, "="));
        print_value(tags->tags[i].value, out);
    }
}

static void check_same(const struct sv_dkim_key *a, const struct sv_dkim_key *b)
{
    SV_REQUIRE(a->type == b->type && a->bits == b->bits && a->usable == b->usable &&
               a->testing == b->testing && a->strict == b->strict &&
               a->faults_count == b->faults_count);
    for (size_t i = 0; i < a->faults_count; i++)
        SV_REQUIRE(a->faults[i].code == b->faults[i].code &&
                   a->faults[i].number == b->faults[i].number);
}

static void check_key(const struct sv_dkim_key *key, struct sv_span record)
{
    bool usable = true;

    SV_REQUIRE(is_inside(key->public_key, record));
    for (size_t i = 0; i < key->faults_count; i++) {
        SV_REQUIRE(is_inside(key->faults[i].at, record));
        usable = usable && sv_finding_severity(key->faults[i].code) != SV_ERROR;
    }
    SV_REQUIRE(key->usable == usable);
    SV_REQUIRE(!key->usable || key->bits > 0); /* nothing is usable that was not decoded */
    SV_REQUIRE((key->bits > 0) == sv_dkim_key_is(key, key->public_key));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct sv_span record = {.text = (const char *)bytes, .len = len};
    struct sv_dkim_tags tags;
    struct sv_dkim_key key;
    struct sv_dkim_key again;
    struct sv_span bad;
    struct sv_buf text;

    if (len == 0)
        record.text = "";
    sv_dkim_key_read(record, &key);
    check_key(&key, record);
    if (len > SV_DKIM_KEY_TEXT_MAX || memchr(record.text, '"', len) != NULL)
        return 0;
    if (!sv_dkim_tags_read(record, &tags, &bad)) {
        SV_REQUIRE(!key.usable && is_inside(bad, record));
        return 0;
    }
    sv_buf_init(&text, 2 * SV_DKIM_KEY_TEXT_MAX);
    print(&tags, &text);
    record = sv_span_of(sv_buf_str(&text));
    if (record.len <= SV_DKIM_KEY_TEXT_MAX) { /* the blanks may be too many */
        sv_dkim_key_read(record, &again);
        check_same(&key, &again);
    }
    sv_buf_fini(&text);
    return 0;
}
