#include "peer/receive.h"

#include "base/trace.h"
#include "peer/dial.h"
#include "peer/handshake.h"
#include "peer/route.h"

#include <errno.h>
#include <string.h>

enum { WARNING_MS = 60 * 1000 };

/* Once a minute for each source. If there are too many, the others get no warning. */
static bool may_warn(struct peer *peer, const struct in6_addr *ip)
{
    uint64_t now = uv_now(peer->loop);
    struct warning *free_one = NULL;
    for (size_t i = 0; i < LINK_WARNINGS_MAX; i++) {
        struct warning *w = &peer->warnings[i];
        bool old = w->at_ms == 0 || now - w->at_ms >= WARNING_MS;
        if (!old && memcmp(&w->ip, ip, sizeof *ip) == 0)
            return false;
        if (old)
            free_one = w;
    }
    if (!free_one)
        return false;
    *free_one = (struct warning){*ip, now ? now : 1};
    return true;
}

/* The place of the guest that has been here longest, if there is no free one. */
static struct guest *place_for_guest(struct peer *peer)
{
    struct guest *place = &peer->guests[0];
    for (size_t i = 1; i < LINK_GUESTS_MAX && place->wsi; i++) {
        struct guest *guest = &peer->guests[i];
        if (!guest->wsi || guest->pulses > place->pulses)
            place = guest;
    }
    return place;
}

void peer_adopt(struct peer *peer, int fd, const struct sockaddr *from, bool secure)
{
    struct lws *wsi = lws_adopt_socket_vhost(peer->vhost, fd); /* closes it when it fails */
    if (!wsi)
        return;
    struct guest *place = place_for_guest(peer);
    if (place->wsi)
        link_cut(place->wsi);
    *place = (struct guest){.wsi = wsi, .secure = secure};
    address_of(from, &place->ip);
}

static const struct guest *guest_of(const struct peer *peer, const struct lws *wsi)
{
    for (size_t i = 0; i < LINK_GUESTS_MAX; i++) {
        if (peer->guests[i].wsi == wsi)
            return &peer->guests[i];
    }
    return NULL;
}

static void forget_guest(struct peer *peer, const struct lws *wsi)
{
    for (size_t i = 0; i < LINK_GUESTS_MAX; i++) {
        if (peer->guests[i].wsi == wsi)
            peer->guests[i] = (struct guest){0};
    }
}

/* Lets a peer in, or answers why not; then the connection is closed. */
static int admit(struct peer *peer, struct lws *wsi, bool websocket)
{
    const struct guest *guest = guest_of(peer, wsi);
    if (!guest)
        return -1;
    struct link *link;
    const char *why;
    unsigned status = handshake_check(peer, wsi, guest, &link, &why);
    if (status == 0 && websocket) {
        lws_set_opaque_user_data(wsi, link);
        return 0;
    }
    if (status == 0) {
        status = HTTP_STATUS_FORBIDDEN;
        why = "not a WebSocket";
    }
    if (status == HTTP_STATUS_FORBIDDEN && may_warn(peer, &guest->ip)) {
        char text[ADDRESS_TEXT_MAX];
        address_text(&guest->ip, text);
        trace_warn("peer", "refused a link from %s: %s", text, why);
    }
    lws_return_http_status(wsi, status, why);
    return -1;
}

static void forget_in(struct link *link)
{
    trace_debug("peer", "connection from node %u has ended", link->pid);
    link->in = NULL;
    link->reach_count = 0;
    inbox_clear(&link->inbox);
    link_update(link);
}

/* A newer connection replaces an older one. Frames on the older one may be lost, so the link is
 * reported down, and up again. */
static int receive_established(struct link *link, struct lws *wsi)
{
    const struct guest *guest = guest_of(link->peer, wsi);
    struct guest it = guest ? *guest : (struct guest){0};
    forget_guest(link->peer, wsi);
    receive_leave(link);
    trace_debug("peer", "connection from node %u stands%s", link->pid,
                it.secure ? "" : ", without encryption");
    link->in = wsi;
    link->in_ip = it.ip;
    link->in_secure = it.secure;
    link->seals |= it.secure;
    link->in_pulses = 0;
    dial_now(link);
    link_update(link);
    return 0;
}

void receive_leave(struct link *link)
{
    if (!link->in)
        return;
    link_cut(link->in);
    forget_in(link);
}

static int on_frame(void *arg, struct bytes frame)
{
    struct link *link = arg;
    int status = route_receive(link, frame);
    return link->peer->stopping ? -ESHUTDOWN : status;
}

static int on_receive(struct link *link, struct lws *wsi, struct bytes part)
{
    struct peer *peer = link->peer;
    link->in_pulses = 0;
    peer->metrics.bytes_received += part.len;
    int status = -EBADMSG;
    if (lws_frame_is_binary(wsi))
        status = inbox_receive(&link->inbox, part, lws_is_final_fragment(wsi), on_frame, link);
    if (status == -EBADMSG && may_warn(peer, &link->in_ip))
        trace_warn("peer", "node %u sent a malformed frame: its connection is closed", link->pid);
    if (status == 0)
        return 0;
    forget_in(link);
    return -1;
}

static void pulse_in(struct link *link)
{
    if (!link->in || ++link->in_pulses <= PEER_SILENT_PULSES)
        return;
    trace_info("peer", "node %u (%s) is silent", link->pid, link->addr);
    receive_leave(link);
}

void receive_pulse(struct peer *peer)
{
    for (size_t i = 0; i < LINK_GUESTS_MAX; i++) {
        struct guest *guest = &peer->guests[i];
        if (guest->wsi && ++guest->pulses > PEER_SILENT_PULSES)
            link_cut(guest->wsi);
    }
    for (uint32_t i = 0; i < peer->count && !peer->stopping; i++)
        pulse_in(&peer->links[i]);
}

int receive_event(struct peer *peer, struct lws *wsi, enum lws_callback_reasons reason, void *in,
                  size_t len)
{
    struct link *link = lws_get_opaque_user_data(wsi);
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return peer->stopping ? -1 : admit(peer, wsi, false);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return peer->stopping ? -1 : admit(peer, wsi, strcasecmp(in, "websocket") == 0);
    case LWS_CALLBACK_ESTABLISHED:
        return peer->stopping || !link ? -1 : receive_established(link, wsi);
    case LWS_CALLBACK_RECEIVE:
        if (peer->stopping || !link || link->in != wsi)
            return -1;
        return on_receive(link, wsi, bytes_of(in, len));
    case LWS_CALLBACK_WSI_DESTROY:
        forget_guest(peer, wsi); /* fall through */
    case LWS_CALLBACK_CLOSED:
        if (!peer->stopping && link && link->in == wsi)
            forget_in(link);
        return 0;
    default:
        return 0;
    }
}
