#include "zone_text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sv/alloc.h"
#include "sv/require.h"

enum { WORD_MAX = 16, SCOPE_BYTES = 1024 };

struct line {
    bool used, wildcard, trouble;
    enum sv_rr_type type;
    uint8_t rdata[600]; /* of types that are written as hex digits */
    size_t rdata_bytes;
    char *owner;
    char *value;
};

struct zone {
    size_t count;
    struct line lines[ZONE_RECORDS_MAX];
    struct sv_dns_answer answer;
    struct sv_rr records[ZONE_RECORDS_MAX];
    char names[SV_DNS_ALIASES_MAX + 1][SV_NAME_BYTES];
};

char *zone_expand(const char *text)
{
    static const struct {
        char key;
        const char *value;
    } places[] = {
        {'1', TOKEN_1}, {'2', TOKEN_2}, {'3', TOKEN_3}, {'z', DKIM_ZONE}, {'k', DKIM_KEY}};
    size_t room = 1;
    size_t len = 0;
    char *out;

    for (const char *at = text; *at != '\0'; at++)
        room += *at == '$' ? sizeof(DKIM_KEY) : 1;
    out = sv_alloc(1, room);
    for (; *text != '\0'; text++) {
        const char *value = NULL;
        for (size_t i = 0; i < sizeof(places) / sizeof(*places) && *text == '$'; i++) {
            if (text[1] == places[i].key)
                value = places[i].value;
        }
        if (value == NULL) {
            out[len++] = *text;
            continue;
        }
        memcpy(out + len, value, strlen(value));
        len += strlen(value);
        text++;
    }
    return out;
}

static enum sv_rr_type type_of(const char *word)
{
    static const struct {
        const char *word;
        enum sv_rr_type type;
    } types[] = {{"A", SV_RR_A},        {"MX", SV_RR_MX},       {"TXT", SV_RR_TXT},
                 {"SPF", SV_RR_SPF},    {"CNAME", SV_RR_CNAME}, {"NS", SV_RR_NS},
                 {"AAAA", SV_RR_AAAA},  {"DS", SV_RR_DS},       {"DNSKEY", SV_RR_DNSKEY},
                 {"RRSIG", SV_RR_RRSIG}};

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (strcmp(types[i].word, word) == 0)
            return types[i].type;
    }
    sv_require_failed(__FILE__, __LINE__, word);
}

static void forget(struct zone *zone, const struct line *line)
{
    for (size_t i = 0; i < zone->count; i++) {
        if (zone->lines[i].type == line->type && strcmp(zone->lines[i].owner, line->owner) == 0)
            zone->lines[i].used = false;
    }
}

static void read_hex(struct line *line)
{
    if (line->type != SV_RR_DS && line->type != SV_RR_DNSKEY && line->type != SV_RR_RRSIG)
        return;
    for (const char *at = line->value; at[0] != '\0' && at[1] != '\0'; at += 2) {
        const char digits[] = {at[0], at[1], '\0'};
        SV_REQUIRE(line->rdata_bytes < sizeof(line->rdata));
        line->rdata[line->rdata_bytes++] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

static void read_line(struct zone *zone, char *text)
{
    struct line line = {.used = true};
    bool remove;
    char *type;

    text += strspn(text, " ");
    if (*text == '\0')
        return;
    remove = *text == '-';
    text += remove ? 1 : 0;
    type = text + strcspn(text, " ");
    SV_REQUIRE(*type == ' ');
    *type++ = '\0';
    line.value = type + strcspn(type, " ");
    if (*line.value == ' ')
        *line.value++ = '\0';
    if (type[strlen(type) - 1] == '!') {
        line.trouble = true;
        type[strlen(type) - 1] = '\0';
    }
    line.type = type_of(type);
    line.wildcard = strncmp(text, "*.", 2) == 0;
    line.owner = sv_strdup(line.wildcard ? text + 2 : text);
    line.value = sv_strdup(line.value);
    read_hex(&line);
    if (remove)
        forget(zone, &line);
    line.used = !remove;
    SV_REQUIRE(zone->count < ZONE_RECORDS_MAX);
    zone->lines[zone->count++] = line;
}

static bool ends_with(const char *name, const char *tail);

/* Whether the text says anything about the name, or about one below it. */
static bool knows(const struct zone *zone, const char *name)
{
    for (size_t i = 0; i < zone->count; i++) {
        if (strcmp(zone->lines[i].owner, name) == 0 || ends_with(zone->lines[i].owner, name))
            return true;
    }
    return false;
}

static bool speaks_of(const struct zone *zone, const char *owner, enum sv_rr_type type)
{
    for (size_t i = 0; i < zone->count; i++) {
        if (zone->lines[i].type == type && !zone->lines[i].wildcard &&
            strcmp(zone->lines[i].owner, owner) == 0)
            return true;
    }
    return false;
}

/* Most stories are not about receiving mail: the client's domains do, unless the text says
 * something about their MX or address. */
static void receive_mail(struct zone *zone)
{
    static const char *const names[] = {"client.com", "news.client.com"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char line[64];
        if (!knows(zone, names[i]) || speaks_of(zone, names[i], SV_RR_MX) ||
            speaks_of(zone, names[i], SV_RR_A))
            continue;
        (void)snprintf(line, sizeof(line), "%s MX 10 mx.example.net", names[i]);
        read_line(zone, line);
    }
}

static void read_lines(struct zone *zone, const char *text)
{
    char *expanded = zone_expand(text);
    char *rest = expanded;

    while (rest != NULL)
        read_line(zone, strsep(&rest, "\n"));
    free(expanded);
}

struct zone *zone_new(const char *text)
{
    static const char *const ses_zones[] = {DKIM_ZONE, "dkim.eu-south-1.amazonses.com",
                                            "dkim.ap-southeast-3.amazonses.com"};
    static const char *const tokens[] = {TOKEN_1, TOKEN_2, TOKEN_3};
    struct zone *zone = sv_alloc(1, sizeof(*zone));

    for (size_t i = 0; i < 9; i++) {
        char line[1024];
        (void)snprintf(line, sizeof(line), "%s.%s TXT p=" DKIM_KEY, tokens[i % 3],
                       ses_zones[i / 3]);
        read_lines(zone, line);
    }
    read_lines(zone, text);
    receive_mail(zone);
    return zone;
}

void zone_free(struct zone *zone)
{
    for (size_t i = 0; i < zone->count; i++) {
        free(zone->lines[i].owner);
        free(zone->lines[i].value);
    }
    free(zone);
}

static bool fail(struct zone *zone, const struct line *line)
{
    static const struct {
        const char *word;
        enum sv_dns_trouble trouble;
    } troubles[] = {
        {"timeout", SV_DNS_TIMEOUT},
        {"network", SV_DNS_NETWORK},
        {"servfail", SV_DNS_SERVFAIL},
        {"refused", SV_DNS_REFUSED},
        {"lame", SV_DNS_LAME},
        {"malformed", SV_DNS_MALFORMED},
        {"tcp", SV_DNS_TCP_FAILED},
        {"loop", SV_DNS_ALIAS_LOOP},
        {"long", SV_DNS_ALIAS_TOO_LONG},
        {"other", SV_DNS_OTHER_RCODE},
        {"elsewhere", SV_DNS_ALIAS_ELSEWHERE},
        {"referred", SV_DNS_REFERRED},
        {"bogus", SV_DNS_BOGUS},
    };

    for (size_t i = 0; i < sizeof(troubles) / sizeof(*troubles); i++) {
        if (strncmp(line->value, troubles[i].word, strlen(troubles[i].word)) == 0)
            zone->answer.trouble = troubles[i].trouble;
    }
    if (strncmp(line->value, "ede", 3) == 0)
        zone->answer.trouble = SV_DNS_SERVFAIL;
    if (strstr(line->value, "ede") != NULL)
        zone->answer.ede = (uint16_t)(strtoul(strstr(line->value, "ede") + 3, NULL, 10) + 1);
    zone->answer.outcome = SV_DNS_UNKNOWN;
    zone->answer.rcode = zone->answer.trouble == SV_DNS_SERVFAIL ? 2 : 0;
    return strcmp(line->value, "never") != 0;
}

static void add_record(struct zone *zone, const char *owner, const struct line *line)
{
    struct sv_rr *rr = &zone->records[zone->answer.records_count++];

    *rr = (struct sv_rr){.owner = owner, .type = line->type, .ttl_s = ZONE_TTL_S};
    if (line->type == SV_RR_CNAME || line->type == SV_RR_NS)
        rr->target = line->value;
    if (line->type == SV_RR_MX) {
        char *end;
        rr->preference = (uint16_t)strtoul(line->value, &end, 10);
        rr->target = *end == ' ' ? end + 1 : end;
    }
    if (line->type == SV_RR_TXT || line->type == SV_RR_SPF) {
        rr->text = (const uint8_t *)line->value;
        rr->text_bytes = strlen(line->value);
    }
    if (line->rdata_bytes > 0) {
        rr->rdata = line->rdata;
        rr->rdata_bytes = line->rdata_bytes;
    }
    if (line->type == SV_RR_A)
        SV_REQUIRE(inet_pton(AF_INET, line->value, rr->address) == 1);
    if (line->type == SV_RR_AAAA)
        SV_REQUIRE(inet_pton(AF_INET6, line->value, rr->address) == 1);
}

static bool ends_with(const char *name, const char *tail)
{
    size_t len = strlen(name);
    size_t tail_len = strlen(tail);

    return len > tail_len + 1 && name[len - tail_len - 1] == '.' &&
           strcasecmp(name + len - tail_len, tail) == 0;
}

static bool exists(const struct zone *zone, const char *name)
{
    for (size_t i = 0; i < zone->count; i++) {
        const struct line *line = &zone->lines[i];
        if (line->used && !line->trouble && !line->wildcard &&
            (strcasecmp(line->owner, name) == 0 || ends_with(line->owner, name)))
            return true;
    }
    return false;
}

/* A wildcard gives nothing below a name that exists beside it (RFC 4592 section 3.3.1). */
static bool is_below_wildcard(const struct zone *zone, const char *name, const char *encloser)
{
    const char *above = strchr(name, '.');

    if (!ends_with(name, encloser))
        return false;
    while (above != NULL && strcasecmp(above + 1, encloser) != 0) {
        if (exists(zone, above + 1))
            return false;
        above = strchr(above + 1, '.');
    }
    return true;
}

static bool is_at(const struct zone *zone, const struct line *line, const char *name,
                  bool by_wildcard)
{
    if (!line->used || line->trouble || line->wildcard != by_wildcard)
        return false;
    return by_wildcard ? is_below_wildcard(zone, name, line->owner)
                       : strcasecmp(line->owner, name) == 0;
}

/* The line that says that this question fails; NULL when it does not. Whoever cannot tell the alias
 * at a name does not tell either what text is behind it. */
static const struct line *find_trouble(const struct zone *zone, const char *name,
                                       enum sv_rr_type type)
{
    for (size_t i = 0; i < zone->count; i++) {
        const struct line *line = &zone->lines[i];
        if (line->used && line->trouble && strcasecmp(line->owner, name) == 0 &&
            (line->type == type || (line->type == SV_RR_CNAME && type == SV_RR_TXT)))
            return line;
    }
    return NULL;
}

/* A reply that leads to two places cannot be read (lib/net/dns/packet_read.c). */
static bool leads_apart(const struct zone *zone, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < zone->count; i++)
        count += zone->lines[i].type == SV_RR_CNAME && is_at(zone, &zone->lines[i], name, false);
    return count > 1;
}

/* Adds what is at the name; returns the alias target, if it is an alias and another type is asked.
 */
static const char *gather(struct zone *zone, const char *name, enum sv_rr_type type, bool *found,
                          bool *is_there)
{
    bool by_wildcard = !exists(zone, name);

    *is_there = !by_wildcard;
    for (size_t i = 0; i < zone->count; i++) {
        const struct line *line = &zone->lines[i];
        if (!is_at(zone, line, name, by_wildcard))
            continue;
        *is_there = true;
        if (line->type == type) {
            add_record(zone, name, line);
            *found = true;
        } else if (line->type == SV_RR_RRSIG) {
            if (line->rdata[1] == (int)type) /* of the type it covers, the first two octets */
                add_record(zone, name, line);
        } else if (line->type == SV_RR_CNAME) {
            add_record(zone, name, line);
            return line->value;
        }
    }
    return NULL;
}

bool zone_look(struct zone *zone, const struct sv_dns_question *question,
               const struct sv_dns_answer **answer)
{
    const char *name = zone->names[0];
    bool found = false;
    bool is_there = false;

    memset(&zone->answer, 0, sizeof(zone->answer));
    *answer = &zone->answer;
    zone->answer.records = zone->records;
    zone->answer.at = 1000;
    memcpy(zone->answer.server, "192.0.2.53:53", sizeof("192.0.2.53:53"));
    memcpy(zone->names[0], question->name, SV_NAME_BYTES);
    for (size_t hop = 1; name != NULL && !found; hop++) {
        const struct line *trouble = find_trouble(zone, name, question->type);
        const char *target;
        if (trouble != NULL && (question->how & SV_ASK_UNCHECKED) == 0)
            return fail(zone, trouble);
        if (question->type != SV_RR_CNAME && leads_apart(zone, name)) {
            zone->answer.trouble = SV_DNS_MALFORMED;
            return true;
        }
        target = gather(zone, name, question->type, &found, &is_there);
        SV_REQUIRE(hop <= SV_DNS_ALIASES_MAX);
        memcpy(zone->answer.final_name, name, strlen(name) + 1);
        name = target;
        if (name != NULL)
            name = memcpy(zone->names[hop], target, strlen(target) + 1);
    }
    zone->answer.outcome = found ? SV_DNS_DATA : is_there ? SV_DNS_NODATA : SV_DNS_NXDOMAIN;
    zone->answer.rcode = zone->answer.outcome == SV_DNS_NXDOMAIN ? 3 : 0;
    zone->answer.ttl_s = found ? ZONE_TTL_S : ZONE_NEGATIVE_TTL_S;
    return true;
}
