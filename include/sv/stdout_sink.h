/* A sink that prints events, one line of JSON each: for pipes, and to look at. */
#ifndef SV_STDOUT_SINK_H
#define SV_STDOUT_SINK_H

#include <uv.h>

#include "sv/sink.h"

struct sv_stdout_sink_options {
    const char *name; /* of the sink; copied */
    uv_loop_t *loop;  /* borrowed */
    int fd;           /* borrowed; usually 1. Its flags are left alone: others may share it */
};

/* DELIVERED = written. A reader that does not read holds up this sink only; one that is gone makes
 * every event LATER, and so does a full disk. A line that could be written in part only is written
 * again, on a line of its own. One for each descriptor. Never NULL. */
struct sv_sink *sv_stdout_sink_new(const struct sv_stdout_sink_options *options);

#endif
