/* The worker narrows what it may do to what a worker does (S3): a view of the files that can only
 * be read (Landlock) and a list of system calls (seccomp). Both stay until the process ends, and
 * whatever it starts has them too. What the kernel offers is tried at run time. */
#ifndef SV_WORKER_SANDBOX_H
#define SV_WORKER_SANDBOX_H

#include <stdbool.h>

#include "sv/err.h"
#include "sv/log.h"

struct sv_sandbox_options {
    /* Programs of the operator's are started (credential_process and the like). They need files and
     * calls that a worker does not: files stay as they are, and of the calls only those are
     * refused that no such program needs. */
    bool programs;
    const char *written; /* a file that will be opened for writing; "" = none */
    int bound_port;      /* the only TCP port that may be bound to; 0 = any free one, -1 = none */
};

/* Files may be read only, nothing may be executed, no other TCP port may be listened on (where the
 * kernel knows that). Landlock holds for the calling thread and those that it makes: call it before
 * there are others. SV_ESYSTEM: this kernel or the service's own limits do not let us;
 * nothing changed then. With `programs` it does nothing. */
enum sv_err sv_sandbox_files(const struct sv_sandbox_options *options, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* From now on every thread may only make the calls of a running worker; any other one fails with
 * EPERM. Files cannot be opened for writing, no process can be started (both but with `programs`).
 * SV_ESYSTEM as above. */
enum sv_err sv_sandbox_calls(const struct sv_sandbox_options *options, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* Both of them as `worker.sandbox` wants it. Set the first three; zeroed otherwise. */
struct sv_sandbox {
    unsigned mode; /* enum sv_sandbox_mode */
    struct sv_sandbox_options options;
    struct sv_log *log; /* borrowed */
    bool files;         /* private: Landlock took us */
};

/* The files, before there are threads; then the calls, once everything is open. False, after a line
 * in the log, when the settings demand what this machine cannot do: leave with SV_EXIT_CONFIG. */
bool sv_sandbox_begin(struct sv_sandbox *sandbox);
bool sv_sandbox_enter(struct sv_sandbox *sandbox);

#endif
