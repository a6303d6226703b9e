/* A growing byte buffer that is born with its limit. */
#ifndef SV_BUF_H
#define SV_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct sv_buf {
    char *data; /* NULL while empty; always followed by one 0 byte when not NULL */
    size_t len;
    size_t cap;
    size_t bytes_max;
};

/* Starts empty without allocating. `bytes_max` counts content, not the 0 byte behind it. */
void sv_buf_init(struct sv_buf *buf, size_t bytes_max);

/* Frees the bytes; the buffer is empty and usable again with the same limit. */
void sv_buf_fini(struct sv_buf *buf);

/* Appends; false (and nothing is appended) when the limit would be passed. */
bool sv_buf_add(struct sv_buf *buf, const void *bytes, size_t len)
    __attribute__((warn_unused_result));
bool sv_buf_add_str(struct sv_buf *buf, const char *text) __attribute__((warn_unused_result));
bool sv_buf_printf(struct sv_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));

/* Drops `len` bytes from the front; len <= buf->len. */
void sv_buf_consume(struct sv_buf *buf, size_t len);

/* Empties without freeing. */
void sv_buf_clear(struct sv_buf *buf);

/* The content as a string; "" when empty. Borrowed until the next change. */
const char *sv_buf_str(const struct sv_buf *buf);

#endif
