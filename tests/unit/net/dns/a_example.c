#include "a_example.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void reply_to_a_example(struct reply *r, unsigned flags, unsigned rcode, enum sv_rr_type type)
{
    reply_begin(r, 7, REPLY_QR | flags | rcode);
    reply_question(r, "a.example", type);
}

struct sv_dns_answer *read_of_a_example(const struct reply *r, enum sv_rr_type type)
{
    struct sv_dns_question question = {.name = "a.example", .type = type};
    struct sv_dns_answer *answer;
    struct sv_errinfo info = {0};

    if (sv_dns_packet_read(r->bytes, r->len, &question, &answer, &info) != SV_OK)
        fail_msg("%s", info.text);
    return answer;
}
