#include <string.h>

#include "group.h"

/* The story: every Sentinel of the URL is asked every second who the primary is, five times a
 * second while there is none that serves us. A primary is believed when more than half of those
 * that answer name it, and at least two do where three or more are listed: so neither one that lies
 * nor one that is cut off with the old primary decides. Without such an answer the present primary
 * stays. That the server believes the same of itself is checked by its connection (ROLE).
 *
 * Sentinels are asked without a password; one that wants one is shown that of the servers. */

enum {
    CONNECT_MS = 1000,
    ANSWER_MS = 500,
    RECONNECT_CAP_MS = 2000,
    CALM_MS = 1000, /* between two questions */
    ALARM_MS = 200,
    FRESH_MS = 3000, /* an older answer does not count */
    MANY = 3,        /* so many listed: one alone is not believed */
};

static void open_one(struct sv_redis_sentinel *sentinel);

/* --- the election --- */

static bool is_fresh(const struct sv_redis_sentinel *sentinel)
{
    return sentinel->has_answered &&
           sv_redis_group_now(sentinel->group) - sentinel->answered_at <= FRESH_MS;
}

static size_t count_votes(const struct sv_redis_group *group, const struct sv_redis_host *primary)
{
    size_t votes = 0;

    for (size_t i = 0; i < group->place.hosts_count; i++) {
        const struct sv_redis_sentinel *s = &group->sentinels[i];

        if (is_fresh(s) && s->knows && sv_redis_host_equals(&s->primary, primary))
            votes++;
    }
    return votes;
}

static size_t count_answers(const struct sv_redis_group *group)
{
    size_t answers = 0;

    for (size_t i = 0; i < group->place.hosts_count; i++)
        answers += is_fresh(&group->sentinels[i]) ? 1 : 0;
    return answers;
}

static const struct sv_redis_host *elect(const struct sv_redis_group *group)
{
    size_t answers = count_answers(group);
    size_t needed = group->place.hosts_count >= MANY ? 2 : 1;

    for (size_t i = 0; i < group->place.hosts_count; i++) {
        const struct sv_redis_sentinel *s = &group->sentinels[i];
        size_t votes = is_fresh(s) && s->knows ? count_votes(group, &s->primary) : 0;

        if (2 * votes > answers && votes >= needed)
            return &s->primary;
    }
    return NULL;
}

static void follow(struct sv_redis_group *group)
{
    const struct sv_redis_host *elected = elect(group);
    struct sv_errinfo why;
    struct sv_redis_host to;

    if (elected == NULL ||
        (group->primary != NULL && sv_redis_host_equals(elected, &group->primary->at)))
        return;
    to = *elected;
    sv_log_line(group->options.log, SV_LOG_INFO, "redis_primary", "Sentinels name the primary",
                SV_LOG_STR("name", group->place.primary), SV_LOG_STR("host", to.host),
                SV_LOG_INT("port", to.port));
    if (group->primary != NULL)
        sv_redis_node_drop(group->primary);
    group->primary = sv_redis_node_get(group, &to);
    group->primary->is_needed = true;
    sv_redis_followers_aim(group);
    (void)sv_err_set(&why, SV_ECONNECT, "redis", 0, "the primary is %s:%u now", to.host, to.port);
    sv_redis_group_tell(group, &why);
}

/* --- asking --- */

static void take_answer(struct sv_redis_sentinel *sentinel, const redisReply *reply)
{
    const redisReply *host, *port;

    sentinel->has_answered = true;
    sentinel->answered_at = sv_redis_group_now(sentinel->group);
    sentinel->knows = false;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2)
        return;
    host = reply->element[0];
    port = reply->element[1];
    if (host->type != REDIS_REPLY_STRING || port->type != REDIS_REPLY_STRING)
        return;
    sentinel->knows = sv_redis_host_read(&sentinel->primary, host->str, (size_t)host->len,
                                         port->str, (size_t)port->len);
}

static void fail(struct sv_redis_sentinel *sentinel, const struct sv_errinfo *why)
{
    sentinel->has_answered = false;
    sentinel->has_failed = true;
    sentinel->why = *why;
}

static void on_answer(struct sv_redis_command *command, enum sv_err err, const redisReply *reply)
{
    struct sv_redis_sentinel *sentinel = command->owner;

    sentinel->is_asking = false;
    if (sentinel->group->closed != NULL)
        return;
    if (err != SV_OK) {
        fail(sentinel, &command->info);
        return;
    }
    sentinel->has_failed = false;
    take_answer(sentinel, reply);
    follow(sentinel->group);
}

static void ask(struct sv_redis_sentinel *sentinel)
{
    struct sv_redis_words words = {.count = 3,
                                   .argv = (const char *[]){"SENTINEL", "GET-MASTER-ADDR-BY-NAME",
                                                            sentinel->group->place.primary},
                                   .deadline_ms = ANSWER_MS};
    struct sv_errinfo info;

    if (sentinel->is_asking || !sv_redis_is_ready(sentinel->redis))
        return;
    sentinel->question.owner = sentinel;
    if (sv_redis_start(sentinel->redis, &sentinel->question, &words, on_answer, &info) == SV_OK)
        sentinel->is_asking = true;
    else
        fail(sentinel, &info);
}

/* Why nobody is elected, once every Sentinel had its say. */
static void explain(struct sv_redis_group *group)
{
    size_t answers = count_answers(group), known = 0;
    struct sv_errinfo why = {.code = SV_OK};

    for (size_t i = 0; i < group->place.hosts_count; i++) {
        const struct sv_redis_sentinel *s = &group->sentinels[i];

        if (!is_fresh(s) && !s->has_failed)
            return;
        if (is_fresh(s) && s->knows)
            known++;
        if (s->has_failed && why.code == SV_OK)
            why = s->why;
    }
    if (known > 0)
        (void)sv_err_set(
            &why, SV_EUNAVAILABLE, "redis", 0,
            "of %zu Sentinels %zu answer, and not enough of them name the same primary",
            group->place.hosts_count, answers);
    else if (answers > 0)
        (void)sv_err_set(&why, SV_EUNAVAILABLE, "redis", 0, "the Sentinels know no primary \"%s\"",
                         group->place.primary);
    else
        (void)sv_err_set(&why, why.code, "redis", 0, "no Sentinel answers: %s", why.text);
    sv_redis_group_complain(group, &why);
}

void sv_redis_sentinels_seek(struct sv_redis_group *group)
{
    sv_ms wait_ms = sv_redis_group_is_ready(group) ? CALM_MS : ALARM_MS;

    for (size_t i = 0; i < group->place.hosts_count; i++)
        ask(&group->sentinels[i]);
    if (group->primary == NULL)
        explain(group);
    /* Many workers that lose their primary at once do not ask in step. */
    wait_ms -= (sv_ms)sv_rand_below(group->options.rand, (uint64_t)wait_ms / 4 + 1);
    sv_redis_group_seek(group, wait_ms);
}

/* --- their connections --- */

static void on_state(void *context, bool ready, const struct sv_errinfo *why)
{
    struct sv_redis_sentinel *sentinel = context;
    struct sv_redis_group *group = sentinel->group;

    if (ready) {
        ask(sentinel);
        return;
    }
    fail(sentinel, why);
    if (why->code == SV_EDENIED && !sentinel->has_password &&
        (group->options.login != NULL || group->options.address.password[0] != '\0')) {
        sentinel->has_password = true;
        sentinel->has_failed = false;
        sv_redis_group_disconnect(group, sentinel->redis, NULL);
        open_one(sentinel);
    } else if (group->primary == NULL) {
        sv_redis_group_seek(group, 0);
    }
}

static void open_one(struct sv_redis_sentinel *sentinel)
{
    struct sv_redis_options options = sentinel->group->options;

    options.any_role = true;
    options.address.database = 0;
    options.connect_ms = CONNECT_MS;
    options.reconnect_cap_ms = RECONNECT_CAP_MS;
    if (!sentinel->has_password) {
        options.login = NULL;
        options.address.user[0] = '\0';
        explicit_bzero(options.address.password, sizeof(options.address.password));
    }
    sentinel->redis =
        sv_redis_group_connect(sentinel->group, &sentinel->at, &options, on_state, sentinel);
    explicit_bzero(&options.address, sizeof(options.address));
}

void sv_redis_sentinels_open(struct sv_redis_group *group)
{
    for (size_t i = 0; i < group->place.hosts_count; i++) {
        struct sv_redis_sentinel *sentinel = &group->sentinels[i];

        *sentinel = (struct sv_redis_sentinel){.group = group, .at = group->place.hosts[i]};
        open_one(sentinel);
    }
    sv_redis_group_seek(group, ALARM_MS);
}

void sv_redis_sentinels_close(struct sv_redis_group *group)
{
    for (size_t i = 0; i < group->place.hosts_count; i++)
        sv_redis_group_disconnect(group, group->sentinels[i].redis, NULL);
}
