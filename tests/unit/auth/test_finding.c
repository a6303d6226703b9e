/* The catalogue as a whole, advice lines, and the digest of a set of findings. */
#include "sv/finding.h"

#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"

static void codes_are_unique_words(void **state)
{
    (void)state;
    for (unsigned code = SV_F_NONE + 1; code < SV_F_COUNT; code++) {
        const char *name = sv_finding_name((enum sv_finding_code)code);
        assert_true(strlen(name) > 4);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(name));
        assert_int_equal(sv_finding_parse(name), code);
        assert_int_not_equal(sv_finding_severity((enum sv_finding_code)code), SV_SEVERITY_NONE);
    }
    assert_int_equal(sv_finding_parse("no_such_code"), SV_F_NONE);
    assert_int_equal(sv_finding_parse(""), SV_F_NONE);
    assert_string_equal(sv_finding_name((enum sv_finding_code)9999), "none");
    assert_int_equal(sv_finding_severity((enum sv_finding_code)9999), SV_SEVERITY_NONE);
}

static void severities_have_words(void **state)
{
    (void)state;
    assert_string_equal(sv_severity_name(SV_ERROR), "error");
    assert_string_equal(sv_severity_name(SV_WARNING), "warning");
    assert_string_equal(sv_severity_name(SV_INFO), "info");
    assert_string_equal(sv_severity_name(SV_TEMPORARY), "temporary");
    assert_string_equal(sv_severity_name((enum sv_severity)99), "none");
}

/* One line, one or more sentences, all places filled. */
static void every_advice_can_be_shown(void **state)
{
    (void)state;
    for (unsigned code = SV_F_NONE + 1; code < SV_F_COUNT; code++) {
        struct sv_finding finding = {.code = (enum sv_finding_code)code,
                                     .owner = "o.client.com",
                                     .expected = "EXPECTED",
                                     .found = "FOUND"};
        struct sv_buf text;
        sv_buf_init(&text, 1024);
        assert_true(sv_finding_advice(&finding, "client.com", &text));
        assert_true(text.len > 20 && text.len < 300);
        assert_null(strpbrk(sv_buf_str(&text), "{}\n"));
        assert_null(strstr(sv_buf_str(&text), "later")); /* nothing expired "later" */
        sv_buf_fini(&text);
    }
}

static void advice_fills_places(void **state)
{
    struct sv_finding finding = {
        .code = SV_F_DMARC_MISSING, .owner = "_dmarc.client.com", .expected = "v=DMARC1; p={d}"};
    struct sv_buf text;

    (void)state;
    sv_buf_init(&text, 100);
    assert_true(sv_finding_advice(&finding, "client.com", &text));
    /* What a value holds is not read again. */
    assert_string_equal(sv_buf_str(&text),
                        "Add a TXT record at _dmarc.client.com: v=DMARC1; p={d}");
    sv_buf_fini(&text);
    finding.code = SV_F_DMARC_INHERITED; /* an empty found */
    sv_buf_init(&text, 100);
    assert_true(sv_finding_advice(&finding, "client.com", &text));
    assert_non_null(strstr(sv_buf_str(&text), "the one at nothing applies"));
    sv_buf_fini(&text);
    for (size_t limit = 0; limit < 54; limit++) {
        finding.code = SV_F_DMARC_MISSING;
        sv_buf_init(&text, limit);
        assert_false(sv_finding_advice(&finding, "client.com", &text));
        sv_buf_fini(&text);
    }
}

static struct sv_finding make(enum sv_finding_code code, const char *owner)
{
    struct sv_finding finding = {.code = code, .severity = sv_finding_severity(code)};

    memcpy(finding.owner, owner, strlen(owner) + 1);
    return finding;
}

static void the_digest_ignores_order(void **state)
{
    struct sv_finding findings[SV_FINDINGS_MAX];
    uint64_t digest;
    unsigned seed = 20240607; /* fixed: every permutation that comes of it must agree */

    (void)state;
    for (size_t i = 0; i < SV_FINDINGS_MAX; i++)
        findings[i] = make((enum sv_finding_code)(SV_F_DKIM_CNAME_DOUBLED_SUFFIX + i / 2),
                           i % 2 == 0 ? "a.client.com" : "b.client.com");
    digest = sv_findings_digest(findings, SV_FINDINGS_MAX);
    assert_int_not_equal(digest, 0);
    for (size_t turn = 0; turn < 200; turn++) {
        struct sv_finding kept;
        size_t a;
        size_t b;
        seed = seed * 1103515245u + 12345u;
        a = seed / 65536u % SV_FINDINGS_MAX;
        b = seed / 4096u % SV_FINDINGS_MAX;
        kept = findings[a];
        findings[a] = findings[b];
        findings[b] = kept;
        assert_int_equal(sv_findings_digest(findings, SV_FINDINGS_MAX), digest);
    }
}

static void the_digest_is_of_code_and_owner_alone(void **state)
{
    struct sv_finding a[3] = {make(SV_F_DKIM_CNAME_MISSING, "x.client.com"),
                              make(SV_F_DMARC_POLICY_NONE, "_dmarc.client.com"),
                              make(SV_F_DNS_SERVFAIL, "client.com")};
    struct sv_finding b[3] = {a[0], a[1], a[2]};
    uint64_t digest = sv_findings_digest(a, 3);

    (void)state;
    assert_int_equal(sv_findings_digest(NULL, 0), 0);
    assert_int_equal(sv_findings_digest(a, 2), digest); /* temporary ones do not count */
    assert_int_equal(sv_findings_digest(a + 2, 1), 0);
    assert_int_not_equal(sv_findings_digest(a, 1), digest);
    assert_int_not_equal(sv_findings_digest(a + 1, 1), digest);
    memcpy(b[0].found, "other", 6);
    memcpy(b[0].expected, "other", 6);
    b[0].severity = SV_WARNING;
    b[0].evidence.ttl_s = 7;
    memcpy(b[0].owner, "X.CLIENT.com.", 14);
    assert_int_equal(sv_findings_digest(b, 3), digest);
    b[2] = b[0]; /* a set holds a thing once */
    assert_int_equal(sv_findings_digest(b, 3), digest);
    memcpy(b[0].owner, "y.client.com", 13);
    assert_int_not_equal(sv_findings_digest(b, 2), digest);
    b[0] = make(SV_F_DKIM_CNAME_PARTIAL, "x.client.com");
    assert_int_not_equal(sv_findings_digest(b, 2), digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_unique_words),
        cmocka_unit_test(severities_have_words),
        cmocka_unit_test(every_advice_can_be_shown),
        cmocka_unit_test(advice_fills_places),
        cmocka_unit_test(the_digest_ignores_order),
        cmocka_unit_test(the_digest_is_of_code_and_owner_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
