/* Names that were claimed for a domain that is not there: their worker died between the claim and
 * what was to follow it (a job refused at the door, a removal that was written). Such a claim
 * stands in nobody's way after an hour, but nobody would ever take it away.
 *
 * Happy path: whoever serves a shard walks through the names of all shards, a page at a time; a
 * claim that has stood for ten minutes is looked up by its domain (READ), and dropped where there
 * is none (DROP). The two are in different slots, so never one step: the script drops the claim
 * that was seen, and no other. A job that claims the name meanwhile makes another claim; one that
 * stood still for so long between claim and record confirms its claim, or is refused, before
 * anything is done at SES.
 *
 * Every walk sees all names: so whoever serves a shard begins one once in sweep_every_ms times the
 * number of shards. What cannot be read or dropped waits for the next walk. */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"

static const sv_ms idle_ms = 10 * SV_MINUTE; /* far longer than from a claim to its record */
static const sv_ms page_pause_ms = 100;

struct stray {
    char registrable[SV_NAME_BYTES], domain[SV_NAME_BYTES], account[SV_ACCOUNT_BYTES];
    char client_id[SV_CLIENT_BYTES], uid[SV_UID_BYTES];
    sv_ms claimed_at;
};

static void go_on(struct shard *shard);

static sv_ms period_of(const struct sv_drive *drive)
{
    return drive->options.sweep_every_ms * (sv_ms)drive->options.shards;
}

static void end(struct shard *shard)
{
    struct strays *strays = &shard->strays;

    free(strays->page);
    strays->page = NULL;
    strays->count = strays->at = 0;
    (void)snprintf(strays->cursor, sizeof(strays->cursor), "0");
    if (shard->drive->phase == DRIVE_WORKING)
        alarm_set(shard->drive, &strays->alarm, period_of(shard->drive));
}

static void copy(struct stray *out, const struct sv_store_stray *stray)
{
    (void)snprintf(out->registrable, sizeof(out->registrable), "%s", stray->registrable);
    (void)snprintf(out->domain, sizeof(out->domain), "%s", stray->domain);
    (void)snprintf(out->account, sizeof(out->account), "%s", stray->account);
    (void)snprintf(out->client_id, sizeof(out->client_id), "%s", stray->client_id);
    (void)snprintf(out->uid, sizeof(out->uid), "%s", stray->uid);
    out->claimed_at = stray->claimed_at;
}

static void take_page(struct shard *shard, const struct sv_store_strays *page)
{
    struct strays *strays = &shard->strays;
    sv_ms now = drive_now(shard->drive);

    strays->page = sv_realloc(strays->page, (page->count + 1) * sizeof(strays->page[0]));
    strays->count = strays->at = 0;
    for (size_t i = 0; i < page->count; i++) {
        if (page->strays[i].claimed_at + idle_ms < now)
            copy(&strays->page[strays->count++], &page->strays[i]);
    }
    (void)snprintf(strays->cursor, sizeof(strays->cursor), "%s", page->next_cursor);
}

/* A record that was given back, and of which nothing more is owed, is none. */
static bool is_there(const struct sv_store_read *read)
{
    if (!read->found)
        return false;
    for (size_t i = 0; i < read->fields_count; i++) {
        if (strcmp(read->fields[i].name, "st") == 0 &&
            strcmp(read->fields[i].value, "removed") == 0)
            return read->running || read->due_at > 0;
    }
    return true;
}

static void tell(const struct shard *shard, const struct stray *stray)
{
    sv_log_line(shard->drive->options.log, SV_LOG_INFO, "claim_dropped",
                "a name was claimed for a domain that is not there: it is free again",
                SV_LOG_STR("domain", stray->domain), SV_LOG_STR("client", stray->client_id));
}

static void on_done(struct errand *errand, enum sv_err err);

static void drop(struct shard *shard, const struct stray *stray)
{
    struct errand *errand = &shard->strays.errand;

    errand->call.op = SV_STORE_OWN;
    errand->call.shard = shard->index;
    errand->call.u.own = (struct sv_store_own){.verb = SV_STORE_OWN_DROP,
                                               .registrable = stray->registrable,
                                               .domain = stray->domain,
                                               .account = stray->account,
                                               .client_id = stray->client_id,
                                               .uid = stray->uid,
                                               .claimed_at = stray->claimed_at,
                                               .idle_ms = idle_ms};
    errand_run(shard->drive, errand, on_done, shard);
}

static void on_done(struct errand *errand, enum sv_err err)
{
    struct shard *shard = errand->owner;
    struct strays *strays = &shard->strays;
    enum sv_store_op op = errand->call.op;

    if (err == SV_ECANCELED || shard->drive->phase != DRIVE_WORKING) {
        end(shard);
        return;
    }
    if (err != SV_OK)
        sv_log_failure(shard->drive->options.log, SV_LOG_ERROR, "claims_unreadable", NULL,
                       &errand->call.info);
    if (err != SV_OK && op == SV_STORE_STRAYS) {
        end(shard);
        return;
    }
    if (err == SV_OK && op == SV_STORE_STRAYS)
        take_page(shard, &errand->call.u.strays);
    if (err == SV_OK && op == SV_STORE_READ && !is_there(&errand->call.u.read)) {
        drop(shard, &strays->page[strays->at - 1]);
        return;
    }
    if (err == SV_OK && op == SV_STORE_OWN && errand->call.u.own.granted)
        tell(shard, &strays->page[strays->at - 1]);
    go_on(shard);
}

/* The next claim of the page; behind the last one a pause, then the next page. */
static void go_on(struct shard *shard)
{
    struct strays *strays = &shard->strays;
    struct sv_store_call *call = &strays->errand.call;
    const struct stray *stray;

    if (strays->at == strays->count) {
        if (strcmp(strays->cursor, "0") == 0)
            end(shard);
        else
            alarm_set(shard->drive, &strays->alarm, page_pause_ms);
        return;
    }
    stray = &strays->page[strays->at++];
    call->op = SV_STORE_READ;
    call->shard =
        sv_crc32(stray->client_id, strlen(stray->client_id)) % shard->drive->options.shards;
    call->u.read = (struct sv_store_read){.uid = stray->uid};
    errand_run(shard->drive, &strays->errand, on_done, shard);
}

static void on_alarm(struct alarm *alarm)
{
    struct shard *shard = alarm->owner;
    struct strays *strays = &shard->strays;

    if (!shard->served) {
        end(shard);
        return;
    }
    strays->errand.call.op = SV_STORE_STRAYS;
    strays->errand.call.shard = shard->index;
    strays->errand.call.u.strays = (struct sv_store_strays){.cursor = strays->cursor};
    errand_run(shard->drive, &strays->errand, on_done, shard);
}

/* A worker that is restarted often walks now and then all the same. */
void strays_start(struct shard *shard)
{
    struct sv_drive *drive = shard->drive;
    sv_ms period_ms = period_of(drive);

    alarm_init(&shard->strays.alarm, on_alarm, shard);
    (void)snprintf(shard->strays.cursor, sizeof(shard->strays.cursor), "0");
    if (period_ms > 0)
        alarm_set(drive, &shard->strays.alarm,
                  1 + (sv_ms)sv_rand_below(drive->options.rand, (uint64_t)period_ms));
}

void strays_stop(struct shard *shard)
{
    errand_cancel(&shard->strays.errand);
    if (shard->strays.alarm.owner != NULL)
        alarm_stop(shard->drive, &shard->strays.alarm);
    if (errand_is_idle(&shard->strays.errand))
        end(shard); /* otherwise when the call that borrows from the page has ended */
}
