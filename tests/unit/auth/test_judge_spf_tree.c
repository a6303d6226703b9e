/* The tree of SPF records at the MAIL FROM domain: limits, names without records, errors of others,
 * and what of it touches the mail that SES sends. */
#include "cmocka_all.h"
#include "scenario.h"

#define SPF(text) DKIM_RIGHT DMARC_RIGHT MX_RIGHT "mail.client.com TXT " text "\n"
#define FIVE                                                                                       \
    "five.example.net TXT v=spf1 a:h.example.net a:h.example.net a:h.example.net "                 \
    "a:h.example.net ?all\nh.example.net A 203.0.113.1\n"

static const struct scenario scenarios[] = {
    {.name = "spf_too_many_lookups",
     .told = TOLD_MAIL_FROM,
     .dns = SPF("v=spf1 include:five.example.net include:six.example.net include:amazonses.com "
                "~all") FIVE "six.example.net TXT v=spf1 include:five.example.net ?all\n",
     .records = "oooowo",
     .findings = "error spf_too_many_lookups mail.client.com [include:six.example.net (6), "
                 "include:five.example.net (5), include:amazonses.com (1)]\n"
                 "warning spf_duplicate_include mail.client.com [five.example.net]\n",
     .flags = "mail_from=wrong"},
    {.name = "spf_too_many_lookups_but_not_for_ses",
     .told = TOLD_MAIL_FROM,
     .dns = SPF("v=spf1 include:amazonses.com include:five.example.net include:six.example.net "
                "~all") FIVE "six.example.net TXT v=spf1 include:five.example.net ?all\n",
     .records = "oooooo",
     .findings = "warning spf_too_many_lookups mail.client.com\n"
                 "warning spf_duplicate_include mail.client.com [five.example.net]\n",
     .flags = "mail_from=ok"},
    {.name = "spf_near_lookup_limit",
     .told = TOLD_MAIL_FROM,
     .dns = SPF("v=spf1 include:amazonses.com include:five.example.net a:h.example.net "
                "a:h.example.net a:h.example.net ~all") FIVE,
     .records = "oooooo",
     .findings = "warning spf_near_lookup_limit mail.client.com\n"},
    {.name = "eight_lookups_are_fine",
     .told = TOLD_MAIL_FROM,
     .dns = SPF("v=spf1 include:amazonses.com include:five.example.net a:h.example.net "
                "a:h.example.net ~all") FIVE,
     .records = "oooooo"},
    {.name = "spf_too_many_void_lookups",
     .told = TOLD_MAIL_FROM,
     .dns = SPF("v=spf1 a:no1.example.net a:no2.example.net exists:no3.example.net "
                "include:amazonses.com ~all") "amazonses.com TXT v=spf1 ip4:192.0.2.0/24 -all\n",
     .records = "oooowo",
     .findings = "error spf_too_many_void_lookups mail.client.com "
                 "[no1.example.net, no2.example.net, no3.example.net]\n"},
    {.name = "spf_too_many_void_lookups_behind_ses",
     .told = TOLD_MAIL_FROM,
     .dns = SPF("v=spf1 include:amazonses.com a:no1.example.net a:no2.example.net "
                "exists:no3.example.net ~all"),
     .records = "oooooo",
     .findings = "warning spf_too_many_void_lookups mail.client.com\n"},
    {.name = "spf_mx_too_many",
     .told = TOLD_MAIL_FROM,
     .dns =
         SPF("v=spf1 mx:many.example.net include:amazonses.com ~all") "amazonses.com TXT v=spf1 "
                                                                      "ip4:192.0.2.0/24 -all\n"
                                                                      "many.example.net MX 1 "
                                                                      "a.example.net\nmany.example."
                                                                      "net MX 1 b.example.net\n"
                                                                      "many.example.net MX 1 "
                                                                      "c.example.net\nmany.example."
                                                                      "net MX 1 d.example.net\n"
                                                                      "many.example.net MX 1 "
                                                                      "e.example.net\nmany.example."
                                                                      "net MX 1 f.example.net\n"
                                                                      "many.example.net MX 1 "
                                                                      "g.example.net\nmany.example."
                                                                      "net MX 1 h.example.net\n"
                                                                      "many.example.net MX 1 "
                                                                      "i.example.net\nmany.example."
                                                                      "net MX 1 j.example.net\n"
                                                                      "many.example.net MX 1 "
                                                                      "k.example.net\n",
     .records = "oooowo",
     .findings = "error spf_mx_too_many mail.client.com [mx:many.example.net]\n"},
    {.name = "spf_include_no_record",
     .told = TOLD_MAIL_FROM,
     .dns = SPF("v=spf1 include:gone.example.net include:amazonses.com ~all"),
     .records = "oooowo",
     .findings = "error spf_include_no_record mail.client.com [gone.example.net]\n"},
    {.name = "spf_include_no_record_behind_ses",
     .told = TOLD_MAIL_FROM,
     .dns = SPF("v=spf1 include:amazonses.com include:gone.example.net ~all"),
     .records = "oooooo",
     .findings = "warning spf_include_no_record mail.client.com [gone.example.net]\n"},
    {.name = "spf_include_error",
     .told = TOLD_MAIL_FROM,
     .dns = SPF(
         "v=spf1 include:bad.example.net include:amazonses.com ~all") "bad.example.net TXT v=spf1 "
                                                                      "ip4:192.0.2 ~all\n",
     .records = "oooowo",
     .findings = "error spf_include_error mail.client.com [bad.example.net]\n",
     .expected = "at \"ip4:192.0.2\": it is not an address"},
    {.name = "spf_include_error_by_two_records",
     .told = TOLD_MAIL_FROM,
     .dns = SPF(
         "v=spf1 include:two.example.net include:amazonses.com ~all") "two.example.net TXT v=spf1 "
                                                                      "-all\ntwo.example.net TXT "
                                                                      "v=spf1 ~all\n",
     .records = "oooowo",
     .findings = "error spf_include_error mail.client.com [two.example.net]\n",
     .expected = "it has several SPF records"},
    {.name = "spf_include_error_further_down",
     .told = TOLD_MAIL_FROM,
     .dns = SPF(
         "v=spf1 include:mid.example.net include:amazonses.com ~all") "mid.example.net TXT v=spf1 "
                                                                      "include:gone.example.net "
                                                                      "~all\n",
     .records = "oooowo",
     .findings = "error spf_include_error mail.client.com [mid.example.net]\n",
     .expected = "it refers to gone.example.net, which publishes no SPF record"},
    {.name = "spf_include_loop",
     .told = TOLD_MAIL_FROM,
     .dns = SPF(
         "v=spf1 include:a.example.net include:amazonses.com ~all") "a.example.net TXT v=spf1 "
                                                                    "include:b.example.net ~all\n"
                                                                    "b.example.net TXT v=spf1 "
                                                                    "include:a.example.net ~all\n",
     .records = "oooowo",
     .findings = "error spf_include_loop mail.client.com "
                 "[a.example.net > b.example.net > a.example.net]\n"
                 "warning spf_duplicate_include mail.client.com [a.example.net]\n"},
    {.name = "spf_include_loop_of_itself",
     .told = TOLD_MAIL_FROM,
     .dns = SPF("v=spf1 redirect=mail.client.com"),
     .records = "oooowo",
     .findings = "error spf_include_loop mail.client.com [mail.client.com > mail.client.com]\n"},
    {.name = "spf_redirect_no_record",
     .told = TOLD_MAIL_FROM,
     .dns = SPF("v=spf1 redirect=gone.example.net"),
     .records = "oooowo",
     .findings = "error spf_redirect_no_record mail.client.com [gone.example.net]\n"},
    {.name = "spf_duplicate_include",
     .told = TOLD_MAIL_FROM,
     .dns = SPF(
         "v=spf1 include:amazonses.com include:b.example.net include:B.example.net ~all") "b."
                                                                                          "example."
                                                                                          "net TXT "
                                                                                          "v=spf1 "
                                                                                          "ip4:203."
                                                                                          "0.113.0/"
                                                                                          "24 "
                                                                                          "~all\n",
     .records = "oooooo",
     .findings = "warning spf_duplicate_include mail.client.com [b.example.net]\n"},
    {.name = "spf_temperror_of_a_branch",
     .told = TOLD_MAIL_FROM,
     .dns = SPF("v=spf1 include:_spf.example.net include:amazonses.com ~all") "_spf.example.net "
                                                                              "TXT! timeout\n",
     .records = "oooo?o",
     .findings = "temporary spf_temperror _spf.example.net\n",
     .flags = "mail_from=unknown"},
    {.name = "mailfrom_spf_no_ses",
     .told = TOLD_MAIL_FROM,
     .dns = SPF("v=spf1 ip4:203.0.113.0/24 -all"),
     .records = "oooowo",
     .findings = "error mailfrom_spf_no_ses mail.client.com [v=spf1 ip4:203.0.113.0/24 -all]\n",
     .expected = "v=spf1 ip4:203.0.113.0/24 include:amazonses.com -all"},
    {.name = "mailfrom_spf_missing",
     .told = TOLD_MAIL_FROM,
     .dns = DKIM_RIGHT DMARC_RIGHT MX_RIGHT,
     .records = "oooowo",
     .findings = "error mailfrom_spf_missing mail.client.com []\n",
     .expected = "v=spf1 include:amazonses.com ~all"},
};

/* The tree as the report holds it. */
static void the_tree_is_told(void **state)
{
    static const struct scenario scenario = {
        .told = TOLD_MAIL_FROM,
        .dns = SPF("v=spf1 include:one.example.net include:amazonses.com mx "
                   "~all") "one.example.net TXT v=spf1 a:%{i}.example.net "
                           "include:two.example.net ?all\n"
                           "two.example.net TXT v=spf1 ip4:203.0.113.0/24 "
                           "?all\n"
                           "amazonses.com TXT v=spf1 ip4:192.0.2.0/24 -all\n"};
    static const struct {
        unsigned depth;
        const char *term, *name;
        enum sv_dns_outcome outcome;
        unsigned lookups;
        bool used;
    } wanted[] = {
        {0, "", "mail.client.com", SV_DNS_DATA, 5, true},
        {1, "include:one.example.net", "one.example.net", SV_DNS_DATA, 3, true},
        {2, "a:%{i}.example.net", "", SV_DNS_UNKNOWN, 1, true},
        {2, "include:two.example.net", "two.example.net", SV_DNS_DATA, 1, true},
        {1, "include:amazonses.com", "amazonses.com", SV_DNS_DATA, 1, true},
        {1, "mx", "mail.client.com", SV_DNS_DATA, 1, false},
    };
    struct zone *zone = zone_new(scenario.dns);
    struct sv_judge *judge = scenario_judge(&scenario);
    const struct sv_spf_tree *tree;

    (void)state;
    (void)scenario_ask(judge, zone);
    tree = &sv_judge_report(judge)->spf;
    assert_string_equal(tree->owner, "mail.client.com");
    assert_int_equal(tree->for_ses, SV_SPF_PASS);
    assert_int_equal(tree->lookups_worst, 5);
    assert_int_equal(tree->lookups_used, 4);
    assert_int_equal(tree->voids, 0);
    assert_false(tree->cut);
    assert_int_equal(tree->nodes_count, sizeof(wanted) / sizeof(*wanted));
    for (size_t i = 0; i < tree->nodes_count; i++) {
        assert_int_equal(tree->nodes[i].depth, wanted[i].depth);
        assert_string_equal(tree->nodes[i].term, wanted[i].term);
        assert_string_equal(tree->nodes[i].name, wanted[i].name);
        assert_int_equal(tree->nodes[i].outcome, wanted[i].outcome);
        assert_int_equal(tree->nodes[i].lookups, wanted[i].lookups);
        assert_int_equal(tree->nodes[i].used, wanted[i].used);
    }
    sv_judge_free(judge);
    zone_free(zone);
}

/* A record that is included twice is used where the evaluation came by, and only there. */
static void a_branch_behind_the_decision_is_not_used(void **state)
{
    static const struct scenario scenario = {
        .told = TOLD_MAIL_FROM,
        .dns =
            SPF("v=spf1 include:one.example.net include:one.example.net include:amazonses.com "
                "include:one.example.net ~all") "one.example.net TXT v=spf1 a:h.example.net ?all\n"
                                                "h.example.net A 203.0.113.1\n"};
    static const bool used[] = {true, true, true, true, true, true, false, false};
    struct zone *zone = zone_new(scenario.dns);
    struct sv_judge *judge = scenario_judge(&scenario);
    const struct sv_spf_tree *tree;

    (void)state;
    (void)scenario_ask(judge, zone);
    tree = &sv_judge_report(judge)->spf;
    assert_int_equal(tree->nodes_count, 8);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(tree->nodes[i].used, used[i]);
    assert_int_equal(tree->lookups_used, 5);
    assert_int_equal(tree->lookups_worst, 7);
    sv_judge_free(judge);
    zone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tree_is_told),
        cmocka_unit_test(a_branch_behind_the_decision_is_not_used),
    };
    int failed = scenarios_run("spf tree", scenarios, sizeof(scenarios) / sizeof(*scenarios));

    return failed + cmocka_run_group_tests_name("spf tree told", tests, NULL, NULL);
}
