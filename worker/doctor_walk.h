/* Reads a whole Redis for `sesverify doctor`: what is read when, so that nothing that moves
 * meanwhile is taken for a fault. */
#ifndef SV_WORKER_DOCTOR_WALK_H
#define SV_WORKER_DOCTOR_WALK_H

#include "client.h"
#include "doctor.h"
#include "sv/name.h"

enum { SV_DOCTOR_WORD_BYTES = 320 };

/* A list of names, owned. */
struct sv_names {
    size_t count, cap;
    char **items;
};
void sv_names_add(struct sv_names *names, const char *name);
/* Sorts, and drops what is there twice. */
void sv_names_sort(struct sv_names *names);
bool sv_names_have(const struct sv_names *names, const char *name); /* sorted ones */
void sv_names_fini(struct sv_names *names);

/* What a record says of the name it is about. */
struct sv_doctor_record {
    bool found, removed, young;
    char domain[SV_NAME_BYTES], account[SV_DOCTOR_WORD_BYTES], client_id[SV_DOCTOR_WORD_BYTES];
};

struct sv_doctor_walk {
    struct sv_client *client;
    struct sv_doctor *doctor;
    unsigned shard;
    bool progress;  /* to the terminal, on stderr */
    bool rows_only; /* nothing but the rows is wanted */
    /* Of the shard in hand. */
    struct sv_names clients, receipts, letters, details, sinks;
    bool has_jobs;
    struct sv_doctor_counters before;
};

/* Every shard, or only one (-1 = all), then the names. SV_EXIT_OK when all was read, otherwise the
 * exit code after a message. */
int sv_doctor_walk_all(struct sv_client *client, struct sv_doctor *doctor, long only);

/* --- doctor_walk.c, for the other files --- */

/* Pages through one key or kind of keys; `use` is called for each page. */
int sv_doctor_pages(struct sv_doctor_walk *walk, enum sv_store_look_what what, const char *key,
                    sv_client_use_fn *use, void *context);
/* One domain at one instant; client_id NULL = its own. `use` gets the call. */
int sv_doctor_places(struct sv_doctor_walk *walk, const char *uid, const char *client_id,
                     sv_client_use_fn *use, void *context);
int sv_doctor_read_counters(struct sv_doctor_walk *walk, struct sv_doctor_counters *out);

/* --- doctor_keys.c --- */

/* Lists every key of the shard: rows, clients, receipts, letters. */
int sv_doctor_read_keys(struct sv_doctor_walk *walk);
/* Of those that read_keys met. */
int sv_doctor_read_sinks(struct sv_doctor_walk *walk);

/* --- doctor_lists.c: after the rows were read --- */

int sv_doctor_read_clients(struct sv_doctor_walk *walk);
int sv_doctor_read_receipts(struct sv_doctor_walk *walk);
int sv_doctor_read_letters(struct sv_doctor_walk *walk);
int sv_doctor_read_inbox(struct sv_doctor_walk *walk);

/* --- doctor_history.c --- */

int sv_doctor_read_events(struct sv_doctor_walk *walk);

/* --- doctor_names.c --- */

/* Every name that is held has a domain. */
int sv_doctor_read_owners(struct sv_doctor_walk *walk);
/* The domain of this record is held by its client. */
int sv_doctor_read_owner_of(struct sv_doctor_walk *walk, const char *uid,
                            const struct sv_doctor_record *record);
void sv_doctor_record_read(const struct sv_store_places *places, struct sv_doctor_record *out);

#endif
