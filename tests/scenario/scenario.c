/* Runs one scenario: a document of lines `at TIME WHAT HAPPENS -> WHAT FOLLOWS`. Everything before
 * the arrow is fed to the status machine, and what the machine answers is compared with what stands
 * behind it, line by line. `scenario --print FILE` writes the document with the answers found. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/domain.h"

enum { LINE_BYTES_MAX = 400, WORDS_MAX = 32 };

#define START_AT ((sv_ms)1767225600000) /* 2026-01-01T00:00:00Z is time 0 of every scenario */

struct script {
    const char *path;
    unsigned line;
    bool print;
    unsigned mismatches, steps;
    unsigned looks; /* of this line */
    sv_ms until;    /* of this line: the look is repeated at the machine's own pace; 0 = once */
    sv_ms registered_at;
    struct sv_policy policy;
    struct sv_domain domain;
};

struct words {
    size_t count;
    char *items[WORDS_MAX];
};

static _Noreturn void give_up(const struct script *script, const char *what, const char *word)
{
    (void)fprintf(stderr, "%s:%u: %s: %s\n", script->path, script->line, what, word);
    exit(2);
}

/* "1d2h3m4s5ms" and back. */

static const struct {
    const char *name;
    sv_ms ms;
} units[] = {
    {"ms", 1}, {"d", SV_DAY}, {"h", SV_HOUR}, {"m", SV_MINUTE}, {"s", SV_SECOND},
};

enum { UNITS = sizeof(units) / sizeof(units[0]) };

static sv_ms parse_time(const struct script *script, const char *text)
{
    const char *rest = text;
    sv_ms sum = 0;

    if (strcmp(text, "0") == 0)
        return 0;
    while (*rest != '\0') {
        char *end;
        sv_ms number = strtoll(rest, &end, 10);
        size_t unit = 0;

        while (unit < UNITS && strncmp(end, units[unit].name, strlen(units[unit].name)) != 0)
            unit++;
        if (end == rest || unit == UNITS)
            give_up(script, "not a time", text);
        sum += number * units[unit].ms;
        rest = end + strlen(units[unit].name);
    }
    return sum;
}

static void print_time(char *out, size_t bytes, sv_ms time)
{
    size_t at = 0;

    (void)snprintf(out, bytes, "0");
    for (size_t i = 1; i <= UNITS; i++) {
        size_t unit = i % UNITS; /* the milliseconds come last */
        sv_ms number = time / units[unit].ms;

        if (number == 0)
            continue;
        at += (size_t)snprintf(out + at, bytes - at, "%" PRId64 "%s", number, units[unit].name);
        time -= number * units[unit].ms;
    }
}

/* The words before the arrow. */

static enum sv_axis axis_word(const struct script *script, const char *word)
{
    enum sv_axis axis = sv_axis_parse(word, strlen(word));

    if (axis == SV_AXIS_UNKNOWN && strcmp(word, "unknown") != 0)
        give_up(script, "not an axis", word);
    return axis;
}

static enum sv_tri tri_word(const struct script *script, const char *word)
{
    if (strcmp(word, "yes") == 0)
        return SV_TRI_YES;
    if (strcmp(word, "no") == 0)
        return SV_TRI_NO;
    if (strcmp(word, "unknown") == 0)
        return SV_TRI_UNKNOWN;
    give_up(script, "not yes, no or unknown", word);
}

static void read_dns(const struct script *script, const char *word, struct sv_observation *seen)
{
    static const char *const names[] = {"unknown", "right", "wrong", "waiting"};

    seen->required_absent = strcmp(word, "absent") == 0;
    if (seen->required_absent)
        word = "wrong";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(word, names[i]) == 0) {
            seen->required = (enum sv_seen)i;
            return;
        }
    }
    give_up(script, "dns is right, wrong, absent, waiting or unknown, not", word);
}

/* "success" for all that is asked, "identity/dkim/mail_from", "unknown" or "skipped". */
static void read_ses(const struct script *script, char *word, struct sv_observation *seen)
{
    char *dkim = strchr(word, '/');
    char *mail_from = dkim != NULL ? strchr(dkim + 1, '/') : NULL;

    if (strcmp(word, "unknown") == 0)
        return;
    if (strcmp(word, "skipped") == 0) {
        seen->ses_skipped = true;
        return;
    }
    if (dkim != NULL)
        *dkim++ = '\0';
    if (mail_from != NULL)
        *mail_from++ = '\0';
    seen->ses_known = true;
    seen->identity = axis_word(script, word);
    seen->dkim = dkim != NULL ? axis_word(script, dkim) : seen->identity;
    seen->mail_from = mail_from != NULL ? axis_word(script, mail_from) : SV_AXIS_NONE;
    if (seen->identity != SV_AXIS_GONE)
        seen->signing = SV_TRI_YES;
}

/* "dmarc=7": that group was looked at, and its findings have this digest. */
static void read_findings(const struct script *script, char *word, struct sv_observation *seen)
{
    static const char *const groups[SV_GROUP_COUNT] = {"dkim", "ownership", "mail_from",
                                                       "spf",  "dmarc",     "dns"};
    char *digest = strchr(word, '=');

    if (digest == NULL)
        give_up(script, "findings are GROUP=DIGEST, not", word);
    *digest++ = '\0';
    for (int group = 0; group < SV_GROUP_COUNT; group++) {
        if (strcmp(word, groups[group]) == 0) {
            seen->group_known[group] = true;
            seen->group_digest[group] = (uint32_t)strtoul(digest, NULL, 10);
            return;
        }
    }
    give_up(script, "no such group", word);
}

/* "mail_from", "configuration_set", "dkim_method" or "none": all of it is told. */
static void read_drift(const struct script *script, const char *word, struct sv_observation *seen)
{
    seen->drift_told = SV_DRIFT_ALL;
    for (unsigned i = 0; i < SV_DRIFT_COUNT; i++) {
        if (strcmp(word, sv_drift_name(i)) == 0)
            seen->drift |= 1u << i;
    }
    if (seen->drift == 0 && strcmp(word, "none") != 0)
        give_up(script, "no such drift", word);
}

/* A word with its value behind it. */
static void read_pair(const struct script *script, const char *name, char *value,
                      struct sv_observation *seen)
{
    if (strcmp(name, "dns") == 0)
        read_dns(script, value, seen);
    else if (strcmp(name, "ses") == 0)
        read_ses(script, value, seen);
    else if (strcmp(name, "ttl") == 0)
        seen->required_ttl_s = (uint32_t)(parse_time(script, value) / SV_SECOND);
    else if (strcmp(name, "cached") == 0) /* from this look on; see read_words */
        seen->caches_until = parse_time(script, value);
    else if (strcmp(name, "drift") == 0)
        read_drift(script, value, seen);
    else if (strcmp(name, "signing") == 0)
        seen->signing = tri_word(script, value);
    else if (strcmp(name, "spf") == 0)
        seen->spf = tri_word(script, value);
    else if (strcmp(name, "dmarc") == 0)
        seen->dmarc = tri_word(script, value);
    else if (strcmp(name, "bulk") == 0)
        seen->bulk = tri_word(script, value);
    else if (strcmp(name, "findings") == 0)
        read_findings(script, value, seen);
    else
        give_up(script, "what is", name);
}

static void read_words(struct script *script, const struct words *words, struct sv_input *input)
{
    static const char *const kinds[SV_INPUT_COUNT] = {[SV_INPUT_PROVISIONED] = "provisioned",
                                                      [SV_INPUT_RESTARTED] = "restarted",
                                                      [SV_INPUT_REMOVED] = "removed",
                                                      [SV_INPUT_FAULT] = "fault"};

    input->kind = SV_INPUT_LOOKED;
    script->until = 0;
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->items[i];
        int kind = 0;

        while (kind < SV_INPUT_COUNT && (kinds[kind] == NULL || strcmp(kinds[kind], word) != 0))
            kind++;
        if (kind < SV_INPUT_COUNT)
            input->kind = (enum sv_input_kind)kind;
        else if (strcmp(word, "hurry") == 0)
            input->hurry = true;
        else if (strcmp(word, "disputed") == 0)
            input->seen.required_disputed = true;
        else if (strcmp(word, "adopted") == 0)
            input->adopted = true;
        else if (strcmp(word, "barred") == 0)
            input->seen.restart_barred = true;
        else if (strcmp(word, "mail_from") == 0)
            input->mail_from_wanted = true;
        else if (strcmp(word, "records") == 0 && i + 1 < words->count)
            input->records = (uint32_t)strtoul(words->items[++i], NULL, 10);
        else if (strcmp(word, "until") == 0 && i + 1 < words->count)
            script->until = START_AT + parse_time(script, words->items[++i]);
        else if (++i < words->count)
            read_pair(script, word, words->items[i], &input->seen);
        else
            give_up(script, "nothing behind", word);
    }
    if (input->seen.caches_until != 0)
        input->seen.caches_until += input->now;
}

/* What stands behind the arrow. */

static void tell_todo(const struct sv_domain *domain, char *out, size_t bytes)
{
    static const char *const names[] = {"provision", "restart_dkim", "restart_mail_from",
                                        "remove",    "delete",       "restore_set"};
    size_t at = 0;

    out[0] = '\0';
    for (size_t bit = 0; bit < sizeof(names) / sizeof(names[0]); bit++) {
        if ((domain->todo & 1u << bit) != 0)
            at += (size_t)snprintf(out + at, bytes - at, ", owes %s", names[bit]);
    }
}

static void tell_drift(const struct sv_domain *domain, char *out, size_t bytes)
{
    size_t at = 0;

    out[0] = '\0';
    for (unsigned bit = 0; bit < SV_DRIFT_COUNT; bit++) {
        if ((domain->drift & 1u << bit) != 0)
            at += (size_t)snprintf(out + at, bytes - at, ", drifted %s", sv_drift_name(bit));
    }
}

static void tell_step(const struct script *script, const struct sv_effects *effects, char *out,
                      size_t bytes)
{
    const struct sv_domain *domain = &script->domain;
    char wait[64], event[96], todo[128], drift[96], looks[32] = "";

    (void)snprintf(event, sizeof(event), "no event");
    if (effects->news != SV_NEWS_NONE)
        (void)snprintf(event, sizeof(event), "event %" PRIu64 " %s (%s)", domain->sequence,
                       sv_news_name(effects->news), sv_reason_name(effects->reason));
    tell_todo(domain, todo, sizeof(todo));
    tell_drift(domain, drift, sizeof(drift));
    print_time(wait, sizeof(wait), effects->wait_ms);
    if (script->looks > 0)
        (void)snprintf(looks, sizeof(looks), "%u looks, ", script->looks);
    (void)snprintf(
        out, bytes, "%s%s%s, %s, %s%s%s, %s%s", looks, effects->from == effects->to ? "still " : "",
        sv_status_name(effects->to), event, sv_conclusion_name(effects->shown), drift, todo,
        effects->wait_ms < 0 ? "never again" : "again in ", effects->wait_ms < 0 ? "" : wait);
}

static const char *tri_name(enum sv_tri tri)
{
    static const char *const names[] = {"unknown", "no", "yes"};

    return names[tri];
}

static void tell_flags(const struct script *script, char *out, size_t bytes)
{
    struct sv_flags flags;

    sv_domain_flags(&script->domain, &flags);
    (void)snprintf(out, bytes,
                   "domain %s, dkim %s, signing %s, mail_from %s/%s, spf %s, dmarc %s, sending %s",
                   tri_name(flags.domain_verified), tri_name(flags.dkim_verified),
                   tri_name(flags.dkim_enabled), tri_name(flags.mail_from_configured),
                   tri_name(flags.mail_from_verified), tri_name(flags.spf_configured),
                   tri_name(flags.dmarc_configured), tri_name(flags.sending_enabled));
}

static void tell_deadline(sv_ms at, char *out, size_t bytes)
{
    (void)snprintf(out, bytes, "not known");
    if (at != 0)
        print_time(out, bytes, at - START_AT);
}

static void tell_deadlines(const struct script *script, char *out, size_t bytes)
{
    char stops[64], looks[64];

    tell_deadline(sv_domain_stops_sending_at(&script->domain, &script->policy), stops,
                  sizeof(stops));
    tell_deadline(sv_domain_ses_looks_until(&script->domain, &script->policy), looks,
                  sizeof(looks));
    (void)snprintf(out, bytes, "stops sending: %s, ses looks until: %s", stops, looks);
}

static void tell_forecast(const struct script *script, char *out, size_t bytes)
{
    char expected[64], stops[64], restart[64];

    tell_deadline(sv_domain_dns_expected_by(&script->domain), expected, sizeof(expected));
    tell_deadline(sv_domain_stops_sending_at(&script->domain, &script->policy), stops,
                  sizeof(stops));
    tell_deadline(sv_domain_restart_due_at(&script->domain, &script->policy), restart,
                  sizeof(restart));
    (void)snprintf(out, bytes, "everywhere by: %s, stops sending: %s, restart due: %s", expected,
                   stops, restart);
}

/* As the driver does: a look that finds the claim run out is a removal instead. */
static void step_as_driver(struct script *script, struct sv_input *input,
                           struct sv_effects *effects)
{
    struct sv_input decided = *input;

    if (input->kind == SV_INPUT_LOOKED && !input->hurry &&
        sv_domain_is_given_up(&script->domain, &script->policy, &input->seen, script->registered_at,
                              input->now)) {
        decided.kind = SV_INPUT_REMOVED;
        decided.never_verified = true;
    }
    sv_domain_step(&script->domain, &script->policy, &decided, effects);
    if (effects->news == SV_NEWS_REGISTERED)
        script->registered_at = input->now;
}

/* Looks again whenever the machine says so, as the driver does: SES is left out when the machine
 * does not want it asked. Ends before the instant `until`; at least one look is made. */
static struct sv_effects run_until(struct script *script, struct sv_input *input)
{
    const struct sv_observation seen = input->seen;
    struct sv_effects effects;

    do {
        input->seen = seen;
        if (!sv_domain_wants_ses(&script->domain, &script->policy, input->now, &seen)) {
            input->seen.ses_known = false;
            input->seen.ses_skipped = true;
        }
        step_as_driver(script, input, &effects);
        script->steps++;
        script->looks++;
        input->now += effects.wait_ms;
    } while (effects.wait_ms > 0 && input->now < script->until);
    return effects;
}

/* The driver would not have done what the line says: the scenario is wrong, not the machine. */
static void check_gate(const struct script *script, const struct sv_input *input)
{
    bool wants = sv_domain_wants_ses(&script->domain, &script->policy, input->now, &input->seen);

    if (input->kind == SV_INPUT_LOOKED && input->seen.ses_skipped && wants)
        give_up(script, "SES has to be asked here", "ses skipped");
    if (input->kind == SV_INPUT_LOOKED && input->seen.ses_known && !wants)
        give_up(script, "SES must not be asked here", "say `ses skipped`");
}

static void run_words(struct script *script, const struct words *words, char *out, size_t bytes)
{
    struct sv_input input = {.random = SV_JITTER_STEPS}; /* no jitter */
    struct words rest = {0};
    struct sv_effects effects;

    if (words->count == 2 && strcmp(words->items[0], "show") == 0) {
        if (strcmp(words->items[1], "flags") == 0)
            tell_flags(script, out, bytes);
        else if (strcmp(words->items[1], "deadlines") == 0)
            tell_deadlines(script, out, bytes);
        else if (strcmp(words->items[1], "forecast") == 0)
            tell_forecast(script, out, bytes);
        else
            give_up(script, "cannot show", words->items[1]);
        return;
    }
    if (words->count < 3 || strcmp(words->items[0], "at") != 0)
        give_up(script, "a line is `at TIME WHAT -> RESULT` or `show WHAT -> RESULT`, not",
                words->count > 0 ? words->items[0] : "nothing");
    input.now = START_AT + parse_time(script, words->items[1]);
    for (size_t i = 2; i < words->count; i++)
        rest.items[rest.count++] = words->items[i];
    read_words(script, &rest, &input);
    script->looks = 0;
    if (script->until != 0) {
        effects = run_until(script, &input);
    } else {
        check_gate(script, &input);
        step_as_driver(script, &input, &effects);
        script->steps++;
    }
    tell_step(script, &effects, out, bytes);
}

static void split(const struct script *script, char *text, struct words *words)
{
    char *save = NULL;

    words->count = 0;
    for (char *word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        if (words->count == WORDS_MAX)
            give_up(script, "too many words before", word);
        words->items[words->count++] = word;
    }
}

static void run_line(struct script *script, char *line)
{
    char before[LINE_BYTES_MAX], found[LINE_BYTES_MAX];
    char *arrow = strstr(line, "->");
    struct words words;
    size_t len;

    if (line[0] == '\0' || line[0] == '#') {
        if (script->print)
            (void)printf("%s\n", line);
        return;
    }
    if (arrow == NULL)
        give_up(script, "no arrow in", line);
    len = (size_t)(arrow - line);
    memcpy(before, line, len);
    before[len] = '\0';
    if (script->print)
        (void)printf("%s-> ", before);
    split(script, before, &words);
    run_words(script, &words, found, sizeof(found));
    arrow += 2 + strspn(arrow + 2, " ");
    if (script->print) {
        (void)printf("%s\n", found);
    } else if (strcmp(found, arrow) != 0) {
        (void)printf("%s:%u: %.*s\n- %s\n+ %s\n", script->path, script->line, (int)len, line, arrow,
                     found);
        script->mismatches++;
    }
}

int main(int argc, char **argv)
{
    struct script script = {.policy = sv_policy_default(),
                            .domain = {.todo = SV_TODO_PROVISION},
                            .print = argc == 3 && strcmp(argv[1], "--print") == 0};
    char line[LINE_BYTES_MAX];
    FILE *file;

    if (argc != (script.print ? 3 : 2)) {
        (void)fprintf(stderr, "usage: scenario [--print] FILE\n");
        return 2;
    }
    script.path = argv[argc - 1];
    file = fopen(script.path, "r");
    if (file == NULL) {
        perror(script.path);
        return 2;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        script.line++;
        if (strchr(line, '\n') == NULL)
            give_up(&script, "line too long, or no newline at the end", line);
        line[strcspn(line, "\n")] = '\0';
        run_line(&script, line);
    }
    (void)fclose(file);
    if (!script.print)
        (void)printf("%u steps, %u differ\n", script.steps, script.mismatches);
    return script.mismatches > 0 || script.steps == 0 ? 1 : 0;
}
