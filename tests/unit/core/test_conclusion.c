#include "cmocka_all.h"

#include "states.h"

/* SES's last word (both axes) against what DNS shows: the stored word, as a table. */
struct row {
    enum sv_axis axis;
    enum sv_conclusion right, wrong, waiting;
};

static const struct row rows[] = {
    {SV_AXIS_SUCCESS, SV_CONCLUSION_ALL_GOOD, SV_CONCLUSION_RECORD_GONE,
     SV_CONCLUSION_DNS_SPREADING},
    {SV_AXIS_PENDING, SV_CONCLUSION_DNS_RIGHT_SES_WAITING, SV_CONCLUSION_DNS_WRONG,
     SV_CONCLUSION_DNS_SPREADING},
    {SV_AXIS_TEMPORARY_FAILURE, SV_CONCLUSION_SES_TROUBLE, SV_CONCLUSION_DNS_WRONG,
     SV_CONCLUSION_DNS_SPREADING},
    {SV_AXIS_FAILED, SV_CONCLUSION_RESTART_DUE, SV_CONCLUSION_SES_GAVE_UP,
     SV_CONCLUSION_DNS_SPREADING},
    {SV_AXIS_NOT_STARTED, SV_CONCLUSION_RESTART_DUE, SV_CONCLUSION_DNS_WRONG,
     SV_CONCLUSION_DNS_SPREADING},
};

static enum sv_conclusion conclude(enum test_state state, enum sv_axis axis, enum sv_seen required)
{
    struct sv_domain domain = test_domain(state);
    struct sv_observation seen = {.ses_known = true,
                                  .identity = axis,
                                  .dkim = axis,
                                  .signing = SV_TRI_YES,
                                  .required = required};

    return test_step(&domain, SV_INPUT_LOOKED, &seen).shown;
}

static void both_verdicts_side_by_side(void **state)
{
    static const enum test_state states[] = {S_PENDING, S_VERIFIED, S_RISK_UNSIGNED, S_FAILED};

    (void)state;
    for (size_t s = 0; s < sizeof(states) / sizeof(states[0]); s++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            enum sv_axis axis = rows[i].axis;

            assert_int_equal(conclude(states[s], axis, SV_SEEN_RIGHT), rows[i].right);
            assert_int_equal(conclude(states[s], axis, SV_SEEN_WRONG), rows[i].wrong);
            assert_int_equal(conclude(states[s], axis, SV_SEEN_WAITING), rows[i].waiting);
            assert_int_equal(conclude(states[s], axis, SV_SEEN_UNKNOWN), SV_CONCLUSION_CANNOT_TELL);
        }
    }
}

static void the_worse_axis_decides(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_observation seen = test_look(L_SUCCESS_RIGHT);

    (void)state;
    seen.identity = SV_AXIS_TEMPORARY_FAILURE;
    seen.dkim = SV_AXIS_FAILED;
    assert_int_equal(test_step(&domain, SV_INPUT_LOOKED, &seen).shown, SV_CONCLUSION_RESTART_DUE);
    seen.dkim = SV_AXIS_SUCCESS;
    assert_int_equal(test_step(&domain, SV_INPUT_LOOKED, &seen).shown, SV_CONCLUSION_SES_TROUBLE);
}

static void what_nobody_could_tell_is_shown_but_not_stored(void **state)
{
    static const enum test_look silent[] = {L_NOTHING,         L_RIGHT,    L_WRONG, L_WAITING,
                                            L_SUCCESS_UNKNOWN, L_INVENTED, L_GONE};

    (void)state;
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        struct sv_domain domain = test_domain(S_VERIFIED);
        struct sv_effects effects = test_look_at(&domain, silent[i], TEST_NOW);

        assert_int_equal(effects.shown, SV_CONCLUSION_CANNOT_TELL);
        assert_int_equal(domain.conclusion, SV_CONCLUSION_ALL_GOOD);
    }
}

static void ses_alone_can_tell_some_things(void **state)
{
    struct sv_domain domain = test_domain(S_FAILED_GONE);
    struct sv_observation seen = test_look(L_GONE);

    (void)state;
    seen.required = SV_SEEN_UNKNOWN;
    assert_int_equal(test_step(&domain, SV_INPUT_LOOKED, &seen).shown, SV_CONCLUSION_IDENTITY_GONE);
    domain = test_domain(S_VERIFIED);
    seen = test_look(L_SUCCESS_UNSIGNED);
    seen.required = SV_SEEN_UNKNOWN;
    assert_int_equal(test_step(&domain, SV_INPUT_LOOKED, &seen).shown,
                     SV_CONCLUSION_SIGNING_DISABLED);
}

static struct sv_observation success(enum sv_seen required)
{
    return (struct sv_observation){.ses_known = true,
                                   .identity = SV_AXIS_SUCCESS,
                                   .dkim = SV_AXIS_SUCCESS,
                                   .signing = SV_TRI_YES,
                                   .bulk = required == SV_SEEN_WRONG ? SV_TRI_NO : SV_TRI_YES,
                                   .group_known = {[SV_GROUP_DKIM] = true, [SV_GROUP_DNS] = true},
                                   .group_digest = {[SV_GROUP_DKIM] = (uint32_t)required},
                                   .required = required,
                                   .required_ttl_s = 3600};
}

/* Takes one look and says whether it made a change to tell of. */
static bool tells(struct sv_domain *domain, const struct sv_observation *seen)
{
    return test_step(domain, SV_INPUT_LOOKED, seen).news != SV_NEWS_NONE;
}

static void caches_that_lag_behind_a_good_domain_are_no_news(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_observation right = success(SV_SEEN_RIGHT);
    struct sv_observation waiting = success(SV_SEEN_WAITING);
    struct sv_observation wrong = success(SV_SEEN_WRONG);

    (void)state;
    waiting.group_digest[SV_GROUP_DKIM] = right.group_digest[SV_GROUP_DKIM];
    (void)tells(&domain, &right);
    for (int look = 0; look < 10; look++)
        assert_false(tells(&domain, look % 2 == 0 ? &waiting : &right));
    assert_true(tells(&domain, &wrong)); /* the zone's own servers say so */
    assert_int_equal(domain.conclusion, SV_CONCLUSION_RECORD_GONE);
    assert_true(tells(&domain, &waiting)); /* a repair is news */
    assert_int_equal(domain.conclusion, SV_CONCLUSION_DNS_SPREADING);
    assert_true(tells(&domain, &right));
}

static void a_resolver_that_flaps_alone_is_no_news(void **state)
{
    struct sv_domain domain = test_domain(S_VERIFIED);
    struct sv_observation right = success(SV_SEEN_RIGHT);
    struct sv_observation wrong = success(SV_SEEN_WRONG);

    (void)state;
    right.authority_closed = wrong.authority_closed = true;
    right.group_known[SV_GROUP_DNS] = wrong.group_known[SV_GROUP_DNS] = true;
    wrong.group_digest[SV_GROUP_DNS] = 7;
    (void)tells(&domain, &right);
    for (int look = 0; look < 10; look++)
        assert_false(tells(&domain, look % 2 == 0 ? &wrong : &right));
    wrong.required_ttl_s = 0; /* confirmed by a second look that is later than this */
    assert_false(tells(&domain, &wrong));
    domain.wrong_at -= 1000;
    assert_true(tells(&domain, &wrong));
    assert_int_equal(domain.status, SV_STATUS_AT_RISK);
    assert_int_equal(domain.conclusion, SV_CONCLUSION_RECORD_GONE);
    assert_int_equal(domain.findings[SV_GROUP_DKIM], SV_SEEN_WRONG);
    assert_int_equal(domain.findings[SV_GROUP_DNS], 7);
    assert_int_equal(domain.bulk, SV_TRI_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_verdicts_side_by_side),
        cmocka_unit_test(the_worse_axis_decides),
        cmocka_unit_test(what_nobody_could_tell_is_shown_but_not_stored),
        cmocka_unit_test(ses_alone_can_tell_some_things),
        cmocka_unit_test(caches_that_lag_behind_a_good_domain_are_no_news),
        cmocka_unit_test(a_resolver_that_flaps_alone_is_no_news),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
