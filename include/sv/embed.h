/* Files that the build turned into constants (Lua scripts, examples). */
#ifndef SV_EMBED_H
#define SV_EMBED_H

#include <stddef.h>

struct sv_embedded {
    const char *name; /* file name without its ending; NULL ends the table */
    const char *text; /* followed by a 0 byte */
    size_t len;
};

extern const struct sv_embedded sv_lua_scripts[]; /* lib/adapt/store/lua/ */
extern const struct sv_embedded sv_page_files[];  /* worker/page/ */

#endif
