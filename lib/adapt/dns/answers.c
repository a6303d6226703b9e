#include "answers.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"

struct sv_kept_answer {
    struct sv_dns_question question;
    struct sv_dns_answer *answer;
    size_t bytes;
    sv_ms until;
    struct sv_kept_answer *bucket_next, *newer, *older;
};

/* FNV-1a from a secret start. */
static struct sv_kept_answer **bucket_of(struct sv_answers *answers,
                                         const struct sv_dns_question *question)
{
    uint64_t hash = answers->seed ^ (uint64_t)question->type ^ (uint64_t)question->how << 32;

    for (const char *at = question->name; *at != 0; at++)
        hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
    return &answers->buckets[(hash ^ hash >> 32) % SV_ANSWERS_BUCKETS];
}

static bool is_same(const struct sv_dns_question *a, const struct sv_dns_question *b)
{
    return a->type == b->type && a->how == b->how && strcmp(a->name, b->name) == 0;
}

static void push_newest(struct sv_answers *answers, struct sv_kept_answer *kept)
{
    kept->newer = NULL;
    kept->older = answers->newest;
    if (answers->newest != NULL)
        answers->newest->newer = kept;
    else
        answers->oldest = kept;
    answers->newest = kept;
}

static void pull(struct sv_answers *answers, struct sv_kept_answer *kept)
{
    if (answers->newest == kept)
        answers->newest = kept->older;
    else
        kept->newer->older = kept->older;
    if (answers->oldest == kept)
        answers->oldest = kept->newer;
    else
        kept->older->newer = kept->newer;
}

static void forget(struct sv_answers *answers, struct sv_kept_answer *kept)
{
    struct sv_kept_answer **at = bucket_of(answers, &kept->question);

    while (*at != kept)
        at = &(*at)->bucket_next;
    *at = kept->bucket_next;
    pull(answers, kept);
    answers->count--;
    answers->bytes -= kept->bytes;
    sv_dns_answer_free(kept->answer);
    free(kept);
}

static struct sv_kept_answer *find(struct sv_answers *answers,
                                   const struct sv_dns_question *question)
{
    struct sv_kept_answer *kept = *bucket_of(answers, question);

    while (kept != NULL && !is_same(&kept->question, question))
        kept = kept->bucket_next;
    return kept;
}

const struct sv_dns_answer *sv_answers_find(struct sv_answers *answers,
                                            const struct sv_dns_question *question, sv_ms now)
{
    struct sv_kept_answer *kept = find(answers, question);

    if (kept == NULL)
        return NULL;
    if (now >= kept->until) {
        forget(answers, kept);
        return NULL;
    }
    pull(answers, kept);
    push_newest(answers, kept);
    return kept->answer;
}

static sv_ms keep_ms(const struct sv_dns_answer *answer)
{
    uint32_t ttl_s = answer->ttl_s;

    switch (answer->outcome) {
    case SV_DNS_UNKNOWN:
        return answer->trouble == SV_DNS_SERVFAIL || answer->trouble == SV_DNS_BOGUS
                   ? SV_ANSWERS_FAILED_MS
                   : 0;
    case SV_DNS_DATA:
        return (sv_ms)(ttl_s < SV_ANSWERS_TTL_MAX_S ? ttl_s : SV_ANSWERS_TTL_MAX_S) * SV_SECOND;
    case SV_DNS_NODATA:
    case SV_DNS_NXDOMAIN:
        break;
    }
    return (sv_ms)(ttl_s < SV_ANSWERS_NEGATIVE_TTL_MAX_S ? ttl_s : SV_ANSWERS_NEGATIVE_TTL_MAX_S) *
           SV_SECOND;
}

static size_t bytes_of(const struct sv_dns_answer *answer)
{
    size_t bytes = sizeof(struct sv_kept_answer) + sizeof(*answer);

    for (size_t i = 0; i < answer->records_count; i++) {
        const struct sv_rr *record = &answer->records[i];
        bytes += sizeof(*record) + record->text_bytes + record->rdata_bytes + 4;
        bytes += record->owner != NULL ? strlen(record->owner) : 0;
        bytes += record->target != NULL ? strlen(record->target) : 0;
    }
    return bytes;
}

void sv_answers_keep(struct sv_answers *answers, const struct sv_dns_question *question,
                     const struct sv_dns_answer *answer, sv_ms now)
{
    struct sv_kept_answer *kept = find(answers, question);
    size_t bytes = bytes_of(answer);
    sv_ms ms = keep_ms(answer);

    if (kept != NULL)
        forget(answers, kept);
    if (ms == 0 || bytes > SV_ANSWERS_BYTES_MAX)
        return;
    while (answers->count >= SV_ANSWERS_MAX || answers->bytes + bytes > SV_ANSWERS_BYTES_MAX)
        forget(answers, answers->oldest);
    kept = sv_alloc(1, sizeof(*kept));
    kept->question = *question;
    kept->answer = sv_dns_answer_copy(answer);
    kept->bytes = bytes;
    kept->until = now + ms;
    kept->bucket_next = *bucket_of(answers, question);
    *bucket_of(answers, question) = kept;
    push_newest(answers, kept);
    answers->count++;
    answers->bytes += bytes;
}

void sv_answers_fini(struct sv_answers *answers)
{
    struct sv_kept_answer *kept = answers->oldest;

    while (kept != NULL) {
        struct sv_kept_answer *next = kept->newer;
        sv_dns_answer_free(kept->answer);
        free(kept);
        kept = next;
    }
    *answers = (struct sv_answers){.seed = answers->seed};
}
