/* Z7: any bytes as a configuration file, and what may be one word as a flag and as a variable.
 * Never a half-applied value: either there is no configuration and there are errors, or every value
 * reads back from its own text as the same value. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config_text.h"
#include "exit.h"
#include "sv/alloc.h"
#include "sv/require.h"

enum { TEXT_BYTES_MAX = 4 << 20, WORD_BYTES_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct sv_config *load(const struct sv_config_sources *sources)
{
    struct sv_problems problems;
    struct sv_config *config = NULL;
    int code;

    sv_problems_init(&problems);
    code = sv_config_load(sources, &config, &problems);
    SV_REQUIRE((code == SV_EXIT_OK) == (config != NULL));
    SV_REQUIRE((config != NULL) == (problems.errors == 0));
    for (size_t i = 0; i < problems.count; i++)
        SV_REQUIRE(*problems.items[i].where != '\0' && *problems.items[i].text != '\0');
    sv_problems_fini(&problems);
    return config;
}

/* What is written is read as the same. */
static void check_round_trip(const struct sv_config *config)
{
    struct sv_config_sources sources = {.file = "again"};
    struct sv_config *again;
    struct sv_buf first;
    struct sv_buf second;

    sv_buf_init(&first, TEXT_BYTES_MAX);
    sv_buf_init(&second, TEXT_BYTES_MAX);
    config_text(config, &first);
    sources.text = sv_buf_str(&first);
    sources.text_bytes = first.len;
    again = load(&sources);
    SV_REQUIRE(again != NULL);
    config_text(again, &second);
    SV_REQUIRE(strcmp(sv_buf_str(&first), sv_buf_str(&second)) == 0);
    sv_config_free(again);
    sv_buf_fini(&first);
    sv_buf_fini(&second);
}

static void check(const struct sv_config_sources *sources, bool round_trip)
{
    struct sv_config *config = load(sources);

    if (config != NULL && round_trip)
        check_round_trip(config);
    sv_config_free(config);
}

static void check_word(char *word)
{
    const char *sets[] = {word};
    struct sv_config_sources flag = {.file = "fuzz", .text = "", .sets = sets, .sets_count = 1};
    struct sv_config_sources environment = {.file = "fuzz", .text = ""};
    char *items[2] = {NULL, NULL};
    struct sv_buf variable;

    check(&flag, false);
    sv_buf_init(&variable, TEXT_BYTES_MAX);
    if (sv_buf_printf(&variable, "SESVERIFY_%s", word)) {
        items[0] = variable.data;
        environment.environment = items;
        check(&environment, false);
    }
    sv_buf_fini(&variable);
}

/* A word may hold line ends, but long texts with them are files: reading those three times over
 * only costs time. */
static bool may_be_word(const char *text)
{
    return strlen(text) <= WORD_BYTES_MAX || strchr(text, '\n') == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = sv_strndup((const char *)bytes, len); /* ends at the first 0 byte */
    struct sv_config_sources file = {.file = "fuzz", .text = text, .text_bytes = len};

    check(&file, true);
    if (may_be_word(text))
        check_word(text);
    free(text);
    return 0;
}
