#include <stdio.h>
#include <string.h>

#include "move.h"

/* Domains and receipts, a page of keys at a time. Their names say whose a receipt is; of a domain
 * it is asked. Places, counts, rings and what `explain` tells go with the domain. */

enum { COUNT = 200, LIFTED = 6, KEYS_MAX = 100000 };

struct domain {
    const char *uid, *client;
    unsigned home;
    bool moves;
    struct sv_move_bytes here[LIFTED], there[LIFTED]; /* as lift.lua answers */
};

struct receipt {
    const char *id;                   /* behind "job:" */
    struct sv_move_bytes here, there; /* .at NULL: it is gone */
    int64_t ttl_ms;
    unsigned home;
};

struct page {
    size_t domains_count, receipts_count, sinks_count;
    struct domain *domains;
    struct receipt *receipts; /* only those that have to go */
    const char **sinks; /* keys of sinks: their turns, and lists of what they have not settled */
    bool looks_there;   /* lifts are of where they were put */
};

/* --- names --- */

static const char *const families[] = {"c:", "x:", "due:hi:", "due:lo:", "dead:"};
static const char *const singles[] = {"jobs", "events", "ring", "ring:hi", "run",
                                      "dead", "n",      "meta", "reshard"};

static bool is_known(const char *name)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (strncmp(name, families[i], strlen(families[i])) == 0)
            return true;
    }
    for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++) {
        if (strcmp(name, singles[i]) == 0)
            return true;
    }
    return false;
}

/* "<client, with %3A for : and %25 for %>:<job id>" */
static const char *client_of_receipt(struct sv_store_work *work, const char *id)
{
    const char *end = strchr(id, ':');
    char *client = sv_store_arena_strndup(&work->arena, id, end != NULL ? (size_t)(end - id) : 0);
    char *out = client;

    for (const char *in = client; *in != '\0'; in++) {
        bool is_escaped = strncmp(in, "%3A", 3) == 0 || strncmp(in, "%25", 3) == 0;

        const char *plain = in[1] == '3' ? ":" : "%";

        *out++ = *(is_escaped ? plain : in);
        in += is_escaped ? 2 : 0;
    }
    *out = '\0';
    return client;
}

static void sort_in(struct sv_store_work *work, const char *name)
{
    struct page *page = work->state;

    if (strncmp(name, "d:", 2) == 0) {
        page->domains[page->domains_count++].uid = name + 2;
    } else if (strncmp(name, "job:", 4) == 0) {
        unsigned home = sv_move_home(work, client_of_receipt(work, name + 4));

        if (sv_move_count(work, SV_STORE_MOVED_RECEIPTS, home))
            page->receipts[page->receipts_count++] = (struct receipt){.id = name + 4, .home = home};
    } else if (strncmp(name, "sink:", 5) == 0) {
        page->sinks[page->sinks_count++] = name;
    } else if (!is_known(name)) {
        work->call->u.move.strange = name;
    }
}

static void on_keys(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct page *page = work->state;
    size_t skip = strlen(sv_store_key(work, "")), count;
    const char *cursor =
        sv_reply_is_array(reply, 2) ? sv_reply_text(work, reply->element[0]) : NULL;

    if (cursor == NULL || !sv_reply_is_array(reply->element[1], 0) ||
        reply->element[1]->elements > KEYS_MAX) {
        sv_store_work_malformed(work, "SCAN answers no page");
        return;
    }
    sv_move_set_cursor(work, cursor);
    count = reply->element[1]->elements;
    page->domains = sv_store_arena_alloc(&work->arena, count + 1, sizeof(*page->domains));
    page->receipts = sv_store_arena_alloc(&work->arena, count + 1, sizeof(*page->receipts));
    page->sinks = sv_store_arena_alloc(&work->arena, count + 1, sizeof(*page->sinks));
    for (size_t i = 0; i < count; i++) {
        const char *key = sv_reply_text(work, reply->element[1]->element[i]);

        if (key != NULL && strlen(key) > skip)
            sort_in(work, key + skip);
    }
}

/* --- deleting here --- */

static void add_domain_keys(struct sv_store_request *r, const struct domain *domain, unsigned shard)
{
    struct sv_store_work *work = r->work;

    sv_store_request_add(r, sv_store_key_of_at(work, shard, "d", domain->uid));
    sv_store_request_add(r, sv_store_key_of_at(work, shard, "due:hi", domain->client));
    sv_store_request_add(r, sv_store_key_of_at(work, shard, "due:lo", domain->client));
    sv_store_request_add(r, sv_store_key_at(work, shard, "ring"));
    sv_store_request_add(r, sv_store_key_at(work, shard, "ring:hi"));
    sv_store_request_add(r, sv_store_key_at(work, shard, "run"));
    sv_store_request_add(r, sv_store_key_of_at(work, shard, "c", domain->client));
    sv_store_request_add(r, sv_store_key_at(work, shard, "n"));
    sv_store_request_add(r, sv_store_key_of_at(work, shard, "x", domain->uid));
}

static void on_written(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    const struct page *page = work->state;
    int64_t verdict;

    if (!sv_reply_number(reply, &verdict) || verdict < 0)
        sv_store_work_malformed(
            work, sv_store_arena_printf(
                      &work->arena, "domain %.32s %s", page->domains[request->index].uid,
                      page->looks_there ? "changed while it was moved: is a worker running?"
                                        : "is in the other shard, too, and differs there"));
}

static void cut(struct sv_store_work *work)
{
    const struct page *page = work->state;

    for (size_t i = 0; i < page->domains_count; i++) {
        const struct domain *domain = &page->domains[i];
        struct sv_store_request *r;

        if (!domain->moves)
            continue;
        r = sv_store_request_script(work, SV_SCRIPT_CUT, 9, 3, on_written);
        r->index = i;
        add_domain_keys(r, domain, work->call->shard);
        sv_store_request_add(r, domain->uid);
        sv_store_request_add(r, domain->client);
        sv_move_add(r, domain->here[0]);
        sv_store_request_send(r);
    }
    for (size_t i = 0; i < page->receipts_count; i++) {
        struct sv_store_request *r = sv_store_request_new(work, 2, sv_store_reply_ignore);

        sv_store_request_add(r, "DEL");
        sv_store_request_add(r, sv_store_key_of(work, "job", page->receipts[i].id));
        sv_store_request_send(r);
    }
}

/* --- reading, here and there --- */

static void on_lifted(struct sv_store_request *request, const redisReply *reply)
{
    struct sv_store_work *work = request->work;
    struct page *page = work->state;
    struct domain *domain = &page->domains[request->index];
    struct sv_move_bytes *out = page->looks_there ? domain->there : domain->here;

    if (!sv_reply_is_array(reply, LIFTED)) {
        sv_store_work_malformed(work, "lift answers no list");
        return;
    }
    for (size_t i = 0; i < LIFTED; i++)
        out[i] = sv_move_copy(work, reply->element[i]);
    if (!page->looks_there && out[0].len == 0)
        domain->moves = false; /* gone meanwhile */
}

static void lift(struct sv_store_work *work, size_t index)
{
    const struct page *page = work->state;
    const struct domain *domain = &page->domains[index];
    unsigned shard = page->looks_there ? domain->home : work->call->shard;
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_LIFT, 6, 1, on_lifted);

    r->index = index;
    sv_store_request_add(r, sv_store_key_of_at(work, shard, "d", domain->uid));
    sv_store_request_add(r, sv_store_key_of_at(work, shard, "due:hi", domain->client));
    sv_store_request_add(r, sv_store_key_of_at(work, shard, "due:lo", domain->client));
    sv_store_request_add(r, sv_store_key_at(work, shard, "run"));
    sv_store_request_add(r, sv_store_key_of_at(work, shard, "c", domain->client));
    sv_store_request_add(r, sv_store_key_of_at(work, shard, "x", domain->uid));
    sv_store_request_add(r, domain->uid);
    sv_store_request_send(r);
}

static void on_receipt(struct sv_store_request *request, const redisReply *reply)
{
    struct page *page = request->work->state;
    struct receipt *receipt = &page->receipts[request->index];
    struct sv_move_bytes value = sv_move_copy(request->work, reply);

    if (page->looks_there)
        receipt->there = value;
    else
        receipt->here = value;
}

static void on_ttl(struct sv_store_request *request, const redisReply *reply)
{
    struct page *page = request->work->state;

    if (!sv_reply_number(reply, &page->receipts[request->index].ttl_ms))
        sv_store_work_malformed(request->work, "PTTL answers no number");
}

static void ask_receipt(struct sv_store_work *work, size_t index, const char *command,
                        sv_store_reply_fn *on_reply)
{
    const struct page *page = work->state;
    const struct receipt *receipt = &page->receipts[index];
    struct sv_store_request *r = sv_store_request_new(work, 2, on_reply);

    r->index = index;
    sv_store_request_add(r, command);
    sv_store_request_add(
        r, sv_store_key_of_at(work, page->looks_there ? receipt->home : work->call->shard, "job",
                              receipt->id));
    sv_store_request_send(r);
}

static void read_page(struct sv_store_work *work)
{
    const struct page *page = work->state;

    for (size_t i = 0; i < page->domains_count; i++) {
        if (page->domains[i].moves)
            lift(work, i);
    }
    for (size_t i = 0; i < page->receipts_count; i++) {
        ask_receipt(work, i, "GET", on_receipt);
        if (!page->looks_there)
            ask_receipt(work, i, "PTTL", on_ttl);
    }
}

/* A receipt may expire at any time. */
static void compare(struct sv_store_work *work)
{
    const struct page *page = work->state;
    bool is_same = true;

    for (size_t i = 0; i < page->domains_count; i++) {
        for (size_t k = 0; page->domains[i].moves && k < LIFTED; k++)
            is_same = is_same && sv_move_equal(page->domains[i].here[k], page->domains[i].there[k]);
    }
    for (size_t i = 0; i < page->receipts_count; i++) {
        const struct receipt *receipt = &page->receipts[i];

        if (receipt->there.at != NULL || receipt->ttl_ms == -1)
            is_same = is_same && sv_move_equal(receipt->here, receipt->there);
    }
    if (is_same)
        cut(work);
    else
        sv_store_work_malformed(work, "what was moved reads differently there; it was not deleted");
}

static void read_back(struct sv_store_work *work)
{
    struct page *page = work->state;

    page->looks_there = true;
    read_page(work);
    work->step = compare;
}

/* --- writing there --- */

/* "" = there is none; otherwise it begins with '='. */
static void add_given(struct sv_store_request *r, struct sv_move_bytes bytes)
{
    if (bytes.at == NULL)
        sv_store_request_add(r, "");
    else
        sv_store_request_add(r, sv_store_arena_printf(&r->work->arena, "=%s", bytes.at));
}

static void graft(struct sv_store_work *work, size_t index)
{
    const struct page *page = work->state;
    const struct domain *domain = &page->domains[index];
    struct sv_store_request *r = sv_store_request_script(work, SV_SCRIPT_GRAFT, 9, 8, on_written);

    r->index = index;
    add_domain_keys(r, domain, domain->home);
    sv_store_request_add(r, domain->uid);
    sv_store_request_add(r, domain->client);
    sv_move_add(r, domain->here[0]);
    for (size_t i = 1; i < LIFTED; i++)
        add_given(r, domain->here[i]);
    sv_store_request_send(r);
}

static void put_receipt(struct sv_store_work *work, const struct receipt *receipt)
{
    struct sv_store_request *r = sv_store_request_new(work, 5, sv_store_reply_ignore);

    sv_store_request_add(r, "SET");
    sv_store_request_add(r, sv_store_key_of_at(work, receipt->home, "job", receipt->id));
    sv_move_add(r, receipt->here);
    if (receipt->ttl_ms >= 0) {
        sv_store_request_add(r, "PX");
        sv_store_request_add_number(r, receipt->ttl_ms > 0 ? receipt->ttl_ms : 1);
    }
    sv_store_request_send(r);
}

static void put(struct sv_store_work *work)
{
    const struct page *page = work->state;

    for (size_t i = 0; i < page->domains_count; i++) {
        if (page->domains[i].moves)
            graft(work, i);
    }
    for (size_t i = 0; i < page->receipts_count; i++) {
        if (page->receipts[i].here.at != NULL)
            put_receipt(work, &page->receipts[i]);
    }
    work->step = read_back;
}

/* --- sinks --- */

static bool ends_in(const char *name, const char *tail)
{
    size_t len = strlen(name), tail_len = strlen(tail);

    return len >= tail_len && strcmp(name + len - tail_len, tail) == 0;
}

static void on_length(struct sv_store_request *request, const redisReply *reply)
{
    const struct page *page = request->work->state;
    int64_t length;

    if (sv_reply_number(reply, &length) && length > 0)
        request->work->call->u.move.owed = page->sinks[request->index];
}

/* What a sink still owes names entries of the outbox, which get other ids: it is told, so that
 * nothing is begun before the sink has settled it. A turn is nothing that has to be kept. */
static void see_to_sinks(struct sv_store_work *work)
{
    const struct page *page = work->state;
    bool dry_run = work->call->u.move.dry_run;
    bool will_not_be = work->call->shard >= work->call->u.move.shards_to;

    for (size_t i = 0; i < page->sinks_count; i++) {
        const char *name = page->sinks[i];
        bool owes = ends_in(name, ":wait") || ends_in(name, ":dead");
        struct sv_store_request *r;

        if (dry_run ? !owes : !will_not_be)
            continue;
        r = sv_store_request_new(work, 2, dry_run ? on_length : sv_store_reply_ignore);
        r->index = i;
        sv_store_request_add(r, !dry_run ? "DEL" : ends_in(name, ":wait") ? "HLEN" : "XLEN");
        sv_store_request_add(r, sv_store_key(work, name));
        sv_store_request_send(r);
    }
}

/* --- first steps --- */

static void on_client(struct sv_store_request *request, const redisReply *reply)
{
    struct page *page = request->work->state;
    const char *client = sv_reply_text(request->work, reply);

    page->domains[request->index].client = client != NULL ? client : "";
}

static void choose(struct sv_store_work *work)
{
    struct page *page = work->state;

    see_to_sinks(work);
    for (size_t i = 0; i < page->domains_count; i++) {
        struct domain *domain = &page->domains[i];

        domain->home = sv_move_home(work, domain->client);
        domain->moves = sv_move_count(work, SV_STORE_MOVED_DOMAINS, domain->home);
    }
    if (work->call->u.move.dry_run)
        return;
    read_page(work);
    work->step = put;
}

static void ask_clients(struct sv_store_work *work)
{
    const struct page *page = work->state;

    for (size_t i = 0; i < page->domains_count; i++) {
        struct sv_store_request *r = sv_store_request_new(work, 3, on_client);

        r->index = i;
        sv_store_request_add(r, "HGET");
        sv_store_request_add(r, sv_store_key_of(work, "d", page->domains[i].uid));
        sv_store_request_add(r, "cl");
        sv_store_request_send(r);
    }
    work->step = choose;
}

void sv_move_keys(struct sv_store_work *work)
{

    work->state = sv_store_arena_alloc(&work->arena, 1, sizeof(struct page));
    sv_store_request_scan(work, work->call->u.move.cursor, sv_store_key_pattern_all(work), COUNT,
                          on_keys);
    work->step = ask_clients;
}
