/* What is known of each server address: how long it takes to answer, its cookie (RFC 7873, RFC
 * 9018), what it breaks on.
 *
 * The table is bounded: once it is full, the address that was used longest ago gives up its place.
 * Whoever is being asked stays, and those are fewer than there are places. A stranger who picks
 * addresses cannot aim at one chain of the table, because its hash starts at a secret.
 *
 * The client cookie is a pseudorandom function of the server's address (RFC 9018 section 3), so it
 * is the same again after the place was lost, and tells one server nothing of another's. */
#include "dns_internal.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/digest.h"
#include "sv/require.h"

#define HABIT_MS (15 * SV_MINUTE) /* the lame-time habits of common resolvers */

enum {
    TRY_MS_MIN = 250,
    TRY_MS_MAX = 5000,
    TRY_MEANS = 5,       /* a reply that takes longer than this many means is lost */
    MEAN_WEIGHT = 8,     /* one reply moves the mean by an eighth (RFC 6298 section 2) */
    EDNS_DOUBTS_MAX = 2, /* silences to EDNS, answers without: once may be any loss */
};

void sv_dns_peers_init(struct sv_dns *dns)
{
    uint64_t secret[4];

    for (size_t i = 0; i < 4; i++)
        secret[i] = sv_rand_u64(dns->options.rand);
    memcpy(dns->peers.secret, secret, sizeof(secret));
    dns->peers.hash_start = sv_rand_u64(dns->options.rand);
}

void sv_dns_peers_fini(struct sv_dns *dns)
{
    struct sv_dns_peer *next;

    for (struct sv_dns_peer *peer = dns->peers.newest; peer != NULL; peer = next) {
        next = peer->older;
        free(peer);
    }
}

static struct sv_dns_peer **chain_of(struct sv_dns_peers *peers, const uint8_t *key, size_t bytes)
{
    uint64_t hash = sv_fnv1a(peers->hash_start, key, bytes);

    return &peers->chains[(hash ^ hash >> 32) % SV_DNS_PEER_CHAINS];
}

static void unlink_age(struct sv_dns_peers *peers, struct sv_dns_peer *peer)
{
    if (peer->newer != NULL)
        peer->newer->older = peer->older;
    else
        peers->newest = peer->older;
    if (peer->older != NULL)
        peer->older->newer = peer->newer;
    else
        peers->oldest = peer->newer;
}

static void link_age(struct sv_dns_peers *peers, struct sv_dns_peer *peer)
{
    peer->newer = NULL;
    peer->older = peers->newest;
    if (peers->newest != NULL)
        peers->newest->newer = peer;
    else
        peers->oldest = peer;
    peers->newest = peer;
}

static void unlink_chain(struct sv_dns_peers *peers, struct sv_dns_peer *peer)
{
    uint8_t key[SV_DNS_KEY_BYTES];
    size_t bytes = sv_dns_address_key(&peer->address, key);
    struct sv_dns_peer **at = chain_of(peers, key, bytes);

    while (*at != peer)
        at = &(*at)->chain;
    *at = peer->chain;
}

/* A place for a newcomer: fresh, or of the one nobody has needed for longest. */
static struct sv_dns_peer *make_place(struct sv_dns_peers *peers)
{
    struct sv_dns_peer *peer = peers->oldest;

    if (peers->count < SV_DNS_PEERS_MAX) {
        peers->count++;
        return sv_alloc(1, sizeof(*peer));
    }
    while (peer != NULL && peer->users > 0)
        peer = peer->newer;
    SV_REQUIRE(peer != NULL); /* there are fewer queries than places */
    unlink_age(peers, peer);
    unlink_chain(peers, peer);
    memset(peer, 0, sizeof(*peer));
    return peer;
}

static struct sv_dns_peer *add(struct sv_dns *dns, const union sv_dns_address *address,
                               const uint8_t *key, size_t bytes)
{
    struct sv_dns_peer *peer = make_place(&dns->peers);
    struct sv_dns_peer **chain = chain_of(&dns->peers, key, bytes);
    uint8_t digest[SV_SHA256_BYTES];

    peer->address = *address;
    sv_hmac_sha256(dns->peers.secret, sizeof(dns->peers.secret), key, bytes, digest);
    memcpy(peer->cookie, digest, SV_DNS_CLIENT_COOKIE_BYTES);
    peer->cookie_bytes = SV_DNS_CLIENT_COOKIE_BYTES;
    peer->chain = *chain;
    *chain = peer;
    link_age(&dns->peers, peer);
    return peer;
}

static struct sv_dns_peer *find(struct sv_dns *dns, const union sv_dns_address *address)
{
    uint8_t key[SV_DNS_KEY_BYTES];
    size_t bytes = sv_dns_address_key(address, key);
    struct sv_dns_peer *peer = *chain_of(&dns->peers, key, bytes);

    while (peer != NULL && !sv_dns_address_equal(&peer->address, address))
        peer = peer->chain;
    if (peer == NULL)
        return add(dns, address, key, bytes);
    if (dns->peers.newest != peer) {
        unlink_age(&dns->peers, peer);
        link_age(&dns->peers, peer);
    }
    return peer;
}

void sv_dns_peer_join(struct sv_dns_exchange *exchange)
{
    const union sv_dns_address *address = sv_dns_exchange_server(exchange);

    if (exchange->peer != NULL && sv_dns_address_equal(&exchange->peer->address, address))
        return;
    sv_dns_peer_leave(exchange);
    exchange->peer = find(exchange->dns, address);
    exchange->peer->users++;
}

void sv_dns_peer_leave(struct sv_dns_exchange *exchange)
{
    struct sv_dns_peer *peer = exchange->peer;

    if (peer == NULL)
        return;
    exchange->peer = NULL;
    if (exchange->counted) {
        exchange->counted = false;
        peer->in_flight--;
        sv_dns_line_serve(exchange->dns, peer); /* while this one still holds its place */
    }
    peer->users--;
}

unsigned sv_dns_peer_habits(const struct sv_dns *dns, const struct sv_dns_peer *peer)
{
    return peer->habits != 0 && peer->habits_until > sv_dns_now(dns) ? peer->habits : 0;
}

void sv_dns_peer_learn(const struct sv_dns *dns, struct sv_dns_peer *peer, unsigned habit)
{
    peer->habits = sv_dns_peer_habits(dns, peer) | habit;
    peer->habits_until = sv_dns_now(dns) + HABIT_MS;
}

void sv_dns_peer_on_edns(const struct sv_dns *dns, struct sv_dns_peer *peer, bool edns)
{
    if (edns) {
        peer->edns_doubts = 0;
        peer->edns_until = sv_dns_now(dns) + HABIT_MS;
    } else if (!sv_dns_peer_knows_edns(dns, peer) && ++peer->edns_doubts >= EDNS_DOUBTS_MAX) {
        sv_dns_peer_learn(dns, peer, SV_DNS_NO_EDNS);
    }
}

bool sv_dns_peer_knows_edns(const struct sv_dns *dns, const struct sv_dns_peer *peer)
{
    return peer->edns_until > sv_dns_now(dns);
}

sv_ms sv_dns_peer_try_ms(const struct sv_dns *dns, const struct sv_dns_peer *peer)
{
    sv_ms most = dns->options.try_ms < TRY_MS_MAX ? dns->options.try_ms : TRY_MS_MAX;
    sv_ms try_ms = TRY_MEANS * (sv_ms)(peer->mean / MEAN_WEIGHT);

    if (!peer->measured || try_ms > most)
        return most;
    if (try_ms < TRY_MS_MIN)
        try_ms = TRY_MS_MIN;
    return try_ms < most ? try_ms : most;
}

void sv_dns_peer_on_rtt(struct sv_dns_peer *peer, uint32_t rtt_ms)
{
    if (!peer->measured) {
        peer->measured = true;
        peer->mean = MEAN_WEIGHT * rtt_ms;
        return;
    }
    peer->mean = peer->mean - peer->mean / MEAN_WEIGHT + rtt_ms;
}

/* A server that has become slower than its deadline is never measured: it gets more time until it
 * is. */
void sv_dns_peer_on_silence(const struct sv_dns *dns, struct sv_dns_peer *peer)
{
    uint32_t most = MEAN_WEIGHT *
                    (uint32_t)(dns->options.try_ms < TRY_MS_MAX ? dns->options.try_ms : TRY_MS_MAX);
    uint32_t least = MEAN_WEIGHT * TRY_MS_MIN / TRY_MEANS; /* what the floor amounts to */

    if (!peer->measured)
        return;
    peer->mean = 2 * (peer->mean > least ? peer->mean : least);
    if (peer->mean > most)
        peer->mean = most;
}

bool sv_dns_peer_has_cookie(const struct sv_dns_peer *peer)
{
    return peer->cookie_bytes > SV_DNS_CLIENT_COOKIE_BYTES;
}

enum sv_dns_cookie_fit sv_dns_peer_on_cookie(struct sv_dns_peer *peer, const uint8_t *cookie,
                                             size_t bytes, bool over_tcp)
{
    if (bytes == 0 && sv_dns_peer_has_cookie(peer) && !over_tcp)
        return SV_DNS_COOKIE_MISSING;
    if (bytes > 0 && memcmp(cookie, peer->cookie, SV_DNS_CLIENT_COOKIE_BYTES) != 0)
        return SV_DNS_COOKIE_WRONG;
    if (bytes == 0) /* nobody forges over TCP, so this server has given its cookies up */
        peer->cookie_bytes = SV_DNS_CLIENT_COOKIE_BYTES;
    if (bytes > SV_DNS_CLIENT_COOKIE_BYTES) {
        memcpy(peer->cookie, cookie, bytes);
        peer->cookie_bytes = (uint8_t)bytes;
    }
    return SV_DNS_COOKIE_FITS;
}
