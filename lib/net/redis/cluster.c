#include <string.h>

#include "group.h"
#include "sv/alloc.h"

/* The story: a scout, a connection of its own, asks one node for the map (CLUSTER SLOTS): one of
 * the URL's hosts first, then whoever's turn it is, and after a redirect the node it led to. Every
 * node that serves slots gets a connection. There is one scout at a time, however many commands are
 * redirected, and no more than ten a second. A map that cannot be had leaves the old one in place.
 *
 * A redirected command does not wait for the map: MOVED already says where the slot is. */

enum {
    SCOUT_MS = 1000,  /* for each of: connecting, the answer */
    SPACING_MS = 100, /* between two scouts */
    JITTER_MS = 50,   /* many workers are redirected at once */
    UNWELL_MS =
        500, /* until the map is asked for again, while a server is away: up to twice that */
    SWEEP_MS = 5000,   /* until servers that serve nothing are looked at again */
    ASK_MS = 5000,     /* a follower stays at the new server of a moving slot for so long */
    REDIRECTS_MAX = 5, /* at once; then with pauses */
    PAUSE_FIRST_MS = 10,
    PAUSE_CAP_MS = 400,
    UNCONNECTED_MS = 5, /* a new server is connected by then, if it is near */
};

/* --- the map --- */

static void log_map(const struct sv_redis_group *group)
{
    sv_log_line(group->options.log, SV_LOG_INFO, "redis_map", "the cluster's map was read",
                SV_LOG_INT("nodes", group->nodes_count), SV_LOG_INT("unserved", group->unserved));
}

static void own(struct sv_redis_group *group, const struct sv_redis_range *range)
{
    struct sv_redis_node *node = sv_redis_node_get(group, &range->primary);

    if (node == NULL) /* too many: these slots stay unserved */
        return;
    node->is_needed = true;
    for (unsigned slot = range->first; slot <= range->last; slot++) {
        group->unserved -= group->owners[slot] == NULL ? 1 : 0;
        group->owners[slot] = node;
    }
}

/* Servers that serve nothing any more go, unless somebody still waits for their answer. */
static void sweep(struct sv_redis_group *group)
{
    struct sv_redis_node *node = group->nodes;
    bool is_left = false;

    while (node != NULL) {
        struct sv_redis_node *next = node->next;

        if (!node->is_needed && node->in_flight == 0)
            sv_redis_node_drop(node);
        else if (!node->is_needed)
            is_left = true;
        node = next;
    }
    if (is_left) {
        group->wants_map = true;
        sv_redis_group_seek(group, SWEEP_MS);
    }
}

static enum sv_err apply(struct sv_redis_group *group, const redisReply *reply,
                         const struct sv_redis_host *asked, struct sv_errinfo *info)
{
    struct sv_redis_range range;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements > SV_REDIS_SLOTS)
        return sv_err_set(info, SV_EMALFORMED, "redis", 0, "CLUSTER SLOTS answers no map");
    if (reply->elements == 0)
        return sv_err_set(info, SV_EUNAVAILABLE, "redis", 0, "the cluster serves no slots");
    for (size_t i = 0; i < reply->elements; i++) {
        if (!sv_redis_range_read(reply, i, asked, &range))
            return sv_err_set(info, SV_EMALFORMED, "redis", 0, "CLUSTER SLOTS answers no map");
    }
    for (struct sv_redis_node *node = group->nodes; node != NULL; node = node->next)
        node->is_needed = false;
    memset(group->owners, 0, sizeof(group->owners));
    group->unserved = SV_REDIS_SLOTS;
    for (size_t i = 0; i < reply->elements; i++) {
        if (sv_redis_range_read(reply, i, asked, &range))
            own(group, &range);
    }
    group->has_map = true;
    sweep(group);
    log_map(group);
    sv_redis_followers_aim(group);
    return SV_OK;
}

/* --- scouts --- */

static void dismiss(struct sv_redis_scout *scout)
{
    struct sv_redis_group *group = scout->group;

    group->scout = NULL;
    sv_redis_group_disconnect(group, scout->redis, scout);
}

static size_t count_candidates(const struct sv_redis_group *group)
{
    return group->nodes_count + group->place.hosts_count;
}

/* The next candidate at once; a pause when all of them have failed. */
static void on_failure(struct sv_redis_scout *scout, const struct sv_errinfo *why)
{
    struct sv_redis_group *group = scout->group;
    struct sv_errinfo copy = *why;

    dismiss(scout);
    group->wants_map = true;
    group->failures++;
    if (group->failures % count_candidates(group) != 0) {
        sv_redis_group_seek(group, 0);
        return;
    }
    sv_redis_group_seek(group, UNWELL_MS + (sv_ms)sv_rand_below(group->options.rand, UNWELL_MS));
    if (!sv_redis_group_is_ready(group))
        sv_redis_group_complain(group, &copy);
}

static void on_map(struct sv_redis_command *command, enum sv_err err, const redisReply *reply)
{
    struct sv_redis_scout *scout = command->owner;
    struct sv_redis_group *group = scout->group;
    struct sv_errinfo why = command->info;

    if (group->scout != scout)
        return;
    if (err == SV_OK)
        err = apply(group, reply, &scout->at, &why);
    if (err != SV_OK) {
        on_failure(scout, &why);
        return;
    }
    dismiss(scout);
    group->failures = 0;
    (void)sv_err_set(&why, SV_ECONNECT, "redis", 0, "connecting to a new node of the cluster");
    sv_redis_group_tell(group, &why);
    sv_redis_group_seek(group, UNWELL_MS + (sv_ms)sv_rand_below(group->options.rand, UNWELL_MS));
}

static void on_scout(void *context, bool ready, const struct sv_errinfo *why)
{
    struct sv_redis_scout *scout = context;
    struct sv_redis_words words = {
        .count = 2, .argv = (const char *[]){"CLUSTER", "SLOTS"}, .deadline_ms = SCOUT_MS};
    struct sv_errinfo info;

    if (!ready) {
        on_failure(scout, why);
        return;
    }
    scout->question.owner = scout;
    if (sv_redis_start(scout->redis, &scout->question, &words, on_map, &info) != SV_OK)
        on_failure(scout, &info);
}

/* The hosts of the URL and the nodes, in turn. */
static struct sv_redis_host next_candidate(struct sv_redis_group *group)
{
    size_t turn = group->turn++ % count_candidates(group);
    const struct sv_redis_node *node = group->nodes;
    struct sv_redis_host hint = group->hint;

    group->hint = (struct sv_redis_host){.port = 0};
    if (hint.host[0] != '\0')
        return hint;
    if (turn < group->place.hosts_count)
        return group->place.hosts[turn];
    for (turn -= group->place.hosts_count; turn > 0; turn--)
        node = node->next;
    return node->at;
}

static void send_scout(struct sv_redis_group *group)
{
    struct sv_redis_options options = group->options;
    struct sv_redis_scout *scout = sv_alloc(1, sizeof(*scout));

    options.any_role = true;
    options.log = NULL; /* a scout's own troubles are told by on_failure */
    if (options.connect_ms <= 0 || options.connect_ms > SCOUT_MS)
        options.connect_ms = SCOUT_MS;
    scout->group = group;
    scout->at = next_candidate(group);
    group->scout = scout;
    group->asked_at = sv_redis_group_now(group);
    scout->redis = sv_redis_group_connect(group, &scout->at, &options, on_scout, scout);
    explicit_bzero(&options.address, sizeof(options.address));
}

void sv_redis_cluster_refresh(struct sv_redis_group *group, const struct sv_redis_host *from)
{
    sv_ms since_ms = sv_redis_group_now(group) - group->asked_at;
    sv_ms wait_ms = group->has_map && since_ms < SPACING_MS ? SPACING_MS - since_ms : 0;

    if (from != NULL)
        group->hint = *from;
    group->wants_map = true;
    if (group->has_map)
        wait_ms += (sv_ms)sv_rand_below(group->options.rand, JITTER_MS);
    if (group->scout == NULL)
        sv_redis_group_seek(group, wait_ms);
}

/* Also run a while after each map: while something is missing the map is asked for again. */
void sv_redis_cluster_seek(struct sv_redis_group *group)
{
    bool is_well = sv_redis_group_is_ready(group) && group->unserved == 0;

    if (group->scout != NULL || (is_well && !group->wants_map))
        return;
    group->wants_map = false;
    send_scout(group);
}

void sv_redis_cluster_close(struct sv_redis_group *group)
{
    if (group->scout != NULL)
        dismiss(group->scout);
}

/* --- redirects --- */

static bool begins(const redisReply *reply, const char *word)
{
    return strncmp(reply->str, word, strlen(word)) == 0;
}

static void on_moved(struct sv_redis_group *group, unsigned slot, const struct sv_redis_host *to)
{
    struct sv_redis_node *node = sv_redis_node_get(group, to);
    struct sv_errinfo why;

    sv_redis_cluster_refresh(group, to);
    if (node == NULL)
        return;
    node->is_needed = true;
    if (group->owners[slot] == NULL && group->unserved > 0)
        group->unserved--;
    group->owners[slot] = node;
    sv_redis_followers_aim(group);
    (void)sv_err_set(&why, SV_ECONNECT, "redis", 0, "connecting to %s:%u", to->host, to->port);
    sv_redis_group_tell(group, &why);
}

static void on_ask(struct sv_redis_routed *routed, const struct sv_redis_host *to)
{
    struct sv_redis_follower *follower = routed->follower;

    if (follower == NULL) {
        routed->is_ask = true;
        routed->ask_at = *to;
        return;
    }
    follower->is_ask = true;
    follower->ask_at = *to;
    follower->ask_until = sv_redis_group_now(routed->group) + ASK_MS;
    sv_redis_follower_aim(follower);
}

/* Half of it fixed, half by chance: many wait for the same slot. */
static sv_ms pause_ms(const struct sv_redis_routed *routed)
{
    unsigned doublings = routed->tries < 8 ? routed->tries : 8;
    sv_ms reach_ms = (sv_ms)PAUSE_FIRST_MS << doublings;

    if (reach_ms > PAUSE_CAP_MS)
        reach_ms = PAUSE_CAP_MS;
    return reach_ms / 2 +
           (sv_ms)sv_rand_below(routed->group->options.rand, (uint64_t)reach_ms / 2 + 1);
}

static void send_again(struct sv_redis_routed *routed)
{
    struct sv_errinfo info;

    if (routed->tries > REDIRECTS_MAX)
        sv_redis_routed_wait(routed, pause_ms(routed));
    else if (sv_redis_routed_send(routed, &info) != SV_OK)
        sv_redis_routed_wait(routed, UNCONNECTED_MS);
}

bool sv_redis_cluster_redirect(struct sv_redis_routed *routed, const redisReply *reply)
{
    struct sv_redis_group *group = routed->group;
    const struct sv_redis_host here =
        routed->follower != NULL ? routed->follower->at : routed->node->at;
    struct sv_redis_host to;
    bool is_error = reply->type == REDIS_REPLY_ERROR, is_ask = false, is_moved = false;
    bool is_down = is_error && begins(reply, "CLUSTERDOWN");
    unsigned slot;

    if (is_error && sv_redis_redirect_read(reply->str, &here, &is_ask, &slot, &to))
        is_moved = !is_ask;
    if (!is_ask && !is_moved && !is_down && !(is_error && begins(reply, "TRYAGAIN")))
        return false;
    routed->is_ask = false;
    if (routed->follower != NULL && !is_ask)
        routed->follower->is_ask = false;
    if (is_moved)
        on_moved(group, slot, &to);
    if (is_ask)
        on_ask(routed, &to);
    if (is_down)
        sv_redis_cluster_refresh(group, NULL);
    if (sv_redis_group_now(group) >= routed->end_at) {
        (void)sv_err_set(&routed->info, SV_EUNAVAILABLE, "redis", 0, "%s", routed->info.text);
        sv_redis_routed_finish(routed, SV_EUNAVAILABLE, reply);
    } else if (is_moved || is_ask) {
        send_again(routed);
    } else {
        sv_redis_routed_wait(routed, pause_ms(routed));
    }
    return true;
}
