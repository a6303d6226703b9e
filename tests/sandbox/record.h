/* Writes every request to the SES port into a file, byte for byte, so that somebody else's verifier
 * can judge the signatures afterwards. */
#ifndef SB_RECORD_H
#define SB_RECORD_H

#include <stdio.h>

#include "auth.h"

/* The environment variable that names the folder; without it nothing is written. */
#define SB_RECORD_VARIABLE "SV_SANDBOX_RECORD"

struct sb_record {
    FILE *file; /* NULL: nothing is written */
};

/* Opens PID.jsonl in that folder. */
enum sv_err sb_record_open(struct sb_record *record, struct sv_errinfo *info)
    __attribute__((warn_unused_result));
void sb_record_close(struct sb_record *record);

/* One line of JSON: the request (`body` is base64), what we think of its signature, and the key
 * that it names (NULL: an unknown one), whose secret is none. */
void sb_record_add(struct sb_record *record, const struct sb_request *request, const char *service,
                   enum sb_auth verdict, const struct sb_key *key);

#endif
