/* Private to the room: the server, and the life of a request.
 *
 *   RECEIVING --body complete--> RUNNING --handler waits--> WAITING
 *       |                           |                          |
 *       | refused early             | http_answer              | http_answer
 *       +---------------------------+--------> ANSWERED <------+
 *
 * A request lives until its answer is sent or its connection is lost; while the replica holds it,
 * the connection stays, whatever the client does.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_HTTP_INTERNAL_H
#define QUORUMFS_HTTP_INTERNAL_H

#include "address.h"
#include "head.h"
#include "http.h"
#include "json_in.h"
#include "routes.h"
#include "status.h"
#include "uri.h"
#include "user.h"
#include "work.h"

#include <sys/queue.h>

struct http_request;

/* ---- The server (http.c) ---- */

struct http_connection;
TAILQ_HEAD(http_connections, http_connection);
struct http_moment;
TAILQ_HEAD(http_moments, http_moment);
struct http_watch;
TAILQ_HEAD(http_watches, http_watch);

/* An event as a piece of a stream (watch.c); no text: none. */
struct http_event_text {
    uint64_t revision;
    uint8_t kind;
    bool more, with_value;
    struct buffer path, text;
};

enum {
    HTTP_READ_BYTES = 64 * 1024, /* of one connection in one turn of the loop */
    /* An unwanted body up to this size is read and dropped, which keeps the connection. */
    HTTP_UNREAD_BODY_BYTES_MAX = 64 * 1024,
};

struct http {
    uv_loop_t *loop;
    struct replica *replica;
    const struct config *config;
    struct http_clients *clients; /* the WebSockets */
    struct http_users users;
    uv_idle_t idle;   /* active while a connection or a request has something to do at once */
    uv_timer_t timer; /* for time-outs only */
    uv_check_t check; /* a turn of the loop ends */
    uint32_t handles_open;
    bool stopping, freeing;
    uint32_t waiting;         /* requests that the replica holds */
    uint64_t body_ms_max;     /* HTTP_BODY_MS_MAX; tests shorten it */
    uint64_t moment_ms;       /* HTTP_MOMENT_MS, */
    uint64_t idle_ms_max;     /* HTTP_IDLE_MS_MAX, */
    uint64_t pressed_ms;      /* HTTP_PRESSED_MS, */
    size_t held_max;          /* HTTP_HELD_BYTES_MAX, */
    uint32_t connections_max; /* and HTTP_CONNECTIONS_MAX; likewise */
    uint64_t stop_by;         /* ms of the loop's clock */
    struct http_connections connections;
    struct http_connections due; /* to go on in the loop's next turn */
    uint32_t connection_count;
    struct http_steps steps; /* work.c; likewise */
    uint64_t worked_ns;      /* in this turn */
    uint64_t work_began;     /* ns; while work_depth is not 0 */
    uint32_t work_depth;
    struct http_jobs jobs;            /* that wait for others to end */
    uint32_t jobs_running, jobs_open; /* in the pool; these and those that wait */
    uint64_t jobs_total;
    struct http_moments moments;
    uint32_t moment_count;
    struct http_watches watches;
    uint32_t watch_count;
    uv_timer_t watch_timer;            /* for the ends of long polls */
    struct http_event_text event_text; /* the last one */
    size_t held_bytes;                 /* by all requests of both doors (memory.c) */
    struct http_address_list addresses[HTTP_ADDRESS_BUCKETS];
    uint64_t requests_total;
    time_t date_of; /* the second that `date` shows */
    char date[32];
    uint8_t input[HTTP_READ_BYTES]; /* what was received last, from any connection */
};

/* Calls back in the loop's next turn, before the loop waits. */
void http_wake(struct http *http);

/* To be called when a handle that counts in `handles_open` is closed. */
void http_handle_closed(struct http *http);

/* ---- Memory (memory.c) ---- */

/* Reserves memory for bytes that somebody is about to hold, who has `*held` of them. False: there
 * would be too many, of all. */
bool http_take(struct http *http, size_t *held, size_t bytes);

/* So many it is now, more or fewer; 0 gives all of them back. What is more comes off what others
 * can take. */
void http_hold_now(struct http *http, size_t *held, size_t bytes);

/* Whether a client has let nothing move since then, for longer than it may: for `ms`, or less while
 * others need the memory. */
bool http_has_stalled(const struct http *http, uint64_t moved, uint64_t ms);

/* ---- Connections (connection.c) ---- */

enum http_phase {
    HTTP_PHASE_HEAD,        /* a request is awaited, or its head is arriving */
    HTTP_PHASE_IDENTIFYING, /* the head is there; as whom it acts is not known yet */
    HTTP_PHASE_BODY,
    HTTP_PHASE_RUNNING, /* the request is carried out */
    HTTP_PHASE_SENDING,
    HTTP_PHASE_ENDING, /* everything is sent, and the client has to see the end (RFC 9112, 9.6) */
    HTTP_PHASE_CLOSED,
};

/* A TCP connection. */
struct http_connection {
    TAILQ_ENTRY(http_connection) all, due;
    struct http *http;
    uv_poll_t poll;
    int fd, events; /* events: what the loop watches for */
    enum http_phase phase;
    struct http_address *address;
    struct http_user *user; /* as whom its requests act without a token; NULL: not known yet */
    TAILQ_ENTRY(http_connection) waits; /* for that, if */
    bool is_waiting;
    uint32_t waits_for; /* the user's number */
    bool encrypted;     /* the client came by HTTPS */
    bool allowed;       /* its address may use this door */
    bool is_due;        /* on the list */
    bool ended;         /* the client sends nothing more */
    bool broken;        /* the client is gone */
    bool closes;        /* after the answer */
    uint64_t deadline;  /* ms of the loop's clock; 0: none */
    uint64_t begun;     /* likewise, when a request began to arrive; 0: none does */
    uint64_t moved;     /* likewise, when bytes last came or went */
    struct buffer in;   /* received, and not yet taken */
    size_t scanned;     /* of it, in search of a head's end */
    struct http_chunks chunks;
    uint64_t body_left; /* of a body that is not chunked */
    struct http_request *request;
    size_t head_sent, out_sent; /* of the answer, or of the present piece of its stream */
    uint64_t streamed, dropped; /* bytes */
    struct buffer upgrade;      /* what libwebsockets reads first; the socket goes there, */
    struct http_user *session;  /* and acts as this user */
};

/* Takes the descriptor and the address, and answers what comes. False: out of memory; it is closed.
 */
bool http_connection_open(struct http *http, int fd, const struct sockaddr *from,
                          const struct owner *owner, struct http_address *address, bool encrypted);

/* Its user, for whom it has waited, is there. */
void http_connection_user_found(struct http_connection *connection);

/* The answer of its request, which has waited, is there, or as whom it acts. */
void http_connection_answered(struct http_connection *connection);

/* An endless answer has more in `out`, or wants `drained` to be called, or has an end now. */
void http_connection_push(struct http_connection *connection);

/* Goes on with a connection that was due. */
void http_connection_go_on(struct http_connection *connection);

/* Ends a connection whose time is up, or that waits for another request when the server stops. */
void http_connection_expire(struct http_connection *connection);
void http_connection_stop(struct http_connection *connection);

/* Closes it whatever it does; the replica must not hold its request. */
void http_connection_close(struct http_connection *connection);

/* ---- Routes (route.c) ---- */

typedef void http_handler(struct http_request *request);

/* The outermost field of a route's answers, errors too. */
enum http_shape { HTTP_SINGLE, HTTP_MULTIPLE, HTTP_TRANSACTION };

/* Who may ask for a route. */
enum http_access { HTTP_OPEN, HTTP_USERS, HTTP_ROOT };

struct http_route {
    const char *method;
    const char *path; /* "/key/": anything below it */
    size_t body_bytes_max;
    enum http_shape shape;
    enum http_access access;
    http_handler *handler;
};

/* Never NULL: an unknown path or method has a route whose handler answers 404 or 405. */
const struct http_route *http_route_find(const char *method, struct bytes path);

#define HTTP_DECLARE(method, path, body_bytes_max, shape, access, handler) http_handler handler;
HTTP_ROUTES(HTTP_DECLARE)
#undef HTTP_DECLARE

/* GET /keys without a body: http_read_keys hands it on (listing.c). */
http_handler http_list_keys;

/* The result of a ping as a sentence (meta.c). */
enum { HTTP_PING_TEXT_MAX = 64 };
void http_ping_text(uint32_t pid, bool reached, char text[HTTP_PING_TEXT_MAX]);

/* ---- A request (request.c) ---- */

/* An answer that takes several turns begins anew so often, when its moment ends too soon. */
enum { HTTP_BEGINNINGS_MAX = 8 };

enum http_request_state {
    HTTP_REQUEST_NEW,
    HTTP_REQUEST_RECEIVING,
    HTTP_REQUEST_RUNNING,
    HTTP_REQUEST_WAITING,
    HTTP_REQUEST_ANSWERED,
};

/* What a key's value can be sent as (RFC 9110, 8.8.3.3: each has an entity tag of its own). */
enum http_form { HTTP_FORM_RAW, HTTP_FORM_JSON };

/* The body of an answer, read piece by piece while it is sent. `read` returns how many bytes it has
 * put to `to`, at least one, or -1: the connection is then cut. */
struct http_stream {
    uint64_t size;
    ssize_t (*read)(void *arg, uint64_t offset, char *to, size_t len);
    void (*free)(void *arg);
    void *arg;
};

enum { HTTP_STREAM_BYTES = 256 * 1024 }; /* of a piece */

/* The answer, its body excepted. */
struct http_answer {
    unsigned int status;
    const char *content_type; /* NULL: JSON */
    char allow[40];           /* 405, OPTIONS: the methods that there are */
    const char *field;        /* NULL, or another header field: a whole line */
    uint64_t etag;            /* a revision; 0: none */
    enum http_form etag_form;
    bool varies;               /* the request chooses the form of a value by Accept */
    bool retry;                /* nothing has happened: Retry-After invites to try again */
    unsigned int range_status; /* of a raw value: 200, 206 or 416, and which bytes of it */
    uint64_t range_from, range_len, range_size;
    bool stale;
    uint64_t age_ms;           /* with `stale` */
    struct http_stream stream; /* instead of the body, if it has `read` */
    /* The body goes on after `out` was sent: then `drained` is called, and http_connection_push
     * says when there is more. It ends with the connection. */
    bool endless;
    void (*drained)(struct http_request *request);
};

enum { HTTP_ANSWER_HEAD_BYTES_MAX = 1024 };

struct http_request {
    struct http *http;
    struct http_connection *connection;
    const struct http_route *route; /* NULL: the head is malformed */
    enum http_request_state state;
    uint64_t began_ms;      /* of the loop's clock */
    struct http_user *user; /* as whom it acts; NULL: not known yet, or it is refused */
    uint8_t token_hash[TOKEN_HASH_BYTES];
    bool confirming;             /* whether there is such a token */
    bool secret;                 /* the answer holds one, and is wiped */
    replica_written_cb *written; /* of its command, */
    replica_read_cb *read;       /* or of its read */
    bool reads_stale;            /* without a quorum, if it must be */
    struct http_head head;
    struct http_uri uri;
    struct fault uri_fault; /* empty: the URI is fine */
    struct buffer body;
    bool body_too_large;
    size_t held_bytes;            /* of the body and the answer */
    struct http_items items;      /* what the body asks for */
    uint64_t lease, lease_ms;     /* the lease that it is about (lease.c) */
    struct http_listing *listing; /* GET /keys without a body */
    struct http_change *change;   /* one that depends on a read (change.c) */
    struct http_value *value;     /* a long value that is gathered */
    struct http_watch *watch;     /* watch.c */
    uint32_t beginnings;          /* how often its moment has ended */
    struct http_answer answer;
    struct buffer out; /* the answer's body, or a piece of it */
    char answer_head[HTTP_ANSWER_HEAD_BYTES_MAX];
    size_t answer_head_len;
    http_handler *go_on;      /* what its step calls, */
    http_items_parser *parse; /* or its job */
    struct http_step step;
    struct http_job job;
    struct fault fault; /* of the job */
    int status;         /* likewise */
    size_t text_len;
    char text[]; /* the head; its parts are decoded in place, and it is wiped at the end */
};

/* A request from its head, whose bytes are copied; NULL: out of memory. A head that is malformed
 * has its answer already, and no route. */
struct http_request *http_request_new(struct http_connection *connection, struct bytes head);

/* The head is complete. Refuses as much as possible before the body comes; errors that need not be
 * told so early wait for http_request_run. */
void http_request_admit(struct http_request *request);

/* A piece of the body; the whole body is there. */
void http_request_receive(struct http_request *request, struct bytes data);
void http_request_run(struct http_request *request);

/* Writes `answer_head`. `closes`: no request follows on the connection. */
void http_request_finish_head(struct http_request *request, bool closes);

/* Whether the answer to this method and status has a body (RFC 9110, 6.4.1). */
bool http_request_has_answer_body(const struct http_request *request);

void http_request_free(struct http_request *request);

/* Sends `answer` and `out`: exactly once for each request, in its handler or when the replica calls
 * back. Long values in a JSON text (json_out.h) are written first, as a job. */
void http_answer(struct http_request *request, unsigned int status);

/* Calls `go_on` as a step of work (work.h), now or later. */
void http_request_step(struct http_request *request, http_handler *go_on);
/* Calls it in one of the loop's next turns. */
void http_request_go_on(struct http_request *request, http_handler *go_on);

/* http_take for the request. */
bool http_hold(struct http_request *request, size_t bytes);
/* The request does not hold any of them any more. */
void http_let_go(struct http_request *request);

/* replica_read for its user. What others than root may see is decided by rights that must not be
 * older than a change that has returned, so their reads are always confirmed; without a quorum,
 * what may be answered from this node's state is, with the rights of that, but not by a token. */
void http_read(struct http_request *request, enum replica_consistency consistency,
               replica_read_cb *done);

/* A header's value, or NULL. */
const char *http_header(const struct http_request *request, const char *name);

/* The consistency that the query asks for; false: 400 was answered. */
bool http_consistency(struct http_request *request, enum replica_consistency *consistency);

/* Refuses header fields that change what the request means and that this node cannot follow
 * (admit.c). False: the error was answered. */
bool http_admit(struct http_request *request);

/* To be called first when the replica calls back for a read; `key` may be empty. Marks the answer
 * as stale if the read was. False: there is no answer but the error, which is given. */
bool http_read_done(struct http_request *request, enum replica_outcome outcome,
                    struct replica_freshness freshness, struct bytes key);

/* ---- Changes (change.c) ---- */

/* Submits a command of these operations. */
void http_submit(struct http_request *request, const struct op *ops, size_t count,
                 replica_written_cb *done);

/* Submits one operation on one key, under the conditions of the request's header (RFC 9110, 13). */
void http_change_key(struct http_request *request, const struct op *op, replica_written_cb *done);

void http_change_free(struct http_change *change); /* NULL is fine */

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

/* The same for a caller who wants to do this with the key (enum caller_want); besides, the errors
 * of tree_may. */
int http_find_for(struct tree *tree, const struct caller *caller, struct bytes key, uint32_t want,
                  struct attr *attr);

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

/* Adds to such an object when the key goes away by itself: "ttl" and "expires_in", or "lease". */
int http_put_lifetime(struct buffer *out, struct replica *replica, const struct attr *attr);

/* {"key":K,"exists":false} for -ENOENT, and {"key":K,"error":...} for any other status. */
void http_put_absent(struct buffer *out, struct bytes key, int status);

/* Answers with the bytes themselves, or with the range of them that was asked for; a long value in
 * pieces. */
void http_answer_raw(struct http_request *request, const struct attr *attr);
void http_value_free(struct http_value *value); /* NULL is fine */

/* Answers GET /key/K from the tree as it is now; the read is confirmed (reads.c). */
void http_answer_key(struct http_request *request);

void http_listing_free(struct http *http, struct http_listing *listing); /* listing.c; NULL: fine */

/* ---- Moments (moments.c) ---- */

/* The tree as it is now, or as it was at a revision (NULL: it is not there any more), for one more
 * user, and for HTTP_MOMENT_MS. -EBUSY: too many are in use. */
int http_moment_now(struct http *http, struct http_moment **moment);
struct http_moment *http_moment_find(struct http *http, uint64_t revision);
/* For one file of the tree as it is now: any moment that has this version of it will do. */
int http_moment_of(struct http *http, const struct attr *attr, struct http_moment **moment);
bool http_has_version(struct tree *tree, const struct attr *attr);
/* It may stay for so many ms from now on. */
void http_moment_stay(struct http *http, struct http_moment *moment, uint64_t ms);
/* Valid until the loop's next turn. NULL: the moment has ended. */
struct tree *http_moment_tree(const struct http_moment *moment);
/* The moment is to stay for a next page, for HTTP_MOMENT_MS, when its users have left. */
void http_moment_keep(struct http *http, struct http_moment *moment);
void http_moment_leave(struct http *http, struct http_moment *moment);
/* Ends those whose time is over. */
void http_moments_expire(struct http *http);
void http_moments_free(struct http *http); /* nobody uses them any more */

/* ---- Keys ---- */

/* Reads the body into `items`, checks their keys, frees the body, and calls `then`, unless an error
 * was answered. A long body is read as a job: then `then` is called later. */
void http_body_items(struct http_request *request, http_items_parser *parse, http_handler *then);

/* The key of /key/K; whether it is valid: if not, the error was answered. */
struct bytes http_path_key(const struct http_request *request);
bool http_key_ok(struct http_request *request);

#endif
