/* Private to the room: frames on their way through one link: queued in two lanes, cut into pieces,
 * put together again.
 *
 * A WebSocket message is a row of pieces:
 *
 *   frame length u32 | offset u32 | length u32 | bytes
 *
 * Frames of the urgent lane always travel whole and first. A frame of the bulk lane that does not
 * fit in what is left of a message goes on in the next one; its pieces come in order, with whole
 * frames in between. So an urgent frame never waits for more than one message.
 *
 * Thread: none of its own. */
#ifndef QUORUMFS_PEER_PIECES_H
#define QUORUMFS_PEER_PIECES_H

#include "peer/frame.h"

enum {
    PIECE_HEADER_BYTES = 12,
    OUTBOX_URGENT_BYTES_MAX = 64 * 1024, /* hundreds of heartbeats; beyond it the old ones go */
    OUTBOX_KEEP_BYTES = 1024 * 1024,     /* memory that an empty lane may hold on to */
};

/* Frames one after the other, each with its length (u32) before it. */
struct lane {
    struct buffer bytes;
    size_t head;     /* where the first frame that has not left whole begins */
    uint32_t sent;   /* how much of that frame has left */
    uint32_t frames; /* waiting */
};

struct outbox {
    struct lane urgent, bulk;
};

/* Queues a frame. Returns how many frames were dropped for it: none; itself, when the bulk lane
 * would hold more than `bytes_max` or there is no memory; or all urgent ones that waited, when they
 * had become too many. */
uint32_t outbox_put(struct outbox *out, const struct frame *frame, const struct frame_scope *scope,
                    size_t bytes_max);
/* The same with a frame as it came, for the relay: always in the bulk lane. */
uint32_t outbox_put_bytes(struct outbox *out, struct bytes frame, size_t bytes_max);

bool outbox_empty(const struct outbox *out);
size_t outbox_bytes(const struct outbox *out);
/* Appends pieces to `message`, at most `room` bytes, which it has reserved. Returns how many frames
 * have now left whole. */
uint32_t outbox_compose(struct outbox *out, struct buffer *message, size_t room);
/* Empties it and gives its memory back. Returns how many frames that dropped. */
uint32_t outbox_clear(struct outbox *out);

struct inbox {
    struct buffer message; /* of a WebSocket message that comes in parts */
    struct buffer cut;     /* of a frame that comes in pieces */
    uint32_t cut_length;   /* of the whole frame */
};

/* The frame is borrowed during the call. Not 0: stop reading. */
typedef int inbox_frame_cb(void *arg, struct bytes frame);

/* Takes bytes that a WebSocket has received; `last`: the message ends here. Returns 0, -EBADMSG for
 * bytes that no outbox sends, -ENOMEM, or the result of the callback. */
int inbox_receive(struct inbox *in, struct bytes part, bool last, inbox_frame_cb *frame, void *arg);
void inbox_clear(struct inbox *in);

#endif
