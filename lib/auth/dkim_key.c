#include "dkim_key.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <string.h>

#include "sv/require.h"

#include "base64.h"

enum {
    SHOWN_MAX = 32,       /* octets of a damaged part that are worth showing */
    RSA_BITS_MIN = 1024,  /* verifiers must refuse less (RFC 8301 section 3.2) */
    RSA_BITS_GOOD = 2048, /* signers should use at least that (the same place) */
    RSA_BITS_MAX = 4096,  /* verifiers need not know more (the same place) */
    ED25519_OCTETS = 32,  /* RFC 8463 section 3 */
    OCTETS_MAX = SV_DKIM_KEY_TEXT_MAX / 4 * 3,
};

const char *sv_dkim_key_type_name(enum sv_dkim_key_type type)
{
    switch (type) {
    case SV_DKIM_KEY_UNKNOWN:
        return "unknown";
    case SV_DKIM_KEY_RSA:
        return "rsa";
    case SV_DKIM_KEY_ED25519:
        return "ed25519";
    }
    return "unknown";
}

static struct sv_span part(struct sv_span span, size_t from, size_t to)
{
    return (struct sv_span){.text = span.text + from, .len = to - from};
}

/* Where the damage begins, and some octets of it. */
static struct sv_span from_here(struct sv_span record, size_t at)
{
    size_t len = record.len - at;

    return part(record, at, at + (len < SHOWN_MAX ? len : SHOWN_MAX));
}

/* Tag values are case-sensitive (RFC 6376 section 3.2). */
static bool is(struct sv_span span, const char *text)
{
    return span.len == strlen(text) && memcmp(span.text, text, span.len) == 0;
}

static struct sv_span trim(struct sv_span span)
{
    while (span.len > 0 && sv_char_is_fws(*span.text))
        span = part(span, 1, span.len);
    while (span.len > 0 && sv_char_is_fws(span.text[span.len - 1]))
        span.len--;
    return span;
}

/* Printable ASCII, blanks, and line ends that a blank follows (FWS, RFC 6376 section 2.8). The
 * escaped semicolon is no octet of a record but the trace of a panel that escaped it. */
static bool is_text(struct sv_span record, size_t *at)
{
    for (size_t i = 0; i < record.len; i++) {
        char c = record.text[i];
        bool folded;
        if (c >= ' ' && c <= '~' && c != '\\')
            continue;
        folded = i + 2 < record.len && c == '\r' && record.text[i + 1] == '\n' &&
                 (record.text[i + 2] == ' ' || record.text[i + 2] == '\t');
        *at = i;
        if (c == '\\' && i + 1 < record.len && record.text[i + 1] == ';')
            return false;
        if (folded)
            i += 2;
        else if (c != '\t' && (c < ' ' || c > '~'))
            return false;
    }
    return true;
}

static bool is_tag_name(struct sv_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.text[i];
        if (!sv_char_is_alpha(c) && (i == 0 || (c != '_' && !sv_char_is_digit(c))))
            return false;
    }
    return name.len > 0;
}

static const struct sv_dkim_tag *find(const struct sv_dkim_tags *tags, struct sv_span name)
{
    for (size_t i = 0; i < tags->count; i++) {
        const struct sv_dkim_tag *tag = &tags->tags[i];
        if (tag->name.len == name.len && memcmp(tag->name.text, name.text, name.len) == 0)
            return tag;
    }
    return NULL;
}

static bool read_tag(struct sv_span text, struct sv_dkim_tags *out)
{
    const char *equals = memchr(text.text, '=', text.len);
    size_t at = equals != NULL ? (size_t)(equals - text.text) : 0;
    struct sv_dkim_tag tag;

    if (equals == NULL)
        return false;
    tag.name = trim(part(text, 0, at));
    tag.value = trim(part(text, at + 1, text.len));
    if (!is_tag_name(tag.name) || find(out, tag.name) != NULL || out->count == SV_DKIM_KEY_TAGS_MAX)
        return false;
    out->tags[out->count++] = tag;
    return true;
}

bool sv_dkim_tags_read(struct sv_span record, struct sv_dkim_tags *out, struct sv_span *bad)
{
    size_t from = 0;
    size_t odd;

    out->count = 0;
    if (!is_text(record, &odd)) {
        *bad = from_here(record, odd);
        return false;
    }
    while (from < record.len) {
        const char *end = memchr(record.text + from, ';', record.len - from);
        size_t to = end != NULL ? (size_t)(end - record.text) : record.len;
        struct sv_span text = trim(part(record, from, to));
        /* Only behind the last semicolon there may be nothing. */
        if (end == NULL && text.len == 0)
            break;
        if (text.len == 0 || !read_tag(text, out)) {
            *bad = from_here(record, text.len > 0 ? (size_t)(text.text - record.text) : to);
            return false;
        }
        from = to + 1;
    }
    return true;
}

static void add_fault(struct sv_dkim_key *key, enum sv_finding_code code, struct sv_span at,
                      uint32_t number)
{
    SV_REQUIRE(key->faults_count < SV_DKIM_KEY_FAULTS_MAX);
    key->faults[key->faults_count++] =
        (struct sv_dkim_key_fault){.code = code, .at = at, .number = number};
    if (sv_finding_severity(code) == SV_ERROR)
        key->usable = false;
}

/* Quotes that a panel or a word processor left in the data: " and its typographic forms. */
static bool find_quote(struct sv_span record, size_t *at)
{
    /* All begin with the same octet. */
    static const char *const typographic[] = {"\xe2\x80\x98", "\xe2\x80\x99", "\xe2\x80\x9c",
                                              "\xe2\x80\x9d", "\xe2\x80\x9e"};

    for (*at = 0; *at < record.len; ++*at) {
        char c = record.text[*at];
        if (c == '"')
            return true;
        if (c != *typographic[0])
            continue;
        for (size_t i = 0; i < sizeof(typographic) / sizeof(*typographic); i++) {
            if (record.len - *at >= 3 && memcmp(record.text + *at, typographic[i], 3) == 0)
                return true;
        }
    }
    return false;
}

/* Is `word` in a list separated by colons with blanks around them? */
static bool lists(struct sv_span list, const char *word)
{
    for (size_t from = 0, to = 0; from <= list.len; from = to + 1) {
        const char *colon = NULL;
        if (from < list.len)
            colon = memchr(list.text + from, ':', list.len - from);
        to = colon != NULL ? (size_t)(colon - list.text) : list.len;
        if (is(trim(part(list, from, to)), word))
            return true;
    }
    return false;
}

/* The key in DER: SubjectPublicKeyInfo, or the bare RSAPublicKey that RFC 6376 names. NULL for
 * anything else, octets behind the key included. */
static EVP_PKEY *decode_rsa(const uint8_t *octets, size_t count)
{
    const uint8_t *at = octets;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)count);

    if (key == NULL) {
        at = octets;
        key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)count);
    }
    if (key != NULL && (at != octets + count || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    ERR_clear_error(); /* what it thinks of foreign octets is nobody else's */
    return key;
}

static EVP_PKEY *decode(enum sv_dkim_key_type type, const uint8_t *octets, size_t count)
{
    if (type == SV_DKIM_KEY_ED25519)
        return count == ED25519_OCTETS
                   ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, octets, count)
                   : NULL;
    return decode_rsa(octets, count);
}

/* The elements of a SEQUENCE that fills the octets exactly; NULL for anything else. The tag is
 * looked at here, since this reader takes one without the bit for "constructed", too. */
static STACK_OF(ASN1_TYPE) * read_sequence(const uint8_t *octets, size_t count, int elements)
{
    enum { SEQUENCE_TAG = V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED };
    const uint8_t *at = octets;
    STACK_OF(ASN1_TYPE) *sequence = NULL;

    if (count > 0 && octets[0] == SEQUENCE_TAG)
        sequence = d2i_ASN1_SEQUENCE_ANY(NULL, &at, (long)count);
    if (sequence != NULL && (at != octets + count || sk_ASN1_TYPE_num(sequence) != elements)) {
        sk_ASN1_TYPE_pop_free(sequence, ASN1_TYPE_free);
        sequence = NULL;
    }
    return sequence;
}

/* RSAPublicKey (RFC 8017 appendix A.1.1): two positive numbers. 0 = it is none, or NULL. */
static uint32_t bits_of_numbers(const STACK_OF(ASN1_TYPE) * sequence)
{
    uint32_t bits = 0;

    for (int i = 2; sequence != NULL && i-- > 0;) {
        const ASN1_TYPE *element = sk_ASN1_TYPE_value(sequence, i);
        BIGNUM *number = ASN1_TYPE_get(element) == V_ASN1_INTEGER
                             ? ASN1_INTEGER_to_BN(element->value.integer, NULL)
                             : NULL;
        bits = number != NULL && !BN_is_negative(number) ? (uint32_t)BN_num_bits(number) : 0;
        BN_free(number);
        if (bits == 0)
            break;
    }
    return bits;
}

static bool is_rsa(const ASN1_TYPE *algorithm)
{
    STACK_OF(ASN1_TYPE) *sequence = NULL;
    bool is = false;

    if (ASN1_TYPE_get(algorithm) != V_ASN1_SEQUENCE)
        return false;
    sequence = read_sequence(ASN1_STRING_get0_data(algorithm->value.sequence),
                             (size_t)ASN1_STRING_length(algorithm->value.sequence), 2);
    if (sequence != NULL && ASN1_TYPE_get(sk_ASN1_TYPE_value(sequence, 0)) == V_ASN1_OBJECT)
        is = OBJ_obj2nid(sk_ASN1_TYPE_value(sequence, 0)->value.object) == NID_rsaEncryption;
    sk_ASN1_TYPE_pop_free(sequence, ASN1_TYPE_free);
    return is;
}

/* The size of the modulus; 0 = no RSA key. Read through OpenSSL's ASN.1 alone: its decoder of whole
 * keys takes a hundred times as long (85 us on the machine of docs/figures.md), three times a
 * check. */
static uint32_t rsa_bits(const uint8_t *octets, size_t count)
{
    STACK_OF(ASN1_TYPE) *info = read_sequence(octets, count, 2);
    uint32_t bits = bits_of_numbers(info);

    if (info != NULL && bits == 0 && is_rsa(sk_ASN1_TYPE_value(info, 0)) &&
        ASN1_TYPE_get(sk_ASN1_TYPE_value(info, 1)) == V_ASN1_BIT_STRING) {
        const ASN1_BIT_STRING *key = sk_ASN1_TYPE_value(info, 1)->value.bit_string;
        STACK_OF(ASN1_TYPE) *numbers =
            read_sequence(ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key), 2);
        bits = bits_of_numbers(numbers);
        sk_ASN1_TYPE_pop_free(numbers, ASN1_TYPE_free);
    }
    sk_ASN1_TYPE_pop_free(info, ASN1_TYPE_free);
    ERR_clear_error();
    return bits;
}

static void judge_size(struct sv_dkim_key *key)
{
    struct sv_span whole = {.text = key->public_key.text};

    if (key->type != SV_DKIM_KEY_RSA)
        return;
    if (key->bits < RSA_BITS_MIN)
        add_fault(key, SV_F_DKIM_KEY_TOO_SHORT, whole, key->bits);
    else if (key->bits < RSA_BITS_GOOD)
        add_fault(key, SV_F_DKIM_KEY_1024, whole, key->bits);
    else if (key->bits > RSA_BITS_MAX)
        add_fault(key, SV_F_DKIM_KEY_TOO_LONG, whole, key->bits);
}

static void judge_public(struct sv_dkim_key *key)
{
    uint8_t octets[OCTETS_MAX];
    struct sv_span text = key->public_key;
    size_t count;
    size_t odd;
    enum sv_base64 result;

    result = sv_base64_decode(text, octets, &count, &odd);
    if (result == SV_BASE64_ODD) {
        add_fault(key, SV_F_DKIM_KEY_BASE64_INVALID, from_here(text, odd), 0);
        return;
    }
    if (key->type == SV_DKIM_KEY_UNKNOWN)
        return;
    if (result == SV_BASE64_OK && key->type == SV_DKIM_KEY_RSA)
        key->bits = rsa_bits(octets, count);
    if (result == SV_BASE64_OK && key->type == SV_DKIM_KEY_ED25519 && count == ED25519_OCTETS)
        key->bits = 8 * ED25519_OCTETS;
    if (key->bits == 0)
        add_fault(key, SV_F_DKIM_KEY_PUBLIC_INVALID, part(text, 0, 0), (uint32_t)count);
    else
        judge_size(key);
}

static const struct sv_dkim_tag *tag_of(const struct sv_dkim_tags *tags, const char *name)
{
    return find(tags, sv_span_of(name));
}

static void judge_version(struct sv_dkim_key *key, const struct sv_dkim_tags *tags)
{
    const struct sv_dkim_tag *v = tag_of(tags, "v");

    if (v == NULL) /* SES publishes none, and none is needed */
        return;
    if (!is(v->value, "DKIM1"))
        add_fault(key, SV_F_DKIM_KEY_VERSION_BAD, v->value, 0);
    else if (v != tags->tags)
        add_fault(key, SV_F_DKIM_KEY_VERSION_BAD, tags->tags[0].name, 0);
}

static void judge_type(struct sv_dkim_key *key, const struct sv_dkim_tags *tags)
{
    const struct sv_dkim_tag *k = tag_of(tags, "k");

    key->type = SV_DKIM_KEY_UNKNOWN;
    if (k == NULL || is(k->value, "rsa"))
        key->type = SV_DKIM_KEY_RSA;
    else if (is(k->value, "ed25519"))
        key->type = SV_DKIM_KEY_ED25519;
    else
        add_fault(key, SV_F_DKIM_KEY_TYPE_UNKNOWN, k->value, 0);
}

static void judge_restrictions(struct sv_dkim_key *key, const struct sv_dkim_tags *tags)
{
    const struct sv_dkim_tag *h = tag_of(tags, "h");
    const struct sv_dkim_tag *s = tag_of(tags, "s");
    const struct sv_dkim_tag *t = tag_of(tags, "t");

    if (h != NULL && !lists(h->value, "sha256"))
        add_fault(key, SV_F_DKIM_KEY_HASH_UNSUPPORTED, h->value, 0);
    if (s != NULL && !lists(s->value, "*") && !lists(s->value, "email"))
        add_fault(key, SV_F_DKIM_KEY_WRONG_SERVICE, s->value, 0);
    key->testing = t != NULL && lists(t->value, "y");
    key->strict = t != NULL && lists(t->value, "s");
    if (key->testing)
        add_fault(key, SV_F_DKIM_KEY_TESTING_FLAG, t->value, 0);
    if (key->strict)
        add_fault(key, SV_F_DKIM_KEY_STRICT_FLAG, t->value, 0);
}

void sv_dkim_key_read(struct sv_span record, struct sv_dkim_key *out)
{
    struct sv_dkim_tags tags;
    const struct sv_dkim_tag *p;
    struct sv_span bad;
    size_t at;

    *out = (struct sv_dkim_key){.usable = true, .public_key = {.text = record.text}};
    if (record.len > SV_DKIM_KEY_TEXT_MAX) {
        add_fault(out, SV_F_DKIM_KEY_SYNTAX, from_here(record, SV_DKIM_KEY_TEXT_MAX), 0);
        return;
    }
    if (find_quote(record, &at)) { /* explains whatever else is wrong */
        add_fault(out, SV_F_DKIM_KEY_QUOTES_EMBEDDED, from_here(record, at), 0);
        return;
    }
    if (!sv_dkim_tags_read(record, &tags, &bad)) {
        add_fault(out, SV_F_DKIM_KEY_SYNTAX, bad, 0);
        return;
    }
    judge_version(out, &tags);
    judge_type(out, &tags);
    judge_restrictions(out, &tags);
    p = tag_of(&tags, "p");
    if (p != NULL)
        out->public_key = p->value;
    if (p == NULL)
        add_fault(out, SV_F_DKIM_KEY_PUBLIC_MISSING, from_here(record, 0), 0);
    else if (p->value.len == 0)
        add_fault(out, SV_F_DKIM_KEY_REVOKED, p->value, 0);
    else
        judge_public(out);
}

bool sv_dkim_key_is(const struct sv_dkim_key *key, struct sv_span wanted)
{
    uint8_t octets[OCTETS_MAX];
    size_t count;
    size_t odd;
    EVP_PKEY *ours = NULL;
    EVP_PKEY *theirs = NULL;
    bool same;

    if (key->bits == 0 || wanted.len > SV_DKIM_KEY_TEXT_MAX)
        return false;
    if (sv_base64_decode(wanted, octets, &count, &odd) == SV_BASE64_OK)
        ours = decode(key->type, octets, count);
    if (sv_base64_decode(key->public_key, octets, &count, &odd) == SV_BASE64_OK)
        theirs = decode(key->type, octets, count);
    same = ours != NULL && theirs != NULL && EVP_PKEY_eq(ours, theirs) == 1;
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
    return same;
}

void sv_dkim_key_read_all(const struct sv_span *records, size_t count, struct sv_span wanted,
                          struct sv_dkim_key *out)
{
    if (count == 1) {
        sv_dkim_key_read(records[0], out);
        if (wanted.len > 0 && out->bits > 0 && !sv_dkim_key_is(out, wanted))
            add_fault(out, SV_F_DKIM_KEY_MISMATCH, part(out->public_key, 0, 0), 0);
        return;
    }
    *out = (struct sv_dkim_key){.type = SV_DKIM_KEY_UNKNOWN};
    if (count > 1)
        add_fault(out, SV_F_DKIM_KEY_MULTIPLE, (struct sv_span){0}, (uint32_t)count);
}
