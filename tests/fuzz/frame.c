/* Frames of peers: an accepted frame gives the same bytes again. */
#include "fuzz.h"

#include "peer/frame.h"

#include <errno.h>

static void check_header(struct bytes bytes, const struct frame_scope *scope,
                         const struct frame *frame)
{
    struct frame header;
    int status = frame_decode_header(bytes, scope, &header);
    assert(status == 0);
    assert(header.type == frame->type);
    assert(header.from == frame->from);
    assert(header.to == frame->to);
}

static void check_encoding(struct bytes bytes, const struct frame_scope *scope,
                           const struct frame *frame)
{
    struct buffer again = {0};
    frame_encode(frame, scope, &again);
    assert(!again.failed);
    assert(bytes_equal(bytes, bytes_of(again.data, again.len)));
    buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct frame_scope scope = {1, 1};
    struct bytes bytes = bytes_of(data, size);
    struct frame frame;
    int status = frame_decode(bytes, &scope, &frame);
    assert(status == 0 || status == -EBADMSG || status == -ESTALE);
    if (status < 0)
        return 0;
    check_header(bytes, &scope, &frame);
    check_encoding(bytes, &scope, &frame);
    frame_clear(&frame);
    return 0;
}
