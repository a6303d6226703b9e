#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "zone.h"

enum { LINE_BYTES_MAX = 16 * 1024 };

/* Cuts a comment off: a ';' outside quotes that is not escaped. False when a quote is left open. */
static bool cut_comment(char *line)
{
    bool quoted = false;

    for (; *line != 0; line++) {
        if (*line == '\\' && line[1] != 0) {
            line++;
        } else if (*line == '"') {
            quoted = !quoted;
        } else if (*line == ';' && !quoted) {
            *line = 0;
            break;
        }
    }
    return !quoted;
}

/* The next word, ended by a 0 byte; `*rest` then stands behind it. "" at the end. */
static char *take_word(char **rest)
{
    char *word = *rest + strspn(*rest, " \t\r");
    char *end = word + strcspn(word, " \t\r");

    *rest = *end == 0 ? end : end + 1;
    *end = 0;
    return word;
}

static ldns_rr_type type_of(const char *text)
{
    static const struct {
        const char *name;
        ldns_rr_type type;
    } types[] = {
        {"A", LDNS_RR_TYPE_A},         {"AAAA", LDNS_RR_TYPE_AAAA}, {"NS", LDNS_RR_TYPE_NS},
        {"SOA", LDNS_RR_TYPE_SOA},     {"MX", LDNS_RR_TYPE_MX},     {"TXT", LDNS_RR_TYPE_TXT},
        {"CNAME", LDNS_RR_TYPE_CNAME},
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcasecmp(text, types[i].name) == 0)
            return types[i].type;
    }
    return 0;
}

static bool ttl_is_valid(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len <= 9 && strspn(text, "0123456789") == len;
}

static const char *dot_for(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && name[len - 1] == '.' ? "" : ".";
}

/* The value with a final dot behind its first two words: ldns would complete the names of a SOA,
 * and only those, with the owner's name. */
static char *complete_soa(const char *value)
{
    char *copy = sv_strdup(value);
    char *rest = copy;
    const char *primary = take_word(&rest);
    const char *admin = take_word(&rest);
    size_t bytes = strlen(value) + 4;
    char *out = sv_alloc(bytes, 1);

    (void)snprintf(out, bytes, "%s%s %s%s %s", primary, dot_for(primary), admin, dot_for(admin),
                   rest);
    free(copy);
    return out;
}

static ldns_rr *build(const char *name, const char *ttl, const char *type, const char *value,
                      struct sv_errinfo *info)
{
    size_t bytes = strlen(name) + strlen(ttl) + strlen(type) + strlen(value) + 16;
    char *text = sv_alloc(bytes, 1);
    ldns_rr *record = NULL;
    ldns_status status;

    (void)snprintf(text, bytes, "%s%s %s IN %s %s", name, dot_for(name), ttl, type, value);
    status = ldns_rr_new_frm_str(&record, text, 0, NULL, NULL);
    free(text);
    if (status == LDNS_STATUS_OK)
        return record;
    (void)sv_err_set(info, SV_EMALFORMED, "zone", status, "bad %s value '%.80s': %s", type, value,
                     ldns_get_errorstr_by_id(status));
    return NULL;
}

static ldns_rr *parse_words(char *line, struct sv_errinfo *info)
{
    char *rest = line, *soa = NULL;
    ldns_rr *record;
    const char *name = take_word(&rest);
    const char *ttl = take_word(&rest);
    const char *type = take_word(&rest);

    if (strcasecmp(type, "IN") == 0)
        type = take_word(&rest);
    rest += strspn(rest, " \t\r");
    if (!ttl_is_valid(ttl)) {
        (void)sv_err_set(info, SV_EMALFORMED, "zone", 0, "TTL '%.20s' is not a number of seconds",
                         ttl);
        return NULL;
    }
    if (type_of(type) == 0) {
        (void)sv_err_set(info, SV_EMALFORMED, "zone", 0,
                         "type '%.20s' is none of A AAAA NS SOA MX TXT CNAME", type);
        return NULL;
    }
    if (*rest == 0) {
        (void)sv_err_set(info, SV_EMALFORMED, "zone", 0, "%s record without a value", type);
        return NULL;
    }
    if (type_of(type) == LDNS_RR_TYPE_SOA)
        rest = soa = complete_soa(rest);
    record = build(name, ttl, type, rest, info);
    free(soa);
    return record;
}

ldns_rr *sb_zone_parse_line(const char *line, struct sv_errinfo *info)
{
    size_t len = strlen(line);
    ldns_rr *record = NULL;
    char *copy;

    if (info != NULL)
        *info = (struct sv_errinfo){0};
    if (len > LINE_BYTES_MAX) {
        (void)sv_err_set(info, SV_ETOOBIG, "zone", 0, "line of more than %d bytes",
                         (int)LINE_BYTES_MAX);
        return NULL;
    }
    copy = sv_strndup(line, len);
    if (!cut_comment(copy))
        (void)sv_err_set(info, SV_EMALFORMED, "zone", 0, "a quote is left open");
    else if (copy[strspn(copy, " \t\r")] != 0)
        record = parse_words(copy, info);
    free(copy);
    return record;
}
