/* DNS as text, for tests: one record per line, answered as a careful resolver would.
 *
 *   client.com TXT v=spf1 ~all          owner, type, value (CNAME, MX "10 host", TXT, SPF, A, AAAA)
 *   *.client.com A 192.0.2.1            a wildcard
 *   client.com TXT! servfail            this question fails: timeout, network, servfail, ede22,
 *                                       refused, lame, malformed, tcp, loop, long, other,
 *                                       elsewhere, referred, bogus; at an alias's target the
 *                                       alias is still told; of CNAME that of TXT fails, too
 *   client.com TXT! never               ... is not answered at all
 *
 * client.com and news.client.com receive mail where the text knows them and says nothing about
 * their own MX or A ("-client.com MX" says that there is none).
 *
 * "$1", "$2", "$3" stand for the DKIM tokens below, "$z" for SES's DKIM zone, "$k" for a key of
 * 2048 bits in base64. SES publishes "p=$k" for each token in every zone of its own, as
 * "TOKEN.dkim.amazonses.com TXT", from the beginning. Lines may be indented; "-OWNER TYPE" removes
 * the records of an earlier line. */
#ifndef TEST_ZONE_TEXT_H
#define TEST_ZONE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "sv/rr.h"

#define TOKEN_1   "aaaabbbbccccddddeeeeffffgggghhhh"
#define TOKEN_2   "jjjjkkkkllllmmmmnnnnooooppppqqqq"
#define TOKEN_3   "rrrrssssttttuuuuvvvvwwwwxxxxyyyy"
#define DKIM_ZONE "dkim.amazonses.com"
#define DKIM_KEY                                                                                   \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAkdIVq6gL5sb6GJe0dWzOhhOHVNA/MnKax0/W"             \
    "YYXJVrri37QXi8QYPV1lOMoyqKmZBjf4bspvsO5mlXb4sp9G4z8DaMzB2Do6I7JvTqbysbP93rfj4SWZ"             \
    "ATusZvX2KU43Bxw27Yg6c0nVOnpXDFgB6a83KsosWq/vCvBD4Mxnht5a7B7nnmt4Dvn1GlHAoBKlRBNT"             \
    "drqV28zH/lcDMIfy2z2BiP8JDg+fxUzfqn87IuXFBgyeWC28l6m5vJ/f5rBj9u0qSp46xjr2L4WdRxKS"             \
    "GRHKroruemGwn1UQxLwmAEaGn1mcg15+gZgwe79TykpOpC2tMLDLqXfhARJbeKYO4QIDAQAB"

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
