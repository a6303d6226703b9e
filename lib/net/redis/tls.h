/* What TLS over a Redis connection is made of: the context of its files, and what went wrong. */
#ifndef SV_NET_REDIS_TLS_H
#define SV_NET_REDIS_TLS_H

#include <openssl/ssl.h>

#include "sv/redis_tls.h"

/* The context for a new connection, made anew when a file has changed. Borrowed until the next
 * call; an SSL made from it keeps it alive. Errors as sv_redis_tls_check. */
enum sv_err sv_redis_tls_context(struct sv_redis_tls *tls, SSL_CTX **out, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* The name or address the server's certificate must be for; `host` is the address's. Borrowed. */
const char *sv_redis_tls_name(const struct sv_redis_tls *tls, const char *host);

/* Makes `ssl` insist on `name`: SNI and subjectAltName for a name, the latter's addresses for an
 * address. */
enum sv_err sv_redis_tls_expect(SSL *ssl, const char *name, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* Why OpenSSL gave the connection up, from its queue of errors, which is empty afterwards. `result`
 * is what the failed call returned. SV_EDENIED: a certificate is refused, the server's by us or
 * ours by the server, or it speaks no TLS that is good enough. SV_EMALFORMED: no TLS. SV_ECONNECT:
 * the server ended the connection in good order. */
enum sv_err sv_redis_tls_failure(const SSL *ssl, int result, const char *name,
                                 struct sv_errinfo *info);

#endif
