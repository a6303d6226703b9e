#include "commands.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>
#include <hiredis/hiredis.h>
#include <idn2.h>
#include <jansson.h>
#include <ldns/ldns.h>
#include <libpsl.h>
#include <openssl/crypto.h>
#include <uv.h>

#include "exit.h"
#include "libraries.h"
#include "nearest.h"
#include "sv/alloc.h"

/* clang-format off: one a line, in the order of the overview */
const struct sv_command *const sv_commands[] = {
    &sv_command_run,
    &sv_command_demo,
    &sv_command_check,
    &sv_command_enqueue,
    &sv_command_records,
    &sv_command_explain,
    &sv_command_status,
    &sv_command_top,
    &sv_command_stats,
    &sv_command_health,
    &sv_command_events_tail,
    &sv_command_import,
    &sv_command_pause,
    &sv_command_resume,
    &sv_command_doctor,
    &sv_command_reshard,
    &sv_command_dead_list,
    &sv_command_dead_show,
    &sv_command_dead_retry,
    &sv_command_dead_drop,
    &sv_command_sinks_list,
    &sv_command_sinks_enable,
    &sv_command_sinks_dead,
    &sv_command_sinks_replay,
    &sv_command_config_check,
    &sv_command_config_show,
    &sv_command_config_defaults,
    &sv_command_completion,
    NULL,
};
/* clang-format on */

static void show_overview(FILE *out)
{
    (void)fprintf(out, "sesverify: verifies and guards client domains on Amazon SES\n\n"
                       "Usage: sesverify COMMAND [options]\n\nCommands:\n");
    for (size_t i = 0; sv_commands[i] != NULL; i++)
        (void)fprintf(out, "  %-16s  %s\n", sv_commands[i]->name, sv_commands[i]->summary);
    (void)fprintf(out, "\nOptions:\n  --help            this text; also behind every command\n"
                       "  --version         version, commit and libraries\n\n"
                       "Examples:\n  sesverify check example.com --region eu-west-1\n"
                       "  sesverify run --config /etc/sesverify/sesverify.conf\n");
}

static void show_version(FILE *out)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);

    (void)fprintf(out, "sesverify %s\ncommit %s\n", SV_VERSION, sv_commit);
    (void)fprintf(out, "libuv %s\nlibcurl %s\n%s\njansson %s\n", uv_version_string(), curl->version,
                  OpenSSL_version(OPENSSL_VERSION), jansson_version_str());
    (void)fprintf(out, "hiredis %d.%d.%d\nldns %s\nlibidn2 %s\nlibpsl %s\n", HIREDIS_MAJOR,
                  HIREDIS_MINOR, HIREDIS_PATCH, ldns_version(), idn2_check_version(NULL),
                  psl_check_version_number(0) == 0 ? "unknown" : psl_get_version());
}

/* A command's name is one word or two; `used` tells how many. */
static const struct sv_command *find_command(int count, char *const *words, int *used)
{
    for (size_t i = 0; sv_commands[i] != NULL; i++) {
        const char *name = sv_commands[i]->name;
        const char *blank = strchr(name, ' ');
        size_t first_len = blank != NULL ? (size_t)(blank - name) : strlen(name);

        if (strlen(words[0]) != first_len || strncmp(words[0], name, first_len) != 0)
            continue;
        if (blank != NULL && (count < 2 || strcmp(words[1], blank + 1) != 0))
            continue;
        *used = blank != NULL ? 2 : 1;
        return sv_commands[i];
    }
    return NULL;
}

/* Several commands share a first word: "config" alone, or with --help, lists them. */
static bool show_group(int count, char *const *words, FILE *out)
{
    size_t len = strlen(words[0]);
    bool found = false;

    if (count > 1 && strcmp(words[1], "--help") != 0 && strcmp(words[1], "-h") != 0)
        return false;
    for (size_t i = 0; sv_commands[i] != NULL; i++) {
        const char *name = sv_commands[i]->name;

        if (strncmp(name, words[0], len) != 0 || name[len] != ' ')
            continue;
        if (!found)
            (void)fprintf(out, "Usage: sesverify %s COMMAND [options]\n\nCommands:\n", words[0]);
        (void)fprintf(out, "  %-16s  %s\n", name, sv_commands[i]->summary);
        found = true;
    }
    return found;
}

static int refuse_command(int count, char *const *words)
{
    char typed[2 * SV_NEAREST_BYTES_MAX];
    struct sv_nearest nearest;
    struct sv_nearest pair;

    (void)snprintf(typed, sizeof(typed), "%.60s%s%.60s", words[0], count > 1 ? " " : "",
                   count > 1 ? words[1] : "");
    sv_nearest_init(&nearest, words[0]);
    sv_nearest_init(&pair, typed);
    for (size_t i = 0; sv_commands[i] != NULL; i++) {
        sv_nearest_offer(&nearest, sv_commands[i]->name);
        sv_nearest_offer(&pair, sv_commands[i]->name);
    }
    if (pair.distance < nearest.distance)
        nearest = pair;
    if (nearest.best != NULL)
        (void)fprintf(stderr, "sesverify: unknown command '%.60s' (did you mean '%s'?)\n", typed,
                      nearest.best);
    else
        (void)fprintf(stderr, "sesverify: unknown command '%.60s'; see sesverify --help\n", typed);
    return SV_EXIT_USAGE;
}

/* A pipe whose reader is gone. */
static bool reader_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* What was printed must have arrived; a reader that left early (head, less) is no error to tell. */
static int finish(int code)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return code;
    if (!reader_left())
        (void)fprintf(stderr, "sesverify: standard output cannot be written\n");
    return SV_EXIT_IO;
}

static int run_command(int count, char *const *words, char *const *environment)
{
    char error[SV_OPTION_ERROR_BYTES];
    struct sv_args args;
    int used = 0;
    const struct sv_command *command = find_command(count, words, &used);

    if (command == NULL) {
        bool asked = count > 1;

        return show_group(count, words, asked ? stdout : stderr)
                   ? (asked ? SV_EXIT_OK : SV_EXIT_USAGE)
                   : refuse_command(count, words);
    }
    if (!sv_args_read(command, count - used, words + used, &args, error)) {
        (void)fprintf(stderr, "sesverify %s: %s\nTry: sesverify %s --help\n", command->name, error,
                      command->name);
        return SV_EXIT_USAGE;
    }
    args.environment = environment;
    if (args.help) {
        sv_command_help(command, stdout);
        return SV_EXIT_OK;
    }
    return command->run(&args);
}

int sv_worker_main(int argc, char *const *argv, char *const *environment)
{
    (void)signal(SIGPIPE, SIG_IGN); /* a peer that left is an error code, never our end (E5) */
    sv_libraries_init();
    if (argc < 2) {
        show_overview(stderr);
        return SV_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        show_overview(stdout);
        return finish(SV_EXIT_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        show_version(stdout);
        return finish(SV_EXIT_OK);
    }
    if (argv[1][0] == '-') {
        (void)fprintf(stderr, "sesverify: unknown option '%.60s'%s\n", argv[1],
                      sv_nearest_distance(argv[1], "--version") <= 3
                          ? " (did you mean '--version'?)"
                      : sv_nearest_distance(argv[1], "--help") <= 2 ? " (did you mean '--help'?)"
                                                                    : "");
        return SV_EXIT_USAGE;
    }
    return finish(run_command(argc - 1, argv + 1, environment));
}
