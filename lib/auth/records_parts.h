/* The names and values that the expected records are made of, for listing and for judging. Private
 * to lib/auth. */
#ifndef SV_AUTH_RECORDS_PARTS_H
#define SV_AUTH_RECORDS_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/records.h"

#include "txt.h"

#define SV_SPF_SES      "amazonses.com"
#define SV_SPF_INCLUDE  "include:" SV_SPF_SES
#define SV_SPF_EXPECTED "v=spf1 " SV_SPF_INCLUDE " ~all"

/* All of these: false (and "") when the result would be no name that DNS can hold. */

/* SES's hosted zone: as told, otherwise the region's documented one. */
bool sv_dkim_zone(const struct sv_expect *expect, char out[SV_NAME_BYTES]);

/* Owner and target of the alias for token number `token`. */
bool sv_dkim_owner(const struct sv_expect *expect, size_t token, char out[SV_NAME_BYTES]);
bool sv_dkim_target(const struct sv_expect *expect, size_t token, char out[SV_NAME_BYTES]);

/* Owner and value of the TXT record for a key of one's own; false also where none is expected, and
 * for a key larger than the 2048 bits that SES takes, if a record cannot hold it. */
bool sv_byodkim_owner(const struct sv_expect *expect, char out[SV_NAME_BYTES]);
bool sv_byodkim_value(const struct sv_expect *expect, char out[SV_RECORD_VALUE_BYTES]);

/* The MX host of the custom MAIL FROM in the own region. */
bool sv_feedback_host(const struct sv_expect *expect, char out[SV_NAME_BYTES]);

/* feedback-smtp.<region>.amazonses.com, whatever region that may be; false for any other host. */
bool sv_feedback_region(struct sv_span host, struct sv_span *region);

#endif
