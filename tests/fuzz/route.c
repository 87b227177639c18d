/* Frames as they come in through a link: kept, relayed or dropped; relayed frames are bounded. The
 * connections are left out: this file takes the place of dial.c and peer.c. */
#include "fuzz.h"

#include "peer/dial.h"
#include "peer/link.h"
#include "peer/route.h"

#include <errno.h>

enum { ME = 1, LINKS = 2, FRAMES_MAX = 60 };

void dial_write(struct link *link)
{
    assert(link->out_up);
}

struct link *link_of(struct peer *peer, uint32_t pid)
{
    for (uint32_t i = 0; i < peer->count; i++)
        if (peer->links[i].pid == pid)
            return &peer->links[i];
    return NULL;
}

/* Frames that the replica gets are for this node, from a node of the cluster. */
static void on_frame(void *arg, struct frame *frame)
{
    assert(frame->to == ME);
    assert(link_of(arg, frame->from));
    assert(frame->type != FRAME_REACH);
}

static void make_peer(struct peer *peer, struct source *s)
{
    *peer = (struct peer){.me = ME, .count = LINKS, .scope = {1, 1}};
    peer->callbacks.frame = on_frame;
    peer->callbacks.arg = peer;
    for (uint32_t i = 0; i < LINKS; i++) {
        peer->links[i] = (struct link){.peer = peer, .pid = 2 + i};
        peer->links[i].up = peer->links[i].out_up = source_u8(s) & 1;
    }
}

static void put_frame(struct buffer *out, struct source *s)
{
    buffer_put_u8(out, FRAME_VERSION);
    buffer_put_u8(out, (uint8_t)source_below(s, FRAME_TYPE_END + 1));
    buffer_put_u64(out, 1);
    buffer_put_u64(out, source_u8(s) == 255 ? 2 : 1);
    buffer_put_u32(out, source_below(s, 5));
    buffer_put_u32(out, source_below(s, 5));
    struct bytes body = source_chunk(s);
    buffer_append(out, body.data, body.len);
    assert(!out->failed);
}

static void receive(struct peer *peer, struct source *s)
{
    struct buffer bytes = {0};
    struct link *link = &peer->links[source_below(s, LINKS)];
    put_frame(&bytes, s);
    int status = route_receive(link, bytes_of(bytes.data, bytes.len));
    assert(status == 0 || status == -EBADMSG);
    assert(link->reach_count <= PAXOS_NODES_MAX);
    buffer_free(&bytes);
}

/* Something of this node, which may go by way of another. */
static void say(struct peer *peer, struct source *s)
{
    struct frame frame = {.type = FRAME_PING, .to = 2 + source_below(s, 4)};
    if (source_u8(s) & 1)
        frame.type = FRAME_SNAPSHOT_REQUEST;
    peer_send(peer, &frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct peer peer;
    struct source s = source_of(data, size);
    make_peer(&peer, &s);
    for (int i = 0; i < FRAMES_MAX && s.left.len > 0; i++) {
        if (source_below(&s, 8) > 0)
            receive(&peer, &s);
        else if (source_u8(&s) & 1)
            say(&peer, &s);
        else
            route_tell_reach(&peer);
    }
    for (uint32_t i = 0; i < LINKS; i++)
        outbox_clear(&peer.links[i].outbox);
    return 0;
}
