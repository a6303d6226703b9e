#include "dmarc.h"

#include <string.h>

static bool is_word_char(char c)
{
    return sv_char_is_alpha(c) || sv_char_is_digit(c) || c == '_' || c == '-';
}

/* Takes what is before the next semicolon from the front; false at the end. */
static bool next_piece(struct sv_span *rest, struct sv_span *piece)
{
    *piece = (struct sv_span){.text = rest->text};
    if (rest->len == 0)
        return false;
    while (piece->len < rest->len && rest->text[piece->len] != ';')
        piece->len++;
    rest->text += piece->len;
    rest->len -= piece->len;
    if (rest->len > 0) {
        rest->text++;
        rest->len--;
    }
    return true;
}

/* "name = value" apart; false where there is no "=". */
static bool split(struct sv_span piece, struct sv_span *name, struct sv_span *value)
{
    const char *equals = piece.len > 0 ? memchr(piece.text, '=', piece.len) : NULL;
    size_t len = equals != NULL ? (size_t)(equals - piece.text) : piece.len;

    *name = sv_span_strip((struct sv_span){piece.text, len});
    *value = (struct sv_span){piece.text + piece.len, 0};
    if (equals != NULL)
        *value = sv_span_strip((struct sv_span){equals + 1, piece.len - len - 1});
    return equals != NULL;
}

bool sv_dmarc_is_record(struct sv_span text)
{
    static const char version[] = "DMARC1";
    struct sv_span piece;
    struct sv_span name;
    struct sv_span value;

    if (text.len == 0 || sv_char_is_blank(text.text[0]) || !next_piece(&text, &piece))
        return false;
    return split(piece, &name, &value) && sv_span_equals(name, "v") &&
           value.len == strlen(version) && memcmp(value.text, version, value.len) == 0;
}

enum sv_dmarc_word sv_dmarc_word_of(struct sv_span value)
{
    if (sv_span_equals(value, "none"))
        return SV_DMARC_WORD_NONE;
    if (sv_span_equals(value, "quarantine"))
        return SV_DMARC_WORD_QUARANTINE;
    return sv_span_equals(value, "reject") ? SV_DMARC_WORD_REJECT : SV_DMARC_WORD_BAD;
}

bool sv_dmarc_has_bad_policy(const struct sv_dmarc_record *record)
{
    return record->p == SV_DMARC_WORD_BAD || record->sp == SV_DMARC_WORD_BAD ||
           record->np == SV_DMARC_WORD_BAD;
}

const char *sv_dmarc_word_name(enum sv_dmarc_word word)
{
    switch (word) {
    case SV_DMARC_WORD_NONE:
        return "none";
    case SV_DMARC_WORD_QUARANTINE:
        return "quarantine";
    case SV_DMARC_WORD_REJECT:
        return "reject";
    case SV_DMARC_WORD_ABSENT:
    case SV_DMARC_WORD_BAD:
        break;
    }
    return "";
}

bool sv_dmarc_is_malformed(struct sv_span text)
{
    struct sv_span rest = sv_span_trim(text);
    struct sv_span piece;
    struct sv_span name;
    struct sv_span value;

    if (sv_dmarc_is_record(text))
        return false;
    if (sv_span_holds(rest, "dmarc1"))
        return true;
    if (!next_piece(&rest, &piece) || !split(piece, &name, &value))
        return false;
    if (sv_span_equals(name, "v"))
        return sv_span_starts(value, "dmarc");
    return sv_span_equals(name, "p") && sv_dmarc_word_of(value) != SV_DMARC_WORD_BAD;
}

static const char *const key_names[SV_DMARC_KEYS] = {
    [SV_DMARC_KEY_V] = "v",         [SV_DMARC_KEY_P] = "p",       [SV_DMARC_KEY_SP] = "sp",
    [SV_DMARC_KEY_NP] = "np",       [SV_DMARC_KEY_T] = "t",       [SV_DMARC_KEY_PSD] = "psd",
    [SV_DMARC_KEY_ADKIM] = "adkim", [SV_DMARC_KEY_ASPF] = "aspf", [SV_DMARC_KEY_RUA] = "rua",
    [SV_DMARC_KEY_RUF] = "ruf",     [SV_DMARC_KEY_FO] = "fo",     [SV_DMARC_KEY_PCT] = "pct",
    [SV_DMARC_KEY_RF] = "rf",       [SV_DMARC_KEY_RI] = "ri",
};

static enum sv_dmarc_key key_of(struct sv_span name)
{
    for (enum sv_dmarc_key key = SV_DMARC_KEY_OTHER + 1; key < SV_DMARC_KEYS; key++) {
        if (sv_span_equals(name, key_names[key]))
            return key;
    }
    return SV_DMARC_KEY_OTHER;
}

/* "none rua=mailto:..." or "none, rua=...": a blank or comma, and behind it a tag of the standard.
 */
static bool holds_a_tag(struct sv_span value)
{
    for (size_t i = 0; i + 1 < value.len; i++) {
        struct sv_span behind = {value.text + i + 1, value.len - i - 1};
        struct sv_span name = {.text = behind.text};
        /* Of many blanks the last one separates: looking on from each would be quadratic. */
        if ((!sv_char_is_blank(value.text[i]) && value.text[i] != ',') ||
            sv_char_is_blank(behind.text[0]))
            continue;
        while (name.len < behind.len && is_word_char(behind.text[name.len]))
            name.len++;
        if (key_of(name) == SV_DMARC_KEY_OTHER)
            continue;
        behind = sv_span_strip((struct sv_span){name.text + name.len, behind.len - name.len});
        if (behind.len > 0 && behind.text[0] == '=')
            return true;
    }
    return false;
}

/* Marks of damage on the way through panels and word processors (dns-auth section 3). */
static bool is_damaged(struct sv_span value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.text[i];
        if (c == '"' || c == '\'' || c == '`' || c == '\\' || c < 0x20 || c > 0x7e)
            return true;
    }
    return false;
}

static bool is_one_of(struct sv_span value, const char *letters)
{
    return value.len == 1 && strchr(letters, sv_char_lower(*value.text)) != NULL &&
           *value.text != '\0';
}

/* "1:d:s": what failure reports are wanted for (section 4.7). */
static bool is_failure_options(struct sv_span value)
{
    struct sv_span option = {.text = value.text};

    for (size_t i = 0; i <= value.len; i++) {
        if (i < value.len && value.text[i] != ':') {
            option.len++;
            continue;
        }
        if (!is_one_of(sv_span_strip(option), "01ds"))
            return false;
        option = (struct sv_span){.text = value.text + i + 1};
    }
    return true;
}

static bool has_valid_value(enum sv_dmarc_key key, struct sv_span value)
{
    switch (key) {
    case SV_DMARC_KEY_ADKIM:
    case SV_DMARC_KEY_ASPF:
        return is_one_of(value, "rs");
    case SV_DMARC_KEY_T:
        return is_one_of(value, "yn");
    case SV_DMARC_KEY_PSD:
        return is_one_of(value, "uyn");
    case SV_DMARC_KEY_FO:
        return is_failure_options(value);
    case SV_DMARC_KEY_P: /* policies and addresses are judged by themselves */
    case SV_DMARC_KEY_SP:
    case SV_DMARC_KEY_NP:
    case SV_DMARC_KEY_RUA:
    case SV_DMARC_KEY_RUF:
    case SV_DMARC_KEY_V:
    case SV_DMARC_KEY_OTHER: /* ignored */
    case SV_DMARC_KEY_PCT:
    case SV_DMARC_KEY_RF:
    case SV_DMARC_KEY_RI:
    case SV_DMARC_KEYS:
        break;
    }
    return true;
}

static bool is_name(struct sv_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_word_char(name.text[i]))
            return false;
    }
    return name.len > 0;
}

static enum sv_dmarc_fault fault_of(const struct sv_dmarc_tag *tag, bool has_equals, bool seen)
{
    if (!has_equals || !is_name(tag->name) || is_damaged(tag->value))
        return SV_DMARC_FAULT_SYNTAX;
    if (holds_a_tag(tag->value))
        return SV_DMARC_FAULT_JOINED;
    if (seen)
        return SV_DMARC_FAULT_REPEATED;
    return has_valid_value(tag->key, tag->value) ? SV_DMARC_FAULT_NONE : SV_DMARC_FAULT_VALUE;
}

bool sv_dmarc_next(struct sv_dmarc_reader *reader, struct sv_dmarc_tag *tag)
{
    struct sv_span piece;
    bool has_equals;
    unsigned bit;

    memset(tag, 0, sizeof(*tag));
    do {
        if (!next_piece(&reader->rest, &piece))
            return false;
        piece = sv_span_strip(piece);
    } while (piece.len == 0);
    tag->text = piece;
    has_equals = split(piece, &tag->name, &tag->value);
    tag->key = has_equals ? key_of(tag->name) : SV_DMARC_KEY_OTHER;
    bit = tag->key != SV_DMARC_KEY_OTHER ? 1u << tag->key : 0;
    tag->fault = fault_of(tag, has_equals, (reader->seen & bit) != 0);
    reader->seen |= bit;
    return true;
}

/* pct of RFC 7489 section 6.3: 0 to 100; what is none of these counts as 100. */
static unsigned percent_of(struct sv_span value)
{
    unsigned percent = 0;

    if (value.len == 0 || value.len > 3)
        return 100;
    for (size_t i = 0; i < value.len; i++) {
        if (value.text[i] < '0' || value.text[i] > '9')
            return 100;
        percent = 10 * percent + (unsigned)(value.text[i] - '0');
    }
    return percent <= 100 ? percent : 100;
}

static bool holds_uri(struct sv_span list)
{
    struct sv_dmarc_uri uri;

    while (sv_dmarc_uri_next(&list, &uri)) {
        if (uri.kind != SV_DMARC_URI_BAD)
            return true;
    }
    return false;
}

static void take(struct sv_dmarc_record *out, const struct sv_dmarc_tag *tag)
{
    struct sv_span value = tag->value;
    bool is_valid = tag->fault == SV_DMARC_FAULT_NONE;

    switch (tag->key) {
    case SV_DMARC_KEY_P:
        out->p = sv_dmarc_word_of(value);
        break;
    case SV_DMARC_KEY_SP:
        out->sp = sv_dmarc_word_of(value);
        break;
    case SV_DMARC_KEY_NP:
        out->np = sv_dmarc_word_of(value);
        break;
    case SV_DMARC_KEY_ADKIM:
        out->adkim_strict = sv_span_equals(value, "s");
        break;
    case SV_DMARC_KEY_ASPF:
        out->aspf_strict = sv_span_equals(value, "s");
        break;
    case SV_DMARC_KEY_T:
        out->test_mode = sv_span_equals(value, "y");
        break;
    case SV_DMARC_KEY_PSD:
        if (is_valid)
            out->psd = sv_char_lower(*value.text);
        break;
    case SV_DMARC_KEY_RUA:
        out->rua = value;
        out->has_report_uri = holds_uri(value);
        break;
    case SV_DMARC_KEY_RUF:
        out->ruf = value;
        break;
    case SV_DMARC_KEY_FO:
        out->fo = is_valid ? value : out->fo;
        break;
    case SV_DMARC_KEY_PCT:
        out->percent = percent_of(value);
        break;
    case SV_DMARC_KEY_OTHER:
    case SV_DMARC_KEY_V:
    case SV_DMARC_KEY_RF:
    case SV_DMARC_KEY_RI:
    case SV_DMARC_KEYS:
        break;
    }
}

void sv_dmarc_parse(struct sv_span text, struct sv_dmarc_record *out)
{
    struct sv_dmarc_reader reader = {.rest = text};
    struct sv_dmarc_tag tag;

    *out = (struct sv_dmarc_record){.psd = 'u', .percent = 100};
    for (size_t place = 0; sv_dmarc_next(&reader, &tag); place++) {
        if (tag.fault == SV_DMARC_FAULT_REPEATED)
            out->has_repeated = true;
        else
            take(out, &tag);
        if (place == 1)
            out->has_order_of_before = tag.key == SV_DMARC_KEY_P;
    }
}

static void print_tag(struct sv_line *out, enum sv_dmarc_key key, struct sv_span value)
{
    if (value.len == 0)
        return;
    sv_line_add(out, "; ");
    sv_line_add(out, key_names[key]);
    sv_line_add(out, "=");
    sv_line_add_bytes(out, value.text, value.len);
}

static void print_flag(struct sv_line *out, enum sv_dmarc_key key, bool is_set, const char *value)
{
    if (is_set)
        print_tag(out, key, sv_span_of(value));
}

bool sv_dmarc_print(const struct sv_dmarc_record *record, struct sv_line *out)
{
    sv_line_add(out, "v=DMARC1");
    print_tag(out, SV_DMARC_KEY_P, sv_span_of(sv_dmarc_word_name(record->p)));
    print_tag(out, SV_DMARC_KEY_SP, sv_span_of(sv_dmarc_word_name(record->sp)));
    print_tag(out, SV_DMARC_KEY_NP, sv_span_of(sv_dmarc_word_name(record->np)));
    print_flag(out, SV_DMARC_KEY_ADKIM, record->adkim_strict, "s");
    print_flag(out, SV_DMARC_KEY_ASPF, record->aspf_strict, "s");
    print_flag(out, SV_DMARC_KEY_T, record->test_mode, "y");
    print_flag(out, SV_DMARC_KEY_PSD, record->psd == 'y', "y");
    print_flag(out, SV_DMARC_KEY_PSD, record->psd == 'n', "n");
    print_tag(out, SV_DMARC_KEY_RUA, record->rua);
    print_tag(out, SV_DMARC_KEY_RUF, record->ruf);
    print_tag(out, SV_DMARC_KEY_FO, record->fo);
    return !out->cut;
}
