/* Delegation, servers and DNSSEC: every code of dns-auth section 10.1 that speaks of no record, and
 * what it hides (section 11). */
#include "scenario.h"

#define OWNER "$1._domainkey.client.com"
#define IDN   "xn--bro-hoa.client.com"
#define TYPED "b\\195\\188ro.client.com"
#define NS_1  "ns1.client.com"
#define NS_2  "ns2.client.com"
#define R_1   "192.0.2.1"
#define R_2   "192.0.2.2"
#define R_3   "192.0.2.3"
#define SILENT                                                                                     \
    OWNER " CNAME! timeout\n$2._domainkey.client.com CNAME! timeout\n"                             \
          "$3._domainkey.client.com CNAME! timeout\nclient.com TXT! timeout\n"                     \
          "_dmarc.client.com TXT! timeout\nclient.com MX! timeout\n"
#define BOGUS(more)                                                                                \
    OWNER " CNAME! bogus" more "\n$2._domainkey.client.com CNAME! bogus" more "\n"                 \
          "$3._domainkey.client.com CNAME! bogus" more "\nclient.com TXT! bogus" more "\n"         \
          "_dmarc.client.com TXT! bogus" more "\n"

static const struct sv_cut_host both[] = {{.host = NS_1, .at_parent = true, .at_child = true},
                                          {.host = NS_2, .at_parent = true, .at_child = true}};
static const struct sv_cut found = {.state = SV_CUT_FOUND,
                                    .zone = "client.com",
                                    .parent = "com",
                                    .child_listed = true,
                                    .hosts_count = 2,
                                    .hosts = both};
static const struct sv_cut nxdomain = {
    .state = SV_CUT_NXDOMAIN, .zone = "com", .parent = "com", .missing = "client.com"};
static const struct sv_cut_host registry_host[] = {
    {.host = "a.gtld-servers.net", .at_parent = true, .at_child = true}};
static const struct sv_cut undelegated = {
    .state = SV_CUT_FOUND, .zone = "com", .parent = "", .hosts_count = 1, .hosts = registry_host};
static const struct sv_cut_host parking[] = {
    {.host = "ns1.sedoparking.com", .at_parent = true, .at_child = true},
    {.host = "ns2.sedoparking.com", .at_parent = true, .at_child = true}};
static const struct sv_cut parked = {.state = SV_CUT_FOUND,
                                     .zone = "client.com",
                                     .parent = "com",
                                     .hosts_count = 2,
                                     .hosts = parking};
static const struct sv_cut_host differing[] = {
    {.host = NS_1, .at_parent = true, .at_child = true},
    {.host = "ns1.new.net", .at_parent = false, .at_child = true}};
static const struct sv_cut mismatch = {.state = SV_CUT_FOUND,
                                       .zone = "client.com",
                                       .parent = "com",
                                       .child_listed = true,
                                       .hosts_count = 2,
                                       .hosts = differing};
static const struct sv_cut_host inside[] = {
    {.host = NS_1, .at_parent = true, .at_child = true, .private_address = true}};
static const struct sv_cut private = {.state = SV_CUT_SILENT,
                                      .zone = "client.com",
                                      .parent = "com",
                                      .hosts_count = 1,
                                      .hosts = inside};
static const struct sv_cut_host nowhere[] = {
    {.host = NS_1, .at_parent = true, .without_address = true}};
static const struct sv_cut silent = {.state = SV_CUT_SILENT,
                                     .zone = "client.com",
                                     .parent = "com",
                                     .hosts_count = 1,
                                     .hosts = nowhere};
static const struct sv_cut_host provider[] = {
    {.host = "ns1.provider.net", .at_parent = true, .at_child = true}};
static const struct sv_cut subzone = {.state = SV_CUT_FOUND,
                                      .zone = "_domainkey.client.com",
                                      .parent = "client.com",
                                      .hosts_count = 1,
                                      .hosts = provider};

/* RFC 4034 section 5.4: a key and the DS record that stands for it. */
#define KEY_DOMAIN "dskey.example.com"
#define KEY                                                                                        \
    KEY_DOMAIN " DNSKEY "                                                                          \
               "0100030501039e8a247418e318903b215a848acfd5f37f026bd4062db26c774c690968d5d56df8bf"  \
               "da91e6f36d9a279888f41333357c5e6029990d10fdf5663062a512763326980a615ddbf17a05ddfc"  \
               "ce7e5fb3abcca05a31b0957452d4521e83870789063115bf97f6c308ccf57cdc9ce7fe10f6ed1bd0"  \
               "cc0660038c50dcdb0feb963c2f17\n"
#define DS        KEY_DOMAIN " DS ec4505012bb183af5f22588179a53b0a98631fad1a292118\n"
#define OTHER_DS  KEY_DOMAIN " DS ec4505012bb183af5f22588179a53b0a98631fad1a292119\n"
#define OTHER_TAG KEY_DOMAIN " DS ec4605012bb183af5f22588179a53b0a98631fad1a292118\n"

/* The signature of the TXT records: covered type, algorithm, labels, TTL, then its times. */
#define SIGNED(expiration, inception)                                                              \
    KEY_DOMAIN " RRSIG 0010050300000e10" expiration inception "ec4500\n"
#define NOW      1764288000000 /* 0x6928e600 s */
#define OCTOBER  "68dc6f00"
#define NOVEMBER "69054d80"
#define JANUARY  "6955b900"
#define FEBRUARY "697e9780"
#define KEY_RECORDS                                                                                \
    "$1._domainkey." KEY_DOMAIN " CNAME $1.$z\n$2._domainkey." KEY_DOMAIN " CNAME $2.$z\n"         \
    "$3._domainkey." KEY_DOMAIN " CNAME $3.$z\n" KEY_DOMAIN                                        \
    " TXT v=spf1 include:amazonses.com ~all\n" KEY_DOMAIN                                          \
    " MX 10 mx.example.net\n_dmarc." KEY_DOMAIN                                                    \
    " TXT v=DMARC1; p=quarantine; rua=mailto:a@" KEY_DOMAIN "\n"
#define TXT_BOGUS KEY_DOMAIN " TXT! bogus\n"

/* Mail for the domain goes to this address. */
#define MAIL_HOST(type_, address_, findings_)                                                      \
    {                                                                                              \
        .name = "mail_host_at_" address_,                                                          \
        .dns = ALL_RIGHT "client.com MX 10 mx.client.com\nmx.client.com " type_ " " address_ "\n", \
        .records = "ooooo", .findings = findings_                                                  \
    }
#define PRIVATE_MAIL_HOST(type_, address_)                                                         \
    MAIL_HOST(type_, address_, "error dns_private_answer mx.client.com [" address_ "]\n")
#define PUBLIC_MAIL_HOST(type_, address_) MAIL_HOST(type_, address_, "")

static const struct scenario scenarios[] = {
    {.name = "dns_domain_nxdomain",
     .dns = "",
     .cut = &nxdomain,
     .voices = {{.who = R_1}},
     .withheld = true,
     .records = "wwwww",
     .findings = "error dns_domain_nxdomain client.com\n",
     .flags = "hidden=4"},
    {.name = "dns_not_delegated",
     .dns = "",
     .cut = &undelegated,
     .voices = {{.who = "a.gtld-servers.net"}},
     .records = "wwwww",
     .findings = "error dns_not_delegated client.com [com]\n"},
    {.name = "dns_domain_parked",
     .dns = "*.client.com A 192.0.2.1\n",
     .cut = &parked,
     .voices = {{.who = "ns1.sedoparking.com"}, {.who = "ns2.sedoparking.com"}, {.who = R_1}},
     .records = "wwwww",
     .findings = "error dns_domain_parked client.com [ns1.sedoparking.com, ns2.sedoparking.com]\n"},
    {.name = "a_zone_at_a_parking_host_without_a_wildcard_is_not_parked",
     .dns = ALL_RIGHT,
     .cut = &parked,
     .voices = {{.who = "ns1.sedoparking.com"}, {.who = R_1}},
     .records = "ooooo"},
    {.name = "dns_lame_delegation",
     .dns = ALL_RIGHT,
     .cut = &found,
     .voices = {{.who = NS_1, .lame = true}, {.who = NS_2, .lame = true}, {.who = R_1}},
     .records = "?????",
     .findings = "error dns_lame_delegation client.com [" NS_1 ", " NS_2 "]\n"},
    {.name = "dns_partly_lame",
     .dns = ALL_RIGHT,
     .cut = &found,
     .voices = {{.who = NS_1}, {.who = NS_2, .lame = true}, {.who = R_1}},
     .records = "ooooo",
     .findings = "warning dns_partly_lame client.com [" NS_2 "]\n"},
    {.name = "dns_all_servers_unreachable_by_anybody",
     .dns = SILENT,
     .cut = &found,
     .voices = {{.who = NS_1}, {.who = NS_2}, {.who = R_1}},
     .records = "?????",
     .findings = "temporary dns_all_servers_unreachable client.com [" NS_1 ", " NS_2 "]\n"},
    {.name = "dns_all_servers_unreachable_without_an_address",
     .dns = ALL_RIGHT,
     .cut = &silent,
     .voices = {{.who = R_1}},
     .records = "?????",
     .findings = "temporary dns_all_servers_unreachable client.com [" NS_1 "]\n"},
    {.name = "dns_delegation_mismatch",
     .dns = ALL_RIGHT,
     .cut = &mismatch,
     .voices = {{.who = NS_1}, {.who = R_1}},
     .records = "ooooo",
     .findings = "warning dns_delegation_mismatch client.com [" NS_1 ", ns1.new.net]\n",
     .expected = NS_1},
    {.name = "dns_edited_at_old_provider",
     .dns = ALL_RIGHT,
     .cut = &mismatch,
     .voices = {{.who = NS_1, .dns = "-" OWNER " CNAME\n"},
                {.who = "ns1.new.net"},
                {.who = R_1, .dns = "-" OWNER " CNAME\n"}},
     .records = "woooo",
     .findings = "error dns_edited_at_old_provider " OWNER " [ns1.new.net]\n"
                 "warning dns_delegation_mismatch client.com\n",
     .expected = "$1.$z",
     .flags = "hidden=2"},
    {.name = "entered at a server that was named as a former one",
     .dns = ALL_RIGHT,
     .cut = &found,
     .voices = {{.who = NS_1, .dns = "-" OWNER " CNAME\n"},
                {.who = "192.0.2.77", .former = true},
                {.who = R_1, .dns = "-" OWNER " CNAME\n"}},
     .records = "woooo",
     .findings = "error dns_edited_at_old_provider " OWNER " [192.0.2.77]\n",
     .expected = "$1.$z",
     .flags = "hidden=2"},
    {.name = "a former server does not count: it lacks what the zone has, without authority",
     .dns = ALL_RIGHT,
     .cut = &found,
     .voices = {{.who = NS_1},
                {.who = "192.0.2.77", .former = true, .lame = true, .no_edns = true},
                {.who = "192.0.2.78", .former = true, .dns = "-" OWNER " CNAME\n"},
                {.who = R_1}},
     .records = "ooooo"},
    {.name = "a former server alone tells nothing",
     .dns = ALL_RIGHT,
     .voices = {{.who = "192.0.2.77", .former = true}},
     .records = "?????"},
    {.name = "dns_private_answer",
     .dns = ALL_RIGHT,
     .cut = &private,
     .voices = {{.who = R_1}},
     .records = "?????",
     .findings = "error dns_private_answer client.com [" NS_1 "]\n"},
    PRIVATE_MAIL_HOST("A", "0.0.0.0"),
    PUBLIC_MAIL_HOST("A", "1.0.0.1"),
    PRIVATE_MAIL_HOST("A", "10.0.0.1"),
    PRIVATE_MAIL_HOST("A", "100.64.0.1"),
    PRIVATE_MAIL_HOST("A", "100.127.255.254"),
    PUBLIC_MAIL_HOST("A", "100.128.0.1"),
    PUBLIC_MAIL_HOST("A", "100.63.0.1"),
    PRIVATE_MAIL_HOST("A", "127.0.0.1"),
    PRIVATE_MAIL_HOST("A", "169.254.1.1"),
    PRIVATE_MAIL_HOST("A", "172.16.0.1"),
    PRIVATE_MAIL_HOST("A", "172.31.255.1"),
    PUBLIC_MAIL_HOST("A", "172.32.0.1"),
    PUBLIC_MAIL_HOST("A", "172.15.0.1"),
    PRIVATE_MAIL_HOST("A", "192.168.1.1"),
    PUBLIC_MAIL_HOST("A", "192.169.1.1"),
    PRIVATE_MAIL_HOST("AAAA", "::1"),
    PRIVATE_MAIL_HOST("AAAA", "fd00::1"),
    PRIVATE_MAIL_HOST("AAAA", "fe80::1"),
    PUBLIC_MAIL_HOST("AAAA", "fec0::1"),
    PUBLIC_MAIL_HOST("AAAA", "fc::1"),
    PUBLIC_MAIL_HOST("AAAA", "2001:db8::1"),
    PRIVATE_MAIL_HOST("AAAA", "::ffff:a00:1"),
    {.name = "dns_private_answer_beside_a_public_address",
     .dns = ALL_RIGHT "client.com MX 10 mx.client.com\nmx.client.com A 192.0.2.7\n"
                      "mx.client.com AAAA fd12::7\n",
     .records = "ooooo",
     .findings = "error dns_private_answer mx.client.com [fd12::7]\n"},
    {.name = "dns_private_answer_of_the_second_mail_host",
     .dns = ALL_RIGHT "client.com MX 10 mx.client.com\nclient.com MX 20 mx2.client.com\n"
                      "mx.client.com A 192.0.2.7\nmx2.client.com A 10.0.0.7\n",
     .records = "ooooo",
     .findings = "error dns_private_answer mx2.client.com [10.0.0.7]\n"},
    {.name = "dns_edns_broken",
     .dns = ALL_RIGHT,
     .cut = &found,
     .voices = {{.who = NS_1, .no_edns = true}, {.who = NS_2}, {.who = R_1}},
     .records = "ooooo",
     .findings = "warning dns_edns_broken client.com [" NS_1 "]\n"},
    {.name = "dns_tcp_unavailable",
     .dns = ALL_RIGHT,
     .cut = &found,
     .voices = {{.who = NS_1, .dns = OWNER " CNAME! tcp\n", .no_tcp = true}, {.who = R_1}},
     .records = "?oooo",
     .findings = "error dns_tcp_unavailable client.com [" NS_1 "]\n"},
    {.name = "dns_malformed_reply_of_one_server",
     .dns = ALL_RIGHT,
     .cut = &found,
     .voices = {{.who = NS_1, .dns = OWNER " CNAME! malformed\n"}, {.who = NS_2}, {.who = R_1}},
     .records = "ooooo",
     .findings = "temporary dns_malformed_reply client.com [" NS_1 "]\n"},
    {.name = "dns_subzone_delegated",
     .dns = ALL_RIGHT,
     .cut = &subzone,
     .voices = {{.who = "ns1.provider.net"}, {.who = R_1}},
     .records = "ooooo",
     .findings = "info dns_subzone_delegated _domainkey.client.com [ns1.provider.net]\n"},
    {.name = "dns_answer_filtered",
     .dns = ALL_RIGHT,
     .voices = {{.who = R_1},
                {.who = R_2, .dns = "-client.com TXT\nclient.com TXT other\n", .ede = 18}},
     .records = "ooooo",
     .findings = "temporary dns_answer_filtered " OWNER " [192.0.2.2:53]\n"
                 "temporary dns_answer_filtered client.com [192.0.2.2:53]\n"
                 "temporary dns_answer_filtered _dmarc.client.com [192.0.2.2:53]\n"},
    {.name = "dns_stale_cache_says_the_resolver",
     .dns = ALL_RIGHT,
     .voices = {{.who = NS_1}, {.who = R_1, .ede = 4}},
     .records = "ooooo",
     .findings = "temporary dns_stale_cache " OWNER " [192.0.2.1:53]\n"
                 "temporary dns_stale_cache client.com [192.0.2.1:53]\n"
                 "temporary dns_stale_cache _dmarc.client.com [192.0.2.1:53]\n"},
    {.name = "dns_dnssec_unsupported",
     .dns = ALL_RIGHT,
     .voices = {{.who = NS_1}, {.who = R_1, .ede = 2}},
     .records = "ooooo",
     .findings = "info dns_dnssec_unsupported " OWNER "\n"},
    {.name = "dns_dnssec_bogus",
     .dns = ALL_RIGHT,
     .cut = &found,
     .voices = {{.who = NS_1}, {.who = R_1, .dns = BOGUS("")}, {.who = R_2, .dns = BOGUS("")}},
     .records = "wwwww",
     .findings = "error dns_dnssec_bogus client.com\n",
     .flags = "required=wrong absent=no"},
    {.name = "dns_dnssec_bogus_hides_what_seems_to_be_missing",
     .dns = "",
     .cut = &found,
     .voices = {{.who = R_1, .dns = BOGUS("")}, {.who = R_2, .dns = BOGUS("")}},
     .records = "wwwww",
     .findings = "error dns_dnssec_bogus client.com\n"},
    {.name = "dns_dnssec_bogus_for_one_of_two_resolvers_is_not_known",
     .dns = ALL_RIGHT,
     .cut = &found,
     .voices = {{.who = NS_1}, {.who = R_1, .dns = BOGUS("")}, {.who = R_2}},
     .records = "?????",
     .findings = "error dns_dnssec_bogus client.com\n"},
    {.name = "dns_dnssec_bogus_for_one_of_three_that_answered_is_not_known",
     .dns = ALL_RIGHT,
     .cut = &found,
     .voices = {{.who = NS_1},
                {.who = R_1, .dns = OWNER " CNAME! bogus\n"},
                {.who = R_2, .dns = OWNER " CNAME! timeout\n"},
                {.who = R_3, .dns = OWNER " CNAME! timeout\n"}},
     .records = "?oooo",
     .findings = "error dns_dnssec_bogus client.com\n",
     .flags = "required=unknown"},
    {.name = "dns_dnssec_expired",
     .dns = ALL_RIGHT,
     .cut = &found,
     .voices = {{.who = NS_1}, {.who = R_1, .dns = BOGUS(" ede7")}},
     .records = "wwwww",
     .findings = "error dns_dnssec_expired client.com\n"},
    {.name = "dns_dnssec_not_yet_valid",
     .dns = ALL_RIGHT,
     .cut = &found,
     .voices = {{.who = NS_1}, {.who = R_1, .dns = BOGUS(" ede8")}},
     .records = "wwwww",
     .findings = "error dns_dnssec_not_yet_valid client.com\n"},
    {.name = "dns_dnssec_ds_mismatch",
     .dns = ALL_RIGHT,
     .cut = &found,
     .voices = {{.who = NS_1}, {.who = R_1, .dns = BOGUS(" ede9")}},
     .records = "wwwww",
     .findings = "error dns_dnssec_ds_mismatch client.com\n"},
    {.name = "dns_dnssec_ds_mismatch_by_digest",
     .domain = KEY_DOMAIN,
     .zone = KEY_DOMAIN,
     .dns = KEY_RECORDS KEY OTHER_DS,
     .voices = {{.who = R_1, .dns = TXT_BOGUS, .at = NOW}},
     .records = "ooowo",
     .findings = "error dns_dnssec_ds_mismatch " KEY_DOMAIN "\n"},
    {.name = "dns_dnssec_ds_mismatch_by_tag",
     .domain = KEY_DOMAIN,
     .zone = KEY_DOMAIN,
     .dns = KEY_RECORDS KEY OTHER_TAG,
     .voices = {{.who = R_1, .dns = TXT_BOGUS, .at = NOW}},
     .records = "ooowo",
     .findings = "error dns_dnssec_ds_mismatch " KEY_DOMAIN "\n"},
    {.name = "dns_dnssec_ds_mismatch_without_a_key",
     .domain = KEY_DOMAIN,
     .zone = KEY_DOMAIN,
     .dns = KEY_RECORDS DS,
     .voices = {{.who = R_1, .dns = TXT_BOGUS, .at = NOW}},
     .records = "ooowo",
     .findings = "error dns_dnssec_ds_mismatch " KEY_DOMAIN "\n"},
    {.name = "dns_dnssec_bogus_though_key_and_ds_fit",
     .domain = KEY_DOMAIN,
     .zone = KEY_DOMAIN,
     .dns = KEY_RECORDS KEY DS SIGNED(JANUARY, NOVEMBER),
     .voices = {{.who = R_1, .dns = TXT_BOGUS, .at = NOW}},
     .records = "ooowo",
     .findings = "error dns_dnssec_bogus " KEY_DOMAIN "\n"},
    {.name = "dns_dnssec_expired_by_its_signature",
     .domain = KEY_DOMAIN,
     .zone = KEY_DOMAIN,
     .dns = KEY_RECORDS KEY DS SIGNED(NOVEMBER, OCTOBER),
     .voices = {{.who = R_1, .dns = TXT_BOGUS, .at = NOW}},
     .records = "ooowo",
     .findings = "error dns_dnssec_expired " KEY_DOMAIN "\n"},
    {.name = "dns_dnssec_not_yet_valid_by_its_signature",
     .domain = KEY_DOMAIN,
     .zone = KEY_DOMAIN,
     .dns = KEY_RECORDS KEY DS SIGNED(FEBRUARY, JANUARY),
     .voices = {{.who = R_1, .dns = TXT_BOGUS, .at = NOW}},
     .records = "ooowo",
     .findings = "error dns_dnssec_not_yet_valid " KEY_DOMAIN "\n"},
    {.name = "dns_ttl_too_long",
     .dns = ALL_RIGHT,
     .voices = {{.who = NS_1, .ttl_s = 172800}},
     .records = "ooooo",
     .findings = "info dns_ttl_too_long " OWNER "\n"},
    {.name = "dns_name_not_ascii",
     .dns = ALL_RIGHT "-" OWNER " CNAME\n" OWNER " CNAME m\\195\\188ller.example.net\n",
     .voices = {{.who = NS_1}, {.who = R_1}},
     .records = "woooo",
     .findings = "error dns_name_not_ascii " OWNER "\n",
     .expected = "xn--mller-kva.example.net",
     .flags = "hidden=2"},
    {.name = "dns_name_not_ascii_of_the_owners_in_the_zone_above",
     .domain = IDN,
     .zone = "client.com",
     .dns = IDN " TXT v=spf1 include:amazonses.com ~all\n_dmarc." IDN
                " TXT v=DMARC1; p=reject; rua=mailto:a@" IDN "\n" IDN " MX 10 mx." IDN "\nmx." IDN
                " A 192.0.2.9\n"
                "$1._domainkey." TYPED " CNAME $1.$z\n$2._domainkey." TYPED " CNAME $2.$z\n"
                "$3._domainkey." TYPED " CNAME $3.$z\n",
     .voices = {{.who = NS_1}, {.who = R_1}},
     .records = "wwwoo",
     .findings = "error dns_name_not_ascii $1._domainkey." IDN " [$1._domainkey." TYPED "]\n",
     .expected = "$1._domainkey." IDN},
    {.name = "dns_name_not_ascii_where_the_panel_added_the_zone",
     .domain = "xn--bro-hoa.com",
     .zone = "xn--bro-hoa.com",
     .dns = "xn--bro-hoa.com TXT v=spf1 include:amazonses.com ~all\n"
            "xn--bro-hoa.com MX 10 mx.example.net\n"
            "_dmarc.b\\195\\188ro.com.xn--bro-hoa.com TXT v=DMARC1; p=none\n"
            "$1._domainkey.xn--bro-hoa.com CNAME $1.$z\n"
            "$2._domainkey.xn--bro-hoa.com CNAME $2.$z\n"
            "$3._domainkey.xn--bro-hoa.com CNAME $3.$z\n",
     .voices = {{.who = NS_1}, {.who = R_1}},
     .records = "oooow",
     .findings = "error dns_name_not_ascii _dmarc.xn--bro-hoa.com "
                 "[_dmarc.b\\195\\188ro.com.xn--bro-hoa.com]\n",
     .expected = "_dmarc.xn--bro-hoa.com",
     .flags = "hidden=1"},
    {.name = "dns_cname_other_data",
     .dns = ALL_RIGHT "_dmarc.client.com CNAME dmarc.example.net\n",
     .voices = {{.who = NS_1}},
     .records = "ooooo",
     .findings = "error dns_cname_other_data _dmarc.client.com [TXT]\n"},
    {.name = "dns_wildcard_answer",
     .dns = SPF_RIGHT DMARC_RIGHT "*.client.com CNAME shop.example.net\n",
     .voices = {{.who = NS_1}, {.who = R_1}},
     .records = "wwwoo",
     .findings = "warning dns_wildcard_answer " OWNER " [shop.example.net]\n",
     .flags = "hidden=2"},
    {.name = "dns_network_error_by_extended_error",
     .dns = ALL_RIGHT,
     .voices = {{.who = R_1, .dns = "client.com TXT! ede23\n"}},
     .records = "ooo?o",
     .findings = "temporary dns_network_error client.com\n"},
    {.name = "dns_malformed_reply_by_extended_error",
     .dns = ALL_RIGHT,
     .voices = {{.who = R_1, .dns = "client.com TXT! ede24\n"}},
     .records = "ooo?o",
     .findings = "temporary dns_malformed_reply client.com\n"},
    {.name = "dns_servfail_from_the_cache",
     .dns = ALL_RIGHT,
     .voices = {{.who = R_1, .dns = "client.com TXT! ede13\n"}},
     .records = "ooo?o",
     .findings = "temporary dns_servfail client.com\n"},
    {.name = "dns_lame_delegation_by_extended_error_changes_no_verdict",
     .dns = ALL_RIGHT,
     .voices = {{.who = R_1, .dns = "client.com TXT! ede20\n"}},
     .records = "ooo?o",
     .findings = "error dns_lame_delegation client.com\n"},
};

int main(void)
{
    return scenarios_run("dns", scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
