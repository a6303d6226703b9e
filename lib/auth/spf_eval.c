#include "spf_eval.h"

#include <string.h>

#include "spf.h"
#include "spf_macro.h"

enum { EXPANDED_BYTES = 4096 };

/* What a mechanism makes of the address. */
enum match {
    NO,
    YES,
    MAYBE, /* it depends on the message, or on an address that is not told */
    TEMPERROR,
    PERMERROR,
    OPEN, /* may be anything, an error too */
};

struct eval {
    const struct sv_spf_check *check;
    struct sv_spf_verdict *out;
    unsigned depth;
    bool open;          /* an include or redirect depends on the message */
    const char *domain; /* current: %{d} */
    struct sv_span exp; /* of the record that said fail */
    char exp_domain[SV_NAME_BYTES];
};

static void ask(struct eval *eval, const char *name, enum sv_rr_type type,
                struct sv_spf_reply *reply)
{
    memset(reply, 0, sizeof(*reply));
    eval->check->source.ask(eval->check->source.context, name, type, reply);
    if (!reply->known)
        eval->out->waiting = true;
}

static bool is_void(const struct sv_spf_reply *reply)
{
    return reply->outcome == SV_DNS_NODATA || reply->outcome == SV_DNS_NXDOMAIN ||
           (reply->outcome == SV_DNS_DATA && reply->count == 0 && !reply->incomplete);
}

/* A term that found nothing. */
static enum match count_void(struct eval *eval)
{
    eval->out->voids++;
    return eval->out->voids > SV_SPF_VOIDS_MAX && !eval->check->count_on ? PERMERROR : NO;
}

/* Section 5.5: names of the address that lead back to it. */

static void reverse_name(const struct sv_ip *ip, struct sv_line *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = ip->is_v6 ? 16 : 4; i > 0; i--) {
        unsigned octet = ip->octets[i - 1];
        if (!ip->is_v6) {
            sv_line_add_number(out, octet);
            sv_line_add(out, ".");
            continue;
        }
        sv_line_add_bytes(out, &digits[octet & 0xf], 1);
        sv_line_add(out, ".");
        sv_line_add_bytes(out, &digits[octet >> 4], 1);
        sv_line_add(out, ".");
    }
    sv_line_add(out, ip->is_v6 ? "ip6.arpa" : "in-addr.arpa");
}

/* Whether one of the addresses of `name` is the one asked about, up to `prefix` bits. `found`:
 * there was at least one address. */
static enum match match_host(struct eval *eval, const char *name, const struct sv_spf_term *term,
                             bool *found)
{
    const struct sv_ip *ip = eval->check->ip;
    unsigned prefix = ip->is_v6 ? term->prefix6 : term->prefix4;
    struct sv_spf_reply reply;

    ask(eval, name, ip->is_v6 ? SV_RR_AAAA : SV_RR_A, &reply);
    if (!reply.known)
        return OPEN;
    if (reply.outcome == SV_DNS_UNKNOWN)
        return TEMPERROR;
    *found = *found || !is_void(&reply);
    for (size_t i = 0; i < reply.count; i++) {
        struct sv_ip address;
        if (sv_ip_parse(reply.values[i], &address) && sv_ip_in(ip, &address, prefix))
            return YES;
    }
    return reply.incomplete ? MAYBE : NO;
}

static const struct sv_spf_term whole_address = {.prefix4 = 32, .prefix6 = 128};

/* The PTR records of the address. */
static void ask_ptr(struct eval *eval, struct sv_spf_reply *reply)
{
    char name[SV_NAME_BYTES];
    struct sv_line line;

    sv_line_init(&line, name, sizeof(name));
    reverse_name(eval->check->ip, &line);
    ask(eval, name, SV_RR_PTR, reply);
}

/* Calls `fits` for each validated name until it says yes. Names whose addresses cannot be found out
 * are skipped; beyond the tenth, too (section 4.6.4). */
static enum match each_validated(struct eval *eval, const struct sv_spf_reply *ptr,
                                 bool (*fits)(void *context, const char *name), void *context)
{
    enum match match = NO;

    for (size_t i = 0; i < ptr->count && i < SV_SPF_HOSTS_MAX; i++) {
        char name[SV_NAME_BYTES];
        bool found = false;
        enum match one = NO;
        if (sv_spf_name(ptr->values[i], name))
            one = match_host(eval, name, &whole_address, &found);
        if (one == OPEN)
            match = OPEN;
        if (one == YES && fits(context, name))
            return YES;
    }
    return match;
}

static bool fits_target(void *context, const char *name)
{
    const char *target = context;

    return sv_name_equal(name, target) || sv_name_is_below(name, target);
}

/* %{p}: the domain itself, else a name below it, else any (section 7.3). */
struct best {
    const char *domain;
    char name[SV_NAME_BYTES];
};

static bool fits_best(void *context, const char *name)
{
    struct best *best = context;
    bool is_better =
        best->name[0] == '\0' || sv_name_equal(name, best->domain) ||
        (sv_name_is_below(name, best->domain) && !sv_name_is_below(best->name, best->domain));

    if (is_better)
        memcpy(best->name, name, strlen(name) + 1);
    return sv_name_equal(best->name, best->domain);
}

static bool add_validated(struct eval *eval, struct sv_line *out)
{
    struct best best = {.domain = eval->domain};
    struct sv_spf_reply ptr;

    ask_ptr(eval, &ptr);
    if (!ptr.known || each_validated(eval, &ptr, fits_best, &best) == OPEN)
        return false;
    sv_line_add(out, best.name[0] != '\0' ? best.name : "unknown");
    return true;
}

/* Section 7.2. Letters of upper case end here as lower ones. */

static void add_ip(const struct sv_ip *ip, struct sv_line *out)
{
    static const char digits[] = "0123456789ABCDEF";

    if (!ip->is_v6) {
        sv_ip_show(ip, out);
        return;
    }
    for (size_t i = 0; i < 32; i++) {
        sv_line_add(out, i > 0 ? "." : "");
        sv_line_add_bytes(out, &digits[ip->octets[i / 2] >> (i % 2 == 0 ? 4 : 0) & 0xf], 1);
    }
}

static void add_local(const struct sv_spf_check *check, struct sv_line *out)
{
    if (check->local.len > 0)
        sv_line_add_bytes(out, check->local.text, check->local.len);
    else
        sv_line_add(out, "postmaster");
}

static bool add_letter(void *context, char letter, struct sv_line *out)
{
    struct eval *eval = context;
    const struct sv_spf_check *check = eval->check;
    const char *sender = check->sender_domain != NULL ? check->sender_domain : check->domain;

    switch (letter) {
    case 's':
        add_local(check, out);
        sv_line_add(out, "@");
        sv_line_add(out, sender);
        return true;
    case 'l':
        add_local(check, out);
        return true;
    case 'o':
        sv_line_add(out, sender);
        return true;
    case 'd':
        sv_line_add(out, eval->domain);
        return true;
    case 'i':
        add_ip(check->ip, out);
        return true;
    case 'p':
        return add_validated(eval, out);
    case 'v':
        sv_line_add(out, check->ip->is_v6 ? "ip6" : "in-addr");
        return true;
    case 'h':
        sv_line_add(out, check->helo);
        return true;
    case 'c':
        sv_ip_show(check->ip, out);
        return true;
    case 'r':
        sv_line_add(out, check->receiver != NULL ? check->receiver : "unknown");
        return true;
    case 't':
        sv_line_add_number(out, check->unix_s);
        return true;
    default: /* no other letter is valid, and letters are no enum */
        return true;
    }
}

/* What the message would have to tell. */
static bool is_open(const struct eval *eval, struct sv_span spec)
{
    if (eval->check->ip == NULL && sv_spf_macro_uses(spec, "ipv"))
        return true;
    return eval->check->helo == NULL && sv_spf_macro_uses(spec, "slhp");
}

/* The name a domain-spec stands for: NO = it is no name that can be asked for. */
static enum match target(struct eval *eval, struct sv_span spec, char out[SV_NAME_BYTES])
{
    char text[EXPANDED_BYTES];
    struct sv_span name;
    struct sv_line line;

    out[0] = '\0';
    if (spec.len == 0) {
        memcpy(out, eval->domain, strlen(eval->domain) + 1);
        return YES;
    }
    if (is_open(eval, spec))
        return MAYBE;
    sv_line_init(&line, text, sizeof(text));
    if (!sv_spf_macro_expand(spec, add_letter, eval, &line))
        return OPEN;
    name = (struct sv_span){.text = line.text, .len = line.len};
    if (name.len > 0 && name.text[name.len - 1] == '.')
        name.len--;
    while (name.len > SV_NAME_MAX) { /* labels go from the left (section 7.3) */
        const char *dot = memchr(name.text, '.', name.len);
        if (dot == NULL)
            return NO;
        name.len -= (size_t)(dot + 1 - name.text);
        name.text = dot + 1;
    }
    return !line.cut && sv_spf_name(name, out) ? YES : NO;
}

static enum match match_a(struct eval *eval, const struct sv_spf_term *term, const char *name)
{
    bool found = false;
    enum match match = match_host(eval, name, term, &found);

    return match == NO && !found ? count_void(eval) : match;
}

static enum match match_exists(struct eval *eval, const char *name)
{
    struct sv_spf_reply reply;

    ask(eval, name, SV_RR_A, &reply);
    if (!reply.known)
        return OPEN;
    if (reply.outcome == SV_DNS_UNKNOWN)
        return TEMPERROR;
    return is_void(&reply) ? count_void(eval) : YES;
}

/* The host of "10 host". */
static struct sv_span host_of(struct sv_span value)
{
    const char *blank = memchr(value.text, ' ', value.len);

    if (blank == NULL)
        return (struct sv_span){.text = value.text};
    return (struct sv_span){.text = blank + 1, .len = value.len - (size_t)(blank + 1 - value.text)};
}

static enum match match_mx(struct eval *eval, const struct sv_spf_term *term, const char *name)
{
    struct sv_spf_reply reply;
    enum match match = NO;
    bool found = false;

    ask(eval, name, SV_RR_MX, &reply);
    if (!reply.known)
        return OPEN;
    if (reply.outcome == SV_DNS_UNKNOWN)
        return TEMPERROR;
    if (reply.count > SV_SPF_HOSTS_MAX)
        return PERMERROR;
    for (size_t i = 0; i < reply.count; i++) {
        char host[SV_NAME_BYTES];
        enum match one = NO;
        if (sv_spf_name(host_of(reply.values[i]), host))
            one = match_host(eval, host, term, &found);
        if (one == YES || one == TEMPERROR)
            return match == OPEN ? OPEN : one;
        if (one != NO && match != OPEN) /* the other hosts are asked in the same round */
            match = one;
    }
    return match == NO && !found ? count_void(eval) : match;
}

/* DNS errors are no match here (section 5.5). */
static enum match match_ptr(struct eval *eval, char *name)
{
    struct sv_spf_reply reply;

    if (eval->check->helo == NULL) /* there is no message: nobody asks whose address it is */
        return MAYBE;
    ask_ptr(eval, &reply);
    if (!reply.known)
        return OPEN;
    if (reply.outcome == SV_DNS_UNKNOWN)
        return NO;
    return is_void(&reply) ? count_void(eval) : each_validated(eval, &reply, fits_target, name);
}

static enum sv_spf_result check_host(struct eval *eval, const char *domain);

/* check_host() for the target of an include or a redirect. */
static enum sv_spf_result check_below(struct eval *eval, const char *domain)
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
static enum match match_include(struct eval *eval, const char *name)
{
    struct sv_span exp = eval->exp;
    enum sv_spf_result result = check_below(eval, name);

    eval->exp = exp; /* that of an included record is not used (section 6.2) */
    switch (result) {
    case SV_SPF_PASS:
        return YES;
    case SV_SPF_FAIL:
    case SV_SPF_SOFTFAIL:
    case SV_SPF_NEUTRAL:
        return NO;
    case SV_SPF_TEMPERROR:
        return TEMPERROR;
    case SV_SPF_PERMERROR:
    case SV_SPF_NONE:
        return PERMERROR;
    case SV_SPF_UNDECIDED:
        return eval->out->waiting || eval->open ? OPEN : MAYBE;
    }
    return PERMERROR;
}

/* The term is counted (section 4.6.4). False: it is one too many. */
static bool count_lookup(struct eval *eval, const struct sv_spf_term *term)
{
    unsigned most = eval->check->count_on ? SV_SPF_COUNT_MAX : SV_SPF_LOOKUPS_MAX;

    eval->out->lookups++;
    if (eval->out->lookups > most)
        return false;
    if (eval->check->visit != NULL)
        eval->check->visit(eval->check->visit_context, eval->depth, term);
    return true;
}

static enum match match_target(struct eval *eval, const struct sv_spf_term *term, char *name)
{
    switch (term->kind) {
    case SV_SPF_INCLUDE_OF:
        return match_include(eval, name);
    case SV_SPF_A:
        return eval->check->ip != NULL ? match_a(eval, term, name) : MAYBE;
    case SV_SPF_MX:
        return eval->check->ip != NULL ? match_mx(eval, term, name) : MAYBE;
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
        return NO;
    }
    return NO;
}

static enum match match_term(struct eval *eval, const struct sv_spf_term *term)
{
    char name[SV_NAME_BYTES];
    enum match match;

    if (term->kind == SV_SPF_ALL)
        return YES;
    if (term->kind == SV_SPF_IP4 || term->kind == SV_SPF_IP6) {
        unsigned prefix = term->kind == SV_SPF_IP4 ? term->prefix4 : term->prefix6;
        if (eval->check->ip == NULL)
            return MAYBE;
        return sv_ip_in(eval->check->ip, &term->network, prefix) ? YES : NO;
    }
    if (!sv_spf_term_is_lookup(term) || term->kind == SV_SPF_REDIRECT)
        return NO;
    if (!count_lookup(eval, term))
        return PERMERROR;
    match = target(eval, term->domain, name);
    if (match == YES)
        return match_target(eval, term, name);
    if (match == MAYBE && term->kind == SV_SPF_INCLUDE_OF) {
        eval->open = true;
        return OPEN;
    }
    if (match == NO && term->kind == SV_SPF_INCLUDE_OF)
        return PERMERROR; /* check_host() says none (section 4.3) */
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

static enum sv_spf_result redirect(struct eval *eval, const struct sv_spf_outline *outline)
{
    char name[SV_NAME_BYTES];
    struct sv_spf_term term;
    enum sv_spf_result result;

    sv_spf_term_parse(outline->redirect_term, &term);
    if (!count_lookup(eval, &term))
        return SV_SPF_PERMERROR;
    switch (target(eval, outline->redirect, name)) {
    case YES:
        result = check_below(eval, name);
        return result == SV_SPF_NONE ? SV_SPF_PERMERROR : result;
    case MAYBE:
    case OPEN:
        eval->open = true;
        return SV_SPF_UNDECIDED;
    case NO:
    case TEMPERROR:
    case PERMERROR:
        return SV_SPF_PERMERROR;
    }
    return SV_SPF_PERMERROR;
}

/* Section 4.6.2 and what follows it: left to right, the first match decides. */
static enum sv_spf_result evaluate(struct eval *eval, struct sv_span record,
                                   const struct sv_spf_outline *outline)
{
    struct sv_spf_term term;
    bool may_pass = false; /* an earlier term may have matched with + */
    enum sv_spf_result result = SV_SPF_NEUTRAL;
    bool matched = false;

    while (!matched && sv_spf_next(&record, &term)) {
        switch (match_term(eval, &term)) {
        case NO:
            break;
        case YES:
            matched = true;
            result = result_of(term.qualifier);
            break;
        case MAYBE:
            eval->out->doubtful = true;
            if (term.qualifier != '+')
                return SV_SPF_UNDECIDED;
            may_pass = true;
            break;
        case TEMPERROR:
            return SV_SPF_TEMPERROR;
        case PERMERROR:
            return SV_SPF_PERMERROR;
        case OPEN:
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

static enum sv_spf_result check_host(struct eval *eval, const char *domain)
{
    struct sv_spf_outline outline;
    struct sv_spf_reply reply;
    struct sv_span record = {.text = ""};
    size_t count;

    eval->domain = domain;
    eval->exp = (struct sv_span){.text = NULL};
    if (eval->check->ip == NULL && sv_name_equal(domain, eval->check->passing))
        return SV_SPF_PASS;
    ask(eval, domain, SV_RR_TXT, &reply);
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
static void explain(struct eval *eval)
{
    char name[SV_NAME_BYTES];
    struct sv_spf_reply reply;
    struct sv_line line;
    bool was_waiting = eval->out->waiting;

    if (eval->exp.text == NULL)
        return;
    eval->domain = eval->exp_domain;
    if (target(eval, eval->exp, name) != YES)
        return;
    ask(eval, name, SV_RR_TXT, &reply);
    eval->out->waiting = was_waiting || !reply.known;
    if (reply.outcome != SV_DNS_DATA || reply.count != 1 || reply.incomplete ||
        sv_spf_macro_fault(reply.values[0], SV_SPF_IN_EXPLANATION) != SV_SPF_GOOD)
        return;
    sv_line_init(&line, eval->out->explanation, sizeof(eval->out->explanation));
    if (!sv_spf_macro_expand(reply.values[0], add_letter, eval, &line) || line.cut)
        eval->out->explanation[0] = '\0';
}

void sv_spf_check(const struct sv_spf_check *check, struct sv_spf_verdict *out)
{
    struct eval eval = {.check = check, .out = out};
    char domain[SV_NAME_BYTES];

    memset(out, 0, sizeof(*out));
    if (!sv_spf_name(sv_span_of(check->domain), domain)) {
        out->result = SV_SPF_NONE;
        return;
    }
    out->result = check_host(&eval, domain);
    if (out->waiting)
        out->result = SV_SPF_UNDECIDED;
    if (check->explain && out->result == SV_SPF_FAIL)
        explain(&eval);
}
