/* What SES shows of a domain's identity: how it signs, which records that asks for, and what is not
 * as it was set up.
 *
 * Settings drift when somebody else changes them at SES. The batched reads tell of MAIL FROM and of
 * the tokens, a Get also of the configuration set. Tokens of now are the ones to be published,
 * whoever asked for them; how an identity signs is never changed back by us, since its mail would
 * go out unsigned until the records are seen. */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/digest.h"

const struct sv_ses_setup *check_setup(const struct check *check)
{
    static const struct sv_ses_setup plain = {.dkim = SV_DKIM_EASY};

    return check->teller->account.setup != NULL ? check->teller->account.setup : &plain;
}

static enum sv_dkim_method wanted_method(const struct check *check)
{
    enum sv_dkim_method method = check_setup(check)->dkim;

    return method != SV_DKIM_UNKNOWN ? method : SV_DKIM_EASY;
}

static void keep_selector(struct sv_registration *registration, const char *selector)
{
    (void)memset(registration->tokens, 0, sizeof registration->tokens);
    (void)snprintf(registration->tokens[0], sizeof registration->tokens[0], "%s", selector);
    registration->tokens_count = selector[0] != '\0' ? 1 : 0;
    registration->zone[0] = '\0';
    registration->own_key = 0;
}

/* SES was given the key of the settings; a reply that tells of such a key where the settings have
 * none is not about ours. */
static void keep_own_key(struct check *check)
{
    const struct sv_ses_setup *setup = check_setup(check);

    if (setup->selector == NULL || setup->public_key == NULL)
        return;
    keep_selector(&check->after.registration, setup->selector);
    check->after.registration.own_key = sv_state_key_digest(setup->public_key);
}

/* `method` is what the reply said, or what was asked for where it does not say. A reply without
 * tokens tells nothing of them. */
void check_keep_dkim(struct check *check, enum sv_dkim_method method)
{
    struct sv_registration *registration = &check->after.registration;
    const struct sv_ses_identity *identity = &check->ses->identity;

    registration->dkim = method;
    if (method == SV_DKIM_BYODKIM && identity->tokens_count == 1)
        keep_selector(registration, identity->tokens[0]);
    if (method == SV_DKIM_BYODKIM || identity->tokens_count == 0)
        return;
    registration->own_key = 0;
    registration->tokens_count = identity->tokens_count;
    (void)memset(registration->tokens, 0, sizeof registration->tokens);
    for (size_t i = 0; i < identity->tokens_count; i++)
        (void)snprintf(registration->tokens[i], sizeof registration->tokens[i], "%s",
                       identity->tokens[i]);
    /* v1 does not know the zone; the documented one is only better than none. */
    if (identity->hosted_zone[0] != '\0' &&
        (registration->zone[0] == '\0' || check->ses->ticket.call.op != SV_SES_VERIFY_DKIM))
        (void)snprintf(registration->zone, sizeof registration->zone, "%s", identity->hosted_zone);
}

/* What was made as we asked: a reply that does not say how it signs has nothing to add. */
void check_keep_made(struct check *check)
{
    enum sv_dkim_method told = check->ses->identity.dkim_method;
    enum sv_dkim_method method = told != SV_DKIM_UNKNOWN ? told : wanted_method(check);

    check_keep_dkim(check, method);
    if (method == SV_DKIM_BYODKIM)
        keep_own_key(check);
}

/* A worker that died between the call and its commit leaves an identity behind; its keys are then
 * younger than the job. Those of Easy DKIM have a date; a selector or a parent that is ours says as
 * much. */
bool check_is_half_made(const struct check *check)
{
    enum { SLACK_MS = 60 * 1000 }; /* between the clocks of Redis and SES */
    const struct sv_ses_identity *found = &check->ses->found;
    sv_ms asked_at = strtoll(check->before.job.entry_id, NULL, 10); /* "1764000000000-0" */

    switch (found->dkim_method) {
    case SV_DKIM_BYODKIM:
        return wanted_method(check) == SV_DKIM_BYODKIM &&
               strcmp(found->tokens[0], check_setup(check)->selector) == 0;
    case SV_DKIM_DEED:
        return wanted_method(check) == SV_DKIM_DEED &&
               strcmp(found->dkim_parent, check_setup(check)->parent_region) == 0;
    case SV_DKIM_EASY:
    case SV_DKIM_UNKNOWN:
    case SV_DKIM_METHOD_COUNT:
        break;
    }
    return found->dkim_key_made_at + SLACK_MS >= asked_at &&
           found->dkim_key_made_at <= drive_now(check->drive) + SLACK_MS;
}

/* What was there. An adopted identity keeps the MAIL FROM it has, unless the job names one. */
void check_keep_found(struct check *check)
{
    struct sv_registration *registration = &check->after.registration;
    const struct sv_ses_identity *identity = &check->ses->identity;

    check->ses->found = *identity;
    if (identity->tokens_count == 0)
        keep_selector(registration, "");
    check_keep_dkim(check, identity->dkim_method != SV_DKIM_UNKNOWN ? identity->dkim_method
                                                                    : SV_DKIM_EASY);
    if (registration->dkim == SV_DKIM_BYODKIM && !registration->adopt && check_is_half_made(check))
        keep_own_key(check);
    if (registration->adopt && registration->mail_from[0] == '\0')
        (void)snprintf(registration->mail_from, sizeof registration->mail_from, "%s",
                       identity->mail_from_domain);
}

/* Changing how an identity signs leaves its mail unsigned until the new records are seen: one that
 * works is left alone, and so is an adopted one. */
static bool may_change_signing(const struct check *check)
{
    enum sv_axis dkim = check->ses->found.dkim;

    return !check->before.registration.adopt && dkim != SV_AXIS_SUCCESS &&
           dkim != SV_AXIS_TEMPORARY_FAILURE;
}

static bool signs_as_wanted(const struct check *check)
{
    const struct sv_ses_identity *found = &check->ses->found;

    if (found->dkim_method == SV_DKIM_UNKNOWN || found->dkim_method != wanted_method(check))
        return false;
    if (found->dkim_method == SV_DKIM_BYODKIM)
        return strcmp(found->tokens[0], check_setup(check)->selector) == 0;
    return found->dkim_method != SV_DKIM_DEED ||
           strcmp(found->dkim_parent, check_setup(check)->parent_region) == 0;
}

/* The call that brings it about; SV_SES_OP_COUNT = none. An identity that was verified by TXT alone
 * may have no DKIM at all: then it gets some. */
enum sv_ses_op check_signing_call(const struct check *check)
{
    enum sv_dkim_method wanted = wanted_method(check);
    bool nothing =
        check->ses->found.tokens_count == 0 && check->ses->found.dkim_method != SV_DKIM_BYODKIM;

    if (nothing && (wanted == SV_DKIM_EASY || check->before.registration.adopt))
        return SV_SES_VERIFY_DKIM;
    if (signs_as_wanted(check) || !may_change_signing(check))
        return SV_SES_OP_COUNT;
    if (check->ses->found.dkim_method == SV_DKIM_UNKNOWN && wanted == SV_DKIM_EASY)
        return SV_SES_OP_COUNT; /* it has tokens: that is Easy DKIM, whatever SES calls it */
    return wanted != SV_DKIM_DEED ? SV_SES_PUT_SIGNING : SV_SES_OP_COUNT;
}

/* --- what drifted --- */

uint32_t check_records(const struct check *check)
{
    struct sv_expect expect;
    struct sv_record records[SV_RECORDS_MAX];
    uint32_t digest = 0;
    size_t count;

    if (check->teller == NULL)
        return 0;
    expect = check_expect(check);
    expect.dmarc_policy = NULL; /* a recommendation that the operator rewords is no news */
    count = sv_records_list(&expect, check->registrable, records);
    for (size_t i = 0; i < count; i++) {
        digest = digest * 31 + sv_crc32(records[i].name, strlen(records[i].name));
        digest = digest * 31 + sv_crc32(records[i].value, strlen(records[i].value));
    }
    return digest != 0 ? digest : 1;
}

/* The drift that provisioning leaves behind: everything was put right, but for a way to sign that
 * works. An adopted identity signs as it likes. */
void check_note_provisioned(struct check *check)
{
    const struct sv_registration *registration = &check->after.registration;
    bool differs = registration->dkim != wanted_method(check) ||
                   (registration->dkim == SV_DKIM_BYODKIM && registration->own_key == 0);

    check->seen.drift_told = SV_DRIFT_ALL;
    check->seen.drift = !registration->adopt && differs ? SV_DRIFT_DKIM_METHOD : 0;
}

bool check_restart_is_barred(const struct check *check)
{
    const struct sv_registration *registration = &check->after.registration;

    if (registration->dkim == SV_DKIM_BYODKIM)
        return registration->own_key == 0 ||
               registration->own_key != sv_state_key_digest(check_setup(check)->public_key);
    return registration->dkim == SV_DKIM_DEED;
}

static bool holds(const struct sv_registration *registration, const char *token)
{
    for (size_t i = 0; i < registration->tokens_count; i++) {
        if (strcmp(registration->tokens[i], token) == 0)
            return true;
    }
    return false;
}

/* Three tokens or one selector; anything else, such as nothing at all, tells nothing. */
static bool has_other_tokens(const struct sv_registration *registration,
                             const struct sv_ses_identity *shown)
{
    bool own = shown->tokens_count == 1;

    if (shown->tokens_count != SV_SES_TOKENS_MAX && !own)
        return false;
    if (shown->tokens_count != registration->tokens_count ||
        own != (registration->dkim == SV_DKIM_BYODKIM))
        return true;
    for (size_t i = 0; i < shown->tokens_count; i++) {
        if (!holds(registration, shown->tokens[i]))
            return true;
    }
    return false;
}

void check_tell(struct check *check, enum sv_ses_op op, const struct sv_ses_identity *result)
{
    const struct sv_registration *registration = &check->before.registration;

    if (op == SV_SES_READ_DKIM && result->listed && check->told == NULL &&
        has_other_tokens(registration, result)) {
        check->told = sv_alloc(1, sizeof *check->told);
        check->told->tokens_count = result->tokens_count;
        (void)memcpy(check->told->tokens, result->tokens, sizeof check->told->tokens);
    }
    if (op == SV_SES_READ_MAIL_FROM)
        check->mail_from_drifted = sv_name_equal(result->mail_from_domain, registration->mail_from)
                                       ? SV_TRI_NO
                                       : SV_TRI_YES;
}

/* What DNS was asked in this look was about records that count no more. */
static void forget_dns(struct check *check)
{
    struct sv_observation *seen = &check->seen;

    seen->required = SV_SEEN_UNKNOWN;
    seen->required_absent = seen->required_disputed = false;
    seen->required_ttl_s = 0;
    seen->caches_until = 0;
    seen->untold = SV_UNTOLD_NOT_ASKED;
    seen->bulk = SV_TRI_UNKNOWN;
    seen->group_known[SV_GROUP_DKIM] = seen->group_known[SV_GROUP_DNS] = false;
    check->has_findings = false;
    check->findings_count = check->findings_omitted = 0;
    check->after.registration.verdicts[0] = '\0';
}

static void take_tokens(struct check *check)
{
    struct sv_registration *registration = &check->after.registration;
    const struct told *told = check->told;
    bool own = told->tokens_count == 1;
    bool same_kind = own == (registration->dkim == SV_DKIM_BYODKIM);

    if (!same_kind) {
        registration->dkim = own ? SV_DKIM_BYODKIM : SV_DKIM_EASY;
        registration->zone[0] = '\0';
    }
    registration->own_key = 0;
    registration->tokens_count = told->tokens_count;
    (void)memset(registration->tokens, 0, sizeof registration->tokens);
    for (size_t i = 0; i < told->tokens_count; i++)
        (void)snprintf(registration->tokens[i], sizeof registration->tokens[i], "%s",
                       told->tokens[i]);
    if (!registration->adopt) {
        check->seen.drift_told |= SV_DRIFT_DKIM_METHOD;
        check->seen.drift |=
            registration->dkim != wanted_method(check) || own ? SV_DRIFT_DKIM_METHOD : 0;
    }
    sv_log_line(check->drive->options.log, SV_LOG_WARN, "dkim_records_changed",
                "SES asks for other DKIM records than before",
                SV_LOG_STR("domain", registration->domain),
                SV_LOG_STR("client_id", check->client_id));
    forget_dns(check);
}

static void take_mail_from(struct check *check)
{
    check->seen.drift_told |= SV_DRIFT_MAIL_FROM;
    if (check->mail_from_drifted == SV_TRI_NO)
        return;
    check->seen.drift |= SV_DRIFT_MAIL_FROM;
    check->seen.mail_from = SV_AXIS_NONE; /* whatever it says is about another name */
}

void check_take_told(struct check *check)
{
    bool gone = check->seen.identity == SV_AXIS_GONE;

    if (!check->seen.ses_known || gone)
        return;
    if (check->told != NULL)
        take_tokens(check);
    if (check->mail_from_drifted != SV_TRI_UNKNOWN && check->before.domain.mail_from_wanted)
        take_mail_from(check);
}

void check_take_details(struct check *check, const struct sv_ses_identity *got)
{
    const char *set = check_setup(check)->configuration_set;

    if (set == NULL || set[0] == '\0')
        return;
    check->seen.drift_told |= SV_DRIFT_CONFIGURATION_SET;
    if (strcmp(set, got->configuration_set) != 0)
        check->seen.drift |= SV_DRIFT_CONFIGURATION_SET;
}
