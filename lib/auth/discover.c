/* Looks for what can be known of a set-up at SES without its tokens. Selectors of DKIM cannot: they
 * are random, and DNS does not list them. */
#include <string.h>

#include "judge_parts.h"
#include "records_parts.h"

/* What people and SES's console call a MAIL FROM domain. */
static const char *const labels[] = {
    "mail", "bounce", "bounces", "mailfrom", "mail-from", "ses",
    "send", "email",  "em",      "news",     "notify",    "mta",
};

struct search {
    struct sv_judge *judge;
    struct sv_discovery found;
};

static const struct sv_fact *look(struct search *search, const char *label, enum sv_rr_type type)
{
    struct sv_judge *judge = search->judge;
    char name[SV_NAME_BYTES];
    const struct sv_fact *fact;

    if (!sv_name_build(name, label, ".", judge->expect.domain))
        return NULL;
    fact = sv_judge_look(judge, name, type, &judge->discover_looks, SV_DISCOVER_LOOKS_MAX);
    if (!sv_fact_known(fact)) {
        search->found.unsettled = true;
        return NULL;
    }
    return fact;
}

/* The region in a kept "10 feedback-smtp.<region>.amazonses.com"; false for any other host. */
static bool read_region(struct sv_span value, char out[SV_REGION_BYTES])
{
    struct sv_span region;
    struct sv_line line;

    if (!sv_feedback_region(sv_mx_host(value), &region))
        return false;
    sv_line_init(&line, out, SV_REGION_BYTES);
    for (size_t i = 0; i < region.len; i++) {
        char c = sv_char_lower(region.text[i]);
        sv_line_add_bytes(&line, &c, 1);
    }
    return !line.cut;
}

static bool has_feedback_host(const struct sv_fact *mx, char region[SV_REGION_BYTES])
{
    for (size_t i = 0; mx != NULL && i < mx->values_count; i++) {
        if (read_region(mx->values[i], region))
            return true;
    }
    return false;
}

static void find_mail_from(struct search *search)
{
    const struct sv_fact *found = NULL;
    char region[SV_REGION_BYTES];
    char ignored[SV_REGION_BYTES];

    for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
        const struct sv_fact *mx = look(search, labels[i], SV_RR_MX);
        if (found == NULL && has_feedback_host(mx, region))
            found = mx;
    }
    /* Where a wildcard gives the same to every name, none of them is the one. */
    if (found == NULL || has_feedback_host(look(search, SV_NO_SUCH_LABEL, SV_RR_MX), ignored))
        return;
    memcpy(search->found.mail_from, found->name, strlen(found->name) + 1);
    memcpy(search->found.region, region, strlen(region) + 1);
}

/* A name that only leads to others is there, but has no records. A wildcard would make any name
 * look so; then nothing is known. */
static enum sv_tri find_domainkeys(struct search *search)
{
    const struct sv_fact *above = look(search, "_domainkey", SV_RR_TXT);
    const struct sv_fact *sibling = look(search, SV_NO_SUCH_LABEL, SV_RR_TXT);

    if (above == NULL)
        return SV_TRI_UNKNOWN;
    if (above->outcome == SV_DNS_NXDOMAIN && above->alias == NULL)
        return SV_TRI_NO;
    return sibling != NULL && sibling->outcome == SV_DNS_NXDOMAIN && sibling->alias == NULL
               ? SV_TRI_YES
               : SV_TRI_UNKNOWN;
}

static enum sv_tri find_ownership(struct search *search)
{
    const struct sv_fact *txt = look(search, "_amazonses", SV_RR_TXT);

    if (txt == NULL)
        return SV_TRI_UNKNOWN;
    return sv_fact_absent(txt) ? SV_TRI_NO : SV_TRI_YES;
}

void sv_judge_discover(struct sv_judge *judge)
{
    struct search search = {.judge = judge};
    bool unsettled[SV_RECORDS_MAX] = {false};

    if (!judge->expect.discover)
        return;
    /* What is not found here leaves no finding open. */
    if (judge->out != NULL)
        memcpy(unsettled, judge->out->unsettled, sizeof(unsettled));
    find_mail_from(&search);
    search.found.domainkeys = find_domainkeys(&search);
    search.found.ownership = find_ownership(&search);
    if (judge->out == NULL)
        return;
    judge->out->discovery = search.found;
    memcpy(judge->out->unsettled, unsettled, sizeof(unsettled));
}
