/* What the files of the SES adapter share: building requests and reading replies are pure and know
 * nothing of the loop; aws_ses.c alone does. */
#ifndef SV_SES_PRIVATE_H
#define SV_SES_PRIVATE_H

#include "sv/aws_ses.h"
#include "sv/buf.h"
#include "sv/json.h"

/* ses_endpoint.c */

enum { SV_SES_HOST_BYTES = 300, SV_SES_ORIGIN_BYTES = 320, SV_SES_PREFIX_BYTES = 128 };

struct sv_ses_endpoint {
    char origin[SV_SES_ORIGIN_BYTES]; /* "https://host:port" */
    char host[SV_SES_HOST_BYTES];     /* value of Host: with the port unless it is the default */
    char prefix[SV_SES_PREFIX_BYTES]; /* path in front of ours, no final slash; usually "" */
    bool plain;
};

struct sv_ses_place {
    const char *url; /* wins over everything; NULL or "" = the region's public endpoint */
    const char *region;
    bool use_fips, use_dual_stack;
};

/* SV_EINVALID: no region, no usable URL, or no FIPS endpoint in that region. */
enum sv_err sv_ses_endpoint_read(const struct sv_ses_place *place, struct sv_ses_endpoint *out,
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

/* ses_errors.c */

enum { SV_SES_CODE_BYTES = 64, SV_SES_MESSAGE_BYTES = 160 };

/* What a failing reply says of itself. */
struct sv_ses_failure {
    char code[SV_SES_CODE_BYTES]; /* without "Exception"; "" = the reply names none */
    char message[SV_SES_MESSAGE_BYTES];
    char request_id[96];
};

/* Takes a code as it stands in a header or a body: "ns#Code:http://..", "CodeException". */
void sv_ses_failure_set_code(struct sv_ses_failure *failure, const char *text, size_t len);
/* Takes the first line; control bytes become '?'. */
void sv_ses_failure_set_message(struct sv_ses_failure *failure, const char *text, size_t len);

/* Never SV_OK. `is_signature` is set for the codes that a wrong clock can cause. */
enum sv_err sv_ses_failure_judge(const struct sv_ses_failure *failure, long status,
                                 bool *is_signature);

enum sv_ses_denial sv_ses_failure_denial(const struct sv_ses_failure *failure);

/* ses_xml.c, ses_json.c: `results` of the call are filled, zeroed by the caller before. */

/* SV_OK with failure->code set: a well-formed error document. SV_EMALFORMED: anything that is not
 * the whole reply to this operation. */
enum sv_err sv_ses_xml_read(struct sv_ses_call *call, const char *bytes, size_t len,
                            struct sv_ses_failure *failure, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

enum sv_err sv_ses_json_read(struct sv_ses_call *call, const char *bytes, size_t len,
                             struct sv_errinfo *info) __attribute__((warn_unused_result));
void sv_ses_json_read_failure(const char *bytes, size_t len, struct sv_ses_failure *failure);

/* ses_list.c */

/* Fills the page from a whole reply; NULL, or what is wrong with it. */
const char *sv_ses_list_read(const json_t *reply, struct sv_ses_page *page);

/* ses_reply.c */

/* Retry-After (RFC 9110, section 10.2.3): seconds, or a date, which is measured by the Date of the
 * same reply. 0 = nothing that could be understood; never more than five minutes. */
sv_ms sv_ses_retry_after_ms(const char *retry_after, const char *date);

/* Fills results, info and request_id of the call from a complete HTTP answer. `zone` is the DKIM
 * zone to use where the reply names none; NULL = unknown. */
enum sv_err sv_ses_reply_read(struct sv_ses_call *call, const struct sv_http_answer *answer,
                              const char *zone, bool *is_signature);

/* What a call that failed leaves behind: nothing to be believed. */
void sv_ses_results_forget(struct sv_ses_call *call);

/* One axis word of SES: the five it documents, everything else is unknown. */
enum sv_axis sv_ses_axis(const char *text, size_t len);

/* Adds a DKIM token (or a BYODKIM selector). False when it is no DNS label or one too many. */
bool sv_ses_add_token(struct sv_ses_identity *identity, const char *text, size_t len);

/* Copies printable ASCII without blanks that fits with its 0 byte; else false and "" in `out`. */
bool sv_ses_copy_word(char *out, size_t out_bytes, const char *text, size_t len);

#endif
