#include "listener.h"
#include "base/descriptors.h"
#include "base/trace.h"
#include "config/network.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    LISTENER_ACCEPTS_MAX = 64,    /* in one wake-up, so that a flood leaves the loop some air */
    LISTENER_PAUSE_MS = 100,      /* without accepting, when the process has no descriptors left */
    LISTENER_TELL_MS = 60 * 1000, /* between warnings */
    LISTENER_TLS_RECORD = 0x16,   /* RFC 8446, 5.1: the first byte of a handshake; no method's */
    LISTENER_LINE_MAX = 64, /* bytes of the first line that are looked at: longer than any prefix */
};

/* A connection that has not said enough to be handed on. */
struct listener_peek {
    TAILQ_ENTRY(listener_peek) next;
    struct listener *listener;
    uv_poll_t poll;
    uint64_t deadline; /* of uv_now */
    int fd;
    size_t seen;                        /* bytes, at the last look */
    const struct listener_route *route; /* once it is known: the socket goes there */
    bool encrypted;                     /* it begins with a ClientHello */
    struct listener_from from;
};

struct listener {
    uv_loop_t *loop;
    struct channels *channels; /* NULL: no encryption */
    int fd;
    struct listener_route routes[LISTENER_ROUTES_MAX];
    uint32_t route_count;
    uv_poll_t accepting;
    uv_timer_t pause, deadline;
    uint32_t handles; /* of libuv, not yet closed: three of its own, one for each peek */
    TAILQ_HEAD(, listener_peek) peeks; /* the oldest first */
    uint32_t peek_count;
    bool exhausted;   /* no descriptors, and it has been said */
    bool crowded;     /* clients have all descriptors that they may have */
    uint64_t told_ms; /* of uv_now, when that was said; 0: never */
    bool stopping;
};

static void listener_handle_gone(struct listener *l)
{
    assert(l->handles > 0);
    if (--l->handles == 0)
        free(l);
}

/* ---- Which route ---- */

enum listener_match { LISTENER_NO, LISTENER_MAYBE, LISTENER_YES };

static enum listener_match listener_match(const char *prefix, const char *line, size_t len)
{
    size_t prefix_len = strlen(prefix);
    if (memcmp(prefix, line, len < prefix_len ? len : prefix_len) != 0)
        return LISTENER_NO;
    if (len <= prefix_len)
        return LISTENER_MAYBE;
    return line[prefix_len] == ' ' || line[prefix_len] == '?' ? LISTENER_YES : LISTENER_NO;
}

/* The first route that takes the line. LISTENER_MAYBE: more bytes are needed to tell. */
static enum listener_match listener_find_route(const struct listener *l, const char *line,
                                               size_t len, const struct listener_route **found)
{
    for (uint32_t i = 0; i < l->route_count; i++) {
        const char *prefix = l->routes[i].prefix;
        enum listener_match match = prefix ? listener_match(prefix, line, len) : LISTENER_YES;
        *found = &l->routes[i];
        if (match != LISTENER_NO)
            return match;
    }
    *found = NULL;
    return LISTENER_NO;
}

/* ---- Peeking ---- */

static void listener_decrypted(void *arg, int fd, enum tls_who who, const void *about);

/* RFC 8446, 6: the alert handshake_failure. The ClientHello is taken from the socket first, since
 * closing one with unread bytes would take the alert back. */
static void listener_refuse_tls(int fd)
{
    static const uint8_t alert[] = {0x15, 3, 3, 0, 2, 2, 40};
    char hello[4096];
    if (recv(fd, hello, sizeof hello, MSG_DONTWAIT) > 0 &&
        send(fd, alert, sizeof alert, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        trace_debug("listener", "an encrypted connection was closed without an answer");
    close(fd);
}

static void listener_peek_closed(uv_handle_t *handle)
{
    struct listener_peek *p = handle->data;
    struct listener *l = p->listener;
    bool decrypted = p->from.who != TLS_NOBODY; /* then the owner was asked for before */
    if (!l->stopping && !decrypted && (p->encrypted || (p->route && p->route->asks_owner)))
        owner_find(p->fd, &p->from.owner);
    if (p->route && !l->stopping)
        p->route->adopt(p->route->arg, p->fd, &p->from);
    else if (p->encrypted && !l->stopping && l->channels)
        channel_accept(l->channels, p->fd, (const struct sockaddr *)&p->from.address, &p->from,
                       sizeof p->from, listener_decrypted, l);
    else if (p->encrypted && !l->stopping)
        listener_refuse_tls(p->fd);
    else
        close(p->fd);
    free(p);
    listener_handle_gone(l);
}

/* Ends the peeking: with a route the socket goes there, without one it is closed. The loop has to
 * let go of it first. */
static void listener_peek_end(struct listener_peek *p, const struct listener_route *route)
{
    struct listener *l = p->listener;
    p->route = route;
    TAILQ_REMOVE(&l->peeks, p, next);
    l->peek_count--;
    uv_close((uv_handle_t *)&p->poll, listener_peek_closed);
}

static void listener_set_low_water(int fd, int bytes)
{
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

/* Looks at what has come. As long as that could be the beginning of several routes, the socket is
 * to be readable only when there is more: otherwise the loop would spin. */
static void listener_peek_readable(uv_poll_t *poll, int status, int events)
{
    struct listener_peek *p = poll->data;
    const struct listener_route *route;
    char line[LISTENER_LINE_MAX];
    ssize_t len = recv(p->fd, line, sizeof line, MSG_PEEK);
    if (len < 0 && (errno == EAGAIN || errno == EINTR) && status == 0)
        return;
    if (status < 0 ||
        len <= (ssize_t)p->seen) { /* an error, or the end, of which readability tells too */
        listener_peek_end(p, NULL);
        return;
    }
    p->seen = (size_t)len;
    p->encrypted = line[0] == LISTENER_TLS_RECORD && p->from.who == TLS_NOBODY;
    if (p->encrypted) {
        listener_peek_end(p, NULL);
    } else if (listener_find_route(p->listener, line, p->seen, &route) == LISTENER_MAYBE) {
        listener_set_low_water(p->fd, (int)p->seen + 1);
    } else {
        listener_set_low_water(p->fd, 1);
        listener_peek_end(p, route);
    }
}

static void listener_deadline(uv_timer_t *timer)
{
    struct listener *l = timer->data;
    uint64_t now = uv_now(l->loop);
    struct listener_peek *oldest;
    while ((oldest = TAILQ_FIRST(&l->peeks)) && oldest->deadline <= now)
        listener_peek_end(oldest, NULL);
    if (oldest)
        uv_timer_start(timer, listener_deadline, oldest->deadline - now, 0);
}

/* Takes the socket of `p`. */
static void listener_peek_start(struct listener *l, struct listener_peek *p)
{
    if (uv_poll_init(l->loop, &p->poll, p->fd) < 0) {
        close(p->fd);
        free(p);
        return;
    }
    l->handles++;
    p->listener = l;
    p->poll.data = p;
    p->deadline = uv_now(l->loop) + LISTENER_PEEK_MS;
    TAILQ_INSERT_TAIL(&l->peeks, p, next);
    l->peek_count++;
    uv_poll_start(&p->poll, UV_READABLE, listener_peek_readable);
    if (l->peek_count > LISTENER_PEEKING_MAX)
        listener_peek_end(TAILQ_FIRST(&l->peeks), NULL);
    if (!uv_is_active((uv_handle_t *)&l->deadline))
        uv_timer_start(&l->deadline, listener_deadline, LISTENER_PEEK_MS, 0);
}

/* The other end of a handshake begins to speak: its first line leads to a route as any other. */
static void listener_decrypted(void *arg, int fd, enum tls_who who, const void *about)
{
    struct listener *l = arg;
    struct listener_peek *p = calloc(1, sizeof *p);
    if (!p) {
        close(fd);
        return;
    }
    p->fd = fd;
    p->from = *(const struct listener_from *)about;
    p->from.who = who;
    listener_peek_start(l, p);
}

/* ---- Accepting ---- */

static void listener_accept(uv_poll_t *poll, int status, int events);

static void listener_resume(uv_timer_t *timer)
{
    struct listener *l = timer->data;
    uv_poll_start(&l->accepting, UV_READABLE, listener_accept);
}

/* Accepts nothing for a moment. Connections wait in the kernel's queue, and the loop does not spin.
 */
static void listener_pause(struct listener *l, int error)
{
    if (!l->exhausted)
        trace_warn("listener", "cannot accept connections: %s", strerror(error));
    l->exhausted = true;
    uv_poll_stop(&l->accepting);
    uv_timer_start(&l->pause, listener_resume, LISTENER_PAUSE_MS, 0);
}

static uint32_t listener_client_count(const struct listener *l)
{
    uint32_t count = l->peek_count + (l->channels ? 2 * channels_count(l->channels) : 0);
    for (uint32_t i = 0; i < l->route_count; i++)
        count += l->routes[i].count ? l->routes[i].count(l->routes[i].arg) : 0;
    return count;
}

/* Ends the oldest one that has said nothing, but not the newest of all. Others, of which the loop
 * has not told yet, are handed on. */
static void listener_end_silent(struct listener *l)
{
    struct listener_peek *oldest;
    while (l->peek_count > 1) {
        oldest = TAILQ_FIRST(&l->peeks);
        listener_peek_readable(&oldest->poll, 0, UV_READABLE);
        if (TAILQ_FIRST(&l->peeks) != oldest)
            continue;
        listener_peek_end(oldest, NULL);
        return;
    }
}

/* If clients have all the descriptors that they may have, the oldest connection that has said
 * nothing goes for the newest, which may be that of a peer. Each route does the same with its own
 * connections, or refuses the new one. */
static void listener_make_room(struct listener *l)
{
    uint64_t now = uv_now(l->loop);
    l->crowded = listener_client_count(l) > descriptors_for_clients();
    if (!l->crowded)
        return;
    if (l->told_ms == 0 || now - l->told_ms >= LISTENER_TELL_MS) {
        l->told_ms = now;
        trace_warn("listener",
                   "clients have all %u descriptors that they may have (ulimit -n): idle "
                   "connections are closed for new ones, and new ones may be refused",
                   descriptors_for_clients());
    }
    listener_end_silent(l);
}

/* Returns 0, or a negative errno; -EAGAIN: nobody waits. */
static int listener_accept_one(struct listener *l)
{
    struct listener_peek *p = calloc(1, sizeof *p);
    const int on = 1;
    int error;
    if (!p)
        return -ENOMEM;
    p->from.len = sizeof p->from.address;
    p->fd = accept4(l->fd, (struct sockaddr *)&p->from.address, &p->from.len,
                    SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (p->fd < 0) {
        error = -errno;
        free(p);
        return error;
    }
    if (p->from.address.ss_family != AF_UNIX)
        setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    listener_peek_start(l, p);
    listener_make_room(l);
    return 0;
}

static void listener_accept(uv_poll_t *poll, int status, int events)
{
    struct listener *l = poll->data;
    for (int i = 0; i < LISTENER_ACCEPTS_MAX; i++) {
        int error = -listener_accept_one(l);
        switch (error) {
        case 0:
            l->exhausted = false;
            if (l->crowded) /* the loop first closes what has ended */
                return;
            break;
        case EAGAIN:
            return;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            listener_pause(l, error);
            return;
        default: /* accept(2): an error of that connection; the next one may be fine */
            break;
        }
    }
}

/* ---- Start and stop ---- */

static int listener_socket(const char *addr, struct fault *fault)
{
    struct sockaddr_storage address;
    socklen_t len;
    const int on = 1;
    int fd, status;
    if (network_resolve(addr, &address, &len) < 0)
        return fault_set(fault, -EINVAL, "listen on %s: not HOST:PORT, or no such host", addr);
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        goto failed;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        goto failed;
    if (bind(fd, (const struct sockaddr *)&address, len) < 0)
        goto failed;
    if (listen(fd, SOMAXCONN) < 0)
        goto failed;
    return fd;

failed:
    status = -errno;
    if (fd >= 0)
        close(fd);
    return fault_set(fault, status, "listen on %s: %s", addr, strerror(-status));
}

/* Makes the socket in the folder where the process is. Before listen(2), nobody can connect. */
static int listener_bind_here(int fd, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat about;
    assert(strlen(name) < sizeof address.sun_path);
    strcpy(address.sun_path, name);
    if (lstat(name, &about) == 0 && S_ISSOCK(about.st_mode))
        unlink(name);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || chmod(name, 0666) < 0 ||
        listen(fd, SOMAXCONN) < 0)
        return -errno;
    return 0;
}

/* A socket's path can be 107 bytes long, that of a folder more, so the process goes there and back.
 */
static int listener_bind_in(int fd, const char *folder, const char *name)
{
    int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int status = back < 0 || chdir(folder) < 0 ? -errno : listener_bind_here(fd, name);
    if (back >= 0 && fchdir(back) < 0 && status == 0)
        status = -errno;
    if (back >= 0)
        close(back);
    return status;
}

static int listener_socket_in(const char *folder, const char *name, struct fault *fault)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int status = fd < 0 ? -errno : listener_bind_in(fd, folder, name);
    if (status == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return fault_set(fault, status, "listen at %s/%s: %s", folder, name, strerror(-status));
}

/* Takes a socket that listens; `addr` is for people. */
static int listener_begin(uv_loop_t *loop, int fd, const char *addr,
                          const struct listener_route *routes, uint32_t count,
                          struct listener **listener, struct fault *fault)
{
    assert(count > 0 && count <= LISTENER_ROUTES_MAX);
    for (uint32_t i = 0; i < count; i++)
        assert(!routes[i].prefix || strlen(routes[i].prefix) < LISTENER_LINE_MAX);
    struct listener *l = calloc(1, sizeof *l);
    int status = l ? uv_poll_init(loop, &l->accepting, fd) : -ENOMEM;
    if (status < 0) {
        free(l);
        close(fd);
        return fault_set(fault, status, "listen on %s: %s", addr, uv_strerror(status));
    }
    l->loop = loop;
    l->fd = fd;
    memcpy(l->routes, routes, count * sizeof *routes);
    l->route_count = count;
    TAILQ_INIT(&l->peeks);
    uv_timer_init(loop, &l->pause);
    uv_timer_init(loop, &l->deadline);
    l->handles = 3;
    l->accepting.data = l->pause.data = l->deadline.data = l;
    uv_poll_start(&l->accepting, UV_READABLE, listener_accept);
    *listener = l;
    return 0;
}

int listener_start(uv_loop_t *loop, const char *addr, const struct listener_route *routes,
                   uint32_t count, struct channels *channels, struct listener **listener,
                   struct fault *fault)
{
    int fd = listener_socket(addr, fault);
    if (fd < 0)
        return fd;
    int status = listener_begin(loop, fd, addr, routes, count, listener, fault);
    if (status == 0)
        (*listener)->channels = channels;
    return status;
}

int listener_start_in(uv_loop_t *loop, const char *folder, const char *name,
                      const struct listener_route *routes, uint32_t count,
                      struct listener **listener, struct fault *fault)
{
    int fd = listener_socket_in(folder, name, fault);
    return fd < 0 ? fd : listener_begin(loop, fd, name, routes, count, listener, fault);
}

int listener_port(const struct listener *listener)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    getsockname(listener->fd, (struct sockaddr *)&address, &len);
    if (address.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&address)->sin_port);
}

static void listener_handle_closed(uv_handle_t *handle)
{
    listener_handle_gone(handle->data);
}

void listener_stop(struct listener *listener)
{
    struct listener_peek *p;
    assert(!listener->stopping);
    listener->stopping = true;
    if (listener->channels)
        channels_forget(listener->channels, listener);
    while ((p = TAILQ_FIRST(&listener->peeks)))
        listener_peek_end(p, NULL);
    uv_close((uv_handle_t *)&listener->accepting, listener_handle_closed);
    uv_close((uv_handle_t *)&listener->pause, listener_handle_closed);
    uv_close((uv_handle_t *)&listener->deadline, listener_handle_closed);
    close(listener->fd); /* the loop watches it no more */
}
