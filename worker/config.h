/* The configuration: one table of settings, read from file, environment and flags, checked, frozen.
 * Precedence: flag > SESVERIFY_SECTION_KEY > file > built-in (L1). */
#ifndef SV_WORKER_CONFIG_H
#define SV_WORKER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "own_key.h"
#include "problems.h"
#include "sv/buf.h"
#include "sv/drive.h"
#include "sv/log.h"
#include "sv/sink.h"

#define SV_CONFIG_FILE "/etc/sesverify/sesverify.conf"

enum {
    SV_CONFIG_SETTINGS_MAX = 96,
    SV_CONFIG_ACCOUNT_SETTINGS_MAX = 24,
    SV_CONFIG_SINK_SETTINGS_MAX = 32,
    SV_CONFIG_LIST_MAX = 64,
    SV_CONFIG_VALUE_BYTES = 4097,
};

struct sv_text_list {
    size_t count;
    char **items; /* ends with a NULL; never NULL itself */
};

enum sv_origin_kind { SV_ORIGIN_BUILT_IN, SV_ORIGIN_FILE, SV_ORIGIN_ENVIRONMENT, SV_ORIGIN_FLAG };

/* Where a value came from. */
struct sv_origin {
    enum sv_origin_kind kind;
    unsigned line; /* FILE */
};

enum sv_dns_authoritative { SV_DNS_AUTHORITATIVE_AUTO, SV_DNS_AUTHORITATIVE_OFF };
enum sv_unsafe_server { SV_UNSAFE_SERVER_WARN, SV_UNSAFE_SERVER_REFUSE };
enum sv_sandbox_mode { SV_SANDBOX_AUTO, SV_SANDBOX_ON, SV_SANDBOX_OFF };
enum sv_overlap { SV_OVERLAP_REFUSE, SV_OVERLAP_ALLOW };

struct sv_config_account {
    char name[65];
    char *region;  /* "" = not known; otherwise the account's own or the environment's */
    char *profile; /* "" = the default credential chain */
    char *role_arn, *external_id, *role_session_name;
    char *endpoint_url;
    unsigned rate_millihertz;
    bool reputation;
    sv_ms reputation_every_ms;
    unsigned dkim; /* index of the choice: enum sv_dkim_method - SV_DKIM_EASY */
    char *dkim_selector, *dkim_key_file, *dkim_parent_region, *configuration_set;
    struct sv_text_list tags;  /* "key=value" */
    struct sv_own_key own_key; /* of dkim_key_file, once sv_account_keys_read has read it */
    struct sv_origin origins[SV_CONFIG_ACCOUNT_SETTINGS_MAX];
};

enum sv_sink_format {
    SV_SINK_FORMAT_CLOUDEVENT,
    SV_SINK_FORMAT_PAGERDUTY,
    SV_SINK_FORMAT_SLACK,
    SV_SINK_FORMAT_ALERTMANAGER,
};

struct sv_config_sink {
    char name[SV_SINK_NAME_BYTES];
    unsigned kind;   /* index of the choice: "webhook", "sns" ... */
    unsigned format; /* enum sv_sink_format */
    char *url, *secret_file, *ca_file;
    struct sv_text_list events, clients, accounts; /* empty = all */
    unsigned severity;                             /* enum sv_delivery_severity */
    struct sv_text_list allow_addresses, ports;
    sv_ms timeout_ms;
    struct sv_text_list retries; /* durations */
    unsigned parallel;           /* attempts under way at once, per shard */
    char *topic_arn, *queue_url, *bus, *region, *account, *endpoint_url, *stream, *command;
    unsigned stream_entries;   /* 0 = all */
    unsigned flapping_changes; /* 0 = nothing is held back */
    sv_ms flapping_window_ms, flapping_quiet_ms;
    struct sv_origin origins[SV_CONFIG_SINK_SETTINGS_MAX];
};

/* Every value of the table; texts are owned and never NULL. */
struct sv_config {
    struct {
        char *url, *user, *password_file, *password, *prefix;
        char *tls_ca_file, *tls_cert_file, *tls_key_file, *tls_server_name; /* "" = none */
        unsigned shards;
        sv_ms connect_timeout_ms, command_timeout_ms;
        size_t reply_bytes_max;
        unsigned unsafe_server; /* enum sv_unsafe_server */
    } redis;
    struct {
        struct sv_text_list servers, root_servers;
        unsigned authoritative; /* enum sv_dns_authoritative */
        unsigned authority_port;
        bool allow_private;
        sv_ms try_timeout_ms, query_timeout_ms;
        unsigned tries_max, authority_rate;
    } dns;
    struct sv_limits limits;
    struct sv_policy policy;
    sv_ms sweep_every_ms;
    unsigned sweep_domains_min;
    struct {
        bool allow_special_use;
        struct sv_text_list restricted; /* normal form */
        unsigned overlap;               /* enum sv_overlap */
    } domains;
    struct {
        char *dmarc;
    } records;
    struct {
        sv_ms retention_ms; /* 0 = for ever */
    } events;
    struct {
        char *listen; /* "off" = no status port */
        bool domains; /* it shows domains and clients, too */
        struct sv_text_list hosts;
    } status;
    struct {
        unsigned format; /* enum sv_log_format */
        unsigned level;  /* enum sv_log_level */
    } log;
    struct {
        char *name;
        char *plan_trace; /* a file; "" = none */
        unsigned sandbox; /* enum sv_sandbox_mode */
        bool probe;
        unsigned inflight_max, deaths_max;
        sv_ms lease_ms, poll_ms, crash_wait_ms, reclaim_ms, heartbeat_ms, dns_ms, drain_timeout_ms,
            start_spread_ms, startup_timeout_ms;
    } worker;
    struct sv_config_account accounts[SV_ACCOUNTS_MAX]; /* always at least one */
    size_t accounts_count;
    struct sv_config_sink sinks[SV_SINKS_MAX];
    size_t sinks_count;

    char *file;                                       /* the file that was read; NULL = none */
    struct sv_origin origins[SV_CONFIG_SETTINGS_MAX]; /* beside sv_settings */
};

/* NULL when there is none of this name. */
const struct sv_config_sink *sv_config_sink_find(const struct sv_config *config, const char *name);
const struct sv_config_account *sv_config_account_find(const struct sv_config *config,
                                                       const char *name);

enum sv_setting_type {
    SV_SETTING_TEXT,
    SV_SETTING_SECRET, /* never in the file nor among the flags, always masked */
    SV_SETTING_BOOL,
    SV_SETTING_COUNT,    /* unsigned */
    SV_SETTING_RATE,     /* unsigned millihertz, written in calls per second: "0.5" */
    SV_SETTING_DURATION, /* sv_ms */
    SV_SETTING_SIZE,     /* size_t bytes */
    SV_SETTING_CHOICE,   /* unsigned: index in `choices` */
    SV_SETTING_LIST,     /* struct sv_text_list, separated by commas or blanks */
};

struct sv_setting {
    const char *section; /* NULL ends the table */
    const char *key;
    enum sv_setting_type type;
    const char *fallback; /* the default, as it would be written */
    int64_t min, max;     /* COUNT, RATE, DURATION, SIZE; TEXT: bytes */
    const char *const *choices;
    bool reloadable;
    size_t at; /* offset in struct sv_config, sv_config_account or sv_config_sink */
    const char *help;
};

/* The one table, and those of the [account NAME] and [sink NAME] sections. */
extern const struct sv_setting sv_settings[];
extern const struct sv_setting sv_account_settings[];
extern const struct sv_setting sv_sink_settings[];

/* The value of `setting` in `base` (the struct that its table is for). Parsing changes
 * `base` only when it returns true; otherwise `why` says what is wrong with the text. */
bool sv_setting_parse(const struct sv_setting *setting, void *base, const char *text, char *why,
                      size_t why_bytes);

/* Writes the value as the file would have it; secrets as they are. */
void sv_setting_write(const struct sv_setting *setting, const void *base, struct sv_buf *out);

void sv_setting_free(const struct sv_setting *setting, void *base);

/* "10 .. 400", "1s .. 7d", "auto | json"; "" where anything goes. */
void sv_setting_range(const struct sv_setting *setting, char *out, size_t bytes);

const char *sv_setting_type_name(enum sv_setting_type type);

struct sv_config_sources {
    const char *file; /* --config; NULL = SV_CONFIG_FILE when it is there */
    const char *text; /* not NULL: read this instead of a file, for tests */
    size_t text_bytes;
    const char *const *sets; /* --set section.key=value */
    size_t sets_count;
    char *const *environment; /* as environ; NULL = empty */
};

/* Reads everything. SV_EXIT_OK, SV_EXIT_NO_INPUT (the file) or SV_EXIT_CONFIG; all mistakes are in
 * `problems`, and `*out` is NULL unless OK. Free with sv_config_free. */
int sv_config_load(const struct sv_config_sources *sources, struct sv_config **out,
                   struct sv_problems *problems);
void sv_config_free(struct sv_config *config); /* NULL is fine; wipes secrets */

/* What the worker needs beyond a well-formed configuration: a region per account, no roles yet;
 * and what an operator should know at every start: test settings that are on. */
void sv_config_check_run(const struct sv_config *config, struct sv_problems *problems,
                         bool as_warnings);

/* Where a value came from, for people: "built-in", "FILE:12", "environment", "flag". */
void sv_origin_write(const struct sv_config *config, const struct sv_origin *origin, char *out,
                     size_t bytes);

/* A variable of `environment`, NULL when it is not set or empty. */
const char *sv_environment_find(char *const *environment, const char *name);

/* A whole configuration file with the built-in values, each commented with help, range and unit;
 * read back it gives the defaults. */
void sv_config_write_defaults(struct sv_buf *out);

#endif
