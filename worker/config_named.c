#include "config_named.h"

#include <stdio.h>
#include <string.h>

#include "sv/require.h"

static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
static const char mixed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

const struct sv_named_kind sv_named_kinds[] = {
    {
        .word = "account",
        .settings = sv_account_settings,
        .names = mixed,
        .name_max = 64,
        .rule = "an account's name is 1 to 64 letters, digits, '-', '_' or '.'",
        .entries_max = SV_ACCOUNTS_MAX,
        .entries_at = offsetof(struct sv_config, accounts),
        .count_at = offsetof(struct sv_config, accounts_count),
        .entry_bytes = sizeof(struct sv_config_account),
        .origins_at = offsetof(struct sv_config_account, origins),
    },
    {
        .word = "sink",
        .settings = sv_sink_settings,
        .names = lower,
        .name_max = SV_SINK_NAME_BYTES - 1,
        .rule = "a sink's name is 1 to 32 lower-case letters, digits, '-' or '_'",
        .entries_max = SV_SINKS_MAX,
        .entries_at = offsetof(struct sv_config, sinks),
        .count_at = offsetof(struct sv_config, sinks_count),
        .entry_bytes = sizeof(struct sv_config_sink),
        .origins_at = offsetof(struct sv_config_sink, origins),
    },
    {.word = NULL},
};

/* Both kinds of entries begin with their name. */
_Static_assert(offsetof(struct sv_config_account, name) == 0, "the name comes first");
_Static_assert(offsetof(struct sv_config_sink, name) == 0, "the name comes first");

const struct sv_named_kind *sv_named_kind_of(const char *section)
{
    for (const struct sv_named_kind *kind = sv_named_kinds; kind->word != NULL; kind++) {
        size_t len = strlen(kind->word);

        if (strncmp(section, kind->word, len) == 0 && section[len] == ' ')
            return kind;
    }
    return NULL;
}

static size_t *count_of(struct sv_config *config, const struct sv_named_kind *kind)
{
    return (size_t *)(void *)((char *)config + kind->count_at);
}

bool sv_named_at(struct sv_config *config, const struct sv_named_kind *kind, size_t index,
                 struct sv_named *out)
{
    char *entry = (char *)config + kind->entries_at + index * kind->entry_bytes;

    if (index >= *count_of(config, kind))
        return false;
    *out = (struct sv_named){
        .kind = kind,
        .name = entry,
        .base = entry,
        .origins = (struct sv_origin *)(void *)(entry + kind->origins_at),
    };
    return true;
}

static void make(struct sv_config *config, const struct sv_named_kind *kind, const char *name,
                 struct sv_named *out)
{
    size_t index = (*count_of(config, kind))++;
    char why[256];
    bool is_there = sv_named_at(config, kind, index, out);

    SV_REQUIRE(is_there);
    (void)snprintf(out->name, kind->name_max + 1, "%s", name);
    for (const struct sv_setting *s = kind->settings; s->section != NULL; s++)
        SV_REQUIRE(sv_setting_parse(s, out->base, s->fallback, why, sizeof(why)));
}

bool sv_named_need(struct sv_config *config, const char *section, struct sv_named *out, char *why,
                   size_t why_bytes)
{
    const struct sv_named_kind *kind = sv_named_kind_of(section);
    const char *name = section + strlen(kind->word) + 1;
    size_t len = strspn(name, kind->names);

    for (size_t i = 0; sv_named_at(config, kind, i, out); i++) {
        if (strcmp(out->name, name) == 0)
            return true;
    }
    if (len == 0 || len > kind->name_max || name[len] != '\0') {
        (void)snprintf(why, why_bytes, "%s", kind->rule);
        return false;
    }
    if (*count_of(config, kind) == kind->entries_max) {
        (void)snprintf(why, why_bytes, "more than %zu %ss", kind->entries_max, kind->word);
        return false;
    }
    make(config, kind, name, out);
    return true;
}
