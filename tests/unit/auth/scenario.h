/* One domain, its DNS as text, and what the judge must make of it. */
#ifndef TEST_SCENARIO_H
#define TEST_SCENARIO_H

#include <stddef.h>

#include "sv/judge.h"

#include "voices.h"
#include "zone_text.h"

/* Everything right, with and without a custom MAIL FROM. */
#define DKIM_RIGHT                                                                                 \
    "$1._domainkey.client.com CNAME $1.$z\n"                                                       \
    "$2._domainkey.client.com CNAME $2.$z\n"                                                       \
    "$3._domainkey.client.com CNAME $3.$z\n"
#define SPF_RIGHT   "client.com TXT v=spf1 include:amazonses.com ~all\n"
#define DMARC_RIGHT "_dmarc.client.com TXT v=DMARC1; p=quarantine; rua=mailto:a@client.com\n"
#define MX_RIGHT    "mail.client.com MX 10 feedback-smtp.eu-west-1.amazonses.com\n"
#define MAIL_SPF    "mail.client.com TXT v=spf1 include:amazonses.com ~all\n"
#define ALL_RIGHT   DKIM_RIGHT SPF_RIGHT DMARC_RIGHT
#define MAIL_RIGHT  DKIM_RIGHT MX_RIGHT MAIL_SPF DMARC_RIGHT

enum {
    TOLD_NO_TOKENS = 1,
    TOLD_OWNERSHIP = 2,
    TOLD_MAIL_FROM = 4,
    TOLD_NO_ZONE = 8,
    TOLD_BYODKIM = 16,
    TOLD_DISCOVER = 32
};

struct scenario {
    const char *name;
    unsigned told;
    const char *mail_from; /* NULL = mail.client.com, where there is one */
    const char *seen_name; /* NULL = none */
    const char *domain;    /* NULL = client.com */
    const char *zone;      /* the registrable domain; NULL = not told */
    const char *dkim_zone; /* NULL = $z, unless TOLD_NO_ZONE */
    const char *dns;
    /* Who says it, where it is not one resolver. A voice without a name ends the list. */
    struct voice voices[VOICES_MAX];
    const struct sv_cut *cut;
    bool closed, withheld;
    bool was_right; /* all of it, at the last look; tables are run with and without */
    /* One letter per record, in the order of sv_records_list: o(k), w(rong), W(aiting),
     * ?(unknown). */
    const char *records;
    /* All findings, one per line: "severity code owner [found]"; the found part is optional. */
    const char *findings;
    const char *expected; /* of the first finding; NULL = not looked at */
    const char *flags;    /* a part of the line that flags_of makes; NULL = not looked at */
};

/* Runs each scenario as a test of its own; for main. */
int scenarios_run(const char *group, const struct scenario *scenarios, size_t count);

/* "required=wrong absent=yes ttl=900 mail_from=unknown spf=yes dmarc=no bulk=no
 * open=12": the last are the places of unsettled records. */
void flags_of(const struct sv_report *report, char *out, size_t bytes);

/* The judge for a scenario; free it. */
struct sv_judge *scenario_judge(const struct scenario *scenario);

/* The same with several voices. */
size_t scenario_hear(struct sv_judge *judge, struct voices *voices);

/* Asks and answers until the judge is done; returns how many questions that took. */
size_t scenario_ask(struct sv_judge *judge, struct zone *zone);

#endif
