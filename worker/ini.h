/* A strict reader of INI text: sections, `key = value`, whole-line comments. It finds every mistake
 * in one pass, never cuts a value and never guesses. Pure. */
#ifndef SV_WORKER_INI_H
#define SV_WORKER_INI_H

#include <stddef.h>

enum { SV_INI_LINE_BYTES_MAX = 4096, SV_INI_FILE_BYTES_MAX = 1 << 20 };

/* What one line holds. Borrowed: valid during the call only. */
struct sv_ini_entry {
    unsigned line;       /* from 1 */
    const char *section; /* "redis", "account main" with one space; "" before the first header */
    const char *key;     /* NULL: this line is the section's header */
    const char *value;   /* valid UTF-8 without control bytes, no blanks around it; may be "" */
};

struct sv_ini_reader {
    void *context;
    void (*entry)(void *context, const struct sv_ini_entry *entry);
    void (*fault)(void *context, unsigned line, const char *text);
};

/* Lines end in "\n" or "\r\n". A comment starts with '#' or ';' as the first character that is no
 * blank. Keys are of a-z, 0-9 and '_'. Faulty lines are told and skipped; after a faulty header its
 * lines are skipped in silence, since nobody knows where they belong. */
void sv_ini_read(const char *bytes, size_t len, const struct sv_ini_reader *reader);

#endif
