#include "canonical.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"

enum { QUERY_PAIRS_MAX = 64, PATH_SEGMENTS_MAX = 64 };

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

bool sv_canonical_encode(struct sv_buf *out, const char *bytes, size_t len, const char *keep)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        char escape[3] = {'%', hex[byte >> 4], hex[byte & 15]};
        bool plain = is_unreserved(bytes[i]) || (bytes[i] != '\0' && strchr(keep, bytes[i]));

        if (!sv_buf_add(out, plain ? &bytes[i] : escape, plain ? 1 : 3))
            return false;
    }
    return true;
}

struct span {
    const char *at;
    size_t len;
};

static bool is_word(struct span segment, const char *word)
{
    return segment.len == strlen(word) && memcmp(segment.at, word, segment.len) == 0;
}

bool sv_canonical_path(struct sv_buf *out, const char *path)
{
    struct span kept[PATH_SEGMENTS_MAX];
    size_t count = 0, path_len = strlen(path);

    for (const char *at = path; *at != '\0';) {
        struct span segment = {.at = at, .len = strcspn(at, "/")};

        at += segment.len + (at[segment.len] == '/');
        if (is_word(segment, "") || is_word(segment, "."))
            continue;
        if (is_word(segment, "..")) {
            count -= count > 0;
            continue;
        }
        if (count == PATH_SEGMENTS_MAX)
            return false;
        kept[count++] = segment;
    }
    for (size_t i = 0; i < count; i++) {
        if (!sv_buf_add_str(out, "/") || !sv_canonical_encode(out, kept[i].at, kept[i].len, ""))
            return false;
    }
    /* A final slash is part of the name; without any segment it is the root itself. */
    if (count == 0 || (path_len > 0 && path[path_len - 1] == '/'))
        return sv_buf_add_str(out, "/");
    return true;
}

struct pair {
    char *name; /* encoded */
    char *value;
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent escapes decoded, everything encoded again, so that "%7e", "%7E" and "~" sign alike. A
 * '+' is a plus sign here, not a blank. A broken escape stands for itself. */
static char *reencode(const char *text, size_t len)
{
    struct sv_buf out;
    char *copy;

    sv_buf_init(&out, 3 * len);
    for (size_t i = 0; i < len; i++) {
        char byte = text[i];

        if (byte == '%' && i + 2 < len && hex_digit(text[i + 1]) >= 0 &&
            hex_digit(text[i + 2]) >= 0) {
            byte = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        }
        (void)!sv_canonical_encode(&out, &byte, 1, ""); /* at most three bytes for each: fits */
    }
    copy = sv_strdup(sv_buf_str(&out));
    sv_buf_fini(&out);
    return copy;
}

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;
    int by_name = strcmp(left->name, right->name);

    return by_name != 0 ? by_name : strcmp(left->value, right->value);
}

static bool write_pairs(struct sv_buf *out, const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!sv_buf_printf(out, "%s%s=%s", i > 0 ? "&" : "", pairs[i].name, pairs[i].value))
            return false;
    }
    return true;
}

enum sv_err sv_canonical_query(struct sv_buf *out, const char *query, struct sv_errinfo *info)
{
    struct pair pairs[QUERY_PAIRS_MAX];
    size_t count = 0;
    enum sv_err err = SV_OK;

    for (const char *at = query; *at != '\0' && err == SV_OK;) {
        size_t len = strcspn(at, "&"), name_len = strcspn(at, "=&");

        if (count == QUERY_PAIRS_MAX) {
            err = sv_err_set(info, SV_ETOOBIG, "sigv4", 0, "more than %d query parameters",
                             (int)QUERY_PAIRS_MAX);
        } else if (len > 0) {
            size_t value_at = name_len + (name_len < len);

            pairs[count].name = reencode(at, name_len);
            pairs[count++].value = reencode(at + value_at, len - value_at);
        }
        at += len + (at[len] == '&');
    }
    qsort(pairs, count, sizeof pairs[0], compare_pairs);
    if (err == SV_OK && !write_pairs(out, pairs, count))
        err = sv_err_set(info, SV_ETOOBIG, "sigv4", 0, "the query is too long to sign");
    while (count > 0) {
        free(pairs[--count].name);
        free(pairs[count].value);
    }
    return err;
}

/* Blanks (a folded line is one too) at both ends go, runs of them inside become one space. */
static char *trim(const char *value)
{
    char *out = sv_strdup(value);
    size_t len = 0;

    for (const char *at = value; *at != '\0'; at++) {
        if (!isspace((unsigned char)*at))
            out[len++] = *at;
        else if (len > 0 && out[len - 1] != ' ')
            out[len++] = ' ';
    }
    len -= len > 0 && out[len - 1] == ' ';
    out[len] = '\0';
    return out;
}

bool sv_canonical_headers_add(struct sv_canonical_headers *headers, const char *name,
                              const char *value)
{
    struct sv_canonical_header *header = &headers->list[headers->count];

    if (headers->count == SV_CANONICAL_HEADERS_MAX)
        return false;
    header->name = sv_strdup(name);
    for (char *c = header->name; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    header->value = trim(value);
    header->order = headers->count++;
    return true;
}

static void wipe(char *text)
{
    OPENSSL_cleanse(text, strlen(text));
    free(text);
}

static int compare_headers(const void *a, const void *b)
{
    const struct sv_canonical_header *left = a, *right = b;
    int by_name = strcmp(left->name, right->name);

    return by_name != 0 ? by_name : (left->order > right->order) - (left->order < right->order);
}

static void join(struct sv_canonical_header *into, struct sv_canonical_header *other)
{
    size_t a = strlen(into->value), b = strlen(other->value);
    char *both = sv_alloc(a + b + 2, 1);

    memcpy(both, into->value, a);
    both[a] = ',';
    memcpy(both + a + 1, other->value, b);
    wipe(into->value);
    wipe(other->value);
    free(other->name);
    into->value = both;
}

void sv_canonical_headers_sort(struct sv_canonical_headers *headers)
{
    size_t kept = 0;

    qsort(headers->list, headers->count, sizeof headers->list[0], compare_headers);
    for (size_t i = 0; i < headers->count; i++) {
        if (kept > 0 && strcmp(headers->list[kept - 1].name, headers->list[i].name) == 0)
            join(&headers->list[kept - 1], &headers->list[i]);
        else
            headers->list[kept++] = headers->list[i];
    }
    headers->count = kept;
}

bool sv_canonical_headers_have(const struct sv_canonical_headers *headers, const char *name)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (strcmp(headers->list[i].name, name) == 0)
            return true;
    }
    return false;
}

void sv_canonical_headers_fini(struct sv_canonical_headers *headers)
{
    while (headers->count > 0) {
        struct sv_canonical_header *header = &headers->list[--headers->count];

        free(header->name);
        wipe(header->value);
    }
}
