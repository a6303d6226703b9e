/* `sesverify dead retry` and `dead drop`: dead letters become jobs again, or go. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "confirm.h"
#include "exit.h"
#include "kept.h"
#include "letters.h"
#include "setup.h"
#include "sv/alloc.h"
#include "sv/json.h"
#include "text.h"

/* The story: first all letters that are meant are noted, then somebody is asked, then they end one
 * by one, each in one step inside Redis. A letter whose job has no payload left (crash_loop) is
 * retried by a recheck: what its job had set and what is still owed stands at the domain. One that
 * came into the wrong shard is pushed into the right one first, under an id that makes a second
 * push harmless, because no script can write in two shards. */

enum { TARGETS_MAX = 100000, DEPTH_MAX = 8 };

struct target {
    unsigned shard;
    char entry_id[SV_STORE_ENTRY_ID_BYTES];
};

struct ending {
    const struct sv_args *args;
    struct sv_client *client;
    enum sv_store_letter_verb verb;
    bool json, dry_run, cut;
    size_t count, cap, left;
    struct target *targets; /* owned */
};

/* What the letter in hand asks for. */
struct plan {
    bool found, elsewhere;
    unsigned shard; /* where the job belongs */
    char domain_id[SV_UID_BYTES];
    struct sv_buf job; /* pushed instead of the payload; empty = the payload */
};

/* --- which --- */

static enum sv_letter_walk note(void *context, const struct sv_letter_view *view)
{
    struct ending *ending = context;
    struct target *target;

    if (ending->count == TARGETS_MAX) {
        ending->cut = true;
        return SV_LETTER_STOP;
    }
    if (ending->count == ending->cap) {
        ending->cap = ending->cap == 0 ? SV_STORE_LETTERS_MAX : 2 * ending->cap;
        ending->targets = sv_realloc(ending->targets, ending->cap * sizeof(*ending->targets));
    }
    target = &ending->targets[ending->count++];
    target->shard = view->shard;
    (void)snprintf(target->entry_id, sizeof(target->entry_id), "%s", view->letter->entry_id);
    return SV_LETTER_NEXT;
}

static int gather(struct ending *ending, const struct sv_letter_filter *filter)
{
    int code = SV_EXIT_OK;

    if (sv_args_has(ending->args, "all"))
        return sv_letters_each(ending->client, filter, note, ending);
    for (size_t i = 0; code == SV_EXIT_OK && i < ending->args->operands_count; i++) {
        bool found;

        code =
            sv_letters_one(ending->client, filter, ending->args->operands[i], note, ending, &found);
        if (code == SV_EXIT_OK && !found) {
            sv_setup_complain(ending->args, "there is no dead letter %.60s",
                              ending->args->operands[i]);
            ending->left++;
        }
    }
    return code;
}

/* --- what a retry pushes --- */

static void write_job(struct plan *plan, json_t *job)
{
    if (!sv_json_write(job, &plan->job))
        sv_buf_clear(&plan->job);
    json_decref(job);
}

/* The job names the entry it was, unless it has an id of its own: its receipt makes a second push
 * a repetition. */
static void move_over(struct plan *plan, const struct sv_store_letter *letter)
{
    json_t *job = sv_json_parse(letter->payload, letter->payload_bytes, SV_STORE_JOB_BYTES_MAX,
                                DEPTH_MAX, NULL);

    plan->elsewhere = json_is_object(job);
    if (!plan->elsewhere) {
        json_decref(job);
        return;
    }
    if (json_object_get(job, "id") == NULL)
        sv_json_set_str(job, "id", letter->entry_id);
    write_job(plan, job);
}

static enum sv_letter_walk on_plan(void *context, const struct sv_letter_view *view)
{
    struct plan *plan = context;
    const struct sv_store_letter *letter = view->letter;
    unsigned right = plan->shard; /* how many shards there are, for now */

    plan->found = true;
    right = view->client_id[0] == '\0' ? view->shard
                                       : sv_crc32(view->client_id, strlen(view->client_id)) % right;
    plan->shard = right;
    if (letter->payload_bytes == 0 && strlen(letter->domain_id) < sizeof(plan->domain_id))
        (void)snprintf(plan->domain_id, sizeof(plan->domain_id), "%s", letter->domain_id);
    else if (right != view->shard && letter->payload != NULL)
        move_over(plan, letter);
    return SV_LETTER_STOP;
}

static int plan_recheck(struct ending *ending, const struct target *target, struct plan *plan)
{
    struct sv_kept kept;
    json_t *job;
    int code = sv_kept_read(ending->client, target->shard, plan->domain_id, &kept);

    if (code == SV_EXIT_OK && kept.found && !kept.damaged &&
        kept.sheet.domain.status != SV_STATUS_REMOVED) {
        job = sv_json_object();
        sv_json_set_str(job, "type", "recheck");
        sv_json_set_str(job, "client_id", kept.client_id);
        sv_json_set_str(job, "domain", kept.sheet.registration.domain);
        sv_json_set_str(job, "account", kept.sheet.registration.account);
        write_job(plan, job);
    }
    sv_kept_fini(&kept);
    return code;
}

static int make_plan(struct ending *ending, const struct target *target, struct plan *plan)
{
    const struct sv_letter_filter here = {.shard = target->shard};
    bool found;
    int code;

    *plan = (struct plan){.shard = ending->client->config->redis.shards};
    sv_buf_init(&plan->job, SV_STORE_JOB_BYTES_MAX);
    if (ending->verb == SV_STORE_LETTER_DROP)
        return SV_EXIT_OK;
    code = sv_letters_one(ending->client, &here, target->entry_id, on_plan, plan, &found);
    if (code == SV_EXIT_OK && plan->domain_id[0] != '\0')
        code = plan_recheck(ending, target, plan);
    return code;
}

/* --- the end --- */

static const char *outcome_word(const struct ending *ending, enum sv_store_letter_verdict verdict)
{
    if (ending->dry_run)
        return "dry_run";
    switch (verdict) {
    case SV_STORE_LETTER_GONE:
        return "gone";
    case SV_STORE_LETTER_ENDED:
        return "done";
    case SV_STORE_LETTER_EMPTY:
        return "empty";
    case SV_STORE_LETTER_TOO_BIG:
        return "too_big";
    }
    return "gone";
}

static void tell(struct ending *ending, const struct target *target,
                 const struct sv_store_letter_end *end)
{
    const char *verb = ending->verb == SV_STORE_LETTER_DROP ? "drop" : "retry";
    const char *outcome = outcome_word(ending, end->verdict);
    json_t *object;

    if (!ending->dry_run && end->verdict != SV_STORE_LETTER_ENDED)
        ending->left++;
    if (!ending->json) {
        (void)printf("%s %s: %s%s%s\n", verb, target->entry_id, outcome,
                     end->new_entry_id[0] != '\0' ? ", the job is now " : "", end->new_entry_id);
        return;
    }
    object = sv_json_object();
    sv_json_set_str(object, "schema", "sesverify.dead_action.v1");
    sv_json_set_str(object, "action", verb);
    sv_json_set_int(object, "shard", target->shard);
    sv_json_set_str(object, "entry_id", target->entry_id);
    sv_json_set_str(object, "outcome", outcome);
    sv_json_set_str(object, "new_entry_id",
                    end->new_entry_id[0] != '\0' ? end->new_entry_id : NULL);
    sv_text_print_json(object);
}

static void on_ended(void *context, const struct sv_store_call *call)
{
    struct sv_store_letter_end *out = context;

    out->verdict = call->u.letter_end.verdict;
    memcpy(out->new_entry_id, call->u.letter_end.new_entry_id, sizeof(out->new_entry_id));
}

static void on_pushed(void *context, const struct sv_store_call *call)
{
    memcpy(context, call->u.enqueue.entry_id, SV_STORE_ENTRY_ID_BYTES);
}

static int end_one(struct ending *ending, const struct target *target, struct plan *plan)
{
    struct sv_store_call call = {.op = SV_STORE_LETTER_END, .shard = target->shard};
    struct sv_store_letter_end end = {.verdict = SV_STORE_LETTER_GONE};
    char moved[SV_STORE_ENTRY_ID_BYTES] = "";
    int code = SV_EXIT_OK;

    call.u.letter_end =
        (struct sv_store_letter_end){.verb = ending->verb, .entry_id = target->entry_id};
    if (plan->elsewhere) {
        struct sv_store_call push = {.op = SV_STORE_ENQUEUE, .shard = plan->shard};

        push.u.enqueue =
            (struct sv_store_enqueue){.job = sv_buf_str(&plan->job), .job_bytes = plan->job.len};
        code = sv_client_call(ending->client, &push, on_pushed, moved);
        call.u.letter_end.verb = SV_STORE_LETTER_DROP;
    } else if (plan->job.len > 0) {
        call.u.letter_end.job = sv_buf_str(&plan->job);
        call.u.letter_end.job_bytes = plan->job.len;
    }
    if (code == SV_EXIT_OK)
        code = sv_client_call(ending->client, &call, on_ended, &end);
    if (code == SV_EXIT_OK && plan->elsewhere)
        memcpy(end.new_entry_id, moved, sizeof(end.new_entry_id));
    if (code == SV_EXIT_OK)
        tell(ending, target, &end);
    return code;
}

static int end_all(struct ending *ending)
{
    int code = SV_EXIT_OK;

    for (size_t i = 0; code == SV_EXIT_OK && i < ending->count; i++) {
        static const struct sv_store_letter_end nothing = {.verdict = SV_STORE_LETTER_ENDED};
        struct plan plan;

        if (ending->dry_run) {
            tell(ending, &ending->targets[i], &nothing);
            continue;
        }
        code = make_plan(ending, &ending->targets[i], &plan);
        if (code == SV_EXIT_OK)
            code = end_one(ending, &ending->targets[i], &plan);
        sv_buf_fini(&plan.job);
    }
    return code;
}

static int ask(const struct ending *ending)
{
    char question[96];

    if (ending->dry_run || ending->count == 0)
        return SV_EXIT_OK;
    (void)snprintf(question, sizeof(question), "%s %zu dead letter%s?",
                   ending->verb == SV_STORE_LETTER_DROP ? "Drop" : "Retry", ending->count,
                   ending->count == 1 ? "" : "s");
    return sv_confirm(ending->args, question);
}

static int check_usage(const struct sv_args *args)
{
    bool all = sv_args_has(args, "all");
    bool filtered = sv_args_has(args, "reason") || sv_args_has(args, "client");

    if (all == (args->operands_count == 0) && (all || !filtered))
        return SV_EXIT_OK;
    sv_setup_complain(args, "name entries, or say --all (with --reason, --client, --shard)");
    return SV_EXIT_USAGE;
}

static int end_letters(struct sv_client *client, void *context)
{
    struct ending *ending = context;
    struct sv_letter_filter filter;
    int code = sv_letter_filter_read(ending->args, client->config, &filter);

    ending->client = client;
    if (code == SV_EXIT_OK)
        code = gather(ending, &filter);
    if (code == SV_EXIT_OK)
        code = ask(ending);
    if (code == SV_EXIT_OK)
        code = end_all(ending);
    if (code == SV_EXIT_OK && ending->cut)
        (void)fprintf(stderr, "that were the first %d; run it again for more\n", TARGETS_MAX);
    return code == SV_EXIT_OK && ending->left > 0 ? SV_EXIT_WRONG : code;
}

static int run(const struct sv_args *args, enum sv_store_letter_verb verb)
{
    struct ending ending = {.args = args,
                            .verb = verb,
                            .json = sv_args_has(args, "json"),
                            .dry_run = sv_args_has(args, "dry-run")};
    int code = check_usage(args);

    if (code == SV_EXIT_OK)
        code = sv_client_run(args, end_letters, &ending);
    free(ending.targets);
    return code;
}

static int run_retry(const struct sv_args *args)
{
    return run(args, SV_STORE_LETTER_RETRY);
}

static int run_drop(const struct sv_args *args)
{
    return run(args, SV_STORE_LETTER_DROP);
}

static const struct sv_option options[] = {
    {"all", NULL, false, "every letter, or every one that is meant by the options below"},
    {"reason", "WORD", false, "with --all: only letters with this reason"},
    {"client", "ID", false, "with --all: only letters of this client"},
    {"shard", "N", false, "only this shard's letters"},
    {"dry-run", NULL, false, "change nothing, tell what would be done"},
    {"yes", NULL, false, "do not ask"},
    {.name = NULL},
};

const struct sv_command sv_command_dead_retry = {
    .name = "dead retry",
    .operands = "[ENTRY...]",
    .operands_max = SV_OPERANDS_MAX,
    .summary = "make dead letters jobs again",
    .details =
        "The payload goes to the end of the inbox and the letter is gone, in one step. A letter "
        "of\n"
        "crash_loop is retried by a recheck: what its job asked for is still owed at the domain.\n"
        "Asks first, unless --yes is given. With --json one object per line. Exit code 1 when a\n"
        "letter was not there, or cannot be retried (empty, too_big).",
    .options = options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify dead retry 1764400000000-0",
                 "sesverify dead retry --all --reason unknown_account --yes"},
    .run = run_retry,
};

const struct sv_command sv_command_dead_drop = {
    .name = "dead drop",
    .operands = "[ENTRY...]",
    .operands_max = SV_OPERANDS_MAX,
    .summary = "throw dead letters away",
    .details = "Asks first, unless --yes is given. With --json one object per line. Exit code 1\n"
               "when a letter was not there.",
    .options = options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify dead drop 1764400000000-0",
                 "sesverify dead drop --all --client acme --dry-run"},
    .run = run_drop,
};
