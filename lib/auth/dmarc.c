#include "dmarc.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct sv_span strip_blanks(struct sv_span span)
{
    while (span.len > 0 && is_blank(span.text[0])) {
        span.text++;
        span.len--;
    }
    while (span.len > 0 && is_blank(span.text[span.len - 1]))
        span.len--;
    return span;
}

/* Takes the next "name = value" from the front of a list that ; separates. What holds no = has an
 * empty value. False at the end. */
static bool next_tag(struct sv_span *rest, struct sv_span *name, struct sv_span *value)
{
    struct sv_span tag = {.text = rest->text};

    if (rest->len == 0)
        return false;
    while (tag.len < rest->len && rest->text[tag.len] != ';')
        tag.len++;
    rest->text += tag.len;
    rest->len -= tag.len;
    if (rest->len > 0) {
        rest->text++;
        rest->len--;
    }
    *name = (struct sv_span){.text = tag.text};
    while (name->len < tag.len && tag.text[name->len] != '=')
        name->len++;
    *value = (struct sv_span){tag.text + name->len, tag.len - name->len};
    if (value->len > 0) {
        value->text++;
        value->len--;
    }
    *name = strip_blanks(*name);
    *value = strip_blanks(*value);
    return true;
}

bool sv_dmarc_is_record(struct sv_span text)
{
    static const char version[] = "DMARC1";
    struct sv_span name;
    struct sv_span value;

    if (text.len == 0 || is_blank(text.text[0]) || !next_tag(&text, &name, &value))
        return false;
    return sv_span_equals(name, "v") && value.len == strlen(version) &&
           memcmp(value.text, version, value.len) == 0;
}

bool sv_dmarc_is_malformed(struct sv_span text)
{
    struct sv_span rest = sv_span_trim(text);
    struct sv_span name;
    struct sv_span value;

    if (sv_dmarc_is_record(text))
        return false;
    if (sv_span_holds(rest, "dmarc1"))
        return true;
    if (!next_tag(&rest, &name, &value))
        return false;
    if (sv_span_equals(name, "v"))
        return sv_span_starts(value, "dmarc");
    return sv_span_equals(name, "p") &&
           (sv_span_equals(value, "none") || sv_span_equals(value, "quarantine") ||
            sv_span_equals(value, "reject"));
}

bool sv_dmarc_tag(struct sv_span record, const char *name, struct sv_span *value)
{
    struct sv_span found;

    while (next_tag(&record, &found, value)) {
        if (sv_span_equals(found, name))
            return true;
    }
    return false;
}
