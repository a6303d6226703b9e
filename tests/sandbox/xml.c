#include "xml.h"

#include <string.h>

#include "sv/require.h"

static void add(struct sv_buf *out, const char *text)
{
    bool fits = sv_buf_add_str(out, text);

    SV_REQUIRE(fits);
}

static void add_escaped(struct sv_buf *out, const char *text)
{
    for (; *text != 0; text++) {
        char one[2] = {*text, 0};

        if (*text == '&')
            add(out, "&amp;");
        else if (*text == '<')
            add(out, "&lt;");
        else if (*text == '>')
            add(out, "&gt;");
        else if ((unsigned char)*text < 0x20 && *text != '\n' && *text != '\t')
            add(out, "?"); /* not a character of XML 1.0 */
        else
            add(out, one);
    }
}

void sb_xml_open(struct sv_buf *out, const char *name)
{
    add(out, "<");
    add(out, name);
    add(out, ">\n");
}

void sb_xml_close(struct sv_buf *out, const char *name)
{
    add(out, "</");
    add(out, name);
    add(out, ">\n");
}

void sb_xml_text(struct sv_buf *out, const char *name, const char *text)
{
    add(out, "<");
    add(out, name);
    if (text == NULL || *text == 0) {
        add(out, "/>\n");
        return;
    }
    add(out, ">");
    add_escaped(out, text);
    sb_xml_close(out, name);
}

void sb_xml_bool(struct sv_buf *out, const char *name, bool value)
{
    sb_xml_text(out, name, value ? "true" : "false");
}

void sb_xml_entry_open(struct sv_buf *out, const char *key)
{
    sb_xml_open(out, "entry");
    sb_xml_text(out, "key", key);
    sb_xml_open(out, "value");
}

void sb_xml_entry_close(struct sv_buf *out)
{
    sb_xml_close(out, "value");
    sb_xml_close(out, "entry");
}
