#include "sv/finding.h"

#include <string.h>

#include "sv/digest.h"
#include "sv/require.h"
#include "sv/time.h"

#include "advice.h"
#include "txt.h"

struct entry {
    const char *name;
    enum sv_severity severity;
};

static const struct entry catalogue[SV_F_COUNT] = {[SV_F_NONE] = {"none", SV_SEVERITY_NONE},
#define X(code, word, level) [code] = {word, level},
                                                   SV_FINDING_MAP(X)
#undef X
};

const char *sv_severity_name(enum sv_severity severity)
{
    switch (severity) {
    case SV_SEVERITY_NONE:
        return "none";
    case SV_TEMPORARY:
        return "temporary";
    case SV_INFO:
        return "info";
    case SV_WARNING:
        return "warning";
    case SV_ERROR:
        return "error";
    }
    return "none";
}

const char *sv_finding_name(enum sv_finding_code code)
{
    return (unsigned)code < SV_F_COUNT ? catalogue[code].name : catalogue[SV_F_NONE].name;
}

enum sv_finding_code sv_finding_parse(const char *name)
{
    for (unsigned code = SV_F_NONE + 1; code < SV_F_COUNT; code++) {
        if (strcmp(catalogue[code].name, name) == 0)
            return (enum sv_finding_code)code;
    }
    return SV_F_NONE;
}

enum sv_severity sv_finding_severity(enum sv_finding_code code)
{
    return (unsigned)code < SV_F_COUNT ? catalogue[code].severity : SV_SEVERITY_NONE;
}

/* The texts of the places that are no strings. */
struct rendered {
    char number[24];
    char until[SV_TIME_TEXT_BYTES];
};

/* What stands for the place at `text`, whose length goes to `len`; NULL when there is no place. */
static const char *place_value(const struct sv_finding *finding, const char *domain,
                               const struct rendered *rendered, const char *text, size_t *len)
{
    const struct {
        const char *place;
        const char *value;
    } places[] = {
        {"{owner}", finding->owner},
        {"{expected}", finding->expected},
        {"{found}", finding->found[0] != '\0' ? finding->found : "nothing"},
        {"{other}", finding->other},
        {"{d}", domain},
        {"{n}", rendered->number},
        {"{until}", rendered->until},
    };

    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        *len = strlen(places[i].place);
        if (strncmp(text, places[i].place, *len) == 0)
            return places[i].value;
    }
    return NULL;
}

static void render(const struct sv_finding *finding, struct rendered *out)
{
    struct sv_line line;

    sv_line_init(&line, out->number, sizeof(out->number));
    sv_line_add_number(&line, finding->number);
    if (finding->until > 0)
        (void)sv_time_format(finding->until, out->until);
    else
        memcpy(out->until, "an unknown time", sizeof("an unknown time"));
}

bool sv_finding_advice(const struct sv_finding *finding, const char *domain, struct sv_buf *out)
{
    const char *advice = sv_advice(finding->code);
    struct rendered rendered;

    render(finding, &rendered);
    while (*advice != '\0') {
        size_t plain = strcspn(advice, "{");
        size_t place_len = 0;
        const char *value;
        if (!sv_buf_add(out, advice, plain))
            return false;
        advice += plain;
        if (*advice == '\0')
            break;
        value = place_value(finding, domain, &rendered, advice, &place_len);
        SV_REQUIRE(value != NULL); /* the catalogue uses no other places; a test reads it all */
        if (!sv_buf_add_str(out, value))
            return false;
        advice += place_len;
    }
    return true;
}

static bool counts(const struct sv_finding *finding)
{
    return finding->severity == SV_INFO || finding->severity == SV_WARNING ||
           finding->severity == SV_ERROR;
}

static bool same(const struct sv_finding *a, const struct sv_finding *b)
{
    return a->code == b->code && sv_name_equal(a->owner, b->owner);
}

static uint64_t digest_one(const struct sv_finding *finding)
{
    const char *name = sv_finding_name(finding->code);
    uint64_t hash = sv_fnv1a(SV_FNV_START, name, strlen(name) + 1);

    for (const char *c = finding->owner; *c != '\0'; c++) {
        char lower = sv_char_lower(*c);
        if (c[0] == '.' && c[1] == '\0')
            break;
        hash = sv_fnv1a(hash, &lower, 1);
    }
    /* FNV's sums would be regular; one round of a finalizer makes the sum of a set trustworthy. */
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccdull;
    hash ^= hash >> 33;
    return hash;
}

uint64_t sv_findings_digest(const struct sv_finding *findings, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        bool again = false;
        for (size_t j = 0; j < i && !again; j++)
            again = counts(&findings[j]) && same(&findings[i], &findings[j]);
        if (counts(&findings[i]) && !again)
            sum += digest_one(&findings[i]);
    }
    return sum;
}
