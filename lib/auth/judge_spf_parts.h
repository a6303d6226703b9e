/* What the files that judge an SPF record share. Private to lib/auth. */
#ifndef SV_AUTH_JUDGE_SPF_PARTS_H
#define SV_AUTH_JUDGE_SPF_PARTS_H

#include "judge_parts.h"
#include "spf_eval.h"

/* One SPF record being judged, at {d} or at {m}. */
struct sv_spf_subject {
    struct sv_judge *judge;
    const struct sv_fact *fact;
    const char *owner;
    bool at_mail_from;
    enum sv_spf_result for_ses; /* the worst result over SES's addresses */
    bool explained;             /* a finding says why it is an error */
};

/* What a finding of SPF says; everything but the code may be left out. */
struct sv_spf_finding {
    enum sv_finding_code code;
    const struct sv_fact *fact; /* NULL = that of the record */
    const char *expected;
    struct sv_span found;
    uint32_t number;
    bool harmless; /* to what SES sends: an error becomes a warning */
};

void sv_spf_find(const struct sv_spf_subject *it, const struct sv_spf_finding *what);

/* The mistakes and dangers that can be seen in the record's own text. Sets `explained` where it is
 * not valid. Returns true when it lets everyone pass. */
bool sv_judge_spf_text(struct sv_spf_subject *it, struct sv_span record);

/* SES is not let in: names the mistake where one is seen, and the record that would be right. */
void sv_judge_spf_explain(const struct sv_spf_subject *it, struct sv_span record);

/* Evaluates the record for what SES sends into `for_ses`, walks its tree, and tells what is wrong
 * in it. */
void sv_judge_spf_tree(struct sv_spf_subject *it, struct sv_span record);

#endif
