/* The pure parts of SPF below the judge: addresses, terms, names, and what an evaluation says while
 * answers are missing. The RFC itself is in tests/vectors. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmocka_all.h"
#include "spf.h"
#include "spf_eval.h"
#include "spf_macro.h"

static void addresses_are_read_strictly_and_shown_briefly(void **state)
{
    static const struct {
        const char *text, *shown; /* NULL = no address */
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"192.0.2.256", NULL},
        {"192.0.2.01", NULL},
        {"192.0.2", NULL},
        {"192.0.2.1.", NULL},
        {"192.0.2.1.1", NULL},
        {"192.0.2.-1", NULL},
        {" 192.0.2.1", NULL},
        {"", NULL},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8::8:800:200C:417A", "2001:db8::8:800:200c:417a"}, /* RFC 4291 section 2.2 */
        {"FF01:0:0:0:0:0:0:101", "ff01::101"},
        {"0:0:0:0:0:0:13.1.68.3", "::d01:4403"},
        {"::FFFF:129.144.52.38", "129.144.52.38"}, /* mapped: RFC 7208 section 5 */
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"2001:db8::1:0:0:1", "2001:db8::1:0:0:1"}, /* RFC 5952 section 4.2.3 */
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"1:2:3:4:5:6:7", NULL},
        {"1::2::3", NULL},
        {":::1", NULL},
        {":1:2:3:4:5:6:7", NULL},
        {"1:2:3:4:5:6:7:", NULL},
        {"12345::", NULL},
        {"g::", NULL},
        {"::1.2.3", NULL},
        {"1.2.3.4::", NULL},
        {"1:2:3:4:5:6:7:1.2.3.4", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char shown[64];
        struct sv_line line;
        struct sv_ip ip;
        bool is_address = sv_ip_parse(sv_span_of(cases[i].text), &ip);
        if (is_address != (cases[i].shown != NULL))
            fail_msg("\"%s\" is %s", cases[i].text, is_address ? "read" : "not read");
        if (!is_address)
            continue;
        sv_line_init(&line, shown, sizeof(shown));
        sv_ip_show(&ip, &line);
        assert_string_equal(shown, cases[i].shown);
    }
}

static void prefixes_compare_bits(void **state)
{
    static const struct {
        const char *ip, *network;
        unsigned prefix;
        bool in;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", 32, true},         {"192.0.2.1", "192.0.2.0", 32, false},
        {"192.0.2.1", "192.0.2.0", 31, true},         {"192.0.2.129", "192.0.2.0", 25, false},
        {"10.0.0.1", "192.0.2.0", 0, true},           {"2001:db8::1", "2001:db8::", 127, true},
        {"2001:db8:8000::", "2001:db8::", 33, false}, {"2001:db8::2", "2001:db8::1", 128, false},
        {"2001:db8::1", "192.0.2.1", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct sv_ip ip, network;
        assert_true(sv_ip_parse(sv_span_of(cases[i].ip), &ip));
        assert_true(sv_ip_parse(sv_span_of(cases[i].network), &network));
        assert_int_equal(sv_ip_in(&ip, &network, cases[i].prefix), cases[i].in);
    }
}

static void terms_are_read_by_the_grammar(void **state)
{
    static const struct {
        const char *text;
        enum sv_spf_kind kind;
        enum sv_spf_fault fault;
        char qualifier;
        const char *domain;
        unsigned prefix4, prefix6;
    } cases[] = {
        {"all", SV_SPF_ALL, SV_SPF_GOOD, '+', "", 32, 128},
        {"-ALL", SV_SPF_ALL, SV_SPF_GOOD, '-', "", 32, 128},
        {"all:x", SV_SPF_ALL, SV_SPF_FAULT_ARGUMENT, '+', "", 32, 128},
        {"all.", SV_SPF_OTHER, SV_SPF_FAULT_NAME, '+', "", 32, 128},
        {"?include:a.b", SV_SPF_INCLUDE_OF, SV_SPF_GOOD, '?', "a.b", 32, 128},
        {"include:", SV_SPF_INCLUDE_OF, SV_SPF_FAULT_EMPTY, '+', "", 32, 128},
        {"include", SV_SPF_INCLUDE_OF, SV_SPF_FAULT_EMPTY, '+', "", 32, 128},
        {"include:a.b/24", SV_SPF_INCLUDE_OF, SV_SPF_FAULT_DOMAIN, '+', "a.b/24", 32, 128},
        {"include=a.b", SV_SPF_MODIFIER, SV_SPF_GOOD, '+', "a.b", 32, 128},
        {"a", SV_SPF_A, SV_SPF_GOOD, '+', "", 32, 128},
        {"a/24//64", SV_SPF_A, SV_SPF_GOOD, '+', "", 24, 64},
        {"a//64", SV_SPF_A, SV_SPF_GOOD, '+', "", 32, 64},
        {"mx:a.b/8", SV_SPF_MX, SV_SPF_GOOD, '+', "a.b", 8, 128},
        {"mx:a.b//0", SV_SPF_MX, SV_SPF_GOOD, '+', "a.b", 32, 0},
        {"a/24/64", SV_SPF_A, SV_SPF_FAULT_PREFIX, '+', "", 32, 128},
        {"a/24/16", SV_SPF_A, SV_SPF_FAULT_ARGUMENT, '+', "", 16, 128},
        {"a/33", SV_SPF_A, SV_SPF_FAULT_PREFIX, '+', "", 32, 128},
        {"a/08", SV_SPF_A, SV_SPF_FAULT_PREFIX, '+', "", 32, 128},
        {"a/99999999999999999999", SV_SPF_A, SV_SPF_FAULT_PREFIX, '+', "", 32, 128},
        {"a:x/y.example.com", SV_SPF_A, SV_SPF_GOOD, '+', "x/y.example.com", 32, 128},
        {"a:%{d}", SV_SPF_A, SV_SPF_GOOD, '+', "%{d}", 32, 128},
        {"a:x.%{d}y", SV_SPF_A, SV_SPF_FAULT_DOMAIN, '+', "x.%{d}y", 32, 128},
        {"ptr", SV_SPF_PTR, SV_SPF_GOOD, '+', "", 32, 128},
        {"ptr/24", SV_SPF_PTR, SV_SPF_FAULT_ARGUMENT, '+', "", 32, 128},
        {"ip4:192.0.2.0/24", SV_SPF_IP4, SV_SPF_GOOD, '+', "", 24, 128},
        {"ip4:192.0.2.0//24", SV_SPF_IP4, SV_SPF_FAULT_ADDRESS, '+', "", 24, 128},
        {"ip4:2001:db8::", SV_SPF_IP4, SV_SPF_FAULT_ADDRESS, '+', "", 32, 128},
        {"ip6:2001:db8::/32", SV_SPF_IP6, SV_SPF_GOOD, '+', "", 32, 32},
        {"ip6:192.0.2.1", SV_SPF_IP6, SV_SPF_FAULT_ADDRESS, '+', "", 32, 128},
        {"exists:%{ir}.a.b", SV_SPF_EXISTS, SV_SPF_GOOD, '+', "%{ir}.a.b", 32, 128},
        {"exists:%{c}.a.b", SV_SPF_EXISTS, SV_SPF_FAULT_MACRO, '+', "%{c}.a.b", 32, 128},
        {"exists:%{d0}.a.b", SV_SPF_EXISTS, SV_SPF_FAULT_MACRO, '+', "%{d0}.a.b", 32, 128},
        {"exists:\xc3\xa9.a.b", SV_SPF_EXISTS, SV_SPF_FAULT_OCTET, '+', "\xc3\xa9.a.b", 32, 128},
        {"redirect=a.b", SV_SPF_REDIRECT, SV_SPF_GOOD, '+', "a.b", 32, 128},
        {"-redirect=a.b", SV_SPF_REDIRECT, SV_SPF_FAULT_SIGN, '-', "a.b", 32, 128},
        {"redirect:a.b", SV_SPF_OTHER, SV_SPF_FAULT_NAME, '+', "", 32, 128},
        {"exp=", SV_SPF_EXP, SV_SPF_FAULT_EMPTY, '+', "", 32, 128},
        {"moo=%{t}", SV_SPF_MODIFIER, SV_SPF_GOOD, '+', "%{t}", 32, 128},
        {"moo=%t", SV_SPF_MODIFIER, SV_SPF_FAULT_MACRO, '+', "%t", 32, 128},
        {"1up=x", SV_SPF_OTHER, SV_SPF_FAULT_NAME, '+', "", 32, 128},
        {"=", SV_SPF_OTHER, SV_SPF_FAULT_NAME, '+', "", 32, 128},
        {"-", SV_SPF_OTHER, SV_SPF_FAULT_NAME, '-', "", 32, 128},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct sv_spf_term term;
        sv_spf_term_parse(sv_span_of(cases[i].text), &term);
        if (term.kind != cases[i].kind || term.fault != cases[i].fault)
            fail_msg("%s: kind %u, %s", cases[i].text, term.kind, sv_spf_fault_text(term.fault));
        assert_int_equal(term.qualifier, cases[i].qualifier);
        assert_int_equal(term.domain.len, strlen(cases[i].domain));
        if (term.domain.len > 0)
            assert_memory_equal(term.domain.text, cases[i].domain, term.domain.len);
        assert_int_equal(term.prefix4, cases[i].prefix4);
        assert_int_equal(term.prefix6, cases[i].prefix6);
    }
}

static void lost_blanks_are_found(void **state)
{
    static const struct {
        const char *word;
        size_t at;
    } cases[] = {
        {"~allinclude:a.b", 4},
        {"include:a.b~all", 11},
        {"include:a.b-all", 11},
        {"ip4:1.2.3.4ip4:5.6.7.8", 11},
        {"include:a.binclude:c.d", 11},
        {"include:a.b", 0},
        {"ip4:1.2.3.4", 0},
        {"exists:%{i}.a.b", 0},
        {"a:overall", 0},
        {"x=~all", 0},
        {"include:all.example.com", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (sv_spf_gap(sv_span_of(cases[i].word)) != cases[i].at)
            fail_msg("%s: %zu", cases[i].word, sv_spf_gap(sv_span_of(cases[i].word)));
    }
}

static void names_become_questions(void **state)
{
    char name[SV_NAME_BYTES];

    (void)state;
    assert_true(sv_spf_name(sv_span_of("A.example.com."), name));
    assert_string_equal(name, "A.example.com");
    assert_true(sv_spf_name(sv_span_of("a b\\.example.com"), name));
    assert_string_equal(name, "a\\032b\\092.example.com");
    assert_false(sv_spf_name(sv_span_of("com"), name));
    assert_false(sv_spf_name(sv_span_of("com."), name));
    assert_false(sv_spf_name(sv_span_of(""), name));
    assert_false(sv_spf_name(sv_span_of("a..b"), name));
    assert_false(sv_spf_name(sv_span_of(".a.b"), name));
    assert_false(sv_spf_name(
        sv_span_of("a123456789a123456789a123456789a123456789a123456789a123456789a123.b"), name));
}

/* A zone of a few names, of which the first `known` are answered. */
struct entry {
    const char *name;
    enum sv_rr_type type;
    const char *value; /* NULL = NXDOMAIN; "!" = no answer could be had */
};

struct zone {
    const struct entry *entries;
    size_t count, known;
    struct sv_span value;
};

static void look(void *context, const char *name, enum sv_rr_type type, struct sv_spf_reply *out)
{
    struct zone *zone = context;

    for (size_t i = 0; i < zone->count; i++) {
        if (!sv_name_equal(zone->entries[i].name, name) || zone->entries[i].type != type)
            continue;
        if (i >= zone->known)
            return;
        out->known = true;
        if (zone->entries[i].value == NULL)
            out->outcome = SV_DNS_NXDOMAIN;
        else if (strcmp(zone->entries[i].value, "!") != 0)
            out->outcome = SV_DNS_DATA;
        if (out->outcome != SV_DNS_DATA)
            return;
        zone->value = sv_span_of(zone->entries[i].value);
        out->values = &zone->value;
        out->count = 1;
        return;
    }
    fail_msg("nobody should ask for %s", name);
}

static void an_evaluation_is_undecided_until_the_last_answer_it_needs(void **state)
{
    static const struct entry entries[] = {
        {"client.com", SV_RR_TXT, "v=spf1 include:a.com mx -all exp=why.client.com"},
        {"a.com", SV_RR_TXT, "v=spf1 exists:%{i}.a.com ?all"},
        {"192.0.2.1.a.com", SV_RR_A, NULL},
        {"client.com", SV_RR_MX, "10 mail.client.com"},
        {"mail.client.com", SV_RR_A, "203.0.113.1"},
        {"why.client.com", SV_RR_TXT, "%{i} is not ours"},
    };
    struct zone zone = {.entries = entries, .count = 6};
    struct sv_ip ip;
    struct sv_spf_check check = {.source = {.ask = look, .context = &zone},
                                 .domain = "client.com",
                                 .ip = &ip,
                                 .helo = "h.client.com",
                                 .explain = true};
    struct sv_spf_verdict verdict;

    (void)state;
    assert_true(sv_ip_parse(sv_span_of("192.0.2.1"), &ip));
    for (zone.known = 0; zone.known < 5; zone.known++) {
        sv_spf_check(&check, &verdict);
        assert_int_equal(verdict.result, SV_SPF_UNDECIDED);
        assert_true(verdict.waiting);
    }
    sv_spf_check(&check, &verdict);
    assert_int_equal(verdict.result, SV_SPF_FAIL);
    assert_true(verdict.waiting); /* for the explanation */
    zone.known = 6;
    sv_spf_check(&check, &verdict);
    assert_int_equal(verdict.result, SV_SPF_FAIL);
    assert_false(verdict.waiting);
    assert_int_equal(verdict.lookups, 3);
    assert_int_equal(verdict.voids, 1);
    assert_string_equal(verdict.explanation, "192.0.2.1 is not ours");
}

/* What holds for every address that one name lets pass. */
static void an_address_that_is_not_told(void **state)
{
    static const struct {
        const char *record;
        enum sv_spf_result result;
        bool doubtful;
        enum sv_spf_result unlisted;
    } cases[] = {
        {"v=spf1 include:ses.com -all", SV_SPF_PASS, false, SV_SPF_PASS},
        {"v=spf1 redirect=SES.com", SV_SPF_PASS, false, SV_SPF_PASS},
        {"v=spf1 -include:ses.com all", SV_SPF_FAIL, false, SV_SPF_FAIL},
        {"v=spf1 ~all include:ses.com", SV_SPF_SOFTFAIL, false, SV_SPF_SOFTFAIL},
        {"v=spf1 ip4:192.0.2.0/24 include:ses.com -all", SV_SPF_PASS, false, SV_SPF_PASS},
        {"v=spf1 mx include:ses.com -all", SV_SPF_PASS, true, SV_SPF_PASS},
        {"v=spf1 -ip4:192.0.2.0/24 include:ses.com -all", SV_SPF_UNDECIDED, false, SV_SPF_PASS},
        {"v=spf1 ip4:192.0.2.0/24 -all", SV_SPF_UNDECIDED, false, SV_SPF_FAIL},
        {"v=spf1 include:gone.com include:ses.com -all", SV_SPF_PERMERROR, false, SV_SPF_PERMERROR},
        {"v=spf1 include:silent.com include:ses.com -all", SV_SPF_TEMPERROR, false,
         SV_SPF_TEMPERROR},
        {"v=spf1 ip4:192.0.2.0/24 include:gone.com -all", SV_SPF_UNDECIDED, false,
         SV_SPF_PERMERROR},
        {"v=spf1 ip4:192.0.2.0/24 include:silent.com -all", SV_SPF_UNDECIDED, false,
         SV_SPF_TEMPERROR},
        {"v=spf1 include:%{l}.x.com include:ses.com -all", SV_SPF_UNDECIDED, false,
         SV_SPF_UNDECIDED},
        {"v=spf1 exists:%{l}.x.com include:ses.com -all", SV_SPF_PASS, true, SV_SPF_PASS},
        {"v=spf1 -exists:%{l}.x.com include:ses.com -all", SV_SPF_UNDECIDED, true,
         SV_SPF_UNDECIDED},
        {"v=spf1 ptr include:ses.com -all", SV_SPF_PASS, true, SV_SPF_PASS},
        {"v=spf1 include:part.com include:ses.com -all", SV_SPF_PASS, true, SV_SPF_PASS},
        {"v=spf1 include:macro.com include:ses.com -all", SV_SPF_UNDECIDED, false,
         SV_SPF_UNDECIDED},
        {"v=spf1 include:moved.com include:ses.com -all", SV_SPF_UNDECIDED, false,
         SV_SPF_UNDECIDED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct entry entries[] = {{"client.com", SV_RR_TXT, cases[i].record},
                                        {"gone.com", SV_RR_TXT, NULL},
                                        {"silent.com", SV_RR_TXT, "!"},
                                        {"part.com", SV_RR_TXT, "v=spf1 ip4:192.0.2.0/24 -all"},
                                        {"macro.com", SV_RR_TXT, "v=spf1 include:%{l}.x.com -all"},
                                        {"moved.com", SV_RR_TXT, "v=spf1 redirect=%{l}.x.com"}};
        struct zone zone = {.entries = entries, .count = 6, .known = 6};
        struct sv_spf_check check = {.source = {.ask = look, .context = &zone},
                                     .domain = "client.com",
                                     .passing = "ses.com"};
        struct sv_spf_verdict verdict;
        sv_spf_check(&check, &verdict);
        if (verdict.result != cases[i].result || verdict.doubtful != cases[i].doubtful)
            fail_msg("%s: %s", cases[i].record, sv_spf_result_name(verdict.result));
        check.unlisted = true;
        sv_spf_check(&check, &verdict);
        if (verdict.result != cases[i].unlisted)
            fail_msg("%s, unlisted: %s", cases[i].record, sv_spf_result_name(verdict.result));
    }
}

/* One value of more, as if there had been no room for the others; `context` is the type of which
 * there are more. */
static void look_cut(void *context, const char *name, enum sv_rr_type type,
                     struct sv_spf_reply *out)
{
    static const struct sv_span mx = {.text = "10 mail.client.com", .len = 18};
    static const struct sv_span txt = {.text = "v=spf1 mx -all", .len = 14};

    (void)name;
    *out = (struct sv_spf_reply){.known = true, .outcome = SV_DNS_NODATA};
    if (type != SV_RR_MX && type != SV_RR_TXT)
        return;
    out->outcome = SV_DNS_DATA;
    out->values = type == SV_RR_MX ? &mx : &txt;
    out->count = 1;
    out->incomplete = type == *(const enum sv_rr_type *)context;
}

/* A host may match, and a record may be the second one. */
static void what_was_not_kept_may_decide(void **state)
{
    static enum sv_rr_type types[] = {SV_RR_MX, SV_RR_TXT};
    struct sv_ip ip;

    (void)state;
    assert_true(sv_ip_parse(sv_span_of("192.0.2.1"), &ip));
    for (size_t i = 0; i < 2; i++) {
        struct sv_spf_check check = {
            .source = {.ask = look_cut, .context = &types[i]}, .domain = "client.com", .ip = &ip};
        struct sv_spf_verdict verdict;
        sv_spf_check(&check, &verdict);
        assert_int_equal(verdict.result, SV_SPF_UNDECIDED);
        assert_false(verdict.waiting);
    }
}

/* Beyond the limits the counting goes on where it is wanted. */
static void counting_may_go_on(void **state)
{
    static const struct entry entries[] = {
        {"client.com", SV_RR_TXT, "v=spf1 include:client.com -all"}};
    struct zone zone = {.entries = entries, .count = 1, .known = 1};
    struct sv_spf_check check = {
        .source = {.ask = look, .context = &zone}, .domain = "client.com", .passing = "ses.com"};
    struct sv_spf_verdict verdict;

    (void)state;
    sv_spf_check(&check, &verdict);
    assert_int_equal(verdict.result, SV_SPF_PERMERROR);
    assert_int_equal(verdict.lookups, SV_SPF_LOOKUPS_MAX + 1);
    check.count_on = true;
    sv_spf_check(&check, &verdict);
    assert_int_equal(verdict.result, SV_SPF_PERMERROR);
    assert_int_equal(verdict.lookups, SV_SPF_COUNT_MAX + 1);
}

static void a_redirect_is_one_lookup(void **state)
{
    static const struct entry entries[] = {
        {"client.com", SV_RR_TXT, "v=spf1 ip4:192.0.2.1 redirect=ses.com"}};
    struct zone zone = {.entries = entries, .count = 1, .known = 1};
    struct sv_spf_check check = {
        .source = {.ask = look, .context = &zone}, .domain = "client.com", .passing = "ses.com"};
    struct sv_spf_verdict verdict;

    (void)state;
    sv_spf_check(&check, &verdict);
    assert_int_equal(verdict.result, SV_SPF_PASS);
    assert_int_equal(verdict.lookups, 1);
}

static void a_record_includes_ses_when_nothing_decides_before(void **state)
{
    static const struct {
        const char *record;
        enum sv_tri includes;
    } cases[] = {
        {"v=spf1 mx include:amazonses.com -all", SV_TRI_YES},
        {"v=spf1 include:amazonses.com ip4:300 -all", SV_TRI_NO},
        {"v=spf1 -all include:amazonses.com", SV_TRI_UNKNOWN},
        {"v=spf1 ?mx include:amazonses.com -all", SV_TRI_UNKNOWN},
        {"v=spf1 mx -all", SV_TRI_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(sv_spf_includes_ses(sv_span_of(cases[i].record)), cases[i].includes);
}

static void empty_answers_are_counted_on_too(void **state)
{
    static const struct entry entries[] = {
        {"client.com", SV_RR_TXT, "v=spf1 exists:a.x.com exists:b.x.com exists:c.x.com -all"},
        {"a.x.com", SV_RR_A, NULL},
        {"b.x.com", SV_RR_A, NULL},
        {"c.x.com", SV_RR_A, NULL}};
    struct zone zone = {.entries = entries, .count = 4, .known = 4};
    struct sv_spf_check check = {.source = {.ask = look, .context = &zone}, .domain = "client.com"};
    struct sv_spf_verdict verdict;

    (void)state;
    sv_spf_check(&check, &verdict);
    assert_int_equal(verdict.result, SV_SPF_PERMERROR);
    check.count_on = true;
    sv_spf_check(&check, &verdict);
    assert_int_equal(verdict.result, SV_SPF_FAIL);
    assert_int_equal(verdict.voids, SV_SPF_VOIDS_MAX + 1);
}

static void a_suggestion_lets_ses_in(void **state)
{
    static const struct {
        const char *record, *suggestion;
    } cases[] = {
        {"v=spf1 mx -all", "v=spf1 mx include:amazonses.com -all"},
        {"v=spf1 mx", "v=spf1 mx include:amazonses.com"},
        {"v=spf1 mx -all ~all", "v=spf1 mx include:amazonses.com -all"},
        {"v=spf1 mx redirect=x.com", "v=spf1 mx include:amazonses.com redirect=x.com"},
        {"v=spf1 ?include:amazonses.com +all", "v=spf1 include:amazonses.com ~all"},
        {"v=spf1 -all include:amazonses.com", "v=spf1 include:amazonses.com -all"},
        {"v=spf1 mx -ip4:192.0.2.0/24 include:amazonses.com -all",
         "v=spf1 mx include:amazonses.com -ip4:192.0.2.0/24 -all"},
        {"v=spf1 ~exists:%{i}.x.com a -all",
         "v=spf1 include:amazonses.com ~exists:%{i}.x.com a -all"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[256];
        struct sv_line line;
        sv_line_init(&line, text, sizeof(text));
        assert_true(sv_spf_suggest(sv_span_of(cases[i].record), &line));
        assert_string_equal(text, cases[i].suggestion);
    }
}

static void several_records_merge_into_one(void **state)
{
    static const struct {
        const char *one, *two, *merged;
    } cases[] = {
        {"v=spf1 mx -all", "v=spf1 a -all", "v=spf1 mx a include:amazonses.com -all"},
        {"v=spf1 mx -all", "v=spf1 a ~all", "v=spf1 mx a include:amazonses.com ~all"},
        {"v=spf1 mx -all", "v=spf1 a", "v=spf1 mx a include:amazonses.com ~all"},
        {"v=spf1 mx ~all -all", "v=spf1 a -ALL", "v=spf1 mx a include:amazonses.com ~all"},
        {"v=spf1 mx -ALL", "v=spf1 a -all", "v=spf1 mx a include:amazonses.com -all"},
        {"v=spf1 mx -ip4:192.0.2.1 -all", "v=spf1 a ~all",
         "v=spf1 mx include:amazonses.com -ip4:192.0.2.1 a ~all"},
        {"v=spf1 mx mx -all", "v=spf1 mx -all", "v=spf1 mx include:amazonses.com -all"},
        {"v=spf1 mx -all ip4:192.0.2.1", "v=spf1 ip4:192.0.2.1 -all",
         "v=spf1 mx ip4:192.0.2.1 include:amazonses.com -all"},
        {"v=spf1 redirect=x.com", "v=spf1 include:x.com mx ~all",
         "v=spf1 include:x.com mx include:amazonses.com ~all"},
        {"v=spf1 exp=x.com ip4:192.0.2 -all", "v=spf1 exp=y.com include:amazonses.com -all",
         "v=spf1 exp=x.com include:amazonses.com -all"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct sv_span records[] = {sv_span_of(cases[i].one), sv_span_of(cases[i].two)};
        char text[256];
        struct sv_line line;
        sv_line_init(&line, text, sizeof(text));
        assert_true(sv_spf_merge(records, 2, &line));
        assert_string_equal(text, cases[i].merged);
    }
}

/* `front`, then ` term` until `bytes` are nearly full, then ` last`. */
static struct sv_span repeat(char *out, size_t bytes, const char *const words[3])
{
    struct sv_line line;

    sv_line_init(&line, out, bytes);
    sv_line_add(&line, words[0]);
    while (line.len + strlen(words[1]) + strlen(words[2]) < bytes)
        sv_line_add(&line, words[1]);
    sv_line_add(&line, words[2]);
    return (struct sv_span){.text = out, .len = line.len};
}

/* A thousand terms behind the all of the first of sixteen records, and all others asking whether
 * the last of them is wanted: comparing each with each takes a second. */
static void hostile_records_merge_soon(void **state)
{
    enum { RECORDS = 16, BYTES = 4096, CPU_MS_MAX = 300 };
    static char texts[2][BYTES];
    struct sv_span records[RECORDS];
    char text[256];
    struct sv_line line;
    clock_t start;

    (void)state;
    records[0] = repeat(texts[0], BYTES, (const char *[]){"v=spf1 all", " a/2", " a/1"});
    for (size_t i = 1; i < RECORDS; i++)
        records[i] = repeat(texts[1], BYTES, (const char *[]){"v=spf1", " a/1", ""});
    sv_line_init(&line, text, sizeof(text));
    start = clock();
    assert_true(sv_spf_merge(records, RECORDS, &line));
    assert_true((clock() - start) * 1000 / CLOCKS_PER_SEC < CPU_MS_MAX);
    assert_string_equal(text, "v=spf1 a/1 include:amazonses.com ~all");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_strictly_and_shown_briefly),
        cmocka_unit_test(prefixes_compare_bits),
        cmocka_unit_test(terms_are_read_by_the_grammar),
        cmocka_unit_test(lost_blanks_are_found),
        cmocka_unit_test(names_become_questions),
        cmocka_unit_test(an_evaluation_is_undecided_until_the_last_answer_it_needs),
        cmocka_unit_test(an_address_that_is_not_told),
        cmocka_unit_test(what_was_not_kept_may_decide),
        cmocka_unit_test(counting_may_go_on),
        cmocka_unit_test(empty_answers_are_counted_on_too),
        cmocka_unit_test(a_redirect_is_one_lookup),
        cmocka_unit_test(a_record_includes_ses_when_nothing_decides_before),
        cmocka_unit_test(a_suggestion_lets_ses_in),
        cmocka_unit_test(several_records_merge_into_one),
        cmocka_unit_test(hostile_records_merge_soon),
    };

    return cmocka_run_group_tests_name("spf", tests, NULL, NULL);
}
