/* What follows from a kept registration: the DKIM records to be expected, and what a verdict's
 * letter means. */
#include <string.h>

#include "sv/digest.h"
#include "sv/state.h"

void sv_state_expect_dkim(const struct sv_registration *registration,
                          const struct sv_ses_setup *setup, struct sv_expect *expect)
{
    const char *selector = registration->tokens[0];

    if (registration->dkim != SV_DKIM_BYODKIM) {
        expect->dkim_tokens_count = registration->tokens_count;
        for (size_t i = 0; i < registration->tokens_count; i++)
            expect->dkim_tokens[i] = registration->tokens[i];
        expect->dkim_zone = registration->zone[0] != '\0' ? registration->zone : NULL;
        return;
    }
    expect->byodkim_selector = selector;
    if (setup != NULL && registration->own_key != 0 &&
        registration->own_key == sv_state_key_digest(setup->public_key))
        expect->byodkim_key = setup->public_key;
}

uint32_t sv_state_key_digest(const char *public_key)
{
    uint32_t digest = public_key != NULL ? sv_crc32(public_key, strlen(public_key)) : 0;

    return digest == 0 && public_key != NULL ? 1 : digest;
}

enum sv_record_status sv_verdict_read(char letter)
{
    if (letter == 'o')
        return SV_RECORD_OK;
    if (letter == 'w')
        return SV_RECORD_WRONG;
    return letter == 'W' ? SV_RECORD_WAITING : SV_RECORD_UNKNOWN;
}
