/* The call of sv/store.h by which `sesverify reshard` changes the number of shards of an
 * installation whose workers are stopped: MOVE. */
#ifndef SV_STORE_MOVE_H
#define SV_STORE_MOVE_H

#include <stdbool.h>
#include <stddef.h>

enum sv_store_move_what {
    SV_STORE_MOVE_LOCK, /* `note` says that the shards are being changed: PREPARE refuses */
    /* A page of what is in call->shard; what belongs into another shard is put there, read back,
     * and deleted here. */
    SV_STORE_MOVE_KEYS, /* domains and receipts */
    SV_STORE_MOVE_EVENTS,
    SV_STORE_MOVE_JOBS,
    SV_STORE_MOVE_LETTERS,
    SV_STORE_MOVE_READERS, /* who reads the outbox */
    SV_STORE_MOVE_REGROUP, /* `readers` read this outbox, too, from its end on */
    SV_STORE_MOVE_CLEAR,   /* a shard that will not be: its counters go to another one, the rest is
                              deleted */
    SV_STORE_MOVE_UNLOCK,  /* the shard is one of `shards_to` from now on, and workers may start */
};

enum sv_store_move_kind {
    SV_STORE_MOVED_DOMAINS,
    SV_STORE_MOVED_RECEIPTS,
    SV_STORE_MOVED_EVENTS,
    SV_STORE_MOVED_JOBS,
    SV_STORE_MOVED_LETTERS,
    SV_STORE_MOVED_COUNT
};

enum {
    SV_STORE_MOVE_READERS_MAX = 64,
    SV_STORE_MOVE_CURSOR_BYTES = 64,
    /* A larger letter or job is not moved: the call fails (SV_ETOOBIG). */
    SV_STORE_MOVE_BYTES_MAX = 1 << 20,
};

struct sv_store_reader {
    const char *name;
    bool behind; /* it has not read and acknowledged all */
};

/* MOVE. Safe to repeat and to break off anywhere: what was moved is not moved again, and nothing is
 * deleted before it was read back. Where something belongs: crc32 of its client modulo shards_to;
 * what names no client stays, or goes to its shard modulo shards_to. SV_EMALFORMED: something
 * changed meanwhile, or is in the way; info tells. Borrowed until done returns. */
struct sv_store_move {
    enum sv_store_move_what what;
    unsigned shards_to;
    bool dry_run;                          /* count only */
    const char *cursor;                    /* KEYS .. LETTERS: "0" begins */
    const char *note;                      /* LOCK: "<from> <to> ...", kept as `reshard` in meta */
    const struct sv_store_reader *readers; /* REGROUP */
    size_t readers_count;
    /* out; KEYS .. LETTERS */
    size_t seen[SV_STORE_MOVED_COUNT];
    size_t moved[SV_STORE_MOVED_COUNT]; /* with dry_run: to be moved */
    const char *owed;    /* KEYS: a sink's list of events that it has not settled; NULL = none */
    const char *strange; /* KEYS: a key that nobody knows; NULL = none */
    char next_cursor[SV_STORE_MOVE_CURSOR_BYTES]; /* "0" ends */
    /* out; READERS */
    size_t found_count;
    const struct sv_store_reader *found;
};

#endif
