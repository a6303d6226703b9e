/* What could not be found out is unknown, in every combination, and never wrong. */
#include "scenario.h"

#define REST    SPF_RIGHT DMARC_RIGHT
#define OWNER_1 "$1._domainkey.client.com"

static const struct scenario scenarios[] = {
    {.name = "nothing_answers",
     .told = TOLD_MAIL_FROM | TOLD_OWNERSHIP,
     .dns = "$1._domainkey.client.com CNAME! never\n$2._domainkey.client.com CNAME! never\n"
            "$3._domainkey.client.com CNAME! never\n_amazonses.client.com TXT! never\n"
            "mail.client.com MX! never\nmail.client.com TXT! never\n_dmarc.client.com TXT! never\n",
     .records = "???????",
     .flags = "required=unknown absent=no ttl=0 mail_from=unknown spf=unknown dmarc=unknown "
              "bulk=unknown"},
    {.name = "dns_servfail",
     .dns = REST "$1._domainkey.client.com CNAME! servfail\n"
                 "$2._domainkey.client.com CNAME! refused\n"
                 "$3._domainkey.client.com CNAME $3.$z\n",
     .records = "??ooo",
     .findings = "temporary dns_servfail " OWNER_1
                 " [$1._domainkey.client.com, $2._domainkey.client.com]\n",
     .flags = "required=unknown absent=no ttl=0 mail_from=unknown spf=yes dmarc=yes bulk=unknown"},
    {.name = "dns_servfail_of_lame_servers",
     .dns = DKIM_RIGHT SPF_RIGHT "_dmarc.client.com TXT! lame\n",
     .records = "oooo?",
     .findings = "temporary dns_servfail _dmarc.client.com\n"},
    {.name = "dns_servfail_of_an_odd_rcode",
     .dns = DKIM_RIGHT SPF_RIGHT "_dmarc.client.com TXT! other\n",
     .records = "oooo?",
     .findings = "temporary dns_servfail _dmarc.client.com\n"},
    {.name = "dns_servfail_of_an_alias_that_leads_elsewhere",
     .dns = DKIM_RIGHT SPF_RIGHT "_dmarc.client.com TXT! elsewhere\n",
     .records = "oooo?",
     .findings = "temporary dns_servfail _dmarc.client.com\n"},
    {.name = "dns_all_servers_unreachable",
     .dns = DKIM_RIGHT SPF_RIGHT "_dmarc.client.com TXT! timeout\n",
     .records = "oooo?",
     .findings = "temporary dns_all_servers_unreachable _dmarc.client.com\n",
     .flags = "dmarc=unknown bulk=unknown"},
    {.name = "dns_all_servers_unreachable_over_tcp_too",
     .dns = DKIM_RIGHT "client.com TXT! timeout\n_dmarc.client.com TXT! tcp\n",
     .records = "ooo??",
     .findings = "temporary dns_all_servers_unreachable client.com "
                 "[client.com, _dmarc.client.com]\n"},
    {.name = "dns_network_error",
     .dns = DKIM_RIGHT DMARC_RIGHT "client.com TXT! network\n",
     .records = "ooo?o",
     .findings = "temporary dns_network_error client.com\n"},
    {.name = "dns_all_servers_unreachable_says_the_resolver",
     .dns = DKIM_RIGHT DMARC_RIGHT "client.com TXT! ede22\n",
     .records = "ooo?o",
     .findings = "temporary dns_all_servers_unreachable client.com\n"},
    {.name = "dns_malformed_reply",
     .dns = DKIM_RIGHT DMARC_RIGHT "client.com TXT! malformed\n",
     .records = "ooo?o",
     .findings = "temporary dns_malformed_reply client.com\n"},
    {.name = "dns_cname_loop",
     .dns = DKIM_RIGHT SPF_RIGHT "_dmarc.client.com TXT! loop\n",
     .records = "oooo?",
     .findings = "error dns_cname_loop _dmarc.client.com\n"},
    {.name = "dns_cname_chain_too_long",
     .dns = DKIM_RIGHT SPF_RIGHT "_dmarc.client.com TXT! long\n",
     .records = "oooo?",
     .findings = "warning dns_cname_chain_too_long _dmarc.client.com\n"},
    {.name = "one_wrong_alias_is_enough_beside_unknown_ones",
     .dns = REST "$1._domainkey.client.com CNAME! never\n"
                 "$2._domainkey.client.com CNAME! never\n"
                 "$3._domainkey.client.com CNAME $3.dkim.amazonses.co\n",
     .records = "??woo",
     .findings = "error dkim_cname_target_typo $3._domainkey.client.com\n",
     .flags = "required=wrong absent=no ttl=300 mail_from=unknown spf=yes dmarc=yes bulk=no"},
    {.name = "absent_beside_unknown_is_not_absent",
     .dns = REST "$2._domainkey.client.com CNAME! never\n",
     .records = "w?woo",
     .findings = "error dkim_cname_missing " OWNER_1 "\n",
     .flags = "required=wrong absent=no ttl=900"},
    {.name = "right_beside_unknown_is_unknown",
     .dns = ALL_RIGHT "-$2._domainkey.client.com CNAME\n$2._domainkey.client.com CNAME! never\n",
     .records = "o?ooo",
     .flags = "required=unknown absent=no ttl=0"},
    {.name = "partial_beside_unknown",
     .dns = ALL_RIGHT "-$2._domainkey.client.com CNAME\n$2._domainkey.client.com CNAME! never\n"
                      "-$3._domainkey.client.com CNAME\n",
     .records = "o?woo",
     .findings = "error dkim_cname_partial $3._domainkey.client.com\n",
     .flags = "required=wrong"},
    {.name = "probes_that_fail_explain_nothing",
     .dns = REST "$1._domainkey.client.com.client.com CNAME! timeout\n"
                 "$1.domainkey.client.com CNAME! servfail\n$1.client.com CNAME! never\n"
                 "_domainkey.$1.client.com CNAME! timeout\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_missing " OWNER_1 "\n",
     .flags = "required=wrong absent=yes ttl=900 mail_from=unknown spf=yes dmarc=yes bulk=no "
              "open=012."},
    {.name = "findings_are_settled_when_all_probes_answer",
     .dns = "",
     .records = "wwwww",
     .findings = "error dkim_cname_missing " OWNER_1 "\nwarning spf_missing client.com\n"
                 "error dmarc_missing _dmarc.client.com\n",
     .flags = "bulk=no open=."},
    {.name = "a_probe_for_the_mx_that_fails_unsettles_what_rests_on_it",
     .told = TOLD_MAIL_FROM,
     .dns = DKIM_RIGHT DMARC_RIGHT MAIL_SPF "client.com MX! timeout\n",
     .records = "ooowoo",
     .findings = "error mailfrom_mx_missing mail.client.com\n",
     .flags = "bulk=unknown open=35."},
    {.name = "a_probe_for_dmarc_that_fails_unsettles_it_alone",
     .dns = DKIM_RIGHT SPF_RIGHT "_dmarc.client.com.client.com TXT! servfail\n",
     .records = "oooow",
     .findings = "error dmarc_missing _dmarc.client.com\n",
     .flags = "bulk=no open=4."},
    {.name = "owners_that_may_hold_another_type_are_not_absent",
     .dns = REST "$1._domainkey.client.com NS ns.example.net\n"
                 "$1._domainkey.client.com TXT! timeout\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_missing " OWNER_1 "\n",
     .flags = "required=wrong absent=no"},
    {.name = "an_address_whose_sibling_is_unknown_is_no_finding",
     .dns = REST "$1._domainkey.client.com A 192.0.2.1\n"
                 "sv7x2q9k4m1z8w3p6t5r._domainkey.client.com A! timeout\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_missing " OWNER_1 "\n"},
    {.name = "mail_from_mx_unknown",
     .told = TOLD_MAIL_FROM,
     .dns = DKIM_RIGHT DMARC_RIGHT MAIL_SPF "mail.client.com MX! never\n",
     .records = "ooo?oo",
     .flags = "mail_from=unknown spf=yes"},
    {.name = "mail_from_mx_unknown_but_spf_wrong",
     .told = TOLD_MAIL_FROM,
     .dns = DKIM_RIGHT DMARC_RIGHT "mail.client.com MX! never\n",
     .records = "ooo?wo",
     .findings = "error mailfrom_spf_missing mail.client.com\n",
     .flags = "mail_from=wrong spf=no dmarc=yes bulk=no"},
    {.name = "mail_from_spf_unknown",
     .told = TOLD_MAIL_FROM,
     .dns = DKIM_RIGHT DMARC_RIGHT MX_RIGHT "mail.client.com TXT! never\n",
     .records = "oooo?o",
     .flags = "mail_from=unknown spf=unknown dmarc=yes bulk=unknown"},
    {.name = "mail_from_alias_seen_by_one_question_only",
     .told = TOLD_MAIL_FROM,
     .dns = DKIM_RIGHT DMARC_RIGHT "mail.client.com CNAME mail.example.net\n"
                                   "mail.client.com MX! timeout\n",
     .records = "ooowwo",
     .findings = "error mailfrom_is_cname mail.client.com [mail.example.net]\n"},
    /* A receiver that gets no answer there ends in a temporary error (RFC 7208 section 5.2). */
    {.name = "an_include_unknown_before_a_right_one_is_unknown",
     .dns = DKIM_RIGHT DMARC_RIGHT
     "client.com TXT v=spf1 include:_spf.example.net include:amazonses.com ~all\n"
     "_spf.example.net TXT! servfail\n",
     .records = "ooo?o",
     .findings = "temporary spf_temperror _spf.example.net\n"},
    {.name = "an_include_unknown_behind_a_right_one_does_not_matter",
     .dns = DKIM_RIGHT DMARC_RIGHT
     "client.com TXT v=spf1 include:amazonses.com include:_spf.example.net ~all\n"
     "_spf.example.net TXT! servfail\n",
     .records = "ooooo"},
    {.name = "dmarc_of_the_zone_unknown",
     .domain = "news.client.com",
     .zone = "client.com",
     .dns = "news.client.com TXT v=spf1 include:amazonses.com ~all\n"
            "$1._domainkey.news.client.com CNAME $1.$z\n"
            "$2._domainkey.news.client.com CNAME $2.$z\n"
            "$3._domainkey.news.client.com CNAME $3.$z\n"
            "_dmarc.client.com TXT! timeout\n",
     .records = "oooo?",
     .findings = "temporary dns_all_servers_unreachable _dmarc.client.com\n",
     .flags = "dmarc=unknown bulk=unknown"},
    {.name = "bulk_is_no_when_one_is_definitely_wrong_and_the_rest_unknown",
     .dns = "$1._domainkey.client.com CNAME! never\n$2._domainkey.client.com CNAME! never\n"
            "$3._domainkey.client.com CNAME! never\nclient.com TXT! never\n",
     .records = "????w",
     .findings = "error dmarc_missing _dmarc.client.com\n",
     .flags = "dmarc=no bulk=no"},
};

int main(void)
{
    return scenarios_run("unknown", scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
