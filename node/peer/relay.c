#include "peer/relay.h"

#include "base/trace.h"

bool relay_takes_plain(const struct peer *peer)
{
    return peer->plain || tls_secret_count(peer->tls) == 0;
}

/* A former version, which a peer may still be if plain links are taken, does not know them. */
bool relay_seals(const struct link *direct, const struct link *relay)
{
    const struct peer *peer = direct->peer;
    return tls_secret_count(peer->tls) > 0 && relay->out_secure && (direct->seals || !peer->plain);
}

/* The frame as bytes, and the sealed one around it but for its code. */
static void relay_wrap(struct link *direct, const struct frame *frame, struct buffer *inner,
                       struct buffer *outer)
{
    static const uint8_t no_code[FRAME_CODE_BYTES];
    const struct peer *peer = direct->peer;
    frame_encode(frame, &peer->scope, inner);
    struct frame sealed = {.type = FRAME_SEALED,
                           .from = peer->me,
                           .to = direct->pid,
                           .id = peer->start.incarnation,
                           .index = ++direct->sealed,
                           .data = bytes_of(inner->data, inner->len),
                           .code = bytes_of(no_code, sizeof no_code)};
    frame_encode(&sealed, &peer->scope, outer);
}

uint32_t relay_put(struct link *direct, struct link *relay, const struct frame *frame)
{
    struct peer *peer = direct->peer;
    struct buffer inner = {0}, outer = {0};
    uint32_t dropped = 1;
    relay_wrap(direct, frame, &inner, &outer);
    if (!inner.failed && !outer.failed && outer.len <= FRAME_BYTES_MAX) {
        size_t len = outer.len - FRAME_CODE_BYTES;
        if (tls_mac(peer->tls, 0, peer->me, direct->pid, bytes_of(outer.data, len),
                    outer.data + len) == 0)
            dropped = outbox_put_bytes(&relay->outbox, bytes_of(outer.data, outer.len),
                                       PEER_QUEUE_BYTES_MAX);
    }
    buffer_free(&inner);
    buffer_free(&outer);
    return dropped;
}

/* Of two starts the one with the higher incarnation is the later one. */
static bool relay_is_new(const struct link *from, const struct frame *sealed)
{
    if (sealed->id < from->seen.incarnation)
        return false;
    if (sealed->id != from->opened.incarnation)
        return sealed->id > from->opened.incarnation;
    return sealed->index > from->opened.number;
}

struct bytes relay_open(struct peer *peer, const struct frame *sealed, struct bytes bytes)
{
    struct link *from = link_of(peer, sealed->from);
    struct bytes covered = bytes_of(bytes.data, bytes.len - FRAME_CODE_BYTES);
    if (!from || !tls_mac_is_right(peer->tls, sealed->from, peer->me, covered, sealed->code.data) ||
        !relay_is_new(from, sealed)) {
        trace_debug("peer", "dropped a sealed frame of node %u", sealed->from);
        return (struct bytes){0};
    }
    from->opened.incarnation = sealed->id;
    from->opened.number = sealed->index;
    return sealed->data;
}
