/* What SES tells of one identity's mail, as plain data that every layer may name. */
#ifndef SV_MAIL_H
#define SV_MAIL_H

#include <stdint.h>

/* SES's recommendations that are open (v2 ListRecommendations), as bits. */
enum {
    SV_ADVICE_DKIM = 1u << 0,
    SV_ADVICE_DMARC = 1u << 1,
    SV_ADVICE_SPF = 1u << 2,
    SV_ADVICE_BIMI = 1u << 3,
    SV_ADVICE_COMPLAINT = 1u << 4,
    SV_ADVICE_BOUNCE = 1u << 5,
    SV_ADVICE_FEEDBACK = 1u << 6, /* FEEDBACK_3P */
    SV_ADVICE_LISTING = 1u << 7,  /* IP_LISTING */
    SV_ADVICE_OTHER = 1u << 8,    /* a type we do not know */
    SV_ADVICE_HIGH = 1u << 9,     /* one of COMPLAINT to LISTING has high impact */
    SV_ADVICE_ALL = (1u << 10) - 1,
};

/* The last days of one identity's mail (v2 BatchGetMetricData). */
struct sv_mail {
    uint32_t sent;              /* SEND */
    uint32_t permanent_bounces; /* PERMANENT_BOUNCE */
    uint32_t transient_bounces; /* TRANSIENT_BOUNCE: shown, judges nothing */
    uint32_t tracked;           /* DELIVERY_COMPLAINT: delivered where complaints are reported */
    uint32_t complaints;        /* COMPLAINT */
    uint32_t advice;            /* SV_ADVICE_ bits */
};

#endif
