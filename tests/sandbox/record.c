#include "record.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sv/alloc.h"
#include "sv/json.h"
#include "sv/require.h"

enum { PATH_BYTES = 4096, LINE_BYTES_MAX = 4 * SB_BODY_BYTES_MAX };

enum sv_err sb_record_open(struct sb_record *record, struct sv_errinfo *info)
{
    const char *folder = getenv(SB_RECORD_VARIABLE);
    char path[PATH_BYTES];

    record->file = NULL;
    if (folder == NULL)
        return SV_OK;
    (void)snprintf(path, sizeof path, "%.4000s/%ld.jsonl", folder, (long)getpid());
    record->file = fopen(path, "we");
    if (record->file == NULL)
        return sv_err_set(info, SV_EINVALID, "record", 0, "cannot write %.120s", path);
    return SV_OK;
}

void sb_record_close(struct sb_record *record)
{
    if (record->file != NULL)
        (void)fclose(record->file);
    record->file = NULL;
}

static const char *verdict_name(enum sb_auth verdict)
{
    switch (verdict) {
    case SB_AUTH_OK:
        return "ok";
    case SB_AUTH_MISSING:
        return "missing";
    case SB_AUTH_INCOMPLETE:
        return "incomplete";
    case SB_AUTH_UNKNOWN_KEY:
        return "unknown_key";
    case SB_AUTH_EXPIRED_TOKEN:
        return "expired_token";
    case SB_AUTH_EXPIRED:
        return "expired";
    case SB_AUTH_MISMATCH:
        return "mismatch";
    case SB_AUTH_UNKNOWN:
        break;
    }
    return "unknown";
}

static json_t *headers_json(const struct sb_request *request)
{
    json_t *headers = sv_json_array();

    for (size_t i = 0; i < request->headers_count; i++)
        sv_json_append(headers,
                       json_pack("[s, s]", request->headers[i].name, request->headers[i].value));
    return headers;
}

static void set_body(json_t *line, const struct sv_buf *body)
{
    unsigned char *text = sv_alloc(4 * (body->len / 3 + 1) + 1, 1);

    (void)EVP_EncodeBlock(text, (const unsigned char *)sv_buf_str(body), (int)body->len);
    sv_json_set_str(line, "body", (const char *)text);
    free(text);
}

void sb_record_add(struct sb_record *record, const struct sb_request *request, const char *service,
                   enum sb_auth verdict, const struct sb_key *key)
{
    json_t *line;
    struct sv_buf text;

    if (record->file == NULL)
        return;
    line = sv_json_object();
    sv_json_set_str(line, "method", request->method);
    sv_json_set_str(line, "path", request->path);
    sv_json_set_str(line, "query", request->query);
    sv_json_set(line, "headers", headers_json(request));
    set_body(line, &request->body);
    sv_json_set_str(line, "service", service);
    sv_json_set_str(line, "verdict", verdict_name(verdict));
    sv_json_set_str(line, "key", key == NULL ? NULL : key->id);
    sv_json_set_str(line, "secret", key == NULL ? NULL : key->secret);
    sv_buf_init(&text, LINE_BYTES_MAX);
    SV_REQUIRE(sv_json_write(line, &text) && sv_buf_add(&text, "\n", 1));
    SV_REQUIRE(fwrite(text.data, 1, text.len, record->file) == text.len &&
               fflush(record->file) == 0);
    sv_buf_fini(&text);
    json_decref(line);
}
