#include "wire_webhook.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "config_sinks.h"
#include "sv/require.h"
#include "sv/webhook.h"
#include "wire_sink_kinds.h"

enum { SECRET_BYTES = 512, URL_BYTES = 2048 };

/* One key a line, at most two: the new one first while consumers change over. */
static bool read_keys(const char *text, struct sv_webhook_options *out)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\r\n");

        if (out->keys_count == SV_WEBHOOK_KEYS_MAX ||
            !sv_webhook_key_parse(text, len, &out->keys[out->keys_count++]))
            return false;
        text += len;
        text += strspn(text, "\r\n");
    }
    return out->keys_count > 0;
}

static enum sv_err read_signing_keys(const struct sv_wire *wire,
                                     const struct sv_config_sink *config,
                                     struct sv_webhook_options *out, struct sv_errinfo *info)
{
    char text[SECRET_BYTES];
    enum sv_err err = sv_sink_secret_read(wire, config, text, sizeof(text), info);

    if (err != SV_OK)
        return err;
    if (text[0] == '\0')
        return sv_err_set(info, SV_EINVALID, "sink", 0,
                          "sink %s: a webhook needs secret_file, whose key signs what is sent",
                          config->name);
    if (!read_keys(text, out))
        err = sv_err_set(info, SV_EDENIED, "sink", 0,
                         "sink %s: its secret is no whsec_ and base64 of 24 to 64 bytes, one or "
                         "two lines of it",
                         config->name);
    OPENSSL_cleanse(text, sizeof(text));
    return err;
}

/* What the secret is, only that file may tell: no message quotes it. */
static enum sv_err read_url(const struct sv_wire *wire, const struct sv_config_sink *config,
                            char url[URL_BYTES], struct sv_errinfo *info)
{
    enum sv_err err = sv_sink_secret_read(wire, config, url, URL_BYTES, info);

    if (err == SV_OK && url[0] == '\0')
        return sv_err_set(info, SV_EINVALID, "sink", 0,
                          "sink %s: a webhook needs url, or secret_file with it", config->name);
    return err;
}

static void read_lists(const struct sv_config_sink *config, struct sv_webhook_options *out)
{
    SV_REQUIRE(config->allow_addresses.count <= SV_WEBHOOK_ALLOWED_MAX);
    SV_REQUIRE(config->ports.count <= SV_WEBHOOK_PORTS_MAX);
    for (size_t i = 0; i < config->allow_addresses.count; i++) {
        if (sv_network_parse(config->allow_addresses.items[i], &out->allowed[out->allowed_count]))
            out->allowed_count++;
    }
    for (size_t i = 0; i < config->ports.count; i++)
        out->ports[out->ports_count++] = (uint16_t)strtoul(config->ports.items[i], NULL, 10);
}

enum sv_err sv_webhook_open(struct sv_wire *wire, const struct sv_config_sink *config,
                            struct sv_sink **out, struct sv_errinfo *info)
{
    struct sv_webhook_options options = {
        .loop = wire->options.loop,
        .clock = wire->options.clock,
        .name = config->name,
        .url = config->url,
        .ca_file = config->ca_file,
        .timeout_ms = config->timeout_ms,
        .parallel = config->parallel * wire->options.config->redis.shards,
    };
    char url[URL_BYTES] = "";
    enum sv_err err = SV_OK;

    read_lists(config, &options);
    if (config->format == SV_SINK_FORMAT_CLOUDEVENT)
        err = read_signing_keys(wire, config, &options, info);
    if (sv_config_sink_url_is_secret(config)) {
        err = read_url(wire, config, url, info);
        options.url = url;
    }
    if (err == SV_OK)
        err = sv_webhook_new(&options, out, info);
    OPENSSL_cleanse(options.keys, sizeof(options.keys));
    OPENSSL_cleanse(url, sizeof(url));
    return err;
}
