/* Events as the messages that PagerDuty (Events API v2), Slack (incoming webhooks) and Alertmanager
 * (API v2) take. What an alarm opened is closed by what repairs it: the same domain, the same
 * condition. Pure. */
#ifndef SV_SINK_FORMAT_H
#define SV_SINK_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/buf.h"
#include "sv/sink.h"

enum { SV_ROUTING_KEY_BYTES = 65, SV_SINK_MESSAGE_BYTES_MAX = 32 * 1024 };

enum sv_sink_message {
    SV_SINK_MESSAGE_PAGERDUTY,
    SV_SINK_MESSAGE_SLACK,
    SV_SINK_MESSAGE_ALERTMANAGER,
};

/* What a message needs beside the event. */
struct sv_sink_message_facts {
    enum sv_sink_message kind;
    const char *routing_key; /* PagerDuty: of the integration; borrowed; others: NULL */
    /* The domain changes to and fro: so many times in `window_ms`, this one counted; 0 = it does
     * not. The message then says so, and that the changes that follow are held back. */
    unsigned flapping;
    sv_ms window_ms;
};

/* Writes the message for a CloudEvent into `body`, whose limit is SV_SINK_MESSAGE_BYTES_MAX. False,
 * and nothing written, when the event needs none: it is no trouble and ends none, or is not an
 * event of ours. */
bool sv_sink_message_write(const struct sv_sink_message_facts *facts, const char *event,
                           size_t event_bytes, struct sv_buf *body);

/* The same as sv/sink.h wants it; `facts` are borrowed. */
struct sv_sink_recipe sv_sink_message_recipe(const struct sv_sink_message_facts *facts);

#endif
