/* The programs that the demonstration starts, each ended by its own process id. Private to worker/.
 */
#ifndef SV_WORKER_DEMO_PROCS_H
#define SV_WORKER_DEMO_PROCS_H

#include <stdbool.h>
#include <uv.h>

#include "sv/err.h"

enum { DEMO_ARGS_MAX = 64, DEMO_PATH_BYTES = 512 };

struct demo_proc {
    const char *name; /* for people */
    uv_process_t handle;
    bool running;
    bool wanted_gone; /* we asked it to end */
    int64_t exit_status;
    int signal;
    void (*ended)(struct demo_proc *proc);
    void *owner;
};

/* argv[0] is a path, or a name that is searched on the PATH. stdout goes to `out` (an initialised
 * pipe) or, when NULL, with stderr to the file `log`. `env` NULL = ours. */
struct demo_spawn {
    const char *const *argv;
    char *const *env;
    const char *log;
    uv_pipe_t *out;
};

enum sv_err demo_proc_start(uv_loop_t *loop, struct demo_proc *proc, const struct demo_spawn *spawn,
                            struct sv_errinfo *info) __attribute__((warn_unused_result));

/* SIGTERM; `ended` follows. Nothing happens when it is not running. */
void demo_proc_stop(struct demo_proc *proc);

/* Where the program `name` is: beside us, in the build tree, otherwise the name itself (the PATH
 * decides). */
void demo_proc_find(const char *name, const char *given, char out[DEMO_PATH_BYTES]);

/* Our environment without AWS_* and SESVERIFY_*, so that nobody's account is ever touched, plus
 * `more` (NULL-terminated). One block; free it. */
char **demo_proc_env(const char *const *more);

#endif
