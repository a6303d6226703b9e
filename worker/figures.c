#include "figures.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void set_cpu(struct sv_metrics *metrics)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    sv_metrics_set(metrics, SV_METRIC_PROCESS_CPU,
                   (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
                   SV_LABELS());
}

static void set_files(struct sv_metrics *metrics)
{
    DIR *folder = opendir("/proc/self/fd");
    struct rlimit limit;
    double count = -3; /* ".", ".." and the folder's own descriptor */

    if (folder != NULL) {
        while (readdir(folder) != NULL)
            count++;
        (void)closedir(folder);
        sv_metrics_set(metrics, SV_METRIC_PROCESS_FDS, count, SV_LABELS());
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        sv_metrics_set(metrics, SV_METRIC_PROCESS_FDS_MAX, (double)limit.rlim_cur, SV_LABELS());
}

static void set_memory(struct sv_metrics *metrics)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long pages;

    if (file == NULL)
        return;
    if (fscanf(file, "%*u %lu", &pages) == 1)
        sv_metrics_set(metrics, SV_METRIC_PROCESS_MEMORY,
                       (double)pages * (double)sysconf(_SC_PAGESIZE), SV_LABELS());
    (void)fclose(file);
}

/* proc(5): the 22nd word of stat, in clock ticks since boot. The second word, the program's name,
 * may hold blanks and brackets: what counts begins behind the last bracket. */
static void set_start(struct sv_metrics *metrics)
{
    FILE *file = fopen("/proc/self/stat", "re");
    struct timespec boot, wall;
    unsigned long long ticks;
    char line[1024];
    size_t len;
    const char *rest;

    if (file == NULL)
        return;
    len = fread(line, 1, sizeof line - 1, file);
    (void)fclose(file);
    line[len] = '\0';
    rest = strrchr(line, ')');
    if (rest == NULL ||
        sscanf(rest + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &ticks) != 1 ||
        clock_gettime(CLOCK_BOOTTIME, &boot) != 0 || clock_gettime(CLOCK_REALTIME, &wall) != 0)
        return;
    sv_metrics_set(metrics, SV_METRIC_PROCESS_START,
                   (double)(wall.tv_sec - boot.tv_sec) +
                       (double)ticks / (double)sysconf(_SC_CLK_TCK),
                   SV_LABELS());
}

void sv_figures_set(struct sv_metrics *metrics)
{
    set_cpu(metrics);
    set_memory(metrics);
    set_files(metrics);
    set_start(metrics);
}
