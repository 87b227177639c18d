#include "peer/dial.h"

#include "base/trace.h"
#include "peer/greeting.h"
#include "peer/lookup.h"
#include "peer/wire.h"

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
static int wire_greets(void *arg, char **at, size_t room);
static void wire_opened(void *arg);
static void wire_ended(void *arg, unsigned http_status, bool wrong_way, const char *why);
static void wire_takes_more(void *arg);

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
    link->out_secure = false;
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

/* How many ways there are to prove this node to the other one; the last may be a plain connection,
 * which proves nothing. */
static uint32_t way_count(const struct peer *peer)
{
    return (tls_has_nodes(peer->tls) ? tls_way_count(peer->tls) : 0) + (peer->plain ? 1 : 0);
}

static bool way_is_plain(const struct link *link)
{
    return link->peer->plain && link->way == way_count(link->peer) - 1;
}

static void connect_out(struct link *link)
{
    assert(!link->out && link->address.count > 0);
    static const struct wire_events events = {wire_greets, wire_opened, wire_ended, wire_takes_more,
                                              NULL};
    const struct in6_addr *to = &link->address.ips[link->next_ip++ % link->address.count];
    struct wire_events mine = events;
    char ip[ADDRESS_TEXT_MAX];
    mine.arg = link;
    if (way_count(link->peer) == 0) {
        dial_lost(link, "this node has no secret");
        return;
    }
    link->way %= way_count(link->peer); /* the secrets may have changed */
    address_text(to, ip);
    link->out_pulses = 0;
    link->out_secure = !way_is_plain(link);
    trace_debug("peer", "dials node %u (%s) at %s%s", link->pid, link->addr, ip,
                link->out_secure ? "" : ", without encryption");
    struct wire_target target = {.ip = to,
                                 .port = link->address.port,
                                 .host = link->address.host,
                                 .name = link->addr,
                                 .tls = link->out_secure ? link->peer->tls : NULL,
                                 .way = link->way};
    link->out = wire_open(link->peer, &target, &mine);
    if (!link->out)
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
    wire_close(link->out);
    dial_lost(link, link->out_up ? "it takes nothing any more" : "it does not answer");
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
    uv_timer_stop(&link->redial);
    give_up_lookup(link);
    if (link->out)
        wire_close(link->out);
    link->out = NULL;
    link->out_up = link->out_wants = link->out_waits = link->out_secure = false;
    link->way = 0;
    link->failures = 0;
    link->down_ms = uv_now(link->peer->loop);
    link->called = link->refusal_told = false;
    link->peer->metrics.frames_dropped += outbox_clear(&link->outbox);
    link_update(link);
}

void dial_stop(struct link *link)
{
    give_up_lookup(link);
    if (link->out)
        wire_close(link->out);
    link->out = NULL;
    link->out_up = link->out_wants = false;
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

static int wire_greets(void *arg, char **at, size_t room)
{
    return greeting_write(arg, at, room);
}

static void wire_opened(void *arg)
{
    struct link *link = arg;
    trace_debug("peer", "connection to node %u stands", link->pid);
    set_socket_options(wire_socket(link->out));
    link->out_up = true;
    link->failures = 0;
    link->called = link->refusal_told = false;
    link->seals |= link->out_secure;
    link_update(link);
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

/* The other end may know the other secret only, or no encryption. After a connection that stood,
 * the best way is tried first again. */
static void choose_way(struct link *link, unsigned http_status, bool wrong_way)
{
    if (link->out_up)
        link->way = 0;
    else if (wrong_way && http_status != HTTP_STATUS_SERVICE_UNAVAILABLE)
        link->way++;
    if (wrong_way && !link->refusal_told && link->way >= way_count(link->peer)) {
        link->refusal_told = true;
        trace_warn("peer",
                   "node %u (%s) and this node cannot prove themselves to each other: check that "
                   "both have the same secret, or valid certificates",
                   link->pid, link->addr);
    }
}

static void wire_ended(void *arg, unsigned http_status, bool wrong_way, const char *why)
{
    struct link *link = arg;
    char text[128];
    choose_way(link, http_status, wrong_way);
    if (http_status == HTTP_STATUS_FORBIDDEN)
        tell_refusal(link);
    if (http_status != 0)
        snprintf(text, sizeof text, "HTTP %u", http_status);
    else
        snprintf(text, sizeof text, "%s", link->out_up ? "closed" : why);
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
    if (wire_write(link->out, bytes_of(message - header, header + len)) < 0)
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
    if (wire_is_choked(link->out)) {
        link->out_waits = true;
        wire_wait(link->out);
    } else if (send_message(link) < 0) {
        wire_cut(link->out);
    }
}

static void wire_takes_more(void *arg)
{
    struct link *link = arg;
    if (send_message(link) < 0)
        wire_cut(link->out);
}
