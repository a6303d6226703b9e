/* Where requests go: the region's public host, or what an override says. */
#include <string.h>

#include "ses_private.h"

/* Amazon SES endpoints and quotas, General Reference: where hosts with validated cryptography are.
 */
static bool has_fips(const char *region)
{
    static const char *const regions[] = {"us-east-1",    "us-east-2",    "us-west-1",
                                          "us-west-2",    "ca-central-1", "us-gov-east-1",
                                          "us-gov-west-1"};

    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        if (strcmp(region, regions[i]) == 0)
            return true;
    }
    return false;
}

enum sv_err sv_ses_endpoint_read(const struct sv_ses_place *place, struct sv_aws_endpoint *out,
                                 struct sv_errinfo *info)
{
    bool is_public = place->url == NULL || place->url[0] == '\0';
    struct sv_aws_place general = {.url = place->url,
                                   .region = place->region,
                                   .host = place->use_fips ? "email-fips" : "email",
                                   .use_dual_stack = place->use_dual_stack};
    enum sv_err err = sv_aws_endpoint_read(&general, out, info);

    if (err == SV_OK && is_public && place->use_fips && !has_fips(place->region))
        return sv_err_set(info, SV_EINVALID, "ses", 0,
                          "SES has no FIPS endpoint in %s: take another region, or switch "
                          "AWS_USE_FIPS_ENDPOINT and use_fips_endpoint off",
                          place->region);
    return err;
}
