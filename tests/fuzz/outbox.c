/* Frames on their way through a link: whatever the order of queueing, sending and receiving, they
 * arrive whole, once, and in the order of their lane. */
#include "fuzz.h"

#include "peer/pieces.h"

#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BYTES_MAX = 4096, DATA_BYTES_MAX = 9000, BULK_BYTES_MAX = 40000, ACTIONS_MAX = 400 };

static const struct frame_scope scope = {1, 1};

struct lane_check {
    uint64_t put, expected; /* ids: of the last one that was queued; the next one to arrive */
};

struct link_check {
    struct outbox out;
    struct inbox in;
    struct lane_check urgent, bulk;
    size_t bulk_bytes_max;
};

/* Frames carry their number, twice where there is room: wrong bytes would show. */
static int on_frame(void *arg, struct bytes bytes)
{
    struct link_check *link = arg;
    struct frame frame;
    int status = frame_decode(bytes, &scope, &frame);
    assert(status == 0);
    bool urgent = frame.type == FRAME_PING;
    struct lane_check *lane = urgent ? &link->urgent : &link->bulk;
    assert(frame.id == lane->expected);
    assert(frame.id <= lane->put);
    lane->expected++;
    for (size_t i = 0; i < frame.data.len; i++)
        assert(frame.data.data[i] == (uint8_t)frame.id);
    frame_clear(&frame);
    return 0;
}

static void put_urgent(struct link_check *link)
{
    struct frame frame = {.type = FRAME_PING, .id = link->urgent.put + 1};
    uint32_t waiting = link->out.urgent.frames;
    uint32_t dropped = outbox_put(&link->out, &frame, &scope, link->bulk_bytes_max);
    link->urgent.put++;
    assert(dropped == 0 || dropped == waiting);
    link->urgent.expected += dropped;
}

static void put_bulk(struct link_check *link, size_t len)
{
    static uint8_t data[DATA_BYTES_MAX];
    assert(len <= sizeof data);
    memset(data, (int)(link->bulk.put + 1), len);
    struct frame frame = {
        .type = FRAME_SNAPSHOT_PIECE, .id = link->bulk.put + 1, .data = bytes_of(data, len)};
    uint32_t dropped = outbox_put(&link->out, &frame, &scope, link->bulk_bytes_max);
    assert(dropped <= 1);
    link->bulk.put += 1 - dropped;
    assert(outbox_bytes(&link->out) <= BULK_BYTES_MAX + OUTBOX_URGENT_BYTES_MAX + 1024);
}

/* One message, which arrives in parts. */
static void send(struct link_check *link, struct source *s)
{
    struct buffer message = {0};
    size_t room = source_number(s) % MESSAGE_BYTES_MAX;
    uint8_t *reserved = buffer_reserve(&message, MESSAGE_BYTES_MAX);
    assert(reserved);
    outbox_compose(&link->out, &message, room);
    assert(message.len <= room);
    struct bytes left = bytes_of(message.data, message.len);
    while (left.len > 0) {
        size_t len = 1 + source_number(s) % MESSAGE_BYTES_MAX;
        len = len < left.len ? len : left.len;
        bool last = len == left.len;
        int status = inbox_receive(&link->in, bytes_of(left.data, len), last, on_frame, link);
        assert(status == 0);
        left = bytes_of(left.data + len, left.len - len);
    }
    buffer_free(&message);
}

/* The connection is lost, with all that was on its way. */
static void cut(struct link_check *link)
{
    uint32_t frames = link->out.urgent.frames + link->out.bulk.frames;
    uint32_t dropped = outbox_clear(&link->out);
    assert(dropped == frames);
    assert(outbox_empty(&link->out));
    inbox_clear(&link->in);
    link->urgent.expected = link->urgent.put + 1;
    link->bulk.expected = link->bulk.put + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = source_of(data, size);
    struct link_check link = {.urgent = {0, 1}, .bulk = {0, 1}};
    link.bulk_bytes_max = source_number(&s) % BULK_BYTES_MAX;
    for (int i = 0; i < ACTIONS_MAX && s.left.len > 0; i++) {
        switch (source_below(&s, 8)) {
        case 0:
            put_urgent(&link);
            break;
        case 1:
            for (uint64_t n = source_number(&s) % 4000; n > 0; n--)
                put_urgent(&link);
            break;
        case 2:
        case 3:
            put_bulk(&link, source_number(&s) % DATA_BYTES_MAX);
            break;
        case 4:
            cut(&link);
            break;
        default:
            send(&link, &s);
        }
    }
    cut(&link);
    return 0;
}
