#include "form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

char *sb_percent_decode(const char *bytes, size_t len)
{
    char *out = sv_alloc(len + 1, 1);
    size_t used = 0;

    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];

        if (c == '%') {
            int high = i + 2 < len ? hex_value(bytes[i + 1]) : -1;
            int low = high >= 0 ? hex_value(bytes[i + 2]) : -1;

            if (low < 0 || 16 * high + low == 0) {
                free(out);
                return NULL;
            }
            c = (char)(16 * high + low);
            i += 2;
        }
        out[used++] = c;
    }
    return out;
}

void sb_percent_encode(struct sv_buf *out, const char *text)
{
    for (; *text != 0; text++) {
        bool ok = is_unreserved(*text)
                      ? sv_buf_add(out, text, 1)
                      : sv_buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);

        SV_REQUIRE(ok);
    }
}

/* A blank for every '+', then the escapes; NULL with a reason when a byte may not stand there. */
static char *decode_part(const char *bytes, size_t len, char why[96])
{
    char *copy = sv_strndup(bytes, len);
    char *out = NULL;

    for (size_t i = 0; i < len; i++) {
        if (copy[i] == '+') {
            copy[i] = ' ';
        } else if (!is_unreserved(copy[i]) && copy[i] != '%' && copy[i] != '*') {
            (void)snprintf(why, 96, "byte 0x%02x must be percent-encoded",
                           (unsigned)(unsigned char)copy[i]);
            goto done;
        }
    }
    out = sb_percent_decode(copy, len);
    if (out == NULL)
        (void)snprintf(why, 96, "broken percent escape");
done:
    free(copy);
    return out;
}

static bool add_pair(struct sb_form *form, const char *bytes, size_t len, char why[96])
{
    const char *equals = memchr(bytes, '=', len);
    size_t name_len = equals == NULL ? len : (size_t)(equals - bytes);
    struct sb_form_pair *pair = &form->pairs[form->count];

    pair->name = decode_part(bytes, name_len, why);
    if (pair->name == NULL)
        return false;
    if (strcmp(pair->name, "TagKeys") != 0 && sb_form_get(form, pair->name) != NULL) {
        (void)snprintf(why, 96, "parameter %.40s is given twice", pair->name);
        free(pair->name);
        return false;
    }
    pair->value = equals == NULL ? sv_strdup("") : decode_part(equals + 1, len - name_len - 1, why);
    if (pair->value == NULL) {
        free(pair->name);
        return false;
    }
    form->count++;
    return true;
}

bool sb_form_parse(struct sb_form *form, const char *bytes, size_t len, char why[96])
{
    size_t at = 0;

    *form = (struct sb_form){.pairs = sv_alloc(SB_FORM_PAIRS_MAX, sizeof *form->pairs)};
    while (at < len) {
        const char *end = memchr(bytes + at, '&', len - at);
        size_t part = end == NULL ? len - at : (size_t)(end - bytes) - at;

        if (form->count == SB_FORM_PAIRS_MAX) {
            (void)snprintf(why, 96, "more than %d parameters", (int)SB_FORM_PAIRS_MAX);
            return false;
        }
        if (part > 0 && !add_pair(form, bytes + at, part, why))
            return false;
        at += part + 1;
    }
    return true;
}

void sb_form_fini(struct sb_form *form)
{
    for (size_t i = 0; i < form->count; i++) {
        free(form->pairs[i].name);
        free(form->pairs[i].value);
    }
    free(form->pairs);
    *form = (struct sb_form){0};
}

const char *sb_form_get(const struct sb_form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++) {
        if (strcmp(form->pairs[i].name, name) == 0)
            return form->pairs[i].value;
    }
    return NULL;
}

bool sb_words_have(const char *words, const char *name, size_t len)
{
    for (const char *at = words; *at != 0; at += strcspn(at, " ") + 1) {
        if (strncmp(at, name, len) == 0 && at[len] == ' ')
            return true;
    }
    return false;
}
