/* For tests of what ends the process: runs `act` in a child. */
#ifndef TEST_CRASH_H
#define TEST_CRASH_H

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* How it ended, as waitpid tells. What the child wrote to stderr is in `said`, at most `said_bytes`
 * - 1 bytes and a 0. */
static inline int end_of(void (*act)(void), char *said, size_t said_bytes)
{
    const struct rlimit no_core = {.rlim_cur = 0, .rlim_max = 0};
    int pipe_fds[2];
    size_t len = 0;
    ssize_t got;
    int status = 0;
    pid_t child;

    if (pipe(pipe_fds) != 0)
        return 0;
    child = fork();
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(pipe_fds[1], 2);
        act();
        _exit(0);
    }
    (void)close(pipe_fds[1]);
    while (len + 1 < said_bytes && (got = read(pipe_fds[0], said + len, said_bytes - 1 - len)) > 0)
        len += (size_t)got;
    said[len] = '\0';
    (void)close(pipe_fds[0]);
    (void)waitpid(child, &status, 0);
    return status;
}

#endif
