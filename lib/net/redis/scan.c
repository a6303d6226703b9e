#include "codec.h"

#include <string.h>

/* The story: a reply is a line with a type (+ - : $ *), a bulk string has bytes behind its line, an
 * array has replies behind it. The scanner keeps one counter per open array and one sum of what the
 * reply costs; the sum grows when something is *announced*, so a lie about a size is refused at its
 * header, before anybody reserves memory for it. What passes here takes at most twice bytes_max in
 * hiredis: the raw bytes and the objects made from them. */

static enum sv_err malformed(const struct sv_redis_scan *scan, const char *what,
                             struct sv_errinfo *info)
{
    return sv_err_set(info, SV_EMALFORMED, "redis", 0, "%s at byte %llu of the stream", what,
                      (unsigned long long)scan->offset);
}

static enum sv_err too_big(const struct sv_redis_scan *scan, struct sv_errinfo *info)
{
    return sv_err_set(info, SV_ETOOBIG, "redis", 0,
                      "a reply of more than %zu bytes (or as many elements) is announced",
                      scan->bytes_max);
}

static enum sv_err charge(struct sv_redis_scan *scan, uint64_t count, size_t each,
                          struct sv_errinfo *info)
{
    if (scan->cost > scan->bytes_max || count > (scan->bytes_max - scan->cost) / each)
        return too_big(scan, info);
    scan->cost += (size_t)count * each;
    return SV_OK;
}

/* One value is complete; closes the arrays that it completes. True at the end of the reply. */
static bool complete(struct sv_redis_scan *scan)
{
    scan->at = SV_REDIS_AT_TYPE;
    while (scan->depth > 0) {
        if (--scan->left[scan->depth - 1] > 0)
            return false;
        scan->depth--;
    }
    return true;
}

static enum sv_err on_type(struct sv_redis_scan *scan, char byte, struct sv_errinfo *info)
{
    if (scan->depth == 0)
        scan->cost = 0;
    scan->type = byte;
    scan->negative = false;
    scan->digits = 0;
    scan->number = 0;
    if (byte == '+' || byte == '-')
        scan->at = SV_REDIS_AT_TEXT;
    else if (byte == ':' || byte == '$' || byte == '*')
        scan->at = SV_REDIS_AT_NUMBER;
    else
        return malformed(scan, "no RESP2 type", info);
    return scan->depth == 0 ? charge(scan, 1, SV_REDIS_NODE_BYTES, info) : SV_OK;
}

static enum sv_err on_digit(struct sv_redis_scan *scan, char byte, struct sv_errinfo *info)
{
    uint64_t limit = scan->negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t digit;

    if (byte == '-' && scan->digits == 0 && !scan->negative) {
        scan->negative = true;
        return SV_OK;
    }
    if (byte < '0' || byte > '9')
        return malformed(scan, "no digit", info);
    digit = (uint64_t)(byte - '0');
    if (scan->digits > 0 && scan->number == 0)
        return malformed(scan, "a number with a leading zero", info);
    if (scan->number > (limit - digit) / 10)
        return malformed(scan, "a number out of range", info);
    scan->number = scan->number * 10 + digit;
    scan->digits++;
    return SV_OK;
}

static enum sv_err open_array(struct sv_redis_scan *scan, struct sv_errinfo *info)
{
    enum sv_err err = charge(scan, scan->number, SV_REDIS_NODE_BYTES, info);

    if (err != SV_OK)
        return err;
    if (scan->depth == SV_REDIS_DEPTH_MAX)
        return sv_err_set(info, SV_ETOOBIG, "redis", 0, "a reply nested deeper than %d",
                          SV_REDIS_DEPTH_MAX);
    scan->left[scan->depth++] = (size_t)scan->number;
    scan->at = SV_REDIS_AT_TYPE;
    return SV_OK;
}

static enum sv_err open_bulk(struct sv_redis_scan *scan, struct sv_errinfo *info)
{
    enum sv_err err = charge(scan, scan->number, 1, info);

    if (err != SV_OK)
        return err;
    scan->bulk_left = (size_t)scan->number;
    scan->at = scan->bulk_left > 0 ? SV_REDIS_AT_BULK : SV_REDIS_AT_BULK_CR;
    return SV_OK;
}

/* The line is complete; `whole` is set when it ends the reply. */
static enum sv_err on_line(struct sv_redis_scan *scan, bool *whole, struct sv_errinfo *info)
{
    bool is_sized = scan->type == '$' || scan->type == '*';

    if (scan->type == '+' || scan->type == '-') {
        *whole = complete(scan);
        return SV_OK;
    }
    if (scan->digits == 0 || (scan->negative && scan->number == 0))
        return malformed(scan, "a number without a value", info);
    if (is_sized && scan->negative && scan->number != 1)
        return malformed(scan, "a negative size", info);
    if (!is_sized || scan->negative || (scan->type == '*' && scan->number == 0)) {
        *whole = complete(scan);
        return SV_OK;
    }
    return scan->type == '$' ? open_bulk(scan, info) : open_array(scan, info);
}

static enum sv_err on_text(struct sv_redis_scan *scan, char byte, struct sv_errinfo *info)
{
    if (byte == '\n')
        return malformed(scan, "a line feed inside a line", info);
    if (byte == '\r')
        scan->at = SV_REDIS_AT_LINE_LF;
    return SV_OK;
}

static enum sv_err on_number(struct sv_redis_scan *scan, char byte, struct sv_errinfo *info)
{
    if (byte != '\r')
        return on_digit(scan, byte, info);
    scan->at = SV_REDIS_AT_LINE_LF;
    return SV_OK;
}

static enum sv_err on_byte(struct sv_redis_scan *scan, char byte, bool *whole,
                           struct sv_errinfo *info)
{
    switch (scan->at) {
    case SV_REDIS_AT_TYPE:
        return on_type(scan, byte, info);
    case SV_REDIS_AT_TEXT:
        return on_text(scan, byte, info);
    case SV_REDIS_AT_NUMBER:
        return on_number(scan, byte, info);
    case SV_REDIS_AT_LINE_LF:
        if (byte != '\n')
            return malformed(scan, "a carriage return inside a line", info);
        return on_line(scan, whole, info);
    case SV_REDIS_AT_BULK_CR:
        if (byte != '\r')
            return malformed(scan, "a bulk string longer than announced", info);
        scan->at = SV_REDIS_AT_BULK_LF;
        return SV_OK;
    case SV_REDIS_AT_BULK_LF:
        if (byte != '\n')
            return malformed(scan, "a bulk string longer than announced", info);
        *whole = complete(scan);
        return SV_OK;
    case SV_REDIS_AT_BULK:
        break; /* skipped in one go by the caller */
    }
    return malformed(scan, "a scanner gone astray", info);
}

void sv_redis_scan_init(struct sv_redis_scan *scan, size_t bytes_max)
{
    *scan = (struct sv_redis_scan){.bytes_max = bytes_max, .at = SV_REDIS_AT_TYPE};
}

enum sv_err sv_redis_scan_feed(struct sv_redis_scan *scan, const char *bytes, size_t len,
                               size_t *used, bool *whole, struct sv_errinfo *info)
{
    size_t i = 0;
    enum sv_err err = SV_OK;

    *whole = false;
    while (i < len && !*whole && err == SV_OK) {
        if (scan->at == SV_REDIS_AT_BULK) {
            size_t some = len - i < scan->bulk_left ? len - i : scan->bulk_left;

            scan->bulk_left -= some;
            scan->offset += some;
            i += some;
            if (scan->bulk_left == 0)
                scan->at = SV_REDIS_AT_BULK_CR;
            continue;
        }
        err = on_byte(scan, bytes[i], whole, info);
        if (err == SV_OK && ++scan->cost > scan->bytes_max)
            err = too_big(scan, info);
        scan->offset++;
        i++;
    }
    *used = i;
    return err;
}
