/* Makes of an event on standard input the message of one format:
 *
 *   format_probe pagerduty|slack|alertmanager [FLAPPING]
 *
 * Prints it, or nothing where the event needs none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/sink_format.h"

int main(int argc, char **argv)
{
    static const char *const names[] = {"pagerduty", "slack", "alertmanager"};
    struct sv_sink_message_facts facts = {.routing_key = "0123456789abcdef0123456789abcdef",
                                          .window_ms = SV_HOUR};
    char *event = sv_alloc(1, SV_SINK_EVENT_BYTES_MAX);
    struct sv_buf body;
    size_t len = fread(event, 1, SV_SINK_EVENT_BYTES_MAX, stdin);
    unsigned kind = 0;

    while (argc > 1 && kind < 3 && strcmp(names[kind], argv[1]) != 0)
        kind++;
    if (argc < 2 || kind == 3)
        return 2;
    facts.kind = (enum sv_sink_message)kind;
    facts.flapping = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    sv_buf_init(&body, SV_SINK_MESSAGE_BYTES_MAX);
    if (sv_sink_message_write(&facts, event, len, &body))
        (void)fwrite(body.data, 1, body.len, stdout);
    sv_buf_fini(&body);
    free(event);
    return 0;
}
