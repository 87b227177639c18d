/* The HTTP server on the loop: its connections, and their time-outs. */
#include "http.h"

#include "base/descriptors.h"
#include "base/trace.h"
#include "client_session.h"
#include "http_internal.h"
#include "watch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TIMER_MS = 1000,
    STOPPING_TIMER_MS = 50,
    OWN_HANDLES = 4,    /* `idle`, `check` and the timers: all others are connections, also closing
                           ones */
    GIVE_WAY_MS = 1000, /* so long a request may arrive if connections are needed for others */
};

/* Answers a connection past the limit, if that is possible at once. The request is taken from the
 * socket first, since closing a socket with unread bytes would take the answer back (RFC 1122,
 * 4.2.2.13). */
static void connection_refuse(int fd)
{
    static const char body[] = "{\"Single\":{\"error\":\"this node has as many connections as it "
                               "serves, or as one address may have: try again later\"}}";
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
    return c->request || (c->begun && c->begun + GIVE_WAY_MS > uv_now(http->loop));
}

/* What is kept for this machine is not for others. */
static bool may_take(const struct http_address *address, const struct http_connection *c,
                     bool its_own)
{
    if (its_own)
        return c->address == address;
    return http_address_is_local(address) || !http_address_is_local(c->address);
}

/* Ends the oldest connection that is not in use, of the address that needs one or of any other that
 * it may take them from. Returns false if there is none. */
static bool connection_gives_way(struct http *http, const struct http_address *address,
                                 bool its_own)
{
    struct http_connection *c = TAILQ_FIRST(&http->connections);
    while (c && (is_in_use(http, c) || !may_take(address, c, its_own)))
        c = TAILQ_NEXT(c, all);
    if (!c)
        return false;
    http_connection_close(c);
    return true;
}

uint32_t http_connection_count(void *arg)
{
    const struct http *http = arg;
    return http->handles_open - http->jobs_open - OWN_HANDLES + http_clients_count(http->clients);
}

/* A new connection may be that of a health check, and an idle client can come back. */
static bool has_room(struct http *http, const struct http_address *address)
{
    uint32_t descriptors = descriptors_for_clients();
    uint32_t all = descriptors < http->connections_max ? descriptors : http->connections_max;
    uint32_t kept = http_kept_from(address, all);
    if (http->stopping)
        return false;
    if (!http_address_has_share(address, HTTP_KIND_CONNECTION, all))
        return connection_gives_way(http, address, true);
    if (http->connection_count + kept < http->connections_max &&
        http_connection_count(http) + kept < descriptors)
        return true;
    return connection_gives_way(http, address, false);
}

void http_adopt(void *arg, int fd, const struct sockaddr *from, const struct owner *owner,
                bool encrypted)
{
    struct http *http = arg;
    struct http_address *address = http_address_join(http, from);
    if (!address || !has_room(http, address))
        connection_refuse(fd);
    else if (http_connection_open(http, fd, from, owner, address, encrypted))
        return;
    else
        trace_warn("http", "a new connection was closed: out of memory");
    if (address)
        http_address_leave(address);
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
    if (!uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

/* Ends what is left; answers that are still being sent are cut off. */
static void server_finish(struct http *http)
{
    assert(http->waiting == 0); /* the replica calls nobody back that is gone */
    http->stopping = true;
    close_handle((uv_handle_t *)&http->idle);
    close_handle((uv_handle_t *)&http->timer);
    close_handle((uv_handle_t *)&http->watch_timer);
    close_handle((uv_handle_t *)&http->check);
    struct http_connection *c;
    while ((c = TAILQ_FIRST(&http->connections)))
        http_connection_close(c);
    http_moments_free(http);
    http_event_text_free(&http->event_text);
    http_users_free(http);
}

static void on_idle(uv_idle_t *idle);

void http_wake(struct http *http)
{
    if (!uv_is_closing((uv_handle_t *)&http->idle))
        uv_idle_start(&http->idle, on_idle);
}

static void on_turn_over(uv_check_t *check)
{
    struct http *http = check->data;
    http->worked_ns = 0;
}

/* Runs the first step of the list. False: there is none. */
static bool next_step(struct http_steps *steps)
{
    struct http_step *step = TAILQ_FIRST(steps);
    if (!step)
        return false;
    TAILQ_REMOVE(steps, step, all);
    step->run(step->arg);
    return true;
}

/* Goes on with the first connection that is due; `*last`: the last one, which becomes NULL. */
static bool next_connection(struct http *http, struct http_connection **last)
{
    struct http_connection *c = *last ? TAILQ_FIRST(&http->due) : NULL;
    if (!c)
        return false;
    if (c == *last)
        *last = NULL;
    TAILQ_REMOVE(&http->due, c, due);
    http_connection_go_on(c);
    return true;
}

/* Steps and connections take turns, as long as there is time. Those that come up meanwhile wait for
 * the next turn of the loop. */
static void work_on(struct http *http)
{
    struct http_steps steps = TAILQ_HEAD_INITIALIZER(steps);
    TAILQ_CONCAT(&steps, &http->steps, all);
    struct http_connection *last = TAILQ_LAST(&http->due, http_connections);
    bool more = true;
    while (more && http_has_time(http)) {
        http_work_begins(http);
        more = next_step(&steps);
        more |= next_connection(http, &last);
        http_work_ends(http);
    }
    TAILQ_CONCAT(&steps, &http->steps, all);
    TAILQ_CONCAT(&http->steps, &steps, all);
    if (!TAILQ_EMPTY(&http->steps) || !TAILQ_EMPTY(&http->due))
        http_wake(http);
}

static void on_idle(uv_idle_t *idle)
{
    struct http *http = idle->data;
    uv_idle_stop(idle);
    work_on(http);
    if (http->stopping && http->connection_count == 0)
        server_finish(http);
}

static void on_timer(uv_timer_t *timer)
{
    struct http *http = timer->data;
    struct http_connection *c, *next;
    for (c = TAILQ_FIRST(&http->connections); c; c = next) {
        next = TAILQ_NEXT(c, all);
        http_connection_expire(c);
    }
    http_clients_expire(http->clients);
    http_moments_expire(http);
    http_watches_tick(http);
    if (http->stopping && uv_now(http->loop) >= http->stop_by && http->waiting == 0)
        server_finish(http);
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
    http->idle_ms_max = HTTP_IDLE_MS_MAX;
    http->pressed_ms = HTTP_PRESSED_MS;
    http->held_max = HTTP_HELD_BYTES_MAX;
    http->connections_max = HTTP_CONNECTIONS_MAX;
    TAILQ_INIT(&http->connections);
    TAILQ_INIT(&http->due);
    TAILQ_INIT(&http->steps);
    TAILQ_INIT(&http->jobs);
    TAILQ_INIT(&http->moments);
    TAILQ_INIT(&http->watches);
    uv_idle_init(loop, &http->idle);
    uv_timer_init(loop, &http->timer);
    uv_timer_init(loop, &http->watch_timer);
    uv_check_init(loop, &http->check);
    http->idle.data = http->timer.data = http->watch_timer.data = http->check.data = http;
    http->handles_open = OWN_HANDLES;
    uv_timer_start(&http->timer, on_timer, TIMER_MS, TIMER_MS);
    uv_check_start(&http->check, on_turn_over);
    int status = http_users_start(http);
    if (status == 0)
        status = http_clients_start(http, websockets, &http->clients);
    if (status != 0) {
        fault_set(fault, status, "start the client WebSocket: %s", strerror(-status));
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
    http_watches_stop(http);
    struct http_connection *c, *next;
    for (c = TAILQ_FIRST(&http->connections); c; c = next) {
        next = TAILQ_NEXT(c, all);
        http_connection_stop(c);
    }
    uv_timer_start(&http->timer, on_timer, STOPPING_TIMER_MS, STOPPING_TIMER_MS);
    http_clients_stop(http->clients);
    http_wake(http);
}

void http_free(struct http *http)
{
    server_finish(http);
    http->freeing = true;
    http_clients_free(http->clients);
    assert(http->held_bytes == 0);
    if (http->handles_open == 0)
        free(http);
}
