/* What a sandboxed process can still do, each tried by a child of its own. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "sandbox.h"

static char folder[] = "/tmp/sv-sandbox-XXXXXX";

static int file_at(const char *name, int flags)
{
    char path[100];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return open(path, flags | O_CLOEXEC, 0600);
}

/* Each returns 0 or errno. */

static int of(long rc)
{
    return rc < 0 ? errno : 0;
}

static int try_read(void)
{
    char byte;
    int fd = file_at("there", O_RDONLY);

    return fd < 0 ? errno : of(read(fd, &byte, 1));
}

static int try_create(void)
{
    return of(file_at("new", O_WRONLY | O_CREAT));
}

static int try_write(void)
{
    return of(file_at("there", O_RDWR));
}

static int try_remove(void)
{
    char path[100];

    (void)snprintf(path, sizeof(path), "%s/there", folder);
    return of(unlink(path));
}

static int try_exec(void)
{
    char program[] = "/bin/true", *argv[] = {program, NULL};

    return of(execv(program, argv));
}

static int try_fork(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return of(pid);
}

static int try_socket(void)
{
    return of(socket(AF_INET, SOCK_STREAM, 0));
}

static int try_raw_socket(void)
{
    return of(socket(AF_PACKET, SOCK_RAW, 0));
}

static int try_bind(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return of(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof(address)));
}

static int try_ptrace(void)
{
    return of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_unshare(void)
{
    return of(syscall(SYS_unshare, 0));
}

static void *try_in_thread(void *out)
{
    *(int *)out = try_create();
    return NULL;
}

static int try_thread(void)
{
    pthread_t thread;
    int found = -1, rc = pthread_create(&thread, NULL, try_in_thread, &found);

    return rc != 0 ? rc : pthread_join(thread, NULL) != 0 ? EINVAL : found;
}

static const struct {
    const char *name;
    int (*try)(void);
    int bare, files, calls, both, programs; /* what comes back, by what was entered */
} tries[] = {
    {"read", try_read, 0, 0, 0, 0, 0},
    {"create", try_create, 0, EACCES, EPERM, EPERM, 0},
    {"write", try_write, 0, EACCES, EPERM, EPERM, 0},
    {"thread", try_thread, 0, EACCES, EPERM, EPERM, 0},
    {"remove", try_remove, 0, EACCES, EPERM, EPERM, 0},
    {"exec", try_exec, 0, EACCES, EPERM, EPERM, 0},
    {"fork", try_fork, 0, 0, EPERM, EPERM, 0},
    {"socket", try_socket, 0, 0, 0, 0, 0},
    {"raw socket", try_raw_socket, -1, -1, EPERM, EPERM, -1}, /* -1: whatever the machine says */
    {"bind", try_bind, 0, EACCES, 0, EACCES, 0},
    {"ptrace", try_ptrace, -1, -1, EPERM, EPERM, EPERM},
    {"unshare", try_unshare, 0, 0, EPERM, EPERM, EPERM},
};

/* The child's answer; 250 = the sandbox could not be entered. */
static int in_child(int (*try)(void), const struct sv_sandbox_options *options, bool files,
                    bool calls)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if ((files && sv_sandbox_files(options, NULL) != SV_OK) ||
            (calls && sv_sandbox_calls(options, NULL) != SV_OK))
            _exit(250);
        _exit(try());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void prepare(void)
{
    (void)unlinkat(AT_FDCWD, folder, 0);
    (void)close(file_at("there", O_WRONLY | O_CREAT));
}

static void compare(const char *what, size_t i, int expected, int got)
{
    if (expected == -1 || expected == got)
        return;
    print_error("%s under %s: %s\n", tries[i].name, what, strerror(got));
    fail();
}

static void test_what_is_left(void **state)
{
    struct sv_sandbox_options worker = {.written = "", .bound_port = -1};
    struct sv_sandbox_options programs = {.programs = true, .written = "", .bound_port = -1};
    bool knows_ports = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 4;

    (void)state;
    if (in_child(try_read, &worker, true, true) == 250)
        skip(); /* an old kernel, or one that is told not to */
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        if (tries[i].try == try_bind && !knows_ports)
            continue;
        prepare();
        compare("nothing", i, tries[i].bare, in_child(tries[i].try, &worker, false, false));
        prepare();
        compare("files", i, tries[i].files, in_child(tries[i].try, &worker, true, false));
        compare("calls", i, tries[i].calls, in_child(tries[i].try, &worker, false, true));
        compare("both", i, tries[i].both, in_child(tries[i].try, &worker, true, true));
        compare("programs", i, tries[i].programs, in_child(tries[i].try, &programs, true, true));
    }
}

static void test_exceptions(void **state)
{
    char path[100];
    struct sv_sandbox_options options = {.written = path, .bound_port = 0};

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/new", folder);
    prepare();
    if (in_child(try_read, &options, true, false) == 250)
        skip();
    assert_int_equal(in_child(try_create, &options, true, false), 0);
    assert_int_equal(in_child(try_bind, &options, true, true), 0);
    (void)snprintf(path, sizeof(path), "%s/no-such-folder/new", folder);
    assert_int_equal(in_child(try_read, &options, true, false), 250); /* told, not guessed */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_left),
        cmocka_unit_test(test_exceptions),
    };
    char remove[60];
    int failed;

    if (mkdtemp(folder) == NULL)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)snprintf(remove, sizeof(remove), "rm -rf %s", folder);
    return system(remove) == 0 ? failed : 1;
}
