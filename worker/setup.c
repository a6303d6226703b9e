#include "setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "account_setup.h"
#include "exit.h"
#include "sv/digest.h"

/* However long Redis was away, work goes on within two seconds of its return (F02); for Redis a
 * refused connection per worker and second is nothing. */
enum { SETS_MAX = 256, PATH_BYTES = 1100, RECONNECT_CAP_MS = 2000 };

void sv_setup_complain(const struct sv_args *args, const char *format, ...)
{
    char text[512];
    struct sv_errinfo clean;
    va_list list;

    va_start(list, format);
    (void)vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    (void)sv_err_set(&clean, SV_EINVALID, "command", 0, "%s", text);
    (void)fprintf(stderr, "sesverify %s: %s\n", args->command->name, clean.text);
}

int sv_setup_config(const struct sv_args *args, struct sv_config **out,
                    struct sv_problems *problems)
{
    const char *sets[SETS_MAX];
    struct sv_problems own;
    struct sv_config_sources sources = {
        .file = sv_args_value(args, "config", NULL),
        .sets = sets,
        .sets_count = sv_args_values(args, "set", sets, SETS_MAX),
        .environment = args->environment,
    };
    int code;

    sv_problems_init(&own);
    code = sv_config_load(&sources, out, problems != NULL ? problems : &own);
    if (problems == NULL && code != SV_EXIT_OK)
        sv_problems_print(&own, stderr);
    if (code == SV_EXIT_OK)
        sv_account_keys_read_public(*out);
    sv_problems_fini(&own);
    return code;
}

/* A secret file: regular, not for others, one line. */
static int read_secret(const char *path, char *out, size_t bytes)
{
    struct stat about;
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        (void)fprintf(stderr, "sesverify: %s: cannot be read: %s\n", path, strerror(errno));
        return errno == EACCES ? SV_EXIT_DENIED : SV_EXIT_NO_INPUT;
    }
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || (about.st_mode & S_IRWXO) != 0) {
        (void)fprintf(stderr,
                      "sesverify: %s: a secret must be a plain file that others cannot "
                      "read (chmod o= it)\n",
                      path);
        (void)close(fd);
        return SV_EXIT_DENIED;
    }
    got = read(fd, out, bytes);
    (void)close(fd);
    while (got > 0 && (out[got - 1] == '\n' || out[got - 1] == '\r'))
        got--;
    if (got <= 0 || (size_t)got == bytes || memchr(out, '\0', (size_t)got) != NULL) {
        (void)fprintf(stderr,
                      "sesverify: %s: holds no usable secret (empty, or longer than %zu "
                      "bytes)\n",
                      path, bytes - 1);
        OPENSSL_cleanse(out, bytes);
        return SV_EXIT_DENIED;
    }
    out[got] = '\0';
    return SV_EXIT_OK;
}

int sv_setup_redis(const struct sv_config *config, char *const *environment,
                   struct sv_redis_options *out)
{
    const char *directory = sv_environment_find(environment, "CREDENTIALS_DIRECTORY");
    struct sv_errinfo info;
    char path[PATH_BYTES];

    *out = (struct sv_redis_options){
        .connect_ms = config->redis.connect_timeout_ms,
        .command_ms = config->redis.command_timeout_ms,
        .reply_bytes_max = config->redis.reply_bytes_max,
        .reconnect_cap_ms = RECONNECT_CAP_MS,
    };
    if (sv_redis_address_parse(config->redis.url, &out->address, &info) != SV_OK) {
        (void)fprintf(stderr, "sesverify: redis.url: %s\n", info.text);
        return SV_EXIT_CONFIG;
    }
    (void)snprintf(path, sizeof(path), "%s/redis_password", directory != NULL ? directory : "");
    if (directory != NULL && access(path, F_OK) == 0)
        return read_secret(path, out->address.password, sizeof(out->address.password));
    if (*config->redis.password_file != '\0')
        return read_secret(config->redis.password_file, out->address.password,
                           sizeof(out->address.password));
    if (*config->redis.password != '\0')
        (void)snprintf(out->address.password, sizeof(out->address.password), "%s",
                       config->redis.password);
    return SV_EXIT_OK;
}

void sv_setup_redis_name(const struct sv_redis_address *address, char *out, size_t bytes)
{
    if (address->is_unix)
        (void)snprintf(out, bytes, "%s", address->host);
    else
        (void)snprintf(out, bytes, strchr(address->host, ':') != NULL ? "[%s]:%u" : "%s:%u",
                       address->host, address->port);
}

int sv_setup_exit_of(enum sv_err err)
{
    if (err == SV_OK)
        return SV_EXIT_OK;
    if (err == SV_EDENIED)
        return SV_EXIT_DENIED;
    if (err == SV_EINVALID)
        return SV_EXIT_CONFIG;
    if (err == SV_ESYSTEM)
        return SV_EXIT_OS;
    return sv_err_is_temporary(err) ? SV_EXIT_UNAVAILABLE : SV_EXIT_SOFTWARE;
}

int sv_setup_domain(const struct sv_args *args, const char *given, char out[SV_NAME_BYTES])
{
    struct sv_errinfo info;

    if (sv_name_normalize(given, strlen(given), out, &info) == SV_OK)
        return SV_EXIT_OK;
    sv_setup_complain(args, "'%.100s' is no domain name: %s", given, info.text);
    return SV_EXIT_DATA;
}

unsigned sv_setup_shard(const struct sv_config *config, const char *client_id)
{
    return sv_crc32(client_id, strlen(client_id)) % config->redis.shards;
}
