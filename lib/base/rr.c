#include "sv/rr.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"

const char *sv_rr_type_name(enum sv_rr_type type)
{
    switch (type) {
    case SV_RR_NONE:
        break;
    case SV_RR_A:
        return "A";
    case SV_RR_NS:
        return "NS";
    case SV_RR_CNAME:
        return "CNAME";
    case SV_RR_SOA:
        return "SOA";
    case SV_RR_PTR:
        return "PTR";
    case SV_RR_MX:
        return "MX";
    case SV_RR_TXT:
        return "TXT";
    case SV_RR_AAAA:
        return "AAAA";
    case SV_RR_DS:
        return "DS";
    case SV_RR_RRSIG:
        return "RRSIG";
    case SV_RR_NSEC:
        return "NSEC";
    case SV_RR_DNSKEY:
        return "DNSKEY";
    case SV_RR_NSEC3:
        return "NSEC3";
    case SV_RR_SPF:
        return "SPF";
    }
    return "OTHER";
}

const char *sv_dns_outcome_name(enum sv_dns_outcome outcome)
{
    switch (outcome) {
    case SV_DNS_UNKNOWN:
        break;
    case SV_DNS_DATA:
        return "data";
    case SV_DNS_NODATA:
        return "nodata";
    case SV_DNS_NXDOMAIN:
        return "nxdomain";
    }
    return "unknown";
}

const char *sv_dns_trouble_name(enum sv_dns_trouble trouble)
{
    switch (trouble) {
    case SV_DNS_NO_TROUBLE:
        break;
    case SV_DNS_TIMEOUT:
        return "timeout";
    case SV_DNS_NETWORK:
        return "network";
    case SV_DNS_SERVFAIL:
        return "servfail";
    case SV_DNS_REFUSED:
        return "refused";
    case SV_DNS_LAME:
        return "lame";
    case SV_DNS_MALFORMED:
        return "malformed";
    case SV_DNS_TCP_FAILED:
        return "tcp_failed";
    case SV_DNS_ALIAS_LOOP:
        return "alias_loop";
    case SV_DNS_ALIAS_TOO_LONG:
        return "alias_too_long";
    case SV_DNS_ALIAS_ELSEWHERE:
        return "alias_elsewhere";
    case SV_DNS_REFERRED:
        return "referred";
    case SV_DNS_BOGUS:
        return "bogus";
    case SV_DNS_OTHER_RCODE:
        return "other_rcode";
    }
    return "none";
}

/* The bytes that the record's strings and octets need, each with a 0 behind it. */
static size_t bytes_of(const struct sv_rr *record)
{
    size_t bytes = 0;

    if (record->owner != NULL)
        bytes += strlen(record->owner) + 1;
    if (record->target != NULL)
        bytes += strlen(record->target) + 1;
    if (record->text != NULL)
        bytes += record->text_bytes + 1;
    if (record->rdata != NULL)
        bytes += record->rdata_bytes + 1;
    return bytes;
}

/* Copies to `*to`, moves it on, and leaves a 0 (the block is zeroed). NULL stays NULL. */
static void *pack(char **to, const void *from, size_t len)
{
    char *copy = *to;

    if (from == NULL)
        return NULL;
    memcpy(copy, from, len);
    *to = copy + len + 1;
    return copy;
}

static const char *pack_str(char **to, const char *from)
{
    return pack(to, from, from == NULL ? 0 : strlen(from));
}

static void pack_record(char **to, const struct sv_rr *from, struct sv_rr *copy)
{
    *copy = *from;
    copy->owner = pack_str(to, from->owner);
    copy->target = pack_str(to, from->target);
    copy->text = pack(to, from->text, from->text_bytes);
    copy->rdata = pack(to, from->rdata, from->rdata_bytes);
}

/* The struct, then its records and those of the referral, then their strings. */
struct sv_dns_answer *sv_dns_answer_copy(const struct sv_dns_answer *answer)
{
    size_t count = answer->records_count + answer->referral_count;
    size_t head = sizeof(struct sv_dns_answer) + count * sizeof(struct sv_rr);
    size_t bytes = head;
    struct sv_dns_answer *copy;
    struct sv_rr *records;
    char *to;

    for (size_t i = 0; i < answer->records_count; i++)
        bytes += bytes_of(&answer->records[i]);
    for (size_t i = 0; i < answer->referral_count; i++)
        bytes += bytes_of(&answer->referral[i]);
    copy = sv_alloc(1, bytes);
    *copy = *answer;
    records = (struct sv_rr *)(void *)(copy + 1);
    to = (char *)copy + head;
    copy->records = answer->records_count == 0 ? NULL : records;
    for (size_t i = 0; i < answer->records_count; i++)
        pack_record(&to, &answer->records[i], records++);
    copy->referral = answer->referral_count == 0 ? NULL : records;
    for (size_t i = 0; i < answer->referral_count; i++)
        pack_record(&to, &answer->referral[i], records++);
    return copy;
}

void sv_dns_answer_free(struct sv_dns_answer *answer)
{
    free(answer);
}
