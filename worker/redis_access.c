#include "redis_access.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "exit.h"
#include "secret.h"

/* However long Redis was away, work goes on within two seconds of its return (F02); for Redis a
 * refused connection per worker and second is nothing. */
enum { RECONNECT_CAP_MS = 2000 };

/* The context is the access. */
static enum sv_err find_login(void *context, struct sv_redis_login *out, struct sv_errinfo *info)
{
    const struct sv_redis_access *access = context;
    const struct sv_config *config = access->config;
    char path[SV_SECRET_PATH_BYTES];

    if (*config->redis.user != '\0')
        (void)snprintf(out->user, sizeof(out->user), "%s", config->redis.user);
    if (sv_secret_find(access->environment, "redis_password", config->redis.password_file, path))
        return sv_secret_read(path, out->password, sizeof(out->password), info);
    if (*config->redis.password != '\0')
        (void)snprintf(out->password, sizeof(out->password), "%s", config->redis.password);
    return SV_OK;
}

static struct sv_redis_tls *open_tls(const struct sv_redis_access *access)
{
    const struct sv_config *config = access->config;
    char key[SV_SECRET_PATH_BYTES];
    bool has_key =
        *config->redis.tls_cert_file != '\0' &&
        sv_secret_find(access->environment, "redis_tls_key", config->redis.tls_key_file, key);

    return sv_redis_tls_new(&(struct sv_redis_tls_settings){
        .ca_file = config->redis.tls_ca_file,
        .cert_file = config->redis.tls_cert_file,
        .key_file = has_key ? key : NULL,
        .server_name = config->redis.tls_server_name,
    });
}

static int complain(enum sv_err err, const struct sv_errinfo *info)
{
    (void)fprintf(stderr, "sesverify: %s\n", info->text);
    if (err == SV_EDENIED)
        return SV_EXIT_DENIED;
    return err == SV_ENOTFOUND ? SV_EXIT_NO_INPUT : SV_EXIT_CONFIG;
}

/* Files that will be needed for the first connection; nobody wants to wait for that to be told. */
static int try_files(struct sv_redis_access *access)
{
    struct sv_redis_login login;
    struct sv_errinfo info;
    enum sv_err err = find_login(access, &login, &info);

    OPENSSL_cleanse(&login, sizeof(login));
    if (err == SV_OK && access->tls != NULL)
        err = sv_redis_tls_check(access->tls, &info);
    return err == SV_OK ? SV_EXIT_OK : complain(err, &info);
}

int sv_redis_access_open(struct sv_redis_access *access, const struct sv_config *config,
                         char *const *environment, struct sv_redis_options *out,
                         struct sv_redis_place *place)
{
    struct sv_errinfo info;

    *access = (struct sv_redis_access){.config = config, .environment = environment};
    *out = (struct sv_redis_options){
        .login = find_login,
        .login_context = access,
        .connect_ms = config->redis.connect_timeout_ms,
        .command_ms = config->redis.command_timeout_ms,
        .reply_bytes_max = config->redis.reply_bytes_max,
        .reconnect_cap_ms = RECONNECT_CAP_MS,
    };
    if (sv_redis_place_parse(config->redis.url, &out->address, place, &info) != SV_OK) {
        (void)fprintf(stderr, "sesverify: redis.url: %s\n", info.text);
        return SV_EXIT_CONFIG;
    }
    if (out->address.tls)
        access->tls = open_tls(access);
    out->tls = access->tls;
    return try_files(access);
}

void sv_redis_access_close(struct sv_redis_access *access)
{
    sv_redis_tls_free(access->tls);
    access->tls = NULL;
}
