#include "sv/admission.h"

#include "sv/require.h"

static const char *const names[SV_JOB_TYPE_COUNT] = {
    [SV_JOB_REGISTER] = "register",
    [SV_JOB_RECHECK] = "recheck",
    [SV_JOB_REMOVE] = "remove",
    [SV_JOB_ADOPT] = "adopt",
};

const char *sv_job_type_name(enum sv_job_type type)
{
    return (unsigned)type < SV_JOB_TYPE_COUNT ? names[type] : "invalid";
}

static void register_or_adopt(const struct sv_admission_view *view, const struct sv_limits *limits,
                              struct sv_admission_result *result)
{
    if (!view->known) {
        result->outcome = view->client_domains >= limits->domains_max ? SV_ADMISSION_DOMAIN_LIMIT
                                                                      : SV_ADMISSION_OPENED;
        result->due_now = result->outcome == SV_ADMISSION_OPENED;
    } else if (view->running) {
        result->outcome = SV_ADMISSION_COALESCED;
        result->again = true;
    } else {
        result->outcome = view->open ? SV_ADMISSION_COALESCED : SV_ADMISSION_OPENED;
        result->due_now = true;
    }
}

/* Only a recheck that causes a look of its own uses an attempt up. */
static void recheck(const struct sv_admission_view *view, const struct sv_limits *limits, sv_ms now,
                    struct sv_admission_result *result)
{
    if (!view->running && view->open) {
        result->outcome = SV_ADMISSION_COALESCED;
        result->due_now = true;
        return;
    }
    if (view->running && view->again) {
        result->outcome = SV_ADMISSION_COALESCED;
        return;
    }
    if (view->attempts >= limits->attempts_max) {
        sv_ms over_at = view->attempted_at + limits->cooldown_ms;

        if (now < over_at) {
            result->outcome = SV_ADMISSION_COOLDOWN;
            result->retry_at = over_at;
            return;
        }
        result->attempts = 0;
    }
    result->attempts++;
    result->attempted_at = now;
    result->outcome = view->running ? SV_ADMISSION_COALESCED : SV_ADMISSION_OPENED;
    result->due_now = !view->running;
    result->again = view->running;
}

static void remove_domain(const struct sv_admission_view *view, struct sv_admission_result *result)
{
    bool opens = !view->running && !view->open;

    result->outcome = opens ? SV_ADMISSION_OPENED : SV_ADMISSION_COALESCED;
    result->due_now = opens;
    result->again = view->again || view->running;
}

void sv_admission_decide(const struct sv_admission_view *view, enum sv_job_type type,
                         const struct sv_limits *limits, sv_ms now,
                         struct sv_admission_result *result)
{
    *result = (struct sv_admission_result){
        .again = view->known && view->again,
        .attempts = view->known ? view->attempts : 0,
        .attempted_at = view->known ? view->attempted_at : 0,
    };
    SV_REQUIRE((unsigned)type < SV_JOB_TYPE_COUNT);
    if (type != SV_JOB_RECHECK && view->superseded) {
        result->outcome = SV_ADMISSION_SUPERSEDED;
        return;
    }
    if ((type == SV_JOB_RECHECK || type == SV_JOB_REMOVE) && !view->known) {
        result->outcome = SV_ADMISSION_NOT_REGISTERED;
        return;
    }
    switch (type) {
    case SV_JOB_REGISTER:
    case SV_JOB_ADOPT:
        register_or_adopt(view, limits, result);
        break;
    case SV_JOB_RECHECK:
        recheck(view, limits, now, result);
        break;
    case SV_JOB_REMOVE:
        remove_domain(view, result);
        break;
    case SV_JOB_TYPE_COUNT:
        break;
    }
}
