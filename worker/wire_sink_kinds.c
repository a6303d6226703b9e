#include "wire_sink_kinds.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "secret.h"
#include "sv/aws_settings.h"
#include "sv/aws_sink.h"
#include "sv/exec_sink.h"
#include "sv/redis_sink.h"
#include "sv/redis_tls.h"
#include "sv/require.h"
#include "sv/stdout_sink.h"
#include "sv/vault.h"

static const char *find_variable(void *context, const char *name)
{
    const struct sv_wire *wire = context;

    return sv_environment_find(wire->options.environment, name);
}

enum sv_err sv_sink_secret_read(const struct sv_wire *wire, const struct sv_config_sink *config,
                                char *out, size_t bytes, struct sv_errinfo *info)
{
    char id[SV_SINK_NAME_BYTES + 8], path[SV_SECRET_PATH_BYTES];

    out[0] = '\0';
    (void)snprintf(id, sizeof(id), "sink_%s", config->name);
    if (!sv_secret_find(wire->options.environment, id, config->secret_file, path))
        return SV_OK;
    return sv_secret_read(path, out, bytes, info);
}

/* --- sns, sqs, eventbridge --- */

/* The section's own, then the service's variable, then the general one, as for SES; the account's
 * endpoint_url is that of SES. */
static const char *endpoint_of(struct sv_wire *wire, const struct sv_config_sink *config)
{
    static const struct {
        const char *kind, *variable;
    } services[] = {{"sns", "AWS_ENDPOINT_URL_SNS"},
                    {"sqs", "AWS_ENDPOINT_URL_SQS"},
                    {"eventbridge", "AWS_ENDPOINT_URL_EVENTBRIDGE"}};
    const char *ignore = find_variable(wire, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    const char *url = NULL;

    if (*config->endpoint_url != '\0')
        return config->endpoint_url;
    if (ignore != NULL && strcmp(ignore, "true") == 0)
        return NULL;
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (strcmp(services[i].kind, sv_sink_kinds[config->kind]) == 0)
            url = find_variable(wire, services[i].variable);
    }
    return url != NULL ? url : find_variable(wire, "AWS_ENDPOINT_URL");
}

static const struct sv_wire_keys *find_keys(const struct sv_wire *wire, const char *account)
{
    for (size_t i = 0; i < wire->keys_count; i++) {
        if (strcmp(wire->keys[i].account->name, account) == 0)
            return &wire->keys[i];
    }
    return NULL;
}

enum sv_err sv_aws_sink_open(struct sv_wire *wire, const struct sv_config_sink *config,
                             struct sv_sink **out, struct sv_errinfo *info)
{
    const struct sv_wire_keys *keys = find_keys(wire, config->account);
    const char *kind = sv_sink_kinds[config->kind];
    bool is_bus = strcmp(kind, "eventbridge") == 0;
    const char *bus = *config->bus != '\0' ? config->bus : "default";
    struct sv_aws_settings settings;
    enum sv_err err;

    if (keys == NULL)
        return sv_err_set(info, SV_EINVALID, "sink", 0, "sink %s: there is no [account %s]",
                          config->name, config->account);
    err = sv_aws_settings_load(keys->account->profile, find_variable, wire, &settings, info);
    if (err != SV_OK)
        return err;
    return sv_aws_sink_new(
        &(struct sv_aws_sink_options){
            .name = config->name,
            .kind = kind,
            .target = is_bus                     ? bus
                      : strcmp(kind, "sqs") == 0 ? config->queue_url
                                                 : config->topic_arn,
            .region = *config->region != '\0' ? config->region : keys->account->region,
            .http = wire->http,
            .clock = wire->options.clock,
            .log = wire->options.log,
            .credentials = sv_keeper_keys(keys->keeper),
            .endpoint_url = endpoint_of(wire, config),
            .use_fips = settings.use_fips,
            .use_dual_stack = settings.use_dual_stack,
            .total_ms = config->timeout_ms,
        },
        out, info);
}

/* --- redis --- */

enum sv_err sv_redis_sink_open(struct sv_wire *wire, const struct sv_config_sink *config,
                               struct sv_sink **out, struct sv_errinfo *info)
{
    struct sv_redis_options redis = {.client_name = "sesverify-sink",
                                     .command_ms = config->timeout_ms,
                                     .log = wire->options.log,
                                     .rand = wire->options.rand};
    struct sv_redis_sink_options options = {.name = config->name,
                                            .redis = &redis,
                                            .loop = wire->options.loop,
                                            .stream = config->stream,
                                            .entries_max = config->stream_entries};
    enum sv_err err = sv_redis_address_parse(config->url, &redis.address, info);

    if (err == SV_OK && redis.address.password[0] != '\0')
        err = sv_err_set(info, SV_EINVALID, "sink", 0,
                         "sink %s: the password stands in url; put it into secret_file",
                         config->name);
    if (err == SV_OK)
        err = sv_sink_secret_read(wire, config, redis.address.password,
                                  sizeof(redis.address.password), info);
    if (err == SV_OK && redis.address.tls)
        options.tls = sv_redis_tls_new(&(struct sv_redis_tls_settings){.ca_file = config->ca_file});
    if (err == SV_OK)
        *out = sv_redis_sink_new(&options);
    OPENSSL_cleanse(&redis.address, sizeof(redis.address));
    return err;
}

/* --- exec, stdout --- */

enum sv_err sv_exec_sink_open(struct sv_wire *wire, const struct sv_config_sink *config,
                              struct sv_sink **out, struct sv_errinfo *info)
{
    enum sv_err err =
        sv_exec_sink_new(&(struct sv_exec_sink_options){.name = config->name,
                                                        .loop = wire->options.loop,
                                                        .log = wire->options.log,
                                                        .command = config->command,
                                                        .answer_ms = config->timeout_ms},
                         out, info);

    if (err != SV_OK) /* a line that cannot be split is a matter of the configuration */
        return sv_err_set(info, SV_EINVALID, "sink", 0, "sink %s: command: %s", config->name,
                          info->text);
    return SV_OK;
}

enum sv_err sv_stdout_sink_open(struct sv_wire *wire, const struct sv_config_sink *config,
                                struct sv_sink **out, struct sv_errinfo *info)
{
    (void)info;
    *out = sv_stdout_sink_new(&(struct sv_stdout_sink_options){
        .name = config->name, .loop = wire->options.loop, .fd = 1});
    return SV_OK;
}

/* --- formats --- */

enum sv_err sv_sink_messages_open(struct sv_wire *wire, size_t index, struct sv_errinfo *info)
{
    static const enum sv_sink_message kinds[] = {
        [SV_SINK_FORMAT_PAGERDUTY] = SV_SINK_MESSAGE_PAGERDUTY,
        [SV_SINK_FORMAT_SLACK] = SV_SINK_MESSAGE_SLACK,
        [SV_SINK_FORMAT_ALERTMANAGER] = SV_SINK_MESSAGE_ALERTMANAGER,
    };
    const struct sv_config_sink *config = &wire->options.config->sinks[index];
    struct sv_wire_messages *messages = &wire->messages[index];
    enum sv_err err = SV_OK;

    if (config->format == SV_SINK_FORMAT_CLOUDEVENT)
        return SV_OK;
    if (config->format == SV_SINK_FORMAT_PAGERDUTY) {
        messages->routing_key = sv_vault_alloc(SV_ROUTING_KEY_BYTES);
        err = sv_sink_secret_read(wire, config, messages->routing_key, SV_ROUTING_KEY_BYTES, info);
        if (err == SV_OK && messages->routing_key[0] == '\0')
            err = sv_err_set(info, SV_EINVALID, "sink", 0,
                             "sink %s: pagerduty needs its routing key, see secret_file",
                             config->name);
    }
    messages->facts.routing_key = messages->routing_key;
    messages->facts.kind = kinds[config->format];
    messages->recipe = sv_sink_message_recipe(&messages->facts);
    return err;
}
