#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_inner.h"
#include "sv/alloc.h"

/* Dead letters: the mirror of retry.lua and drop.lua, and what bury, fetch and reap lay down. */

static char *copy(const char *bytes, size_t len)
{
    char *out = sv_alloc(len + 1, 1);

    if (len > 0)
        memcpy(out, bytes, len);
    return out;
}

static void letter_fini(struct fake_letter *letter)
{
    fake_set(&letter->reason, NULL);
    fake_set(&letter->error, NULL);
    fake_set(&letter->client, NULL);
    fake_set(&letter->uid, NULL);
    fake_set(&letter->job_id, NULL);
    fake_set(&letter->type, NULL);
    free(letter->payload);
}

void fake_letters_fini(struct fake_shard *shard)
{
    for (size_t i = 0; i < shard->letters_count; i++)
        letter_fini(&shard->letters[i]);
    free(shard->letters);
    shard->letters = NULL;
    shard->letters_count = 0;
}

void fake_letter_add(struct fake_work *work, const struct sv_store_letter *letter)
{
    struct fake_shard *shard = fake_shard_of(work);
    struct fake_letter *out;

    shard->letters =
        sv_realloc(shard->letters, (shard->letters_count + 1) * sizeof(*shard->letters));
    out = &shard->letters[shard->letters_count++];
    *out = (struct fake_letter){.at = fake_now(work->store),
                                .payload = copy(letter->payload, letter->payload_bytes),
                                .payload_bytes = letter->payload_bytes};
    (void)snprintf(out->entry_id, sizeof(out->entry_id), "%s", letter->entry_id);
    fake_set(&out->reason, letter->reason);
    fake_set(&out->error, letter->error);
    fake_set(&out->client, letter->client_id);
    fake_set(&out->uid, letter->domain_id);
    fake_set(&out->job_id, letter->job_id);
    fake_set(&out->type, letter->type);
}

static const char *text_of(const char *text)
{
    return text != NULL ? text : "";
}

static struct sv_store_letter show(struct fake_work *work, const struct fake_letter *letter)
{
    bool fits = letter->payload_bytes <= SV_STORE_LETTER_PAYLOAD_MAX;

    return (struct sv_store_letter){
        .entry_id = sv_store_arena_printf(&work->arena, "%s", letter->entry_id),
        .at = letter->at,
        .reason = text_of(letter->reason),
        .error = text_of(letter->error),
        .client_id = text_of(letter->client),
        .domain_id = text_of(letter->uid),
        .job_id = text_of(letter->job_id),
        .type = text_of(letter->type),
        .payload =
            fits ? sv_store_arena_strndup(&work->arena, letter->payload, letter->payload_bytes)
                 : NULL,
        .payload_bytes = letter->payload_bytes,
    };
}

bool fake_letters(struct fake_work *work)
{
    struct sv_store_letters *out = &work->call->u.letters;
    const struct fake_shard *shard = fake_shard_of(work);
    size_t count_max = out->entry_id != NULL ? shard->letters_count : out->count_max;
    struct sv_store_letter *list = sv_store_arena_alloc(&work->arena, count_max + 1, sizeof(*list));

    out->letters = list;
    out->total = shard->letters_count;
    out->count = 0;
    for (size_t i = out->entry_id != NULL ? 0 : out->skip;
         i < shard->letters_count && out->count < count_max; i++) {
        if (out->entry_id == NULL || strcmp(shard->letters[i].entry_id, out->entry_id) == 0)
            list[out->count++] = show(work, &shard->letters[i]);
    }
    return true;
}

static enum sv_store_letter_verdict retry(struct fake_work *work, const struct fake_letter *letter)
{
    struct sv_store_letter_end *in = &work->call->u.letter_end;
    const char *job = in->job != NULL ? in->job : letter->payload;
    size_t bytes = in->job != NULL ? in->job_bytes : letter->payload_bytes;
    const struct fake_entry *entry;

    if (in->job == NULL && bytes > SV_STORE_JOB_BYTES_MAX)
        return SV_STORE_LETTER_TOO_BIG;
    if (bytes == 0)
        return SV_STORE_LETTER_EMPTY;
    entry = fake_stream_add(work->store, &fake_shard_of(work)->inbox, job, bytes);
    (void)snprintf(in->new_entry_id, sizeof(in->new_entry_id), "%s", entry->id);
    return SV_STORE_LETTER_ENDED;
}

bool fake_letter_end(struct fake_work *work)
{
    struct sv_store_letter_end *in = &work->call->u.letter_end;
    struct fake_shard *shard = fake_shard_of(work);
    size_t at = 0;

    in->new_entry_id[0] = '\0';
    in->verdict = SV_STORE_LETTER_GONE;
    while (at < shard->letters_count && strcmp(shard->letters[at].entry_id, in->entry_id) != 0)
        at++;
    if (at == shard->letters_count)
        return true;
    in->verdict = SV_STORE_LETTER_ENDED;
    if (in->verb == SV_STORE_LETTER_RETRY)
        in->verdict = retry(work, &shard->letters[at]);
    if (in->verdict != SV_STORE_LETTER_ENDED)
        return true;
    letter_fini(&shard->letters[at]);
    shard->letters_count--;
    memmove(&shard->letters[at], &shard->letters[at + 1],
            (shard->letters_count - at) * sizeof(*shard->letters));
    return true;
}
