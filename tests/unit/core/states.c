#include "states.h"

const char *const test_state_names[S_COUNT] = {
    [S_NEW] = "new",
    [S_PENDING] = "pending",
    [S_PENDING_BAD] = "pending, bad once",
    [S_VERIFIED] = "verified",
    [S_VERIFIED_WRONG] = "verified, wrong once",
    [S_VERIFIED_TEMPORARY] = "verified, trouble once",
    [S_VERIFIED_BAD] = "verified, bad once",
    [S_RISK_RECORDS] = "at risk, records",
    [S_RISK_TEMPORARY] = "at risk, trouble",
    [S_RISK_UNSIGNED] = "at risk, unsigned",
    [S_FAILED] = "failed",
    [S_FAILED_GONE] = "failed, gone",
    [S_REMOVED] = "removed",
};

const char *const test_look_names[L_COUNT] = {
    [L_NOTHING] = "nothing",
    [L_RIGHT] = "dns right only",
    [L_WRONG] = "dns wrong only",
    [L_WAITING] = "dns waiting only",
    [L_ABSENT_SKIPPED] = "absent, skipped",
    [L_PENDING_RIGHT] = "pending, right",
    [L_PENDING_WRONG] = "pending, wrong",
    [L_PENDING_UNKNOWN] = "pending, unknown",
    [L_SUCCESS_RIGHT] = "success, right",
    [L_SUCCESS_WRONG] = "success, wrong",
    [L_SUCCESS_WAITING] = "success, waiting",
    [L_SUCCESS_UNKNOWN] = "success, unknown",
    [L_SUCCESS_UNSIGNED] = "success, unsigned",
    [L_DKIM_ALONE] = "dkim alone",
    [L_FAILED_RIGHT] = "failed, right",
    [L_FAILED_WRONG] = "failed, wrong",
    [L_TEMPORARY_RIGHT] = "temporary, right",
    [L_GONE] = "gone",
    [L_INVENTED] = "invented",
};

static struct sv_domain base(enum sv_status status, enum sv_axis axis, enum sv_conclusion stored)
{
    return (struct sv_domain){.status = status,
                              .identity = axis,
                              .dkim = axis,
                              .mail_from = SV_AXIS_NONE,
                              .signing = SV_TRI_YES,
                              .conclusion = stored,
                              .was_verified = status != SV_STATUS_PENDING,
                              .sequence = 3,
                              .status_since = TEST_NOW - SV_DAY,
                              .looking_since = TEST_NOW - SV_DAY,
                              .ses_asked_at = TEST_NOW - SV_HOUR};
}

struct sv_domain test_domain(enum test_state state)
{
    struct sv_domain pending =
        base(SV_STATUS_PENDING, SV_AXIS_PENDING, SV_CONCLUSION_DNS_RIGHT_SES_WAITING);
    struct sv_domain good = base(SV_STATUS_VERIFIED, SV_AXIS_SUCCESS, SV_CONCLUSION_ALL_GOOD);
    struct sv_domain risk = base(SV_STATUS_AT_RISK, SV_AXIS_SUCCESS, SV_CONCLUSION_RECORD_GONE);
    struct sv_domain failed = base(SV_STATUS_FAILED, SV_AXIS_FAILED, SV_CONCLUSION_SES_GAVE_UP);

    switch (state) {
    case S_NEW:
    case S_COUNT:
        break;
    case S_PENDING:
        return pending;
    case S_PENDING_BAD:
        pending.dkim = SV_AXIS_FAILED;
        pending.bad_at = TEST_NOW - 10 * SV_MINUTE;
        return pending;
    case S_VERIFIED:
        return good;
    case S_VERIFIED_WRONG:
        good.wrong_at = TEST_NOW - 2 * SV_HOUR;
        good.wrong_ttl_s = TEST_TTL_S;
        return good;
    case S_VERIFIED_TEMPORARY:
        good.dkim = SV_AXIS_TEMPORARY_FAILURE;
        good.temporary_at = TEST_NOW - SV_MINUTE;
        good.conclusion = SV_CONCLUSION_SES_TROUBLE;
        return good;
    case S_VERIFIED_BAD:
        good.bad_at = TEST_NOW - 10 * SV_MINUTE;
        return good;
    case S_RISK_RECORDS:
        risk.dns_wrong = true;
        return risk;
    case S_RISK_TEMPORARY:
        risk.dkim = SV_AXIS_TEMPORARY_FAILURE;
        risk.temporary_at = TEST_NOW - SV_HOUR;
        risk.conclusion = SV_CONCLUSION_SES_TROUBLE;
        return risk;
    case S_RISK_UNSIGNED:
        risk.signing = SV_TRI_NO;
        risk.conclusion = SV_CONCLUSION_SIGNING_DISABLED;
        return risk;
    case S_FAILED:
        return failed;
    case S_FAILED_GONE:
        failed.identity = failed.dkim = SV_AXIS_GONE;
        failed.signing = SV_TRI_UNKNOWN;
        failed.conclusion = SV_CONCLUSION_IDENTITY_GONE;
        failed.todo = SV_TODO_PROVISION;
        return failed;
    case S_REMOVED:
        return (struct sv_domain){.status = SV_STATUS_REMOVED, .sequence = 9};
    }
    return (struct sv_domain){.todo = SV_TODO_PROVISION};
}

/* What the name says in its first word and in its second. */
static enum sv_axis axis_of(enum test_look look)
{
    static const enum sv_axis axes[L_COUNT] = {
        [L_PENDING_RIGHT] = SV_AXIS_PENDING,
        [L_PENDING_WRONG] = SV_AXIS_PENDING,
        [L_PENDING_UNKNOWN] = SV_AXIS_PENDING,
        [L_SUCCESS_RIGHT] = SV_AXIS_SUCCESS,
        [L_SUCCESS_WRONG] = SV_AXIS_SUCCESS,
        [L_SUCCESS_WAITING] = SV_AXIS_SUCCESS,
        [L_SUCCESS_UNKNOWN] = SV_AXIS_SUCCESS,
        [L_SUCCESS_UNSIGNED] = SV_AXIS_SUCCESS,
        [L_DKIM_ALONE] = SV_AXIS_SUCCESS,
        [L_FAILED_RIGHT] = SV_AXIS_FAILED,
        [L_FAILED_WRONG] = SV_AXIS_FAILED,
        [L_TEMPORARY_RIGHT] = SV_AXIS_TEMPORARY_FAILURE,
        [L_GONE] = SV_AXIS_GONE,
    };

    return axes[look];
}

static enum sv_seen seen_of(enum test_look look)
{
    static const enum sv_seen seen[L_COUNT] = {
        [L_RIGHT] = SV_SEEN_RIGHT,
        [L_WRONG] = SV_SEEN_WRONG,
        [L_WAITING] = SV_SEEN_WAITING,
        [L_ABSENT_SKIPPED] = SV_SEEN_WRONG,
        [L_PENDING_RIGHT] = SV_SEEN_RIGHT,
        [L_PENDING_WRONG] = SV_SEEN_WRONG,
        [L_SUCCESS_RIGHT] = SV_SEEN_RIGHT,
        [L_SUCCESS_WRONG] = SV_SEEN_WRONG,
        [L_SUCCESS_WAITING] = SV_SEEN_WAITING,
        [L_SUCCESS_UNSIGNED] = SV_SEEN_RIGHT,
        [L_DKIM_ALONE] = SV_SEEN_RIGHT,
        [L_FAILED_RIGHT] = SV_SEEN_RIGHT,
        [L_FAILED_WRONG] = SV_SEEN_WRONG,
        [L_TEMPORARY_RIGHT] = SV_SEEN_RIGHT,
        [L_GONE] = SV_SEEN_RIGHT,
        [L_INVENTED] = SV_SEEN_RIGHT,
    };

    return seen[look];
}

struct sv_observation test_look(enum test_look look)
{
    struct sv_observation seen = {.required = seen_of(look)};

    seen.ses_known = look >= L_PENDING_RIGHT;
    seen.ses_skipped = look == L_ABSENT_SKIPPED;
    seen.required_absent = look == L_ABSENT_SKIPPED;
    seen.required_ttl_s = seen.required == SV_SEEN_UNKNOWN ? 0 : TEST_TTL_S;
    seen.identity = look == L_DKIM_ALONE ? SV_AXIS_PENDING : axis_of(look);
    seen.dkim = axis_of(look);
    if (seen.ses_known)
        seen.mail_from = look == L_GONE ? SV_AXIS_GONE : SV_AXIS_NONE;
    if (seen.ses_known && look != L_GONE && look != L_INVENTED)
        seen.signing = look == L_SUCCESS_UNSIGNED ? SV_TRI_NO : SV_TRI_YES;
    return seen;
}

struct sv_effects test_step(struct sv_domain *domain, enum sv_input_kind kind,
                            const struct sv_observation *seen)
{
    struct sv_policy policy = sv_policy_default();
    struct sv_input input = {.kind = kind, .now = TEST_NOW, .random = SV_JITTER_STEPS};
    struct sv_effects effects;

    if (seen != NULL)
        input.seen = *seen;
    sv_domain_step(domain, &policy, &input, &effects);
    return effects;
}

struct sv_effects test_look_at(struct sv_domain *domain, enum test_look look, sv_ms now)
{
    struct sv_policy policy = sv_policy_default();
    struct sv_input input = {
        .kind = SV_INPUT_LOOKED, .now = now, .random = SV_JITTER_STEPS, .seen = test_look(look)};
    struct sv_effects effects;

    sv_domain_step(domain, &policy, &input, &effects);
    return effects;
}
