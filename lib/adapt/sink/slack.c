/* Slack: a line in bold, whose it is, and what to repair. Slack's own marks in strangers' texts are
 * taken away: '&', '<' and '>' as its documents say, and what to publish stands between backticks,
 * where nothing else is a mark, so that it can be copied as it is. */
#include <string.h>

#include "notice.h"
#include "sv/utf8.h"

enum { SECTION_BYTES_MAX = 2900, LINE_BYTES_MAX = 1024 }; /* Slack's is 3000 characters a section */

static bool add_escaped(struct sv_buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char *piece = text[i] == '&'    ? "&amp;"
                            : text[i] == '<'  ? "&lt;"
                            : text[i] == '>'  ? "&gt;"
                            : text[i] == '`'  ? "'"
                            : text[i] == '\0' ? " "
                                              : NULL;

        if (!sv_buf_add(out, piece != NULL ? piece : &text[i], piece != NULL ? strlen(piece) : 1))
            return false;
    }
    return true;
}

/* Character by character, so that neither one of them nor an escape is ever cut; what does not fit
 * into `bytes_max` is left out with a sign. */
static void add_cut(struct sv_buf *out, const char *text, size_t bytes_max)
{
    static const char more[] = " ...";
    size_t len = strlen(text), at = 0;

    while (at < len) {
        uint32_t point = 0;
        size_t step = sv_utf8_next(text + at, len - at, &point);
        bool is_odd = step == 0 || sv_utf8_is_unsafe(point);

        step = step > 0 ? step : 1;
        if (out->len + 6 * step + sizeof more > bytes_max) {
            (void)!sv_buf_add_str(out, more);
            return;
        }
        (void)!add_escaped(out, is_odd ? "?" : text + at, is_odd ? 1 : step);
        at += step;
    }
}

static json_t *section(const char *text)
{
    json_t *out = sv_json_object(), *inner = sv_json_object();

    sv_json_set_str(inner, "type", "mrkdwn");
    sv_json_set_str(inner, "text", text);
    sv_json_set_str(out, "type", "section");
    sv_json_set(out, "text", inner);
    return out;
}

static const char *sign_of(const struct sv_notice *notice)
{
    if (notice->facts->flapping > 0)
        return ":twisted_rightwards_arrows:";
    switch (notice->kind) {
    case SV_NOTICE_AT_RISK:
        return ":warning:";
    case SV_NOTICE_FAILED:
    case SV_NOTICE_JOB_DEAD:
        return ":x:";
    case SV_NOTICE_GOOD:
        return ":white_check_mark:";
    case SV_NOTICE_NONE:
    case SV_NOTICE_REMOVED:
        break;
    }
    return ":wastebasket:";
}

static void add_named(struct sv_buf *out, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    (void)!sv_buf_printf(out, "%s%s `", out->len > 0 && out->data[out->len - 1] != '\n' ? ", " : "",
                         name);
    add_cut(out, value, SECTION_BYTES_MAX - 2);
    (void)!sv_buf_add(out, "`", 1);
}

static void add_first(json_t *blocks, const struct sv_notice *notice, const char *sentence)
{
    struct sv_buf text;

    sv_buf_init(&text, SECTION_BYTES_MAX);
    (void)!sv_buf_printf(&text, "%s *", sign_of(notice));
    add_cut(&text, sentence, LINE_BYTES_MAX);
    (void)!sv_buf_add_str(&text, "*\n");
    add_named(&text, "client", notice->client_id);
    add_named(&text, "account", notice->account);
    add_named(&text, "reason", notice->reason);
    add_named(&text, "stops sending at", notice->stops_sending_at);
    sv_json_append(blocks, section(sv_buf_str(&text)));
    sv_buf_fini(&text);
}

static void add_advice(json_t *blocks, const struct sv_notice *notice)
{
    struct sv_buf text;

    if (notice->advice[0] == '\0')
        return;
    sv_buf_init(&text, SECTION_BYTES_MAX);
    (void)!sv_buf_add_str(&text, "To be repaired (`");
    add_cut(&text, notice->code, LINE_BYTES_MAX);
    (void)!sv_buf_add_str(&text, "`):\n```");
    add_cut(&text, notice->advice, SECTION_BYTES_MAX - 8);
    (void)!sv_buf_add_str(&text, "```");
    sv_json_append(blocks, section(sv_buf_str(&text)));
    sv_buf_fini(&text);
}

json_t *sv_slack_message(const struct sv_notice *notice)
{
    json_t *out, *blocks;
    struct sv_buf sentence, plain;

    if (notice->kind == SV_NOTICE_NONE)
        return NULL;
    sv_buf_init(&sentence, LINE_BYTES_MAX);
    sv_buf_init(&plain, LINE_BYTES_MAX);
    (void)!sv_notice_sentence(notice, &sentence);
    add_cut(&plain, sv_buf_str(&sentence), LINE_BYTES_MAX);
    out = sv_json_object();
    blocks = sv_json_array();
    sv_json_set_str(out, "text", sv_buf_str(&plain)); /* what a notification shows */
    add_first(blocks, notice, sv_buf_str(&sentence));
    add_advice(blocks, notice);
    sv_json_set(out, "blocks", blocks);
    sv_buf_fini(&sentence);
    sv_buf_fini(&plain);
    return out;
}
