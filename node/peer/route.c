#include "peer/route.h"

#include "base/trace.h"
#include "peer/dial.h"
#include "peer/relay.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static bool reaches(const struct link *link, uint32_t pid)
{
    for (uint32_t i = 0; i < link->reach_count; i++) {
        if (link->reach[i] == pid)
            return true;
    }
    return false;
}

/* A link that was cut stands until it has been silent for long. Frames do not wait for that: they
 * take another way as soon as the peer is missed. */
static bool route_heard(const struct link *link)
{
    return link->up && link->in_pulses < PEER_QUIET_PULSES;
}

static struct link *relay_to(struct peer *peer, uint32_t pid)
{
    for (uint32_t i = 0; i < peer->count; i++) {
        if (route_heard(&peer->links[i]) && reaches(&peer->links[i], pid))
            return &peer->links[i];
    }
    return NULL;
}

static bool is_heartbeat(const struct frame *frame)
{
    return frame->type == FRAME_PAXOS && (frame->paxos.type == PAXOS_HEARTBEAT_REQUEST ||
                                          frame->paxos.type == PAXOS_HEARTBEAT_REPLY);
}

static void route_put(struct link *link, const struct frame *frame)
{
    struct peer *peer = link->peer;
    peer->metrics.frames_dropped +=
        outbox_put(&link->outbox, frame, &peer->scope, PEER_QUEUE_BYTES_MAX);
    dial_write(link);
}

static struct link *way_to(struct link *direct)
{
    struct link *relay = route_heard(direct) ? NULL : relay_to(direct->peer, direct->pid);
    return relay ? relay : direct;
}

static void tell_way(struct link *direct, const struct link *way)
{
    uint32_t relay = way == direct ? 0 : way->pid;
    if (relay == direct->relay)
        return;
    direct->relay = relay;
    if (relay != 0)
        trace_debug("peer", "frames to node %u go by way of node %u", direct->pid, relay);
    else
        trace_debug("peer", "frames to node %u go directly", direct->pid);
}

void peer_send(struct peer *peer, const struct frame *frame)
{
    assert(frame->to != peer->me);
    struct frame mine = *frame;
    mine.from = peer->me;
    struct link *direct = link_of(peer, frame->to);
    struct link *way = direct;
    if (direct && !is_heartbeat(frame)) {
        way = way_to(direct);
        tell_way(direct, way);
    }
    if (peer->stopping || !way || !way->out_up) {
        peer->metrics.frames_dropped++;
        return;
    }
    if (way == direct || !relay_seals(direct, way)) {
        route_put(way, &mine);
        return;
    }
    peer->metrics.frames_dropped += relay_put(direct, way, &mine);
    dial_write(way);
}

void route_tell_reach(struct peer *peer)
{
    struct frame reach = {.type = FRAME_REACH, .from = peer->me};
    for (uint32_t i = 0; i < peer->count; i++) {
        if (route_heard(&peer->links[i]))
            reach.reach[reach.reach_count++] = peer->links[i].pid;
    }
    for (uint32_t i = 0; i < peer->count; i++) {
        reach.to = peer->links[i].pid;
        if (peer->links[i].out_up)
            route_put(&peer->links[i], &reach);
    }
}

/* Passes a frame for another node on as it is, if this node reaches that one itself. */
static void pass_on(struct link *link, const struct frame *header, struct bytes bytes)
{
    struct peer *peer = link->peer;
    struct link *target = link_of(peer, header->to);
    bool sealed = header->type == FRAME_SEALED; /* which a former version does not know */
    if (header->from != link->pid || header->type == FRAME_REACH || !target || !target->up ||
        (sealed && !target->out_secure)) {
        peer->metrics.frames_dropped++;
        return;
    }
    trace_debug("peer", "passes a frame of node %u on to node %u", header->from, header->to);
    peer->metrics.frames_relayed++;
    peer->metrics.frames_dropped += outbox_put_bytes(&target->outbox, bytes, PEER_QUEUE_BYTES_MAX);
    dial_write(target);
}

static void take_reach(struct link *link, const struct frame *frame)
{
    link->reach_count = frame->reach_count;
    for (uint32_t i = 0; i < frame->reach_count; i++)
        link->reach[i] = frame->reach[i];
}

/* From the peer itself, or from another one by way of it. */
static void deliver(struct link *link, struct frame *frame)
{
    struct peer *peer = link->peer;
    bool relayed = frame->from != link->pid;
    if (relayed &&
        (!link_of(peer, frame->from) || frame->type == FRAME_REACH || !relay_takes_plain(peer)))
        peer->metrics.frames_dropped++;
    else if (frame->type == FRAME_REACH)
        take_reach(link, frame);
    else
        peer->callbacks.frame(peer->callbacks.arg, frame);
}

/* A sealed frame holds one of the same sender, which no other node has changed. */
static void deliver_sealed(struct link *link, const struct frame *sealed, struct bytes bytes)
{
    struct peer *peer = link->peer;
    struct bytes inner = relay_open(peer, sealed, bytes);
    struct frame frame = {0};
    int status = inner.len > 0 ? frame_decode(inner, &peer->scope, &frame) : -EBADMSG;
    if (status == 0 && frame.from == sealed->from && frame.to == peer->me &&
        frame.type != FRAME_SEALED && frame.type != FRAME_REACH)
        peer->callbacks.frame(peer->callbacks.arg, &frame);
    else
        peer->metrics.frames_dropped++;
    if (status == 0)
        frame_clear(&frame);
}

int route_receive(struct link *link, struct bytes bytes)
{
    struct peer *peer = link->peer;
    peer->metrics.frames_received++;
    struct frame frame;
    int status = frame_decode_header(bytes, &peer->scope, &frame);
    if (status == 0 && frame.to != peer->me) {
        pass_on(link, &frame, bytes);
        return 0;
    }
    if (status == 0)
        status = frame_decode(bytes, &peer->scope, &frame);
    if (status == -EBADMSG)
        return status;
    if (status < 0) { /* no memory, or another configuration: the same as if it had been lost */
        trace_debug("peer", "dropped a frame of node %u: %s", link->pid, strerror(-status));
        peer->metrics.frames_dropped++;
        return 0;
    }
    if (frame.type == FRAME_SEALED)
        deliver_sealed(link, &frame, bytes);
    else
        deliver(link, &frame);
    frame_clear(&frame);
    return 0;
}
