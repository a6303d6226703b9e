#include "shared_file.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct reader {
    const char *name;
    bool is_config, is_session;
    const char *profile;
    struct sv_shared_profile *out;
    struct sv_errinfo *info;
    unsigned line;
    bool in_section; /* any section was opened */
    bool ours;       /* the open section is the wanted profile */
};

struct span {
    const char *at;
    size_t len;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span text)
{
    while (text.len > 0 && is_blank(text.at[0])) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

static bool is_word(struct span text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

/* The value is never shown: it may be a secret that stands in the wrong place. */
static enum sv_err malformed(const struct reader *reader, const char *why)
{
    return sv_err_set(reader->info, SV_EMALFORMED, "credentials", 0, "%.120s line %u: %s",
                      reader->name, reader->line, why);
}

static struct span unquote(struct span text)
{
    if (text.len >= 2 && (text.at[0] == '"' || text.at[0] == '\'') &&
        text.at[text.len - 1] == text.at[0])
        return (struct span){.at = text.at + 1, .len = text.len - 2};
    return text;
}

/* In the config file profiles are "[profile x]" and "[default]"; other sections are not ours. */
static bool names_profile(const struct reader *reader, struct span title)
{
    const char *prefix = reader->is_session ? "sso-session" : "profile";
    size_t skip = strlen(prefix);

    if (!reader->is_config)
        return is_word(unquote(title), reader->profile);
    if (!reader->is_session && is_word(title, "default"))
        return strcmp(reader->profile, "default") == 0;
    if (title.len <= skip || memcmp(title.at, prefix, skip) != 0 || !is_blank(title.at[skip]))
        return false;
    title = trim((struct span){.at = title.at + skip, .len = title.len - skip});
    return is_word(unquote(title), reader->profile);
}

static enum sv_err open_section(struct reader *reader, struct span line)
{
    const char *end = memchr(line.at, ']', line.len);
    struct span rest;

    if (end == NULL)
        return malformed(reader, "the section's ']' is missing");
    rest.at = end + 1;
    rest.len = line.len - (size_t)(rest.at - line.at);
    rest = trim(rest);
    if (rest.len > 0 && rest.at[0] != '#' && rest.at[0] != ';')
        return malformed(reader, "something follows the section's ']'");
    reader->in_section = true;
    reader->ours = names_profile(
        reader, trim((struct span){.at = line.at + 1, .len = (size_t)(end - line.at) - 1}));
    if (reader->ours)
        reader->out->found = true;
    return SV_OK;
}

/* A comment inside a line begins with a blank and '#' or ';'. */
static struct span without_comment(struct span value)
{
    for (size_t i = 1; i < value.len; i++) {
        if ((value.at[i] == '#' || value.at[i] == ';') && is_blank(value.at[i - 1]))
            return trim((struct span){.at = value.at, .len = i});
    }
    return value;
}

static enum sv_err keep(const struct reader *reader, struct span value, char *out, size_t out_bytes,
                        bool has_blanks)
{
    if (value.len == 0)
        return malformed(reader, "the value is empty");
    if (value.len >= out_bytes)
        return sv_err_set(reader->info, SV_ETOOBIG, "credentials", 0,
                          "%.120s line %u: the value is over %zu bytes", reader->name, reader->line,
                          out_bytes - 1);
    for (size_t i = 0; i < value.len; i++) {
        if ((value.at[i] <= ' ' && !(has_blanks && is_blank(value.at[i]))) || value.at[i] == 0x7f ||
            (value.at[i] & 0x80) != 0)
            return malformed(reader, "the value holds a blank or an unprintable character");
    }
    memcpy(out, value.at, value.len);
    out[value.len] = '\0';
    return SV_OK;
}

static bool is_key(struct span key, const char *word)
{
    return key.len == strlen(word) && strncasecmp(key.at, word, key.len) == 0;
}

static void note_unsupported(struct sv_shared_profile *out, struct span key)
{
    static const char *const ways[] = {"role_arn",          "credential_process",
                                       "sso_session",       "sso_start_url",
                                       "credential_source", "web_identity_token_file"};

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (is_key(key, ways[i]) && out->unsupported[0] == '\0')
            memcpy(out->unsupported, ways[i], strlen(ways[i]) + 1);
    }
}

#define SETTING(member)                                                                            \
    {                                                                                              \
#member, offsetof(struct sv_shared_settings, member),                                      \
            sizeof(((struct sv_shared_settings *)0)->member)                                       \
    }

static const struct {
    const char *name;
    size_t at, bytes;
} settings[] = {
    SETTING(role_arn),           SETTING(source_profile),
    SETTING(credential_source),  SETTING(external_id),
    SETTING(role_session_name),  SETTING(duration_seconds),
    SETTING(mfa_serial),         SETTING(web_identity_token_file),
    SETTING(credential_process), SETTING(sso_session),
    SETTING(sso_start_url),      SETTING(sso_region),
    SETTING(sso_account_id),     SETTING(sso_role_name),
    SETTING(use_fips_endpoint),  SETTING(use_dualstack_endpoint),
    SETTING(max_attempts),
};

static enum sv_err take_setting(const struct reader *reader, struct span key, struct span value)
{
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (is_key(key, settings[i].name))
            return keep(reader, value, (char *)&reader->out->settings + settings[i].at,
                        settings[i].bytes, is_key(key, "credential_process"));
    }
    return SV_OK;
}

static enum sv_err take(struct reader *reader, struct span key, struct span value)
{
    struct sv_shared_profile *out = reader->out;
    struct sv_credentials *keys = &out->keys;
    enum sv_err err;

    if (reader->is_session) /* keys have no business there */
        return take_setting(reader, key, value);
    if (is_key(key, "aws_access_key_id")) {
        err = keep(reader, value, keys->access_key_id, sizeof keys->access_key_id, false);
        out->has_access_key = err == SV_OK;
        return err;
    }
    if (is_key(key, "aws_secret_access_key")) {
        err = keep(reader, value, keys->secret_access_key, sizeof keys->secret_access_key, false);
        out->has_secret_key = err == SV_OK;
        return err;
    }
    if (is_key(key, "aws_session_token"))
        return keep(reader, value, keys->session_token, sizeof keys->session_token, false);
    note_unsupported(out, key);
    return take_setting(reader, key, value);
}

static enum sv_err read_line(struct reader *reader, struct span line)
{
    bool indented = line.len > 0 && is_blank(line.at[0]);
    const char *equals;
    struct span key, value;

    line = trim(line);
    if (line.len == 0 || line.at[0] == '#' || line.at[0] == ';')
        return SV_OK;
    if (memchr(line.at, '\0', line.len) != NULL)
        return malformed(reader, "a 0 byte; is this a text file?");
    if (line.at[0] == '[')
        return open_section(reader, line);
    if (!reader->in_section)
        return malformed(reader, "a setting stands before the first [section]");
    if (indented) /* belongs to a nested setting such as "s3 =", which is not ours */
        return SV_OK;
    equals = memchr(line.at, '=', line.len);
    if (equals == NULL)
        return malformed(reader, "neither [section] nor name = value");
    key = trim((struct span){.at = line.at, .len = (size_t)(equals - line.at)});
    if (key.len == 0)
        return malformed(reader, "the name before '=' is missing");
    if (!reader->ours)
        return SV_OK;
    value.at = equals + 1;
    value.len = line.len - (size_t)(value.at - line.at);
    return take(reader, key, without_comment(trim(value)));
}

enum sv_err sv_shared_file_read(const struct sv_shared_file *file, const char *profile,
                                struct sv_shared_profile *out, struct sv_errinfo *info)
{
    struct reader reader = {.name = file->name,
                            .is_config = file->is_config || file->is_session,
                            .is_session = file->is_session,
                            .profile = profile,
                            .out = out,
                            .info = info};
    static const char bom[] = "\xef\xbb\xbf";
    const char *bytes = file->bytes;
    size_t len = file->len;

    if (len > SV_SHARED_FILE_BYTES_MAX)
        return sv_err_set(info, SV_ETOOBIG, "credentials", 0, "%.120s is over %d bytes", file->name,
                          (int)SV_SHARED_FILE_BYTES_MAX);
    if (len >= 3 && memcmp(bytes, bom, 3) == 0) {
        bytes += 3;
        len -= 3;
    }
    while (len > 0) {
        const char *end = memchr(bytes, '\n', len);
        size_t line_len = end != NULL ? (size_t)(end - bytes) : len;
        enum sv_err err;

        reader.line++;
        if (line_len > SV_SHARED_LINE_BYTES_MAX)
            return malformed(&reader, "the line is too long");
        err = read_line(&reader, (struct span){.at = bytes, .len = line_len});
        if (err != SV_OK)
            return err;
        line_len += end != NULL;
        bytes += line_len;
        len -= line_len;
    }
    return SV_OK;
}
