/* Finds the handler of a request. */
#include "http_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct http_route routes[] = {
#define ROW(method, path, body_bytes_max, shape, access, handler)                                  \
    {method, path, body_bytes_max, shape, access, handler},
    HTTP_ROUTES(ROW)
#undef ROW
};
enum { ROUTES = sizeof routes / sizeof *routes };

static bool is_subtree(const char *pattern)
{
    return pattern[strlen(pattern) - 1] == '/';
}

static bool path_matches(const char *pattern, struct bytes path)
{
    size_t len = strlen(pattern);
    if (path.len < len || memcmp(path.data, pattern, len) != 0)
        return false;
    return is_subtree(pattern) || path.len == len;
}

static bool method_matches(const char *wanted, const char *method)
{
    return strcmp(wanted, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(wanted, "GET") == 0);
}

/* Answers 404 with the paths that there are. */
static void answer_unknown_path(struct http_request *request)
{
    struct buffer paths = {0};
    const char *last = "";
    for (int i = 0; i < ROUTES; i++) {
        if (strcmp(routes[i].path, last) == 0)
            continue;
        last = routes[i].path;
        buffer_printf(&paths, "%s%s%s", paths.len > 0 ? ", " : "", last,
                      !is_subtree(last)            ? ""
                      : strcmp(last, "/key/") == 0 ? "K"
                                                   : "ID");
    }
    http_error(request, HTTP_NOT_FOUND, (struct bytes){0},
               "there is no such path; the paths are %.*s", (int)paths.len,
               (const char *)paths.data);
    buffer_free(&paths);
}

/* Puts the methods of the path into Allow (RFC 9110, 10.2.1). */
static void allow_methods(struct http_request *request)
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
    assert(len > 0);
    len += (size_t)snprintf(allow + len, room - len, ", OPTIONS");
    assert(len < room);
}

/* Answers 405 with the methods of the path (RFC 9110, 15.5.6). */
static void answer_unknown_method(struct http_request *request)
{
    allow_methods(request);
    http_error(request, HTTP_METHOD_NOT_ALLOWED, (struct bytes){0},
               "this path does not have that method; it has %s", request->answer.allow);
}

static bool is_known(struct bytes path)
{
    for (int i = 0; i < ROUTES; i++)
        if (path_matches(routes[i].path, path))
            return true;
    return false;
}

/* OPTIONS of a path, or of the server as a whole: * (RFC 9110, 9.3.7). */
static void answer_options(struct http_request *request)
{
    struct bytes path = request->uri.path;
    if (path.len == 0 || bytes_equal(path, bytes_of_text("*"))) {
        strcpy(request->answer.allow, "GET, HEAD, PUT, POST, DELETE, OPTIONS");
    } else if (is_known(path)) {
        allow_methods(request);
    } else {
        answer_unknown_path(request);
        return;
    }
    http_answer(request, HTTP_NO_CONTENT);
}

static void answer_connect(struct http_request *request)
{
    http_error(request, HTTP_NOT_IMPLEMENTED, (struct bytes){0}, "this node is no proxy");
}

const struct http_route *http_route_find(const char *method, struct bytes path)
{
    static const struct http_route unknown_path = {.access = HTTP_USERS,
                                                   .handler = answer_unknown_path};
    static const struct http_route unknown_method = {.access = HTTP_USERS,
                                                     .handler = answer_unknown_method};
    static const struct http_route options = {.access = HTTP_USERS, .handler = answer_options};
    static const struct http_route no_proxy = {.access = HTTP_USERS, .handler = answer_connect};
    const struct http_route *found = &unknown_path;
    if (strcmp(method, "OPTIONS") == 0)
        return &options;
    if (strcmp(method, "CONNECT") == 0)
        return &no_proxy;
    for (int i = 0; i < ROUTES; i++) {
        if (!path_matches(routes[i].path, path))
            continue;
        if (method_matches(routes[i].method, method))
            return &routes[i];
        found = &unknown_method;
    }
    return found;
}
