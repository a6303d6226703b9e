/* The SPF record of the domain: one case per code, and what must not be called wrong. */
#include "scenario.h"

#define REST      DKIM_RIGHT DMARC_RIGHT
#define SPF(text) REST "client.com TXT " text "\n"
/* What SES's own record might say. */
#define SES     "amazonses.com TXT v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/25 -all\n"
#define LONG_40 "0123456789012345678901234567890123456789"
#define LONG_1K                                                                                    \
    LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40        \
        LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40    \
            LONG_40 LONG_40 LONG_40 LONG_40

static const struct scenario scenarios[] = {
    {.name = "case_and_other_records_do_not_matter",
     .dns =
         REST "client.com TXT MS=ms1234\nclient.com TXT V=SPF1  Include:AmazonSES.com.  -ALL  \n",
     .records = "ooooo"},
    {.name = "an_include_of_somebody_elses_is_followed",
     .dns = SPF("v=spf1 include:_spf.client.com -all") "_spf.client.com TXT v=spf1 "
                                                       "include:amazonses.com ?all\n",
     .records = "ooooo"},
    {.name = "a_redirect_is_followed",
     .dns =
         SPF("v=spf1 redirect=_spf.client.com") "_spf.client.com TXT v=spf1 include:two.client.com "
                                                "~all\n"
                                                "two.client.com TXT v=spf1 include:amazonses.com\n",
     .records = "ooooo"},
    {.name = "a_redirect_to_ses_itself",
     .dns = SPF("v=spf1 redirect=amazonses.com"),
     .records = "ooooo"},
    {.name = "includes_are_followed_as_deep_as_they_go",
     .dns = SPF(
         "v=spf1 include:a.client.com -all") "a.client.com TXT v=spf1 include:b.client.com -all\n"
                                             "b.client.com TXT v=spf1 include:c.client.com -all\n"
                                             "c.client.com TXT v=spf1 include:amazonses.com -all\n",
     .records = "ooooo",
     .flags = "spf=yes"},
    {.name = "spf_macro_unresolved",
     .dns = SPF("v=spf1 include:%{i}._ip.%{h}._ehlo.%{d}._spf.example.net ~all"),
     .records = "ooo?o",
     .findings = "info spf_macro_unresolved client.com "
                 "[include:%{i}._ip.%{h}._ehlo.%{d}._spf.example.net]\n",
     .flags = "spf=unknown"},
    {.name = "spf_macro_unresolved_but_ses_comes_first",
     .dns = SPF("v=spf1 include:amazonses.com exists:%{l}._spf.client.com ~all"),
     .records = "ooooo",
     .findings = "info spf_macro_unresolved client.com [exists:%{l}._spf.client.com]\n"},
    {.name = "a_macro_of_the_address_is_evaluated",
     .dns = SPF("v=spf1 exists:%{ir}._spf.client.com -all") SES
     "1.2.0.192._spf.client.com A 127.0.0.2\n"
     "0.2.0.192._spf.client.com A 127.0.0.2\n"
     "0.100.51.198._spf.client.com A 127.0.0.2\n",
     .records = "ooooo",
     .findings = "info spf_macro_unresolved client.com [exists:%{ir}._spf.client.com]\n"},
    {.name = "a_macro_of_the_address_that_refuses_one",
     .dns = SPF("v=spf1 exists:%{ir}._spf.client.com -all") SES
     "0.2.0.192._spf.client.com A 127.0.0.2\n",
     .records = "ooowo",
     .findings = "warning spf_ses_not_included client.com\n"
                 "info spf_macro_unresolved client.com\n"},
    {.name = "an_include_that_would_refuse_but_does_not_match",
     .dns = SPF(
         "v=spf1 -include:_spf.client.com include:amazonses.com ~all") "_spf.client.com TXT v=spf1 "
                                                                       "ip4:192.0.2.0/24 ~all\n",
     .records = "ooooo"},
    {.name = "an_include_that_refuses_decides",
     .dns = SPF(
         "v=spf1 -include:_spf.client.com include:amazonses.com ~all") "_spf.client.com TXT v=spf1 "
                                                                       "include:amazonses.com "
                                                                       "~all\n",
     .records = "ooowo",
     .findings = "warning spf_ses_not_included client.com\n"},
    {.name = "an_include_that_may_refuse_makes_it_unknown",
     .dns = SPF("v=spf1 -include:_spf.client.com include:amazonses.com ~all") "_spf.client.com "
                                                                              "TXT! never\n",
     .records = "ooo?o"},
    {.name = "spf_missing",
     .dns = REST "client.com TXT MS=ms1234\n",
     .records = "ooowo",
     .findings = "warning spf_missing client.com []\n",
     .expected = "v=spf1 include:amazonses.com ~all",
     .flags = "spf=no dmarc=yes bulk=yes"},
    {.name = "spf_multiple_records",
     .dns = SPF("v=spf1 include:_spf.google.com ip4:192.0.2.1 ~all") "client.com TXT v=spf1 "
                                                                     "include:amazonses.com "
                                                                     "ip4:192.0.2.1 -all\n",
     .records = "ooowo",
     .findings = "warning spf_multiple_records client.com [v=spf1 include:_spf.google.com "
                 "ip4:192.0.2.1 ~all, v=spf1 include:amazonses.com ip4:192.0.2.1 -all]\n",
     .expected = "v=spf1 include:_spf.google.com ip4:192.0.2.1 include:amazonses.com ~all"},
    {.name = "spf_multiple_records_are_merged_into_one_that_is_valid",
     .dns = SPF("v=spf1 redirect=_spf.example.net exp=a.client.com") "client.com TXT v=spf1 mx "
                                                                     "ipv4:192.0.2.1 "
                                                                     "exp=b.client.com ~all a\n",
     .records = "ooowo",
     .findings = "warning spf_multiple_records client.com\n",
     .expected = "v=spf1 include:_spf.example.net exp=a.client.com mx include:amazonses.com ~all"},
    {.name = "spf_version_malformed",
     .dns = SPF("v=spf1include:amazonses.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_version_malformed client.com [v=spf1include:amazonses.com ~all]\n",
     .expected = "v=spf1 include:amazonses.com ~all"},
    {.name = "spf_version_malformed_keeps_other_senders",
     .dns = SPF("v=spf2.0 include:_spf.google.com mx -all"),
     .records = "ooowo",
     .findings = "warning spf_version_malformed client.com\n",
     .expected = "v=spf1 include:_spf.google.com mx include:amazonses.com -all"},
    {.name = "spf_version_malformed_and_more",
     .dns = SPF("v=spf1; mx; -all"),
     .records = "ooowo",
     .findings = "warning spf_version_malformed client.com\n",
     .expected = "include:amazonses.com"},
    {.name = "a_macro_that_is_known_needs_no_message",
     .dns = SPF("v=spf1 exists:%{d}.lists.net include:amazonses.com ~all"),
     .records = "ooooo"},
    {.name = "spf_version_malformed_by_a_quote",
     .dns = SPF("\"v=spf1 include:amazonses.com ~all\""),
     .records = "ooowo",
     .findings = "warning spf_version_malformed client.com\n"},
    {.name = "spf_version_malformed_by_a_wide_blank",
     .dns = SPF("\xc2\xa0v=spf1 include:amazonses.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_version_malformed client.com "
                 "[\\194\\160v=spf1 include:amazonses.com ~all]\n"},
    {.name = "spf_version_malformed_by_a_typo",
     .dns = SPF("v=sfp1 include:amazonses.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_version_malformed client.com\n"},
    {.name = "a_malformed_one_beside_a_right_one_is_ignored",
     .dns = SPF("v=spf2.0 -all") SPF_RIGHT,
     .records = "ooooo"},
    {.name = "spf_ses_not_included",
     .dns = SPF("v=spf1 include:_spf.google.com mx ~all") "_spf.google.com TXT v=spf1 "
                                                          "ip4:192.0.2.0/24 ~all\n",
     .records = "ooowo",
     .findings = "warning spf_ses_not_included client.com "
                 "[v=spf1 include:_spf.google.com mx ~all]\n",
     .expected = "v=spf1 include:_spf.google.com mx include:amazonses.com ~all"},
    {.name = "spf_ses_not_included_but_half_a_record_is_never_advised",
     .dns = SPF("v=spf1 include:" LONG_40 ".example.net include:" LONG_40
                ".example.org include:" LONG_40 ".example.com include:" LONG_40
                ".example.info ~all") LONG_40
     ".example.net TXT v=spf1 -all\n" LONG_40 ".example.org TXT v=spf1 -all\n" LONG_40
     ".example.com TXT v=spf1 -all\n" LONG_40 ".example.info TXT v=spf1 -all\n",
     .records = "ooowo",
     .findings = "warning spf_ses_not_included client.com\n",
     .expected = "include:amazonses.com"},
    {.name = "spf_ses_after_all",
     .dns = SPF("v=spf1 mx ~all include:amazonses.com"),
     .records = "ooowo",
     .findings = "warning spf_ses_after_all client.com [v=spf1 mx ~all include:amazonses.com]\n",
     .expected = "v=spf1 mx include:amazonses.com ~all"},
    {.name = "spf_ses_wrong_qualifier",
     .dns = SPF("v=spf1 ~include:amazonses.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_ses_wrong_qualifier client.com [~include:amazonses.com]\n",
     .expected = "v=spf1 include:amazonses.com ~all"},
    {.name = "spf_ses_wrong_qualifier_comes_first",
     .dns = SPF("v=spf1 ?include:amazonses.com include:amazonses.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_ses_wrong_qualifier client.com\n"},
    {.name = "spf_ses_misspelled",
     .dns = SPF("v=spf1 include:amazonses.co ~all"),
     .records = "ooowo",
     .findings = "warning spf_ses_misspelled client.com [include:amazonses.co]\n",
     .expected = "v=spf1 include:amazonses.com ~all"},
    {.name = "spf_ses_misspelled_with_equals",
     .dns = SPF("v=spf1 include=amazonses.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_ses_misspelled client.com [include=amazonses.com]\n"},
    {.name = "spf_space_after_colon",
     .dns = SPF("v=spf1 include: amazonses.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_space_after_colon client.com [include: amazonses.com]\n",
     .expected = "include:amazonses.com"},
    {.name = "spf_ses_misspelled_with_a_hyphen",
     .dns = SPF("v=spf1 include:amazon-ses.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_ses_misspelled client.com\n"},
    {.name = "spf_all_permissive",
     .dns = SPF("v=spf1 include:amazonses.com +all"),
     .records = "ooowo",
     .findings = "warning spf_all_permissive client.com [+all]\n"},
    {.name = "spf_all_permissive_by_a_bare_all",
     .dns = SPF("v=spf1 all"),
     .records = "ooowo",
     .findings = "warning spf_all_permissive client.com [all]\n"},
    {.name = "spf_all_permissive_by_the_whole_range",
     .dns = SPF("v=spf1 ip4:0.0.0.0/0 include:amazonses.com -all"),
     .records = "ooowo",
     .findings = "warning spf_all_permissive client.com [ip4:0.0.0.0/0]\n"},
    {.name = "spf_all_missing",
     .dns = SPF("v=spf1 include:amazonses.com"),
     .records = "ooooo",
     .findings = "warning spf_all_missing client.com [v=spf1 include:amazonses.com]\n",
     .flags = "spf=yes"},
    {.name = "spf_temperror",
     .dns = SPF("v=spf1 include:_spf.example.net ~all") "_spf.example.net TXT! servfail\n",
     .records = "ooo?o",
     .findings = "temporary spf_temperror _spf.example.net\n",
     .flags = "spf=unknown"},
    {.name = "ranges_of_ses_that_are_too_long_to_keep_are_unknown",
     .dns =
         SPF("v=spf1 ip4:192.0.2.0/24 -all") "amazonses.com TXT v=spf1 ip4:192.0.2.0/24 x=" LONG_1K
             LONG_1K LONG_1K LONG_1K "\n",
     .records = "ooo?o"},
    {.name = "spf_temperror_of_a_host_behind_mx",
     .dns = SPF("v=spf1 mx include:amazonses.com ~all") SES "client.com MX 10 mail.client.com\n"
                                                            "mail.client.com A! timeout\n",
     .records = "ooo?o",
     .findings = "temporary spf_temperror mail.client.com\n"},
    {.name = "spf_temperror_of_an_address_of_version_6",
     .dns = SPF("v=spf1 a:relay.client.com -all") "amazonses.com TXT v=spf1 ip6:2001:db8::/32 "
                                                  "-all\nrelay.client.com A 203.0.113.1\n"
                                                  "relay.client.com AAAA! servfail\n",
     .records = "ooo?o",
     .findings = "temporary spf_temperror relay.client.com\n"},
    {.name = "spf_temperror_of_both_versions_is_one",
     .dns = SPF("v=spf1 a:relay.client.com -all") "amazonses.com TXT v=spf1 ip4:192.0.2.0/24 "
                                                  "ip6:2001:db8::/32 -all\n"
                                                  "relay.client.com A! timeout\n"
                                                  "relay.client.com AAAA! timeout\n",
     .records = "ooo?o",
     .findings = "temporary spf_temperror relay.client.com\n"},
    {.name = "spf_temperror_of_a_record_inside_of_that_of_ses",
     .dns = SPF("v=spf1 ip4:192.0.2.0/24 -all") "amazonses.com TXT v=spf1 "
                                                "include:part.amazonses.com -all\n"
                                                "part.amazonses.com TXT! servfail\n",
     .records = "ooo?o",
     .findings = "temporary spf_temperror part.amazonses.com\n"},
    {.name = "a_silent_host_that_nobody_asks_for_is_not_told",
     .dns = SPF("v=spf1 include:amazonses.com mx -all") "client.com MX 10 mail.client.com\n"
                                                        "mail.client.com A! timeout\n",
     .records = "ooooo"},
    {.name = "flattened_ranges_of_ses_are_fine",
     .dns = SPF("v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 ~all") SES,
     .records = "ooooo"},
    {.name = "flattened_ranges_before_a_broken_include_are_fine",
     .dns = SPF("v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 include:none.client.com ~all") SES,
     .records = "ooooo",
     .findings = "warning spf_include_no_record client.com [none.client.com]\n"},
    {.name = "flattened_ranges_that_miss_one_are_not",
     .dns = SPF("v=spf1 ip4:192.0.2.0/24 ~all") SES,
     .records = "ooowo",
     .findings = "warning spf_ses_not_included client.com [v=spf1 ip4:192.0.2.0/24 ~all]\n",
     .expected = "v=spf1 ip4:192.0.2.0/24 include:amazonses.com ~all"},
    {.name = "a_range_that_refuses_one_of_ses",
     .dns = SPF("v=spf1 -ip4:198.51.100.0/24 include:amazonses.com ~all") SES,
     .records = "ooowo",
     .findings = "warning spf_ses_not_included client.com\n"},
    {.name = "a_range_that_may_refuse_one_while_ses_is_silent",
     .dns = SPF("v=spf1 -ip4:198.51.100.0/24 include:amazonses.com ~all") "amazonses.com TXT! "
                                                                          "timeout\n",
     .records = "ooo?o",
     .findings = "temporary spf_temperror amazonses.com\n"},
    {.name = "ses_silent_does_not_matter_to_a_plain_include",
     .dns = SPF("v=spf1 mx include:amazonses.com ~all") "amazonses.com TXT! timeout\n"
                                                        "client.com MX 10 mail.client.com\n"
                                                        "mail.client.com A 203.0.113.1\n",
     .records = "ooooo"},
    {.name = "hosts_are_looked_up",
     .dns = SPF("v=spf1 a:relay.client.com mx ~all") SES "relay.client.com A 192.0.2.0\n"
                                                         "client.com MX 10 mail.client.com\n"
                                                         "mail.client.com A 198.51.100.0\n",
     .records = "ooooo"},
    {.name = "spf_chunk_gap",
     .dns = SPF("v=spf1 ip4:203.0.113.4include:amazonses.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_chunk_gap client.com [ip4:203.0.113.4include:amazonses.com]\n",
     .expected = "ip4:203.0.113.4 include:amazonses.com"},
    {.name = "spf_chunk_gap_before_all",
     .dns = SPF("v=spf1 include:amazonses.com~all"),
     .records = "ooowo",
     .findings = "warning spf_chunk_gap client.com [include:amazonses.com~all]\n",
     .expected = "include:amazonses.com ~all"},
    {.name = "spf_chunk_gap_that_the_grammar_does_not_see",
     .dns = SPF("v=spf1 include:_spf.example.netinclude:amazonses.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_chunk_gap client.com\n",
     .expected = "include:_spf.example.net include:amazonses.com"},
    {.name = "spf_ip_invalid",
     .dns = SPF("v=spf1 include:amazonses.com ip4:192.0.2.300 ~all"),
     .records = "ooowo",
     .findings = "warning spf_ip_invalid client.com [ip4:192.0.2.300]\n",
     .expected = "it is not an address"},
    {.name = "spf_ip_invalid_prefix",
     .dns = SPF("v=spf1 include:amazonses.com ip6:2001:db8::/129 ~all"),
     .records = "ooowo",
     .findings = "warning spf_ip_invalid client.com [ip6:2001:db8::/129]\n"},
    {.name = "spf_duplicate_modifier",
     .dns = SPF("v=spf1 include:amazonses.com exp=a.client.com exp=b.client.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_duplicate_modifier client.com [exp=]\n"},
    {.name = "spf_unknown_mechanism",
     .dns = SPF("v=spf1 include:amazonses.com ipv4:192.0.2.1 ~all"),
     .records = "ooowo",
     .findings = "warning spf_unknown_mechanism client.com [ipv4:192.0.2.1]\n"},
    {.name = "spf_syntax_error",
     .dns = SPF("v=spf1 include:amazonses.com a:museum ~all"),
     .records = "ooowo",
     .findings = "warning spf_syntax_error client.com [a:museum]\n",
     .expected = "it does not end in a domain name"},
    {.name = "spf_syntax_error_in_a_macro",
     .dns = SPF("v=spf1 include:amazonses.com exists:%(i).client.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_syntax_error client.com\n",
     .expected = "the macro is not valid"},
    {.name = "spf_redirect_ignored",
     .dns = SPF("v=spf1 include:amazonses.com ~all redirect=_spf.example.net"),
     .records = "ooooo",
     .findings = "warning spf_redirect_ignored client.com [redirect=_spf.example.net]\n"},
    {.name = "spf_ptr_used",
     .dns = SPF("v=spf1 include:amazonses.com ptr ~all"),
     .records = "ooooo",
     .findings = "warning spf_ptr_used client.com [ptr]\n"},
    {.name = "spf_too_large",
     .dns = SPF("v=spf1 include:amazonses.com x1=" LONG_40 " x2=" LONG_40 " x3=" LONG_40
                " x4=" LONG_40 " x5=" LONG_40 " x6=" LONG_40 " x7=" LONG_40 " x8=" LONG_40
                " x9=" LONG_40 " xa=" LONG_40 " ~all"),
     .records = "ooooo",
     .findings = "warning spf_too_large client.com\n"},
    {.name = "spf_type99",
     .dns = REST "client.com SPF v=spf1 include:amazonses.com ~all\n",
     .records = "ooowo",
     .findings = "warning spf_type99 client.com [v=spf1 include:amazonses.com ~all]\n",
     .expected = "v=spf1 include:amazonses.com ~all"},
    {.name = "spf_wrong_owner",
     .dns = REST "client.com.client.com TXT v=spf1 include:amazonses.com ~all\n",
     .records = "ooowo",
     .findings = "warning spf_wrong_owner client.com [client.com.client.com]\n"},
    {.name = "spf_wrong_owner_with_a_label",
     .dns = REST "spf.client.com TXT v=spf1 include:amazonses.com ~all\n",
     .records = "ooowo",
     .findings = "warning spf_wrong_owner client.com [spf.client.com]\n"},
    {.name = "spf_missing_and_a_wildcard_is_no_wrong_owner",
     .dns = REST "*.client.com TXT v=spf1 -all\n",
     .records = "ooowo",
     .findings = "warning spf_missing client.com []\n"},
};

int main(void)
{
    return scenarios_run("spf", scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
