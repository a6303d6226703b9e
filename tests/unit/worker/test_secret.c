/* Where a secret is, and which files are taken for one. */
#include "secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka_all.h"

enum { SECRET_BYTES = 16 };

static char folder[] = "/tmp/sv_secret_XXXXXX";
static char variable[64], path[64];

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(variable, sizeof(variable), "CREDENTIALS_DIRECTORY=%s", folder);
    (void)snprintf(path, sizeof(path), "%s/it", folder);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void write_file(const char *text, size_t len, mode_t mode)
{
    FILE *file;

    (void)unlink(path);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void the_folder_of_the_service_manager_comes_first(void **state)
{
    char *with[] = {variable, NULL};
    char *without[] = {NULL};
    char out[SV_SECRET_PATH_BYTES];

    (void)state;
    (void)unlink(path);
    assert_false(sv_secret_find(without, "it", "", out));
    assert_false(sv_secret_find(with, "it", "", out));
    assert_true(sv_secret_find(with, "it", "/other", out));
    assert_string_equal(out, "/other");
    write_file("x", 1, 0600);
    assert_true(sv_secret_find(with, "it", "/other", out));
    assert_string_equal(out, path);
    assert_true(sv_secret_find(without, "it", "/other", out));
    assert_string_equal(out, "/other");
}

static void one_line_of_a_file_that_others_cannot_read(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        mode_t mode;
        const char *want; /* NULL = refused */
    } rows[] = {
        {"secret", 6, 0600, "secret"},
        {"secret\n", 7, 0640, "secret"},
        {"secret\r\n\n", 9, 0400, "secret"},
        {" two words ", 11, 0600, " two words "},
        {"0123456789abcde", 15, 0600, "0123456789abcde"},
        {"0123456789abcdef", 16, 0600, NULL},
        {"0123456789abcde\n", 16, 0600, "0123456789abcde"},
        {"sec\0ret", 7, 0600, NULL},
        {"", 0, 0600, NULL},
        {"\n", 1, 0600, NULL},
        {"secret", 6, 0644, NULL},
        {"secret", 6, 0601, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[SECRET_BYTES] = "";
        struct sv_errinfo info = {0};
        enum sv_err err;

        write_file(rows[i].text, rows[i].len, rows[i].mode);
        err = sv_secret_read(path, out, sizeof(out), &info);
        assert_int_equal(err, rows[i].want != NULL ? SV_OK : SV_EDENIED);
        if (err == SV_OK)
            assert_string_equal(out, rows[i].want);
        else
            assert_non_null(strstr(info.text, path));
        assert_null(strstr(info.text, "0123"));
    }
}

static void what_is_no_file(void **state)
{
    char out[SECRET_BYTES];
    struct sv_errinfo info;

    (void)state;
    (void)unlink(path);
    assert_int_equal(sv_secret_read(path, out, sizeof(out), &info), SV_ENOTFOUND);
    assert_int_equal(sv_secret_read(folder, out, sizeof(out), &info), SV_EDENIED);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(sv_secret_read(path, out, sizeof(out), &info), SV_EDENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_folder_of_the_service_manager_comes_first),
        cmocka_unit_test(one_line_of_a_file_that_others_cannot_read),
        cmocka_unit_test(what_is_no_file),
    };

    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
