/* Private to the room: the server, and the life of a request.
 *
 *   RECEIVING --body complete--> RUNNING --handler waits--> WAITING (suspended)
 *       |                           |                          |
 *       | refused early             | http_answer              | http_answer: resumed
 *       +---------------------------+--------> ANSWERED <------+
 *
 * A request lives until libmicrohttpd has sent its answer or lost its connection. libmicrohttpd
 * does not look at a suspended connection, so a request cannot go away while the replica holds it.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_HTTP_INTERNAL_H
#define QUORUMFS_HTTP_INTERNAL_H

#include "http.h"
#include "json_in.h"
#include "routes.h"
#include "uri.h"

#include <microhttpd.h>
#include <sys/queue.h>

struct http_request;

/* ---- The server (http.c) ---- */

struct http_connection;
TAILQ_HEAD(http_connections, http_connection);
TAILQ_HEAD(http_requests, http_request);

/* A TCP connection. */
struct http_connection {
    TAILQ_ENTRY(http_connection) all, receiving;
    int fd;
    bool allowed;        /* its address may use this door */
    bool busy;           /* it has a request */
    bool resumed;        /* that request has waited for the replica */
    uint64_t receive_by; /* ms of the loop's clock; 0: no request is arriving */
};

struct http {
    uv_loop_t *loop;
    struct replica *replica;
    const struct config *config;
    struct MHD_Daemon *daemon;
    struct http_clients *clients; /* the WebSockets */
    uv_poll_t poll;
    uv_idle_t idle;   /* active while the daemon or a request has something to do at once */
    uv_timer_t timer; /* for time-outs only */
    uint32_t handles_open;
    bool stopping, freeing;
    uint32_t waiting;     /* requests that the replica holds */
    uint64_t body_ms_max; /* HTTP_BODY_MS_MAX; tests shorten it */
    uint64_t stop_by;     /* ms of the loop's clock */
    struct http_connections connections;
    struct http_connections receiving; /* by receive_by, the next to expire first */
    uint32_t connection_count;
    LIST_HEAD(, http_linger) lingering;
    uint32_t linger_count;
    struct http_requests going_on; /* to be continued in the loop's next turn */
    size_t held_bytes;             /* of bodies and answers, all requests */
    uint64_t requests_total;
};

/* The life of a request, for the time-outs of its connection: its first line is here; its body is
 * complete; its answer is sent. */
void http_connection_arriving(struct http *http, struct http_connection *connection);
void http_connection_arrived(struct http *http, struct http_connection *connection);
void http_connection_over(struct http *http, struct http_connection *connection);

/* Runs the daemon in the loop's next turn, before the loop waits. Call it whenever something
 * outside of MHD_run gave the daemon work. */
void http_wake(struct http *http);

/* To be called when a handle that counts in `handles_open` is closed. */
void http_handle_closed(struct http *http);

/* Keeps a connection that is about to be closed until its client has read the answer (linger.c). */
void http_linger(struct http *http, int fd);
void http_linger_end_expired(struct http *http);

/* ---- Routes (route.c) ---- */

typedef void http_handler(struct http_request *request);

/* The outermost field of a route's answers, errors too. */
enum http_shape { HTTP_SINGLE, HTTP_MULTIPLE, HTTP_TRANSACTION };

struct http_route {
    const char *method;
    const char *path; /* "/key/": anything below it */
    size_t body_bytes_max;
    enum http_shape shape;
    http_handler *handler;
};

/* Never NULL: an unknown path or method has a route whose handler answers 404 or 405. */
const struct http_route *http_route_find(const char *method, struct bytes path);

#define HTTP_DECLARE(method, path, body_bytes_max, shape, handler) http_handler handler;
HTTP_ROUTES(HTTP_DECLARE)
#undef HTTP_DECLARE

/* GET /keys without a body: http_read_keys hands it on (listing.c). */
http_handler http_list_keys;

/* The result of a ping as a sentence (meta.c). */
enum { HTTP_PING_TEXT_MAX = 64 };
void http_ping_text(uint32_t pid, bool reached, char text[HTTP_PING_TEXT_MAX]);

/* ---- A request (request.c) ---- */

enum http_request_state {
    HTTP_REQUEST_NEW,
    HTTP_REQUEST_RECEIVING,
    HTTP_REQUEST_RUNNING,
    HTTP_REQUEST_WAITING,
    HTTP_REQUEST_ANSWERED,
};

/* The answer, its body excepted. */
struct http_answer {
    unsigned int status;
    const char *content_type; /* NULL: JSON */
    char allow[32];           /* 405: the methods that the path has */
    uint64_t etag;            /* a revision; 0: none */
    bool retry;               /* nothing has happened: Retry-After invites to try again */
    bool stale;
    uint64_t age_ms;             /* with `stale` */
    struct MHD_Response *stream; /* instead of the body */
};

struct http_request {
    struct http *http;
    struct MHD_Connection *mhd;
    struct http_connection *connection;
    const struct http_route *route;
    enum http_request_state state;
    uint64_t began_ms; /* of the loop's clock */
    struct http_uri uri;
    struct fault uri_fault; /* empty: the URI is fine */
    struct buffer body;
    bool body_too_large;
    size_t held_bytes;            /* of the body and the answer */
    struct http_items items;      /* what the body asks for */
    struct http_listing *listing; /* GET /keys without a body */
    struct http_answer answer;
    struct buffer out;   /* the answer's body */
    http_handler *go_on; /* while on the list `going_on` */
    TAILQ_ENTRY(http_request) going_on;
    char text[]; /* the URI, decoded in place */
};

/* libmicrohttpd's callbacks; `arg` is the server. */
void *http_request_begin(void *arg, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_request_access(void *arg, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version, const char *data,
                                    size_t *data_len, void **request);
void http_request_end(void *arg, struct MHD_Connection *mhd, void **request,
                      enum MHD_RequestTerminationCode why);

/* Sends `answer` and `out`: exactly once for each request, in its handler or when the replica calls
 * back. */
void http_answer(struct http_request *request, unsigned int status);

/* Calls `go_on` in the loop's next turn. */
void http_request_go_on(struct http_request *request, http_handler *go_on);

/* Reserves memory for bytes that the request is about to hold, until it ends. False: all requests
 * together would hold more than HTTP_HELD_BYTES_MAX. */
bool http_hold(struct http_request *request, size_t bytes);

/* A header's value, or NULL. */
const char *http_header(const struct http_request *request, const char *name);

/* The consistency that the query asks for; false: 400 was answered. */
bool http_consistency(struct http_request *request, enum replica_consistency *consistency);

/* Marks the answer as stale if the read was. */
void http_set_freshness(struct http_request *request, struct replica_freshness freshness);

/* ---- Errors (errors.c) ---- */

/* Answers {"Single":{"key":K,"error":...}}, or the same in the route's shape. Without a key
 * (key.data NULL) the field is left out. */
void http_error(struct http_request *request, unsigned int status, struct bytes key,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Answers that the replica refused, or did not answer in time. */
void http_error_outcome(struct http_request *request, enum replica_outcome outcome, bool write,
                        struct bytes key);

/* Answers with the negative errno of a command or of the tree. */
void http_error_errno(struct http_request *request, int status, struct bytes key);

/* The same as texts, for answers without an HTTP status of their own: those of the WebSocket and
 * objects in a list. */
const char *http_errno_text(int status);
void http_outcome_text(struct replica *replica, enum replica_outcome outcome, bool write,
                       struct buffer *out);

/* ---- Values (value.c) ---- */

/* Finds a key that is a file. Returns 0, -ENOENT, -ENOTDIR, -EISDIR, -ELOOP (a symbolic link),
 * -EINVAL (another kind of file), or an error of the database. */
int http_find(struct tree *tree, struct bytes key, struct attr *attr);

/* replica_await_contents of the file of this key, for a read that was answered with `freshness`. */
bool http_await_contents(struct replica *replica, struct bytes key,
                         struct replica_freshness freshness, void (*done)(void *arg), void *arg);

/* {"key":K,"exists":true,"value":V}. -EFBIG for a value longer than `bytes_max`. After an error
 * nothing was written. */
int http_put_value(struct buffer *out, struct tree *tree, struct bytes key, const struct attr *attr,
                   uint64_t bytes_max);

/* {"key":K,"exists":false} for -ENOENT, and {"key":K,"error":...} for any other status. */
void http_put_absent(struct buffer *out, struct bytes key, int status);

/* Answers with the bytes themselves, a long value in pieces. */
void http_answer_raw(struct http_request *request, const struct attr *attr);

void http_listing_free(struct http_listing *listing); /* listing.c; NULL is fine */

/* ---- Keys ---- */

/* Reads the body into `items`, checks their keys, and frees the body. False: the error was
 * answered.
 */
bool http_body_items(struct http_request *request, http_items_parser *parse);

/* The key of /key/K; whether it is valid: if not, the error was answered. */
struct bytes http_path_key(const struct http_request *request);
bool http_key_ok(struct http_request *request);

#endif
