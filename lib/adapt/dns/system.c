/* The system's list of resolvers. It changes with the network; an empty or unreadable file is a
 * moment in between, in which the last good list stays (F39). */
#include <stdlib.h>
#include <string.h>

#include "resolver_parts.h"
#include "sv/alloc.h"
#include "sv/require.h"

enum { LOOK_EVERY_MS = 5000 };

struct sv_system_list {
    uv_fs_poll_t poll;
    struct sv_views_resolver *resolver;
    char *path;
    uv_close_cb closed;
};

static void on_change(uv_fs_poll_t *poll, int status, const uv_stat_t *before,
                      const uv_stat_t *after)
{
    struct sv_system_list *list = poll->data;
    struct sv_views_resolver *r = list->resolver;
    struct sv_dns_server servers[SV_DNS_SERVERS_MAX];
    struct sv_errinfo info = {
        .code = SV_ENOTFOUND, .where = "resolver", .text = "the file is gone"};
    size_t count = 0;

    (void)before;
    (void)after;
    if (r->closing)
        return;
    if (status != 0 ||
        sv_dns_servers_of_system(list->path, servers, SV_DNS_SERVERS_MAX, &count, &info) != SV_OK) {
        sv_log_failure(r->log, SV_LOG_WARN, "dns_servers_kept", NULL, &info);
        return;
    }
    memcpy(r->servers, servers, count * sizeof(servers[0]));
    r->servers_count = count;
    sv_log_line(r->log, SV_LOG_INFO, "dns_servers_changed", "the system has other resolvers",
                SV_LOG_INT("servers", count));
}

struct sv_system_list *sv_system_list_new(struct sv_views_resolver *r, const char *path,
                                          sv_ms every_ms)
{
    struct sv_system_list *list = sv_alloc(1, sizeof(*list));

    list->resolver = r;
    list->path = sv_strdup(path);
    SV_REQUIRE(uv_fs_poll_init(r->loop, &list->poll) == 0);
    list->poll.data = list;
    SV_REQUIRE(uv_fs_poll_start(&list->poll, on_change, path,
                                (unsigned)(every_ms > 0 ? every_ms : LOOK_EVERY_MS)) == 0);
    uv_unref((uv_handle_t *)&list->poll); /* nobody waits for it */
    return list;
}

static void on_closed(uv_handle_t *handle)
{
    struct sv_system_list *list = handle->data;
    struct sv_views_resolver *r = list->resolver;
    uv_close_cb closed = list->closed;

    free(list->path);
    free(list);
    r->timer.data = r;
    closed((uv_handle_t *)&r->timer); /* one of those whose data is the resolver */
}

void sv_system_list_close(struct sv_system_list *list, uv_close_cb closed)
{
    list->closed = closed;
    uv_close((uv_handle_t *)&list->poll, on_closed);
}
