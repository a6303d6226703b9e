#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "sv/alloc.h"
#include "sv/name.h"
#include "sv/require.h"

static const char help[] =
    "usage: sesverify-sandbox [option...]\n"
    "\n"
    "Stands in for Amazon SES (API v1, API v2, STS and the other givers of keys) and for the DNS "
    "of your "
    "clients'\n"
    "domains. Identities become verified, or fail, because the sandbox looks into DNS itself. When "
    "it is\n"
    "ready it prints one line of JSON with its addresses.\n"
    "\n"
    "  --listen ADDR:PORT       SES (default 127.0.0.1:0; port 0 picks a free one)\n"
    "  --control ADDR:PORT      faults, clock, zone and state as JSON over HTTP (default "
    "127.0.0.1:0)\n"
    "  --dns ADDR:PORT          where SES looks records up (default: the own DNS server)\n"
    "  --dns-listen ADDR:PORT   the own DNS server, UDP and TCP (default 127.0.0.1:0 without "
    "--dns)\n"
    "  --zone FILE              the records it serves: lines of 'name TTL TYPE value'; read again "
    "on SIGHUP\n"
    "  --region REGION          region of control calls that name none (default eu-west-1)\n"
    "  --hosted-zone NAME       the zone DKIM aliases point into (default: by region)\n"
    "  --access-key ID          an access key, followed by its --secret-key (repeatable;\n"
    "  --secret-key KEY           default AKIDSANDBOX with sandbox-secret)\n"
    "  --session-token TOKEN    makes the key before it a temporary one that needs this token\n"
    "  --account NAME           puts the key before it into that account (default: one named as "
    "the key)\n"
    "  --speed N                virtual seconds per real second (default 1)\n"
    "  --look-every DURATION    how often SES looks, in virtual time: 250ms, 60s, 5m, 6h (default "
    "60s)\n"
    "  --rate R                 calls a second for each account, region and action (default 0: no "
    "limit)\n"
    "  --burst B                calls that may come at once under --rate (default 1)\n"
    "  --omit-unknown           v1 DKIM reads leave unknown identities out instead of saying "
    "NotStarted\n"
    "  --exit-with-stdin        end when standard input is closed\n"
    "  --help, --version\n";

enum {
    OPT_LISTEN = 1,
    OPT_CONTROL,
    OPT_DNS,
    OPT_DNS_LISTEN,
    OPT_ZONE,
    OPT_REGION,
    OPT_HOSTED_ZONE,
    OPT_ACCESS_KEY,
    OPT_SECRET_KEY,
    OPT_SESSION_TOKEN,
    OPT_ACCOUNT,
    OPT_SPEED,
    OPT_LOOK_EVERY,
    OPT_RATE,
    OPT_BURST,
    OPT_OMIT_UNKNOWN,
    OPT_EXIT_WITH_STDIN,
    OPT_HELP,
    OPT_VERSION,
};

static const struct option longs[] = {
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"control", required_argument, NULL, OPT_CONTROL},
    {"dns", required_argument, NULL, OPT_DNS},
    {"dns-listen", required_argument, NULL, OPT_DNS_LISTEN},
    {"zone", required_argument, NULL, OPT_ZONE},
    {"region", required_argument, NULL, OPT_REGION},
    {"hosted-zone", required_argument, NULL, OPT_HOSTED_ZONE},
    {"access-key", required_argument, NULL, OPT_ACCESS_KEY},
    {"secret-key", required_argument, NULL, OPT_SECRET_KEY},
    {"session-token", required_argument, NULL, OPT_SESSION_TOKEN},
    {"account", required_argument, NULL, OPT_ACCOUNT},
    {"speed", required_argument, NULL, OPT_SPEED},
    {"look-every", required_argument, NULL, OPT_LOOK_EVERY},
    {"rate", required_argument, NULL, OPT_RATE},
    {"burst", required_argument, NULL, OPT_BURST},
    {"omit-unknown", no_argument, NULL, OPT_OMIT_UNKNOWN},
    {"exit-with-stdin", no_argument, NULL, OPT_EXIT_WITH_STDIN},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static bool bad(const char *option, const char *value, const char *why)
{
    (void)fprintf(stderr, "sesverify-sandbox: --%s %s: %s\n", option, value, why);
    return false;
}

static bool take_address(const char *option, const char *value, struct sockaddr_storage *out)
{
    struct sv_errinfo info;

    return sb_address_parse(value, out, &info) == SV_OK || bad(option, value, info.text);
}

static bool take_number(const char *option, const char *value, double max, double *out)
{
    char *end;

    *out = strtod(value, &end);
    if (*value == 0 || *end != 0 || !(*out >= 0) || *out > max)
        return bad(option, value, "not a number in range");
    return true;
}

/* What comes behind an --access-key. */
static bool take_of_key(struct sb_key *last, int option, const char *value)
{
    static const char *const names[] = {"secret-key", "session-token", "account"};
    size_t which = (size_t)(option - OPT_SECRET_KEY);
    char **place = which == 0 ? &last->secret : which == 1 ? &last->session_token : &last->account;

    if (*place != NULL)
        return bad(names[which], "...", "belongs behind its --access-key, once");
    if (option == OPT_ACCOUNT &&
        (*value == 0 || strlen(value) >= SB_KEY_ID_BYTES || strpbrk(value, "/, ") != NULL))
        return bad("account", value, "not the name of an account");
    *place = sv_strdup(value);
    return true;
}

static bool take_key(struct sb_keys *keys, int option, const char *value)
{
    struct sb_key *last = keys->count == 0 ? NULL : &keys->list[keys->count - 1];

    if (option == OPT_ACCESS_KEY) {
        if (keys->count == SB_KEYS_MAX || strlen(value) >= SB_KEY_ID_BYTES || *value == 0 ||
            strpbrk(value, "/, ") != NULL)
            return bad("access-key", value, "too many keys, or not an access key id");
        if (last != NULL && last->secret == NULL)
            return bad("access-key", value, "the key before it has no --secret-key");
        keys->list[keys->count++].id = sv_strdup(value);
        return true;
    }
    if (last == NULL)
        return bad(option == OPT_ACCOUNT ? "account" : "secret-key", "...",
                   "has no --access-key before it");
    return take_of_key(last, option, value);
}

static bool take_region(const char *value, const char **out)
{
    *out = value;
    if (*value != 0 && strlen(value) < SB_REGION_BYTES && strpbrk(value, "/ ,") == NULL)
        return true;
    return bad("region", value, "not a region");
}

static bool take(struct sb_options *options, int option, const char *value)
{
    switch (option) {
    case OPT_LISTEN:
        return take_address("listen", value, &options->listen);
    case OPT_CONTROL:
        return take_address("control", value, &options->control);
    case OPT_DNS:
        options->has_dns = true;
        return take_address("dns", value, &options->dns);
    case OPT_DNS_LISTEN:
        options->has_dns_listen = true;
        return take_address("dns-listen", value, &options->dns_listen);
    case OPT_ZONE:
        options->zone_file = value;
        return true;
    case OPT_REGION:
        return take_region(value, &options->region);
    case OPT_HOSTED_ZONE:
        options->hosted_zone = value;
        return strlen(value) < SV_NAME_BYTES || bad("hosted-zone", value, "too long");
    case OPT_ACCESS_KEY:
    case OPT_SECRET_KEY:
    case OPT_SESSION_TOKEN:
    case OPT_ACCOUNT:
        return take_key(&options->keys, option, value);
    case OPT_SPEED:
        return take_number("speed", value, SB_SPEED_MAX, &options->speed);
    case OPT_LOOK_EVERY:
        return (sv_duration_parse(value, strlen(value), &options->look_every_ms) == SV_OK &&
                options->look_every_ms > 0) ||
               bad("look-every", value, "not a duration such as 60s");
    case OPT_RATE:
        return take_number("rate", value, 1e6, &options->rate);
    case OPT_BURST:
        return take_number("burst", value, 1e6, &options->burst);
    case OPT_OMIT_UNKNOWN:
        options->omit_unknown = true;
        return true;
    case OPT_EXIT_WITH_STDIN:
        options->exit_with_stdin = true;
        return true;
    default:
        return false; /* getopt_long has said what is wrong */
    }
}

static enum sb_options_end finish(struct sb_options *options)
{
    struct sb_keys *keys = &options->keys;

    if (keys->count > 0 && keys->list[keys->count - 1].secret == NULL) {
        (void)bad("access-key", keys->list[keys->count - 1].id, "has no --secret-key");
        return SB_OPTIONS_BAD;
    }
    if (keys->count == 0) {
        keys->list[0] =
            (struct sb_key){.id = sv_strdup("AKIDSANDBOX"), .secret = sv_strdup("sandbox-secret")};
        keys->count = 1;
    }
    if (options->zone_file != NULL && options->has_dns && !options->has_dns_listen) {
        (void)bad("zone", options->zone_file, "needs --dns-listen when --dns is given");
        return SB_OPTIONS_BAD;
    }
    return SB_OPTIONS_RUN;
}

enum sb_options_end sb_options_parse(struct sb_options *options, int argc, char **argv)
{
    int option;

    *options = (struct sb_options){
        .region = "eu-west-1", .speed = 1, .look_every_ms = SV_MINUTE, .burst = 1};
    SV_REQUIRE(sb_address_parse("127.0.0.1:0", &options->listen, NULL) == SV_OK);
    options->control = options->dns_listen = options->listen;
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (option == OPT_HELP || option == OPT_VERSION) {
            (void)fputs(option == OPT_HELP ? help : "sesverify-sandbox " SV_VERSION "\n", stdout);
            return SB_OPTIONS_DONE;
        }
        if (!take(options, option, optarg))
            return SB_OPTIONS_BAD;
    }
    if (optind < argc) {
        (void)fprintf(stderr, "sesverify-sandbox: unexpected argument %s\n", argv[optind]);
        return SB_OPTIONS_BAD;
    }
    return finish(options);
}

void sb_options_fini(struct sb_options *options)
{
    for (size_t i = 0; i < options->keys.count; i++) {
        free(options->keys.list[i].id);
        free(options->keys.list[i].secret);
        free(options->keys.list[i].session_token);
        free(options->keys.list[i].account);
    }
    options->keys.count = 0;
}
