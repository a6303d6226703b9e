/* When a failed call to AWS is made again: the standard mode of AWS's own clients (AWS SDKs and
 * Tools Reference Guide, "Retry behavior"; botocore, retries/standard.py). Pure. */
#ifndef SV_RETRY_H
#define SV_RETRY_H

#include <stdbool.h>

#include "sv/err.h"
#include "sv/time.h"

enum {
    SV_RETRY_ATTEMPTS = 3, /* in all, the first one included */
    SV_RETRY_QUOTA = 500   /* tokens of one account */
};

/* Retries are paid from it, so that a service that is down is not asked three times as often by
 * everybody. All zero = full. */
struct sv_retry_quota {
    unsigned spent;
};

/* Tokens that a retry after this failure costs; 0 = the call is not to be made again. A conflict is
 * not: its owner has to read again first. Nor is a used-up quota of the account. */
unsigned sv_retry_cost(enum sv_err err);

/* False = the quota does not hold that much: fail at once. */
bool sv_retry_take(struct sv_retry_quota *quota, unsigned cost);

/* After a success: gives back what its last retry cost; `cost` 0 = it needed none, which earns one
 * token. */
void sv_retry_succeed(struct sv_retry_quota *quota, unsigned cost);

/* The wait before the n-th retry, from 1, lies evenly between 0 and this. */
sv_ms sv_retry_backoff_ms(unsigned retry);

#endif
