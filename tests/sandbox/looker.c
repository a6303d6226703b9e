#include "looker.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "look.h"
#include "sv/alloc.h"
#include "sv/heap.h"
#include "sv/require.h"

/* Identities wait in a heap by the virtual instant of their next look; one timer serves the first.
 * A look asks up to six questions at once, judges each reply as it comes and moves the axes when
 * the last has come. */

struct sb_look {
    struct sb_looker *looker;
    struct sb_identity *identity;
    struct sb_ask *asks[SB_LOOK_KINDS];
    bool asked[SB_LOOK_KINDS];
    struct sb_verdict verdicts[SB_LOOK_KINDS];
    unsigned open;
};

struct sb_looker {
    uv_loop_t *loop;
    const struct sb_clock *clock;
    struct sb_stores *stores;
    const struct sb_permissions *permissions;
    struct sockaddr_storage server;
    sv_ms every_ms;
    struct sv_heap due;
    uv_timer_t timer;
    unsigned looks;
};

static void on_timer(uv_timer_t *timer);

void sb_looker_rearm(struct sb_looker *looker)
{
    const struct sv_heap_node *first = sv_heap_first(&looker->due);

    if (first == NULL || looker->looks >= SB_LOOKS_MAX)
        (void)uv_timer_stop(&looker->timer);
    else
        (void)uv_timer_start(&looker->timer, on_timer,
                             (uint64_t)sb_clock_wait_ms(looker->clock, first->at), 0);
}

static void drop_look(struct sb_look *look)
{
    for (size_t i = 0; i < SB_LOOK_KINDS; i++) {
        if (look->asks[i] != NULL)
            sb_ask_cancel(look->asks[i]);
    }
    look->identity->look = NULL;
    look->looker->looks--;
    free(look);
}

static void schedule(struct sb_looker *looker, struct sb_identity *identity, sv_ms now)
{
    const struct sb_axis *axes[] = {&identity->identity, &identity->dkim, &identity->mail_from};
    sv_ms soonest = now + (sv_ms)(looker->clock->speed * SB_LOOK_PAUSE_MIN_MS);
    sv_ms next = now + looker->every_ms;

    if (!sb_identity_is_watched(identity))
        return;
    if (!identity->is_domain) {
        sv_heap_set(&looker->due, &identity->due, identity->identity.since + SB_LINK_MS);
        return;
    }
    for (size_t i = 0; i < sizeof axes / sizeof axes[0]; i++) {
        sv_ms deadline = sb_axis_deadline(axes[i]);

        if (sb_axis_is_watched(axes[i]) && deadline > now && deadline < next)
            next = deadline;
    }
    sv_heap_set(&looker->due, &identity->due, next > soonest ? next : soonest);
}

/* Why the keys of a replica's parent cannot be shared (an ErrorType); NULL when they can. */
static const char *trouble_with_parent(const struct sb_looker *looker,
                                       const struct sb_identity *identity)
{
    const struct sb_identity *parent = sb_identity_parent(identity);

    if (parent == NULL)
        return "REPLICATION_PRIMARY_NOT_FOUND";
    if (parent->origin == SB_ORIGIN_EXTERNAL)
        return "REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED";
    if (parent->origin == SB_ORIGIN_REPLICA)
        return "REPLICATION_REPLICA_AS_PRIMARY_NOT_SUPPORTED";
    if (sb_permissions_check(looker->permissions, identity->store->account,
                             "ses:ReplicateEmailIdentityDKIMSigningKey") != SB_PERMIT_GRANTED)
        return "REPLICATION_ACCESS_DENIED";
    return NULL;
}

static struct sb_verdict judge_dkim(const struct sb_look *look)
{
    const struct sb_identity *identity = look->identity;
    struct sb_verdict all = {SB_SEEN_GOOD, NULL};

    if (identity->origin == SB_ORIGIN_REPLICA) {
        const char *trouble = trouble_with_parent(look->looker, identity);

        if (trouble != NULL)
            return (struct sb_verdict){SB_SEEN_ABSENT, trouble};
    }
    for (size_t i = SB_LOOK_DKIM_1; i <= SB_LOOK_DKIM_3; i++) {
        const struct sb_verdict *one = &look->verdicts[i];

        if (!look->asked[i] || one->seen == SB_SEEN_GOOD || all.seen == SB_SEEN_ABSENT)
            continue;
        all = *one;
    }
    return all;
}

/* One good proof is enough; only when every proof is surely absent the identity is. */
static enum sb_seen judge_identity(const struct sb_look *look, enum sb_seen dkim)
{
    const struct sb_identity *identity = look->identity;
    enum sb_seen ownership = look->verdicts[SB_LOOK_OWNERSHIP].seen;

    if (identity->dkim.status == SB_NOT_STARTED)
        return ownership;
    if (!look->asked[SB_LOOK_DKIM_1]) /* pinned, or given up: its status speaks */
        dkim = identity->dkim.status == SB_SUCCESS ? SB_SEEN_GOOD : SB_SEEN_ABSENT;
    else if (dkim == SB_SEEN_ABSENT && identity->dkim.status == SB_PENDING &&
             identity->identity.status == SB_SUCCESS)
        dkim = SB_SEEN_UNKNOWN; /* a new key is being verified: that takes nothing back */
    if (!look->asked[SB_LOOK_OWNERSHIP] || dkim == SB_SEEN_GOOD)
        return dkim;
    if (ownership == SB_SEEN_GOOD)
        return SB_SEEN_GOOD;
    return ownership == SB_SEEN_ABSENT && dkim == SB_SEEN_ABSENT ? SB_SEEN_ABSENT : SB_SEEN_UNKNOWN;
}

static void conclude(struct sb_look *look)
{
    struct sb_identity *identity = look->identity;
    struct sb_looker *looker = look->looker;
    sv_ms now = sb_clock_virtual(looker->clock);
    struct sb_verdict dkim = {SB_SEEN_UNKNOWN, NULL};
    enum sb_seen whole;

    if (look->asked[SB_LOOK_DKIM_1]) {
        dkim = judge_dkim(look);
        sb_axis_see(&identity->dkim, dkim.seen, now);
    }
    whole = judge_identity(look, dkim.seen);
    sb_axis_see(&identity->identity, whole, now);
    if (look->asked[SB_LOOK_MX])
        sb_axis_see(&identity->mail_from, look->verdicts[SB_LOOK_MX].seen, now);
    identity->last_checked = now;
    identity->error_type = dkim.error_type;
    if (!look->asked[SB_LOOK_DKIM_1] && look->asked[SB_LOOK_OWNERSHIP])
        identity->error_type = look->verdicts[SB_LOOK_OWNERSHIP].error_type;
    if (whole == SB_SEEN_GOOD) {
        identity->last_success = now;
    }
    drop_look(look);
    schedule(looker, identity, now);
    sb_looker_rearm(looker);
}

static void on_reply(void *owner, unsigned which, const ldns_pkt *reply)
{
    struct sb_look *look = owner;

    look->asks[which] = NULL;
    if (which == SB_LOOK_SOA)
        sb_look_soa(reply, &look->identity->soa);
    else
        look->verdicts[which] = sb_look_judge(look->identity, which, reply);
    if (--look->open == 0)
        conclude(look);
}

static void ask(struct sb_look *look, enum sb_look_kind kind)
{
    struct sb_looker *looker = look->looker;
    char name[SV_NAME_BYTES + 80];
    ldns_rr_type type = sb_look_question(look->identity, kind, name);

    if (strlen(name) > SV_NAME_BYTES) { /* no such name can exist */
        look->verdicts[kind] = (struct sb_verdict){SB_SEEN_ABSENT, "HOST_NOT_FOUND"};
        look->asked[kind] = true;
        return;
    }
    look->asked[kind] = true;
    look->open++;
    look->asks[kind] = sb_ask_start(looker->loop, (struct sockaddr *)&looker->server, name, type,
                                    on_reply, look, kind);
}

/* Nobody follows links here: an address stays pending until its link is too old. */
static void expire_link(struct sb_looker *looker, struct sb_identity *identity)
{
    sv_ms now = sb_clock_virtual(looker->clock);
    struct sb_axis *axis = &identity->identity;

    if (now >= axis->since + SB_LINK_MS)
        *axis = (struct sb_axis){.status = SB_FAILED, .since = now};
    schedule(looker, identity, now);
}

static void start_look(struct sb_looker *looker, struct sb_identity *identity)
{
    struct sb_look *look = sv_alloc(1, sizeof *look);

    look->looker = looker;
    look->identity = identity;
    identity->look = look;
    looker->looks++;
    if (sb_axis_is_watched(&identity->dkim)) {
        ask(look, SB_LOOK_DKIM_1);
        if (identity->origin != SB_ORIGIN_EXTERNAL) {
            ask(look, SB_LOOK_DKIM_2);
            ask(look, SB_LOOK_DKIM_3);
        }
    }
    if (identity->ownership_wanted && sb_axis_is_watched(&identity->identity))
        ask(look, SB_LOOK_OWNERSHIP);
    if (sb_axis_is_watched(&identity->mail_from))
        ask(look, SB_LOOK_MX);
    ask(look, SB_LOOK_SOA);
}

static void on_timer(uv_timer_t *timer)
{
    struct sb_looker *looker = timer->data;
    sv_ms now = sb_clock_virtual(looker->clock);
    struct sv_heap_node *first;
    struct sb_identity *identity;

    while (looker->looks < SB_LOOKS_MAX && (first = sv_heap_first(&looker->due)) != NULL &&
           first->at <= now) {
        sv_heap_remove(&looker->due, first);
        identity = first->owner;
        if (identity->is_domain)
            start_look(looker, identity);
        else
            expire_link(looker, identity);
    }
    sb_looker_rearm(looker);
}

void sb_looker_wake(struct sb_looker *looker, struct sb_identity *identity)
{
    sb_looker_forget(looker, identity);
    if (sb_identity_is_watched(identity))
        sv_heap_set(&looker->due, &identity->due, sb_clock_virtual(looker->clock));
    sb_looker_rearm(looker);
}

void sb_looker_forget(struct sb_looker *looker, struct sb_identity *identity)
{
    if (identity->look != NULL)
        drop_look(identity->look);
    sv_heap_remove(&looker->due, &identity->due);
}

struct sb_looker *sb_looker_new(uv_loop_t *loop, const struct sb_clock *clock,
                                struct sb_stores *stores, const struct sb_permissions *permissions,
                                const struct sockaddr *server, sv_ms every_ms)
{
    struct sb_looker *looker = sv_alloc(1, sizeof *looker);

    looker->loop = loop;
    looker->clock = clock;
    looker->stores = stores;
    looker->permissions = permissions;
    memcpy(&looker->server, server, sb_address_bytes(server));
    looker->every_ms = every_ms;
    sv_heap_init(&looker->due);
    SV_REQUIRE(uv_timer_init(loop, &looker->timer) == 0);
    looker->timer.data = looker;
    return looker;
}

static void on_closed(uv_handle_t *handle)
{
    struct sb_looker *looker = handle->data;

    sv_heap_fini(&looker->due);
    free(looker);
}

void sb_looker_close(struct sb_looker *looker)
{
    if (looker == NULL)
        return;
    for (size_t i = 0; i < looker->stores->map.count; i++) {
        struct sb_store *store = looker->stores->map.entries[i].value;

        for (size_t j = 0; j < store->identities.count; j++)
            sb_looker_forget(looker, store->identities.entries[j].value);
    }
    uv_close((uv_handle_t *)&looker->timer, on_closed);
}
