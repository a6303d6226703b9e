/* The SPF record of the domain: one case per code, and what must not be called wrong. */
#include "scenario.h"

#define REST      DKIM_RIGHT DMARC_RIGHT
#define SPF(text) REST "client.com TXT " text "\n"
#define LONG_40   "0123456789012345678901234567890123456789"

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
    {.name = "deeper_than_we_look_is_unknown",
     .dns = SPF(
         "v=spf1 include:a.client.com -all") "a.client.com TXT v=spf1 include:b.client.com -all\n"
                                             "b.client.com TXT v=spf1 include:c.client.com -all\n"
                                             "c.client.com TXT v=spf1 include:amazonses.com -all\n",
     .records = "ooo?o",
     .flags = "spf=unknown"},
    {.name = "macros_are_unknown",
     .dns = SPF("v=spf1 include:%{i}._ip.%{h}._ehlo.%{d}._spf.example.net ~all"),
     .records = "ooo?o"},
    {.name = "an_include_that_loops_ends",
     .dns = SPF("v=spf1 include:client.com include:client.com include:client.com ~all"),
     .records = "ooo?o"},
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
    {.name = "spf_version_malformed",
     .dns = SPF("v=spf1include:amazonses.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_version_malformed client.com [v=spf1include:amazonses.com ~all]\n"},
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
     .expected = "include:amazonses.com"},
    {.name = "spf_ses_wrong_qualifier_comes_first",
     .dns = SPF("v=spf1 ?include:amazonses.com include:amazonses.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_ses_wrong_qualifier client.com\n"},
    {.name = "spf_ses_misspelled",
     .dns = SPF("v=spf1 include:amazonses.co ~all"),
     .records = "ooowo",
     .findings = "warning spf_ses_misspelled client.com [include:amazonses.co]\n",
     .expected = "include:amazonses.com"},
    {.name = "spf_ses_misspelled_with_equals",
     .dns = SPF("v=spf1 include=amazonses.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_ses_misspelled client.com [include=amazonses.com]\n"},
    {.name = "spf_ses_misspelled_with_a_blank",
     .dns = SPF("v=spf1 include: amazonses.com ~all"),
     .records = "ooowo",
     .findings = "warning spf_ses_misspelled client.com [amazonses.com]\n"},
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
};

int main(void)
{
    return scenarios_run("spf", scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
