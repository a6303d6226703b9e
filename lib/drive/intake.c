/* One shard's door: jobs are read from the stream, checked, and admitted by one script each.
 *
 * Happy path: TAKE gives entries; each is parsed, its name claimed for the client (register,
 * adopt), then ADMIT writes receipt, domain and due time and acknowledges. Malformed ones are
 * buried with their payload; unacceptable ones are refused with a reason. A crash anywhere leaves
 * the entry pending: TAKE_PENDING finds it again, and every step may be repeated. A shard that this
 * worker serves no more is read once to the end: what its last TAKE brings is settled here. */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

enum { TAKE_MAX = 32, BLOCK_MS = 2000, MORE_MS = 100 };

enum entry_step { ENTRY_PARSE, ENTRY_OWN, ENTRY_ADMIT, ENTRY_DISOWN, ENTRY_BURY, ENTRY_END };

struct entry {
    struct shard *shard;
    struct entry *next, *previous; /* the shard's, in the order of the stream */
    struct letter letter;
    struct errand errand;
    enum entry_step step;
    bool waiting;
    enum sv_err result;
    char id[SV_STORE_ENTRY_ID_BYTES];
    char *payload;
    size_t payload_bytes;
    bool no_job_field;
    struct sv_job job;
    char uid[SV_UID_BYTES];
    char registrable[SV_NAME_BYTES];
    const char *reason;
    struct sv_errinfo fault;
    struct sv_state_fields fields;
    struct sv_job_event event;
    char *dead_event;
};

static void take(struct shard *shard);

static void log_entry(const struct entry *entry, enum sv_log_level level, const char *event,
                      const char *msg, const char *reason)
{
    const struct sv_job *job = &entry->job;

    sv_log_line(entry->shard->drive->options.log, level, event, msg,
                SV_LOG_STR("job_id", job->id[0] == '\0' ? entry->id : job->id),
                SV_LOG_STR("domain", job->domain[0] == '\0' ? NULL : job->domain),
                SV_LOG_STR("client_id", job->client_id[0] == '\0' ? NULL : job->client_id),
                SV_LOG_STR("reason", reason));
}

/* Two jobs about one domain are settled in their order: the last word counts. */
static bool is_behind_another(const struct entry *entry)
{
    for (const struct entry *e = entry->previous; e != NULL; e = e->previous) {
        if (strcmp(e->uid, entry->uid) == 0)
            return true;
    }
    return false;
}

static void link_entry(struct entry *entry)
{
    struct shard *shard = entry->shard;

    entry->previous = shard->last_entry;
    if (entry->previous != NULL)
        entry->previous->next = entry;
    else
        shard->first_entry = entry;
    shard->last_entry = entry;
}

static void unlink_entry(struct entry *entry)
{
    struct shard *shard = entry->shard;

    if (entry->previous != NULL)
        entry->previous->next = entry->next;
    else
        shard->first_entry = entry->next;
    if (entry->next != NULL)
        entry->next->previous = entry->previous;
    else
        shard->last_entry = entry->previous;
    for (struct entry *e = entry->next; e != NULL; e = e->next) {
        if (strcmp(e->uid, entry->uid) == 0)
            post(shard->drive, &e->letter); /* it may have waited for this one */
    }
}

static void free_entry(struct entry *entry)
{
    struct shard *shard = entry->shard;
    struct sv_drive *drive = shard->drive;

    unlink_entry(entry);
    sv_job_event_free(&entry->event);
    free(entry->dead_event);
    free(entry->payload);
    free(entry);
    SV_REQUIRE(shard->entries > 0);
    shard->entries--;
    drive->pending_calls--;
    if (shard->entries == 0 && shard->take_held)
        take(shard);
    drive_settle(drive);
}

static struct sv_job_facts facts_of(const struct entry *entry)
{
    return (struct sv_job_facts){
        .shard = entry->shard->index,
        .entry_id = entry->id,
        .job = &entry->job,
        .uid = entry->uid,
        .now = drive_now(entry->shard->drive),
    };
}

static const char *misplaced(const struct entry *entry)
{
    const struct sv_drive *drive = entry->shard->drive;
    uint32_t crc = sv_crc32(entry->job.client_id, strlen(entry->job.client_id));

    if (crc % drive->options.shards != entry->shard->index)
        return "wrong_shard";
    if (drive_teller(entry->shard->drive, entry->job.account) == NULL)
        return "unknown_account";
    return NULL;
}

static bool is_for_a_name(const struct entry *entry)
{
    return entry->job.type == SV_JOB_REGISTER || entry->job.type == SV_JOB_ADOPT;
}

static bool parse(struct entry *entry)
{
    struct sv_drive *drive = entry->shard->drive;
    const struct sv_name_rules *rules = &drive->options.rules;
    const struct sv_job_text text = {entry->payload, entry->payload_bytes, entry->id};
    enum sv_job_fault fault;

    drive->stats.jobs_taken++;
    measure_taken(entry->shard);
    if (entry->no_job_field) {
        entry->job = (struct sv_job){.type = SV_JOB_TYPE_COUNT};
        (void)snprintf(entry->job.id, sizeof entry->job.id, "%s", entry->id);
        entry->reason = "missing_job_field";
        (void)sv_err_set(&entry->fault, SV_EMALFORMED, "job", 0, "the entry has no field \"job\"");
        entry->step = ENTRY_BURY;
        return true;
    }
    fault = sv_job_parse(&text, rules, &entry->job, &entry->reason, &entry->fault);
    if (fault != SV_JOB_DEAD && misplaced(entry) != NULL) {
        entry->reason = misplaced(entry);
        (void)sv_err_set(&entry->fault, SV_EINVALID, "job", 0, "client %.60s, account %.60s: %s",
                         entry->job.client_id, entry->job.account, entry->reason);
        fault = SV_JOB_DEAD;
    }
    if (entry->job.domain[0] != '\0' && entry->job.client_id[0] != '\0')
        sv_uid(entry->job.account, entry->job.client_id, entry->job.domain, entry->uid);
    if (fault == SV_JOB_DEAD) {
        entry->step = ENTRY_BURY;
        return true;
    }
    entry->step = ENTRY_ADMIT;
    if (fault == SV_JOB_FINE) {
        if (sv_name_registrable(entry->job.domain, entry->registrable) != SV_OK)
            (void)snprintf(entry->registrable, sizeof entry->registrable, "%s", entry->job.domain);
        if (is_for_a_name(entry))
            entry->step = ENTRY_OWN;
    }
    return true;
}

static void on_errand(struct errand *errand, enum sv_err err)
{
    struct entry *entry = errand->owner;

    entry->result = err;
    if (err != SV_OK && err != SV_ECANCELED)
        sv_log_failure(entry->shard->drive->options.log, SV_LOG_ERROR, "intake_failed",
                       entry->job.domain, &errand->call.info);
    post(entry->shard->drive, &entry->letter);
}

static void run(struct entry *entry, enum sv_store_op op)
{
    entry->waiting = true;
    entry->errand.call.op = op;
    entry->errand.call.shard = entry->shard->index;
    errand_run(entry->shard->drive, &entry->errand, on_errand, entry);
}

static void own(struct entry *entry, enum sv_store_own_verb verb)
{
    entry->errand.call.u.own = (struct sv_store_own){
        .verb = verb,
        .registrable = entry->registrable,
        .domain = entry->job.domain,
        .account = entry->job.account,
        .client_id = entry->job.client_id,
        .uid = entry->uid,
        .allow_overlap = entry->shard->drive->options.allow_overlap,
    };
    run(entry, SV_STORE_OWN);
}

static bool claim_name(struct entry *entry)
{
    if (!entry->waiting) {
        own(entry, SV_STORE_OWN_CLAIM);
        return false;
    }
    entry->waiting = false;
    if (!entry->errand.call.u.own.granted) {
        entry->reason = "claimed_by_another_client";
        (void)sv_err_set(&entry->fault, SV_EEXISTS, "job", 0, "another client holds %.200s",
                         entry->errand.call.u.own.held_by_domain);
    }
    entry->step = ENTRY_ADMIT;
    return true;
}

static uint32_t todo_of(const struct sv_job *job)
{
    switch (job->type) {
    case SV_JOB_REGISTER:
    case SV_JOB_ADOPT:
        return SV_TODO_PROVISION;
    case SV_JOB_REMOVE:
        return SV_TODO_REMOVE | (job->delete_identity ? SV_TODO_DELETE : 0u);
    case SV_JOB_RECHECK:
    case SV_JOB_TYPE_COUNT:
        break;
    }
    return 0;
}

static void start_admit(struct entry *entry)
{
    const struct sv_limits *limits = &entry->shard->drive->options.limits;
    struct sv_job_facts facts = facts_of(entry);

    entry->event = sv_cloudevent_job(&facts);
    sv_state_write_job(&entry->job, &entry->fields);
    entry->errand.call.u.admit = (struct sv_store_admit){
        .entry_id = entry->id,
        .client_id = entry->job.client_id,
        .uid = entry->uid,
        .job_id = entry->job.id,
        .type = sv_job_type_name(entry->job.type),
        .refusal = entry->reason,
        .todo = todo_of(&entry->job),
        .withdrawn = entry->job.type == SV_JOB_REMOVE ? SV_TODO_PROVISION : 0,
        .contact_email = entry->job.contact_email,
        .domains_max = limits->domains_max,
        .attempts_max = limits->attempts_max,
        .cooldown_ms = limits->cooldown_ms,
        .fields = entry->fields.fields,
        .fields_count = entry->fields.count,
        .event_head = entry->event.head,
        .event_tail = entry->event.tail,
    };
    run(entry, SV_STORE_ADMIT);
}

static void tell_rejected(const struct entry *entry, const char *why, const char *reason)
{
    entry->shard->drive->stats.jobs_rejected++;
    measure_job(entry->shard, "rejected");
    log_entry(entry, SV_LOG_INFO, "job_rejected", why, reason);
}

static enum entry_step settle(struct entry *entry)
{
    struct sv_drive *drive = entry->shard->drive;
    struct sv_drive_stats *stats = &drive->stats;

    drive->stats.last_progress_at = drive_now(drive);
    entry->shard->refused = false;
    switch (entry->errand.call.u.admit.outcome) {
    case SV_STORE_OPENED:
        stats->jobs_opened++;
        log_entry(entry, SV_LOG_DEBUG, "job_opened", sv_job_type_name(entry->job.type), NULL);
        queue_wake(entry->shard);
        break;
    case SV_STORE_COALESCED:
        stats->jobs_coalesced++;
        measure_job(entry->shard, "coalesced");
        log_entry(entry, SV_LOG_DEBUG, "job_coalesced", sv_job_type_name(entry->job.type), NULL);
        queue_wake(entry->shard);
        break;
    case SV_STORE_REJECTED_COOLDOWN:
        tell_rejected(entry, "too many rechecks", "cooldown");
        break;
    case SV_STORE_REJECTED_DOMAIN_LIMIT:
        tell_rejected(entry, "the client has too many domains", "domain_limit");
        return ENTRY_DISOWN;
    case SV_STORE_REJECTED_NOT_REGISTERED:
        tell_rejected(entry, "no such domain", "not_registered");
        break;
    case SV_STORE_REJECTED_SUPERSEDED:
        tell_rejected(entry, "a later job about the domain was let in before it", "superseded");
        break;
    case SV_STORE_REJECTED_REMOVED_SINCE:
        tell_rejected(entry, "a later job has removed the domain", "superseded");
        return is_for_a_name(entry) ? ENTRY_DISOWN : ENTRY_END;
    case SV_STORE_REFUSED:
        tell_rejected(entry, entry->fault.text, entry->reason);
        break;
    case SV_STORE_DUPLICATE:
        stats->jobs_duplicate++;
        log_entry(entry, SV_LOG_DEBUG, "job_repeated", "settled before", NULL);
        break;
    }
    return ENTRY_END;
}

static bool admit(struct entry *entry)
{
    if (!entry->waiting) {
        start_admit(entry);
        return false;
    }
    entry->waiting = false;
    entry->step = settle(entry);
    return true;
}

static bool disown(struct entry *entry)
{
    if (!entry->waiting) {
        own(entry, SV_STORE_OWN_RELEASE);
        return false;
    }
    entry->step = ENTRY_END;
    return true;
}

static bool bury(struct entry *entry)
{
    if (!entry->waiting) {
        struct sv_job_facts facts = facts_of(entry);

        entry->dead_event =
            sv_cloudevent_job_finished(&facts, "dead", entry->reason, SV_TRI_UNKNOWN);
        entry->errand.call.u.bury = (struct sv_store_bury){
            .entry_id = entry->id,
            .reason = entry->reason,
            .error = entry->fault.text,
            .payload = entry->payload,
            .payload_bytes = entry->payload_bytes,
            .event = entry->dead_event,
        };
        run(entry, SV_STORE_BURY);
        return false;
    }
    entry->shard->drive->stats.jobs_dead++;
    measure_dead(entry->shard, entry->reason);
    log_entry(entry, SV_LOG_WARN, "job_dead", entry->fault.text, entry->reason);
    entry->step = ENTRY_END;
    return true;
}

static bool step(struct entry *entry)
{
    switch (entry->step) {
    case ENTRY_PARSE:
        return parse(entry);
    case ENTRY_OWN:
        return claim_name(entry);
    case ENTRY_ADMIT:
        return admit(entry);
    case ENTRY_DISOWN:
        return disown(entry);
    case ENTRY_BURY:
        return bury(entry);
    case ENTRY_END:
        break;
    }
    return false;
}

static bool may_step(const struct entry *entry)
{
    return entry->step == ENTRY_PARSE || entry->waiting || !is_behind_another(entry);
}

static void run_entry(void *owner)
{
    struct entry *entry = owner;

    if (!errand_is_idle(&entry->errand))
        return; /* its answer is still to come */
    /* A failed or canceled call leaves the entry pending in the stream: it comes again. */
    if (entry->waiting && entry->result != SV_OK && entry->result != SV_ECANCELED)
        entry->shard->failed = entry->shard->refused = true;
    if (drive_is_closing(entry->shard->drive) || (entry->waiting && entry->result != SV_OK))
        entry->step = ENTRY_END;
    while (may_step(entry) && step(entry))
        ;
    if (entry->step == ENTRY_END)
        free_entry(entry);
}

static void open_entry(struct shard *shard, const struct sv_store_entry *given)
{
    struct sv_drive *drive = shard->drive;
    struct entry *entry;

    if (given->buried != NULL) {
        drive->stats.jobs_taken++;
        drive->stats.jobs_dead++;
        measure_taken(shard);
        measure_dead(shard, given->buried);
        sv_log_line(drive->options.log, SV_LOG_WARN, "job_dead",
                    "the entry was moved to the dead letters unread",
                    SV_LOG_STR("job_id", given->id), SV_LOG_STR("reason", given->buried));
        return;
    }
    entry = sv_alloc(1, sizeof *entry);
    entry->shard = shard;
    entry->letter = (struct letter){.step = run_entry, .owner = entry};
    (void)snprintf(entry->id, sizeof entry->id, "%s", given->id);
    entry->payload = sv_strndup(given->payload, given->payload_bytes);
    entry->payload_bytes = given->payload_bytes;
    entry->no_job_field = given->no_job_field;
    shard->entries++;
    drive->pending_calls++;
    link_entry(entry);
    post(drive, &entry->letter);
}

static void open_entries(struct shard *shard, const struct sv_store_take *taken)
{
    for (size_t i = 0; i < taken->count; i++)
        open_entry(shard, &taken->entries[i]);
}

static void on_taken(struct errand *errand, enum sv_err err)
{
    struct shard *shard = errand->owner;

    if (err == SV_OK)
        open_entries(shard, &errand->call.u.take);
    else if (err != SV_ECANCELED)
        sv_log_failure(shard->drive->options.log, SV_LOG_ERROR, "intake_failed", NULL,
                       &errand->call.info);
    if (err == SV_ECANCELED || shard->drive->phase != DRIVE_WORKING)
        return;
    if (err !=
        SV_OK) { /* what could not be read may be pending now: look there first, and breathe */
        shard->take_held = true;
        alarm_set(shard->drive, &shard->pending_at, SV_SECOND);
        return;
    }
    shard->take_held = shard->entries > 0;
    if (!shard->take_held)
        take(shard);
}

static void take(struct shard *shard)
{
    shard->take_held = false;
    if (shard->drive->phase != DRIVE_WORKING || !shard->served || !errand_is_idle(&shard->take))
        return;
    shard->take.call.op = SV_STORE_TAKE;
    shard->take.call.shard = shard->index;
    shard->take.call.u.take = (struct sv_store_take){.entries_max = TAKE_MAX, .block_ms = BLOCK_MS};
    errand_run(shard->drive, &shard->take, on_taken, shard);
}

static void pause_pending(struct shard *shard)
{
    sv_ms pause_ms = shard->drive->options.reclaim_ms / 2;

    pause_ms += (sv_ms)sv_rand_below(shard->drive->options.rand, (uint64_t)pause_ms + 1);
    alarm_set(shard->drive, &shard->pending_at, pause_ms);
}

static void on_pending(struct errand *errand, enum sv_err err)
{
    struct shard *shard = errand->owner;
    struct sv_drive *drive = shard->drive;

    if (err == SV_ECANCELED || drive->phase != DRIVE_WORKING)
        return;
    if (err == SV_OK)
        open_entries(shard, &errand->call.u.take);
    else
        sv_log_failure(drive->options.log, SV_LOG_ERROR, "intake_failed", NULL, &errand->call.info);
    if (err == SV_OK && errand->call.u.take.count > 0)
        alarm_set(drive, &shard->pending_at, MORE_MS); /* there may be more */
    else if (shard->served || shard->failed || err != SV_OK || !errand_is_idle(&shard->take))
        pause_pending(shard); /* otherwise nothing here is ours any more */
    if (shard->entries == 0)
        take(shard);
    else if (errand_is_idle(&shard->take))
        shard->take_held = true;
}

/* Never while entries are being admitted: ours would come a second time. */
static void on_pending_at(struct alarm *alarm)
{
    struct shard *shard = alarm->owner;

    if (shard->entries > 0 || !errand_is_idle(&shard->pending)) {
        alarm_set(shard->drive, alarm, MORE_MS);
        return;
    }
    if (shard->failed) { /* what the store refused it would refuse again at once */
        shard->failed = false;
        pause_pending(shard);
        return;
    }
    shard->pending.call.op = SV_STORE_TAKE_PENDING;
    shard->pending.call.shard = shard->index;
    shard->pending.call.u.take = (struct sv_store_take){
        .entries_max = TAKE_MAX,
        .idle_ms = shard->drive->options.reclaim_ms,
        .deliveries_max = shard->refused ? 0 : shard->drive->options.deaths_max};
    errand_run(shard->drive, &shard->pending, on_pending, shard);
}

void intake_start(struct shard *shard)
{
    alarm_init(&shard->pending_at, on_pending_at, shard);
}

void intake_begin(struct shard *shard)
{
    shard->was_read = true;
    on_pending_at(&shard->pending_at);
}

void intake_stop(struct shard *shard)
{
    errand_cancel(&shard->take);
    errand_cancel(&shard->pending);
    if (shard->pending_at.owner != NULL)
        alarm_stop(shard->drive, &shard->pending_at);
}
