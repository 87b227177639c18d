#include "fake_lws.h"

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct lws_vhost fake_vhost;
static struct lws *next; /* to be adopted */

/* ---- Called by the door ---- */

struct lws_vhost *lws_create_vhost(struct lws_context *context,
                                   const struct lws_context_creation_info *info)
{
    fake_vhost = (struct lws_vhost){info->protocols[0].callback, info->user,
                                    info->protocols[0].per_session_data_size};
    return &fake_vhost;
}

struct lws_vhost *lws_get_vhost(struct lws *wsi)
{
    return wsi->vhost;
}

void *lws_vhost_user(struct lws_vhost *vhost)
{
    return vhost->user;
}

int lws_is_final_fragment(struct lws *wsi)
{
    return wsi->final;
}

size_t lws_remaining_packet_payload(struct lws *wsi)
{
    return 0;
}

int lws_rx_flow_control(struct lws *wsi, int enable)
{
    wsi->paused = !enable;
    return 0;
}

int lws_callback_on_writable(struct lws *wsi)
{
    assert(wsi->session);
    wsi->wants_to_write = true;
    return 1;
}

int lws_send_pipe_choked(struct lws *wsi)
{
    return 0;
}

int lws_write(struct lws *wsi, unsigned char *data, size_t len, enum lws_write_protocol protocol)
{
    enum lws_write_protocol first = wsi->writing.len > 0 ? LWS_WRITE_CONTINUATION : LWS_WRITE_TEXT;
    assert((protocol & ~LWS_WRITE_NO_FIN) == first);
    assert(len > 0);
    buffer_append(&wsi->writing, data, len);
    assert(!wsi->writing.failed);
    memset(data - LWS_PRE, 0, LWS_PRE); /* the frame's head is written there */
    if (protocol & LWS_WRITE_NO_FIN)
        return (int)len;
    wsi->messages++;
    wsi->on_written(bytes_of(wsi->writing.data, wsi->writing.len));
    buffer_free(&wsi->writing);
    return (int)len;
}

void lws_set_timeout(struct lws *wsi, enum pending_timeout reason, int seconds)
{
    assert(seconds > 0);
}

void lws_set_opaque_user_data(struct lws *wsi, void *data)
{
    wsi->opaque = data;
}

void *lws_get_opaque_user_data(const struct lws *wsi)
{
    return wsi->opaque;
}

static void shake_hands(struct lws *wsi);

struct lws *lws_adopt_socket_vhost_readbuf(struct lws_vhost *vhost, lws_sockfd_type fd,
                                           const char *readbuf, size_t len)
{
    assert(next && vhost == &fake_vhost);
    struct lws *wsi = next;
    next = NULL;
    shake_hands(wsi);
    return wsi;
}

/* For the close frame, which the door sends itself. */
lws_sockfd_type lws_get_socket_fd(struct lws *wsi)
{
    static int ends[2] = {-1, -1};
    char dropped[64];
    if (ends[0] < 0) {
        int status = socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
        assert(status == 0);
    }
    while (recv(ends[1], dropped, sizeof dropped, MSG_DONTWAIT) > 0) {
    }
    return ends[0];
}

/* ---- Called by the target ---- */

static int fake_tell(struct lws *wsi, enum lws_callback_reasons reason, struct bytes in)
{
    return wsi->vhost->callback(wsi, reason, wsi->session, (void *)in.data, in.len);
}

static void end(struct lws *wsi)
{
    if (wsi->session)
        fake_tell(wsi, LWS_CALLBACK_CLOSED, (struct bytes){0});
    fake_tell(wsi, LWS_CALLBACK_WSI_DESTROY, (struct bytes){0});
    free(wsi->session);
    buffer_free(&wsi->writing);
    wsi->session = NULL;
    wsi->vhost = NULL;
}

void fake_lws_next(struct lws *wsi)
{
    next = wsi;
}

static void shake_hands(struct lws *wsi)
{
    wsi->vhost = &fake_vhost;
    fake_tell(wsi, LWS_CALLBACK_WSI_CREATE, (struct bytes){0});
    fake_tell(wsi, LWS_CALLBACK_HTTP_CONFIRM_UPGRADE, bytes_of_text("websocket"));
    wsi->session = calloc(1, wsi->vhost->session_bytes);
    assert(wsi->session);
    int status = fake_tell(wsi, LWS_CALLBACK_ESTABLISHED, (struct bytes){0});
    assert(status == 0);
}

static bool goes_on(struct lws *wsi, int status)
{
    if (status != 0)
        end(wsi);
    return status == 0;
}

bool fake_lws_receive(struct lws *wsi, struct bytes part, bool final)
{
    assert(!wsi->paused);
    wsi->final = final;
    return goes_on(wsi, fake_tell(wsi, LWS_CALLBACK_RECEIVE, part));
}

bool fake_lws_write(struct lws *wsi)
{
    if (!wsi->wants_to_write)
        return true;
    wsi->wants_to_write = false;
    return goes_on(wsi, fake_tell(wsi, LWS_CALLBACK_SERVER_WRITEABLE, (struct bytes){0}));
}

void fake_lws_close(struct lws *wsi)
{
    end(wsi);
}
