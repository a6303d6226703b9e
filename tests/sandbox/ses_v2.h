/* The operations of SES API v2 (2019-09-27) that the sandbox has. */
#ifndef SB_SES_V2_H
#define SB_SES_V2_H

struct sb_call;

void sb_v2_create(struct sb_call *call);
void sb_v2_list(struct sb_call *call);
void sb_v2_get(struct sb_call *call);
void sb_v2_delete(struct sb_call *call);
void sb_v2_put_dkim(struct sb_call *call);
void sb_v2_put_signing(struct sb_call *call);
void sb_v2_put_mail_from(struct sb_call *call);
void sb_v2_put_configuration_set(struct sb_call *call);
void sb_v2_put_feedback(struct sb_call *call);
void sb_v2_get_account(struct sb_call *call);
void sb_v2_tag(struct sb_call *call);
void sb_v2_untag(struct sb_call *call);
void sb_v2_list_tags(struct sb_call *call);
void sb_v2_metrics(struct sb_call *call);
void sb_v2_recommendations(struct sb_call *call);

#endif
