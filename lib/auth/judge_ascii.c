/* Letters beyond ASCII, which DNS has not. A name with a U-label is published under its A-label
 * (RFC 5890 section 2.3.2.1). What a panel stores as it was typed lies at a name that nobody asks
 * for, or points to one (dns-auth section 10.1, dns_name_not_ascii). */
#include <string.h>

#include "judge_parts.h"

/* Octets above 127 in presentation form, \195 and the like, back to text; false when there are
 * none. */
static bool decode(const char *name, char out[SV_NAME_BYTES])
{
    bool any = false;
    size_t len = 0;

    while (*name != '\0' && len + 1 < SV_NAME_BYTES) {
        unsigned octet = (unsigned char)*name;
        if (name[0] == '\\' && name[1] >= '0' && name[1] <= '2' && name[2] != '\0' &&
            name[3] != '\0') {
            octet = (unsigned)(name[1] - '0') * 100 + (unsigned)(name[2] - '0') * 10 +
                    (unsigned)(name[3] - '0');
            name += 3;
        }
        any = any || octet > 127;
        out[len++] = (char)octet;
        name++;
    }
    out[len] = '\0';
    return any;
}

static void judge_target(struct sv_judge *judge, const struct sv_fact *fact, size_t record)
{
    char decoded[SV_NAME_BYTES];
    char ascii[SV_NAME_BYTES];
    struct sv_naming naming = {.owner = fact->name, .expected = ascii};
    const char *target = fact->alias;

    if (target == NULL && fact->type == SV_RR_MX && fact->values_count > 0)
        target = memchr(fact->values[0].text, ' ', fact->values[0].len);
    if (target == NULL || !decode(target + (*target == ' ' ? 1 : 0), decoded))
        return;
    naming.found = target;
    if (sv_name_normalize(decoded, strlen(decoded), ascii, NULL) != SV_OK)
        naming.expected = "xn--...";
    judge->explained[record] = true;
    sv_judge_find(judge, SV_F_DNS_NAME_NOT_ASCII, fact, SV_SEVERITY_NONE, &naming);
}

bool sv_judge_escape(const char *text, char out[SV_NAME_BYTES])
{
    struct sv_line line;

    sv_line_init(&line, out, SV_NAME_BYTES);
    for (; *text != '\0'; text++) {
        unsigned octet = (unsigned char)*text;
        char escape[] = {'\\', (char)('0' + octet / 100), (char)('0' + octet / 10 % 10),
                         (char)('0' + octet % 10)};
        sv_line_add_bytes(&line, octet > 127 ? escape : text, octet > 127 ? sizeof(escape) : 1);
    }
    return !line.cut;
}

/* The first A-label and all behind it; NULL when there is none. */
static char *a_labels(char *name)
{
    char *found = strstr(name, "xn--");

    while (found != NULL && found > name && found[-1] != '.')
        found = strstr(found + 1, "xn--");
    return found;
}

/* Where the record is when U-labels were kept as they were typed: in front of the zone, or, where
 * there is none, in the whole name, to which the panel added the zone. False when the name has no
 * U-label, or that form is too long. */
static bool typed(const struct sv_judge *judge, const char *name, char out[SV_NAME_BYTES])
{
    char front[SV_NAME_BYTES];
    char shown[4 * SV_NAME_BYTES];
    char escaped[SV_NAME_BYTES];
    char *labels;
    struct sv_line line;

    sv_name_relative(name, judge->zone, front);
    if (a_labels(front) == NULL && !sv_name_build(front, name, NULL, NULL))
        return false;
    labels = a_labels(front);
    if (labels == NULL)
        return false;
    sv_name_display(labels, shown); /* the labels before, with underscores, are none of IDNA's */
    if (strcmp(shown, labels) == 0 || !sv_judge_escape(shown, escaped))
        return false;
    *labels = '\0';
    sv_line_init(&line, out, SV_NAME_BYTES);
    sv_line_add(&line, front);
    sv_line_add(&line, escaped);
    sv_line_add(&line, ".");
    sv_line_add(&line, judge->zone);
    return !line.cut;
}

/* Would this be right at the name that is expected? */
static bool is_right(const struct sv_judge *judge, size_t record, const struct sv_fact *found)
{
    struct sv_fact moved = *found;

    moved.name = judge->asked[record]->name;
    return sv_fact_known(found) && !sv_fact_absent(found) &&
           sv_judge_is_right(judge, record, &moved) == SV_TRI_YES;
}

/* Did no wildcard (RFC 4592) above the label that was typed give it? */
static bool is_exact(struct sv_judge *judge, const struct sv_fact *fact, size_t record)
{
    const struct sv_fact *sibling = sv_judge_sibling(judge, strrchr(fact->name, '\\'), fact->type);

    return sv_fact_known(sibling) && !is_right(judge, record, sibling);
}

static void judge_owner(struct sv_judge *judge, const struct sv_fact *fact, size_t record)
{
    char name[SV_NAME_BYTES];
    struct sv_naming naming = {.owner = fact->name, .expected = fact->name, .found = name};
    const struct sv_fact *found;

    if (!typed(judge, fact->name, name))
        return;
    found = sv_judge_look(judge, name, fact->type, &judge->dns_looks, SV_DNS_LOOKS_MAX);
    if (!is_right(judge, record, found) || !is_exact(judge, found, record))
        return;
    judge->explained[record] = true;
    sv_judge_find(judge, SV_F_DNS_NAME_NOT_ASCII, found, SV_SEVERITY_NONE, &naming);
}

void sv_judge_ascii(struct sv_judge *judge, const struct sv_fact *fact, size_t record)
{
    if (sv_fact_absent(fact))
        judge_owner(judge, fact, record);
    else
        judge_target(judge, fact, record);
}
