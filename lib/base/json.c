#include "sv/json.h"

#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"
#include "sv/utf8.h"

/* The offset of the bracket that opens level `depth_max + 1`, or `len`. Jansson recurses per level,
 * so this runs first. It need not know JSON: in malformed text it may count wrong, and jansson
 * refuses. */
static size_t find_too_deep(const char *bytes, size_t len, unsigned depth_max)
{
    bool in_string = false;
    size_t depth = 0;

    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];

        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (in_string)
            continue;
        else if ((c == '[' || c == '{') && ++depth > depth_max)
            return i;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return len;
}

json_t *sv_json_parse(const char *bytes, size_t len, size_t bytes_max, unsigned depth_max,
                      struct sv_errinfo *info)
{
    json_error_t error;
    json_t *tree;
    const char *zero;
    size_t deep;

    if (len > bytes_max) {
        (void)sv_err_set(info, SV_ETOOBIG, "json", (long)len, "%zu bytes, at most %zu are allowed",
                         len, bytes_max);
        return NULL;
    }
    /* JSON has no 0 byte outside of an escape, but jansson 2.14 overlooks one behind a number. */
    zero = len == 0 ? NULL : memchr(bytes, '\0', len);
    if (zero != NULL) {
        (void)sv_err_set(info, SV_EMALFORMED, "json", zero - bytes, "a 0 byte at byte %td",
                         zero - bytes);
        return NULL;
    }
    deep = find_too_deep(bytes, len, depth_max);
    if (deep < len) {
        (void)sv_err_set(info, SV_EMALFORMED, "json", (long)deep,
                         "nested deeper than %u levels at byte %zu", depth_max, deep);
        return NULL;
    }
    tree = json_loadb(bytes, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (tree != NULL)
        return tree;
    if (json_error_code(&error) == json_error_out_of_memory)
        sv_out_of_memory("json_loadb");
    (void)sv_err_set(info, SV_EMALFORMED, "json", error.position,
                     "%s (line %d, column %d, byte %d)", error.text, error.line, error.column,
                     error.position);
    return NULL;
}

const char *sv_json_str(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

json_t *sv_json_path(const json_t *object, const char *path)
{
    for (;;) {
        size_t len = strcspn(path, ".");
        json_t *member = json_object_getn(object, path, len);

        if (member == NULL || path[len] == '\0')
            return member;
        object = member;
        path += len + 1;
    }
}

/* A JSON string of bytes that are no UTF-8: each broken byte becomes U+FFFD, as browsers do it. */
static json_t *mended_string(const char *text)
{
    size_t len = strlen(text);
    struct sv_buf buf;
    json_t *value;

    sv_buf_init(&buf, 3 * len);
    for (size_t i = 0; i < len;) {
        size_t bytes = sv_utf8_next(text + i, len - i, NULL);

        SV_REQUIRE(bytes > 0 ? sv_buf_add(&buf, text + i, bytes)
                             : sv_buf_add(&buf, "\xef\xbf\xbd", 3));
        i += bytes > 0 ? bytes : 1;
    }
    value = json_stringn(sv_buf_str(&buf), buf.len);
    sv_buf_fini(&buf);
    return value;
}

void sv_json_set_str(json_t *object, const char *key, const char *text)
{
    json_t *value;

    if (text == NULL) {
        sv_json_set(object, key, json_null());
        return;
    }
    value = json_string(text); /* NULL for invalid UTF-8 as well */
    sv_json_set(object, key, value != NULL ? value : mended_string(text));
}

void sv_json_set_int(json_t *object, const char *key, long long number)
{
    sv_json_set(object, key, json_integer(number));
}

void sv_json_set_bool(json_t *object, const char *key, bool value)
{
    sv_json_set(object, key, json_boolean(value));
}

void sv_json_set(json_t *object, const char *key, json_t *value)
{
    SV_REQUIRE(json_is_object(object) && object != value);
    if (value == NULL || json_object_set_new_nocheck(object, key, value) != 0)
        sv_out_of_memory("json_object_set_new_nocheck");
}

void sv_json_append(json_t *array, json_t *value)
{
    SV_REQUIRE(json_is_array(array) && array != value);
    if (value == NULL || json_array_append_new(array, value) != 0)
        sv_out_of_memory("json_array_append_new");
}

json_t *sv_json_object(void)
{
    json_t *object = json_object();

    if (object == NULL)
        sv_out_of_memory("json_object");
    return object;
}

json_t *sv_json_array(void)
{
    json_t *array = json_array();

    if (array == NULL)
        sv_out_of_memory("json_array");
    return array;
}
