/* The HTTP API and the client WebSocket: a door.
 *
 * Requests become commands and reads of the replica. A request that waits is suspended and costs
 * nothing.
 *
 *   GET HEAD PUT DELETE /key/K      one key; PUT stores the raw body
 *   POST /key                       {"key":"K","value":"V"}
 *   GET POST DELETE /keys           JSON lists; GET with a query or without a body lists what there
 * is GET /ping /status /healthz /readyz /metrics GET /client                     a WebSocket, see
 * client_session.c
 *
 * Answers are {"Single":{...}}, for /keys and /ping {"Multiple":[{...},...]}; errors have the same
 * shape with "error". Beyond what the interface says elsewhere:
 *
 *   - Bytes that are not UTF-8, or hold a NUL, are given as "value_base64",
 * "overwritten_value_base64", "key_base64".
 *   - "overwritten_value_unknown":true: the write took effect, but what it replaced is not known
 * (it was recalled after a leader change, or it is too large to be told).
 *   - GET /keys?prefix=&limit=&after= gives keys in byte order with their values, until `limit`
 * keys or HTTP_LIST_BYTES_MAX are reached; then "more":true and "next", the path of the page that
 * follows. Each object is true as of the request or later; the page as a whole is no snapshot.
 *   - GET /keys with a body of keys reads all of them at one point.
 *   - The raw form (Accept: application/octet-stream) of a long value is read while it is sent; if
 * the value changes meanwhile the connection is cut, so what arrives whole is one version.
 *   - Conditions (If-Match, If-None-Match) are for one key. GET with If-None-Match gives 304.
 *   - ?consistency=linearizable|cached|local on reads.
 *
 * Thread: the loop's (libmicrohttpd without a thread of its own, its epoll descriptor watched by
 * libuv). */
#ifndef QUORUMFS_HTTP_HTTP_H
#define QUORUMFS_HTTP_HTTP_H

#include "base/fault.h"
#include "config.h"
#include "replica.h"

#include <libwebsockets.h>
#include <uv.h>

enum {
    HTTP_BODY_BYTES_MAX = VALUE_BYTES_MAX, /* raw bodies (PUT); JSON bodies may be twice as long */
    HTTP_BODY_MS_MAX = 30000,              /* a request that is not complete by then is ended */
    HTTP_IDLE_MS_MAX = 120000,   /* keep-alive connections, and clients that do not read */
    HTTP_STOP_MS_MAX = 2000,     /* how long http_stop waits for slow readers */
    HTTP_CONNECTIONS_MAX = 8192, /* more are answered 503 */
    HTTP_WEBSOCKETS_MAX = 1024,  /* the same */
    HTTP_HELD_BYTES_MAX =
        256 * 1024 * 1024, /* bodies and answers of all requests; more is answered 503 */
    HTTP_ANSWER_BYTES_MAX =
        2 * VALUE_BYTES_MAX,               /* values in one JSON answer; more is answered 413 */
    HTTP_LIST_BYTES_MAX = 4 * 1024 * 1024, /* values in one page of a listing */
};

struct http;

/* `websockets` and `config` must outlive it. Returns 0, -ENOMEM or -EIO with the fault's text. */
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
