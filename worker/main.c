#include <unistd.h>

#include "commands.h"

int main(int argc, char **argv)
{
    return sv_worker_main(argc, argv, environ);
}
