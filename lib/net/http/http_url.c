#include "sv/http_url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"

enum { URL_BYTES_MAX = 8 * 1024 };

/* libcurl also takes "https:/a" and "https:///a" for a host called a; what is not written as it
 * should be was not meant as libcurl would read it. */
static bool has_authority(const char *url)
{
    size_t len = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    return strncmp(url + len, "://", 3) == 0 && url[len + 3] != '/';
}

static enum sv_err check_bytes(const char *url, struct sv_errinfo *info)
{
    if (strlen(url) > URL_BYTES_MAX)
        return sv_err_set(info, SV_EINVALID, "http", 0, "the URL is longer than %d bytes",
                          (int)URL_BYTES_MAX);
    for (const char *c = url; *c != '\0'; c++) {
        if (*c <= ' ' || *c >= 0x7f || *c == '#')
            return sv_err_set(info, SV_EINVALID, "http", 0, "byte 0x%02x is not allowed in a URL",
                              (unsigned)(unsigned char)*c);
    }
    if (!has_authority(url))
        return sv_err_set(info, SV_EINVALID, "http", 0, "not a URL we can ask: no host in it");
    return SV_OK;
}

/* The texts are curl's. */
static enum sv_err take(struct sv_http_url *out, const char *scheme, const char *host,
                        const char *port, struct sv_errinfo *info)
{
    out->plain = strcmp(scheme, "http") == 0;
    if (!out->plain && strcmp(scheme, "https") != 0)
        return sv_err_set(info, SV_EINVALID, "http", 0, "scheme %.20s is not http or https",
                          scheme);
    if (strlen(host) >= sizeof(out->host))
        return sv_err_set(info, SV_EINVALID, "http", 0, "no host has so long a name: %.40s", host);
    (void)snprintf(out->host, sizeof(out->host), "%s", host);
    out->port = (uint16_t)strtoul(port, NULL, 10); /* libcurl has checked it */
    return SV_OK;
}

enum sv_err sv_http_url_read(const char *url, struct sv_http_url *out, struct sv_errinfo *info)
{
    char *scheme = NULL, *host = NULL, *port = NULL;
    enum sv_err err = check_bytes(url, info);
    CURLUcode code;
    CURLU *parts;

    if (err != SV_OK)
        return err;
    parts = curl_url();
    if (parts == NULL)
        sv_out_of_memory("curl_url");
    code = curl_url_set(parts, CURLUPART_URL, url,
                        CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER | CURLU_PATH_AS_IS);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_HOST, &host, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (code == CURLUE_OK)
        err = take(out, scheme, host, port, info);
    else
        err = sv_err_set(info, SV_EINVALID, "http", (long)code, "not a URL we can ask: %s",
                         curl_url_strerror(code));
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return err;
}
