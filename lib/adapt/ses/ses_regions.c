/* What AWS documents per region (Amazon SES endpoints and quotas, "DKIM domains" and "Feedback
 * endpoints" of the General Reference). */
#include <string.h>
#include <strings.h>

#include "ses_private.h"

/* In a region of its own zone the records point below dkim.<region>.amazonses.com. The European
 * Sovereign Cloud is left out: its zones are not documented, and a guess would be a wrong record in
 * somebody's DNS. */
static const struct {
    const char *name;
    const char *zone;
} regions[] = {
    {"af-south-1", "dkim.af-south-1.amazonses.com"},
    {"ap-northeast-1", "dkim.amazonses.com"},
    {"ap-northeast-2", "dkim.amazonses.com"},
    {"ap-northeast-3", "dkim.ap-northeast-3.amazonses.com"},
    {"ap-south-1", "dkim.amazonses.com"},
    {"ap-south-2", "dkim.ap-south-2.amazonses.com"},
    {"ap-southeast-1", "dkim.amazonses.com"},
    {"ap-southeast-2", "dkim.amazonses.com"},
    {"ap-southeast-3", "dkim.ap-southeast-3.amazonses.com"},
    {"ap-southeast-5", "dkim.ap-southeast-5.amazonses.com"},
    {"ca-central-1", "dkim.amazonses.com"},
    {"ca-west-1", "dkim.ca-west-1.amazonses.com"},
    {"eu-central-1", "dkim.amazonses.com"},
    {"eu-central-2", "dkim.eu-central-2.amazonses.com"},
    {"eu-north-1", "dkim.amazonses.com"},
    {"eu-south-1", "dkim.eu-south-1.amazonses.com"},
    {"eu-west-1", "dkim.amazonses.com"},
    {"eu-west-2", "dkim.amazonses.com"},
    {"eu-west-3", "dkim.amazonses.com"},
    {"il-central-1", "dkim.il-central-1.amazonses.com"},
    {"me-central-1", "dkim.me-central-1.amazonses.com"},
    {"me-south-1", "dkim.amazonses.com"},
    {"sa-east-1", "dkim.amazonses.com"},
    {"us-east-1", "dkim.amazonses.com"},
    {"us-east-2", "dkim.amazonses.com"},
    {"us-gov-east-1", "dkim.us-gov-east-1.amazonses.com"},
    {"us-gov-west-1", "dkim.amazonses.com"},
    {"us-west-1", "dkim.amazonses.com"},
    {"us-west-2", "dkim.amazonses.com"},
};

const char *sv_aws_ses_dkim_zone(const char *region)
{
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        if (strcmp(region, regions[i].name) == 0)
            return regions[i].zone;
    }
    return NULL;
}

bool sv_aws_ses_is_feedback_host(const char *host)
{
    static const char head[] = "feedback-smtp.", tail[] = ".amazonses.com";
    size_t len = strlen(host), head_len = sizeof head - 1, tail_len = sizeof tail - 1;

    len -= len > 0 && host[len - 1] == '.';
    if (len <= head_len + tail_len || strncasecmp(host, head, head_len) != 0 ||
        strncasecmp(host + len - tail_len, tail, tail_len) != 0)
        return false;
    host += head_len;
    len -= head_len + tail_len;
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        if (strlen(regions[i].name) == len && strncasecmp(host, regions[i].name, len) == 0)
            return true;
    }
    return false;
}
