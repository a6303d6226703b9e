/* States and looks that the tests of the core start from. */
#ifndef TEST_CORE_STATES_H
#define TEST_CORE_STATES_H

#include "sv/domain.h"

#define TEST_NOW ((sv_ms)1767225600000) /* 2026-01-01T00:00:00Z */

enum { TEST_TTL_S = 3600 };

enum test_state {
    S_NEW,
    S_PENDING,
    S_PENDING_BAD, /* one read said failed, long enough ago */
    S_VERIFIED,
    S_VERIFIED_WRONG,     /* one look said wrong, longer than the TTL ago */
    S_VERIFIED_TEMPORARY, /* one read said TemporaryFailure */
    S_VERIFIED_BAD,
    S_RISK_RECORDS,
    S_RISK_TEMPORARY,
    S_RISK_UNSIGNED,
    S_FAILED,
    S_FAILED_GONE,
    S_REMOVED,
    S_COUNT
};

enum test_look {
    L_NOTHING,
    L_RIGHT, /* DNS only: SES did not answer */
    L_WRONG,
    L_WAITING,
    L_ABSENT_SKIPPED, /* provably absent, SES not asked */
    L_PENDING_RIGHT,
    L_PENDING_WRONG,
    L_PENDING_UNKNOWN, /* SES only: DNS did not answer */
    L_SUCCESS_RIGHT,
    L_SUCCESS_WRONG,
    L_SUCCESS_WAITING,
    L_SUCCESS_UNKNOWN,
    L_SUCCESS_UNSIGNED,
    L_DKIM_ALONE, /* Success for DKIM, identity still pending */
    L_FAILED_RIGHT,
    L_FAILED_WRONG,
    L_TEMPORARY_RIGHT,
    L_GONE,
    L_INVENTED, /* SES answered in words we do not know */
    L_COUNT
};

extern const char *const test_state_names[S_COUNT];
extern const char *const test_look_names[L_COUNT];

struct sv_domain test_domain(enum test_state state);
struct sv_observation test_look(enum test_look look);

/* A step at TEST_NOW without jitter. */
struct sv_effects test_step(struct sv_domain *domain, enum sv_input_kind kind,
                            const struct sv_observation *seen);
struct sv_effects test_look_at(struct sv_domain *domain, enum test_look look, sv_ms now);

#endif
