/* The memory that long-lived secrets are kept in: locked into RAM, left out of core dumps, between
 * guard pages, wiped when it is given back. It is OpenSSL's secure heap, so that the private keys
 * that OpenSSL reads are in there as well. */
#ifndef SV_VAULT_H
#define SV_VAULT_H

#include <stdbool.h>
#include <stddef.h>

/* Makes the vault of this process; without it, secrets are in ordinary memory and wiped all the
 * same. False: it could not be locked, and what is in it may be swapped out. */
bool sv_vault_open(void);

/* Zeroed, never NULL. Beyond what the vault holds it is ordinary memory. */
void *sv_vault_alloc(size_t bytes) __attribute__((malloc, returns_nonnull));

/* Wipes `bytes`, as many as were asked for, and gives them back; NULL is fine. */
void sv_vault_free(void *secret, size_t bytes);

#endif
