/* Every setting there is. `config defaults`, `config show`, the manual and the parser all read this
 * table. */
#include "config.h"

#include "sv/delivery.h"
#include "sv/dns.h"
#include "sv/flapping.h"
#include "wire_sinks.h"

#define AT(member)         offsetof(struct sv_config, member)
#define IN_ACCOUNT(member) offsetof(struct sv_config_account, member)
#define IN_SINK(member)    offsetof(struct sv_config_sink, member)

/* Intervals of the schedule may be short: demo and tests run on ordinary configuration. */
#define SHORT (10 * (int64_t)1)
#define YEAR  (365 * SV_DAY)

static const char *const authoritative[] = {"auto", "off", NULL};
static const char *const unsafe_server[] = {"warn", "refuse", NULL};
static const char *const overlap[] = {"refuse", "allow", NULL};
static const char *const dkim_methods[] = {"easy", "byodkim", "deed", NULL};
static const char *const log_formats[] = {"auto", "json", "logfmt", "text", NULL};
static const char *const sandbox_modes[] = {"auto", "on", "off", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};

static const char *const sink_formats[] = {"cloudevent", "pagerduty", "slack", "alertmanager",
                                           NULL};
static const char *const severities[] = {"any", "info", "warning", "error", NULL};

const struct sv_setting sv_settings[] = {
    {"redis", "url", SV_SETTING_TEXT, "redis://127.0.0.1:6379/0", 1, 1024, NULL, false,
     AT(redis.url),
     "Where Redis is: redis://[user@]host[:port][/db], unix:///path[?db=N], "
     "redis+sentinel://host,host/name[/db] or redis+cluster://host,host; rediss for TLS. No "
     "password here."},
    {"redis", "user", SV_SETTING_TEXT, "", 0, 127, NULL, false, AT(redis.user),
     "User of Redis (ACL); empty: the one of redis.url, else the default user."},
    {"redis", "password_file", SV_SETTING_TEXT, "", 0, 1024, NULL, false, AT(redis.password_file),
     "File that holds the password of Redis, not readable by others. "
     "$CREDENTIALS_DIRECTORY/redis_password comes first. Read anew for each connection."},
    {"redis", "password", SV_SETTING_SECRET, "", 0, 511, NULL, false, AT(redis.password),
     "Password of Redis; only from the environment (SESVERIFY_REDIS_PASSWORD), and a file is "
     "better."},
    {"redis", "tls_ca_file", SV_SETTING_TEXT, "", 0, 1024, NULL, false, AT(redis.tls_ca_file),
     "PEM file with the authorities that may sign the server's certificate; empty: the system's. "
     "This and the next two files are read anew for each connection."},
    {"redis", "tls_cert_file", SV_SETTING_TEXT, "", 0, 1024, NULL, false, AT(redis.tls_cert_file),
     "PEM file with our own certificate, where the server asks for one."},
    {"redis", "tls_key_file", SV_SETTING_TEXT, "", 0, 1024, NULL, false, AT(redis.tls_key_file),
     "PEM file with its private key, not readable by others. "
     "$CREDENTIALS_DIRECTORY/redis_tls_key comes first."},
    {"redis", "tls_server_name", SV_SETTING_TEXT, "", 0, 255, NULL, false,
     AT(redis.tls_server_name),
     "Name or address that the server's certificate must be for; empty: the host of redis.url."},
    {"redis", "prefix", SV_SETTING_TEXT, "sv", 1, 32, NULL, false, AT(redis.prefix),
     "What every key starts with: <prefix>:{<shard>}:jobs and so on."},
    {"redis", "shards", SV_SETTING_COUNT, "1", 1, SV_SHARDS_MAX, NULL, false, AT(redis.shards),
     "Number of shards, a power of two; the same for every worker and every producer."},
    {"redis", "connect_timeout", SV_SETTING_DURATION, "5s", SHORT, 5 * SV_MINUTE, NULL, false,
     AT(redis.connect_timeout_ms), "How long connecting may take."},
    {"redis", "command_timeout", SV_SETTING_DURATION, "5s", SHORT, 5 * SV_MINUTE, NULL, false,
     AT(redis.command_timeout_ms),
     "How long one command may take before the connection counts as dead."},
    {"redis", "reply_max", SV_SETTING_SIZE, "32MiB", 1 << 20, 1 << 30, NULL, false,
     AT(redis.reply_bytes_max), "Largest reply that is accepted from Redis."},
    {"redis", "unsafe_server", SV_SETTING_CHOICE, "warn", 0, 0, unsafe_server, false,
     AT(redis.unsafe_server),
     "What to do at start with a server that may lose work by its settings alone: maxmemory-policy "
     "other than noeviction, or appendonly no. refuse: exit 78."},

    {"dns", "servers", SV_SETTING_LIST, "", 0, SV_DNS_SERVERS_MAX, NULL, false, AT(dns.servers),
     "Recursive resolvers, ADDR or ADDR:PORT; empty: those of /etc/resolv.conf."},
    {"dns", "authoritative", SV_SETTING_CHOICE, "auto", 0, 0, authoritative, false,
     AT(dns.authoritative),
     "Whether to ask a zone's own servers too. auto: yes, unless every resolver listens on a port "
     "other than 53 and there are no dns.root_servers, as in a private tree of DNS."},
    {"dns", "root_servers", SV_SETTING_LIST, "", 0, SV_DNS_SERVERS_MAX, NULL, false,
     AT(dns.root_servers),
     "Addresses of other root servers, for test networks; empty: the Internet's."},
    {"dns", "authority_port", SV_SETTING_COUNT, "53", 1, 65535, NULL, false, AT(dns.authority_port),
     "Port of authoritative servers; another one for test networks only."},
    {"dns", "allow_private", SV_SETTING_BOOL, "false", 0, 0, NULL, false, AT(dns.allow_private),
     "Ask authoritative servers at private and loopback addresses too: for test networks only."},
    {"dns", "try_timeout", SV_SETTING_DURATION, "1500ms", SHORT, SV_MINUTE, NULL, false,
     AT(dns.try_timeout_ms), "How long one server may take to answer one packet."},
    {"dns", "query_timeout", SV_SETTING_DURATION, "6s", SHORT, 5 * SV_MINUTE, NULL, false,
     AT(dns.query_timeout_ms),
     "How long one question may take with all its tries, whoever is asked."},
    {"dns", "tries", SV_SETTING_COUNT, "3", 1, 10, NULL, false, AT(dns.tries_max),
     "How many packets are sent for one question at most."},
    {"dns", "authority_rate", SV_SETTING_COUNT, "20", 1, 1000, NULL, false, AT(dns.authority_rate),
     "How many packets are sent to one authoritative server in any second; more only to your own."},

    {"limits", "max_domains_per_client", SV_SETTING_COUNT, "10", 1, 1000000, NULL, false,
     AT(limits.domains_max), "Domains one client may have, every one that is not removed."},
    {"limits", "max_verification_attempts", SV_SETTING_COUNT, "5", 1, 1000000, NULL, false,
     AT(limits.attempts_max), "Rechecks that may be asked for per domain before the cooldown."},
    {"limits", "verification_cooldown", SV_SETTING_DURATION, "1h", SHORT, YEAR, NULL, false,
     AT(limits.cooldown_ms), "How long further rechecks are refused after the last attempt."},

    {"schedule", "first_look", SV_SETTING_DURATION, "15s", SHORT, SV_DAY, NULL, false,
     AT(policy.first_look_ms),
     "First look after registering: the client has to publish the records first."},
    {"schedule", "floor", SV_SETTING_DURATION, "30s", SHORT, SV_DAY, NULL, false,
     AT(policy.floor_ms), "Never sooner than this between two looks at one domain."},
    {"schedule", "cap", SV_SETTING_DURATION, "30m", SHORT, YEAR, NULL, false, AT(policy.cap_ms),
     "Slowest pace while SES itself is still looking."},
    {"schedule", "verified_every", SV_SETTING_DURATION, "1d", SHORT, YEAR, NULL, false,
     AT(policy.verified_every_ms), "How often a verified domain is looked at."},
    {"schedule", "confirm_after", SV_SETTING_DURATION, "5m", SHORT, SV_DAY, NULL, false,
     AT(policy.confirm_after_ms),
     "Between two reads that both say failed or gone, before it is believed."},
    {"schedule", "ses_floor", SV_SETTING_DURATION, "6h", SHORT, YEAR, NULL, false,
     AT(policy.ses_floor_ms),
     "How often SES is asked about a pending domain whose records are provably absent."},
    {"schedule", "restart_cooldown", SV_SETTING_DURATION, "6h", SHORT, YEAR, NULL, false,
     AT(policy.restart_cooldown_ms),
     "Between two restarts of SES's own verification of one domain."},
    {"schedule", "restarts_per_day", SV_SETTING_COUNT, "3", 1, 1000, NULL, false,
     AT(policy.restarts_per_day), "Restarts of SES's own verification of one domain in a day."},
    {"schedule", "patience", SV_SETTING_DURATION, "3d", SHORT, YEAR, NULL, false,
     AT(policy.patience_ms),
     "How long SES looks by itself (72 h); shorter only for test networks."},
    {"schedule", "daily", SV_SETTING_DURATION, "1d", SHORT, YEAR, NULL, false, AT(policy.daily_ms),
     "Pace once SES's patience is over."},
    {"schedule", "daily_for", SV_SETTING_DURATION, "14d", SHORT, YEAR, NULL, false,
     AT(policy.daily_for_ms), "How long that pace holds."},
    {"schedule", "weekly", SV_SETTING_DURATION, "7d", SHORT, YEAR, NULL, false,
     AT(policy.weekly_ms), "Pace after that, for ever."},
    {"schedule", "sweep_every", SV_SETTING_DURATION, "1h", 0, YEAR, NULL, false, AT(sweep_every_ms),
     "How often SES's list of identities is read as a cheap first look at a large account: what it "
     "contradicts is looked at now. And, times the number of shards, how often names that were "
     "claimed for nothing are looked for. 0s: never."},
    {"schedule", "sweep_domains_min", SV_SETTING_COUNT, "200", 1, 1000000, NULL, false,
     AT(sweep_domains_min),
     "Accounts that hold less have their list read once a day, to see whether they grew."},
    {"schedule", "fault_first", SV_SETTING_DURATION, "10s", SHORT, SV_DAY, NULL, false,
     AT(policy.fault_first_ms),
     "First wait after a look that found nothing out; doubles from here."},
    {"schedule", "fault_cap", SV_SETTING_DURATION, "10m", SHORT, YEAR, NULL, false,
     AT(policy.fault_cap_ms), "Longest of those waits."},

    {"domains", "allow_special_use", SV_SETTING_BOOL, "false", 0, 0, NULL, false,
     AT(domains.allow_special_use),
     "Accept names such as .test and .example: for test networks only."},
    {"domains", "restricted", SV_SETTING_LIST, "", 0, SV_CONFIG_LIST_MAX, NULL, false,
     AT(domains.restricted),
     "Names refused with everything below them: your own domains, for instance."},
    {"domains", "overlap", SV_SETTING_CHOICE, "refuse", 0, 0, overlap, false, AT(domains.overlap),
     "A name above or below one that another client holds."},
    {"domains", "unverified_release", SV_SETTING_DURATION, "30d", 0, 10 * YEAR, NULL, false,
     AT(policy.unverified_ms),
     "A domain that has not verified in this time since it was registered is removed, and its name "
     "is free again. 0s: never."},

    {"records", "dmarc", SV_SETTING_TEXT,
     "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@{domain}", 1, 450, NULL, false,
     AT(records.dmarc), "The DMARC policy recommended to clients; {domain} becomes the domain."},

    {"events", "retention", SV_SETTING_DURATION, "7d", 0, YEAR, NULL, false,
     AT(events.retention_ms),
     "Events older than this are deleted once every consumer group has acknowledged them; without "
     "a group, after this time. 0s: never."},

    {"status", "listen", SV_SETTING_TEXT, "127.0.0.1:9425", 3, 64, NULL, false, AT(status.listen),
     "Where the status port listens, ADDR:PORT or [ADDR]:PORT: /livez, /readyz, /status, /metrics. "
     "It only reads, and has no passwords: keep it to your own network. Port 0 picks one; off: "
     "none."},
    {"status", "domains", SV_SETTING_BOOL, "true", 0, 0, NULL, false, AT(status.domains),
     "The status port shows domains, clients and events, too: /domains, /events, and what is "
     "slowest. false: figures only, for a port that more people can reach than may know your "
     "clients."},
    {"status", "hosts", SV_SETTING_LIST, "", 0, 16, NULL, false, AT(status.hosts),
     "Names by which domains and events may be asked for, besides addresses, localhost and names "
     "without a dot. To others they are refused: a stranger's web page could lead a name of its "
     "own to this port, and read along in your browser."},

    {"log", "format", SV_SETTING_CHOICE, "auto", 0, 0, log_formats, false, AT(log.format),
     "auto: text on a terminal, JSON otherwise."},
    {"log", "level", SV_SETTING_CHOICE, "info", 0, 0, log_levels, true, AT(log.level),
     "The least severe line that is written."},

    {"worker", "name", SV_SETTING_TEXT, "", 0, 64, NULL, false, AT(worker.name),
     "Name of this process in Redis; empty: host name, process id and a random part."},
    {"worker", "plan_trace", SV_SETTING_TEXT, "", 0, 1024, NULL, false, AT(worker.plan_trace),
     "For debugging: a file that gets every input and decision of the planner of SES reads; it "
     "grows without limit. Empty: none."},
    {"worker", "sandbox", SV_SETTING_CHOICE, "auto", 0, 0, sandbox_modes, false, AT(worker.sandbox),
     "Whether the worker narrows what it may do, once it is ready: files are only read, no program "
     "is started, other system calls than its own are refused. "
     "auto: as much of it as the kernel offers; on: all of it, or exit 78; off: none."},
    {"worker", "inflight_max", SV_SETTING_COUNT, "400", 1, SV_INFLIGHT_MAX, NULL, false,
     AT(worker.inflight_max), "Domains being checked at once."},
    {"worker", "probe", SV_SETTING_BOOL, "true", 0, 0, NULL, false, AT(worker.probe),
     "Ask at start who each account is (STS), what it may do and which reads are allowed, and log "
     "it."},
    {"worker", "lease", SV_SETTING_DURATION, "60s", 100, SV_DAY, NULL, false, AT(worker.lease_ms),
     "How long a claimed domain stays with a worker that does not answer any more."},
    {"worker", "poll", SV_SETTING_DURATION, "1s", SHORT, SV_HOUR, NULL, false, AT(worker.poll_ms),
     "How long a domain that another worker made due may stay unnoticed."},
    {"worker", "deaths_max", SV_SETTING_COUNT, "5", 1, 1000000, NULL, false, AT(worker.deaths_max),
     "Workers in a row that may end while looking at one domain, or reading one job, before the "
     "job "
     "ends dead (crash_loop, max_deliveries)."},
    {"worker", "crash_wait", SV_SETTING_DURATION, "1h", 100, YEAR, NULL, false,
     AT(worker.crash_wait_ms),
     "Longest wait of a domain over which workers end: 2s to 4s after the second one, doubling. "
     "The "
     "first costs nothing."},
    {"worker", "reclaim", SV_SETTING_DURATION, "60s", 100, SV_DAY, NULL, false,
     AT(worker.reclaim_ms), "Job entries that another worker read this long ago are taken over."},
    {"worker", "heartbeat", SV_SETTING_DURATION, "10s", 100, SV_STORE_BEAT_MS_MAX, NULL, false,
     AT(worker.heartbeat_ms),
     "How long a worker that is gone keeps its share of the shards; it tells the others five times "
     "as often that it lives."},
    {"worker", "dns_timeout", SV_SETTING_DURATION, "20s", 100, SV_HOUR, NULL, false,
     AT(worker.dns_ms), "Deadline for all DNS questions of one check."},
    {"worker", "drain_timeout", SV_SETTING_DURATION, "25s", SHORT, SV_HOUR, NULL, false,
     AT(worker.drain_timeout_ms),
     "How long checks under way may take to finish when the worker stops."},
    {"worker", "start_spread", SV_SETTING_DURATION, "1s", 0, 60 * SV_SECOND, NULL, false,
     AT(worker.start_spread_ms),
     "A worker waits for a random part of this before it connects to Redis: of many that are "
     "started together not all come at once."},
    {"worker", "startup_timeout", SV_SETTING_DURATION, "30s", 100, SV_HOUR, NULL, false,
     AT(worker.startup_timeout_ms),
     "How long Redis may be away at start before the worker gives up (exit 69)."},
    {.section = NULL},
};

const struct sv_setting sv_account_settings[] = {
    {"account", "region", SV_SETTING_TEXT, "", 0, 40, NULL, false, IN_ACCOUNT(region),
     "AWS region; empty: AWS_REGION or AWS_DEFAULT_REGION."},
    {"account", "profile", SV_SETTING_TEXT, "", 0, 128, NULL, false, IN_ACCOUNT(profile),
     "Profile of the shared AWS files; empty: the default credential chain."},
    {"account", "role_arn", SV_SETTING_TEXT, "", 0, 256, NULL, false, IN_ACCOUNT(role_arn),
     "Role to assume through STS with the keys that are found; empty: none."},
    {"account", "external_id", SV_SETTING_TEXT, "", 0, 1224, NULL, false, IN_ACCOUNT(external_id),
     "External id that the role asks for."},
    {"account", "role_session_name", SV_SETTING_TEXT, "", 0, 64, NULL, false,
     IN_ACCOUNT(role_session_name), "Name of the role's session in CloudTrail; empty: sesverify."},
    {"account", "rate", SV_SETTING_RATE, "1", 1, 1000000, NULL, false, IN_ACCOUNT(rate_millihertz),
     "Calls per second and SES operation, shared by all workers of this account."},
    {"account", "endpoint_url", SV_SETTING_TEXT, "", 0, 512, NULL, false, IN_ACCOUNT(endpoint_url),
     "Another SES; empty: AWS_ENDPOINT_URL_SES, _SESV2, AWS_ENDPOINT_URL, then Amazon's."},
    {"account", "reputation", SV_SETTING_BOOL, "false", 0, 0, NULL, false, IN_ACCOUNT(reputation),
     "Judge bounces and complaints of every sending domain by Amazon's limits; needs Virtual "
     "Deliverability Manager."},
    {"account", "reputation_every", SV_SETTING_DURATION, "6h", SHORT, YEAR, NULL, false,
     IN_ACCOUNT(reputation_every_ms),
     "How often that is done; a sending domain is looked at at least as often."},
    {"account", "dkim", SV_SETTING_CHOICE, "easy", 0, 0, dkim_methods, false, IN_ACCOUNT(dkim),
     "How new identities sign. easy: keys of SES (2048 bits), three aliases; byodkim: a key of "
     "your "
     "own; deed: as the same name in dkim_parent_region, with its records."},
    {"account", "dkim_selector", SV_SETTING_TEXT, "", 0, SV_SES_SELECTOR_MAX, NULL, false,
     IN_ACCOUNT(dkim_selector), "byodkim: the selector of your key, one label."},
    {"account", "dkim_key_file", SV_SETTING_TEXT, "", 0, 1024, NULL, false,
     IN_ACCOUNT(dkim_key_file),
     "byodkim: PEM file with the private key, RSA of 1024 to 2048 bits, not readable by others; "
     "read at start."},
    {"account", "dkim_parent_region", SV_SETTING_TEXT, "", 0, SV_SES_REGION_BYTES - 1, NULL, false,
     IN_ACCOUNT(dkim_parent_region),
     "deed: the region whose identity of the same name shares its keys."},
    {"account", "configuration_set", SV_SETTING_TEXT, "", 0, SV_SES_SET_BYTES - 1, NULL, false,
     IN_ACCOUNT(configuration_set),
     "Default configuration set of the identities, which must exist; empty: whatever they have."},
    {"account", "tags", SV_SETTING_LIST, "", 0, SV_SES_TAGS_MAX, NULL, false, IN_ACCOUNT(tags),
     "Tags of new identities, key=value; {client_id}, {domain_id} and {domain} are filled in."},
    {.section = NULL},
};

const struct sv_setting sv_sink_settings[] = {
    {"sink", "kind", SV_SETTING_CHOICE, "webhook", 0, 0, sv_sink_kinds, false, IN_SINK(kind),
     "What takes the events: an HTTPS address, Amazon SNS, SQS or EventBridge, a stream of another "
     "Redis, a program, or our standard output."},
    {"sink", "format", SV_SETTING_CHOICE, "cloudevent", 0, 0, sink_formats, false, IN_SINK(format),
     "What is sent. cloudevent: the event as it is; the others: a message in the form that these "
     "take."},
    {"sink", "url", SV_SETTING_TEXT, "", 0, 2048, NULL, false, IN_SINK(url),
     "webhook: https address that events are posted to. redis: where the other Redis is."},
    {"sink", "secret_file", SV_SETTING_TEXT, "", 0, 1024, NULL, false, IN_SINK(secret_file),
     "File with the secret, not readable by others. webhook: whsec_ and 24 to 64 bytes in base64; "
     "two lines while one key replaces another. pagerduty: the routing key. slack, alertmanager: "
     "the address, where url is empty. redis: the password. "
     "$CREDENTIALS_DIRECTORY/sink_<name> comes first. Read at start."},
    {"sink", "events", SV_SETTING_LIST, "", 0, 16, NULL, false, IN_SINK(events),
     "Which types of events: registered, verified, at_risk, restored, failed, removed, updated, "
     "job_finished; empty: all."},
    {"sink", "clients", SV_SETTING_LIST, "", 0, 64, NULL, false, IN_SINK(clients),
     "Which clients' events, by client_id; empty: all."},
    {"sink", "accounts", SV_SETTING_LIST, "", 0, SV_ACCOUNTS_MAX, NULL, false, IN_SINK(accounts),
     "Which accounts' events; empty: all."},
    {"sink", "severity", SV_SETTING_CHOICE, "any", 0, 0, severities, false, IN_SINK(severity),
     "Only events at least this bad: by their worst finding, failed counting as error and at_risk "
     "as warning. What ends a trouble (verified, restored, removed) is always sent."},
    {"sink", "allow_addresses", SV_SETTING_LIST, "", 0, 16, NULL, false, IN_SINK(allow_addresses),
     "Addresses or networks (ADDR/BITS) that are allowed though they are not public: for test "
     "networks, and for receivers of your own inside."},
    {"sink", "ports", SV_SETTING_LIST, "443", 1, 16, NULL, false, IN_SINK(ports),
     "webhook: the ports that url may name."},
    {"sink", "ca_file", SV_SETTING_TEXT, "", 0, 1024, NULL, false, IN_SINK(ca_file),
     "PEM file with the authorities that may sign the target's certificate; empty: the system's."},
    {"sink", "timeout", SV_SETTING_DURATION, "20s", SHORT, 5 * SV_MINUTE, NULL, false,
     IN_SINK(timeout_ms), "How long one attempt may take."},
    {"sink", "retries", SV_SETTING_LIST, "0s, 5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h", 1,
     SV_DELIVERY_ATTEMPTS_MAX, NULL, false, IN_SINK(retries),
     "How long each attempt waits after the one before; up to a tenth is added at random. After "
     "the last one the event is a dead letter of this sink."},
    {"sink", "parallel", SV_SETTING_COUNT, "8", 1, SV_DELIVERY_PARALLEL_MAX, NULL, false,
     IN_SINK(parallel),
     "Attempts under way at once, for each shard; never two events of one domain."},
    {"sink", "topic_arn", SV_SETTING_TEXT, "", 0, 1024, NULL, false, IN_SINK(topic_arn),
     "sns: the topic."},
    {"sink", "queue_url", SV_SETTING_TEXT, "", 0, 1024, NULL, false, IN_SINK(queue_url),
     "sqs: the queue."},
    {"sink", "bus", SV_SETTING_TEXT, "", 0, 1024, NULL, false, IN_SINK(bus),
     "eventbridge: name or ARN of the bus; empty: default."},
    {"sink", "region", SV_SETTING_TEXT, "", 0, 40, NULL, false, IN_SINK(region),
     "sns, sqs, eventbridge: AWS region; empty: the account's."},
    {"sink", "account", SV_SETTING_TEXT, "default", 1, 64, NULL, false, IN_SINK(account),
     "sns, sqs, eventbridge: the [account NAME] whose keys are used."},
    {"sink", "endpoint_url", SV_SETTING_TEXT, "", 0, 512, NULL, false, IN_SINK(endpoint_url),
     "sns, sqs, eventbridge: another endpoint; empty: Amazon's."},
    {"sink", "stream", SV_SETTING_TEXT, "", 0, 512, NULL, false, IN_SINK(stream),
     "redis: key of the stream that events are added to."},
    {"sink", "stream_entries", SV_SETTING_COUNT, "0", 0, 1000000000, NULL, false,
     IN_SINK(stream_entries),
     "redis: about how many entries the stream keeps, older ones go (MAXLEN ~); 0: all."},
    {"sink", "flapping_changes", SV_SETTING_COUNT, "4", 0, SV_FLAPPING_CHANGES_MAX - 1, NULL, false,
     IN_SINK(flapping_changes),
     "pagerduty, slack, alertmanager: a domain that turns between good and bad more often than "
     "this "
     "within flapping_window is told once as flapping, and then when it is quiet; 0: every turn is "
     "told."},
    {"sink", "flapping_window", SV_SETTING_DURATION, "1h", SHORT, SV_DAY, NULL, false,
     IN_SINK(flapping_window_ms), "See flapping_changes."},
    {"sink", "flapping_quiet", SV_SETTING_DURATION, "30m", SHORT, SV_DAY, NULL, false,
     IN_SINK(flapping_quiet_ms), "A flapping domain is quiet after this long without a turn."},
    {"sink", "command", SV_SETTING_TEXT, "", 0, 1024, NULL, false, IN_SINK(command),
     "exec: absolute path of the program that gets each event on its standard input."},
    {.section = NULL},
};
