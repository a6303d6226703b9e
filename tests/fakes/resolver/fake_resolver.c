#include "fake_resolver.h"

#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

enum { RECORDS_MAX = 4096, LIST_MAX = 64 };

struct trouble {
    char owner[SV_NAME_BYTES];
    enum sv_rr_type type;
    enum sv_dns_trouble trouble;
    struct trouble *next;
};

struct asked {
    struct sv_dns_question question;
    size_t count;
    struct asked *next;
};

/* A record that owns its strings. */
struct entry {
    struct sv_dns_answer *owned; /* an answer with this one record */
    const struct sv_rr *record;
};

struct fake {
    struct sv_resolver base; /* first */
    const struct sv_clock *clock;
    struct entry entries[RECORDS_MAX];
    size_t entries_count;
    struct trouble *troubles;
    struct asked *asked;
    struct sv_lookup *first, *last; /* under way, oldest first */
    uv_idle_t turn;
    bool held, closing, busy;
    char canceled; /* its address marks a canceled lookup, the fake's own one under way */
    sv_resolver_closed_fn *closed;
    void *closed_context;
};

static void on_turn(uv_idle_t *turn);

static struct fake *of(struct sv_resolver *base)
{
    return (struct fake *)base;
}

static bool names_match(const char *pattern, const char *name)
{
    return strcmp(pattern, "*") == 0 || sv_name_equal(pattern, name);
}

static bool types_match(enum sv_rr_type wanted, enum sv_rr_type type)
{
    return wanted == SV_RR_NONE || wanted == type;
}

void sv_fake_resolver_add(struct sv_resolver *base, const struct sv_rr *record)
{
    struct fake *fake = of(base);
    struct sv_dns_answer one = {.records = record, .records_count = 1};
    struct entry *entry;

    SV_REQUIRE(fake->entries_count < RECORDS_MAX);
    entry = &fake->entries[fake->entries_count++];
    entry->owned = sv_dns_answer_copy(&one);
    entry->record = entry->owned->records;
}

void sv_fake_resolver_add_txt(struct sv_resolver *base, const char *owner, const char *text)
{
    struct sv_rr record = {.owner = owner,
                           .type = SV_RR_TXT,
                           .ttl_s = SV_FAKE_TTL_S,
                           .text = (const uint8_t *)text,
                           .text_bytes = strlen(text)};

    sv_fake_resolver_add(base, &record);
}

void sv_fake_resolver_add_cname(struct sv_resolver *base, const char *owner, const char *target)
{
    struct sv_rr record = {
        .owner = owner, .type = SV_RR_CNAME, .ttl_s = SV_FAKE_TTL_S, .target = target};

    sv_fake_resolver_add(base, &record);
}

void sv_fake_resolver_add_mx(struct sv_resolver *base, const char *owner, uint16_t preference,
                             const char *host)
{
    struct sv_rr record = {.owner = owner,
                           .type = SV_RR_MX,
                           .ttl_s = SV_FAKE_TTL_S,
                           .preference = preference,
                           .target = host};

    sv_fake_resolver_add(base, &record);
}

void sv_fake_resolver_add_a(struct sv_resolver *base, const char *owner, const char *address)
{
    struct sv_rr record = {.owner = owner, .type = SV_RR_A, .ttl_s = SV_FAKE_TTL_S};

    SV_REQUIRE(uv_inet_pton(AF_INET, address, record.address) == 0);
    sv_fake_resolver_add(base, &record);
}

void sv_fake_resolver_remove(struct sv_resolver *base, const char *owner, enum sv_rr_type type)
{
    struct fake *fake = of(base);
    size_t kept = 0;

    for (size_t i = 0; i < fake->entries_count; i++) {
        struct entry entry = fake->entries[i];
        if (sv_name_equal(entry.record->owner, owner) && types_match(type, entry.record->type))
            sv_dns_answer_free(entry.owned);
        else
            fake->entries[kept++] = entry;
    }
    fake->entries_count = kept;
}

void sv_fake_resolver_trouble(struct sv_resolver *base, const char *owner, enum sv_rr_type type,
                              enum sv_dns_trouble trouble)
{
    struct fake *fake = of(base);
    struct trouble **at = &fake->troubles;
    struct trouble *added;

    while (*at != NULL) {
        struct trouble *old = *at;
        if (strcmp(old->owner, owner) == 0 && old->type == type) {
            *at = old->next;
            free(old);
        } else {
            at = &old->next;
        }
    }
    if (trouble == SV_DNS_NO_TROUBLE)
        return;
    added = sv_alloc(1, sizeof(*added));
    SV_REQUIRE(strlen(owner) < sizeof(added->owner));
    memcpy(added->owner, owner, strlen(owner) + 1);
    added->type = type;
    added->trouble = trouble;
    added->next = fake->troubles;
    fake->troubles = added;
}

size_t sv_fake_resolver_asked(const struct sv_resolver *base, const char *name,
                              enum sv_rr_type type)
{
    const struct fake *fake = (const struct fake *)base;
    size_t count = 0;

    for (const struct asked *asked = fake->asked; asked != NULL; asked = asked->next)
        if ((name == NULL || sv_name_equal(asked->question.name, name)) &&
            types_match(type, asked->question.type))
            count += asked->count;
    return count;
}

void sv_fake_resolver_set_busy(struct sv_resolver *base, bool busy)
{
    of(base)->busy = busy;
}

void sv_fake_resolver_hold(struct sv_resolver *base, bool hold)
{
    struct fake *fake = of(base);

    fake->held = hold;
    if (!hold && fake->first != NULL)
        (void)uv_idle_start(&fake->turn, on_turn);
}

static void note(struct fake *fake, const struct sv_dns_question *question)
{
    struct asked *asked = fake->asked;

    while (asked != NULL && (asked->question.type != question->type ||
                             !sv_name_equal(asked->question.name, question->name)))
        asked = asked->next;
    if (asked == NULL) {
        asked = sv_alloc(1, sizeof(*asked));
        asked->question = *question;
        asked->next = fake->asked;
        fake->asked = asked;
    }
    asked->count++;
}

static enum sv_dns_trouble trouble_of(const struct fake *fake,
                                      const struct sv_dns_question *question)
{
    for (const struct trouble *t = fake->troubles; t != NULL; t = t->next)
        if (names_match(t->owner, question->name) && types_match(t->type, question->type))
            return t->trouble;
    return SV_DNS_NO_TROUBLE;
}

struct list {
    struct sv_rr records[LIST_MAX];
    size_t count;
};

/* Adds the records of a type at a name; `exists` tells whether the name holds any record. */
static size_t collect(const struct fake *fake, const char *name, enum sv_rr_type type,
                      struct list *list, bool *exists)
{
    size_t found = 0;

    for (size_t i = 0; i < fake->entries_count; i++) {
        const struct sv_rr *record = fake->entries[i].record;
        if (!sv_name_equal(record->owner, name)) {
            *exists = *exists || sv_name_is_below(record->owner, name);
            continue;
        }
        *exists = true;
        if (record->type != type)
            continue;
        SV_REQUIRE(list->count < LIST_MAX);
        list->records[list->count++] = *record;
        found++;
    }
    return found;
}

/* What a recursive server would say. */
static void resolve(const struct fake *fake, const struct sv_dns_question *question,
                    struct list *list, struct sv_dns_answer *answer)
{
    const char *name = question->name;

    answer->trouble = trouble_of(fake, question);
    for (unsigned links = 0; answer->trouble == SV_DNS_NO_TROUBLE; links++) {
        bool exists = false;
        if (collect(fake, name, question->type, list, &exists) > 0) {
            answer->outcome = SV_DNS_DATA;
            break;
        }
        if (collect(fake, name, SV_RR_CNAME, list, &exists) == 0) {
            answer->outcome = exists ? SV_DNS_NODATA : SV_DNS_NXDOMAIN;
            answer->rcode = exists ? 0 : 3;
            break;
        }
        name = list->records[list->count - 1].target;
        if (links == SV_DNS_ALIASES_MAX - 1)
            answer->trouble =
                sv_name_equal(name, question->name) ? SV_DNS_ALIAS_LOOP : SV_DNS_ALIAS_TOO_LONG;
    }
    SV_REQUIRE(strlen(name) < sizeof(answer->final_name));
    memcpy(answer->final_name, name, strlen(name) + 1);
}

static void answer_one(struct fake *fake, struct sv_lookup *lookup)
{
    struct sv_dns_answer answer = {.server = "192.0.2.53:53", .ttl_s = SV_FAKE_NEGATIVE_TTL_S};
    const struct sv_dns_answer *only = &answer;
    struct sv_dns_views views = sv_dns_views_of(&only);
    struct list list = {.count = 0};

    resolve(fake, &lookup->question, &list, &answer);
    answer.records = list.count > 0 ? list.records : NULL;
    answer.records_count = list.count;
    if (answer.outcome == SV_DNS_DATA)
        answer.ttl_s = SV_FAKE_TTL_S;
    for (size_t i = 0; i < list.count; i++)
        if (list.records[i].ttl_s < answer.ttl_s)
            answer.ttl_s = list.records[i].ttl_s;
    if (answer.outcome == SV_DNS_UNKNOWN)
        answer.ttl_s = 0;
    if (fake->clock != NULL)
        answer.at = fake->clock->wall(fake->clock->context);
    lookup->done(lookup, SV_OK, &views);
}

static void pull(struct fake *fake, struct sv_lookup *lookup)
{
    if (lookup->previous != NULL)
        lookup->previous->next = lookup->next;
    else
        fake->first = lookup->next;
    if (lookup->next != NULL)
        lookup->next->previous = lookup->previous;
    else
        fake->last = lookup->previous;
}

static void free_all(struct fake *fake)
{
    for (size_t i = 0; i < fake->entries_count; i++)
        sv_dns_answer_free(fake->entries[i].owned);
    while (fake->troubles != NULL) {
        struct trouble *next = fake->troubles->next;
        free(fake->troubles);
        fake->troubles = next;
    }
    while (fake->asked != NULL) {
        struct asked *next = fake->asked->next;
        free(fake->asked);
        fake->asked = next;
    }
    free(fake);
}

static void on_closed(uv_handle_t *handle)
{
    struct fake *fake = handle->data;
    sv_resolver_closed_fn *closed = fake->closed;
    void *context = fake->closed_context;

    free_all(fake);
    closed(context);
}

/* The first that may be told now; with answers held back, only canceled ones. */
static struct sv_lookup *next_ready(const struct fake *fake)
{
    struct sv_lookup *lookup = fake->first;

    while (lookup != NULL && fake->held && lookup->flight != &fake->canceled)
        lookup = lookup->next;
    return lookup;
}

/* Tells those present now; what their callbacks add is for the next turn. */
static void on_turn(uv_idle_t *turn)
{
    struct fake *fake = turn->data;
    size_t present = 0;
    struct sv_lookup *lookup;

    for (lookup = fake->first; lookup != NULL; lookup = lookup->next)
        present++;
    while (present-- > 0 && (lookup = next_ready(fake)) != NULL) {
        bool is_canceled = lookup->flight == &fake->canceled;
        pull(fake, lookup);
        lookup->flight = NULL;
        if (is_canceled)
            lookup->done(lookup, SV_ECANCELED, NULL);
        else
            answer_one(fake, lookup);
    }
    if (next_ready(fake) == NULL)
        (void)uv_idle_stop(&fake->turn);
    if (fake->closing && fake->first == NULL)
        uv_close((uv_handle_t *)&fake->turn, on_closed);
}

static enum sv_err start(struct sv_resolver *base, struct sv_lookup *lookup,
                         sv_lookup_done_fn *done, struct sv_errinfo *info)
{
    struct fake *fake = of(base);

    if (fake->closing)
        return sv_err_set(info, SV_ECANCELED, "resolver", 0, "closing");
    if (fake->busy)
        return sv_err_set(info, SV_EBUSY, "resolver", 0, "too many lookups under way");
    if (strstr(lookup->question.name, "..") != NULL || lookup->question.name[0] == '.')
        return sv_err_set(info, SV_EINVALID, "resolver", 0, "not a name that can be asked: %.100s",
                          lookup->question.name);
    note(fake, &lookup->question);
    lookup->done = done;
    lookup->resolver = base;
    lookup->flight = fake;
    lookup->next = NULL;
    lookup->previous = fake->last;
    if (fake->last != NULL)
        fake->last->next = lookup;
    else
        fake->first = lookup;
    fake->last = lookup;
    if (!fake->held)
        (void)uv_idle_start(&fake->turn, on_turn);
    return SV_OK;
}

static void cancel(struct sv_lookup *lookup)
{
    struct fake *fake = of(lookup->resolver);

    if (lookup->flight == NULL)
        return;
    lookup->flight = &fake->canceled;
    (void)uv_idle_start(&fake->turn, on_turn);
}

static void close_fake(struct sv_resolver *base, sv_resolver_closed_fn *closed, void *context)
{
    struct fake *fake = of(base);

    SV_REQUIRE(!fake->closing);
    fake->closing = true;
    fake->closed = closed;
    fake->closed_context = context;
    for (struct sv_lookup *lookup = fake->first; lookup != NULL; lookup = lookup->next)
        cancel(lookup);
    (void)uv_idle_start(&fake->turn, on_turn);
}

struct sv_resolver *sv_fake_resolver_new(uv_loop_t *loop, const struct sv_clock *clock)
{
    static const struct sv_resolver_ops ops = {
        .start = start, .cancel = cancel, .close = close_fake};
    struct fake *fake = sv_alloc(1, sizeof(*fake));

    fake->base.ops = &ops;
    fake->clock = clock;
    SV_REQUIRE(uv_idle_init(loop, &fake->turn) == 0);
    fake->turn.data = fake;
    return &fake->base;
}
