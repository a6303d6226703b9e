/* Do the reports that a DMARC record asks for arrive? Targets outside the Organizational Domain
 * must agree (RFC 9990), and every target must be able to receive mail. */
#include <string.h>

#include "dmarc_parts.h"

/* Inside when both walks end at the same domain; what is not below it needs no walk. */
static enum sv_tri is_inside(struct sv_dmarc_view *view, const char *target)
{
    const char *organizational = view->walk.organizational;
    struct sv_dmarc_walk walk;

    if (sv_name_equal(target, view->now.at))
        return SV_TRI_YES;
    if (organizational == NULL)
        return SV_TRI_UNKNOWN;
    if (sv_name_equal(target, organizational))
        return SV_TRI_YES;
    if (!sv_name_is_below(target, organizational))
        return SV_TRI_NO;
    sv_dmarc_walk(&view->source, target, &walk);
    if (walk.organizational == NULL)
        return SV_TRI_UNKNOWN;
    return sv_name_equal(walk.organizational, organizational) ? SV_TRI_YES : SV_TRI_NO;
}

/* {d}._report._dmarc.{target}, where {d} is the name of the record. A wildcard there is as good. */
static void judge_consent(struct sv_dmarc_view *view, const char *target)
{
    struct sv_judge *judge = view->judge;
    const struct sv_fact *fact;
    char owner[SV_NAME_BYTES];
    struct sv_naming naming = {.owner = owner, .expected = "v=DMARC1", .found = target};

    if (!sv_name_build(owner, view->now.at, "._report._dmarc.", target))
        return; /* no DNS can hold that name; nothing to advise */
    fact = sv_judge_look(judge, owner, SV_RR_TXT, &judge->report_looks, SV_DMARC_REPORT_LOOKS_MAX);
    if (sv_fact_known(fact) && !fact->incomplete && sv_dmarc_choose(fact).count == 0)
        sv_judge_find(judge, SV_F_DMARC_RUA_NOT_AUTHORIZED, fact, SV_SEVERITY_NONE, &naming);
}

static void judge_target(struct sv_dmarc_view *view, const struct sv_fact *record,
                         const char *target)
{
    struct sv_judge *judge = view->judge;
    struct sv_naming naming = {.owner = record->name, .found = target};
    const struct sv_fact *fact;

    if (is_inside(view, target) == SV_TRI_NO)
        judge_consent(view, target);
    if (sv_name_equal(target, judge->expect.domain))
        return; /* that {d} cannot receive mail is told by itself */
    if (sv_judge_can_receive(judge, target, &judge->report_looks, SV_DMARC_REPORT_LOOKS_MAX,
                             &fact) == SV_TRI_NO)
        sv_judge_find(judge, SV_F_DMARC_RUA_UNDELIVERABLE, fact, SV_SEVERITY_NONE, &naming);
}

void sv_dmarc_judge_reports(struct sv_dmarc_view *view, const struct sv_fact *fact)
{
    const struct sv_span lists[] = {view->now.record.rua, view->now.record.ruf};
    char targets[SV_DMARC_TARGETS_MAX][SV_NAME_BYTES];
    struct sv_dmarc_uri uri;
    size_t count = 0;

    for (size_t i = 0; i < 2; i++) {
        struct sv_span rest = lists[i];
        while (count < SV_DMARC_TARGETS_MAX && sv_dmarc_uri_next(&rest, &uri)) {
            bool is_new = uri.kind == SV_DMARC_URI_MAILTO;
            for (size_t j = 0; j < count; j++)
                is_new = is_new && !sv_name_equal(uri.domain, targets[j]);
            if (is_new)
                memcpy(targets[count++], uri.domain, sizeof(uri.domain));
        }
    }
    for (size_t i = 0; i < count; i++)
        judge_target(view, fact, targets[i]);
}
