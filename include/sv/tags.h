/* The tags of an identity, from an account's settings and what is known of the domain. Pure. */
#ifndef SV_TAGS_H
#define SV_TAGS_H

#include "sv/ses_setup.h"

/* One identity's tags, ready to be sent. */
struct sv_tags {
    size_t count;
    struct sv_ses_tag tags[SV_SES_TAGS_MAX];
    char values[SV_SES_TAGS_MAX][SV_SES_TAG_VALUE_BYTES];
};

struct sv_tag_facts {
    const char *client_id, *domain_id, *domain;
};

/* Fills in every {client_id}, {domain_id} and {domain}. A tag whose value would be too long, or
 * hold what AWS takes in no tag (a client id may), is left out: better none than a wrong one. Keys
 * are borrowed from the setup. */
void sv_tags_fill(const struct sv_ses_setup *setup, const struct sv_tag_facts *facts,
                  struct sv_tags *out);

/* What is wrong with a "key=value" of the settings, NULL = nothing (AWS, "Tagging your Amazon SES
 * resources": lengths, characters, no key that begins with aws:). */
const char *sv_tag_problem(const char *tag);

#endif
