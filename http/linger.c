/* Ends a connection whose request was answered before its body had come.
 *
 * Closing a socket that still receives data resets it, and the reset can overtake the answer: the
 * client then sees a broken connection instead of the reason (RFC 9112, 9.6). So the socket stays
 * open, and its input is dropped, until the client closes it or a limit is reached. */
#include "http_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    LINGER_MAX = 64, /* connections at a time; any more are closed at once */
    LINGER_MS_MAX = 5000,
    LINGER_BYTES_MAX = 64 * 1024 * 1024,
    LINGER_READ_BYTES = 64 * 1024, /* in one turn of the loop */
};

struct http_linger {
    LIST_ENTRY(http_linger) all;
    struct http *http;
    uv_poll_t poll;
    int fd;
    size_t bytes_left;
    uint64_t until; /* ms of the loop's clock */
};

static void on_closed(uv_handle_t *handle)
{
    struct http_linger *linger = handle->data;
    struct http *http = linger->http;
    close(linger->fd);
    free(linger);
    http_handle_closed(http);
}

static void linger_end(struct http_linger *linger)
{
    assert(linger->http->linger_count > 0);
    LIST_REMOVE(linger, all);
    linger->http->linger_count--;
    uv_close((uv_handle_t *)&linger->poll, on_closed);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    static char dropped[LINGER_READ_BYTES];
    struct http_linger *linger = poll->data;
    ssize_t got = status < 0 ? 0 : recv(linger->fd, dropped, sizeof dropped, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || (size_t)got >= linger->bytes_left)
        linger_end(linger);
    else
        linger->bytes_left -= (size_t)got;
}

/* Takes a duplicate of the descriptor: libmicrohttpd closes its own. */
void http_linger(struct http *http, int fd)
{
    if (http->linger_count == LINGER_MAX || http->stopping || http_is_crowded(http))
        return;
    struct http_linger *linger = calloc(1, sizeof *linger);
    if (!linger)
        return;
    *linger = (struct http_linger){.http = http,
                                   .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0),
                                   .bytes_left = LINGER_BYTES_MAX,
                                   .until = uv_now(http->loop) + LINGER_MS_MAX};
    if (linger->fd < 0 || uv_poll_init(http->loop, &linger->poll, linger->fd) != 0) {
        if (linger->fd >= 0)
            close(linger->fd);
        free(linger);
        return;
    }
    linger->poll.data = linger;
    http->handles_open++;
    http->linger_count++;
    LIST_INSERT_HEAD(&http->lingering, linger, all);
    if (uv_poll_start(&linger->poll, UV_READABLE, on_readable) != 0)
        linger_end(linger);
}

void http_linger_end_expired(struct http *http)
{
    struct http_linger *linger, *next;
    for (linger = LIST_FIRST(&http->lingering); linger; linger = next) {
        next = LIST_NEXT(linger, all);
        if (http->stopping || linger->until <= uv_now(http->loop))
            linger_end(linger);
    }
}
