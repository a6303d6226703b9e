#include "demo_procs.h"

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sv/alloc.h"

enum { ENV_MAX = 4096 };

static void on_closed(uv_handle_t *handle)
{
    struct demo_proc *proc = handle->data;

    proc->ended(proc);
}

static void on_exit_status(uv_process_t *handle, int64_t exit_status, int term_signal)
{
    struct demo_proc *proc = handle->data;

    proc->running = false;
    proc->exit_status = exit_status;
    proc->signal = term_signal;
    uv_close((uv_handle_t *)handle, on_closed);
}

enum sv_err demo_proc_start(uv_loop_t *loop, struct demo_proc *proc, const struct demo_spawn *spawn,
                            struct sv_errinfo *info)
{
    int log = open(spawn->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE},
                                     {.flags = UV_INHERIT_FD, .data.fd = log},
                                     {.flags = UV_INHERIT_FD, .data.fd = log}};
    uv_process_options_t options = {
        .exit_cb = on_exit_status,
        .file = spawn->argv[0],
        .args = (char **)(uintptr_t)spawn->argv, /* libuv writes nothing there */
        .env = (char **)(uintptr_t)spawn->env,
        .stdio_count = 3,
        .stdio = stdio,
    };
    int err;

    if (log < 0)
        return sv_err_set(info, SV_ESYSTEM, "demo", 0, "cannot write %s", spawn->log);
    if (spawn->out != NULL) {
        stdio[1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
        stdio[1].data.stream = (uv_stream_t *)spawn->out;
    }
    proc->handle.data = proc;
    err = uv_spawn(loop, &proc->handle, &options);
    (void)close(log);
    proc->running = err == 0;
    if (err == 0)
        return SV_OK;
    uv_close((uv_handle_t *)&proc->handle, NULL);
    return sv_err_set(info, SV_ENOTFOUND, "demo", err, "cannot start %s: %s", spawn->argv[0],
                      uv_strerror(err));
}

void demo_proc_stop(struct demo_proc *proc)
{
    if (!proc->running || proc->wanted_gone)
        return;
    proc->wanted_gone = true;
    (void)uv_process_kill(&proc->handle, SIGTERM);
}

void demo_proc_find(const char *name, const char *given, char out[DEMO_PATH_BYTES])
{
    static const char *const places[] = {"", "/../tests/sandbox"};
    char self[DEMO_PATH_BYTES];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    const char *folder;

    (void)snprintf(out, DEMO_PATH_BYTES, "%s", given == NULL ? name : given);
    if (given != NULL || len <= 0)
        return;
    self[len] = '\0';
    folder = dirname(self);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char path[DEMO_PATH_BYTES];
        int bytes = snprintf(path, sizeof path, "%s%s/%s", folder, places[i], name);

        if (bytes > 0 && (size_t)bytes < sizeof path && access(path, X_OK) == 0) {
            (void)snprintf(out, DEMO_PATH_BYTES, "%s", path);
            return;
        }
    }
}

static bool is_ours(const char *entry)
{
    return strncmp(entry, "AWS_", 4) == 0 || strncmp(entry, "SESVERIFY_", 10) == 0 ||
           strncmp(entry, "NOTIFY_SOCKET=", 14) == 0;
}

char **demo_proc_env(const char *const *more)
{
    char **out = sv_alloc(ENV_MAX + 1, sizeof *out);
    size_t count = 0;

    for (char **entry = environ; *entry != NULL && count < ENV_MAX / 2; entry++) {
        if (!is_ours(*entry))
            out[count++] = *entry;
    }
    for (; *more != NULL && count < ENV_MAX; more++)
        out[count++] = (char *)(uintptr_t)*more;
    return out;
}
