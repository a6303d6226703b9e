#include "demo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sv/alloc.h"
#include "sv/json.h"

/* Short enough that a change shows within seconds, like everything in the demonstration. */
enum { TTL_S = 1 };

/* A public RSA key of 2048 bits that signs nothing: what SES would publish behind the aliases. */
static const char key_text[] =
    "\"p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAgz5Zl15FLK1esM333O6MoPgvOejZM+9k9uDQDnIHvr7yF+"
    "e95FoHNTtfHUkqzLpUII1ZwfaUnVug6vXRaixSPP7pyvLjTv7S8QEAOaFcu/"
    "4NFWpDJMdYMhkPCPB+XOv4fwMikOUfHolkLuwRoMKWPtaTlJIt\" "
    "\"+d0l7p2oaWaRjDYvI+cu6itSRXsm/"
    "tYVkczytNQrzRQH6O2lH15pfz6vLs2FX6NlbSo6sA0V5Z904Urp4GjAoNVXhHaEnf/VKd+vz/"
    "SZceSPaCGxCumuIJkAolYS4dvwk3tj4W3ND2F4IMwAHVK9tdjv49qh0WcoAsLp7OxUibFerp/v1YAIWWDH4QIDAQAB\"";

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

void demo_zone_publish(struct demo_zone *zone, size_t role, const json_t *records, bool doubled)
{
    struct sv_buf suffix;

    for (size_t i = zone->count; i-- > 0;) {
        if (zone->records[i].role == role)
            drop(zone, i);
    }
    sv_buf_init(&suffix, 512);
    if (doubled && !sv_buf_printf(&suffix, ".%s", demo_cast[role].domain))
        return;
    for (size_t i = 0; i < json_array_size(records); i++) {
        const json_t *record = json_array_get(records, i);
        const char *name = sv_json_str(record, "name"), *type = sv_json_str(record, "type");
        const char *value = sv_json_str(record, "value");

        if (name == NULL || type == NULL || value == NULL)
            continue;
        add(zone, role, format(name, sv_buf_str(&suffix), type, value));
        if (strcmp(type, "CNAME") == 0)
            add(zone, role, format(value, "", "TXT", key_text));
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

static bool render(const struct demo_zone *zone, struct sv_buf *out)
{
    bool fits = sv_buf_add_str(
        out, "; written by `sesverify demo`\n"
             "amazonses.com 1 SOA ns.amazonses.com hostmaster.amazonses.com 1 3600 600 86400 1\n"
             "amazonses.com 1 NS ns.amazonses.com\n"
             "amazonses.com 1 TXT \"v=spf1 ip4:199.255.192.0/22 -all\"\n");

    for (size_t role = 0; fits && role < demo_cast_count; role++)
        fits =
            sv_buf_printf(out, "%s 1 SOA ns.%s hostmaster.%s 1 3600 600 86400 1\n%s 1 NS ns.%s\n",
                          demo_cast[role].domain, demo_cast[role].domain, demo_cast[role].domain,
                          demo_cast[role].domain, demo_cast[role].domain);
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
