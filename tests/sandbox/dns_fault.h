/* Scripted misbehaviour of the DNS stand-in. */
#ifndef SB_DNS_FAULT_H
#define SB_DNS_FAULT_H

#include <jansson.h>
#include <ldns/ldns.h>

#include "sv/err.h"
#include "sv/time.h"

enum { SB_DNS_FAULTS_MAX = 256, SB_DNS_NAME_BYTES = 1024 };

enum sb_dns_do {
    SB_DNS_NOTHING,
    SB_DNS_SERVFAIL,
    SB_DNS_REFUSED,
    SB_DNS_DROP,
    SB_DNS_NXDOMAIN,
    SB_DNS_TRUNCATE, /* TC=1 and nothing else, over UDP only */
    SB_DNS_WRONG_ID,
    SB_DNS_SLOW, /* the answer comes `delay_ms` late */
};

struct sb_dns_fault {
    char name[SB_DNS_NAME_BYTES]; /* lower case, no final dot; "*" matches all, "*.x" everything
                                     below x */
    ldns_rr_type type;            /* 0 matches all */
    enum sb_dns_do what;
    sv_ms delay_ms;
    long long count; /* so many more times; below 0: for ever */
    long long skip;  /* lets so many pass first */
};

struct sb_dns_faults {
    struct sb_dns_fault rules[SB_DNS_FAULTS_MAX];
    size_t count;
};

/* Adds the rules of a JSON array (or one object); none when any of them is wrong. */
enum sv_err sb_dns_faults_add(struct sb_dns_faults *faults, const json_t *rules,
                              struct sv_errinfo *info) __attribute__((warn_unused_result));
void sb_dns_faults_clear(struct sb_dns_faults *faults);

/* What to do with this question; uses up one count of the rule that matches. */
enum sb_dns_do sb_dns_faults_take(struct sb_dns_faults *faults, const char *name, ldns_rr_type type,
                                  sv_ms *delay_ms);

/* The rules with their remaining counts, as a JSON array. The caller owns it. */
json_t *sb_dns_faults_json(const struct sb_dns_faults *faults);

#endif
