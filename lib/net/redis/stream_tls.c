#include <stdlib.h>

#include <openssl/err.h>

#include "stream.h"
#include "sv/alloc.h"
#include "sv/require.h"
#include "tls.h"

/* The story: OpenSSL sees no socket. What the wire (a plain stream) brings goes into one memory BIO
 * and comes out of SSL_read; what SSL_write makes is collected from the other and handed to the
 * wire, as far as that takes it. Connected is said when the handshake is through and the
 * certificate was found right, so the owner's deadline for connecting covers both.
 *
 * While the wire calls us it is open, so that closing it inside of that call ends it later: after
 * an event to the owner `closed` is all there is to look at. */

enum {
    CLEAR_BYTES = 16 * 1024, /* a record */
    SLICE_BYTES = 64 * 1024, /* of a write: what OpenSSL holds besides the result */
    CIPHER_BYTES_MAX = SV_REDIS_WRITE_BYTES_MAX + (1 << 20), /* with what the records add */
};

struct secure {
    struct sv_redis_stream base;
    struct sv_redis_stream *wire;
    struct sv_redis_tls *tls;
    SSL *ssl;
    BIO *in, *out;        /* owned by ssl */
    struct sv_buf cipher; /* for the wire, once that is done with what it has */
    bool is_up;
    char name[SV_REDIS_HOST_BYTES]; /* the certificate must be for */
    sv_redis_stream_closed_fn *closed;
    char clear[CLEAR_BYTES];
};

/* The base is the first member, so that the cast back is the same pointer. */
static struct secure *secure_of(struct sv_redis_stream *stream)
{
    return (struct secure *)stream;
}

/* The owner closes it in here. */
static void lose(struct secure *secure, const struct sv_errinfo *why)
{
    struct sv_errinfo copy = *why;

    secure->base.events->lost(secure->base.context, &copy);
}

static void lose_for(struct secure *secure, int result)
{
    struct sv_errinfo why;

    (void)sv_redis_tls_failure(secure->ssl, result, secure->name, &why);
    lose(secure, &why);
}

/* Takes what OpenSSL has made. */
static enum sv_err collect(struct secure *secure, struct sv_errinfo *info)
{
    char bytes[CLEAR_BYTES];
    int got;

    while ((got = BIO_read(secure->out, bytes, sizeof(bytes))) > 0) {
        if (!sv_buf_add(&secure->cipher, bytes, (size_t)got))
            return sv_err_set(info, SV_ETOOBIG, "redis tls", 0, "too much waits to be written");
    }
    return SV_OK;
}

/* Hands it to the wire as far as that takes it. */
static enum sv_err push(struct secure *secure, struct sv_errinfo *info)
{
    enum sv_err err = collect(secure, info);

    if (err == SV_OK && !secure->wire->is_writing && secure->cipher.len > 0)
        err = secure->wire->ops->write(secure->wire, &secure->cipher, info);
    return err;
}

/* --- reading --- */

/* True when the handshake is through and the owner still wants us. */
static bool shake_hands(struct secure *secure)
{
    struct sv_errinfo why;
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(secure->ssl);
    if (result != 1 && SSL_get_error(secure->ssl, result) != SSL_ERROR_WANT_READ) {
        struct sv_errinfo ignored; /* the alert is a courtesy */

        (void)sv_redis_tls_failure(secure->ssl, result, secure->name, &why);
        (void)push(secure, &ignored);
        lose(secure, &why);
        return false;
    }
    if (push(secure, &why) != SV_OK) {
        lose(secure, &why);
        return false;
    }
    if (result != 1)
        return false;
    secure->is_up = true;
    secure->base.events->connected(secure->base.context);
    return secure->closed == NULL;
}

static void read_clear(struct secure *secure)
{
    struct sv_errinfo why;
    int got;

    for (;;) {
        ERR_clear_error();
        got = SSL_read(secure->ssl, secure->clear, CLEAR_BYTES);
        if (got <= 0)
            break;
        secure->base.events->bytes(secure->base.context, secure->clear, (size_t)got);
        if (secure->closed != NULL)
            return;
    }
    if (SSL_get_error(secure->ssl, got) != SSL_ERROR_WANT_READ)
        lose_for(secure, got);
    else if (push(secure, &why) != SV_OK) /* answers of TLS itself, a new key for instance */
        lose(secure, &why);
}

static void on_bytes(void *context, const char *bytes, size_t len)
{
    struct secure *secure = context;

    if (BIO_write(secure->in, bytes, (int)len) != (int)len)
        sv_out_of_memory("BIO_write");
    if (secure->is_up || shake_hands(secure))
        read_clear(secure);
}

static void on_connected(void *context)
{
    (void)shake_hands(context); /* our greeting; the rest follows what the server answers */
}

static void on_lost(void *context, const struct sv_errinfo *why)
{
    struct secure *secure = context;
    bool in_handshake =
        !secure->is_up && secure->ssl != NULL && BIO_number_written(secure->out) > 0;
    struct sv_errinfo more;

    if (in_handshake)
        (void)sv_err_set(&more, why->code, why->where, why->native, "in the TLS handshake: %s",
                         why->text);
    lose(secure, in_handshake ? &more : why);
}

/* --- writing --- */

static void on_written(void *context)
{
    struct secure *secure = context;
    struct sv_errinfo why;

    if (push(secure, &why) != SV_OK) {
        lose(secure, &why);
        return;
    }
    secure->base.writing_left = secure->cipher.len + secure->wire->writing_left;
    if (!secure->base.is_writing || secure->wire->is_writing)
        return;
    secure->base.is_writing = false;
    secure->base.events->written(secure->base.context);
}

static enum sv_err secure_write(struct sv_redis_stream *stream, struct sv_buf *out,
                                struct sv_errinfo *info)
{
    struct secure *secure = secure_of(stream);
    enum sv_err err = SV_OK;

    SV_REQUIRE(!stream->is_writing && out->len > 0);
    for (size_t at = 0; err == SV_OK && at < out->len; at += SLICE_BYTES) {
        size_t some = out->len - at < SLICE_BYTES ? out->len - at : SLICE_BYTES;
        int result;

        ERR_clear_error();
        result = SSL_write(secure->ssl, out->data + at, (int)some);
        err = result == (int)some ? collect(secure, info)
                                  : sv_redis_tls_failure(secure->ssl, result, secure->name, info);
    }
    if (err == SV_OK)
        err = push(secure, info);
    if (err != SV_OK)
        return err;
    sv_buf_clear(out);
    stream->writing_left = secure->cipher.len + secure->wire->writing_left;
    stream->is_writing = secure->wire->is_writing;
    return SV_OK;
}

/* --- opening and closing --- */

static enum sv_err secure_connect(struct sv_redis_stream *stream,
                                  const struct sv_redis_address *address, unsigned turn,
                                  struct sv_errinfo *info)
{
    struct secure *secure = secure_of(stream);
    SSL_CTX *context = NULL;
    enum sv_err err = sv_redis_tls_context(secure->tls, &context, info);

    if (err != SV_OK)
        return err;
    (void)snprintf(secure->name, sizeof(secure->name), "%s",
                   sv_redis_tls_name(secure->tls, address->host));
    secure->ssl = SSL_new(context);
    secure->in = BIO_new(BIO_s_mem());
    secure->out = BIO_new(BIO_s_mem());
    if (secure->ssl == NULL || secure->in == NULL || secure->out == NULL)
        sv_out_of_memory("SSL_new");
    SSL_set_bio(secure->ssl, secure->in, secure->out);
    SSL_set_connect_state(secure->ssl);
    err = sv_redis_tls_expect(secure->ssl, secure->name, info);
    return err == SV_OK ? secure->wire->ops->connect(secure->wire, address, turn, info) : err;
}

static void on_wire_closed(void *context)
{
    struct secure *secure = context;
    sv_redis_stream_closed_fn *closed = secure->closed;
    void *owner = secure->base.context;

    SSL_free(secure->ssl); /* with the BIOs */
    sv_buf_fini(&secure->cipher);
    explicit_bzero(secure, sizeof(*secure)); /* replies were in there */
    free(secure);
    closed(owner);
}

/* Tells the server that nothing follows, unless something is still on its way. */
static void say_goodbye(struct secure *secure)
{
    struct sv_errinfo ignored;

    ERR_clear_error();
    if (secure->is_up && !secure->wire->is_writing && SSL_shutdown(secure->ssl) >= 0)
        (void)push(secure, &ignored);
    ERR_clear_error();
}

static void secure_close(struct sv_redis_stream *stream, sv_redis_stream_closed_fn *closed)
{
    struct secure *secure = secure_of(stream);

    SV_REQUIRE(secure->closed == NULL);
    secure->closed = closed;
    say_goodbye(secure);
    secure->wire->ops->close(secure->wire, on_wire_closed);
}

struct sv_redis_stream *sv_redis_stream_tls_new(uv_loop_t *loop, struct sv_redis_tls *tls,
                                                const struct sv_redis_stream_events *events,
                                                void *context)
{
    static const struct sv_redis_stream_ops ops = {
        .connect = secure_connect, .write = secure_write, .close = secure_close};
    static const struct sv_redis_stream_events wire_events = {
        .connected = on_connected, .bytes = on_bytes, .written = on_written, .lost = on_lost};
    struct secure *secure = sv_alloc(1, sizeof(*secure));

    secure->base = (struct sv_redis_stream){.ops = &ops, .events = events, .context = context};
    secure->tls = tls;
    secure->wire = sv_redis_stream_plain_new(loop, &wire_events, secure);
    sv_buf_init(&secure->cipher, CIPHER_BYTES_MAX);
    return &secure->base;
}
