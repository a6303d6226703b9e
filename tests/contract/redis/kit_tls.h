/* The server's side of TLS for the scripted server: a certificate made for the process, and one SSL
 * for each peer. */
#ifndef SV_TESTS_CONTRACT_REDIS_KIT_TLS_H
#define SV_TESTS_CONTRACT_REDIS_KIT_TLS_H

#include <openssl/ssl.h>

#include "sv/redis_tls.h"

/* From here on servers speak TLS, and clients of client_init do. Call it first in main; what it
 * makes lives until the process ends. */
void kit_tls_on(void);

/* What clients need; NULL = plain. */
struct sv_redis_tls *kit_tls_client(void);

/* A new server's side over memory BIOs, to be freed by SSL_free; NULL = plain. */
SSL *kit_tls_server(void);

#endif
