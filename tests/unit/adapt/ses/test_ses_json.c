/* v2 replies, as they should be and in every way they should not be believed. */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "adapt/ses/ses_private.h"
#include "reply_text.h"
#include "sv/alloc.h"

static const char whole[] =
    "{\"IdentityType\":\"DOMAIN\",\"VerifiedForSendingStatus\":true,\"VerificationStatus\":"
    "\"SUCCESS\",\"FeedbackForwardingStatus\":true,\"DkimAttributes\":{\"SigningEnabled\":true,"
    "\"Status\":\"TEMPORARY_FAILURE\",\"Tokens\":[\"aa\",\"bb\",\"cc\"],\"SigningHostedZone\":"
    "\"z1.dkim.amazonses.com\",\"SigningAttributesOrigin\":\"AWS_SES\",\"NextSigningKeyLength\":"
    "\"RSA_2048_BIT\",\"LastKeyGenerationTimestamp\":1700000000.5},\"MailFromAttributes\":{"
    "\"MailFromDomain\":\"m.a.example\",\"MailFromDomainStatus\":\"FAILED\","
    "\"BehaviorOnMxFailure\":\"USE_DEFAULT_VALUE\"},\"Policies\":{\"p\":\"{}\"},\"Tags\":[{\"Key\":"
    "\"k\",\"Value\":\"v\"}],\"ConfigurationSetName\":\"clients\",\"VerificationInfo\":{"
    "\"LastCheckedTimestamp\":1700000000.25,"
    "\"LastSuccessTimestamp\":1600000000,\"ErrorType\":\"INVALID_VALUE\",\"SOARecord\":{"
    "\"SerialNumber\":2023}}}";

static const struct {
    enum sv_ses_op op;
    const char *body;
    const char *result; /* NULL = SV_EMALFORMED */
} cases[] = {
    {SV_SES_GET, whole,
     "listed identity=success dkim=temporary_failure mail_from=failed signing=yes token=aa "
     "token=bb token=cc zone=z1.dkim.amazonses.com mail_from_domain=m.a.example method=1 "
     "key_made=1700000000500 set=clients rejects=no reason=3 checked=1700000000250 "
     "succeeded=1600000000000"},
    {SV_SES_GET, "{\"VerificationStatus\":\"PENDING\"}", "listed identity=pending"},
    {SV_SES_GET, "{\"DkimAttributes\":{}}", "listed"},
    {SV_SES_GET,
     "{\"VerificationStatus\":\"NOT_STARTED\",\"DkimAttributes\":{\"Status\":\"NOT_STARTED\","
     "\"SigningEnabled\":false,\"Tokens\":[]},\"MailFromAttributes\":{\"BehaviorOnMxFailure\":"
     "\"USE_DEFAULT_VALUE\"},\"VerificationInfo\":{}}",
     "listed identity=not_started dkim=not_started mail_from=none signing=no rejects=no"},
    /* The region's own zone where the reply names none. */
    {SV_SES_GET, "{\"DkimAttributes\":{\"Tokens\":[\"a\"]}}",
     "listed token=a zone=dkim.amazonses.com"},
    {SV_SES_GET, "{\"DkimAttributes\":{\"Tokens\":[\"a\"],\"SigningHostedZone\":\"\"}}",
     "listed token=a zone=dkim.amazonses.com"},
    {SV_SES_GET, "{\"DkimAttributes\":{\"Tokens\":[\"a\"],\"SigningHostedZone\":null}}",
     "listed token=a zone=dkim.amazonses.com"},
    /* BYODKIM: a selector in the place of the tokens. */
    {SV_SES_GET,
     "{\"DkimAttributes\":{\"Tokens\":[\"my-key1\"],\"SigningAttributesOrigin\":\"EXTERNAL\"}}",
     "listed token=my-key1 method=2"},
    /* A replica of another region; regions and origins of the future. */
    {SV_SES_GET,
     "{\"DkimAttributes\":{\"Tokens\":[\"a\"],\"SigningAttributesOrigin\":\"AWS_SES_EU_WEST_1\","
     "\"SigningHostedZone\":\"z.example\"}}",
     "listed token=a zone=z.example method=3 parent=eu-west-1"},
    {SV_SES_GET, "{\"DkimAttributes\":{\"SigningAttributesOrigin\":\"AWS_SES_MARS_1\"}}",
     "listed method=3 parent=mars-1"},
    {SV_SES_GET, "{\"DkimAttributes\":{\"SigningAttributesOrigin\":\"AWS_SES_\"}}", "listed"},
    {SV_SES_GET, "{\"DkimAttributes\":{\"SigningAttributesOrigin\":\"QUANTUM\"}}", "listed"},
    {SV_SES_GET,
     "{\"VerificationStatus\":\"PENDING\",\"MailFromAttributes\":{\"BehaviorOnMxFailure\":"
     "\"REJECT_MESSAGE\"}}",
     "listed identity=pending mail_from=none rejects=yes"},
    {SV_SES_PUT_SIGNING,
     "{\"DkimStatus\":\"PENDING\",\"DkimTokens\":[\"a\",\"b\",\"c\"],\"SigningHostedZone\":"
     "\"z.example\"}",
     "listed dkim=pending token=a token=b token=c zone=z.example"},
    {SV_SES_PUT_SIGNING, "{\"DkimStatus\":\"PENDING\",\"DkimTokens\":[]}", "listed dkim=pending"},
    {SV_SES_PUT_SIGNING, "", "listed"},
    {SV_SES_PUT_CONFIGURATION_SET, "{}", "listed"},
    {SV_SES_PUT_CONFIGURATION_SET, "", "listed"},
    /* Words of the future, and our own words, are not known. */
    {SV_SES_GET,
     "{\"VerificationStatus\":\"REVOKED\",\"DkimAttributes\":{\"Status\":\"GONE\"},"
     "\"MailFromAttributes\":{\"MailFromDomain\":\"m\",\"MailFromDomainStatus\":\"NONE\"},"
     "\"VerificationInfo\":{\"ErrorType\":\"NEW_ONE\"}}",
     "listed mail_from_domain=m reason=7"},
    {SV_SES_GET,
     "{\"VerificationStatus\":\"PENDING\",\"VerificationInfo\":{\"ErrorType\":"
     "\"REPLICATION_ACCESS_DENIED\",\"LastCheckedTimestamp\":\"2026\",\"LastSuccessTimestamp\":-5}"
     "}",
     "listed identity=pending reason=6"},
    {SV_SES_GET, "{\"VerificationStatus\":\"SUCCESS\",\"VerificationInfo\":{\"ErrorType\":null}}",
     "listed identity=success"},
    {SV_SES_GET,
     "{\"VerificationStatus\":\"SUCCESS\",\"VerificationInfo\":{\"LastCheckedTimestamp\":1e300}}",
     "listed identity=success"},
    {SV_SES_CREATE,
     "{\"IdentityType\":\"DOMAIN\",\"VerifiedForSendingStatus\":false,\"DkimAttributes\":{"
     "\"SigningEnabled\":true,\"Status\":\"NOT_STARTED\",\"Tokens\":[\"a\",\"b\",\"c\"]}}",
     "listed dkim=not_started signing=yes token=a token=b token=c zone=dkim.amazonses.com"},
    {SV_SES_PUT_MAIL_FROM, "{}", "listed"},
    {SV_SES_PUT_MAIL_FROM, "", "listed"},
    {SV_SES_PUT_MAIL_FROM, "{\"New\":1}", "listed"},
    {SV_SES_DELETE, "{}", ""},
    {SV_SES_DELETE, "", ""},
    /* Not to be believed */
    {SV_SES_GET, "", NULL},
    {SV_SES_GET, "{}", NULL},
    {SV_SES_GET, "null", NULL},
    {SV_SES_GET, "[]", NULL},
    {SV_SES_GET, "<html></html>", NULL},
    {SV_SES_GET, "{\"VerificationStatus\":\"SUCCESS\"", NULL},
    {SV_SES_GET, "{\"VerificationStatus\":\"SUCCESS\"} more", NULL},
    {SV_SES_GET, "{\"VerificationStatus\":\"SUCCESS\",\"VerificationStatus\":\"FAILED\"}", NULL},
    {SV_SES_GET, "{\"VerificationStatus\":true}", NULL},
    {SV_SES_GET, "{\"VerificationStatus\":null}", NULL},
    {SV_SES_GET, "{\"DkimAttributes\":[]}", NULL},
    {SV_SES_GET, "{\"DkimAttributes\":{\"Status\":1}}", NULL},
    {SV_SES_GET, "{\"DkimAttributes\":{\"SigningEnabled\":\"true\"}}", NULL},
    {SV_SES_GET, "{\"DkimAttributes\":{\"Tokens\":\"a\"}}", NULL},
    {SV_SES_GET, "{\"DkimAttributes\":{\"Tokens\":[1]}}", NULL},
    {SV_SES_GET, "{\"DkimAttributes\":{\"Tokens\":[\"a b\"]}}", NULL},
    {SV_SES_GET, "{\"DkimAttributes\":{\"Tokens\":[\"a\",\"b\",\"c\",\"d\"]}}", NULL},
    {SV_SES_GET, "{\"DkimAttributes\":{\"SigningHostedZone\":\"a;b\"}}", NULL},
    {SV_SES_GET, "{\"VerificationStatus\":\"SUCCESS\",\"MailFromAttributes\":1}", NULL},
    {SV_SES_GET,
     "{\"VerificationStatus\":\"SUCCESS\",\"MailFromAttributes\":{\"MailFromDomain\":1}}", NULL},
    {SV_SES_GET, "{\"VerificationStatus\":\"SUCCESS\",\"VerificationInfo\":{\"ErrorType\":1}}",
     NULL},
    {SV_SES_GET, "{\"DkimAttributes\":{\"SigningAttributesOrigin\":1}}", NULL},
    {SV_SES_GET, "{\"VerificationStatus\":\"SUCCESS\",\"ConfigurationSetName\":1}", NULL},
    {SV_SES_GET, "{\"VerificationStatus\":\"SUCCESS\",\"ConfigurationSetName\":\"a b\"}", NULL},
    {SV_SES_GET, "{\"MailFromAttributes\":{\"BehaviorOnMxFailure\":true}}", NULL},
    {SV_SES_PUT_SIGNING, "{\"DkimTokens\":\"a\"}", NULL},
    {SV_SES_PUT_SIGNING, "{\"DkimStatus\":1}", NULL},
    {SV_SES_CREATE, "{\"VerificationStatus\":\"SUCCESS\"}", NULL}, /* no records to show */
    {SV_SES_CREATE, "", NULL},
    {SV_SES_PUT_MAIL_FROM, "<html></html>", NULL},
    {SV_SES_DELETE, "ok", NULL},
};

static void every_reply_has_its_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reply reply = {.op = cases[i].op, .status = 200, .body = cases[i].body};
        bool is_signature, is_good = cases[i].result != NULL;
        struct sv_ses_identity results[REPLY_DOMAINS];
        char text[REPLY_TEXT_BYTES];
        struct sv_errinfo info;
        enum sv_err err = reply_read(&reply, results, &info, &is_signature);

        if (err != (is_good ? SV_OK : SV_EMALFORMED))
            print_error("case %zu: %s\n", i, info.text);
        assert_int_equal(err, is_good ? SV_OK : SV_EMALFORMED);
        assert_int_equal(info.code, err);
        assert_true(is_good || info.text[0] != '\0');
        assert_string_equal(reply_show(&results[0], text), is_good ? cases[i].result : "");
    }
}

static void every_cut_is_noticed(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < sizeof whole - 1; cut++) {
        char *part = sv_strndup(whole, cut);
        struct reply reply = {.op = SV_SES_GET, .status = 200, .body = part};
        struct sv_ses_identity results[REPLY_DOMAINS];
        struct sv_errinfo info;
        bool is_signature;

        assert_int_equal(reply_read(&reply, results, &info, &is_signature), SV_EMALFORMED);
        free(part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reply_has_its_meaning),
        cmocka_unit_test(every_cut_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
