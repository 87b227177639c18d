/* Links to and from the other nodes: WebSockets at ws://ADDR/omnipax, each used in one direction.
 *
 * A node talks to a peer over the connection it dialled and listens on the one that was dialled to
 * it. It keeps dialling with back-off and never gives up. Urgent frames (heartbeats and their
 * replies, pings) overtake bulk data, which is cut so that no WebSocket message is longer than
 * PEER_PIECE_BYTES; what waits for a slow peer is bounded, and beyond the bound new frames are
 * dropped (the protocol repairs it). Data of a connection that a newer one from the same peer has
 * replaced is ignored. When the direct link to a peer is down, or was quiet for PEER_QUIET_PULSES,
 * frames to it, heartbeats excepted, go by way of a peer that reaches both (one hop).
 *
 * Only configured peers that know the cluster, and the secret if there is one, may connect: 403
 * otherwise. Every link carries something at least every PEER_PULSE_MS; one that is silent, or
 * takes nothing, for PEER_SILENT_PULSES of these is closed (and dialled again).
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_PEER_PEER_H
#define QUORUMFS_PEER_PEER_H

#include "base/fault.h"
#include "peer/frame.h"

#include <libwebsockets.h>
#include <uv.h>

enum {
    PEER_PIECE_BYTES = 128 * 1024,
    PEER_QUEUE_BYTES_MAX = 32 * 1024 * 1024, /* waiting for one peer */
    PEER_BACKOFF_MS_MIN = 50,
    PEER_BACKOFF_MS_MAX = 2000,
    PEER_PULSE_MS = 100,
    PEER_QUIET_PULSES = 4,
    PEER_SILENT_PULSES = 25,
    PEER_ADDR_MAX = 256,
    PEER_SECRET_MAX = 256,
};

struct peer_member {
    uint32_t pid;
    char addr[PEER_ADDR_MAX]; /* HOST:PORT or [V6]:PORT to dial */
};

struct peer_config {
    struct frame_scope scope;
    uint32_t me;
    uint32_t count; /* the others */
    struct peer_member members[PAXOS_NODES_MAX];
    const char *secret; /* NULL: none; shorter than PEER_SECRET_MAX */
};

struct peer_callbacks {
    /* The frame is valid during the call. */
    void (*frame)(void *arg, struct frame *frame);
    /* Up: both directions stand. Down: not both any more. */
    void (*link)(void *arg, uint32_t pid, bool up);
    void *arg;
};

struct peer;

/* Makes the vhost for /omnipax in `context` and begins to dial. The config is copied. The context
 * must have been made with LWS_SERVER_OPTION_LIBUV, LWS_SERVER_OPTION_EXPLICIT_VHOSTS and `loop` as
 * foreign loop; no other vhost of it may have CONTEXT_PORT_NO_LISTEN as its port (libwebsockets
 * would choose between them by the Host header); `pt_serv_buf_size` = PEER_PIECE_BYTES lets it read
 * a whole message at once. Returns 0, -EINVAL (an address, the secret), -ENOMEM or -EIO with the
 * fault's text. */
int peer_start(uv_loop_t *loop, struct lws_context *context, const struct peer_config *config,
               const struct peer_callbacks *callbacks, struct peer **peer, struct fault *fault);

/* Where the listener hands accepted sockets that ask for /omnipax. Takes the descriptor. */
void peer_adopt(struct peer *peer, int fd);

/* Queues a frame; `from` is filled in, `to` must be another node. It leaves in this turn of the
 * loop or the next, with everything else that was queued. Dropped (and counted) when the peer
 * cannot be reached or its queue is full. Callbacks are never called from here. */
void peer_send(struct peer *peer, const struct frame *frame);

bool peer_linked(const struct peer *peer, uint32_t pid);

struct peer_metrics {
    uint64_t frames_sent, frames_received, frames_dropped, frames_relayed, bytes_sent,
        bytes_received;
    uint64_t queued_bytes;
};
void peer_metrics(const struct peer *peer, struct peer_metrics *metrics);

/* Stops dialling, closes every link and calls no callback any more (may be called from one). The
 * sockets are gone once the owner has destroyed the context and let the loop run; peer_free then.
 */
void peer_stop(struct peer *peer);
void peer_free(struct peer *peer);

#endif
