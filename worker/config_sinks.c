#include "config_sinks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "sv/public_address.h"
#include "sv/require.h"
#include "wire_sinks.h"

enum { WHERE_BYTES = 64 };

static const char *const event_kinds[] = {
    "registered", "verified", "at_risk",      "restored", "failed",
    "removed",    "updated",  "job_finished", NULL,
};

static void refuse(struct sv_problems *problems, const struct sv_config_sink *sink,
                   const char *text)
{
    char where[WHERE_BYTES];

    (void)snprintf(where, sizeof(where), "[sink %s]", sink->name);
    sv_problems_add(problems, false, where, "%s", text);
}

static void check_events(const struct sv_config_sink *sink, struct sv_problems *problems)
{
    for (size_t i = 0; i < sink->events.count; i++) {
        struct sv_nearest nearest;
        char text[256];
        bool is_known = false;

        sv_nearest_init(&nearest, sink->events.items[i]);
        for (const char *const *kind = event_kinds; *kind != NULL; kind++) {
            is_known = is_known || strcmp(*kind, sink->events.items[i]) == 0;
            sv_nearest_offer(&nearest, *kind);
        }
        if (is_known)
            continue;
        (void)snprintf(text, sizeof(text), "events: '%.60s' is no type of event%s%s%s",
                       sink->events.items[i], nearest.best != NULL ? " (did you mean '" : "",
                       nearest.best != NULL ? nearest.best : "", nearest.best != NULL ? "'?)" : "");
        refuse(problems, sink, text);
    }
}

static bool is_port(const char *text)
{
    size_t len = strspn(text, "0123456789");
    unsigned long port = strtoul(text, NULL, 10);

    return len > 0 && len <= 5 && text[len] == '\0' && port >= 1 && port <= 65535;
}

static void check_lists(const struct sv_config_sink *sink, struct sv_problems *problems)
{
    char text[128];

    for (size_t i = 0; i < sink->allow_addresses.count; i++) {
        struct sv_network network;

        (void)snprintf(text, sizeof(text), "allow_addresses: '%.60s' is neither ADDR nor ADDR/BITS",
                       sink->allow_addresses.items[i]);
        if (!sv_network_parse(sink->allow_addresses.items[i], &network))
            refuse(problems, sink, text);
    }
    for (size_t i = 0; i < sink->ports.count; i++) {
        (void)snprintf(text, sizeof(text), "ports: '%.60s' is no port", sink->ports.items[i]);
        if (!is_port(sink->ports.items[i]))
            refuse(problems, sink, text);
    }
    for (size_t i = 0; i < sink->retries.count; i++) {
        const char *wait = sink->retries.items[i];
        sv_ms wait_ms;

        (void)snprintf(text, sizeof(text),
                       "retries: '%.60s' is not a duration of at most 30d with its unit", wait);
        if (sv_duration_parse(wait, strlen(wait), &wait_ms) != SV_OK || wait_ms < 0 ||
            wait_ms > 30 * SV_DAY)
            refuse(problems, sink, text);
    }
    if (sink->retries.count == 0)
        refuse(problems, sink, "retries: at least one attempt is made");
}

/* What nobody signs and what carries no key: the address is all there is to keep. */
static bool is_address_the_secret(const struct sv_config_sink *sink)
{
    return strcmp(sv_sink_kinds[sink->kind], "webhook") == 0 &&
           (sink->format == SV_SINK_FORMAT_SLACK || sink->format == SV_SINK_FORMAT_ALERTMANAGER);
}

/* Each kind has one setting without which it leads nowhere. */
static void check_target(const struct sv_config_sink *sink, struct sv_problems *problems)
{
    const char *kind = sv_sink_kinds[sink->kind];
    const struct {
        const char *kind, *value, *said;
    } rows[] = {
        {"sns", sink->topic_arn, "sns needs topic_arn"},
        {"sqs", sink->queue_url, "sqs needs queue_url"},
        {"redis", sink->url, "redis needs url"},
        {"redis", sink->stream, "redis needs stream"},
        {"exec", sink->command, "exec needs command"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].kind, kind) == 0 && *rows[i].value == '\0')
            refuse(problems, sink, rows[i].said);
    }
    if (strcmp(kind, "webhook") == 0 && *sink->url == '\0' && !sv_config_sink_url_is_secret(sink))
        refuse(problems, sink, "a webhook needs url");
    if (is_address_the_secret(sink) && *sink->url != '\0' && *sink->secret_file != '\0')
        refuse(problems, sink, "url, or secret_file with the address in it: not both");
    if (strcmp(kind, "webhook") == 0 && *sink->url != '\0' &&
        strncmp(sink->url, "https://", 8) != 0)
        refuse(problems, sink, "url: a webhook's begins with https://");
    if (strcmp(kind, "exec") == 0 && *sink->command != '\0' && *sink->command != '/')
        refuse(problems, sink, "command: an absolute path");
}

/* Two would write into each other's lines. */
static void check_stdout(const struct sv_config *config, struct sv_problems *problems)
{
    const struct sv_config_sink *first = NULL;

    for (size_t i = 0; i < config->sinks_count; i++) {
        const struct sv_config_sink *sink = &config->sinks[i];
        char text[128];

        if (strcmp(sv_sink_kinds[sink->kind], "stdout") != 0)
            continue;
        (void)snprintf(text, sizeof(text), "kind: [sink %s] writes to standard output already",
                       first != NULL ? first->name : "");
        if (first != NULL)
            refuse(problems, sink, text);
        else
            first = sink;
    }
}

void sv_config_sinks_check(const struct sv_config *config, struct sv_problems *problems)
{
    for (size_t i = 0; i < config->sinks_count; i++) {
        const struct sv_config_sink *sink = &config->sinks[i];

        check_events(sink, problems);
        check_lists(sink, problems);
        check_target(sink, problems);
    }
    check_stdout(config, problems);
}

bool sv_config_sink_url_is_secret(const struct sv_config_sink *sink)
{
    return is_address_the_secret(sink) && *sink->url == '\0';
}

void sv_config_sinks_announce(const struct sv_config *config, struct sv_problems *problems)
{
    for (size_t i = 0; i < config->sinks_count; i++) {
        char where[WHERE_BYTES];

        (void)snprintf(where, sizeof(where), "[sink %s]", config->sinks[i].name);
        if (config->sinks[i].allow_addresses.count > 0)
            sv_problems_add(problems, true, where,
                            "allow_addresses: addresses that are not public are connected to");
    }
}

struct sv_delivery_plan sv_config_sink_plan(const struct sv_config_sink *sink)
{
    struct sv_delivery_plan plan = {.attempts = sink->retries.count};

    for (size_t i = 0; i < plan.attempts; i++) {
        const char *wait = sink->retries.items[i];

        SV_REQUIRE(sv_duration_parse(wait, strlen(wait), &plan.waits_ms[i]) == SV_OK);
    }
    return plan;
}

struct sv_delivery_filter sv_config_sink_filter(const struct sv_config_sink *sink)
{
    return (struct sv_delivery_filter){
        .kinds = (const char *const *)sink->events.items,
        .kinds_count = sink->events.count,
        .clients = (const char *const *)sink->clients.items,
        .clients_count = sink->clients.count,
        .accounts = (const char *const *)sink->accounts.items,
        .accounts_count = sink->accounts.count,
        .least = (enum sv_delivery_severity)sink->severity,
    };
}
