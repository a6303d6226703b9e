/* The DMARC record: one case per code. */
#include "scenario.h"

#define REST DKIM_RIGHT SPF_RIGHT
#define NEWS                                                                                       \
    "news.client.com TXT v=spf1 include:amazonses.com ~all\n"                                      \
    "$1._domainkey.news.client.com CNAME $1.$z\n"                                                  \
    "$2._domainkey.news.client.com CNAME $2.$z\n"                                                  \
    "$3._domainkey.news.client.com CNAME $3.$z\n"
#define DEFAULT_POLICY "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@client.com"

static const struct scenario scenarios[] = {
    {.name = "blanks_case_and_other_records_do_not_matter",
     .dns = REST "_dmarc.client.com TXT some=thing\n"
                 "_dmarc.client.com TXT v = DMARC1 ;P=Reject;\n",
     .records = "ooooo",
     .flags = "dmarc=yes"},
    {.name = "an_alias_to_the_record_is_fine",
     .dns = REST "_dmarc.client.com CNAME dmarc.example.net\n"
                 "dmarc.example.net TXT v=DMARC1; p=reject\n",
     .records = "ooooo"},
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
    {.name = "dmarc_inherited",
     .domain = "news.client.com",
     .zone = "client.com",
     .dns = NEWS DMARC_RIGHT,
     .records = "ooooo",
     .findings = "info dmarc_inherited _dmarc.news.client.com [_dmarc.client.com]\n",
     .flags = "dmarc=yes bulk=yes"},
    {.name = "dmarc_multiple_records",
     .dns = REST DMARC_RIGHT "_dmarc.client.com TXT v=DMARC1; p=none\n",
     .records = "oooow",
     .findings = "error dmarc_multiple_records _dmarc.client.com\n",
     .flags = "dmarc=no"},
    {.name = "dmarc_version_malformed",
     .dns = REST "_dmarc.client.com TXT v=dmarc1; p=none\n",
     .records = "oooow",
     .findings = "error dmarc_version_malformed _dmarc.client.com [v=dmarc1; p=none]\n",
     .expected = DEFAULT_POLICY},
    {.name = "dmarc_version_malformed_not_first",
     .dns = REST "_dmarc.client.com TXT p=none; v=DMARC1\n",
     .records = "oooow",
     .findings = "error dmarc_version_malformed _dmarc.client.com\n"},
    {.name = "dmarc_version_malformed_not_there",
     .dns = REST "_dmarc.client.com TXT p=reject; rua=mailto:a@client.com\n",
     .records = "oooow",
     .findings = "error dmarc_version_malformed _dmarc.client.com\n"},
    {.name = "dmarc_version_malformed_without_semicolon",
     .dns = REST "_dmarc.client.com TXT v=DMARC1 p=none\n",
     .records = "oooow",
     .findings = "error dmarc_version_malformed _dmarc.client.com\n"},
    {.name = "dmarc_version_malformed_by_quotes",
     .dns = REST "_dmarc.client.com TXT \"v=DMARC1; p=none\"\n",
     .records = "oooow",
     .findings = "error dmarc_version_malformed _dmarc.client.com\n"},
    {.name = "dmarc_policy_missing_without_reports",
     .dns = REST "_dmarc.client.com TXT v=DMARC1;\n",
     .records = "oooow",
     .findings = "warning dmarc_policy_missing _dmarc.client.com [v=DMARC1;]\n",
     .flags = "dmarc=no"},
    {.name = "dmarc_policy_missing_with_reports",
     .dns = REST "_dmarc.client.com TXT v=DMARC1; rua=mailto:a@client.com\n",
     .records = "ooooo",
     .findings = "warning dmarc_policy_missing _dmarc.client.com\n",
     .flags = "dmarc=yes"},
    {.name = "dmarc_policy_invalid",
     .dns = REST "_dmarc.client.com TXT v=DMARC1; p=block\n",
     .records = "oooow",
     .findings = "error dmarc_policy_invalid _dmarc.client.com [block]\n"},
    {.name = "dmarc_policy_none",
     .dns = REST "_dmarc.client.com TXT v=DMARC1; p=none\n",
     .records = "ooooo",
     .findings = "info dmarc_policy_none _dmarc.client.com [none]\n",
     .flags = "dmarc=yes bulk=yes"},
    {.name = "dmarc_wrong_owner",
     .dns = REST "client.com TXT v=DMARC1; p=reject\n",
     .records = "oooow",
     .findings = "error dmarc_wrong_owner _dmarc.client.com [client.com]\n"},
    {.name = "dmarc_wrong_owner_with_a_doubled_suffix",
     .dns = REST "_dmarc.client.com.client.com TXT v=DMARC1; p=reject\n",
     .records = "oooow",
     .findings = "error dmarc_wrong_owner _dmarc.client.com [_dmarc.client.com.client.com]\n"},
    {.name = "dmarc_wrong_owner_is_found_beside_a_custom_mail_from",
     .told = TOLD_MAIL_FROM,
     .dns = DKIM_RIGHT MX_RIGHT MAIL_SPF "client.com TXT v=DMARC1; p=reject\n",
     .records = "ooooow",
     .findings = "error dmarc_wrong_owner _dmarc.client.com [client.com]\n"},
};

int main(void)
{
    return scenarios_run("dmarc", scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
