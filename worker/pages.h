/* The page for people at / of the status port, and the JSON about domains and events that feeds it.
 * Only reads; every question to Redis is bounded, and each answer is of one page. */
#ifndef SV_WORKER_PAGES_H
#define SV_WORKER_PAGES_H

#include <jansson.h>

#include "config.h"
#include "sv/status_port.h"
#include "sv/time.h"
#include "wire.h"

struct sv_pages;

struct sv_pages_options {
    const struct sv_config *config; /* borrowed */
    const struct sv_clock *clock;   /* borrowed */
    const struct sv_wire *wire;     /* borrowed; its parts may not be there yet */
};

struct sv_pages *sv_pages_new(const struct sv_pages_options *options);

/* Answers /style.css, /script.js, /events, /domains and /domains/<domain>, at once or later. False:
 * the path is none of these, and nothing was done. */
bool sv_pages_ask(struct sv_pages *pages, struct sv_status_request *request);

/* Whether who asked may be shown domains and clients: status.domains, and by which name the port
 * was asked (status.hosts). */
bool sv_pages_may_name(const struct sv_config *config, const struct sv_status_request *request);

/* The page itself, with `status` (sesverify.worker.v1, borrowed) as tables for those who have no
 * JavaScript. False: it does not fit. */
bool sv_pages_front(json_t *status, struct sv_buf *out);

/* Ends what is under way: everything that was asked is answered soon, new questions at once. */
void sv_pages_stop(struct sv_pages *pages);

/* When every question was answered. NULL is fine. */
void sv_pages_free(struct sv_pages *pages);

#endif
