#include "peer/wire.h"

#include "tls/session.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WIRE_ANSWER_BYTES_MAX = 4096,
    WIRE_IGNORED_BYTES = 4096, /* read at a time, and not looked at */
    WIRE_KEY_BYTES = 16,       /* RFC 6455, 4.1 */
};

enum wire_phase { WIRE_CONNECTING, WIRE_SHAKING, WIRE_ASKING, WIRE_ANSWER, WIRE_OPEN, WIRE_CLOSED };

struct wire {
    struct peer *peer;
    struct wire_events events;
    enum wire_phase phase;
    int fd;
    struct tls_session *session;
    bool plain;
    uv_poll_t poll;
    int watched;
    bool waits;         /* for `writable` to be called */
    struct buffer rest; /* which is still to be written */
    size_t answer_len;
    char name[PEER_ADDR_MAX];
    char answer[WIRE_ANSWER_BYTES_MAX + 1];
};

static void wire_on_event(uv_poll_t *poll, int status, int events);

/* ---- Life ---- */

static void wire_closed(uv_handle_t *handle)
{
    struct wire *w = handle->data;
    assert(w->peer->handles > 0);
    w->peer->handles--;
    tls_session_free(w->session);
    close(w->fd);
    buffer_free(&w->rest);
    free(w);
}

void wire_close(struct wire *w)
{
    assert(w->phase != WIRE_CLOSED);
    w->phase = WIRE_CLOSED;
    uv_close((uv_handle_t *)&w->poll, wire_closed);
}

static void wire_lost(struct wire *w, unsigned http_status, const char *why)
{
    bool wrong_way = w->phase == WIRE_SHAKING ||
                     (w->plain && (w->phase == WIRE_ASKING || w->phase == WIRE_ANSWER));
    wire_close(w);
    w->events.lost(w->events.arg, http_status, wrong_way, why);
}

void wire_cut(struct wire *w)
{
    shutdown(w->fd, SHUT_RDWR);
}

int wire_socket(const struct wire *w)
{
    return w->fd;
}

static void wire_watch(struct wire *w, int events)
{
    if (events == w->watched)
        return;
    w->watched = events;
    uv_poll_start(&w->poll, events, wire_on_event);
}

static void wire_settle(struct wire *w)
{
    wire_watch(w, UV_READABLE | (w->rest.len > 0 || w->waits ? UV_WRITABLE : 0));
}

/* ---- Writing ---- */

/* Returns how many bytes were taken, or a negative errno. */
static ssize_t wire_put(struct wire *w, const uint8_t *data, size_t len)
{
    size_t at = 0;
    while (at < len) {
        ssize_t sent = tls_session_write(w->session, data + at, len - at);
        if (sent == -EAGAIN)
            break;
        if (sent < 0)
            return sent;
        at += (size_t)sent;
    }
    return (ssize_t)at;
}

static int wire_put_rest(struct wire *w)
{
    if (w->rest.len == 0)
        return 0;
    ssize_t sent = wire_put(w, w->rest.data, w->rest.len);
    if (sent < 0)
        return (int)sent;
    memmove(w->rest.data, w->rest.data + sent, w->rest.len - (size_t)sent);
    w->rest.len -= (size_t)sent;
    return 0;
}

int wire_write(struct wire *w, struct bytes bytes)
{
    ssize_t sent = w->rest.len > 0 ? 0 : wire_put(w, bytes.data, bytes.len);
    if (sent < 0)
        return (int)sent;
    buffer_append(&w->rest, bytes.data + sent, bytes.len - (size_t)sent);
    wire_settle(w);
    return w->rest.failed ? -ENOMEM : 0;
}

bool wire_is_choked(const struct wire *w)
{
    struct pollfd socket = {.fd = w->fd, .events = POLLOUT};
    return w->rest.len > 0 || (poll(&socket, 1, 0) != 1 || !(socket.revents & POLLOUT));
}

void wire_wait(struct wire *w)
{
    w->waits = true;
    wire_settle(w);
}

/* ---- The request and its answer (RFC 6455, 4.1) ---- */

static void put_key(char text[2 * WIRE_KEY_BYTES])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t key[WIRE_KEY_BYTES + 2] = {0};
    uv_random(NULL, NULL, key, WIRE_KEY_BYTES, 0, NULL); /* it keeps caches away, no more */
    size_t at = 0;
    for (size_t i = 0; i < WIRE_KEY_BYTES; i += 3) {
        uint32_t three = (uint32_t)key[i] << 16 | (uint32_t)key[i + 1] << 8 | key[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            text[at++] = digits[three >> shift & 63];
    }
    strcpy(text + at - 2, "==");
}

static int wire_ask(struct wire *w)
{
    char text[PEER_HEADERS_MAX], key[2 * WIRE_KEY_BYTES];
    put_key(key);
    int len = snprintf(text, sizeof text,
                       "GET /omnipax HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                       "Sec-WebSocket-Version: 13\r\n",
                       w->name, key);
    char *at = text + len;
    int status = w->events.greet(w->events.arg, &at, sizeof text - (size_t)len - 2);
    if (status < 0)
        return status;
    memcpy(at, "\r\n", 2);
    w->phase = WIRE_ASKING;
    return wire_write(w, bytes_of(text, (size_t)(at + 2 - text)));
}

/* Returns 1 when the answer is complete. */
static int wire_read_answer(struct wire *w)
{
    ssize_t got = tls_session_read(w->session, w->answer + w->answer_len,
                                   WIRE_ANSWER_BYTES_MAX - w->answer_len);
    if (got == 0)
        return -ECONNRESET;
    if (got < 0)
        return (int)got;
    w->answer_len += (size_t)got;
    w->answer[w->answer_len] = '\0';
    if (strstr(w->answer, "\r\n\r\n"))
        return 1;
    return w->answer_len == WIRE_ANSWER_BYTES_MAX ? -EPROTO : 0;
}

static void wire_answered(struct wire *w)
{
    unsigned status = 0;
    if (sscanf(w->answer, "HTTP/1.%*1[01] %3u ", &status) != 1 || status < 100) {
        wire_lost(w, 0, "not the answer of a node");
    } else if (status != 101) {
        wire_lost(w, status, "refused");
    } else {
        w->phase = WIRE_OPEN;
        w->events.open(w->events.arg);
    }
}

/* ---- Steps ---- */

static const char *wire_error(int status)
{
    return status == -ECONNRESET ? "closed" : strerror(-status);
}

static int wire_socket_error(const struct wire *w)
{
    int error = 0;
    socklen_t len = sizeof error;
    getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    return -error;
}

/* Until the answer is there, each step leads to the next or waits. */
static void wire_step(struct wire *w)
{
    int status = 0;
    if (w->phase == WIRE_CONNECTING)
        status = wire_socket_error(w);
    if (status == 0 && w->phase == WIRE_CONNECTING)
        w->phase = WIRE_SHAKING;
    if (status == 0 && w->phase == WIRE_SHAKING) {
        status = tls_session_handshake(w->session);
        if (status == -EAGAIN) {
            wire_watch(w, tls_session_wants(w->session));
            return;
        }
        if (status < 0) {
            wire_lost(w, 0, tls_session_why(w->session));
            return;
        }
        status = wire_ask(w);
    }
    if (status == 0)
        status = wire_put_rest(w);
    if (status == 0 && w->phase == WIRE_ASKING && w->rest.len == 0)
        w->phase = WIRE_ANSWER;
    if (status == 0 && w->phase == WIRE_ANSWER)
        status = wire_read_answer(w);
    if (status == 1)
        wire_answered(w);
    else if (status < 0 && status != -EAGAIN)
        wire_lost(w, 0, wire_error(status));
    else
        wire_settle(w);
}

/* The other end says nothing here, but it ends. */
static int wire_ignore(struct wire *w)
{
    char bytes[WIRE_IGNORED_BYTES];
    ssize_t got;
    while ((got = tls_session_read(w->session, bytes, sizeof bytes)) > 0)
        ;
    return got == 0 ? -ECONNRESET : got == -EAGAIN ? 0 : (int)got;
}

static void wire_go_on(struct wire *w, int events)
{
    int status = events & UV_READABLE ? wire_ignore(w) : 0;
    if (status == 0)
        status = wire_put_rest(w);
    if (status < 0) {
        wire_lost(w, 0, wire_error(status));
        return;
    }
    bool writable = w->waits && w->rest.len == 0 && events & UV_WRITABLE;
    if (writable)
        w->waits = false;
    wire_settle(w);
    if (writable)
        w->events.writable(w->events.arg);
}

static void wire_on_event(uv_poll_t *poll, int status, int events)
{
    struct wire *w = poll->data;
    if (w->phase == WIRE_CLOSED)
        return;
    if (status < 0) { /* libuv has one status for all errors */
        int error = wire_socket_error(w);
        wire_lost(w, 0, wire_error(error < 0 ? error : -ECONNRESET));
    } else if (w->phase == WIRE_OPEN)
        wire_go_on(w, events);
    else
        wire_step(w);
}

/* ---- Connecting ---- */

static int wire_connect(const struct wire_target *target)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(target->port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(target->port)};
    bool is_four = IN6_IS_ADDR_V4MAPPED(target->ip);
    six.sin6_addr = *target->ip;
    memcpy(&four.sin_addr, target->ip->s6_addr + 12, sizeof four.sin_addr);
    int fd = socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    const struct sockaddr *to =
        is_four ? (const struct sockaddr *)&four : (const struct sockaddr *)&six;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, to, is_four ? sizeof four : sizeof six) == 0 || errno == EINPROGRESS)
        return fd;
    int status = -errno;
    close(fd);
    return status;
}

struct wire *wire_open(struct peer *peer, const struct wire_target *target,
                       const struct wire_events *events)
{
    struct wire *w = calloc(1, sizeof *w);
    int fd = w ? wire_connect(target) : -ENOMEM;
    if (fd >= 0)
        w->session = tls_session_dial(target->tls, fd, target->way, target->host);
    if (fd < 0 || !w->session || uv_poll_init(peer->loop, &w->poll, fd) < 0) {
        if (w && w->session)
            tls_session_free(w->session);
        if (fd >= 0)
            close(fd);
        free(w);
        return NULL;
    }
    w->peer = peer;
    w->events = *events;
    w->fd = fd;
    w->plain = !target->tls;
    snprintf(w->name, sizeof w->name, "%s", target->name);
    w->poll.data = w;
    peer->handles++;
    wire_watch(w, UV_WRITABLE);
    return w;
}
