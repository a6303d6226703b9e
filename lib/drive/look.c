/* Looking at a domain: the judge's questions to DNS, then, where it can help, the account's next
 * batched read at SES. */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/observe.h"
#include "sv/require.h"

/* Questions and answers are what takes memory, and whoever is answered quickly needs it only for a
 * moment: so few ask at once. One that is not answered quickly must not hold up the others, so it
 * loses its place and goes on asking. */
enum { ASKING_MAX = 64, SLOW_MS = 250 };

/* One question under way. */
struct question {
    struct check *check; /* NULL once the check has stopped asking */
    struct sv_drive *drive;
    struct sv_lookup lookup;
    struct question *next, *previous;
};

/* A letter was kept for each record; one that could not be told this time is as it was. */
static unsigned right_records(const char *verdicts)
{
    unsigned right = 0;

    for (size_t i = 0; verdicts[i] != '\0'; i++)
        right |= sv_verdict_read(verdicts[i]) == SV_RECORD_OK ? 1u << i : 0;
    return right;
}

struct sv_expect check_expect(const struct check *check)
{
    const struct sv_registration *registration = &check->after.registration;
    struct sv_expect expect = {
        .domain = registration->domain,
        .region = check->teller->account.region,
        .mail_from = registration->mail_from[0] == '\0' ? NULL : registration->mail_from,
        .ownership_token =
            registration->ownership_token[0] == '\0' ? NULL : registration->ownership_token,
        .was_right = right_records(registration->verdicts),
        .seen_before = check->before.domain.was_verified,
        .dmarc_policy = check->drive->options.dmarc_policy,
        .is_feedback_host = check->drive->options.is_feedback_host,
    };

    sv_state_expect_dkim(registration, check->teller->account.setup, &expect);
    return expect;
}

static void unlink_question(struct question *question)
{
    struct check *check = question->check;

    if (question->previous != NULL)
        question->previous->next = question->next;
    else
        check->questions = question->next;
    if (question->next != NULL)
        question->next->previous = question->previous;
    check->questions_count--;
}

static void on_lookup(struct sv_lookup *lookup, enum sv_err err, const struct sv_dns_views *views)
{
    struct question *question = lookup->owner;
    struct check *check = question->check;
    struct sv_drive *drive = question->drive;

    if (check != NULL) {
        unlink_question(question);
        sv_judge_views(check->judge, &lookup->question, err == SV_OK ? views : NULL);
        check_post(check);
    }
    free(question);
    drive->pending_calls--;
    drive_settle(drive);
}

static void ask(struct check *check, const struct sv_dns_question *asked)
{
    struct sv_drive *drive = check->drive;
    struct question *question = sv_alloc(1, sizeof *question);
    struct sv_errinfo info;

    question->check = check;
    question->drive = drive;
    question->lookup.owner = question;
    question->lookup.question = *asked;
    if (sv_lookup_start(drive->options.resolver, &question->lookup, on_lookup, &info) != SV_OK) {
        sv_judge_answer(check->judge, asked, NULL);
        free(question);
        return;
    }
    drive->stats.dns_questions++;
    drive->pending_calls++;
    question->next = check->questions;
    if (check->questions != NULL)
        check->questions->previous = question;
    check->questions = question;
    check->questions_count++;
}

/* Lets go of the questions under way: their answers find nobody. */
static void stop_asking(struct check *check)
{
    while (check->questions != NULL) {
        struct question *question = check->questions;

        unlink_question(question);
        question->check = NULL;
        sv_lookup_cancel(&question->lookup);
    }
}

static void let_next_ask(struct sv_drive *drive)
{
    while (drive->asking < ASKING_MAX && drive->asking_head != NULL) {
        struct check *check = drive->asking_head;

        drive->asking_head = check->next_asking;
        if (drive->asking_head == NULL)
            drive->asking_tail = NULL;
        check->asking = ASKING_NOW;
        drive->asking_line--;
        drive->asking++;
        check_post(check);
    }
    queue_line(drive);
}

static void leave_line(struct check *check)
{
    struct sv_drive *drive = check->drive;
    struct check **link = &drive->asking_head, *last = NULL;

    while (*link != check) {
        last = *link;
        link = &last->next_asking;
    }
    *link = check->next_asking;
    drive->asking_line--;
    if (drive->asking_tail == check)
        drive->asking_tail = last;
}

/* True when its turn has come. */
static bool may_ask(struct check *check)
{
    struct sv_drive *drive = check->drive;

    if (check->asking != ASKING_NOT)
        return check->asking != ASKING_IN_LINE;
    if (drive->asking < ASKING_MAX) { /* then nobody is in line */
        check->asking = ASKING_NOW;
        drive->asking++;
        return true;
    }
    check->asking = ASKING_IN_LINE;
    check->next_asking = NULL;
    if (drive->asking_tail == NULL)
        drive->asking_head = check;
    else
        drive->asking_tail->next_asking = check;
    drive->asking_tail = check;
    drive->asking_line++;
    return false;
}

static void set_asking(struct check *check, enum asking asking)
{
    struct sv_drive *drive = check->drive;

    if (check->asking == ASKING_IN_LINE)
        leave_line(check);
    if (check->asking == ASKING_NOW)
        drive->asking--;
    check->asking = asking;
    let_next_ask(drive);
}

static void on_dns_deadline(struct alarm *alarm)
{
    struct check *check = alarm->owner;

    check->dns_over = true;
    check_post(check);
}

static sv_ms slow_ms(const struct sv_drive *drive)
{
    return drive->options.dns_ms < SLOW_MS ? drive->options.dns_ms : SLOW_MS;
}

static void on_slow(struct alarm *alarm)
{
    struct check *check = alarm->owner;

    set_asking(check, ASKING_SLOWLY);
    alarm_init(alarm, on_dns_deadline, check);
    alarm_set(check->drive, alarm, check->drive->options.dns_ms - slow_ms(check->drive));
}

static void keep_verdicts(struct check *check, const struct sv_report *report)
{
    static const char letters[] = {[SV_RECORD_UNKNOWN] = 'u',
                                   [SV_RECORD_OK] = 'o',
                                   [SV_RECORD_WRONG] = 'w',
                                   [SV_RECORD_WAITING] = 'W'};
    char *verdicts = check->after.registration.verdicts;
    size_t known = strlen(verdicts);

    for (size_t i = 0; i < report->records_count; i++) {
        if (report->statuses[i] != SV_RECORD_UNKNOWN || i >= known)
            verdicts[i] = letters[report->statuses[i]];
    }
    verdicts[report->records_count] = '\0';
}

/* They become JSON when there is something to save: as a tree each would take ten times its text,
 * and many checks wait for SES at once. */
static void keep_findings(struct check *check, const struct sv_report *report)
{
    size_t bytes = report->findings_count * sizeof *check->findings;

    check->has_findings = true;
    check->findings_count = report->findings_count;
    check->findings_omitted = report->findings_omitted;
    check->findings = sv_realloc(check->findings, bytes);
    if (bytes > 0)
        memcpy(check->findings, report->findings, bytes);
}

/* Takes what matters out of the judge and frees it: a report is large. */
static void conclude(struct check *check)
{
    const struct sv_report *report = sv_judge_report(check->judge);

    sv_observe_dns(report, check->after.registration.mail_from, &check->seen);
    keep_verdicts(check, report);
    keep_findings(check, report);
    check_look_stop(check);
}

void check_note_pending(struct check *check)
{
    const char *domain = check->after.registration.domain;
    struct sv_finding *finding;

    if (!check->has_findings)
        return;
    check->findings =
        sv_realloc(check->findings, (check->findings_count + 1) * sizeof *check->findings);
    finding = &check->findings[check->findings_count++];
    *finding = (struct sv_finding){.code = SV_F_DKIM_SES_PENDING, .severity = SV_TEMPORARY};
    memcpy(finding->owner, domain, strlen(domain) + 1);
}

void check_look_stop(struct check *check)
{
    stop_asking(check);
    set_asking(check, ASKING_NOT);
    if (check->dns_deadline.owner != NULL)
        alarm_stop(check->drive, &check->dns_deadline);
    sv_judge_free(check->judge);
    check->judge = NULL;
    if (check->teller != NULL)
        reader_forget(&check->teller->reader, check);
}

static bool look_at_dns(struct check *check)
{
    struct sv_dns_question question;

    if (!may_ask(check))
        return false;
    if (check->judge == NULL) {
        struct sv_expect expect = check_expect(check);

        check->judge = sv_judge_new(&expect, check->registrable);
        alarm_init(&check->dns_deadline, on_slow, check);
        alarm_set(check->drive, &check->dns_deadline, slow_ms(check->drive));
    }
    while (!check->dns_over && sv_judge_next(check->judge, &question))
        ask(check, &question);
    if (!check->dns_over && !sv_judge_done(check->judge))
        return false;
    conclude(check);
    check->step = CHECK_SES;
    return true;
}

/* Only so many Gets wait at once: the others of a mass failure decide without one. */
static bool wants_detail(struct check *check)
{
    struct sv_drive *drive = check->drive;

    return sv_domain_wants_detail(&check->before.domain, &drive->options.policy, drive_now(drive),
                                  &check->seen) &&
           reader_begin_detail(&check->teller->reader, check);
}

static bool look_at_ses(struct check *check)
{
    struct sv_drive *drive = check->drive;

    if (!check->waiting) {
        if (!check->before.hurried &&
            !sv_domain_wants_ses(&check->before.domain, &drive->options.policy, drive_now(drive),
                                 &check->seen)) {
            check->seen.ses_skipped = true;
            check->step = CHECK_MAIL;
            return true;
        }
        check->waiting = true;
        reader_queue(&check->teller->reader, check);
        return false;
    }
    if (check->round_waiting)
        return false; /* posted by something else */
    check->waiting = false;
    check_take_told(check);
    check->step = wants_detail(check) ? CHECK_DETAIL : CHECK_MAIL;
    return true;
}

/* What a Get tells beyond the reads: why SES's own look failed, and when that was. Nothing depends
 * on it, so a Get that fails is no fault of the look. */
static bool look_at_detail(struct check *check)
{
    const struct sv_ses_identity *identity;

    if (!check_called_ses(check, SV_SES_GET))
        return false;
    identity = &check->ses->identity;
    reader_end_detail(&check->teller->reader, check);
    if (check->result == SV_OK) {
        check->seen.detailed = true;
        check->seen.ses_reason = identity->reason;
        check->seen.ses_checked_at = identity->last_checked_at;
        check_take_details(check, identity);
    }
    check->step = CHECK_MAIL;
    return true;
}

bool check_look_step(struct check *check)
{
    SV_REQUIRE(check->step == CHECK_DNS || check->step == CHECK_SES || check->step == CHECK_DETAIL);
    if (check->step == CHECK_DNS)
        return look_at_dns(check);
    return check->step == CHECK_SES ? look_at_ses(check) : look_at_detail(check);
}
