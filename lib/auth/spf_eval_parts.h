/* What the files of the evaluation share. Private to spf_eval.c and spf_target.c. */
#ifndef SV_AUTH_SPF_EVAL_PARTS_H
#define SV_AUTH_SPF_EVAL_PARTS_H

#include "spf_eval.h"

/* What a mechanism makes of the address. */
enum sv_spf_match {
    SV_SPF_MATCH_NO,
    SV_SPF_MATCH_YES,
    SV_SPF_MATCH_MAYBE, /* it depends on the message, or on an address that is not told */
    SV_SPF_MATCH_TEMPERROR,
    SV_SPF_MATCH_PERMERROR,
    SV_SPF_MATCH_OPEN, /* may be anything, an error too */
};

struct sv_spf_eval {
    const struct sv_spf_check *check;
    struct sv_spf_verdict *out;
    unsigned depth;
    bool open;          /* an include or redirect depends on the message */
    const char *domain; /* current: %{d} */
    struct sv_span exp; /* of the record that said fail */
    char exp_domain[SV_NAME_BYTES];
};

/* Asks the source, and remembers when the answer is missing. */
void sv_spf_ask(struct sv_spf_eval *eval, const char *name, enum sv_rr_type type,
                struct sv_spf_reply *reply);

/* Neither data nor an error (section 4.6.4). */
bool sv_spf_is_void(const struct sv_spf_reply *reply);

/* Whether one of the addresses of `name` is the one asked about, up to the term's prefix length.
 * `found`: there was at least one address. */
enum sv_spf_match sv_spf_match_host(struct sv_spf_eval *eval, const char *name,
                                    const struct sv_spf_term *term, bool *found);

/* The PTR records of the address. */
void sv_spf_ask_ptr(struct sv_spf_eval *eval, struct sv_spf_reply *reply);

/* Calls `fits` for each validated name until it says yes. Names whose addresses cannot be found out
 * are skipped; beyond the tenth, too (section 4.6.4). */
enum sv_spf_match sv_spf_each_validated(struct sv_spf_eval *eval, const struct sv_spf_reply *ptr,
                                        bool (*fits)(void *context, const char *name),
                                        void *context);

/* For sv_spf_macro_expand; the context is the struct sv_spf_eval. */
bool sv_spf_add_letter(void *context, char letter, struct sv_line *out);

/* The name a domain-spec stands for; empty = the current domain. NO: it is no name that can be
 * asked for. */
enum sv_spf_match sv_spf_target(struct sv_spf_eval *eval, struct sv_span spec,
                                char out[SV_NAME_BYTES]);

#endif
