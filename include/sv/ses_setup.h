/* How the identities of one SES account are set up: what its settings say, ready to be sent. A
 * plain value, borrowed by whoever calls; the private key in it is never logged. */
#ifndef SV_SES_SETUP_H
#define SV_SES_SETUP_H

#include <stddef.h>

enum {
    SV_SES_TAGS_MAX = 20,          /* of 50 that AWS allows */
    SV_SES_TAG_KEY_BYTES = 129,    /* AWS: 128 characters */
    SV_SES_TAG_VALUE_BYTES = 257,  /* AWS: 256 characters */
    SV_SES_SET_BYTES = 65,         /* of a configuration set's name */
    SV_SES_REGION_BYTES = 41,      /* "eu-west-1" */
    SV_SES_SELECTOR_MAX = 63,      /* one label (v2 DkimSigningAttributes) */
    SV_SES_PRIVATE_KEY_MAX = 20480 /* base64 characters (v2 DkimSigningAttributes) */
};

/* How an identity signs (v2 SigningAttributesOrigin). */
enum sv_dkim_method {
    SV_DKIM_UNKNOWN, /* not told, or a word we do not know */
    SV_DKIM_EASY,    /* AWS_SES: keys of SES, three aliases */
    SV_DKIM_BYODKIM, /* EXTERNAL: the operator's own key, one TXT record */
    SV_DKIM_DEED,    /* AWS_SES_<REGION>: a replica of the same name in another region */
    SV_DKIM_METHOD_COUNT
};

struct sv_ses_tag {
    const char *key, *value;
};

struct sv_ses_setup {
    enum sv_dkim_method dkim;      /* UNKNOWN counts as EASY */
    const char *selector;          /* BYODKIM */
    const char *private_key;       /* BYODKIM: base64 of the key, no PEM lines; a secret */
    const char *public_key;        /* BYODKIM: base64 of its SubjectPublicKeyInfo */
    const char *parent_region;     /* DEED: "eu-west-1" */
    const char *configuration_set; /* NULL or "" = whatever the identity has */
    /* In the values {client_id}, {domain_id} and {domain} are filled in for each domain. */
    const struct sv_ses_tag *tags;
    size_t tags_count;
};

#endif
