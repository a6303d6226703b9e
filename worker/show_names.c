/* Words of lib/auth that are on their way; each definition there replaces the weak one here. */
#include "show.h"

__attribute__((weak)) const char *sv_spf_result_name(enum sv_spf_result result)
{
    return result == SV_SPF_PASS ? "pass" : "undecided";
}

__attribute__((weak)) const char *sv_dmarc_policy_name(enum sv_dmarc_policy policy)
{
    return policy == SV_DMARC_NONE ? "none" : "unknown";
}

__attribute__((weak)) const char *sv_bulk_condition_name(enum sv_bulk_condition condition)
{
    static const char *const names[] = {"spf", "dkim", "dmarc", "alignment", "receives", ""};

    return names[condition];
}
