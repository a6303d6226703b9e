/* The tree of an SPF record: every branch, also where a receiver would have given up long before.
 * Private to lib/auth. */
#ifndef SV_AUTH_SPF_WALK_H
#define SV_AUTH_SPF_WALK_H

#include "spf_eval.h"

enum { SV_SPF_DEPTH_MAX = 12, SV_SPF_STEPS_MAX = 128 };

enum sv_spf_trouble {
    SV_SPF_TROUBLE_NONE,
    SV_SPF_NO_RECORD, /* an include or a redirect leads to no SPF record */
    SV_SPF_SEVERAL,   /* ... to more than one */
    SV_SPF_BROKEN,    /* ... to one with an error: `outline` */
    SV_SPF_LOOP,      /* ... back to a record that it came from: `path` */
    SV_SPF_MX_MANY,   /* an mx leads to more hosts than allowed: `number` */
};

/* Everything is borrowed for the call. */
struct sv_spf_note {
    enum sv_spf_trouble trouble;
    unsigned depth; /* of the term: 1 = in the first record */
    const struct sv_spf_term *term;
    const char *name; /* what was asked for */
    enum sv_rr_type type;
    const char *holder; /* the name whose record has the term */
    const struct sv_spf_outline *outline;
    const char *const *path; /* the names from the first record on, `name` not included */
    size_t path_count;
    size_t number;
};

typedef void sv_spf_note_fn(void *context, const struct sv_spf_note *note);

struct sv_spf_walk {
    struct sv_spf_source source;
    struct sv_spf_tree *tree; /* empty; NULL = only the questions are wanted */
    sv_spf_note_fn *note;     /* NULL = not told */
    void *context;
    /* Filled in: where each node's term stands in its record. */
    const char *places[SV_SPF_NODES_MAX];
    size_t troubles; /* how many there are to note */
    /* private */
    unsigned steps;
    const char *path[SV_SPF_DEPTH_MAX + 1];
};

/* Walks from the record, which stands at `owner`. */
void sv_spf_walk(struct sv_spf_walk *walk, const char *owner, struct sv_span record);

/* A visitor for one evaluation that marks the nodes it comes to. */
struct sv_spf_marker {
    const struct sv_spf_walk *walk;
    size_t at; /* starts as 0 */
};

sv_spf_visit_fn sv_spf_mark_used;

#endif
