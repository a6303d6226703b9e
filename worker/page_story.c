/* /domains/<domain>: its stories, one for each client that claims it. */
#include <string.h>

#include "explain.h"
#include "kept.h"
#include "page_question.h"
#include "setup.h"
#include "sv/alloc.h"
#include "sv/json.h"

enum { STORIES_MAX = 8 };

static void next_story(struct question *question);

static void on_story(struct question *question)
{
    struct sv_kept kept = {.found = false};
    int code;

    sv_kept_fill(&kept, &question->call.u.read);
    if (kept.found && !kept.damaged)
        sv_json_append(question->list,
                       sv_explain(&kept, question_config(question), question_now(question), &code));
    sv_kept_fini(&kept);
    next_story(question);
}

static void next_story(struct question *question)
{
    const struct sv_config *config = question_config(question);
    unsigned shard;

    if (question->uid == question->uids_count) {
        if (json_array_size(question->list) > 0)
            question_finish(question);
        else
            question_fail(question, 404, "nobody has registered this domain");
        return;
    }
    shard = sv_setup_shard(config, question->clients[question->uid]);
    question->call = (struct sv_store_call){.op = SV_STORE_READ, .shard = shard};
    question->call.u.read.uid = question->uids[question->uid++];
    question_ask(question, on_story);
}

static void on_owners(struct question *question)
{
    const struct sv_store_owners *owners = &question->call.u.owners;
    size_t count = owners->count < STORIES_MAX ? owners->count : STORIES_MAX;

    question->clients = sv_alloc(count + 1, sizeof(*question->clients));
    for (size_t i = 0; i < count; i++) {
        char uid[SV_UID_BYTES];

        sv_uid(owners->owners[i].account, owners->owners[i].client_id, question->domain, uid);
        question_keep_uid(question, uid);
        (void)snprintf(question->clients[i], SV_CLIENT_BYTES, "%s", owners->owners[i].client_id);
    }
    next_story(question);
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What stands behind "/domains/", percent-decoded. False: it is broken, or too long for a name. */
static bool decode(const char *text, char *out, size_t bytes)
{
    size_t len = 0;

    while (*text != '\0') {
        int high = *text == '%' ? hex_of(text[1]) : -1;
        int low = high >= 0 ? hex_of(text[2]) : -1;

        if (len + 1 >= bytes || (*text == '%' && (low < 0 || high * 16 + low == 0)))
            return false;
        out[len] = *text;
        if (*text == '%')
            out[len] = (char)(high * 16 + low);
        len++;
        text += *text == '%' ? 3 : 1;
    }
    out[len] = '\0';
    return true;
}

void page_story_start(struct question *question)
{
    const char *path = sv_status_request_path(question->request);
    char name[4 * SV_NAME_BYTES];
    struct sv_errinfo info;

    if (!decode(path + strlen("/domains/"), name, sizeof(name)) ||
        sv_name_normalize(name, strlen(name), question->domain, &info) != SV_OK) {
        question_fail(question, 400, "this is no domain name");
        return;
    }
    if (sv_name_registrable(question->domain, question->registrable) != SV_OK) {
        question_fail(question, 404, "nobody can register this domain");
        return;
    }
    sv_json_set_str(question->out, "schema", "sesverify.page-domain.v1");
    sv_json_set_str(question->out, "domain", question->domain);
    question->list = sv_json_array();
    sv_json_set(question->out, "stories", question->list);
    question->call = (struct sv_store_call){.op = SV_STORE_OWNERS};
    question->call.u.owners.registrable = question->registrable;
    question->call.u.owners.domain = question->domain;
    question_ask(question, on_owners);
}
