/* Random trouble over several views of one zone: what is not found out never makes a record wrong,
 * and the order in which views are listed means nothing. */
#include "sv/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmocka_all.h"
#include "scenario.h"

enum { TURNS = 400, SERVERS = 3, SPEAKERS = 5, OWN_BYTES = 2048 };

static const char *const speakers[SPEAKERS] = {"ns1.client.com", "ns2.client.com", "ns3.client.com",
                                               "192.0.2.1", "192.0.2.2"};

static const char *const places[] = {
    "$1._domainkey.client.com CNAME",
    "$2._domainkey.client.com CNAME",
    "$3._domainkey.client.com CNAME",
    "_amazonses.client.com TXT",
    "mail.client.com MX",
    "mail.client.com TXT",
    "client.com TXT",
    "_dmarc.client.com TXT",
};
enum { PLACES = sizeof(places) / sizeof(*places) };

static const char *const values[PLACES][2] = {
    {"$1.$z", "$1.dkim.amazonses.co"},
    {"$2.$z", "$1.$z"},
    {"$3.$z", "$3.$z.client.com"},
    {"ownershipTOKEN=", "otherTOKEN="},
    {"10 feedback-smtp.eu-west-1.amazonses.com", "10 feedback-smtp.us-east-1.amazonses.com"},
    {"v=spf1 include:amazonses.com ~all", "v=spf1 -all"},
    {"v=spf1 include:amazonses.com ~all", "v=spf1 mx -all"},
    {"v=DMARC1; p=quarantine; rua=mailto:a@client.com", "v=DMARC1"},
};

/* Not "bogus": that is a fault found out, by a resolver that validates. */
static const char *const troubles[] = {"timeout", "network", "servfail", "ede22",    "refused",
                                       "lame",    "tcp",     "other",    "malformed"};

static unsigned below(unsigned end)
{
    return (unsigned)random() % end;
}

static void say(char *text, size_t place, const char *value, bool trouble)
{
    size_t used = strlen(text);

    (void)snprintf(text + used, OWN_BYTES - used, "%s%s %s\n", places[place], trouble ? "!" : "",
                   value);
}

static struct sv_judge *judge_views(const char *zone, const struct voice *voices)
{
    static const struct sv_cut_host hosts[SERVERS] = {
        {.host = "ns1.client.com", .at_parent = true, .at_child = true},
        {.host = "ns2.client.com", .at_parent = true, .at_child = true},
        {.host = "ns3.client.com", .at_parent = true, .at_child = true}};
    static const struct sv_cut cut = {.state = SV_CUT_FOUND,
                                      .zone = "client.com",
                                      .parent = "com",
                                      .child_listed = true,
                                      .hosts_count = SERVERS,
                                      .hosts = hosts};
    struct scenario scenario = {.told = TOLD_MAIL_FROM | TOLD_OWNERSHIP};
    struct sv_judge *judge = scenario_judge(&scenario);
    struct voices *all = voices_new(zone, voices, SPEAKERS, &cut);

    (void)scenario_hear(judge, all);
    voices_free(all);
    return judge;
}

static void choose_zone(char *zone)
{
    zone[0] = '\0';
    for (size_t place = 0; place < PLACES; place++) {
        unsigned kind = below(5);
        if (kind < 4)
            say(zone, place, values[place][kind == 3], false);
    }
}

static void spoil(char *own, unsigned per_cent)
{
    for (size_t place = 0; place < PLACES; place++) {
        if (below(100) < per_cent)
            say(own, place, troubles[below(sizeof(troubles) / sizeof(*troubles))], true);
    }
}

static void fail_of(const struct sv_report *base, const struct sv_report *spoilt, size_t record,
                    const char *zone, char own[SPEAKERS][OWN_BYTES])
{
    for (int i = 0; i < SPEAKERS; i++)
        print_message("%s adds:\n%s", speakers[i], own[i]);
    fail_msg("%s is %s, and %s with trouble, in:\n%s", base->records[record].name,
             sv_record_status_name(base->statuses[record]),
             sv_record_status_name(spoilt->statuses[record]), zone);
}

static void trouble_makes_nothing_wrong(void **state)
{
    (void)state;
    for (int turn = 0; turn < TURNS; turn++) {
        char zone[OWN_BYTES];
        char own[SPEAKERS][OWN_BYTES] = {""};
        struct voice calm[SPEAKERS] = {{0}};
        struct voice spoilt[SPEAKERS] = {{0}};
        struct voice turned[SPEAKERS] = {{0}};
        unsigned per_cent = 10 + below(90);
        struct sv_judge *judges[3];
        const struct sv_report *reports[3];
        choose_zone(zone);
        for (int i = 0; i < SPEAKERS; i++) {
            spoil(own[i], per_cent);
            calm[i].who = spoilt[i].who = speakers[i];
            spoilt[i].dns = own[i];
            spoilt[i].lame = i < SERVERS && below(4) == 0;
            turned[SPEAKERS - 1 - i] = spoilt[i];
        }
        judges[0] = judge_views(zone, calm);
        judges[1] = judge_views(zone, spoilt);
        judges[2] = judge_views(zone, turned);
        for (int i = 0; i < 3; i++)
            reports[i] = sv_judge_report(judges[i]);
        for (size_t i = 0; i < reports[0]->records_count; i++) {
            if (reports[1]->statuses[i] == SV_RECORD_WRONG &&
                reports[0]->statuses[i] != SV_RECORD_WRONG)
                fail_of(reports[0], reports[1], i, zone, own);
            if (reports[1]->statuses[i] == SV_RECORD_OK && reports[0]->statuses[i] != SV_RECORD_OK)
                fail_of(reports[0], reports[1], i, zone, own);
            if (reports[2]->statuses[i] != reports[1]->statuses[i])
                fail_of(reports[1], reports[2], i, zone, own);
        }
        assert_int_equal(reports[1]->digest, reports[2]->digest);
        for (int i = 0; i < 3; i++)
            sv_judge_free(judges[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trouble_makes_nothing_wrong),
    };
    unsigned seed = getenv("SV_SEED") != NULL ? (unsigned)strtoul(getenv("SV_SEED"), NULL, 10)
                                              : (unsigned)time(NULL);

    print_message("seed %u (SV_SEED repeats it)\n", seed);
    srandom(seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
