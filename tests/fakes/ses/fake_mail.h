/* What the fake SES tells of mail; a part of fake_ses.c. */
#ifndef FAKE_MAIL_H
#define FAKE_MAIL_H

#include "sv/ses.h"

struct fake_mail { /* of one domain */
    char domain[SV_NAME_BYTES];
    struct sv_ses_metrics metrics;
    struct fake_mail *next;
};

/* `mail` NULL: its queries fail. */
void fake_mail_set(struct fake_mail **mails, const char *domain, const struct sv_mail *mail);
/* Answers METRICS or RECOMMENDATIONS. Without any mail written down, SES counts none. */
void fake_mail_tell(const struct fake_mail *mails, const struct sv_ses_call *call);
void fake_mail_free(struct fake_mail *mails);

#endif
