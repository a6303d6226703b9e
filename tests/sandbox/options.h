/* The command line. */
#ifndef SB_OPTIONS_H
#define SB_OPTIONS_H

#include "auth.h"

struct sb_options {
    struct sockaddr_storage listen, control, dns, dns_listen;
    bool has_dns, has_dns_listen; /* has_dns: look-ups go there instead of to the own server */
    const char *zone_file;        /* borrowed from argv; NULL: start with no records */
    const char *region;           /* of control calls that name none */
    const char *hosted_zone;      /* NULL: by region */
    struct sb_keys keys;
    double speed;
    sv_ms look_every_ms;
    double rate;       /* calls a second per account, region and action; 0: no throttle */
    double burst;      /* calls that may come at once */
    bool omit_unknown; /* v1 DKIM reads leave unknown identities out instead of saying NotStarted */
    bool exit_with_stdin;
};

enum sb_options_end { SB_OPTIONS_RUN, SB_OPTIONS_DONE, SB_OPTIONS_BAD };

/* Reads argv. DONE: help or version was printed. BAD: the mistake was printed on stderr. */
enum sb_options_end sb_options_parse(struct sb_options *options, int argc, char **argv);
void sb_options_fini(struct sb_options *options);

#endif
