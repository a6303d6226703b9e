/* The interface to DNS that the driver sees: one question, and what everybody asked said of it.
 * Implementations: sv_dns_resolver_new, and a fake for tests. */
#ifndef SV_RESOLVER_H
#define SV_RESOLVER_H

#include "sv/err.h"
#include "sv/views.h"

struct sv_resolver;
struct sv_lookup;

/* err is SV_OK with a report that holds at least one answer (SV_DNS_UNKNOWN inside is an answer),
 * or SV_ECANCELED with NULL. The report is borrowed for the call. */
typedef void sv_lookup_done_fn(struct sv_lookup *lookup, enum sv_err err,
                               const struct sv_dns_views *views);
typedef void sv_resolver_closed_fn(void *context);

struct sv_lookup {                   /* embed it in your own struct */
    void *owner;                     /* yours, untouched */
    struct sv_dns_question question; /* in; read by start */
    /* private to the resolver from here on */
    sv_lookup_done_fn *done;
    struct sv_resolver *resolver;
    void *flight;
    struct sv_lookup *next, *previous;
};

struct sv_resolver_ops {
    enum sv_err (*start)(struct sv_resolver *resolver, struct sv_lookup *lookup,
                         sv_lookup_done_fn *done, struct sv_errinfo *info);
    void (*cancel)(struct sv_lookup *lookup);
    void (*close)(struct sv_resolver *resolver, sv_resolver_closed_fn *closed, void *context);
};

/* An implementation begins with this struct. */
struct sv_resolver {
    const struct sv_resolver_ops *ops;
};

/* SV_EINVALID, SV_EBUSY, SV_ECANCELED (closing). */
static inline enum sv_err sv_lookup_start(struct sv_resolver *resolver, struct sv_lookup *lookup,
                                          sv_lookup_done_fn *done, struct sv_errinfo *info)
{
    return resolver->ops->start(resolver, lookup, done, info);
}

static inline void sv_lookup_cancel(struct sv_lookup *lookup)
{
    lookup->resolver->ops->cancel(lookup);
}

static inline void sv_resolver_close(struct sv_resolver *resolver, sv_resolver_closed_fn *closed,
                                     void *context)
{
    resolver->ops->close(resolver, closed, context);
}

#endif
