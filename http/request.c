/* The life of a request: its first line, its body, the wait for the replica, its answer. The states
 * are drawn in http_internal.h. */
#include "base/trace.h"
#include "http_internal.h"
#include "origin.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* An unwanted body up to this size is read and dropped, which keeps the connection. */
enum { UNREAD_BODY_BYTES_MAX = 64 * 1024 };

bool http_hold(struct http_request *request, size_t bytes)
{
    struct http *http = request->http;
    assert(http->held_bytes <= HTTP_HELD_BYTES_MAX);
    if (bytes > HTTP_HELD_BYTES_MAX - http->held_bytes)
        return false;
    http->held_bytes += bytes;
    request->held_bytes += bytes;
    return true;
}

void http_let_go(struct http_request *request)
{
    assert(request->http->held_bytes >= request->held_bytes);
    request->http->held_bytes -= request->held_bytes;
    request->held_bytes = 0;
}

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

struct bytes http_path_key(const struct http_request *request)
{
    size_t skip = strlen("/key/");
    assert(request->uri.path.len >= skip);
    return bytes_of(request->uri.path.data + skip, request->uri.path.len - skip);
}

void http_set_freshness(struct http_request *request, struct replica_freshness freshness)
{
    request->answer.stale = freshness.stale;
    request->answer.age_ms = freshness.age_ms;
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
    http_error(request, MHD_HTTP_BAD_REQUEST, (struct bytes){0},
               "consistency must be linearizable, cached or local");
    return false;
}

/* ---- Receiving ---- */

void *http_request_begin(void *arg, const char *uri, struct MHD_Connection *mhd)
{
    struct http *http = arg;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    size_t len = strlen(uri);
    struct http_request *request =
        info && info->socket_context ? calloc(1, sizeof *request + len + 1) : NULL;
    if (!request)
        return NULL; /* http_request_access then closes the connection */
    request->http = http;
    request->began_ms = uv_now(http->loop);
    request->mhd = mhd;
    request->connection = info->socket_context;
    memcpy(request->text, uri, len + 1);
    http_uri_parse(request->text, &request->uri, &request->uri_fault);
    http_connection_arriving(http, request->connection);
    http->requests_total++;
    return request;
}

/* The length that the headers announce; 0 for a chunked body, which is counted as it comes. */
static uint64_t announced_bytes(const struct http_request *request)
{
    const char *text = http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return text ? strtoull(text, NULL, 10) : 0; /* a number: libmicrohttpd has checked it */
}

static void refuse_body(struct http_request *request)
{
    http_error(request, MHD_HTTP_CONTENT_TOO_LARGE, (struct bytes){0},
               "the body is larger than the %zu bytes that this path takes",
               request->route->body_bytes_max);
}

/* The headers are complete. Refuses as much as possible before the body comes. libmicrohttpd closes
 * the connection after such an answer; errors that need not be told so early therefore wait for
 * run_handler. */
static void request_admit(struct http_request *request, const char *method)
{
    assert(request->state == HTTP_REQUEST_NEW);
    request->route = http_route_find(method, request->uri.path);
    request->head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    request->state = HTTP_REQUEST_RECEIVING;
    if (!request->connection->allowed)
        http_error(request, MHD_HTTP_FORBIDDEN, (struct bytes){0},
                   "this node does not serve your address: add it to \"clients\" in node.json");
    else if (http_origin_is_foreign(http_header(request, MHD_HTTP_HEADER_ORIGIN),
                                    http_header(request, MHD_HTTP_HEADER_HOST)))
        http_error(request, MHD_HTTP_FORBIDDEN, (struct bytes){0}, HTTP_ORIGIN_REFUSED);
    else if (announced_bytes(request) > request->route->body_bytes_max &&
             announced_bytes(request) > UNREAD_BODY_BYTES_MAX)
        refuse_body(request);
}

/* A chunked body that turns out to be too long is dropped as it comes; if it does not end, the time
 * limit of the request ends it. */
static void receive(struct http_request *request, const char *data, size_t len)
{
    if (request->body_too_large)
        return;
    if (request->body.len + len > request->route->body_bytes_max) {
        request->body_too_large = true;
        buffer_free(&request->body);
        return;
    }
    if (!http_hold(request, len))
        request->body.failed = true;
    buffer_append(&request->body, data, len);
}

static void run_handler(struct http_request *request)
{
    assert(request->state == HTTP_REQUEST_RECEIVING);
    http_connection_arrived(request->http, request->connection);
    request->state = HTTP_REQUEST_RUNNING;
    if (request->body_too_large && request->route->body_bytes_max > 0)
        refuse_body(request);
    else if (request->body.failed)
        http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, (struct bytes){0},
                   "this node receives too many bodies at once: nothing has happened, try again");
    else if (request->uri_fault.text[0])
        http_error(request, MHD_HTTP_BAD_REQUEST, (struct bytes){0}, "%s", request->uri_fault.text);
    else
        request->route->handler(request);
}

void http_request_go_on(struct http_request *request, http_handler *go_on)
{
    assert(request->state == HTTP_REQUEST_RUNNING || request->state == HTTP_REQUEST_WAITING);
    request->go_on = go_on;
    TAILQ_INSERT_TAIL(&request->http->going_on, request, going_on);
    http_wake(request->http);
}

/* ---- Answering ---- */

void http_answer(struct http_request *request, unsigned int status)
{
    assert(request->state != HTTP_REQUEST_ANSWERED);
    request->answer.status = status;
    bool waiting = request->state == HTTP_REQUEST_WAITING;
    request->state = HTTP_REQUEST_ANSWERED;
    if (!waiting)
        return; /* http_request_access, which is on the stack, sends it */
    assert(request->http->waiting > 0);
    request->http->waiting--;
    request->connection->resumed = true;
    MHD_resume_connection(request->mhd);
    http_wake(request->http);
}

/* libmicrohttpd would give what this node's clock shows. */
static void add_date(struct replica *replica, struct MHD_Response *response)
{
    char text[64];
    struct tm date;
    time_t now = (time_t)(replica_time(replica) / 1000000000);
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &date));
    MHD_add_response_header(response, MHD_HTTP_HEADER_DATE, text);
}

static void add_headers(const struct http_request *request, struct MHD_Response *response)
{
    const struct http_answer *answer = &request->answer;
    char text[96];
    add_date(request->http->replica, response);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            answer->content_type ? answer->content_type : "application/json");
    if (answer->etag) {
        snprintf(text, sizeof text, "\"%llu\"", (unsigned long long)answer->etag);
        MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, text);
    }
    if (answer->stale) {
        /* RFC 7234, 5.5.1 */
        if (answer->age_ms == UINT64_MAX)
            snprintf(text, sizeof text, "110 - \"response is stale: never confirmed\"");
        else
            snprintf(text, sizeof text, "110 - \"response is stale: last confirmed %llu s ago\"",
                     (unsigned long long)(answer->age_ms / 1000));
        MHD_add_response_header(response, MHD_HTTP_HEADER_WARNING, text);
    }
    if (answer->retry)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    if (answer->allow[0])
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
    if (request->http->stopping)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
}

/* Shows the route, never the key. */
static void trace_answer(const struct http_request *request)
{
    const struct http_route *route = request->route;
    size_t known = route->path ? strlen(route->path) : 0;
    trace_debug("http", "%s %s with %zu bytes of key after %lu ms: %u", known ? route->method : "?",
                known ? route->path : "?", request->uri.path.len - known,
                (unsigned long)(uv_now(request->http->loop) - request->began_ms),
                request->answer.status);
}

/* Hands the answer to libmicrohttpd. A header for which there is no memory is left out. */
static enum MHD_Result send_answer(struct http_request *request)
{
    struct MHD_Response *response = request->answer.stream;
    request->answer.stream = NULL;
    if (!response && !request->out.failed) {
        response = MHD_create_response_from_buffer(request->out.len, request->out.data,
                                                   MHD_RESPMEM_MUST_FREE);
        if (response)
            request->out = (struct buffer){0};
    }
    if (!response)
        return MHD_NO; /* out of memory: the connection is closed */
    add_headers(request, response);
    if (trace_is_on(TRACE_DEBUG))
        trace_answer(request);
    enum MHD_Result queued = MHD_queue_response(request->mhd, request->answer.status, response);
    MHD_destroy_response(response);
    return queued;
}

/* ---- libmicrohttpd's callbacks ---- */

enum MHD_Result http_request_access(void *arg, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version, const char *data,
                                    size_t *data_len, void **context)
{
    struct http_request *request = *context;
    if (!request)
        return MHD_NO;
    if (request->state == HTTP_REQUEST_NEW) {
        request_admit(request, method);
        if (request->state == HTTP_REQUEST_ANSWERED)
            http_linger(request->http, request->connection->fd);
    } else if (request->state == HTTP_REQUEST_RECEIVING && *data_len > 0) {
        receive(request, data, *data_len);
        *data_len = 0;
    } else if (request->state == HTTP_REQUEST_RECEIVING) {
        run_handler(request);
        if (request->state == HTTP_REQUEST_RUNNING) {
            request->state = HTTP_REQUEST_WAITING;
            request->http->waiting++;
            MHD_suspend_connection(mhd);
        }
    }
    return request->state == HTTP_REQUEST_ANSWERED ? send_answer(request) : MHD_YES;
}

void http_request_end(void *arg, struct MHD_Connection *mhd, void **context,
                      enum MHD_RequestTerminationCode why)
{
    struct http *http = arg;
    struct http_request *request = *context;
    if (!request)
        return;
    *context = NULL;
    assert(request->state != HTTP_REQUEST_WAITING);
    http_connection_over(http, request->connection);
    http_let_go(request);
    if (request->answer.stream)
        MHD_destroy_response(request->answer.stream);
    http_items_free(&request->items);
    http_listing_free(http, request->listing);
    http_value_free(request->value);
    buffer_free(&request->body);
    buffer_free(&request->out);
    free(request);
}
