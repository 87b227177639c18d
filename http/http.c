/* The HTTP server on the loop: libmicrohttpd without a thread, and the time-outs of connections.
 *
 * libmicrohttpd has its sockets in an epoll descriptor of its own; the loop watches that one
 * descriptor and calls MHD_run. Code outside of MHD_run that gives it work (adds a connection,
 * resumes a request) calls http_wake afterwards, so that MHD_run comes again before the loop waits.
 * MHD_run is never called from inside one of its own callbacks. */
#include "http.h"

#include "base/descriptors.h"
#include "base/trace.h"
#include "client_session.h"
#include "http_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TIMER_MS = 1000,
    STOPPING_TIMER_MS = 50,
    GIVE_WAY_MS = 1000, /* so long a request may arrive if connections are needed for others */
};

/* ---- Connections ---- */

/* From now on a request has to arrive whole within the time limit (end_expired). The list is in the
 * order of the deadlines, since all have the same limit. */
static void connection_watch(struct http *http, struct http_connection *c)
{
    if (c->receive_by)
        TAILQ_REMOVE(&http->receiving, c, receiving);
    c->receive_by = uv_now(http->loop) + http->body_ms_max;
    TAILQ_INSERT_TAIL(&http->receiving, c, receiving);
}

static void connection_unwatch(struct http *http, struct http_connection *c)
{
    if (c->receive_by)
        TAILQ_REMOVE(&http->receiving, c, receiving);
    c->receive_by = 0;
}

void http_connection_arriving(struct http *http, struct http_connection *c)
{
    c->busy = true;
    c->resumed = false;
    connection_watch(http, c);
}

void http_connection_arrived(struct http *http, struct http_connection *c)
{
    connection_unwatch(http, c);
}

/* Whether the client has sent its last byte. If its FIN comes together with data, libmicrohttpd,
 * which waits for edges, does not notice it, unless the request was resumed: then it reads once
 * more. */
static bool is_half_closed(const struct http_connection *c)
{
    char byte;
    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void http_connection_over(struct http *http, struct http_connection *c)
{
    assert(c->busy);
    connection_unwatch(http, c);
    c->busy = false;
    /* The answer still arrives; the daemon reads the end of the stream and closes. */
    if (http->stopping || (!c->resumed && is_half_closed(c)))
        shutdown(c->fd, SHUT_RD);
}

static struct http_connection *connection_new(struct http *http, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *from =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct http_connection *c = fd && from ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    c->fd = fd->connect_fd;
    c->allowed = config_allows_client(http->config, from->client_addr);
    TAILQ_INSERT_TAIL(&http->connections, c, all);
    connection_watch(http, c); /* its request has begun: the listener has seen the first bytes */
    return c;
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = arg;
    struct http_connection *c = *context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        http->connection_count++;
        *context = connection_new(http, mhd);
        return;
    }
    assert(http->connection_count > 0);
    http->connection_count--;
    if (!c)
        return;
    connection_unwatch(http, c);
    TAILQ_REMOVE(&http->connections, c, all);
    free(c);
}

/* Answers a connection past the limit, if that is possible at once. The request is taken from the
 * socket first, since closing a socket with unread bytes would take the answer back (RFC 1122,
 * 4.2.2.13). */
static void connection_refuse(int fd)
{
    static const char body[] = "{\"Single\":{\"error\":\"this node has as many connections as it "
                               "serves: try again later\"}}";
    char text[4096];
    if (recv(fd, text, sizeof text, MSG_DONTWAIT) > 0) {
        int len = snprintf(text, sizeof text,
                           "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
                           "Content-Length: %zu\r\nRetry-After: 1\r\nConnection: close\r\n\r\n%s",
                           sizeof body - 1, body);
        if (send(fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            trace_debug("http", "a connection past the limit was closed without an answer");
    }
    close(fd);
}

/* Whether it has a request, or one that may be there at any moment. */
static bool is_in_use(const struct http *http, const struct http_connection *c)
{
    return c->busy || c->receive_by + GIVE_WAY_MS > uv_now(http->loop) + http->body_ms_max;
}

/* Ends the oldest connection that is not in use. Returns false if all are. */
static bool connection_gives_way(struct http *http)
{
    struct http_connection *c = TAILQ_FIRST(&http->connections);
    while (c && (is_in_use(http, c) || c->gives_way))
        c = TAILQ_NEXT(c, all);
    if (!c)
        return false;
    connection_unwatch(http, c);
    c->gives_way = true;
    shutdown(c->fd, SHUT_RDWR);
    return true;
}

uint32_t http_connection_count(void *arg)
{
    const struct http *http = arg;
    return http->connection_count + http->linger_count + http_clients_count(http->clients);
}

bool http_is_crowded(struct http *http)
{
    return http_connection_count(http) >= descriptors_for_clients();
}

/* A new connection may be that of a health check, and an idle client can come back. */
static bool has_room(struct http *http)
{
    if (http->stopping || http->connection_count >= HTTP_CONNECTIONS_MAX)
        return false;
    return !http_is_crowded(http) || connection_gives_way(http);
}

void http_adopt(void *arg, int fd, const struct sockaddr *from, socklen_t from_len)
{
    struct http *http = arg;
    if (!has_room(http)) {
        connection_refuse(fd);
        return;
    }
    if (MHD_add_connection(http->daemon, fd, from, from_len) != MHD_YES)
        trace_warn("http", "a new connection was closed, libmicrohttpd did not take it: %s",
                   strerror(errno));
    http_wake(http);
}

void http_adopt_websocket(void *arg, int fd, const struct sockaddr *from, socklen_t from_len)
{
    struct http *http = arg;
    /* A client that is refused gets an HTTP answer that says why (http_client_refused). */
    if (!config_allows_client(http->config, from) || !http_clients_have_room(http->clients) ||
        !has_room(http))
        http_adopt(http, fd, from, from_len);
    else
        http_clients_adopt(http->clients, fd);
}

/* Ends connections whose request has not arrived in time or, since the client has closed its side,
 * never will. Shutting the socket down is the way to tell the daemon. */
static void end_expired(struct http *http)
{
    struct http_connection *c, *next;
    for (c = TAILQ_FIRST(&http->receiving); c; c = next) {
        next = TAILQ_NEXT(c, receiving);
        if (c->receive_by > uv_now(http->loop) && !is_half_closed(c))
            continue;
        connection_unwatch(http, c);
        shutdown(c->fd, SHUT_RDWR);
    }
}

/* ---- The loop ---- */

void http_handle_closed(struct http *http)
{
    assert(http->handles_open > 0);
    if (--http->handles_open == 0 && http->freeing)
        free(http);
}

static void on_handle_closed(uv_handle_t *handle)
{
    http_handle_closed(handle->data);
}

static void close_handle(uv_handle_t *handle)
{
    if (handle->data && !uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

/* Ends the daemon and its handles; answers that are still being sent are cut off. */
static void server_finish(struct http *http)
{
    assert(http->waiting == 0); /* the daemon cannot end suspended connections */
    close_handle((uv_handle_t *)&http->poll);
    close_handle((uv_handle_t *)&http->idle);
    close_handle((uv_handle_t *)&http->timer);
    http->stopping = true;
    http_linger_end_expired(http);
    if (http->daemon)
        MHD_stop_daemon(http->daemon);
    http->daemon = NULL;
    http_moments_free(http);
    assert(http->held_bytes == 0);
}

static void on_idle(uv_idle_t *idle);

void http_wake(struct http *http)
{
    assert(http->daemon);
    uv_idle_start(&http->idle, on_idle);
}

static void server_run(struct http *http)
{
    MHD_run(http->daemon);
    MHD_UNSIGNED_LONG_LONG wait_ms;
    bool again = MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES && wait_ms == 0;
    if (again || !TAILQ_EMPTY(&http->going_on))
        http_wake(http);
    if (http->stopping && http->connection_count == 0)
        server_finish(http);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    server_run(poll->data);
}

static void on_idle(uv_idle_t *idle)
{
    struct http *http = idle->data;
    uv_idle_stop(idle);
    struct http_requests due = TAILQ_HEAD_INITIALIZER(due);
    TAILQ_CONCAT(&due, &http->going_on, going_on);
    struct http_request *request;
    while ((request = TAILQ_FIRST(&due))) {
        TAILQ_REMOVE(&due, request, going_on);
        request->go_on(request);
    }
    server_run(http);
}

static void on_timer(uv_timer_t *timer)
{
    struct http *http = timer->data;
    end_expired(http);
    http_moments_expire(http);
    http_linger_end_expired(http);
    if (http->stopping && uv_now(http->loop) >= http->stop_by && http->waiting == 0)
        server_finish(http);
    else
        server_run(http);
}

static void on_daemon_message(void *arg, const char *format, va_list args)
{
    if (trace_level < TRACE_DEBUG)
        return;
    char text[256];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = 0;
    trace_debug("http", "%s", text);
}

/* http_request_begin, which sees the path first, decodes it. */
static size_t leave_escaped(void *arg, struct MHD_Connection *mhd, char *text)
{
    return strlen(text);
}

static struct MHD_Daemon *daemon_start(struct http *http)
{
    const struct MHD_OptionItem options[] = {
        /* First, so that it also hears of mistakes in the options after it. */
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_daemon_message, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS_MAX, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, HTTP_IDLE_MS_MAX / 1000, NULL},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_request_begin, http},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_request_end, http},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, http},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned int flags =
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    return MHD_start_daemon(flags, 0, NULL, NULL, http_request_access, http, MHD_OPTION_ARRAY,
                            options, MHD_OPTION_END);
}

static int handles_start(struct http *http)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info)
        return -EIO;
    uv_idle_init(http->loop, &http->idle);
    uv_timer_init(http->loop, &http->timer);
    http->idle.data = http->timer.data = http;
    http->handles_open = 2;
    int status = uv_poll_init(http->loop, &http->poll, info->epoll_fd);
    if (status != 0)
        return status;
    http->poll.data = http;
    http->handles_open++;
    status = uv_poll_start(&http->poll, UV_READABLE, on_poll);
    return status != 0 ? status : uv_timer_start(&http->timer, on_timer, TIMER_MS, TIMER_MS);
}

int http_start(uv_loop_t *loop, struct lws_context *websockets, struct replica *replica,
               const struct config *config, struct http **out, struct fault *fault)
{
    struct http *http = calloc(1, sizeof *http);
    if (!http)
        return fault_set(fault, -ENOMEM, "start HTTP: out of memory");
    http->loop = loop;
    http->replica = replica;
    http->config = config;
    http->body_ms_max = HTTP_BODY_MS_MAX;
    http->moment_ms = HTTP_MOMENT_MS;
    LIST_INIT(&http->lingering);
    TAILQ_INIT(&http->connections);
    TAILQ_INIT(&http->receiving);
    TAILQ_INIT(&http->going_on);
    TAILQ_INIT(&http->moments);
    http->daemon = daemon_start(http);
    int status = http->daemon ? handles_start(http) : -EIO;
    if (status != 0)
        fault_set(fault, status, "start HTTP: %s", strerror(-status));
    else if ((status = http_clients_start(http, websockets, &http->clients)) != 0)
        fault_set(fault, status, "start the client WebSocket: %s", strerror(-status));
    if (status != 0) {
        http_free(http);
        return status;
    }
    *out = http;
    return 0;
}

void http_stop(struct http *http)
{
    assert(!http->stopping);
    http->stopping = true;
    http->stop_by = uv_now(http->loop) + HTTP_STOP_MS_MAX;
    struct http_connection *c;
    TAILQ_FOREACH(c, &http->connections, all)
    {
        if (!c->busy)
            shutdown(c->fd, SHUT_RDWR);
    }
    uv_timer_start(&http->timer, on_timer, STOPPING_TIMER_MS, STOPPING_TIMER_MS);
    http_clients_stop(http->clients);
    http_wake(http);
}

void http_free(struct http *http)
{
    http->freeing = true;
    http_clients_free(http->clients);
    server_finish(http);
    if (http->handles_open == 0)
        free(http);
}
