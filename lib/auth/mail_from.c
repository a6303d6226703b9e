#include "sv/records.h"

#include <string.h>

#include "txt.h"

enum sv_err sv_mail_from_name(const char *domain, const char *given, char out[SV_NAME_BYTES],
                              struct sv_errinfo *info)
{
    struct sv_errinfo why = {0};
    char name[SV_NAME_BYTES];

    out[0] = '\0';
    if (sv_name_normalize(given, strlen(given), name, &why) != SV_OK)
        return sv_err_set(info, SV_EINVALID, "mail_from", 0, "not a valid name: %s", why.text);
    /* A dot anywhere, even at the end, says that the name is complete. */
    if (strchr(name, '.') == NULL && strchr(given, '.') == NULL) {
        if (!sv_name_build(out, name, ".", domain))
            return sv_err_set(info, SV_EINVALID, "mail_from", 0,
                              "%.64s.%.100s is longer than 253 characters", name, domain);
        return SV_OK;
    }
    if (!sv_name_is_below(name, domain))
        return sv_err_set(info, SV_EINVALID, "mail_from", 0,
                          "%.100s is not a subdomain of %.100s: choose a name such as mail.%.64s",
                          name, domain, domain);
    memcpy(out, name, strlen(name) + 1);
    return SV_OK;
}
