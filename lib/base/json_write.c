/* Compact text of a tree. Jansson's own dump prints the address of every array and object into a
 * table of its own, to find trees that hold themselves, and hands its text over in pieces of a few
 * bytes: it took a tenth of a check's CPU time. */
#include "sv/json.h"

#include <stdlib.h>

#include "sv/alloc.h"

enum { DEPTH_MAX = 64 }; /* a tree that holds itself ends here, too */

static bool write_value(json_t *value, unsigned depth, struct sv_buf *out);

/* Escapes as jansson does: what JSON demands and no more. */
static bool write_escape(unsigned char byte, struct sv_buf *out)
{
    switch (byte) {
    case '"':
        return sv_buf_add(out, "\\\"", 2);
    case '\\':
        return sv_buf_add(out, "\\\\", 2);
    case '\b':
        return sv_buf_add(out, "\\b", 2);
    case '\f':
        return sv_buf_add(out, "\\f", 2);
    case '\n':
        return sv_buf_add(out, "\\n", 2);
    case '\r':
        return sv_buf_add(out, "\\r", 2);
    case '\t':
        return sv_buf_add(out, "\\t", 2);
    default:
        return sv_buf_printf(out, "\\u%04X", byte);
    }
}

static bool write_text(const char *text, size_t len, struct sv_buf *out)
{
    size_t plain = 0; /* where the piece began that needs no escape */

    if (!sv_buf_add(out, "\"", 1))
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte >= ' ' && byte != '"' && byte != '\\')
            continue;
        if (!sv_buf_add(out, text + plain, i - plain) || !write_escape(byte, out))
            return false;
        plain = i + 1;
    }
    return sv_buf_add(out, text + plain, len - plain) && sv_buf_add(out, "\"", 1);
}

static bool write_object(json_t *object, unsigned depth, struct sv_buf *out)
{
    bool fits = sv_buf_add(out, "{", 1);

    for (void *at = json_object_iter(object); at != NULL && fits;) {
        fits = write_text(json_object_iter_key(at), json_object_iter_key_len(at), out) &&
               sv_buf_add(out, ":", 1) && write_value(json_object_iter_value(at), depth, out);
        at = json_object_iter_next(object, at);
        fits = fits && (at == NULL || sv_buf_add(out, ",", 1));
    }
    return fits && sv_buf_add(out, "}", 1);
}

static bool write_array(json_t *array, unsigned depth, struct sv_buf *out)
{
    bool fits = sv_buf_add(out, "[", 1);

    for (size_t i = 0; i < json_array_size(array) && fits; i++)
        fits = (i == 0 || sv_buf_add(out, ",", 1)) &&
               write_value(json_array_get(array, i), depth, out);
    return fits && sv_buf_add(out, "]", 1);
}

/* Rare, and not easy to do right: jansson's. */
static bool write_real(json_t *real, struct sv_buf *out)
{
    char text[64];
    size_t len = json_dumpb(real, text, sizeof text, JSON_ENCODE_ANY);

    return len > 0 && len <= sizeof text && sv_buf_add(out, text, len);
}

static bool write_value(json_t *value, unsigned depth, struct sv_buf *out)
{
    if (depth == DEPTH_MAX)
        return false;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(value, depth + 1, out);
    case JSON_ARRAY:
        return write_array(value, depth + 1, out);
    case JSON_STRING:
        return write_text(json_string_value(value), json_string_length(value), out);
    case JSON_INTEGER:
        return sv_buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL:
        return write_real(value, out);
    case JSON_TRUE:
        return sv_buf_add(out, "true", 4);
    case JSON_FALSE:
        return sv_buf_add(out, "false", 5);
    case JSON_NULL:
        return sv_buf_add(out, "null", 4);
    }
    return false;
}

bool sv_json_write(json_t *tree, struct sv_buf *out)
{
    size_t before = out->len;

    if (write_value(tree, 0, out))
        return true;
    out->len = before;
    if (out->data != NULL)
        out->data[before] = '\0';
    return false;
}
