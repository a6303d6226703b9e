#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's interface (landlock(7)), by its own numbers: headers of Debian 12 know less of it
 * than kernels that we may run on. */
enum {
    FS_EXECUTE = 1 << 0,
    FS_WRITE_FILE = 1 << 1,
    FS_REMOVE_DIR = 1 << 4,
    FS_REMOVE_FILE = 1 << 5,
    FS_MAKE_CHAR = 1 << 6,
    FS_MAKE_DIR = 1 << 7,
    FS_MAKE_REG = 1 << 8,
    FS_MAKE_SOCK = 1 << 9,
    FS_MAKE_FIFO = 1 << 10,
    FS_MAKE_BLOCK = 1 << 11,
    FS_MAKE_SYM = 1 << 12,
    FS_REFER = 1 << 13,    /* version 2 */
    FS_TRUNCATE = 1 << 14, /* version 3 */
    NET_BIND_TCP = 1 << 0, /* version 4 */
    RULE_PATH_BENEATH = 1,
    RULE_NET_PORT = 2,
    CREATE_VERSION = 1,
    VERSION_REFER = 2,
    VERSION_TRUNCATE = 3,
    VERSION_NET = 4,
    PATH_BYTES = 1100,
};

struct ruleset {
    uint64_t fs, net;
};

struct path_rule {
    uint64_t allowed;
    int32_t folder;
} __attribute__((packed)); /* as the kernel has it */

struct port_rule {
    uint64_t allowed, port;
};

static enum sv_err unsupported(struct sv_errinfo *info, const char *what)
{
    return sv_err_set(info, SV_ESYSTEM, "landlock", errno, "%s: %s", what, strerror(errno));
}

/* What is not handled stays allowed: reading. */
static struct ruleset handled(long version)
{
    struct ruleset rules = {.fs = FS_EXECUTE | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE |
                                  FS_MAKE_CHAR | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SOCK |
                                  FS_MAKE_FIFO | FS_MAKE_BLOCK | FS_MAKE_SYM};

    if (version >= VERSION_REFER)
        rules.fs |= FS_REFER;
    if (version >= VERSION_TRUNCATE)
        rules.fs |= FS_TRUNCATE;
    if (version >= VERSION_NET)
        rules.net |= NET_BIND_TCP;
    return rules;
}

/* The file need not be there yet, so its folder is what may be written to. */
static bool allow_written(int fd, const struct ruleset *rules, const char *file)
{
    struct path_rule rule = {.allowed = rules->fs & (FS_WRITE_FILE | FS_MAKE_REG | FS_TRUNCATE)};
    char path[PATH_BYTES];
    long rc;

    if (*file == '\0')
        return true;
    (void)snprintf(path, sizeof(path), "%s", file);
    rule.folder = open(dirname(path), O_PATH | O_CLOEXEC);
    if (rule.folder < 0)
        return false;
    rc = syscall(SYS_landlock_add_rule, fd, RULE_PATH_BENEATH, &rule, 0);
    (void)close(rule.folder);
    return rc == 0;
}

static bool allow_bound(int fd, const struct ruleset *rules, int port)
{
    struct port_rule rule = {.allowed = NET_BIND_TCP, .port = (uint64_t)port};

    return rules->net == 0 || port < 0 ||
           syscall(SYS_landlock_add_rule, fd, RULE_NET_PORT, &rule, 0) == 0;
}

enum sv_err sv_sandbox_files(const struct sv_sandbox_options *options, struct sv_errinfo *info)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    struct ruleset rules = handled(version);
    enum sv_err err = SV_OK;
    int fd;

    if (options->programs)
        return SV_OK;
#ifdef SV_WATCHED
    return sv_err_set(info, SV_ESYSTEM, "landlock", 0, "not in a build that is watched");
#endif
    if (version < 1)
        return unsupported(info, "no Landlock");
    fd = (int)syscall(SYS_landlock_create_ruleset, &rules,
                      version >= VERSION_NET ? sizeof(rules) : sizeof(rules.fs), 0);
    if (fd < 0)
        return unsupported(info, "no rules of Landlock");
    if (!allow_written(fd, &rules, options->written) ||
        !allow_bound(fd, &rules, options->bound_port) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_landlock_restrict_self, fd, 0) != 0)
        err = unsupported(info, "Landlock does not take us");
    (void)close(fd);
    return err;
}
