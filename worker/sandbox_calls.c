#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <seccomp.h>

enum { ENDS = -1 }; /* no call has this number */

/* What a worker does once it is ready, by purpose. Names that the C library takes on other machines
 * or in other versions stand beside those it takes here. */
static const int worker_calls[] = {
    /* memory */
    SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(mlock), SCMP_SYS(mmap), SCMP_SYS(mprotect),
    SCMP_SYS(mremap), SCMP_SYS(munlock), SCMP_SYS(munmap),
    /* threads of libuv's pool and of libcurl's resolver */
    SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(get_robust_list),
    SCMP_SYS(gettid), SCMP_SYS(membarrier), SCMP_SYS(restart_syscall), SCMP_SYS(rseq),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield), SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    /* signals, and abort() */
    SCMP_SYS(getpid), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sigaltstack), SCMP_SYS(tgkill),
    /* files: settings, secrets, authorities, resolvers, /proc/self; how they are opened: below */
    SCMP_SYS(access), SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3),
    SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(fadvise64), SCMP_SYS(fcntl),
    SCMP_SYS(fstat), SCMP_SYS(fstatfs), SCMP_SYS(getcwd), SCMP_SYS(getdents64), SCMP_SYS(ioctl),
    SCMP_SYS(lseek), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(pread64), SCMP_SYS(read),
    SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(readv), SCMP_SYS(stat), SCMP_SYS(statfs),
    SCMP_SYS(statx), SCMP_SYS(write), SCMP_SYS(writev),
    /* sockets; which families: below */
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(getpeername),
    SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(recvfrom), SCMP_SYS(recvmmsg),
    SCMP_SYS(recvmsg), SCMP_SYS(sendmmsg), SCMP_SYS(sendmsg), SCMP_SYS(sendto),
    SCMP_SYS(setsockopt), SCMP_SYS(shutdown), SCMP_SYS(socketpair),
    /* waiting */
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_wait),
    SCMP_SYS(eventfd2), SCMP_SYS(pipe2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(pselect6),
    SCMP_SYS(select),
    /* time and dice */
    SCMP_SYS(clock_getres), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(getrandom),
    SCMP_SYS(gettimeofday), SCMP_SYS(nanosleep), SCMP_SYS(time),
    /* who and how much we are */
    SCMP_SYS(getegid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getppid), SCMP_SYS(getrlimit),
    SCMP_SYS(getrusage), SCMP_SYS(getuid), SCMP_SYS(prlimit64), SCMP_SYS(sysinfo), SCMP_SYS(times),
    SCMP_SYS(uname), ENDS};

/* What no program of an operator's needs that a worker starts. */
static const int forbidden_calls[] = {SCMP_SYS(acct),
                                      SCMP_SYS(add_key),
                                      SCMP_SYS(bpf),
                                      SCMP_SYS(chroot),
                                      SCMP_SYS(clock_adjtime),
                                      SCMP_SYS(clock_settime),
                                      SCMP_SYS(delete_module),
                                      SCMP_SYS(finit_module),
                                      SCMP_SYS(fsconfig),
                                      SCMP_SYS(fsmount),
                                      SCMP_SYS(fsopen),
                                      SCMP_SYS(init_module),
                                      SCMP_SYS(io_uring_setup),
                                      SCMP_SYS(ioperm),
                                      SCMP_SYS(iopl),
                                      SCMP_SYS(kcmp),
                                      SCMP_SYS(kexec_file_load),
                                      SCMP_SYS(kexec_load),
                                      SCMP_SYS(keyctl),
                                      SCMP_SYS(mount),
                                      SCMP_SYS(mount_setattr),
                                      SCMP_SYS(move_mount),
                                      SCMP_SYS(name_to_handle_at),
                                      SCMP_SYS(open_by_handle_at),
                                      SCMP_SYS(open_tree),
                                      SCMP_SYS(perf_event_open),
                                      SCMP_SYS(pivot_root),
                                      SCMP_SYS(process_vm_readv),
                                      SCMP_SYS(process_vm_writev),
                                      SCMP_SYS(ptrace),
                                      SCMP_SYS(quotactl),
                                      SCMP_SYS(reboot),
                                      SCMP_SYS(request_key),
                                      SCMP_SYS(setdomainname),
                                      SCMP_SYS(sethostname),
                                      SCMP_SYS(setns),
                                      SCMP_SYS(settimeofday),
                                      SCMP_SYS(swapoff),
                                      SCMP_SYS(swapon),
                                      SCMP_SYS(syslog),
                                      SCMP_SYS(umount2),
                                      SCMP_SYS(unshare),
                                      SCMP_SYS(userfaultfd),
                                      ENDS};

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls)
{
    int rc = 0;

    for (; *calls != ENDS && rc == 0; calls++)
        rc = seccomp_rule_add(filter, action, *calls, 0);
    return rc;
}

/* AF_NETLINK is how getaddrinfo learns which addresses this machine has. */
static int allow_families(scmp_filter_ctx filter)
{
    static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    int rc = 0;

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && rc == 0; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)families[i]));
    return rc;
}

/* Reading only, and threads but no processes. What clone3 is to make stands in memory, where a
 * filter cannot look: as if the kernel did not know it, and the C library takes clone. */
static int allow_looked_at(scmp_filter_ctx filter)
{
    const scmp_datum_t writes = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
    int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
                              SCMP_A1(SCMP_CMP_MASKED_EQ, writes, O_RDONLY));

    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, writes, O_RDONLY));
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return rc == 0 ? allow_families(filter) : rc;
}

static int fill(scmp_filter_ctx filter, bool programs)
{
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1); /* every thread */

    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1); /* older kernels cannot */
    if (rc == 0 && programs)
        return add_all(filter, SCMP_ACT_ERRNO(EPERM), forbidden_calls);
    if (rc == 0)
        rc = add_all(filter, SCMP_ACT_ALLOW, worker_calls);
    return rc == 0 ? allow_looked_at(filter) : rc;
}

enum sv_err sv_sandbox_calls(const struct sv_sandbox_options *options, struct sv_errinfo *info)
{
    scmp_filter_ctx filter =
        seccomp_init(options->programs ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
    int rc = filter == NULL ? -ENOMEM : fill(filter, options->programs);

#ifdef SV_WATCHED
    rc = rc == 0 ? -ENOTSUP : rc;
#endif
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc == 0 ? SV_OK
                   : sv_err_set(info, SV_ESYSTEM, "seccomp", -rc, "no seccomp: %s", strerror(-rc));
}
