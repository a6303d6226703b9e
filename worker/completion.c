#include "completion.h"

#include <string.h>

#include "commands.h"
#include "config.h"

/* Words for which files are offered. */
static bool is_file(const struct sv_option *option)
{
    return option->value != NULL &&
           (strcmp(option->value, "FILE") == 0 || strcmp(option->value, "PATH") == 0);
}

static bool is_setting(const struct sv_option *option)
{
    return strcmp(option->name, "set") == 0;
}

/* Length of the first word where there are two, otherwise 0. */
static size_t group_len(const struct sv_command *command)
{
    const char *blank = strchr(command->name, ' ');

    return blank != NULL ? (size_t)(blank - command->name) : 0;
}

/* Whether an earlier command has the same first word: groups are told once. */
static bool is_told(size_t index)
{
    size_t len = group_len(sv_commands[index]);

    for (size_t i = 0; i < index; i++) {
        if (group_len(sv_commands[i]) == len &&
            strncmp(sv_commands[i]->name, sv_commands[index]->name, len) == 0)
            return true;
    }
    return false;
}

/* Help inside single quotes; `special` are escaped by a backslash, too. */
static void put_help(FILE *out, const char *text, const char *special)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            (void)fputs("'\\''", out);
        else
            (void)fprintf(out, "%s%c", strchr(special, *text) != NULL ? "\\" : "", *text);
    }
}

static void put_first_words(FILE *out, const char *between)
{
    for (size_t i = 0; sv_commands[i] != NULL; i++) {
        size_t len = group_len(sv_commands[i]);

        if (len == 0)
            (void)fprintf(out, "%s%s", i > 0 ? between : "", sv_commands[i]->name);
        else if (!is_told(i))
            (void)fprintf(out, "%s%.*s", i > 0 ? between : "", (int)len, sv_commands[i]->name);
    }
}

static void put_second_words(FILE *out, const struct sv_command *first)
{
    size_t len = group_len(first);
    const char *blank = "";

    for (size_t i = 0; sv_commands[i] != NULL; i++) {
        if (group_len(sv_commands[i]) != len ||
            strncmp(sv_commands[i]->name, first->name, len) != 0)
            continue;
        (void)fprintf(out, "%s%s", blank, sv_commands[i]->name + len + 1);
        blank = " ";
    }
}

/* The options that are wanted; NULL = all. */
static void put_options(FILE *out, const struct sv_command *command,
                        bool (*wanted)(const struct sv_option *option))
{
    const struct sv_option *option;
    const char *blank = "";

    for (size_t i = 0; (option = sv_command_option(command, i)) != NULL; i++) {
        if (wanted != NULL && !wanted(option))
            continue;
        (void)fprintf(out, "%s--%s", blank, option->name);
        blank = " ";
    }
}

static bool takes_value(const struct sv_option *option)
{
    return option->value != NULL && !is_file(option) && !is_setting(option);
}

static void put_settings(FILE *out, const char *end)
{
    for (const struct sv_setting *s = sv_settings; s->section != NULL; s++) {
        if (s->type != SV_SETTING_SECRET)
            (void)fprintf(out, "%s%s.%s%s", s == sv_settings ? "" : " ", s->section, s->key, end);
    }
}

/* What a setting may be; "" where it is not one of a few words. */
static void put_values(FILE *out, const struct sv_setting *setting)
{
    if (setting->type == SV_SETTING_BOOL)
        (void)fputs("true false", out);
    for (size_t i = 0; setting->type == SV_SETTING_CHOICE && setting->choices[i] != NULL; i++)
        (void)fprintf(out, "%s%s", i > 0 ? " " : "", setting->choices[i]);
}

static bool has_values(const struct sv_setting *setting)
{
    return setting->type == SV_SETTING_BOOL || setting->type == SV_SETTING_CHOICE;
}

/* ---- bash ---- */

static void put_bash_groups(FILE *out)
{
    (void)fputs("    case $command in\n", out);
    for (size_t i = 0; sv_commands[i] != NULL; i++) {
        size_t len = group_len(sv_commands[i]);

        if (len == 0 || is_told(i))
            continue;
        (void)fprintf(out,
                      "    %.*s)\n        if ((COMP_CWORD == 2)); then\n"
                      "            COMPREPLY=($(compgen -W '",
                      (int)len, sv_commands[i]->name);
        put_second_words(out, sv_commands[i]);
        (void)fputs("' -- \"$cur\"))\n            return\n        fi\n"
                    "        command+=\" ${COMP_WORDS[2]}\"\n        ;;\n",
                    out);
    }
    (void)fputs("    esac\n", out);
}

static void put_bash_commands(FILE *out)
{
    (void)fputs("    case $command in\n", out);
    for (size_t i = 0; sv_commands[i] != NULL; i++) {
        const struct sv_command *command = sv_commands[i];

        (void)fprintf(out, "    '%s')\n        options='", command->name);
        put_options(out, command, NULL);
        (void)fputs("' values=' ", out);
        put_options(out, command, takes_value);
        (void)fputs(" ' files=' ", out);
        put_options(out, command, is_file);
        (void)fprintf(out, " ' operands='%s'\n        ;;\n",
                      command->operand_choices != NULL ? command->operand_choices : "");
    }
    (void)fputs("    *) return ;;\n    esac\n", out);
}

/* The shell splits words at "=": behind it the setting stands one or two words back. */
static void put_bash_settings(FILE *out)
{
    (void)fputs("    if [[ $cur == '=' ]]; then\n        key=$prev cur=\n"
                "    elif [[ $prev == '=' ]]; then\n        key=${COMP_WORDS[COMP_CWORD - 2]}\n"
                "    fi\n    case $key in\n    '') ;;\n",
                out);
    for (const struct sv_setting *s = sv_settings; s->section != NULL; s++) {
        if (!has_values(s))
            continue;
        (void)fprintf(out, "    %s.%s) COMPREPLY=($(compgen -W '", s->section, s->key);
        put_values(out, s);
        (void)fputs("' -- \"$cur\")); return ;;\n", out);
    }
    (void)fputs("    --*) prev=$key ;;\n    *) return ;;\n    esac\n"
                "    if [[ $prev == --set ]]; then\n        compopt -o nospace 2>/dev/null\n"
                "        COMPREPLY=($(compgen -W '",
                out);
    put_settings(out, "=");
    (void)fputs("' -- \"$cur\"))\n        return\n    fi\n", out);
}

void sv_completion_bash(FILE *out)
{
    (void)fputs("# bash completion of sesverify: source it, or put it into\n"
                "# /usr/share/bash-completion/completions/sesverify\n"
                "_sesverify()\n{\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                "    local command=${COMP_WORDS[1]} key= options= values= files= operands=\n"
                "    COMPREPLY=()\n    if ((COMP_CWORD == 1)); then\n"
                "        COMPREPLY=($(compgen -W '",
                out);
    put_first_words(out, " ");
    (void)fputs(" --help --version' -- \"$cur\"))\n        return\n    fi\n", out);
    put_bash_groups(out);
    put_bash_commands(out);
    put_bash_settings(out);
    (void)fputs("    if [[ $files == *\" $prev \"* ]]; then\n"
                "        compopt -o filenames 2>/dev/null\n"
                "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                "    elif [[ $values == *\" $prev \"* ]]; then\n        return\n"
                "    elif [[ $cur == -* || -z $operands ]]; then\n"
                "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
                "    else\n        COMPREPLY=($(compgen -W \"$operands\" -- \"$cur\"))\n    fi\n}\n"
                "complete -F _sesverify sesverify\n",
                out);
}

/* ---- zsh ---- */

static void put_zsh_settings(FILE *out)
{
    (void)fputs("_sesverify_set()\n{\n    if compset -P 1 '*='; then\n"
                "        case ${IPREFIX#--set=} in\n",
                out);
    for (const struct sv_setting *s = sv_settings; s->section != NULL; s++) {
        if (!has_values(s))
            continue;
        (void)fprintf(out, "        %s.%s=) compadd -- ", s->section, s->key);
        put_values(out, s);
        (void)fputs(" ;;\n", out);
    }
    (void)fputs("        esac\n    else\n        compadd -S = -- ", out);
    put_settings(out, "");
    (void)fputs("\n    fi\n}\n\n", out);
}

static void put_zsh_option(FILE *out, const struct sv_option *option)
{
    (void)fprintf(out, " \\\n            '%s--%s%s[", option->many ? "*" : "", option->name,
                  option->value != NULL ? "=" : "");
    put_help(out, option->help, "[]:\\");
    (void)fputc(']', out);
    if (option->value != NULL) {
        (void)fputc(':', out);
        put_help(out, option->value, ":\\");
        (void)fprintf(out, ":%s",
                      is_file(option) ? "_files" : (is_setting(option) ? "_sesverify_set" : " "));
    }
    (void)fputc('\'', out);
}

static void put_zsh_commands(FILE *out)
{
    (void)fputs("    case $command in\n", out);
    for (size_t i = 0; sv_commands[i] != NULL; i++) {
        const struct sv_command *command = sv_commands[i];
        const struct sv_option *option;

        (void)fprintf(out, "    '%s')\n        _arguments", command->name);
        for (size_t k = 0; (option = sv_command_option(command, k)) != NULL; k++)
            put_zsh_option(out, option);
        if (command->operand_choices != NULL)
            (void)fprintf(out, " \\\n            '1:what:(%s)'", command->operand_choices);
        else if (command->operands_max > 0)
            (void)fputs(" \\\n            '*:operand: '", out);
        (void)fputs("\n        ;;\n", out);
    }
    (void)fputs("    esac\n", out);
}

static void put_zsh_names(FILE *out, const char *group, size_t len)
{
    for (size_t i = 0; sv_commands[i] != NULL; i++) {
        const struct sv_command *command = sv_commands[i];

        if (len > 0 && (group_len(command) != len || strncmp(command->name, group, len) != 0))
            continue;
        if (len == 0 && group_len(command) > 0 && is_told(i))
            continue;
        (void)fprintf(out, "\n            '%.*s:",
                      len == 0 && group_len(command) > 0 ? (int)group_len(command) : 60,
                      command->name + (len > 0 ? len + 1 : 0));
        put_help(out, len == 0 && group_len(command) > 0 ? "several commands" : command->summary,
                 ":\\");
        (void)fputc('\'', out);
    }
}

void sv_completion_zsh(FILE *out)
{
    (void)fputs("#compdef sesverify\n# zsh completion of sesverify: put it as _sesverify into a "
                "folder of $fpath\n\n",
                out);
    put_zsh_settings(out);
    (void)fputs("_sesverify()\n{\n    local command=${words[2]}\n    local -a names\n"
                "    if ((CURRENT == 2)); then\n        names=(",
                out);
    put_zsh_names(out, "", 0);
    (void)fputs(
        ")\n        _describe command names\n        compadd -- --help --version\n"
        "        return\n    fi\n    shift words\n    ((CURRENT--))\n    case $command in\n",
        out);
    for (size_t i = 0; sv_commands[i] != NULL; i++) {
        size_t len = group_len(sv_commands[i]);

        if (len == 0 || is_told(i))
            continue;
        (void)fprintf(out, "    %.*s)\n        if ((CURRENT == 2)); then\n            names=(",
                      (int)len, sv_commands[i]->name);
        put_zsh_names(out, sv_commands[i]->name, len);
        (void)fputs(
            ")\n            _describe command names\n            return\n        fi\n"
            "        command+=\" ${words[2]}\"\n        shift words\n        ((CURRENT--))\n"
            "        ;;\n",
            out);
    }
    (void)fputs("    esac\n", out);
    put_zsh_commands(out);
    (void)fputs("}\n\nif [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n    _sesverify \"$@\"\n"
                "else\n    compdef _sesverify sesverify\nfi\n",
                out);
}

/* ---- fish ---- */

static void put_fish_help(FILE *out, const char *text)
{
    (void)fputs(" -d '", out);
    for (; *text != '\0'; text++)
        (void)fprintf(out, "%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
    (void)fputs("'\n", out);
}

static void put_fish_option(FILE *out, const struct sv_command *command,
                            const struct sv_option *option)
{
    (void)fprintf(out, "complete -c sesverify -n '__sesverify_in %s' -l %s", command->name,
                  option->name);
    if (is_file(option))
        (void)fputs(" -rF", out);
    else if (is_setting(option))
        (void)fputs(" -xa '(__sesverify_settings)'", out);
    else if (option->value != NULL)
        (void)fputs(" -x", out);
    put_fish_help(out, option->help);
}

static void put_fish_command(FILE *out, size_t index)
{
    const struct sv_command *command = sv_commands[index];
    const struct sv_option *option;
    size_t len = group_len(command);

    if (len > 0 && !is_told(index)) {
        (void)fprintf(out, "complete -c sesverify -n '__sesverify_in' -a %.*s", (int)len,
                      command->name);
        put_fish_help(out, "several commands");
    }
    (void)fprintf(out, "complete -c sesverify -n '__sesverify_in%s%.*s' -a %s", len > 0 ? " " : "",
                  (int)len, command->name, command->name + (len > 0 ? len + 1 : 0));
    put_fish_help(out, command->summary);
    for (size_t k = 0; (option = sv_command_option(command, k)) != NULL; k++)
        put_fish_option(out, command, option);
    if (command->operand_choices != NULL)
        (void)fprintf(out, "complete -c sesverify -n '__sesverify_in %s' -a '%s'\n", command->name,
                      command->operand_choices);
}

void sv_completion_fish(FILE *out)
{
    (void)fputs("# fish completion of sesverify: put it into\n"
                "# ~/.config/fish/completions/sesverify.fish\n\n"
                "# True when exactly these words stand before the options.\n"
                "function __sesverify_in\n    set -l typed (commandline -opc)\n"
                "    set -l words\n    for word in $typed[2..-1]\n"
                "        string match -q -- '-*' $word; and break\n"
                "        set -a words $word\n    end\n"
                "    test (count $argv) -eq 0; and test (count $words) -eq 0; and return 0\n"
                "    test (count $argv) -gt 0; or return 1\n"
                "    set -l few (count $argv)\n"
                "    test \"$words[1..$few]\" = \"$argv\"; or return 1\n"
                "    contains -- $argv[1]",
                out);
    for (size_t i = 0; sv_commands[i] != NULL; i++) {
        if (group_len(sv_commands[i]) > 0 && !is_told(i))
            (void)fprintf(out, " %.*s", (int)group_len(sv_commands[i]), sv_commands[i]->name);
    }
    (void)fputs("; or return 0\n    test (count $argv) -eq 2; or test (count $words) -eq 1\nend\n\n"
                "function __sesverify_settings\n    printf '%s\\n'",
                out);
    for (const struct sv_setting *s = sv_settings; s->section != NULL; s++) {
        if (s->type == SV_SETTING_SECRET)
            continue;
        (void)fprintf(out, " %s.%s=", s->section, s->key);
        if (has_values(s)) {
            (void)fprintf(out, "{");
            for (size_t i = 0; s->type == SV_SETTING_CHOICE && s->choices[i] != NULL; i++)
                (void)fprintf(out, "%s%s", i > 0 ? "," : "", s->choices[i]);
            (void)fprintf(out, "%s}", s->type == SV_SETTING_BOOL ? "true,false" : "");
        }
    }
    (void)fputs("\nend\n\ncomplete -c sesverify -f\n"
                "complete -c sesverify -n '__sesverify_in' -l help\n"
                "complete -c sesverify -n '__sesverify_in' -l version\n",
                out);
    for (size_t i = 0; sv_commands[i] != NULL; i++)
        put_fish_command(out, i);
}
