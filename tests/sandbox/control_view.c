#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "sv/alloc.h"
#include "sv/json.h"

/* What the control port shows of identities, and the zone. */

static void set_instant(json_t *object, const char *key, sv_ms instant)
{
    char text[SV_TIME_TEXT_BYTES];

    sv_json_set_str(object, key, instant == 0 ? NULL : sv_time_format(instant, text));
}

static json_t *tokens_of(const struct sb_identity *identity)
{
    json_t *tokens = sv_json_array();
    char token[SB_TOKEN_BYTES];

    for (unsigned i = 0; i < SB_TOKENS; i++) {
        sb_identity_token(identity, i, token);
        sv_json_append(tokens, json_string(token));
    }
    return tokens;
}

json_t *sb_control_identity_json(const struct sb_identity *identity)
{
    const struct sb_store *store = identity->store;
    bool custom = identity->mail_from_domain[0] != 0;
    char ownership[SB_OWNERSHIP_BYTES], zone[SV_NAME_BYTES];
    json_t *out = sv_json_object();

    sb_ownership_token(store->account, store->region, identity->name, ownership);
    sb_identity_zone(identity, zone);
    sv_json_set_str(out, "account", store->account);
    sv_json_set_str(out, "region", store->region);
    sv_json_set_str(out, "name", identity->name);
    sv_json_set_bool(out, "is_domain", identity->is_domain);
    sv_json_set_str(out, "identity", sb_status_v1(identity->identity.status));
    sv_json_set_str(out, "dkim", sb_status_v1(identity->dkim.status));
    sv_json_set_str(out, "mail_from", custom ? sb_status_v1(identity->mail_from.status) : NULL);
    sv_json_set_str(out, "mail_from_domain", custom ? identity->mail_from_domain : NULL);
    sv_json_set_bool(out, "reject_on_mx_failure", identity->reject_on_mx_failure);
    sv_json_set_bool(out, "signing", identity->signing_enabled);
    sv_json_set_bool(out, "may_send", sb_identity_may_send(identity));
    sv_json_set_bool(out, "watched", sb_identity_is_watched(identity));
    sv_json_set(out, "tokens", tokens_of(identity));
    sv_json_set_str(out, "zone", zone);
    sv_json_set_str(out, "ownership_token", ownership);
    set_instant(out, "last_checked", identity->last_checked);
    set_instant(out, "last_success", identity->last_success);
    sv_json_set_str(out, "error_type", identity->error_type);
    return out;
}

void sb_control_state(struct sb_control *control)
{
    const struct sandbox *sandbox = control->sandbox;
    json_t *list = sv_json_array();

    control->output = sv_json_object();
    set_instant(control->output, "virtual_now", sb_clock_virtual(&sandbox->clock));
    sv_json_set_int(control->output, "virtual_now_ms", sb_clock_virtual(&sandbox->clock));
    sv_json_set(control->output, "speed", json_real(sandbox->clock.speed));
    for (size_t i = 0; i < sandbox->stores.map.count; i++) {
        const struct sb_store *store = sandbox->stores.map.entries[i].value;

        for (size_t j = 0; j < store->identities.count; j++)
            sv_json_append(list, sb_control_identity_json(store->identities.entries[j].value));
    }
    sv_json_set(control->output, "identities", list);
}

static void add_line(json_t *list, const char *text)
{
    sv_json_append(list, json_string(text));
}

/* The lines that make SES content with the domain, and those of SES's own zone behind the aliases.
 */
static void add_dkim_lines(json_t *lines, const struct sb_identity *identity, const char *zone,
                           json_t *tokens)
{
    const char *key = sb_dkim_public_key(identity->key_bits, identity->rotation);
    json_t *dkim = sv_json_array(), *keys = sv_json_array();
    char line[1200];
    size_t half = strlen(key) / 2;

    (void)snprintf(line, sizeof line,
                   "%s 900 SOA ns1.amazonses.com hostmaster.amazon.com 1 7200 900 1209600 60",
                   zone);
    add_line(keys, line);
    for (size_t i = 0; i < SB_TOKENS; i++) {
        const char *token = json_string_value(json_array_get(tokens, i));

        (void)snprintf(line, sizeof line, "%s._domainkey.%s 1800 CNAME %s.%s", token,
                       identity->name, token, zone);
        add_line(dkim, line);
        (void)snprintf(line, sizeof line, "%s.%s 1800 TXT \"p=%.*s\" \"%s\"", token, zone,
                       (int)half, key, key + half);
        add_line(keys, line);
    }
    sv_json_set(lines, "dkim", dkim);
    sv_json_set(lines, "keys", keys);
}

static void add_mail_from_lines(json_t *lines, const char *mail_from, const char *region)
{
    json_t *list = sv_json_array();
    char line[1200];

    (void)snprintf(line, sizeof line, "%s 1800 MX 10 feedback-smtp.%s.amazonses.com", mail_from,
                   region);
    add_line(list, line);
    (void)snprintf(line, sizeof line, "%s 1800 TXT \"v=spf1 include:amazonses.com ~all\"",
                   mail_from);
    add_line(list, line);
    sv_json_set(lines, "mail_from", list);
}

/* GET /records/D?mail_from=M: tokens and ready-made zone lines, whether the identity exists or not.
 */
void sb_control_records(struct sb_control *control)
{
    const char *mail_from = sb_form_get(&control->form, "mail_from");
    struct sb_store *store = sb_control_store(control);
    struct sb_identity blank = {.store = store, .is_domain = true, .key_bits = 2048};
    const struct sb_identity *identity;
    char ownership[SB_OWNERSHIP_BYTES], zone[SV_NAME_BYTES], line[1200];
    json_t *tokens, *lines, *list;

    if (control->name == NULL || !sb_domain_is_valid(control->name) ||
        (mail_from != NULL && !sb_domain_is_valid(mail_from))) {
        sb_control_refuse(control, 400, "the path must be /records/ and a domain");
        return;
    }
    identity = sb_identity_find(store, control->name);
    if (identity == NULL) {
        for (size_t i = 0; control->name[i] != 0; i++) {
            char c = control->name[i];

            blank.name[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
        identity = &blank;
    }
    tokens = tokens_of(identity);
    lines = sv_json_object();
    list = sv_json_array();
    sb_ownership_token(store->account, store->region, identity->name, ownership);
    sb_identity_zone(identity, zone);
    add_dkim_lines(lines, identity, zone, tokens);
    (void)snprintf(line, sizeof line, "_amazonses.%s 1800 TXT \"%s\"", identity->name, ownership);
    add_line(list, line);
    sv_json_set(lines, "ownership", list);
    if (mail_from != NULL)
        add_mail_from_lines(lines, mail_from, store->region);
    control->output = sv_json_object();
    sv_json_set(control->output, "tokens", tokens);
    sv_json_set_str(control->output, "zone", zone);
    sv_json_set_str(control->output, "ownership_token", ownership);
    sv_json_set(control->output, "lines", lines);
}

void sb_control_zone_get(struct sb_control *control)
{
    const struct sb_zone *zone = &control->sandbox->zone;
    json_t *list = sv_json_array();

    for (size_t i = 0; i < zone->nodes.count; i++) {
        const struct sb_zone_node *node = zone->nodes.entries[i].value;

        for (size_t j = 0; j < node->count; j++) {
            char *text = ldns_rr2str(node->records[j]);

            if (text != NULL)
                text[strcspn(text, "\n")] = 0;
            sv_json_append(list, json_string(text == NULL ? "" : text));
            free(text);
        }
    }
    control->output = sv_json_object();
    sv_json_set_int(control->output, "records", (long long)zone->records);
    sv_json_set(control->output, "lines", list);
}

/* The strings of an array member as a list; NULL and `ok` false when it is something else. */
static const char **strings_of(const json_t *object, const char *key, size_t *count, bool *ok)
{
    const json_t *array = json_object_get(object, key);
    const char **list = sv_alloc(json_array_size(array) + 1, sizeof *list);

    *count = json_array_size(array);
    *ok = *ok && (array == NULL || json_is_array(array));
    for (size_t i = 0; i < *count; i++) {
        list[i] = json_string_value(json_array_get(array, i));
        *ok = *ok && list[i] != NULL;
    }
    return list;
}

static void change_zone(struct sb_control *control)
{
    struct sb_zone_change change = {0};
    struct sv_errinfo info = {0};
    bool ok = true;
    const char **add = strings_of(control->input, "add", &change.add_count, &ok);
    const char **remove = strings_of(control->input, "remove", &change.remove_count, &ok);

    change.add = add;
    change.remove = remove;
    if (!ok) {
        sb_control_refuse(control, 400, "add and remove must be arrays of lines");
    } else if (sb_zone_change(&control->sandbox->zone, &change, &info) != SV_OK) {
        sb_control_refuse(control, 400, info.text);
    } else {
        control->output = sv_json_object();
        sv_json_set_int(control->output, "added", (long long)change.added);
        sv_json_set_int(control->output, "removed", (long long)change.removed);
        sv_json_set_int(control->output, "records", (long long)control->sandbox->zone.records);
    }
    free(add);
    free(remove);
}

void sb_control_zone_post(struct sb_control *control)
{
    const char *text = sv_json_str(control->input, "text");
    struct sv_errinfo info = {0};

    if (json_is_true(json_object_get(control->input, "reload"))) {
        if (sb_sandbox_reload(control->sandbox, &info) != SV_OK)
            sb_control_refuse(control, 400, info.text);
        return;
    }
    if (text == NULL) {
        change_zone(control);
        return;
    }
    if (sb_zone_replace(&control->sandbox->zone, text, "text", &info) != SV_OK)
        sb_control_refuse(control, 400, info.text);
}
