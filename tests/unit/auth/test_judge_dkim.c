/* The DKIM aliases: one case per code, and the ways in which one mistake could look like another.
 */
#include "scenario.h"

#define REST    SPF_RIGHT DMARC_RIGHT
#define OWNER_1 "$1._domainkey.client.com"
#define TYPO    "aaaabbbbccccddddeeeeffffgggghhh._domainkey.client.com" /* an h less */

static const struct scenario scenarios[] = {
    {.name = "everything_is_right",
     .dns = ALL_RIGHT,
     .records = "ooooo",
     .flags = "required=ok absent=no ttl=300 mail_from=unknown spf=yes dmarc=yes bulk=yes"},
    {.name = "case_and_final_dot_do_not_matter",
     .dns = REST "$1._DomainKey.CLIENT.com CNAME $1.DKIM.amazonses.COM.\n"
                 "$2._domainkey.client.com CNAME $2.$z.\n"
                 "$3._domainkey.client.com CNAME $3.$z\n",
     .records = "ooooo"},
    {.name = "tokens_not_told_are_not_checked",
     .told = TOLD_NO_TOKENS,
     .dns = REST,
     .records = "oo",
     .flags = "required=unknown absent=no ttl=0"},
    {.name = "zone_not_told_takes_the_regions",
     .told = TOLD_NO_ZONE,
     .dns = ALL_RIGHT,
     .records = "ooooo"},
    {.name = "dkim_cname_missing",
     .dns = REST,
     .records = "wwwoo",
     .findings = "error dkim_cname_missing " OWNER_1 " []\n",
     .expected = "$1.$z",
     .flags = "required=wrong absent=yes ttl=900 mail_from=unknown spf=yes dmarc=yes bulk=no"},
    {.name = "dkim_cname_missing_beside_a_wildcard_address",
     .dns = REST "*.client.com A 192.0.2.1\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_missing " OWNER_1 "\n",
     .flags = "required=wrong absent=no"},
    {.name = "dkim_cname_partial",
     .dns = REST "$2._domainkey.client.com CNAME $2.$z\n",
     .records = "wowoo",
     .findings = "error dkim_cname_partial " OWNER_1
                 " [$1._domainkey.client.com, $3._domainkey.client.com]\n",
     .flags = "required=wrong absent=no"},
    {.name = "dkim_cname_doubled_suffix",
     .dns = REST "$1._domainkey.client.com.client.com CNAME $1.$z\n"
                 "$2._domainkey.client.com.client.com CNAME $2.$z\n"
                 "$3._domainkey.client.com.client.com CNAME $3.$z\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_doubled_suffix " OWNER_1
                 " [$1._domainkey.client.com.client.com, $2._domainkey.client.com.client.com, "
                 "$3._domainkey.client.com.client.com]\n",
     .expected = "$1.$z",
     .flags = "required=wrong absent=yes"},
    {.name = "dkim_cname_doubled_suffix_of_the_zone_above",
     .domain = "news.client.com",
     .zone = "client.com",
     .dns = "news.client.com TXT v=spf1 include:amazonses.com ~all\n"
            "_dmarc.news.client.com TXT v=DMARC1; p=reject; rua=mailto:a@news.client.com\n"
            "$1._domainkey.news.client.com.client.com CNAME $1.$z\n"
            "$2._domainkey.news.client.com.client.com CNAME $2.$z\n"
            "$3._domainkey.news.client.com.client.com CNAME $3.$z\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_doubled_suffix $1._domainkey.news.client.com\n"},
    {.name = "dkim_cname_doubled_suffix_of_a_subdomain_that_is_a_zone",
     .domain = "news.client.com",
     .zone = "client.com",
     .dns = "news.client.com TXT v=spf1 include:amazonses.com ~all\n"
            "_dmarc.news.client.com TXT v=DMARC1; p=reject; rua=mailto:a@news.client.com\n"
            "$1._domainkey.news.client.com.news.client.com CNAME $1.$z\n"
            "$2._domainkey.news.client.com.news.client.com CNAME $2.$z\n"
            "$3._domainkey.news.client.com.news.client.com CNAME $3.$z\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_doubled_suffix $1._domainkey.news.client.com "
                 "[$1._domainkey.news.client.com.news.client.com, "
                 "$2._domainkey.news.client.com.news.client.com, "
                 "$3._domainkey.news.client.com.news.client.com]\n"},
    {.name = "dkim_cname_doubled_suffix_of_one_beside_a_missing_one",
     .dns = REST "$1._domainkey.client.com.client.com CNAME $1.$z\n"
                 "$2._domainkey.client.com CNAME $2.$z\n",
     .records = "wowoo",
     .findings = "error dkim_cname_doubled_suffix " OWNER_1 "\n"
                 "error dkim_cname_partial $3._domainkey.client.com\n"},
    {.name = "dkim_underscore_stripped",
     .dns = REST "$1.domainkey.client.com CNAME $1.$z\n"
                 "$2.domainkey.client.com CNAME $2.$z\n"
                 "$3.domainkey.client.com CNAME $3.$z\n",
     .records = "wwwoo",
     .findings = "error dkim_underscore_stripped " OWNER_1
                 " [$1.domainkey.client.com, $2.domainkey.client.com, $3.domainkey.client.com]\n"},
    {.name = "dkim_cname_no_domainkey",
     .dns = REST "$1.client.com CNAME $1.$z\n"
                 "$2.client.com CNAME $2.$z\n"
                 "$3.client.com CNAME $3.$z\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_no_domainkey " OWNER_1
                 " [$1.client.com, $2.client.com, $3.client.com]\n"},
    {.name = "dkim_cname_labels_swapped",
     .dns = REST "_domainkey.$1.client.com CNAME $1.$z\n"
                 "_domainkey.$2.client.com CNAME $2.$z\n"
                 "_domainkey.$3.client.com CNAME $3.$z\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_labels_swapped " OWNER_1
                 " [_domainkey.$1.client.com, _domainkey.$2.client.com, "
                 "_domainkey.$3.client.com]\n"},
    {.name = "dns_wildcard_answer",
     .dns = REST "*.client.com CNAME shop.example.net\n",
     .records = "wwwoo",
     .findings = "warning dns_wildcard_answer " OWNER_1 " [shop.example.net]\n",
     .expected = "$1.$z",
     .flags = "required=wrong absent=no"},
    {.name = "a_wildcard_beside_a_record_of_ones_own_is_no_excuse",
     .dns = ALL_RIGHT "*.client.com CNAME shop.example.net\n"
                      "-$1._domainkey.client.com CNAME\n"
                      "$1._domainkey.client.com CNAME other.example.net\n",
     .records = "woooo",
     .findings = "error dkim_cname_target_other " OWNER_1 " [other.example.net]\n"},
    {.name = "dkim_cname_wrong_domain_above",
     .domain = "news.client.com",
     .zone = "client.com",
     .dns =
         "news.client.com TXT v=spf1 include:amazonses.com ~all\n"
         "_dmarc.news.client.com TXT v=DMARC1; p=reject; rua=mailto:a@news.client.com\n" DKIM_RIGHT,
     .records = "wwwoo",
     .findings = "error dkim_cname_wrong_domain $1._domainkey.news.client.com "
                 "[client.com]\n",
     .expected = "$1.$z"},
    {.name = "dkim_cname_wrong_domain_beside",
     .dns = REST "$1._domainkey.www.client.com CNAME $1.$z\n"
                 "$2._domainkey.www.client.com CNAME $2.$z\n"
                 "$3._domainkey.www.client.com CNAME $3.$z\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_wrong_domain " OWNER_1 " [www.client.com]\n"},
    {.name = "dkim_cname_owner_typo",
     .seen_name = TYPO,
     .dns = ALL_RIGHT "-$1._domainkey.client.com CNAME\n" TYPO " CNAME $1.$z\n",
     .records = "woooo",
     .findings = "error dkim_cname_owner_typo " OWNER_1 " [" TYPO "]\n"},
    {.name = "dns_name_not_ascii_as_it_was_entered",
     .seen_name = TOKEN_1 "._dom\xd0\xb0inkey.client.com", /* a Cyrillic a */
     .dns = ALL_RIGHT "-$1._domainkey.client.com CNAME\n"
                      "$1._dom\\208\\176inkey.client.com CNAME $1.$z\n",
     .records = "woooo",
     .findings = "error dns_name_not_ascii " OWNER_1 " [$1._dom\\208\\176inkey.client.com]\n",
     .expected = OWNER_1},
    {.name = "dns_name_not_ascii_with_an_underscore_of_full_width",
     .seen_name = TOKEN_1 ".\xef\xbc\xbf"
                          "domainkey.client.com",
     .dns = ALL_RIGHT "-$1._domainkey.client.com CNAME\n"
                      "$1.\\239\\188\\191domainkey.client.com CNAME $1.$z\n",
     .records = "woooo",
     .findings = "error dns_name_not_ascii " OWNER_1 " [$1.\\239\\188\\191domainkey.client.com]\n",
     .expected = OWNER_1},
    {.name = "a_name_that_was_seen_but_is_not_there_explains_nothing",
     .seen_name = TYPO,
     .dns = ALL_RIGHT "-$1._domainkey.client.com CNAME\n",
     .records = "woooo",
     .findings = "error dkim_cname_partial " OWNER_1 "\n"},
    {.name = "a_name_that_was_not_seen_is_not_guessed",
     .dns = ALL_RIGHT "-$1._domainkey.client.com CNAME\n" TYPO " CNAME $1.$z\n",
     .records = "woooo",
     .findings = "error dkim_cname_partial " OWNER_1 "\n"},
    {.name = "dkim_cname_proxied",
     .dns = REST "$1._domainkey.client.com A 104.16.1.9\n$2._domainkey.client.com A 104.16.1.9\n"
                 "$3._domainkey.client.com A 104.16.1.9\nclient.com NS kim.ns.cloudflare.com\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_proxied " OWNER_1 " [104.16.1.9]\n",
     .expected = "$1.$z",
     .flags = "required=wrong absent=no"},
    {.name = "dkim_cname_proxied_over_version_6_only",
     .dns = REST "$1._domainkey.client.com AAAA 2606:4700::6810:109\n"
                 "client.com NS kim.ns.cloudflare.com\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_proxied " OWNER_1 " [2606:4700::6810:109]\n"
                 "error dkim_cname_missing $2._domainkey.client.com\n"},
    {.name = "an_address_of_a_proxy_at_another_provider_is_just_an_address",
     .dns = REST "$1._domainkey.client.com A 104.16.1.9\n$2._domainkey.client.com A 104.16.1.9\n"
                 "$3._domainkey.client.com A 104.16.1.9\nclient.com NS ns.example.net\n",
     .records = "wwwoo",
     .findings = "error dkim_record_as_a " OWNER_1 "\n"},
    {.name = "an_address_of_a_proxy_whose_zone_is_unknown_is_no_finding",
     .dns = REST "$1._domainkey.client.com A 104.16.1.9\n$2._domainkey.client.com A 104.16.1.9\n"
                 "$3._domainkey.client.com A 104.16.1.9\nclient.com NS! timeout\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_missing " OWNER_1 "\n"},
    {.name = "dkim_cname_flattened_to_the_key",
     .dns = REST "$1._domainkey.client.com TXT p=$k\n$2._domainkey.client.com TXT p=$k\n"
                 "$3._domainkey.client.com TXT p=$k\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_flattened " OWNER_1 "\n",
     .expected = "$1.$z",
     .flags = "required=wrong absent=no"},
    {.name = "dkim_cname_flattened_to_nothing",
     .dns = REST "$1._domainkey.client.com MX 1 x\n"
                 "$2._domainkey.client.com MX 1 x\n$3._domainkey.client.com MX 1 x\n"
                 "client.com NS kim.ns.cloudflare.com\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_flattened " OWNER_1 " []\n"},
    {.name = "nothing_at_another_provider_is_not_flattened",
     .dns = REST "$1._domainkey.client.com MX 1 x\n$2._domainkey.client.com MX 1 x\n"
                 "$3._domainkey.client.com MX 1 x\nclient.com NS ns.example.net\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_missing " OWNER_1 "\n"},
    {.name = "nothing_where_every_name_is_said_to_exist_is_not_flattened",
     .dns = REST "*._domainkey.client.com MX 1 x\nclient.com NS kim.ns.cloudflare.com\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_missing " OWNER_1 "\n"},
    {.name = "dkim_record_as_txt",
     .dns = REST "$1._domainkey.client.com TXT \"$1.$z.\"\n"
                 "$2._domainkey.client.com TXT $2.$z\n"
                 "$3._domainkey.client.com TXT $3.$z\n",
     .records = "wwwoo",
     .findings = "error dkim_record_as_txt " OWNER_1 "\n",
     .expected = "$1.$z",
     .flags = "required=wrong absent=no"},
    {.name = "dkim_record_as_a",
     .dns = REST "$1._domainkey.client.com A 192.0.2.1\n"
                 "$2._domainkey.client.com A 192.0.2.1\n"
                 "$3._domainkey.client.com A 192.0.2.1\n",
     .records = "wwwoo",
     .findings = "error dkim_record_as_a " OWNER_1 "\n",
     .flags = "required=wrong absent=no"},
    {.name = "dkim_record_as_a_of_the_second_only",
     .dns = REST "$1._domainkey.client.com CNAME $1.$z\n"
                 "$2._domainkey.client.com A 192.0.2.1\n"
                 "$3._domainkey.client.com CNAME $3.$z\n",
     .records = "owooo",
     .findings = "error dkim_record_as_a $2._domainkey.client.com [192.0.2.1]\n"},
    {.name = "dkim_cname_target_suffixed",
     .dns = REST "$1._domainkey.client.com CNAME $1.$z.client.com\n"
                 "$2._domainkey.client.com CNAME $2.$z.client.com\n"
                 "$3._domainkey.client.com CNAME $3.$z.client.com\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_target_suffixed " OWNER_1
                 " [$1.$z.client.com, $2.$z.client.com, $3.$z.client.com]\n",
     .expected = "$1.$z"},
    {.name = "dkim_cname_target_typo",
     .dns = REST "$1._domainkey.client.com CNAME $1.dkim.amazonses.co\n"
                 "$2._domainkey.client.com CNAME $2.$z\n"
                 "$3._domainkey.client.com CNAME $3.$z\n",
     .records = "woooo",
     .findings = "error dkim_cname_target_typo " OWNER_1 " [$1.dkim.amazonses.co]\n",
     .expected = "$1.$z",
     .flags = "required=wrong absent=no ttl=300"},
    {.name = "dkim_cname_target_typo_by_a_swap",
     .dns = REST "$1._domainkey.client.com CNAME $1.$z\n"
                 "$2._domainkey.client.com CNAME $2.dkim.amzaonses.com\n"
                 "$3._domainkey.client.com CNAME $3.$z\n",
     .records = "owooo",
     .findings = "error dkim_cname_target_typo $2._domainkey.client.com\n"},
    {.name = "dkim_cname_target_scheme",
     .dns = REST "$1._domainkey.client.com CNAME https://$1.$z\n"
                 "$2._domainkey.client.com CNAME $2.$z\\032\n"
                 "$3._domainkey.client.com CNAME \\\"$3.$z\\\"\n",
     .records = "wwwoo",
     .findings =
         "error dkim_cname_target_scheme " OWNER_1 " [https://$1.$z, $2.$z\\032, \\\"$3.$z\\\"]\n"},
    {.name = "dkim_cname_swapped_tokens",
     .dns = REST "$1._domainkey.client.com CNAME $2.$z\n"
                 "$2._domainkey.client.com CNAME $1.$z\n"
                 "$3._domainkey.client.com CNAME $3.$z\n",
     .records = "wwooo",
     .findings = "error dkim_cname_swapped_tokens " OWNER_1 " [$2.$z, $1.$z]\n",
     .expected = "$1.$z"},
    {.name = "dkim_cname_wrong_zone",
     .dkim_zone = "dkim.eu-south-1.amazonses.com",
     .dns = ALL_RIGHT,
     .records = "wwwoo",
     .findings = "error dkim_cname_wrong_zone " OWNER_1 " [$1.$z, $2.$z, $3.$z]\n",
     .expected = "$1.dkim.eu-south-1.amazonses.com"},
    {.name = "dkim_cname_wrong_zone_is_no_typo",
     .dkim_zone = "dkim.ap-southeast-3.amazonses.com",
     .dns = REST "$1._domainkey.client.com CNAME $1.dkim.ap-southeast-5.amazonses.com\n"
                 "$2._domainkey.client.com CNAME $2.dkim.ap-southeast-3.amazonses.com\n"
                 "$3._domainkey.client.com CNAME $3.dkim.ap-southeast-3.amazonses.com\n",
     .records = "woooo",
     .findings = "error dkim_cname_wrong_zone " OWNER_1 "\n"},
    {.name = "dkim_cname_stale_token",
     .dns = REST "$1._domainkey.client.com CNAME 00001111222233334444555566667777.$z\n"
                 "$2._domainkey.client.com CNAME $2.$z\n"
                 "$3._domainkey.client.com CNAME $3.$z\n",
     .records = "woooo",
     .findings =
         "error dkim_cname_stale_token " OWNER_1 " [00001111222233334444555566667777.$z]\n"},
    {.name = "dkim_cname_target_other",
     .dns = REST "$1._domainkey.client.com CNAME $1.dkim.example.net\n"
                 "$2._domainkey.client.com CNAME $2.$z\n"
                 "$3._domainkey.client.com CNAME $3.$z\n",
     .records = "woooo",
     .findings = "error dkim_cname_target_other " OWNER_1 " [$1.dkim.example.net]\n"},
    {.name = "dns_cname_multiple",
     .dns = ALL_RIGHT "$1._domainkey.client.com CNAME other.example.net\n",
     .records = "woooo",
     .findings = "error dns_cname_multiple " OWNER_1 " [$1.$z, other.example.net]\n"},
    {.name = "different_faults_are_told_apart",
     .dns = REST "$1._domainkey.client.com CNAME $1.dkim.amazonses.co\n"
                 "$2.client.com CNAME $2.$z\n"
                 "$3._domainkey.client.com CNAME $3.$z.client.com\n",
     .records = "wwwoo",
     .findings = "error dkim_cname_no_domainkey $2._domainkey.client.com [$2.client.com]\n"
                 "error dkim_cname_target_suffixed $3._domainkey.client.com\n"
                 "error dkim_cname_target_typo " OWNER_1 "\n"},
};

int main(void)
{
    return scenarios_run("dkim", scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
