/* Saving what the core decided: state, events, the job's receipt and the next due time, in one
 * script. */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/detail.h"

/* What the commit under way borrows; freed with the check. */
struct saving {
    struct sv_state_fields fields;
    json_t *findings; /* while the texts are written; NULL = DNS was not looked at */
    char *event, *job_event, *detail, *change;
};

void check_commit_free(struct check *check)
{
    if (check->saving == NULL)
        return;
    free(check->saving->event);
    free(check->saving->job_event);
    free(check->saving->detail);
    free(check->saving->change);
    free(check->saving);
    check->saving = NULL;
}

/* The outcome of the open job, or NULL when this commit does not finish it. */
static const char *outcome(const struct check *check)
{
    const struct sv_open_job *job = &check->before.job;

    if (job->entry_id[0] == '\0')
        return NULL;
    if (check->job_outcome != NULL)
        return check->job_outcome;
    switch (check->input.kind) {
    case SV_INPUT_PROVISIONED:
        return job->type == SV_JOB_REGISTER || job->type == SV_JOB_ADOPT ? "done" : NULL;
    case SV_INPUT_LOOKED:
        return job->type == SV_JOB_REMOVE ? NULL : "done";
    case SV_INPUT_REMOVED:
        return job->type == SV_JOB_REMOVE ? "done" : "rejected";
    case SV_INPUT_FAULT:
        return job->type == SV_JOB_RECHECK ? "done" : NULL;
    case SV_INPUT_RESTARTED:
    case SV_INPUT_COUNT:
        break;
    }
    return NULL;
}

static char *render_job(const struct check *check, const char *how)
{
    const struct sv_open_job *open = &check->before.job;
    const char *reason = check->job_reason;
    struct sv_job job = {.type = open->type};
    struct sv_job_facts facts = {
        .shard = check->shard->index,
        .entry_id = open->entry_id,
        .job = &job,
        .uid = check->uid,
        .now = check->input.now,
    };
    enum sv_tri definitive = SV_TRI_UNKNOWN;

    (void)snprintf(job.id, sizeof job.id, "%s", open->id);
    (void)snprintf(job.client_id, sizeof job.client_id, "%s", check->client_id);
    (void)snprintf(job.account, sizeof job.account, "%s", check->before.registration.account);
    (void)snprintf(job.domain, sizeof job.domain, "%s", check->before.registration.domain);
    (void)snprintf(job.contact_email, sizeof job.contact_email, "%s", check->contact_email);
    (void)snprintf(job.traceparent, sizeof job.traceparent, "%s",
                   check->before.registration.traceparent);
    if (open->type == SV_JOB_RECHECK && strcmp(how, "done") == 0)
        definitive = check->effects.definitive ? SV_TRI_YES : SV_TRI_NO;
    if (check->input.kind == SV_INPUT_PROVISIONED && strcmp(how, "done") == 0)
        facts.identity_existed = check->existed ? SV_TRI_YES : SV_TRI_NO;
    if (reason == NULL && strcmp(how, "rejected") == 0)
        reason = "removed";
    return sv_cloudevent_job_finished(&facts, how, reason, definitive);
}

static struct sv_event_facts facts_of(const struct check *check)
{
    return (struct sv_event_facts){
        .uid = check->uid,
        .client_id = check->client_id,
        .contact_email = check->contact_email,
        .before = &check->before,
        .after = &check->after,
        .effects = &check->effects,
        .findings = check->saving->findings,
        .findings_omitted = check->findings_omitted,
        .policy = &check->drive->options.policy,
        .identity_existed = check->existed,
        .job_id = check->before.job.entry_id[0] == '\0' ? NULL : check->before.job.id,
        .now = check->input.now,
    };
}

static char *render_event(const struct check *check)
{
    struct sv_event_facts facts = facts_of(check);
    struct sv_record records[SV_RECORDS_MAX];

    if (check->effects.news == SV_NEWS_NONE)
        return NULL;
    if (check->effects.news == SV_NEWS_REGISTERED ||
        sv_change_is_records(&check->before.domain, &check->after.domain)) {
        struct sv_expect expect = check_expect(check);

        facts.records = records;
        facts.records_count = sv_records_list(&expect, check->registrable, records);
    }
    return sv_cloudevent_domain(&facts);
}

/* Findings are kept only from a look that saw everything there is to lose: a half-blind one must
 * not wipe what is known. A group that was not seen and has no findings loses none. */
static bool loses_nothing(const struct check *check)
{
    if (check->input.kind != SV_INPUT_LOOKED)
        return false;
    for (int group = 0; group < SV_GROUP_COUNT; group++) {
        if (!check->seen.group_known[group] && check->after.domain.findings[group] != 0)
            return false;
    }
    return true;
}

static char *render_detail(const struct check *check)
{
    if (check->input.kind == SV_INPUT_REMOVED)
        return sv_strdup("");
    return loses_nothing(check) ? sv_detail_write(check->saving->findings,
                                                  check->seen.authority_closed, check->input.now)
                                : NULL;
}

/* What is removed takes its history along. */
static char *render_change(const struct check *check)
{
    struct sv_event_facts facts = facts_of(check);

    if (check->input.kind == SV_INPUT_REMOVED)
        return sv_strdup("");
    return sv_change_write(&facts, loses_nothing(check));
}

/* A job sets what was registered; only an adopted MAIL FROM is ours to add. */
static void add_adopted_mail_from(const struct check *check, struct sv_state_fields *fields)
{
    const struct sv_registration *registration = &check->after.registration;

    if (strcmp(registration->mail_from, check->before.registration.mail_from) != 0)
        fields->fields[fields->count++] =
            (struct sv_field){.name = "mfd", .value = registration->mail_from};
}

/* Removed for good: no registration came after the removal. */
static bool is_given_back(const struct check *check)
{
    return check->input.kind == SV_INPUT_REMOVED && check->after.domain.todo == 0;
}

static void fill(struct check *check)
{
    struct saving *saving = sv_alloc(1, sizeof *saving);
    const char *how = outcome(check);
    bool recheck =
        check->before.job.entry_id[0] != '\0' && check->before.job.type == SV_JOB_RECHECK;

    check->saving = saving;
    sv_state_write(&check->after, &saving->fields);
    add_adopted_mail_from(check, &saving->fields);
    if (check->has_findings)
        saving->findings = sv_json_findings(check->findings, check->findings_count,
                                            check->after.registration.domain);
    saving->event = render_event(check);
    saving->job_event = how == NULL ? NULL : render_job(check, how);
    saving->detail = render_detail(check);
    saving->change = render_change(check);
    json_decref(saving->findings);
    check->errand.call.op = SV_STORE_COMMIT;
    check->errand.call.u.commit = (struct sv_store_commit){
        .uid = check->uid,
        .client_id = check->client_id,
        .own = check->own,
        .fence = check->fence,
        .sequence = check->before.domain.sequence,
        .from = sv_status_name(check->before.domain.status),
        .to = sv_status_name(check->after.domain.status),
        .fields = saving->fields.fields,
        .fields_count = saving->fields.count,
        .wait_ms = check->effects.wait_ms,
        .urgent = check->before.job.entry_id[0] != '\0' && how == NULL, /* it waits for us */
        .event = saving->event,
        .job_id = how == NULL ? NULL : check->before.job.id,
        .job_outcome = how,
        .job_event = saving->job_event,
        .give_back = how != NULL && recheck && !check->effects.definitive,
        .reset_attempts =
            check->effects.news == SV_NEWS_VERIFIED || check->effects.news == SV_NEWS_RESTORED,
        .detail = saving->detail,
        .change = saving->change,
        .forget_client = is_given_back(check),
    };
}

static void log_change(const struct check *check)
{
    const struct sv_effects *effects = &check->effects;

    if (effects->news == SV_NEWS_NONE)
        return;
    sv_log_line(
        check->drive->options.log, SV_LOG_INFO,
        effects->from == effects->to ? "domain_updated" : "state_changed",
        sv_news_name(effects->news), SV_LOG_STR("domain", check->after.registration.domain),
        SV_LOG_STR("client_id", check->client_id),
        SV_LOG_STR("state_from", sv_status_name(effects->from)),
        SV_LOG_STR("state_to", sv_status_name(effects->to)),
        SV_LOG_STR("reason", sv_reason_name(effects->reason)),
        SV_LOG_STR("conclusion", sv_conclusion_name(effects->shown)),
        SV_LOG_STR("job_id", check->before.job.id[0] == '\0' ? NULL : check->before.job.id));
}

static void settle(struct check *check)
{
    struct sv_drive *drive = check->drive;
    const struct sv_store_commit *commit = &check->errand.call.u.commit;

    switch (commit->verdict) {
    case SV_STORE_COMMITTED:
    case SV_STORE_ALREADY:
        drive->stats.checks_committed++;
        drive->stats.commits_repeated += commit->verdict == SV_STORE_ALREADY;
        drive->stats.events[check->effects.news]++;
        drive->stats.last_progress_at = drive_now(drive);
        measure_commit(check);
        couriers_wake(check->shard);
        log_change(check);
        return;
    case SV_STORE_FENCED:
        drive->stats.checks_fenced++;
        sv_log_line(drive->options.log, SV_LOG_WARN, "commit_fenced",
                    "the lease was lost: another worker looks after this domain",
                    SV_LOG_STR("domain", check->before.registration.domain));
        return;
    case SV_STORE_CONFLICT:
        drive->stats.checks_fenced++;
        sv_log_line(drive->options.log, SV_LOG_ERROR, "commit_conflict",
                    "sequence or status is not what the claim returned: the result was dropped",
                    SV_LOG_STR("domain", check->before.registration.domain));
        return;
    }
}

/* Before a removal is written its name is made a mere claim: should we end between the two, or
 * before the name is released, it does not stay held for ever by nobody. */
static bool loosen(struct check *check)
{
    if (!check->waiting) {
        check->waiting = true;
        check_ask_own(check, SV_STORE_OWN_LOOSEN);
        return false;
    }
    check->waiting = false;
    check->is_loose = true;
    if (check->result != SV_OK)
        check->step = CHECK_END; /* logged; the lease runs out and the work is done again */
    return check->result == SV_OK;
}

static bool commit(struct check *check)
{
    const struct sv_store_commit *done = &check->errand.call.u.commit;

    if (is_given_back(check) && !check->is_loose)
        return loosen(check);
    if (!check->waiting) {
        check->waiting = true;
        fill(check);
        check_ask_store(check);
        return false;
    }
    check->waiting = false;
    check->step = CHECK_END;
    if (check->result != SV_OK)
        return false; /* logged; the lease runs out and the work is done again */
    settle(check);
    if (is_given_back(check) && !done->again && done->verdict != SV_STORE_FENCED &&
        done->verdict != SV_STORE_CONFLICT)
        check->step = CHECK_DISOWN;
    return check->step == CHECK_DISOWN;
}

/* The name is free for others once the removal is written, unless the client has asked for it
 * again meanwhile; a crash in between leaves a claim that its client may renew, and that stands in
 * nobody's way after an hour. */
static bool disown(struct check *check)
{
    if (!check->waiting) {
        check->waiting = true;
        check_ask_own(check, SV_STORE_OWN_RELEASE);
        return false;
    }
    check->step = CHECK_END;
    return false;
}

bool check_commit_step(struct check *check)
{
    return check->step == CHECK_COMMIT ? commit(check) : disown(check);
}
