/* A sink that is a program: it reads events on its standard input, one line of JSON each, and says
 * on its standard output what became of each:
 *
 *     ok ID                  taken; it is not sent again
 *     later ID [SECONDS]     not now; again, no sooner than that
 *     refused ID [REASON]    never; it becomes a dead letter
 *
 * ID is the event's member `id`. Answers may come in any order. Its standard error is ours. It is
 * started with the first event, without a shell, in a session of its own, and stays. */
#ifndef SV_EXEC_SINK_H
#define SV_EXEC_SINK_H

#include <uv.h>

#include "sv/log.h"
#include "sv/sink.h"

struct sv_exec_sink_options {
    const char *name; /* of the sink; copied */
    uv_loop_t *loop;  /* borrowed, as is the log (may be NULL) */
    struct sv_log *log;
    const char *command; /* program and words, as sv_argv_split takes them; copied */
    sv_ms answer_ms;     /* for one event; 0 = 30 s. A program that is slower is killed */
    /* Pause before it is started again, 0 = 1 s; doubles up to a minute, and an answer `ok` makes
     * it the first one again. */
    sv_ms restart_first_ms;
};

/* Events without an answer when the program ends, and those that come before it may be started
 * again, are LATER. SV_EMALFORMED, SV_ETOOBIG: a command that cannot be split. */
enum sv_err sv_exec_sink_new(const struct sv_exec_sink_options *options, struct sv_sink **out,
                             struct sv_errinfo *info) __attribute__((warn_unused_result));

#endif
