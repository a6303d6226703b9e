/* What an account may do, asked once when work begins: its state, and then each kind of read about
 * a name that nobody has. Every question waits for its permit like all other calls, so that it is
 * never asked above the rate, and a service that is away holds nothing up. A missing permission is
 * told by the gate, where those of the other calls are told, too, when they are first refused. */
#include "inside.h"

#include <stdio.h>
#include <string.h>

static const enum sv_ses_op probes[] = {SV_SES_ACCOUNT, SV_SES_READ_IDENTITIES, SV_SES_READ_DKIM,
                                        SV_SES_READ_MAIL_FROM, SV_SES_GET};

/* RFC 6761, section 6.4: never a name of anybody. */
static const char *const nobody[] = {"permission-check.sesverify.invalid"};

static const char *word(enum sv_tri tri)
{
    return tri == SV_TRI_YES ? "yes" : tri == SV_TRI_NO ? "no" : "unknown";
}

static void tell(const struct greeting *greeting)
{
    const struct sv_ses_account *about = &greeting->about;
    const struct sv_account *account = &greeting->teller->account;
    const char *message = "the account may send to everybody";
    bool is_well = false;
    char rate[32] = "unknown";

    if (about->sending == SV_TRI_NO)
        message = "sending is paused";
    else if (about->production == SV_TRI_NO)
        message = "the account is in SES's sandbox: mail reaches verified addresses only";
    else if (about->enforcement[0] != '\0' && strcmp(about->enforcement, "HEALTHY") != 0)
        message = "SES restricts the account, or is about to";
    else
        is_well = true;
    if (about->quota_known)
        (void)snprintf(rate, sizeof rate, "%.3f", (double)about->mails_per_1000_s_max / 1000);
    sv_log_line(greeting->teller->reader.drive->options.log, is_well ? SV_LOG_INFO : SV_LOG_WARN,
                "account_state", message, SV_LOG_STR("account", account->name),
                SV_LOG_STR("principal", account->principal),
                SV_LOG_STR("production", word(about->production)),
                SV_LOG_STR("sending", word(about->sending)),
                SV_LOG_STR("enforcement", about->enforcement),
                SV_LOG_INT("mails_per_day_max", about->mails_per_day_max),
                SV_LOG_INT("mails_last_day", about->mails_last_day),
                SV_LOG_STR("mails_per_second_max", rate));
}

static void ask_next(struct greeting *greeting);

static void on_answer(struct ticket *ticket, enum sv_err err)
{
    struct greeting *greeting = ticket->owner;

    if (err == SV_OK && ticket->call.op == SV_SES_ACCOUNT)
        tell(greeting);
    if (err != SV_ECANCELED)
        ask_next(greeting);
}

static void ask_next(struct greeting *greeting)
{
    struct teller *teller = greeting->teller;
    struct ticket *ticket = &greeting->ticket;
    enum sv_ses_op op;

    if (greeting->next == sizeof probes / sizeof probes[0] ||
        teller->reader.drive->phase != DRIVE_WORKING)
        return;
    op = probes[greeting->next++];
    *ticket = (struct ticket){.owner = greeting, .done = on_answer, .may_miss = true};
    ticket->call.domains = nobody;
    ticket->call.domains_count = op != SV_SES_ACCOUNT;
    ticket->call.results = &greeting->result;
    ticket->call.account = &greeting->about;
    gate_queue(&teller->gates[op], ticket);
}

void greet(struct teller *teller)
{
    teller->greeting.teller = teller;
    ask_next(&teller->greeting);
}
