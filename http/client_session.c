/* Connections of the client WebSocket (RFC 6455), served by libwebsockets.
 *
 *   message --> exchange, at the end of the session's queue --> replica --> reply
 *
 * Replies leave in the order of their requests: the head of the queue is sent when it is complete.
 * A connection that has too much under way is not read. */
#include "client_session.h"

#include "base/trace.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CLOSE_SECONDS_MAX = 5 };

TAILQ_HEAD(client_queue, client_exchange);

/* Lives in libwebsockets' memory, from ESTABLISHED to CLOSED. */
struct client_session {
    LIST_ENTRY(client_session) all;
    struct http_clients *clients;
    struct lws *wsi;
    struct buffer incoming; /* a message that has not ended */
    struct client_queue queue;
    uint32_t in_flight; /* exchanges in the queue */
    size_t held_bytes;  /* of the queue */
    bool paused;
    /* Either makes the session drop its input, and close the connection once the queue is empty: */
    bool too_large; /* a message was */
    bool closing;   /* the node is stopping */
    bool closed;    /* the close frame was sent */
};

struct http_clients {
    struct http *http;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[2];
    LIST_HEAD(, client_session) sessions;
    uint32_t connections; /* also those that have not shaken hands yet */
    bool stopping;
};

bool http_clients_have_room(const struct http_clients *clients)
{
    return !clients->stopping && clients->connections < HTTP_WEBSOCKETS_MAX;
}

uint32_t http_clients_count(const struct http_clients *clients)
{
    return clients->connections;
}

/* ---- Requests ---- */

/* Counts the bytes of this exchange, which change when the reply takes the message's place. */
static void exchange_hold(struct client_exchange *exchange, size_t bytes)
{
    struct client_session *session = exchange->session;
    assert(session->held_bytes >= exchange->held_bytes);
    session->held_bytes += bytes - exchange->held_bytes;
    exchange->held_bytes = bytes;
}

static void adjust_flow(struct client_session *session)
{
    bool pause =
        session->in_flight >= CLIENT_IN_FLIGHT_MAX || session->held_bytes >= CLIENT_QUEUE_BYTES_MAX;
    if (pause == session->paused)
        return;
    session->paused = pause;
    lws_rx_flow_control(session->wsi, !pause);
}

/* A new exchange at the end of the queue, or NULL when out of memory. */
static struct client_exchange *exchange_new(struct client_session *session, size_t message_bytes)
{
    struct client_exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    exchange->session = session;
    exchange->replica = session->clients->http->replica;
    exchange->began_ms = uv_now(session->clients->http->loop);
    TAILQ_INSERT_TAIL(&session->queue, exchange, queue);
    session->in_flight++;
    exchange_hold(exchange, message_bytes);
    return exchange;
}

static void exchange_end(struct client_exchange *exchange)
{
    struct client_session *session = exchange->session;
    assert(session->in_flight > 0);
    TAILQ_REMOVE(&session->queue, exchange, queue);
    session->in_flight--;
    exchange_hold(exchange, 0);
    if (exchange->waiting)
        exchange->session = NULL; /* the replica's callback frees it */
    else
        http_client_exchange_free(exchange);
}

void http_client_replied(struct client_exchange *exchange)
{
    const struct http *http = exchange->session->clients->http;
    trace_debug("http", "/client answers after %lu ms",
                (unsigned long)(uv_now(http->loop) - exchange->began_ms));
    exchange_hold(exchange, exchange->reply.len);
    lws_callback_on_writable(exchange->session->wsi);
}

/* Returns 0, or -1 to close the connection (out of memory). */
static int on_message(struct client_session *session, struct bytes message)
{
    struct client_exchange *exchange = exchange_new(session, message.len);
    if (!exchange)
        return -1;
    http_client_handle(exchange, message);
    if (!exchange->waiting)
        http_client_replied(exchange);
    adjust_flow(session);
    return 0;
}

/* Answers a message past CLIENT_MESSAGE_BYTES_MAX; is_over then closes the connection. */
static int refuse_message(struct client_session *session)
{
    session->too_large = true;
    buffer_free(&session->incoming);
    struct client_exchange *exchange = exchange_new(session, 0);
    if (!exchange)
        return -1;
    http_client_error(exchange, "the message is too large; the connection is closed");
    http_client_replied(exchange);
    return 0;
}

/* A piece of a message. One that came whole is handled in place, without a copy. */
static int on_receive(struct client_session *session, const void *data, size_t len)
{
    if (session->too_large || session->closing)
        return 0;
    if (session->incoming.len + len > CLIENT_MESSAGE_BYTES_MAX)
        return refuse_message(session);
    bool whole =
        lws_is_final_fragment(session->wsi) && lws_remaining_packet_payload(session->wsi) == 0;
    if (whole && session->incoming.len == 0)
        return on_message(session, bytes_of(data, len));
    buffer_append(&session->incoming, data, len);
    if (session->incoming.failed)
        return -1;
    if (!whole)
        return 0;
    struct buffer message = session->incoming;
    session->incoming = (struct buffer){0};
    int status = on_message(session, bytes_of(message.data, message.len));
    buffer_free(&message);
    return status;
}

/* ---- Replies ---- */

static bool is_over(const struct client_session *session)
{
    return (session->too_large || session->closing) && TAILQ_EMPTY(&session->queue);
}

/* Writes the close frame (RFC 6455, 5.5.1) without libwebsockets, which on libuv closes a second
 * time before its own frame has left. The connection stays open until the client has answered, for
 * some seconds at most: with unread input it would be reset and the frame lost. */
static int send_close(struct client_session *session)
{
    unsigned int code =
        session->too_large ? LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE : LWS_CLOSE_STATUS_GOINGAWAY;
    const uint8_t frame[] = {0x88, 2, (uint8_t)(code >> 8), (uint8_t)(code & 255)};
    session->closed = true;
    lws_set_timeout(session->wsi, PENDING_TIMEOUT_CLOSE_ACK, CLOSE_SECONDS_MAX);
    ssize_t sent =
        send(lws_get_socket_fd(session->wsi), frame, sizeof frame, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent == sizeof frame ? 0 : -1;
}

/* Sends the head of the queue. Returns 0, or -1 to close: out of memory, or the client is gone. */
static int send_reply(struct client_session *session)
{
    struct client_exchange *exchange = TAILQ_FIRST(&session->queue);
    assert(exchange && !exchange->waiting);
    if (exchange->reply.failed)
        return -1;
    size_t len = exchange->reply.len - LWS_PRE;
    if (lws_write(session->wsi, exchange->reply.data + LWS_PRE, len, LWS_WRITE_TEXT) < 0)
        return -1;
    exchange_end(exchange);
    return 0;
}

static bool has_reply(const struct client_session *session)
{
    const struct client_exchange *exchange = TAILQ_FIRST(&session->queue);
    return exchange && !exchange->waiting;
}

/* Sends one thing at a time: libwebsockets calls again once it has left. */
static int on_writeable(struct client_session *session)
{
    if (has_reply(session)) {
        if (send_reply(session) != 0)
            return -1;
        adjust_flow(session);
        if (has_reply(session) || is_over(session))
            lws_callback_on_writable(session->wsi);
        return 0;
    }
    return is_over(session) && !session->closed ? send_close(session) : 0;
}

/* ---- libwebsockets ---- */

static void session_begin(struct http_clients *clients, struct client_session *session,
                          struct lws *wsi)
{
    *session = (struct client_session){.clients = clients, .wsi = wsi};
    TAILQ_INIT(&session->queue);
    LIST_INSERT_HEAD(&clients->sessions, session, all);
}

static void session_end(struct client_session *session)
{
    if (!session || !session->clients)
        return; /* the handshake failed, so it never began */
    struct client_exchange *exchange;
    while ((exchange = TAILQ_FIRST(&session->queue)))
        exchange_end(exchange);
    buffer_free(&session->incoming);
    LIST_REMOVE(session, all);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct client_session *session = user;
    struct http_clients *clients = lws_get_vhost(wsi) ? lws_vhost_user(lws_get_vhost(wsi)) : NULL;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        session_begin(clients, session, wsi);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return on_receive(session, in, len);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return on_writeable(session);
    case LWS_CALLBACK_CLOSED:
        session_end(session);
        return 0;
    case LWS_CALLBACK_WSI_CREATE:
        clients->connections++;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        assert(clients->connections > 0);
        clients->connections--;
        return 0;
    default:
        return 0;
    }
}

int http_clients_start(struct http *http, struct lws_context *context, struct http_clients **out)
{
    struct http_clients *clients = calloc(1, sizeof *clients);
    if (!clients)
        return -ENOMEM;
    clients->http = http;
    LIST_INIT(&clients->sessions);
    clients->protocols[0] = (struct lws_protocols){
        .name = "client",
        .callback = on_event,
        .per_session_data_size = sizeof(struct client_session),
        .rx_buffer_size = 64 * 1024,
    };
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .vhost_name = "client",
        .protocols = clients->protocols,
        .user = clients,
        .ka_time = 60, /* seconds; to notice a client that has vanished (tcp(7)) */
        .ka_probes = 3,
        .ka_interval = 10,
    };
    clients->vhost = lws_create_vhost(context, &info);
    if (!clients->vhost) {
        free(clients);
        return -EIO;
    }
    *out = clients;
    return 0;
}

/* ---- From HTTP to WebSocket ---- */

/* A key is 16 bytes in base64 (RFC 6455, 4.1). */
static bool websocket_key_ok(const char *key)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return key && strlen(key) == 24 && strspn(key, digits) == 22 && strcmp(key + 22, "==") == 0;
}

static bool version_ok(const struct http_head *head)
{
    const char *version = http_head_field(head, "Sec-WebSocket-Version");
    return version && strcmp(version, "13") == 0;
}

static bool asks_for_upgrade(const struct http_head *head)
{
    return !head->is_1_0 && !head->chunked && head->body_bytes == 0 &&
           strcmp(head->method, "GET") == 0 && http_list_has(head, "Upgrade", "websocket") &&
           http_list_has(head, "Connection", "upgrade") &&
           websocket_key_ok(http_head_field(head, "Sec-WebSocket-Key"));
}

bool http_client_is_handshake(const struct http_request *request)
{
    return request->state == HTTP_REQUEST_RECEIVING &&
           request->route->handler == http_client_refused && !request->uri_fault.text[0] &&
           asks_for_upgrade(&request->head) && version_ok(&request->head) &&
           http_clients_have_room(request->http->clients);
}

/* Only what counts, so that libwebsockets reads nothing that has not been checked here. */
void http_client_handshake(const struct http_request *request, struct buffer *out)
{
    buffer_printf(out,
                  "GET /client HTTP/1.1\r\nHost: node\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                  "Sec-WebSocket-Version: 13\r\n\r\n",
                  http_header(request, "Sec-WebSocket-Key"));
}

void http_clients_adopt(struct http_clients *clients, int fd, struct bytes first)
{
    if (!lws_adopt_socket_vhost_readbuf(clients->vhost, fd, (const char *)first.data, first.len))
        trace_debug("http", "a WebSocket was closed before it began");
}

/* A GET /client that is no handshake, or that comes when there is no room. */
void http_client_refused(struct http_request *request)
{
    if (asks_for_upgrade(&request->head) && !version_ok(&request->head)) {
        request->answer.field = "Sec-WebSocket-Version: 13"; /* RFC 6455, 4.4 */
        http_error(request, HTTP_UPGRADE_REQUIRED, (struct bytes){0},
                   "this node speaks version 13 of the WebSocket protocol");
    } else if (asks_for_upgrade(&request->head)) {
        http_error(request, HTTP_SERVICE_UNAVAILABLE, (struct bytes){0},
                   "this node has as many WebSockets as it serves: try again later");
    } else {
        http_error(request, HTTP_BAD_REQUEST, (struct bytes){0},
                   "/client is a WebSocket: ask for an upgrade");
    }
}

void http_clients_stop(struct http_clients *clients)
{
    clients->stopping = true;
    struct client_session *session;
    LIST_FOREACH(session, &clients->sessions, all)
    {
        /* Before the loop comes round, the context may be gone. */
        while (has_reply(session) && !lws_send_pipe_choked(session->wsi))
            if (send_reply(session) != 0)
                break;
        session->closing = true;
        lws_callback_on_writable(session->wsi);
    }
}

void http_clients_free(struct http_clients *clients)
{
    assert(!clients || LIST_EMPTY(&clients->sessions));
    free(clients);
}
