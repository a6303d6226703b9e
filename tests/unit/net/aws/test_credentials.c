/* Where keys come from, with an environment from a table and files in a directory of the test. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/aws/shared_file.h"

struct variable {
    const char *name, *value;
};

static const char *look_up(void *context, const char *name)
{
    const struct variable *variables = context;

    for (; variables->name != NULL; variables++) {
        if (strcmp(variables->name, name) == 0)
            return variables->value;
    }
    return NULL;
}

static char directory[] = "/tmp/sv-credentials-XXXXXX";
static char credentials_path[128], config_path[128];

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(credentials_path, sizeof credentials_path, "%s/credentials", directory);
    (void)snprintf(config_path, sizeof config_path, "%s/config", directory);
    (void)unlink(credentials_path);
    (void)unlink(config_path);
    return 0;
}

static enum sv_err load(const char *profile, const struct variable *more,
                        struct sv_credentials *out, struct sv_errinfo *info)
{
    struct variable all[16] = {{"AWS_SHARED_CREDENTIALS_FILE", credentials_path},
                               {"AWS_CONFIG_FILE", config_path}};
    size_t count = 2;

    for (; more != NULL && more->name != NULL; more++)
        all[count++] = *more;
    return sv_credentials_load(profile, look_up, all, out, info);
}

static const struct variable env_keys[] = {
    {"AWS_ACCESS_KEY_ID", "AKIDENV"}, {"AWS_SECRET_ACCESS_KEY", "secret-env"}, {NULL, NULL}};

static void the_environment_comes_first(void **state)
{
    static const struct variable full[] = {{"AWS_ACCESS_KEY_ID", "AKIDENV"},
                                           {"AWS_SECRET_ACCESS_KEY", "secret-env"},
                                           {"AWS_SESSION_TOKEN", "token-env"},
                                           {"AWS_CREDENTIAL_EXPIRATION", "2026-01-01T00:00:00Z"},
                                           {"AWS_PROFILE", "x"},
                                           {NULL, NULL}};
    struct sv_credentials out;

    (void)state;
    write_file(credentials_path, "[x]\naws_access_key_id=F\naws_secret_access_key=f\n");
    assert_int_equal(load(NULL, full, &out, NULL), SV_OK);
    assert_string_equal(out.access_key_id, "AKIDENV");
    assert_string_equal(out.secret_access_key, "secret-env");
    assert_string_equal(out.session_token, "token-env");
    assert_int_equal(out.expires_at, 1767225600000);
    assert_string_equal(out.source, "environment");
    /* A profile that was asked for by name switches the environment off. */
    assert_int_equal(load("x", full, &out, NULL), SV_OK);
    assert_string_equal(out.access_key_id, "F");
    assert_string_equal(out.session_token, "");
    assert_int_equal(out.expires_at, 0);
    assert_string_equal(out.source, "shared file, profile x");
}

static void half_an_environment_is_an_error(void **state)
{
    static const struct variable no_secret[] = {
        {"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", ""}, {NULL, NULL}};
    static const struct variable no_id[] = {{"AWS_SECRET_ACCESS_KEY", "hush"}, {NULL, NULL}};
    static const struct variable odd[] = {
        {"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "hush hush"}, {NULL, NULL}};
    struct sv_credentials out;
    struct sv_errinfo info;

    (void)state;
    assert_int_equal(load(NULL, no_secret, &out, &info), SV_EMALFORMED);
    assert_non_null(strstr(info.text, "AWS_SECRET_ACCESS_KEY is not"));
    assert_int_equal(load(NULL, no_id, &out, &info), SV_EMALFORMED);
    assert_null(strstr(info.text, "hush"));
    assert_int_equal(load(NULL, odd, &out, &info), SV_EMALFORMED);
    assert_null(strstr(info.text, "hush"));
    assert_string_equal(out.secret_access_key, "");
}

static void profiles_are_chosen(void **state)
{
    static const struct variable one[] = {{"AWS_PROFILE", "one"}, {NULL, NULL}};
    static const struct variable two[] = {{"AWS_DEFAULT_PROFILE", "two"}, {NULL, NULL}};
    static const struct variable both[] = {
        {"AWS_DEFAULT_PROFILE", "two"}, {"AWS_PROFILE", "one"}, {NULL, NULL}};
    struct sv_credentials out;

    (void)state;
    write_file(credentials_path, "[default]\naws_access_key_id = D\naws_secret_access_key = d\n"
                                 "[one]\naws_access_key_id = O\naws_secret_access_key = o\n"
                                 "[two]\naws_access_key_id = T\naws_secret_access_key = t\n");
    assert_int_equal(load(NULL, NULL, &out, NULL), SV_OK);
    assert_string_equal(out.access_key_id, "D");
    assert_int_equal(load(NULL, one, &out, NULL), SV_OK);
    assert_string_equal(out.access_key_id, "O");
    assert_int_equal(load(NULL, two, &out, NULL), SV_OK);
    assert_string_equal(out.access_key_id, "T");
    assert_int_equal(load(NULL, both, &out, NULL), SV_OK);
    assert_string_equal(out.access_key_id, "O");
    assert_int_equal(load("two", both, &out, NULL), SV_OK);
    assert_string_equal(out.access_key_id, "T");
}

static void the_config_file_has_its_own_titles(void **state)
{
    struct sv_credentials out;
    struct sv_errinfo info;

    (void)state;
    write_file(config_path, "[x]\naws_access_key_id = WRONG\naws_secret_access_key = w\n"
                            "[profile x]\naws_access_key_id = X\naws_secret_access_key = x\n"
                            "[default]\naws_access_key_id = D\naws_secret_access_key = d\n"
                            "[sso-session x]\nsso_region = us-east-1\n"
                            "[profile \"with blank\"]\naws_access_key_id=B\n"
                            "aws_secret_access_key=b\n");
    assert_int_equal(load("x", NULL, &out, NULL), SV_OK);
    assert_string_equal(out.access_key_id, "X");
    assert_int_equal(load(NULL, NULL, &out, NULL), SV_OK);
    assert_string_equal(out.access_key_id, "D");
    assert_int_equal(load("with blank", NULL, &out, NULL), SV_OK);
    assert_string_equal(out.access_key_id, "B");
    assert_int_equal(load("y", NULL, &out, &info), SV_ENOTFOUND);
    /* The credentials file wins, and its pair is never completed from the other file. */
    write_file(credentials_path, "[x]\naws_access_key_id = C\naws_secret_access_key = c\n");
    assert_int_equal(load("x", NULL, &out, NULL), SV_OK);
    assert_string_equal(out.access_key_id, "C");
    write_file(credentials_path, "[x]\naws_access_key_id = C\n");
    assert_int_equal(load("x", NULL, &out, &info), SV_EMALFORMED);
    assert_non_null(strstr(info.text, "no aws_secret_access_key"));
    write_file(credentials_path, "[x]\naws_session_token = STALE\n");
    assert_int_equal(load("x", NULL, &out, &info), SV_OK);
    assert_string_equal(out.access_key_id, "X");
    assert_string_equal(out.session_token, "");
}

/* One file each: what stands in it, and what comes out. */
static const struct file_case {
    const char *text;
    enum sv_err err;
    const char *expected; /* access key, or a part of the error text */
} file_cases[] = {
    {"[default]\naws_access_key_id=A\naws_secret_access_key=a", SV_OK, "A"},
    {"\xef\xbb\xbf[default]\r\naws_access_key_id = A \r\naws_secret_access_key=a\r\n", SV_OK, "A"},
    {"# c\n; c\n\n [default] # c\nAWS_Access_Key_Id = A # c\naws_secret_access_key = a#b ;c\n",
     SV_OK, "A"},
    {"[default]\naws_access_key_id=A\naws_secret_access_key=a==\naws_access_key_id=B\n", SV_OK,
     "B"},
    {"[default]\nregion = x\ns3 =\n  addressing_style = path\n  no equals sign\n"
     "aws_access_key_id=A\naws_secret_access_key=a\n",
     SV_OK, "A"},
    {"[default]\naws_access_key_id=A\n[other]\nx=y\n[default]\naws_secret_access_key=a\n", SV_OK,
     "A"},
    {"['default']\naws_access_key_id=A\naws_secret_access_key=a\n", SV_OK, "A"},
    {"", SV_ENOTFOUND, "profile default"},
    {"[other]\naws_access_key_id=A\naws_secret_access_key=a\n", SV_ENOTFOUND, "profile default"},
    {"[default]\nrole_arn = arn:aws:iam::1:role/x\n", SV_ENOTFOUND, "role_arn"},
    {"[default]\ncredential_process = /bin/x\n", SV_ENOTFOUND, "credential_process"},
    {"aws_access_key_id=A\n", SV_EMALFORMED, "line 1: a setting stands before"},
    {"[default]\naws_access_key_id=A\nhush\n", SV_EMALFORMED, "line 3: neither"},
    {"[default\n", SV_EMALFORMED, "line 1: the section's ']' is missing"},
    {"[default] hush\n", SV_EMALFORMED, "line 1: something follows"},
    {"[default]\n= hush\n", SV_EMALFORMED, "line 2: the name before"},
    {"[default]\naws_access_key_id =\n", SV_EMALFORMED, "line 2: the value is empty"},
    {"[default]\naws_secret_access_key = hush hush\n", SV_EMALFORMED, "line 2: the value holds"},
    {"[default]\naws_access_key_id = \x01\n", SV_EMALFORMED, "line 2: the value holds"},
    {"[other]\nhush\n", SV_EMALFORMED, "line 2: neither"}, /* not ours, but broken all the same */
};

static void files_are_read_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof file_cases / sizeof file_cases[0]; i++) {
        const struct file_case *expected = &file_cases[i];
        struct sv_credentials out;
        struct sv_errinfo info = {.text = ""};
        enum sv_err err;

        write_file(credentials_path, expected->text);
        err = load(NULL, NULL, &out, &info);
        if (err != expected->err)
            print_error("case %zu: %s\n", i, info.text);
        assert_int_equal(err, expected->err);
        assert_null(strstr(info.text, "hush"));
        if (err == SV_OK)
            assert_string_equal(out.access_key_id, expected->expected);
        else
            assert_non_null(strstr(info.text, expected->expected));
        if (err == SV_EMALFORMED)
            assert_non_null(strstr(info.text, credentials_path));
    }
}

static void limits(void **state)
{
    static char text[SV_SHARED_FILE_BYTES_MAX + 100];
    struct sv_credentials out;
    struct sv_errinfo info;

    (void)state;
    (void)snprintf(text, sizeof text, "[default]\naws_access_key_id=%0*d\n", SV_ACCESS_KEY_BYTES,
                   0);
    write_file(credentials_path, text);
    assert_int_equal(load(NULL, NULL, &out, &info), SV_ETOOBIG);
    assert_non_null(strstr(info.text, "line 2"));
    (void)snprintf(text, sizeof text, "[default]\n# %0*d\n", SV_SHARED_LINE_BYTES_MAX, 0);
    write_file(credentials_path, text);
    assert_int_equal(load(NULL, NULL, &out, &info), SV_EMALFORMED);
    memset(text, '\n', SV_SHARED_FILE_BYTES_MAX);
    text[SV_SHARED_FILE_BYTES_MAX] = '\0';
    write_file(credentials_path, text);
    assert_int_equal(load(NULL, NULL, &out, &info), SV_ENOTFOUND);
    text[SV_SHARED_FILE_BYTES_MAX] = '\n';
    text[SV_SHARED_FILE_BYTES_MAX + 1] = '\0';
    write_file(credentials_path, text);
    assert_int_equal(load(NULL, NULL, &out, &info), SV_ETOOBIG);
}

static void the_file_must_be_a_file(void **state)
{
    struct sv_credentials out;
    struct sv_errinfo info;

    (void)state;
    assert_int_equal(mkfifo(credentials_path, 0600), 0);
    assert_int_equal(load(NULL, NULL, &out, &info), SV_EDENIED);
    assert_int_equal(unlink(credentials_path), 0);
    assert_int_equal(mkdir(credentials_path, 0700), 0);
    assert_int_equal(load(NULL, NULL, &out, &info), SV_EDENIED);
    assert_non_null(strstr(info.text, credentials_path));
    assert_int_equal(rmdir(credentials_path), 0);
}

static void home_is_where_the_files_are(void **state)
{
    struct variable home[] = {{"HOME", directory}, {NULL, NULL}};
    struct variable tilde[] = {
        {"HOME", directory}, {"AWS_SHARED_CREDENTIALS_FILE", "~/credentials"}, {NULL, NULL}};
    struct variable nothing[] = {{NULL, NULL}};
    struct sv_credentials out;
    struct sv_errinfo info;
    char path[160];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/.aws", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/.aws/credentials", directory);
    write_file(path, "[default]\naws_access_key_id=H\naws_secret_access_key=h\n");
    assert_int_equal(sv_credentials_load(NULL, look_up, home, &out, &info), SV_OK);
    assert_string_equal(out.access_key_id, "H");
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof path, "%s/.aws", directory);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(sv_credentials_load(NULL, look_up, home, &out, &info), SV_ENOTFOUND);
    assert_non_null(strstr(info.text, directory)); /* says where it looked */
    write_file(credentials_path, "[default]\naws_access_key_id=T\naws_secret_access_key=t\n");
    assert_int_equal(sv_credentials_load(NULL, look_up, tilde, &out, &info), SV_OK);
    assert_string_equal(out.access_key_id, "T");
    assert_int_equal(sv_credentials_load(NULL, look_up, nothing, &out, &info), SV_ENOTFOUND);
}

static void nothing_secret_is_left_behind(void **state)
{
    struct sv_credentials out;
    static const struct sv_credentials empty;

    (void)state;
    assert_int_equal(load(NULL, env_keys, &out, NULL), SV_OK);
    sv_credentials_wipe(&out);
    assert_memory_equal(&out, &empty, sizeof out);
}

/* In a child of its own, because root reads everything. */
static void an_unreadable_file_is_told(void **state)
{
    struct sv_credentials out;
    struct sv_errinfo info;
    int status = -1;
    pid_t child;

    (void)state;
    write_file(credentials_path, "[default]\n");
    assert_int_equal(chmod(credentials_path, 0), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool dropped = geteuid() != 0 || setuid(65534) == 0;

        _exit(dropped && load(NULL, NULL, &out, &info) == SV_EDENIED ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_environment_comes_first, set_up),
        cmocka_unit_test_setup(half_an_environment_is_an_error, set_up),
        cmocka_unit_test_setup(profiles_are_chosen, set_up),
        cmocka_unit_test_setup(the_config_file_has_its_own_titles, set_up),
        cmocka_unit_test_setup(files_are_read_strictly, set_up),
        cmocka_unit_test_setup(limits, set_up),
        cmocka_unit_test_setup(the_file_must_be_a_file, set_up),
        cmocka_unit_test_setup(home_is_where_the_files_are, set_up),
        cmocka_unit_test_setup(nothing_secret_is_left_behind, set_up),
        cmocka_unit_test_setup(an_unreadable_file_is_told, set_up),
    };
    int failed;

    if (mkdtemp(directory) == NULL)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)set_up(NULL);
    (void)rmdir(directory);
    return failed;
}
