#include "sv/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

enum { CAP_MIN = 64 };

void sv_buf_init(struct sv_buf *buf, size_t bytes_max)
{
    SV_REQUIRE(bytes_max < SIZE_MAX / 2); /* doubling a capacity must not overflow */
    *buf = (struct sv_buf){.bytes_max = bytes_max};
}

void sv_buf_fini(struct sv_buf *buf)
{
    free(buf->data);
    *buf = (struct sv_buf){.bytes_max = buf->bytes_max};
}

/* Makes room for `more` bytes and the 0 behind them. */
static bool reserve(struct sv_buf *buf, size_t more)
{
    size_t need;
    size_t cap = buf->cap < CAP_MIN ? CAP_MIN : buf->cap;

    if (more > buf->bytes_max - buf->len)
        return false;
    need = buf->len + more + 1;
    if (need <= buf->cap)
        return true;
    while (cap < need)
        cap *= 2;
    if (cap > buf->bytes_max + 1)
        cap = buf->bytes_max + 1;
    buf->data = sv_realloc(buf->data, cap);
    buf->cap = cap;
    return true;
}

bool sv_buf_add(struct sv_buf *buf, const void *bytes, size_t len)
{
    if (len == 0)
        return true;
    if (buf->cap - buf->len <= len && !reserve(buf, len))
        return false;
    memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return true;
}

bool sv_buf_add_str(struct sv_buf *buf, const char *text)
{
    return sv_buf_add(buf, text, strlen(text));
}

bool sv_buf_printf(struct sv_buf *buf, const char *format, ...)
{
    char usual[256]; /* most are short: formatted once */
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(usual, sizeof usual, format, args);
    va_end(args);
    SV_REQUIRE(len >= 0);
    if ((size_t)len < sizeof usual)
        return sv_buf_add(buf, usual, (size_t)len);
    if (!reserve(buf, (size_t)len))
        return false;
    va_start(args, format);
    (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
    return true;
}

void sv_buf_consume(struct sv_buf *buf, size_t len)
{
    SV_REQUIRE(len <= buf->len);
    if (len == 0)
        return;
    buf->len -= len;
    memmove(buf->data, buf->data + len, buf->len);
    buf->data[buf->len] = '\0';
}

void sv_buf_clear(struct sv_buf *buf)
{
    sv_buf_consume(buf, buf->len);
}

const char *sv_buf_str(const struct sv_buf *buf)
{
    return buf->data == NULL ? "" : buf->data;
}
