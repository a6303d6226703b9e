#include <stdio.h>

#include "inner.h"

/* TRIM: one script; it reads what the groups still need and deletes in the same step. */

static void on_trimmed(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_trim *out = &request->work->call->u.trim;
    int64_t trimmed, more;
    const char *holder;

    if (!sv_reply_is_array(reply, 3) || !sv_reply_number(reply->element[0], &trimmed) ||
        !sv_reply_number(reply->element[1], &more) || trimmed < 0 ||
        (holder = sv_reply_text(request->work, reply->element[2])) == NULL) {
        sv_store_work_malformed(request->work, "trim answers something else");
        return;
    }
    out->trimmed = (size_t)trimmed;
    out->more = more == 1;
    (void)snprintf(out->held_by, sizeof(out->held_by), "%.*s", (int)sizeof(out->held_by) - 1,
                   holder);
}

void sv_store_trim(struct sv_store_work *work)
{
    const struct sv_store_trim *in = &work->call->u.trim;
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_TRIM, 2, 2, on_trimmed);

    sv_store_request_add(r, sv_store_key(work, "events"));
    sv_store_request_add(r, sv_store_key(work, "n"));
    sv_store_request_add_number(r, in->keep_ms);
    sv_store_request_add_number(r, (int64_t)in->entries_max);
    sv_store_request_send(r);
}
