/* One value: from text to its typed place and back. */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "config.h"
#include "nearest.h"
#include "sv/alloc.h"
#include "sv/require.h"

enum { NUMBER_TEXT_BYTES = 40 };

static char *place(void *base, const struct sv_setting *setting)
{
    return (char *)base + setting->at;
}

static const char *look(const void *base, const struct sv_setting *setting)
{
    return (const char *)base + setting->at;
}

static bool say(char *why, size_t bytes, const char *text)
{
    (void)snprintf(why, bytes, "%s", text);
    return false;
}

/* Decimal digits only, no sign, no blanks; false beyond `max`. */
static bool read_digits(const char *text, size_t len, int64_t max, int64_t *out)
{
    int64_t number = 0;

    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (number > (max - (text[i] - '0')) / 10)
            return false;
        number = number * 10 + (text[i] - '0');
    }
    *out = number;
    return true;
}

/* Calls per second with at most three decimals, in thousandths. */
static bool read_rate(const char *text, int64_t *out)
{
    const char *dot = strchr(text, '.');
    size_t whole_len = dot != NULL ? (size_t)(dot - text) : strlen(text);
    size_t part_len = dot != NULL ? strlen(dot + 1) : 0;
    int64_t whole;
    int64_t part = 0;

    if (!read_digits(text, whole_len, INT32_MAX, &whole) || part_len > 3)
        return false;
    if (dot != NULL && !read_digits(dot + 1, part_len, 999, &part))
        return false;
    for (size_t i = part_len; dot != NULL && i < 3; i++)
        part *= 10;
    *out = whole * 1000 + part;
    return true;
}

static const struct {
    const char *name;
    int64_t bytes;
} size_units[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}};

static bool read_size(const char *text, int64_t *out)
{
    size_t digits = strspn(text, "0123456789");
    int64_t number;

    if (!read_digits(text, digits, INT64_MAX >> 31, &number))
        return false;
    for (size_t i = 0; i < sizeof(size_units) / sizeof(size_units[0]); i++) {
        if (strcmp(text + digits, size_units[i].name) == 0) {
            *out = number * size_units[i].bytes;
            return true;
        }
    }
    return false;
}

static bool read_number(const struct sv_setting *setting, const char *text, int64_t *out,
                        const char **wanted)
{
    switch (setting->type) {
    case SV_SETTING_COUNT:
        *wanted = "a whole number";
        return read_digits(text, strlen(text), INT64_MAX, out);
    case SV_SETTING_RATE:
        *wanted = "calls per second, such as 1 or 0.5";
        return read_rate(text, out);
    case SV_SETTING_SIZE:
        *wanted = "a size with its unit, such as 64KiB (B, KiB, MiB, GiB)";
        return read_size(text, out);
    case SV_SETTING_DURATION:
        *wanted = "a duration with its unit, such as 30s (ms, s, m, h, d)";
        return sv_duration_parse(text, strlen(text), out) == SV_OK;
    case SV_SETTING_TEXT:
    case SV_SETTING_SECRET:
    case SV_SETTING_BOOL:
    case SV_SETTING_CHOICE:
    case SV_SETTING_LIST:
        break;
    }
    SV_REQUIRE(false);
    return false;
}

static void store_number(const struct sv_setting *setting, void *base, int64_t number)
{
    if (setting->type == SV_SETTING_DURATION)
        *(sv_ms *)(void *)place(base, setting) = number;
    else if (setting->type == SV_SETTING_SIZE)
        *(size_t *)(void *)place(base, setting) = (size_t)number;
    else
        *(unsigned *)(void *)place(base, setting) = (unsigned)number;
}

static int64_t load_number(const struct sv_setting *setting, const void *base)
{
    const void *at = look(base, setting);

    if (setting->type == SV_SETTING_DURATION)
        return *(const sv_ms *)at;
    if (setting->type == SV_SETTING_SIZE)
        return (int64_t) * (const size_t *)at;
    return *(const unsigned *)at;
}

static bool parse_number(const struct sv_setting *setting, void *base, const char *text, char *why,
                         size_t why_bytes)
{
    const char *wanted = "";
    char range[96];
    int64_t number;

    if (!read_number(setting, text, &number, &wanted)) {
        (void)snprintf(why, why_bytes, "'%.60s' is not %s", text, wanted);
        return false;
    }
    if (number < setting->min || number > setting->max) {
        sv_setting_range(setting, range, sizeof(range));
        (void)snprintf(why, why_bytes, "'%.60s' is out of range, allowed is %s", text, range);
        return false;
    }
    store_number(setting, base, number);
    return true;
}

static bool parse_text(const struct sv_setting *setting, void *base, const char *text, char *why,
                       size_t why_bytes)
{
    char **at = (char **)(void *)place(base, setting);
    size_t len = strlen(text);

    if ((int64_t)len < setting->min)
        return say(why, why_bytes, "the value is empty");
    if ((int64_t)len > setting->max) {
        (void)snprintf(why, why_bytes, "the value is longer than %lld bytes",
                       (long long)setting->max);
        return false;
    }
    sv_setting_free(setting, base);
    *at = sv_strdup(text);
    return true;
}

static bool parse_bool(const struct sv_setting *setting, void *base, const char *text, char *why,
                       size_t why_bytes)
{
    static const char *const yes[] = {"true", "yes", "on"};
    static const char *const no[] = {"false", "no", "off"};
    bool *at = (bool *)(void *)place(base, setting);

    for (size_t i = 0; i < 3; i++) {
        if (strcmp(text, yes[i]) != 0 && strcmp(text, no[i]) != 0)
            continue;
        *at = strcmp(text, yes[i]) == 0;
        return true;
    }
    (void)snprintf(why, why_bytes, "'%.60s' is not true or false", text);
    return false;
}

static bool parse_choice(const struct sv_setting *setting, void *base, const char *text, char *why,
                         size_t why_bytes)
{
    struct sv_nearest nearest;
    char range[96];

    sv_nearest_init(&nearest, text);
    for (unsigned i = 0; setting->choices[i] != NULL; i++) {
        sv_nearest_offer(&nearest, setting->choices[i]);
        if (strcmp(text, setting->choices[i]) != 0)
            continue;
        *(unsigned *)(void *)place(base, setting) = i;
        return true;
    }
    sv_setting_range(setting, range, sizeof(range));
    (void)snprintf(why, why_bytes, "'%.60s' is not one of %s%s%s%s", text, range,
                   nearest.best != NULL ? " (did you mean '" : "",
                   nearest.best != NULL ? nearest.best : "", nearest.best != NULL ? "'?)" : "");
    return false;
}

static void list_free(struct sv_text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct sv_text_list){0};
}

static bool parse_list(const struct sv_setting *setting, void *base, const char *text, char *why,
                       size_t why_bytes)
{
    static const char *const between = ", \t";
    struct sv_text_list *at = (struct sv_text_list *)(void *)place(base, setting);
    struct sv_text_list list = {.items = sv_alloc(SV_CONFIG_LIST_MAX + 1, sizeof(char *))};

    SV_REQUIRE(setting->max <= SV_CONFIG_LIST_MAX);
    for (text += strspn(text, between); *text != '\0'; text += strspn(text, between)) {
        size_t len = strcspn(text, between);

        if ((int64_t)list.count == setting->max) {
            (void)snprintf(why, why_bytes, "more than %lld entries", (long long)setting->max);
            list_free(&list);
            return false;
        }
        list.items[list.count++] = sv_strndup(text, len);
        text += len;
    }
    list_free(at);
    *at = list;
    return true;
}

bool sv_setting_parse(const struct sv_setting *setting, void *base, const char *text, char *why,
                      size_t why_bytes)
{
    switch (setting->type) {
    case SV_SETTING_TEXT:
    case SV_SETTING_SECRET:
        return parse_text(setting, base, text, why, why_bytes);
    case SV_SETTING_BOOL:
        return parse_bool(setting, base, text, why, why_bytes);
    case SV_SETTING_CHOICE:
        return parse_choice(setting, base, text, why, why_bytes);
    case SV_SETTING_LIST:
        return parse_list(setting, base, text, why, why_bytes);
    case SV_SETTING_COUNT:
    case SV_SETTING_RATE:
    case SV_SETTING_DURATION:
    case SV_SETTING_SIZE:
        break;
    }
    return parse_number(setting, base, text, why, why_bytes);
}

void sv_setting_free(const struct sv_setting *setting, void *base)
{
    if (setting->type == SV_SETTING_LIST) {
        list_free((struct sv_text_list *)(void *)place(base, setting));
    } else if (setting->type == SV_SETTING_TEXT || setting->type == SV_SETTING_SECRET) {
        char **at = (char **)(void *)place(base, setting);

        if (*at != NULL && setting->type == SV_SETTING_SECRET)
            OPENSSL_cleanse(*at, strlen(*at));
        free(*at);
        *at = NULL;
    }
}

static void number_text(const struct sv_setting *setting, int64_t number,
                        char out[NUMBER_TEXT_BYTES])
{
    size_t unit = 0;

    if (setting->type == SV_SETTING_DURATION) {
        char text[SV_DURATION_TEXT_BYTES];

        (void)snprintf(out, NUMBER_TEXT_BYTES, "%s", sv_duration_format(number, text));
    } else if (setting->type == SV_SETTING_SIZE) {
        while (number % size_units[unit].bytes != 0)
            unit++;
        (void)snprintf(out, NUMBER_TEXT_BYTES, "%lld%s",
                       (long long)(number / size_units[unit].bytes), size_units[unit].name);
    } else if (setting->type == SV_SETTING_RATE && number % 1000 != 0) {
        (void)snprintf(out, NUMBER_TEXT_BYTES, "%lld.%03lld", (long long)(number / 1000),
                       (long long)(number % 1000));
    } else {
        (void)snprintf(out, NUMBER_TEXT_BYTES, "%lld",
                       (long long)(setting->type == SV_SETTING_RATE ? number / 1000 : number));
    }
}

/* The callers' buffers hold any configuration: a value is at most 4 KiB. */
static void put(struct sv_buf *out, const char *text)
{
    bool fits = sv_buf_add_str(out, text);

    SV_REQUIRE(fits);
}

void sv_setting_write(const struct sv_setting *setting, const void *base, struct sv_buf *out)
{
    const void *at = look(base, setting);
    char number[NUMBER_TEXT_BYTES];

    switch (setting->type) {
    case SV_SETTING_TEXT:
    case SV_SETTING_SECRET:
        put(out, *(char *const *)at);
        return;
    case SV_SETTING_BOOL:
        put(out, *(const bool *)at ? "true" : "false");
        return;
    case SV_SETTING_CHOICE:
        put(out, setting->choices[*(const unsigned *)at]);
        return;
    case SV_SETTING_LIST: {
        const struct sv_text_list *list = at;

        for (size_t i = 0; i < list->count; i++) {
            put(out, i > 0 ? ", " : "");
            put(out, list->items[i]);
        }
        return;
    }
    case SV_SETTING_COUNT:
    case SV_SETTING_RATE:
    case SV_SETTING_DURATION:
    case SV_SETTING_SIZE:
        break;
    }
    number_text(setting, load_number(setting, base), number);
    put(out, number);
}

void sv_setting_range(const struct sv_setting *setting, char *out, size_t bytes)
{
    char least[NUMBER_TEXT_BYTES];
    char most[NUMBER_TEXT_BYTES];
    size_t len = 0;

    out[0] = '\0';
    if (setting->type == SV_SETTING_CHOICE) {
        for (size_t i = 0; setting->choices[i] != NULL && len < bytes; i++)
            len += (size_t)snprintf(out + len, bytes - len, "%s%s", i > 0 ? " | " : "",
                                    setting->choices[i]);
    } else if (setting->type == SV_SETTING_BOOL) {
        (void)snprintf(out, bytes, "true | false");
    } else if (setting->type == SV_SETTING_LIST) {
        (void)snprintf(out, bytes, "at most %lld entries", (long long)setting->max);
    } else if (setting->type != SV_SETTING_TEXT && setting->type != SV_SETTING_SECRET) {
        number_text(setting, setting->min, least);
        number_text(setting, setting->max, most);
        (void)snprintf(out, bytes, "%s .. %s", least, most);
    }
}

const char *sv_setting_type_name(enum sv_setting_type type)
{
    static const char *const names[] = {
        [SV_SETTING_TEXT] = "text",          [SV_SETTING_SECRET] = "secret",
        [SV_SETTING_BOOL] = "true or false", [SV_SETTING_COUNT] = "number",
        [SV_SETTING_RATE] = "per second",    [SV_SETTING_DURATION] = "duration",
        [SV_SETTING_SIZE] = "size",          [SV_SETTING_CHOICE] = "one of",
        [SV_SETTING_LIST] = "list",
    };

    return names[type];
}
