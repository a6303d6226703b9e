/* A question to the page's JSON, shared by the files that answer one: pages.c, page_lists.c,
 * page_story.c. */
#ifndef SV_WORKER_PAGE_QUESTION_H
#define SV_WORKER_PAGE_QUESTION_H

#include <jansson.h>

#include "pages.h"
#include "sv/state.h"
#include "sv/store.h"

struct question {
    struct sv_pages *pages;
    struct sv_status_request *request;
    struct sv_store_call call;
    void (*step)(struct question *question); /* the call succeeded */
    bool busy;                               /* the call is under way */
    json_t *out;                             /* the answer as far as it is known */
    json_t *list;                            /* its list, borrowed */
    size_t limit;
    /* /domains */
    char client_id[SV_CLIENT_BYTES], key[SV_CLIENT_BYTES + 2];
    enum sv_status status; /* SV_STATUS_COUNT = all */
    char cursor[SV_STORE_LOOK_CURSOR_BYTES];
    unsigned walks;
    bool ended; /* the last page was read */
    /* uids still to be read; for a story, whose they are */
    char (*uids)[SV_UID_BYTES];
    char (*clients)[SV_CLIENT_BYTES];
    size_t uids_count, uids_cap, uid;
    char domain[SV_NAME_BYTES], registrable[SV_NAME_BYTES];
    struct question *next, *previous;
};

/* What follows may end the question: the caller returns at once. */

/* Starts `question->call`, which was filled; `step` is called when it succeeded. */
void question_ask(struct question *question, void (*step)(struct question *question));
/* Answers with `question->out`. */
void question_finish(struct question *question);
void question_fail(struct question *question, unsigned code, const char *why);

const struct sv_config *question_config(const struct question *question);
sv_ms question_now(const struct question *question);
/* Notes a uid to be read; what is none is left out. */
void question_keep_uid(struct question *question, const char *uid);

/* The first step of each. */
void page_events_start(struct question *question);
void page_domains_start(struct question *question);
void page_story_start(struct question *question);

#endif
