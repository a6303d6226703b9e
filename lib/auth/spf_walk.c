#include "spf_walk.h"

#include <string.h>

#include "sv/require.h"

#include "spf.h"

enum { NO_NODE = SV_SPF_NODES_MAX };

static unsigned walk_record(struct sv_spf_walk *walk, struct sv_span record, unsigned depth);

static void add_node(struct sv_spf_walk *walk, unsigned depth, const struct sv_spf_term *term,
                     const char *name, size_t *index)
{
    struct sv_spf_tree *tree = walk->tree;
    struct sv_spf_node *node;
    struct sv_line line;

    *index = NO_NODE;
    if (tree == NULL)
        return;
    if (tree->nodes_count == SV_SPF_NODES_MAX) {
        tree->cut = true;
        return;
    }
    *index = tree->nodes_count++;
    node = &tree->nodes[*index];
    memset(node, 0, sizeof(*node));
    node->depth = depth;
    sv_line_init(&line, node->term, sizeof(node->term));
    if (term != NULL)
        sv_line_add_shown(&line, term->text);
    sv_line_init(&line, node->name, sizeof(node->name));
    sv_line_add(&line, name);
    walk->places[*index] = term != NULL ? term->text.text : NULL;
}

static void set_node(struct sv_spf_walk *walk, size_t index, enum sv_dns_outcome outcome,
                     unsigned lookups)
{
    if (index == NO_NODE)
        return;
    walk->tree->nodes[index].outcome = outcome;
    walk->tree->nodes[index].lookups = lookups;
}

static void tell(struct sv_spf_walk *walk, enum sv_spf_trouble trouble, struct sv_spf_note *note)
{
    if (trouble == SV_SPF_TROUBLE_NONE)
        return;
    walk->troubles++;
    note->trouble = trouble;
    if (walk->note != NULL)
        walk->note(walk->context, note);
}

static bool is_on_path(const struct sv_spf_walk *walk, const char *name, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++) {
        if (sv_name_equal(walk->path[i], name))
            return true;
    }
    return false;
}

/* The record behind an include or a redirect. Returns the look-ups below the term. */
static unsigned walk_below(struct sv_spf_walk *walk, const struct sv_spf_reply *reply,
                           struct sv_spf_note *note)
{
    struct sv_span record = {.text = ""};
    struct sv_spf_outline outline;
    size_t count = sv_spf_select(reply->values, reply->count, &record);

    if (count > 1)
        tell(walk, SV_SPF_SEVERAL, note);
    else if (count == 0 && !reply->incomplete)
        tell(walk, SV_SPF_NO_RECORD, note);
    if (count != 1 || reply->incomplete)
        return 0;
    if (walk->tree != NULL || walk->note != NULL) {
        sv_spf_outline(record, &outline);
        note->outline = &outline;
        if (outline.fault != SV_SPF_GOOD)
            tell(walk, SV_SPF_BROKEN, note);
        note->outline = NULL;
    }
    if (note->depth >= SV_SPF_DEPTH_MAX) {
        if (walk->tree != NULL)
            walk->tree->cut = true;
        return 0;
    }
    walk->path[note->depth] = note->name;
    return walk_record(walk, record, note->depth);
}

static enum sv_rr_type type_of(const struct sv_spf_term *term)
{
    switch (term->kind) {
    case SV_SPF_INCLUDE_OF:
    case SV_SPF_REDIRECT:
        return SV_RR_TXT;
    case SV_SPF_A:
    case SV_SPF_EXISTS:
        return SV_RR_A;
    case SV_SPF_MX:
        return SV_RR_MX;
    case SV_SPF_PTR: /* asks about the address of a message */
    case SV_SPF_OTHER:
    case SV_SPF_ALL:
    case SV_SPF_IP4:
    case SV_SPF_IP6:
    case SV_SPF_EXP:
    case SV_SPF_MODIFIER:
        return SV_RR_NONE;
    }
    return SV_RR_NONE;
}

static unsigned ask_term(struct sv_spf_walk *walk, struct sv_spf_note *note,
                         enum sv_dns_outcome *outcome)
{
    struct sv_spf_reply reply = {0};

    if (note->type == SV_RR_TXT && is_on_path(walk, note->name, note->depth)) {
        note->path = walk->path;
        note->path_count = note->depth;
        *outcome = SV_DNS_DATA;
        tell(walk, SV_SPF_LOOP, note);
        return 0;
    }
    walk->source.ask(walk->source.context, note->name, note->type, &reply);
    *outcome = reply.outcome;
    if (!reply.known || reply.outcome == SV_DNS_UNKNOWN)
        return 0;
    note->number = reply.count;
    if (note->type == SV_RR_MX && reply.count > SV_SPF_HOSTS_MAX)
        tell(walk, SV_SPF_MX_MANY, note);
    return note->type == SV_RR_TXT ? walk_below(walk, &reply, note) : 0;
}

/* Returns the look-ups of the term and of everything below it. */
static unsigned walk_term(struct sv_spf_walk *walk, const struct sv_spf_term *term, unsigned depth)
{
    char name[SV_NAME_BYTES] = "";
    struct sv_spf_note note = {.term = term,
                               .depth = depth,
                               .name = name,
                               .type = type_of(term),
                               .holder = walk->path[depth - 1]};
    enum sv_dns_outcome outcome = SV_DNS_UNKNOWN;
    unsigned lookups = 1;
    bool is_told = true;
    size_t index;

    if (++walk->steps > SV_SPF_STEPS_MAX) {
        if (walk->tree != NULL)
            walk->tree->cut = true;
        return 0;
    }
    if (term->domain.len == 0)
        memcpy(name, note.holder, strlen(note.holder) + 1);
    else if (memchr(term->domain.text, '%', term->domain.len) != NULL)
        is_told = false;
    else
        is_told = sv_spf_name(term->domain, name);
    if (!is_told || note.type == SV_RR_NONE)
        name[0] = '\0';
    add_node(walk, depth, term, name, &index);
    if (name[0] != '\0')
        lookups += ask_term(walk, &note, &outcome);
    set_node(walk, index, outcome, lookups);
    return lookups;
}

/* What stands behind all is dead, and a redirect beside it too (section 5.1). */
static unsigned walk_record(struct sv_spf_walk *walk, struct sv_span record, unsigned depth)
{
    struct sv_span rest = record;
    struct sv_spf_term term;
    struct sv_spf_term redirect = {.kind = SV_SPF_OTHER};
    unsigned lookups = 0;
    bool ended = false;

    while (!ended && sv_spf_next(&rest, &term)) {
        ended = term.kind == SV_SPF_ALL;
        if (term.kind == SV_SPF_REDIRECT && redirect.kind == SV_SPF_OTHER)
            redirect = term;
        else if (term.fault == SV_SPF_GOOD && sv_spf_term_is_lookup(&term))
            lookups += walk_term(walk, &term, depth + 1);
    }
    if (!ended && redirect.kind == SV_SPF_REDIRECT && redirect.fault == SV_SPF_GOOD)
        lookups += walk_term(walk, &redirect, depth + 1);
    return lookups;
}

void sv_spf_walk(struct sv_spf_walk *walk, const char *owner, struct sv_span record)
{
    size_t index;
    unsigned lookups;

    walk->steps = 0;
    walk->troubles = 0;
    walk->path[0] = owner;
    add_node(walk, 0, NULL, owner, &index);
    lookups = walk_record(walk, record, 0);
    set_node(walk, index, SV_DNS_DATA, lookups);
    if (index == NO_NODE)
        return;
    walk->tree->nodes[index].used = true;
    walk->tree->lookups_worst = lookups;
    memcpy(walk->tree->owner, owner, strlen(owner) + 1);
}

void sv_spf_mark_used(void *context, unsigned depth, const struct sv_spf_term *term)
{
    struct sv_spf_marker *marker = context;
    struct sv_spf_tree *tree = marker->walk->tree;

    /* An evaluation comes by the nodes in their order, leaving some out. */
    for (size_t i = marker->at + 1; i < tree->nodes_count; i++) {
        if (tree->nodes[i].depth != depth + 1 || marker->walk->places[i] != term->text.text)
            continue;
        tree->nodes[i].used = true;
        marker->at = i;
        return;
    }
}
