/* DKIM key records: what one TXT record says, and everything that is wrong with it (RFC 6376
 * sections 3.2 and 3.6.1, RFC 8301, RFC 8463). Private to lib/auth and its vectors. */
#ifndef SV_AUTH_DKIM_KEY_H
#define SV_AUTH_DKIM_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/finding.h"

#include "txt.h"

enum {
    SV_DKIM_KEY_TEXT_MAX = 4096, /* octets of one record; beyond it nothing is read */
    SV_DKIM_KEY_TAGS_MAX = 64,
    SV_DKIM_KEY_FAULTS_MAX = 8,
};

enum sv_dkim_key_type { SV_DKIM_KEY_UNKNOWN, SV_DKIM_KEY_RSA, SV_DKIM_KEY_ED25519 };

/* "unknown", "rsa", "ed25519". */
const char *sv_dkim_key_type_name(enum sv_dkim_key_type type);

/* One name=value of the list; both are parts of the record, blanks around them away. */
struct sv_dkim_tag {
    struct sv_span name, value;
};

struct sv_dkim_tags {
    size_t count;
    struct sv_dkim_tag tags[SV_DKIM_KEY_TAGS_MAX];
};

struct sv_dkim_key_fault {
    enum sv_finding_code code;
    struct sv_span at; /* the part of the record it is about; empty = the record as a whole */
    uint32_t number;   /* bits or octets, where the code speaks of them */
};

struct sv_dkim_key {
    enum sv_dkim_key_type type;
    uint32_t bits;             /* of the key; 0 = it could not be read */
    bool usable;               /* no fault is an error: receivers can verify signatures with it */
    bool testing;              /* t=y */
    bool strict;               /* t=s */
    struct sv_span public_key; /* the text of p= */
    size_t faults_count;
    struct sv_dkim_key_fault faults[SV_DKIM_KEY_FAULTS_MAX];
};

/* Splits a tag list (RFC 6376 section 3.2); false when it is none, with the damaged part in `bad`.
 * A repeated name spoils the whole list. */
bool sv_dkim_tags_read(struct sv_span record, struct sv_dkim_tags *out, struct sv_span *bad);

/* Reads and judges one record: the strings of one TXT record, joined. The result points into
 * `record`. */
void sv_dkim_key_read(struct sv_span record, struct sv_dkim_key *out);

/* The same for all TXT records of one name, of which there must be exactly one (RFC 6376 section
 * 3.6.2.2). `wanted` is the key that signs, as in sv_dkim_key_is; empty = not told. Without a
 * record nothing is usable and nothing is wrong. */
void sv_dkim_key_read_all(const struct sv_span *records, size_t count, struct sv_span wanted,
                          struct sv_dkim_key *out);

/* True when the key of a record that was read is the one of `wanted`: base64 of a
 * SubjectPublicKeyInfo, an RSAPublicKey or 32 octets of Ed25519. Compares keys, not texts. */
bool sv_dkim_key_is(const struct sv_dkim_key *key, struct sv_span wanted);

#endif
