/* Exit codes (E4): the BSD numbers, which systemd can name. */
#ifndef SV_WORKER_EXIT_H
#define SV_WORKER_EXIT_H

enum sv_exit {
    SV_EXIT_OK = 0,           /* clean stop; a check that found everything right */
    SV_EXIT_WRONG = 1,        /* a check ran and found something wrong */
    SV_EXIT_USAGE = 64,       /* bad command line */
    SV_EXIT_DATA = 65,        /* bad input to a one-shot command */
    SV_EXIT_NO_INPUT = 66,    /* configuration or input file missing or unreadable */
    SV_EXIT_UNAVAILABLE = 69, /* a needed service did not answer in time */
    SV_EXIT_SOFTWARE = 70,    /* internal error */
    SV_EXIT_OS = 71,          /* the operating system refused */
    SV_EXIT_IO = 74,          /* input or output failed */
    SV_EXIT_TEMPORARY = 75,   /* work was left over; a check could not decide */
    SV_EXIT_DENIED = 77,      /* credentials refused, or file permissions too open */
    SV_EXIT_CONFIG = 78,      /* configuration invalid */
};

#endif
