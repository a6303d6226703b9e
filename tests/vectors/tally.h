/* What the programs share that run tables of cases: JSON files with a list "cases". A table that
 * cannot be understood proves nothing, so it ends the run. */
#ifndef SV_TESTS_VECTORS_TALLY_H
#define SV_TESTS_VECTORS_TALLY_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct tally {
    const char *file;
    const char *name; /* of the case */
    size_t look;      /* of a case with several, from 1 */
    unsigned passed, failed, compared;
    bool bad; /* the case at hand has failed */
};

/* Ends the program with 2: "file: name: why: what". */
_Noreturn void tally_refuse(const struct tally *tally, const char *why, const char *what);

/* Only keys of the list, which NULL ends; those with "!" before them must be there. */
void tally_keys(const struct tally *tally, const json_t *object, const char *const *known);

/* The case fails unless both are the same. */
void tally_compare(struct tally *tally, const char *what, const char *got, const char *wanted);

typedef void tally_run_fn(struct tally *tally, json_t *test);

/* Runs the cases of all files and prints how many passed; what main returns. A case has a "name"
 * and says by "cite" where it is from. */
int tally_main(int argc, char **argv, tally_run_fn *run);

#endif
