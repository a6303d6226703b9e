/* What servers tell in words: the redirect of a Cluster; and redis.url where it names several
 * servers. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "slots.h"
#include "sv/redis_place.h"
#include "sv/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_host(const struct sv_redis_host *host)
{
    SV_REQUIRE(host->host[0] != '\0' && memchr(host->host, '\0', sizeof(host->host)) != NULL);
    SV_REQUIRE(host->port >= 1 && host->port <= 65535);
}

static void check_redirect(const char *text)
{
    const struct sv_redis_host answered = {.host = "10.0.0.1", .port = 6379};
    struct sv_redis_host to;
    unsigned slot;
    bool is_ask;

    if (!sv_redis_redirect_read(text, &answered, &is_ask, &slot, &to))
        return;
    SV_REQUIRE(strncmp(text, is_ask ? "ASK " : "MOVED ", is_ask ? 4 : 6) == 0);
    SV_REQUIRE(slot < SV_REDIS_SLOTS);
    check_host(&to);
}

static void check_place(const char *url)
{
    struct sv_redis_address address;
    struct sv_redis_place place;
    struct sv_errinfo info = {.text = ""};

    if (sv_redis_place_parse(url, &address, &place, &info) != SV_OK) {
        SV_REQUIRE(info.code == SV_EINVALID && info.text[0] != '\0');
        return;
    }
    SV_REQUIRE(place.hosts_count <= SV_REDIS_HOSTS_MAX);
    for (size_t i = 0; i < place.hosts_count; i++)
        check_host(&place.hosts[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = malloc(len + 1);

    SV_REQUIRE(text != NULL);
    memcpy(text, bytes, len);
    text[len] = '\0';
    check_redirect(text);
    check_place(text);
    free(text);
    return 0;
}
