/* The zone data and the tests of one document in the format of the OpenSPF test suite. */
#ifndef TEST_SPF_ZONE_H
#define TEST_SPF_ZONE_H

#include <yaml.h>

#include "spf_eval.h"

/* The value of a key; NULL when it is not there. */
yaml_node_t *spf_yaml_get(yaml_document_t *document, yaml_node_t *mapping, const char *key);

/* The text of a scalar; "" for anything else. */
const char *spf_yaml_text(const yaml_node_t *node);

struct spf_zone {
    yaml_document_t *document;
    yaml_node_t *names; /* the mapping "zonedata"; NULL = empty */
};

/* An answer as a resolver would give it: aliases followed, TIMEOUT and RCODE as written, SPF
 * entries also as TXT where the name has no TXT entry. For struct sv_spf_source; the values live
 * until spf_answers_free. */
struct spf_answers {
    struct spf_zone zone;
    struct spf_list *list;
};

void spf_zone_ask(void *context, const char *name, enum sv_rr_type type, struct sv_spf_reply *out);
void spf_answers_free(struct spf_answers *answers);

#endif
