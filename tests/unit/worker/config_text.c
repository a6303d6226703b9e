#include "config_text.h"

#include <string.h>

#include "sv/require.h"

static void put_value(struct sv_buf *out, const struct sv_setting *setting, const void *base)
{
    if (setting->type == SV_SETTING_SECRET)
        return;
    SV_REQUIRE(sv_buf_printf(out, "%s = ", setting->key));
    sv_setting_write(setting, base, out);
    SV_REQUIRE(sv_buf_add_str(out, "\n"));
}

void config_text(const struct sv_config *config, struct sv_buf *out)
{
    const char *section = "";

    for (const struct sv_setting *s = sv_settings; s->section != NULL; s++) {
        if (strcmp(section, s->section) != 0) {
            SV_REQUIRE(sv_buf_printf(out, "[%s]\n", s->section));
            section = s->section;
        }
        put_value(out, s, config);
    }
    for (size_t i = 0; i < config->accounts_count; i++) {
        SV_REQUIRE(sv_buf_printf(out, "[account %s]\n", config->accounts[i].name));
        for (const struct sv_setting *s = sv_account_settings; s->section != NULL; s++)
            put_value(out, s, &config->accounts[i]);
    }
    for (size_t i = 0; i < config->sinks_count; i++) {
        SV_REQUIRE(sv_buf_printf(out, "[sink %s]\n", config->sinks[i].name));
        for (const struct sv_setting *s = sv_sink_settings; s->section != NULL; s++)
            put_value(out, s, &config->sinks[i]);
    }
}
