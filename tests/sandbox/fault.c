#include "fault.h"

#include <stdio.h>
#include <string.h>

#include "sv/json.h"

static const struct {
    const char *name;
    enum sb_do what;
    bool performs;
} kinds[] = {
    {"status", SB_DO_STATUS, false},
    {"html", SB_DO_HTML, false},
    {"garbage", SB_DO_GARBAGE, false},
    {"empty", SB_DO_EMPTY, false},
    {"body", SB_DO_BODY, false},
    {"cut", SB_DO_CUT, true},
    {"slow", SB_DO_SLOW, true},
    {"hang", SB_DO_HANG, true},
    {"close", SB_DO_CLOSE, false},
    {"skewed_date", SB_DO_SKEWED_DATE, true},
    {"set_status", SB_DO_SET_STATUS, true},
};

static const char *kind_name(enum sb_do what)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].what == what)
            return kinds[i].name;
    }
    return "";
}

static enum sv_err set_kind(struct sb_fault *rule, const char *what, int performs,
                            struct sv_errinfo *info)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, what) == 0) {
            rule->what = kinds[i].what;
            rule->performs = performs < 0 ? kinds[i].performs : performs != 0;
        }
    }
    if (rule->what == SB_DO_NOTHING)
        return sv_err_set(info, SV_EINVALID, "faults", 0, "unknown kind '%.40s'", what);
    if (rule->what == SB_DO_STATUS && (rule->status < 400 || rule->status > 599))
        return sv_err_set(info, SV_EINVALID, "faults", 0, "status %u is not an error",
                          rule->status);
    if (rule->what == SB_DO_SET_STATUS && !json_is_object(rule->set))
        return sv_err_set(info, SV_EINVALID, "faults", 0,
                          "set_status without an object under 'set'");
    if (rule->what == SB_DO_BODY && (!json_is_string(rule->set) || rule->status < 200))
        return sv_err_set(info, SV_EINVALID, "faults", 0, "body without a text under 'body'");
    if (rule->what == SB_DO_SLOW && rule->ms < 1)
        return sv_err_set(info, SV_EINVALID, "faults", 0, "slow without 'ms' of 1 or more");
    return SV_OK;
}

static enum sv_err read_rule(struct sb_fault *rule, json_t *json, struct sv_errinfo *info)
{
    const char *action = "*", *identity = "*", *region = "*", *what = NULL, *code = "",
               *message = "", *retry_after = "";
    json_int_t count = 1, skip = 0, ms = 0, status = 503;
    int performs = -1;
    json_t *set = NULL, *body = NULL;
    json_error_t error;

    if (json_unpack_ex(json, &error, 0,
                       "{s?{s?s, s?s, s?s}, s:s, s?I, s?I, s?I, s?I, s?s, s?s, s?b, s?o, s?o, s?s}",
                       "match", "action", &action, "identity", &identity, "region", &region, "do",
                       &what, "count", &count, "skip", &skip, "ms", &ms, "status", &status, "code",
                       &code, "message", &message, "perform", &performs, "set", &set, "body", &body,
                       "retry_after", &retry_after) != 0)
        return sv_err_set(info, SV_EINVALID, "faults", 0, "%s", error.text);
    if (ms < -SV_DAY || ms > SV_DAY || status < 0 || status > 999)
        return sv_err_set(info, SV_EINVALID, "faults", 0, "ms or status is out of range");
    *rule = (struct sb_fault){.count = count,
                              .skip = skip,
                              .ms = ms,
                              .status = (unsigned)status,
                              .set = body != NULL ? body : set};
    (void)snprintf(rule->action, sizeof rule->action, "%s", action);
    (void)snprintf(rule->identity, sizeof rule->identity, "%s", identity);
    (void)snprintf(rule->region, sizeof rule->region, "%s", region);
    (void)snprintf(rule->code, sizeof rule->code, "%s", code);
    (void)snprintf(rule->message, sizeof rule->message, "%s", message);
    (void)snprintf(rule->retry_after, sizeof rule->retry_after, "%s", retry_after);
    return set_kind(rule, what, performs, info);
}

enum sv_err sb_faults_add(struct sb_faults *faults, json_t *rules, struct sv_errinfo *info)
{
    bool many = json_is_array(rules);
    size_t total = many ? json_array_size(rules) : 1;
    size_t before = faults->count;

    if (total > SB_FAULTS_MAX - before)
        return sv_err_set(info, SV_ETOOBIG, "faults", 0, "more than %d rules", (int)SB_FAULTS_MAX);
    for (size_t i = 0; i < total; i++) {
        struct sb_fault *rule = &faults->rules[before + i];
        enum sv_err err = read_rule(rule, many ? json_array_get(rules, i) : rules, info);

        if (err != SV_OK)
            return err;
    }
    for (size_t i = 0; i < total; i++)
        json_incref(faults->rules[before + i].set);
    faults->count = before + total;
    return SV_OK;
}

void sb_faults_clear(struct sb_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        json_decref(faults->rules[i].set);
    faults->count = 0;
}

json_t *sb_faults_json(const struct sb_faults *faults)
{
    json_t *list = sv_json_array();

    for (size_t i = 0; i < faults->count; i++) {
        const struct sb_fault *rule = &faults->rules[i];
        json_t *one = sv_json_object();

        sv_json_set_str(one, "action", rule->action);
        sv_json_set_str(one, "identity", rule->identity);
        sv_json_set_str(one, "region", rule->region);
        sv_json_set_str(one, "do", kind_name(rule->what));
        sv_json_set_int(one, "count", rule->count);
        sv_json_set_int(one, "skip", rule->skip);
        sv_json_append(list, one);
    }
    return list;
}

struct sb_fault *sb_faults_find(struct sb_faults *faults, const char *action, const char *region,
                                bool (*names)(const void *call, const char *identity),
                                const void *call)
{
    for (size_t i = 0; i < faults->count; i++) {
        struct sb_fault *rule = &faults->rules[i];

        if (rule->count == 0)
            continue;
        if (strcmp(rule->action, "*") != 0 && strcmp(rule->action, action) != 0)
            continue;
        if (strcmp(rule->region, "*") != 0 && strcmp(rule->region, region) != 0)
            continue;
        if (strcmp(rule->identity, "*") != 0 && !names(call, rule->identity))
            continue;
        if (rule->skip == 0)
            return rule;
        rule->skip--;
    }
    return NULL;
}

void sb_fault_use(struct sb_fault *fault)
{
    if (fault->count > 0)
        fault->count--;
}
