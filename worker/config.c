/* From the sources to one frozen value. Sources are applied from the weakest to the strongest; each
 * mistake is noted and the next line read, so that one run tells all of them. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "config_check.h"
#include "config_named.h"
#include "exit.h"
#include "ini.h"
#include "nearest.h"
#include "sv/alloc.h"
#include "sv/require.h"

static const char env_prefix[] = "SESVERIFY_";

enum { WHERE_BYTES = 512, WHY_BYTES = 256, SECTION_BYTES = 80, SETS_MAX = 256 };

struct load {
    struct sv_config *config;
    struct sv_problems *problems;
    const char *file; /* for messages */
    unsigned section_line;
    char seen_sections[SV_ACCOUNTS_MAX + SV_SINKS_MAX + 16]
                      [SECTION_BYTES]; /* headers of the file */
    size_t seen_count;
};

/* One value on its way in. */
struct assignment {
    const char *section, *key, *value;
    struct sv_origin origin;
    const char *where;
};

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

const char *sv_environment_find(char *const *environment, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++) {
        const char *item = environment[i];

        if (strncmp(item, name, len) == 0 && item[len] == '=')
            return item[len + 1] != '\0' ? item + len + 1 : NULL;
    }
    return NULL;
}

/* Defaults and accounts. */

static void set_default(const struct sv_setting *setting, void *base)
{
    char why[WHY_BYTES];

    /* An empty default of a text is fine even where the file must not say so. */
    SV_REQUIRE(sv_setting_parse(setting, base, setting->fallback, why, sizeof(why)));
}

const struct sv_config_account *sv_config_account_find(const struct sv_config *config,
                                                       const char *name)
{
    for (size_t i = 0; i < config->accounts_count; i++) {
        if (strcmp(config->accounts[i].name, name) == 0)
            return &config->accounts[i];
    }
    return NULL;
}

const struct sv_config_sink *sv_config_sink_find(const struct sv_config *config, const char *name)
{
    for (size_t i = 0; i < config->sinks_count; i++) {
        if (strcmp(config->sinks[i].name, name) == 0)
            return &config->sinks[i];
    }
    return NULL;
}

static struct sv_config *config_new(void)
{
    struct sv_config *config = sv_alloc(1, sizeof(*config));
    size_t count = 0;

    config->policy = sv_policy_default();
    for (const struct sv_setting *s = sv_settings; s->section != NULL; s++, count++)
        set_default(s, config);
    SV_REQUIRE(count <= SV_CONFIG_SETTINGS_MAX);
    return config;
}

void sv_config_free(struct sv_config *config)
{
    if (config == NULL)
        return;
    for (const struct sv_setting *s = sv_settings; s->section != NULL; s++)
        sv_setting_free(s, config);
    for (size_t i = 0; i < config->accounts_count; i++)
        sv_own_key_fini(&config->accounts[i].own_key);
    for (const struct sv_named_kind *kind = sv_named_kinds; kind->word != NULL; kind++) {
        struct sv_named named;

        for (size_t i = 0; sv_named_at(config, kind, i, &named); i++) {
            for (const struct sv_setting *s = kind->settings; s->section != NULL; s++)
                sv_setting_free(s, named.base);
        }
    }
    free(config->file);
    free(config);
}

/* Names. */

static bool section_exists(const char *name)
{
    for (const struct sv_setting *s = sv_settings; s->section != NULL; s++) {
        if (strcmp(s->section, name) == 0)
            return true;
    }
    return false;
}

static void refuse_section(struct load *load, const char *where, const char *name)
{
    struct sv_nearest nearest;

    sv_nearest_init(&nearest, name);
    for (const struct sv_named_kind *kind = sv_named_kinds; kind->word != NULL; kind++)
        sv_nearest_offer(&nearest, kind->word);
    for (const struct sv_setting *s = sv_settings; s->section != NULL; s++)
        sv_nearest_offer(&nearest, s->section);
    if (nearest.best != NULL)
        sv_problems_add(load->problems, false, where,
                        "unknown section [%.80s] (did you mean [%s%s]?)", name, nearest.best,
                        section_exists(nearest.best) ? "" : " NAME");
    else
        sv_problems_add(load->problems, false, where, "unknown section [%.80s]", name);
}

static const struct sv_setting *find_setting(const struct sv_setting *table, const char *section,
                                             const char *key, size_t *index)
{
    for (size_t i = 0; table[i].section != NULL; i++) {
        if (strcmp(table[i].section, section) == 0 && strcmp(table[i].key, key) == 0) {
            *index = i;
            return &table[i];
        }
    }
    return NULL;
}

/* The nearest key of the same section; failing that, the same key in another section. */
static void refuse_key(struct load *load, const struct sv_setting *table,
                       const struct assignment *given)
{
    struct sv_nearest nearest;

    sv_nearest_init(&nearest, given->key);
    for (const struct sv_setting *s = table; s->section != NULL; s++) {
        if (starts_with(given->section, s->section))
            sv_nearest_offer(&nearest, s->key);
    }
    if (nearest.best != NULL) {
        sv_problems_add(load->problems, false, given->where,
                        "unknown key '%.80s' in [%.80s] (did you mean '%s'?)", given->key,
                        given->section, nearest.best);
        return;
    }
    for (const struct sv_setting *s = sv_settings; s->section != NULL; s++) {
        if (strcmp(s->key, given->key) == 0) {
            sv_problems_add(load->problems, false, given->where,
                            "unknown key '%.80s' in [%.80s] (it belongs to [%s])", given->key,
                            given->section, s->section);
            return;
        }
    }
    sv_problems_add(load->problems, false, given->where, "unknown key '%.80s' in [%.80s]",
                    given->key, given->section);
}

/* One value into its place. */

static void store(struct load *load, const struct sv_setting *setting, void *base,
                  struct sv_origin *origin, const struct assignment *given)
{
    char why[WHY_BYTES] = "";

    if (given->origin.kind == SV_ORIGIN_FILE && origin->kind == SV_ORIGIN_FILE) {
        sv_problems_add(load->problems, false, given->where,
                        "'%s' was set on line %u of this file already", given->key, origin->line);
        return;
    }
    if (given->origin.kind == SV_ORIGIN_FLAG && origin->kind == SV_ORIGIN_FLAG) {
        sv_problems_add(load->problems, false, given->where, "given twice");
        return;
    }
    if (setting->type == SV_SETTING_SECRET && given->origin.kind != SV_ORIGIN_ENVIRONMENT) {
        sv_problems_add(load->problems, false, given->where,
                        "a secret belongs neither in the file nor on the command line; use "
                        "'%s_file'",
                        given->key);
        return;
    }
    if (!sv_setting_parse(setting, base, given->value, why, sizeof(why)))
        sv_problems_add(load->problems, false, given->where, "%s.%s: %s", given->section,
                        given->key, why);
    *origin = given->origin;
}

static void assign(struct load *load, const struct assignment *given)
{
    const struct sv_named_kind *kind = sv_named_kind_of(given->section);
    const struct sv_setting *setting;
    struct sv_named named;
    char why[WHY_BYTES];
    size_t index = 0;

    if (kind != NULL) {
        setting = find_setting(kind->settings, kind->word, given->key, &index);
        if (!sv_named_need(load->config, given->section, &named, why, sizeof(why)))
            sv_problems_add(load->problems, false, given->where, "%s", why);
        else if (setting == NULL)
            refuse_key(load, kind->settings, given);
        else
            store(load, setting, named.base, &named.origins[index], given);
        return;
    }
    setting = find_setting(sv_settings, given->section, given->key, &index);
    if (setting == NULL)
        refuse_key(load, sv_settings, given);
    else
        store(load, setting, load->config, &load->config->origins[index], given);
}

/* The file. */

static void file_where(const struct load *load, unsigned line, char out[WHERE_BYTES])
{
    (void)snprintf(out, WHERE_BYTES, "%s:%u", load->file, line);
}

static void on_header(struct load *load, const char *where, const char *section)
{
    struct sv_named named;
    char why[WHY_BYTES];

    for (size_t i = 0; i < load->seen_count; i++) {
        if (strcmp(load->seen_sections[i], section) == 0) {
            sv_problems_add(load->problems, false, where, "section [%.80s] is there twice",
                            section);
            return;
        }
    }
    if (load->seen_count < sizeof(load->seen_sections) / sizeof(load->seen_sections[0]))
        (void)snprintf(load->seen_sections[load->seen_count++], SECTION_BYTES, "%s", section);
    if (sv_named_kind_of(section) != NULL) {
        if (!sv_named_need(load->config, section, &named, why, sizeof(why)))
            sv_problems_add(load->problems, false, where, "%s", why);
    } else if (!section_exists(section)) {
        refuse_section(load, where, section);
    }
}

static bool is_named(struct load *load, const char *section)
{
    struct sv_named named;
    char why[WHY_BYTES];

    return sv_named_kind_of(section) != NULL &&
           sv_named_need(load->config, section, &named, why, sizeof(why));
}

static void on_entry(void *context, const struct sv_ini_entry *entry)
{
    struct load *load = context;
    char where[WHERE_BYTES];
    struct assignment given = {.section = entry->section,
                               .key = entry->key,
                               .value = entry->value,
                               .origin = {SV_ORIGIN_FILE, entry->line},
                               .where = where};

    file_where(load, entry->line, where);
    if (entry->key == NULL)
        on_header(load, where, entry->section);
    else if (*entry->section == '\0')
        sv_problems_add(load->problems, false, where, "'%.80s' stands before the first [section]",
                        entry->key);
    else if (section_exists(entry->section) || is_named(load, entry->section))
        assign(load, &given); /* the keys of an unknown section were refused with its header */
}

static void on_fault(void *context, unsigned line, const char *text)
{
    struct load *load = context;
    char where[WHERE_BYTES];

    file_where(load, line, where);
    sv_problems_add(load->problems, false, where, "%s", text);
}

/* The whole file, at most SV_INI_FILE_BYTES_MAX; false with a problem noted. */
static bool slurp(const char *path, struct sv_buf *out, struct sv_problems *problems)
{
    char piece[4096];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        sv_problems_add(problems, false, path, "cannot be read: %s", strerror(errno));
        return false;
    }
    while ((got = read(fd, piece, sizeof(piece))) > 0) {
        if (sv_buf_add(out, piece, (size_t)got))
            continue;
        sv_problems_add(problems, false, path, "larger than 1 MiB");
        (void)close(fd);
        return false;
    }
    if (got < 0)
        sv_problems_add(problems, false, path, "cannot be read: %s", strerror(errno));
    (void)close(fd);
    return got == 0;
}

static bool read_text(struct load *load, const char *name, const char *text, size_t len)
{
    struct sv_ini_reader reader = {.context = load, .entry = on_entry, .fault = on_fault};

    load->file = name;
    load->config->file = sv_strdup(name);
    sv_ini_read(text, len, &reader);
    return true;
}

static bool read_file(struct load *load, const struct sv_config_sources *sources)
{
    const char *path = sources->file != NULL ? sources->file : SV_CONFIG_FILE;
    struct sv_buf text;
    bool good;

    if (sources->text != NULL)
        return read_text(load, path, sources->text, sources->text_bytes);
    if (sources->file == NULL && access(path, F_OK) != 0 && errno == ENOENT)
        return true;
    sv_buf_init(&text, SV_INI_FILE_BYTES_MAX);
    good = slurp(path, &text, load->problems) && read_text(load, path, sv_buf_str(&text), text.len);
    sv_buf_fini(&text);
    return good;
}

/* The environment. */

/* "REDIS_URL" equals section "redis" and key "url"; an account's name may hold '-' and '.', which
 * become '_'. */
static bool env_equals(const char *name, const char *section, const char *key)
{
    char joined[SECTION_BYTES + 64];

    (void)snprintf(joined, sizeof(joined), "%s_%s", section, key);
    if (strlen(joined) != strlen(name))
        return false;
    for (size_t i = 0; name[i] != '\0'; i++) {
        char c = joined[i];

        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        else if (c == '-' || c == '.' || c == ' ')
            c = '_';
        if (c != name[i])
            return false;
    }
    return true;
}

static bool env_key(const struct sv_named_kind *kind, const char *name, struct assignment *given,
                    const char *section)
{
    for (const struct sv_setting *s = kind->settings; s->section != NULL; s++) {
        if (!env_equals(name, section, s->key))
            continue;
        given->section = section;
        given->key = s->key;
        return true;
    }
    return false;
}

/* SESVERIFY_ACCOUNT_<NAME>_<KEY>, SESVERIFY_SINK_<NAME>_<KEY>, for sections of the file and for the
 * account `default`. */
static bool env_named(struct load *load, const char *name, struct assignment *given,
                      char section[SECTION_BYTES])
{
    for (const struct sv_named_kind *kind = sv_named_kinds; kind->word != NULL; kind++) {
        struct sv_named named;

        for (size_t i = 0; sv_named_at(load->config, kind, i, &named); i++) {
            (void)snprintf(section, SECTION_BYTES, "%s %s", kind->word, named.name);
            if (env_key(kind, name, given, section))
                return true;
        }
    }
    (void)snprintf(section, SECTION_BYTES, "account default");
    return env_key(sv_named_kind_of(section), name, given, section);
}

/* Variables of a section we have but with a key we do not have are mistakes; all others are not
 * ours: Kubernetes sets SESVERIFY_SERVICE_HOST and the like for a service of that name. */
static void refuse_env(struct load *load, const char *where, const char *name)
{
    struct sv_nearest nearest;
    char names[SV_CONFIG_SETTINGS_MAX][SECTION_BYTES];
    bool ours = starts_with(name, "ACCOUNT_") || starts_with(name, "SINK_");
    size_t count = 0;

    sv_nearest_init(&nearest, name);
    for (const struct sv_setting *s = sv_settings; s->section != NULL; s++) {
        char *text = names[count++];
        size_t section_len = strlen(s->section);

        (void)snprintf(text, SECTION_BYTES, "%s_%s", s->section, s->key);
        for (char *at = text; *at != '\0'; at++)
            *at = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
        ours = ours || strncmp(name, text, section_len + 1) == 0;
        sv_nearest_offer(&nearest, text);
    }
    if (!ours)
        return;
    if (nearest.best != NULL)
        sv_problems_add(load->problems, false, where,
                        "no such setting (did you mean SESVERIFY_%s?)", nearest.best);
    else
        sv_problems_add(load->problems, false, where, "no such setting");
}

static void on_variable(struct load *load, const char *name, const char *value)
{
    char where[WHERE_BYTES];
    char section[SECTION_BYTES];
    struct assignment given = {
        .value = value, .origin = {SV_ORIGIN_ENVIRONMENT, 0}, .where = where};

    (void)snprintf(where, sizeof(where), "environment %s%s", env_prefix, name);
    for (const struct sv_setting *s = sv_settings; s->section != NULL; s++) {
        if (!env_equals(name, s->section, s->key))
            continue;
        given.section = s->section;
        given.key = s->key;
        if (s->type == SV_SETTING_SECRET)
            sv_problems_add(load->problems, true, where,
                            "a secret in the environment is seen by every child process; "
                            "%s.%s_file is better",
                            s->section, s->key);
        assign(load, &given);
        return;
    }
    if (env_named(load, name, &given, section))
        assign(load, &given);
    else
        refuse_env(load, where, name);
}

static void read_environment(struct load *load, char *const *environment)
{
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++) {
        const char *equals = strchr(environment[i], '=');
        const char *start = environment[i] + strlen(env_prefix);
        char name[SECTION_BYTES + 64];

        if (!starts_with(environment[i], env_prefix) || equals == NULL || equals[1] == '\0')
            continue;
        if ((size_t)(equals - start) >= sizeof(name))
            continue;
        (void)snprintf(name, sizeof(name), "%.*s", (int)(equals - start), start);
        on_variable(load, name, equals + 1);
    }
}

/* The flags. */

/* "redis.url=x" or "account.main.region=x"; an account's name may hold dots, a key never does. */
static void on_set(struct load *load, const char *text)
{
    char where[WHERE_BYTES];
    char section[SECTION_BYTES] = "";
    char key[64] = "";
    const char *equals = strchr(text, '=');
    const char *dot = equals != NULL ? memrchr(text, '.', (size_t)(equals - text)) : NULL;
    struct assignment given = {
        .section = section, .key = key, .origin = {SV_ORIGIN_FLAG, 0}, .where = where};

    (void)snprintf(where, sizeof(where), "--set %.*s",
                   equals != NULL ? (int)(equals - text) : (int)strlen(text), text);
    if (dot == NULL || dot - text >= SECTION_BYTES - 1 || equals - dot > (long)sizeof(key)) {
        sv_problems_add(load->problems, false, where, "is not of the form section.key=value");
        return;
    }
    (void)snprintf(section, sizeof(section), "%.*s", (int)(dot - text), text);
    (void)snprintf(key, sizeof(key), "%.*s", (int)(equals - dot - 1), dot + 1);
    given.value = equals + 1;
    for (const struct sv_named_kind *kind = sv_named_kinds; kind->word != NULL; kind++) {
        if (starts_with(section, kind->word) && section[strlen(kind->word)] == '.')
            section[strlen(kind->word)] = ' ';
    }
    if (section_exists(section) || sv_named_kind_of(section) != NULL)
        assign(load, &given);
    else
        refuse_section(load, where, section);
}

/* All together. */

/* The account's own region, or the environment's. */
static void fill_regions(struct sv_config *config, char *const *environment)
{
    const char *region = sv_environment_find(environment, "AWS_REGION");

    if (region == NULL)
        region = sv_environment_find(environment, "AWS_DEFAULT_REGION");
    for (size_t i = 0; region != NULL && i < config->accounts_count; i++) {
        struct sv_config_account *account = &config->accounts[i];

        if (*account->region != '\0')
            continue;
        free(account->region);
        account->region = sv_strdup(region);
        account->origins[0] = (struct sv_origin){SV_ORIGIN_ENVIRONMENT, 0}; /* region is first */
    }
}

int sv_config_load(const struct sv_config_sources *sources, struct sv_config **out,
                   struct sv_problems *problems)
{
    struct load load = {.config = config_new(), .problems = problems};
    struct sv_named named;
    char why[WHY_BYTES];
    bool readable = read_file(&load, sources);

    *out = NULL;
    read_environment(&load, sources->environment);
    for (size_t i = 0; i < sources->sets_count; i++)
        on_set(&load, sources->sets[i]);
    if (load.config->accounts_count == 0)
        (void)sv_named_need(load.config, "account default", &named, why, sizeof(why));
    fill_regions(load.config, sources->environment);
    sv_config_check(load.config, problems);
    if (problems->errors > 0) {
        sv_config_free(load.config);
        return readable ? SV_EXIT_CONFIG : SV_EXIT_NO_INPUT;
    }
    *out = load.config;
    return SV_EXIT_OK;
}
