/* A question is one request and one store call at a time: its `step` takes what the call brought
 * and starts the next, or answers. What can fail: Redis, then the answer is 503 with the reason; a
 * parameter, then it is 400. A question that the port or we give up ends through the same door, by
 * its call's cancellation. */
#include "pages.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "page_question.h"
#include "sv/alloc.h"
#include "sv/embed.h"
#include "sv/json.h"
#include "sv/require.h"

enum {
    EVENTS_DEFAULT = 20,
    EVENTS_MAX = 50,
    DOMAINS_DEFAULT = 25,
    DOMAINS_MAX = 100,
    UIDS_FIRST = 64,
};

static const char type_of_json[] = "application/json";

struct sv_pages {
    struct sv_pages_options options;
    struct question *questions;
    bool stopped;
};

/* ---- answering ---- */

static void free_question(struct question *question)
{
    if (question->previous != NULL)
        question->previous->next = question->next;
    else
        question->pages->questions = question->next;
    if (question->next != NULL)
        question->next->previous = question->previous;
    json_decref(question->out);
    free(question->uids);
    free(question->clients);
    free(question);
}

static void send_json(struct sv_status_request *request, unsigned code, json_t *tree)
{
    struct sv_buf body;

    sv_buf_init(&body, SV_STATUS_BODY_BYTES_MAX);
    if (!sv_json_write(tree, &body) || !sv_buf_add_str(&body, "\n")) {
        code = 500;
        sv_buf_clear(&body);
    }
    sv_status_answer(request, code, type_of_json, &body);
    sv_buf_fini(&body);
}

static void refuse(struct sv_status_request *request, unsigned code, const char *why)
{
    json_t *tree = sv_json_object();

    sv_json_set_str(tree, "schema", "sesverify.page-error.v1");
    sv_json_set_str(tree, "error", why);
    send_json(request, code, tree);
    json_decref(tree);
}

void question_finish(struct question *question)
{
    send_json(question->request, 200, question->out);
    free_question(question);
}

void question_fail(struct question *question, unsigned code, const char *why)
{
    refuse(question->request, code, why);
    free_question(question);
}

/* ---- calls ---- */

static void on_done(struct sv_store_call *call, enum sv_err err)
{
    struct question *question = call->owner;

    question->busy = false;
    if (err == SV_OK && !question->pages->stopped)
        question->step(question);
    else
        question_fail(question, 503,
                      call->info.text[0] != '\0' ? call->info.text : sv_err_text(err));
}

/* `question->call` was filled; afterwards the question may be gone. */
void question_ask(struct question *question, void (*step)(struct question *question))
{
    struct sv_store *store = question->pages->options.wire->store;
    struct sv_errinfo info = {0};

    question->call.owner = question;
    question->step = step;
    if (store == NULL)
        question_fail(question, 503, "the worker is still preparing");
    else if (sv_store_start(store, &question->call, on_done, &info) == SV_OK)
        question->busy = true;
    else
        question_fail(question, 503, info.text[0] != '\0' ? info.text : "Redis is away");
}

sv_ms question_now(const struct question *question)
{
    const struct sv_clock *clock = question->pages->options.clock;

    return clock->wall(clock->context);
}

const struct sv_config *question_config(const struct question *question)
{
    return question->pages->options.config;
}

void question_keep_uid(struct question *question, const char *uid)
{
    if (strlen(uid) >= SV_UID_BYTES)
        return;
    if (question->uids_count == question->uids_cap) {
        question->uids_cap = question->uids_cap == 0 ? UIDS_FIRST : 2 * question->uids_cap;
        question->uids = sv_realloc(question->uids, question->uids_cap * sizeof(*question->uids));
    }
    (void)snprintf(question->uids[question->uids_count++], SV_UID_BYTES, "%s", uid);
}

/* ---- asking ---- */

static const struct sv_embedded *file_of(const char *name)
{
    for (const struct sv_embedded *file = sv_page_files; file->name != NULL; file++) {
        if (strcmp(file->name, name) == 0)
            return file;
    }
    return NULL;
}

static void send_file(struct sv_status_request *request, const char *name, const char *type)
{
    const struct sv_embedded *file = file_of(name);
    struct sv_buf body;

    SV_REQUIRE(file != NULL);
    sv_buf_init(&body, SV_STATUS_BODY_BYTES_MAX);
    SV_REQUIRE(sv_buf_add(&body, file->text, file->len));
    sv_status_answer(request, 200, type, &body);
    sv_buf_fini(&body);
}

/* A name that anybody can make lead here has a dot; an address cannot be made to. */
static bool is_known_host(const struct sv_config *config, const char *asked)
{
    unsigned char address[sizeof(struct in6_addr)];
    const char *colon = strrchr(asked, ':');
    char host[SV_NAME_BYTES + 8];
    size_t len = strlen(asked);

    if (colon != NULL && strchr(colon, ']') == NULL)
        len = (size_t)(colon - asked);
    if (len == 0 || len >= sizeof(host))
        return false;
    (void)snprintf(host, sizeof(host), "%.*s", (int)len, asked);
    if (host[0] == '[' || inet_pton(AF_INET, host, address) == 1 || strchr(host, '.') == NULL)
        return true;
    for (size_t i = 0; i < config->status.hosts.count; i++) {
        if (strcasecmp(config->status.hosts.items[i], host) == 0)
            return true;
    }
    return false;
}

bool sv_pages_may_name(const struct sv_config *config, const struct sv_status_request *request)
{
    const char *host = sv_status_request_host(request);

    return config->status.domains && (host == NULL || is_known_host(config, host));
}

static bool read_limit(struct sv_status_request *request, size_t fallback, size_t max, size_t *out)
{
    const char *text = sv_status_request_query(request, "limit");

    *out = fallback;
    if (text == NULL)
        return true;
    if (*text == '\0' || strlen(text) > 4 || strspn(text, "0123456789") != strlen(text))
        return false;
    *out = (size_t)strtoul(text, NULL, 10);
    return *out >= 1 && *out <= max;
}

static void open_question(struct sv_pages *pages, struct sv_status_request *request,
                          void (*start)(struct question *), size_t fallback, size_t max)
{
    struct question *question;
    char why[64];
    size_t limit;

    if (!pages->options.config->status.domains) {
        refuse(request, 403, "status.domains is false: this port tells figures only");
        return;
    }
    if (!sv_pages_may_name(pages->options.config, request)) {
        refuse(request, 403, "ask by an address, by localhost, or by a name in status.hosts");
        return;
    }
    if (pages->stopped) {
        refuse(request, 503, "the worker is leaving");
        return;
    }
    if (!read_limit(request, fallback, max, &limit)) {
        (void)snprintf(why, sizeof(why), "limit is a number from 1 to %zu", max);
        refuse(request, 400, why);
        return;
    }
    question = sv_alloc(1, sizeof(*question));
    question->pages = pages;
    question->request = request;
    question->limit = limit;
    question->out = sv_json_object();
    question->next = pages->questions;
    if (question->next != NULL)
        question->next->previous = question;
    pages->questions = question;
    start(question);
}

bool sv_pages_ask(struct sv_pages *pages, struct sv_status_request *request)
{
    const char *path = sv_status_request_path(request);

    if (strcmp(path, "/style.css") == 0)
        send_file(request, "style", "text/css; charset=utf-8");
    else if (strcmp(path, "/script.js") == 0)
        send_file(request, "script", "text/javascript; charset=utf-8");
    else if (strcmp(path, "/events") == 0)
        open_question(pages, request, page_events_start, EVENTS_DEFAULT, EVENTS_MAX);
    else if (strcmp(path, "/domains") == 0)
        open_question(pages, request, page_domains_start, DOMAINS_DEFAULT, DOMAINS_MAX);
    else if (strncmp(path, "/domains/", strlen("/domains/")) == 0)
        open_question(pages, request, page_story_start, 1, 1);
    else
        return false;
    return true;
}

/* ---- life ---- */

struct sv_pages *sv_pages_new(const struct sv_pages_options *options)
{
    struct sv_pages *pages = sv_alloc(1, sizeof(*pages));

    pages->options = *options;
    return pages;
}

void sv_pages_stop(struct sv_pages *pages)
{
    pages->stopped = true;
    for (struct question *question = pages->questions; question != NULL;
         question = question->next) {
        if (question->busy)
            sv_store_cancel(&question->call);
    }
}

void sv_pages_free(struct sv_pages *pages)
{
    SV_REQUIRE(pages == NULL || pages->questions == NULL);
    free(pages);
}
