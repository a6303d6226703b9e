/* One run of a program that prints something for us: without a shell, for a limited time, with
 * limited output. */
#ifndef SV_AWS_PROCESS_H
#define SV_AWS_PROCESS_H

#include <uv.h>

#include "sv/argv.h"
#include "sv/buf.h"
#include "sv/time.h"

enum { SV_PROCESS_OUT_BYTES_MAX = 64 * 1024, SV_PROCESS_ERR_BYTES_MAX = 4096 };

struct sv_process;

/* SV_OK: it ended with exit code 0, process->out holds all it printed. SV_EDENIED (it cannot be
 * started, or ended with an exit code or a signal, named in process->info together with the first
 * line of its standard error), SV_ETOOBIG, SV_ETIMEOUT, SV_ECANCELED. `out` is wiped and freed
 * behind this call. */
typedef void sv_process_done_fn(struct sv_process *process, enum sv_err err);

/* Embed it; the rules are those of every request of the house. */
struct sv_process {
    void *owner; /* yours, untouched */
    struct sv_errinfo info;
    struct sv_buf out;
    /* private from here on */
    sv_process_done_fn *done;
    struct sv_argv argv;
    uv_process_t process;
    uv_pipe_t out_pipe, err_pipe;
    uv_timer_t deadline;
    struct sv_buf complaint;
    char chunk[4096];
    unsigned handles;
    sv_ms limit_ms;
    enum sv_err err;
    int64_t exit_code;
    int signal;
    bool spawned, ended, out_ended, closing;
};

/* Splits `command` and runs it with our environment, its standard input empty, in a session of its
 * own; all of that session is killed when it does not end in `limit_ms`. SV_EMALFORMED, SV_ETOOBIG:
 * sv_argv_split's. */
enum sv_err sv_process_start(struct sv_process *process, uv_loop_t *loop, const char *command,
                             sv_ms limit_ms, sv_process_done_fn *done)
    __attribute__((warn_unused_result));

void sv_process_cancel(struct sv_process *process);

/* The first line of what a program complained, fit for a log: printable, at most 100 bytes, and
 * without any word that is long enough to be a secret. */
void sv_process_tame(const char *bytes, size_t len, char out[101]);

#endif
