/* The worker as tests want it: a system call that its sandbox refuses ends it (SIGSYS), so that no
 * refusal goes unseen. */
#include <errno.h>

#include <seccomp.h>

scmp_filter_ctx __real_seccomp_init(uint32_t action);
scmp_filter_ctx __wrap_seccomp_init(uint32_t action);

scmp_filter_ctx __wrap_seccomp_init(uint32_t action)
{
    return __real_seccomp_init(action == SCMP_ACT_ERRNO(EPERM) ? SCMP_ACT_KILL_PROCESS : action);
}
