/* The SPF tree, the way to the DMARC policy, what large receivers demand, and what was discovered.
 */
#include <string.h>

#include "show.h"
#include "sv/cloudevent.h"
#include "sv/json.h"

const char *const sv_show_not_in_dns[] = {"one-click unsubscribe (RFC 8058)",
                                          "spam rate below 0.3 %", "TLS",
                                          "reverse DNS of SES's addresses", NULL};

static const char *tri(enum sv_tri value)
{
    if (value == SV_TRI_UNKNOWN)
        return "unknown";
    return value == SV_TRI_YES ? "yes" : "no";
}

static json_t *known(const char *text)
{
    return *text != '\0' ? json_string(text) : json_null();
}

/* ---- SPF ---- */

static void show_node(const struct sv_show *show, const struct sv_spf_node *node)
{
    const char *outcome = "";
    char text[SV_SPF_TERM_BYTES + 64];

    if (node->outcome == SV_DNS_NXDOMAIN || node->outcome == SV_DNS_NODATA)
        outcome = ", finds nothing";
    else if (node->outcome == SV_DNS_UNKNOWN && node->name[0] != '\0')
        outcome = ", no answer";
    (void)snprintf(text, sizeof(text), "%*s%s", (int)(2 * node->depth), "", node->term);
    sv_show_linef(show, 2, "", "%-60s %2u look-up%s%s%s", text, node->lookups,
                  node->lookups == 1 ? "" : "s", node->used ? "" : ", not needed for SES", outcome);
}

void sv_show_spf(const struct sv_show *show, const struct sv_spf_tree *tree)
{
    if (tree->owner[0] == '\0')
        return;
    sv_show_head(show, "SPF");
    sv_show_line(show, 2, "record at", SV_PLAIN, tree->owner);
    sv_show_line(show, 2, "for SES", tree->for_ses == SV_SPF_PASS ? SV_GREEN : SV_YELLOW,
                 sv_spf_result_name(tree->for_ses));
    sv_show_linef(show, 2, "look-ups", "%u used, %u at worst, of 10; %u that find nothing, of 2",
                  tree->lookups_used, tree->lookups_worst, tree->voids);
    for (size_t i = 0; i < tree->nodes_count; i++) {
        if (tree->nodes[i].depth > 0)
            show_node(show, &tree->nodes[i]);
    }
    if (tree->cut)
        sv_show_line(show, 2, "", SV_DIM, "... and more");
}

json_t *sv_show_spf_json(const struct sv_spf_tree *tree)
{
    json_t *out, *nodes;

    if (tree->owner[0] == '\0')
        return json_null();
    out = sv_json_object();
    nodes = sv_json_array();
    for (size_t i = 0; i < tree->nodes_count; i++) {
        const struct sv_spf_node *node = &tree->nodes[i];
        json_t *item = sv_json_object();

        sv_json_set_int(item, "depth", node->depth);
        sv_json_set_str(item, "term", node->term);
        sv_json_set(item, "name", known(node->name));
        sv_json_set_str(item, "outcome", sv_dns_outcome_name(node->outcome));
        sv_json_set_int(item, "lookups", node->lookups);
        sv_json_set_bool(item, "used", node->used);
        sv_json_append(nodes, item);
    }
    sv_json_set_str(out, "owner", tree->owner);
    sv_json_set_str(out, "for_ses", sv_spf_result_name(tree->for_ses));
    sv_json_set_int(out, "lookups_used", tree->lookups_used);
    sv_json_set_int(out, "lookups_worst", tree->lookups_worst);
    sv_json_set_int(out, "lookups_max", 10);
    sv_json_set_int(out, "void_lookups", tree->voids);
    sv_json_set_int(out, "void_lookups_max", 2);
    sv_json_set(out, "nodes", nodes);
    sv_json_set_bool(out, "cut", tree->cut);
    return out;
}

/* ---- DMARC ---- */

static const char *found_text(const struct sv_dmarc_step *step)
{
    switch (step->found) {
    case SV_DMARC_FOUND_UNKNOWN:
        break;
    case SV_DMARC_FOUND_NONE:
        return "no record";
    case SV_DMARC_FOUND_RECORD:
        return step->psd == 'n' || step->psd == 'y' ? "a record, which ends the walk" : "a record";
    case SV_DMARC_FOUND_SEVERAL:
        return "several records: all are ignored";
    case SV_DMARC_FOUND_INVALID:
        return "a record with a tag twice: it is ignored";
    }
    return "no answer";
}

static void show_verdict(const struct sv_show *show, const char *label,
                         const struct sv_dmarc_verdict *verdict)
{
    if (verdict->record_at[0] == '\0')
        sv_show_line(show, 2, label, SV_PLAIN, sv_dmarc_policy_name(verdict->policy));
    else
        sv_show_linef(show, 2, label, "%s, from the record at %s%s%s",
                      sv_dmarc_policy_name(verdict->policy), verdict->record_at,
                      verdict->organizational_domain[0] != '\0' ? "; organizational domain " : "",
                      verdict->organizational_domain);
}

static bool differs(const struct sv_dmarc_path *path)
{
    const char *now = path->now.organizational_domain;
    const char *before = path->before.organizational_domain;

    return path->now.policy != path->before.policy ||
           (*now != '\0' && *before != '\0' && !sv_name_equal(now, before));
}

void sv_show_dmarc(const struct sv_show *show, const struct sv_dmarc_path *path)
{
    if (path->steps_count == 0)
        return;
    sv_show_head(show, "DMARC");
    for (size_t i = 0; i < path->steps_count; i++)
        sv_show_linef(show, 2, i == 0 ? "asked" : "", "%s: %s", path->steps[i].name,
                      found_text(&path->steps[i]));
    show_verdict(show, "policy", &path->now);
    if (differs(path)) {
        show_verdict(show, "before", &path->before);
        sv_show_line(show, 2, "", SV_DIM, "(receivers that still follow RFC 7489)");
    }
    if (path->test_mode)
        sv_show_line(show, 2, "test mode", SV_PLAIN,
                     "t=y: receivers apply the policy one step weaker");
    sv_show_linef(show, 2, "aligned", "DKIM %s, SPF %s", tri(path->dkim_aligned),
                  tri(path->spf_aligned));
}

static json_t *verdict_json(const struct sv_dmarc_verdict *verdict)
{
    json_t *out = sv_json_object();

    sv_json_set_str(out, "policy", sv_dmarc_policy_name(verdict->policy));
    sv_json_set(out, "record_at", known(verdict->record_at));
    sv_json_set(out, "organizational_domain", known(verdict->organizational_domain));
    return out;
}

json_t *sv_show_dmarc_json(const struct sv_dmarc_path *path)
{
    json_t *out, *steps;

    if (path->steps_count == 0)
        return json_null();
    out = sv_json_object();
    steps = sv_json_array();
    for (size_t i = 0; i < path->steps_count; i++) {
        const char psd[2] = {path->steps[i].psd, '\0'};
        json_t *step = sv_json_object();

        sv_json_set_str(step, "name", path->steps[i].name);
        sv_json_set_str(step, "found", sv_dmarc_found_name(path->steps[i].found));
        sv_json_set(step, "psd", known(psd));
        sv_json_append(steps, step);
    }
    sv_json_set(out, "asked", steps);
    sv_json_set(out, "now", verdict_json(&path->now));
    sv_json_set(out, "before", verdict_json(&path->before));
    sv_json_set_bool(out, "test_mode", path->test_mode);
    sv_json_set(out, "dkim_aligned", sv_json_tri(path->dkim_aligned));
    sv_json_set(out, "spf_aligned", sv_json_tri(path->spf_aligned));
    return out;
}

/* ---- bulk senders ---- */

static bool judged(const struct sv_bulk *bulk)
{
    for (size_t i = 0; i < SV_BULK_COUNT; i++) {
        if (bulk->conditions[i] != SV_TRI_UNKNOWN)
            return true;
    }
    return bulk->meets != SV_TRI_UNKNOWN;
}

void sv_show_bulk(const struct sv_show *show, const struct sv_bulk *bulk)
{
    static const char *const texts[SV_BULK_COUNT] = {
        [SV_BULK_SPF] = "SPF is valid at the envelope domain, and SES passes",
        [SV_BULK_DKIM] = "DKIM is right, with a key of at least 1024 bits",
        [SV_BULK_DMARC] = "a DMARC record applies",
        [SV_BULK_ALIGNMENT] = "DKIM or SPF is aligned with the domain",
        [SV_BULK_RECEIVES] = "the domain can receive mail",
    };

    if (!judged(bulk))
        return;
    sv_show_head(show, "What large receivers demand of bulk senders");
    for (size_t i = 0; i < SV_BULK_COUNT; i++) {
        enum sv_tri holds = bulk->conditions[i];

        sv_show_line(show, 2, tri(holds), holds == SV_TRI_NO ? SV_RED : SV_PLAIN, texts[i]);
    }
    sv_show_line(show, 2, "all met", SV_PLAIN, tri(bulk->meets));
    for (size_t i = 0; sv_show_not_in_dns[i] != NULL; i++)
        sv_show_line(show, 2, i == 0 ? "not seen" : "", SV_DIM, sv_show_not_in_dns[i]);
}

json_t *sv_show_bulk_json(const struct sv_bulk *bulk)
{
    json_t *out = sv_json_object(), *conditions = sv_json_object(), *not_in_dns = sv_json_array();

    for (size_t i = 0; i < SV_BULK_COUNT; i++)
        sv_json_set(conditions, sv_bulk_condition_name((enum sv_bulk_condition)i),
                    sv_json_tri(bulk->conditions[i]));
    for (size_t i = 0; sv_show_not_in_dns[i] != NULL; i++)
        sv_json_append(not_in_dns, json_string(sv_show_not_in_dns[i]));
    sv_json_set(out, "meets", sv_json_tri(bulk->meets));
    sv_json_set(out, "conditions", conditions);
    sv_json_set(out, "not_checked", not_in_dns);
    return out;
}

/* ---- what nobody told ---- */

void sv_show_discovery(const struct sv_show *show, const struct sv_discovery *found)
{
    sv_show_head(show, "Discovered");
    if (found->mail_from[0] != '\0')
        sv_show_linef(show, 2, "MAIL FROM", "%s, towards SES in %s", found->mail_from,
                      found->region);
    else
        sv_show_line(show, 2, "MAIL FROM", SV_PLAIN, "none at the usual names");
    sv_show_linef(show, 2, "DKIM", "names below _domainkey: %s", tri(found->domainkeys));
    sv_show_linef(show, 2, "ownership", "a TXT record at _amazonses: %s", tri(found->ownership));
    if (found->unsettled)
        sv_show_line(show, 2, "", SV_DIM, "(a question got no answer: there may be more)");
}

json_t *sv_show_discovery_json(const struct sv_discovery *found)
{
    json_t *out = sv_json_object();

    sv_json_set(out, "mail_from", known(found->mail_from));
    sv_json_set(out, "region", known(found->region));
    sv_json_set(out, "dkim_names", sv_json_tri(found->domainkeys));
    sv_json_set(out, "ownership_txt", sv_json_tri(found->ownership));
    sv_json_set_bool(out, "complete", !found->unsettled);
    return out;
}
