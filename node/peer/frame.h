/* Frames: what nodes say to each other, as bytes.
 *
 *   version u8 | type u8 | cluster u64 | configuration u64 | from u32 | to u32 | body
 *
 * Everything is checked before anything is believed: version, cluster, configuration, lengths, and
 * that nothing follows the body. The links check which node may send which frame (route.h). Thread:
 * none of its own. */
#ifndef QUORUMFS_PEER_FRAME_H
#define QUORUMFS_PEER_FRAME_H

#include "base/buffer.h"
#include "paxos/paxos.h"

enum {
    FRAME_VERSION = 3,
    FRAME_HEADER_BYTES = 1 + 1 + 8 + 8 + 4 + 4,
    FRAME_CODE_BYTES = 16,
    FRAME_BYTES_MAX =
        17 * 1024 * 1024, /* two of the largest commands in one message, with headers */
};

enum frame_type {
    FRAME_PAXOS = 1,
    FRAME_SNAPSHOT_REQUEST, /* id, index, piece: all before it are there */
    FRAME_SNAPSHOT_PIECE,   /* id, index, piece, last, data; index 0: this peer cannot serve it */
    FRAME_PING,             /* id */
    FRAME_PONG,             /* id */
    FRAME_REACH,            /* reach: for the relay; between links only */
    FRAME_DIGEST,           /* index, digest: what the sender has applied */
    FRAME_CLOCK_REQUEST,    /* id; from level 3 on */
    FRAME_CLOCK,            /* id, time: what the sender's wall clock shows */
    FRAME_ROOM,             /* room, room_bytes: of the sender; since feature level 3 */
    FRAME_SEALED, /* id, index, data: a frame that is relayed, with a code (relay.h); between nodes
                     with encrypted links only */
    FRAME_TYPE_END,
};

/* What the disk of a node has room for. */
enum frame_room {
    ROOM_PLENTY, /* everything */
    ROOM_LOW,    /* what does not grow */
    ROOM_FULL,   /* hardly anything: it would rather not take part */
    ROOM_END,
};

struct frame {
    uint8_t type; /* enum frame_type */
    uint8_t room; /* enum frame_room */
    bool last;
    uint32_t from, to;
    uint64_t id;     /* of a ping, or of the receiver's attempt to fetch a snapshot; when a clock
                        was asked for, by the receiver's steady clock, in microseconds */
    uint64_t time;   /* CLOCK: ns since 1970 */
    uint64_t index;  /* applied index: REQUEST: at least this; PIECE: of the snapshot */
    uint64_t digest; /* of the history up to `index` */
    uint64_t room_bytes;  /* by so many the store of the sender may grow */
    uint64_t piece;       /* number of the piece, from 0 */
    uint32_t reach_count; /* REACH: the peers that the sender hears and talks to */
    uint32_t reach[PAXOS_NODES_MAX];
    struct bytes data;          /* PIECE, SEALED; borrowed */
    struct bytes code;          /* SEALED: of all bytes before it; borrowed */
    struct paxos_message paxos; /* FRAME_PAXOS; from and to are taken from the frame */
};

struct frame_scope {
    uint64_t cluster, configuration;
};

/* Appends to `out`, whose `failed` says how it went. */
void frame_encode(const struct frame *frame, const struct frame_scope *scope, struct buffer *out);

/* The header alone: sender, receiver and type. Returns as frame_decode, but never
 * -ENOMEM. */
int frame_decode_header(struct bytes bytes, const struct frame_scope *scope, struct frame *frame);

/* Returns 0, -EBADMSG (malformed, too long, unknown version or type), -ESTALE (another cluster or
 * configuration) or -ENOMEM. `frame->data` borrows from `bytes`; paxos entries are new ones:
 * frame_clear afterwards. After an error there is nothing to clear. */
int frame_decode(struct bytes bytes, const struct frame_scope *scope, struct frame *frame);
void frame_clear(struct frame *frame);

#endif
