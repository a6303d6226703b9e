/* Files that hold a secret: how they are opened and read, and the private key in one. */
#ifndef SV_SECRET_FILE_H
#define SV_SECRET_FILE_H

#include <stddef.h>

#include <openssl/types.h>

#include "sv/err.h"

/* At most `bytes` of a plain file that others cannot read; what is behind them is left out, so that
 * `*len` = `bytes` may mean that there is more, and 0 is an empty file or one that fails. Never
 * waits, not for a pipe either. SV_EDENIED (not readable by us, readable by others, no plain file),
 * SV_ENOTFOUND (cannot be opened otherwise); `info`, of `where`, names the file and never quotes
 * it. The caller wipes `out`. */
enum sv_err sv_secret_file_read(const char *path, const char *where, char *out, size_t bytes,
                                size_t *len, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* The private key of a text in PEM; NULL where there is none, or it wants a passphrase: who could
 * read that could read the key. The caller frees it with EVP_PKEY_free. */
EVP_PKEY *sv_secret_file_key(const char *text, size_t len) __attribute__((warn_unused_result));

#endif
