/* Private to the room: the client WebSocket at /client. Its JSON requests are answered in the order
 * in which they came.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_HTTP_CLIENT_SESSION_H
#define QUORUMFS_HTTP_CLIENT_SESSION_H

#include "http_internal.h"

enum {
    CLIENT_MESSAGE_BYTES_MAX =
        2 * VALUE_BYTES_MAX,    /* larger: an error, then the connection is closed */
    CLIENT_IN_FLIGHT_MAX = 128, /* requests of one connection; at the limit it is not read */
    CLIENT_QUEUE_BYTES_MAX = 4 * 1024 * 1024, /* replies of one connection that it has not taken; at
                                                 the limit it is not read, and no large reply is
                                                 made before those are taken */
    CLIENT_WATCHES_MAX = 64,                  /* of one connection */
    CLIENT_PIECE_BYTES = 64 * 1024, /* of a reply, at once; longer ones come in fragments */
};

struct http_clients;

int http_clients_start(struct http *http, struct lws_context *context,
                       struct http_clients **clients);
/* For one more from this address. */
bool http_clients_have_room(const struct http_clients *clients, const struct http_address *address);
/* How many there are. */
uint32_t http_clients_count(const struct http_clients *clients);
/* Takes a connection whose client has asked for a WebSocket; `first` is what libwebsockets reads
 * before the socket: http_client_handshake, and what the client has sent behind it. */
void http_clients_adopt(struct http_clients *clients, int fd, struct bytes first,
                        struct http_address *address, struct http_user *user);
/* Closes those whose message does not end, or who do not take their replies. */
void http_clients_expire(struct http_clients *clients);
/* Closes every connection once its replies are sent. */
void http_clients_stop(struct http_clients *clients);
void http_clients_free(struct http_clients *clients); /* after the context is gone; NULL is fine */

/* Whether the request, admitted, is a handshake that can be answered with 101. */
bool http_client_is_handshake(const struct http_request *request);
void http_client_handshake(const struct http_request *request, struct buffer *out);

/* ---- One request (client_request.c) ---- */

struct client_session;

enum client_kind {
    CLIENT_GET,
    CLIENT_PUT,
    CLIENT_DELETE,
    CLIENT_PING,
    CLIENT_WATCH,
    CLIENT_UNWATCH
};

/* A request from its message to its reply. It belongs to its session until the reply is sent. If
 * the session ends while the exchange waits, `session` becomes NULL and the callback frees it. */
struct client_exchange {
    TAILQ_ENTRY(client_exchange) queue;
    struct client_session *session;
    struct http *http;
    struct replica *replica;
    struct http_user *user; /* as whom it acts */
    uint64_t began_ms;      /* of the loop's clock */
    bool reads_stale;       /* a Get, without a quorum */
    bool waiting;           /* the replica will call back, or a step or a job */
    bool postponed;         /* a Get, which is carried out when the replies before it are taken */
    bool unread;            /* `message` has not been read yet */
    bool in_job;            /* which uses everything but the fields above */
    struct http_step step;
    struct http_job job;
    struct buffer message; /* of one that is read later or as a job */
    struct fault fault;    /* why it is no request; empty: it is one */
    enum client_kind kind;
    size_t held_bytes; /* of the message, then of the reply */
    cJSON *json;       /* the message; the item's bytes lie in it */
    struct http_item item;
    uint32_t pid;                   /* Ping */
    uint64_t since;                 /* Watch */
    bool opens;                     /* its reply lets the events of the watch begin */
    struct buffer prefix;           /* of that */
    struct buffer reply;            /* behind LWS_PRE bytes of room */
    size_t request_at, request_len; /* the request's text in the reply */
};

/* Whether there is memory for a reply with this value. If there will be when others are taken, the
 * exchange is postponed (client_session.c). */
enum client_room { CLIENT_ROOM, CLIENT_ROOM_LATER, CLIENT_NO_ROOM };
enum client_room http_client_room(struct client_exchange *exchange, size_t value_bytes);

/* Reads a message, which may take long. On any thread. */
void http_client_read(struct client_exchange *exchange, struct bytes message);
/* Carries out what it asks for. On return either the reply is complete, or `waiting` is set and
 * http_client_replied is called later. */
void http_client_handle(struct client_exchange *exchange);
/* To be called first when the exchange has waited. False: the session has ended meanwhile, and the
 * exchange is freed. */
bool http_client_still_wanted(struct client_exchange *exchange);

/* Carries out a Get that was postponed. */
void http_client_get(struct client_exchange *exchange);

/* Makes the reply {"error":text}. */
void http_client_error(struct client_exchange *exchange, const char *text);

void http_client_exchange_free(struct client_exchange *exchange);
/* Frees what it holds, unless a job uses it; nobody waits for its reply any more. */
void http_client_exchange_drop(struct client_exchange *exchange);

/* Sends the reply, now complete but for long values, in its turn (client_session.c). */
void http_client_replied(struct client_exchange *exchange);

/* ---- Watches (client_watch.c) ---- */

struct client_watches;

/* Of the session, made when they are first asked for (client_session.c); NULL: out of memory. */
struct client_watches *http_client_watches(struct client_session *session);
struct http_user *http_client_user(struct client_session *session);
/* Events wait, or may come: `first`, there were none before. Asks to be able to write. */
void http_client_events_wait(struct client_session *session, bool first);

struct client_watches *http_client_watches_new(struct http *http, struct client_session *session);
void http_client_watches_free(struct client_watches *watches); /* NULL is fine */
/* Begins after `since`, and gives the revision of that. Returns 0, -EEXIST (there is one of this
 * prefix), -ENOSPC (CLIENT_WATCHES_MAX), or as replica_watch_begin. */
int http_client_watch(struct client_watches *watches, struct bytes prefix, uint64_t since,
                      uint64_t *revision);
void http_client_watch_opens(struct client_watches *watches, struct bytes prefix);
/* False: there was none. */
bool http_client_unwatch(struct client_watches *watches, struct bytes prefix);
/* For sending; NULL is fine. Returns 0, or -1 to close the connection. */
bool http_client_has_event(const struct client_watches *watches);
int http_client_send_events(struct client_watches *watches, struct lws *wsi);

#endif
