#include "peer/pieces.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { LENGTH_BYTES = 4, INBOX_MESSAGE_BYTES_MAX = 1024 * 1024 };

static uint32_t length_at(const struct lane *lane, size_t at)
{
    struct reader r = reader_of(bytes_of(lane->bytes.data + at, LENGTH_BYTES));
    return reader_u32(&r);
}

static void set_length(struct lane *lane, size_t at, uint32_t length)
{
    struct buffer field = {.data = lane->bytes.data + at, .cap = LENGTH_BYTES};
    buffer_put_u32(&field, length);
}

static size_t lane_waiting(const struct lane *lane)
{
    return lane->bytes.len - lane->head - lane->sent;
}

static uint32_t lane_clear(struct lane *lane)
{
    uint32_t dropped = lane->frames;
    buffer_free(&lane->bytes);
    *lane = (struct lane){0};
    return dropped;
}

/* Moves the waiting frames to the front if the room before them is larger than they are. */
static void lane_compact(struct lane *lane)
{
    if (lane->head < lane->bytes.len / 2)
        return;
    size_t left = lane->bytes.len - lane->head;
    memmove(lane->bytes.data, lane->bytes.data + lane->head, left);
    lane->bytes.len = left;
    lane->head = 0;
}

/* A frame is written straight into the lane, between these two. */
static size_t lane_begin(struct lane *lane)
{
    if (lane->head > 0)
        lane_compact(lane);
    size_t start = lane->bytes.len;
    buffer_put_u32(&lane->bytes, 0);
    return start;
}

static bool lane_end(struct lane *lane, size_t start, size_t bytes_max)
{
    size_t length = lane->bytes.len - start - LENGTH_BYTES;
    if (lane->bytes.failed || length > FRAME_BYTES_MAX || lane_waiting(lane) > bytes_max) {
        lane->bytes.len = start;
        lane->bytes.failed = false; /* what was there before is still whole */
        return false;
    }
    set_length(lane, start, (uint32_t)length);
    lane->frames++;
    return true;
}

/* A late heartbeat is worthless, and so is a clock that was read long ago: neither must wait behind
 * bulk data. */
static bool is_urgent(const struct frame *frame)
{
    switch (frame->type) {
    case FRAME_PAXOS:
        return frame->paxos.type == PAXOS_HEARTBEAT_REQUEST ||
               frame->paxos.type == PAXOS_HEARTBEAT_REPLY;
    case FRAME_PING:
    case FRAME_PONG:
    case FRAME_REACH:
    case FRAME_CLOCK_REQUEST:
    case FRAME_CLOCK:
        return true;
    default:
        return false;
    }
}

uint32_t outbox_put(struct outbox *out, const struct frame *frame, const struct frame_scope *scope,
                    size_t bytes_max)
{
    bool urgent = is_urgent(frame);
    struct lane *lane = urgent ? &out->urgent : &out->bulk;
    uint32_t dropped = 0;
    if (urgent) {
        bytes_max = SIZE_MAX; /* small, and there is room for it now */
        if (lane_waiting(lane) >= OUTBOX_URGENT_BYTES_MAX)
            dropped = lane_clear(lane);
    } else if (lane_waiting(lane) >= bytes_max) {
        return 1;
    }
    size_t start = lane_begin(lane);
    frame_encode(frame, scope, &lane->bytes);
    return dropped + (lane_end(lane, start, bytes_max) ? 0 : 1);
}

uint32_t outbox_put_bytes(struct outbox *out, struct bytes frame, size_t bytes_max)
{
    size_t start = lane_begin(&out->bulk);
    buffer_append(&out->bulk.bytes, frame.data, frame.len);
    return lane_end(&out->bulk, start, bytes_max) ? 0 : 1;
}

bool outbox_empty(const struct outbox *out)
{
    return out->urgent.frames == 0 && out->bulk.frames == 0;
}

size_t outbox_bytes(const struct outbox *out)
{
    return lane_waiting(&out->urgent) + lane_waiting(&out->bulk);
}

/* Appends the next piece, whole or (if `cut` allows) as much as fits. Returns false when nothing
 * does. */
static bool put_piece(struct lane *lane, struct buffer *message, size_t end, bool cut)
{
    size_t room = end - message->len;
    uint32_t total = length_at(lane, lane->head);
    uint32_t length = total - lane->sent;
    if (room < PIECE_HEADER_BYTES + (size_t)length) {
        if (!cut || room <= PIECE_HEADER_BYTES)
            return false;
        length = (uint32_t)(room - PIECE_HEADER_BYTES);
    }
    buffer_put_u32(message, total);
    buffer_put_u32(message, lane->sent);
    buffer_put_u32(message, length);
    buffer_append(message, lane->bytes.data + lane->head + LENGTH_BYTES + lane->sent, length);
    lane->sent += length;
    return true;
}

/* Returns how many frames have left whole. */
static uint32_t lane_compose(struct lane *lane, struct buffer *message, size_t end, bool cut)
{
    uint32_t left = 0;
    while (lane->frames > 0 && put_piece(lane, message, end, cut)) {
        uint32_t total = length_at(lane, lane->head);
        assert(lane->sent <= total);
        if (lane->sent < total)
            break;
        lane->head += LENGTH_BYTES + (size_t)total;
        lane->sent = 0;
        lane->frames--;
        left++;
    }
    if (lane->frames == 0 && lane->bytes.cap > OUTBOX_KEEP_BYTES)
        lane_clear(lane);
    return left;
}

uint32_t outbox_compose(struct outbox *out, struct buffer *message, size_t room)
{
    assert(message->cap - message->len >= room);
    size_t end = message->len + room;
    uint32_t left = lane_compose(&out->urgent, message, end, false);
    return left + lane_compose(&out->bulk, message, end, true);
}

uint32_t outbox_clear(struct outbox *out)
{
    return lane_clear(&out->urgent) + lane_clear(&out->bulk);
}

/* The next piece of a frame that did not come whole. */
static int take_cut(struct inbox *in, struct bytes piece, uint32_t total, uint32_t offset,
                    inbox_frame_cb *frame, void *arg)
{
    if (offset != in->cut.len || (offset > 0 && total != in->cut_length))
        return -EBADMSG;
    in->cut_length = total;
    buffer_append(&in->cut, piece.data, piece.len);
    if (in->cut.failed)
        return -ENOMEM;
    if (in->cut.len < total)
        return 0;
    struct buffer whole = in->cut;
    in->cut = (struct buffer){0};
    int status = frame(arg, bytes_of(whole.data, whole.len));
    buffer_free(&whole);
    return status;
}

static int take_message(struct inbox *in, struct bytes message, inbox_frame_cb *frame, void *arg)
{
    struct reader r = reader_of(message);
    int status = 0;
    while (reader_left(&r) > 0 && status == 0) {
        uint32_t total = reader_u32(&r);
        uint32_t offset = reader_u32(&r);
        struct bytes piece = reader_bytes(&r);
        if (r.bad || piece.len == 0 || total > FRAME_BYTES_MAX || offset > total ||
            piece.len > total - offset)
            return -EBADMSG;
        if (piece.len == total)
            status = frame(arg, piece);
        else
            status = take_cut(in, piece, total, offset, frame, arg);
    }
    return status;
}

int inbox_receive(struct inbox *in, struct bytes part, bool last, inbox_frame_cb *frame, void *arg)
{
    if (last && in->message.len == 0)
        return take_message(in, part, frame, arg);
    if (in->message.len + part.len > INBOX_MESSAGE_BYTES_MAX)
        return -EBADMSG;
    buffer_append(&in->message, part.data, part.len);
    if (in->message.failed)
        return -ENOMEM;
    if (!last)
        return 0;
    int status = take_message(in, bytes_of(in->message.data, in->message.len), frame, arg);
    in->message.len = 0;
    return status;
}

void inbox_clear(struct inbox *in)
{
    buffer_free(&in->message);
    buffer_free(&in->cut);
    *in = (struct inbox){0};
}
