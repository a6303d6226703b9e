#include "dns_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns_answer.h"
#include "sv/alloc.h"
#include "sv/json.h"
#include "sv/require.h"

enum { BIND_TRIES = 32, TCP_IDLE_MS = 10 * 1000, UDP_READ_BYTES = 65536, TCP_BUFFER_BYTES = 65537 };

struct query_log {
    sv_ms at_ms;
    char *name; /* NULL: slot unused */
    ldns_rr_type type;
    int rcode; /* -1: dropped */
    bool udp;
};

struct sb_dns_server {
    uv_loop_t *loop;
    struct sb_dns_data data;
    struct sb_dns_faults *faults;
    const struct sb_clock *clock;
    uv_udp_t udp;
    uv_tcp_t tcp;
    unsigned handles;
    bool closing;
    struct conn *conns;
    unsigned conns_count;
    struct late *lates;
    unsigned lates_count;
    uint64_t queries;
    char address[SB_ADDRESS_BYTES];
    struct query_log log[SB_DNS_LOG_MAX];
    char read_buffer[UDP_READ_BYTES];
};

/* One TCP connection; questions may be pipelined (RFC 7766 section 6.2.1.1). */
struct conn {
    struct sb_dns_server *server;
    uv_tcp_t tcp;
    uv_timer_t idle;
    unsigned handles;
    struct conn *prev, *next;
    size_t used;
    char buffer[TCP_BUFFER_BYTES];
};

/* An answer on its way: where to, and the bytes. */
struct late {
    struct sb_dns_server *server;
    uv_timer_t timer;
    struct conn *conn; /* NULL: UDP */
    struct sockaddr_storage peer;
    uint8_t *bytes;
    size_t len;
    struct late *prev, *next;
};

static void maybe_free(struct sb_dns_server *server)
{
    if (!server->closing || server->handles > 0 || server->conns != NULL || server->lates != NULL)
        return;
    sb_dns_server_log_clear(server);
    free(server);
}

static void note(struct sb_dns_server *server, const char *name, ldns_rr_type type, bool udp,
                 int rcode)
{
    struct query_log *entry = &server->log[server->queries++ % SB_DNS_LOG_MAX];

    free(entry->name);
    *entry = (struct query_log){.at_ms = sb_clock_mono(server->clock),
                                .name = sv_strdup(name),
                                .type = type,
                                .udp = udp,
                                .rcode = rcode};
}

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    free(request->data);
    free(request);
}

/* Takes `bytes` (from malloc). */
static void send_tcp(struct conn *conn, uint8_t *bytes, size_t len)
{
    uint8_t *framed = sv_realloc(bytes, len + 2);
    uv_write_t *request = sv_alloc(1, sizeof *request);
    uv_buf_t buffer = uv_buf_init((char *)framed, (unsigned)len + 2);

    memmove(framed + 2, framed, len);
    framed[0] = (uint8_t)(len >> 8);
    framed[1] = (uint8_t)(len & 0xff);
    request->data = framed;
    if (uv_write(request, (uv_stream_t *)&conn->tcp, &buffer, 1, on_written) != 0)
        on_written(request, 0);
}

static void send_udp(struct sb_dns_server *server, const struct sockaddr *peer, uint8_t *bytes,
                     size_t len)
{
    uv_buf_t buffer = uv_buf_init((char *)bytes, (unsigned)len);

    (void)uv_udp_try_send(&server->udp, &buffer, 1, peer); /* a lost datagram is DNS as usual */
    free(bytes);
}

static void on_late_closed(uv_handle_t *handle)
{
    struct late *late = handle->data;
    struct sb_dns_server *server = late->server;

    if (late->prev != NULL)
        late->prev->next = late->next;
    else
        server->lates = late->next;
    if (late->next != NULL)
        late->next->prev = late->prev;
    server->lates_count--;
    free(late->bytes);
    free(late);
    maybe_free(server);
}

static void on_late(uv_timer_t *timer)
{
    struct late *late = timer->data;
    uint8_t *bytes = late->bytes;

    late->bytes = NULL;
    if (late->conn != NULL)
        send_tcp(late->conn, bytes, late->len);
    else
        send_udp(late->server, (struct sockaddr *)&late->peer, bytes, late->len);
    uv_close((uv_handle_t *)timer, on_late_closed);
}

/* Where a question came from. */
struct origin {
    struct conn *conn;           /* NULL: UDP */
    const struct sockaddr *peer; /* of UDP */
};

/* Sends now or `delay_ms` later; takes `bytes`. */
static void deliver(struct sb_dns_server *server, struct origin from, uint8_t *bytes, size_t len,
                    sv_ms delay_ms)
{
    struct late *late;

    if (delay_ms <= 0 || server->lates_count >= SB_DNS_LATE_MAX) {
        if (from.conn != NULL)
            send_tcp(from.conn, bytes, len);
        else
            send_udp(server, from.peer, bytes, len);
        return;
    }
    late = sv_alloc(1, sizeof *late);
    *late = (struct late){.server = server, .conn = from.conn, .bytes = bytes, .len = len};
    if (from.peer != NULL)
        memcpy(&late->peer, from.peer, sb_address_bytes(from.peer));
    late->next = server->lates;
    if (late->next != NULL)
        late->next->prev = late;
    server->lates = late;
    server->lates_count++;
    SV_REQUIRE(uv_timer_init(server->loop, &late->timer) == 0);
    late->timer.data = late;
    (void)uv_timer_start(&late->timer, on_late, (uint64_t)delay_ms, 0);
}

/* Changes the reply as the fault says. False when nothing shall be sent. */
static bool apply_fault(ldns_pkt *reply, enum sb_dns_do what, bool udp)
{
    switch (what) {
    case SB_DNS_SERVFAIL:
        sb_dns_answer_strip(reply, LDNS_RCODE_SERVFAIL);
        ldns_pkt_set_aa(reply, false);
        break;
    case SB_DNS_REFUSED:
        sb_dns_answer_strip(reply, LDNS_RCODE_REFUSED);
        ldns_pkt_set_aa(reply, false);
        break;
    case SB_DNS_NXDOMAIN:
        sb_dns_answer_strip(reply, LDNS_RCODE_NXDOMAIN);
        break;
    case SB_DNS_TRUNCATE:
        if (udp) {
            sb_dns_answer_strip(reply, ldns_pkt_get_rcode(reply));
            ldns_pkt_set_tc(reply, true);
        }
        break;
    case SB_DNS_WRONG_ID:
        ldns_pkt_set_id(reply, (uint16_t)(ldns_pkt_id(reply) ^ 0x5555));
        break;
    case SB_DNS_DROP:
        return false;
    case SB_DNS_NOTHING:
    case SB_DNS_SLOW:
        break;
    }
    return true;
}

/* A message that is no query gets a bare FORMERR, if it is long enough to have an id at all. */
static void refuse_garbage(struct sb_dns_server *server, struct origin from, const uint8_t *bytes,
                           size_t len)
{
    uint8_t *reply;

    if (len < 12 || (bytes[2] & 0x80) != 0)
        return; /* replies are never answered: that could loop */
    reply = sv_alloc(12, 1);
    memcpy(reply, bytes, 3);
    reply[2] = (uint8_t)(bytes[2] | 0x80);
    reply[3] = LDNS_RCODE_FORMERR;
    deliver(server, from, reply, 12, 0);
}

static void question_name(const ldns_pkt *query, char out[SB_DNS_NAME_BYTES], ldns_rr_type *type)
{
    const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(query), 0);
    char *text = question == NULL ? NULL : ldns_rdf2str(ldns_rr_owner(question));
    size_t len = text == NULL ? 0 : strlen(text);

    if (len > 1 && text[len - 1] == '.')
        text[len - 1] = 0;
    (void)snprintf(out, SB_DNS_NAME_BYTES, "%s", text == NULL ? "" : text);
    *type = question == NULL ? 0 : ldns_rr_get_type(question);
    free(text);
}

static void on_question(struct sb_dns_server *server, struct origin from, const uint8_t *bytes,
                        size_t len)
{
    ldns_pkt *query = NULL, *reply;
    bool udp = from.conn == NULL;
    char name[SB_DNS_NAME_BYTES];
    ldns_rr_type type;
    sv_ms delay_ms = 0;
    enum sb_dns_do what;
    uint8_t *wire = NULL;
    size_t wire_len = 0;

    if (ldns_wire2pkt(&query, bytes, len) != LDNS_STATUS_OK || ldns_pkt_qr(query)) {
        ldns_pkt_free(query);
        refuse_garbage(server, from, bytes, len);
        return;
    }
    question_name(query, name, &type);
    reply = sb_dns_answer(&server->data, query);
    what = sb_dns_faults_take(server->faults, name, type, &delay_ms);
    if (apply_fault(reply, what, udp))
        wire = sb_dns_answer_encode(reply, query, udp, &wire_len);
    note(server, name, type, udp, wire == NULL ? -1 : (int)ldns_pkt_get_rcode(reply));
    if (wire != NULL)
        deliver(server, from, wire, wire_len, what == SB_DNS_SLOW ? delay_ms : 0);
    ldns_pkt_free(reply);
    ldns_pkt_free(query);
}

static void on_udp_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct sb_dns_server *server = handle->data;

    (void)suggested;
    *buffer = uv_buf_init(server->read_buffer, sizeof server->read_buffer);
}

static void on_udp(uv_udp_t *udp, ssize_t len, const uv_buf_t *buffer, const struct sockaddr *peer,
                   unsigned flags)
{
    (void)flags;
    if (len > 0 && peer != NULL)
        on_question(udp->data, (struct origin){.peer = peer}, (const uint8_t *)buffer->base,
                    (size_t)len);
}

static void on_conn_closed(uv_handle_t *handle)
{
    struct conn *conn = handle->data;
    struct sb_dns_server *server = conn->server;

    if (--conn->handles > 0)
        return;
    if (conn->prev != NULL)
        conn->prev->next = conn->next;
    else
        server->conns = conn->next;
    if (conn->next != NULL)
        conn->next->prev = conn->prev;
    server->conns_count--;
    free(conn);
    maybe_free(server);
}

static void conn_close(struct conn *conn)
{
    if (uv_is_closing((uv_handle_t *)&conn->tcp))
        return;
    for (struct late *late = conn->server->lates; late != NULL; late = late->next) {
        if (late->conn == conn && !uv_is_closing((uv_handle_t *)&late->timer))
            uv_close((uv_handle_t *)&late->timer, on_late_closed);
    }
    uv_close((uv_handle_t *)&conn->tcp, on_conn_closed);
    uv_close((uv_handle_t *)&conn->idle, on_conn_closed);
}

static void on_idle(uv_timer_t *timer)
{
    conn_close(timer->data);
}

static void on_tcp_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct conn *conn = handle->data;

    (void)suggested;
    *buffer = uv_buf_init(conn->buffer + conn->used, (unsigned)(sizeof conn->buffer - conn->used));
}

static void on_tcp_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    struct conn *conn = stream->data;

    (void)buffer;
    if (len < 0) {
        conn_close(conn);
        return;
    }
    conn->used += (size_t)len;
    while (conn->used >= 2 && !uv_is_closing((uv_handle_t *)&conn->tcp)) {
        const uint8_t *bytes = (const uint8_t *)conn->buffer;
        size_t want = (size_t)bytes[0] << 8 | bytes[1];

        if (conn->used < want + 2)
            break;
        on_question(conn->server, (struct origin){.conn = conn}, bytes + 2, want);
        conn->used -= want + 2;
        memmove(conn->buffer, conn->buffer + want + 2, conn->used);
    }
    (void)uv_timer_again(&conn->idle);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct sb_dns_server *server = stream->data;
    struct conn *conn;

    if (status != 0)
        return;
    conn = sv_alloc(1, sizeof *conn);
    conn->server = server;
    conn->handles = 2;
    conn->next = server->conns;
    if (conn->next != NULL)
        conn->next->prev = conn;
    server->conns = conn;
    server->conns_count++;
    SV_REQUIRE(uv_tcp_init(server->loop, &conn->tcp) == 0 &&
               uv_timer_init(server->loop, &conn->idle) == 0);
    conn->tcp.data = conn;
    conn->idle.data = conn;
    if (uv_accept(stream, (uv_stream_t *)&conn->tcp) != 0 ||
        server->conns_count > SB_DNS_CONNECTIONS_MAX ||
        uv_read_start((uv_stream_t *)&conn->tcp, on_tcp_alloc, on_tcp_read) != 0)
        conn_close(conn);
    else
        (void)uv_timer_start(&conn->idle, on_idle, TCP_IDLE_MS, TCP_IDLE_MS);
}

static void on_server_closed(uv_handle_t *handle)
{
    struct sb_dns_server *server = handle->data;

    server->handles--;
    maybe_free(server);
}

/* UDP first, then TCP on the same number. 0 or a libuv error. */
static int bind_both(struct sb_dns_server *server, const struct sockaddr *address)
{
    struct sockaddr_storage bound = {0};
    int bytes = sizeof bound;
    int err = uv_udp_bind(&server->udp, address, 0);

    if (err == 0)
        err = uv_udp_getsockname(&server->udp, (struct sockaddr *)&bound, &bytes);
    if (err == 0)
        err = uv_tcp_bind(&server->tcp, (struct sockaddr *)&bound, 0);
    if (err == 0)
        err = uv_listen((uv_stream_t *)&server->tcp, SB_DNS_CONNECTIONS_MAX, on_connection);
    if (err == 0)
        err = uv_udp_recv_start(&server->udp, on_udp_alloc, on_udp);
    if (err == 0)
        sb_address_format((struct sockaddr *)&bound, server->address);
    return err;
}

static struct sb_dns_server *try_new(uv_loop_t *loop, const struct sockaddr *address, int *err)
{
    struct sb_dns_server *server = sv_alloc(1, sizeof *server);

    server->loop = loop;
    server->handles = 2;
    SV_REQUIRE(uv_udp_init(loop, &server->udp) == 0 && uv_tcp_init(loop, &server->tcp) == 0);
    server->udp.data = server;
    server->tcp.data = server;
    *err = bind_both(server, address);
    if (*err == 0)
        return server;
    sb_dns_server_close(server);
    return NULL;
}

struct sb_dns_server *sb_dns_server_new(uv_loop_t *loop, const struct sockaddr *address,
                                        struct sb_dns_data data, struct sb_dns_faults *faults,
                                        const struct sb_clock *clock, struct sv_errinfo *info)
{
    struct sb_dns_server *server = NULL;
    char text[SB_ADDRESS_BYTES];
    int err = 0;

    /* A free UDP port need not be free for TCP; another throw of the dice then. */
    for (int i = 0; i < BIND_TRIES && server == NULL; i++)
        server = try_new(loop, address, &err);
    if (server == NULL) {
        sb_address_format(address, text);
        (void)sv_err_set(info, SV_ESYSTEM, "dns", err, "cannot serve DNS on %s: %s", text,
                         uv_strerror(err));
        return NULL;
    }
    server->data = data;
    server->faults = faults;
    server->clock = clock;
    return server;
}

const char *sb_dns_server_address(const struct sb_dns_server *server)
{
    return server->address;
}

json_t *sb_dns_server_log(const struct sb_dns_server *server)
{
    uint64_t first = server->queries > SB_DNS_LOG_MAX ? server->queries - SB_DNS_LOG_MAX : 0;
    json_t *out = sv_json_object();
    json_t *list = sv_json_array();

    for (uint64_t i = first; i < server->queries; i++) {
        const struct query_log *entry = &server->log[i % SB_DNS_LOG_MAX];
        char *type = ldns_rr_type2str(entry->type);
        json_t *one = sv_json_object();

        sv_json_set_int(one, "at_ms", entry->at_ms);
        sv_json_set_str(one, "name", entry->name);
        sv_json_set_str(one, "type", type);
        sv_json_set_str(one, "transport", entry->udp ? "udp" : "tcp");
        sv_json_set(one, "rcode", entry->rcode < 0 ? json_null() : json_integer(entry->rcode));
        sv_json_append(list, one);
        free(type);
    }
    sv_json_set_int(out, "count", (long long)server->queries);
    sv_json_set(out, "queries", list);
    return out;
}

void sb_dns_server_log_clear(struct sb_dns_server *server)
{
    for (size_t i = 0; i < SB_DNS_LOG_MAX; i++) {
        free(server->log[i].name);
        server->log[i] = (struct query_log){0};
    }
    server->queries = 0;
}

void sb_dns_server_close(struct sb_dns_server *server)
{
    if (server == NULL)
        return;
    server->closing = true;
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next)
        conn_close(conn);
    for (struct late *late = server->lates; late != NULL; late = late->next) {
        if (!uv_is_closing((uv_handle_t *)&late->timer))
            uv_close((uv_handle_t *)&late->timer, on_late_closed);
    }
    uv_close((uv_handle_t *)&server->udp, on_server_closed);
    uv_close((uv_handle_t *)&server->tcp, on_server_closed);
}
