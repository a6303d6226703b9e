#include "config_check.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "account_setup.h"
#include "config_sinks.h"
#include "sv/alloc.h"
#include "sv/dns.h"
#include "sv/name.h"
#include "sv/records.h"
#include "sv/redis_place.h"
#include "sv/require.h"

enum { WHERE_BYTES = 256 };

static const struct sv_origin *origin_of(const struct sv_config *config, const char *section,
                                         const char *key)
{
    for (size_t i = 0; sv_settings[i].section != NULL; i++) {
        if (strcmp(sv_settings[i].section, section) == 0 && strcmp(sv_settings[i].key, key) == 0)
            return &config->origins[i];
    }
    SV_REQUIRE(false);
    return NULL;
}

void sv_origin_write(const struct sv_config *config, const struct sv_origin *origin, char *out,
                     size_t bytes)
{
    switch (origin->kind) {
    case SV_ORIGIN_BUILT_IN:
        (void)snprintf(out, bytes, "built-in");
        return;
    case SV_ORIGIN_FILE:
        (void)snprintf(out, bytes, "%s:%u", config->file, origin->line);
        return;
    case SV_ORIGIN_ENVIRONMENT:
        (void)snprintf(out, bytes, "environment");
        return;
    case SV_ORIGIN_FLAG:
        (void)snprintf(out, bytes, "flag");
        return;
    }
}

/* "FILE:12" or "environment", for a message about a setting. */
static const char *where_of(const struct sv_config *config, const char *section, const char *key,
                            char out[WHERE_BYTES])
{
    sv_origin_write(config, origin_of(config, section, key), out, WHERE_BYTES);
    return out;
}

static void check_user(const struct sv_config *config, const struct sv_redis_address *address,
                       struct sv_problems *problems)
{
    char where[WHERE_BYTES];

    if (*config->redis.user != '\0' && address->user[0] != '\0' &&
        strcmp(config->redis.user, address->user) != 0)
        sv_problems_add(problems, false, where_of(config, "redis", "user", where),
                        "redis.user: redis.url names another user");
}

/* Whoever wrote these believes that nothing goes out in the clear. */
static void check_tls(const struct sv_config *config, bool is_on, struct sv_problems *problems)
{
    const struct {
        const char *key, *value;
    } rows[] = {
        {"tls_ca_file", config->redis.tls_ca_file},
        {"tls_cert_file", config->redis.tls_cert_file},
        {"tls_key_file", config->redis.tls_key_file},
        {"tls_server_name", config->redis.tls_server_name},
    };
    char where[WHERE_BYTES];

    for (size_t i = 0; !is_on && i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (*rows[i].value != '\0')
            sv_problems_add(problems, false, where_of(config, "redis", rows[i].key, where),
                            "redis.%s: redis.url does not begin with rediss://, so there is no TLS",
                            rows[i].key);
    }
    if (is_on && *config->redis.tls_key_file != '\0' && *config->redis.tls_cert_file == '\0')
        sv_problems_add(problems, false, where_of(config, "redis", "tls_key_file", where),
                        "redis.tls_key_file: needs redis.tls_cert_file");
}

static void check_redis(const struct sv_config *config, struct sv_problems *problems)
{
    char where[WHERE_BYTES];
    struct sv_redis_address address = {0};
    struct sv_redis_place place;
    struct sv_errinfo info = {0};
    enum sv_origin_kind origin = origin_of(config, "redis", "url")->kind;

    (void)where_of(config, "redis", "url", where);
    if (sv_redis_place_parse(config->redis.url, &address, &place, &info) != SV_OK)
        sv_problems_add(problems, false, where, "redis.url: %s", info.text);
    else if (address.password[0] != '\0' && origin != SV_ORIGIN_ENVIRONMENT)
        sv_problems_add(problems, false, where,
                        "redis.url: a password belongs neither in the file nor on the command "
                        "line; use redis.password_file");
    else if (address.password[0] != '\0')
        sv_problems_add(problems, true, where,
                        "redis.url: holds a password; redis.password_file is better");
    check_user(config, &address, problems);
    check_tls(config, address.tls, problems);
    OPENSSL_cleanse(&address, sizeof(address));
    if ((config->redis.shards & (config->redis.shards - 1)) != 0)
        sv_problems_add(problems, false, where_of(config, "redis", "shards", where),
                        "redis.shards: %u is not a power of two", config->redis.shards);
    if (strpbrk(config->redis.prefix, "{} \t") != NULL)
        sv_problems_add(problems, false, where_of(config, "redis", "prefix", where),
                        "redis.prefix: '{', '}' and blanks cannot be part of it");
}

static void check_addresses(const struct sv_config *config, const char *key,
                            const struct sv_text_list *list, struct sv_problems *problems)
{
    for (size_t i = 0; i < list->count; i++) {
        struct sv_dns_server server;
        struct sv_errinfo info = {0};
        char where[WHERE_BYTES];

        if (sv_dns_server_parse(list->items[i], &server, &info) != SV_OK)
            sv_problems_add(problems, false, where_of(config, "dns", key, where), "dns.%s: %s", key,
                            info.text);
    }
}

static void check_restricted(struct sv_config *config, struct sv_problems *problems)
{
    struct sv_text_list *list = &config->domains.restricted;

    for (size_t i = 0; i < list->count; i++) {
        char name[SV_NAME_BYTES];
        struct sv_errinfo info = {0};
        char where[WHERE_BYTES];

        if (sv_name_normalize(list->items[i], strlen(list->items[i]), name, &info) != SV_OK) {
            sv_problems_add(problems, false, where_of(config, "domains", "restricted", where),
                            "domains.restricted: %s", info.text);
            continue;
        }
        free(list->items[i]);
        list->items[i] = sv_strdup(name);
    }
}

static void check_order(const struct sv_config *config, struct sv_problems *problems)
{
    const struct {
        const char *section, *less_key, *more_key;
        sv_ms less, more;
    } pairs[] = {
        {"schedule", "floor", "cap", config->policy.floor_ms, config->policy.cap_ms},
        {"schedule", "fault_first", "fault_cap", config->policy.fault_first_ms,
         config->policy.fault_cap_ms},
        {"dns", "try_timeout", "query_timeout", config->dns.try_timeout_ms,
         config->dns.query_timeout_ms},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char where[WHERE_BYTES];
        const char *section = pairs[i].section;

        if (pairs[i].less <= pairs[i].more)
            continue;
        /* Tell the line that was written; a built-in value is nobody's mistake. */
        (void)where_of(config, section, pairs[i].less_key, where);
        if (origin_of(config, section, pairs[i].less_key)->kind == SV_ORIGIN_BUILT_IN)
            (void)where_of(config, section, pairs[i].more_key, where);
        sv_problems_add(problems, false, where, "%s.%s is longer than %s.%s", section,
                        pairs[i].less_key, section, pairs[i].more_key);
    }
}

static bool is_region(const char *region)
{
    size_t len = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return len == strlen(region);
}

static void check_accounts(const struct sv_config *config, struct sv_problems *problems)
{
    for (size_t i = 0; i < config->accounts_count; i++) {
        const struct sv_config_account *account = &config->accounts[i];
        const char *url = account->endpoint_url;
        char where[WHERE_BYTES];

        if (!is_region(account->region)) {
            sv_origin_write(config, &account->origins[0], where, sizeof(where));
            sv_problems_add(problems, false, where, "account %s: '%.40s' is no region",
                            account->name, account->region);
        }
        (void)snprintf(where, sizeof(where), "[account %s]", account->name);
        if (*url != '\0' && strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
            sv_problems_add(problems, false, where,
                            "endpoint_url: '%.80s' begins with neither https:// nor http://", url);
        sv_account_setup_check(account, where, problems);
    }
}

static void check_dmarc(const struct sv_config *config, struct sv_problems *problems)
{
    char where[WHERE_BYTES];

    if (strncmp(config->records.dmarc, "v=DMARC1", 8) != 0)
        sv_problems_add(
            problems, false, where_of(config, "records", "dmarc", where),
            "records.dmarc: a DMARC policy begins with v=DMARC1 (RFC 7489 section 6.3)");
}

void sv_config_check(struct sv_config *config, struct sv_problems *problems)
{
    check_redis(config, problems);
    check_addresses(config, "servers", &config->dns.servers, problems);
    check_addresses(config, "root_servers", &config->dns.root_servers, problems);
    check_restricted(config, problems);
    check_order(config, problems);
    check_accounts(config, problems);
    check_dmarc(config, problems);
    sv_config_sinks_check(config, problems);
}

static void announce_test_settings(const struct sv_config *config, struct sv_problems *problems)
{
    if (config->domains.allow_special_use)
        sv_problems_add(problems, true, "domains.allow_special_use",
                        "names for test networks are accepted");
    if (config->dns.allow_private)
        sv_problems_add(problems, true, "dns.allow_private",
                        "authoritative servers at private addresses are asked: for test networks");
    if (config->dns.root_servers.count > 0)
        sv_problems_add(problems, true, "dns.root_servers",
                        "other root servers than the Internet's: for test networks");
    if (config->dns.authority_port != 53)
        sv_problems_add(problems, true, "dns.authority_port",
                        "authoritative servers are asked at port %u: for test networks",
                        config->dns.authority_port);
    if (config->policy.patience_ms < 72 * SV_HOUR)
        sv_problems_add(problems, true, "schedule.patience",
                        "shorter than the 72 hours that SES looks by itself");
    sv_config_sinks_announce(config, problems);
}

void sv_config_check_run(const struct sv_config *config, struct sv_problems *problems,
                         bool as_warnings)
{
    for (size_t i = 0; i < config->accounts_count; i++) {
        const struct sv_config_account *account = &config->accounts[i];
        char where[WHERE_BYTES];

        (void)snprintf(where, sizeof(where), "[account %s]", account->name);
        if (*account->region == '\0')
            sv_problems_add(problems, as_warnings, where,
                            "no region: set it here or in AWS_REGION");
        if (*account->role_arn != '\0' && strncmp(account->role_arn, "arn:", 4) != 0)
            sv_problems_add(problems, as_warnings, where, "role_arn is no ARN");
        if (*account->role_arn == '\0' &&
            (*account->external_id != '\0' || *account->role_session_name != '\0'))
            sv_problems_add(problems, as_warnings, where,
                            "external_id and role_session_name need role_arn");
    }
    announce_test_settings(config, problems);
}
