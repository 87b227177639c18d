/* The memory that clients make this node take: what arrives from them, and answers that they have
 * not taken. One budget for both doors, in bytes; it is not for counting requests, since one of a
 * few bytes can ask for many. */
#include "http_internal.h"

#include <assert.h>

bool http_take(struct http *http, size_t *held, size_t bytes)
{
    bool small = *held + bytes <= HTTP_SMALL_BYTES;
    size_t max = small ? http->held_max : http->held_max / 4 * 3;
    if (bytes > 0 && (bytes > max || http->held_bytes > max - bytes))
        return false;
    http->held_bytes += bytes;
    *held += bytes;
    return true;
}

void http_hold_now(struct http *http, size_t *held, size_t bytes)
{
    assert(http->held_bytes >= *held);
    http->held_bytes += bytes - *held;
    *held = bytes;
}

bool http_has_stalled(const struct http *http, uint64_t moved, uint64_t ms)
{
    bool pressed = http->held_bytes > http->held_max / 2;
    return moved + (pressed && http->pressed_ms < ms ? http->pressed_ms : ms) <= uv_now(http->loop);
}
