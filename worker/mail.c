#include "mail.h"

#include <inttypes.h>
#include <stdio.h>

enum { RATE_BYTES = 16 };

/* Two digits behind the point, no final zeros. */
static const char *rate(uint32_t part, uint32_t whole, char out[RATE_BYTES])
{
    double percent = whole == 0 ? 0 : 100.0 * (double)part / (double)whole;

    (void)snprintf(out, RATE_BYTES, "%.3g %%", percent);
    return out;
}

const char *sv_mail_line(const struct sv_domain *domain, char out[SV_MAIL_LINE_BYTES])
{
    const struct sv_mail *mail = &domain->mail;
    char bounced[RATE_BYTES], complained[RATE_BYTES];

    out[0] = '\0';
    if (domain->mail_at == 0)
        return out;
    (void)snprintf(
        out, SV_MAIL_LINE_BYTES,
        "%s: %s of %" PRIu32 " mails bounced, %s of %" PRIu32 " were complained of (%d days)%s",
        sv_reputation_name(domain->reputation), rate(mail->permanent_bounces, mail->sent, bounced),
        mail->sent, rate(mail->complaints, mail->tracked, complained), mail->tracked,
        SV_REPUTATION_DAYS, mail->advice != 0 ? "; Amazon SES has recommendations" : "");
    return out;
}
