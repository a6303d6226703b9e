/* The control port: everything a test may want to know or bend. */
#ifndef SB_CONTROL_H
#define SB_CONTROL_H

#include "form.h"
#include "sandbox.h"

enum { SB_CONTROL_BYTES_MAX = SB_BODY_BYTES_MAX };

struct sb_control {
    struct sandbox *sandbox;
    const struct sb_request *request;
    const char *name;    /* what follows the resource in the path, decoded; NULL without */
    struct sb_form form; /* the query */
    json_t *input;       /* the body; NULL without one */
    json_t *output;      /* the reply; becomes {} when nothing is set */
    unsigned status;     /* 0: 200 */
};

/* Ends the call with {"error": text}. */
void sb_control_refuse(struct sb_control *control, unsigned status, const char *text);

/* The store that ?account= and ?region= name, or the default one. */
struct sb_store *sb_control_store(const struct sb_control *control);

/* The access key that ?account= names, or the default one. */
const char *sb_control_account(const struct sb_control *control);

/* One identity as the control port shows it; the caller owns it. */
json_t *sb_control_identity_json(const struct sb_identity *identity);

void sb_control_account_get(struct sb_control *control);
void sb_control_account_post(struct sb_control *control);
void sb_control_sets_get(struct sb_control *control);
void sb_control_sets_post(struct sb_control *control);
void sb_control_sets_delete(struct sb_control *control);
void sb_control_permissions_get(struct sb_control *control);
void sb_control_permissions_post(struct sb_control *control);
void sb_control_permissions_delete(struct sb_control *control);
void sb_control_givers_post(struct sb_control *control);
void sb_control_metrics_get(struct sb_control *control);
void sb_control_metrics_post(struct sb_control *control);
void sb_control_metrics_delete(struct sb_control *control);
void sb_control_recommendations_get(struct sb_control *control);
void sb_control_recommendations_post(struct sb_control *control);
void sb_control_state(struct sb_control *control);
void sb_control_records(struct sb_control *control);
void sb_control_zone_get(struct sb_control *control);
void sb_control_zone_post(struct sb_control *control);

#endif
