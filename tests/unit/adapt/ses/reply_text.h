/* A reply read and shown as text, so that a table can say what is expected. */
#ifndef TEST_REPLY_TEXT_H
#define TEST_REPLY_TEXT_H

#include "sv/http.h"
#include "sv/ses.h"

enum { REPLY_TEXT_BYTES = 4096, REPLY_DOMAINS = 3 };

/* One HTTP answer to `op` asked for "a.example" (the reads: a.example, b.example, c.example). */
struct reply {
    enum sv_ses_op op;
    long status;
    const char *error_type; /* x-amzn-ErrorType; NULL = absent */
    const char *body;
};

/* Reads the reply into `results` (REPLY_DOMAINS entries) and `info`. */
enum sv_err reply_read(const struct reply *reply, struct sv_ses_identity *results,
                       struct sv_errinfo *info, bool *is_signature);

/* What one identity says: only the fields that are not zero, e.g. "listed dkim=success tokens=a,b".
 * Returns `out`. */
const char *reply_show(const struct sv_ses_identity *identity, char out[REPLY_TEXT_BYTES]);

#endif
