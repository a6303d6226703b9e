#include "spf_macro.h"

#include <string.h>

enum { VALUE_BYTES = 512, PARTS_MAX = 128 };

enum piece_kind { PIECE_BROKEN, PIECE_LITERAL, PIECE_ESCAPE, PIECE_LETTER };

struct piece {
    enum piece_kind kind;
    struct sv_span literal; /* also of an escape: what it stands for */
    char letter;            /* lower case */
    bool in_url;            /* written in upper case: URL-escaped */
    unsigned keep;          /* so many parts from the right; 0 = all */
    bool reverse;
    struct sv_span delimiters; /* empty = "." */
};

static void skip(struct sv_span *rest, size_t len)
{
    rest->text += len;
    rest->len -= len;
}

static bool next_is(const struct sv_span *rest, const char *set)
{
    return rest->len > 0 && sv_char_is_in(*rest->text, set);
}

/* Behind "%{": letter transformers *delimiter "}". */
static void read_letter(struct sv_span *rest, struct piece *piece)
{
    bool has_digits = false;

    if (rest->len == 0 || !sv_char_is_alpha(*rest->text))
        return;
    piece->letter = sv_char_lower(*rest->text);
    piece->in_url = *rest->text != piece->letter;
    skip(rest, 1);
    while (rest->len > 0 && sv_char_is_digit(*rest->text)) {
        has_digits = true;
        if (piece->keep <= PARTS_MAX) /* more parts than a name can have are all of them */
            piece->keep = piece->keep * 10 + (unsigned)(*rest->text - '0');
        skip(rest, 1);
    }
    if (has_digits && piece->keep == 0) /* "The DIGIT transformer ... MUST be nonzero" */
        return;
    if (next_is(rest, "rR")) {
        piece->reverse = true;
        skip(rest, 1);
    }
    piece->delimiters.text = rest->text;
    while (next_is(rest, ".-+,/_=")) {
        piece->delimiters.len++;
        skip(rest, 1);
    }
    if (!next_is(rest, "}"))
        return;
    skip(rest, 1);
    piece->kind = PIECE_LETTER;
}

/* A broken piece is the last one: what follows cannot be told apart. */
static bool next_piece(struct sv_span *rest, struct piece *piece)
{
    static const struct {
        const char *written, *meant;
    } escapes[] = {{"%%", "%"}, {"%_", " "}, {"%-", "%20"}};

    *piece = (struct piece){.kind = PIECE_BROKEN};
    if (rest->len == 0)
        return false;
    if (*rest->text != '%') {
        piece->kind = PIECE_LITERAL;
        piece->literal.text = rest->text;
        while (rest->len > 0 && *rest->text != '%') {
            piece->literal.len++;
            skip(rest, 1);
        }
        return true;
    }
    for (size_t i = 0; i < sizeof(escapes) / sizeof(*escapes); i++) {
        if (!sv_span_starts(*rest, escapes[i].written))
            continue;
        piece->kind = PIECE_ESCAPE;
        piece->literal = sv_span_of(escapes[i].meant);
        skip(rest, 2);
        return true;
    }
    if (sv_span_starts(*rest, "%{")) {
        skip(rest, 2);
        read_letter(rest, piece);
    }
    if (piece->kind == PIECE_BROKEN)
        rest->len = 0;
    return true;
}

enum sv_spf_fault sv_spf_macro_fault(struct sv_span text, enum sv_spf_use use)
{
    const char *letters = use == SV_SPF_IN_DOMAIN ? "slodipvh" : "slodipvhcrt";
    char lowest = use == SV_SPF_IN_DOMAIN ? '!' : ' ';
    struct piece piece;

    while (next_piece(&text, &piece)) {
        if (piece.kind == PIECE_BROKEN)
            return SV_SPF_FAULT_MACRO;
        if (piece.kind == PIECE_LETTER && strchr(letters, piece.letter) == NULL)
            return SV_SPF_FAULT_MACRO;
        for (size_t i = 0; piece.kind == PIECE_LITERAL && i < piece.literal.len; i++) {
            if (piece.literal.text[i] < lowest || piece.literal.text[i] > '~')
                return SV_SPF_FAULT_OCTET;
        }
    }
    return SV_SPF_GOOD;
}

/* toplabel: letters, digits and inner hyphens, not digits alone. */
static bool is_top_label(struct sv_span label)
{
    bool only_digits = true;

    if (label.len == 0 || label.text[0] == '-' || label.text[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        char c = label.text[i];
        if (!sv_char_is_alpha(c) && !sv_char_is_digit(c) && c != '-')
            return false;
        only_digits = only_digits && sv_char_is_digit(c);
    }
    return !only_digits;
}

enum sv_spf_fault sv_spf_domain_fault(struct sv_span text)
{
    enum sv_spf_fault fault = sv_spf_macro_fault(text, SV_SPF_IN_DOMAIN);
    struct sv_span rest = text;
    struct sv_span label;
    struct piece last = {.kind = PIECE_BROKEN};

    if (fault != SV_SPF_GOOD)
        return fault;
    while (rest.len > 0)
        (void)next_piece(&rest, &last);
    if (last.kind != PIECE_LITERAL)
        return last.kind == PIECE_BROKEN ? SV_SPF_FAULT_EMPTY : SV_SPF_GOOD;
    label = last.literal;
    if (label.text[label.len - 1] == '.')
        label.len--;
    for (size_t i = label.len; i > 0; i--) {
        if (label.text[i - 1] != '.')
            continue;
        label = (struct sv_span){.text = label.text + i, .len = label.len - i};
        return is_top_label(label) ? SV_SPF_GOOD : SV_SPF_FAULT_DOMAIN;
    }
    return SV_SPF_FAULT_DOMAIN; /* a top label needs a dot before it */
}

bool sv_spf_macro_uses(struct sv_span text, const char *letters)
{
    struct piece piece;

    while (next_piece(&text, &piece)) {
        if (piece.kind == PIECE_LETTER && strchr(letters, piece.letter) != NULL)
            return true;
    }
    return false;
}

static void add_url(struct sv_line *out, char c)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned octet = (unsigned char)c;
    char escaped[3] = {'%', digits[octet >> 4], digits[octet & 0xf]};

    if (sv_char_is_alpha(c) || sv_char_is_digit(c) || (c != '\0' && strchr("-._~", c) != NULL))
        sv_line_add_bytes(out, &c, 1);
    else
        sv_line_add_bytes(out, escaped, sizeof(escaped));
}

static void add_part(struct sv_line *out, const struct piece *piece, struct sv_span part)
{
    for (size_t i = 0; i < part.len; i++) {
        if (piece->in_url)
            add_url(out, part.text[i]);
        else
            sv_line_add_bytes(out, &part.text[i], 1);
    }
}

static size_t split(struct sv_span value, struct sv_span delimiters, struct sv_span *parts)
{
    size_t count = 0;

    if (delimiters.len == 0)
        delimiters = sv_span_of(".");
    parts[0] = (struct sv_span){.text = value.text};
    for (size_t i = 0; i < value.len; i++) {
        if (memchr(delimiters.text, value.text[i], delimiters.len) != NULL && count + 1 < PARTS_MAX)
            parts[++count] = (struct sv_span){.text = value.text + i + 1};
        else
            parts[count].len++;
    }
    return count + 1;
}

/* Split at the delimiters, reversed, the rightmost parts kept, joined by dots (section 7.3). */
static void transform(const struct piece *piece, struct sv_span value, struct sv_line *out)
{
    struct sv_span parts[PARTS_MAX];
    size_t count = split(value, piece->delimiters, parts);
    size_t first = piece->keep > 0 && piece->keep < count ? count - piece->keep : 0;

    for (size_t i = first; i < count; i++) {
        if (i > first)
            sv_line_add(out, ".");
        add_part(out, piece, parts[piece->reverse ? count - 1 - i : i]);
    }
}

bool sv_spf_macro_expand(struct sv_span text, sv_spf_letter_fn *letter, void *context,
                         struct sv_line *out)
{
    struct piece piece;

    while (next_piece(&text, &piece)) {
        char value[VALUE_BYTES];
        struct sv_line line;
        if (piece.kind != PIECE_LETTER) {
            sv_line_add_bytes(out, piece.literal.text, piece.literal.len);
            continue;
        }
        sv_line_init(&line, value, sizeof(value));
        if (!letter(context, piece.letter, &line))
            return false;
        transform(&piece, (struct sv_span){.text = line.text, .len = line.len}, out);
        out->cut = out->cut || line.cut;
    }
    return true;
}
