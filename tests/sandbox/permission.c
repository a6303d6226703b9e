#include "permission.h"

#include <fnmatch.h>

#include "sv/json.h"

void sb_permissions_init(struct sb_permissions *permissions)
{
    permissions->keys = sv_json_object();
}

void sb_permissions_fini(struct sb_permissions *permissions)
{
    json_decref(permissions->keys);
    permissions->keys = NULL;
}

static bool is_list_of_texts(const json_t *list)
{
    if (list != NULL && !json_is_array(list))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!json_is_string(json_array_get(list, i)))
            return false;
    }
    return true;
}

enum sv_err sb_permissions_set(struct sb_permissions *permissions, const char *key_id,
                               const json_t *policy, struct sv_errinfo *info)
{
    json_t *allow = json_object_get(policy, "allow"), *deny = json_object_get(policy, "deny");
    json_t *kept;

    if (!is_list_of_texts(allow) || !is_list_of_texts(deny))
        return sv_err_set(info, SV_EINVALID, "permissions", 0,
                          "allow and deny must be arrays of IAM actions");
    kept = sv_json_object();
    if (allow != NULL)
        sv_json_set(kept, "allow", json_deep_copy(allow));
    if (deny != NULL)
        sv_json_set(kept, "deny", json_deep_copy(deny));
    sv_json_set(permissions->keys, key_id, kept);
    return SV_OK;
}

static bool list_has(const json_t *list, const char *action)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (fnmatch(json_string_value(json_array_get(list, i)), action, FNM_NOESCAPE) == 0)
            return true;
    }
    return false;
}

enum sb_permit sb_permissions_check(const struct sb_permissions *permissions, const char *key_id,
                                    const char *action)
{
    const json_t *policy = json_object_get(permissions->keys, key_id);
    const json_t *allow = json_object_get(policy, "allow");

    if (list_has(json_object_get(policy, "deny"), action))
        return SB_PERMIT_DENIED;
    return allow == NULL || list_has(allow, action) ? SB_PERMIT_GRANTED : SB_PERMIT_MISSING;
}
