#include "secret.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "config.h"
#include "sv/secret_file.h"

bool sv_secret_find(char *const *environment, const char *id, const char *file,
                    char out[SV_SECRET_PATH_BYTES])
{
    const char *directory = sv_environment_find(environment, "CREDENTIALS_DIRECTORY");

    (void)snprintf(out, SV_SECRET_PATH_BYTES, "%s/%s", directory != NULL ? directory : "", id);
    if (directory != NULL && access(out, F_OK) == 0)
        return true;
    (void)snprintf(out, SV_SECRET_PATH_BYTES, "%s", file);
    return *file != '\0';
}

enum sv_err sv_secret_read(const char *path, char *out, size_t bytes, struct sv_errinfo *info)
{
    size_t len;
    enum sv_err err = sv_secret_file_read(path, "secret", out, bytes, &len, info);

    if (err != SV_OK)
        return err;
    while (len > 0 && (out[len - 1] == '\n' || out[len - 1] == '\r'))
        len--;
    if (len > 0 && len < bytes && memchr(out, '\0', len) == NULL) {
        out[len] = '\0';
        return SV_OK;
    }
    OPENSSL_cleanse(out, bytes);
    return sv_err_set(info, SV_EDENIED, "secret", 0,
                      "%.150s: holds no usable secret (empty, or longer than %zu bytes)", path,
                      bytes - 1);
}
