/* Preloaded into a program: one of its allocations fails, once, and the file
 * SV_TEST_FAIL_ALLOC_FILE is made, so that a test knows that it came so far; who called whom stands
 * in it.
 *
 * SV_TEST_FAIL_ALLOC=N: the Nth one, counted from the program's start on. SV_TEST_FAIL_PLACE=N: the
 * first one of the Nth place, where a place is who called whom for it: the same functions are at
 * work thousands of times, and what they do without memory is nearly always the same. How many
 * there were of both is written into SV_TEST_FAIL_COUNT_FILE at the program's end.
 *
 * With SV_TEST_FAIL_SERVE the program is linked once and tried often, for linking is most of what a
 * short command takes: an unsigned long on its standard input is a number (of either kind), a child
 * of that moment goes on into main() with it, its output in the mark's name with .out and .err
 * behind, and its wait status, an int, is the answer on standard output.
 *
 * Counted are all libraries but ldns, which follows the null pointers that it gets: before it reads
 * we see to it that its memory is there (sv_alloc_reserve), and that can fail here. */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEPTH = 7, OURS = 2 /* its last frames: here */, MARK_DEPTH = 24, PLACES_MAX = 1 << 16 };

/* glibc's own names of them. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);

static atomic_ulong counted;
static unsigned long fail_at, fail_place; /* 0 = never */
static const char *mark;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t places[PLACES_MAX]; /* hashes, open addressing; 0 = free */
static unsigned long places_count;
static _Thread_local int is_looking; /* an unwinder allocates, too */

static uintptr_t ldns_from, ldns_to;

static int find_ldns(struct dl_phdr_info *object, size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    for (int i = 0; strstr(object->dlpi_name, "/libldns.") != NULL && i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];

        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
            ldns_from = object->dlpi_addr + part->p_vaddr;
            ldns_to = ldns_from + part->p_memsz;
        }
    }
    return 0;
}

static int is_of_ldns(const void *caller)
{
    return (uintptr_t)caller >= ldns_from && (uintptr_t)caller < ldns_to;
}

static unsigned long number_in(const char *name)
{
    const char *number = getenv(name);

    return number == NULL ? 0 : strtoul(number, NULL, 10);
}

static void redirect(int to, const char *path, int flags)
{
    int file = open(path, flags, 0600);

    if (file < 0 || dup2(file, to) < 0 || close(file) != 0)
        _exit(127);
}

static void begin_child(unsigned long number)
{
    char path[512];

    redirect(0, "/dev/null", O_RDONLY);
    (void)snprintf(path, sizeof path, "%s.out", mark);
    redirect(1, path, O_WRONLY | O_CREAT | O_TRUNC);
    (void)snprintf(path, sizeof path, "%s.err", mark);
    redirect(2, path, O_WRONLY | O_CREAT | O_TRUNC);
    (void)unlink(mark);
    if (getenv("SV_TEST_FAIL_PLACE") != NULL)
        fail_place = number;
    else
        fail_at = number;
}

/* Returns in the children alone. */
static void serve(void)
{
    for (;;) {
        unsigned long number;
        int status;
        pid_t child;

        if (read(0, &number, sizeof number) != sizeof number)
            _exit(0);
        child = fork();
        if (child == 0) {
            begin_child(number);
            return;
        }
        if (child < 0 || waitpid(child, &status, 0) != child ||
            write(1, &status, sizeof status) != sizeof status)
            _exit(127);
    }
}

__attribute__((constructor)) static void begin(void)
{
    void *frames[DEPTH];

    (void)dl_iterate_phdr(find_ldns, NULL);
    (void)backtrace(frames, DEPTH); /* it loads what it needs now */
    mark = getenv("SV_TEST_FAIL_ALLOC_FILE");
    atomic_store(&counted, 0);
    if (getenv("SV_TEST_FAIL_SERVE") != NULL) {
        serve();
        return;
    }
    fail_place = number_in("SV_TEST_FAIL_PLACE");
    fail_at = number_in("SV_TEST_FAIL_ALLOC");
}

__attribute__((destructor)) static void end(void)
{
    const char *name = getenv("SV_TEST_FAIL_COUNT_FILE");
    int file = name == NULL ? -1 : open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (file < 0)
        return;
    is_looking = 1;
    (void)dprintf(file, "%lu %lu\n", places_count, atomic_load(&counted));
    is_looking = 0;
    (void)close(file);
}

/* False when it was there before. */
static int is_new(uint64_t place)
{
    size_t at = place % PLACES_MAX;

    while (places[at] != 0 && places[at] != place)
        at = (at + 1) % PLACES_MAX;
    if (places[at] == place || places_count == PLACES_MAX / 2)
        return 0;
    places[at] = place;
    places_count++;
    return 1;
}

static __attribute__((noinline)) int is_place(void)
{
    void *frames[DEPTH];
    uint64_t place = 1469598103934665603u; /* FNV-1a */
    int count, is_it;

    is_looking = 1;
    count = backtrace(frames, DEPTH);
    for (int i = OURS; i < count; i++)
        place = (place ^ (uintptr_t)frames[i]) * 1099511628211u;
    (void)pthread_mutex_lock(&lock);
    is_it = is_new(place | 1) && places_count == fail_place;
    (void)pthread_mutex_unlock(&lock);
    is_looking = 0;
    return is_it;
}

static void leave_mark(void)
{
    void *frames[MARK_DEPTH];
    int file = mark == NULL ? -1 : open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (file < 0)
        return;
    is_looking = 1;
    backtrace_symbols_fd(frames, backtrace(frames, MARK_DEPTH), file);
    is_looking = 0;
    (void)close(file);
}

static __attribute__((noinline)) int fails(const void *caller)
{
    unsigned long number;

    if ((fail_at == 0 && fail_place == 0) || is_looking || is_of_ldns(caller))
        return 0;
    number = atomic_fetch_add(&counted, 1) + 1;
    if (fail_place != 0 ? !is_place() : number != fail_at)
        return 0;
    leave_mark();
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t bytes)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, bytes);
}
