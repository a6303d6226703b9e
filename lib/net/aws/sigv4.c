/* AWS Signature Version 4, as "Create a signed AWS API request" of the IAM User Guide writes it
 * down: canonical request, string to sign, a key derived for one day, region and service, HMAC. */
#include "sv/sigv4.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "canonical.h"
#include "sv/digest.h"

enum { CANONICAL_BYTES_MAX = 64 * 1024, SCOPE_BYTES = 128, SIGNED_NAMES_BYTES = 512 };

static enum sv_err too_long(struct sv_errinfo *info)
{
    return sv_err_set(info, SV_ETOOBIG, "sigv4", 0, "the canonical request is over %d bytes",
                      (int)CANONICAL_BYTES_MAX);
}

/* The headers in canonical form; the caller calls fini in every case. */
static enum sv_err collect_headers(const struct sv_sigv4_request *request,
                                   const struct sv_credentials *credentials, const char *date,
                                   struct sv_canonical_headers *out, struct sv_errinfo *info)
{
    bool fits = true;

    for (size_t i = 0; i < request->headers_count && fits; i++)
        fits = sv_canonical_headers_add(out, request->headers[i].name, request->headers[i].value);
    if (sv_canonical_headers_have(out, "x-amz-date") ||
        sv_canonical_headers_have(out, "x-amz-security-token"))
        return sv_err_set(info, SV_EINVALID, "sigv4", 0, "date and token are the signer's to add");
    fits = fits && sv_canonical_headers_add(out, "x-amz-date", date);
    if (credentials->session_token[0] != '\0')
        fits = fits &&
               sv_canonical_headers_add(out, "x-amz-security-token", credentials->session_token);
    if (!fits)
        return sv_err_set(info, SV_ETOOBIG, "sigv4", 0, "more than %d headers to sign",
                          (int)SV_HTTP_HEADERS_MAX);
    if (!sv_canonical_headers_have(out, "host"))
        return sv_err_set(info, SV_EINVALID, "sigv4", 0, "the host header is missing");
    sv_canonical_headers_sort(out);
    return SV_OK;
}

static bool write_names(const struct sv_canonical_headers *headers, struct sv_buf *out)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (!sv_buf_printf(out, "%s%s", i > 0 ? ";" : "", headers->list[i].name))
            return false;
    }
    return true;
}

static bool write_headers(const struct sv_canonical_headers *headers, struct sv_buf *out)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (!sv_buf_printf(out, "%s:%s\n", headers->list[i].name, headers->list[i].value))
            return false;
    }
    return sv_buf_add_str(out, "\n");
}

/* Appends the canonical request to `out` and the names of the signed headers to `names`. */
static enum sv_err canonical(const struct sv_sigv4_request *request,
                             const struct sv_canonical_headers *headers, struct sv_buf *out,
                             struct sv_buf *names, struct sv_errinfo *info)
{
    char body_hash[SV_SHA256_HEX_BYTES];
    enum sv_err err;

    if (!sv_buf_printf(out, "%s\n", request->method) || !sv_canonical_path(out, request->path) ||
        !sv_buf_add_str(out, "\n"))
        return too_long(info);
    err = sv_canonical_query(out, request->query, info);
    if (err != SV_OK)
        return err;
    if (!sv_buf_add_str(out, "\n") || !write_headers(headers, out))
        return too_long(info);
    if (!write_names(headers, names))
        return sv_err_set(info, SV_ETOOBIG, "sigv4", 0,
                          "the names of the headers are over %d bytes", (int)SIGNED_NAMES_BYTES);
    sv_sha256_hex(request->body_bytes != 0 ? request->body : "", request->body_bytes, body_hash);
    if (!sv_buf_printf(out, "%s\n%s", sv_buf_str(names), body_hash))
        return too_long(info);
    return SV_OK;
}

enum sv_err sv_sigv4_canonical(const struct sv_sigv4_request *request,
                               const struct sv_credentials *credentials, struct sv_buf *out,
                               struct sv_errinfo *info)
{
    struct sv_canonical_headers headers = {.count = 0};
    struct sv_buf names;
    char date[17];
    enum sv_err err;

    sv_buf_init(&names, SIGNED_NAMES_BYTES);
    err = collect_headers(request, credentials, sv_time_format_basic(request->now, date), &headers,
                          info);
    if (err == SV_OK)
        err = canonical(request, &headers, out, &names, info);
    sv_canonical_headers_fini(&headers);
    sv_buf_fini(&names);
    return err;
}

/* HMAC chained over day, region, service and the fixed end; "AWS4" + secret is the first key. */
static void sign_text(const struct sv_sigv4_request *request, const char *secret, const char *day,
                      const char *text, char out[SV_SHA256_HEX_BYTES])
{
    const char *const links[] = {day, request->region, request->service, "aws4_request", text};
    char first[4 + SV_SECRET_KEY_BYTES];
    uint8_t key[SV_SHA256_BYTES], next[SV_SHA256_BYTES];
    int first_len = snprintf(first, sizeof first, "AWS4%s", secret);

    sv_hmac_sha256(first, (size_t)first_len, links[0], strlen(links[0]), key);
    for (size_t i = 1; i < sizeof links / sizeof links[0]; i++) {
        sv_hmac_sha256(key, sizeof key, links[i], strlen(links[i]), next);
        memcpy(key, next, sizeof key);
    }
    sv_hex(key, sizeof key, out);
    OPENSSL_cleanse(first, sizeof first);
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(next, sizeof next);
}

/* The canonical request holds the session token, so its copy is wiped before it is freed. */
static void wipe(struct sv_buf *buf)
{
    if (buf->data != NULL)
        OPENSSL_cleanse(buf->data, buf->cap);
    sv_buf_fini(buf);
}

static enum sv_err authorize(const struct sv_sigv4_request *request,
                             const struct sv_credentials *credentials, const char *canonical_text,
                             size_t canonical_len, const char *names,
                             struct sv_sigv4_signature *out)
{
    char scope[SCOPE_BYTES], text[SCOPE_BYTES + 128], day[9];
    char hash[SV_SHA256_HEX_BYTES], signature[SV_SHA256_HEX_BYTES];
    int len;

    memcpy(day, out->date, 8);
    day[8] = '\0';
    len = snprintf(scope, sizeof scope, "%s/%s/%s/aws4_request", day, request->region,
                   request->service);
    if (len < 0 || (size_t)len >= sizeof scope)
        return SV_ETOOBIG;
    sv_sha256_hex(canonical_text, canonical_len, hash);
    (void)snprintf(text, sizeof text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", out->date, scope, hash);
    sign_text(request, credentials->secret_access_key, day, text, signature);
    len = snprintf(out->authorization, sizeof out->authorization,
                   "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                   credentials->access_key_id, scope, names, signature);
    return len > 0 && (size_t)len < sizeof out->authorization ? SV_OK : SV_ETOOBIG;
}

enum sv_err sv_sigv4_sign(const struct sv_sigv4_request *request,
                          const struct sv_credentials *credentials, struct sv_sigv4_signature *out,
                          struct sv_errinfo *info)
{
    struct sv_canonical_headers headers = {.count = 0};
    struct sv_buf text, names;
    enum sv_err err;

    sv_buf_init(&text, CANONICAL_BYTES_MAX);
    sv_buf_init(&names, SIGNED_NAMES_BYTES);
    (void)sv_time_format_basic(request->now, out->date);
    err = collect_headers(request, credentials, out->date, &headers, info);
    if (err == SV_OK)
        err = canonical(request, &headers, &text, &names, info);
    if (err == SV_OK) {
        err = authorize(request, credentials, sv_buf_str(&text), text.len, sv_buf_str(&names), out);
        if (err != SV_OK)
            (void)sv_err_set(info, err, "sigv4", 0, "region, service or key are too long");
    }
    sv_canonical_headers_fini(&headers);
    wipe(&text);
    sv_buf_fini(&names);
    return err;
}
