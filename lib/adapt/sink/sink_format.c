#include "sv/sink_format.h"

#include "notice.h"

enum { DEPTH_MAX = 16 };

static json_t *make(enum sv_sink_message kind, const struct sv_notice *notice)
{
    switch (kind) {
    case SV_SINK_MESSAGE_PAGERDUTY:
        return sv_pagerduty_message(notice);
    case SV_SINK_MESSAGE_SLACK:
        return sv_slack_message(notice);
    case SV_SINK_MESSAGE_ALERTMANAGER:
        break;
    }
    return sv_alertmanager_message(notice);
}

bool sv_sink_message_write(const struct sv_sink_message_facts *facts, const char *event,
                           size_t event_bytes, struct sv_buf *body)
{
    json_t *tree = sv_json_parse(event, event_bytes, SV_SINK_EVENT_BYTES_MAX, DEPTH_MAX, NULL);
    json_t *message = NULL;
    struct sv_notice notice;
    bool is_written = false;

    if (tree != NULL) {
        sv_notice_read(tree, facts, &notice);
        message = make(facts->kind, &notice);
    }
    if (message != NULL)
        is_written = sv_json_write(message, body);
    json_decref(message);
    json_decref(tree);
    return is_written;
}

static bool render(const void *context, const char *event, size_t event_bytes, struct sv_buf *body)
{
    return sv_sink_message_write(context, event, event_bytes, body);
}

static bool summarize(const void *context, unsigned changes, sv_ms window_ms, const char *event,
                      size_t event_bytes, struct sv_buf *body)
{
    struct sv_sink_message_facts facts = *(const struct sv_sink_message_facts *)context;

    facts.flapping = changes;
    facts.window_ms = window_ms;
    return sv_sink_message_write(&facts, event, event_bytes, body);
}

struct sv_sink_recipe sv_sink_message_recipe(const struct sv_sink_message_facts *facts)
{
    return (struct sv_sink_recipe){.content_type = "application/json",
                                   .render = render,
                                   .summarize = summarize,
                                   .context = facts};
}
