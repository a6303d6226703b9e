/* Servers that somebody names as those a zone had before: asked once for the very question, beside
 * the zone's own. Nothing they say is followed, remembered or taken for the zone's. */
#include <stdlib.h>

#include "resolver_parts.h"
#include "sv/alloc.h"

enum { SILENT_FOR_MS = 30 * 1000 }; /* within one check, a dead server is waited for once */

static void on_former(struct sv_errand *errand, enum sv_err err, const struct sv_dns_answer *answer)
{
    struct sv_owned_former *former = errand->owner;
    struct sv_owned *owned = former->owned;

    former->answer = err == SV_OK
                         ? sv_dns_answer_copy(answer)
                         : sv_answer_of_trouble(&errand->question, SV_DNS_TIMEOUT, errand->servers);
    if (former->answer->trouble == SV_DNS_TIMEOUT && former->answer->server[0] != '\0')
        owned->resolver->former_silent_until[former->at] =
            sv_resolver_now(owned->resolver) + SILENT_FOR_MS;
    owned->former_open--;
    if (!sv_owned_is_called_off(owned))
        sv_owned_step(owned);
}

void sv_owned_ask_former(struct sv_owned *owned)
{
    struct sv_views_resolver *r = owned->resolver;

    if (owned->flight->depth > 0 || r->former_count == 0)
        return; /* what an alias points to belongs to others */
    owned->former = sv_alloc(r->former_count, sizeof(*owned->former));
    for (size_t i = 0; i < r->former_count; i++) {
        struct sv_owned_former *former = &owned->former[owned->former_count];
        if (r->former_silent_until[i] > sv_resolver_now(r))
            continue;
        owned->former_count++;
        former->at = i;
        former->owned = owned;
        former->errand = (struct sv_errand){.owner = former,
                                            .question = owned->flight->question,
                                            .servers = &r->former[i],
                                            .count = 1,
                                            .total_ms = r->total_ms / 3 * 2};
        former->errand.question.how &= SV_ASK_DNSSEC | SV_ASK_UNCHECKED;
        owned->former_open++;
        sv_errand_start(&r->line, &former->errand, on_former);
    }
}

void sv_owned_stop_former(struct sv_owned *owned)
{
    owned->former_stopped = true;
    for (size_t i = 0; i < owned->former_count; i++)
        sv_errand_cancel(&owned->former[i].errand);
}

void sv_owned_forget_former(struct sv_owned *owned)
{
    for (size_t i = 0; i < owned->former_count; i++)
        sv_dns_answer_free(owned->former[i].answer);
    free(owned->former);
}
