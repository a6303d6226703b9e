/* The sink that posts events to an HTTPS address, as Standard Webhooks 1.0 says. */
#ifndef SV_WEBHOOK_H
#define SV_WEBHOOK_H

#include <uv.h>

#include "sv/public_address.h"
#include "sv/sink.h"
#include "sv/webhook_signature.h"

enum { SV_WEBHOOK_KEYS_MAX = 2, SV_WEBHOOK_ALLOWED_MAX = 16, SV_WEBHOOK_PORTS_MAX = 16 };

struct sv_webhook_options {
    uv_loop_t *loop;              /* borrowed */
    const struct sv_clock *clock; /* borrowed */
    const char *name;             /* copied: of the sink */
    const char *url;              /* copied: https, no user, a port of the list */
    const char *ca_file;          /* copied; NULL or "" = the system's */
    sv_ms timeout_ms;             /* of one attempt */
    unsigned parallel;            /* attempts at once, of all shards; beyond it they are LATER */
    uint16_t ports[SV_WEBHOOK_PORTS_MAX];
    size_t ports_count;
    /* Connected to though they are not public. */
    struct sv_network allowed[SV_WEBHOOK_ALLOWED_MAX];
    size_t allowed_count;
    /* Each signs; none = messages are not signed (they are for somebody with an address of ours).
     */
    struct sv_webhook_key keys[SV_WEBHOOK_KEYS_MAX];
    size_t keys_count;
};

/* SV_EINVALID: the url, and why. An attempt is delivered by any status from 200 to 299; 410 is
 * GONE; everything else, a redirect too, is LATER, with what Retry-After asked for. Where the name
 * leads is looked up for every attempt, and only addresses that are public or allowed are connected
 * to. */
enum sv_err sv_webhook_new(const struct sv_webhook_options *options, struct sv_sink **out,
                           struct sv_errinfo *info) __attribute__((warn_unused_result));

/* True when this may be a webhook's address: https, a host, no user, a port of the list. */
bool sv_webhook_url_is_fine(const char *url, const uint16_t *ports, size_t ports_count);

#endif
