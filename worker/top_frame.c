#include "top_frame.h"

#include <stdarg.h>
#include <string.h>

#include "sv/json.h"
#include "sv/require.h"
#include "sv/utf8.h"
#include "term.h"
#include "text.h"

enum { CELL_BYTES = 512, SPAN_BYTES = 24, LABEL = 11, BAR_MAX = 60, COLUMNS_WIDE = 100 };

struct canvas {
    const struct sv_top_frame *frame;
    struct sv_buf *out;
    unsigned column, row; /* of what comes next */
    unsigned blanks;      /* before it, of `column`: written only where something follows */
    bool full;            /* no row is left */
};

/* ---- putting text somewhere ---- */

static void add(struct canvas *canvas, const char *text)
{
    /* A frame is a few kilobytes: the limit is out of reach. */
    SV_REQUIRE(sv_buf_add_str(canvas->out, text));
}

static void skip(struct canvas *canvas, unsigned blanks)
{
    canvas->column += blanks;
    canvas->blanks += blanks;
}

/* Takes the blanks at the end of a text away; how many those were. */
static unsigned strip(char *text)
{
    size_t len = strlen(text), end = len;

    while (end > 0 && text[end - 1] == ' ')
        end--;
    text[end] = '\0';
    return (unsigned)(len - end);
}

/* As much of the text as the line has room for. */
static void put(struct canvas *canvas, enum sv_colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void put(struct canvas *canvas, enum sv_colour colour, const char *format, ...)
{
    bool painted = canvas->frame->colour && colour != SV_PLAIN;
    char text[CELL_BYTES];
    unsigned blanks;
    va_list list;

    if (canvas->full)
        return;
    va_start(list, format);
    (void)vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    sv_term_make_safe(text);
    while (text[0] != '\0' &&
           canvas->column + sv_term_columns(text) > (size_t)canvas->frame->columns) {
        size_t end = strlen(text) - 1;

        while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
            end--;
        text[end] = '\0';
    }
    blanks = strip(text);
    if (text[0] != '\0') {
        for (; canvas->blanks > 0; canvas->blanks--)
            add(canvas, " ");
        if (painted)
            add(canvas, sv_term_start(colour));
        add(canvas, text);
        if (painted)
            add(canvas, sv_term_reset);
        canvas->column += (unsigned)sv_term_columns(text);
    }
    skip(canvas, blanks);
}

static void move_to(struct canvas *canvas, unsigned column)
{
    if (column > canvas->column)
        skip(canvas, column - canvas->column);
}

/* Between two figures of a line. */
static void gap(struct canvas *canvas)
{
    skip(canvas, canvas->frame->columns < COLUMNS_WIDE ? 2 : 3);
}

/* Begins the next line: what is left of the frame is known by `row`. */
static void next_line(struct canvas *canvas)
{
    if (canvas->full)
        return;
    canvas->column = 0;
    canvas->blanks = 0;
    canvas->row++;
    canvas->full = canvas->frame->rows > 0 && canvas->row >= canvas->frame->rows;
    if (!canvas->full)
        add(canvas, canvas->frame->line_end);
}

/* ---- figures ---- */

static long long number_of(const json_t *object, const char *path)
{
    return json_integer_value(sv_json_path(object, path));
}

/* "850 ms", "3.2 s", "4 min", "2 h", "3 d". */
static const char *span_of(long long ms, char out[SPAN_BYTES])
{
    if (ms < SV_SECOND)
        (void)snprintf(out, SPAN_BYTES, "%lld ms", ms < 0 ? 0 : ms);
    else if (ms < 10 * SV_SECOND)
        (void)snprintf(out, SPAN_BYTES, "%.1f s", (double)ms / SV_SECOND);
    else if (ms < 2 * SV_MINUTE)
        (void)snprintf(out, SPAN_BYTES, "%lld s", ms / SV_SECOND);
    else if (ms < 2 * SV_HOUR)
        (void)snprintf(out, SPAN_BYTES, "%lld min", ms / SV_MINUTE);
    else if (ms < 2 * SV_DAY)
        (void)snprintf(out, SPAN_BYTES, "%lld h", ms / SV_HOUR);
    else
        (void)snprintf(out, SPAN_BYTES, "%lld d", ms / SV_DAY);
    return out;
}

static sv_ms instant_of(const json_t *object, const char *key)
{
    const char *text = sv_text_of(object, key);
    sv_ms at = 0;

    return sv_time_parse(text, strlen(text), &at) == SV_OK ? at : 0;
}

json_t *sv_top_rates(const json_t *before, const json_t *now, sv_ms span_ms)
{
    static const struct {
        const char *name, *path;
    } rows[] = {{"checks", "work.checks_committed"},
                {"jobs", "work.jobs_taken"},
                {"ses_calls", NULL},
                {"dns_questions", "work.dns_questions"}};
    json_t *out, *account;
    long long calls = 0;
    size_t i;

    if (before == NULL || now == NULL || span_ms <= 0 ||
        strcmp(sv_text_of(before, "worker"), sv_text_of(now, "worker")) != 0)
        return NULL;
    json_array_foreach(json_object_get(now, "accounts"), i, account)
    {
        calls += number_of(account, "calls");
    }
    json_array_foreach(json_object_get(before, "accounts"), i, account)
    {
        calls -= number_of(account, "calls");
    }
    out = sv_json_object();
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        long long count = rows[i].path == NULL
                              ? calls
                              : number_of(now, rows[i].path) - number_of(before, rows[i].path);

        sv_json_set_int(out, rows[i].name, count * SV_MINUTE / span_ms);
    }
    return out;
}

/* ---- the parts, from above ---- */

static void label(struct canvas *canvas, const char *text)
{
    put(canvas, SV_BOLD, "%s", text);
    move_to(canvas, LABEL);
}

/* "name 12   ", the figure coloured when it is not 0. */
static void figure(struct canvas *canvas, const char *name, long long value, enum sv_colour colour)
{
    put(canvas, SV_DIM, "%s ", name);
    put(canvas, value != 0 ? colour : SV_PLAIN, "%lld", value);
    gap(canvas);
}

static void draw_title(struct canvas *canvas)
{
    const json_t *now = canvas->frame->now;
    const char *phase = sv_text_of(now, "phase"), *time = sv_text_of(now, "time");
    char up[SPAN_BYTES];
    sv_ms at = instant_of(now, "time");

    put(canvas, SV_BOLD, "sesverify %s", sv_text_of(now, "version"));
    put(canvas, SV_PLAIN, "  %.40s", sv_text_of(now, "worker"));
    skip(canvas, 2);
    put(canvas, strcmp(phase, "running") == 0 ? SV_GREEN : SV_YELLOW, "%s", phase);
    put(canvas, SV_PLAIN, " for %s", span_of(at - instant_of(now, "started_at"), up));
    if (canvas->column + 14 < canvas->frame->columns && strlen(time) > 19) {
        move_to(canvas, canvas->frame->columns - 12);
        put(canvas, SV_DIM, "%.8s UTC", time + 11);
    }
    next_line(canvas);
    put(canvas, SV_DIM, "Redis ");
    put(canvas, SV_PLAIN, "%s ", sv_text_of(now, "redis"));
    if (json_is_true(json_object_get(now, "redis_ready")))
        put(canvas, SV_GREEN, "answers");
    else
        put(canvas, SV_RED, "is away");
    put(canvas, SV_DIM, "   shards ");
    put(canvas, SV_PLAIN, "%lld", number_of(now, "shards"));
    put(canvas, SV_DIM, "   workers ");
    put(canvas, SV_PLAIN, "%lld", number_of(now, "fleet.workers"));
    next_line(canvas);
    if (canvas->frame->trouble != NULL) {
        put(canvas, SV_RED, "old figures: %s", canvas->frame->trouble);
        next_line(canvas);
    }
    next_line(canvas);
}

static void draw_rates(struct canvas *canvas)
{
    static const struct {
        const char *name, *key;
    } rows[] = {{"checks", "checks"},
                {"jobs", "jobs"},
                {"SES calls", "ses_calls"},
                {"DNS questions", "dns_questions"}};

    label(canvas, "RATES");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put(canvas, SV_DIM, "%s ", rows[i].name);
        if (canvas->frame->rates == NULL)
            put(canvas, SV_PLAIN, "-");
        else
            put(canvas, SV_PLAIN, "%.1f/s",
                (double)number_of(canvas->frame->rates, rows[i].key) / 60);
        gap(canvas);
    }
    next_line(canvas);
}

static void draw_bar(struct canvas *canvas, unsigned width, double share, enum sv_colour colour)
{
    unsigned filled = (unsigned)(share * width + 0.5);
    const char *sign = canvas->frame->blocks ? "\xe2\x96\x88" : "#";
    char text[BAR_MAX * 3 + 1] = "";

    if (share > 0 && filled == 0)
        filled = 1;
    for (unsigned i = 0; i < filled && i < BAR_MAX; i++)
        (void)memcpy(text + i * strlen(sign), sign, strlen(sign) + 1);
    put(canvas, colour, "%s", text);
}

static unsigned bar_width(const struct canvas *canvas, unsigned beside)
{
    unsigned left = canvas->frame->columns > beside ? canvas->frame->columns - beside : 0;

    return left > BAR_MAX ? BAR_MAX : left;
}

static void draw_work(struct canvas *canvas)
{
    const json_t *now = canvas->frame->now;
    long long busy = number_of(now, "work.inflight"), room = number_of(now, "work.inflight_limit");
    unsigned width = bar_width(canvas, LABEL + 40);

    label(canvas, "IN FLIGHT");
    put(canvas, SV_PLAIN, "%lld", busy);
    put(canvas, SV_DIM, " of %lld checks", room);
    move_to(canvas, LABEL + 22);
    if (room > 0)
        draw_bar(canvas, width, (double)busy / (double)room, busy >= room ? SV_YELLOW : SV_GREEN);
    next_line(canvas);
}

static void draw_queue(struct canvas *canvas)
{
    const json_t *queues = json_object_get(canvas->frame->now, "queues");
    long long unread = 0, pending = 0, due = 0, events = 0, dead = 0, job_ms = 0, look_ms = 0;
    char job[SPAN_BYTES], look[SPAN_BYTES];
    json_t *queue;
    size_t i;

    json_array_foreach(queues, i, queue)
    {
        unread += number_of(queue, "unread");
        pending += number_of(queue, "pending");
        due += number_of(queue, "clients_due");
        events += number_of(queue, "events");
        dead += number_of(queue, "dead_letters");
        if (number_of(queue, "oldest_job_ms") > job_ms)
            job_ms = number_of(queue, "oldest_job_ms");
        if (number_of(queue, "oldest_due_ms") > look_ms)
            look_ms = number_of(queue, "oldest_due_ms");
    }
    label(canvas, "JOBS");
    figure(canvas, "unread", unread, SV_YELLOW);
    figure(canvas, "being admitted", pending, SV_PLAIN);
    put(canvas, SV_DIM, "oldest ");
    put(canvas, SV_PLAIN, "%s", span_of(job_ms, job));
    next_line(canvas);
    label(canvas, "LOOKS");
    figure(canvas, "clients with one due", due, SV_PLAIN);
    put(canvas, SV_DIM, "most overdue ");
    put(canvas, look_ms > SV_MINUTE ? SV_YELLOW : SV_PLAIN, "%s", span_of(look_ms, look));
    next_line(canvas);
    label(canvas, "EVENTS");
    figure(canvas, "in the outbox", events, SV_PLAIN);
    figure(canvas, "dead letters", dead, SV_RED);
    next_line(canvas);
}

static void draw_errors(struct canvas *canvas)
{
    static const struct {
        const char *name, *key;
        enum sv_colour colour;
    } rows[] = {{"SES", "ses", SV_RED},
                {"throttled", "ses_throttled", SV_YELLOW},
                {"Redis", "redis", SV_RED},
                {"DNS silent", "dns_timeouts", SV_YELLOW},
                {"disbelieved", "dns_rejected", SV_RED},
                {"dead jobs", "dead_jobs", SV_RED}};
    const json_t *errors = json_object_get(canvas->frame->now, "errors");

    label(canvas, "ERRORS");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        figure(canvas, rows[i].name, number_of(errors, rows[i].key), rows[i].colour);
    next_line(canvas);
}

static void draw_held(struct canvas *canvas)
{
    const json_t *held = json_object_get(canvas->frame->now, "paused");

    if (!json_is_true(json_object_get(held, "all")) && number_of(held, "accounts") == 0 &&
        number_of(held, "clients") == 0)
        return;
    label(canvas, "PAUSED");
    if (json_is_true(json_object_get(held, "all")))
        put(canvas, SV_YELLOW, "everything  ");
    figure(canvas, "accounts", number_of(held, "accounts"), SV_YELLOW);
    figure(canvas, "clients", number_of(held, "clients"), SV_YELLOW);
    next_line(canvas);
}

/* Only where there is a sink. */
static void draw_sinks(struct canvas *canvas)
{
    const json_t *sinks = json_object_get(canvas->frame->now, "sinks"), *sink;
    long long waiting = 0, dead = 0;
    size_t i;

    if (json_array_size(sinks) == 0)
        return;
    label(canvas, "SINKS");
    json_array_foreach(sinks, i, sink)
    {
        waiting += number_of(sink, "waiting");
        dead += number_of(sink, "dead");
    }
    figure(canvas, "waiting", waiting, SV_YELLOW);
    figure(canvas, "dead", dead, SV_RED);
    json_array_foreach(sinks, i, sink)
    {
        if (json_is_true(json_object_get(sink, "disabled")))
            put(canvas, SV_RED, "%s is disabled  ", sv_text_of(sink, "sink"));
    }
    next_line(canvas);
}

static void draw_domains(struct canvas *canvas)
{
    const json_t *domains = sv_json_path(canvas->frame->now, "fleet.domains");
    unsigned width = bar_width(canvas, LABEL + 38);
    long long all = 0;

    for (int i = 0; i < SV_STATUS_COUNT; i++)
        all += number_of(domains, sv_status_name((enum sv_status)i));
    for (int i = 0; i < SV_STATUS_COUNT; i++) {
        enum sv_status status = (enum sv_status)i;
        long long count = number_of(domains, sv_status_name(status));

        label(canvas, i == 0 ? "DOMAINS" : "");
        put(canvas, sv_text_colour_of_status(status), "%-20s", sv_status_name(status));
        put(canvas, SV_PLAIN, " %8lld", count);
        skip(canvas, 2);
        if (all > 0)
            draw_bar(canvas, width, (double)count / (double)all, sv_text_colour_of_status(status));
        next_line(canvas);
    }
}

static void draw_account(struct canvas *canvas, const json_t *account)
{
    static const char *const kinds[] = {"recheck", "search", "guard"};
    const json_t *asks = json_object_get(account, "asks");
    const char *trouble = sv_text_of(account, "trouble");
    char every[SPAN_BYTES], longest[SPAN_BYTES];
    long long longest_ms = 0;

    put(canvas, SV_PLAIN, "%-12.12s ", sv_text_of(account, "account"));
    put(canvas, SV_PLAIN, "%-14.14s ", sv_text_of(account, "region"));
    put(canvas, SV_PLAIN, "%7s", span_of(number_of(account, "interval_ms"), every));
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const json_t *ask = json_object_get(asks, kinds[i]);

        put(canvas, SV_PLAIN, "%7lld", number_of(ask, "waiting"));
        if (number_of(ask, "longest_ms") > longest_ms)
            longest_ms = number_of(ask, "longest_ms");
    }
    put(canvas, SV_PLAIN, "%7lld", number_of(account, "line"));
    put(canvas, SV_PLAIN, "%9s  ", span_of(longest_ms, longest));
    if (json_is_true(json_object_get(account, "paused")))
        put(canvas, SV_YELLOW, "paused");
    else if (*trouble != '\0')
        put(canvas, SV_RED, "%s", trouble);
    else
        put(canvas, SV_GREEN, "ok");
    next_line(canvas);
}

/* Whom the calls at SES are for: domains that wait for a shared read, by class, and calls about one
 * domain alone. */
static void draw_accounts(struct canvas *canvas)
{
    json_t *account;
    size_t i;

    next_line(canvas);
    put(canvas, SV_BOLD, "%-12s %-14s %7s%7s%7s%7s%7s%9s  %s", "ACCOUNT", "REGION", "PACE", "JOB",
        "SEARCH", "GUARD", "SINGLE", "LONGEST", "STATE");
    next_line(canvas);
    json_array_foreach(json_object_get(canvas->frame->now, "accounts"), i, account)
    {
        draw_account(canvas, account);
    }
}

static void draw_slowest(struct canvas *canvas)
{
    const json_t *slowest = json_object_get(canvas->frame->now, "slowest");
    unsigned name = canvas->frame->columns < COLUMNS_WIDE ? 34 : 60;
    json_t *busy;
    size_t i;

    if (slowest == NULL)
        return;
    next_line(canvas);
    put(canvas, SV_BOLD, "%-*s  %-18s  %-12s%9s", (int)name, "SLOWEST", "CLIENT", "AT", "FOR");
    next_line(canvas);
    json_array_foreach(slowest, i, busy)
    {
        char age[SPAN_BYTES];
        long long ms = number_of(busy, "age_ms");

        put(canvas, SV_PLAIN, "%.*s", (int)name, sv_text_of(busy, "domain"));
        move_to(canvas, name + 2);
        put(canvas, SV_PLAIN, "%.18s", sv_text_of(busy, "client_id"));
        move_to(canvas, name + 22);
        put(canvas, SV_PLAIN, "%-12.12s", sv_text_of(busy, "step"));
        put(canvas, ms > 10 * SV_SECOND ? SV_YELLOW : SV_PLAIN, "%9s", span_of(ms, age));
        next_line(canvas);
    }
    if (json_array_size(slowest) == 0) {
        put(canvas, SV_DIM, "nothing is under way");
        next_line(canvas);
    }
}

void sv_top_draw(const struct sv_top_frame *frame, struct sv_buf *out)
{
    struct canvas canvas = {.frame = frame, .out = out};

    draw_title(&canvas);
    draw_rates(&canvas);
    draw_work(&canvas);
    draw_queue(&canvas);
    draw_errors(&canvas);
    draw_held(&canvas);
    draw_sinks(&canvas);
    next_line(&canvas);
    draw_domains(&canvas);
    draw_accounts(&canvas);
    draw_slowest(&canvas);
}
