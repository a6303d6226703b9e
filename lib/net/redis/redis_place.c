#include "sv/redis_place.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The story: the URL is cut into credentials, hosts and what follows them; then each host is put
 * into an ordinary redis:// URL with the same credentials and read by sv_redis_address_parse, so
 * that both kinds of URL obey the same rules. */

enum { URL_BYTES_MAX = 4096, SENTINEL_PORT = 26379 };

struct text {
    const char *at;
    size_t len;
};

static enum sv_err wrong(struct sv_errinfo *info, const char *what)
{
    return sv_err_set(info, SV_EINVALID, "redis.url", 0, "%s", what);
}

static bool begins(const char *url, const char *scheme)
{
    return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

/* Cuts `rest` behind its first `mark`; the whole of it when there is none. */
static struct text cut(struct text *rest, char mark)
{
    const char *end = memchr(rest->at, mark, rest->len);
    struct text piece = {rest->at, end != NULL ? (size_t)(end - rest->at) : rest->len};

    rest->at += piece.len + (end != NULL ? 1 : 0);
    rest->len -= piece.len + (end != NULL ? 1 : 0);
    return piece;
}

/* The credentials with their '@'; the last one counts, since a password may hold others. */
static struct text cut_credentials(struct text *authority)
{
    const char *at = memrchr(authority->at, '@', authority->len);
    struct text piece = {authority->at, at != NULL ? (size_t)(at - authority->at) + 1 : 0};

    authority->at += piece.len;
    authority->len -= piece.len;
    return piece;
}

static bool has_port(struct text host)
{
    const char *bracket = memrchr(host.at, ']', host.len);
    struct text behind = host;

    if (bracket != NULL) {
        behind.at = bracket;
        behind.len = host.len - (size_t)(bracket - host.at);
    }
    return memchr(behind.at, ':', behind.len) != NULL;
}

static enum sv_err take_host(struct text credentials, struct text host, struct text database,
                             struct sv_redis_address *address, struct sv_redis_place *place,
                             struct sv_errinfo *info)
{
    struct sv_redis_host *out = &place->hosts[place->hosts_count];
    char url[URL_BYTES_MAX + sizeof("rediss:///")];
    enum sv_err err;

    if (place->hosts_count == SV_REDIS_HOSTS_MAX)
        return wrong(info, "more than 16 hosts");
    (void)snprintf(url, sizeof(url), "%s://%.*s%.*s/%.*s", address->tls ? "rediss" : "redis",
                   (int)credentials.len, credentials.at, (int)host.len, host.at, (int)database.len,
                   database.at);
    err = sv_redis_address_parse(url, address, info);
    explicit_bzero(url, sizeof(url));
    if (err != SV_OK)
        return err;
    if (place->kind == SV_REDIS_SENTINEL && !has_port(host))
        address->port = SENTINEL_PORT;
    memcpy(out->host, address->host, sizeof(out->host));
    out->port = address->port;
    place->hosts_count++;
    return SV_OK;
}

static enum sv_err take_primary(struct text name, struct sv_redis_place *place,
                                struct sv_errinfo *info)
{
    if (name.len == 0 || name.len >= sizeof(place->primary))
        return wrong(info, "the name of the primary after the '/' is missing or too long");
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];

        if (!isalnum(c) && c != '.' && c != '-' && c != '_')
            return wrong(info, "the name of the primary may hold letters, digits, '.', '-', '_'");
    }
    memcpy(place->primary, name.at, name.len);
    return SV_OK;
}

/* What follows the hosts: /primary[/db] for Sentinels; for a Cluster nothing, since it has database
 * 0 only. `database` gets the last part. */
static enum sv_err take_path(struct text path, struct text *database, struct sv_redis_place *place,
                             struct sv_errinfo *info)
{
    struct text name = cut(&path, '/');

    *database = path;
    if (memchr(name.at, '@', name.len) != NULL || memchr(path.at, '@', path.len) != NULL)
        return wrong(info, "a '/' in the user or password must be written %2F");
    if (place->kind == SV_REDIS_SENTINEL)
        return take_primary(name, place, info);
    if ((name.len > 0 && !(name.len == 1 && name.at[0] == '0')) || path.len > 0)
        return wrong(info, "a Cluster has database 0 only: nothing may follow its hosts");
    return SV_OK;
}

static enum sv_err parse_many(struct text rest, struct sv_redis_address *address,
                              struct sv_redis_place *place, struct sv_errinfo *info)
{
    struct text hosts = cut(&rest, '/'), credentials, database;
    bool tls = address->tls;
    enum sv_err err = take_path(rest, &database, place, info);

    credentials = cut_credentials(&hosts);
    if (err == SV_OK && hosts.len > 0 && hosts.at[hosts.len - 1] == ',')
        err = wrong(info, "a host is missing after a ','");
    while (err == SV_OK && (hosts.len > 0 || place->hosts_count == 0)) {
        address->tls = tls;
        err = take_host(credentials, cut(&hosts, ','), database, address, place, info);
    }
    if (err == SV_OK) { /* the first one stands for all */
        memcpy(address->host, place->hosts[0].host, sizeof(address->host));
        address->port = place->hosts[0].port;
    }
    return err;
}

enum sv_err sv_redis_place_parse(const char *url, struct sv_redis_address *address,
                                 struct sv_redis_place *place, struct sv_errinfo *info)
{
    static const struct {
        const char *scheme;
        enum sv_redis_kind kind;
        bool tls;
    } kinds[] = {{"redis+sentinel://", SV_REDIS_SENTINEL, false},
                 {"rediss+sentinel://", SV_REDIS_SENTINEL, true},
                 {"redis+cluster://", SV_REDIS_CLUSTER, false},
                 {"rediss+cluster://", SV_REDIS_CLUSTER, true}};

    *place = (struct sv_redis_place){.kind = SV_REDIS_ONE};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct text rest = {url, strnlen(url, URL_BYTES_MAX + 1)};
        enum sv_err err;

        if (!begins(url, kinds[i].scheme))
            continue;
        *address = (struct sv_redis_address){.tls = kinds[i].tls};
        place->kind = kinds[i].kind;
        if (rest.len > URL_BYTES_MAX)
            return wrong(info, "longer than 4096 bytes");
        rest.at += strlen(kinds[i].scheme);
        rest.len -= strlen(kinds[i].scheme);
        err = parse_many(rest, address, place, info);
        if (err != SV_OK)
            explicit_bzero(address, sizeof(*address));
        return err;
    }
    return sv_redis_address_parse(url, address, info);
}

void sv_redis_place_describe(const struct sv_redis_address *address,
                             const struct sv_redis_place *place, char *out, size_t bytes)
{
    size_t used = 0;

    if (place->kind == SV_REDIS_ONE && address->is_unix) {
        (void)snprintf(out, bytes, "%s", address->host);
        return;
    }
    for (size_t i = 0; i < (place->hosts_count > 0 ? place->hosts_count : 1); i++) {
        const char *host = place->hosts_count > 0 ? place->hosts[i].host : address->host;
        unsigned port = place->hosts_count > 0 ? place->hosts[i].port : address->port;
        int len =
            snprintf(out + used, bytes - used, strchr(host, ':') != NULL ? "%s[%s]:%u" : "%s%s:%u",
                     i > 0 ? "," : "", host, port);

        used += (size_t)len;
        if (used >= bytes)
            return;
    }
    if (place->kind == SV_REDIS_SENTINEL)
        (void)snprintf(out + used, bytes - used, "/%s", place->primary);
}

bool sv_redis_host_equals(const struct sv_redis_host *one, const struct sv_redis_host *other)
{
    return one->port == other->port && strcasecmp(one->host, other->host) == 0;
}
