/* Amazon SES as a table in memory: what it says of a domain is what the test wrote down. Obeys the
 * five rules of asynchronous code, answers on the next turn of the loop, fails as scripted, and
 * remembers every call. */
#ifndef FAKE_SES_H
#define FAKE_SES_H

#include <uv.h>

#include "sv/ses.h"

struct fake_ses;

/* One call that arrived, whether it was answered well or not. */
struct fake_ses_seen {
    enum sv_ses_op op;
    sv_ms at; /* of the clock's wall */
    size_t domains_count;
    char domain[SV_NAME_BYTES]; /* the first of them */
    char mail_from[SV_NAME_BYTES];
    enum sv_err err; /* how it was answered; SV_ECANCELED too */
};

/* `loop` and `clock` are borrowed until the closed callback, which also frees the fake. */
struct fake_ses *fake_ses_new(uv_loop_t *loop, const struct sv_clock *clock);

/* What the driver gets. sv_ses_close on it ends the fake's life. */
struct sv_ses *fake_ses_interface(struct fake_ses *fake);

/* From now on SES says this of `domain` (copied; `listed` is taken as true). Each operation shows
 * only the fields it speaks of. */
void fake_ses_set(struct fake_ses *fake, const char *domain,
                  const struct sv_ses_identity *identity);

/* From now on SES tells this of the mail of `domain` (copied), the recommendations included. NULL =
 * its queries fail. */
void fake_ses_set_mail(struct fake_ses *fake, const char *domain, const struct sv_mail *mail);

/* From now on SES does not know `domain`. */
void fake_ses_remove(struct fake_ses *fake, const char *domain);

/* What SES would say now, to be changed in place; NULL = not known. Borrowed until the next set,
 * remove or loop turn. */
struct sv_ses_identity *fake_ses_find(struct fake_ses *fake, const char *domain);

/* What SES says of the account, to be changed in place: at first in production, healthy, sending.
 */
struct sv_ses_account *fake_ses_account(struct fake_ses *fake);

/* Lets `pass` calls of `op` through, then fails `fail` of them with `err`, then behaves again.
 * SV_EDENIED is a missing permission. SV_SES_OP_COUNT = calls of any operation. Replaces an earlier
 * script of the same `op`; with both kinds active, the one of the operation itself is asked first.
 */
void fake_ses_script(struct fake_ses *fake, enum sv_ses_op op, unsigned pass, unsigned fail,
                     enum sv_err err);

/* While held, calls arrive but are not answered; cancel and close still work. */
void fake_ses_hold(struct fake_ses *fake, bool held);

/* How many identities a page of SV_SES_LIST holds; at first SV_SES_PAGE_MAX, as at SES. */
void fake_ses_page_size(struct fake_ses *fake, size_t lines_max);

/* The calls so far, oldest first. Borrowed until the next call arrives. */
size_t fake_ses_seen_count(const struct fake_ses *fake);
const struct fake_ses_seen *fake_ses_seen(const struct fake_ses *fake, size_t i);

/* How many of them were of `op`. */
static inline size_t fake_ses_count(const struct fake_ses *fake, enum sv_ses_op op)
{
    size_t count = 0;

    for (size_t i = 0; i < fake_ses_seen_count(fake); i++)
        count += fake_ses_seen(fake, i)->op == op;
    return count;
}

#endif
