#include "sv/name.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <libpsl.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "sv/alloc.h"
#include "sv/require.h"

/* U-labels in UTF-8 need at most four times the bytes of the longest name. */
enum { INPUT_MAX = 4 * SV_NAME_MAX };

/* How much of a stranger's label an error text quotes. */
enum { QUOTE_MAX = 80 };

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* What is wrong with one label of the normal form, or NULL (RFC 1123 section 2.1, RFC 5891). */
static const char *label_fault(const char *label, size_t len)
{
    if (len == 0)
        return "is empty";
    if (len > SV_LABEL_MAX)
        return "is longer than 63 bytes";
    if (label[0] == '-' || label[len - 1] == '-')
        return "begins or ends with a hyphen";
    for (size_t i = 0; i < len; i++) {
        if (label[i] == '_')
            return "has an underscore";
        if (!is_alnum(label[i]) && label[i] != '-')
            return "has a character that no host name may have";
    }
    return NULL;
}

/* Runs libidn2; `text` ends with a 0. False with its code in `*code`. Owner of `*out`: the caller.
 */
static bool to_ascii(const char *text, char **out, int *code)
{
    uint8_t *found = NULL;

    *code = idn2_lookup_u8((const uint8_t *)text, &found, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    if (*code == IDN2_MALLOC)
        sv_out_of_memory("idn2_lookup_u8");
    *out = (char *)found;
    return *code == IDN2_OK;
}

/* libidn2 says what is wrong but not where: each label is tried alone to name the broken one. */
static enum sv_err name_broken_label(char *text, int code, struct sv_errinfo *info)
{
    char *at = text;

    for (;;) {
        size_t len = strcspn(at, ".");
        bool last = at[len] == '\0';
        char *found;
        int why;

        at[len] = '\0';
        if (len == 0)
            return sv_err_set(info, SV_EMALFORMED, "name", 0, "a label is empty");
        if (!to_ascii(at, &found, &why))
            return sv_err_set(info, SV_EMALFORMED, "name", why, "label \"%.*s\": %s", QUOTE_MAX, at,
                              idn2_strerror(why));
        idn2_free(found);
        if (last)
            return sv_err_set(info, SV_EMALFORMED, "name", code, "%s", idn2_strerror(code));
        at += len + 1;
    }
}

/* `name` is what libidn2 made of the input, in lower case. Checks it and copies it to `out`. */
static enum sv_err check_ascii(const char *name, char out[SV_NAME_BYTES], struct sv_errinfo *info)
{
    size_t len = strlen(name);

    if (len > 0 && name[len - 1] == '.')
        len--;
    if (len == 0)
        return sv_err_set(info, SV_EMALFORMED, "name", 0, "the name is empty");
    if (len > SV_NAME_MAX)
        return sv_err_set(info, SV_EMALFORMED, "name", (long)len,
                          "the name has %zu bytes as A-labels, at most %d are possible", len,
                          SV_NAME_MAX);
    for (size_t at = 0; at <= len;) {
        size_t bytes = strcspn(name + at, ".");
        const char *fault;

        if (bytes > len - at)
            bytes = len - at;
        fault = label_fault(name + at, bytes);
        if (fault != NULL)
            return sv_err_set(info, SV_EMALFORMED, "name", (long)at, "label \"%.*s\" %s",
                              (int)(bytes < QUOTE_MAX ? bytes : QUOTE_MAX), name + at, fault);
        at += bytes + 1;
    }
    memcpy(out, name, len);
    out[len] = '\0';
    return SV_OK;
}

static void lower(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
    }
}

/* Plain names, nearly all there are, need no libidn2; and the errors name the label as it was
 * written. */
static bool is_plain(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at >= 0x80)
            return false;
    }
    return strstr(text, "xn--") == NULL;
}

enum sv_err sv_name_normalize(const char *text, size_t len, char out[SV_NAME_BYTES],
                              struct sv_errinfo *info)
{
    char input[INPUT_MAX + 2];
    char *found;
    enum sv_err err;
    int code;

    if (len > INPUT_MAX + 1) /* and a final dot */
        return sv_err_set(info, SV_EMALFORMED, "name", (long)len,
                          "the name has %zu bytes, at most %d are possible", len, INPUT_MAX);
    if (len > 0 && memchr(text, '\0', len) != NULL)
        return sv_err_set(info, SV_EMALFORMED, "name", 0, "the name has a 0 byte");
    if (len > 0)
        memcpy(input, text, len);
    input[len] = '\0';
    lower(input);
    if (is_plain(input))
        return check_ascii(input, out, info);
    if (!to_ascii(input, &found, &code))
        return name_broken_label(input, code, info);
    err = check_ascii(found, out, info);
    idn2_free(found);
    return err;
}

/* True when the dot at `index` separates labels. Names from the DNS may hold dots that do not:
 * "\\." is part of a label (RFC 1035 section 5.1). */
static bool is_separator(const char *name, size_t index)
{
    size_t slashes = 0;

    while (slashes < index && name[index - 1 - slashes] == '\\')
        slashes++;
    return name[index] == '.' && slashes % 2 == 0;
}

/* Without the final dot. */
static size_t length(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && is_separator(name, len - 1) ? len - 1 : len;
}

/* True where the first characters, the case of letters aside, cannot be those of one name. */
static bool begin_apart(const char *a, const char *b)
{
    return *a != '\0' && *a != '.' && *b != '\0' && *b != '.' && (*a | 0x20) != (*b | 0x20);
}

bool sv_name_equal(const char *a, const char *b)
{
    size_t len;

    if (begin_apart(a, b)) /* most names that are compared do */
        return false;
    len = length(a);
    return len == length(b) && strncasecmp(a, b, len) == 0;
}

bool sv_name_is_below(const char *name, const char *parent)
{
    size_t len = length(name);
    size_t tail = length(parent);

    if (tail == 0)
        return len > 0; /* everything is below the root */
    return len > tail + 1 && is_separator(name, len - tail - 1) &&
           strncasecmp(name + len - tail, parent, tail) == 0;
}

static bool is_in(const char *name, const char *const *zones)
{
    for (; *zones != NULL; zones++) {
        if (sv_name_equal(name, *zones) || sv_name_is_below(name, *zones))
            return true;
    }
    return false;
}

/* Names nobody can own in the public DNS: RFC 6761, 6762 (local), 7686 (onion), 8375 (home.arpa),
 * 9476 (alt), 2606 (example), 3172 (arpa), and ICANN's reservation of "internal" (2024). */
static bool is_special_use(const char *name)
{
    static const char *const zones[] = {
        "alt",     "arpa",  "example",   "example.com", "example.net", "example.org", "internal",
        "invalid", "local", "localhost", "onion",       "test",        NULL};

    return is_in(name, zones);
}

/* The last label decides, as in the URL standard: no top-level domain is a number. */
static bool is_ip_literal(const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *last = dot == NULL ? name : dot + 1;
    uint8_t address[16];

    if (inet_pton(AF_INET6, name, address) == 1)
        return true;
    return *last != '\0' && strspn(last, "0123456789") == strlen(last);
}

static const psl_ctx_t *public_suffixes(void)
{
    const psl_ctx_t *list = psl_builtin();

    SV_REQUIRE(list != NULL); /* a libpsl built without its list cannot serve us */
    return list;
}

const char *sv_name_refusal(const char *name, const struct sv_name_rules *rules)
{
    if (is_ip_literal(name))
        return "ip_literal";
    if (strchr(name, '.') == NULL)
        return "single_label";
    if (!rules->allow_special_use && is_special_use(name))
        return "special_use";
    if (rules->restricted != NULL && is_in(name, rules->restricted))
        return "restricted_list";
    if (psl_is_public_suffix(public_suffixes(), name) != 0)
        return "public_suffix";
    return NULL;
}

enum sv_err sv_name_registrable(const char *name, char out[SV_NAME_BYTES])
{
    char copy[SV_NAME_BYTES];
    size_t len = length(name);
    const char *found;

    if (len == 0 || len > SV_NAME_MAX)
        return SV_ENOTFOUND;
    memcpy(copy, name, len);
    copy[len] = '\0';
    lower(copy);
    found = psl_registrable_domain(public_suffixes(), copy);
    if (found == NULL)
        return SV_ENOTFOUND;
    /* The list knows no escapes: a dot inside a label must not pass for a boundary. */
    if (strchr(found, '\\') != NULL ||
        (found > copy && !is_separator(copy, (size_t)(found - copy) - 1)))
        return SV_ENOTFOUND;
    memcpy(out, found, strlen(found) + 1);
    return SV_OK;
}

void sv_name_relative(const char *name, const char *zone, char out[SV_NAME_BYTES])
{
    size_t len = length(name);

    if (sv_name_equal(name, zone)) {
        memcpy(out, "@", 2);
        return;
    }
    if (length(zone) > 0 && sv_name_is_below(name, zone))
        len -= length(zone) + 1;
    SV_REQUIRE(len <= SV_NAME_MAX);
    memcpy(out, name, len);
    out[len] = '\0';
}

void sv_name_display(const char *name, char out[4 * SV_NAME_BYTES])
{
    char again[SV_NAME_BYTES] = "";
    char *shown = NULL;
    size_t len = strlen(name);

    SV_REQUIRE(len < (size_t)4 * SV_NAME_BYTES);
    memcpy(out, name, len + 1);
    if (strstr(name, "xn--") == NULL)
        return;
    if (idn2_to_unicode_8z8z(name, &shown, 0) == IDN2_OK &&
        strlen(shown) < (size_t)4 * SV_NAME_BYTES) {
        /* Only a form that leads back to the same name is shown: anything else would deceive. */
        if (sv_name_normalize(shown, strlen(shown), again, NULL) == SV_OK &&
            sv_name_equal(again, name))
            memcpy(out, shown, strlen(shown) + 1);
    }
    idn2_free(shown);
}
