/* What the givers of keys answer, read from bytes. Formats: AWS SDKs and Tools Reference Guide,
 * "Process credential provider"; IAM Identity Center Portal API, GetRoleCredentials; the SSO cache
 * file as botocore writes it. */
#include "cmocka_all.h"

#include <string.h>

#include "net/aws/process.h"
#include "net/aws/reply.h"
#include "net/aws/sso_token.h"
#include "net/aws/sts.h"

typedef enum sv_err read_fn(const char *bytes, size_t len, struct sv_credentials *out,
                            struct sv_errinfo *info);

#define SSO(expiry)                                                                                \
    "{\"roleCredentials\":{\"accessKeyId\":\"A\",\"secretAccessKey\":\"s\",\"sessionToken\":"      \
    "\"t\","                                                                                       \
    "\"expiration\":" expiry "}}"
#define KEYS "\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\""

static void keys_are_read_or_refused(void **state)
{
    static const struct {
        read_fn *read;
        const char *bytes;
        enum sv_err err;
        const char *token;
        sv_ms expires_at;
    } cases[] = {
        {sv_key_reply_process, "{\"Version\":1," KEYS "}", SV_OK, "", 0},
        {sv_key_reply_process, "{\"Version\":1," KEYS ",\"SessionToken\":\"t\"}", SV_OK, "t", 0},
        {sv_key_reply_process, "{\"Version\":1," KEYS ",\"Expiration\":null}", SV_OK, "", 0},
        {sv_key_reply_process,
         "{\"Version\":1," KEYS ",\"Expiration\":\"1970-01-01T01:00:01+01:00\"}", SV_OK, "", 1000},
        {sv_key_reply_process, "{\"Version\":1," KEYS ",\"Expiration\":1}", SV_EMALFORMED, "", 0},
        {sv_key_reply_process, "{\"Version\":\"1\"," KEYS "}", SV_EMALFORMED, "", 0},
        {sv_key_reply_process, "{" KEYS "}", SV_EMALFORMED, "", 0},
        {sv_key_reply_process, "{\"Version\":1," KEYS ",\"SessionToken\":\"\"}", SV_EMALFORMED, "",
         0},
        {sv_key_reply_process, "{\"Version\":1," KEYS "}x", SV_EMALFORMED, "", 0},
        {sv_key_reply_sso, SSO("1700000000123"), SV_OK, "t", 1700000000123},
        {sv_key_reply_sso, SSO("0"), SV_EMALFORMED, "", 0},
        {sv_key_reply_sso, SSO("1e3"), SV_EMALFORMED, "", 0},
        {sv_key_reply_sso, SSO("253402300800000"), SV_EMALFORMED, "", 0},
        {sv_key_reply_sso, "{\"roleCredentials\":[]}", SV_EMALFORMED, "", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sv_credentials out = {.session_token = "old", .expires_at = 7};
        struct sv_errinfo info;

        assert_int_equal(cases[i].read(cases[i].bytes, strlen(cases[i].bytes), &out, &info),
                         cases[i].err);
        if (cases[i].err != SV_OK)
            continue;
        assert_string_equal(out.access_key_id, "A");
        assert_string_equal(out.secret_access_key, "s");
        assert_string_equal(out.session_token, cases[i].token);
        assert_int_equal(out.expires_at, cases[i].expires_at);
    }
}

/* The name is botocore's: hashlib.sha1(name).hexdigest() + ".json". */
static void the_cache_file_of_a_session_is_named_by_its_sha1(void **state)
{
    char name[46];

    (void)state;
    sv_sso_token_file_name("abc", name); /* FIPS 180-2, appendix A.1 */
    assert_string_equal(name, "a9993e364706816aba3e25717850c26c9cd0d89d.json");
}

static void a_complaint_shows_no_long_word(void **state)
{
    static const struct {
        const char *said, *told;
    } cases[] = {
        {"", ""},
        {"no such profile\nsecond line", "no such profile"},
        {"key=AKIDAKIDAKIDAKIDAKID is bad", "key=... is bad"},
        {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "..."},
        {"fifteen_bytes_x sixteen_bytes_xy", "fifteen_bytes_x ..."},
        {"\x1b[31mred\x7f", "?[31mred?"},
    };
    char told[101], many[400];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sv_process_tame(cases[i].said, strlen(cases[i].said), told);
        assert_string_equal(told, cases[i].told);
    }
    memset(many, ' ', sizeof many);
    sv_process_tame(many, sizeof many, told);
    assert_int_equal(strlen(told), 100);
}

static sv_ms noon(void *context)
{
    (void)context;
    return 784111777000; /* Sun, 06 Nov 1994 08:49:37 GMT (RFC 9110, section 5.6.7) */
}

/* Reference ses.md, section 8: these codes, from 4 minutes on. */
static void a_wrong_clock_is_learned_from_a_refusal(void **state)
{
    static const struct sv_clock clock = {.wall = noon};
    sv_ms skew_ms = 0;

    (void)state;
    assert_false(
        sv_sts_learn_skew(&skew_ms, &clock, "AccessDenied", "Sun, 06 Nov 1994 09:49:37 GMT"));
    assert_false(
        sv_sts_learn_skew(&skew_ms, &clock, "RequestExpired", "Sun, 06 Nov 1994 08:53:36 GMT"));
    assert_false(sv_sts_learn_skew(&skew_ms, &clock, "RequestExpired", "yesterday"));
    assert_int_equal(skew_ms, 0);
    assert_true(
        sv_sts_learn_skew(&skew_ms, &clock, "RequestExpired", "Sun, 06 Nov 1994 08:53:37 GMT"));
    assert_int_equal(skew_ms, 4 * SV_MINUTE);
    assert_false(sv_sts_learn_skew(&skew_ms, &clock, "SignatureDoesNotMatch",
                                   "Sun, 06 Nov 1994 08:53:37 GMT"));
    assert_true(sv_sts_learn_skew(&skew_ms, &clock, "SignatureDoesNotMatch",
                                  "Sun, 06 Nov 1994 07:49:37 GMT"));
    assert_int_equal(skew_ms, -SV_HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_read_or_refused),
        cmocka_unit_test(the_cache_file_of_a_session_is_named_by_its_sha1),
        cmocka_unit_test(a_complaint_shows_no_long_word),
        cmocka_unit_test(a_wrong_clock_is_learned_from_a_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
