/* A resolver that answers on the next turn of the loop from a table the test fills. Aliases in the
 * table are followed as a recursive server would. What was not put in does not exist. */
#ifndef SV_FAKE_RESOLVER_H
#define SV_FAKE_RESOLVER_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "sv/resolver.h"
#include "sv/time.h"

enum { SV_FAKE_TTL_S = 300, SV_FAKE_NEGATIVE_TTL_S = 60 };

/* `clock` stamps answers and may be NULL (then 0). Closed by sv_resolver_close. */
struct sv_resolver *sv_fake_resolver_new(uv_loop_t *loop, const struct sv_clock *clock);

/* One more record at its owner; copied. An owner with records of other types only is NODATA. */
void sv_fake_resolver_add(struct sv_resolver *fake, const struct sv_rr *record);
void sv_fake_resolver_add_txt(struct sv_resolver *fake, const char *owner, const char *text);
void sv_fake_resolver_add_cname(struct sv_resolver *fake, const char *owner, const char *target);
void sv_fake_resolver_add_mx(struct sv_resolver *fake, const char *owner, uint16_t preference,
                             const char *host);
void sv_fake_resolver_add_a(struct sv_resolver *fake, const char *owner, const char *address);

/* Takes all records of a type away; SV_RR_NONE: of every type. */
void sv_fake_resolver_remove(struct sv_resolver *fake, const char *owner, enum sv_rr_type type);

/* From now on the question ends in SV_DNS_UNKNOWN, whatever records there are. SV_DNS_NO_TROUBLE
 * heals it. SV_RR_NONE: every type. "*" as owner: every name. */
void sv_fake_resolver_trouble(struct sv_resolver *fake, const char *owner, enum sv_rr_type type,
                              enum sv_dns_trouble trouble);

/* How often a question was started, identical ones under way included. SV_RR_NONE: of every type;
 * NULL: for every name. */
size_t sv_fake_resolver_asked(const struct sv_resolver *fake, const char *name,
                              enum sv_rr_type type);

/* While busy, no lookup starts: SV_EBUSY. */
void sv_fake_resolver_set_busy(struct sv_resolver *fake, bool busy);

/* Answers wait until released when held; for tests that need lookups under way. */
void sv_fake_resolver_hold(struct sv_resolver *fake, bool hold);

#endif
