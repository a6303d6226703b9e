/* Remembers every call: counters, arrival times, and the requests byte for byte; and throttles. */
#ifndef SB_JOURNAL_H
#define SB_JOURNAL_H

#include <jansson.h>

#include "auth.h"
#include "clock.h"
#include "identity.h"

enum { SB_CALLS_MAX = 10000, SB_CAPTURES_MAX = 2000, SB_ACTION_BYTES = 64, SB_CODE_BYTES = 128 };

enum sb_outcome {
    SB_OUTCOME_OK,
    SB_OUTCOME_REFUSED,   /* an error answer of the service's own */
    SB_OUTCOME_THROTTLED, /* by --rate */
    SB_OUTCOME_FAULTED,   /* a scripted fault spoke instead */
};

struct sb_entry {
    sv_ms at_ms;     /* monotonic, when it arrived */
    const char *api; /* "v1", "v2", "sts": a constant */
    char action[SB_ACTION_BYTES];
    char account[SB_KEY_ID_BYTES];
    char region[SB_REGION_BYTES];
    char identity[SB_IDENTITY_BYTES]; /* the first one named; "" without */
    size_t identities;
    unsigned status;
    char code[SB_CODE_BYTES]; /* "" when it went well */
    enum sb_outcome outcome;
};

struct sb_journal;

struct sb_journal *sb_journal_new(const struct sb_clock *clock, double rate, double burst);
void sb_journal_free(struct sb_journal *journal);
void sb_journal_clear(struct sb_journal *journal);

/* False when this call comes too early for its account, region and action. A refused call costs
 * nothing. */
bool sb_journal_permit(struct sb_journal *journal, const struct sb_entry *entry);

/* Sets the rate of that action from now on, or of all that have none of their own (NULL); 0: no
 * throttle. */
void sb_journal_set_rate(struct sb_journal *journal, const char *action, double rate, double burst);

/* Forgets the rates that actions have of their own. */
void sb_journal_clear_rates(struct sb_journal *journal);

/* Writes a finished call down, with the request as it came. */
void sb_journal_add(struct sb_journal *journal, const struct sb_entry *entry,
                    const struct sb_request *request);

/* GET /calls and GET /requests; the caller owns the result. `entries_max` bounds the list of single
 * calls. */
json_t *sb_journal_calls(const struct sb_journal *journal, size_t entries_max);
json_t *sb_journal_requests(const struct sb_journal *journal);

#endif
