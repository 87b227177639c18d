/* The life of a request: its head, its body, the wait for the replica, its answer. The states are
 * drawn in http_internal.h. */
#include "base/trace.h"
#include "condition.h"
#include "http_internal.h"
#include "json_out.h"
#include "names.h"
#include "watch.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool http_hold(struct http_request *request, size_t bytes)
{
    return http_take(request->http, &request->held_bytes, bytes);
}

void http_let_go(struct http_request *request)
{
    http_hold_now(request->http, &request->held_bytes, 0);
}

const char *http_header(const struct http_request *request, const char *name)
{
    return http_head_field(&request->head, name);
}

struct bytes http_path_key(const struct http_request *request)
{
    size_t skip = strlen("/key/");
    assert(request->uri.path.len >= skip);
    return bytes_of(request->uri.path.data + skip, request->uri.path.len - skip);
}

bool http_read_done(struct http_request *request, enum replica_outcome outcome,
                    struct replica_freshness freshness, struct bytes key)
{
    if (outcome != REPLICA_DONE) {
        http_error_outcome(request, outcome, false, key);
        return false;
    }
    request->answer.stale = freshness.stale;
    request->answer.age_ms = freshness.age_ms;
    return true;
}

/* ---- Reads ---- */

static void on_local(void *arg, enum replica_outcome outcome, struct replica_freshness freshness)
{
    struct http_request *request = arg;
    request->read(request, outcome, freshness);
}

static void on_confirmed_for(void *arg, enum replica_outcome outcome,
                             struct replica_freshness freshness)
{
    struct http_request *request = arg;
    if (outcome == REPLICA_NO_QUORUM && request->reads_stale)
        replica_read(request->http->replica, REPLICA_LOCAL, on_local, request);
    else if (outcome == REPLICA_DONE && !http_user_holds(request->http, request->user))
        http_error_errno(request, -EKEYREVOKED, (struct bytes){0});
    else
        request->read(request, outcome, freshness);
}

void http_read(struct http_request *request, enum replica_consistency consistency,
               replica_read_cb *done)
{
    bool stale = consistency == REPLICA_DEFAULT ? request->http->config->stale_on_quorum_loss
                                                : consistency != REPLICA_LINEARIZABLE;
    if (http_user_is_root(request->user)) {
        replica_read(request->http->replica, consistency, done, request);
        return;
    }
    request->read = done;
    request->reads_stale = stale && request->user->caller.token == 0;
    replica_read(request->http->replica, REPLICA_LINEARIZABLE, on_confirmed_for, request);
}

bool http_consistency(struct http_request *request, enum replica_consistency *consistency)
{
    static const char *const names[] = {
        [REPLICA_LINEARIZABLE] = "linearizable",
        [REPLICA_CACHED] = "cached",
        [REPLICA_LOCAL] = "local",
    };
    *consistency = REPLICA_DEFAULT;
    if (!request->uri.consistency.data)
        return true;
    for (int i = REPLICA_LINEARIZABLE; i <= REPLICA_LOCAL; i++)
        if (bytes_equal(request->uri.consistency, bytes_of_text(names[i])))
            *consistency = (enum replica_consistency)i;
    if (*consistency != REPLICA_DEFAULT)
        return true;
    http_error(request, HTTP_BAD_REQUEST, (struct bytes){0},
               "consistency must be linearizable, cached or local");
    return false;
}

/* ---- Receiving ---- */

struct http_request *http_request_new(struct http_connection *connection, struct bytes head)
{
    struct http *http = connection->http;
    struct http_request *request = calloc(1, sizeof *request + head.len);
    if (!request)
        return NULL;
    request->http = http;
    request->connection = connection;
    request->began_ms = uv_now(http->loop);
    http->requests_total++;
    if (head.len == 0)
        return request;
    memcpy(request->text, head.data, head.len);
    request->text_len = head.len;
    const char *why;
    unsigned int status = http_head_parse(request->text, head.len, &request->head, &why);
    if (status != 0) {
        request->head.keep_alive = false;
        http_error(request, status, (struct bytes){0}, "%s", why);
    }
    return request;
}

static void refuse_body(struct http_request *request)
{
    http_error(request, HTTP_CONTENT_TOO_LARGE, (struct bytes){0},
               "the body is larger than the %zu bytes that this path takes",
               request->route->body_bytes_max);
}

static void refuse_busy(struct http_request *request)
{
    request->answer.retry = true;
    http_error(request, HTTP_SERVICE_UNAVAILABLE, (struct bytes){0},
               "this node receives too many bodies at once: nothing has happened, try again");
}

/* A health check may know no certificates. */
static bool must_be_encrypted(const struct http_request *request)
{
    const struct config *config = request->http->config;
    http_handler *handler = request->route->handler;
    bool health = handler == http_healthz || handler == http_readyz;
    return config->tls_required && !request->connection->encrypted &&
           !(health && config->plain_health);
}

/* Whether this node is meant, and the client may ask it. */
static bool may_ask(struct http_request *request)
{
    const struct config *config = request->http->config;
    struct bytes host = request->head.host;
    if (!request->connection->allowed)
        http_error(request, HTTP_FORBIDDEN, (struct bytes){0},
                   "this node does not serve your address: add it to \"clients\" in node.json");
    else if (must_be_encrypted(request))
        http_error(request, HTTP_FORBIDDEN, (struct bytes){0},
                   "this node serves encrypted connections only (\"tls\": \"required\" in its "
                   "node.json): use https");
    else if (host.data && !http_host_is_ours(config, host))
        http_error(request, HTTP_MISDIRECTED_REQUEST, (struct bytes){0},
                   "this node is not called \"%.*s\": if it is, add the name to \"hosts\" in "
                   "node.json",
                   (int)(host.len < 100 ? host.len : 100), (const char *)host.data);
    else if (!http_page_may(config, &request->head))
        http_error(request, HTTP_FORBIDDEN, (struct bytes){0},
                   "a web page of another origin may not use this node: if the page is its own, "
                   "add the name to \"hosts\" in node.json");
    return request->state != HTTP_REQUEST_ANSWERED;
}

void http_request_admit(struct http_request *request)
{
    assert(request->state == HTTP_REQUEST_NEW);
    const struct http_head *head = &request->head;
    http_uri_parse(request->head.target, &request->uri, &request->uri_fault);
    request->route = http_route_find(head->method, request->uri.path);
    request->state = HTTP_REQUEST_RECEIVING;
    if (!may_ask(request) || !http_admit(request) || head->chunked ||
        head->body_bytes <= HTTP_UNREAD_BODY_BYTES_MAX)
        return;
    if (head->body_bytes > request->route->body_bytes_max)
        refuse_body(request);
    else if (http_hold(request, (size_t)head->body_bytes))
        http_let_go(request); /* it is taken as the bytes come, which may never */
    else
        refuse_busy(request);
}

/* What has come of a body is dropped, and the rest as it comes. */
static void drop_body(struct http_request *request)
{
    buffer_free(&request->body);
    http_let_go(request);
}

/* A chunked body that turns out to be too long is dropped as it comes; if it does not end, the time
 * limit of the request ends it. */
void http_request_receive(struct http_request *request, struct bytes data)
{
    if (request->body_too_large || request->body.failed)
        return;
    if (request->body.len + data.len > request->route->body_bytes_max) {
        request->body_too_large = true;
        drop_body(request);
        return;
    }
    if (http_hold(request, data.len))
        buffer_append(&request->body, data.data, data.len);
    else
        request->body.failed = true;
    if (request->body.failed) {
        drop_body(request);
        request->body.failed = true;
    }
}

void http_request_run(struct http_request *request)
{
    assert(request->state == HTTP_REQUEST_RECEIVING);
    request->state = HTTP_REQUEST_RUNNING;
    if (request->body_too_large && request->route->body_bytes_max > 0)
        refuse_body(request);
    else if (request->body.failed)
        refuse_busy(request);
    else if (request->uri_fault.text[0])
        http_error(request, HTTP_BAD_REQUEST, (struct bytes){0}, "%s", request->uri_fault.text);
    else
        request->route->handler(request);
    if (request->state == HTTP_REQUEST_RUNNING) {
        request->state = HTTP_REQUEST_WAITING;
        request->http->waiting++;
    }
}

static void request_go_on(void *arg)
{
    struct http_request *request = arg;
    request->go_on(request);
}

void http_request_step(struct http_request *request, http_handler *go_on)
{
    request->go_on = go_on;
    http_step(request->http, &request->step, request_go_on, request);
}

void http_request_go_on(struct http_request *request, http_handler *go_on)
{
    assert(request->state == HTTP_REQUEST_RUNNING || request->state == HTTP_REQUEST_WAITING);
    request->go_on = go_on;
    http_step_later(request->http, &request->step, request_go_on, request);
}

/* ---- Answering ---- */

/* The answer is complete: from now on it is all that the request holds. */
static void answer_settle(struct http_request *request)
{
    size_t bytes = request->answer.stream.read ? (size_t)HTTP_STREAM_BYTES : request->out.len;
    buffer_free(&request->body);
    http_items_free(&request->items);
    http_hold_now(request->http, &request->held_bytes, bytes);
}

static void answer_complete(struct http_request *request)
{
    assert(request->state != HTTP_REQUEST_ANSWERED);
    answer_settle(request);
    bool waiting = request->state == HTTP_REQUEST_WAITING;
    request->state = HTTP_REQUEST_ANSWERED;
    if (!waiting)
        return; /* the connection, which is on the stack, sends it */
    assert(request->http->waiting > 0);
    request->http->waiting--;
    http_connection_answered(request->connection);
}

static void answer_write(void *arg)
{
    struct http_request *request = arg;
    http_json_finish(&request->out, 0);
}

/* The text can be six times as long as the value. If there is no memory for it, nothing has
 * happened, unless the request was a change. */
static void on_answer_written(void *arg)
{
    struct http_request *request = arg;
    size_t held = request->held_bytes, len = request->out.len;
    bool reads = strcmp(request->route->method, "GET") == 0;
    if (reads && len > held && !http_hold(request, len - held))
        http_error_errno(request, -EBUSY, (struct bytes){0});
    else
        answer_complete(request);
}

void http_answer(struct http_request *request, unsigned int status)
{
    struct http_answer *answer = &request->answer;
    answer->status = status;
    bool whole =
        answer->content_type || answer->stream.read || http_json_is_whole(&request->out, 0);
    if (whole)
        answer_complete(request);
    else
        http_job(request->http, &request->job, answer_write, on_answer_written, request);
}

bool http_request_has_answer_body(const struct http_request *request)
{
    unsigned int status = request->answer.status;
    bool head = request->head.method && strcmp(request->head.method, "HEAD") == 0;
    return !head && status != HTTP_NO_CONTENT && status != HTTP_NOT_MODIFIED;
}

static const char *reason_of(unsigned int status)
{
    static const struct {
        unsigned int number;
        const char *reason;
    } rows[] = {
#define X(name, number, reason) {number, reason},
        HTTP_STATUSES(X)
#undef X
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].number == status)
            return rows[i].reason;
    return "";
}

/* Appends a line. What would not fit is left out: the longest answer has room. */
__attribute__((format(printf, 2, 3))) static void put_line(struct http_request *request,
                                                           const char *format, ...)
{
    va_list args;
    size_t room = sizeof request->answer_head - request->answer_head_len;
    va_start(args, format);
    int len = vsnprintf(request->answer_head + request->answer_head_len, room, format, args);
    va_end(args);
    assert(len > 0 && (size_t)len < room);
    request->answer_head_len += (size_t)len;
}

/* The cluster's time (RFC 9110, 5.6.7), made once a second. */
static const char *date_now(struct http *http)
{
    time_t now = (time_t)(replica_time(http->replica) / 1000000000);
    struct tm parts;
    if (now != http->date_of && gmtime_r(&now, &parts)) {
        static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        http->date_of = now;
        snprintf(http->date, sizeof http->date, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                 days[parts.tm_wday], parts.tm_mday % 100, months[parts.tm_mon],
                 (parts.tm_year + 1900) % 10000, parts.tm_hour % 100, parts.tm_min % 100,
                 parts.tm_sec % 100);
    }
    return http->date;
}

static void put_stale(struct http_request *request)
{
    /* RFC 7234, 5.5.1 */
    if (request->answer.age_ms == UINT64_MAX)
        put_line(request, "Warning: 110 - \"response is stale: never confirmed\"\r\n");
    else
        put_line(request, "Warning: 110 - \"response is stale: last confirmed %llu s ago\"\r\n",
                 (unsigned long long)(request->answer.age_ms / 1000));
}

static void put_range(struct http_request *request)
{
    const struct http_answer *answer = &request->answer;
    if (answer->status == HTTP_PARTIAL_CONTENT)
        put_line(request, "Content-Range: bytes %llu-%llu/%llu\r\n",
                 (unsigned long long)answer->range_from,
                 (unsigned long long)(answer->range_from + answer->range_len - 1),
                 (unsigned long long)answer->range_size);
    else
        put_line(request, "Content-Range: bytes */%llu\r\n",
                 (unsigned long long)answer->range_size);
}

static void put_answer_fields(struct http_request *request)
{
    const struct http_answer *answer = &request->answer;
    if (answer->etag)
        put_line(request, "ETag: \"%s%llu\"\r\n", answer->etag_form == HTTP_FORM_JSON ? "+" : "",
                 (unsigned long long)answer->etag);
    if (answer->varies)
        put_line(request, "Vary: Accept\r\n");
    if (answer->status == HTTP_PARTIAL_CONTENT || answer->status == HTTP_RANGE_NOT_SATISFIABLE)
        put_range(request);
    if (answer->stale)
        put_stale(request);
    if (answer->retry)
        put_line(request, "Retry-After: 1\r\n");
    if (answer->allow[0])
        put_line(request, "Allow: %s\r\n", answer->allow);
    if (answer->field)
        put_line(request, "%s\r\n", answer->field);
}

/* Shows the route, never the key. */
static void trace_answer(const struct http_request *request)
{
    const struct http_route *route = request->route;
    size_t known = route && route->path ? strlen(route->path) : 0;
    trace_debug("http", "%s %s with %zu bytes of key after %lu ms: %u", known ? route->method : "?",
                known ? route->path : "?", request->uri.path.len - known,
                (unsigned long)(uv_now(request->http->loop) - request->began_ms),
                request->answer.status);
}

void http_request_finish_head(struct http_request *request, bool closes)
{
    const struct http_answer *answer = &request->answer;
    uint64_t len = answer->stream.read ? answer->stream.size : request->out.len;
    /* No cache may answer by itself: it would not see the writes since (RFC 9111, 5.2.2.4), and one
     * that several users share not at all. No web page may take an answer for a script or a style,
     * or show one of another origin. */
    put_line(request,
             "HTTP/1.1 %u %s\r\nDate: %s\r\nCache-Control: private, no-cache\r\n"
             "X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n",
             answer->status, reason_of(answer->status), date_now(request->http));
    put_answer_fields(request);
    if (answer->status != HTTP_NO_CONTENT && answer->status != HTTP_NOT_MODIFIED)
        put_line(request, "Content-Type: %s\r\n",
                 answer->content_type ? answer->content_type : "application/json");
    if (answer->status != HTTP_NO_CONTENT && answer->status != HTTP_NOT_MODIFIED &&
        !answer->endless)
        put_line(request, "Content-Length: %llu\r\n", (unsigned long long)len);
    if (closes)
        put_line(request, "Connection: close\r\n");
    else if (request->head.is_1_0)
        put_line(request, "Connection: keep-alive\r\n");
    put_line(request, "\r\n");
    if (trace_is_on(TRACE_DEBUG))
        trace_answer(request);
}

void http_request_free(struct http_request *request)
{
    struct http *http = request->http;
    assert(request->state != HTTP_REQUEST_WAITING);
    http_let_go(request);
    if (request->answer.stream.read)
        request->answer.stream.free(request->answer.stream.arg);
    http_items_free(&request->items);
    http_listing_free(http, request->listing);
    http_value_free(request->value);
    http_change_free(request->change);
    http_watch_free(request->watch);
    http_user_leave(request->user);
    if (request->secret && request->out.data)
        explicit_bzero(request->out.data, request->out.cap);
    buffer_free(&request->body);
    buffer_free(&request->out);
    explicit_bzero(request->text, request->text_len);
    free(request);
}
