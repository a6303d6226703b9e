/* DNS as text, for tests: one record per line, answered as a careful resolver would.
 *
 *   client.com TXT v=spf1 ~all          owner, type, value (CNAME, MX "10 host", TXT, SPF, A, AAAA)
 *   *.client.com A 192.0.2.1            a wildcard
 *   client.com TXT! servfail            this question fails: timeout, network, servfail, ede22,
 *                                       refused, lame, malformed, tcp, loop, long, other, elsewhere
 *   client.com TXT! never               ... is not answered at all
 *
 * "$1", "$2", "$3" stand for the DKIM tokens below, "$z" for SES's DKIM zone. Lines may be
 * indented;
 * "-OWNER TYPE" removes the records of an earlier line. */
#ifndef TEST_ZONE_TEXT_H
#define TEST_ZONE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/rr.h"

#define TOKEN_1   "aaaabbbbccccddddeeeeffffgggghhhh"
#define TOKEN_2   "jjjjkkkkllllmmmmnnnnooooppppqqqq"
#define TOKEN_3   "rrrrssssttttuuuuvvvvwwwwxxxxyyyy"
#define DKIM_ZONE "dkim.amazonses.com"

enum { ZONE_RECORDS_MAX = 160, ZONE_TTL_S = 300, ZONE_NEGATIVE_TTL_S = 900 };

struct zone;

struct zone *zone_new(const char *text);
void zone_free(struct zone *zone);

/* The answer, borrowed until the next look; false when there is none. */
bool zone_look(struct zone *zone, const struct sv_dns_question *question,
               const struct sv_dns_answer **answer);

/* Replaces the $ places; free it. */
char *zone_expand(const char *text);

#endif
