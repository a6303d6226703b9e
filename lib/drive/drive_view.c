/* What the driver shows of itself, read where it lies. */
#include "sv/drive_view.h"

#include <string.h>

#include "courier.h"
#include "inside.h"

/* 0 closed, 1 half open, 2 open. */
static unsigned openness(const struct sv_drive *drive, const struct fuse *fuse)
{
    switch (sv_breaker_ask(&fuse->breaker, drive_monotonic(drive))) {
    case SV_BREAKER_REFUSE:
        return 2;
    case SV_BREAKER_WAIT:
    case SV_BREAKER_TRY:
        return 1;
    case SV_BREAKER_CLOSED:
        break;
    }
    return 0;
}

static void judge(struct sv_drive_account *out, const struct sv_drive *drive,
                  const struct fuse *fuse)
{
    unsigned open = openness(drive, fuse);

    if (open <= out->circuit)
        return;
    out->circuit = open;
    out->trouble = fuse->why.text[0] != '\0' ? fuse->why.text : sv_err_text(fuse->why.code);
}

unsigned view_circuit(const struct sv_drive *drive, const struct teller *teller)
{
    struct sv_drive_account worst = {.circuit = 0};

    judge(&worst, drive, &teller->fuse);
    for (int op = 0; op < SV_SES_OP_COUNT; op++)
        judge(&worst, drive, &teller->gates[op].fuse);
    return worst.circuit;
}

static void view_asks(const struct sv_drive *drive, const struct sv_planner *planner,
                      struct sv_drive_account *out)
{
    for (int kind = 0; kind < SV_ASK_KINDS; kind++) {
        const struct sv_ask_line *line = &planner->lines[kind];

        out->waiting[kind] = line->count;
        if (line->oldest != NULL)
            out->waited_ms[kind] = drive_monotonic(drive) - line->oldest->asked_at;
        out->bound_ms[kind] = sv_planner_bound_ms(planner, (enum sv_ask_kind)kind);
    }
}

bool sv_drive_view_account(const struct sv_drive *drive, size_t index, struct sv_drive_account *out)
{
    const struct teller *teller;
    struct sv_pace pace;

    if (index >= drive->options.accounts_count)
        return false;
    teller = &drive->tellers[index];
    pace = gate_pace(&teller->gates[SV_SES_READ_IDENTITIES]);
    *out = (struct sv_drive_account){
        .name = teller->account.name,
        .region = teller->account.region,
        .interval_ms = pace.interval_ms,
        .workers = pace.workers,
        .paused = pause_holds_account(drive, teller->account.name),
    };
    view_asks(drive, &teller->reader.planner, out);
    judge(out, drive, &teller->fuse);
    for (int op = 0; op < SV_SES_OP_COUNT; op++) {
        judge(out, drive, &teller->gates[op].fuse);
        out->calls += teller->gates[op].calls;
        out->failures += teller->gates[op].failures;
        for (const struct ticket *t = teller->gates[op].head; t != NULL; t = t->next)
            out->line++;
    }
    return true;
}

bool sv_drive_view_queue(const struct sv_drive *drive, size_t index, struct sv_drive_queue *out)
{
    if (index >= drive->options.shards)
        return false;
    *out = drive->shards[index].measured;
    return true;
}

static const char *step_name(enum check_step step)
{
    switch (step) {
    case CHECK_START:
        return "start";
    case CHECK_OWN:
        return "own";
    case CHECK_CREATE:
        return "create";
    case CHECK_GET:
        return "get";
    case CHECK_SIGNING:
        return "signing";
    case CHECK_CONFIGURATION_SET:
        return "configuration_set";
    case CHECK_MAIL_FROM:
        return "mail_from";
    case CHECK_LEGACY:
        return "legacy";
    case CHECK_RESTART_DKIM:
    case CHECK_RESTART_OWNERSHIP:
    case CHECK_RESTART_MAIL_FROM:
    case CHECK_RESTORE_SET:
        return "restart";
    case CHECK_DELETE:
        return "delete";
    case CHECK_DNS:
        return "dns";
    case CHECK_SES:
        return "ses";
    case CHECK_DETAIL:
        return "detail";
    case CHECK_MAIL:
        return "mail";
    case CHECK_DECIDE:
        return "decide";
    case CHECK_COMMIT:
        return "commit";
    case CHECK_DISOWN:
        return "disown";
    case CHECK_END:
        return "end";
    }
    return "start";
}

/* Keeps `out` sorted, the longest first: `max` is small. */
size_t sv_drive_view_busy(const struct sv_drive *drive, struct sv_drive_busy *out, size_t max)
{
    sv_ms now = drive_monotonic(drive);
    size_t count = 0;

    for (const struct check *check = drive->checks; check != NULL; check = check->next) {
        struct sv_drive_busy busy = {.domain = check->before.registration.domain,
                                     .client_id = check->client_id,
                                     .account = check->before.registration.account,
                                     .step = step_name(check->step),
                                     .age_ms = now - check->claimed_mono};
        size_t at = count < max ? count : max;

        while (at > 0 && out[at - 1].age_ms < busy.age_ms)
            at--;
        if (at == max)
            continue;
        count += count < max;
        memmove(&out[at + 1], &out[at], (count - at - 1) * sizeof(*out));
        out[at] = busy;
    }
    return count;
}

void sv_drive_view_held(const struct sv_drive *drive, struct sv_drive_held *out)
{
    *out = (struct sv_drive_held){.all = drive->pauses.all,
                                  .accounts = drive->pauses.accounts_count,
                                  .clients = drive->pauses.clients_count};
}

/* An entry's id begins with when it was written. */
static sv_ms oldest_ms(const struct courier *courier)
{
    sv_ms age_ms = courier->slots.first == NULL
                       ? 0
                       : drive_now(courier->drive) - strtoll(courier->slots.first->entry, NULL, 10);

    return age_ms > 0 ? age_ms : 0;
}

bool sv_drive_view_sink(const struct sv_drive *drive, size_t index, struct sv_drive_sink *out)
{
    const struct couriers *all = drive->couriers;

    if (index >= drive->options.routes_count)
        return false;
    *out = (struct sv_drive_sink){.name = drive->options.routes[index].sink->name, .error = ""};
    for (size_t i = index; i < all->count; i += drive->options.routes_count) {
        const struct courier *courier = &all->items[i];

        if (!courier->held)
            continue;
        out->shards_served++;
        out->waiting += courier->backlog;
        out->oldest_ms = out->oldest_ms > oldest_ms(courier) ? out->oldest_ms : oldest_ms(courier);
        out->dead += courier->dead;
        out->disabled = out->disabled || courier->disabled;
        if (courier->failed_at > out->failed_at) {
            out->failed_at = courier->failed_at;
            out->error = courier->error;
        }
    }
    return true;
}
