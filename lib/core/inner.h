/* What the files of the status machine share; nobody outside lib/core includes it. */
#ifndef SV_CORE_INNER_H
#define SV_CORE_INNER_H

#include "sv/domain.h"

enum { SV_TODO_RESTARTS = SV_TODO_RESTART_DKIM | SV_TODO_RESTART_MAIL_FROM | SV_TODO_RESTORE_SET };

/* The end of the year 9999: no instant we keep is later, so sums of two never overflow. */
#define SV_INSTANT_MAX ((sv_ms)253402300799999)

/* A resolver keeps no record longer than a day, whatever the zone says; a TTL of years must not
 * keep a wrong record from being noticed. */
enum { SV_TTL_MAX_S = 86400 };

/* Statuses in which mail may be sent. */
bool sv_status_is_sending(enum sv_status status);

/* True when SES's last word on both identity and DKIM is Success. */
bool sv_domain_has_succeeded(const struct sv_domain *domain);

/* True when identity and DKIM were both told by this read, or SES was rightly not asked. */
bool sv_observation_is_told(const struct sv_observation *seen);

/* True when the look found out nothing at all: as good as a fault. */
bool sv_observation_is_empty(const struct sv_observation *seen);

/* What the state and this look together mean; SV_CONCLUSION_CANNOT_TELL when something is missing.
 * `domain` has taken the look in already. */
enum sv_conclusion sv_conclusion_draw(const struct sv_domain *domain,
                                      const struct sv_observation *seen);

/* Why that is CANNOT_TELL. */
enum sv_untold sv_conclusion_untold(const struct sv_observation *seen);

/* True when the change set (design section 3.5) differs. */
bool sv_change_is_any(const struct sv_domain *before, const struct sv_domain *after);

/* Writes down that these restarts were made; settings that were put back drift no more. */
void sv_heal_done(struct sv_domain *domain, uint32_t done);

/* True when SES stopped looking at identity or DKIM, or never began. */
bool sv_heal_is_needed(const struct sv_domain *domain);

/* Writes down in `todo` which restarts are owed after this look, within the budget; takes back
 * those that are no longer of use. */
void sv_heal_owe(struct sv_domain *domain, const struct sv_policy *policy,
                 const struct sv_observation *seen, sv_ms now);

/* From when on the budget allows a restart; 0 = it always did. */
sv_ms sv_heal_allowed_at(const struct sv_domain *domain, const struct sv_policy *policy);

/* One restart was made: counts it. */
void sv_heal_count(struct sv_domain *domain, sv_ms now);

/* The wait after this input, or -1 for never. `todo_before` is the work owed before it. Reads
 * `tries` before this look is counted. */
sv_ms sv_schedule_wait(const struct sv_domain *domain, const struct sv_policy *policy,
                       const struct sv_input *input, uint32_t todo_before);

#endif
