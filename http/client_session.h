/* Private to the room: the client WebSocket at /client: JSON requests, answered in the order in
 * which they came.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_HTTP_CLIENT_SESSION_H
#define QUORUMFS_HTTP_CLIENT_SESSION_H

#include "http_internal.h"

enum {
    CLIENT_MESSAGE_BYTES_MAX =
        2 * VALUE_BYTES_MAX,    /* larger: an error, then the connection is closed */
    CLIENT_IN_FLIGHT_MAX = 128, /* requests of one connection; then it is not read for a while */
    CLIENT_QUEUE_BYTES_MAX =
        4 * 1024 * 1024, /* replies of one connection that it has not taken; the same */
};

struct http_clients;

int http_clients_start(struct http *http, struct lws_context *context,
                       struct http_clients **clients);
bool http_clients_have_room(const struct http_clients *clients);
void http_clients_adopt(struct http_clients *clients, int fd); /* takes fd */
/* Closes every connection once its replies are sent. */
void http_clients_stop(struct http_clients *clients);
void http_clients_free(struct http_clients *clients); /* after the context is gone; NULL is fine */

/* ---- One request (client_request.c) ---- */

struct client_session;

/* A request from its message to its reply. It belongs to its session until it has been sent; if the
 * session ends while the replica holds it, the callback finds `session` NULL and frees it. */
struct client_exchange {
    TAILQ_ENTRY(client_exchange) queue;
    struct client_session *session;
    struct replica *replica;
    uint64_t began_ms; /* of the loop's clock */
    bool waiting;      /* for the replica */
    size_t held_bytes; /* of the message, then of the reply */
    cJSON *json;       /* the message; the item's bytes lie in it */
    struct http_item item;
    uint32_t pid;                   /* Ping */
    struct buffer reply;            /* behind LWS_PRE bytes of room */
    size_t request_at, request_len; /* the request's text in the reply */
};

/* Carries out a message. Unless `waiting` is set on return, the reply is there; otherwise
 * http_client_replied says so later. */
void http_client_handle(struct client_exchange *exchange, struct bytes message);

/* Makes the reply {"error":text}. */
void http_client_error(struct client_exchange *exchange, const char *text);

void http_client_exchange_free(struct client_exchange *exchange);

/* The reply to an exchange that waited is complete (client_session.c). */
void http_client_replied(struct client_exchange *exchange);

#endif
