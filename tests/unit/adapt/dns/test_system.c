/* The system's list of resolvers changes under a running worker (F39). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "resolver_parts.h"
#include "sv/dns_resolver.h"

struct bed {
    uv_loop_t loop;
    struct sv_rand rand;
    struct sv_dns *dns;
    struct sv_resolver *resolver;
    char folder[32], path[48], next[48];
    unsigned closed;
};

static void write_list(struct bed *bed, const char *text)
{
    FILE *file = fopen(bed->next, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(bed->next, bed->path), 0);
}

static struct bed *open_bed(void)
{
    struct bed *bed = test_calloc(1, sizeof(*bed));
    struct sv_dns_options dns = {.rand = &bed->rand, .clock = sv_clock_system()};
    struct sv_dns_server first;
    struct sv_dns_resolver_options options = {
        .servers = &first, .servers_count = 1, .system_path = bed->path, .system_every_ms = 5};

    (void)snprintf(bed->folder, sizeof(bed->folder), "%s", "/tmp/sv-system-XXXXXX");
    assert_non_null(mkdtemp(bed->folder));
    (void)snprintf(bed->path, sizeof(bed->path), "%s/list", bed->folder);
    (void)snprintf(bed->next, sizeof(bed->next), "%s/next", bed->folder);
    write_list(bed, "nameserver 127.0.0.1\n");
    assert_int_equal(sv_dns_server_parse("127.0.0.1", &first, NULL), SV_OK);
    sv_rand_system_init(&bed->rand);
    assert_int_equal(uv_loop_init(&bed->loop), 0);
    bed->dns = sv_dns_new(&bed->loop, &dns);
    options.dns = bed->dns;
    bed->resolver = sv_dns_resolver_new(&bed->loop, &options);
    return bed;
}

static void on_closed(void *context)
{
    ((struct bed *)context)->closed++;
}

static void end_bed(struct bed *bed)
{
    sv_resolver_close(bed->resolver, on_closed, bed);
    uv_run(&bed->loop, UV_RUN_DEFAULT);
    sv_dns_close(bed->dns, on_closed, bed);
    uv_run(&bed->loop, UV_RUN_DEFAULT);
    assert_int_equal(bed->closed, 2);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
    (void)unlink(bed->path);
    assert_int_equal(rmdir(bed->folder), 0);
    test_free(bed);
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

/* Runs until the list looks as wanted, or has been looked at often enough to tell that it does not
 * change. */
static void run_until(struct bed *bed, size_t count, unsigned ticks_max)
{
    const struct sv_views_resolver *r = (const struct sv_views_resolver *)bed->resolver;
    uv_timer_t tick;

    assert_int_equal(uv_timer_init(&bed->loop, &tick), 0);
    assert_int_equal(uv_timer_start(&tick, on_tick, 5, 5), 0);
    for (unsigned i = 0; i < ticks_max && r->servers_count != count; i++)
        uv_run(&bed->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&bed->loop, UV_RUN_NOWAIT);
}

/* What is there when the file is looked at for the first time is no change: written until seen. */
static void change(struct bed *bed, const char *list, size_t count)
{
    const struct sv_views_resolver *r = (const struct sv_views_resolver *)bed->resolver;

    for (unsigned i = 0; i < 100 && r->servers_count != count; i++) {
        write_list(bed, list);
        run_until(bed, count, 40);
    }
    assert_int_equal(r->servers_count, count);
}

static void test_F39_the_list_changes(void **state)
{
    struct bed *bed = open_bed();
    const struct sv_views_resolver *r = (const struct sv_views_resolver *)bed->resolver;
    char text[SV_DNS_SERVER_BYTES];

    (void)state;
    assert_int_equal(r->servers_count, 1);
    change(bed, "nameserver 127.0.0.2\nnameserver 127.0.0.3\n", 2);
    sv_server_text(&r->servers[1], text);
    assert_string_equal(text, "127.0.0.3:53");
    end_bed(bed);
}

static void test_F39_empty_or_gone_keeps_the_last_good_list(void **state)
{
    struct bed *bed = open_bed();
    const struct sv_views_resolver *r = (const struct sv_views_resolver *)bed->resolver;

    (void)state;
    change(bed, "nameserver 127.0.0.2\nnameserver 127.0.0.3\n", 2);
    write_list(bed, "# nothing here now\n");
    run_until(bed, 0, 100);
    assert_int_equal(r->servers_count, 2);
    assert_int_equal(unlink(bed->path), 0);
    run_until(bed, 0, 100);
    assert_int_equal(r->servers_count, 2);
    change(bed, "nameserver 127.0.0.4\n", 1);
    end_bed(bed);
}

/* A watched file is no reason for a loop to go on. */
static void test_it_keeps_no_loop_alive(void **state)
{
    struct bed *bed = open_bed();

    (void)state;
    uv_run(&bed->loop, UV_RUN_DEFAULT);
    end_bed(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_F39_the_list_changes),
        cmocka_unit_test(test_F39_empty_or_gone_keeps_the_last_good_list),
        cmocka_unit_test(test_it_keeps_no_loop_alive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
