/* v1 replies, as they should be and in every way they should not be believed. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/ses/ses_private.h"
#include "reply_text.h"
#include "sv/alloc.h"

#define NS   " xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\""
#define META "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"
#define ID_OPEN                                                                                    \
    "<GetIdentityVerificationAttributesResponse" NS "><GetIdentityVerificationAttributesResult>"   \
    "<VerificationAttributes>"
#define ID_CLOSE                                                                                   \
    "</VerificationAttributes></GetIdentityVerificationAttributesResult>" META                     \
    "</GetIdentityVerificationAttributesResponse>"
#define DKIM_OPEN                                                                                  \
    "<GetIdentityDkimAttributesResponse" NS "><GetIdentityDkimAttributesResult><DkimAttributes>"
#define DKIM_CLOSE                                                                                 \
    "</DkimAttributes></GetIdentityDkimAttributesResult>" META                                     \
    "</GetIdentityDkimAttributesResponse>"
#define MF_OPEN                                                                                    \
    "<GetIdentityMailFromDomainAttributesResponse" NS ">"                                          \
    "<GetIdentityMailFromDomainAttributesResult><MailFromDomainAttributes>"
#define MF_CLOSE                                                                                   \
    "</MailFromDomainAttributes></GetIdentityMailFromDomainAttributesResult>" META                 \
    "</GetIdentityMailFromDomainAttributesResponse>"
#define ENTRY(key, value) "<entry><key>" key "</key><value>" value "</value></entry>"
#define STATUS(word)      "<VerificationStatus>" word "</VerificationStatus>"
#define TOKEN(word)       "<member>" word "</member>"

static const struct {
    enum sv_ses_op op;
    const char *body;
    const char *results[REPLY_DOMAINS]; /* NULL = SV_EMALFORMED */
} cases[] = {
    /* Identities */
    {SV_SES_READ_IDENTITIES,
     ID_OPEN ENTRY("b.example", STATUS("Pending")) ENTRY(
         "a.example", STATUS("Success") "<VerificationToken>tok+/=</VerificationToken>") ID_CLOSE,
     {"listed identity=success verification_token=tok+/=", "listed identity=pending", ""}},
    {SV_SES_READ_IDENTITIES, ID_OPEN ID_CLOSE, {"", "", ""}},
    {SV_SES_READ_IDENTITIES,
     "<?xml version=\"1.0\"?>\n<GetIdentityVerificationAttributesResponse>\n "
     "<GetIdentityVerificationAttributesResult>\n  <VerificationAttributes/>\n"
     "</GetIdentityVerificationAttributesResult></GetIdentityVerificationAttributesResponse>",
     {"", "", ""}},
    /* Order, blanks, prefixes, unknown elements and attributes are the server's to choose. */
    {SV_SES_READ_IDENTITIES,
     "<x:GetIdentityVerificationAttributesResponse xmlns:x=\"urn:other\" a=\"b\">" META
     "<New/><x:GetIdentityVerificationAttributesResult>"
     "<x:VerificationAttributes>\n<x:entry>\n<x:value>\n<New><VerificationStatus>Failed"
     "</VerificationStatus></New><x:VerificationStatus>\n Temporary<!-- c -->Failure\n"
     "</x:VerificationStatus></x:value><x:key> A.Example </x:key></x:entry>"
     "</x:VerificationAttributes></x:GetIdentityVerificationAttributesResult>"
     "</x:GetIdentityVerificationAttributesResponse>",
     {"listed identity=temporary_failure", "", ""}},
    {SV_SES_READ_IDENTITIES,
     ID_OPEN ENTRY("a.example", STATUS("NotStarted")) ENTRY("b.example", STATUS("Failed"))
         ENTRY("c.example", "") ID_CLOSE,
     {"listed identity=not_started", "listed identity=failed", "listed"}},
    /* Words of the future, and our own words, are not known. */
    {SV_SES_READ_IDENTITIES,
     ID_OPEN ENTRY("a.example", STATUS("Revoked")) ENTRY("b.example", STATUS("Gone"))
         ENTRY("c.example", STATUS("None")) ID_CLOSE,
     {"listed", "listed", "listed"}},
    /* Somebody else's entries are skipped. */
    {SV_SES_READ_IDENTITIES,
     ID_OPEN ENTRY("z.example", STATUS("Success")) ENTRY("", "") ID_CLOSE,
     {"", "", ""}},
    {SV_SES_READ_IDENTITIES,
     ID_OPEN ENTRY("a.example", "<VerificationStatus><![CDATA[Success]]></VerificationStatus>")
         ID_CLOSE,
     {"listed identity=success", "", ""}},
    /* DKIM */
    {SV_SES_READ_DKIM,
     DKIM_OPEN ENTRY("a.example", "<DkimEnabled>true</DkimEnabled><DkimVerificationStatus>Success"
                                  "</DkimVerificationStatus><DkimTokens>" TOKEN("aa") TOKEN("bb")
                                      TOKEN("cc") "</DkimTokens>")
         ENTRY("b.example", "<DkimEnabled>false</DkimEnabled><DkimVerificationStatus>NotStarted"
                            "</DkimVerificationStatus><DkimTokens/>")
             ENTRY("c.example", "<DkimEnabled>perhaps</DkimEnabled>") DKIM_CLOSE,
     {"listed dkim=success signing=yes token=aa token=bb token=cc zone=dkim.amazonses.com",
      "listed dkim=not_started signing=no", "listed"}},
    {SV_SES_READ_DKIM,
     DKIM_OPEN ENTRY("a.example", "<DkimTokens>" TOKEN("a") TOKEN("b") TOKEN("c")
                                      TOKEN("d") "</DkimTokens>") DKIM_CLOSE,
     {NULL}},
    {SV_SES_READ_DKIM,
     DKIM_OPEN ENTRY("a.example", "<DkimTokens>" TOKEN("a.b") "</DkimTokens>") DKIM_CLOSE,
     {NULL}},
    {SV_SES_READ_DKIM,
     DKIM_OPEN ENTRY("a.example", "<DkimTokens>" TOKEN("") "</DkimTokens>") DKIM_CLOSE,
     {NULL}},
    /* MAIL FROM */
    {SV_SES_READ_MAIL_FROM,
     MF_OPEN ENTRY("a.example",
                   "<MailFromDomain>m.a.example</MailFromDomain><MailFromDomainStatus>Pending"
                   "</MailFromDomainStatus><BehaviorOnMXFailure>UseDefaultValue"
                   "</BehaviorOnMXFailure>")
         ENTRY("b.example", "<BehaviorOnMXFailure>UseDefaultValue</BehaviorOnMXFailure>")
             ENTRY("c.example", "<MailFromDomain/><MailFromDomainStatus/>") MF_CLOSE,
     {"listed mail_from=pending mail_from_domain=m.a.example", "listed mail_from=none",
      "listed mail_from=none"}},
    {SV_SES_READ_MAIL_FROM,
     MF_OPEN ENTRY("a.example", "<MailFromDomain>m.a.example</MailFromDomain>") MF_CLOSE,
     {"listed mail_from_domain=m.a.example", "", ""}},
    {SV_SES_READ_MAIL_FROM,
     MF_OPEN ENTRY("a.example", "<MailFromDomain>two words</MailFromDomain>") MF_CLOSE,
     {NULL}},
    /* The single ones */
    {SV_SES_VERIFY_DOMAIN,
     "<VerifyDomainIdentityResponse" NS "><VerifyDomainIdentityResult><VerificationToken>tok="
     "</VerificationToken></VerifyDomainIdentityResult>" META "</VerifyDomainIdentityResponse>",
     {"listed verification_token=tok="}},
    {SV_SES_VERIFY_DOMAIN,
     "<VerifyDomainIdentityResponse><VerifyDomainIdentityResult/></VerifyDomainIdentityResponse>",
     {NULL}},
    {SV_SES_VERIFY_DKIM,
     "<VerifyDomainDkimResponse" NS "><VerifyDomainDkimResult><DkimTokens>" TOKEN("a") TOKEN("b")
         TOKEN("c") "</DkimTokens></VerifyDomainDkimResult></VerifyDomainDkimResponse>",
     {"listed token=a token=b token=c zone=dkim.amazonses.com"}},
    {SV_SES_VERIFY_DKIM,
     "<VerifyDomainDkimResponse><VerifyDomainDkimResult><DkimTokens/></VerifyDomainDkimResult>"
     "</VerifyDomainDkimResponse>",
     {NULL}},
    /* Not to be believed */
    {SV_SES_READ_IDENTITIES, "", {NULL}},
    {SV_SES_READ_IDENTITIES, "   ", {NULL}},
    {SV_SES_READ_IDENTITIES, "{}", {NULL}},
    {SV_SES_READ_IDENTITIES, "<html><body>Sign in to the hotel's network</body></html>", {NULL}},
    {SV_SES_READ_IDENTITIES, "<!DOCTYPE html><html></html>", {NULL}},
    {SV_SES_READ_IDENTITIES, DKIM_OPEN DKIM_CLOSE, {NULL}}, /* another operation's reply */
    {SV_SES_READ_IDENTITIES, ID_OPEN ENTRY("a.example", STATUS("Success")), {NULL}}, /* cut */
    {SV_SES_READ_IDENTITIES, ID_OPEN ID_CLOSE "<more/>", {NULL}},
    {SV_SES_READ_IDENTITIES, ID_OPEN "<entry></oops>" ID_CLOSE, {NULL}},
    {SV_SES_READ_IDENTITIES,
     "<GetIdentityVerificationAttributesResponse/>",
     {NULL}}, /* whole, but without the map: proves nothing */
    {SV_SES_READ_IDENTITIES,
     "<GetIdentityVerificationAttributesResponse><GetIdentityVerificationAttributesResult/>"
     "</GetIdentityVerificationAttributesResponse>",
     {NULL}},
    {SV_SES_READ_IDENTITIES,
     ID_OPEN ENTRY("a.example", STATUS("Success")) ENTRY("A.example.", STATUS("Failed")) ID_CLOSE,
     {NULL}}, /* contradicts itself */
    {SV_SES_READ_IDENTITIES,
     "<!DOCTYPE a [<!ENTITY x \"Success\">]>" ID_OPEN ENTRY("a.example", STATUS("&x;")) ID_CLOSE,
     {NULL}},
    {SV_SES_READ_IDENTITIES, ID_OPEN ENTRY("a.example", STATUS("&x;")) ID_CLOSE, {NULL}},
    {SV_SES_READ_IDENTITIES, ID_OPEN ENTRY("a.example", STATUS("\xff")) ID_CLOSE, {NULL}},
    {SV_SES_READ_IDENTITIES,
     "<ErrorResponse><Error><Message>No code</Message></Error></ErrorResponse>",
     {NULL}},
};

static void every_reply_has_its_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reply reply = {.op = cases[i].op, .status = 200, .body = cases[i].body};
        size_t count = cases[i].op == SV_SES_VERIFY_DOMAIN || cases[i].op == SV_SES_VERIFY_DKIM
                           ? 1
                           : REPLY_DOMAINS;
        struct sv_ses_identity results[REPLY_DOMAINS];
        char text[REPLY_TEXT_BYTES];
        struct sv_errinfo info;
        bool is_signature, is_good = cases[i].results[0] != NULL;
        enum sv_err err = reply_read(&reply, results, &info, &is_signature);

        if (err != (is_good ? SV_OK : SV_EMALFORMED))
            print_error("case %zu: %s\n", i, info.text);
        assert_int_equal(err, is_good ? SV_OK : SV_EMALFORMED);
        assert_int_equal(info.code, err);
        assert_true(is_good || info.text[0] != '\0');
        for (size_t d = 0; d < count; d++)
            assert_string_equal(reply_show(&results[d], text), is_good ? cases[i].results[d] : "");
    }
}

/* An error document is one under any status. */
static void an_error_under_200(void **state)
{
    struct reply reply = {
        .op = SV_SES_READ_DKIM,
        .status = 200,
        .body = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>"};
    struct sv_ses_identity results[REPLY_DOMAINS];
    struct sv_errinfo info;
    bool is_signature;

    (void)state;
    assert_int_equal(reply_read(&reply, results, &info, &is_signature), SV_ETHROTTLED);
}

static enum sv_err read_built(const struct sv_buf *body)
{
    struct reply reply = {.op = SV_SES_READ_DKIM, .status = 200, .body = sv_buf_str(body)};
    struct sv_ses_identity results[REPLY_DOMAINS];
    struct sv_errinfo info;
    bool is_signature;

    return reply_read(&reply, results, &info, &is_signature);
}

static void add(struct sv_buf *body, const char *text)
{
    assert_true(sv_buf_add_str(body, text));
}

static void limits(void **state)
{
    struct sv_buf body;

    (void)state;
    sv_buf_init(&body, 1000000);
    add(&body, DKIM_OPEN);
    for (int i = 0; i < 400; i++)
        add(&body, "<entry/>");
    add(&body, DKIM_CLOSE);
    assert_int_equal(read_built(&body), SV_OK);
    sv_buf_clear(&body);
    add(&body, DKIM_OPEN);
    for (int i = 0; i < 401; i++)
        add(&body, "<entry/>");
    add(&body, DKIM_CLOSE);
    assert_int_equal(read_built(&body), SV_EMALFORMED);
    sv_buf_clear(&body);
    add(&body, DKIM_OPEN);
    for (int i = 0; i < 100000; i++)
        add(&body, "<deep>");
    assert_int_equal(read_built(&body), SV_EMALFORMED);
    sv_buf_clear(&body);
    add(&body, DKIM_OPEN "<entry><key>");
    for (int i = 0; i < 2000; i++)
        add(&body, "k");
    add(&body, "</key></entry>" DKIM_CLOSE);
    assert_int_equal(read_built(&body), SV_EMALFORMED);
    sv_buf_clear(&body);
    /* expat tells the end of an empty element although it was stopped in its start. */
    add(&body, "<");
    for (int i = 0; i < 2000; i++)
        add(&body, "e");
    add(&body, "/>");
    assert_int_equal(read_built(&body), SV_EMALFORMED);
    sv_buf_fini(&body);
}

/* Every proper beginning of a good reply is a bad one: half a reply is never believed. */
static void every_cut_is_noticed(void **state)
{
    const char *whole = cases[0].body;
    size_t len = strlen(whole);

    (void)state;
    for (size_t cut = 0; cut < len; cut++) {
        char *part = sv_strndup(whole, cut);
        struct reply reply = {.op = SV_SES_READ_IDENTITIES, .status = 200, .body = part};
        struct sv_ses_identity results[REPLY_DOMAINS];
        struct sv_errinfo info;
        bool is_signature;

        assert_int_equal(reply_read(&reply, results, &info, &is_signature), SV_EMALFORMED);
        assert_false(results[0].listed || results[1].listed);
        free(part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reply_has_its_meaning),
        cmocka_unit_test(an_error_under_200),
        cmocka_unit_test(limits),
        cmocka_unit_test(every_cut_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
