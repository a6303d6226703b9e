/* `sesverify doctor`: holds what is kept in Redis against the invariants. Read-only. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "doctor_walk.h"
#include "exit.h"
#include "numbers.h"
#include "setup.h"
#include "sv/json.h"
#include "table.h"
#include "text.h"

struct checkup {
    const struct sv_args *args;
    struct sv_doctor *doctor;
    bool json, colour;
};

/* What an invariant says, and why it cannot be seen in the keys; NULL = it can. */
static const struct {
    const char *says, *unseen;
} invariants[SV_DOCTOR_INVARIANTS + 1] = {
    [1] = {"every job accepted is open, or ended in one way", NULL},
    [2] = {"a domain stands in one queue, or runs", NULL},
    [3] = {"nothing is forgotten", NULL},
    [4] = {"a domain's events are 1, 2, 3 ... without a gap", NULL},
    [5] = {"the events tell what the record says", NULL},
    [6] = {"fences never go down, one commit each", NULL},
    [7] = {"limits are kept", NULL},
    [8] = {"no claim before its time", "needs a run that is watched"},
    [9] = {"every entry of the inbox is settled once", NULL},
    [10] = {"every event reached every sink", "needs the sinks"},
    [11] = {"calls of SES stay within the rate", "needs SES's side"},
    [12] = {"faults use no attempt and move no status", "needs a run that is watched"},
    [13] = {"a late result changes nothing", NULL},
    [14] = {"a repeated call changes nothing", "needs a run that is watched"},
    [15] = {"with nothing to do, nearly nothing is asked", "needs a run that is watched"},
};

/* Late results show in the history and the fences only. */
static size_t faults_of(const struct sv_doctor *doctor, unsigned invariant)
{
    size_t count = 0;

    for (int ill = 0; ill < SV_ILL_COUNT; ill++) {
        if (sv_ill_is_fault((enum sv_ill)ill) && sv_ill_invariant((enum sv_ill)ill) == invariant)
            count += doctor->ills[ill];
    }
    return count;
}

static const char *verdict_of(const struct sv_doctor *doctor, unsigned invariant)
{
    if (invariants[invariant].unseen != NULL)
        return "not_visible";
    if (invariant == 13)
        return faults_of(doctor, 4) + faults_of(doctor, 5) + faults_of(doctor, 6) > 0 ? "wrong"
                                                                                      : "right";
    if (faults_of(doctor, invariant) > 0)
        return "wrong";
    return doctor->undecided[invariant] ? "undecided" : "right";
}

static bool is_undecided(const struct sv_doctor *doctor)
{
    for (unsigned i = 1; i <= SV_DOCTOR_INVARIANTS; i++) {
        if (doctor->undecided[i])
            return true;
    }
    return false;
}

/* --- JSON --- */

static json_t *finding_json(const struct sv_doctor_finding *finding)
{
    unsigned invariant = sv_ill_invariant(finding->ill);
    json_t *object = sv_json_object();

    sv_json_set_str(object, "code", sv_ill_name(finding->ill));
    sv_json_set_str(object, "severity", sv_ill_is_fault(finding->ill) ? "fault" : "warning");
    sv_json_set(object, "invariant", invariant > 0 ? json_integer(invariant) : json_null());
    sv_json_set(object, "shard", finding->shard >= 0 ? json_integer(finding->shard) : json_null());
    sv_json_set_str(object, "subject", finding->subject);
    sv_json_set_str(object, "text", finding->text);
    return object;
}

static json_t *invariants_json(const struct sv_doctor *doctor)
{
    json_t *list = sv_json_array();

    for (unsigned i = 1; i <= SV_DOCTOR_INVARIANTS; i++) {
        json_t *object = sv_json_object();

        sv_json_set_int(object, "number", i);
        sv_json_set_str(object, "says", invariants[i].says);
        sv_json_set_str(object, "verdict", verdict_of(doctor, i));
        sv_json_set_str(object, "why", invariants[i].unseen);
        sv_json_append(list, object);
    }
    return list;
}

static json_t *looked_at_json(const struct sv_doctor *doctor)
{
    json_t *object = sv_json_object();

    sv_json_set_int(object, "domains", (long long)doctor->domains);
    sv_json_set_int(object, "clients", (long long)doctor->clients);
    sv_json_set_int(object, "events", (long long)doctor->events);
    sv_json_set_int(object, "receipts", (long long)doctor->receipts);
    sv_json_set_int(object, "dead_letters", (long long)doctor->letters);
    sv_json_set_int(object, "owners", (long long)doctor->owners);
    sv_json_set_int(object, "keys", (long long)doctor->keys);
    return object;
}

static void print_json(const struct sv_doctor *doctor, const char *verdict)
{
    json_t *object = sv_json_object(), *findings = sv_json_array(), *counts = sv_json_object();
    size_t all = 0;

    for (size_t i = 0; i < doctor->findings_count; i++)
        sv_json_append(findings, finding_json(&doctor->findings[i]));
    for (int ill = 0; ill < SV_ILL_COUNT; ill++) {
        all += doctor->ills[ill];
        if (doctor->ills[ill] > 0)
            sv_json_set_int(counts, sv_ill_name((enum sv_ill)ill), (long long)doctor->ills[ill]);
    }
    sv_json_set_str(object, "schema", "sesverify.doctor.v1");
    sv_json_set_str(object, "verdict", verdict);
    sv_json_set_int(object, "shards", doctor->shards);
    sv_json_set(object, "looked_at", looked_at_json(doctor));
    sv_json_set(object, "invariants", invariants_json(doctor));
    sv_json_set(object, "counts", counts);
    sv_json_set(object, "findings", findings);
    sv_json_set_int(object, "findings_omitted", (long long)(all - doctor->findings_count));
    sv_text_print_json(object);
}

/* --- for people --- */

static void print_findings(const struct checkup *checkup)
{
    static const char *const heads[] = {"SHARD", "CODE", "SUBJECT", "WHAT"};
    const struct sv_doctor *doctor = checkup->doctor;
    struct sv_table table;

    if (doctor->findings_count == 0)
        return;
    sv_table_init(&table, sizeof(heads) / sizeof(heads[0]), heads);
    for (size_t i = 0; i < doctor->findings_count; i++) {
        const struct sv_doctor_finding *finding = &doctor->findings[i];
        char shard[24] = "";

        if (finding->shard >= 0)
            (void)snprintf(shard, sizeof(shard), "%ld", finding->shard);
        sv_table_row(&table);
        sv_table_set(&table, 0, SV_PLAIN, shard);
        sv_table_set(&table, 1, sv_ill_is_fault(finding->ill) ? SV_RED : SV_YELLOW,
                     sv_ill_name(finding->ill));
        sv_table_set(&table, 2, SV_PLAIN, finding->subject);
        sv_table_set(&table, 3, SV_PLAIN, finding->text);
    }
    sv_table_print(&table, checkup->colour, stdout);
    sv_table_fini(&table);
    if (doctor->findings_count == SV_DOCTOR_FINDINGS_MAX)
        (void)printf("... only the first %d are shown\n", SV_DOCTOR_FINDINGS_MAX);
    (void)printf("\n");
}

static void print_invariants(const struct checkup *checkup)
{
    const struct sv_doctor *doctor = checkup->doctor;
    struct sv_table table;

    sv_table_init(&table, 4, NULL);
    for (unsigned i = 1; i <= SV_DOCTOR_INVARIANTS; i++) {
        const char *verdict = verdict_of(doctor, i);
        char number[8];
        enum sv_colour colour = strcmp(verdict, "right") == 0   ? SV_GREEN
                                : strcmp(verdict, "wrong") == 0 ? SV_RED
                                                                : SV_DIM;

        (void)snprintf(number, sizeof(number), "%u", i);
        sv_table_row(&table);
        sv_table_set(&table, 0, SV_PLAIN, number);
        sv_table_set(&table, 1, colour, verdict);
        sv_table_set(&table, 2, SV_PLAIN, invariants[i].says);
        sv_table_set(&table, 3, SV_DIM, invariants[i].unseen);
    }
    sv_table_print(&table, checkup->colour, stdout);
    sv_table_fini(&table);
}

static void print_text(const struct checkup *checkup, const char *verdict)
{
    const struct sv_doctor *doctor = checkup->doctor;

    print_findings(checkup);
    print_invariants(checkup);
    (void)printf(
        "\nlooked at: %zu domains, %zu clients, %zu events, %zu receipts, %zu dead letters, "
        "%zu names\n%s\n",
        doctor->domains, doctor->clients, doctor->events, doctor->receipts, doctor->letters,
        doctor->owners, verdict);
}

/* --- the command --- */

static int check(struct sv_client *client, void *context)
{
    const struct sv_config *config = client->config;
    struct checkup *checkup = context;
    struct sv_doctor *doctor = checkup->doctor;
    size_t shard;
    long only = -1;
    int code = sv_number_option(checkup->args, "shard", 0, config->redis.shards - 1, 0, &shard);
    const char *verdict;

    if (code != SV_EXIT_OK)
        return code;
    if (sv_args_has(checkup->args, "shard"))
        only = (long)shard;
    doctor->shards = config->redis.shards;
    doctor->domains_max = config->limits.domains_max;
    doctor->attempts_max = config->limits.attempts_max;
    code = sv_doctor_walk_all(client, doctor, only);
    if (code != SV_EXIT_OK)
        return code;
    if (sv_doctor_faults(doctor) > 0)
        code = SV_EXIT_WRONG;
    else if (is_undecided(doctor))
        code = SV_EXIT_TEMPORARY;
    verdict = sv_text_verdict(code);
    if (checkup->json)
        print_json(doctor, verdict);
    else
        print_text(checkup, verdict);
    return code;
}

static int run(const struct sv_args *args)
{
    struct checkup checkup = {
        .args = args,
        .doctor = sv_doctor_new(),
        .json = sv_args_has(args, "json"),
        .colour = sv_term_wants_colour(stdout, args->environment),
    };
    int code = sv_client_run(args, check, &checkup);

    sv_doctor_free(checkup.doctor);
    return code;
}

static const struct sv_option options[] = {
    {"shard", "N", false, "only this shard; names are left out then"},
    {.name = NULL},
};

const struct sv_command sv_command_doctor = {
    .name = "doctor",
    .operands = "",
    .summary = "hold what is kept in Redis against the invariants",
    .details =
        "Reads, and writes nothing; workers may run meanwhile. Each domain is read at one "
        "instant.\n"
        "Sums need an instant without new jobs: where none came, they are undecided. Exit code 0\n"
        "when all is right, 1 when something is wrong, 75 when something could not be decided;\n"
        "warnings change no exit code. docs/invariants.md says what each finding means.",
    .options = options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify doctor", "sesverify doctor --shard 3 --json"},
    .run = run,
};
