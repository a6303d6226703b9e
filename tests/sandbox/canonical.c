#include "canonical.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "form.h"
#include "sv/alloc.h"
#include "sv/digest.h"

bool sb_list_has(const char *list, const char *name)
{
    size_t len = strlen(name);

    while (*list != 0) {
        size_t word = strcspn(list, ";");

        if (word == len && strncasecmp(list, name, len) == 0)
            return true;
        list += word;
        list += *list == ';';
    }
    return false;
}

struct segment {
    const char *text;
    size_t len;
};

static bool is_segment(const struct segment *segment, const char *word)
{
    return segment->len == strlen(word) && memcmp(segment->text, word, segment->len) == 0;
}

/* Dot segments and doubled slashes go (RFC 3986 section 5.2.4). */
static size_t split_path(struct segment segments[SB_SEGMENTS_MAX], const char *path)
{
    size_t count = 0;

    while (*path != 0) {
        struct segment segment = {.text = path, .len = strcspn(path, "/")};

        if (is_segment(&segment, ".."))
            count -= count > 0;
        else if (segment.len > 0 && !is_segment(&segment, ".") && count < SB_SEGMENTS_MAX)
            segments[count++] = segment;
        path += segment.len;
        path += *path == '/';
    }
    return count;
}

/* Every segment as it was sent is encoded once more. */
static bool add_path(struct sv_buf *out, const char *path)
{
    struct segment segments[SB_SEGMENTS_MAX];
    size_t count = split_path(segments, path);
    size_t len = strlen(path);

    for (size_t i = 0; i < count; i++) {
        char *text = sv_strndup(segments[i].text, segments[i].len);

        if (!sv_buf_add(out, "/", 1)) {
            free(text);
            return false;
        }
        sb_percent_encode(out, text);
        free(text);
    }
    if (count == 0 || (len > 0 && path[len - 1] == '/'))
        return sv_buf_add(out, "/", 1);
    return true;
}

struct pair {
    struct sv_buf name, value;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *left = a;
    const struct pair *right = b;
    int order = strcmp(sv_buf_str(&left->name), sv_buf_str(&right->name));

    return order != 0 ? order : strcmp(sv_buf_str(&left->value), sv_buf_str(&right->value));
}

static bool recode(struct sv_buf *out, const char *bytes, size_t len)
{
    char *plain = sb_percent_decode(bytes, len);

    sv_buf_init(out, SB_CANONICAL_BYTES_MAX);
    if (plain == NULL)
        return false;
    sb_percent_encode(out, plain);
    free(plain);
    return true;
}

static bool read_pairs(struct pair pairs[SB_QUERY_PAIRS_MAX], size_t *count, const char *query)
{
    bool ok = true;

    while (ok && *query != 0) {
        size_t len = strcspn(query, "&");
        const char *equals = memchr(query, '=', len);
        size_t name_len = equals == NULL ? len : (size_t)(equals - query);

        if (len > 0) {
            if (*count == SB_QUERY_PAIRS_MAX)
                return false;
            ok = recode(&pairs[*count].name, query, name_len);
            ok = recode(&pairs[*count].value, equals == NULL ? "" : equals + 1,
                        equals == NULL ? 0 : len - name_len - 1) &&
                 ok;
            (*count)++;
        }
        query += len;
        query += *query == '&';
    }
    return ok;
}

static bool add_query(struct sv_buf *out, const char *query)
{
    struct pair *pairs = sv_alloc(SB_QUERY_PAIRS_MAX, sizeof *pairs);
    size_t count = 0;
    bool ok = read_pairs(pairs, &count, query == NULL ? "" : query);

    qsort(pairs, count, sizeof *pairs, compare_pairs);
    for (size_t i = 0; i < count; i++) {
        ok = ok && sv_buf_printf(out, "%s%s=%s", i == 0 ? "" : "&", sv_buf_str(&pairs[i].name),
                                 sv_buf_str(&pairs[i].value));
        sv_buf_fini(&pairs[i].name);
        sv_buf_fini(&pairs[i].value);
    }
    free(pairs);
    return ok;
}

/* Without blanks at both ends, inner runs as one. */
static bool add_trimmed(struct sv_buf *out, const char *value)
{
    bool blank = false, first = true;

    for (; *value != 0; value++) {
        if (*value == ' ' || *value == '\t') {
            blank = true;
            continue;
        }
        if (blank && !first && !sv_buf_add(out, " ", 1))
            return false;
        if (!sv_buf_add(out, value, 1))
            return false;
        blank = false;
        first = false;
    }
    return true;
}

static bool add_header(struct sv_buf *out, const struct sb_request *request, const char *name,
                       size_t len)
{
    size_t found = 0;

    if (!sv_buf_add(out, name, len) || !sv_buf_add(out, ":", 1))
        return false;
    for (size_t i = 0; i < request->headers_count; i++) {
        const struct sb_header *header = &request->headers[i];

        if (strlen(header->name) != len || strncasecmp(header->name, name, len) != 0)
            continue;
        if (found++ > 0 && !sv_buf_add(out, ",", 1))
            return false;
        if (!add_trimmed(out, header->value))
            return false;
    }
    return found > 0 && sv_buf_add(out, "\n", 1);
}

static bool is_lower(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z')
            return false;
    }
    return len > 0;
}

static int compare_words(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static bool add_headers(struct sv_buf *out, const struct sb_request *request, const char *list)
{
    const char *last = NULL;
    size_t last_len = 0;

    while (*list != 0) {
        size_t len = strcspn(list, ";");

        if (!is_lower(list, len) || (last != NULL && compare_words(last, last_len, list, len) >= 0))
            return false;
        if (!add_header(out, request, list, len))
            return false;
        last = list;
        last_len = len;
        list += len;
        list += *list == ';';
    }
    return last != NULL;
}

bool sb_canonical_request(struct sv_buf *out, const struct sb_request *request,
                          const char *signed_headers)
{
    const char *told = sb_request_header(request, "x-amz-content-sha256");
    char hash[SV_SHA256_HEX_BYTES];

    sv_sha256_hex(sv_buf_str(&request->body), request->body.len, hash);
    if (told != NULL && strcmp(told, hash) != 0)
        return false;
    return sv_buf_add_str(out, request->method) && sv_buf_add(out, "\n", 1) &&
           add_path(out, request->path) && sv_buf_add(out, "\n", 1) &&
           add_query(out, request->query) && sv_buf_add(out, "\n", 1) &&
           add_headers(out, request, signed_headers) && sv_buf_add(out, "\n", 1) &&
           sv_buf_add_str(out, signed_headers) && sv_buf_add(out, "\n", 1) &&
           sv_buf_add_str(out, hash);
}
