/* Z1: any bytes as a reply. Refused with an error and nothing else, or an answer that is sound in
 * itself: bounded, its names readable and writable again, its outcome and trouble not at odds. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "packet_walk.h"
#include "sv/dns.h"
#include "sv/require.h"
#include "wire_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The question that the packet claims to answer, as far as it can be read; so that names meet. */
static void take_question(const uint8_t *bytes, size_t len, struct sv_dns_question *out)
{
    struct sv_dns_walk walk;
    size_t at = SV_DNS_HEADER_BYTES;

    memcpy(out->name, "client.example", 15);
    out->type = SV_RR_TXT;
    if (sv_dns_packet_walk(bytes, len, &walk, NULL) != SV_OK)
        return;
    while (bytes[at] != 0) {
        if (bytes[at] >= 0xc0)
            return;
        at += 1u + bytes[at];
    }
    if (sv_dns_wire_text_len(bytes + SV_DNS_HEADER_BYTES) > SV_NAME_MAX)
        return;
    (void)sv_dns_wire_to_text(bytes + SV_DNS_HEADER_BYTES, out->name);
    out->type = (enum sv_rr_type)(bytes[at + 1] << 8 | bytes[at + 2]);
}

static void check_name(const char *text)
{
    uint8_t wire[SV_DNS_WIRE_MAX];
    char again[SV_DNS_TEXT_BYTES];

    SV_REQUIRE(sv_dns_wire_from_text(text, wire) > 0);
    SV_REQUIRE(sv_dns_wire_to_text(wire, again) == strlen(text) && strcmp(again, text) == 0);
}

static void check_record(const struct sv_rr *rr)
{
    check_name(rr->owner);
    if (rr->target != NULL)
        check_name(rr->target);
    if (rr->text != NULL)
        SV_REQUIRE(rr->text_bytes <= SV_DNS_PACKET_BYTES_MAX && rr->text[rr->text_bytes] == 0);
    if (rr->rdata != NULL)
        SV_REQUIRE(rr->rdata_bytes <= SV_DNS_PACKET_BYTES_MAX && rr->rdata[rr->rdata_bytes] == 0);
    SV_REQUIRE((rr->text != NULL) == (rr->type == SV_RR_TXT || rr->type == SV_RR_SPF));
}

static void check_answer(const struct sv_dns_answer *answer, const struct sv_dns_question *question)
{
    struct sv_dns_answer *copy = sv_dns_answer_copy(answer);
    size_t text_bytes = 0;

    SV_REQUIRE((answer->outcome == SV_DNS_UNKNOWN) == (answer->trouble != SV_DNS_NO_TROUBLE));
    SV_REQUIRE(answer->records_count <= SV_DNS_RECORDS_MAX);
    if (answer->outcome == SV_DNS_DATA)
        SV_REQUIRE(answer->records_count > 0 &&
                   (question->how & SV_ASK_DNSSEC ||
                    answer->records[answer->records_count - 1].type == question->type));
    else
        SV_REQUIRE(question->how & SV_ASK_DNSSEC || answer->records_count <= SV_DNS_ALIASES_MAX);
    SV_REQUIRE((answer->trouble == SV_DNS_REFERRED) == (answer->referral_count > 0));
    SV_REQUIRE(!answer->compact || answer->outcome == SV_DNS_NXDOMAIN);
    check_name(answer->zone);
    for (size_t i = 0; i < answer->referral_count; i++) {
        check_record(&answer->referral[i]);
        SV_REQUIRE(strcmp(copy->referral[i].owner, answer->referral[i].owner) == 0);
    }
    for (size_t i = 0; i < answer->records_count; i++) {
        check_record(&answer->records[i]);
        text_bytes += answer->records[i].text_bytes;
        SV_REQUIRE(strcmp(copy->records[i].owner, answer->records[i].owner) == 0);
    }
    SV_REQUIRE(text_bytes <= SV_DNS_PACKET_BYTES_MAX);
    check_name(answer->final_name);
    sv_dns_answer_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct sv_dns_question question = {.type = SV_RR_NONE};
    struct sv_dns_answer *answer = NULL;
    struct sv_errinfo info = {0};
    uint8_t query[512];
    enum sv_err err;

    take_question(bytes, len, &question);
    if (len > 0 && bytes[0] & 1) /* the id means nothing to the reader, so it may choose */
        question.how = SV_ASK_DNSSEC;
    err = sv_dns_packet_read(bytes, len, &question, &answer, &info);
    SV_REQUIRE((err == SV_OK) == (answer != NULL));
    SV_REQUIRE(err == SV_OK || (err == SV_EMALFORMED && info.text[0] != 0));
    if (answer != NULL)
        check_answer(answer, &question);
    sv_dns_answer_free(answer);
    if (len >= 2 &&
        sv_dns_packet_write(query, (uint16_t)(bytes[0] << 8 | bytes[1]), &question, true, true) > 0)
        (void)sv_dns_packet_fits(bytes, len, query);
    return 0;
}
