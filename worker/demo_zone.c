#include "demo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sv/alloc.h"
#include "sv/json.h"

/* Short enough that a change shows within seconds, like everything in the demonstration. */
enum { TTL_S = 1 };

/* An SPF record that was let grow: eleven tools and SES make twelve look-ups, ten are allowed. */
static const char crowded[] =
    "\"v=spf1 include:spf1.tools.test include:spf2.tools.test include:spf3.tools.test "
    "include:spf4.tools.test include:spf5.tools.test include:spf6.tools.test \" "
    "\"include:spf7.tools.test include:spf8.tools.test include:spf9.tools.test "
    "include:spf10.tools.test include:spf11.tools.test include:amazonses.com ~all\"";
enum { TOOLS = 11 };

static void add(struct demo_zone *zone, size_t role, char *line)
{
    if (zone->count == DEMO_RECORDS_MAX) {
        free(line);
        return;
    }
    zone->records[zone->count++] = (struct demo_record){.line = line, .role = role};
}

static char *format(const char *name, const char *suffix, const char *type, const char *value)
{
    struct sv_buf out;
    const char *quote = strcmp(type, "TXT") == 0 && value[0] != '"' ? "\"" : "";

    sv_buf_init(&out, 4096);
    if (!sv_buf_printf(&out, "%s%s %d %s %s%s%s\n", name, suffix, TTL_S, type, quote, value, quote))
        sv_buf_clear(&out);
    return out.data == NULL ? sv_strdup("") : out.data;
}

static void drop(struct demo_zone *zone, size_t index)
{
    free(zone->records[index].line);
    zone->records[index] = zone->records[--zone->count];
}

void demo_zone_publish(struct demo_zone *zone, size_t role, const json_t *records,
                       enum demo_act how)
{
    struct sv_buf suffix;

    for (size_t i = zone->count; i-- > 0;) {
        if (zone->records[i].role == role)
            drop(zone, i);
    }
    sv_buf_init(&suffix, 512);
    if (how == DEMO_PUBLISH_DOUBLED && !sv_buf_printf(&suffix, ".%s", demo_cast[role].domain))
        return;
    for (size_t i = 0; i < json_array_size(records); i++) {
        const json_t *record = json_array_get(records, i);
        const char *name = sv_json_str(record, "name"), *type = sv_json_str(record, "type");
        const char *value = sv_json_str(record, "value");

        if (name == NULL || type == NULL || value == NULL)
            continue;
        if (how == DEMO_PUBLISH_CROWDED && strncmp(value, "v=spf1 ", 7) == 0)
            value = crowded;
        add(zone, role, format(name, sv_buf_str(&suffix), type, value));
    }
    sv_buf_fini(&suffix);
}

void demo_zone_remove_one(struct demo_zone *zone, size_t role)
{
    for (size_t i = 0; i < zone->count; i++) {
        if (zone->records[i].role == role && strstr(zone->records[i].line, " CNAME ") != NULL) {
            drop(zone, i);
            return;
        }
    }
}

/* What a domain has before anybody thinks of SES: a zone, and a host that takes its mail. */
static bool render_domain(const char *domain, struct sv_buf *out)
{
    return sv_buf_printf(out,
                         "%s 1 SOA ns.%s hostmaster.%s 1 3600 600 86400 1\n"
                         "%s 1 NS ns.%s\n"
                         "%s 1 MX 10 mx.%s\n"
                         "mx.%s 1 A 192.0.2.25\n",
                         domain, domain, domain, domain, domain, domain, domain, domain);
}

/* Amazon's own records and those of the registry of `example` are the sandbox's. */
static bool render(const struct demo_zone *zone, struct sv_buf *out)
{
    bool fits =
        sv_buf_add_str(out, "; written by `sesverify demo`\n") && render_domain("tools.test", out);

    for (int i = 1; fits && i <= TOOLS; i++)
        fits =
            sv_buf_printf(out, "spf%d.tools.test 1 TXT \"v=spf1 ip4:198.51.100.%d -all\"\n", i, i);
    for (size_t role = 0; fits && role < demo_cast_count; role++)
        fits = render_domain(demo_cast[role].domain, out);
    for (size_t i = 0; fits && i < zone->count; i++)
        fits = sv_buf_add_str(out, zone->records[i].line);
    return fits;
}

static enum sv_err fail(struct sv_errinfo *info, const char *path)
{
    return sv_err_set(info, SV_ESYSTEM, "demo", errno, "cannot write %s: %s", path,
                      strerror(errno));
}

enum sv_err demo_zone_write(const struct demo_zone *zone, struct sv_errinfo *info)
{
    char fresh[512];
    struct sv_buf out;
    FILE *file;
    bool written;

    sv_buf_init(&out, DEMO_ZONE_BYTES_MAX);
    (void)snprintf(fresh, sizeof fresh, "%s.new", zone->path);
    file = fopen(fresh, "w");
    if (file == NULL)
        return fail(info, fresh);
    written = render(zone, &out) && fwrite(out.data, 1, out.len, file) == out.len;
    written = fclose(file) == 0 && written;
    sv_buf_fini(&out);
    if (!written || rename(fresh, zone->path) != 0)
        return fail(info, zone->path);
    return SV_OK;
}

void demo_zone_fini(struct demo_zone *zone)
{
    while (zone->count > 0)
        drop(zone, zone->count - 1);
}
