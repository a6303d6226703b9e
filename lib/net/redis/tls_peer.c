#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <uv.h>

#include "sv/redis.h"
#include "tls.h"

/* Whom we insist on, and what OpenSSL's error means to somebody who has to repair it. */

static bool is_address(const char *name)
{
    unsigned char bytes[sizeof(struct in6_addr)];

    return uv_inet_pton(AF_INET, name, bytes) == 0 || uv_inet_pton(AF_INET6, name, bytes) == 0;
}

enum sv_err sv_redis_tls_expect(SSL *ssl, const char *name, struct sv_errinfo *info)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    char plain[SV_REDIS_HOST_BYTES];
    bool fits;

    /* The zone of a link-local address ("fe80::1%eth0") is ours alone; no certificate knows it. */
    (void)snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(name, "%"), name);
    /* The common name is no identity any more (RFC 9525 section 6.3). */
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_address(plain))
        fits = X509_VERIFY_PARAM_set1_ip_asc(param, plain) == 1;
    else
        fits = SSL_set1_host(ssl, plain) == 1 && SSL_set_tlsext_host_name(ssl, plain) == 1;
    if (fits)
        return SV_OK;
    ERR_clear_error();
    return sv_err_set(info, SV_EINVALID, "redis tls", 0, "'%.100s' is no name for a certificate",
                      name);
}

static enum sv_err refuse_certificate(long code, const char *name, struct sv_errinfo *info)
{
    const char *why = X509_verify_cert_error_string(code);

    if (code == X509_V_ERR_HOSTNAME_MISMATCH || code == X509_V_ERR_IP_ADDRESS_MISMATCH)
        return sv_err_set(info, SV_EDENIED, "redis tls", code,
                          "TLS: the server's certificate is not for %.100s (none of its "
                          "subjectAltName says so)",
                          name);
    return sv_err_set(info, SV_EDENIED, "redis tls", code,
                      "TLS: the server's certificate is refused: %s", why);
}

/* The reasons with which a peer that is too old, or we, end a handshake. */
static bool is_about_version(int reason)
{
    return reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW ||
           reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION || reason == SSL_R_NO_PROTOCOLS_AVAILABLE;
}

/* Records that are none: what a plain server answers, for instance. */
static bool is_no_tls(int reason)
{
    return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG ||
           reason == SSL_R_ENCRYPTED_LENGTH_TOO_LONG || reason == SSL_R_BAD_RECORD_TYPE ||
           reason == SSL_R_UNEXPECTED_MESSAGE || reason == SSL_R_UNEXPECTED_RECORD;
}

/* Alerts about certificates come from the server, and are about ours. */
static bool is_about_ours(int reason)
{
    switch (reason) {
    case SSL_R_SSLV3_ALERT_NO_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return true;
    default:
        return false;
    }
}

enum sv_err sv_redis_tls_failure(const SSL *ssl, int result, const char *name,
                                 struct sv_errinfo *info)
{
    long verified = SSL_get_verify_result(ssl);
    int kind = SSL_get_error(ssl, result);
    unsigned long code = ERR_get_error();
    int reason = ERR_GET_REASON(code);
    const char *text = ERR_reason_error_string(code);

    ERR_clear_error();
    if (kind == SSL_ERROR_ZERO_RETURN)
        return sv_err_set(info, SV_ECONNECT, "redis tls", 0, "the server closed the connection");
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verified != X509_V_OK)
        return refuse_certificate(verified, name, info);
    if (is_about_version(reason))
        return sv_err_set(info, SV_EDENIED, "redis tls", reason,
                          "TLS: the server offers nothing newer than TLS 1.1, which is refused");
    if (is_about_ours(reason))
        return sv_err_set(info, SV_EDENIED, "redis tls", reason,
                          "TLS: the server refuses us: %.100s (redis.tls_cert_file)", text);
    if (is_no_tls(reason))
        return sv_err_set(info, SV_EMALFORMED, "redis tls", reason,
                          "TLS: what the server answers is no TLS (%.100s)", text);
    return sv_err_set(info, SV_EMALFORMED, "redis tls", reason, "TLS: %.150s",
                      text != NULL ? text : "the connection failed");
}
