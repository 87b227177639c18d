#include "tls/channel.h"

#include "base/trace.h"
#include "tls/session.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

enum { CHANNEL_TICK_MS = 250 };

enum channel_phase { CHANNEL_HANDSHAKE, CHANNEL_OPEN, CHANNEL_ENDING, CHANNEL_CLOSED };

/* "In" is from the other end to the room, "out" from the room to the other end. */
struct channel {
    TAILQ_ENTRY(channel) next; /* of those with a deadline, or of the others */
    struct channels *channels;
    enum channel_phase phase;
    struct tls_session *session;
    int fd, pair; /* the socket; our end of the pair, or -1 */
    uv_poll_t outer, inner;
    int outer_events, inner_events, outer_wants; /* the last: what OpenSSL needs to go on */
    uint32_t handles;
    bool in_ended, out_ended, out_told; /* nothing follows; and that has been said */
    struct buffer in, out;              /* what was read and is not yet taken */
    uint64_t deadline;                  /* of uv_now */
    channel_ready_cb *ready;
    void *arg;
    char from[INET6_ADDRSTRLEN + 16]; /* with its scope */
    _Alignas(max_align_t) char about[CHANNEL_ABOUT_BYTES];
};

TAILQ_HEAD(channel_list, channel);

struct channels {
    uv_loop_t *loop;
    struct tls *tls;
    struct channel_list beginning, open, ending; /* the oldest first */
    uint32_t beginning_count, count;
    uint32_t handles;
    uv_timer_t timer;
    uint64_t warned_ms;
    bool stopping, freeing;
    uint8_t piece[CHANNEL_PIECE_BYTES]; /* read last, in either direction, of any channel */
};

static void channel_go_on(struct channel *c);

/* ---- Life ---- */

static struct channel_list *list_of(struct channel *c)
{
    if (c->phase == CHANNEL_HANDSHAKE)
        return &c->channels->beginning;
    return c->phase == CHANNEL_OPEN ? &c->channels->open : &c->channels->ending;
}

static void channel_move(struct channel *c, enum channel_phase phase, uint64_t ms)
{
    TAILQ_REMOVE(list_of(c), c, next);
    c->channels->beginning_count -= c->phase == CHANNEL_HANDSHAKE;
    c->phase = phase;
    c->deadline = uv_now(c->channels->loop) + ms;
    if (phase != CHANNEL_CLOSED)
        TAILQ_INSERT_TAIL(list_of(c), c, next);
}

static void channels_unref(struct channels *channels)
{
    assert(channels->handles > 0);
    if (--channels->handles == 0 && channels->freeing)
        free(channels);
}

static void channel_handle_closed(uv_handle_t *handle)
{
    struct channel *c = handle->data;
    struct channels *channels = c->channels;
    if (--c->handles == 0) {
        tls_session_free(c->session);
        close(c->fd);
        if (c->pair >= 0)
            close(c->pair);
        buffer_free(&c->in);
        buffer_free(&c->out);
        channels->count--;
        free(c);
    }
    channels_unref(channels);
}

static void channel_close(struct channel *c)
{
    if (c->phase == CHANNEL_CLOSED)
        return;
    channel_move(c, CHANNEL_CLOSED, 0);
    uv_close((uv_handle_t *)&c->outer, channel_handle_closed);
    if (c->pair >= 0)
        uv_close((uv_handle_t *)&c->inner, channel_handle_closed);
}

static void channels_on_timer(uv_timer_t *timer)
{
    struct channels *channels = timer->data;
    uint64_t now = uv_now(channels->loop);
    struct channel *c;
    while ((c = TAILQ_FIRST(&channels->beginning)) && c->deadline <= now)
        channel_close(c);
    while ((c = TAILQ_FIRST(&channels->ending)) && c->deadline <= now)
        channel_close(c);
}

/* ---- Bytes ---- */

/* Keeps what was not taken; returns false if there is no memory. */
static bool channel_keep(struct buffer *kept, const uint8_t *data, size_t len)
{
    buffer_append(kept, data, len);
    return !kept->failed;
}

static void channel_drop(struct buffer *kept, size_t len)
{
    memmove(kept->data, kept->data + len, kept->len - len);
    kept->len -= len;
    if (kept->len == 0)
        buffer_free(kept);
}

/* Each returns 0 to go on, -EAGAIN if it has to wait, or another negative errno. */
static int inner_write(struct channel *c, const uint8_t *data, size_t len, size_t *taken)
{
    ssize_t sent = send(c->pair, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    *taken = sent > 0 ? (size_t)sent : 0;
    if (sent >= 0 || errno == EAGAIN || errno == EINTR || errno == ENOBUFS)
        return *taken == len ? 0 : -EAGAIN;
    return -errno;
}

/* As many records as there are, so that the room is woken once. */
static ssize_t outer_read(struct channel *c, size_t *len)
{
    ssize_t got = 1;
    *len = 0;
    while (*len < CHANNEL_PIECE_BYTES && got > 0) {
        got = tls_session_read(c->session, c->channels->piece + *len, CHANNEL_PIECE_BYTES - *len);
        *len += got > 0 ? (size_t)got : 0;
    }
    return got;
}

static int pump_in(struct channel *c)
{
    size_t taken, len;
    if (c->in.len > 0) {
        int status = inner_write(c, c->in.data, c->in.len, &taken);
        channel_drop(&c->in, taken);
        if (status < 0)
            return status;
    }
    while (!c->in_ended) {
        ssize_t got = outer_read(c, &len);
        int status = len > 0 ? inner_write(c, c->channels->piece, len, &taken) : 0;
        if (status < 0 && status != -EAGAIN)
            return status;
        if (status == -EAGAIN && !channel_keep(&c->in, c->channels->piece + taken, len - taken))
            return -ENOMEM;
        if (got == 0)
            c->in_ended = true;
        if (got == -EAGAIN)
            c->outer_wants |= tls_session_wants(c->session);
        if (status < 0 || got < 0)
            return status < 0 ? status : (int)got;
    }
    return 0;
}

static int outer_write(struct channel *c, const uint8_t *data, size_t len, size_t *taken)
{
    *taken = 0;
    while (*taken < len) {
        ssize_t sent = tls_session_write(c->session, data + *taken, len - *taken);
        if (sent == -EAGAIN)
            c->outer_wants |= tls_session_wants(c->session);
        if (sent < 0)
            return (int)sent;
        *taken += (size_t)sent;
    }
    return 0;
}

static int pump_out(struct channel *c)
{
    size_t taken;
    if (c->out.len > 0) {
        int status = outer_write(c, c->out.data, c->out.len, &taken);
        channel_drop(&c->out, taken);
        if (status < 0)
            return status;
    }
    while (!c->out_ended) {
        ssize_t got = recv(c->pair, c->channels->piece, CHANNEL_PIECE_BYTES, MSG_DONTWAIT);
        if (got < 0)
            return errno == EINTR ? -EAGAIN : -errno;
        if (got == 0) {
            c->out_ended = true;
            break;
        }
        int status = outer_write(c, c->channels->piece, (size_t)got, &taken);
        if (status == -EAGAIN &&
            !channel_keep(&c->out, c->channels->piece + taken, (size_t)got - taken))
            return -ENOMEM;
        if (status < 0)
            return status;
    }
    return 0;
}

/* ---- The whole ---- */

static void channel_on_outer(uv_poll_t *poll, int status, int events)
{
    struct channel *c = poll->data;
    if (status < 0)
        channel_close(c);
    else
        channel_go_on(c);
}

static void channel_watch(uv_poll_t *poll, int *watched, int events)
{
    if (events == *watched)
        return;
    *watched = events;
    if (events)
        uv_poll_start(poll, events, channel_on_outer);
    else
        uv_poll_stop(poll);
}

/* Of a channel that is open: what either side can go on with. */
static void channel_settle(struct channel *c)
{
    bool in_waits = c->in.len > 0, out_waits = c->out.len > 0;
    int outer = c->outer_wants;
    if (!c->in_ended && !in_waits)
        outer |= UV_READABLE;
    else if (!(out_waits && (c->outer_wants & UV_READABLE)))
        outer &= ~UV_READABLE;
    if (out_waits && outer == 0)
        outer = UV_WRITABLE;
    channel_watch(&c->outer, &c->outer_events, outer);
    int inner = (in_waits ? UV_WRITABLE : 0) | (!c->out_ended && !out_waits ? UV_READABLE : 0);
    channel_watch(&c->inner, &c->inner_events, inner);
}

static bool channel_lost(int status)
{
    return status < 0 && status != -EAGAIN;
}

/* Passes the ends on, each by itself. */
static void channel_pass_ends(struct channel *c)
{
    if (c->in_ended && c->in.len == 0)
        shutdown(c->pair, SHUT_WR);
    if (!c->out_ended || c->out.len > 0 || c->out_told)
        return;
    int status = tls_session_end(c->session);
    c->out_told = status != -EAGAIN;
    if (status == -EAGAIN)
        c->outer_wants |= UV_WRITABLE;
    if (c->out_told && c->phase == CHANNEL_OPEN)
        channel_move(c, CHANNEL_ENDING, CHANNEL_ENDING_MS);
}

static void channel_pump(struct channel *c)
{
    c->outer_wants = 0;
    int in = pump_in(c), out = pump_out(c);
    if (channel_lost(out) && out != -ECONNRESET) {
        channel_close(c);
        return;
    }
    if (out == -ECONNRESET) /* the room has closed it with bytes that it has not read */
        c->out_ended = true;
    if (channel_lost(in)) {
        /* The other end is gone, or the room is: what was on its way to the other one has been
         * sent as far as it could be. */
        c->in_ended = true;
        buffer_free(&c->in);
        if (c->out.len == 0 || in != -EPIPE) {
            channel_close(c);
            return;
        }
    }
    channel_pass_ends(c);
    if (c->in_ended && c->in.len == 0 && c->out_told)
        channel_close(c);
    else
        channel_settle(c);
}

static void channel_failed(struct channel *c)
{
    struct channels *channels = c->channels;
    uint64_t now = uv_now(channels->loop);
    trace_debug("tls", "a handshake with %s failed: %s", c->from, tls_session_why(c->session));
    if (tls_session_claims_node(c->session) &&
        (channels->warned_ms == 0 || now - channels->warned_ms >= CHANNEL_WARN_MS)) {
        channels->warned_ms = now ? now : 1;
        trace_warn("tls",
                   "refused a node at %s, which does not have this cluster's secret, or no valid "
                   "certificate (%s)",
                   c->from, tls_session_why(c->session));
    }
    channel_close(c);
}

static int channel_make_pair(struct channel *c, int *inner)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    if (uv_poll_init(c->channels->loop, &c->inner, pair[0]) < 0) {
        close(pair[0]);
        close(pair[1]);
        return -EIO;
    }
    c->inner.data = c;
    c->handles++;
    c->channels->handles++;
    c->pair = pair[0];
    *inner = pair[1];
    return 0;
}

static void channel_shake(struct channel *c)
{
    int inner = -1, status = tls_session_handshake(c->session);
    if (status == -EAGAIN) {
        channel_watch(&c->outer, &c->outer_events, tls_session_wants(c->session));
        return;
    }
    if (status < 0) {
        channel_failed(c);
        return;
    }
    if (!c->ready || channel_make_pair(c, &inner) < 0) {
        channel_close(c);
        return;
    }
    channel_move(c, CHANNEL_OPEN, 0);
    c->ready(c->arg, inner, tls_session_who(c->session), c->about);
    channel_go_on(c); /* the request may have come with the end of the handshake */
}

static void channel_go_on(struct channel *c)
{
    if (c->phase == CHANNEL_CLOSED)
        return;
    if (c->phase == CHANNEL_HANDSHAKE)
        channel_shake(c);
    else
        channel_pump(c);
}

void channel_accept(struct channels *channels, int fd, const struct sockaddr *from,
                    const void *about, size_t about_len, channel_ready_cb *ready, void *arg)
{
    assert(about_len <= CHANNEL_ABOUT_BYTES);
    struct channel *c = channels->stopping ? NULL : calloc(1, sizeof *c);
    if (c)
        c->session = tls_session_accept(channels->tls, fd);
    if (!c || !c->session || uv_poll_init(channels->loop, &c->outer, fd) < 0) {
        if (c && c->session)
            tls_session_free(c->session);
        free(c);
        close(fd);
        return;
    }
    c->channels = channels;
    c->fd = fd;
    c->pair = -1;
    c->ready = ready;
    memcpy(c->about, about, about_len);
    c->arg = arg;
    c->outer.data = c;
    c->handles = 1;
    channels->handles++;
    channels->count++;
    c->deadline = uv_now(channels->loop) + CHANNEL_HANDSHAKE_MS;
    socklen_t len =
        from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (getnameinfo(from, len, c->from, sizeof c->from, NULL, 0, NI_NUMERICHOST) != 0)
        strcpy(c->from, "?");
    TAILQ_INSERT_TAIL(&channels->beginning, c, next);
    channels->beginning_count++;
    channel_go_on(c);
    if (channels->beginning_count > CHANNEL_HANDSHAKES_MAX)
        channel_close(TAILQ_FIRST(&channels->beginning));
}

void channels_forget(struct channels *channels, const void *arg)
{
    struct channel *c, *next;
    for (c = TAILQ_FIRST(&channels->beginning); c; c = next) {
        next = TAILQ_NEXT(c, next);
        if (c->arg == arg)
            channel_close(c);
    }
}

int channels_start(uv_loop_t *loop, struct tls *tls, struct channels **out)
{
    struct channels *channels = calloc(1, sizeof *channels);
    if (!channels)
        return -ENOMEM;
    channels->loop = loop;
    channels->tls = tls;
    TAILQ_INIT(&channels->beginning);
    TAILQ_INIT(&channels->open);
    TAILQ_INIT(&channels->ending);
    uv_timer_init(loop, &channels->timer);
    channels->timer.data = channels;
    channels->handles = 1;
    uv_timer_start(&channels->timer, channels_on_timer, CHANNEL_TICK_MS, CHANNEL_TICK_MS);
    uv_unref((uv_handle_t *)&channels->timer);
    *out = channels;
    return 0;
}

uint32_t channels_count(const struct channels *channels)
{
    return channels->count;
}

static void channels_timer_closed(uv_handle_t *handle)
{
    channels_unref(handle->data);
}

void channels_stop(struct channels *channels)
{
    struct channel *c;
    channels->stopping = true;
    while ((c = TAILQ_FIRST(&channels->beginning)))
        channel_close(c);
}

void channels_free(struct channels *channels)
{
    struct channel *c;
    channels_stop(channels);
    while ((c = TAILQ_FIRST(&channels->open)) || (c = TAILQ_FIRST(&channels->ending)))
        channel_close(c);
    channels->freeing = true;
    uv_close((uv_handle_t *)&channels->timer, channels_timer_closed);
}
