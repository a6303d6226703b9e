#include "sandbox.h"

#include "config.h"

/* True when the worker may go on. */
static bool tell(const struct sv_sandbox *sandbox, const struct sv_errinfo *why)
{
    bool is_demanded = sandbox->mode == SV_SANDBOX_ON;

    if (is_demanded)
        sv_log_line(sandbox->log, SV_LOG_ERROR, "sandbox_refused",
                    "worker.sandbox = on, and this machine cannot do all of it",
                    SV_LOG_STR("error", why->text));
    else
        sv_log_line(sandbox->log, SV_LOG_WARN, "sandbox_partial",
                    "this machine cannot do all of the sandbox; the worker goes on",
                    SV_LOG_STR("error", why->text));
    return !is_demanded;
}

bool sv_sandbox_begin(struct sv_sandbox *sandbox)
{
    struct sv_errinfo why;

    if (sandbox->mode == SV_SANDBOX_OFF)
        return true;
    sandbox->files = sv_sandbox_files(&sandbox->options, &why) == SV_OK;
    return sandbox->files || tell(sandbox, &why);
}

bool sv_sandbox_enter(struct sv_sandbox *sandbox)
{
    const char *files = sandbox->options.programs ? "all" : "read_only";
    const char *calls = sandbox->options.programs ? "of_programs" : "of_a_worker";
    struct sv_errinfo why;

    if (sandbox->mode == SV_SANDBOX_OFF)
        return true;
    if (sv_sandbox_calls(&sandbox->options, &why) != SV_OK) {
        calls = "all";
        if (!tell(sandbox, &why))
            return false;
    }
    sv_log_line(sandbox->log, SV_LOG_INFO, "sandboxed", "what this process may still do",
                SV_LOG_STR("files", sandbox->files ? files : "all"), SV_LOG_STR("calls", calls));
    return true;
}
