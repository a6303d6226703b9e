/* The zone data of a DMARC case: what is published, as the tables write it (README.md). */
#ifndef TEST_DMARC_ZONE_H
#define TEST_DMARC_ZONE_H

#include <jansson.h>

#include "dmarc_walk.h"

/* NULL, or what in `zone` nobody can understand. Lists of strings are joined to one. */
const char *dmarc_zone_check(json_t *zone);

/* The source over a zone, which must outlive it. */
struct sv_dmarc_source dmarc_zone_source(json_t *zone);

#endif
