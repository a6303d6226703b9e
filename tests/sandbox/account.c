#include "account.h"

#include <stdio.h>
#include <string.h>

#include "sv/json.h"

void sb_account_init(struct sb_account *account)
{
    *account = (struct sb_account){.is_production = true,
                                   .sends = true,
                                   .enforcement = "HEALTHY",
                                   .quota_day = 50000,
                                   .quota_second = 14,
                                   .sent = 127,
                                   .identities_max = SB_IDENTITIES_MAX};
    account->configuration_sets = sv_json_array();
    account->metrics = sv_json_object();
    account->recommendations = sv_json_array();
}

void sb_account_fini(struct sb_account *account)
{
    json_decref(account->configuration_sets);
    json_decref(account->metrics);
    json_decref(account->recommendations);
    *account = (struct sb_account){0};
}

enum sv_err sb_account_set(struct sb_account *account, json_t *set, struct sv_errinfo *info)
{
    int production = account->is_production, sends = account->sends, vdm = account->has_vdm;
    const char *enforcement = account->enforcement;
    double day = account->quota_day, second = account->quota_second, sent = account->sent;
    json_int_t identities = (json_int_t)account->identities_max;
    json_error_t error;

    if (json_unpack_ex(set, &error, JSON_STRICT, "{s?b, s?b, s?b, s?s, s?F, s?F, s?F, s?I}",
                       "production", &production, "sending", &sends, "vdm", &vdm, "enforcement",
                       &enforcement, "max_24_hours", &day, "max_rate", &second, "sent", &sent,
                       "identities_max", &identities) != 0)
        return sv_err_set(info, SV_EINVALID, "account", 0, "%s", error.text);
    if (identities < 0 || identities > SB_IDENTITIES_MAX || !(day >= -1) || !(second >= 0) ||
        !(sent >= 0) || strlen(enforcement) >= SB_ENFORCEMENT_BYTES)
        return sv_err_set(info, SV_EINVALID, "account", 0, "a value is out of range");
    account->is_production = production != 0;
    account->sends = sends != 0;
    account->has_vdm = vdm != 0;
    if (enforcement != account->enforcement)
        (void)snprintf(account->enforcement, SB_ENFORCEMENT_BYTES, "%s", enforcement);
    account->quota_day = day;
    account->quota_second = second;
    account->sent = sent;
    account->identities_max = (size_t)identities;
    return SV_OK;
}

json_t *sb_account_json(const struct sb_account *account)
{
    json_t *out = sv_json_object();

    sv_json_set_bool(out, "production", account->is_production);
    sv_json_set_bool(out, "sending", account->sends);
    sv_json_set_bool(out, "vdm", account->has_vdm);
    sv_json_set_str(out, "enforcement", account->enforcement);
    sv_json_set(out, "max_24_hours", json_real(account->quota_day));
    sv_json_set(out, "max_rate", json_real(account->quota_second));
    sv_json_set(out, "sent", json_real(account->sent));
    sv_json_set_int(out, "identities_max", (long long)account->identities_max);
    return out;
}

bool sb_account_has_set(const struct sb_account *account, const char *name)
{
    for (size_t i = 0; i < json_array_size(account->configuration_sets); i++) {
        const json_t *one = json_array_get(account->configuration_sets, i);

        if (strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

bool sb_configuration_set_is_valid(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len;
}

void sb_account_number(const char *account, char out[SB_ACCOUNT_NUMBER_BYTES])
{
    unsigned long long number = 0;

    for (; *account != 0; account++)
        number = (number * 131 + (unsigned char)*account) % 899999999999ull;
    (void)snprintf(out, SB_ACCOUNT_NUMBER_BYTES, "%012llu", number + 100000000000ull);
}

void sb_caller_arn(const char *account, char out[SB_ARN_BYTES])
{
    char number[SB_ACCOUNT_NUMBER_BYTES];

    sb_account_number(account, number);
    (void)snprintf(out, SB_ARN_BYTES, "arn:aws:iam::%s:user/sandbox", number);
}

void sb_identity_arn(const char *account, const char *region, const char *name,
                     char out[SB_ARN_BYTES])
{
    char number[SB_ACCOUNT_NUMBER_BYTES];

    sb_account_number(account, number);
    (void)snprintf(out, SB_ARN_BYTES, "arn:aws:ses:%.32s:%s:%s%.320s", region, number,
                   name == NULL ? "*" : "identity/", name == NULL ? "" : name);
}
