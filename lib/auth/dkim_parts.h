/* What judging the DKIM aliases and probing for misplaced ones share. Private to lib/auth. */
#ifndef SV_AUTH_DKIM_PARTS_H
#define SV_AUTH_DKIM_PARTS_H

#include "judge_parts.h"

struct sv_dkim_token {
    const struct sv_fact *fact; /* CNAME at the owner */
    enum sv_record_status status;
    bool absent; /* definitely no alias at the owner */
    enum sv_finding_code fault;
    const struct sv_fact *evidence_of;  /* the fact that showed the fault */
    char found[SV_FINDING_VALUE_BYTES]; /* shown text */
};

struct sv_dkim_view {
    size_t count;
    struct sv_dkim_token tokens[SV_DKIM_TOKENS_MAX];
    bool has_own; /* BYODKIM: `own` is the TXT record at the selector */
    struct sv_dkim_token own;
    bool owners_empty; /* where aliases are absent, nothing of another type stands in for them */
};

/* The token whose alias belongs at `owner`; their number when there is none. */
size_t sv_dkim_token_at(const struct sv_judge *judge, const char *owner);

/* True when `name` is exactly where the alias of this token must point. */
bool sv_dkim_is_target(const struct sv_judge *judge, size_t token, struct sv_span name);

/* What is wrong with a target of this token's alias; SV_F_NONE when it is right. */
enum sv_finding_code sv_dkim_target_fault(const struct sv_judge *judge, size_t token,
                                          struct sv_span target);

/* True when somebody clearly meant one of our targets. */
bool sv_dkim_is_ours(const struct sv_judge *judge, size_t token, struct sv_span target);

/* Judges the keys behind the right aliases. What is wrong with a key is SES's affair: it makes no
 * alias wrong. Other records beside an alias do. */
void sv_dkim_keys(struct sv_judge *judge, struct sv_dkim_view *view);

/* Judges the record of the client's own key (BYODKIM), which is right only with the right key. */
void sv_dkim_own_key(struct sv_judge *judge, struct sv_dkim_view *view);

/* Whether an answer about that record holds the right key and nothing else. */
enum sv_tri sv_dkim_is_own_key(const struct sv_judge *judge, const struct sv_fact *answer);

/* Looks for the absent aliases at the places where they usually end up, and fills in the fault of
 * those it finds. */
void sv_dkim_probe(struct sv_judge *judge, struct sv_dkim_view *view);

#endif
