/* What the files of the SES adapter share: building requests and reading replies are pure and know
 * nothing of the loop; aws_ses.c alone does. */
#ifndef SV_SES_PRIVATE_H
#define SV_SES_PRIVATE_H

#include "sv/aws_failure.h"
#include "sv/aws_request.h"
#include "sv/aws_ses.h"
#include "sv/buf.h"
#include "sv/json.h"

/* ses_endpoint.c */

struct sv_ses_place {
    const char *url; /* wins over everything; NULL or "" = the region's public endpoint */
    const char *region;
    bool use_fips, use_dual_stack;
};

/* SV_EINVALID: no region, no usable URL, or no FIPS endpoint in that region. */
enum sv_err sv_ses_endpoint_read(const struct sv_ses_place *place, struct sv_aws_endpoint *out,
                                 struct sv_errinfo *info) __attribute__((warn_unused_result));

/* ses_request.c */

struct sv_ses_ask {
    const char *method;
    const char *content_type; /* NULL = no body */
    bool is_v1;
    struct sv_buf path;  /* from "/", percent-encoded, without the endpoint's prefix */
    struct sv_buf query; /* without the '?', percent-encoded, sorted; mostly "" */
    struct sv_buf body;
};

/* SV_EINVALID names what is wrong with the call. The caller calls fini in every case. */
enum sv_err sv_ses_ask_build(const struct sv_ses_call *call, struct sv_ses_ask *out,
                             struct sv_errinfo *info) __attribute__((warn_unused_result));
void sv_ses_ask_fini(struct sv_ses_ask *ask);

bool sv_ses_op_is_v1(enum sv_ses_op op);

/* ses_setup.c */

/* SV_EINVALID for what SES could only refuse; SV_OK for operations that take no setup. */
enum sv_err sv_ses_setup_check(const struct sv_ses_call *call, struct sv_errinfo *info);

/* The bodies of CREATE, PUT_SIGNING and PUT_CONFIGURATION_SET. New references. */
json_t *sv_ses_create_body(const struct sv_ses_call *call);
json_t *sv_ses_signing_body(const struct sv_ses_call *call);
json_t *sv_ses_set_body(const struct sv_ses_call *call);

/* What a reply's SigningAttributesOrigin says of how the identity signs. */
void sv_ses_method_read(const char *origin, struct sv_ses_identity *out);

/* ses_xml.c, ses_json.c: `results` of the call are filled, zeroed by the caller before. */

/* SV_OK with failure->code set: a well-formed error document. SV_EMALFORMED: anything that is not
 * the whole reply to this operation. */
enum sv_err sv_ses_xml_read(struct sv_ses_call *call, const char *bytes, size_t len,
                            struct sv_aws_failure *failure, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

enum sv_err sv_ses_json_read(struct sv_ses_call *call, const char *bytes, size_t len,
                             struct sv_errinfo *info) __attribute__((warn_unused_result));

/* ses_list.c */

/* Fills the page from a whole reply; NULL, or what is wrong with it. */
const char *sv_ses_list_read(const json_t *reply, struct sv_ses_page *page);
/* The reply's NextToken into SV_SES_PAGE_TOKEN_BYTES, "" = none; false for one that cannot be. */
bool sv_ses_list_token(const json_t *reply, char *next_token);

/* ses_reputation.c */

/* The body of METRICS or RECOMMENDATIONS; the caller's. */
json_t *sv_ses_reputation_body(const struct sv_ses_call *call);
/* Fills metrics or advice_page from a whole reply; NULL, or what is wrong with it. */
const char *sv_ses_reputation_read(const struct sv_ses_call *call, const json_t *reply);

/* ses_reply.c */

/* Fills results, info and request_id of the call from a complete HTTP answer. `zone` is the DKIM
 * zone to use where the reply names none; NULL = unknown. */
enum sv_err sv_ses_reply_read(struct sv_ses_call *call, const struct sv_http_answer *answer,
                              const char *zone, bool *is_signature);

/* AWS's blame in the words of sv/ses.h. */
enum sv_ses_denial sv_ses_failure_denial(const struct sv_aws_failure *failure);

/* What a call that failed leaves behind: nothing to be believed. */
void sv_ses_results_forget(struct sv_ses_call *call);

/* One axis word of SES: the five it documents, everything else is unknown. */
enum sv_axis sv_ses_axis(const char *text, size_t len);

/* Adds a DKIM token (or a BYODKIM selector). False when it is no DNS label or one too many. */
bool sv_ses_add_token(struct sv_ses_identity *identity, const char *text, size_t len);

#endif
