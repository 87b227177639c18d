/* Links to and from the other nodes: WebSockets at ws://ADDR/omnipax, each used in one direction.
 *
 * A node talks to a peer over the connection that it dialled, and listens on the one that the peer
 * dialled. It dials again with back-off and never gives up. Urgent frames (heartbeats and their
 * replies, pings) overtake bulk data, which is cut so that no WebSocket message is longer than
 * PEER_PIECE_BYTES. The queue for a slow peer is bounded; beyond that, new frames are dropped, and
 * the protocol repairs it. If a peer connects again, data of its former connection is ignored. When
 * the direct link to a peer is down, or was quiet for PEER_QUIET_PULSES, frames to it go by way of
 * a peer that reaches both (one hop), except for heartbeats.
 *
 * Links are encrypted, and both ends prove that they know the secret of the cluster (tls/tls.h)
 * before anything else is said. Plain links, as former versions make them, are taken and made only
 * if the owner says so: from nodes that send the secret or come from the address of a member.
 * Nodes say in their handshake who they are,
 * which feature levels they speak and who belongs to the cluster (greeting.h). A node that does not
 * know its cluster yet answers 503 to everybody and tells its owner what they said; a member that
 * hears from such a node calls back, and so tells it who it is. A member that comes back under
 * another address says so and is dialled there. Every link carries something at least every
 * PEER_PULSE_MS; one that is silent, or takes nothing, for PEER_SILENT_PULSES of these is closed
 * (and dialled again).
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_PEER_PEER_H
#define QUORUMFS_PEER_PEER_H

#include "base/fault.h"
#include "base/start.h"
#include "peer/frame.h"
#include "tls/tls.h"

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
    PEER_VERSION_MAX = 32,
    PEER_HEADERS_MAX = 8192, /* bytes of all headers of a handshake: the longest secret, and nine
                                members with the longest addresses */
};

/* The standing of a node in its cluster, as it tells the others when it connects. */
enum peer_standing {
    PEER_NEW, /* its folder is new and it knows no cluster: ids and scope only stand in for one */
    PEER_FOUNDING, /* it knows its cluster, and that nobody has taken part in it before */
    PEER_MEMBER,   /* it knows its cluster, from a member or as one */
    PEER_FORMER,   /* it speaks feature level 1, which says nothing of it */
};

/* The feature levels that a node speaks. */
struct peer_levels {
    uint32_t min, max;
};

/* What should be equal at all nodes, though a node works with what others say as well. */
struct peer_settings {
    uint32_t heartbeat_ms; /* 0: nothing is known, as of nodes of level 1 */
    uint32_t lease_ms;
    uint32_t session_ms;            /* 0: it is not known, as of nodes before level 4 */
    char version[PEER_VERSION_MAX]; /* of the program */
};

struct peer_member {
    uint32_t pid;                  /* the node's id */
    char addr[PEER_ADDR_MAX];      /* HOST:PORT or [V6]:PORT where it listens, its name */
    char peer_addr[PEER_ADDR_MAX]; /* where peers connect; empty: it is waited for */
    bool fixed; /* this node reaches `addr` by way of `peer_addr`, whatever the peer says of it */
    struct start seen; /* the last start of the node that this one has heard of */
};

/* Which cluster a node belongs to, as whom, and who else does. */
struct peer_identity {
    struct frame_scope scope;
    uint32_t me;
    enum peer_standing standing; /* never PEER_FORMER */
    struct start start; /* in which it runs; the incarnation is 0 as long as it may change */
    uint32_t count;     /* the others */
    struct peer_member members[PAXOS_NODES_MAX];
};

struct peer_config {
    struct peer_identity identity;
    struct peer_member self; /* what this node says of itself; no addr: nothing. `pid` is unused */
    struct peer_levels levels; /* that this node speaks */
    struct peer_settings settings;
    uint32_t level;     /* of the cluster: a node that does not speak it is not let in */
    struct tls *tls;    /* NULL: no encryption */
    bool plain;         /* take and make plain links as well, if a peer knows no others */
    const char *secret; /* of plain links. NULL: none; shorter than PEER_SECRET_MAX */
};

/* The headers by which a node introduces itself when it connects. */
struct peer_greeting {
    struct peer_member dialler; /* without addresses from a node of level 1 */
    uint32_t to;                /* whom it takes this node for */
    struct frame_scope scope;
    enum peer_standing standing;
    struct peer_levels levels;
    struct start start; /* in which the dialler runs; the incarnation is 0 if it does not say */
    struct start seen;  /* the last one of this node that it has heard of; likewise */
    struct peer_settings settings;
    uint64_t process; /* a random number of the dialler's process; 0: it does not say */
    uint32_t count; /* the members of its cluster, itself included, each id once; 0 if it is new, of
                       level 1, or does not know where all of them are */
    struct peer_member members[PAXOS_NODES_MAX];
};

struct peer_callbacks {
    /* The frame is valid during the call. */
    void (*frame)(void *arg, struct frame *frame);
    /* Up: both directions stand. Down: not both any more. */
    void (*link)(void *arg, uint32_t pid, bool up);
    /* While this node is PEER_NEW: what another one said that has the secret. It is valid during
     * the call, which may call peer_identify. */
    void (*greeted)(void *arg, const struct peer_greeting *greeting);
    /* A member wants to connect. NULL: it may; otherwise why not, valid until the next call. */
    const char *(*admit)(void *arg, const struct peer_greeting *greeting);
    /* A member has connected that is at another address than this node knew; it is dialled there
     * from now on. */
    void (*moved)(void *arg, const struct peer_member *member);
    void *arg;
};

struct peer;

/* Makes the vhost for /omnipax in `context` and begins to dial. The config is copied. The context
 * must have been made with LWS_SERVER_OPTION_LIBUV, LWS_SERVER_OPTION_EXPLICIT_VHOSTS and `loop` as
 * foreign loop; no other vhost of it may have CONTEXT_PORT_NO_LISTEN as its port (libwebsockets
 * would choose between them by the Host header); `max_http_header_data` = PEER_HEADERS_MAX, so that
 * a handshake fits; `pt_serv_buf_size` = PEER_PIECE_BYTES lets it read a whole message at once.
 * Returns 0, -EINVAL (an address, the secret), -ENOMEM or -EIO with the fault's text. */
int peer_start(uv_loop_t *loop, struct lws_context *context, const struct peer_config *config,
               const struct peer_callbacks *callbacks, struct peer **peer, struct fault *fault);

/* Where the listener hands accepted sockets that ask for /omnipax. Takes the descriptor. `secure`:
 * the other end has proved that it is a node. */
void peer_adopt(struct peer *peer, int fd, const struct sockaddr *from, bool secure);

/* Another identity, because a PEER_NEW or PEER_FOUNDING node has learned more, or because a member
 * has moved. Links whose id and address stay are not disturbed. 0, or -EINVAL with the
 * fault's text (an address): then nothing has changed. */
int peer_identify(struct peer *peer, const struct peer_identity *identity, struct fault *fault);

/* The cluster has reached this feature level: from now on nodes that do not speak it are refused.
 */
void peer_set_level(struct peer *peer, uint32_t level);

/* The levels that a linked peer speaks. Returns false if it is not linked: it may come back as
 * another version. */
bool peer_speaks(const struct peer *peer, uint32_t pid, struct peer_levels *levels);

/* What the peer said when it connected last. Returns false if it has said nothing. */
bool peer_settings(const struct peer *peer, uint32_t pid, struct peer_settings *settings);

/* What is wrong with an address, as far as this node sees. */
enum peer_address {
    PEER_ADDRESS_FINE,   /* nothing, or nothing is known */
    PEER_ADDRESS_OWN,    /* it leads to this node itself */
    PEER_ADDRESS_FOREIGN /* a node answers there, but none has connected that says it is there */
};
enum peer_address peer_address(const struct peer *peer, uint32_t pid);

/* Queues a frame; `from` is filled in, `to` must be another node. It leaves in this turn of the
 * loop or the next, with everything else that was queued. Dropped (and counted) when the peer
 * cannot be reached or its queue is full. Callbacks are never called from here. */
void peer_send(struct peer *peer, const struct frame *frame);

bool peer_linked(const struct peer *peer, uint32_t pid);
/* Whether both directions of a link that stands are encrypted. */
bool peer_is_encrypted(const struct peer *peer, uint32_t pid);

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
