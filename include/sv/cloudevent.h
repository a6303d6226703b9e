/* The messages of the outbox, rendered before the commit: CloudEvents 1.0, JSON (design
 * section 3.5). */
#ifndef SV_CLOUDEVENT_H
#define SV_CLOUDEVENT_H

#include <jansson.h>

#include "sv/judge.h"
#include "sv/state.h"

enum { SV_EVENT_FINDINGS_MAX = 16 };

/* Everything a domain.* event tells. All borrowed. */
struct sv_event_facts {
    const char *uid, *client_id, *contact_email;
    const struct sv_record_sheet *before,
        *after; /* after->domain.sequence is this event's number */
    const struct sv_effects *effects;
    const json_t *findings; /* array of sv_json_finding; NULL = DNS was not looked at */
    size_t findings_omitted;
    const struct sv_policy *policy;
    const char *job_id;              /* NULL = no job caused it */
    const struct sv_record *records; /* REGISTERED, or when they changed */
    size_t records_count;
    bool identity_existed; /* REGISTERED: SES had the identity before the job came */
    sv_ms now;
};

/* Whole JSON text of at most SV_STORE_EVENT_BYTES_MAX, findings cut as needed. The caller frees it.
 */
char *sv_cloudevent_domain(const struct sv_event_facts *facts);

/* job.finished in two halves, between which the outcome is put by the store: head +
 * "\"outcome\":\"done\"" [+ "reason", "retry_at"] + tail. The caller frees both. */
struct sv_job_event {
    char *head, *tail;
};

struct sv_job_facts {
    unsigned shard;
    const char *entry_id;
    const struct sv_job *job; /* as far as known: empty fields are left out */
    const char *uid;          /* "" = not known */
    /* Of a register or adopt that is done; UNKNOWN leaves the member out. */
    enum sv_tri identity_existed;
    sv_ms now;
};

struct sv_job_event sv_cloudevent_job(const struct sv_job_facts *facts);
void sv_job_event_free(struct sv_job_event *event);

/* The whole text with an outcome decided here; definitive SV_TRI_UNKNOWN leaves that member out,
 * reason NULL too. The caller frees it. */
char *sv_cloudevent_job_finished(const struct sv_job_facts *facts, const char *outcome,
                                 const char *reason, enum sv_tri definitive);

/* The pieces, for the commands too. New references. */
json_t *sv_json_record(const struct sv_record *record, enum sv_record_status status);
json_t *sv_json_evidence(const struct sv_evidence *evidence); /* null where nobody was asked */
json_t *sv_json_finding(const struct sv_finding *finding, const char *domain);
json_t *sv_json_findings(const struct sv_finding *findings, size_t count, const char *domain);
/* The codes among `findings` (sv_json_finding) that count for events, each once; temporary ones do
 * not (design section 3.5: the change set). */
json_t *sv_json_codes(const json_t *findings);
json_t *sv_json_flags(const struct sv_flags *flags);
json_t *sv_json_axes(const struct sv_domain *domain);

/* Adds {"old": ..., "new": ...} to `changed` for each axis and flag that is not what it was. */
void sv_json_add_changes(json_t *changed, const struct sv_domain *before,
                         const struct sv_domain *after);

json_t *sv_json_mail(const struct sv_domain *domain); /* null while SES told nothing of it */
json_t *sv_json_drift(uint32_t drift);                /* of sv_drift_name */
json_t *sv_json_time(sv_ms at);                       /* null for 0 */
json_t *sv_json_tri(enum sv_tri value);               /* null for unknown */

#endif
