#include "script.h"

#include <ctype.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        int must_result = (call);                                                                  \
        if (must_result < 0) {                                                                     \
            (void)fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call,                    \
                          uv_strerror(must_result));                                               \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum { PORT_TRIES = 50, TYPE_TXT = 16, IN_BUFFER_BYTES = 2 << 20 };

struct query {
    unsigned id, type;
    char name[SV_NAME_BYTES];
    bool edns;
    uint8_t cookie[40]; /* as it came */
    size_t cookie_bytes;
};

static const char server_cookie[] = "biscuits";

static struct query parse(const uint8_t *bytes)
{
    struct query q = {.id = reply_get_u16(bytes), .edns = reply_get_u16(bytes + 10) == 1};
    size_t at = 12, to = 0;

    while (bytes[at] != 0 && to + bytes[at] + 2 < sizeof(q.name)) {
        if (to > 0)
            q.name[to++] = '.';
        memcpy(q.name + to, bytes + at + 1, bytes[at]);
        to += bytes[at];
        at += 1u + bytes[at];
    }
    q.type = reply_get_u16(bytes + at + 1);
    at += 5 + 11; /* behind the OPT record's head; its options, if any, begin with a cookie */
    if (q.edns && reply_get_u16(bytes + at - 2) > 4 && reply_get_u16(bytes + at) == 10) {
        q.cookie_bytes = reply_get_u16(bytes + at + 2);
        memcpy(q.cookie, bytes + at + 4, q.cookie_bytes);
    }
    return q;
}

static void make_answer(const struct script *s, const struct query *q, struct reply *r)
{
    reply_begin(r, q->id, REPLY_QR | REPLY_AA | REPLY_RD | REPLY_RA);
    reply_question(r, q->name, q->type);
    if (q->type == TYPE_TXT)
        reply_txt(r, "@12", s->text != NULL ? s->text : "hello");
    else
        reply_soa(r, "example", 60, 60);
}

/* Their part of the cookie, and ours behind it. */
static void add_cookie(const struct query *q, unsigned rcode_high, struct reply *r)
{
    uint8_t option[20] = {0, 10, 0, 16};

    if (q->cookie_bytes < 8)
        return;
    memcpy(option + 4, q->cookie, 8);
    memcpy(option + 12, server_cookie, 8);
    reply_opt(r, rcode_high, option, sizeof(option));
}

static bool has_our_cookie(const struct query *q)
{
    return q->cookie_bytes == 16 && memcmp(q->cookie + 8, server_cookie, 8) == 0;
}

static void make_rcode(const struct query *q, unsigned flags, struct reply *r)
{
    reply_begin(r, q->id, REPLY_QR | REPLY_RD | flags);
    reply_question(r, q->name, q->type);
}

static void make_alias(const struct query *q, struct reply *r)
{
    make_rcode(q, REPLY_AA | REPLY_RA, r);
    reply_cname(r, "@12", "target.example");
    reply_txt(r, "target.example", "behind");
}

/* Headers that say it all, or nearly. */
static const struct {
    enum step step;
    unsigned flags; /* and rcode */
} headers[] = {
    {STEP_NXDOMAIN, REPLY_AA | REPLY_RA | 3},
    {STEP_NODATA, REPLY_AA | REPLY_RA},
    {STEP_SERVFAIL, REPLY_RA | 2},
    {STEP_REFUSED, 5},
    {STEP_REFERRAL, 0},
    {STEP_NO_AUTHORITY, 0},
    {STEP_FORMERR, 1},
    {STEP_FORMERR_TO_EDNS, 1},
    {STEP_NOTIMP_TO_EDNS, 4},
    {STEP_BADVERS_TO_EDNS, 0},
    {STEP_TRUNCATED, REPLY_TC},
    {STEP_HUGE, REPLY_AA},
};

/* What comes behind some of the headers. */
static void add_records(enum step step, struct reply *r)
{
    if (step == STEP_NXDOMAIN || step == STEP_NODATA)
        reply_soa(r, "example", 60, 60);
    if (step == STEP_SERVFAIL)
        reply_opt(r, 0, "\0\17\0\2\0\26", 6);
    if (step == STEP_REFERRAL)
        reply_ns(r, "example", "ns1.example");
    if (step == STEP_NO_AUTHORITY)
        reply_txt(r, "@12", "from somewhere");
    if (step == STEP_BADVERS_TO_EDNS)
        reply_opt(r, 1, NULL, 0);
    if (step == STEP_TRUNCATED)
        reply_txt(r, "@12", "a part of the truth");
    for (unsigned i = 0; step == STEP_HUGE && i < 500; i++)
        reply_txt(r, "@12", "huge");
}

/* Changes what the reply will answer. */
static void falsify(enum step step, struct query *q)
{
    if (step == STEP_WRONG_ID)
        q->id ^= 0x5555;
    if (step == STEP_WRONG_NAME)
        q->name[0] = q->name[0] == 'x' ? 'y' : 'x';
    if (step == STEP_WRONG_TYPE)
        q->type = q->type == 1 ? 28 : 1;
    if (step == STEP_WRONG_COOKIE)
        q->cookie[0] ^= 1;
    for (size_t i = 0; step == STEP_LOWER_CASE && q->name[i] != 0; i++)
        q->name[i] = (char)tolower((unsigned char)q->name[i]);
}

/* One reply; steps that are more than one build on STEP_ANSWER and STEP_WRONG_ID. */
static void make(const struct script *s, enum step step, struct query q, struct reply *r)
{
    falsify(step, &q);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (headers[i].step != step)
            continue;
        make_rcode(&q, headers[i].flags, r);
        add_records(step, r);
        return;
    }
    make_answer(s, &q, r);
    if (step == STEP_ALIAS)
        make_alias(&q, r);
    if (step == STEP_BADCOOKIE_EVER || (step == STEP_BADCOOKIE && !has_our_cookie(&q))) {
        make_rcode(&q, 7, r); /* 23 is 1 * 16 + 7 */
        add_cookie(&q, 1, r);
        return;
    }
    if (step == STEP_COOKIE || step == STEP_WRONG_COOKIE || step == STEP_BADCOOKIE)
        add_cookie(&q, 0, r);
    if (step == STEP_MALFORMED)
        reply_set_u16(r, 6, 2);
    if (step == STEP_GARBAGE)
        memset(r->bytes, 0xa5, r->len);
    if (step == STEP_EMPTY)
        r->len = 0;
}

static void send_to(uv_udp_t *from, const struct sockaddr *to, const struct reply *r)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)r->bytes, (unsigned)r->len);

    MUST(uv_udp_try_send(from, &buf, 1, to));
}

static void send_wrong_ids(struct script *s, const struct sockaddr *to, struct query q,
                           unsigned count)
{
    static struct reply r;

    for (unsigned i = 0; i < count; i++) {
        make(s, STEP_WRONG_ID, q, &r);
        send_to(&s->udp, to, &r);
    }
}

static void act(struct script *s, enum step step, const struct query *q, const struct sockaddr *to)
{
    static struct reply r;

    make(s, step, *q, &r);
    if (step == STEP_SEVEN_WRONG)
        send_wrong_ids(s, to, *q, 7);
    if (step == STEP_NINE_WRONG) {
        send_wrong_ids(s, to, *q, 9);
        return;
    }
    if (step == STEP_WRONG_OPCODE)
        r.bytes[2] |= 0x08;
    if (step == STEP_ECHO) {
        r.len = s->in_bytes;
        memcpy(r.bytes, s->in, r.len);
    }
    if (step == STEP_TWO_QUESTIONS) {
        make_rcode(q, 0, &r);
        reply_question(&r, q->name, q->type);
    }
    if (step == STEP_LATE) {
        s->late = r;
        memcpy(&s->late_to, to, s->v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
        return;
    }
    if (step == STEP_SILENT)
        return;
    if (s->mangle != NULL)
        s->mangle(&r, s->mangle_context);
    send_to(step == STEP_WRONG_PORT ? &s->other : &s->udp, to, &r);
    if (step == STEP_DUPLICATE)
        send_to(&s->udp, to, &r);
}

static enum step next_step(const struct script *s)
{
    size_t i = 0;

    while (i < s->asked - 1 && i + 1 < SCRIPT_STEPS_MAX && s->steps[i + 1] != STEP_END)
        i++;
    return s->steps[i] == STEP_END ? STEP_ANSWER : s->steps[i];
}

static bool depends_on_edns(enum step step)
{
    return step == STEP_FORMERR_TO_EDNS || step == STEP_NOTIMP_TO_EDNS ||
           step == STEP_BADVERS_TO_EDNS || step == STEP_SILENT_TO_EDNS;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct script *s = handle->data;

    (void)suggested;
    *buf = uv_buf_init((char *)s->in, sizeof(s->in));
}

static void on_query(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from,
                     unsigned flags)
{
    struct script *s = udp->data;
    struct query q;
    enum step step;

    (void)buf;
    (void)flags;
    if (n < 17 || from == NULL)
        return;
    q = parse(s->in);
    s->in_bytes = (size_t)n;
    s->asked++;
    s->asked_with_edns += q.edns;
    s->asked_with_cookie += q.cookie_bytes > 0;
    s->last_cookie_bytes = q.cookie_bytes;
    memcpy(s->last_cookie, q.cookie, sizeof(q.cookie));
    memcpy(s->last_name, q.name, sizeof(q.name));
    s->last_port = ntohs(((const struct sockaddr_in *)from)->sin_port);
    s->last_id = q.id;
    if (s->late.len > 0) {
        send_to(&s->udp, (const struct sockaddr *)&s->late_to, &s->late);
        s->late.len = 0;
    }
    step = next_step(s);
    if (depends_on_edns(step))
        step = !q.edns ? STEP_ANSWER : step == STEP_SILENT_TO_EDNS ? STEP_SILENT : step;
    if (step == STEP_FORMERR_TO_COOKIE)
        step = q.cookie_bytes > 0 ? STEP_FORMERR : STEP_ANSWER;
    act(s, step, &q, from);
}

static void on_client_closed(uv_handle_t *handle)
{
    struct script *s = handle->data;

    s->tcp_open--;
    for (size_t i = 0; i < s->clients_count; i++)
        if ((uv_handle_t *)s->clients[i] == handle)
            s->clients[i] = NULL;
    free(((struct script_client *)handle)->held);
    free(handle);
}

static void end_client(struct script_client *client)
{
    if (client != NULL && !uv_is_closing((uv_handle_t *)client))
        uv_close((uv_handle_t *)client, on_client_closed);
}

void script_end_clients(struct script *s)
{
    for (size_t i = 0; i < s->clients_count; i++)
        end_client(s->clients[i]);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    free(write);
}

static void write_bytes(uv_stream_t *client, const uint8_t *bytes, size_t len)
{
    uv_write_t *write = malloc(sizeof(*write) + len);
    uv_buf_t buf;

    if (write == NULL)
        abort();
    memcpy(write + 1, bytes, len);
    buf = uv_buf_init((char *)(write + 1), (unsigned)len);
    MUST(uv_write(write, client, &buf, 1, on_written));
}

static enum step step_over_tcp(const struct script *s)
{
    if (s->tcp == OVER_TCP_SERVFAIL)
        return STEP_SERVFAIL;
    if (s->tcp == OVER_TCP_TRUNCATED)
        return STEP_TRUNCATED;
    return s->tcp == OVER_TCP_WRONG_ID ? STEP_WRONG_ID : STEP_ANSWER;
}

static void write_reply(uv_stream_t *client, const struct reply *r)
{
    static uint8_t out[70002];

    out[0] = (uint8_t)(r->len >> 8);
    out[1] = (uint8_t)r->len;
    memcpy(out + 2, r->bytes, r->len);
    write_bytes(client, out, r->len + 2);
}

/* Keeps replies until there are enough to turn their order around. */
static void hold(struct script_client *client, const struct reply *r)
{
    if (client->held == NULL)
        client->held = calloc(SCRIPT_BACKWARDS, sizeof(*client->held));
    if (client->held == NULL)
        abort();
    client->held[(client->queries - 1) % SCRIPT_BACKWARDS] = *r;
    if (client->queries % SCRIPT_BACKWARDS != 0)
        return;
    for (size_t i = SCRIPT_BACKWARDS; i > 0; i--)
        write_reply((uv_stream_t *)client, &client->held[i - 1]);
}

static void answer_tcp(struct script *s, struct script_client *client, const uint8_t *query)
{
    static struct reply r;
    uv_stream_t *stream = (uv_stream_t *)client;
    uint8_t head[2];

    make(s, step_over_tcp(s), parse(query), &r);
    for (unsigned i = 1; s->tcp == OVER_TCP_300 && i < 300; i++)
        reply_txt(&r, "@12", "one of 300");
    head[0] = (uint8_t)(r.len >> 8);
    head[1] = (uint8_t)r.len;
    if (s->tcp == OVER_TCP_BACKWARDS) {
        hold(client, &r);
    } else if (s->tcp == OVER_TCP_SLOW) {
        write_bytes(stream, head, client->queries == 1 ? 1 : 0);
    } else if (s->tcp == OVER_TCP_CUT) {
        write_bytes(stream, head, 2);
        write_bytes(stream, r.bytes, r.len / 2);
    } else if (s->tcp == OVER_TCP_ANSWER) {
        write_bytes(stream, head, 1);
        write_bytes(stream, head + 1, 1);
        for (size_t i = 0; i < r.len; i++)
            write_bytes(stream, r.bytes + i, 1);
    } else if (s->tcp != OVER_TCP_CLOSE) {
        write_reply(stream, &r);
    }
}

static bool ends_after_one(const struct script *s)
{
    return s->tcp == OVER_TCP_CUT || s->tcp == OVER_TCP_CLOSE || s->tcp == OVER_TCP_ONE;
}

/* Answers every whole query that is there. */
static void on_client_query(struct script *s, struct script_client *client)
{
    while (client->len >= 2) {
        size_t bytes = 2 + reply_get_u16(client->in);
        if (client->len < bytes)
            return;
        s->tcp_asked++;
        client->queries++;
        answer_tcp(s, client, client->in + 2);
        client->len -= bytes;
        memmove(client->in, client->in + bytes, client->len);
        if (ends_after_one(s)) {
            end_client(client);
            return;
        }
    }
}

static void on_client_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct script_client *client = (struct script_client *)handle;

    (void)suggested;
    *buf =
        uv_buf_init((char *)client->in + client->len, (unsigned)(sizeof(client->in) - client->len));
}

static void on_client_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct script_client *client = (struct script_client *)stream;

    (void)buf;
    if (n < 0) {
        end_client(client);
        return;
    }
    client->len += (size_t)n;
    on_client_query(stream->data, client);
}

static void on_client(uv_stream_t *listener, int status)
{
    struct script *s = listener->data;
    struct script_client *client = calloc(1, sizeof(*client));

    MUST(status);
    if (client == NULL || s->clients_count == SCRIPT_CLIENTS_MAX)
        abort();
    s->clients[s->clients_count++] = client;
    MUST(uv_tcp_init(listener->loop, &client->tcp));
    client->tcp.data = s;
    uv_unref((uv_handle_t *)client);
    s->tcp_open++;
    if (s->tcp_open > s->tcp_open_most)
        s->tcp_open_most = s->tcp_open;
    MUST(uv_accept(listener, (uv_stream_t *)client));
    MUST(uv_tcp_nodelay(&client->tcp, 1));
    MUST(uv_read_start((uv_stream_t *)client, on_client_alloc, on_client_bytes));
}

static void open_udp(struct script *s, uv_loop_t *loop, uv_udp_t *udp)
{
    struct sockaddr_storage any = {0};

    if (s->v6)
        MUST(uv_ip6_addr("::1", 0, (struct sockaddr_in6 *)&any));
    else
        MUST(uv_ip4_addr("127.0.0.1", 0, (struct sockaddr_in *)&any));
    MUST(uv_udp_init(loop, udp));
    udp->data = s;
    MUST(uv_udp_bind(udp, (const struct sockaddr *)&any, 0));
    int bytes = IN_BUFFER_BYTES; /* room for a burst of queries; less will do for most tests */
    (void)uv_recv_buffer_size((uv_handle_t *)udp, &bytes);
}

static void on_gone(uv_handle_t *handle)
{
    (void)handle;
}

/* The same port for UDP and TCP; somebody may have the latter. */
static bool listen_at(struct script *s, uv_loop_t *loop)
{
    int err;

    MUST(uv_tcp_init(loop, &s->listener));
    s->listener.data = s;
    err = uv_tcp_bind(&s->listener, (const struct sockaddr *)&s->server.address, 0);
    if (err == 0)
        err = uv_listen((uv_stream_t *)&s->listener, SCRIPT_CLIENTS_MAX, on_client);
    if (err == 0)
        return true;
    uv_close((uv_handle_t *)&s->listener, on_gone);
    uv_run(loop, UV_RUN_NOWAIT);
    return false;
}

void script_open(struct script *s, uv_loop_t *loop)
{
    (void)signal(SIGPIPE, SIG_IGN); /* libuv writes to whatever connection there is */
    for (unsigned i = 0; i < PORT_TRIES; i++) {
        int len = sizeof(s->server.address);
        open_udp(s, loop, &s->udp);
        MUST(uv_udp_getsockname(&s->udp, (struct sockaddr *)&s->server.address, &len));
        s->listening = s->tcp == OVER_TCP_REFUSE || listen_at(s, loop);
        if (s->listening)
            break;
        uv_close((uv_handle_t *)&s->udp, on_gone);
        uv_run(loop, UV_RUN_NOWAIT);
    }
    if (!s->listening)
        abort();
    open_udp(s, loop, &s->other);
    MUST(uv_udp_recv_start(&s->udp, on_alloc, on_query));
    /* The loop of a test ends when what is tested has ended. */
    uv_unref((uv_handle_t *)&s->udp);
    uv_unref((uv_handle_t *)&s->other);
    if (s->tcp != OVER_TCP_REFUSE)
        uv_unref((uv_handle_t *)&s->listener);
}

void script_close(struct script *s)
{
    uv_close((uv_handle_t *)&s->udp, on_gone);
    uv_close((uv_handle_t *)&s->other, on_gone);
    if (s->tcp != OVER_TCP_REFUSE)
        uv_close((uv_handle_t *)&s->listener, on_gone);
    script_end_clients(s);
}
