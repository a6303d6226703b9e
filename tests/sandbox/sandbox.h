/* Everything that runs, in one place. */
#ifndef SB_SANDBOX_H
#define SB_SANDBOX_H

#include "clock.h"
#include "dns_server.h"
#include "fault.h"
#include "givers.h"
#include "http.h"
#include "identity.h"
#include "journal.h"
#include "looker.h"
#include "options.h"
#include "permission.h"
#include "record.h"
#include "zone.h"

struct sandbox {
    uv_loop_t loop;
    struct sb_options options;
    struct sb_clock clock;
    struct sb_stores stores;
    struct sb_zone zone;
    struct sb_others others;
    struct sb_permissions permissions;
    struct sb_givers givers;
    struct sb_faults faults;
    struct sb_dns_faults dns_faults;
    struct sb_journal *journal;
    struct sb_record record;
    struct sb_looker *looker;
    struct sb_dns_server *dns; /* NULL when look-ups go to a server elsewhere */
    struct sb_http *ses, *control;
};

/* Answer one request to the SES port, and one to the control port. */
void sb_api_handle(void *sandbox, const struct sb_request *request, struct sb_answer *answer);
void sb_control_handle(void *sandbox, const struct sb_request *request, struct sb_answer *answer);

/* Forgets the identity at once, its look included. */
void sb_sandbox_drop(struct sandbox *sandbox, struct sb_identity *identity);

/* Sets statuses as {"identity","dkim","mail_from": "Success"..., "signing": bool, "error_type":
 * "...", "pin": bool, "rotate_key": bool, "renew_tokens": bool} says; pinned ones are not moved by
 * looks any more. */
enum sv_err sb_sandbox_force(struct sandbox *sandbox, struct sb_identity *identity, json_t *set,
                             struct sv_errinfo *info) __attribute__((warn_unused_result));

/* Reads the zone file again; SV_OK without one. Old records stay on failure. */
enum sv_err sb_sandbox_reload(struct sandbox *sandbox, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

#endif
