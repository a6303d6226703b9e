/* The demonstration: worker, private Redis, SES sandbox and DNS server on loopback, with clients
 * whose records appear, are wrong, get fixed and break. Private to worker/. */
#ifndef SV_WORKER_DEMO_H
#define SV_WORKER_DEMO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "sv/buf.h"
#include "sv/err.h"
#include "sv/time.h"

struct demo_options {
    bool keep;           /* stay up after the summary until a signal comes */
    bool json;           /* events and summary as JSON lines */
    bool colour;         /* the terminal shows colours */
    sv_ms deadline_ms;   /* 0 = 100 s */
    const char *sandbox; /* path; NULL = beside this program, in the build tree, or on the PATH */
    const char *redis_server; /* path; NULL = on the PATH */
};

/* Runs until every client is where it should be, or the deadline. Returns the exit code: 0 only
 * when every client ended where it should, folded from the outbox. */
int demo_run(const struct demo_options *options);

/* ---- the cast (demo_cast.c) ---- */

enum demo_act {
    DEMO_PUBLISH,
    DEMO_PUBLISH_DOUBLED, /* every name with the domain a second time */
    DEMO_PUBLISH_CROWDED, /* SPF records that name all the client's tools as well */
    DEMO_REMOVE_ONE,
};

/* When `kind` ("" = any) arrives (and, where given, tells `finding`), `wait_ms` later the client
 * does `act`.
 */
struct demo_beat {
    const char *kind;
    const char *finding;
    sv_ms wait_ms;
    enum demo_act act;
    const char *says;
};

enum { DEMO_BEATS_MAX = 4, DEMO_CAST_MAX = 8 };

struct demo_role {
    const char *client_id, *domain, *story;
    const char *mail_from;                  /* NULL = none */
    struct demo_beat beats[DEMO_BEATS_MAX]; /* kind NULL ends */
    const char *ends_as;                    /* status */
    const char *ends_with; /* kind of the last move, where it matters; NULL = any */
};

extern const struct demo_role demo_cast[];
extern const size_t demo_cast_count;

/* ---- the zone (demo_zone.c) ---- */

struct demo_record {
    char *line;
    size_t role;
};

enum { DEMO_RECORDS_MAX = 128, DEMO_ZONE_BYTES_MAX = 256 * 1024 };

struct demo_zone {
    const char *path;
    struct demo_record records[DEMO_RECORDS_MAX];
    size_t count;
};

/* Replaces what one client has published by the records of its `registered` event (dns_records),
 * in the way `how` says. Takes effect with demo_zone_write. */
void demo_zone_publish(struct demo_zone *zone, size_t role, const json_t *records,
                       enum demo_act how);
/* Takes one DKIM record of the client away. */
void demo_zone_remove_one(struct demo_zone *zone, size_t role);
/* Writes the file in one step; the DNS server reads it again on SIGHUP. */
enum sv_err demo_zone_write(const struct demo_zone *zone, struct sv_errinfo *info)
    __attribute__((warn_unused_result));
void demo_zone_fini(struct demo_zone *zone);

/* ---- the table (demo_table.c): folded from events, not from the script ---- */

struct demo_row {
    char status[32], last_kind[32], conclusion[48], finding[48];
    unsigned events;
    unsigned long long sequence;
    bool gap; /* a sequence was missing or repeated */
};

struct demo_table {
    struct demo_row rows[DEMO_CAST_MAX];
    sv_ms started;
    bool json, colour;
};

/* Takes one event of the outbox, prints it; returns the role it is about, or demo_cast_count.
 * `kind` gets the word between "domain." and ".v1", "" for others. */
size_t demo_table_take(struct demo_table *table, json_t *event, sv_ms now, char kind[32]);
/* True when this client stands where its story ends. */
bool demo_table_is_right(const struct demo_table *table, size_t role);
/* Prints the summary; true when everyone is right. */
bool demo_table_print(const struct demo_table *table, FILE *out);
/* A line about what a client does now. */
void demo_table_say(const struct demo_table *table, size_t role, const char *says, sv_ms now);

#endif
