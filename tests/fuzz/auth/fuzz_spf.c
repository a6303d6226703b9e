/* Any octets as the SPF records and hosts that an evaluation meets. The first octet chooses the
 * set-up; the rest is cut at newlines into values, and every question is always answered by the
 * same one of them. Whatever comes: the limits hold, an answer that is missing never changes a
 * result that was given without it, what was read as a term reads the same when it is written
 * again, and every record that is proposed is valid and lets SES in. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sv/digest.h"
#include "sv/require.h"

#include "spf.h"
#include "spf_eval.h"
#include "spf_walk.h"

enum { VALUES_MAX = 24, PRINTED_BYTES = 8192 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct values {
    size_t count;
    struct sv_span at[VALUES_MAX];
    unsigned withheld; /* bits of values that are not known yet */
};

static void cut(struct values *values, const uint8_t *bytes, size_t len)
{
    while (values->count < VALUES_MAX) {
        const uint8_t *end = len > 0 ? memchr(bytes, '\n', len) : NULL;
        size_t piece = end != NULL ? (size_t)(end - bytes) : len;
        values->at[values->count++] = (struct sv_span){.text = (const char *)bytes, .len = piece};
        if (end == NULL)
            return;
        bytes += piece + 1;
        len -= piece + 1;
    }
}

static void answer(void *context, const char *name, enum sv_rr_type type, struct sv_spf_reply *out)
{
    const struct values *values = context;
    uint64_t hash = sv_fnv1a(SV_FNV_START + (uint64_t)type, name, strlen(name));
    size_t i = (size_t)(hash % values->count);
    struct sv_span value = values->at[i];

    SV_REQUIRE(strlen(name) > 0 && strlen(name) < SV_NAME_BYTES);
    for (const char *c = name; *c != '\0'; c++)
        SV_REQUIRE(*c > ' ' && *c < 0x7f);
    if ((values->withheld >> i & 1) != 0)
        return;
    out->known = true;
    if (value.len == 0 || value.text[0] == '!')
        return; /* nobody could be asked */
    if (value.text[0] == '?') {
        out->outcome = SV_DNS_NXDOMAIN;
        return;
    }
    out->outcome = SV_DNS_DATA;
    out->values = &values->at[i];
    out->count = type == SV_RR_TXT ? 1 : values->count - i;
}

static const char *kind_name(enum sv_spf_kind kind)
{
    switch (kind) {
    case SV_SPF_ALL:
        return "all";
    case SV_SPF_INCLUDE_OF:
        return "include";
    case SV_SPF_A:
        return "a";
    case SV_SPF_MX:
        return "mx";
    case SV_SPF_PTR:
        return "ptr";
    case SV_SPF_IP4:
        return "ip4";
    case SV_SPF_IP6:
        return "ip6";
    case SV_SPF_EXISTS:
        return "exists";
    case SV_SPF_REDIRECT:
        return "redirect";
    case SV_SPF_EXP:
        return "exp";
    case SV_SPF_OTHER:
    case SV_SPF_MODIFIER:
        return "";
    }
    return "";
}

static void print(const struct sv_spf_term *term, struct sv_line *out)
{
    bool is_modifier = term->kind == SV_SPF_REDIRECT || term->kind == SV_SPF_EXP;
    bool has_prefixes = term->kind == SV_SPF_A || term->kind == SV_SPF_MX;

    if (!is_modifier)
        sv_line_add_bytes(out, &term->qualifier, 1);
    sv_line_add(out, kind_name(term->kind));
    if (term->kind == SV_SPF_IP4 || term->kind == SV_SPF_IP6) {
        sv_line_add(out, ":");
        sv_ip_show(&term->network, out);
        sv_line_add(out, "/");
        sv_line_add_number(out, term->kind == SV_SPF_IP4 ? term->prefix4 : term->prefix6);
    }
    if (term->domain.len > 0) {
        sv_line_add(out, is_modifier ? "=" : ":");
        sv_line_add_bytes(out, term->domain.text, term->domain.len);
    }
    if (has_prefixes) {
        sv_line_add(out, "/");
        sv_line_add_number(out, term->prefix4);
        sv_line_add(out, "//");
        sv_line_add_number(out, term->prefix6);
    }
}

static void check_terms(struct sv_span record)
{
    struct sv_spf_term term;
    struct sv_spf_term again;

    while (sv_spf_next(&record, &term)) {
        char text[PRINTED_BYTES];
        struct sv_line line;
        if (term.fault != SV_SPF_GOOD || *kind_name(term.kind) == '\0')
            continue;
        sv_line_init(&line, text, sizeof(text));
        print(&term, &line);
        if (line.cut)
            continue;
        sv_spf_term_parse((struct sv_span){.text = text, .len = line.len}, &again);
        SV_REQUIRE(again.fault == SV_SPF_GOOD);
        SV_REQUIRE(again.kind == term.kind && again.qualifier == term.qualifier);
        SV_REQUIRE(again.prefix4 == term.prefix4 && again.prefix6 == term.prefix6);
        SV_REQUIRE(memcmp(&again.network, &term.network, sizeof(term.network)) == 0);
        SV_REQUIRE(again.domain.len == term.domain.len);
        SV_REQUIRE(term.domain.len == 0 ||
                   memcmp(again.domain.text, term.domain.text, term.domain.len) == 0);
    }
}

static void require_right(const struct sv_line *record)
{
    struct sv_span text = {.text = record->text, .len = record->len};

    SV_REQUIRE(sv_spf_is_record(text));
    SV_REQUIRE(sv_spf_includes_ses(text) == SV_TRI_YES);
}

/* Whatever is told to be published. */
static void check_proposals(const struct values *values)
{
    static char proposed[PRINTED_BYTES];
    struct sv_line line;

    for (size_t i = 0; i < values->count; i++) {
        struct sv_spf_outline outline;
        sv_spf_outline(values->at[i], &outline);
        sv_line_init(&line, proposed, sizeof(proposed));
        if (sv_spf_is_record(values->at[i]) && outline.fault == SV_SPF_GOOD &&
            sv_spf_suggest(values->at[i], &line))
            require_right(&line);
        sv_line_init(&line, proposed, sizeof(proposed));
        if (sv_spf_is_malformed(values->at[i]) && sv_spf_repair(values->at[i], &line))
            require_right(&line);
    }
    sv_line_init(&line, proposed, sizeof(proposed));
    if (sv_spf_merge(values->at, values->count, &line))
        require_right(&line);
}

static void check_verdict(const struct sv_spf_check *check, const struct sv_spf_verdict *verdict)
{
    unsigned most = check->count_on ? SV_SPF_COUNT_MAX : SV_SPF_LOOKUPS_MAX;

    /* Where the address or the message is not told, a branch over the limit may be one that nobody
     * takes. */
    SV_REQUIRE(check->ip == NULL || check->helo == NULL || verdict->lookups <= most + 1);
    SV_REQUIRE(check->count_on || verdict->voids <= SV_SPF_VOIDS_MAX + 1);
    SV_REQUIRE(verdict->lookups <= most || verdict->result == SV_SPF_PERMERROR ||
               verdict->result == SV_SPF_UNDECIDED || verdict->doubtful);
    SV_REQUIRE(verdict->result != SV_SPF_UNDECIDED || verdict->waiting || check->helo == NULL);
    SV_REQUIRE(strlen(verdict->explanation) < SV_SPF_EXPLANATION_BYTES);
}

static void check_walk(struct values *values)
{
    static struct sv_spf_tree tree;
    struct sv_spf_walk walk = {.source = {.ask = answer, .context = values}, .tree = &tree};

    memset(&tree, 0, sizeof(tree));
    sv_spf_walk(&walk, "client.com", values->at[0]);
    SV_REQUIRE(tree.nodes_count > 0 && tree.nodes_count <= SV_SPF_NODES_MAX);
    SV_REQUIRE(tree.nodes[0].lookups == tree.lookups_worst);
    for (size_t i = 1; i < tree.nodes_count; i++) {
        SV_REQUIRE(tree.nodes[i].depth > 0 && tree.nodes[i].depth <= tree.nodes[i - 1].depth + 1);
        SV_REQUIRE(tree.nodes[i].depth <= SV_SPF_DEPTH_MAX + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct values values = {0};
    unsigned told = len > 0 ? bytes[0] : 0;
    struct sv_ip ip = {.is_v6 = (told & 1) != 0, .octets = {192, 0, 2, 1}};
    struct sv_spf_check check = {.source = {.ask = answer, .context = &values},
                                 .domain = "client.com",
                                 .passing = "amazonses.com",
                                 .ip = (told & 2) != 0 ? NULL : &ip,
                                 .helo = (told & 6) != 0 ? NULL : "mail.client.com",
                                 .count_on = (told & 8) != 0,
                                 .explain = true};
    struct sv_spf_verdict whole;
    struct sv_spf_verdict part;

    cut(&values, len > 0 ? bytes + 1 : bytes, len > 0 ? len - 1 : 0);
    for (size_t i = 0; i < values.count; i++)
        check_terms(values.at[i]);
    check_proposals(&values);
    sv_spf_check(&check, &whole);
    check_verdict(&check, &whole);
    for (size_t i = 0; i < values.count; i++) {
        values.withheld = 1u << i;
        sv_spf_check(&check, &part);
        check_verdict(&check, &part);
        SV_REQUIRE(part.result == SV_SPF_UNDECIDED || part.result == whole.result);
    }
    values.withheld = 0;
    check_walk(&values);
    return 0;
}
