#include "options.h"

#include <string.h>

#include "nearest.h"

static const struct sv_option options_of_all[] = {{"help", NULL, false, "this text"},
                                                  {.name = NULL}};

static const struct sv_option options_configured[] = {
    {"config", "FILE", false, "configuration file (default /etc/sesverify/sesverify.conf)"},
    {"set", "SECTION.KEY=VALUE", true, "one setting, stronger than file and environment"},
    {.name = NULL}};

static const struct sv_option options_facts[] = {{"json", NULL, false, "machine-readable output"},
                                                 {.name = NULL}};

enum { TABLES = 4 };

/* The tables an option may stand in, own ones first. */
static void tables_of(const struct sv_command *command, const struct sv_option *out[TABLES])
{
    static const struct sv_option none[] = {{.name = NULL}};

    out[0] = command->options != NULL ? command->options : none;
    out[1] = command->configured ? options_configured : none;
    out[2] = command->facts ? options_facts : none;
    out[3] = options_of_all;
}

const struct sv_option *sv_command_option(const struct sv_command *command, size_t index)
{
    const struct sv_option *tables[TABLES];

    tables_of(command, tables);
    for (size_t i = 0; i < TABLES; i++) {
        for (const struct sv_option *o = tables[i]; o->name != NULL; o++) {
            if (index-- == 0)
                return o;
        }
    }
    return NULL;
}

static const struct sv_option *find(const struct sv_command *command, const char *name)
{
    const struct sv_option *tables[TABLES];

    tables_of(command, tables);
    for (size_t i = 0; i < TABLES; i++) {
        for (const struct sv_option *o = tables[i]; o->name != NULL; o++) {
            if (strcmp(o->name, name) == 0)
                return o;
        }
    }
    return NULL;
}

static void refuse_unknown(const struct sv_command *command, const char *name, char *error)
{
    const struct sv_option *tables[TABLES];
    struct sv_nearest nearest;

    tables_of(command, tables);
    sv_nearest_init(&nearest, name);
    for (size_t i = 0; i < TABLES; i++) {
        for (const struct sv_option *o = tables[i]; o->name != NULL; o++)
            sv_nearest_offer(&nearest, o->name);
    }
    if (nearest.best != NULL)
        (void)snprintf(error, SV_OPTION_ERROR_BYTES,
                       "unknown option '--%.60s' (did you mean '--%s'?)", name, nearest.best);
    else
        (void)snprintf(error, SV_OPTION_ERROR_BYTES, "unknown option '--%.60s'", name);
}

/* One word that starts with "--". Returns how many words were used, 0 after a mistake. */
static int read_option(struct sv_args *args, int count, char *const *words, char *error)
{
    const char *equals = strchr(words[0], '=');
    size_t len = equals != NULL ? (size_t)(equals - words[0]) - 2 : strlen(words[0]) - 2;
    const struct sv_option *option;
    char name[SV_NEAREST_BYTES_MAX + 2];
    const char *value = equals != NULL ? equals + 1 : NULL;
    int used = 1;

    (void)snprintf(name, sizeof(name), "%.*s", (int)len, words[0] + 2);
    option = find(args->command, name);
    if (option == NULL) {
        refuse_unknown(args->command, name, error);
        return 0;
    }
    if (option->value == NULL && value != NULL) {
        (void)snprintf(error, SV_OPTION_ERROR_BYTES, "option '--%s' takes no value", name);
        return 0;
    }
    if (option->value != NULL && value == NULL) {
        if (count < 2) {
            (void)snprintf(error, SV_OPTION_ERROR_BYTES, "option '--%s' needs a value: %s", name,
                           option->value);
            return 0;
        }
        value = words[1];
        used = 2;
    }
    if (!option->many && sv_args_has(args, option->name)) {
        (void)snprintf(error, SV_OPTION_ERROR_BYTES, "option '--%s' is given twice", name);
        return 0;
    }
    if (args->given_count == SV_GIVEN_MAX) {
        (void)snprintf(error, SV_OPTION_ERROR_BYTES, "more than %d options", SV_GIVEN_MAX);
        return 0;
    }
    args->given[args->given_count].name = option->name;
    args->given[args->given_count++].value = value;
    return used;
}

static bool read_operand(struct sv_args *args, const char *word, bool any, char *error)
{
    if (!any && word[0] == '-' && word[1] != '\0') {
        (void)snprintf(error, SV_OPTION_ERROR_BYTES,
                       "unknown option '%.60s' (options begin with '--')", word);
        return false;
    }
    if (args->operands_count == args->command->operands_max) {
        (void)snprintf(error, SV_OPTION_ERROR_BYTES, "unexpected '%.60s'", word);
        return false;
    }
    args->operands[args->operands_count++] = word;
    return true;
}

static bool wants_help(int count, char *const *words)
{
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++) {
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            return true;
    }
    return false;
}

bool sv_args_read(const struct sv_command *command, int count, char *const *words,
                  struct sv_args *out, char error[SV_OPTION_ERROR_BYTES])
{
    bool only_operands = false;

    *out = (struct sv_args){.command = command, .help = wants_help(count, words)};
    if (out->help)
        return true;
    for (int i = 0; i < count;) {
        if (!only_operands && strcmp(words[i], "--") == 0) {
            only_operands = true;
            i++;
        } else if (!only_operands && strncmp(words[i], "--", 2) == 0) {
            int used = read_option(out, count - i, words + i, error);

            if (used == 0)
                return false;
            i += used;
        } else if (!read_operand(out, words[i++], only_operands, error)) {
            return false;
        }
    }
    if (out->operands_count < command->operands_min) {
        (void)snprintf(error, SV_OPTION_ERROR_BYTES, "%s is missing%s%s", command->operands,
                       command->operand_choices != NULL ? ", one of: " : "",
                       command->operand_choices != NULL ? command->operand_choices : "");
        return false;
    }
    return true;
}

bool sv_args_has(const struct sv_args *args, const char *name)
{
    for (size_t i = 0; i < args->given_count; i++) {
        if (strcmp(args->given[i].name, name) == 0)
            return true;
    }
    return false;
}

const char *sv_args_value(const struct sv_args *args, const char *name, const char *fallback)
{
    const char *value;

    return sv_args_values(args, name, &value, 1) == 1 ? value : fallback;
}

size_t sv_args_values(const struct sv_args *args, const char *name, const char **out, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < args->given_count && count < max; i++) {
        if (strcmp(args->given[i].name, name) == 0)
            out[count++] = args->given[i].value;
    }
    return count;
}

/* "--name VALUE"; returns its length. */
static int write_option(const struct sv_option *option, char *out, size_t bytes)
{
    return snprintf(out, bytes, "--%s%s%s", option->name, option->value != NULL ? " " : "",
                    option->value != NULL ? option->value : "");
}

/* Aligned: the widest one says where the help begins. */
static void show_options(const struct sv_command *command, FILE *out)
{
    const struct sv_option *option;
    char left[64];
    int width = 0;

    for (size_t i = 0; (option = sv_command_option(command, i)) != NULL; i++) {
        int len = write_option(option, left, sizeof(left));

        width = len > width ? len : width;
    }
    for (size_t i = 0; (option = sv_command_option(command, i)) != NULL; i++) {
        (void)write_option(option, left, sizeof(left));
        (void)fprintf(out, "  %-*s  %s%s\n", width, left, option->help,
                      option->many ? " (repeatable)" : "");
    }
}

void sv_command_help(const struct sv_command *command, FILE *out)
{
    (void)fprintf(out, "sesverify %s: %s\n\nUsage: sesverify %s%s%s [options]\n", command->name,
                  command->summary, command->name, *command->operands != '\0' ? " " : "",
                  command->operands);
    if (command->details != NULL)
        (void)fprintf(out, "\n%s\n", command->details);
    (void)fprintf(out, "\nOptions:\n");
    show_options(command, out);
    (void)fprintf(out, "\nExamples:\n");
    for (size_t i = 0; i < 2; i++)
        (void)fprintf(out, "  %s\n", command->examples[i]);
}
