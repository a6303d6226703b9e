/* A DKIM key of the operator's own (BYODKIM), as its file holds it. */
#ifndef SV_WORKER_OWN_KEY_H
#define SV_WORKER_OWN_KEY_H

#include "sv/err.h"

struct sv_own_key {
    char *private_key; /* base64 of the PKCS#1 or PKCS#8 form, whichever the file has; a secret */
    char *public_key;  /* base64 of the SubjectPublicKeyInfo, for the TXT record */
};

/* Reads a PEM file with one RSA key of 1024 to 2048 bits (SES takes no other), which others cannot
 * read. SV_ENOTFOUND, SV_EDENIED (not readable by us, or readable by others), SV_EINVALID (no such
 * key in it; encrypted ones, too). `info` never quotes the file. Free with sv_own_key_fini. */
enum sv_err sv_own_key_read(const char *path, struct sv_own_key *out, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* Wipes and frees the private half alone. */
void sv_own_key_drop_private(struct sv_own_key *key);

/* Wipes and frees; a zeroed one is fine. */
void sv_own_key_fini(struct sv_own_key *key);

#endif
