/* The DNS stand-in: a zone served over UDP and TCP on one port. */
#ifndef SB_DNS_SERVER_H
#define SB_DNS_SERVER_H

#include <uv.h>

#include "clock.h"
#include "dns_answer.h"
#include "dns_fault.h"
#include "http.h"

enum { SB_DNS_LOG_MAX = 10000, SB_DNS_CONNECTIONS_MAX = 128, SB_DNS_LATE_MAX = 1024 };

struct sb_dns_server;

/* Serves `data` with `faults`; what they point to is borrowed and may change while it runs. NULL
 * with `info` on failure. */
struct sb_dns_server *sb_dns_server_new(uv_loop_t *loop, const struct sockaddr *address,
                                        struct sb_dns_data data, struct sb_dns_faults *faults,
                                        const struct sb_clock *clock, struct sv_errinfo *info);

const char *sb_dns_server_address(const struct sb_dns_server *server);

/* {"count": N, "queries": [{"at_ms","name","type","transport","rcode"}]}, the last SB_DNS_LOG_MAX
 * of them. A dropped question has rcode null. The caller owns it. */
json_t *sb_dns_server_log(const struct sb_dns_server *server);
void sb_dns_server_log_clear(struct sb_dns_server *server);

/* Closes everything; frees the server when the loop has done so. NULL is fine. */
void sb_dns_server_close(struct sb_dns_server *server);

#endif
