/* Connections of the client WebSocket (RFC 6455), served by libwebsockets.
 *
 *   message --> exchange, at the end of the session's queue --> replica --> reply
 *
 * Replies leave in the order of their requests: the head of the queue is sent when it is complete,
 * in fragments if it is long. A connection that has too much under way is not read, and a Get of a
 * large value waits until the replies before it are taken: whatever a client asks for without
 * reading, the node holds CLIENT_QUEUE_BYTES_MAX and one reply. */
#include "client_session.h"

#include "base/trace.h"
#include "json_out.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CLOSE_SECONDS_MAX = 5 };

TAILQ_HEAD(client_queue, client_exchange);

/* Lives in libwebsockets' memory, from ESTABLISHED to CLOSED. */
struct client_session {
    LIST_ENTRY(client_session) all;
    struct http_clients *clients;
    struct lws *wsi;
    struct http_user *user; /* as whom its requests act */
    struct buffer incoming; /* a message that has not ended */
    size_t incoming_held;
    bool refused;            /* there is no memory for that message: the rest is dropped */
    uint64_t incoming_since; /* ms of the loop's clock; 0: no message is arriving */
    uint64_t came, went;     /* likewise, when bytes last did */
    struct client_queue queue;
    struct client_watches *watches; /* NULL: none yet */
    bool events_next;               /* the last thing that was sent was a reply */
    bool events_wait;               /* client_watch.c wants to go on */
    bool reading;       /* the message of one of them, as a job: later ones wait for it */
    size_t sent;        /* bytes of the reply at its head */
    uint32_t in_flight; /* exchanges in the queue */
    size_t held_bytes;  /* of the queue */
    bool paused;
    /* Not 0: drops its input, and closes the connection with this code once the queue is empty. */
    unsigned int ends;
    bool closed; /* the close frame was sent */
    bool gone;   /* the connection is */
};

/* Of a connection, as long as libwebsockets has it. */
struct client_end {
    struct http_address *address;
    struct http_user *user;
};

struct http_clients {
    struct http *http;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[2];
    LIST_HEAD(, client_session) sessions;
    struct client_end *adopting; /* of a connection that libwebsockets is about to take */
    uint32_t connections;        /* also those that have not shaken hands yet */
    bool stopping;
};

bool http_clients_have_room(const struct http_clients *clients, const struct http_address *address)
{
    uint32_t kept = http_kept_from(address, HTTP_WEBSOCKETS_MAX);
    return !clients->stopping && clients->connections + kept < HTTP_WEBSOCKETS_MAX &&
           http_address_has_share(address, HTTP_KIND_WEBSOCKET, HTTP_WEBSOCKETS_MAX);
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
    http_hold_now(session->clients->http, &exchange->held_bytes, bytes);
}

/* The same for what it is about to hold in addition. False: there is no memory. */
static bool exchange_take(struct client_exchange *exchange, size_t bytes)
{
    struct client_session *session = exchange->session;
    if (!http_take(session->clients->http, &exchange->held_bytes, bytes))
        return false;
    session->held_bytes += bytes;
    return true;
}

enum client_room http_client_room(struct client_exchange *exchange, size_t value_bytes)
{
    struct client_session *session = exchange->session;
    bool is_next = exchange == TAILQ_FIRST(&session->queue);
    if (!is_next && session->held_bytes + value_bytes > CLIENT_QUEUE_BYTES_MAX) {
        exchange->postponed = true;
        return CLIENT_ROOM_LATER;
    }
    return exchange_take(exchange, value_bytes) ? CLIENT_ROOM : CLIENT_NO_ROOM;
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
static struct client_exchange *exchange_new(struct client_session *session)
{
    struct client_exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    exchange->session = session;
    exchange->http = session->clients->http;
    exchange->replica = exchange->http->replica;
    exchange->user = http_user_hold(session->user);
    exchange->began_ms = uv_now(session->clients->http->loop);
    TAILQ_INSERT_TAIL(&session->queue, exchange, queue);
    session->in_flight++;
    return exchange;
}

static void exchange_end(struct client_exchange *exchange)
{
    struct client_session *session = exchange->session;
    assert(session->in_flight > 0);
    TAILQ_REMOVE(&session->queue, exchange, queue);
    session->in_flight--;
    exchange_hold(exchange, 0);
    if (exchange->opens && !session->gone)
        http_client_watch_opens(session->watches,
                                bytes_of(exchange->prefix.data, exchange->prefix.len));
    if (exchange->waiting) {
        http_client_exchange_drop(exchange);
        exchange->session = NULL; /* the callback frees it */
    } else {
        http_client_exchange_free(exchange);
    }
    exchange = TAILQ_FIRST(&session->queue);
    if (exchange && exchange->postponed && !session->gone) {
        exchange->postponed = false;
        http_client_get(exchange);
    }
}

static void reply_complete(struct client_exchange *exchange)
{
    const struct http *http = exchange->http;
    trace_debug("http", "/client answers after %lu ms",
                (unsigned long)(uv_now(http->loop) - exchange->began_ms));
    exchange_hold(exchange, exchange->reply.len);
    if (exchange == TAILQ_FIRST(&exchange->session->queue))
        exchange->session->went = uv_now(http->loop);
    lws_callback_on_writable(exchange->session->wsi);
}

/* ---- Jobs ---- */

static void exchange_job(struct client_exchange *exchange, void (*run)(void *arg),
                         void (*done)(void *arg))
{
    exchange->waiting = exchange->in_job = true;
    http_job(exchange->http, &exchange->job, run, done, exchange);
}

/* False: the session has ended meanwhile. */
static bool job_done(struct client_exchange *exchange)
{
    exchange->in_job = false;
    return http_client_still_wanted(exchange);
}

static void write_reply(void *arg)
{
    struct client_exchange *exchange = arg;
    http_json_finish(&exchange->reply, LWS_PRE);
}

static void on_reply_written(void *arg)
{
    if (job_done(arg))
        reply_complete(arg);
}

void http_client_replied(struct client_exchange *exchange)
{
    cJSON_Delete(exchange->json);
    exchange->json = NULL;
    if (http_json_is_whole(&exchange->reply, LWS_PRE))
        reply_complete(exchange);
    else
        exchange_job(exchange, write_reply, on_reply_written);
}

/* ---- Messages ---- */

/* The message was read. */
static void exchange_handle(struct client_exchange *exchange, size_t message_len)
{
    http_client_handle(exchange);
    if (exchange->json)
        exchange_hold(exchange, 3 * message_len + http_json_bytes(exchange->json));
    if (!exchange->waiting && !exchange->postponed)
        http_client_replied(exchange);
}

static void read_message(void *arg)
{
    struct client_exchange *exchange = arg;
    http_client_read(exchange, bytes_of(exchange->message.data, exchange->message.len));
}

static void read_next(struct client_session *session);

static void on_message_read(void *arg)
{
    struct client_exchange *exchange = arg;
    if (!job_done(exchange))
        return;
    struct client_session *session = exchange->session;
    size_t len = exchange->message.len;
    session->reading = false;
    buffer_free(&exchange->message);
    exchange_handle(exchange, len);
    read_next(session);
    adjust_flow(session);
}

/* Reads the messages that wait, in their order, up to one that becomes a job. */
static void read_next(struct client_session *session)
{
    struct client_exchange *exchange = TAILQ_FIRST(&session->queue);
    while (exchange && !session->reading) {
        struct client_exchange *next = TAILQ_NEXT(exchange, queue);
        size_t len = exchange->message.len;
        bool unread = exchange->unread;
        exchange->unread = false;
        if (unread && len >= HTTP_JOB_BYTES_MIN) {
            session->reading = true;
            exchange_job(exchange, read_message, on_message_read);
        } else if (unread) {
            read_message(exchange);
            buffer_free(&exchange->message);
            exchange_handle(exchange, len);
        }
        exchange = next;
    }
}

/* Takes the bytes over. Returns 0, or -1 to close the connection (out of memory). */
static int on_message(struct client_session *session, struct bytes message, struct buffer *owned)
{
    struct client_exchange *exchange = exchange_new(session);
    if (!exchange)
        return -1;
    /* Room for the parsed request and for a reply that repeats the message once or twice. */
    if (session->refused || !exchange_take(exchange, 3 * message.len)) {
        http_client_error(exchange, http_errno_text(-EBUSY));
        http_client_replied(exchange);
    } else if (session->reading || message.len >= HTTP_JOB_BYTES_MIN) {
        exchange->message = *owned;
        *owned = (struct buffer){0};
        if (!exchange->message.data)
            buffer_append(&exchange->message, message.data, message.len);
        if (exchange->message.failed)
            return -1;
        exchange->unread = true;
        read_next(session);
    } else {
        http_client_read(exchange, message);
        exchange_handle(exchange, message.len);
    }
    session->refused = false;
    adjust_flow(session);
    return 0;
}

static void incoming_drop(struct client_session *session)
{
    buffer_free(&session->incoming);
    http_hold_now(session->clients->http, &session->incoming_held, 0);
}

/* Answers a message past CLIENT_MESSAGE_BYTES_MAX; is_over then closes the connection. */
static int refuse_message(struct client_session *session)
{
    session->ends = LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE;
    incoming_drop(session);
    struct client_exchange *exchange = exchange_new(session);
    if (!exchange)
        return -1;
    http_client_error(exchange, "the message is too large; the connection is closed");
    http_client_replied(exchange);
    return 0;
}

/* A piece of a message. One that came whole is handled in place, without a copy. */
static int on_receive(struct client_session *session, const void *data, size_t len)
{
    struct http *http = session->clients->http;
    session->came = uv_now(http->loop);
    if (session->ends)
        return 0;
    if (session->incoming.len + len > CLIENT_MESSAGE_BYTES_MAX)
        return refuse_message(session);
    bool whole =
        lws_is_final_fragment(session->wsi) && lws_remaining_packet_payload(session->wsi) == 0;
    if (whole && !session->incoming_since)
        return on_message(session, bytes_of(data, len), &(struct buffer){0});
    if (!session->refused && http_take(http, &session->incoming_held, len))
        buffer_append(&session->incoming, data, len);
    else
        session->refused = true;
    if (session->incoming.failed)
        return -1;
    if (session->refused)
        incoming_drop(session);
    if (!session->incoming_since)
        session->incoming_since = session->came;
    if (!whole)
        return 0;
    struct buffer message = session->incoming;
    session->incoming = (struct buffer){0};
    session->incoming_since = 0;
    incoming_drop(session);
    int status = on_message(session, bytes_of(message.data, message.len), &message);
    buffer_free(&message);
    return status;
}

/* ---- Replies ---- */

static bool is_over(const struct client_session *session)
{
    return session->ends && TAILQ_EMPTY(&session->queue);
}

/* Writes the close frame (RFC 6455, 5.5.1) without libwebsockets, which on libuv closes a second
 * time before its own frame has left. The connection stays open until the client has answered, for
 * some seconds at most: with unread input it would be reset and the frame lost. */
static int send_close(struct client_session *session)
{
    const uint8_t frame[] = {0x88, 2, (uint8_t)(session->ends >> 8),
                             (uint8_t)(session->ends & 255)};
    session->closed = true;
    lws_set_timeout(session->wsi, PENDING_TIMEOUT_CLOSE_ACK, CLOSE_SECONDS_MAX);
    ssize_t sent =
        send(lws_get_socket_fd(session->wsi), frame, sizeof frame, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent == sizeof frame ? 0 : -1;
}

/* Sends the head of the queue, or a fragment of it. Returns 0, or -1 to close: out of memory, or
 * the client is gone. */
static int send_reply(struct client_session *session)
{
    struct client_exchange *exchange = TAILQ_FIRST(&session->queue);
    assert(exchange && !exchange->waiting);
    if (exchange->reply.failed)
        return -1;
    size_t left = exchange->reply.len - LWS_PRE - session->sent;
    size_t len = left < CLIENT_PIECE_BYTES ? left : CLIENT_PIECE_BYTES;
    int how = session->sent ? LWS_WRITE_CONTINUATION : LWS_WRITE_TEXT;
    if (len < left)
        how |= LWS_WRITE_NO_FIN;
    uint8_t *data =
        exchange->reply.data + LWS_PRE + session->sent; /* what lies before it is sent */
    if (lws_write(session->wsi, data, len, (enum lws_write_protocol)how) < 0)
        return -1;
    session->went = uv_now(session->clients->http->loop);
    session->sent += len;
    if (len == left) {
        session->sent = 0;
        exchange_end(exchange);
    }
    return 0;
}

static bool has_reply(const struct client_session *session)
{
    const struct client_exchange *exchange = TAILQ_FIRST(&session->queue);
    return exchange && !exchange->waiting && !exchange->postponed && !exchange->unread;
}

struct client_watches *http_client_watches(struct client_session *session)
{
    if (!session->watches)
        session->watches = http_client_watches_new(session->clients->http, session);
    return session->watches;
}

struct http_user *http_client_user(struct client_session *session)
{
    return session->user;
}

void http_client_events_wait(struct client_session *session, bool first)
{
    session->events_wait = true;
    if (first && !has_reply(session))
        session->went = uv_now(session->clients->http->loop);
    lws_callback_on_writable(session->wsi);
}

/* Events come between whole replies, and take turns with them. */
static int send_events(struct client_session *session)
{
    session->events_next = session->events_wait = false;
    session->went = uv_now(session->clients->http->loop);
    if (http_client_send_events(session->watches, session->wsi) != 0)
        return -1;
    if (http_client_has_event(session->watches) || has_reply(session) || is_over(session))
        lws_callback_on_writable(session->wsi);
    return 0;
}

/* Sends one thing at a time: libwebsockets calls again once it has left. */
static int on_writeable(struct client_session *session)
{
    bool events = session->events_wait || http_client_has_event(session->watches);
    if (events && session->sent == 0 && !session->ends &&
        (session->events_next || !has_reply(session)))
        return send_events(session);
    if (has_reply(session)) {
        session->events_next = true;
        if (send_reply(session) != 0)
            return -1;
        adjust_flow(session);
        if (has_reply(session) || is_over(session) || session->events_wait ||
            http_client_has_event(session->watches))
            lws_callback_on_writable(session->wsi);
        return 0;
    }
    return is_over(session) && !session->closed ? send_close(session) : 0;
}

/* ---- libwebsockets ---- */

/* Ends a session whose client takes nothing: there is no way to say why. libwebsockets, which waits
 * until it can write, notices that nothing can be written any more. */
static void session_cut(struct client_session *session)
{
    trace_debug("http", "a WebSocket is closed: its client does not take its replies");
    session->ends = LWS_CLOSE_STATUS_POLICY_VIOLATION;
    shutdown(lws_get_socket_fd(session->wsi), SHUT_RDWR);
    lws_callback_on_writable(session->wsi);
}

static void session_expire(struct client_session *session)
{
    const struct http *http = session->clients->http;
    bool arrives = session->incoming_since && !session->ends && !session->paused;
    bool late = session->incoming_since + http->body_ms_max <= uv_now(http->loop);
    bool sends = has_reply(session) || http_client_has_event(session->watches);
    if (!http_user_holds(session->clients->http, session->user)) {
        session_cut(session); /* its token was removed, or has expired */
    } else if (sends && http_has_stalled(http, session->went, http->idle_ms_max)) {
        session_cut(session);
    } else if (arrives && (late || http_has_stalled(http, session->came, http->body_ms_max))) {
        session->ends = LWS_CLOSE_STATUS_POLICY_VIOLATION;
        incoming_drop(session);
        lws_callback_on_writable(session->wsi);
    }
}

void http_clients_expire(struct http_clients *clients)
{
    struct client_session *session;
    LIST_FOREACH(session, &clients->sessions, all)
    session_expire(session);
}

static void session_begin(struct http_clients *clients, struct client_session *session,
                          struct lws *wsi)
{
    const struct client_end *end = lws_get_opaque_user_data(wsi);
    *session = (struct client_session){.clients = clients, .wsi = wsi, .user = end->user};
    TAILQ_INIT(&session->queue);
    LIST_INSERT_HEAD(&clients->sessions, session, all);
}

static void session_end(struct client_session *session)
{
    if (!session || !session->clients)
        return; /* the handshake failed, so it never began */
    struct client_exchange *exchange;
    session->gone = true;
    while ((exchange = TAILQ_FIRST(&session->queue)))
        exchange_end(exchange);
    incoming_drop(session);
    http_client_watches_free(session->watches);
    session->watches = NULL;
    LIST_REMOVE(session, all);
}

/* The handshake is mostly answered before lws_adopt_socket_vhost_readbuf returns. */
static void connection_adopted(struct http_clients *clients, struct lws *wsi)
{
    if (clients->adopting)
        lws_set_opaque_user_data(wsi, clients->adopting);
    clients->adopting = NULL;
}

static void client_end_free(struct client_end *end)
{
    http_address_count(end->address, HTTP_KIND_WEBSOCKET, -1);
    http_address_leave(end->address);
    http_user_leave(end->user);
    free(end);
}

static void connection_ends(struct http_clients *clients, struct lws *wsi)
{
    struct client_end *end = lws_get_opaque_user_data(wsi);
    assert(clients->connections > 0);
    clients->connections--;
    if (end)
        client_end_free(end); /* else it ended while it was adopted */
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct client_session *session = user;
    struct http_clients *clients = lws_get_vhost(wsi) ? lws_vhost_user(lws_get_vhost(wsi)) : NULL;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        connection_adopted(clients, wsi);
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
        connection_ends(clients, wsi);
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

void http_clients_adopt(struct http_clients *clients, int fd, struct bytes first,
                        struct http_address *address, struct http_user *user)
{
    struct client_end *end = malloc(sizeof *end);
    if (!end) {
        close(fd);
        return;
    }
    *end = (struct client_end){address, http_user_hold(user)};
    http_address_stay(address);
    http_address_count(address, HTTP_KIND_WEBSOCKET, 1);
    clients->adopting = end;
    struct lws *wsi =
        lws_adopt_socket_vhost_readbuf(clients->vhost, fd, (const char *)first.data, first.len);
    if (wsi) {
        connection_adopted(clients, wsi);
        return;
    }
    trace_debug("http", "a WebSocket was closed before it began");
    if (clients->adopting)
        client_end_free(clients->adopting);
    clients->adopting = NULL;
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
        session->ends = LWS_CLOSE_STATUS_GOINGAWAY;
        lws_callback_on_writable(session->wsi);
    }
}

void http_clients_free(struct http_clients *clients)
{
    assert(!clients || LIST_EMPTY(&clients->sessions));
    free(clients);
}
