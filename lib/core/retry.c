/* Retries in AWS's standard mode. */
#include "sv/retry.h"

enum { COST = 5, COST_TIMEOUT = 10, BACKOFF_CAP_S = 20, DOUBLINGS_MAX = 5 };

unsigned sv_retry_cost(enum sv_err err)
{
    switch (err) {
    case SV_ETIMEOUT:
        return COST_TIMEOUT;
    case SV_ECONNECT:
    case SV_EUNAVAILABLE:
    case SV_ETHROTTLED:
    case SV_ECLOCK:
        return COST;
    case SV_OK:
    case SV_ECANCELED:
    case SV_ECONFLICT:
    case SV_EFULL:
    case SV_EBUSY:
    case SV_EDENIED:
    case SV_EQUOTA:
    case SV_EREFUSED:
    case SV_ENOTFOUND:
    case SV_EEXISTS:
    case SV_EMALFORMED:
    case SV_ETOOBIG:
    case SV_EINVALID:
    case SV_ESYSTEM:
        break;
    }
    return 0;
}

bool sv_retry_take(struct sv_retry_quota *quota, unsigned cost)
{
    if (cost > SV_RETRY_QUOTA - quota->spent)
        return false;
    quota->spent += cost;
    return true;
}

void sv_retry_succeed(struct sv_retry_quota *quota, unsigned cost)
{
    unsigned back = cost == 0 ? 1 : cost;

    quota->spent -= back > quota->spent ? quota->spent : back;
}

sv_ms sv_retry_backoff_ms(unsigned retry)
{
    unsigned doublings = retry < 1 ? 0 : retry - 1;
    sv_ms s = doublings < DOUBLINGS_MAX ? (sv_ms)1 << doublings : BACKOFF_CAP_S;

    return s * SV_SECOND;
}
