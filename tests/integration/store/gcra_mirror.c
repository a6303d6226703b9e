/* The limiter's rule as the C program has it, for the test that compares it with the script: lines
 * of "worker interval throttled now" in, lines of "wait adapted workers" out. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sv/digest.h"
#include "sv/gcra.h"

int main(void)
{
    static struct sv_gcra limit;
    struct sv_gcra_ask ask = {0};
    char worker[64];
    int throttled;

    while (scanf("%63s %" SCNd64 " %d %" SCNd64, worker, &ask.interval_us, &throttled,
                 &ask.now_us) == 4) {
        ask.worker = sv_fnv1a(SV_FNV_START, worker, strlen(worker));
        ask.throttled = throttled != 0;
        sv_gcra_take(&limit, &ask);
        (void)printf("%" PRId64 " %" PRId64 " %u\n", ask.wait_us, ask.adapted_us, ask.workers);
    }
    return 0;
}
