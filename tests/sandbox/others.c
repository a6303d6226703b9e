#include "others.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sv/alloc.h"
#include "sv/require.h"

/* The record of amazonses.com has the ranges that Amazon published when this was written; hosts
 * have documentation addresses (RFC 5737), since nothing may be sent to Amazon's from here. */
static const char *const fixed[] = {
    "example 900 SOA a.nic.example hostmaster.nic.example 1 1800 900 604800 900",
    "example 900 NS a.nic.example",
    "a.nic.example 900 A 192.0.2.53",
    "test 900 SOA a.nic.test hostmaster.nic.test 1 1800 900 604800 900",
    "test 900 NS a.nic.test",
    "a.nic.test 900 A 192.0.2.53",
    "amazonses.com 900 SOA ns1.amazonses.com hostmaster.amazon.com 1 7200 900 1209600 60",
    "amazonses.com 900 NS ns1.amazonses.com",
    "ns1.amazonses.com 900 A 192.0.2.53",
    "amazonses.com 900 TXT \"v=spf1 ip4:199.255.192.0/22 ip4:199.127.232.0/22 ip4:54.240.0.0/18 "
    "ip4:69.169.224.0/20 ip4:23.249.208.0/20 ip4:23.251.224.0/19 ip4:76.223.176.0/20 "
    "ip4:54.240.64.0/18\" \" ip4:76.223.128.0/19 ip4:216.221.160.0/19 ip4:206.55.144.0/20 "
    "ip4:24.110.64.0/18 -all\"",
    "amazonaws.com 900 SOA ns1.amazonaws.com hostmaster.amazon.com 1 7200 900 1209600 60",
    "amazonaws.com 900 NS ns1.amazonaws.com",
    "ns1.amazonaws.com 900 A 192.0.2.53",
};

static const char *const regions[] = {
    "af-south-1",    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2",    "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-5",
    "ca-central-1",  "ca-west-1",      "eu-central-1",   "eu-central-2",   "eu-north-1",
    "eu-south-1",    "eu-west-1",      "eu-west-2",      "eu-west-3",      "il-central-1",
    "me-central-1",  "me-south-1",     "sa-east-1",      "us-east-1",      "us-east-2",
    "us-gov-east-1", "us-gov-west-1",  "us-west-1",      "us-west-2",
};

bool sb_region_is_known(const char *region)
{
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        if (strcmp(region, regions[i]) == 0)
            return true;
    }
    return false;
}

static void add(struct sb_others *others, const char *const *lines, size_t count)
{
    struct sb_zone_change change = {.add = lines, .add_count = count};
    struct sv_errinfo info = {0};

    SV_REQUIRE(sb_zone_change(&others->zone, &change, &info) == SV_OK);
}

/* Where bounces go, and where a domain may let SES receive its mail. */
static void add_hosts(struct sb_others *others, const char *region)
{
    char bounces[128], inbound[128];
    const char *const lines[] = {bounces, inbound};

    (void)snprintf(bounces, sizeof bounces, "feedback-smtp.%s.amazonses.com 300 A 192.0.2.10",
                   region);
    (void)snprintf(inbound, sizeof inbound, "inbound-smtp.%s.amazonaws.com 300 A 192.0.2.25",
                   region);
    add(others, lines, 2);
}

void sb_others_init(struct sb_others *others, const struct sb_stores *stores)
{
    *others = (struct sb_others){.stores = stores};
    add(others, fixed, sizeof fixed / sizeof fixed[0]);
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++)
        add_hosts(others, regions[i]);
}

void sb_others_fini(struct sb_others *others)
{
    sb_zone_fini(&others->zone);
}

/* The identity behind whose aliases that name is; NULL for nobody's. */
static const struct sb_identity *holder_of(const struct sb_stores *stores, const char *token,
                                           const char *zone)
{
    const struct sb_identity *identity = sb_identity_of_token(stores, token);
    char own[SV_NAME_BYTES];

    if (identity == NULL)
        return NULL;
    sb_identity_zone(identity, own);
    return strcasecmp(own, zone) == 0 ? identity : NULL;
}

static ldns_rr *key_record(const struct sb_identity *identity, const char *owner)
{
    const char *key = sb_dkim_public_key(identity->key_bits, identity->rotation);
    char line[1200];
    struct sv_errinfo info = {0};
    size_t half = strlen(key) / 2;
    ldns_rr *record;

    (void)snprintf(line, sizeof line, "%s 1800 TXT \"p=%.*s\" \"%s\"", owner, (int)half, key,
                   key + half);
    record = sb_zone_parse_line(line, &info);
    SV_REQUIRE(record != NULL);
    return record;
}

ldns_rr *sb_others_dkim_key(const struct sb_others *others, const ldns_rdf *name)
{
    const uint8_t *label = ldns_rdf_data(name);
    char token[SB_TOKEN_BYTES] = "";
    char owner[SV_NAME_BYTES + 2];
    const struct sb_identity *identity;
    char *text;
    size_t len;

    if (label[0] != SB_TOKEN_BYTES - 1)
        return NULL;
    text = ldns_rdf2str(name);
    if (text == NULL)
        sv_out_of_memory("ldns");
    len = (size_t)snprintf(owner, sizeof owner, "%s", text);
    free(text);
    if (len <= SB_TOKEN_BYTES || len >= sizeof owner || owner[SB_TOKEN_BYTES - 1] != '.')
        return NULL; /* escapes: no token has any */
    owner[len - 1] = 0;
    for (size_t i = 0; i < SB_TOKEN_BYTES - 1; i++)
        token[i] = (char)(owner[i] >= 'A' && owner[i] <= 'Z' ? owner[i] - 'A' + 'a' : owner[i]);
    identity = holder_of(others->stores, token, owner + SB_TOKEN_BYTES);
    return identity == NULL ? NULL : key_record(identity, owner);
}
