#include "account_setup.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"
#include "sv/tags.h"

static const char digits_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

static enum sv_dkim_method method_of(const struct sv_config_account *account)
{
    return (enum sv_dkim_method)(account->dkim + SV_DKIM_EASY); /* the choices' order */
}

/* "key=value" was checked: the '=' is there. */
static void split(struct sv_account_setup *out, size_t i, const char *tag)
{
    char *text = sv_strdup(tag), *equals = strchr(text, '=');

    SV_REQUIRE(equals != NULL);
    *equals = '\0';
    out->texts[i] = text;
    out->tags[i] = (struct sv_ses_tag){.key = text, .value = equals + 1};
}

void sv_account_setup_init(struct sv_account_setup *out, const struct sv_config_account *account)
{
    size_t count = account->tags.count;

    *out = (struct sv_account_setup){.tags = sv_alloc(count + 1, sizeof *out->tags)};
    for (size_t i = 0; i < count; i++)
        split(out, i, account->tags.items[i]);
    out->setup = (struct sv_ses_setup){
        .dkim = method_of(account),
        .selector = account->dkim_selector,
        .private_key = account->own_key.private_key,
        .public_key = account->own_key.public_key,
        .parent_region = account->dkim_parent_region,
        .configuration_set = account->configuration_set,
        .tags = out->tags,
        .tags_count = count,
    };
}

void sv_account_setup_fini(struct sv_account_setup *setup)
{
    for (size_t i = 0; i < SV_SES_TAGS_MAX; i++)
        free(setup->texts[i]);
    free(setup->tags);
    *setup = (struct sv_account_setup){.tags = NULL};
}

/* One label: letters, digits, inner hyphens (v2 DkimSigningAttributes). */
static bool is_selector(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > SV_SES_SELECTOR_MAX || text[0] == '-' || text[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '-' && strchr(digits_letters, text[i]) == NULL)
            return false;
    }
    return true;
}

static void check_dkim(const struct sv_config_account *account, const char *where,
                       struct sv_problems *problems)
{
    enum sv_dkim_method method = method_of(account);
    bool own = *account->dkim_selector != '\0' || *account->dkim_key_file != '\0';

    if (method == SV_DKIM_BYODKIM && !is_selector(account->dkim_selector))
        sv_problems_add(problems, false, where,
                        "dkim = byodkim needs dkim_selector: letters, digits, inner hyphens");
    if (method == SV_DKIM_BYODKIM && *account->dkim_key_file == '\0')
        sv_problems_add(problems, false, where, "dkim = byodkim needs dkim_key_file");
    if (method != SV_DKIM_BYODKIM && own)
        sv_problems_add(problems, false, where,
                        "dkim_selector and dkim_key_file need dkim = byodkim");
    if (method == SV_DKIM_DEED && *account->dkim_parent_region == '\0')
        sv_problems_add(problems, false, where, "dkim = deed needs dkim_parent_region");
    if (method == SV_DKIM_DEED && strcmp(account->dkim_parent_region, account->region) == 0)
        sv_problems_add(problems, false, where,
                        "dkim_parent_region: the parent of a replica is in another region");
    if (method != SV_DKIM_DEED && *account->dkim_parent_region != '\0')
        sv_problems_add(problems, false, where, "dkim_parent_region needs dkim = deed");
}

static void check_tag(const struct sv_config_account *account, size_t i, const char *where,
                      struct sv_problems *problems)
{
    const char *tag = account->tags.items[i];
    size_t key = strcspn(tag, "=");
    const char *why = sv_tag_problem(tag);

    for (size_t j = 0; why == NULL && j < i; j++) {
        const char *other = account->tags.items[j];

        if (strcspn(other, "=") == key && strncmp(other, tag, key) == 0)
            why = "the key is there twice";
    }
    if (why != NULL)
        sv_problems_add(problems, false, where, "tags: '%.80s': %s", tag, why);
}

void sv_account_setup_check(const struct sv_config_account *account, const char *where,
                            struct sv_problems *problems)
{
    const char *set = account->configuration_set;

    check_dkim(account, where, problems);
    for (const char *at = set; *at != '\0'; at++) {
        if (strchr("-_", *at) == NULL && strchr(digits_letters, *at) == NULL) {
            sv_problems_add(problems, false, where,
                            "configuration_set: '%.70s' is no name of one (letters, digits, - and "
                            "_)",
                            set);
            break;
        }
    }
    for (size_t i = 0; i < account->tags.count; i++)
        check_tag(account, i, where, problems);
}

void sv_account_keys_read(struct sv_config *config, struct sv_problems *problems, bool as_warnings)
{
    for (size_t i = 0; i < config->accounts_count; i++) {
        struct sv_config_account *account = &config->accounts[i];
        struct sv_errinfo info;
        char where[96];

        if (method_of(account) != SV_DKIM_BYODKIM)
            continue;
        sv_own_key_fini(&account->own_key);
        (void)snprintf(where, sizeof where, "[account %s]", account->name);
        if (sv_own_key_read(account->dkim_key_file, &account->own_key, &info) != SV_OK)
            sv_problems_add(problems, as_warnings, where, "dkim_key_file: %s", info.text);
    }
}

void sv_account_keys_read_public(struct sv_config *config)
{
    struct sv_problems problems;

    sv_problems_init(&problems);
    sv_account_keys_read(config, &problems, true);
    for (size_t i = 0; i < config->accounts_count; i++)
        sv_own_key_drop_private(&config->accounts[i].own_key);
    sv_problems_fini(&problems);
}
