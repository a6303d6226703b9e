/* The records a client has to publish, and the name of the custom MAIL FROM domain. */
#include "sv/records.h"

#include <string.h>

#include "cmocka_all.h"

static struct sv_expect everything(void)
{
    return (struct sv_expect){
        .domain = "news.client.com",
        .region = "ap-southeast-2",
        .dkim_tokens = {"tok1", "tok2", "tok3"},
        .dkim_tokens_count = 3,
        .dkim_zone = "dkim.amazonses.com",
        .mail_from = "mail.news.client.com",
        .ownership_token = "secret=",
    };
}

struct row {
    enum sv_record_kind kind;
    enum sv_rr_type type;
    const char *name, *host, *value;
    bool high_priority, required;
};

static void compare(const struct sv_record *records, size_t count, const struct row *rows,
                    size_t rows_count)
{
    assert_int_equal(count, rows_count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(records[i].kind, rows[i].kind);
        assert_int_equal(records[i].type, rows[i].type);
        assert_string_equal(records[i].name, rows[i].name);
        assert_string_equal(records[i].host, rows[i].host);
        assert_string_equal(records[i].value, rows[i].value);
        assert_int_equal(records[i].high_priority, rows[i].high_priority);
        assert_int_equal(records[i].required, rows[i].required);
        assert_int_equal(records[i].ttl_s, 1800);
        assert_true(strlen(records[i].purpose) > 0 && strlen(records[i].description) > 0);
    }
}

static void everything_in_order(void **state)
{
    static const struct row rows[] = {
        {SV_RECORD_OWNERSHIP, SV_RR_TXT, "_amazonses.news.client.com", "_amazonses.news",
         "secret=", true, false},
        {SV_RECORD_DKIM, SV_RR_CNAME, "tok1._domainkey.news.client.com", "tok1._domainkey.news",
         "tok1.dkim.amazonses.com", true, true},
        {SV_RECORD_DKIM, SV_RR_CNAME, "tok2._domainkey.news.client.com", "tok2._domainkey.news",
         "tok2.dkim.amazonses.com", true, true},
        {SV_RECORD_DKIM, SV_RR_CNAME, "tok3._domainkey.news.client.com", "tok3._domainkey.news",
         "tok3.dkim.amazonses.com", true, true},
        {SV_RECORD_MAIL_FROM_MX, SV_RR_MX, "mail.news.client.com", "mail.news",
         "10 feedback-smtp.ap-southeast-2.amazonses.com", false, false},
        {SV_RECORD_MAIL_FROM_SPF, SV_RR_TXT, "mail.news.client.com", "mail.news",
         "v=spf1 include:amazonses.com ~all", true, false},
        {SV_RECORD_DMARC, SV_RR_TXT, "_dmarc.news.client.com", "_dmarc.news",
         "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@news.client.com", false, false},
    };
    struct sv_expect expect = everything();
    struct sv_record records[SV_RECORDS_MAX];

    (void)state;
    compare(records, sv_records_list(&expect, "client.com", records), rows,
            sizeof(rows) / sizeof(*rows));
}

static void the_least(void **state)
{
    static const struct row rows[] = {
        {SV_RECORD_SPF, SV_RR_TXT, "client.com", "@", "v=spf1 include:amazonses.com ~all", true,
         false},
        {SV_RECORD_DMARC, SV_RR_TXT, "_dmarc.client.com", "_dmarc", "v=DMARC1; p=none", false,
         false},
    };
    struct sv_expect expect = {.domain = "client.com", .dmarc_policy = "v=DMARC1; p=none"};
    struct sv_record records[SV_RECORDS_MAX];

    (void)state;
    compare(records, sv_records_list(&expect, NULL, records), rows, sizeof(rows) / sizeof(*rows));
}

/* With it, too, the ownership record is no longer needed. */
static void a_key_of_ones_own(void **state)
{
    struct sv_expect expect = {.domain = "client.com",
                               .ownership_token = "t",
                               .byodkim_selector = "s1",
                               .byodkim_key = "MIIB"};
    struct sv_record records[SV_RECORDS_MAX];

    (void)state;
    assert_int_equal(sv_records_list(&expect, NULL, records), 4);
    assert_false(records[0].required);
    assert_int_equal(records[1].kind, SV_RECORD_DKIM);
    assert_int_equal(records[1].type, SV_RR_TXT);
    assert_string_equal(records[1].name, "s1._domainkey.client.com");
    assert_string_equal(records[1].host, "s1._domainkey");
    assert_string_equal(records[1].value, "v=DKIM1; k=rsa; p=MIIB");
    assert_true(records[1].required && records[1].high_priority);
}

static void a_key_that_no_record_can_hold(void **state)
{
    char key[SV_RECORD_VALUE_BYTES + 1];
    struct sv_expect expect = {
        .domain = "client.com", .byodkim_selector = "s1", .byodkim_key = key};
    struct sv_record records[SV_RECORDS_MAX];

    (void)state;
    memset(key, 'A', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    assert_int_equal(sv_records_list(&expect, NULL, records), 2);
}

static void ownership_is_required_without_dkim(void **state)
{
    struct sv_expect expect = {.domain = "client.com", .ownership_token = "t"};
    struct sv_record records[SV_RECORDS_MAX];

    (void)state;
    assert_int_equal(sv_records_list(&expect, NULL, records), 3);
    assert_true(records[0].required);
}

/* Only where SES did not tell its zone. */
static void zones_of_regions(void **state)
{
    static const struct {
        const char *region, *zone, *value;
    } rows[] = {
        {"us-east-1", NULL, "tok1.dkim.amazonses.com"},
        {"eu-south-1", NULL, "tok1.dkim.eu-south-1.amazonses.com"},
        {"us-gov-east-1", NULL, "tok1.dkim.us-gov-east-1.amazonses.com"},
        {"us-gov-west-1", NULL, "tok1.dkim.amazonses.com"},
        {NULL, NULL, "tok1.dkim.amazonses.com"},
        {"eu-south-1", "dkim.amazonses.eu", "tok1.dkim.amazonses.eu"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sv_expect expect = {.domain = "client.com",
                                   .region = rows[i].region,
                                   .dkim_tokens = {"tok1"},
                                   .dkim_tokens_count = 1,
                                   .dkim_zone = rows[i].zone};
        struct sv_record records[SV_RECORDS_MAX];
        assert_int_equal(sv_records_list(&expect, NULL, records), 3);
        assert_string_equal(records[0].value, rows[i].value);
    }
}

static void policies_are_filled_in_whole(void **state)
{
    char policy[2 * SV_RECORD_VALUE_BYTES];
    struct sv_expect expect = {.domain = "client.com", .dmarc_policy = policy};
    struct sv_record records[SV_RECORDS_MAX];

    (void)state;
    memcpy(policy, "p={domain};{domain}{", 21);
    assert_int_equal(sv_records_list(&expect, NULL, records), 2);
    assert_string_equal(records[1].value, "p=client.com;client.com{");
    memset(policy, 'x', sizeof(policy)); /* outgrows the record: never half of it */
    policy[sizeof(policy) - 1] = '\0';
    assert_int_equal(sv_records_list(&expect, NULL, records), 2);
    assert_string_equal(records[1].value,
                        "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@client.com");
}

static void status_names_are_stable(void **state)
{
    (void)state;
    assert_string_equal(sv_record_status_name(SV_RECORD_UNKNOWN), "unknown");
    assert_string_equal(sv_record_status_name(SV_RECORD_OK), "ok");
    assert_string_equal(sv_record_status_name(SV_RECORD_WRONG), "wrong");
    assert_string_equal(sv_record_status_name(SV_RECORD_WAITING), "waiting");
    assert_string_equal(sv_record_status_name((enum sv_record_status)99), "unknown");
}

static void mail_from_names(void **state)
{
    static const struct {
        const char *given, *out; /* NULL = refused */
    } rows[] = {
        {"mail", "mail.client.com"},
        {"MAIL", "mail.client.com"},
        {"mail.client.com", "mail.client.com"},
        {"Mail.Client.COM.", "mail.client.com"},
        {"a.b.client.com", "a.b.client.com"},
        {"b\xc3\xbc"
         "cher",
         "xn--bcher-kva.client.com"},
        {"client.com", NULL},
        {"client.com.", NULL},
        {"mailclient.com", NULL},
        {"mail.other.com", NULL},
        {"mail.client.com.evil.net", NULL},
        {"mail.eu", NULL},
        {"mail.", NULL},
        {"com", "com.client.com"},
        {"", NULL},
        {".", NULL},
        {"-mail", NULL},
        {"ma il", NULL},
        {"mail..client.com", NULL},
        {"_mail", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char out[SV_NAME_BYTES];
        struct sv_errinfo info = {0};
        enum sv_err err = sv_mail_from_name("client.com", rows[i].given, out, &info);
        assert_int_equal(err, rows[i].out != NULL ? SV_OK : SV_EINVALID);
        assert_string_equal(out, rows[i].out != NULL ? rows[i].out : "");
        assert_int_equal(rows[i].out == NULL, strlen(info.text) > 0);
    }
}

static void mail_from_must_fit(void **state)
{
    char domain[SV_NAME_BYTES];
    char out[SV_NAME_BYTES];

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(domain); i++)
        domain[i] = i % 50 == 49 ? '.' : 'a';
    domain[sizeof(domain) - 1] = '\0';
    assert_int_equal(sv_mail_from_name(domain, "mail", out, NULL), SV_EINVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_in_order),
        cmocka_unit_test(the_least),
        cmocka_unit_test(a_key_of_ones_own),
        cmocka_unit_test(a_key_that_no_record_can_hold),
        cmocka_unit_test(ownership_is_required_without_dkim),
        cmocka_unit_test(zones_of_regions),
        cmocka_unit_test(policies_are_filled_in_whole),
        cmocka_unit_test(status_names_are_stable),
        cmocka_unit_test(mail_from_names),
        cmocka_unit_test(mail_from_must_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
