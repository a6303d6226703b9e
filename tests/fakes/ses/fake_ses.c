#include "fake_ses.h"
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "fake_mail.h"
#include "sv/alloc.h"
#include "sv/require.h"

/* Not a limit of the world, only of tests that run away. */
enum { SEEN_MAX = 1 << 20 };

struct record {
    char domain[SV_NAME_BYTES];
    struct sv_ses_identity identity;
    struct record *next, *prev;
};

struct fake_ses {
    struct sv_ses ses;
    const struct sv_clock *clock;
    uv_idle_t turn; /* active while calls wait for their answer */
    struct record *records;
    struct fake_mail *mails;
    struct sv_ses_account account;
    struct script scripts[SV_SES_OP_COUNT + 1];
    struct sv_ses_call *live;
    struct fake_ses_seen *seen;
    size_t seen_count, seen_room;
    size_t page_lines_max;
    bool held, closing;
    sv_ses_closed_fn *closed;
    void *closed_context;
};

/* What the fake keeps of a call between start and its answer, in call->transfer. */
struct pending {
    size_t seen;
    bool canceled;
};

/* --- the table --- */

static struct record *find(struct fake_ses *fake, const char *domain)
{
    struct record *record;

    DL_FOREACH(fake->records, record)
    {
        if (sv_name_equal(record->domain, domain))
            return record;
    }
    return NULL;
}

static struct record *find_or_add(struct fake_ses *fake, const char *domain)
{
    struct record *record = find(fake, domain);

    if (record != NULL)
        return record;
    record = sv_alloc(1, sizeof *record);
    (void)snprintf(record->domain, sizeof record->domain, "%s", domain);
    record->identity.listed = true;
    DL_APPEND(fake->records, record);
    return record;
}

void fake_ses_set(struct fake_ses *fake, const char *domain, const struct sv_ses_identity *identity)
{
    struct record *record = find_or_add(fake, domain);

    record->identity = *identity;
    record->identity.listed = true;
}

void fake_ses_set_mail(struct fake_ses *fake, const char *domain, const struct sv_mail *mail)
{
    fake_mail_set(&fake->mails, domain, mail);
}

struct sv_ses_account *fake_ses_account(struct fake_ses *fake)
{
    return &fake->account;
}

void fake_ses_remove(struct fake_ses *fake, const char *domain)
{
    struct record *record = find(fake, domain);

    if (record == NULL)
        return;
    DL_DELETE(fake->records, record);
    free(record);
}

struct sv_ses_identity *fake_ses_find(struct fake_ses *fake, const char *domain)
{
    struct record *record = find(fake, domain);

    return record != NULL ? &record->identity : NULL;
}

/* --- what each operation does and shows --- */

/* Tokens that are the same on every run and differ between domains. */
static void give_tokens(struct record *record)
{
    struct sv_ses_identity *identity = &record->identity;
    unsigned hash = 5381;

    if (identity->tokens_count > 0)
        return;
    for (const char *c = record->domain; *c != '\0'; c++)
        hash = hash * 33 + (unsigned char)*c;
    for (size_t i = 0; i < SV_SES_TOKENS_MAX; i++)
        (void)snprintf(identity->tokens[i], SV_SES_TOKEN_BYTES, "token%zu%08x", i + 1, hash);
    identity->tokens_count = SV_SES_TOKENS_MAX;
    (void)snprintf(identity->hosted_zone, sizeof identity->hosted_zone, "dkim.amazonses.com");
}

/* A restart makes SES look again, unless it is content already. */
static void restart(enum sv_axis *axis)
{
    if (*axis != SV_AXIS_SUCCESS)
        *axis = SV_AXIS_PENDING;
}

static void show_dkim(const struct sv_ses_identity *from, struct sv_ses_identity *to)
{
    to->dkim = from->dkim;
    to->signing_enabled = from->signing_enabled;
    to->tokens_count = from->tokens_count;
    memcpy(to->tokens, from->tokens, sizeof to->tokens);
    if (from->tokens_count > 0)
        memcpy(to->hosted_zone, from->hosted_zone, sizeof to->hosted_zone);
}

static void show_method(const struct sv_ses_identity *from, struct sv_ses_identity *to)
{
    to->dkim_method = from->dkim_method;
    to->dkim_key_made_at = from->dkim_key_made_at;
    memcpy(to->dkim_parent, from->dkim_parent, sizeof to->dkim_parent);
}

static void show_mail_from(const struct sv_ses_identity *from, struct sv_ses_identity *to)
{
    memcpy(to->mail_from_domain, from->mail_from_domain, sizeof to->mail_from_domain);
    to->mail_from = from->mail_from_domain[0] == '\0' ? SV_AXIS_NONE : from->mail_from;
}

/* A key of the operator's own shows its selector where others show tokens. */
static void set_up(struct record *record, const struct sv_ses_setup *setup)
{
    struct sv_ses_identity *identity = &record->identity;

    if (setup == NULL || setup->dkim != SV_DKIM_BYODKIM) {
        if (identity->dkim_method == SV_DKIM_BYODKIM)
            identity->tokens_count = 0;
        give_tokens(record);
        identity->dkim_method =
            setup != NULL && setup->dkim != SV_DKIM_UNKNOWN ? setup->dkim : SV_DKIM_EASY;
    } else {
        memset(identity->tokens, 0, sizeof identity->tokens);
        (void)snprintf(identity->tokens[0], SV_SES_TOKEN_BYTES, "%s", setup->selector);
        identity->tokens_count = 1;
        identity->dkim_method = SV_DKIM_BYODKIM;
    }
    if (setup != NULL && setup->dkim == SV_DKIM_DEED)
        (void)snprintf(identity->dkim_parent, sizeof identity->dkim_parent, "%s",
                       setup->parent_region);
}

static void put_set(struct sv_ses_identity *identity, const struct sv_ses_setup *setup)
{
    const char *set =
        setup != NULL && setup->configuration_set != NULL ? setup->configuration_set : "";

    (void)snprintf(identity->configuration_set, sizeof identity->configuration_set, "%s", set);
}

static enum sv_err create(struct fake_ses *fake, const struct sv_ses_call *call,
                          struct sv_ses_identity *out)
{
    const char *domain = call->domains[0];
    struct record *record;

    if (find(fake, domain) != NULL)
        return SV_EEXISTS;
    record = find_or_add(fake, domain);
    set_up(record, call->setup);
    put_set(&record->identity, call->setup);
    if (record->identity.dkim_method == SV_DKIM_EASY)
        record->identity.dkim_key_made_at = fake->clock->wall(fake->clock->context);
    record->identity.identity = record->identity.dkim = SV_AXIS_PENDING;
    record->identity.signing_enabled = SV_TRI_YES;
    show_dkim(&record->identity, out);
    show_method(&record->identity, out);
    out->dkim = SV_AXIS_NOT_STARTED; /* as the real Create answers */
    out->listed = true;
    return SV_OK;
}

static enum sv_err get(struct fake_ses *fake, const char *domain, struct sv_ses_identity *out)
{
    const struct record *record = find(fake, domain);

    if (record == NULL)
        return SV_ENOTFOUND;
    *out = record->identity;
    show_mail_from(&record->identity, out);
    out->verification_token[0] = '\0'; /* v2 does not know it */
    return SV_OK;
}

static enum sv_err put_signing(struct fake_ses *fake, const struct sv_ses_call *call)
{
    struct record *record = find(fake, call->domains[0]);

    if (record == NULL)
        return SV_ENOTFOUND;
    set_up(record, call->setup);
    restart(&record->identity.dkim);
    restart(&record->identity.identity);
    show_dkim(&record->identity, &call->results[0]);
    call->results[0].signing_enabled = SV_TRI_UNKNOWN;
    call->results[0].listed = true;
    return SV_OK;
}

static enum sv_err put_configuration_set(struct fake_ses *fake, const struct sv_ses_call *call)
{
    struct record *record = find(fake, call->domains[0]);

    if (record == NULL)
        return SV_ENOTFOUND;
    put_set(&record->identity, call->setup);
    call->results[0].listed = true;
    return SV_OK;
}

static enum sv_err put_mail_from(struct fake_ses *fake, const struct sv_ses_call *call)
{
    struct record *record = find(fake, call->domains[0]);
    const char *name = call->mail_from != NULL ? call->mail_from : "";

    if (record == NULL)
        return SV_EREFUSED; /* BadRequestException, not NotFoundException */
    (void)snprintf(record->identity.mail_from_domain, sizeof record->identity.mail_from_domain,
                   "%s", name);
    record->identity.mail_from = name[0] == '\0' ? SV_AXIS_NONE : SV_AXIS_PENDING;
    record->identity.rejects_on_mx_failure =
        name[0] != '\0' && call->reject_on_mx_failure ? SV_TRI_YES : SV_TRI_NO;
    call->results[0].listed = true;
    return SV_OK;
}

static enum sv_err verify_domain(struct fake_ses *fake, const char *domain,
                                 struct sv_ses_identity *out)
{
    struct record *record = find_or_add(fake, domain);

    if (record->identity.verification_token[0] == '\0')
        (void)snprintf(record->identity.verification_token,
                       sizeof record->identity.verification_token, "legacy-%.100s", domain);
    restart(&record->identity.identity);
    memcpy(out->verification_token, record->identity.verification_token,
           sizeof out->verification_token);
    out->listed = true;
    return SV_OK;
}

static enum sv_err verify_dkim(struct fake_ses *fake, const char *domain,
                               struct sv_ses_identity *out)
{
    struct record *record = find_or_add(fake, domain);

    give_tokens(record);
    restart(&record->identity.dkim);
    restart(&record->identity.identity);
    show_dkim(&record->identity, out);
    out->dkim = SV_AXIS_UNKNOWN; /* the reply holds the tokens and nothing else */
    out->signing_enabled = SV_TRI_UNKNOWN;
    out->listed = true;
    return SV_OK;
}

static void read_one(const struct record *record, enum sv_ses_op op, struct sv_ses_identity *out)
{
    out->listed = true;
    if (op == SV_SES_READ_IDENTITIES) {
        out->identity = record->identity.identity;
        memcpy(out->verification_token, record->identity.verification_token,
               sizeof out->verification_token);
    } else if (op == SV_SES_READ_DKIM) {
        show_dkim(&record->identity, out);
    } else {
        show_mail_from(&record->identity, out);
    }
}

static enum sv_err read_all(struct fake_ses *fake, const struct sv_ses_call *call)
{
    for (size_t i = 0; i < call->domains_count; i++) {
        const struct record *record = find(fake, call->domains[i]);

        if (record != NULL)
            read_one(record, call->op, &call->results[i]);
    }
    return SV_OK;
}

/* The token is the name of the last identity of the page before; the fake's table keeps its order.
 */
static enum sv_err list(struct fake_ses *fake, const struct sv_ses_call *call)
{
    const char *after = call->page_token != NULL ? call->page_token : "";
    const struct record *record = after[0] == '\0' ? fake->records : find(fake, after);
    struct sv_ses_page *page = call->page;

    SV_REQUIRE(page != NULL);
    if (record == NULL && after[0] != '\0')
        return SV_ENOTFOUND;
    page->next_token[0] = '\0';
    for (record = after[0] == '\0' ? record : record->next; record != NULL; record = record->next) {
        struct sv_ses_listed *line = &page->listed[page->count];

        if (page->count == fake->page_lines_max) {
            (void)snprintf(page->next_token, sizeof page->next_token, "%s", line[-1].name);
            break;
        }
        *line = (struct sv_ses_listed){.is_domain = strchr(record->domain, '@') == NULL,
                                       .identity = record->identity.identity};
        (void)snprintf(line->name, sizeof line->name, "%s", record->domain);
        line->sending_enabled =
            record->identity.identity == SV_AXIS_SUCCESS ? SV_TRI_YES : SV_TRI_NO;
        page->count++;
    }
    return SV_OK;
}

static enum sv_err answer(struct fake_ses *fake, struct sv_ses_call *call)
{
    const char *domain = call->domains_count > 0 ? call->domains[0] : "";

    switch (call->op) {
    case SV_SES_CREATE:
        return create(fake, call, &call->results[0]);
    case SV_SES_GET:
        return get(fake, domain, &call->results[0]);
    case SV_SES_PUT_SIGNING:
        return put_signing(fake, call);
    case SV_SES_PUT_CONFIGURATION_SET:
        return put_configuration_set(fake, call);
    case SV_SES_PUT_MAIL_FROM:
        return put_mail_from(fake, call);
    case SV_SES_DELETE:
        fake_ses_remove(fake, domain);
        return SV_OK;
    case SV_SES_VERIFY_DOMAIN:
        return verify_domain(fake, domain, &call->results[0]);
    case SV_SES_VERIFY_DKIM:
        return verify_dkim(fake, domain, &call->results[0]);
    case SV_SES_READ_IDENTITIES:
    case SV_SES_READ_DKIM:
    case SV_SES_READ_MAIL_FROM:
        return read_all(fake, call);
    case SV_SES_ACCOUNT:
        *call->account = fake->account;
        return SV_OK;
    case SV_SES_LIST:
        return list(fake, call);
    case SV_SES_METRICS:
    case SV_SES_RECOMMENDATIONS:
        fake_mail_tell(fake->mails, call);
        return SV_OK;
    case SV_SES_OP_COUNT:
        break;
    }
    return SV_EINVALID;
}

/* --- scripts --- */

void fake_ses_script(struct fake_ses *fake, enum sv_ses_op op, unsigned pass, unsigned fail,
                     enum sv_err err)
{
    fake->scripts[op] = (struct script){.pass = pass, .fail = fail, .err = err};
}

static enum sv_err scripted(struct fake_ses *fake, enum sv_ses_op op)
{
    enum sv_err err = script_play(&fake->scripts[op]);

    return err != SV_OK ? err : script_play(&fake->scripts[SV_SES_OP_COUNT]);
}

/* --- life --- */

static struct fake_ses *self(struct sv_ses *ses)
{
    return (struct fake_ses *)ses;
}

static size_t remember(struct fake_ses *fake, const struct sv_ses_call *call)
{
    struct fake_ses_seen *seen;

    SV_REQUIRE(fake->seen_count < SEEN_MAX);
    if (fake->seen_count == fake->seen_room) {
        fake->seen_room = fake->seen_room != 0 ? 2 * fake->seen_room : 64;
        fake->seen = sv_realloc(fake->seen, fake->seen_room * sizeof *fake->seen);
    }
    seen = &fake->seen[fake->seen_count];
    *seen = (struct fake_ses_seen){.op = call->op,
                                   .at = fake->clock->wall(fake->clock->context),
                                   .domains_count = call->domains_count};
    (void)snprintf(seen->domain, sizeof seen->domain, "%s",
                   call->domains_count > 0 ? call->domains[0] : "");
    (void)snprintf(seen->mail_from, sizeof seen->mail_from, "%s",
                   call->mail_from != NULL ? call->mail_from : "");
    return fake->seen_count++;
}

static void finish(struct fake_ses *fake, struct sv_ses_call *call)
{
    struct pending *pending = call->transfer;
    enum sv_err err = SV_ECANCELED;

    if (call->domains_count > 0)
        memset(call->results, 0, call->domains_count * sizeof call->results[0]);
    if (call->op == SV_SES_ACCOUNT)
        *call->account = (struct sv_ses_account){.production = SV_TRI_UNKNOWN};
    if (call->page != NULL)
        call->page->count = 0;
    if (!pending->canceled)
        err = scripted(fake, call->op);
    if (err == SV_OK)
        err = answer(fake, call);
    if (err != SV_OK)
        (void)sv_err_set(&call->info, err, "fake ses", 0, "%s: scripted", sv_ses_op_name(call->op));
    fake->seen[pending->seen].err = err;
    DL_DELETE2(fake->live, call, previous, next);
    call->transfer = NULL;
    free(pending);
    call->done(call, err); /* the call may be gone behind this line */
}

static void on_closed(uv_handle_t *handle)
{
    struct fake_ses *fake = handle->data;
    sv_ses_closed_fn *closed = fake->closed;
    void *context = fake->closed_context;

    while (fake->records != NULL)
        fake_ses_remove(fake, fake->records->domain);
    fake_mail_free(fake->mails);
    free(fake->seen);
    free(fake);
    closed(context);
}

static bool is_due(const struct fake_ses *fake, const struct sv_ses_call *call)
{
    const struct pending *pending = call->transfer;

    return pending->canceled || !fake->held;
}

static bool anything_due(const struct fake_ses *fake)
{
    const struct sv_ses_call *call;

    DL_FOREACH2(fake->live, call, next)
    {
        if (is_due(fake, call))
            return true;
    }
    return false;
}

/* One answer a turn, so that cancel and close can come between any two of them. */
static void on_turn(uv_idle_t *turn)
{
    struct fake_ses *fake = turn->data;
    struct sv_ses_call *call = fake->live;

    while (call != NULL && !is_due(fake, call))
        call = call->next;
    if (call != NULL)
        finish(fake, call);
    if (anything_due(fake))
        return;
    (void)uv_idle_stop(turn);
    if (fake->closing && fake->live == NULL)
        uv_close((uv_handle_t *)turn, on_closed);
}

static void wake(struct fake_ses *fake)
{
    (void)uv_idle_start(&fake->turn, on_turn);
}

static enum sv_err start(struct sv_ses *ses, struct sv_ses_call *call, sv_ses_done_fn *done,
                         struct sv_errinfo *info)
{
    struct fake_ses *fake = self(ses);
    bool is_list = call->op == SV_SES_LIST || call->op == SV_SES_RECOMMENDATIONS;
    struct pending *pending;

    if (fake->closing)
        return sv_err_set(info, SV_ECANCELED, "fake ses", 0, "closing");
    if ((call->domains_count == 0) != (is_list || call->op == SV_SES_ACCOUNT) ||
        call->domains_count > SV_SES_BATCH_MAX || (unsigned)call->op >= SV_SES_OP_COUNT)
        return sv_err_set(info, SV_EINVALID, "fake ses", 0, "bad call");
    pending = sv_alloc(1, sizeof *pending);
    pending->seen = remember(fake, call);
    call->transfer = pending;
    call->done = done;
    call->ses = ses;
    call->info = (struct sv_errinfo){.code = SV_OK};
    (void)snprintf(call->request_id, sizeof call->request_id, "fake-%zu", pending->seen);
    DL_APPEND2(fake->live, call, previous, next);
    wake(fake);
    return SV_OK;
}

static void cancel(struct sv_ses_call *call)
{
    struct pending *pending = call->transfer;

    if (pending == NULL)
        return;
    pending->canceled = true;
    wake(self(call->ses));
}

static void close_all(struct sv_ses *ses, sv_ses_closed_fn *closed, void *context)
{
    struct fake_ses *fake = self(ses);
    struct sv_ses_call *call;

    SV_REQUIRE(!fake->closing);
    fake->closing = true;
    fake->closed = closed;
    fake->closed_context = context;
    DL_FOREACH2(fake->live, call, next)
    cancel(call);
    wake(fake);
}

static const struct sv_ses_ops ops = {.start = start, .cancel = cancel, .close = close_all};

struct fake_ses *fake_ses_new(uv_loop_t *loop, const struct sv_clock *clock)
{
    struct fake_ses *fake = sv_alloc(1, sizeof *fake);

    fake->ses.ops = &ops;
    fake->clock = clock;
    fake->account = (struct sv_ses_account){
        .production = SV_TRI_YES, .sending = SV_TRI_YES, .enforcement = "HEALTHY"};
    fake->page_lines_max = SV_SES_PAGE_MAX;
    SV_REQUIRE(uv_idle_init(loop, &fake->turn) == 0);
    fake->turn.data = fake;
    return fake;
}

struct sv_ses *fake_ses_interface(struct fake_ses *fake)
{
    return &fake->ses;
}

void fake_ses_hold(struct fake_ses *fake, bool held)
{
    fake->held = held;
    wake(fake);
}

void fake_ses_page_size(struct fake_ses *fake, size_t lines_max)
{
    SV_REQUIRE(lines_max > 0 && lines_max <= SV_SES_PAGE_MAX);
    fake->page_lines_max = lines_max;
}

size_t fake_ses_seen_count(const struct fake_ses *fake)
{
    return fake->seen_count;
}

const struct fake_ses_seen *fake_ses_seen(const struct fake_ses *fake, size_t i)
{
    SV_REQUIRE(i < fake->seen_count);
    return &fake->seen[i];
}
