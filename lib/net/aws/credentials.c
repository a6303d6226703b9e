/* Where keys come from: the environment, then AWS's shared files, in the order its own tools use.
 * A named profile means "not the environment"; the variable AWS_PROFILE alone does not. */
#include "sv/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "places.h"
#include "sv/alloc.h"

void sv_credentials_wipe(struct sv_credentials *credentials)
{
    OPENSSL_cleanse(credentials, sizeof *credentials);
}

/* An empty variable counts as not set, as in AWS's own tools. */
const char *sv_places_variable(const struct sv_places *places, const char *name)
{
    const char *value = places->env(places->context, name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static enum sv_err take_variable(const struct sv_places *places, const char *name,
                                 const char *value, char *out, size_t out_bytes)
{
    size_t len = strlen(value);

    if (len >= out_bytes)
        return sv_err_set(places->info, SV_ETOOBIG, "credentials", 0, "%s is over %zu bytes", name,
                          out_bytes - 1);
    for (size_t i = 0; i < len; i++) {
        if (value[i] <= ' ' || value[i] >= 0x7f)
            return sv_err_set(places->info, SV_EMALFORMED, "credentials", 0,
                              "%s holds a blank or an unprintable character", name);
    }
    memcpy(out, value, len + 1);
    return SV_OK;
}

static enum sv_err take_expiry(const struct sv_places *places, struct sv_credentials *out)
{
    const char *text = sv_places_variable(places, "AWS_CREDENTIAL_EXPIRATION");

    if (text != NULL && sv_time_parse(text, strlen(text), &out->expires_at) != SV_OK)
        return sv_err_set(places->info, SV_EMALFORMED, "credentials", 0,
                          "AWS_CREDENTIAL_EXPIRATION is not a time: %.40s", text);
    return SV_OK;
}

enum sv_err sv_places_environment(const struct sv_places *places, struct sv_credentials *out)
{
    const char *id = sv_places_variable(places, "AWS_ACCESS_KEY_ID");
    const char *secret = sv_places_variable(places, "AWS_SECRET_ACCESS_KEY");
    const char *token = sv_places_variable(places, "AWS_SESSION_TOKEN");
    enum sv_err err;

    if (id == NULL && secret == NULL)
        return SV_ENOTFOUND;
    if (id == NULL || secret == NULL)
        return sv_err_set(places->info, SV_EMALFORMED, "credentials", 0, "%s is set but %s is not",
                          id != NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                          id != NULL ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    err = take_variable(places, "AWS_ACCESS_KEY_ID", id, out->access_key_id,
                        sizeof out->access_key_id);
    if (err == SV_OK)
        err = take_variable(places, "AWS_SECRET_ACCESS_KEY", secret, out->secret_access_key,
                            sizeof out->secret_access_key);
    if (err == SV_OK && token != NULL)
        err = take_variable(places, "AWS_SESSION_TOKEN", token, out->session_token,
                            sizeof out->session_token);
    if (err == SV_OK)
        err = take_expiry(places, out);
    if (err == SV_OK)
        (void)snprintf(out->source, sizeof out->source, "environment");
    return err;
}

/* The file that the variable names, else the usual one below HOME; "~/" is HOME as well. */
static enum sv_err place(const struct sv_places *places, const char *variable, const char *usual,
                         char out[SV_PLACES_PATH_BYTES])
{
    const char *path = sv_places_variable(places, variable),
               *home = sv_places_variable(places, "HOME");
    int len = 0;

    out[0] = '\0';
    if (path == NULL && home != NULL)
        len = snprintf(out, SV_PLACES_PATH_BYTES, "%s/%s", home, usual);
    else if (path != NULL && strncmp(path, "~/", 2) == 0 && home != NULL)
        len = snprintf(out, SV_PLACES_PATH_BYTES, "%s/%s", home, path + 2);
    else if (path != NULL)
        len = snprintf(out, SV_PLACES_PATH_BYTES, "%s", path);
    if (len < 0 || len >= SV_PLACES_PATH_BYTES)
        return sv_err_set(places->info, SV_ETOOBIG, "credentials", 0, "the path in %s is too long",
                          variable);
    return SV_OK;
}

/* Reads at most one byte more than allowed, so that the reader can tell "too big". */
static enum sv_err read_all(int fd, const char *path, char *bytes, size_t *len,
                            struct sv_errinfo *info)
{
    *len = 0;
    while (*len <= SV_SHARED_FILE_BYTES_MAX) {
        ssize_t got = read(fd, bytes + *len, SV_SHARED_FILE_BYTES_MAX + 1 - *len);

        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return sv_err_set(info, SV_EDENIED, "credentials", errno, "cannot read %.120s: %s",
                              path, strerror(errno));
        *len += (size_t)got;
    }
    return SV_OK;
}

/* A missing file is nothing to report; one that cannot be read is. */
static enum sv_err open_file(const char *path, int *fd, struct sv_errinfo *info)
{
    struct stat about;

    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us up */
    if (*fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return SV_OK;
    if (*fd < 0)
        return sv_err_set(info, SV_EDENIED, "credentials", errno, "cannot open %.120s: %s", path,
                          strerror(errno));
    if (fstat(*fd, &about) == 0 && S_ISREG(about.st_mode))
        return SV_OK;
    (void)close(*fd);
    *fd = -1;
    return sv_err_set(info, SV_EDENIED, "credentials", 0, "%.120s is not a regular file", path);
}

enum which { CREDENTIALS_FILE, CONFIG_FILE, CONFIG_SESSION };

static enum sv_err read_one(const struct sv_places *places, const char *path, enum which which,
                            const char *section, struct sv_shared_profile *out)
{
    char *bytes;
    size_t len = 0;
    int fd = -1;
    enum sv_err err;

    if (path[0] == '\0')
        return SV_OK;
    err = open_file(path, &fd, places->info);
    if (err != SV_OK || fd < 0)
        return err;
    bytes = sv_alloc(1, SV_SHARED_FILE_BYTES_MAX + 1);
    err = read_all(fd, path, bytes, &len, places->info);
    if (err == SV_OK)
        err = sv_shared_file_read(&(struct sv_shared_file){.name = path,
                                                           .bytes = bytes,
                                                           .len = len,
                                                           .is_config = which != CREDENTIALS_FILE,
                                                           .is_session = which == CONFIG_SESSION},
                                  section, out, places->info);
    OPENSSL_cleanse(bytes, len);
    free(bytes);
    (void)close(fd);
    return err;
}

enum sv_err sv_places_judge_keys(const struct sv_places *places,
                                 const struct sv_shared_profile *shared)
{
    if (shared->has_access_key && shared->has_secret_key)
        return SV_OK;
    if (shared->has_access_key || shared->has_secret_key)
        return sv_err_set(places->info, SV_EMALFORMED, "credentials", 0,
                          "profile %.60s has %s but no %s", places->profile,
                          shared->has_access_key ? "aws_access_key_id" : "aws_secret_access_key",
                          shared->has_access_key ? "aws_secret_access_key" : "aws_access_key_id");
    if (shared->unsupported[0] != '\0')
        return sv_err_set(places->info, SV_ENOTFOUND, "credentials", 0,
                          "profile %.60s uses %s, which is not supported: it needs "
                          "aws_access_key_id and aws_secret_access_key",
                          places->profile, shared->unsupported);
    return sv_err_set(places->info, SV_ENOTFOUND, "credentials", 0,
                      "no keys in AWS_ACCESS_KEY_ID, nor in profile %.40s of %.70s and %.70s",
                      places->profile, places->credentials[0] != '\0' ? places->credentials : "-",
                      places->config[0] != '\0' ? places->config : "-");
}

static enum sv_err find_files(struct sv_places *places)
{
    enum sv_err err =
        place(places, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", places->credentials);
    if (err == SV_OK)
        err = place(places, "AWS_CONFIG_FILE", ".aws/config", places->config);
    return err;
}

/* Start URL and region of a named session stand in a section of their own, for several profiles. */
static enum sv_err read_session(const struct sv_places *places, struct sv_shared_profile *out)
{
    struct sv_shared_profile session = {.found = false};
    enum sv_err err =
        read_one(places, places->config, CONFIG_SESSION, out->settings.sso_session, &session);

    if (err != SV_OK)
        return err;
    if (!session.found)
        return sv_err_set(places->info, SV_EINVALID, "credentials", 0,
                          "profile %.60s: there is no [sso-session %.60s] in %.70s",
                          places->profile, out->settings.sso_session,
                          places->config[0] != '\0' ? places->config : "the config file");
    memcpy(out->settings.sso_start_url, session.settings.sso_start_url,
           sizeof out->settings.sso_start_url);
    memcpy(out->settings.sso_region, session.settings.sso_region, sizeof out->settings.sso_region);
    return SV_OK;
}

enum sv_err sv_places_profile(struct sv_places *places, struct sv_shared_profile *out)
{
    struct sv_shared_profile config = {.found = false};
    enum sv_err err = find_files(places);

    *out = (struct sv_shared_profile){.found = false};
    if (err == SV_OK)
        err = read_one(places, places->config, CONFIG_FILE, places->profile, &config);
    if (err == SV_OK) { /* the credentials file's lines come later and win */
        *out = config;
        sv_credentials_wipe(&out->keys);
        out->has_access_key = out->has_secret_key = false;
        err = read_one(places, places->credentials, CREDENTIALS_FILE, places->profile, out);
    }
    if (err == SV_OK && !out->has_access_key && !out->has_secret_key) {
        out->keys = config.keys; /* never half of one file and half of the other */
        out->has_access_key = config.has_access_key;
        out->has_secret_key = config.has_secret_key;
    }
    sv_credentials_wipe(&config.keys);
    if (err == SV_OK && out->settings.sso_session[0] != '\0')
        err = read_session(places, out);
    if (err != SV_OK)
        sv_credentials_wipe(&out->keys);
    return err;
}

/* A pair in the credentials file wins over one in the config file, as in AWS's own tools. */
static enum sv_err from_files(struct sv_places *places, struct sv_credentials *out)
{
    struct sv_shared_profile shared;
    enum sv_err err = sv_places_profile(places, &shared);

    if (err == SV_OK)
        err = sv_places_judge_keys(places, &shared);
    if (err == SV_OK) {
        *out = shared.keys;
        (void)snprintf(out->source, sizeof out->source, "shared file, profile %.40s",
                       places->profile);
    }
    sv_credentials_wipe(&shared.keys);
    return err;
}

const char *sv_places_usual_profile(const struct sv_places *places)
{
    const char *name = sv_places_variable(places, "AWS_PROFILE");

    if (name == NULL)
        name = sv_places_variable(places, "AWS_DEFAULT_PROFILE");
    return name != NULL ? name : "default";
}

enum sv_err sv_credentials_load(const char *profile, sv_env_fn *env, void *context,
                                struct sv_credentials *out, struct sv_errinfo *info)
{
    struct sv_places places = {.env = env, .context = context, .profile = profile, .info = info};
    enum sv_err err = SV_ENOTFOUND;

    *out = (struct sv_credentials){.expires_at = 0};
    if (profile == NULL || profile[0] == '\0') {
        places.profile = sv_places_usual_profile(&places);
        err = sv_places_environment(&places, out);
    }
    if (err == SV_ENOTFOUND)
        err = from_files(&places, out);
    if (err != SV_OK)
        sv_credentials_wipe(out);
    return err;
}
