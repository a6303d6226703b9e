/* What an event means to somebody who wants to be told, read once for all formats. */
#ifndef SV_SINK_NOTICE_H
#define SV_SINK_NOTICE_H

#include "sv/json.h"
#include "sv/sink_format.h"

enum sv_notice_kind {
    SV_NOTICE_NONE,
    SV_NOTICE_AT_RISK,  /* opens */
    SV_NOTICE_FAILED,   /* opens */
    SV_NOTICE_GOOD,     /* verified or restored: closes */
    SV_NOTICE_REMOVED,  /* closes */
    SV_NOTICE_JOB_DEAD, /* told only */
};

/* Texts are borrowed from the event and never NULL; "" = it does not tell. */
struct sv_notice {
    enum sv_notice_kind kind;
    bool was_bad; /* from at_risk or failed: something is open */
    bool was_pending, is_restored;
    const char *uid, *domain, *client_id, *account, *reason, *conclusion, *stops_sending_at, *time;
    const char *code, *advice; /* of the first finding that is more than a hiccup */
    const char *job_type;
    sv_ms at; /* `time` */
    const struct sv_sink_message_facts *facts;
};

/* Borrows the event. SV_NOTICE_NONE: nobody needs a message for it. */
void sv_notice_read(const json_t *event, const struct sv_sink_message_facts *facts,
                    struct sv_notice *out);

/* One sentence without markup: "client.example may soon stop sending". */
bool sv_notice_sentence(const struct sv_notice *notice, struct sv_buf *out)
    __attribute__((warn_unused_result));

/* One for each format. New reference; NULL = no message. */
json_t *sv_pagerduty_message(const struct sv_notice *notice);
json_t *sv_slack_message(const struct sv_notice *notice);
json_t *sv_alertmanager_message(const struct sv_notice *notice);

#endif
