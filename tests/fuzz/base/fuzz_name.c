/* Any bytes as a domain name: what is accepted is in the one normal form, and stays there. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sv/name.h"
#include "sv/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_normal_form(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";

    SV_REQUIRE(strlen(name) >= 1 && strlen(name) <= SV_NAME_MAX);
    SV_REQUIRE(strspn(name, allowed) == strlen(name));
    for (const char *label = name;;) {
        size_t bytes = strcspn(label, ".");

        SV_REQUIRE(bytes >= 1 && bytes <= SV_LABEL_MAX);
        SV_REQUIRE(label[0] != '-' && label[bytes - 1] != '-');
        if (label[bytes] == '\0')
            break;
        label += bytes + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct sv_name_rules rules = {.allow_special_use = true};
    struct sv_errinfo info = {.text = ""};
    char name[SV_NAME_BYTES];
    char other[SV_NAME_BYTES];
    char shown[4 * SV_NAME_BYTES];

    if (sv_name_normalize((const char *)bytes, len, name, &info) != SV_OK) {
        SV_REQUIRE(info.code == SV_EMALFORMED && info.text[0] != '\0');
        return 0;
    }
    check_normal_form(name);
    SV_REQUIRE(sv_name_normalize(name, strlen(name), other, NULL) == SV_OK);
    SV_REQUIRE(strcmp(name, other) == 0);
    sv_name_display(name, shown);
    SV_REQUIRE(sv_name_normalize(shown, strlen(shown), other, NULL) == SV_OK);
    SV_REQUIRE(strcmp(name, other) == 0);
    if (sv_name_refusal(name, &rules) == NULL) {
        SV_REQUIRE(sv_name_registrable(name, other) == SV_OK);
        SV_REQUIRE(sv_name_equal(name, other) || sv_name_is_below(name, other));
        sv_name_relative(name, other, shown);
    }
    return 0;
}
