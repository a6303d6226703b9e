#include "fake_mail.h"

#include <stdio.h>
#include <stdlib.h>

#include "sv/alloc.h"

static const struct fake_mail *find(const struct fake_mail *mails, const char *domain)
{
    while (mails != NULL && !sv_name_equal(mails->domain, domain))
        mails = mails->next;
    return mails;
}

void fake_mail_set(struct fake_mail **mails, const char *domain, const struct sv_mail *mail)
{
    struct fake_mail **link = mails;

    while (*link != NULL && !sv_name_equal((*link)->domain, domain))
        link = &(*link)->next;
    if (*link == NULL)
        *link = sv_alloc(1, sizeof **link);
    (void)snprintf((*link)->domain, sizeof(*link)->domain, "%s", domain);
    (*link)->metrics = (struct sv_ses_metrics){.told = mail != NULL};
    if (mail != NULL)
        (*link)->metrics.mail = *mail;
}

/* One page holds them all. */
static void tell_advice(const struct fake_mail *mails, struct sv_ses_advice_page *page)
{
    page->count = 0;
    page->next_token[0] = '\0';
    for (; mails != NULL && page->count < SV_SES_ADVICE_PAGE_MAX; mails = mails->next) {
        if (mails->metrics.mail.advice == 0)
            continue;
        page->lines[page->count].advice = mails->metrics.mail.advice;
        (void)snprintf(page->lines[page->count++].name, SV_SES_LISTED_BYTES, "%s", mails->domain);
    }
}

void fake_mail_tell(const struct fake_mail *mails, const struct sv_ses_call *call)
{
    const struct fake_mail *mail;

    if (call->op == SV_SES_RECOMMENDATIONS) {
        tell_advice(mails, call->advice_page);
        return;
    }
    mail = find(mails, call->domains[0]);
    *call->metrics = mail != NULL ? mail->metrics : (struct sv_ses_metrics){.told = true};
    call->metrics->mail.advice = 0;
}

void fake_mail_free(struct fake_mail *mails)
{
    while (mails != NULL) {
        struct fake_mail *next = mails->next;

        free(mails);
        mails = next;
    }
}
