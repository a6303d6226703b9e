#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "adapt/ses/ses_private.h"

static struct sv_ses_account about;
static const char *const one[] = {"a.example"};
static const char *const two[] = {"a.example", "b.example"};
static const char *const odd[] = {"a@b/c&d=e \xc3\xa9.x"};

static const struct sv_ses_tag tags[] = {{"client", "c 1"}, {"team", "mail"}};
static const struct sv_ses_setup own = {.dkim = SV_DKIM_BYODKIM,
                                        .selector = "sv1",
                                        .private_key = "MIIE+/=",
                                        .public_key = "MIIB",
                                        .configuration_set = "clients"};
static const struct sv_ses_setup replica = {.dkim = SV_DKIM_DEED, .parent_region = "eu-west-1"};

static const struct {
    struct sv_ses_call call;
    const char *method, *path, *body, *type;
} cases[] = {
    {{.op = SV_SES_CREATE, .domains = one, .domains_count = 1},
     "POST",
     "/v2/email/identities",
     "{\"EmailIdentity\":\"a.example\",\"DkimSigningAttributes\":{\"NextSigningKeyLength\":"
     "\"RSA_2048_BIT\"}}",
     "application/json"},
    {{.op = SV_SES_CREATE,
      .domains = one,
      .domains_count = 1,
      .setup = &own,
      .tags = tags,
      .tags_count = 2},
     "POST",
     "/v2/email/identities",
     "{\"EmailIdentity\":\"a.example\",\"DkimSigningAttributes\":{\"DomainSigningSelector\":"
     "\"sv1\",\"DomainSigningPrivateKey\":\"MIIE+/=\"},\"ConfigurationSetName\":\"clients\","
     "\"Tags\":[{\"Key\":\"client\",\"Value\":\"c 1\"},{\"Key\":\"team\",\"Value\":\"mail\"}]}",
     "application/json"},
    {{.op = SV_SES_CREATE, .domains = one, .domains_count = 1, .setup = &replica},
     "POST",
     "/v2/email/identities",
     "{\"EmailIdentity\":\"a.example\",\"DkimSigningAttributes\":"
     "{\"DomainSigningAttributesOrigin\":\"AWS_SES_EU_WEST_1\"}}",
     "application/json"},
    {{.op = SV_SES_PUT_SIGNING, .domains = odd, .domains_count = 1, .setup = &own},
     "PUT",
     "/v1/email/identities/a%40b%2Fc%26d%3De%20%C3%A9.x/dkim/signing",
     "{\"SigningAttributesOrigin\":\"EXTERNAL\",\"SigningAttributes\":{\"DomainSigningSelector\":"
     "\"sv1\",\"DomainSigningPrivateKey\":\"MIIE+/=\"}}",
     "application/json"},
    {{.op = SV_SES_PUT_SIGNING, .domains = one, .domains_count = 1},
     "PUT",
     "/v1/email/identities/a.example/dkim/signing",
     "{\"SigningAttributesOrigin\":\"AWS_SES\"}",
     "application/json"},
    {{.op = SV_SES_PUT_CONFIGURATION_SET, .domains = one, .domains_count = 1, .setup = &own},
     "PUT",
     "/v2/email/identities/a.example/configuration-set",
     "{\"ConfigurationSetName\":\"clients\"}",
     "application/json"},
    {{.op = SV_SES_PUT_CONFIGURATION_SET, .domains = one, .domains_count = 1},
     "PUT",
     "/v2/email/identities/a.example/configuration-set",
     "{}",
     "application/json"},
    {{.op = SV_SES_GET, .domains = one, .domains_count = 1},
     "GET",
     "/v2/email/identities/a.example",
     "",
     NULL},
    {{.op = SV_SES_GET, .domains = odd, .domains_count = 1},
     "GET",
     "/v2/email/identities/a%40b%2Fc%26d%3De%20%C3%A9.x",
     "",
     NULL},
    {{.op = SV_SES_DELETE, .domains = one, .domains_count = 1},
     "DELETE",
     "/v2/email/identities/a.example",
     "",
     NULL},
    {{.op = SV_SES_PUT_MAIL_FROM, .domains = one, .domains_count = 1, .mail_from = "m.a.example"},
     "PUT",
     "/v2/email/identities/a.example/mail-from",
     "{\"MailFromDomain\":\"m.a.example\",\"BehaviorOnMxFailure\":\"USE_DEFAULT_VALUE\"}",
     "application/json"},
    {{.op = SV_SES_PUT_MAIL_FROM,
      .domains = one,
      .domains_count = 1,
      .mail_from = "m.a.example",
      .reject_on_mx_failure = true},
     "PUT",
     "/v2/email/identities/a.example/mail-from",
     "{\"MailFromDomain\":\"m.a.example\",\"BehaviorOnMxFailure\":\"REJECT_MESSAGE\"}",
     "application/json"},
    {{.op = SV_SES_PUT_MAIL_FROM, .domains = one, .domains_count = 1, .mail_from = ""},
     "PUT",
     "/v2/email/identities/a.example/mail-from",
     "{}",
     "application/json"},
    {{.op = SV_SES_ACCOUNT, .account = &about}, "GET", "/v2/email/account", "", NULL},
    {{.op = SV_SES_VERIFY_DOMAIN, .domains = odd, .domains_count = 1},
     "POST",
     "/",
     "Action=VerifyDomainIdentity&Version=2010-12-01&Domain=a%40b%2Fc%26d%3De%20%C3%A9.x",
     "application/x-www-form-urlencoded; charset=utf-8"},
    {{.op = SV_SES_VERIFY_DKIM, .domains = one, .domains_count = 1},
     "POST",
     "/",
     "Action=VerifyDomainDkim&Version=2010-12-01&Domain=a.example",
     "application/x-www-form-urlencoded; charset=utf-8"},
    {{.op = SV_SES_READ_IDENTITIES, .domains = two, .domains_count = 2},
     "POST",
     "/",
     "Action=GetIdentityVerificationAttributes&Version=2010-12-01&Identities.member.1=a.example&"
     "Identities.member.2=b.example",
     "application/x-www-form-urlencoded; charset=utf-8"},
    {{.op = SV_SES_READ_DKIM, .domains = two, .domains_count = 2},
     "POST",
     "/",
     "Action=GetIdentityDkimAttributes&Version=2010-12-01&Identities.member.1=a.example&"
     "Identities.member.2=b.example",
     "application/x-www-form-urlencoded; charset=utf-8"},
    {{.op = SV_SES_READ_MAIL_FROM, .domains = one, .domains_count = 1},
     "POST",
     "/",
     "Action=GetIdentityMailFromDomainAttributes&Version=2010-12-01&Identities.member.1=a.example",
     "application/x-www-form-urlencoded; charset=utf-8"},
};

static void every_operation_has_its_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sv_ses_ask ask;

        assert_int_equal(sv_ses_ask_build(&cases[i].call, &ask, NULL), SV_OK);
        assert_string_equal(ask.method, cases[i].method);
        assert_string_equal(sv_buf_str(&ask.path), cases[i].path);
        assert_string_equal(sv_buf_str(&ask.body), cases[i].body);
        assert_int_equal(ask.content_type != NULL, cases[i].type != NULL);
        if (ask.content_type != NULL)
            assert_string_equal(ask.content_type, cases[i].type);
        sv_ses_ask_fini(&ask);
    }
}

static void the_largest_batch_fits(void **state)
{
    static char name[SV_NAME_BYTES];
    const char *names[SV_SES_BATCH_MAX + 1];
    struct sv_ses_call call = {
        .op = SV_SES_READ_DKIM, .domains = names, .domains_count = SV_SES_BATCH_MAX};
    struct sv_ses_ask ask;
    struct sv_errinfo info;

    (void)state;
    memset(name, '@', SV_NAME_MAX); /* the longest once encoded */
    for (size_t i = 0; i <= SV_SES_BATCH_MAX; i++)
        names[i] = name;
    assert_int_equal(sv_ses_ask_build(&call, &ask, NULL), SV_OK);
    assert_non_null(strstr(sv_buf_str(&ask.body), "&Identities.member.100=%40"));
    sv_ses_ask_fini(&ask);
    call.domains_count++;
    assert_int_equal(sv_ses_ask_build(&call, &ask, &info), SV_EINVALID);
    assert_non_null(strstr(info.text, "1 to 100"));
    sv_ses_ask_fini(&ask);
}

static void bad_calls_are_refused(void **state)
{
    static char too_long[SV_NAME_BYTES + 1];
    static const char *const empty[] = {""};
    static struct sv_ses_page page;
    const char *const long_name[] = {too_long};
    static const char long_set[] =
        "sixty-five-sixty-five-sixty-five-sixty-five-sixty-five-sixty-five";
    static const struct sv_ses_setup keyless = {.dkim = SV_DKIM_BYODKIM, .selector = "s"};
    static const struct sv_ses_setup nameless = {.dkim = SV_DKIM_BYODKIM, .private_key = "MII"};
    static const struct sv_ses_setup orphan = {.dkim = SV_DKIM_DEED};
    static const struct sv_ses_setup long_named = {.configuration_set = long_set};
    const struct sv_ses_call bad[] = {
        {.op = SV_SES_CREATE, .domains = one, .domains_count = 1, .setup = &keyless},
        {.op = SV_SES_CREATE, .domains = one, .domains_count = 1, .setup = &nameless},
        {.op = SV_SES_CREATE, .domains = one, .domains_count = 1, .setup = &orphan},
        {.op = SV_SES_CREATE, .domains = one, .domains_count = 1, .tags_count = 21},
        {.op = SV_SES_PUT_SIGNING, .domains = one, .domains_count = 1, .setup = &keyless},
        {.op = SV_SES_PUT_SIGNING, .domains = one, .domains_count = 1, .setup = &replica},
        {.op = SV_SES_PUT_CONFIGURATION_SET,
         .domains = one,
         .domains_count = 1,
         .setup = &long_named},
        {.op = SV_SES_GET, .domains = one, .domains_count = 0},
        {.op = SV_SES_ACCOUNT, .domains = one, .domains_count = 1, .account = &about},
        {.op = SV_SES_ACCOUNT},
        {.op = SV_SES_GET, .domains = two, .domains_count = 2},
        {.op = SV_SES_VERIFY_DKIM, .domains = two, .domains_count = 2},
        {.op = SV_SES_READ_DKIM, .domains = one, .domains_count = 0},
        {.op = SV_SES_GET, .domains = empty, .domains_count = 1},
        {.op = SV_SES_GET, .domains = long_name, .domains_count = 1},
        {.op = SV_SES_OP_COUNT, .domains = one, .domains_count = 1},
        {.op = SV_SES_PUT_MAIL_FROM, .domains = one, .domains_count = 1, .mail_from = too_long},
        {.op = SV_SES_LIST},
        {.op = SV_SES_LIST, .page = &page, .domains = one, .domains_count = 1},
    };

    (void)state;
    memset(too_long, 'a', SV_NAME_BYTES);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sv_ses_ask ask;
        struct sv_errinfo info = {.text = ""};

        assert_int_equal(sv_ses_ask_build(&bad[i], &ask, &info), SV_EINVALID);
        assert_true(info.text[0] != '\0');
        sv_ses_ask_fini(&ask);
    }
}

static void a_list_is_asked_page_by_page(void **state)
{
    static struct sv_ses_page page;
    struct sv_ses_call call = {.op = SV_SES_LIST, .page = &page};
    struct sv_ses_ask ask;

    (void)state;
    assert_int_equal(sv_ses_ask_build(&call, &ask, NULL), SV_OK);
    assert_string_equal(ask.method, "GET");
    assert_string_equal(sv_buf_str(&ask.path), "/v2/email/identities");
    assert_string_equal(sv_buf_str(&ask.query), "PageSize=1000");
    assert_null(ask.content_type);
    sv_ses_ask_fini(&ask);
    call.page_token = "a+b/c==";
    assert_int_equal(sv_ses_ask_build(&call, &ask, NULL), SV_OK);
    assert_string_equal(sv_buf_str(&ask.query), "NextToken=a%2Bb%2Fc%3D%3D&PageSize=1000");
    sv_ses_ask_fini(&ask);
}

static void the_longest_page_token_fits(void **state)
{
    static struct sv_ses_page page;
    static char token[SV_SES_PAGE_TOKEN_BYTES + 1];
    struct sv_ses_call call = {.op = SV_SES_LIST, .page = &page, .page_token = token};
    struct sv_ses_ask ask;

    (void)state;
    memset(token, '=', SV_SES_PAGE_TOKEN_BYTES - 1); /* the longest once encoded */
    assert_int_equal(sv_ses_ask_build(&call, &ask, NULL), SV_OK);
    sv_ses_ask_fini(&ask);
    token[SV_SES_PAGE_TOKEN_BYTES - 1] = '=';
    assert_int_equal(sv_ses_ask_build(&call, &ask, NULL), SV_EINVALID);
    sv_ses_ask_fini(&ask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_has_its_bytes),
        cmocka_unit_test(the_largest_batch_fits),
        cmocka_unit_test(bad_calls_are_refused),
        cmocka_unit_test(a_list_is_asked_page_by_page),
        cmocka_unit_test(the_longest_page_token_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
