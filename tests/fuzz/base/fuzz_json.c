/* Any bytes as JSON: what is accepted can be written, and reading that back changes nothing. */
#include <stddef.h>
#include <stdint.h>

#include "sv/json.h"
#include "sv/require.h"

enum { BYTES_MAX = 4096, DEPTH_MAX = 8, OUT_BYTES_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct sv_errinfo info = {.text = ""};
    json_t *tree = sv_json_parse((const char *)bytes, len, BYTES_MAX, DEPTH_MAX, &info);
    struct sv_buf out;
    json_t *again;

    if (tree == NULL) {
        SV_REQUIRE(info.code == (len > BYTES_MAX ? SV_ETOOBIG : SV_EMALFORMED));
        SV_REQUIRE(info.text[0] != '\0');
        return 0;
    }
    sv_buf_init(&out, OUT_BYTES_MAX);
    SV_REQUIRE(sv_json_write(tree, &out));
    again = sv_json_parse(out.data, out.len, OUT_BYTES_MAX, DEPTH_MAX, NULL);
    SV_REQUIRE(again != NULL && json_equal(tree, again) == 1);
    (void)sv_json_path(tree, "a.b.c");
    json_decref(again);
    json_decref(tree);
    sv_buf_fini(&out);
    return 0;
}
