/* The DMARC record: one case per code. */
#include "scenario.h"

#define REST   DKIM_RIGHT SPF_RIGHT
#define MAIL   DKIM_RIGHT MX_RIGHT MAIL_SPF
#define REPORT "; rua=mailto:a@client.com"
#define NEWS                                                                                       \
    "news.client.com TXT v=spf1 include:amazonses.com ~all\n"                                      \
    "$1._domainkey.news.client.com CNAME $1.$z\n"                                                  \
    "$2._domainkey.news.client.com CNAME $2.$z\n"                                                  \
    "$3._domainkey.news.client.com CNAME $3.$z\n"
#define DEFAULT_POLICY "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@client.com"
#define RECORD(text)   REST "_dmarc.client.com TXT " text "\n"
/* Where reports go to another organization that can receive them. */
#define ELSEWHERE "reports.example.net MX 10 mx.example.net\n"

static const struct scenario records[] = {
    {.name = "blanks_case_and_other_records_do_not_matter",
     .dns = REST "_dmarc.client.com TXT some=thing\n"
                 "_dmarc.client.com TXT v = DMARC1 ;P=Reject" REPORT ";\n",
     .records = "ooooo",
     .flags = "dmarc=yes"},
    {.name = "an_alias_to_the_record_is_fine",
     .dns = REST "_dmarc.client.com CNAME dmarc.example.net\n"
                 "dmarc.example.net TXT v=DMARC1; p=reject" REPORT "\n",
     .records = "ooooo"},
    {.name = "dmarc_multiple_records",
     .dns = REST DMARC_RIGHT "_dmarc.client.com TXT v=DMARC1; p=none\n",
     .records = "oooow",
     .findings = "error dmarc_multiple_records _dmarc.client.com\n",
     .flags = "dmarc=no bulk=no"},
    {.name = "dmarc_multiple_records_in_the_zone",
     .domain = "news.client.com",
     .zone = "client.com",
     .dns = NEWS DMARC_RIGHT "_dmarc.client.com TXT v=DMARC1; p=none\n",
     .records = "oooow",
     .findings = "error dmarc_multiple_records _dmarc.client.com\n"},
    {.name = "dmarc_version_malformed",
     .dns = RECORD("v=dmarc1; p=none"),
     .records = "oooow",
     .findings = "error dmarc_version_malformed _dmarc.client.com [v=dmarc1; p=none]\n",
     .expected = DEFAULT_POLICY},
    {.name = "dmarc_version_malformed_not_first",
     .dns = RECORD("p=none; v=DMARC1"),
     .records = "oooow",
     .findings = "error dmarc_version_malformed _dmarc.client.com\n"},
    {.name = "dmarc_version_malformed_not_there",
     .dns = RECORD("p=reject; rua=mailto:a@client.com"),
     .records = "oooow",
     .findings = "error dmarc_version_malformed _dmarc.client.com\n"},
    {.name = "dmarc_version_malformed_without_semicolon",
     .dns = RECORD("v=DMARC1 p=none"),
     .records = "oooow",
     .findings = "error dmarc_version_malformed _dmarc.client.com\n"},
    {.name = "dmarc_version_malformed_by_quotes",
     .dns = RECORD("\"v=DMARC1; p=none\""),
     .records = "oooow",
     .findings = "error dmarc_version_malformed _dmarc.client.com\n"},
    {.name = "dmarc_version_malformed_in_the_zone",
     .domain = "news.client.com",
     .zone = "client.com",
     .dns = NEWS "_dmarc.client.com TXT v=DMARC2; p=none\n",
     .records = "oooow",
     .findings = "error dmarc_version_malformed _dmarc.client.com\n"},
    {.name = "dmarc_tag_syntax_commas_as_separators",
     .dns = RECORD("v=DMARC1; p=none, rua=mailto:a@client.com"),
     .records = "oooow",
     .findings = "warning dmarc_tag_syntax _dmarc.client.com [p=none, rua=mailto:a@client.com]\n"},
    {.name = "dmarc_tag_syntax_semicolon_lost",
     .dns = RECORD("v=DMARC1; p=none; rua=mailto:a@client.com fo=1"),
     .records = "ooooo",
     .findings = "warning dmarc_tag_syntax _dmarc.client.com [rua=mailto:a@client.com fo=1]\n"
                 "info dmarc_policy_none _dmarc.client.com\n"},
    {.name = "dmarc_tag_syntax_repeated_tag_makes_it_invalid",
     .dns = RECORD("v=DMARC1; p=none" REPORT "; p=reject"),
     .records = "oooow",
     .findings = "warning dmarc_tag_syntax _dmarc.client.com [p=reject]\n",
     .flags = "dmarc=no bulk=no"},
    {.name = "dmarc_tag_syntax_without_equals",
     .dns = RECORD("v=DMARC1; p:reject" REPORT),
     .records = "ooooo",
     .findings = "warning dmarc_tag_syntax _dmarc.client.com [p:reject]\n"},
    {.name = "dmarc_tag_syntax_odd_quotes",
     .dns = RECORD("v=DMARC1; p=\"reject\"" REPORT),
     .records = "oooow",
     .findings = "warning dmarc_tag_syntax _dmarc.client.com [p=\"reject\"]\n"},
    {.name = "dmarc_tag_syntax_value_of_no_standard",
     .dns = RECORD("v=DMARC1; p=reject; adkim=relaxed" REPORT),
     .records = "ooooo",
     .findings = "warning dmarc_tag_syntax _dmarc.client.com [adkim=relaxed]\n"},
    {.name = "dmarc_policy_missing_without_reports",
     .dns = RECORD("v=DMARC1;"),
     .records = "oooow",
     .findings = "warning dmarc_policy_missing _dmarc.client.com [v=DMARC1;]\n"
                 "warning dmarc_rua_missing _dmarc.client.com\n",
     .flags = "dmarc=no bulk=no"},
    {.name = "dmarc_policy_missing_with_reports",
     .dns = RECORD("v=DMARC1; rua=mailto:a@client.com"),
     .records = "ooooo",
     .findings = "warning dmarc_policy_missing _dmarc.client.com\n",
     .flags = "dmarc=yes bulk=yes"},
    {.name = "dmarc_policy_invalid",
     .dns = RECORD("v=DMARC1; p=block" REPORT),
     .records = "oooow",
     .findings = "error dmarc_policy_invalid _dmarc.client.com [block]\n"},
    {.name = "dmarc_policy_invalid_below",
     .dns = RECORD("v=DMARC1; p=reject; sp=all" REPORT),
     .records = "oooow",
     .findings = "error dmarc_policy_invalid _dmarc.client.com [sp=all]\n"},
    {.name = "dmarc_policy_none",
     .dns = RECORD("v=DMARC1; p=none" REPORT),
     .records = "ooooo",
     .findings = "info dmarc_policy_none _dmarc.client.com [none]\n",
     .flags = "dmarc=yes bulk=yes"},
    {.name = "dmarc_test_mode",
     .dns = RECORD("v=DMARC1; p=reject; t=y" REPORT),
     .records = "ooooo",
     .findings = "info dmarc_test_mode _dmarc.client.com [t=y]\n"},
    {.name = "dmarc_sp_weaker",
     .dns = RECORD("v=DMARC1; p=reject; sp=none" REPORT),
     .records = "ooooo",
     .findings = "warning dmarc_sp_weaker _dmarc.client.com [sp=none]\n",
     .expected = "reject"},
    {.name = "dmarc_sp_weaker_np_too",
     .dns = RECORD("v=DMARC1; p=reject; sp=quarantine; np=none" REPORT),
     .records = "ooooo",
     .findings = "warning dmarc_sp_weaker _dmarc.client.com [sp=quarantine, np=none]\n"},
    {.name = "stricter_below_is_fine",
     .dns = RECORD("v=DMARC1; p=quarantine; sp=reject; np=reject" REPORT),
     .records = "ooooo"},
    {.name = "dmarc_deprecated_tag",
     .dns = RECORD("v=DMARC1; p=reject; pct=100; ri=86400; rua=mailto:a@client.com!10m"),
     .records = "ooooo",
     .findings = "info dmarc_deprecated_tag _dmarc.client.com [pct, ri, !10m]\n"},
    {.name = "dmarc_unknown_tag",
     .dns = RECORD("v=DMARC1; p=reject; sub=none; x-foo=bar" REPORT),
     .records = "ooooo",
     .findings = "info dmarc_unknown_tag _dmarc.client.com [sub, x-foo]\n"},
    {.name = "dmarc_order_legacy",
     .dns = RECORD("v=DMARC1; sp=reject; p=reject" REPORT),
     .records = "ooooo",
     .findings = "info dmarc_order_legacy _dmarc.client.com\n"},
    {.name = "dmarc_psd_flag",
     .dns = RECORD("v=DMARC1; p=reject; psd=y" REPORT),
     .records = "ooooo",
     .findings = "error dmarc_psd_flag _dmarc.client.com [psd=y]\n"},
    {.name = "dmarc_psd_flag_in_the_zone",
     .domain = "news.client.com",
     .dns = NEWS "_dmarc.client.com TXT v=DMARC1; p=reject; psd=y" REPORT "\n"
                 "client.com._report._dmarc.client.com TXT v=DMARC1\n",
     .records = "ooooo",
     .findings = "error dmarc_psd_flag _dmarc.client.com [psd=y]\n"
                 "info dmarc_inherited _dmarc.news.client.com [_dmarc.client.com]\n"},
    {.name = "a_registry_may_say_psd_y",
     .domain = "client.com",
     .dns = REST DMARC_RIGHT "_dmarc.com TXT v=DMARC1; p=none; psd=y\n",
     .records = "ooooo"},
};

static const struct scenario owners[] = {
    {.name = "dmarc_missing",
     .dns = REST,
     .records = "oooow",
     .findings = "error dmarc_missing _dmarc.client.com []\n",
     .expected = DEFAULT_POLICY,
     .flags = "spf=yes dmarc=no bulk=no"},
    {.name = "dmarc_missing_in_the_zone_too",
     .domain = "news.client.com",
     .zone = "client.com",
     .dns = NEWS,
     .records = "oooow",
     .findings = "error dmarc_missing _dmarc.news.client.com []\n"},
    {.name = "nothing_is_missing_while_the_registry_is_silent",
     .dns = REST "_dmarc.com TXT! timeout\n",
     .records = "oooo?",
     .findings = "temporary dns_all_servers_unreachable _dmarc.com\n",
     .flags = "dmarc=unknown bulk=unknown"},
    {.name = "dmarc_inherited",
     .domain = "news.client.com",
     .zone = "client.com",
     .dns = NEWS DMARC_RIGHT,
     .records = "ooooo",
     .findings = "info dmarc_inherited _dmarc.news.client.com [_dmarc.client.com]\n",
     .flags = "dmarc=yes bulk=yes"},
    {.name = "dmarc_inherited_from_the_registry",
     .dns = REST "_dmarc.com TXT v=DMARC1; p=reject; psd=y; rua=mailto:a@com.example\n"
                 "com._report._dmarc.com.example TXT v=DMARC1\n"
                 "com.example MX 10 mx.com.example\n",
     .records = "ooooo",
     .findings = "warning dmarc_receivers_differ _dmarc.client.com "
                 "[by RFC 9989 the policy is reject from _dmarc.com, by RFC 7489 absent]\n"
                 "info dmarc_inherited _dmarc.client.com [_dmarc.com]\n",
     .expected = "v=DMARC1; p=reject; rua=mailto:a@com.example"},
    {.name = "dmarc_wrong_owner",
     .dns = REST "client.com TXT v=DMARC1; p=reject\n",
     .records = "oooow",
     .findings = "error dmarc_wrong_owner _dmarc.client.com [client.com]\n"},
    {.name = "dmarc_wrong_owner_without_its_underscore",
     .dns = REST "dmarc.client.com TXT v=DMARC1; p=reject\n",
     .records = "oooow",
     .findings = "error dmarc_wrong_owner _dmarc.client.com [dmarc.client.com]\n"},
    {.name = "dmarc_wrong_owner_with_a_doubled_suffix",
     .dns = REST "_dmarc.client.com.client.com TXT v=DMARC1; p=reject\n",
     .records = "oooow",
     .findings = "error dmarc_wrong_owner _dmarc.client.com [_dmarc.client.com.client.com]\n"},
    {.name = "dmarc_wrong_owner_is_found_beside_a_custom_mail_from",
     .told = TOLD_MAIL_FROM,
     .dns = MAIL "client.com TXT v=DMARC1; p=reject\n",
     .records = "ooooow",
     .findings = "error dmarc_wrong_owner _dmarc.client.com [client.com]\n"},
    {.name = "dmarc_org_domain_split",
     .told = TOLD_MAIL_FROM,
     .dns = MAIL "_dmarc.mail.client.com TXT v=DMARC1; p=reject" REPORT "\n",
     .records = "ooooow",
     .findings = "error dmarc_missing _dmarc.client.com []\n"
                 "warning dmarc_org_domain_split _dmarc.client.com [mail.client.com]\n"},
    {.name = "dmarc_org_domain_split_by_a_flag_of_the_envelope_domain",
     .told = TOLD_MAIL_FROM,
     .dns = MAIL DMARC_RIGHT "_dmarc.mail.client.com TXT v=DMARC1; p=reject; psd=n" REPORT "\n",
     .records = "oooooo",
     .findings = "warning dmarc_org_domain_split _dmarc.mail.client.com [mail.client.com]\n",
     .expected = "v=DMARC1; p=reject" REPORT},
    {.name = "dmarc_org_domain_split_by_a_flag_of_the_subdomain",
     .domain = "news.client.com",
     .dns = NEWS DMARC_RIGHT
     "_dmarc.news.client.com TXT v=DMARC1; p=reject; psd=n; rua=mailto:a@news.client.com\n",
     .records = "ooooo",
     .findings = "warning dmarc_org_domain_split _dmarc.news.client.com [news.client.com]\n"},
    {.name = "a_record_of_a_subdomain_alone_is_no_split",
     .domain = "news.client.com",
     .dns = NEWS "_dmarc.news.client.com TXT v=DMARC1; p=reject; rua=mailto:a@news.client.com\n",
     .records = "ooooo"},
};

static const struct scenario reports[] = {
    {.name = "dmarc_rua_missing",
     .dns = RECORD("v=DMARC1; p=reject"),
     .records = "ooooo",
     .findings = "warning dmarc_rua_missing _dmarc.client.com [v=DMARC1; p=reject]\n"},
    {.name = "dmarc_rua_invalid",
     .dns = RECORD("v=DMARC1; p=reject; rua=a@client.com"),
     .records = "ooooo",
     .findings = "warning dmarc_rua_invalid _dmarc.client.com [a@client.com]\n"},
    {.name = "dmarc_rua_invalid_second_without_mailto",
     .dns = RECORD("v=DMARC1; p=reject; rua=mailto:a@client.com,b@client.com"),
     .records = "ooooo",
     .findings = "warning dmarc_rua_invalid _dmarc.client.com [b@client.com]\n"},
    {.name = "dmarc_rua_invalid_unescaped_mark",
     .dns = RECORD("v=DMARC1; p=reject; rua=mailto:a!b@client.com"),
     .records = "ooooo",
     .findings = "warning dmarc_rua_invalid _dmarc.client.com [mailto:a!b@client.com]\n"},
    {.name = "dmarc_rua_invalid_scheme_that_nobody_has_to_support",
     .dns = RECORD("v=DMARC1; p=reject; rua=https://client.com/dmarc"),
     .records = "ooooo",
     .findings = "warning dmarc_rua_invalid _dmarc.client.com [https://client.com/dmarc]\n"},
    {.name = "an_escaped_mark_is_fine",
     .dns = RECORD("v=DMARC1; p=reject; rua=mailto:a%21b@client.com"),
     .records = "ooooo"},
    {.name = "dmarc_rua_not_authorized",
     .dns = RECORD("v=DMARC1; p=reject; rua=mailto:a@reports.example.net") ELSEWHERE,
     .records = "ooooo",
     .findings = "warning dmarc_rua_not_authorized client.com._report._dmarc.reports.example.net "
                 "[reports.example.net]\n",
     .expected = "v=DMARC1"},
    {.name = "a_target_that_agrees_is_fine",
     .dns = RECORD("v=DMARC1; p=reject; rua=mailto:a@reports.example.net") ELSEWHERE
     "client.com._report._dmarc.reports.example.net TXT v=DMARC1;\n",
     .records = "ooooo"},
    {.name = "a_target_that_agrees_to_all_is_fine",
     .dns = RECORD("v=DMARC1; p=reject; rua=mailto:a@reports.example.net") ELSEWHERE
     "*._report._dmarc.reports.example.net TXT v=DMARC1\n",
     .records = "ooooo"},
    {.name = "a_target_in_the_organization_needs_no_consent",
     .dns = RECORD(
         "v=DMARC1; p=reject; rua=mailto:a@reports.client.com") "reports.client.com A 192.0.2.1\n",
     .records = "ooooo"},
    {.name = "a_target_that_does_not_answer_is_not_accused",
     .dns = RECORD("v=DMARC1; p=reject; rua=mailto:a@reports.example.net") "client.com._report._"
                                                                           "dmarc.reports.example."
                                                                           "net TXT! timeout\n"
                                                                           "reports.example.net "
                                                                           "MX! servfail\n",
     .records = "ooooo",
     .flags = "open=4."},
    {.name = "dmarc_rua_undeliverable",
     .dns = RECORD(
         "v=DMARC1; p=reject; rua=mailto:a@reports.client.com") "reports.client.com TXT nothing\n",
     .records = "ooooo",
     .findings = "warning dmarc_rua_undeliverable _dmarc.client.com [reports.client.com]\n"},
    {.name = "dmarc_rua_undeliverable_null_mx",
     .dns = RECORD("v=DMARC1; p=reject; rua=mailto:a@reports.client.com") "reports.client.com MX 0 "
                                                                          ".\nreports.client.com A "
                                                                          "192.0.2.1\n",
     .records = "ooooo",
     .findings = "warning dmarc_rua_undeliverable _dmarc.client.com [reports.client.com]\n"},
    {.name = "an_ipv6_address_alone_takes_reports",
     .dns = RECORD("v=DMARC1; p=reject; rua=mailto:a@reports.client.com") "reports.client.com AAAA "
                                                                          "2001:db8::1\n",
     .records = "ooooo"},
};

static const struct scenario results[] = {
    {.name = "dmarc_strict_spf",
     .told = TOLD_MAIL_FROM,
     .dns = MAIL "_dmarc.client.com TXT v=DMARC1; p=reject; aspf=s" REPORT "\n",
     .records = "oooooo",
     .findings = "warning dmarc_strict_spf _dmarc.client.com [mail.client.com]\n",
     .flags = "bulk=yes"},
    {.name = "a_strict_mode_of_spf_does_not_matter_without_a_custom_mail_from",
     .dns = RECORD("v=DMARC1; p=reject; aspf=s" REPORT),
     .records = "ooooo"},
    {.name = "dmarc_strict_dkim",
     .dns = RECORD("v=DMARC1; p=reject; adkim=s" REPORT),
     .records = "ooooo",
     .findings = "warning dmarc_strict_dkim _dmarc.client.com [client.com]\n"},
    {.name = "dmarc_no_aligned_identifier",
     .told = TOLD_OWNERSHIP | TOLD_NO_TOKENS,
     .dns = SPF_RIGHT DMARC_RIGHT "_amazonses.client.com TXT ownershipTOKEN=\n",
     .records = "ooo",
     .findings = "error dmarc_no_aligned_identifier client.com [there is no DKIM signature, and "
                 "without a custom MAIL FROM domain SPF passes for a domain of Amazon SES]\n",
     .flags = "bulk=no"},
    {.name = "dmarc_no_aligned_identifier_in_strict_mode",
     .told = TOLD_OWNERSHIP | TOLD_NO_TOKENS | TOLD_MAIL_FROM,
     .dns = MX_RIGHT MAIL_SPF "_amazonses.client.com TXT ownershipTOKEN=\n"
                              "_dmarc.client.com TXT v=DMARC1; p=reject; aspf=s" REPORT "\n",
     .records = "oooo",
     .findings = "error dmarc_no_aligned_identifier client.com\n"
                 "warning dmarc_strict_spf _dmarc.client.com [mail.client.com]\n"},
    {.name = "a_custom_mail_from_alone_is_aligned",
     .told = TOLD_OWNERSHIP | TOLD_NO_TOKENS | TOLD_MAIL_FROM,
     .dns = MX_RIGHT MAIL_SPF DMARC_RIGHT "_amazonses.client.com TXT ownershipTOKEN=\n",
     .records = "oooo"},
    {.name = "dmarc_receivers_differ",
     .domain = "a.news.client.com",
     .dns = "_dmarc.news.client.com TXT v=DMARC1; p=reject; sp=quarantine; "
            "rua=mailto:a@news.client.com\n"
            "a.news.client.com A 192.0.2.1\n",
     .told = TOLD_NO_TOKENS,
     .records = "wo",
     .findings = "warning spf_missing a.news.client.com\n"
                 "warning dmarc_receivers_differ _dmarc.a.news.client.com [by RFC 9989 the policy "
                 "is quarantine from _dmarc.news.client.com, by RFC 7489 absent]\n"
                 "warning dmarc_sp_weaker _dmarc.news.client.com\n"
                 "info dmarc_inherited _dmarc.a.news.client.com [_dmarc.news.client.com]\n"},
    {.name = "dmarc_receivers_differ_by_a_share",
     .dns = RECORD("v=DMARC1; p=reject; pct=25" REPORT),
     .records = "ooooo",
     .findings = "warning dmarc_receivers_differ _dmarc.client.com [by RFC 9989 reject applies to "
                 "all messages, by RFC 7489 to 25 % of them]\n"
                 "info dmarc_deprecated_tag _dmarc.client.com [pct]\n",
     .expected = "v=DMARC1; p=reject" REPORT},
    {.name = "pct_0_and_t_y_mean_the_same",
     .dns = RECORD("v=DMARC1; p=reject; pct=0; t=y" REPORT),
     .records = "ooooo",
     .findings = "info dmarc_test_mode _dmarc.client.com [t=y]\n"
                 "info dmarc_deprecated_tag _dmarc.client.com [pct]\n"},
    {.name = "from_domain_cannot_receive",
     .dns = REST DMARC_RIGHT "client.com MX 0 .\n",
     .records = "ooooo",
     .findings = "warning from_domain_cannot_receive client.com [null MX]\n",
     .flags = "bulk=no"},
    {.name = "from_domain_cannot_receive_without_mx_and_address",
     .dns = RECORD(
         "v=DMARC1; p=reject; rua=mailto:a@reports.client.com") "reports.client.com A "
                                                                "192.0.2.1\n-client.com MX\n",
     .records = "ooooo",
     .findings = "warning from_domain_cannot_receive client.com [neither MX nor address]\n",
     .flags = "bulk=no"},
    {.name = "an_address_alone_receives_mail",
     .dns = REST DMARC_RIGHT "client.com A 192.0.2.1\n",
     .records = "ooooo",
     .flags = "bulk=yes"},
};

#define NS_1      "ns1.client.com"
#define NS_2      "ns2.client.com"
#define R_1       "192.0.2.101"
#define NO_RECORD "-_dmarc.client.com TXT\n"

/* What caches and servers say that are not of one mind. */
static const struct scenario views[] = {
    {.name = "any_valid_record_in_a_cache_is_right",
     .dns = REST DMARC_RIGHT,
     .voices = {{.who = NS_1},
                {.who = R_1, .dns = NO_RECORD "_dmarc.client.com TXT v = DMARC1; p=none\n"}},
     .records = "ooooo"},
    {.name = "a_cache_with_a_record_that_does_not_apply_has_to_forget_it",
     .dns = REST DMARC_RIGHT,
     .voices = {{.who = NS_1},
                {.who = R_1, .dns = NO_RECORD "_dmarc.client.com TXT v=DMARC1; p=block\n"}},
     .records = "ooooW",
     .findings = "temporary dns_stale_cache _dmarc.client.com\n"},
    {.name = "a_cache_that_remembers_no_record_has_to_forget_that",
     .dns = REST DMARC_RIGHT,
     .voices = {{.who = NS_1}, {.who = R_1, .dns = NO_RECORD}},
     .records = "ooooW",
     .findings = "temporary dns_negative_cached _dmarc.client.com\n"},
    {.name = "two_ways_to_say_that_the_zone_above_decides",
     .domain = "news.client.com",
     .dns = NEWS DMARC_RIGHT,
     .voices = {{.who = NS_1},
                {.who = NS_2, .dns = "_dmarc.news.client.com A 192.0.2.1\n"},
                {.who = R_1}},
     .records = "ooooo",
     .findings = "info dmarc_inherited _dmarc.news.client.com [_dmarc.client.com]\n"},
};

int main(void)
{
    return scenarios_run("dmarc records", records, sizeof(records) / sizeof(*records)) +
           scenarios_run("dmarc owners", owners, sizeof(owners) / sizeof(*owners)) +
           scenarios_run("dmarc reports", reports, sizeof(reports) / sizeof(*reports)) +
           scenarios_run("dmarc results", results, sizeof(results) / sizeof(*results)) +
           scenarios_run("dmarc views", views, sizeof(views) / sizeof(*views));
}
