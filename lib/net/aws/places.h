/* The places where a machine keeps AWS keys: variables and the shared files. */
#ifndef SV_AWS_PLACES_H
#define SV_AWS_PLACES_H

#include "shared_file.h"

enum { SV_PLACES_PATH_BYTES = 1024 };

struct sv_places {
    sv_env_fn *env;
    void *context;
    const char *profile;                    /* borrowed */
    char credentials[SV_PLACES_PATH_BYTES]; /* "" = nowhere; filled by sv_places_profile */
    char config[SV_PLACES_PATH_BYTES];
    struct sv_errinfo *info;
};

/* NULL for a variable that is not set or empty, as in AWS's own tools. */
const char *sv_places_variable(const struct sv_places *places, const char *name);

/* AWS_PROFILE, AWS_DEFAULT_PROFILE, "default". */
const char *sv_places_usual_profile(const struct sv_places *places);

/* The keys of the environment. SV_ENOTFOUND without text when it holds none: not an error by
 * itself. */
enum sv_err sv_places_environment(const struct sv_places *places, struct sv_credentials *out)
    __attribute__((warn_unused_result));

/* What both shared files say about places->profile; the credentials file wins. A missing file or
 * section is no error. The caller wipes out->keys. */
enum sv_err sv_places_profile(struct sv_places *places, struct sv_shared_profile *out)
    __attribute__((warn_unused_result));

/* SV_OK when the profile holds a pair of keys; otherwise the text says what it has instead. */
enum sv_err sv_places_judge_keys(const struct sv_places *places,
                                 const struct sv_shared_profile *shared)
    __attribute__((warn_unused_result));

#endif
