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

enum {
    SV_PROBES_MAX = 8,          /* looks at wrong places, per judgement */
    SV_PROBES_NOT_DKIM_MAX = 7, /* the last one is kept for DKIM's second step */
    SV_SPF_LOOKS_MAX = 64,      /* questions of SPF, per judgement */
    SV_FACT_VALUES_MAX = 64,    /* records of one answer that are kept */
    SV_FACT_OTHERS_MAX = 8,     /* TXT records that do not speak of mail */
    SV_FACT_VALUE_BYTES = 4096, /* of one record */
    SV_KEEP_BYTES = 128 * 1024, /* all names and values of one judgement */
    SV_FACTS_MAX = SV_JUDGE_QUESTIONS_MAX,
};

/* A question, and what its answer said. A fact that is not answered is as good as unknown. */
struct sv_fact {
    const char *name;
    enum sv_rr_type type;
    unsigned how; /* SV_ASK_ bits of the question */
    bool handed, answered;
    enum sv_dns_outcome outcome;
    enum sv_dns_trouble trouble;
    bool incomplete;    /* a record that may matter did not fit into the limits */
    bool has_token;     /* a TXT record is exactly the ownership token */
    const char *alias;  /* target of the CNAME at `name` itself; NULL = there is none */
    size_t aliases;     /* how many CNAME records are at `name` itself */
    size_t values_seen; /* records of the asked type */
    size_t values_count, values_room;
    struct sv_span *values; /* TXT, SPF: octets; MX: "10 host"; A, AAAA: the address as text; NS,
                               PTR, CNAME: the host; ended by a 0 byte that does not count */
    const char *final_name; /* the end of the alias chain */
    struct sv_evidence evidence;
};

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
    unsigned probes, spf_looks, inherited_looks;
    struct sv_keep keep;
    struct sv_report *out;    /* where the verdict goes; NULL while only looking for questions */
    struct sv_report *report; /* made when first asked for: judgements in flight stay small */
    bool report_fresh;
    enum sv_record_kind subject; /* the records that facts are being looked for about */
};

/* Facts. */

/* A copy in the judge's own memory, ended by 0; NULL when that is used up. */
char *sv_judge_keep(struct sv_judge *judge, const char *bytes, size_t len);

/* Fills the fact from a borrowed answer. */
void sv_fact_take(struct sv_judge *judge, struct sv_fact *fact, const struct sv_dns_answer *answer);

void sv_evidence_take(struct sv_evidence *evidence, const struct sv_dns_answer *answer);

/* Fills it from everything that was asked (views.c). */
void sv_fact_take_views(struct sv_judge *judge, struct sv_fact *fact,
                        const struct sv_dns_views *views);

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
 * NULL: beyond a limit it is unknown. Probes and looks of SPF have limits of their own. */
const struct sv_fact *sv_judge_look(struct sv_judge *judge, const char *name, enum sv_rr_type type,
                                    unsigned *spent, unsigned spent_max);
const struct sv_fact *sv_judge_probe(struct sv_judge *judge, const char *name, enum sv_rr_type type,
                                     unsigned spent_max);

/* The verdict. All do nothing while only questions are looked for. */

void sv_judge_mark(struct sv_judge *judge, size_t record, enum sv_record_status status);
void sv_judge_seen(struct sv_judge *judge, size_t record, struct sv_span seen);
enum sv_record_status sv_judge_status(const struct sv_judge *judge, size_t record);

struct sv_naming {
    const char *owner, *expected, *found, *other; /* shown text; NULL = "" */
    uint32_t number;
    sv_ms until;
};

/* Fills the report with the expected records, all unknown. */
void sv_judge_begin(struct sv_judge *judge);

/* Adds a finding with the evidence of `fact`. `severity` SV_SEVERITY_NONE takes the catalogue's. */
void sv_judge_find(struct sv_judge *judge, enum sv_finding_code code, const struct sv_fact *fact,
                   enum sv_severity severity, const struct sv_naming *naming);

/* The parts. */

void sv_judge_ownership(struct sv_judge *judge);
void sv_judge_dkim(struct sv_judge *judge);
void sv_judge_mail_from(struct sv_judge *judge); /* with its SPF */

/* The SPF record `kind` at `owner`: of the domain, or of its custom MAIL FROM. */
void sv_judge_spf(struct sv_judge *judge, enum sv_record_kind kind, const char *owner);

void sv_judge_dmarc(struct sv_judge *judge);

/* Says why `fact` is unknown, where DNS gave a reason. Names with the same trouble share one
 * finding. */
void sv_judge_trouble(struct sv_judge *judge, const struct sv_fact *fact);

/* Turns marks and findings into the flags and the digest of the report. */
void sv_judge_conclude(struct sv_judge *judge);

#endif
