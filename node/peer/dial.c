#include "peer/dial.h"

#include "base/trace.h"
#include "peer/greeting.h"
#include "peer/lookup.h"

#include <assert.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

enum {
    FAILURES_TOLD = 3,         /* then quiet until it has been up again */
    BACKOFF_PART = 5,          /* so long a part of the time that it has been down */
    UNSENT_BYTES = 256 * 1024, /* in the kernel at most: what is urgent waits behind them */
};

static void on_redial(uv_timer_t *timer);

/* A part of the time that it has been down: so a peer that was away briefly is found quickly, as
 * when a cluster starts. Somewhere in the upper half, so that nodes do not dial each other in step.
 * A peer that has connected meanwhile is there: it is dialled at once. */
static uint64_t backoff_ms(const struct link *link)
{
    uint64_t ms = (uv_now(link->peer->loop) - link->down_ms) / BACKOFF_PART;
    if (link->called)
        return 0;
    if (ms < PEER_BACKOFF_MS_MIN)
        ms = PEER_BACKOFF_MS_MIN;
    if (ms > PEER_BACKOFF_MS_MAX)
        ms = PEER_BACKOFF_MS_MAX;
    uint32_t random = 0;
    uv_random(NULL, NULL, &random, sizeof random, 0, NULL); /* a failure leaves 0, which will do */
    return ms - random % (ms / 2);
}

static void tell_failure(struct link *link, const char *why)
{
    enum trace_level level = link->failures < FAILURES_TOLD ? TRACE_INFO : TRACE_DEBUG;
    trace(level, "peer", "connection to node %u (%s): %s", link->pid, link->addr, why);
}

/* There is no connection (any more): dials again after a while. */
static void dial_lost(struct link *link, const char *why)
{
    tell_failure(link, why);
    link->out = NULL;
    if (link->out_up)
        link->down_ms = uv_now(link->peer->loop);
    link->out_up = false;
    link->out_wants = link->out_waits = link->answers = false;
    link->peer->metrics.frames_dropped += outbox_clear(&link->outbox);
    uv_timer_start(&link->redial, on_redial, backoff_ms(link), 0);
    link->called = false;
    link->failures++;
    link_update(link);
}

static void connect_out(struct link *link)
{
    assert(!link->out && link->address.count > 0);
    char ip[ADDRESS_TEXT_MAX];
    address_text(&link->address.ips[link->next_ip++ % link->address.count], ip);
    link->out_pulses = 0;
    trace_debug("peer", "dials node %u (%s) at %s", link->pid, link->addr, ip);
    struct lws_client_connect_info info = {
        .context = link->peer->context,
        .vhost = link->peer->vhost,
        .address = ip,
        .port = link->address.port,
        .path = "/omnipax",
        .host = link->addr,
        .local_protocol_name = LINK_PROTOCOL,
        .opaque_user_data = link,
        .retry_and_idle_policy = &link_without_pings,
        .pwsi = &link->out,
    };
    /* It may fail with and without having called back. */
    if (!lws_client_connect_via_info(&info) && !uv_is_active((uv_handle_t *)&link->redial))
        dial_lost(link, "cannot connect");
}

static void on_looked_up(void *arg, const struct addrinfo *found, const char *why)
{
    struct link *link = arg;
    link->lookup = NULL;
    address_learn(&link->address, found);
    if (link->address.count > 0)
        connect_out(link);
    else
        dial_lost(link, why);
}

static void look_up(struct link *link)
{
    link->lookup = lookup_start(link->peer->loop, link->address.host, on_looked_up, link);
    if (!link->lookup)
        dial_lost(link, "too many names are being looked up");
}

/* A name is looked up each time: a peer may have moved. */
static void on_redial(uv_timer_t *timer)
{
    struct link *link = timer->data;
    if (link->out || link->lookup)
        return;
    if (link->address.numeric)
        connect_out(link);
    else
        look_up(link);
}

void dial_start(struct link *link)
{
    uv_timer_init(link->peer->loop, &link->redial);
    link->redial.data = link;
    link->down_ms = uv_now(link->peer->loop);
    link->peer->handles++;
}

void dial_now(struct link *link)
{
    if (!link->addr[0])
        return;
    if (!link->out && !link->lookup)
        uv_timer_start(&link->redial, on_redial, 0, 0);
    else
        link->called = !link->out_up;
}

void dial_write(struct link *link)
{
    assert(link->out_up);
    if (link->out_wants)
        return;
    link->out_wants = true;
    link->out_pulses = 0;
    link_flush_soon(link->peer);
}

void dial_pulse(struct link *link)
{
    if (!link->out || (link->out_up && !link->out_wants))
        return;
    link->out_pulses++;
    if (link->out_pulses <= PEER_SILENT_PULSES)
        return;
    struct lws *out = link->out;
    dial_lost(link, link->out_up ? "it takes nothing any more" : "it does not answer");
    link_cut(out);
}

static void give_up_lookup(struct link *link)
{
    if (!link->lookup)
        return;
    lookup_give_up(link->lookup);
    link->lookup = NULL;
}

void dial_leave(struct link *link)
{
    struct lws *out = link->out;
    uv_timer_stop(&link->redial);
    give_up_lookup(link);
    link->out = NULL;
    link->out_up = link->out_wants = link->out_waits = false;
    link->failures = 0;
    link->down_ms = uv_now(link->peer->loop);
    link->called = link->refusal_told = false;
    link->peer->metrics.frames_dropped += outbox_clear(&link->outbox);
    if (out)
        link_cut(out);
    link_update(link);
}

void dial_stop(struct link *link)
{
    give_up_lookup(link);
    if (link->out)
        link_cut(link->out);
    link_close_handle(link->peer, (uv_handle_t *)&link->redial);
}

/* Small frames must not wait for one another, urgent ones not behind too much that is not, and a
 * peer that has vanished must be noticed. Where the kernel refuses, the link is slower to notice,
 * no more. */
static void set_socket_options(int fd)
{
    int on = 1;
    int unsent = UNSENT_BYTES;
    unsigned silent_ms = PEER_PULSE_MS * PEER_SILENT_PULSES;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_ms, sizeof silent_ms);
}

static int dial_established(struct link *link)
{
    trace_debug("peer", "connection to node %u stands", link->pid);
    set_socket_options(lws_get_socket_fd(link->out));
    link->out_up = true;
    link->failures = 0;
    link->called = link->refusal_told = false;
    link_update(link);
    return 0;
}

static void tell_refusal(struct link *link)
{
    if (!link->refusal_told)
        trace_warn(
            "peer",
            "node %u (%s) refuses this node (HTTP 403): check that the addresses, the peers and "
            "the cluster_secret of both are right; its log has the reason",
            link->pid, link->addr);
    link->refusal_told = true;
}

static void on_failed(struct link *link, unsigned http_status, const char *why)
{
    char text[64];
    if (http_status == HTTP_STATUS_FORBIDDEN)
        tell_refusal(link);
    if (http_status != 0)
        snprintf(text, sizeof text, "HTTP %u", http_status);
    else
        snprintf(text, sizeof text, "%s", why ? why : "failed");
    dial_lost(link, text);
    link->answers = http_status != 0;
}

/* Puts the header of a binary WebSocket message in front of it (RFC 6455, 5.2). Returns its size.
 *
 * The mask is zero. It is there to keep scripts in browsers from choosing what careless proxies
 * see, of which there are none between nodes; and libwebsockets, which would choose a random one,
 * masks byte by byte: that cost more than all the rest of sending together. */
static size_t put_websocket_header(uint8_t *message, size_t len)
{
    uint8_t header[14] = {0x82, 0x80};
    size_t at = 2;
    size_t width = len < 126 ? 0 : len <= UINT16_MAX ? 2 : 8;
    if (width == 0)
        header[1] |= (uint8_t)len;
    else
        header[1] |= width == 2 ? 126 : 127;
    for (size_t i = 0; i < width; i++)
        header[at++] = (uint8_t)(len >> (8 * (width - 1 - i)));
    at += 4; /* the mask */
    memcpy(message - at, header, at);
    return at;
}

/* Sends the next message of the outbox. Returns -1 if the connection is broken. */
static int send_message(struct link *link)
{
    struct peer *peer = link->peer;
    link->out_wants = link->out_waits = false;
    peer->message.len = LWS_PRE;
    peer->metrics.frames_sent += outbox_compose(&link->outbox, &peer->message, PEER_PIECE_BYTES);
    size_t len = peer->message.len - LWS_PRE;
    if (len == 0)
        return 0;
    uint8_t *message = peer->message.data + LWS_PRE;
    size_t header = put_websocket_header(message, len);
    int size = (int)(header + len);
    /* LWS_WRITE_HTTP: the bytes as they are. */
    if (lws_write(link->out, message - header, header + len, LWS_WRITE_HTTP) < size)
        return -1;
    peer->metrics.bytes_sent += len;
    if (!outbox_empty(&link->outbox))
        dial_write(link);
    return 0;
}

void dial_flush(struct link *link)
{
    if (!link->out_wants || link->out_waits)
        return;
    if (lws_send_pipe_choked(link->out)) {
        link->out_waits = true;
        lws_callback_on_writable(link->out);
    } else if (send_message(link) < 0) {
        link_cut(link->out);
    }
}

int dial_event(struct link *link, struct lws *wsi, enum lws_callback_reasons reason, void *in,
               size_t len)
{
    bool given_up = wsi != link->out || link->peer->stopping;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return given_up ? -1 : greeting_write(link, in, len);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        return given_up ? -1 : dial_established(link);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return given_up ? -1 : send_message(link);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        if (given_up)
            return 0;
        on_failed(link, lws_http_client_http_response(wsi), in);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
    case LWS_CALLBACK_WSI_DESTROY:
        if (!given_up)
            dial_lost(link, "closed");
        return 0;
    default:
        return 0;
    }
}
