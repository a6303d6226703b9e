/* Scripted misbehaviour of the SES stand-in. */
#ifndef SB_FAULT_H
#define SB_FAULT_H

#include "journal.h"

enum { SB_FAULTS_MAX = 256 };

enum sb_do {
    SB_DO_NOTHING,
    SB_DO_STATUS,      /* an error answer with that HTTP status, code and message */
    SB_DO_HTML,        /* what a proxy says */
    SB_DO_GARBAGE,     /* 200 and bytes that are neither XML nor JSON */
    SB_DO_BODY,        /* that HTTP status and body, whatever they are */
    SB_DO_EMPTY,       /* 200 and no body */
    SB_DO_CUT,         /* the true answer, half of it */
    SB_DO_SLOW,        /* the true answer, one byte every `ms` */
    SB_DO_HANG,        /* the true answer, `ms` late; -1: never */
    SB_DO_CLOSE,       /* the connection ends without an answer */
    SB_DO_SKEWED_DATE, /* the server's clock is `ms` ahead for this call */
    SB_DO_SET_STATUS,  /* forces the status of an identity, then goes on as usual */
};

struct sb_fault {
    char action[SB_ACTION_BYTES];     /* "*" matches all */
    char identity[SB_IDENTITY_BYTES]; /* "*" matches all, and calls that name none */
    char region[SB_REGION_BYTES];
    enum sb_do what;
    long long count; /* so many more times; below 0: for ever */
    long long skip;  /* lets so many pass first */
    unsigned status;
    char code[SB_CODE_BYTES];
    char message[256];
    sv_ms ms;
    bool performs;        /* the call takes effect though its answer is spoilt */
    json_t *set;          /* of SET_STATUS, or the text of BODY; owned */
    char retry_after[32]; /* a header with STATUS, HTML and BODY; "" without */
};

struct sb_faults {
    struct sb_fault rules[SB_FAULTS_MAX];
    size_t count;
};

/* Adds the rules of a JSON array (or one object); none when any of them is wrong. */
enum sv_err sb_faults_add(struct sb_faults *faults, json_t *rules, struct sv_errinfo *info)
    __attribute__((warn_unused_result));
void sb_faults_clear(struct sb_faults *faults);

/* The rules with their remaining counts; the caller owns the array. */
json_t *sb_faults_json(const struct sb_faults *faults);

/* The first rule that may speak on a call; `names` tells whether the call names an identity. A rule
 * that is still skipping is not asked again: its skip is used up by this look. NULL without one. */
struct sb_fault *sb_faults_find(struct sb_faults *faults, const char *action, const char *region,
                                bool (*names)(const void *call, const char *identity),
                                const void *call);

/* Uses up one count. */
void sb_fault_use(struct sb_fault *fault);

#endif
