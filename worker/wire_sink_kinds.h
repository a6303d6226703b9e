/* How each kind of sink is made of its section; wire_sinks.c has the table of them. */
#ifndef SV_WORKER_WIRE_SINK_KINDS_H
#define SV_WORKER_WIRE_SINK_KINDS_H

#include "wire_sinks.h"

/* The secret of a sink: $CREDENTIALS_DIRECTORY/sink_<name>, else its secret_file; "" when neither
 * is given. Fails as sv_secret_read does. The caller wipes it. */
enum sv_err sv_sink_secret_read(const struct sv_wire *wire, const struct sv_config_sink *config,
                                char *out, size_t bytes, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

/* sns, sqs, eventbridge: with the keys of the account that the section names. */
sv_sink_open_fn sv_aws_sink_open;
sv_sink_open_fn sv_redis_sink_open;
sv_sink_open_fn sv_exec_sink_open;
sv_sink_open_fn sv_stdout_sink_open;

/* What messages of the section's format need beside the event, into wire->messages[index]; a
 * missing or unreadable key of PagerDuty is SV_EINVALID or as sv_secret_read says. */
enum sv_err sv_sink_messages_open(struct sv_wire *wire, size_t index, struct sv_errinfo *info)
    __attribute__((warn_unused_result));

#endif
