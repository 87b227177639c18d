/* The receiving side of a link: any bytes, as messages in parts of any length. */
#include "fuzz.h"

#include "peer/pieces.h"

#include <errno.h>

enum { PART_UNIT = 37, STOPPED = -ESHUTDOWN };

struct received {
    size_t bytes, frames_left;
};

/* Frames are made of what has come and of nothing else. */
static int on_frame(void *arg, struct bytes frame)
{
    struct received *received = arg;
    assert(frame.len > 0 && frame.len <= FRAME_BYTES_MAX);
    assert(frame.len <= received->bytes);
    received->bytes -= frame.len;
    uint8_t sum = 0;
    for (size_t i = 0; i < frame.len; i++) /* all of it can be read */
        sum = (uint8_t)(sum + frame.data[i]);
    (void)sum;
    return received->frames_left-- > 1 ? 0 : STOPPED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = source_of(data, size);
    struct inbox in = {0};
    struct received received = {.frames_left = 1 + source_number(&s) % 1000};
    while (s.left.len > 0) {
        uint8_t shape = source_u8(&s);
        struct bytes part = source_bytes(&s, (size_t)(shape >> 1) * PART_UNIT);
        received.bytes += part.len;
        int status = inbox_receive(&in, part, shape & 1, on_frame, &received);
        assert(status == 0 || status == -EBADMSG || status == STOPPED);
        assert(in.cut.len <= FRAME_BYTES_MAX && in.cut.len <= received.bytes);
        if (status != 0) { /* the connection is closed, and perhaps another one comes */
            inbox_clear(&in);
            received = (struct received){.frames_left = 10};
        }
    }
    inbox_clear(&in);
    return 0;
}
