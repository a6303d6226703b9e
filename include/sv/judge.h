/* Judges one domain's DNS: hands out questions, takes answers, ends in a report. Pure: it never
 * sends, reads no clock and does not mind late, repeated or missing answers. */
#ifndef SV_JUDGE_H
#define SV_JUDGE_H

#include <stdbool.h>

#include "sv/discovery.h"
#include "sv/dmarc_path.h"
#include "sv/finding.h"
#include "sv/records.h"
#include "sv/rr.h"
#include "sv/spf_tree.h"
#include "sv/untold.h"
#include "sv/views.h"

enum { SV_JUDGE_QUESTIONS_MAX = 160 }; /* over one whole judgement, probes included */

struct sv_judge;

struct sv_report {
    size_t records_count;
    struct sv_record records[SV_RECORDS_MAX];
    enum sv_record_status statuses[SV_RECORDS_MAX]; /* beside `records` */
    struct sv_evidence
        seen_by[SV_RECORDS_MAX]; /* the answer that decided; server "" = never asked */
    char seen[SV_RECORDS_MAX]
             [SV_FINDING_VALUE_BYTES]; /* what was there, for people; "" = nothing */

    /* Beside `records`: a question that could have explained more about this record got no answer,
     * so the findings about it may be others the next time though nothing changed. */
    bool unsettled[SV_RECORDS_MAX];

    size_t findings_omitted;
    size_t findings_hidden; /* consequences of what is shown, left out (dns-auth section 11) */

    /* The records SES needs (DKIM aliases): ok only when all are right; wrong when one is
     * definitely not; absent when every one of them is definitely not there in any form; otherwise
     * unknown. */
    enum sv_record_status required;
    bool required_absent;
    uint32_t
        required_ttl_s; /* the longest (negative) TTL among the answers that decided; 0 = none */
    sv_ms
        required_seen_everywhere_at; /* waiting: when the last cache has forgotten; 0 = not known */
    bool
        required_disputed; /* wrong, but some view still sees every wrong record right: not for sure
                            */
    sv_ms required_cached_until; /* disputed: when the last cache has forgotten it; 0 = not known */
    enum sv_untold untold;       /* why `required` is unknown */
    bool authority_closed; /* the zones' own servers could not be asked: port 53 is closed here */

    enum sv_record_status
        mail_from; /* MX and SPF of the custom MAIL FROM; unknown when there is none */
    enum sv_tri spf_configured, dmarc_configured, meets_bulk_sender_requirements;
    struct sv_dmarc_path dmarc;
    struct sv_bulk bulk;
    struct sv_discovery discovery; /* filled where it was asked for */
    uint64_t digest;               /* sv_findings_digest */

    struct sv_spf_tree spf; /* of the envelope domain: {m}, or {d} without a custom MAIL FROM */

    /* In the order of sv/finding_codes.h: the first one is the cause to repair first. At most
     * SV_FINDINGS_MAX; NULL where there are none. The judge's. */
    struct sv_finding *findings;
    size_t findings_count, findings_room;
};

/* Copies everything it needs from `expect`; `zone` as in sv_records_list. Names are at most 253
 * characters, tokens at most 128. What it keeps of answers is bounded; free with sv_judge_free. */
struct sv_judge *sv_judge_new(const struct sv_expect *expect, const char *zone);
void sv_judge_free(struct sv_judge *judge); /* NULL is fine */

/* The next question that may be asked now, or false when there is none at the moment. Questions
 * handed out together are independent of each other and may be asked in parallel. Each is handed
 * out once. */
bool sv_judge_next(struct sv_judge *judge, struct sv_dns_question *out);

/* Takes what was asked about a question handed out before; NULL = it could not be asked (counts as
 * unknown). Borrowed. Repeated or unknown questions are ignored. New questions may become
 * available. */
void sv_judge_views(struct sv_judge *judge, const struct sv_dns_question *question,
                    const struct sv_dns_views *views);

/* The same for a report of one answer. */
void sv_judge_answer(struct sv_judge *judge, const struct sv_dns_question *question,
                     const struct sv_dns_answer *answer);

/* True when every question handed out is answered and no new one is wanted. */
bool sv_judge_done(const struct sv_judge *judge);

/* The verdict over what is known now: callable at any time, also when a deadline ended the asking
 * (the rest is unknown). It asks for nothing new. Borrowed until the judge is freed or answered
 * again. The first call allocates sizeof(struct sv_report), so that judgements in flight stay
 * small.
 */
const struct sv_report *sv_judge_report(struct sv_judge *judge);

#endif
