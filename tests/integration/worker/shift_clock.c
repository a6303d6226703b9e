/* Preloaded into a server: its time of day is the real one and as many seconds as stand in the file
 * SV_TEST_CLOCK_FILE, eight bytes in the machine's order; whoever writes there makes it jump. The
 * monotonic clock stays. (libfaketime hangs in programs that bring their own malloc.) */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift_s; /* NULL = no file: nothing is shifted */

__attribute__((constructor)) static void open_file(void)
{
    const char *path = getenv("SV_TEST_CLOCK_FILE");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *page;

    if (file < 0)
        return;
    page = mmap(NULL, sizeof(*shift_s), PROT_READ, MAP_SHARED, file, 0);
    (void)close(file);
    if (page != MAP_FAILED)
        shift_s = page;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);

    if (result == 0 && shift_s != NULL &&
        (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *shift_s;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;

    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &exact) != 0)
        return -1;
    *now = (struct timeval){.tv_sec = exact.tv_sec, .tv_usec = exact.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *now)
{
    struct timespec exact;

    if (clock_gettime(CLOCK_REALTIME, &exact) != 0)
        return (time_t)-1;
    if (now != NULL)
        *now = exact.tv_sec;
    return exact.tv_sec;
}
