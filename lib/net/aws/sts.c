#include "sts.h"

#include <stdio.h>
#include <string.h>

#include "sv/sigv4.h"

enum { URL_BYTES = 1024 + 2, HOST_BYTES = 256, HEADERS = 8, REPLY_BYTES_MAX = 64 * 1024 };

static const sv_ms total_ms = 10 * SV_SECOND;
static const sv_ms skew_min_ms = 4 * SV_MINUTE; /* from which AWS's own tools blame the clock */

/* Splits the endpoint: what stands in Host, and the path. */
static void split(const char *endpoint, char host[HOST_BYTES], char url[URL_BYTES],
                  const char **path)
{
    const char *at = strstr(endpoint, "://");
    size_t len;

    at = at != NULL ? at + 3 : endpoint;
    len = strcspn(at, "/?#");
    (void)snprintf(host, HOST_BYTES, "%.*s", (int)(len < 255 ? len : 255), at);
    (void)snprintf(url, URL_BYTES, "%s%s", endpoint, at[len] == '\0' ? "/" : "");
    *path = url + (at - endpoint) + len;
}

enum sv_err sv_sts_start(struct sv_http *http, struct sv_http_request *request,
                         const struct sv_sts_ask *ask, sv_http_done_fn *done,
                         struct sv_errinfo *info)
{
    struct sv_sigv4_signature signature;
    struct sv_http_header headers[HEADERS] = {
        {"Host", NULL}, {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    char host[HOST_BYTES], url[URL_BYTES];
    size_t count = 2;
    struct sv_sigv4_request to_sign = {.method = "POST",
                                       .query = "",
                                       .headers = headers,
                                       .headers_count = count,
                                       .body = sv_buf_str(ask->body),
                                       .body_bytes = ask->body->len,
                                       .region = ask->region,
                                       .service = "sts",
                                       .now = ask->now};
    enum sv_err err;

    split(ask->endpoint, host, url, &to_sign.path);
    headers[0].value = host;
    if (ask->keys != NULL) {
        err = sv_sigv4_sign(&to_sign, ask->keys, &signature, info);
        if (err != SV_OK)
            return err;
        headers[count++] = (struct sv_http_header){"X-Amz-Date", signature.date};
        headers[count++] = (struct sv_http_header){"Authorization", signature.authorization};
        if (ask->keys->session_token[0] != '\0')
            headers[count++] =
                (struct sv_http_header){"X-Amz-Security-Token", ask->keys->session_token};
    }
    return sv_http_start(http, request,
                         &(struct sv_http_ask){.method = "POST",
                                               .url = url,
                                               .headers = headers,
                                               .headers_count = count,
                                               .body = sv_buf_str(ask->body),
                                               .body_bytes = ask->body->len,
                                               .answer_bytes_max = REPLY_BYTES_MAX,
                                               .connect_ms = total_ms,
                                               .total_ms = total_ms,
                                               .allow_plain = ask->is_plain},
                         done, info);
}

bool sv_sts_learn_skew(sv_ms *skew_ms, const struct sv_clock *clock, const char *code,
                       const char *date)
{
    static const char *const codes[] = {"RequestExpired",        "RequestTimeTooSkewed",
                                        "RequestInTheFuture",    "InvalidSignatureException",
                                        "SignatureDoesNotMatch", "AuthFailure"};
    sv_ms theirs, off;

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(code, codes[i]) != 0)
            continue;
        if (sv_time_parse_http(date, strlen(date), &theirs) != SV_OK)
            return false;
        off = theirs - (clock->wall(clock->context) + *skew_ms);
        if (off > -skew_min_ms && off < skew_min_ms)
            return false;
        *skew_ms += off;
        return true;
    }
    return false;
}
