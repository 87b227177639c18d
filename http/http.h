/* The HTTP API and the client WebSocket: a door.
 *
 * Requests become commands and reads of the replica. A request that waits is suspended and costs
 * nothing.
 *
 *   GET HEAD PUT DELETE /key/K   one key; PUT stores the raw body
 *   POST /key                    {"key":"K","value":"V"}
 *   GET POST DELETE /keys        lists in JSON; GET without a body lists the keys there are
 *   GET /ping /status /healthz /readyz /metrics
 *   GET /client                  a WebSocket (client_request.c has its messages)
 *
 * Answers are {"Single":{...}}, for /keys and /ping {"Multiple":[{...},...]}; errors have the same
 * shape with "error". Beyond the table of the interface:
 *
 *   - What is no UTF-8, or holds a NUL, is given as "value_base64", "overwritten_value_base64",
 *     "key_base64".
 *   - "overwritten_value_unknown":true: the write took effect, but what it replaced is not known:
 *     it was recalled after a leader change, or is too large to be told.
 *   - GET /keys?prefix=&limit=&after= gives keys in byte order with their values, until `limit` or
 *     HTTP_LIST_BYTES_MAX is reached; then "more":true and "next", the path of the page that
 *     follows. Each object is true as of the request or later; the page is no snapshot.
 *   - GET /keys with a body of keys reads all of them at one point.
 *   - A long raw value (Accept: application/octet-stream) is read while it is sent. If it changes
 *     meanwhile the connection is cut: what arrives whole is one version.
 *   - Conditions (If-Match, If-None-Match) are for one key. GET with If-None-Match gives 304.
 *   - ?consistency=linearizable|cached|local on reads.
 *
 * Thread: the loop's. libmicrohttpd has no thread of its own; its epoll descriptor is watched by
 * libuv. */
#ifndef QUORUMFS_HTTP_HTTP_H
#define QUORUMFS_HTTP_HTTP_H

#include "base/fault.h"
#include "config/config.h"
#include "replica/replica.h"

#include <libwebsockets.h>
#include <uv.h>

enum {
    HTTP_BODY_BYTES_MAX = VALUE_BYTES_MAX, /* raw bodies (PUT); JSON bodies may be twice as long */
    HTTP_BODY_MS_MAX = 30000,              /* a request that is not complete by then is ended */
    HTTP_IDLE_MS_MAX = 120000,             /* idle connections, and clients that do not read */
    HTTP_STOP_MS_MAX = 2000,               /* how long http_stop waits for slow readers */
    /* More than this is answered 503: */
    HTTP_CONNECTIONS_MAX = 8192,
    HTTP_WEBSOCKETS_MAX = 1024,
    HTTP_HELD_BYTES_MAX = 256 * 1024 * 1024, /* bodies and answers of all requests */
    /* More than this is answered 413, or comes with the next page: */
    HTTP_ANSWER_BYTES_MAX = 2 * VALUE_BYTES_MAX, /* values of one JSON answer */
    HTTP_LIST_BYTES_MAX = 4 * 1024 * 1024,       /* values of one page of a listing */
};

struct http;

/* `websockets` and `config` must outlive it. Returns 0, -ENOMEM or -EIO with the fault's text; what
 * was begun then goes when the loop has run once more. */
int http_start(uv_loop_t *loop, struct lws_context *websockets, struct replica *replica,
               const struct config *config, struct http **http, struct fault *fault);

/* Routes of the listener; they take the descriptor. `http` is a struct http. */
void http_adopt(void *http, int fd, const struct sockaddr *from, socklen_t from_len);
void http_adopt_websocket(void *http, int fd, const struct sockaddr *from, socklen_t from_len);

/* Ends every connection once its answer is sent, while the loop runs, at the latest after
 * HTTP_STOP_MS_MAX. After the replica has answered everything. */
void http_stop(struct http *http);
/* After the WebSocket context is gone. What http_stop has not ended yet is cut off; the memory goes
 * when the loop has run once more. */
void http_free(struct http *http);

#endif
