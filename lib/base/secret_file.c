#include "sv/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "sv/alloc.h"

static enum sv_err open_file(const char *path, const char *where, int *out, struct sv_errinfo *info)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold us up */

    if (fd < 0)
        return sv_err_set(info, errno == EACCES ? SV_EDENIED : SV_ENOTFOUND, where, errno,
                          "%.150s: cannot be read: %s", path, strerror(errno));
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || (about.st_mode & S_IRWXO) != 0) {
        (void)close(fd);
        return sv_err_set(
            info, SV_EDENIED, where, 0,
            "%.150s: a secret must be a plain file that others cannot read (chmod o= it)", path);
    }
    *out = fd;
    return SV_OK;
}

enum sv_err sv_secret_file_read(const char *path, const char *where, char *out, size_t bytes,
                                size_t *len, struct sv_errinfo *info)
{
    int fd = -1;
    ssize_t got;
    enum sv_err err;

    *len = 0;
    err = open_file(path, where, &fd, info);
    if (err != SV_OK)
        return err;
    while (*len < bytes && (got = read(fd, out + *len, bytes - *len)) > 0)
        *len += (size_t)got;
    (void)close(fd);
    return SV_OK;
}

static int no_passphrase(char *out, int bytes, int writing, void *context)
{
    (void)out;
    (void)bytes;
    (void)writing;
    (void)context;
    return -1;
}

EVP_PKEY *sv_secret_file_key(const char *text, size_t len)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    EVP_PKEY *key;

    if (bio == NULL)
        sv_out_of_memory("BIO_new_mem_buf");
    key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return key;
}
