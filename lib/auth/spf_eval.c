#include "spf_eval.h"

#include <string.h>

#include "spf.h"
#include "spf_eval_parts.h"
#include "spf_macro.h"

static bool fits_target(void *context, const char *name)
{
    const char *target = context;

    return sv_name_equal(name, target) || sv_name_is_below(name, target);
}

/* A term that found nothing. */
static enum sv_spf_match count_void(struct sv_spf_eval *eval)
{
    eval->out->voids++;
    return eval->out->voids > SV_SPF_VOIDS_MAX && !eval->check->count_on ? SV_SPF_MATCH_PERMERROR
                                                                         : SV_SPF_MATCH_NO;
}

static enum sv_spf_match match_a(struct sv_spf_eval *eval, const struct sv_spf_term *term,
                                 const char *name)
{
    bool found = false;
    enum sv_spf_match match = sv_spf_match_host(eval, name, term, &found);

    return match == SV_SPF_MATCH_NO && !found ? count_void(eval) : match;
}

static enum sv_spf_match match_exists(struct sv_spf_eval *eval, const char *name)
{
    struct sv_spf_reply reply;

    sv_spf_ask(eval, name, SV_RR_A, &reply);
    if (!reply.known)
        return SV_SPF_MATCH_OPEN;
    if (reply.outcome == SV_DNS_UNKNOWN)
        return SV_SPF_MATCH_TEMPERROR;
    return sv_spf_is_void(&reply) ? count_void(eval) : SV_SPF_MATCH_YES;
}

static enum sv_spf_match match_mx(struct sv_spf_eval *eval, const struct sv_spf_term *term,
                                  const char *name)
{
    struct sv_spf_reply reply;
    enum sv_spf_match match = SV_SPF_MATCH_NO;
    bool found = false;

    sv_spf_ask(eval, name, SV_RR_MX, &reply);
    if (!reply.known)
        return SV_SPF_MATCH_OPEN;
    if (reply.outcome == SV_DNS_UNKNOWN)
        return SV_SPF_MATCH_TEMPERROR;
    if (reply.count > SV_SPF_HOSTS_MAX)
        return SV_SPF_MATCH_PERMERROR;
    for (size_t i = 0; i < reply.count; i++) {
        char host[SV_NAME_BYTES];
        enum sv_spf_match one = SV_SPF_MATCH_NO;
        if (sv_spf_name(sv_mx_host(reply.values[i]), host))
            one = sv_spf_match_host(eval, host, term, &found);
        if (one == SV_SPF_MATCH_YES || one == SV_SPF_MATCH_TEMPERROR)
            return match == SV_SPF_MATCH_OPEN ? SV_SPF_MATCH_OPEN : one;
        if (one != SV_SPF_MATCH_NO &&
            match != SV_SPF_MATCH_OPEN) /* the other hosts are asked in the same round */
            match = one;
    }
    if (match == SV_SPF_MATCH_NO && reply.incomplete)
        return SV_SPF_MATCH_OPEN; /* it may be a host that did not fit */
    return match == SV_SPF_MATCH_NO && !found ? count_void(eval) : match;
}

/* DNS errors are no match here (section 5.5). */
static enum sv_spf_match match_ptr(struct sv_spf_eval *eval, char *name)
{
    struct sv_spf_reply reply;

    if (eval->check->helo == NULL) /* there is no message: nobody asks whose address it is */
        return SV_SPF_MATCH_MAYBE;
    sv_spf_ask_ptr(eval, &reply);
    if (!reply.known)
        return SV_SPF_MATCH_OPEN;
    if (reply.outcome == SV_DNS_UNKNOWN)
        return SV_SPF_MATCH_NO;
    return sv_spf_is_void(&reply) ? count_void(eval)
                                  : sv_spf_each_validated(eval, &reply, fits_target, name);
}

static enum sv_spf_result check_host(struct sv_spf_eval *eval, const char *domain);

/* check_host() for the target of an include or a redirect. */
static enum sv_spf_result check_below(struct sv_spf_eval *eval, const char *domain)
{
    const char *outer = eval->domain;
    enum sv_spf_result result;

    eval->depth++;
    result = check_host(eval, domain);
    eval->depth--;
    eval->domain = outer;
    return result;
}

/* The table of section 5.2. */
static enum sv_spf_match match_include(struct sv_spf_eval *eval, const char *name)
{
    switch (check_below(eval, name)) {
    case SV_SPF_PASS:
        return SV_SPF_MATCH_YES;
    case SV_SPF_FAIL:
    case SV_SPF_SOFTFAIL:
    case SV_SPF_NEUTRAL:
        return SV_SPF_MATCH_NO;
    case SV_SPF_TEMPERROR:
        return SV_SPF_MATCH_TEMPERROR;
    case SV_SPF_PERMERROR:
    case SV_SPF_NONE:
        return SV_SPF_MATCH_PERMERROR;
    case SV_SPF_UNDECIDED:
        return eval->out->waiting || eval->open ? SV_SPF_MATCH_OPEN : SV_SPF_MATCH_MAYBE;
    }
    return SV_SPF_MATCH_PERMERROR;
}

/* The term is counted (section 4.6.4). False: it is one too many. */
static bool count_lookup(struct sv_spf_eval *eval, const struct sv_spf_term *term)
{
    unsigned most = eval->check->count_on ? SV_SPF_COUNT_MAX : SV_SPF_LOOKUPS_MAX;

    eval->out->lookups++;
    if (eval->out->lookups > most)
        return false;
    if (eval->check->visit != NULL)
        eval->check->visit(eval->check->visit_context, eval->depth, term);
    return true;
}

static enum sv_spf_match match_untold(const struct sv_spf_eval *eval)
{
    return eval->check->unlisted ? SV_SPF_MATCH_NO : SV_SPF_MATCH_MAYBE;
}

static enum sv_spf_match match_target(struct sv_spf_eval *eval, const struct sv_spf_term *term,
                                      char *name)
{
    switch (term->kind) {
    case SV_SPF_INCLUDE_OF:
        return match_include(eval, name);
    case SV_SPF_A:
        return eval->check->ip != NULL ? match_a(eval, term, name) : match_untold(eval);
    case SV_SPF_MX:
        return eval->check->ip != NULL ? match_mx(eval, term, name) : match_untold(eval);
    case SV_SPF_EXISTS:
        return match_exists(eval, name);
    case SV_SPF_PTR:
        return match_ptr(eval, name);
    case SV_SPF_OTHER:
    case SV_SPF_ALL:
    case SV_SPF_IP4:
    case SV_SPF_IP6:
    case SV_SPF_REDIRECT:
    case SV_SPF_EXP:
    case SV_SPF_MODIFIER:
        return SV_SPF_MATCH_NO;
    }
    return SV_SPF_MATCH_NO;
}

static enum sv_spf_match match_term(struct sv_spf_eval *eval, const struct sv_spf_term *term)
{
    char name[SV_NAME_BYTES];
    enum sv_spf_match match;

    if (term->kind == SV_SPF_ALL)
        return SV_SPF_MATCH_YES;
    if (term->kind == SV_SPF_IP4 || term->kind == SV_SPF_IP6) {
        unsigned prefix = term->kind == SV_SPF_IP4 ? term->prefix4 : term->prefix6;
        if (eval->check->ip == NULL)
            return match_untold(eval);
        return sv_ip_in(eval->check->ip, &term->network, prefix) ? SV_SPF_MATCH_YES
                                                                 : SV_SPF_MATCH_NO;
    }
    if (!sv_spf_term_is_lookup(term) || term->kind == SV_SPF_REDIRECT)
        return SV_SPF_MATCH_NO;
    if (!count_lookup(eval, term))
        return SV_SPF_MATCH_PERMERROR;
    match = sv_spf_target(eval, term->domain, name);
    if (match == SV_SPF_MATCH_YES)
        return match_target(eval, term, name);
    if (match == SV_SPF_MATCH_MAYBE && term->kind == SV_SPF_INCLUDE_OF) {
        eval->open = true;
        return SV_SPF_MATCH_OPEN;
    }
    if (match == SV_SPF_MATCH_NO && term->kind == SV_SPF_INCLUDE_OF)
        return SV_SPF_MATCH_PERMERROR; /* check_host() says none (section 4.3) */
    return match;
}

static enum sv_spf_result result_of(char qualifier)
{
    switch (qualifier) {
    case '-':
        return SV_SPF_FAIL;
    case '~':
        return SV_SPF_SOFTFAIL;
    case '?':
        return SV_SPF_NEUTRAL;
    default: /* no enum: the grammar knows no fourth sign */
        return SV_SPF_PASS;
    }
}

static enum sv_spf_result redirect(struct sv_spf_eval *eval, const struct sv_spf_outline *outline)
{
    char name[SV_NAME_BYTES];
    struct sv_spf_term term;
    enum sv_spf_result result;

    sv_spf_term_parse(outline->redirect_term, &term);
    if (!count_lookup(eval, &term))
        return SV_SPF_PERMERROR;
    switch (sv_spf_target(eval, outline->redirect, name)) {
    case SV_SPF_MATCH_YES:
        result = check_below(eval, name);
        return result == SV_SPF_NONE ? SV_SPF_PERMERROR : result;
    case SV_SPF_MATCH_MAYBE:
    case SV_SPF_MATCH_OPEN:
        eval->open = true;
        return SV_SPF_UNDECIDED;
    case SV_SPF_MATCH_NO:
    case SV_SPF_MATCH_TEMPERROR:
    case SV_SPF_MATCH_PERMERROR:
        return SV_SPF_PERMERROR;
    }
    return SV_SPF_PERMERROR;
}

/* Section 4.6.2 and what follows it: left to right, the first match decides. */
static enum sv_spf_result evaluate(struct sv_spf_eval *eval, struct sv_span record,
                                   const struct sv_spf_outline *outline)
{
    struct sv_spf_term term;
    bool may_pass = false; /* an earlier term may have matched with + */
    enum sv_spf_result result = SV_SPF_NEUTRAL;
    bool matched = false;

    while (!matched && sv_spf_next(&record, &term)) {
        switch (match_term(eval, &term)) {
        case SV_SPF_MATCH_NO:
            break;
        case SV_SPF_MATCH_YES:
            matched = true;
            result = result_of(term.qualifier);
            break;
        case SV_SPF_MATCH_MAYBE:
            eval->out->doubtful = eval->out->doubtful || sv_spf_term_is_lookup(&term);
            if (term.qualifier != '+')
                return SV_SPF_UNDECIDED;
            may_pass = true;
            break;
        case SV_SPF_MATCH_TEMPERROR: /* where an earlier term matches, nobody gets this far */
            return may_pass ? SV_SPF_UNDECIDED : SV_SPF_TEMPERROR;
        case SV_SPF_MATCH_PERMERROR:
            return may_pass ? SV_SPF_UNDECIDED : SV_SPF_PERMERROR;
        case SV_SPF_MATCH_OPEN:
            return SV_SPF_UNDECIDED;
        }
    }
    if (!matched && outline->redirect.text != NULL && !outline->has_all)
        result = redirect(eval, outline);
    else if (matched && result == SV_SPF_FAIL) {
        eval->exp = outline->exp;
        memcpy(eval->exp_domain, eval->domain, strlen(eval->domain) + 1);
    }
    return may_pass && result != SV_SPF_PASS ? SV_SPF_UNDECIDED : result;
}

static enum sv_spf_result check_host(struct sv_spf_eval *eval, const char *domain)
{
    struct sv_spf_outline outline;
    struct sv_spf_reply reply;
    struct sv_span record = {.text = ""};
    size_t count;

    eval->domain = domain;
    eval->exp = (struct sv_span){.text = NULL};
    if (eval->check->passing != NULL && sv_name_equal(domain, eval->check->passing))
        return SV_SPF_PASS;
    sv_spf_ask(eval, domain, SV_RR_TXT, &reply);
    if (!reply.known)
        return SV_SPF_UNDECIDED;
    if (reply.outcome == SV_DNS_UNKNOWN)
        return SV_SPF_TEMPERROR;
    count = sv_spf_select(reply.values, reply.count, &record);
    if (count > 1)
        return SV_SPF_PERMERROR;
    if (reply.incomplete)
        return SV_SPF_UNDECIDED; /* the record may be what did not fit */
    if (count == 0)
        return SV_SPF_NONE;
    sv_spf_outline(record, &outline);
    if (outline.fault != SV_SPF_GOOD)
        return SV_SPF_PERMERROR;
    return evaluate(eval, record, &outline);
}

/* Section 6.2: whatever goes wrong, there is no explanation. */
static void explain(struct sv_spf_eval *eval)
{
    char name[SV_NAME_BYTES];
    struct sv_spf_reply reply;
    struct sv_line line;
    bool was_waiting = eval->out->waiting;

    if (eval->exp.text == NULL)
        return;
    eval->domain = eval->exp_domain;
    if (sv_spf_target(eval, eval->exp, name) != SV_SPF_MATCH_YES)
        return;
    sv_spf_ask(eval, name, SV_RR_TXT, &reply);
    eval->out->waiting = was_waiting || !reply.known;
    if (reply.outcome != SV_DNS_DATA || reply.count != 1 || reply.incomplete ||
        sv_spf_macro_fault(reply.values[0], SV_SPF_IN_EXPLANATION) != SV_SPF_GOOD)
        return;
    sv_line_init(&line, eval->out->explanation, sizeof(eval->out->explanation));
    if (!sv_spf_macro_expand(reply.values[0], sv_spf_add_letter, eval, &line) || line.cut)
        eval->out->explanation[0] = '\0';
}

void sv_spf_check(const struct sv_spf_check *check, struct sv_spf_verdict *out)
{
    struct sv_spf_eval eval = {.check = check, .out = out};
    char domain[SV_NAME_BYTES];

    memset(out, 0, sizeof(*out));
    if (!sv_spf_name(sv_span_of(check->domain), domain)) {
        out->result = SV_SPF_NONE;
        return;
    }
    out->result = check_host(&eval, domain);
    if (out->waiting)
        out->result = SV_SPF_UNDECIDED;
    if (check->explain && out->result == SV_SPF_FAIL && check->ip != NULL && check->helo != NULL)
        explain(&eval);
}
