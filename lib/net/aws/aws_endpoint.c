/* Where requests go: the region's public host, or what an override says. */
#include <stdio.h>
#include <string.h>

#include "sv/aws_request.h"

enum { REGION_MAX = 32 };

static enum sv_err check_region(const char *region, struct sv_errinfo *info)
{
    size_t len = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");

    if (len == 0 || len > REGION_MAX || region[len] != '\0')
        return sv_err_set(info, SV_EINVALID, "aws", 0, "not a region: %.60s", region);
    return SV_OK;
}

static void use_region(const struct sv_aws_place *place, struct sv_aws_endpoint *out)
{
    static const struct {
        const char *begin, *suffix, *dual_stack;
    } partitions[] = {{"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
                      {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
                      {"", "amazonaws.com", "api.aws"}};
    size_t i = 0;

    while (strncmp(place->region, partitions[i].begin, strlen(partitions[i].begin)) != 0)
        i++; /* the last one begins every region */
    (void)snprintf(out->host, sizeof out->host, "%s.%s.%s", place->host, place->region,
                   place->use_dual_stack ? partitions[i].dual_stack : partitions[i].suffix);
    (void)snprintf(out->origin, sizeof out->origin, "https://%s", out->host);
}

/* "host", "host:port" or "[v6]:port"; the default port is dropped, since it is not signed. */
static bool read_authority(const char *at, size_t len, struct sv_aws_endpoint *out)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-._:[]";
    const char *standard = out->plain ? ":80" : ":443";
    size_t standard_len = strlen(standard);

    if (len == 0 || len >= sizeof out->host)
        return false;
    memcpy(out->host, at, len);
    out->host[len] = '\0';
    if (strspn(out->host, allowed) != len || out->host[0] == ':')
        return false;
    if (len > standard_len && strcmp(out->host + len - standard_len, standard) == 0)
        out->host[len - standard_len] = '\0';
    return true;
}

static bool read_prefix(const char *at, struct sv_aws_endpoint *out)
{
    size_t len = strlen(at);

    while (len > 0 && at[len - 1] == '/')
        len--;
    if (len >= sizeof out->prefix)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (at[i] <= ' ' || at[i] >= 0x7f || at[i] == '?' || at[i] == '#')
            return false;
    }
    memcpy(out->prefix, at, len);
    out->prefix[len] = '\0';
    return true;
}

enum sv_err sv_aws_endpoint_read(const struct sv_aws_place *place, struct sv_aws_endpoint *out,
                                 struct sv_errinfo *info)
{
    enum sv_err err = check_region(place->region, info);
    const char *url = place->url, *at = url;
    size_t len;

    *out = (struct sv_aws_endpoint){.plain = false};
    if (err != SV_OK)
        return err;
    if (url == NULL || url[0] == '\0') {
        use_region(place, out);
        return SV_OK;
    }
    if (strncmp(url, "http://", 7) == 0) {
        out->plain = true;
        at += 7;
    } else if (strncmp(url, "https://", 8) == 0) {
        at += 8;
    } else {
        return sv_err_set(info, SV_EINVALID, "aws", 0,
                          "endpoint %.80s does not begin with https:// or http://", url);
    }
    len = strcspn(at, "/?#");
    if (!read_authority(at, len, out) || !read_prefix(at + len, out))
        return sv_err_set(info, SV_EINVALID, "aws", 0, "endpoint %.100s is not a usable URL", url);
    (void)snprintf(out->origin, sizeof out->origin, "%s://%s", out->plain ? "http" : "https",
                   out->host);
    return SV_OK;
}
