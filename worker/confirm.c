#include "confirm.h"

#include <string.h>
#include <unistd.h>

#include "exit.h"
#include "setup.h"

int sv_confirm(const struct sv_args *args, const char *question)
{
    char answer[16] = "";

    if (sv_args_has(args, "yes"))
        return SV_EXIT_OK;
    if (isatty(STDIN_FILENO) != 1) {
        sv_setup_complain(args, "nobody can be asked here: give --yes, or look with --dry-run");
        return SV_EXIT_USAGE;
    }
    (void)fprintf(stderr, "%s [y/N] ", question);
    if (fgets(answer, sizeof(answer), stdin) != NULL &&
        (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0))
        return SV_EXIT_OK;
    (void)fprintf(stderr, "nothing was done\n");
    return SV_EXIT_WRONG;
}
