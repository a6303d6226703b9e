#include "sv/tags.h"

#include <string.h>

#include "cmocka_all.h"

static const struct {
    const char *value, *client_id, *result; /* NULL = left out */
} values[] = {
    {"mail", "c1", "mail"},
    {"", "c1", ""},
    {"{client_id}", "client 7", "client 7"},
    {"x:{client_id}/{domain}", "c1", "x:c1/a.example"},
    {"{domain_id}{domain_id}", "c1", "0123456789abcdef0123456789abcdef"},
    {"{client_id}", "{domain}", NULL}, /* what is filled in is not looked at again */
    {"{client_id}", "caf\xc3\xa9", NULL},
    {"{client_id}", "a&b", NULL},
    {"{other}", "c1", NULL},
};

static void values_are_filled_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct sv_ses_tag tags[] = {{"first", "1"}, {"k", values[i].value}};
        struct sv_ses_setup setup = {.tags = tags, .tags_count = 2};
        struct sv_tag_facts facts = {values[i].client_id, "0123456789abcdef", "a.example"};
        struct sv_tags out;

        sv_tags_fill(&setup, &facts, &out);
        assert_int_equal(out.count, values[i].result != NULL ? 2 : 1);
        assert_string_equal(out.tags[0].value, "1");
        if (values[i].result == NULL)
            continue;
        assert_string_equal(out.tags[1].key, "k");
        assert_string_equal(out.tags[1].value, values[i].result);
    }
}

static void a_value_has_at_most_256_characters(void **state)
{
    struct sv_ses_tag tag = {"k", "{client_id}{client_id}"};
    struct sv_ses_setup setup = {.tags = &tag, .tags_count = 1};
    char client[130];
    struct sv_tag_facts facts = {client, "", ""};
    struct sv_tags out;

    (void)state;
    for (size_t len = 127; len <= 129; len++) {
        memset(client, 'c', len);
        client[len] = '\0';
        sv_tags_fill(&setup, &facts, &out);
        assert_int_equal(out.count, len <= 128 ? 1 : 0);
    }
}

static void problems_are_named(void **state)
{
    static const char *const fine[] = {"a=b",           "a=",    "team=mail x",
                                       "c={client_id}", "a=b=c", "awsome=1"};
    static const char *const bad[] = {"a",     "=b",    "aws:x=1",   "AWS:x=1",
                                      "a,b=1", "a=b;c", "a={client}"};

    (void)state;
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        assert_null(sv_tag_problem(fine[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_non_null(sv_tag_problem(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_filled_in),
        cmocka_unit_test(a_value_has_at_most_256_characters),
        cmocka_unit_test(problems_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
