/* Runs a program as on a kernel that lacks something: lacking CALL PROGRAM ARGUMENT... */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <seccomp.h>

int main(int argc, char **argv)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    if (argc < 3 || filter == NULL ||
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), seccomp_syscall_resolve_name(argv[1]),
                         0) != 0 ||
        seccomp_load(filter) != 0)
        return 1;
    (void)execv(argv[2], argv + 2);
    perror(argv[2]);
    return 1;
}
