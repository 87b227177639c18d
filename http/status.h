/* Private to the room: the statuses that this door answers with (RFC 9110, section 15). */
#ifndef QUORUMFS_HTTP_STATUS_H
#define QUORUMFS_HTTP_STATUS_H

/* X(name, number, reason) */
#define HTTP_STATUSES(X)                                                                           \
    X(OK, 200, "OK")                                                                               \
    X(NO_CONTENT, 204, "No Content")                                                               \
    X(PARTIAL_CONTENT, 206, "Partial Content")                                                     \
    X(NOT_MODIFIED, 304, "Not Modified")                                                           \
    X(BAD_REQUEST, 400, "Bad Request")                                                             \
    X(UNAUTHORIZED, 401, "Unauthorized")                                                           \
    X(FORBIDDEN, 403, "Forbidden")                                                                 \
    X(NOT_FOUND, 404, "Not Found")                                                                 \
    X(METHOD_NOT_ALLOWED, 405, "Method Not Allowed")                                               \
    X(CONFLICT, 409, "Conflict")                                                                   \
    X(GONE, 410, "Gone")                                                                           \
    X(PRECONDITION_FAILED, 412, "Precondition Failed")                                             \
    X(CONTENT_TOO_LARGE, 413, "Content Too Large")                                                 \
    X(URI_TOO_LONG, 414, "URI Too Long")                                                           \
    X(UNSUPPORTED_MEDIA_TYPE, 415, "Unsupported Media Type")                                       \
    X(RANGE_NOT_SATISFIABLE, 416, "Range Not Satisfiable")                                         \
    X(EXPECTATION_FAILED, 417, "Expectation Failed")                                               \
    X(MISDIRECTED_REQUEST, 421, "Misdirected Request")                                             \
    X(UPGRADE_REQUIRED, 426, "Upgrade Required")                                                   \
    X(HEADERS_TOO_LARGE, 431, "Request Header Fields Too Large")                                   \
    X(INTERNAL_SERVER_ERROR, 500, "Internal Server Error")                                         \
    X(NOT_IMPLEMENTED, 501, "Not Implemented")                                                     \
    X(SERVICE_UNAVAILABLE, 503, "Service Unavailable")                                             \
    X(GATEWAY_TIMEOUT, 504, "Gateway Timeout")                                                     \
    X(VERSION_NOT_SUPPORTED, 505, "HTTP Version Not Supported")                                    \
    X(INSUFFICIENT_STORAGE, 507, "Insufficient Storage")

enum http_status_number {
#define X(name, number, reason) HTTP_##name = number,
    HTTP_STATUSES(X)
#undef X
};

#endif
