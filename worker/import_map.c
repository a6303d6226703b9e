#include "import_map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/name.h"

enum { COLUMNS_MAX = 3 };

struct line {
    char domain[SV_NAME_BYTES];
    char client_id[SV_CLIENT_BYTES];
    char contact_email[SV_EMAIL_BYTES];
    unsigned number; /* in the file */
    bool used;
};

struct sv_import_map {
    struct line **lines; /* by domain, once the file is read */
    size_t count, room;
};

static enum sv_err fail(struct sv_errinfo *info, unsigned line, const char *what, const char *text)
{
    return sv_err_set(info, SV_EMALFORMED, "map", 0, "line %u: %s%s%.80s%s", line, what,
                      text != NULL ? ": \"" : "", text != NULL ? text : "",
                      text != NULL ? "\"" : "");
}

/* Takes a quoted column out of `*at`, in place: `""` is one quote. NULL without the closing one. */
static char *unquote(char **at)
{
    char *text = *at + 1, *to = text, *from = text;

    for (; *from != '\0'; from++) {
        if (*from == '"' && from[1] != '"') {
            *to = '\0';
            *at = from + 1;
            return text;
        }
        if (*from == '"')
            from++;
        *to++ = *from;
    }
    return NULL;
}

static void cut_blanks(const char *text, char *end)
{
    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = '\0';
}

/* The column at `*at`, in place, without the blanks around it. `*stop` is what ended it: a comma or
 * the line's end; anything else, or NULL, is no column. */
static char *take_column(char **at, char *stop)
{
    char *text = *at + strspn(*at, " \t");
    char *end = text + strcspn(text, ",");

    if (*text == '"') {
        end = text;
        text = unquote(&end);
        end += text != NULL ? strspn(end, " \t") : 0;
        *stop = *end;
    } else {
        *stop = *end;
        cut_blanks(text, end);
    }
    *at = end + (*stop == ',');
    return text;
}

/* Returns how many columns there are; 0 = it is no such line. */
static size_t split(char *line, char *columns[COLUMNS_MAX])
{
    for (size_t count = 0; count < COLUMNS_MAX; count++) {
        char stop = '\0';

        columns[count] = take_column(&line, &stop);
        if (columns[count] == NULL || (stop != '\0' && stop != ','))
            return 0;
        if (stop == '\0')
            return count + 1;
    }
    return 0;
}

static void keep(struct sv_import_map *map, struct line *line)
{
    if (map->count == map->room) {
        map->room = map->room == 0 ? 256 : 2 * map->room;
        map->lines = sv_realloc(map->lines, map->room * sizeof(struct line *));
    }
    map->lines[map->count++] = line;
}

static enum sv_err add(struct sv_import_map *map, char *text, unsigned number,
                       struct sv_errinfo *info)
{
    char none[] = "";
    char *columns[COLUMNS_MAX] = {NULL, NULL, none};
    size_t count = split(text, columns);
    struct line *line;
    struct sv_errinfo why;

    if (count < 2)
        return fail(info, number, "not domain,client_id[,contact_email]", NULL);
    if (*columns[1] == '\0' || strlen(columns[1]) >= SV_CLIENT_BYTES)
        return fail(info, number, "a client id has 1 to 128 characters", columns[1]);
    if (strlen(columns[2]) >= SV_EMAIL_BYTES)
        return fail(info, number, "the contact's address is too long", columns[2]);
    line = sv_alloc(1, sizeof *line);
    keep(map, line);
    if (sv_name_normalize(columns[0], strlen(columns[0]), line->domain, &why) != SV_OK)
        return fail(info, number, why.text, columns[0]);
    (void)snprintf(line->client_id, sizeof line->client_id, "%s", columns[1]);
    (void)snprintf(line->contact_email, sizeof line->contact_email, "%s", columns[2]);
    line->number = number;
    return SV_OK;
}

/* Lines of one domain stand in the order of the file. */
static int compare(const void *a, const void *b)
{
    const struct line *one = *(struct line *const *)a, *two = *(struct line *const *)b;
    int order = strcmp(one->domain, two->domain);

    return order != 0 ? order : (one->number > two->number) - (one->number < two->number);
}

static enum sv_err sort(struct sv_import_map *map, struct sv_errinfo *info)
{
    if (map->count > 1)
        qsort(map->lines, map->count, sizeof(struct line *), compare);
    for (size_t i = 1; i < map->count; i++) {
        const struct line *line = map->lines[i];

        if (strcmp(line->domain, map->lines[i - 1]->domain) == 0)
            return fail(info, line->number, "the domain stands in an earlier line too",
                        line->domain);
    }
    return SV_OK;
}

static bool is_comment(const char *text)
{
    text += strspn(text, " \t");
    return *text == '\0' || *text == '#';
}

static enum sv_err read_lines(FILE *file, struct sv_import_map *map, struct sv_errinfo *info)
{
    char text[SV_IMPORT_MAP_LINE_BYTES];
    enum sv_err err = SV_OK;

    for (unsigned number = 1; err == SV_OK && fgets(text, sizeof text, file) != NULL; number++) {
        size_t len = strcspn(text, "\r\n");

        if (number > SV_IMPORT_MAP_LINES_MAX)
            return sv_err_set(info, SV_ETOOBIG, "map", 0, "more than %d lines",
                              SV_IMPORT_MAP_LINES_MAX);
        if (text[len] == '\0' && len == sizeof text - 1)
            return fail(info, number, "too long", NULL);
        text[len] = '\0';
        if (!is_comment(text))
            err = add(map, text, number, info);
    }
    if (err == SV_OK && ferror(file))
        err = sv_err_set(info, SV_ESYSTEM, "map", errno, "cannot be read: %s", strerror(errno));
    return err == SV_OK ? sort(map, info) : err;
}

enum sv_err sv_import_map_read(const char *path, struct sv_import_map **out,
                               struct sv_errinfo *info)
{
    FILE *file = fopen(path, "re");
    struct sv_import_map *map;
    enum sv_err err;

    *out = NULL;
    if (file == NULL)
        return sv_err_set(info, errno == EACCES ? SV_EDENIED : SV_ENOTFOUND, "map", errno,
                          "cannot be opened: %s", strerror(errno));
    map = sv_alloc(1, sizeof *map);
    err = read_lines(file, map, info);
    (void)fclose(file);
    if (err == SV_OK)
        *out = map;
    else
        sv_import_map_free(map);
    return err;
}

void sv_import_map_free(struct sv_import_map *map)
{
    if (map == NULL)
        return;
    for (size_t i = 0; i < map->count; i++)
        free(map->lines[i]);
    free(map->lines);
    free(map);
}

static int compare_name(const void *name, const void *line)
{
    return strcmp(name, (*(struct line *const *)line)->domain);
}

bool sv_import_map_find(const struct sv_import_map *map, const char *domain,
                        struct sv_import_line *out)
{
    struct line **found = map->count == 0 ? NULL
                                          : bsearch(domain, map->lines, map->count,
                                                    sizeof(struct line *), compare_name);

    if (found == NULL)
        return false;
    (*found)->used = true;
    *out = (struct sv_import_line){.client_id = (*found)->client_id,
                                   .contact_email = (*found)->contact_email};
    return true;
}

size_t sv_import_map_unused(const struct sv_import_map *map)
{
    size_t unused = 0;

    for (size_t i = 0; i < map->count; i++)
        unused += !map->lines[i]->used;
    return unused;
}
