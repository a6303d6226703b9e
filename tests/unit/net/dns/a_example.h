/* Replies to a question for a.example, and what is read of them. */
#ifndef SV_TESTS_DNS_A_EXAMPLE_H
#define SV_TESTS_DNS_A_EXAMPLE_H

#include "reply.h"
#include "sv/dns.h"

enum { A_EXAMPLE_RECURSIVE = REPLY_RD | REPLY_RA };

/* Header and question; records are added behind them. */
void reply_to_a_example(struct reply *r, unsigned flags, unsigned rcode, enum sv_rr_type type);
/* Fails the test where the packet is refused; the caller frees it. */
struct sv_dns_answer *read_of_a_example(const struct reply *r, enum sv_rr_type type);

#endif
