#include "sv/redis.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

enum {
    URL_BYTES_MAX = 4096,
    PORT_DEFAULT = 6379,
    PORT_MAX = 65535,
    DATABASE_MAX = 99999,
};

/* A piece of the URL; not terminated. */
struct part {
    const char *text;
    size_t len;
};

/* Messages name the part that is wrong and never repeat it: a password with a stray '/' or '@'
 * lands in any of the parts. */
static enum sv_err wrong(struct sv_errinfo *info, const char *what)
{
    return sv_err_set(info, SV_EINVALID, "redis.url", 0, "%s", what);
}

static bool cut_prefix(struct part *part, const char *prefix)
{
    size_t len = strlen(prefix);

    if (part->len < len || strncasecmp(part->text, prefix, len) != 0)
        return false;
    part->text += len;
    part->len -= len;
    return true;
}

/* Splits at `at`: `before` gets what stands before it, `part` keeps what is behind. */
static void split(struct part *part, const char *at, struct part *before)
{
    *before = (struct part){.text = part->text, .len = (size_t)(at - part->text)};
    part->len -= before->len + 1;
    part->text = at + 1;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Percent-decodes into `out` with a 0 behind it; false for bad escapes, control bytes and what does
 * not fit. */
static bool decode(const struct part *part, char *out, size_t out_bytes)
{
    size_t used = 0;

    for (size_t i = 0; i < part->len; i++) {
        char c = part->text[i];

        if (c == '%') {
            bool fits = i + 2 < part->len;
            int high = fits ? hex(part->text[i + 1]) : -1;
            int low = fits ? hex(part->text[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (iscntrl((unsigned char)c) || used + 1 >= out_bytes)
            return false;
        out[used++] = c;
    }
    out[used] = '\0';
    return true;
}

static bool number(const struct part *part, unsigned limit, unsigned *out)
{
    unsigned value = 0;

    if (part->len == 0 || part->len > 6)
        return false;
    for (size_t i = 0; i < part->len; i++) {
        if (part->text[i] < '0' || part->text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(part->text[i] - '0');
    }
    *out = value;
    return value <= limit;
}

/* The password may hold an '@', so the last one counts. */
static enum sv_err take_credentials(struct part *authority, struct sv_redis_address *out,
                                    struct sv_errinfo *info)
{
    const char *at = memrchr(authority->text, '@', authority->len);
    const char *colon;
    struct part user;
    struct part password = {.text = "", .len = 0};

    if (at == NULL)
        return SV_OK;
    split(authority, at, &user);
    colon = memchr(user.text, ':', user.len);
    if (colon != NULL) {
        struct part both = user;

        split(&both, colon, &user);
        password = both;
    }
    if (!decode(&user, out->user, sizeof(out->user)))
        return wrong(info, "the user is too long or badly percent-encoded");
    if (!decode(&password, out->password, sizeof(out->password)))
        return wrong(info, "the password is too long or badly percent-encoded");
    return SV_OK;
}

static bool is_host(const struct part *host, bool is_ipv6)
{
    for (size_t i = 0; i < host->len; i++) {
        unsigned char c = (unsigned char)host->text[i];
        /* A zone such as %eth0 may follow an IPv6 address. */
        bool fits =
            isalnum(c) || c == '.' || c == '-' || c == '_' || (is_ipv6 && (c == ':' || c == '%'));

        if (!fits)
            return false;
    }
    return host->len > 0 && host->len < SV_REDIS_HOST_BYTES;
}

/* host, host:port, [address] or [address]:port. */
static enum sv_err take_host(struct part authority, struct sv_redis_address *out,
                             struct sv_errinfo *info)
{
    struct part host = authority;
    bool is_ipv6 = authority.len > 0 && authority.text[0] == '[';
    const char *end = memchr(authority.text, is_ipv6 ? ']' : ':', authority.len);
    bool has_port = end != NULL && !is_ipv6;

    if (is_ipv6) {
        if (end == NULL)
            return wrong(info, "the host begins with '[' but has no ']'");
        split(&authority, end, &host);
        host.text++;
        host.len--;
        has_port = authority.len > 0;
        if (has_port && authority.text[0] != ':')
            return wrong(info, "only a port may follow the ']' of the host");
        if (has_port)
            split(&authority, authority.text, &(struct part){.text = NULL});
    } else if (has_port) {
        split(&authority, end, &host);
    }
    if (!is_host(&host, is_ipv6))
        return wrong(info, "the host is missing, too long or not a name or address");
    memcpy(out->host, host.text, host.len);
    out->host[host.len] = '\0';
    out->port = PORT_DEFAULT;
    if (has_port && (!number(&authority, PORT_MAX, &out->port) || out->port == 0))
        return wrong(info, "the port is not a number from 1 to 65535");
    return SV_OK;
}

static enum sv_err parse_tcp(struct part rest, struct sv_redis_address *out,
                             struct sv_errinfo *info)
{
    struct part authority = rest;
    const char *slash = memchr(rest.text, '/', rest.len);
    struct part database = {.text = "", .len = 0};
    enum sv_err err;

    if (slash != NULL) {
        split(&rest, slash, &authority);
        database = rest;
    }
    if (memchr(database.text, '@', database.len) != NULL)
        return wrong(info, "a '/' in the user or password must be written %2F");
    err = take_credentials(&authority, out, info);
    if (err == SV_OK)
        err = take_host(authority, out, info);
    if (err == SV_OK && database.len > 0 && !number(&database, DATABASE_MAX, &out->database))
        err = wrong(info, "the database after the '/' is not a number from 0 to 99999");
    return err;
}

static enum sv_err parse_unix(struct part rest, struct sv_redis_address *out,
                              struct sv_errinfo *info)
{
    const char *slash = memchr(rest.text, '/', rest.len);
    const char *question = memchr(rest.text, '?', rest.len);
    struct part query = {.text = "", .len = 0};
    struct part path;
    enum sv_err err;

    if (question != NULL) {
        query = rest;
        split(&query, question, &rest);
        if (!cut_prefix(&query, "db=") || !number(&query, DATABASE_MAX, &out->database))
            return wrong(info, "only ?db= and a number from 0 to 99999 may follow the path");
    }
    if (slash == NULL || slash >= rest.text + rest.len)
        return wrong(info, "the socket's path is missing or not absolute");
    path = (struct part){.text = slash, .len = (size_t)(rest.text + rest.len - slash)};
    rest.len -= path.len;
    err = take_credentials(&rest, out, info);
    if (err != SV_OK)
        return err;
    if (rest.len > 0)
        return wrong(info, "the socket's path is not absolute");
    if (!decode(&path, out->host, sizeof((struct sockaddr_un *)NULL)->sun_path))
        return wrong(info, "the socket's path is too long (107 bytes) or badly percent-encoded");
    out->is_unix = true;
    return SV_OK;
}

enum sv_err sv_redis_address_parse(const char *url, struct sv_redis_address *out,
                                   struct sv_errinfo *info)
{
    struct part rest = {.text = url, .len = strnlen(url, URL_BYTES_MAX + 1)};
    enum sv_err err;

    *out = (struct sv_redis_address){.tls = false};
    if (rest.len > URL_BYTES_MAX)
        return wrong(info, "longer than 4096 bytes");
    if (cut_prefix(&rest, "unix://")) {
        err = parse_unix(rest, out, info);
    } else if (cut_prefix(&rest, "rediss://")) {
        out->tls = true;
        err = parse_tcp(rest, out, info);
    } else if (cut_prefix(&rest, "redis://")) {
        err = parse_tcp(rest, out, info);
    } else {
        err = wrong(info, "does not begin with redis://, rediss:// or unix://");
    }
    if (err != SV_OK)
        explicit_bzero(out, sizeof(*out)); /* half an address is none, and may hold a password */
    return err;
}
