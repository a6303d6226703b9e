/* One request as libcurl sees it: checked, configured, bounded, and its outcome translated. */
#include "http_private.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sv/alloc.h"
#include "sv/http_url.h"
#include "sv/require.h"

enum {
    ANSWER_BYTES_MAX = 1024 * 1024,
    CONNECT_MS = 5000,
    TOTAL_MS = 30000,
    DEADLINE_GRACE_MS = 100, /* libcurl's own timeout speaks first: its text says more */
    SLOW_BYTES_PER_S = 1,
    SLOW_S = 10,
    /* Below the idle time after which AWS's front ends hang up: a reused connection that dies
     * under a request costs an attempt. */
    IDLE_S = 45,
};

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct sv_http_transfer *transfer = context;

    if (sv_buf_add(&transfer->answer.body, bytes, size * count))
        return size * count;
    transfer->too_big = true;
    return 0;
}

static void copy_value(char *out, size_t out_bytes, const char *value, size_t len)
{
    if (len >= out_bytes)
        len = out_bytes - 1;
    memcpy(out, value, len);
    out[len] = '\0';
}

static void keep_header(struct sv_http_answer *answer, const char *line, size_t len)
{
    const struct {
        const char *name;
        char *out;
        size_t out_bytes;
    } wanted[] = {
        {"content-type:", answer->content_type, sizeof answer->content_type},
        {"x-amzn-errortype:", answer->error_type, sizeof answer->error_type},
        {"x-amzn-requestid:", answer->request_id, sizeof answer->request_id},
        {"x-amz-request-id:", answer->request_id, sizeof answer->request_id},
        {"date:", answer->date, sizeof answer->date},
        {"retry-after:", answer->retry_after, sizeof answer->retry_after},
    };

    while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL)
        len--;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        size_t skip = strlen(wanted[i].name);

        if (len < skip || strncasecmp(line, wanted[i].name, skip) != 0)
            continue;
        while (skip < len && (line[skip] == ' ' || line[skip] == '\t'))
            skip++;
        copy_value(wanted[i].out, wanted[i].out_bytes, line + skip, len - skip);
    }
}

static void forget_head(struct sv_http_answer *answer)
{
    answer->content_type[0] = answer->error_type[0] = answer->request_id[0] = '\0';
    answer->date[0] = answer->retry_after[0] = '\0';
}

/* Called once per line of every head (100 Continue has one of its own) and for trailers. */
static size_t on_head(char *line, size_t size, size_t count, void *context)
{
    struct sv_http_transfer *transfer = context;
    size_t len = size * count;

    transfer->head_bytes += len;
    if (transfer->head_bytes > SV_HTTP_HEADER_BYTES_MAX) {
        transfer->too_big = true;
        return 0;
    }
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        forget_head(&transfer->answer);
        transfer->head_is_over = false;
    } else if (len > 0 && (line[0] == '\r' || line[0] == '\n')) {
        transfer->head_is_over = true;
    } else if (!transfer->head_is_over) {
        keep_header(&transfer->answer, line, len);
    }
    return len;
}

/* Runs each time libcurl is about to send the request. On a reused connection that turns out to be
 * dead it would quietly send it again; the caller counts attempts, so a second one is not ours to
 * make. */
static int on_send(void *context, char *peer, char *local, int peer_port, int local_port)
{
    struct sv_http_transfer *transfer = context;

    (void)peer, (void)local, (void)peer_port, (void)local_port;
    transfer->resent = transfer->sent;
    transfer->sent = true;
    return transfer->resent ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct sv_http_transfer *transfer = context;

    (void)purpose;
    transfer->addresses_tried++;
    if (!transfer->address_allowed(transfer->address_context, &address->addr)) {
        transfer->addresses_refused++;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool is_token(const char *text)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return *text != '\0' && text[strspn(text, allowed)] == '\0';
}

static bool is_field_value(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 ? *text != '\t' : *text == 0x7f)
            return false;
    }
    return true;
}

/* RFC 9110 section 5.5: a line end inside a value would let its author write headers of his own. */
static enum sv_err check_headers(const struct sv_http_ask *ask, struct sv_errinfo *info)
{
    if (ask->headers_count > SV_HTTP_HEADERS_MAX)
        return sv_err_set(info, SV_EINVALID, "http", 0, "%zu headers, at most %d are allowed",
                          ask->headers_count, (int)SV_HTTP_HEADERS_MAX);
    for (size_t i = 0; i < ask->headers_count; i++) {
        if (!is_token(ask->headers[i].name))
            return sv_err_set(info, SV_EINVALID, "http", 0, "header %zu has an illegal name", i);
        if (!is_field_value(ask->headers[i].value))
            return sv_err_set(info, SV_EINVALID, "http", 0, "header %s has an illegal value",
                              ask->headers[i].name);
    }
    return SV_OK;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;

    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static enum sv_err check_url(const struct sv_http_ask *ask, bool *loopback, struct sv_errinfo *info)
{
    struct sv_http_url url;
    enum sv_err err = sv_http_url_read(ask->url, &url, info);

    if (err != SV_OK)
        return err;
    if (url.plain && !ask->allow_plain)
        return sv_err_set(info, SV_EINVALID, "http", 0, "plain http is not allowed here: %.100s",
                          url.host);
    *loopback = is_loopback(url.host);
    return SV_OK;
}

static enum sv_err check_method(const struct sv_http_ask *ask, struct sv_errinfo *info)
{
    bool get = strcmp(ask->method, "GET") == 0;

    if (!get && strcmp(ask->method, "POST") != 0 && strcmp(ask->method, "PUT") != 0 &&
        strcmp(ask->method, "DELETE") != 0)
        return sv_err_set(info, SV_EINVALID, "http", 0, "method %.20s is not known", ask->method);
    if (get && ask->body_bytes != 0)
        return sv_err_set(info, SV_EINVALID, "http", 0, "a GET has no body");
    return SV_OK;
}

static void add_line(struct sv_http_transfer *transfer, const char *line)
{
    struct curl_slist *list = curl_slist_append(transfer->headers, line);

    if (list == NULL)
        sv_out_of_memory("curl_slist_append");
    transfer->headers = list;
}

static void set_headers(struct sv_http_transfer *transfer, const struct sv_http_ask *ask)
{
    struct sv_buf line;

    sv_buf_init(&line, SV_HTTP_HEADER_BYTES_MAX);
    add_line(transfer, "Expect:"); /* libcurl would wait a second for "100 Continue" */
    for (size_t i = 0; i < ask->headers_count; i++) {
        const struct sv_http_header *header = &ask->headers[i];

        sv_buf_clear(&line);
        /* "Name;" is libcurl's way to say a header without a value; "Name:" would remove it. */
        SV_REQUIRE(sv_buf_printf(&line, header->value[0] == '\0' ? "%s;" : "%s: %s", header->name,
                                 header->value));
        add_line(transfer, sv_buf_str(&line));
    }
    sv_buf_fini(&line);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static void set_body(CURL *easy, const struct sv_http_ask *ask)
{
    bool get = strcmp(ask->method, "GET") == 0, delete = strcmp(ask->method, "DELETE") == 0;

    if (get || (delete &&ask->body_bytes == 0)) {
        (void)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    } else {
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body_bytes);
        if (curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, ask->body_bytes != 0 ? ask->body : "") !=
            CURLE_OK)
            sv_out_of_memory("the body of a request");
    }
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, ask->method);
}

static void set_limits(struct sv_http_transfer *transfer, const struct sv_http_ask *ask)
{
    CURL *easy = transfer->easy;
    size_t bytes_max = ask->answer_bytes_max != 0 ? ask->answer_bytes_max : ANSWER_BYTES_MAX;
    sv_ms connect_ms = ask->connect_ms != 0 ? ask->connect_ms : CONNECT_MS;
    sv_ms total_ms = ask->total_ms != 0 ? ask->total_ms : TOTAL_MS;

    sv_buf_init(&transfer->answer.body, bytes_max);
    (void)curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)bytes_max);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)total_ms);
    (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_PER_S);
    (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
    transfer->deadline_at = uv_now(transfer->http->loop) + (uint64_t)total_ms + DEADLINE_GRACE_MS;
    (void)curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_S);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    /* HTTP/2 gains nothing at our rate, and the client in libcurl 7.88 was new. */
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Without it libcurl waits for the name resolver's thread when a transfer is given up. */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

static void set_trust(struct sv_http_transfer *transfer, const struct sv_http_ask *ask,
                      bool loopback)
{
    CURL *easy = transfer->easy;
    const char *ca_file = transfer->http->ca_file;

    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, ask->allow_plain ? "http,https" : "https");
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (ca_file != NULL) { /* this file alone decides */
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
        (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (loopback || ask->address_allowed != NULL)
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not even the environment's */
    if (ask->address_allowed == NULL)
        return;
    transfer->address_allowed = ask->address_allowed;
    transfer->address_context = ask->address_context;
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    /* Where a name led a minute ago is not where it leads now. */
    (void)curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    /* A connection from the pool was judged by somebody else. */
    (void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
}

static void set_callbacks(struct sv_http_transfer *transfer)
{
    CURL *easy = transfer->easy;

    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_text);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    /* The client, not the transfer: a pooled connection outlives the request that opened it. */
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, sv_http_loop_close_socket);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->http);
}

enum sv_err sv_http_transfer_new(struct sv_http *http, const struct sv_http_ask *ask,
                                 struct sv_http_transfer **out, struct sv_errinfo *info)
{
    struct sv_http_transfer *transfer;
    bool loopback = false;
    enum sv_err err = check_method(ask, info);

    if (err == SV_OK)
        err = check_url(ask, &loopback, info);
    if (err == SV_OK)
        err = check_headers(ask, info);
    if (err != SV_OK)
        return err;
    transfer = sv_alloc(1, sizeof *transfer);
    transfer->http = http;
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL)
        sv_out_of_memory("curl_easy_init");
    (void)curl_easy_setopt(transfer->easy, CURLOPT_URL, ask->url);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(transfer->easy, CURLOPT_USERAGENT, http->user_agent);
    set_headers(transfer, ask);
    set_body(transfer->easy, ask);
    set_limits(transfer, ask);
    set_trust(transfer, ask, loopback);
    set_callbacks(transfer);
    *out = transfer;
    return SV_OK;
}

void sv_http_transfer_free(struct sv_http_transfer *transfer)
{
    if (transfer == NULL)
        return;
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    sv_buf_fini(&transfer->answer.body);
    free(transfer);
}

static const struct {
    CURLcode curl;
    enum sv_err err;
} translations[] = {
    {CURLE_OPERATION_TIMEDOUT, SV_ETIMEOUT},
    {CURLE_COULDNT_RESOLVE_PROXY, SV_ECONNECT},
    {CURLE_COULDNT_RESOLVE_HOST, SV_ECONNECT},
    {CURLE_COULDNT_CONNECT, SV_ECONNECT},
    {CURLE_SSL_CONNECT_ERROR, SV_ECONNECT},
    {CURLE_GOT_NOTHING, SV_ECONNECT},
    {CURLE_SEND_ERROR, SV_ECONNECT},
    {CURLE_RECV_ERROR, SV_ECONNECT},
    {CURLE_PARTIAL_FILE, SV_ECONNECT},
    {CURLE_PROXY, SV_ECONNECT},
    {CURLE_PEER_FAILED_VERIFICATION, SV_EDENIED},
    {CURLE_SSL_CERTPROBLEM, SV_EDENIED},
    {CURLE_SSL_CACERT_BADFILE, SV_EDENIED},
    {CURLE_SSL_ISSUER_ERROR, SV_EDENIED},
    {CURLE_SSL_INVALIDCERTSTATUS, SV_EDENIED},
    {CURLE_FILESIZE_EXCEEDED, SV_ETOOBIG},
    /* One header line beyond libcurl's own 100 KiB is reported as lack of memory. A peer must not
     * be able to end us, so real lack of memory is left to the next allocation of our own. */
    {CURLE_OUT_OF_MEMORY, SV_ETOOBIG},
    {CURLE_UNSUPPORTED_PROTOCOL, SV_EMALFORMED}, /* "HTTP/0.9": no status line came */
    {CURLE_WEIRD_SERVER_REPLY, SV_EMALFORMED},
    {CURLE_BAD_CONTENT_ENCODING, SV_EMALFORMED},
    {CURLE_WRITE_ERROR, SV_EMALFORMED}, /* a transfer encoding that does not decode */
};

static enum sv_err translate(CURLcode result)
{
    for (size_t i = 0; i < sizeof translations / sizeof translations[0]; i++) {
        if (translations[i].curl == result)
            return translations[i].err;
    }
    return SV_ECONNECT;
}

/* libcurl takes a connection that ends inside a head for the end of a short answer; and it may end
 * after "100 Continue", which is none. */
static enum sv_err judge_answer(struct sv_http_transfer *transfer, long status,
                                struct sv_errinfo *info)
{
    if (!transfer->head_is_over || (status >= 100 && status < 200))
        return sv_err_set(info, SV_ECONNECT, "http", status,
                          "the answer was cut short in its head");
    if (status < 200 || status > 599)
        return sv_err_set(info, SV_EMALFORMED, "http", status, "HTTP status %ld", status);
    transfer->answer.status = status;
    return SV_OK;
}

enum sv_err sv_http_transfer_result(struct sv_http_transfer *transfer, CURLcode result,
                                    struct sv_errinfo *info)
{
    const char *text = transfer->curl_text;
    curl_off_t microseconds = 0;
    long status = 0;

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_TOTAL_TIME_T, &microseconds);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    transfer->answer.duration_ms = (sv_ms)(microseconds / 1000);
    if (transfer->too_big)
        return sv_err_set(info, SV_ETOOBIG, "http", (long)result,
                          "the answer is larger than its limit (%zu bytes of body, %d of head)",
                          transfer->answer.body.bytes_max, (int)SV_HTTP_HEADER_BYTES_MAX);
    if (transfer->resent)
        return sv_err_set(info, SV_ECONNECT, "http", (long)result,
                          "the connection kept open was closed by the peer");
    if (result == CURLE_COULDNT_CONNECT && transfer->addresses_refused > 0 &&
        transfer->addresses_refused == transfer->addresses_tried)
        return sv_err_set(info, SV_EDENIED, "http", (long)result,
                          "the address is one we must not connect to");
    if (result == CURLE_OK)
        return judge_answer(transfer, status, info);
    if (text[0] == '\0')
        text = curl_easy_strerror(result);
    return sv_err_set(info, translate(result), "http", (long)result, "%s", text);
}
