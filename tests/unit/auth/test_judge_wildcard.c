/* What a wildcard (RFC 4592) gives to every name is nobody's mistake at one of them: beside it no
 * record is at a wrong place, wherever it is looked for. In each story the owner itself exists with
 * other data, or below another name, so that the wildcard does not reach it. */
#include "scenario.h"

#define REST      SPF_RIGHT DMARC_RIGHT
#define OWNER_1   "$1._domainkey.client.com"
#define OTHER_KEY "other._domainkey.client.com TXT v=DKIM1; p=$k\n"
#define HOST      "feedback-smtp.eu-west-1.amazonses.com"
#define IDN_RIGHT                                                                                  \
    "xn--bro-hoa.com TXT v=spf1 include:amazonses.com ~all\n"                                      \
    "xn--bro-hoa.com MX 10 mx.example.net\n"                                                       \
    "$1._domainkey.xn--bro-hoa.com CNAME $1.$z\n"                                                  \
    "$2._domainkey.xn--bro-hoa.com CNAME $2.$z\n"                                                  \
    "$3._domainkey.xn--bro-hoa.com CNAME $3.$z\n"

static const struct scenario scenarios[] = {
    {.name = "dmarc_at_the_doubled_name",
     .dns = DKIM_RIGHT SPF_RIGHT "_dmarc.client.com TXT other\n"
                                 "*.client.com TXT v=DMARC1; p=none; rua=mailto:a@client.com\n",
     .records = "oooow",
     .findings = "error dmarc_missing _dmarc.client.com []\n"},
    {.name = "dmarc_at_the_doubled_name_of_the_zone_above",
     .domain = "news.client.com",
     .zone = "client.com",
     .dns = "$1._domainkey.news.client.com CNAME $1.$z\n"
            "$2._domainkey.news.client.com CNAME $2.$z\n"
            "$3._domainkey.news.client.com CNAME $3.$z\n"
            "news.client.com TXT v=spf1 include:amazonses.com ~all\n"
            "_dmarc.client.com TXT other\n"
            "*.client.com TXT v=DMARC1; p=none; rua=mailto:a@client.com\n",
     .records = "oooow",
     .findings = "error dmarc_missing _dmarc.news.client.com []\n"},
    {.name = "dmarc_beside_a_record_at_the_wrong_name",
     .dns = DKIM_RIGHT SPF_RIGHT "_dmarc.client.com TXT other\n"
                                 "dmarc.client.com TXT v=DMARC1; p=none\n"
                                 "*.client.com TXT v=DMARC1; p=none\n",
     .records = "oooow",
     .findings = "error dmarc_missing _dmarc.client.com []\n"},
    {.name = "spf_of_the_mail_from_at_the_doubled_name",
     .told = TOLD_MAIL_FROM,
     .dns = DKIM_RIGHT MX_RIGHT DMARC_RIGHT "*.client.com TXT v=spf1 -all\n",
     .records = "oooowo",
     .findings = "error mailfrom_spf_missing mail.client.com []\n"},
    {.name = "spf_at_the_doubled_name_beside_a_host_of_the_name_spf",
     .dns = DKIM_RIGHT DMARC_RIGHT "spf.client.com A 192.0.2.7\n*.client.com TXT v=spf1 -all\n",
     .records = "ooowo",
     .findings = "warning spf_missing client.com []\n"},
    {.name = "spf_at_a_label_beside_a_doubled_name_with_other_data",
     .dns = DKIM_RIGHT DMARC_RIGHT "client.com.client.com A 192.0.2.7\n"
                                   "*.client.com TXT v=spf1 -all\n",
     .records = "ooowo",
     .findings = "warning spf_missing client.com []\n"},
    {.name = "the_mx_at_the_doubled_name",
     .told = TOLD_MAIL_FROM,
     .dns = DKIM_RIGHT DMARC_RIGHT MAIL_SPF "*.client.com MX 10 " HOST "\n",
     .records = "ooowoo",
     .findings = "error mailfrom_mx_missing mail.client.com []\n"},
    {.name = "the_ownership_token_at_the_doubled_name",
     .told = TOLD_OWNERSHIP,
     .dns = ALL_RIGHT "_amazonses.client.com A 192.0.2.7\n*.client.com TXT ownershipTOKEN=\n",
     .records = "wooooo",
     .findings = "info ownership_txt_missing _amazonses.client.com []\n"},
    {.name = "an_alias_of_ours_at_every_name_but_below_domainkey",
     .dns = REST OTHER_KEY "*.client.com CNAME $1.$z\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_missing " OWNER_1 " []\n"},
    {.name = "an_alias_of_ours_at_the_name_that_was_entered",
     .seen_name = "$1._domainkei.client.com",
     .dns = REST OTHER_KEY "*.client.com CNAME $1.$z\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_missing " OWNER_1 " []\n"},
    {.name = "an_alias_of_ours_in_the_zone_above",
     .domain = "news.client.com",
     .zone = "client.com",
     .dns = "news.client.com TXT v=spf1 include:amazonses.com ~all\n"
            "_dmarc.news.client.com TXT v=DMARC1; p=reject; rua=mailto:a@news.client.com\n"
            "*.client.com CNAME $1.$z\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_missing $1._domainkey.news.client.com []\n"},
    {.name = "a_key_at_every_name_is_no_flattened_alias",
     .dns = REST "*._domainkey.client.com TXT v=DKIM1; p=$k\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_missing " OWNER_1 " []\n",
     .flags = "required=wrong absent=no"},
    {.name = "our_target_as_text_at_every_name",
     .dns = REST "*._domainkey.client.com TXT $1.$z\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_missing " OWNER_1 " []\n",
     .flags = "required=wrong absent=no"},
    {.name = "an_address_at_every_name",
     .dns = REST "*.client.com A 192.0.2.7\n*.client.com AAAA 2001:db8::7\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_missing " OWNER_1 " []\n"},
    {.name = "dmarc_at_the_name_with_letters_as_they_were_typed",
     .domain = "xn--bro-hoa.com",
     .zone = "xn--bro-hoa.com",
     .dns = IDN_RIGHT "_dmarc.xn--bro-hoa.com A 192.0.2.7\n"
                      "*.xn--bro-hoa.com TXT v=DMARC1; p=none\n",
     .records = "oooow",
     .findings = "error dmarc_missing _dmarc.xn--bro-hoa.com []\n"},
    {.name = "an_alias_of_ours_at_the_name_with_letters_as_they_were_typed",
     .domain = "xn--bro-hoa.client.com",
     .zone = "client.com",
     .dns = "xn--bro-hoa.client.com TXT v=spf1 include:amazonses.com ~all\n"
            "xn--bro-hoa.client.com MX 10 mx.example.net\n"
            "_dmarc.xn--bro-hoa.client.com TXT v=DMARC1; p=reject; "
            "rua=mailto:a@xn--bro-hoa.client.com\n"
            "*.client.com CNAME $1.$z\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_missing $1._domainkey.xn--bro-hoa.client.com []\n"},
    {.name = "beside_a_wildcard_what_has_letters_as_they_were_typed_is_still_found",
     .domain = "xn--bro-hoa.com",
     .zone = "xn--bro-hoa.com",
     .dns = IDN_RIGHT "_dmarc.xn--bro-hoa.com A 192.0.2.7\n"
                      "_dmarc.b\\195\\188ro.com.xn--bro-hoa.com TXT v=DMARC1; p=none\n"
                      "*.xn--bro-hoa.com TXT v=spf1 -all\n",
     .records = "oooow",
     .findings = "error dns_name_not_ascii _dmarc.xn--bro-hoa.com "
                 "[_dmarc.b\\195\\188ro.com.xn--bro-hoa.com]\n"},
    {.name = "what_is_beside_a_wildcard_is_still_found",
     .told = TOLD_MAIL_FROM,
     .dns = DKIM_RIGHT MX_RIGHT "*.client.com TXT v=spf1 -all\n_dmarc.client.com TXT other\n"
                                "mail.client.com.client.com TXT v=spf1 include:amazonses.com ~all\n"
                                "_dmarc.client.com.client.com TXT v=DMARC1; p=none\n",
     .records = "ooooww",
     .findings = "error spf_wrong_owner mail.client.com [mail.client.com.client.com]\n"
                 "error dmarc_wrong_owner _dmarc.client.com [_dmarc.client.com.client.com]\n"},
};

int main(void)
{
    return scenarios_run("wildcard", scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
