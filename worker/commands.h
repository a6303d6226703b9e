/* The program: finds the command and runs it. */
#ifndef SV_WORKER_COMMANDS_H
#define SV_WORKER_COMMANDS_H

#include "options.h"

/* Returns the exit code. All arguments are borrowed; `environment` as environ. */
int sv_worker_main(int argc, char *const *argv, char *const *environment);

/* One per file. */
extern const struct sv_command sv_command_run;
extern const struct sv_command sv_command_demo;
extern const struct sv_command sv_command_check;
extern const struct sv_command sv_command_enqueue;
extern const struct sv_command sv_command_records;
extern const struct sv_command sv_command_import;
extern const struct sv_command sv_command_explain;
extern const struct sv_command sv_command_status;
extern const struct sv_command sv_command_top;
extern const struct sv_command sv_command_stats;
extern const struct sv_command sv_command_health;
extern const struct sv_command sv_command_events_tail;
extern const struct sv_command sv_command_doctor;
extern const struct sv_command sv_command_reshard;
extern const struct sv_command sv_command_pause;
extern const struct sv_command sv_command_resume;
extern const struct sv_command sv_command_dead_list;
extern const struct sv_command sv_command_dead_show;
extern const struct sv_command sv_command_dead_retry;
extern const struct sv_command sv_command_dead_drop;
extern const struct sv_command sv_command_sinks_list;
extern const struct sv_command sv_command_sinks_enable;
extern const struct sv_command sv_command_sinks_dead;
extern const struct sv_command sv_command_sinks_replay;
extern const struct sv_command sv_command_config_check;
extern const struct sv_command sv_command_config_show;
extern const struct sv_command sv_command_config_defaults;
extern const struct sv_command sv_command_completion;

/* NULL-terminated, in the order of the overview. */
extern const struct sv_command *const sv_commands[];

/* The commit this was built from; "unknown" outside a checkout. */
extern const char sv_commit[];

#endif
