/* What the contract tests of groups share: scripted servers and one group on the same loop. */
#ifndef SV_TESTS_CONTRACT_REDIS_GROUP_KIT_H
#define SV_TESTS_CONTRACT_REDIS_GROUP_KIT_H

#include "kit.h"
#include "sv/redis_group.h"

enum { SCENE_SERVERS = 5, SCENE_CALLS = 64 };

struct scene;

struct routed_call {
    struct sv_redis_routed routed;
    struct scene *scene;
    unsigned starts, ends;
    bool in_start;
    enum sv_err err;
    struct sv_errinfo info;
    char reply[64];
    char copy[256]; /* of the line: the words must stay */
    const char *argv[16];
};

struct scene {
    uv_loop_t loop;
    struct server servers[SCENE_SERVERS]; /* all of them listen */
    struct sv_redis_group_options options;
    struct sv_redis_group *group;
    struct sv_rand rand;
    unsigned ready_count, down_count;
    struct sv_errinfo why; /* of the last "not ready" */
    bool is_closing, is_closed;
    struct routed_call calls[SCENE_CALLS];
    void (*on_end)(struct routed_call *call);
};

/* The group's place has the first `hosts` servers; short waits, seeded jitter. */
void scene_set(struct scene *scene, enum sv_redis_kind kind, unsigned hosts);
void scene_open(struct scene *scene); /* without waiting */
void scene_close(struct scene *scene);

/* Starts `line` as call i; `target` may be NULL. */
enum sv_err scene_start(struct scene *scene, size_t i, const char *line,
                        const struct sv_redis_target *target);

typedef bool scene_holds_fn(const struct scene *scene);
void scene_run_until(struct scene *scene, scene_holds_fn *holds);
bool scene_is_ready(const struct scene *scene);
bool scene_is_down(const struct scene *scene); /* told so since down_count = 0 */
bool scene_all_ended(const struct scene *scene);

/* Starts the line and waits for its end; its error. */
enum sv_err scene_do(struct scene *scene, size_t i, const char *line);

/* How often server i was sent this. */
unsigned scene_count(const struct scene *scene, unsigned i, const char *words);

/* Which server of its scene this is. */
unsigned scene_number(const struct scene *scene, const struct server *server);

/* Closes whatever is open and requires a loop without handles. */
void scene_finish(struct scene *scene);

#endif
