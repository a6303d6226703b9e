#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "dns_options.h"
#include "exit.h"
#include "setup.h"
#include "sv/aws_ses.h"
#include "sv/aws_settings.h"
#include "sv/redis_store.h"
#include "sv/require.h"
#include "sv/vault.h"
#include "wire_sinks.h"

static int fail(struct sv_wire *wire, int code, const char *event, const struct sv_errinfo *info)
{
    sv_log_failure(wire->options.log, SV_LOG_ERROR, event, NULL, info);
    return code;
}

/* Names. */

/* The consumer's name may stay the same over restarts; the worker's name never does. */
static void name_worker(struct sv_wire *wire)
{
    const char *given = wire->options.config->worker.name;
    char host[65] = "";
    char nonce[13];

    sv_rand_hex(wire->options.rand, nonce, 6);
    if (*given == '\0' && gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    if (*given != '\0')
        (void)snprintf(wire->worker, sizeof(wire->worker), "%s.%s", given, nonce);
    else
        (void)snprintf(wire->worker, sizeof(wire->worker), "%s-%ld.%s",
                       host[0] != '\0' ? host : "worker", (long)getpid(), nonce);
    (void)snprintf(wire->consumer, sizeof(wire->consumer), "%s",
                   *given != '\0' ? given : wire->worker);
}

/* HTTP and DNS. */

static void open_http(struct sv_wire *wire)
{
    struct sv_http_options options = {
        .ca_file = sv_environment_find(wire->options.environment, "AWS_CA_BUNDLE")};

    wire->http = sv_http_new(wire->options.loop, &options);
}

static int open_dns(struct sv_wire *wire)
{
    const struct sv_config *config = wire->options.config;
    struct sv_dns_server servers[SV_DNS_SERVERS_MAX];
    struct sv_dns_settings settings;
    size_t count = config->dns.servers.count;
    bool is_system = count == 0;
    struct sv_errinfo info;

    for (size_t i = 0; i < config->dns.servers.count; i++) {
        if (sv_dns_server_parse(config->dns.servers.items[i], &servers[i], &info) != SV_OK)
            return fail(wire, SV_EXIT_CONFIG, "dns_servers_invalid", &info);
    }
    if (is_system &&
        sv_dns_servers_of_system(NULL, servers, SV_DNS_SERVERS_MAX, &count, &info) != SV_OK)
        return fail(wire, SV_EXIT_CONFIG, "dns_servers_missing", &info);
    sv_dns_settings_read(config, servers, count, &settings);
    settings.dns.rand = wire->options.rand;
    settings.dns.clock = wire->options.clock;
    settings.dns.metrics = wire->options.metrics;
    wire->dns = sv_dns_new(wire->options.loop, &settings.dns);
    settings.resolver.dns = wire->dns;
    settings.resolver.log = wire->options.log;
    settings.resolver.system_path = is_system ? "/etc/resolv.conf" : NULL;
    wire->resolver = sv_dns_resolver_new(wire->options.loop, &settings.resolver);
    return SV_EXIT_OK;
}

/* Accounts. */

/* The context is the environment. */
static const char *find_variable(void *context, const char *name)
{
    return sv_environment_find(context, name);
}

static void *environment_of(const struct sv_wire_options *options)
{
    return (void *)(uintptr_t)options->environment; /* nobody writes there */
}

static void on_found(void *context, enum sv_err err, const struct sv_errinfo *info)
{
    struct sv_wire_keys *keys = context;

    keys->err = err;
    if (err != SV_OK)
        keys->info = *info;
    keys->wire->keys_awaited--;
    uv_stop(keys->wire->options.loop); /* or the turn would go on to wait for something else */
}

static bool is_wanted(const struct sv_wire *wire, const struct sv_config_account *account)
{
    const char *only = wire->options.only_account;

    return only == NULL || strcmp(only, account->name) == 0;
}

static struct sv_keeper_options keeper_options(const struct sv_wire_options *options,
                                               const struct sv_config_account *account)
{
    return (struct sv_keeper_options){
        .clock = options->clock,
        .rand = options->rand,
        .log = options->log,
        .env = find_variable,
        .env_context = environment_of(options),
        .account = account->name,
        .region = account->region,
        .profile = account->profile,
        .role_arn = account->role_arn,
        .external_id = account->external_id,
        .role_session_name = account->role_session_name,
    };
}

bool sv_wire_needs_programs(const struct sv_wire_options *options)
{
    bool needs = false;

    for (size_t i = 0; i < options->config->accounts_count && !needs; i++) {
        struct sv_keeper_options of = keeper_options(options, &options->config->accounts[i]);

        needs = sv_keeper_needs_program(&of);
    }
    for (size_t i = 0; i < options->config->sinks_count && !needs; i++)
        needs = strcmp(sv_sink_kinds[options->config->sinks[i].kind], "exec") == 0;
    return needs;
}

static void open_keeper(struct sv_wire *wire, const struct sv_config_account *account)
{
    struct sv_wire_keys *keys = &wire->keys[wire->keys_count++];
    struct sv_keeper_options options = keeper_options(&wire->options, account);

    options.http = wire->http;
    keys->wire = wire;
    keys->account = account;
    keys->keeper = sv_keeper_new(&options, on_found, keys);
    wire->keys_awaited++;
}

/* All at the same time, so that one slow source does not add to another. Every search has its own
 * deadlines. */
static void find_keys(struct sv_wire *wire)
{
    for (size_t i = 0; i < wire->options.config->accounts_count; i++) {
        const struct sv_config_account *account = &wire->options.config->accounts[i];

        if (is_wanted(wire, account))
            open_keeper(wire, account);
    }
    while (wire->keys_awaited > 0)
        (void)uv_run(wire->options.loop, UV_RUN_ONCE);
}

/* The account's own, then the service's, then the general one (AWS SDK reference, "Service-specific
 * endpoints"); AWS_IGNORE_CONFIGURED_ENDPOINT_URLS switches the environment's off. */
static const char *endpoint_of(const struct sv_wire *wire, const struct sv_config_account *account,
                               const char *service)
{
    char *const *environment = wire->options.environment;
    const char *ignore = sv_environment_find(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    const char *url;

    if (*account->endpoint_url != '\0')
        return account->endpoint_url;
    if (ignore != NULL && strcmp(ignore, "true") == 0)
        return NULL;
    url = sv_environment_find(environment, service);
    return url != NULL ? url : sv_environment_find(environment, "AWS_ENDPOINT_URL");
}

static void renew_keys(void *context)
{
    sv_keeper_renew(context);
}

static int open_account(struct sv_wire *wire, size_t index)
{
    const struct sv_config_account *account = wire->keys[index].account;
    struct sv_account *out = &wire->accounts[index];
    struct sv_aws_ses_options options = {
        .http = wire->http,
        .clock = wire->options.clock,
        .log = wire->options.log,
        .region = account->region,
        .endpoint_v1 = endpoint_of(wire, account, "AWS_ENDPOINT_URL_SES"),
        .endpoint_v2 = endpoint_of(wire, account, "AWS_ENDPOINT_URL_SESV2"),
        .credentials = sv_keeper_keys(wire->keys[index].keeper),
    };
    const struct sv_wire_keys *keys = &wire->keys[index];
    struct sv_aws_settings settings;
    struct sv_errinfo info;

    if (keys->err != SV_OK) {
        (void)sv_err_set(&info, keys->err, "credentials", keys->info.native, "account %s: %s",
                         account->name, keys->info.text);
        return fail(wire, sv_err_is_temporary(keys->err) ? SV_EXIT_UNAVAILABLE : SV_EXIT_DENIED,
                    "credentials_missing", &info);
    }
    *out = (struct sv_account){
        .name = account->name,
        .region = account->region,
        .setup = &wire->setups[index].setup,
        .rate_millihertz = account->rate_millihertz,
        .reputation_every_ms = account->reputation ? account->reputation_every_ms : 0,
        .principal = wire->keys[index].principal.arn,
    };
    sv_account_setup_init(&wire->setups[index], account);
    if (sv_aws_settings_load(account->profile, find_variable, environment_of(&wire->options),
                             &settings, &info) != SV_OK)
        return fail(wire, SV_EXIT_CONFIG, "aws_settings_invalid", &info);
    out->attempts_max = settings.attempts_max;
    options.use_fips = settings.use_fips;
    options.use_dual_stack = settings.use_dual_stack;
    if (sv_aws_ses_new(&options, &out->ses, &info) != SV_OK)
        return fail(wire, SV_EXIT_CONFIG, "ses_endpoint_invalid", &info);
    out->renew_keys = renew_keys;
    out->renew_context = wire->keys[index].keeper;
    wire->accounts_count = index + 1;
    sv_log_line(wire->options.log, SV_LOG_INFO, "account_ready", "credentials found",
                SV_LOG_STR("account", account->name), SV_LOG_STR("region", account->region),
                SV_LOG_STR("source", options.credentials->source),
                SV_LOG_STR("endpoint", options.endpoint_v1));
    return SV_EXIT_OK;
}

static void on_principal(struct sv_principal *principal, enum sv_err err)
{
    const struct sv_wire_keys *keys = principal->owner;
    struct sv_log *log = keys->wire->options.log;

    if (err == SV_OK)
        sv_log_line(log, SV_LOG_INFO, "account_identity", "these credentials belong to",
                    SV_LOG_STR("account", keys->account->name),
                    SV_LOG_STR("aws_account", principal->account),
                    SV_LOG_STR("principal", principal->arn));
    else if (err != SV_ECANCELED)
        sv_log_line(log, SV_LOG_WARN, "account_identity_unknown", principal->info.text,
                    SV_LOG_STR("account", keys->account->name),
                    SV_LOG_STR("error_code", sv_err_name(err)));
}

/* Keys for a stand-in mean nothing to the real STS, and are none of its business. */
static bool is_worth_asking(const struct sv_wire *wire, const struct sv_config_account *account)
{
    return endpoint_of(wire, account, "AWS_ENDPOINT_URL_SESV2") == NULL ||
           sv_environment_find(wire->options.environment, "AWS_ENDPOINT_URL_STS") != NULL ||
           sv_environment_find(wire->options.environment, "AWS_ENDPOINT_URL") != NULL;
}

void sv_wire_ask_principals(struct sv_wire *wire)
{
    for (size_t i = 0; wire->options.config->worker.probe && i < wire->accounts_count; i++) {
        struct sv_wire_keys *keys = &wire->keys[i];
        struct sv_principal_ask ask = {.http = wire->http,
                                       .clock = wire->options.clock,
                                       .keys = sv_keeper_keys(keys->keeper),
                                       .skew_ms = sv_keeper_skew_ms(keys->keeper),
                                       .region = keys->account->region,
                                       .env = find_variable,
                                       .env_context = environment_of(&wire->options)};
        enum sv_err err;

        keys->principal.owner = keys;
        if (!is_worth_asking(wire, keys->account))
            continue;
        err = sv_principal_start(&keys->principal, &ask, on_principal);
        if (err != SV_OK)
            on_principal(&keys->principal, err);
    }
}

void sv_wire_renew_credentials(struct sv_wire *wire)
{
    for (size_t i = 0; i < wire->keys_count; i++)
        sv_keeper_renew(wire->keys[i].keeper);
}

/* Redis and the driver. */

static int open_store(struct sv_wire *wire)
{
    const struct sv_config *config = wire->options.config;
    struct sv_redis_store_options options = {
        .prefix = config->redis.prefix,
        .shards = config->redis.shards,
        .consumer = wire->consumer,
        .has_sinks = config->sinks_count > 0,
        .refuse_unsafe = config->redis.unsafe_server == SV_UNSAFE_SERVER_REFUSE,
    };
    int code = sv_redis_access_open(&wire->redis_access, config, wire->options.environment,
                                    &options.redis, &options.place);

    if (code != SV_EXIT_OK)
        return code;
    options.redis.log = wire->options.log;
    options.redis.rand = wire->options.rand;
    sv_redis_place_describe(&options.redis.address, &options.place, wire->redis_address,
                            sizeof(wire->redis_address));
    wire->store = sv_redis_store_new(wire->options.loop, &options, wire->options.on_redis,
                                     wire->options.context);
    OPENSSL_cleanse(&options.redis.address, sizeof(options.redis.address));
    return SV_EXIT_OK;
}

static void write_plan_line(void *context, const char *line)
{
    (void)fprintf(context, "%s\n", line);
}

static int open_plan_trace(struct sv_wire *wire)
{
    const char *path = wire->options.config->worker.plan_trace;

    if (path[0] == '\0')
        return SV_EXIT_OK;
    wire->plan_trace = fopen(path, "we");
    if (wire->plan_trace != NULL)
        return SV_EXIT_OK;
    sv_log_line(wire->options.log, SV_LOG_ERROR, "plan_trace_unwritable",
                "worker.plan_trace cannot be written", SV_LOG_STR("file", path),
                SV_LOG_STR("why", strerror(errno)));
    return SV_EXIT_IO;
}

static void open_drive(struct sv_wire *wire)
{
    const struct sv_config *config = wire->options.config;
    struct sv_drive_options options = {
        .loop = wire->options.loop,
        .store = wire->store,
        .resolver = wire->resolver,
        .accounts = wire->accounts,
        .accounts_count = wire->accounts_count,
        .policy = config->policy,
        .limits = config->limits,
        .rules = {.allow_special_use = config->domains.allow_special_use,
                  .restricted = (const char *const *)config->domains.restricted.items},
        .allow_overlap = config->domains.overlap == SV_OVERLAP_ALLOW,
        .dmarc_policy = config->records.dmarc,
        .is_feedback_host = sv_aws_ses_is_feedback_host,
        .worker = wire->worker,
        .shards = config->redis.shards,
        .inflight_max = config->worker.inflight_max,
        .lease_ms = config->worker.lease_ms,
        .poll_ms = config->worker.poll_ms,
        .greets = config->worker.probe,
        .deaths_max = config->worker.deaths_max,
        .crash_wait_ms = config->worker.crash_wait_ms,
        .reclaim_ms = config->worker.reclaim_ms,
        .heartbeat_ms = config->worker.heartbeat_ms,
        .routes = wire->routes,
        .routes_count = wire->sinks_count,
        .events_keep_ms = config->events.retention_ms,
        .dns_ms = config->worker.dns_ms,
        .log = wire->options.log,
        .metrics = wire->options.metrics,
        .rand = wire->options.rand,
        .clock = wire->options.clock,
        .sweep_every_ms = config->sweep_every_ms,
        .sweep_domains_min = config->sweep_domains_min,
        .plan_trace = wire->plan_trace == NULL ? NULL : write_plan_line,
        .plan_trace_context = wire->plan_trace,
    };

    wire->drive = sv_drive_new(&options);
}

int sv_wire_open(struct sv_wire *wire, const struct sv_wire_options *options)
{
    bool whole = options->only_account == NULL;
    int code = SV_EXIT_OK;

    *wire = (struct sv_wire){.options = *options};
    name_worker(wire);
    open_http(wire);
    if (whole)
        code = open_dns(wire);
    if (code == SV_EXIT_OK)
        find_keys(wire);
    for (size_t i = 0; code == SV_EXIT_OK && i < wire->keys_count; i++)
        code = open_account(wire, i);
    if (code == SV_EXIT_OK && whole)
        code = open_store(wire);
    if (code == SV_EXIT_OK && whole)
        code = sv_wire_sinks_open(wire);
    if (code == SV_EXIT_OK && whole)
        code = open_plan_trace(wire);
    if (code == SV_EXIT_OK && whole)
        open_drive(wire);
    return code;
}

/* The end: each part is closed when those that use it are gone. */

static void finish(void *context)
{
    struct sv_wire *wire = context;

    for (size_t i = 0; i < SV_ACCOUNTS_MAX; i++)
        sv_account_setup_fini(&wire->setups[i]);
    wire->closed(wire->closed_context);
}

static void close_http(void *context)
{
    struct sv_wire *wire = context;

    sv_http_close(wire->http, finish, wire);
}

static void on_keeper_closed(void *context)
{
    struct sv_wire *wire = context;

    if (++wire->keys_closed == wire->keys_count)
        close_http(wire);
}

static void close_keys(void *context)
{
    struct sv_wire *wire = context;
    size_t count = wire->keys_count;

    for (size_t i = 0; i < count; i++)
        sv_keeper_close(wire->keys[i].keeper, on_keeper_closed, wire);
    if (count == 0)
        close_http(wire);
}

static void close_dns(void *context)
{
    struct sv_wire *wire = context;

    if (wire->dns != NULL)
        sv_dns_close(wire->dns, close_keys, wire);
    else
        close_keys(wire);
}

static void close_resolver(void *context)
{
    struct sv_wire *wire = context;

    wire->store = NULL;
    sv_redis_access_close(&wire->redis_access);
    if (wire->resolver != NULL)
        sv_resolver_close(wire->resolver, close_dns, wire);
    else
        close_dns(wire);
}

static void close_store(struct sv_wire *wire)
{
    if (wire->store != NULL)
        sv_store_close(wire->store, close_resolver, wire);
    else
        close_resolver(wire);
}

static void on_ses_closed(void *context)
{
    struct sv_wire *wire = context;

    if (++wire->ses_closed == wire->accounts_count)
        close_store(wire);
}

static void close_accounts(void *context)
{
    struct sv_wire *wire = context;
    size_t count = wire->accounts_count;

    for (size_t i = 0; i < count; i++)
        sv_ses_close(wire->accounts[i].ses, on_ses_closed, wire);
    if (count == 0)
        close_store(wire);
}

static void close_sinks(void *context)
{
    struct sv_wire *wire = context;

    bool are_closed = wire->drive != NULL; /* it has closed them with itself */

    wire->drive = NULL;
    for (size_t i = 0; i < SV_SINKS_MAX; i++)
        sv_vault_free(wire->messages[i].routing_key, SV_ROUTING_KEY_BYTES);
    if (wire->plan_trace != NULL)
        (void)fclose(wire->plan_trace);
    if (are_closed)
        close_accounts(wire);
    else
        sv_wire_sinks_close(wire, close_accounts);
}

void sv_wire_close(struct sv_wire *wire, sv_wire_closed_fn *closed, void *context)
{
    SV_REQUIRE(wire->closed == NULL);
    wire->closed = closed;
    wire->closed_context = context;
    if (wire->drive != NULL)
        sv_drive_close(wire->drive, close_sinks, wire);
    else
        close_sinks(wire);
}
