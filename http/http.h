/* The HTTP API and the client WebSocket: a door.
 *
 * Requests become commands and reads of the replica. A request that waits is suspended and costs
 * nothing.
 *
 *   GET HEAD PUT DELETE /key/K   one key; PUT stores the raw body
 *   POST /key                    {"key":"K","value":"V"}
 *   GET POST DELETE /keys        lists in JSON; GET without a body lists the keys there are
 *   GET /watch                   events, as they come or as a long poll (watch.c)
 *   GET /ping /status /healthz /readyz /metrics
 *   GET /client                  a WebSocket (client_request.c has its messages)
 *
 * Answers are {"Single":{...}}, for /keys and /ping {"Multiple":[{...},...]}; errors have the same
 * shape with "error". Beyond the table of the interface:
 *
 *   - Keys and values that are not UTF-8, or hold a NUL, are given as "value_base64",
 *     "overwritten_value_base64", "key_base64".
 *   - "overwritten_value_unknown":true: the write took effect, but the value that it replaced is
 *     not known: the leader changed meanwhile, or the value is too large to be told.
 *   - GET /keys?prefix=&limit=&after= gives keys in byte order with their values, as they are at
 *     the "revision" that the answer names, until `limit` or HTTP_LIST_BYTES_MAX is reached; then
 *     come "more":true and "next", the path of the following page at the same revision. That is
 *     410 (Gone) when this node does not have that state any more (moments.c).
 *   - GET /keys with a body of keys reads all of them at one point.
 *   - A raw value (Accept: application/octet-stream) of any length is one version of it, whatever
 *     is written meanwhile. What a node cannot keep any longer for a slow client it cuts off.
 *   - Conditions (If-Match, If-None-Match, If-Unmodified-Since) are for one key, and Range is for
 *     raw values (condition.h). README.md has a table of all header fields that matter.
 *   - ?consistency=linearizable|cached|local on reads.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_HTTP_HTTP_H
#define QUORUMFS_HTTP_HTTP_H

#include "base/fault.h"
#include "base/owner.h"
#include "config/config.h"
#include "replica/replica.h"

#include <libwebsockets.h>
#include <uv.h>

enum {
    HTTP_BODY_BYTES_MAX = VALUE_BYTES_MAX, /* raw bodies (PUT); JSON bodies may be twice as long */
    HTTP_BODY_MS_MAX = 30000,  /* a request or message that takes longer to arrive is ended */
    HTTP_IDLE_MS_MAX = 120000, /* idle connections, and clients that do not read */
    HTTP_PRESSED_MS = 5000,    /* clients that neither send nor read the rest, while more than half
                                  of HTTP_HELD_BYTES_MAX is in use */
    HTTP_STOP_MS_MAX = 2000,   /* how long http_stop waits for slow readers */
    /* A state of the tree stays for a long answer, and after a page for the next one. */
    HTTP_MOMENT_MS = 10000,
    /* Past these limits the answer is 503: */
    HTTP_CONNECTIONS_MAX = 8192,
    HTTP_WEBSOCKETS_MAX = 1024,
    HTTP_WATCHES_MAX = HTTP_CONNECTIONS_MAX / 4 * 3, /* connections of GET /watch */
    HTTP_HELD_BYTES_MAX = 256 * 1024 * 1024, /* what all clients send, and answers to them; */
    HTTP_SMALL_BYTES = 64 * 1024,            /* the last quarter is for requests up to this */
    /* Past these it is 413, or the rest comes with the next page: */
    HTTP_ANSWER_BYTES_MAX = 2 * VALUE_BYTES_MAX, /* values of one JSON answer */
    HTTP_LIST_BYTES_MAX = 4 * 1024 * 1024,       /* values of one page of a listing */
};

struct http;

/* `websockets` and `config` must outlive it. Returns 0, -ENOMEM or -EIO with the fault's text.
 * After a failure the loop has to run once more, to free the handles. */
int http_start(uv_loop_t *loop, struct lws_context *websockets, struct replica *replica,
               const struct config *config, struct http **http, struct fault *fault);

/* The listener hands connections over through this; it takes the descriptor. `http` is a struct
 * http; `from` and `owner` say who is there, and `fd` need not be the connection itself, which may
 * be encrypted. */
void http_adopt(void *http, int fd, const struct sockaddr *from, const struct owner *owner,
                bool encrypted);

/* How many connections there are of both kinds. */
uint32_t http_connection_count(void *http);

/* Ends every connection once its answer is sent, at the latest after HTTP_STOP_MS_MAX; the loop
 * must run meanwhile. To be called when the replica has answered everything. */
void http_stop(struct http *http);
/* To be called when the WebSocket context is gone. Cuts off the connections that http_stop has not
 * ended yet; the memory is freed when the loop has run once more. */
void http_free(struct http *http);

#endif
