/* The page itself: one file of the tree, with the figures as tables where it has its mark, for
 * those who have no JavaScript. */
#include <string.h>

#include "pages.h"
#include "sv/embed.h"
#include "sv/json.h"
#include "sv/require.h"
#include "text.h"

static const char mark[] = "<!-- summary -->";

/* Text between tags and in attributes. */
static bool add_text(struct sv_buf *out, const char *text)
{
    bool fits = true;

    for (; fits && *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fits = sv_buf_add_str(out, "&lt;");
            break;
        case '>':
            fits = sv_buf_add_str(out, "&gt;");
            break;
        case '&':
            fits = sv_buf_add_str(out, "&amp;");
            break;
        case '"':
            fits = sv_buf_add_str(out, "&quot;");
            break;
        case '\'':
            fits = sv_buf_add_str(out, "&#39;");
            break;
        default:
            fits = sv_buf_add(out, text, 1);
        }
    }
    return fits;
}

static bool add_row(struct sv_buf *out, const char *name, const char *value)
{
    return sv_buf_add_str(out, "<tr><th scope=\"row\">") && add_text(out, name) &&
           sv_buf_add_str(out, "</th><td class=\"number\">") && add_text(out, value) &&
           sv_buf_add_str(out, "</td></tr>\n");
}

/* Every number and text of an object, one row each. */
static bool add_object(struct sv_buf *out, const char *caption, json_t *object)
{
    char number[32];
    const char *key;
    json_t *value;
    bool fits = sv_buf_add_str(out, "<table><caption>") && add_text(out, caption) &&
                sv_buf_add_str(out, "</caption>\n");

    json_object_foreach(object, key, value)
    {
        if (strcmp(key, "schema") == 0)
            continue; /* for programs */
        (void)snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        if (json_is_integer(value))
            fits = fits && add_row(out, key, number);
        else if (json_is_string(value))
            fits = fits && add_row(out, key, json_string_value(value));
        else if (json_is_boolean(value))
            fits = fits && add_row(out, key, json_is_true(value) ? "yes" : "no");
    }
    return fits && sv_buf_add_str(out, "</table>\n");
}

static bool add_list(struct sv_buf *out, const char *what, const char *name, const json_t *list)
{
    bool fits = true;
    char caption[160];
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        const char *text = sv_text_of(item, name);

        if (*text != '\0')
            (void)snprintf(caption, sizeof(caption), "%s %.100s", what, text);
        else
            (void)snprintf(caption, sizeof(caption), "%s %zu", what, i);
        fits = fits && add_object(out, caption, item);
    }
    return fits;
}

static bool add_summary(struct sv_buf *out, json_t *status)
{
    return add_object(out, "Worker", status) &&
           add_object(out, "Domains", sv_json_path(status, "fleet.domains")) &&
           add_object(out, "Work", json_object_get(status, "work")) &&
           add_list(out, "Queue", "name", json_object_get(status, "queues")) &&
           add_list(out, "Budget of", "account", json_object_get(status, "accounts")) &&
           add_list(out, "Sink", "sink", json_object_get(status, "sinks")) &&
           add_object(out, "Errors since the start", json_object_get(status, "errors"));
}

bool sv_pages_front(json_t *status, struct sv_buf *out)
{
    const struct sv_embedded *file = sv_page_files;
    const char *at;

    while (file->name != NULL && strcmp(file->name, "index") != 0)
        file++;
    SV_REQUIRE(file->name != NULL);
    at = strstr(file->text, mark);
    SV_REQUIRE(at != NULL);
    return sv_buf_add(out, file->text, (size_t)(at - file->text)) && add_summary(out, status) &&
           sv_buf_add_str(out, at + strlen(mark));
}
