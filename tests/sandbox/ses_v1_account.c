#include <stdio.h>
#include <string.h>

#include "call.h"
#include "xml.h"

/* The operations of SES API v1 (2010-12-01) about the account. */

static void write_number(struct sb_call *call, const char *name, double number)
{
    char text[40];

    (void)snprintf(text, sizeof text, "%.1f", number);
    sb_xml_text(&call->xml, name, text);
}

static void get_send_quota(struct sb_call *call)
{
    const struct sb_account *about = &call->store->about;

    write_number(call, "SentLast24Hours", about->sent);
    write_number(call, "Max24HourSend", about->quota_day);
    write_number(call, "MaxSendRate", about->quota_second);
}

static void get_account_sending_enabled(struct sb_call *call)
{
    sb_xml_bool(&call->xml, "Enabled", call->store->about.sends);
}

sb_perform_fn *sb_v1_account_find(const char *action)
{
    if (strcmp(action, "GetSendQuota") == 0)
        return get_send_quota;
    return strcmp(action, "GetAccountSendingEnabled") == 0 ? get_account_sending_enabled : NULL;
}
