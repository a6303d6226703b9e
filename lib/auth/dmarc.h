/* The text of DMARC records (RFC 9989 sections 4.7 and 4.8). Private to lib/auth. */
#ifndef SV_AUTH_DMARC_H
#define SV_AUTH_DMARC_H

#include <stdbool.h>

#include "sv/name.h"

#include "txt.h"

/* Begins with v=DMARC1: "v" in any case, the value in this very one, blanks around "=" allowed. */
bool sv_dmarc_is_record(struct sv_span text);

/* Was meant to be a DMARC record, but is none. */
bool sv_dmarc_is_malformed(struct sv_span text);

enum sv_dmarc_key {
    SV_DMARC_KEY_OTHER, /* not registered: ignored */
    SV_DMARC_KEY_V,
    SV_DMARC_KEY_P,
    SV_DMARC_KEY_SP,
    SV_DMARC_KEY_NP,
    SV_DMARC_KEY_ADKIM,
    SV_DMARC_KEY_ASPF,
    SV_DMARC_KEY_T,
    SV_DMARC_KEY_PSD,
    SV_DMARC_KEY_RUA,
    SV_DMARC_KEY_RUF,
    SV_DMARC_KEY_FO,
    SV_DMARC_KEY_PCT, /* this one and the two below were removed by RFC 9989 (C.5.2) */
    SV_DMARC_KEY_RF,
    SV_DMARC_KEY_RI,
    SV_DMARC_KEYS
};

enum sv_dmarc_fault {
    SV_DMARC_FAULT_NONE,
    SV_DMARC_FAULT_SYNTAX,   /* no name, no "=", no value, or octets that do not belong there */
    SV_DMARC_FAULT_JOINED,   /* the next tag is inside the value: the semicolon is missing */
    SV_DMARC_FAULT_REPEATED, /* makes the whole record invalid */
    SV_DMARC_FAULT_VALUE,    /* not one of the tag's values: its default counts */
};

/* One tag as it is written. */
struct sv_dmarc_tag {
    enum sv_dmarc_key key;
    enum sv_dmarc_fault fault;
    struct sv_span text, name, value; /* without blanks around them */
};

/* Walks over the tags of a record; starts as {.rest = record}. */
struct sv_dmarc_reader {
    struct sv_span rest;
    unsigned seen; /* bits of the keys */
};

/* The next tag, empty places between semicolons left out; false at the end. */
bool sv_dmarc_next(struct sv_dmarc_reader *reader, struct sv_dmarc_tag *tag);

enum sv_dmarc_word {
    SV_DMARC_WORD_ABSENT,
    SV_DMARC_WORD_BAD, /* there, but none of the three */
    SV_DMARC_WORD_NONE,
    SV_DMARC_WORD_QUARANTINE,
    SV_DMARC_WORD_REJECT,
};

/* What a record says, defaults filled in. Spans point into the record's text. */
struct sv_dmarc_record {
    enum sv_dmarc_word p, sp, np;
    bool adkim_strict, aspf_strict, test_mode;
    char psd;                 /* 'u', 'y', 'n' */
    struct sv_span rua, ruf;  /* text NULL = not there */
    struct sv_span fo;        /* only where it is valid */
    bool has_report_uri;      /* rua holds at least one URI of valid syntax (4.10.1) */
    bool has_order_of_before; /* p comes right after v, as RFC 7489 section 6.3 wants it */
    unsigned percent;         /* pct of RFC 7489; 100 where it is absent or bad */
    bool has_repeated;        /* a tag is there twice: the record is invalid */
};

/* `text` must be a record by sv_dmarc_is_record. */
void sv_dmarc_parse(struct sv_span text, struct sv_dmarc_record *out);

/* The record as it should be written: tags that hold their default, or nothing valid, are left out;
 * so are those that were removed from the standard. False when it does not fit. */
bool sv_dmarc_print(const struct sv_dmarc_record *record, struct sv_line *out);

/* A value of p, sp or np; BAD for anything else. */
enum sv_dmarc_word sv_dmarc_word_of(struct sv_span value);

/* One of p, sp and np is there and none of the three words. */
bool sv_dmarc_has_bad_policy(const struct sv_dmarc_record *record);

/* "none", "quarantine", "reject"; "" for the others. */
const char *sv_dmarc_word_name(enum sv_dmarc_word word);

enum sv_dmarc_uri_kind {
    SV_DMARC_URI_BAD,
    SV_DMARC_URI_OTHER, /* valid, but nobody has to support its scheme */
    SV_DMARC_URI_MAILTO,
};

struct sv_dmarc_uri {
    enum sv_dmarc_uri_kind kind;
    struct sv_span text;        /* as it is written, with its size */
    struct sv_span size;        /* "!10m", of RFC 7489; text NULL = there is none */
    char domain[SV_NAME_BYTES]; /* MAILTO: of the address, in normal form */
};

/* The next of a list that commas separate, moving `rest` behind it; false at the end. */
bool sv_dmarc_uri_next(struct sv_span *rest, struct sv_dmarc_uri *uri);

#endif
