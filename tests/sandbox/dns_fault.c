#include "dns_fault.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sv/json.h"

static const struct {
    const char *name;
    enum sb_dns_do what;
} kinds[] = {
    {"servfail", SB_DNS_SERVFAIL}, {"refused", SB_DNS_REFUSED},   {"drop", SB_DNS_DROP},
    {"nxdomain", SB_DNS_NXDOMAIN}, {"truncate", SB_DNS_TRUNCATE}, {"wrong_id", SB_DNS_WRONG_ID},
    {"slow", SB_DNS_SLOW},
};

static const char *kind_name(enum sb_dns_do what)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].what == what)
            return kinds[i].name;
    }
    return "";
}

static void set_name(struct sb_dns_fault *rule, const char *name)
{
    size_t len = strlen(name);

    if (len > 1 && name[len - 1] == '.')
        len--;
    (void)snprintf(rule->name, sizeof rule->name, "%.*s", (int)(len < 1000 ? len : 1000), name);
}

static enum sv_err read_rule(struct sb_dns_fault *rule, json_t *json, struct sv_errinfo *info)
{
    const char *name = "*", *type = "*", *what = NULL;
    json_int_t count = 1, skip = 0, ms = 0;
    json_error_t error;

    if (json_unpack_ex(json, &error, 0, "{s?{s?s, s?s}, s:s, s?I, s?I, s?I}", "match", "name",
                       &name, "type", &type, "do", &what, "count", &count, "skip", &skip, "ms",
                       &ms) != 0)
        return sv_err_set(info, SV_EINVALID, "dns-faults", 0, "%s", error.text);
    *rule = (struct sb_dns_fault){.count = count, .skip = skip, .delay_ms = ms};
    set_name(rule, name);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, what) == 0)
            rule->what = kinds[i].what;
    }
    if (rule->what == SB_DNS_NOTHING)
        return sv_err_set(info, SV_EINVALID, "dns-faults", 0, "unknown kind '%.40s'", what);
    rule->type = strcmp(type, "*") == 0 ? 0 : ldns_get_rr_type_by_name(type);
    if (rule->type == 0 && strcmp(type, "*") != 0)
        return sv_err_set(info, SV_EINVALID, "dns-faults", 0, "unknown type '%.40s'", type);
    if (ms < 0 || ms > SV_HOUR)
        return sv_err_set(info, SV_EINVALID, "dns-faults", 0, "ms is not between 0 and one hour");
    return SV_OK;
}

enum sv_err sb_dns_faults_add(struct sb_dns_faults *faults, const json_t *rules,
                              struct sv_errinfo *info)
{
    size_t total = json_is_array(rules) ? json_array_size(rules) : 1;
    size_t before = faults->count;

    if (total > SB_DNS_FAULTS_MAX - before)
        return sv_err_set(info, SV_ETOOBIG, "dns-faults", 0, "more than %d rules",
                          (int)SB_DNS_FAULTS_MAX);
    for (size_t i = 0; i < total; i++) {
        json_t *one = json_array_get(rules, i);
        json_t *copy = one == NULL ? json_deep_copy(rules) : json_incref(one);
        enum sv_err err = read_rule(&faults->rules[faults->count], copy, info);

        json_decref(copy);
        if (err != SV_OK) {
            faults->count = before;
            return err;
        }
        faults->count++;
    }
    return SV_OK;
}

void sb_dns_faults_clear(struct sb_dns_faults *faults)
{
    faults->count = 0;
}

static bool matches(const struct sb_dns_fault *rule, const char *name, ldns_rr_type type)
{
    size_t len = strlen(name);
    size_t tail = strlen(rule->name);

    if (rule->count == 0 || (rule->type != 0 && rule->type != type))
        return false;
    if (strcmp(rule->name, "*") == 0)
        return true;
    if (len > 0 && name[len - 1] == '.')
        len--;
    if (strncmp(rule->name, "*.", 2) == 0)
        return len >= tail && strncasecmp(name + len - (tail - 1), rule->name + 1, tail - 1) == 0;
    return len == tail && strncasecmp(name, rule->name, len) == 0;
}

enum sb_dns_do sb_dns_faults_take(struct sb_dns_faults *faults, const char *name, ldns_rr_type type,
                                  sv_ms *delay_ms)
{
    for (size_t i = 0; i < faults->count; i++) {
        struct sb_dns_fault *rule = &faults->rules[i];

        if (!matches(rule, name, type))
            continue;
        if (rule->skip > 0) {
            rule->skip--;
            continue;
        }
        if (rule->count > 0)
            rule->count--;
        *delay_ms = rule->delay_ms;
        return rule->what;
    }
    return SB_DNS_NOTHING;
}

json_t *sb_dns_faults_json(const struct sb_dns_faults *faults)
{
    json_t *list = sv_json_array();

    for (size_t i = 0; i < faults->count; i++) {
        const struct sb_dns_fault *rule = &faults->rules[i];
        json_t *one = sv_json_object();

        sv_json_set_str(one, "name", rule->name);
        sv_json_set_int(one, "type", rule->type);
        sv_json_set_str(one, "do", kind_name(rule->what));
        sv_json_set_int(one, "count", rule->count);
        sv_json_set_int(one, "skip", rule->skip);
        sv_json_append(list, one);
    }
    return list;
}
