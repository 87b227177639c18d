#include "http_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { JSON_BYTES_MAX = 2 * HTTP_BODY_BYTES_MAX };

/* HEAD goes where GET goes; libmicrohttpd then leaves the body out. */
static const struct http_route routes[] = {
    {"GET", "/key/", 0, HTTP_SINGLE, http_read_key},
    {"PUT", "/key/", HTTP_BODY_BYTES_MAX, HTTP_SINGLE, http_put_key},
    {"DELETE", "/key/", 0, HTTP_SINGLE, http_delete_key},
    {"POST", "/key", JSON_BYTES_MAX, HTTP_SINGLE, http_post_key},
    {"GET", "/keys", JSON_BYTES_MAX, HTTP_MULTIPLE, http_read_keys},
    {"POST", "/keys", JSON_BYTES_MAX, HTTP_MULTIPLE, http_post_keys},
    {"DELETE", "/keys", JSON_BYTES_MAX, HTTP_MULTIPLE, http_delete_keys},
    {"POST", "/txn", JSON_BYTES_MAX, HTTP_TRANSACTION, http_post_txn},
    {"GET", "/ping", 0, HTTP_MULTIPLE, http_ping},
    {"GET", "/status", 0, HTTP_SINGLE, http_status},
    {"GET", "/healthz", 0, HTTP_SINGLE, http_healthz},
    {"GET", "/readyz", 0, HTTP_SINGLE, http_readyz},
    {"GET", "/metrics", 0, HTTP_SINGLE, http_metrics},
    {"GET", "/client", 0, HTTP_SINGLE, http_client_refused},
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

static bool path_matches(const char *pattern, struct bytes path)
{
    size_t len = strlen(pattern);
    bool below = pattern[len - 1] == '/';
    if (path.len < len || memcmp(path.data, pattern, len) != 0)
        return false;
    return below || path.len == len;
}

static bool method_matches(const char *wanted, const char *method)
{
    return strcmp(wanted, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(wanted, "GET") == 0);
}

const struct http_route *http_route_find(const char *method, struct bytes path)
{
    static const struct http_route unknown_path = {.handler = http_unknown_path};
    static const struct http_route unknown_method = {.handler = http_unknown_method};
    const struct http_route *found = &unknown_path;
    for (int i = 0; i < ROUTES; i++) {
        if (!path_matches(routes[i].path, path))
            continue;
        if (method_matches(routes[i].method, method))
            return &routes[i];
        found = &unknown_method;
    }
    return found;
}

void http_unknown_path(struct http_request *request)
{
    http_error(request, MHD_HTTP_NOT_FOUND, (struct bytes){0},
               "there is no such path; there are /key/K, /key, /keys, /txn, /ping, /status, "
               "/healthz, /readyz, /metrics and /client");
}

void http_unknown_method(struct http_request *request)
{
    char *allow = request->answer.allow;
    size_t room = sizeof request->answer.allow, len = 0;
    for (int i = 0; i < ROUTES; i++) {
        if (path_matches(routes[i].path, request->uri.path))
            len += (size_t)snprintf(allow + len, room - len, "%s%s%s", len ? ", " : "",
                                    routes[i].method,
                                    strcmp(routes[i].method, "GET") == 0 ? ", HEAD" : "");
        assert(len < room);
    }
    http_error(request, MHD_HTTP_METHOD_NOT_ALLOWED, (struct bytes){0},
               "this path does not have that method");
}
