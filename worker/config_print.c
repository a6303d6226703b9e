/* Configuration as text: the commented defaults. */
#include <string.h>

#include "config.h"
#include "sv/require.h"

enum { HELP_COLUMNS = 96 };

static void put(struct sv_buf *out, const char *text)
{
    bool fits = sv_buf_add_str(out, text);

    SV_REQUIRE(fits);
}

/* "# " lines of at most HELP_COLUMNS. */
static void put_comment(struct sv_buf *out, const char *text)
{
    while (*text != '\0') {
        size_t len = strlen(text);

        if (len > HELP_COLUMNS) {
            len = HELP_COLUMNS;
            while (len > 0 && text[len] != ' ')
                len--;
        }
        put(out, "# ");
        SV_REQUIRE(sv_buf_add(out, text, len));
        put(out, "\n");
        text += len;
        text += strspn(text, " ");
    }
}

static void put_facts(struct sv_buf *out, const struct sv_setting *setting)
{
    char range[128];
    bool fits;

    sv_setting_range(setting, range, sizeof(range));
    fits = sv_buf_printf(out, "# (%s%s%s%s)\n", sv_setting_type_name(setting->type),
                         range[0] != '\0' ? ": " : "", range,
                         setting->reloadable ? "; reloadable" : "");
    SV_REQUIRE(fits);
}

static void put_setting(struct sv_buf *out, const struct sv_setting *setting, const char *prefix)
{
    bool fits;

    put_comment(out, setting->help);
    put_facts(out, setting);
    if (setting->type == SV_SETTING_SECRET)
        prefix = "# not in this file: ";
    fits = sv_buf_printf(out, "%s%s =%s%s\n\n", prefix, setting->key,
                         *setting->fallback != '\0' ? " " : "", setting->fallback);
    SV_REQUIRE(fits);
}

void sv_config_write_defaults(struct sv_buf *out)
{
    const char *section = "";

    put(out,
        "# sesverify.conf: every setting with its built-in value.\n"
        "# A flag (--set section.key=value) wins over the environment (SESVERIFY_SECTION_KEY),\n"
        "# which wins over this file.\n");
    for (const struct sv_setting *s = sv_settings; s->section != NULL; s++) {
        if (strcmp(section, s->section) != 0) {
            SV_REQUIRE(sv_buf_printf(out, "\n[%s]\n", s->section));
            section = s->section;
        }
        put_setting(out, s, "");
    }
    put(out,
        "\n# One section per SES account and region; without any there is one called default.\n"
        "# [account default]\n");
    for (const struct sv_setting *s = sv_account_settings; s->section != NULL; s++)
        put_setting(out, s, "# ");
    put(out,
        "\n# One section per place where events go besides the stream; there are none by itself.\n"
        "# [sink NAME]\n");
    for (const struct sv_setting *s = sv_sink_settings; s->section != NULL; s++)
        put_setting(out, s, "# ");
}
