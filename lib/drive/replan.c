/* The clock of a server went back: what was planned by it lies too far ahead, by years if it had
 * been wrong by years. Whoever serves the shard notices by its own monotonic clock, and has every
 * domain looked at now that would wait for more than an hour: it lists the shard's domains, reads
 * each and brings its look forward (HURRY), one after the other. What cannot be read, or is lost
 * with this worker, waits as long as it says; `sesverify enqueue recheck` hurries it.
 *
 * A clock that goes forward needs none of this: everything is due at once then, and the limits
 * hold. Clocks are compared per shard, since shards may be on different servers.
 */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"

enum { PAGE_HINT = 100 };
#define JUMP_MS SV_HOUR /* less than that is neither noticed nor worth it */

static void go_on(struct replan *replan);

static void end(struct shard *shard)
{
    struct replan *replan = &shard->replan;

    free(replan->uids);
    replan->uids = NULL;
    replan->count = replan->at = 0;
    replan->walking = false;
}

static sv_ms now_of(const struct shard *shard)
{
    return drive_monotonic(shard->drive) + shard->replan.ahead_ms;
}

/* Longer names are none of our domains. */
static void take_page(struct replan *replan, const struct sv_store_list *page)
{
    replan->uids = sv_realloc(replan->uids, (page->count + 1) * sizeof(replan->uids[0]));
    replan->count = replan->at = 0;
    for (size_t i = 0; i < page->count; i++) {
        if (strlen(page->uids[i]) < sizeof(replan->uids[0]))
            (void)snprintf(replan->uids[replan->count++], sizeof(replan->uids[0]), "%s",
                           page->uids[i]);
    }
    (void)snprintf(replan->cursor, sizeof(replan->cursor), "%s", page->next_cursor);
}

/* True when it waits too long. One that runs is planned by the new clock when it is committed. */
static bool take_domain(struct shard *shard, const struct sv_store_read *read)
{
    if (!read->found)
        return false;
    (void)snprintf(shard->replan.client_id, sizeof(shard->replan.client_id), "%s", read->client_id);
    return read->due_at > now_of(shard) + JUMP_MS;
}

static void on_done(struct errand *errand, enum sv_err err)
{
    struct shard *shard = errand->owner;
    struct replan *replan = &shard->replan;
    bool hurry = false;

    if (err == SV_ECANCELED || shard->drive->phase != DRIVE_WORKING) {
        end(shard);
        return;
    }
    if (err != SV_OK && errand->call.op == SV_STORE_LIST) {
        sv_log_failure(shard->drive->options.log, SV_LOG_ERROR, "replan_failed", NULL,
                       &errand->call.info);
        end(shard);
        return;
    }
    if (err == SV_OK && errand->call.op == SV_STORE_LIST)
        take_page(replan, &errand->call.u.list);
    if (err == SV_OK && errand->call.op == SV_STORE_READ)
        hurry = take_domain(shard, &errand->call.u.read);
    if (err == SV_OK && errand->call.op == SV_STORE_HURRY && errand->call.u.hurry.hurried)
        replan->hurried++;
    if (hurry) {
        errand->call.op = SV_STORE_HURRY;
        errand->call.u.hurry = (struct sv_store_hurry){.uid = replan->uids[replan->at - 1],
                                                       .client_id = replan->client_id};
        errand_run(shard->drive, errand, on_done, shard);
        return;
    }
    go_on(replan);
}

/* The next domain of the page, or the next page; a cursor of 0 was the last one. */
static void go_on(struct replan *replan)
{
    struct shard *shard = replan->shard;
    struct sv_store_call *call = &replan->errand.call;

    call->shard = shard->index;
    if (replan->at < replan->count) {
        call->op = SV_STORE_READ;
        call->u.read = (struct sv_store_read){.uid = replan->uids[replan->at++]};
    } else if (replan->uids != NULL && strcmp(replan->cursor, "0") == 0) {
        sv_log_line(shard->drive->options.log, SV_LOG_WARN, "replanned",
                    "what waited by the clock of before is looked at now",
                    SV_LOG_INT("shard", shard->index), SV_LOG_INT("count", replan->hurried));
        end(shard);
        queue_wake(shard);
        return;
    } else {
        call->op = SV_STORE_LIST;
        call->u.list = (struct sv_store_list){.cursor = replan->cursor, .count_hint = PAGE_HINT};
    }
    errand_run(shard->drive, &replan->errand, on_done, shard);
}

void replan_notice(struct shard *shard, sv_ms store_now)
{
    struct replan *replan = &shard->replan;
    sv_ms ahead_ms = store_now - drive_monotonic(shard->drive);
    sv_ms back_ms = replan->known ? replan->ahead_ms - ahead_ms : 0;

    replan->ahead_ms = ahead_ms;
    replan->known = true;
    if (back_ms < JUMP_MS || !shard->served || shard->drive->phase != DRIVE_WORKING)
        return;
    sv_log_line(shard->drive->options.log, SV_LOG_WARN, "clock_went_back",
                "the clock of Redis went back: all that waits is planned anew",
                SV_LOG_INT("shard", shard->index), SV_LOG_INT("back_s", back_ms / SV_SECOND));
    if (replan->walking) /* again, while the first walk is under way: it reads by the new clock */
        return;
    replan->shard = shard;
    replan->walking = true;
    replan->hurried = 0;
    (void)snprintf(replan->cursor, sizeof(replan->cursor), "0");
    go_on(replan);
}

void replan_stop(struct shard *shard)
{
    errand_cancel(&shard->replan.errand);
}
