#include "auth.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "canonical.h"
#include "sv/alloc.h"
#include "sv/digest.h"
#include "sv/time.h"

/* The parts of: AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request,
 * SignedHeaders=a;b, Signature=hex. */
struct claim {
    char *key_id, *date, *region, *service, *ending;
    char *signed_headers, *signature;
    char *memory; /* all of the above point into it */
};

/* The value behind "NAME=" in a comma separated list; ends it with a 0 byte. NULL when absent. */
static char *take_part(char *list, const char *name)
{
    size_t len = strlen(name);
    char *at = list;

    while (at != NULL && *at != 0) {
        at += strspn(at, " ,");
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return at + len + 1;
        at = strchr(at, ',');
    }
    return NULL;
}

static void cut_at_comma(char *part)
{
    part[strcspn(part, ", ")] = 0;
}

static bool split_scope(struct claim *claim, char *credential)
{
    char **fields[] = {&claim->key_id, &claim->date, &claim->region, &claim->service,
                       &claim->ending};
    char *at = credential;

    for (size_t i = 0; i < 5; i++) {
        char *slash = strchr(at, '/');

        *fields[i] = at;
        if ((slash == NULL) != (i == 4))
            return false;
        if (slash != NULL) {
            *slash = 0;
            at = slash + 1;
        }
    }
    return true;
}

static bool claim_parse(struct claim *claim, const char *header)
{
    static const char algorithm[] = "AWS4-HMAC-SHA256 ";
    char *credential;

    *claim = (struct claim){.memory = sv_strdup(header)};
    if (strncmp(header, algorithm, sizeof algorithm - 1) != 0)
        return false;
    credential = take_part(claim->memory + sizeof algorithm - 1, "Credential");
    claim->signed_headers = take_part(claim->memory + sizeof algorithm - 1, "SignedHeaders");
    claim->signature = take_part(claim->memory + sizeof algorithm - 1, "Signature");
    if (credential == NULL || claim->signed_headers == NULL || claim->signature == NULL)
        return false;
    cut_at_comma(credential);
    cut_at_comma(claim->signed_headers);
    cut_at_comma(claim->signature);
    return split_scope(claim, credential);
}

const struct sb_key *sb_keys_find(const struct sb_keys *keys, const char *id)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->list[i].id, id) == 0)
            return &keys->list[i];
    }
    return NULL;
}

/* "20260101T000000Z" and nothing else. */
static bool basic_time(const char *text, sv_ms *out)
{
    char full[32];

    if (strlen(text) != 16 || text[8] != 'T' || text[15] != 'Z')
        return false;
    (void)snprintf(full, sizeof full, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text, text + 4, text + 6,
                   text + 9, text + 11, text + 13);
    return sv_time_parse(full, strlen(full), out) == SV_OK;
}

/* Every header that decides something must be under the signature. */
static enum sb_auth check_coverage(const struct sb_request *request, const struct claim *claim,
                                   char why[SB_WHY_BYTES])
{
    if (!sb_list_has(claim->signed_headers, "host")) {
        (void)snprintf(why, SB_WHY_BYTES,
                       "'Host' must be a 'SignedHeader' in the AWS Authorization.");
        return SB_AUTH_INCOMPLETE;
    }
    for (size_t i = 0; i < request->headers_count; i++) {
        const char *name = request->headers[i].name;

        if (strncasecmp(name, "x-amz-", 6) == 0 && !sb_list_has(claim->signed_headers, name)) {
            (void)snprintf(why, SB_WHY_BYTES,
                           "'%.60s' must be a 'SignedHeader' in the AWS Authorization.", name);
            return SB_AUTH_INCOMPLETE;
        }
    }
    return SB_AUTH_OK;
}

static enum sb_auth check_time(const char *date, const struct claim *claim, sv_ms now_ms,
                               char why[SB_WHY_BYTES])
{
    char now_text[17];
    sv_ms signed_at;

    if (date == NULL || !basic_time(date, &signed_at)) {
        (void)snprintf(why, SB_WHY_BYTES,
                       "Date in Authorization header requires 'X-Amz-Date' as YYYYMMDDTHHMMSSZ.");
        return SB_AUTH_INCOMPLETE;
    }
    (void)sv_time_format_basic(now_ms, now_text);
    if (signed_at < now_ms - SB_SKEW_MAX_MS || signed_at > now_ms + SB_SKEW_MAX_MS) {
        (void)snprintf(why, SB_WHY_BYTES, "Signature %s: %s is now %s %s (%s %s 5 min.)",
                       signed_at < now_ms ? "expired" : "not yet current", date,
                       signed_at < now_ms ? "earlier than" : "later than", now_text, now_text,
                       signed_at < now_ms ? "-" : "+");
        return SB_AUTH_EXPIRED;
    }
    if (strncmp(claim->date, date, 8) != 0 || strlen(claim->date) != 8) {
        (void)snprintf(why, SB_WHY_BYTES,
                       "Date in Credential scope does not match YYYYMMDD from ISO-8601 "
                       "version of date from HTTP: '%.20s' != '%.8s'.",
                       claim->date, date);
        return SB_AUTH_MISMATCH;
    }
    return SB_AUTH_OK;
}

static enum sb_auth check_scope(const struct claim *claim, const char *service,
                                char why[SB_WHY_BYTES])
{
    if (strcmp(claim->ending, "aws4_request") != 0) {
        (void)snprintf(why, SB_WHY_BYTES,
                       "Credential should be scoped with a valid terminator: "
                       "'aws4_request'.");
        return SB_AUTH_MISMATCH;
    }
    if (strcmp(claim->service, service) != 0) {
        (void)snprintf(why, SB_WHY_BYTES, "Credential should be scoped to correct service: '%s'.",
                       service);
        return SB_AUTH_MISMATCH;
    }
    if (claim->region[0] == 0 || strlen(claim->region) >= SB_REGION_BYTES) {
        (void)snprintf(why, SB_WHY_BYTES, "Credential should be scoped to a valid region.");
        return SB_AUTH_MISMATCH;
    }
    return SB_AUTH_OK;
}

static void derive_signature(const struct sb_key *key, const struct claim *claim,
                             const struct sv_buf *to_sign, char out[SV_SHA256_HEX_BYTES])
{
    const char *steps[] = {claim->date, claim->region, claim->service, "aws4_request"};
    uint8_t mac[SV_SHA256_BYTES], signature[SV_SHA256_BYTES];
    size_t secret_len = strlen(key->secret);
    char *start = sv_alloc(secret_len + 5, 1);

    (void)snprintf(start, secret_len + 5, "AWS4%s", key->secret);
    sv_hmac_sha256(start, secret_len + 4, steps[0], strlen(steps[0]), mac);
    for (size_t i = 1; i < 4; i++) {
        uint8_t next[SV_SHA256_BYTES];

        sv_hmac_sha256(mac, sizeof mac, steps[i], strlen(steps[i]), next);
        memcpy(mac, next, sizeof mac);
    }
    OPENSSL_cleanse(start, secret_len + 4);
    free(start);
    sv_hmac_sha256(mac, sizeof mac, to_sign->data, to_sign->len, signature);
    sv_hex(signature, sizeof signature, out);
}

static enum sb_auth check_signature(const struct sb_request *request, const struct claim *claim,
                                    const struct sb_key *key, char why[SB_WHY_BYTES])
{
    enum sb_auth verdict = SB_AUTH_MISMATCH;
    struct sv_buf canonical, to_sign;
    char hash[SV_SHA256_HEX_BYTES], expected[SV_SHA256_HEX_BYTES];

    sv_buf_init(&canonical, SB_CANONICAL_BYTES_MAX);
    sv_buf_init(&to_sign, 1024);
    if (!sb_canonical_request(&canonical, request, claim->signed_headers)) {
        (void)snprintf(why, SB_WHY_BYTES,
                       "The signed headers are not lower-case, sorted and all present, "
                       "or the payload hash header is wrong.");
        goto out;
    }
    sv_sha256_hex(canonical.data, canonical.len, hash);
    if (!sv_buf_printf(&to_sign, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s",
                       sb_request_header(request, "x-amz-date"), claim->date, claim->region,
                       claim->service, hash))
        goto out;
    derive_signature(key, claim, &to_sign, expected);
    if (strlen(claim->signature) == 64 && CRYPTO_memcmp(expected, claim->signature, 64) == 0) {
        verdict = SB_AUTH_OK;
        goto out;
    }
    (void)snprintf(
        why, SB_WHY_BYTES,
        "The request signature we calculated does not match the signature you provided. Check "
        "your AWS Secret Access Key and signing method. Consult the service documentation for "
        "details.\n\nThe Canonical String for this request should have been\n'%.1200s'\n\n"
        "The String-to-Sign should have been\n'%.400s'\n",
        sv_buf_str(&canonical), sv_buf_str(&to_sign));
out:
    sv_buf_fini(&canonical);
    sv_buf_fini(&to_sign);
    return verdict;
}

static bool has_token(const struct sb_request *request, const struct sb_key *key)
{
    const char *token = sb_request_header(request, "x-amz-security-token");

    if (key->session_token == NULL || token == NULL)
        return key->session_token == NULL && token == NULL;
    return strcmp(key->session_token, token) == 0;
}

static enum sb_auth check_claim(const struct sb_request *request, const struct sb_key *key,
                                const char *service, const struct claim *claim, sv_ms now_ms,
                                char why[SB_WHY_BYTES])
{
    const char *date = sb_request_header(request, "x-amz-date");
    enum sb_auth verdict = check_coverage(request, claim, why);

    if (verdict != SB_AUTH_OK)
        return verdict;
    if (key == NULL || !has_token(request, key)) {
        (void)snprintf(why, SB_WHY_BYTES, "The security token included in the request is invalid.");
        return SB_AUTH_UNKNOWN_KEY;
    }
    if (key->expires_at != 0 && key->expires_at <= now_ms) {
        (void)snprintf(why, SB_WHY_BYTES, "The security token included in the request is expired");
        return SB_AUTH_EXPIRED_TOKEN;
    }
    verdict = check_scope(claim, service, why);
    if (verdict == SB_AUTH_OK)
        verdict = check_time(date, claim, now_ms, why);
    if (verdict == SB_AUTH_OK)
        verdict = check_signature(request, claim, key, why);
    return verdict;
}

enum sb_auth sb_auth_check(const struct sb_request *request, const char *service,
                           const struct sb_keys *keys, sv_ms now_ms, struct sb_caller *caller,
                           char why[SB_WHY_BYTES])
{
    const char *header = sb_request_header(request, "authorization");
    const struct sb_key *key;
    struct claim claim = {0};
    enum sb_auth verdict;

    *caller = (struct sb_caller){0};
    why[0] = 0;
    if (header == NULL) {
        (void)snprintf(why, SB_WHY_BYTES, "Missing Authentication Token");
        return SB_AUTH_MISSING;
    }
    if (!claim_parse(&claim, header)) {
        (void)snprintf(why, SB_WHY_BYTES,
                       "Authorization header requires 'Credential', 'SignedHeaders' and "
                       "'Signature' parameters under AWS4-HMAC-SHA256.");
        free(claim.memory);
        return SB_AUTH_INCOMPLETE;
    }
    key = sb_keys_find(keys, claim.key_id);
    (void)snprintf(caller->key_id, sizeof caller->key_id, "%s", claim.key_id);
    (void)snprintf(caller->account, sizeof caller->account, "%s",
                   key == NULL || key->account == NULL ? claim.key_id : key->account);
    (void)snprintf(caller->region, sizeof caller->region, "%s", claim.region);
    verdict = check_claim(request, key, service, &claim, now_ms, why);
    free(claim.memory);
    return verdict;
}
