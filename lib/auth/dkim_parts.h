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
    bool owners_empty; /* where aliases are absent, nothing of another type stands in for them */
};

/* True when `name` is exactly where the alias of this token must point. */
bool sv_dkim_is_target(const struct sv_judge *judge, size_t token, struct sv_span name);

/* What is wrong with a target of this token's alias; SV_F_NONE when it is right. */
enum sv_finding_code sv_dkim_target_fault(const struct sv_judge *judge, size_t token,
                                          struct sv_span target);

/* True when somebody clearly meant one of our targets. */
bool sv_dkim_is_ours(const struct sv_judge *judge, size_t token, struct sv_span target);

/* Looks for the absent aliases at the places where they usually end up, and fills in the fault of
 * those it finds. */
void sv_dkim_probe(struct sv_judge *judge, struct sv_dkim_view *view);

#endif
