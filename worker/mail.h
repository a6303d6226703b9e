/* What SES tells of a domain's mail, as a line for people. */
#ifndef SV_WORKER_MAIL_H
#define SV_WORKER_MAIL_H

#include "sv/domain.h"

enum { SV_MAIL_LINE_BYTES = 512 };

/* "review: 6 % of 1000 mails bounced, 0.11 % of 900 were complained of (7 days)"; "" where nothing
 * was ever told. */
const char *sv_mail_line(const struct sv_domain *domain, char out[SV_MAIL_LINE_BYTES]);

#endif
