/* Why nothing could be told about a domain: a word beside the conclusion "cannot_tell". */
#ifndef SV_UNTOLD_H
#define SV_UNTOLD_H

enum sv_untold {
    SV_UNTOLD_NONE,             /* "" : it could be told */
    SV_UNTOLD_NOT_ASKED,        /* "not_asked": no time was left, or nothing to ask about */
    SV_UNTOLD_SERVERS_SILENT,   /* "name_servers_silent" */
    SV_UNTOLD_SERVERS_LAME,     /* "name_servers_lame" */
    SV_UNTOLD_RESOLVERS_SILENT, /* "resolvers_silent" */
    SV_UNTOLD_SERVFAIL,         /* "dns_failure" */
    SV_UNTOLD_NO_QUORUM,        /* "too_few_resolvers" */
    SV_UNTOLD_DISAGREE,         /* "views_disagree": one resolver cannot validate, others can */
    SV_UNTOLD_SES,              /* "ses_not_readable" */
    SV_UNTOLD_UNCONFIRMED,      /* "not_confirmed": said once, believed after a second read */
    SV_UNTOLD_COUNT
};

static inline const char *sv_untold_name(enum sv_untold untold)
{
    static const char *const names[SV_UNTOLD_COUNT] = {
        [SV_UNTOLD_NONE] = "",
        [SV_UNTOLD_NOT_ASKED] = "not_asked",
        [SV_UNTOLD_SERVERS_SILENT] = "name_servers_silent",
        [SV_UNTOLD_SERVERS_LAME] = "name_servers_lame",
        [SV_UNTOLD_RESOLVERS_SILENT] = "resolvers_silent",
        [SV_UNTOLD_SERVFAIL] = "dns_failure",
        [SV_UNTOLD_NO_QUORUM] = "too_few_resolvers",
        [SV_UNTOLD_DISAGREE] = "views_disagree",
        [SV_UNTOLD_SES] = "ses_not_readable",
        [SV_UNTOLD_UNCONFIRMED] = "not_confirmed",
    };

    return (unsigned)untold < SV_UNTOLD_COUNT ? names[untold] : "";
}

#endif
