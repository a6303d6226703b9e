/* The way of one query over its servers.
 *
 * The happy path: a try goes out over UDP (mixed case, EDNS), a reply comes that fits in every
 * field, sv_dns_packet_read makes an answer of it, the answer waits for the next turn.
 *
 * - Nothing comes: the next server; one that was silent to EDNS is asked without when its turn
 *   comes again (RFC 6891 section 7, RFC 8906), unless its cookie would be given up with that. Of
 *   one that is known to answer EDNS silence means loss, or that it is busy: only the last try is
 *   without, since something on the way may stop large replies alone.
 * - FORMERR, NOTIMP or BADVERS to EDNS: the same server at once without it, and for a while to
 *   come.
 * - BADCOOKIE: the same server with the cookie it gave, then TCP.
 * - The cookie is wrong, or missing where it used to come: dropped like any forgery.
 * - Only the case of letters differs: the same server at once with the name as it was asked.
 * - TC, or too many forgeries: TCP. What fails there counts like any failure of that server.
 * - SERVFAIL, REFUSED, lame, malformed, unreachable: the next server; this one is not asked again.
 * - Asked without recursion, a server may have enough to do already: line.c.
 * - No server, no try or no time left: SV_DNS_UNKNOWN with the most telling of the failures. */
#include "dns_internal.h"

#include <string.h>

#include "packet_walk.h"
#include "sv/alloc.h"
#include "sv/require.h"
#include "wire_name.h"

enum { RCODE_FORMERR = 1, RCODE_NOTIMP = 4, RCODE_BADVERS = 16, RCODE_BADCOOKIE = 23 };

static void go_on(struct sv_dns_exchange *exchange);

const union sv_dns_address *sv_dns_exchange_server(const struct sv_dns_exchange *exchange)
{
    return &exchange->servers[exchange->server];
}

void sv_dns_exchange_stop(struct sv_dns_exchange *exchange)
{
    switch (exchange->stage) {
    case SV_DNS_ON_UDP:
        sv_dns_sockets_leave(exchange);
        break;
    case SV_DNS_IN_LINE:
        sv_dns_line_leave(exchange);
        break;
    case SV_DNS_BEFORE_TCP:
    case SV_DNS_ON_TCP:
        sv_dns_tcp_leave(exchange);
        break;
    case SV_DNS_ON_NOTHING:
    case SV_DNS_FINISHED:
        break;
    }
    sv_heap_remove(&exchange->dns->due, &exchange->due);
}

/* How much a failure tells the person who has to repair something. */
static unsigned weight(enum sv_dns_trouble trouble)
{
    static const uint8_t weights[] = {
        [SV_DNS_NO_TROUBLE] = 0,     [SV_DNS_TIMEOUT] = 1,    [SV_DNS_NETWORK] = 2,
        [SV_DNS_MALFORMED] = 3,      [SV_DNS_TCP_FAILED] = 4, [SV_DNS_OTHER_RCODE] = 5,
        [SV_DNS_REFUSED] = 6,        [SV_DNS_LAME] = 7,       [SV_DNS_SERVFAIL] = 8,
        [SV_DNS_ALIAS_TOO_LONG] = 9, [SV_DNS_ALIAS_LOOP] = 9, [SV_DNS_ALIAS_ELSEWHERE] = 9,
        [SV_DNS_REFERRED] = 9,       [SV_DNS_BOGUS] = 9,
    };

    return weights[trouble];
}

/* Stamps who said it and when. */
static void sign(const struct sv_dns_exchange *exchange, struct sv_dns_answer *answer, bool tcp)
{
    const struct sv_dns *dns = exchange->dns;

    sv_dns_address_text(sv_dns_exchange_server(exchange), answer->server);
    answer->at = dns->options.clock->wall(dns->options.clock->context);
    answer->rtt_ms = (uint32_t)(sv_dns_now(dns) - exchange->sent_at);
    answer->tcp = tcp;
}

/* Keeps the failure when it tells more than the ones before. */
static void note(struct sv_dns_exchange *exchange, const struct sv_dns_answer *failure)
{
    struct sv_dns_answer *kept = exchange->failure;

    if (kept == NULL)
        kept = exchange->failure = sv_alloc(1, sizeof(*kept));
    else if (weight(failure->trouble) < weight(kept->trouble))
        return;
    *kept = *failure;
    kept->outcome = SV_DNS_UNKNOWN;
    kept->records = NULL; /* what a failing server adds proves nothing */
    kept->records_count = 0;
    kept->referral = NULL;
    kept->referral_count = 0;
    kept->zone[0] = 0;
    kept->ttl_s = 0;
    memcpy(kept->final_name, exchange->question.name, SV_NAME_BYTES);
}

/* The next server that has not disqualified itself. */
static bool pick_server(struct sv_dns_exchange *exchange, size_t from)
{
    for (size_t i = 0; i < exchange->servers_count; i++) {
        size_t candidate = (from + i) % exchange->servers_count;
        if (exchange->spent & 1u << candidate)
            continue;
        exchange->server = candidate;
        return true;
    }
    return false;
}

/* 0x20: every letter of the name in a case that a forger must guess as well. Lengths of labels are
 * below the letters, so the whole name may be run over. */
static void mix_case(struct sv_dns_exchange *exchange)
{
    uint8_t *at = exchange->packet + SV_DNS_HEADER_BYTES;
    uint64_t dice = 0;
    unsigned left = 0;

    for (; *at != 0; at++) {
        uint8_t folded = *at | 0x20;
        if (folded < 'a' || folded > 'z' || !(*at & 0x40))
            continue;
        if (left-- == 0) {
            dice = sv_rand_u64(exchange->dns->options.rand);
            left = 63;
        }
        *at = (uint8_t)(folded ^ ((dice & 1) << 5));
        dice >>= 1;
    }
}

static void write_packet(struct sv_dns_exchange *exchange)
{
    exchange->packet_bytes = sv_dns_packet_write(exchange->packet, 0, &exchange->question,
                                                 exchange->recursion, exchange->edns);
    SV_REQUIRE(exchange->packet_bytes > 0); /* start has looked at the name */
    if (exchange->mixed)
        mix_case(exchange);
    if (exchange->cookie)
        exchange->packet_bytes =
            sv_dns_packet_add_cookie(exchange->packet, exchange->packet_bytes,
                                     exchange->peer->cookie, exchange->peer->cookie_bytes);
}

/* Decides how to talk to the server picked. */
static void set_manners(struct sv_dns_exchange *exchange)
{
    unsigned habits = sv_dns_peer_habits(exchange->dns, exchange->peer);

    exchange->edns = !(exchange->silent & 1u << exchange->server) && !(habits & SV_DNS_NO_EDNS);
    exchange->mixed = !exchange->never_mixed && !(habits & SV_DNS_NO_MIXING);
    exchange->cookie = exchange->edns && !(habits & SV_DNS_NO_COOKIE);
    exchange->bad_cookie = false;
    exchange->cookie_missing = false;
}

/* How long to wait for the reply. The last try waits for as long as any may: a resolver that
 * mostly answers from its cache may be looking far this time. */
static sv_ms deadline(const struct sv_dns_exchange *exchange, sv_ms now)
{
    const struct sv_dns *dns = exchange->dns;
    bool last = exchange->tries >= dns->options.tries_max;
    sv_ms until = now + (last ? dns->options.try_ms : sv_dns_peer_try_ms(dns, exchange->peer));

    return until < exchange->ends_at ? until : exchange->ends_at;
}

static enum sv_dns_sent send_udp(struct sv_dns_exchange *exchange)
{
    enum sv_dns_sent sent;
    sv_ms now = sv_dns_now(exchange->dns);

    write_packet(exchange);
    exchange->sent_at = now;
    sent = sv_dns_sockets_send(exchange);
    if (sent != SV_DNS_SENT)
        return sent;
    sv_dns_line_pay(exchange);
    sv_dns_wait(exchange, deadline(exchange, now));
    return sent;
}

/* The server being asked has failed for good. */
static void spend(struct sv_dns_exchange *exchange, struct sv_dns_answer *failure)
{
    exchange->spent |= 1u << exchange->server;
    note(exchange, failure);
}

static void fail_server(struct sv_dns_exchange *exchange, enum sv_dns_trouble trouble, bool tcp)
{
    struct sv_dns_answer failure = {.trouble = trouble, .tc = exchange->truncated};

    sign(exchange, &failure, tcp);
    spend(exchange, &failure);
}

/* Sends to the server picked, or to the first one after it that can be sent to, or stands in
 * line. */
static enum sv_dns_sent send_on(struct sv_dns_exchange *exchange)
{
    enum sv_dns_sent sent = SV_DNS_NOT_SENT;

    do {
        sv_dns_peer_join(exchange);
        if (!sv_dns_line_pass(exchange))
            return SV_DNS_SENT;
        set_manners(exchange);
        sent = send_udp(exchange);
        if (sent == SV_DNS_SENT)
            return sent;
        fail_server(exchange, SV_DNS_NETWORK, false);
    } while (pick_server(exchange, exchange->server + 1));
    return sent;
}

void sv_dns_exchange_on_turn(struct sv_dns_exchange *exchange)
{
    if (send_on(exchange) != SV_DNS_SENT)
        sv_dns_deliver(exchange);
}

enum sv_err sv_dns_exchange_begin(struct sv_dns_exchange *exchange, struct sv_errinfo *info)
{
    exchange->tries = 1;
    switch (send_on(exchange)) {
    case SV_DNS_SENT:
        break;
    case SV_DNS_NOT_SENT: /* an answer, not an error: the network is unreachable */
        sv_dns_deliver(exchange);
        break;
    case SV_DNS_NO_SOCKET:
        return sv_err_set(info, SV_ESYSTEM, "dns", 0, "no socket could be opened");
    }
    return SV_OK;
}

/* The next try, or the end. The exchange waits on nothing when this is called. */
static void go_on(struct sv_dns_exchange *exchange)
{
    bool over = sv_dns_now(exchange->dns) >= exchange->ends_at ||
                exchange->tries >= exchange->dns->options.tries_max;

    sv_dns_peer_leave(exchange); /* the next try, even to the same server, waits its turn */
    if (!over && pick_server(exchange, exchange->server + 1)) {
        exchange->tries++;
        if (send_on(exchange) == SV_DNS_SENT)
            return;
    }
    sv_dns_deliver(exchange);
}

/* The same server once more, in another manner; no try of its own. */
static void repeat(struct sv_dns_exchange *exchange)
{
    if (send_udp(exchange) == SV_DNS_SENT)
        return;
    fail_server(exchange, SV_DNS_NETWORK, false);
    go_on(exchange);
}

void sv_dns_exchange_on_failure(struct sv_dns_exchange *exchange, enum sv_dns_trouble trouble)
{
    bool tcp = exchange->stage == SV_DNS_BEFORE_TCP || exchange->stage == SV_DNS_ON_TCP;

    sv_dns_exchange_stop(exchange);
    fail_server(exchange, trouble, tcp);
    go_on(exchange);
}

/* Is EDNS what this server was silent to, and is nothing lost by leaving it out? */
static bool is_silent_to_edns(const struct sv_dns_exchange *exchange)
{
    const struct sv_dns *dns = exchange->dns;

    if (!exchange->edns || sv_dns_peer_has_cookie(exchange->peer))
        return false;
    return !sv_dns_peer_knows_edns(dns, exchange->peer) ||
           exchange->tries + 1 >= dns->options.tries_max;
}

/* Its time has come, or there is none left: then nobody is to blame, and none is named. */
static void on_line_timer(struct sv_dns_exchange *exchange)
{
    struct sv_dns_answer failure = {.trouble = SV_DNS_TIMEOUT};
    struct sv_dns *dns = exchange->dns;

    if (sv_dns_now(dns) < sv_dns_line_ends_at(exchange)) {
        sv_heap_remove(&dns->due, &exchange->due); /* serving sets it again */
        sv_dns_line_serve(dns, exchange->peer);
        return;
    }
    sv_dns_exchange_stop(exchange);
    failure.at = dns->options.clock->wall(dns->options.clock->context);
    if (exchange->failure == NULL)
        note(exchange, &failure);
    sv_dns_deliver(exchange);
}

void sv_dns_exchange_on_timer(struct sv_dns_exchange *exchange)
{
    struct sv_dns_answer failure = {.trouble = SV_DNS_TIMEOUT};

    if (exchange->stage == SV_DNS_IN_LINE) {
        on_line_timer(exchange);
        return;
    }
    exchange->dns->stats.timeouts++;
    if (exchange->stage != SV_DNS_ON_UDP) {
        sv_dns_tcp_on_silence(exchange);
        sv_dns_exchange_on_failure(exchange, SV_DNS_TCP_FAILED);
        return;
    }
    sv_dns_exchange_stop(exchange);
    if (exchange->cookie_missing) { /* somebody did answer: TCP tells who it was */
        sv_dns_tcp_ask(exchange);
        return;
    }
    sv_dns_peer_on_silence(exchange->dns, exchange->peer);
    if (is_silent_to_edns(exchange))
        exchange->silent |= 1u << exchange->server;
    sign(exchange, &failure, false);
    note(exchange, &failure);
    go_on(exchange);
}

void sv_dns_exchange_on_mismatch(struct sv_dns_exchange *exchange)
{
    if (++exchange->mismatches <= SV_DNS_MISMATCHES_MAX)
        return;
    sv_dns_exchange_stop(exchange);
    sv_dns_tcp_ask(exchange);
}

void sv_dns_exchange_on_case(struct sv_dns_exchange *exchange)
{
    sv_dns_exchange_stop(exchange);
    exchange->never_mixed = true;
    exchange->mixed = false;
    sv_dns_peer_learn(exchange->dns, exchange->peer, SV_DNS_NO_MIXING);
    repeat(exchange);
}

/* The case in the question was ours, and compressed names in the records lead into it: writing it
 * back as it was asked keeps our dice out of the answer. */
static void restore_case(const struct sv_dns_exchange *exchange, uint8_t *packet)
{
    uint8_t name[SV_DNS_WIRE_MAX];
    size_t bytes = sv_dns_wire_from_text(exchange->question.name, name);

    memcpy(packet + SV_DNS_HEADER_BYTES, name, bytes);
}

/* Some servers cannot stand EDNS and say so, more or less. */
static bool blames_edns(const struct sv_dns_exchange *exchange, const struct sv_dns_answer *answer)
{
    return exchange->edns && answer->trouble == SV_DNS_OTHER_RCODE &&
           (answer->rcode == RCODE_FORMERR || answer->rcode == RCODE_NOTIMP ||
            answer->rcode == RCODE_BADVERS);
}

/* A server asked without recursion speaks for the zone or points to others; one that was asked to
 * look everywhere must not leave that to us. */
static void check_authority(const struct sv_dns_exchange *exchange, struct sv_dns_answer *answer)
{
    bool in_place = exchange->recursion ? answer->trouble != SV_DNS_REFERRED
                                        : answer->aa || answer->outcome == SV_DNS_UNKNOWN;

    if (in_place)
        return;
    answer->outcome = SV_DNS_UNKNOWN;
    answer->trouble = SV_DNS_LAME;
}

static bool is_final(const struct sv_dns_answer *answer)
{
    return answer->outcome != SV_DNS_UNKNOWN || answer->trouble == SV_DNS_ALIAS_LOOP ||
           answer->trouble == SV_DNS_ALIAS_TOO_LONG || answer->trouble == SV_DNS_ALIAS_ELSEWHERE ||
           answer->trouble == SV_DNS_REFERRED;
}

/* An option that a server should have passed over (RFC 6891 section 6.1.2) is left out before EDNS
 * is. */
static void repeat_without(struct sv_dns_exchange *exchange, bool option_only)
{
    exchange->cookie = false;
    if (!option_only)
        exchange->edns = false;
    sv_dns_peer_learn(exchange->dns, exchange->peer,
                      option_only ? SV_DNS_NO_COOKIE : SV_DNS_NO_EDNS);
    repeat(exchange);
}

/* Our cookie had grown old: once more with the new one, then over TCP (RFC 7873 section 5.3). */
static void repeat_with_cookie(struct sv_dns_exchange *exchange)
{
    if (exchange->bad_cookie) {
        sv_dns_tcp_ask(exchange);
        return;
    }
    exchange->bad_cookie = true;
    repeat(exchange);
}

/* A sound answer: the end, or a reason to go on. Takes it. */
static void judge(struct sv_dns_exchange *exchange, struct sv_dns_answer *answer)
{
    unsigned rcode = answer->rcode;

    check_authority(exchange, answer);
    answer->no_edns =
        !exchange->edns && sv_dns_peer_habits(exchange->dns, exchange->peer) & SV_DNS_NO_EDNS;
    if (is_final(answer)) {
        exchange->answer = answer;
        sv_dns_deliver(exchange);
        return;
    }
    if (rcode == RCODE_BADCOOKIE && exchange->cookie && !answer->tcp) {
        sv_dns_answer_free(answer);
        repeat_with_cookie(exchange);
        return;
    }
    if (blames_edns(exchange, answer)) {
        sv_dns_answer_free(answer);
        repeat_without(exchange, exchange->cookie && rcode == RCODE_FORMERR);
        return;
    }
    spend(exchange, answer);
    sv_dns_answer_free(answer);
    go_on(exchange);
}

/* What a sound reply tells of its server besides the answer. */
static void credit(struct sv_dns_exchange *exchange, bool tcp)
{
    if (!tcp)
        sv_dns_peer_on_rtt(exchange->peer,
                           (uint32_t)(sv_dns_now(exchange->dns) - exchange->sent_at));
    if (exchange->edns || exchange->silent & 1u << exchange->server)
        sv_dns_peer_on_edns(exchange->dns, exchange->peer, exchange->edns);
}

/* Whether a reply has the cookie it should have, as far as one was sent. */
static enum sv_dns_cookie_fit check_cookie(const struct sv_dns_exchange *exchange,
                                           const uint8_t *packet, const struct sv_dns_walk *walk,
                                           bool tcp)
{
    if (!exchange->cookie)
        return SV_DNS_COOKIE_FITS;
    return sv_dns_peer_on_cookie(exchange->peer, packet + walk->cookie, walk->cookie_bytes, tcp);
}

/* Fits the question, but comes from somebody who does not know the cookie. */
static void drop(struct sv_dns_exchange *exchange, enum sv_dns_cookie_fit fit, bool tcp)
{
    exchange->dns->stats.mismatches++;
    if (tcp) {
        sv_dns_exchange_on_failure(exchange, SV_DNS_TCP_FAILED);
        return;
    }
    if (fit == SV_DNS_COOKIE_MISSING)
        exchange->cookie_missing = true;
    sv_dns_exchange_on_mismatch(exchange);
}

/* A reply that cannot be read. From a server with cookies it would have had one. */
static void on_malformed(struct sv_dns_exchange *exchange, bool tcp)
{
    if (exchange->cookie && sv_dns_peer_has_cookie(exchange->peer) && !tcp) {
        drop(exchange, SV_DNS_COOKIE_WRONG, tcp);
        return;
    }
    exchange->dns->stats.malformed++;
    sv_dns_exchange_on_failure(exchange, SV_DNS_MALFORMED);
}

void sv_dns_exchange_on_reply(struct sv_dns_exchange *exchange, uint8_t *packet, size_t bytes)
{
    bool tcp = exchange->stage == SV_DNS_ON_TCP;
    struct sv_dns_answer *answer;
    struct sv_dns_walk walk;
    enum sv_dns_cookie_fit fit;

    if (!tcp && (packet[2] & (SV_DNS_FLAG_TC >> 8))) {
        sv_dns_exchange_stop(exchange);
        exchange->truncated = true;
        sv_dns_tcp_ask(exchange);
        return;
    }
    restore_case(exchange, packet);
    if (sv_dns_packet_walk(packet, bytes, &walk, NULL) != SV_OK) {
        on_malformed(exchange, tcp);
        return;
    }
    fit = check_cookie(exchange, packet, &walk, tcp);
    if (fit != SV_DNS_COOKIE_FITS) {
        drop(exchange, fit, tcp);
        return;
    }
    if (sv_dns_packet_read_walked(packet, bytes, &walk, &exchange->question, &answer, NULL) !=
        SV_OK) {
        exchange->dns->stats.malformed++;
        sv_dns_exchange_on_failure(exchange, SV_DNS_MALFORMED);
        return;
    }
    credit(exchange, tcp);
    sv_dns_exchange_stop(exchange);
    sign(exchange, answer, tcp);
    judge(exchange, answer);
}
