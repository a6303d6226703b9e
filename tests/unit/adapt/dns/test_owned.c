/* What an owned question costs others, whom it blames, and what is remembered for how long: with an
 * authority on loopback that delegates as it likes, and a clock that jumps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "resolver_parts.h"
#include "script.h"

#define MINUTE_MS ((sv_ms)60 * 1000)

enum {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_TXT = 16,
    TOTAL_MS = 900,
    TTL_S = 3600,
    OTHERS_MAX = SV_DNS_INFLIGHT_MAX + SV_DNS_IN_LINE_MAX + 1
};

enum manner {
    HONEST,   /* refers to itself, holds a text at every name */
    SILENT,   /* says nothing */
    GLUELESS, /* honest, but its name server has no address */
    LATE,     /* refers when the time is nearly up, and is silent then */
    SPREAD,   /* refers ever deeper, to 16 addresses, then to an alias elsewhere */
    NXNS,     /* the same, to names that have to be looked up */
    CHAIN,    /* 16 addresses, one referral, an alias elsewhere */
};

struct bed {
    uv_loop_t loop;
    struct sv_clock clock;
    sv_ms ahead_ms;
    struct sv_rand rand;
    struct sv_dns *dns;
    struct sv_resolver *resolver;
    struct script by_recursion, rival;
    uv_udp_t authority;
    enum manner manner;
    unsigned asked_ns, asked; /* the authority */
    unsigned delegations, depth, aliases;
    struct sv_dns_query others[OTHERS_MAX];
    size_t others_count, others_open;
    struct sv_lookup lookup;
    unsigned started, done, closed;
    bool called_off;
    /* of the last report */
    bool told_closed, without_address;
    enum sv_cut_state cut;
    size_t servers, servers_usable;
    char resolver_asked[SV_DNS_SERVER_BYTES];
    enum sv_dns_outcome resolver_outcome;
};

static sv_ms read_clock(void *context)
{
    const struct bed *bed = context;

    return (sv_ms)uv_now(&bed->loop) + bed->ahead_ms;
}

/* The authority. */

static const char *last_labels(const char *name, unsigned count)
{
    const char *at = name + strlen(name);

    while (at > name && count > 0)
        if (*--at == '.' && --count == 0)
            return at + 1;
    return at;
}

static unsigned labels_of(const char *name)
{
    unsigned count = 1;

    for (; *name != 0; name++)
        count += *name == '.' ? 1 : 0;
    return count;
}

static void put_delegation(struct bed *bed, struct reply *reply, const char *zone)
{
    unsigned hosts = bed->manner >= SPREAD && labels_of(zone) > 1 ? 16 : 1;
    unsigned number = bed->delegations++;

    for (unsigned i = 0; i < hosts; i++) {
        char host[SV_NAME_BYTES];
        size_t mark = reply_rr_begin(reply, REPLY_AUTHORITY, zone, TYPE_NS, TTL_S);
        (void)snprintf(host, sizeof(host),
                       (bed->manner == NXNS && i > 0) || bed->manner == GLUELESS ? "n%u-%u.victim"
                                                                                 : "n%u-%u.%s",
                       i, number, zone);
        reply_name(reply, host);
        reply_rr_end(reply, mark);
    }
    for (unsigned i = 0; i < hosts && bed->manner != GLUELESS; i++) {
        uint8_t address[4] = {127, i == 0 ? 0 : (uint8_t)(1 + i), i == 0 ? 0 : (uint8_t)number, 1};
        char host[SV_NAME_BYTES];
        if (bed->manner == NXNS && i > 0)
            break;
        (void)snprintf(host, sizeof(host), "n%u-%u.%s", i, number, zone);
        reply_rr(reply, REPLY_ADDITIONAL, host, TYPE_A, TTL_S, address, sizeof(address));
    }
}

static void answer_deeper(struct bed *bed, struct reply *reply, const char *name)
{
    char target[SV_NAME_BYTES];

    if (++bed->depth <= (bed->manner == CHAIN ? 1 : 8)) {
        put_delegation(bed, reply, last_labels(name, 2 + bed->depth));
        return;
    }
    bed->depth = 0;
    (void)snprintf(target, sizeof(target), "a.b.c.d.e.f.g.h.i.evil%u.test", ++bed->aliases);
    reply_set_u16(reply, 2, REPLY_QR | REPLY_AA);
    reply_cname(reply, "@12", target);
}

static void answer(struct bed *bed, struct reply *reply, const char *name, unsigned type)
{
    if (type == TYPE_NS && labels_of(name) <= 2) {
        bed->asked_ns++;
        put_delegation(bed, reply, name);
    } else if (type != TYPE_TXT) {
        reply_set_u16(reply, 2, REPLY_QR | 5);
    } else if (bed->manner == LATE) {
        put_delegation(bed, reply, last_labels(name, 3));
        bed->ahead_ms += TOTAL_MS / 3 * 2 - 50;
        bed->manner = SILENT;
    } else if (bed->manner >= SPREAD) {
        answer_deeper(bed, reply, name);
    } else {
        reply_set_u16(reply, 2, REPLY_QR | REPLY_AA);
        reply_txt(reply, "@12", "there");
    }
}

static void read_name(const uint8_t *at, char *out)
{
    char *start = out;

    for (; *at != 0; at += 1 + *at) {
        for (unsigned i = 1; i <= *at; i++)
            *out++ = (char)(at[i] >= 'A' && at[i] <= 'Z' ? at[i] + 32 : at[i]);
        *out++ = '.';
    }
    out[out > start ? -1 : 0] = 0;
}

static void on_query(uv_udp_t *udp, ssize_t bytes, const uv_buf_t *buf, const struct sockaddr *from,
                     unsigned flags)
{
    static struct reply reply;
    struct bed *bed = udp->data;
    const uint8_t *query = (const uint8_t *)buf->base;
    char name[SV_NAME_BYTES];
    size_t end = 12;
    uv_buf_t out;

    (void)flags;
    if (bytes < 17 || from == NULL)
        return;
    bed->asked++;
    if (bed->manner == SILENT)
        return;
    read_name(query + 12, name);
    while (query[end] != 0)
        end += 1u + query[end];
    reply_begin(&reply, reply_get_u16(query), REPLY_QR);
    reply_set_u16(&reply, 4, 1);
    reply_bytes(&reply, query + 12, end + 5 - 12);
    answer(bed, &reply, name, reply_get_u16(query + end + 1));
    out = uv_buf_init((char *)reply.bytes, (unsigned)reply.len);
    (void)uv_udp_try_send(udp, &out, 1, from);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char space[4096];

    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(space, sizeof(space));
}

/* The bed. */

static void on_closed(void *context)
{
    ((struct bed *)context)->closed++;
}

static struct bed *open_bed(enum manner manner, enum step by_recursion)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));
    struct sv_dns_options options = {.rand = &bed->rand,
                                     .clock = sv_clock_system(),
                                     .try_ms = 300,
                                     .total_ms = TOTAL_MS,
                                     .per_server_max = 64,
                                     .per_server_s =
                                         1000}; /* manners would hide what the budget does */
    struct sv_dns_resolver_options resolver = {.servers = &bed->by_recursion.server,
                                               .servers_count = 1,
                                               .total_ms = manner >= SPREAD ? 0 : TOTAL_MS,
                                               .try_ms = 300,
                                               .authority = true,
                                               .roots_count = 1,
                                               .allow_private = true,
                                               .clock = &bed->clock};
    struct sv_dns_server root;
    int bytes = sizeof(root.address);

    bed->manner = manner;
    bed->clock = (struct sv_clock){.monotonic = read_clock, .wall = read_clock, .context = bed};
    assert_int_equal(uv_loop_init(&bed->loop), 0);
    sv_rand_system_init(&bed->rand);
    bed->dns = sv_dns_new(&bed->loop, &options);
    bed->by_recursion.steps[0] = by_recursion;
    bed->rival.steps[0] = STEP_SILENT;
    script_open(&bed->by_recursion, &bed->loop);
    script_open(&bed->rival, &bed->loop);
    assert_int_equal(sv_dns_server_parse("127.0.0.1:1", &root, NULL), SV_OK);
    ((struct sockaddr_in *)&root.address)->sin_port = 0;
    assert_int_equal(uv_udp_init(&bed->loop, &bed->authority), 0);
    bed->authority.data = bed;
    assert_int_equal(uv_udp_bind(&bed->authority, (struct sockaddr *)&root.address, 0), 0);
    assert_int_equal(uv_udp_getsockname(&bed->authority, (struct sockaddr *)&root.address, &bytes),
                     0);
    assert_int_equal(uv_udp_recv_start(&bed->authority, on_alloc, on_query), 0);
    resolver.dns = bed->dns;
    resolver.roots = &root;
    resolver.authority_port = ntohs(((struct sockaddr_in *)&root.address)->sin_port);
    bed->resolver = sv_dns_resolver_new(&bed->loop, &resolver);
    return bed;
}

static void end_bed(struct bed *bed)
{
    sv_resolver_close(bed->resolver, on_closed, bed);
    while (bed->closed == 0)
        (void)uv_run(&bed->loop, UV_RUN_ONCE);
    sv_dns_close(bed->dns, on_closed, bed);
    script_close(&bed->by_recursion);
    script_close(&bed->rival);
    uv_close((uv_handle_t *)&bed->authority, NULL);
    (void)uv_run(&bed->loop, UV_RUN_DEFAULT);
    assert_int_equal(bed->closed, 2);
    assert_int_equal(bed->done, bed->started);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
    test_free(bed);
}

static void on_done(struct sv_lookup *lookup, enum sv_err err, const struct sv_dns_views *views)
{
    struct bed *bed = lookup->owner;

    bed->done++;
    if (err != SV_OK) {
        assert_int_equal(err, SV_ECANCELED);
        assert_true(bed->called_off);
        return;
    }
    bed->told_closed = views->closed;
    bed->cut = views->cut != NULL ? views->cut->state : SV_CUT_UNKNOWN;
    bed->without_address =
        views->cut != NULL && views->cut->hosts_count > 0 && views->cut->hosts[0].without_address;
    bed->servers = views->servers_count;
    bed->servers_usable = 0;
    for (size_t i = 0; i < views->servers_count; i++)
        bed->servers_usable += views->servers[i].answer->outcome != SV_DNS_UNKNOWN ? 1 : 0;
    bed->resolver_asked[0] = 0;
    if (views->resolvers_count == 0)
        return;
    memcpy(bed->resolver_asked, views->resolvers[0]->server, sizeof(bed->resolver_asked));
    bed->resolver_outcome = views->resolvers[0]->outcome;
}

/* Until nothing that was begun is under way any more. */
static void settle(struct bed *bed)
{
    const struct sv_views_resolver *r = (const struct sv_views_resolver *)bed->resolver;

    while (r->line.open > 0)
        (void)uv_run(&bed->loop, UV_RUN_ONCE);
}

static void start(struct bed *bed, const char *name)
{
    bed->lookup = (struct sv_lookup){
        .owner = bed, .question = {.type = SV_RR_TXT, .how = SV_ASK_OWNED | SV_ASK_SEEN_BEFORE}};
    memcpy(bed->lookup.question.name, name, strlen(name) + 1);
    assert_int_equal(sv_lookup_start(bed->resolver, &bed->lookup, on_done, NULL), SV_OK);
    bed->started++;
}

static void ask(struct bed *bed, const char *name)
{
    unsigned before = bed->done;

    start(bed, name);
    while (bed->done == before)
        (void)uv_run(&bed->loop, UV_RUN_ONCE);
}

static void count_other(struct sv_dns_query *query, enum sv_err err,
                        const struct sv_dns_answer *answer)
{
    struct bed *bed = query->owner;

    (void)err;
    (void)answer;
    bed->others_open--;
}

/* Fills sv_dns with queries of somebody else: as many as may be in flight, or, without recursion,
 * in the line before one server. */
static void fill(struct bed *bed, bool recursion)
{
    struct sv_dns_question question = {.name = "o.example", .type = SV_RR_TXT};
    struct sv_dns_ask ask = {.question = &question,
                             .servers = &bed->rival.server,
                             .servers_count = 1,
                             .recursion = recursion,
                             .total_ms = MINUTE_MS};

    for (size_t i = 0; i < OTHERS_MAX; i++)
        bed->others[i].owner = bed;
    for (;
         sv_dns_start(bed->dns, &bed->others[bed->others_count], &ask, count_other, NULL) == SV_OK;
         bed->others_count++)
        bed->others_open++;
    assert_in_range(bed->others_count, SV_DNS_INFLIGHT_MAX, OTHERS_MAX - 1);
}

static void empty(struct bed *bed)
{
    while (bed->others_count > 0)
        sv_dns_cancel(&bed->others[--bed->others_count]);
    while (bed->others_open > 0)
        (void)uv_run(&bed->loop, UV_RUN_ONCE);
}

/* What it costs. */

static void test_one_question_costs_others_little(void **state)
{
    static const enum manner manners[] = {SPREAD, NXNS, CHAIN};

    (void)state;
    for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
        struct bed *bed = open_bed(manners[i], STEP_NXDOMAIN);
        struct sv_dns_stats stats;
        sv_ms began = read_clock(bed);
        ask(bed, "a.b.c.d.e.f.g.h.i.evil0.test");
        sv_dns_stats(bed->dns, &stats);
        printf("%llu packets, %zu of them to the resolver, %u aliases, %lld ms\n",
               (unsigned long long)stats.queries, (size_t)bed->by_recursion.asked, bed->aliases,
               (long long)(read_clock(bed) - began));
        assert_true(stats.queries > 30); /* the attack is one */
        /* 64 queries, some of which take more than one packet, and the walk */
        assert_true(stats.queries <= 128);
        end_bed(bed);
    }
}

/* NXNSAttack: a delegation to many names that somebody else has to answer for. */
static void test_one_delegation_costs_few_lookups(void **state)
{
    struct bed *bed = open_bed(NXNS, STEP_NXDOMAIN);

    (void)state;
    ask(bed, "x.evil0.test"); /* two of them: of "evil0.test" and of "x.evil0.test" */
    settle(bed);
    assert_in_range(bed->by_recursion.asked, 16 + 1, 2 * 16 + 1); /* the one is the question */
    end_bed(bed);
}

/* Whom it blames. */

static void test_no_room_is_nobodys_silence(void **state)
{
    struct bed *bed = open_bed(HONEST, STEP_ANSWER);

    (void)state;
    fill(bed, true);
    ask(bed, "x.a.test"); /* not even the walk has room */
    assert_int_equal(bed->asked, 0);
    assert_false(bed->told_closed);
    assert_string_equal(bed->resolver_asked, "");
    assert_int_equal(bed->resolver_outcome, SV_DNS_UNKNOWN);
    empty(bed);
    ask(bed, "x.b.test");
    assert_false(bed->told_closed);
    assert_int_equal(bed->servers_usable, 1);
    fill(bed, true);
    ask(bed, "y.b.test"); /* the zone is known, but there is no room to ask it */
    assert_int_equal(bed->servers, 0);
    assert_int_equal(bed->cut, SV_CUT_FOUND);
    empty(bed);
    ask(bed, "z.b.test"); /* and nobody remembers it as silent */
    assert_int_equal(bed->servers_usable, 1);
    end_bed(bed);
}

/* When the line before zones' own servers is as long as it may be, resolvers are asked all the
 * same. */
static void test_a_long_line_does_not_stop_resolvers(void **state)
{
    struct bed *bed = open_bed(HONEST, STEP_ANSWER);

    (void)state;
    fill(bed, false);
    ask(bed, "x.a.test");
    assert_int_equal(bed->asked, 0);
    assert_int_equal(bed->resolver_outcome, SV_DNS_DATA);
    empty(bed);
    end_bed(bed);
}

static void test_no_time_is_nobodys_silence(void **state)
{
    struct bed *bed = open_bed(LATE, STEP_ANSWER);

    (void)state;
    ask(bed, "x.sub.a.test");
    assert_int_equal(bed->servers, 0);
    settle(bed);
    bed->manner = HONEST;
    ask(bed, "y.sub.a.test");
    assert_int_equal(bed->servers_usable, 1);
    end_bed(bed);
}

static void test_what_resolvers_cannot_say_is_not_absent(void **state)
{
    static const struct {
        enum step step;
        bool without_address;
        enum sv_cut_state cut;
    } cases[] = {
        {STEP_NXDOMAIN, true, SV_CUT_SILENT},
        {STEP_NODATA, true, SV_CUT_SILENT},
        {STEP_SERVFAIL, false, SV_CUT_FOUND},
        {STEP_REFUSED, false, SV_CUT_FOUND},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bed *bed = open_bed(HONEST, cases[i].step);
        ask(bed, "test"); /* so that the name above is known */
        bed->manner = GLUELESS;
        ask(bed, "x.a.test");
        assert_int_equal(bed->without_address, cases[i].without_address);
        assert_int_equal(bed->cut, cases[i].cut);
        end_bed(bed);
    }
}

/* For how long. */

static void test_closed_is_believed_for_an_hour(void **state)
{
    struct bed *bed = open_bed(SILENT, STEP_ANSWER);
    unsigned asked;

    (void)state;
    ask(bed, "x.a.test");
    assert_true(bed->told_closed);
    settle(bed);
    asked = bed->asked;
    assert_true(asked > 0);
    bed->ahead_ms += 59 * MINUTE_MS;
    ask(bed, "x.b.test");
    assert_true(bed->told_closed);
    assert_int_equal(bed->asked, asked);
    bed->ahead_ms += 2 * MINUTE_MS;
    ask(bed, "x.c.test"); /* one walk tries again; nobody waits for it */
    assert_true(bed->told_closed);
    settle(bed);
    assert_true(bed->asked > asked);
    bed->ahead_ms += MINUTE_MS;
    asked = bed->asked;
    ask(bed, "x.d.test"); /* and only one */
    settle(bed);
    assert_true(bed->told_closed);
    assert_int_equal(bed->asked, asked);
    bed->ahead_ms += 61 * MINUTE_MS;
    bed->manner = HONEST;
    ask(bed, "x.e.test");
    assert_true(bed->told_closed);
    settle(bed);
    ask(bed, "x.f.test");
    assert_false(bed->told_closed);
    assert_int_equal(bed->servers_usable, 1);
    end_bed(bed);
}

/* A delegation's TTL is an hour here; five minutes are as long as it is believed, six hours that of
 * a top-level domain, which here asks again after its hour. */
static void test_delegations_expire(void **state)
{
    struct bed *bed = open_bed(HONEST, STEP_ANSWER);

    (void)state;
    ask(bed, "x.a.test");
    assert_int_equal(bed->asked_ns, 2 + 1); /* two on the way, and what the zone itself lists */
    bed->ahead_ms += 4 * MINUTE_MS;
    ask(bed, "y.a.test");
    assert_int_equal(bed->asked_ns, 3);
    bed->ahead_ms += 2 * MINUTE_MS;
    ask(bed, "z.a.test");
    assert_int_equal(bed->asked_ns, 5);
    bed->ahead_ms += 55 * MINUTE_MS;
    ask(bed, "w.a.test");
    assert_int_equal(bed->asked_ns, 8);
    end_bed(bed);
}

/* Ends. */

/* True when the question had ended by itself before. */
static bool call_off_after(enum manner manner, unsigned turns, bool close)
{
    struct bed *bed = open_bed(manner, STEP_NXDOMAIN);
    bool over;

    start(bed, "a.b.c.d.e.f.g.h.i.evil0.test");
    for (unsigned i = 0; i < turns && bed->done == 0; i++)
        (void)uv_run(&bed->loop, UV_RUN_ONCE);
    over = bed->done > 0;
    bed->called_off = true;
    if (!close)
        sv_lookup_cancel(&bed->lookup);
    end_bed(bed); /* what the canceled one left behind is closed in the middle */
    return over;
}

static void test_call_off_after_each_turn(void **state)
{
    static const enum manner manners[] = {HONEST, GLUELESS, SPREAD, NXNS, CHAIN};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(manners) / sizeof(manners[0]); i++) {
        unsigned turns = 0;
        while (!call_off_after(manners[i / 2], turns, i % 2 == 0))
            turns++;
        assert_true(turns > 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_question_costs_others_little),
        cmocka_unit_test(test_one_delegation_costs_few_lookups),
        cmocka_unit_test(test_no_room_is_nobodys_silence),
        cmocka_unit_test(test_a_long_line_does_not_stop_resolvers),
        cmocka_unit_test(test_no_time_is_nobodys_silence),
        cmocka_unit_test(test_what_resolvers_cannot_say_is_not_absent),
        cmocka_unit_test(test_closed_is_believed_for_an_hour),
        cmocka_unit_test(test_delegations_expire),
        cmocka_unit_test(test_call_off_after_each_turn),
    };

    return cmocka_run_group_tests_name("owned questions", tests, NULL, NULL);
}
