/* What the terms of a record lead to: questions, hosts, the names that an address is proved to
 * have, and the names that macros make (RFC 7208 sections 5.5 and 7). */
#include <string.h>

#include "spf.h"
#include "spf_eval_parts.h"
#include "spf_macro.h"

enum { EXPANDED_BYTES = 4096 };

void sv_spf_ask(struct sv_spf_eval *eval, const char *name, enum sv_rr_type type,
                struct sv_spf_reply *reply)
{
    memset(reply, 0, sizeof(*reply));
    eval->check->source.ask(eval->check->source.context, name, type, reply);
    if (!reply->known)
        eval->out->waiting = true;
}

bool sv_spf_is_void(const struct sv_spf_reply *reply)
{
    return reply->outcome == SV_DNS_NODATA || reply->outcome == SV_DNS_NXDOMAIN ||
           (reply->outcome == SV_DNS_DATA && reply->count == 0 && !reply->incomplete);
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
enum sv_spf_match sv_spf_match_host(struct sv_spf_eval *eval, const char *name,
                                    const struct sv_spf_term *term, bool *found)
{
    const struct sv_ip *ip = eval->check->ip;
    unsigned prefix = ip->is_v6 ? term->prefix6 : term->prefix4;
    struct sv_spf_reply reply;

    sv_spf_ask(eval, name, ip->is_v6 ? SV_RR_AAAA : SV_RR_A, &reply);
    if (!reply.known)
        return SV_SPF_MATCH_OPEN;
    if (reply.outcome == SV_DNS_UNKNOWN)
        return SV_SPF_MATCH_TEMPERROR;
    *found = *found || !sv_spf_is_void(&reply);
    for (size_t i = 0; i < reply.count; i++) {
        struct sv_ip address;
        if (sv_ip_parse(reply.values[i], &address) && sv_ip_in(ip, &address, prefix))
            return SV_SPF_MATCH_YES;
    }
    return reply.incomplete ? SV_SPF_MATCH_MAYBE : SV_SPF_MATCH_NO;
}

static const struct sv_spf_term whole_address = {.prefix4 = 32, .prefix6 = 128};

void sv_spf_ask_ptr(struct sv_spf_eval *eval, struct sv_spf_reply *reply)
{
    char name[SV_NAME_BYTES];
    struct sv_line line;

    sv_line_init(&line, name, sizeof(name));
    reverse_name(eval->check->ip, &line);
    sv_spf_ask(eval, name, SV_RR_PTR, reply);
}

enum sv_spf_match sv_spf_each_validated(struct sv_spf_eval *eval, const struct sv_spf_reply *ptr,
                                        bool (*fits)(void *context, const char *name),
                                        void *context)
{
    enum sv_spf_match match = SV_SPF_MATCH_NO;

    for (size_t i = 0; i < ptr->count && i < SV_SPF_HOSTS_MAX; i++) {
        char name[SV_NAME_BYTES];
        bool found = false;
        enum sv_spf_match one = SV_SPF_MATCH_NO;
        if (sv_spf_name(ptr->values[i], name))
            one = sv_spf_match_host(eval, name, &whole_address, &found);
        if (one == SV_SPF_MATCH_OPEN)
            match = SV_SPF_MATCH_OPEN;
        if (one == SV_SPF_MATCH_YES && fits(context, name))
            return SV_SPF_MATCH_YES;
    }
    return match;
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

static bool add_validated(struct sv_spf_eval *eval, struct sv_line *out)
{
    struct best best = {.domain = eval->domain};
    struct sv_spf_reply ptr;

    sv_spf_ask_ptr(eval, &ptr);
    if (!ptr.known || sv_spf_each_validated(eval, &ptr, fits_best, &best) == SV_SPF_MATCH_OPEN)
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

bool sv_spf_add_letter(void *context, char letter, struct sv_line *out)
{
    struct sv_spf_eval *eval = context;
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
static bool is_open(const struct sv_spf_eval *eval, struct sv_span spec)
{
    if (eval->check->ip == NULL && sv_spf_macro_uses(spec, "ipv"))
        return true;
    return eval->check->helo == NULL && sv_spf_macro_uses(spec, "slhp");
}

enum sv_spf_match sv_spf_target(struct sv_spf_eval *eval, struct sv_span spec,
                                char out[SV_NAME_BYTES])
{
    char text[EXPANDED_BYTES];
    struct sv_span name;
    struct sv_line line;

    out[0] = '\0';
    if (spec.len == 0) {
        memcpy(out, eval->domain, strlen(eval->domain) + 1);
        return SV_SPF_MATCH_YES;
    }
    if (is_open(eval, spec))
        return SV_SPF_MATCH_MAYBE;
    sv_line_init(&line, text, sizeof(text));
    if (!sv_spf_macro_expand(spec, sv_spf_add_letter, eval, &line))
        return SV_SPF_MATCH_OPEN;
    name = (struct sv_span){.text = line.text, .len = line.len};
    if (name.len > 0 && name.text[name.len - 1] == '.')
        name.len--;
    while (name.len > SV_NAME_MAX) { /* labels go from the left (section 7.3) */
        const char *dot = memchr(name.text, '.', name.len);
        if (dot == NULL)
            return SV_SPF_MATCH_NO;
        name.len -= (size_t)(dot + 1 - name.text);
        name.text = dot + 1;
    }
    return !line.cut && sv_spf_name(name, out) ? SV_SPF_MATCH_YES : SV_SPF_MATCH_NO;
}
