#include "cmocka_all.h"

#include <string.h>

#include "states.h"

/* Every status (with the doubts it can carry) against every input. A letter says which event comes:
 *   . none   u updated   r registered   v verified   a at_risk   s restored   f failed   x removed
 * and, where work at SES is owed afterwards, a letter behind it: P provision, D restart of DKIM. */
static const char *const letters = ".rvasfxu";

struct row {
    enum test_state state;
    const char *looks;  /* one per enum test_look, in its order */
    const char *inputs; /* provisioned, restarted, removed, fault */
};

/* clang-format off */
static const struct row rows[] = {
    /* DNS alone    |  pending |     success     |  | failed
     no r  w  wa ab r  w  ?  r  w  wa ?  un dk r  w  te go in; then provisioned restarted removed fault */
    {S_NEW,
     ".P .P .P .P .P .P .P .P .P .P .P .P .P .P .P .P .P .P .P",
     "r  .P .  .P"},
    {S_PENDING,
     ".  .  .  .  u  .  u  .  v  v  v  v  u  u  uD u  u  .  .",
     ".  .  x  ."},
    {S_PENDING_BAD,
     ".  .D .  .  u  u  u  u  v  v  v  v  u  u  fD f  u  f  .D",
     ".  .  x  ."},
    {S_VERIFIED,
     ".  .  .  .  u  u  u  u  .  u  .  .  a  u  u  u  u  .  .",
     ".  .  x  ."},
    {S_VERIFIED_WRONG,
     ".  .  a  .  a  u  a  u  .  a  .  .  a  u  u  a  u  .  .",
     ".  .  x  ."},
    {S_VERIFIED_TEMPORARY,
     ".  .  .  .  u  u  u  u  u  u  u  u  a  u  u  u  a  .  .",
     ".  .  x  ."},
    {S_VERIFIED_BAD,
     ".  .  .  .  u  u  u  u  .  u  .  .  a  u  fD f  u  fP .",
     ".  .  x  ."},
    {S_RISK_RECORDS,
     ".  .  .  .  .  u  u  u  s  .  u  .  u  u  u  u  u  .  .",
     ".  .  x  ."},
    {S_RISK_TEMPORARY,
     ".  .  .  .  u  u  u  u  s  s  s  s  u  u  u  u  u  .  .",
     ".  .  x  ."},
    {S_RISK_UNSIGNED,
     ".  .  .  .  .  u  u  u  s  s  s  s  .  u  u  u  u  .  .",
     ".  .  x  ."},
    {S_FAILED,
     ".  .D .  .  .  u  u  u  s  s  s  s  u  u  uD .  u  .  .D",
     ".  .  x  ."},
    {S_FAILED_GONE,
     ".P .P .P .P .P uP uP uP sP sP sP sP uP uP uPD uP uP .P .P",
     ".  .P x  .P"},
    {S_REMOVED,
     ".  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .",
     "r  .  .  ."},
};
/* clang-format on */

static void render(const struct sv_domain *domain, const struct sv_effects *effects, char out[5])
{
    size_t at = 0;

    out[at++] = letters[effects->news];
    if ((domain->todo & SV_TODO_PROVISION) != 0)
        out[at++] = 'P';
    if ((domain->todo & SV_TODO_RESTART_DKIM) != 0)
        out[at++] = 'D';
    out[at] = '\0';
}

/* Takes the next word of the row; words are parted by blanks. */
static const char *next(const char *text, char word[5])
{
    size_t len = strcspn(text, " ");

    assert_true(len > 0 && len < 5);
    memcpy(word, text, len);
    word[len] = '\0';
    return text + len + strspn(text + len, " ");
}

/* True of every step, whatever the pair. */
static void check_always(const struct sv_domain *before, const struct sv_domain *after,
                         const struct sv_effects *effects)
{
    bool news = effects->news != SV_NEWS_NONE;

    assert_int_equal(after->sequence, before->sequence + (news ? 1 : 0));
    assert_int_equal(effects->from, before->status);
    assert_int_equal(effects->to, after->status);
    assert_int_equal(news, effects->reason != SV_REASON_NONE);
    assert_int_equal(effects->news == SV_NEWS_UPDATED, effects->reason == SV_REASON_CHANGED);
    assert_int_equal(news && effects->from != effects->to,
                     news && effects->news != SV_NEWS_UPDATED);
    assert_int_equal(effects->wait_ms < 0, after->status == SV_STATUS_REMOVED);
    assert_true(after->conclusion != SV_CONCLUSION_CANNOT_TELL);
    assert_int_equal(after->next_check_at, effects->wait_ms < 0 ? 0 : TEST_NOW + effects->wait_ms);
    assert_true(sv_domain_is_sane(after));
}

static void check_look(enum test_state state, enum test_look look, const char *expected)
{
    struct sv_observation seen = test_look(look);
    struct sv_domain before = test_domain(state);
    struct sv_domain after = before;
    struct sv_effects effects = test_step(&after, SV_INPUT_LOOKED, &seen);
    char found[5];

    render(&after, &effects, found);
    if (strcmp(found, expected) != 0)
        fail_msg("%s + %s: expected %s, found %s", test_state_names[state], test_look_names[look],
                 expected, found);
    check_always(&before, &after, &effects);
    if (look == L_NOTHING) { /* unknown moves nothing */
        assert_int_equal(effects.news, SV_NEWS_NONE);
        assert_false(effects.definitive);
    }
}

static void check_input(enum test_state state, enum sv_input_kind kind, const char *expected)
{
    struct sv_domain before = test_domain(state);
    struct sv_domain after = before;
    struct sv_effects effects = test_step(&after, kind, NULL);
    char found[5];

    render(&after, &effects, found);
    if (strcmp(found, expected) != 0)
        fail_msg("%s + input %d: expected %s, found %s", test_state_names[state], (int)kind,
                 expected, found);
    check_always(&before, &after, &effects);
}

static void every_pair_is_as_written(void **state)
{
    static const enum sv_input_kind kinds[] = {SV_INPUT_PROVISIONED, SV_INPUT_RESTARTED,
                                               SV_INPUT_REMOVED, SV_INPUT_FAULT};
    char word[5];

    (void)state;
    assert_int_equal(sizeof(rows) / sizeof(rows[0]), S_COUNT);
    for (size_t r = 0; r < S_COUNT; r++) {
        const char *text = rows[r].looks;

        assert_int_equal(rows[r].state, r);
        for (int look = 0; look < L_COUNT; look++) {
            text = next(text, word);
            check_look(rows[r].state, (enum test_look)look, word);
        }
        text = rows[r].inputs;
        for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
            text = next(text, word);
            check_input(rows[r].state, kinds[k], word);
        }
    }
}

/* The same input again, at once: no second event. */
static void repeating_a_look_is_no_news(void **state)
{
    (void)state;
    for (int s = 0; s < S_COUNT; s++) {
        for (int look = 0; look < L_COUNT; look++) {
            struct sv_domain domain = test_domain((enum test_state)s);
            struct sv_effects effects;

            (void)test_look_at(&domain, (enum test_look)look, TEST_NOW);
            if (look == L_TEMPORARY_RIGHT) /* the second read counts here */
                (void)test_look_at(&domain, (enum test_look)look, TEST_NOW);
            effects = test_look_at(&domain, (enum test_look)look, TEST_NOW);
            if (effects.news != SV_NEWS_NONE)
                fail_msg("%s + %s twice: %s", test_state_names[s], test_look_names[look],
                         sv_news_name(effects.news));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_is_as_written),
        cmocka_unit_test(repeating_a_look_is_no_news),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
