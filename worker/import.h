/* One run of `sesverify import`: whose each identity is, what was taken, what was left out and why.
 * The command (cmd_import.c) asks SES and Redis; here is what it makes of the answers. */
#ifndef SV_WORKER_IMPORT_H
#define SV_WORKER_IMPORT_H

#include "caller.h"
#include "client.h"
#include "import_map.h"
#include "sv/ses.h"

/* Why an identity was left out. The order is that of the report. */
enum sv_import_skip {
    SV_IMPORT_TAKEN,
    SV_IMPORT_EMAIL,      /* an address: not a domain, nothing is missing */
    SV_IMPORT_UNMAPPED,   /* nobody says whose it is */
    SV_IMPORT_HELD,       /* another client, or another account, has it here */
    SV_IMPORT_LIMIT,      /* its client would have more domains than allowed */
    SV_IMPORT_RESTRICTED, /* a public suffix, a name of the restricted list */
    SV_IMPORT_INVALID,    /* no domain name, or a client id that cannot be one */
    SV_IMPORT_SKIP_COUNT
};

struct sv_import_client;
struct sv_import_left;

struct sv_import {
    const struct sv_args *args;
    const char *account, *tag_key;
    struct sv_import_map *map; /* owned; NULL = another way of mapping */
    bool dry_run, json, on_terminal;
    struct sv_client *client; /* while it runs */
    struct sv_caller *caller;
    size_t listed, taken, ours, skipped[SV_IMPORT_SKIP_COUNT];
    /* of the identity at hand */
    struct sv_import_line line; /* client_id NULL = not known */
    bool held, held_by_other;
    char holder[SV_CLIENT_BYTES + 8];
    char tag_value[SV_SES_TAG_BYTES];
    /* private from here on */
    sv_ms shown_at;
    struct sv_import_client **clients; /* by name */
    size_t clients_count, clients_room;
    struct sv_import_left *left;
    size_t left_count, left_room;
    struct sv_ses_page page;
};

struct sv_import *sv_import_new(const struct sv_args *args);
void sv_import_free(struct sv_import *import);

/* The name in normal form; TAKEN, or EMAIL, INVALID, RESTRICTED with the sentence in `info`. */
enum sv_import_skip sv_import_name(struct sv_import *import, const struct sv_ses_listed *listed,
                                   char domain[SV_NAME_BYTES], struct sv_errinfo *info);

/* Sets `line` as far as options and map know whose the domain is. */
void sv_import_map_client(struct sv_import *import, const char *domain);

/* A domain that the client has here already. */
void sv_import_count(struct sv_import *import, const char *client_id);

/* Renders the adopt job of `domain` for `line`. TAKEN, or LIMIT, INVALID with the sentence. */
enum sv_import_skip sv_import_job(const struct sv_import *import, const char *domain,
                                  struct sv_buf *job, struct sv_errinfo *info);

/* Both count. A name and its detail are copied. */
void sv_import_take(struct sv_import *import);
void sv_import_skip(struct sv_import *import, enum sv_import_skip skip, const char *name,
                    const char *detail);

/* One line on a terminal's stderr, a few times a second. */
void sv_import_show_progress(struct sv_import *import);
void sv_import_end_progress(struct sv_import *import);

/* True when a domain, not an address, was left out. */
bool sv_import_has_left(const struct sv_import *import);

/* Tells all of it on standard output; `complete` is false after a failure. */
void sv_import_report(const struct sv_import *import, bool complete);

#endif
