/* A connection: bytes in, requests one after the other, bytes out.
 *
 *   HEAD --head complete--> BODY --body complete--> RUNNING --answered--> SENDING --+
 *     ^                       |                                               ^     |
 *     |                       +--refused early--------------------------------+     |
 *     +--the answer is sent---------------------------------------------------------+--> ENDING
 *
 * Between HEAD and BODY, it is IDENTIFYING as long as it is not known as whom the request acts.
 * Every byte of a request passes head.c and chunks.c, in the first request of a connection as in
 * the hundredth. What comes behind a request waits in `in` until its answer is sent; past
 * PIPELINED_BYTES_MAX it waits in the kernel. A connection gives way to the others after each
 * request and after each piece of a long answer. */
#include "base/trace.h"
#include "client_session.h"
#include "http_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    PIPELINED_BYTES_MAX = 64 * 1024,
    ENDING_MS_MAX = 5000,
    ENDING_BYTES_MAX = 64 * 1024 * 1024,
};

static void on_poll(uv_poll_t *poll, int status, int events);

/* ---- Life ---- */

static void on_closed(uv_handle_t *handle)
{
    struct http_connection *c = handle->data;
    struct http *http = c->http;
    if (c->upgrade.len > 0 && !http->stopping)
        http_clients_adopt(http->clients, c->fd, bytes_of(c->upgrade.data, c->upgrade.len),
                           c->address, c->session);
    else
        close(c->fd);
    http_address_leave(c->address);
    http_user_leave(c->user);
    http_user_leave(c->session);
    buffer_free(&c->upgrade);
    free(c);
    http_handle_closed(http);
}

void http_connection_close(struct http_connection *c)
{
    if (c->phase == HTTP_PHASE_CLOSED)
        return;
    assert(!c->request || c->request->state != HTTP_REQUEST_WAITING);
    if (c->request)
        http_request_free(c->request);
    c->request = NULL;
    c->phase = HTTP_PHASE_CLOSED;
    http_user_give_up(c);
    buffer_free(&c->in);
    if (c->is_due)
        TAILQ_REMOVE(&c->http->due, c, due);
    TAILQ_REMOVE(&c->http->connections, c, all);
    http_address_count(c->address, HTTP_KIND_CONNECTION, -1);
    assert(c->http->connection_count > 0);
    c->http->connection_count--;
    uv_close((uv_handle_t *)&c->poll, on_closed);
    if (c->http->stopping)
        http_wake(c->http);
}

/* The replica looks for the token of its request. */
static bool is_confirming(const struct http_connection *c)
{
    return c->phase == HTTP_PHASE_IDENTIFYING && c->request->state == HTTP_REQUEST_WAITING;
}

/* The client is gone. What the replica holds is waited for. */
static void connection_lost(struct http_connection *c)
{
    c->broken = true;
    if (c->phase == HTTP_PHASE_RUNNING || is_confirming(c))
        uv_poll_stop(&c->poll);
    else
        http_connection_close(c);
}

static void connection_due(struct http_connection *c)
{
    if (!c->is_due)
        TAILQ_INSERT_TAIL(&c->http->due, c, due);
    c->is_due = true;
    http_wake(c->http);
}

/* An endless answer that has nothing to send at the moment. */
static bool is_quiet(const struct http_connection *c)
{
    const struct http_request *request = c->request;
    return c->phase == HTTP_PHASE_SENDING && request->answer.endless &&
           c->head_sent == request->answer_head_len && c->out_sent == request->out.len;
}

/* The end of each step: watches for what the connection can use now. The interest in bytes stays
 * while a request is carried out, since clients seldom send then. */
static void connection_settle(struct http_connection *c)
{
    if (c->broken || c->phase == HTTP_PHASE_CLOSED)
        return;
    bool receiving = c->phase == HTTP_PHASE_HEAD || c->phase == HTTP_PHASE_BODY;
    bool endless = c->phase == HTTP_PHASE_SENDING && c->request->answer.endless;
    if ((receiving || endless) && c->ended && !c->is_due) {
        /* The rest of the request will not come, or it waits for no end. */
        http_connection_close(c);
        return;
    }
    bool full = !receiving && c->in.len >= PIPELINED_BYTES_MAX;
    int events = (c->ended || full ? 0 : UV_READABLE) |
                 (c->phase == HTTP_PHASE_SENDING && !is_quiet(c) ? UV_WRITABLE : 0);
    if (events == c->events)
        return;
    c->events = events;
    if (events)
        uv_poll_start(&c->poll, events, on_poll);
    else
        uv_poll_stop(&c->poll);
}

static void connection_wait(struct http_connection *c, enum http_phase phase, uint64_t ms)
{
    c->phase = phase;
    c->moved = uv_now(c->http->loop);
    c->deadline = c->moved + ms;
}

/* A request has begun: it has to arrive whole within the time limit. */
static void request_begins(struct http_connection *c)
{
    connection_wait(c, HTTP_PHASE_HEAD, c->http->body_ms_max);
    c->begun = uv_now(c->http->loop);
}

bool http_connection_open(struct http *http, int fd, const struct sockaddr *from,
                          const struct owner *owner, struct http_address *address, bool encrypted)
{
    struct http_connection *c = calloc(1, sizeof *c);
    if (!c || uv_poll_init(http->loop, &c->poll, fd) != 0) {
        free(c);
        close(fd);
        return false;
    }
    c->http = http;
    c->fd = fd;
    c->poll.data = c;
    c->address = address;
    http_address_count(address, HTTP_KIND_CONNECTION, 1);
    c->encrypted = encrypted || from->sa_family == AF_UNIX; /* it does not leave the kernel */
    c->allowed = from->sa_family == AF_UNIX || config_allows_client(http->config, from);
    TAILQ_INSERT_TAIL(&http->connections, c, all);
    http->connection_count++;
    http->handles_open++;
    http_user_find(c, owner);
    request_begins(c); /* the listener has seen the first bytes */
    connection_settle(c);
    return true;
}

/* ---- Sending ---- */

/* Everything is sent. Closing a socket that still receives data resets it, and the reset can
 * overtake the answer: the client then sees a broken connection instead of the reason. So only this
 * side is closed, and what still comes is dropped, until the client closes as well or a limit is
 * reached (RFC 9112, 9.6). */
static void connection_end(struct http_connection *c)
{
    if (c->ended || c->http->stopping) {
        http_connection_close(c);
        return;
    }
    shutdown(c->fd, SHUT_WR);
    buffer_free(&c->in);
    connection_wait(c, HTTP_PHASE_ENDING, ENDING_MS_MAX);
}

/* Another request has come behind the one that is over: it is taken in the loop's next turn. */
static void request_follows(struct http_connection *c)
{
    request_begins(c);
    connection_due(c);
}

static void request_over(struct http_connection *c)
{
    http_request_free(c->request);
    c->request = NULL;
    c->begun = 0;
    if (c->closes) {
        connection_end(c);
        return;
    }
    connection_wait(c, HTTP_PHASE_HEAD, c->http->idle_ms_max);
    if (c->in.len > 0)
        request_follows(c);
}

/* Reads the next piece of a stream, if the one before has left. False: the stream gave up. */
static bool stream_fill(struct http_connection *c)
{
    struct http_request *request = c->request;
    struct http_stream *stream = &request->answer.stream;
    if (!stream->read || c->out_sent < request->out.len || c->streamed == stream->size)
        return true;
    uint64_t left = stream->size - c->streamed;
    size_t len = left < HTTP_STREAM_BYTES ? (size_t)left : HTTP_STREAM_BYTES;
    request->out.len = c->out_sent = 0;
    char *to = (char *)buffer_reserve(&request->out, len);
    ssize_t got = to ? stream->read(stream->arg, c->streamed, to, len) : -1;
    if (got <= 0)
        return false;
    assert((size_t)got <= len);
    request->out.len = (size_t)got;
    c->streamed += (uint64_t)got;
    return true;
}

/* Sends once. Returns 0, -EAGAIN, or an error of the connection. */
static int send_once(struct http_connection *c)
{
    struct http_request *request = c->request;
    struct iovec parts[] = {
        {request->answer_head + c->head_sent, request->answer_head_len - c->head_sent},
        {request->out.data + c->out_sent, request->out.len - c->out_sent}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent = sendmsg(c->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EINTR ? 0 : -errno;
    size_t of_head = (size_t)sent < parts[0].iov_len ? (size_t)sent : parts[0].iov_len;
    c->head_sent += of_head;
    c->out_sent += (size_t)sent - of_head;
    connection_wait(c, HTTP_PHASE_SENDING, c->http->idle_ms_max);
    return 0;
}

static bool is_sent(const struct http_connection *c)
{
    const struct http_request *request = c->request;
    return c->head_sent == request->answer_head_len && c->out_sent == request->out.len &&
           (!request->answer.stream.read || c->streamed == request->answer.stream.size);
}

/* Everything that there was of an endless answer is sent. What it goes on with leaves in the loop's
 * next turn. */
static void connection_drained(struct http_connection *c)
{
    struct http_request *request = c->request;
    buffer_free(&request->out);
    http_let_go(request);
    c->out_sent = 0;
    c->deadline = 0;
    request->answer.drained(request);
}

void http_connection_push(struct http_connection *c)
{
    if (c->phase != HTTP_PHASE_SENDING)
        return; /* its answer is about to begin */
    if (c->out_sent == 0)
        connection_wait(c, HTTP_PHASE_SENDING, c->http->idle_ms_max);
    connection_due(c);
}

/* A token that is removed ends what is still being sent by it. */
static bool may_go_on(const struct http_connection *c)
{
    const struct http_user *user = c->request->user;
    return !user || http_user_holds(c->http, user);
}

/* Sends as much as the socket takes, at most one piece of a stream. */
static void connection_send(struct http_connection *c)
{
    assert(c->phase == HTTP_PHASE_SENDING);
    bool goes_on = (c->out_sent == 0 && !c->request->answer.endless) || may_go_on(c);
    bool failed = c->request->out.failed || !goes_on || !stream_fill(c);
    int status = failed ? -EIO : is_quiet(c) ? 0 : send_once(c);
    if (status != 0 && status != -EAGAIN)
        connection_lost(c);
    else if (status == 0 && is_quiet(c))
        connection_drained(c);
    else if (status == 0 && is_sent(c))
        request_over(c);
}

static void connection_answer(struct http_connection *c)
{
    struct http_request *request = c->request;
    assert(request->state == HTTP_REQUEST_ANSWERED);
    if (c->broken || request->out.failed) {
        c->phase = HTTP_PHASE_SENDING;
        http_connection_close(c);
        return;
    }
    c->closes |= !request->head.keep_alive || c->http->stopping || request->answer.endless;
    c->head_sent = c->out_sent = 0;
    c->streamed = 0;
    http_request_finish_head(request, c->closes);
    if (!http_request_has_answer_body(request)) {
        request->out.len = 0;
        request->answer.stream.size = 0;
    }
    connection_wait(c, HTTP_PHASE_SENDING, c->http->idle_ms_max);
    connection_send(c);
}

void http_connection_answered(struct http_connection *c)
{
    connection_due(c);
}

/* ---- Requests ---- */

/* No request has such a head: answers 400 and ends. */
static void refuse_head(struct http_connection *c, unsigned int status, const char *why)
{
    c->request = http_request_new(c, (struct bytes){0});
    c->closes = true;
    if (!c->request) {
        http_connection_close(c);
        return;
    }
    http_error(c->request, status, (struct bytes){0}, "%s", why);
    connection_answer(c);
}

static void request_run(struct http_connection *c)
{
    c->phase = HTTP_PHASE_RUNNING;
    c->deadline = 0;
    http_request_run(c->request);
    if (c->request->state == HTTP_REQUEST_ANSWERED)
        connection_answer(c);
}

/* Hands the socket to libwebsockets, once the loop has let go of it. */
static void connection_upgrade(struct http_connection *c, struct bytes rest)
{
    c->session = http_user_hold(c->request->user);
    http_client_handshake(c->request, &c->upgrade);
    buffer_append(&c->upgrade, rest.data, rest.len);
    if (c->upgrade.failed)
        buffer_free(&c->upgrade);
    http_connection_close(c);
}

/* The body is not wanted: after a short one that is on its way the connection goes on. */
static bool body_can_be_dropped(const struct http_head *head)
{
    return !head->chunked && !head->expects_continue &&
           head->body_bytes <= HTTP_UNREAD_BODY_BYTES_MAX;
}

static void send_continue(struct http_connection *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    ssize_t sent = send(c->fd, text, sizeof text - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent != (ssize_t)sizeof text - 1)
        connection_lost(c); /* there was room, or the client does not read its answers */
}

static void begin_body(struct http_connection *c, bool anything_came)
{
    const struct http_head *head = &c->request->head;
    c->chunks = (struct http_chunks){0};
    c->body_left = head->body_bytes;
    c->phase = HTTP_PHASE_BODY;
    if (c->request->state == HTTP_REQUEST_ANSWERED) {
        c->closes |= !head->keep_alive || !body_can_be_dropped(head);
        if (c->closes || c->body_left == 0)
            connection_answer(c);
    } else if (!head->chunked && c->body_left == 0) {
        request_run(c);
    } else if (head->expects_continue && !anything_came) {
        send_continue(c);
    }
}

/* Goes on behind a head once it is known as whom its request acts. False: that takes longer, or the
 * connection ends. */
static bool identify(struct http_connection *c, struct bytes rest)
{
    c->phase = HTTP_PHASE_IDENTIFYING;
    if (!http_identify(c->request)) {
        if (is_confirming(c))
            c->deadline = 0; /* the replica has one */
        return false;
    }
    if (http_client_is_handshake(c->request)) {
        connection_upgrade(c, rest);
        return false;
    }
    begin_body(c, rest.len > 0);
    return true;
}

/* Takes a head from the beginning of `*input`. False: more is needed, or the connection ends. */
static bool take_head(struct http_connection *c, struct bytes *input)
{
    long len = http_head_find(*input, &c->scanned);
    if (len < 0) {
        refuse_head(c, HTTP_BAD_REQUEST,
                    "this is not HTTP/1.1: lines end with CRLF and have no control characters");
        return false;
    }
    if ((len == 0 && input->len >= HTTP_HEAD_BYTES_MAX) || len > HTTP_HEAD_BYTES_MAX) {
        bool line = memchr(input->data, '\n', HTTP_HEAD_BYTES_MAX);
        refuse_head(c, line ? HTTP_HEADERS_TOO_LARGE : HTTP_URI_TOO_LONG,
                    line ? "the header fields are too long" : "the request line is too long");
        return false;
    }
    if (len == 0)
        return false;
    c->scanned = 0;
    c->request = http_request_new(c, bytes_of(input->data, (size_t)len));
    if (!c->request) {
        http_connection_close(c);
        return false;
    }
    explicit_bzero((uint8_t *)input->data, (size_t)len); /* it may hold a token */
    *input = bytes_of(input->data + len, input->len - (size_t)len);
    if (c->request->state != HTTP_REQUEST_ANSWERED)
        http_request_admit(c->request);
    return identify(c, *input);
}

/* A body that is malformed leaves nobody knowing where it ends. */
static void refuse_chunks(struct http_connection *c)
{
    c->closes = true;
    if (c->request->state != HTTP_REQUEST_ANSWERED)
        http_error(c->request, HTTP_BAD_REQUEST, (struct bytes){0},
                   "the chunks of the body are malformed");
    connection_answer(c);
}

static void take_body(struct http_connection *c, struct bytes *input)
{
    struct bytes data;
    bool complete;
    if (c->request->head.chunked) {
        if (!http_chunks_take(&c->chunks, input, &data)) {
            refuse_chunks(c);
            return;
        }
        complete = c->chunks.state == HTTP_CHUNK_END;
    } else {
        data = bytes_of(input->data, input->len < c->body_left ? input->len : c->body_left);
        *input = bytes_of(input->data + data.len, input->len - data.len);
        c->body_left -= data.len;
        complete = c->body_left == 0;
    }
    bool dropped = c->request->state == HTTP_REQUEST_ANSWERED;
    if (!dropped)
        http_request_receive(c->request, data);
    if (complete && dropped)
        connection_answer(c);
    else if (complete)
        request_run(c);
}

/* Takes what the connection can use of these bytes, and returns what it cannot use yet. */
static struct bytes connection_take(struct http_connection *c, struct bytes input)
{
    bool goes_on = true, began = false;
    while (goes_on && input.len > 0) {
        if (c->phase == HTTP_PHASE_HEAD && began) {
            request_follows(c);
            goes_on = false;
        } else if (c->phase == HTTP_PHASE_IDENTIFYING) {
            goes_on = began = identify(c, input);
        } else if (c->phase == HTTP_PHASE_HEAD) {
            goes_on = began = take_head(c, &input);
        } else if (c->phase == HTTP_PHASE_BODY) {
            take_body(c, &input);
        } else {
            goes_on = false;
        }
    }
    bool dropped = c->closes || c->phase == HTTP_PHASE_CLOSED;
    return dropped && c->phase != HTTP_PHASE_BODY ? (struct bytes){0} : input;
}

/* Takes bytes that follow those in `in`. Whatever answers and ends the connection frees `in`, so
 * the bytes are taken out of it meanwhile. */
static void connection_input(struct http_connection *c, struct bytes input)
{
    struct buffer all = c->in;
    c->in = (struct buffer){0};
    if (all.len > 0) {
        buffer_append(&all, input.data, input.len);
        input = bytes_of(all.data, all.len);
    }
    struct bytes left = all.failed ? (struct bytes){0} : connection_take(c, input);
    if (left.len > 0)
        buffer_append(&c->in, left.data, left.len);
    if (all.failed || c->in.failed)
        connection_lost(c);
    buffer_free(&all);
}

/* Drops what comes while the connection ends. */
static void drop_input(struct http_connection *c, size_t len)
{
    c->dropped += len;
    if (c->ended || c->dropped > ENDING_BYTES_MAX)
        http_connection_close(c);
}

static void connection_receive(struct http_connection *c)
{
    uint8_t *input = c->http->input;
    ssize_t got = recv(c->fd, input, HTTP_READ_BYTES, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0) {
        connection_lost(c);
        return;
    }
    c->ended = got == 0;
    c->moved = uv_now(c->http->loop);
    if (c->phase == HTTP_PHASE_ENDING) {
        drop_input(c, (size_t)got);
    } else if (got > 0) {
        if (c->phase == HTTP_PHASE_HEAD && c->in.len == 0)
            request_begins(c);
        connection_input(c, bytes_of(input, (size_t)got));
    }
}

/* What the loop has seen of the socket; both directions may also have nothing to do. */
static void connection_events(struct http_connection *c, int events)
{
    if ((events & UV_WRITABLE) && c->phase == HTTP_PHASE_SENDING)
        connection_send(c);
    if ((events & UV_READABLE) && c->phase != HTTP_PHASE_CLOSED)
        connection_receive(c);
    connection_settle(c);
}

/* If this turn has no more time, the connection waits in line with the others. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct http_connection *c = poll->data;
    if (status < 0) {
        connection_lost(c);
    } else if (c->is_due) {
        return;
    } else if (!http_has_time(c->http)) {
        connection_due(c);
    } else {
        http_work_begins(c->http);
        connection_events(c, events);
        http_work_ends(c->http);
    }
}

/* Goes on with a head whose request has waited to know as whom it acts. */
static void connection_identified(struct http_connection *c)
{
    if (c->broken)
        http_connection_close(c);
    else if (c->in.len > 0)
        connection_input(c, (struct bytes){0});
    else
        identify(c, (struct bytes){0});
}

void http_connection_user_found(struct http_connection *c)
{
    if (c->phase == HTTP_PHASE_IDENTIFYING)
        connection_due(c);
}

void http_connection_go_on(struct http_connection *c)
{
    c->is_due = false;
    if (c->phase == HTTP_PHASE_IDENTIFYING && !is_confirming(c))
        connection_identified(c);
    else if (c->phase == HTTP_PHASE_RUNNING && c->request->state == HTTP_REQUEST_ANSWERED)
        connection_answer(c);
    else if (c->phase == HTTP_PHASE_SENDING)
        connection_send(c);
    else if (c->phase == HTTP_PHASE_HEAD && c->in.len > 0)
        connection_input(c, (struct bytes){0});
    else if (!c->broken)
        connection_events(c, c->events);
    connection_settle(c);
}

/* ---- Time ---- */

void http_connection_expire(struct http_connection *c)
{
    bool moves = c->phase == HTTP_PHASE_BODY || (c->phase == HTTP_PHASE_SENDING && !is_quiet(c));
    if ((c->deadline != 0 && c->deadline <= uv_now(c->http->loop)) ||
        (moves && http_has_stalled(c->http, c->moved, c->http->idle_ms_max)))
        http_connection_close(c);
}

void http_connection_stop(struct http_connection *c)
{
    if (!c->request)
        http_connection_close(c);
}
