/* Standard Webhooks: keys are read strictly, and signatures are those of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sv/webhook_signature.h"

/* From the specification's own tools. */
#define KEY "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static void test_known_signature(void **state)
{
    static const char body[] = "{\"test\": 2432232314}";
    struct sv_webhook_key key;
    char out[SV_WEBHOOK_SIGNATURE_BYTES];

    (void)state;
    assert_true(sv_webhook_key_parse(KEY, strlen(KEY), &key));
    assert_int_equal(key.count, 24);
    sv_webhook_sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, strlen(body), out);
    assert_string_equal(out, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void test_keys(void **state)
{
    static const char *const wrong[] = {
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",       /* no prefix */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",  /* cut */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==", /* 23 bytes and odd */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La",     /* 21 bytes */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa w", /* a blank */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-", /* another alphabet */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
        "whsec_====",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjUA===", /* too much padding */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjUAA=A", /* and in front of something
                                                                       */
    };
    char longest[6 + 88 + 1] = "whsec_", longer[6 + 92 + 1] = "whsec_";
    struct sv_webhook_key key;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(sv_webhook_key_parse(wrong[i], strlen(wrong[i]), &key));
        assert_int_equal(key.count, 0);
    }
    memset(longest + 6, 'A', 86); /* 64 bytes */
    memcpy(longest + 6 + 86, "==", 3);
    assert_true(sv_webhook_key_parse(longest, strlen(longest), &key));
    assert_int_equal(key.count, 64);
    memset(longer + 6, 'A', 92); /* 69 bytes */
    longer[6 + 92] = '\0';
    assert_false(sv_webhook_key_parse(longer, strlen(longer), &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_signature),
        cmocka_unit_test(test_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
