/* Why validation fails. The resolver that says so may name the cause (RFC 8914); otherwise the DS
 * at the parent is compared with the keys of the zone, and the times of signatures with the time of
 * the answer (dns-auth section 2.6). */
#include <openssl/evp.h>
#include <string.h>

#include "judge_parts.h"

enum { DS_DIGEST_AT = 4, DNSKEY_KEY_AT = 4, NAME_WIRE_MAX = 255 };

/* RFC 4034 appendix B. */
static unsigned key_tag(struct sv_span key)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < key.len; i++)
        sum += (i & 1) != 0 ? (uint8_t)key.text[i] : (uint32_t)(uint8_t)key.text[i] << 8;
    sum += sum >> 16 & 0xffff;
    return sum & 0xffff;
}

/* The name in wire form, lower case (RFC 4034 section 6.2). Names of zones hold no escapes. */
static size_t wire_of(const char *name, uint8_t out[NAME_WIRE_MAX])
{
    size_t len = 0;

    while (*name != '\0') {
        size_t label = strcspn(name, ".");
        if (label == 0 || label > SV_LABEL_MAX || len + label + 2 > NAME_WIRE_MAX)
            return 0;
        out[len++] = (uint8_t)label;
        for (size_t i = 0; i < label; i++)
            out[len++] = (uint8_t)sv_char_lower(name[i]);
        name += label;
        name += *name == '.' ? 1 : 0;
    }
    out[len++] = 0;
    return len;
}

static const EVP_MD *digest_of(uint8_t type)
{
    enum { SHA1 = 1, SHA256 = 2, SHA384 = 4 };

    if (type == SHA1)
        return EVP_sha1();
    if (type == SHA256)
        return EVP_sha256();
    return type == SHA384 ? EVP_sha384() : NULL;
}

/* Does this DS record stand for this key? UNKNOWN where its digest cannot be computed here. */
static enum sv_tri fits(const char *zone, struct sv_span ds, struct sv_span key)
{
    uint8_t bytes[NAME_WIRE_MAX + SV_FACT_VALUE_BYTES];
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned digest_bytes = 0;
    const EVP_MD *method;
    size_t name_bytes;

    if (ds.len <= DS_DIGEST_AT || key.len <= DNSKEY_KEY_AT)
        return SV_TRI_NO;
    if (((unsigned)(uint8_t)ds.text[0] << 8 | (uint8_t)ds.text[1]) != key_tag(key) ||
        ds.text[2] != key.text[3])
        return SV_TRI_NO;
    method = digest_of((uint8_t)ds.text[3]);
    name_bytes = wire_of(zone, bytes);
    if (method == NULL || name_bytes == 0 || key.len > SV_FACT_VALUE_BYTES)
        return SV_TRI_UNKNOWN;
    memcpy(bytes + name_bytes, key.text, key.len);
    if (EVP_Digest(bytes, name_bytes + key.len, digest, &digest_bytes, method, NULL) != 1)
        return SV_TRI_UNKNOWN;
    return ds.len - DS_DIGEST_AT == digest_bytes &&
                   memcmp(ds.text + DS_DIGEST_AT, digest, digest_bytes) == 0
               ? SV_TRI_YES
               : SV_TRI_NO;
}

/* No DS record stands for any key of the zone. */
static bool is_mismatch(const struct sv_fact *ds, const struct sv_fact *keys)
{
    if (!sv_fact_known(ds) || ds->values_count == 0 || ds->incomplete)
        return false;
    if (!sv_fact_known(keys) || keys->incomplete)
        return false;
    for (size_t i = 0; i < ds->values_count; i++) {
        for (size_t j = 0; j < keys->values_count; j++) {
            if (fits(keys->name, ds->values[i], keys->values[j]) != SV_TRI_NO)
                return false;
        }
    }
    return true;
}

/* An RRSIG time near `at`: 32 bits of seconds that wrap around (RFC 1982). */
static sv_ms time_of(uint32_t seconds, sv_ms at)
{
    int32_t ahead = (int32_t)(seconds - (uint32_t)(at / SV_SECOND));

    return (at / SV_SECOND + ahead) * SV_SECOND;
}

static enum sv_finding_code time_fault(const struct sv_fact *fact, sv_ms *until)
{
    sv_ms at = fact->evidence.at;

    if (!sv_fact_known(fact) || fact->signatures == 0)
        return SV_F_NONE;
    *until = time_of(fact->expiration, at);
    if (*until < at)
        return SV_F_DNS_DNSSEC_EXPIRED;
    *until = time_of(fact->inception, at);
    return *until > at ? SV_F_DNS_DNSSEC_NOT_YET_VALID : SV_F_NONE;
}

/* The zone that holds the name: as the walk from the root found it, else the registered one. */
static const char *zone_of(const struct sv_judge *judge, const char *name)
{
    const char *best = judge->zone;

    for (size_t i = 0; i < judge->zones_count; i++) {
        const char *zone = judge->zones[i]->cut.zone;
        if (judge->zones[i]->cut.state == SV_CUT_FOUND && zone[0] != '\0' &&
            (sv_name_equal(name, zone) || sv_name_is_below(name, zone)) &&
            strlen(zone) > strlen(best))
            best = zone;
    }
    return best;
}

static bool is_named(enum sv_finding_code code)
{
    return code == SV_F_DNS_DNSSEC_EXPIRED || code == SV_F_DNS_DNSSEC_NOT_YET_VALID ||
           code == SV_F_DNS_DNSSEC_DS_MISMATCH;
}

/* Asks what is needed to say why, and says it as far as it is known. */
static enum sv_finding_code explain(struct sv_judge *judge, const struct sv_fact *fact,
                                    const char *zone, sv_ms *until)
{
    const struct sv_fact *ds = sv_judge_look_unchecked(judge, zone, SV_RR_DS);
    const struct sv_fact *keys = sv_judge_look_unchecked(judge, zone, SV_RR_DNSKEY);
    const struct sv_fact *same = sv_judge_look_unchecked(judge, fact->name, fact->type);
    enum sv_finding_code code = time_fault(same, until);

    if (is_mismatch(ds, keys))
        return SV_F_DNS_DNSSEC_DS_MISMATCH;
    if (code == SV_F_NONE)
        code = time_fault(keys, until);
    return code != SV_F_NONE ? code : SV_F_DNS_DNSSEC_BOGUS;
}

void sv_judge_dnssec(struct sv_judge *judge, const struct sv_fact *fact)
{
    struct sv_fact by = *fact;
    struct sv_naming naming = {.owner = zone_of(judge, fact->name), .found = fact->name};
    enum sv_finding_code code, why;

    if (fact->heard->bogus_by == NULL)
        return;
    by.evidence = *fact->heard->bogus_by;
    code = sv_ede_code(by.evidence.ede);
    why = explain(judge, fact, naming.owner, &naming.until);
    if (!is_named(code))
        code = why;
    else if (code != why)
        naming.until = 0; /* of something else than the resolver speaks of */
    sv_judge_find_shared(judge, code, &by, &naming);
}
