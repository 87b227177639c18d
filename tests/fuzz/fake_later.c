#include "fake_later.h"

static void expire(uv_handle_t *handle, void *replica)
{
    if (handle->type == UV_TIMER && handle->data == replica)
        ((uv_timer_t *)handle)->timer_cb((uv_timer_t *)handle);
}

void fake_later(uv_loop_t *loop, struct replica *replica)
{
    uv_walk(loop, expire, replica);
}
