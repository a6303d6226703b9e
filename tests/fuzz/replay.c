/* Runs a fuzz target over every file of the directories and files given: the corpus as a plain
 * test. */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_BYTES_MAX = 1 << 20, PATH_BYTES = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void die(const char *path, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", path, why);
    exit(1);
}

static void replay_file(const char *path, unsigned *count)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(INPUT_BYTES_MAX + 1);
    uint8_t *exact;
    size_t len;

    if (file == NULL || bytes == NULL)
        die(path, "cannot be read");
    len = fread(bytes, 1, INPUT_BYTES_MAX + 1, file);
    if (ferror(file) != 0 || len > INPUT_BYTES_MAX)
        die(path, "cannot be read, or is larger than 1 MiB");
    (void)fclose(file);
    exact = malloc(
        len == 0 ? 1 : len); /* a copy of the exact size, so that the sanitizer sees overreads */
    if (exact == NULL)
        die(path, "out of memory");
    memcpy(exact, bytes, len);
    free(bytes);
    /* Told before the run: when the target crashes, the last line names the input. */
    (void)fprintf(stderr, "%s\n", path);
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    (*count)++;
}

static void replay_directory(const char *path, unsigned *count)
{
    struct dirent **entries;
    int entries_count = scandir(path, &entries, NULL, alphasort);

    if (entries_count < 0)
        die(path, "cannot be listed");
    for (int i = 0; i < entries_count; i++) {
        char file[PATH_BYTES];
        struct stat found;
        int len = snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);

        if (len < 0 || (size_t)len >= sizeof(file))
            die(path, "a name in it is too long");
        if (stat(file, &found) == 0 && S_ISREG(found.st_mode))
            replay_file(file, count);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    unsigned count = 0;

    for (int i = 1; i < argc; i++) {
        struct stat found;

        if (stat(argv[i], &found) != 0)
            die(argv[i], "no such file or directory");
        if (S_ISDIR(found.st_mode))
            replay_directory(argv[i], &count);
        else
            replay_file(argv[i], &count);
    }
    printf("%u inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}
