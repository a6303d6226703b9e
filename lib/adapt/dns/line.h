/* The way to sv_dns: what it has no room for waits in line. Everything that this folder sends goes
 * through here, so that one place knows what is still out. */
#ifndef SV_DNS_LINE_H
#define SV_DNS_LINE_H

#include "address.h"
#include "sv/dns.h"

struct sv_errand;

/* err is SV_OK with an answer, or SV_ECANCELED with NULL. The answer is borrowed for the call. */
typedef void sv_errand_done_fn(struct sv_errand *errand, enum sv_err err,
                               const struct sv_dns_answer *answer);

enum sv_errand_state {
    SV_ERRAND_IDLE,
    SV_ERRAND_WAITING, /* for room in sv_dns */
    SV_ERRAND_ASKED,   /* sv_dns has it */
    SV_ERRAND_ENDED,   /* to be told in the next turn */
};

/* One exchange; embedded in its owner, zeroed before its first use. */
struct sv_errand {
    void *owner;
    struct sv_dns_question question;
    bool recursion;
    const struct sv_address *addresses;  /* borrowed until done; NULL: `servers` */
    const struct sv_dns_server *servers; /* borrowed until done */
    size_t count, from;                  /* which one is asked first; the others in their order */
    sv_ms total_ms;                      /* 0 = as sv_dns has it */
    uint16_t port;                       /* of `addresses` */
    bool asked; /* out: sv_dns had it, so its silence is not that of our line */
    /* private to the line from here on */
    sv_errand_done_fn *done;
    struct sv_dns_line *line;
    struct sv_dns_query query;
    enum sv_errand_state state;
    bool canceled;
    struct sv_errand *next, *previous;
};

struct sv_errand_list { /* oldest first */
    struct sv_errand *first, *last;
};

struct sv_dns_line {
    struct sv_dns *dns;
    size_t open;  /* errands not told yet */
    size_t asked; /* of them, those sv_dns has */
    /* With recursion and without each have their own, because sv_dns may have room for the one
     * kind only. */
    struct sv_errand_list waiting[2];
    bool turn_of;                /* which kind is asked first when there is room */
    struct sv_errand_list ended; /* to be told */
    uv_idle_t turn;              /* active while somebody is to be told */
    uv_timer_t room;
    void (*on_quiet)(void *context); /* called whenever the last errand has been told */
    void *context;
};

/* Two handles, closed by sv_dns_line_close with `closed` for each; data is `context`. */
void sv_dns_line_init(struct sv_dns_line *line, uv_loop_t *loop, struct sv_dns *dns);
void sv_dns_line_close(struct sv_dns_line *line, uv_close_cb closed);

/* Always ends in `done`, never before this has returned. A name that cannot be asked and a socket
 * that cannot be had are SV_DNS_UNKNOWN with SV_DNS_NETWORK. */
void sv_errand_start(struct sv_dns_line *line, struct sv_errand *errand, sv_errand_done_fn *done);

/* Its end is SV_ECANCELED, later. Fine when it is not under way. */
void sv_errand_cancel(struct sv_errand *errand);

static inline bool sv_errand_is_open(const struct sv_errand *errand)
{
    return errand->state != SV_ERRAND_IDLE;
}

#endif
