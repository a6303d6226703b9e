/* Sections that have a name of their own: [account NAME] and [sink NAME]. */
#ifndef SV_WORKER_CONFIG_NAMED_H
#define SV_WORKER_CONFIG_NAMED_H

#include "config.h"

/* One kind of such sections. */
struct sv_named_kind {
    const char *word; /* "account" */
    const struct sv_setting *settings;
    const char *names;  /* the letters a name is made of */
    size_t name_max;    /* bytes */
    const char *rule;   /* what a name is, for messages */
    size_t entries_max; /* sections */
    /* The places in struct sv_config and in one entry. */
    size_t entries_at, count_at, entry_bytes, origins_at;
};

/* One section that is there. */
struct sv_named {
    const struct sv_named_kind *kind;
    char *name;
    void *base;                /* for sv_setting_parse and its like */
    struct sv_origin *origins; /* beside kind->settings */
};

extern const struct sv_named_kind sv_named_kinds[]; /* ends with a word NULL */

/* The kind of "account main" or "sink audit"; NULL when it is none of them. */
const struct sv_named_kind *sv_named_kind_of(const char *section);

/* The entry of that index; false when there are not so many. */
bool sv_named_at(struct sv_config *config, const struct sv_named_kind *kind, size_t index,
                 struct sv_named *out);

/* Finds or makes the entry of "account main", with the built-in values. False when it cannot be,
 * and `why` says why. */
bool sv_named_need(struct sv_config *config, const char *section, struct sv_named *out, char *why,
                   size_t why_bytes);

#endif
