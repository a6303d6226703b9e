#include "sv/tags.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "
                              "_.:/=+-@";

struct place {
    const char *name;
    const char *text;
};

/* The place that begins here, or NULL. */
static const struct place *place_at(const struct place *places, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(text, places[i].name, strlen(places[i].name)) == 0)
            return &places[i];
    }
    return NULL;
}

static bool add(char out[SV_SES_TAG_VALUE_BYTES], size_t *len, const char *text, size_t bytes)
{
    if (bytes >= SV_SES_TAG_VALUE_BYTES - *len)
        return false;
    (void)memcpy(out + *len, text, bytes);
    *len += bytes;
    out[*len] = '\0';
    return true;
}

static bool fill(const char *value, const struct place *places, size_t places_count,
                 char out[SV_SES_TAG_VALUE_BYTES])
{
    size_t len = 0;

    out[0] = '\0';
    while (*value != '\0') {
        const struct place *place = place_at(places, places_count, value);
        const char *text = place != NULL ? place->text : value;

        if (!add(out, &len, text, place != NULL ? strlen(text) : 1))
            return false;
        value += place != NULL ? strlen(place->name) : 1;
    }
    return strspn(out, allowed) == len;
}

void sv_tags_fill(const struct sv_ses_setup *setup, const struct sv_tag_facts *facts,
                  struct sv_tags *out)
{
    const struct place places[] = {{"{client_id}", facts->client_id},
                                   {"{domain_id}", facts->domain_id},
                                   {"{domain}", facts->domain}};

    out->count = 0;
    for (size_t i = 0; i < setup->tags_count && out->count < SV_SES_TAGS_MAX; i++) {
        char *value = out->values[out->count];

        if (!fill(setup->tags[i].value, places, sizeof places / sizeof places[0], value))
            continue;
        out->tags[out->count++] = (struct sv_ses_tag){.key = setup->tags[i].key, .value = value};
    }
}

const char *sv_tag_problem(const char *tag)
{
    static const struct place places[] = {
        {"{client_id}", "x"}, {"{domain_id}", "x"}, {"{domain}", "x"}};
    size_t key = strcspn(tag, "=");
    char value[SV_SES_TAG_VALUE_BYTES];

    if (tag[key] == '\0' || key == 0)
        return "is not key=value";
    if (key >= SV_SES_TAG_KEY_BYTES)
        return "the key is longer than 128 characters";
    if (strncasecmp(tag, "aws:", 4) == 0)
        return "keys that begin with aws: are Amazon's own";
    if (strspn(tag, allowed) < key)
        return "the key may hold letters, digits and _ . : / + - @";
    if (!fill(tag + key + 1, places, sizeof places / sizeof places[0], value))
        return "the value may hold 256 letters, digits and _ . : / = + - @, and {client_id}, "
               "{domain_id}, {domain}";
    return NULL;
}
