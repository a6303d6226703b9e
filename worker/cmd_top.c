/* `sesverify top`: what a worker does, live, from its status port.
 *
 * One timer asks, one answer at a time is under way, each answer is drawn. On a terminal the frame
 * has a screen of its own, as large as the terminal is now; keys are read one by one, and signals
 * end the program through the same door as `q`, so that the terminal is always given back as it
 * was. Elsewhere frames come one after the other as plain text. */
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "commands.h"
#include "exit.h"
#include "numbers.h"
#include "setup.h"
#include "sv/json.h"
#include "sv/require.h"
#include "text.h"
#include "top_frame.h"
#include "visit.h"

enum { STATUS_DEPTH_MAX = 16, INTERVAL_MAX_S = 3600, COLUMNS_DEFAULT = 100, ROWS_DEFAULT = 24 };

enum { WINCH, CONT, STOP, INT, TERM, HUP, SIGNALS };

static const int signal_numbers[SIGNALS] = {[WINCH] = SIGWINCH, [CONT] = SIGCONT, [STOP] = SIGTSTP,
                                            [INT] = SIGINT,     [TERM] = SIGTERM, [HUP] = SIGHUP};

struct top {
    const struct sv_args *args;
    char url[SV_VISIT_URL_BYTES];
    bool json, once, screen, colour, blocks;
    sv_ms interval_ms;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_poll_t keys;
    uv_signal_t signals[SIGNALS];
    struct sv_http *http; /* NULL = closed */
    struct sv_http_request request;
    bool asking, leaving, reads_keys;
    struct termios before_us;
    json_t *before, *now, *rates;
    sv_ms now_mono;            /* when `now` came */
    struct sv_errinfo trouble; /* code SV_OK = none */
    int code;
};

/* ---- the terminal ---- */

static void enter_screen(struct top *top)
{
    struct termios raw;

    if (!top->screen)
        return;
    if (top->reads_keys && tcgetattr(STDIN_FILENO, &top->before_us) == 0) {
        raw = top->before_us;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    (void)printf("\033[?1049h\033[?25l");
    (void)fflush(stdout);
}

static void leave_screen(const struct top *top)
{
    if (!top->screen)
        return;
    (void)printf("\033[?25h\033[?1049l");
    (void)fflush(stdout);
    if (top->reads_keys)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &top->before_us);
}

static unsigned environment_number(const struct top *top, const char *name, unsigned fallback)
{
    const char *text = sv_environment_find(top->args->environment, name);
    unsigned number = 0;

    for (; text != NULL && *text >= '0' && *text <= '9' && number < 10000; text++)
        number = number * 10 + (unsigned)(*text - '0');
    return number > 0 ? number : fallback;
}

static void measure(const struct top *top, struct sv_top_frame *frame)
{
    struct winsize size = {0};

    if (isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
        size.ws_col > 0) {
        frame->columns = size.ws_col;
        frame->rows = top->screen && size.ws_row > 0 ? size.ws_row : 0;
    } else {
        frame->columns = environment_number(top, "COLUMNS", COLUMNS_DEFAULT);
        frame->rows = top->screen ? environment_number(top, "LINES", ROWS_DEFAULT) : 0;
    }
    if (frame->columns < SV_TOP_COLUMNS_MIN)
        frame->columns = SV_TOP_COLUMNS_MIN;
    if (frame->columns > SV_TOP_COLUMNS_MAX)
        frame->columns = SV_TOP_COLUMNS_MAX;
}

/* ---- showing ---- */

static void show_json(const struct top *top)
{
    json_t *out = sv_json_object();

    sv_json_set_str(out, "schema", "sesverify.top.v1");
    sv_json_set(out, "per_minute", top->rates != NULL ? json_incref(top->rates) : json_null());
    sv_json_set(out, "worker", json_incref(top->now));
    sv_text_print_json(out);
}

static void show_frame(const struct top *top)
{
    struct sv_top_frame frame = {
        .now = top->now,
        .rates = top->rates,
        .trouble = top->trouble.code != SV_OK ? top->trouble.text : NULL,
        .colour = top->colour,
        .blocks = top->blocks,
        .line_end = top->screen ? "\033[K\n" : "\n",
    };
    struct sv_buf text;

    measure(top, &frame);
    sv_buf_init(&text, SV_TOP_BYTES_MAX);
    sv_top_draw(&frame, &text);
    (void)printf("%s%s%s", top->screen ? "\033[H" : "", sv_buf_str(&text),
                 top->screen ? "\033[K\033[J" : "\n");
    sv_buf_fini(&text);
}

static void leave(struct top *top, int code);

static void show(struct top *top)
{
    if (top->now == NULL)
        return;
    if (top->json)
        show_json(top);
    else
        show_frame(top);
    if (fflush(stdout) != 0)
        leave(top, SV_EXIT_OK); /* nobody reads any more; main tells */
}

/* ---- asking ---- */

static void take_answer(struct top *top, json_t *tree)
{
    sv_ms now = sv_clock_system()->monotonic(sv_clock_system()->context);

    json_decref(top->before);
    json_decref(top->rates);
    top->before = top->now;
    top->now = tree;
    top->rates = sv_top_rates(top->before, top->now, now - top->now_mono);
    top->now_mono = now;
    top->trouble.code = SV_OK;
    /* One look knows no rates: who wants one frame, or a list of them, waits for the second. */
    if ((top->once || (!top->json && !top->screen)) && top->before == NULL)
        return;
    show(top);
    if (top->once)
        leave(top, SV_EXIT_OK);
}

/* At the beginning nobody there is an answer; later it may be a restart. */
static void take_trouble(struct top *top)
{
    if (top->trouble.text[0] == '\0')
        (void)snprintf(top->trouble.text, sizeof(top->trouble.text), "%s",
                       sv_err_text(top->trouble.code));
    if (top->now == NULL || top->once)
        leave(top, SV_EXIT_UNAVAILABLE);
    else if (!top->json)
        show(top);
}

static void on_answer(struct sv_http_request *request, enum sv_err err,
                      const struct sv_http_answer *answer)
{
    struct top *top = request->owner;
    json_t *tree = NULL;

    top->asking = false;
    if (top->leaving)
        return;
    top->trouble = request->info;
    top->trouble.code = err;
    if (err == SV_OK && answer->status == 200)
        tree = sv_json_parse(sv_buf_str(&answer->body), answer->body.len, SV_VISIT_BYTES_MAX,
                             STATUS_DEPTH_MAX, &top->trouble);
    else if (err == SV_OK)
        (void)sv_err_set(&top->trouble, SV_EREFUSED, "top", answer->status,
                         "it answers with status %ld: no worker's port", answer->status);
    if (tree != NULL && strcmp(sv_text_of(tree, "schema"), "sesverify.worker.v1") != 0) {
        json_decref(tree);
        tree = NULL;
        (void)sv_err_set(&top->trouble, SV_EMALFORMED, "top", 0, "it is no worker's port");
    }
    if (tree != NULL)
        take_answer(top, tree);
    else
        take_trouble(top);
}

static void on_timer(uv_timer_t *timer)
{
    struct top *top = timer->data;
    struct sv_http_ask ask;

    if (top->asking)
        return;
    sv_visit_ask(top->url, &ask);
    top->request = (struct sv_http_request){.owner = top};
    if (sv_http_start(top->http, &top->request, &ask, on_answer, &top->trouble) == SV_OK)
        top->asking = true;
    else
        take_trouble(top);
}

/* ---- keys and signals ---- */

static void on_keys(uv_poll_t *keys, int status, int events)
{
    struct top *top = keys->data;
    char typed[64];
    ssize_t count = status < 0 ? 0 : read(STDIN_FILENO, typed, sizeof(typed));

    (void)events;
    if (count <= 0) { /* the terminal is gone */
        leave(top, SV_EXIT_OK);
        return;
    }
    for (ssize_t i = 0; i < count; i++) {
        if (typed[i] == 'q' || typed[i] == 'Q' || typed[i] == 3 /* Ctrl-C */) {
            leave(top, SV_EXIT_OK);
            return;
        }
    }
    show(top); /* any other key: now */
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct top *top = handle->data;

    switch (number) {
    case SIGWINCH:
        if (top->screen)
            show(top);
        return;
    case SIGTSTP: /* the shell gets its terminal, and we the same one back later */
        leave_screen(top);
        (void)raise(SIGSTOP);
        return;
    case SIGCONT:
        enter_screen(top);
        show(top);
        return;
    default:
        leave(top, SV_EXIT_OK);
    }
}

/* ---- life ---- */

static void on_http_closed(void *context)
{
    ((struct top *)context)->http = NULL;
}

static void leave(struct top *top, int code)
{
    if (top->leaving)
        return;
    top->leaving = true;
    top->code = code;
    leave_screen(top);
    uv_close((uv_handle_t *)&top->timer, NULL);
    if (top->reads_keys)
        uv_close((uv_handle_t *)&top->keys, NULL);
    for (int i = 0; top->screen && i < SIGNALS; i++)
        uv_close((uv_handle_t *)&top->signals[i], NULL);
    sv_http_close(top->http, on_http_closed, top);
}

/* Where there is no screen to give back, signals do what they always do. */
static void open_handles(struct top *top)
{
    SV_REQUIRE(uv_timer_init(&top->loop, &top->timer) == 0);
    top->timer.data = top;
    top->reads_keys = top->screen && isatty(STDIN_FILENO) == 1 &&
                      uv_poll_init(&top->loop, &top->keys, STDIN_FILENO) == 0;
    for (int i = 0; top->screen && i < SIGNALS; i++) {
        SV_REQUIRE(uv_signal_init(&top->loop, &top->signals[i]) == 0);
        top->signals[i].data = top;
        SV_REQUIRE(uv_signal_start(&top->signals[i], on_signal, signal_numbers[i]) == 0);
    }
    enter_screen(top);
    if (top->reads_keys) {
        top->keys.data = top;
        SV_REQUIRE(uv_poll_start(&top->keys, UV_READABLE, on_keys) == 0);
    }
    SV_REQUIRE(uv_timer_start(&top->timer, on_timer, 0, (uint64_t)top->interval_ms) == 0);
}

static int work(struct top *top)
{
    const struct sv_http_options options = {.connections_max = 1};

    if (uv_loop_init(&top->loop) != 0) {
        sv_setup_complain(top->args, "the operating system gives no event loop");
        return SV_EXIT_OS;
    }
    top->http = sv_http_new(&top->loop, &options);
    open_handles(top);
    (void)uv_run(&top->loop, UV_RUN_DEFAULT);
    SV_REQUIRE(top->http == NULL && uv_loop_close(&top->loop) == 0);
    if (top->code == SV_EXIT_UNAVAILABLE)
        sv_setup_complain(top->args, "%s: %s", top->url, top->trouble.text);
    json_decref(top->before);
    json_decref(top->now);
    json_decref(top->rates);
    return top->code;
}

static bool speaks_utf8(char *const *environment)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = sv_environment_find(environment, names[i]);

        if (value != NULL)
            return strstr(value, "UTF-8") != NULL || strstr(value, "utf8") != NULL;
    }
    return false;
}

static int run(const struct sv_args *args)
{
    const char *term = sv_environment_find(args->environment, "TERM");
    struct top top = {
        .args = args,
        .json = sv_args_has(args, "json"),
        .once = sv_args_has(args, "once"),
        .colour = sv_term_wants_colour(stdout, args->environment),
        .blocks = speaks_utf8(args->environment),
    };
    struct sv_config *config = NULL;
    size_t interval;
    int code = sv_number_option(args, "interval", 1, INTERVAL_MAX_S, 1, &interval);

    top.interval_ms = (sv_ms)interval * SV_SECOND;
    top.screen = !top.json && !top.once && isatty(STDOUT_FILENO) == 1 &&
                 (term == NULL || strcmp(term, "dumb") != 0);
    if (code == SV_EXIT_OK)
        code = sv_setup_config(args, &config, NULL);
    if (code == SV_EXIT_OK)
        code = sv_visit_url(args, config, "/status", top.url);
    if (code == SV_EXIT_OK)
        code = work(&top);
    sv_config_free(config);
    return code;
}

static const struct sv_option options[] = {
    {"interval", "SECONDS", false, "between two looks, 1 to 3600 (default 1)"},
    {"once", NULL, false, "one frame as text, then leave"},
    SV_VISIT_OPTION,
    {.name = NULL},
};

const struct sv_command sv_command_top = {
    .name = "top",
    .operands = "",
    .summary = "what a worker does, live",
    .details = "Rates, jobs and looks that wait, domains by status, the budgets of the SES\n"
               "accounts, errors, and the checks that take longest, as the worker's status port\n"
               "tells. q quits. Where standard output is no terminal, frames come as plain text;\n"
               "with --json one object a look. Exit code 69 when nobody answers at first.",
    .options = options,
    .configured = true,
    .facts = true,
    .examples = {"sesverify top", "sesverify top --once --port 10.0.0.7:9425"},
    .run = run,
};
