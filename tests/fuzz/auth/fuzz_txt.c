/* TXT octets as lib/auth handles them: shown for people and read back, trimmed, cut into words,
 * compared with what they might have been meant to be. The first octet chooses how much room a line
 * has. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sv/require.h"

#include "near.h"
#include "txt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { SHOWN_BYTES = 4 * 4096 + 1 };

static bool is_inside(struct sv_span part, struct sv_span whole)
{
    return part.len == 0 || (part.text >= whole.text && part.len <= whole.len &&
                             part.text + part.len <= whole.text + whole.len);
}

static bool is_escape(const char *at)
{
    return at[0] == '\\' && at[1] >= '0' && at[1] <= '2' && at[2] >= '0' && at[2] <= '9' &&
           at[3] >= '0' && at[3] <= '9';
}

/* Walks along the shown text beside the octets: each is there as itself or as \DDD. */
static void check_shown(const char *shown, struct sv_span octets)
{
    for (size_t i = 0; i < octets.len; i++) {
        uint8_t octet = (uint8_t)octets.text[i];
        if (octet >= 0x20 && octet < 0x7f) {
            SV_REQUIRE(*shown++ == (char)octet);
            continue;
        }
        SV_REQUIRE(is_escape(shown));
        SV_REQUIRE((shown[1] - '0') * 100 + (shown[2] - '0') * 10 + (shown[3] - '0') == octet);
        shown += 4;
    }
    SV_REQUIRE(*shown == '\0');
}

static void check_room(struct sv_span octets, size_t room)
{
    static char shown[SHOWN_BYTES];
    struct sv_line line;

    sv_line_init(&line, shown, room);
    sv_line_add_shown(&line, octets);
    SV_REQUIRE(line.len < room && strlen(shown) == line.len);
    if (!line.cut)
        check_shown(shown, octets);
    else
        SV_REQUIRE(room < 4 || strcmp(shown + line.len - 3, "...") == 0);
}

static void check_words(struct sv_span octets)
{
    struct sv_span rest = octets;
    struct sv_span word;
    size_t count = 0;

    while (sv_span_word(&rest, &word)) {
        SV_REQUIRE(word.len > 0 && is_inside(word, octets) &&
                   memchr(word.text, ' ', word.len) == NULL);
        count++;
    }
    SV_REQUIRE(rest.len == 0 && count <= (octets.len + 1) / 2);
}

static void check_trim(struct sv_span octets)
{
    struct sv_span once = sv_span_trim(octets);
    struct sv_span twice = sv_span_trim(once);

    SV_REQUIRE(is_inside(once, octets) && twice.text == once.text && twice.len == once.len);
}

static void check_near(struct sv_span octets)
{
    static const char *const wanted[] = {"v=spf1", "include:amazonses.com",
                                         "token.dkim.amazonses.com"};

    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        struct sv_span target = sv_span_of(wanted[i]);
        if (sv_span_equals(octets, wanted[i]))
            SV_REQUIRE(sv_near(octets, target));
        if (octets.len > target.len + SV_NEAR_EDITS_MAX ||
            octets.len + SV_NEAR_EDITS_MAX < target.len)
            SV_REQUIRE(!sv_near(octets, target));
        if (sv_span_starts(octets, wanted[i]))
            SV_REQUIRE(sv_span_holds(octets, wanted[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct sv_span octets = {.text = (const char *)bytes + 1, .len = len - 1};

    if (len == 0 || len > 4096)
        return 0;
    check_room(octets, SHOWN_BYTES);
    check_room(octets, 1 + (size_t)bytes[0]);
    check_words(octets);
    check_trim(octets);
    check_near(octets);
    return 0;
}
