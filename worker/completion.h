/* Completions of shells, made from the tables of commands, options and settings. */
#ifndef SV_WORKER_COMPLETION_H
#define SV_WORKER_COMPLETION_H

#include <stdio.h>

/* A whole script for the shell: source it, or put it where the shell looks. */
void sv_completion_bash(FILE *out);
void sv_completion_zsh(FILE *out);
void sv_completion_fish(FILE *out);

#endif
