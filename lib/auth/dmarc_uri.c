/* The report addresses of a DMARC record: URIs (RFC 3986, RFC 6068) in a list that commas separate
 * (RFC 9989 section 4.7), perhaps with the size limit of RFC 7489. */
#include <string.h>

#include "dmarc.h"

enum { ADDRESS_BYTES = 512 }; /* local part 64, "@", domain, with room for what is too long */

/* Digits and perhaps a unit (RFC 7489 section 6.2). */
static bool is_size(struct sv_span text)
{
    size_t digits = 0;

    while (digits < text.len && sv_char_is_digit(text.text[digits]))
        digits++;
    if (digits == 0 || text.len > digits + 1)
        return false;
    return text.len == digits || sv_char_is_in(text.text[digits], "kKmMgGtT");
}

/* What may stand in a URI as it is; a comma and a "!" have to be encoded here. */
static bool is_uri_char(char c)
{
    switch (c) {
    case '"':
    case '<':
    case '>':
    case '\\':
    case '^':
    case '`':
    case '{':
    case '|':
    case '}':
    case '!':
    case ',':
    case ';':
        return false;
    default: /* no enum: an octet */
        return c > 0x20 && c < 0x7f;
    }
}

/* What must be encoded in an address (RFC 6068 section 2). */
static bool is_reserved(char c)
{
    return c == '/' || c == '#' || c == '[' || c == ']' || c == '\0';
}

static int hex_of(char c)
{
    char lower = sv_char_lower(c);

    if (sv_char_is_digit(c))
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Percent-encoding undone; false for what is no URI, or too long. */
static bool decode(struct sv_span text, char out[ADDRESS_BYTES], size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.text[i];
        if (!is_uri_char(c) || *len + 1 == ADDRESS_BYTES)
            return false;
        if (c == '%') {
            int high = i + 2 < text.len ? hex_of(text.text[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_of(text.text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0')
            return false;
        out[(*len)++] = c;
    }
    out[*len] = '\0';
    return true;
}

/* The address of a mailto: URI: local@domain, with header fields behind a "?" ignored. */
static bool take_address(struct sv_span text, char domain[SV_NAME_BYTES])
{
    char address[ADDRESS_BYTES];
    const char *query = text.len > 0 ? memchr(text.text, '?', text.len) : NULL;
    const char *at;
    size_t len;

    if (query != NULL)
        text.len = (size_t)(query - text.text);
    for (size_t i = 0; i < text.len; i++) {
        if (is_reserved(text.text[i]))
            return false;
    }
    if (!decode(text, address, &len))
        return false;
    at = strrchr(address, '@');
    if (at == NULL || at == address)
        return false;
    return sv_name_normalize(at + 1, len - (size_t)(at + 1 - address), domain, NULL) == SV_OK &&
           strchr(domain, '.') != NULL;
}

static bool is_scheme_char(char c, bool is_first)
{
    return sv_char_is_alpha(c) || (!is_first && (sv_char_is_digit(c) || sv_char_is_in(c, "+-.")));
}

static size_t scheme_len(struct sv_span text)
{
    size_t len = 0;

    while (len < text.len && is_scheme_char(text.text[len], len == 0))
        len++;
    return len > 0 && len + 1 < text.len && text.text[len] == ':' ? len : 0;
}

static enum sv_dmarc_uri_kind kind_of(struct sv_span text, char domain[SV_NAME_BYTES])
{
    struct sv_span scheme = {.text = text.text, .len = scheme_len(text)};
    char decoded[ADDRESS_BYTES];
    size_t len;

    if (scheme.len == 0)
        return SV_DMARC_URI_BAD;
    if (!sv_span_equals(scheme, "mailto"))
        return decode(text, decoded, &len) ? SV_DMARC_URI_OTHER : SV_DMARC_URI_BAD;
    text.text += scheme.len + 1;
    text.len -= scheme.len + 1;
    if (take_address(text, domain))
        return SV_DMARC_URI_MAILTO;
    domain[0] = '\0';
    return SV_DMARC_URI_BAD;
}

/* Takes "!10m" from the end; a "!" before anything else stays, and makes the URI a bad one. */
static struct sv_span take_size(struct sv_span *text)
{
    size_t at = text->len;
    struct sv_span size;

    while (at > 0 && text->text[at - 1] != '!')
        at--;
    if (at == 0 || !is_size((struct sv_span){text->text + at, text->len - at}))
        return (struct sv_span){.len = 0};
    size = (struct sv_span){text->text + at - 1, text->len - at + 1};
    text->len = at - 1;
    return size;
}

bool sv_dmarc_uri_next(struct sv_span *rest, struct sv_dmarc_uri *uri)
{
    struct sv_span text = {.text = rest->text};

    memset(uri, 0, sizeof(*uri));
    if (rest->len == 0)
        return false;
    while (text.len < rest->len && rest->text[text.len] != ',')
        text.len++;
    rest->text += text.len;
    rest->len -= text.len;
    if (rest->len > 0) {
        rest->text++;
        rest->len--;
    }
    text = sv_span_strip(text);
    uri->text = text;
    uri->size = take_size(&text);
    uri->kind = kind_of(text, uri->domain);
    return true;
}
