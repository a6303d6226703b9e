/* What a report of the judge says to the status machine. */
#ifndef SV_OBSERVE_H
#define SV_OBSERVE_H

#include "sv/domain.h"
#include "sv/judge.h"

/* Fills in the DNS half of an observation. `mail_from` is the custom MAIL FROM name, "" = none. */
void sv_observe_dns(const struct sv_report *report, const char *mail_from,
                    struct sv_observation *seen);

#endif
