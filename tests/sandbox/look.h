/* What one DNS reply means to SES. */
#ifndef SB_LOOK_H
#define SB_LOOK_H

#include <ldns/ldns.h>

#include "identity.h"

enum sb_look_kind { /* also the order of the questions of one look */
                    SB_LOOK_DKIM_1,
                    SB_LOOK_DKIM_2,
                    SB_LOOK_DKIM_3,
                    SB_LOOK_OWNERSHIP,
                    SB_LOOK_MX,
                    SB_LOOK_SOA,
                    SB_LOOK_KINDS,
};

struct sb_verdict {
    enum sb_seen seen;
    const char *error_type; /* a VerificationInfo.ErrorType; NULL when all is well */
};

/* Name and type of that question about the identity. */
ldns_rr_type sb_look_question(const struct sb_identity *identity, enum sb_look_kind kind,
                              char name[SV_NAME_BYTES + 80]);

/* Judges the reply (NULL: nobody answered) to that question. */
struct sb_verdict sb_look_judge(const struct sb_identity *identity, enum sb_look_kind kind,
                                const ldns_pkt *reply);

/* The SOA record in a reply, if it has one. */
void sb_look_soa(const ldns_pkt *reply, struct sb_soa *out);

#endif
