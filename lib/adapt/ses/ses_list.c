/* Reads v2 lists of identities (ListEmailIdentities, "Response Syntax"). A line that cannot be a
 * name is kept as a line without one, so that one odd identity does not hide the others; a reply of
 * another shape than documented is not believed at all. */
#include <string.h>

#include "ses_private.h"
#include "sv/json.h"

static bool is_absent(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

static void read_name(const json_t *line, struct sv_ses_listed *out)
{
    const json_t *name = json_object_get(line, "IdentityName");
    const char *type = sv_json_str(line, "IdentityType");

    if (!json_is_string(name) ||
        !sv_aws_copy_word(out->name, sizeof out->name, json_string_value(name),
                          json_string_length(name)))
        return;
    out->is_domain = type != NULL && strcmp(type, "DOMAIN") == 0;
}

static void read_line(const json_t *line, struct sv_ses_listed *out)
{
    const json_t *status = json_object_get(line, "VerificationStatus");
    const json_t *sending = json_object_get(line, "SendingEnabled");

    *out = (struct sv_ses_listed){.name = ""};
    read_name(line, out);
    if (json_is_string(status))
        out->identity = sv_ses_axis(json_string_value(status), json_string_length(status));
    if (json_is_boolean(sending))
        out->sending_enabled = json_is_true(sending) ? SV_TRI_YES : SV_TRI_NO;
}

bool sv_ses_list_token(const json_t *reply, char *next_token)
{
    const json_t *token = json_object_get(reply, "NextToken");

    next_token[0] = '\0';
    if (is_absent(token))
        return true;
    if (!json_is_string(token))
        return false;
    return json_string_length(token) == 0 ||
           sv_aws_copy_word(next_token, SV_SES_PAGE_TOKEN_BYTES, json_string_value(token),
                            json_string_length(token));
}

const char *sv_ses_list_read(const json_t *reply, struct sv_ses_page *page)
{
    const json_t *lines = json_object_get(reply, "EmailIdentities");

    page->count = 0;
    if (!json_is_array(lines))
        return "no list of identities";
    if (json_array_size(lines) > SV_SES_PAGE_MAX)
        return "more identities than were asked for";
    if (!sv_ses_list_token(reply, page->next_token))
        return "a NextToken that cannot be one";
    for (size_t i = 0; i < json_array_size(lines); i++) {
        if (!json_is_object(json_array_get(lines, i)))
            return "an identity that is no object";
        read_line(json_array_get(lines, i), &page->listed[i]);
    }
    page->count = json_array_size(lines);
    return NULL;
}
