/* How the parts of the judge work together. Private to lib/auth.
 *
 * The judge keeps a table of facts: questions, and of each answer what judging needs. The whole
 * verdict is computed again from that table whenever all questions handed out are answered (a
 * round). While computing, a part asks the table for the facts it needs beyond the expected
 * records; what is not there becomes a question of the next round, within the limits below.
 * Therefore no part keeps a state of its own, answers may come in any order, and the same table
 * always gives the same report. Round 1 asks the expected records; probes and SPF includes come
 * after it. */
#ifndef SV_AUTH_JUDGE_PARTS_H
#define SV_AUTH_JUDGE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sv/judge.h"

#include "keep.h"
#include "txt.h"

/* A label that nobody would create: what answers there is a wildcard (RFC 4592). Always the same,
 * so that the same DNS gives the same report. */
#define SV_NO_SUCH_LABEL "sv7x2q9k4m1z8w3p6t5r"

enum {
    SV_PROBES_MAX = 8,          /* looks at wrong places, for all records of one judgement */
    SV_PROBES_NOT_DKIM_MAX = 7, /* the last one is kept for DKIM's second step */
    SV_SPF_LOOKS_MAX = 64,      /* questions of SPF, per judgement */
    SV_FACT_VALUES_MAX = 64,    /* records of one answer that are kept */
    SV_FACT_OTHERS_MAX = 8,     /* TXT records that do not speak of mail */
    SV_FACT_VALUE_BYTES = 4096, /* of one record */
    SV_KEEP_BYTES = 128 * 1024, /* all names and values of one judgement */
    SV_FACTS_MAX = SV_JUDGE_QUESTIONS_MAX,
    SV_STATEMENTS_MAX = 4, /* different answers to one question that are kept */
    SV_ZONES_MAX = 12,     /* zones whose servers are remembered */
    SV_DISCOVER_LOOKS_MAX = 18,
    SV_DNS_LOOKS_MAX = 8, /* questions about zones and wildcards, per judgement */
};

/* Everybody who was asked one question, counted (views.c). */
struct sv_heard {
    bool authority; /* the zone's own servers were asked, or nobody of them could be reached */
    bool closed;    /* they were to be asked, but port 53 to the outside is closed */
    unsigned servers_usable, servers_lame;
    unsigned resolvers_asked, resolvers_told, resolvers_bogus, resolvers_failed;
    const struct sv_evidence *bogus_by, *filtered_by, *ede_by; /* the first of each; NULL = none */
};

/* One server of a zone, over all questions that it was asked. */
struct sv_zone_host {
    const char *host;
    bool at_parent, at_child, without_address, private_address;
    unsigned told, lame, silent; /* answers */
    bool no_edns, no_tcp, malformed;
    struct sv_evidence evidence; /* of what is wrong with it, otherwise of its first answer */
};

/* What is known about a zone and its servers; the zone above where the cut says NXDOMAIN. */
struct sv_zone {
    struct sv_cut cut; /* its hosts are those below */
    size_t hosts_count;
    struct sv_zone_host hosts[SV_CUT_HOSTS_MAX];
    const struct sv_fact *fact; /* the first question about it */
};

/* Who gave the answer that a fact holds. */
struct sv_said {
    unsigned servers, resolvers;
    unsigned outsiders; /* servers that nobody is sent to: the zone lists them, but not its parent;
                           or they are former ones */
    uint32_t serial;    /* the highest of those servers' zone; 0 = not told */
    const char *host;   /* the first of them by name; NULL = none */
    sv_ms cached_until; /* when the last of those resolvers forgets it; 0 = none said so */
    uint32_t cached_s;  /* the longest TTL that one of those resolvers told */
    size_t witnesses_count; /* beside the fact's own evidence */
    const struct sv_evidence *witnesses[SV_WITNESSES_MAX];
};

/* A question, and what its answer said. A fact that is not answered is as good as unknown. */
struct sv_fact {
    const char *name;
    enum sv_rr_type type;
    unsigned how; /* SV_ASK_ bits of the question */
    /* Of a DKIM key asked for in the first round: the alias before it, which is asked for only if
     * that leaves it open; otherwise NULL. */
    struct sv_fact *alias_fact;
    bool handed, answered;
    enum sv_dns_outcome outcome;
    enum sv_dns_trouble trouble;
    bool incomplete;    /* a record that may matter did not fit into the limits */
    bool has_token;     /* a TXT record is exactly the ownership token */
    const char *alias;  /* target of the CNAME at `name` itself; NULL = there is none */
    size_t aliases;     /* how many CNAME records are at `name` itself */
    size_t values_seen; /* records of the asked type */
    size_t values_here; /* of these, records at `name` itself, before any alias; not of CNAME */
    size_t values_count, values_room;
    struct sv_span *values; /* TXT, SPF: octets; MX: "10 host"; A, AAAA: the address as text; NS,
                               PTR, CNAME: the host; ended by a 0 byte that does not count */
    /* Of the signatures that came with it: the first to end, the last to begin; seconds as in
     * RRSIG (RFC 4034 section 3.1.5). */
    size_t signatures;
    uint32_t expiration, inception;
    struct sv_evidence evidence;
    struct sv_said said;
    struct sv_fact *otherwise;    /* another answer to the same question; NULL = no more */
    const struct sv_heard *heard; /* NULL in those that `otherwise` leads to, and unanswered */
};

/* What the DKIM keys are worth, for the verdict about bulk senders. Keys that nobody told of are
 * not in it. */
struct sv_dkim_sum {
    size_t read, usable;
    uint32_t rsa_bits_min; /* of the usable RSA keys; 0 = there is none */
    bool testing;          /* a usable key says t=y, so receivers take its signatures for none */
};

struct sv_dmarc_record;

struct sv_judge {
    struct sv_expect expect; /* strings live in `text`, or in the constants they came from */
    const char *zone;
    size_t records_count;
    enum sv_record_kind kinds[SV_RECORDS_MAX];
    struct sv_fact *asked[SV_RECORDS_MAX]; /* the fact beside each expected record; NULL = could
                                              not be asked */
    size_t facts_count;
    struct sv_fact *facts[SV_FACTS_MAX]; /* they stay where they are */
    size_t unanswered;                   /* of the questions handed out or waiting to be */
    /* Keys that told nothing of their alias: of use once that leads to them. */
    size_t parked_count;
    struct sv_fact *parked[SV_DKIM_TOKENS_MAX];
    unsigned probes, spf_looks, dmarc_looks, report_looks, key_looks, dns_looks, discover_looks;
    size_t zones_count;
    struct sv_zone *zones[SV_ZONES_MAX];
    struct sv_keep keep;
    struct sv_report *out;    /* where the verdict goes; NULL while only looking for questions */
    struct sv_report *report; /* made when first asked for: judgements in flight stay small */
    bool report_fresh;
    /* The DMARC record that was read last, and its text: it is asked for a dozen times a round. */
    struct sv_dmarc_record *dmarc_read;
    const char *dmarc_text;  /* NULL = none was read */
    const char *registrable; /* domain of {d}, {d} itself where there is none; NULL = not looked up
                                yet */
    struct sv_dkim_sum dkim_sum;    /* made anew by sv_judge_dkim, which comes before other parts */
    bool combined[SV_RECORDS_MAX];  /* in this report, by a part */
    bool explained[SV_RECORDS_MAX]; /* a finding of no record says why it is not right */
    bool disputed[SV_RECORDS_MAX];  /* wrong, but somebody still sees it right */
    sv_ms caches_until[SV_RECORDS_MAX]; /* when the last one forgets what the zone does not say; 0 =
                                           not known */
    enum sv_record_kind subject;        /* the records that facts are being looked for about */
};

/* Facts. */

/* A copy in the judge's own memory, ended by 0; NULL when that is used up. */
char *sv_judge_keep(struct sv_judge *judge, const char *bytes, size_t len);

/* Fills the fact from a borrowed answer. */
void sv_fact_take(struct sv_judge *judge, struct sv_fact *fact, const struct sv_dns_answer *answer);

void sv_evidence_take(struct sv_evidence *evidence, const struct sv_dns_answer *answer);

/* The same in the judge's own memory; NULL when that is used up. */
const struct sv_evidence *sv_evidence_keep(struct sv_judge *judge,
                                           const struct sv_dns_answer *answer);

/* Fills it from everything that was asked (views.c): the fact is the answer that counts, and those
 * that differ hang on it. What the zone's own servers publish counts, otherwise what resolvers
 * agree on; among different answers a right one, so that a part that judges the fact never reports
 * as wrong what is only not everywhere yet. What it says of the zone is not taken. */
void sv_fact_take_views(struct sv_judge *judge, struct sv_fact *fact,
                        const struct sv_dns_views *views);

/* Fills `fact`, a question for a DKIM alias, from the answers to the question for the TXT record at
 * its name; false when these leave something open, so that it has to be asked. */
bool sv_dkim_alias_take(struct sv_judge *judge, struct sv_fact *fact,
                        const struct sv_dns_views *views);

/* What answers a question: the fact, and what that tells of the zone. `views` NULL: nobody was
 * asked. */
void sv_fact_answer(struct sv_judge *judge, struct sv_fact *fact, const struct sv_dns_views *views);

/* True when DNS definitely said what is there, or that nothing is. */
bool sv_fact_known(const struct sv_fact *fact);

/* True when DNS definitely said that no record of the asked type is there. */
bool sv_fact_absent(const struct sv_fact *fact);

/* All kept values, shown, separated by ", ". */
void sv_fact_show(const struct sv_fact *fact, char out[SV_FINDING_VALUE_BYTES]);

/* The fact for a question of the expected records, e.g. the third DKIM alias (`nth` from 0). Never
 * NULL: what could not be asked is unknown. `record` (may be NULL) gets its place in the report. */
const struct sv_fact *sv_judge_asked(const struct sv_judge *judge, enum sv_record_kind kind,
                                     size_t nth, size_t *record);

/* Facts beyond the expected records: from the table, otherwise wanted for the next round. Never
 * NULL: beyond a limit it is unknown. Probes have one limit together (dns-auth section 2.7). */
const struct sv_fact *sv_judge_look(struct sv_judge *judge, const char *name, enum sv_rr_type type,
                                    unsigned *spent, unsigned spent_max);
const struct sv_fact *sv_judge_probe(struct sv_judge *judge, const char *name, enum sv_rr_type type,
                                     unsigned spent_max);

/* The same question at a sibling of the name that nobody would create: what is there, too, came
 * from a wildcard (RFC 4592). Never NULL: unknown where there can be no such name. */
const struct sv_fact *sv_judge_sibling(struct sv_judge *judge, const char *name,
                                       enum sv_rr_type type);

/* Whether a known answer holds what is looked for: the record `nth` of its kind. */
typedef bool sv_holds_fn(const struct sv_judge *judge, const struct sv_fact *fact, size_t nth);

/* Whether somebody put at the name of a probe what was looked for. No where it does not hold it, a
 * wildcard gave it, or that cannot be found out; unknown while an answer is still to come. */
enum sv_tri sv_judge_is_placed(struct sv_judge *judge, const struct sv_fact *fact, size_t nth,
                               sv_holds_fn *holds);

/* The name of a known record, or what it points to, in letters that DNS has not (judge_ascii.c). */
void sv_judge_ascii(struct sv_judge *judge, const struct sv_fact *fact, size_t record);

/* A typed name in presentation form, octets above 127 as \DDD; false when it is too long. */
bool sv_judge_escape(const char *text, char out[SV_NAME_BYTES]);

/* The verdict. All do nothing while only questions are looked for. */

void sv_judge_mark(struct sv_judge *judge, size_t record, enum sv_record_status status);
void sv_judge_seen(struct sv_judge *judge, size_t record, struct sv_span seen);
/* OK is yes, wrong is no, anything else unknown. */
enum sv_tri sv_tri_of_status(enum sv_record_status status);

/* One no is no; yes takes two. */
enum sv_tri sv_tri_both(enum sv_tri a, enum sv_tri b);

enum sv_record_status sv_judge_status(const struct sv_judge *judge, size_t record);

struct sv_naming {
    const char *owner, *expected, *found, *other; /* shown text; NULL = "" */
    uint32_t number;
    sv_ms until;
};

/* Fills the report, all zeros, with the expected records, all unknown. */
void sv_judge_begin(struct sv_judge *judge);

/* Adds a finding with the evidence of `fact`. `severity` SV_SEVERITY_NONE takes the catalogue's. */
void sv_judge_find(struct sv_judge *judge, enum sv_finding_code code, const struct sv_fact *fact,
                   enum sv_severity severity, const struct sv_naming *naming);

/* Whether one answer to the question of an expected record is what is needed; UNKNOWN = cannot be
 * told. */
typedef enum sv_tri sv_right_fn(const struct sv_judge *judge, size_t record,
                                const struct sv_fact *answer);

/* The usual sv_right_fn: the expected value is there. */
enum sv_tri sv_judge_is_right(const struct sv_judge *judge, size_t record,
                              const struct sv_fact *answer);

/* The status of a record from the status its part gave to the fact, and from all who said something
 * else about it (the table of dns-auth section 2.1); adds the findings about those. `right` judges
 * the other answers. Marks the record. A part may call it; for the others it is done at the end,
 * with sv_judge_is_right. Without a report it only answers. */
enum sv_record_status sv_judge_combine(struct sv_judge *judge, size_t record,
                                       const struct sv_fact *fact, enum sv_record_status status,
                                       sv_right_fn *right);

/* The parts. */

void sv_judge_ownership(struct sv_judge *judge);
void sv_judge_dkim(struct sv_judge *judge);
void sv_judge_mail_from(struct sv_judge *judge); /* with its SPF */

/* Whether an answer about the MAIL FROM domain holds SES's MX and no other. */
enum sv_tri sv_mail_from_is_right_mx(const struct sv_judge *judge, const struct sv_fact *answer);

/* The SPF record `kind` at `owner`: of the domain, or of its custom MAIL FROM. */
void sv_judge_spf(struct sv_judge *judge, enum sv_record_kind kind, const char *owner);

/* Looks around where it was asked to; nothing that is judged depends on it. */
void sv_judge_discover(struct sv_judge *judge);

/* Aliases that are not alone at their names, DKIM's apart. Asks for nothing. */
void sv_judge_conflicts(struct sv_judge *judge);

void sv_judge_dmarc(struct sv_judge *judge);

/* Remembers the zone that holds the name, and how its servers answered. */
void sv_zone_take(struct sv_judge *judge, const struct sv_fact *fact,
                  const struct sv_dns_views *views);

/* It should own the zone, and answers without authority, refuses, or points elsewhere (dns-auth
 * section 2.4). */
bool sv_zone_is_lame(const struct sv_dns_answer *answer);

/* A server of these views that the zone lists but its parent does not. */
bool sv_zone_is_outsider(const struct sv_dns_views *views, const struct sv_server_view *server);

/* Delegation, servers, DNSSEC and what else is the business of no record. */
void sv_judge_dns(struct sv_judge *judge);

/* Why a resolver calls the answer bogus: asks for the keys of the zone and compares. */
void sv_judge_dnssec(struct sv_judge *judge, const struct sv_fact *fact);

/* The code that an extended error names as the cause (dns-auth section 2.5); SV_F_NONE = none. */
enum sv_finding_code sv_ede_code(uint16_t ede);

/* A question of the judge's own, asked with checking disabled and signatures wanted. */
const struct sv_fact *sv_judge_look_unchecked(struct sv_judge *judge, const char *name,
                                              enum sv_rr_type type);

/* One finding for several names with the same fault: the first is its owner, all are listed in
 * `found`. */
void sv_judge_find_shared(struct sv_judge *judge, enum sv_finding_code code,
                          const struct sv_fact *fact, const struct sv_naming *naming);

/* Whether {d} can receive mail, as large receivers ask of a From domain; with its finding. */
void sv_judge_receives_mail(struct sv_judge *judge);

/* Whether mail to `name` can be delivered; `why` is the fact that decided (the MX where nothing
 * did). */
enum sv_tri sv_judge_can_receive(struct sv_judge *judge, const char *name, unsigned *spent,
                                 unsigned spent_max, const struct sv_fact **why);

/* Says why `fact` is unknown, where DNS gave a reason. Names with the same trouble share one
 * finding. */
void sv_judge_trouble(struct sv_judge *judge, const struct sv_fact *fact);

/* Hides what follows from other findings, and joins what is one. */
void sv_judge_find_cause(struct sv_judge *judge);

/* What large receivers ask of bulk senders, from everything else in the report (bulk.c). */
void sv_judge_bulk(struct sv_judge *judge);

/* Turns marks and findings into the flags and the digest of the report. */
void sv_judge_conclude(struct sv_judge *judge);

#endif
