/* What an operator holds up: everything, accounts, clients. It is kept in the store; every worker
 * looks now and then, and before it claims for the first time.
 *
 * Jobs are taken in all the same, and wait. Domains of paused clients are not claimed; those of
 * paused accounts are claimed now and then, seen to be paused, and handed back; no call of a paused
 * account leaves its gate. What is under way when a pause is noticed is handed back at once, unless
 * its commit is under way. */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"

enum { LOOK_MS = 2000 };

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

bool pause_holds_account(const struct sv_drive *drive, const char *account)
{
    const struct pauses *pauses = &drive->pauses;

    for (size_t i = 0; i < pauses->accounts_count; i++) {
        if (strcmp(pauses->accounts[i]->account.name, account) == 0)
            return true;
    }
    return pauses->all;
}

static bool holds_client(const struct pauses *pauses, const char *client_id)
{
    return pauses->clients_count > 0 && bsearch(client_id, pauses->clients, pauses->clients_count,
                                                sizeof(pauses->clients[0]), compare_names) != NULL;
}

bool pause_holds(const struct check *check)
{
    const struct sv_drive *drive = check->drive;

    return pause_holds_account(drive, check->before.registration.account) ||
           holds_client(&drive->pauses, check->client_id);
}

char (*pause_copy_clients(const struct sv_drive *drive))[SV_STORE_CLIENT_BYTES]
{
    const struct pauses *pauses = &drive->pauses;
    char(*copy)[SV_STORE_CLIENT_BYTES];

    if (pauses->clients_count == 0)
        return NULL;
    copy = sv_alloc(pauses->clients_count, sizeof(*copy));
    memcpy(copy, pauses->clients, pauses->clients_count * sizeof(*copy));
    return copy;
}

static void forget(struct pauses *pauses)
{
    free(pauses->clients);
    pauses->clients = NULL;
    pauses->clients_count = pauses->accounts_count = 0;
    pauses->all = false;
}

static void add_account(struct sv_drive *drive, const char *name)
{
    struct pauses *pauses = &drive->pauses;
    const struct teller *teller = drive_teller(drive, name);

    if (teller != NULL && pauses->accounts_count < SV_ACCOUNTS_MAX)
        pauses->accounts[pauses->accounts_count++] = teller;
}

static void learn(struct sv_drive *drive, const struct sv_store_pauses *told)
{
    struct pauses *pauses = &drive->pauses;

    forget(pauses);
    if (told->count > 0)
        pauses->clients = sv_alloc(told->count, sizeof(*pauses->clients));
    for (size_t i = 0; i < told->count; i++) {
        const struct sv_store_paused *paused = &told->items[i];

        switch (paused->scope) {
        case SV_STORE_PAUSE_ALL:
            pauses->all = true;
            break;
        case SV_STORE_PAUSE_ACCOUNT:
            add_account(drive, paused->name);
            break;
        case SV_STORE_PAUSE_CLIENT:
            if (strlen(paused->name) < sizeof(pauses->clients[0]))
                (void)stpcpy(pauses->clients[pauses->clients_count++], paused->name);
            break;
        }
    }
    if (pauses->clients_count > 1)
        qsort(pauses->clients, pauses->clients_count, sizeof(*pauses->clients), compare_names);
}

static void hand_back(struct sv_drive *drive)
{
    struct check *check = drive->checks, *next;

    for (; check != NULL; check = next) {
        next = check->next;
        if (pause_holds(check))
            check_release(check);
    }
}

static size_t number_of(const struct pauses *pauses)
{
    return pauses->clients_count + pauses->accounts_count + (pauses->all ? 1 : 0);
}

static void on_looked(struct errand *errand, enum sv_err err)
{
    struct sv_drive *drive = errand->owner;
    struct pauses *pauses = &drive->pauses;
    size_t before = number_of(pauses);
    bool first = !pauses->known;

    if (err == SV_ECANCELED || drive->phase != DRIVE_WORKING)
        return;
    if (err == SV_OK)
        learn(drive, &errand->call.u.pauses);
    else
        sv_log_failure(drive->options.log, SV_LOG_ERROR, "pauses_unreadable", NULL,
                       &errand->call.info);
    pauses->known = true;
    if (number_of(pauses) != before)
        sv_log_line(drive->options.log, SV_LOG_WARN, "pauses_changed",
                    number_of(pauses) > 0 ? "some work is held up: see sesverify pause"
                                          : "nothing is held up any more",
                    SV_LOG_INT("count", number_of(pauses)));
    if (number_of(pauses) > 0)
        hand_back(drive);
    for (unsigned i = 0; (first || before > 0) && i < drive->options.shards; i++)
        queue_wake(&drive->shards[i]);
    alarm_set(drive, &pauses->look_at, LOOK_MS);
}

static void on_look_at(struct alarm *alarm)
{
    struct sv_drive *drive = alarm->owner;

    drive->pauses.look.call.op = SV_STORE_PAUSES;
    drive->pauses.look.call.shard = 0;
    errand_run(drive, &drive->pauses.look, on_looked, drive);
}

void pause_start(struct sv_drive *drive)
{
    alarm_init(&drive->pauses.look_at, on_look_at, drive);
    on_look_at(&drive->pauses.look_at);
}

void pause_stop(struct sv_drive *drive)
{
    errand_cancel(&drive->pauses.look);
    if (drive->pauses.look_at.owner != NULL)
        alarm_stop(drive, &drive->pauses.look_at);
}

void pause_free(struct sv_drive *drive)
{
    forget(&drive->pauses);
}
